"""Answers to the exercises of chapter 16."""

import numpy as np

from answers import right, wrong


@right("16.1")
def difference_interval(first, seeds, second, others):
    from scipy import stats

    there = sorted(set(seeds.tolist()) & set(others.tolist()))
    a = dict(zip(seeds.tolist(), first, strict=True))
    b = dict(zip(others.tolist(), second, strict=True))
    x = np.array([a[one] - b[one] for one in there])
    return (x.mean(), *stats.t.interval(0.95, len(x) - 1, x.mean(), stats.sem(x)))


@right("16.1")
def difference_interval(first, seeds, second, others):
    from scipy import stats

    _, i, j = np.intersect1d(seeds, others, return_indices=True)
    x = first[i] - second[j]
    reach = stats.t.ppf(0.975, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x))
    return x.mean(), x.mean() - reach, x.mean() + reach


@wrong("16.1", "not matched")
def difference_interval(first, seeds, second, others):
    from scipy import stats

    n = min(len(first), len(second))
    x = first[:n] - second[:n]
    reach = stats.t.ppf(0.975, n - 1) * x.std(ddof=1) / np.sqrt(n)
    return x.mean(), x.mean() - reach, x.mean() + reach


@wrong("16.1", "two independent means")
def difference_interval(first, seeds, second, others):
    from scipy import stats

    _, i, j = np.intersect1d(seeds, others, return_indices=True)
    a, b = first[i], second[j]
    mean = a.mean() - b.mean()
    reach = stats.t.ppf(0.975, 2 * len(a) - 2) * np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
    return mean, mean - reach, mean + reach


@wrong("16.1", "1.96 is for a spread that is known")
def difference_interval(first, seeds, second, others):
    _, i, j = np.intersect1d(seeds, others, return_indices=True)
    x = first[i] - second[j]
    reach = 1.96 * x.std(ddof=1) / np.sqrt(len(x))
    return x.mean(), x.mean() - reach, x.mean() + reach


@wrong("16.1", "ddof=1")
def difference_interval(first, seeds, second, others):
    from scipy import stats

    _, i, j = np.intersect1d(seeds, others, return_indices=True)
    x = first[i] - second[j]
    reach = stats.t.ppf(0.975, len(x) - 1) * x.std() / np.sqrt(len(x))
    return x.mean(), x.mean() - reach, x.mean() + reach


@wrong("16.1", "one tail only")
def difference_interval(first, seeds, second, others):
    from scipy import stats

    _, i, j = np.intersect1d(seeds, others, return_indices=True)
    x = first[i] - second[j]
    reach = stats.t.ppf(0.95, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x))
    return x.mean(), x.mean() - reach, x.mean() + reach


@right("16.2")
def may_give_away(mine, theirs, images):
    found = []
    for one in theirs:
        allowed = not (one & 4) or mine & 4
        if images:
            allowed = allowed and not one & 8 and (not one & 2 or mine == one)
        found.append(int(bool(allowed)))
    return np.array(found)


@right("16.2")
def may_give_away(mine, theirs, images):
    ok = (theirs & 4 & ~mine) == 0
    if images:
        ok &= (theirs & 8) == 0
        ok &= ((theirs & 2) == 0) | (theirs == mine)
    return ok


@wrong("16.2", "*unpaid* is missing")
def may_give_away(mine, theirs, images):
    ok = np.ones(len(theirs), bool)
    if images:
        ok &= (theirs & 8) == 0
        ok &= ((theirs & 2) == 0) | (theirs == mine)
    return ok


@wrong("16.2", "forbids images, not all")
def may_give_away(mine, theirs, images):
    ok = ((theirs & 4 & ~mine) == 0) & ((theirs & 8) == 0)
    if images:
        ok &= ((theirs & 2) == 0) | (theirs == mine)
    return ok


@wrong("16.2", "need not be the same")
def may_give_away(mine, theirs, images):
    ok = (theirs & 4 & ~mine) == 0
    if images:
        ok &= (theirs & 8) == 0
        ok &= ((theirs & 2) == 0) | (mine & 2 > 0)
    return ok


@wrong("16.2", "It binds every use")
def may_give_away(mine, theirs, images):
    if not images:
        return np.ones(len(theirs))
    return ((theirs & 4 & ~mine) == 0) & ((theirs & 8) == 0) & (((theirs & 2) == 0) | (theirs == mine))


@wrong("16.2", "It forbids nothing")
def may_give_away(mine, theirs, images):
    ok = (theirs & 5 & ~mine) == 0
    if images:
        ok &= (theirs & 8) == 0
        ok &= ((theirs & 2) == 0) | (theirs == mine)
    return ok


@right("16.3")
def seeds_planned(gaps, delta, alpha, power):
    from scipy import stats

    k = len(gaps)
    s = gaps.std(ddof=1) * np.sqrt((k - 1) / stats.chi2.ppf(0.2, k - 1))
    z = stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power)
    return max(3, int(np.ceil((z * s / delta) ** 2)))


@right("16.3")
def seeds_planned(gaps, delta, alpha, power):
    from statistics import NormalDist, variance

    from scipy import stats

    limit = variance(gaps.tolist()) * (len(gaps) - 1) / stats.chi2.isf(0.8, len(gaps) - 1)
    z, n = NormalDist().inv_cdf, 3
    while limit / n > (delta / (z(1 - alpha / 2) + z(power))) ** 2:
        n += 1
    return n


@wrong("16.3", "taken as it is")
def seeds_planned(gaps, delta, alpha, power):
    from scipy import stats

    z = stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power)
    return max(3, int(np.ceil((z * gaps.std(ddof=1) / delta) ** 2)))


@wrong("16.3", "a lower one")
def seeds_planned(gaps, delta, alpha, power):
    from scipy import stats

    k = len(gaps)
    s = gaps.std(ddof=1) * np.sqrt((k - 1) / stats.chi2.ppf(0.8, k - 1))
    z = stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power)
    return max(3, int(np.ceil((z * s / delta) ** 2)))


@wrong("16.3", "differences already")
def seeds_planned(gaps, delta, alpha, power):
    from scipy import stats

    k = len(gaps)
    s = gaps.std(ddof=1) * np.sqrt((k - 1) / stats.chi2.ppf(0.2, k - 1))
    z = stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power)
    return max(3, int(np.ceil(2 * (z * s / delta) ** 2)))


@wrong("16.3", "one-sided")
def seeds_planned(gaps, delta, alpha, power):
    from scipy import stats

    k = len(gaps)
    s = gaps.std(ddof=1) * np.sqrt((k - 1) / stats.chi2.ppf(0.2, k - 1))
    z = stats.norm.ppf(1 - alpha) + stats.norm.ppf(power)
    return max(3, int(np.ceil((z * s / delta) ** 2)))


@wrong("16.3", "the last seed is needed")
def seeds_planned(gaps, delta, alpha, power):
    from scipy import stats

    k = len(gaps)
    s = gaps.std(ddof=1) * np.sqrt((k - 1) / stats.chi2.ppf(0.2, k - 1))
    z = stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power)
    return max(3, int((z * s / delta) ** 2))
