"""Four-voice chorales as tokens, and a decoder that completes them.

A chorale is an int array (T, 4), a row an eighth, a column a voice (soprano, alto, tenor, bass): a MIDI pitch where a
tone begins, HOLD, REST; see `data.load_chorales`.
"""

import numpy as np

from aigc_course import data
from aigc_course.data import HOLD, REST
from aigc_course.errors import CourseError
from aigc_course.lmdg.core import generation, transformer
from aigc_course.lmdg.core.characters import END, PAD

__all__ = [
    "AHEAD",
    "CONTEXT",
    "FIRST",
    "FOUR",
    "FREE",
    "HIGHEST",
    "LOWEST",
    "ORDER",
    "PITCHES",
    "STEPS",
    "THREE",
    "VOCABULARY",
    "VOICES",
    "check_chorale",
    "complete",
    "continued",
    "decode_chorale",
    "encode_chorale",
    "excerpt",
    "follows",
    "harmony_only",
    "load_music_decoder",
    "melody_only",
    "pitch_of",
    "place_before",
    "ranges",
    "sounding",
    "three_parts",
    "training_rows",
    "transpose",
]

VOICES = ("soprano", "alto", "tenor", "bass")
FREE = -1  # in a chorale that is to be completed: the model chooses
LOWEST, HIGHEST = 33, 84  # pitches that have a token
FOUR, THREE = 3, 4  # first tokens: bars of 8 or of 6 eighths
FIRST = 5  # tokens of HOLD (a rest goes on), REST, then of LOWEST … HIGHEST begun, then of the same held
PITCHES = HIGHEST - LOWEST + 1
VOCABULARY = FIRST + 2 + 2 * PITCHES
ORDER = (0, 3, 2, 1)  # voices within a step: melody, then from the bass up
STEPS, AHEAD = 64, 8  # eighths that the context holds: 8 bars of 4/4; eighths by which the melody is written ahead
CONTEXT = 1 + AHEAD + 4 * STEPS  # tokens of a row


# --- a chorale and its tokens ---


def check_chorale(notes, free=False):
    """The chorale as an int array (T, 4).

    Raises:
        CourseError: empty, of another shape, or with a number that is neither HOLD, REST nor a pitch with a token.
    """
    notes = np.asarray(notes)
    if notes.ndim != 2 or notes.shape[1] != 4 or not len(notes) or notes.dtype.kind not in "iu":
        raise CourseError(f"a chorale is an int array (T, 4), T >= 1; received {notes.dtype} {notes.shape}.")
    known = (notes == HOLD) | (notes == REST) | ((notes >= LOWEST) & (notes <= HIGHEST)) | (free & (notes == FREE))
    if not known.all():
        raise CourseError(f"pitches must lie in {LOWEST} … {HIGHEST} (MIDI); received {notes[~known][0]}. Transpose.")
    return notes.astype(int)


def excerpt(notes, start, stop):
    """Steps start … stop of a chorale; tones that go on from before begin anew."""
    piece = np.array(notes[start:stop])
    for voice, pitch in enumerate(sounding(notes)[start] if len(piece) else ()):
        if piece[0, voice] == HOLD:
            piece[0, voice] = pitch
    return piece


def sounding(notes):
    """The pitch that sounds at each step, held or not: int array (T, 4), REST where none does."""
    notes = np.asarray(notes)
    places = np.maximum.accumulate(np.where(notes == HOLD, 0, np.arange(len(notes))[:, None]), axis=0)
    found = np.take_along_axis(notes, places, axis=0)
    return np.where(found == HOLD, REST, found)


def transpose(notes, by):
    """All pitches moved by so many semitones."""
    return np.where(np.asarray(notes) > REST, np.asarray(notes) + by, notes)


def encode_chorale(notes, bar=8, ahead=AHEAD, held=True):
    """Tokens of a chorale: the metre, `ahead` steps of melody, then step by step; END behind it.

    Step t gives four tokens: the melody of step t + ahead, bass, tenor and alto of step t. So the harmony of a step
    is written when the melody of the next `ahead` steps stands there already. Where the melody is over stands END.

    Args:
        notes: int array (T, 4).
        bar: 8 or 6, eighths a bar; row 0 is the first of a bar.
        ahead: int >= 0.
        held: bool; a tone that goes on has a token that names its pitch. False: one token, HOLD, for all of them.

    Returns:
        int32 array (2 + ahead + 4 T,).
    """
    notes = check_chorale(notes)
    if bar not in (6, 8) or ahead < 0:
        raise CourseError(f"bar must be 8 (4/4) or 6 (3/4) and ahead >= 0; received bar {bar!r}, ahead {ahead!r}.")
    tokens = np.where(notes > REST, notes - LOWEST + FIRST + 2, notes + FIRST)
    pitches = sounding(notes)
    if held:
        tokens = np.where((notes == HOLD) & (pitches > REST), pitches - LOWEST + FIRST + 2 + PITCHES, tokens)
    melody = np.append(tokens[:, 0], np.full(ahead, END))  # (T + ahead,)
    steps = np.column_stack([melody[ahead:], tokens[:, ORDER[1:]]])  # (T, 4)
    head = [FOUR if bar == 8 else THREE]
    return np.concatenate([head, melody[:ahead], steps.ravel(), [END]]).astype(np.int32)


def decode_chorale(tokens, ahead=AHEAD):
    """The chorale (T, 4) of `encode_chorale`'s tokens; what stands behind the last whole step is left out."""
    tokens = np.asarray(tokens)
    body = tokens[1 + ahead :]
    steps = body[: len(body) // 4 * 4].reshape(-1, 4)
    ends = (steps[:, 1:] < FIRST).any(axis=1)
    steps = steps[: ends.argmax()] if ends.any() else steps
    melody = np.append(tokens[1 : 1 + ahead], steps[:, 0])[: len(steps)]
    found = np.zeros((len(steps), 4), int)
    for place, voice in enumerate(ORDER):
        codes = (melody if place == 0 else steps[:, place]) - FIRST
        begun = np.where(codes > REST, codes - 2 + LOWEST, np.maximum(codes, HOLD))
        found[:, voice] = np.where(codes >= 2 + PITCHES, HOLD, begun)
    return found


def pitch_of(tokens):
    """The pitch that a token sounds, begun or held; REST for any other token."""
    pitches = np.asarray(tokens) - FIRST - 2
    return np.where(pitches < 0, REST, pitches % PITCHES + LOWEST)


def follows(before, held=True):
    """What a voice may do after the token `before` (N,): any tone or rest begins, or what sounds goes on.

    Returns:
        bool array (N, VOCABULARY).
    """
    tokens = np.arange(VOCABULARY)
    if not held:
        return np.tile((tokens >= FIRST) & (tokens < FIRST + 2 + PITCHES), (len(before), 1))
    pitch = pitch_of(before)[:, None]
    begins = (tokens > FIRST) & (tokens < FIRST + 2 + PITCHES)
    on = np.where(pitch > REST, FIRST + 2 + PITCHES + pitch - LOWEST, FIRST + HOLD)
    return begins | (tokens == on)


def training_rows(pieces, ahead=AHEAD, shifts=range(-6, 6), stride=1, held=True):
    """Training rows: windows of `STEPS` eighths at bar lines, in every key that the voices' ranges allow.

    Args:
        pieces: list of `data.Chorale`.
        ahead: see `encode_chorale`.
        shifts: semitones; 0 is always taken, the others only while each voice stays where it sings in `pieces`.
        stride: int, bars from one window to the next.
        held: see `encode_chorale`.

    Returns:
        int32 array (N, 1 + ahead + 4 STEPS), padded with 0.
    """
    low, high = ranges(pieces).T
    found = []
    for piece in pieces:
        tones = np.where(piece.notes > REST, piece.notes, np.nan)
        for shift in shifts:
            fits = (np.nanmin(tones, axis=0) + shift >= low) & (np.nanmax(tones, axis=0) + shift <= high)
            if shift and not fits.all():
                continue
            moved = transpose(piece.notes, shift)
            for start in range(0, max(1, len(moved) - STEPS // 2), stride * piece.bar):
                found.append(encode_chorale(excerpt(moved, start, start + STEPS + ahead), piece.bar, ahead, held))
    out = np.full((len(found), 1 + ahead + 4 * STEPS), PAD, np.int32)
    for row, tokens in zip(out, found, strict=True):
        row[: len(tokens)] = tokens[: len(row)]
    return out


def three_parts():
    """(learnt, validation, test) chorales, no tune in two: validation, for choices, is taken from training's tunes."""
    train, test = data.load_chorales()
    chosen = [int(piece.tune, 16) % 11 == 1 for piece in train]
    learnt, validation = ([p for p, c in zip(train, chosen, strict=True) if c == part] for part in (False, True))
    return learnt, validation, test


def ranges(pieces):
    """Lowest and highest pitch of each voice: int array (4, 2)."""
    notes = np.concatenate([piece.notes for piece in pieces])
    return np.array([[v[v > REST].min(), v.max()] for v in notes.T])


def harmony_only(found, ahead=AHEAD):
    """Rows in which the melody and the metre are given (negative, not scored): bits of the three lower voices alone."""
    found = np.array(found)
    places = np.arange(found.shape[1])
    given = (places <= ahead) | ((places - 1 - ahead) % 4 == 0)
    return np.where(given, -found, found)


# --- writing ---


def complete(decoder, known, bar=8, ahead=AHEAD, temperature=0.9, top_p=0.95, seed=0, forbid=None, held=True):
    """Fills in what is FREE in chorales; all else stays, exactly.

    Whether a known tone can be prepared for depends on the order of the tokens: only what stands before is seen.

    Args:
        decoder: trained on `training_rows`.
        known: int array (N, T, 4), T <= STEPS: HOLD, REST, pitches, or FREE.
        bar, ahead, held: see `encode_chorale`.
        temperature, top_p, seed: see `generation.generate_tokens`.
        forbid: None, or function of the tokens so far (N, P) -> bool array (N, VOCABULARY): what may not come next.

    Returns:
        int array (N, T, 4).
    """
    known = np.stack([check_chorale(notes, free=True) for notes in known])
    if known.shape[1] > STEPS:
        raise CourseError(f"at most {STEPS} steps fit into the context; received {known.shape[1]}.")
    asked = _in_order(known, ahead)

    def allowed(place, tokens):
        """(N, VOCABULARY): the known token alone, or any that its voice may go on with."""
        before = place_before(place, ahead)
        may, wish = follows(tokens[:, before], held), asked[:, place, None]
        if before == 0:
            may[:, FIRST + HOLD] = False  # nothing sounds yet
        only = np.where(wish == HOLD, may & _GOES_ON, wish == _BEGINS)
        only = np.where(wish == _OVER, _KINDS == END, only)
        return np.where(wish == FREE, may if forbid is None else may & ~forbid(tokens), only)

    start = np.full((len(known), 1), FOUR if bar == 8 else THREE, np.int32)
    knobs = {"top_p": top_p, "allowed": allowed, "seed": seed}
    tokens = generation.generate_tokens(decoder, start, asked.shape[1] - 1, temperature, **knobs)
    return np.stack([decode_chorale(row, ahead) for row in tokens])


_KINDS, _OVER = np.arange(VOCABULARY), -2
_BEGINS = np.where(
    _KINDS == FIRST + REST,
    REST,
    np.where((_KINDS > FIRST + 1) & (_KINDS < FIRST + 2 + PITCHES), _KINDS - FIRST - 2 + LOWEST, -9),
)
_GOES_ON = (_KINDS == FIRST + HOLD) | (_KINDS >= FIRST + 2 + PITCHES)


def _in_order(known, ahead):
    """What is asked for at each place of a row: numbers of the grid (N, T, 4), FREE, or _OVER behind the melody."""
    count, steps = known.shape[:2]
    melody = np.concatenate([known[:, :, 0], np.full((count, ahead), _OVER)], axis=1)  # (N, T + ahead)
    body = np.concatenate([melody[:, ahead:, None], known[:, :, ORDER[1:]]], axis=2)
    return np.concatenate([np.full((count, 1), FREE), melody[:, :ahead], body.reshape(count, 4 * steps)], axis=1)


def place_before(place, ahead=AHEAD):
    """Where the same voice stands a step before; 0, the metre's place, where it has not begun."""
    if 1 < place <= 1 + ahead:
        return place - 1
    return place - 4 if place > 4 + ahead else 0


def continued(notes, steps, length=STEPS):
    """A chorale to be completed: the first `steps` eighths of notes, all voices, then FREE up to `length`."""
    known = np.full((length, 4), FREE)
    known[:steps] = notes[:steps]
    return known


def melody_only(notes):
    """A chorale to be completed: the soprano of notes; the other voices are FREE."""
    known = np.full_like(notes, FREE)
    known[:, 0] = notes[:, 0]
    return known


def load_music_decoder():
    """(decoder, facts) of the shipped `music_decoder.npz`."""
    return transformer.load_decoder(data.asset("music_decoder.npz"))
