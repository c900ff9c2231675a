"""Formulas, inputs and judges for the exercises of chapter 13: clipping, ledgers, attacks, audits."""

import numpy as np

__all__ = [
    "all_of_one_length",
    "auc",
    "audited",
    "caught",
    "confidence_cases",
    "epsilon",
    "gradient_cases",
    "guess_cases",
    "judge_numbers",
    "judge_sign",
    "ledger_cases",
    "lira",
    "logit",
    "odds_of",
    "one_variance",
    "over_quantile",
    "private_mean",
    "score_cases",
    "shared_variance",
    "short",
    "tail_of",
    "tighter",
    "upper",
    "wald",
    "without_only",
]


def gradient_cases(rng):
    """(gradients (N, D), clip, noise (D,), noise multiplier, expected batch): an empty batch, a gradient of zero."""
    cases = []
    for count, size in ((6, 4), (6, 4), (1, 3), (0, 3), (9, 5), (5, 2)):
        clip, lengths = rng.uniform(0.3, 3), rng.permutation(np.geomspace(0.1, 6, max(count, 2)))[:count]
        lengths = np.where(count == 1, 2.5, lengths)
        rows = rng.normal(0, 1, (count, size)) + 0.4
        rows *= (clip * lengths / np.linalg.norm(rows, axis=1))[:, None]
        if count == 9:
            rows[rng.integers(9)] = 0.0
        numbers = rng.uniform(0.5, 0.9) if rng.integers(2) else rng.uniform(1.1, 3)
        batch = count + float(rng.choice([-0.25, 0.25])) * max(count, 8) + 3.0
        cases.append((rows, float(clip), rng.normal(0, 1, size), float(numbers), float(batch)))
    return cases


def short(rows, clip):
    """Each row shortened to the length `clip` at most."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows * np.minimum(1, clip / np.maximum(lengths, 1e-300))


def private_mean(rows, clip, noise, multiplier, batch, total=None, scale=None):
    """DP-SGD's noisy mean (Abadi et al. 2016); another `total` or `scale` of the noise is a mistake."""
    total = short(rows, clip).sum(axis=0) if total is None else total
    return (total + (multiplier * clip if scale is None else scale) * noise) / batch


def all_of_one_length(g, c):
    """Short gradients are made longer."""
    return c * g / np.maximum(np.linalg.norm(g, axis=1, keepdims=True), 1e-300)


def judge_numbers(cases, values):
    """NaN: an empty batch, or a gradient of length 0."""
    for (rows, *_), (got,) in zip(cases, values, strict=True):
        if not np.isfinite(got).all():
            if len(rows) == 0:
                return (
                    "NaN for a batch without examples, which Poisson sampling may draw: you divide by the number of "
                    "gradients. Sum them up, and divide the sum by the expected batch, nowhere else."
                )
            return "NaN: some gradient has length 0, and 0 / 0 follows. It is short enough: leave it as it is."
    return None


def ledger_cases(rng):
    """(orders (A,), RDP of one step (A,), steps, delta): the best order lies inside; one RDP is infinite."""
    cases = []
    for count in (12, 12, 30, 8, 20):
        orders = np.sort(np.append(rng.uniform(1.1, 40, count - 3), [1.5, *rng.uniform(45, 64, 2)]))
        steps = int(rng.integers(150, 3000))
        rdp = rng.uniform(0.06, 0.5) / steps * orders * (1 + (orders / rng.uniform(15, 25)) ** 2)
        if count == 30:
            rdp[-1] = np.inf
        cases.append((orders, rdp, steps, float(10 ** -rng.uniform(4.2, 6.8))))
    return cases


def tail_of(orders, delta):
    """What Mironov (2017, proposition 3) adds for delta."""
    return np.log(1 / delta) / (orders - 1)


def epsilon(orders, rdp, steps, delta, tail=tail_of, best=np.min, composed=np.multiply):
    """Epsilon after so many steps; the options are mistakes."""
    return best(composed(rdp, steps) + tail(orders, delta))


def tighter(a, delta):
    """Canonne, Kamath and Steinke (2020), proposition 12."""
    return np.log1p(-1 / a) - (np.log(delta) + np.log(a)) / (a - 1)


def score_cases(rng):
    """(members (M,), others (N,), false-positive rate): whole allowances and broken ones, none at all, ties."""
    cases = []
    sizes = ((300, 200, 0.05), (300, 200, 0.0325), (400, 100, 0.01), (250, 130, 0.03), (350, 60, 0.01))
    for members, others, rate in (sizes[i] for i in rng.permutation(5)):
        scores = rng.normal(rng.uniform(-3, 3), 1, members + others)
        scores[:members] += 1.5
        cases.append((scores[:members], scores[members:], rate))
    tied = rng.binomial(12, 0.55, 300) + 2.0, rng.binomial(12, 0.4, 400) + 1.0
    return [*cases, (*tied, 0.08), (*(rng.permutation(part) - 8 for part in tied), 0.005)]


def caught(members, others, rate, shift=0, whole=np.floor, above=np.greater):
    """The share of members above the lowest threshold that the others allow; the options are mistakes."""
    allowed = int(whole(rate * len(others))) + shift
    return above(members, np.sort(others)[::-1][allowed]).mean()


def over_quantile(members, others, rate, method="linear"):
    return (members > np.quantile(others, 1 - rate, method=method)).mean()


def auc(members, others, rate=None):
    """Mann and Whitney's share of pairs in the right order."""
    gap = members[:, None] - others
    return (gap > 0).mean() + 0.5 * (gap == 0).mean()


def confidence_cases(rng):
    """(confidences with the example (K, N), without it (L, N), the target's (N,)), all between 0 and 1."""
    cases = []
    for inside, outside, count in ((8, 6, 5), (8, 6, 5), (3, 2, 4), (16, 12, 10), (4, 5, 1)):
        base, gain = rng.normal(0.8, 1.5, count), rng.uniform(0.3, 2.0, count)
        spread = np.exp(rng.normal(0, 0.3, count))
        logits = (
            base + gain + rng.uniform(0.4, 0.7) * spread * rng.normal(0, 1, (inside, count)),
            base + rng.uniform(1.0, 1.5) * spread * rng.normal(0, 1, (outside, count)),
            base + rng.normal(0.5, 1, count),
        )
        cases.append(tuple(1 / (1 + np.exp(-np.clip(some, -9, 9))) for some in logits))
    return cases


def logit(p):
    return np.log(p) - np.log1p(-p)


def shared_variance(samples, ddof=0):
    """One variance for all examples, round each one's own mean."""
    return samples.var(axis=0, ddof=ddof).mean()


def _log_density(x, samples, variance, half=0.5, log_term=1.0):
    """log N(x; mean of the samples, variance) without the constant."""
    v = variance(samples)
    return -half * (x - samples.mean(axis=0)) ** 2 / v - 0.5 * log_term * np.log(v)


def lira(inside, outside, target, to=logit, variance=shared_variance, **options):
    """Carlini et al. (2022): the log likelihood ratio, (N,); the options are mistakes."""
    inside, outside, target = (to(p) for p in (inside, outside, target))
    return _log_density(target, inside, variance, **options) - _log_density(target, outside, variance, **options)


def one_variance(i, o, t):
    """The worlds with and without share one variance."""
    both = [logit(some) - logit(some).mean(axis=0) for some in (i, o)]
    v = np.concatenate(both).ravel().var()
    return lira(i, o, t, variance=lambda samples: v)


def without_only(i, o, t):
    """The offline attack's score in one line: standard deviations above the mean without."""
    o = logit(o)
    return (logit(t) - o.mean(axis=0)) / np.sqrt(shared_variance(o))


def guess_cases(rng):
    """(correct, guesses, alpha): few and many guesses, one count near a half and one below it."""
    alphas = rng.permutation([0.05, 0.05, 0.01, 0.1, 0.025, 0.05])
    plan = ((50, 90, 0.85), (200, 400, 0.72), (1400, 2000, 0.6), (90, 130, 0.95), (150, 250, 0.515), (30, 60, 0.4))
    counts = [(int(rng.integers(low, high)), share) for low, high, share in plan]
    return [(round(r * share), r, float(a)) for (r, share), a in zip(counts, alphas, strict=True)]


def _at_least(correct, guesses, p):
    """P[Binomial(guesses, p) >= correct], summed up in logarithms."""
    logs = np.append(0, np.log(np.arange(1, guesses + 1)).cumsum())
    k = np.arange(correct, guesses + 1)
    return np.exp(logs[guesses] - logs[k] - logs[guesses - k] + k * np.log(p) + (guesses - k) * np.log1p(-p)).sum()


def _bisected(small_enough):
    """The largest p between 1/2 and 1 that is still small enough; 1/2 if none is."""
    low, high = 0.5, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if small_enough(middle) else (low, middle)
    return low


def odds_of(p):
    """Epsilon of a mechanism whose secret bit is guessed with probability p; 0 for no better than chance."""
    return np.log(p / (1 - p)) if p > 0.5 else 0.0


def audited(correct, guesses, alpha, more=0, odds=odds_of):
    """The lower bound of epsilon; the options are mistakes."""
    return odds(_bisected(lambda p: _at_least(correct + more, guesses, p) <= alpha))


def upper(correct, guesses, alpha):
    """The upper end of the interval."""
    return odds_of(_bisected(lambda p: 1 - _at_least(correct + 1, guesses, p) >= alpha))


_Z = {0.1: 1.2815516, 0.05: 1.6448536, 0.025: 1.9599640, 0.01: 2.3263479}


def wald(c, r, alpha):
    return odds_of(c / r - _Z[alpha] * np.sqrt(c / r * (1 - c / r) / r))


def judge_sign(cases, values):
    if min(float(np.ravel(got)[0].real) for (got,) in values) < -1e-6 and all(got.size == 1 for (got,) in values):
        return "a bound below 0 came. Epsilon is at least 0: that is the answer where chance explains the guesses."
    return None
