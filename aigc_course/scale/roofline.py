"""The roofline: a machine multiplies so fast and moves so many bytes; which of the two forbids more?

S. Williams, A. Waterman, D. Patterson, Roofline: An Insightful Visual Performance Model, 2009. A piece of work with
intensity I (FLOPs for each byte moved) runs at most at min(P, I · M): P the FLOP/s, M the bytes/s of the machine.
"""

import time
from typing import NamedTuple

import numpy as np

from aigc_course.errors import CourseError, number, whole_number

__all__ = ["Machine", "attainable", "clock", "least_seconds", "measure_machine", "ridge", "traffic"]


class Machine(NamedTuple):
    """What a device does at most; measured, not from a data sheet."""

    flops: float  # P, FLOP/s of a large matrix product
    bytes: float  # M, bytes/s of arrays that no cache holds


def _checked(machine):
    """The machine, if both its numbers are above 0."""
    for value, name in zip(machine, Machine._fields, strict=True):
        number(value, f"the machine's {name} a second", above=0)
    return machine


def attainable(intensity, machine):
    """min(P, I M) in FLOP/s.

    Args:
        intensity: number or array, FLOPs for each byte, not negative.
        machine: `Machine`.
    """
    intensity, machine = np.asarray(intensity, np.float64), _checked(machine)
    if not (intensity >= 0).all():
        raise CourseError("an intensity is a number of FLOPs for each byte: 0 or more.")
    return np.minimum(machine.flops, intensity * machine.bytes)


def ridge(machine):
    """The intensity from which on products decide and no longer memory: P / M."""
    return _checked(machine).flops / machine.bytes


def least_seconds(work, machine):
    """Seconds that a `flops.Work` takes at least: products and memory may go on at the same time."""
    return max(work.flops / _checked(machine).flops, work.bytes / machine.bytes)


def clock(run, repeats=5):
    """Seconds of run(), the best of some after one to warm up: what comes between is other programs' work.

    Args:
        run: function without arguments that is done when it returns.
        repeats: int.
    """
    run()
    found = []
    for _ in range(whole_number(repeats, "repeats")):
        begin = time.perf_counter()
        run()
        found.append(time.perf_counter() - begin)
    return min(found)


def traffic(count, bytes_each=4):
    """Bytes that y = a x + y moves for arrays of `count` numbers: x and y read, y written (STREAM, McCalpin, 1995)."""
    return 3 * whole_number(count, "count") * whole_number(bytes_each, "bytes_each")


def measure_machine(size=2048, megabytes=256, repeats=5):
    """P and M of this machine, in float32 through TensorFlow.

    P: a product of two (size, size) matrices takes 2 size³ FLOPs. M: y = a x + y on arrays so large that caches hold
    little of them, in place, so that no new memory is asked for.

    Args:
        size: int, side of the matrices.
        megabytes: int, of each array.
        repeats: int, the best of which counts.

    Returns:
        `Machine`.
    """
    import tensorflow as tf

    left, right = (tf.random.stateless_normal((whole_number(size, "size"), size), (7, i)) for i in range(2))
    count = whole_number(megabytes, "megabytes") * 2**20 // 4
    x, y = tf.ones((count,)), tf.Variable(tf.zeros((count,)))
    product = clock(lambda: tf.linalg.matmul(left, right)[0, 0].numpy(), repeats)
    triad = clock(lambda: tf.raw_ops.ResourceApplyGradientDescent(var=y.handle, alpha=-1.0, delta=x), repeats)
    return Machine(2 * size**3 / product, traffic(count) / triad)
