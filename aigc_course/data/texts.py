"""Texts: Shakespeare, Tang poems."""

import lzma
import re

from aigc_course.data.checksums import asset
from aigc_course.errors import one_of

__all__ = ["MARKS", "is_quatrain", "load_plays", "load_quatrains", "load_shakespeare", "load_tang_poems"]

MARKS = "，。！？；："
_TITLE = re.compile(r"(?:^|\n{3,})([^\n]+)\n\nby William Shakespeare\n")
_OTHERS = re.compile(r"\n{3,}(?:MILTON'S COMUS|L'ALLEGRO|PARADISE REGAINED|POEMATA)")  # John Milton's, in the same file


def load_shakespeare(part="plays"):
    """Shakespeare in modern spelling (Project Gutenberg, public domain).

    Args:
        part: "sonnets" (154), or "plays": all else in the file, 5.8 million characters. Between the plays stand five
            books by Milton (Comus with its notes, poems, Latin verse): `load_plays` leaves them out.

    Returns:
        str.
    """
    sonnets, plays = _compressed_text("shakespeare.txt.xz").split("\f")
    return one_of(part, {"plays": plays.strip(), "sonnets": sonnets.strip()}, "part")


def load_plays():
    """Shakespeare's 37 plays, one by one, in the order of the file (4.8 million characters); Milton's works left out.

    Returns:
        list of (title, text), text with its title.
    """
    text = load_shakespeare()
    found = list(_TITLE.finditer(text))
    ends = [match.start() for match in found[1:]] + [len(text)]
    whole = [text[match.start(1) : end] for match, end in zip(found, ends, strict=True)]
    return [(match[1], _OTHERS.split(play)[0]) for match, play in zip(found, whole, strict=True)]


def load_tang_poems():
    """Tang poems in traditional characters (texts public domain, collection chinese-poetry, MIT).

    Returns:
        list of (title, author, text); text has punctuation and no line breaks.
    """
    return [tuple(line.split("\t")) for line in _compressed_text("tang.txt.xz").splitlines()]


def load_quatrains():
    """The five-character quatrains 五言絕句 among the Tang poems: four lines of five characters.

    Returns:
        list of (title, author, text), text of 24 characters, "五字，五字。五字，五字。" or with other marks.
    """
    return [poem for poem in load_tang_poems() if is_quatrain(poem[2])]


def is_quatrain(text):
    """True if a text has the form of a five-character quatrain: 4 × (5 characters and a mark)."""
    return len(text) == 24 and all((character in MARKS) == (i % 6 == 5) for i, character in enumerate(text))


def _compressed_text(name):
    """The text of a shipped .txt.xz."""
    return lzma.decompress(asset(name).read_bytes()).decode("utf-8")
