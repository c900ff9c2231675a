"""What learning platforms themselves write beside the hand-ins: receipts, tables, times. README.md has the sources."""

import contextlib
import csv
import io
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path

from aigc_course.grading.people import BLACKBOARD, Person, with_particulars

__all__ = ["is_own", "is_own_inside", "late_in_sakai", "with_receipt"]

_OWN = {  # at the top of a platform's archive
    "brightspace": re.compile(r"index\.html"),
    "sakai": re.compile(r"grades\.(?:csv|xlsx?)|.*additional.*\.html"),
    "blackboard": re.compile(r".+_attempt_\d{4}(?:-\d\d){5}\.txt"),
}
_INSIDE = re.compile(r"timestamp\.txt|comments\.txt|feedbackText\.html")  # of Sakai, and of nbgrader, in each folder
_FEEDBACK = "Feedback Attachment(s)"  # Sakai's folder of what the instructor sent back


def is_own(file: str, systems: Iterable[str]) -> bool:
    """True for a file at the top that one of the systems wrote."""
    return any(_OWN[system].fullmatch(file) for system in systems if system in _OWN)


def is_own_inside(path: Path, system: str) -> bool:
    """True for a file in a student's folder that the system wrote."""
    if system == "sakai" and _FEEDBACK in path.parts:
        return True
    return bool(_INSIDE.fullmatch(path.name)) and len(path.parts) <= 2


def with_receipt(person: Person, path: Path) -> Person:
    """The person, with the name and the whole user name from the text that Blackboard writes for each attempt."""
    if person.system != "blackboard" or not BLACKBOARD.fullmatch(path.name) or path.suffix != ".txt":
        return person
    line = _first_bytes(path, 500).split(b"\n")[0].decode("utf-8-sig", "replace")
    found = re.match(r"\s*Name:\s*(.+?)\s*\(([^()]+)\)\s*$", line)
    if found and "_".join(person.key[1:]).endswith(f"_{found[2]}"):  # column_user: both may hold "_"
        return with_particulars(person, found[2], found[1], {"username": found[2]})
    return person


def late_in_sakai(folder: Path) -> set[str]:
    """User names of those whose line in Sakai's grades.csv says "Late"; only its English edition is read."""
    late: set[str] = set()
    place = None
    with contextlib.suppress(csv.Error):
        text = _first_bytes(folder / "grades.csv", 10_000_000).decode("utf-8-sig", "replace")
        for line in csv.reader(io.StringIO(text, newline="")):
            if place is None:
                names = [name.casefold().strip() for name in line]
                place = next((i for i, name in enumerate(names) if name.startswith("late")), None)
            elif place < len(line) and line[place].strip().casefold() in ("late", "yes", "true"):
                late |= {name.casefold() for name in line[:2]}
    return late


def _first_bytes(path: Path, most: int) -> bytes:
    """The first bytes of a plain file; none of a link, a pipe, or what cannot be read."""
    with contextlib.suppress(OSError):
        if stat.S_ISREG(os.lstat(path).st_mode):
            with open(path, "rb") as file:
                return file.read(most)
    return b""
