"""What a frozen decoder knows: its states as features, and readers that a few labels choose by themselves (chapter 09).

A linear probe (Alain & Bengio, 2017; for a model of pictures as tokens iGPT, Chen et al., 2020) trains nothing but the
reader, so no step counts blur the comparison.
"""

import numpy as np
import tensorflow as tf

from aigc_course.errors import CourseError
from aigc_course.lmdg.core.transformer import graph_of
from aigc_course.lmdg.words.rows import SIZES, TEXT, rows_of

__all__ = ["DECAYS", "WIDTHS", "averaged", "block_states", "kernel_ridge", "rbf", "read_with", "squares"]

DECAYS = 10.0 ** np.arange(-6, 2.1, 0.5)  # of ridge, times the mean eigenvalue of the kernel
WIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)  # of the RBF kernel: gamma times the mean squared distance


def block_states(decoder, vocabulary, kind, numbers, batch_size=250):
    """What each block of a decoder says of each code: float16 (depth + 1, N, n, width); first what enters the blocks.

    Args:
        decoder: `transformer.Decoder`.
        kind: "image" or "speech".
        numbers: int array (N, n), codes; they stand behind an empty caption, as in pre-training.
    """
    tokens = rows_of(vocabulary, kind, numbers)[:, : TEXT + 1 + SIZES[kind]]
    parts = [graph_of(decoder, _states)(tokens[i : i + batch_size]) for i in range(0, len(tokens), batch_size)]
    return np.concatenate([part.numpy() for part in parts], axis=1)


def _states(decoder, tokens):
    """(depth + 1, B, n, width) in half precision, the places of the caption and the mark left out."""
    x = decoder.tokens(tokens) + decoder.places(tf.range(tf.shape(tokens)[1]))
    found = [x]
    for block in decoder.blocks:
        x = block(x, training=False)
        found.append(x)
    return tf.cast(tf.stack(found), tf.float16)[:, :, TEXT + 1 :]


def averaged(states):
    """States (depth + 1, N, n, width) -> features (N, (depth + 1) · width): each block's mean over the codes, and the
    last block's state at the last code. What enters the blocks is left out."""
    parts = [*(block.mean(axis=1, dtype=np.float32) for block in states[1:]), states[-1][:, -1].astype(np.float32)]
    return np.concatenate(parts, axis=1)


def squares(a, b):
    """Squared distances of rows: a (N, F), b (M, F) -> (N, M)."""
    found = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.maximum(found, 0)


def rbf(distances, gamma):
    """exp(-gamma d²) of squared distances."""
    return np.exp(-gamma * distances)


def kernel_ridge(kernel, wanted, decays=DECAYS):
    """Ridge regression with an intercept; its decay is chosen by leave-one-out on these examples alone.

    With the centred kernel K, the hat matrix is H = 1/n + K (K + decay)⁻¹, and what a fit without example i says of it
    is off by (y - H y)_i / (1 - H_ii): n fits for one (PRESS, Allen, 1974). The decay with the smallest sum of their
    squares is taken.

    Args:
        kernel: float array (n, n); x xᵀ for a linear reader.
        wanted: float array (n, K), for example one-hot labels.
        decays: floats above 0, in mean eigenvalues.

    Returns:
        (press: float, predict: function of a kernel (M, n) -> (M, K)).
    """
    kernel, wanted = np.asarray(kernel, np.float64), np.asarray(wanted, np.float64)
    n = len(kernel)
    if kernel.shape != (n, n) or len(wanted) != n or n < 2:
        raise CourseError(f"a kernel (n, n) and n rows are needed; received {kernel.shape} and {wanted.shape}.")
    columns, mean = kernel.mean(axis=0), wanted.mean(axis=0)
    sizes, turn = np.linalg.eigh(kernel - columns - columns[:, None] + columns.mean())
    sizes, inside = np.maximum(sizes, 0), turn.T @ (wanted - mean)
    best = np.inf, None
    for decay in np.asarray(decays) * max(sizes.mean(), 1e-12):
        share = sizes / (sizes + decay)
        error = wanted - mean - turn @ (share[:, None] * inside)
        press = float(((error / (1 - 1 / n - turn**2 @ share)[:, None]) ** 2).sum())
        if press < best[0]:
            best = press, turn @ (inside / (sizes + decay)[:, None])

    def predict(other):
        centred = other - other.mean(axis=1, keepdims=True) - columns + columns.mean()
        return mean + centred @ best[1]

    return best[0], predict


def read_with(kind, train, labels, *others):
    """The digits that a reader, fitted to labelled features, sees in other features.

    Args:
        kind: "ridge" (linear), "RBF ridge" or "nearest".
        train: float array (n, F), labels: int array (n,).
        others: float arrays (M, F).

    Returns:
        a list of int arrays (M,).
    """
    if kind == "nearest":
        return [labels[squares(other, train).argmin(axis=1)] for other in others]
    wanted = np.eye(10)[labels]
    if kind == "ridge":
        _, predict = kernel_ridge(train @ train.T, wanted)
        return [predict(other @ train.T).argmax(axis=1) for other in others]
    distances = squares(train, train)
    gammas = np.array(WIDTHS) / distances.mean()
    fits = [(*kernel_ridge(rbf(distances, gamma), wanted), gamma) for gamma in gammas]
    _, predict, gamma = min(fits, key=lambda fit: fit[0])
    return [predict(rbf(squares(other, train), gamma)).argmax(axis=1) for other in others]
