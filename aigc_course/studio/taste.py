"""Taste (chapter 12): a preference model from likes and dislikes, what it proposes, and how far it can be trusted.

The model sees a network's view of the pictures (`Eyes`) and a few answers (`interview`, `fit_taste`), never what a
simulated user's taste is made of (`taste_users`); `best_of` and `climb` follow it further than the answers reach.
"""

import math
from typing import NamedTuple

import numpy as np

from aigc_course.errors import CourseError, number, whole_number
from aigc_course.studio.taste_users import sigmoid

__all__ = [
    "AGAINST",
    "CAUTION",
    "NEIGHBOURS",
    "PRECISION",
    "Eyes",
    "Taste",
    "ask_next",
    "best_of",
    "class_rates",
    "climb",
    "fit_taste",
    "interview",
    "kl_of_best",
    "nearness",
    "overoptimised",
    "predict",
]

PRECISION, CAUTION, NEIGHBOURS, AGAINST = 4.0, 1.0, 5, 0.5  # chosen with other users: `benchmarks/taste.py --tuning`


class Eyes:
    """What the model sees of a picture: the strongest directions of a network's features, each with spread 1, and a 1.

    Args:
        features: float (N, F), of many pictures, N > F.
        count: int, directions that are kept.
    """

    def __init__(self, features, count=8):
        features = np.asarray(features, float)
        if features.ndim != 2 or len(features) <= features.shape[1] or not np.isfinite(features).all():
            raise CourseError(f"features must be finite, (N, F) with N > F; received {features.shape}.")
        count = whole_number(count, "count", 1, features.shape[1])
        self.mean = features.mean(axis=0)
        ways, sizes, _ = np.linalg.svd(np.cov(features, rowvar=False))
        self.ways = ways[:, :count] / np.sqrt(np.maximum(sizes[:count], 1e-9))  # (F, count)

    def __call__(self, features):
        """(N, F) -> (N, count + 1), a column of ones in front."""
        seen = (np.asarray(features, float) - self.mean) @ self.ways
        return np.column_stack([np.ones(len(seen)), seen])

    def slope(self, taste):
        """The slope of a model's logit in the network's features: (F,)."""
        return self.ways @ taste.mean[1:]


class Taste(NamedTuple):
    """A Gaussian over the weights of a preference model: mean (d,), covariance (d, d)."""

    mean: np.ndarray
    covariance: np.ndarray


def fit_taste(x, answers, precision=PRECISION):
    """Bayesian logistic regression of likes on what is seen, by Laplace's approximation (MacKay, 1992).

    Args:
        x: float (N, d), the first column ones, as `Eyes` gives it.
        answers: (N,), 1 or True for a like, 0 or False for a dislike.
        precision: float, of the weights' Gaussian prior; the first weight, the base, has a hundredth of it.

    Returns:
        `Taste`.

    Raises:
        CourseError: other shapes, no answers, or other answers than 0 and 1.
    """
    x, answers = np.asarray(x, float), np.asarray(answers, float)
    if x.ndim != 2 or len(x) == 0 or answers.shape != (len(x),) or not np.isin(answers, (0, 1)).all():
        raise CourseError(f"x (N, d) needs N answers of 0 or 1; received {x.shape} and {answers.shape}.")
    prior = np.full(x.shape[1], number(precision, "precision", above=0))
    prior[0] /= 100
    mean = np.zeros(x.shape[1])
    for _ in range(50):  # Newton's steps, halved while they make it worse
        p = sigmoid(x @ mean)
        covariance = np.linalg.inv(x.T * (p * (1 - p)) @ x + np.diag(prior))
        step = covariance @ (x.T @ (answers - p) - prior * mean)
        mean, moved = _further(x, answers, prior, mean, step)
        if moved < 1e-8:
            break
    return Taste(mean, covariance)


def _further(x, answers, prior, mean, step):
    """(mean + step, length), the step halved until the log posterior does not fall."""

    def height(w):
        return answers @ (x @ w) - np.logaddexp(0, x @ w).sum() - 0.5 * prior @ w**2

    start = height(mean)
    while height(mean + step) < start - 1e-12 and np.abs(step).max() > 1e-9:
        step = step / 2
    return mean + step, np.abs(step).max()


def predict(taste, x, caution=0.0):
    """Probability of a like, (N,): the mean over the posterior by MacKay's approximation (1992).

    Args:
        taste: `Taste`.
        x: float (N, d).
        caution: float >= 0: so many standard deviations are taken off the logit first; 0 takes none off.
    """
    x, caution = np.asarray(x, float), number(caution, "caution", 0)
    variance = np.einsum("nd,de,ne->n", x, taste.covariance, x)
    logit = x @ taste.mean - caution * np.sqrt(variance)
    return sigmoid(logit / np.sqrt(1 + math.pi * variance / 8))


def ask_next(taste, x, count, rng):
    """Which of the pictures to ask about next, (count,) places in x: each the best of one draw of the weights.

    Thompson sampling (1933): it asks where a like is probable or where nothing is known yet, each as often as it may
    be the best.

    Args:
        taste: `Taste`.
        x: float (N, d), N >= count.
        count: int.
        rng: `numpy.random.Generator`.
    """
    count = whole_number(count, "count", 1, len(x))
    root, chosen = np.linalg.cholesky(taste.covariance), []
    for _ in range(count):
        scores = x @ (taste.mean + root @ rng.standard_normal(len(root)))
        scores[chosen] = -np.inf
        chosen.append(int(scores.argmax()))
    return np.array(chosen)


def interview(x, answer, rng, count=30, first=10, each=5, among=500, precision=PRECISION):
    """Asks about some pictures by chance, then about those that `ask_next` picks, a few at a time.

    Args:
        x: float (N, d), all pictures, in an order without meaning.
        answer: function of places in x (M,) that returns M answers, 0 or 1.
        rng: `numpy.random.Generator`.
        count, first, each: ints: questions in all, by chance, and between two fits.
        among: int, fresh pictures that each pick is made from.
        precision: float, see `fit_taste`.

    Returns:
        (places (count,), answers (count,), `Taste`).
    """
    count, first = whole_number(count, "count"), whole_number(first, "first")
    fresh = rng.permutation(len(x))
    shown, answers = fresh[: min(first, count)], None
    fresh, answers = fresh[len(shown) :], np.asarray(answer(shown), float)
    while len(shown) < count:
        some, fresh = fresh[:among], fresh[among:]
        few = whole_number(min(each, count - len(shown)), "each", 1, len(some), "Give interview more pictures.")
        picked = some[ask_next(fit_taste(x[shown], answers, precision), x[some], few, rng)]
        shown, answers = np.append(shown, picked), np.append(answers, answer(picked))
    return shown, answers, fit_taste(x[shown], answers, precision)


def nearness(x, shown, answers, k=NEIGHBOURS, against=AGAINST):
    """What a sceptic ranks by: minus the mean distance to the k nearest liked pictures, (N,); 0 where none was liked.

    Args:
        x, shown: float (N, d) and (M, d), candidates and pictures that were shown.
        answers: (M,), 1 or True for a like.
        k: int, of the liked, or all where there are fewer.
        against: float >= 0: so much of the same distance to the disliked ones is added.
    """
    x, shown, answers = np.asarray(x, float), np.asarray(shown, float), np.asarray(answers, bool)
    k, against = whole_number(k, "k", 1), number(against, "against", 0)
    found = np.zeros(len(x))
    for chosen, weight in ((shown[answers], -1.0), (shown[~answers], against)):
        if len(chosen) and answers.any():
            away = np.sqrt(np.square(x[:, None] - chosen[None]).sum(axis=2))
            found += weight * np.sort(away, axis=1)[:, :k].mean(axis=1)
    return found


def class_rates(labels, shown, answers, base=0.15, weight=2.0):
    """What counting alone says: the share of likes in each picture's class, (N,).

    Args:
        labels, shown: ints (N,) and (M,), classes of the candidates and of the pictures that were shown.
        answers: (M,), 1 or True for a like.
        base, weight: a class begins as if `weight` pictures of it had been shown and a share `base` liked.
    """
    labels, shown, answers = np.asarray(labels), np.asarray(shown), np.asarray(answers, float)
    same = labels[:, None] == shown  # (N, M)
    return (same @ answers + base * weight) / (same.sum(axis=1) + weight)


# --- further than the answers reach -------------------------------------------------------------------------


def kl_of_best(n, among=None):
    """KL(best of n ‖ one draw) in nats, for scores without ties: log n - (n - 1) / n (Gao et al., 2022).

    That is for n draws with replacement. among: int N, n different ones of N pictures; then it is log N + Σ s log s
    over the shares s of all choices, log N at n = N. n: numbers of 1 or more, (K,) or one.
    """
    n = np.asarray(n, float)
    if n.size == 0 or not (np.isfinite(n).all() and n.min() >= 1):
        raise CourseError(f"n must be 1 or more; received {n!r:.60}.")
    if among is None:
        return np.log(n) - (n - 1) / n
    shares = [_shares(whole_number(int(one), "n", 1, among), among) for one in n.ravel()]
    found = [max(0.0, np.log(among) + s @ np.log(np.maximum(s, 1e-300))) for s in shares]  # rounding: never below 0
    return np.reshape(found, n.shape)


def _shares(n, count):
    """Of all choices of n from `count`, the share in which the picture of rank n, …, count (from below) is the best."""
    rank = np.arange(n, count + 1)
    # C(r, n - 1) / C(r - 1, n - 1) = r / (r - n + 1): logarithms of the shares, one from the other
    log_shares = np.concatenate([[0.0], np.cumsum(np.log(rank[:-1] / (rank[:-1] - n + 1)))])
    shares = np.exp(log_shares - log_shares.max())
    return shares / shares.sum()


def best_of(scores, values, counts):
    """The mean value of the best-scored of n pictures, over all choices of n from the N, for each n: (K,).

    Of all choices, the picture of rank r from below (1 to N) is the best in a share C(r - 1, n - 1) / C(N, n).

    Args:
        scores, values: float (N,): what chooses, and what is received.
        counts: ints (K,), each n from 1 to N.
    """
    scores, values = np.asarray(scores, float), np.asarray(values, float)
    if scores.ndim != 1 or scores.shape != values.shape or len(scores) == 0:
        raise CourseError(f"scores and values must be (N,); received {scores.shape} and {values.shape}.")
    ranked, found = values[np.argsort(scores, kind="stable")], []
    for n in counts:
        whole_number(n, "n", 1, len(scores), "So many were scored.")
        found.append(_shares(n, len(scores)) @ ranked[n - 1 :])
    return np.array(found)


def overoptimised(kl, gain):
    """(α, β) of gain = d (α - β d), d = √KL: Gao, Schulman & Hilton's form for best of n, by least squares.

    Args:
        kl, gain: float (N,), N > 1: nats, and what is received more than at KL 0.

    Returns:
        (α, β); for β > 0 the gain is largest at d = α / 2β.
    """
    d, gain = np.sqrt(np.asarray(kl, float)), np.asarray(gain, float)
    if d.ndim != 1 or d.shape != gain.shape or len(d) < 2:
        raise CourseError(f"kl and gain must be (N,), N > 1; received {d.shape} and {gain.shape}.")
    alpha, beta = np.linalg.lstsq(np.column_stack([d, -(d**2)]), gain, rcond=None)[0]
    return float(alpha), float(beta)


def climb(generator, judge, slopes, z, labels, steps=60, rate=0.1, each=None):
    """Moves each z up a predicted liking, step by step along the normed slope: to pictures that nobody would draw.

    Args:
        generator: ([z, shares]) -> images.
        judge: `scores.FashionJudge`, whose features the model sees.
        slopes: float (N, F), of each picture's logit in those features (`Eyes.slope`).
        z, labels: float (N, noise) and int (N,), where each begins.
        steps: int. rate: float, length of each step.
        each: function of (step, z, images), called before each step and at the end.

    Returns:
        z (N, noise), moved.
    """
    import tensorflow as tf

    steps, rate = whole_number(steps, "steps", 0), number(rate, "rate", above=0)
    shares = tf.one_hot(labels, int(generator.inputs[1].shape[-1]))
    slopes = tf.constant(slopes, tf.float32)

    @tf.function
    def up(z):
        with tf.GradientTape() as tape:
            tape.watch(z)
            images = generator([z, shares], training=False)
            logits = tf.reduce_sum(judge.network(images, training=False)[0] * slopes)
        return z + rate * tf.math.l2_normalize(tape.gradient(logits, z), axis=1), images

    z = tf.constant(z, tf.float32)
    for step in range(steps + 1):
        further, images = up(z)
        if each:
            each(step, z.numpy(), images.numpy())
        z = further if step < steps else z
    return z.numpy()
