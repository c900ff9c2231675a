"""Codes by rounding: autoencoders with a rounded middle (finite scalar quantization, Mentzer et al., 2024).

No list of vectors is learnt, as in a VQ-VAE (van den Oord et al., 2017); codes can still fall out of use (`frames`).
"""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from aigc_course import data, files
from aigc_course.errors import CourseError
from aigc_course.lmdg.core.training import Steps

__all__ = ["Codec", "Quantizer", "frame_loss", "ink_loss", "load_codec", "save_codec", "train_codec"]


class Quantizer:
    """Rounds each number of a vector to one of a few levels; the vector's levels together are one code.

    Args:
        levels: tuple of ints, 2 or more each; the number of codes is their product.
    """

    def __init__(self, levels):
        if not levels or any(not isinstance(n, int) or n < 2 for n in levels):
            raise CourseError(f"levels must be integers of 2 or more; received {levels!r}. (4, 4, 4) gives 64 codes.")
        self.levels = tuple(levels)
        self.size = int(np.prod(levels))
        self.steps = np.cumprod([1, *levels[:-1]])  # a code is a number with these digits

    def bound(self, z):
        """(…, D) -> (0, L - 1) on each axis, by a sigmoid."""
        return (np.array(self.levels, np.float32) - 1) * ops.sigmoid(z)

    def __call__(self, z):
        """Rounded levels (…, D) scaled to [-1, 1]; the slope passes through the rounding (straight-through)."""
        bounded = self.bound(z)
        rounded = bounded + tf.stop_gradient(tf.round(bounded) - bounded)
        return 2 * rounded / (np.array(self.levels, np.float32) - 1) - 1

    def codes(self, z):
        """Code numbers (…,) of vectors z (…, D) as the encoder gives them."""
        return tf.reduce_sum(tf.cast(tf.round(self.bound(z)), tf.int32) * self.steps.astype(np.int32), axis=-1)

    def vectors(self, codes):
        """What the decoder receives for codes (…,): (…, D) in [-1, 1]."""
        codes = np.asarray(codes)
        if codes.size and not 0 <= codes.min() <= codes.max() < self.size:
            raise CourseError(f"codes must lie in 0 … {self.size - 1}; received {codes.min()} … {codes.max()}.")
        digits = codes[..., None] // self.steps % np.array(self.levels)
        return (2 * digits / (np.array(self.levels) - 1) - 1).astype(np.float32)


class Codec(keras.Model):
    """Encoder, rounding, decoder. Trained by `fit(x, x)`; `encode` gives code numbers, `decode` what they mean."""

    def __init__(self, encoder, decoder, levels, kind):
        super().__init__()
        self.encoder, self.decoder, self.quantizer, self.kind = encoder, decoder, Quantizer(levels), kind

    def call(self, x, training=False):
        return self.decoder(self.quantizer(self.encoder(x, training=training)), training=training)

    def encode(self, x, batch_size=500):
        """Code numbers: images (N, 28, 28, 1) in [-1, 1] -> (N, 49); frames (N, FRAMES, MELS) -> (N, FRAMES / 2)."""
        x = np.asarray(x, np.float32)
        wanted = tuple(self.encoder.input_shape[1:])
        if x.shape[1:] != wanted:
            raise CourseError(f"the codec takes (N, {', '.join(map(str, wanted))}); received {x.shape}.")
        parts = [
            self.quantizer.codes(self.encoder(x[i : i + batch_size], training=False)).numpy()
            for i in range(0, len(x), batch_size)
        ]
        return np.concatenate(parts).reshape(len(x), -1)

    def decode(self, codes, batch_size=500):
        """The inverse, as far as there is one: images in [-1, 1], or frames."""
        codes = np.asarray(codes)
        shape = tuple(self.decoder.input_shape[1:-1])
        if codes.ndim != 2 or codes.shape[1] != int(np.prod(shape)):
            raise CourseError(f"codes must be (N, {int(np.prod(shape))}); received {codes.shape}.")
        vectors = self.quantizer.vectors(codes).reshape(len(codes), *shape, -1)
        parts = [self.decoder(vectors[i : i + batch_size], training=False) for i in range(0, len(codes), batch_size)]
        out = np.concatenate(parts)
        return 2 / (1 + np.exp(-out)) - 1 if self.kind == "image" else out


def ink_loss(wanted, logits):
    """Cross-entropy of ink, the share (x + 1) / 2 of a pixel, summed over the image, in nats."""
    each = tf.nn.sigmoid_cross_entropy_with_logits(labels=(wanted + 1) / 2, logits=logits)
    return tf.reduce_sum(each, axis=(1, 2, 3))


def frame_loss(wanted, frames):
    """Mean squared difference of log-mel frames."""
    return tf.reduce_mean(tf.square(wanted - frames), axis=(1, 2))


def train_codec(codec, x, steps, batch_size=128, learning_rate=2e-3, name="codec", seed=7):
    """Trains a codec on x, images in [-1, 1] or frames. Returns the losses, one an epoch of at most 100 steps."""
    loss = ink_loss if codec.kind == "image" else frame_loss
    rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps, alpha=0.05)
    codec.compile(keras.optimizers.Adam(rate), loss, jit_compile=False)
    order = (
        tf.data.Dataset.from_tensor_slices(x).shuffle(len(x), seed=seed).repeat().batch(batch_size, drop_remainder=True)
    )
    pairs = data.untuned(order.map(lambda part: (part, part)).prefetch(2))
    epochs, length = max(1, steps // 100), min(100, steps)
    history = codec.fit(
        pairs, epochs=epochs, steps_per_epoch=length, callbacks=[Steps(name, epochs * length)], shuffle=False, verbose=0
    )
    return history.history["loss"]


def save_codec(codec, path, **facts):
    """Writes a codec in float16, whole or not at all."""
    header = {"kind": codec.kind, "levels": codec.quantizer.levels, "facts": facts}
    files.save_network(path, header, files.numbered(codec.weights))


def load_codec(path, builder):
    """(codec, facts) from a file that `save_codec` wrote; `builder` is the function of levels that built the codec."""

    def build(header, weights):
        codec = builder(tuple(header["levels"]))
        codec.set_weights(files.in_order(weights))
        return codec, header["facts"]

    return files.load_network(path, build, "a codec")
