"""Answers to the exercises of chapter 11."""

import itertools

import numpy as np
import tensorflow as tf

from answers import right, wrong


@right("11.1")
def velocity_of(x, noise, alpha_bar):
    ratio = np.sqrt(alpha_bar / (1 - alpha_bar))  # of signal to noise: t / (1 - t)
    t = ratio / (1 + ratio)
    place = x * (t / np.sqrt(alpha_bar))[:, None]
    return t, place, (place - noise) / t[:, None]


@right("11.1")
def velocity_of(x, noise, alpha_bar):
    times, places, speeds = [], [], []
    for row, guess, share in zip(x, noise, alpha_bar, strict=True):
        alpha, sigma = share**0.5, (1 - share) ** 0.5
        times.append(alpha / (alpha + sigma))
        places.append([value / (alpha + sigma) for value in row])
        speeds.append([(v - sigma * e) / alpha - e for v, e in zip(row, guess, strict=True)])
    return times, places, speeds


@right("11.1")
def velocity_of(x, noise, alpha_bar):
    x, noise = tf.constant(x), tf.constant(noise)
    alpha, sigma = tf.sqrt(alpha_bar)[:, None], tf.sqrt(1 - alpha_bar)[:, None]
    place = x / (alpha + sigma)
    t = alpha / (alpha + sigma)
    clean = (x - sigma * noise) / alpha
    return tf.squeeze(t, 1), place, (clean - place) / (1 - t)  # (D - x_t) / (1 - t)


@wrong("11.1", "the roots are missing")
def velocity_of(x, noise, alpha_bar):
    a, s = alpha_bar[:, None], 1 - alpha_bar[:, None]
    return alpha_bar, x, (x - s * noise) / a - noise


@wrong("11.1", "the time is alpha there")
def velocity_of(x, noise, alpha_bar):
    a, s = np.sqrt(alpha_bar[:, None]), np.sqrt(1 - alpha_bar[:, None])
    return np.sqrt(alpha_bar), x / (a + s), (x - s * noise) / a - noise


@wrong("11.1", "still DDPM's own")
def velocity_of(x, noise, alpha_bar):
    a, s = np.sqrt(alpha_bar[:, None]), np.sqrt(1 - alpha_bar[:, None])
    return np.sqrt(alpha_bar), x, (x - s * noise) / a - noise


@wrong("11.1", "share of *variance*")
def velocity_of(x, noise, alpha_bar):
    a, s = np.sqrt(alpha_bar[:, None]), np.sqrt(1 - alpha_bar[:, None])
    return alpha_bar, x / (a + s), (x - s * noise) / a - noise


@wrong("11.1", "runs the other way")
def velocity_of(x, noise, alpha_bar):
    a, s = np.sqrt(alpha_bar[:, None]), np.sqrt(1 - alpha_bar[:, None])
    return 1 - (a / (a + s))[:, 0], x / (a + s), (x - s * noise) / a - noise


@wrong("11.1", "the place is still DDPM's")
def velocity_of(x, noise, alpha_bar):
    a, s = np.sqrt(alpha_bar[:, None]), np.sqrt(1 - alpha_bar[:, None])
    return (a / (a + s))[:, 0], x, (x - s * noise) / a - noise


@wrong("11.1", "the picture plus noise")
def velocity_of(x, noise, alpha_bar):
    a, s = np.sqrt(alpha_bar[:, None]), np.sqrt(1 - alpha_bar[:, None])
    return (a / (a + s))[:, 0], x / a, (x - s * noise) / a - noise


@wrong("11.1", "from the picture to the noise")
def velocity_of(x, noise, alpha_bar):
    a, s = np.sqrt(alpha_bar[:, None]), np.sqrt(1 - alpha_bar[:, None])
    return (a / (a + s))[:, 0], x / (a + s), noise - (x - s * noise) / a


@wrong("11.1", "not divided by alpha")
def velocity_of(x, noise, alpha_bar):
    a, s = np.sqrt(alpha_bar[:, None]), np.sqrt(1 - alpha_bar[:, None])
    return (a / (a + s))[:, 0], x / (a + s), x - s * noise - noise


@wrong("11.1", "take the noise away")
def velocity_of(x, noise, alpha_bar):
    a, s = np.sqrt(alpha_bar[:, None]), np.sqrt(1 - alpha_bar[:, None])
    return (a / (a + s))[:, 0], x / (a + s), (x - s * noise) / a


@wrong("11.1", "v of v-prediction")
def velocity_of(x, noise, alpha_bar):
    a, s = np.sqrt(alpha_bar[:, None]), np.sqrt(1 - alpha_bar[:, None])
    return (a / (a + s))[:, 0], x / (a + s), a * noise - s * (x - s * noise) / a


@wrong("11.1", "3 values were asked for")
def velocity_of(x, noise, alpha_bar):
    a, s = np.sqrt(alpha_bar[:, None]), np.sqrt(1 - alpha_bar[:, None])
    return x / (a + s), (x - s * noise) / a - noise


@right("11.2")
def steer(untold, told, weights):
    velocity = np.array(untold)
    for one, weight in zip(told, weights, strict=True):
        velocity += weight * (one - untold)
    return velocity


@right("11.2")
def steer(untold, told, weights):
    return tf.einsum("k,kbf->bf", weights, told) + (1 - tf.reduce_sum(weights)) * untold


@right("11.2")
def steer(untold, told, weights):
    rows = np.concatenate([untold[None], told])  # (1 + K, B, F), whose weights add up to 1
    return np.moveaxis(rows, 0, -1) @ np.append(1 - weights.sum(), weights)


@wrong("11.2", "once for each wish")
def steer(untold, told, weights):
    return sum(untold + w * (one - untold) for one, w in zip(told, weights, strict=True)) + 0 * untold


@wrong("11.2", "made to add up to 1")
def steer(untold, told, weights):
    shares = weights / np.sum(weights)
    return untold + (shares[:, None, None] * (told - untold)).sum(0)


@wrong("11.2", "added as they are")
def steer(untold, told, weights):
    return untold + (weights[:, None, None] * told).sum(0)


@wrong("11.2", "told velocities alone")
def steer(untold, told, weights):
    return (weights[:, None, None] * told).sum(0)


@wrong("11.2", "the base is missing")
def steer(untold, told, weights):
    return (weights[:, None, None] * (told - untold)).sum(0)


@wrong("11.2", "its full effect: the sum")
def steer(untold, told, weights):
    return untold + (weights[:, None, None] * (told - untold)).mean(0)


@wrong("11.2", "refusals were dropped")
def steer(untold, told, weights):
    return untold + sum(w * (one - untold) for one, w in zip(told, weights, strict=True) if w > 0)


@wrong("11.2", "a refusal works as a wish")
def steer(untold, told, weights):
    return untold + (np.abs(weights)[:, None, None] * (told - untold)).sum(0)


@wrong("11.2", "the other convention")
def steer(untold, told, weights):
    return untold + sum((1 + w) * (one - untold) for one, w in zip(told, weights, strict=True))


@wrong("11.2", "the wrong way")
def steer(untold, told, weights):
    return untold + (weights[:, None, None] * (untold - told)).sum(0)


@wrong("11.2", "only the first wish")
def steer(untold, told, weights):
    return untold + weights[0] * (told[0] - untold)


@right("11.3")
def bound(ink, logits, mean, log_variance, prior_mean, prior_log_variance):
    pixels = tf.nn.sigmoid_cross_entropy_with_logits(labels=ink, logits=logits)
    gap = mean - prior_mean
    ratio = tf.exp(log_variance - prior_log_variance) + gap**2 * tf.exp(-prior_log_variance)
    kl = 0.5 * tf.reduce_sum(ratio - 1 - log_variance + prior_log_variance, axis=1)
    return (tf.reduce_sum(pixels, axis=1) + kl) / (ink.shape[1] * np.log(2.0))


@right("11.3")
def bound(ink, logits, mean, log_variance, prior_mean, prior_log_variance):
    lengths = []
    for row in range(len(ink)):
        total = 0.0
        for share, logit in zip(ink[row], logits[row], strict=True):
            total += max(logit, 0) - logit * share + np.log1p(np.exp(-abs(logit)))
        for m, v, pm, pv in zip(mean[row], log_variance[row], prior_mean[row], prior_log_variance[row], strict=True):
            sigma, prior_sigma = np.exp(v / 2), np.exp(pv / 2)
            total += np.log(prior_sigma / sigma) + (sigma**2 + (m - pm) ** 2) / (2 * prior_sigma**2) - 0.5
        lengths.append(total / np.log(2) / ink.shape[1])
    return lengths


@right("11.3")
def bound(ink, logits, mean, log_variance, prior_mean, prior_log_variance):
    shares = np.array([0.5, 0.5])  # a Gaussian at its mean ± its width: exact for parabolas
    nodes = mean[..., None] + np.exp(log_variance / 2)[..., None] * np.array([-1.0, 1.0])
    own = -0.5 * (log_variance + 1)
    prior = -0.5 * (prior_log_variance + (nodes - prior_mean[..., None]) ** 2 @ shares / np.exp(prior_log_variance))
    pixels = ink * np.logaddexp(0, -logits) + (1 - ink) * np.logaddexp(0, logits)
    return (pixels.sum(1) + (own - prior).sum(1)) / np.log(2 ** ink.shape[1])


def pixels(ink, logits):
    return np.sum(np.logaddexp(0, logits) - ink * logits, axis=1)


def divergence(m, v, pm, pv):
    return 0.5 * (pv - v + (np.exp(v) + (m - pm) ** 2) / np.exp(pv) - 1)


@wrong("11.3", "nats a pixel")
def bound(ink, logits, m, v, pm, pv):
    return (pixels(ink, logits) + divergence(m, v, pm, pv).sum(1)) / ink.shape[1]


@wrong("11.3", "bits of the whole picture")
def bound(ink, logits, m, v, pm, pv):
    return (pixels(ink, logits) + divergence(m, v, pm, pv).sum(1)) / np.log(2)


@wrong("11.3", "the other way round: q comes first")
def bound(ink, logits, m, v, pm, pv):
    kl = 0.5 * (v - pv + (np.exp(pv) + (pm - m) ** 2) / np.exp(v) - 1)
    return (pixels(ink, logits) + kl.sum(1)) / ink.shape[1] / np.log(2)


@wrong("11.3", "took N(0, 1) as the prior")
def bound(ink, logits, m, v, pm, pv):
    kl = 0.5 * (m**2 + np.exp(v) - 1 - v)
    return (pixels(ink, logits) + kl.sum(1)) / ink.shape[1] / np.log(2)


@wrong("11.3", "its variance is not")
def bound(ink, logits, m, v, pm, pv):
    kl = 0.5 * ((m - pm) ** 2 + np.exp(v) - 1 - v)
    return (pixels(ink, logits) + kl.sum(1)) / ink.shape[1] / np.log(2)


@wrong("11.3", "the factor 1/2")
def bound(ink, logits, m, v, pm, pv):
    kl = pv - v + (np.exp(v) + (m - pm) ** 2) / np.exp(pv) - 1
    return (pixels(ink, logits) + kl.sum(1)) / ink.shape[1] / np.log(2)


@wrong("11.3", "averaged over the code")
def bound(ink, logits, m, v, pm, pv):
    return (pixels(ink, logits) + divergence(m, v, pm, pv).mean(1)) / ink.shape[1] / np.log(2)


@wrong("11.3", "that is the ELBO")
def bound(ink, logits, m, v, pm, pv):
    return -(pixels(ink, logits) + divergence(m, v, pm, pv).sum(1)) / ink.shape[1] / np.log(2)


@wrong("11.3", "takes the variance")
def bound(ink, logits, m, v, pm, pv):
    kl = 0.5 * (pv - v + (np.exp(v / 2) + (m - pm) ** 2) / np.exp(pv / 2) - 1)
    return (pixels(ink, logits) + kl.sum(1)) / ink.shape[1] / np.log(2)


@wrong("11.3", "logarithm of the standard deviation")
def bound(ink, logits, m, v, pm, pv):
    kl = pv - v + (np.exp(v) ** 2 + (m - pm) ** 2) / (2 * np.exp(pv) ** 2) - 0.5
    return (pixels(ink, logits) + kl.sum(1)) / ink.shape[1] / np.log(2)


@wrong("11.3", "the KL is missing")
def bound(ink, logits, m, v, pm, pv):
    return pixels(ink, logits) / ink.shape[1] / np.log(2)


@wrong("11.3", "the KL was not")
def bound(ink, logits, m, v, pm, pv):
    return (pixels(ink, logits) / ink.shape[1] + divergence(m, v, pm, pv).sum(1)) / np.log(2)


@wrong("11.3", "clipped")
def bound(ink, logits, m, v, pm, pv):
    share = np.clip(1 / (1 + np.exp(-logits)), 1e-7, 1 - 1e-7)
    lost = -(ink * np.log(share) + (1 - ink) * np.log(1 - share)).sum(1)
    return (lost + divergence(m, v, pm, pv).sum(1)) / ink.shape[1] / np.log(2)


@wrong("11.3", "NaN: a sigmoid")
def bound(ink, logits, m, v, pm, pv):
    share = 1 / (1 + np.exp(-logits))
    lost = -(ink * np.log(share) + (1 - ink) * np.log(1 - share)).sum(1)
    return (lost + divergence(m, v, pm, pv).sum(1)) / ink.shape[1] / np.log(2)


@wrong("11.3", "infinity: exp of a large logit")
def bound(ink, logits, m, v, pm, pv):
    lost = (np.log(1 + np.exp(logits)) - ink * logits).sum(1)
    return (lost + divergence(m, v, pm, pv).sum(1)) / ink.shape[1] / np.log(2)


@right("11.4")
def two_step(x, times, matrix, drift):
    def velocity(x, t):
        return x @ matrix + t * drift

    old = velocity(x, times[0])
    x = x + (times[1] - times[0]) * old
    for i in range(1, len(times) - 1):
        h, before, new = times[i + 1] - times[i], times[i] - times[i - 1], velocity(x, times[i])
        ratio = h / before
        x = x + h * ((1 + ratio / 2) * new - ratio / 2 * old)
        old = new
    return x


@right("11.4")
def two_step(x, times, matrix, drift):
    seen = []
    for t, h in zip(times[:-1], np.diff(times), strict=True):
        seen = [*seen[-1:], (t, x @ matrix + t * drift)]
        middle = t + h / 2  # a line's mean is its value in the middle
        if len(seen) == 1:
            speed = seen[0][1]
        else:
            (a, u), (b, v) = seen
            speed = ((b - middle) * u + (middle - a) * v) / (b - a)
        x = x + h * speed
    return x


@right("11.4")
def two_step(x, times, matrix, drift):
    x, matrix = tf.constant(x), tf.constant(matrix)
    slope, last = tf.zeros_like(x), None  # of the velocity in time
    for i, h in enumerate(np.diff(times)):
        speed = tf.linalg.matmul(x, matrix) + times[i] * drift
        if last is not None:
            slope = (speed - last) / (times[i] - times[i - 1])
        x, last = x + h * speed + h**2 / 2 * slope, speed
    return x


@wrong("11.4", "right for equal steps only")
def two_step(x, times, matrix, drift):
    old = None
    for i, h in enumerate(np.diff(times)):
        v = x @ matrix + times[i] * drift
        x = x + h * (v if old is None else 1.5 * v - 0.5 * old)
        old = v
    return x


@wrong("11.4", "the sign of the change")
def two_step(x, times, matrix, drift):
    old, before = None, None
    for i, h in enumerate(np.diff(times)):
        v = x @ matrix + times[i] * drift
        x = x + h * (v if old is None else v + h / (2 * before) * (old - v))
        old, before = v, h
    return x


@wrong("11.4", "Euler in every step")
def two_step(x, times, matrix, drift):
    for i, h in enumerate(np.diff(times)):
        x = x + h * (x @ matrix + times[i] * drift)
    return x


@wrong("11.4", "that is Heun")
def two_step(x, times, matrix, drift):
    for t, after in itertools.pairwise(times):
        here = x @ matrix + t * drift
        there = (x + (after - t) * here) @ matrix + after * drift
        x = x + (after - t) * (here + there) / 2
    return x


@wrong("11.4", "the first step costs two")
def two_step(x, times, matrix, drift):
    old, before = None, None
    for i, h in enumerate(np.diff(times)):
        v = x @ matrix + times[i] * drift
        if old is None:
            x = x + h * (v + (x + h * v) @ matrix + times[1] * drift) / 2
        else:
            x = x + h * (v + h / (2 * before) * (v - old))
        old, before = v, h
    return x


@wrong("11.4", "upside down")
def two_step(x, times, matrix, drift):
    old, before = None, None
    for i, h in enumerate(np.diff(times)):
        v = x @ matrix + times[i] * drift
        x = x + h * (v if old is None else v + before / (2 * h) * (v - old))
        old, before = v, h
    return x


@wrong("11.4", "the first step was left out")
def two_step(x, times, matrix, drift):
    old = x @ matrix + times[0] * drift
    for i in range(1, len(times) - 1):
        v, h = x @ matrix + times[i] * drift, times[i + 1] - times[i]
        x = x + h * (v + h / (2 * (times[i] - times[i - 1])) * (v - old))
        old = v
    return x


@wrong("11.4", "reached half-way")
def two_step(x, times, matrix, drift):
    old, before = None, None
    for i, h in enumerate(np.diff(times)):
        v = x @ matrix + times[i] * drift
        x = x + h * (v if old is None else v + h / before * (v - old))
        old, before = v, h
    return x


@wrong("11.4", "divide by the previous step's length")
def two_step(x, times, matrix, drift):
    old = None
    for i, h in enumerate(np.diff(times)):
        v = x @ matrix + times[i] * drift
        x = x + h * (v if old is None else v + h / 2 * (v - old))
        old = v
    return x


@wrong("11.4", "Renew it in every step")
def two_step(x, times, matrix, drift):
    first = x @ matrix + times[0] * drift
    x = x + (times[1] - times[0]) * first
    for i in range(1, len(times) - 1):
        v, h = x @ matrix + times[i] * drift, times[i + 1] - times[i]
        x = x + h * (v + h / (2 * (times[i] - times[i - 1])) * (v - first))
    return x


@right("11.5")
def clock(n, s):
    angle = np.linspace(0, np.pi / 2, n + 1)  # even in the angle of (1 - t, t s)
    return np.sin(angle) / (np.sin(angle) + s * np.cos(angle))


@right("11.5")
def clock(n, s):
    late = n // 2  # even steps within s of the end, before it even steps of 1 / (1 - t)
    left = np.concatenate([1 / np.linspace(1, 1 / s, n - late + 1), np.linspace(s, 0, late + 1)[1:]])
    return 1 - left


@right("11.5")
def clock(n, s):
    noise = tf.exp(tf.linspace(tf.math.log(8.0), -tf.math.log(8.0), n - 1))  # (1 - t) / (t s), even in its logarithm
    return tf.concat([[0.0], 1 / (1 + noise * s), [1.0]], axis=0)


@wrong("11.5", "both ends included")
def clock(n, s):
    angle = np.linspace(0, np.pi / 2, n)
    return np.sin(angle) / (np.sin(angle) + s * np.cos(angle))


@wrong("11.5", "NaN or infinite")
def clock(n, s):
    left = np.linspace(1, 0, n + 1) ** 2
    ratio = (1 - left) / (s * left)
    return ratio / (1 + ratio)


@wrong("11.5", "from 1 to 0, as DDPM counts")
def clock(n, s):
    angle = np.linspace(0, np.pi / 2, n + 1)
    return (np.sin(angle) / (np.sin(angle) + s * np.cos(angle)))[::-1]


@wrong("11.5", "the last one 1")
def clock(n, s):
    angle = np.linspace(0, np.pi / 2, n + 2)[:-1]
    return np.sin(angle) / (np.sin(angle) + s * np.cos(angle))


@wrong("11.5", "do not rise")
def clock(n, s):
    angle = np.linspace(0, np.pi / 2, n)
    return np.append(np.sin(angle) / (np.sin(angle) + s * np.cos(angle)), 1.0)


@wrong("11.5", "even steps")
def clock(n, s):
    return [i / n for i in range(n + 1)]


@wrong("11.5", "at the wrong end")
def clock(n, s):
    angle = np.linspace(0, np.pi / 2, n + 1)
    return s * np.sin(angle) / (s * np.sin(angle) + np.cos(angle))


@wrong("11.5", "the same clock came for two widths")
def clock(n, s):
    return np.sin(np.linspace(0, np.pi / 2, n + 1)) ** 2


@wrong("11.5", "Bring more times close to 1")
def clock(n, s):
    return np.append(1 - np.geomspace(1, 2 * s, n), 1.0)


@wrong("11.5", "Give the beginning more of them")
def clock(n, s):
    return 1 - np.concatenate([[1.0], np.geomspace(s / 2, s * 1e-6, n - 1), [0.0]])


@wrong("11.5", "loses next to nothing")
def clock(n, s):
    return np.append(1 - np.geomspace(1, 1e-5 * s, n), 1.0)
