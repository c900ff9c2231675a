"""Grades a class: each notebook in a sandbox of its own, judged outside; marks as CSV, feedback as HTML."""

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
from aigc_course.grading import packages, reading, sandbox, submissions
from aigc_course.grading.examine import examine
from aigc_course.grading.pages import Pages
from aigc_course.grading.report import report  # noqa: F401
from aigc_course.grading.submissions import Refused
from aigc_course.runtime import write_whole

VERSION = 2  # of stored results; another one grades anew
REMARKS_MOST = 12  # of a notebook


def grade_all(found, assignment, kind, limits, jobs, folders, again=False):
    """Grades submissions, `jobs` at a time, and writes the pages. Returns ({slug: result}, whether Ctrl-C came)."""
    from tqdm import tqdm

    stop, results = threading.Event(), {}
    pages = Pages(found, assignment, folders[1])
    say_what_holds(kind)

    def work(submission):
        return None if stop.is_set() else grade_or_reuse(submission, assignment, kind, limits, folders[0], again, stop)

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
    if words := packages.lacking(results.values(), sys.executable):
        print(words, file=sys.stderr)
    return results, interrupted


def grade_or_reuse(submission, assignment, kind, limits, folder, again, stop):
    """The result of one submission: the stored one if neither it nor the exercise has changed, else a new one."""
    if submission.unclear:
        return ungraded(assignment, f"not graded: {submission.problem}")
    blob, problem = b"", submission.problem
    if submission.path:
        try:
            blob = submissions.read_blob(submission.path)
        except Refused as error:
            problem = str(error)
        except OSError as error:
            return ungraded(assignment, f"not graded: the file cannot be read here ({error.strerror}).")
    stamp = {"version": VERSION, "assignment": assignment.digest, "checks": checks_digest(),
             "submission": hashlib.sha256(blob).hexdigest(), "problem": problem, "limits": list(limits),
             "packages": packages_digest(kind)}  # fmt: skip
    store = folder / f"{submission.slug}.json"
    if not again:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            stored = json.loads(store.read_text(encoding="utf-8"))
            if stored["stamp"] == stamp and stored["result"]["graded"]:
                return stored["result"]
    try:
        result = grade_one(blob, problem, assignment, kind, limits, stop)
    except sandbox.CannotStart as error:
        result = ungraded(assignment, f"not graded: the sandbox did not start ({error})")
    except Exception as error:  # a defect of ours must not stop the class, nor cost a student marks
        print(f"{submission.slug}: {type(error).__name__}: {error}", file=sys.stderr)  # its text may be the learner's
        result = ungraded(assignment, f"not graded: {type(error).__name__} in the grader.")
    if result is None:
        return None
    write_text(store, json.dumps({"stamp": stamp, "result": result}, ensure_ascii=True, indent=1))
    return result


def checks_digest():
    """Changes when a check changes: results made with other checks are not used again."""
    files = sorted(Path(checks.__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def packages_digest(kind):
    """Changes when what a submission can import changes."""
    inside = sandbox.inside(kind)
    return hashlib.sha256(repr((sorted(inside.modules), inside.python)).encode()).hexdigest()


def say_what_holds(kind):
    """One line for the instructor: what keeps a submission within its limits on this machine."""
    inside = sandbox.inside(kind)
    print(f"Python {inside.python}; limits: {inside.holds}", file=sys.stderr)


def grade_one(blob, problem, assignment, kind, limits, stop=None):
    """Runs one notebook and judges each exercise.

    Returns:
        dict: graded, seconds, remarks (list), lacking (modules that the grader has not), rows: a list of dicts key,
        points, max, message.
    """
    started = time.monotonic()
    remarks, cells, lacking = [], [], []
    if problem is None:
        try:
            cells, remarks = reading.read_cells(blob)
        except Refused as error:
            problem = str(error)
    if problem:
        verdicts = {task.key: Verdict(False, problem) for task in assignment.tasks}
    else:
        verdicts, more, lacking = examine(cells, assignment, kind, limits, stop)
        if verdicts is None:
            return None
        remarks += more
    rows = [{"key": task.key, "points": task.points if verdicts[task.key].passed else 0, "max": task.points,
             "message": verdicts[task.key].message} for task in assignment.tasks]  # fmt: skip
    seconds = round(time.monotonic() - started, 2)
    return {"graded": True, "seconds": seconds, "remarks": remarks[:REMARKS_MOST], "rows": rows, "lacking": lacking}


def ungraded(assignment, reason):
    """A result without marks: the instructor, not the student, has to do something."""
    rows = [{"key": task.key, "points": None, "max": task.points, "message": reason} for task in assignment.tasks]
    return {"graded": False, "seconds": 0.0, "remarks": [reason], "rows": rows}


def write_text(path, text):
    """A text file, whole or not at all."""
    data = text.encode("utf-8", "backslashreplace")
    write_whole(Path(path), lambda part: part.write_bytes(data))
