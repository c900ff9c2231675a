"""Text of strangers made harmless: for a table's cell, a page, a terminal, a file's name."""

import contextlib
import hashlib
import os
import re
import sys
import unicodedata
from typing import TextIO

__all__ = ["decoded", "is_plain", "page_name", "safe_cell", "say", "visible"]

_BREAKS = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
_JOINERS = "\u200c\u200d"  # Persian and Indian scripts spell names with them
# What begins a formula in Excel, LibreOffice or Google Sheets; the wide and small forms do in East Asian settings.
_FORMULA = "=+\\-@＝＋－＠﹦﹢﹣﹫−"
_NUMBER = r"[-+−－＋]\.?\d[\d.]*(?:[eE][-+]?\d+)?(?![\w+\-*/^&=<>!|(%'])"
# Behind a separator of some program's import dialogue (or a quotation mark, or an invisible character) a sign would
# begin a cell. A space is a separator too, but there "-0.5" and a dash are what they are.
_BEGINS = re.compile(
    rf"""(?:^|[;,\t|:"'`^~\u200b-\u200d\u2060\ufeff；，、：]\s*)(?=[{_FORMULA}])"""
    rf"""|(?<=\s)(?=[{_FORMULA}])(?!{_NUMBER}|[-+−] )"""
)


def decoded(name: str) -> str:
    """A file's name as text: bytes that are no UTF-8 are written as \\xf6."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def visible(text: object, fold: bool = True) -> str:
    """One line in which everything shows; with `fold`, a break of a line or a tabulator is a space.

    Controls and lone surrogates are written as \\u202e, and so are the marks that turn the reading direction, by which
    a name shows other letters than it holds ("Trojan Source", 2021).
    """
    line = _BREAKS.sub(" ", str(text)) if fold else str(text)
    return "".join(_visible_character(c) for c in line)


def _visible_character(character: str) -> str:
    """A character, or its escape if it would not show or would change how others show."""
    kind = unicodedata.category(character)
    hidden = kind in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp") or (kind == "Cf" and character not in _JOINERS)
    return f"\\u{ord(character):04x}" if hidden else character


def safe_cell(value: object) -> str | int | float:
    """A value for one cell of a table: text on one line in which no separator makes a formula.

    Quotation marks do not help: a file with commas that is opened with semicolons is cut inside them.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    return _BEGINS.sub(lambda found: found[0] + "'", visible(value).strip())


def is_plain(value: str) -> bool:
    """True where `safe_cell` leaves text as it is: a key of an import must not be changed, so it must be plain."""
    return safe_cell(value) == value


def page_name(id_: str, name: str, key: tuple[str, ...]) -> str:
    """A file's name that holds the id, the name in its own letters, and digits of the key, which nobody else has.

    At most 190 bytes in UTF-8, in NFC, of letters, marks and digits of all scripts: safe on Windows, macOS and Linux,
    and different keys differ even where upper and lower case are one.
    """
    parts = [_letters(id_, 40), _letters(name, 100)]
    digest = hashlib.sha256("\0".join(key).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return "-".join([*(part for part in parts if part), digest])


def _letters(text: str, most: int) -> str:
    """Letters, marks and digits, the rest as hyphens, in at most `most` bytes of UTF-8."""
    text = unicodedata.normalize("NFC", visible(text))
    text = "".join(c if unicodedata.category(c)[0] in "LMN" else "-" for c in text)
    text = re.sub("-+", "-", text).strip("-").encode()[:most].decode("utf-8", "ignore")
    return unicodedata.normalize("NFC", text).strip("-")


def say(text: str, file: TextIO | None = None) -> None:
    """Prints a line wherever the terminal's encoding can write it, and without what would steer the terminal."""
    file = file or sys.stdout
    line = "\n".join(visible(line) for line in text.split("\n"))
    with contextlib.suppress(LookupError, TypeError):
        line = line.encode(file.encoding or "utf-8", "backslashreplace").decode(file.encoding or "utf-8")
    print(line, file=file)
