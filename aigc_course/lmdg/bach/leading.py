"""How voices are led: which tokens would form a parallel with voices that stand already (see `counts.parallels`)."""

import numpy as np

from aigc_course.data import REST
from aigc_course.lmdg.bach.tokens import AHEAD, ORDER, VOCABULARY, pitch_of

__all__ = ["bad_places", "melody_place", "parallel_tokens"]

_PITCHES = pitch_of(np.arange(VOCABULARY))


def melody_place(step, ahead=AHEAD):
    """The place in a row at which the melody of a step stands."""
    return 1 + step if step < ahead else 1 + ahead + 4 * (step - ahead)


def parallel_tokens(tokens, ahead=AHEAD):
    """Tokens that would make the next tone run in fifths or octaves with a voice written before it.

    Two voices do where both sound at two steps, move the same way, and stand 0 or 7 semitones apart (modulo 12) before
    and after. Where a voice does not move there is none: to hold is always allowed.

    Args:
        tokens: int array (N, P), rows so far.
        ahead: see `encode_chorale`.

    Returns:
        bool array (N, VOCABULARY).
    """
    place = tokens.shape[1]
    bad = np.zeros((len(tokens), VOCABULARY), bool)
    step, voice = divmod(place - 1 - ahead, 4)
    if place <= 4 + ahead or voice == 0:  # the first step, and the melody, which is written before all others
        return bad
    before, after = pitch_of(tokens[:, place - 4, None]), _PITCHES  # (N, 1), (VOCABULARY,)
    for other in range(voice):
        now = melody_place(step, ahead) if other == 0 else place - voice + other
        then = melody_place(step - 1, ahead) if other == 0 else now - 4
        was, is_ = pitch_of(tokens[:, then, None]), pitch_of(tokens[:, now, None])
        side = 1 if ORDER[voice] < ORDER[other] else -1  # an interval is counted from the lower voice up
        first, second = side * (before - was) % 12, side * (after - is_) % 12
        sounds = (before > REST) & (after > REST) & (was > REST) & (is_ > REST)
        together = (after - before) * (is_ - was) > 0
        bad |= sounds & together & (first == second) & ((first == 0) | (first == 7))
    return bad


def bad_places(rows, ahead=AHEAD):
    """`parallel_tokens` of every place of whole rows (N, T): bool array (N, T, VOCABULARY)."""
    rows = np.asarray(rows)
    return np.stack([parallel_tokens(rows[:, :place], ahead) for place in range(rows.shape[1])], axis=1)
