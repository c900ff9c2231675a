"""The tables: no formula under any separator, nothing that turns the reading direction; and the files for Moodle's and
Canvas' imports, read back by transcriptions of those imports' own rules."""

import csv
import io
import random
import re

import classroom
import pytest
from classroom import NAME, ROOT, lay

from aigc_course.errors import CourseError
from aigc_course.grading import submissions, tables
from aigc_course.grading.collect import collect
from aigc_course.grading.pages import Pages
from aigc_course.grading.report import report
from aigc_course.grading.roster import read_roster
from aigc_course.grading.safetext import is_plain, safe_cell, say, visible

SIGNS = "=+-@＝＋－＠﹦﹢﹣﹫−"
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@pytest.fixture(scope="module")
def assignment():
    return submissions.load_assignment(NAME, ROOT / "exercises")


# --- text of strangers ---


NUMBER = re.compile(r"[-+−－＋]\.?\d[\d.]*(?:[eE][-+]?\d+)?(?![\w+\-*/^&=<>!|(%'])")
ATTACKS = [
    *("=1+1", "＝1+1", "＋1", "－1+cmd", "＠SUM(1)", "﹦1", "−1+1", "=", "a@b.org"),
    *(";=cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "x -2+3+cmd|' /C calc'!A0"),
    *("x;=1+1;", "|=1", "a :=1", "a,,=1", "；＝1", "a =1"),  # behind separators
    *('a";"=1', '"=1', "'=1", 'x,"=1'),  # behind quotation marks
    *("\t=1", "\r=1", "\n=1", "a\t=1", "a\r\n=1", "\u2028=1"),  # behind breaks
    *("\u202e=1", "\u200b=1", "\u200c=1", "\ufeff=1", "\u00a0=1", "\u3000=1", "; \u200d =1", "\x00=1"),  # not seen
    *("x -cmd|a", "x +A1", "x -1e5+A1", "x -", "x -1("),  # behind a space
]


def begins_a_formula(text, loose):
    """True if a spreadsheet program would take the text for a formula; with `loose`, a number or a dash is none."""
    text = text.strip(' \u00a0\u3000"\u200b\u200c\u200d\u2060\ufeff')
    return text[:1] in tuple(SIGNS) and not (loose and (NUMBER.match(text) or text in ("-", "+", "−")))


def cells_under(text, separator):
    """A file's cells as a program sees them that cuts at this separator: by the rules of CSV, and without any."""
    for line in re.split(r"\r\n|\r|\n", text):
        yield from line.split(separator)
    yield from (value for line in csv.reader(io.StringIO(text, newline=""), delimiter=separator) for value in line)


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    """A table of the attacks, alone and in pairs, and of random text of signs and separators."""
    rng = random.Random(3)
    alphabet = [*SIGNS, *";,|:\t\r\n\"' ", "\u00a0", "\u200c", "\u202e", "a", "1", "(", "王", "."]
    texts = ATTACKS + [a + b for a in ATTACKS for b in ATTACKS]
    texts += ["".join(rng.choices(alphabet, k=rng.randint(1, 12))) for _ in range(20_000)]
    path = tmp_path_factory.mktemp("tables") / "t.csv"
    tables.write_table(path, [texts[start : start + 3] for start in range(0, len(texts), 3)])
    return path.read_text(encoding="utf-8-sig")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", ":", " "])
def test_no_cell_is_a_formula_under_any_separator(attacked, separator):
    """Quotation marks do not hold where the file is cut at another sign than its own."""
    assert [found for found in cells_under(attacked, separator) if begins_a_formula(found, separator == " ")] == []


def test_numbers_and_plain_text_stay_as_they_are():
    """Points are numbers; a minus inside a sentence is a minus; names are names."""
    assert safe_cell(7) == 7
    for text in ("王伟", "O'Brien-Smith", "expected 0.5, got -0.5", "a - b", "ann@example.org", "प्रिया"):
        assert is_plain(text), safe_cell(text)
    assert safe_cell("x = 3") == "x '= 3"  # a space is a separator too


def test_marks_of_direction_show_in_the_tables_and_on_the_page(tmp_path, assignment, capsys):
    """A name with U+202E is shown with its escape: nobody's name reads as another's."""
    names = [f"a{mark}nnA_{i}_assignsubmission_file_x.ipynb" for i, mark in enumerate(BIDI, 1)]
    folder = lay(tmp_path / "class", *names)
    found = collect(folder, NAME)
    results = classroom.graded(found, assignment)
    for result in results.values():
        result["remarks"] = [f"bad{BIDI}<script>alert(1)</script>"]
        result["rows"][0]["message"] = f"bad{BIDI}<b>"
    pages = Pages(found, assignment, tmp_path / "pages")
    for submission in found:
        pages.add(submission, results[submission.slug])
    report(results, found, assignment, tmp_path / "grades.csv", tmp_path / "pages", exports=["moodle-worksheet"])
    html = [path.read_text(encoding="utf-8") for path in (tmp_path / "pages").iterdir()]
    texts = [path.read_text(encoding="utf-8-sig") for path in tmp_path.glob("*.csv")] + list(capsys.readouterr())
    assert (len(html), len(texts)) == (len(BIDI), 4 + 2)
    for text in html + texts:
        assert not set(text) & set(BIDI)
    for text in html:
        assert not re.search(r"<script|<b>", text)
    assert any("a\\u202ennA" in text for text in html)


def test_the_terminal_gets_no_escape_sequence_and_no_letter_that_it_cannot_show():
    """A file named with ESC steers no terminal; one that knows only ASCII gets escapes, not an exception."""
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    say("王\x1b[31m伟 \u202e", narrow)
    narrow.flush()
    assert narrow.buffer.getvalue() == b"\\u738b\\u001b[31m\\u4f1f \\u202e\n"


def test_tables_are_utf8_with_the_mark_that_excel_wants(tmp_path, assignment, capsys):
    """Every table of a run, also the exports; and the columns that say who, which file, late."""
    folder = lay(tmp_path / "class", f"王伟_LATE_555_9001_{NAME}.ipynb", f"李娜_2023110345_{NAME}.ipynb")
    found = collect(folder, NAME)
    kinds = list(tables.EXPORTS)
    report(classroom.graded(found, assignment), found, assignment, tmp_path / "grades.csv", tmp_path, exports=kinds)
    written = list(tmp_path.glob("*.csv"))
    assert len(written) == 3 + len(kinds)
    for path in written:
        assert path.read_bytes().startswith(b"\xef\xbb\xbf")
        assert "\ufeff" not in path.read_text(encoding="utf-8-sig")
    first = read(tmp_path / "grades.csv")[0]
    assert (first["id"], first["student"], first["late"]) == ("2023110345", "李娜", "")
    second = read(tmp_path / "grades.totals.csv")[1]
    assert list(second) == [
        *("student_id", "student", "file", "late", "assignment", "raw_score", "score", "max_score"),
        *("02.1", "02.2", "02.3", "02.4", "02.5", "feedback", "remarks"),
    ]
    assert list(second.values())[:-1] == [
        *("555", "王伟", f"王伟_LATE_555_9001_{NAME}.ipynb", "yes", NAME, "1", "1", "10"),
        *("1", "0", "0", "0", "0", f"{found.people[1].page}.html"),
    ]
    capsys.readouterr()


def read(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


# --- the imports, as their sources have them ---


def moodle_import(path, map_from, users):
    """Moodle's grade/import/csv/classes/load_data.php in Python: {user: grade}.

    users: {value of the chosen field: user}. An unknown user ends the import; an empty field keeps the user of the line
    above, as the original does.
    """
    text = path.read_text(encoding="utf-8").removeprefix("\ufeff")
    header, *lines = csv.reader(io.StringIO(text, newline=""))
    grades, user = {}, None
    for line in lines:
        if len(line) <= 1:
            continue
        row = dict(zip(header, (value.strip() for value in line), strict=True))
        if row[map_from] not in ("", "0"):  # PHP's empty()
            user = users.get(row[map_from])
            if user is None:
                return None
        if user is None:
            return None
        grades[user] = None if row[NAME] in ("", "-") else float(row[NAME])
    return grades


def worksheet_import(path, participants):
    """Moodle's mod/assign/feedback/offline/importgradeslib.php: {user: grade}; unknown participants are passed over."""
    text = path.read_text(encoding="utf-8").removeprefix("\ufeff")
    header, *lines = csv.reader(io.StringIO(text, newline=""))
    assert {"Identifier", "Grade", "Last modified (grade)"} <= set(header)
    rows = [dict(zip(header, line, strict=True)) for line in lines]
    found = {row["Identifier"][len("Participant ") :]: row["Grade"] for row in rows}
    return {participants[number]: float(grade) for number, grade in found.items() if number in participants}


def canvas_import(path, users):
    """Canvas' lib/gradebook_importer.rb: ({user: grade}, names of the lines that are nobody's).

    users: list of dicts id, sis_user_id, sis_login_id, name.
    """
    text = path.read_text(encoding="utf-8")
    header, *lines = csv.reader(io.StringIO(text, newline=""))
    assert "Student" in header[0]
    assert "ID" in header[1]
    assert re.search(r"SIS\s+User\s+ID", header[2])
    assert re.search(r"SIS\s+Login\s+ID", header[3])
    assert "Section" in header[4]
    grades, strangers, possible = {}, [], None
    for line in lines:
        if "Points Possible" in line[0]:
            possible = float(line[5])
            continue
        user = next((user for user in users if line[1] and str(user["id"]) == str(int(line[1]))), None)
        user = user or next((user for user in users if line[2] and user["sis_user_id"] == line[2]), None)
        user = user or next((user for user in users if line[3] and user["sis_login_id"] == line[3]), None)
        user = user or next((user for user in users if user["name"] == line[0]), None)
        if user is None:
            strangers.append(line[0])
        else:
            assert user["name"] not in grades
            grades[user["id"]] = float(line[5])
    assert possible == 10
    return grades, strangers


def export(kind, folder, out, assignment, roster=None):
    """(path of the export, the class's marks, lines of report)."""
    found = collect(folder, NAME, roster)
    marks = classroom.marks(found, assignment)
    said, _ = tables.write_exports([kind], marks, found.people, assignment, out / "grades.csv")
    return out / f"grades.{kind}.csv", marks, said


def test_canvas_takes_each_mark_for_the_account_of_its_number(tmp_path, assignment):
    """Equal names, an account that is not in the course, a student who is called like a line of Canvas' own."""
    students = [student for student in classroom.school(5) if student.system == "canvas"]
    path, marks, _ = export("canvas", classroom.write(tmp_path / "class", students), tmp_path, assignment)
    users = [{"id": s.number, "sis_user_id": "", "sis_login_id": "", "name": s.name} for s in students]
    grades, strangers = canvas_import(path, [{**user, "name": str(user["id"])} for user in users])
    assert grades == {int(mark.person.id): mark.points for mark in marks}
    assert strangers == []
    gone = users.pop()
    users[0]["name"] = classroom.slug(gone["name"])  # Canvas would take somebody of that name instead
    grades, strangers = canvas_import(path, [{**user, "name": classroom.slug(user["name"])} for user in users[:1]])
    assert set(grades) == {users[0]["id"]}
    assert any(f"[{gone['id']}]" in name for name in strangers)


def test_canvas_by_the_schools_number_and_no_mark_by_name_alone(tmp_path, assignment):
    """Students' own names of files: their number is Canvas' SIS User ID; without one they are left out, and named."""
    folder = lay(tmp_path / "class", f"李娜_2023110345_{NAME}.ipynb", "王伟.ipynb")
    path, _, [said] = export("canvas", folder, tmp_path, assignment)
    users = [
        {"id": 1, "sis_user_id": "2023110345", "sis_login_id": "", "name": "李娜"},
        {"id": 2, "sis_user_id": "", "sis_login_id": "", "name": "王伟"},
    ]
    assert canvas_import(path, users) == ({1: 1.0}, [])
    assert "1 of 2 people; left out: 王伟 (no number" in said


def test_canvas_gradebook_as_the_class_list(tmp_path, assignment):
    """Its own export joins by ID; the numbers of the school and the section go back as they came."""
    (tmp_path / "list.csv").write_text(
        'Student,ID,SIS User ID,SIS Login ID,Section\n    Points Possible,,,,\n"Li, Ann",555,S1,ann,One\n'
    )
    folder = lay(tmp_path / "class", f"liann_555_9001_{NAME}.ipynb")
    path, _, _ = export("canvas", folder, tmp_path, assignment, read_roster(tmp_path / "list.csv"))
    assert list(read(path)[1]) == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", NAME]
    assert list(read(path)[1].values()) == ["Li, Ann [555]", "555", "S1", "ann", "One", "1"]


def test_moodles_worksheet_takes_the_numbers_of_its_own_download(tmp_path, assignment):
    """Participants' numbers are the assignment's, not users' ids: only the worksheet's import knows them."""
    students = [student for student in classroom.school(6) if student.system.startswith("moodle")]
    path, marks, _ = export("moodle-worksheet", classroom.write(tmp_path / "class", students), tmp_path, assignment)
    grades = worksheet_import(path, {str(student.number): student.token for student in students})
    owners = {str(student.number): student.token for student in students}
    assert grades == {owners[mark.person.id]: mark.points for mark in marks}
    assert len(grades) == len(students)


def test_moodles_gradebook_by_the_column_that_most_have_and_never_an_empty_one(tmp_path, assignment):
    """An empty number would give the points to the student of the line above; "0" is empty in PHP too."""
    (tmp_path / "list.csv").write_text(
        "Identifier,Full name,ID number,Email address\nParticipant 1,A,S1,a@x.org\nParticipant 2,B,,b@x.org\n"
        "Participant 3,C,0,c@x.org\nParticipant 4,D,S4,\nParticipant 5,E,=1,+e@x.org\n"
    )
    for number in range(1, 7):
        lay(tmp_path / "class", f"X_{number}_assignsubmission_file_{NAME}.ipynb", text=classroom.notebook("", number))
    path, _, [said] = export("moodle", tmp_path / "class", tmp_path, assignment, read_roster(tmp_path / "list.csv"))
    users = {f"{letter}@x.org": letter for letter in "abc"}
    assert moodle_import(path, "Email address", users) == {"a": 1, "b": 2, "c": 3}
    assert "3 of 6 people; left out: D (no number" in said


def test_one_number_on_two_peoples_files_is_in_no_export(tmp_path, assignment, capsys):
    """Both keep their rows; the run says so; the import gets neither, because one of them is wrong."""
    names = ("李娜_2023110345", "王伟_2023110345", "张三_2023110347")
    found = collect(lay(tmp_path / "class", *(f"{name}_{NAME}.ipynb" for name in names)), NAME)
    assert "2023110345 is on the files of 2 people" in found.warnings[0]
    results, exports = classroom.graded(found, assignment), ["canvas", "moodle"]
    assert report(results, found, assignment, tmp_path / "grades.csv", tmp_path, exports=exports) == 1
    assert len(read(tmp_path / "grades.totals.csv")) == 3
    assert [row["SIS User ID"] for row in read(tmp_path / "grades.canvas.csv")] == ["", "2023110347"]
    assert [row["ID number"] for row in read(tmp_path / "grades.moodle.csv")] == ["2023110347"]
    assert "several people" in capsys.readouterr().out


def test_a_missing_mark_is_in_no_export(tmp_path, assignment):
    """An empty cell would wipe a mark that is there."""
    found = collect(lay(tmp_path / "class", "a_1_assignsubmission_file_x.ipynb", f"b_55_9001_{NAME}.ipynb"), NAME)
    results = classroom.graded(found, assignment)
    for result in results.values():
        result["rows"][0]["points"] = None
    marks = classroom.combine(found, results)
    for kind in tables.EXPORTS:
        tables.write_exports([kind], marks, found.people, assignment, tmp_path / "grades.csv")
    assert read(tmp_path / "grades.moodle-worksheet.csv") == []
    assert len(read(tmp_path / "grades.canvas.csv")) == 1


@pytest.mark.parametrize(
    ("kind", "words"),
    [("moodle", "--roster"), ("moodle-worksheet", "participant numbers"), ("canvas", "export of the gradebook")],
)
def test_an_export_that_nobody_would_be_in_is_refused_before_the_grading(tmp_path, kind, words):
    """Nobody waits for an empty file: the message says what to give instead."""
    found = collect(lay(tmp_path, "ann.ipynb"), NAME)
    with pytest.raises(CourseError, match=words):
        tables.check_export(kind, found)


def test_visible_is_one_line_and_keeps_what_scripts_need():
    """Joiners of Persian and Hindi stay; controls and lone halves of a pair are written out."""
    assert visible("a\r\nb\tc") == "a b c"
    assert visible("می\u200cخواهم क्\u200dष") == "می\u200cخواهم क्\u200dष"
    assert visible("\ud800\x07\u2029x") == "\\ud800\\u0007 x"
    assert visible("a\tb  c", fold=False) == "a\\u0009b  c"
