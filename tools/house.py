"""Measures the package: lines, modules, functions, names that are marked public, repeats.

python tools/house.py [FOLDER]      another clone's folder, to compare with
"""

import ast
import collections
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHORTEST = 6  # lines that two places must share to count as a repeat


def functions(tree):
    """Every function and method of a module."""
    return [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def module_names(tree):
    """Names of functions, classes and constants that a module defines."""
    found = set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}
    return {name for name in found if not name.startswith("__")}


def repeats(texts):
    """Pairs of places that share SHORTEST and more lines of code: longer shared pieces count once."""
    places = collections.defaultdict(list)
    for name, text in texts.items():
        lines = [line.strip() for line in text.splitlines()]
        kept = [(i, line) for i, line in enumerate(lines) if line and not line.startswith(("#", "from ", "import "))]
        for start in range(len(kept) - SHORTEST + 1):
            piece = tuple(line for _, line in kept[start : start + SHORTEST])
            if sum(len(line) > 12 for line in piece) == SHORTEST:  # brackets and `else:` are no repeat
                places[piece].append((name, start))
    pairs = {(a, b) for found in places.values() for a in found for b in found if a < b}
    return sum(((m, i - 1), (n, j - 1)) not in pairs for (m, i), (n, j) in pairs)


def measure(folder):
    """The figures of `folder`/aigc_course as a dict."""
    paths = sorted((folder / "aigc_course").rglob("*.py"))
    texts = {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in paths}
    trees = {name: ast.parse(text) for name, text in texts.items()}
    found = [node for tree in trees.values() for node in functions(tree)]
    lengths = [node.end_lineno - node.lineno + 1 for node in found]
    names = [(name, own) for name, tree in trees.items() for own in module_names(tree)]
    marked = sum("\n__all__ = " in text for text in texts.values())
    return {
        "lines": sum(len(text.splitlines()) for text in texts.values()),
        "lines of statements": sum(
            len({node.lineno for node in ast.walk(tree) if isinstance(node, ast.stmt)}) for tree in trees.values()
        ),
        "modules": len(texts),
        "longest module": max(len(text.splitlines()) for text in texts.values()),
        "functions": len(found),
        "median function, lines": statistics.median(lengths),
        "functions with type hints": sum(node.returns is not None for node in found),
        "modules with __all__": marked,
        "names without underscore": sum(not own.startswith("_") for _, own in names),
        "names with underscore": sum(own.startswith("_") for _, own in names),
        f"pairs of places that share {SHORTEST} lines": repeats(texts),
        "lines kept from the formatter": sum(text.count("# fmt: " + "skip") for text in texts.values()),
    }


if __name__ == "__main__":
    for figure, value in measure(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT).items():
        print(f"{figure:38} {value:>7,}")
