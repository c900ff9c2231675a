"""The feedback page of one student: what was checked, what came, the hint. All text is escaped."""

import html
from collections.abc import Iterable
from pathlib import Path

from aigc_course import checks
from aigc_course.files import write_whole
from aigc_course.grading.handed_in import Submission
from aigc_course.grading.people import Person
from aigc_course.grading.results import ExerciseRow, Mark, Result, best, by_person
from aigc_course.grading.safetext import visible
from aigc_course.grading.submissions import Assignment

__all__ = ["Pages", "page_file"]

_STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;width:100%}td,th{padding:.4rem .6rem;border-bottom:1px solid #ddd;text-align:left;
vertical-align:top}.right{color:#00704f;font-weight:600}.wrong{color:#a33c00;font-weight:600}small{color:#555}"""
_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
    '<meta name="viewport" content="width=device-width"><style>{style}</style><h1>{title}</h1>'
    "<p>{who}: <strong>{points}</strong></p>{above}"
    "<table><tr><th>Exercise</th><th>What</th><th>Result</th><th>Points</th></tr>{rows}</table>{below}"
    "<p><small>Your functions were run on new random inputs, in a sandbox without network. Where several cells define "
    "a function, three are tried; a right one is enough.</small></p></html>\n"
)
_ROW = (
    "<tr><td>{key}</td><td>{title}<br><small>checked: {checked}</small></td>"
    '<td><span class="{colour}">{sign}</span>{message}</td><td>{points} / {most}</td></tr>'
)


class Pages:
    """Writes each person's page as soon as all of the person's versions have a result.

    Args:
        submissions: all that were handed in.
        assignment: the `Assignment`.
        folder: where the pages go.
    """

    def __init__(self, submissions: Iterable[Submission], assignment: Assignment, folder: str | Path) -> None:
        self.assignment, self.folder = assignment, Path(folder)
        self.versions = by_person(submissions)
        self.results: dict[str, Result] = {}

    def add(self, submission: Submission, result: Result) -> None:
        """Takes a version's result; the last one writes the page, unless it is there as it should be."""
        self.results[submission.slug] = result
        versions = self.versions[submission.person.key]
        if all(version.slug in self.results for version in versions):
            mark = best(versions, [self.results[version.slug] for version in versions])
            path, blob = self.folder / page_file(mark.person), _page(mark, self.assignment).encode()
            if not (path.is_file() and path.read_bytes() == blob):
                write_whole(path, lambda part: part.write_bytes(blob))


def page_file(person: Person) -> str:
    """The file of a person's page."""
    return f"{person.page}.html"


def _page(mark: Mark, assignment: Assignment) -> str:
    """The page's HTML."""
    number = f" ({_escaped(mark.person.id)})" if mark.person.id and mark.person.name else ""
    file = f"<p><small>file: {_escaped(mark.submission.file)}</small></p>" if mark.submission.file else ""
    remarks = "".join(f"<li>{_escaped(remark)}</li>" for remark in mark.result["remarks"])
    return _PAGE.format(
        title=html.escape(assignment.name),
        style=_STYLE,
        who=_escaped(mark.person.label) + number,
        points="not graded" if mark.points is None else f"{mark.points} of {mark.most} points",
        above=file + "".join(f"<p>{_escaped(note)}</p>" for note in mark.notes),
        rows="".join(_row(row) for row in mark.result["rows"]),
        below=f"<h2>While your notebook ran</h2><ul>{remarks}</ul>" if remarks else "",
    )


def _row(row: ExerciseRow) -> str:
    """The table's line for one exercise."""
    known = checks.find(row["key"])
    passed, graded = row["points"] == row["max"], row["points"] is not None
    return _ROW.format(
        key=html.escape(row["key"]),
        title=html.escape(known.title),
        checked=html.escape(known.checked),
        colour="right" if passed else "wrong",
        sign="✓ right" if passed else "✗ not yet" if graded else "– not graded",
        message="" if passed else f"<br>{_escaped(row['message'])}",
        points=row["points"] if graded else "–",
        most=row["max"],
    )


def _escaped(value: str) -> str:
    """A stranger's text: escaped, its marks of direction visible, and apart from the direction of what is around it."""
    return f"<bdi>{html.escape(visible(value))}</bdi>"
