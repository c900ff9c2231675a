"""Four-voice chorales as tokens, and what can be counted in them: key, ranges, parallels, repetition, copies.

A chorale is an int array (T, 4), a row an eighth, a column a voice (soprano, alto, tenor, bass): a MIDI pitch where a
tone begins, HOLD, REST; see `data.load_chorales`.
"""

import numpy as np

from aigc_course import data
from aigc_course.data import HOLD, REST
from aigc_course.lmdg import generation, transformer
from aigc_course.lmdg.tokenizers import END, PAD
from aigc_course.runtime import CourseError

VOICES = ("soprano", "alto", "tenor", "bass")
FREE = -1  # in a chorale that is to be completed: the model chooses
LOWEST, HIGHEST = 33, 84  # pitches that have a token
FOUR, THREE = 3, 4  # first tokens: bars of 8 or of 6 eighths
FIRST = 5  # tokens of HOLD, REST, then LOWEST … HIGHEST
VOCABULARY = FIRST + 2 + HIGHEST - LOWEST + 1
ORDER = (0, 3, 2, 1)  # voices within a step: melody, then from the bass up
STEPS, AHEAD = 64, 8  # eighths that the context holds: 8 bars of 4/4; eighths by which the melody is written ahead
CONTEXT = 1 + AHEAD + 4 * STEPS  # tokens of a row


# --- a chorale and its tokens ---


def check(notes, free=False):
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


def encode(notes, bar=8, ahead=AHEAD):
    """Tokens of a chorale: the metre, `ahead` steps of melody, then step by step; END behind it.

    Step t gives four tokens: the melody of step t + ahead, bass, tenor and alto of step t. So the harmony of a step
    is written when the melody of the next `ahead` steps stands there already. Where the melody is over stands END.

    Args:
        notes: int array (T, 4).
        bar: 8 or 6, eighths a bar; row 0 is the first of a bar.
        ahead: int >= 0.

    Returns:
        int32 array (2 + ahead + 4 T,).
    """
    notes = check(notes)
    if bar not in (6, 8) or ahead < 0:
        raise CourseError(f"bar must be 8 (4/4) or 6 (3/4) and ahead >= 0; received bar {bar!r}, ahead {ahead!r}.")
    tokens = np.where(notes > REST, notes - LOWEST + FIRST + 2, notes + FIRST)
    melody = np.append(tokens[:, 0], np.full(ahead, END))  # (T + ahead,)
    steps = np.column_stack([melody[ahead:], tokens[:, ORDER[1:]]])  # (T, 4)
    head = [FOUR if bar == 8 else THREE]
    return np.concatenate([head, melody[:ahead], steps.ravel(), [END]]).astype(np.int32)


def decode(tokens, ahead=AHEAD):
    """The chorale (T, 4) of tokens as `encode` makes them; what stands behind the last whole step is left out."""
    tokens = np.asarray(tokens)
    body = tokens[1 + ahead :]
    steps = body[: len(body) // 4 * 4].reshape(-1, 4)
    ends = (steps[:, 1:] < FIRST).any(axis=1)
    steps = steps[: ends.argmax()] if ends.any() else steps
    melody = np.append(tokens[1 : 1 + ahead], steps[:, 0])[: len(steps)]
    found = np.zeros((len(steps), 4), int)
    for place, voice in enumerate(ORDER):
        codes = (melody if place == 0 else steps[:, place]) - FIRST
        found[:, voice] = np.where(codes > REST, codes - 2 + LOWEST, np.maximum(codes, HOLD))
    return found


def rows(pieces, ahead=AHEAD, shifts=range(-6, 6), stride=1):
    """Training rows: windows of `STEPS` eighths at bar lines, in every key that the voices' ranges allow.

    Args:
        pieces: list of `data.Chorale`.
        ahead: see `encode`.
        shifts: semitones; 0 is always taken, the others only while each voice stays where it sings in `pieces`.
        stride: int, bars from one window to the next.

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
                found.append(encode(excerpt(moved, start, start + STEPS + ahead), piece.bar, ahead))
    out = np.full((len(found), 1 + ahead + 4 * STEPS), PAD, np.int32)
    for row, tokens in zip(out, found, strict=True):
        row[: len(tokens)] = tokens[: len(row)]
    return out


def harmony_only(found, ahead=AHEAD):
    """Rows in which the melody and the metre are given (negative, not scored): bits of the three lower voices alone."""
    found = np.array(found)
    places = np.arange(found.shape[1])
    given = (places <= ahead) | ((places - 1 - ahead) % 4 == 0)
    return np.where(given, -found, found)


# --- writing ---


def complete(decoder, known, bar=8, ahead=AHEAD, temperature=0.9, top_p=0.95, seed=0):
    """Fills in what is FREE in chorales; all else stays, exactly.

    Whether a known tone can be prepared for depends on the order of the tokens: only what stands before is seen.

    Args:
        decoder: trained on `rows`.
        known: int array (N, T, 4), T <= STEPS: HOLD, REST, pitches, or FREE.
        bar, ahead: see `encode`.
        temperature, top_p, seed: see `generation.generate`.

    Returns:
        int array (N, T, 4).
    """
    known = np.stack([check(notes, free=True) for notes in known])
    if known.shape[1] > STEPS:
        raise CourseError(f"at most {STEPS} steps fit into the context; received {known.shape[1]}.")
    free = known == FREE
    wanted = np.stack([encode(np.where(f, HOLD, k), bar, ahead) for f, k in zip(free, known, strict=True)])[:, :-1]
    open_ = np.stack([encode(np.where(f, REST, HOLD), bar, ahead) for f in free])[:, :-1] == FIRST + REST
    music = np.arange(VOCABULARY) >= FIRST

    def allowed(place):
        """(N, VOCABULARY): the known token alone, or any of music."""
        only = np.arange(VOCABULARY) == wanted[:, place, None]
        return np.where(open_[:, place, None], music, only)

    given = int(open_.any(axis=0).argmax()) if open_.any() else wanted.shape[1]
    prompts = wanted[:, :given]
    tokens = generation.generate(decoder, prompts, wanted.shape[1] - given, temperature, top_p=top_p,
                                 allowed=allowed, seed=seed)  # fmt: skip
    return np.stack([decode(row, ahead) for row in tokens])


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


# --- what can be counted ---

# How well each degree of the scale fits a key, asked of listeners (Krumhansl & Kessler, 1982; Krumhansl, 1990, p. 30).
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10, 11)}  # minor with its raised seventh
NAMES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")


def pitch_classes(notes):
    """How long each of C, C♯ … B sounds: float array (12,), in eighths, all voices together."""
    pitches = sounding(check(notes))
    return np.bincount(pitches[pitches > REST] % 12, minlength=12).astype(float)


def key(notes):
    """The key by the Krumhansl–Schmuckler rule: the profile that correlates best with the pitch classes' durations.

    Returns:
        (tonic, mode): tonic 0 … 11 from C, mode "major" or "minor".
    """
    durations = pitch_classes(notes)
    if np.ptp(durations) == 0:
        raise CourseError("no key can be found: every pitch class sounds equally long, or none does.")
    profiles = {(tonic, mode): np.roll(profile, tonic)
                for mode, profile in (("major", MAJOR), ("minor", MINOR)) for tonic in range(12)}  # fmt: skip
    return max(profiles, key=lambda name: np.corrcoef(durations, profiles[name])[0, 1])


def in_key(notes):
    """Share of the sounding time that lies in the scale of the found key."""
    durations, (tonic, mode) = pitch_classes(notes), key(notes)
    return float(durations[[(tonic + degree) % 12 for degree in SCALES[mode]]].sum() / durations.sum())


def ranges(pieces):
    """Lowest and highest pitch of each voice: int array (4, 2)."""
    notes = np.concatenate([piece.notes for piece in pieces])
    return np.array([[v[v > REST].min(), v.max()] for v in notes.T])


def in_range(notes, limits):
    """Share of tones within the voices' ranges (4, 2)."""
    notes = np.asarray(notes)
    inside = (notes >= limits[:, 0]) & (notes <= limits[:, 1])
    return float(inside[notes > REST].mean())


def crossings(notes):
    """Share of steps at which some voice lies below the next lower one."""
    pitches = np.where(sounding(notes) > REST, sounding(notes), np.nan)
    return float((pitches[:, :-1] < pitches[:, 1:]).any(axis=1).mean())


def parallels(notes):
    """Parallel fifths and octaves, which Bach avoids, in a hundred steps: two voices move alike from one to another."""
    return 100 * len(parallel_places(notes)) / len(notes)


def parallel_places(notes):
    """Where they are: list of (step, upper voice, lower voice); the two voices move into `step`."""
    pitches, found = sounding(notes), []
    before, after = pitches[:-1], pitches[1:]
    for upper in range(4):
        for lower in range(upper + 1, 4):
            pair = np.stack([before[:, upper], before[:, lower], after[:, upper], after[:, lower]])
            first, second = (pair[0] - pair[1]) % 12, (pair[2] - pair[3]) % 12
            together = (pair > REST).all(axis=0) & ((pair[2] - pair[0]) * (pair[3] - pair[1]) > 0)
            steps = np.flatnonzero(together & (first == second) & np.isin(first, (0, 7))) + 1
            found += [(int(step), upper, lower) for step in steps]
    return sorted(found)


def chords(notes, every=2):
    """A letter for the chord on each beat, the same in every key: three intervals below the melody, and its step.

    Intervals are cut to 0 … 46 semitones, 47 is a rest; steps to -4 … 4.
    """
    beats = sounding(check(notes))[::every]
    below = np.where(beats[:, 1:] > REST, (beats[:, :1] - beats[:, 1:]).clip(0, 46), 47)  # (B, 3)
    step = np.diff(beats[:, 0], prepend=beats[0, 0]).clip(-4, 4) + 4
    return "".join(map(chr, below @ (48**2 * 9, 48 * 9, 9) + step))


def repetition(notes, n=4):
    """Share of windows of n beats whose chords have occurred before in the piece."""
    text = chords(notes)
    grams = [text[i : i + n] for i in range(1, len(text) - n + 1)]
    return 1 - len(set(grams)) / max(1, len(grams))


def silent(notes, every=2):
    """bool array: the beats in which no voice sounds."""
    return (sounding(notes)[::every] == REST).all(axis=1)


def longest_copy(notes, corpus):
    """The longest run of beats whose chords stand in `corpus` too; silence is no copy."""
    text = "".join("\0" if empty else letter for letter, empty in zip(chords(notes), silent(notes), strict=True))
    return generation.longest_copy(text[1:], corpus)


def report(notes, limits, corpus):
    """All measures of one chorale as a dict; `corpus` is the training set's chords, one str."""
    return {"in key": in_key(notes), "in range": in_range(notes, limits), "crossings": crossings(notes),
            "parallels": parallels(notes), "repetition": repetition(notes), "silence": float(silent(notes).mean()),
            "longest copy (beats)": longest_copy(notes, corpus)}  # fmt: skip


def load_shipped():
    """(decoder, facts) of the shipped `music_decoder.npz`."""
    return transformer.load(data.asset("music_decoder.npz"))
