"""A variational autoencoder: the family that has a bound on its likelihood and draws in one pass (chapter 11)."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from aigc_course.errors import whole_number

__all__ = ["LATENT", "VAE", "build_vae"]

LATENT = 16  # numbers in the middle; chosen by trial


def build_vae(latent=LATENT, classes=10, width=32):
    """(encoder, decoder) for digits.

    Args:
        latent: int, numbers in the middle.
        classes: int; both networks are told the class, as one-hot rows.
        width: int, filters at 14 × 14.

    Returns:
        Two `keras.Model`: ([images (B, 28, 28, 1), shares (B, classes)]) -> mean and log variance (B, 2 latent);
        ([z (B, latent), shares]) -> logits of ink (B, 28, 28, 1).
    """
    latent, classes, width = (
        whole_number(v, n) for v, n in ((latent, "latent"), (classes, "classes"), (width, "width"))
    )
    image, shares, z = layers.Input((28, 28, 1)), layers.Input((classes,)), layers.Input((latent,))
    h = layers.Conv2D(width, 4, strides=2, padding="same", activation="gelu")(image)  # (B, 14, 14, width)
    h = layers.Conv2D(2 * width, 4, strides=2, padding="same", activation="gelu")(h)  # (B, 7, 7, 2 width)
    h = layers.Concatenate()([layers.Flatten()(h), shares])
    encoder = keras.Model([image, shares], layers.Dense(2 * latent)(layers.Dense(128, activation="gelu")(h)))
    h = layers.Dense(128, activation="gelu")(layers.Concatenate()([z, shares]))
    h = layers.Reshape((7, 7, 2 * width))(layers.Dense(7 * 7 * 2 * width, activation="gelu")(h))
    h = layers.Conv2DTranspose(width, 4, strides=2, padding="same", activation="gelu")(h)  # (B, 14, 14, width)
    h = layers.Conv2DTranspose(width, 4, strides=2, padding="same", activation="gelu")(h)  # (B, 28, 28, width)
    return encoder, keras.Model([z, shares], layers.Conv2D(1, 3, padding="same")(h))


class VAE(keras.Model):
    """Images and labels -> the negative ELBO, in nats an image (Kingma & Welling, 2014).

    -ELBO = E_q[-log p(x | z)] + KL(q(z | x) || N(0, 1)); q is Gaussian with its own mean and variances, p(x | z) gives
    each pixel's share of ink by a Bernoulli whose cross-entropy is counted for shares too.

    Args:
        encoder, decoder: as `build_vae` gives them.
        weight: float, of the KL (beta-VAE, Higgins et al., 2017); with 1 it is the bound.
    """

    def __init__(self, encoder, decoder, weight=1.0, **kwargs):
        super().__init__(**kwargs)
        self.encoder, self.decoder, self.weight = encoder, decoder, weight
        self.latent, self.classes = (int(part.shape[-1]) for part in decoder.inputs)
        self.trackers = {name: keras.metrics.Mean(name=name) for name in ("loss", "kl")}
        self.built = True

    @property
    def metrics(self):
        return list(self.trackers.values())

    def parts(self, images, labels):
        """(cross-entropy, KL) of each image in nats: (B,), (B,)."""
        shares = tf.one_hot(labels, self.classes)
        mean, log_variance = tf.split(self.encoder([images, shares], training=True), 2, axis=-1)  # (B, latent) each
        z = mean + tf.exp(log_variance / 2) * tf.random.normal(tf.shape(mean))
        logits = self.decoder([z, shares], training=True)
        ink = tf.nn.sigmoid_cross_entropy_with_logits(labels=(images + 1) / 2, logits=logits)
        kl = 0.5 * tf.reduce_sum(mean**2 + tf.exp(log_variance) - 1 - log_variance, axis=-1)
        return tf.reduce_sum(ink, axis=(1, 2, 3)), kl

    def train_step(self, batch):
        images, labels = batch
        with tf.GradientTape() as tape:
            ink, kl = self.parts(images, labels)
            loss = tf.reduce_mean(ink + self.weight * kl)
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        self.trackers["loss"].update_state(loss)
        self.trackers["kl"].update_state(kl)
        return {name: tracker.result() for name, tracker in self.trackers.items()}

    def call(self, inputs, training=False):
        return self.decoder(inputs, training=False)

    def sample(self, n, labels=None, seed=0, batch_size=500):
        """n images (n, 28, 28, 1) in [-1, 1], the mean of p(x | z), of each class in turn or of the labels given."""
        labels = np.arange(whole_number(n, "n")) % self.classes if labels is None else np.asarray(labels)
        z = np.random.default_rng(seed).standard_normal((n, self.latent), dtype=np.float32)
        shares = np.eye(self.classes, dtype=np.float32)[labels]
        parts = [
            self.decoder([z[i : i + batch_size], shares[i : i + batch_size]], training=False)
            for i in range(0, n, batch_size)
        ]
        return 2 / (1 + np.exp(-np.concatenate(parts))) - 1
