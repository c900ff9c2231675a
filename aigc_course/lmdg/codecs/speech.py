"""Speech as tokens: a clip of 768 ms, 48 log-mel frames (`sound`), 24 codes of 256."""

import keras
import numpy as np
from keras import layers

from aigc_course.lmdg.codecs import sound
from aigc_course.lmdg.codecs.quantizer import Codec

__all__ = ["FRAMES", "SPEECH_TOKENS", "build_speech_codec", "frames_of"]

FRAMES = 48  # of a clip: 768 ms; longer ones are cut
SPEECH_TOKENS = FRAMES // 2


def frames_of(clips):
    """Clips as log-mel frames of one length: (N, FRAMES, MELS); short ones end in silence, -1."""
    out = np.full((len(clips), FRAMES, sound.MELS), -1, np.float32)
    for row, clip in zip(out, clips, strict=True):
        frames = sound.log_mel(clip)[:FRAMES]
        row[: len(frames)] = frames
    return out


def build_speech_codec(levels=(4, 4, 4, 4), width=96):
    """Log-mel frames (FRAMES, MELS) -> one code for two frames -> frames."""
    encoder = keras.Sequential(
        [
            layers.Input((FRAMES, sound.MELS)),
            layers.Conv1D(width, 5, padding="same", activation="gelu"),
            layers.Conv1D(width, 4, strides=2, padding="same", activation="gelu"),  # (B, FRAMES / 2, width)
            layers.Conv1D(width, 3, padding="same", activation="gelu"),
            layers.Conv1D(len(levels), 1),
        ]
    )
    decoder = keras.Sequential(
        [
            layers.Input((FRAMES // 2, len(levels))),
            layers.Conv1D(width, 5, padding="same", activation="gelu"),
            layers.Conv1D(width, 5, padding="same", activation="gelu"),
            layers.Conv1DTranspose(width, 4, strides=2, padding="same", activation="gelu"),  # (B, FRAMES, width)
            layers.Conv1D(width, 5, padding="same", activation="gelu"),
            layers.Conv1D(sound.MELS, 1),
        ]
    )
    return Codec(encoder, decoder, levels, "speech")
