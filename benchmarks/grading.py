"""How long a class takes: 100 submissions on this machine's cores, and nbgrader's autograder beside it.

`python benchmarks/grading.py` writes runs/bench/grading.json.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from common import ROOT, keep, progress

sys.path.insert(0, str(ROOT / "tests"))
CLASS = 100
CLASSES = (  # assignment, style of tests/test_grading.py, what it is
    ("02_minimax_game", "solution", "NumPy only"),
    ("02_minimax_game", "arrays", "some answers in TensorFlow"),
    ("01_learning_from_data", "solution", "NumPy, 4,000 images sent"),
    ("03_build_the_models", "solution", "Keras networks"),
)


def fill(folder, name, style, students):
    """Notebooks that differ in a comment, as a class's would in more."""
    from test_grading import STYLES

    for i in range(students):
        book = STYLES[style](name)
        book["cells"][2]["source"] = "".join(book["cells"][2]["source"]) + f"\n# student {i}"
        (folder / f"student{i:03d}.ipynb").write_text(json.dumps(book), encoding="utf-8")


def ours(name, style, base):
    """(seconds for the class, seconds for each submission) of `grade`; every submission must get all points."""
    (base / "class").mkdir(parents=True)
    fill(base / "class", name, style, CLASS)
    started = time.perf_counter()
    line = [sys.executable, "-m", "aigc_course", "grade", str(base / "class"), "--assignment", name]
    places = ["--out", str(base / "grades.csv"), "--feedback", str(base / "pages")]
    subprocess.run([*line, *places], check=True, capture_output=True)
    seconds = time.perf_counter() - started
    with open(base / "grades.csv", encoding="utf-8", newline="") as file:
        assert all(row["points"] == row["max"] for row in csv.DictReader(file))
    stored = [json.loads(path.read_text(encoding="utf-8")) for path in (base / ".grades.graded").glob("*.json")]
    return seconds, [item["result"]["seconds"] for item in stored]


def nbgraders(name, base, students=10):
    """Seconds a submission of `nbgrader autograde`, one at a time, as it works."""
    shutil.copytree(ROOT / "solutions" / name, base / "solutions" / name)
    shutil.copy(ROOT / "nbgrader_config.py", base)
    for i in range(students):
        folder = base / "grading" / "submitted" / f"student{i}" / name
        folder.mkdir(parents=True)
        shutil.copy(ROOT / "solutions" / name / f"{name}.ipynb", folder)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

    def nbgrader(*arguments):
        line = [sys.executable, "-m", "nbgrader", *arguments]
        subprocess.run(line, cwd=base, env=environment, check=True, capture_output=True)

    nbgrader("generate_assignment", name, "--create")
    started = time.perf_counter()
    nbgrader("autograde", name)
    return (time.perf_counter() - started) / students


def main():
    rows = []
    for name, style, what in progress(CLASSES, "classes of 100"):
        with tempfile.TemporaryDirectory() as folder:
            seconds, each = ours(name, style, Path(folder) / "a")
        spread = {"median": float(np.median(each)), "low": min(each), "high": max(each)}
        rows.append({"assignment": name, "what": what, "seconds": seconds, **spread})
    with tempfile.TemporaryDirectory() as folder:
        other = nbgraders("02_minimax_game", Path(folder))
    keep("grading", {"rows": rows, "students": CLASS, "nbgrader_seconds": other})


if __name__ == "__main__":
    main()
