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


@wrong("04.1", "largest pixel of the batch")
def to_network(images):
    return images[..., None] / images.max() * 2.0 - 1


@right("04.2")
def moving_average(weights, decay):
    average = np.zeros(weights.shape[1])
    for row in weights:
        average = decay * average + (1 - decay) * row
    return average / (1 - decay ** len(weights))


@right("04.2")
def moving_average(weights, decay):
    shares = decay ** np.arange(len(weights))[::-1]
    return np.average(weights, axis=0, weights=shares)


@right("04.2")
def moving_average(weights, decay):
    kept, held = tf.zeros(weights.shape[1], tf.float64), 0.0
    for row in tf.unstack(tf.constant(weights)):
        kept, held = decay * kept + row, decay * held + 1
    return kept / held


@right("04.2")
def moving_average(weights, decay):
    from decimal import Decimal

    share, result = Decimal(decay), []
    for column in weights.T:
        total = sum(share ** (len(column) - 1 - t) * Decimal(float(v)) for t, v in enumerate(column))
        result.append(total * (1 - share) / (1 - share ** len(column)))
    return result


@wrong("04.2", "leans towards the zero")
def moving_average(weights, decay):
    average = 0 * weights[0]
    for row in weights:
        average = decay * average + (1 - decay) * row
    return average


@wrong("04.2", "corrected within the recursion")
def moving_average(weights, decay):
    average = 0 * weights[0]
    for t, row in enumerate(weights):
        average = (decay * average + (1 - decay) * row) / (1 - decay ** (t + 1))
    return average


@wrong("04.2", "starts from the first weights")
def moving_average(weights, decay):
    average = weights[0]
    for row in weights[1:]:
        average = decay * average + (1 - decay) * row
    return average


@wrong("04.2", "are exchanged")
def moving_average(weights, decay):
    average = 0 * weights[0]
    for row in weights:
        average = (1 - decay) * average + decay * row
    return average / (1 - (1 - decay) ** len(weights))


@wrong("04.2", "decay is not used")
def moving_average(weights, decay):
    return weights.mean(axis=0)


@wrong("04.2", "nothing is averaged")
def moving_average(weights, decay):
    return weights[-1]


@wrong("04.2", "after one step only")
def moving_average(weights, decay):
    shares = decay ** np.arange(len(weights))[::-1]
    return shares @ weights


@wrong("04.2", "one step too many")
def moving_average(weights, decay):
    average = 0 * weights[0]
    for row in weights:
        average = decay * average + (1 - decay) * row
    return average / (1 - decay ** (len(weights) + 1))


@wrong("04.2", "oldest weights count most")
def moving_average(weights, decay):
    return np.average(weights, axis=0, weights=decay ** np.arange(len(weights)))


@wrong("04.2", "one step too few")
def moving_average(weights, decay):
    average = 0 * weights[0]
    for row in weights:
        average = decay * average + (1 - decay) * row
    return average / (1 - decay ** (len(weights) - 1))


@wrong("04.2", "corrected before it is averaged")
def moving_average(weights, decay):
    average = 0 * weights[0]
    for t, row in enumerate(weights):
        average = decay * average + (1 - decay) * row / (1 - decay ** (t + 1))
    return average


@right("04.3")
def gan_step(w, b, a, c, x, z, rate, gamma):
    d_variables = [tf.Variable(w, dtype=tf.float64), tf.Variable(b, dtype=tf.float64)]
    g_variables = [tf.Variable(a, dtype=tf.float64), tf.Variable(c, dtype=tf.float64)]
    with tf.GradientTape() as d_tape, tf.GradientTape() as g_tape:
        fake = g_variables[0] * z + g_variables[1]
        real_logits = d_variables[0] * x + d_variables[1]
        fake_logits = d_variables[0] * fake + d_variables[1]
        d_loss = tf.reduce_mean(tf.nn.softplus(-real_logits)) + tf.reduce_mean(tf.nn.softplus(fake_logits))
        d_loss += gamma / 2 * tf.square(d_variables[0])
        g_loss = tf.reduce_mean(tf.nn.softplus(-fake_logits))
    d_slopes = d_tape.gradient(d_loss, d_variables)
    g_slopes = g_tape.gradient(g_loss, g_variables)
    optimizer = tf.keras.optimizers.SGD(rate)
    optimizer.apply_gradients(zip([*d_slopes, *g_slopes], [*d_variables, *g_variables], strict=True))
    return [float(v) for v in (*d_variables, *g_variables)]


@right("04.3")
def gan_step(w, b, a, c, x, z, rate, gamma):
    def losses(w, b, a, c):
        fake = a * z + c
        d_loss = np.logaddexp(0, -(w * x + b)).mean() + np.logaddexp(0, w * fake + b).mean() + gamma * w**2 / 2
        return d_loss, np.logaddexp(0, -(w * fake + b)).mean()

    eps, old, new = 1e-6, np.array([w, b, a, c]), []
    for i in range(4):
        up, down = old + eps * np.eye(4)[i], old - eps * np.eye(4)[i]
        slope = (np.array(losses(*up)) - np.array(losses(*down))) / (2 * eps)
        new.append(old[i] - rate * slope[0 if i < 2 else 1])
    return tuple(new)


@right("04.3")
def gan_step(w, b, a, c, x, z, rate, gamma):
    n = len(x)
    db = da = dc = 0.0
    dw = gamma * w
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
def gan_step(w, b, a, c, x, z, rate, gamma):
    def sigmoid(t):
        return 1 / (1 + np.exp(-t))

    g = a * z + c
    real, fake = sigmoid(w * x + b) - 1, sigmoid(w * g + b)
    w, b = w - rate * ((real * x + fake * g).mean() + gamma * w), b - rate * (real + fake).mean()
    slope = sigmoid(w * g + b) - 1
    return w, b, a - rate * (slope * w * z).mean(), c - rate * (slope * w).mean()


@wrong("04.3", "images of the *new* generator")
def gan_step(w, b, a, c, x, z, rate, gamma):
    def sigmoid(t):
        return 1 / (1 + np.exp(-t))

    slope = sigmoid(w * (a * z + c) + b) - 1
    a, c = a - rate * (slope * w * z).mean(), c - rate * (slope * w).mean()
    g = a * z + c
    real, fake = sigmoid(w * x + b) - 1, sigmoid(w * g + b)
    return w - rate * ((real * x + fake * g).mean() + gamma * w), b - rate * (real + fake).mean(), a, c


@wrong("04.3", "the saturating one")
def gan_step(w, b, a, c, x, z, rate, gamma):
    def sigmoid(t):
        return 1 / (1 + np.exp(-t))

    g = a * z + c
    real, fake = sigmoid(w * x + b) - 1, sigmoid(w * g + b)
    da, dc = (-fake * w * z).mean(), (-fake * w).mean()
    return (
        w - rate * ((real * x + fake * g).mean() + gamma * w),
        b - rate * (real + fake).mean(),
        a - rate * da,
        c - rate * dc,
    )


@wrong("04.3", "the generator goes the wrong way")
def gan_step(w, b, a, c, x, z, rate, gamma):
    def sigmoid(t):
        return 1 / (1 + np.exp(-t))

    g = a * z + c
    real, fake = sigmoid(w * x + b) - 1, sigmoid(w * g + b)
    da, dc = ((1 - fake) * w * z).mean(), ((1 - fake) * w).mean()
    return (
        w - rate * ((real * x + fake * g).mean() + gamma * w),
        b - rate * (real + fake).mean(),
        a - rate * da,
        c - rate * dc,
    )


@wrong("04.3", "labels are exchanged")
def gan_step(w, b, a, c, x, z, rate, gamma):
    def sigmoid(t):
        return 1 / (1 + np.exp(-t))

    g = a * z + c
    real, fake = sigmoid(w * x + b), sigmoid(w * g + b) - 1
    da, dc = (fake * w * z).mean(), (fake * w).mean()
    return (
        w - rate * ((real * x + fake * g).mean() + gamma * w),
        b - rate * (real + fake).mean(),
        a - rate * da,
        c - rate * dc,
    )


@wrong("04.3", "½ in the discriminator's loss")
def gan_step(w, b, a, c, x, z, rate, gamma):
    def sigmoid(t):
        return 1 / (1 + np.exp(-t))

    g = a * z + c
    real, fake = sigmoid(w * x + b) - 1, sigmoid(w * g + b)
    da, dc = ((fake - 1) * w * z).mean(), ((fake - 1) * w).mean()
    dw, db = (real * x + fake * g).mean() / 2, (real + fake).mean() / 2
    return w - rate * (dw + gamma * w), b - rate * db, a - rate * da, c - rate * dc


@wrong("04.3", "added up over the batch")
def gan_step(w, b, a, c, x, z, rate, gamma):
    def sigmoid(t):
        return 1 / (1 + np.exp(-t))

    g = a * z + c
    real, fake = sigmoid(w * x + b) - 1, sigmoid(w * g + b)
    da, dc = ((fake - 1) * w * z).sum(), ((fake - 1) * w).sum()
    return (
        w - rate * ((real * x + fake * g).sum() + gamma * w),
        b - rate * (real + fake).sum(),
        a - rate * da,
        c - rate * dc,
    )


@wrong("04.3", "does not see the generated images")
def gan_step(w, b, a, c, x, z, rate, gamma):
    def sigmoid(t):
        return 1 / (1 + np.exp(-t))

    real, fake = sigmoid(w * x + b) - 1, sigmoid(w * (a * z + c) + b)
    da, dc = ((fake - 1) * w * z).mean(), ((fake - 1) * w).mean()
    return w - rate * ((real * x).mean() + gamma * w), b - rate * real.mean(), a - rate * da, c - rate * dc


@wrong("04.3", "defect 7")
def gan_step(w, b, a, c, x, z, rate, gamma):
    fake = 1 / (1 + np.exp(-(w * (a * z + c) + b)))
    da, dc = ((fake - 1) * w * z).mean(), ((fake - 1) * w).mean()
    return w, b, a - rate * da, c - rate * dc


@wrong("04.3", "was shown z itself")
def gan_step(w, b, a, c, x, z, rate, gamma):
    def sigmoid(t):
        return 1 / (1 + np.exp(-t))

    real, fake = sigmoid(w * x + b) - 1, sigmoid(w * z + b)
    slope = sigmoid(w * (a * z + c) + b) - 1
    new_d = w - rate * ((real * x + fake * z).mean() + gamma * w), b - rate * (real + fake).mean()
    return *new_d, a - rate * (slope * w * z).mean(), c - rate * (slope * w).mean()


@wrong("04.3", "the penalty is missing")
def gan_step(w, b, a, c, x, z, rate, gamma):
    def sigmoid(t):
        return 1 / (1 + np.exp(-t))

    g = a * z + c
    real, fake = sigmoid(w * x + b) - 1, sigmoid(w * g + b)
    new_w = w - rate * ((real * x + fake * g).mean())
    new_g = a - rate * ((fake - 1) * w * z).mean(), c - rate * ((fake - 1) * w).mean()
    return new_w, b - rate * (real + fake).mean(), *new_g


@wrong("04.3", "the 2 of the square cancel")
def gan_step(w, b, a, c, x, z, rate, gamma):
    def sigmoid(t):
        return 1 / (1 + np.exp(-t))

    g = a * z + c
    real, fake = sigmoid(w * x + b) - 1, sigmoid(w * g + b)
    new_w = w - rate * ((real * x + fake * g).mean() + 2 * gamma * w)
    new_g = a - rate * ((fake - 1) * w * z).mean(), c - rate * ((fake - 1) * w).mean()
    return new_w, b - rate * (real + fake).mean(), *new_g


@wrong("04.3", "half of what it is")
def gan_step(w, b, a, c, x, z, rate, gamma):
    def sigmoid(t):
        return 1 / (1 + np.exp(-t))

    g = a * z + c
    real, fake = sigmoid(w * x + b) - 1, sigmoid(w * g + b)
    new_w = w - rate * ((real * x + fake * g).mean() + gamma * w / 2)
    new_g = a - rate * ((fake - 1) * w * z).mean(), c - rate * ((fake - 1) * w).mean()
    return new_w, b - rate * (real + fake).mean(), *new_g


@wrong("04.3", "added the penalty itself")
def gan_step(w, b, a, c, x, z, rate, gamma):
    def sigmoid(t):
        return 1 / (1 + np.exp(-t))

    g = a * z + c
    real, fake = sigmoid(w * x + b) - 1, sigmoid(w * g + b)
    new_w = w - rate * ((real * x + fake * g).mean() + gamma / 2 * w**2)
    new_g = a - rate * ((fake - 1) * w * z).mean(), c - rate * ((fake - 1) * w).mean()
    return new_w, b - rate * (real + fake).mean(), *new_g


@wrong("04.3", "pushes w away from 0")
def gan_step(w, b, a, c, x, z, rate, gamma):
    def sigmoid(t):
        return 1 / (1 + np.exp(-t))

    g = a * z + c
    real, fake = sigmoid(w * x + b) - 1, sigmoid(w * g + b)
    new_w = w - rate * ((real * x + fake * g).mean() - gamma * w)
    new_g = a - rate * ((fake - 1) * w * z).mean(), c - rate * ((fake - 1) * w).mean()
    return new_w, b - rate * (real + fake).mean(), *new_g


@wrong("04.3", "that is weight decay")
def gan_step(w, b, a, c, x, z, rate, gamma):
    def sigmoid(t):
        return 1 / (1 + np.exp(-t))

    g = a * z + c
    real, fake = sigmoid(w * x + b) - 1, sigmoid(w * g + b)
    new_w = w - rate * ((real * x + fake * g).mean() + gamma * w)
    new_g = a - rate * ((fake - 1) * w * z).mean(), c - rate * ((fake - 1) * w).mean()
    return new_w, b - rate * ((real + fake).mean() + gamma * b), *new_g


@wrong("04.3", "the penalty is D's alone")
def gan_step(w, b, a, c, x, z, rate, gamma):
    def sigmoid(t):
        return 1 / (1 + np.exp(-t))

    g = a * z + c
    real, fake = sigmoid(w * x + b) - 1, sigmoid(w * g + b)
    new_w = w - rate * ((real * x + fake * g).mean() + gamma * w)
    new_g = a - rate * (((fake - 1) * w * z).mean() + gamma * a), c - rate * ((fake - 1) * w).mean()
    return new_w, b - rate * (real + fake).mean(), *new_g


@wrong("04.3", "stands in the place of G(z)")
def gan_step(w, b, a, c, x, z, rate, gamma):
    def sigmoid(t):
        return 1 / (1 + np.exp(-t))

    g = a * z + c
    real, fake = sigmoid(w * x + b) - 1, sigmoid(w * g + b)
    new_w = w - rate * ((real * x + fake * z).mean() + gamma * w)
    new_g = a - rate * ((fake - 1) * w * z).mean(), c - rate * ((fake - 1) * w).mean()
    return new_w, b - rate * (real + fake).mean(), *new_g


@wrong("04.3", "lacks the factor w")
def gan_step(w, b, a, c, x, z, rate, gamma):
    def sigmoid(t):
        return 1 / (1 + np.exp(-t))

    g = a * z + c
    real, fake = sigmoid(w * x + b) - 1, sigmoid(w * g + b)
    new_w = w - rate * ((real * x + fake * g).mean() + gamma * w)
    new_g = a - rate * ((fake - 1) * z).mean(), c - rate * (fake - 1).mean()
    return new_w, b - rate * (real + fake).mean(), *new_g


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


@wrong("04.4", "going round")
def batch_indices(seed, step, n, batch_size):
    order = np.random.default_rng(seed).permutation(n)
    return order[(np.arange(batch_size) + step * batch_size) % n]


@right("04.4")
def batch_indices(seed, step, n, batch_size):
    import random

    epoch = step // (n // batch_size)
    generator = random.Random(1_000_003 * seed + epoch)
    first = batch_size * (step % (n // batch_size))
    return generator.sample(range(n), n)[first : first + batch_size]


@right("04.5")
def build_trainer(generator, discriminator, d_rate, g_rate, smooth):
    entropy = tf.keras.losses.BinaryCrossentropy(from_logits=True)

    class Trainer(tf.keras.Model):
        def __init__(self):
            super().__init__()
            self.generator, self.discriminator = generator, discriminator
            self.trackers = [tf.keras.metrics.Mean(name="d_loss"), tf.keras.metrics.Mean(name="g_loss")]

        def compile(self, d_optimizer, g_optimizer):
            super().compile(jit_compile=False)
            self.d_optimizer, self.g_optimizer = d_optimizer, g_optimizer

        @property
        def metrics(self):
            return self.trackers

        def train_step(self, data):
            real, z = data
            ones = tf.ones((tf.shape(real)[0], 1))
            for x, noise in zip(tf.unstack(real, axis=1), tf.unstack(z, axis=1)[:-1], strict=True):
                with tf.GradientTape() as tape:
                    fake_logits = self.discriminator(self.generator(noise, training=True), training=True)
                    d_loss = entropy(smooth * ones, self.discriminator(x, training=True)) + entropy(
                        0 * ones, fake_logits
                    )
                variables = self.discriminator.trainable_weights
                self.d_optimizer.apply_gradients(zip(tape.gradient(d_loss, variables), variables, strict=True))
            with tf.GradientTape() as tape:
                g_loss = entropy(ones, self.discriminator(self.generator(z[:, -1], training=True), training=True))
            variables = self.generator.trainable_weights
            self.g_optimizer.apply_gradients(zip(tape.gradient(g_loss, variables), variables, strict=True))
            for tracker, loss in zip(self.trackers, (d_loss, g_loss), strict=True):
                tracker.update_state(loss)
            return {tracker.name: tracker.result() for tracker in self.trackers}

    model = Trainer()
    model.compile(tf.keras.optimizers.SGD(d_rate), tf.keras.optimizers.SGD(g_rate))
    return model


@right("04.5")
def build_trainer(generator, discriminator, d_rate, g_rate, smooth):
    def moved(network, slopes, rate):
        for variable, slope in zip(network.trainable_variables, slopes, strict=True):
            variable.assign_sub(rate * slope)

    class Trainer(tf.keras.Model):
        def train_step(self, data):
            real, z = data
            k = real.shape[1]
            for i in range(k):
                both = tf.concat([real[:, i], generator(z[:, i], training=True)], axis=0)
                with tf.GradientTape() as tape:
                    r, f = tf.split(discriminator(both, training=True), 2)
                    d_loss = tf.reduce_mean(smooth * tf.nn.softplus(-r) + (1 - smooth) * tf.nn.softplus(r))
                    d_loss += tf.reduce_mean(-tf.math.log_sigmoid(-f))
                moved(discriminator, tape.gradient(d_loss, discriminator.trainable_variables), d_rate)
            with tf.GradientTape() as tape:
                g_loss = -tf.reduce_mean(
                    tf.math.log_sigmoid(discriminator(generator(z[:, k], training=True), training=True))
                )
            moved(generator, tape.gradient(g_loss, generator.trainable_variables), g_rate)
            return {"d_loss": d_loss, "g_loss": g_loss, "g_over_d": g_loss / d_loss}

    model = Trainer()
    model.compile(optimizer="sgd", jit_compile=False)
    return model


@wrong("04.5", "`training=True` is missing")
def build_trainer(generator, discriminator, d_rate, g_rate, smooth):
    d_optimizer, g_optimizer = tf.keras.optimizers.SGD(d_rate), tf.keras.optimizers.SGD(g_rate)

    class Trainer(tf.keras.Model):
        def train_step(self, data):
            real, z = data
            for i in range(real.shape[1]):
                with tf.GradientTape() as tape:
                    fake = generator(z[:, i])
                    real_logits = discriminator(real[:, i])
                    fake_logits = discriminator(fake)
                    at_real = tf.nn.softplus(real_logits) - smooth * real_logits
                    d_loss = tf.reduce_mean(at_real) + tf.reduce_mean(tf.nn.softplus(fake_logits))
                slopes = tape.gradient(d_loss, discriminator.trainable_variables)
                d_optimizer.apply(slopes, discriminator.trainable_variables)
            with tf.GradientTape() as tape:
                fake_logits = discriminator(generator(z[:, -1]))
                g_loss = tf.reduce_mean(tf.nn.softplus(-fake_logits))
            slopes = tape.gradient(g_loss, generator.trainable_variables)
            g_optimizer.apply(slopes, generator.trainable_variables)
            return {"d_loss": d_loss, "g_loss": g_loss}

    model = Trainer()
    model.compile(jit_compile=False)
    return model


@wrong("04.5", "D moves once only")
def build_trainer(generator, discriminator, d_rate, g_rate, smooth):
    d_optimizer, g_optimizer = tf.keras.optimizers.SGD(d_rate), tf.keras.optimizers.SGD(g_rate)

    class Trainer(tf.keras.Model):
        def train_step(self, data):
            real, z = data
            for i in range(1):
                with tf.GradientTape() as tape:
                    fake = generator(z[:, i], training=True)
                    real_logits = discriminator(real[:, i], training=True)
                    fake_logits = discriminator(fake, training=True)
                    at_real = tf.nn.softplus(real_logits) - smooth * real_logits
                    d_loss = tf.reduce_mean(at_real) + tf.reduce_mean(tf.nn.softplus(fake_logits))
                slopes = tape.gradient(d_loss, discriminator.trainable_variables)
                d_optimizer.apply(slopes, discriminator.trainable_variables)
            with tf.GradientTape() as tape:
                fake_logits = discriminator(generator(z[:, -1], training=True), training=True)
                g_loss = tf.reduce_mean(tf.nn.softplus(-fake_logits))
            slopes = tape.gradient(g_loss, generator.trainable_variables)
            g_optimizer.apply(slopes, generator.trainable_variables)
            return {"d_loss": d_loss, "g_loss": g_loss}

    model = Trainer()
    model.compile(jit_compile=False)
    return model


@wrong("04.5", "as it was before its moves")
def build_trainer(generator, discriminator, d_rate, g_rate, smooth):
    d_optimizer, g_optimizer = tf.keras.optimizers.SGD(d_rate), tf.keras.optimizers.SGD(g_rate)

    class Trainer(tf.keras.Model):
        def train_step(self, data):
            real, z = data
            with tf.GradientTape() as g_tape:
                fake_logits = discriminator(generator(z[:, -1], training=True), training=True)
                g_loss = tf.reduce_mean(tf.nn.softplus(-fake_logits))
            for i in range(real.shape[1]):
                with tf.GradientTape() as tape:
                    fake = generator(z[:, i], training=True)
                    real_logits = discriminator(real[:, i], training=True)
                    fake_logits = discriminator(fake, training=True)
                    at_real = tf.nn.softplus(real_logits) - smooth * real_logits
                    d_loss = tf.reduce_mean(at_real) + tf.reduce_mean(tf.nn.softplus(fake_logits))
                slopes = tape.gradient(d_loss, discriminator.trainable_variables)
                d_optimizer.apply(slopes, discriminator.trainable_variables)
            slopes = g_tape.gradient(g_loss, generator.trainable_variables)
            g_optimizer.apply(slopes, generator.trainable_variables)
            return {"d_loss": d_loss, "g_loss": g_loss}

    model = Trainer()
    model.compile(jit_compile=False)
    return model


@wrong("04.5", "G moves after each")
def build_trainer(generator, discriminator, d_rate, g_rate, smooth):
    d_optimizer, g_optimizer = tf.keras.optimizers.SGD(d_rate), tf.keras.optimizers.SGD(g_rate)

    class Trainer(tf.keras.Model):
        def train_step(self, data):
            real, z = data
            for i in range(real.shape[1]):
                with tf.GradientTape() as tape:
                    fake = generator(z[:, i], training=True)
                    real_logits = discriminator(real[:, i], training=True)
                    fake_logits = discriminator(fake, training=True)
                    at_real = tf.nn.softplus(real_logits) - smooth * real_logits
                    d_loss = tf.reduce_mean(at_real) + tf.reduce_mean(tf.nn.softplus(fake_logits))
                slopes = tape.gradient(d_loss, discriminator.trainable_variables)
                d_optimizer.apply(slopes, discriminator.trainable_variables)
                with tf.GradientTape() as tape:
                    fake_logits = discriminator(generator(z[:, -1], training=True), training=True)
                    g_loss = tf.reduce_mean(tf.nn.softplus(-fake_logits))
                slopes = tape.gradient(g_loss, generator.trainable_variables)
                g_optimizer.apply(slopes, generator.trainable_variables)
            return {"d_loss": d_loss, "g_loss": g_loss}

    model = Trainer()
    model.compile(jit_compile=False)
    return model


@wrong("04.5", "the same real images")
def build_trainer(generator, discriminator, d_rate, g_rate, smooth):
    d_optimizer, g_optimizer = tf.keras.optimizers.SGD(d_rate), tf.keras.optimizers.SGD(g_rate)

    class Trainer(tf.keras.Model):
        def train_step(self, data):
            real, z = data
            for i in range(real.shape[1]):
                with tf.GradientTape() as tape:
                    fake = generator(z[:, i], training=True)
                    real_logits = discriminator(real[:, 0], training=True)
                    fake_logits = discriminator(fake, training=True)
                    at_real = tf.nn.softplus(real_logits) - smooth * real_logits
                    d_loss = tf.reduce_mean(at_real) + tf.reduce_mean(tf.nn.softplus(fake_logits))
                slopes = tape.gradient(d_loss, discriminator.trainable_variables)
                d_optimizer.apply(slopes, discriminator.trainable_variables)
            with tf.GradientTape() as tape:
                fake_logits = discriminator(generator(z[:, -1], training=True), training=True)
                g_loss = tf.reduce_mean(tf.nn.softplus(-fake_logits))
            slopes = tape.gradient(g_loss, generator.trainable_variables)
            g_optimizer.apply(slopes, generator.trainable_variables)
            return {"d_loss": d_loss, "g_loss": g_loss}

    model = Trainer()
    model.compile(jit_compile=False)
    return model


@wrong("04.5", "images of the same noise")
def build_trainer(generator, discriminator, d_rate, g_rate, smooth):
    d_optimizer, g_optimizer = tf.keras.optimizers.SGD(d_rate), tf.keras.optimizers.SGD(g_rate)

    class Trainer(tf.keras.Model):
        def train_step(self, data):
            real, z = data
            for i in range(real.shape[1]):
                with tf.GradientTape() as tape:
                    fake = generator(z[:, 0], training=True)
                    real_logits = discriminator(real[:, i], training=True)
                    fake_logits = discriminator(fake, training=True)
                    at_real = tf.nn.softplus(real_logits) - smooth * real_logits
                    d_loss = tf.reduce_mean(at_real) + tf.reduce_mean(tf.nn.softplus(fake_logits))
                slopes = tape.gradient(d_loss, discriminator.trainable_variables)
                d_optimizer.apply(slopes, discriminator.trainable_variables)
            with tf.GradientTape() as tape:
                fake_logits = discriminator(generator(z[:, -1], training=True), training=True)
                g_loss = tf.reduce_mean(tf.nn.softplus(-fake_logits))
            slopes = tape.gradient(g_loss, generator.trainable_variables)
            g_optimizer.apply(slopes, generator.trainable_variables)
            return {"d_loss": d_loss, "g_loss": g_loss}

    model = Trainer()
    model.compile(jit_compile=False)
    return model


@wrong("04.5", "noise of its own")
def build_trainer(generator, discriminator, d_rate, g_rate, smooth):
    d_optimizer, g_optimizer = tf.keras.optimizers.SGD(d_rate), tf.keras.optimizers.SGD(g_rate)

    class Trainer(tf.keras.Model):
        def train_step(self, data):
            real, z = data
            for i in range(real.shape[1]):
                with tf.GradientTape() as tape:
                    fake = generator(z[:, i], training=True)
                    real_logits = discriminator(real[:, i], training=True)
                    fake_logits = discriminator(fake, training=True)
                    at_real = tf.nn.softplus(real_logits) - smooth * real_logits
                    d_loss = tf.reduce_mean(at_real) + tf.reduce_mean(tf.nn.softplus(fake_logits))
                slopes = tape.gradient(d_loss, discriminator.trainable_variables)
                d_optimizer.apply(slopes, discriminator.trainable_variables)
            with tf.GradientTape() as tape:
                fake_logits = discriminator(generator(z[:, -2], training=True), training=True)
                g_loss = tf.reduce_mean(tf.nn.softplus(-fake_logits))
            slopes = tape.gradient(g_loss, generator.trainable_variables)
            g_optimizer.apply(slopes, generator.trainable_variables)
            return {"d_loss": d_loss, "g_loss": g_loss}

    model = Trainer()
    model.compile(jit_compile=False)
    return model


@wrong("04.5", "told to be 1")
def build_trainer(generator, discriminator, d_rate, g_rate, smooth):
    d_optimizer, g_optimizer = tf.keras.optimizers.SGD(d_rate), tf.keras.optimizers.SGD(g_rate)

    class Trainer(tf.keras.Model):
        def train_step(self, data):
            real, z = data
            for i in range(real.shape[1]):
                with tf.GradientTape() as tape:
                    fake = generator(z[:, i], training=True)
                    real_logits = discriminator(real[:, i], training=True)
                    fake_logits = discriminator(fake, training=True)
                    at_real = tf.nn.softplus(real_logits) - real_logits
                    d_loss = tf.reduce_mean(at_real) + tf.reduce_mean(tf.nn.softplus(fake_logits))
                slopes = tape.gradient(d_loss, discriminator.trainable_variables)
                d_optimizer.apply(slopes, discriminator.trainable_variables)
            with tf.GradientTape() as tape:
                fake_logits = discriminator(generator(z[:, -1], training=True), training=True)
                g_loss = tf.reduce_mean(tf.nn.softplus(-fake_logits))
            slopes = tape.gradient(g_loss, generator.trainable_variables)
            g_optimizer.apply(slopes, generator.trainable_variables)
            return {"d_loss": d_loss, "g_loss": g_loss}

    model = Trainer()
    model.compile(jit_compile=False)
    return model


@wrong("04.5", "the fakes' target as well")
def build_trainer(generator, discriminator, d_rate, g_rate, smooth):
    d_optimizer, g_optimizer = tf.keras.optimizers.SGD(d_rate), tf.keras.optimizers.SGD(g_rate)

    class Trainer(tf.keras.Model):
        def train_step(self, data):
            real, z = data
            for i in range(real.shape[1]):
                with tf.GradientTape() as tape:
                    fake = generator(z[:, i], training=True)
                    real_logits = discriminator(real[:, i], training=True)
                    fake_logits = discriminator(fake, training=True)
                    at_real = tf.nn.softplus(real_logits) - smooth * real_logits
                    d_loss = tf.reduce_mean(at_real) + tf.reduce_mean(
                        tf.nn.softplus(fake_logits) - (1 - smooth) * fake_logits
                    )
                slopes = tape.gradient(d_loss, discriminator.trainable_variables)
                d_optimizer.apply(slopes, discriminator.trainable_variables)
            with tf.GradientTape() as tape:
                fake_logits = discriminator(generator(z[:, -1], training=True), training=True)
                g_loss = tf.reduce_mean(tf.nn.softplus(-fake_logits))
            slopes = tape.gradient(g_loss, generator.trainable_variables)
            g_optimizer.apply(slopes, generator.trainable_variables)
            return {"d_loss": d_loss, "g_loss": g_loss}

    model = Trainer()
    model.compile(jit_compile=False)
    return model


@wrong("04.5", "is smoothed too")
def build_trainer(generator, discriminator, d_rate, g_rate, smooth):
    d_optimizer, g_optimizer = tf.keras.optimizers.SGD(d_rate), tf.keras.optimizers.SGD(g_rate)

    class Trainer(tf.keras.Model):
        def train_step(self, data):
            real, z = data
            for i in range(real.shape[1]):
                with tf.GradientTape() as tape:
                    fake = generator(z[:, i], training=True)
                    real_logits = discriminator(real[:, i], training=True)
                    fake_logits = discriminator(fake, training=True)
                    at_real = tf.nn.softplus(real_logits) - smooth * real_logits
                    d_loss = tf.reduce_mean(at_real) + tf.reduce_mean(tf.nn.softplus(fake_logits))
                slopes = tape.gradient(d_loss, discriminator.trainable_variables)
                d_optimizer.apply(slopes, discriminator.trainable_variables)
            with tf.GradientTape() as tape:
                fake_logits = discriminator(generator(z[:, -1], training=True), training=True)
                g_loss = tf.reduce_mean(tf.nn.softplus(fake_logits) - smooth * fake_logits)
            slopes = tape.gradient(g_loss, generator.trainable_variables)
            g_optimizer.apply(slopes, generator.trainable_variables)
            return {"d_loss": d_loss, "g_loss": g_loss}

    model = Trainer()
    model.compile(jit_compile=False)
    return model


@wrong("04.5", "the saturating one")
def build_trainer(generator, discriminator, d_rate, g_rate, smooth):
    d_optimizer, g_optimizer = tf.keras.optimizers.SGD(d_rate), tf.keras.optimizers.SGD(g_rate)

    class Trainer(tf.keras.Model):
        def train_step(self, data):
            real, z = data
            for i in range(real.shape[1]):
                with tf.GradientTape() as tape:
                    fake = generator(z[:, i], training=True)
                    real_logits = discriminator(real[:, i], training=True)
                    fake_logits = discriminator(fake, training=True)
                    at_real = tf.nn.softplus(real_logits) - smooth * real_logits
                    d_loss = tf.reduce_mean(at_real) + tf.reduce_mean(tf.nn.softplus(fake_logits))
                slopes = tape.gradient(d_loss, discriminator.trainable_variables)
                d_optimizer.apply(slopes, discriminator.trainable_variables)
            with tf.GradientTape() as tape:
                fake_logits = discriminator(generator(z[:, -1], training=True), training=True)
                g_loss = -tf.reduce_mean(tf.nn.softplus(fake_logits))
            slopes = tape.gradient(g_loss, generator.trainable_variables)
            g_optimizer.apply(slopes, generator.trainable_variables)
            return {"d_loss": d_loss, "g_loss": g_loss}

    model = Trainer()
    model.compile(jit_compile=False)
    return model


@wrong("04.5", "the losses are means")
def build_trainer(generator, discriminator, d_rate, g_rate, smooth):
    d_optimizer, g_optimizer = tf.keras.optimizers.SGD(d_rate), tf.keras.optimizers.SGD(g_rate)

    class Trainer(tf.keras.Model):
        def train_step(self, data):
            real, z = data
            for i in range(real.shape[1]):
                with tf.GradientTape() as tape:
                    fake = generator(z[:, i], training=True)
                    real_logits = discriminator(real[:, i], training=True)
                    fake_logits = discriminator(fake, training=True)
                    at_real = tf.nn.softplus(real_logits) - smooth * real_logits
                    d_loss = tf.reduce_sum(at_real) + tf.reduce_sum(tf.nn.softplus(fake_logits))
                slopes = tape.gradient(d_loss, discriminator.trainable_variables)
                d_optimizer.apply(slopes, discriminator.trainable_variables)
            with tf.GradientTape() as tape:
                fake_logits = discriminator(generator(z[:, -1], training=True), training=True)
                g_loss = tf.reduce_sum(tf.nn.softplus(-fake_logits))
            slopes = tape.gradient(g_loss, generator.trainable_variables)
            g_optimizer.apply(slopes, generator.trainable_variables)
            return {"d_loss": d_loss, "g_loss": g_loss}

    model = Trainer()
    model.compile(jit_compile=False)
    return model


@wrong("04.5", "the two rates")
def build_trainer(generator, discriminator, d_rate, g_rate, smooth):
    d_optimizer, g_optimizer = tf.keras.optimizers.SGD(g_rate), tf.keras.optimizers.SGD(d_rate)

    class Trainer(tf.keras.Model):
        def train_step(self, data):
            real, z = data
            for i in range(real.shape[1]):
                with tf.GradientTape() as tape:
                    fake = generator(z[:, i], training=True)
                    real_logits = discriminator(real[:, i], training=True)
                    fake_logits = discriminator(fake, training=True)
                    at_real = tf.nn.softplus(real_logits) - smooth * real_logits
                    d_loss = tf.reduce_mean(at_real) + tf.reduce_mean(tf.nn.softplus(fake_logits))
                slopes = tape.gradient(d_loss, discriminator.trainable_variables)
                d_optimizer.apply(slopes, discriminator.trainable_variables)
            with tf.GradientTape() as tape:
                fake_logits = discriminator(generator(z[:, -1], training=True), training=True)
                g_loss = tf.reduce_mean(tf.nn.softplus(-fake_logits))
            slopes = tape.gradient(g_loss, generator.trainable_variables)
            g_optimizer.apply(slopes, generator.trainable_variables)
            return {"d_loss": d_loss, "g_loss": g_loss}

    model = Trainer()
    model.compile(jit_compile=False)
    return model


@wrong("04.5", "must return")
def build_trainer(generator, discriminator, d_rate, g_rate, smooth):
    d_optimizer, g_optimizer = tf.keras.optimizers.SGD(d_rate), tf.keras.optimizers.SGD(g_rate)

    class Trainer(tf.keras.Model):
        def train_step(self, data):
            real, z = data
            for i in range(real.shape[1]):
                with tf.GradientTape() as tape:
                    fake = generator(z[:, i], training=True)
                    real_logits = discriminator(real[:, i], training=True)
                    fake_logits = discriminator(fake, training=True)
                    at_real = tf.nn.softplus(real_logits) - smooth * real_logits
                    d_loss = tf.reduce_mean(at_real) + tf.reduce_mean(tf.nn.softplus(fake_logits))
                slopes = tape.gradient(d_loss, discriminator.trainable_variables)
                d_optimizer.apply(slopes, discriminator.trainable_variables)
            with tf.GradientTape() as tape:
                fake_logits = discriminator(generator(z[:, -1], training=True), training=True)
                g_loss = tf.reduce_mean(tf.nn.softplus(-fake_logits))
            slopes = tape.gradient(g_loss, generator.trainable_variables)
            g_optimizer.apply(slopes, generator.trainable_variables)
            return {"d_loss": d_loss, "loss": g_loss}

    model = Trainer()
    model.compile(jit_compile=False)
    return model


@wrong("04.5", "NoneType came")
def build_trainer(generator, discriminator, d_rate, g_rate, smooth):
    d_optimizer, g_optimizer = tf.keras.optimizers.SGD(d_rate), tf.keras.optimizers.SGD(g_rate)

    class Trainer(tf.keras.Model):
        def train_step(self, data):
            real, z = data
            for i in range(real.shape[1]):
                with tf.GradientTape() as tape:
                    fake = generator(z[:, i], training=True)
                    real_logits = discriminator(real[:, i], training=True)
                    fake_logits = discriminator(fake, training=True)
                    at_real = tf.nn.softplus(real_logits) - smooth * real_logits
                    d_loss = tf.reduce_mean(at_real) + tf.reduce_mean(tf.nn.softplus(fake_logits))
                slopes = tape.gradient(d_loss, discriminator.trainable_variables)
                d_optimizer.apply(slopes, discriminator.trainable_variables)
            with tf.GradientTape() as tape:
                fake_logits = discriminator(generator(z[:, -1], training=True), training=True)
                g_loss = tf.reduce_mean(tf.nn.softplus(-fake_logits))
            slopes = tape.gradient(g_loss, generator.trainable_variables)
            g_optimizer.apply(slopes, generator.trainable_variables)
            return {"d_loss": d_loss, "g_loss": g_loss}

    model = Trainer()
    model.compile(jit_compile=False)
    model.built = True


@wrong("04.5", "first of the noise")
def build_trainer(generator, discriminator, d_rate, g_rate, smooth):
    d_optimizer, g_optimizer = tf.keras.optimizers.SGD(d_rate), tf.keras.optimizers.SGD(g_rate)

    class Trainer(tf.keras.Model):
        def train_step(self, data):
            real, z = data
            for i in range(real.shape[1]):
                with tf.GradientTape() as tape:
                    fake = generator(z[:, i], training=True)
                    real_logits = discriminator(real[:, i], training=True)
                    fake_logits = discriminator(fake, training=True)
                    at_real = tf.nn.softplus(real_logits) - smooth * real_logits
                    d_loss = tf.reduce_mean(at_real) + tf.reduce_mean(tf.nn.softplus(fake_logits))
                slopes = tape.gradient(d_loss, discriminator.trainable_variables)
                d_optimizer.apply(slopes, discriminator.trainable_variables)
            with tf.GradientTape() as tape:
                fake_logits = discriminator(generator(z[:, 0], training=True), training=True)
                g_loss = tf.reduce_mean(tf.nn.softplus(-fake_logits))
            slopes = tape.gradient(g_loss, generator.trainable_variables)
            g_optimizer.apply(slopes, generator.trainable_variables)
            return {"d_loss": d_loss, "g_loss": g_loss}

    model = Trainer()
    model.compile(jit_compile=False)
    return model


@wrong("04.5", "in G's move D is not")
def build_trainer(generator, discriminator, d_rate, g_rate, smooth):
    d_optimizer, g_optimizer = tf.keras.optimizers.SGD(d_rate), tf.keras.optimizers.SGD(g_rate)

    class Trainer(tf.keras.Model):
        def train_step(self, data):
            real, z = data
            for i in range(real.shape[1]):
                with tf.GradientTape() as tape:
                    fake = generator(z[:, i], training=True)
                    real_logits = discriminator(real[:, i], training=True)
                    fake_logits = discriminator(fake, training=True)
                    at_real = tf.nn.softplus(real_logits) - smooth * real_logits
                    d_loss = tf.reduce_mean(at_real) + tf.reduce_mean(tf.nn.softplus(fake_logits))
                slopes = tape.gradient(d_loss, discriminator.trainable_variables)
                d_optimizer.apply(slopes, discriminator.trainable_variables)
            with tf.GradientTape() as tape:
                fake_logits = discriminator(generator(z[:, -1], training=True), training=False)
                g_loss = tf.reduce_mean(tf.nn.softplus(-fake_logits))
            slopes = tape.gradient(g_loss, generator.trainable_variables)
            g_optimizer.apply(slopes, generator.trainable_variables)
            return {"d_loss": d_loss, "g_loss": g_loss}

    model = Trainer()
    model.compile(jit_compile=False)
    return model


@wrong("04.5", "one part of the smoothed loss")
def build_trainer(generator, discriminator, d_rate, g_rate, smooth):
    d_optimizer, g_optimizer = tf.keras.optimizers.SGD(d_rate), tf.keras.optimizers.SGD(g_rate)

    class Trainer(tf.keras.Model):
        def train_step(self, data):
            real, z = data
            for i in range(real.shape[1]):
                with tf.GradientTape() as tape:
                    fake = generator(z[:, i], training=True)
                    real_logits = discriminator(real[:, i], training=True)
                    fake_logits = discriminator(fake, training=True)
                    at_real = smooth * tf.nn.softplus(-real_logits)
                    d_loss = tf.reduce_mean(at_real) + tf.reduce_mean(tf.nn.softplus(fake_logits))
                slopes = tape.gradient(d_loss, discriminator.trainable_variables)
                d_optimizer.apply(slopes, discriminator.trainable_variables)
            with tf.GradientTape() as tape:
                fake_logits = discriminator(generator(z[:, -1], training=True), training=True)
                g_loss = tf.reduce_mean(tf.nn.softplus(-fake_logits))
            slopes = tape.gradient(g_loss, generator.trainable_variables)
            g_optimizer.apply(slopes, generator.trainable_variables)
            return {"d_loss": d_loss, "g_loss": g_loss}

    model = Trainer()
    model.compile(jit_compile=False)
    return model
