"""One notebook: its cells run in a sandbox, its functions are tried; what ends a sandbox is left out of the next."""

import contextlib
import time
from dataclasses import dataclass, field

import numpy as np

from aigc_course import checks
from aigc_course.checks.exercise import Answer, Verdict, judge, judge_restart
from aigc_course.grading import packages, reading, sandbox, wording

ATTEMPTS = 3  # to start a sandbox
END = "end"  # the place behind the last cell


@dataclass
class Notebook:
    """What stays the same: the cells, the places of each task's versions, the assignment, what is in the sandbox."""

    cells: list
    places: dict
    assignment: object
    inside: object

    @property
    def unknown(self):
        """Names that nothing in the notebook explains."""
        explained = frozenset().union(*(cell.defines for cell in self.cells))
        return frozenset().union(*(cell.unknown for cell in self.cells)) - explained


@dataclass
class State:
    """What is known of a submission: verdicts that may still change, final ones, cells left out, remarks, the step.

    judged holds every try, {(key, place): (verdict, error)}: a version is tried once, in however many sandboxes.
    """

    seen: dict = field(default_factory=dict)
    final: dict = field(default_factory=dict)
    left_out: set = field(default_factory=set)
    remarks: list = field(default_factory=list)
    judged: dict = field(default_factory=dict)
    lacking: dict = field(default_factory=dict)  # place of a cell, or key of a task: modules that it did not find
    doing: tuple = ("setup", 0)

    def lacked(self):
        """The modules that cells wanted and did not find."""
        return sorted({name for names in self.lacking.values() for name in names})

    def is_open(self, key):
        """True while an exercise has neither passed nor been decided."""
        return key not in self.final and not (key in self.seen and self.seen[key].passed)


def examine(cells, assignment, kind, limits, stop=None):
    """Runs the cells in a sandbox and tries each function as soon as a cell with it has run, and perhaps at the end.

    A cell or a call that ends the sandbox costs what it was about; the rest goes on in a fresh one without it.

    Returns:
        ({key: Verdict}, remarks, modules that a cell wanted and the grader lacks); None, [], [] if `stop` was set.
    """
    cells = [cell for cell in cells if not reading.is_check(cell)]
    places = {task.key: reading.versions(cells, task) for task in assignment.tasks}
    book, state = Notebook(cells, places, assignment, sandbox.inside(kind)), State()
    deadline = time.monotonic() + 2 * limits.total
    while time.monotonic() < deadline:
        if stop is not None and stop.is_set():
            return None, [], []
        try:
            with start(kind, limits) as box:
                go_through(box, book, state)
            return {**state.seen, **state.final}, state.remarks, state.lacked()
        except sandbox.Stopped as error:
            learn_from(error, book, state)
    note(state.remarks, "the time for this notebook is used up.")
    missing = Verdict(False, "not reached: the time for this notebook was used up.")
    verdicts = {task.key: state.final.get(task.key, missing) for task in assignment.tasks}
    return verdicts, state.remarks, state.lacked()


def go_through(box, book, state):
    """One pass over the notebook in a fresh sandbox."""
    for number, source in enumerate(book.assignment.setup):
        state.doing = ("setup", number)
        box.run(source)
    for place, cell in enumerate(book.cells):
        if place in state.left_out:
            continue
        state.doing = ("cell", place)
        if error := wording.safe(box.run(cell.source), book.unknown):
            remember(error, place, book, state)
        for task in book.assignment.tasks:
            if place in book.places[task.key] and state.is_open(task.key):
                try_task(box, task, place, book, state)
    for task in book.assignment.tasks:
        if state.is_open(task.key) and worth_another(task, book, state):
            try_task(box, task, END, book, state)


def remember(error, place, book, state):
    """A remark on a cell that failed, missing packages first."""
    kind, names = error[0], []
    if kind in ("ImportError", "ModuleNotFoundError"):
        names = state.lacking[place] = packages.missing(book.cells, place, book.inside.modules)
    front = packages.lead(names, book.inside.modules) if names else ""
    version = f" (the grader has Python {book.inside.python})" if kind == "SyntaxError" else ""
    said = ": ".join(part for part in error if part)
    note(state.remarks, f"{where(place, book.cells[place])}: {front}{said}{version}")


def worth_another(task, book, state):
    """True if a function may do better at the end than behind its cell: it could not run there, or what it uses is new.

    A version that ran and was wrong is not asked again: it could answer by a count of its calls.
    """
    tried = [place for place in book.places[task.key] if (task.key, place) in state.judged]
    if not tried or (task.key, END) in state.judged:
        return not tried and (task.key, END) not in state.judged
    place = tried[-1]
    return state.judged[task.key, place][1] is not None or reading.changed_later(book.cells, task, place)


def try_task(box, task, place, book, state):
    """Tries one function, and keeps the better of this verdict and an earlier one."""
    if (task.key, place) not in state.judged:
        state.doing = ("call", task.key)
        state.judged[task.key, place] = try_out(box, task, place, book, state)
    state.seen[task.key] = better(state.seen.get(task.key), state.judged[task.key, place][0])


def learn_from(error, book, state):
    """After the end of a sandbox: what passed stays, what ended it is not tried again.

    An answer that failed before may have left something behind, a process or a forged reply: unless time ran out, it is
    the first to be left out, and what came after it gets another chance.
    """
    state.final |= {key: verdict for key, verdict in state.seen.items() if verdict.passed}
    failed = {key: verdict for key, verdict in state.seen.items() if not verdict.passed}
    state.seen = {}
    kind, what = state.doing
    if failed and kind != "setup" and "ran for more than" not in str(error):
        state.final |= failed
        return
    if kind == "setup":
        raise sandbox.CannotStart(f"the exercise's own setup cell was stopped: {error}") from error
    if kind == "call":
        state.final.setdefault(what, Verdict(False, f"stopped: {error}."))
        return
    state.left_out.add(what)
    note(state.remarks, f"{where(what, book.cells[what])} was stopped: {error}.")
    for key, found in book.places.items():
        if what in found and set(found) <= state.left_out:
            state.final.setdefault(key, Verdict(False, f"its cell was stopped: {error}."))


@contextlib.contextmanager
def start(kind, limits):
    """A sandbox that has come up, after a few attempts if need be: a machine under load may miss the first."""
    for attempt in range(ATTEMPTS):
        try:
            box = sandbox.Sandbox(kind, limits).__enter__()
            break
        except sandbox.CannotStart:
            if attempt == ATTEMPTS - 1:
                raise
    try:
        yield box
    finally:
        box.__exit__(None, None, None)


def try_out(box, task, place, book, state):
    """(verdict, error) of a function in the sandbox, on fresh inputs from the system's randomness."""
    exercise = checks.EXERCISES[task.key]
    cases = exercise.cases(np.random.default_rng())
    groups, error = box.call(task.function, exercise.how, cases, exercise.outputs)
    if not all(wording.trusted(values, exercise.how) for values in groups):
        box.fail(sandbox.UNASKED)
    answers = [Answer(values) for values in groups]
    if error := wording.safe(error, book.unknown):
        answers.append(Answer(None, error))
    try:
        verdict = judge(exercise, cases, answers)
        if verdict.passed and exercise.restart:
            first = [answers[number] for number in exercise.restart(cases)]
            again = after_a_restart(box, task, place_of(place, book), book, state, cases)
            second = judge_restart(exercise, first, again)
            verdict = verdict if second.passed else second
    except sandbox.Stopped:
        raise
    except Exception as failure:  # an answer of a kind that nobody thought of
        return Verdict(False, f"the answer could not be compared ({type(failure).__name__})."), None
    return (verdict if verdict.passed else explained(verdict, error, task, place, book, state)), error


def place_of(place, book):
    """The place of the last cell that a function may use."""
    return len(book.cells) - 1 if place == END else place


def after_a_restart(box, task, last, book, state, cases):
    """The answers of the same function in a sandbox that has answered nothing before: what one process drew is gone."""
    exercise = checks.EXERCISES[task.key]
    with start(box.kind, box.limits) as fresh:
        for source in book.assignment.setup:
            fresh.run(source)
        for place, cell in enumerate(book.cells[: last + 1]):
            if place not in state.left_out:
                fresh.run(cell.source)
        asked = [cases[place] for place in exercise.restart(cases)]
        groups, error = fresh.call(task.function, exercise.how, asked, exercise.outputs)
    error = wording.safe(error, book.unknown)
    return [*map(Answer, groups), *([Answer(None, error)] if error else [])]


def explained(verdict, error, task, place, book, state):
    """A refusal with the missing package in front, where one is the reason: the words behind would mislead."""
    kind = error[0] if error else ""
    last = len(book.cells) if place == END else place + 1
    names = []
    if kind in ("Missing", "NameError"):  # a cell stopped at its import, and what stands below it was never made
        above = [found for there, found in state.lacking.items() if isinstance(there, int) and there < last]
        names = [name for found in above for name in found]
    elif kind in ("ModuleNotFoundError", "ImportError"):
        mine = [there for there in book.places[task.key] if there < last]
        names = [name for there in mine for name in packages.missing(book.cells, there, book.inside.modules)]
        state.lacking[task.key] = names
    front = packages.lead(list(dict.fromkeys(names)), book.inside.modules) if names else ""
    return Verdict(False, front + verdict.message)


def better(first, second):
    """The one that passed; of two that failed, the first, unless it only lacked the function."""
    if first is None or second.passed:
        return second
    return second if "there is no function" in first.message else first


def note(remarks, text):
    """Adds a remark once."""
    if text not in remarks:
        remarks.append(text)


def where(place, cell):
    """A code cell by its place and its first line, to find it again."""
    first = next((line.strip()[:40] for line in cell.source.splitlines() if line.strip()), "")
    return f"code cell {place + 1} ({first})"
