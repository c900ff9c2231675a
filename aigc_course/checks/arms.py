"""Formulas, inputs and judges for the exercises of chapter 12: paired arms, exchange rates, tastes."""

import numpy as np

from aigc_course.checks.formulas import sigmoid

__all__ = [
    "arm_cases",
    "best_of",
    "best_of_cases",
    "extended",
    "fitted",
    "gain_cases",
    "gained",
    "grouped",
    "judge_arm",
    "liking",
    "pair_cases",
    "paired",
    "size_for",
    "taste_cases",
    "weights_of",
    "weights_with_return",
]


def pair_cases(rng):
    """(accuracies of the arms (A, S), of the real arm (S,), t): seeds that differ more than the arms do."""
    cases = []
    for arms, seeds, t in ((3, 5, 2.776), (3, 5, 4.604), (1, 2, 12.706), (4, 8, 2.365), (2, 20, 2.093)):
        luck = rng.normal(0, 0.03, seeds)
        real = 0.8 + luck + rng.normal(0, 0.004, seeds)
        cases.append((0.8 + rng.normal(0, 0.02, (arms, 1)) + luck + rng.normal(0, 0.01, (arms, seeds)), real, t))
    return cases


def paired(arms, real, t, ddof=1, root=0.5, middle=np.mean):
    """(mean differences, half widths), (A,) each; the options are mistakes."""
    gaps = arms - real
    return middle(gaps, axis=1), t * gaps.std(axis=1, ddof=ddof) / gaps.shape[1] ** root


def gain_cases(rng):
    """(sizes (K,), accuracies (K,), n, generated, accuracy of the arm): gain, harm, and beyond both ends."""
    cases = []
    for places, kind in ((6, "gain"), (6, "harm"), (5, "gain"), (7, "harm"), (4, "above"), (5, "below")):
        sizes = np.round(10 * np.cumprod(np.append(1, rng.uniform(2.2, 4, places - 1))))
        curve = np.cumsum(np.append(rng.uniform(0.3, 0.5), rng.uniform(0.03, 0.1, places - 1)))
        at, part = int(rng.integers(1, places - 1)), rng.uniform(0.3, 0.7)
        n = {"above": sizes[-2], "below": sizes[1]}.get(kind, sizes[at])
        gap = {"gain": curve[at + 1] - curve[at], "harm": curve[at - 1] - curve[at]}.get(kind, 0)
        reached = {"above": curve[-1] + 0.02, "below": curve[0] - 0.02}.get(kind, curve[at] + part * gap)
        cases.append((sizes, curve, float(n), float(n * rng.integers(3, 9)), float(reached)))
    return cases


def gained(sizes, curve, n, generated, reached, to=np.log, back=np.exp):
    """Real images that one generated image is worth; the options are mistakes."""
    return (size_for(sizes, curve, reached, to, back) - n) / generated


def size_for(sizes, curve, reached, to=np.log, back=np.exp):
    """The size at which the curve of real images reaches an accuracy."""
    return back(np.interp(reached, curve, to(sizes)))


def extended(sizes, curve, reached):
    """The same, with the line drawn on beyond both ends."""
    i = np.clip(np.searchsorted(curve, reached), 1, len(curve) - 1)
    slope = np.log(sizes[i] / sizes[i - 1]) / (curve[i] - curve[i - 1])
    return sizes[i] * np.exp(slope * (reached - curve[i]))


def best_of_cases(rng):
    """(predicted (N,), received (N,), n): n = 1, n = N, and numbers whose binomials overflow."""
    cases = []
    for count, n in ((60, 4), (60, 7), (40, 1), (12, 12), (1500, 300), (200, 25)):
        predicted = rng.normal(0, 1, count)
        cases.append((predicted, 0.6 * predicted - 0.15 * predicted**2 + rng.normal(0, 0.5, count), n))
    return cases


def weights_of(count, n):
    """How likely each rank (N,), from the lowest up, is the best of n drawn without return."""
    logs = np.append(0, np.log(np.arange(1, count + 1)).cumsum())
    i = np.arange(n - 1, count)
    ways = logs[i] - logs[i - n + 1] - logs[n - 1]
    return np.append(np.zeros(n - 1), np.exp(ways - logs[count] + logs[n] + logs[count - n]))


def weights_with_return(count, n):
    """The same, drawn with return."""
    return np.diff((np.arange(count + 1) / count) ** n)


def best_of(predicted, received, n, weights=weights_of, kl=None):
    """(KL in nats, predicted and received by the best of n), the options are mistakes."""
    order, w = np.argsort(predicted), weights(len(predicted), n)
    return (np.log(n) - (n - 1) / n if kl is None else kl), w @ predicted[order], w @ received[order]


def grouped(predicted, received, n):
    """The samples cut into groups of n."""
    rows = len(predicted) // n
    p, r = predicted[: rows * n].reshape(rows, n), received[: rows * n].reshape(rows, n)
    best = p.argmax(axis=1)
    return np.log(n) - (n - 1) / n, p.max(axis=1).mean(), r[np.arange(rows), best].mean()


def taste_cases(rng):
    """(features (N, D), likes (N,), precision, candidates (M, D)): likes and dislikes in each."""
    cases = []
    for count, size, new in ((14, 3, 4), (14, 3, 4), (30, 2, 6), (8, 4, 3), (20, 1, 5)):
        x, taste = rng.normal(0, 1.2, (count, size)), rng.normal(0, 1.2, size)
        likes = (rng.random(count) < sigmoid(x @ taste)).astype(float)
        likes[:2] = [0, 1]
        cases.append((x, likes, float(rng.choice([0.4, 0.6, 1.7, 2.5])), rng.normal(0, 1.8, (new, size))))
    return cases


def fitted(x, likes, precision, steps=40, pull=1.0, curved=True, sign=0.0):
    """(posterior mode (D,), matrix of second derivatives (D, D)); the options are mistakes."""
    w, prior = np.zeros(x.shape[1]), precision * np.eye(x.shape[1])
    for _ in range(steps):
        p = sigmoid(x @ w)
        bend = (x * (p * (1 - p))[:, None]).T @ x + (prior if pull else 1e-9 * prior)
        w = w + np.linalg.solve(bend, x.T @ (likes - sign - p) - pull * precision * w)
    p = sigmoid(x @ w) if curved else np.full(len(x), np.nan)
    return w, (x * (np.nan_to_num(p * (1 - p), nan=1.0))[:, None]).T @ x + prior


def liking(x, likes, precision, candidates, spread=None, shrink=None, **options):
    """Probability that each candidate is liked, (M,): Laplace, then MacKay (1992)."""
    w, bend = fitted(x, likes, precision, **options)
    covariance = np.linalg.inv(bend) if spread is None else spread(bend)
    variance = np.einsum("md,de,me->m", candidates, covariance, candidates)
    factor = 1 / np.sqrt(1 + np.pi * variance / 8) if shrink is None else shrink(variance)
    return sigmoid(factor * (candidates @ w))


def arm_cases(rng):
    """(n, generated, share, size, held out, step, seed): steps of one arm, other arms, another seed, other sizes."""
    n, m, held, seed = int(rng.integers(50, 61)), int(rng.integers(70, 91)), 12, int(rng.integers(1, 10**6))
    main = [(n, m, 0.25, 16, held, step, seed) for step in range(8)]
    arms = [(n, m, 0.5, 16, held, 0, seed), (n, m, 0.75, 8, held, 1, seed), (n, m + 30, 0.25, 16, held, 0, seed)]
    others = [(n, 0, 0.0, 16, held, 3, seed), (n, m, 0.25, 16, held, 0, seed + 1), (n, m, 0.25, 16, held, 2, seed)]
    n, m = int(rng.integers(24, 31)), int(rng.integers(20, 41))
    return [*main, *arms, *others, *((n, m, 0.4, 10, 6, step, seed) for step in (0, 5))]


def judge_arm(cases, values):
    """Properties of an honest arm: validation real, held out and shared; batches mixed as asked, new at each step."""
    found = {}
    for case, (batch, held) in zip(cases, values, strict=True):
        fault = _one_arm(case, batch, held)
        if fault:
            return fault
        if case in found and not all(map(np.array_equal, found[case], (batch, held))):
            return "the same seed and step gave another answer the second time: draw from np.random.default_rng(seed)."
        found[case] = batch, held
    n, *_, seed = cases[0]
    held = {case: frozenset(v.tolist()) for case, (_, v) in found.items() if case[0] == n}
    here = held[cases[0]]
    if any(held[case] != here for case in cases[:8]):
        return "the validation set changes from step to step: what trained yesterday validates today. Draw it once."
    if any(held[case] != here for case in held if case[6] == seed):
        return (
            "another share, size of batch or number of generated images gives another validation set: then the arms "
            "are not paired. Draw it from the seed alone, first of all, with a generator of its own."
        )
    return _judge_draws(found, cases, here)


def _one_arm(case, batch, held):
    """What one answer shows by itself."""
    n, m, share, size, count, _, _ = case
    if batch.shape != (size,) or held.shape != (count,):
        return f"({size},) and ({count},) were asked for; arrays of shapes {batch.shape} and {held.shape} came."
    both = np.concatenate([batch, held])
    if not (both == np.floor(both.real)).all() or both.min() < 0 or both.max() >= n + m:
        return f"indices are whole numbers from 0 to n + m - 1 = {n + m - 1}; others came."
    if (held >= n).any():
        return "generated images are in the validation set: it then asks how well they are learnt, not real ones."
    if len(set(held.tolist())) < count:
        return "the validation set holds an image twice: draw without replacement."
    if set(held.tolist()) & set(batch.tolist()):
        return "images of the validation set are trained on: take them out of the real ones before a batch is drawn."
    made, wanted = int((batch >= n).sum()), round(share * size)
    if made != wanted and made == size - wanted:
        return "the share is turned over: `share` of the batch is generated, the rest real."
    if made != wanted:
        return f"share {share:g} of {size} is {wanted} generated images in each batch, not about as many; {made} came."
    if len(set(batch.tolist())) < size:
        return "one batch holds an image twice: draw without replacement."
    return None


def _judge_draws(found, cases, here):
    """What only many answers show: new batches, all images, other seeds."""
    n, m = cases[0][:2]
    batches = [found[case][0] for case in cases[:8]]
    if any(np.array_equal(np.sort(a), np.sort(b)) for i, a in enumerate(batches) for b in batches[:i]):
        return "two steps gave the same images: the step must enter, beside the seed."
    other = next(found[case] for case in cases if case[:6] == cases[0][:6] and case[6] != cases[0][6])
    if frozenset(other[1].tolist()) == here:
        return "another seed gives the same validation set: it must be drawn, too."
    if np.array_equal(other[0], batches[0]):
        return "another seed gives the same batch: the seed must enter."
    seen = np.unique(np.concatenate(batches))
    real, made = seen[seen < n], seen[seen >= n]
    if len(real) < 0.75 * (n - len(here)) or len(made) < 20 or np.ptp(made) < 0.5 * m:
        return "eight batches came from a part of the images only: draw from all that are not held out."
    return None
