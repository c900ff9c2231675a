"""Chorales for the eye and the ear: a score on two staves, an additive synthesiser. Form of a chorale: see `tokens`."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Arc, Ellipse

from aigc_course import plots
from aigc_course.data import HOLD, REST
from aigc_course.errors import number, whole_number
from aigc_course.lmdg.bach.tokens import check_chorale, sounding

__all__ = ["LENGTHS", "draw_score", "pieces", "player", "signature", "spelled", "synthesise", "tones"]


def tones(notes):
    """Every tone of a chorale: list of (voice, pitch, first step, number of steps)."""
    notes, found = check_chorale(notes), []
    for voice in range(4):
        begins = [*np.flatnonzero(notes[:, voice] != HOLD), len(notes)]
        for begin, end in itertools.pairwise(begins):
            if notes[begin, voice] > REST:
                found.append((voice, int(notes[begin, voice]), int(begin), int(end - begin)))
    return found


# --- for the ear ---


def _frequency(pitch):
    """Hertz of a MIDI pitch in equal temperament: 69 is 440 Hz, twelve semitones double it."""
    return 440.0 * 2 ** ((pitch - 69) / 12)


def _tone(pitch, seconds, sample_rate):
    """One tone: harmonics k f of size k^-1.3, the higher ones fading faster, below half the sample rate.

    The sizes and times were chosen by ear; 10 ms of rise and of fall keep it from clicking.
    """
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    out = np.zeros(len(time))
    for k in range(1, 13):
        if k * _frequency(pitch) < sample_rate / 2:  # above, it would come back as a wrong, lower tone (aliasing)
            out += k**-1.3 * np.exp(-0.5 * k * time) * np.sin(2 * np.pi * k * _frequency(pitch) * time)
    ramp = np.minimum(1, np.minimum(np.arange(len(time)), np.arange(len(time))[::-1]) / (0.01 * sample_rate))
    return out * ramp


def synthesise(notes, sample_rate=8000, beats_a_minute=90):
    """The sound of a chorale.

    Args:
        notes: int array (T, 4), a row an eighth, half a beat.
        sample_rate: int, hertz, 4,000 … 96,000.
        beats_a_minute: float, quarters a minute.

    Returns:
        float32 array, one channel in [-1, 1], its peak at 0.9 (0 where nothing sounds).
    """
    whole_number(sample_rate, "sample_rate", 4000, 96_000, "Try 8000, in hertz.")
    number(beats_a_minute, "beats_a_minute", low=10, high=500, hint="Try 90.")
    step = 30 / beats_a_minute  # seconds
    out = np.zeros(round(len(notes) * step * sample_rate) + 1)
    for _, pitch, begin, length in tones(notes):
        start = round(begin * step * sample_rate)
        sound = _tone(pitch, length * step, sample_rate)[: len(out) - start]
        out[start : start + len(sound)] += sound
    return (0.9 * out / max(np.abs(out).max(), 1e-9)).astype(np.float32)


def player(notes, beats_a_minute=90, sample_rate=8000, alt=None):
    """A chorale as `plots.Sound`, 16 bits a sample; without `alt` its name is its length and pace."""
    named = alt or f"{len(notes) / 2:g} beats of four voices, {beats_a_minute:g} beats a minute"
    return plots.Sound(synthesise(notes, sample_rate, beats_a_minute), sample_rate, named, normalize=False)


# --- for the eye ---

_BASS_SHIFT = 6  # steps by which the lower staff stands further down than pitch alone would have it
_LINES = ((30, 32, 34, 36, 38), (18, 20, 22, 24, 26))  # E4 … F5 and G2 … A3, counted in steps of the scale from C0
_SHARPS, _FLATS = (38, 35, 39, 36, 33, 37, 34), (34, 37, 33, 36, 32, 35, 31)  # where a signature's signs stand
_EIGHTH = 4.4  # width of an eighth, in steps of the staff's height
_SIGNS = {-2: "♭♭", -1: "♭", 0: "♮", 1: "♯", 2: "♯♯"}
LENGTHS = (8, 6, 4, 3, 2, 1)  # eighths that one note sign can stand for


def spelled(pitch, sharps):
    """(step, accidental) of a MIDI pitch in a key signature: steps of the scale from C0; -1 flat, 0, 1 sharp.

    Among the names of a pitch it takes the one between three fifths below and eight above the key on the line of fifths
    … E♭ B♭ F C G D A E B F♯ C♯ G♯ …; so A minor has G♯ and not A♭.
    """
    fifths = (7 * pitch - (sharps - 3)) % 12 + sharps - 3
    accidental = (fifths + 1) // 7
    letter = "CDEFGAB".index("FCGDAEB"[(fifths + 1) % 7])
    return ((pitch - accidental) // 12 - 1) * 7 + letter, accidental


def signature(step, sharps):
    """The sign that the key signature gives to a step: -1, 0 or 1."""
    place = "FCGDAEB".index("CDEFGAB"[step % 7])
    return int(place < sharps) - int(6 - place < -sharps)


def pieces(begin, length, bar):
    """A tone as note signs: list of (first step, length), cut at bar lines and into lengths that a sign can have."""
    found = []
    while length:
        room = min(length, bar - begin % bar)
        size = next(n for n in LENGTHS if n <= room)
        found.append((begin, size))
        begin, length = begin + size, length - size
    return found


def draw_score(notes, bar=8, sharps=0, title=None, written=None, bars=4):
    """A score on two staves: soprano and alto above, tenor and bass below. Clefs are the letters they come from.

    Rests are left empty; there are flags and no beams.

    Args:
        notes: int array (T, 4).
        bar: 8 or 6, eighths a bar.
        sharps: int, of the key signature, flats negative.
        title: str or None.
        written: bool array (T, 4) or None: tones beginning where it is true are drawn in vermilion, by the model.
        bars: int, bars a line.

    Returns:
        `matplotlib.figure.Figure`.
    """
    notes = check_chorale(notes)
    written = np.zeros(notes.shape, bool) if written is None else np.asarray(written)
    systems = -(-len(notes) // (bar * bars))
    left = 9 + 2.2 * abs(sharps)
    right = left + _EIGHTH * bar * bars + 3 * bars
    fig, axes = plt.subplots(systems, 1, squeeze=False, figsize=(9.5, 9.5 * 42 / (right + 2) * systems + 0.3))
    for system, ax in enumerate(axes[:, 0]):
        ax.set(xlim=(-1, right + 1), ylim=(4, 46), aspect="equal")
        ax.axis("off")
        _staves(ax, left, right, bar, bars, sharps, system * bars + 1)
    for voice, pitch, begin, length in tones(notes):
        parts = pieces(begin, length, bar)
        for i, (start, size) in enumerate(parts):
            system, inside = divmod(start, bar * bars)
            x = left + _EIGHTH * (inside + 0.5) + 3 * (inside // bar) + 1.5
            colour = plots.FAKE if written[begin, voice] else "black"
            _sign(
                axes[system, 0],
                x,
                voice,
                pitch,
                size,
                sharps,
                colour,
                first=i == 0,
                tied=i + 1 < len(parts),
                aside=_clash(notes, voice, pitch, start, sharps),
            )
    if title:
        fig.suptitle(title, fontsize="medium")
    return fig


def _staves(ax, left, right, bar, bars, sharps, number):
    """Lines, clefs, key signature, bar lines and the first bar's number."""
    for lines, shift, clef, line in ((_LINES[0], 0, "G", 32), (_LINES[1], _BASS_SHIFT, "F", 24)):
        for step in lines:
            ax.plot([0, right], [step - shift] * 2, color=plots.GREY, linewidth=0.6, zorder=0)
        ax.text(
            2.6,
            line - shift,
            clef,
            family="serif",
            style="italic",
            weight="bold",
            fontsize=15,
            ha="center",
            va="center",
        )
        for i in range(abs(sharps)):
            step = (_SHARPS if sharps > 0 else _FLATS)[i] - (14 if shift else 0)
            ax.text(6 + 2.2 * i, step - shift, _SIGNS[1 if sharps > 0 else -1], fontsize=9, ha="center", va="center")
    for i in range(bars + 1):
        x = left + i * (_EIGHTH * bar + 3) if i else 0
        ax.plot([x, x], [_LINES[1][0] - _BASS_SHIFT, _LINES[0][-1]], color=plots.GREY, linewidth=0.8, zorder=0)
    ax.text(0, _LINES[0][-1] + 1.5, str(number), fontsize=7, color=plots.GREY)


def _clash(notes, voice, pitch, start, sharps):
    """True where a lower voice's head would cover that of the voice above on its staff: it moves aside."""
    if voice % 2 == 0:
        return False
    other = int(sounding(notes[: start + 1])[start, voice - 1])
    return other > REST and abs(spelled(other, sharps)[0] - spelled(pitch, sharps)[0]) == 1


def _sign(ax, x, voice, pitch, size, sharps, colour, first, tied, aside):
    """One note: head, stem, flag, dot, accidental, ledger lines, tie."""
    step, accidental = spelled(pitch, sharps)
    shift = _BASS_SHIFT if voice > 1 else 0
    lines, y, up = _LINES[voice > 1], step - shift, voice % 2 == 0
    x += 2.4 if aside else 0
    ax.add_patch(
        Ellipse(
            (x, y),
            2.5,
            1.7,
            angle=20,
            facecolor=colour if size < 4 else "white",
            edgecolor=colour,
            linewidth=1.1,
            zorder=3,
        )
    )
    if size < 8:
        stem, end = x + (1.15 if up else -1.15), y + (6.5 if up else -6.5)
        ax.plot([stem, stem], [y, end], color=colour, linewidth=0.9, zorder=2)
        if size == 1:
            ax.plot([stem, stem + 1.6], [end, end - (2.2 if up else -2.2)], color=colour, linewidth=1.3, zorder=2)
    if size in (3, 6):
        ax.plot(x + 2.2, y + (1 if step % 2 == lines[0] % 2 else 0), ".", color=colour, markersize=2.5)
    if first and accidental != signature(step, sharps):
        ax.text(x - 2.3, y, _SIGNS[accidental], fontsize=8, color=colour, ha="center", va="center", zorder=4)
    for ledger in [*range(lines[0] - 2, step - 1, -2), *range(lines[-1] + 2, step + 1, 2)]:
        ax.plot([x - 2, x + 2], [ledger - shift] * 2, color=plots.GREY, linewidth=0.8, zorder=1)
    if tied:
        width = _EIGHTH * size
        ax.add_patch(
            Arc(
                (x + width / 2, y + (1 if up else -1)),
                width,
                3,
                theta1=0 if up else 180,
                theta2=180 if up else 360,
                color=colour,
                linewidth=0.8,
            )
        )
