"""Solutions are the source, exercises are derived from them, byte for byte; both run, and say what they should."""

import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import nbval_offline
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError

from aigc_course import checks
from aigc_course.grading import submissions

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import exercises as tool  # noqa: E402
import notebooks as books  # noqa: E402

NAMES = tool.names()
each = pytest.mark.parametrize("name", NAMES)


def path(kind, name):
    return ROOT / kind / name / f"{name}.ipynb"


def read(kind, name):
    return nbformat.read(path(kind, name), as_version=4)


def test_exercises_are_what_nbgrader_makes_of_the_solutions(tmp_path):
    """`nbgrader generate_assignment`, run twice, gives the committed exercises byte for byte."""
    first, second = (tool.generate(tmp_path / run) for run in made(tmp_path, "one", "two"))
    for name in NAMES:
        kept = path("exercises", name).read_bytes()
        assert (first / name / f"{name}.ipynb").read_bytes() == kept, "run `make exercises` and commit"
        assert (second / name / f"{name}.ipynb").read_bytes() == kept
    assert tool.differences(first) == []


def made(folder, *names):
    for name in names:
        (folder / name).mkdir()
    return names


def test_the_drift_check_sees_a_change(tmp_path, monkeypatch):
    """A changed, a missing and a stray exercise are each reported."""
    fresh = tmp_path / "fresh"
    for name in ("a", "b"):
        (fresh / name).mkdir(parents=True)
        (fresh / name / f"{name}.ipynb").write_text("{}")
        (tmp_path / "exercises" / name).mkdir(parents=True)
        (tmp_path / "exercises" / name / f"{name}.ipynb").write_text("{}")
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    assert tool.differences(fresh) == []
    (tmp_path / "exercises" / "a" / "a.ipynb").write_text("{ }")
    (fresh / "c").mkdir()
    (fresh / "c" / "c.ipynb").write_text("{}")
    (tmp_path / "exercises" / "d").mkdir()
    (tmp_path / "exercises" / "d" / "d.ipynb").write_text("{}")
    assert tool.differences(fresh) == ["a/a.ipynb", "c/c.ipynb", "d/d.ipynb"]


@each
def test_ids_are_kept_and_solutions_are_gone(name):
    """Same cells with the same ids in both; between the markers nothing of the solution is left."""
    solution, exercise = read("solutions", name), read("exercises", name)
    assert [cell.id for cell in solution.cells] == [cell.id for cell in exercise.cells]
    assert len({cell.id for cell in solution.cells}) == len(solution.cells)
    released = path("exercises", name).read_text(encoding="utf-8")
    assert "BEGIN SOLUTION" not in released
    for cell in solution.cells:
        for hidden in re.findall(r"### BEGIN SOLUTION\n(.*?)\n *### END SOLUTION", cell.source, re.S):
            for line in hidden.splitlines():
                if len(line.strip()) > 25:
                    assert json.dumps(line.strip())[1:-1] not in released, line


@each
def test_three_to_six_exercises_each_with_points_text_and_check(name):
    """Task, answer and check follow each other; the title names key, points; the head names the sum."""
    book = read("exercises", name)
    cells = {cell.id: cell for cell in book.cells}
    tasks = submissions.load_assignment(name, ROOT / "exercises").tasks
    assert 3 <= len(tasks) <= 6
    for task in tasks:
        slug = task.key.replace(".", "-")
        exercise = checks.EXERCISES[task.key]
        head = cells[f"task-{slug}"].source.splitlines()[0]
        assert head == f"## {task.key} {exercise.title} ({task.points} point{'s' if task.points > 1 else ''})"
        assert f"def {task.function}(" in cells[f"answer-{slug}"].source
        assert '"""' in cells[f"answer-{slug}"].source
        assert "raise NotImplementedError" in cells[f"answer-{slug}"].source
        assert cells[f"check-{slug}"].source == f'checks.check("{task.key}", {task.function})'
    assert f"{sum(task.points for task in tasks)} points" in book.cells[0].source
    assert book.cells[1].source == books.bootstrap()


@each
def test_house_style(name):
    """At most 90 words a text, nothing easy, links that lead somewhere, checks passed, no machine."""
    raw = path("solutions", name).read_text(encoding="utf-8")
    assert not re.search(r"/home/\w|/wor[k]/|/roo[t]/|/Users/\w", raw)
    for cell in read("solutions", name).cells:
        if cell.cell_type == "code":
            if cell.id.startswith("check-"):
                assert "✓ right" in cell.outputs[0].text, "run tools/notebooks.py execute on the solution"
            assert len(cell.source.splitlines()) <= 30
            continue
        words = re.findall(r"[A-Za-z][A-Za-z'-]*", re.sub(r"\$\$.*?\$\$|\$[^$]*\$", " ", cell.source, flags=re.S))
        assert len(words) <= 90, (len(words), cell.source[:60])
        assert not re.search(r"\b(easily|simply|just|obviously|of course)\b", cell.source, re.I), cell.source[:60]
        for link in re.findall(r"\]\((?!http)([^)#]+)", cell.source):
            assert (path("solutions", name).parent / link).exists(), link


@each
@pytest.mark.long
def test_solutions_run_and_pass_their_checks(name, tmp_path):
    """nbval runs each solution from the top, offline: every check cell passes."""
    nbval_offline(path("solutions", name), tmp_path)


@each
@pytest.mark.long
def test_untouched_exercises_say_not_done_yet_and_nothing_worse(name, monkeypatch):
    """Run as released: each check cell raises AssertionError "… not done yet", every other cell runs."""
    monkeypatch.setenv("AIGC_FAST", "1")
    book = read("exercises", name)
    try:
        NotebookClient(
            book,
            timeout=120,
            kernel_name="python3",
            allow_errors=True,
            resources={"metadata": {"path": str(path("exercises", name).parent)}},
        ).execute()
    except CellTimeoutError as error:
        pytest.fail(str(error))
    for cell in book.cells:
        errors = [output for output in cell.get("outputs", []) if output.output_type == "error"]
        if cell.id.startswith("check-"):
            assert [error.ename for error in errors] == ["AssertionError"], cell.id
            assert "not done yet" in errors[0].evalue
        else:
            assert errors == []


@pytest.mark.long
def test_nbgraders_own_autograder_takes_the_format(tmp_path):
    """The other way, with its limits: `nbgrader autograde` gives the solution full points, and a cheat full points too.

    The second half is the reason for our grader (grading/README.md); if it fails, nbgrader has been mended.
    """
    import os
    import shutil

    name = "02_minimax_game"
    shutil.copytree(ROOT / "solutions" / name, tmp_path / "solutions" / name)
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    cheat = read("exercises", name)
    cheat.cells[2].source += "\nchecks.check = lambda *arguments: None"
    for student, book in (("honest", read("solutions", name)), ("cheat", cheat)):
        (tmp_path / "grading" / "submitted" / student / name).mkdir(parents=True)
        nbformat.write(book, tmp_path / "grading" / "submitted" / student / name / f"{name}.ipynb")
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for arguments in (["generate_assignment", name, "--create"], ["autograde", name], ["export", "--to=marks.csv"]):
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
    import csv

    with open(tmp_path / "marks.csv", newline="") as file:
        marks = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert marks == {"honest": 10.0, "cheat": 10.0}
