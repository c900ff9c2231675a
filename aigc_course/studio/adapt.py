"""A generator learns a hand (chapter 12): twenty examples, all its weights or a few numbers of them.

`Hand` and `write` make a writer from other people's digits; `adapt` goes on training the flow of chapter 11 on what it
wrote; `align` is what a sceptic would do instead: no training, one linear map of the plane.
"""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from aigc_course import data
from aigc_course.errors import CourseError, Stopped, number, one_of, whole_number
from aigc_course.flow import model

__all__ = ["HANDS", "RATES", "Hand", "adapt", "align", "few_numbers", "fit_map", "slants", "twenty", "warp", "write"]


class Hand(NamedTuple):
    """A writer: slant (pixels to the right for each pixel up), width and height (factors), stroke (pixels thicker: 1,
    thinner: -1, as it was: 0)."""

    slant: float
    width: float
    height: float
    stroke: int


HANDS = {
    "bold": Hand(0.35, 1.1, 0.8, 1),
    "fine": Hand(0.55, 0.9, 1.0, -1),
    "leaning back": Hand(-0.5, 0.75, 1.05, 0),
}
RATES = {"few": 5e-3, "all": 1e-4}  # Adam's rates, chosen with other hands (`benchmarks/adapt.py --tuning`)
_MEAN = 0.95  # what the average of the numbers keeps at each step


# --- hands --------------------------------------------------------------------------------------------------


def write(hand, images):
    """Other people's digits in a hand: uint8 (N, 28, 28) -> uint8 (N, 28, 28).

    Strokes first, by the most (thicker) or least ink (thinner) of neighbours, then the linear map of the plane.
    """
    ink = data.check_images(images).astype(np.float32)
    if ink.shape[1:] != (28, 28):
        raise CourseError(f"images must be digits, (N, 28, 28); received {ink.shape}.")
    hand = Hand(*hand)
    if whole_number(hand.stroke + 1, "stroke + 1", 0, 2) == 2:
        ink = np.maximum.reduce([ink, *(np.roll(ink, side, axis) for axis in (1, 2) for side in (-1, 1))])
    elif hand.stroke == -1:
        ink = np.minimum.reduce([ink, np.roll(ink, 1, 1), np.roll(ink, 1, 2)])
    return warp(ink, [[hand.height, 0.0], [-hand.slant, hand.width]]).round().astype(np.uint8)


def warp(images, matrix):
    """Images whose ink went from place p to matrix · p, places (row, column) from the middle: (N, 28, 28), any scale.

    Each pixel fetches its value from where it came, between the four nearest (bilinear); outside is 0.

    Args:
        images: float (N, S, S).
        matrix: 2 × 2, not singular.
    """
    images, matrix = np.asarray(images, np.float32), np.asarray(matrix, float)
    if images.ndim != 3 or images.shape[1] != images.shape[2]:
        raise CourseError(f"images must be (N, S, S); received {images.shape}.")
    if matrix.shape != (2, 2) or not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) < 1e-6:
        raise CourseError(f"matrix must be 2 × 2, finite, not singular; received {matrix.tolist()}.")
    size = images.shape[1]
    places = np.stack(np.meshgrid(np.arange(size), np.arange(size), indexing="ij")).reshape(2, -1)
    middle = (size - 1) / 2
    row, column = np.linalg.inv(matrix) @ (places - middle) + middle  # (S²,) each: where the ink came from
    weights = np.zeros((size * size, size * size), np.float32)
    for down in (0, 1):
        for right in (0, 1):
            r, c = np.floor(row).astype(int) + down, np.floor(column).astype(int) + right
            share = (1 - np.abs(row - r)) * (1 - np.abs(column - c))
            inside = (r >= 0) & (r < size) & (c >= 0) & (c < size)
            weights[np.flatnonzero(inside), (r * size + c)[inside]] += share[inside]
    return (images.reshape(len(images), -1) @ weights.T).reshape(images.shape)


def twenty(labels, seed=7, each=2):
    """Indices of `each` digits of every class, by chance: what a writer hands in. int (10 · each,), class by class."""
    labels, each = np.asarray(labels), whole_number(each, "each")
    counts = np.bincount(labels, minlength=10) if labels.dtype.kind in "iu" and labels.ndim == 1 else np.zeros(1)
    if counts.min() < each:
        raise CourseError(f"labels must hold {each} of each class at least; received counts {counts.tolist()}.")
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.choice(np.flatnonzero(labels == one), each, replace=False) for one in range(10)])


# --- without training ---------------------------------------------------------------------------------------


def _shape_of_ink(images):
    """The covariance (2, 2) of the ink's places (row, column), mean over float images (N, 28, 28, 1) in [-1, 1]."""
    ink = np.clip((data.check_scaled(images)[..., 0] + 1) / 2, 0, 1).astype(float)
    places = np.stack(np.meshgrid(*(np.arange(side) for side in ink.shape[1:]), indexing="ij")).reshape(2, -1)
    shares = ink.reshape(len(ink), -1)
    shares = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-9)
    mean = shares @ places.T  # (N, 2)
    return np.mean([(share * places) @ places.T - np.outer(m, m) for share, m in zip(shares, mean, strict=True)], 0)


def slants(images):
    """Mean slant of float images (N, 28, 28, 1) in [-1, 1]: pixels to the right for each pixel up."""
    shape = _shape_of_ink(images)
    return float(-shape[0, 1] / shape[0, 0])


def fit_map(images, examples):
    """The linear map that gives the ink of images the shape of the examples' ink: (2, 2), for `warp`.

    With covariances C = L Lᵀ and C' = L' L'ᵀ (lower triangular: height, width and slant, no turn) it is L' L⁻¹.
    """
    ours, theirs = (np.linalg.cholesky(_shape_of_ink(part) + 1e-9 * np.eye(2)) for part in (images, examples))
    return theirs @ np.linalg.inv(ours)


def align(images, examples):
    """The images in the examples' slant, width and height: `fit_map`, then `warp`; [-1, 1] in and out."""
    matrix = fit_map(images, examples)
    return np.clip(warp(images[..., 0] + 1, matrix) - 1, -1, 1)[..., None]


# --- by training --------------------------------------------------------------------------------------------


def few_numbers(network):
    """For each weight of a network, the axes that keep a number of their own, or None: the weight stays as it is.

    A kernel has one factor for each channel that goes out, a bias is free: scale and shift of every layer (Noguchi &
    Harada, 2019), without another layer. Embeddings stay.
    """
    shapes = {}
    for layer in network.layers:
        for weight in layer.weights:
            axis = -2 if isinstance(layer, keras.layers.Conv2DTranspose) and weight.name == "kernel" else -1
            keep = [side if i == len(weight.shape) + axis else 1 for i, side in enumerate(weight.shape)]
            shapes[weight.path] = keep if weight.name in ("kernel", "bias") else None
    return [shapes[weight.path] for weight in network.trainable_variables]


def _changes(network, ways):
    """(variables, function of them that returns all weights): differences for "all"; factors and shifts for "few"."""
    start = [tf.constant(weight) for weight in network.trainable_variables]
    if ways == "all":
        variables = [tf.Variable(tf.zeros_like(weight)) for weight in start]
        return variables, lambda now: [weight + change for weight, change in zip(start, now, strict=True)]
    shapes = few_numbers(network)
    variables = [tf.Variable(tf.zeros(shape)) for shape in shapes if shape is not None]

    def moved(now):
        left, found = list(now), []
        for weight, shape in zip(start, shapes, strict=True):
            change = left.pop(0) if shape is not None else None
            kept = weight if change is None else weight + change if len(shape) == 1 else weight * (1 + change)
            found.append(kept)
        return found

    return variables, moved


def adapt(flow, images, labels, ways="few", steps=100, rate=None, copies=2, seed=7, each=None):
    """Another flow, which has learnt from a few images by the loss of chapter 11; the given one stays as it is.

    Args:
        flow: `model.Flow`.
        images, labels: uint8 (N, 28, 28) and ints (N,).
        ways: str, "few" (`few_numbers`) or "all" weights.
        steps: int; each sees all images, `copies` times, with fresh noise and times.
        rate: float, Adam's; default RATES[ways].
        seed: int, of noise and times.
        each: function of (step, flow), called at step 0 and after each step with the averaged numbers.

    Returns:
        (`model.Flow`, int: how many numbers were learnt).

    Raises:
        Stopped: Stop or Ctrl-C came; the flow given to `each` has what was learnt.
    """
    rate = one_of(ways, RATES, "ways") if rate is None else number(rate, "rate", above=0)
    one_of(ways, RATES, "ways")
    steps, copies, seed = whole_number(steps, "steps"), whole_number(copies, "copies"), whole_number(seed, "seed", 0)
    x, y = np.tile(data.scale(images), (copies, 1, 1, 1)), np.tile(np.asarray(labels, np.int32), copies)
    if len(x) != len(y):
        raise CourseError(f"labels must be one for each of {len(x) // copies} images; received {len(y) // copies}.")
    new = model.Flow(keras.models.clone_model(flow.network), flow.classes, seed=seed)
    for part in (new.network, new.average):
        part.set_weights(flow.average.get_weights())
    variables, moved = _changes(new.network, ways)
    averages = [tf.Variable(variable) for variable in variables]
    learn = _learner(new.network, variables, averages, moved, rate, (tf.constant(x), tf.constant(y)))
    try:
        for step in range(steps + 1):
            if each:
                _put(new, moved(averages))
                each(step, new)
            if step < steps:
                learn(tf.constant([seed, step]))
    except KeyboardInterrupt:
        raise Stopped(f"Stopped at step {step} of {steps}.") from None
    _put(new, moved(averages))
    return new, sum(int(np.prod(variable.shape)) for variable in variables)


def _put(flow, weights):
    for own, value in zip(flow.average.weights, weights, strict=True):
        own.assign(value)


def _learner(network, variables, averages, moved, rate, batch):
    """A step of flow matching as a function of (seed, step), compiled once."""
    images, labels = batch
    optimizer, rest = model.adam(rate), network.non_trainable_variables
    optimizer.build(variables)

    @tf.function
    def learn(place):
        noise = tf.random.stateless_normal(images.shape, place)
        t = tf.sigmoid(tf.random.stateless_normal(labels.shape, place + 104729))
        way = t[:, None, None, None]
        with tf.GradientTape() as tape:
            inputs = [(1 - way) * noise + way * images, t, labels]
            velocity, _ = network.stateless_call(moved(variables), rest, inputs, training=True)
            loss = tf.reduce_mean(tf.square(velocity - (images - noise)))
        optimizer.apply(tape.gradient(loss, variables), variables)
        for average, variable in zip(averages, variables, strict=True):
            average.assign(_MEAN * average + (1 - _MEAN) * variable)

    return learn
