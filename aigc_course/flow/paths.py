"""Straight paths from noise to data: where a point is at time t, how fast it moves, and the loss's exact minimiser.

Time runs from 0, where all is noise from a standard Gaussian, to 1, where it is data: x_t = (1 - t) noise + t data
(Lipman et al., 2023, Flow Matching; Liu et al., 2023, Rectified Flow). The diffusion papers count the other way.
"""

import numpy as np

from aigc_course.errors import CourseError, number

__all__ = ["between", "exact_velocity", "mixture_velocity"]

_END = 1e-6  # at t = 1 the velocity of a finite set of points is infinite nearly everywhere


def between(noise, data, t):
    """x_t = (1 - t) noise + t data, and its velocity data - noise, which does not depend on t.

    Args:
        noise, data: float arrays (N, …) of one shape.
        t: float array (N,), each in [0, 1].

    Returns:
        (x_t, velocity), arrays (N, …).
    """
    noise, data = np.asarray(noise), np.asarray(data)
    t = np.reshape(t, (-1, *(1,) * (noise.ndim - 1)))
    return (1 - t) * noise + t * data, data - noise


def exact_velocity(x, t, data, labels=None, wanted=None):
    """The minimiser of the flow-matching loss on a finite set of points: no training, and nothing new.

    u(x, t) = (E[data | x_t = x] - x) / (1 - t), where a data point d has the posterior weight
    softmax over d of -|x - t d|² / (2 (1 - t)²) (De Bortoli, 2022; Bertrand et al., 2025).

    Args:
        x: float array (N, F), points at time t.
        t: float in [0, 1).
        data: float array (M, F), equally likely.
        labels, wanted: int arrays (M,) and (N,): each x is then carried by the data of its own label alone.

    Returns:
        float array (N, F).

    Raises:
        CourseError: t outside [0, 1), or shapes that do not fit.
    """
    t = number(t, "t", 0, 1 - _END, hint="Stop one step before 1: there the velocity of single points is infinite.")
    x, data = np.asarray(x), np.asarray(data)
    if x.ndim != 2 or data.ndim != 2 or x.shape[1] != data.shape[1] or not len(data):
        raise CourseError(f"x and data must be (N, F) and (M, F); received {x.shape} and {data.shape}.")
    lengths = t * t * np.square(data).sum(axis=1)
    expected = np.empty_like(x)
    for start in range(0, len(x), 500):  # all at once may not fit into memory
        part = x[start : start + 500]
        logits = (2 * t * part @ data.T - lengths) / (2 * (1 - t) ** 2)  # |x|² is the same for all data
        if labels is not None:
            own = np.asarray(wanted)[start : start + 500, None] == np.asarray(labels)
            logits = np.where(own, logits, -np.inf)
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        expected[start : start + 500] = weights @ data / weights.sum(axis=1, keepdims=True)
    return (expected - x) / (1 - t)


def mixture_velocity(x, t, means, sigma, weights=None):
    """The velocity whose flow carries a standard Gaussian to a mixture of Gaussians, in closed form.

    x_t of component k is Gaussian with mean t m_k and variance s² = (1 - t)² + t² sigma²; within it the velocity is
    m_k + (t sigma² - (1 - t)) (x - t m_k) / s², and the components are weighted by how likely they make x.

    Args:
        x: float array (N, F).
        t: float in [0, 1].
        means: float array (K, F).
        sigma: float above 0, the same in every direction.
        weights: float array (K,), shares of the components; equal by default.

    Returns:
        float array (N, F).
    """
    t, sigma = number(t, "t", 0, 1), number(sigma, "sigma", above=0)
    x, means = np.asarray(x, float), np.asarray(means, float)
    weights = np.full(len(means), 1 / len(means)) if weights is None else np.asarray(weights, float)
    variance = (1 - t) ** 2 + (t * sigma) ** 2
    gaps = x[:, None] - t * means  # (N, K, F)
    logits = np.log(weights) - np.square(gaps).sum(axis=2) / (2 * variance)
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)  # (N, K)
    own = means + (t * sigma**2 - (1 - t)) * gaps / variance  # (N, K, F)
    return (shares[..., None] * own).sum(axis=1)
