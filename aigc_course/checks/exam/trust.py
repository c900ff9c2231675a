"""Variants for chapters 13 and 14: clipping, watermarks."""

import numpy as np

from aigc_course.checks.exam.variant import derive

__all__ = ["FAMILIES"]

_LENGTHS = {
    "the sum of absolute values": lambda rows: abs(rows).sum(axis=1, keepdims=True),
    "the largest absolute value": lambda rows: abs(rows).max(axis=1, keepdims=True, initial=0.0),
}


def _clipped(rows, clip, noise, multiplier, batch, length, group):
    """A noisy mean of rows shortened in another length, with noise for groups of `group`."""
    total = (rows * np.minimum(1, clip / np.maximum(length(rows), 1e-300))).sum(axis=0)
    return (total + group * multiplier * clip * noise) / batch


def _noisy_mean(base, seed, rng):
    name = str(rng.choice(list(_LENGTHS)))
    group, length = int(rng.integers(1, 4)), _LENGTHS[name]
    whom = "each example" if group == 1 else f"each family of {group} examples"
    return derive(
        base,
        seed,
        f"Here the length of a gradient is **{name}** of its numbers. Given `gradients` (N, D), shorten each row that "
        f"is longer than $C$ = `clip` to that length, the direction kept, and add the rows up. The noise shall hide "
        f"{whom}: add ${'' if group == 1 else group}\\sigma C\\,\\xi$, with $\\sigma$ = `noise_multiplier` and $\\xi$ "
        "= `noise` (D,). Divide by `expected_batch`. Return the mean (D,). N may be 0, and a gradient may be 0.",
        "def noisy_mean(gradients, clip, noise, noise_multiplier, expected_batch):\n"
        '    """The noisy mean (D,) of the gradients (N, D)."""',
        f"length: {name}; noise for groups of {group}",
        "A step in which a family cannot be seen",
        f"six batches, shortened by {name}, noise for groups of {group}",
        lambda *v: _clipped(*v, length, group),
        hints=(
            ("the noise is for another group.", lambda *v: _clipped(*v, length, 1 if group > 1 else 2)),
            ("that is the other of two lengths.", lambda *v: _clipped(*v, _other(name), group)),
        ),
    )


def _other(name):
    """The length that was not asked for."""
    return next(length for key, length in _LENGTHS.items() if key != name)


def _marked(tokens, green, gamma, back, share):
    """z, or the excess share, of the distinct pairs (token `back` places before, token)."""
    pairs = np.unique(np.stack([tokens[:-back], tokens[back:]], axis=1), axis=0)
    n, hits = len(pairs), green[pairs[:, 0], pairs[:, 1]].sum()
    return hits / n - gamma if share else (hits - gamma * n) / np.sqrt(gamma * (1 - gamma) * n)


def _watermark(base, seed, rng):
    back, share = int(rng.integers(2, 4)), bool(rng.integers(2))
    what = (
        "the share of them that is green, less the share that chance gives"
        if share
        else "how many standard deviations the number of green ones lies above what chance gives"
    )
    return derive(
        base,
        seed,
        f"`tokens` (T,) are a text's characters. In this scheme a character is green by the one **{back} places "
        "before** it: `green` (V, V) holds 1 in row a, column b, where b is green when a stood there. Count each "
        f"**distinct** pair (character {back} places before, character) once; by chance each would be green with "
        f"probability `gamma`. Return {what}; below, the answer is negative.",
        f'def watermark_z(tokens, green, gamma):\n    """What the distinct pairs {back} places apart say: a number."""',
        f"pairs {back} places apart; {'excess share' if share else 'z'}",
        "A mark that looks farther back",
        f"four texts, pairs {back} places apart",
        lambda *v: _marked(*v, back, share),
        cases=lambda rng: [case for case in base.cases(rng) if len(case[0]) > 8],
        hints=(
            ("pairs of neighbours were counted.", lambda *v: _marked(*v, 1, share)),
            ("z and the excess share are exchanged.", lambda *v: _marked(*v, back, not share)),
        ),
    )


FAMILIES = {"13.1": _noisy_mean, "14.1": _watermark}
