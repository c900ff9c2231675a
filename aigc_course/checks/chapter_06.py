"""Exercises of chapter 06: mode collapse."""

import numpy as np

from aigc_course.checks.exercise import Exercise
from aigc_course.checks.formulas import distances, softplus

__all__ = ["EXERCISES", "counts", "entropy_gap", "quality", "relativistic", "reverse_kl"]


def _mode_cases(rng):
    """(samples (N, 2), centres (k, 2), sigma): modes with unequal shares, one empty, some samples far from all.

    Centres stand near a grid, not on it, and strays may lie where the grid has a place and the modes have none.
    """
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
        cases.append((rng.permutation(samples), centres, sigma))
    return cases


def counts(samples, centres, reach):
    """How many samples within reach are nearest to each centre: (k,)."""
    d = distances(samples, centres)
    return np.bincount(d.argmin(axis=1)[d.min(axis=1) <= reach], minlength=len(centres))


def quality(samples, centres, sigma, reach=3.0):
    return (distances(samples, centres).min(axis=1) <= reach * sigma).mean()


def entropy_gap(shares, k):
    """Σ s log(k s), with 0 log 0 = 0."""
    return np.where(shares > 0, shares * np.log(np.where(shares > 0, shares, 1) * k), 0).sum()


def reverse_kl(samples, centres, sigma):
    found = counts(samples, centres, 3 * sigma)
    return entropy_gap(found / found.sum(), len(centres))


def _hit_only(samples, centres, sigma):
    found = counts(samples, centres, 3 * sigma)
    return entropy_gap(found / found.sum(), (found > 0).sum())


def _judge_empty(cases, values):
    """NaN or infinity: one mode is always empty."""
    if all(np.isnan(v[0]).all() for v in values):
        return "NaN: one mode is empty, and 0 log 0 is 0. Leave the empty modes out of the sum."
    if all(np.isinf(v[0]).all() for v in values):
        return (
            "infinity: that is the forward KL(uniform ‖ shares), infinite as soon as one mode is empty. "
            "The reverse one was asked for."
        )
    return None


def _penalty_cases(rng):
    """(A (2, 2) symmetric, b (2,), real (B, 2), fake (B, 2), share (B, 1)): critic x A x / 2 + b x."""
    cases = []
    for n in (1, 6, 10, int(rng.integers(3, 9)), 10):
        a = rng.normal(0, 1, (2, 2)) * (0.15 if n == 6 else 1.0)  # one critic that is too flat
        floats = (
            a + a.T,
            rng.normal(0, 1 if n != 6 else 0.3, 2),
            rng.normal(2, 1, (n, 2)),
            rng.normal(-1, 1, (n, 2)),
            rng.random((n, 1)),
        )
        cases.append(tuple(part.astype("float32") for part in floats))
    return cases


def _slopes(a, b, x):
    """Gradient of x A x / 2 + b x at points x (B, 2)."""
    return x.astype(float) @ a + b


def _length(slope):
    return np.sqrt((slope**2).sum(axis=1))


def _penalty(slope):
    return ((_length(slope) - 1) ** 2).mean()


def _gradient_penalty(a, b, real, fake, share):
    return _penalty(_slopes(a, b, share * real + (1 - share) * fake))


def _pair_cases(rng):
    """(real_logits (B, 1), fake_logits (B, 1))."""
    return [(rng.normal(0.6, 1.5, (n, 1)), rng.normal(-0.3, 1.5, (n, 1))) for n in (2, 5, 9, 5, 1)]


def relativistic(real, fake):
    return softplus(fake - real).mean(), softplus(real - fake).mean()


def _blind_cases(rng):
    """(centres (k, 2), sigma, n), n a multiple of k."""
    cases = []
    for k, each in zip(rng.permutation([8, 5, 9, 3, 1]), (25, 40, *rng.integers(2, 30, 2), 1), strict=True):
        centres = rng.permutation([(i % 4, i // 4) for i in range(12)])[:k] * 1.5 + rng.normal(0, 0.1, (k, 2))
        cases.append((centres, float(rng.uniform(0.02, 0.08)), int(k * each)))
    return cases


def _judge_blind(cases, values):
    """Perfect by the three numbers, and yet one point a mode."""
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
        if distinct > len(centres):
            return (
                f"{distinct} different points for {len(centres)} modes: one point a mode was asked for. Make a "
                "generator that has learnt next to nothing and still scores full marks."
            )
    return None


EXERCISES = (
    Exercise(
        key="06.1",
        function="high_quality_share",
        title="High quality",
        points=1,
        checked="four sets of samples with stray ones among them",
        cases=_mode_cases,
        expected=quality,
        hints=(
            ("the reach is one sigma; the protocol takes three.", lambda x, c, s: quality(x, c, s, 1.0)),
            (
                "a sample is good if it is near *any* centre. You asked for all, or for the farthest.",
                lambda x, c, s: (distances(x, c).max(axis=1) <= 3 * s).mean(),
            ),
            (
                "squared distances were compared with 3 sigma: square both, or none.",
                lambda x, c, s: (distances(x, c).min(axis=1) ** 2 <= 3 * s).mean(),
            ),
            (
                "you looked at each axis by itself: a square of side 6 sigma is larger than the circle.",
                lambda x, c, s: (np.abs(x[:, None] - c).max(-1).min(1) <= 3 * s).mean(),
            ),
            ("that is the share of stray samples.", lambda x, c, s: 1 - quality(x, c, s)),
            ("that is a number of samples; the share was asked for.", lambda x, c, s: quality(x, c, s) * len(x)),
            (
                "you averaged over all pairs of sample and centre: each sample counts once.",
                lambda x, c, s: (distances(x, c) <= 3 * s).mean(),
            ),
            ("the reach is 3, in units of the plane; it is 3 sigma.", lambda x, c, s: quality(x, c, 1.0)),
        ),
    ),
    Exercise(
        key="06.2",
        function="reverse_kl",
        title="Balance of the modes",
        points=2,
        checked="four sets of samples, each with an empty mode and stray samples",
        cases=_mode_cases,
        expected=reverse_kl,
        special=_judge_empty,
        hints=(
            (
                "stray samples were counted for the mode nearest to them. Only those within 3 sigma count.",
                lambda x, c, s: entropy_gap(counts(x, c, np.inf) / len(x), len(c)),
            ),
            ("compared with equal shares of the modes that were *hit*: total collapse would score 0.", _hit_only),
            (
                "the shares do not add up to 1: divide by the number of good samples, not of all.",
                lambda x, c, s: entropy_gap(counts(x, c, 3 * s) / len(x), len(c)),
            ),
            ("in bits: log2. This course measures in nats.", lambda x, c, s: reverse_kl(x, c, s) / np.log(2)),
            (
                "that is the entropy of the shares. Subtract it from log k.",
                lambda x, c, s: np.log(len(c)) - reverse_kl(x, c, s),
            ),
            ("the sign: a KL divergence is never negative.", lambda x, c, s: -reverse_kl(x, c, s)),
            (
                "averaged over the modes: a KL is a sum, weighted by the shares.",
                lambda x, c, s: reverse_kl(x, c, s) / len(c),
            ),
        ),
    ),
    Exercise(
        key="06.3",
        function="gradient_penalty",
        title="A leash for the critic",
        points=3,
        checked="the penalty of five critics whose slope is known in closed form",
        cases=_penalty_cases,
        expected=_gradient_penalty,
        how="with_critic",
        rtol=2e-3,
        atol=1e-4,
        hints=(
            (
                "the slope was taken at the real samples. The penalty is asked for between real and fake.",
                lambda a, b, r, f, e: _penalty(_slopes(a, b, r)),
            ),
            (
                "the slope was taken at the generated samples. The penalty is asked for between real and fake.",
                lambda a, b, r, f, e: _penalty(_slopes(a, b, f)),
            ),
            (
                "the slope was taken half-way; `share` says where.",
                lambda a, b, r, f, e: _penalty(_slopes(a, b, (r + f) / 2)),
            ),
            (
                "the mean came first: each sample's length is compared with 1, then comes the mean.",
                lambda a, b, r, f, e: (_length(_slopes(a, b, e * r + (1 - e) * f)).mean() - 1) ** 2,
            ),
            (
                "share is the share of the *real* sample: share · real + (1 - share) · fake.",
                lambda a, b, r, f, e: _gradient_penalty(a, b, f, r, e),
            ),
            (
                "the root is missing: the *length* of the slope is compared with 1, not its square.",
                lambda a, b, r, f, e: (((_slopes(a, b, e * r + (1 - e) * f) ** 2).sum(1) - 1) ** 2).mean(),
            ),
            (
                "that is R1's form, |slope|². The 1 is missing: a Wasserstein critic should have slope 1, not 0.",
                lambda a, b, r, f, e: (_slopes(a, b, e * r + (1 - e) * f) ** 2).sum(1).mean(),
            ),
            (
                "one length was taken over the whole batch. Each sample has its own (axis 1).",
                lambda a, b, r, f, e: (np.sqrt((_slopes(a, b, e * r + (1 - e) * f) ** 2).sum()) - 1) ** 2,
            ),
            (
                "each coordinate was compared with 1. First the length over the coordinates, then - 1.",
                lambda a, b, r, f, e: ((np.abs(_slopes(a, b, e * r + (1 - e) * f)) - 1) ** 2).mean(),
            ),
            (
                "you added up over the batch; the penalty is a mean.",
                lambda a, b, r, f, e: _gradient_penalty(a, b, r, f, e) * len(r),
            ),
            (
                "slopes below 1 go free: that is the one-sided penalty. (|slope| - 1)² was asked for, on both sides.",
                lambda a, b, r, f, e: (np.maximum(_length(_slopes(a, b, e * r + (1 - e) * f)) - 1, 0) ** 2).mean(),
            ),
            (
                "the weight 10 is in it: the penalty itself was asked for, the loss multiplies it.",
                lambda a, b, r, f, e: 10 * _gradient_penalty(a, b, r, f, e),
            ),
            (
                "1 was subtracted from each coordinate of the slope. First the length over the coordinates, then - 1.",
                lambda a, b, r, f, e: ((_slopes(a, b, e * r + (1 - e) * f) - 1) ** 2).mean(),
            ),
            (
                "that is the slope of the *mean* score, each sample's divided by the batch size. Sum the scores.",
                lambda a, b, r, f, e: _penalty(_slopes(a, b, e * r + (1 - e) * f) / len(r)),
            ),
            (
                "the outer square is missing: slopes below 1 would be rewarded.",
                lambda a, b, r, f, e: (np.sqrt((_slopes(a, b, e * r + (1 - e) * f) ** 2).sum(1)) - 1).mean(),
            ),
        ),
    ),
    Exercise(
        key="06.4",
        function="relativistic_losses",
        title="Relativistic pairs",
        points=2,
        checked="both losses for five batches",
        cases=_pair_cases,
        expected=relativistic,
        outputs=2,
        hints=(
            ("the two losses are exchanged: D wants D(x) - D(G(z)) large.", lambda r, f: relativistic(f, r)),
            (
                "you took the difference of the means. Each real meets the fake beside it: loss first, then the mean.",
                lambda r, f: (softplus(f.mean() - r.mean()), softplus(r.mean() - f.mean())),
            ),
            (
                "each sample was compared with the *mean* of the others: that is the averaged variant (RaGAN).",
                lambda r, f: (softplus(f.mean() - r).mean(), softplus(r.mean() - f).mean()),
            ),
            (
                "every real was compared with every fake (B × B pairs). Pairs are those of the same place.",
                lambda r, f: (softplus(f.T - r).mean(), softplus(r.T - f).mean()),
            ),
            (
                "those are the losses of the plain GAN: the logits are not compared with each other.",
                lambda r, f: (softplus(-r).mean() + softplus(f).mean(), softplus(-f).mean()),
            ),
            (
                "you added up over the batch; the losses are means.",
                lambda r, f: tuple(v * len(r) for v in relativistic(r, f)),
            ),
            (
                "the sign: log σ is negative, a loss is its negative.",
                lambda r, f: tuple(-v for v in relativistic(r, f)),
            ),
            (
                "those are differences of logits; -log σ of them is missing.",
                lambda r, f: ((f - r).mean(), (r - f).mean()),
            ),
            (
                "σ of the difference without the logarithm.",
                lambda r, f: ((1 / (1 + np.exp(r - f))).mean(), (1 / (1 + np.exp(f - r))).mean()),
            ),
        ),
    ),
    Exercise(
        key="06.5",
        function="blind_spot",
        title="Design: fool the metrics",
        points=3,
        checked="five sets of centres: all modes, all points of high quality, reverse KL 0, and one point a mode",
        cases=_blind_cases,
        judge=_judge_blind,
    ),
)
