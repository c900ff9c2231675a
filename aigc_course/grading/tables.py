"""The tables: marks for the instructor, what was not graded, and files for Moodle's and Canvas' own imports."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from aigc_course.errors import CourseError
from aigc_course.files import write_whole
from aigc_course.grading import pages
from aigc_course.grading.handed_in import NotGraded, Submission
from aigc_course.grading.people import Key, Person
from aigc_course.grading.piles import number_holders
from aigc_course.grading.results import Mark
from aigc_course.grading.safetext import is_plain, safe_cell
from aigc_course.grading.submissions import Assignment

__all__ = [
    "EXPORTS",
    "Export",
    "beside",
    "check_export",
    "marks_table",
    "not_graded_table",
    "totals_table",
    "write_exports",
    "write_table",
]

_COLUMNS = ("id", "student", "file", "late", "assignment", "exercise", "points", "max", "remarks")
_TOTALS = ("student_id", "student", "file", "late", "assignment", "raw_score", "score", "max_score")
_MOODLE_KEYS = {  # what a person is known by, and Moodle's name of it
    "id_number": "ID number",
    "email": "Email address",
    "username": "Username",
    "user_id": "User ID",
}
_SHOWN = 10  # people that a report names
_POINTS_POSSIBLE = "    Points Possible"  # by these words Canvas knows the line


@dataclass(frozen=True)
class Export:
    """A file for an import: its lines, and who is not in it, with the reason."""

    lines: list[Sequence[object]]
    left_out: list[tuple[str, str]]


def beside(out: Path) -> dict[str, Path]:
    """{what: path} of the tables that stand beside the marks."""
    names = ("totals", "not_graded", *EXPORTS)
    return {name: out.with_name(f"{out.stem}.{name}{out.suffix or '.csv'}") for name in names}


def write_table(path: str | Path, lines: Iterable[Sequence[object]]) -> None:
    """A CSV file, whole or not at all, in UTF-8 with the mark that Excel wants; no cell can be a formula."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([safe_cell(value) for value in line] for line in lines)
    data = buffer.getvalue().encode("utf-8-sig", "backslashreplace")
    write_whole(Path(path), lambda part: part.write_bytes(data))


def marks_table(marks: Iterable[Mark], assignment: Assignment) -> Iterator[Sequence[object]]:
    """A line an exercise of each person."""
    yield _COLUMNS
    for mark in marks:
        for place, row in enumerate(mark.result["rows"]):
            remarks = " ".join([*(mark.notes if place == 0 else ()), row["message"]])
            yield (*_who(mark), assignment.name, row["key"], _filled(row["points"]), row["max"], remarks)


def totals_table(marks: Iterable[Mark], assignment: Assignment) -> Iterator[Sequence[object]]:
    """A line a person, with nbgrader's names of columns, then a column an exercise."""
    yield (*_TOTALS, *(task.key for task in assignment.tasks), "feedback", "remarks")
    for mark in marks:
        _, *rest = _who(mark)
        points = _filled(mark.points)
        each = [_filled(row["points"]) for row in mark.result["rows"]]
        sums = (assignment.name, points, points, mark.most)
        yield (mark.person.unique, *rest, *sums, *each, pages.page_file(mark.person), " ".join(mark.notes))


def _who(mark: Mark) -> tuple[str, str, str, str]:
    """id, name, file, late."""
    return mark.person.id, mark.person.label, mark.submission.file, "yes" if mark.submission.late else ""


def _filled(points: int | None) -> int | str:
    """Points, or an empty cell."""
    return "" if points is None else points


def not_graded_table(items: Iterable[NotGraded]) -> Iterator[Sequence[object]]:
    """A line for each file that is not graded."""
    yield ("file", "id", "student", "reason", "counted")
    for item in items:
        id_, name = (item.person.id, item.person.label) if item.person else ("", "")
        yield (item.file, id_, name, item.reason, "no" if item.own else "yes")


# --- what imports take: README.md says from where each rule is ---


# Of each export: what it goes by, one of which somebody must have, and where that comes from.
_NEEDS: dict[str, tuple[Sequence[str], str]] = {
    "moodle": (
        tuple(_MOODLE_KEYS),
        "ID numbers, e-mail addresses or user names. Moodle's downloads have none of them: give --roster a list with "
        "Identifier and ID number (Moodle's grading worksheet has both), or use --export moodle-worksheet, which needs "
        "nothing more",
    ),
    "moodle-worksheet": (
        ("participant",),
        "Moodle's participant numbers, which are in the names of its download",
    ),
    "canvas": (
        ("canvas_id", "sis_user_id", "sis_login_id", "id_number"),
        "Canvas' numbers, from its download, or students' numbers; --roster may be Canvas' own export of the gradebook",
    ),
}


def check_export(kind: str, submissions: Iterable[Submission]) -> None:
    """Says before the grading, not after it, that an export would be empty.

    Raises:
        CourseError: nobody has what the import goes by.
    """
    people = {submission.person.key: submission.person for submission in submissions}.values()
    wanted, where = _NEEDS[kind]
    if not any(person.keys.get(name) for person in people for name in wanted):
        raise CourseError(f"--export {kind} needs {where}. None of {len(people)} people has any.")


def _usable(
    marks: Iterable[Mark], known: Callable[[Person], object], doubtful: set[Key]
) -> tuple[list[Mark], list[tuple[str, str]]]:
    """(marks that an import may get, [(label, reason)] of the others).

    A mark that is missing stays out: an empty cell would wipe a mark that is there. So does a number on several people,
    and a number that is not there: Moodle would give the points to the student of the line above.
    """
    taken: list[Mark] = []
    left_out: list[tuple[str, str]] = []
    for mark in marks:
        if mark.points is None:
            reason = "not graded"
        elif mark.person.key in doubtful:
            reason = "the number is on several people's files"
        elif not known(mark.person):
            reason = "no number that the import knows"
        else:
            taken.append(mark)
            continue
        left_out.append((mark.person.label, reason))
    return taken, left_out


def _import_key(person: Person, kind: str) -> str:
    """A number for an import, or "" where it is missing or could not be written unchanged ("0" is nobody in Moodle)."""
    value = person.keys.get(kind, "")
    return value if is_plain(value) and value != "0" else ""


def _moodle_gradebook(marks: list[Mark], assignment: Assignment, column: str, doubtful: set[Key]) -> Export:
    """For Grades, Import, CSV file: one column that says who, by which most are known, and one with the points."""
    kind = max(_MOODLE_KEYS, key=lambda kind: sum(bool(_import_key(mark.person, kind)) for mark in marks))
    taken, left_out = _usable(marks, lambda person: _import_key(person, kind), doubtful)
    lines = [(_import_key(mark.person, kind), mark.person.name, mark.points) for mark in taken]
    return Export([(_MOODLE_KEYS[kind], "Full name", column), *lines], left_out)


def _moodle_worksheet(marks: list[Mark], assignment: Assignment, column: str, doubtful: set[Key]) -> Export:
    """For the assignment's own Upload grading worksheet: its participants, as they are in the names of the download."""
    taken, left_out = _usable(marks, lambda person: person.keys.get("participant", "").isdecimal(), doubtful)
    lines: list[Sequence[object]] = [("Identifier", "Full name", "Grade", "Maximum grade", "Last modified (grade)")]
    for mark in taken:
        lines.append((f"Participant {mark.person.keys['participant']}", mark.person.name, mark.points, mark.most, ""))
    return Export(lines, left_out)


def _canvas_gradebook(marks: list[Mark], assignment: Assignment, column: str, doubtful: set[Key]) -> Export:
    """For Grades, Import: Canvas goes by ID, then by the SIS numbers, and last by the name, which must never decide."""
    taken, left_out = _usable(marks, lambda person: any(_canvas_numbers(person)), doubtful)
    most = sum(task.points for task in assignment.tasks)
    lines: list[Sequence[object]] = [
        ("Student", "ID", "SIS User ID", "SIS Login ID", "Section", column),
        (_POINTS_POSSIBLE, "", "", "", "", most),
    ]
    for mark in taken:
        found = _canvas_numbers(mark.person)
        name = f"{mark.person.name.replace('Points Possible', '')} [{next(filter(None, found))}]".strip()
        lines.append((name, *found, mark.person.keys.get("section", ""), mark.points))
    return Export(lines, left_out)


def _canvas_numbers(person: Person) -> tuple[str, str, str]:
    """ID, SIS User ID, SIS Login ID; "" for what is not there."""
    id_ = _import_key(person, "canvas_id")
    user = _import_key(person, "sis_user_id") or _import_key(person, "id_number")
    return id_ if id_.isdecimal() else "", user, _import_key(person, "sis_login_id")


EXPORTS: dict[str, Callable[[list[Mark], Assignment, str, set[Key]], Export]] = {
    "moodle": _moodle_gradebook,
    "moodle-worksheet": _moodle_worksheet,
    "canvas": _canvas_gradebook,
}


def write_exports(
    kinds: Iterable[str],
    marks: list[Mark],
    people: list[Person],
    assignment: Assignment,
    out: Path,
    column: str | None = None,
) -> tuple[list[str], int]:
    """Writes the asked exports beside the marks.

    Args:
        kinds: names in `EXPORTS`.
        marks: of those whose versions all have a result.
        people: of the whole class, the unfinished ones too.
        assignment: the `Assignment`.
        out: path of the marks.
        column: what the import calls the assignment; None for the assignment's own name.

    Returns:
        (lines of a report, how many people an import does not get).
    """
    said: list[str] = []
    missing = 0
    doubtful = {person.key for several in number_holders(people).values() for person in several}
    for kind in kinds:
        export = EXPORTS[kind](marks, assignment, column or assignment.name, doubtful)
        path = beside(out)[kind]
        write_table(path, export.lines)
        missing += len(export.left_out)
        names = [f"{name} ({reason})" for name, reason in export.left_out[:_SHOWN]]
        names += [f"and {len(export.left_out) - _SHOWN} more"] if len(export.left_out) > _SHOWN else []
        left_out = f"; left out: {'; '.join(names)}" if names else ""
        said.append(f"{path}: {len(marks) - len(export.left_out)} of {len(marks)} people{left_out}")
    return said, missing
