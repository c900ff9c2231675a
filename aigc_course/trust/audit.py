"""An audit in one run: canaries in or out by a coin, guesses from what was trained, a lower bound of epsilon.

Steinke, Nasr & Jagielski (2023, arXiv 2305.08846). An accountant says what an algorithm promises; an audit measures
what a program does. The two disagree where the program is not the algorithm.
"""

import math
from typing import NamedTuple

import numpy as np

from aigc_course.errors import CourseError, number, whole_number
from aigc_course.trust.private import softmax

__all__ = ["Canaries", "CanaryWatch", "audit", "canaries", "epsilon_bound", "guess", "p_value"]


class Canaries(NamedTuple):
    """Examples made to be recognised.

    Attributes:
        rows: float32 array (M, D), features.
        labels: int array (M,).
        inside: bool array (M,), the coins: which ones are trained on.
    """

    rows: np.ndarray
    labels: np.ndarray
    inside: np.ndarray


def canaries(count, known, classes=10, seed=7):
    """Rows that point where no known example does, nor any other canary, each with a random label.

    An auditor may know all of the data but the coins, and choose the worst of examples: directions that nobody else
    uses show best whether they were pushed.

    Args:
        count: int, M.
        known: float array (K, D), examples that the canaries are orthogonal to; K + M at most D. A sample of the data
            does: rows of one kind share most directions.
        classes: int.
        seed: int; rows, labels and coins depend on it and on the known rows alone.

    Returns:
        `Canaries`; rows as long as the known ones are in the median.

    Raises:
        CourseError: more rows than directions.
    """
    known, count = np.asarray(known, np.float32), whole_number(count, "count")
    if known.ndim != 2 or not len(known) or len(known) + count > known.shape[1]:
        raise CourseError(f"known must be (K, D) with K + {count} at most D; received {known.shape}. Take fewer rows.")
    rng = np.random.default_rng(whole_number(seed, "seed", 0))
    fresh = rng.standard_normal((known.shape[1], count), dtype=np.float32)
    directions = np.linalg.qr(np.concatenate([known.T, fresh], axis=1))[0][:, len(known) :]  # (D, M)
    rows = np.ascontiguousarray(directions.T) * np.median(np.linalg.norm(known, axis=1))
    return Canaries(rows, rng.integers(whole_number(classes, "classes", 2), size=count), rng.random(count) < 0.5)


class CanaryWatch:
    """Scores canaries while a training runs, by all that its steps release: an auditor may see every iterate.

    A canary that is inside pushes the weights along its own gradient whenever it is drawn. So each step is measured
    along the direction of each canary's gradient at that step's weights, and the lengths are added up (times |x|,
    which all canaries share).

    Args:
        marks: `Canaries`.

    Attributes:
        scores: float array (M,), high where a canary seems to be inside.
    """

    def __init__(self, marks):
        self.marks, self.scores = marks, np.zeros(len(marks.rows))

    def __call__(self, weights, released):
        """Takes note of a step: weights (D, C) before it, the noisy gradient (D, C) that it released."""
        errors = softmax(self.marks.rows @ weights)
        errors[np.arange(len(errors)), self.marks.labels] -= 1  # p - y, (M, C); a gradient is a row ⊗ this
        along = np.einsum("mc,mc->m", self.marks.rows @ released, errors)
        self.scores += along / np.maximum(np.linalg.norm(errors, axis=1), 1e-12)


def guess(scores, inside, guesses):
    """Guesses "in" for the highest scores, "out" for the lowest, half of the guesses each; says nothing of the rest.

    Args:
        scores: float array (M,).
        inside: bool array (M,), the coins.
        guesses: int from 2 to M.

    Returns:
        (guesses made, right ones).
    """
    half = whole_number(guesses, "guesses", 2, len(scores)) // 2
    order = np.argsort(scores, kind="stable")
    return 2 * half, int((~inside[order[:half]]).sum() + inside[order[-half:]].sum())


def p_value(epsilon, canaries, guesses, correct, delta=0.0):
    """The chance, at most, of so many right guesses under (epsilon, delta)-privacy (their theorem 5.2).

    Under pure epsilon each guess is right with chance e^epsilon / (1 + e^epsilon) at most, whatever the others are; a
    delta adds 2 M delta · max over i of P[correct - i <= W < correct] / i.

    Args:
        epsilon: float, at least 0.
        canaries: int, M.
        guesses: int from 1 to M.
        correct: int from 0 to guesses.
        delta: float in [0, 1].

    Returns:
        float in [0, 1].
    """
    canaries = whole_number(canaries, "canaries")
    guesses = whole_number(guesses, "guesses", 1, canaries)
    correct = whole_number(correct, "correct", 0, guesses)
    epsilon, delta = number(epsilon, "epsilon", 0), number(delta, "delta", 0, 1)
    mass = _binomial(guesses, epsilon)
    below = np.cumsum(mass[:correct][::-1]) / np.arange(1, correct + 1) if correct else np.zeros(1)
    return float(min(1.0, mass[correct:].sum() + 2 * canaries * delta * below.max()))


def _binomial(count, epsilon):
    """P[W = k], k from 0 to count, of a binomial W with chance e^epsilon / (1 + e^epsilon)."""
    k = np.arange(count + 1)
    ways = np.array([math.lgamma(i + 1) for i in range(count + 1)])
    miss = np.logaddexp(0.0, epsilon)  # -log of the chance to be wrong
    return np.exp(ways[count] - ways - ways[::-1] + k * (epsilon - miss) - (count - k) * miss)


def epsilon_bound(canaries, guesses, correct, delta=1e-5, confidence=0.95):
    """The largest epsilon that so many right guesses rule out: a lower bound, wrong in 1 - confidence of the runs.

    Args:
        canaries: int, M, those about which no guess was made among them.
        guesses: int from 1 to M; it is fixed before the coins are seen.
        correct: int from 0 to guesses.
        delta: float in [0, 1).
        confidence: float in (0, 1).

    Returns:
        float, 0 where nothing is ruled out.

    Raises:
        CourseError: a value outside.
    """
    level = 1 - number(confidence, "confidence", above=0, below=1)
    if p_value(0.0, canaries, guesses, correct, delta) > level:
        return 0.0
    low, high = 0.0, 1.0
    while p_value(high, canaries, guesses, correct, delta) <= level:
        low, high = high, 2 * high
        if high > 64:
            raise CourseError("no epsilon explains these guesses: confidence must be below 1, delta above 0.")
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if p_value(middle, canaries, guesses, correct, delta) <= level else (low, middle)
    return low


def audit(scores, inside, tries=(100, 400), delta=1e-5, confidence=0.95):
    """The best bound of several numbers of guesses, all fixed beforehand; they share the risk among them (Bonferroni).

    Few guesses are right most often, many say more where all are right.

    Args:
        scores: float array (M,), high where a canary seems to have been trained on.
        inside: bool array (M,), the coins.
        tries: numbers of guesses.
        delta, confidence: as in `epsilon_bound`.

    Returns:
        (bound, guesses, right ones), of the try with the highest bound.

    Raises:
        CourseError: scores and coins of other shapes.
    """
    scores, inside = np.asarray(scores), np.asarray(inside)
    if scores.ndim != 1 or scores.shape != inside.shape or inside.dtype != bool:
        raise CourseError(f"scores and coins must be (M,), coins bool; received {scores.shape} and {inside.shape}.")
    each = 1 - (1 - number(confidence, "confidence", above=0, below=1)) / len(tries)
    found = [guess(scores, inside, guesses) for guesses in tries]
    return max((epsilon_bound(len(scores), made, right, delta, each), made, right) for made, right in found)
