"""Every chapter in the fast profile, in the environment that runs this test, from another folder than the course's.

`tools/environments.py` starts it: under Colab's versions each code cell runs twice, as a learner runs cells again; for
the table of versions (AIGC_FAST_CHAPTERS=once) each runs once.
"""

import copy
import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent.parent
CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TIMES = 1 if os.environ.get("AIGC_FAST_CHAPTERS") == "once" else 2
ON_COLAB = "AIGC_COLAB_WHEEL" in os.environ
# Colab may lack KerasHub: chapters must say so and go on. `test_hub.py` runs with it.
STAND_IN = "import google.colab, sys\nsys.modules['keras_hub'] = None"


def code_cells(book):
    """The cells that a learner runs, without the one that installs the course."""
    return [
        cell for cell in book.cells if cell.cell_type == "code" and "bootstrap" not in cell.metadata.get("tags", [])
    ]


def repeated(book, times, first=""):
    """The notebook with every code cell `times` times in a row, behind a first cell."""
    cells = [nbformat.v4.new_code_cell(first)] if first else []
    for cell in code_cells(book):
        for _ in range(times):
            one = copy.deepcopy(cell)
            one.id, one.outputs, one.execution_count = f"c{len(cells)}", [], None
            cells.append(one)
    return nbformat.v4.new_notebook(cells=cells)


def run(book, folder, monkeypatch):
    """Executes a notebook in a folder of its own; returns it."""
    monkeypatch.setenv("AIGC_FAST", "1")
    monkeypatch.setenv("IPYTHONDIR", str(folder / "ipython"))
    options = {"timeout": 240, "kernel_name": "python3", "resources": {"metadata": {"path": str(folder)}}}
    NotebookClient(book, **options).execute()
    return book


@pytest.mark.parametrize("path", CHAPTERS, ids=[path.stem for path in CHAPTERS])
def test_chapter(path, tmp_path, monkeypatch):
    """Runs from the top to the end; every picture has alternative text where a page reads it."""
    book = run(repeated(nbformat.read(path, as_version=4), TIMES, STAND_IN if ON_COLAB else ""), tmp_path, monkeypatch)
    pictures = 0
    for output in (output for cell in book.cells for output in cell.outputs):
        content = output.get("data", {})
        pictures += "image/png" in content
        assert "image/png" not in content or "<img alt=" in content["text/html"]
        for image in re.findall(r"<img [^>]*>", content.get("text/html", "")):
            assert re.search(r'alt="[^"]{10,}', image), image[:80]
    assert pictures >= 3
    if ON_COLAB and any("hub." in cell.source for cell in book.cells):
        said = "".join(output.get("text", "") for cell in book.cells for output in cell.outputs)
        assert "KerasHub; it is not installed" in said
