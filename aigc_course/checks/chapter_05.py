"""Exercises of chapter 05: measuring quality."""

import numpy as np

from aigc_course.checks.exercise import Exercise
from aigc_course.checks.formulas import distances

__all__ = ["EXERCISES", "copy_share", "precision", "seeds_needed", "share_below", "to_nearest"]


def _gaussian_cases(rng):
    """(mean, standard deviation) of two Gaussians on a line: either may be the wider; equal means, equal deviations."""
    cases = [
        tuple(float(v) for v in (rng.normal(0, 3), rng.uniform(0.3, 2), rng.normal(0, 3), rng.uniform(2.2, 4)))
        for _ in range(4)
    ]
    cases[2:] = [(n, t, m, s) for m, s, n, t in cases[2:]]
    (m, s, _, t), (_, _, n, u) = cases[0], cases[3]
    return [*cases, (m, s, m, t), (m, u, n, u), (n, float(rng.uniform(5, 9)), m, s)]


def _cloud_cases(rng):
    """(real (N, 2), fake (M, 2), k), the fakes shifted and wider, so that some lie outside."""
    sizes = ((30, 80), (25, 140), (40, 133), (50, 127), (35, 150), (45, 118), (30, 80))
    neighbours = rng.permutation([1, 2, 3, 4, 5, 3, 7])
    cases = [
        (rng.normal(0, 1, (n, 2)), rng.normal(0.7, 1.6, (m, 2)), int(k))
        for (n, m), k in zip(sizes, neighbours, strict=True)
    ]
    edge = np.zeros((10, 2)), np.zeros((8, 2))  # whole numbers on a line: fakes exactly on the edge of a ball
    edge[0][:, 0] = np.r_[0:20:2] + 10 * rng.integers(5)
    edge[1][:, 0] = edge[0].max() + np.array([-1, 0, 1, 2, 4, 4, 5, 9])
    return [*cases, (*edge, 2)]


def _radii(x, k):
    """Distance to the k-th neighbour, oneself not counted."""
    return np.sort(distances(x, x), axis=1)[:, k]


def precision(real, fake, k):
    return (distances(fake, real) <= _radii(real, k)).any(axis=1).mean()


def _in_nearest_ball(real, fake, k):
    """Only the ball of the nearest real sample counts."""
    d = distances(fake, real)
    nearest = d.argmin(axis=1)
    return (d.min(axis=1) <= _radii(real, k)[nearest]).mean()


def _copy_cases(rng):
    """(fake (N, F), train (M, F), test (T, F), quantile); some fakes near training samples."""
    cases = []
    sizes = ((140, 60, 50), (130, 50, 80), (160, 40, 70), (150, 70, 40), (120, 30, 60), (140, 60, 50))
    quantiles = rng.permutation([0.05, 0.1, 0.1, *rng.uniform(0.08, 0.35, 3)])
    for (n, m, t), q in zip(sizes, quantiles, strict=True):
        train, test = rng.normal(0, 1, (m, 3)), rng.normal(0.1, 1, (t, 3))
        close = train[rng.integers(0, m, n)] + rng.normal(0, 1, (n, 3)) * rng.uniform(0.02, 0.8, (n, 1))
        cases.append((close, train, test, float(q)))
    train, test, fake = np.zeros((3, 3)), np.zeros((20, 3)), np.zeros((12, 3))  # whole numbers: distances of 0, 1, 2
    train[:, 0] = [0, 40, 80]
    test[:, 0] = rng.permutation(np.repeat([1, 39, 42, 83], 5))
    fake[:, 0] = rng.permutation([0, 1, 1, 2, 39, 40, 41, 42, 43, 78, 80, 84])
    return [*cases, (fake, train, test, 0.3)]


def to_nearest(a, b):
    return distances(a, b).min(axis=1)


def copy_share(fake, train, test, q):
    return (to_nearest(fake, train) <= np.quantile(to_nearest(test, train), q)).mean()


def share_below(fake, train, threshold):
    return (to_nearest(fake, train) <= threshold).mean()


def _own_neighbours(x):
    """Distance to the nearest other sample of the same set."""
    return np.sort(distances(x, x), axis=1)[:, 1]


def _seeds_cases(rng):
    """(spread of one run, difference to be seen, how many standard errors)."""
    cases = []
    for whole, rest, z in ((28, 0.3, 2.0), (140, 0.2, 3.0), (97, 0.75, 2.5), (5, 0.4, 2.0)):
        spread, exact = float(rng.uniform(0.8, 2.0)), int(rng.integers(whole, whole + 5)) + rest
        cases.append((spread, float(z * spread * np.sqrt(2 / exact)), z))  # not a whole number, nor near one
    exact = [_WHOLE[i] for i in rng.permutation(len(_WHOLE))[:3]]
    return [*cases, *exact, (0.1, 5.0, 2.0)]


# Plans whose n is a whole number exactly, 722 or 1,250, in binary and whichever way the formula is written
_WHOLE = [
    (z * s, z * d, k)
    for k, z, d in ((1.0, 1, 0.03125), (1.0, 2, 0.03125), (2.0, 1, 0.0625), (2.0, 2, 0.0625))
    for s in (0.59375, 0.78125)
]


def seeds_needed(spread, difference, z):
    return max(1, np.ceil(2 * (z * spread / difference) ** 2))


def _at_least_one(value):
    return max(1, np.ceil(value))


EXERCISES = (
    Exercise(
        key="05.1",
        function="frechet_1d",
        title="Fréchet distance on a line",
        points=1,
        checked="seven pairs of Gaussians, the first or the second one wider",
        cases=_gaussian_cases,
        expected=lambda m, s, n, t: (m - n) ** 2 + (s - t) ** 2,
        hints=(
            ("that is the root. The course (and FID) keeps the square.", lambda m, s, n, t: np.hypot(m - n, s - t)),
            (
                "you compared the variances. The distance compares standard deviations: tr(A + B - 2 √(AB)).",
                lambda m, s, n, t: (m - n) ** 2 + (s**2 - t**2) ** 2,
            ),
            (
                "the variances are added without the overlap - 2 √(AB): equal Gaussians must be at distance 0.",
                lambda m, s, n, t: (m - n) ** 2 + s**2 + t**2,
            ),
            (
                "only the means are compared: a blurred set has the right mean and the wrong spread.",
                lambda m, s, n, t: (m - n) ** 2,
            ),
            ("the difference of the means is not squared.", lambda m, s, n, t: np.abs(m - n) + (s - t) ** 2),
            (
                "you took the second and fourth argument for variances; they are standard deviations.",
                lambda m, s, n, t: (m - n) ** 2 + (np.sqrt(s) - np.sqrt(t)) ** 2,
            ),
            (
                "that is the KL divergence of two Gaussians. Fréchet's distance is another, and symmetric.",
                lambda m, s, n, t: np.log(t / s) + (s**2 + (m - n) ** 2) / (2 * t**2) - 0.5,
            ),
            (
                "the product under the root is missing its root: 2 √(s² t²) is 2 s t.",
                lambda m, s, n, t: (m - n) ** 2 + s**2 + t**2 - 2 * s**2 * t**2,
            ),
        ),
    ),
    Exercise(
        key="05.2",
        function="precision",
        title="Precision of a generator",
        points=2,
        checked="seven pairs of point clouds with k from 1 to 7, and one with fakes exactly on the edge of a ball",
        cases=_cloud_cases,
        expected=precision,
        hints=(
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
                "each real sample has its own ball. You used one radius, the mean, for all.",
                lambda r, f, k: (distances(f, r) <= _radii(r, k).mean()).any(axis=1).mean(),
            ),
            (
                "only the ball of the nearest real sample was tried. A larger ball farther off may hold the fake too.",
                _in_nearest_ball,
            ),
            ("that is the share outside.", lambda r, f, k: 1 - precision(r, f, k)),
            (
                "squared distances were compared with radii that are not squared.",
                lambda r, f, k: (distances(f, r) ** 2 <= _radii(r, k)).any(axis=1).mean(),
            ),
            (
                "you counted all pairs. A fake counts once if *any* ball holds it.",
                lambda r, f, k: (distances(f, r) <= _radii(r, k)).mean(),
            ),
            (
                "a fake on the edge of a ball is inside: ≤, not <.",
                lambda r, f, k: (distances(f, r) < _radii(r, k)).any(axis=1).mean(),
            ),
            ("a number of fakes came; the share of them was asked for.", lambda r, f, k: precision(r, f, k) * len(f)),
        ),
    ),
    Exercise(
        key="05.3",
        function="copy_share",
        title="Who copies",
        points=2,
        checked="seven sets of samples, with quantiles from 0.05 to 0.35, one with fakes exactly at the threshold",
        cases=_copy_cases,
        expected=copy_share,
        hints=(
            (
                "the threshold comes from the fakes themselves: then their share is the quantile, copies or not.",
                lambda f, x, t, q: share_below(f, x, np.quantile(to_nearest(f, x), q)),
            ),
            (
                "the threshold comes from distances within the training set. Unseen real samples set it.",
                lambda f, x, t, q: share_below(f, x, np.quantile(_own_neighbours(x), q)),
            ),
            (
                "the distances of the fakes were taken to the test set. Only training samples can be copied.",
                lambda f, x, t, q: share_below(f, t, np.quantile(to_nearest(t, x), q)),
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
                "the threshold is the mean distance; the quantile was not used.",
                lambda f, x, t, q: share_below(f, x, to_nearest(t, x).mean()),
            ),
            (
                "that is the median as threshold; the quantile was not used.",
                lambda f, x, t, q: copy_share(f, x, t, 0.5),
            ),
            (
                "you asked, for each *training* sample, whether a fake is near. The share is over the fakes.",
                lambda f, x, t, q: share_below(x, f, np.quantile(to_nearest(t, x), q)),
            ),
        ),
    ),
    Exercise(
        key="05.4",
        function="seeds_needed",
        title="Design: how many seeds",
        points=2,
        checked="eight plans, three exactly at a whole number, one that needs a single seed",
        cases=_seeds_cases,
        expected=seeds_needed,
        rtol=0.0,
        hints=(
            (
                "the 2 is missing: both means are uncertain, and the variances of a difference add up.",
                lambda s, d, z: _at_least_one((z * s / d) ** 2),
            ),
            (
                "the square is missing: a mean of n runs has the standard error spread / √n.",
                lambda s, d, z: _at_least_one(2 * z * s / d),
            ),
            ("rounded down: the last seed is needed too.", lambda s, d, z: np.floor(2 * (z * s / d) ** 2)),
            (
                "rounded down, though at least 1: the last seed is needed too.",
                lambda s, d, z: max(1, np.floor(2 * (z * s / d) ** 2)),
            ),
            (
                "rounded to the nearest whole number, though at least 1: fewer than needed are too few. Round up.",
                lambda s, d, z: max(1, np.round(2 * (z * s / d) ** 2)),
            ),
            (
                "one more than needed where the number is whole already: round up, not down and then one more.",
                lambda s, d, z: np.floor(2 * (z * s / d) ** 2) + 1,
            ),
            ("not rounded: there is no half a seed. Round up.", lambda s, d, z: 2 * (z * s / d) ** 2),
            (
                "rounded to the nearest whole number. Fewer than needed are too few: round up.",
                lambda s, d, z: np.round(2 * (z * s / d) ** 2),
            ),
            ("z must be squared with the rest.", lambda s, d, z: _at_least_one(2 * z * (s / d) ** 2)),
            (
                "that counts the runs of both generators. The number for each was asked for.",
                lambda s, d, z: 2 * seeds_needed(s, d, z),
            ),
            ("√2 instead of 2: it stands within the square.", lambda s, d, z: _at_least_one(2**0.5 * (z * s / d) ** 2)),
            (
                "difference and spread are exchanged: a small difference needs more seeds.",
                lambda s, d, z: _at_least_one(2 * (z * d / s) ** 2),
            ),
        ),
    ),
)
