"""Telling generated digits from written ones: what gives them away at once, what is left once both are rounded alike.

A detector that separates file formats looks like one that separates makers ("Fake or JPEG?", Grommelt et al., 2024).
A large score says "generated".
"""

import numpy as np

from aigc_course import data
from aigc_course.errors import CourseError, number, whole_number

__all__ = [
    "BANDS",
    "auc",
    "build_detector",
    "detector_scores",
    "distinct_values",
    "neighbour_scores",
    "radial_spectrum",
    "rounded",
    "spectrum_scores",
    "tpr_at",
    "train_detector",
]

BANDS = 20  # rings of the spectrum


def rounded(images, levels=256):
    """Both makers' pictures on the same grid of grey values.

    Args:
        images: float (N, 28, 28, 1) in [-1, 1].
        levels: int from 2 to 256, evenly spaced from -1 to 1; 256 are those of a file.

    Returns:
        float32 array of that shape, with at most `levels` different values.
    """
    step = 2 / (whole_number(levels, "levels", 2, 256) - 1)
    return (np.rint((data.check_scaled(images) + 1) / step) * step - 1).astype(np.float32)


def distinct_values(images):
    """How many different grey values each picture holds: int (N,). Files have at most 256, networks hundreds."""
    rows = np.sort(data.check_scaled(images).reshape(len(images), -1), axis=1)
    return 1 + (np.diff(rows, axis=1) > 0).sum(axis=1)


def radial_spectrum(images, bands=BANDS):
    """Log power of each picture by distance from frequency 0 (after Durall et al., 2020): (N, bands), in nats.

    Args:
        images: float (N, n, n, 1) in [-1, 1].
        bands: int, rings of equal width, from the mean to the corner.
    """
    pixels = data.check_scaled(images)[..., 0]
    bands = whole_number(bands, "bands", 2, pixels.shape[1] // 2 * 2)
    power = np.square(np.abs(np.fft.fft2(pixels)))  # (N, n, n)
    along, across = (np.minimum(np.arange(n), n - np.arange(n)) for n in pixels.shape[1:])
    radius = np.hypot(along[:, None], across)
    ring = np.minimum((radius / radius.max() * bands).astype(int), bands - 1).ravel()
    members = (ring[:, None] == np.arange(bands)).astype(np.float64)  # (n², bands)
    return np.log(power.reshape(len(pixels), -1) @ members / np.maximum(members.sum(axis=0), 1) + 1e-6)


def auc(real_scores, fake_scores):
    """The chance that a generated picture has a larger score than a real one; ties count half (Mann & Whitney, 1947).

    Args:
        real_scores, fake_scores: float arrays (N,), (M,).

    Returns:
        float: 1 separates, 0.5 is blind.
    """
    real, fake = _numbers(real_scores, "real_scores"), _numbers(fake_scores, "fake_scores")
    ordered = np.sort(real)
    below, upto = np.searchsorted(ordered, fake, "left"), np.searchsorted(ordered, fake, "right")
    return float((below + upto).mean() / 2 / len(real))


def tpr_at(real_scores, fake_scores, rate=0.01):
    """The share of generated pictures above the score that at most a share `rate` of the real ones exceeds: a float."""
    real, fake = _numbers(real_scores, "real_scores"), _numbers(fake_scores, "fake_scores")
    allowed = int(number(rate, "rate", above=0, below=1) * len(real) + 1e-9)
    if allowed == 0:
        raise CourseError(f"a rate of {rate:g} needs {1 / rate:.0f} real scores or more; received {len(real)}.")
    return float((fake > np.sort(real)[len(real) - allowed - 1]).mean())


# --- three detectors ------------------------------------------------------------------------------------------


def build_detector(width=16):
    """A small network, (B, 28, 28, 1) in [-1, 1] -> logits (B, 1), large for generated ones."""
    import keras
    from keras import layers

    width = whole_number(width, "width")
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(
                width, 3, padding="same", activation="relu"
            ),  # (B, 28, 28, width): full size, for fine traces
            layers.Conv2D(2 * width, 3, strides=2, padding="same", activation="relu"),  # (B, 14, 14, 2 width)
            layers.Conv2D(4 * width, 3, strides=2, padding="same", activation="relu"),  # (B, 7, 7, 4 width)
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(1),
        ],
        name="detector",
    )


def train_detector(real, fake, steps, seed=7, batch_size=64, learning_rate=3e-3, width=16):
    """Trains `build_detector` on half real, half generated pictures: batches that seed and step decide.

    Args:
        real, fake: float arrays (N, 28, 28, 1), (M, 28, 28, 1) in [-1, 1], rounded alike.
        steps: int.
        seed: int, of weights and order.

    Returns:
        `keras.Sequential`.
    """
    import keras

    real, fake = data.check_scaled(real, "real"), data.check_scaled(fake, "fake")
    steps, half = whole_number(steps, "steps"), whole_number(batch_size, "batch_size", 2) // 2
    keras.utils.set_random_seed(whole_number(seed, "seed", 0, 2**32 - 1))
    network = build_detector(width)
    rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adam(rate), loss, jit_compile=False)
    network.fit(_halves(real, fake, half, steps, seed), steps_per_epoch=steps, shuffle=False, verbose=0)
    return network


def _halves(real, fake, half, steps, seed):
    """Batches of `half` real (label 0) and `half` generated pictures (label 1)."""
    import tensorflow as tf

    rng = np.random.default_rng((seed, 14))
    labels = np.repeat(np.float32([0, 1]), half)[:, None]

    def each():
        for _ in range(steps):
            pair = [part[rng.integers(len(part), size=half)] for part in (real, fake)]
            yield np.concatenate(pair).astype(np.float32), labels

    kinds = (tf.TensorSpec((2 * half, 28, 28, 1)), tf.TensorSpec((2 * half, 1)))
    return data.untuned(tf.data.Dataset.from_generator(each, output_signature=kinds).prefetch(2))


def detector_scores(network, images, batch_size=500):
    """The network's logits (N,) of float images (N, 28, 28, 1) in [-1, 1]."""
    images = data.check_scaled(images).astype(np.float32)
    parts = [network(images[i : i + batch_size], training=False) for i in range(0, len(images), batch_size)]
    return np.concatenate(parts)[:, 0]


def spectrum_scores(real, fake, *others):
    """A logistic regression on `radial_spectrum`, fitted to two sets: its scores (N,) of each of the others.

    Raises:
        CourseError: scikit-learn is missing.
    """
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    except ImportError as error:
        raise CourseError("this needs scikit-learn: pip install -e '.[trust]'.") from error
    reader = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    kinds = np.repeat([0, 1], [len(real), len(fake)])
    reader.fit(np.concatenate([radial_spectrum(real), radial_spectrum(fake)]), kinds)
    return [reader.decision_function(radial_spectrum(images)) for images in others]


def neighbour_scores(real, fake, *others):
    """Distance to the nearest real picture less that to the nearest generated one: scores (N,) for each other set."""
    from aigc_course import metrics

    known = [data.check_scaled(part).reshape(len(part), -1) for part in (real, fake)]
    found = []
    for images in others:
        rows = data.check_scaled(images).reshape(len(images), -1)
        near = [metrics.nearest_neighbours(rows, part)[0][:, 0] for part in known]
        found.append(near[0] - near[1])
    return found


def _numbers(values, name):
    """A float array (N,), N >= 1, finite, or CourseError."""
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or not values.size or not np.isfinite(values).all():
        raise CourseError(f"{name} must be finite numbers (N,), N >= 1; received shape {values.shape}.")
    return values
