"""Adversarial objectives: what the discriminator and the generator each minimise. Chapter 02 derives them."""

from typing import NamedTuple

import tensorflow as tf

from aigc_course.runtime import CourseError


class Objective(NamedTuple):
    """A pair of losses, each a function (real_logits, fake_logits) -> scalar tensor, to be minimised."""

    name: str
    d_loss: callable
    g_loss: callable


def softplus(x):
    """log(1 + exp(x)), the loss of one logit, without overflow."""
    return tf.math.softplus(x)


def discriminator_loss(real_logits, fake_logits):
    """-E[log D(x)] - E[log(1 - D(G(z)))], the negative value of the game (Goodfellow et al., 2014, eq. 1).

    With D = sigmoid(logit): -log D = softplus(-logit) and -log(1 - D) = softplus(logit).

    Args:
        real_logits, fake_logits: float tensors (B, 1), the discriminator's logits.

    Returns:
        Scalar tensor in nats. All logits 0 give 2 log 2.
    """
    return tf.reduce_mean(softplus(-real_logits)) + tf.reduce_mean(softplus(fake_logits))


def minimax_generator_loss(real_logits, fake_logits):
    """E[log(1 - D(G(z)))], the generator's share of the value. Its slope vanishes where D is sure: it saturates."""
    return -tf.reduce_mean(softplus(fake_logits))


def non_saturating_generator_loss(real_logits, fake_logits):
    """-E[log D(G(z))] (Goodfellow et al., 2014, section 3): same fixed point, strong slope where D is sure."""
    return tf.reduce_mean(softplus(-fake_logits))


def r1_penalty(discriminator, real_images):
    """Half the mean squared slope of the logits at the real images (R1 of Mescheder et al., 2018, eq. 9, gamma = 1).

    Where real and generated images agree the best discriminator is flat; the penalty keeps it from being steep there,
    and the game from circling around its solution (chapter 02, Dirac-GAN).

    Args:
        discriminator: function of images (B, H, W, C) -> logits (B, 1).
        real_images: float tensor (B, H, W, C).

    Returns:
        (logits (B, 1), penalty): the logits, so that they need not be computed twice, and a scalar tensor in logits²
        per unit² of image.
    """
    with tf.GradientTape() as tape:
        tape.watch(real_images)
        logits = discriminator(real_images)
        total = tf.reduce_sum(logits)
    slopes = tape.gradient(total, real_images)
    return logits, 0.5 * tf.reduce_mean(tf.reduce_sum(tf.square(slopes), axis=[1, 2, 3]))


OBJECTIVES = {
    "non_saturating": Objective("non_saturating", discriminator_loss, non_saturating_generator_loss),
    "minimax": Objective("minimax", discriminator_loss, minimax_generator_loss),
}


def get(name):
    """The objective of that name.

    Args:
        name: str, one of `OBJECTIVES`, or an `Objective`, which is returned as it is.

    Raises:
        CourseError: there is no such objective.
    """
    if isinstance(name, Objective):
        return name
    if name not in OBJECTIVES:
        raise CourseError(f"objective must be one of {', '.join(OBJECTIVES)}; received {name!r}.")
    return OBJECTIVES[name]
