"""What a preference teaches the decoder of chorales: DPO at the places where a parallel could come."""

import tensorflow as tf

from aigc_course import data, files
from aigc_course.errors import CourseError
from aigc_course.lmdg.bach.tokens import load_music_decoder

__all__ = ["change_of", "dpo_loss", "load_taught_decoder", "margins", "put_change"]


def margins(logits, pairs):
    """log p(better) - log p(worse) of two tokens for one place; what is common to both, the softmax's sum, cancels.

    Args:
        logits: float tensor (N, T, V): at [n, t] of the token at place t + 1.
        pairs: int tensor (M, 4): row, place, better token, worse token.

    Returns:
        float tensor (M,), in nats.
    """
    row, place, better, worse = tf.unstack(tf.convert_to_tensor(pairs), axis=1)
    chosen = [tf.gather_nd(logits, tf.stack([row, place - 1, token], 1)) for token in (better, worse)]
    return chosen[0] - chosen[1]


def dpo_loss(margin, reference_margin, beta):
    """-log sigmoid(beta (margin - margin of the reference)) of each pair (Rafailov et al., 2023, equation 7)."""
    return tf.nn.softplus(-beta * (margin - reference_margin))


def change_of(policy):
    """name -> array: the changes of low rank of a decoder made by `with_lora`."""
    found = {}
    for i, block in enumerate(policy.blocks):
        for name, layer in _projections(block):
            found |= {f"block_{i}/{name}/a": layer.a.numpy(), f"block_{i}/{name}/b": layer.b.numpy()}
    return found


def put_change(policy, change):
    """Sets the changes of low rank from `change_of`; the policy is made by `with_lora` with their rank."""
    for i, block in enumerate(policy.blocks):
        for name, layer in _projections(block):
            for part in ("a", "b"):
                variable, value = getattr(layer, part), change.get(f"block_{i}/{name}/{part}")
                if value is None or value.shape != tuple(variable.shape):
                    raise CourseError(f"block_{i}/{name}/{part} needs shape {tuple(variable.shape)}: another change.")
                variable.assign(value)


def _projections(block):
    """(name, layer) of every Dense layer of a block."""
    attention = block.attention
    return (("qkv", attention.qkv), ("out", attention.out), ("up", block.up), ("down", block.down))


def load_taught_decoder(path=None):
    """(decoder, facts): the shipped decoder with the shipped change of `music_taught.npz` merged in."""

    def build(header, change):
        policy = load_music_decoder()[0].with_lora(header["rank"])
        put_change(policy, change)
        return policy.copy(), header["facts"]

    return files.load_network(path or data.asset("music_taught.npz"), build, "a taught decoder")
