"""What an exercise is, and how an answer is judged: against the formula, then against known misconceptions."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

__all__ = ["Answer", "Exercise", "Verdict", "judge", "judge_restart", "show"]

_NOT_DONE = "not done yet: write the function and run its cell, then check again."


class Answer(NamedTuple):
    """What came for one case: arrays, or an error as (its class, its text)."""

    values: list | None
    error: tuple | None = None


class Verdict(NamedTuple):
    """passed, and one line for the learner: praise, or a hint that gives no expected value away."""

    passed: bool
    message: str


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes:
        key: "chapter.number".
        function: name of the function that the learner writes.
        title: in a few words.
        points: int.
        checked: what is checked, in one sentence, for the learner and for the feedback page.
        cases: function rng -> list of tuples of arguments, fresh and random.
        expected: function (*arguments) -> value or tuple, computed in NumPy from the formula.
        hints: list of (misconception in words, function (*arguments) -> what it gives).
        special: function (cases, list of values) -> hint or None, asked before `hints`, for what no formula explains.
        judge: instead of `expected`: function (cases, list of values) -> hint, or None if all is well.
        outputs: how many arrays one answer consists of.
        rtol, atol: an answer is right within atol + rtol * |expected|.
        how: how the function is called, a key of `calling._HOW`.
        unordered: the numbers of an answer may come in any order.
        restart: function cases -> places of those whose answers must be the same after a restart of the notebook.
        look: where the chapter prepares it, as "chapter 02, «heading of a section»"; said from the second try on.
        onward: the first step of a way to the answer, in one or two sentences; said from the third try on.
    """

    key: str
    function: str
    title: str
    points: int
    checked: str
    cases: callable
    expected: callable = None
    hints: tuple = ()
    special: callable = None
    judge: callable = None
    outputs: int = 1
    rtol: float = 1e-4
    atol: float = 1e-6
    how: str = "plainly"
    unordered: bool = False
    restart: callable = None
    look: str = ""
    onward: str = ""

    def deeper(self, tries):
        """What a wrong answer is told beside what is wrong with it: nothing, where to look, how to go on."""
        where = f" Where to look: {self.look}." if tries > 1 and self.look else ""
        return where + (f" How to go on: {self.onward}" if tries > 2 and self.onward else "")


def judge(exercise, cases, answers):
    """The verdict on answers to an exercise's cases.

    Args:
        exercise: `Exercise`.
        cases: list of tuples of arguments.
        answers: list of `Answer`, one for each case; it may end early, with an error.

    Returns:
        `Verdict`.
    """
    for answer in answers:
        if answer.error:
            return Verdict(False, _describe_error(exercise, *answer.error))
    if not answers or len(answers) < len(cases):
        return Verdict(False, "no answer came.")
    hint = _find_fault(exercise, cases, [answer.values for answer in answers])
    points = f"{exercise.points} point{'s' if exercise.points > 1 else ''}"
    return Verdict(hint is None, hint or f"right: {exercise.checked} ({points})")


def judge_restart(exercise, first, again):
    """The verdict on answers to the same cases before and after a restart.

    Args:
        exercise: `Exercise`.
        first: list of `Answer`.
        again: list of `Answer`, to the same cases, from a process that has answered nothing before.

    Returns:
        `Verdict`.
    """
    for answer in again:
        if answer.error:
            return Verdict(False, "after a restart: " + _describe_error(exercise, *answer.error))
    pairs = zip(first, again, strict=False)
    if len(first) == len(again) and all(_same(exercise, b.values, a.values) for a, b in pairs):
        return Verdict(True, "the same after a restart")
    return Verdict(
        False,
        "after a restart of the notebook the same arguments gave another answer: what your function "
        "uses is drawn anew, or came from earlier calls.",
    )


def _describe_error(exercise, kind, text):
    """An error in the learner's function, in one line."""
    if kind == "NotImplementedError":
        return _NOT_DONE
    if kind == "AnswerError":
        return text
    if exercise.how == "with_critic" and "None" in text:
        return "the tape gave None: it did not watch the point. Call tape.watch(x) before critic(x), within the `with`."
    if "Unknown variable" in text:
        return "an optimizer knows only the variables that it met first: each player needs an optimizer of its own."
    if kind == "Missing":
        return f"there is no function `{exercise.function}`. Keep the name that the exercise gives."
    return f"`{exercise.function}` stopped with {kind}: {text[:300]}" if text else f"`{exercise.function}`: {kind}"


def _find_fault(exercise, cases, values):
    """None if all values are right, else a hint."""
    with np.errstate(all="ignore"):
        if exercise.judge:
            return exercise.judge(cases, values)
        right = [_as_list(exercise.expected(*case), exercise.outputs) for case in cases]
        fits = [_same(exercise, got, wanted) for got, wanted in zip(values, right, strict=True)]
        if all(fits):
            return None
        hint = exercise.special(cases, values) if exercise.special else None
        if hint:
            return hint
        for hint, wrong in exercise.hints:
            if _misled(exercise, wrong, cases, values):
                return hint
        index = fits.index(False)
        return _general_fault(exercise, cases, values, right, index)


def _misled(exercise, wrong, cases, values):
    """True if a misconception explains every value that came."""
    for case, got in zip(cases, values, strict=True):
        try:
            if not _same(exercise, got, _as_list(wrong(*case), exercise.outputs)):
                return False
        except (ValueError, np.linalg.LinAlgError):
            return False
    return True


def _general_fault(exercise, cases, values, right, index):
    """What can be said of a wrong answer without knowing why it is wrong."""
    got, wanted, where = values[index], right[index], f"case {index + 1} of {len(cases)} ({show(cases[index])})"
    for a, b in zip(got, wanted, strict=True):
        if not _fitting(a, b):
            return f"{where}: the answer has shape {a.shape}; {b.shape} was asked for.{_two_axes(a, b)}"
        if not np.isfinite(a).all():
            return f"{where}: the answer holds NaN or infinity. Look for 0 / 0, log 0 or an overflow in exp."
    if len(cases) > 2 and all(_same(exercise, values[0], other) for other in values[1:]):
        return (
            f"every case gave the same answer, {_show_value(values[0][0])}. Is it computed from the arguments, and "
            "is no comparison always true or always false?"
        )
    which = ""
    if len(got) > 1:
        wrong = [i + 1 for i, (a, b) in enumerate(zip(got, wanted, strict=True)) if not _close_enough(exercise, a, b)]
        which = f" Wrong: value {', '.join(map(str, wrong))} of {len(got)}."
    return (
        f"{where}: your function returned {', '.join(_show_value(a) for a in got)}, and that is not it.{which} "
        "Take an input of two or three small numbers, and compare with pencil and paper."
    )


def _two_axes(got, wanted):
    """What to say where the right numbers lie in one row or column."""
    if got.ndim == 2 and wanted.ndim == 1 and got.size == wanted.size:
        return " One axis too many (np.matrix always has two): np.asarray(answer).ravel() has one."
    return ""


def _as_list(value, outputs):
    """An expectation as a list of arrays."""
    return [np.asarray(value)] if outputs == 1 else [np.asarray(part) for part in value]


def _fitting(got, wanted):
    """Equal shapes; where one number is asked for, any array of one number will do."""
    return got.shape == wanted.shape or (got.size == wanted.size == 1 and wanted.shape == ())


def _same(exercise, got, wanted):
    """True if all arrays agree within the exercise's tolerance."""
    return len(got) == len(wanted) and all(_close_enough(exercise, a, b) for a, b in zip(got, wanted, strict=True))


def _close_enough(exercise, a, b):
    """True if two arrays agree in shape and within the exercise's tolerance."""
    if not _fitting(a, b):
        return False
    a = a.reshape(b.shape)
    if exercise.unordered:
        a, b = (np.sort_complex(np.round(v.astype(complex), 9)) for v in (a, b))
    return np.allclose(a, b, rtol=exercise.rtol, atol=exercise.atol, equal_nan=False)


def show(case):
    """The arguments of a case in a few characters."""
    return ", ".join(_show_value(np.asarray(value)) for value in case)


def _show_value(array):
    """A number as it is, an array by its first numbers."""
    if array.dtype.kind not in "biufc":
        return repr(str(array))[:40]
    flat = [str(number) if array.dtype.kind in "iu" else f"{number:.5g}" for number in array.ravel()[:3]]
    if array.ndim == 0:
        return flat[0]
    return f"array {array.shape} [{', '.join(flat)}{', …' if array.size > 3 else ''}]"
