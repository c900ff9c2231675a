"""Small GANs on points in the plane, one for each seed, trained side by side: chapter 06 compares methods with them.

A batch has the shape (S, B, 2): S seeds, B points each. Seeds never meet: each has its own weights, noise and data
order, functions of the seed and the step alone, and sums of losses give each its own gradient.
"""

import time
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from aigc_course import data, metrics, objectives
from aigc_course.errors import CourseError, is_whole, one_of
from aigc_course.step import Players, move_discriminator, move_generator

__all__ = [
    "BATCH",
    "BEST",
    "DATA",
    "METHODS",
    "RPGAN",
    "SCORED",
    "STEPS",
    "Arena",
    "Method",
    "SeedDense",
    "Waves",
    "at",
    "build",
    "compare",
    "get",
    "score",
    "settled",
]

# name -> (function of (n, rng) that returns (samples, centres), sigma): the protocol of VEEGAN and PacGAN
DATA = {"ring": (data.ring, 0.01), "grid": (data.grid, 0.05)}
BATCH, STEPS, SCORED, _TRAINING_POINTS = 128, 8000, 2500, 100_000
_SLOPE = 0.2  # of LeakyReLU below zero, as in the article and DCGAN (Radford et al., 2016)
_DRAWS = 6  # places for random numbers that a move of the discriminator has, one more than it uses
_UNUSED = 2**30  # a place behind those of all training steps


class Method(NamedTuple):
    """What a GAN on points is made of; the defaults are the plain GAN that all others vary.

    Pairs (start, end) change over the first 70 % of the training: geometrically, or linearly where an end is 0. What
    each piece does, in numbers: benchmarks/RESULTS.md, "Mode collapse".
    """

    objective: str = "non_saturating"
    latent: int = 2  # Gaussian numbers in z
    # Fair coins in z, each -1 or 1: a z that is not connected needs no bridges between modes (the idea of DeLiGAN,
    # Gurumurthy et al., 2017, and of Khayatkhoei et al., 2018).
    coins: int = 0
    g_width: int = 128
    d_width: int = 128
    g_depth: int = 2  # hidden layers
    d_depth: int = 2
    # Random waves of the point that D sees beside it (Tancik et al., 2020): modes are 1/50 of the spread, too fine for
    # a penalised D that sees the point alone.
    fourier: int = 0
    pack: int = 1  # points that D sees at once (PacGAN)
    spectral: bool = False  # spectral normalisation of D (Miyato et al., 2018)
    instance_noise: tuple = (0.0, 0.0)  # sigma of the noise on D's inputs, in standard deviations of the data
    r1: tuple = (0.0, 0.0)  # falling, so that D may become steep in the end
    r2: tuple = (0.0, 0.0)
    gradient_penalty: float = 0.0  # WGAN-GP
    clip: float = 0.0  # WGAN
    d_steps: int = 1
    rate: float = 1e-3
    beta_1: float = 0.5
    beta_2: float = 0.999
    settle: bool = True  # the rate falls to 2 % over the last 30 %


RPGAN = Method("relativistic", r1=(1.0, 1.0), r2=(1.0, 1.0), beta_1=0.0, beta_2=0.99)
_FALLING = {"r1": (1.0, 1e-4), "r2": (1.0, 1e-4)}
BEST = RPGAN._replace(coins=10, g_width=64, d_width=64, g_depth=3, d_depth=3, fourier=32, **_FALLING)
# Noise, widths and depths of PacGAN's own experiment (Lin et al., 2018; synthetic_data_experiments of its repository),
# with leaky ReLU and no batch normalisation, as in all rows here.
_PACGAN = {"latent": 2, "coins": 0, "fourier": 0, "g_width": 400, "g_depth": 4, "d_width": 200, "d_depth": 3}
METHODS = {
    "gan": Method(),
    "gan, constant rate": Method(settle=False),
    "gan, z of 4": Method(latent=4),
    "gan, z of 8": Method(latent=8),
    "gan, z of 16": Method(latent=16),
    "gan, z of 32": Method(latent=32),
    "gan, z of 32, rate a quarter": Method(latent=32, rate=2.5e-4),
    "noise": Method(instance_noise=(0.1, 0.1)),
    "noise-falling": Method(instance_noise=(0.5, 0.003)),
    "deeper": Method(g_depth=4, d_depth=4),
    "strong-d": Method(d_width=256, d_steps=3),
    "weak-d": Method(d_width=16),
    "wgan": Method("wasserstein", clip=0.1, d_steps=5, rate=2e-4, beta_1=0.0, beta_2=0.9),
    "wgan-gp": Method("wasserstein", gradient_penalty=10.0, d_steps=5, beta_1=0.0, beta_2=0.9),
    "spectral": Method(spectral=True),
    "pacgan-2": Method(pack=2),
    "pacgan-4": Method(pack=4),
    "r1": Method(r1=(1.0, 1.0)),
    "rpgan": RPGAN,
    "rpgan, not relativistic": RPGAN._replace(objective="non_saturating"),
    "gan, Adam of rpgan": Method(beta_1=0.0, beta_2=0.99),
    "gan, networks of best": Method(g_width=64, d_width=64, g_depth=3, d_depth=3),
    "gan + coins": Method(coins=10),
    "gan + waves": Method(fourier=32),
    "gan + R1 and R2": Method(**_FALLING),
    "gan + coins, R1 and R2": Method(coins=10, **_FALLING),
    "best": BEST,
    "best, constant rate": BEST._replace(settle=False),
    "best, no coins": BEST._replace(coins=0),
    "best, no waves": BEST._replace(fourier=0),
    "best, R1 and R2 constant": BEST._replace(r1=(1.0, 1.0), r2=(1.0, 1.0)),
    "best, not relativistic": BEST._replace(objective="non_saturating"),
    "best, no R1 and R2": BEST._replace(r1=(0.0, 0.0), r2=(0.0, 0.0)),
    "best, networks of gan": BEST._replace(g_width=128, d_width=128, g_depth=2, d_depth=2),
    "PacGAN's size: gan": Method(rate=3e-4, **_PACGAN),
    "PacGAN's size: pacgan-4": Method(rate=3e-4, pack=4, **_PACGAN),
    "PacGAN's size: best": BEST._replace(rate=3e-4, **_PACGAN),
}


def get(method):
    """A `Method` by name, or itself.

    Raises:
        CourseError: there is no such method.
    """
    return method if isinstance(method, Method) else one_of(method, METHODS, "method")


# --- networks: S of them in one -----------------------------------------------------------------------------


class SeedDense(layers.Layer):
    """S dense layers side by side: (S, B, F) -> (S, B, units), each from its own seed (He et al., 2015).

    Args:
        units: int.
        seeds: tuple of S ints.
        place: int, tells the layers of one seed apart.
        spectral: bool, divide each kernel by its largest singular value, estimated by one power iteration a call in
            training (Miyato et al., 2018).
    """

    def __init__(self, units, seeds, place, spectral=False, **kwargs):
        super().__init__(**kwargs)
        self.units, self.seeds, self.place, self.spectral = units, tuple(seeds), place, spectral

    def build(self, input_shape):
        inputs, count = input_shape[-1], len(self.seeds)
        rngs = [np.random.default_rng((seed, self.place)) for seed in self.seeds]
        start = np.stack([rng.standard_normal((inputs, self.units)) for rng in rngs]) * np.sqrt(2.0 / inputs)
        self.kernel = self.add_weight(shape=start.shape, initializer="zeros", name="kernel")
        self.kernel.assign(start)
        self.bias = self.add_weight(shape=(count, 1, self.units), initializer="zeros", name="bias")
        if self.spectral:
            self.u = self.add_weight(shape=(count, 1, self.units), initializer="ones", trainable=False, name="u")

    def call(self, inputs, training=False):
        kernel = self.normalised(training) if self.spectral else self.kernel
        return tf.matmul(inputs, kernel) + self.bias

    def normalised(self, training):
        """kernel / (v' kernel u), with u and v the singular vectors as far as the iterations have found them."""
        kernel = tf.convert_to_tensor(self.kernel)  # (S, F, units)
        v = tf.math.l2_normalize(tf.matmul(self.u, kernel, transpose_b=True), axis=-1)  # (S, 1, F)
        u = tf.math.l2_normalize(tf.matmul(v, kernel), axis=-1)  # (S, 1, units)
        u, v = tf.stop_gradient(u), tf.stop_gradient(v)
        if training:
            self.u.assign(u)
        return kernel / tf.matmul(tf.matmul(v, kernel), u, transpose_b=True)


class Waves(layers.Layer):
    """Appends sines and cosines of random directions to each point: small scales become visible to a small network
    (Fourier features, Tancik et al., 2020). (S, B, F) -> (S, B, F + 2 waves)."""

    def __init__(self, waves, seeds, scale=3.0, **kwargs):  # 3 waves' radians a standard deviation: chosen by trial
        super().__init__(**kwargs)
        self.waves, self.seeds, self.scale = waves, tuple(seeds), scale

    def build(self, input_shape):
        rngs = [np.random.default_rng((seed, 999)) for seed in self.seeds]
        directions = np.stack([self.scale * rng.standard_normal((input_shape[-1], self.waves)) for rng in rngs])
        self.directions = tf.constant(directions, tf.float32)  # fixed: not learnt

    def call(self, inputs):
        angles = tf.matmul(inputs, self.directions)
        return tf.concat([inputs, tf.sin(angles), tf.cos(angles)], axis=-1)


def build(method, seeds):
    """(generator, discriminator) for points, S networks each.

    Args:
        method: `Method`, or the name of one.
        seeds: sequence of S different ints from 0 up.

    Returns:
        Two `keras.Sequential`: (S, B, latent + coins) -> (S, B, 2), and (S, B, 2 pack) -> logits (S, B, 1).
    """
    method, seeds = get(method), _check_seeds(seeds)

    def network(inputs, outputs, width, depth, first, spectral=False, waves=0, name=None):
        hidden = []
        for index in range(depth):
            hidden += [SeedDense(width, seeds, first + index, spectral), layers.LeakyReLU(negative_slope=_SLOPE)]
        parts = [layers.Input(batch_shape=(len(seeds), None, inputs))]
        parts += [Waves(waves, seeds)] if waves else []
        return keras.Sequential([*parts, *hidden, SeedDense(outputs, seeds, first + depth, spectral)], name=name)

    generator = network(method.latent + method.coins, 2, method.g_width, method.g_depth, 0, name="generator")
    discriminator = network(
        2 * method.pack, 1, method.d_width, method.d_depth, 100, method.spectral, method.fourier, name="discriminator"
    )
    return generator, discriminator


def _check_seeds(seeds):
    """Returns the seeds as a tuple of ints, or says what is wrong with them."""
    seeds = tuple(seeds)
    if not seeds or not all(is_whole(seed) and seed >= 0 for seed in seeds) or len(set(seeds)) < len(seeds):
        raise CourseError(f"seeds must be different integers from 0 up; received {seeds!r}. Try range(10).")
    return tuple(int(seed) for seed in seeds)


# --- training -----------------------------------------------------------------------------------------------


class Arena:
    """One method on one data set, S seeds at once.

    Args:
        method: `Method`, or the name of one.
        points: name in `DATA`, or a float array (N, 2) of training points.
        seeds: sequence of S different ints from 0 up.
        steps: int, of the whole training: what falls or settles does so over this length.

    Attributes:
        generator, discriminator: the networks; they work on points divided by `scale`.
        scale: float, the standard deviation of the training points about their mean, both axes together.
        step: int, training steps so far.
    """

    def __init__(self, method, points="ring", seeds=(0,), steps=STEPS):
        self.method, self.seeds, self.steps, self.step = get(method), _check_seeds(seeds), steps, 0
        points = _check_points(points)
        self.scale = float(np.sqrt(((points - points.mean(axis=0)) ** 2).mean()))
        self.points = tf.constant(points / self.scale)
        self.generator, self.discriminator = build(self.method, self.seeds)
        rate = self.method.rate
        self.d_optimizer, self.g_optimizer = (
            keras.optimizers.Adam(rate, beta_1=self.method.beta_1, beta_2=self.method.beta_2) for _ in range(2)
        )
        self.d_optimizer.build(self.discriminator.trainable_variables)
        self.g_optimizer.build(self.generator.trainable_variables)
        self.stride = max(64, _DRAWS * self.method.d_steps + 2)  # 2: for the generator's move
        self.compiled = tf.function(self.train_step)

    def random(self, kind, place, shape, **options):
        """Numbers (S, *shape) by one of TensorFlow's stateless functions: what seed and place decide alone. A place is
        stride · step + draw: a step draws less often than stride, so no two steps share one."""
        return tf.stack([kind(shape, tf.stack([seed, place]), **options) for seed in self.seeds])

    def noise(self, n, place):
        """z (S, n, latent + coins)."""
        z = self.random(tf.random.stateless_normal, place, (n, self.method.latent + self.method.coins))
        smooth, coins = tf.split(z, [self.method.latent, self.method.coins], axis=-1)
        return tf.concat([smooth, tf.where(coins > 0, 1.0, -1.0)], axis=-1)

    def reals(self, place):
        """Training points (S, BATCH, 2), in units of `scale`."""
        places = {"minval": 0, "maxval": len(self.points), "dtype": tf.int32}
        return tf.gather(self.points, self.random(tf.random.stateless_uniform, place, (BATCH,), **places))

    def train_step(self, step, noise, r1, r2):
        """D moves d_steps times, then G once, through the D that it meets then; returns both losses."""
        method, seeds, place = self.method, float(len(self.seeds)), self.stride * step
        objective = objectives.get(method.objective)

        def logits(points):
            return self.discriminator(points, training=True)

        def seen(points, draw):
            if any(method.instance_noise):
                points += noise * self.random(tf.random.stateless_normal, place + draw, (BATCH, 2))
            return objectives.pack(points, method.pack, batch_axes=2)

        def total(loss):
            return seeds * loss  # losses are means over the seeds too: each seed's share is its own loss

        weights = {"r1": r1 if any(method.r1) else 0, "r2": r2 if any(method.r2) else 0}
        optimizers = self.d_optimizer, self.g_optimizer
        players = Players(self.generator, self.discriminator, *optimizers, objective, logits, None, total, total)
        for turn in range(method.d_steps):
            draw = _DRAWS * turn
            with tf.GradientTape() as g_tape:
                fakes = self.generator(self.noise(BATCH, place + draw), training=True)
            reals = self.reals(place + draw + 1)
            real_seen, fake_seen = seen(reals, draw + 2), seen(fakes, draw + 3)
            share = None
            if method.gradient_penalty:
                share = self.random(tf.random.stateless_uniform, place + draw + 4, (real_seen.shape[1], 1))
            real_logits, _, _, d_loss = move_discriminator(
                players,
                real_seen,
                fake_seen,
                **weights,
                gradient_penalty=method.gradient_penalty,
                batch_axes=2,
                share=share,
            )
            if method.clip:
                objectives.clip_weights(self.discriminator, method.clip)
        again = seen(reals, self.stride - 1) if objective.paired else None
        g_loss = move_generator(
            players, fakes, g_tape, real_logits, again, lambda points: seen(points, self.stride - 2)
        )
        return d_loss, g_loss

    def train(self, steps=None, progress=None):
        """Trains `steps` more steps (by default to the end). Ctrl-C stops between two steps; call again to go on.

        Args:
            steps: int or None.
            progress: function of (step, steps), called after each step.
        """
        for _ in range(self.steps - self.step if steps is None else steps):
            share = min(1.0, self.step / self.steps)
            rate = self.method.rate * (settled(share) if self.method.settle else 1.0)
            self.d_optimizer.learning_rate.assign(rate)
            self.g_optimizer.learning_rate.assign(rate)
            changing = (self.method.instance_noise, self.method.r1, self.method.r2)
            self.losses = self.compiled(tf.constant(self.step), *(tf.constant(at(pair, share)) for pair in changing))
            self.step += 1
            if progress:
                progress(self.step, self.steps)

    def sample(self, n=SCORED):
        """Generated points (S, n, 2), in the data's own units; noise that no training step has used."""
        z = self.noise(n, tf.constant(_UNUSED))
        return self.scale * self.generator(z, training=False).numpy()

    def logits(self, points):
        """The discriminator's logits (S, N) at points (N, 2) in the data's units; PacGAN sees each m times."""
        seen = np.tile(np.asarray(points, np.float32) / self.scale, self.method.pack)
        seen = np.broadcast_to(seen, (len(self.seeds), *seen.shape))
        return self.discriminator(seen, training=False).numpy()[..., 0]


def at(pair, share, until=0.7):
    """A value on its way from pair[0] to pair[1], which it reaches when `until` of the training is over."""
    start, end = pair
    way = min(1.0, share / until)
    return float(start ** (1 - way) * end**way) if start > 0 and end > 0 else float(start + way * (end - start))


def settled(share, since=0.7, low=0.02):
    """The learning rate's factor: 1, then half a cosine down to `low`."""
    way = max(0.0, (share - since) / (1 - since))
    return low + (1 - low) * (1 + np.cos(np.pi * way)) / 2


def _check_points(points):
    """Training points (N, 2), float32, from a name in DATA or an array."""
    if isinstance(points, str):
        make, _ = one_of(points, DATA, "data")
        return make(_TRAINING_POINTS, np.random.default_rng(0))[0]
    points = np.asarray(points)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 2 or not np.isfinite(points.astype(float)).all():
        raise CourseError(f"points must be a finite array (N, 2), N >= 2; received shape {points.shape}.")
    if np.ptp(points, axis=0).max() == 0:
        raise CourseError("the points are all the same: there is nothing to learn. Give two different ones or more.")
    return points.astype(np.float32)


def score(samples, name):
    """`metrics.ModeCoverage` of each seed: samples (S, n, 2) of the data set `name` -> list of S."""
    make, sigma = DATA[name]
    centres = make(1, np.random.default_rng(0))[1]
    return [metrics.mode_coverage(one, centres, sigma) for one in samples]


def compare(method, name, seeds, steps=STEPS, progress=None):
    """Trains a method on all seeds and scores each.

    Returns:
        (list of `metrics.ModeCoverage`, samples (S, SCORED, 2), seconds of training).
    """
    arena = Arena(method, name, seeds, steps)
    started = time.perf_counter()
    arena.train(progress=progress)
    seconds = time.perf_counter() - started
    samples = arena.sample()
    return score(samples, name), samples, seconds
