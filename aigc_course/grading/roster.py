"""The class list of `--roster`: who a file is of, and what an import needs to know of each student."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from aigc_course.errors import CourseError
from aigc_course.grading.people import Person, with_particulars
from aigc_course.grading.safetext import decoded, visible

__all__ = ["Roster", "Row", "read_roster"]

_COLUMNS = {  # what is meant: how lists, Moodle's and Canvas' exports among them, call it
    "file": "file filename path folder sourcefile 文件 文件名 文件夹",
    "id_number": "id idnumber studentid studentnumber sid orgdefinedid matriculationnumber 学号 学生学号",
    "name": "name student studentname fullname displayname 姓名 学生姓名",
    "first": "firstname givenname 名",
    "last": "lastname surname familyname 姓",
    "email": "email emailaddress mail 邮箱 电子邮件 电子邮箱",
    "username": "username login loginid 用户名",
    "user_id": "userid moodleuserid",
    "participant": "identifier participant 标识符",
    "canvas_id": "canvasid canvasuserid",
    "sis_user_id": "sisuserid",
    "sis_login_id": "sisloginid",
    "section": "section 班级",
    "late": "late 迟交",
}
_KEYS = ("id_number", "sis_user_id", "canvas_id", "username", "sis_login_id", "email", "participant", "user_id")
# Which column says who a person is whom the named system numbered.
_JOINS = {
    "moodle": ("participant",),
    "canvas": ("canvas_id",),
    "blackboard": ("username", "sis_login_id", "id_number"),
    "sakai": ("username", "sis_login_id", "id_number"),
    "brightspace": ("id_number", "username"),
    "number": ("id_number", "sis_user_id", "username"),
    "path": ("id_number", "username", "email", "sis_user_id", "sis_login_id"),
}
_ANSWERS = ("yes", "y", "true", "1", "x", "late", "是", "迟交", "√", "✓")
_SIZE_MOST = 10_000_000  # bytes
_SHOWN = 10  # bad rows that a message names


@dataclass(frozen=True)
class Row:
    """A student of the list: the line, the file or folder (or ""), the particulars, whether late."""

    line: int
    file: str
    name: str
    keys: dict[str, str]
    late: bool = False


class Roster:
    """A class list. Empty, it knows nobody."""

    def __init__(self, rows: Iterable[Row] = (), path: str = "") -> None:
        self.path, self.rows = path, list(rows)
        self.by_file = {row.file: row for row in self.rows if row.file}
        self.by_key: dict[tuple[str, str], list[Row]] = {}
        for row in self.rows:
            for kind, value in row.keys.items():
                self.by_key.setdefault((kind, value.casefold()), []).append(row)

    def of_file(self, path: str) -> Row | None:
        """The row that names this path, or the nearest folder above it; None if there is none."""
        path = _plain_path(decoded(path))
        while path:
            if row := self.by_file.get(path):
                return row
            path = path.rpartition("/")[0]
        return None

    def person(self, row: Row) -> Person:
        """The person of a row that names a file. The list decides, so that its key is the person's."""
        kind = next(kind for kind in _KEYS if kind in row.keys)
        return Person(("roster", kind, row.keys[kind].casefold()), "roster", row.keys[kind], row.name, dict(row.keys))

    def complete(self, person: Person) -> tuple[Person, Row | None]:
        """(person, row): a recognised person with what the list knows; row is None where it knows nothing, or two."""
        wanted = person.id or (person.name if person.system == "path" else "")
        for kind in _JOINS.get(person.system, ()):
            rows = self.by_key.get((kind, wanted.casefold()), []) if wanted else []
            if len(rows) == 1:
                row = rows[0]
                id_ = person.id if person.system != "path" else wanted
                return with_particulars(person, id_, row.name or person.name, row.keys), row
        return person, None


def read_roster(path: str | Path) -> Roster:
    """The class list in a CSV file: UTF-8, UTF-16 or GBK; commas, semicolons or tabs; columns in any order.

    Raises:
        CourseError: it cannot be read, has no usable columns, or rows are wrong; the message names their lines.
    """
    rows = _cells_of_lines(_text_of(path), path)
    number, header = next(rows, (0, []))
    columns = _meanings(header)
    if not set(columns.values()) & set(_KEYS):
        raise CourseError(
            f"{path} must have a column with each student's number: id (学号), username, email, Moodle's Identifier or "
            f"Canvas' ID, beside file and name; its first line has {', '.join(map(visible, header)) or 'nothing'}."
        )
    found: list[Row] = []
    wrong: list[str] = []
    for number, line in rows:
        if not any(value.strip() for value in line) or line[0].strip() == "Points Possible":
            continue
        try:
            found.append(_row_of(line, number, columns, len(header)))
        except ValueError as error:
            wrong.append(f"line {number}: {error}")
    wrong += _doubles(found)
    if wrong:
        more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise CourseError(f"{path}: {'; '.join(wrong[:_SHOWN])}{more}. Mend the list and give the command again.")
    if not found:
        raise CourseError(f"{path} has a first line with names of columns, and no student below it.")
    return Roster(found, str(path))


def _text_of(path: str | Path) -> str:
    """The file's text. Excel saves UTF-8 with a mark, UTF-16 ("Unicode text"), or, in China, GBK."""
    try:
        with open(path, "rb") as file:
            blob = file.read(_SIZE_MOST + 1)
    except OSError as error:
        raise CourseError(f"--roster must be a CSV file; {path} cannot be read ({error.strerror}).") from error
    if len(blob) > _SIZE_MOST:
        raise CourseError(f"--roster: {path} has more than {_SIZE_MOST // 10**6} MB; that is no class list.")
    if blob[:4] == b"PK\x03\x04":
        raise CourseError(f"--roster must be a CSV file; {path} is a workbook. Save it as CSV UTF-8.")
    for encoding in ("utf-16",) if blob[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030"):
        try:
            return blob.decode(encoding).replace("\0", "")
        except UnicodeDecodeError:
            continue
    raise CourseError(f"--roster: {path} is no text in UTF-8, UTF-16 or GBK. Save it as CSV UTF-8.")


def _cells_of_lines(text: str, path: str | Path) -> Iterator[tuple[int, list[str]]]:
    """(number of the line, cells) of each row; the separator is the one that cuts the first line most often."""
    first = text.lstrip("\r\n").split("\n", 1)[0]
    if declared := re.fullmatch(r"sep=(.)\r?", first):  # Excel's own way to say it
        text, separator = text.lstrip("\r\n").split("\n", 1)[1], declared[1]
    else:
        separator = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for line in reader:
            if line:
                yield reader.line_num + bool(declared), line
    except csv.Error as error:
        raise CourseError(f"{path}: line {reader.line_num}: {error}. Are the quotation marks in pairs?") from error


def _meanings(header: list[str]) -> dict[int, str]:
    """{place: what is meant} for the columns that are known; Canvas' own "ID" is Canvas' number."""
    names = {word: meant for meant, words in _COLUMNS.items() for word in words.split()}
    plain = [re.sub(r"[\s_\-.:：]+", "", unicodedata.normalize("NFKC", name)).casefold() for name in header]
    if {"student", "id", "section"} <= set(plain):
        names["id"] = "canvas_id"
    found: dict[int, str] = {}
    for place, name in enumerate(plain):
        if name in names and names[name] not in found.values():
            found[place] = names[name]
    return found


def _row_of(line: list[str], number: int, columns: dict[int, str], width: int) -> Row:
    """A row as `Row`.

    Raises:
        ValueError: it has more cells than the first line, no number, or a file outside of the folder.
    """
    if len(line) > width and any(value.strip() for value in line[width:]):
        raise ValueError(f"{len(line)} cells, but the first line has {width} (a separator inside a name?)")
    values = {meant: _tidy_cell(line[place]) for place, meant in columns.items() if place < len(line)}
    keys = {kind: value for kind in (*_KEYS, "section") if (value := values.get(kind, ""))}
    if "participant" in keys:  # "Participant 100001", in any language
        keys["participant"] = re.sub(r"^.*?(\d+)$", r"\1", keys["participant"])
    name = values.get("name") or " ".join(values[part] for part in ("first", "last") if values.get(part))
    if not set(keys) & set(_KEYS):
        raise ValueError(f"no number, user name or address of the student ({visible(name) or 'no name either'})")
    file = _plain_path(values.get("file", ""))
    if file.startswith("/") or ".." in file.split("/") or re.match(r"[A-Za-z]:", file):
        raise ValueError(f"{visible(file)} is outside of the folder of submissions; give its path inside")
    return Row(number, file, name, keys, values.get("late", "").casefold() in _ANSWERS)


def _doubles(rows: list[Row]) -> list[str]:
    """Messages for files with two students, and numbers with two names."""
    wrong: list[str] = []
    files: dict[str, Row] = {}
    numbers: dict[tuple[str, str], Row] = {}
    for row in rows:
        first = files.setdefault(row.file, row)
        if row.file and first is not row:
            wrong.append(f"line {row.line}: {visible(row.file)} stands in line {first.line} already")
        for kind in set(row.keys) & set(_KEYS):
            first = numbers.setdefault((kind, row.keys[kind].casefold()), row)
            if first is not row and (first.name != row.name or not (first.file and row.file)):
                wrong.append(f"line {row.line}: {visible(row.keys[kind])} stands in line {first.line} already")
                break
    return wrong


def _tidy_cell(value: str) -> str:
    """A cell without the blanks, the no-break spaces and the apostrophe that spreadsheet programs put around it."""
    value = unicodedata.normalize("NFC", value.replace("\u00a0", " ").replace("\ufeff", "").strip())
    return value[1:] if value[:1] == "'" and value[1:2] in "=+-@" else value


def _plain_path(path: str) -> str:
    """A path with "/" between its parts, in NFC, whoever wrote it."""
    return re.sub(r"^(?:\./)+|/+$", "", unicodedata.normalize("NFC", path.replace("\\", "/")))
