"""What chapter 09 learns from: unlabelled text, digits and clips to pre-train on, and pairs to fine-tune on."""

import collections
import re

import keras
import numpy as np
from keras import layers

from aigc_course import data
from aigc_course.lmdg import codecs
from aigc_course.lmdg.words.rows import LENGTH, LETTERS, THICK, Vocabulary, rows_of

__all__ = ["HELD", "SHARES", "held", "late", "shifted", "tang_lines", "turned", "unlabelled", "vocabulary_and_text"]

SHARES = {"image": 0.6, "speech": 0.25, "text": 0.15}  # of the pre-training rows
HELD = 600  # digits at the end of the training images that no decoder sees; the codec has seen them
_COMMON = 200  # Chinese characters of the vocabulary, beside those of the captions


def tang_lines(poems, characters):
    """The lines made of some characters only, one behind the other, each closed by a line feed."""
    wanted = set(characters)
    lines = (line for poem in poems for line in re.split(f"[{''.join(data.MARKS)}]", poem))
    return "".join(line + "\n" for line in lines if line and set(line) <= wanted)


def vocabulary_and_text():
    """(vocabulary, plays in lower case, Tang lines made of its characters)."""
    poems = [text for _, _, text in data.load_tang_poems()]
    counts = collections.Counter(character for poem in poems for character in poem if character not in data.MARKS)
    common = sorted(character for character, _ in counts.most_common(_COMMON))
    chinese = sorted({*common, *data.DIGIT_WORDS[1], *THICK.values(), "的"})
    english = re.sub(f"[^{re.escape(LETTERS)}]", "", data.load_shakespeare().lower())
    return Vocabulary(LETTERS + "".join(chinese)), english, tang_lines(poems, chinese)


def shifted(images, rng, most=2):
    """Images (N, 28, 28, 1), each moved by up to `most` pixels; the background, -1, comes in."""
    padded = np.pad(images, ((0, 0), (most, most), (most, most), (0, 0)), constant_values=-1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (28, 28), axis=(1, 2))  # (N, 5, 5, 1, 28, 28)
    down, right = rng.integers(2 * most + 1, size=(2, len(images)))
    return windows[np.arange(len(images)), down, right][:, 0, :, :, None]


def turned(images, seed):
    """Images (N, 28, 28, 1), each turned by up to 14°, made up to 12 % larger or smaller, moved by up to 2 pixels."""
    options = {"fill_mode": "constant", "fill_value": -1.0}
    change = keras.Sequential(
        [
            layers.RandomRotation(0.04, seed=seed, **options),
            layers.RandomZoom(0.12, 0.12, seed=seed + 1, **options),
            layers.RandomTranslation(0.08, 0.08, seed=seed + 2, **options),
        ]
    )
    parts = [change(images[i : i + 500], training=True) for i in range(0, len(images), 500)]
    return np.clip(np.concatenate(parts), -1, 1)


def unlabelled(copies=2, seed=7):
    """(vocabulary, rows): for each kind the rows (N, LENGTH) that pre-training draws from. No label is read.

    Digits and clips are there as they are and in `copies` more versions, moved by up to two pixels or frames.
    """
    rng = np.random.default_rng(seed)
    vocabulary, english, chinese = vocabulary_and_text()
    rows = {"text": _text_rows(vocabulary, english, chinese)}
    (images, _), _ = data.load_mnist()
    images, codec = data.scale(images[:-HELD]), codecs.load_shipped_codec("image")[0]
    versions = [images, *(shifted(images, rng) for _ in range(copies))]
    rows["image"] = np.concatenate([rows_of(vocabulary, "image", codec.encode(part)) for part in versions])
    clips, codec = data.load_spoken_digits()[0].clips, codecs.load_shipped_codec("speech")[0]
    versions = [clips, *([late(clip, rng) for clip in clips] for _ in range(3 * copies))]
    numbers = [codec.encode(codecs.frames_of(part)) for part in versions]
    rows["speech"] = np.concatenate([rows_of(vocabulary, "speech", part) for part in numbers])
    return vocabulary, rows


def late(clip, rng, most=300, noise=0.003):
    """A clip that starts up to `most` samples later, with a little noise."""
    samples = np.concatenate([np.zeros(rng.integers(most)), clip])
    return (samples + noise * rng.standard_normal(len(samples))).astype(np.float32)


def _text_rows(vocabulary, english, chinese, stride=LENGTH // 2):
    """Windows of LENGTH characters of both texts; the smaller one is repeated until it is a third."""
    parts = [vocabulary.characters.encode(text) for text in (english, chinese)]
    windows = [np.lib.stride_tricks.sliding_window_view(part, LENGTH)[::stride] for part in parts]
    times = max(1, len(windows[0]) // (2 * len(windows[1])))
    return np.concatenate([windows[0], *[windows[1]] * times]).astype(np.int32)


def held(vocabulary):
    """Rows of HELD digits that pre-training does not see."""
    (images, _), _ = data.load_mnist()
    return rows_of(vocabulary, "image", codecs.load_shipped_codec("image")[0].encode(data.scale(images[-HELD:])))
