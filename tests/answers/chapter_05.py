"""Answers to the exercises of chapter 05."""

import numpy as np
import tensorflow as tf

from answers import right, wrong


@right("05.1")
def frechet_1d(mean_a, std_a, mean_b, std_b):
    return (mean_a - mean_b) ** 2 + std_a**2 + std_b**2 - 2 * np.sqrt(std_a**2 * std_b**2)


@right("05.1")
def frechet_1d(mean_a, std_a, mean_b, std_b):
    return tf.square(mean_a - mean_b) + tf.square(std_a - std_b)


@right("05.1")
def frechet_1d(mean_a, std_a, mean_b, std_b):
    return abs(complex(mean_a - mean_b, std_a - std_b)) ** 2


@wrong("05.1", "that is the root")
def frechet_1d(mean_a, std_a, mean_b, std_b):
    return np.sqrt((mean_a - mean_b) ** 2 + (std_a - std_b) ** 2)


@wrong("05.1", "compared the variances")
def frechet_1d(mean_a, std_a, mean_b, std_b):
    return (mean_a - mean_b) ** 2 + (std_a**2 - std_b**2) ** 2


@wrong("05.1", "without the overlap")
def frechet_1d(mean_a, std_a, mean_b, std_b):
    return (mean_a - mean_b) ** 2 + std_a**2 + std_b**2


@wrong("05.1", "only the means")
def frechet_1d(mean_a, std_a, mean_b, std_b):
    return (mean_a - mean_b) ** 2


@wrong("05.1", "not squared")
def frechet_1d(mean_a, std_a, mean_b, std_b):
    return abs(mean_a - mean_b) + (std_a - std_b) ** 2


@wrong("05.1", "KL divergence")
def frechet_1d(mean_a, std_a, mean_b, std_b):
    return np.log(std_b / std_a) + (std_a**2 + (mean_a - mean_b) ** 2) / (2 * std_b**2) - 0.5


@right("05.2")
def precision(real, fake, k):
    inside = 0
    for f in fake:
        for r in real:
            radius = sorted(np.linalg.norm(real - r, axis=1))[k]
            if np.linalg.norm(f - r) <= radius:
                inside += 1
                break
    return inside / len(fake)


@right("05.2")
def precision(real, fake, k):
    def squared(a, b):
        return tf.reduce_sum(tf.square(a[:, None] - b[None]), axis=-1)

    radius = tf.sort(squared(real, real), axis=1)[:, k]
    return tf.reduce_mean(tf.cast(tf.reduce_any(squared(fake, real) <= radius, axis=1), tf.float32))


@right("05.2")
def precision(real, fake, k):
    own = np.hypot(*(real[:, None] - real).transpose(2, 0, 1))
    np.fill_diagonal(own, np.inf)
    radius = np.partition(own, k - 1, axis=1)[:, k - 1]
    return np.mean((np.hypot(*(fake[:, None] - real).transpose(2, 0, 1)) <= radius).any(1))


@wrong("05.2", "that is recall")
def precision(real, fake, k):
    own = np.sort(np.linalg.norm(fake[:, None] - fake, axis=2), axis=1)[:, k]
    return (np.linalg.norm(real[:, None] - fake, axis=2) <= own).any(axis=1).mean()


@wrong("05.2", "found itself")
def precision(real, fake, k):
    own = np.sort(np.linalg.norm(real[:, None] - real, axis=2), axis=1)[:, k - 1]
    return (np.linalg.norm(fake[:, None] - real, axis=2) <= own).any(axis=1).mean()


@wrong("05.2", "one too far")
def precision(real, fake, k):
    own = np.sort(np.linalg.norm(real[:, None] - real, axis=2), axis=1)[:, k + 1]
    return (np.linalg.norm(fake[:, None] - real, axis=2) <= own).any(axis=1).mean()


@wrong("05.2", "one radius, the mean")
def precision(real, fake, k):
    own = np.sort(np.linalg.norm(real[:, None] - real, axis=2), axis=1)[:, k].mean()
    return (np.linalg.norm(fake[:, None] - real, axis=2) <= own).any(axis=1).mean()


@wrong("05.2", "the nearest real sample")
def precision(real, fake, k):
    own = np.sort(np.linalg.norm(real[:, None] - real, axis=2), axis=1)[:, k]
    d = np.linalg.norm(fake[:, None] - real, axis=2)
    return (d.min(axis=1) <= own[d.argmin(axis=1)]).mean()


@wrong("05.2", "share outside")
def precision(real, fake, k):
    own = np.sort(np.linalg.norm(real[:, None] - real, axis=2), axis=1)[:, k]
    return (np.linalg.norm(fake[:, None] - real, axis=2) > own).all(axis=1).mean()


@wrong("05.2", "counted all pairs")
def precision(real, fake, k):
    own = np.sort(np.linalg.norm(real[:, None] - real, axis=2), axis=1)[:, k]
    return (np.linalg.norm(fake[:, None] - real, axis=2) <= own).mean()


@right("05.3")
def copy_share(fake, train, test, quantile):
    def nearest(points):
        return np.array([min(np.linalg.norm(p - t) for t in train) for p in points])

    return np.mean(nearest(fake) <= np.quantile(nearest(test), quantile))


@right("05.3")
def copy_share(fake, train, test, quantile):
    def nearest(points):
        return tf.reduce_min(tf.norm(points[:, None] - train[None], axis=-1), axis=1).numpy()

    threshold = np.percentile(nearest(test), 100 * quantile)
    return float((nearest(fake) <= threshold).mean())


@right("05.3")
def copy_share(fake, train, test, quantile):
    def nearest(points):
        squared = (points**2).sum(1)[:, None] + (train**2).sum(1) - 2 * points @ train.T
        return np.sqrt(np.maximum(squared, 0).min(axis=1))

    return np.count_nonzero(nearest(fake) <= np.quantile(nearest(test), quantile)) / len(fake)


@wrong("05.3", "from the fakes themselves")
def copy_share(fake, train, test, quantile):
    d = np.linalg.norm(fake[:, None] - train, axis=2).min(axis=1)
    return (d <= np.quantile(d, quantile)).mean()


@wrong("05.3", "within the training set")
def copy_share(fake, train, test, quantile):
    own = np.linalg.norm(train[:, None] - train, axis=2)
    np.fill_diagonal(own, np.inf)
    d = np.linalg.norm(fake[:, None] - train, axis=2).min(axis=1)
    return (d <= np.quantile(own.min(axis=1), quantile)).mean()


@wrong("05.3", "Only training samples can be copied")
def copy_share(fake, train, test, quantile):
    limit = np.quantile(np.linalg.norm(test[:, None] - train, axis=2).min(axis=1), quantile)
    return (np.linalg.norm(fake[:, None] - test, axis=2).min(axis=1) <= limit).mean()


@wrong("05.3", "*beyond* the threshold")
def copy_share(fake, train, test, quantile):
    limit = np.quantile(np.linalg.norm(test[:, None] - train, axis=2).min(axis=1), quantile)
    return (np.linalg.norm(fake[:, None] - train, axis=2).min(axis=1) > limit).mean()


@wrong("05.3", "from the far end")
def copy_share(fake, train, test, quantile):
    limit = np.quantile(np.linalg.norm(test[:, None] - train, axis=2).min(axis=1), 1 - quantile)
    return (np.linalg.norm(fake[:, None] - train, axis=2).min(axis=1) <= limit).mean()


@wrong("05.3", "threshold is the mean distance")
def copy_share(fake, train, test, quantile):
    limit = np.linalg.norm(test[:, None] - train, axis=2).min(axis=1).mean()
    return (np.linalg.norm(fake[:, None] - train, axis=2).min(axis=1) <= limit).mean()


@right("05.4")
def seeds_needed(spread, difference, z):
    n = 1
    while difference < z * spread * np.sqrt(2 / n):
        n += 1
    return n


@right("05.4")
def seeds_needed(spread, difference, z):
    return max(1, int(-(-2 * (z * spread) ** 2 // difference**2)))


@right("05.4")
def seeds_needed(spread, difference, z):
    variance_of_one_difference = spread**2 + spread**2
    return tf.math.ceil(variance_of_one_difference * z**2 / difference**2)


@wrong("05.4", "the 2 is missing")
def seeds_needed(spread, difference, z):
    return int(np.ceil((z * spread / difference) ** 2))


@wrong("05.4", "the square is missing")
def seeds_needed(spread, difference, z):
    return int(np.ceil(2 * z * spread / difference))


@wrong("05.4", "rounded down")
def seeds_needed(spread, difference, z):
    return int(2 * (z * spread / difference) ** 2)


@wrong("05.4", "no half a seed")
def seeds_needed(spread, difference, z):
    return 2 * (z * spread / difference) ** 2


@wrong("05.4", "z must be squared")
def seeds_needed(spread, difference, z):
    return int(np.ceil(2 * z * (spread / difference) ** 2))


@wrong("05.4", "runs of both generators")
def seeds_needed(spread, difference, z):
    return 2 * int(np.ceil(2 * (z * spread / difference) ** 2))


@wrong("05.4", "difference and spread are exchanged")
def seeds_needed(spread, difference, z):
    return int(np.ceil(2 * (z * difference / spread) ** 2))


@wrong("05.4", "at least 1: the last seed")
def seeds_needed(spread, difference, z):
    return max(1, int(2 * (z * spread / difference) ** 2))


@wrong("05.2", "every case gave the same answer")
def precision(real, fake, k):
    own = np.sort(np.linalg.norm(real[:, None] - real, axis=2), axis=1)[:, k]
    return (np.linalg.norm(fake[:, None] - real, axis=2) <= own).all(axis=1).mean()


@wrong("05.2", "on the edge of a ball")
def precision(real, fake, k):
    own = np.sort(np.linalg.norm(real[:, None] - real, axis=2), axis=1)[:, k]
    return (np.linalg.norm(fake[:, None] - real, axis=2) < own).any(axis=1).mean()


@wrong("05.3", "exactly at the threshold")
def copy_share(fake, train, test, quantile):
    limit = np.quantile(np.linalg.norm(test[:, None] - train, axis=2).min(axis=1), quantile)
    return (np.linalg.norm(fake[:, None] - train, axis=2).min(axis=1) < limit).mean()


@right("05.1")
def frechet_1d(mean_a, std_a, mean_b, std_b):
    from fractions import Fraction

    return (Fraction(mean_a) - Fraction(mean_b)) ** 2 + (Fraction(std_a) - Fraction(std_b)) ** 2


@right("05.4")
def seeds_needed(spread, difference, z):
    from decimal import ROUND_CEILING, Decimal

    exact = 2 * (Decimal(z) * Decimal(spread) / Decimal(difference)) ** 2
    return max(Decimal(1), exact.to_integral_value(ROUND_CEILING))


@right("05.1")
async def frechet_1d(mean_a, std_a, mean_b, std_b):
    import asyncio

    await asyncio.sleep(0)
    return (mean_a - mean_b) ** 2 + (std_a - std_b) ** 2
