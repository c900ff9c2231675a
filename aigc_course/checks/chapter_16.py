"""Exercises of chapter 16: intervals, licences, plans."""

import numpy as np

from aigc_course.checks.exercise import Exercise
from aigc_course.checks.quantiles import chi2, normal, student

__all__ = ["EXERCISES"]


def _pair_cases(rng):
    """(first, its seeds, second, its seeds): in other orders, with seeds that only one has; two pairs and more."""
    cases = []
    for both, more, less in ((6, 0, 0), (5, 2, 1), (3, 1, 1), (2, 2, 0), (9, 0, 3), (4, 2, 2)):
        seeds = rng.permutation(100)[: both + more + less]
        common = rng.normal(0, 3, len(seeds)) + 20  # what the two share: a lucky seed is lucky for both
        first = common + rng.normal(1, 0.5, len(seeds))
        second = common + rng.normal(0, 0.5, len(seeds))
        mine, theirs = np.arange(both + more), np.r_[np.arange(both), np.arange(both + more, len(seeds))]
        mine, theirs = rng.permutation(mine), rng.permutation(theirs)
        cases.append((first[mine], seeds[mine], second[theirs], seeds[theirs]))
    return cases


def _gaps(first, seeds, second, others):
    """Differences of the seeds that both have."""
    there = np.intersect1d(seeds, others)
    return np.array([first[seeds == one][0] - second[others == one][0] for one in there])


def _interval(x, quantile=None, ddof=1, root=True):
    """(mean, low, high); the options are mistakes."""
    reach = (quantile or student(0.975, len(x) - 1)) * x.std(ddof=ddof) / (np.sqrt(len(x)) if root else 1)
    return x.mean(), x.mean() - reach, x.mean() + reach


def _difference(first, seeds, second, others, **options):
    return _interval(_gaps(first, seeds, second, others), **options)


def _of_two(first, seeds, second, others):
    """The interval of two independent means, for the seeds that both have."""
    there = np.intersect1d(seeds, others)
    a, b = first[np.isin(seeds, there)], second[np.isin(others, there)]
    mean, k = a.mean() - b.mean(), len(there)
    reach = student(0.975, 2 * k - 2) * np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / k)
    return mean, mean - reach, mean + reach


def _in_order(first, seeds, second, others):
    n = min(len(first), len(second))
    return _interval(first[:n] - second[:n])


_NAME, _SAME, _UNPAID, _UNCHANGED = 1, 2, 4, 8


def _licence_cases(rng):
    """(mine, theirs (N,), images): every kind of data, for projects of several kinds, with and without images."""
    cases = []
    for mine in rng.permutation([0, _NAME, _NAME | _SAME, _NAME | _UNPAID, _NAME | _SAME | _UNPAID]):
        for images in (True, False):
            cases.append((int(mine), rng.permutation(16), images))
    return cases


def _may(mine, theirs, images, same=lambda mine, theirs: mine == theirs, always=False):
    """1 where the project may be given away, else 0; the options are mistakes."""
    unpaid = ((theirs & _UNPAID) == 0) | (mine & _UNPAID > 0)
    as_it_is = ((theirs & _UNCHANGED) == 0) | (not images)
    alike = ((theirs & _SAME) == 0) | (not images and not always) | same(mine, theirs)
    return (unpaid & as_it_is & alike).astype(int)


def _plan_cases(rng):
    """(gaps of a pilot (K,), delta, alpha, power): the exact number lies between two whole ones; once the least."""
    cases = []
    for k, exact in zip(rng.permutation([3, 4, 5, 8, 5, 6]), (14.3, 60.6, 27.5, 101.4, 5.35, 0.4), strict=True):
        gaps = rng.normal(0.5, 1, k)
        alpha, power = float(rng.choice([0.05, 0.01, 0.1])), float(rng.choice([0.8, 0.9]))
        exact += 2 * int(rng.integers(4)) * (exact > 1)
        delta = (normal(1 - alpha / 2) + normal(power)) * _upper(gaps) / np.sqrt(exact)
        cases.append((gaps, float(delta), alpha, power))
    return cases


def _upper(gaps, level=0.2, ddof=1):
    """What the spread is below in four of five pilots (Browne, 1995)."""
    k = len(gaps)
    return gaps.std(ddof=ddof) * np.sqrt((k - 1) / chi2(level, k - 1))


def _seeds(gaps, delta, alpha, power, spread=_upper, sides=2, factor=1.0, least=3, whole=np.ceil):
    exact = factor * ((normal(1 - alpha / sides) + normal(power)) * spread(gaps) / delta) ** 2
    return max(least, int(whole(exact)))


def _slip(hint, **options):
    return hint, lambda *plan: _seeds(*plan, **options)


EXERCISES = (
    Exercise(
        key="16.1",
        function="difference_interval",
        title="The interval of a difference",
        points=2,
        checked="mean and both ends for six tables, in other orders and with seeds that only one way has",
        cases=_pair_cases,
        expected=_difference,
        outputs=3,
        rtol=1e-3,
        look="chapter 16, «Measure»",
        onward="Find the seeds that both have, and bring both rows into one order. Then there is one row of "
        "differences, and the chapter's interval of a mean.",
        hints=(
            (
                "the rows are not matched: value k of both need not be of one seed. Bring them into one order.",
                _in_order,
            ),
            (
                "that is the interval of two independent means. What a seed does to both falls out in pairs.",
                _of_two,
            ),
            (
                "1.96 is for a spread that is known. From few seeds it is t.",
                lambda *v: _difference(*v, quantile=1.959964),
            ),
            ("the spread of a sample divides by k - 1: ddof=1.", lambda *v: _difference(*v, ddof=0)),
            ("that is where *one* seed falls; a mean of k has s / √k.", lambda *v: _difference(*v, root=False)),
            (
                "t of 0.95 leaves one tail only: 95 % between two ends is the quantile of 0.975.",
                lambda *v: _interval(_gaps(*v), quantile=student(0.95, len(_gaps(*v)) - 1)),
            ),
            (
                "t has k - 1 degrees of freedom, not k.",
                lambda *v: _interval(_gaps(*v), quantile=student(0.975, len(_gaps(*v)))),
            ),
            ("that is ± one standard error.", lambda *v: _difference(*v, quantile=1.0)),
            ("the wrong way round: first less second.", lambda a, s, b, t: _difference(b, t, a, s)),
        ),
    ),
    Exercise(
        key="16.2",
        function="may_give_away",
        title="What the data's licences allow",
        points=2,
        checked="sixteen kinds of data for five kinds of project, with images and without",
        cases=_licence_cases,
        expected=_may,
        rtol=0.0,
        look="chapter 16, «Whose data is it»",
        onward="Write one condition for each of the flags 2, 4 and 8, true where it forbids nothing. `theirs & 4` is 0 "
        "where the flag is not set. The answer is where all three hold.",
        hints=(
            (
                "*same* holds for the images only: where none are given away it asks for nothing here.",
                lambda m, t, i: _may(m, t, i, always=True),
            ),
            (
                "a project that is *same* too need not be the same: all of its flags must be those of the data.",
                lambda m, t, i: _may(m, t, i, same=lambda m, t: np.full(t.shape, m & _SAME > 0)),
            ),
            (
                "*unpaid* is missing: data not for sale need a project that is not for sale, images or none.",
                lambda m, t, i: _may(m, t & ~_UNPAID, i, same=lambda m, _: m == t),
            ),
            (
                "*unpaid* was asked for where images are given away only. It binds every use.",
                lambda m, t, i: _may(m, t, i) if i else np.ones(len(t), int),
            ),
            (
                "*unchanged* is missing: images that were worked on may not be given away.",
                lambda m, t, i: _may(m, t & ~_UNCHANGED, i, same=lambda m, _: m == t),
            ),
            (
                "*unchanged* forbids images, not all.",
                lambda m, t, i: _may(m, t, i) * ((t & _UNCHANGED) == 0),
            ),
            (
                "*name* asks for a name. It forbids nothing.",
                lambda m, t, i: _may(m, t, i) * (((t & _NAME) == 0) | (m & _NAME > 0)),
            ),
            ("that is where it is *forbidden*: 1 is allowed.", lambda m, t, i: 1 - _may(m, t, i)),
            ("one answer for each data set was asked for.", lambda m, t, i: _may(m, t, i).min()),
        ),
    ),
    Exercise(
        key="16.3",
        function="seeds_planned",
        title="Design: a plan from a small pilot",
        points=3,
        checked="six pilots of three to eight seeds, one that the least number is enough for",
        cases=_plan_cases,
        expected=_seeds,
        rtol=0.0,
        look="chapter 16, «How many seeds»",
        onward="First the upper limit of the spread: s √((K - 1) / χ²), with χ² the quantile of 0.2. Then the "
        "chapter's k with it in the place of s.",
        hints=(
            _slip(
                "the pilot's s was taken as it is: from few seeds it is too small in more than half of all pilots. "
                "Plan with its upper limit.",
                spread=lambda gaps: gaps.std(ddof=1),
            ),
            _slip(
                "the quantile of 0.8 makes the limit a lower one: dividing by a *small* χ² makes it wide.",
                spread=lambda gaps: _upper(gaps, 0.8),
            ),
            _slip("the spread of a sample divides by K - 1: ddof=1.", spread=lambda gaps: _upper(gaps, ddof=0)),
            _slip(
                "the root is missing: χ² belongs to the variance, s is its root.",
                spread=lambda gaps: gaps.std(ddof=1) * (len(gaps) - 1) / chi2(0.2, len(gaps) - 1),
            ),
            _slip("a factor of 2: it belongs to two independent means. These are differences already.", factor=2.0),
            _slip("one-sided: a claim in either direction shares alpha between two tails.", sides=1),
            _slip("rounded down: the last seed is needed too.", whole=np.floor),
            _slip("three at least: two seeds have a t of 12.7.", least=1),
            _slip("two at least is not three at least.", least=2),
            (
                "the power is forgotten: at the threshold itself half of the studies miss it.",
                lambda g, d, a, p: max(3, int(np.ceil((normal(1 - a / 2) * _upper(g) / d) ** 2))),
            ),
        ),
    ),
)
