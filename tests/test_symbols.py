"""One symbol, one meaning: every symbol in the formulas of chapters 00 to 06 stands in the glossary's table."""

import csv
import re
from pathlib import Path

import nbformat
import pytest

from aigc_course import data

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = {path.name[:2]: path for path in sorted((ROOT / "notebooks").glob("0[0-6]_*.ipynb"))}
# Words of LaTeX that are signs, spaces, functions or layout, and no symbols of a formula
SIGNS = set(
    re.findall(
        r"\w+",
        """frac tfrac sum prod int log exp min max det le ge ll ne approx sim to in times cdot cdots dots pm infty sqrt
        mid top partial nabla prime propto underbrace left right bigl bigr Bigl Bigr big Big quad qquad cos sin Pr
        mathrel leftarrow langle rangle lceil rceil lfloor rfloor lVert rVert overline dot hat mathbb mathcal""",
    )
)


def formulas(text):
    """What stands between dollar signs, code left out."""
    text = re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.S)
    displayed = re.findall(r"\$\$(.*?)\$\$", text, re.S)
    return displayed + re.findall(r"\$([^$]+)\$", re.sub(r"\$\$.*?\$\$", "", text, flags=re.S))


def symbols(text):
    """The letters of all formulas: Latin ones, and Greek ones as LaTeX writes them; no words, numbers and operators."""
    found = set()
    for formula in formulas(text):
        bare = re.sub(r"\\(text|operatorname|mathrm|begin|end|mathbb|mathcal)\s*(\{[^}]*\}|\w)", " ", formula)
        tokens = re.findall(r"\\[a-zA-Z]+|[a-zA-Z]", bare)
        found |= {token for token in tokens if token.removeprefix("\\") not in SIGNS or not token.startswith("\\")}
    return found


def texts(path):
    cells = nbformat.read(path, as_version=4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def table():
    with open(data.asset("symbols.csv"), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("number", CHAPTERS)
def test_every_symbol_of_a_chapter_has_its_line(number):
    """A letter in a formula has a meaning in the table for this chapter, and no line names one that is not there."""
    listed = {row["symbol"] for row in table() if number in row["chapters"].split()}
    assert symbols(texts(CHAPTERS[number])) == listed


def test_one_symbol_one_meaning():
    """What holds everywhere has one line; Greek letters hold everywhere; a local letter has one meaning a chapter."""
    rows = table()
    fixed = [row["symbol"] for row in rows if row["scope"] == "everywhere"]
    assert len(fixed) == len(set(fixed))
    assert {row["symbol"] for row in rows if row["symbol"].startswith("\\")} <= set(fixed)
    assert {"x", "z", "G", "D", "l", "q"} <= set(fixed)
    local = [(row["symbol"], chapter) for row in rows if row["scope"] == "local" for chapter in row["chapters"].split()]
    assert len(local) == len(set(local))
    assert not {symbol for symbol, _ in local} & set(fixed)
    assert {row["scope"] for row in rows} == {"everywhere", "local"}
    assert all(row["meaning"] for row in rows)


def test_a_symbol_without_a_line_is_seen():
    """Letters of formulas are found in display and in the line; words, functions and code are not."""
    text = r"By $\lambda$ and `$k$` we get $$\mathrm{KL}(p\,\|\,q) = \sum_i p_i \log \tfrac{p_i}{q_i} + \text{const}$$"
    assert symbols(text) == {r"\lambda", "p", "q", "i"}
