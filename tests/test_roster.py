"""The class list of `grade --roster`: encodings, separators, other programs' exports, mistakes named by their line."""

import pytest
from classroom import NAME, lay

from aigc_course.errors import CourseError
from aigc_course.grading.collect import collect
from aigc_course.grading.roster import read_roster


def roster(tmp_path, text, encoding="utf-8"):
    (tmp_path / "list.csv").write_bytes(text.encode(encoding))
    return read_roster(tmp_path / "list.csv")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_list_says_whose_a_file_is(tmp_path, encoding, separator):
    """In the encodings and with the separators of Excel, in English or Chinese; by file, by folder, inside a folder."""
    lines = [
        ["文件", "学号", "姓名", "迟交"],
        ["a.ipynb", "20231", "李娜", ""],
        ["team/b.ipynb", "20232", "王伟", "是"],
        ["zip of cem", "20233", "张三", ""],
    ]
    listed = roster(tmp_path, "\r\n".join(separator.join(line) for line in lines), encoding)
    folder = lay(tmp_path / "class", "a.ipynb", "team/b.ipynb", "zip of cem/x.ipynb", "zip of cem/y.ipynb")
    found = collect(folder, NAME, listed)
    assert {(s.file, s.person.id, s.person.name, s.late) for s in found} == {
        ("a.ipynb", "20231", "李娜", False),
        ("team/b.ipynb", "20232", "王伟", True),
        ("zip of cem/x.ipynb", "20233", "张三", False),
        ("zip of cem/y.ipynb", "20233", "张三", False),
    }


def test_a_list_without_files_completes_what_names_say(tmp_path):
    """Moodle's worksheet and Canvas' gradebook as they are exported: the number joins, the name never does."""
    moodle = roster(tmp_path, "Identifier,Full name,ID number,Email address\nParticipant 7,Ann Li,S1,ann@x.org\n")
    [person] = collect(lay(tmp_path / "m", "Ann Li_7_assignsubmission_file/x.ipynb"), NAME, moodle).people
    assert person.keys == {"participant": "7", "id_number": "S1", "email": "ann@x.org"}
    [other] = collect(lay(tmp_path / "o", "Ann Li_8_assignsubmission_file/x.ipynb"), NAME, moodle).people
    assert other.keys == {"participant": "8"}
    head = "Student,ID,SIS User ID,SIS Login ID,Section,Old (1)\n    Points Possible,,,,,10\n"
    canvas = head + '"Li, Ann",555,S1,ann,One,3\n'
    [person] = collect(lay(tmp_path / "c", f"liann_555_9001_{NAME}.ipynb"), NAME, roster(tmp_path, canvas)).people
    assert person.keys["sis_login_id"] == "ann"
    assert person.name == "Li, Ann"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,points\nAnn,3\n", "must have a column"),
        ("", "must have a column"),
        ("id,name\n", "no student below"),
        ("file,id,name\na.ipynb,,Ann\n", "line 2: no number"),
        ("file,id\na.ipynb,1\na.ipynb,2\n", "line 3: a.ipynb stands in line 2"),
        ("id,name\n1,Ann\n1,Bob\n", "line 3: 1 stands in line 2"),
        ("file,id\n../../etc/passwd,1\n", "line 2: ../../etc/passwd is outside"),
        ("id,name\n1,Li, Ann\n", "line 2: 3 cells"),
        ('id,name\n1,"Ann\n', "quotation marks"),
        ("id,name\n\n\n1,Ann\n,Bob\n", "line 5: no number"),
    ],
)
def test_wrong_rows_of_the_list_are_named_by_their_line(tmp_path, text, words):
    """A list with a mistake is refused before the grading, in words that say where."""
    with pytest.raises(CourseError, match=words):
        roster(tmp_path, text)


def test_a_workbook_and_western_text_are_refused(tmp_path):
    """Excel's own format, and what is neither UTF-8 nor GBK."""
    for blob, words in ((b"PK\x03\x04", "workbook"), (b"id,name\n1,Jos\xe9\n", "no text in UTF-8")):
        (tmp_path / "list.csv").write_bytes(blob)
        with pytest.raises(CourseError, match=words):
            read_roster(tmp_path / "list.csv")
    with pytest.raises(CourseError, match="cannot be read"):
        read_roster(tmp_path / "missing.csv")


def test_what_the_list_and_the_folder_do_not_share_is_said(tmp_path):
    """A file of the list that is not there; a person who is not in the list."""
    listed = roster(tmp_path, "file,id\nno.ipynb,1\na.ipynb,2\n")
    said = collect(lay(tmp_path / "c", "a.ipynb", "李娜_2023110345.ipynb"), NAME, listed).warnings
    assert any("line 2: no.ipynb is not in the folder" in line for line in said)
    assert any(line.startswith("not in") and line.endswith(": 李娜") for line in said)
