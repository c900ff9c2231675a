"""The sandbox: how a stranger's file is read, what of a run reaches the page, and how often a function is asked."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import hostile
import numpy as np
import pytest
from hostile import RIGHT, defined
from sandboxed import ROOT, SMALL, graded, in_a_container, kind_here, once_more, said_in

from aigc_course import checks
from aigc_course.grading import examine, grader, parsing, reading, sandbox, submissions, wording
from aigc_course.grading.limits import Limits

TOKEN = "PLANTED-TOKEN-7f3a"
SMALL_WITH_TIME = Limits(step=40, total=120)


@pytest.fixture(scope="module")
def kind():
    return kind_here()


# --- the parser ---


def notebook_of(*sources):
    cells = [hostile.code(source, f"c{i}") for i, source in enumerate(sources)]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()


BOMBS = {
    "3 MB of statements": notebook_of("a;" * 1_500_000),
    "200 kB of statements": notebook_of("a;" * 99_000),
    "a JSON of lists": b'{"nbformat": 4, "cells": [], "metadata": [' + b"[]," * 6_000_000 + b"[]]}",
    "a JSON of depth": b"[" * 3_000_000,
    "brackets": notebook_of("(" * 60_000),
    "signs": notebook_of("-" * 45_000 + "1"),
    "powers": notebook_of("x = 9**9**9**9**9"),
    "a long number": notebook_of("x = " + "9" * 45_000),
    "strings": notebook_of("x = 'a' * 10**12"),
    "many cells": notebook_of(*["a;" * 200] * 500),
}


@pytest.mark.parametrize("name", BOMBS)
def test_the_graders_own_process_stays_small(name):
    """Reading a bomb takes the trusted process no memory to speak of, and the parser its bounded part."""
    code = (
        f"import resource, sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom aigc_course.grading import reading\n"
        "blob = sys.stdin.buffer.read()\nbefore = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n    reading.read_cells(blob)\nexcept reading.Refused as error:\n    print(error)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, "
        "resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", code], input=BOMBS[name], capture_output=True, timeout=120, check=True)
    grown, parser = map(int, done.stdout.split()[-2:])
    assert grown < 30_000  # kB
    assert parser * 1024 < parsing.MEMORY + 2**20


def test_a_parser_that_dies_costs_nobody_points(monkeypatch, tmp_path):
    """If Python's parser takes its process down, cells are searched for definitions instead."""
    program = tmp_path / "parsing.py"
    text = Path(parsing.__file__).read_text(encoding="utf-8")
    definition = "def _syntax_tree(source: str) -> ast.Module | None:"
    assert definition in text
    program.write_text(text.replace(definition, f"{definition}\n    __import__('os').abort()"))
    monkeypatch.setattr(reading, "_PARSER", program)
    cells, _ = reading.read_cells(notebook_of("def f():\n    return 1"))
    assert cells[0].defines == {"f"}


def test_a_blob_that_is_no_notebook_is_refused_in_words():
    """Sizes are looked at before anything is built, and the words say what to do."""
    with pytest.raises(submissions.Refused, match="200,000 characters"):
        reading.read_cells(BOMBS["3 MB of statements"])
    with pytest.raises(submissions.Refused, match="too much memory to read"):
        reading.read_cells(BOMBS["a JSON of lists"])
    with pytest.raises(submissions.Refused, match="nested too deeply"):
        reading.read_cells(BOMBS["a JSON of depth"])


# --- what can be said ---

READ = f"SECRET = bytes.fromhex('{TOKEN.encode().hex()}').decode()\n"
SAYINGS = {
    "text": "raise ValueError(SECRET)",
    "class": "raise type(SECRET, (Exception,), {})('x')",
    "key": "raise KeyError(SECRET)",
    "name": "exec(SECRET.replace('-', '_'))",
    "attribute": "getattr(np, SECRET)",
    "module": "__import__(SECRET)",
    "file": "open('/' + SECRET)",
    "assertion": "assert False, SECRET",
    "exit": "raise SystemExit(SECRET)",
    "syntax": "compile(SECRET + ' ' + SECRET, SECRET, 'exec')",
    "type of the answer": "return type(SECRET, (), {})()",
    "text as the answer": "return np.array(SECRET)",
    "field names": "return np.zeros(1, dtype=[(SECRET, float)])",
    "AnswerError": "import sys; raise sys.modules['calling'].AnswerError(SECRET)",
    "AnswerError's sentence": "import sys; raise sys.modules['calling'].AnswerError("
    "f'the answer must be made of numbers; it is {SECRET} of dtype {SECRET}.')",
    "NotImplementedError": "raise NotImplementedError(SECRET)",
    "known phrase": "raise ValueError('operands could not be broadcast together with shapes ' + SECRET)",
    "print": "print(SECRET); raise ValueError",
    "str of the error": "class E(ValueError):\n        __str__ = lambda self: SECRET\n    raise E",
    "a forged array of text": "import sys; w = sys.modules['frames'].write_frame\n"
    "    sys.modules['frames'].write_frame = lambda f, h, a=(): w(f, h, [np.array(SECRET)] * len(a))\n"
    "    return p_data",
}


@pytest.mark.parametrize("name", SAYINGS)
def test_no_text_of_a_submission_reaches_the_page(kind, name):
    """However an answer or a cell tries to say what it has read: the page has a known class and a known phrase."""
    book = hostile.unsolved(f"    {READ}    {SAYINGS[name]}")
    body = SAYINGS[name].replace("\n    ", "\n").replace("return ", "raise ValueError; ")
    book["cells"].append(hostile.code(f"import numpy as np\np_data = np.ones(3)\n{READ}{body}", "own"))
    points, said = graded(book, kind)
    assert points["02.1"] == 0
    assert sum(points.values()) == 9
    for form in (TOKEN, TOKEN.replace("-", "_"), TOKEN[::-1], TOKEN.lower(), base64.b64encode(TOKEN.encode()).decode()):
        assert form not in said


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (("ValueError", "operands could not be broadcast together with shapes (3,) (4,)"), "shapes do not fit"),
        (("ZeroDivisionError", "float division by zero"), "division by zero"),
        (("TypeError", "f() missing 1 required positional argument: 'x'"), "fewer arguments"),
        (("TypeError", "f() takes 1 positional argument but 2 were given"), "more arguments"),
        (("NameError", "name 'hidden' is not defined"), "name 'hidden' is not defined"),
        (("NameError", "name 'token' is not defined"), "a name that is not defined"),
        (("gaierror", "[Errno -3] Temporary failure in name resolution"), "no network"),
        (("AnswerError", "the answer must be made of numbers; it is str of dtype <U3."), "it is str of dtype …."),
        (
            ("AnswerError", "2 values were asked for, in one tuple; 3 came."),
            "2 values were asked for, in one tuple; 3 came.",
        ),
        (("_UFuncNoLoopError", "ufunc 'add' did not contain a loop with signature"), "types that do not go together"),
    ],
)
def test_what_helps_is_still_said(error, words):
    """The phrases of Python, NumPy and the course that a learner can use come through, in our words."""
    assert words in wording.safe_error(error, {"hidden"})[1]


def test_names_are_said_only_where_there_are_few():
    """With many unexplained names in the source, which one is missing could spell something."""
    many = {f"n{i}" for i in range(300)}
    assert wording.safe_error(("NameError", "name 'n7' is not defined"), many)[1] == "a name that is not defined"


# --- many bets ---

WRONG = ("p_g / (p_data + p_g)", "p_data / p_g", "0 * p_data + 0.5", "p_data - p_g", "p_data * p_g")


def test_six_hypotheses_are_not_one_answer(kind):
    """Of six versions in six cells, three are tried at most: the answer's own cell, and the last two."""
    book = hostile.unsolved(f"    return {WRONG[0]}")
    for i, expression in enumerate([WRONG[1], RIGHT, *WRONG[2:]]):
        book["cells"].append(hostile.code(defined(expression), f"bet-{i}"))
    assert graded(book, kind)[0]["02.1"] == 0


COUNTERS = {
    "a global": "    global calls\n    calls = globals().get('calls', 0) + 1\n",
    "a file": "    with open('/tmp/calls', 'a+') as file:\n        file.write('x')\n        calls = file.tell()\n",
}


@pytest.mark.parametrize("name", COUNTERS)
def test_one_function_is_asked_once(kind, name):
    """A version that was wrong is not asked again: a count of its calls gains nothing."""
    cases = len(checks.EXERCISES["02.1"].cases(np.random.default_rng(0)))
    choice = f"    return ({WRONG[0]}) if calls <= {cases} else ({RIGHT})\n"
    book = hostile.notebook()
    hostile.cell(book, "answer-02-1")["source"] = "def best_discriminator(p_data, p_g):\n" + COUNTERS[name] + choice
    points, _ = graded(book, kind)
    assert points["02.1"] == 0
    assert sum(points.values()) == 9


def test_a_new_sandbox_asks_nothing_again(kind, monkeypatch):
    """Cells that end the sandbox, so that a clock or chance could choose anew: a version is tried once all the same."""
    tried, try_out = [], examine._try_out

    def counted(box, task, place, *rest):
        tried.append((task.key, place))
        return try_out(box, task, place, *rest)

    monkeypatch.setattr(examine, "_try_out", counted)
    book = hostile.unsolved(f"    return {WRONG[0]}")
    book["cells"] += [hostile.code("while True: pass", f"long-{i}") for i in range(3)]
    points, _ = graded(book, kind, Limits(step=2, total=60))
    assert points["02.1"] == 0
    assert len(tried) == len(set(tried))
    assert [place for key, place in tried if key == "02.1"] == [tried[0][1]]


def test_a_helper_that_comes_later_is_waited_for(kind):
    """A function that could not run behind its cell, or whose helper was mended below, is asked again at the end."""
    for first in ("", "def share(a, b):\n    return b / (a + b)\n"):
        book = hostile.notebook()
        hostile.cell(book, "answer-02-1")["source"] = first + defined("share(p_data, p_g)")
        book["cells"].append(hostile.code("def share(a, b):\n    return 3 * a / (3 * a + b)\n", "helper"))
        assert graded(book, kind)[0]["02.1"] == 1


SALTED = """
SALT = int(np.random.default_rng().integers(2**40))


def batch_indices(seed, step, n, batch_size):
    epoch, place = divmod(step, n // batch_size)
    order = np.random.default_rng([{salt}seed, epoch]).permutation(n)
    return order[place * batch_size : (place + 1) * batch_size]
"""


@pytest.mark.parametrize(("salt", "points"), [("SALT, ", 0), ("", None)])
def test_what_a_cell_draws_anew_is_another_answer_after_a_restart(kind, salt, points):
    """04.4 asks for a function of its arguments: a number drawn when the cell runs is refused, in a second sandbox; the
    same order without it gets all points."""
    name = "04_train_the_gan"
    assignment = submissions.load_assignment(name, ROOT / "exercises")
    task = next(task for task in assignment.tasks if task.key == "04.4")
    result = grader.grade_one(notebook_of(SALTED.format(salt=salt)), None, assignment, kind, SMALL_WITH_TIME)
    (row,) = [row for row in result["rows"] if row["key"] == "04.4"]
    assert row["points"] == (task.points if points is None else points), row


def test_nothing_crosses_from_one_sandbox_to_the_next(kind):
    """Files, shared memory, semaphores and names of sockets of one sandbox are not in the next."""
    leave = """
import socket, os
for place in ('/tmp', '/dev/shm', '.'):
    open(place + '/left', 'w').write('here')
server = socket.socket(socket.AF_UNIX); server.bind('\\0left'); server.listen()
print('left')
"""
    look = """
import os, socket
found = [place for place in ('/tmp', '/dev/shm', '.') if os.path.exists(place + '/left')]
try:
    socket.socket(socket.AF_UNIX).connect('\\0left'); found.append('socket')
except OSError:
    pass
print('FOUND', found)
"""
    with sandbox.Sandbox(kind, SMALL) as box:
        box.run(leave)
        assert "FOUND []" in said_in(kind, look)[0]
    assert "FOUND []" in said_in(kind, look)[0]


def test_as_root_each_sandbox_has_a_user_of_its_own(kind):
    """What is kept by user, as keyrings and limits are, is kept apart."""
    if os.geteuid() != 0 or kind != "bwrap":
        pytest.skip("an ordinary user cannot change to others")
    users = {
        said_in("bwrap", "import os; print('USER', os.getuid())")[0].split("USER ")[1].split()[0] for _ in range(3)
    }
    assert len(users) == 3
    assert all(64_000 <= int(user) < 65_000 for user in users)


def test_all_of_this_holds_for_an_ordinary_user():
    """The same tests as a user without rights."""
    once_more(__file__)


def test_all_of_this_holds_in_a_container():
    """The same tests with docker or podman."""
    in_a_container(__file__)
