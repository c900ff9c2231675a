"""The command `python -m aigc_course grade`: its arguments, and the order of its steps."""

import argparse
import sys
from pathlib import Path
from typing import Any

from aigc_course import runtime
from aigc_course.errors import CourseError

__all__ = ["add_parser", "grade"]


def add_parser(commands: Any) -> None:
    """The command `grade` for the course's command line."""
    parser = commands.add_parser("grade", help="grade a folder of submissions in a sandbox")
    parser.add_argument("submissions", metavar="SUBMISSIONS", help="folder: one sub-folder or one notebook a student")
    parser.add_argument("--assignment", required=True, help="for example 02_minimax_game")
    parser.add_argument("--out", default="grades.csv", help="the marks, a line an exercise (default grades.csv)")
    parser.add_argument("--feedback", default="feedback", help="folder for a page a student (default feedback)")
    parser.add_argument("--roster", default=None, help="CSV with file, id, name: who each file is of")
    exports = ["moodle", "moodle-worksheet", "canvas"]
    words = "also a file for this import (may be given more than once)"
    parser.add_argument("--export", action="append", default=[], choices=exports, help=words)
    parser.add_argument("--column", default=None, help="what the import calls the assignment (default: its name)")
    parser.add_argument("--exercises", default=None, help="folder of the released exercises (default: the course's)")
    parser.add_argument("--jobs", type=int, default=None, help="submissions at a time (default: the number of cores)")
    parser.add_argument("--seconds", type=float, default=60, help="for one cell or one call (default 60)")
    parser.add_argument("--total", type=float, default=300, help="seconds for one submission (default 300)")
    words = "packages that the class may use: checks that the grader has them"
    parser.add_argument("--with", dest="packages", default=None, metavar="PANDAS,SCIKIT-LEARN", help=words)
    parser.add_argument("--again", action="store_true", help="grade anew what was graded before")
    parser.add_argument("--no-sandbox", action="store_true", help="run submissions unprotected (dangerous)")


def grade(arguments: argparse.Namespace) -> int:
    """The command `grade`; returns 0, 1 (some could not be graded) or 130 (Ctrl-C: what is done is kept)."""
    from aigc_course import checks
    from aigc_course.grading import grader, kinds, layout, tables
    from aigc_course.grading.collect import collect
    from aigc_course.grading.limits import Limits
    from aigc_course.grading.packages import require
    from aigc_course.grading.report import report
    from aigc_course.grading.roster import read_roster
    from aigc_course.grading.submissions import load_assignment

    assignment = load_assignment(arguments.assignment, arguments.exercises or layout.PACKAGE.parent / "exercises")
    unknown = [task.key for task in assignment.tasks if not checks.is_known(task.key)]
    if unknown:
        raise CourseError(f"{arguments.assignment} names exercises that have no check: {', '.join(unknown)}.")
    jobs = arguments.jobs if arguments.jobs is not None else runtime.cores()
    if jobs < 1 or not (arguments.seconds > 0 and arguments.total > 0):
        raise CourseError("--jobs, --seconds and --total must be above 0.")
    out, pages = Path(arguments.out), Path(arguments.feedback)
    store = out.with_name(f".{out.stem}.graded")  # not among the pages: those go to students
    roster = read_roster(arguments.roster) if arguments.roster else None
    made = [store, pages, out, *tables.beside(out).values(), *([arguments.roster] if arguments.roster else [])]
    found = collect(arguments.submissions, assignment.name, roster, made)
    for name in arguments.export:
        tables.check_export(name, found)
    _make_folders(store, pages)
    kind = kinds.choose(arguments.no_sandbox)
    start = f"{len(found.people)} people, {len(found)} submissions, sandbox: {kind}, {jobs} at a time"
    print(kinds.NO_SANDBOX if kind == "none" else start, file=sys.stderr)
    if arguments.packages is not None:
        print(f"also there: {require(arguments.packages, kinds.inside(kind), sys.executable)}", file=sys.stderr)
    limits = Limits(step=arguments.seconds, total=arguments.total)
    results, interrupted = grader.grade_all(found, assignment, kind, limits, jobs, (store, pages), arguments.again)
    exports = dict.fromkeys(arguments.export)  # each once
    return report(results, found, assignment, out, pages, interrupted, exports, arguments.column)


def _make_folders(*folders: Path) -> None:
    """Makes folders before any work is done."""
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CourseError(f"{folder} cannot be made: {error.strerror}. Choose another place.") from error
