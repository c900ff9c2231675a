"""Variants for chapters 08 to 11: bits, nuclei, codes, guidance, parallels, films, wishes."""

import numpy as np

from aigc_course.checks.exam.variant import derive
from aigc_course.checks.flights import flight_cases, landing

__all__ = ["FAMILIES"]


def _softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def _text_cases(rng):
    """Probabilities of the characters of six texts, none shorter than eight."""
    return [(rng.uniform(0.01, 0.9, int(n)),) for n in rng.integers(8, 40, 6)]


def _bits(base, seed, rng):
    skip, size = int(rng.integers(1, 5)), int(rng.choice([3, 4, 8, 10]))
    return derive(
        base,
        seed,
        f"`probabilities` (T,) are what a model gave to the characters that came. The first **{skip}** "
        f"{'is a prompt and does' if skip == 1 else 'are a prompt and do'} not count. Return the mean cost of the "
        f"rest in digits to **base {size}**, the mean of $-\\log_{{{size}}} p$.",
        f'def bits_per_character(probabilities):\n    """Base-{size} digits a character behind a prompt of {skip}."""',
        f"base {size}; the first {skip} left out",
        "What a model is worth in other digits",
        f"the cost of six texts in digits to base {size} behind a prompt of {skip}",
        lambda p: -np.log(p[skip:]).mean() / np.log(size),
        cases=_text_cases,
        hints=(
            ("the prompt was counted.", lambda p: -np.log(p).mean() / np.log(size)),
            ("that is in bits.", lambda p: -np.log2(p[skip:]).mean()),
            (
                "the prompt was left out, and counted in the number of characters.",
                lambda p: -np.log(p[skip:]).sum() / len(p) / np.log(size),
            ),
        ),
    )


def _nucleus(x, p, least, most):
    """The fewest likeliest that hold p, but at least `least` and at most `most` of them."""
    order = np.argsort(-x)
    n = int(np.searchsorted(np.cumsum(x[order]), p)) + 1
    kept = np.zeros_like(x)
    chosen = order[: max(least, min(n, most))]
    kept[chosen] = x[chosen]
    return kept / kept.sum()


def _top_p(base, seed, rng):
    least = int(rng.integers(2, 4))
    most = least + int(rng.integers(1, 3))
    return derive(
        base,
        seed,
        "Keep the fewest tokens, likeliest first, that together hold at least `p`; **but never fewer than "
        f"{least}, and never more than {most}**, whatever they hold. Return the distribution (V,) in which the others "
        "are 0 and the kept ones add up to 1, each at its own place. There are always enough tokens.",
        f'def top_p(probabilities, p):\n    """The distribution (V,) with {least} to {most} tokens kept."""',
        f"at least {least}, at most {most} tokens",
        "A nucleus within bounds",
        f"eight distributions, of which {least} to {most} tokens stay",
        lambda x, p: _nucleus(x, p, least, most),
        hints=(
            ("the lower bound is missing.", lambda x, p: _nucleus(x, p, 1, most)),
            ("the upper bound is missing.", lambda x, p: _nucleus(x, p, least, len(x))),
        ),
    )


def _coded(levels, sizes, low, start):
    """The first level counts most; levels begin at `low`, codes at `start`."""
    places = np.cumprod([1, *sizes[:0:-1]])[::-1]
    return start + ((levels - low) * places).sum(axis=1)


def _code(base, seed, rng):
    low, start = int(rng.choice([1, -1, -2, 5])), int(rng.choice([0, 1, 100, 256]))

    def cases(rng):
        return [(levels + low, sizes) for levels, sizes in base.cases(rng)]

    return derive(
        base,
        seed,
        f"`levels` (N, D) are whole numbers, the j-th of them one of `sizes[j]` values **from {low}** on. Write a row "
        "as one code, (N,): the **last** level counts once, the one before it `sizes[-1]` times, the one before that "
        f"`sizes[-1] * sizes[-2]` times, and so on. The least levels have the **code {start}**.",
        'def code_of(levels, sizes):\n    """The code number of each row of levels (N, D): (N,)."""',
        f"the first level counts most; levels from {low}, codes from {start}",
        "Levels to another code",
        f"codes from {start} for levels from {low}, the last one counting once",
        lambda x, s: _coded(x, s, low, start),
        cases=cases,
        hints=(
            (f"levels begin at {low}: take that away first.", lambda x, s: _coded(x, s, 0, start)),
            (f"codes begin at {start}.", lambda x, s: _coded(x, s, low, 0 if start else 1)),
        ),
    )


def _guided(c, u, w, heat):
    """Guidance in the convention of the paper, 1 + w, then a temperature."""
    return _softmax((u + (1 + w) * (c - u)) / heat)


def _guidance(base, seed, rng):
    heat = float(rng.choice([0.5, 0.7, 1.5, 2.0]))
    return derive(
        base,
        seed,
        "In the convention of Ho and Salimans (2022) the weight 0 means no guidance, and $w$ is what is added:\n\n"
        f"$$\\ell = \\ell_0 + (1 + w)(\\ell_c - \\ell_0).$$\n\nThe next token is drawn from these logits at the "
        f"**temperature {heat:g}**. Return its probabilities (V,).",
        "def guided_probabilities(with_caption, without_caption, w):\n"
        f'    """Probabilities (V,) under guidance 1 + w at temperature {heat:g}."""',
        f"1 + w, temperature {heat:g}",
        "Guidance in the paper's convention",
        f"seven pairs of logits under 1 + w at temperature {heat:g}",
        lambda c, u, w: _guided(c, u, w, heat),
        hints=(
            ("the temperature is missing.", lambda c, u, w: _guided(c, u, w, 1.0)),
            ("the logits were multiplied by the temperature; divide.", lambda c, u, w: _guided(c, u, w, 1 / heat)),
            ("that is the course's convention.", lambda c, u, w: _guided(c, u, w - 1, heat)),
        ),
    )


def _moves(upper, lower, interval, contrary):
    """Steps with the interval before and after while both voices move the same way, or against each other."""
    gap = (upper - lower) % 12
    both = np.diff(upper) * np.diff(lower)
    return int(((gap[:-1] == interval) & (gap[1:] == interval) & (both < 0 if contrary else both > 0)).sum())


def _duet_cases(interval):
    """Voices that often stand in the interval, of any width, and go every way."""

    def cases(rng):
        found = []
        for length in (30, 60, 60, 2, 150):
            lower = 40 + np.abs(np.cumsum(rng.integers(-3, 4, length)) % 40 - 20)
            wide = interval + 12 * rng.integers(0, 3, length)
            upper = lower + np.where(rng.random(length) < 0.8, wide, rng.integers(0, 25, length))
            found.append((upper, lower))
        return found

    return cases


_INTERVALS = {
    0: "octave or a unison (0 or 12 semitones)",
    5: "fourth (5 semitones)",
    4: "major third (4 semitones)",
    9: "major sixth (9 semitones)",
}


def _parallels(base, seed, rng):
    interval, contrary = int(rng.choice(list(_INTERVALS))), bool(rng.integers(2))
    way = "in **opposite** directions" if contrary else "in the **same** direction"
    return derive(
        base,
        seed,
        f"`upper` and `lower` (T,) are the pitches of two voices, step by step, the upper one never below. Count the "
        f"steps from one moment to the next in which both voices move, {way}, and their interval is an "
        f"{_INTERVALS[interval]}, plus any number of octaves, before and after. Return the count.".replace(
            "an fourth", "a fourth"
        ).replace("an major", "a major"),
        'def parallel_fifths(upper, lower):\n    """Number of such steps between two voices, pitches (T,) each."""',
        f"interval {interval}, {'contrary' if contrary else 'parallel'} motion",
        "Other parallels",
        f"five duets, interval {interval} in {'contrary' if contrary else 'parallel'} motion",
        lambda u, v: _moves(u, v, interval, contrary),
        cases=_duet_cases(interval),
        hints=(
            ("that is the other direction.", lambda u, v: _moves(u, v, interval, not contrary)),
            ("those are fifths.", lambda u, v: _moves(u, v, 7, contrary)),
        ),
    )


def _film(base, seed, rng):
    gap, centre = int(rng.integers(2, 5)), bool(rng.integers(2))
    wanted = "the ink's centre of mass" if centre else "the first row and the first column with ink"
    return derive(
        base,
        seed,
        f"`given` (N, 3, H, W) are three frames of films in which ink flies evenly, a whole number of pixels a frame, "
        "and turns back where its edge meets the edge of the frame; on an axis you see it meet one wall at most. "
        f"Given is **every {gap}{'nd' if gap == 2 else 'rd' if gap == 3 else 'th'} frame** of the film. Return "
        f"{wanted}, (N, 2), `ahead` frames **of the film** after the last given one.",
        'def landing(given, ahead):\n    """Row and column (N, 2) of the ink, `ahead` frames later."""',
        f"every {gap}. frame given; {'centres' if centre else 'corners'} asked",
        "Where will it be, seen now and then?",
        f"six sets of films, every {gap}. frame given",
        lambda f, n: landing(f, n, gap=gap, back=centre),
        cases=lambda rng: flight_cases(rng, gap),
        hints=(
            ("`ahead` counts frames of the film, not given ones.", lambda f, n: landing(f, n, back=centre)),
            (
                "a wall between the last two given frames makes that move too short.",
                lambda f, n: landing(f, n, speed=lambda before, after: after, gap=gap, back=centre),
            ),
        ),
    )


def _rescaled(untold, told, weights, share):
    """The sum of wishes, brought to the spread of the mean of what is told, mixed with itself."""
    v = untold + np.tensordot(weights, told - untold, axes=1)
    plain = told.mean(axis=0)
    size, wanted = (np.sqrt((x**2).mean(axis=1, keepdims=True)) for x in (v, plain))
    return share * v * wanted / size + (1 - share) * v


def _wish_cases(rng):
    return [
        (rng.normal(0, 1, (b, f)), rng.normal(0, 1, (k, b, f)), rng.uniform(0.3, 3.0, k) * rng.choice([1, 1, -1], k))
        for k, b, f in ((1, 3, 4), (2, 4, 3), (3, 4, 3), (4, 1, 5), (2, 5, 2))
    ]


def _wishes(base, seed, rng):
    share = float(rng.choice([0.3, 0.7, 1.0]))
    mix = f"${share:g}\\,v' + {1 - share:.2g}\\,v$" if share < 1 else "$v'$"
    return derive(
        base,
        seed,
        "`untold` (B, F), `told` (K, B, F), `weights` (K,): K wishes, whose effects told − untold are added to the "
        "untold velocity by their weights, $v$. Large weights make $v$ too long (Lin et al., 2024). So bring each "
        "row of $v$ to the root mean square of the same row of the **mean of the told velocities**, $v'$, and return "
        f"{mix}, (B, F).",
        'def steer(untold, told, weights):\n    """The rescaled velocity (B, F) that follows K wishes at once."""',
        f"rescaled to the told velocities, by a share of {share:g}",
        "Wishes that keep their length",
        f"five sets of wishes, rescaled by {share:g}",
        lambda u, t, w: _rescaled(u, t, w, share),
        cases=_wish_cases,
        hints=(("the share is missing, or turned over.", lambda u, t, w: _rescaled(u, t, w, 1 - share)),),
    )


FAMILIES = {
    "08.1": _bits,
    "08.3": _top_p,
    "09.1": _code,
    "09.2": _guidance,
    "10.3": _parallels,
    "10.4": _film,
    "11.2": _wishes,
}
