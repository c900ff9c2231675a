"""Starts JupyterLab on chapter 00 and prints the address to open."""

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIRST = "/lab/tree/notebooks/00_start_here.ipynb"
# The course works offline: no question about news, no look-up for updates.
QUIET = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}


def write_settings(prefix=sys.prefix):
    """Puts the quiet settings into this environment's JupyterLab, unless it has settings of its own."""
    overrides = Path(prefix) / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    if not overrides.exists():
        overrides.parent.mkdir(parents=True, exist_ok=True)
        overrides.write_text(json.dumps(QUIET, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_settings()
    print("JupyterLab opens on chapter 00. If no window appears, open the address that starts with http://127.0.0.1")
    print("Stop it with Ctrl-C.", flush=True)
    options = [f"--ServerApp.root_dir={ROOT}", f"--LabApp.default_url={FIRST}", *sys.argv[1:]]
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", *options])
