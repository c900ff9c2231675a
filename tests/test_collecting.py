"""What is in the folder of submissions: versions of one person, files that are not graded, what platforms leave."""

import csv
import os

import pytest
from classroom import NAME, ROOT, graded, lay, notebook
from classroom import marks as marks_of

from aigc_course.errors import CourseError
from aigc_course.grading import grader, submissions
from aigc_course.grading.collect import collect
from aigc_course.grading.limits import Limits
from aigc_course.grading.piles import VERSIONS_MOST
from aigc_course.grading.report import report
from aigc_course.grading.results import combine

RIGHT = ROOT / "solutions" / NAME / f"{NAME}.ipynb"


@pytest.fixture(scope="module")
def assignment():
    return submissions.load_assignment(NAME, ROOT / "exercises")


@pytest.mark.parametrize(
    "names",
    [
        ["X.ipynb", "X (1).ipynb", "X-Copy1.ipynb", "X_v2.ipynb", "X - 副本.ipynb"],
        ["李娜_2023110345_02_minimax_game.ipynb", "2023110345_李娜_02.ipynb", "李娜_2023110345_02(2).IPYNB"],
        ["wangwei_555_9001_02_minimax_game.ipynb", "wangwei_LATE_555_9002_other.ipynb"],
        ["Ann/X.ipynb", "Ann/X (1).ipynb", "Ann/deep/er/X.ipynb.txt"],
        ["A_7_assignsubmission_file/a.ipynb", "A_7_assignsubmission_file_b.ipynb"],
        ["1-2 - A - Mar 4, 2026 1227 PM/x.ipynb", "1-2 - A - Mar 5, 2026 930 AM/x.ipynb"],
        ["H_s1_attempt_2024-03-01-10-20-30_x.ipynb", "H_s1_attempt_2024-03-02-10-20-30_x.ipynb"],
    ],
)
def test_versions_of_one_person_are_all_tried_and_the_best_counts(tmp_path, assignment, names):
    """One row, the best points whichever file has them, and a remark that names all."""
    for right in names:
        folder = lay(tmp_path / f"class{names.index(right)}", *names)
        (folder / right).write_text(notebook("", 9), encoding="utf-8")
        [mark] = marks_of(collect(folder, NAME), assignment)
        assert mark.points == 9
        assert mark.submission.file == right
        assert f"{len(names)} versions were handed in" in mark.notes[0]


def test_a_version_in_time_is_taken_before_a_late_one_of_the_same_points(tmp_path, assignment):
    """`late` is said of the version that counts."""
    folder = lay(tmp_path, "wei_555_9001_02_minimax_game.ipynb", "wei_LATE_555_9002_02_minimax_game.ipynb")
    [mark] = marks_of(collect(folder, NAME), assignment)
    assert not mark.submission.late
    lay(folder, "wei_LATE_555_9002_02_minimax_game.ipynb", text=notebook("", 5))
    [mark] = marks_of(collect(folder, NAME), assignment)
    assert mark.submission.late


def test_a_version_that_the_machine_could_not_grade_leaves_the_points_open(tmp_path, assignment):
    """It might have been the better one, unless another has all points."""
    folder = lay(tmp_path, "X.ipynb", "X (1).ipynb")
    found = collect(folder, NAME)
    for points, expected in ((3, None), (10, 10)):
        lay(folder, "X.ipynb", text=notebook("", points))
        results = graded(found, assignment)
        other = next(submission for submission in found if submission.file == "X (1).ipynb")
        for row in results[other.slug]["rows"]:
            row["points"] = None
        assert [mark.points for mark in combine(found, results)] == [expected]


def test_too_many_files_of_one_person_are_nobodys_zero(tmp_path, assignment):
    """A pattern that puts a class together is a mistake of ours: no points, empty or not, until somebody says."""
    folder = lay(tmp_path, *(f"hw ({i}).ipynb" for i in range(VERSIONS_MOST + 1)), "ann.ipynb")
    found = collect(folder, NAME)
    assert [submission.unclear for submission in found] == [False, True]
    assert len(found.not_graded) == VERSIONS_MOST + 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("eve.zip", "archive"),
        ("fay.py", "Python file"),
        ("gus.json", "JSON"),
        ("essay.docx", "not a notebook"),
        ("noending", "no ending"),
        ("ann/eve.zip", "archive"),
        ("ann/a/b/c/d/notes.txt", "not a notebook"),
        ("ann/01_learning_from_data.ipynb", "another assignment's"),
        (".hidden/x.ipynb", "hidden folder"),
        ("李娜_2023110345_02_minimax_game.zip", "archive"),
        ("Bo_5_assignsubmission_onlinetext/onlinetext.html", "not a notebook"),
    ],
)
def test_each_file_that_is_not_graded_is_listed_with_a_reason(tmp_path, assignment, capsys, name, words):
    """In the table, on the terminal, counted in the last line; exit code 1."""
    folder = lay(tmp_path / "class", f"ann/{NAME}.ipynb", name)
    found = collect(folder, NAME)
    [item] = found.not_graded
    assert item.file == name or name.startswith(f"{item.file}/")
    assert words in item.reason
    assert report(graded(found, assignment), found, assignment, tmp_path / "grades.csv", tmp_path, False) == 1
    said = capsys.readouterr()
    assert "1 file not graded" in said.out.strip().splitlines()[-1]
    assert words in said.err
    with open(tmp_path / "grades.not_graded.csv", encoding="utf-8-sig", newline="") as file:
        assert [row["file"] for row in csv.DictReader(file)] == [item.file]


def test_a_person_who_handed_in_something_else_has_a_row(tmp_path, assignment):
    """Where the name says who it is of, an archive alone is a row with the reason, not a silence."""
    folder = lay(tmp_path, "Bo_5_assignsubmission_file_x.zip", "李娜_2023110345_02_minimax_game.py", "Cy/essay.txt")
    marks = marks_of(collect(folder, NAME), assignment)
    assert [mark.person.id or mark.person.name for mark in marks] == ["5", "Cy", "2023110345"]
    for mark, word in zip(marks, ("archive", "essay.txt", "Python file"), strict=True):
        assert mark.points == 0
        assert word in mark.result["rows"][0]["message"]


def test_what_systems_and_platforms_leave_is_nobodys_loss(tmp_path, assignment):
    """Finder's, Windows', Jupyter's, Brightspace's, Sakai's and Blackboard's own files do not make the exit code 1."""
    systems = ["__MACOSX/x", "._ann.ipynb", ".DS_Store", "ann/.DS_Store"]
    platforms = ["index.html", "grades.csv", "Li, Na(li1)/timestamp.txt", "Li, Na(li1)/comments.txt"]
    platforms += ["H_s1_attempt_2024-03-01-10-20-30.txt"]
    own = [*systems, *platforms, f"ann/.ipynb_checkpoints/{NAME}-checkpoint.ipynb"]
    theirs = [
        f"ann/{NAME}.ipynb",
        "1-2 - B - Mar 4, 2026 1227 PM/x.ipynb",
        "Li, Na(li1)/Submission attachment(s)/x.ipynb",
        "H_s1_attempt_2024-03-01-10-20-30_x.ipynb",
    ]
    found = collect(lay(tmp_path / "class", *own, *theirs), NAME)
    assert {item.file for item in found.not_graded if not item.own} == set()
    assert len(found.people) == len(theirs)
    assert report(graded(found, assignment), found, assignment, tmp_path / "g.csv", tmp_path, False) == 0


def test_only_a_copy_of_jupyters_was_handed_in(tmp_path):
    """Then it is a loss, and counted."""
    found = collect(lay(tmp_path, f"ann/.ipynb_checkpoints/{NAME}-checkpoint.ipynb"), NAME)
    assert [item.own for item in found.not_graded] == [False]


def test_links_pipes_and_endless_folders_end_in_a_reason(tmp_path):
    """Nothing is followed, nothing hangs, nothing is left out."""
    folder = lay(tmp_path / "class", "ann/x.ipynb")
    os.symlink(RIGHT, folder / "ann" / "y.ipynb")
    os.symlink(RIGHT, folder / "bob.ipynb")
    os.symlink(ROOT, folder / "cem")
    os.mkfifo(folder / "dan.zip")
    lay(folder, "eve/" + "d/" * 30 + "x.ipynb")
    reasons = {item.file: item.reason for item in collect(folder, NAME).not_graded}
    assert [reasons[name] for name in ("ann/y.ipynb", "bob.ipynb", "cem")] == ["a link, not a file"] * 3
    assert reasons["dan.zip"] == "no plain file"
    assert any("deeper than" in reason for reason in reasons.values())


def test_blackboards_receipt_tells_the_whole_user_name(tmp_path):
    """Homework_2_wang_wei_attempt_…: where the column's name ends and the user's begins, only the receipt knows."""
    receipt = "Name: Wang Wei (wang_wei)\nAssignment: Homework_2\n"
    folder = lay(tmp_path, "Homework_2_wang_wei_attempt_2024-03-01-10-20-30.txt", text=receipt)
    lay(folder, "Homework_2_wang_wei_attempt_2024-03-01-10-20-30_x.ipynb")
    [person] = collect(folder, NAME).people
    assert (person.id, person.name) == ("wang_wei", "Wang Wei")


def test_sakais_table_says_who_is_late(tmp_path):
    """grades.csv at the top of its archive; the third line has the names of the columns."""
    table = (
        '"Homework 2","SCORE_GRADE_TYPE"\n\n'
        '"Display ID","ID","Last Name","First Name","grade","Submission date","Late submission"\n'
        '"li1","li1","Li","Na","","2026","Late"\n"bo2","bo2","Bo","Al","","2026","On time"\n'
    )
    folder = lay(tmp_path, "grades.csv", text=table)
    lay(folder, "Li, Na(li1)/Submission attachment(s)/x.ipynb", "Bo, Al(bo2)/Submission attachment(s)/x.ipynb")
    late = {submission.person.id: submission.late for submission in collect(folder, NAME)}
    assert late == {"li1": True, "bo2": False}


def test_a_folder_too_high_is_said(tmp_path):
    """Sakai's archive has one folder with the students inside: graded as one student it would be a disaster."""
    folder = lay(tmp_path, "Homework 2/Li, Na(li1)/x.ipynb", "Homework 2/Bo, Al(bo2)/x.ipynb")
    with pytest.raises(CourseError, match="students are inside"):
        collect(folder, NAME)


def test_what_this_machine_cannot_read_costs_no_marks(tmp_path, assignment, monkeypatch):
    """A folder or a file without permission: the points stay open, and the run says so."""
    folder, real = lay(tmp_path / "class", "ann/x.ipynb", "bob.ipynb"), os.scandir

    def closed(path):
        if str(path).endswith("ann"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", closed)
    found = collect(folder, NAME)
    assert {submission.person.name: submission.unclear for submission in found} == {"ann": True, "bob": False}
    assert [item.reason for item in found.not_graded] == ["cannot be read here (Permission denied)"]
    monkeypatch.setattr(os, "open", lambda *arguments: closed("ann"))
    [bob] = [submission for submission in found if submission.path]
    result = grader.grade_or_reuse(bob, assignment, "none", Limits(), tmp_path, True, None)
    assert {row["points"] for row in result["rows"]} == {None}


# --- marks of bytes in front ---


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_mark_in_front_of_the_text_costs_nothing(tmp_path, encoding):
    """Windows' editors save UTF-8 with a mark, or UTF-16: the same bytes as without come out."""
    text = RIGHT.read_text(encoding="utf-8")
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
    (tmp_path / "x.ipynb").write_bytes((mark + text).encode(encoding))
    assert submissions.read_blob(tmp_path / "x.ipynb") == text.encode()
