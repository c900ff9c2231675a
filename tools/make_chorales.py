"""Makes chorales.npz of the assets: Bach's four-voice chorales on a grid of eighths, once, at authoring time.

    python -m venv /tmp/m21 && /tmp/m21/bin/pip install music21==10.5.1      its corpus holds the scores
    /tmp/m21/bin/python tools/make_chorales.py && python tools/make_assets.py checksums

Kept: pieces of four sung parts in 4/4 or 3/4 throughout. A step is an eighth; what sounds at its first instant is
written down. Lost: shorter notes between two eighths, fermatas, words, repeat signs (each part stands once).
"""

import difflib
import hashlib
import itertools
import sys
from pathlib import Path

import numpy as np
from music21 import corpus
from music21.corpus import chorales

ROOT = Path(__file__).resolve().parent.parent
HOLD, REST = 0, 1
VOICES = ("Soprano", "Alto", "Tenor", "Bass")
TITLES = {number: entry["title"] for number, entry in chorales.ChoraleListRKBWV().byBWV.items()}
ALIKE = 0.6  # share of a melody's steps in common from which on two melodies count as one tune; chosen by trial


def voice(part, pad):
    """One part on the grid: (list of codes, number of notes, notes that the grid loses). pad: steps of rest in front.

    A code is a MIDI pitch where a note begins, HOLD where it goes on, REST where nothing sounds.
    """
    notes = [
        (2 * float(n.offset) + pad, 2 * float(n.offset + n.quarterLength) + pad, n.pitch.midi)
        for n in part.flatten().stripTies().notes
        if n.isNote and n.quarterLength
    ]
    steps = int(np.ceil(max(end for _, end, _ in notes) - 1e-6))
    codes, last, kept = [], None, set()
    for step in range(steps):
        sounding = next((i for i, (start, end, _) in enumerate(notes) if start <= step + 1e-6 < end), None)
        if sounding is None:
            codes.append(REST)
        else:
            codes.append(HOLD if sounding == last else notes[sounding][2])
            kept.add(sounding)
        last = sounding
    return codes, len(notes), len(notes) - len(kept)


def read(path):
    """One score as a dict, or a str: why it is left out."""
    score = corpus.parse(path)
    named = [[part for part in score.parts if str(part.partName).strip(". ") in (name, name[0])] for name in VOICES]
    if [len(parts) for parts in named] != [1, 1, 1, 1]:
        return "not four sung parts"
    parts = [found for (found,) in named]
    metres = {(m.numerator, m.denominator) for m in parts[0].recurse().getElementsByClass("TimeSignature")}
    if len(metres) != 1 or not metres <= {(4, 4), (3, 4)}:
        return "another metre"
    if any(n.isChord for part in parts for n in part.flatten().notes):
        return "chords in a part"
    bar = 2 * metres.pop()[0]
    first = float(parts[0].getElementsByClass("Measure")[0].duration.quarterLength)
    voices = [voice(part, int(bar - 2 * first) % bar) for part in parts]
    length = max(len(codes) for codes, _, _ in voices)
    notes = np.array([codes + [REST] * (length - len(codes)) for codes, _, _ in voices], np.uint8).T  # (steps, 4)
    signature = next(iter(parts[0].recurse().getElementsByClass("KeySignature")), None)
    name = Path(str(path)).stem
    return {
        "name": name,
        "title": TITLES.get(name.removeprefix("bwv"), ""),
        "bar": bar,
        "notes": notes,
        "sharps": signature.sharps if signature else 0,
        "count": sum(n for _, n, _ in voices),
        "lost": sum(n for _, _, n in voices),
    }


def melody(notes):
    """The soprano's pitch on each beat as intervals from one to the next, repeated tones once."""
    sounding, pitch = [], 0
    for code in notes[:, 0]:
        pitch = int(code) if code > REST else pitch
        sounding.append(pitch)
    beats = [p for p in sounding[::2] if p]
    return tuple(b - a for a, b in itertools.pairwise(beats) if a != b)[:24]


def tunes(melodies, titles):
    """A name for each melody; those of one title, or alike (or alike to a third), share one: a hash of the first."""
    names = list(range(len(melodies)))
    for i, a in enumerate(melodies):
        for j in range(i):
            if names[j] != names[i] and (alike(a, melodies[j]) or (titles[i] and titles[i] == titles[j])):
                names = [names[j] if name == names[i] else name for name in names]
    return [hashlib.sha256(repr(melodies[name]).encode()).hexdigest()[:8] for name in names]


def alike(a, b):
    """True if two melodies have most of their intervals in common, in runs of three and more."""
    blocks = difflib.SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
    return 2 * sum(block.size for block in blocks if block.size > 2) >= ALIKE * (len(a) + len(b))


def main():
    found, seen, reasons = [], set(), {}
    for path in sorted(corpus.getComposer("bach"), key=str):
        piece = read(path)
        if not isinstance(piece, str) and piece["notes"].tobytes() in seen:
            piece = "a second copy"
        if isinstance(piece, str):
            reasons[piece] = reasons.get(piece, 0) + 1
            continue
        seen.add(piece["notes"].tobytes())
        found.append(piece)
    names = tunes([melody(piece["notes"]) for piece in found], [piece["title"] for piece in found])
    np.savez_compressed(
        ROOT / "aigc_course" / "assets" / "chorales.npz",
        notes=np.concatenate([piece["notes"] for piece in found]),
        lengths=np.array([len(piece["notes"]) for piece in found], np.int32),
        tunes=np.array(names),
        names=np.array([p["name"] for p in found]),
        titles=np.array([p["title"] for p in found]),
        bars=np.array([p["bar"] for p in found], np.uint8),
        sharps=np.array([p["sharps"] for p in found], np.int8),
    )
    count, lost = (sum(piece[key] for piece in found) for key in ("count", "lost"))
    print(f"{len(found)} chorales of {len(set(names))} tunes; left out: {reasons}")
    print(f"{count} notes, {lost} ({lost / count:.1%}) lost between two eighths")


if __name__ == "__main__":
    sys.exit(main())
