"""Exercises of chapter 08: large models for text."""

import numpy as np

from aigc_course.checks.exercise import Exercise

__all__ = ["EXERCISES", "attention", "nucleus"]


def _probability_cases(rng):
    """(probabilities (T,) that a model gave to the characters that came,)."""
    likely = [(rng.uniform(0.02, 1.0, n),) for n in (1, 5, 12, 5, int(rng.integers(100, 300)))]
    return [*likely, (10 ** rng.uniform(-9, 0, 7),)]  # and some that hardly ever come


def _bits(p):
    return -np.log2(p).mean()


def _attention_cases(rng):
    """(q, k, v), each (T, D)."""
    return [
        tuple(rng.standard_normal((3, t, d)) * 1.5)
        for t, d in ((1, 4), (4, 3), (6, 8), (4, 3), (int(rng.integers(8, 20)), 5))
    ]


def _softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def attention(q, k, v, scale=None, keep=np.tril, axis=-1, late=False, flip=False):
    """softmax(q kᵀ / √D) v over the past; the options are mistakes."""
    scores = (k @ q.T if flip else q @ k.T) / (np.sqrt(q.shape[1]) if scale is None else scale(q.shape[1]))
    past = keep(np.ones_like(scores)) > 0
    if late:
        return (_softmax(scores) * past) @ v
    return _softmax(np.where(past, scores, -1e9), axis=axis) @ v


def _nucleus_cases(rng):
    """(probabilities (V,), p): in no order, without ties; one that holds p exactly, and p = 0.01 last."""
    sizes = ((4, 0.5), (7, 0.8), (10, 0.35), (6, 0.99), (7, 0.6), (int(rng.integers(15, 40)), rng.uniform(0.3, 0.95)))
    cases = [(rng.dirichlet(np.ones(v)), float(p)) for v, p in sizes]
    exact = rng.permutation([0.5, 0.25, 0.1875, 0.0625]), float(rng.choice([0.5, 0.75, 0.9375]))
    return [*cases, exact, (rng.dirichlet(np.ones(5)), 0.01)]


def nucleus(probabilities, p, rest=lambda kept: kept / kept.sum(), reach=0, smallest=False):
    """The likeliest that together hold p; `reach` more or fewer of them are a mistake."""
    order = np.argsort(probabilities)[:: 1 if smallest else -1]
    n = int(np.searchsorted(np.cumsum(probabilities[order]), p)) + 1 + reach
    kept = np.zeros_like(probabilities)
    chosen = order[: max(n, 0)]
    kept[chosen] = probabilities[chosen]
    return rest(kept)


def _judge_empty(cases, values):
    """A division by nothing where the likeliest token alone holds more than p."""
    if not np.isfinite(values[-1][0]).all() and any(np.isfinite(v[0]).all() for v in values):
        return (
            "NaN for p = 0.01: no token was kept. The token that crosses p belongs to the set, so that it never is "
            "empty."
        )
    return None


def _rank_cases(rng):
    """(inputs, outputs, share of the matrix to be trained): the exact rank between whole numbers, twice at one."""
    cases, shapes = [], ((128, 384, 9, 0.3), (128, 512, 25, 0.7), (1024, 1024, 8, 0.2), (300, 70, 14, 0.8))
    for a, b, whole, rest in shapes:
        exact = int(rng.integers(whole, whole + 4)) + rest
        cases.append((a, b, exact * (a + b) / (a * b)))
    for power in rng.permutation(np.arange(6, 12))[:2]:  # a square of a power of two: exact however it is written
        side = 2 ** int(power)
        cases.append((side, side, int(rng.integers(3, 30)) * 2 / side))
    return [*cases, (64, int(rng.integers(1000, 3000)), 0.45)]


def _rank(a, b, share):
    return np.floor(share * a * b / (a + b))


EXERCISES = (
    Exercise(
        key="08.1",
        function="bits_per_character",
        title="What a model is worth",
        points=1,
        checked="the bits of six texts, one of them with rare characters",
        cases=_probability_cases,
        expected=_bits,
        hints=(
            ("that is in nats: take the logarithm to base 2.", lambda p: -np.log(p).mean()),
            ("the sign: log2 of a probability is negative, bits are not.", lambda p: np.log2(p).mean()),
            (
                "those are the bits of the whole text. Per character: divide by their number.",
                lambda p: -np.log2(p).sum(),
            ),
            ("that is the perplexity, 2 to the power of the bits.", lambda p: 2 ** _bits(p)),
            (
                "the logarithm of the mean probability hides an impossible character. Mean of the logarithms.",
                lambda p: -np.log2(p.mean()),
            ),
            (
                "that is the entropy formula, -p log p. The characters have come; each counts once, not p times.",
                lambda p: -(p * np.log2(p)).sum(),
            ),
            ("one number for each character came; their mean was asked for.", lambda p: -np.log2(p)),
        ),
        look="chapter 08, «Bits per character»",
        onward="How many bits does one character of probability ½ cost, one of ¼? Then take the mean of these costs.",
    ),
    Exercise(
        key="08.2",
        function="causal_attention",
        title="One head of attention",
        points=3,
        checked="five sets of questions, keys and values, one of them a single place",
        cases=_attention_cases,
        expected=attention,
        hints=(
            (
                "the future is not left out: place t may look at places up to t only.",
                lambda q, k, v: attention(q, k, v, keep=lambda x: x),
            ),
            (
                "the scores are not divided by √D: for long vectors one weight would take all.",
                lambda q, k, v: attention(q, k, v, scale=lambda d: 1),
            ),
            (
                "divided by D; the standard deviation of a sum of D products grows like √D.",
                lambda q, k, v: attention(q, k, v, scale=lambda d: d),
            ),
            (
                "that looks at the future and leaves out the past: the mask is turned over.",
                lambda q, k, v: attention(q, k, v, keep=np.triu),
            ),
            (
                "a place may look at itself too: s ≤ t.",
                lambda q, k, v: attention(q, k, v, keep=lambda x: np.tril(x, -1)),
            ),
            (
                "the softmax goes over the questions (axis 0). Each question shares its weight among the keys: axis 1.",
                lambda q, k, v: attention(q, k, v, axis=0),
            ),
            (
                "the mask came after the softmax: the weights left do not add up to 1. Mask the scores.",
                lambda q, k, v: attention(q, k, v, late=True),
            ),
            (
                "the future's scores became 0, and e⁰ is 1: np.tril before the softmax leaves them a weight. What has "
                "none behind the softmax?",
                lambda q, k, v: _softmax(np.tril(q @ k.T / np.sqrt(q.shape[1]))) @ v,
            ),
            (
                "the future's scores became 0, and e⁰ is 1; and the scores are not divided by √D.",
                lambda q, k, v: _softmax(np.tril(q @ k.T)) @ v,
            ),
            (
                "you divided by √T, the number of places. The sum q · k has D products: √D.",
                lambda q, k, v: attention(q, k, v, scale=lambda d: np.sqrt(len(q))),
            ),
            (
                "multiplied by √D: divide, so that the scores of long vectors do not grow.",
                lambda q, k, v: attention(q, k, v, scale=lambda d: 1 / np.sqrt(d)),
            ),
            ("questions and keys are exchanged.", lambda q, k, v: attention(q, k, v, flip=True)),
            (
                "the weighted mean of the keys came; that of the values was asked for.",
                lambda q, k, v: attention(q, k, k),
            ),
        ),
        look="chapter 08, «One head of attention»",
        onward="Take T = 2 and write the 2 × 2 scores. Which one belongs to the future, and which number must stand "
        "there before the softmax, so that its weight is 0?",
    ),
    Exercise(
        key="08.3",
        function="top_p",
        title="Keep the likeliest",
        points=2,
        checked="eight distributions, from p = 0.01 to p = 0.99, one that reaches p exactly",
        cases=_nucleus_cases,
        expected=nucleus,
        special=_judge_empty,
        hints=(
            (
                "the kept probabilities do not add up to 1: divide by their sum.",
                lambda x, p: nucleus(x, p, rest=lambda kept: kept),
            ),
            (
                "the token that crosses p is missing, unless it is the only one: the kept ones hold less than p.",
                lambda x, p: nucleus(x, p) if x.max() > p else nucleus(x, p, reach=-1),
            ),
            (
                "the token that crosses p is missing: without it the kept ones hold less than p.",
                lambda x, p: nucleus(x, p, reach=-1, rest=lambda kept: kept / max(kept.sum(), 1e-300)),
            ),
            (
                "the token that crosses p is missing: the kept ones hold p or less; at least p was asked for.",
                lambda x, p: nucleus(x, np.nextafter(p, 1), reach=-1, rest=lambda kept: kept / max(kept.sum(), 1e-300)),
            ),
            ("one token too many: stop as soon as p is reached.", lambda x, p: nucleus(x, p, reach=1)),
            (
                "one token too many where the kept ones hold p exactly: at least p includes p.",
                lambda x, p: nucleus(x, np.nextafter(p, 1)),
            ),
            ("you kept the least likely ones: sort from the largest down.", lambda x, p: nucleus(x, p, smallest=True)),
            ("in sorted order: each token must stay at its own place.", lambda x, p: -np.sort(-nucleus(x, p))),
            (
                "you kept every token of probability p or more. p is what the kept ones hold together.",
                lambda x, p: np.where(x >= p, x, 0) / max(np.where(x >= p, x, 0).sum(), 1e-300),
            ),
            ("nothing was left out.", lambda x, p: x),
        ),
        look="chapter 08, «Generate»",
        onward="Sort from the likeliest down and add up. The first sum that reaches p says how many stay; put them "
        "back in their own places.",
    ),
    Exercise(
        key="08.4",
        function="largest_rank",
        title="Design: how large a LoRA",
        points=2,
        checked="seven matrices of different shape, two of which allow a whole number exactly",
        cases=_rank_cases,
        expected=_rank,
        rtol=0.0,
        hints=(
            (
                "rounded up, or to the nearest: that rank is over the limit. Round down.",
                lambda a, b, s: np.ceil(s * a * b / (a + b)),
            ),
            (
                "one less than allowed where the limit is met exactly: at most `share` includes it.",
                lambda a, b, s: np.ceil(s * a * b / (a + b)) - 1,
            ),
            (
                "rounded to the nearest whole number: where that is up, the rank is over the limit. Round down.",
                lambda a, b, s: np.round(s * a * b / (a + b)),
            ),
            ("not rounded: a rank is a whole number. Round down.", lambda a, b, s: s * a * b / (a + b)),
            ("only A was counted (inputs × rank). B has outputs × rank more.", lambda a, b, s: np.floor(s * b)),
            ("only B was counted (rank × outputs). A has inputs × rank more.", lambda a, b, s: np.floor(s * a)),
            (
                "that is a share of the largest possible rank. Count the numbers in A and B.",
                lambda a, b, s: np.floor(s * min(a, b)),
            ),
            (
                "A and B have inputs · rank + rank · outputs numbers: a sum, not a product.",
                lambda a, b, s: np.floor(np.sqrt(s)),
            ),
            ("A and B were counted twice.", lambda a, b, s: np.floor(s * a * b / (2 * (a + b)))),
            (
                "2 · inputs instead of inputs + outputs: only a square matrix has as many of both.",
                lambda a, b, s: np.floor(s * b / 2),
            ),
            (
                "2 · outputs instead of inputs + outputs: only a square matrix has as many of both.",
                lambda a, b, s: np.floor(s * a / 2),
            ),
            (
                "that is the rank that leaves `share` of the numbers out: at most `share` of them is trained.",
                lambda a, b, s: np.floor((1 - s) * a * b / (a + b)),
            ),
        ),
        look="chapter 08, «Phase two»",
        onward="Write down the shapes of A and B for a rank r, and how many numbers both hold together. Set that equal "
        "to `share` of the large matrix, solve for r, and ask which way to round.",
    ),
)
