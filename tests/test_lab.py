"""`make lab`: quiet settings, and nbgrader's menus for instructors only."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import lab  # noqa: E402

pytestmark = pytest.mark.long


def page_config(folder, instructor):
    """Starts tools/lab.py as `make lab` does, on a free port; returns what the page is told, and the log."""
    pytest.importorskip("nbgrader")
    variables = {
        **os.environ,
        "INSTRUCTOR": instructor,
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "no_proxy": "127.0.0.1",
    }
    log = folder / "lab.log"
    options = ["--no-browser", "--ServerApp.port=0", *(["--allow-root"] if os.geteuid() == 0 else [])]
    with log.open("w") as file:
        server = subprocess.Popen(
            [sys.executable, ROOT / "tools" / "lab.py", *options],
            env=variables,
            cwd=folder,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        for _ in range(480):
            address = re.search(r"http://127\.0\.0\.1:[1-9]\d*/lab\S*token=\S+", log.read_text(encoding="utf-8"))
            if address or server.poll() is not None:
                break
            time.sleep(0.25)
        assert address, log.read_text(encoding="utf-8")[-2000:]
        told = re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page_at(address[0]), re.S)
        return json.loads(told[1]), log.read_text(encoding="utf-8")
    finally:
        server.terminate()
        server.wait(timeout=30)


def page_at(address, seconds=60):
    """The page at an address; the server prints it shortly before it listens."""
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(address, timeout=60) as page:
                return page.read().decode()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.25)


@pytest.mark.parametrize(("instructor", "shown"), [("", False), ("0", False), ("1", True)])
def test_nbgraders_menus_are_for_instructors(tmp_path, instructor, shown):
    """Off for a learner, front end and server; on with INSTRUCTOR=1."""
    config, log = page_config(tmp_path, instructor)
    assert ("@jupyter/nbgrader" in config.get("disabledExtensions", [])) is not shown
    assert ("nbgrader.server_extensions.formgrader" in log) is shown


def test_settings_that_the_user_made_stay():
    """The learner's folder comes first, and the user's own configuration path behind it."""
    environ = {"JUPYTER_CONFIG_PATH": "/mine"}
    lab.hide_menus(environ)
    first, second = environ["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    assert (Path(first) / "labconfig" / "page_config.json").is_file()
    assert second == "/mine"
