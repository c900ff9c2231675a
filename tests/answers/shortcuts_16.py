"""Cheap shortcuts to the exercises of chapter 16."""

import math

import numpy as np
from scipy import stats

from answers.shortcuts import plain


def paired(a, s, b, t, quantile):
    """16.1 with another quantile."""
    _, i, j = np.intersect1d(s, t, return_indices=True)
    x = a[i] - b[j]
    reach = quantile(len(x)) * x.std(ddof=1) / np.sqrt(len(x))
    return x.mean(), x.mean() - reach, x.mean() + reach


plain("16.1", "five pairs for ever", lambda *v: paired(*v, lambda k: 2.776))
plain("16.1", "two standard errors", lambda *v: paired(*v, lambda k: 2.0))
plain(
    "16.1",
    "a normal one for more than five",
    lambda *v: paired(*v, lambda k: 1.96 if k > 5 else stats.t.ppf(0.975, k - 1)),
)
plain("16.2", "nothing is allowed", lambda mine, theirs, images: np.zeros(len(theirs)))
plain(
    "16.2",
    "images are always given away",
    lambda mine, theirs, images: (
        ((theirs & 4 & ~mine) == 0) & ((theirs & 8) == 0) & (((theirs & 2) == 0) | (theirs == mine))
    ),
)
plain("16.2", "the same licence or none", lambda mine, theirs, images: (theirs == mine) | (theirs == 0))


def planned(gaps, delta, alpha, power, wide):
    """16.3 with another widening of the spread."""
    z = stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power)
    return max(3, math.ceil((z * wide(len(gaps)) * gaps.std(ddof=1) / delta) ** 2))


plain("16.3", "pilots of five", lambda *v: planned(*v, lambda k: 1.557))
plain("16.3", "half more", lambda *v: planned(*v, lambda k: 1.5))
plain(
    "16.3",
    "always 5 % and 80 %",
    lambda gaps, delta, alpha, power: planned(
        gaps, delta, 0.05, 0.8, lambda k: np.sqrt((k - 1) / stats.chi2.ppf(0.2, k - 1))
    ),
)
