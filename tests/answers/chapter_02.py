"""Answers to the exercises of chapter 02."""

import numpy as np
import tensorflow as tf

from answers import right, wrong


@right("02.1")
def best_discriminator(p_data, p_g):
    return 1 / (1 + p_g / p_data)


@right("02.1")
def best_discriminator(p_data, p_g):
    return tf.sigmoid(tf.math.log(p_data) - tf.math.log(p_g))


@right("02.1")
def best_discriminator(p_data, p_g):
    return [real / (real + fake) for real, fake in zip(p_data, p_g, strict=True)]


@right("02.1")
def best_discriminator(p_data, p_g):
    grid = np.linspace(0.0, 1.0, 200_001)[1:-1]  # no algebra: the best D by search
    return np.array(
        [grid[np.argmax(p * np.log(grid) + q * np.log(1 - grid))] for p, q in zip(p_data, p_g, strict=True)]
    )


@wrong("02.1", "probability of *fake*")
def best_discriminator(p_data, p_g):
    return p_g / (p_data + p_g)


@wrong("02.1", "the ratio")
def best_discriminator(p_data, p_g):
    return p_data / p_g


@wrong("02.1", "best *logit*")
def best_discriminator(p_data, p_g):
    return np.log(p_data) - np.log(p_g)


@wrong("02.1", "½, not ¼")
def best_discriminator(p_data, p_g):
    return 0.5 * p_data / (p_data + p_g)


@wrong("02.1", "the end of the game")
def best_discriminator(p_data, p_g):
    return 0.5 * np.ones(len(p_data))


@wrong("02.1", "p_data itself")
def best_discriminator(p_data, p_g):
    return p_data


@wrong("02.1", "one sum over all points")
def best_discriminator(p_data, p_g):
    return p_data / np.sum(p_data + p_g)


@right("02.2")
def jsd(p, q):
    total = 0.0
    for a, b in zip(p, q, strict=True):
        m = (a + b) / 2
        if a > 0:
            total += 0.5 * a * np.log(a / m)
        if b > 0:
            total += 0.5 * b * np.log(b / m)
    return total


@right("02.2")
def jsd(p, q):
    m = 0.5 * (p + q)
    terms = tf.math.xlogy(p, p) + tf.math.xlogy(q, q) - 2 * tf.math.xlogy(m, m)
    return 0.5 * tf.reduce_sum(terms)


@right("02.2")
def jsd(p, q):
    def entropy(x):
        x = x[x > 0]
        return -(x * np.log(x)).sum()

    return entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2


@wrong("02.2", "0 log 0")
def jsd(p, q):
    m = (p + q) / 2
    return 0.5 * np.sum(p * np.log(p / m)) + 0.5 * np.sum(q * np.log(q / m))


@wrong("02.2", "not 2 log 2")
def jsd(p, q):
    m, a, b = (p + q) / 2, p > 0, q > 0
    return np.sum(p[a] * np.log(p[a] / m[a])) + np.sum(q[b] * np.log(q[b] / m[b]))


@wrong("02.2", "in bits")
def jsd(p, q):
    m, a, b = (p + q) / 2, p > 0, q > 0
    return 0.5 * np.sum(p[a] * np.log2(p[a] / m[a])) + 0.5 * np.sum(q[b] * np.log2(q[b] / m[b]))


@wrong("02.2", "half of the story")
def jsd(p, q):
    m, a = (p + q) / 2, p > 0
    return np.sum(p[a] * np.log(p[a] / m[a]))


@wrong("02.2", "which is no distribution")
def jsd(p, q):
    m, a, b = p + q, p > 0, q > 0
    return 0.5 * np.sum(p[a] * np.log(p[a] / m[a])) + 0.5 * np.sum(q[b] * np.log(q[b] / m[b]))


@wrong("02.2", "the square root")
def jsd(p, q):
    m, a, b = (p + q) / 2, p > 0, q > 0
    return np.sqrt(0.5 * np.sum(p[a] * np.log(p[a] / m[a])) + 0.5 * np.sum(q[b] * np.log(q[b] / m[b])))


@wrong("02.2", "averaged over the places")
def jsd(p, q):
    m, n = (p + q) / 2, len(p)
    part = [a * np.log(a / c) if a > 0 else 0.0 for a, c in zip([*p, *q], [*m, *m], strict=True)]
    return sum(part) / (2 * n)


@right("02.3")
def discriminator_loss(real_logits, fake_logits):
    bce = tf.keras.losses.BinaryCrossentropy(from_logits=True)
    return bce(tf.ones_like(real_logits), real_logits) + bce(tf.zeros_like(fake_logits), fake_logits)


@right("02.3")
def discriminator_loss(real_logits, fake_logits):
    def softplus(t):
        return np.maximum(t, 0) + np.log1p(np.exp(-np.abs(t)))

    return softplus(-real_logits).mean() + softplus(fake_logits).mean()


@right("02.3")
def discriminator_loss(real_logits, fake_logits):
    total = 0.0
    for real, fake in zip(real_logits.ravel(), fake_logits.ravel(), strict=True):
        total += np.logaddexp(0.0, -float(real)) + np.logaddexp(0.0, float(fake))
    return total / real_logits.size


@wrong("02.3", "labels are exchanged")
def discriminator_loss(real_logits, fake_logits):
    return np.logaddexp(0, real_logits).mean() + np.logaddexp(0, -fake_logits).mean()


@wrong("02.3", "½ in front")
def discriminator_loss(real_logits, fake_logits):
    return 0.5 * (np.logaddexp(0, -real_logits).mean() + np.logaddexp(0, fake_logits).mean())


@wrong("02.3", "added up over the batch")
def discriminator_loss(real_logits, fake_logits):
    return np.logaddexp(0, -real_logits).sum() + np.logaddexp(0, fake_logits).sum()


@wrong("02.3", "sigmoid twice")
def discriminator_loss(real_logits, fake_logits):
    bce = tf.keras.losses.BinaryCrossentropy(from_logits=True)
    real, fake = tf.sigmoid(real_logits), tf.sigmoid(fake_logits)
    return bce(tf.ones_like(real), real) + bce(tf.zeros_like(fake), fake)


@wrong("02.3", "the fakes are missing")
def discriminator_loss(real_logits, fake_logits):
    return np.logaddexp(0, -real_logits).mean()


@wrong("02.3", "the generator's loss")
def discriminator_loss(real_logits, fake_logits):
    return np.logaddexp(0, -fake_logits).mean()


@wrong("02.3", "exp overflows there")
def discriminator_loss(real_logits, fake_logits):
    real, fake = 1 / (1 + np.exp(-real_logits)), 1 / (1 + np.exp(-fake_logits))
    return -np.log(real).mean() - np.log(1 - fake).mean()


@wrong("02.3", "a safety number")
def discriminator_loss(real_logits, fake_logits):
    bce = tf.keras.losses.BinaryCrossentropy()  # clips the probabilities at 1e-7
    real, fake = tf.sigmoid(real_logits), tf.sigmoid(fake_logits)
    return bce(tf.ones_like(real), real) + bce(tf.zeros_like(fake), fake)


@right("02.4")
def generator_slopes(logits):
    logit = tf.Variable(logits)
    with tf.GradientTape(persistent=True) as tape:
        saturating = -tf.nn.softplus(logit)
        non_saturating = tf.nn.softplus(-logit)
    return tape.gradient(saturating, logit), tape.gradient(non_saturating, logit)


@right("02.4")
def generator_slopes(logits):
    d = 1 / (1 + np.exp(-logits))
    return -d, d - 1


@right("02.4")
def generator_slopes(logits):
    h = 1e-5

    def slope(loss):
        return [(loss(t + h) - loss(t - h)) / (2 * h) for t in logits]

    return slope(lambda t: -np.logaddexp(0, t)), slope(lambda t: np.logaddexp(0, -t))


@wrong("02.4", "the two are exchanged")
def generator_slopes(logits):
    d = 1 / (1 + np.exp(-logits))
    return d - 1, -d


@wrong("02.4", "both slopes are negative")
def generator_slopes(logits):
    d = 1 / (1 + np.exp(-logits))
    return d, 1 - d


@wrong("02.4", "those are the losses")
def generator_slopes(logits):
    return -np.logaddexp(0, logits), np.logaddexp(0, -logits)


@wrong("02.4", "with respect to D")
def generator_slopes(logits):
    d = 1 / (1 + np.exp(-logits))
    return -1 / (1 - d), -1 / d


@wrong("02.4", "the slope of σ itself")
def generator_slopes(logits):
    d = 1 / (1 + np.exp(-logits))
    return -d * (1 - d), -d * (1 - d)


@wrong("02.4", "you averaged")
def generator_slopes(logits):
    d = 1 / (1 + np.exp(-logits))
    return -d.mean(), (d - 1).mean()


@wrong("02.4", "divided by the number of logits")
def generator_slopes(logits):
    logit = tf.Variable(logits)
    with tf.GradientTape(persistent=True) as tape:
        saturating = -tf.reduce_mean(tf.nn.softplus(logit))
        non_saturating = tf.reduce_mean(tf.nn.softplus(-logit))
    return tape.gradient(saturating, logit), tape.gradient(non_saturating, logit)


@right("02.5")
def dirac_eigenvalues(h, gamma):
    root = np.sqrt(complex(gamma**2 - 1))
    return [1 + h * (-gamma + root) / 2, 1 + h * (-gamma - root) / 2]


@right("02.5")
def dirac_eigenvalues(h, gamma):
    def step(theta, psi):
        s = 1 / (1 + np.exp(-psi * theta))
        return np.array([theta + h * psi * s, psi + h * (-theta * s - gamma * psi)])

    eps = 1e-6
    columns = [(step(*(eps * e)) - step(*(-eps * e))) / (2 * eps) for e in np.eye(2)]
    return np.linalg.eigvals(np.stack(columns, axis=1))


@right("02.5")
def dirac_eigenvalues(h, gamma):
    return np.roots([1, -(2 - h * gamma), 1 - h * gamma + h * h / 4])  # x² - trace x + determinant


@wrong("02.5", "eigenvalues of the field")
def dirac_eigenvalues(h, gamma):
    return np.linalg.eigvals(np.array([[0, 0.5], [-0.5, -gamma]]))


@wrong("02.5", "the 1 is missing")
def dirac_eigenvalues(h, gamma):
    return h * np.linalg.eigvals(np.array([[0, 0.5], [-0.5, -gamma]]))


@wrong("02.5", "σ(0) = ½")
def dirac_eigenvalues(h, gamma):
    return np.linalg.eigvals(np.array([[1, h], [-h, 1 - h * gamma]]))


@wrong("02.5", "pulls ψ back")
def dirac_eigenvalues(h, gamma):
    return np.linalg.eigvals(np.array([[1, h / 2], [-h / 2, 1 + h * gamma]]))


@wrong("02.5", "γ is missing")
def dirac_eigenvalues(h, gamma):
    return 1 + 0.5j * h, 1 - 0.5j * h


@wrong("02.5", "both players go up")
def dirac_eigenvalues(h, gamma):
    return np.linalg.eigvals(np.array([[1, h / 2], [h / 2, 1 - h * gamma]]))


@wrong("02.5", "the moduli")
def dirac_eigenvalues(h, gamma):
    return abs(np.linalg.eigvals(np.array([[1, h / 2], [-h / 2, 1 - h * gamma]])))


@wrong("02.5", "alternating update")
def dirac_eigenvalues(h, gamma):
    def step(theta, psi):
        theta = theta + h * psi / 2
        return np.array([theta, psi + h * (-theta / 2 - gamma * psi)])

    return np.linalg.eigvals(np.stack([step(1.0, 0.0), step(0.0, 1.0)], axis=1))


@wrong("02.5", "root of a negative number")
def dirac_eigenvalues(h, gamma):
    with np.errstate(all="ignore"):
        root = np.sqrt(gamma**2 - 1)
    return [1 + h * (-gamma + root) / 2, 1 + h * (-gamma - root) / 2]


@wrong("02.3", "label of real images")
def discriminator_loss(real_logits, fake_logits):
    return np.logaddexp(0, -real_logits).mean() + np.logaddexp(0, -fake_logits).mean()


@wrong("02.4", "the second slope")
def generator_slopes(logits):
    d = 1 / (1 + np.exp(-logits))
    return -d, 1 - d


@right("02.5")
def dirac_eigenvalues(h, gamma):
    import cmath

    root = cmath.sqrt(gamma**2 - 1)
    return {1 + h * (-gamma + root) / 2, 1 + h * (-gamma - root) / 2}
