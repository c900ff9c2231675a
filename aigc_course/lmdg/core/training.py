"""Training a decoder through `fit`: progress, held-out bits, saving and resuming, Ctrl-C that loses nothing."""

import json
import math
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from aigc_course import data, files, progress
from aigc_course.errors import CourseError, Stopped, whole_number
from aigc_course.files import write_whole
from aigc_course.lmdg.core import transformer

__all__ = ["Curve", "Saver", "Steps", "mixed", "row_batches", "train_decoder"]


def mixed(rows, shares, batch_size, seed, start=0):
    """An endless data set of (inputs, targets), each (batch_size, T - 1): rows of some kinds, drawn by shares.

    Like `data.batches` a function of (seed, step): a resumed run sees what an uninterrupted one would have seen.

    Args:
        rows: dict, kind -> int array (N, T), padded with 0. A negative -t is given, not learnt: input t, target 0.
        shares: dict, kind -> share of a batch.
        batch_size, seed, start: int; `start` is the number of batches already used.
    """
    counts, held = {}, {}
    for kind, share in shares.items():
        found = np.asarray(rows.get(kind, ()))
        if found.ndim != 2 or not len(found) or found.shape[1] < 2:
            raise CourseError(f"{kind} must be rows (N, T) with N >= 1 and T >= 2; received {found.shape}.")
        counts[kind] = round(share * batch_size)
        held[kind] = tf.constant(found.astype(np.int16 if np.abs(found).max() < 2**15 else np.int32))

    def batch(step):
        parts = []
        for i, (kind, count) in enumerate(counts.items()):
            pair = [seed + 1000 * i, tf.cast(step, tf.int32)]
            places = tf.random.stateless_uniform((count,), pair, 0, len(held[kind]), dtype=tf.int32)
            parts.append(tf.cast(tf.gather(held[kind], places), tf.int32))
        found = tf.concat(parts, axis=0)
        return tf.abs(found[:, :-1]), tf.maximum(found[:, 1:], 0)

    return data.endless(batch, start)


def row_batches(rows, batch_size, seed, start=0):
    """`mixed` for rows of one kind, int array (N, T)."""
    return mixed({"rows": rows}, {"rows": 1.0}, batch_size, seed, start)


class Steps(keras.callbacks.Callback):
    """Shows how far `fit` is, of `steps` steps, `first` of them done before."""

    def __init__(self, name, steps, first=0):
        super().__init__()
        self.show, self.steps, self.step = progress.watch(name), steps, first

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        self.show(self.step, self.steps)


class Curve(Steps):
    """Shows how far training is and keeps a row an epoch: step, seconds, bits in training, bits on held-out rows.

    Args:
        name: str, for the progress bar.
        steps, first: int, steps in all and steps done before.
        held: int array of rows for `transformer.bits_per_token`, or None.
        rows: list of dicts, from an earlier part of the run.
    """

    def __init__(self, name, steps, first=0, held=None, rows=()):
        super().__init__(name, steps, first)
        self.held = held
        self.rows = list(rows)

    def on_train_begin(self, logs=None):
        self.started = time.perf_counter()
        self.before = self.rows[-1]["seconds"] if self.rows else 0.0  # `train_decoder` may call `fit` twice

    def on_epoch_end(self, epoch, logs=None):
        row = {"step": self.step, "seconds": round(self.before + time.perf_counter() - self.started, 1)}
        row["bits"] = round(float(logs["loss"]) / math.log(2), 4)
        if self.held is not None:
            row["held_bits"] = round(transformer.bits_per_token(self.model, self.held), 4)
        self.rows.append(row)


def train_decoder(decoder, batches, steps, name="training", every=100, held=None, folder=None):
    """Trains for `steps` steps.

    Args:
        decoder: a compiled `Decoder` (`transformer.compile_decoder`).
        batches: function of a step -> endless data set of (inputs, targets) from that step on.
        steps: int, in all.
        name: str, shown in the progress bar.
        every: int, steps between two rows of the curve, and between two savings.
        held: rows for the curve of held-out bits, or None.
        folder: where training is saved, or None; with a folder the same call goes on where an earlier one stopped.

    Returns:
        list of dicts, see `Curve`.

    Raises:
        CourseError: steps or every is not a positive integer.
        Stopped: Stop or Ctrl-C came; the decoder keeps what it has learnt.
    """
    steps, every = whole_number(steps, "steps"), whole_number(every, "every")
    place = Path(folder) / "training.npz" if folder else None
    first, rows = _resume(decoder, place) if place and place.is_file() else (0, [])
    curve = Curve(name, steps, first, held, rows)
    try:
        for length, count in ((every, (steps - first) // every), ((steps - first) % every, 1)):
            if length <= 0 or count <= 0 or curve.step >= steps:
                continue
            savers = [Saver(place, curve)] if place else []
            options = {"epochs": count, "steps_per_epoch": length, "callbacks": [curve, *savers]}
            decoder.fit(batches(curve.step), **options, shuffle=False, verbose=0)
    except KeyboardInterrupt:
        there = f" The same call goes on from step {curve.rows[-1]['step']}." if place and curve.rows else ""
        said = f"Stopped at step {curve.step} of {steps}. The decoder keeps what it has learnt.{there}"
        raise Stopped(said) from None
    return curve.rows


class Saver(keras.callbacks.Callback):
    """Writes weights, optimizer, step and curve after each epoch: one file, whole or not at all."""

    def __init__(self, path, curve):
        super().__init__()
        self.path, self.curve = path, curve

    def on_epoch_end(self, epoch, logs=None):
        variables = [np.asarray(v) for v in (*self.model.weights, *self.model.optimizer.variables)]
        state = json.dumps({"step": self.curve.step, "rows": self.curve.rows}).encode()
        write_whole(self.path, lambda part: np.savez(part, np.frombuffer(state, np.uint8), *variables))


def _resume(decoder, path):
    """Puts back what `Saver` wrote; returns (step, rows)."""
    decoder.optimizer.build(decoder.trainable_variables)
    try:
        with np.load(path, allow_pickle=False) as file:
            state, *stored = (file[name] for name in file.files)
        state = json.loads(state.tobytes())
    except Exception as error:  # zip, zlib, JSON and NumPy each have their own
        damaged = CourseError(f"{path} cannot be read ({type(error).__name__}). Remove it to train anew.")
        raise files.unreadable(path, error) or damaged from error
    variables = [*decoder.weights, *decoder.optimizer.variables]
    if [value.shape for value in stored] != [tuple(v.shape) for v in variables]:
        raise CourseError(f"{path} holds another decoder's training. Take another folder, or remove it.")
    for variable, value in zip(variables, stored, strict=True):
        variable.assign(value)
    return state["step"], state["rows"]
