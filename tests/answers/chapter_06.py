"""Answers to the exercises of chapter 06."""

import numpy as np
import tensorflow as tf

from answers import right, wrong


@right("06.1")
def high_quality_share(samples, centres, sigma):
    good = 0
    for x, y in samples:
        good += any((x - a) ** 2 + (y - b) ** 2 <= (3 * sigma) ** 2 for a, b in centres)
    return good / len(samples)


@right("06.1")
def high_quality_share(samples, centres, sigma):
    d = tf.norm(samples[:, None] - centres[None], axis=-1)
    return tf.reduce_mean(tf.cast(tf.reduce_min(d, axis=1) <= 3 * sigma, tf.float64))


@right("06.1")
def high_quality_share(samples, centres, sigma):
    z = samples[:, 0] + 1j * samples[:, 1]
    c = centres[:, 0] + 1j * centres[:, 1]
    return (np.abs(np.subtract.outer(z, c)).min(1) <= 3 * sigma).mean()


@wrong("06.1", "the reach is one sigma")
def high_quality_share(samples, centres, sigma):
    return (np.linalg.norm(samples[:, None] - centres, axis=2).min(axis=1) <= sigma).mean()


@wrong("06.1", "near *any* centre")
def high_quality_share(samples, centres, sigma):
    return (np.linalg.norm(samples[:, None] - centres, axis=2) <= 3 * sigma).all(axis=1).mean()


@wrong("06.1", "square both, or none")
def high_quality_share(samples, centres, sigma):
    return (((samples[:, None] - centres) ** 2).sum(axis=2).min(axis=1) <= 3 * sigma).mean()


@wrong("06.1", "larger than the circle")
def high_quality_share(samples, centres, sigma):
    return (np.abs(samples[:, None] - centres) <= 3 * sigma).all(axis=2).any(axis=1).mean()


@wrong("06.1", "share of stray samples")
def high_quality_share(samples, centres, sigma):
    return (np.linalg.norm(samples[:, None] - centres, axis=2).min(axis=1) > 3 * sigma).mean()


@wrong("06.1", "a number of samples")
def high_quality_share(samples, centres, sigma):
    return (np.linalg.norm(samples[:, None] - centres, axis=2).min(axis=1) <= 3 * sigma).sum()


@wrong("06.1", "all pairs of sample and centre")
def high_quality_share(samples, centres, sigma):
    return (np.linalg.norm(samples[:, None] - centres, axis=2) <= 3 * sigma).mean()


@right("06.2")
def reverse_kl(samples, centres, sigma):
    counts = [0] * len(centres)
    for s in samples:
        d = [np.linalg.norm(s - c) for c in centres]
        if min(d) <= 3 * sigma:
            counts[int(np.argmin(d))] += 1
    total = sum(counts)
    return sum(n / total * np.log(n / total * len(counts)) for n in counts if n)


@right("06.2")
def reverse_kl(samples, centres, sigma):
    d = tf.norm(samples[:, None] - centres[None], axis=-1)
    nearest = tf.boolean_mask(tf.argmin(d, axis=1), tf.reduce_min(d, axis=1) <= 3 * sigma)
    share = tf.math.bincount(tf.cast(nearest, tf.int32), minlength=len(centres), dtype=tf.float64)
    share = share / tf.reduce_sum(share)
    return tf.reduce_sum(tf.math.xlogy(share, share)) + np.log(len(centres))


@right("06.2")
def reverse_kl(samples, centres, sigma):
    d = np.linalg.norm(samples[:, None] - centres, axis=2)
    _, counts = np.unique(d.argmin(axis=1)[d.min(axis=1) <= 3 * sigma], return_counts=True)
    share = counts / counts.sum()
    return np.log(len(centres)) - -(share * np.log(share)).sum()


@wrong("06.2", "stray samples were counted")
def reverse_kl(samples, centres, sigma):
    nearest = np.linalg.norm(samples[:, None] - centres, axis=2).argmin(axis=1)
    share = np.bincount(nearest, minlength=len(centres)) / len(samples)
    share = share[share > 0]
    return (share * np.log(share * len(centres))).sum()


@wrong("06.2", "modes that were *hit*")
def reverse_kl(samples, centres, sigma):
    d = np.linalg.norm(samples[:, None] - centres, axis=2)
    counts = np.bincount(d.argmin(axis=1)[d.min(axis=1) <= 3 * sigma])
    share = counts[counts > 0] / counts.sum()
    return (share * np.log(share * len(share))).sum()


@wrong("06.2", "do not add up to 1")
def reverse_kl(samples, centres, sigma):
    d = np.linalg.norm(samples[:, None] - centres, axis=2)
    share = np.bincount(d.argmin(axis=1)[d.min(axis=1) <= 3 * sigma]) / len(samples)
    share = share[share > 0]
    return (share * np.log(share * len(centres))).sum()


@wrong("06.2", "in bits")
def reverse_kl(samples, centres, sigma):
    d = np.linalg.norm(samples[:, None] - centres, axis=2)
    counts = np.bincount(d.argmin(axis=1)[d.min(axis=1) <= 3 * sigma])
    share = counts[counts > 0] / counts.sum()
    return (share * np.log2(share * len(centres))).sum()


@wrong("06.2", "the entropy of the shares")
def reverse_kl(samples, centres, sigma):
    d = np.linalg.norm(samples[:, None] - centres, axis=2)
    counts = np.bincount(d.argmin(axis=1)[d.min(axis=1) <= 3 * sigma])
    share = counts[counts > 0] / counts.sum()
    return -(share * np.log(share)).sum()


@wrong("06.2", "forward KL")
def reverse_kl(samples, centres, sigma):
    d = np.linalg.norm(samples[:, None] - centres, axis=2)
    counts = np.bincount(d.argmin(axis=1)[d.min(axis=1) <= 3 * sigma], minlength=len(centres))
    share = counts / counts.sum()
    return -np.log(share * len(centres)).mean()


@wrong("06.2", "NaN: one mode is empty")
def reverse_kl(samples, centres, sigma):
    d = np.linalg.norm(samples[:, None] - centres, axis=2)
    counts = np.bincount(d.argmin(axis=1)[d.min(axis=1) <= 3 * sigma], minlength=len(centres))
    share = counts / counts.sum()
    return (share * np.log(share * len(centres))).sum()


@right("06.3")
def gradient_penalty(critic, real, fake, share):
    between = tf.Variable(fake + share * (real - fake))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(critic(between))
    slope = tape.gradient(total, between)
    return tf.reduce_mean((tf.norm(slope, axis=1) - 1) ** 2)


@right("06.3")
def gradient_penalty(critic, real, fake, share):
    real, fake, share = (np.asarray(v, dtype="float64") for v in (real, fake, share))
    x, h = share * real + (1 - share) * fake, 1e-3
    slope = np.zeros_like(x)
    for axis in range(x.shape[1]):
        step = np.zeros_like(x)
        step[:, axis] = h
        slope[:, axis] = (critic(x + step) - critic(x - step)).numpy()[:, 0] / (2 * h)
    return ((np.sqrt((slope**2).sum(axis=1)) - 1) ** 2).mean()


@right("06.3")
def gradient_penalty(critic, real, fake, share):
    penalties = []
    for r, f, e in zip(real, fake, share, strict=True):
        x = (e * r + (1 - e) * f)[None]
        with tf.GradientTape() as tape:
            tape.watch(x)
            score = critic(x)
        penalties.append((tf.norm(tape.gradient(score, x)) - 1) ** 2)
    return sum(penalties) / len(penalties)


@wrong("06.3", "at the real samples")
def gradient_penalty(critic, real, fake, share):
    with tf.GradientTape() as tape:
        tape.watch(real)
        score = critic(real)
    return tf.reduce_mean((tf.norm(tape.gradient(score, real), axis=1) - 1) ** 2)


@wrong("06.3", "share of the *real* sample")
def gradient_penalty(critic, real, fake, share):
    x = share * fake + (1 - share) * real
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = critic(x)
    return tf.reduce_mean((tf.norm(tape.gradient(score, x), axis=1) - 1) ** 2)


@wrong("06.3", "the root is missing")
def gradient_penalty(critic, real, fake, share):
    x = share * real + (1 - share) * fake
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = critic(x)
    return tf.reduce_mean((tf.reduce_sum(tape.gradient(score, x) ** 2, axis=1) - 1) ** 2)


@wrong("06.3", "R1's form")
def gradient_penalty(critic, real, fake, share):
    x = share * real + (1 - share) * fake
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = critic(x)
    return tf.reduce_mean(tf.reduce_sum(tape.gradient(score, x) ** 2, axis=1))


@wrong("06.3", "over the whole batch")
def gradient_penalty(critic, real, fake, share):
    x = share * real + (1 - share) * fake
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = critic(x)
    return (tf.norm(tape.gradient(score, x)) - 1) ** 2


@wrong("06.3", "half-way")
def gradient_penalty(critic, real, fake, share):
    x = 0.5 * real + 0.5 * fake
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = critic(x)
    return tf.reduce_mean((tf.norm(tape.gradient(score, x), axis=1) - 1) ** 2)


@right("06.4")
def relativistic_losses(real_logits, fake_logits):
    gap = tf.convert_to_tensor(real_logits - fake_logits)
    ones = tf.ones_like(gap)
    bce = tf.keras.losses.BinaryCrossentropy(from_logits=True)
    return bce(ones, gap), bce(ones, -gap)


@right("06.4")
def relativistic_losses(real_logits, fake_logits):
    d, g = [], []
    for r, f in zip(real_logits.flatten(), fake_logits.flatten(), strict=True):
        d.append(np.log(1 + np.exp(f - r)))
        g.append(np.log(1 + np.exp(r - f)))
    return np.mean(d), np.mean(g)


@right("06.4")
def relativistic_losses(real_logits, fake_logits):
    better = 1 / (1 + np.exp(fake_logits - real_logits))
    return {"d": -np.log(better).mean(), "g": -np.log(1 - better).mean()}.values()


@wrong("06.4", "the two losses are exchanged")
def relativistic_losses(real_logits, fake_logits):
    return np.logaddexp(0, real_logits - fake_logits).mean(), np.logaddexp(0, fake_logits - real_logits).mean()


@wrong("06.4", "difference of the means")
def relativistic_losses(real_logits, fake_logits):
    gap = real_logits.mean() - fake_logits.mean()
    return np.logaddexp(0, -gap), np.logaddexp(0, gap)


@wrong("06.4", "RaGAN")
def relativistic_losses(real_logits, fake_logits):
    d = np.logaddexp(0, -(real_logits - fake_logits.mean())).mean()
    return d, np.logaddexp(0, -(fake_logits - real_logits.mean())).mean()


@wrong("06.4", "B × B pairs")
def relativistic_losses(real_logits, fake_logits):
    gap = real_logits.reshape(-1, 1) - fake_logits.reshape(1, -1)
    return np.logaddexp(0, -gap).mean(), np.logaddexp(0, gap).mean()


@wrong("06.4", "the plain GAN")
def relativistic_losses(real_logits, fake_logits):
    d = np.logaddexp(0, -real_logits).mean() + np.logaddexp(0, fake_logits).mean()
    return d, np.logaddexp(0, -fake_logits).mean()


@wrong("06.4", "added up over the batch")
def relativistic_losses(real_logits, fake_logits):
    gap = real_logits - fake_logits
    return np.logaddexp(0, -gap).sum(), np.logaddexp(0, gap).sum()


@wrong("06.4", "a loss is its negative")
def relativistic_losses(real_logits, fake_logits):
    gap = real_logits - fake_logits
    return -np.logaddexp(0, -gap).mean(), -np.logaddexp(0, gap).mean()


@right("06.5")
def blind_spot(centres, sigma, n):
    return np.repeat(centres, n // len(centres), axis=0)


@right("06.5")
def blind_spot(centres, sigma, n):
    points = []
    for i in range(n):
        points.append(centres[i % len(centres)] + [2 * sigma, 0.0])  # not even in the middle
    return points


@right("06.5")
def blind_spot(centres, sigma, n):
    return tf.tile(tf.constant(centres), (n // len(centres), 1))


@wrong("06.5", "modes are empty")
def blind_spot(centres, sigma, n):
    return np.tile(centres[0], (n, 1))


@wrong("06.5", "unequal shares")
def blind_spot(centres, sigma, n):
    return np.concatenate([centres, np.tile(centres[0], (n - len(centres), 1))])


@wrong("06.5", "one point a mode")
def blind_spot(centres, sigma, n):
    rng = np.random.default_rng(0)
    return np.repeat(centres, n // len(centres), axis=0) + rng.uniform(-sigma, sigma, (n, 2))


@wrong("06.5", "farther than 3 sigma")
def blind_spot(centres, sigma, n):
    return np.repeat(centres, n // len(centres), axis=0) + 5 * sigma


@wrong("06.5", "points (n, 2)")
def blind_spot(centres, sigma, n):
    return centres


@wrong("06.5", "NaN or infinite")
def blind_spot(centres, sigma, n):
    return np.repeat(centres, n // len(centres), axis=0) / np.zeros(1)


@wrong("06.3", "tape.watch(x) before critic(x)")
def gradient_penalty(critic, real, fake, share):
    x = share * real + (1 - share) * fake
    with tf.GradientTape() as tape:
        score = critic(x)
    return tf.reduce_mean((tf.norm(tape.gradient(score, x), axis=1) - 1) ** 2)


@wrong("06.3", "one-sided penalty")
def gradient_penalty(critic, real, fake, share):
    x = share * real + (1 - share) * fake
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = critic(x)
    return tf.reduce_mean(tf.nn.relu(tf.norm(tape.gradient(score, x), axis=1) - 1) ** 2)


@wrong("06.3", "the weight 10")
def gradient_penalty(critic, real, fake, share):
    x = share * real + (1 - share) * fake
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = critic(x)
    return 10 * tf.reduce_mean((tf.norm(tape.gradient(score, x), axis=1) - 1) ** 2)
