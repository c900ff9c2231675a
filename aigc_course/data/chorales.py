"""Bach's four-voice chorales on a grid of eighths."""

from typing import NamedTuple

import numpy as np

from aigc_course.data.checksums import asset

__all__ = ["HOLD", "REST", "Chorale", "load_chorales"]

HOLD, REST = 0, 1  # in a chorale's grid; all other numbers are MIDI pitches (60 is middle C, 69 is 440 Hz)


class Chorale(NamedTuple):
    """bwv, title: str; bar: steps a bar, 8 or 6; sharps: of the key signature, flats negative; notes: int (T, 4).

    tune: a hash of the melody, in hexadecimal: pieces on one melody share it.
    """

    bwv: str
    title: str
    bar: int
    sharps: int
    notes: np.ndarray
    tune: str = "0"


def load_chorales():
    """Bach's four-voice chorales (public domain) on a grid of eighths, from the shipped file.

    Returns:
        (train, test), lists of `Chorale`. In notes a row is an eighth, a column a voice from soprano to bass: a MIDI
        pitch where a tone begins, HOLD where it goes on, REST. Row 0 is the first of a bar. A hash of the tune decides
        the part, so that no tune of the test is in train under another key, text or harmony.
    """
    with np.load(asset("chorales.npz"), allow_pickle=False) as file:
        notes = np.split(file["notes"].astype(int), np.cumsum(file["lengths"])[:-1])
        columns = [file[name].tolist() for name in ("names", "titles", "bars", "sharps")]
        tunes = file["tunes"].tolist()
    train, test = [], []
    for tune, *facts in zip(tunes, *columns, notes, strict=True):
        part = test if int(tune, 16) % 6 == 0 else train
        part.append(Chorale(*facts, tune))
    return train, test
