"""Whose file is it: names of six systems and of students, versions, files that are not graded, the class list; and that
in shuffled, shrunk and grown classes nobody's row, page or points become somebody else's."""

import csv
import json
import os
import random
import re
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import classroom
import pytest
from sandboxed import kind_here

from aigc_course.grading import submissions
from aigc_course.grading.collect import collect
from aigc_course.grading.pages import Pages
from aigc_course.grading.people import recognise
from aigc_course.grading.report import report

ROOT = Path(__file__).resolve().parent.parent
NAME = classroom.NAME
RIGHT = ROOT / "solutions" / NAME / f"{NAME}.ipynb"
BLANK = ROOT / "exercises" / NAME / f"{NAME}.ipynb"


@pytest.fixture(scope="module")
def assignment():
    return submissions.load_assignment(NAME, ROOT / "exercises")


# --- names ---

NAMES = [  # name, folder?, system, id, display name, late
    ("王伟_100001_assignsubmission_file", True, "moodle", "100001", "王伟", False),
    ("Ann Li_123456_assignsubmission_file_", True, "moodle", "123456", "Ann Li", False),
    ("Ann Li_123456_assignsubmission_onlinetext", True, "moodle", "123456", "Ann Li", False),
    ("Participant_77_assignsubmission_file", True, "moodle", "77", "Participant", False),
    ("Ann Li_123456_assignsubmission_file_02_minimax_game.ipynb", False, "moodle", "123456", "Ann Li", False),
    ("Ann Li_1_assignsubmission_file_Bob_2_assignsubmission_file_x.ipynb", False, "moodle", "1", "Ann Li", False),
    ("wangwei_555_9001_02_minimax_game.ipynb", False, "canvas", "555", "wangwei", False),
    ("wangwei_555_9001_a_1_2_b.ipynb", False, "canvas", "555", "wangwei", False),
    ("wangwei_LATE_555_9001_02_minimax_game-1.ipynb", False, "canvas", "555", "wangwei", True),
    ("王伟_late_555_9001_02_minimax_game.ipynb", False, "canvas", "555", "王伟", True),
    ("LATE_anon_aB3cD_9001_02_minimax_game.ipynb", False, "canvas", "aB3cD", "", True),
    ("123456-789012 - Mary-Ann Smith - Mar 4, 2026 1227 PM", True, "brightspace", "123456", "Mary-Ann Smith", False),
    ("1-2 - Ann - Mar 4, 2026 1227 PM - x.ipynb", False, "brightspace", "1", "Ann", False),
    ("Homework 2_s123_attempt_2024-03-01-10-20-30_x.ipynb", False, "blackboard", "s123", "", False),
    ("Li, Na(li123)", True, "sakai", "li123", "Li, Na", False),
    ("Li, Na(li123)_Submission attachment(s)_x.ipynb", False, "sakai", "li123", "Li, Na", False),
    ("李娜_2023110345_02_minimax_game.ipynb", False, "number", "2023110345", "李娜", False),
    ("李娜_2023110345_02_minimax_game_LATE.ipynb", False, "number", "2023110345", "李娜", True),
    ("2023110345_李娜_02-minimax-game_迟交.ipynb", False, "number", "2023110345", "李娜", True),
    ("2023110345-李娜-第2次作业.ipynb", False, "number", "2023110345", "李娜", False),
    ("2023110345李娜.ipynb", False, "number", "2023110345", "李娜", False),
    ("李娜（2023110345）.ipynb", False, "number", "2023110345", "李娜", False),
    ("李娜_２０２３１１０３４５_02.ipynb", False, "number", "2023110345", "李娜", False),
    ("02_minimax_game_李娜_SA23011045.ipynb", False, "number", "SA23011045", "李娜", False),
    ("计科_2301_2023110345_李娜.ipynb", False, "number", "2023110345", "李娜", False),
    ("计科2301_2023110345_李娜_02_minimax_game.ipynb", False, "number", "2023110345", "李娜", False),
    ("20241010_李娜_2023110345_02.ipynb", False, "number", "2023110345", "李娜", False),
    ("Ann Li 2023110345 homework.ipynb", False, "number", "2023110345", "Ann Li", False),
    ("Ann_Li_2023110345_02_minimax_game.ipynb", False, "number", "2023110345", "Ann Li", False),
    ("Li2023110345.ipynb", False, "number", "2023110345", "Li", False),
    ("Wei s1234567.ipynb", False, "number", "s1234567", "Wei", False),
    ("2023110345_Ann_Li.ipynb", False, "number", "2023110345", "Ann Li", False),
    ("2023110345_李娜_作业.ipynb", False, "number", "2023110345", "李娜", False),
    ("wangwei2_2023110345_02.ipynb", False, "number", "2023110345", "wangwei2", False),
    ("李娜_13800138000_2023110345.ipynb", False, "path", "", "李娜_13800138000_2023110345", False),
    ("Evil, Z(bob1)_x, Y(eve1)", True, "sakai", "eve1", "Evil, Z(bob1)_x, Y", False),
    ("wangwei_2023110345_02_minimax.ipynb", False, "number", "2023110345", "wangwei", False),
    ("李娜-02-2023110345.ipynb", False, "number", "2023110345", "李娜", False),
    ("学号：2023110345姓名：李娜.ipynb", False, "number", "2023110345", "李娜", False),
    ("Wang-Wei_555_9001_02_minimax_game.ipynb", False, "canvas", "555", "Wang-Wei", False),
    ("Li, Na (Nina)(li123)", True, "sakai", "li123", "Li, Na (Nina)", False),
    ("A, B(a1x); C, D(c2y)", True, "sakai", "a1x; c2y", "A, B; C, D", False),
    ("Li, Na (2)", True, "path", "", "Li, Na (2)", False),
    ("AI_3_2023110345_李娜.ipynb", False, "number", "2023110345", "李娜", False),
    ("李娜_2023110345", True, "number", "2023110345", "李娜", False),
    ("ann_02_minimax_game.ipynb", False, "path", "", "ann", False),
    ("Ann (2)", True, "path", "", "Ann (2)", False),
    ("02_minimax_game.ipynb", False, "path", "", "02_minimax_game", False),
    ("李娜_02_minimax_game.ipynb", False, "path", "", "李娜", False),
]


@pytest.mark.parametrize(("name", "folder", "system", "id_", "who", "late"), NAMES)
def test_a_name_says_who_which_number_and_whether_late(name, folder, system, id_, who, late):
    """Six platforms' forms, students' own, and what is in no form; no part of the assignment is ever a number."""
    found = recognise(name, NAME, folder)
    assert (found.person.system, found.person.id, found.person.name, found.late) == (system, id_, who, late)


@pytest.mark.parametrize("number", ["02", "10", "2", "99"])
def test_the_assignments_number_is_nobodys(number):
    """Whatever the assignment is called, name_number_assignment has the student's number."""
    for form in ("李娜_2023110345_{}.ipynb", "2023110345_李娜_{}.ipynb", "{}_李娜_2023110345.ipynb"):
        for name in (f"{number}_the_game", f"{number}-the-game"):
            found = recognise(form.format(name), f"{number}_the_game").person
            assert (found.system, found.id, found.name) == ("number", "2023110345", "李娜"), (form, name)


def test_two_names_with_one_number_stay_two_people():
    """Students write their numbers themselves, and mistake them."""
    for names in (("李娜", "王伟"), ("Ann_Li", "Bo_Li"), ("Ann Li", "Bo Li"), ("李娜", "")):
        for form in ("{}_2023110345_{}.ipynb", "{}2023110345_{}.ipynb", "作业_2023110345_{}_{}.ipynb"):
            one, two = (recognise(form.format(name, NAME), NAME).person for name in names)
            assert one.id == two.id == "2023110345"
            assert one.key != two.key
            assert one.page != two.page


def test_files_saved_from_letters_are_of_different_people():
    """02_minimax_game (1).ipynb says nothing of its student: each is somebody's, and nobody's are put together."""
    names = [f"{NAME}.ipynb", f"{NAME} (1).ipynb", f"{NAME} (2).ipynb", f"{NAME}-Copy1.ipynb"]
    assert len({recognise(name, NAME).person.key for name in names}) == len(names)


def test_pages_carry_the_number_and_the_name_in_every_script():
    """Readable, in NFC, without what Windows forbids, short enough, and apart even where case is one."""
    odd = ["x" * 300, "名" * 300, "a/b", "..", "", "nul", "LPT1", "a:b*c?", "ß", "SS", "ss", "ﬁ", "fi"]
    names = [*classroom.FAMILY, *odd]
    forms = [f"{name.replace('/', ':')}_{i}_assignsubmission_file" for i, name in enumerate(names)]
    people = [recognise(name, NAME, True).person for name in forms + [name.replace("/", ":") or "_" for name in names]]
    pages = [person.page for person in people]
    assert len({unicodedata.normalize("NFKC", page).casefold() for page in pages}) == len(pages)
    for page in pages:
        assert len(f"{page}.html".encode()) <= 200
        assert page == unicodedata.normalize("NFC", page)
        assert all(c == "-" or unicodedata.category(c)[0] in "LMN" for c in page)
    assert people[0].page.startswith("0-王伟-")
    assert people[6].page.startswith("6-प्रिया-शर्मा-")


# --- nobody becomes somebody else ---


def rows_and_pages(folder, out, assignment):
    """{(file, page): (the person's lines in both tables, the page's text)} after a run."""
    out.mkdir()
    found = collect(folder, NAME)
    results = classroom.graded(found, assignment)
    pages = Pages(found, assignment, out / "pages")
    for submission in found:
        pages.add(submission, results[submission.slug])
    report(results, found, assignment, out / "grades.csv", out / "pages", False)
    lines, seen = {}, {}
    for table in ("grades.csv", "grades.totals.csv"):
        with open(out / table, encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                lines.setdefault(row["file"], []).append(row)
    for file, group in lines.items():
        page = group[-1]["feedback"]
        seen[file, page] = (group, (out / "pages" / page).read_text(encoding="utf-8"))
    assert len(seen) == len(found.people) == len(list((out / "pages").iterdir()))
    return seen


def test_nobodys_row_page_or_points_become_anothers(tmp_path, assignment, capsys, monkeypatch):
    """200 students of nine kinds: each one's rows and page are, in every class, what they are in a class of one."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # some thousand small files
    rng = random.Random(7)
    students = classroom.school(7)
    assert len(students) == 200
    alone = {}
    for student in students:
        folder = classroom.write(tmp_path / student.token, [student])
        alone[student.token] = rows_and_pages(folder, tmp_path / f"{student.token}.out", assignment)
        assert len(alone[student.token]) == 1
        for group, page in alone[student.token].values():
            assert all(token == student.token for token in tokens(json.dumps(group) + page))
    for turn in range(8):
        there = students if turn == 0 else rng.sample(students, rng.randint(20, 199))
        folder = classroom.write(tmp_path / f"class{turn}", there, rng)
        seen = rows_and_pages(folder, tmp_path / f"out{turn}", assignment)
        expected = {}
        for student in there:
            expected |= alone[student.token]
        assert len(seen) == len(there)
        assert seen == expected
    capsys.readouterr()


def tokens(text):
    """The students' tokens in a text."""
    return re.findall(r"\bT\d{3}\b", text)


def test_pages_in_one_folder_are_only_ever_overwritten_by_their_own_person(tmp_path, assignment, capsys):
    """The class graded again and again into the same folder, with others there each time: each page keeps its owner."""
    rng = random.Random(11)
    students, owner = classroom.school(11), {}
    (tmp_path / "pages").mkdir()
    for turn in range(8):
        there = rng.sample(students, 120)
        found = collect(classroom.write(tmp_path / f"class{turn}", there, rng), NAME)
        results = classroom.graded(found, assignment)
        pages = Pages(found, assignment, tmp_path / "pages")
        for submission in rng.sample(list(found), len(found)):
            pages.add(submission, results[submission.slug])
        for path in (tmp_path / "pages").iterdir():
            for token in tokens(path.read_text(encoding="utf-8")):
                assert owner.setdefault(path.name.casefold(), token) == token
    assert len(set(owner.values())) > 150


def test_a_dozen_real_hand_ins_before_and_after_one_is_taken_away(tmp_path):
    """The command itself: equal names, versions, a late one, bytes in front, files that are not graded; then without
    one folder: every other row, page and point is what it was."""
    kind_here()  # without a sandbox the real grader cannot be asked
    folder = tmp_path / "class"
    text = RIGHT.read_text(encoding="utf-8")
    hand_ins = {
        f"王伟_100001_assignsubmission_file/{NAME}.ipynb": RIGHT,
        f"王伟_100002_assignsubmission_file/{NAME}.ipynb": BLANK,
        f"Ann (2)_3_assignsubmission_file/{NAME}.ipynb": BLANK,
        f"Ann (2)_3_assignsubmission_file/{NAME} (1).ipynb": RIGHT,
        f"Ann_2_assignsubmission_file_{NAME}.ipynb": BLANK,
        f"wangwei_LATE_555_9001_{NAME}.ipynb": RIGHT,
        f"wangwei_556_9002_{NAME}.ipynb": BLANK,
        f"李娜_2023110345_{NAME}.ipynb": RIGHT,
        f"李娜_2023110346_{NAME}.IPYNB": BLANK,
        "x;=1+1;.ipynb.txt": RIGHT,
    }
    for name, source in hand_ins.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, folder / name)
    (folder / "bom.ipynb").write_text(text, encoding="utf-8-sig")
    (folder / "wide.ipynb").write_text(text, encoding="utf-16")
    (folder / "eve.zip").write_bytes(b"PK")
    right, wrong = ("100001", "3", "555", "2023110345", "x;'=1+1;", "bom", "wide"), ("100002", "2", "556", "2023110346")
    first, pages = run(folder, tmp_path)
    scores = {key: int(row["score"]) for key, row in first.items()}
    assert scores == dict.fromkeys(right, 10) | dict.fromkeys(wrong, 0)
    assert (first["555"]["late"], "2 versions" in first["3"]["remarks"]) == ("yes", True)
    shutil.rmtree(folder / "王伟_100001_assignsubmission_file")
    second, after = run(folder, tmp_path)
    assert second == {key: row for key, row in first.items() if key != "100001"}
    assert after == pages


def run(folder, out):
    """({student_id: line of the totals}, {page: text}) after the command."""
    line = [sys.executable, "-m", "aigc_course", "grade", str(folder), "--assignment", NAME]
    line += ["--out", "grades.csv", "--feedback", "pages"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(line, capture_output=True, text=True, cwd=out, check=False, timeout=500, env=environment)
    assert done.returncode == 1, done.stderr
    assert "1 file not graded" in done.stdout.strip().splitlines()[-1]
    with open(out / "grades.totals.csv", encoding="utf-8-sig", newline="") as file:
        lines = {row["student_id"]: row for row in csv.DictReader(file)}
    return lines, {path.name: path.read_text(encoding="utf-8") for path in (out / "pages").iterdir()}
