"""The feedback page of one student: what was checked, what came, the hint. All text is escaped."""

import html
from pathlib import Path

from aigc_course import checks
from aigc_course.grading.results import best, by_person
from aigc_course.grading.safetext import visible
from aigc_course.runtime import write_whole

STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;width:100%}td,th{padding:.4rem .6rem;border-bottom:1px solid #ddd;text-align:left;
vertical-align:top}.right{color:#00704f;font-weight:600}.wrong{color:#a33c00;font-weight:600}small{color:#555}"""


class Pages:
    """Writes each person's page as soon as all of the person's versions have a result.

    Args:
        submissions: list of `Submission`.
        assignment: the `Assignment`.
        folder: where the pages go.
    """

    def __init__(self, submissions, assignment, folder):
        self.assignment, self.folder = assignment, Path(folder)
        self.versions, self.results = by_person(submissions), {}

    def add(self, submission, result):
        """Takes a version's result; the last one writes the page, unless it is there as it should be."""
        self.results[submission.slug] = result
        versions = self.versions[submission.person.key]
        if all(version.slug in self.results for version in versions):
            mark = best(versions, [self.results[version.slug] for version in versions])
            path, text = self.folder / file_name(mark.person), page(mark, self.assignment)
            if not (path.is_file() and path.read_bytes() == text.encode()):
                write_whole(path, lambda part: part.write_bytes(text.encode()))


def file_name(person):
    """The file of a person's page."""
    return f"{person.page}.html"


def page(mark, assignment):
    """The page's HTML."""
    points = "not graded" if mark.points is None else f"{mark.points} of {mark.most} points"
    rows = "".join(exercise(row) for row in mark.result["rows"])
    number = f" ({text(mark.person.id)})" if mark.person.id and mark.person.name else ""
    files = f"<p><small>file: {text(mark.submission.file)}</small></p>" if mark.submission.file else ""
    notes = "".join(f"<p>{text(note)}</p>" for note in mark.notes)
    remarks = "".join(f"<li>{text(remark)}</li>" for remark in mark.result["remarks"])
    return (f"<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{html.escape(assignment.name)}</title>"
            f"<meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style>"
            f"<h1>{html.escape(assignment.name)}</h1>"
            f"<p>{text(mark.person.label)}{number}: <strong>{points}</strong></p>{files}{notes}"
            f"<table><tr><th>Exercise</th><th>What</th><th>Result</th><th>Points</th></tr>{rows}</table>"
            + (f"<h2>While your notebook ran</h2><ul>{remarks}</ul>" if remarks else "")
            + "<p><small>Your functions were run on new random inputs, in a sandbox without network. Where several "
              "cells define a function, three are tried; a right one is enough.</small></p></html>\n")  # fmt: skip


def exercise(row):
    """The table's line for one exercise."""
    known = checks.EXERCISES[row["key"]]
    passed = row["points"] == row["max"]
    sign = "✓ right" if passed else "– not graded" if row["points"] is None else "✗ not yet"
    message = "" if passed else f"<br>{text(row['message'])}"
    points = "–" if row["points"] is None else row["points"]
    return (f"<tr><td>{html.escape(row['key'])}</td><td>{html.escape(known.title)}<br><small>checked: "
            f"{html.escape(known.checked)}</small></td><td><span class=\"{'right' if passed else 'wrong'}\">"
            f"{sign}</span>{message}</td><td>{points} / {row['max']}</td></tr>")  # fmt: skip


def text(value):
    """A stranger's text: escaped, its marks of direction visible, and apart from the direction of what is around it."""
    return f"<bdi>{html.escape(visible(value))}</bdi>"
