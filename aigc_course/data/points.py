"""Toy distributions: points in the plane."""

import numpy as np

from aigc_course.errors import CourseError, is_whole

__all__ = ["check_draw", "grid", "mixture", "moons", "ring"]


def moons(n, rng, sigma=0.05):
    """Two interleaved half circles of radius 1 with noise: samples (n, 2), float32, around the origin."""
    check_draw(n, rng)
    upper = rng.integers(2, size=n)
    angle = np.pi * rng.random(n)
    x, y = np.cos(angle) * (2 * upper - 1) + 0.5 - upper, np.sin(angle) * (2 * upper - 1) + 0.25 - 0.5 * upper
    return (np.stack([x, y], axis=1) + sigma * rng.standard_normal((n, 2))).astype(np.float32)


def ring(n, rng, modes=8, radius=1.0, sigma=0.01):
    """Gaussians on a circle, the standard test for mode collapse (VEEGAN, arXiv 1705.07761, 2017).

    Args:
        n: int, number of samples.
        rng: `numpy.random.Generator`.

    Returns:
        (samples (n, 2), centres (modes, 2)), float32.
    """
    angles = 2 * np.pi * np.arange(modes) / modes
    return mixture(n, rng, radius * np.stack([np.cos(angles), np.sin(angles)], axis=1), sigma)


def grid(n, rng, side=5, spacing=2.0, sigma=0.05):
    """Gaussians on a square lattice around the origin (VEEGAN, arXiv 1705.07761, 2017). As `ring`."""
    ticks = spacing * (np.arange(side) - (side - 1) / 2)
    return mixture(n, rng, np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2), sigma)


def mixture(n, rng, centres, sigma):
    """n samples of an equal mixture of round Gaussians: (samples (n, 2), centres (k, 2)), float32."""
    check_draw(n, rng)
    chosen = centres[rng.integers(len(centres), size=n)]
    samples = chosen + sigma * rng.standard_normal((n, 2))
    return samples.astype(np.float32), centres.astype(np.float32)


def check_draw(n, rng):
    """Raises CourseError unless n is a positive integer and rng NumPy's generator of random numbers."""
    if not is_whole(n) or n < 1 or not isinstance(rng, np.random.Generator):
        raise CourseError(
            f"n must be a positive integer and rng a numpy.random.Generator; received {n!r} and "
            f"{type(rng).__name__}. Try rng = np.random.default_rng(7)."
        )
