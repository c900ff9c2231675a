"""Formulas and inputs for the exercises of chapter 07: truncated noise, a judge that errs, ways, tours, a cheat."""

import functools
import math

import numpy as np

from aigc_course.checks.formulas import distances

__all__ = [
    "agreement_cases",
    "arc",
    "arc_as_they_are",
    "arc_undivided",
    "bent_chord",
    "best_pair",
    "cheat_cases",
    "chord",
    "clipped_variance",
    "density",
    "diagonal",
    "inside",
    "judge_angles",
    "judge_clipped",
    "judge_factor",
    "judge_turned",
    "judge_twice",
    "kept_variance",
    "move_cases",
    "moved",
    "pair_by_deviations",
    "pair_by_distance",
    "shares_read",
    "threshold_cases",
    "tour",
    "tour_cases",
]


_ROOT = math.sqrt(2)


def threshold_cases(rng):
    """(thresholds (n,),): two sets of one length; in one a very small threshold and one that nothing exceeds."""
    sets = [rng.uniform(0.3, 2.5, n) for n in (1, 5, 5, 3)]
    ends = np.array([rng.uniform(0.03, 0.1), rng.uniform(5, 7)])
    return [(part,) for part in (*sets, ends, np.exp(rng.uniform(-2, 1.2, 12)))]


def density(t):
    """Of the standard normal distribution."""
    return np.exp(-(np.asarray(t, float) ** 2) / 2) / np.sqrt(2 * np.pi)


def inside(t, scale=_ROOT):
    """The share of a standard normal distribution in [-t, t]."""
    return np.array([math.erf(value / scale) for value in np.ravel(t)])


def kept_variance(t, share=inside):
    """Variance of a standard normal number that is drawn again while it lies outside [-t, t]."""
    return 1 - 2 * t * density(t) / share(t)


def clipped_variance(t):
    """Variance of a standard normal number that is set to ±t where it lies outside."""
    return inside(t) - 2 * t * density(t) + t**2 * (1 - inside(t))


def judge_factor(cases, values):
    """NaN: the root of a number below 0; nearly right: a coarse integral, or too few digits."""
    if any(np.isnan(value).any() for (value,) in values):
        return (
            "NaN: a number below 0 stands under your root, and no variance is. Has the density its 1/√(2π), and does "
            "the share inside leave out both tails?"
        )
    if all(_near(value, np.sqrt(kept_variance(t)), 0.02) for (t,), (value,) in zip(cases, values, strict=True)):
        return "close, but not exact: use the closed form (by parts), in double precision."
    return None


def _near(value, wanted, rtol=1e-4):
    return value.shape == wanted.shape and np.allclose(value, wanted, rtol=rtol, atol=1e-6)


# --- a judge that errs ---------------------------------------------------------------------------------------


def _mixed(rng, k, least, most):
    """Rows that add up to 1, the diagonal the largest."""
    errs = rng.uniform(least, most, (k, 1))
    return (1 - errs) * np.eye(k) + errs * rng.dirichlet(np.ones(k), k)


def agreement_cases(rng):
    """(read (n,), asked (n,), confusion (K, K)): two of the same sizes, a judge without errors, classes exchanged.

    With two classes the largest number of the diagonal lies above 1, with five the smallest below 0.
    """
    cases = []
    for k, n in ((4, 200), (4, 200), (2, 60), (3, 90), (5, 400), (6, 500)):
        while True:
            case = _readings(rng, k, n)
            found = diagonal(*case)
            if (k != 2 or found.max() > 1.02) and (k != 5 or found.min() < -0.02):
                break
        cases.append(case)
    return cases


def _readings(rng, k, n):
    """(read, asked, confusion): without errors for three classes, two of five exchanged."""
    confusion = np.eye(k) if k == 3 else _mixed(rng, k, 0.15, 0.45)
    truth = _mixed(rng, k, 0.05, 0.4)
    if k == 5:
        truth[[0, 1]] = truth[[1, 0]]
    asked = np.concatenate([np.repeat(np.arange(k), 6), rng.choice(k, n - 6 * k, p=rng.dirichlet(np.full(k, 2.0)))])
    asked = rng.permutation(asked)
    drawn = [rng.choice(k, p=truth[one]) for one in asked]
    return np.array([rng.choice(k, p=confusion[one]) for one in drawn]), asked, confusion


def shares_read(read, asked, k, axis=1):
    """(K, K): the share of the pictures asked as i that are read as j; of all pictures with axis None."""
    table = np.zeros((k, k))
    np.add.at(table, (asked, read), 1)
    return table / np.maximum(table.sum(axis=axis, keepdims=True), 1)


def diagonal(read, asked, confusion, axis=1, turned=False):
    """Of T = R M⁻¹: the true agreement of each class; the options are mistakes."""
    found = shares_read(read, asked, len(confusion), axis)
    return np.diag(found @ np.linalg.inv(confusion.T if turned else confusion))


def judge_clipped(cases, values):
    """Shares of T that were cut off below 0, above 1 or at both."""
    for least, most in ((0, 1), (0, np.inf), (-np.inf, 1)):
        wanted = [np.clip(diagonal(*case), least, most).mean() for case in cases]
        if all(_near(np.squeeze(value), one) for (value,), one in zip(values, wanted, strict=True)):
            return (
                "T may leave [0, 1]; do not clip. Chance makes a share too large as often as too small: with one side "
                "cut off, the mean is wrong."
            )
    return None


# --- a way, and a tour ---------------------------------------------------------------------------------------


def move_cases(rng):
    """(z (N, F), with_it (M, F), without (L, F), steps (N,)): rows of many lengths, steps to both sides and none."""
    cases = []
    for n, m, k, f in ((5, 9, 6, 4), (5, 9, 6, 4), (1, 1, 3, 3), (8, 30, 20, 16), (6, 12, 12, 64), (4, 5, 7, 2)):
        shift, steps = rng.normal(0, 1, f), rng.uniform(1, 4, n) * rng.choice([-1, 1], n)
        steps[1:2] = 0
        z = rng.standard_normal((n, f)) * rng.uniform(0.5, 1.5, (n, 1))
        cases.append((z, rng.standard_normal((m, f)) + shift, rng.standard_normal((k, f)) - shift, steps))
    return cases


def _lengths(rows):
    return np.linalg.norm(rows, axis=1, keepdims=True)


def moved(z, with_it, without, steps, unit=True, back=_lengths, off=False):
    """z moved along the difference of the means, at the length `back(z)`; the options are mistakes."""
    way = with_it.mean(axis=0) - without.mean(axis=0)
    way = way / np.linalg.norm(way) if unit else way
    start = z - np.outer(z @ way, way) if off else z
    there = start + np.outer(steps, way)
    return there * back(z) / _lengths(there) if back else there


def _turned(z, with_it, without, steps, angle):
    """z turned towards the direction by an angle, a function of (steps, lengths of z, angles to the direction)."""
    way = with_it.mean(axis=0) - without.mean(axis=0)
    way, unit = way / np.linalg.norm(way), z / _lengths(z)
    cosine = unit @ way[:, None]
    side = (way - cosine * unit) / np.sqrt(1 - cosine**2)
    by = angle(steps[:, None], _lengths(z), np.arccos(cosine))
    return _lengths(z) * (np.cos(by) * unit + np.sin(by) * side)


def judge_turned(cases, values):
    """Rows turned on their sphere, by `steps` as an angle, as a length of arc, as the share of slerp."""
    for angle in (lambda s, length, whole: s, lambda s, length, whole: s / length, lambda s, length, whole: s * whole):
        if all(_near(value, _turned(*case, angle)) for case, (value,) in zip(cases, values, strict=True)):
            return "turned along the sphere, by an angle. Move straight, then bring back."
    return None


def tour_cases(rng):
    """(designs (K, F), n): two of the same sizes, a way there and back, right angles with places on the designs.

    Five designs are shorter than 1, so that no product of two of them reaches 1.
    """
    cases = []
    for k, f, n in ((3, 4, 10), (3, 4, 10), (2, 5, 7), (4, 6, 8), (5, 8, 13), (3, 3, 2)):
        units = np.linalg.qr(rng.standard_normal((f, f)))[0][:k]
        while k != 4:
            units = rng.standard_normal((k, f))
            units /= _lengths(units)
            if np.abs(np.sum(units * np.roll(units, -1, axis=0), axis=1)).max() < 0.95:
                break
        cases.append((units * (rng.uniform(0.3, 0.95, (k, 1)) if k == 5 else rng.uniform(0.5, 3, (k, 1))), n))
    return cases


def _angles(a, b):
    """Between rows of a and b: (N, 1)."""
    return _angles_of_units(a / _lengths(a), b / _lengths(b))


def _angles_of_units(a, b):
    """Between rows of length 1."""
    return np.arccos(np.clip(np.sum(a * b, axis=1, keepdims=True), -1, 1))


def arc_undivided(a, b, share, lengths=True, by=_angles):
    """Sines that nothing divides: too short or too long by the sine of the angle."""
    angle = by(a, b)
    turned = np.sin((1 - share) * angle) * a / _lengths(a) + np.sin(share * angle) * b / _lengths(b)
    return ((1 - share) * _lengths(a) + share * _lengths(b)) * turned if lengths else turned


def arc(a, b, share, lengths=True, by=_angles):
    """From rows a to rows b along great circles, lengths in proportion; of length 1 without `lengths`."""
    return arc_undivided(a, b, share, lengths, by) / np.sin(by(a, b))


def arc_as_they_are(a, b, share, by=_angles):
    """Shoemake's formula on vectors that have not the length 1."""
    angle = by(a, b)
    return (np.sin((1 - share) * angle) * a + np.sin(share * angle) * b) / np.sin(angle)


def chord(a, b, share):
    return (1 - share) * a + share * b


def bent_chord(a, b, share):
    """The straight line between the directions, put back on the sphere: not even in the angle."""
    flat = chord(a / _lengths(a), b / _lengths(b), share)
    return flat / _lengths(flat) * chord(_lengths(a), _lengths(b), share)


def tour(designs, n, way=arc, by=_angles, closed=True, end=False, first=0):
    """n places on a round through all designs, evenly spaced by `by`; the options are mistakes."""
    after = np.roll(designs, -1, axis=0)
    a, b = (designs, after) if closed else (designs[:-1], after[:-1])
    sizes = by(a, b).ravel()
    places = (np.linspace(0, 1, n) if end else (np.arange(n) + first) / n) * sizes.sum()
    ends = np.cumsum(sizes)
    leg = np.minimum(np.searchsorted(ends, places, side="right"), len(sizes) - 1)
    share = (places - (ends - sizes)[leg]) / sizes[leg]
    return way(a[leg], b[leg], share[:, None])


def judge_angles(cases, values):
    """The arccos of products of designs as they are; asked where no product reaches 1, for beyond it codes differ."""
    told = [
        (case, value)
        for case, (value,) in zip(cases, values, strict=True)
        if np.abs(np.sum(case[0] * np.roll(case[0], -1, axis=0), axis=1)).max() < 1
    ]
    by = _angles_of_units
    for way in (arc, functools.partial(arc, by=by), functools.partial(arc_as_they_are, by=by)):
        if all(_near(value, tour(*case, way=way, by=by)) for case, value in told):
            return (
                "a product of two designs is the cosine of their angle only where both have length 1. Divide each by "
                "its length before arccos."
            )
    return None


# --- a cheat -------------------------------------------------------------------------------------------------


def cheat_cases(rng):
    """(rows (M, F), n): one best pair, by ratios and their logarithms; n decides which; every mistake is another's.

    By the squares of the ratios it is the same pair too, but for the class of six rows.
    """
    while True:
        cases = []
        for m, f, n in ((14, 3, 4), (14, 3, 6), (25, 5, 40), (6, 2, 2), (30, 6, 10), (11, 4, 8)):
            rows = _class(rng, m, f, n)
            while best_pair(rows, n) in [best_pair(*case) for case in cases]:
                rows = _class(rng, m, f, n)
            cases.append((rows, n))
        found = list(zip(*(_likely_pairs(*case) for case in cases), strict=True))
        if len(set(found)) == len(found):
            return cases


def _class(rng, m, f, n):
    """Rows (m, f) with one best pair for n pictures, another one for other n."""
    while True:
        rows = rng.standard_normal((m, f)) * rng.uniform(0.5, 2, f) + rng.normal(0, 2, f)
        ratios = _ratios(rows, n)[2]
        clear = all(np.diff(np.sort(np.abs(of(ratios) - 1))[:2]) > 2e-4 for of in (np.asarray, np.square))
        best, squared, logs = (best_pair(rows, n, of=of) for of in (np.asarray, np.square, lambda r: 1 + np.log(r)))
        near = np.abs(ratios - 1).min() < (0.2 if m == 6 else 0.05)
        others = {best_pair(rows, 10**12), *([best_pair(rows, 2)] if n > 2 else [])}
        if clear and near and best == logs and (best != squared) == (m == 6) and best not in others:
            return rows


def _likely_pairs(rows, n):
    """The right pair, then those of mistakes that choose nearly the same."""
    return (
        best_pair(rows, n),
        best_pair(rows, 2),
        best_pair(rows, 10**12),
        best_pair(rows, n, ddof=0),
        best_pair(rows, 10**12, ddof=0),
        best_pair(rows, n, of=np.square),
        pair_by_deviations(rows, n),
    )


def _ratios(rows, n, ddof=1):
    """(i, j, spread ratio) of all pairs: n pictures, half of them i and half j, against all rows."""
    i, j = np.triu_indices(len(rows), 1)
    squares = n / (n - 1) * distances(rows, rows)[i, j] ** 2 / 4  # each picture lies half the distance from the mean
    return i, j, np.sqrt(squares / rows.var(axis=0, ddof=ddof).sum())


def best_pair(rows, n, ddof=1, of=np.asarray):
    """The pair whose spread ratio is nearest to 1; the options are mistakes."""
    i, j, ratios = _ratios(rows, n, ddof)
    best = np.abs(of(ratios) - 1).argmin()
    return int(i[best]), int(j[best])


def pair_by_deviations(rows, n):
    """The pair by the sum of the axes' standard deviations: a mistake."""
    i, j = np.triu_indices(len(rows), 1)
    sums = np.sqrt(n / (n - 1)) * np.abs(rows[i] - rows[j]).sum(axis=1) / 2
    best = np.abs(sums / rows.std(axis=0, ddof=1).sum() - 1).argmin()
    return int(i[best]), int(j[best])


def pair_by_distance(rows, best):
    """The pair that `best`, a function of all distances between two rows, chooses: a mistake."""
    i, j = np.triu_indices(len(rows), 1)
    place = best(distances(rows, rows)[i, j])
    return i[place], j[place]


def judge_twice(cases, values):
    """One picture, named twice."""
    if any(value.shape == (2,) and value[0] == value[1] for (value,) in values):
        return "the same picture twice has spread 0, as the ten stored pictures have. Choose two different ones."
    return None
