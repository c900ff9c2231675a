"""Exercises of chapter 05: measuring quality."""

import functools

import numpy as np

from aigc_course.checks.copying import CELL_MISTAKES, cell_cases, data_copying
from aigc_course.checks.exercise import Exercise
from aigc_course.checks.formulas import distances

__all__ = ["EXERCISES", "copy_share", "mixture", "precision", "seeds_needed", "share_below", "to_nearest"]


def _gaussian_cases(rng):
    """(mean, deviation) of the data and of the other Gaussian, its share: equal means, equal deviations, share 1."""
    cases = []
    for narrow in (True, True, False, False):
        pair = [(rng.normal(0, 3), rng.uniform(0.3, 2)), (rng.normal(0, 3), rng.uniform(2.2, 4))]
        cases.append([float(v) for v in (*pair[not narrow], *pair[narrow], rng.uniform(0.1, 0.45))])
    cases[1][4] = 1 - cases[1][4]
    (m, s, _, t, p), (n, u, _, _, q) = cases[0], cases[3]
    more = (m, s, m, t, q), (n, u, n + 1.5, u, p), (n, u, m, s, 1.0)
    return [tuple(case) for case in (*cases, *more)]


def _moments(m, s, n, t, p):
    """Mean and variance of the mixture: with probability p from the second Gaussian."""
    return (1 - p) * m + p * n, (1 - p) * s**2 + p * t**2 + p * (1 - p) * (m - n) ** 2


def mixture(m, s, n, t, p, moments=_moments):
    """The squared Fréchet distance of N(m, s²) to the mixture; other `moments` are mistakes."""
    mean, variance = moments(m, s, n, t, p)
    return (mean - m) ** 2 + (np.sqrt(variance) - s) ** 2


def _cloud_cases(rng):
    """(real (N, 2), fake (M, 2), k), the fakes shifted and wider; N is even, and the median lies between two radii."""
    sizes = ((30, 80), (40, 133), (40, 133), (50, 127), (36, 150), (30, 80), (30, 80))
    cases = []
    for (n, m), k in zip(sizes, rng.permutation([1, 2, 3, 4, 5, 3, 7]), strict=True):
        gap = 0.0
        while gap < 1e-4:  # two balls of one radius, one of them kept: rounding would decide
            real = rng.normal(0, 1, (n, 2))
            middle = np.sort(_radii(real, k))[n // 2 - 1 : n // 2 + 1]
            gap = middle[1] - middle[0]
        cases.append((real, rng.normal(0.7, 1.6, (m, 2)), int(k)))
    edge = np.zeros((10, 2)), np.zeros((8, 2))  # whole numbers on a line: fakes exactly on the edge of a ball
    edge[0][:, 0] = np.r_[0:20:2] + 10 * rng.integers(5)
    edge[1][:, 0] = edge[0].max() + np.array([-1, 0, 0, 2, 4, 4, 5, 9])
    return [*cases, (*edge, 2)]


def _radii(x, k):
    """Distance to the k-th neighbour, oneself not counted."""
    return np.sort(distances(x, x), axis=1)[:, k]


def _not_wide(radii):
    return radii <= np.median(radii)


def _inside(real, fake, k, keep=_not_wide, near=np.less_equal):
    """(M, balls that are kept): which fake lies in which ball."""
    radii = _radii(real, k)
    kept = keep(radii)
    return near(distances(fake, real)[:, kept], radii[kept])


def precision(real, fake, k, **options):
    return _inside(real, fake, k, **options).any(axis=1).mean()


def _in_nearest_ball(real, fake, k):
    """Only the ball of the nearest real sample counts."""
    radii = _radii(real, k)
    kept = _not_wide(radii)
    d = distances(fake, real)[:, kept]
    return (d.min(axis=1) <= radii[kept][d.argmin(axis=1)]).mean()


def _copy_cases(rng):
    """(fake (N, F), train (M, F), test (T, F), quantile); some fakes near training samples."""
    cases = []
    sizes = ((240, 60, 30), (230, 50, 44), (260, 40, 40), (250, 70, 24), (220, 32, 34), (240, 60, 30))
    quantiles = rng.permutation([0.05, 0.1, 0.1, *rng.uniform(0.08, 0.35, 3)])
    for (n, m, t), q in zip(sizes, quantiles, strict=True):
        train, test = rng.normal(0, 1, (m, 3)), rng.normal(0.1, 1, (t, 3))
        close = train[rng.integers(0, m, n)] + rng.normal(0, 1, (n, 3)) * rng.uniform(0.02, 0.8, (n, 1))
        cases.append((close, train, test, float(q)))
    train, test, fake = np.zeros((3, 3)), np.zeros((20, 3)), np.zeros((12, 3))  # whole numbers: ratios of 10 to 30
    train[:, 0] = [0, 40, 80]
    test[:, 0] = rng.permutation(np.repeat([2, 10, 15, 19], 5))
    fake[:, 0] = rng.permutation([0, 1, 10, 10, 30, 50, 70, 20, 15, 25, 44, 78])
    return [*cases, (fake, train, test, 0.3)]


def to_nearest(a, b, first=0):
    """How near the nearest of b is for each of a, as a share of the distance to the second nearest."""
    near = np.sort(distances(a, b), axis=1)
    return near[:, first] / near[:, first + 1]


def share_below(values, threshold):
    return (values <= threshold).mean()


def copy_share(fake, train, test, q, nearness=to_nearest):
    return share_below(nearness(fake, train), np.quantile(nearness(test, train), q))


def _seeds_cases(rng):
    """(spread of one run, difference, alpha, power): the exact n lies between two whole numbers, once below 1."""
    levels = zip(
        rng.permutation([0.05, 0.01, 0.1, 0.02, 0.05]), rng.permutation([0.8, 0.9, 0.95, 0.6, 0.85]), strict=True
    )
    cases = []
    for (whole, rest), (alpha, power) in zip(
        ((28, 0.3), (140, 0.2), (97, 0.75), (5, 0.4), (0, 0.3)), levels, strict=True
    ):
        spread, exact = float(rng.uniform(0.8, 2.0)), whole + 2 * int(rng.integers(4)) * (whole > 0) + rest
        both = _z(1 - alpha / 2) + _z(power)
        cases.append((spread, float(both * spread * np.sqrt(2 / exact)), float(alpha), float(power)))
    return cases


def _z(p):
    """The quantile of the standard normal distribution."""
    return np.interp(p, *_normal())


@functools.cache
def _normal():
    """(distribution function, x): the density summed up on a fine grid."""
    x = np.linspace(-8, 8, 160_001)
    density = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    return np.cumsum((density[1:] + density[:-1]) / 2) * (x[1] - x[0]), x[1:]


def _exact(s, d, alpha, power, factor=2.0, root=1.0, sides=2, z_power=_z):
    """The exact n; the options are mistakes."""
    return factor * ((_z(1 - alpha / sides) + z_power(power)) * s / d) ** (2 * root)


def seeds_needed(s, d, alpha, power, **options):
    return max(2, np.ceil(_exact(s, d, alpha, power, **options)))


def _slip(hint, **options):
    """A misconception about 05.4."""
    return hint, lambda *plan: seeds_needed(*plan, **options)


EXERCISES = (
    Exercise(
        key="05.1",
        function="frechet_1d",
        title="A generator that errs now and then",
        points=2,
        checked="seven mixtures, one with equal means, one with equal deviations, one that is all error",
        cases=_gaussian_cases,
        expected=mixture,
        hints=(
            ("that is the root. The course (and FID) keeps the square.", lambda *v: np.sqrt(mixture(*v))),
            (
                "the variance of the mixture lacks what the two means add: p (1 - p) times their squared difference.",
                lambda *v: mixture(
                    *v, moments=lambda m, s, n, t, p: (_moments(m, s, n, t, p)[0], (1 - p) * s**2 + p * t**2)
                ),
            ),
            (
                "standard deviations do not average, variances do (and the means add their part).",
                lambda *v: mixture(*v, moments=lambda m, s, n, t, p: ((1 - p) * m + p * n, ((1 - p) * s + p * t) ** 2)),
            ),
            (
                "you took the second and fourth argument for variances; they are standard deviations.",
                lambda m, s, n, t, p: mixture(m, np.sqrt(s), n, np.sqrt(t), p),
            ),
            (
                "A and B are variances in A + B - 2 √(AB); you put in standard deviations.",
                lambda m, s, n, t, p: (p * (m - n)) ** 2 + (_moments(m, s, n, t, p)[1] ** 0.25 - s**0.5) ** 2,
            ),
            (
                "you compared the variances. The distance compares standard deviations.",
                lambda m, s, n, t, p: (p * (m - n)) ** 2 + (_moments(m, s, n, t, p)[1] - s**2) ** 2,
            ),
            (
                "that is the share times the distance of the two Gaussians. A distance is taken from the moments of "
                "the whole mixture.",
                lambda m, s, n, t, p: p * mixture(m, s, n, t, 1.0),
            ),
            (
                "the shares are exchanged: `share` of the samples are errors.",
                lambda m, s, n, t, p: mixture(m, s, n, t, 1 - p),
            ),
            (
                "that is the distance to the errors, not to the data.",
                lambda m, s, n, t, p: mixture(n, t, m, s, 1 - p),
            ),
            (
                "that is the distance of the errors alone: the share was not used.",
                lambda m, s, n, t, p: mixture(m, s, n, t, 1.0),
            ),
            ("only the means are compared.", lambda m, s, n, t, p: (p * (m - n)) ** 2),
            (
                "that is the variance of a weighted *sum*. In a mixture each sample comes from one of the two.",
                lambda *v: mixture(
                    *v, moments=lambda m, s, n, t, p: ((1 - p) * m + p * n, ((1 - p) * s) ** 2 + (p * t) ** 2)
                ),
            ),
        ),
        look="chapter 05, «The Fréchet distance once more»",
        onward="E[x²] of a mixture is the same weighted mean as E[x]. Its variance is E[x²] - (E[x])²; then use the "
        "formula for one feature.",
    ),
    Exercise(
        key="05.2",
        function="precision",
        title="Precision without the wide balls",
        points=2,
        checked="seven pairs of point clouds with k from 1 to 7, and one with fakes exactly on the edge of a ball",
        cases=_cloud_cases,
        expected=precision,
        hints=(
            (
                "that is the chapter's precision: the balls wider than the median must go.",
                lambda r, f, k: precision(r, f, k, keep=lambda radii: radii > 0),
            ),
            (
                "a ball exactly as wide as the median is kept: at most, not below.",
                lambda r, f, k: precision(r, f, k, keep=lambda x: x < np.median(x)),
            ),
            (
                "you kept the wide balls, and left out the others.",
                lambda r, f, k: precision(r, f, k, keep=lambda x: x >= np.median(x)),
            ),
            (
                "you compared the radii with their mean, which a few wide balls pull up; the median was asked for.",
                lambda r, f, k: precision(r, f, k, keep=lambda x: x <= x.mean()),
            ),
            (
                "that is a share of *balls*: those that hold a fake (coverage). Count the fakes that a ball holds.",
                lambda r, f, k: _inside(r, f, k).any(axis=0).mean(),
            ),
            (
                "that is a share of *balls*, of all of them. Count the fakes that a kept ball holds.",
                lambda r, f, k: _inside(r, f, k).any(axis=0).sum() / len(r),
            ),
            (
                "that is recall: real samples within the balls of the fakes. Precision asks about the fakes.",
                lambda r, f, k: precision(f, r, k),
            ),
            (
                "the k-th neighbour is one too near: each sample found itself as its first neighbour.",
                lambda r, f, k: precision(r, f, k - 1),
            ),
            (
                "the k-th neighbour is one too far: count from 1, oneself left out.",
                lambda r, f, k: precision(r, f, k + 1),
            ),
            (
                "each ball has its own radius. You used one, the median, for all.",
                lambda r, f, k: (distances(f, r) <= np.median(_radii(r, k))).any(axis=1).mean(),
            ),
            (
                "only the ball of the nearest real sample was tried. A larger ball farther off may hold the fake too.",
                _in_nearest_ball,
            ),
            ("that is the share outside.", lambda r, f, k: 1 - precision(r, f, k)),
            (
                "squared distances were compared with radii that are not squared.",
                lambda r, f, k: precision(r, f, k, near=lambda d, radii: d**2 <= radii),
            ),
            (
                "you counted all pairs. A fake counts once if *any* ball holds it.",
                lambda r, f, k: _inside(r, f, k).mean(),
            ),
            ("a fake on the edge of a ball is inside: ≤, not <.", lambda r, f, k: precision(r, f, k, near=np.less)),
            ("a number of fakes came; the share of them was asked for.", lambda r, f, k: precision(r, f, k) * len(f)),
        ),
        look="chapter 05, «Precision and recall»",
        onward="Find the radii of all balls first. A comparison with their median says which stay; take these columns "
        "of the distances between fakes and reals.",
    ),
    Exercise(
        key="05.3",
        function="copy_share",
        title="Who copies, whatever the class",
        points=2,
        checked="seven sets of samples, with quantiles from 0.05 to 0.35, one with fakes exactly at the threshold",
        cases=_copy_cases,
        expected=copy_share,
        hints=(
            (
                "that is the chapter's test, by plain distances. Divide by the distance to the second nearest sample.",
                lambda f, x, t, q: copy_share(f, x, t, q, lambda a, b: distances(a, b).min(axis=1)),
            ),
            (
                "`train` and `test` are exchanged: copies lie near training samples; unseen real ones set the scale.",
                lambda f, x, t, q: copy_share(f, t, x, q),
            ),
            (
                "the ratio is turned over: nearest by second nearest, so that a copy has 0.",
                lambda f, x, t, q: copy_share(f, x, t, q, lambda a, b: 1 / to_nearest(a, b)),
            ),
            (
                "that is one place too far: second by third nearest.",
                lambda f, x, t, q: copy_share(f, x, t, q, lambda a, b: to_nearest(a, b, 1)),
            ),
            (
                "the difference of the two distances came; their ratio was asked for.",
                lambda f, x, t, q: copy_share(f, x, t, q, lambda a, b: -np.diff(np.sort(distances(a, b))[:, :2])[:, 0]),
            ),
            (
                "the threshold comes from the fakes themselves: then their share is the quantile, copies or not.",
                lambda f, x, t, q: copy_share(f, x, f, q),
            ),
            (
                "the threshold comes from ratios within the training set. Unseen real samples set it.",
                lambda f, x, t, q: share_below(to_nearest(f, x), np.quantile(to_nearest(x, x, 1), q)),
            ),
            (
                "the nearest of the fakes were sought in the test set. Only training samples can be copied.",
                lambda f, x, t, q: share_below(to_nearest(f, t), np.quantile(to_nearest(t, x), q)),
            ),
            ("that is the share *beyond* the threshold.", lambda f, x, t, q: 1 - copy_share(f, x, t, q)),
            (
                "a fake exactly at the threshold is suspicious: ≤, not <.",
                lambda f, x, t, q: (to_nearest(f, x) < np.quantile(to_nearest(t, x), q)).mean(),
            ),
            (
                "a number of fakes came; the share of them was asked for.",
                lambda f, x, t, q: copy_share(f, x, t, q) * len(f),
            ),
            ("the quantile was taken from the far end: 1 - quantile.", lambda f, x, t, q: copy_share(f, x, t, 1 - q)),
            (
                "the threshold is the mean ratio; the quantile was not used.",
                lambda f, x, t, q: share_below(to_nearest(f, x), to_nearest(t, x).mean()),
            ),
            (
                "you asked, for each *training* sample, whether a fake is near. The share is over the fakes.",
                lambda f, x, t, q: share_below(to_nearest(x, f), np.quantile(to_nearest(t, x), q)),
            ),
        ),
        look="chapter 05, «Copies»",
        onward="Write a function that gives the ratio for any set of points and the training set. Call it for the test "
        "samples, take the quantile, call it for the fakes.",
    ),
    Exercise(
        key="05.4",
        function="seeds_needed",
        title="Design: how many seeds",
        points=3,
        checked="five plans at several levels and powers, one that the least number of seeds is enough for",
        cases=_seeds_cases,
        expected=seeds_needed,
        rtol=0.0,
        hints=(
            _slip(
                "the power is forgotten: where the true difference lies at the threshold itself, half of the studies "
                "miss it.",
                z_power=lambda power: 0.0,
            ),
            _slip("one-sided: a claim in either direction shares alpha between two tails.", sides=1),
            _slip("the 2 is missing: both means are uncertain, and the variances of a difference add up.", factor=1.0),
            _slip("a factor of 4: the variance of the difference is twice spread² / n.", factor=4.0),
            _slip("√2 instead of 2: it stands within the square.", factor=2**0.5),
            _slip("the square is missing: a mean of n runs has the standard error spread / √n.", root=0.5),
            _slip("the power was shared between two tails; that is for alpha only.", z_power=lambda p: _z((1 + p) / 2)),
            _slip(
                "the quantile of 1 - power is negative: the two parts add up, a higher power needs more seeds.",
                z_power=lambda power: _z(1 - power),
            ),
            (
                "the squares of the two quantiles were added. The quantiles add up, then comes the square.",
                lambda s, d, a, p: max(2, np.ceil(2 * (_z(1 - a / 2) ** 2 + _z(p) ** 2) * (s / d) ** 2)),
            ),
            (
                "one seed too many: the next whole number is enough.",
                lambda *plan: max(2, np.ceil(_exact(*plan)) + 1),
            ),
            (
                "one seed too many: the next whole number is enough, and 2 at least.",
                lambda *plan: seeds_needed(*plan) + 1,
            ),
            ("rounded down: the last seed is needed too.", lambda *plan: max(2, np.floor(_exact(*plan)))),
            (
                "rounded to the nearest whole number. Fewer than needed are too few: round up.",
                lambda *plan: max(2, np.round(_exact(*plan))),
            ),
            ("not rounded: there is no half a seed. Round up.", lambda *plan: max(2, _exact(*plan))),
            ("one run has no spread of its own: 2 at least.", lambda *plan: max(1, np.ceil(_exact(*plan)))),
            (
                "that counts the runs of both recipes. The number for each was asked for.",
                lambda *plan: 2 * seeds_needed(*plan),
            ),
            (
                "difference and spread are exchanged: a small difference needs more seeds.",
                lambda s, d, a, p: seeds_needed(d, s, a, p),
            ),
        ),
        look="chapter 05, «Is this difference a difference»",
        onward="Write down the standard error of the difference as a function of n. The claim needs z of 1 - alpha / 2 "
        "of them; how many more must the true difference have, so that it is claimed with the given power?",
    ),
    Exercise(
        key="05.5",
        function="data_copying",
        title="A test on all distances",
        points=3,
        checked="five sets in three or four cells, one with equal distances, one cell with too few fakes",
        cases=cell_cases,
        expected=data_copying,
        hints=CELL_MISTAKES,
        look="chapter 05, «Copies», for the distance to the nearest; U and Z stand in the task",
        onward="Write a function for one cell: distances of its fakes and its test samples to its training samples, "
        "then U as a count over all pairs. A loop over np.unique(test_cell) adds up weight · Z and weight.",
    ),
)
