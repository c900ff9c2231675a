"""What paired runs say: intervals of differences, and how many real pictures a generated one is worth (chapter 12)."""

import math

import numpy as np

from aigc_course.errors import CourseError, number, whole_number

__all__ = ["exchange_interval", "exchange_rate", "paired_interval", "t_quantile"]


def t_quantile(p, freedom):
    """Student's t: the value below which a share p lies. With t = √ν tan θ the density of θ goes as cos θ to ν - 1.

    Args:
        p: float in (0, 1).
        freedom: int, degrees ν.
    """
    p, freedom = number(p, "p", above=0, below=1), whole_number(freedom, "freedom")
    angle = np.linspace(-np.pi / 2, np.pi / 2, 20_001)
    density = np.cos(angle) ** (freedom - 1)
    below = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return float(math.sqrt(freedom) * np.tan(np.interp(p * below[-1], below, angle)))


def paired_interval(ours, theirs, level=0.95):
    """Mean of the differences of pairs, and its t interval (Student, 1908): (mean, low, high).

    Args:
        ours, theirs: floats (S,), one pair a seed, S >= 2.
        level: float in (0, 1).

    Raises:
        CourseError: other shapes, or fewer than two pairs.
    """
    ours, theirs = np.asarray(ours, float), np.asarray(theirs, float)
    if ours.ndim != 1 or ours.shape != theirs.shape or len(ours) < 2:
        raise CourseError(f"pairs must be two arrays (S,), S >= 2; received shapes {ours.shape} and {theirs.shape}.")
    level = number(level, "level", above=0, below=1)
    gaps = ours - theirs
    half = t_quantile((1 + level) / 2, len(gaps) - 1) * gaps.std(ddof=1) / math.sqrt(len(gaps))
    return float(gaps.mean()), float(gaps.mean() - half), float(gaps.mean() + half)


def exchange_rate(sizes, curve, accuracy, n, generated):
    """How many real labels a class one generated picture is worth: (n' - n) / generated.

    n' is where the curve of real labels alone reaches the accuracy, read along log n; beyond its ends, its end.

    Args:
        sizes: rising ints (K,), labels a class; n is one of them or lies between.
        curve: floats (K,), accuracy of the real arm there; it is made never to fall.
        accuracy: float, of the arm with generated pictures.
        n, generated: ints, labels and generated pictures a class of that arm.
    """
    sizes, curve = np.asarray(sizes, float), np.asarray(curve, float)
    if sizes.ndim != 1 or sizes.shape != curve.shape or len(sizes) < 2 or (np.diff(sizes) <= 0).any():
        raise CourseError(f"sizes must rise, with an accuracy each; received {sizes.tolist()}, shape {curve.shape}.")
    n, generated = number(n, "n", sizes[0], sizes[-1]), whole_number(generated, "generated")
    rising = np.maximum.accumulate(curve) + 1e-9 * np.arange(len(curve))  # np.interp wants it to rise
    return float((np.exp(np.interp(accuracy, rising, np.log(sizes))) - n) / generated)


def exchange_interval(sizes, curves, accuracies, n, generated, rng, draws=2000, level=0.95):
    """(rate of the means, low, high): `exchange_rate`, and its bootstrap interval over seeds (Efron, 1979).

    Args:
        curves: floats (S, K), the real arm of each seed; accuracies: floats (S,), the arm of the same seeds.
        rng: `numpy.random.Generator`.
    """
    curves, accuracies = np.asarray(curves, float), np.asarray(accuracies, float)
    if curves.ndim != 2 or accuracies.shape != curves.shape[:1]:
        raise CourseError(f"every seed needs a curve: received shapes {curves.shape} and {accuracies.shape}.")
    chosen = rng.integers(len(curves), size=(whole_number(draws, "draws"), len(curves)))
    rates = [exchange_rate(sizes, curves[some].mean(0), accuracies[some].mean(), n, generated) for some in chosen]
    low, high = np.quantile(rates, ((1 - level) / 2, (1 + level) / 2))
    return exchange_rate(sizes, curves.mean(0), accuracies.mean(), n, generated), float(low), float(high)
