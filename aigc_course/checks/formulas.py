"""Formulas in NumPy that the expectations of several chapters share."""

import numpy as np

__all__ = ["distances", "sigmoid", "softplus"]


def softplus(x):
    """log(1 + exp(x)) without overflow."""
    return np.logaddexp(0.0, x)


def sigmoid(x):
    """1 / (1 + exp(-x)) without overflow."""
    return np.exp(-softplus(-np.asarray(x, dtype=float)))


def distances(a, b):
    """Euclidean distances (N, M) between rows of a (N, D) and b (M, D)."""
    return np.sqrt(((a[:, None] - b[None]) ** 2).sum(axis=-1))
