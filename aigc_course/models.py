"""The article's two networks, layer by layer, with today's API. Chapter 03 builds them step by step.

Layers named `fast` are Keras' own, computed another way: same weights, same function.
"""

import random
import re
import warnings

import keras
from keras import layers

from aigc_course import fast, files
from aigc_course.errors import CourseError, is_whole, whole_number

__all__ = [
    "IMG_SHAPE",
    "LATENT_DIM",
    "build_critic",
    "build_discriminator",
    "build_generator",
    "check_copyable",
    "check_latent_dim",
    "check_players",
    "unreadable",
]

# The article's constants.
LATENT_DIM = 100
IMG_SHAPE = (28, 28, 1)
_SLOPE = 0.2  # of LeakyReLU below zero
_BATCH_NORM_MOMENTUM = 0.8  # the moving statistics forget within about five batches


def build_generator(latent_dim=LATENT_DIM, channels=1):
    """The article's generator 生成器: noise (B, latent_dim) -> images (B, 28, 28, 1) in [-1, 1].

    Two transposed convolutions double the side twice, 7 -> 14 -> 28, after DCGAN (Radford et al., 2016). As in
    the article there is no activation behind the Dense layer, so it and the first transposed convolution are one
    linear map (chapter 03).

    Args:
        latent_dim: int, 1 or more; the length of the noise vector z.
        channels: int, of the images; the article has 1.

    Returns:
        `keras.Sequential` with 1,924,289 parameters when latent_dim is 100 and channels is 1.

    Raises:
        CourseError: latent_dim or channels is not a positive integer.
    """
    latent_dim = check_latent_dim(latent_dim)
    _, _, channels = _check_img_shape((28, 28, channels))
    return keras.Sequential(
        [
            layers.Input((latent_dim,)),
            layers.Dense(7 * 7 * 256),
            layers.Reshape((7, 7, 256)),
            layers.Conv2DTranspose(128, 4, strides=2, padding="same"),  # (B, 14, 14, 128)
            fast.BatchNormalization(momentum=_BATCH_NORM_MOMENTUM),
            layers.LeakyReLU(negative_slope=_SLOPE),
            layers.Conv2DTranspose(64, 4, strides=2, padding="same"),  # (B, 28, 28, 64)
            fast.BatchNormalization(momentum=_BATCH_NORM_MOMENTUM),
            layers.LeakyReLU(negative_slope=_SLOPE),
            fast.Conv2D(channels, 4, padding="same", activation="tanh"),  # (B, 28, 28, C)
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
    img_shape = _check_img_shape(img_shape)
    return keras.Sequential(
        [
            layers.Input(img_shape),
            layers.Conv2D(32, 3, strides=2, padding="same"),  # (B, 14, 14, 32)
            layers.LeakyReLU(negative_slope=_SLOPE),
            fast.Dropout(0.25),
            layers.Conv2D(64, 3, strides=2, padding="same"),  # (B, 7, 7, 64)
            layers.ZeroPadding2D(((0, 1), (0, 1))),  # (B, 8, 8, 64)
            fast.BatchNormalization(momentum=_BATCH_NORM_MOMENTUM),
            layers.LeakyReLU(negative_slope=_SLOPE),
            fast.Dropout(0.25),
            layers.Conv2D(128, 3, strides=2, padding="same"),  # (B, 4, 4, 128)
            fast.BatchNormalization(momentum=_BATCH_NORM_MOMENTUM),
            layers.LeakyReLU(negative_slope=_SLOPE),
            fast.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(1),  # (B, 1): a logit
        ],
        name="discriminator",
    )


def build_critic(img_shape=IMG_SHAPE):
    """The article's discriminator without batch normalisation and dropout: images (B, *img_shape) -> scores (B, 1).

    For objectives that penalise the slope at single samples (WGAN-GP, R1, R2): a score may then depend on its own
    image only, and not on its batch (Gulrajani et al., 2017, section 4). Arguments, errors as `build_discriminator`.

    Returns:
        `keras.Sequential` with 94,721 parameters for (28, 28, 1).
    """
    skipped = (layers.BatchNormalization, layers.Dropout, layers.ZeroPadding2D)
    kept = [layer for layer in build_discriminator(img_shape).layers if not isinstance(layer, skipped)]
    copies = [type(layer).from_config(layer.get_config()) for layer in kept]
    return keras.Sequential([layers.Input(_check_img_shape(img_shape)), *copies], name="critic")


def check_latent_dim(latent_dim):
    """Returns latent_dim as an int, or says what is wrong with it."""
    return whole_number(latent_dim, "latent_dim", hint="The article takes 100.")


def _check_img_shape(img_shape):
    """Returns img_shape as a tuple of three ints, or says what is wrong with it."""
    try:
        shape = tuple(img_shape)
    except TypeError:
        shape = ()
    if len(shape) != 3 or not all(is_whole(size) and size > 0 for size in shape):
        raise CourseError(
            f"img_shape must be (height, width, channels), positive integers; received {img_shape!r}. "
            "MNIST is (28, 28, 1)."
        )
    return tuple(int(size) for size in shape)


def check_copyable(network, name):
    """Says at once what would otherwise come up at the first save, or when the file is read again.

    Raises:
        CourseError: Keras cannot make a second network from the description of this one.
    """
    before = random.getstate()  # copies draw weights: what comes after must draw as if there had been none
    try:
        keras.models.clone_model(network)
        missing = _unregistered(network)
    except Exception as error:  # TypeError, ValueError, NotImplementedError: Keras has one for each cause
        lost = _unlocated(error)
        mend = (
            f"Put @keras.saving.register_keras_serializable() above {lost}."
            if lost
            else (
                "A Lambda layer or a lambda function has no name to find it by: write a layer class with `call` and "
                "`get_config`, and register it with @keras.saving.register_keras_serializable()."
            )
        )
        raise CourseError(
            f"the {name} must be a network that Keras can copy, for its average and its file; it says: "
            f"{str(error).splitlines()[0][:160]} {mend}"
        ) from error
    finally:
        random.setstate(before)
    if missing:
        warnings.warn(
            f"the {name} has {missing}, which Keras cannot find again by its name: training and saving work; "
            f"GAN.load(path, custom_objects={{{missing!r}: {missing}}}) reads the file, and "
            f"@keras.saving.register_keras_serializable() above the class makes that unnecessary.",
            stacklevel=4,
        )


def _unregistered(network):
    """The name of a class or function without which a file of this network cannot be read, or None."""
    try:
        keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(network))
    except (TypeError, ValueError) as error:
        if not _unlocated(error):
            raise
        return _unlocated(error)
    return None


def _unlocated(error):
    """The class or function that Keras says it could not find, or None."""
    found = re.search(r"Could not locate (?:class|function) '([^']+)'", str(error))
    return found and found[1]


def unreadable(path, error):
    """What to raise for a checkpoint that Keras could not read: the machine's fault, a missing class, or damage."""
    lost = _unlocated(error)
    if lost:
        return CourseError(
            f"{path} is whole, but its networks use {lost}, which is not known here. Import or define {lost}, "
            f"then GAN.load(path, custom_objects={{{lost!r}: {lost}}}); or put "
            "@keras.saving.register_keras_serializable() above it."
        )
    return files.unreadable(path, error) or CourseError(
        f"{path} is not a whole checkpoint of a GAN ({type(error).__name__}): truncated, altered, or "
        "saved by something else. Take an earlier one, or train anew."
    )


def check_players(generator, discriminator, latent_dim):
    """Raises CourseError unless z -> generator -> discriminator -> one logit fit together and can be copied."""
    if generator.input_shape[1:] != (latent_dim,):
        raise CourseError(
            f"the generator must take noise of length latent_dim = {latent_dim}; it takes "
            f"{generator.input_shape[1:]}. Pass latent_dim={generator.input_shape[-1]}."
        )
    if generator.output_shape[1:] != discriminator.input_shape[1:]:
        raise CourseError(
            f"the generator draws images of shape {generator.output_shape[1:]}, the discriminator takes "
            f"{discriminator.input_shape[1:]}. Build both for the same shape."
        )
    if discriminator.output_shape[1:] != (1,):
        raise CourseError(f"the discriminator must give one logit (B, 1); it gives {discriminator.output_shape}.")
    if getattr(discriminator.layers[-1], "activation", None) is keras.activations.sigmoid:
        raise CourseError("the discriminator must give logits; its last layer is a sigmoid. Leave the sigmoid out.")
    check_copyable(generator, "generator")
    check_copyable(discriminator, "discriminator")
