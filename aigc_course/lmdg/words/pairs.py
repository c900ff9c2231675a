"""Fine-tuning on a few labelled pairs: learn to read, read what has no label, learn to draw and to speak from both."""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from aigc_course import data
from aigc_course.errors import CourseError, whole_number
from aigc_course.lmdg import codecs
from aigc_course.lmdg.core import training, transformer
from aigc_course.lmdg.core.characters import PAD, UNKNOWN
from aigc_course.lmdg.words import corpus
from aigc_course.lmdg.words.rows import SIZES, TEXT, answer_odds, name, rows_of, stroke_width, thickness_of

__all__ = [
    "ANSWER",
    "BOTH",
    "READING",
    "SURE",
    "Material",
    "add_own_labels",
    "choose",
    "fine_tune_pairs",
    "given",
    "hide_some",
    "label",
    "labelled_rows",
    "learn",
    "material",
    "pair_rows",
]

READING = {"read image": 0.6, "read speech": 0.4}  # shares of a batch, found by trial like the rest of the recipe
BOTH = {
    "draw image": 0.5,
    "draw speech": 0.15,
    "read image": 0.15,
    "read speech": 0.1,
    "plain image": 0.05,
    "plain speech": 0.05,
}
# Weight of a letter of an answer: it has four, a picture fifty codes. With equal weights the reader forgot while it
# learnt to draw; reading in batches of its own kept it, and cost the drawing (docs/decisions.md).
ANSWER = 8.0
SURE = 0.7  # mean probability from which on a label that the model read itself is used; chapter 09 draws the curve


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


def material(images=10000, copies=6, seed=7):
    """The first training digits and all training clips: {"image": Material, "speech": Material}, and limits in pixels.

    Returns:
        (dict, (low, high)): a third of the digits has thinner strokes than `low`, a third thicker ones than `high`.
    """
    rng = np.random.default_rng(seed)
    (x, y), _ = data.load_mnist()
    if not 1 <= images <= len(x) - corpus.HELD:
        raise CourseError(f"images must be from 1 to {len(x) - corpus.HELD}; received {images!r}.")
    x, codec = data.scale(x[:images]), codecs.load_shipped_codec("image")[0]
    limits = np.quantile(stroke_width(x), (1 / 3, 2 / 3))
    versions = np.stack([codec.encode(x), *(codec.encode(corpus.turned(x, seed + 10 * i)) for i in range(copies))])
    digits = Material("image", versions, y[:images].astype(int), None, thickness_of(x, limits))
    train, codec = data.load_spoken_digits()[0], codecs.load_shipped_codec("speech")[0]
    clips = [train.clips, *([corpus.late(clip, rng) for clip in train.clips] for _ in range(copies))]
    versions = np.stack([codec.encode(codecs.frames_of(part)) for part in clips])
    spoken = Material("speech", versions, train.labels, train.languages, [None] * len(train.labels))
    return {"image": digits, "speech": spoken}, limits


def choose(material, n, rng):
    """Places of n items, as many of each class as can be: digits, or digits in each language.

    Raises:
        CourseError: n above the number of items, or not a positive multiple of 10.
    """
    if whole_number(n, "n", 10, len(material.labels)) % 10:
        raise CourseError(f"n must be a multiple of 10, for ten digits get equal shares; received {n!r}.")
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
        (draw, read), each (K·M, LENGTH). Captions are given, and in rows to read all but the answer.
    """
    draw, read = [], []
    for numbers in material.versions[:, places]:
        tongues = rng.integers(2, size=len(places)) if languages is None else languages
        known = [material.thickness[i] if rng.random() < 0.5 else None for i in places]
        captions = [name(*three) for three in zip(labels, tongues, known, strict=True)]
        draw.append(given(rows_of(vocabulary, material.kind, numbers, captions=captions), TEXT + 1))
        answers = [name(*two) for two in zip(labels, tongues, strict=True)]
        places_given = TEXT + SIZES[material.kind] + 2
        read.append(given(rows_of(vocabulary, material.kind, numbers, answers=answers), places_given))
    return np.concatenate(draw), np.concatenate(read)


def given(rows, places):
    """Rows whose first `places` are given, not learnt: their tokens are negative."""
    return np.concatenate([-rows[:, :places], rows[:, places:]], axis=1)


def label(decoder, vocabulary, material, versions=4):
    """What the model itself reads in every item: (digits (N,), languages (N,), how sure it is of the digit (N,)).

    Probabilities are means over some versions of an item.
    """
    parts = [answer_odds(decoder, vocabulary, material.kind, numbers) for numbers in material.versions[:versions]]
    odds, chinese = (np.mean(part, axis=0) for part in zip(*parts, strict=True))  # (N, 10), (N,)
    return odds.argmax(axis=1), (chinese > 0.5).astype(int), odds.max(axis=1)


def hide_some(batches, vocabulary, seed, start=0):
    """Hides codes of the input behind the unknown token, in rows with a caption: a random share of them in each row.

    What stands before tells most of what comes next, and the caption little; a model that may not see all of what
    stands before has to use the caption (word dropout, Bowman et al., 2016). A third of the rows stays whole.
    """
    first = vocabulary.first["image"]

    def hide(step, pair):
        inputs, targets = pair
        draw = tf.random.stateless_uniform(tf.shape(inputs), [seed, tf.cast(step, tf.int32)])
        share = tf.maximum(0.0, 1.5 * draw[:, :1] - 0.5)  # uniform up to 1, with 0 for a third
        asked = inputs[:, TEXT - 1 : TEXT] != PAD
        hidden = asked & (inputs >= first) & (draw < share) & (tf.range(tf.shape(inputs)[1]) > 0)
        return tf.where(hidden, UNKNOWN, inputs), targets

    return batches.enumerate(start).map(hide)


def learn(decoder, vocabulary, rows, shares, steps, learning_rate, name, seed, batch_size=64, hide=True):
    """Trains on rows mixed by shares, letters of an answer counting ANSWER times; returns the curve, a row an epoch.

    `hide`: bool, whether a share of the input is hidden (`hide_some`).
    """
    loss = transformer.TokenLoss(below=vocabulary.marks["text"], weight=ANSWER)
    transformer.compile_decoder(decoder, learning_rate, steps, loss=loss)

    def batches(step):
        found = training.mixed(rows, shares, batch_size, seed, step)
        return hide_some(found, vocabulary, seed, step) if hide else found

    return training.train_decoder(decoder, batches, steps, name, every=max(1, min(50, steps)))


def labelled_rows(vocabulary, material, chosen, rng):
    """The rows of n chosen items of each kind: {"draw image": …, "read image": …, …}."""
    rows = {}
    for kind, part in material.items():
        places = chosen[kind]
        languages = None if part.languages is None else part.languages[places]
        found = pair_rows(vocabulary, part, places, part.labels[places], languages, rng)
        rows[f"draw {kind}"], rows[f"read {kind}"] = found
    return rows


def add_own_labels(vocabulary, material, chosen, own, rows, rng):
    """Adds rows of the items that have no label but that the model is SURE of, with the labels that it reads itself.

    Also adds "plain" rows, with no caption, of all items.

    Args:
        own: {kind: what `label` returned}.

    Returns:
        {kind: (places, digits)} of what was added: to compare with the labels that nobody used.
    """
    added = {}
    for kind, part in material.items():
        digits, languages, sure = own[kind]
        places = np.setdiff1d(np.flatnonzero(sure >= SURE), chosen[kind])
        added[kind] = places, digits[places]
        rows[f"plain {kind}"] = rows_of(vocabulary, kind, part.versions[0])
        if len(places):
            tongues = None if part.languages is None else languages[places]
            draw, read = pair_rows(vocabulary, part, places, digits[places], tongues, rng)
            times = max(1, len(draw) // (3 * len(rows[f"draw {kind}"])))  # the given labels are a quarter or more
            rows[f"draw {kind}"] = np.concatenate([rows[f"draw {kind}"]] * times + [draw])
            rows[f"read {kind}"] = np.concatenate([rows[f"read {kind}"]] * times + [read])
    return added


def fine_tune_pairs(base, vocabulary, material, n, seed, steps=(600, 1500), own_labels=True):
    """The whole second phase: read from n pairs of each kind, label the rest, learn to draw and read from both.

    Args:
        base: pre-trained `Decoder`; or one with fresh weights, for comparison.
        n: int, labelled pairs of each kind.
        steps: (reading, drawing and reading).
        own_labels: bool; False: the n pairs are all there is.

    Returns:
        (decoder, facts: dict).

    Raises:
        Stopped: Stop or Ctrl-C came; half a recipe is no result.
    """
    rng = np.random.default_rng(seed)
    chosen = {kind: choose(part, n, rng) for kind, part in material.items()}
    rows = labelled_rows(vocabulary, material, chosen, rng)
    keras.utils.set_random_seed(seed)
    decoder, facts = base.copy(dropout_rate=0.1), {"n": int(n), "seed": int(seed)}
    if own_labels:
        learn(decoder, vocabulary, rows, READING, steps[0], 2e-3, "learning to read", seed)
        own = {kind: label(decoder, vocabulary, part) for kind, part in material.items()}
        added = add_own_labels(vocabulary, material, chosen, own, rows, rng)
        for kind, (places, digits) in added.items():
            right = float((digits == material[kind].labels[places]).mean()) if len(places) else 0.0
            facts |= {f"own_{kind}": len(places), f"own_{kind}_right": round(right, 4)}
    shares = {name: share for name, share in BOTH.items() if name in rows}
    decoder = decoder.copy(dropout_rate=0.0 if own_labels else 0.1)
    learn(decoder, vocabulary, rows, shares, steps[1], 2e-3, "learning to draw and to speak", seed + 1)
    return decoder, facts
