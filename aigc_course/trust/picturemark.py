"""A mark in pictures that nobody sees: a keyed pattern on the middle frequencies, its detector, and what removes it.

Spread spectrum (Cox et al., 1997): a little in many frequencies. Theirs needs the unmarked picture to find the mark;
this one needs the key alone. Pictures are uint8, as files hold them: a mark that rounding destroys is none.
"""

import io
import math

import numpy as np
from PIL import Image

from aigc_course import data
from aigc_course.errors import CourseError, number, whole_number

__all__ = [
    "BAND",
    "STRENGTH",
    "attacks",
    "band",
    "dct_matrix",
    "frequencies",
    "jpeg",
    "mark",
    "noisy",
    "pattern",
    "pooled",
    "psnr",
    "regenerated",
    "requantised",
    "scores",
    "share_above",
    "shifted",
    "threshold",
]

BAND = (18, 30)  # sums u + v of the frequencies that carry the mark; chosen on the last 5,000 training digits
STRENGTH = 20.0  # grey levels a frequency; chosen there too: 29 dB, and JPEG at quality 75 survived


def dct_matrix(n):
    """The orthonormal cosine matrix C (n, n), DCT-II: C x are the frequencies of a signal x (n,), Cᵀ brings it back.

    C[u, i] = sqrt(2 / n) cos(pi (i + 1/2) u / n), row 0 over sqrt(2).
    """
    n = whole_number(n, "n")
    u, i = np.arange(n)[:, None], np.arange(n)
    matrix = np.sqrt(2 / n) * np.cos(np.pi * (i + 0.5) * u / n)
    matrix[0] /= np.sqrt(2)
    return matrix


def frequencies(images):
    """The two-dimensional cosine transform C x Cᵀ of pictures (N, n, n), in grey levels: float (N, n, n)."""
    images = np.asarray(images, dtype=np.float64)
    if images.ndim != 3 or images.shape[1] != images.shape[2]:
        raise CourseError(f"images must be (N, n, n), square and grey; received {images.shape}.")
    matrix = dct_matrix(images.shape[1])
    return matrix @ images @ matrix.T


def band(size=28, low=BAND[0], high=BAND[1]):
    """Which frequencies carry the mark: bool (size, size), true where low <= u + v < high.

    Low ones are the digit itself, high ones the first that a codec drops: the mark goes between (Cox et al., 1997).
    """
    size = whole_number(size, "size", 2)
    low = whole_number(low, "low", 0, 2 * size - 2)
    high = whole_number(high, "high", low + 1, 2 * size - 1)
    u = np.arange(size)
    return (low <= u[:, None] + u) & (u[:, None] + u < high)


def pattern(key, size=28):
    """The key's pattern: float (size, size), +1 or -1 in the band by fair coins, 0 elsewhere."""
    coins = np.random.default_rng(whole_number(key, "key", 0)).integers(0, 2, (whole_number(size, "size", 2),) * 2)
    return np.where(band(size), 2.0 * coins - 1, 0.0)


def mark(images, key, strength=STRENGTH):
    """Marked pictures.

    Args:
        images: uint8 (N, n, n).
        key: int, 0 or more; who knows it finds the mark, and can forge it.
        strength: float >= 0, what is added to each frequency of the band, in grey levels. On black paper half of the
            pattern is cut off at 0: the mark that arrives is weaker.

    Returns:
        uint8 (N, n, n).
    """
    images = _grey(images)
    matrix = dct_matrix(images.shape[1])
    added = matrix.T @ (number(strength, "strength", 0) * pattern(key, images.shape[1])) @ matrix
    return np.rint(np.clip(images + added, 0, 255)).astype(np.uint8)


def scores(images, key):
    """How well each picture agrees with the key's pattern w: sum w c / sqrt(sum c²) over its frequencies c in the band.

    For a key drawn after the picture: mean 0, variance 1. For one key and many pictures, which resemble each other, the
    mean is another: take a threshold from unmarked pictures (`threshold`), not from a table of the Gaussian.

    Args:
        images: uint8 (N, n, n).
        key: int.

    Returns:
        float (N,); 0 for a picture without any such frequency.
    """
    images = _grey(images)
    inside = band(images.shape[1])
    own = frequencies(images)[:, inside]  # (N, K)
    length = np.sqrt(np.square(own).sum(axis=1))
    return own @ pattern(key, images.shape[1])[inside] / np.maximum(length, 1e-9)


def pooled(values, k, rng):
    """Scores of packets of k pictures of one source: their sum over sqrt(k), packets drawn without repetition.

    Args:
        values: float (N,).
        k: int, 1 to N.
        rng: NumPy generator.

    Returns:
        float (N // k,).
    """
    values = np.asarray(values, dtype=np.float64)
    k = whole_number(k, "k", 1, len(values), "A packet cannot hold more pictures than there are.")
    order = rng.permutation(len(values))[: len(values) // k * k]
    return values[order].reshape(-1, k).sum(axis=1) / math.sqrt(k)


def threshold(null, rate=0.01):
    """The score that at most a share `rate` of the unmarked exceeds: a float, one of the null's own scores.

    Raises:
        CourseError: fewer scores than 1 / rate. Such a rate cannot be counted.
    """
    null, rate = np.sort(np.asarray(null, dtype=np.float64).ravel()), number(rate, "rate", above=0, below=1)
    if len(null) < 1 / rate:
        raise CourseError(
            f"a rate of {rate:g} needs {math.ceil(1 / rate)} unmarked scores or more; received {len(null)}."
        )
    return float(null[len(null) - math.floor(rate * len(null) + 1e-9) - 1])


def share_above(values, limit):
    """The share of scores above a limit: of marked pictures the true-positive rate, of others the false one."""
    return float((np.asarray(values) > limit).mean())


def psnr(images, changed):
    """Peak signal-to-noise ratio in decibels, 10 log10(255² / mean squared difference), all pictures together.

    Args:
        images, changed: uint8 arrays of one shape.

    Returns:
        float; infinity where nothing changed.
    """
    images, changed = data.check_images(images), data.check_images(changed, "changed")
    if images.shape != changed.shape:
        raise CourseError(f"both must have one shape; received {images.shape} and {changed.shape}.")
    error = np.square(images.astype(np.float64) - changed).mean()
    return math.inf if error == 0 else float(10 * np.log10(255**2 / error))


# --- what may happen to a picture -----------------------------------------------------------------------------


def noisy(images, rng, sigma=10.0):
    """Gaussian noise of sigma grey levels on each pixel, rounded and cut to 0 … 255."""
    images = _grey(images)
    return np.rint(np.clip(images + number(sigma, "sigma", 0) * rng.standard_normal(images.shape), 0, 255)).astype(
        np.uint8
    )


def shifted(images, right=1, down=0):
    """Moved by whole pixels; what comes in is paper."""
    images = _grey(images)
    right, down = (whole_number(v, n, -images.shape[1], images.shape[1]) for v, n in ((right, "right"), (down, "down")))
    moved = np.zeros_like(images)
    height, width = images.shape[1:]
    target = np.s_[:, max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)]
    source = np.s_[:, max(-down, 0) : height + min(-down, 0), max(-right, 0) : width + min(-right, 0)]
    moved[target] = images[source]
    return moved


def jpeg(images, quality=75):
    """Through Pillow's JPEG and back, each picture by itself."""
    quality = whole_number(quality, "quality", 1, 95, "Pillow advises against more.")
    return np.stack([_through_jpeg(image, quality) for image in _grey(images)])


def requantised(images, levels=8):
    """Rounded to so many grey levels, evenly spaced from 0 to 255."""
    step = 255 / (whole_number(levels, "levels", 2, 256) - 1)
    return np.rint(np.rint(_grey(images) / step) * step).astype(np.uint8)


def regenerated(images, codec):
    """Drawn anew by a codec that never saw the key: encode, then decode (regeneration, Zhao et al., 2024).

    Args:
        images: uint8 (N, 28, 28).
        codec: with `encode` and `decode`, as `lmdg.codecs.load_codec` gives.
    """
    return data.unscale(codec.decode(codec.encode(data.scale(_grey(images)))))


def attacks(rng, codec=None):
    """Names and functions of all of the above, images -> images, in the order of the table; the codec's at the end."""
    found = {
        "none": _grey,
        "8 grey levels": requantised,
        "noise, sigma 10": lambda images: noisy(images, rng, 10.0),
        "noise, sigma 30": lambda images: noisy(images, rng, 30.0),
        "JPEG 90": lambda images: jpeg(images, 90),
        "JPEG 75": lambda images: jpeg(images, 75),
        "JPEG 50": lambda images: jpeg(images, 50),
        "one pixel right": shifted,
    }
    return {**found, "codec": lambda images: regenerated(images, codec)} if codec is not None else found


def _through_jpeg(image, quality):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def _grey(images):
    """uint8 (N, n, n), or CourseError."""
    images = data.check_images(images)
    if images.ndim != 3 or images.shape[1] != images.shape[2]:
        raise CourseError(f"images must be (N, n, n), square and grey; received {images.shape}.")
    return images
