"""Keras callbacks that watch a GAN while it trains: pictures of the same z, the judge's score, a checkpoint."""

from pathlib import Path

import keras

from aigc_course import metrics, plots
from aigc_course.files import uninterrupted

__all__ = ["Checkpoint", "ImageMonitor", "ScoreMonitor"]


class ImageMonitor(keras.callbacks.Callback):
    """Draws the same z at the end of every `every`-th epoch and keeps the pictures.

    Args:
        n: int, how many images.
        every: int, in epochs.
        show: bool, also draw them where they can be seen (one picture, replaced in place).

    Attributes:
        pictures: list of (step, float32 array (n, H, W, C)).
    """

    def __init__(self, n=20, every=1, show=False):
        super().__init__()
        self.n, self.every, self.show = n, every, show
        self.pictures = []
        self.handle = None

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every:
            return
        images = self.model.sample(self.n)
        self.pictures.append((self.model.step, images))
        if self.show:
            self.handle = plots.update(self.handle, images, f"step {self.model.step}")


class ScoreMonitor(keras.callbacks.Callback):
    """Asks the judge at the end of every `every`-th epoch.

    Args:
        n: int, images in a score.
        every: int, in epochs.

    Attributes:
        scores: list of (step, `metrics.JudgeScore`).
    """

    def __init__(self, n=2000, every=1):
        super().__init__()
        self.n, self.every = n, every
        self.scores = []

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every == 0:
            self.scores.append((self.model.step, metrics.judge_distance(self.model.sample(self.n), verbose=False)))


class Checkpoint(keras.callbacks.Callback):
    """Saves the GAN to one file at the end of every `every`-th epoch, each time whole or not at all."""

    def __init__(self, path, every=1):
        super().__init__()
        self.path, self.every = Path(path), every

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every == 0:
            with uninterrupted():
                self.model.save(self.path)
