"""Variants for chapters 05 to 07: how many seeds, blind guesses, unequal modes, truncation."""

import math
from statistics import NormalDist

import numpy as np

from aigc_course.checks.exam.variant import derive
from aigc_course.checks.formulas import distances

__all__ = ["FAMILIES"]


def _plan_cases(factor, sides):
    """Plans whose exact number of seeds lies well between two whole numbers; the last needs the least number."""

    def cases(rng):
        found = []
        for exact in (28.3, 140.2, 57.6 + 2 * int(rng.integers(4)), 5.4, 0.3):
            alpha, power = float(rng.choice([0.01, 0.05, 0.1])), float(rng.choice([0.6, 0.8, 0.9]))
            spread = float(rng.uniform(0.8, 2.0))
            both = _z(1 - alpha / sides) + _z(power)
            found.append((spread, float(both * spread * math.sqrt(factor / exact)), alpha, power))
        return found

    return cases


def _z(p):
    return NormalDist().inv_cdf(p)


def _seeds(spread, gap, alpha, power, factor, sides):
    """The smallest n, at least 2, of the first recipe."""
    return max(2, math.ceil(factor * ((_z(1 - alpha / sides) + _z(power)) * spread / gap) ** 2))


def _seeds_needed(base, seed, rng):
    more, sides = int(rng.integers(2, 6)), int(rng.integers(1, 3))
    factor = 1 + 1 / more
    way = "in the direction that was announced before (one-sided)" if sides == 1 else "either way (two-sided)"
    quantile = r"z_{1-\alpha}" if sides == 1 else r"z_{1-\alpha/2}"
    return derive(
        base,
        seed,
        f"The second recipe is cheap: it is trained with **{more} times as many seeds** as the first. The judge "
        "distance of each varies from seed to seed with a known standard deviation, `spread`. You claim a "
        f"difference of the means {way}, if it exceeds ${quantile}$ standard errors of that difference. "
        "Return the smallest number of seeds of the **first** recipe, at least 2, that gives a true `difference` the "
        "`power` asked for; neglect claims in the wrong direction. $z_p$: `NormalDist().inv_cdf(p)`.",
        "def seeds_needed(spread, difference, alpha, power):\n"
        '    """Smallest number of seeds of the first recipe, an integer >= 2."""\n'
        "    from statistics import NormalDist\n",
        f"{more} times as many seeds of the second recipe; {'one' if sides == 1 else 'two'}-sided",
        "How many seeds, unequally shared",
        f"five plans with {more} seeds of the second recipe for each of the first",
        lambda s, d, a, p: _seeds(s, d, a, p, factor, sides),
        cases=_plan_cases(factor, sides),
        hints=(
            ("one-sided and two-sided are exchanged.", lambda s, d, a, p: _seeds(s, d, a, p, factor, 3 - sides)),
            ("that counts the second recipe's seeds.", lambda s, d, a, p: more * _seeds(s, d, a, p, factor, sides)),
        ),
    )


def _of_stuck(m, s, n, t, p, stuck, root):
    """Distance of N(m, s²) to a mixture one part of which always gives its mean."""
    s_first, s_second = (0.0, t) if stuck == 0 else (s, 0.0)
    mean = (1 - p) * m + p * n
    variance = (1 - p) * s_first**2 + p * s_second**2 + p * (1 - p) * (m - n) ** 2
    square = (mean - m) ** 2 + (np.sqrt(variance) - s) ** 2
    return np.sqrt(square) if root else square


def _frechet(base, seed, rng):
    stuck, root = int(rng.integers(2)), bool(rng.integers(2))
    part = ("the good part", "the errors")[stuck]
    good, bad = (("$m$ **exactly, always**", "$N(n, t^2)$"), ("$N(m, s^2)$", "$n$ **exactly, always**"))[stuck]
    what = "distance itself, **the root**" if root else "**square** of the distance, as the course keeps it"
    return derive(
        base,
        seed,
        f"The data are $N(m, s^2)$. A generator gives {good} with probability $1-p$ and {bad} with probability $p$: "
        f"{part} {'has' if stuck == 0 else 'have'} lost all variety. Return the {what}: Fréchet's, between the data "
        "and the Gaussian with the generator's mean and variance. The arguments are the numbers $m, s, n, t, p$; one "
        "of the deviations plays no part in the generator.",
        "def frechet_1d(mean, std, other_mean, other_std, share):\n"
        '    """Fréchet distance of the data to a generator with a stuck part: a number."""',
        f"{part} always gives its mean; the {'root' if root else 'square'}",
        "A generator that is stuck now and then",
        f"seven mixtures in which {part} always gives its mean",
        lambda *v: _of_stuck(*v, stuck, root),
        hints=(
            ("the other part is stuck.", lambda *v: _of_stuck(*v, 1 - stuck, root)),
            ("root and square are exchanged.", lambda *v: _of_stuck(*v, stuck, not root)),
        ),
    )


def _blind(k, sigma, area, reach):
    return k * np.pi * (reach * sigma) ** 2 / area


def _blind_share(base, seed, rng):
    reach, disc = float(rng.choice([2.0, 2.5, 4.0, 1.5])), bool(rng.integers(2))
    where = "disc of **diameter** `side`" if disc else "square of side `side`"
    return derive(
        base,
        seed,
        f"A guess is uniform on a {where}. In it lie `k` modes of width `sigma`, so far apart and from the edge that "
        f"their reaches of **{reach:g} sigma** neither meet nor leave it. What share of the guess lies within "
        f"{reach:g} `sigma` of a mode? Return a number from 0 to 1.",
        f'def blind_share(k, sigma, side):\n    """Share of the guess within {reach:g} sigma of one of k modes."""',
        f"reach {reach:g} sigma, on a {'disc' if disc else 'square'}",
        "Another blind guess",
        f"four guesses on a {'disc' if disc else 'square'} with a reach of {reach:g} sigma",
        lambda k, s, side: _blind(k, s, np.pi * side**2 / 4 if disc else side**2, reach),
        hints=(
            (
                "the reach is three sigma there.",
                lambda k, s, side: _blind(k, s, np.pi * side**2 / 4 if disc else side**2, 3),
            ),
            ("`side` was taken for the radius.", lambda k, s, side: _blind(k, s, np.pi * side**2, reach)),
            (
                "disc and square are exchanged.",
                lambda k, s, side: _blind(k, s, side**2 if disc else np.pi * side**2 / 4, reach),
            ),
        ),
    )


def _forward(x, centres, sigma, weights, added, reach, unit):
    """KL(weights ‖ shares), with `added` to each count."""
    d = distances(x, centres)
    found = np.bincount(d.argmin(axis=1)[d.min(axis=1) <= reach * sigma], minlength=len(centres)) + added
    return float((weights * np.log(weights * found.sum() / found)).sum() / unit)


def _forward_kl(base, seed, rng):
    added, bits = float(rng.choice([0.5, 1.0, 2.0])), bool(rng.integers(2))
    reach = float(rng.choice([2.0, 3.0]))
    unit, unit_word = (math.log(2), "bits") if bits else (1.0, "nats")
    return derive(
        base,
        seed,
        f"Mode $i$ has the weight $w_i$, `weights` (k,). Give each sample within {reach:g} `sigma` of its nearest "
        f"centre to that mode. **Add {added:g} to the count of every mode**, an empty one too, so that no share is 0, "
        "and let $s_i$ be the shares of these sums. Return the divergence **the other way round**,\n\n"
        f"$$\\mathrm{{KL}}(w \\,\\|\\, s) = \\sum_i w_i \\log \\frac{{w_i}}{{s_i}},$$\n\nin **{unit_word}**.",
        'def reverse_kl(samples, centres, sigma, weights):\n    """KL of the weights against the smoothed shares."""',
        f"KL(w ‖ s) with {added:g} added to each count, reach {reach:g}, in {unit_word}",
        "Balance, the other way round",
        f"KL(w ‖ s) with {added:g} added to each count, in {unit_word}",
        lambda *v: _forward(*v, added, reach, unit),
        hints=(
            ("bits and nats are exchanged.", lambda *v: _forward(*v, added, reach, math.log(2) if not bits else 1.0)),
            (f"{added:g} was added to the empty modes only, or to none.", lambda *v: _of_empty(*v, added, reach, unit)),
            ("the reach is another.", lambda *v: _forward(*v, added, 5 - reach, unit)),
        ),
    )


def _of_empty(x, centres, sigma, weights, added, reach, unit):
    """A mistake: only empty modes are filled."""
    d = distances(x, centres)
    found = np.bincount(d.argmin(axis=1)[d.min(axis=1) <= reach * sigma], minlength=len(centres)).astype(float)
    found[found == 0] = added
    return float((weights * np.log(weights * found.sum() / found)).sum() / unit)


def _threshold_cases(rng):
    return [(rng.uniform(0.4, 3.0, n),) for n in (1, 5, 5, 12)]


def _bell(t):
    return np.exp(-(t**2) / 2) / np.sqrt(2 * np.pi)


def _below(t):
    return 0.5 + 0.5 * np.vectorize(math.erf)(t / math.sqrt(2))


def _clipped(t):
    """Standard deviation of z set to ±t beyond the threshold."""
    inside = 2 * _below(t) - 1
    return np.sqrt(inside - 2 * t * _bell(t) + t**2 * (1 - inside))


def _one_sided(t):
    """Standard deviation where z > t alone is drawn again."""
    ratio = _bell(t) / _below(t)
    return np.sqrt(1 - t * ratio - ratio**2)


def _mean_size(t):
    """Mean of |z| of what is drawn again beyond the threshold, over that of the normal."""
    return (_bell(0.0 * t) - _bell(t)) / (2 * _below(t) - 1) / _bell(0.0)


_TRUNCATIONS = (
    (
        _clipped,
        "each number beyond the threshold is **set to the threshold**, $z_i > \\tau$ to $\\tau$ and $z_i < -\\tau$ to "
        "$-\\tau$. Which $\\psi$ gives a number the same **standard deviation**",
        "clipped, not drawn again",
    ),
    (
        _one_sided,
        "a number **above** the threshold, $z_i > \\tau$, is drawn again until it is below; nothing happens to low "
        "ones. Which $\\psi$ gives a number the same **standard deviation**",
        "drawn again above the threshold only",
    ),
    (
        _mean_size,
        "each number with $|z_i| > \\tau$ is drawn again until it lies inside. Which $\\psi$ gives a number the same "
        "**mean size** $\\mathbb E|z_i|$",
        "the mean size in the place of the standard deviation",
    ),
)


def _truncation(base, seed, rng):
    place = int(rng.integers(3))
    expected, words, changed = _TRUNCATIONS[place]
    others = [one for i, (one, *_) in enumerate(_TRUNCATIONS) if i != place]
    return derive(
        base,
        seed,
        f"The chapter multiplies $z$ by $\\psi$. Here {words}? `threshold` is an array; return as many factors. "
        "`special.ndtr` is $\\Phi$, the integral of the normal density up to a point.",
        "from scipy import special\n\n\ndef matching_factor(threshold):\n"
        '    """The psi (n,) for the thresholds (n,)."""',
        changed,
        "A third truncation",
        f"factors for four sets of thresholds: {changed}",
        expected,
        cases=_threshold_cases,
        hints=tuple(
            ("that is another way to truncate, or another measure of size. Read the task again.", one) for one in others
        ),
    )


FAMILIES = {
    "05.1": _frechet,
    "05.4": _seeds_needed,
    "06.1": _blind_share,
    "06.2": _forward_kl,
    "07.1": _truncation,
}
