"""Exercises of chapter 08: large models for text."""

import numpy as np

from aigc_course.checks.exercise import Exercise
from aigc_course.checks.tastes import judge_way, rewards, taste_cases, tasted

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
        function="prefer",
        title="Train a taste",
        points=2,
        checked="five sets of comparisons of two to five answers, with beta from 0.5 to 2",
        cases=taste_cases,
        expected=tasted,
        special=judge_way,
        rtol=1e-3,
        atol=1e-4,
        hints=(
            (
                "the reference is forgotten: a policy that has not moved is the reference, not all answers alike.",
                lambda f, p, b: tasted(f, p, b, start=1.0),
            ),
            (
                "beta is missing: the logits move by the rewards *divided by* beta.",
                lambda *v: tasted(*v, tilt=lambda r: r),
            ),
            (
                "beta on the wrong side: a small beta, a cheap KL, lets the policy move further, not less.",
                lambda f, p, b: tasted(f, p, b, tilt=lambda r: r * b),
            ),
            (
                "the sign: you made the worse answers likelier. The first column of pairs is better.",
                lambda f, p, b: tasted(f, p, b, tilt=lambda r: -r / b),
            ),
            ("that is the reference: nothing was trained.", lambda f, p, b: f),
            (
                "that is the share of comparisons won. It forgets against whom, the reference and beta.",
                lambda f, p, b: np.bincount(p[:, 0], minlength=len(f)) / len(p),
            ),
            (
                "that is a softmax of the likeliest rewards alone; the reference and beta are missing.",
                lambda f, p, b: tasted(f, p, b, tilt=lambda r: r, start=1.0),
            ),
            (
                "one answer took all: that is the best by reward. Each comparison lost pulls back.",
                lambda f, p, b: np.eye(len(f))[rewards(p, len(f)).argmax()],
            ),
        ),
        look="chapter 08, «Preferences»",
        onward="Let u (K,) be what the logits gained over ln(reference), at first 0. For one pair the slope of the "
        "loss by u[better] is -beta · sigmoid(-beta · (u[better] - u[worse])), and its opposite by u[worse]. Add up "
        "over the pairs, step down, many times; then softmax(ln(reference) + u).",
    ),
)
