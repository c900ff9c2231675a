"""Formulas, inputs and judges for the exercises of chapter 11: paths, guidance, bounds, steps."""

import numpy as np

from aigc_course.checks.formulas import sigmoid, softplus

__all__ = [
    "bits",
    "bound_cases",
    "clipped",
    "clock_cases",
    "code_kl",
    "ddpm_cases",
    "heun",
    "judge_clock",
    "judge_finite",
    "loss_of_steps",
    "of_ddpm",
    "steered",
    "two_step",
    "walk_cases",
    "wish_cases",
]


def ddpm_cases(rng):
    """(x (B, F), guess of its noise (B, F), alpha_bar (B,)): nearly all noise and nearly all picture among them."""
    cases = []
    for shape in ((1, 1), (4, 3), (4, 3), (6, 2), (5, 8)):
        clean, noise = rng.uniform(-1, 1, shape), rng.normal(0, 1, shape)
        share = rng.uniform(0.02, 0.98, shape[0])
        share[:2] = rng.permutation([0.003, 0.9995])[: shape[0]]
        x = np.sqrt(share)[:, None] * clean + np.sqrt(1 - share)[:, None] * noise
        cases.append((x, noise + rng.normal(0, 0.2, shape), share))  # no network guesses the noise exactly
    return cases


def of_ddpm(x, noise, share, root=np.sqrt, time=None, place=None, speed=None):
    """(time, place, velocity) of the straight path; what is given instead of a formula is a mistake."""
    alpha, sigma = root(share)[:, None], root(1 - share)[:, None]
    clean = (x - sigma * noise) / alpha
    return (
        (time(alpha, sigma) if time else alpha / (alpha + sigma))[:, 0],
        place(alpha, sigma) if place else x / (alpha + sigma),
        speed(clean, alpha, sigma) if speed else clean - noise,
    )


def wish_cases(rng):
    """(untold (B, F), told (K, B, F), weights (K,)): wishes above and below 1, refusals."""
    weights = [
        [rng.uniform(1.5, 4)],
        rng.permutation([*rng.uniform(0.5, 3, 2), -rng.uniform(0.3, 1)]),
        rng.permutation([rng.uniform(0.5, 3), *-rng.uniform(0.2, 1, 2)]),
        rng.uniform(-1.5, 2, 4),
        [-rng.uniform(0.5, 2)],
        [0.0, rng.uniform(1, 3)],
    ]
    shapes = ((3, 2), (4, 3), (4, 3), (1, 5), (2, 1), (5, 2))
    return [
        (rng.normal(0, 1, shape), rng.normal(0, 1, (len(some), *shape)), np.array(some, dtype=float))
        for some, shape in zip(weights, shapes, strict=True)
    ]


def steered(untold, told, weights):
    return untold + np.tensordot(weights, told - untold, axes=1)


def bound_cases(rng):
    """(ink, logits (B, P), then mean and log variance of q and of the prior, (B, F) each). Shares of ink are 0, 1 or
    between; one case has logits of ±60 on the wrong side too, one of ±900."""
    cases = []
    for batch, pixels, codes, wide in ((3, 12, 4, 2), (3, 12, 4, 4), (1, 30, 1, 3), (4, 20, 6, 60), (2, 9, 3, 900)):
        ink = np.clip(rng.uniform(-0.5, 1.5, (batch, pixels)), 0, 1)
        logits = rng.normal(0, min(wide, 4), (batch, pixels))
        if wide > 4:
            ink[:, :6] = [0, 1, 1, 0, 1, 0.5]
            logits[:, :5] = wide * np.array([-1, 1, 1, -1, -1 if wide < 100 else 1])
        q, prior = ([rng.normal(0, 1.2, (batch, codes)), rng.uniform(-3, 1, (batch, codes))] for _ in range(2))
        cases.append((ink, logits, *q, *prior))
    return cases


def _ink(ink, logits):
    """Cross-entropy of each pixel in nats: softplus(l) - ink l."""
    return softplus(logits) - ink * logits


def clipped(ink, logits, least=1e-7):
    """The same from shares that stay `least` away from 0 and 1, as Keras does it."""
    share = np.clip(sigmoid(logits), least, 1 - least)
    return -(ink * np.log(share) + (1 - ink) * np.log1p(-share))


def code_kl(mean, log, prior_mean, prior_log, variance=np.exp):
    """KL of Gaussians for each number of the code, in nats."""
    ratio = (variance(log) + (mean - prior_mean) ** 2) / variance(prior_log)
    return 0.5 * (ratio - 1 + prior_log - log)


def bits(ink, logits, *code, pixel=_ink, kl=code_kl, add=np.sum, weight=1.0):
    """-ELBO in bits a pixel; the options are mistakes."""
    nats = pixel(ink, logits).sum(axis=1) + weight * add(kl(*code), axis=1)
    return nats / (ink.shape[1] * np.log(2))


def judge_finite(cases, values):
    """NaN and infinity, each with its usual cause."""
    found = np.concatenate([np.ravel(value) for (value,) in values])
    if np.isnan(found).any():
        return (
            "NaN: a sigmoid of a large logit is exactly 0 or 1, and 0 times log 0 is NaN. Compute the cross-entropy "
            "from the logits themselves."
        )
    if np.isinf(found).any():
        return "infinity: exp of a large logit overflows. Write softplus so that exp meets no large positive number."
    return None


def walk_cases(rng):
    """(x (B, F), times (n + 1,), A (F, F), b (F,)): uneven steps, one step alone, two cases of one shape."""
    cases = []
    for batch, features, n in ((3, 2, 5), (3, 2, 5), (1, 1, 1), (4, 3, 2), (2, 4, 8), (5, 2, 3)):
        gaps = rng.uniform(0.05, 0.3, n) * rng.choice([0.5, 1.0, 2.0], n)
        rates = rng.normal(0, 0.8, (features, features))
        cases.append(
            (rng.normal(0, 1, (batch, features)), np.append(0, gaps.cumsum()), rates, rng.normal(0, 2, features))
        )
    return cases


def _share_of_change(now, before):
    """How much of the change of the velocity a step adds: half of its own length over the last one's."""
    return now / (2 * before)


def two_step(x, times, rates, drift, start=True, share=_share_of_change, sign=1.0, first_old=False):
    """Adams-Bashforth with two velocities; the options are mistakes."""
    x, old, before = np.asarray(x, dtype=float), None, None
    for t, h in zip(times[:-1], np.diff(times), strict=True):
        speed = x @ rates + t * drift
        if old is not None:
            x = x + h * (speed + sign * share(h, before) * (speed - old))
        elif start:
            x = x + h * speed
        old, before = speed if old is None or not first_old else old, h
    return x


def heun(x, times, rates, drift, only_first=False):
    """Two velocities in each step; with `only_first` in the first one alone."""
    old = None
    for i, h in enumerate(np.diff(times)):
        here = x @ rates + times[i] * drift
        moved = x + h * here
        if only_first and i:
            x, old = x + h * (here + h / (2 * (times[i] - times[i - 1])) * (here - old)), here
        else:
            x, old = x + h * (here + moved @ rates + times[i + 1] * drift) / 2, here
    return x


def clock_cases(rng):
    """(n, s): narrow and wide data, and two widths for one n."""
    n = [int(some) for some in rng.integers(10, 41, 4)]
    s = [rng.uniform(0.02, 0.022), rng.uniform(0.18, 0.2), *rng.uniform(0.03, 0.15, 2)]
    return [(int(count), float(width)) for count, width in rng.permutation([*zip(n, s, strict=True), (n[0], s[1])])]


def loss_of_steps(times, s):
    """The share of the width that each Euler step loses against the exact flow, (n,); in the end `1 - prod(1 - it)`."""
    t, h = times[:-1], np.diff(times)
    factor = 1 + h * (t * s**2 - (1 - t)) / ((1 - t) ** 2 + (t * s) ** 2)
    exact = np.sqrt((1 - times) ** 2 + (times * s) ** 2)
    return 1 - factor * exact[:-1] / exact[1:]


def judge_clock(cases, values):
    """Times from 0 to 1 that rise, and a width at the end that is right within 1.8 / n."""
    clocks = []
    for (n, s), (got,) in zip(cases, values, strict=True):
        if got.shape != (n + 1,):
            return f"n = {n} steps have n + 1 = {n + 1} times, both ends included; an array of shape {got.shape} came."
        times = got.real.astype(float)
        if not np.isfinite(times).all():
            return "some times are NaN or infinite. What does your formula give at t = 1?"
        if abs(times[0] - 1) < 1e-6 and abs(times[-1]) < 1e-6:
            return "your clock runs from 1 to 0, as DDPM counts. Here noise is at 0 and data at 1."
        if abs(times[0]) > 1e-6 or abs(times[-1] - 1) > 1e-6:
            return f"the clock goes from {times[0]:.4g} to {times[-1]:.4g}: the first time must be 0, the last one 1."
        if (np.diff(times) <= 0).any():
            return "the times do not rise from each to the next: a step without length, or one back."
        clocks.append((n, s, times))
    if all(np.allclose(times, np.linspace(0, 1, n + 1), atol=1e-6) for n, _, times in clocks):
        return "those are even steps. The velocity turns within a time of about s before the end, and hardly elsewhere."
    faults = [(n, s, times, _error(times, s)) for n, s, times in clocks if _error(times, s) > 1.8 / n]
    if not faults:
        return None
    if all(_error(1 - times[::-1], s) <= 1.8 / n for n, s, times in clocks):
        return (
            "the right steps at the wrong end: where all is noise the velocity hardly changes. Short steps belong to 1."
        )
    if any(n == m and s != r and np.array_equal(a, b) for n, s, a in clocks for m, r, b in clocks):
        return (
            "the same clock came for two widths s: steps that are right for one are long for the other. The "
            "velocity turns within a time of about s before the end."
        )
    n, s, times, error = faults[0]
    losses = loss_of_steps(times, s)
    worst = int(losses.argmax())
    where = {0: "the first step", n - 1: "the last step"}.get(worst, "the step")
    said = f"n = {n}, s = {s:.3f}: the width ends {error:.1%} too small; {1.8 / n:.1%} is allowed. "
    alone = f"{where.capitalize()} from {times[worst]:.4g} to {times[worst + 1]:.4g} alone loses {losses[worst]:.1%}"
    if worst == n - 1:
        return f"{said}{alone}: it jumps over the place where the velocity turns. Bring more times close to 1."
    if worst == 0:
        return f"{said}{alone}: the later steps are shorter than they need be. Give the beginning more of them."
    return f"{said}{alone}: give that region more times, and take them where a step loses next to nothing."


def _error(times, s):
    """Relative error of the width at the end."""
    return abs(1 - np.prod(1 - loss_of_steps(times, s)))
