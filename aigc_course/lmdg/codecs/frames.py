"""A film's frames as tokens: 24 × 24 pixels, 36 codes of 4,096."""

import keras
from keras import layers

from aigc_course.lmdg.codecs.quantizer import Codec

__all__ = ["GRID", "LEVELS", "SIZE", "build_frame_codec"]

SIZE = 24  # pixels a side
GRID = SIZE // 4  # cells a side: one code for 4 × 4 pixels
LEVELS = (8, 8, 8, 8)  # 4,096 codes: four numbers of eight levels


def build_frame_codec(levels=LEVELS, width=32):
    """Frames (24, 24, 1) -> 6 × 6 codes -> frames; like the codec of digits of chapter 09.

    Most of a frame is paper. Without the normalisation in front of the rounding every cell got the same two codes and
    every frame came back empty (tried); with it each number spreads over all levels from the start.
    """
    spread = keras.initializers.Constant(2.0)  # standard deviation in front of the sigmoid; chosen by trial
    encoder = keras.Sequential(
        [
            layers.Input((SIZE, SIZE, 1)),
            layers.Conv2D(width, 4, strides=2, padding="same", activation="gelu"),  # (B, 12, 12, width)
            layers.Conv2D(2 * width, 4, strides=2, padding="same", activation="gelu"),  # (B, 6, 6, 2 width)
            layers.Conv2D(
                2 * width, 1, activation="gelu"
            ),  # no wider: a code sees 10 × 10 pixels, so paper is one code
            layers.Conv2D(len(levels), 1),
            layers.BatchNormalization(momentum=0.9, gamma_initializer=spread),
        ]
    )
    decoder = keras.Sequential(
        [
            layers.Input((GRID, GRID, len(levels))),
            layers.Conv2D(2 * width, 3, padding="same", activation="gelu"),
            layers.Conv2D(2 * width, 3, padding="same", activation="gelu"),
            layers.Conv2DTranspose(width, 4, strides=2, padding="same", activation="gelu"),  # (B, 12, 12, width)
            layers.Conv2DTranspose(1, 4, strides=2, padding="same"),  # (B, 24, 24, 1), logits of ink
        ]
    )
    return Codec(encoder, decoder, levels, "image")
