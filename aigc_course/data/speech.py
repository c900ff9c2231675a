"""Spoken digits in two languages."""

from typing import NamedTuple

import numpy as np

from aigc_course.data.checksums import asset

__all__ = ["DIGIT_WORDS", "SAMPLE_RATE", "SpokenDigits", "from_mu_law", "load_spoken_digits", "mu_law"]

SAMPLE_RATE = 8000  # of the spoken digits, in Hz
DIGIT_WORDS = (
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
    list("零一二三四五六七八九"),
)


class SpokenDigits(NamedTuple):
    """clips: list of float32 arrays in [-1, 1] at 8 kHz; labels, languages (0 English, 1 Mandarin), voices: (N,)."""

    clips: list
    labels: np.ndarray
    languages: np.ndarray
    voices: np.ndarray


def load_spoken_digits():
    """Spoken digits in English and Mandarin, 2,400 clips of 40 synthetic voices (espeak-ng; the project's own).

    Returns:
        (train, test), two `SpokenDigits`: 1,920 and 480 clips; the eight voices of the test are not in train.
    """
    with np.load(asset("spoken_digits.npz"), allow_pickle=False) as file:
        clips = np.split(from_mu_law(file["samples"]), np.cumsum(file["lengths"])[:-1])
        facts = [file[name].astype(int) for name in ("labels", "languages", "voices")]
    test = facts[-1] % 5 == 4  # every fifth voice

    def part(places):
        return SpokenDigits([clips[i] for i in places], *(fact[places] for fact in facts))

    return part(np.flatnonzero(~test)), part(np.flatnonzero(test))


def mu_law(samples):
    """Samples in [-1, 1] as bytes on a logarithmic scale: small sounds keep their detail (mu = 255, ITU-T G.711)."""
    squeezed = np.sign(samples) * np.log1p(255 * np.minimum(np.abs(samples), 1.0)) / np.log(256)
    return np.round((squeezed + 1) * 127.5).astype(np.uint8)


def from_mu_law(codes):
    """The samples of `mu_law`'s bytes, float32 in [-1, 1]."""
    squeezed = codes.astype(np.float32) / 127.5 - 1
    return (np.sign(squeezed) * np.expm1(np.abs(squeezed) * np.log(256)) / 255).astype(np.float32)
