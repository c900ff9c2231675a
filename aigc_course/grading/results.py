"""From the results of files to one result a person: of several versions the best counts, and a remark says so."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NotRequired, TypedDict

from aigc_course.grading.handed_in import Submission
from aigc_course.grading.people import Key, Person

__all__ = ["ExerciseRow", "Mark", "Result", "best", "by_person", "combine"]


class ExerciseRow(TypedDict):
    """One exercise of a file; points are None where it could not be graded."""

    key: str
    points: int | None
    max: int
    message: str


class Result(TypedDict):
    """What came of one file, as it is stored; lacking: modules that the grader has not."""

    graded: bool
    seconds: float
    remarks: list[str]
    rows: list[ExerciseRow]
    lacking: NotRequired[list[str]]


@dataclass(frozen=True)
class Mark:
    """One person's result.

    Attributes:
        person: whose it is.
        submission: the version that counts.
        result: its result.
        notes: what is to be said of the versions.
    """

    person: Person
    submission: Submission
    result: Result
    notes: tuple[str, ...] = ()

    @property
    def points(self) -> int | None:
        """The sum, or None where something could not be graded."""
        return _points_of(self.result)

    @property
    def most(self) -> int:
        """The points that there are."""
        return sum(row["max"] for row in self.result["rows"])


def _points_of(result: Result) -> int | None:
    """A result's points, or None where something could not be graded."""
    points = [row["points"] for row in result["rows"] if row["points"] is not None]
    return sum(points) if len(points) == len(result["rows"]) else None


def by_person(submissions: Iterable[Submission]) -> dict[Key, list[Submission]]:
    """{key of a person: that person's submissions}, in the order of the submissions."""
    found: dict[Key, list[Submission]] = {}
    for submission in submissions:
        found.setdefault(submission.person.key, []).append(submission)
    return found


def combine(submissions: Iterable[Submission], results: Mapping[str, Result]) -> list[Mark]:
    """A `Mark` for each person all of whose versions have a result: an unfinished one could still be better.

    Args:
        submissions: of the class.
        results: {slug of a submission: result}.
    """
    return [
        best(versions, [results[version.slug] for version in versions])
        for versions in by_person(submissions).values()
        if all(results.get(version.slug) is not None for version in versions)
    ]


def best(versions: list[Submission], results: list[Result]) -> Mark:
    """The `Mark` of one person.

    Most points win, then the one in time, then the last. Where a version could not be graded and none of the others has
    all points, nobody knows which is best: the points stay empty.
    """
    pairs = list(zip(versions, results, strict=True))
    unknown = [pair for pair in pairs if _points_of(pair[1]) is None]
    known = [pair for pair in pairs if _points_of(pair[1]) is not None]
    full = [pair for pair in known if _points_of(pair[1]) == sum(row["max"] for row in pair[1]["rows"])]
    candidates = known if full or not unknown else unknown
    *_, place = max((_points_of(pair[1]) or 0, not pair[0].late, i) for i, pair in enumerate(candidates))
    submission, result = candidates[place]
    return Mark(submission.person, submission, result, _notes(pairs, submission))


def _notes(pairs: list[tuple[Submission, Result]], chosen: Submission) -> tuple[str, ...]:
    """What is said of the versions, in words for the student."""
    if len(pairs) == 1:
        return ("handed in late.",) if chosen.late else ()
    each = ", ".join(_version_in_words(version, result) for version, result in pairs)
    return (f"{len(pairs)} versions were handed in ({each}); the best counts, {_short_name(chosen)}.",)


def _version_in_words(version: Submission, result: Result) -> str:
    """A version's file, whether it is late, its points."""
    points = _points_of(result)
    said = "not graded" if points is None else f"{points} point{'s' * (points != 1)}"
    return f"{_short_name(version)}{' (late)' * version.late}: {said}"


def _short_name(version: Submission) -> str:
    """A version's file without its folder; Brightspace has a folder an attempt, with files of one name."""
    name = version.file.rpartition("/")[2]
    return f"{name} of {version.attempt}" if version.person.system == "brightspace" else name
