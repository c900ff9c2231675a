"""The house is in order: what is public is marked and used as such, arrows point one way, no module is a maze."""

import ast
import importlib
import json
import re
import statistics
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "aigc_course"
PATHS = sorted(PACKAGE.rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in PATHS}
FACADES = {"aigc_course", "aigc_course.data", "aigc_course.lmdg.bach", "aigc_course.lmdg.codecs"}


def name_of(path):
    """aigc_course/lmdg/films.py -> "aigc_course.lmdg.films"; a package by its folder."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in PATHS}


def is_new(node):
    """Whether an assignment's part is a name that it makes, not one whose item or attribute it sets."""
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def defined(tree):
    """Names of functions, classes and constants that a module defines at its top level."""
    found = set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {part.id for target in targets for part in ast.walk(target) if is_new(part)}
    return found


def public(tree):
    """What `__all__` says, or None."""
    for node in tree.body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if [ast.unparse(target) for target in targets] == ["__all__"]:
                return ast.literal_eval(node.value)
    return None


PUBLIC = {name: set(public(TREES[path]) or ()) for name, path in MODULES.items()}


def imported(tree):
    """What a piece of code has from the package: (modules: local name -> module, names: list of (module, name))."""
    modules, names = {}, []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.asname or alias.name: alias.name for alias in node.names if alias.name in MODULES}
        if not isinstance(node, ast.ImportFrom) or node.module not in MODULES:
            continue
        for alias in node.names:
            whole = f"{node.module}.{alias.name}"
            if whole in MODULES and alias.name not in PUBLIC[node.module]:
                modules[alias.asname or alias.name] = whole
            else:
                names.append((node.module, alias.name))
    return modules, names


def used(text):
    """Every (module, name) of the package that a piece of code reaches for."""
    tree = ast.parse(text)
    modules, names = imported(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            names.append((modules[node.value.id], node.attr))
    return {(m, name) for m, name in names if f"{m}.{name}" not in MODULES and not name.startswith("__")}


@pytest.mark.parametrize("name", MODULES)
def test_what_is_public_is_marked(name):
    """`__all__` names what a module defines without an underscore, each name once; what is in it can be had."""
    tree = TREES[MODULES[name]]
    listed = public(tree) or []
    assert len(set(listed)) == len(listed)
    if name in FACADES:
        module = importlib.import_module(name)
        assert [entry for entry in listed if not hasattr(module, entry)] == []
        return
    own = {entry for entry in defined(tree) if not entry.startswith("_")}
    passed_on = {entry for _, entry in imported(tree)[1]}
    assert own <= set(listed), own - set(listed)
    assert set(listed) - own <= passed_on


def notebook_code(path):
    """The code of a notebook without magics."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return re.sub(r"(?m)^(\s*)[%!].*$", r"\1pass", "\n".join(code))


OUTSIDE = [
    *sorted((ROOT / "notebooks").glob("*.ipynb")),
    *sorted((ROOT / "solutions").glob("*/*.ipynb")),
    *sorted((ROOT / "exercises").glob("*/*.ipynb")),
    *sorted((ROOT / "benchmarks").glob("*.py")),
    *sorted((ROOT / "tools").glob("*.py")),
]


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: str(path.relative_to(ROOT)))
def test_public_names_only_are_used_from_outside(path):
    """Chapters, exercises, benchmarks and tools use what `__all__` marks, and nothing else."""
    text = notebook_code(path) if path.suffix == ".ipynb" else path.read_text(encoding="utf-8")
    assert {(module, name) for module, name in used(text) if name not in PUBLIC[module]} == set()


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_code_in_strings_uses_names_that_are_there(path):
    """What tests have another process or a notebook run is seen by no import: its names must be there all the same."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "from aigc_course" in node.value:
            try:
                found = used(textwrap.dedent(node.value).replace("{{", "{").replace("}}", "}"))
            except SyntaxError:
                continue  # prose, or a piece of a format string
            assert {(m, name) for m, name in found if name not in PUBLIC[m] and not name.startswith("_")} == set()


@pytest.mark.parametrize("name", MODULES)
def test_no_module_reaches_for_anothers_private_names(name):
    """What has an underscore stays within its module."""
    text = MODULES[name].read_text(encoding="utf-8")
    assert {(module, entry) for module, entry in used(text) if entry not in PUBLIC[module]} == set()


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/decisions.md", "aigc_course/grading/README.md"])
def test_pages_name_public_names_only(page):
    """`module.name` in backticks on a page is a public name of that module, or an attribute of one."""
    short = {name.rsplit(".", 1)[1]: name for name in MODULES if "." in name and "grading" not in name}
    for module, entry in re.findall(r"`(\w+)\.(\w+)", (ROOT / page).read_text(encoding="utf-8")):
        if module in short and entry not in ("py", "md", "ipynb", "toml") and f"{short[module]}.{entry}" not in MODULES:
            assert entry in PUBLIC[short[module]], f"{module}.{entry}"


# --- arrows ----------------------------------------------------------------------------------------------

# Each layer may use what stands before it. Folders count as one.
LAYERS = (
    ("errors", "container", "folders", "aigc_course"),
    ("files",),
    ("runtime",),
    ("data", "objectives", "fast"),
    ("models", "plots"),
    ("metrics", "progress", "step"),
    ("monitors",),
    ("gan", "collapse", "lmdg", "joining"),
    ("distributed", "widgets"),
    ("flow", "scale"),
    ("studio",),
    ("trust",),
    ("plane", "recipe", "doctor", "checks", "sampling", "capstone"),
    ("grading",),
    ("__main__",),
)
LAYER = {part: level for level, parts in enumerate(LAYERS) for part in parts}


def part_of(module):
    """aigc_course.lmdg.films -> "lmdg"."""
    return module.split(".")[1] if "." in module else module


@pytest.mark.parametrize("name", MODULES)
def test_arrows_point_one_way(name):
    """A module uses modules of earlier layers, or of its own folder; none of its own layer."""
    modules, names = imported(TREES[MODULES[name]])
    for other in {*modules.values(), *(module for module, _ in names)}:
        here, there = part_of(name), part_of(other)
        assert here == there or LAYER[there] < LAYER[here], f"{name} uses {other}"


def test_every_module_has_its_layer():
    """A new one is given its place."""
    assert {part_of(name) for name in MODULES} == set(LAYER)


def test_no_cycles():
    """No module needs, at once or late, one that needs it."""
    needs = {}
    for name, path in MODULES.items():
        modules, names = imported(TREES[path])
        needs[name] = {*modules.values(), *(module for module, _ in names)} - {name}
    while needs:
        free = {name for name, others in needs.items() if not others & set(needs)}
        assert free, f"a cycle among {sorted(needs)}"
        needs = {name: others for name, others in needs.items() if name not in free}


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("aigc_course.checks.chapter_")])
def test_expectations_stand_alone(name):
    """A chapter's checks import data, the judge and the checks' own modules; no other chapter."""
    modules, names = imported(TREES[MODULES[name]])
    others = {*modules.values(), *(module for module, _ in names)}
    allowed = {
        "aigc_course.checks",
        "aigc_course.data",
        "aigc_course.metrics",
        "aigc_course.models",
        "aigc_course.runtime",
    }
    shared = [path.stem for path in (PACKAGE / "checks").glob("*.py") if not path.stem.startswith("chapter_")]
    own = {f"aigc_course.checks.{stem}" for stem in shared}
    assert others <= allowed | own, others - allowed - own


# --- sizes and form --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_fits_in_a_reading(path):
    """At most 450 lines, in every folder."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 450


def test_most_modules_are_short_and_functions_shorter():
    """Nine modules in ten have at most 350 lines, half of the functions at most eight."""
    sizes = sorted(len(path.read_text(encoding="utf-8").splitlines()) for path in PATHS)
    assert sizes[int(0.9 * len(sizes))] <= 350
    functions = [node for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert statistics.median(node.end_lineno - node.lineno + 1 for node in functions) <= 8


FOLDERS = {
    "": 5600,
    "data": 750,
    "flow": 750,
    "scale": 700,
    "studio": 2300,
    "trust": 3200,
    "lmdg": 4300,
    "capstone": 1100,
    "checks": 9900,
    "grading": 4700,
}


def test_every_folder_is_counted():
    """Lines of each folder: what grows past its number is asked why. The package's whole is their sum."""
    found = dict.fromkeys(FOLDERS, 0)
    for path in PATHS:
        inside = path.relative_to(PACKAGE).parts
        found[inside[0] if len(inside) > 1 else ""] += len(path.read_text(encoding="utf-8").splitlines())
    assert {folder: lines for folder, lines in found.items() if lines > FOLDERS[folder]} == {}


def test_nothing_is_kept_from_the_formatter():
    """No line says that ruff must leave it as it is."""
    for folder in ("aigc_course", "tests", "tools", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            assert not re.search(r"# fmt: ?(skip|off)", path.read_text(encoding="utf-8")), path


def test_colours_are_set_in_plots_alone():
    """No other module of the package, and no chapter, has a colour by its number or a map of its own choice."""
    for path in PATHS:
        if path.name not in ("plots.py", "pages.py"):  # pages.py: a web page's own
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"#[0-9a-fA-F]{6}\b", text), path
            assert not re.search(r"cmap=\"(?!gray)", text), path


def test_grading_files_and_errors_have_type_hints():
    """Every function there says what it takes and returns."""
    paths = [*(PACKAGE / "grading").glob("*.py"), PACKAGE / "files.py", PACKAGE / "errors.py"]
    for path in paths:
        for node in ast.walk(TREES[path]):
            if isinstance(node, ast.FunctionDef):
                arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                bare = [one.arg for one in arguments if one.annotation is None and one.arg not in ("self", "cls")]
                assert not bare, f"{path.name}: {node.name}({bare})"
                assert node.returns is not None or node.name == "__init__", f"{path.name}: {node.name}"


def test_lmdg_tells_where_each_idea_is():
    """The map in lmdg/__init__.py names every module of lmdg, and files that are there."""
    text = ast.get_docstring(TREES[PACKAGE / "lmdg" / "__init__.py"])
    for path in (PACKAGE / "lmdg").rglob("*.py"):
        inside = path.relative_to(PACKAGE / "lmdg")
        if path.name != "__init__.py":
            assert path.name in text or f"{inside.parts[0]}/ " in text, inside
    for name in re.findall(r"([a-z_]+/[a-z_]+\.py)", text):
        assert (PACKAGE / "lmdg" / name).is_file(), name
