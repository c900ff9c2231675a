"""Formulas and inputs for the exercises of chapter 15: a step under the roofline, a ring, a budget, a law."""

import numpy as np

__all__ = ["best_spend", "budget_cases", "law_cases", "law_of", "ring_cases", "ring_of", "roof_cases", "roof_of"]


def roof_cases(rng):
    """(work (K, 2): FLOPs and bytes of layers one behind the other, P, M): on both sides of the ridge."""
    cases = []
    for count in (1, 2, 6, 9, 6):  # two of one size: an answer by shape is none
        p, m = 10 ** rng.uniform(11, 14), 10 ** rng.uniform(10, 12)
        moved = 10 ** rng.uniform(5, 9, count)
        intensity = p / m * 10 ** (rng.uniform(0.3, 1.3, count) * rng.permutation(np.resize([-1, 1], count)))
        cases.append((np.stack([intensity * moved, moved], axis=1), p, m))
    cases[-1][0][0] = 0.0, cases[-1][0][:, 1].sum()  # a layer without products, the heaviest for the memory
    return cases


def roof_of(work, p, m, each=np.maximum, add=np.sum):
    """Seconds of all layers; what is given instead of `each` or `add` is a mistake."""
    return add(each(work[:, 0] / p, work[:, 1] / m))


def ring_cases(rng):
    """(bytes, devices, bytes/s, seconds a message): one device, two, many; short and long vectors."""
    return [
        (
            float(10 ** rng.uniform(*((3, 5) if p == 1 else (5, 9)))),
            int(p),
            float(10 ** rng.uniform(8, 11)),
            float(10 ** rng.uniform(-5, -4)),
        )
        for p in (1, 2, rng.integers(3, 9), rng.integers(10, 100), rng.integers(100, 2000))
    ]


def ring_of(size, devices, bandwidth, latency, turns=lambda p: 2 * (p - 1), piece=lambda n, p: n / p, late=None):
    """Seconds of the ring; what is given instead of a part is a mistake."""
    n = turns(devices)
    return n * piece(size, devices) / bandwidth + (n if late is None else late(devices)) * latency


def budget_cases(rng):
    """(A, alpha, B, beta, FLOPs): laws as they are found for language models."""
    return [
        tuple(
            float(x)
            for x in (
                10 ** rng.uniform(1.5, 3.5),
                rng.uniform(0.25, 0.5),
                10 ** rng.uniform(1.5, 3.5),
                rng.uniform(0.25, 0.5),
                10 ** rng.uniform(15, 24),
            )
        )
        for _ in range(5)
    ]


def best_spend(a, alpha, b, beta, flops, ratio=None, power=None, each=6.0, tokens=None):
    """(N, D) of least loss with `each` N D = flops; what is given instead of a part is a mistake."""
    ratio = alpha * a / (beta * b) if ratio is None else ratio(a, alpha, b, beta)
    power = beta / (alpha + beta) if power is None else power(alpha, beta)
    n = ratio ** (1 / (alpha + beta)) * (flops / each) ** power
    return n, (flops / each / n if tokens is None else tokens(n, flops))


def law_cases(rng):
    """(N, D, L, alpha, beta): runs of a law with errors of half a percent, more at the large losses."""
    cases = []
    for runs in (6, 16, 9, 16):
        n, d = 10 ** rng.uniform(4.5, 6.5, runs), 10 ** rng.uniform(5, 7, runs)
        alpha, beta = rng.uniform(0.3, 0.6, 2)
        a, b = rng.uniform(1, 3) * n.mean() ** alpha, rng.uniform(1, 3) * d.mean() ** beta
        loss = (rng.uniform(1.5, 3.5) + a * n**-alpha + b * d**-beta) * (1 + 0.02 * rng.standard_normal(runs))
        cases.append((n, d, loss, float(alpha), float(beta)))
    return cases


def law_of(n, d, loss, alpha, beta, weight=None, target=None, floor=True):
    """(E, A, B) with the least squared relative errors; what is given instead of a part is a mistake."""
    columns = np.stack([np.ones(len(n)) if floor else np.zeros(len(n)), n**-alpha, d**-beta], axis=1)
    weight = 1 / loss if weight is None else weight(loss)
    target = loss if target is None else target(loss)
    scale = np.abs(columns).max(axis=0) + (not floor) * np.array([1.0, 0, 0])  # lstsq drops what looks like nothing
    return np.linalg.lstsq(columns / scale * weight[:, None], target * weight, rcond=None)[0] / scale
