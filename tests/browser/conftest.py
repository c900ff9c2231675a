"""What the browser tests share: Chromium, JupyterLab as `make lab` starts it, and its notebooks by hand."""

import contextlib
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

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser():
    """Chromium, driven by Playwright; not for the whole session, for while it runs no other test can use asyncio."""
    if not program("chromium"):
        if os.environ.get("CI"):
            pytest.fail("CI needs Chromium: tools/system.py installs it")
        pytest.skip(
            "no Chromium or Chrome on this machine: install one (Debian: apt install chromium) to run this test"
        )
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program("chromium"), args=FLAGS)
        yield browser
        browser.close()


@contextlib.contextmanager
def started_lab(folder, root=ROOT):
    """`tools/lab.py` of the course in `root`, on a free port; yields the printed address.

    Workspaces, settings and signatures lie in `folder`: what the user's JupyterLab remembers neither helps nor suffers.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "lab.log"
    flags = [
        "--no-browser",
        "--LabApp.expose_app_in_browser=True",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        flags.append("--allow-root")
    own = {
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "user"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
    }
    command = [sys.executable, str(root / "tools" / "lab.py"), *flags]
    with log.open("w") as file:
        server = subprocess.Popen(command, cwd=folder, env={**os.environ, **own}, stdout=file, stderr=subprocess.STDOUT)
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


def open_lab(page, address):
    """Loads JupyterLab until chapter 00 stands there and no tab opens late."""
    page.goto(address, timeout=120_000)
    page.get_by_role("heading", name="00 · Start here").wait_for(timeout=180_000)
    page.evaluate("async () => { await (window.jupyterapp ?? window.jupyterlab).restored; }")


def new_notebook(page):
    """Opens an empty notebook with a kernel; `run_cell` works in it."""
    page.evaluate(
        """async () => {
            const app = window.jupyterapp ?? window.jupyterlab;
            const panel = await app.commands.execute('notebook:create-new', {kernelName: 'python3'});
            await panel.context.ready; await panel.sessionContext.ready;
            window.tested = panel;
        }"""
    )


def run_cell(page, source):
    """Runs code in the first cell of the notebook that `new_notebook` opened, and brings it to the front."""
    page.evaluate(
        """async (source) => {
            const app = window.jupyterapp ?? window.jupyterlab;
            app.shell.activateById(window.tested.id);
            window.tested.content.activeCellIndex = 0;
            window.tested.content.activeCell.model.sharedModel.setSource(source);
            await app.commands.execute('notebook:run-cell');
        }""",
        source,
    )


def seen(page, part, seconds=90):
    """Waits for a part of the tested notebook; a tab that opens late may have hidden it."""
    from playwright.sync_api import Error

    for left in reversed(range(seconds // 10)):
        try:
            part.wait_for(timeout=10_000)
            return part
        except Error:
            if not left:
                raise
            page.evaluate("(window.jupyterapp ?? window.jupyterlab).shell.activateById(window.tested.id)")


def screenshot(page, name):
    """A picture of the page in the folder that AIGC_SCREENSHOTS names, if it does."""
    if os.environ.get("AIGC_SCREENSHOTS"):
        page.screenshot(path=Path(os.environ["AIGC_SCREENSHOTS"]) / f"{name}.png")
