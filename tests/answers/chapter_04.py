"""Answers to the exercises of chapter 04."""

import numpy as np
import tensorflow as tf

from answers import right, wrong


@right("04.1")
def to_network(images):
    return (tf.cast(images, tf.float32)[..., tf.newaxis] - 127.5) / 127.5


@right("04.1")
def to_network(images):
    result = np.empty((*images.shape, 1), dtype="float64")
    for i, image in enumerate(images):
        result[i, :, :, 0] = 2 * (image / 255) - 1
    return result


@right("04.1")
def to_network(images):
    return np.interp(images, (0, 255), (-1, 1)).reshape(-1, 28, 28, 1).astype(np.float32)


@wrong("04.1", "from 0 to 1")
def to_network(images):
    return images[..., None].astype("float32") / 255


@wrong("04.1", "-0.5 to 0.5")
def to_network(images):
    return images[..., None].astype("float32") / 255 - 0.5


@wrong("04.1", "divided by 128")
def to_network(images):
    return images[..., None].astype("float32") / 128 - 1


@wrong("04.1", "the channel is missing")
def to_network(images):
    return images.astype("float32") / 127.5 - 1


@wrong("04.1", "TensorFlow has it last")
def to_network(images):
    return images[:, None].astype("float32") / 127.5 - 1


@wrong("04.1", "wrapped around")
def to_network(images):
    return (images[..., None] * np.uint8(2) - np.uint8(255)) / 255


@wrong("04.1", "black and white are exchanged")
def to_network(images):
    return 1 - images[..., None].astype("float32") / 127.5


@right("04.2")
def moving_average(average, weights, decay):
    return average + (1 - decay) * (weights - average)


@right("04.2")
def moving_average(average, weights, decay):
    return [decay * a + (1 - decay) * w for a, w in zip(average, weights, strict=True)]


@right("04.2")
def moving_average(average, weights, decay):
    kept = tf.Variable(average)
    kept.assign(decay * kept + (1.0 - decay) * tf.constant(weights))
    return kept


@wrong("04.2", "are exchanged")
def moving_average(average, weights, decay):
    return (1 - decay) * average + decay * weights


@wrong("04.2", "nothing is averaged")
def moving_average(average, weights, decay):
    return weights


@wrong("04.2", "decay is not used")
def moving_average(average, weights, decay):
    return (average + weights) / 2


@wrong("04.2", "the weights are added in full")
def moving_average(average, weights, decay):
    return decay * average + weights


@wrong("04.2", "not damped")
def moving_average(average, weights, decay):
    average += (1 - decay) * weights
    return average


@wrong("04.2", "wrong sign")
def moving_average(average, weights, decay):
    return average - (1 - decay) * (weights - average)


@right("04.3")
def gan_step(w, b, a, c, x, z, rate):
    d_variables = [tf.Variable(w, dtype=tf.float64), tf.Variable(b, dtype=tf.float64)]
    g_variables = [tf.Variable(a, dtype=tf.float64), tf.Variable(c, dtype=tf.float64)]
    with tf.GradientTape() as d_tape, tf.GradientTape() as g_tape:
        fake = g_variables[0] * z + g_variables[1]
        real_logits = d_variables[0] * x + d_variables[1]
        fake_logits = d_variables[0] * fake + d_variables[1]
        d_loss = tf.reduce_mean(tf.nn.softplus(-real_logits)) + tf.reduce_mean(tf.nn.softplus(fake_logits))
        g_loss = tf.reduce_mean(tf.nn.softplus(-fake_logits))
    d_slopes = d_tape.gradient(d_loss, d_variables)
    g_slopes = g_tape.gradient(g_loss, g_variables)
    optimizer = tf.keras.optimizers.SGD(rate)
    optimizer.apply_gradients(zip([*d_slopes, *g_slopes], [*d_variables, *g_variables], strict=True))
    return [float(v) for v in (*d_variables, *g_variables)]


@right("04.3")
def gan_step(w, b, a, c, x, z, rate):
    def losses(w, b, a, c):
        fake = a * z + c
        d_loss = np.logaddexp(0, -(w * x + b)).mean() + np.logaddexp(0, w * fake + b).mean()
        return d_loss, np.logaddexp(0, -(w * fake + b)).mean()

    eps, old, new = 1e-6, np.array([w, b, a, c]), []
    for i in range(4):
        up, down = old + eps * np.eye(4)[i], old - eps * np.eye(4)[i]
        slope = (np.array(losses(*up)) - np.array(losses(*down))) / (2 * eps)
        new.append(old[i] - rate * slope[0 if i < 2 else 1])
    return tuple(new)


@right("04.3")
def gan_step(w, b, a, c, x, z, rate):
    n = len(x)
    dw = db = da = dc = 0.0
    for xi, zi in zip(x, z, strict=True):
        g = a * zi + c
        d_real = 1 / (1 + np.exp(-(w * xi + b)))
        d_fake = 1 / (1 + np.exp(-(w * g + b)))
        dw += (-(1 - d_real) * xi + d_fake * g) / n
        db += (-(1 - d_real) + d_fake) / n
        da += -(1 - d_fake) * w * zi / n
        dc += -(1 - d_fake) * w / n
    return w - rate * dw, b - rate * db, a - rate * da, c - rate * dc


@wrong("04.3", "answers the *new* discriminator")
def gan_step(w, b, a, c, x, z, rate):
    def sigmoid(t):
        return 1 / (1 + np.exp(-t))

    g = a * z + c
    real, fake = sigmoid(w * x + b) - 1, sigmoid(w * g + b)
    w, b = w - rate * (real * x + fake * g).mean(), b - rate * (real + fake).mean()
    slope = sigmoid(w * g + b) - 1
    return w, b, a - rate * (slope * w * z).mean(), c - rate * (slope * w).mean()


@wrong("04.3", "images of the *new* generator")
def gan_step(w, b, a, c, x, z, rate):
    def sigmoid(t):
        return 1 / (1 + np.exp(-t))

    slope = sigmoid(w * (a * z + c) + b) - 1
    a, c = a - rate * (slope * w * z).mean(), c - rate * (slope * w).mean()
    g = a * z + c
    real, fake = sigmoid(w * x + b) - 1, sigmoid(w * g + b)
    return w - rate * (real * x + fake * g).mean(), b - rate * (real + fake).mean(), a, c


@wrong("04.3", "the saturating one")
def gan_step(w, b, a, c, x, z, rate):
    def sigmoid(t):
        return 1 / (1 + np.exp(-t))

    g = a * z + c
    real, fake = sigmoid(w * x + b) - 1, sigmoid(w * g + b)
    da, dc = (-fake * w * z).mean(), (-fake * w).mean()
    return w - rate * (real * x + fake * g).mean(), b - rate * (real + fake).mean(), a - rate * da, c - rate * dc


@wrong("04.3", "the generator goes the wrong way")
def gan_step(w, b, a, c, x, z, rate):
    def sigmoid(t):
        return 1 / (1 + np.exp(-t))

    g = a * z + c
    real, fake = sigmoid(w * x + b) - 1, sigmoid(w * g + b)
    da, dc = ((1 - fake) * w * z).mean(), ((1 - fake) * w).mean()
    return w - rate * (real * x + fake * g).mean(), b - rate * (real + fake).mean(), a - rate * da, c - rate * dc


@wrong("04.3", "labels are exchanged")
def gan_step(w, b, a, c, x, z, rate):
    def sigmoid(t):
        return 1 / (1 + np.exp(-t))

    g = a * z + c
    real, fake = sigmoid(w * x + b), sigmoid(w * g + b) - 1
    da, dc = (fake * w * z).mean(), (fake * w).mean()
    return w - rate * (real * x + fake * g).mean(), b - rate * (real + fake).mean(), a - rate * da, c - rate * dc


@wrong("04.3", "½ in the discriminator's loss")
def gan_step(w, b, a, c, x, z, rate):
    def sigmoid(t):
        return 1 / (1 + np.exp(-t))

    g = a * z + c
    real, fake = sigmoid(w * x + b) - 1, sigmoid(w * g + b)
    da, dc = ((fake - 1) * w * z).mean(), ((fake - 1) * w).mean()
    dw, db = (real * x + fake * g).mean() / 2, (real + fake).mean() / 2
    return w - rate * dw, b - rate * db, a - rate * da, c - rate * dc


@wrong("04.3", "added up over the batch")
def gan_step(w, b, a, c, x, z, rate):
    def sigmoid(t):
        return 1 / (1 + np.exp(-t))

    g = a * z + c
    real, fake = sigmoid(w * x + b) - 1, sigmoid(w * g + b)
    da, dc = ((fake - 1) * w * z).sum(), ((fake - 1) * w).sum()
    return w - rate * (real * x + fake * g).sum(), b - rate * (real + fake).sum(), a - rate * da, c - rate * dc


@wrong("04.3", "does not see the generated images")
def gan_step(w, b, a, c, x, z, rate):
    def sigmoid(t):
        return 1 / (1 + np.exp(-t))

    real, fake = sigmoid(w * x + b) - 1, sigmoid(w * (a * z + c) + b)
    da, dc = ((fake - 1) * w * z).mean(), ((fake - 1) * w).mean()
    return w - rate * (real * x).mean(), b - rate * real.mean(), a - rate * da, c - rate * dc


@wrong("04.3", "defect 7")
def gan_step(w, b, a, c, x, z, rate):
    fake = 1 / (1 + np.exp(-(w * (a * z + c) + b)))
    da, dc = ((fake - 1) * w * z).mean(), ((fake - 1) * w).mean()
    return w, b, a - rate * da, c - rate * dc


@right("04.4")
def batch_indices(seed, step, n, batch_size):
    epoch, place = divmod(step, n // batch_size)
    order = tf.random.experimental.stateless_shuffle(tf.range(n), seed=[seed, epoch])
    return order[place * batch_size : (place + 1) * batch_size]


@right("04.4")
def batch_indices(seed, step, n, batch_size):
    import random

    per_epoch = n // batch_size
    order = list(range(n))
    random.Random(f"{seed}/{step // per_epoch}").shuffle(order)
    first = (step % per_epoch) * batch_size
    return order[first : first + batch_size]


@right("04.4")
def batch_indices(seed, step, n, batch_size):
    batches = n // batch_size
    keys = np.random.default_rng([seed, step // batches]).random(n)
    return np.argsort(keys)[: batches * batch_size].reshape(batches, batch_size)[step % batches]


@wrong("04.4", "the second time")
def batch_indices(seed, step, n, batch_size):
    return np.random.permutation(n)[:batch_size]


@wrong("04.4", "within one epoch some images come twice")
def batch_indices(seed, step, n, batch_size):
    return np.random.default_rng([seed, step]).permutation(n)[:batch_size]


@wrong("04.4", "draw without replacement")
def batch_indices(seed, step, n, batch_size):
    return np.random.default_rng([seed, step]).integers(0, 10, batch_size)


@wrong("04.4", "in the order of the file")
def batch_indices(seed, step, n, batch_size):
    first = (step % (n // batch_size)) * batch_size
    return np.arange(first, first + batch_size)


@wrong("04.4", "every epoch has the same order")
def batch_indices(seed, step, n, batch_size):
    first = (step % (n // batch_size)) * batch_size
    return np.random.default_rng(seed).permutation(n)[first : first + batch_size]


@wrong("04.4", "another seed gives the same order")
def batch_indices(seed, step, n, batch_size):
    epoch, place = divmod(step, n // batch_size)
    return np.random.default_rng(epoch).permutation(n)[place * batch_size : (place + 1) * batch_size]


@wrong("04.4", "whole numbers from 0 to n - 1")
def batch_indices(seed, step, n, batch_size):
    epoch, place = divmod(step, n // batch_size)
    return (
        1 + np.random.default_rng([seed, epoch]).permutation(n)[place * batch_size : (place + 1) * batch_size] % n + 3
    )


@wrong("04.4", "indices, shape")
def batch_indices(seed, step, n, batch_size):
    return np.random.default_rng([seed, step]).permutation(n)


@wrong("04.4", "are never seen")
def batch_indices(seed, step, n, batch_size):
    epoch, place = divmod(step, n // batch_size)
    order = np.random.default_rng([seed, epoch]).permutation(n // batch_size * batch_size)
    return order[place * batch_size : (place + 1) * batch_size]


@wrong("04.4", "not whole batches")
def batch_indices(seed, step, n, batch_size):
    batches = n // batch_size
    parts = np.random.default_rng(seed).permutation(n)[: batches * batch_size].reshape(batches, batch_size)
    return parts[np.random.default_rng([seed, step // batches]).permutation(batches)[step % batches]]


@wrong("04.4", "epoch 0 of the next")
def batch_indices(seed, step, n, batch_size):
    epoch, place = divmod(step, n // batch_size)
    return np.random.default_rng(seed + epoch).permutation(n)[place * batch_size : (place + 1) * batch_size]


@wrong("04.1", "largest pixel of the batch")
def to_network(images):
    return images[..., None] / images.max() * 2.0 - 1


@wrong("04.3", "was shown z itself")
def gan_step(w, b, a, c, x, z, rate):
    def sigmoid(t):
        return 1 / (1 + np.exp(-t))

    real, fake = sigmoid(w * x + b) - 1, sigmoid(w * z + b)
    slope = sigmoid(w * (a * z + c) + b) - 1
    new_d = w - rate * (real * x + fake * z).mean(), b - rate * (real + fake).mean()
    return *new_d, a - rate * (slope * w * z).mean(), c - rate * (slope * w).mean()


@wrong("04.4", "going round")
def batch_indices(seed, step, n, batch_size):
    order = np.random.default_rng(seed).permutation(n)
    return order[(np.arange(batch_size) + step * batch_size) % n]


@right("04.2")
def moving_average(average, weights, decay):
    from decimal import Decimal

    share = Decimal(decay)
    return [share * Decimal(float(a)) + (1 - share) * Decimal(float(w)) for a, w in zip(average, weights, strict=True)]


@right("04.4")
def batch_indices(seed, step, n, batch_size):
    import random

    epoch = step // (n // batch_size)
    generator = random.Random(1_000_003 * seed + epoch)
    first = batch_size * (step % (n // batch_size))
    return generator.sample(range(n), n)[first : first + batch_size]
