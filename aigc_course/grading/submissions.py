"""The assignment as it was released, and the bytes of what students handed in; `reading` makes cells of them."""

import codecs
import errno
import hashlib
import json
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aigc_course.errors import CourseError

__all__ = ["CHECK", "Assignment", "Refused", "Task", "load_assignment", "read_blob"]

CHECK = re.compile(r"""^checks\.check\(\s*["']([\w./]+)["']\s*,\s*(\w+)\s*\)\s*$""")
_SIZE_MOST = 20_000_000  # bytes of a notebook; pictures in outputs make some large
_BYTE_ORDER_MARKS = (  # UTF-32's before UTF-16's, which it begins with
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


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
    grade_ids: tuple[str, str]


@dataclass(frozen=True)
class Assignment:
    """A released notebook: its setup cells and its tasks."""

    name: str
    setup: tuple[str, ...]
    tasks: tuple[Task, ...]
    digest: str


# --- the assignment ---


def load_assignment(name: str, folder: str | Path) -> Assignment:
    """The assignment `name` from the folder of released exercises.

    Raises:
        CourseError: there is no such assignment; the message lists those that there are.
    """
    path = Path(folder) / name / f"{name}.ipynb"
    if not re.fullmatch(r"[\w-]+", name) or not path.is_file():
        there = sorted(found.parent.name for found in Path(folder).glob("*/*.ipynb"))
        raise CourseError(f"--assignment must be one of {', '.join(there) or '(none)'} in {folder}; received {name!r}.")
    blob = path.read_bytes()
    cells = [cell for cell in json.loads(blob)["cells"] if cell["cell_type"] == "code"]
    setup: list[str] = []
    tasks: list[Task] = []
    last: dict[str, Any] = {}  # the answer's cell above a check
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


# --- one notebook ---


def read_blob(path: Path) -> bytes:
    """The bytes of a submitted file: a plain one, not a link, of bearable size.

    Raises:
        Refused: anything else.
        OSError: this machine cannot read it, which is no fault of the student's.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EIO, errno.ENOENT, errno.ESTALE, errno.EMFILE):
            raise
        raise Refused("the file is a link, or no plain file.") from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Refused("that is no plain file.")
        if status.st_size > _SIZE_MOST:
            raise Refused(
                f"the file has {status.st_size / 1e6:.0f} MB; {_SIZE_MOST / 1e6:.0f} MB are taken. "
                "Clear the outputs (Edit, Clear Outputs of All Cells) and save."
            )
        return _in_utf8(file.read(_SIZE_MOST + 1))


def _in_utf8(blob: bytes) -> bytes:
    """The same text in UTF-8 without a byte order mark: editors of Windows save UTF-8 with one, or UTF-16."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if blob.startswith(mark):
            try:
                return blob.decode(encoding).encode()
            except UnicodeDecodeError:
                return blob  # whoever reads it says what is wrong
    return blob
