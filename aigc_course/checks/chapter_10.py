"""Exercises of chapter 10: music and moving pictures."""

import numpy as np

from aigc_course.checks.exercise import Exercise
from aigc_course.checks.flights import corners_of, flight_cases, landing

__all__ = ["EXERCISES", "correlations", "fifths", "hertz"]


def _pitch_cases(rng):
    """(pitches (n,),): MIDI numbers, 440 Hz among them, two sets of one length, one over the whole range."""
    return [
        (rng.permutation(np.append(rng.integers(low, high, n), 69)),)
        for n, low, high in ((1, 36, 84), (4, 36, 84), (7, 36, 84), (4, 36, 84), (20, 0, 128))
    ]


def hertz(p, middle=69, base=2.0, octave=12):
    return 440.0 * base ** ((np.asarray(p, float) - middle) / octave)


def _key_cases(rng):
    """(durations (12,), profile (12,)): positive, not symmetric."""
    return [(rng.gamma(1.5, 10, 12), rng.uniform(2, 6.5, 12)) for _ in range(6)]


def correlations(durations, profile, turn=1, centre=True, scale=True, both=False):
    """Correlation with the profile moved to each tonic; the options are mistakes."""
    found = []
    for tonic in range(12):
        a, b = durations.astype(float), np.roll(profile, turn * tonic)
        if both:
            a = np.roll(durations, tonic).astype(float)
        if centre:
            a, b = a - a.mean(), b - b.mean()
        product = (a * b).sum()
        found.append(product / (np.linalg.norm(a) * np.linalg.norm(b)) if scale else product)
    return np.array(found)


_FIFTHS = (7, 19, 31, 43)


def _voices_cases(rng):
    """(upper (T,), lower (T,)): pieces in which each rule matters, at random pitches, then walks."""
    pieces = [_piece(rng, repeats) for repeats in (1, 2, 3)]
    while True:  # two of one length, with different counts
        first, second = _walk(rng, 60), _walk(rng, 60)
        if fifths(*first) != fifths(*second):
            return [*pieces, first, second, _walk(rng, 2), _walk(rng, int(rng.integers(100, 200)))]


def _piece(rng, repeats):
    """Moves of each kind, some of them parallel fifths of each width, then fifths that stand, part or come."""
    moves = []  # interval before and after, step of both voices
    for _ in range(repeats):
        moves += [(7, 2), (7, -3), (19, 2), (31, -2), (43, 1), (12, 2), (12, -1), (24, 2), (5, 2), (17, -1)]
    upper, lower = [], []
    for index in rng.permutation(len(moves)):
        interval, step = moves[index]
        base = int(rng.integers(40, 50))
        lower += [base, base + step]
        upper += [base + interval, base + interval + step]
    base = int(rng.integers(42, 48))  # fifths that stand, part in contrary motion, or come from a third
    lower += [base, base, base - 5, base + 2, base + 3]
    upper += [base + 7, base + 7, base + 14, base + 6, base + 10]
    return np.array(upper), np.array(lower)


def _walk(rng, length):
    """A lower voice that goes or stands, an upper one that is most often a fifth above it, of any width."""
    lower = 36 + np.abs(np.cumsum(rng.integers(-3, 4, length)) % 40 - 20)
    gaps = np.where(rng.random(length) < 0.7, rng.choice(_FIFTHS, length), rng.choice([3, 5, 8, 12, 14, 24], length))
    return lower + gaps, lower


def fifths(
    upper, lower, fold=True, direction=True, moving=True, standing=False, intervals=(7,), after=True, share=False
):
    """Parallel fifths; the options are mistakes."""
    gap = (upper - lower) % 12 if fold else upper - lower
    found = np.isin(gap[:-1], intervals)
    if after:
        found = found & (gap[:-1] == gap[1:])
    up, low = np.diff(upper), np.diff(lower)
    if standing:
        found = found & (np.sign(up) == np.sign(low))
    elif direction:
        found = found & (up * low > 0)
    elif moving:
        found = found & (up != 0) & (low != 0)
    return found.mean() if share else found.sum()


def _cut(place, speed, ahead, span):
    """Stops at the wall."""
    return np.clip(place + ahead * speed, 0, span)


def _once(place, speed, ahead, span):
    """Turns back at the first wall, and never again."""
    there = place + ahead * speed
    there = np.where(there < 0, -there, there)
    return np.where(there > span, 2 * span - there, there)


EXERCISES = (
    Exercise(
        key="10.1",
        function="frequency",
        title="Hertz of a pitch",
        points=1,
        look="chapter 10, «From numbers to sound»",
        onward="How far is the pitch from 69, in octaves?",
        checked="five sets of pitches from 0 to 127, the 440 Hz of pitch 69 in each",
        cases=_pitch_cases,
        expected=hertz,
        hints=(
            (
                "twelve semitones make an octave, seven are the white keys' steps: divide by 12.",
                lambda p: hertz(p, octave=7),
            ),
            ("pitch 60 is middle C, 262 Hz. 440 Hz is pitch 69.", lambda p: hertz(p, middle=60)),
            ("an octave doubles the frequency: base 2, not e.", lambda p: hertz(p, base=np.e)),
            (
                "each semitone doubles it there. Twelve of them together double: divide the difference by 12.",
                lambda p: hertz(p, octave=1),
            ),
            ("upside down: higher pitches have higher frequencies.", lambda p: hertz(2 * 69 - np.asarray(p, float))),
            (
                "a straight line. Equal steps of pitch are equal factors of frequency, not equal sums.",
                lambda p: 440 * (1 + (np.asarray(p, float) - 69) / 12),
            ),
            ("that is the factor to 440 Hz; multiply by 440.", lambda p: hertz(p) / 440),
        ),
    ),
    Exercise(
        key="10.2",
        function="key_correlations",
        title="Which key is it",
        points=2,
        look="chapter 10, «Which key»",
        onward="Try the tonic 2 on paper: at which place does the profile's first number stand?",
        checked="six sets of durations against six profiles, twelve tonics each",
        cases=_key_cases,
        expected=correlations,
        hints=(
            (
                "the profile is turned the wrong way: for tonic 2 (D) its first number must stand at place 2.",
                lambda d, p: correlations(d, p, turn=-1),
            ),
            (
                "sums of products came. Subtract both means, then divide by both lengths: a correlation.",
                lambda d, p: correlations(d, p, centre=False, scale=False),
            ),
            (
                "the cosine came: subtract the mean of each before the product.",
                lambda d, p: correlations(d, p, centre=False),
            ),
            (
                "divide by the lengths of both centred vectors: a correlation lies in [-1, 1].",
                lambda d, p: correlations(d, p, scale=False),
            ),
            (
                "that is the covariance. Divide by both standard deviations.",
                lambda d, p: correlations(d, p, scale=False) / 12,
            ),
            (
                "durations and profile were turned together, so every tonic gives the same number.",
                lambda d, p: correlations(d, p, both=True),
            ),
            (
                "only the best tonic came; all twelve correlations were asked for.",
                lambda d, p: np.argmax(correlations(d, p)),
            ),
            (
                "squared: a key that fits badly would look like one that fits well. Leave the sign.",
                lambda d, p: correlations(d, p) ** 2,
            ),
        ),
    ),
    Exercise(
        key="10.3",
        function="parallel_fifths",
        title="Parallel fifths",
        points=3,
        look="chapter 10, «What broke: parallels»",
        onward="Three conditions for each step: a fifth before, a fifth after, and both voices moving the same way.",
        checked="seven pieces with fifths of every width, octaves, standing and contrary voices",
        cases=_voices_cases,
        expected=fifths,
        rtol=0.0,
        hints=(
            (
                "a fifth plus an octave is a fifth too: take the interval modulo 12.",
                lambda u, v: fifths(u, v, fold=False),
            ),
            (
                "a fifth that stands still is no parallel: both voices must move.",
                lambda u, v: fifths(u, v, direction=False, moving=False),
            ),
            (
                "two voices that stand still have the same sign, 0: a fifth that is held is no parallel.",
                lambda u, v: fifths(u, v, standing=True),
            ),
            (
                "a fifth that becomes a twelfth in contrary motion was counted: both must move the same way.",
                lambda u, v: fifths(u, v, direction=False),
            ),
            (
                "octaves were counted too. They are forbidden as well, and another exercise.",
                lambda u, v: fifths(u, v, intervals=(0, 7)),
            ),
            ("those are fourths, five semitones. A fifth has seven.", lambda u, v: fifths(u, v, intervals=(5,))),
            (
                "it is enough for you that the first interval is a fifth; the second must be one too.",
                lambda u, v: fifths(u, v, after=False),
            ),
            ("their share of all moves came; their number was asked for.", lambda u, v: fifths(u, v, share=True)),
            (
                "those are all fifths, moved or not, without a look at the next one.",
                lambda u, v: ((u - v) % 12 == 7).sum(),
            ),
        ),
    ),
    Exercise(
        key="10.4",
        function="landing",
        title="Where will it be?",
        points=2,
        look="chapter 10, «What pixels tell»",
        onward="Find the first row with ink in each frame: two moves. If the second is the shorter one, a wall cut it: "
        "what was the speed, and which way does it go now? Then fold the endless line between the walls.",
        checked="six sets of films, up to 40 frames ahead, walls hit before, between and behind the given frames",
        cases=flight_cases,
        expected=landing,
        hints=(
            (
                "a wall between frames two and three makes the last move too short: compare it with the one before.",
                lambda f, n: landing(f, n, speed=lambda before, after: after),
            ),
            (
                "a wall may have turned it since the first move: look at the last one too.",
                lambda f, n: landing(f, n, speed=lambda before, after: before),
            ),
            (
                "the mean of both moves is no speed where a wall lies between.",
                lambda f, n: landing(f, n, speed=lambda before, after: (before + after) / 2),
            ),
            (
                "the longer move is right, but its direction is that before the wall.",
                lambda f, n: landing(
                    f, n, speed=lambda before, after: np.where(np.abs(after) >= np.abs(before), after, before)
                ),
            ),
            (
                "it flies out of the frame: there are walls.",
                lambda f, n: landing(f, n, move=lambda x, v, t, s: x + t * v),
            ),
            ("it stops at the wall; it must turn back.", lambda f, n: landing(f, n, move=_cut)),
            ("it turns back once; far ahead it meets many walls.", lambda f, n: landing(f, n, move=_once)),
            (
                "it comes in again on the other side. Walls turn it back.",
                lambda f, n: landing(f, n, move=lambda x, v, t, s: np.mod(x + t * v, s)),
            ),
            (
                "the ink's edge meets the wall, not its first row: the span is the frame less the ink.",
                lambda f, n: landing(f, n, shape=1),
            ),
            (
                "the span is one too large: ink of h rows in H rows begins in row 0 … H - h.",
                lambda f, n: landing(f, n, shape=corners_of(f)[1][:, -1] - 1),
            ),
            ("that is the corner of the ink; its centre was asked for.", lambda f, n: landing(f, n, back=False)),
            (
                "the middle of the ink's box came. The centre of mass weighs each pixel by its ink.",
                lambda f, n: landing(f, n, back=False) + (corners_of(f)[1][:, -1] - 1) / 2,
            ),
            ("count from the last given frame, not from the first.", lambda f, n: landing(f, n - 2)),
            ("columns came first; return row, then column.", lambda f, n: landing(f, n)[:, ::-1]),
        ),
    ),
)
