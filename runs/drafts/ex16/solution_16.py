# The cells of solutions/16_capstone/16_capstone.ipynb, one block each (to be given nbgrader's metadata from another exercise).
# ---- head (markdown)
# # Exercises 16: capstone
#
# Three exercises, 7 points, for [chapter 16](../../notebooks/16_capstone.ipynb): the interval of a difference, what licences allow, a plan from a small pilot. Write each function where it says so, run its cell, then the check below it. A check tries your function on new random numbers each time and names the mistake where it is a known one; from try to try it says more.
# ---- task-16-1 (markdown)
# ## 16.1 The interval of a difference (2 points)
#
# Two ways were run with several seeds. `first` (N,) are the scores of the first way, `seeds` (N,) their seeds; `second` (M,) and `others` (M,) the same for the second way, **in another order**, and some seeds may be in one of them only. Take the seeds that both have as pairs. Return the mean of first − second, and the low and the high end of its 95 % interval. `stats.t.ppf(p, freedom)` is Student's quantile.
# ---- answer-16-1
def difference_interval(first, seeds, second, others):
    """Mean of first - second over common seeds, low and high end of its 95 % interval: three numbers."""
    from scipy import stats

    ### BEGIN SOLUTION
    _, i, j = np.intersect1d(seeds, others, return_indices=True)
    x = first[i] - second[j]
    reach = stats.t.ppf(0.975, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x))
    return x.mean(), x.mean() - reach, x.mean() + reach
    ### END SOLUTION
# ---- check-16-1: checks.check("16.1", difference_interval)   points 2
# ---- task-16-2 (markdown)
# ## 16.2 What the data's licences allow (2 points)
#
# Here a licence is a sum of flags: 1 *name* the makers, 2 pass images on under the *same* licence, 4 *unpaid* use only, 8 leave images *unchanged*. `mine` is your project's, `theirs` (N,) are its data's; `images`: whether worked-on images are given away. Return (N,), 1 if allowed, else 0:
#
# - *unpaid* data need an unpaid project, whatever is given away;
# - images of *same* data need a project with exactly their flags;
# - worked-on images of *unchanged* data stay;
# - *name* forbids nothing.
#
# **a.** What of real licences does this leave out?
# ---- answer-16-2
def may_give_away(mine, theirs, images):
    """1 where a project of licence `mine` may rest on data of the licences theirs (N,), else 0: (N,)."""
    ### BEGIN SOLUTION
    allowed = (theirs & 4 & ~mine) == 0
    if images:
        allowed &= (theirs & 8) == 0
        allowed &= ((theirs & 2) == 0) | (theirs == mine)
    return allowed.astype(int)
    ### END SOLUTION
# ---- check-16-2: checks.check("16.2", may_give_away)   points 2
# ---- task-16-3 (markdown)
# ## 16.3 Design: a plan from a small pilot (3 points)
#
# A pilot gave paired differences `gaps` (K,). Their standard deviation $s$ is too small in half of all pilots. Browne (1995) plans with an upper limit, which holds in four of five:
#
# $$s_\text{up} = s\sqrt{\frac{K-1}{\chi^2_{0.2}}}$$
#
# with $\chi^2_{0.2}$ = `stats.chi2.ppf(0.2, K - 1)`. Return the smallest number of seeds, at least 3, by the chapter's formula with $s_\text{up}$: a true difference `delta` shall be claimed, either way at the level `alpha`, with the given `power`.
#
# **b.** How many more seeds does a pilot of 3 ask for than one of 8 with the same $s$?
# ---- answer-16-3
def seeds_planned(gaps, delta, alpha, power):
    """Smallest number of seeds, an integer >= 3."""
    from statistics import NormalDist

    from scipy import stats

    ### BEGIN SOLUTION
    k, z = len(gaps), NormalDist().inv_cdf
    upper = gaps.std(ddof=1) * np.sqrt((k - 1) / stats.chi2.ppf(0.2, k - 1))
    return max(3, int(np.ceil(((z(1 - alpha / 2) + z(power)) * upper / delta) ** 2)))
    ### END SOLUTION
# ---- check-16-3: checks.check("16.3", seeds_planned)   points 3
# ---- answers to the open questions
# a. Versions of one licence and which later ones they allow; what counts as a change; texts, code and data each have their own kinds; the law itself, which allows some uses whatever a licence says; and whether weights are a change of the data.
# b. √((K-1)/χ²) squared: K = 3 gives 2 / 0.446 = 4.48, K = 8 gives 7 / 3.822 = 1.83: 2.4 times as many.
