"""A conditional GAN: the article's networks, told which class to draw."""

import time

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from aigc_course import data, files, gan, models, objectives, progress
from aigc_course.collapse import settled
from aigc_course.errors import CourseError, Stopped, number, whole_number
from aigc_course.step import Players, move_discriminator, move_generator

__all__ = [
    "CLASSES",
    "NOISE",
    "ConditionalGAN",
    "Projection",
    "build_conditional_discriminator",
    "build_conditional_generator",
    "draw",
    "load_conditional_generator",
    "sample_classes",
    "save_conditional_generator",
    "train_conditional",
]

CLASSES, NOISE = 10, 64  # with the 36 numbers of a class, the generator's first layer sees 100, as the article's


def build_conditional_generator(classes=CLASSES, noise=NOISE):
    """(z (B, noise), shares of the classes (B, classes)) -> images (B, 28, 28, 1) in [-1, 1].

    A class is a vector of 36 learnt numbers (its embedding 嵌入, a one-hot row times a matrix), put beside
    the noise; the rest is the article's generator. Shares other than one-hot mix the vectors: pictures between classes.

    Args:
        classes, noise: ints.

    Returns:
        `keras.Model` with 1,924,649 weights for the defaults.
    """
    classes, noise = whole_number(classes, "classes"), whole_number(noise, "noise")
    z, shares = layers.Input((noise,)), layers.Input((classes,))
    embedded = layers.Dense(36, use_bias=False, kernel_initializer="random_normal", name="class_vectors")(shares)
    body = models.build_generator(noise + 36)
    return keras.Model([z, shares], body(layers.Concatenate()([z, embedded])), name="conditional_generator")


@keras.saving.register_keras_serializable(package="aigc_course")
class Projection(layers.Layer):
    """The logit of an image for its class: w · phi + b + v_class · phi (projection, Miyato & Koyama, 2018).

    For two Gaussians a class with the same covariance, log p(x|class)/q(x|class) is of this form. No classifier is
    trained, so agreement with one can be reported. (features (B, F), shares (B, classes)) -> (B, 1).
    """

    def build(self, input_shapes):
        features, shares = input_shapes
        self.own = layers.Dense(1, name="own")
        self.own.build(features)
        self.vectors = self.add_weight(shape=(shares[-1], features[-1]), initializer="zeros", name="vectors")

    def call(self, inputs):
        features, shares = inputs
        return self.own(features) + ops.sum(ops.matmul(shares, self.vectors) * features, axis=-1, keepdims=True)


def build_conditional_discriminator(classes=CLASSES, penalised=True):
    """(images (B, 28, 28, 1), shares (B, classes)) -> logits (B, 1): the article's layers up to the last, a projection.

    Args:
        classes: int.
        penalised: bool, without batch normalisation and dropout, as R1 and R2 need it (`models.build_critic`).
    """
    body = models.build_critic() if penalised else models.build_discriminator()
    body.pop()  # its Dense layer; ours has the class in it
    image, shares = layers.Input((28, 28, 1)), layers.Input((whole_number(classes, "classes"),))
    return keras.Model([image, shares], Projection()([body(image), shares]), name="conditional_discriminator")


class ConditionalGAN(keras.Model):
    """Both players are told the class: they play one game a class, with shared layers (Mirza & Osindero, 2014).

    Fakes of a step have the classes of its real images. The step is `step.d_first`'s: the discriminator moves, then the
    generator answers with the same images.

    Args:
        generator, discriminator: as the two functions above build them.
        objective: str, one of `objectives.OBJECTIVES`.
        r1, r2: floats, weights of the slope penalties.
        ema_decay: float in [0, 1), of the averaged generator, which draws.
        seed: int; noise and the order of the data depend on it and on the step alone.
    """

    def __init__(
        self, generator, discriminator, objective="relativistic", r1=0.3, r2=0.3, ema_decay=0.999, seed=7, **kwargs
    ):
        super().__init__(**kwargs)
        self.generator, self.discriminator = generator, discriminator
        self.ema_generator = keras.models.clone_model(generator)
        self.ema_generator.set_weights(generator.get_weights())
        self.ema_generator.trainable = False
        self.noise_dim, self.classes = (int(part.shape[-1]) for part in generator.inputs)
        self.objective = objectives.get(objective)
        self.r1, self.r2 = number(r1, "r1", low=0, below=1e6), number(r2, "r2", low=0, below=1e6)
        self.ema_decay = number(ema_decay, "ema_decay", low=0, below=1)
        self.seed = whole_number(seed, "seed", 0, 2**31 - 1)
        self.trackers = {name: keras.metrics.Mean(name=name) for name in ("d_loss", "g_loss")}
        self.built = True

    def compile(self, d_optimizer=None, g_optimizer=None, **kwargs):
        """One optimizer for each player; by default Adam at 2e-3 and 1e-3 with beta_2 = 0.99, as on stacked MNIST."""
        super().compile(jit_compile=False, **kwargs)
        self.d_optimizer = d_optimizer or gan.adam(2e-3, 0.99)
        self.g_optimizer = g_optimizer or gan.adam(1e-3, 0.99)
        self.rates = [float(one.learning_rate) for one in (self.d_optimizer, self.g_optimizer)]  # before they settle
        self.d_optimizer.build(self.discriminator.trainable_variables)
        self.g_optimizer.build(self.generator.trainable_variables)

    @property
    def metrics(self):
        return list(self.trackers.values())

    @property
    def state(self):
        """list of variables: all that training needs to go on (`files.save_state`)."""
        networks = (self.generator, self.ema_generator, self.discriminator)
        optimizers = (self.d_optimizer, self.g_optimizer)
        return [v for one in networks for v in one.weights] + [v for one in optimizers for v in one.variables]

    @property
    def step(self):
        """int: training steps so far."""
        return int(self.g_optimizer.iterations.numpy()) if self.compiled else 0

    def train_step(self, batch):
        """One step of both players on (images (B, 28, 28, 1), labels (B,))."""
        images, labels = batch
        shares = tf.one_hot(labels, self.classes)  # (B, classes)
        place = tf.stack([self.seed, tf.cast(self.g_optimizer.iterations, tf.int32)])
        z = tf.random.stateless_normal((tf.shape(images)[0], self.noise_dim), place)

        def logits(x):
            return self.discriminator([x, shares], training=True)

        players = Players(
            self.generator, self.discriminator, self.d_optimizer, self.g_optimizer, self.objective, logits
        )
        with tf.GradientTape() as g_tape:
            fake = self.generator([z, shares], training=True)
        real_logits, _, d_loss, _ = move_discriminator(players, images, fake, self.r1, self.r2)
        g_loss = move_generator(players, fake, g_tape, real_logits, images)
        step = tf.cast(self.g_optimizer.iterations, tf.float32)
        decay = tf.minimum(self.ema_decay, step / (step + 9.0))
        for average, weight in zip(self.ema_generator.weights, self.generator.weights, strict=True):
            average.assign(decay * average + (1.0 - decay) * weight)
        self.trackers["d_loss"].update_state(d_loss)
        self.trackers["g_loss"].update_state(g_loss)
        return {name: tracker.result() for name, tracker in self.trackers.items()}

    def call(self, inputs, training=False):
        return self.ema_generator(inputs, training=False)

    def sample(self, n, labels=None, seed=0):
        """Images and labels: n pictures of the given classes, or of each class in turn.

        Returns:
            (float32 (n, 28, 28, 1) in [-1, 1], int (n,)).
        """
        return sample_classes(self.ema_generator, n, labels, seed)


def sample_classes(generator, n, labels=None, seed=0, truncation=1.0):
    """As `ConditionalGAN.sample`, from a generator alone; `truncation` multiplies z (Kingma & Dhariwal, 2018).

    Raises:
        CourseError: labels that are no class, or a truncation outside [0, 2].
    """
    noise, classes = (int(part.shape[-1]) for part in generator.inputs)
    n, truncation = whole_number(n, "n"), number(truncation, "truncation", 0, 2)
    labels = np.arange(n) % classes if labels is None else np.asarray(labels)
    if labels.shape != (n,) or labels.dtype.kind not in "iu" or not 0 <= labels.min() <= labels.max() < classes:
        raise CourseError(f"labels must be {n} integers from 0 to {classes - 1}; received {labels!r:.80}.")
    z = truncation * np.random.default_rng(seed).standard_normal((n, noise), dtype=np.float32)
    return draw(generator, z, np.eye(classes, dtype=np.float32)[labels]), labels


def draw(generator, z, shares, batch_size=500):
    """Images (N, 28, 28, 1) for noise z (N, noise) and shares of the classes (N, classes)."""
    parts = [
        generator([z[i : i + batch_size], shares[i : i + batch_size]], training=False)
        for i in range(0, len(z), batch_size)
    ]
    return np.concatenate(parts)


# --- training and files -------------------------------------------------------------------------------------


def train_conditional(model, images, labels, steps, batch_size=64, each=None):
    """Trains until `steps` steps are done; over the last 30 % both rates settle to 2 %. The same call goes on.

    Args:
        model: `ConditionalGAN`, compiled.
        images, labels: uint8 (N, 28, 28) and ints (N,).
        steps: int, in all.
        each: function of (step, seconds of this call), called after each step; what it raises ends the training.

    Raises:
        Stopped: Stop or Ctrl-C came; what was learnt is kept.
    """
    steps = whole_number(steps, "steps")
    optimizers = model.d_optimizer, model.g_optimizer
    show, started = progress.watch("conditional GAN"), time.perf_counter()

    class Each(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            for optimizer, rate in zip(optimizers, model.rates, strict=True):
                optimizer.learning_rate.assign(rate * settled(model.step / steps))

        def on_train_batch_end(self, batch, logs=None):
            show(model.step, steps)
            if each:
                each(model.step, time.perf_counter() - started)

    try:
        if model.step < steps:
            stream = data.batches(images, batch_size, model.seed, model.step, labels)
            model.fit(stream, steps_per_epoch=steps - model.step, callbacks=[Each()], verbose=0, shuffle=False)
    except KeyboardInterrupt:
        said = f"Stopped at step {model.step} of {steps}. What was learnt is kept; the same call goes on."
        raise Stopped(said) from None


def save_conditional_generator(model, path, **facts):
    """Writes the averaged generator in float16, whole or not at all; `facts` are kept beside it."""
    header = {"classes": model.classes, "noise": model.noise_dim, "facts": facts}
    files.save_network(path, header, files.numbered(model.ema_generator.get_weights()))


def load_conditional_generator(path):
    """(generator, facts) from a file that `save_conditional_generator` wrote.

    Raises:
        CourseError: no such file, or not such a file.
    """

    def build(header, weights):
        generator = build_conditional_generator(header["classes"], header["noise"])
        generator.set_weights(files.in_order(weights))
        return generator, header["facts"]

    return files.load_network(path, build, "a conditional generator")
