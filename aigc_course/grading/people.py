"""Who handed a file in: the names that learning platforms and students give to files and folders.

Sources of the formats, and their versions, stand in README.md. A person is a key, never a display name: the platform's
number where the platform wrote the name, the number and the name where students wrote it, else the path.
"""

import re
import unicodedata
from dataclasses import dataclass, field, replace
from datetime import datetime

from aigc_course.grading.safetext import decoded, page_name, visible

__all__ = ["BLACKBOARD", "NOTEBOOK", "Found", "Key", "Person", "is_named_like", "recognise", "with_particulars"]

# Browsers add .txt or .json, and a number where the name is taken.
NOTEBOOK = re.compile(r"\.ipynb(?:\s*\(\d{1,3}\))?(?:\.(?:txt|json))?$", re.IGNORECASE)
_ENDING = re.compile(rf"{NOTEBOOK.pattern}|\.[a-z0-9]{{1,5}}$", re.IGNORECASE)

# Moodle takes every "_" out of the name, so that the first one ends it: a student's own file name comes after.
_MOODLE = re.compile(r"(?P<name>[^_]*)_(?P<id>\d+)_assignsubmission_[a-z]+(?:_(?P<rest>.*))?", re.ASCII)
_CANVAS = re.compile(  # the first two numbers: a student's own file name comes after them
    r"(?P<name>.+?)_(?:(?P<late>LATE|late)_)?(?P<id>[1-9]\d*)_(?P<file>[1-9]\d*)_(?P<rest>.+)", re.ASCII
)
_CANVAS_ANONYMOUS = re.compile(r"(?:(?P<late>LATE)_)?anon_(?P<id>[A-Za-z0-9]+)_(?P<file>[1-9]\d*)_(?P<rest>.+)")
BLACKBOARD = re.compile(r"(?P<column>.+?)_(?P<id>[^_]+)_attempt_(?P<attempt>\d{4}(?:-\d\d){5})(?:_(?P<rest>.*)|\.txt)?")
_BRIGHTSPACE = re.compile(r"(?P<id>\d+)-(?P<box>\d+) - (?P<name>.+?) - (?P<attempt>.+)")
_SAKAI = re.compile(r"(?P<name>[^()]*,.*)\((?P<id>(?!\d\d?\))[^()]+)\)")
_SAKAI_FLAT = re.compile(r"(?P<name>[^()]*,.*?)\((?P<id>[^()]+)\)_Submission attachment\(s\)_.*")

# Students' own: 2023110345, SA23011045, 2023E8013282054. At least five digits, so that no "02" of an assignment is one.
_NUMBER = re.compile(r"(?:[A-Z]{0,3}|[a-z])\d{5,20}[A-Za-z]?|\d{4}[A-Za-z]{1,3}\d{4,13}", re.ASCII)
_GLUED = re.compile(r"(?<=[A-Za-z][a-z])(?=\d{5})|(?<=\d{5})(?=[A-Za-z]{2})")  # Li2023110345
_SHORT_NUMBER = re.compile(r"\d{3,4}", re.ASCII)
_DATE = re.compile(r"20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\d{4}|\d{6})?", re.ASCII)
_LATE = re.compile(r"(?:^|(?<=[\s_\-(（]))(?:LATE|迟交|补交|逾期)(?=$|[\s_\-)）])")
# The same hand-in once more: "X (1)", "X-Copy1", "X copy 2", "X - 副本", "X_v2", "X_final".
_COPY = re.compile(
    r"(?:\s*[(（]\d{1,3}[)）]|[ _-]+copy ?\d*|\s*-?\s*副本"
    r"|[ _-]+(?:v\d{1,2}|final|最终版?|修改版?|重交|resubmi(?:t|ssion)))$",
    re.IGNORECASE,
)
_LABELS = re.compile(r"(?:学号|姓名|班级)[:：]?")  # "number", "name", "class"
_SEPARATORS = (r"[_＿]+", r"[+＋]+", r"[-—–－]+", r"\s+")
_WORDS = re.compile(
    r"[\s_＿+＋\-—–－()（）\[\]【】,，.]+|(?<=[^\x00-\x7f])(?=[\x00-\x7f])|(?<=[\x00-\x7f])(?=[^\x00-\x7f])"
)

Key = tuple[str, ...]  # tells a person from everybody else, now and in the next run


@dataclass(frozen=True)
class Person:
    """One student.

    Attributes:
        key: text that tells this person from everybody else.
        system: who wrote the name: moodle, canvas, blackboard, brightspace, sakai, number, path or roster.
        id: the number or user name that was found, or "".
        name: for people to read; nothing is decided by it.
        keys: what an import may ask for: participant, canvas_id, id_number, email, username, sis_user_id, ...
    """

    key: Key
    system: str
    id: str = ""
    name: str = ""
    keys: dict[str, str] = field(default_factory=dict, hash=False, compare=False)

    @property
    def page(self) -> str:
        """The name of this person's page, without .html."""
        return page_name(self.id, self.name, self.key)

    @property
    def label(self) -> str:
        """The name, or what stands in for it."""
        return self.name or self.id or _tidy_name(decoded(self.key[-1])) or "(no name)"

    @property
    def unique(self) -> str:
        """The number, or the path as it is: what a table goes by."""
        return self.id or visible(decoded(self.key[-1]), fold=False)


@dataclass(frozen=True)
class Found:
    """What a name says: the person, whether it is late, which attempt it is."""

    person: Person
    late: bool = False
    attempt: str = ""


def recognise(name: str, assignment: str, folder: bool = False) -> Found:
    """The person in a name at the top of the folder of submissions.

    Args:
        name: of a file or a folder, as the system gives it.
        assignment: for example "02_minimax_game"; no part of it is taken for an id.
        folder: True for a folder.

    Returns:
        Found: a function of the name alone, so that no other hand-in can change it.
    """
    text = unicodedata.normalize("NFC", decoded(name))
    for system in (_by_moodle, _by_brightspace, _by_blackboard, _by_sakai, _by_canvas):
        if found := system(text, assignment):
            return found
    return _by_students(name, text, assignment, folder)


def _by_moodle(text: str, assignment: str) -> Found | None:
    """Name_100001_assignsubmission_file, a folder, or with _file.ipynb behind it: participant 100001."""
    if found := _MOODLE.fullmatch(text):
        keys = {"participant": found["id"]}
        return Found(Person(("moodle", found["id"]), "moodle", found["id"], _tidy_name(found["name"]), keys))
    return None


def _by_canvas(text: str, assignment: str) -> Found | None:
    """name_LATE_userid_fileid_file.ipynb, in lower case and without spaces; anon_x_fileid_file where names are hidden.

    Students write name_number_assignment, which has the same form where the assignment begins with a number, and
    department_class_number_name. Neither is Canvas'.
    """
    if found := _CANVAS_ANONYMOUS.fullmatch(text):
        return Found(Person(("canvas", "anonymous", found["id"]), "canvas", found["id"]), bool(found["late"]))
    found = _CANVAS.fullmatch(text)
    if not found:
        return None
    as_canvas_writes = found["name"] == found["name"].lower() and not re.search(r"[\s-]", found["name"])
    if not (as_canvas_writes or found["late"] or is_named_like(found["rest"], assignment)):
        return None
    number = re.match(r"\d+", assignment)
    first, second = found["id"], found["file"]
    if number and int(number[0]) in (int(first), int(second)) and len(second) <= 2:
        return None
    if len(first) <= 4 and re.fullmatch(r"(?:19|20)\d{6,10}", second):  # a class, and a student's number
        return None
    person = Person(("canvas", first, found["name"]), "canvas", first, _tidy_name(found["name"]), {"canvas_id": first})
    return Found(person, bool(found["late"]), second.zfill(20))


def _by_blackboard(text: str, assignment: str) -> Found | None:
    """Column_username_attempt_2024-03-01-10-20-30_file.ipynb; the column's and the user's name may hold "_" both."""
    if found := BLACKBOARD.fullmatch(text):
        key = ("blackboard", found["column"], found["id"])
        person = Person(key, "blackboard", found["id"], "", {"username": found["id"]})
        return Found(person, False, found["attempt"])
    return None


def _by_brightspace(text: str, assignment: str) -> Found | None:
    """123456-789012 - Name - Mar 4, 2026 1227 PM, a folder an attempt; the first number is the student's."""
    if found := _BRIGHTSPACE.fullmatch(text):
        key = ("brightspace", found["id"], found["box"])
        person = Person(key, "brightspace", found["id"], _tidy_name(found["name"]))
        return Found(person, False, _sortable_date(found["attempt"]))
    return None


def _by_sakai(text: str, assignment: str) -> Found | None:
    """Last, First(id), a folder, or with _Submission attachment(s)_file.ipynb behind it; the comma is always there."""
    if found := _SAKAI_FLAT.fullmatch(text) or _SAKAI.fullmatch(text):
        whole = f"{found['name']}({found['id']})"
        if "); " in whole:  # a group
            names, ids = re.sub(r"\([^()]+\)", "", whole), re.findall(r"\(([^()]+)\)", whole)
            return Found(Person(("sakai", whole), "sakai", "; ".join(ids), _tidy_name(names)))
        keys = {"username": found["id"]}
        return Found(Person(("sakai", whole), "sakai", found["id"], _tidy_name(found["name"]), keys))
    return None


def _by_students(name: str, text: str, assignment: str, folder: bool) -> Found:
    """What students write themselves: a name and a number in any order, or neither."""
    stem = text if folder else _ENDING.sub("", text)
    late = bool(_LATE.search(stem))
    base = stem if folder else _without_copy(stem)
    rest = _without_assignment(_LATE.sub("", base), assignment)
    number, who = _number_and_name(rest)
    keys = {"id_number": number} if number else {}
    if folder:  # one folder a student: the folder is the student, whatever it is called
        system = "number" if number else "path"
        return Found(Person(("folder", name), system, number, who or _tidy_name(stem), keys), late)
    if number:  # two names with one number are two people until somebody says which is right
        key = ("number", number.casefold(), _all_words(rest, number, assignment))
        return Found(Person(key, "number", number, who, keys), late)
    if not rest:  # 02_minimax_game (3).ipynb, saved from a letter: of whom, nothing says
        return Found(Person(("file", name), "path", "", _tidy_name(stem)), late)
    return Found(Person(("file", _without_copy(NOTEBOOK.sub("", name))), "path", "", _tidy_name(rest)), late)


def _number_and_name(text: str) -> tuple[str, str]:
    """(number, name) in a text without the assignment; the number is "" unless exactly one can be meant."""
    text = _LABELS.sub("_", text)
    separator = next((s for s in _SEPARATORS if re.search(s, text)), _SEPARATORS[-1])
    parts = [part for part in re.split(separator, text) if part.strip()]
    numbers = {word for part in parts for word in _words(part) if _NUMBER.fullmatch(word)}
    numbers = {word for word in numbers if not _DATE.fullmatch(word)} or numbers
    if not numbers and len(parts) == 2:
        numbers = {word for word in parts if _SHORT_NUMBER.fullmatch(word)}
    if len(numbers) != 1:
        return "", ""
    number = numbers.pop()
    place = next(i for i, part in enumerate(parts) if number in _words(part))
    beside = " ".join(word for word in _words(parts[place]) if word != number and not _DATE.fullmatch(word))
    return number, _tidy_name(beside or _name_beside(parts, place))


def _all_words(text: str, number: str, assignment: str) -> str:
    """Every word of a name but the number, dates and the assignment's, in one order.

    With the number it tells people apart: of two who write one number, nothing that could be a name may be overlooked.
    """
    own = set(re.split(r"[\s_-]+", assignment.casefold()))
    own |= {word.lstrip("0") for word in own if word.isdecimal()}
    found = [word.casefold() for word in _words(_LABELS.sub("_", text)) if word != number and not _DATE.fullmatch(word)]
    return " ".join(sorted(word for word in found if word not in own))


def _name_beside(parts: list[str], place: int) -> str:
    """The name among a name's parts: what stands before the number, else what stands behind it."""
    letters = [bool(re.search(r"[^\W\d_]", part)) and not _digits(part) for part in parts]
    first, last = place, place + 1
    while first and letters[first - 1]:
        first -= 1
    while last < len(parts) and letters[last]:
        last += 1
    if first < place:
        return " ".join(parts[first:place])
    if last > place + 1:  # 2023110345_Ann_Li, but 2023110345_李娜_作业
        return " ".join(parts[place + 1 : last] if parts[place + 1].isascii() else parts[place + 1 : place + 2])
    near = sorted(range(len(parts)), key=lambda i: (abs(i - place), i))
    some = [i for i in near if i != place and re.search(r"[^\W\d_]", parts[i]) and _digits(parts[i]) <= 2]
    return parts[some[0]] if some else ""


def _digits(text: str) -> int:
    """How many digits a text has."""
    return sum(c.isdigit() for c in text)


def _words(part: str) -> list[str]:
    """A part's words; wide digits become narrow ones, and letters of other scripts end a number."""
    found = (unicodedata.normalize("NFKC", word) for word in _WORDS.split(part))
    return [piece for word in found for piece in _GLUED.split(word) if piece]


def _without_copy(stem: str) -> str:
    """A file's name without what a second copy adds to it."""
    while (shorter := _COPY.sub("", stem)) != stem and shorter.strip():
        stem = shorter
    return stem


def _without_assignment(text: str, assignment: str) -> str:
    """A text without the assignment's name, however its words are joined; "02_minimax_game" leaves no "02" behind."""
    pattern = r"[\s_-]*".join(re.escape(part) for part in re.split(r"[\s_-]+", assignment))
    rest = re.sub(rf"(?<![^\W_]){pattern}(?![^\W_])", " ", text, count=1, flags=re.IGNORECASE)
    return re.sub(r"^[\s_＿+＋\-—–－]+|[\s_＿+＋\-—–－]+$", "", rest)


def is_named_like(name: str, assignment: str) -> bool:
    """True if a file's name holds the assignment's, however its words are joined."""
    text = NOTEBOOK.sub("", unicodedata.normalize("NFC", decoded(name)))
    return _without_assignment(text, assignment) != _without_assignment(text, "\0")


def _sortable_date(date: str) -> str:
    """Brightspace's "Mar 4, 2026 1227 PM" as text in the order of time; another language's dates stay as they are."""
    for form in ("%b %d, %Y %I%M %p", "%B %d, %Y %I%M %p", "%d %B, %Y %I%M %p", "%d %b, %Y %I%M %p"):
        try:
            return datetime.strptime(" ".join(date.split()[:5]), form).strftime("%Y-%m-%d %H:%M")
        except ValueError:
            continue
    return date


def _tidy_name(name: str) -> str:
    """A name for people to read."""
    return unicodedata.normalize("NFC", visible(name)).strip(" _-,")


def with_particulars(person: Person, id_: str, name: str, keys: dict[str, str]) -> Person:
    """A copy of a person with another id and name, and more keys; the key stays."""
    return replace(person, id=id_, name=name, keys={**person.keys, **keys})
