"""Directions in the noise: those that move a picture most, and those that move a measured property."""

import numpy as np

from aigc_course import data
from aigc_course.errors import CourseError, whole_number

__all__ = ["brightness", "extent", "latent_directions", "property_direction"]


def latent_directions(generator, count=4):
    """The directions of z that the generator's first layer enlarges most (SeFa, Shen & Zhou, 2021).

    The largest singular vectors of that layer's matrix, the part that meets the noise: no pictures, no labels.

    Args:
        generator: conditional generator, ([z, shares]) -> images.
        count: int, at most the length of z.

    Returns:
        float array (count, noise), rows of length 1, the strongest first; signs by the largest entry.
    """
    noise = int(generator.inputs[0].shape[-1])
    kernel = generator.layers[-1].layers[0].get_weights()[0][:noise]  # (noise, 7 · 7 · 256)
    found = np.linalg.svd(kernel, full_matrices=False)[0].T[: whole_number(count, "count", 1, noise)]
    return found * np.sign(found[np.arange(len(found)), np.abs(found).argmax(axis=1)])[:, None]


def property_direction(z, values):
    """The direction of z along which a property rises, by linear regression.

    Args:
        z: float array (N, d), N > d + 1.
        values: float array (N,), the property of each picture.

    Returns:
        (direction (d,), slope, share): a unit vector, the rise for a step of length 1 along it, and the share of the
        property's variance that the regression explains (R²), from 0 to 1.

    Raises:
        CourseError: too few pictures, or a property that does not vary.
    """
    z, values = np.asarray(z, float), np.asarray(values, float)
    if z.ndim != 2 or values.shape != (len(z),) or len(z) <= z.shape[1] + 1:
        raise CourseError(f"z (N, d) and values (N,) need N > d + 1; received {z.shape} and {values.shape}.")
    if np.ptp(values) == 0:
        raise CourseError("the property is the same for all pictures: there is nothing to regress.")
    table = np.column_stack([np.ones(len(z)), z])
    weights = np.linalg.lstsq(table, values, rcond=None)[0]
    slope = float(np.linalg.norm(weights[1:]))
    share = 1 - np.var(values - table @ weights) / np.var(values)
    return weights[1:] / slope, slope, float(share)


def brightness(images):
    """Mean of the pixels on a scale from 0 (background) to 1: (N, 28, 28, 1) in [-1, 1] -> (N,)."""
    return (data.check_scaled(images).mean(axis=(1, 2, 3)) + 1) / 2


def extent(images, axis="width"):
    """Effective width or height in pixels: √12 times the standard deviation of the ink's place.

    A bar of even ink from left to right has its own width; soft edges change it little, unlike a bounding box.

    Args:
        images: float (N, 28, 28, 1) in [-1, 1].
        axis: "width" or "height".

    Returns:
        float array (N,); 0 for an empty picture.
    """
    if axis not in ("width", "height"):
        raise CourseError(f'axis must be "width" or "height"; received {axis!r}.')
    ink = (data.check_scaled(images)[..., 0] + 1) / 2
    profile = ink.sum(axis=1 if axis == "width" else 2)  # (N, 28)
    whole = np.maximum(profile.sum(axis=1, keepdims=True), 1e-9)
    place = np.arange(profile.shape[1])
    mean = (profile * place).sum(axis=1, keepdims=True) / whole
    return np.sqrt(12 * (profile * (place - mean) ** 2).sum(axis=1) / whole[:, 0])
