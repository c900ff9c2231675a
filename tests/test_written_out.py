"""What a chapter of 00 to 06 takes from the package is written out by then, or it is a tool; each with its reason."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = sorted((ROOT / "notebooks").glob("0[0-6]_*.ipynb"))

# Modules that are tools as a whole: nothing of the course's subject is in them
TOOL_MODULES = {
    "data": "reads, checks and deals out arrays",
    "plots": "draws figures",
    "progress": "shows how far a long run is",
    "runtime": "sets seeds and threads, sizes of the fast profile",
    "widgets": "draws the sliders of chapter 02 on formulas that the chapter writes out",
}
# Single names that are tools, or that chapter 00 shows before the course builds them
TOOLS = {
    "gan.load_generator": "reads shipped weights",
    "gan.generate_images": "calls the generator in batches, so that memory suffices",
    "gan.adam": "keras.optimizers.Adam with the two numbers that chapter 04 explains",
    "metrics.judge": "reads the weights of the network that chapter 01 builds and trains",
    "monitors.ImageMonitor": "shows images under the cell while it trains",
    "collapse.STEPS": "a number",
    "collapse.Arena": "the step of chapter 04 on ten seeds at once: test_step holds the two together",
    "collapse.Method": "a record of settings: the chapter prints its parts",
    "collapse.get": "a method's settings by its name",
    "collapse.compare": "trains an Arena and takes its samples",
    "plane.play": "the live picture of the same step",
}
# name of the package -> (chapter that writes it out, code that stands there)
WRITTEN_OUT = {
    "metrics.build_judge": ("01", "def build_judge():"),
    "metrics.moments": ("01", "def moments(x):"),
    "metrics.frechet_of_moments": ("01", "def frechet_of_moments("),
    "metrics.frechet_distance": ("01", "def frechet_distance("),
    "metrics.judge_distance": ("01", "def frechet_distance("),
    "models.build_generator": ("03", "own_generator = "),
    "models.build_discriminator": ("03", "D = "),
    "gan.GAN": ("04", "class TwoPlayers("),
    "objectives.get": ("02", "def log_sigmoid("),
    "metrics.precision_recall": ("05", "def share_inside("),
    "metrics.nearest_neighbours": ("05", "def distances_between("),
    "metrics.copy_share": ("05", "threshold = np.quantile("),
    "metrics.mode_coverage": ("06", "def coverage("),
    "metrics.mode_spread": ("06", "def coverage("),
    "metrics.stacked_coverage": ("06", "np.bincount(np.array([100, 10, 1]) @"),
    "collapse.SeedDense": ("06", "class SideBySide("),
    "collapse.Waves": ("06", "def waves("),
    "collapse.at": ("06", "def falling("),
    "objectives.gradient_penalty": ("06", "def gradient_penalty("),
    "objectives.pack": ("06", "def pack("),
    "objectives.r1_penalty": ("06", "def slope_penalty("),
    "objectives.relativistic_discriminator_loss": ("06", "tf.math.softplus(fake_logits - real_logits)"),
}
# Names whose equality no assertion in a chapter or in test_definitions shows, and why none is needed
NOT_ASSERTED = {
    "metrics.judge_distance": "frechet_distance of the judge's features; test_metrics",
    "objectives.get": "gives the losses of chapter 02 by name; test_objectives",
}


def code(path):
    """The code of a chapter, its magics left out."""
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    return re.sub(r"(?m)^\s*[%!].*$", "pass", "\n".join(cells))


def taken(source):
    """Names of the package that code uses: "metrics.judge" for `metrics.judge(...)`."""
    tree, modules = ast.parse(source), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("aigc_course"):
            inner = node.module.removeprefix("aigc_course").strip(".")
            for name in node.names:
                modules[name.asname or name.name] = f"{inner}.{name.name}".strip(".")
    used = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)]
    return {f"{modules[node.value.id]}.{node.attr}" for node in used if node.value.id in modules}


def missing(number, source, earlier):
    """Names that code takes without their being written out in it or before, and that are no tools."""
    lacking = []
    for name in sorted(taken(source)):
        if name.split(".")[0] in TOOL_MODULES or name in TOOLS:
            continue
        chapter, line = WRITTEN_OUT.get(name, ("99", ""))
        if number == "00" and chapter != "99":  # which shows the end first, and says so
            continue
        if chapter > number or line not in {**earlier, number: source}[chapter]:
            lacking.append(name)
    return lacking


SOURCES = {path.name[:2]: code(path) for path in CHAPTERS}


@pytest.mark.parametrize("number", SOURCES)
def test_what_a_chapter_takes_is_written_out_by_then(number):
    """In it or before it, the line that the list names really stands there; or it is a tool."""
    assert not missing(number, SOURCES[number], SOURCES)


def test_a_name_that_nobody_wrote_out_is_found():
    """A new call, a call in a chapter before the one that explains it, and a line that is gone are each reported."""
    start = "from aigc_course import metrics, objectives\n"
    assert missing("05", start + "metrics.inception_score(x)", SOURCES) == ["metrics.inception_score"]
    assert missing("03", start + "metrics.precision_recall(a, b)", SOURCES) == ["metrics.precision_recall"]
    gone = {**SOURCES, "01": SOURCES["01"].replace("def moments(x):", "def other(x):")}
    assert missing("05", start + "metrics.moments(x)", gone) == ["metrics.moments"]
    assert missing("05", start + "metrics.moments(x)", SOURCES) == []


def test_the_package_does_the_same():
    """For each name an assertion in a chapter, or a test in test_definitions, compares what is written with it."""
    shown = "\n".join(
        ast.unparse(node)
        for source in SOURCES.values()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Assert)
    )
    shown += (ROOT / "tests" / "test_definitions.py").read_text(encoding="utf-8")
    asserted = {name for name in WRITTEN_OUT if name in shown}
    # a value that was taken in the line before counts where the chapter's own assertion names the variable
    indirect = {"collapse.Waves": "seen", "collapse.SeedDense": "packaged", "metrics.stacked_coverage": "counts"}
    asserted |= {name for name, variable in indirect.items() if variable in shown}
    assert set(WRITTEN_OUT) - asserted == set(NOT_ASSERTED)


def test_the_lists_hold_nothing_that_no_chapter_takes():
    """A tool or a name that nobody uses any more leaves its list."""
    used = set().union(*(taken(source) for source in SOURCES.values()))
    assert set(TOOLS) <= used
    assert set(WRITTEN_OUT) <= used
    assert set(TOOL_MODULES) <= {name.split(".")[0] for name in used}
