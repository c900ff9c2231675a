"""Answers to the exercises of chapter 05."""

import numpy as np
import tensorflow as tf

from answers import right, wrong


@right("05.1")
def frechet_1d(mean, std, other_mean, other_std, share):
    center = (1 - share) * mean + share * other_mean
    second = (1 - share) * (std**2 + mean**2) + share * (other_std**2 + other_mean**2)
    variance = second - center**2
    return (center - mean) ** 2 + variance + std**2 - 2 * np.sqrt(variance * std**2)


@right("05.1")
def frechet_1d(mean, std, other_mean, other_std, share):
    gap = other_mean - mean
    spread = tf.sqrt((1 - share) * std**2 + share * other_std**2 + share * (1 - share) * gap**2)
    return tf.square(share * gap) + tf.square(spread - std)


@right("05.1")
def frechet_1d(mean, std, other_mean, other_std, share):
    weights, means, stds = np.array([1 - share, share]), np.array([mean, other_mean]), np.array([std, other_std])
    center = weights @ means
    spread = np.sqrt(weights @ (stds**2 + (means - center) ** 2))
    return abs(complex(center - mean, spread - std)) ** 2


@right("05.1")
def frechet_1d(mean, std, other_mean, other_std, share):
    from decimal import Decimal

    m, s, n, t, p = map(Decimal, (mean, std, other_mean, other_std, share))
    spread = ((1 - p) * s * s + p * t * t + p * (1 - p) * (m - n) ** 2).sqrt()
    return (p * (n - m)) ** 2 + (spread - s) ** 2


@right("05.1")
async def frechet_1d(mean, std, other_mean, other_std, share):
    import asyncio

    await asyncio.sleep(0)
    variance = (1 - share) * std**2 + share * other_std**2 + share * (1 - share) * (mean - other_mean) ** 2
    return share**2 * (mean - other_mean) ** 2 + (variance**0.5 - std) ** 2


@wrong("05.1", "that is the root")
def frechet_1d(mean, std, other_mean, other_std, share):
    variance = (1 - share) * std**2 + share * other_std**2 + share * (1 - share) * (mean - other_mean) ** 2
    gap = share * (other_mean - mean)
    return np.hypot(gap, np.sqrt(variance) - std)


@wrong("05.1", "what the two means add")
def frechet_1d(mean, std, other_mean, other_std, share):
    variance = (1 - share) * std**2 + share * other_std**2
    return (share * (other_mean - mean)) ** 2 + (np.sqrt(variance) - std) ** 2


@wrong("05.1", "do not average")
def frechet_1d(mean, std, other_mean, other_std, share):
    spread = (1 - share) * std + share * other_std
    return (share * (other_mean - mean)) ** 2 + (spread - std) ** 2


@wrong("05.1", "they are standard deviations")
def frechet_1d(mean, std, other_mean, other_std, share):
    variance = (1 - share) * std + share * other_std + share * (1 - share) * (mean - other_mean) ** 2
    return (share * (other_mean - mean)) ** 2 + (np.sqrt(variance) - np.sqrt(std)) ** 2


@wrong("05.1", "A and B are variances")
def frechet_1d(mean, std, other_mean, other_std, share):
    variance = (1 - share) * std**2 + share * other_std**2 + share * (1 - share) * (mean - other_mean) ** 2
    gap = share * (other_mean - mean)
    spread = np.sqrt(variance)
    return gap**2 + std + spread - 2 * np.sqrt(std * spread)


@wrong("05.1", "compared the variances")
def frechet_1d(mean, std, other_mean, other_std, share):
    variance = (1 - share) * std**2 + share * other_std**2 + share * (1 - share) * (mean - other_mean) ** 2
    gap = share * (other_mean - mean)
    return gap**2 + (variance - std**2) ** 2


@wrong("05.1", "the share times the distance")
def frechet_1d(mean, std, other_mean, other_std, share):
    return share * ((mean - other_mean) ** 2 + (std - other_std) ** 2)


@wrong("05.1", "the shares are exchanged")
def frechet_1d(mean, std, other_mean, other_std, share):
    share = 1 - share
    variance = (1 - share) * std**2 + share * other_std**2 + share * (1 - share) * (mean - other_mean) ** 2
    gap = share * (other_mean - mean)
    return gap**2 + (np.sqrt(variance) - std) ** 2


@wrong("05.1", "distance to the errors")
def frechet_1d(mean, std, other_mean, other_std, share):
    variance = (1 - share) * std**2 + share * other_std**2 + share * (1 - share) * (mean - other_mean) ** 2
    return ((1 - share) * (other_mean - mean)) ** 2 + (np.sqrt(variance) - other_std) ** 2


@wrong("05.1", "of the errors alone")
def frechet_1d(mean, std, other_mean, other_std, share):
    return (mean - other_mean) ** 2 + (std - other_std) ** 2


@wrong("05.1", "only the means")
def frechet_1d(mean, std, other_mean, other_std, share):
    return (share * (other_mean - mean)) ** 2


@wrong("05.1", "a weighted *sum*")
def frechet_1d(mean, std, other_mean, other_std, share):
    spread = np.hypot((1 - share) * std, share * other_std)
    return (share * (other_mean - mean)) ** 2 + (spread - std) ** 2


@right("05.2")
def precision(real, fake, k):
    radii = [sorted(np.linalg.norm(real - r, axis=1))[k] for r in real]
    limit, inside = np.median(radii), 0
    for f in fake:
        inside += any(np.linalg.norm(f - r) <= radius for r, radius in zip(real, radii, strict=True) if radius <= limit)
    return inside / len(fake)


@right("05.2")
def precision(real, fake, k):
    def squared(a, b):
        return tf.reduce_sum(tf.square(a[:, None] - b[None]), axis=-1)

    radius = tf.sort(squared(real, real), axis=1)[:, k]
    wide = radius > np.median(radius)
    holds = (squared(fake, real) <= radius) & ~wide
    return tf.reduce_mean(tf.cast(tf.reduce_any(holds, axis=1), tf.float32))


@right("05.2")
def precision(real, fake, k):
    own = np.hypot(*(real[:, None] - real).transpose(2, 0, 1))
    np.fill_diagonal(own, np.inf)
    radius = np.partition(own, k - 1, axis=1)[:, k - 1]
    radius = np.where(radius <= np.quantile(radius, 0.5), radius, -1)
    return np.mean((np.hypot(*(fake[:, None] - real).transpose(2, 0, 1)) <= radius).any(1))


@wrong("05.2", "the chapter's precision")
def precision(real, fake, k):
    own = np.sort(np.linalg.norm(real[:, None] - real, axis=2), axis=1)[:, k]
    far = np.linalg.norm(fake[:, None] - real, axis=2)
    return (far <= own).any(axis=1).mean()


@wrong("05.2", "at most, not below")
def precision(real, fake, k):
    own = np.sort(np.linalg.norm(real[:, None] - real, axis=2), axis=1)[:, k]
    far = np.linalg.norm(fake[:, None] - real, axis=2)
    return ((far <= own) & (own < np.median(own))).any(axis=1).mean()


@wrong("05.2", "kept the wide balls")
def precision(real, fake, k):
    own = np.sort(np.linalg.norm(real[:, None] - real, axis=2), axis=1)[:, k]
    kept = own >= np.median(own)
    far = np.linalg.norm(fake[:, None] - real, axis=2)
    return (far <= own)[:, kept].any(axis=1).mean()


@wrong("05.2", "with their mean")
def precision(real, fake, k):
    own = np.sort(np.linalg.norm(real[:, None] - real, axis=2), axis=1)[:, k]
    kept = own <= own.mean()
    far = np.linalg.norm(fake[:, None] - real, axis=2)
    return (far <= own)[:, kept].any(axis=1).mean()


@wrong("05.2", "those that hold a fake (coverage)")
def precision(real, fake, k):
    own = np.sort(np.linalg.norm(real[:, None] - real, axis=2), axis=1)[:, k]
    kept = own <= np.median(own)
    far = np.linalg.norm(fake[:, None] - real, axis=2)
    return (far <= own)[:, kept].any(axis=0).mean()


@wrong("05.2", "of all of them")
def precision(real, fake, k):
    own = np.sort(np.linalg.norm(real[:, None] - real, axis=2), axis=1)[:, k]
    kept = own <= np.median(own)
    far = np.linalg.norm(fake[:, None] - real, axis=2)
    return ((far <= own) & kept).any(axis=0).mean()


@wrong("05.2", "that is recall")
def precision(real, fake, k):
    real, fake = fake, real
    own = np.sort(np.linalg.norm(real[:, None] - real, axis=2), axis=1)[:, k]
    kept = own <= np.median(own)
    far = np.linalg.norm(fake[:, None] - real, axis=2)
    return (far <= own)[:, kept].any(axis=1).mean()


@wrong("05.2", "found itself")
def precision(real, fake, k):
    own = np.sort(np.linalg.norm(real[:, None] - real, axis=2), axis=1)[:, k - 1]
    kept = own <= np.median(own)
    far = np.linalg.norm(fake[:, None] - real, axis=2)
    return (far <= own)[:, kept].any(axis=1).mean()


@wrong("05.2", "one too far")
def precision(real, fake, k):
    own = np.sort(np.linalg.norm(real[:, None] - real, axis=2), axis=1)[:, k + 1]
    kept = own <= np.median(own)
    far = np.linalg.norm(fake[:, None] - real, axis=2)
    return (far <= own)[:, kept].any(axis=1).mean()


@wrong("05.2", "one, the median, for all")
def precision(real, fake, k):
    own = np.sort(np.linalg.norm(real[:, None] - real, axis=2), axis=1)[:, k]
    far = np.linalg.norm(fake[:, None] - real, axis=2)
    return (far <= np.median(own)).any(axis=1).mean()


@wrong("05.2", "the nearest real sample")
def precision(real, fake, k):
    own = np.sort(np.linalg.norm(real[:, None] - real, axis=2), axis=1)[:, k]
    kept = own <= np.median(own)
    far = np.linalg.norm(fake[:, None] - real, axis=2)
    far, own = far[:, kept], own[kept]
    return (far.min(axis=1) <= own[far.argmin(axis=1)]).mean()


@wrong("05.2", "share outside")
def precision(real, fake, k):
    own = np.sort(np.linalg.norm(real[:, None] - real, axis=2), axis=1)[:, k]
    kept = own <= np.median(own)
    far = np.linalg.norm(fake[:, None] - real, axis=2)
    return (far > own)[:, kept].all(axis=1).mean()


@wrong("05.2", "counted all pairs")
def precision(real, fake, k):
    own = np.sort(np.linalg.norm(real[:, None] - real, axis=2), axis=1)[:, k]
    kept = own <= np.median(own)
    far = np.linalg.norm(fake[:, None] - real, axis=2)
    return (far <= own)[:, kept].mean()


@wrong("05.2", "on the edge of a ball")
def precision(real, fake, k):
    own = np.sort(np.linalg.norm(real[:, None] - real, axis=2), axis=1)[:, k]
    kept = own <= np.median(own)
    far = np.linalg.norm(fake[:, None] - real, axis=2)
    return (far < own)[:, kept].any(axis=1).mean()


@wrong("05.2", "number of fakes came")
def precision(real, fake, k):
    own = np.sort(np.linalg.norm(real[:, None] - real, axis=2), axis=1)[:, k]
    kept = own <= np.median(own)
    far = np.linalg.norm(fake[:, None] - real, axis=2)
    return (far <= own)[:, kept].any(axis=1).sum()


@right("05.3")
def copy_share(fake, train, test, quantile):
    def ratio(points):
        found = []
        for p in points:
            first, second = sorted(np.linalg.norm(p - t) for t in train)[:2]
            found.append(first / second)
        return np.array(found)

    return np.mean(ratio(fake) <= np.quantile(ratio(test), quantile))


@right("05.3")
def copy_share(fake, train, test, quantile):
    def ratio(points):
        near = -tf.math.top_k(-tf.norm(points[:, None] - train[None], axis=-1), k=2).values
        return (near[:, 0] / near[:, 1]).numpy()

    return float((ratio(fake) <= np.percentile(ratio(test), 100 * quantile)).mean())


@right("05.3")
def copy_share(fake, train, test, quantile):
    def ratio(points):
        squared = np.partition(((points[:, None] - train) ** 2).sum(axis=2), 1, axis=1)
        return np.sqrt(squared[:, 0]) / np.sqrt(squared[:, 1])

    return np.count_nonzero(ratio(fake) <= np.quantile(ratio(test), quantile)) / len(fake)


@wrong("05.3", "by plain distances")
def copy_share(fake, train, test, quantile):
    def nearest(points):
        return np.linalg.norm(points[:, None] - train, axis=2).min(axis=1)

    return (nearest(fake) <= np.quantile(nearest(test), quantile)).mean()


@wrong("05.3", "`train` and `test` are exchanged")
def copy_share(fake, train, test, quantile):
    def ratio(points, references):
        near = np.sort(np.linalg.norm(points[:, None] - references, axis=2), axis=1)
        return near[:, 0] / near[:, 1]

    return (ratio(fake, test) <= np.quantile(ratio(train, test), quantile)).mean()


@wrong("05.3", "the ratio is turned over")
def copy_share(fake, train, test, quantile):
    def ratio(points, references):
        near = np.sort(np.linalg.norm(points[:, None] - references, axis=2), axis=1)
        return near[:, 1] / np.maximum(near[:, 0], 1e-300)

    return (ratio(fake, train) <= np.quantile(ratio(test, train), quantile)).mean()


@wrong("05.3", "one place too far")
def copy_share(fake, train, test, quantile):
    def ratio(points, references):
        near = np.sort(np.linalg.norm(points[:, None] - references, axis=2), axis=1)
        return near[:, 1] / near[:, 2]

    return (ratio(fake, train) <= np.quantile(ratio(test, train), quantile)).mean()


@wrong("05.3", "the difference of the two")
def copy_share(fake, train, test, quantile):
    def ratio(points, references):
        near = np.sort(np.linalg.norm(points[:, None] - references, axis=2), axis=1)
        return near[:, 0] - near[:, 1]

    return (ratio(fake, train) <= np.quantile(ratio(test, train), quantile)).mean()


@wrong("05.3", "from the fakes themselves")
def copy_share(fake, train, test, quantile):
    def ratio(points, references):
        near = np.sort(np.linalg.norm(points[:, None] - references, axis=2), axis=1)
        return near[:, 0] / near[:, 1]

    return (ratio(fake, train) <= np.quantile(ratio(fake, train), quantile)).mean()


@wrong("05.3", "sought in the test set")
def copy_share(fake, train, test, quantile):
    def ratio(points, references):
        near = np.sort(np.linalg.norm(points[:, None] - references, axis=2), axis=1)
        return near[:, 0] / near[:, 1]

    return (ratio(fake, test) <= np.quantile(ratio(test, train), quantile)).mean()


@wrong("05.3", "*beyond* the threshold")
def copy_share(fake, train, test, quantile):
    def ratio(points, references):
        near = np.sort(np.linalg.norm(points[:, None] - references, axis=2), axis=1)
        return near[:, 0] / near[:, 1]

    return (ratio(fake, train) > np.quantile(ratio(test, train), quantile)).mean()


@wrong("05.3", "exactly at the threshold")
def copy_share(fake, train, test, quantile):
    def ratio(points, references):
        near = np.sort(np.linalg.norm(points[:, None] - references, axis=2), axis=1)
        return near[:, 0] / near[:, 1]

    return (ratio(fake, train) < np.quantile(ratio(test, train), quantile)).mean()


@wrong("05.3", "from the far end")
def copy_share(fake, train, test, quantile):
    def ratio(points, references):
        near = np.sort(np.linalg.norm(points[:, None] - references, axis=2), axis=1)
        return near[:, 0] / near[:, 1]

    return (ratio(fake, train) <= np.quantile(ratio(test, train), 1 - quantile)).mean()


@wrong("05.3", "threshold is the mean ratio")
def copy_share(fake, train, test, quantile):
    def ratio(points, references):
        near = np.sort(np.linalg.norm(points[:, None] - references, axis=2), axis=1)
        return near[:, 0] / near[:, 1]

    return (ratio(fake, train) <= ratio(test, train).mean()).mean()


@right("05.4")
def seeds_needed(spread, difference, alpha, power):
    from statistics import NormalDist

    normal, n = NormalDist(), 2
    while 1 - normal.cdf(normal.inv_cdf(1 - alpha / 2) - difference / (spread * np.sqrt(2 / n))) < power:
        n += 1
    return n


@right("05.4")
def seeds_needed(spread, difference, alpha, power):
    from scipy.stats import norm

    return max(2, int(np.ceil(2 * ((norm.isf(alpha / 2) + norm.ppf(power)) * spread / difference) ** 2)))


@right("05.4")
def seeds_needed(spread, difference, alpha, power):
    quantiles = tf.math.ndtri(tf.constant([1 - alpha / 2, power], tf.float64))
    variance_of_one_difference = spread**2 + spread**2
    return tf.maximum(2.0, tf.math.ceil(variance_of_one_difference * float(sum(quantiles)) ** 2 / difference**2))


@right("05.4")
def seeds_needed(spread, difference, alpha, power):
    from decimal import ROUND_CEILING, Decimal
    from statistics import NormalDist

    both = Decimal(NormalDist().inv_cdf(1 - alpha / 2)) + Decimal(NormalDist().inv_cdf(power))
    exact = 2 * (both * Decimal(spread) / Decimal(difference)) ** 2
    return max(Decimal(2), exact.to_integral_value(ROUND_CEILING))


@wrong("05.4", "the power is forgotten")
def seeds_needed(spread, difference, alpha, power):
    from statistics import NormalDist

    z = NormalDist().inv_cdf
    return max(2, int(np.ceil(2 * (z(1 - alpha / 2) * spread / difference) ** 2)))


@wrong("05.4", "one-sided")
def seeds_needed(spread, difference, alpha, power):
    from statistics import NormalDist

    z = NormalDist().inv_cdf
    return max(2, int(np.ceil(2 * ((z(1 - alpha) + z(power)) * spread / difference) ** 2)))


@wrong("05.4", "the 2 is missing")
def seeds_needed(spread, difference, alpha, power):
    from statistics import NormalDist

    z = NormalDist().inv_cdf
    return max(2, int(np.ceil(((z(1 - alpha / 2) + z(power)) * spread / difference) ** 2)))


@wrong("05.4", "a factor of 4")
def seeds_needed(spread, difference, alpha, power):
    from statistics import NormalDist

    z = NormalDist().inv_cdf
    return max(2, int(np.ceil(4 * ((z(1 - alpha / 2) + z(power)) * spread / difference) ** 2)))


@wrong("05.4", "the square is missing")
def seeds_needed(spread, difference, alpha, power):
    from statistics import NormalDist

    z = NormalDist().inv_cdf
    return max(2, int(np.ceil(2 * (z(1 - alpha / 2) + z(power)) * spread / difference)))


@wrong("05.4", "for alpha only")
def seeds_needed(spread, difference, alpha, power):
    from statistics import NormalDist

    z = NormalDist().inv_cdf
    return max(2, int(np.ceil(2 * ((z(1 - alpha / 2) + z((1 + power) / 2)) * spread / difference) ** 2)))


@wrong("05.4", "1 - power is negative")
def seeds_needed(spread, difference, alpha, power):
    from statistics import NormalDist

    z = NormalDist().inv_cdf
    return max(2, int(np.ceil(2 * ((z(1 - alpha / 2) + z(1 - power)) * spread / difference) ** 2)))


@wrong("05.4", "the squares of the two quantiles")
def seeds_needed(spread, difference, alpha, power):
    from statistics import NormalDist

    z = NormalDist().inv_cdf
    return max(2, int(np.ceil(2 * (z(1 - alpha / 2) ** 2 + z(power) ** 2) * (spread / difference) ** 2)))


@wrong("05.4", "the next whole number is enough.")
def seeds_needed(spread, difference, alpha, power):
    from statistics import NormalDist

    z = NormalDist().inv_cdf
    return max(2, int(np.ceil(2 * ((z(1 - alpha / 2) + z(power)) * spread / difference) ** 2)) + 1)


@wrong("05.4", "rounded down")
def seeds_needed(spread, difference, alpha, power):
    from statistics import NormalDist

    z = NormalDist().inv_cdf
    return max(2, int(2 * ((z(1 - alpha / 2) + z(power)) * spread / difference) ** 2))


@wrong("05.4", "no half a seed")
def seeds_needed(spread, difference, alpha, power):
    from statistics import NormalDist

    z = NormalDist().inv_cdf
    return max(2, 2 * ((z(1 - alpha / 2) + z(power)) * spread / difference) ** 2)


@wrong("05.4", "2 at least")
def seeds_needed(spread, difference, alpha, power):
    from statistics import NormalDist

    z = NormalDist().inv_cdf
    return int(np.ceil(2 * ((z(1 - alpha / 2) + z(power)) * spread / difference) ** 2))


@wrong("05.4", "runs of both recipes")
def seeds_needed(spread, difference, alpha, power):
    from statistics import NormalDist

    z = NormalDist().inv_cdf
    return 2 * max(2, int(np.ceil(2 * ((z(1 - alpha / 2) + z(power)) * spread / difference) ** 2)))


@wrong("05.4", "difference and spread are exchanged")
def seeds_needed(spread, difference, alpha, power):
    from statistics import NormalDist

    z = NormalDist().inv_cdf
    return max(2, int(np.ceil(2 * ((z(1 - alpha / 2) + z(power)) * difference / spread) ** 2)))


@right("05.5")
def data_copying(fake, fake_cell, train, train_cell, test, test_cell, tau):
    from scipy.stats import rankdata

    top = bottom = 0.0
    for cell in set(test_cell.tolist()):
        own = train[train_cell == cell]
        q = [min(np.linalg.norm(own - x, axis=1)) for x in fake[fake_cell == cell]]
        p = [min(np.linalg.norm(own - x, axis=1)) for x in test[test_cell == cell]]
        m, n = len(q), len(p)
        if m / len(fake) < tau:
            continue
        u = rankdata(q + p)[:m].sum() - m * (m + 1) / 2
        top += n * (u - m * n / 2) / np.sqrt(m * n * (m + n + 1) / 12)
        bottom += n
    return top / bottom


@right("05.5")
def data_copying(fake, fake_cell, train, train_cell, test, test_cell, tau):
    def to_nearest(points, references):
        return tf.reduce_min(tf.norm(points[:, None] - references[None], axis=-1), axis=1)

    scores, weights = [], []
    for cell in range(test_cell.max() + 1):
        mine, other = fake[fake_cell == cell], test[test_cell == cell]
        if len(mine) < tau * len(fake):
            continue
        own = train[train_cell == cell]
        sign = tf.sign(to_nearest(mine, own)[:, None] - to_nearest(other, own)[None])
        scores.append(tf.reduce_sum(sign) / 2 / np.sqrt(sign.shape[0] * sign.shape[1] * (sum(sign.shape) + 1) / 12))
        weights.append(len(other))
    return np.average(scores, weights=weights)


@wrong("05.5", "tau is not used")
def data_copying(fake, fake_cell, train, train_cell, test, test_cell, tau):
    def to_nearest(points, references):
        return np.linalg.norm(points[:, None] - references, axis=2).min(axis=1)

    scores, weights = [], []
    for cell in np.unique(test_cell):
        own = train[train_cell == cell]
        q, p = to_nearest(fake[fake_cell == cell], own), to_nearest(test[test_cell == cell], own)
        m, n = len(q), len(p)
        u = (q[:, None] > p).sum() + (q[:, None] == p).sum() / 2
        z = (u - m * n / 2) / np.sqrt(m * n * (m + n + 1) / 12)
        if m > 0:
            scores.append(z)
            weights.append(n / len(test))
    return np.average(scores, weights=weights)


@wrong("05.5", "≥, not >")
def data_copying(fake, fake_cell, train, train_cell, test, test_cell, tau):
    def to_nearest(points, references):
        return np.linalg.norm(points[:, None] - references, axis=2).min(axis=1)

    scores, weights = [], []
    for cell in np.unique(test_cell):
        own = train[train_cell == cell]
        q, p = to_nearest(fake[fake_cell == cell], own), to_nearest(test[test_cell == cell], own)
        m, n = len(q), len(p)
        u = (q[:, None] > p).sum() + (q[:, None] == p).sum() / 2
        z = (u - m * n / 2) / np.sqrt(m * n * (m + n + 1) / 12)
        if m / len(fake) > tau:
            scores.append(z)
            weights.append(n / len(test))
    return np.average(scores, weights=weights)


@wrong("05.5", "share of the fakes counts")
def data_copying(fake, fake_cell, train, train_cell, test, test_cell, tau):
    def to_nearest(points, references):
        return np.linalg.norm(points[:, None] - references, axis=2).min(axis=1)

    scores, weights = [], []
    for cell in np.unique(test_cell):
        own = train[train_cell == cell]
        q, p = to_nearest(fake[fake_cell == cell], own), to_nearest(test[test_cell == cell], own)
        m, n = len(q), len(p)
        u = (q[:, None] > p).sum() + (q[:, None] == p).sum() / 2
        z = (u - m * n / 2) / np.sqrt(m * n * (m + n + 1) / 12)
        if n / len(test) >= tau:
            scores.append(z)
            weights.append(n / len(test))
    return np.average(scores, weights=weights)


@wrong("05.5", "averaged without weights")
def data_copying(fake, fake_cell, train, train_cell, test, test_cell, tau):
    def to_nearest(points, references):
        return np.linalg.norm(points[:, None] - references, axis=2).min(axis=1)

    scores, weights = [], []
    for cell in np.unique(test_cell):
        own = train[train_cell == cell]
        q, p = to_nearest(fake[fake_cell == cell], own), to_nearest(test[test_cell == cell], own)
        m, n = len(q), len(p)
        u = (q[:, None] > p).sum() + (q[:, None] == p).sum() / 2
        z = (u - m * n / 2) / np.sqrt(m * n * (m + n + 1) / 12)
        if m / len(fake) >= tau:
            scores.append(z)
            weights.append(n / len(test))
    return np.mean(scores)


@wrong("05.5", "are the shares of the fakes")
def data_copying(fake, fake_cell, train, train_cell, test, test_cell, tau):
    def to_nearest(points, references):
        return np.linalg.norm(points[:, None] - references, axis=2).min(axis=1)

    scores, weights = [], []
    for cell in np.unique(test_cell):
        own = train[train_cell == cell]
        q, p = to_nearest(fake[fake_cell == cell], own), to_nearest(test[test_cell == cell], own)
        m, n = len(q), len(p)
        u = (q[:, None] > p).sum() + (q[:, None] == p).sum() / 2
        z = (u - m * n / 2) / np.sqrt(m * n * (m + n + 1) / 12)
        if m / len(fake) >= tau:
            scores.append(z)
            weights.append(m / len(fake))
    return np.average(scores, weights=weights)


@wrong("05.5", "divide by the sum")
def data_copying(fake, fake_cell, train, train_cell, test, test_cell, tau):
    def to_nearest(points, references):
        return np.linalg.norm(points[:, None] - references, axis=2).min(axis=1)

    scores, weights = [], []
    for cell in np.unique(test_cell):
        own = train[train_cell == cell]
        q, p = to_nearest(fake[fake_cell == cell], own), to_nearest(test[test_cell == cell], own)
        m, n = len(q), len(p)
        u = (q[:, None] > p).sum() + (q[:, None] == p).sum() / 2
        z = (u - m * n / 2) / np.sqrt(m * n * (m + n + 1) / 12)
        if m / len(fake) >= tau:
            scores.append(z)
            weights.append(n / len(test))
    return np.dot(scores, weights)


@wrong("05.5", "the sign")
def data_copying(fake, fake_cell, train, train_cell, test, test_cell, tau):
    def to_nearest(points, references):
        return np.linalg.norm(points[:, None] - references, axis=2).min(axis=1)

    scores, weights = [], []
    for cell in np.unique(test_cell):
        own = train[train_cell == cell]
        q, p = to_nearest(fake[fake_cell == cell], own), to_nearest(test[test_cell == cell], own)
        m, n = len(q), len(p)
        u = (q[:, None] < p).sum() + (q[:, None] == p).sum() / 2
        z = (u - m * n / 2) / np.sqrt(m * n * (m + n + 1) / 12)
        if m / len(fake) >= tau:
            scores.append(z)
            weights.append(n / len(test))
    return np.average(scores, weights=weights)


@wrong("05.5", "is not subtracted")
def data_copying(fake, fake_cell, train, train_cell, test, test_cell, tau):
    def to_nearest(points, references):
        return np.linalg.norm(points[:, None] - references, axis=2).min(axis=1)

    scores, weights = [], []
    for cell in np.unique(test_cell):
        own = train[train_cell == cell]
        q, p = to_nearest(fake[fake_cell == cell], own), to_nearest(test[test_cell == cell], own)
        m, n = len(q), len(p)
        u = (q[:, None] > p).sum() + (q[:, None] == p).sum() / 2
        z = u / np.sqrt(m * n * (m + n + 1) / 12)
        if m / len(fake) >= tau:
            scores.append(z)
            weights.append(n / len(test))
    return np.average(scores, weights=weights)


@wrong("05.5", "not divided by its standard deviation")
def data_copying(fake, fake_cell, train, train_cell, test, test_cell, tau):
    def to_nearest(points, references):
        return np.linalg.norm(points[:, None] - references, axis=2).min(axis=1)

    scores, weights = [], []
    for cell in np.unique(test_cell):
        own = train[train_cell == cell]
        q, p = to_nearest(fake[fake_cell == cell], own), to_nearest(test[test_cell == cell], own)
        m, n = len(q), len(p)
        u = (q[:, None] > p).sum() + (q[:, None] == p).sum() / 2
        z = u - m * n / 2
        if m / len(fake) >= tau:
            scores.append(z)
            weights.append(n / len(test))
    return np.average(scores, weights=weights)


@wrong("05.5", "divided by the variance")
def data_copying(fake, fake_cell, train, train_cell, test, test_cell, tau):
    def to_nearest(points, references):
        return np.linalg.norm(points[:, None] - references, axis=2).min(axis=1)

    scores, weights = [], []
    for cell in np.unique(test_cell):
        own = train[train_cell == cell]
        q, p = to_nearest(fake[fake_cell == cell], own), to_nearest(test[test_cell == cell], own)
        m, n = len(q), len(p)
        u = (q[:, None] > p).sum() + (q[:, None] == p).sum() / 2
        z = (u - m * n / 2) / (m * n * (m + n + 1) / 12)
        if m / len(fake) >= tau:
            scores.append(z)
            weights.append(n / len(test))
    return np.average(scores, weights=weights)


@wrong("05.5", "the 1 in m + n + 1")
def data_copying(fake, fake_cell, train, train_cell, test, test_cell, tau):
    def to_nearest(points, references):
        return np.linalg.norm(points[:, None] - references, axis=2).min(axis=1)

    scores, weights = [], []
    for cell in np.unique(test_cell):
        own = train[train_cell == cell]
        q, p = to_nearest(fake[fake_cell == cell], own), to_nearest(test[test_cell == cell], own)
        m, n = len(q), len(p)
        u = (q[:, None] > p).sum() + (q[:, None] == p).sum() / 2
        z = (u - m * n / 2) / np.sqrt(m * n * (m + n) / 12)
        if m / len(fake) >= tau:
            scores.append(z)
            weights.append(n / len(test))
    return np.average(scores, weights=weights)


@wrong("05.5", "you counted 0")
def data_copying(fake, fake_cell, train, train_cell, test, test_cell, tau):
    def to_nearest(points, references):
        return np.linalg.norm(points[:, None] - references, axis=2).min(axis=1)

    scores, weights = [], []
    for cell in np.unique(test_cell):
        own = train[train_cell == cell]
        q, p = to_nearest(fake[fake_cell == cell], own), to_nearest(test[test_cell == cell], own)
        m, n = len(q), len(p)
        u = (q[:, None] > p).sum()
        z = (u - m * n / 2) / np.sqrt(m * n * (m + n + 1) / 12)
        if m / len(fake) >= tau:
            scores.append(z)
            weights.append(n / len(test))
    return np.average(scores, weights=weights)


@wrong("05.5", "you counted 1")
def data_copying(fake, fake_cell, train, train_cell, test, test_cell, tau):
    def to_nearest(points, references):
        return np.linalg.norm(points[:, None] - references, axis=2).min(axis=1)

    scores, weights = [], []
    for cell in np.unique(test_cell):
        own = train[train_cell == cell]
        q, p = to_nearest(fake[fake_cell == cell], own), to_nearest(test[test_cell == cell], own)
        m, n = len(q), len(p)
        u = (q[:, None] >= p).sum()
        z = (u - m * n / 2) / np.sqrt(m * n * (m + n + 1) / 12)
        if m / len(fake) >= tau:
            scores.append(z)
            weights.append(n / len(test))
    return np.average(scores, weights=weights)


@wrong("05.5", "sought in all cells")
def data_copying(fake, fake_cell, train, train_cell, test, test_cell, tau):
    def to_nearest(points, references):
        return np.linalg.norm(points[:, None] - references, axis=2).min(axis=1)

    scores, weights = [], []
    for cell in np.unique(test_cell):
        own = train
        q, p = to_nearest(fake[fake_cell == cell], own), to_nearest(test[test_cell == cell], own)
        m, n = len(q), len(p)
        u = (q[:, None] > p).sum() + (q[:, None] == p).sum() / 2
        z = (u - m * n / 2) / np.sqrt(m * n * (m + n + 1) / 12)
        if m / len(fake) >= tau:
            scores.append(z)
            weights.append(n / len(test))
    return np.average(scores, weights=weights)


@wrong("05.5", "`train` and `test` are exchanged")
def data_copying(fake, fake_cell, train, train_cell, test, test_cell, tau):
    def to_nearest(points, references):
        return np.linalg.norm(points[:, None] - references, axis=2).min(axis=1)

    train, train_cell, test, test_cell = test, test_cell, train, train_cell
    scores, weights = [], []
    for cell in np.unique(test_cell):
        own = train[train_cell == cell]
        q, p = to_nearest(fake[fake_cell == cell], own), to_nearest(test[test_cell == cell], own)
        m, n = len(q), len(p)
        u = (q[:, None] > p).sum() + (q[:, None] == p).sum() / 2
        z = (u - m * n / 2) / np.sqrt(m * n * (m + n + 1) / 12)
        if m / len(fake) >= tau:
            scores.append(z)
            weights.append(n / len(test))
    return np.average(scores, weights=weights)


@wrong("05.5", "the cells are not used")
def data_copying(fake, fake_cell, train, train_cell, test, test_cell, tau):
    def to_nearest(points):
        return np.linalg.norm(points[:, None] - train, axis=2).min(axis=1)

    q, p = to_nearest(fake), to_nearest(test)
    m, n = len(q), len(p)
    u = (q[:, None] > p).sum() + (q[:, None] == p).sum() / 2
    return (u - m * n / 2) / np.sqrt(m * n * (m + n + 1) / 12)


def by_cells(of_pairs, fake, fake_cell, train, train_cell, test, test_cell, tau):
    total = found = 0.0
    for cell in np.unique(test_cell):
        own = train[train_cell == cell]
        q, p = (
            of_pairs(np.linalg.norm(x[:, None] - own, axis=2))
            for x in (fake[fake_cell == cell], test[test_cell == cell])
        )
        m, n, share = len(q), len(p), np.mean(test_cell == cell)
        u = (q[:, None] > p).sum() + (q[:, None] == p).sum() / 2
        if np.mean(fake_cell == cell) >= tau:
            found, total = found + share * (u - m * n / 2) / np.sqrt(m * n * (m + n + 1) / 12), total + share
    return found / total


@wrong("05.5", "all distances to the training")
def data_copying(*arguments):
    return by_cells(np.ravel, *arguments)


@wrong("05.5", "the mean distance to the training")
def data_copying(*arguments):
    return by_cells(lambda d: d.mean(axis=1), *arguments)
