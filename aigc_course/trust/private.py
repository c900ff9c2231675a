"""DP-SGD for a linear softmax layer: Poisson sampling, clipping example by example, noise, the mean of the iterates.

Abadi et al. (2016, arXiv 1607.00133), with exact gradient norms and without per-example arrays: the gradient of one
example is the outer product x ⊗ (p - y), so its length is |x| |p - y|.
"""

import time
from typing import NamedTuple

import numpy as np

from aigc_course.errors import CourseError, number, whole_number

__all__ = ["SETTLED", "Trained", "accuracy", "clipped_sum", "poisson_sample", "private_step", "softmax", "train"]

# by benchmarks/private.py --tune: trained on the first 50,000 digits, scored on the last 10,000 training digits
SETTLED = {"sampling_rate": 4096 / 60_000, "steps": 600, "clip": 0.1, "learning_rate": 80.0, "kept": 0.5}


class Trained(NamedTuple):
    """What a training gives.

    Attributes:
        weights: float32 array (D, classes), the mean of the iterates of the later part: the answer.
        last: float32 array (D, classes), the last iterate.
        drawn: int, examples in all batches together.
        seconds: float.
    """

    weights: np.ndarray
    last: np.ndarray
    drawn: int
    seconds: float


def softmax(logits):
    """Probabilities (N, C) of logits (N, C)."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    likely = np.exp(np.maximum(shifted, -60))  # numbers below 1e-38 would slow the products threefold
    return likely / likely.sum(axis=1, keepdims=True)


def poisson_sample(rng, count, sampling_rate):
    """A batch that each of `count` examples joins by a coin of its own: the accountant relies on it.

    Args:
        rng: `numpy.random.Generator`.
        count: int, examples.
        sampling_rate: float in (0, 1], each one's chance.

    Returns:
        int array, the places that were drawn, ascending.
    """
    rate = number(sampling_rate, "sampling_rate", 0, 1, above=0)
    return np.flatnonzero(rng.random(whole_number(count, "count"), dtype=np.float32) < rate)


def clipped_sum(rows, labels, weights, clip, lengths=None):
    """The sum of the examples' gradients of cross-entropy, each shortened to at most `clip`.

    Args:
        rows: float array (B, D).
        labels: int array (B,).
        weights: float array (D, C).
        clip: float above 0, in Euclid's norm of all D · C numbers; or None: nothing is shortened.
        lengths: float array (B,), the rows' |x| where they are known; else they are computed.

    Returns:
        float array (D, C): sum of x ⊗ (p - y) · min(1, clip / (|x| |p - y|)).

    Raises:
        CourseError: shapes that do not fit; a clip that is no positive number.
    """
    if rows.ndim != 2 or weights.ndim != 2 or rows.shape[1] != len(weights) or labels.shape != rows.shape[:1]:
        shapes = f"{rows.shape}, {labels.shape}, {weights.shape}"
        raise CourseError(f"rows, labels, weights must be (B, D), (B,), (D, C); received {shapes}.")
    errors = softmax(rows @ weights)  # (B, C)
    errors[np.arange(len(labels)), labels] -= 1
    if clip is not None:
        clip = number(clip, "clip", above=0)
        lengths = np.sqrt(np.einsum("bd,bd->b", rows, rows)) if lengths is None else lengths
        whole = lengths * np.linalg.norm(errors, axis=1)  # |g| of each example
        errors *= np.minimum(1, clip / np.maximum(whole, 1e-12))[:, None]
    return rows.T @ errors


def private_step(rng, total, clip, noise_multiplier, expected):
    """What a step may look at: the sum with noise, over the batch size that was *expected*.

    The actual size depends on who is in the data; dividing by it would tell.

    Args:
        rng: `numpy.random.Generator`.
        total: float array, a clipped sum.
        clip: float above 0, the most that one example adds to it.
        noise_multiplier: float, at least 0; the noise in each coordinate has deviation noise_multiplier · clip.
        expected: float above 0, sampling rate times number of examples.

    Returns:
        float array like total.
    """
    deviation = number(noise_multiplier, "noise_multiplier", 0) * number(clip, "clip", above=0)
    noise = rng.standard_normal(total.shape, dtype=np.float32) * np.float32(deviation)
    return (total + noise) / np.float32(number(expected, "expected", above=0))


def train(
    rows,
    labels,
    noise_multiplier,
    sampling_rate=SETTLED["sampling_rate"],
    steps=SETTLED["steps"],
    clip=SETTLED["clip"],
    learning_rate=SETTLED["learning_rate"],
    kept=SETTLED["kept"],
    seed=7,
    classes=10,
    forget_clipping=False,
    expected=None,
    seen=None,
    show=None,
):
    """Trains a linear softmax layer with DP-SGD, from weights of 0.

    Args:
        rows: float32 array (N, D), features that look at one example each (`features.features`).
        labels: int array (N,).
        noise_multiplier: float; `accounting.noise_for` finds it. 0: no privacy.
        sampling_rate, steps, clip: as in `poisson_sample` and `clipped_sum`.
        learning_rate: float above 0.
        kept: float in (0, 1], share of the steps, counted from the end, whose iterates are averaged. The mean costs no
            privacy, since the accountant counts every iterate as seen; it takes out most of the noise.
        seed: int.
        classes: int.
        forget_clipping: bool, the planted bug of chapter 13: gradients as long as they are, noise as if clipped.
        expected: float, what sums are divided by: a public number; sampling_rate · N by default.
        seen: called with (weights, released) in each step: what an auditor sees (`audit.CanaryWatch`), or None.
        show: called with (step, steps), or None.

    Returns:
        `Trained`.

    Raises:
        CourseError: labels or values outside.
    """
    rows, labels = np.asarray(rows, np.float32), np.asarray(labels)
    _check(rows, labels, classes)
    steps, kept = whole_number(steps, "steps"), number(kept, "kept", 0, 1, above=0)
    rate = np.float32(number(learning_rate, "learning_rate", above=0))
    rng, started = np.random.default_rng(whole_number(seed, "seed", 0)), time.perf_counter()
    weights = np.zeros((rows.shape[1], classes), np.float32)
    mean, first, drawn = np.zeros_like(weights), steps - max(1, round(kept * steps)), 0
    expected = sampling_rate * len(rows) if expected is None else expected
    lengths, clip_at = np.sqrt(np.einsum("nd,nd->n", rows, rows)), None if forget_clipping else clip
    gather = _gatherer(rows)
    for step in range(steps):
        chosen = poisson_sample(rng, len(rows), sampling_rate)
        total = clipped_sum(gather(chosen), labels[chosen], weights, clip_at, lengths[chosen])
        released = private_step(rng, total, clip, noise_multiplier, expected)
        if seen:
            seen(weights, released)
        weights -= rate * released
        drawn += len(chosen)
        if step >= first:
            mean += (weights - mean) / (step - first + 1)
        if show:
            show(step + 1, steps)
    return Trained(mean, weights, drawn, time.perf_counter() - started)


def _gatherer(rows):
    """chosen -> rows[chosen], always into the same memory: a new 65 MB a step would cost more than the arithmetic."""
    space = np.empty((0, rows.shape[1]), rows.dtype)

    def gather(chosen):
        nonlocal space
        if len(chosen) > len(space):
            space = np.empty((min(len(rows), len(chosen) + len(chosen) // 8), rows.shape[1]), rows.dtype)
        return np.take(rows, chosen, axis=0, out=space[: len(chosen)], mode="clip")  # mode "raise" would copy twice

    return gather


def _check(rows, labels, classes):
    """CourseError unless labels (N,) from 0 to classes - 1 go with rows (N, D)."""
    whole_number(classes, "classes", 2)
    if rows.ndim != 2 or labels.shape != rows.shape[:1] or not len(rows):
        raise CourseError(f"rows and labels must be (N, D) and (N,); received {rows.shape} and {labels.shape}.")
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= classes:
        raise CourseError(f"labels must be integers from 0 to {classes - 1}; received {np.unique(labels)[:12]}.")


def accuracy(weights, rows, labels):
    """Share of rows (N, D) whose largest logit, under weights (D, C), is that of their label (N,)."""
    return float(((rows @ weights).argmax(axis=1) == labels).mean())
