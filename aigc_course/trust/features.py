"""Fixed features of digits: stood upright, then scattered. Nothing here is learnt, so nothing of it can leak.

A feature of one image is a function of that image alone: whoever trains on features with differential privacy has
trained on the images with the same privacy (Tramèr & Boneh, 2021, arXiv 2011.11660).
"""

import functools

import numpy as np

from aigc_course import data
from aigc_course.errors import CourseError, whole_number

__all__ = ["ANGLES", "CHANNELS", "SIDE", "features", "lowpass", "morlet", "normalise", "scatter", "upright"]

ANGLES = 8  # of the wavelets, from 0 to 180 degrees
SIDE, CHANNELS = 7, 81  # what scatter gives: 7 × 7 places, 1 + 2 · 8 + 8 · 8 channels
_PIXELS = 28


def upright(images):
    """Digits without their slant: each is sheared by its own second moments, rows move along themselves.

    With ink as mass, y down and x to the right, the slant is cov(x, y) / var(y); row y moves by slant · (y - its
    centre) and a share of a pixel is split among two neighbours. No other image is looked at.

    Args:
        images: uint8 array (N, H, W).

    Returns:
        float32 array (N, H, W) in [0, 1].

    Raises:
        CourseError: no uint8 images in grey.
    """
    images = data.check_images(images)
    if images.ndim != 3:
        raise CourseError(f"images must be grey, (N, H, W); received {images.shape}.")
    return np.concatenate([_sheared(images[i : i + 2000]) for i in range(0, len(images), 2000)])


def _sheared(images):
    """`upright` of some images."""
    ink = images.astype(np.float32) / np.float32(255)  # (N, H, W)
    y, x = np.arange(ink.shape[1], dtype=np.float32), np.arange(ink.shape[2], dtype=np.float32)
    mass = np.maximum(ink.sum(axis=(1, 2)), 1e-6)[:, None]
    rows, columns = ink.sum(axis=2), ink.sum(axis=1)  # ink of each row (N, H), of each column (N, W)
    dy = y - (rows @ y)[:, None] / mass  # (N, H), from the centre of mass
    dx = x - (columns @ x)[:, None] / mass
    along = np.einsum("nhw,nw->nh", ink, dx)
    slant = (along * dy).sum(axis=1) / np.maximum((rows * dy**2).sum(axis=1), 1e-6)
    return _moved(ink, slant[:, None] * dy)


def _moved(ink, shift):
    """Row (n, y) of ink (N, H, W), read shift (N, H) pixels further right; beyond the edge there is no ink."""
    whole = np.floor(shift).astype(np.int32)
    share = (shift - whole)[:, :, None].astype(np.float32)
    place = np.arange(ink.shape[2], dtype=np.int32) + whole[:, :, None] + 1  # in rows with one empty pixel at each end
    padded, last = np.pad(ink, ((0, 0), (0, 0), (1, 1))), ink.shape[2] + 1
    left, right = (np.take_along_axis(padded, np.clip(place + i, 0, last), axis=2) for i in (0, 1))
    return (1 - share) * left + share * right


def morlet(scale, angle, radius):
    """A Morlet wavelet: a wave under an elongated Gaussian, less what would answer to a constant.

    psi(u) = (exp(i xi u') - b) exp(-(u'² + s² v'²) / 2 sigma²), with u' along the wave and v' across, sigma = 0.8 ·
    2^scale pixels, xi = 3 pi / 4 / 2^scale radians a pixel, s = 1/2, and b such that the sum is 0 (Bruna & Mallat,
    2013).

    Args:
        scale: int, 0 or 1 here: the wave is 2.7 · 2^scale pixels long.
        angle: float, radians.
        radius: int; the filter's side is 2 radius + 1.

    Returns:
        complex64 array (2 radius + 1, 2 radius + 1).
    """
    radius = whole_number(radius, "radius")
    sigma, xi, slant = 0.8 * 2**scale, 0.75 * np.pi / 2**scale, 4 / ANGLES
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(float)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    bell = np.exp(-(along**2 + (slant * across) ** 2) / (2 * sigma**2))
    wave = np.exp(1j * xi * along)
    balanced = (wave - (wave * bell).sum() / bell.sum()) * bell
    return (balanced * slant / (2 * np.pi * sigma**2)).astype(np.complex64)


@functools.cache
def _bank(scale):
    """(K, K, 1, 16): real parts of eight wavelets, then imaginary ones."""
    radius = 4 if scale == 0 else 8
    waves = np.stack([morlet(scale, np.pi * i / ANGLES, radius) for i in range(ANGLES)], axis=-1)
    return np.concatenate([waves.real, waves.imag], axis=-1)[:, :, None]


@functools.cache
def lowpass(step):
    """Seven averages along one side of an image whose pixels lie `step` apart: Gaussian windows, sigma 1.6 pixels.

    Args:
        step: int, 1 (28 pixels) or 2 (every second, from pixel 1 on).

    Returns:
        float32 array (7, 28 / step).
    """
    places = np.arange(_PIXELS // step) * step + (step - 1)
    centres = 4 * np.arange(SIDE) + 1.5
    window = np.exp(-((centres[:, None] - places) ** 2) / (2 * 1.6**2))
    return (window * step / np.sqrt(2 * np.pi * 1.6**2)).astype(np.float32)


def scatter(images, batch_size=500):
    """Scattering coefficients of order 0, 1 and 2 at two scales and eight angles (Bruna & Mallat, 2013).

    Order 0 is the image, order 1 |x ∗ psi|, order 2 | |x ∗ psi| ∗ psi' | with the longer wave second; each averaged
    around 7 × 7 places. Moduli and averages forget where exactly a stroke lies, and keep which way it runs.

    Args:
        images: float array (N, 28, 28), ink from 0 to 1.
        batch_size: int, images at a time.

    Returns:
        float32 array (N, 7, 7, 81).
    """
    import tensorflow as tf  # late: two seconds

    images = np.asarray(images, np.float32)
    if images.ndim != 3 or images.shape[1:] != (_PIXELS, _PIXELS) or not np.isfinite(images).all():
        raise CourseError(f"images must be finite, (N, {_PIXELS}, {_PIXELS}); received {images.shape}.")
    run, out = _compiled(tf), np.empty((len(images), SIDE, SIDE, CHANNELS), np.float32)
    for i in range(0, len(images), whole_number(batch_size, "batch_size")):
        out[i : i + batch_size] = run(tf.constant(images[i : i + batch_size, :, :, None]))
    return out


@functools.cache
def _compiled(tf):
    """The network of fixed filters as one tf.function, (B, 28, 28, 1) -> (B, 7, 7, 81)."""

    def modulus(x, scale):  # (B, H, W, 1) -> (B, H', W', 8); the long waves leave every second pixel
        real, imaginary = tf.split(tf.nn.conv2d(x, _bank(scale), 1 + scale, "SAME"), 2, axis=-1)
        return tf.sqrt(real**2 + imaginary**2)

    def averaged(x, step):  # (B, H, W, C) -> (B, 7, 7, C)
        return tf.einsum("pa,nabc,qb->npqc", lowpass(step), x, lowpass(step))

    @tf.function(reduce_retracing=True)
    def run(x):
        short = modulus(x, 0)  # (B, 28, 28, 8)
        each = tf.reshape(tf.transpose(short, (0, 3, 1, 2)), (-1, _PIXELS, _PIXELS, 1))  # each angle as an image
        second = tf.reshape(averaged(modulus(each, 1), 2), (-1, ANGLES, SIDE, SIDE, ANGLES))
        second = tf.reshape(tf.transpose(second, (0, 2, 3, 1, 4)), (-1, SIDE, SIDE, ANGLES**2))
        parts = [averaged(x, 1), averaged(short, 1), averaged(modulus(x, 1), 2), second]
        return tf.concat(parts, axis=-1)

    return run


def normalise(coefficients, groups=27, roots=True):
    """Each image's coefficients on a scale of their own: roots, then mean 0 and variance 1 within groups of channels.

    Group normalisation (Wu & He, 2018) looks at one example alone. Means over the training set would be statistics of
    private data, and would have to be paid for.

    Args:
        coefficients: float array (N, 7, 7, C), none negative.
        groups: int that divides C, or 0: no normalisation.
        roots: bool, whether square roots are taken first: a few strong strokes then weigh less.

    Returns:
        float32 array (N, 49 C).

    Raises:
        CourseError: groups that do not divide the channels.
    """
    x = np.asarray(coefficients, np.float32)
    if x.ndim != 4 or (whole_number(groups, "groups", 0) and x.shape[-1] % groups):
        raise CourseError(f"groups must divide the channels of (N, H, W, C); received {groups}, shape {x.shape}.")
    x = np.sqrt(np.maximum(x, 0)) if roots else x
    if groups:
        x = x.reshape(len(x), -1, groups, x.shape[-1] // groups)  # (N, 49, groups, C / groups)
        centred = x - x.mean(axis=(1, 3), keepdims=True)
        x = centred / np.sqrt(np.square(centred).mean(axis=(1, 3), keepdims=True) + np.float32(1e-5))
    return x.reshape(len(coefficients), -1)


def features(images, stand=True, groups=27, roots=True):
    """Digits as rows of numbers for a private linear classifier: upright, scattered, normalised one by one.

    Args:
        images: uint8 array (N, 28, 28).
        stand: bool, whether digits are stood upright first.
        groups, roots: see `normalise`.

    Returns:
        float32 array (N, 3970): 81 channels at 49 places, and a 1 for the bias. With groups, each row's squared
        length is about 3,970: lengths tell nothing.
    """
    images = data.check_images(images)
    out = np.ones((len(images), SIDE * SIDE * CHANNELS + 1), np.float32)
    for i in range(0, len(images), 2000):
        part = images[i : i + 2000]
        ink = upright(part) if stand else part.astype(np.float32) / np.float32(255)
        out[i : i + 2000, :-1] = normalise(scatter(ink), groups, roots)
    return out
