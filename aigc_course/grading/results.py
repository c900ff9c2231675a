"""From the results of files to one result a person: of several versions the best counts, and a remark says so."""

from dataclasses import dataclass

from aigc_course.grading.collect import Submission
from aigc_course.grading.people import Person


@dataclass(frozen=True)
class Mark:
    """One person's result.

    Attributes:
        person: whose it is.
        submission: the version that counts.
        result: its result: graded, rows (key, points, max, message), remarks.
        notes: what is to be said of the versions.
    """

    person: Person
    submission: Submission
    result: dict
    notes: tuple = ()

    @property
    def points(self):
        """The sum, or None where something could not be graded."""
        return total(self.result)

    @property
    def most(self):
        """The points that there are."""
        return sum(row["max"] for row in self.result["rows"])


def total(result):
    """A result's points, or None where something could not be graded."""
    points = [row["points"] for row in result["rows"]]
    return None if None in points else sum(points)


def by_person(submissions):
    """{key of a person: that person's submissions}, in the order of the submissions."""
    found = {}
    for submission in submissions:
        found.setdefault(submission.person.key, []).append(submission)
    return found


def combine(submissions, results):
    """A `Mark` for each person all of whose versions have a result: an unfinished one could still be better.

    Args:
        submissions: list of `Submission`.
        results: {slug of a submission: result}.
    """
    return [
        best(versions, [results[version.slug] for version in versions])
        for versions in by_person(submissions).values()
        if all(results.get(version.slug) is not None for version in versions)
    ]


def best(versions, results):
    """The `Mark` of one person.

    Most points win, then the one in time, then the last. Where a version could not be graded and none of the others has
    all points, nobody knows which is best: the points stay empty.
    """
    pairs = list(zip(versions, results, strict=True))
    unknown = [pair for pair in pairs if total(pair[1]) is None]
    known = [pair for pair in pairs if total(pair[1]) is not None]
    full = [pair for pair in known if total(pair[1]) == sum(row["max"] for row in pair[1]["rows"])]
    candidates = known if full or not unknown else unknown
    _, place = max((total(pair[1]) or 0, not pair[0].late, i) for i, pair in enumerate(candidates))[1:]
    submission, result = candidates[place]
    return Mark(submission.person, submission, result, notes(pairs, submission))


def notes(pairs, chosen):
    """What is said of the versions, in words for the student."""
    if len(pairs) == 1:
        return ("handed in late.",) if chosen.late else ()
    each = ", ".join(f"{short(version)}{' (late)' if version.late else ''}: {said(total(result))}"
                     for version, result in pairs)  # fmt: skip
    return (f"{len(pairs)} versions were handed in ({each}); the best counts, {short(chosen)}.",)


def short(version):
    """A version's file without its folder; Brightspace has a folder an attempt, with files of one name."""
    name = version.file.rpartition("/")[2]
    return f"{name} of {version.attempt}" if version.person.system == "brightspace" else name


def said(points):
    """Points in words."""
    return "not graded" if points is None else f"{points} point{'s' * (points != 1)}"
