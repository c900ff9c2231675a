"""The minimax game in NumPy: inputs, formulas and known mistakes for the exercises of chapter 02."""

import itertools

import numpy as np

from aigc_course.checks.formulas import sigmoid, softplus

__all__ = [
    "ODDS",
    "best",
    "d_loss",
    "density_cases",
    "dirac_cases",
    "distribution_cases",
    "eigenvalues",
    "entropy",
    "generator_slopes",
    "jsd",
    "jsd_on_overlap",
    "judge_divergence",
    "judge_network",
    "judge_root",
    "judge_slopes",
    "kl",
    "loss_and_slopes",
    "network_cases",
    "slope_cases",
    "update_eigenvalues",
]

ODDS = 3.0  # real images for each fake in the batches of 02.1


def density_cases(rng):
    """(p_data (N,), p_g (N,)), positive, of different scale, two pairs of one length."""
    return [
        (rng.uniform(0.05, 1.0, n) * a, rng.uniform(0.05, 1.0, n) * b)
        for n, a, b in ((1, 1, 1), (5, 1, 2), (8, 3, 1), (6, 0.1, 0.2), (5, 2, 1), (int(rng.integers(9, 30)), 1, 1))
    ]


def best(p, q, odds=ODDS):
    """The best discriminator where `odds` real images come for each fake."""
    return odds * p / (odds * p + q)


def distribution_cases(rng):
    """(p (N,), q (N,), share): distributions, some with zeros, two pairs without overlap; shares on both sides of ½."""
    shares = rng.permutation([*rng.uniform(0.1, 0.42, 4), *rng.uniform(0.58, 0.9, 4)])
    cases = [tuple(rng.dirichlet(np.ones(n), 2)) for n in (2, 5, 9, 5, 40)]
    p, q = rng.dirichlet(np.ones(6), 2)
    places = rng.permutation(6)
    p[places[:2]] = q[places[3:5]] = 0.0
    cases.append((p / p.sum(), q / q.sum()))
    for n in (3, int(rng.integers(4, 9))):
        p, q = rng.dirichlet(np.ones(n), 2)
        places = rng.permutation(n)
        p[places[n // 2 :]] = q[places[: n // 2]] = 0.0
        cases.append((p / p.sum(), q / q.sum()))
    return [(*case, float(share)) for case, share in zip(cases, shares, strict=True)]


def kl(p, q):
    """Σ p log(p / q) with 0 log 0 = 0, in nats."""
    return np.where(p > 0, p * np.log(np.where(p > 0, p, 1) / np.where(p > 0, q, 1)), 0.0).sum()


def jsd(p, q, share):
    m = share * p + (1 - share) * q
    return share * kl(p, m) + (1 - share) * kl(q, m)


def jsd_on_overlap(p, q, share):
    """The mistake to sum only over places where neither p nor q is 0."""
    there = (p > 0) & (q > 0)
    return jsd(p[there], q[there], share)


def entropy(share):
    return -share * np.log(share) - (1 - share) * np.log(1 - share)


def judge_divergence(cases, values):
    """What no other formula explains: NaN at zeros, then a safety number that is too large."""
    full = [(p > 0).all() and (q > 0).all() for p, q, _ in cases]
    right = [_close(v[0], jsd(*case)) for case, v in zip(cases, values, strict=True)]
    finite = [bool(np.isfinite(v[0]).all()) for v in values]
    if all(fits if whole else not fine for fits, whole, fine in zip(right, full, finite, strict=True)):
        return (
            "right up to 0 log 0, which is 0 and not NaN: in each KL leave out the places where its *first* one is 0."
        )
    if all(finite) and all(np.size(v[0]) == 1 for v in values):
        near = [abs(float(np.ravel(v[0])[0]) - jsd(*case)) for case, v in zip(cases, values, strict=True)]
        if max(near) < 0.1 and any(near) and _has_safety_number(cases, values):
            return (
                "a number was added within the logarithm, or to the probabilities, so that no zero is met: it is large "
                "enough to change the answer. Leave out the places where p (or q) is 0 instead; then nothing is added."
            )
    return None


def _has_safety_number(cases, values):
    """True if some epsilon, in one of the usual places, explains all values within two per cent of their error."""
    ways = (
        lambda p, q, m, w, e: (p * np.log(p / m + e), q * np.log(q / m + e)),
        lambda p, q, m, w, e: (p * np.log((p + e) / (m + e)), q * np.log((q + e) / (m + e))),
        lambda p, q, m, w, e: (p * np.log((p + e) / m), q * np.log((q + e) / m)),
        lambda p, q, m, w, e: (p * np.log(p / (m + e) + e), q * np.log(q / (m + e) + e)),
        lambda p, q, m, w, e: (
            (p + e) * np.log((p + e) / (w * (p + e) + (1 - w) * (q + e))),
            (q + e) * np.log((q + e) / (w * (p + e) + (1 - w) * (q + e))),
        ),
    )
    for way in ways:
        for e in (1e-1, 5e-2, 2e-2, 1e-2, 5e-3, 2e-3, 1e-3, 5e-4, 2e-4, 1e-4, 5e-5, 2e-5, 1e-5, 1e-6):
            found = []
            for p, q, w in cases:
                a, b = way(p, q, w * p + (1 - w) * q, w, e)
                found.append(w * np.nansum(a) + (1 - w) * np.nansum(b))
            if all(_close(v[0], f) for v, f in zip(values, found, strict=True)):
                return True
    return False


def network_cases(rng):
    """(real (B,), fake (C,), w, b, v (H,), c): in the last two the logits are far out, where exp overflows."""
    cases = []
    for n, m, h in ((1, 1, 3), (6, 4, 5), (3, 9, 2), (6, 4, 5), (5, 5, 1), (4, 7, 4)):
        weights = rng.normal(0, 0.8, (3, h))
        cases.append((rng.normal(0, 1.0, n), rng.normal(1.5, 1.0, m), *weights, float(rng.normal(0, 0.5))))
    for sign in (-1, 1):  # all real images taken for fakes; all fakes for real ones
        n, m, h = (int(k) for k in rng.integers(2, 7, 3))
        weights = rng.normal(0, 0.8, (3, h))
        far = float(sign * rng.uniform(780, 900))
        cases.append((rng.normal(0, 1.0, n), rng.normal(1.5, 1.0, m), *weights, far))
    return cases


def d_loss(real, fake):
    return softplus(-np.asarray(real, float)).mean() + softplus(np.asarray(fake, float)).mean()


def loss_and_slopes(real, fake, w, b, v, c, signs=(-1, 1), bend=lambda h: 1 - h**2, mean=lambda n: n, half=1.0):
    """The loss of D(x) = σ(v · tanh(w x + b) + c) and its slopes for w, b, v, c; the options make known mistakes."""
    loss, slopes = 0.0, [0.0] * 4
    for x, sign in zip((real, fake), signs, strict=True):
        if sign == 0:
            continue
        h = np.tanh(np.outer(x, w) + b)
        logit = h @ v + c
        loss = loss + half * softplus(sign * logit).sum() / mean(len(x))
        at_logit = half * sign * sigmoid(sign * logit) / mean(len(x))
        before = np.outer(at_logit, v) * bend(h)
        found = (before * x[:, None]).sum(axis=0), before.sum(axis=0), at_logit @ h, at_logit.sum()
        slopes = [old + new for old, new in zip(slopes, found, strict=True)]
    return (loss, *slopes)


def judge_network(cases, values):
    """What no formula explains: overflow for far logits, a right loss with slopes that are not, another order."""
    right = [loss_and_slopes(*case) for case in cases]
    fits = [[_alike(x, y) for x, y in zip(v, r, strict=True)] for v, r in zip(values, right, strict=True)]
    if all(map(all, fits[:-2])):
        if not all(np.isfinite(part).all() for found in values[-2:] for part in found):
            return (
                "right for small logits, infinite or NaN for a logit of 800: exp overflows there, or a probability "
                "rounds to 0 before its logarithm. Chapter 02, «Why logits», has the form that needs neither."
            )
        return (
            "right for small logits, wrong for a logit of 800: a safety number within the logarithm, or a clipped "
            "sigmoid, hides how wrong D is there. Softplus needs neither."
        )
    turned = [
        _alike(x, -np.asarray(y)) for v, r in zip(values, right, strict=True) for x, y in zip(v[1:], r[1:], strict=True)
    ]
    if all(row[0] for row in fits) and all(turned):
        return "the loss is right, and all slopes have the wrong sign: a slope points to where the loss rises."
    for order in itertools.permutations(range(5)):
        pairs = ((v[i], r[j]) for v, r in zip(values, right, strict=True) for j, i in enumerate(order))
        if all(_alike(x, y) for x, y in pairs):
            return (
                "all five are right, in another order: return the loss, then its slopes for w, b, v, c, in that order."
            )
    return None


def _alike(a, b):
    """Equal numbers in equal number, whatever the shape of a single one."""
    return np.size(a) == np.size(b) and np.allclose(np.ravel(a), np.ravel(b), rtol=1e-4, atol=1e-6)


def _close(a, b):
    return np.size(a) == 1 and bool(np.allclose(np.ravel(a), b, rtol=1e-4, atol=1e-6))


def slope_cases(rng):
    """(logits (N,), target): two sets of one length, one far out on both sides, targets from 0.6 to 0.95."""
    sets = [rng.normal(0.0, 3.0, n) for n in (1, 4, 9, 4, int(rng.integers(10, 40)))]
    sets.append(np.array([-1.0, 0.0, 1.0]) * rng.uniform(5, 9))
    return [(logits, float(target)) for logits, target in zip(sets, rng.uniform(0.6, 0.95, 6), strict=True)]


def generator_slopes(x, t):
    """Slopes with respect to the logit of ½(σ(l) - 1)² and of the cross-entropy with target t."""
    return -sigmoid(x) * sigmoid(-x) ** 2, sigmoid(x) - t


_SLIPS = (  # of the first slope, then of the second: what the mistake is, and what it gives
    (
        (
            "that is the slope with respect to D = σ(l), not to the logit: the factor σ'(l) is missing.",
            lambda x, t: -sigmoid(-x),
        ),
        (
            "σ(1 - σ) is the slope of σ alone, the inner one. The outer one, that of the square, is missing.",
            lambda x, t: sigmoid(x) * sigmoid(-x),
        ),
        ("the sign: the loss falls as the logit rises.", lambda x, t: sigmoid(x) * sigmoid(-x) ** 2),
        (
            "twice too large: the ½ in front cancels the 2 of the square.",
            lambda x, t: -2 * sigmoid(x) * sigmoid(-x) ** 2,
        ),
        ("that is the loss. Its slope was asked for.", lambda x, t: 0.5 * sigmoid(-x) ** 2),
        ("the square is taken of the logit. It is D = σ(l) that is to come near 1.", lambda x, t: x - 1.0),
        (
            "the target 0.9 or the like belongs to the second loss; the square is that of σ(l) - 1.",
            lambda x, t: (sigmoid(x) - t) * sigmoid(x) * sigmoid(-x),
        ),
    ),
    (
        (
            "with target / σ in it, that is the slope with respect to D = σ(l): the factor σ'(l) is missing.",
            lambda x, t: -t / sigmoid(x) + (1 - t) / sigmoid(-x),
        ),
        (
            "-1 / σ is the slope of -log σ with respect to σ: the factor σ'(l) is missing, and so is the target.",
            lambda x, t: -1 / sigmoid(x),
        ),
        (
            "1 / σ came, for a loss with -log σ: mind the sign, and the factor σ'(l), for the logit comes first.",
            lambda x, t: 1 / sigmoid(x),
        ),
        ("that is the slope without smoothing, for the target 1.", lambda x, t: -sigmoid(-x)),
        ("the sign: a logit below the optimum must get a negative slope.", lambda x, t: t - sigmoid(x)),
        ("target and 1 - target are exchanged: -log σ has the weight `target`.", lambda x, t: sigmoid(x) - 1 + t),
        ("the second half of the loss is missing: -(1 - target) log(1 - σ).", lambda x, t: -t * sigmoid(-x)),
        ("that is the loss. Its slope was asked for.", lambda x, t: t * softplus(-x) + (1 - t) * softplus(x)),
    ),
)


def judge_slopes(cases, values):
    """A known mistake in one of the two slopes, the first one first."""
    right = [generator_slopes(*case) for case in cases]
    if all(_alike(v[0], -sigmoid(x)) for (x, _), v in zip(cases, values, strict=True)):
        return None  # both slopes are those of other losses
    for place, name in enumerate(("the first slope", "the second slope")):
        if all(_alike(v[place], r[place]) for v, r in zip(values, right, strict=True)):
            continue
        for words, wrong in _SLIPS[place]:
            if all(_alike(v[place], wrong(*case)) for case, v in zip(cases, values, strict=True)):
                return f"{name}: {words}"
    return None


def dirac_cases(rng):
    """(step size h, R1 weight gamma), γ on both sides of where the eigenvalues turn real; one h and one γ twice."""
    pairs = [(0.2, 0.3), (0.5, 0.7), (0.1, 1.7), (0.4, 0.0), (0.3, 2.5)]
    cases = [(h * float(rng.uniform(0.7, 1.3)), g * float(rng.uniform(0.8, 1.15))) for h, g in pairs]
    return [*cases, (cases[0][0], cases[4][1]), (cases[2][0], cases[1][1])]


def eigenvalues(a, b, c, d):
    return np.linalg.eigvals(np.array([[a, b], [c, d]], dtype=complex))


def update_eigenvalues(h, g, slope=0.5, pull=1.0):
    """Both eigenvalues of the update in turn: θ moves, then ψ, which sees the new θ."""
    k = slope * h
    return eigenvalues(1, k, -k, 1 - pull * h * g - k * k)


def judge_root(cases, values):
    """NaN where the eigenvalues are complex, γ + h / 4 < 1: a real root of a negative number."""
    if all(np.isnan(v[0]).any() == (g + h / 4 < 1) for (h, g), v in zip(cases, values, strict=True)):
        return "NaN for small γ: the root of a negative number. There the eigenvalues are complex: np.sqrt(complex(…))."
    return None
