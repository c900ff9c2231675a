"""Users of known taste (chapter 12): what they like rests on properties measured on a picture's pixels."""

from typing import NamedTuple

import numpy as np

from aigc_course import data
from aigc_course.errors import CourseError, number, one_of, whole_number
from aigc_course.studio import steer

__all__ = ["KINDS", "PROPERTIES", "Users", "draw_users", "likings", "properties", "sigmoid"]

PROPERTIES = ("brightness", "width", "height", "symmetry", "texture")
KINDS = ("ideal", "more")  # the best lies at a point, or ever further on
_STEEP = 2.0  # standard deviation of a user's logits over the pictures
_CURVE = 0.5  # of "ideal": the loss one standard deviation away from the best, in logits before they are scaled


def sigmoid(x):
    """1 / (1 + exp(-x)), without overflow."""
    return 1 / (1 + np.exp(-np.clip(x, -60, 60)))


def properties(images):
    """What tastes rest on, from the pixels alone: float (N, 28, 28, 1) in [-1, 1] -> (N, 5), in the order PROPERTIES.

    Brightness is the mean ink (0 to 1), width and height are in pixels (`steer.extent`), symmetry is the share of ink
    that its mirror image has too, texture the mean step between neighbours over the mean ink.
    """
    ink = (data.check_scaled(images)[..., 0] + 1) / 2  # (N, 28, 28)
    whole = np.maximum(ink.mean(axis=(1, 2)), 1e-6)
    symmetry = np.minimum(ink, ink[:, :, ::-1]).mean(axis=(1, 2)) / whole
    steps = np.abs(np.diff(ink, axis=1)).mean(axis=(1, 2)) + np.abs(np.diff(ink, axis=2)).mean(axis=(1, 2))
    sizes = [steer.extent(images, axis) for axis in ("width", "height")]
    return np.column_stack([whole, *sizes, symmetry, steps / whole])


class Users(NamedTuple):
    """U tastes: a liking for each class (U, 10), a slope and an ideal for each property (U, 5), how much a distance
    from the ideal costs (U, 5), a base (U,); mean and spread (5,) put properties on one scale."""

    classes: np.ndarray
    slopes: np.ndarray
    ideals: np.ndarray
    costs: np.ndarray
    base: np.ndarray
    mean: np.ndarray
    spread: np.ndarray


def likings(users, measured, labels):
    """Probability that each user likes each picture: (U, N).

    The logit is base + class + slopes · s - sum of costs · (s - ideal)², with s the properties on one scale. A best
    point, and less on either side of it, is Coombs' unfolding (1950).

    Args:
        users: `Users`.
        measured: float (N, 5), from `properties`.
        labels: int (N,), classes.
    """
    s = (np.asarray(measured) - users.mean) / users.spread  # (N, 5)
    far = np.square(s[None] - users.ideals[:, None])  # (U, N, 5)
    logits = users.classes[:, labels] + users.slopes @ s.T - np.einsum("unk,uk->un", far, users.costs)
    return sigmoid(logits + users.base[:, None])


def draw_users(count, measured, labels, kind="ideal", seed=7, rates=(0.1, 0.2)):
    """Users whose logits spread by 2 over the given pictures, and who like a share of them drawn from `rates`.

    Args:
        count: int.
        measured, labels: `properties` (N, 5) and classes (N,) of many pictures.
        kind: str, one of KINDS: "ideal" (each property has a best value) or "more" (no limit).
        seed: int.
        rates: (low, high), of the share that a user likes.

    Returns:
        `Users`.
    """
    count, kind = whole_number(count, "count"), one_of(kind, dict(zip(KINDS, KINDS, strict=True)), "kind")
    low = number(rates[0], "rates[0]", above=0, below=1)
    high = number(rates[1], "rates[1]", low, below=1)
    measured, rng = np.asarray(measured, float), np.random.default_rng(seed)
    if measured.ndim != 2 or len(measured) < 2 or measured.shape[1] != len(PROPERTIES):
        raise CourseError(f"measured must be (N, {len(PROPERTIES)}), N > 1; received {measured.shape}.")
    width = (count, len(PROPERTIES))
    classes, drawn = rng.standard_normal((count, 10)), rng.standard_normal(width)
    none = np.zeros(width)
    slopes, ideals, costs = (drawn, none, none) if kind == "more" else (none, drawn, np.full(width, _CURVE))
    scale = measured.mean(axis=0), np.maximum(measured.std(axis=0), 1e-6)
    users = Users(classes, slopes, ideals, costs, np.zeros(count), *scale)
    return _settled(users, measured, labels, rng.uniform(low, high, count))


def _settled(users, measured, labels, rates):
    """The same users, their logits scaled to a spread of _STEEP, the base such that each likes its share."""
    raw = _logit(likings(users, measured, labels))
    by = (_STEEP / raw.std(axis=1))[:, None]
    users = users._replace(classes=by * users.classes, slopes=by * users.slopes, costs=by * users.costs)
    low, high, raw = np.full(len(raw), -50.0), np.full(len(raw), 50.0), by * raw
    for _ in range(40):  # bisection: the share rises with the base
        base = (low + high) / 2
        many = sigmoid(raw + base[:, None]).mean(axis=1) > rates
        low, high = np.where(many, low, base), np.where(many, base, high)
    return users._replace(base=(low + high) / 2)


def _logit(p):
    return np.log(p) - np.log1p(-p)
