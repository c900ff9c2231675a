"""The article's two networks, layer by layer, with today's API. Chapter 03 builds them step by step.

Layers named `fast` are Keras' own, computed another way: same weights, same function.
"""

import keras
import numpy as np
from keras import layers

from aigc_course import fast
from aigc_course.runtime import CourseError

# The article's constants.
LATENT_DIM = 100
IMG_SHAPE = (28, 28, 1)
SLOPE = 0.2  # of LeakyReLU below zero
BATCH_NORM_MOMENTUM = 0.8  # the moving statistics forget within about five batches


def build_generator(latent_dim=LATENT_DIM):
    """The article's generator 生成器: noise (B, latent_dim) -> images (B, 28, 28, 1) in [-1, 1].

    Two transposed convolutions double the side twice, 7 -> 14 -> 28, after DCGAN (Radford et al., 2016). As in
    the article there is no activation behind the Dense layer, so it and the first transposed convolution are one
    linear map (chapter 03).

    Args:
        latent_dim: int, 1 or more; the length of the noise vector z.

    Returns:
        `keras.Sequential` with 1,924,289 parameters when latent_dim is 100.

    Raises:
        CourseError: latent_dim is not a positive integer.
    """
    latent_dim = check_latent_dim(latent_dim)
    return keras.Sequential(
        [
            layers.Input((latent_dim,)),
            layers.Dense(7 * 7 * 256),
            layers.Reshape((7, 7, 256)),
            layers.Conv2DTranspose(128, 4, strides=2, padding="same"),  # (B, 14, 14, 128)
            fast.BatchNormalization(momentum=BATCH_NORM_MOMENTUM),
            layers.LeakyReLU(negative_slope=SLOPE),
            layers.Conv2DTranspose(64, 4, strides=2, padding="same"),  # (B, 28, 28, 64)
            fast.BatchNormalization(momentum=BATCH_NORM_MOMENTUM),
            layers.LeakyReLU(negative_slope=SLOPE),
            fast.Conv2D(1, 4, padding="same", activation="tanh"),  # (B, 28, 28, 1)
        ],
        name="generator",
    )


def build_discriminator(img_shape=IMG_SHAPE):
    """The article's discriminator 判别器: images (B, *img_shape) in [-1, 1] -> logits (B, 1).

    It ends in a logit where the article has a sigmoid: the losses then stay exact where a sigmoid rounds to 0
    or 1 (chapter 02). The zero padding is the article's, inherited and without use (chapter 03).

    Args:
        img_shape: (height, width, channels), three positive integers.

    Returns:
        `keras.Sequential` with 95,489 parameters for (28, 28, 1).

    Raises:
        CourseError: img_shape is not three positive integers.
    """
    img_shape = check_img_shape(img_shape)
    return keras.Sequential(
        [
            layers.Input(img_shape),
            layers.Conv2D(32, 3, strides=2, padding="same"),  # (B, 14, 14, 32)
            layers.LeakyReLU(negative_slope=SLOPE),
            layers.Dropout(0.25),
            layers.Conv2D(64, 3, strides=2, padding="same"),  # (B, 7, 7, 64)
            layers.ZeroPadding2D(((0, 1), (0, 1))),  # (B, 8, 8, 64)
            fast.BatchNormalization(momentum=BATCH_NORM_MOMENTUM),
            layers.LeakyReLU(negative_slope=SLOPE),
            layers.Dropout(0.25),
            layers.Conv2D(128, 3, strides=2, padding="same"),  # (B, 4, 4, 128)
            fast.BatchNormalization(momentum=BATCH_NORM_MOMENTUM),
            layers.LeakyReLU(negative_slope=SLOPE),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(1),  # (B, 1): a logit
        ],
        name="discriminator",
    )


def check_latent_dim(latent_dim):
    """Returns latent_dim as an int, or says what is wrong with it."""
    if isinstance(latent_dim, bool) or not isinstance(latent_dim, (int, np.integer)) or latent_dim < 1:
        raise CourseError(f"latent_dim must be a positive integer; received {latent_dim!r}. The article takes 100.")
    return int(latent_dim)


def check_img_shape(img_shape):
    """Returns img_shape as a tuple of three ints, or says what is wrong with it."""
    try:
        shape = tuple(img_shape)
    except TypeError:
        shape = ()
    sizes_ok = all(isinstance(size, (int, np.integer)) and not isinstance(size, bool) and size > 0 for size in shape)
    if len(shape) != 3 or not sizes_ok:
        raise CourseError(
            f"img_shape must be (height, width, channels), positive integers; received {img_shape!r}. "
            "MNIST is (28, 28, 1)."
        )
    return tuple(int(size) for size in shape)
