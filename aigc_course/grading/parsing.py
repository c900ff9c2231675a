"""Reads notebooks in a process of its own with little memory and time: `python -I -S parsing.py`.

Standard library only, nothing is run. On standard input come the length of a notebook (8 bytes, big-endian) and its
bytes; the answer goes out in the same form, as JSON: {"refused": words for the student}, or {"cells", "remarks"}.
What stands in a notebook is a stranger's: lengths are looked at before anything is built from them.
"""

import ast
import builtins
import json
import re
import sys

__all__ = ["MEMORY"]  # everything else is asked for by standard input

MEMORY = 384 * 2**20  # bytes of address space
_SECONDS = 15  # of processor time for one notebook
_CELLS_MOST = 500
_SOURCE_MOST = 200_000  # characters of all code
_PARSED_MOST = 50_000  # characters of one cell; a longer one is searched for definitions, not parsed
_NAMES_MOST = 2000  # of one cell
_MAGIC = re.compile(r"^\s*(?:[%!?]|\w[\w., ]*=\s*[%!]|.*\?\??\s*$)")  # lines that only IPython understands
_WRITTEN = re.compile(r"^%%(?:writefile|file)\s+(?:-a\s+)?[\"']?(?:\./)?([\w/]+)\.py\b")


class _NoNotebook(Exception):
    """A file that cannot be graded; the message is for the student."""


def _main() -> None:
    """Answers until its input ends."""
    _limit_memory()
    while head := sys.stdin.buffer.read(8):
        _allow_time()
        text = json.dumps(_answer(sys.stdin.buffer.read(int.from_bytes(head, "big")))).encode()
        sys.stdout.buffer.write(len(text).to_bytes(8, "big") + text)
        sys.stdout.buffer.flush()


def _answer(blob: bytes) -> dict[str, object]:
    """What is said of one notebook."""
    try:
        return _read_notebook(blob, parse="--search" not in sys.argv)
    except _NoNotebook as error:
        return {"refused": str(error)}
    except MemoryError:
        words = "the file takes too much memory to read. Clear the outputs (Edit, Clear Outputs of All Cells) and save."
        return {"refused": words}


def _limit_memory() -> None:
    """Bounds memory and files; Windows has no such thing."""
    try:
        import resource
    except ImportError:
        return
    wanted = (("AS", MEMORY), ("FSIZE", 0), ("NOFILE", 16), ("NPROC", 0), ("CORE", 0))
    for name, most in wanted:
        kind = getattr(resource, f"RLIMIT_{name}", None)
        if kind is not None:
            hard = resource.getrlimit(kind)[1]
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (most, most))


def _allow_time() -> None:
    """Gives the next notebook its share of processor time."""
    try:
        import resource
    except ImportError:
        return
    usage, hard = resource.getrusage(resource.RUSAGE_SELF), resource.getrlimit(resource.RLIMIT_CPU)[1]
    wanted = int(usage.ru_utime + usage.ru_stime) + 1 + _SECONDS
    if hard == resource.RLIM_INFINITY or wanted < hard:
        resource.setrlimit(resource.RLIMIT_CPU, (wanted, hard))


def _read_notebook(blob: bytes, parse: bool = True) -> dict[str, object]:
    """The code cells of a notebook's bytes, and remarks. Outputs and all other metadata are dropped.

    Args:
        blob: bytes.
        parse: bool, False only searches for definitions: for what the parser cannot take.

    Returns:
        dict with cells (list of dicts: source, id, grade_id, defines, uses, imports, writes, unknown) and remarks.

    Raises:
        _NoNotebook: it is no notebook of format 4, or too long.
    """
    cells: list[dict] = []
    remarks: list[str] = []
    ids: set[str | None] = set()
    length = 0
    for number, raw in enumerate(_load_cells(blob), start=1):
        if not isinstance(raw, dict) or raw.get("cell_type") not in ("code", "markdown", "raw"):
            remarks.append(f"cell {number} is no cell and was passed over.")
            continue
        source = raw.get("source", "")
        if isinstance(source, list):
            source = "".join(part for part in source if isinstance(part, str))
        if raw["cell_type"] != "code" or not isinstance(source, str) or not source.strip():
            continue
        length += len(source)
        if length > _SOURCE_MOST:
            raise _NoNotebook(f"more than {_SOURCE_MOST:,} characters of code.")
        id_, grade_id = _ids_of(raw)
        if id_ in ids:
            remarks.append(f"cell {number} has the id of an earlier cell; it was matched by its function's name.")
            id_ = grade_id = None
        ids.add(id_)
        cells.append({"source": source, "id": id_, "grade_id": grade_id})
    for cell in cells:
        cell.update(_names_in(cell["source"], parse))
    return {"cells": cells, "remarks": remarks[:50]}


def _load_cells(blob: bytes) -> list:
    """The list of cells in a notebook's bytes."""
    if blob[:4] == b"PK\x03\x04":
        raise _NoNotebook("that is a zip archive with the name of a notebook. Hand in the notebook itself.")
    try:
        notebook = json.loads(blob.decode("utf-8-sig"))  # Windows' editors put a mark in front
    except UnicodeDecodeError as error:
        raise _NoNotebook("the file is no text in UTF-8, so it is no notebook.") from error
    except RecursionError as error:
        raise _NoNotebook("the file is nested too deeply for a notebook.") from error
    except ValueError as error:
        raise _NoNotebook(
            f"the file is no valid JSON (damaged or cut off near character {getattr(error, 'pos', 0)}). "
            "Download it again from Jupyter and hand in that."
        ) from error
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise _NoNotebook("the file is JSON, but no notebook: it has no list of cells.")
    if notebook.get("nbformat") != 4:
        raise _NoNotebook(
            f"notebook format {str(notebook.get('nbformat'))[:20]}; format 4 is needed. Open and save it in Jupyter."
        )
    if len(notebook["cells"]) > _CELLS_MOST:
        raise _NoNotebook(f"{len(notebook['cells']):,} cells; more than {_CELLS_MOST} are not taken.")
    return notebook["cells"]


def _ids_of(raw: dict) -> tuple[str | None, str | None]:
    """(id, nbgrader's grade id) of a cell, each a short text or None."""
    meta = raw.get("metadata")
    mark = meta.get("nbgrader") if isinstance(meta, dict) else None
    grade_id = mark.get("grade_id") if isinstance(mark, dict) else None
    return _short_text(raw.get("id")), _short_text(grade_id)


def _short_text(value: object) -> str | None:
    """The value, where it is a short text."""
    return value if isinstance(value, str) and len(value) <= 200 else None


def _names_in(source: str, parse: bool) -> dict[str, list[str]]:
    """What a cell's code defines at its top level, which names it uses, which modules it imports or writes."""
    written = _WRITTEN.match(source)
    writes = [written[1].split("/")[0]] if written else []
    tree = _syntax_tree(source) if parse and len(source) <= _PARSED_MOST and not written else None
    if tree is None:
        defines = re.findall(r"^(?:async )?def (\w+)", source, re.M)[:_NAMES_MOST]
        return {"defines": defines, "uses": [], "imports": [], "unknown": [], "writes": writes}
    uses, imports = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            uses.add(node.id)
        elif isinstance(node, ast.Import):
            imports |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imports.add(node.module.split(".")[0])
    known = _bound_names(tree) | set(dir(builtins))
    names = {"defines": _top_names(tree), "uses": uses, "imports": imports, "unknown": uses - known}
    return {"writes": writes, **{what: sorted(found)[:_NAMES_MOST] for what, found in names.items()}}


def _syntax_tree(source: str) -> ast.Module | None:
    """The tree of a cell's code, its magics left out; None where it is no Python."""
    lines = source.splitlines()
    if lines and lines[0].lstrip().startswith("%%"):  # %%time and the like: the rest is Python
        lines[0] = ""
    for text in ("\n".join(lines), "\n".join("" if _MAGIC.match(line) else line for line in lines)):
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return None


def _top_names(tree: ast.Module) -> set[str]:
    """Names that the code binds outside its functions and classes: also within if, try, with and loops."""
    names: set[str] = set()
    open_: list[ast.AST] = list(tree.body)
    while open_:
        node = open_.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif not isinstance(node, (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            open_ += ast.iter_child_nodes(node)
    return names


def _bound_names(tree: ast.Module) -> set[str]:
    """All names that the code binds anywhere: assigned, imported, defined, or an argument."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
    return names


if __name__ == "__main__":
    _main()
