"""Formulas, inputs and judges for the exercises of chapter 06: modes, critics, bins."""

import numpy as np

from aigc_course.checks.formulas import distances, softplus

__all__ = [
    "averaged",
    "bin_cases",
    "bin_scores",
    "blind_cases",
    "blind_share",
    "counts",
    "different_bins",
    "entropy",
    "forward_of_hit",
    "judge_bins",
    "judge_blind",
    "judge_empty",
    "judge_flat",
    "kl",
    "kmeans",
    "length",
    "mode_cases",
    "near",
    "of_hit_only",
    "of_scores",
    "pair_cases",
    "paired",
    "penalty_cases",
    "reverse_kl",
    "slopes",
    "square_cases",
    "trained",
    "two_sided",
    "width",
]

_CUT = 1 - 4.5 * np.exp(-4.5) / (1 - np.exp(-4.5))  # variance of an axis of a Gaussian cut off at 3 sigma, in sigma²


def square_cases(rng):
    """(k, sigma, side): discs of 3 sigma that neither meet nor leave the square."""
    return [(int(k), float(rng.uniform(0.02, 0.1)), float(rng.uniform(6, 12))) for k in rng.permutation([4, 9, 16, 25])]


def blind_share(k, sigma, side, reach=3.0):
    return k * np.pi * (reach * sigma) ** 2 / side**2


def mode_cases(rng):
    """(samples (N, 2), centres (k, 2), sigma, weights (k,)): modes with unequal shares, one empty, some samples far
    from all. Centres stand near a grid, not on it, and strays may lie where the grid has a place and the modes have
    none."""
    cases = []
    for (k, n), sigma in zip(
        rng.permutation([(4, 80), (4, 80), (6, 150), (3, 60)]), (0.1, 0.05, 0.2, 0.0), strict=True
    ):
        sigma = sigma or float(rng.uniform(0.04, 0.15))
        grid = rng.permutation([(i % 3, i // 3) for i in range(9)]) * 2.0
        centres = grid[:k] + rng.normal(0, 0.1, (k, 2))
        full = np.delete(np.arange(k), rng.integers(k))
        samples = centres[rng.choice(full, n, p=rng.dirichlet(np.ones(k - 1)))] + rng.normal(0, 1.5 * sigma, (n, 2))
        samples[: n // 5] += rng.uniform(0.4, 0.8, (n // 5, 2))
        samples[n // 5 : n // 4] = grid[k : k + 2][rng.integers(2, size=n // 4 - n // 5)]
        weights = rng.uniform(0.2, 1.0, k)
        cases.append((rng.permutation(samples), centres, sigma, weights / weights.sum()))
    return cases


def counts(samples, centres, reach):
    """How many samples within reach are nearest to each centre: (k,)."""
    d = distances(samples, centres)
    return np.bincount(d.argmin(axis=1)[d.min(axis=1) <= reach], minlength=len(centres))


def kl(shares, weights):
    """Σ s log(s / w), with 0 log 0 = 0."""
    return np.where(shares > 0, shares * np.log(np.where(shares > 0, shares, 1) / weights), 0).sum()


def reverse_kl(samples, centres, sigma, weights):
    found = counts(samples, centres, 3 * sigma)
    return kl(found / found.sum(), weights)


def of_hit_only(samples, centres, sigma, weights):
    found = counts(samples, centres, 3 * sigma)
    return kl(found / found.sum(), weights / weights[found > 0].sum())


def forward_of_hit(samples, centres, sigma, weights):
    """Σ w log(w / s) over the modes that were hit, the weights as they are."""
    found = counts(samples, centres, 3 * sigma)
    return kl(np.where(found > 0, weights, 0), found / found.sum())


def entropy(samples, centres, sigma, weights):
    found = counts(samples, centres, 3 * sigma)
    return -kl(found / found.sum(), np.ones(len(centres)))


def judge_empty(cases, values):
    """NaN or infinity: one mode is always empty."""
    if all(np.isnan(v[0]).all() for v in values):
        return "NaN: one mode is empty, and 0 log 0 is 0. Leave the empty modes out of the sum."
    if all(np.isinf(v[0]).all() for v in values):
        return (
            "infinity: that is the forward KL(weights ‖ shares), infinite as soon as one mode is empty. "
            "The reverse one was asked for."
        )
    return None


def penalty_cases(rng):
    """(A (2, 2) symmetric, b (2,), real (B, 2), noise (B, 2), target): critic x A x / 2 + b x. One is flatter than
    asked for, one has no slope at all."""
    cases = []
    for n in (1, 6, 10, int(rng.integers(3, 5)), 5, 10):
        a, b = rng.normal(0, 1, (2, 2)), rng.normal(0, 1, 2)
        a, b = (0 * a, 0 * b) if n == 5 else (0.1 * a, 0.2 * b) if n == 6 else (a, b)
        floats = (a + a.T, b, rng.normal(1, 1, (n, 2)), rng.normal(0, 0.7, (n, 2)), rng.uniform(1.2, 1.8))
        cases.append(tuple(np.asarray(part, dtype="float32") for part in floats))
    return cases


def slopes(a, b, x):
    """Gradient of x A x / 2 + b x at points x (B, 2)."""
    return x @ (a + a.T) / 2 + b


def length(slope):
    return np.sqrt((slope**2).sum(axis=1))


def two_sided(slope, target):
    return ((length(slope) - target) ** 2).mean()


def trained(formula):
    """(*case) -> (value, its gradient (6,) with respect to A and b, by central differences)."""

    def both(a, b, *rest):
        a, b, *rest = (np.asarray(part, dtype=np.float64) for part in (a, b, *rest))
        gradient = np.zeros(6)
        for place in range(6):
            step = np.zeros(6)
            step[place] = 1e-5
            up, down = (formula(a + sign * step[:4].reshape(2, 2), b + sign * step[4:], *rest) for sign in (1, -1))
            gradient[place] = (up - down) / 2e-5
        return formula(a, b, *rest), gradient

    return both


def near(formula):
    """`trained` of a formula of (slopes at the real points with noise, target)."""
    return trained(lambda a, b, real, noise, target: formula(slopes(a, b, real + noise), target))


def judge_flat(cases, values):
    """A gradient that is NaN where the critic is flat."""
    if any(np.isfinite(value).all() and not np.isfinite(gradient).all() for value, gradient in values):
        return (
            "the gradient of your penalty with respect to the critic's weights is NaN where the critic is flat: the "
            "root has an infinite slope at 0, and infinity times 0 is NaN. Keep what stands under the root above 0."
        )
    return None


def pair_cases(rng):
    """(real_logits (B, 1), fake_logits (B, 1))."""
    return [(rng.normal(0.6, 1.5, (n, 1)), rng.normal(-0.3, 1.5, (n, 1))) for n in (2, 5, 9, 5, 3)]


def averaged(real, fake):
    """RaGAN (Jolicoeur-Martineau, 2019): each sample against the mean of the other side; D's loss, G's."""
    real_gap, fake_gap = real - fake.mean(), fake - real.mean()
    return softplus(-real_gap).mean() + softplus(fake_gap).mean(), softplus(real_gap).mean() + softplus(
        -fake_gap
    ).mean()


def paired(real, fake):
    return softplus(fake - real).mean(), softplus(real - fake).mean()


def blind_cases(rng):
    """(centres (k, 2), sigma, n), n an even multiple of k."""
    cases = []
    for k, pairs in zip(rng.permutation([8, 5, 9, 3, 1]), (12, 20, *rng.integers(2, 15, 2), 1), strict=True):
        centres = rng.permutation([(i % 4, i // 4) for i in range(12)])[:k] * 1.5 + rng.normal(0, 0.1, (k, 2))
        cases.append((centres, float(rng.uniform(0.02, 0.08)), int(2 * k * pairs)))
    return cases


def width(samples, centres, sigma):
    """Standard deviation within the modes over that of a real mode, high-quality samples only."""
    d = distances(samples, centres)
    nearest, good = d.argmin(axis=1), d.min(axis=1) <= 3 * sigma
    own = [samples[good & (nearest == mode)] for mode in range(len(centres))]
    squares = sum(((part - part.mean(axis=0)) ** 2).sum() for part in own if len(part) > 1)
    return np.sqrt(squares / max(1, sum(2 * (len(part) - 1) for part in own if len(part) > 1)) / _CUT) / sigma


def judge_blind(cases, values):
    """Perfect by the four numbers, and yet two points a mode."""
    for (centres, sigma, n), (got,) in zip(cases, values, strict=True):
        if got.shape != (n, 2):
            return f"n = {n} points (n, 2) were asked for; shape {got.shape} came."
        if not np.isfinite(got).all():
            return "some points are NaN or infinite."
        found = counts(got, centres, 3 * sigma)
        if found.sum() < n:
            return (
                f"{n - found.sum()} of {n} points lie farther than 3 sigma from every centre: the share of high "
                "quality would give you away."
            )
        if (found == 0).any():
            return f"{(found == 0).sum()} modes are empty: the number of modes would give you away."
        if found.max() > found.min():
            return "the modes get unequal shares: the reverse KL would give you away."
        distinct = len(np.unique(np.round(got, 9), axis=0))
        if distinct > 2 * len(centres):
            return (
                f"{distinct} different points for {len(centres)} modes: two points a mode at most were asked for. "
                "Make a generator that has learnt next to nothing and still scores full marks."
            )
        found = width(np.asarray(got, dtype=float), centres, sigma)
        if not 0.99 <= found <= 1.01:
            if found < 1e-6:
                return "the modes have width 0: the fourth number would give you away. Two points a mode can be apart."
            return (
                f"n = {n}, {len(centres)} modes: width {found:.3f} of a real mode's, which would give you away. The "
                "chapter's `coverage` says how it is counted: both axes together, n - 1, cut off at 3 sigma."
            )
    return None


def bin_cases(rng):
    """(real (N, 2), fake (M, 2), start (k, 2), rounds, z): clouds that differ; in one case a bin stays empty."""
    cases = []
    k, n, m = int(rng.integers(4, 7)), *rng.integers(150, 300, 2)
    for rounds in rng.permutation([1, 2, 3, 4]):
        if len(cases) == 2:  # two and two of the same sizes
            k, n, m = int(rng.integers(4, 7)), *rng.integers(150, 300, 2)
        centres = rng.permutation([(i % 3, i // 3) for i in range(9)])[:k] * 2.0
        real = centres[rng.integers(len(centres), size=n)] + rng.normal(0, 0.5, (n, 2))
        fake = centres[rng.choice(len(centres), m, p=rng.dirichlet(np.full(len(centres), 3.0)))]
        start = real[rng.choice(n, len(centres), replace=False)] + rng.normal(0, 0.3, (len(centres), 2))
        if not cases:
            start = np.concatenate([start[:-1], [[60.0, 60.0]]])  # a centre that nothing is nearest to
        fake += rng.normal(0.1, 0.5, (m, 2))
        found = np.sort(np.abs(bin_scores(real, fake, kmeans(real, start, rounds))))
        place = [1, k // 2, k - 1, 2][len(cases)]  # z half-way between two scores, another number of them below it
        cases.append((real, fake, start, int(rounds), float(found[place - 1 : place + 1].mean())))
    return cases


def _shares(points, centres):
    return np.bincount(distances(points, centres).argmin(axis=1), minlength=len(centres)) / len(points)


def kmeans(points, start, rounds):
    """Lloyd's rounds from `start`; a centre without points stays where it is."""
    centres = np.array(start, dtype=float)
    for _ in range(rounds):
        nearest = distances(points, centres).argmin(axis=1)
        for mode in range(len(centres)):
            if (nearest == mode).any():
                centres[mode] = points[nearest == mode].mean(axis=0)
    return centres


def _in_both(p, q, n, m):
    """The share in both samples together."""
    return (n * p + m * q) / (n + m)


def bin_scores(real, fake, centres, pooled=True, pool=_in_both):
    """z scores (k,) of two shares in each bin; 0 in a bin that is empty on both sides. `pool` gives the one share P of
    (p, q, n, m); without `pooled` each share has a variance of its own."""
    (p, n), (q, m) = (_shares(real, centres), len(real)), (_shares(fake, centres), len(fake))
    together = pool(p, q, n, m)
    variance = together * (1 - together) * (1 / n + 1 / m) if pooled else p * (1 - p) / n + q * (1 - q) / m
    return np.where(variance > 0, (q - p) / np.sqrt(np.where(variance > 0, variance, 1)), 0)


def different_bins(real, fake, start, rounds, z):
    """NDB / K and the z scores (Richardson & Weiss, 2018)."""
    scores = bin_scores(real, fake, kmeans(real, start, rounds))
    return (np.abs(scores) > z).mean(), scores


def of_scores(scores, z):
    return (np.abs(scores) > z).mean(), scores


def judge_bins(cases, values):
    if any(not np.isfinite(scores).all() for _, scores in values):
        return "NaN or infinity among the scores: a bin that is empty on both sides has variance 0; its score is 0."
    return None
