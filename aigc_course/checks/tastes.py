"""A taste for K answers, trained on comparisons: the minimum of DPO's loss, and how far an answer is from it."""

import numpy as np

__all__ = ["dpo", "judge_way", "rewards", "taste_cases", "tasted"]


def taste_cases(rng):
    """(reference (K,), pairs (n, 2): better and worse, beta): each answer wins and loses, no minimum at infinity."""
    cases = []
    sizes = ((2, 1.0, 12), (3, 0.5, 20), (4, 2.0, 30), (3, 0.5, 20), (5, float(rng.uniform(0.5, 2)), 40))
    for answers, beta, games in sizes:  # two of one shape: nothing may be remembered by it
        worth = rng.normal(0, 0.8, answers)
        circle = np.stack([np.arange(answers), np.roll(np.arange(answers), 1)], axis=1)
        drawn = np.array([rng.choice(answers, 2, replace=False) for _ in range(games)])
        first = rng.random(len(drawn)) < 1 / (1 + np.exp(worth[drawn[:, 1]] - worth[drawn[:, 0]]))
        drawn = np.where(first[:, None], drawn, drawn[:, ::-1])
        reference = rng.dirichlet(np.full(answers, 4.0))
        cases.append((reference, rng.permutation(np.concatenate([circle, circle[:, ::-1], drawn])), beta))
    return cases


def rewards(pairs, answers, steps=60):
    """Bradley and Terry's rewards (K,), mean 0: the maximum likelihood, by Newton's method."""
    better = np.zeros((answers, answers))
    np.add.at(better, (pairs[:, 0], pairs[:, 1]), 1)
    r, played = np.zeros(answers), better + better.T
    for _ in range(steps):
        p = 1 / (1 + np.exp(r[None] - r[:, None]))  # that the row's answer beats the column's
        slope = (better - played * p).sum(axis=1)
        curve = played * p * (1 - p)
        r = r + np.linalg.solve(np.diag(curve.sum(axis=1)) - curve + 1 / answers, slope)
        r -= r.mean()
    return r


def tasted(reference, pairs, beta, tilt=None, start=None):
    """The policy with the least DPO loss: reference times e^(r / beta), made to add up to 1."""
    r = rewards(pairs, len(reference))
    found = np.log(reference if start is None else np.full(len(reference), start)) + (
        r / beta if tilt is None else tilt(r)
    )
    return np.exp(found - found.max()) / np.exp(found - found.max()).sum()


def dpo(policy, reference, pairs, beta):
    """The mean DPO loss of a policy (K,)."""
    gained = np.log(policy) - np.log(reference)
    return np.log1p(np.exp(-beta * (gained[pairs[:, 0]] - gained[pairs[:, 1]]))).mean()


def judge_way(cases, values):
    """What can be seen of an answer that no formula explains: no distribution, or a minimum not reached."""
    policies = [np.asarray(value[0], float) for value in values]
    if any(p.shape != case[0].shape or not np.isfinite(p).all() for p, case in zip(policies, cases, strict=True)):
        return None
    if any((p < 0).any() or abs(p.sum() - 1) > 1e-3 for p in policies):
        return "those do not add up to 1: return probabilities, not logits. A softmax at the end."
    known = ({"tilt": lambda r: r}, {"tilt": lambda r: r, "start": 1.0})  # mistakes that a hint names
    for mistake in known:
        if all(np.allclose(p, tasted(*case, **mistake), rtol=1e-2) for p, case in zip(policies, cases, strict=True)):
            return None
    starts = [dpo(case[0], *case) for case in cases]
    reached = [dpo(np.maximum(p, 1e-300), *case) for p, case in zip(policies, cases, strict=True)]
    least = [dpo(tasted(*case), *case) for case in cases]
    part = [(s - r) / (s - e) if s - e > 1e-6 else 1 for s, r, e in zip(starts, reached, least, strict=True)]
    if min(part) > 0.3 and min(part) < 0.999999:
        return (
            f"on the way, not there: of the loss that can be saved you saved {min(part):.1%} in one case. Train "
            "longer, or in steps that grow as beta falls: the slope has a factor beta, the curvature beta squared."
        )
    return None
