"""Fine-tuning on a few labelled pairs: learn to read, read what has no label, learn to draw and to speak from both."""

from typing import NamedTuple

import keras
import numpy as np

from aigc_course import data
from aigc_course.lmdg import codes, multimodal, streams, training, transformer
from aigc_course.lmdg.multimodal import name, rows_of
from aigc_course.runtime import CourseError

READING = {"read image": 0.6, "read speech": 0.4}
BOTH = {"draw image": 0.4, "draw speech": 0.3, "read image": 0.1, "read speech": 0.1, "plain image": 0.1}


class Material(NamedTuple):
    """Training digits or clips as codes, each in several versions, with what is known of each.

    Attributes:
        kind: "image" or "speech".
        versions: int array (K, N, n): codes of K versions.
        labels: int array (N,), the digit; read only for chosen pairs.
        languages: int array (N,) for speech, else None: a label too.
        thickness: list of N, "thin", None or "thick", for images: measured, no label.
    """

    kind: str
    versions: np.ndarray
    labels: np.ndarray
    languages: np.ndarray | None
    thickness: list


def material(images=20000, copies=4, seed=7):
    """The first training digits and all training clips: {"image": Material, "speech": Material}, and limits in pixels.

    Returns:
        (dict, (low, high)): a third of the digits has thinner strokes than `low`, a third thicker ones than `high`.
    """
    rng = np.random.default_rng(seed)
    (x, y), _ = data.load_mnist()
    if not 1 <= images <= len(x) - streams.HELD:
        raise CourseError(f"images must be from 1 to {len(x) - streams.HELD}; received {images!r}.")
    x, codec = data.scale(x[:images]), codes.load_shipped("image")[0]
    limits = np.quantile(multimodal.stroke_width(x), (1 / 3, 2 / 3))
    versions = np.stack([codec.encode(x), *(codec.encode(streams.shifted(x, rng)) for _ in range(copies))])
    digits = Material("image", versions, y[:images].astype(int), None, multimodal.thickness_of(x, limits))
    train, codec = data.load_spoken_digits()[0], codes.load_shipped("speech")[0]
    clips = [train.clips, *([streams.late(clip, rng) for clip in train.clips] for _ in range(2 * copies))]
    versions = np.stack([codec.encode(codes.frames_of(part)) for part in clips])
    spoken = Material("speech", versions, train.labels, train.languages, [None] * len(train.labels))
    return {"image": digits, "speech": spoken}, limits


def choose(material, n, rng):
    """Places of n items, as many of each class as can be: digits, or digits in each language.

    Raises:
        CourseError: n above the number of items, or not a positive multiple of 10.
    """
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or not 10 <= n <= len(material.labels) or n % 10:
        raise CourseError(f"n must be a multiple of 10 from 10 to {len(material.labels)}; received {n!r}.")
    classes = material.labels if material.languages is None else material.labels + 10 * material.languages
    order = rng.permutation(len(classes))
    turn = np.empty(len(classes), int)  # how many of its class stand before an item
    for c in np.unique(classes):
        where = order[classes[order] == c]
        turn[where] = np.arange(len(where))
    return order[np.lexsort((rng.random(len(order)), turn[order]))][:n]


def pair_rows(vocabulary, material, places, labels, languages, rng):
    """Rows to draw from and rows to read, for chosen items in all their versions.

    Args:
        places: int array (M,), of items.
        labels, languages: int arrays (M,), given or read by the model; languages may be None: then any.

    Returns:
        (draw, read), each (K·M, LENGTH). In rows to read only the answer is learnt.
    """
    draw, read = [], []
    for numbers in material.versions[:, places]:
        tongues = rng.integers(2, size=len(places)) if languages is None else languages
        known = [material.thickness[i] if rng.random() < 0.5 else None for i in places]
        captions = [name(*three) for three in zip(labels, tongues, known, strict=True)]
        draw.append(rows_of(vocabulary, material.kind, numbers, captions=captions))
        answers = [name(*two) for two in zip(labels, tongues, strict=True)]
        read.append(given(rows_of(vocabulary, material.kind, numbers, answers=answers), material.kind))
    return np.concatenate(draw), np.concatenate(read)


def given(rows, kind):
    """Rows to read whose picture or clip is given, not learnt: negative up to the text mark."""
    rows = rows.copy()
    rows[:, : multimodal.TEXT + multimodal.SIZES[kind] + 2] *= -1
    return rows


def learn(decoder, rows, shares, steps, learning_rate, name, seed, batch_size=64):
    """Trains on rows mixed by shares; returns the curve."""
    transformer.compile_decoder(decoder, learning_rate, steps)
    def batches(step):
        return streams.mixed(rows, shares, batch_size, seed, step)

    return training.train(decoder, batches, steps, name, every=max(1, min(50, steps)))
