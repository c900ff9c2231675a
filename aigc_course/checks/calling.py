"""How a learner's function is called, and how its answer becomes plain arrays.

The same lines run in the learner's own notebook (`checks.check`) and inside the grader's sandbox, so that both call the
function alike. Nothing here knows an expected value: NumPy only, and TensorFlow where an exercise itself needs it.
"""

import numpy as np

LARGEST = 8_000_000  # numbers in one answer


class AnswerError(Exception):
    """The function ran, but what came back is no answer; the message says why."""


def call(function, how, arguments, outputs=1):
    """Calls a learner's function on copies of the arguments.

    Args:
        function: the learner's function.
        how: str, a key of `HOW`: how the arguments are handed over.
        arguments: tuple of numbers, strings and arrays.
        outputs: int, how many arrays the answer consists of.

    Returns:
        list of arrays.

    Raises:
        AnswerError: the answer is nothing, or not made of numbers.
        Exception: whatever the function raises.
    """
    copies = tuple(np.array(value) if isinstance(value, np.ndarray) else value for value in arguments)
    return HOW[how](function, copies, outputs)


def plainly(function, arguments, outputs):
    """function(*arguments)."""
    return as_arrays(function(*arguments), outputs)


def with_critic(function, arguments, outputs):
    """function(critic, *rest) with critic(x) = x A x / 2 + b x, a TensorFlow function of points (B, 2) -> (B, 1)."""
    import tensorflow as tf

    a, b, *rest = arguments

    def critic(x):
        x = tf.convert_to_tensor(x)
        square = 0.5 * tf.reduce_sum(x * tf.linalg.matmul(x, tf.cast(a, x.dtype)), axis=1, keepdims=True)
        return square + tf.linalg.matmul(x, tf.cast(b, x.dtype)[:, None])

    return as_arrays(function(critic, *(tf.constant(value) for value in rest)), outputs)


def as_model(function, arguments, outputs):
    """Builds the network, gives it the weights that were sent, and reads the images that were sent.

    Arguments: images, then the weights in the order of `model.weights`. Returns the output in inference mode and the
    mean absolute difference of two runs in training mode; where the shapes do not fit, the shapes as text.
    """
    images, *weights = arguments
    model = function()
    if model is None:
        raise AnswerError("the function returned nothing (None). Is there a `return` at its end?")
    if not hasattr(model, "weights"):
        raise AnswerError(f"the function returned {type(model).__name__}, not a Keras model.")
    model(images[:1], training=False)  # a model without an Input layer gets its weights here
    # Keras lists the seeds of dropout among the weights; they are whole numbers
    places = [place for place in model.weights if "float" in str(place.dtype)]
    shapes = [tuple(place.shape) for place in places]
    if shapes != [weight.shape for weight in weights]:
        return [np.array(repr(shapes)), np.array(0.0)]
    for place, weight in zip(places, weights, strict=True):
        place.assign(weight)
    output = np.asarray(model(images, training=False))
    first, second = (np.asarray(model(images, training=True)) for _ in range(2))
    return [plain(output), np.array(float(np.abs(first - second).mean()))]


HOW = {"plainly": plainly, "with_critic": with_critic, "as_model": as_model}


def as_arrays(value, outputs):
    """An answer as a list of arrays of numbers."""
    if value is None:
        raise AnswerError("the function returned nothing (None). Is there a `return` at its end?")
    if outputs == 1:
        return [plain(value)]
    try:
        parts = list(value)
    except TypeError:
        parts = [value]
    if len(parts) != outputs:
        raise AnswerError(f"{outputs} values were asked for, in one tuple; {len(parts)} came.")
    return [plain(part) for part in parts]


def plain(value):
    """A number, list, array or tensor as a plain array without a subclass."""
    try:
        array = np.array(value, copy=True, subok=False)
    except Exception as error:
        raise AnswerError(f"the answer is no number and no array of numbers ({type(error).__name__}).") from error
    if array.dtype.kind not in "biufc":
        raise AnswerError(f"the answer must be made of numbers; it is {type(value).__name__} of dtype {array.dtype}.")
    if array.size > LARGEST:
        raise AnswerError(f"the answer holds {array.size:,} numbers; more than {LARGEST:,} are not taken.")
    return array
