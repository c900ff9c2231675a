"""Answers to the exercises of chapter 03."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from answers import right, wrong


@right("03.1")
def count_parameters(side, convolutions):
    inputs = x = layers.Input((side, side, 1))
    for kernel, stride, filters, normalised in convolutions.tolist():
        x = layers.Conv2D(filters, kernel, strides=stride, padding="same", use_bias=not normalised)(x)
        x = layers.BatchNormalization()(x) if normalised else x
    model = keras.Model(inputs, layers.Dense(1)(layers.Flatten()(x)))
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


@right("03.1")
def count_parameters(side, convolutions):
    kernel, stride, filters, normalised = convolutions.T
    channels = np.concatenate([[1], filters[:-1]])
    for s in stride:
        side = np.ceil(side / s)
    inner = (kernel**2 * channels * filters + filters + normalised * filters).sum()  # a shift takes a bias' place
    return inner + side**2 * filters[-1] + 1


@right("03.1")
def count_parameters(side, convolutions):
    def rest(side, channels, rows):
        if not rows:
            return side * side * channels + 1
        (kernel, stride, filters, normalised), *others = rows
        own = filters * (kernel * kernel * channels + (2 if normalised else 1))
        return own + rest((side + stride - 1) // stride, filters, others)

    return rest(side, 1, convolutions.tolist())


@wrong("03.1", "moving statistics are in it")
def count_parameters(side, convolutions):
    total, channels = 0, 1
    for kernel, stride, filters, normalised in convolutions:
        total += kernel * kernel * channels * filters + (0 if normalised else filters) + 4 * normalised * filters
        side, channels = -(-side // stride), filters
    return total + side * side * channels + 1


@wrong("03.1", "your count has one")
def count_parameters(side, convolutions):
    total, channels = 0, 1
    for kernel, stride, filters, normalised in convolutions:
        total += kernel * kernel * channels * filters + filters + 2 * normalised * filters
        side, channels = -(-side // stride), filters
    return total + side * side * channels + 1


@wrong("03.1", "no convolution has a bias")
def count_parameters(side, convolutions):
    total, channels = 0, 1
    for kernel, stride, filters, normalised in convolutions:
        total += kernel * kernel * channels * filters + 0 + 2 * normalised * filters
        side, channels = -(-side // stride), filters
    return total + side * side * channels + 1


@wrong("03.1", "scale and shift of each channel")
def count_parameters(side, convolutions):
    total, channels = 0, 1
    for kernel, stride, filters, normalised in convolutions:
        total += kernel * kernel * channels * filters + (0 if normalised else filters) + 0
        side, channels = -(-side // stride), filters
    return total + side * side * channels + 1


@wrong("03.1", "two numbers a channel, not one")
def count_parameters(side, convolutions):
    total, channels = 0, 1
    for kernel, stride, filters, normalised in convolutions:
        total += kernel * kernel * channels * filters + (0 if normalised else filters) + normalised * filters
        side, channels = -(-side // stride), filters
    return total + side * side * channels + 1


@wrong("03.1", "you rounded down")
def count_parameters(side, convolutions):
    total, channels = 0, 1
    for kernel, stride, filters, normalised in convolutions:
        total += kernel * kernel * channels * filters + (0 if normalised else filters) + 2 * normalised * filters
        side, channels = side // stride, filters
    return total + side * side * channels + 1


@wrong("03.1", 'that is padding "valid"')
def count_parameters(side, convolutions):
    total, channels = 0, 1
    for kernel, stride, filters, normalised in convolutions:
        total += kernel * kernel * channels * filters + (0 if normalised else filters) + 2 * normalised * filters
        side, channels = (side - kernel) // stride + 1, filters
    return total + side * side * channels + 1


@wrong("03.1", "sees the first side")
def count_parameters(side, convolutions):
    total, channels = 0, 1
    for kernel, stride, filters, normalised in convolutions:
        total += kernel * kernel * channels * filters + (0 if normalised else filters) + 2 * normalised * filters
        side, channels = side, filters
    return total + side * side * channels + 1


@wrong("03.1", "the Dense layer at the end is missing")
def count_parameters(side, convolutions):
    total, channels = 0, 1
    for kernel, stride, filters, normalised in convolutions:
        total += kernel * kernel * channels * filters + (0 if normalised else filters) + 2 * normalised * filters
        side, channels = -(-side // stride), filters
    return total + 0


@wrong("03.1", "bias of the Dense layer")
def count_parameters(side, convolutions):
    total, channels = 0, 1
    for kernel, stride, filters, normalised in convolutions:
        total += kernel * kernel * channels * filters + (0 if normalised else filters) + 2 * normalised * filters
        side, channels = -(-side // stride), filters
    return total + side * side * channels


@wrong("03.1", "its side counts twice")
def count_parameters(side, convolutions):
    total, channels = 0, 1
    for kernel, stride, filters, normalised in convolutions:
        total += kernel * channels * filters + (0 if normalised else filters) + 2 * normalised * filters
        side, channels = -(-side // stride), filters
    return total + side * side * channels + 1


@wrong("03.1", "sees all channels that come in")
def count_parameters(side, convolutions):
    total, channels = 0, 1
    for kernel, stride, filters, normalised in convolutions:
        total += kernel * kernel * filters + (0 if normalised else filters) + 2 * normalised * filters
        side, channels = -(-side // stride), filters
    return total + side * side * channels + 1


@wrong("03.1", "two at once")
def count_parameters(side, convolutions):
    total, channels = 0, 1
    for kernel, stride, filters, normalised in convolutions:
        total += kernel * kernel * channels * filters + filters + 4 * normalised * filters
        side, channels = -(-side // stride), filters
    return total + side * side * channels + 1


@right("03.2")
def transposed_conv_slopes(x, kernel, stride, slope):
    for_x, for_kernel = np.zeros(len(x)), np.zeros(len(kernel))
    for i in range(len(x)):
        for a in range(len(kernel)):
            place = stride * i + a
            for_x[i] += slope[place] * kernel[a]
            for_kernel[a] += slope[place] * x[i]
    return for_x, for_kernel


@right("03.2")
def transposed_conv_slopes(x, kernel, stride, slope):
    filters, inputs = tf.Variable(kernel[:, None, None]), tf.Variable(x[None, :, None])
    with tf.GradientTape() as tape:
        y = tf.nn.conv1d_transpose(inputs, filters, (1, len(slope), 1), stride, "VALID")
        loss = tf.reduce_sum(y[0, :, 0] * slope)
    for_x, for_kernel = tape.gradient(loss, [inputs, filters])
    return for_x[0, :, 0], for_kernel[:, 0, 0]


@right("03.2")
def transposed_conv_slopes(x, kernel, stride, slope):
    for_x = np.correlate(slope, kernel, "valid")[::stride]  # the strided convolution
    apart = np.zeros(stride * (len(x) - 1) + 1)
    apart[::stride] = x
    return for_x, np.correlate(slope, apart, "valid")


@wrong("03.2", "the slope for x first")
def transposed_conv_slopes(x, kernel, stride, slope):
    for_x, for_kernel = np.zeros(len(x)), np.zeros(len(kernel))
    for i in range(len(x)):
        for a in range(len(kernel)):
            place = stride * i + a
            for_x[i] += slope[place] * kernel[a]
            for_kernel[a] += slope[place] * x[i]
    return for_kernel, for_x


@wrong("03.2", "the stride is missing")
def transposed_conv_slopes(x, kernel, stride, slope):
    for_x, for_kernel = np.zeros(len(x)), np.zeros(len(kernel))
    for i in range(len(x)):
        for a in range(len(kernel)):
            place = i + a
            for_x[i] += slope[place] * kernel[a]
            for_kernel[a] += slope[place] * x[i]
    return for_x, for_kernel


@wrong("03.2", "the kernel is turned round")
def transposed_conv_slopes(x, kernel, stride, slope):
    for_x, for_kernel = np.zeros(len(x)), np.zeros(len(kernel))
    for i in range(len(x)):
        for a in range(len(kernel)):
            place = stride * i + a
            for_x[i] += slope[place] * kernel[len(kernel) - 1 - a]
            for_kernel[a] += slope[place] * x[i]
    return for_x, for_kernel


@wrong("03.2", "in the reverse order")
def transposed_conv_slopes(x, kernel, stride, slope):
    for_x, for_kernel = np.zeros(len(x)), np.zeros(len(kernel))
    for i in range(len(x)):
        for a in range(len(kernel)):
            place = stride * i + a
            for_x[i] += slope[place] * kernel[a]
            for_kernel[a] += slope[place] * x[i]
    return for_x, for_kernel[::-1]


@wrong("03.2", "slope for x lacks the kernel")
def transposed_conv_slopes(x, kernel, stride, slope):
    for_x, for_kernel = np.zeros(len(x)), np.zeros(len(kernel))
    for i in range(len(x)):
        for a in range(len(kernel)):
            place = stride * i + a
            for_x[i] += slope[place]
            for_kernel[a] += slope[place] * x[i]
    return for_x, for_kernel


@wrong("03.2", "slope for the kernel lacks x")
def transposed_conv_slopes(x, kernel, stride, slope):
    for_x, for_kernel = np.zeros(len(x)), np.zeros(len(kernel))
    for i in range(len(x)):
        for a in range(len(kernel)):
            place = stride * i + a
            for_x[i] += slope[place] * kernel[a]
            for_kernel[a] += slope[place]
    return for_x, for_kernel


@wrong("03.2", "averaged over the inputs")
def transposed_conv_slopes(x, kernel, stride, slope):
    for_x, for_kernel = np.zeros(len(x)), np.zeros(len(kernel))
    for i in range(len(x)):
        for a in range(len(kernel)):
            place = stride * i + a
            for_x[i] += slope[place] * kernel[a]
            for_kernel[a] += slope[place] * x[i]
    return for_x, for_kernel / len(x)


@wrong("03.2", "exchanged within the sums")
def transposed_conv_slopes(x, kernel, stride, slope):
    for_x, for_kernel = np.zeros(len(x)), np.zeros(len(kernel))
    for i in range(len(x)):
        for a in range(len(kernel)):
            place = stride * i + a
            for_x[i] += slope[place] * x[i]
            for_kernel[a] += slope[place] * kernel[a]
    return for_x, for_kernel


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


@wrong("03.3", "rows and columns multiply")
def overlap(kernel, stride):
    return [len(range(r, kernel, stride)) ** 2 for r in range(stride)]


@wrong("03.3", "with two axes")
def overlap(kernel, stride):
    side = np.bincount(np.arange(kernel) % stride, minlength=stride)
    return side[:, None] * side


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


@right("03.5")
def repaired_step(real, z, g_kernel, d_hidden, d_logit, rate):
    fake = np.tanh(z @ g_kernel)

    def back(x, sign):
        inner = x @ d_hidden
        hidden = np.maximum(inner, 0.2 * inner)
        at_logit = sign / (1 + np.exp(-sign * (hidden @ d_logit))) / len(x)
        before = at_logit * d_logit.T * np.where(inner > 0, 1.0, 0.2)
        return x.T @ before, hidden.T @ at_logit, before @ d_hidden.T

    on_real, on_fake, for_g = back(real, -1.0), back(fake, 1.0), back(fake, -1.0)
    first = d_hidden - rate * (on_real[0] + on_fake[0])
    second = d_logit - rate * (on_real[1] + on_fake[1])
    return first, second, g_kernel - rate * z.T @ (for_g[2] * (1 - fake**2))


@right("03.5")
def repaired_step(real, z, g_kernel, d_hidden, d_logit, rate):
    weights = [tf.Variable(value) for value in (d_hidden, d_logit, g_kernel)]
    first, second, g = weights
    with tf.GradientTape(persistent=True) as tape:

        def logit(x):
            return tf.nn.leaky_relu(x @ first, 0.2) @ second

        fake = tf.tanh(z @ g)
        d_loss = tf.reduce_mean(tf.nn.softplus(-logit(real))) + tf.reduce_mean(tf.nn.softplus(logit(fake)))
        g_loss = tf.reduce_mean(tf.nn.softplus(-logit(fake)))
    slopes = [*tape.gradient(d_loss, [first, second]), tape.gradient(g_loss, g)]
    return [weight - rate * slope for weight, slope in zip(weights, slopes, strict=True)]


@wrong("03.5", "sigmoid twice")
def repaired_step(real, z, g_kernel, d_hidden, d_logit, rate):
    hidden, features = d_hidden.shape[1], real.shape[1]
    generator = keras.Sequential(
        [layers.Input((z.shape[1],)), layers.Dense(features, use_bias=False, activation="tanh")]
    )
    discriminator = keras.Sequential(
        [
            layers.Input((features,)),
            layers.Dense(hidden, use_bias=False),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Dense(1, use_bias=False),
        ]
    )
    generator.set_weights([g_kernel])
    discriminator.set_weights([d_hidden, d_logit])
    d_optimizer, g_optimizer = keras.optimizers.SGD(rate), keras.optimizers.SGD(rate)
    bce = keras.losses.BinaryCrossentropy(from_logits=True)
    with tf.GradientTape() as d_tape, tf.GradientTape() as g_tape:
        fake = generator(z, training=True)
        real_logits, fake_logits = (1 / (1 + tf.exp(-discriminator(x, training=True))) for x in (real, fake))
        d_loss = bce(tf.ones_like(real_logits), real_logits) + bce(tf.zeros_like(fake_logits), fake_logits)
        g_loss = bce(tf.ones_like(fake_logits), fake_logits)
    d_list, g_list = discriminator.trainable_variables, generator.trainable_variables
    d_slopes, g_slopes = d_tape.gradient(d_loss, d_list), g_tape.gradient(g_loss, g_list)
    d_optimizer.apply(d_slopes, d_list)
    g_optimizer.apply(g_slopes, g_list)
    return [*discriminator.get_weights(), *generator.get_weights()]


@wrong("03.5", "default slope of 0.3")
def repaired_step(real, z, g_kernel, d_hidden, d_logit, rate):
    hidden, features = d_hidden.shape[1], real.shape[1]
    generator = keras.Sequential(
        [layers.Input((z.shape[1],)), layers.Dense(features, use_bias=False, activation="tanh")]
    )
    discriminator = keras.Sequential(
        [
            layers.Input((features,)),
            layers.Dense(hidden, use_bias=False),
            layers.LeakyReLU(),
            layers.Dense(1, use_bias=False),
        ]
    )
    generator.set_weights([g_kernel])
    discriminator.set_weights([d_hidden, d_logit])
    d_optimizer, g_optimizer = keras.optimizers.SGD(rate), keras.optimizers.SGD(rate)
    bce = keras.losses.BinaryCrossentropy(from_logits=True)
    with tf.GradientTape() as d_tape, tf.GradientTape() as g_tape:
        fake = generator(z, training=True)
        real_logits, fake_logits = discriminator(real, training=True), discriminator(fake, training=True)
        d_loss = bce(tf.ones_like(real_logits), real_logits) + bce(tf.zeros_like(fake_logits), fake_logits)
        g_loss = bce(tf.ones_like(fake_logits), fake_logits)
    d_list, g_list = discriminator.trainable_variables, generator.trainable_variables
    d_slopes, g_slopes = d_tape.gradient(d_loss, d_list), g_tape.gradient(g_loss, g_list)
    d_optimizer.apply(d_slopes, d_list)
    g_optimizer.apply(g_slopes, g_list)
    return [*discriminator.get_weights(), *generator.get_weights()]


@wrong("03.5", "list of G's variables only")
def repaired_step(real, z, g_kernel, d_hidden, d_logit, rate):
    hidden, features = d_hidden.shape[1], real.shape[1]
    generator = keras.Sequential(
        [layers.Input((z.shape[1],)), layers.Dense(features, use_bias=False, activation="tanh")]
    )
    discriminator = keras.Sequential(
        [
            layers.Input((features,)),
            layers.Dense(hidden, use_bias=False),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Dense(1, use_bias=False),
        ]
    )
    generator.set_weights([g_kernel])
    discriminator.set_weights([d_hidden, d_logit])
    d_optimizer, g_optimizer = keras.optimizers.SGD(rate), keras.optimizers.SGD(rate)
    bce = keras.losses.BinaryCrossentropy(from_logits=True)
    with tf.GradientTape() as d_tape, tf.GradientTape() as g_tape:
        fake = generator(z, training=True)
        real_logits, fake_logits = discriminator(real, training=True), discriminator(fake, training=True)
        d_loss = bce(tf.ones_like(real_logits), real_logits) + bce(tf.zeros_like(fake_logits), fake_logits)
        g_loss = bce(tf.ones_like(fake_logits), fake_logits)
    d_list, g_list = (
        discriminator.trainable_variables,
        discriminator.trainable_variables + generator.trainable_variables,
    )
    d_slopes, g_slopes = d_tape.gradient(d_loss, d_list), g_tape.gradient(g_loss, g_list)
    d_optimizer.apply(d_slopes, d_list)
    g_optimizer.apply(g_slopes, g_list)
    return [*discriminator.get_weights(), *generator.get_weights()]


@wrong("03.5", "G learns to be caught")
def repaired_step(real, z, g_kernel, d_hidden, d_logit, rate):
    hidden, features = d_hidden.shape[1], real.shape[1]
    generator = keras.Sequential(
        [layers.Input((z.shape[1],)), layers.Dense(features, use_bias=False, activation="tanh")]
    )
    discriminator = keras.Sequential(
        [
            layers.Input((features,)),
            layers.Dense(hidden, use_bias=False),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Dense(1, use_bias=False),
        ]
    )
    generator.set_weights([g_kernel])
    discriminator.set_weights([d_hidden, d_logit])
    d_optimizer, g_optimizer = keras.optimizers.SGD(rate), keras.optimizers.SGD(rate)
    bce = keras.losses.BinaryCrossentropy(from_logits=True)
    with tf.GradientTape() as d_tape, tf.GradientTape() as g_tape:
        fake = generator(z, training=True)
        real_logits, fake_logits = discriminator(real, training=True), discriminator(fake, training=True)
        d_loss = bce(tf.ones_like(real_logits), real_logits) + bce(tf.zeros_like(fake_logits), fake_logits)
        g_loss = bce(tf.zeros_like(fake_logits), fake_logits)
    d_list, g_list = discriminator.trainable_variables, generator.trainable_variables
    d_slopes, g_slopes = d_tape.gradient(d_loss, d_list), g_tape.gradient(g_loss, g_list)
    d_optimizer.apply(d_slopes, d_list)
    g_optimizer.apply(g_slopes, g_list)
    return [*discriminator.get_weights(), *generator.get_weights()]


@wrong("03.5", "D's labels are exchanged")
def repaired_step(real, z, g_kernel, d_hidden, d_logit, rate):
    hidden, features = d_hidden.shape[1], real.shape[1]
    generator = keras.Sequential(
        [layers.Input((z.shape[1],)), layers.Dense(features, use_bias=False, activation="tanh")]
    )
    discriminator = keras.Sequential(
        [
            layers.Input((features,)),
            layers.Dense(hidden, use_bias=False),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Dense(1, use_bias=False),
        ]
    )
    generator.set_weights([g_kernel])
    discriminator.set_weights([d_hidden, d_logit])
    d_optimizer, g_optimizer = keras.optimizers.SGD(rate), keras.optimizers.SGD(rate)
    bce = keras.losses.BinaryCrossentropy(from_logits=True)
    with tf.GradientTape() as d_tape, tf.GradientTape() as g_tape:
        fake = generator(z, training=True)
        real_logits, fake_logits = discriminator(real, training=True), discriminator(fake, training=True)
        d_loss = bce(tf.zeros_like(real_logits), real_logits) + bce(tf.ones_like(fake_logits), fake_logits)
        g_loss = bce(tf.ones_like(fake_logits), fake_logits)
    d_list, g_list = discriminator.trainable_variables, generator.trainable_variables
    d_slopes, g_slopes = d_tape.gradient(d_loss, d_list), g_tape.gradient(g_loss, g_list)
    d_optimizer.apply(d_slopes, d_list)
    g_optimizer.apply(g_slopes, g_list)
    return [*discriminator.get_weights(), *generator.get_weights()]


@wrong("03.5", "half a step of D")
def repaired_step(real, z, g_kernel, d_hidden, d_logit, rate):
    hidden, features = d_hidden.shape[1], real.shape[1]
    generator = keras.Sequential(
        [layers.Input((z.shape[1],)), layers.Dense(features, use_bias=False, activation="tanh")]
    )
    discriminator = keras.Sequential(
        [
            layers.Input((features,)),
            layers.Dense(hidden, use_bias=False),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Dense(1, use_bias=False),
        ]
    )
    generator.set_weights([g_kernel])
    discriminator.set_weights([d_hidden, d_logit])
    d_optimizer, g_optimizer = keras.optimizers.SGD(rate), keras.optimizers.SGD(rate)
    bce = keras.losses.BinaryCrossentropy(from_logits=True)
    with tf.GradientTape() as d_tape, tf.GradientTape() as g_tape:
        fake = generator(z, training=True)
        real_logits, fake_logits = discriminator(real, training=True), discriminator(fake, training=True)
        d_loss = 0.5 * (bce(tf.ones_like(real_logits), real_logits) + bce(tf.zeros_like(fake_logits), fake_logits))
        g_loss = bce(tf.ones_like(fake_logits), fake_logits)
    d_list, g_list = discriminator.trainable_variables, generator.trainable_variables
    d_slopes, g_slopes = d_tape.gradient(d_loss, d_list), g_tape.gradient(g_loss, g_list)
    d_optimizer.apply(d_slopes, d_list)
    g_optimizer.apply(g_slopes, g_list)
    return [*discriminator.get_weights(), *generator.get_weights()]


@wrong("03.5", "D does not move")
def repaired_step(real, z, g_kernel, d_hidden, d_logit, rate):
    hidden, features = d_hidden.shape[1], real.shape[1]
    generator = keras.Sequential(
        [layers.Input((z.shape[1],)), layers.Dense(features, use_bias=False, activation="tanh")]
    )
    discriminator = keras.Sequential(
        [
            layers.Input((features,)),
            layers.Dense(hidden, use_bias=False),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Dense(1, use_bias=False),
        ]
    )
    generator.set_weights([g_kernel])
    discriminator.set_weights([d_hidden, d_logit])
    d_optimizer, g_optimizer = keras.optimizers.SGD(rate), keras.optimizers.SGD(rate)
    bce = keras.losses.BinaryCrossentropy(from_logits=True)
    discriminator.trainable = False
    with tf.GradientTape() as d_tape, tf.GradientTape() as g_tape:
        fake = generator(z, training=True)
        real_logits, fake_logits = discriminator(real, training=True), discriminator(fake, training=True)
        d_loss = bce(tf.ones_like(real_logits), real_logits) + bce(tf.zeros_like(fake_logits), fake_logits)
        g_loss = bce(tf.ones_like(fake_logits), fake_logits)
    d_list, g_list = discriminator.trainable_variables, generator.trainable_variables
    d_slopes, g_slopes = d_tape.gradient(d_loss, d_list), g_tape.gradient(g_loss, g_list)
    d_optimizer.apply(d_slopes, d_list)
    g_optimizer.apply(g_slopes, g_list)
    return [*discriminator.get_weights(), *generator.get_weights()]


@wrong("03.5", "G does not move")
def repaired_step(real, z, g_kernel, d_hidden, d_logit, rate):
    hidden, features = d_hidden.shape[1], real.shape[1]
    generator = keras.Sequential(
        [layers.Input((z.shape[1],)), layers.Dense(features, use_bias=False, activation="tanh")]
    )
    discriminator = keras.Sequential(
        [
            layers.Input((features,)),
            layers.Dense(hidden, use_bias=False),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Dense(1, use_bias=False),
        ]
    )
    generator.set_weights([g_kernel])
    discriminator.set_weights([d_hidden, d_logit])
    d_optimizer, g_optimizer = keras.optimizers.SGD(rate), keras.optimizers.SGD(rate)
    bce = keras.losses.BinaryCrossentropy(from_logits=True)
    with tf.GradientTape() as d_tape, tf.GradientTape() as g_tape:
        fake = generator(z, training=True)
        real_logits, fake_logits = discriminator(real, training=True), discriminator(fake, training=True)
        d_loss = bce(tf.ones_like(real_logits), real_logits) + bce(tf.zeros_like(fake_logits), fake_logits)
        g_loss = bce(tf.ones_like(fake_logits), fake_logits)
    d_list, g_list = discriminator.trainable_variables, generator.trainable_variables
    d_slopes, g_slopes = d_tape.gradient(d_loss, d_list), g_tape.gradient(g_loss, g_list)
    d_optimizer.apply(d_slopes, d_list)
    g_optimizer.apply([0 * slope for slope in g_slopes], g_list)
    return [*discriminator.get_weights(), *generator.get_weights()]


@wrong("03.5", "D's new weights")
def repaired_step(real, z, g_kernel, d_hidden, d_logit, rate):
    hidden, features = d_hidden.shape[1], real.shape[1]
    generator = keras.Sequential(
        [layers.Input((z.shape[1],)), layers.Dense(features, use_bias=False, activation="tanh")]
    )
    discriminator = keras.Sequential(
        [
            layers.Input((features,)),
            layers.Dense(hidden, use_bias=False),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Dense(1, use_bias=False),
        ]
    )
    generator.set_weights([g_kernel])
    discriminator.set_weights([d_hidden, d_logit])
    d_optimizer, g_optimizer = keras.optimizers.SGD(rate), keras.optimizers.SGD(rate)
    bce = keras.losses.BinaryCrossentropy(from_logits=True)
    with tf.GradientTape() as d_tape, tf.GradientTape() as g_tape:
        fake = generator(z, training=True)
        real_logits, fake_logits = discriminator(real, training=True), discriminator(fake, training=True)
        d_loss = bce(tf.ones_like(real_logits), real_logits) + bce(tf.zeros_like(fake_logits), fake_logits)
        g_loss = bce(tf.ones_like(fake_logits), fake_logits)
    d_list, g_list = discriminator.trainable_variables, generator.trainable_variables
    d_slopes, g_slopes = d_tape.gradient(d_loss, d_list), g_tape.gradient(g_loss, g_list)
    d_optimizer.apply(d_slopes, d_list)
    with tf.GradientTape() as g_tape:
        fake_logits = discriminator(generator(z, training=True), training=True)
        g_loss = bce(tf.ones_like(fake_logits), fake_logits)
    g_slopes = g_tape.gradient(g_loss, g_list)
    g_optimizer.apply(g_slopes, g_list)
    return [*discriminator.get_weights(), *generator.get_weights()]


@wrong("03.5", "an optimizer of its own")
def repaired_step(real, z, g_kernel, d_hidden, d_logit, rate):
    hidden, features = d_hidden.shape[1], real.shape[1]
    generator = keras.Sequential(
        [layers.Input((z.shape[1],)), layers.Dense(features, use_bias=False, activation="tanh")]
    )
    discriminator = keras.Sequential(
        [
            layers.Input((features,)),
            layers.Dense(hidden, use_bias=False),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Dense(1, use_bias=False),
        ]
    )
    generator.set_weights([g_kernel])
    discriminator.set_weights([d_hidden, d_logit])
    d_optimizer, g_optimizer = keras.optimizers.SGD(rate), keras.optimizers.SGD(rate)
    bce = keras.losses.BinaryCrossentropy(from_logits=True)
    with tf.GradientTape() as d_tape, tf.GradientTape() as g_tape:
        fake = generator(z, training=True)
        real_logits, fake_logits = discriminator(real, training=True), discriminator(fake, training=True)
        d_loss = bce(tf.ones_like(real_logits), real_logits) + bce(tf.zeros_like(fake_logits), fake_logits)
        g_loss = bce(tf.ones_like(fake_logits), fake_logits)
    d_list, g_list = discriminator.trainable_variables, generator.trainable_variables
    d_slopes, g_slopes = d_tape.gradient(d_loss, d_list), g_tape.gradient(g_loss, g_list)
    g_optimizer = d_optimizer  # one for both
    d_optimizer.apply(d_slopes, d_list)
    g_optimizer.apply(g_slopes, g_list)
    return [*discriminator.get_weights(), *generator.get_weights()]


@wrong("03.5", "left on the real images' score")
def repaired_step(real, z, g_kernel, d_hidden, d_logit, rate):
    hidden, features = d_hidden.shape[1], real.shape[1]
    generator = keras.Sequential(
        [layers.Input((z.shape[1],)), layers.Dense(features, use_bias=False, activation="tanh")]
    )
    discriminator = keras.Sequential(
        [
            layers.Input((features,)),
            layers.Dense(hidden, use_bias=False),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Dense(1, use_bias=False),
        ]
    )
    generator.set_weights([g_kernel])
    discriminator.set_weights([d_hidden, d_logit])
    d_optimizer, g_optimizer = keras.optimizers.SGD(rate), keras.optimizers.SGD(rate)
    bce = keras.losses.BinaryCrossentropy(from_logits=True)
    with tf.GradientTape() as d_tape, tf.GradientTape() as g_tape:
        fake = generator(z, training=True)
        real_logits = 1 / (1 + tf.exp(-discriminator(real, training=True)))
        fake_logits = discriminator(fake, training=True)
        d_loss = bce(tf.ones_like(real_logits), real_logits) + bce(tf.zeros_like(fake_logits), fake_logits)
        g_loss = bce(tf.ones_like(fake_logits), fake_logits)
    d_list, g_list = discriminator.trainable_variables, generator.trainable_variables
    d_slopes, g_slopes = d_tape.gradient(d_loss, d_list), g_tape.gradient(g_loss, g_list)
    d_optimizer.apply(d_slopes, d_list)
    g_optimizer.apply(g_slopes, g_list)
    return [*discriminator.get_weights(), *generator.get_weights()]


@wrong("03.5", "left on the fakes' score")
def repaired_step(real, z, g_kernel, d_hidden, d_logit, rate):
    hidden, features = d_hidden.shape[1], real.shape[1]
    generator = keras.Sequential(
        [layers.Input((z.shape[1],)), layers.Dense(features, use_bias=False, activation="tanh")]
    )
    discriminator = keras.Sequential(
        [
            layers.Input((features,)),
            layers.Dense(hidden, use_bias=False),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Dense(1, use_bias=False),
        ]
    )
    generator.set_weights([g_kernel])
    discriminator.set_weights([d_hidden, d_logit])
    d_optimizer, g_optimizer = keras.optimizers.SGD(rate), keras.optimizers.SGD(rate)
    bce = keras.losses.BinaryCrossentropy(from_logits=True)
    with tf.GradientTape() as d_tape, tf.GradientTape() as g_tape:
        fake = generator(z, training=True)
        real_logits = discriminator(real, training=True)
        fake_logits = 1 / (1 + tf.exp(-discriminator(fake, training=True)))
        d_loss = bce(tf.ones_like(real_logits), real_logits) + bce(tf.zeros_like(fake_logits), fake_logits)
        g_loss = bce(tf.ones_like(fake_logits), fake_logits)
    d_list, g_list = discriminator.trainable_variables, generator.trainable_variables
    d_slopes, g_slopes = d_tape.gradient(d_loss, d_list), g_tape.gradient(g_loss, g_list)
    d_optimizer.apply(d_slopes, d_list)
    g_optimizer.apply(g_slopes, g_list)
    return [*discriminator.get_weights(), *generator.get_weights()]
