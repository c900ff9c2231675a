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
