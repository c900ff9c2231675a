"""The next frame of a film, all its codes at once, from the three before it (chapter 10).

A film here is levels: int32 (n, frames, 6, 6, 8), eight numbers 0 … 7 for each cell of 4 × 4 pixels. Given three frames
the next is certain, so the numbers of a frame need not wait for each other. Trained on its own frames too: else the
second frame that it writes follows one that no training has seen (Bengio et al., 2015; Ross et al., 2011).
"""

import math
import time

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from aigc_course import data, files, progress
from aigc_course.errors import CourseError, Stopped, whole_number
from aigc_course.lmdg import films
from aigc_course.lmdg.codecs.frames import GRID, LEVELS, NUMBERS, load_frame_codec

__all__ = [
    "AHEAD",
    "OWN",
    "PAST",
    "Places",
    "adam",
    "build_next_frame",
    "go_on",
    "lesson",
    "load_film_network",
    "load_next_frame",
    "next_levels",
    "save_next_frame",
    "step",
    "train_next_frame",
    "write_frames",
]

PAST, AHEAD = 3, 6  # frames read, frames of a lesson: all that a film of ten has behind the fourth
OWN = 0.3  # chosen on digits that no reported figure rests on; with 1 the network forgot how to read true frames


class Places(layers.Layer):
    """x (B, frames, rows, columns, width) plus what is learnt of each frame, each row, each column: their sum."""

    def build(self, shape):
        _, frames, rows, columns, width = shape
        small = keras.initializers.RandomNormal(stddev=0.02)
        self.frame = self.add_weight(name="frame", shape=(frames, 1, 1, width), initializer=small)
        self.row = self.add_weight(name="row", shape=(rows, 1, width), initializer=small)
        self.column = self.add_weight(name="column", shape=(columns, width), initializer=small)

    def call(self, x):
        return x + self.frame + self.row + self.column


def build_next_frame(width=96, depth=4):
    """Three frames (3, 6, 6, 8), numbers in [-1, 1] -> logits (6, 6, 8, 8) of the next one's levels.

    Convolutions see the neighbours' cells. What moves is one digit, so each block also averages over the frame and
    lets that gate its channels: how fast it flies must be known wherever it is drawn.
    """
    width, depth = whole_number(width, "width"), whole_number(depth, "depth")
    given = keras.Input((PAST, GRID, GRID, NUMBERS))
    x = Places()(layers.Dense(width)(given))  # (B, 3, 6, 6, width)
    x = layers.Reshape((GRID, GRID, PAST * width))(layers.Permute((2, 3, 1, 4))(x))  # a cell's three frames together
    x = layers.Dense(width)(layers.Activation("relu")(x))  # (B, 6, 6, width)
    for _ in range(depth):
        h = layers.Conv2D(width, 3, padding="same", activation="relu")(layers.LayerNormalization()(x))
        gate = layers.Dense(width, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(h))
        x = x + layers.Conv2D(width, 3, padding="same")(h * gate)
    logits = layers.Dense(NUMBERS * LEVELS, dtype="float32")(layers.LayerNormalization()(x))
    return keras.Model(given, layers.Reshape((GRID, GRID, NUMBERS, LEVELS))(logits))


def _scaled(levels):
    """Levels 0 … 7 as numbers in [-1, 1]."""
    return tf.cast(levels, tf.float32) * (2 / (LEVELS - 1)) - 1


# --- training ---


def adam(learning_rate=2e-3):
    """AdamW as for the decoders of chapters 08 and 09."""
    return keras.optimizers.AdamW(learning_rate, beta_2=0.99, weight_decay=0.01, clipnorm=1.0)


def step(network, optimizer, past, wanted):
    """One step: (mean cross-entropy of a number in nats, the likeliest levels (B, 6, 6, 8))."""
    with tf.GradientTape() as tape:
        logits = network(_scaled(past), training=True)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(wanted, logits))
    gradients = tape.gradient(loss, network.trainable_variables)
    optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))
    return loss, tf.argmax(logits, axis=-1, output_type=tf.int32)


def lesson(network, optimizer, levels, own):
    """A step for each frame behind the third; with probability `own` a film goes on from the frame just written.

    Args:
        network, optimizer: as `build_next_frame` and `adam` give them.
        levels: int32 (B, 3 + k, 6, 6, 8), true films.
        own: float tensor in [0, 1]. What is wanted is always the true frame: the way back is learnt too.

    Returns:
        losses (k,), in nats a number.
    """
    past, losses = levels[:, :PAST], []
    for place in range(PAST, levels.shape[1]):
        loss, written = step(network, optimizer, past, levels[:, place])
        kept = tf.random.uniform((tf.shape(levels)[0], 1, 1, 1)) < own
        past = tf.concat([past[:, 1:], tf.where(kept, written, levels[:, place])[:, None]], axis=1)
        losses.append(loss)
    return tf.stack(losses)


def train_next_frame(
    network,
    codec,
    images,
    lessons,
    seed=7,
    batch_size=128,
    own_from=0.7,
    every=50,
    place=None,
    until=None,
    name="films",
):
    """Trains on fresh films, `AHEAD` steps a lesson.

    Args:
        network: from `build_next_frame`.
        codec: a `FrameCodec`.
        images: uint8 (N, 28, 28), digits for the films.
        lessons, batch_size, every: ints; a row of the curve is the mean of `every` lessons.
        seed: int, decides the films.
        own_from: float; from this share of the lessons on a film goes on with probability `OWN` from the frame that
            the network has written. 1: never.
        place: file for saving, or None; with it the same call goes on where an earlier one stopped.
        until: int, stops after this lesson of `lessons`, or None.
        name: str, shown in the progress bar.

    Returns:
        list of dicts: step, seconds, bits (a cell's eight numbers), own.
    """
    lessons = whole_number(lessons, "lessons")
    optimizer = adam()
    optimizer.build(network.trainable_variables)
    variables = [*network.variables, *optimizer.variables]
    state = files.load_state(place, variables) if place and place.is_file() else {"lesson": 0, "rows": []}
    rows, found, learn = state["rows"], [], tf.function(lambda levels, own: lesson(network, optimizer, levels, own))
    bar = progress.watch(name)
    started = time.perf_counter() - (rows[-1]["seconds"] if rows else 0)
    try:
        for number in range(state["lesson"], min(until or lessons, lessons)):
            done = number / lessons
            warm = min(1.0, (number + 1) / min(30, max(1, lessons // 10)))
            optimizer.learning_rate.assign(2e-3 * warm * (0.05 + 0.475 * (1 + math.cos(math.pi * done))))
            own = OWN if done >= own_from else 0.0
            moving = films.moving_digits(images, batch_size, np.random.default_rng((seed, number)), PAST + AHEAD)[0]
            found.append(learn(tf.constant(codec.encode(moving)), tf.constant(own, tf.float32)))
            bar(AHEAD * (number + 1), AHEAD * lessons)
            if (number + 1) % every == 0 or number + 1 == lessons:
                bits = float(tf.reduce_mean(found)) * NUMBERS / math.log(2)
                rows.append({"step": AHEAD * (number + 1), "seconds": round(time.perf_counter() - started, 1)})
                rows[-1] |= {"bits": round(bits, 4), "own": own}
                found = []
                if place:
                    files.save_state(place, variables, lesson=number + 1, rows=rows)
    except KeyboardInterrupt:
        raise Stopped(f"Stopped in lesson {number + 1} of {lessons}. The network keeps what it has learnt.") from None
    return rows


def next_levels(network, past):
    """The likeliest levels int32 (n, 6, 6, 8) behind three frames (n, 3, 6, 6, 8)."""
    return tf.argmax(network(_scaled(past), training=False), axis=-1, output_type=tf.int32)


def write_frames(network, levels, frames):
    """Levels (n, frames, 6, 6, 8) that begin as the given ones, (n, given, 6, 6, 8), at least three."""
    levels = np.asarray(levels)
    if levels.ndim != 5 or levels.shape[1] < PAST:
        raise CourseError(f"{PAST} frames at least, as `FrameCodec.encode` gives them; received {levels.shape}.")
    while levels.shape[1] < frames:
        new = next_levels(network, tf.constant(levels[:, -PAST:]))
        levels = np.concatenate([levels, new.numpy()[:, None]], axis=1)
    return levels[:, :frames]


def go_on(network, codec, given, frames=films.FRAMES):
    """Films uint8 (n, frames, 24, 24) that begin as the given ones (n, >= 3, 24, 24), all through the codec."""
    return codec.decode(write_frames(network, codec.encode(films.check_films(given)), frames))


def save_next_frame(network, path, width, depth, **facts):
    """Writes a network and its sizes, weights in float16."""
    files.save_network(path, {"width": width, "depth": depth, "facts": facts}, files.numbered(network.weights))


def load_next_frame(path):
    """(network, facts) from a file that `save_next_frame` wrote."""

    def build(header, weights):
        network = build_next_frame(header["width"], header["depth"])
        network.set_weights(files.in_order(weights))
        return network, header["facts"]

    return files.load_network(path, build, "a network of films")


def load_film_network():
    """(network, codec, facts of the network) as shipped."""
    codec, _ = load_frame_codec(data.asset("video_codec.npz"))
    network, facts = load_next_frame(data.asset("video_decoder.npz"))
    return network, codec, facts
