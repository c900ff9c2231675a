"""Learning from preferences: ln p of a whole answer, DPO's loss, and how little KL a reward must cost."""

import numpy as np
import tensorflow as tf

from aigc_course import fast
from aigc_course.errors import CourseError, number
from aigc_course.lmdg.core.transformer import graph_of

__all__ = ["answer_logs", "dpo_loss", "least_kl", "logs_of", "pairs_from"]


def answer_logs(decoder, rows, training=False):
    """ln p of each row's answer given what stands before it: float tensor (B,).

    Args:
        decoder: `transformer.Decoder`.
        rows: int tensor (B, T), padded with 0; tokens below 0 are given, not scored: -t stands for token t.
        training: bool, dropout.
    """
    inputs, wanted = tf.abs(rows[:, :-1]), tf.maximum(rows[:, 1:], 0)
    each = -fast.token_cross_entropy(wanted, decoder(inputs, training=training))  # (B, T - 1)
    return tf.reduce_sum(each * tf.cast(wanted > 0, tf.float32), axis=1)


def logs_of(decoder, rows, batch_size=100):
    """`answer_logs` of many rows, a batch at a time: float array (N,)."""
    rows = np.asarray(rows, np.int32)
    parts = [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]
    return np.concatenate([graph_of(decoder, answer_logs)(tf.constant(part)).numpy() for part in parts])


def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta):
    """Direct preference optimisation (Rafailov et al., 2023): -log sigmoid(beta · (what the policy gained on both)).

    Args:
        chosen, rejected: ln p under the policy of the better and the worse answer to each prompt, (B,).
        reference_chosen, reference_rejected: the same under the frozen model that the policy started as.
        beta: float above 0, the price of a nat of KL.

    Returns:
        float tensor, the mean.
    """
    margin = (chosen - reference_chosen) - (rejected - reference_rejected)
    return tf.reduce_mean(tf.nn.softplus(-beta * margin))


def pairs_from(rewards):
    """(better, worse): places of a first answer with reward 1 and a first one with 0, where a prompt has both.

    Args:
        rewards: bool array (prompts, answers).

    Returns:
        two int arrays (pairs, 2): prompt and answer.
    """
    rewards = np.asarray(rewards, bool)
    if rewards.ndim != 2:
        raise CourseError(f"rewards must be (prompts, answers); received shape {rewards.shape}.")
    both = np.flatnonzero(rewards.any(axis=1) & ~rewards.all(axis=1))
    return tuple(np.stack([both, wins[both].argmax(axis=1)], axis=1) for wins in (rewards, ~rewards))


def least_kl(reward, start):
    """Nats of KL from the reference that a mean reward of 0-or-1 must cost at least: kl(reward ‖ start).

    Data processing: whoever looks at the reward alone can't tell the two models apart by more than they differ.

    Args:
        reward: float or array in [0, 1], the policy's mean reward.
        start: float in (0, 1), the reference's.
    """
    number(start, "start", above=0, below=1)
    p = np.asarray(reward, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(p > 0, p * np.log(p / start), 0) + np.where(p < 1, (1 - p) * np.log((1 - p) / (1 - start)), 0)
    return float(parts) if parts.ndim == 0 else parts
