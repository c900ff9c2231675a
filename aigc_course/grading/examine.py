"""One notebook: its cells run in a sandbox, its functions are tried; what ends a sandbox is left out of the next."""

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from aigc_course import checks
from aigc_course.checks.exercise import Answer, Verdict, judge, judge_restart
from aigc_course.grading import packages, reading, wording
from aigc_course.grading.kinds import CannotStart, Inside, inside
from aigc_course.grading.limits import Limits
from aigc_course.grading.reading import Cell
from aigc_course.grading.sandbox import UNASKED, Sandbox, SandboxEnded
from aigc_course.grading.submissions import Assignment, Task

__all__ = ["examine"]

_ATTEMPTS = 3  # to start a sandbox
_END = -1  # stands for the place behind the last cell

_Error = tuple[str, str]  # class and text of an exception, as a page may say them


@dataclass
class _Book:
    """What stays the same: the cells, the places of each task's versions, the assignment, what is in the sandbox."""

    cells: list[Cell]
    places: dict[str, list[int]]
    assignment: Assignment
    inside: Inside

    @property
    def unknown(self) -> frozenset[str]:
        """Names that nothing in the notebook explains."""
        nothing: frozenset[str] = frozenset()
        explained = nothing.union(*(cell.defines for cell in self.cells))
        return nothing.union(*(cell.unknown for cell in self.cells)) - explained


class _Step(NamedTuple):
    """What goes on in the sandbox: the setup, the cell at a place, or the calls of the function of a task."""

    kind: str
    place: int = 0
    key: str = ""


@dataclass
class _State:
    """What is known of a submission: verdicts that may still change, final ones, cells left out, remarks, the step.

    judged holds every try, {(key, place): (verdict, error)}: a version is tried once, in however many sandboxes.
    """

    seen: dict[str, Verdict] = field(default_factory=dict)
    final: dict[str, Verdict] = field(default_factory=dict)
    left_out: set[int] = field(default_factory=set)
    remarks: list[str] = field(default_factory=list)
    judged: dict[tuple[str, int], tuple[Verdict, _Error | None]] = field(default_factory=dict)
    lacking: dict[int | str, list[str]] = field(default_factory=dict)  # of a cell's place, or a task's key: modules
    doing: _Step = field(default_factory=lambda: _Step("setup"))

    def lacked(self) -> list[str]:
        """The modules that cells wanted and did not find."""
        return sorted({name for names in self.lacking.values() for name in names})

    def is_open(self, key: str) -> bool:
        """True while an exercise has neither passed nor been decided."""
        return key not in self.final and not (key in self.seen and self.seen[key].passed)


def examine(
    cells: list[Cell], assignment: Assignment, kind: str, limits: Limits, stop: threading.Event | None = None
) -> tuple[dict[str, Verdict] | None, list[str], list[str]]:
    """Runs the cells in a sandbox and tries each function as soon as a cell with it has run, and perhaps at the end.

    A cell or a call that ends the sandbox costs what it was about; the rest goes on in a fresh one without it.

    Returns:
        ({key: Verdict}, remarks, modules that a cell wanted and the grader lacks); None, [], [] if `stop` was set.
    """
    cells = [cell for cell in cells if not reading.is_check(cell)]
    places = {task.key: reading.places_to_try(cells, task) for task in assignment.tasks}
    book, state = _Book(cells, places, assignment, inside(kind)), _State()
    deadline = time.monotonic() + 2 * limits.total
    while time.monotonic() < deadline:
        if stop is not None and stop.is_set():
            return None, [], []
        try:
            with _fresh_sandbox(kind, limits) as box:
                _go_through(box, book, state)
            return {**state.seen, **state.final}, state.remarks, state.lacked()
        except SandboxEnded as error:
            _learn_from(error, book, state)
    _note(state.remarks, "the time for this notebook is used up.")
    missing = Verdict(False, "not reached: the time for this notebook was used up.")
    verdicts = {task.key: state.final.get(task.key, missing) for task in assignment.tasks}
    return verdicts, state.remarks, state.lacked()


def _go_through(box: Sandbox, book: _Book, state: _State) -> None:
    """One pass over the notebook in a fresh sandbox."""
    state.doing = _Step("setup")
    for source in book.assignment.setup:
        box.run(source)
    for place, cell in enumerate(book.cells):
        if place in state.left_out:
            continue
        state.doing = _Step("cell", place=place)
        if error := wording.safe_error(box.run(cell.source), book.unknown):
            _remember(error, place, book, state)
        for task in book.assignment.tasks:
            if place in book.places[task.key] and state.is_open(task.key):
                _try_task(box, task, place, book, state)
    for task in book.assignment.tasks:
        if state.is_open(task.key) and _worth_another(task, book, state):
            _try_task(box, task, _END, book, state)


def _remember(error: _Error, place: int, book: _Book, state: _State) -> None:
    """A remark on a cell that failed, missing packages first."""
    kind = error[0]
    names: list[str] = []
    if kind in ("ImportError", "ModuleNotFoundError"):
        names = state.lacking[place] = packages.missing_modules(book.cells, place, book.inside.modules)
    front = packages.words_in_front(names, book.inside.modules) if names else ""
    version = f" (the grader has Python {book.inside.python})" if kind == "SyntaxError" else ""
    said = ": ".join(part for part in error if part)
    _note(state.remarks, f"{_where(place, book.cells[place])}: {front}{said}{version}")


def _worth_another(task: Task, book: _Book, state: _State) -> bool:
    """True if a function may do better at the end than behind its cell: it could not run there, or what it uses is new.

    A version that ran and was wrong is not asked again: it could answer by a count of its calls.
    """
    tried = [place for place in book.places[task.key] if (task.key, place) in state.judged]
    if not tried or (task.key, _END) in state.judged:
        return not tried and (task.key, _END) not in state.judged
    place = tried[-1]
    return state.judged[task.key, place][1] is not None or reading.changed_later(book.cells, task, place)


def _try_task(box: Sandbox, task: Task, place: int, book: _Book, state: _State) -> None:
    """Tries one function, and keeps the better of this verdict and an earlier one."""
    if (task.key, place) not in state.judged:
        state.doing = _Step("call", key=task.key)
        state.judged[task.key, place] = _try_out(box, task, place, book, state)
    state.seen[task.key] = _better(state.seen.get(task.key), state.judged[task.key, place][0])


def _learn_from(error: SandboxEnded, book: _Book, state: _State) -> None:
    """After the end of a sandbox: what passed stays, what ended it is not tried again.

    An answer that failed before may have left something behind, a process or a forged reply: unless time ran out, it is
    the first to be left out, and what came after it gets another chance.
    """
    state.final |= {key: verdict for key, verdict in state.seen.items() if verdict.passed}
    failed = {key: verdict for key, verdict in state.seen.items() if not verdict.passed}
    state.seen = {}
    kind, place, key = state.doing
    if failed and kind != "setup" and "ran for more than" not in str(error):
        state.final |= failed
        return
    if kind == "setup":
        raise CannotStart(f"the exercise's own setup cell was stopped: {error}") from error
    if kind == "call":
        state.final.setdefault(key, Verdict(False, f"stopped: {error}."))
        return
    state.left_out.add(place)
    _note(state.remarks, f"{_where(place, book.cells[place])} was stopped: {error}.")
    for key, found in book.places.items():
        if place in found and set(found) <= state.left_out:
            state.final.setdefault(key, Verdict(False, f"its cell was stopped: {error}."))


@contextlib.contextmanager
def _fresh_sandbox(kind: str, limits: Limits) -> Iterator[Sandbox]:
    """A sandbox that has come up, after a few attempts if need be: a machine under load may miss the first."""
    for attempt in range(_ATTEMPTS):
        try:
            box = Sandbox(kind, limits).__enter__()
            break
        except CannotStart:
            if attempt == _ATTEMPTS - 1:
                raise
    try:
        yield box
    finally:
        box.__exit__(None, None, None)


def _try_out(box: Sandbox, task: Task, place: int, book: _Book, state: _State) -> tuple[Verdict, _Error | None]:
    """(verdict, error) of a function in the sandbox, on fresh inputs from the system's randomness."""
    exercise = checks.find(task.key)
    cases = exercise.cases(np.random.default_rng())
    groups, said = box.call(task.function, exercise.how, cases, exercise.outputs)
    if not all(wording.is_trusted(values, exercise.how) for values in groups):
        box.fail(UNASKED)
    answers = [Answer(values) for values in groups]
    if error := wording.safe_error(said, book.unknown):
        answers.append(Answer(None, error))
    try:
        verdict = judge(exercise, cases, answers)
        if verdict.passed and exercise.restart:
            first = [answers[number] for number in exercise.restart(cases)]
            again = _after_a_restart(box, task, _last_usable(place, book), book, state, cases)
            second = judge_restart(exercise, first, again)
            verdict = verdict if second.passed else second
    except SandboxEnded:
        raise
    except Exception as failure:  # an answer of a kind that nobody thought of
        return Verdict(False, f"the answer could not be compared ({type(failure).__name__})."), None
    return (verdict if verdict.passed else _explained(verdict, error, task, place, book, state)), error


def _last_usable(place: int, book: _Book) -> int:
    """The place of the last cell that a function may use."""
    return len(book.cells) - 1 if place == _END else place


def _after_a_restart(
    box: Sandbox, task: Task, last: int, book: _Book, state: _State, cases: list[tuple[Any, ...]]
) -> list[Answer]:
    """The answers of the same function in a sandbox that has answered nothing before: what one process drew is gone."""
    exercise = checks.find(task.key)
    with _fresh_sandbox(box.kind, box.limits) as fresh:
        for source in book.assignment.setup:
            fresh.run(source)
        for place, cell in enumerate(book.cells[: last + 1]):
            if place not in state.left_out:
                fresh.run(cell.source)
        asked = [cases[place] for place in exercise.restart(cases)]
        groups, said = fresh.call(task.function, exercise.how, asked, exercise.outputs)
    error = wording.safe_error(said, book.unknown)
    return [*map(Answer, groups), *([Answer(None, error)] if error else [])]


def _explained(verdict: Verdict, error: _Error | None, task: Task, place: int, book: _Book, state: _State) -> Verdict:
    """A refusal with the missing package in front, where one is the reason: the words behind would mislead."""
    kind = error[0] if error else ""
    last = _last_usable(place, book) + 1
    names: list[str] = []
    if kind in ("Missing", "NameError"):  # a cell stopped at its import, and what stands below it was never made
        above = [found for there, found in state.lacking.items() if isinstance(there, int) and there < last]
        names = [name for found in above for name in found]
    elif kind in ("ModuleNotFoundError", "ImportError"):
        mine = [there for there in book.places[task.key] if there < last]
        names = [name for there in mine for name in packages.missing_modules(book.cells, there, book.inside.modules)]
        state.lacking[task.key] = names
    front = packages.words_in_front(list(dict.fromkeys(names)), book.inside.modules) if names else ""
    return Verdict(False, front + verdict.message)


def _better(first: Verdict | None, second: Verdict) -> Verdict:
    """The one that passed; of two that failed, the first, unless it only lacked the function."""
    if first is None or second.passed:
        return second
    return second if "there is no function" in first.message else first


def _note(remarks: list[str], text: str) -> None:
    """Adds a remark once."""
    if text not in remarks:
        remarks.append(text)


def _where(place: int, cell: Cell) -> str:
    """A code cell by its place and its first line, to find it again."""
    first = next((line.strip()[:40] for line in cell.source.splitlines() if line.strip()), "")
    return f"code cell {place + 1} ({first})"
