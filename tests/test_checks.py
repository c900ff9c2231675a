"""Every check accepts correct answers of several styles and rejects known mistakes, each with a hint of its own."""

import functools
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

from aigc_course import checks
from aigc_course.errors import CourseError
from answers import RIGHT, WRONG

KEYS = list(checks.EXERCISES)
SEEDS = (0, 1, 2)


def name(function):
    return f"line {function.__code__.co_firstlineno}"


@functools.cache
def hint(function, key, seed=0):
    """What the check says to a wrong answer; an empty text if it is taken for right."""
    with np.errstate(all="ignore"):
        try:
            checks.check(key, function, seed=seed)
        except AssertionError as error:
            return str(error).split(" Where to look:")[0]  # which comes from the second try on
    return ""


@pytest.mark.parametrize("key", KEYS)
def test_correct_answers_of_several_styles_are_accepted(key, capsys):
    """At least two other correct ways (loop, TensorFlow, other algebra, other precision), on three sets of inputs."""
    assert len(RIGHT[key]) >= 2
    for function in RIGHT[key]:
        assert function.__name__ == checks.EXERCISES[key].function
        for seed in SEEDS:
            checks.check(key, function, seed=seed)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(SEEDS) * len(RIGHT[key])
    assert all(line.startswith(f"{key} ✓ right") for line in lines)


@pytest.mark.parametrize("key", KEYS)
def test_known_mistakes_are_rejected_each_with_its_own_hint(key):
    """At least five wrong answers; each gets the hint that names its misconception, and no two the same hint."""
    assert len(WRONG[key]) >= 5
    found = []
    for function, words in WRONG[key]:
        for seed in SEEDS:
            text = hint(function, key, seed)
            assert text, f"{key}, {name(function)}: a wrong answer was accepted"
            assert words in text, f"{key}, {name(function)}, seed {seed}: {text}"
        found.append(hint(function, key))
    assert len(set(found)) == len(found)


def test_the_share_of_mistakes_caught_is_all(capsys):
    """Prints how many seeded mistakes are caught, and how many with their own hint."""
    total = sum(map(len, WRONG.values()))
    caught = sum(bool(hint(function, key)) for key, answers in WRONG.items() for function, _ in answers)
    named = sum(words in hint(function, key) for key, answers in WRONG.items() for function, words in answers)
    with capsys.disabled():
        print(
            f"\n{total} seeded mistakes in {len(WRONG)} exercises: {caught / total:.0%} caught, {named / total:.0%} "
            f"with their own hint; {sum(map(len, RIGHT.values()))} other right answers accepted"
        )
    assert caught == named == total


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda *v: None, "nothing (None)"),
        (lambda *v: "0.5", "made of numbers"),
        (lambda *v: {"answer": 1}, "of numbers"),
        (lambda *v: 1 / 0, "ZeroDivisionError"),
        (lambda *v: np.full((7, 7, 7), np.nan), ""),
        (lambda *v: [[1, 2], [3]], "of numbers"),
    ],
    ids=["none", "text", "dict", "error", "nan", "ragged"],
)
def test_answers_that_are_no_answers_get_a_clear_line(key, function, words):
    """Nothing, text, a dict, an exception, NaN of a wrong shape, a ragged list: one line each, never a crash."""
    text = hint(function, key)
    assert text
    assert "\n" not in text
    if checks.EXERCISES[key].how != "as_model" and checks.EXERCISES[key].outputs == 1:
        assert words in text


@pytest.mark.parametrize("key", KEYS)
def test_an_unwritten_function_is_not_done_yet(key):
    """The released stub raises NotImplementedError: the check says so, and nothing worse."""

    def stub(*arguments):
        raise NotImplementedError

    assert "not done yet" in hint(stub, key)


@pytest.mark.parametrize("key", KEYS)
def test_inputs_are_fresh_and_the_learners_changes_stay_outside(key):
    """Other seeds give other inputs, one seed the same; a function that spoils its arguments spoils nobody else's."""
    exercise = checks.EXERCISES[key]
    first, again, other = (exercise.cases(np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for x, y in zip(first, again, strict=True) for a, b in zip(x, y, strict=True))
    assert any(not np.array_equal(a, b) for x, y in zip(first, other, strict=True) for a, b in zip(x, y, strict=True))

    def spoiler(*arguments):
        for value in arguments:
            if isinstance(value, np.ndarray):
                value[...] = 0
        return 0.0

    cases, _ = checks.try_out(exercise, spoiler, np.random.default_rng(1))
    assert all(np.array_equal(a, b) for x, y in zip(first, cases, strict=True) for a, b in zip(x, y, strict=True))


def test_what_check_is_given_is_checked():
    """No such exercise, no function: a CourseError that says what to write."""
    with pytest.raises(CourseError, match=r"exercise must be one of 01\.1"):
        checks.check("99.1", abs)
    with pytest.raises(CourseError, match="without brackets"):
        checks.check("02.1", 0.5)


def test_hints_are_distinct_and_give_no_number_away():
    """Within an exercise no two hints are the same text."""
    for exercise in checks.EXERCISES.values():
        texts = [text for text, _ in exercise.hints]
        assert len(set(texts)) == len(texts)
        assert all(callable(wrong) for _, wrong in exercise.hints)


@pytest.mark.parametrize("key", [key for key in KEYS if checks.EXERCISES[key].expected])
def test_expectations_do_not_come_from_the_course(key):
    """The modules with the expectations import NumPy, MNIST's loader, and each other; nothing that they check."""
    import ast
    import inspect

    module = next(m for m in checks.CHAPTERS if checks.EXERCISES[key] in m.EXERCISES)
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.ImportFrom):
            allowed = node.module.startswith("aigc_course.checks") or [alias.name for alias in node.names] == ["data"]
            assert allowed, ast.unparse(node)
        if isinstance(node, ast.Import):
            assert {alias.name for alias in node.names} <= {"numpy", "functools", "itertools", "re"}


HEADINGS = {
    path.name[:2]: re.findall(
        r"(?m)^## (.+)$",
        "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"),
    )
    for path in (Path(__file__).resolve().parent.parent / "notebooks").glob("*.ipynb")
}


@pytest.mark.parametrize("key", KEYS)
def test_where_to_look_is_a_place_that_is_there(key):
    """`look` names a section of a chapter by its heading, not of a later one; there is a first step to go on with."""
    places = re.findall(r"(?:chapter (\d\d), )?«([^»]+)»", checks.EXERCISES[key].look)
    assert places, key
    chapter = ""
    for number, heading in places:
        chapter = number or chapter
        assert heading in HEADINGS[chapter], (key, heading)
        assert chapter <= key[:2]
    assert 20 < len(checks.EXERCISES[key].onward) < 400


def test_a_hint_goes_deeper_from_try_to_try():
    """What is wrong; then where to look; then how to go on; a right answer, and a stub, start no count."""
    key = "06.1"
    exercise, wrong = checks.EXERCISES[key], WRONG[key][0][0]

    def unwritten(*arguments):
        raise NotImplementedError

    def said(function):
        with pytest.raises(AssertionError) as error:
            checks.check(key, function, seed=0)
        return str(error.value)

    checks.check(key, RIGHT[key][0], seed=0)
    assert "Where to look" not in said(unwritten)
    first, second, third, fourth = (said(wrong) for _ in range(4))
    assert exercise.look not in first
    assert second == f"{first} Where to look: {exercise.look}."
    assert third == fourth == f"{second} How to go on: {exercise.onward}"
    checks.check(key, RIGHT[key][0], seed=0)
    assert said(wrong) == first
