"""Starts JupyterLab on chapter 00 and prints the address to open.

nbgrader's menus ("Create Assignment", "Validate") are off, for a learner has no use for them; with INSTRUCTOR=1 in the
environment they are on.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIRST = "/lab/tree/notebooks/00_start_here.ipynb"
# The course works offline: no question about news, no look-up for updates.
QUIET = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}


def write_settings(prefix=sys.prefix):
    """Puts the quiet settings into this environment's JupyterLab, unless it has settings of its own.

    Where the environment cannot be written JupyterLab starts all the same, and asks about news.
    """
    overrides = Path(prefix) / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    try:
        if not overrides.exists():
            overrides.parent.mkdir(parents=True, exist_ok=True)
            part = overrides.with_name(f".{os.getpid()}.{overrides.name}")  # half a file would stop JupyterLab
            part.write_text(json.dumps(QUIET, indent=2) + "\n", encoding="utf-8")
            os.replace(part, overrides)
    except OSError as error:
        print(f"{overrides} cannot be written ({error.strerror}): JupyterLab will ask whether you want its news.")


def hide_menus(environ):
    """Puts the settings that turn nbgrader's menus off first among JupyterLab's, unless an instructor asks for them."""
    if environ.get("INSTRUCTOR", "0") in ("", "0"):
        others = environ.get("JUPYTER_CONFIG_PATH")
        environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(
            [str(ROOT / "tools" / "learner"), *([others] if others else [])]
        )


def run(command):
    """Becomes another program; on Windows, which cannot do that, waits for it."""
    if os.name == "nt":
        sys.exit(subprocess.call(command))
    os.execv(command[0], command)


if __name__ == "__main__":
    write_settings()
    hide_menus(os.environ)
    print("JupyterLab opens on chapter 00. If no window appears, open the address that starts with http://127.0.0.1")
    print("Stop it with Ctrl-C.", flush=True)
    options = [f"--ServerApp.root_dir={ROOT}", f"--LabApp.default_url={FIRST}", *sys.argv[1:]]
    run([sys.executable, "-m", "jupyterlab", *options])
