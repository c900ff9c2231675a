"""Variants for chapters 12 and 16: paired arms, exchange rates, intervals."""

import numpy as np

from aigc_course.checks.exam.variant import derive
from aigc_course.checks.quantiles import student

__all__ = ["FAMILIES"]

_GAINS = {
    "the logarithm of their ratio, $\\log(a / r)$": lambda a, r: np.log(a / r),
    "the gain as a share of the real accuracy, $(a - r) / r$": lambda a, r: (a - r) / r,
    "the share of the real arm's errors that is saved, $(a - r) / (1 - r)$": lambda a, r: (a - r) / (1 - r),
}


def _spread(gains, t, ends):
    """(mean, half width) of each row, or the two ends of its interval."""
    middle, half = gains.mean(axis=1), t * gains.std(axis=1, ddof=1) / np.sqrt(gains.shape[1])
    return (middle - half, middle + half) if ends else (middle, half)


def _paired(base, seed, rng):
    name, ends = str(rng.choice(list(_GAINS))), bool(rng.integers(2))
    gain, other = _GAINS[name], _another(_GAINS, name)
    form = "the **low and the high end** of its interval" if ends else "the mean and the **half width** of its interval"
    return derive(
        base,
        seed,
        f"S seeds gave the accuracies `arms` (A, S) of A arms and `real` (S,) of real data, one seed a column. What "
        f"counts for a seed with accuracies $a$ and $r$ is **{name}**. For each arm return {form}, two arrays (A,): "
        "the mean of the S numbers, `t` standard errors to either side.",
        'def paired_interval(arms, real, t):\n    """Two arrays (A,), what is asked for of each arm."""',
        f"{name}; {'ends' if ends else 'mean and half width'}",
        "The same seeds, another measure",
        f"five tables: {name}",
        lambda a, r, t: _spread(gain(a, r), t, ends),
        hints=(
            ("ends and half width are exchanged.", lambda a, r, t: _spread(gain(a, r), t, not ends)),
            ("that is another measure of the gain.", lambda a, r, t: _spread(other(a, r), t, ends)),
        ),
    )


def _another(choices, name):
    """A choice that was not asked for."""
    return next(value for key, value in choices.items() if key != name)


_AXES = {"the root of the number of images": 0.5, "the number itself": 1.0, "one over its root": -0.5}


def _exchanged(sizes, curve, n, generated, reached, power, times):
    """Size at which the curve reaches an accuracy, between two sizes linear in sizes ** power; as times n, or worth."""
    found = np.interp(reached, curve, sizes**power) ** (1 / power)
    return found / n if times else (found - n) / generated


def _worth(base, seed, rng):
    name, times = str(rng.choice(list(_AXES))), bool(rng.integers(2))
    power, other = _AXES[name], _another(_AXES, name)
    what = (
        "**how many times** the `n` real images it would take to get there with real ones alone"
        if times
        else "how many real images **one generated image** is worth: those that would have to come to the `n`"
    )
    return derive(
        base,
        seed,
        "With `sizes` (K,) real images the accuracies are `accuracies` (K,), both rising. An arm has `n` real and "
        f"`generated` drawn ones and reaches `reached`. Return {what}. Between two sizes the accuracy is a straight "
        f"line over **{name}**, not over its logarithm; beyond the ends stay at the end.",
        "def worth(sizes, accuracies, n, generated, reached):\n"
        f'    """{"Times the real images" if times else "Real images for one generated one"}: a number."""',
        f"linear over {name}; {'times n' if times else 'for each generated image'}",
        "Another exchange rate",
        f"six curves, linear over {name}",
        lambda *v: _exchanged(*v, power, times),
        hints=(
            ("times n and images for each generated one are exchanged.", lambda *v: _exchanged(*v, power, not times)),
            ("the line lies over another axis.", lambda *v: _exchanged(*v, other, times)),
        ),
    )


def _ends(first, seeds, second, others, level, turned):
    """(mean, low, high) of first - second over common seeds, or of second - first."""
    _, i, j = np.intersect1d(seeds, others, return_indices=True)
    x = second[j] - first[i] if turned else first[i] - second[j]
    half = student(0.5 + level / 2, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x))
    return x.mean(), x.mean() - half, x.mean() + half


def _interval(base, seed, rng):
    level, turned = float(rng.choice([0.8, 0.9, 0.99])), bool(rng.integers(2))
    what = "second − first" if turned else "first − second"
    return derive(
        base,
        seed,
        "`first` (N,) are the scores of one way with the seeds `seeds` (N,), `second` (M,) those of another with the "
        "seeds `others` (M,), in another order; some seeds may be in one of them only. Take the seeds that both have "
        f"as pairs. Return the mean of **{what}**, and the low and the high end of its **{level:.0%}** interval. "
        "`stats.t.ppf(p, freedom)` is Student's quantile.",
        "def difference_interval(first, seeds, second, others):\n"
        f'    """Mean of {what} over common seeds, low and high end of its {level:.0%} interval."""\n'
        "    from scipy import stats\n",
        f"{what}, {level:.0%}",
        "Another interval of a difference",
        f"six tables: {what}, {level:.0%}",
        lambda *v: _ends(*v, level, turned),
        hints=(
            ("that is the 95 % interval.", lambda *v: _ends(*v, 0.95, turned)),
            ("the wrong way round.", lambda *v: _ends(*v, level, not turned)),
            ("that is one tail: the level lies between two ends.", lambda *v: _ends(*v, 2 * level - 1, turned)),
        ),
    )


FAMILIES = {"12.1": _paired, "12.2": _worth, "16.1": _interval}
