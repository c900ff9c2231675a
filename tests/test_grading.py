"""The grader: good submissions of many styles get all points, hostile ones what they earned; nothing gets out."""

import contextlib
import csv
import html
import io
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import hostile
import hostile_more  # noqa: F401  (adds to the corpus)
import numpy as np
import psutil
import pytest
from sandboxed import kind_here

from aigc_course import checks
from aigc_course.errors import CourseError
from aigc_course.grading import bubblewrap, frames, grader, kinds, submissions
from aigc_course.grading.collect import collect
from aigc_course.grading.limits import Limits
from aigc_course.grading.report import report
from answers import RIGHT, source

ROOT = Path(__file__).resolve().parent.parent
EXERCISES = ROOT / "exercises"
NAMES = sorted(path.name for path in EXERCISES.iterdir())
TOKEN = "TOKEN-OF-THE-INSTRUCTOR-1a2b3c"
POINTS = {key: exercise.points for key, exercise in checks.EXERCISES.items()}


@pytest.fixture(scope="module", autouse=True)
def kind():
    return kind_here()


def command(folder, name, out, *options, **settings):
    """Runs `python -m aigc_course grade` from another working directory."""
    line = grade_line(folder, name, out, *options)
    return subprocess.run(line, capture_output=True, text=True, cwd=out, check=False, timeout=500, **settings)


def grade_line(folder, name, out, *options):
    """The command line; all that it writes goes to the folder `out`."""
    places = ["--out", str(out / "grades.csv"), "--feedback", str(out / "pages")]
    return [sys.executable, "-m", "aigc_course", "grade", str(folder), "--assignment", name, *places, *options]


def rows(out):
    """grades.csv as {(student, exercise): row}."""
    with open(out / "grades.csv", encoding="utf-8-sig", newline="") as file:
        return {(row["student"], row["exercise"]): row for row in csv.DictReader(file)}


# --- hostile submissions ---


@pytest.fixture(scope="module")
def attacked(tmp_path_factory, kind):
    """The whole corpus, graded as one class, with a server that listens and files that must stay as they are."""
    base = tmp_path_factory.mktemp("attacked")
    folder, out, secret = base / "class", base / "out", base / "home" / "secret.txt"
    for path in (folder, out, secret.parent):
        path.mkdir()
    secret.write_text("SECRET-OF-THE-HOST")
    visits = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        ends = threading.Event()

        def listen():
            while not ends.is_set():
                try:
                    visits.append(server.accept())
                except TimeoutError:
                    continue

        thread = threading.Thread(target=listen)
        thread.start()
        patch = pytest.MonkeyPatch()
        patch.setenv("AIGC_TEST_PORT", str(server.getsockname()[1]))
        patch.setenv("AIGC_TEST_CANARY", str(secret))
        patch.setenv("AIGC_TEST_TOKEN", TOKEN)
        truth = hostile.build(folder)
        before = picture(ROOT / "solutions") | picture(ROOT / "aigc_course") | picture(folder)
        started = time.monotonic()
        done = command(folder, hostile.NAME, out, "--seconds", "6", "--total", "60")
        seconds = time.monotonic() - started
        after = picture(ROOT / "solutions") | picture(ROOT / "aigc_course") | picture(folder)
        ends.set()
        thread.join()
        patch.undo()
    assert done.returncode == 1, done.stderr  # links and an essay are among them
    assert "3 files not graded" in done.stdout.splitlines()[-1]
    return {
        "truth": truth,
        "rows": rows(out),
        "out": out,
        "visits": visits,
        "secret": secret,
        "unchanged": before == after,
        "seconds": seconds,
    }


def picture(folder):
    """Size and time of each plain file."""
    files = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def test_the_corpus_is_large_enough_and_printed(attacked, capsys):
    """At least 25 submissions; prints how many there are, how many got more or less than earned, and the time."""
    wrong = {
        student
        for student, (keys, _) in attacked["truth"].items()
        for key in hostile.KEYS
        if points(attacked, student, key) != (POINTS[key] if key in keys else 0)
    }
    with capsys.disabled():
        many, seconds = len(attacked["truth"]), attacked["seconds"]
        print(f"\n{many} hostile or broken submissions, {len(wrong)} marked wrongly, {seconds:.0f} s")
    assert len(attacked["truth"]) >= 25
    assert not wrong


def points(attacked, student, key):
    return int(attacked["rows"][student, key]["points"])


@pytest.mark.parametrize("student", [*hostile.CORPUS, "..%2f..%2fetc", "'=cmd()<b>", "J\\xf6rg", "李雷"])
def test_each_submission_gets_what_it_earned_and_a_clear_remark(attacked, student):
    """Not a point more than earned, not a point less; the remark or the feedback page says what happened."""
    keys, words = attacked["truth"][student]
    for key in hostile.KEYS:
        row = attacked["rows"][student, key]
        assert int(row["points"]) == (POINTS[key] if key in keys else 0), row
        assert int(row["max"]) == POINTS[key]
        assert row["assignment"] == hostile.NAME
    said = " ".join(attacked["rows"][student, key]["remarks"] for key in hostile.KEYS)
    [page] = [path for path in (attacked["out"] / "pages").glob("*.html") if shown(student) in path.read_text("utf-8")]
    assert words in said or words in page.read_text(encoding="utf-8")


def shown(student):
    return f"<p><bdi>{html.escape(student.removeprefix(chr(39)))}</bdi>"


def test_nothing_got_out(attacked):
    """No connection, no changed file, no secret read, no process left, no pickle opened."""
    assert attacked["visits"] == []
    assert attacked["unchanged"]
    assert attacked["secret"].read_text() == "SECRET-OF-THE-HOST"
    assert not Path("/tmp/pickled").exists()
    assert "LEAKED" not in json.dumps([row["remarks"] for row in attacked["rows"].values()])
    for path in attacked["out"].rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert TOKEN not in text
            assert "SAID-BY-A-SUBMISSION" not in text
    assert leftovers() == []


def leftovers():
    """Processes of a sandbox that are still there."""
    found = []
    for process in psutil.process_iter(["cmdline", "name", "status"]):
        line = " ".join(process.info["cmdline"] or [])
        ours = "/worker/worker.py" in line or line == "sleep 4321" or process.info["name"] == "bwrap"
        if ours and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(line)
    return found


def test_feedback_holds_no_expectation_no_script_and_nobody_else(attacked):
    """Pages are escaped, name one student, and no page shows an expected value."""
    pages = list((attacked["out"] / "pages").glob("*.html"))
    assert len(pages) == len(attacked["truth"])
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"<script|<img|<b>", text)
        assert len(re.findall(r"<p>.*?: <strong>", text)) == 1
        assert "expected value" not in text
    assert not list((attacked["out"] / "pages").rglob("*.json"))  # the store is not among the pages


def test_totals_agree_with_the_marks(attacked):
    """grades.totals.csv has one line a student, in nbgrader's columns, and the same sums."""
    with open(attacked["out"] / "grades.totals.csv", encoding="utf-8-sig", newline="") as file:
        totals = list(csv.DictReader(file))
    assert len(totals) == len(attacked["truth"])
    for line in totals:
        assert int(line["score"]) == sum(points(attacked, line["student"], key) for key in hostile.KEYS)
        assert line["max_score"] == "10"
        assert (attacked["out"] / "pages" / line["feedback"]).is_file()


# --- good submissions ---

IMPORTS = "import numpy as np\nimport tensorflow as tf\nimport keras\nfrom keras import layers"


def released(name):
    return json.loads((EXERCISES / name / f"{name}.ipynb").read_text(encoding="utf-8"))


def answered(name, choose):
    """The released notebook with answers filled in: choose(key) -> source."""
    book = released(name)
    for cell in book["cells"]:
        if cell["id"].startswith("answer-"):
            cell["source"] = choose(cell["id"].removeprefix("answer-").replace("-", "."))
    return book


def as_released(name):
    """The solution itself."""
    return json.loads((ROOT / "solutions" / name / f"{name}.ipynb").read_text(encoding="utf-8"))


def other_way(number):
    """Another right answer to every exercise, with the imports in the answers' own cells."""

    def make(name):
        return answered(name, lambda key: f"{IMPORTS}\n\n\n" + source(RIGHT[key][number % len(RIGHT[key])]))

    return make


def by_colab(name):
    """Ids and metadata rewritten, sources as one string, a Colab header, check cells gone."""
    book = other_way(2)(name)
    for i, cell in enumerate(book["cells"]):
        del cell["id"]
        cell["metadata"] = {"id": f"x{i}", "colab": {"base_uri": "https://localhost:8080/"}, "outputId": "abc"}
        cell["source"] = "".join(cell["source"])
    book["cells"] = [cell for cell in book["cells"] if not cell["source"].startswith("checks.check")]
    book["nbformat_minor"] = 0
    book["metadata"] = {"colab": {"provenance": []}, "kernelspec": {"name": "python3", "display_name": "Python 3"}}
    return book


def by_a_tinkerer(name):
    """Everything in one cell, magics, shell, prints, a figure, a failing experiment, an old version, Chinese names."""
    book = as_released(name)
    answers = ["".join(cell["source"]) for cell in book["cells"] if cell["id"].startswith("answer-")]
    answers = [text.replace("### BEGIN SOLUTION", "# 我的解答").replace("### END SOLUTION", "") for text in answers]
    names = [re.search(r"def (\w+)", text)[1] for text in answers]
    old = "\n".join(f"def {name}(*值):\n    return None" for name in names)
    tinker = (
        f"%matplotlib inline\n{IMPORTS}\nimport matplotlib.pyplot as plt\n!echo from the shell\n"
        "plt.plot([1, 2, 3])\nplt.show()\nprint('x' * 1000)\n答案 = 42"
    )
    texts = [
        tinker,
        old,
        "1 / 0",
        "%%time\n" + "\n\n\n".join(answers),
        "display(答案)",
        "await __import__('asyncio').sleep(0)",
    ]
    cells = [hostile.code(text, f"own-{i}") for i, text in enumerate(texts)]
    book["cells"] = [*cells, *(cell for cell in book["cells"] if cell["cell_type"] == "markdown")]
    return book


STYLES = {
    "solution": as_released,
    "loops": other_way(0),
    "arrays": other_way(1),
    "colab": by_colab,
    "tinkerer": by_a_tinkerer,
}


@pytest.fixture(scope="module")
def good(tmp_path_factory, kind):
    """A function name -> rows of a class of five good students, graded once."""
    cache = {}

    def marks(name):
        if name not in cache:
            base = tmp_path_factory.mktemp("good")
            (base / "class").mkdir()
            for style, make in STYLES.items():
                (base / "class" / f"{style}.ipynb").write_text(json.dumps(make(name)), encoding="utf-8")
            done = command(base / "class", name, base)
            assert done.returncode == 0, done.stderr
            cache[name] = rows(base)
        return cache[name]

    return marks


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", NAMES)
def test_good_submissions_get_all_points(good, name, style):
    """Submissions in five styles, one of each for every exercise notebook: every exercise is paid in full."""
    mine = [row for (student, _), row in good(name).items() if student == style]
    assert len(mine) == len(submissions.load_assignment(name, EXERCISES).tasks)
    for row in mine:
        assert row["points"] == row["max"], row


# --- the command ---


def small_class(folder, students=("ann", "bob", "cem")):
    folder.mkdir()
    for student in students:
        shutil.copy(ROOT / "solutions" / hostile.NAME / f"{hostile.NAME}.ipynb", folder / f"{student}.ipynb")
    return folder


def test_a_second_run_grades_only_what_changed(tmp_path):
    """Same marks twice; a changed file, and only that, is graded anew; --again grades all."""
    folder = small_class(tmp_path / "class")
    assert command(folder, hostile.NAME, tmp_path).returncode == 0
    first = (tmp_path / "grades.csv").read_bytes()
    times = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "pages").glob("*.html")}
    shutil.copy(EXERCISES / hostile.NAME / f"{hostile.NAME}.ipynb", folder / "bob.ipynb")
    assert command(folder, hostile.NAME, tmp_path).returncode == 0
    changed = [path.name for path in (tmp_path / "pages").glob("*.html") if path.stat().st_mtime_ns != times[path.name]]
    assert [name.split("-")[0] for name in changed] == ["bob"]
    assert {int(row["points"]) for key, row in rows(tmp_path).items() if key[0] == "bob"} == {0}
    small_class_again = ROOT / "solutions" / hostile.NAME / f"{hostile.NAME}.ipynb"
    shutil.copy(small_class_again, folder / "bob.ipynb")
    assert command(folder, hostile.NAME, tmp_path, "--again").returncode == 0
    assert (tmp_path / "grades.csv").read_bytes() == first


def test_ctrl_c_keeps_what_is_graded_and_goes_on_later(tmp_path):
    """SIGINT while an endless loop runs: exit 130, the others' marks are written, no process left; a rerun ends it."""
    folder = small_class(tmp_path / "class", ("ann", "bob"))
    (folder / "zoe.ipynb").write_text(json.dumps(hostile.unsolved("    while True:\n        pass")))
    line = grade_line(folder, hostile.NAME, tmp_path, "--jobs", "1", "--seconds", "30")
    process = subprocess.Popen(line, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while len(list((tmp_path / "pages").glob("*.html"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "go on" in said
    assert {student for student, _ in rows(tmp_path)} == {"ann", "bob"}
    assert leftovers() == []
    done = command(folder, hostile.NAME, tmp_path, "--seconds", "5")
    assert done.returncode == 0
    assert {student for student, _ in rows(tmp_path)} == {"ann", "bob", "zoe"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"folder": "missing"}, "SUBMISSIONS must be a folder"),
        ({"folder": "empty"}, "one a student is expected"),
        ({"folder": "all.zip"}, "Unpack it"),
        ({"name": "99_nothing"}, "--assignment must be one of 01_learning_from_data"),
        ({"name": "../solutions"}, "--assignment must be one of"),
        ({"options": ["--jobs", "0"]}, "above 0"),
        ({"options": ["--seconds", "nan"]}, "above 0"),
        ({"options": ["--exercises", "empty"]}, "(none)"),
    ],
)
def test_bad_input_is_answered_in_one_line(tmp_path, change, words):
    """No folder, no submissions, an archive, an unknown assignment, numbers that are none: exit 2 and one line."""
    small_class(tmp_path / "class", ("ann",))
    (tmp_path / "empty").mkdir()
    (tmp_path / "all.zip").write_bytes(b"PK\x03\x04")
    options = [str(tmp_path / o) if o == "empty" else o for o in change.get("options", [])]
    done = command(tmp_path / change.get("folder", "class"), change.get("name", hostile.NAME), tmp_path, *options)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_without_a_sandbox_it_refuses_and_says_what_to_do(tmp_path, monkeypatch):
    """No bubblewrap, docker or podman: refused, with the way out; --no-sandbox says in red what it means."""
    folder = small_class(tmp_path / "class", ("ann",))
    environment = {**os.environ, "PATH": str(tmp_path)}
    done = command(folder, hostile.NAME, tmp_path, env=environment)
    assert done.returncode == 2
    assert "apt install bubblewrap" in done.stderr
    assert "--no-sandbox" in done.stderr
    done = command(folder, hostile.NAME, tmp_path, "--no-sandbox", env=environment)
    assert done.returncode == 0, done.stderr
    assert "\033[1;31mNO SANDBOX" in done.stderr
    assert sum(int(row["points"]) for row in rows(tmp_path).values()) == 10


def test_a_bubblewrap_that_may_not_names_the_mend(tmp_path, monkeypatch):
    """AppArmor's refusal (Ubuntu 24.04) is recognised: the message names the profile to install."""
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    kinds.forget()
    try:
        with pytest.raises(CourseError, match="bwrap-userns-restrict"):
            kinds.choose()
    finally:
        kinds.forget()


def test_a_sandbox_that_does_not_start_costs_no_marks(tmp_path, monkeypatch):
    """The machine's fault is not the student's: points stay empty, the exit code is 1."""
    kinds.inside("bwrap")  # it did start once
    monkeypatch.setattr(bubblewrap, "bubblewrap_command", lambda *_: contextlib.nullcontext((["false"], [])))
    folder = small_class(tmp_path / "class", ("ann",))
    assignment = submissions.load_assignment(hostile.NAME, EXERCISES)
    found = collect(folder, hostile.NAME)
    places = tmp_path / "store", tmp_path / "pages"
    for path in places:
        path.mkdir()
    results, _ = grader.grade_all(found, assignment, "bwrap", Limits(), 1, places)
    assert report(results, found, assignment, tmp_path / "grades.csv", tmp_path / "pages", False) == 1
    assert {row["points"] for row in rows(tmp_path).values()} == {""}
    assert all("the sandbox did not start" in row["remarks"] for row in rows(tmp_path).values())


# --- parts ---


def test_frames_survive_the_journey_and_refuse_the_rest(tmp_path):
    """Numbers and arrays come back bit for bit; cut, oversized or pickled frames are refused."""
    plain = (1, 0.1, float("inf"), "text", None, True)
    values = (*plain, np.float32(2.5), np.arange(6.0).reshape(2, 3).T, np.array(3 + 4j))
    found, arrays = frames.pack(values)
    buffer = io.BytesIO()
    frames.write_frame(buffer, {"cases": found}, arrays)
    whole = buffer.getvalue()
    header, back = frames.read_frame(io.BytesIO(whole))
    for a, b in zip(values, frames.unpack(header["cases"], back), strict=True):
        assert np.array_equal(a, b)
    for cut in range(1, len(whole)):
        with pytest.raises(frames.BrokenFrame):
            frames.read_frame(io.BytesIO(whole[:cut]))
    assert frames.read_frame(io.BytesIO(b"")) is None
    with pytest.raises(frames.BrokenFrame, match="impossible length"):
        frames.read_frame(io.BytesIO(b"\xff\xff\xff\xff" + whole))
    pickled = io.BytesIO()
    np.lib.format.write_array(pickled, np.array([{}], dtype=object), allow_pickle=True)
    head = json.dumps({"sizes": [len(pickled.getvalue())]}).encode()
    with pytest.raises(frames.BrokenFrame, match="an array that is none"):
        frames.read_frame(io.BytesIO(struct.pack(">I", len(head)) + head + pickled.getvalue()))
    with pytest.raises(TypeError, match="cannot send"):
        frames.pack([{}])


def test_every_exercise_of_every_assignment_has_a_check():
    """Released notebooks and the registry name the same exercises, functions and points."""
    seen = []
    for name in NAMES:
        for task in submissions.load_assignment(name, EXERCISES).tasks:
            exercise = checks.EXERCISES[task.key]
            assert (task.function, task.points) == (exercise.function, exercise.points)
            assert task.key.startswith(name[:2])
            seen.append(task.key)
    assert seen == list(checks.EXERCISES)
