"""Grades a class: each notebook in a sandbox of its own, judged outside; marks as CSV, feedback as HTML."""

import contextlib
import hashlib
import json
import queue
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aigc_course import checks
from aigc_course.checks.exercise import Answer, Verdict, judge
from aigc_course.grading import sandbox, submissions
from aigc_course.grading.pages import Pages
from aigc_course.grading.report import report  # noqa: F401
from aigc_course.grading.submissions import Refused
from aigc_course.runtime import write_whole

VERSION = 1  # of stored results; another one grades anew
ATTEMPTS = 3  # to start a sandbox


def grade_all(found, assignment, kind, limits, jobs, folders, again=False):
    """Grades submissions, `jobs` at a time, and writes the pages. Returns ({slug: result}, whether Ctrl-C came)."""
    from tqdm import tqdm

    slots, stop, results = queue.SimpleQueue(), threading.Event(), {}
    pages = Pages(found, assignment, folders[1])
    for slot in range(jobs):
        slots.put(slot)

    def work(submission):
        if stop.is_set():
            return None
        slot = slots.get()
        try:
            return grade_or_reuse(submission, assignment, kind, limits, slot, folders[0], again, stop)
        finally:
            slots.put(slot)

    def done(submission, result):
        if result is not None:
            results[submission.slug] = result
            pages.add(submission, result)

    interrupted = False
    with ThreadPoolExecutor(jobs) as pool, tqdm(total=len(found), unit="notebook", file=sys.stderr) as bar:
        waiting = {pool.submit(work, submission): submission for submission in found}
        try:
            for future in as_completed(waiting):
                done(waiting[future], future.result())
                bar.update()
        except KeyboardInterrupt:
            interrupted = True
            stop.set()
            sandbox.end_all("the grader was interrupted")
            for future in waiting:
                future.cancel()
    for future, submission in waiting.items():  # those that ended while the pool was closing
        if future.done() and not future.cancelled() and future.exception() is None and submission.slug not in results:
            done(submission, future.result())
    return results, interrupted


def grade_or_reuse(submission, assignment, kind, limits, slot, folder, again, stop):
    """The result of one submission: the stored one if neither it nor the exercise has changed, else a new one."""
    if submission.unclear:
        return ungraded(assignment, f"not graded: {submission.problem}")
    blob, problem = b"", submission.problem
    if submission.path:
        try:
            blob = submissions.read_blob(submission.path)
        except Refused as error:
            problem = str(error)
    stamp = {"version": VERSION, "assignment": assignment.digest, "checks": checks_digest(),
             "submission": hashlib.sha256(blob).hexdigest(), "problem": problem, "limits": list(limits)}  # fmt: skip
    store = folder / f"{submission.slug}.json"
    if not again:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            stored = json.loads(store.read_text(encoding="utf-8"))
            if stored["stamp"] == stamp and stored["result"]["graded"]:
                return stored["result"]
    try:
        result = grade_one(blob, problem, assignment, kind, limits, slot, stop)
    except sandbox.CannotStart as error:
        result = ungraded(assignment, f"not graded: the sandbox did not start ({error})")
    except Exception as error:  # a defect of ours must not stop the class, nor cost a student marks
        result = ungraded(assignment, f"not graded: {type(error).__name__} in the grader: {error}")
    if result is None:
        return None
    write_text(store, json.dumps({"stamp": stamp, "result": result}, ensure_ascii=True, indent=1))
    return result


def checks_digest():
    """Changes when a check changes: results made with other checks are not used again."""
    files = sorted(Path(checks.__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def grade_one(blob, problem, assignment, kind, limits, slot=0, stop=None):
    """Runs one notebook and judges each exercise.

    Returns:
        dict: graded, seconds, remarks (list), rows: a list of dicts key, points, max, message.
    """
    started = time.monotonic()
    remarks, cells = [], []
    if problem is None:
        try:
            cells, remarks = submissions.read_cells(blob)
        except Refused as error:
            problem = str(error)
    if problem:
        verdicts = {task.key: Verdict(False, problem) for task in assignment.tasks}
    else:
        verdicts, more = examine(cells, assignment, kind, limits, slot, stop)
        if verdicts is None:
            return None
        remarks += more
    rows = [{"key": task.key, "points": task.points if verdicts[task.key].passed else 0, "max": task.points,
             "message": verdicts[task.key].message} for task in assignment.tasks]  # fmt: skip
    return {"graded": True, "seconds": round(time.monotonic() - started, 2), "remarks": remarks[:20], "rows": rows}


def ungraded(assignment, reason):
    """A result without marks: the instructor, not the student, has to do something."""
    rows = [{"key": task.key, "points": None, "max": task.points, "message": reason} for task in assignment.tasks]
    return {"graded": False, "seconds": 0.0, "remarks": [reason], "rows": rows}


def examine(cells, assignment, kind, limits, slot, stop=None):
    """Runs the cells in a sandbox and tries each function as soon as a cell with it has run, and again at the end.

    A cell or a call that ends the sandbox costs what it was about; the rest goes on in a fresh one without it.

    Returns:
        ({key: Verdict}, remarks), or (None, []) if `stop` was set.
    """
    cells = [cell for cell in cells if not submissions.is_check(cell, assignment)]
    places = {task.key: submissions.answer_cells(cells, task) for task in assignment.tasks}
    state = State({}, {}, set(), [])
    deadline = time.monotonic() + 2 * limits.total
    while time.monotonic() < deadline:
        if stop is not None and stop.is_set():
            return None, []
        try:
            with start(kind, limits, slot) as box:
                go_through(box, cells, places, assignment, state)
            return {**state.seen, **state.final}, state.remarks
        except sandbox.Stopped as error:
            learn_from(error, cells, places, state)
    note(state.remarks, "the time for this notebook is used up.")
    missing = Verdict(False, "not reached: the time for this notebook was used up.")
    return {task.key: state.final.get(task.key, missing) for task in assignment.tasks}, state.remarks


@dataclass
class State:
    """What is known of a submission: verdicts that may still change, final ones, cells left out, remarks, the step."""

    seen: dict
    final: dict
    left_out: set
    remarks: list
    doing: tuple = ("setup", 0)

    def is_open(self, key):
        """True while an exercise has neither passed nor been decided."""
        return key not in self.final and not (key in self.seen and self.seen[key].passed)


def go_through(box, cells, places, assignment, state):
    """One pass over the notebook in a fresh sandbox."""
    for number, source in enumerate(assignment.setup):
        state.doing = ("setup", number)
        box.run(source)
    for place, cell in enumerate(cells):
        if place in state.left_out:
            continue
        state.doing = ("cell", place)
        if error := box.run(cell.source):
            note(state.remarks, f"{where(place, cell)}: {error[0]}: {error[1]}")
        for task in assignment.tasks:
            if place in places[task.key] and state.is_open(task.key):
                try_task(box, task, state)
    for task in assignment.tasks:
        if state.is_open(task.key):
            try_task(box, task, state)


def try_task(box, task, state):
    """Tries one function, and keeps the better of this verdict and an earlier one."""
    state.doing = ("call", task.key)
    state.seen[task.key] = better(state.seen.get(task.key), try_out(box, task))


def learn_from(error, cells, places, state):
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
    note(state.remarks, f"{where(what, cells[what])} was stopped: {error}.")
    for key, found in places.items():
        if what in found and set(found) <= state.left_out:
            state.final.setdefault(key, Verdict(False, f"its cell was stopped: {error}."))


@contextlib.contextmanager
def start(kind, limits, slot):
    """A sandbox that has come up, after a few attempts if need be: a machine under load may miss the first."""
    for attempt in range(ATTEMPTS):
        try:
            box = sandbox.Sandbox(kind, limits, slot).__enter__()
            break
        except sandbox.CannotStart:
            if attempt == ATTEMPTS - 1:
                raise
    try:
        yield box
    finally:
        box.__exit__(None, None, None)


def try_out(box, task):
    """The verdict on a function in the sandbox, on fresh inputs from the system's randomness."""
    exercise = checks.EXERCISES[task.key]
    cases = exercise.cases(np.random.default_rng())
    groups, error = box.call(task.function, exercise.how, cases, exercise.outputs)
    answers = [Answer(values) for values in groups]
    if error:
        answers.append(Answer(None, error))
    try:
        return judge(exercise, cases, answers)
    except Exception as error:  # an answer of a kind that nobody thought of
        return Verdict(False, f"the answer could not be compared ({type(error).__name__}).")


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


def write_text(path, text):
    """A text file, whole or not at all."""
    data = text.encode("utf-8", "backslashreplace")
    write_whole(Path(path), lambda part: part.write_bytes(data))
