"""The course as a class meets it on Colab: its versions, its bootstrap cell, its widgets, exercises and solutions."""

import copy
import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent.parent
WHEEL = os.environ.get("AIGC_COLAB_WHEEL", "")
EXERCISES = sorted(path.name for path in (ROOT / "exercises").iterdir() if path.is_dir())

pytestmark = pytest.mark.skipif(not WHEEL, reason="not under Colab's versions: `make test-colab` runs this")


def execute(book, folder, **options):
    """Executes a notebook from another folder than the course's."""
    NotebookClient(
        book, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(folder)}}, **options
    ).execute()
    return book


def text(book):
    """Everything that a notebook printed."""
    return "".join(output.get("text", "") for cell in book.cells for output in cell.get("outputs", []))


def test_the_bootstrap_cell_installs_the_wheel_and_nothing_else(tmp_path):
    """Run as it stands, with the wheel for the address: the course is there, no other package has changed."""
    before = {one.name: one.version for one in importlib.metadata.distributions()}
    subprocess.run([sys.executable, "-m", "pip", "uninstall", "--yes", "--quiet", "aigc-course"], check=True)
    cell = next(
        cell
        for cell in nbformat.read(ROOT / "notebooks" / "00_start_here.ipynb", as_version=4).cells
        if "bootstrap" in cell.metadata.get("tags", [])
    )
    assert cell.metadata["cellView"] == "form"
    assert cell.metadata["jupyter"]["source_hidden"] is True
    source = re.sub(r'ADDRESS = ".*?"', f'ADDRESS = "file://{WHEEL}"', cell.source)
    assert WHEEL in source
    cells = [
        nbformat.v4.new_code_cell(one) for one in ("import google.colab", source, "import aigc_course as a; a.__file__")
    ]
    book = execute(nbformat.v4.new_notebook(cells=cells), tmp_path)
    assert "site-packages" in book.cells[-1].outputs[0].data["text/plain"]
    after = {one.name: one.version for one in importlib.metadata.distributions()}
    assert {name: version for name, version in after.items() if name != "aigc-course"} == {
        name: version for name, version in before.items() if name != "aigc-course"
    }


def test_versions_are_those_that_colab_published():
    """What is installed is what requirements.txt says, name by name."""
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)", (Path(__file__).parent / "requirements.txt").read_text("utf-8"), re.M))
    assert pins["ipython"] == "7.34.0"
    for name, version in pins.items():
        assert importlib.metadata.version(name) == version, name


def test_every_solution_passes_its_checks(tmp_path, monkeypatch):
    """All solutions in one kernel, cleared in between: each check cell praises."""
    monkeypatch.setenv("AIGC_FAST", "1")
    book = execute(one_after_the_other("solutions"), tmp_path)
    checks = [cell for cell in book.cells if "checks.check(" in cell.source]
    assert len(checks) >= 3 * len(EXERCISES)
    for cell in checks:
        assert "✓ right" in "".join(output.get("text", "") for output in cell.outputs), cell.source


def test_every_untouched_exercise_says_not_done_yet_and_nothing_else(tmp_path, monkeypatch):
    """All exercises as they are given out, in one kernel: check cells say "not done yet", no other cell fails."""
    monkeypatch.setenv("AIGC_FAST", "1")
    book = execute(one_after_the_other("exercises"), tmp_path, allow_errors=True)
    for cell in book.cells:
        errors = [output for output in cell.get("outputs", []) if output.output_type == "error"]
        if "checks.check(" in cell.source:
            assert [error.ename for error in errors] == ["AssertionError"], cell.source
            assert "not done yet" in errors[0].evalue
        else:
            assert errors == [], cell.source[:200]


def one_after_the_other(kind):
    """One notebook of all exercises or solutions: TensorFlow is imported once; names are cleared in between."""
    cells = [nbformat.v4.new_code_cell("import google.colab")]
    for name in EXERCISES:
        book = nbformat.read(ROOT / kind / name / f"{name}.ipynb", as_version=4)
        cells.append(nbformat.v4.new_code_cell("%reset -f"))
        for cell in book.cells:
            if cell.cell_type == "code" and "bootstrap" not in cell.metadata.get("tags", []):
                one = copy.deepcopy(cell)
                one.id, one.outputs, one.execution_count = f"c{len(cells)}", [], None
                cells.append(one)
    return nbformat.v4.new_notebook(cells=cells)


def test_widgets_pictures_and_progress(tmp_path):
    """Their unit tests under ipywidgets 7.7 and IPython 7.34, anywidget there; KerasHub's calls on tiny presets."""
    names = ("widgets", "plane", "plots", "progress", "hub")
    tests = [str(ROOT / "tests" / f"test_{name}.py") for name in names]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={ROOT / 'tests'}", *tests],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]


@pytest.mark.parametrize("hidden", ["anywidget", "ipywidgets"])
def test_live_pictures_without_a_widget_library(hidden, tmp_path, monkeypatch):
    """Without anywidget points are typed and all else works; without ipywidgets a film and a line stand there."""
    monkeypatch.setenv("AIGC_FAST", "1")
    first = f"import google.colab, sys\nsys.modules[{hidden!r}] = None"
    cells = [
        nbformat.v4.new_code_cell(source)
        for source in (
            first,
            "from aigc_course import runtime\nruntime.start()",
            "from aigc_course import plane, widgets\nwidgets.two_gaussians()",
            "plane.play()",
        )
    ]
    book = execute(nbformat.v4.new_notebook(cells=cells), tmp_path)
    shown = [output.data for cell in book.cells[2:] for output in cell.outputs if "data" in output]
    assert len(shown) == 2
    assert all("<img alt=" in content["text/html"] for content in shown)
    live = ["application/vnd.jupyter.widget-view+json" in content for content in shown]
    assert live == [hidden == "anywidget"] * 2
    assert ("pip install ipywidgets" in text(book)) == (hidden == "ipywidgets")
