"""Flow: a keras.Model that learns a velocity by regression, and draws by following it."""

import functools
import time

import keras
import numpy as np
import tensorflow as tf

from aigc_course import data, files, progress
from aigc_course.errors import CourseError, Stopped, number, one_of, whole_number
from aigc_course.flow.network import build_velocity

__all__ = [
    "Flow",
    "adam",
    "compile_flow",
    "load_flow",
    "save_flow",
    "train_flow",
]

_METHODS = {"euler": False, "heun": True}  # name -> whether a step looks at both of its ends


class Flow(keras.Model):
    """Images and labels -> the velocity that carries noise to them (flow matching: Lipman et al., 2023).

    A step draws noise and a time for each image, goes that far on the straight path between them and asks the network
    for the path's direction, image - noise: the mean over all paths through a point is the velocity there. Times are a
    sigmoid of a Gaussian, so the middle of the way, where the speed is hardest to guess, is visited most (Esser et
    al., 2024). A share of the labels is hidden, so that one network knows the velocity with and without (Ho &
    Salimans, 2022).

    Args:
        network: Keras model, (x (B, H, W, C), t (B,), label (B,)) -> velocity (B, H, W, C); label `classes` = hidden.
        classes: int.
        hidden: float in [0, 1), share of hidden labels.
        ema_decay: float in [0, 1), of the averaged weights that draw.
        seed: int; noise, times and hidden labels depend on it and on the step alone.

    Attributes:
        average: the network with averaged weights.
        step: int, training steps so far.
    """

    def __init__(self, network, classes=10, hidden=0.15, ema_decay=0.9995, seed=7, **kwargs):
        super().__init__(**kwargs)
        self.network, self.classes = network, whole_number(classes, "classes")
        self.average = keras.models.clone_model(network)
        self.average.set_weights(network.get_weights())
        self.average.trainable = False
        self.hidden = number(hidden, "hidden", 0, below=1)
        self.ema_decay = number(ema_decay, "ema_decay", 0, below=1)
        self.seed = whole_number(seed, "seed", 0, 2**31 - 1)
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.shape = tuple(network.output_shape[1:])
        self.built = True

    @property
    def metrics(self):
        return [self.loss_tracker]

    @property
    def state(self):
        """list of variables: all that training needs to go on (`files.save_state`)."""
        return [*self.network.weights, *self.average.weights, *self.optimizer.variables]

    @property
    def step(self):
        """int: training steps so far."""
        return int(self.optimizer.iterations.numpy()) if self.compiled else 0

    def random(self, kind, draw, shape):
        """Numbers that seed, step and draw decide alone."""
        place = tf.stack([self.seed + 7919 * draw, tf.cast(self.optimizer.iterations, tf.int32)])
        return kind(shape, place)

    def train_step(self, batch):
        """One step of regression on a batch (images (B, H, W, C) in [-1, 1], labels (B,))."""
        images, labels = batch
        count = tf.shape(images)[0]
        noise = self.random(tf.random.stateless_normal, 0, tf.shape(images))
        t = tf.sigmoid(self.random(tf.random.stateless_normal, 1, (count,)))  # (B,)
        hide = self.random(tf.random.stateless_uniform, 2, (count,)) < self.hidden
        labels = tf.where(hide, self.classes, labels)
        way = t[:, None, None, None]
        with tf.GradientTape() as tape:
            velocity = self.network([(1 - way) * noise + way * images, t, labels], training=True)
            loss = tf.reduce_mean(tf.square(velocity - (images - noise)))
        weights = self.network.trainable_variables
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        step = tf.cast(self.optimizer.iterations, tf.float32)
        decay = tf.minimum(self.ema_decay, step / (step + 9.0))  # as in `gan.GAN`: a short run forgets its start
        for average, weight in zip(self.average.weights, self.network.weights, strict=True):
            average.assign(decay * average + (1.0 - decay) * weight)
        self.loss_tracker.update_state(loss)
        return {"loss": self.loss_tracker.result()}

    def call(self, inputs, training=False):
        return self.average(inputs, training=False)

    # --- following the velocity --------------------------------------------------------------------------

    @functools.cached_property
    def _guided(self):
        """v without label + guidance * (v with label - v without), or v with the label where guidance is 1."""

        def plain(x, t, labels):
            return self.average([x, tf.fill(tf.shape(labels), t), labels], training=False)

        def both(x, t, labels, guidance):
            doubled = tf.concat([labels, tf.fill(tf.shape(labels), self.classes)], axis=0)
            told, untold = tf.split(plain(tf.concat([x, x], axis=0), t, doubled), 2)
            return untold + guidance * (told - untold)

        return tf.function(plain, reduce_retracing=True), tf.function(both, reduce_retracing=True)

    def velocity(self, x, t, labels, guidance=1.0):
        """The velocity (N, H, W, C) at points x (N, H, W, C) and one time t, for labels (N,)."""
        plain, both = self._guided
        x, t, labels = tf.cast(x, tf.float32), tf.constant(t, tf.float32), tf.cast(labels, tf.int32)
        return plain(x, t, labels) if guidance == 1.0 else both(x, t, labels, tf.constant(guidance, tf.float32))

    def sample(self, n, labels=None, evaluations=10, method="euler", guidance=1.0, seed=0, batch_size=500, noise=None):
        """n images.

        Args:
            n: int.
            labels: int array (n,), or None: as many of each class as possible, in turn.
            evaluations: int, of the network for each image, at most: what a sample costs. Guidance doubles them.
            method: "euler" (one evaluation a step, error of the order of the step) or "heun" (two, of its square; its
                last step is Euler's, because at time 1 the network was hardly trained: Karras et al., 2022, also).
            guidance: float >= 0: 1 follows the label, more follows it more than the data does, 0 ignores it.
            seed: int, of the noise.
            noise: float array (n, H, W, C), instead of a seed.

        Returns:
            float32 array (n, H, W, C) in [-1, 1].

        Raises:
            CourseError: labels out of range, or fewer evaluations than a step takes.
        """
        n = whole_number(n, "n")
        labels = np.arange(n) % self.classes if labels is None else np.asarray(labels)
        if (
            labels.shape != (n,)
            or labels.dtype.kind not in "iu"
            or not 0 <= labels.min() <= labels.max() <= self.classes
        ):
            raise CourseError(
                f"labels must be {n} integers from 0 to {self.classes} (hidden); received {labels!r:.80}."
            )
        guidance = number(guidance, "guidance", 0, 100)
        both_ends = one_of(method, _METHODS, "method")
        cost = 1 if guidance == 1 else 2
        steps = whole_number(evaluations, "evaluations", cost, hint="Guidance takes two a step.") // cost
        steps = (steps + 1) // 2 if both_ends else steps
        if noise is None:
            noise = np.random.default_rng(seed).standard_normal((n, *self.shape), dtype=np.float32)
        parts = []
        for start in range(0, n, batch_size):
            own = tf.constant(labels[start : start + batch_size], tf.int32)
            x = tf.constant(noise[start : start + batch_size])
            for i in range(steps):
                x = self._move(x, i / steps, (i + 1) / steps, own, guidance, both_ends and i + 1 < steps)
            parts.append(x.numpy())
        return np.clip(np.concatenate(parts), -1, 1)

    def _move(self, x, t, after, labels, guidance, both_ends):
        """From time t to time `after`, along the slope at t, or along the mean of those at both ends."""
        slope = self.velocity(x, t, labels, guidance)
        moved = x + (after - t) * slope
        if both_ends:
            moved = x + (after - t) * (slope + self.velocity(moved, after, labels, guidance)) / 2
        return moved


def train_flow(flow, images, labels, steps, batch_size=64, learning_rate=2e-3, each=None):
    """Trains until `steps` steps are done, the rate falling to 0 along half a cosine; the same call goes on.

    Args:
        flow: `Flow`.
        images, labels: uint8 (N, 28, 28) and ints (N,).
        steps: int, in all.
        each: function of (step, seconds of this call), called after each step; what it raises ends the training.

    Raises:
        Stopped: Stop or Ctrl-C came; what was learnt is kept.
    """
    steps = whole_number(steps, "steps")
    compile_flow(flow, steps, learning_rate)
    show, started = progress.watch("flow"), time.perf_counter()

    class Each(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            show(flow.step, steps)
            if each:
                each(flow.step, time.perf_counter() - started)

    try:
        if flow.step < steps:
            stream = data.batches(images, batch_size, flow.seed, flow.step, labels)
            flow.fit(stream, steps_per_epoch=steps - flow.step, callbacks=[Each()], verbose=0, shuffle=False)
    except KeyboardInterrupt:
        said = f"Stopped at step {flow.step} of {steps}. What was learnt is kept; the same call goes on."
        raise Stopped(said) from None


def adam(rate):
    """Adam with slopes cut to length 1: an early one of hundreds costs a hundred steps (chapter 11 measures it)."""
    return keras.optimizers.Adam(rate, global_clipnorm=1.0)


def compile_flow(flow, steps, learning_rate=2e-3):
    """Adam whose rate falls to 0 over `steps` steps; what was compiled before stays as it is."""
    if not flow.compiled:
        rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
        flow.compile(adam(rate), jit_compile=False)
        flow.optimizer.build(flow.network.trainable_variables)


def save_flow(flow, path, **facts):
    """Writes the averaged network in float16, whole or not at all; `facts` are kept beside it.

    The file holds the numbers of `build_velocity` and the weights, no Keras configuration: any Keras reads it.

    Raises:
        CourseError: the network is not one of `build_velocity`.
    """
    widths = [layer.filters for layer in flow.average.layers if isinstance(layer, keras.layers.Conv2D)]
    sizes = {"classes": flow.classes, "width": min(widths[1:-1], default=1), "shape": list(flow.shape)}
    if [w.shape for w in build_velocity(**sizes).weights] != [w.shape for w in flow.average.weights]:
        raise CourseError("flow must have a network of build_velocity; this one cannot be built again. Keep its code.")
    files.save_network(path, {**sizes, "facts": facts}, files.numbered(flow.average.get_weights()))


def load_flow(path):
    """(flow, facts) from a file that `save_flow` wrote.

    Raises:
        CourseError: no such file, or not such a file.
    """

    def build(header, weights):
        network = build_velocity(header["classes"], header["width"], header["shape"])
        network.set_weights(files.in_order(weights))
        return Flow(network, header["classes"]), header["facts"]

    return files.load_network(path, build, "a flow")
