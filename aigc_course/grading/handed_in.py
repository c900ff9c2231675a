"""What the folder of submissions holds, once it has been gone through: files to grade, files that are not, warnings."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from aigc_course.grading.people import Person
from aigc_course.grading.safetext import decoded, visible

__all__ = ["HandedIn", "NotGraded", "Submission", "path_inside"]


@dataclass
class Submission:
    """A file that was handed in, or why a person has none. path is None, and problem says why, in that case."""

    path: Path | None
    person: Person
    problem: str | None = None
    slug: str = ""
    file: str = ""
    late: bool = False
    attempt: str = ""
    unclear: bool = False  # whose it is, so that nobody gets points, or none, for it


@dataclass(frozen=True)
class NotGraded:
    """A file that is not graded. own: the platform's or the system's, so that nobody has lost anything."""

    file: str
    person: Person | None
    reason: str
    own: bool = False


@dataclass
class HandedIn:
    """What the folder holds: submissions in a fixed order, files that are not graded, warnings for the instructor."""

    submissions: list[Submission]
    not_graded: list[NotGraded]
    warnings: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[Submission]:
        return iter(self.submissions)

    def __len__(self) -> int:
        return len(self.submissions)

    @property
    def people(self) -> list[Person]:
        """Each person once."""
        return list({submission.person.key: submission.person for submission in self.submissions}.values())


def path_inside(path: str | Path, folder: Path) -> str:
    """A path inside the folder, for people to read."""
    return visible(decoded(os.path.relpath(path, folder)), fold=False)
