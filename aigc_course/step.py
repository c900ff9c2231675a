"""One adversarial step, for images (`gan`), points (`plane`) and many seeds side by side (`collapse`).

A step is two moves, `move_discriminator` and `move_generator`. `STEPS` has the three ways to make it on images: two
are these moves, one behind the other; in the fused one both players move at once, from one pass.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from aigc_course import objectives

__all__ = ["STEPS", "Players", "d_first", "fused", "move_discriminator", "move_generator", "two_step"]


def _as_it_is(loss):
    return loss


class Players(NamedTuple):
    """Both networks, their optimizers, and how they see and what they minimise.

    Attributes:
        generator, discriminator: Keras models.
        d_optimizer, g_optimizer: Keras optimizers, built.
        objective: `objectives.Objective`.
        logits: function of samples -> logits, by which the discriminator learns.
        g_logits: the same function as the generator meets it, for example without dropout; None: the same.
        d_scale, g_scale: functions of a loss -> what is differentiated: a replica's share, a scaled loss, a sum.
    """

    generator: Callable
    discriminator: Callable
    d_optimizer: object
    g_optimizer: object
    objective: objectives.Objective
    logits: Callable
    g_logits: Callable | None = None
    d_scale: Callable = _as_it_is
    g_scale: Callable = _as_it_is


def move_discriminator(players, real, fake, r1=0.0, r2=0.0, gradient_penalty=0.0, batch_axes=1, share=None):
    """The discriminator moves down its loss, penalties on its slope included; the generator stands still.

    Args:
        players: `Players`.
        real, fake: float tensors of one shape, samples as the discriminator sees them.
        r1, r2: weights of the slope penalty at real and at generated samples (`objectives.r1_penalty`); the number 0
            saves its second derivative.
        gradient_penalty: float, weight of `objectives.gradient_penalty`.
        batch_axes: int, how many leading axes count samples; 2 for (seeds, B, …).
        share: see `objectives.gradient_penalty`.

    Returns:
        (real_logits, fake_logits, loss, loss with its penalties), before the move.
    """
    with tf.GradientTape() as tape:
        real_logits, real_penalty = objectives.with_r1(players.logits, real, r1, batch_axes)
        fake_logits, fake_penalty = objectives.with_r1(players.logits, fake, r2, batch_axes)
        loss = players.objective.d_loss(real_logits, fake_logits)
        whole = loss + real_penalty + fake_penalty
        if gradient_penalty:
            between = objectives.gradient_penalty(players.logits, real, fake, batch_axes, share)
            whole += gradient_penalty * between
        scaled = players.d_scale(whole)
    weights = players.discriminator.trainable_variables
    players.d_optimizer.apply(tape.gradient(scaled, weights), weights)
    return real_logits, fake_logits, loss, whole


def move_generator(players, fake, g_tape, real_logits, real=None, see=_as_it_is):
    """The generator answers the discriminator as it is now.

    The chain rule in two parts: how the loss depends on the samples, then how they depend on the weights. So the
    generator's one forward pass, which `g_tape` has recorded, serves both players.

    Args:
        players: `Players`.
        fake: float tensor, made by the generator under `g_tape`.
        g_tape: `tf.GradientTape`.
        real_logits: those of the discriminator's move.
        real: samples as the discriminator sees them, for an objective that pairs real with fake; they are looked at
            again, for the discriminator has moved.
        see: function of samples -> what the discriminator sees.

    Returns:
        The loss before the move, a scalar tensor.
    """
    look = players.g_logits or players.logits
    with tf.GradientTape() as tape:
        tape.watch(fake)
        answer = look(see(fake))
        real_logits = look(real) if players.objective.paired else real_logits
        loss = players.objective.g_loss(real_logits, answer)
        scaled = players.g_scale(loss)
    slopes = tape.gradient(scaled, fake)
    weights = players.generator.trainable_variables
    players.g_optimizer.apply(g_tape.gradient(fake, weights, output_gradients=slopes), weights)
    return loss


def fused(players, real, noise):
    """Both gradients from one forward pass; the players move at the same time."""
    with tf.GradientTape() as d_tape, tf.GradientTape() as g_tape:
        fake = players.generator(noise(0), training=True)
        real_logits, fake_logits = players.logits(real), players.logits(fake)
        d_loss = players.d_scale(players.objective.d_loss(real_logits, fake_logits))
        g_loss = players.g_scale(players.objective.g_loss(real_logits, fake_logits))
    d_weights, g_weights = players.discriminator.trainable_variables, players.generator.trainable_variables
    d_gradients, g_gradients = d_tape.gradient(d_loss, d_weights), g_tape.gradient(g_loss, g_weights)
    players.d_optimizer.apply(d_gradients, d_weights)
    players.g_optimizer.apply(g_gradients, g_weights)
    return real_logits, fake_logits


def two_step(players, real, noise):
    """The discriminator moves; then the generator answers the new discriminator with new noise, as in textbooks."""
    fake = players.generator(noise(0), training=True)
    real_logits, fake_logits, _, _ = move_discriminator(players, real, fake)
    with tf.GradientTape() as g_tape:
        fake = players.generator(noise(1), training=True)
    move_generator(players, fake, g_tape, real_logits, real)
    return real_logits, fake_logits


def d_first(players, real, noise, r1=0.0, r2=0.0):
    """The discriminator moves; then the generator answers the new discriminator with the same images."""
    with tf.GradientTape() as g_tape:
        fake = players.generator(noise(0), training=True)
    real_logits, fake_logits, _, _ = move_discriminator(players, real, fake, r1, r2)
    move_generator(players, fake, g_tape, real_logits, real)
    return real_logits, fake_logits


# name -> function (players, real images, noise: function of a draw's number -> z), returns (real_logits, fake_logits)
STEPS = {"fused": fused, "two_step": two_step, "d_first": d_first}
