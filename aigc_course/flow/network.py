"""The network of the velocity: a small residual U-Net on pixels folded to 14 × 14 × 4."""

import keras
import numpy as np
from keras import layers, ops

from aigc_course.errors import CourseError, whole_number

__all__ = ["Waves", "build_velocity"]


@keras.saving.register_keras_serializable(package="aigc_course")
class Waves(layers.Layer):
    """Sines and cosines of a time in [0, 1], at frequencies from 1 to 1,000 (Vaswani et al., 2017): (B,) -> (B, 2 K).

    Args:
        count: int, K.
    """

    def __init__(self, count=32, **kwargs):
        super().__init__(**kwargs)
        self.count = count

    def call(self, t):
        angles = t[:, None] * np.geomspace(1.0, 1000.0, self.count, dtype=np.float32)
        return ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)

    def get_config(self):
        return {**super().get_config(), "count": self.count}


def build_velocity(classes=10, width=48, shape=(28, 28, 1)):
    """(x (B, 28, 28, 1), t (B,), label (B,)) -> velocity (B, 28, 28, 1).

    Four neighbouring pixels become the channels of one place: a quarter of the work. Residual blocks of two 3 × 3
    convolutions, without normalisation, the last of each starting at zero: two at 14 × 14, three at 7 × 7 with twice
    the width, two more at 14 × 14 behind a skip (after U-Net, Ronneberger et al., 2015). Time and label are added in
    every block.

    Args:
        classes: int; the label `classes` means "none".
        width: int, channels at 14 × 14.
        shape: (height, width, channels), the first two multiples of 4.

    Returns:
        `keras.Model`; 0.82 million weights for width 48.

    Raises:
        CourseError: sizes that cannot be halved twice, or a width below 1.
    """
    classes, width = whole_number(classes, "classes"), whole_number(width, "width")
    height, breadth, channels = shape
    if height % 4 or breadth % 4:
        raise CourseError(f"shape must have sides that are multiples of 4; received {tuple(shape)}. Pad the images.")
    x, t, label = layers.Input(shape), layers.Input(()), layers.Input((), dtype="int32")
    about = layers.Dense(128)(Waves()(t))
    about = layers.Add()(
        [about, layers.Embedding(classes + 1, 128, keras.initializers.RandomNormal(stddev=1.0))(label)]
    )
    about = layers.Dense(128, activation="silu")(layers.Activation("silu")(about))  # (B, 128)

    def block(h, units):
        inner = layers.Conv2D(units, 3, padding="same")(layers.Activation("silu")(h))
        inner = layers.Add()([inner, layers.Reshape((1, 1, units))(layers.Dense(units)(about))])
        inner = layers.Conv2D(units, 3, padding="same", kernel_initializer="zeros")(layers.Activation("silu")(inner))
        return layers.Add()([h, inner])

    h = layers.Reshape((height // 2, 2, breadth // 2, 2 * channels))(x)
    h = layers.Reshape((height // 2, breadth // 2, 4 * channels))(layers.Permute((1, 3, 2, 4))(h))  # (B, 14, 14, 4)
    h = layers.Conv2D(width, 3, padding="same")(h)
    h = skip = block(block(h, width), width)  # (B, 14, 14, width)
    h = layers.Conv2D(2 * width, 3, strides=2, padding="same")(h)  # (B, 7, 7, 2 width)
    for _ in range(3):
        h = block(h, 2 * width)
    h = layers.Conv2DTranspose(width, 2, strides=2)(h)
    h = block(block(layers.Add()([h, skip]), width), width)  # (B, 14, 14, width)
    h = layers.Conv2D(4 * channels, 3, padding="same", kernel_initializer="zeros")(layers.Activation("silu")(h))
    h = layers.Permute((1, 3, 2, 4))(layers.Reshape((height // 2, breadth // 2, 2, 2 * channels))(h))
    return keras.Model([x, t, label], layers.Reshape(shape)(h), name="velocity")
