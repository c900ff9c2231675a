"""Answers to the exercises of chapter 03."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from answers import right, wrong


@right("03.1")
def conv_parameters(kernel, channels_in, filters):
    return (kernel**2 * channels_in + 1) * filters


@right("03.1")
def conv_parameters(kernel, channels_in, filters):
    layer = layers.Conv2D(filters, kernel)
    layer.build((None, 28, 28, channels_in))
    return layer.count_params()


@right("03.1")
def conv_parameters(kernel, channels_in, filters):
    return sum(1 + sum(1 for _ in range(kernel * kernel)) * channels_in for _ in range(filters))


@wrong("03.1", "the bias is missing")
def conv_parameters(kernel, channels_in, filters):
    return kernel * kernel * channels_in * filters


@wrong("03.1", "its side counts twice")
def conv_parameters(kernel, channels_in, filters):
    return kernel * channels_in * filters + filters


@wrong("03.1", "sees all channels")
def conv_parameters(kernel, channels_in, filters):
    return kernel * kernel * filters + filters


@wrong("03.1", "not for each channel")
def conv_parameters(kernel, channels_in, filters):
    return kernel * kernel * channels_in * filters + channels_in


@wrong("03.1", "one for each of its weights")
def conv_parameters(kernel, channels_in, filters):
    return 2 * kernel * kernel * channels_in * filters


@wrong("03.1", "one bias for the whole layer")
def conv_parameters(kernel, channels_in, filters):
    return kernel * kernel * channels_in * filters + 1


@right("03.2")
def transposed_conv(x, kernel, stride):
    out = [0.0] * (stride * (len(x) - 1) + len(kernel))
    for i in range(len(x)):
        for j in range(len(kernel)):
            out[stride * i + j] += x[i] * kernel[j]
    return out


@right("03.2")
def transposed_conv(x, kernel, stride):
    apart = np.zeros(stride * (len(x) - 1) + 1)
    apart[::stride] = x  # zeros between the inputs
    return np.convolve(apart, kernel)


@right("03.2")
def transposed_conv(x, kernel, stride):
    length = stride * (len(x) - 1) + len(kernel)
    filters = tf.reshape(tf.constant(kernel), (-1, 1, 1))
    out = tf.nn.conv1d_transpose(tf.reshape(tf.constant(x), (1, -1, 1)), filters, (1, length, 1), stride, "VALID")
    return tf.reshape(out, (-1,))


@right("03.2")
def transposed_conv(x, kernel, stride):
    matrix = np.zeros((stride * (len(x) - 1) + len(kernel), len(x)))
    for i in range(len(x)):
        matrix[stride * i : stride * i + len(kernel), i] = kernel
    return matrix @ x


@wrong("03.2", "has overwritten")
def transposed_conv(x, kernel, stride):
    out = np.zeros(stride * (len(x) - 1) + len(kernel))
    for i, value in enumerate(x):
        out[stride * i : stride * i + len(kernel)] = value * kernel
    return out


@wrong("03.2", "turned round")
def transposed_conv(x, kernel, stride):
    out = np.zeros(stride * (len(x) - 1) + len(kernel))
    for i, value in enumerate(x):
        out[stride * i : stride * i + len(kernel)] += value * kernel[::-1]
    return out


@wrong("03.2", "the stride is missing")
def transposed_conv(x, kernel, stride):
    return np.convolve(x, kernel)


@wrong("03.2", "a strided convolution")
def transposed_conv(x, kernel, stride):
    return np.array([x[i : i + len(kernel)] @ kernel for i in range(0, len(x) - len(kernel) + 1, stride)])


@wrong("03.2", "without its own value")
def transposed_conv(x, kernel, stride):
    out = np.zeros(stride * (len(x) - 1) + len(kernel))
    for i in range(len(x)):
        out[stride * i : stride * i + len(kernel)] += kernel
    return out


@wrong("03.2", "the end is cut off")
def transposed_conv(x, kernel, stride):
    out = np.zeros(max(stride * (len(x) - 1) + len(kernel), stride * len(x)))
    for i, value in enumerate(x):
        out[stride * i : stride * i + len(kernel)] += value * kernel
    return out[: stride * len(x)] if len(kernel) > stride else out[: stride * (len(x) - 1) + len(kernel)]


@wrong("03.2", "you kept the larger")
def transposed_conv(x, kernel, stride):
    out = np.zeros(stride * (len(x) - 1) + len(kernel))
    for i, value in enumerate(x):
        part = slice(stride * i, stride * i + len(kernel))
        out[part] = np.maximum(out[part], value * kernel)
    return out


@right("03.3")
def overlap(kernel, stride):
    return [sum(1 for j in range(kernel) if j % stride == r) for r in range(stride)]


@right("03.3")
def overlap(kernel, stride):
    return np.bincount(np.arange(kernel) % stride, minlength=stride)


@right("03.3")
def overlap(kernel, stride):
    full, rest = divmod(kernel, stride)
    return tf.constant([full + (r < rest) for r in range(stride)], dtype=tf.float64)


@right("03.3")
def overlap(kernel, stride):
    out = np.zeros(stride * 20 + kernel)
    for i in range(20):
        out[stride * i : stride * i + kernel] += 1
    return out[stride * 10 : stride * 11]


@wrong("03.3", "is the mean")
def overlap(kernel, stride):
    return np.full(stride, kernel / stride)


@wrong("03.3", "forgets the rest")
def overlap(kernel, stride):
    return np.full(stride, kernel // stride)


@wrong("03.3", "rounded up everywhere")
def overlap(kernel, stride):
    return np.full(stride, int(np.ceil(kernel / stride)))


@wrong("03.3", "in the reverse order")
def overlap(kernel, stride):
    return np.bincount(np.arange(kernel) % stride, minlength=stride)[::-1]


@wrong("03.3", "kernel entries in all")
def overlap(kernel, stride):
    return [kernel] * stride


@wrong("03.3", "shares that add up to 1")
def overlap(kernel, stride):
    return np.bincount(np.arange(kernel) % stride, minlength=stride) / kernel


@right("03.4")
def build_small_discriminator():
    inputs = keras.Input((28, 28, 1))
    x = layers.Conv2D(8, 3, 2, "same")(inputs)
    x = layers.LeakyReLU(negative_slope=0.2)(x)
    x = layers.Dropout(0.3)(x)
    x = layers.Conv2D(16, 3, 2, "same")(x)
    x = layers.BatchNormalization()(x)
    x = keras.ops.leaky_relu(x, 0.2)
    x = layers.Dropout(0.3)(x)
    return keras.Model(inputs, layers.Dense(1)(layers.Flatten()(x)))


@right("03.4")
def build_small_discriminator():
    class Discriminator(keras.Model):
        def __init__(self):
            super().__init__()
            self.first = layers.Conv2D(8, (3, 3), strides=(2, 2), padding="same")
            self.second = layers.Conv2D(16, (3, 3), strides=(2, 2), padding="same")
            self.norm = layers.BatchNormalization(momentum=0.8)
            self.drop = layers.Dropout(0.3)
            self.logit = layers.Dense(1)

        def call(self, images, training=False):
            x = self.drop(tf.nn.leaky_relu(self.first(images), 0.2), training=training)
            x = tf.nn.leaky_relu(self.norm(self.second(x), training=training), 0.2)
            x = self.drop(x, training=training)
            return self.logit(tf.reshape(x, (-1, 784)))

    return Discriminator()


@right("03.4")
def build_small_discriminator():
    d = keras.Sequential(name="any_name")
    d.add(layers.Input((28, 28, 1)))
    for filters in (8, 16):
        d.add(layers.Conv2D(filters, 3, strides=2, padding="same"))
        if filters == 16:
            d.add(layers.BatchNormalization(momentum=0.8))
        d.add(layers.LeakyReLU(negative_slope=0.2))
        d.add(layers.Dropout(0.3))
    d.add(layers.Flatten())
    d.add(layers.Dense(1, activation="linear"))
    return d


@wrong("03.4", "the last layer is a sigmoid")
def build_small_discriminator():
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(8, 3, strides=2, padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Dropout(0.3),
            layers.Conv2D(16, 3, strides=2, padding="same"),
            layers.BatchNormalization(momentum=0.8),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


@wrong("03.4", "Keras' default")
def build_small_discriminator():
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(8, 3, strides=2, padding="same"),
            layers.LeakyReLU(),
            layers.Dropout(0.3),
            layers.Conv2D(16, 3, strides=2, padding="same"),
            layers.BatchNormalization(momentum=0.8),
            layers.LeakyReLU(),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )


@wrong("03.4", "that is ReLU")
def build_small_discriminator():
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(8, 3, strides=2, padding="same", activation="relu"),
            layers.Dropout(0.3),
            layers.Conv2D(16, 3, strides=2, padding="same"),
            layers.BatchNormalization(momentum=0.8),
            layers.ReLU(),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )


@wrong("03.4", "normalise first")
def build_small_discriminator():
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(8, 3, strides=2, padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Dropout(0.3),
            layers.Conv2D(16, 3, strides=2, padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.BatchNormalization(momentum=0.8),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )


@wrong("03.4", "loses the rim")
def build_small_discriminator():
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(8, 3, strides=2),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Dropout(0.3),
            layers.Conv2D(16, 3, strides=2),
            layers.BatchNormalization(momentum=0.8),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )


@wrong("03.4", "both convolutions have stride 2")
def build_small_discriminator():
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(8, 3, padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Dropout(0.3),
            layers.Conv2D(16, 3, padding="same"),
            layers.BatchNormalization(momentum=0.8),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )


@wrong("03.4", "the dropout is missing")
def build_small_discriminator():
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(8, 3, strides=2, padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Conv2D(16, 3, strides=2, padding="same"),
            layers.BatchNormalization(momentum=0.8),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )


@wrong("03.4", "behind the second convolution is missing")
def build_small_discriminator():
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(8, 3, strides=2, padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Dropout(0.3),
            layers.Conv2D(16, 3, strides=2, padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )


@wrong("03.4", "16 and 8 filters")
def build_small_discriminator():
    d = keras.Sequential([layers.Input((28, 28, 1))])
    for filters in (16, 8):
        d.add(layers.Conv2D(filters, 3, strides=2, padding="same"))
        if filters == 8:
            d.add(layers.BatchNormalization())
        d.add(layers.LeakyReLU(negative_slope=0.2))
        d.add(layers.Dropout(0.3))
    d.add(layers.Flatten())
    d.add(layers.Dense(1))
    return d


@wrong("03.4", "a bias is missing")
def build_small_discriminator():
    d = keras.Sequential([layers.Input((28, 28, 1))])
    for filters in (8, 16):
        d.add(layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=filters == 8))
        if filters == 16:
            d.add(layers.BatchNormalization())
        d.add(layers.LeakyReLU(negative_slope=0.2))
        d.add(layers.Dropout(0.3))
    d.add(layers.Flatten())
    d.add(layers.Dense(1))
    return d


@right("03.4")
def build_small_discriminator():
    class Discriminator(keras.Model):
        def __init__(self):
            super().__init__()
            self.logit = layers.Dense(1)  # in another order than they are used
            self.norm = layers.BatchNormalization()
            self.second = layers.Conv2D(16, 3, strides=2, padding="same")
            self.drops = [layers.Dropout(0.3), layers.Dropout(0.3)]
            self.first = layers.Conv2D(8, 3, strides=2, padding="same")

        def call(self, images):
            x = self.drops[0](keras.ops.leaky_relu(self.first(images), 0.2))
            x = self.drops[1](keras.ops.leaky_relu(self.norm(self.second(x)), 0.2))
            return self.logit(keras.ops.reshape(x, (-1, 784)))

    return Discriminator()
