"""An independent listener: which digit, in which language, a clip says. It learns from real clips only."""

import functools

import keras
import numpy as np
from keras import layers

from aigc_course import data, files
from aigc_course.errors import CourseError
from aigc_course.lmdg import codecs
from aigc_course.lmdg.codecs import sound

__all__ = ["SpeechJudge", "build_speech_judge", "save_speech_judge", "speech_judge", "train_speech_judge"]


def build_speech_judge(width=64):
    """Log-mel frames (B, FRAMES, MELS) -> logits (B, 20): ten English digits, then ten Mandarin ones."""
    return keras.Sequential(
        [
            layers.Input((codecs.FRAMES, sound.MELS)),
            layers.Conv1D(width, 5, padding="same", activation="relu"),
            layers.MaxPooling1D(2),  # (B, 24, width)
            layers.Dropout(0.2),
            layers.Conv1D(2 * width, 5, padding="same", activation="relu"),
            layers.MaxPooling1D(2),  # (B, 12, 2 width)
            layers.Dropout(0.3),
            layers.Conv1D(2 * width, 3, padding="same", activation="relu"),
            layers.GlobalMaxPooling1D(),
            layers.Dropout(0.4),
            layers.Dense(20),
        ]
    )


def _disturbed(frames, rng):
    """Frames (N, FRAMES, MELS) with noise, moved by up to three frames and one band, with a strip of bands left out."""
    out = np.empty_like(frames)
    for row, clip in zip(out, frames, strict=True):
        time, band = rng.integers(0, 4), rng.integers(-1, 2)
        row[:] = np.roll(np.roll(clip, time, axis=0), band, axis=1)
        row[:time] = -1
        first = rng.integers(sound.MELS - 4)
        row[:, first : first + rng.integers(5)] = -1
    return out + 0.1 * rng.standard_normal(frames.shape).astype(np.float32)


def train_speech_judge(epochs=40, seed=7, each_epoch=lambda done, epochs: None, train=None):
    """A judge trained on the clips of the training voices, each epoch disturbed anew.

    Args:
        epochs, seed: int.
        each_epoch: function (done, epochs), for example a progress bar's.
        train: `data.SpokenDigits`, or None for those of all training voices.

    Returns:
        keras model, see `build_speech_judge`.
    """
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    train = train or data.load_spoken_digits()[0]
    frames, labels = codecs.frames_of(train.clips), train.labels + 10 * train.languages
    model = build_speech_judge()
    rate = keras.optimizers.schedules.CosineDecay(2e-3, epochs * (len(frames) // 32), alpha=0.02)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, jit_compile=False)
    for epoch in range(epochs):
        model.fit(_disturbed(frames, rng), labels, batch_size=32, verbose=0)
        each_epoch(epoch + 1, epochs)
    return model


def save_speech_judge(model, path, **facts):
    """Writes a speech judge in float16."""
    files.save_network(path, {"facts": facts}, files.numbered(model.get_weights()))


class SpeechJudge:
    """The shipped listener, frozen.

    Attributes:
        facts: dict, accuracy on the voices that were not heard in training, as measured when it was made.
    """

    def __init__(self, path=None):
        def build(header, weights):
            model = build_speech_judge()
            model.set_weights(files.in_order(weights))
            return model, header["facts"]

        self.model, self.facts = files.load_network(path or data.asset("speech_judge.npz"), build, "a speech judge")

    def hear(self, clips, sample_rate=data.SAMPLE_RATE):
        """What clips say: (digits (N,), languages (N,)), languages 0 English, 1 Mandarin.

        Args:
            clips: list of float arrays (samples,).
            sample_rate: int, in Hz; only the data's own is understood.
        """
        if sample_rate != data.SAMPLE_RATE:
            raise CourseError(f"the judge hears {data.SAMPLE_RATE} Hz; received {sample_rate} Hz. Resample first.")
        return self.judge_frames(codecs.frames_of(clips))

    def judge_frames(self, frames):
        """As `hear`, for log-mel frames (N, FRAMES, MELS)."""
        found = np.concatenate(
            [self.model(part, training=False) for part in np.array_split(frames, -(-len(frames) // 500))]
        )
        found = found.argmax(axis=1)
        return found % 10, found // 10


@functools.cache
def speech_judge():
    """The shipped speech judge, loaded once per process."""
    return SpeechJudge()
