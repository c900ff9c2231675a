"""How a learner's function is called, and how its answer becomes plain arrays.

The same lines run in the learner's own notebook (`checks.check`) and inside the grader's sandbox, so that both call the
function alike. Nothing here knows an expected value: NumPy only, and TensorFlow where an exercise itself needs it.
"""

import asyncio
import concurrent.futures
import inspect
import itertools
import os
import pickle
import random
import select
import signal
import sys
import warnings

import numpy as np

__all__ = ["LARGEST", "NAMES", "PATIENCE", "AnswerError", "call"]

LARGEST = 8_000_000  # numbers in one answer
PATIENCE = 20  # seconds for the calls in a process of their own
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_OUTSIDE = ("sqlite3.connect", "subprocess.Popen", "os.system", "os.posix_spawn", "os.exec", "socket.connect")


class AnswerError(Exception):
    """The function ran, but what came back is no answer; the message says why."""


def call(function, how, arguments, outputs=1):
    """Calls a learner's function on copies of the arguments.

    Args:
        function: the learner's function.
        how: str, a key of `_HOW`: how the arguments are handed over.
        arguments: tuple of numbers, strings and arrays.
        outputs: int, how many arrays the answer consists of.

    Returns:
        list of arrays.

    Raises:
        AnswerError: the answer is nothing, or not made of numbers.
        Exception: whatever the function raises.
    """
    copies = tuple(np.array(value) if isinstance(value, np.ndarray) else value for value in arguments)
    return _HOW[how](function, copies, outputs)


def _plainly(function, arguments, outputs):
    """function(*arguments)."""
    return _as_arrays(function(*arguments), outputs)


def _in_any_order(function, arguments, outputs):
    """function(*arguments) whose numbers may come as a set too."""
    value = _finished(function(*arguments))
    return _as_arrays(list(value) if isinstance(value, (set, frozenset)) else value, outputs)


def _apart(function, arguments, outputs):
    """function(*row) for each row of whole numbers, all in a process of its own: no earlier call has left anything.

    Where there is no fork (Windows), or a child hangs (threads of other libraries), the calls are made here.
    """
    if not hasattr(os, "fork") or function in _STUCK:
        return _by_rows(function, *arguments)
    there, here = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python 3.12 and JAX warn of threads: hence PATIENCE
        child = os.fork()
    if child == 0:
        _answer_in_a_child(function, arguments, here)
    os.close(here)
    reply = _received(there)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    if reply is None:
        _STUCK.append(function)
        return _by_rows(function, *arguments)
    values, error = reply
    if error:
        kind, text = error  # another class of the same name will do: callers read its name
        raise {"AnswerError": AnswerError}.get(kind, type(kind, (Exception,), {}))(text)
    return values


_STUCK = []  # functions that do not come back from a process of their own


def _by_rows(function, rows):
    """[answers to all rows, one above the other]."""
    answers = [_as_arrays(function(*row), 1)[0] for row in rows.tolist()]
    if len({answer.shape for answer in answers}) > 1:
        raise AnswerError("answers of different shapes came for arguments that ask for the same shape.")
    return [np.stack(answers)]


def _answer_in_a_child(function, arguments, pipe):
    """Calls, writes (arrays, error) to a pipe and ends this process, without what Python does at its end."""
    try:
        np.random.seed()  # as after a restart: the old generator would draw the same again in each child
        random.seed()
        sys.dont_write_bytecode = True
        sys.addaudithook(_stay_inside)
        reply = _by_rows(function, *arguments), None
    except BaseException as error:
        reply = None, (type(error).__name__, str(error)[:2000])
    with os.fdopen(pipe, "wb") as file:
        file.write(pickle.dumps(reply))
        file.flush()
        os._exit(0)


def _stay_inside(event, arguments):
    """An audit hook: a function of its arguments only keeps nothing in files, other processes or on the network."""
    if event == "open":
        path, _, flags = arguments
        if not flags & _WRITING or str(path).startswith("/dev/") or isinstance(path, int):
            return
    elif event not in _OUTSIDE:
        return
    raise AnswerError(
        "your function writes a file, or asks another program. A function of its arguments only keeps nothing."
    )


def _received(pipe):
    """What a child has written, or None if it was too slow or ended without a word."""
    data = b""
    with os.fdopen(pipe, "rb", buffering=0) as file:
        while select.select([file], [], [], PATIENCE)[0]:
            part = file.read(1 << 20)
            if not part:
                return pickle.loads(data) if data else None
            data += part
    return None


def _with_critic(function, arguments, outputs):
    """function(critic, *rest) with critic(x) = x A x / 2 + b x, a TensorFlow function of points (B, 2) -> (B, 1).

    Returns the answer, a scalar, and its gradient (6,) with respect to A and b: a penalty is trained through.
    """
    import tensorflow as tf

    a, b, *rest = arguments
    a, b = tf.Variable(a), tf.Variable(b)

    def critic(x):
        x = tf.convert_to_tensor(x)
        square = 0.5 * tf.reduce_sum(x * tf.linalg.matmul(x, tf.cast(a, x.dtype)), axis=1, keepdims=True)
        return square + tf.linalg.matmul(x, tf.cast(b, x.dtype)[:, None])

    with tf.GradientTape() as tape:
        answer = _finished(function(critic, *(tf.constant(value) for value in rest)))
    values = _as_arrays(answer, 1)
    if not tf.is_tensor(answer) or values[0].shape != ():
        if values[0].shape not in ((), (1,), (1, 1)):
            raise AnswerError(f"the penalty is one number; an array of shape {values[0].shape} came.")
        if not tf.is_tensor(answer):
            raise AnswerError(
                "a plain number came, through which nothing can be trained: the penalty is differentiated with respect "
                "to the critic's weights. Compute it with TensorFlow's functions, from tape.gradient to the mean."
            )
    gradients = tape.gradient(answer, (a, b), unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return [*values, np.concatenate([np.ravel(gradient) for gradient in gradients])]


def _as_model(function, arguments, outputs):
    """Builds the network, gives it the weights that were sent, and reads the images that were sent, twice.

    Arguments: "inference" or "training", images, then weights, in the order of NAMES. Returns the outputs of both runs
    (2, B, ...) and how far batch normalisation has moved its mean; where the shapes do not fit, the shapes as text.
    In training mode batch normalisation is held still for both runs, so that only dropout is left of the chance.
    """
    import keras

    mode, images, *weights = arguments
    model = _finished(function())
    if model is None:
        raise AnswerError("the function returned nothing (None). Is there a `return` at its end?")
    if not isinstance(model, keras.Model):
        raise AnswerError(f"the function returned {type(model).__name__}, not a Keras model.")
    model(images[:1], training=False)  # a model without an Input layer gets its weights here
    # Keras lists the seeds of dropout among the weights; they are whole numbers
    places = _in_order([place for place in model.weights if "float" in str(place.dtype)], weights)
    if places is None:
        shapes = [tuple(place.shape) for place in model.weights if "float" in str(place.dtype)]
        return [np.array(repr(shapes)), np.array(0.0)]
    _assign(places, weights)
    moved = 0.0
    if mode == "training":
        model(images, training=True)
        moved = float(np.abs(np.asarray(places[_MEAN]) - weights[_MEAN]).mean())
        _assign(places, weights)
        for layer in model._flatten_layers():
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.trainable = False  # Keras: it then works as in inference mode
    runs = [np.asarray(model(images, training=mode == "training")) for _ in range(2)]
    return [_plain(np.stack(runs)), np.array(moved)]


NAMES = ("kernel", "bias", "kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance", "kernel", "bias")
_MEAN = NAMES.index("moving_mean")


def _in_order(places, weights):
    """The variables that the weights belong to: by name and shape, else by their order; None if they do not fit."""
    wanted = [(name, weight.shape) for name, weight in zip(NAMES, weights, strict=True)]
    found = {(place.name, tuple(place.shape)): place for place in places}
    if len(places) == len(wanted) and set(found) == set(wanted):
        return [found[key] for key in wanted]  # a Model of one's own may have made its layers in any order
    return places if [tuple(place.shape) for place in places] == [shape for _, shape in wanted] else None


def _assign(places, weights):
    """Puts the weights into the variables."""
    for place, weight in zip(places, weights, strict=True):
        place.assign(weight)


def _as_trainer(function, arguments, outputs):
    """Lets the model of function(generator, discriminator, d_rate, g_rate, smooth) fit two batches, one a call.

    Arguments: "compiled" or "eager" (quick: no tracing), the three numbers, real and z for both batches, kernel and
    bias of the generator, then two kernels and biases of the discriminator. Returns D's weights, G's, and the losses
    (d_loss, g_loss) of the second batch.
    """
    import keras

    class Doubled(keras.layers.Layer):  # as dropout, it works differently in training; unlike dropout, by no chance
        def call(self, x, training=False):
            return 2.0 * x if training else x

    mode, *numbers, real, z = arguments[:6]
    weights = arguments[6:]
    dense, (size, _, features) = keras.layers.Dense, real.shape
    generator = keras.Sequential([keras.Input((z.shape[2],)), dense(features), Doubled()])
    hidden = dense(len(weights[3]), activation="tanh")
    discriminator = keras.Sequential([keras.Input((features,)), hidden, Doubled(), dense(1)])
    generator.set_weights(weights[:2])
    discriminator.set_weights(weights[2:])
    model = _finished(function(generator, discriminator, *numbers))
    if not isinstance(model, keras.Model):
        raise AnswerError(
            f"a compiled keras.Model was asked for; {type(model).__name__} came. Is `return model` there?"
        )
    model.run_eagerly = mode == "eager"
    for batch in (slice(0, size // 2), slice(size // 2, size)):
        try:
            logs = model.fit(real[batch], z[batch], batch_size=size // 2, shuffle=False, verbose=0).history
        except Exception as error:
            raise _in_one_line(error) from None
    if not {"d_loss", "g_loss"} <= set(logs):
        raise AnswerError("train_step must return {'d_loss': ..., 'g_loss': ...}; one of the two is missing.")
    found = [np.concatenate([np.ravel(w) for w in network.get_weights()]) for network in (discriminator, generator)]
    return [*found, np.array([float(np.ravel(logs[name])[-1]) for name in ("d_loss", "g_loss")])]


def _in_one_line(error):
    """An error from inside a compiled train_step, without TensorFlow's report of the places that it went through."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    return type(type(error).__name__, (Exception,), {})(lines[-1].removeprefix(f"{type(error).__name__}: "))


_HOW = {
    "plainly": _plainly,
    "in_any_order": _in_any_order,
    "apart": _apart,
    "with_critic": _with_critic,
    "as_model": _as_model,
    "as_trainer": _as_trainer,
}


def _finished(value):
    """A value that is there: `async def` awaited, what `map`, `zip` and generators still have to give as a list."""
    if inspect.iscoroutine(value):
        with concurrent.futures.ThreadPoolExecutor(1) as pool:  # a notebook's own thread has its loop already
            value = pool.submit(asyncio.run, value).result()
    if hasattr(value, "__next__"):
        value = list(itertools.islice(value, LARGEST + 1))
    return list(value) if isinstance(value, (type({}.keys()), type({}.values()))) else value


def _as_arrays(value, outputs):
    """An answer as a list of arrays of numbers."""
    value = _finished(value)
    if value is None:
        raise AnswerError("the function returned nothing (None). Is there a `return` at its end?")
    if isinstance(value, (set, frozenset)):
        raise AnswerError("a set came, which has no order and drops what is equal. Return a list, tuple or array.")
    if outputs == 1:
        return [_plain(value)]
    try:
        parts = list(value)
    except TypeError:
        parts = [value]
    if len(parts) != outputs:
        raise AnswerError(f"{outputs} values were asked for, in one tuple; {len(parts)} came.")
    return [_plain(part) for part in parts]


def _plain(value):
    """A number, list, array or tensor as a plain array without a subclass; Fraction and Decimal become floats."""
    try:
        array = np.array(_finished(value), copy=True, subok=False)
    except Exception as error:
        raise AnswerError(f"the answer is no number and no array of numbers ({type(error).__name__}).") from error
    if array.size > LARGEST:
        raise AnswerError(f"the answer holds {array.size:,} numbers; more than {LARGEST:,} are not taken.")
    if array.dtype.kind == "O":
        array = _from_objects(array)
    if array.dtype.kind not in "biufc":
        raise AnswerError(f"the answer must be made of numbers; it is {type(value).__name__} of dtype {array.dtype}.")
    return array


def _from_objects(array):
    """An array of Python's other numbers (Fraction, Decimal, long integers) as floats; anything else as it is."""
    kind = complex if any(isinstance(item, complex) for item in array.flat) else float
    try:
        if any(isinstance(item, (str, bytes, np.ndarray)) for item in array.flat):
            return array
        return np.array([kind(item) for item in array.flat]).reshape(array.shape)
    except (TypeError, ValueError, OverflowError):
        return array
