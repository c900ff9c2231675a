"""What a screen reader meets: alt text in exported pages and in JupyterLab, and axe-core's opinion of the content.

Judged is what the course wrote: text cells and outputs. The programs around it, JupyterLab and nbconvert, are not: the
list of cells (a "feed" of unnamed groups), prompts, the code editor's colours. Of axe's rules one is left out, and only
in exported pages: nbconvert's style sheet underlines a link in running text only under the mouse.
Google Colab cannot be run here; it shows an output's HTML in a frame, and the tests in `tests/colab` run its versions.
"""

import html
import json
import logging
import os
import re
import shutil

import nbformat
import pytest

from .conftest import ROOT, new_notebook, open_lab, run_cell, screenshot, seen, started_lab

pytestmark = [pytest.mark.browser, pytest.mark.long]
CHAPTERS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
CONTENT, PROMPT = (".jp-RenderedMarkdown", ".jp-OutputArea"), ".jp-OutputPrompt"
# Pictures without alt text, players and bars without a name. axe knows no rule for the latter two.
NAMELESS = """root => [...document.querySelectorAll(`${root} .jp-OutputArea :is(img, audio, video, progress)`)]
    .filter(part => !(part.alt || part.title || part.getAttribute("aria-label") || "").trim())
    .map(part => part.outerHTML.slice(0, 200))"""
# IPython.display.Audio is mute in JupyterLab until its cell is run: plots.Sound is not.
MUTE = "root => document.querySelectorAll(`${root} audio:not([src^='data:audio/wav;base64,'])`).length"


@pytest.fixture(scope="module")
def axe():
    """axe-core's script."""
    if not os.environ.get("CI"):
        pytest.importorskip("axe_playwright_python", reason="pip install axe-playwright-python to run this test")
    from axe_playwright_python.base import AXE_SCRIPT

    return AXE_SCRIPT


def findings(page, axe, root, without=()):
    """What axe finds serious or critical in the content under a selector: "rule: element" each."""
    include = [[f"{root} {part}"] for part in CONTENT if page.locator(f"{root} {part}").count()]
    assert include, "the page shows no content"
    options = {"resultTypes": ["violations"], "rules": {rule: {"enabled": False} for rule in without}}
    page.evaluate(axe)
    found = page.evaluate(
        "([context, options]) => axe.run(context, options)",
        [{"include": include, "exclude": [[f"{root} {PROMPT}"]]}, options],
    )
    return [
        f"{rule['id']}: {node['html'][:200]}"
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


def read(chapter):
    """A chapter as it is stored."""
    return nbformat.read(ROOT / "notebooks" / f"{chapter}.ipynb", as_version=4)


def pictures_in(notebook):
    """How many pictures the stored outputs hold."""
    bundles = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
    return sum("image/png" in bundle or "<img " in bundle.get("text/html", "") for bundle in bundles)


@pytest.fixture(scope="module")
def exported(browser):
    """A page for exported notebooks, without the network."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.route(re.compile("^https?:"), lambda route: route.abort())
    yield page
    page.close()


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_an_exported_chapter_is_accessible(chapter, exported, axe, tmp_path, caplog):
    """`jupyter nbconvert --to html`: no picture without alt text, no player without a name, nothing serious for axe."""
    from nbconvert import HTMLExporter

    notebook = read(chapter)
    with caplog.at_level(logging.WARNING):
        text, _ = HTMLExporter(template_name="lab").from_notebook_node(notebook)
    missing = "Alternative text is missing", "No description has been provided for this image"
    assert not [part for part in missing if part in caplog.text + text]
    (tmp_path / "chapter.html").write_text(text, encoding="utf-8")
    exported.goto((tmp_path / "chapter.html").as_uri(), wait_until="domcontentloaded")
    # the code cells' many spans of colour are not judged, and take two thirds of axe's time
    exported.evaluate("document.querySelectorAll('.jp-CodeMirrorEditor').forEach(part => part.remove())")
    assert exported.locator("main .jp-OutputArea img").count() == pictures_in(notebook) > 0
    assert exported.evaluate(NAMELESS, "main") == []
    assert findings(exported, axe, "main", without=["link-in-text-block"]) == []


@pytest.fixture(scope="module")
def course(browser, tmp_path_factory):
    """JupyterLab on a copy of the course, which nobody has trusted; every cell stands in the page."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "tools", folder / "course" / "tools")
    (folder / "course" / "notebooks").mkdir()
    for chapter in CHAPTERS:
        nbformat.write(read(chapter), folder / "course" / "notebooks" / f"{chapter}.ipynb")
    settings = folder / "user" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"windowingMode": "none"}), encoding="utf-8")
    with started_lab(folder, folder / "course") as address:
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        open_lab(page, address)
        yield page
        page.close()


OPEN = """async path => {
    const app = window.jupyterapp ?? window.jupyterlab;
    const options = {kernelPreference: {shouldStart: false}};
    const panel = await app.commands.execute("docmanager:open", {path, options});
    await panel.context.ready; await panel.revealed;
    app.shell.activateById(panel.id);
    panel.content.node.id = "tested";
    window.tested = panel;
    return [...panel.content.model.cells].some(cell => cell.trusted && cell.type === "code" && cell.outputs.length);
}"""
DRAWN = """count => document.querySelectorAll("#tested .jp-Cell").length === count
    && [...document.querySelectorAll("#tested .jp-MarkdownCell")].every(
        cell => cell.classList.contains("jp-mod-rendered") && cell.querySelector(".jp-RenderedMarkdown")?.innerText)
    && [...document.querySelectorAll("#tested img")].every(image => image.complete && image.naturalWidth)"""


@pytest.mark.parametrize("chapter", [name for name in CHAPTERS if name[:2] in ("00", "02", "06", "09", "10")])
def test_a_chapter_in_jupyterlab_is_accessible(chapter, course, axe):
    """Stored outputs that JupyterLab does not trust, and cleans: alt text and names stay, nothing serious for axe."""
    notebook = read(chapter)
    trusted = course.evaluate(OPEN, f"notebooks/{chapter}.ipynb")
    assert not trusted
    course.wait_for_function(DRAWN, arg=len(notebook.cells), timeout=60_000)
    screenshot(course, chapter)
    try:
        assert course.locator("#tested .jp-OutputArea img").count() == pictures_in(notebook) > 0
        assert course.evaluate(NAMELESS, "#tested") == []
        assert course.evaluate(MUTE, "#tested") == 0
        assert findings(course, axe, "#tested") == []
    finally:
        course.evaluate("window.tested.dispose()")


LIVE = {
    "two Gaussians": ("from aigc_course import widgets\nwidgets.two_gaussians()", "Two bell curves|JSD"),
    "the game": ("from aigc_course import plane\nplane.play()", "Step 0"),
    "a bar, a sound, a film": (
        "import numpy as np\n"
        "from aigc_course import plots, progress\n"
        "from aigc_course.lmdg import films\n"
        "from aigc_course.lmdg.bach import score\n"
        "blank = np.zeros((2, 3, 24, 24), np.uint8)\n"
        "notes = np.full((8, 4), 60)\n"
        "display(progress.Bar(3, 4, 'a line'), score.player(notes))\n"
        "films.play_films(blank, alt='Two films of nothing.', labels=['one', 'two'])",
        "Two films",
    ),
}


def test_live_outputs_are_accessible(course, axe):
    """Sliders, menus, buttons, pictures, bars and players have names, here and now in JupyterLab with a kernel."""
    new_notebook(course)
    course.evaluate("window.tested.content.node.id = 'tested'")
    for name, (source, alt) in LIVE.items():
        run_cell(course, f"from aigc_course import runtime\nruntime.start(report=False)\n{source}")
        picture = course.get_by_role("img", name=re.compile(f"^({alt})"))
        seen(course, picture.and_(course.locator("#tested .jp-OutputArea img")), seconds=120)
        screenshot(course, f"live-{name}")
        assert course.evaluate(NAMELESS, "#tested") == [], name
        assert findings(course, axe, "#tested") == [], name
    assert html.unescape(course.locator("#tested audio").get_attribute("title")).startswith("4 beats")
