"""Does generated data help a classifier? Arms that differ only in what stands beside the same n real pictures a class.

Chapter 12. A run takes n labelled pictures of each class; a fifth of them chooses when to stop, the rest trains.
"""

import math
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from aigc_course import data
from aigc_course.errors import CourseError, number, whole_number
from aigc_course.studio.scores import build_classifier

__all__ = [
    "ARMS",
    "BATCH",
    "CLASSES",
    "STEPS",
    "WIDTH",
    "Arm",
    "Draw",
    "Learner",
    "blind_images",
    "build_on_codec",
    "mixed_places",
    "take",
    "transforms",
    "warp",
]

CLASSES, BATCH, STEPS, WIDTH = 10, 64, 400, 16


class Arm(NamedTuple):
    """What an arm sees beside the n real pictures a class.

    Attributes:
        extra: "none", "generated", "noise" or "real": the pictures that are added.
        warped: bool, each picture is moved, turned and scaled anew in every batch.
        codec: bool, the classifier begins as the encoder of chapter 09's codec, which saw 60,000 digits unlabelled.
        fresh: bool, with `codec`: the same layers with weights by chance, for what the build alone brings.
    """

    extra: str = "none"
    warped: bool = False
    codec: bool = False
    fresh: bool = False


ARMS = {
    "real": Arm(),
    "classical": Arm(warped=True),
    "gan": Arm("generated"),
    "both": Arm("generated", warped=True),
    "pretrained": Arm(codec=True),
    "scratch": Arm(codec=True, fresh=True),
    "oracle": Arm("real"),
    "blind": Arm("noise"),
}


# --- pictures ---


class Draw(NamedTuple):
    """The pictures of one run; all float32 (N, 28, 28, 1) in [-1, 1] with labels (N,), class by class.

    Attributes:
        fit, fit_labels: four fifths of n a class: what trains the classifier and the generator.
        check, check_labels: a fifth of n a class: what chooses when to stop.
        rest, rest_labels: `extra` further real pictures a class, for the oracle alone.
    """

    fit: np.ndarray
    fit_labels: np.ndarray
    check: np.ndarray
    check_labels: np.ndarray
    rest: np.ndarray
    rest_labels: np.ndarray


def take(x, y, n, seed, extra=0):
    """n labelled pictures a class as a `Draw`; the same seed takes the same ones for every arm.

    Args:
        x, y: uint8 (N, 28, 28) and labels (N,) from 0 to 9.
        n: int, labels a class, at least 5.
        seed: int.
        extra: int, further real pictures a class.

    Raises:
        CourseError: a class has fewer than n + extra pictures.
    """
    n, extra = whole_number(n, "n", 5, hint="A fifth of n chooses when to stop."), whole_number(extra, "extra", 0)
    rng, y = np.random.default_rng((whole_number(seed, "seed", 0), 12)), np.asarray(y)
    least = int(np.bincount(y, minlength=CLASSES).min())
    if n + extra > least:
        raise CourseError(f"n + extra must be at most {least}, all of the rarest class; received {n} + {extra}.")
    orders = [rng.permutation(np.flatnonzero(y == one)) for one in range(CLASSES)]
    fit = n - n // 5
    parts = []
    for start, end in ((0, fit), (fit, n), (n, n + extra)):
        places = np.concatenate([order[start:end] for order in orders])
        parts += [data.scale(x[places]) if len(places) else np.empty((0, 28, 28, 1), np.float32), y[places].astype(int)]
    return Draw(*parts)


def transforms(count, rng, strength=1.0, flip=False):
    """Small random motions as rows (count, 8) of TensorFlow's projective transforms, about the picture's centre.

    At strength 1: up to 2 pixels each way, then 12 degrees, 12 % larger or smaller, all even; with `flip` half are
    mirrored: clothes have no left and right, digits do.
    """
    strength = number(strength, "strength", 0)
    turn, shift_x, shift_y, size = rng.uniform(-strength, strength, (4, whole_number(count, "count", 0)))
    angle, size = np.deg2rad(12) * turn, np.exp(math.log(1.12) * size)
    side = np.where(rng.random(count) < (0.5 if flip else 0.0), -1.0, 1.0)
    c, s, centre = np.cos(angle) / size, np.sin(angle) / size, 13.5
    # a place of the new picture, from the centre, times this matrix is the place in the old one
    a, b, d, e = side * c, -side * s, s, c
    move_x, move_y = centre - a * centre - b * centre + 2 * shift_x, centre - d * centre - e * centre + 2 * shift_y
    nothing = np.zeros(count)
    return np.stack([a, b, move_x, d, e, move_y, nothing, nothing], axis=1).astype(np.float32)


def warp(images, rows):
    """Images (B, 28, 28, 1), each moved by its row of `transforms`, bilinear; what comes in from outside is -1."""
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=rows,
        output_shape=tf.constant([28, 28]),
        fill_value=-1.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )


def blind_images(fit, count, rng):
    """What a generator draws that learnt no class: each pixel by itself, as often as bright as in the n real pictures.

    Args:
        fit: float32 (N, 28, 28, 1).
        count: int, pictures a class.

    Returns:
        (images (10 count, 28, 28, 1), labels (10 count,)).
    """
    chosen = rng.integers(len(fit), size=(CLASSES * count, 784))
    pixels = fit.reshape(len(fit), 784)[chosen, np.arange(784)]
    return pixels.reshape(-1, 28, 28, 1), np.repeat(np.arange(CLASSES), count)


def mixed_places(real, extra, share, steps, rng, batch=BATCH):
    """Places (steps, batch) in the pool [real, extra]; where real ones are shown, they are the same for every share.

    Args:
        real, extra: ints, how many there are of each.
        share: float in [0, 1], of the batch, that comes from the extra ones.
    """
    first = rng.integers(real, size=(steps, batch))
    second = rng.integers(max(extra, 1), size=(steps, batch)) + real
    return np.where(np.arange(batch) < round(share * batch), second, first).astype(np.int32)


# --- a classifier ---


def build_on_codec(frozen=False, fresh=False):
    """A classifier on the encoder of chapter 09's codec, with a new head, which alone learns if `frozen`.

    fresh: the encoder's layers have weights by chance instead of those that saw 60,000 digits.
    """
    from aigc_course.lmdg import codecs

    encoder = codecs.load_shipped_codec("image")[0].encoder
    encoder = keras.models.clone_model(encoder) if fresh else encoder
    for layer in encoder.layers:
        layer.trainable = not frozen
    head = [layers.Flatten(), layers.Dropout(0.5), layers.Dense(64, activation="relu"), layers.Dense(CLASSES)]
    return keras.Sequential([layers.Input((28, 28, 1)), *encoder.layers[:-1], *head])


class Learner:
    """A small classifier, trained again and again from the weights that a seed gives.

    Args:
        build: function without arguments -> `keras.Model`, images -> logits (B, 10); None: `build_classifier(16)`.
        rate: float, Adam's; it falls to 0 along half a cosine.
        steps: int, gradient steps of each training.
    """

    def __init__(self, build=None, rate=2e-3, steps=STEPS):
        self.build = build or (lambda: build_classifier(WIDTH))
        self.steps = whole_number(steps, "steps", 8)
        self.network = self.build()
        falling = keras.optimizers.schedules.CosineDecay(number(rate, "rate", above=0), steps)
        self.optimizer = keras.optimizers.Adam(falling)
        self.optimizer.build(self.network.trainable_variables)
        self.chunk = tf.function(self._chunk, reduce_retracing=True)
        self.logits = tf.function(lambda x: self.network(x, training=False), reduce_retracing=True)

    def reset(self, seed):
        """Starts anew: weights and dropout by the seed, no step made."""
        keras.utils.set_random_seed(seed)
        for mine, new in zip(self.network.variables, self.build().variables, strict=True):
            mine.assign(new)
        for layer in self.network.layers:
            if isinstance(layer, layers.Dropout):
                layer.seed_generator.state.assign([seed, 0])
        for variable in self.optimizer.variables:
            variable.assign(tf.zeros_like(variable))

    def _chunk(self, images, labels, places, rows):
        """A gradient step for each row of places (T, B); rows (T, B, 8), or (0, 0, 8): nothing is moved."""
        for i in tf.range(tf.shape(places)[0]):
            seen, wanted = tf.gather(images, places[i]), tf.gather(labels, places[i])
            if tf.shape(rows)[0] > 0:
                seen = warp(seen, rows[i])
            seen = tf.ensure_shape(seen, (None, 28, 28, 1))
            with tf.GradientTape() as tape:
                logits = self.network(seen, training=True)
                loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(wanted, logits))
            weights = self.network.trainable_variables
            self.optimizer.apply(tape.gradient(loss, weights), weights)

    def fit(self, images, labels, places, check, check_labels, seed, rows=None):
        """Trains from the seed's start; keeps the weights that were best on the check pictures, of eight moments.

        Args:
            images, labels: the pool, (N, 28, 28, 1) and (N,).
            places: int (steps, B), which of them each step sees.
            check, check_labels: pictures that choose the moment: fewest errors, the latest of equals.
            seed: int.
            rows: float (steps, B, 8) of `transforms`, or None.

        Returns:
            The step whose weights were kept.
        """
        self.reset(seed)
        rows = np.empty((0, 0, 8), np.float32) if rows is None else rows
        pool, kinds = tf.constant(images), tf.constant(labels, tf.int32)
        best, kept, done = -1, None, 0
        for part in np.array_split(np.arange(len(places)), 8):
            self.chunk(pool, kinds, tf.constant(places[part]), tf.constant(rows[part] if len(rows) else rows))
            done += len(part)
            right = int(self.right(check, check_labels).sum())
            if right >= best:
                best, kept = right, (done, self.network.get_weights())
        self.network.set_weights(kept[1])
        return kept[0]

    def right(self, images, labels):
        """Which images are read as labelled: bool (N,)."""
        parts = [self.logits(images[i : i + 1000]).numpy() for i in range(0, len(images), 1000)]
        return np.concatenate(parts).argmax(axis=1) == np.asarray(labels)
