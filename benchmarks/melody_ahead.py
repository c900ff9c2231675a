"""Does it help to write the melody eight steps ahead of its harmony? Two decoders that differ in nothing else.

    python tools/pretrain.py music; python tools/pretrain.py music_plain      a quarter of an hour each, one core
    python benchmarks/melody_ahead.py                                         writes benchmarks/melody_ahead.csv

Bits are those of 47 chorales of unseen tunes, per token: all tokens, and the three lower voices with the melody given.
The other columns are means over harmonisations of the first eight bars of the test chorales in 4/4, three seeds.
"""

import csv

import numpy as np
from common import ROOT

SEEDS = (1, 2, 3)


def one(name, ahead):
    """A row of the table."""
    from aigc_course import data
    from aigc_course.lmdg import bach
    from aigc_course.lmdg.core import transformer

    train, test = data.load_chorales()
    decoder, facts = transformer.load_decoder(ROOT / "runs" / "pretrain" / f"{name}.npz")
    rows = bach.training_rows(test, ahead, shifts=(0,), stride=4)
    row = {
        "decoder": name,
        "ahead": ahead,
        "steps": facts["steps"],
        "bits": round(transformer.bits_per_token(decoder, rows), 4),
        "harmony_bits": round(transformer.bits_per_token(decoder, bach.harmony_only(rows, ahead)), 4),
    }
    pieces = [piece.notes[: bach.STEPS] for piece in test if piece.bar == 8 and len(piece.notes) >= bach.STEPS]
    corpus = "\n".join(bach.chords(piece.notes) for piece in train)
    tunes, limits = [bach.melody_only(notes) for notes in pieces], bach.ranges(train)
    found = []
    for seed in SEEDS:
        written = bach.complete(decoder, tunes, ahead=ahead, seed=seed)
        reports = [bach.measure_chorale(notes, limits, corpus) for notes in written]
        found.append({key: np.mean([report[key] for report in reports]) for key in reports[0]})
    for key in found[0]:
        values = [part[key] for part in found]
        row |= {key: round(float(np.mean(values)), 3), f"{key}, spread": round(float(np.std(values)), 3)}
    return row


def main():
    rows = [one("music", 8), one("music_plain", 0)]
    with open(ROOT / "benchmarks" / "melody_ahead.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    for row in rows:
        print(row)


if __name__ == "__main__":
    main()
