"""What is known of a notebook before anything of it runs; `parsing.py` reads it, in a process with limits."""

import contextlib
import json
import queue
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aigc_course.grading.submissions import CHECK, Refused, Task

__all__ = ["Cell", "changed_later", "is_check", "places_to_try", "read_cells"]

_PARSER = Path(__file__).with_name("parsing.py")
_SECONDS = 30  # for the parser's answer, with a machine under load in mind
_ANSWER_MOST = 20_000_000  # bytes
_LARGE = 1_000_000  # bytes of a notebook that a parser's memory is not the same after
# Parsers that wait for the next notebook; they end with the grader, whose pipe they read.
_IDLE: dict[tuple[str, tuple[str, ...]], queue.SimpleQueue[subprocess.Popen[bytes]]] = {}
_VERSIONS_MOST = 3  # of one function that are tried: the answer's cell, and the last two others that define it


@dataclass(frozen=True)
class Cell:
    """A code cell: its source and ids; names that it binds at its top level, reads, imports, writes as a module by
    %%writefile; and names that nothing in it explains."""

    source: str
    id: str | None = None
    grade_id: str | None = None
    defines: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()
    imports: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()


def read_cells(blob: bytes) -> tuple[list[Cell], list[str]]:
    """(code cells, remarks) of a notebook's bytes.

    Raises:
        Refused: it is no notebook of format 4, too long, or takes too much to read.
    """
    answer = _ask_parser(blob)
    if answer is None:  # Python's own parser ended the process: without it
        answer = _ask_parser(blob, "--search")
    if answer is None:
        raise Refused("the file takes too much time or memory to read.")
    if "refused" in answer:
        raise Refused(answer["refused"])
    return [_cell(facts) for facts in answer["cells"]], answer["remarks"]


def _cell(facts: dict[str, Any]) -> Cell:
    """A `Cell` from what the parser says of it."""
    names = {name: frozenset(facts[name]) for name in ("defines", "uses", "imports", "writes", "unknown")}
    return Cell(facts["source"], facts["id"], facts["grade_id"], **names)


def _ask_parser(blob: bytes, *options: str) -> dict[str, Any] | None:
    """A parser's answer, or None if it ended without one. It serves the next notebook too, unless this one was large.

    Args:
        blob: bytes of the notebook.
        options: the parser's arguments.
    """
    waiting = _IDLE.setdefault((str(_PARSER), options), queue.SimpleQueue())
    try:
        process = waiting.get_nowait()
    except queue.Empty:
        line = [sys.executable, "-I", "-S", str(_PARSER), *options]
        pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
        process = subprocess.Popen(line, stdin=pipe, stdout=pipe, stderr=nowhere, env={})
    assert process.stdin is not None
    assert process.stdout is not None
    end = threading.Timer(_SECONDS, process.kill)
    end.start()
    try:
        process.stdin.write(len(blob).to_bytes(8, "big") + blob)
        process.stdin.flush()
        length = int.from_bytes(process.stdout.read(8), "big")
        answer = json.loads(process.stdout.read(length)) if 0 < length <= _ANSWER_MOST else None
    except (OSError, ValueError):
        answer = None
    finally:
        end.cancel()
    if answer is not None and len(blob) < _LARGE:
        waiting.put(process)
        return answer
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            stream.close()
    return answer


def is_check(cell: Cell) -> bool:
    """A check cell as it was released: it is not run. One that holds more is, and its check only prints there."""
    return bool(CHECK.match(cell.source.strip()))


def places_to_try(cells: list[Cell], task: Task) -> list[int]:
    """Places of the cells whose function is tried: those with the answer's id, and the last others that define it.

    Colab may rewrite ids and metadata, students copy and move cells; but each version more is a bet more.
    """
    official = [p for p, cell in enumerate(cells) if cell.id == task.answer_id or cell.grade_id == task.grade_ids[0]]
    official = official[:1]  # read_cells has taken repeated ids away; a grade id may still come twice
    others = [p for p, cell in enumerate(cells) if task.function in cell.defines and p not in official]
    return sorted(official + others[len(official) - _VERSIONS_MOST :])


def changed_later(cells: list[Cell], task: Task, place: int) -> bool:
    """True if a cell behind `place` gives another value to a name that the version there uses."""
    return any(cell.defines & cells[place].uses - {task.function} for cell in cells[place + 1 :])
