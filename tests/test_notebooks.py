"""Notebooks are files of record: executed, in style, linked, up to date; each runs in the fast profile, offline."""

import ast
import base64
import html
import re
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import nbval_offline

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import notebooks as tool  # noqa: E402

PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
BOOKS = {path.name: nbformat.read(path, as_version=4) for path in PATHS}
each = pytest.mark.parametrize("name", list(BOOKS))


def code_cells(name):
    return [cell for cell in BOOKS[name].cells if cell.cell_type == "code"]


def texts(name):
    return [cell for cell in BOOKS[name].cells if cell.cell_type == "markdown"]


def slug(heading):
    """A heading's link target, as JupyterLab and GitHub write it."""
    return heading.strip().replace(" ", "-")


def headings(name):
    return {slug(match) for cell in texts(name) for match in re.findall(r"^#+ (.+)$", cell.source, re.M)}


def test_the_first_chapters_are_there():
    """Chapters 00 to 06 exist, later ones may come in any order; no number twice."""
    numbers = [int(path.name[:2]) for path in PATHS]
    assert numbers[:7] == list(range(7))
    assert len(set(numbers)) == len(numbers)
    assert max(numbers) <= 16


@each
def test_outputs_belong_to_the_code(name):
    """The digest stored at execution is that of today's code cells: no output is stale."""
    assert BOOKS[name].metadata["aigc"]["code"] == tool.digest(BOOKS[name]), "stale outputs: run `make notebooks`"


@each
def test_cells_were_run_once_in_order_without_error(name):
    """Execution counts are 1, 2, 3 …; no output is an error unless the cell is tagged as one that must raise."""
    cells = [cell for cell in code_cells(name) if cell.source.strip()]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        if "raises-exception" not in tool.tags(cell):
            assert not [output for output in cell.outputs if output.output_type == "error"]


@each
def test_cell_sizes(name):
    """25–52 cells; code at most 30 lines (a training step 40); text at most 90 words (title, tables, sources 140)."""
    cells = BOOKS[name].cells
    assert 25 <= len(cells) <= 52, len(cells)
    for cell in code_cells(name):
        lines = len(cell.source.splitlines())
        assert lines <= (40 if "_step" in cell.source else 30), (lines, cell.source[:60])
    for cell in texts(name):
        prose = "\n".join(line for line in cell.source.splitlines() if not line.startswith("|"))
        prose = re.sub(r"\$\$.*?\$\$|\$[^$]*\$|https?://\S+", " ", prose, flags=re.S)
        words = len(re.findall(r"[A-Za-z][A-Za-z'-]*|[\u4e00-\u9fff]+", prose))
        long = re.match(r"# |## (Sources|Check yourself|Exercises|How to work)", cell.source)
        assert words <= (140 if long else 90), (words, cell.source[:60])


@each
def test_setup_cells(name):
    """Title, Colab cell filled in from pyproject.toml, then the setup cell that starts the runtime."""
    cells = BOOKS[name].cells
    assert cells[0].source.startswith(f"# {name[:2]} · ")
    assert re.search(r"\*\*.*Time|Time.*minute", cells[0].source)
    assert cells[1].source == tool.bootstrap()
    assert (tool.repository() or 'ADDRESS = ""') in cells[1].source
    assert cells[1].metadata == tool.HIDDEN  # no learner's first sight, in JupyterLab and on Colab
    assert cells[0].source == tool.with_badge(cells[0].source, ROOT / "notebooks" / name)
    assert cells[2].source.startswith("from aigc_course import runtime\nruntime.start(")
    for part in ("## Recap", "## Check yourself", "## Exercises", "## Sources"):
        assert any(re.search(rf"^{part}$", cell.source, re.M) for cell in texts(name)), part
    assert sum(cell.source.count("<details>") for cell in texts(name)) >= 3


@each
def test_code_parses_and_never_prints_done(name):
    """Every code cell is Python; none ends in print("done")."""
    for cell in code_cells(name):
        source = re.sub(r"^(\s*)[%!].*$", r"\1pass", cell.source, flags=re.M)
        ast.parse(source)
        assert not re.search(r"print\(.?done", cell.source, re.I)


@each
def test_pictures_have_alt_text_and_are_no_blanks(name):
    """Each stored picture is a PNG of some size with alternative text; each chapter has several."""
    pictures = [output for cell in code_cells(name) for output in cell.outputs if "image/png" in output.get("data", {})]
    assert len(pictures) >= 3
    for output in pictures:
        png = base64.b64decode(output.data["image/png"])
        assert png.startswith(b"\x89PNG")
        assert len(png) > 2000
        alt = output.metadata.get("image/png", {}).get("alt", "")
        assert len(alt) > 20, output.metadata
        assert f'alt="{html.escape(alt)}"' in output.data["text/html"]  # where JupyterLab, Colab and nbconvert read it


@each
def test_no_machine_no_noise(name):
    """No path of one machine, no TensorFlow log line, no widget without its kernel, no random metadata."""
    raw = (ROOT / "notebooks" / name).read_text(encoding="utf-8")
    assert not re.search(r"/home/\w|/wor[k]/|/roo[t]/|/Users/\w|[A-Z]:\\\\", raw)
    assert "E0000 00:00" not in raw
    assert tool.WIDGET not in raw
    ids = [cell.id for cell in BOOKS[name].cells]
    assert len(set(ids)) == len(ids)


@each
def test_voice(name):
    """Nothing is called easy."""
    for cell in texts(name):
        found = re.search(r"\b(easily|simply|just|obviously|of course)\b", cell.source, re.I)
        assert not found, (found, cell.source[:80])


@each
def test_links_lead_somewhere(name):
    """Every relative link names a notebook or an exercise that exists, and a heading that it has."""
    for cell in texts(name):
        for target in re.findall(r"\]\(([^)\s]+)\)", cell.source):
            if target.startswith(("http", "mailto")):
                continue
            file, _, fragment = target.partition("#")
            file = file or name
            if file.startswith("../exercises/"):
                assert (ROOT / "notebooks" / file).is_file(), target
                continue
            assert file in BOOKS, target
            assert not fragment or fragment in headings(file), target


def test_the_map_covers_the_whole_article():
    """Chapter 00 links every section 1–9 (2 and 3 in parts) and each of the 16 defects to a cell."""
    rows = [
        line
        for cell in texts("00_start_here.ipynb")
        for line in cell.source.splitlines()
        if line.startswith("|") and "](" in line
    ]
    sections = [re.match(r"\| (\d(?:\.\d)?)", row)[1] for row in rows if not re.match(r"\| \d+ \|", row)]
    defects = [int(re.match(r"\| (\d+) \|", row)[1]) for row in rows if re.match(r"\| \d+ \|", row)]
    assert sections == ["1", "2.1", "2.2", "3.1", "3.2", "4", "5", "6", "7", "8", "9"]
    assert defects == list(range(1, 17))
    assert all("#" in re.search(r"\]\(([^)]+)\)", row)[1] for row in rows)


def test_chinese_terms_of_the_glossary_are_used_as_written():
    """A glossary term's Chinese form occurs in the chapter that is said to introduce it."""
    import csv

    from aigc_course import data

    with open(data.asset("glossary.csv"), encoding="utf-8", newline="") as file:
        terms = list(csv.DictReader(file))
    assert len(terms) >= 25
    for row in terms:
        chapter = [name for name in BOOKS if name.startswith(row["chapter"])]
        if chapter:
            book = "\n".join(cell.source for cell in BOOKS[chapter[0]].cells)
            assert row["chinese"] in book, row


@each
@pytest.mark.long
def test_chapter_runs_in_the_fast_profile_offline(name, tmp_path):
    """nbval runs the chapter from the top in the fast profile, with the network cut where the system allows it."""
    nbval_offline(ROOT / "notebooks" / name, tmp_path)
