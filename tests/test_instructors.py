"""The page for instructors, the rubric and the worked projects name what is there and say what holds."""

import csv
import importlib.util
import math
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from aigc_course import checks
from aigc_course.capstone import project
from aigc_course.checks import exam

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")
PROJECTS = ROOT / "docs" / "projects"


def part(heading):
    """The text under a heading of the page."""
    return re.split(r"^## ", PAGE.split(f"\n## {heading}\n")[1], maxsplit=1, flags=re.M)[0]


def rows(text):
    """The cells of a table's rows."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def load(path):
    """A script as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


THERE = {key[:2] for key in checks.EXERCISES}  # chapters whose exercises are written


def test_every_misconception_is_caught_by_an_exercise_that_is_there():
    """Chapter, key and the words of a hint belong together; three and more for each chapter."""
    found = rows(part("What we expect learners to get wrong"))
    for chapter, _, key, words in found:
        assert key.startswith(f"{chapter}."), key
        if chapter not in THERE and int(chapter) <= 16:
            continue
        hints = " ".join(hint for hint, _ in checks.EXERCISES[key].hints)
        assert words.strip('"') in hints, (key, words)
    for chapter in THERE:
        assert sum(row[0] == chapter for row in found) >= 3, chapter


def test_the_plan_has_every_chapter_with_the_minutes_of_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    minutes = dict(re.findall(r"^\| \[(\d\d) \w+\]\(notebooks/.*?\| ([\d.]+) \|", readme, re.M))
    planned = {}
    for _, chapters, named, *_ in rows(part("Twelve weeks")):
        numbers = re.findall(r"\b\d\d\b", chapters)
        planned |= dict(zip(numbers, re.findall(r"[\d.]+", named), strict=False))
    assert planned == minutes


def test_exercises_of_the_plan_are_there():
    for key in re.findall(r"\b(\d\d\.\d)\b(?!\d)", part("Twelve weeks") + part("Two days")):
        assert key in checks.EXERCISES or key[:2] not in THERE, key


def test_families_with_few_variants_are_named():
    """Two seeds of an examination may ask the same; the page says where that is likeliest."""
    named = set(re.search(r"three variants \((.*?)\)", part("An examination"))[1].split(", "))
    keys = [key for found in exam.chapters(checks.EXERCISES).values() for key in found]
    few = {key for key in keys if len({exam.make(f"{key}/{seed}", checks.EXERCISES).changed for seed in range(30)}) < 4}
    assert few == named


def test_report_1_plans_pairs():
    """(2.8 · 1.1 / 1)² = 9.5: ten seeds, and two more as the runs must find the spread themselves."""
    words = re.search(r"some (\d+) seeds would tell a difference of 1", (PROJECTS / "examples" / "1.md").read_text())
    assert int(words[1]) == math.ceil(((1.959964 + 0.841621) * 1.1) ** 2) + 2


def test_the_rubric_has_six_criteria_of_four_levels():
    table = rows((PROJECTS / "rubric.md").read_text(encoding="utf-8"))
    criteria = [row for row in table if row[0].startswith("**")]
    assert len(criteria) == 6
    assert all(len(row) == 5 and all(row) for row in criteria)


def test_six_reports_say_that_they_are_made_up():
    reports = sorted(path for path in (PROJECTS / "examples").glob("[0-9].md"))
    assert len(reports) == 6
    for path in reports:
        text = path.read_text(encoding="utf-8")
        assert "*A made-up report for practice.*" in text
        assert 150 < len(text.split()) < 420, path


def test_agreement_is_cohens():
    """Equal ratings give 1; opposite ones less than 0; a known table its published kind of value."""
    tool = load(PROJECTS / "agreement.py")
    a = np.array([0, 1, 2, 3, 0, 1, 2, 3])
    assert tool.kappa(a, a) == 1
    assert tool.kappa(a, 3 - a) == pytest.approx(-1)
    assert tool.kappa(a, np.array([0, 1, 2, 3, 1, 0, 3, 2])) == pytest.approx(1 - 4 / 20)
    found = tool.agreement(np.tile(a, (6, 1)).T, np.tile(a, (6, 1)).T, np.random.default_rng(1), 50)
    assert found["all"][:3] == (1, 1, 1)


def test_the_agreement_command_reads_two_files(tmp_path, capsys, monkeypatch):
    """A table for all criteria; files that do not fit each other are one line and 2."""
    tool = load(PROJECTS / "agreement.py")
    for name, shift in (("a", 0), ("b", 1)):
        with open(tmp_path / f"{name}.csv", "w", encoding="utf-8", newline="") as file:
            out = csv.writer(file)
            out.writerow(("project", *tool.CRITERIA))
            out.writerows((i, *((i + j + shift * (i == 2)) % 4 for j in range(6))) for i in range(1, 7))
    monkeypatch.setattr(sys, "argv", ["agreement.py", str(tmp_path / "a.csv"), str(tmp_path / "b.csv")])
    assert tool.main() == 0
    said = capsys.readouterr().out
    assert all(name in said for name in (*tool.CRITERIA, "all"))
    (tmp_path / "b.csv").write_text("project," + ",".join(tool.CRITERIA) + "\n1,0,0,0,0,0,9\n")
    assert tool.main() == 2


@pytest.mark.parametrize("name", ["shrink", "thirty"])
def test_a_worked_project_can_be_read(name):
    """project.toml is complete; its files are those that its script writes."""
    work = project.read(PROJECTS / name)
    assert len(work.numbers) >= 4
    script = (PROJECTS / name / work.facts["script"]).read_text(encoding="utf-8")
    for claim in work.numbers:
        assert claim["file"] in script or claim["file"].split(".")[0] in script, claim["file"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "arguments"),
    [("thirty", ["--arm", "both", "--seed", "1"]), ("shrink", ["--width", "0.125", "--seed", "7"])],
)
def test_a_script_runs_and_goes_on(name, arguments, tmp_path, monkeypatch):
    """A few steps write a row; the second call makes none anew."""
    monkeypatch.setenv("AIGC_FAST", "1")
    script = load(PROJECTS / name / f"{name}.py")
    monkeypatch.setattr(sys, "argv", [name, *arguments, "--out", str(tmp_path)])
    assert script.main() == 0
    first = (tmp_path / "results.csv").read_text()
    assert script.main() == 0
    assert (tmp_path / "results.csv").read_text() == first
