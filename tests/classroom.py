"""A made-up class for the tests of identity: 200 students, their hand-ins as six systems name them, and a stand-in for
the grading, whose points are written in the file."""

import json
import random
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from aigc_course.grading.results import combine

NAME = "02_minimax_game"
ROOT = Path(__file__).resolve().parent.parent
FAMILY = [
    *("王伟", "李娜", "Ann Li", "José Núñez", "Владимир Петров", "محمد علي", "प्रिया शर्मा", "김철수", "佐藤花子"),
    *("Nguyễn Văn An", "Ångström", "O'Brien-Smith", "Zoë", "ann li", "ANN LI"),
    *("=cmd()", "a\u202eb", "Con"),  # a formula, a mark of direction, a device of Windows
]
SYSTEMS = ("moodle", "moodle flat", "canvas", "brightspace", "blackboard", "sakai", "number", "folder", "flat")


@dataclass
class Student:
    """Someone with files: {path: text}. token stands in each file, and must come out on nobody else's row or page."""

    token: str
    system: str
    number: int
    name: str
    files: dict = field(default_factory=dict)


def notebook(token, points):
    """What stands in for a notebook: whose it is, and the points that it gets."""
    return json.dumps({"owner": token, "points": points})


def school(seed, size=200):
    """A class with equal names, mixed scripts, several versions, broken files, archives."""
    rng = random.Random(seed)
    students = []
    for place in range(size):
        system = SYSTEMS[place % len(SYSTEMS)]
        student = Student(f"T{place:03d}", system, 100_000 + place, rng.choice(FAMILY))
        if system in ("folder", "flat"):  # without a number only the path tells them apart
            student.name = f"{student.name} {place}"
        if rng.random() < 0.1:
            student.name = unicodedata.normalize("NFD", student.name)
        if system == "number" and place % 2 and same(students[-9].name) != same(student.name):
            student.number = students[-9].number  # mistyped: two names with one number
        hand_in(student, rng)
        students.append(student)
    return students


def same(name):
    """Equal for names that only differ in case or in how letters are composed."""
    return unicodedata.normalize("NFC", name).casefold()


def hand_in(student, rng):
    """Fills in a student's files."""
    for attempt in range(rng.choice([1, 1, 1, 2, 3])):
        text = rng.choice([notebook(student.token, rng.randint(0, 10))] * 8 + ["{broken", "\ufeff" + notebook("", 0)])
        student.files[path(student, attempt, rng)] = text
    if rng.random() < 0.15:
        student.files[path(student, 0, rng).removesuffix(".ipynb") + rng.choice([".zip", ".py", ".json"])] = "x"


def path(student, attempt, rng):
    """Where a student's file lies, as the system would have it."""
    number, name, copy = student.number, student.name, f" ({attempt})" * (attempt > 0)
    late = "LATE_" * (rng.random() < 0.2)
    return {
        "moodle": f"{name}_{number}_assignsubmission_file/{NAME}{copy}.ipynb",
        "moodle flat": f"{name}_{number}_assignsubmission_file_{NAME}{copy}.ipynb",
        "canvas": f"{slug(name)}_{late}{number}_{9_000_000 + 10 * number + attempt}_{NAME}.ipynb",
        "brightspace": f"{number}-789012 - {name} - Mar {4 + attempt}, 2026 1227 PM/{NAME}.ipynb",
        "blackboard": f"Homework 2_s{number}_attempt_2026-03-0{1 + attempt}-10-20-30_{NAME}.ipynb",
        "sakai": f"{name},(s{number})/Submission attachment(s)/{NAME}{copy}.ipynb",
        "number": f"{name}_{2023_000_000 + number}_{NAME}{copy}.ipynb",
        "folder": f"{name}/{NAME}{copy}.ipynb",
        "flat": f"{name}{copy}.ipynb",
    }[student.system]


def slug(name):
    """A name as Canvas writes it: lower case, and nothing but letters, marks, digits and underscores."""
    return "".join(c for c in name.lower() if unicodedata.category(c)[0] in "LMN") or "x"


def write(folder, students, rng=None):
    """Writes the students' files, in another order each time if there is an rng."""
    files = [item for student in students for item in student.files.items()]
    if rng:
        rng.shuffle(files)
    for name, text in files:
        lay(folder, name, text=text)
    return folder


def graded(found, assignment):
    """{slug: result} by the stand-in: the points in the file go to the first exercises, the token into each message."""
    return {submission.slug: result_of(submission, assignment) for submission in found}


def result_of(submission, assignment):
    """A file's result: a function of its content alone, like the grader's."""
    points, words = 0, submission.problem or "broken"
    if submission.path:
        try:
            book = json.loads(submission.path.read_text(encoding="utf-8-sig"))
            points, words = book["points"], book["owner"]
        except ValueError:
            pass
    rows = []
    for task in assignment.tasks:
        given = min(points, task.points)
        points -= given
        rows.append({"key": task.key, "points": given, "max": task.points, "message": words})
    return {"graded": not submission.unclear, "seconds": 0.0, "remarks": [words], "rows": rows}


ONE = notebook("", 1)  # a notebook of one point


def lay(folder, *names, text=ONE):
    """Files in a folder."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def marks(found, assignment):
    """The class's `Mark`s by the stand-in."""
    return combine(found, graded(found, assignment))
