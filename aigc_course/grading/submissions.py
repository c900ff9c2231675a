"""Reads what students handed in: distrusts the files, and keeps only sources of cells."""

import ast
import codecs
import json
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from aigc_course.grading.collect import collect
from aigc_course.runtime import CourseError

SIZE_MOST = 20_000_000  # bytes of a notebook; pictures in outputs make some large
CELLS_MOST = 500
SOURCE_MOST = 200_000  # characters of all code
CHECK = re.compile(r"""^checks\.check\(\s*["']([\w.]+)["']\s*,\s*(\w+)\s*\)\s*$""")
MARKS = ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF8, "utf-8-sig"),
         (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip


class Refused(Exception):
    """A file that cannot be graded; the message is for the student."""


@dataclass(frozen=True)
class Task:
    """One exercise of an assignment, as the released notebook has it."""

    key: str
    function: str
    points: int
    answer_id: str
    check_id: str
    grade_ids: tuple


@dataclass(frozen=True)
class Assignment:
    """A released notebook: its setup cells and its tasks."""

    name: str
    setup: tuple
    tasks: tuple
    digest: str


@dataclass
class Cell:
    """A code cell of a submission: what is needed to run and to match it."""

    source: str
    id: str | None
    grade_id: str | None
    defines: frozenset = frozenset()


# --- the assignment --------------------------------------------------------------------------------------


def load_assignment(name, folder):
    """The assignment `name` from the folder of released exercises.

    Raises:
        CourseError: there is no such assignment; the message lists those that there are.
    """
    import hashlib

    path = Path(folder) / name / f"{name}.ipynb"
    if not re.fullmatch(r"[\w-]+", name) or not path.is_file():
        there = sorted(found.parent.name for found in Path(folder).glob("*/*.ipynb"))
        raise CourseError(f"--assignment must be one of {', '.join(there) or '(none)'} in {folder}; received {name!r}.")
    blob = path.read_bytes()
    cells = [cell for cell in json.loads(blob)["cells"] if cell["cell_type"] == "code"]
    setup, tasks, last = [], [], None
    for cell in cells:
        source, tags = "".join(cell["source"]), cell["metadata"].get("tags", [])
        mark = cell["metadata"].get("nbgrader", {})
        if mark.get("solution"):
            last = cell
        elif (found := CHECK.match(source.strip())) and mark.get("grade"):
            grade_ids = (last["metadata"]["nbgrader"]["grade_id"], mark["grade_id"])
            tasks.append(Task(found[1], found[2], mark["points"], last["id"], cell["id"], grade_ids))
        elif "bootstrap" not in tags and not tasks:
            setup.append(source)
    if not tasks:
        raise CourseError(f'{path} has no graded check cell, checks.check("01.1", function).')
    return Assignment(name, tuple(setup), tuple(tasks), hashlib.sha256(blob).hexdigest())


# --- the folder ------------------------------------------------------------------------------------------


def find_submissions(folder, assignment, roster=None, made=()):
    """What was handed in, as `collect` finds it: a `HandedIn` with a `Submission` for each file that may be graded."""
    return collect(folder, assignment, roster, made)


# --- one notebook ----------------------------------------------------------------------------------------


def read_blob(path):
    """The bytes of a submitted file: a plain one, not a link, of bearable size.

    Raises:
        Refused: anything else.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise Refused("the file is a link, or cannot be read.") from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Refused("that is no plain file.")
        if status.st_size > SIZE_MOST:
            raise Refused(f"the file has {status.st_size / 1e6:.0f} MB; {SIZE_MOST / 1e6:.0f} MB are taken. "
                          "Clear the outputs (Edit, Clear Outputs of All Cells) and save.")  # fmt: skip
        return in_utf8(file.read(SIZE_MOST + 1))


def in_utf8(blob):
    """The same text in UTF-8 without a byte order mark: editors of Windows save UTF-8 with one, or UTF-16."""
    for mark, encoding in MARKS:
        if blob.startswith(mark):
            try:
                return blob.decode(encoding).encode()
            except UnicodeDecodeError:
                return blob  # whoever reads it says what is wrong
    return blob


def read_cells(blob):
    """(code cells, remarks) of a notebook's bytes. Outputs and all other metadata are dropped.

    Raises:
        Refused: it is no notebook of format 4, or too long.
    """
    if blob[:4] == b"PK\x03\x04":
        raise Refused("that is a zip archive with the name of a notebook. Hand in the notebook itself.")
    try:
        notebook = json.loads(blob.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Refused("the file is no text in UTF-8, so it is no notebook.") from error
    except RecursionError as error:
        raise Refused("the file is nested too deeply for a notebook.") from error
    except ValueError as error:
        raise Refused(f"the file is no valid JSON (damaged or cut off near character {getattr(error, 'pos', 0)}). "
                      "Download it again from Jupyter and hand in that.") from error  # fmt: skip
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise Refused("the file is JSON, but no notebook: it has no list of cells.")
    if notebook.get("nbformat") != 4:
        raise Refused(
            f"notebook format {str(notebook.get('nbformat'))[:20]}; format 4 is needed. Open and save it in Jupyter."
        )
    if len(notebook["cells"]) > CELLS_MOST:
        raise Refused(f"{len(notebook['cells']):,} cells; more than {CELLS_MOST} are not taken.")
    cells, remarks, ids = [], [], set()
    for number, raw in enumerate(notebook["cells"], start=1):
        if not isinstance(raw, dict) or raw.get("cell_type") not in ("code", "markdown", "raw"):
            remarks.append(f"cell {number} is no cell and was passed over.")
            continue
        source = raw.get("source", "")
        if isinstance(source, list):
            source = "".join(part for part in source if isinstance(part, str))
        if raw["cell_type"] != "code" or not isinstance(source, str) or not source.strip():
            continue
        id_, meta = raw.get("id"), raw.get("metadata")
        mark = meta.get("nbgrader") if isinstance(meta, dict) else None
        grade_id = mark.get("grade_id") if isinstance(mark, dict) else None
        id_, grade_id = (value if isinstance(value, str) else None for value in (id_, grade_id))
        if id_ in ids:
            remarks.append(f"cell {number} has the id of an earlier cell; it was matched by its function's name.")
            id_ = grade_id = None
        ids.add(id_)
        cells.append(Cell(source, id_, grade_id, defined(source)))
    if sum(len(cell.source) for cell in cells) > SOURCE_MOST:
        raise Refused(f"more than {SOURCE_MOST:,} characters of code.")
    return cells, remarks


def defined(source):
    """Names that a cell's code gives a function or a value to, at its top level."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset(re.findall(r"^(?:async )?def (\w+)", source, re.M))
    names = set()
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return frozenset(names)


def is_check(cell, assignment):
    """A check cell, wherever it stands and however it was edited: it is not run."""
    if CHECK.match(cell.source.strip()):
        return True
    theirs = {task.check_id for task in assignment.tasks}, {task.grade_ids[1] for task in assignment.tasks}
    functions = {task.function for task in assignment.tasks}
    return (cell.id in theirs[0] or cell.grade_id in theirs[1]) and not cell.defines & functions


def answer_cells(cells, task, most=5):
    """Places of the cells that hold a task's answer: those with its id or its grade id, those that define its function.

    The function is tried behind each of them: Colab may rewrite ids and metadata, students copy and move cells.
    """
    fitting = (
        cell.id == task.answer_id or cell.grade_id == task.grade_ids[0] or task.function in cell.defines
        for cell in cells
    )
    return [place for place, fits in enumerate(fitting) if fits][-most:]
