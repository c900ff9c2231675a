"""Sound as pictures and back: log-mel frames of a clip, and Griffin-Lim, which finds a sound for given frames."""

import functools

import numpy as np

from aigc_course.data import SAMPLE_RATE
from aigc_course.errors import CourseError

__all__ = ["FLOOR", "HOP", "MELS", "WINDOW", "griffin_lim", "log_mel", "mel_filters", "spectrum", "wave"]

WINDOW, HOP, MELS = 256, 128, 40  # samples: 32 ms every 16 ms; bands
FLOOR = 1e-4  # amplitude below which a band counts as silence


@functools.cache
def mel_filters():
    """Triangles on the mel scale, evenly spaced from 60 Hz to half the sample rate: (MELS, WINDOW // 2 + 1).

    mel = 2595 log10(1 + f / 700) (O'Shaughnessy, 1987). Each triangle is scaled to sum 1.
    """
    limits = 2595 * np.log10(1 + np.array([60.0, SAMPLE_RATE / 2]) / 700)
    edges = 700 * (10 ** (np.linspace(*limits, MELS + 2) / 2595) - 1)
    bins = np.fft.rfftfreq(WINDOW, 1 / SAMPLE_RATE)
    left, middle, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    filters = np.maximum(0, np.minimum((bins - left) / (middle - left), (right - bins) / (right - middle)))
    return filters / np.maximum(filters.sum(axis=1, keepdims=True), 1e-9)


@functools.cache
def _window():
    """Hann's window, periodic: neighbours at half its length add up to 1."""
    return np.hanning(WINDOW + 1)[:-1]


def spectrum(samples):
    """Short-time Fourier transform: (frames, WINDOW // 2 + 1), complex. Half a window of silence at both ends."""
    padded = np.pad(samples, (WINDOW // 2, WINDOW // 2 + HOP - 1))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    return np.fft.rfft(frames * _window(), axis=1)


def wave(spectra):
    """The sound whose short-time spectra are nearest to the given ones (Griffin & Lim, 1984, eq. 6)."""
    frames = np.fft.irfft(spectra, WINDOW, axis=1) * _window()
    out, weight = (np.zeros(HOP * (len(frames) - 1) + WINDOW) for _ in range(2))
    for i, frame in enumerate(frames):
        out[i * HOP : i * HOP + WINDOW] += frame
        weight[i * HOP : i * HOP + WINDOW] += _window() ** 2
    return (out / np.maximum(weight, 1e-3))[WINDOW // 2 : -WINDOW // 2]


def log_mel(samples, sample_rate=SAMPLE_RATE):
    """Log-mel frames (frames, MELS), scaled so that silence is -1 and full loudness about 1.

    Raises:
        CourseError: not a row of finite numbers, or of another sample rate.
    """
    if sample_rate != SAMPLE_RATE:
        raise CourseError(f"sound of {SAMPLE_RATE} Hz is needed; received {sample_rate} Hz. Resample it first.")
    samples = np.asarray(samples, dtype=np.float64)
    if samples.ndim != 1 or not len(samples) or not np.isfinite(samples).all():
        raise CourseError(f"a clip must be a row of finite samples; received shape {samples.shape}.")
    amplitude = np.abs(spectrum(samples)) @ mel_filters().T
    return _scaled(amplitude)


def _scaled(amplitude):
    """Amplitude -> [-1, about 1]: 55 decibels are one unit."""
    return (np.log10(np.maximum(amplitude, FLOOR) / FLOOR) / 2.75 - 1).astype(np.float32)


def _unscaled(frames):
    """The amplitude of `_scaled` frames."""
    return FLOOR * 10 ** (2.75 * (np.asarray(frames, np.float64) + 1))


def griffin_lim(frames, rounds=60, seed=0):
    """A sound whose log-mel frames are near the given ones (Griffin & Lim, 1984; momentum of Perraudin et al., 2013).

    Mel bands are turned back into bins by least squares, negative ones cut off. Phases start at random and are
    replaced, round after round, by those of the sound that the last ones gave.

    Args:
        frames: float array (frames, MELS) as from `log_mel`.
        rounds: int.
        seed: int, of the first phases.

    Returns:
        float32 array (HOP * frames,), at SAMPLE_RATE.
    """
    frames = np.asarray(frames)
    if frames.ndim != 2 or frames.shape[1] != MELS or not len(frames):
        raise CourseError(f"log-mel frames (T, {MELS}) are needed; received {frames.shape}.")
    size = np.maximum(_unscaled(frames) @ np.linalg.pinv(mel_filters()).T, 0)  # (frames, bins)
    size[_unscaled(frames).max(axis=1) <= 2 * FLOOR] = 0
    turn = np.exp(2j * np.pi * np.random.default_rng(seed).random(size.shape))
    last = np.zeros_like(turn)
    for _ in range(rounds):
        again = spectrum(wave(size * turn))[: len(size)]
        moved = again + 0.99 * (again - last)
        turn, last = moved / np.maximum(np.abs(moved), 1e-9), again
    return wave(size * turn).astype(np.float32)
