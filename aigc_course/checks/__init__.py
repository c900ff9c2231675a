"""Checks for the exercises: `checks.check("02.1", f)` tries your function on fresh inputs and says what is wrong.

Expectations are computed in NumPy from the formula; no code that an exercise asks for is imported.
"""

import importlib
import pkgutil

import numpy as np

from aigc_course.checks import exam
from aigc_course.checks.calling import AnswerError, call
from aigc_course.checks.exercise import Answer, judge
from aigc_course.errors import CourseError, one_of
from aigc_course.runtime import forgiving_output

__all__ = ["CHAPTERS", "EXERCISES", "NAMES", "check", "find", "is_known", "try_out"]

NAMES = sorted(found.name for found in pkgutil.iter_modules(__path__) if found.name.startswith("chapter_"))
CHAPTERS = tuple(importlib.import_module(f"{__name__}.{name}") for name in NAMES)
EXERCISES = {exercise.key: exercise for chapter in CHAPTERS for exercise in chapter.EXERCISES}


_wrong_in_a_row = {}  # of this notebook, to say more at the second and the third try


def find(key):
    """The `Exercise` of a key: a public one ("02.1"), or a variant for an examination ("02.1/7").

    Raises:
        CourseError: there is none.
    """
    return exam.make(key, EXERCISES).exercise if exam.seed_of(key) else one_of(key, EXERCISES, "exercise")


def is_known(key):
    """Whether there is an exercise of that key, public or a variant."""
    found = exam.seed_of(key)
    return key in EXERCISES or (found is not None and found[0] in EXERCISES)


def check(key, function, seed=None):
    """Tries a function on fresh random inputs; prints one line of praise or raises with a hint.

    The hint goes deeper from try to try: what is wrong; where the chapter prepares it; how to go on.

    Args:
        key: str, the exercise, for example "02.1".
        function: what you wrote.
        seed: int, for the same inputs each time; None draws new ones.

    Raises:
        AssertionError: the answer is wrong; the message names the misconception where it is a known one.
        CourseError: there is no such exercise, or `function` is no function.
    """
    forgiving_output()  # "✓" in a terminal that knows ASCII only
    exercise = find(key)
    if not callable(function):
        raise CourseError(
            f"exercise {key} takes the function itself; received {type(function).__name__}. "
            f'Write checks.check("{key}", {exercise.function}), without brackets behind the name.'
        )
    cases, answers = try_out(exercise, function, np.random.default_rng(seed))
    verdict = judge(exercise, cases, answers)
    if not verdict.passed:
        unwritten = any(answer.error and answer.error[0] == "NotImplementedError" for answer in answers)
        _wrong_in_a_row[key] = _wrong_in_a_row.get(key, 0) + (not unwritten)
        raise AssertionError(f"{key} {verdict.message}{exercise.deeper(_wrong_in_a_row[key])}") from None
    _wrong_in_a_row[key] = 0
    print(f"{key} ✓ {verdict.message}")


def try_out(exercise, function, rng):
    """(cases, answers) of a function in this process; it stops at the first error."""
    cases, answers = exercise.cases(rng), []
    for case in cases:
        try:
            answers.append(Answer(call(function, exercise.how, case, exercise.outputs)))
        except AnswerError as error:
            answers.append(Answer(None, ("AnswerError", str(error))))
        except Exception as error:
            answers.append(Answer(None, (type(error).__name__, str(error))))
        if answers[-1].error:
            break
    return cases, answers
