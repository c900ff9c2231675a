"""Cheap shortcuts are refused, on every draw; right answers are accepted, on every draw."""

import asyncio
import json
import os
import time
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from aigc_course import checks
from aigc_course.checks import calling
from aigc_course.checks.calling import AnswerError, call
from aigc_course.checks.exercise import Answer, judge, judge_restart
from answers import RIGHT
from answers.shortcuts import SHORTCUTS
from answers.shortcuts_building import batches

KEYS = list(checks.EXERCISES)
SLOW = ("01.4", "03.4", "03.5", "04.4", "04.5")  # many images, TensorFlow, a process a case
PAIRS = [(key, name) for key, found in SHORTCUTS.items() for name in found]
SOLUTIONS = Path(__file__).parents[1] / "solutions"


def verdict(key, function, seed):
    """What the local check and the grader say."""
    exercise = checks.EXERCISES[key]
    with np.errstate(all="ignore"):
        return judge(exercise, *checks.try_out(exercise, function, np.random.default_rng(seed)))


def official(key):
    """The solution's own function."""
    space = {"np": np, "tf": tf, "keras": keras, "layers": keras.layers}
    for path in SOLUTIONS.glob(f"{key[:2]}_*/*.ipynb"):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["metadata"].get("nbgrader", {}).get("grade_id") == key.replace(".", "-"):
                exec("".join(cell["source"]), space)
    return space[checks.EXERCISES[key].function]


def draws(key):
    return range(100, 103 if key in SLOW else 120)


def test_each_exercise_has_three_shortcuts():
    """At least three for each of the exercises."""
    assert set(SHORTCUTS) == set(KEYS)
    assert all(len(found) >= 3 for found in SHORTCUTS.values())


@pytest.mark.parametrize(("key", "name"), PAIRS, ids=[f"{key} {name}" for key, name in PAIRS])
def test_a_shortcut_is_refused(key, name):
    """On each draw, with one line that is no crash."""
    for seed in [*draws(key)][: 1 if key in SLOW else 20]:
        found = verdict(key, SHORTCUTS[key][name](), seed)
        assert not found.passed, f"seed {seed}"
        assert found.message
        assert "\n" not in found.message


@pytest.mark.parametrize("key", KEYS)
def test_right_answers_are_right_on_every_draw(key):
    """The official solution and other right ones: nobody loses points by the numbers that happen to come."""
    for function in [official(key), *RIGHT[key]]:
        for seed in draws(key):
            found = verdict(key, function, seed)
            assert found.passed, f"seed {seed}: {found.message}"


@pytest.mark.parametrize(
    ("how", "value", "wanted"),
    [
        ("plainly", [Fraction(1, 2), Fraction(3, 4)], [0.5, 0.75]),
        ("plainly", Decimal("0.25"), 0.25),
        ("plainly", [10**30, 1], [1e30, 1]),
        ("plainly", np.matrix([[1.0, 2.0], [3.0, 4.0]]), [[1, 2], [3, 4]]),
        ("plainly", {"a": 1.0, "b": 2.0}.values(), [1, 2]),
        ("in_any_order", frozenset({3.0}), [3]),
    ],
    ids=["Fraction", "Decimal", "long integers", "matrix", "values", "set"],
)
def test_numbers_of_every_kind_are_taken(how, value, wanted):
    """What Python has for numbers comes as plain floats, equal to what was returned."""
    (array,) = call(lambda: value, how, ())
    assert array.dtype.kind in "if"
    assert type(array) is np.ndarray
    np.testing.assert_allclose(array, wanted)


def test_what_is_computed_later_is_waited_for():
    """async def, a generator and map give their numbers, in a running loop too."""

    async def later(x):
        return x + 1

    async def notebook():
        return call(later, "plainly", (1,))

    assert call(later, "plainly", (1,))[0] == 2
    assert asyncio.run(notebook())[0] == 2
    assert call(lambda n: (k * k for k in range(n)), "plainly", (3,))[0].tolist() == [0, 1, 4]
    assert call(lambda n: map(float, range(n)), "plainly", (3,))[0].tolist() == [0, 1, 2]


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_a_form_that_is_not_taken_is_named():
    """A set where order counts, a matrix where one axis was asked for: the line says what to return."""
    with pytest.raises(AnswerError, match="has no order"):
        call(lambda: {1, 2}, "plainly", ())
    found = verdict("02.1", lambda p, q: np.matrix(p / (p + q)), 0)
    assert "asarray(answer).ravel()" in found.message


OBJECTS = {"text": [Fraction(1), "a"], "a dict": {"a": Fraction(1)}, "None": [None], "an object": [object()]}


@pytest.mark.parametrize("value", OBJECTS.values(), ids=OBJECTS)
def test_objects_that_are_no_numbers_are_refused(value):
    """Text, dicts, None and the like among them: the known line."""
    with pytest.raises(AnswerError, match="made of numbers"):
        call(lambda: value, "plainly", ())


def test_a_restart_shows_what_was_drawn_when_the_cell_ran():
    """`judge_restart`: a salt drawn in the notebook's cell is another one tomorrow; the official order is the same."""
    exercise = checks.EXERCISES["04.4"]
    cases = exercise.cases(np.random.default_rng(0))

    def answers(function, places):
        return [Answer(call(function, exercise.how, cases[i])) for i in places]

    def run_of_the_notebook():
        salt = int(np.random.default_rng().integers(2**40))
        return batches(lambda seed, epoch, n: np.random.default_rng([salt, seed, epoch]).permutation(n))

    places = exercise.restart(cases)
    first, second, right = run_of_the_notebook(), run_of_the_notebook(), official("04.4")
    assert verdict("04.4", first, 0).passed  # one process cannot know
    assert not judge_restart(exercise, answers(first, places), answers(second, places)).passed
    assert judge_restart(exercise, answers(right, places), answers(right, places)).passed
    failed = Answer(None, ("NameError", "name 'x' is not defined"))
    assert "after a restart" in judge_restart(exercise, answers(right, places), [failed]).message


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_call_apart_leaves_and_finds_nothing(monkeypatch):
    """What a call changes in memory is gone, a file is refused, an error keeps its class, a hang costs PATIENCE."""
    rows, kept = np.array([[1, 2], [3, 4]]), []

    def counting(a, b):
        kept.append(a)
        return [a, b, len(kept)]

    assert [call(counting, "apart", (rows,))[0].tolist() for _ in range(2)] == [[[1, 2, 1], [3, 4, 2]]] * 2
    assert kept == []

    def writing(a, b):
        with open("order.txt", "w") as file:
            file.write("1")

    with pytest.raises(AnswerError, match="writes a file"):
        call(writing, "apart", (rows,))
    with pytest.raises(Exception, match="0") as error:
        call(lambda a, b: {}[0], "apart", (rows,))
    assert type(error.value).__name__ == "KeyError"
    monkeypatch.setattr(calling, "PATIENCE", 0.3)
    here = os.getpid()
    stuck = lambda a, b: time.sleep(60) if os.getpid() != here else a  # noqa: E731
    assert call(stuck, "apart", (rows,))[0].tolist() == [1, 3]
    monkeypatch.delattr(os, "fork")
    assert call(counting, "apart", (rows,))[0].tolist() == [[1, 2, 1], [3, 4, 2]]
