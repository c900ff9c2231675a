"""Answers to the exercises of chapter 02."""

import numpy as np
import tensorflow as tf

from answers import right, wrong


@right("02.1")
def best_discriminator(p_data, p_g):
    return 1 / (1 + p_g / (3 * p_data))


@right("02.1")
def best_discriminator(p_data, p_g):
    return tf.sigmoid(tf.math.log(3 * p_data) - tf.math.log(p_g))


@right("02.1")
def best_discriminator(p_data, p_g):
    return [0.75 * real / (0.75 * real + 0.25 * fake) for real, fake in zip(p_data, p_g, strict=True)]


@right("02.1")
def best_discriminator(p_data, p_g):
    grid = np.linspace(0.0, 1.0, 200_001)[1:-1]  # no algebra: the best D by search
    earned = zip(p_data, p_g, strict=True)
    return np.array([grid[np.argmax(3 * p * np.log(grid) + q * np.log(1 - grid))] for p, q in earned])


@wrong("02.1", "equal numbers")
def best_discriminator(p_data, p_g):
    return p_data / (p_data + p_g)


@wrong("02.1", "shares are exchanged")
def best_discriminator(p_data, p_g):
    return p_data / (p_data + 3 * p_g)


@wrong("02.1", "probability of *fake*")
def best_discriminator(p_data, p_g):
    return p_g / (3 * p_data + p_g)


@wrong("02.1", "multiplied the old D* by ¾")
def best_discriminator(p_data, p_g):
    return 0.75 * p_data / (p_data + p_g)


@wrong("02.1", "more than 1")
def best_discriminator(p_data, p_g):
    return 3 * p_data / (p_data + p_g)


@wrong("02.1", "a ratio of densities")
def best_discriminator(p_data, p_g):
    return 3 * p_data / p_g


@wrong("02.1", "best *logit*")
def best_discriminator(p_data, p_g):
    return np.log(3 * p_data) - np.log(p_g)


@wrong("02.1", "where both densities are equal")
def best_discriminator(p_data, p_g):
    return 0.75 * np.ones(len(p_data))


@wrong("02.1", "p_data itself")
def best_discriminator(p_data, p_g):
    return p_data


@wrong("02.1", "one sum over all points")
def best_discriminator(p_data, p_g):
    return 3 * p_data / np.sum(3 * p_data + p_g)


@wrong("02.1", "that is 3 : 1")
def best_discriminator(p_data, p_g):
    return 0.8 * p_data / (0.8 * p_data + 0.2 * p_g)


@right("02.2")
def jsd(p, q, share):
    total = 0.0
    for a, b in zip(p, q, strict=True):
        m = share * a + (1 - share) * b
        if a > 0:
            total += share * a * np.log(a / m)
        if b > 0:
            total += (1 - share) * b * np.log(b / m)
    return total


@right("02.2")
def jsd(p, q, share):
    m = share * p + (1 - share) * q
    terms = share * tf.math.xlogy(p, p) + (1 - share) * tf.math.xlogy(q, q) - tf.math.xlogy(m, m)
    return tf.reduce_sum(terms)


@right("02.2")
def jsd(p, q, share):
    def entropy(x):
        x = x[x > 0]
        return -(x * np.log(x)).sum()

    return entropy(share * p + (1 - share) * q) - share * entropy(p) - (1 - share) * entropy(q)


@right("02.2")
def jsd(p, q, share):
    best = share * p / np.maximum(share * p + (1 - share) * q, 1e-300)  # the value at D*, without any KL
    a, b = p > 0, q > 0
    value = share * np.sum(p[a] * np.log(best[a])) + (1 - share) * np.sum(q[b] * np.log1p(-best[b]))
    return value - share * np.log(share) - (1 - share) * np.log(1 - share)


@wrong("02.2", "a share of ½")
def jsd(p, q, share):
    m, a, b = (p + q) / 2, p > 0, q > 0
    first, second = np.sum(p[a] * np.log(p[a] / m[a])), np.sum(q[b] * np.log(q[b] / m[b]))
    return 0.5 * first + 0.5 * second


@wrong("02.2", "two KL terms are not")
def jsd(p, q, share):
    m, a, b = share * p + (1 - share) * q, p > 0, q > 0
    first, second = np.sum(p[a] * np.log(p[a] / m[a])), np.sum(q[b] * np.log(q[b] / m[b]))
    return 0.5 * first + 0.5 * second


@wrong("02.2", "no weights in front")
def jsd(p, q, share):
    m, a, b = share * p + (1 - share) * q, p > 0, q > 0
    first, second = np.sum(p[a] * np.log(p[a] / m[a])), np.sum(q[b] * np.log(q[b] / m[b]))
    return first + second


@wrong("02.2", "the mixture is not: m is")
def jsd(p, q, share):
    m, a, b = (p + q) / 2, p > 0, q > 0
    first, second = np.sum(p[a] * np.log(p[a] / m[a])), np.sum(q[b] * np.log(q[b] / m[b]))
    return share * first + (1 - share) * second


@wrong("02.2", "the shares are exchanged")
def jsd(p, q, share):
    m, a, b = (1 - share) * p + share * q, p > 0, q > 0
    first, second = np.sum(p[a] * np.log(p[a] / m[a])), np.sum(q[b] * np.log(q[b] / m[b]))
    return (1 - share) * first + share * second


@wrong("02.2", "mixture has the shares exchanged")
def jsd(p, q, share):
    m, a, b = (1 - share) * p + share * q, p > 0, q > 0
    first, second = np.sum(p[a] * np.log(p[a] / m[a])), np.sum(q[b] * np.log(q[b] / m[b]))
    return share * first + (1 - share) * second


@wrong("02.2", "in bits")
def jsd(p, q, share):
    m, a, b = share * p + (1 - share) * q, p > 0, q > 0
    first, second = np.sum(p[a] * np.log2(p[a] / m[a])), np.sum(q[b] * np.log2(q[b] / m[b]))
    return share * first + (1 - share) * second


@wrong("02.2", "half of the story")
def jsd(p, q, share):
    m, a = share * p + (1 - share) * q, p > 0
    return share * np.sum(p[a] * np.log(p[a] / m[a]))


@wrong("02.2", "value of the game")
def jsd(p, q, share):
    m, a, b = share * p + (1 - share) * q, p > 0, q > 0
    real, fake = np.log(share * p[a] / m[a]), np.log((1 - share) * q[b] / m[b])
    return share * np.sum(p[a] * real) + (1 - share) * np.sum(q[b] * fake)


@wrong("02.2", "square root")
def jsd(p, q, share):
    m, a, b = share * p + (1 - share) * q, p > 0, q > 0
    first, second = np.sum(p[a] * np.log(p[a] / m[a])), np.sum(q[b] * np.log(q[b] / m[b]))
    return np.sqrt(share * first + (1 - share) * second)


@wrong("02.2", "averaged over the places")
def jsd(p, q, share):
    m, a, b = share * p + (1 - share) * q, p > 0, q > 0
    first, second = np.sum(p[a] * np.log(p[a] / m[a])), np.sum(q[b] * np.log(q[b] / m[b]))
    return (share * first + (1 - share) * second) / len(p)


@wrong("02.2", "0 log 0")
def jsd(p, q, share):
    m = share * p + (1 - share) * q
    return np.sum(share * p * np.log(p / m) + (1 - share) * q * np.log(q / m))


@wrong("02.2", "so that no zero is met")
def jsd(p, q, share):
    m = share * p + (1 - share) * q
    return np.sum(share * p * np.log(p / m + 1e-3) + (1 - share) * q * np.log(q / m + 1e-3))


@right("02.3")
def discriminator_loss(real, fake, w, b, v, c):
    real, fake, w, b, v, c = (tf.constant(value, tf.float64) for value in (real, fake, w, b, v, c))

    def logit(x):
        return tf.linalg.matvec(tf.tanh(x[:, None] * w + b), v) + c

    with tf.GradientTape() as tape:
        tape.watch([w, b, v, c])
        loss = tf.reduce_mean(tf.nn.softplus(-logit(real))) + tf.reduce_mean(tf.nn.softplus(logit(fake)))
    return loss, *tape.gradient(loss, [w, b, v, c])


@right("02.3")
def discriminator_loss(real, fake, w, b, v, c):
    def sigmoid(t):
        return np.exp(-np.logaddexp(0, -t))

    loss, slopes = 0.0, [np.zeros(len(w)), np.zeros(len(w)), np.zeros(len(w)), 0.0]
    for images, sign in ((real, -1.0), (fake, 1.0)):
        for x in images:
            hidden = [np.tanh(x * wi + bi) for wi, bi in zip(w, b, strict=True)]
            logit = sum(hi * vi for hi, vi in zip(hidden, v, strict=True)) + c
            loss += np.logaddexp(0, sign * logit) / len(images)
            at_logit = sign * sigmoid(sign * logit) / len(images)
            for j, hi in enumerate(hidden):
                slopes[0][j] += at_logit * v[j] * (1 - hi * hi) * x
                slopes[1][j] += at_logit * v[j] * (1 - hi * hi)
                slopes[2][j] += at_logit * hi
            slopes[3] += at_logit
    return [loss, *slopes]


@right("02.3")
def discriminator_loss(real, fake, w, b, v, c):
    x = np.concatenate([real, fake])
    share = np.concatenate([np.full(len(real), -1 / len(real)), np.full(len(fake), 1 / len(fake))])
    hidden = np.tanh(x[:, None] * w + b)
    turned = np.sign(share) * (hidden @ v + c)
    at_logit = share / (1 + np.exp(-np.clip(turned, -700, 700)))
    before = at_logit[:, None] * v / np.cosh(x[:, None] * w + b) ** 2
    loss = np.abs(share) @ np.logaddexp(0, turned)
    return loss, x @ before, before.sum(0), hidden.T @ at_logit, at_logit.sum()


@wrong("02.3", "labels are exchanged")
def discriminator_loss(real, fake, w, b, v, c):
    parts = []
    for x, sign in zip((real, fake), (1, -1), strict=True):
        h = np.tanh(np.outer(x, w) + b)
        logit = h @ v + c
        loss = abs(sign) * np.logaddexp(0, sign * logit).sum() / len(x)
        at = sign * np.exp(-np.logaddexp(0, -sign * logit)) / len(x)
        before = np.outer(at, v) * (1 - h**2)
        parts.append((loss, before.T @ x, before.sum(0), h.T @ at, at.sum()))
    return [(one + two) for one, two in zip(*parts, strict=True)]


@wrong("02.3", "as chapter 02 trains")
def discriminator_loss(real, fake, w, b, v, c):
    parts = []
    for x, sign in zip((real, fake), (-1, 1), strict=True):
        h = np.tanh(np.outer(x, w) + b)
        logit = h @ v + c
        loss = abs(sign) * np.logaddexp(0, sign * logit).sum() / len(x)
        at = sign * np.exp(-np.logaddexp(0, -sign * logit)) / len(x)
        before = np.outer(at, v) * (1 - h**2)
        parts.append((loss, before.T @ x, before.sum(0), h.T @ at, at.sum()))
    return [0.5 * (one + two) for one, two in zip(*parts, strict=True)]


@wrong("02.3", "added up over the batches")
def discriminator_loss(real, fake, w, b, v, c):
    parts = []
    for x, sign in zip((real, fake), (-1, 1), strict=True):
        h = np.tanh(np.outer(x, w) + b)
        logit = h @ v + c
        loss = abs(sign) * np.logaddexp(0, sign * logit).sum() / 1
        at = sign * np.exp(-np.logaddexp(0, -sign * logit)) / 1
        before = np.outer(at, v) * (1 - h**2)
        parts.append((loss, before.T @ x, before.sum(0), h.T @ at, at.sum()))
    return [(one + two) for one, two in zip(*parts, strict=True)]


@wrong("02.3", "real images and fakes together")
def discriminator_loss(real, fake, w, b, v, c):
    parts = []
    for x, sign in zip((real, fake), (-1, 1), strict=True):
        h = np.tanh(np.outer(x, w) + b)
        logit = h @ v + c
        loss = abs(sign) * np.logaddexp(0, sign * logit).sum() / (len(real) + len(fake))
        at = sign * np.exp(-np.logaddexp(0, -sign * logit)) / (len(real) + len(fake))
        before = np.outer(at, v) * (1 - h**2)
        parts.append((loss, before.T @ x, before.sum(0), h.T @ at, at.sum()))
    return [(one + two) for one, two in zip(*parts, strict=True)]


@wrong("02.3", "by the number of real images")
def discriminator_loss(real, fake, w, b, v, c):
    parts = []
    for x, sign in zip((real, fake), (-1, 1), strict=True):
        h = np.tanh(np.outer(x, w) + b)
        logit = h @ v + c
        loss = abs(sign) * np.logaddexp(0, sign * logit).sum() / len(real)
        at = sign * np.exp(-np.logaddexp(0, -sign * logit)) / len(real)
        before = np.outer(at, v) * (1 - h**2)
        parts.append((loss, before.T @ x, before.sum(0), h.T @ at, at.sum()))
    return [(one + two) for one, two in zip(*parts, strict=True)]


@wrong("02.3", "slope of tanh is missing")
def discriminator_loss(real, fake, w, b, v, c):
    parts = []
    for x, sign in zip((real, fake), (-1, 1), strict=True):
        h = np.tanh(np.outer(x, w) + b)
        logit = h @ v + c
        loss = abs(sign) * np.logaddexp(0, sign * logit).sum() / len(x)
        at = sign * np.exp(-np.logaddexp(0, -sign * logit)) / len(x)
        before = np.outer(at, v) * 1.0
        parts.append((loss, before.T @ x, before.sum(0), h.T @ at, at.sum()))
    return [(one + two) for one, two in zip(*parts, strict=True)]


@wrong("02.3", "not 1 - tanh")
def discriminator_loss(real, fake, w, b, v, c):
    parts = []
    for x, sign in zip((real, fake), (-1, 1), strict=True):
        h = np.tanh(np.outer(x, w) + b)
        logit = h @ v + c
        loss = abs(sign) * np.logaddexp(0, sign * logit).sum() / len(x)
        at = sign * np.exp(-np.logaddexp(0, -sign * logit)) / len(x)
        before = np.outer(at, v) * (1 - h)
        parts.append((loss, before.T @ x, before.sum(0), h.T @ at, at.sum()))
    return [(one + two) for one, two in zip(*parts, strict=True)]


@wrong("02.3", "slope of a sigmoid")
def discriminator_loss(real, fake, w, b, v, c):
    parts = []
    for x, sign in zip((real, fake), (-1, 1), strict=True):
        h = np.tanh(np.outer(x, w) + b)
        logit = h @ v + c
        loss = abs(sign) * np.logaddexp(0, sign * logit).sum() / len(x)
        at = sign * np.exp(-np.logaddexp(0, -sign * logit)) / len(x)
        before = np.outer(at, v) * (h * (1 - h))
        parts.append((loss, before.T @ x, before.sum(0), h.T @ at, at.sum()))
    return [(one + two) for one, two in zip(*parts, strict=True)]


@wrong("02.3", "label of real images")
def discriminator_loss(real, fake, w, b, v, c):
    parts = []
    for x, sign in zip((real, fake), (-1, -1), strict=True):
        h = np.tanh(np.outer(x, w) + b)
        logit = h @ v + c
        loss = abs(sign) * np.logaddexp(0, sign * logit).sum() / len(x)
        at = sign * np.exp(-np.logaddexp(0, -sign * logit)) / len(x)
        before = np.outer(at, v) * (1 - h**2)
        parts.append((loss, before.T @ x, before.sum(0), h.T @ at, at.sum()))
    return [(one + two) for one, two in zip(*parts, strict=True)]


@wrong("02.3", "the fakes are missing")
def discriminator_loss(real, fake, w, b, v, c):
    parts = []
    for x, sign in zip((real, fake), (-1, 0), strict=True):
        h = np.tanh(np.outer(x, w) + b)
        logit = h @ v + c
        loss = abs(sign) * np.logaddexp(0, sign * logit).sum() / len(x)
        at = sign * np.exp(-np.logaddexp(0, -sign * logit)) / len(x)
        before = np.outer(at, v) * (1 - h**2)
        parts.append((loss, before.T @ x, before.sum(0), h.T @ at, at.sum()))
    return [(one + two) for one, two in zip(*parts, strict=True)]


@wrong("02.3", "the generator's loss")
def discriminator_loss(real, fake, w, b, v, c):
    parts = []
    for x, sign in zip((real, fake), (0, -1), strict=True):
        h = np.tanh(np.outer(x, w) + b)
        logit = h @ v + c
        loss = abs(sign) * np.logaddexp(0, sign * logit).sum() / len(x)
        at = sign * np.exp(-np.logaddexp(0, -sign * logit)) / len(x)
        before = np.outer(at, v) * (1 - h**2)
        parts.append((loss, before.T @ x, before.sum(0), h.T @ at, at.sum()))
    return [(one + two) for one, two in zip(*parts, strict=True)]


@wrong("02.3", "which D maximises")
def discriminator_loss(real, fake, w, b, v, c):
    parts = []
    for x, sign in zip((real, fake), (-1, 1), strict=True):
        h = np.tanh(np.outer(x, w) + b)
        logit = h @ v + c
        loss = abs(sign) * np.logaddexp(0, sign * logit).sum() / len(x)
        at = sign * np.exp(-np.logaddexp(0, -sign * logit)) / len(x)
        before = np.outer(at, v) * (1 - h**2)
        parts.append((loss, before.T @ x, before.sum(0), h.T @ at, at.sum()))
    return [-(one + two) for one, two in zip(*parts, strict=True)]


@wrong("02.3", "lacks the factor x")
def discriminator_loss(real, fake, w, b, v, c):
    parts = []
    for x, sign in zip((real, fake), (-1, 1), strict=True):
        h = np.tanh(np.outer(x, w) + b)
        logit = h @ v + c
        loss = abs(sign) * np.logaddexp(0, sign * logit).sum() / len(x)
        at = sign * np.exp(-np.logaddexp(0, -sign * logit)) / len(x)
        before = np.outer(at, v) * (1 - h**2)
        parts.append((loss, before.sum(0), before.sum(0), h.T @ at, at.sum()))
    return [(one + two) for one, two in zip(*parts, strict=True)]


@wrong("02.3", "all slopes have the wrong sign")
def discriminator_loss(real, fake, w, b, v, c):
    parts = []
    for x, sign in zip((real, fake), (-1, 1), strict=True):
        h = np.tanh(np.outer(x, w) + b)
        logit = h @ v + c
        loss = abs(sign) * np.logaddexp(0, sign * logit).sum() / len(x)
        at = sign * np.exp(-np.logaddexp(0, -sign * logit)) / len(x)
        before = np.outer(at, v) * (1 - h**2)
        parts.append((loss, -before.T @ x, -before.sum(0), -h.T @ at, -at.sum()))
    return [(one + two) for one, two in zip(*parts, strict=True)]


@wrong("02.3", "exp overflows there")
def discriminator_loss(real, fake, w, b, v, c):
    parts = []
    for x, sign in zip((real, fake), (-1, 1), strict=True):
        h = np.tanh(np.outer(x, w) + b)
        logit = h @ v + c
        loss = abs(sign) * -np.log(1 / (1 + np.exp(sign * logit))).sum() / len(x)
        at = sign * np.exp(-np.logaddexp(0, -sign * logit)) / len(x)
        before = np.outer(at, v) * (1 - h**2)
        parts.append((loss, before.T @ x, before.sum(0), h.T @ at, at.sum()))
    return [(one + two) for one, two in zip(*parts, strict=True)]


@wrong("02.3", "hides how wrong D is")
def discriminator_loss(real, fake, w, b, v, c):
    parts = []
    for x, sign in zip((real, fake), (-1, 1), strict=True):
        h = np.tanh(np.outer(x, w) + b)
        logit = h @ v + c
        loss = abs(sign) * -np.log(1 / (1 + np.exp(sign * logit)) + 1e-12).sum() / len(x)
        at = sign * np.exp(-np.logaddexp(0, -sign * logit)) / len(x)
        before = np.outer(at, v) * (1 - h**2)
        parts.append((loss, before.T @ x, before.sum(0), h.T @ at, at.sum()))
    return [(one + two) for one, two in zip(*parts, strict=True)]


@right("02.4")
def generator_slopes(logits, target):
    logit = tf.Variable(logits)
    with tf.GradientTape(persistent=True) as tape:
        squares = 0.5 * (tf.sigmoid(logit) - 1.0) ** 2
        smoothed = target * tf.nn.softplus(-logit) + (1 - target) * tf.nn.softplus(logit)
    return tape.gradient(squares, logit), tape.gradient(smoothed, logit)


@right("02.4")
def generator_slopes(logits, target):
    d = 1 / (1 + np.exp(-logits))
    inner = d * (1 - d)
    return (d - 1) * inner, (-target / d + (1 - target) / (1 - d)) * inner


@right("02.4")
def generator_slopes(logits, target):
    h = 1e-5

    def slope(loss):
        return [(loss(1 / (1 + np.exp(-t - h))) - loss(1 / (1 + np.exp(-t + h)))) / (2 * h) for t in logits]

    def smoothed(d):
        return -target * np.log(d) - (1 - target) * np.log(1 - d)

    return slope(lambda d: 0.5 * (d - 1) ** 2), slope(smoothed)


@wrong("02.4", "first slope: that is the slope with respect to D")
def generator_slopes(logits, target):
    d = 1 / (1 + np.exp(-logits))
    return d - 1, d - target


@wrong("02.4", "The outer one, that of the square")
def generator_slopes(logits, target):
    d = 1 / (1 + np.exp(-logits))
    return d * (1 - d), d - target


@wrong("02.4", "first slope: the sign")
def generator_slopes(logits, target):
    d = 1 / (1 + np.exp(-logits))
    return d * (1 - d) ** 2, d - target


@wrong("02.4", "twice too large")
def generator_slopes(logits, target):
    d = 1 / (1 + np.exp(-logits))
    return 2 * (d - 1) * d * (1 - d), d - target


@wrong("02.4", "first slope: that is the loss")
def generator_slopes(logits, target):
    d = 1 / (1 + np.exp(-logits))
    return 0.5 * (d - 1) ** 2, d - target


@wrong("02.4", "square is taken of the logit")
def generator_slopes(logits, target):
    d = 1 / (1 + np.exp(-logits))
    return logits - 1, d - target


@wrong("02.4", "with target / σ in it")
def generator_slopes(logits, target):
    d = 1 / (1 + np.exp(-logits))
    return -d * (1 - d) ** 2, -target / d + (1 - target) / (1 - d)


@wrong("02.4", "-1 / σ is the slope of")
def generator_slopes(logits, target):
    d = 1 / (1 + np.exp(-logits))
    return -d * (1 - d) ** 2, -1 / d


@wrong("02.4", "without smoothing")
def generator_slopes(logits, target):
    d = 1 / (1 + np.exp(-logits))
    return -d * (1 - d) ** 2, d - 1


@wrong("02.4", "second slope: the sign")
def generator_slopes(logits, target):
    d = 1 / (1 + np.exp(-logits))
    return -d * (1 - d) ** 2, target - d


@wrong("02.4", "target and 1 - target are exchanged")
def generator_slopes(logits, target):
    d = 1 / (1 + np.exp(-logits))
    return -d * (1 - d) ** 2, d - (1 - target)


@wrong("02.4", "second half of the loss")
def generator_slopes(logits, target):
    d = 1 / (1 + np.exp(-logits))
    return -d * (1 - d) ** 2, -target * (1 - d)


@wrong("02.4", "the two are exchanged")
def generator_slopes(logits, target):
    d = 1 / (1 + np.exp(-logits))
    return d - target, -d * (1 - d) ** 2


@wrong("02.4", "chapter 02's two losses")
def generator_slopes(logits, target):
    d = 1 / (1 + np.exp(-logits))
    return -d, d - 1


@wrong("02.4", "you averaged")
def generator_slopes(logits, target):
    d = 1 / (1 + np.exp(-logits))
    return np.mean(-d * (1 - d) ** 2), np.mean(d - target)


@wrong("02.4", "divided by the number of logits")
def generator_slopes(logits, target):
    d = 1 / (1 + np.exp(-logits))
    return -d * (1 - d) ** 2 / len(d), (d - target) / len(d)


@right("02.5")
def dirac_eigenvalues(h, gamma):
    trace, determinant = 2 - h * gamma - h * h / 4, 1 - h * gamma
    root = np.sqrt(complex(trace**2 - 4 * determinant))
    return [(trace + root) / 2, (trace - root) / 2]


@right("02.5")
def dirac_eigenvalues(h, gamma):
    def step(theta, psi):
        theta = theta + h * psi / (1 + np.exp(-psi * theta))
        return np.array([theta, psi - h * theta / (1 + np.exp(-psi * theta)) - h * gamma * psi])

    eps = 1e-6
    columns = [(step(*(eps * e)) - step(*(-eps * e))) / (2 * eps) for e in np.eye(2)]
    return np.linalg.eigvals(np.stack(columns, axis=1))


@right("02.5")
def dirac_eigenvalues(h, gamma):
    return np.roots([1, h * gamma + h * h / 4 - 2, 1 - h * gamma])


@right("02.5")
def dirac_eigenvalues(h, gamma):
    import cmath

    a = h * gamma + h * h / 4
    root = cmath.sqrt(a * a - h * h)
    return {1 - (a + root) / 2, 1 - (a - root) / 2}


@right("02.5")
def dirac_eigenvalues(h, gamma):
    first = np.array([[1, h / 2], [0, 1]])
    second = np.array([[1, 0], [-h / 2, 1 - h * gamma]])
    return np.linalg.eigvals(first @ second)  # psi first: the same eigenvalues


@wrong("02.5", "the simultaneous update")
def dirac_eigenvalues(h, gamma):
    return np.linalg.eigvals(np.array([[1, h / 2], [-h / 2, 1 - h * gamma]]))


@wrong("02.5", "the field's Jacobian")
def dirac_eigenvalues(h, gamma):
    return np.linalg.eigvals(np.array([[0, 0.5], [-0.5, -gamma]]))


@wrong("02.5", "the 1 is missing")
def dirac_eigenvalues(h, gamma):
    step = np.array([[0, h / 2], [-h / 2, -h * gamma - h * h / 4]])
    return np.linalg.eigvals(step)


@wrong("02.5", "σ(0) = ½")
def dirac_eigenvalues(h, gamma):
    return np.linalg.eigvals(np.array([[1, h], [-h, 1 - h * gamma - h * h]]))


@wrong("02.5", "pulls ψ back")
def dirac_eigenvalues(h, gamma):
    return np.linalg.eigvals(np.array([[1, h / 2], [-h / 2, 1 + h * gamma - h * h / 4]]))


@wrong("02.5", "γ is missing")
def dirac_eigenvalues(h, gamma):
    return np.linalg.eigvals(np.array([[1, h / 2], [-h / 2, 1 - h * h / 4]]))


@wrong("02.5", "both players go up")
def dirac_eigenvalues(h, gamma):
    return np.linalg.eigvals(np.array([[1, h / 2], [h / 2, 1 - h * gamma + h * h / 4]]))


@wrong("02.5", "h² / 4 has the wrong sign")
def dirac_eigenvalues(h, gamma):
    return np.linalg.eigvals(np.array([[1, h / 2], [-h / 2, 1 - h * gamma + h * h / 4]]))


@wrong("02.5", "the moduli")
def dirac_eigenvalues(h, gamma):
    return abs(np.linalg.eigvals(np.array([[1, h / 2], [-h / 2, 1 - h * gamma - h * h / 4]])))


@wrong("02.5", "γ stands halved")
def dirac_eigenvalues(h, gamma):
    return np.linalg.eigvals(np.array([[1, h / 2], [-h / 2, 1 - h * gamma / 2 - h * h / 4]]))


@wrong("02.5", "root of a negative number")
def dirac_eigenvalues(h, gamma):
    a = h * gamma + h * h / 4
    with np.errstate(all="ignore"):
        root = np.sqrt(a * a - h * h)
    return [1 - (a + root) / 2, 1 - (a - root) / 2]


@wrong("02.2", "one of p and q is 0")
def jsd(p, q, share):
    both = (p > 0) & (q > 0)
    p, q = p[both], q[both]
    m = share * p + (1 - share) * q
    return np.sum(share * p * np.log(p / m) + (1 - share) * q * np.log(q / m))


@wrong("02.3", "in another order")
def discriminator_loss(real, fake, w, b, v, c):
    parts = []
    for x, sign in zip((real, fake), (-1, 1), strict=True):
        h = np.tanh(np.outer(x, w) + b)
        logit = h @ v + c
        at = sign * np.exp(-np.logaddexp(0, -sign * logit)) / len(x)
        before = np.outer(at, v) * (1 - h**2)
        parts.append((np.logaddexp(0, sign * logit).mean(), h.T @ at, before.T @ x, before.sum(0), at.sum()))
    return [one + two for one, two in zip(*parts, strict=True)]


@wrong("02.5", "h is missing beside γ")
def dirac_eigenvalues(h, gamma):
    return np.linalg.eigvals(np.array([[1, h / 2], [-h / 2, 1 - h * h / 4 - gamma]]))
