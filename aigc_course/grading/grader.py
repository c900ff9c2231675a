"""Grades a class: each notebook in a sandbox of its own, judged outside; results are kept, pages come as they are."""

import contextlib
import hashlib
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from aigc_course import checks
from aigc_course.checks.exercise import Verdict
from aigc_course.files import write_whole
from aigc_course.grading import kinds, packages, reading, sandbox, submissions
from aigc_course.grading.examine import examine
from aigc_course.grading.handed_in import HandedIn, Submission
from aigc_course.grading.limits import Limits
from aigc_course.grading.pages import Pages
from aigc_course.grading.results import ExerciseRow, Result
from aigc_course.grading.submissions import Assignment, Refused

__all__ = ["grade_all", "grade_one", "grade_or_reuse"]

_VERSION = 2  # of stored results; another one grades anew
_REMARKS_MOST = 12  # of a notebook


def grade_all(
    found: HandedIn,
    assignment: Assignment,
    kind: str,
    limits: Limits,
    jobs: int,
    folders: tuple[Path, Path],
    again: bool = False,
) -> tuple[dict[str, Result], bool]:
    """Grades submissions, `jobs` at a time, and writes the pages.

    Args:
        found: what was handed in.
        assignment: the `Assignment`.
        kind: of the sandbox, as `kinds.choose` returned it.
        limits: `Limits`.
        jobs: how many at a time.
        folders: where results are stored, and where the pages go.
        again: True to grade what is stored too.

    Returns:
        ({slug: result}, whether Ctrl-C came).
    """
    from tqdm import tqdm

    stop = threading.Event()
    results: dict[str, Result] = {}
    pages = Pages(found, assignment, folders[1])
    _say_what_holds(kind)

    def work(submission: Submission) -> Result | None:
        return None if stop.is_set() else grade_or_reuse(submission, assignment, kind, limits, folders[0], again, stop)

    def done(submission: Submission, result: Result | None) -> None:
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
    if words := packages.lacking_line(results.values(), sys.executable):
        print(words, file=sys.stderr)
    return results, interrupted


def grade_or_reuse(
    submission: Submission,
    assignment: Assignment,
    kind: str,
    limits: Limits,
    folder: Path,
    again: bool,
    stop: threading.Event | None,
) -> Result | None:
    """The result of one submission: the stored one if neither it nor the exercise has changed, else a new one."""
    if submission.unclear:
        return _ungraded(assignment, f"not graded: {submission.problem}")
    blob, problem = b"", submission.problem
    if submission.path:
        try:
            blob = submissions.read_blob(submission.path)
        except Refused as error:
            problem = str(error)
        except OSError as error:
            return _ungraded(assignment, f"not graded: the file cannot be read here ({error.strerror}).")
    stamp = {
        "version": _VERSION,
        "assignment": assignment.digest,
        "checks": _checks_digest(),
        "submission": hashlib.sha256(blob).hexdigest(),
        "problem": problem,
        "limits": list(limits),
        "packages": _packages_digest(kind),
    }
    store = folder / f"{submission.slug}.json"
    if not again:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            stored = json.loads(store.read_text(encoding="utf-8"))
            if stored["stamp"] == stamp and stored["result"]["graded"]:
                return stored["result"]
    try:
        result = grade_one(blob, problem, assignment, kind, limits, stop)
    except kinds.CannotStart as error:
        result = _ungraded(assignment, f"not graded: the sandbox did not start ({error})")
    except Exception as error:  # a defect of ours must not stop the class, nor cost a student marks
        print(f"{submission.slug}: {type(error).__name__}: {error}", file=sys.stderr)  # its text may be the learner's
        result = _ungraded(assignment, f"not graded: {type(error).__name__} in the grader.")
    if result is None:
        return None
    text = json.dumps({"stamp": stamp, "result": result}, ensure_ascii=True, indent=1)
    write_whole(store, lambda part: part.write_bytes(text.encode()))
    return result


def _checks_digest() -> str:
    """Changes when a check changes: results made with other checks are not used again."""
    files = sorted(Path(checks.__file__).parent.rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _packages_digest(kind: str) -> str:
    """Changes when what a submission can import changes."""
    inside = kinds.inside(kind)
    return hashlib.sha256(repr((sorted(inside.modules), inside.python)).encode()).hexdigest()


def _say_what_holds(kind: str) -> None:
    """One line for the instructor: what keeps a submission within its limits on this machine."""
    inside = kinds.inside(kind)
    print(f"Python {inside.python}; limits: {inside.holds}", file=sys.stderr)


def grade_one(
    blob: bytes,
    problem: str | None,
    assignment: Assignment,
    kind: str,
    limits: Limits,
    stop: threading.Event | None = None,
) -> Result | None:
    """Runs one notebook and judges each exercise.

    Args:
        blob: the notebook's bytes.
        problem: why there is nothing to run, or None.
        assignment: the `Assignment`.
        kind: of the sandbox.
        limits: `Limits`.
        stop: set where the run is to end.

    Returns:
        The result; None if `stop` was set.
    """
    started = time.monotonic()
    remarks: list[str] = []
    lacking: list[str] = []
    cells: list[reading.Cell] = []
    if problem is None:
        try:
            cells, remarks = reading.read_cells(blob)
        except Refused as error:
            problem = str(error)
    if problem:
        verdicts = {task.key: Verdict(False, problem) for task in assignment.tasks}
    else:
        found, more, lacking = examine(cells, assignment, kind, limits, stop)
        if found is None:
            return None
        verdicts = found
        remarks += more
    rows = [_row(task, verdicts[task.key]) for task in assignment.tasks]
    seconds = round(time.monotonic() - started, 2)
    return {"graded": True, "seconds": seconds, "remarks": remarks[:_REMARKS_MOST], "rows": rows, "lacking": lacking}


def _row(task: submissions.Task, verdict: Verdict) -> ExerciseRow:
    """A task's row: all points or none."""
    points = task.points if verdict.passed else 0
    return {"key": task.key, "points": points, "max": task.points, "message": verdict.message}


def _ungraded(assignment: Assignment, reason: str) -> Result:
    """A result without marks: the instructor, not the student, has to do something."""
    rows: list[ExerciseRow] = [
        {"key": task.key, "points": None, "max": task.points, "message": reason} for task in assignment.tasks
    ]
    return {"graded": False, "seconds": 0.0, "remarks": [reason], "rows": rows}
