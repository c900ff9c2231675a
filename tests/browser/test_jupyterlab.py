"""A learner's path in a real browser: JupyterLab opens chapter 00, sliders move a figure, the live picture plays."""

import re

import pytest

from aigc_course import data
from aigc_course.studio import board, conditional

from .conftest import ROOT, new_notebook, open_lab, run_cell, screenshot, seen, started_lab

pytestmark = [pytest.mark.browser, pytest.mark.long]
CELL = """\
from aigc_course import runtime
runtime.start(seed=7)
from aigc_course import widgets
widgets.two_gaussians()
"""


PLANE = "from aigc_course import plane\nplane.play()"


@pytest.fixture
def lab(tmp_path):
    """This checkout's JupyterLab as `make lab` starts it; yields the printed address."""
    before = {*ROOT.iterdir(), *(ROOT / "notebooks").iterdir()}
    with started_lab(tmp_path) as address:
        yield address
    for path in {*ROOT.iterdir(), *(ROOT / "notebooks").iterdir()} - before:  # the notebook that the test opened
        if path.name.startswith("Untitled"):
            path.unlink()


def test_jupyterlab_opens_chapter_00_and_the_sliders_work(browser, lab):
    """The printed address shows chapter 00; in a new notebook the two Gaussians' slider redraws the picture."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    open_lab(page, lab)
    assert page.locator("text=Would you like to").count() == 0  # no question about news
    new_notebook(page)
    run_cell(page, CELL)
    pictures = page.locator(".jp-OutputArea-output .widget-html-content img")
    before = seen(page, pictures).get_attribute("src")
    slider = page.get_by_role("slider", name="fake mean")
    slider.wait_for(timeout=30_000)
    assert slider.input_value() == "2"
    slider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")  # the widget works by keyboard
    page.keyboard.press("ArrowDown")  # and the notebook does not take it for a way to the next cell
    redrawn(page, before)
    assert slider.input_value() == "2.2"
    assert page.evaluate("document.activeElement.type") == "range"
    number = page.get_by_role("spinbutton", name="real sigma, as a number")
    before = pictures.get_attribute("src")
    number.fill("99")
    number.press("Enter")
    redrawn(page, before)
    assert number.input_value() == "3"  # no more than the slider's end
    screenshot(page, "two-gaussians")
    the_live_picture_plays(page)
    page.close()


def redrawn(page, before):
    """Waits until the one picture has other pixels; each redraw brings a new element."""
    page.wait_for_function(
        "before => { const found = [...document.querySelectorAll('.widget-html-content img')];"
        " return found.length === 1 && found[0].src !== before; }",
        arg=before,
        timeout=30_000,
    )


def the_live_picture_plays(page):
    """Chapter 06's game in the same notebook: Step by keyboard, Fast until Pause, a click adds a point of one's own."""
    run_cell(page, PLANE)
    seen(page, page.get_by_role("button", name="Step", exact=True), seconds=120)

    def steps():
        """The step that the newest sentence names; each redraw brings a new element."""
        found = re.search(r"Step (\d+),", page.locator("span[role=status]").last.inner_text())
        return int(found[1]) if found else -1

    def until(reached, seconds=90):
        for _ in range(10 * seconds):
            if reached(steps()):
                return
            page.wait_for_timeout(100)
        pytest.fail(f"the live picture stands at step {steps()}")

    until(lambda step: step == 0)
    page.get_by_role("button", name="Step", exact=True).focus()
    page.keyboard.press("Enter")  # no mouse needed
    until(lambda step: step == 1)
    page.get_by_role("button", name="Fast", exact=True).click()
    until(lambda step: step > 60)
    page.get_by_role("button", name="Pause", exact=True).click()
    page.wait_for_timeout(1500)
    stopped = steps()
    page.wait_for_timeout(1000)
    assert steps() == stopped
    picture = page.locator(".jp-OutputArea-output img").last
    box = picture.bounding_box()
    picture.click(position={"x": 0.54 * box["width"], "y": 0.49 * box["height"]})
    until(lambda step: step == 0)  # a point of one's own starts the game over
    chosen = page.get_by_role("combobox", name="data").locator("option:checked").inner_text()
    assert chosen.replace("\xa0", " ") == "my own"
    screenshot(page, "plane")


STUDIO = """\
from aigc_course import data
from aigc_course.studio import conditional, widget
generator, _ = conditional.load_conditional_generator(data.asset("fashion_generator.npz"))
my_board = widget.play_board(generator)
"""
SLIDERS = "widget.play_sliders(generator)"


def says(page, words, seconds=60):
    """Waits until the newest sentence of a widget holds these words."""
    page.wait_for_function(
        "words => [...document.querySelectorAll('span[role=status]')].some(e => e.innerText.includes(words))",
        arg=words,
        timeout=1000 * seconds,
    )


def test_the_design_board_by_keyboard_and_mouse(browser, lab):
    """Chapter 07: pick by Space, mix, lock, mutate, undo, keep, export; the recipe draws the sheet again; sliders."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    open_lab(page, lab)
    new_notebook(page)
    run_cell(page, STUDIO)
    first = page.get_by_role("button", name="pick 1", exact=True)
    seen(page, first, seconds=120)
    says(page, "1 t-shirt")
    first.focus()
    page.keyboard.press("Space")  # no mouse needed
    says(page, "Picked: 1.")
    page.get_by_role("button", name="pick 4", exact=True).click()
    says(page, "Picked: 1 and 4.")

    def press(name):
        page.get_by_role("button", name=name, exact=True).focus()
        page.keyboard.press("Enter")

    press("Mix two")
    says(page, "8 50% t-shirt with 50% dress")
    press("Lock or unlock")
    says(page, "1 t-shirt (locked)")
    press("Mutate")
    says(page, "locked: 1, 4.")
    press("Undo")
    press("Undo")
    says(page, "8 sneaker")
    press("Keep")
    says(page, "Kept: 2.")
    press("Export")
    link = page.get_by_role("link", name="recipe.json")
    link.wait_for(timeout=30_000)
    with page.expect_download() as download:
        link.click()
    recipe = download.value.path().read_text(encoding="utf-8")
    generator, _ = conditional.load_conditional_generator(data.asset("fashion_generator.npz"))
    again = board.Board.from_recipe(generator, recipe)
    with page.expect_download() as download:
        page.get_by_role("link", name="sheet.png").click()
    assert again.sheet() == download.value.path().read_bytes()
    screenshot(page, "studio-board")
    run_cell(page, SLIDERS)
    seen(page, page.get_by_role("slider", name="way 1"), seconds=120)
    before = page.locator(".jp-OutputArea-output .widget-html-content img").last.get_attribute("src")
    page.get_by_role("slider", name="way 1").focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    redrawn(page, before)
    page.get_by_role("combobox", name="class").select_option("ankle boot")
    says(page, "of the class ankle boot")
    screenshot(page, "studio-sliders")
    page.close()


def test_the_flow_s_live_picture_follows_its_sliders(browser, lab):
    """Chapter 11: steps, place and guidance by keyboard; the sentence and the picture follow."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    open_lab(page, lab)
    new_notebook(page)
    run_cell(page, "from aigc_course.flow import picture\npicture.play()")
    guidance = page.get_by_role("slider", name="guidance")
    seen(page, guidance, seconds=120)
    says(page, "Time 0.60")
    before = page.locator(".jp-OutputArea-output .widget-html-content img").get_attribute("src")
    place = page.get_by_role("slider", name="at step")
    place.focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    redrawn(page, before)
    says(page, "Time 1.00")
    guidance.focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "() => document.querySelector('span[role=status]').innerText.match(/0[.]6[0-9] as wide/)", timeout=30_000
    )
    screenshot(page, "flow-picture")
    page.close()
