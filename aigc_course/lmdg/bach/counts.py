"""What can be counted in a chorale (see `tokens`): key, ranges, crossings, parallels, repetition, copies."""

import numpy as np

from aigc_course.data import REST
from aigc_course.errors import CourseError
from aigc_course.lmdg.bach.tokens import check_chorale, sounding
from aigc_course.lmdg.core import generation

__all__ = [
    "MAJOR",
    "MINOR",
    "NAMES",
    "SCALES",
    "chords",
    "crossings",
    "in_key",
    "in_range",
    "key",
    "longest_chord_copy",
    "measure_chorale",
    "parallel_places",
    "parallels",
    "pitch_classes",
    "repetition",
    "signature_key",
    "silent",
]

# How well each degree of the scale fits a key, asked of listeners (Krumhansl & Kessler, 1982; Krumhansl, 1990, p. 30).
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10, 11)}  # minor with its raised seventh
NAMES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")


def pitch_classes(notes):
    """How long each of C, C♯ … B sounds: float array (12,), in eighths, all voices together."""
    pitches = sounding(check_chorale(notes))
    return np.bincount(pitches[pitches > REST] % 12, minlength=12).astype(float)


def key(notes):
    """The key by the Krumhansl–Schmuckler rule: the profile that correlates best with the pitch classes' durations.

    Returns:
        (tonic, mode): tonic 0 … 11 from C, mode "major" or "minor".
    """
    durations = pitch_classes(notes)
    if np.ptp(durations) == 0:
        raise CourseError("no key can be found: every pitch class sounds equally long, or none does.")
    profiles = {
        (tonic, mode): np.roll(profile, tonic)
        for mode, profile in (("major", MAJOR), ("minor", MINOR))
        for tonic in range(12)
    }
    return max(profiles, key=lambda name: np.corrcoef(durations, profiles[name])[0, 1])


def signature_key(piece):
    """(tonic, mode) of a `data.Chorale`: of its signature's two keys, major and minor, the one that fits all of it."""
    tonic, durations = 7 * piece.sharps % 12, pitch_classes(piece.notes)
    fit = {(tonic, "major"): np.roll(MAJOR, tonic), ((tonic - 3) % 12, "minor"): np.roll(MINOR, tonic - 3)}
    return max(fit, key=lambda name: np.corrcoef(durations, fit[name])[0, 1])


def in_key(notes, of=None):
    """Share of the sounding time that lies in the scale of a key, (tonic, mode); of None: of the key found in notes."""
    durations, (tonic, mode) = pitch_classes(notes), of or key(notes)
    return float(durations[[(tonic + degree) % 12 for degree in SCALES[mode]]].sum() / durations.sum())


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
    beats = sounding(check_chorale(notes))[::every]
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


def longest_chord_copy(notes, corpus):
    """The longest run of beats whose chords stand in `corpus` too; silence is no copy."""
    text = "".join("\0" if empty else letter for letter, empty in zip(chords(notes), silent(notes), strict=True))
    return generation.longest_copy(text[1:], corpus)


def measure_chorale(notes, limits, corpus):
    """All measures of one chorale as a dict; `corpus` is the training set's chords, one str."""
    return {
        "in key": in_key(notes),
        "in range": in_range(notes, limits),
        "crossings": crossings(notes),
        "parallels": parallels(notes),
        "repetition": repetition(notes),
        "silence": float(silent(notes).mean()),
        "longest copy (beats)": longest_chord_copy(notes, corpus),
    }
