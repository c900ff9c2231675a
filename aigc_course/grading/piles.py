"""One person's files while the folder is gone through, and what becomes of them: submissions, or a reason why not."""

import hashlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from aigc_course.grading.handed_in import NotGraded, Submission
from aigc_course.grading.people import NOTEBOOK, Key, Person, is_named_like
from aigc_course.grading.roster import Roster
from aigc_course.grading.safetext import decoded

__all__ = ["VERSIONS_MOST", "Pile", "Version", "number_holders", "submissions_of", "warnings_of"]

VERSIONS_MOST = 10  # that are tried of one person
_SAME = {"sis_user_id": "id_number", "sis_login_id": "username"}  # what Canvas calls the school's


class Version(NamedTuple):
    """A notebook of a person: where it lies, its name for people to read, whether it is late, which attempt it is."""

    path: Path
    file: str
    late: bool
    attempt: str


@dataclass
class Pile:
    """One person's files while they are gathered."""

    person: Person
    notebooks: list[Version] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    late: bool = False
    in_folder: bool = False
    given_away: bool = False  # to others, by the class list
    listed: bool = False  # in the class list
    unread: bool = False  # something in the folder could not be read: not the student's fault


def submissions_of(pile: Pile, assignment: str, not_graded: list[NotGraded]) -> list[Submission]:
    """The pile as submissions, one a notebook: all that may be this assignment's, in the order they were made.

    Args:
        pile: `Pile`.
        assignment: its name.
        not_graded: takes what is not this assignment's, or too much.
    """
    notebooks = sorted(pile.notebooks, key=lambda version: (version.attempt, _natural(version.file)))
    number = re.match(r"\d+", assignment)
    if number and any(is_named_like(version.path.name, assignment) for version in notebooks):
        other = re.compile(rf"(?!0*{int(number[0])}(?!\d))\d\d?[_ -]\w")  # 01_learning_from_data beside ours
        foreign = [item for item in notebooks if pile.in_folder and other.match(decoded(item.path.name))]
        words = f"another assignment's; {assignment} is there too"
        not_graded.extend(NotGraded(item.file, pile.person, words) for item in foreign)
        notebooks = [item for item in notebooks if item not in foreign]
    if len(notebooks) > VERSIONS_MOST:
        many = f"{len(notebooks)} notebooks seem to be of one person; at most {VERSIONS_MOST} are tried"
        not_graded.extend(NotGraded(version.file, pile.person, many) for version in notebooks)
        return [_without_notebook(pile, f"{many}. Hand in one.", unclear=not pile.in_folder)]
    if not notebooks:
        return [_without_notebook(pile, _why_nothing(pile, not_graded), unclear=pile.unread)]
    return [_submission(pile, version) for version in notebooks]


def _submission(pile: Pile, version: Version) -> Submission:
    """A version as a `Submission`; its slug is of the person and the file, and of nobody else's."""
    slug = f"{pile.person.page}.{hashlib.sha256(os.fsencode(version.path)).hexdigest()[:8]}"
    late = version.late or pile.late
    return Submission(version.path, pile.person, None, slug, version.file, late, version.attempt)


def _without_notebook(pile: Pile, problem: str, unclear: bool) -> Submission:
    """What stands for a person who has handed in nothing that can be graded."""
    return Submission(None, pile.person, problem, f"{pile.person.page}.none", late=pile.late, unclear=unclear)


def _why_nothing(pile: Pile, not_graded: list[NotGraded]) -> str:
    """Why there is nothing to grade, and what was handed in instead."""
    if not pile.in_folder and pile.problems:
        return pile.problems[0]
    theirs = [item for item in not_graded if item.person and item.person.key == pile.person.key and not item.own]
    instead = f" Handed in: {'; '.join(f'{item.file}, {item.reason}' for item in theirs[:3])}." if theirs else ""
    where = "in the folder" if pile.in_folder else "among the files"
    return " ".join([f"there is no .ipynb file {where}.", *pile.problems[:2]]) + instead


def _natural(text: str) -> tuple[list[tuple[int, int, str]], str]:
    """A key that puts "x (2)" before "x (10)", and "x" before both."""
    stem = NOTEBOOK.sub("", text)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.findall(r"\d+|\D+", stem)], text


def warnings_of(piles: dict[Key, Pile], roster: Roster, folder: Path) -> list[str]:
    """What the instructor must know: one number on several people, and files of the list that are not there."""
    said: list[str] = []
    for (_, number), people in number_holders([pile.person for pile in piles.values()]).items():
        names = ", ".join(person.label for person in people[:5])
        text = (
            f"is on the files of {len(people)} people: {names}. Each keeps a row; no export has them. Correct the "
            "names of the files, or say in --roster which file is whose."
        )
        if not any(text in line for line in said):
            said.append(f"{number} {text}")
    strangers = [pile.person.label for pile in piles.values() if roster.rows and not pile.listed]
    if strangers:
        more = f", and {len(strangers) - 5} more" if len(strangers) > 5 else ""
        said.append(f"not in {roster.path}: {', '.join(strangers[:5])}{more}")
    for row in roster.rows:
        if row.file and not (folder / row.file).exists():
            said.append(f"{roster.path}, line {row.line}: {row.file} is not in the folder.")
    return said


def number_holders(people: list[Person]) -> dict[tuple[str, str], list[Person]]:
    """{(kind, number): people} for each number that several people have."""
    found: dict[tuple[str, str], list[Person]] = {}
    for person in people:
        for kind, value in person.keys.items():
            if kind != "section":
                space = _SAME.get(kind, kind)
                found.setdefault((space, value.casefold()), []).append(person)
    return {number: several for number, several in found.items() if len({person.key for person in several}) > 1}
