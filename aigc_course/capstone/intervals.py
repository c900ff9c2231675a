"""How far a reported number moves: of repeated draws, of shares, of a few seeds. NumPy alone is needed."""

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from aigc_course.errors import CourseError, number, whole_number

__all__ = ["Interval", "difference", "of_mean", "of_repeats", "t_quantile", "wilson"]


class Interval(NamedTuple):
    """A value and the two ends of its 95 % interval (or of another level that was asked for)."""

    value: float
    low: float
    high: float

    def holds(self, other):
        """Whether another number lies inside; a billionth of the value is forgiven, for rounding."""
        slack = 1e-9 * max(1.0, abs(self.value))
        return bool(self.low - slack <= other <= self.high + slack)


def t_quantile(p, freedom):
    """The quantile of Student's t ("Student", 1908), by bisection on the density summed up with Simpson's rule.

    Args:
        p: float, between 0.5 and 1.
        freedom: int, degrees of freedom: the number of values less one.

    Returns:
        float; 12.706 for p = 0.975 and one degree of freedom, 1.96 for very many.
    """
    p = number(p, "p", low=0.5, below=1.0)
    freedom = whole_number(freedom, "freedom")
    angle = np.linspace(0.0, 1.0, 2001)  # t = √freedom · tan(angle): the long tail becomes short
    low, high = 0.0, math.pi / 2
    whole = _under(math.pi / 2, freedom, angle)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if 0.5 + 0.5 * _under(middle, freedom, angle) / whole < p else (low, middle)
    return math.sqrt(freedom) * math.tan((low + high) / 2)


def _under(end, freedom, unit):
    """The integral of cos(a)^(freedom - 1) from 0 to `end`: t's density in the angle, without its constant."""
    height = np.cos(end * unit).clip(0.0) ** (freedom - 1)
    return end * (height[0] + height[-1] + 4 * height[1:-1:2].sum() + 2 * height[2:-1:2].sum()) / 6000


def of_mean(values, level=0.95):
    """The mean of a few independent values (one a training seed) and where the true mean lies: mean ± t s / √k.

    Args:
        values: array (K,) of at least two numbers.
        level: float, of the interval.

    Returns:
        `Interval`.
    """
    values = _checked(values, "values")
    reach = t_quantile(0.5 + level / 2, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values))
    return Interval(float(values.mean()), float(values.mean() - reach), float(values.mean() + reach))


def of_repeats(values, level=0.95):
    """The mean of K draws and where the mean of K *other* draws falls: mean ± t s √(2 / K). What a check compares with.

    Both means are uncertain, hence the 2. The interval speaks of drawing again, not of training again.

    Args:
        values: array (K,) of at least two numbers.
        level: float, of the interval.

    Returns:
        `Interval`.
    """
    values = _checked(values, "values")
    reach = t_quantile(0.5 + level / 2, len(values) - 1) * values.std(ddof=1) * math.sqrt(2 / len(values))
    return Interval(float(values.mean()), float(values.mean() - reach), float(values.mean() + reach))


def wilson(right, n, level=0.95):
    """A share `right` of `n` and its score interval (Wilson, 1927): it stays within 0 and 1 where ± does not.

    Args:
        right: int, how many were right.
        n: int, how many there were.
        level: float, of the interval.

    Returns:
        `Interval`.
    """
    n = whole_number(n, "n")
    right = whole_number(right, "right", low=0, high=n)
    z, share = NormalDist().inv_cdf(0.5 + level / 2), right / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    low, high = middle - reach, middle + reach
    return Interval(share, low if right else 0.0, high if right < n else 1.0)  # rounding would leave 1e-17


def difference(first, second, level=0.95):
    """first - second for values that belong in pairs (the same seed): the mean difference and its interval.

    Args:
        first, second: arrays (K,), value k of both from seed k.
        level: float, of the interval.

    Returns:
        `Interval`; where it holds 0 there is no winner.
    """
    first, second = _checked(first, "first"), _checked(second, "second")
    if len(first) != len(second):
        raise CourseError(f"pairs need as many of both; received {len(first)} and {len(second)}. Match them by seed.")
    return of_mean(first - second, level)


def _checked(values, what):
    """An array of at least two finite numbers."""
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        raise CourseError(
            f"{what} must be at least two finite numbers in one row; received shape {values.shape}. "
            "One run has no spread: run a second seed."
        )
    return values
