"""A scaling law: the loss of a language model against its size and its data, fitted with an interval, then foretold.

L(N, D) = E + A / N^alpha + B / D^beta (Hoffmann et al., 2022, arXiv 2203.15556, approach 3). With the exponents given
the law is linear in E, A and B, which least squares finds; the two exponents are searched on a grid that closes in.
"""

import itertools
from typing import NamedTuple

import numpy as np

from aigc_course.errors import CourseError, number, whole_number

__all__ = ["EXPONENTS", "Law", "best_split", "bootstrap", "fit", "interval", "predict"]

EXPONENTS = (0.05, 1.5)  # where the exponents are looked for
_CLOSER, _PLACES = 7, 17  # grids, each of so many places a side and a quarter as wide as the one before


class Law(NamedTuple):
    """E + A / N^alpha + B / D^beta, in nats a token; N weights that are multiplied, D tokens."""

    floor: float  # E: what stays for a model without end, with text without end
    a: float
    alpha: float
    b: float
    beta: float


def _runs(weights, tokens, losses=None):
    """The runs as positive float arrays of one length, or a CourseError."""
    named = {"weights": weights, "tokens": tokens} | ({} if losses is None else {"losses": losses})
    found = {name: np.atleast_1d(np.asarray(value, np.float64)) for name, value in named.items()}
    shapes = {values.shape for values in found.values()}
    bad = [name for name, values in found.items() if not np.isfinite(values).all() or (values <= 0).any()]
    if len(shapes) > 1 or bad:
        raise CourseError(
            f"weights, tokens and losses must be positive numbers, one for each run; "
            f"received {', '.join(f'{name} of shape {values.shape}' for name, values in found.items())}"
            f"{f', not positive: {bad[0]}' if bad else ''}."
        )
    return list(found.values())


def predict(law, weights, tokens):
    """The loss that the law says, in nats a token.

    Args:
        law: `Law`.
        weights, tokens: numbers or arrays that fit together, N and D.
    """
    n, d = np.asarray(weights, np.float64), np.asarray(tokens, np.float64)
    return law.floor + law.a * n**-law.alpha + law.b * d**-law.beta


def fit(weights, tokens, losses):
    """The law with the least squares of relative errors (nearly those of log L, which Hoffmann et al. take).

    Args:
        weights, tokens, losses: (runs,), six or more, with three sizes and three amounts of text at the least.

    Returns:
        `Law`; none of its numbers is negative.

    Raises:
        CourseError: too few runs, or numbers that are not positive.
    """
    n, d, loss = _runs(weights, tokens, losses)
    if len(n) < 6 or min(len(set(n)), len(set(d))) < 3:
        raise CourseError(
            "five numbers are fitted: six runs or more are needed, with three sizes and three amounts of text; "
            f"received {len(n)} runs, {len(set(n))} sizes, {len(set(d))} amounts."
        )
    scales = np.exp(np.log(n).mean()), np.exp(np.log(d).mean())  # so that columns are near 1
    low, high = np.array([EXPONENTS[0]] * 2), np.array([EXPONENTS[1]] * 2)
    for _ in range(_CLOSER):
        axes = [np.linspace(*ends, _PLACES) for ends in zip(low, high, strict=True)]
        pairs = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)  # (places², 2)
        values, errors = _linear(n / scales[0], d / scales[1], loss, pairs)
        best, parts = pairs[errors.argmin()], values[errors.argmin()]
        half = (high - low) / 8
        low, high = (np.clip(best + side * half, *EXPONENTS) for side in (-1, 1))
    (floor, a, b), (alpha, beta) = parts, best
    return Law(*(float(x) for x in (floor, a * scales[0] ** alpha, alpha, b * scales[1] ** beta, beta)))


def _linear(n, d, loss, pairs):
    """E, A, B (P, 3) and squared relative errors (P,) for pairs of exponents: least squares without negative numbers.

    What would be negative is 0 in the best allowed answer, so all ways to leave some out are tried.
    """
    columns = np.stack([np.ones((len(pairs), len(n))), n ** -pairs[:, :1], d ** -pairs[:, 1:]], axis=2) / loss[:, None]
    values, errors = np.zeros((len(pairs), 3)), np.full(len(pairs), np.inf)
    for kept in itertools.product([True, False], repeat=3):
        part = columns * np.array(kept)
        matrix = np.swapaxes(part, 1, 2) @ part + np.diag(1.0 - np.array(kept))
        found = np.linalg.solve(matrix, part.sum(axis=1)[..., None])[..., 0]
        error = np.where(
            (found >= 0).all(axis=1), ((np.einsum("prk,pk->pr", part, found) - 1) ** 2).sum(axis=1), np.inf
        )
        better = error < errors
        values[better], errors[better] = found[better], error[better]
    return values, errors


def bootstrap(weights, tokens, losses, repeats=200, seed=0):
    """Laws of runs whose relative errors were dealt anew: how far the fit could have come out otherwise.

    The sizes and amounts of text stay, as they were chosen. Seeds of one size and amount read the same text and share
    what the law misses there, so whole cells of errors (losses over fit, widened by sqrt(cells / (cells - 5)) for the
    five numbers fitted) are drawn with replacement (Efron, 1979).

    Returns:
        (list of `Law`, errors (runs,)): the second is what a single run adds to a prediction.

    Raises:
        CourseError: cells with different numbers of runs.
    """
    repeats = whole_number(repeats, "repeats")
    n, d, loss = _runs(weights, tokens, losses)
    expected = predict(fit(n, d, loss), n, d)
    cell = np.unique(np.stack([n, d], axis=1), axis=0, return_inverse=True)[1].ravel()
    count, each = cell.max() + 1, np.bincount(cell)
    if each.min() != each.max():
        raise CourseError(f"every size and amount needs as many runs; received {each.min()} to {each.max()}.")
    errors = (loss / expected - 1) * np.sqrt(count / max(1, count - 5))
    errors -= errors.mean()
    order, rng = np.argsort(cell, kind="stable"), np.random.default_rng(seed)
    groups = errors[order].reshape(count, -1)
    drawn = np.empty((repeats, len(n)))
    drawn[:, order] = groups[rng.integers(count, size=(repeats, count))].reshape(repeats, -1)
    return [fit(n, d, expected * (1 + row)) for row in drawn], errors


def interval(laws, errors, weights, tokens, share=0.95, seed=0):
    """(low, high) in which a new run at N, D falls with the share given, if the law holds there.

    Args:
        laws, errors: from `bootstrap`.
        weights, tokens: numbers, N and D of the new run.
        share: float in (0, 1).
    """
    share = number(share, "share", above=0, below=1)
    rng = np.random.default_rng(seed)
    mean = np.array([predict(law, weights, tokens) for law in laws])
    losses = (mean[:, None] * (1 + rng.choice(errors, (len(laws), 50)))).ravel()
    return tuple(float(x) for x in np.quantile(losses, [(1 - share) / 2, (1 + share) / 2]))


def best_split(law, flops):
    """(N, D) that lose least for a number of FLOPs, with 6 N D = FLOPs (Hoffmann et al., 2022, eq. 4).

    Args:
        law: `Law` with a, b, alpha and beta above 0.
        flops: float, what may be spent.
    """
    flops = number(flops, "flops", above=0)
    if min(law.a, law.b, law.alpha, law.beta) <= 0:
        raise CourseError(f"a law without a price of size or of text has no best split; received {law}.")
    factor = (law.alpha * law.a / (law.beta * law.b)) ** (1 / (law.alpha + law.beta))
    n = factor * (flops / 6) ** (law.beta / (law.alpha + law.beta))
    return float(n), float(flops / 6 / n)
