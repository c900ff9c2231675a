"""Small GANs of 28 × 28 pictures that are told the class, one a seed, trained side by side on n pictures a class.

Chapter 12 asks what their pictures are worth to a classifier. As in `collapse` seeds never meet: each has its own
weights, noise and data order, functions of the seed and the step alone.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from aigc_course import data, objectives
from aigc_course.collapse import SeedDense, settled
from aigc_course.errors import CourseError, number, whole_number
from aigc_course.step import Players, move_discriminator, move_generator

__all__ = ["CLASSES", "NOISE", "SmallGANs"]

CLASSES, NOISE = 10, 32
_PLACES, _UNUSED = 4, 2**30  # draws of random numbers a step; a place behind those of all steps


def _network(inputs, units, outputs, seeds, first, last=None):
    """(S, B, inputs) -> (S, B, outputs), leaky ReLU between."""
    parts = [layers.Input(batch_shape=(len(seeds), None, inputs))]
    for place, width in enumerate(units):
        parts += [SeedDense(width, seeds, first + place), layers.LeakyReLU(negative_slope=0.2)]
    parts += [SeedDense(outputs, seeds, first + len(units)), layers.Activation(last or "linear")]
    return keras.Sequential(parts)


class SmallGANs:
    """S conditional GANs of dense layers (Mirza & Osindero, 2014), relativistic, R1 and R2 each fourth step.

    Penalties each fourth step at four times the weight cost a quarter and do the same (StyleGAN2, Karras et al., 2020).

    Args:
        images: float32 (S, N, 28, 28, 1) in [-1, 1], or a list of S such sets of one size.
        labels: int (N,), the same for each set.
        seeds: sequence of S different ints.
        steps: int, of the whole training.
        gamma: float, weight of R1 and R2.
        rate: float, Adam's, of both players; it falls over the last 30 %.
        batch_size: int, pictures a set and step.
    """

    def __init__(self, images, labels, seeds, steps, gamma=1.0, rate=5e-4, batch_size=64, width=256):
        self.seeds, self.steps, self.step = tuple(seeds), whole_number(steps, "steps"), 0
        self.images = tf.constant(_rows(images, labels, self.seeds))
        self.labels = tf.one_hot(np.asarray(labels), CLASSES)
        self.gamma, self.rate = number(gamma, "gamma", 0), number(rate, "rate", above=0)
        self.batch_size = whole_number(batch_size, "batch_size")
        self.generator = _network(NOISE + CLASSES, (width, width), 784, self.seeds, 0, "tanh")
        self.discriminator = _network(784, (width, width // 2), 1 + CLASSES, self.seeds, 100)
        average = {"use_ema": True, "ema_momentum": 0.99}
        self.g_optimizer = keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.99, **average)
        self.d_optimizer = keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.99)
        self.g_optimizer.build(self.generator.trainable_variables)
        self.d_optimizer.build(self.discriminator.trainable_variables)
        self.compiled = tf.function(self.train_step)

    def random(self, kind, place, shape, **options):
        """Numbers (S, *shape) that seed and place decide alone."""
        return tf.stack([kind(shape, tf.stack([seed, place]), **options) for seed in self.seeds])

    def drawn(self, kinds, place):
        """Pictures (S, B, 784) of classes (S, B, 10) as shares."""
        z = self.random(tf.random.stateless_normal, place, (kinds.shape[1], NOISE))
        return self.generator(tf.concat([z, kinds], axis=-1), training=True)

    def logits(self, rows, kinds):
        """Logits (S, B, 1) of rows (S, B, 784) for classes (S, B, 10): a projection (Miyato & Koyama, 2018)."""
        own, vectors = tf.split(self.discriminator(rows, training=True), [1, CLASSES], axis=-1)
        return own + tf.reduce_sum(kinds * vectors, axis=-1, keepdims=True)

    def train_step(self, step, penalised):
        """D moves, then G through the D that it meets then; fakes have the classes of the real ones beside them."""
        place, count = _PLACES * step, float(len(self.seeds))
        within = {"minval": 0, "maxval": self.images.shape[1], "dtype": tf.int32}
        places = self.random(tf.random.stateless_uniform, place, (self.batch_size,), **within)
        real, kinds = tf.gather(self.images, places, batch_dims=1), tf.gather(self.labels, places)

        def logits(rows):
            return self.logits(rows, kinds)

        def total(loss):
            return count * loss  # losses are means over the seeds too

        players = Players(
            *(self.generator, self.discriminator, self.d_optimizer, self.g_optimizer),
            *(objectives.get("relativistic"), logits, None, total, total),
        )
        with tf.GradientTape() as g_tape:
            fake = self.drawn(kinds, place + 1)
        weight = 4.0 * self.gamma if penalised else 0.0
        real_logits, _, d_loss, _ = move_discriminator(players, real, fake, weight, weight, batch_axes=2)
        return d_loss, move_generator(players, fake, g_tape, real_logits, real)

    def train(self, progress=None):
        """All steps; then the generator's weights are their moving average. progress: function of (step, steps)."""
        while self.step < self.steps:
            rate = self.rate * settled(self.step / self.steps)
            self.d_optimizer.learning_rate.assign(rate)
            self.g_optimizer.learning_rate.assign(rate)
            self.losses = self.compiled(tf.constant(self.step), self.step % 4 == 0)
            self.step += 1
            if progress:
                progress(self.step, self.steps)
        self.g_optimizer.finalize_variable_values(self.generator.trainable_variables)

    def sample(self, count):
        """`count` pictures a class of each GAN, float32 (S, 10 count, 28, 28, 1), and their labels (10 count,)."""
        labels = np.repeat(np.arange(CLASSES), whole_number(count, "count"))
        kinds = np.eye(CLASSES, dtype=np.float32)[labels]
        parts = []
        for start in range(0, len(labels), 1000):
            some = np.broadcast_to(kinds[start : start + 1000], (len(self.seeds), *kinds[start : start + 1000].shape))
            parts.append(self.drawn(tf.constant(some), _UNUSED + start).numpy())
        return np.concatenate(parts, axis=1).reshape(len(self.seeds), -1, 28, 28, 1), labels


def _rows(images, labels, seeds):
    """Checked pictures as rows (S, N, 784)."""
    if len(set(seeds)) < len(seeds) or len(images) != len(seeds):
        raise CourseError(f"every set of pictures needs a seed of its own; received {len(images)} sets, seeds {seeds}.")
    sets = [data.check_scaled(one, "a set of pictures") for one in images]
    shapes = [one.shape for one in sets]
    if any(shape != (len(labels), 28, 28, 1) for shape in shapes):
        raise CourseError(f"each set must hold {len(labels)} pictures, one a label; received {shapes}.")
    return np.stack([one.reshape(len(one), 784) for one in sets])
