"""Three Keras layers and a loss computed another way on the processor: same weights, same function, less time.

Where a step's time goes, and why these, is measured in benchmarks/RESULTS.md.
"""

import keras
import tensorflow as tf
from keras import layers

__all__ = ["BatchNormalization", "Conv2D", "Dropout", "on_cpu", "token_cross_entropy"]


def on_cpu():
    """True where no GPU does the work. cuDNN has kernels of its own for these layers."""
    return not tf.config.list_physical_devices("GPU")


@keras.saving.register_keras_serializable(package="aigc_course")
class BatchNormalization(layers.BatchNormalization):
    """`keras.layers.BatchNormalization` in training through TensorFlow's fused kernel.

    Keras computes mean, variance and the normalised batch as separate passes over memory, each with a gradient of
    its own; the fused kernel (Ioffe and Szegedy, 2015, in one operation, forward and backward) reads the batch far
    less often. A batch in bfloat16 stays so, where Keras makes it float32 and back; the statistics are float32 in both.
    Other ranks, axes, masks and precisions, and inference, go Keras' way.
    """

    def call(self, inputs, training=None, mask=None):
        rank, last = len(inputs.shape), self.axis in (-1, len(inputs.shape) - 1)
        affine = self.scale and self.center
        known = inputs.dtype == tf.float32 or (inputs.dtype == tf.bfloat16 and on_cpu())
        if not (training and self.trainable and rank == 4 and last and affine and known) or mask is not None:
            return super().call(inputs, training=training, mask=mask)
        if self.synchronized or inputs.shape[-1] is None:
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, self.gamma, self.beta, epsilon=self.epsilon, is_training=True
        )
        count = tf.cast(tf.size(inputs) // inputs.shape[-1], tf.float32)
        variance *= (count - 1.0) / count  # the kernel divides by n - 1, Keras by n
        self.moving_mean.assign(self.moving_mean * self.momentum + mean * (1.0 - self.momentum))
        self.moving_variance.assign(self.moving_variance * self.momentum + variance * (1.0 - self.momentum))
        return outputs


@keras.saving.register_keras_serializable(package="aigc_course")
class Conv2D(layers.Conv2D):
    """`keras.layers.Conv2D`; with one filter, as one matrix product and a sum of shifted planes.

    y[i, j] = sum over a, b, c of x[i + a, j + b, c] k[a, b, c]. The sum over the channels c comes first: the
    product p[i, j, (a, b)] = sum over c of x[i, j, c] k[a, b, c] has a plane for each of the kernel's places.
    What remains, y[i, j] = sum over a, b of p[i + a, j + b, (a, b)], is a convolution with a fixed kernel of zeros
    and ones, which needs no gradient. Libraries split the work of a convolution over the filters: with a single one
    they have little to split. Other strides, dilations, groups and paddings, or more filters, go Keras' way.
    """

    def convolution_op(self, inputs, kernel):
        unit = (1, 1)
        special = self.filters == 1 and self.groups == 1 and on_cpu() and self.data_format == "channels_last"
        if not special or tuple(self.strides) != unit or tuple(self.dilation_rate) != unit or self.padding != "same":
            return super().convolution_op(inputs, kernel)
        height, width, channels, _ = kernel.shape
        places = height * width
        planes_kernel = tf.transpose(tf.reshape(kernel, (places, channels)))[None, None]  # (1, 1, C, places)
        planes = tf.nn.conv2d(inputs, planes_kernel, strides=1, padding="SAME")
        shifts = tf.reshape(tf.eye(places, dtype=planes.dtype), (height, width, places, 1))
        return tf.nn.conv2d(planes, shifts, strides=1, padding="SAME")


@keras.saving.register_keras_serializable(package="aigc_course")
class Dropout(layers.Dropout):
    """`keras.layers.Dropout` with eight random bits for each number instead of a random float.

    A unit is dropped when its byte, 0 to 255, lies below 256 rate: the share is exact where 256 rate is an integer, as
    for the article's 0.25. Other rates and noise shapes go Keras' way. Random numbers are a good part of the cost of a
    small discriminator. The seed is Keras' own seed generator's, so checkpoints and resuming know it.
    """

    def call(self, inputs, training=False):
        limit = 256 * self.rate
        if not training or not 0 < limit < 256 or limit != int(limit) or self.noise_shape is not None:
            return super().call(inputs, training=training)
        seed, count = tf.cast(self.seed_generator.next(), tf.int64), tf.size(inputs)
        words = tf.random.stateless_uniform(((count + 3) // 4,), seed, minval=None, maxval=None, dtype=tf.int32)
        kept = tf.reshape(tf.bitcast(words, tf.uint8), (-1,))[:count] >= tf.constant(int(limit), tf.uint8)
        factor = tf.cast(tf.reshape(kept, tf.shape(inputs)), inputs.dtype) / (1.0 - self.rate)
        return inputs * factor


def token_cross_entropy(wanted, logits):
    """-log softmax(logits)[wanted] in nats, through oneDNN's softmax.

    TensorFlow's own kernel for it is no oneDNN operation and takes four times as long on a processor for 3,000 tokens.
    The slope is softmax(logits) less one at the wanted token. A probability under 1e-37 counts as 1e-37: 85 nats.

    Args:
        wanted: int tensor (...).
        logits: float tensor (..., V), computed with in float32.

    Returns:
        float32 tensor (...).
    """
    logits, wanted = tf.cast(logits, tf.float32), tf.cast(wanted, tf.int32)
    if not on_cpu():
        return tf.nn.sparse_softmax_cross_entropy_with_logits(wanted, logits)
    flat = _row_cross_entropy(tf.reshape(logits, (-1, tf.shape(logits)[-1])), tf.reshape(wanted, (-1,)))
    return tf.reshape(flat, tf.shape(wanted))


@tf.custom_gradient
def _row_cross_entropy(logits, wanted):
    """The same for logits (N, V) and wanted (N,)."""
    shares = tf.nn.softmax(logits)
    places = tf.stack([tf.range(tf.size(wanted)), wanted], axis=1)  # (N, 2): row, token

    def slopes(upstream):
        return tf.tensor_scatter_nd_sub(shares * upstream[:, None], places, upstream), None

    return -tf.math.log(tf.maximum(tf.gather_nd(shares, places), 1e-37)), slopes
