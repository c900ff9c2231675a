"""A private generator without training: one noisy look at each class's mean and covariance, then Gaussians that draw.

What is drawn is post-processing: any number of digits, and whatever is trained on them, has the privacy of the look.
The Gaussian mechanism on second moments is Dwork et al.'s "Analyze Gauss" (2014).
"""

import functools
from typing import NamedTuple

import numpy as np

from aigc_course import data
from aigc_course.errors import CourseError, number, whole_number

__all__ = ["GAUSSIAN_RADIUS", "Gaussians", "cosines", "fit_gaussians"]

GAUSSIAN_RADIUS = 9.0  # longer digits are shortened to it; chosen on the last 5,000 training digits, as were 14 waves


@functools.cache
def cosines(side=28, kept=10):
    """The slowest waves of the cosine transform of images: a fixed orthonormal basis, learnt from nobody.

    Args:
        side: int, pixels of an image's side.
        kept: int, waves along each side.

    Returns:
        float32 array (side², kept²), columns of length 1.
    """
    whole_number(kept, "kept", 1, whole_number(side, "side"))
    place = (np.arange(side)[:, None] + 0.5) * np.arange(kept) * np.pi / side
    waves = np.cos(place) * np.sqrt(2 / side)
    waves[:, 0] /= np.sqrt(2)
    return np.einsum("ya,xb->yxab", waves, waves).reshape(side**2, kept**2).astype(np.float32)


class Gaussians(NamedTuple):
    """A Gaussian for each class, in cosine coefficients.

    Attributes:
        shares: float array (C,), of the classes.
        means: float array (C, F).
        roots: float array (C, F, F), root @ root.T is the covariance.
    """

    shares: np.ndarray
    means: np.ndarray
    roots: np.ndarray

    def sample(self, labels, seed=7):
        """Digits for labels (N,): uint8 array (N, 28, 28)."""
        labels, rng = np.asarray(labels), np.random.default_rng(whole_number(seed, "seed", 0))
        size = self.means.shape[1]
        images = np.empty((len(labels), 28 * 28), np.uint8)
        for kind in range(len(self.means)):
            noise = rng.standard_normal((int((labels == kind).sum()), size))
            ink = (self.means[kind] + noise @ self.roots[kind].T) @ cosines(28, round(size**0.5)).T
            images[labels == kind] = np.rint(255 * np.clip(ink, 0, 1))
        return images.reshape(-1, 28, 28)


def fit_gaussians(images, labels, noise_multiplier, seed=7, kept=14, radius=GAUSSIAN_RADIUS, cut=None, classes=10):
    """Mean and covariance of each class from one release with Gaussian noise.

    An example gives its class's three sums 1, x / radius and x xᵀ / radius², where x is shortened to radius: together
    no longer than the root of 3, the sensitivity. Classes hold different examples: the noise is for one of them.

    Args:
        images: uint8 array (N, 28, 28).
        labels: int array (N,) from 0 to classes - 1.
        noise_multiplier: float, noise over sensitivity (`accounting.gaussian_epsilon`). 0: no privacy.
        seed: int.
        kept: int, waves along each side that are looked at.
        radius: float above 0, in units of ink: a white pixel is 1.
        cut: float, noise multiplier whose largest eigenvalue a direction must exceed to be drawn; noise_multiplier by
            default: what may be noise alone is left out.
        classes: int.

    Returns:
        `Gaussians`.
    """
    images, labels = data.check_images(images), np.asarray(labels)
    if images.shape[1:] != (28, 28) or labels.shape != images.shape[:1]:
        raise CourseError(f"images and labels must be (N, 28, 28), (N,); received {images.shape}, {labels.shape}.")
    deviation = number(noise_multiplier, "noise_multiplier", 0) * np.sqrt(3)
    edge = deviation if cut is None else number(cut, "cut", 0) * np.sqrt(3)
    radius, rng = number(radius, "radius", above=0), np.random.default_rng(whole_number(seed, "seed", 0))
    found = []
    for kind in range(whole_number(classes, "classes", 2)):
        x = images[labels == kind].reshape(-1, 784).astype(np.float32) / 255 @ cosines(28, kept) / radius
        x /= np.maximum(1, np.linalg.norm(x, axis=1, keepdims=True))
        found.append(_look(x.astype(float), rng, deviation))
    counts, means, covariances = (np.stack(part) for part in zip(*found, strict=True))
    roots = np.stack([_root(c, edge / n) for c, n in zip(covariances, counts, strict=True)])
    return Gaussians(counts / counts.sum(), radius * means, radius * roots)


def _look(x, rng, deviation):
    """(count, mean (F,), covariance (F, F)) of rows x (N, F) no longer than 1, from sums with noise."""
    size = x.shape[1]
    count = max(1.0, len(x) + deviation * rng.standard_normal())
    mean = (x.sum(axis=0) + deviation * rng.standard_normal(size)) / count
    upper = np.triu(deviation * rng.standard_normal((size, size)))
    # both halves of the symmetric matrix are one statistic: the lower one is a copy
    second = (x.T @ x + upper + np.triu(upper, 1).T) / count
    return count, mean, second - np.outer(mean, mean)


def _root(covariance, noise):
    """A root of the covariance without what noise alone may have made: eigenvalues below its largest ones go."""
    values, vectors = np.linalg.eigh(covariance)
    least = 2 * noise * np.sqrt(len(values))  # the edge of Wigner's semicircle
    return vectors * np.sqrt(np.where(values > least, values, 0.0))
