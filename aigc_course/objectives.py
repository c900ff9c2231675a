"""Adversarial objectives and penalties: what the discriminator and the generator each minimise (chapters 02, 06)."""

from typing import NamedTuple

import tensorflow as tf

from aigc_course.errors import CourseError, one_of

__all__ = [
    "OBJECTIVES",
    "Objective",
    "clip_weights",
    "critic_generator_loss",
    "critic_loss",
    "discriminator_loss",
    "get",
    "gradient_penalty",
    "minimax_generator_loss",
    "non_saturating_generator_loss",
    "pack",
    "r1_penalty",
    "relativistic_discriminator_loss",
    "relativistic_generator_loss",
    "smoothed_discriminator_loss",
    "with_r1",
]


class Objective(NamedTuple):
    """A pair of losses, each a function (real_logits, fake_logits) -> scalar tensor, to be minimised.

    paired: the generator's loss depends on the real logits too, which must then come from the same discriminator.
    """

    name: str
    d_loss: callable
    g_loss: callable
    paired: bool = False


def _softplus(x):
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
    return tf.reduce_mean(_softplus(-real_logits)) + tf.reduce_mean(_softplus(fake_logits))


def minimax_generator_loss(real_logits, fake_logits):
    """E[log(1 - D(G(z)))], the generator's share of the value. Its slope vanishes where D is sure: it saturates."""
    return -tf.reduce_mean(_softplus(fake_logits))


def non_saturating_generator_loss(real_logits, fake_logits):
    """-E[log D(G(z))] (Goodfellow et al., 2014, section 3): same fixed point, strong slope where D is sure."""
    return tf.reduce_mean(_softplus(-fake_logits))


def smoothed_discriminator_loss(real_logits, fake_logits, smooth=0.1):
    """The discriminator's loss with 1 - smooth instead of 1 as the label of real images (Salimans et al., 2016).

    Only real labels are smoothed: smoothed fakes would reward the generator for staying where it is. The best logit is
    log((1 - smooth) p_data / (p_g + smooth p_data)): it cannot grow above log((1 - smooth) / smooth).
    """
    real = (1.0 - smooth) * _softplus(-real_logits) + smooth * _softplus(real_logits)
    return tf.reduce_mean(real) + tf.reduce_mean(_softplus(fake_logits))


def critic_loss(real_scores, fake_scores):
    """E[f(G(z))] - E[f(x)] (Arjovsky et al., 2017). With a 1-Lipschitz critic its negative is at most the Wasserstein-1
    distance, in units of x; without that bound it has no minimum."""
    return tf.reduce_mean(fake_scores) - tf.reduce_mean(real_scores)


def critic_generator_loss(real_scores, fake_scores):
    """-E[f(G(z))] (Arjovsky et al., 2017)."""
    return -tf.reduce_mean(fake_scores)


def relativistic_discriminator_loss(real_logits, fake_logits):
    """-E[log sigmoid(D(x) - D(G(z)))]: each real image against the fake beside it (relativistic pairing, RpGAN:
    Jolicoeur-Martineau, 2019; with R1 and R2 the R3GAN of Huang et al., 2024, arXiv 2501.05441).

    Only differences count: adding one number to all logits changes nothing. Equal logits give log 2.
    """
    return tf.reduce_mean(_softplus(fake_logits - real_logits))


def relativistic_generator_loss(real_logits, fake_logits):
    """-E[log sigmoid(D(G(z)) - D(x))], the same pairs with the players' places exchanged."""
    return tf.reduce_mean(_softplus(real_logits - fake_logits))


def _slopes_squared(discriminator, x, batch_axes=1):
    """(logits, squared length of d logit / d x for each sample). Each logit may depend on its own sample only."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = discriminator(x)
        total = tf.reduce_sum(logits)
    slopes = tape.gradient(total, x)
    return logits, tf.reduce_sum(tf.square(slopes), axis=list(range(batch_axes, len(x.shape))))


def r1_penalty(discriminator, real_images, batch_axes=1):
    """Half the mean squared slope of the logits at the real images (R1 of Mescheder et al., 2018, eq. 9, gamma = 1).

    Where real and generated images agree the best discriminator is flat; the penalty keeps it from being steep there,
    and the game from circling around its solution (chapter 02, Dirac-GAN). At generated images it is called R2.

    Args:
        discriminator: function of images (B, H, W, C), or points (B, 2), -> logits (B, 1).
        real_images: float tensor, what the discriminator takes.
        batch_axes: int, how many leading axes count samples; 2 for (seeds, B, 2).

    Returns:
        (logits (B, 1), penalty): the logits, so that they need not be computed twice, and a scalar tensor in logits²
        per unit² of image.
    """
    logits, squared = _slopes_squared(discriminator, real_images, batch_axes)
    return logits, 0.5 * tf.reduce_mean(squared)


def with_r1(discriminator, images, weight, batch_axes=1):
    """(logits, weight times `r1_penalty`). The number 0 as weight saves the second derivative."""
    if isinstance(weight, (int, float)) and weight == 0:
        return discriminator(images), 0.0
    logits, penalty = r1_penalty(discriminator, images, batch_axes)
    return logits, weight * penalty


def gradient_penalty(critic, real_images, fake_images, batch_axes=1, share=None):
    """E[(|d f / d x| - 1)²] at points drawn evenly between a real and a generated image (WGAN-GP, Gulrajani et al.,
    2017, eq. 3; the paper's weight is 10).

    The length's own slope is 0, not NaN, where the critic is flat.

    Args:
        critic: function of images (B, H, W, C), or points (B, 2), -> scores (B, 1).
        real_images, fake_images: float tensors of one shape.
        batch_axes: int, how many leading axes count samples; 2 for (seeds, B, 2).
        share: float tensor (B, 1, …) in [0, 1], where between the two; None draws anew, uniformly.

    Returns:
        Scalar tensor, in (score per unit of image - 1)².
    """
    shape = tf.concat([tf.shape(real_images)[:batch_axes], [1] * (len(real_images.shape) - batch_axes)], 0)
    if share is None:  # uniform, one number for each pair: eps of algorithm 1
        share = tf.random.uniform(shape, dtype=real_images.dtype)
    _, squared = _slopes_squared(critic, share * real_images + (1.0 - share) * fake_images, batch_axes)
    length = tf.sqrt(tf.maximum(squared, 1e-20))  # below it the maximum passes no gradient: no 0 / 0
    return tf.reduce_mean(tf.square(length - 1.0))


def clip_weights(critic, limit=0.01):
    """Cuts every trainable weight to [-limit, limit] (Arjovsky et al., 2017): a bound on the critic's slope, a crude
    one. Returns nothing; the weights are changed."""
    for weight in critic.trainable_variables:
        weight.assign(tf.clip_by_value(weight, -limit, limit))


def pack(x, m, batch_axes=1):
    """m samples side by side as one (PacGAN, Lin et al., 2018): a discriminator that sees several at once can see that
    they are too much alike. Images (B, H, W, C) -> (B / m, H, W, m C); points (B, 2) -> (B / m, 2 m).

    Raises:
        CourseError: the batch does not split into groups of m.
    """
    shape, place = x.shape.as_list(), batch_axes - 1  # place: the axis of the samples
    if m < 1 or shape[place] % m:
        raise CourseError(f"the batch must split into groups of {m}; received {shape[place]} samples. Try {8 * m}.")
    lead, rest = shape[:place], shape[batch_axes:]
    grouped = tf.reshape(x, [*lead, shape[place] // m, m, *rest])  # (…, B / m, m, H, W, C)
    order = list(range(len(grouped.shape)))
    order.insert(-1, order.pop(batch_axes))  # m beside the channels
    return tf.reshape(tf.transpose(grouped, order), [*lead, shape[place] // m, *rest[:-1], m * rest[-1]])


OBJECTIVES = {
    "non_saturating": Objective("non_saturating", discriminator_loss, non_saturating_generator_loss),
    "minimax": Objective("minimax", discriminator_loss, minimax_generator_loss),
    "smoothed": Objective("smoothed", smoothed_discriminator_loss, non_saturating_generator_loss),
    "wasserstein": Objective("wasserstein", critic_loss, critic_generator_loss),
    "relativistic": Objective(
        "relativistic", relativistic_discriminator_loss, relativistic_generator_loss, paired=True
    ),
}


def get(name):
    """The objective of that name.

    Args:
        name: str, one of `OBJECTIVES`, or an `Objective`, which is returned as it is.

    Raises:
        CourseError: there is no such objective.
    """
    return name if isinstance(name, Objective) else one_of(name, OBJECTIVES, "objective")
