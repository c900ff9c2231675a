"""Cheap shortcuts: answers that are right for what one expects to be asked, and wrong as exercises.

`SHORTCUTS[key][name]` makes a function afresh (some keep a cache or a file). A table, a cache, a constant for the
common case, a layer that looks alike, a fit on the inputs of the test: `tests/test_shortcuts.py` has them all refused.
"""

import functools
import importlib
from pathlib import Path

import numpy as np

from aigc_course import checks

SHORTCUTS = {key: {} for key in checks.EXERCISES}


def made(key, name):
    """Registers what makes a shortcut: a function without arguments that returns the answer."""

    def register(factory):
        SHORTCUTS[key][name] = factory
        return factory

    return register


def plain(key, name, function):
    """Registers a shortcut that keeps nothing."""
    SHORTCUTS[key][name] = lambda: function


# --- for every exercise with a formula: a cache, a table and a constant --------------------------------------


def shapes(arguments):
    return tuple(np.shape(value) for value in arguments)


def cache_by_shape(right):
    """Computes once for each shape of the arguments, and answers with that from then on."""
    kept = {}
    return lambda *arguments: kept.setdefault(shapes(arguments), right(*arguments))


def cache_by_first_argument(right):
    """Computes once for each first argument."""
    kept = {}
    return lambda *arguments: kept.setdefault(np.asarray(arguments[0]).tobytes(), right(*arguments))


def table_of_an_earlier_check(right, cases):
    """The answers to inputs that a check has shown once; for others, that of the first with the same shapes."""
    table = [(case, right(*case)) for case in cases]

    def answer(*arguments):
        for case, value in table:
            if all(np.array_equal(a, b) for a, b in zip(case, arguments, strict=True)):
                return value
        return next((value for case, value in table if shapes(case) == shapes(arguments)), table[0][1])

    return answer


def scalars_of_an_earlier_check(right, cases):
    """The formula, with the plain numbers among its arguments taken from an earlier check."""
    fixed = [None if isinstance(value, np.ndarray) else value for value in cases[0]]
    return lambda *arguments: right(*(a if f is None else f for a, f in zip(arguments, fixed, strict=True)))


def almost(right):
    """0.3 % too small: an approximation that looks right."""
    return lambda *arguments: np.asarray(right(*arguments)) * 0.997


for exercise in checks.EXERCISES.values():
    if not exercise.expected or exercise.how not in ("plainly", "in_any_order"):
        continue
    formula, seen = exercise.expected, exercise.cases(np.random.default_rng(12345))
    numbers = any(not isinstance(value, np.ndarray) for value in seen[0])
    found = {
        "cache by shape": functools.partial(cache_by_shape, formula),
        "table of an earlier check": functools.partial(table_of_an_earlier_check, formula, seen),
        "almost right": functools.partial(almost, formula),
    }
    if numbers:
        found["numbers of an earlier check"] = functools.partial(scalars_of_an_earlier_check, formula, seen)
    if exercise.key == "02.5":  # where a first argument comes twice
        found["cache by first argument"] = functools.partial(cache_by_first_argument, formula)
    SHORTCUTS[exercise.key] |= found

for part in sorted(Path(__file__).parent.glob("shortcuts_*.py")):  # each registers its own
    importlib.import_module(f"answers.{part.stem}")
