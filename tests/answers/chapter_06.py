"""Answers to the exercises of chapter 06."""

import numpy as np
import tensorflow as tf

from answers import right, wrong


@right("06.1")
def blind_share(k, sigma, side):
    return k * 9 * np.pi * sigma**2 / (side * side)


@right("06.1")
def blind_share(k, sigma, side):
    disc = tf.constant(np.pi, tf.float64) * tf.square(tf.constant(3 * sigma, tf.float64))
    return tf.cast(k, tf.float64) * disc / side**2


@right("06.1")
def blind_share(k, sigma, side):
    return sum([(3 * sigma / side) ** 2 * np.pi for _ in range(k)])


@wrong("06.1", "the reach is one sigma")
def blind_share(k, sigma, side):
    return k * np.pi * sigma**2 / side**2


@wrong("06.1", "one mode's share")
def blind_share(k, sigma, side):
    return np.pi * (3 * sigma) ** 2 / side**2


@wrong("06.1", "is a disc")
def blind_share(k, sigma, side):
    return k * (6 * sigma / side) ** 2


@wrong("06.1", "radius was not squared")
def blind_share(k, sigma, side):
    return k * np.pi * 3**2 * sigma / side**2


@wrong("06.1", "you took 6 sigma")
def blind_share(k, sigma, side):
    return k * np.pi * (6 * sigma) ** 2 / side**2


@wrong("06.1", "divide it by the square's")
def blind_share(k, sigma, side):
    return k * np.pi * (3 * sigma) ** 2


@wrong("06.1", "share of a *Gaussian*")
def blind_share(k, sigma, side):
    return 1 - np.exp(-9 / 2)


@wrong("06.1", "only area counts")
def blind_share(k, sigma, side):
    return k * np.pi * 9 * sigma**2 * -np.expm1(-(3**2) / 2) / side**2


@wrong("06.1", "in percent")
def blind_share(k, sigma, side):
    return 100 * k * np.pi * (3 * sigma / side) ** 2


@wrong("06.1", "circumference")
def blind_share(k, sigma, side):
    radius = 3 * sigma
    return k * 2 * np.pi * radius / side**2


@right("06.2")
def reverse_kl(samples, centres, sigma, weights):
    counts = [0] * len(centres)
    for s in samples:
        d = [np.linalg.norm(s - c) for c in centres]
        if min(d) <= 3 * sigma:
            counts[int(np.argmin(d))] += 1
    total = sum(counts)
    return sum(n / total * np.log(n / total / w) for n, w in zip(counts, weights, strict=True) if n)


@right("06.2")
def reverse_kl(samples, centres, sigma, weights):
    d = tf.norm(samples[:, None] - centres[None], axis=-1)
    nearest = tf.boolean_mask(tf.argmin(d, axis=1), tf.reduce_min(d, axis=1) <= 3 * sigma)
    share = tf.math.bincount(tf.cast(nearest, tf.int32), minlength=len(centres), dtype=tf.float64)
    share = share / tf.reduce_sum(share)
    return tf.reduce_sum(tf.math.xlogy(share, share) - share * np.log(weights))


@right("06.2")
def reverse_kl(samples, centres, sigma, weights):
    d = np.linalg.norm(samples[:, None] - centres, axis=2)
    modes, counts = np.unique(d.argmin(axis=1)[d.min(axis=1) <= 3 * sigma], return_counts=True)
    share = counts / counts.sum()
    return (share * (np.log(share) - np.log(weights[modes]))).sum()


def shares(samples, centres, reach):
    d = np.linalg.norm(samples[:, None] - centres, axis=2)
    counts = np.bincount(d.argmin(axis=1)[d.min(axis=1) <= reach], minlength=len(centres))
    return counts / counts.sum()


@wrong("06.2", "compared with equal shares")
def reverse_kl(samples, centres, sigma, weights):
    s = shares(samples, centres, 3 * sigma)
    return (s[s > 0] * np.log(s[s > 0] * len(centres))).sum()


@wrong("06.2", "stray samples were counted")
def reverse_kl(samples, centres, sigma, weights):
    s = shares(samples, centres, np.inf)
    return (s[s > 0] * np.log(s[s > 0] / weights[s > 0])).sum()


@wrong("06.2", "modes that were *hit*")
def reverse_kl(samples, centres, sigma, weights):
    s = shares(samples, centres, 3 * sigma)
    left = weights[s > 0] / weights[s > 0].sum()
    return (s[s > 0] * np.log(s[s > 0] / left)).sum()


@wrong("06.2", "do not add up to 1")
def reverse_kl(samples, centres, sigma, weights):
    d = np.linalg.norm(samples[:, None] - centres, axis=2)
    s = np.bincount(d.argmin(axis=1)[d.min(axis=1) <= 3 * sigma], minlength=len(centres)) / len(samples)
    return (s[s > 0] * np.log(s[s > 0] / weights[s > 0])).sum()


@wrong("06.2", "in bits")
def reverse_kl(samples, centres, sigma, weights):
    s = shares(samples, centres, 3 * sigma)
    return (s[s > 0] * np.log2(s[s > 0] / weights[s > 0])).sum()


@wrong("06.2", "the entropy of the shares")
def reverse_kl(samples, centres, sigma, weights):
    s = shares(samples, centres, 3 * sigma)
    return -(s[s > 0] * np.log(s[s > 0])).sum()


@wrong("06.2", "forward KL")
def reverse_kl(samples, centres, sigma, weights):
    return (weights * np.log(weights / shares(samples, centres, 3 * sigma))).sum()


@wrong("06.2", "without the empty modes that make it infinite")
def reverse_kl(samples, centres, sigma, weights):
    s = shares(samples, centres, 3 * sigma)
    return sum(w * np.log(w / q) for w, q in zip(weights, s, strict=True) if q > 0)


@wrong("06.2", "NaN: one mode is empty")
def reverse_kl(samples, centres, sigma, weights):
    s = shares(samples, centres, 3 * sigma)
    return (s * np.log(s / weights)).sum()


def slope_at(critic, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = critic(x)
    return tape.gradient(score, x)


def rooted(slope):
    return tf.sqrt(tf.maximum(tf.reduce_sum(slope**2, axis=1), 1e-12))


@right("06.3")
def gradient_penalty(critic, real, noise, target):
    x = tf.Variable(real + noise)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(critic(x))
    length = tf.sqrt(tf.reduce_sum(tape.gradient(total, x) ** 2, axis=1) + 1e-12)
    return tf.reduce_mean((length - target) ** 2)


@right("06.3")
def gradient_penalty(critic, real, noise, target):
    x, h = real + noise, 0.05  # exact for a parabola
    steps = [tf.constant([[h, 0.0]]), tf.constant([[0.0, h]])]
    slope = tf.concat([(critic(x + step) - critic(x - step)) / (2 * h) for step in steps], axis=1)
    length = tf.sqrt(tf.maximum(tf.reduce_sum(slope**2, axis=1), 1e-12))
    return tf.reduce_mean(tf.math.squared_difference(length, target))


@right("06.3")
def gradient_penalty(critic, real, noise, target):
    penalties = []
    for r, n in zip(real, noise, strict=True):
        x = (r + n)[None]
        with tf.GradientTape() as tape:
            tape.watch(x)
            score = critic(x)
        squared = tf.reduce_sum(tape.gradient(score, x) ** 2)
        penalties.append((tf.sqrt(tf.maximum(squared, 1e-12)) - target) ** 2)
    return sum(penalties) / len(penalties)


@wrong("06.3", "NaN where the critic is flat")
def gradient_penalty(critic, real, noise, target):
    return tf.reduce_mean((tf.norm(slope_at(critic, real + noise), axis=1) - target) ** 2)


@wrong("06.3", "one-sided penalty")
def gradient_penalty(critic, real, noise, target):
    return tf.reduce_mean(tf.nn.relu(rooted(slope_at(critic, real + noise)) - target) ** 2)


@wrong("06.3", "you took 1")
def gradient_penalty(critic, real, noise, target):
    return tf.reduce_mean((rooted(slope_at(critic, real + noise)) - 1) ** 2)


@wrong("06.3", "at the real samples")
def gradient_penalty(critic, real, noise, target):
    return tf.reduce_mean((rooted(slope_at(critic, real)) - target) ** 2)


@wrong("06.3", "half-way between")
def gradient_penalty(critic, real, noise, target):
    return tf.reduce_mean((rooted(slope_at(critic, (real + noise) / 2)) - target) ** 2)


@wrong("06.3", "the root is missing")
def gradient_penalty(critic, real, noise, target):
    return tf.reduce_mean((tf.reduce_sum(slope_at(critic, real + noise) ** 2, axis=1) - target) ** 2)


@wrong("06.3", "R1's form")
def gradient_penalty(critic, real, noise, target):
    return tf.reduce_mean(tf.reduce_sum(slope_at(critic, real + noise) ** 2, axis=1))


@wrong("06.3", "over the whole batch")
def gradient_penalty(critic, real, noise, target):
    return (tf.sqrt(tf.maximum(tf.reduce_sum(slope_at(critic, real + noise) ** 2), 1e-12)) - target) ** 2


@wrong("06.3", "tape.watch(x) before critic(x)")
def gradient_penalty(critic, real, noise, target):
    x = real + noise
    with tf.GradientTape() as tape:
        score = critic(x)
    return tf.reduce_mean((rooted(tape.gradient(score, x)) - target) ** 2)


@wrong("06.3", "the weight 10")
def gradient_penalty(critic, real, noise, target):
    return 10 * tf.reduce_mean((rooted(slope_at(critic, real + noise)) - target) ** 2)


@wrong("06.3", "through which nothing can be trained")
def gradient_penalty(critic, real, noise, target):
    return ((np.linalg.norm(slope_at(critic, real + noise), axis=1) - target.numpy()) ** 2).mean()


@right("06.4")
def relativistic_losses(real_logits, fake_logits):
    bce = tf.keras.losses.BinaryCrossentropy(from_logits=True)
    up = tf.convert_to_tensor(real_logits - fake_logits.mean())
    down = tf.convert_to_tensor(fake_logits - real_logits.mean())
    ones, zeros = tf.ones_like(up), tf.zeros_like(up)
    return bce(ones, up) + bce(zeros, down), bce(zeros, up) + bce(ones, down)


@right("06.4")
def relativistic_losses(real_logits, fake_logits):
    r, f = real_logits.ravel().tolist(), fake_logits.ravel().tolist()
    mean_r, mean_f, d, g = sum(r) / len(r), sum(f) / len(f), 0.0, 0.0
    for x in r:
        d += np.log1p(np.exp(mean_f - x)) / len(r)
        g += np.log1p(np.exp(x - mean_f)) / len(r)
    for x in f:
        d += np.log1p(np.exp(x - mean_r)) / len(f)
        g += np.log1p(np.exp(mean_r - x)) / len(f)
    return d, g


@right("06.4")
def relativistic_losses(real_logits, fake_logits):
    p, q = (1 / (1 + np.exp(b.mean() - a)) for a, b in ((real_logits, fake_logits), (fake_logits, real_logits)))
    return {"d": -np.log(p).mean() - np.log(1 - q).mean(), "g": -np.log(1 - p).mean() - np.log(q).mean()}.values()


@wrong("06.4", "the two losses are exchanged")
def relativistic_losses(real_logits, fake_logits):
    up, down = real_logits - fake_logits.mean(), fake_logits - real_logits.mean()
    d = np.logaddexp(0, -up).mean() + np.logaddexp(0, down).mean()
    return np.logaddexp(0, up).mean() + np.logaddexp(0, -down).mean(), d


@wrong("06.4", "the chapter's pairs")
def relativistic_losses(real_logits, fake_logits):
    gap = real_logits - fake_logits
    return np.logaddexp(0, -gap).mean(), np.logaddexp(0, gap).mean()


@wrong("06.4", "second half of each loss is missing")
def relativistic_losses(real_logits, fake_logits):
    d = np.logaddexp(0, -(real_logits - fake_logits.mean())).mean()
    return d, np.logaddexp(0, -(fake_logits - real_logits.mean())).mean()


@wrong("06.4", "difference of the means")
def relativistic_losses(real_logits, fake_logits):
    gap = real_logits.mean() - fake_logits.mean()
    return 2 * np.logaddexp(0, -gap), 2 * np.logaddexp(0, gap)


@wrong("06.4", "the plain GAN")
def relativistic_losses(real_logits, fake_logits):
    d = np.logaddexp(0, -real_logits).mean() + np.logaddexp(0, fake_logits).mean()
    return d, np.logaddexp(0, -fake_logits).mean()


@wrong("06.4", "its *own* side")
def relativistic_losses(real_logits, fake_logits):
    up, down = real_logits - real_logits.mean(), fake_logits - fake_logits.mean()
    d = np.logaddexp(0, -up).mean() + np.logaddexp(0, down).mean()
    return d, np.logaddexp(0, up).mean() + np.logaddexp(0, -down).mean()


@wrong("06.4", "only the fakes are in G's loss")
def relativistic_losses(real_logits, fake_logits):
    up, down = real_logits - fake_logits.mean(), fake_logits - real_logits.mean()
    return np.logaddexp(0, -up).mean() + np.logaddexp(0, down).mean(), np.logaddexp(0, -down).mean()


@wrong("06.4", "the mean came after the loss")
def relativistic_losses(real_logits, fake_logits):
    gaps = np.squeeze(real_logits, 1)[:, None] - np.squeeze(fake_logits, 1)[None]  # (B, B)
    return np.logaddexp(0, -gaps).mean(), np.logaddexp(0, gaps).mean()


@wrong("06.4", "so they are equal")
def relativistic_losses(real_logits, fake_logits):
    r = np.subtract.outer(real_logits[:, 0], fake_logits[:, 0])
    f = np.subtract.outer(fake_logits[:, 0], real_logits[:, 0])
    d = np.logaddexp(0, -r).mean() + np.logaddexp(0, f).mean()
    return d, np.logaddexp(0, r).mean() + np.logaddexp(0, -f).mean()


@wrong("06.4", "a loss is its negative")
def relativistic_losses(real_logits, fake_logits):
    up, down = real_logits - fake_logits.mean(), fake_logits - real_logits.mean()
    d = -np.logaddexp(0, -up).mean() - np.logaddexp(0, down).mean()
    return d, -np.logaddexp(0, up).mean() - np.logaddexp(0, -down).mean()


CUT = 1 - 4.5 * np.exp(-4.5) / (1 - np.exp(-4.5))


@right("06.5")
def blind_spot(centres, sigma, n):
    each = n // len(centres)
    cut = 1 - 4.5 * np.exp(-4.5) / (1 - np.exp(-4.5))
    reach = sigma * np.sqrt(2 * cut * (each - 1) / each)
    aside = np.array([reach, 0])
    pairs = np.concatenate([centres - aside, centres + aside])
    return np.tile(pairs, (each // 2, 1))


@right("06.5")
def blind_spot(centres, sigma, n):
    each = n // len(centres)
    cut = 1 - 4.5 * np.exp(-4.5) / (1 - np.exp(-4.5))
    reach = sigma * (cut * (each - 1) / each) ** 0.5  # on each axis
    return [centre + (reach if i % 2 else -reach) for centre in centres for i in range(each)]


@right("06.5")
def blind_spot(centres, sigma, n):
    each = n // len(centres)
    cut = 1 - 4.5 * np.exp(-4.5) / (1 - np.exp(-4.5))
    gap = 2 * sigma * np.sqrt(2 * cut * (each - 1) / each)  # one point at the centre, one beside it
    moved = tf.constant(centres) + tf.constant([0.0, gap], tf.float64)
    return tf.repeat(tf.concat([tf.constant(centres), moved], 0), each // 2, axis=0)


@wrong("06.5", "have width 0")
def blind_spot(centres, sigma, n):
    return np.repeat(centres, n // len(centres), axis=0)


@wrong("06.5", "which would give you away. The chapter's")
def blind_spot(centres, sigma, n):
    aside = np.array([sigma, 0])
    return np.tile(np.concatenate([centres - aside, centres + aside]), (n // len(centres) // 2, 1))


@wrong("06.5", "modes are empty")
def blind_spot(centres, sigma, n):
    aside = np.array([sigma * np.sqrt(2 * CUT * (n - 1) / n), 0])  # right for one mode, and for no more
    return np.tile([centres[0] - aside, centres[0] + aside], (n // 2, 1))


@wrong("06.5", "unequal shares")
def blind_spot(centres, sigma, n):
    each = n // len(centres)
    aside = np.array([sigma * np.sqrt(2 * CUT * (each - 1) / each), 0])
    pairs = np.concatenate([centres - aside, centres + aside])
    return np.concatenate([pairs, np.tile(pairs[:: len(centres)], ((n - len(pairs)) // 2, 1))])


@wrong("06.5", "two points a mode at most")
def blind_spot(centres, sigma, n):
    rng = np.random.default_rng(0)
    return np.repeat(centres, n // len(centres), axis=0) + rng.uniform(-sigma, sigma, (n, 2))


@wrong("06.5", "farther than 3 sigma")
def blind_spot(centres, sigma, n):
    return np.repeat(centres, n // len(centres), axis=0) + 5 * sigma


@wrong("06.5", "points (n, 2)")
def blind_spot(centres, sigma, n):
    return centres[:1]


@wrong("06.5", "NaN or infinite")
def blind_spot(centres, sigma, n):
    return np.repeat(centres, n // len(centres), axis=0) / np.zeros(1)


def lloyd(points, centres, rounds):
    centres = np.array(centres)
    for _ in range(rounds):
        nearest = np.linalg.norm(points[:, None] - centres, axis=2).argmin(axis=1)
        for i in set(nearest.tolist()):
            centres[i] = points[nearest == i].mean(axis=0)
    return centres


def tallies(points, centres):
    nearest = np.linalg.norm(points[:, None] - centres, axis=2).argmin(axis=1)
    return np.array([(nearest == i).mean() for i in range(len(centres))])


def compared(real, fake, centres, pooled=True, sizes=True):
    p, q, n, m = tallies(real, centres), tallies(fake, centres), len(real), len(fake)
    whole = (n * p + m * q) / (n + m)
    variance = whole * (1 - whole) * (1 / n + (1 / m if sizes else 0)) if pooled else p * (1 - p) / n + q * (1 - q) / m
    return np.divide(q - p, np.sqrt(variance), out=np.zeros(len(centres)), where=variance > 0)


@right("06.6")
def different_bins(real, fake, start, rounds, z):
    def nearest(points, centres):
        return np.array([((point - centres) ** 2).sum(axis=1).argmin() for point in points])

    centres = np.array(start)
    for _ in range(rounds):
        own = nearest(real, centres)
        for i in set(own.tolist()):
            centres[i] = real[own == i].mean(axis=0)
    a, b, n, m = nearest(real, centres), nearest(fake, centres), len(real), len(fake)
    scores = np.zeros(len(centres))
    for i in range(len(centres)):
        p, q, whole = np.mean(a == i), np.mean(b == i), (np.sum(a == i) + np.sum(b == i)) / (n + m)
        if 0 < whole < 1:
            scores[i] = (q - p) / np.sqrt(whole * (1 - whole) * (1 / n + 1 / m))
    return np.mean(np.abs(scores) > z), scores


@right("06.6")
def different_bins(real, fake, start, rounds, z):
    real, fake, centres = (tf.constant(part, tf.float64) for part in (real, fake, start))

    def nearest(points):
        squared = tf.reduce_sum((points[:, None] - centres[None]) ** 2, axis=-1)
        return tf.one_hot(tf.argmin(squared, axis=1), len(start), dtype=tf.float64)

    for _ in range(rounds):
        own = nearest(real)
        sizes = tf.reduce_sum(own, axis=0)[:, None]
        centres = tf.where(sizes > 0, tf.transpose(own) @ real / tf.maximum(sizes, 1), centres)
    p, q = tf.reduce_mean(nearest(real), axis=0), tf.reduce_mean(nearest(fake), axis=0)
    n, m = len(real), len(fake)
    whole = (n * p + m * q) / (n + m)
    scores = tf.math.divide_no_nan(q - p, tf.sqrt(whole * (1 - whole) * (1 / n + 1 / m)))
    return tf.reduce_mean(tf.cast(tf.abs(scores) > z, tf.float64)), scores


@right("06.6")
def different_bins(real, fake, start, rounds, z):
    from scipy.spatial import cKDTree

    centres = start.copy()
    for _ in range(rounds):
        nearest = cKDTree(centres).query(real)[1]
        centres = np.array([real[nearest == i].mean(0) if i in nearest else centres[i] for i in range(len(centres))])
    a, b = (np.bincount(cKDTree(centres).query(x)[1], minlength=len(centres)) for x in (real, fake))
    scores = []
    for x, y in zip(a, b, strict=True):
        whole = (x + y) / (len(real) + len(fake))
        error = np.sqrt(whole * (1 - whole) * (1 / len(real) + 1 / len(fake)))
        scores.append((y / len(fake) - x / len(real)) / error if error else 0.0)
    return sum(abs(score) > z for score in scores) / len(scores), scores


@wrong("06.6", "a variance of its own")
def different_bins(real, fake, start, rounds, z):
    scores = compared(real, fake, lloyd(real, start, rounds), pooled=False)
    return np.mean(np.abs(scores) > z), scores


def with_share(real, fake, start, rounds, whole):
    centres = lloyd(real, start, rounds)
    p, q = tallies(real, centres), tallies(fake, centres)
    error = np.sqrt(whole(p, q) * (1 - whole(p, q)) * (1 / len(real) + 1 / len(fake)))
    return np.divide(q - p, error, out=np.zeros(len(centres)), where=error > 0)


@wrong("06.6", "share of the real samples alone")
def different_bins(real, fake, start, rounds, z):
    scores = with_share(real, fake, start, rounds, lambda p, q: p)
    return np.mean(np.abs(scores) > z), scores


@wrong("06.6", "half-way between the two shares")
def different_bins(real, fake, start, rounds, z):
    scores = with_share(real, fake, start, rounds, lambda p, q: 0.5 * (p + q))
    return np.mean(np.abs(scores) > z), scores


@wrong("06.6", "from the generated samples, or from both")
def different_bins(real, fake, start, rounds, z):
    scores = compared(real, fake, lloyd(np.vstack([real, fake]), start, rounds))
    return np.mean(np.abs(scores) > z), scores


@wrong("06.6", "made from the generated samples. The paper")
def different_bins(real, fake, start, rounds, z):
    scores = compared(real, fake, lloyd(fake, start, rounds))
    return np.mean(np.abs(scores) > z), scores


@wrong("06.6", "the centres did not move")
def different_bins(real, fake, start, rounds, z):
    scores = compared(real, fake, start)
    return np.mean(np.abs(scores) > z), scores


@wrong("06.6", "the *generated* share is the larger")
def different_bins(real, fake, start, rounds, z):
    scores = -compared(real, fake, lloyd(real, start, rounds))
    return np.mean(np.abs(scores) > z), scores


@wrong("06.6", "a number of bins came")
def different_bins(real, fake, start, rounds, z):
    scores = compared(real, fake, lloyd(real, start, rounds))
    return np.sum(np.abs(scores) > z), scores


@wrong("06.6", "a missing mode has too few")
def different_bins(real, fake, start, rounds, z):
    scores = compared(real, fake, lloyd(real, start, rounds))
    return np.mean(scores > z), scores


@wrong("06.6", "one sample's size only")
def different_bins(real, fake, start, rounds, z):
    scores = compared(real, fake, lloyd(real, start, rounds), sizes=False)
    return np.mean(np.abs(scores) > z), scores


@wrong("06.6", "empty on both sides")
def different_bins(real, fake, start, rounds, z):
    centres = lloyd(real, start, rounds)
    p, q, n, m = tallies(real, centres), tallies(fake, centres), len(real), len(fake)
    whole = (n * p + m * q) / (n + m)
    with np.errstate(all="ignore"):
        scores = (q - p) / np.sqrt(whole * (1 - whole) * (1 / n + 1 / m))
    return np.mean(np.abs(scores) > z), scores
