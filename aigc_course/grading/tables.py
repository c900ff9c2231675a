"""The tables: marks for the instructor, what was not graded, and files for Moodle's and Canvas' own imports."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from aigc_course.grading import pages
from aigc_course.grading.collect import holders
from aigc_course.grading.safetext import cell, is_plain
from aigc_course.runtime import CourseError, write_whole

COLUMNS = ("id", "student", "file", "late", "assignment", "exercise", "points", "max", "remarks")
TOTALS = ("student_id", "student", "file", "late", "assignment", "raw_score", "score", "max_score")
MOODLE = (("id_number", "ID number"), ("email", "Email address"), ("username", "Username"), ("user_id", "User ID"))
SHOWN = 10  # people that a report names
POINTS_POSSIBLE = "    Points Possible"  # by these words Canvas knows the line


@dataclass(frozen=True)
class Export:
    """A file for an import: its lines, and who is not in it, with the reason."""

    lines: list
    left_out: list


def beside(out):
    """{what: path} of the tables that stand beside the marks."""
    names = ("totals", "not_graded", *EXPORTS)
    return {name: out.with_name(f"{out.stem}.{name}{out.suffix or '.csv'}") for name in names}


def write_table(path, lines):
    """A CSV file, whole or not at all, in UTF-8 with the mark that Excel wants; no cell can be a formula."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([cell(value) for value in line] for line in lines)
    data = buffer.getvalue().encode("utf-8-sig", "backslashreplace")
    write_whole(Path(path), lambda part: part.write_bytes(data))


def marks_table(marks, assignment):
    """A line an exercise of each person."""
    yield COLUMNS
    for mark in marks:
        for place, row in enumerate(mark.result["rows"]):
            remarks = " ".join([*(mark.notes if place == 0 else ()), row["message"]])
            yield (*who(mark), assignment.name, row["key"], filled(row["points"]), row["max"], remarks)


def totals_table(marks, assignment):
    """A line a person, with nbgrader's names of columns, then a column an exercise."""
    yield (*TOTALS, *(task.key for task in assignment.tasks), "feedback", "remarks")
    for mark in marks:
        _, *rest = who(mark)
        points = filled(mark.points)
        yield (mark.person.unique, *rest, assignment.name, points, points, mark.most,
               *(filled(row["points"]) for row in mark.result["rows"]),
               pages.file_name(mark.person), " ".join(mark.notes))  # fmt: skip


def who(mark):
    """id, name, file, late."""
    return mark.person.id, mark.person.label, mark.submission.file, "yes" if mark.submission.late else ""


def filled(points):
    """Points, or an empty cell."""
    return "" if points is None else points


def not_graded_table(items):
    """A line for each file that is not graded."""
    yield ("file", "id", "student", "reason", "counted")
    for item in items:
        id_, name = (item.person.id, item.person.label) if item.person else ("", "")
        yield (item.file, id_, name, item.reason, "no" if item.own else "yes")


# --- what imports take: README.md says from where each rule is ------------------------------------------------


def check_export(kind, submissions):
    """Says before the grading, not after it, that an export would be empty.

    Raises:
        CourseError: nobody has what the import goes by.
    """
    people = {submission.person.key: submission.person for submission in submissions}.values()
    wanted, where = {
        "moodle": ([kind for kind, _ in MOODLE], "ID numbers, e-mail addresses or user names. Moodle's downloads have "
                   "none of them: give --roster a list with Identifier and ID number (Moodle's grading worksheet has "
                   "both), or use --export moodle-worksheet, which needs nothing more"),
        "moodle-worksheet": (["participant"], "Moodle's participant numbers, which are in the names of its download"),
        "canvas": (["canvas_id", "sis_user_id", "sis_login_id", "id_number"], "Canvas' numbers, from its download, or "
                   "students' numbers; --roster may be Canvas' own export of the gradebook"),
    }[kind]  # fmt: skip
    if not any(person.keys.get(name) for person in people for name in wanted):
        raise CourseError(f"--export {kind} needs {where}. None of {len(people)} people has any.")


def usable(marks, known, doubtful):
    """(marks that an import may get, [(label, reason)] of the others).

    A mark that is missing stays out: an empty cell would wipe a mark that is there. So does a number on several people,
    and a number that is not there: Moodle would give the points to the student of the line above.
    """
    taken, left_out = [], []
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


def key_of(person, kind):
    """A number for an import, or "" where it is missing or could not be written unchanged ("0" is nobody in Moodle)."""
    value = person.keys.get(kind, "")
    return value if is_plain(value) and value != "0" else ""


def moodle(marks, assignment, column, doubtful):
    """For Grades, Import, CSV file: one column that says who, by which most are known, and one with the points."""
    kind, title = max(MOODLE, key=lambda pair: sum(bool(key_of(mark.person, pair[0])) for mark in marks))
    taken, left_out = usable(marks, lambda person: key_of(person, kind), doubtful)
    lines = [(key_of(mark.person, kind), mark.person.name, mark.points) for mark in taken]
    return Export([(title, "Full name", column), *lines], left_out)


def moodle_worksheet(marks, assignment, column, doubtful):
    """For the assignment's own Upload grading worksheet: its participants, as they are in the names of the download."""
    taken, left_out = usable(marks, lambda person: person.keys.get("participant", "").isdecimal(), doubtful)
    lines = [(f"Participant {mark.person.keys['participant']}", mark.person.name, mark.points, mark.most, "")
             for mark in taken]  # fmt: skip
    return Export([("Identifier", "Full name", "Grade", "Maximum grade", "Last modified (grade)"), *lines], left_out)


def canvas(marks, assignment, column, doubtful):
    """For Grades, Import: Canvas goes by ID, then by the SIS numbers, and last by the name, which must never decide."""
    def numbers(person):
        id_ = key_of(person, "canvas_id")
        return (id_ if id_.isdecimal() else "", key_of(person, "sis_user_id") or key_of(person, "id_number"),
                key_of(person, "sis_login_id"))  # fmt: skip

    taken, left_out = usable(marks, lambda person: any(numbers(person)), doubtful)
    most = sum(task.points for task in assignment.tasks)
    lines = [("Student", "ID", "SIS User ID", "SIS Login ID", "Section", column),
             (POINTS_POSSIBLE, "", "", "", "", most)]  # fmt: skip
    for mark in taken:
        found = numbers(mark.person)
        name = f"{mark.person.name.replace('Points Possible', '')} [{next(filter(None, found))}]".strip()
        lines.append((name, *found, mark.person.keys.get("section", ""), mark.points))
    return Export(lines, left_out)


EXPORTS = {"moodle": moodle, "moodle-worksheet": moodle_worksheet, "canvas": canvas}


def write_exports(kinds, marks, people, assignment, out, column=None):
    """Writes the asked exports beside the marks.

    Args:
        kinds: names in `EXPORTS`.
        marks: list of `Mark`.
        people: of the whole class, the unfinished ones too.
        assignment: the `Assignment`.
        out: path of the marks.
        column: what the import calls the assignment; None for the assignment's own name.

    Returns:
        (lines of a report, how many people an import does not get).
    """
    said, missing = [], 0
    doubtful = {person.key for several in holders(people).values() for person in several}
    for kind in kinds:
        export = EXPORTS[kind](marks, assignment, column or assignment.name, doubtful)
        path = beside(out)[kind]
        write_table(path, export.lines)
        missing += len(export.left_out)
        names = [f"{name} ({reason})" for name, reason in export.left_out[:SHOWN]]
        names += [f"and {len(export.left_out) - SHOWN} more"] if len(export.left_out) > SHOWN else []
        left_out = f"; left out: {'; '.join(names)}" if names else ""
        said.append(f"{path}: {len(marks) - len(export.left_out)} of {len(marks)} people{left_out}")
    return said, missing
