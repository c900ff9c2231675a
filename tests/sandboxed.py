"""For the tests of the sandbox: cells run in one, notebooks graded in one, and the tests run as another user."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import hostile
import ordinary
import pytest

from aigc_course.errors import CourseError
from aigc_course.grading import grader, kinds, sandbox, submissions
from aigc_course.grading.containers import ENGINES, IMAGE, has_image
from aigc_course.grading.limits import Limits

ROOT = Path(__file__).resolve().parent.parent
USUAL = Limits(step=20, total=60)
SMALL = Limits(step=20, total=60, memory=600 * 2**20, data=500 * 2**20)
ENGINE = "AIGC_TEST_SANDBOX"  # names another kind than the one that the grader chooses here
AGAIN = "AIGC_TEST_ORDINARY"  # set where these tests run once more as another user


def kind_here():
    """The sandbox of this machine; without one the tests are skipped, but never in CI."""
    if os.environ.get(ENGINE):
        return os.environ[ENGINE]
    try:
        return kinds.choose()
    except CourseError as error:
        if os.environ.get("CI"):
            pytest.fail(f"CI needs a sandbox: {error}")
        pytest.skip(str(error))


def said_in(kind, *sources, bounds=SMALL):
    """What cells print in a fresh sandbox."""
    with sandbox.Sandbox(kind, bounds) as box:
        errors = [box.run(source) for source in sources]
        time.sleep(0.2)  # what is printed comes by another pipe
        return box.printed.decode(), errors


def ends_with(kind, source, bounds=SMALL):
    """The words with which the grader ends a sandbox, or None if it stands the cell."""
    with sandbox.Sandbox(kind, bounds) as box:
        try:
            box.run(source)
        except sandbox.SandboxEnded as error:
            return str(error)
    return None


def graded(book, kind, bounds=USUAL):
    """({key: points}, all that a page would say) of a notebook of assignment 02."""
    assignment = submissions.load_assignment(hostile.NAME, ROOT / "exercises")
    result = grader.grade_one(json.dumps(book).encode(), None, assignment, kind, bounds)
    return {row["key"]: row["points"] for row in result["rows"]}, json.dumps(result, ensure_ascii=False)


def once_more(file):
    """Runs a file of tests as an ordinary user: most instructors are no administrators."""
    if os.geteuid() != 0 or os.environ.get(AGAIN) or os.environ.get(ENGINE):
        pytest.skip("these tests run as an ordinary user already")
    if kind_here() != "bwrap":
        pytest.skip("bubblewrap is not installed")
    options = ["-q", "-p", "no:cacheprovider", "--rootdir", str(ROOT), "-c", str(ROOT / "pyproject.toml")]
    with ordinary.home() as folder:
        place = ["--basetemp", str(folder / "tmp"), str(file)]
        done = ordinary.run([sys.executable, "-m", "pytest", *options, *place], folder, **{AGAIN: "1", "CI": "1"})
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


def in_a_container(file):
    """Runs a file of tests with docker or podman, where the grader's image is there."""
    if os.environ.get(AGAIN) or os.environ.get(ENGINE):
        pytest.skip("these tests run once more already")
    engine = next(filter(has_image, filter(shutil.which, ENGINES)), None)
    if engine is None:
        pytest.skip(f"neither docker nor podman has the image {IMAGE} here; grading/README.md says how it is built")
    line, environment = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], {**os.environ, ENGINE: engine}
    done = subprocess.run(
        [*line, str(file)], capture_output=True, text=True, cwd=ROOT, env=environment, timeout=590, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
