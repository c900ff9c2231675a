"""Who is drawn how often, who is read how well: class shares, their test, a reader's table, what equal shares cost."""

import math

import numpy as np

from aigc_course.errors import CourseError, whole_number

__all__ = [
    "chi_square_tail",
    "confusion",
    "corrected_shares",
    "counts_of",
    "expected_readings",
    "fairness_table",
    "g_test",
    "rebalanced",
]


def counts_of(labels, classes=10):
    """How often each class occurs: int (classes,)."""
    return np.bincount(_labels(labels, classes, "labels"), minlength=classes)


def g_test(counts, shares):
    """Whether counts fit shares: Wilks' likelihood ratio, twice the log of the best likelihood over that of the shares.

    G = 2 sum O log(O / E) with E = n · shares; about chi-squared with K - 1 degrees of freedom when the shares are
    true and all E are 5 or more (Wilks, 1938).

    Args:
        counts: int (K,), K >= 2.
        shares: float (K,), above 0, of sum 1, and not made from these counts.

    Returns:
        (G, p): floats; p is the chance of so large a G if the shares are true.
    """
    counts, shares = np.asarray(counts, dtype=np.float64), np.asarray(shares, dtype=np.float64)
    if counts.ndim != 1 or len(counts) < 2 or counts.shape != shares.shape or not counts.min() >= 0 or not counts.sum():
        raise CourseError(f"counts and shares must be (K,), K >= 2; received {counts.shape} and {shares.shape}.")
    if not shares.min() > 0 or abs(shares.sum() - 1) > 1e-6:
        raise CourseError(f"shares must be above 0 with sum 1; received {shares.tolist()}. Divide counts by their sum.")
    seen = counts > 0  # 0 log 0 = 0
    g = float(max(0.0, 2 * np.sum(counts[seen] * np.log(counts[seen] / (counts.sum() * shares[seen])))))
    return g, chi_square_tail(g, len(counts) - 1)


def chi_square_tail(x, freedom):
    """The chance that a chi-squared number with so many degrees of freedom exceeds x: a float.

    By its recursion, Q(x, f) = Q(x, f - 2) + (x/2)^(f/2 - 1) e^(-x/2) / Gamma(f/2), from Q(x, 2) = e^(-x/2) or
    Q(x, 1) = erfc(sqrt(x/2)) on.
    """
    freedom, half = whole_number(freedom, "freedom", 1, 1000), max(0.0, float(x)) / 2
    if half == 0:
        return 1.0
    tail = math.erfc(math.sqrt(half)) if freedom % 2 else math.exp(-half)
    for f in range(4 - freedom % 2, freedom + 1, 2):
        tail += math.exp((f / 2 - 1) * math.log(half) - half - math.lgamma(f / 2))
    return min(1.0, tail)


# --- a reader that errs ---------------------------------------------------------------------------------------


def confusion(true, read, classes=10):
    """M[i, j]: the share of true class i that is read as j; float (classes, classes), rows of sum 1.

    Args:
        true, read: int (N,), of pictures that the reader did not learn from.
    """
    true, read = _labels(true, classes, "true"), _labels(read, classes, "read")
    if true.shape != read.shape:
        raise CourseError(f"true and read must have one length; received {len(true)} and {len(read)}.")
    found = np.bincount(classes * true + read, minlength=classes**2).reshape(classes, classes).astype(np.float64)
    if not found.sum(axis=1).all():
        raise CourseError(f"every class must occur; missing: {np.flatnonzero(found.sum(axis=1) == 0).tolist()}.")
    return found / found.sum(axis=1, keepdims=True)


def expected_readings(shares, matrix):
    """What the reader says of true shares p: p M, float (K,)."""
    return np.asarray(shares, dtype=np.float64) @ np.asarray(matrix, dtype=np.float64)


def corrected_shares(counts, matrix, rounds=200):
    """The true shares p under which the readings are likeliest: EM on counts of p M (Vardi & Lee, 1993).

    Args:
        counts: int (K,), readings.
        matrix: float (K, K), `confusion`.

    Returns:
        float (K,) of sum 1. It assumes that generated pictures are misread as real ones are; unclear ones are not.
    """
    counts, matrix = np.asarray(counts, dtype=np.float64), np.asarray(matrix, dtype=np.float64)
    if matrix.shape != (len(counts), len(counts)) or counts.sum() <= 0:
        raise CourseError(f"counts (K,) need a matrix (K, K); received {counts.shape} and {matrix.shape}.")
    p = np.full(len(counts), 1 / len(counts))
    for _ in range(whole_number(rounds, "rounds")):
        said = p @ matrix
        p = p * (matrix @ np.divide(counts, said, out=np.zeros_like(said), where=said > 0)) / counts.sum()
    return p


# --- what it means for those who are read ---------------------------------------------------------------------


def fairness_table(true, read, classes=10):
    """How well each class is read, by fairlearn's `MetricFrame` (Bird et al., 2020).

    Args:
        true, read: int (N,), what test pictures are and what a classifier says.

    Returns:
        dict: accuracy, of all; false_negative_rate, a list of `classes`; difference, the largest rate less the
        smallest; worst, the class with the largest.

    Raises:
        CourseError: fairlearn is missing.
    """
    true, read = _labels(true, classes, "true"), _labels(read, classes, "read")
    try:
        from fairlearn.metrics import MetricFrame
    except ImportError as error:
        raise CourseError("this needs fairlearn: pip install -e '.[trust]'.") from error

    def missed(y_true, y_pred):
        return float((np.asarray(y_true) != np.asarray(y_pred)).mean())

    frame = MetricFrame(metrics=missed, y_true=true, y_pred=read, sensitive_features=true)
    return {
        "accuracy": 1 - float(frame.overall),
        "false_negative_rate": [float(frame.by_group.get(k, math.nan)) for k in range(classes)],
        "difference": float(frame.difference(method="between_groups")),
        "worst": int(frame.by_group.idxmax()),
    }


def rebalanced(labels, rng, classes=10):
    """Places of as many pictures of each class as the rarest has: rejection to equal shares.

    Args:
        labels: int (N,), as read.
        rng: NumPy generator; which ones are thrown away is drawn.

    Returns:
        int array (classes · m,), in rising order.

    Raises:
        CourseError: a class does not occur; no rejection brings it back.
    """
    labels = _labels(labels, classes, "labels")
    counts = np.bincount(labels, minlength=classes)
    if not counts.all():
        raise CourseError(f"class {int(counts.argmin())} does not occur: rejection cannot bring it back. Draw more.")
    own = [rng.permutation(np.flatnonzero(labels == k))[: counts.min()] for k in range(classes)]
    return np.sort(np.concatenate(own))


def _labels(labels, classes, name):
    """int (N,) from 0 to classes - 1, or CourseError."""
    labels = np.asarray(labels)
    whole_number(classes, "classes", 2)
    if labels.ndim != 1 or not labels.size or labels.dtype.kind not in "iu" or not 0 <= labels.min() <= labels.max():
        raise CourseError(f"{name} must be integers (N,) from 0, N >= 1; received {labels.dtype}, {labels.shape}.")
    if labels.max() >= classes:
        raise CourseError(f"{name} must be below {classes}; received {int(labels.max())}.")
    return labels.astype(np.int64)
