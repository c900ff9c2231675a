"""What a grading run leaves: the tables, and what is said at its end."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from aigc_course.grading import tables
from aigc_course.grading.handed_in import HandedIn
from aigc_course.grading.results import Result, combine
from aigc_course.grading.safetext import say
from aigc_course.grading.submissions import Assignment

__all__ = ["report"]

_SHOWN = 20  # files and warnings that the terminal names; the tables have all


def report(
    results: Mapping[str, Result],
    found: HandedIn,
    assignment: Assignment,
    out: str | Path,
    pages: str | Path,
    interrupted: bool = False,
    exports: Iterable[str] = (),
    column: str | None = None,
) -> int:
    """Writes the tables and says where things are.

    Args:
        results: {slug of a submission: result}.
        found: a `HandedIn`.
        assignment: the `Assignment`.
        out: path of the marks; the other tables stand beside it.
        pages: folder of the pages.
        interrupted: True after Ctrl-C.
        exports: names of `tables.EXPORTS`.
        column: what the imports call the assignment.

    Returns:
        0; 1 where a file or a person was not graded, or is in no export; 130 after Ctrl-C.
    """
    out = Path(out)
    totals, listed = tables.beside(out)["totals"], tables.beside(out)["not_graded"]
    marks = combine(found, results)
    tables.write_table(out, tables.marks_table(marks, assignment))
    tables.write_table(totals, tables.totals_table(marks, assignment))
    tables.write_table(listed, tables.not_graded_table(found.not_graded))
    lines, missing = tables.write_exports(exports, marks, found.people, assignment, out, column)
    for line in lines:
        say(line)
    _tell(found.warnings, "note")
    counted = [item for item in found.not_graded if not item.own]
    _tell([f"{item.file}: {item.reason}" for item in counted], "not graded")
    if interrupted:
        say("interrupted; what is graded is kept. Give the same command again to go on.", sys.stderr)
    if failed := sum(mark.points is None for mark in marks):
        say(f"{failed} could not be graded; the remarks say why. Their points are left empty.", sys.stderr)
    graded = _count(sum(submission.slug in results for submission in found if submission.path), "file")
    where = f"{out}, {totals}, pages in {pages}/"
    rest = f"{_count(len(counted), 'file')} not graded" + (f": {listed}" if counted else "")
    say(f"{len(marks)} of {len(found.people)} people, {graded} graded: {where}; {rest}")
    return 130 if interrupted else 1 if failed or counted or missing else 0


def _count(number: int, what: str) -> str:
    """A number with its noun."""
    return f"{number} {what}{'s' * (number != 1)}"


def _tell(lines: list[str], what: str) -> None:
    """Names the first lines of a list."""
    for line in lines[:_SHOWN]:
        say(f"{what}: {line}", sys.stderr)
    if len(lines) > _SHOWN:
        say(f"{what}: and {len(lines) - _SHOWN} more", sys.stderr)
