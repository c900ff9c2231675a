"""A learner's path in a real browser: JupyterLab opens chapter 00, sliders move a figure, the live picture plays."""

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from system import program  # noqa: E402

pytestmark = [pytest.mark.browser, pytest.mark.slow]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CELL = """\
from aigc_course import runtime
runtime.start(seed=7)
from aigc_course import widgets
widgets.two_gaussians()
"""


PLANE = "from aigc_course import plane\nplane.play()"


@pytest.fixture
def lab(tmp_path):
    """`tools/lab.py`, as `make lab` starts it, on a free port; yields the printed address."""
    if not program("chromium"):
        if os.environ.get("CI"):
            pytest.fail("CI needs Chromium: tools/system.py installs it")
        pytest.skip(
            "no Chromium or Chrome on this machine: install one (Debian: apt install chromium) to run this test"
        )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path / "lab.log"
    before = {*ROOT.iterdir(), *(ROOT / "notebooks").iterdir()}
    flags = [
        "--no-browser",
        "--LabApp.expose_app_in_browser=True",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        flags.append("--allow-root")
    # Workspaces and settings of their own: what the user's JupyterLab remembers neither helps nor suffers.
    own = {"JUPYTERLAB_WORKSPACES_DIR": str(tmp_path / "workspaces"), "JUPYTERLAB_SETTINGS_DIR": str(tmp_path / "user")}
    with log.open("w") as file:
        server = subprocess.Popen([sys.executable, str(ROOT / "tools" / "lab.py"), *flags], cwd=tmp_path,
                                  env={**os.environ, **own}, stdout=file, stderr=subprocess.STDOUT)  # fmt: skip
    try:
        for _ in range(240):
            found = re.search(rf"http://127\.0\.0\.1:{port}/lab\S*token=\S+", log.read_text())
            if found or server.poll() is not None:
                break
            time.sleep(0.25)
        assert found, log.read_text()[-2000:]
        yield found[0]
    finally:
        server.terminate()
        server.wait(timeout=20)
        for path in {*ROOT.iterdir(), *(ROOT / "notebooks").iterdir()} - before:  # the notebook that the test opened
            if path.name.startswith("Untitled"):
                path.unlink()


def test_jupyterlab_opens_chapter_00_and_the_sliders_work(lab):
    """The printed address shows chapter 00; in a new notebook the two Gaussians' slider redraws the picture."""
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.goto(lab, timeout=120_000)
        page.get_by_role("heading", name="00 · Start here").wait_for(timeout=180_000)
        assert page.locator("text=Would you like to").count() == 0  # no question about news

        page.evaluate(
            """async (source) => {
                const app = window.jupyterapp ?? window.jupyterlab;
                await app.restored;  // else the tabs of the address and of the workspace come to the front later
                const panel = await app.commands.execute('notebook:create-new', {kernelName: 'python3'});
                await panel.context.ready; await panel.sessionContext.ready;
                panel.content.activeCell.model.sharedModel.setSource(source);
                window.bringToFront = () => app.shell.activateById(panel.id);
                window.bringToFront();
                await app.commands.execute('notebook:run-cell');
            }""",
            CELL,
        )
        picture = page.locator(".jp-OutputArea-output .widget-image, .jp-OutputArea-output img.jupyter-widgets").first
        for attempt in range(9):  # a tab that opens late may hide the new notebook again
            try:
                picture.wait_for(timeout=10_000)
                break
            except Error:
                if attempt == 8:
                    raise
                page.evaluate("window.bringToFront()")
        slider = page.get_by_role("slider").first
        slider.wait_for(timeout=30_000)
        before = picture.get_attribute("src")
        slider.focus()
        for _ in range(5):
            page.keyboard.press("ArrowRight")  # the widget works by keyboard
        page.wait_for_function(
            "([image, old]) => image.src !== old", arg=[picture.element_handle(), before], timeout=30_000
        )
        if os.environ.get("AIGC_SCREENSHOT"):
            page.screenshot(path=os.environ["AIGC_SCREENSHOT"])
        the_live_picture_plays(page)
        browser.close()


def the_live_picture_plays(page):
    """Chapter 06's game in the same notebook: Step by keyboard, Fast until Pause, a click adds a point of one's own."""
    page.evaluate(
        """async (source) => {
            const app = window.jupyterapp ?? window.jupyterlab;
            window.bringToFront();
            const panel = app.shell.currentWidget;
            panel.content.activeCell.model.sharedModel.setSource(source);
            await app.commands.execute('notebook:run-cell');
        }""",
        PLANE,
    )
    page.get_by_role("button", name="Step", exact=True).wait_for(timeout=120_000)

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
    if os.environ.get("AIGC_SCREENSHOT"):
        page.screenshot(path=os.environ["AIGC_SCREENSHOT"].replace(".png", "-plane.png"))
