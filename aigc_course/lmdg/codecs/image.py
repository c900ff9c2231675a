"""Pictures as tokens: 28 × 28 pixels, 49 codes of 64."""

import keras
from keras import layers

from aigc_course.lmdg.codecs.quantizer import Codec

__all__ = ["IMAGE_TOKENS", "build_image_codec"]

IMAGE_TOKENS = 49


def build_image_codec(levels=(4, 4, 4), width=32):
    """Images (28, 28, 1) -> 7 × 7 codes -> images. The decoder gives logits of ink: a sigmoid and cross-entropy."""
    encoder = keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(width, 4, strides=2, padding="same", activation="gelu"),  # (B, 14, 14, width)
            layers.Conv2D(2 * width, 4, strides=2, padding="same", activation="gelu"),  # (B, 7, 7, 2 width)
            layers.Conv2D(2 * width, 3, padding="same", activation="gelu"),
            layers.Conv2D(len(levels), 1),
        ]
    )
    decoder = keras.Sequential(
        [
            layers.Input((7, 7, len(levels))),
            layers.Conv2D(2 * width, 3, padding="same", activation="gelu"),
            layers.Conv2D(2 * width, 3, padding="same", activation="gelu"),
            layers.Conv2DTranspose(width, 4, strides=2, padding="same", activation="gelu"),  # (B, 14, 14, width)
            layers.Conv2DTranspose(1, 4, strides=2, padding="same"),  # (B, 28, 28, 1), logits
        ]
    )
    return Codec(encoder, decoder, levels, "image")
