"""Quantiles of the normal, Student's t and χ², summed up in NumPy: what the expectations of chapter 16 rest on."""

import functools
from statistics import NormalDist

import numpy as np

__all__ = ["chi2", "normal", "student"]


def normal(p):
    """The number that a standard normal one lies below with probability p."""
    return NormalDist().inv_cdf(p)


@functools.cache
def student(p, freedom):
    """Student's quantile: the density summed up over the angle, t = √freedom · tan(angle)."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, 400_001)
    density = np.cos(angle).clip(0) ** (freedom - 1)
    below = np.cumsum(density) / density.sum()
    return float(np.sqrt(freedom) * np.tan(np.interp(p, below, angle)))


@functools.cache
def chi2(p, freedom):
    """The quantile of a sum of `freedom` squares: the density summed up on a fine grid of its root, up to 12."""
    root = np.linspace(0, 12, 400_001)
    density = root ** (freedom - 1) * np.exp(-(root**2) / 2)
    return float(np.interp(p, np.cumsum(density) / density.sum(), root)) ** 2
