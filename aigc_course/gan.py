"""GAN: a keras.Model that trains two players in one step, keeps an averaged generator, saves and resumes."""

import functools
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from aigc_course import data, fast, files, models, objectives, progress, runtime
from aigc_course.errors import CourseError, Stopped, number, one_of, whole_number
from aigc_course.files import write_whole
from aigc_course.step import STEPS, Players

__all__ = ["GAN", "adam", "generate_images", "load_generator", "save_weights"]


@keras.saving.register_keras_serializable(package="aigc_course")
class GAN(keras.Model):
    """A generator and a discriminator that are trained against each other (Goodfellow et al., 2014).

    There are three ways to make a step (`step.STEPS`). "fused": one forward pass of the generator serves both players,
    who move at the same time. "two_step", as in textbooks: the discriminator moves, then the generator answers with new
    noise. "d_first", the recipe of `make train`: the discriminator moves, then the generator answers with the same
    images; one forward pass of the generator too, and its gradient comes from the discriminator as it is now.

    Args:
        generator: Keras model, (B, latent_dim) -> (B, H, W, C) in [-1, 1].
        discriminator: Keras model, (B, H, W, C) -> logits (B, 1).
        latent_dim: int, the length of z.
        objective: str, one of `objectives.OBJECTIVES`.
        step: str, "fused", "two_step" or "d_first".
        r1, r2: floats, weights of the slope penalty on the discriminator at real and at generated images
            (`objectives.r1_penalty`); they need step="d_first". 0 = none.
        g_dropout: bool, whether the generator learns through the discriminator's dropout; False needs
            step="d_first" and a Sequential discriminator.
        ema_decay: float in [0, 1), of the averaged generator that draws the samples (0 = no average).
        seed: int; noise and the order of the data depend on it and on the step alone.

    Attributes:
        ema_generator: the exponential moving average of the generator's weights; use it to sample.
        step: int, the number of training steps so far.

    Raises:
        CourseError: the two networks and latent_dim do not fit each other.
    """

    def __init__(
        self,
        generator,
        discriminator,
        latent_dim=models.LATENT_DIM,
        objective="non_saturating",
        step="fused",
        r1=0.0,
        r2=0.0,
        g_dropout=True,
        ema_decay=0.998,
        seed=7,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.latent_dim = models.check_latent_dim(latent_dim)
        models.check_players(generator, discriminator, self.latent_dim)
        one_of(step, STEPS, "step")
        self.ema_decay = number(ema_decay, "ema_decay", low=0, below=1, hint="0.998 is the default.")
        self.r1, self.r2 = (number(w, name, low=0, below=1e6, hint="Try 0.3.") for name, w in (("r1", r1), ("r2", r2)))
        if (r1 or r2) and step != "d_first":
            raise CourseError(f'r1 and r2 need step="d_first"; received step={step!r}, r1={r1!r}, r2={r2!r}.')
        if not g_dropout and not (step == "d_first" and isinstance(discriminator, keras.Sequential)):
            raise CourseError('g_dropout=False needs step="d_first" and a keras.Sequential discriminator.')
        self.seed = whole_number(seed, "seed", 0, 2**31 - 1, "Try seed=7.")
        self.generator = generator
        self.discriminator = discriminator
        self.ema_generator = keras.models.clone_model(generator)
        self.ema_generator.set_weights(generator.get_weights())
        self.ema_generator.trainable = False  # no optimiser ever sees it
        self.objective = objectives.get(objective)
        self.step_name, self.g_dropout = step, bool(g_dropout)
        names = ("d_loss", "g_loss", "real_share", "fake_share")
        self.trackers = {name: keras.metrics.Mean(name=name) for name in names}
        self.built = True

    def compile(self, d_optimizer=None, g_optimizer=None, jit_compile="auto", **kwargs):
        """Sets one optimizer for each player.

        Args:
            d_optimizer, g_optimizer: Keras optimizers; by default Adam with 1e-3 for D and 5e-4 for G. That the
                discriminator moves faster follows Heusel et al. (2017, TTUR); the values were chosen by trial.
            jit_compile: "auto" (XLA on a GPU where it works), True or False. On a processor oneDNN's kernels beat XLA
                on the article's networks (benchmarks/RESULTS.md). The fast profile never uses XLA.

        Raises:
            CourseError: both players are given the same optimizer.
        """
        if d_optimizer is not None and d_optimizer is g_optimizer:
            raise CourseError(
                "each player needs an optimizer of its own: Adam keeps moments for every weight. Received one "
                "for both. Make two: keras.optimizers.Adam(1e-3, beta_1=0.5) twice."
            )
        if jit_compile == "auto":
            jit_compile = not fast.on_cpu() and runtime.xla_works() and not kwargs.get("run_eagerly", False)
        if runtime.is_fast():  # compiling takes longer than the few steps that it would speed up
            jit_compile = False
        super().compile(jit_compile=jit_compile, **kwargs)
        self.d_optimizer = self.guard_halves(d_optimizer or adam())
        self.g_optimizer = self.guard_halves(g_optimizer or adam(5e-4))
        self.d_optimizer.build(self.discriminator.trainable_variables)
        self.g_optimizer.build(self.generator.trainable_variables)

    def guard_halves(self, optimizer):
        """Wraps an optimizer in dynamic loss scaling where layers compute in float16, whose small gradients would
        round to zero (Micikevicius et al., 2018, Mixed precision training); bfloat16 and float32 need none."""
        halves = any(layer.compute_dtype == "float16" for layer in self.generator.layers + self.discriminator.layers)
        wrapped = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        return keras.optimizers.LossScaleOptimizer(optimizer) if halves and not wrapped else optimizer

    @property
    def metrics(self):
        return list(self.trackers.values())

    @property
    def step(self):
        """int: training steps so far."""
        return int(self.g_optimizer.iterations.numpy()) if self.compiled else 0

    def call(self, z, training=False):
        """Images from noise, by the averaged generator: (B, latent_dim) -> (B, H, W, C)."""
        return self.ema_generator(z, training=False)

    # --- one training step -------------------------------------------------------------------------------

    def noise(self, batch_size, draw):
        """z of this step, (B, latent_dim): a function of seed, step, draw and replica, and of nothing else."""
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        step = tf.cast(self.g_optimizer.iterations, tf.int32)
        seed = tf.stack([self.seed + 7919 * (2 * replica + draw), step])  # 7919: any prime keeps streams apart
        return tf.random.stateless_normal((batch_size, self.latent_dim), seed)

    def train_step(self, batch):
        """One step of both players on a batch of real images; returns the running means of the losses."""
        real_images, _, _ = keras.utils.unpack_x_y_sample_weight(batch)
        noise = functools.partial(self.noise, tf.shape(real_images)[0])
        penalties = {"r1": self.r1, "r2": self.r2} if self.step_name == "d_first" else {}
        real_logits, fake_logits = STEPS[self.step_name](self.players(), real_images, noise, **penalties)
        self.update_ema()
        self.trackers["d_loss"].update_state(self.objective.d_loss(real_logits, fake_logits))
        self.trackers["g_loss"].update_state(self.objective.g_loss(real_logits, fake_logits))
        self.trackers["real_share"].update_state(tf.cast(real_logits > 0, tf.float32))
        self.trackers["fake_share"].update_state(tf.cast(fake_logits < 0, tf.float32))
        return {name: tracker.result() for name, tracker in self.trackers.items()}

    def players(self):
        """Both networks, what they minimise and how, for `step`."""
        look = functools.partial(self.logits, dropout=self.g_dropout)
        scales = (functools.partial(self.share, optimizer) for optimizer in (self.d_optimizer, self.g_optimizer))
        optimizers = self.d_optimizer, self.g_optimizer
        return Players(self.generator, self.discriminator, *optimizers, self.objective, self.logits, look, *scales)

    def logits(self, images, dropout=True):
        """The discriminator's opinion in training, (B, 1), in float32: a loss in half precision would lose digits."""
        if dropout:
            return tf.cast(self.discriminator(images, training=True), tf.float32)
        for layer in self.discriminator.layers:
            if not isinstance(layer, keras.layers.Dropout):
                normal = isinstance(layer, keras.layers.BatchNormalization)
                images = layer(images, training=True) if normal else layer(images)
        return tf.cast(images, tf.float32)

    @staticmethod
    def share(optimizer, loss):
        """The loss whose gradient a replica contributes: replicas are summed, so each gives 1/R of its mean; with
        loss scaling, times the optimizer's present scale, which its `apply` divides out again."""
        return optimizer.scale_loss(loss / tf.distribute.get_strategy().num_replicas_in_sync)

    def update_ema(self):
        """ema <- decay * ema + (1 - decay) * weight; the decay grows as t / (t + 9), so that the average covers
        about the last ninth of the steps until `ema_decay` caps it: a short run forgets its start too."""
        step = tf.cast(self.g_optimizer.iterations, tf.float32)
        decay = tf.minimum(self.ema_decay, step / (step + 9.0))
        for average, weight in zip(self.ema_generator.weights, self.generator.weights, strict=True):
            average.assign(decay * average + (1.0 - decay) * weight)

    # --- fit, sample -------------------------------------------------------------------------------------

    def fit(self, x, batch_size=64, epochs=1, steps_per_epoch=None, callbacks=None, verbose="auto", **kwargs):
        """Trains, as `keras.Model.fit`; Stop or Ctrl-C ends it between two steps and keeps what was learnt.

        Args:
            x: uint8 images (N, H, W) or (N, H, W, C), then shuffled and scaled by `data.batches` from the
                present step on; or a `tf.data.Dataset` of float batches (B, H, W, C) in [-1, 1].
            batch_size: int, for an array.
            epochs: int, how many reporting periods.
            steps_per_epoch: int, steps in each; by default one pass over an array.
            callbacks: list of Keras callbacks.
            verbose: "auto" shows the course's progress display, 0 shows nothing.

        Returns:
            `keras.callbacks.History`.

        Raises:
            Stopped: Stop or Ctrl-C came. Weights and step are those of the last whole step, `gan.history` has the
                epochs before; the same call goes on from there.
        """
        if not self.compiled:
            raise CourseError("gan.compile() must be called before gan.fit().")
        if isinstance(tf.distribute.get_strategy(), tf.distribute.MultiWorkerMirroredStrategy):
            raise CourseError(
                "Keras 3's fit does not work on several machines (keras #20585): use "
                "distributed.train_together(...), or `python -m aigc_course train --workers HOST:PORT,HOST:PORT "
                "--rank 0`. Several GPUs of one machine: tf.distribute.MirroredStrategy and fit."
            )
        if isinstance(x, (np.ndarray, list)):
            x = data.check_images(x)
            self.check_image_shape(x.shape[1:] if x.ndim == 4 else (*x.shape[1:], 1))
            dataset = data.batches(x, batch_size, self.seed, start=self.step)
            steps_per_epoch = steps_per_epoch or len(x) // batch_size
        else:
            dataset = x
        bar = progress.Progress(batch_size)
        callbacks = [*(callbacks or []), *([bar] if verbose != 0 else [])]
        try:
            return super().fit(
                dataset,
                epochs=epochs,
                steps_per_epoch=steps_per_epoch,
                callbacks=callbacks,
                verbose=0,
                shuffle=False,
                **kwargs,
            )
        except KeyboardInterrupt:
            bar.close()
            said = f"Stopped at step {self.step}. What was learnt is kept; call fit again to go on from here."
            raise Stopped(said) from None

    def check_image_shape(self, shape):
        """Says so if the discriminator was built for images of another shape."""
        if tuple(shape) != tuple(self.discriminator.input_shape[1:]):
            raise CourseError(
                f"the discriminator takes images of shape {tuple(self.discriminator.input_shape[1:])}; received "
                f"{tuple(shape)}. Build it with img_shape={tuple(shape)} and a generator that draws this shape."
            )

    def sample(self, n, seed=0, batch_size=500):
        """n images by the averaged generator.

        Args:
            n: int, 1 or more.
            seed: int; the same seed gives the same z, so that pictures can be compared over time.

        Returns:
            float32 array (n, H, W, C) in [-1, 1].
        """
        z = np.random.default_rng(seed).standard_normal((n, self.latent_dim), dtype=np.float32)
        return generate_images(self.ema_generator, z, batch_size)

    # --- save, load --------------------------------------------------------------------------------------

    def get_config(self):
        return {
            "generator": keras.saving.serialize_keras_object(self.generator),
            "discriminator": keras.saving.serialize_keras_object(self.discriminator),
            "latent_dim": self.latent_dim,
            "objective": self.objective.name,
            "step": self.step_name,
            "r1": self.r1,
            "r2": self.r2,
            "g_dropout": self.g_dropout,
            "ema_decay": self.ema_decay,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        if "fused" in config:  # a file of the time when two switches chose the step
            fused, d_first = config.pop("fused"), config.pop("d_first")
            config["step"] = "d_first" if d_first else "fused" if fused else "two_step"
        players = ("generator", "discriminator")
        built = {name: keras.saving.deserialize_keras_object(config[name]) for name in players}
        return cls(**{**config, **built})

    def get_compile_config(self):
        optimizers = {"d_optimizer": self.d_optimizer, "g_optimizer": self.g_optimizer}
        saved = {name: keras.saving.serialize_keras_object(value) for name, value in optimizers.items()}
        return {**saved, "jit_compile": self.jit_compile}  # other compilers round otherwise: resume with the same

    def compile_from_config(self, config):
        players = ("d_optimizer", "g_optimizer")
        restored = {name: keras.saving.deserialize_keras_object(config[name]) for name in players}
        self.compile(**restored, jit_compile=config["jit_compile"] and runtime.xla_works())

    def random_states(self):
        """The seed states of dropout layers: part of the training state, but not of Keras' weights."""
        return [variable for variable in self.variables if variable.name == "seed_generator_state"]

    def save_own_variables(self, store):
        super().save_own_variables(store)
        for index, state in enumerate(self.random_states()):
            store[f"random_state_{index}"] = np.asarray(state)

    def load_own_variables(self, store):
        for index, state in enumerate(self.random_states()):
            state.assign(store[f"random_state_{index}"])

    def save(self, path, overwrite=True, **kwargs):
        """Saves all that training needs to go on: weights, optimizers, average, random state, step.

        The file appears whole or not at all: a full disk leaves an earlier file as it was.

        Args:
            path: path ending in ".keras".
            overwrite: bool, replace a file that is there; with False it is an error.

        Raises:
            CourseError: another ending, an unwritable folder, a full disk.
        """
        path = Path(path)
        if path.suffix != ".keras":
            raise CourseError(f"a checkpoint's name must end in .keras; received {path.name!r}.")
        if path.exists() and not overwrite:
            raise CourseError(f"{path} exists already, and overwrite is False. Choose another name.")
        write_whole(path, super().save)

    @classmethod
    def load(cls, path, custom_objects=None):
        """A GAN from a file of `save`, ready to go on training as if it had never stopped.

        Args:
            path: path of the file.
            custom_objects: dict, name -> class or function of your own that its networks use and that is not
                registered with Keras.

        Raises:
            CourseError: no such file, one that this machine cannot read, not a checkpoint of a GAN, or damaged.
        """
        path = Path(path)
        if not path.is_file():
            raise CourseError(f"there is no checkpoint {path}. Train first, or check the path.")
        try:
            model = keras.saving.load_model(path, custom_objects=custom_objects)
        except Exception as error:  # zip, HDF5, JSON and Keras each have their own
            raise models.unreadable(path, error) from error
        if not isinstance(model, cls):
            raise CourseError(f"{path} holds a {type(model).__name__}, not a GAN. gan.save(path) writes one.")
        return model


def adam(learning_rate=1e-3, beta_2=0.999):
    """Adam with beta_1 = 0.5, not 0.9: momentum oscillates in a two-player game (DCGAN, Radford et al., 2016)."""
    return keras.optimizers.Adam(learning_rate, beta_1=0.5, beta_2=beta_2)


def save_weights(network, path):
    """Saves a network's weights as .weights.h5, whole or not at all.

    HDF5 may crash on a full disk instead of raising, so the room is claimed first.
    """

    def write(part):
        part.write_bytes(bytes(5 * network.count_params() + 2**20))  # 4 bytes a weight and some for HDF5
        network.save_weights(part)

    write_whole(Path(path), write)


def generate_images(generator, z, batch_size=500):
    """Images from noise in batches: (n, latent_dim) -> float32 array (n, H, W, C)."""
    parts = [generator(z[i : i + batch_size], training=False) for i in range(0, len(z), batch_size)]
    return np.concatenate(parts).astype(np.float32, copy=False)  # a network in half precision draws half precision


def load_generator(path=None):
    """A generator with trained weights.

    Args:
        path: a checkpoint (.keras), weights of the article's generator (.weights.h5), or None for the shipped ones.

    Returns:
        Keras model (B, 100) -> (B, 28, 28, 1).

    Raises:
        CourseError: no such file, one that cannot be read, a damaged one, or weights of other layer sizes.
    """
    path = data.asset("generator.weights.h5") if path is None else Path(path)
    if path.suffix == ".keras":
        return GAN.load(path).ema_generator
    if not path.is_file() or not path.name.endswith(".weights.h5"):
        raise CourseError(f"weights must be a file .keras or .weights.h5; received {path}. `make train` writes both.")
    generator = models.build_generator()
    try:
        generator.load_weights(path)
    except Exception as error:  # HDF5 and Keras each have their own
        raise files.unreadable(path, error) or CourseError(
            f"{path} does not hold the weights of the article's generator ({generator.count_params():,} parameters): "
            "damaged, or of other layer sizes. Take the file that `make train` wrote."
        ) from error
    return generator
