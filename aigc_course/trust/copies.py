"""Does a generator copy? Distances to the training set, held against those of real data that nobody trained on.

metrics.copy_share counts single copies. The three-sample test here (Meehan, Chaudhuri & Dasgupta, 2020,
arXiv 2004.05675) sees whole samples that are too close, or too far, without any single copy. NumPy alone.
"""

from typing import NamedTuple

import numpy as np

from aigc_course import metrics
from aigc_course.errors import CourseError, whole_number

__all__ = ["CopyTest", "cells_of", "copy_test", "mann_whitney", "nearest_null"]


class CopyTest(NamedTuple):
    """What the three-sample test found.

    Attributes:
        score: float, C_T, the mean of the cells' z, each weighted by its share of the held-out data. Far below 0:
            nearer to the training set than new data are; far above 0: farther away. See `cells` for what is far.
        cells: float array (k,), z of each cell; NaN where it holds too few samples to say.
        whole: float, z of all samples together, without cells.
        distances: (float array (m,), float array (n,)), of generated and of held-out samples to the training set.
    """

    score: float
    cells: np.ndarray
    whole: float
    distances: tuple


def mann_whitney(a, b):
    """z of the Mann-Whitney test: below 0 where values of a tend to be smaller than those of b.

    U counts the pairs in which a is larger, ties a half; z = (U - mn/2) / sd, with the deviation for tied ranks.
    Standard Gaussian, nearly, where both come from one distribution (Mann & Whitney, 1947).

    Args:
        a, b: float arrays (m,) and (n,).

    Returns:
        float; 0 where all values are the same.
    """
    a, b = (np.asarray(part, float).ravel() for part in (a, b))
    if not len(a) or not len(b) or not np.isfinite(np.concatenate([a, b])).all():
        raise CourseError(f"both samples need a finite value at least; received {len(a)} and {len(b)} values.")
    held, m, n = np.sort(b), len(a), len(b)
    larger = sum(np.searchsorted(held, a, side).sum() for side in ("left", "right")) / 2
    _, ties = np.unique(np.concatenate([a, b]), return_counts=True)
    total = m + n
    variance = m * n / 12 * (total + 1 - (ties.astype(float) ** 3 - ties).sum() / (total * max(1, total - 1)))
    return float((larger - m * n / 2) / np.sqrt(variance)) if variance > 1e-9 else 0.0


def copy_test(generated, held_out, train, cells=None, least=20):
    """Meehan's C_T: are generated samples nearer to the training set than held-out ones, region by region?

    A generator that copies in one region and misses another looks innocent as a whole; within cells it does not.

    Args:
        generated, held_out, train: float arrays (m, F), (n, F), (N, F), rows of pixels or of a judge's features.
        cells: float array (k, F) of centres, see `cells_of`; None: one cell.
        least: int, samples of either kind below which a cell says nothing.

    Returns:
        `CopyTest`.

    Raises:
        CourseError: shapes that do not fit, or no cell with enough samples.
    """
    least = whole_number(least, "least")
    near = [metrics.nearest_neighbours(part, train)[0][:, 0] for part in (generated, held_out)]
    centres = np.mean(train, axis=0, keepdims=True) if cells is None else np.asarray(cells, float)
    own = [metrics.nearest_neighbours(part, centres)[1][:, 0] for part in (generated, held_out)]
    found, shares = np.full(len(centres), np.nan), np.zeros(len(centres))
    for cell in range(len(centres)):
        both = [distances[places == cell] for distances, places in zip(near, own, strict=True)]
        if min(map(len, both)) >= least:
            found[cell], shares[cell] = mann_whitney(*both), len(both[1])
    if not shares.sum():
        raise CourseError(f"no cell holds {least} samples of each kind: take fewer cells, or more samples.")
    return CopyTest(float(np.nansum(found * shares) / shares.sum()), found, mann_whitney(*near), tuple(near))


def cells_of(train, count, rng, rounds=10):
    """Centres of k-means on the training set (Lloyd, 1982): float array (count, F).

    Args:
        train: float array (N, F).
        count: int, cells, at most N.
        rng: `numpy.random.Generator`, for the first centres, samples themselves.
        rounds: int, moves of the centres.
    """
    train = np.asarray(train, float)
    count = whole_number(count, "count", 1, len(train), "A cell needs a sample.")
    centres = train[rng.choice(len(train), count, replace=False)]
    for _ in range(whole_number(rounds, "rounds")):
        own = metrics.nearest_neighbours(train, centres)[1][:, 0]
        centres = np.stack([train[own == k].mean(axis=0) if (own == k).any() else centres[k] for k in range(count)])
    return centres


def nearest_null(generated, held_out, train):
    """How suspicious is each generated sample? The share of held-out ones that lie as near to the training set.

    Args:
        generated, held_out, train: float arrays (m, F), (n, F), (N, F).

    Returns:
        (p (m,), distances (m,), places (m,)): p = (1 + held-out ones as near) / (1 + n), even on (0, 1] for a generator
        as good as new data; the distance to the nearest training sample, and its place.
    """
    distances, places = metrics.nearest_neighbours(generated, train)
    null = np.sort(metrics.nearest_neighbours(held_out, train)[0][:, 0])
    as_near = np.searchsorted(null, distances[:, 0], "right")
    return (1 + as_near) / (1 + len(null)), distances[:, 0], places[:, 0]
