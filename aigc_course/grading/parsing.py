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

MEMORY, SECONDS = 384 * 2**20, 15  # address space; processor time of one notebook
CELLS_MOST = 500
SOURCE_MOST = 200_000  # characters of all code
PARSED_MOST = 50_000  # characters of one cell; a longer one is searched for definitions, not parsed
NAMES_MOST = 2000  # of one cell
MAGIC = re.compile(r"^\s*(?:[%!?]|\w[\w., ]*=\s*[%!]|.*\?\??\s*$)")  # lines that only IPython understands
WRITTEN = re.compile(r"^%%(?:writefile|file)\s+(?:-a\s+)?[\"']?(?:\./)?([\w/]+)\.py\b")


class Refused(Exception):
    """A file that cannot be graded; the message is for the student."""


def main():
    """Answers until its input ends."""
    limit()
    while head := sys.stdin.buffer.read(8):
        more_time()
        text = json.dumps(answer(sys.stdin.buffer.read(int.from_bytes(head, "big")))).encode()
        sys.stdout.buffer.write(len(text).to_bytes(8, "big") + text)
        sys.stdout.buffer.flush()


def answer(blob):
    """What is said of one notebook."""
    try:
        return read(blob, parse="--search" not in sys.argv)
    except Refused as error:
        return {"refused": str(error)}
    except MemoryError:
        words = "the file takes too much memory to read. Clear the outputs (Edit, Clear Outputs of All Cells) and save."
        return {"refused": words}


def limit():
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


def more_time():
    """Gives the next notebook its share of processor time."""
    try:
        import resource
    except ImportError:
        return
    usage, hard = resource.getrusage(resource.RUSAGE_SELF), resource.getrlimit(resource.RLIMIT_CPU)[1]
    wanted = int(usage.ru_utime + usage.ru_stime) + 1 + SECONDS
    if hard == resource.RLIM_INFINITY or wanted < hard:
        resource.setrlimit(resource.RLIMIT_CPU, (wanted, hard))


def read(blob, parse=True):
    """The code cells of a notebook's bytes, and remarks. Outputs and all other metadata are dropped.

    Args:
        blob: bytes.
        parse: bool, False only searches for definitions: for what the parser cannot take.

    Returns:
        dict with cells (list of dicts: source, id, grade_id, defines, uses, imports, writes, unknown) and remarks.

    Raises:
        Refused: it is no notebook of format 4, or too long.
    """
    cells, remarks, ids, length = [], [], set(), 0
    for number, raw in enumerate(load(blob), start=1):
        if not isinstance(raw, dict) or raw.get("cell_type") not in ("code", "markdown", "raw"):
            remarks.append(f"cell {number} is no cell and was passed over.")
            continue
        source = raw.get("source", "")
        if isinstance(source, list):
            source = "".join(part for part in source if isinstance(part, str))
        if raw["cell_type"] != "code" or not isinstance(source, str) or not source.strip():
            continue
        length += len(source)
        if length > SOURCE_MOST:
            raise Refused(f"more than {SOURCE_MOST:,} characters of code.")
        id_, grade_id = marks(raw)
        if id_ in ids:
            remarks.append(f"cell {number} has the id of an earlier cell; it was matched by its function's name.")
            id_ = grade_id = None
        ids.add(id_)
        cells.append({"source": source, "id": id_, "grade_id": grade_id})
    for cell in cells:
        cell.update(describe(cell["source"], parse))
    return {"cells": cells, "remarks": remarks[:50]}


def load(blob):
    """The list of cells in a notebook's bytes."""
    if blob[:4] == b"PK\x03\x04":
        raise Refused("that is a zip archive with the name of a notebook. Hand in the notebook itself.")
    try:
        notebook = json.loads(blob.decode("utf-8-sig"))  # Windows' editors put a mark in front
    except UnicodeDecodeError as error:
        raise Refused("the file is no text in UTF-8, so it is no notebook.") from error
    except RecursionError as error:
        raise Refused("the file is nested too deeply for a notebook.") from error
    except ValueError as error:
        raise Refused(f"the file is no valid JSON (damaged or cut off near character {getattr(error, 'pos', 0)}). "
                      "Download it again from Jupyter and hand in that.") from error
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise Refused("the file is JSON, but no notebook: it has no list of cells.")
    if notebook.get("nbformat") != 4:
        raise Refused(
            f"notebook format {str(notebook.get('nbformat'))[:20]}; format 4 is needed. Open and save it in Jupyter."
        )
    if len(notebook["cells"]) > CELLS_MOST:
        raise Refused(f"{len(notebook['cells']):,} cells; more than {CELLS_MOST} are not taken.")
    return notebook["cells"]


def marks(raw):
    """(id, nbgrader's grade id) of a cell, each a short text or None."""
    meta = raw.get("metadata")
    mark = meta.get("nbgrader") if isinstance(meta, dict) else None
    grade_id = mark.get("grade_id") if isinstance(mark, dict) else None
    return tuple(value if isinstance(value, str) and len(value) <= 200 else None for value in (raw.get("id"), grade_id))


def describe(source, parse):
    """What a cell's code defines at its top level, which names it uses, which modules it imports or writes."""
    written = WRITTEN.match(source)
    facts = {"defines": [], "uses": [], "imports": [], "unknown": []}
    facts["writes"] = [written[1].split("/")[0]] if written else []
    tree = syntax(source) if parse and len(source) <= PARSED_MOST and not written else None
    if tree is None:
        facts["defines"] = re.findall(r"^(?:async )?def (\w+)", source, re.M)[:NAMES_MOST]
        return facts
    defines, uses, imports = top_names(tree), set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            uses.add(node.id)
        elif isinstance(node, ast.Import):
            imports |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imports.add(node.module.split(".")[0])
    known = bound(tree) | set(dir(builtins))
    facts |= {"defines": sorted(defines)[:NAMES_MOST], "uses": sorted(uses)[:NAMES_MOST],
              "imports": sorted(imports)[:NAMES_MOST], "unknown": sorted(uses - known)[:NAMES_MOST]}
    return facts


def syntax(source):
    """The tree of a cell's code, its magics left out; None where it is no Python."""
    lines = source.splitlines()
    if lines and lines[0].lstrip().startswith("%%"):  # %%time and the like: the rest is Python
        lines[0] = ""
    for text in ("\n".join(lines), "\n".join("" if MAGIC.match(line) else line for line in lines)):
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return None


def top_names(tree):
    """Names that the code binds outside its functions and classes: also within if, try, with and loops."""
    names, open_ = set(), list(tree.body)
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


def bound(tree):
    """All names that the code binds anywhere: assigned, imported, defined, or an argument."""
    names = set()
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
    main()
