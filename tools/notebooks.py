"""Executes, tries and normalises notebooks; checks that stored outputs belong to the stored code.

    python tools/notebooks.py execute [NOTEBOOK ...]    run in full profile, keep the outputs, normalise
    python tools/notebooks.py try [NOTEBOOK ...]        run a copy, print times and memory (AIGC_FAST=1: fast profile)
    python tools/notebooks.py normalise [NOTEBOOK ...]  normalise only; also fills in the Colab cell
    python tools/notebooks.py check [NOTEBOOK ...]      exit 1 where outputs are stale

Without names: all of notebooks/; `normalise` takes solutions/ too (exercises/ are derived: tools/exercises.py).
"""

import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import time
import tomllib
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT = 900  # seconds for one cell; no cell of the course comes near
WIDGET = "application/vnd.jupyter.widget-view+json"
UNSET = "https://example.org/aigc-course"  # of `[project.urls]` as long as there is no public copy
# No learner's first sight: JupyterLab folds the source away, Colab shows the title only.
HIDDEN = {"cellView": "form", "jupyter": {"source_hidden": True}, "tags": ["bootstrap"]}
BOOTSTRAP = """\
# @title On Colab: install the course (elsewhere there is nothing to do)
import importlib.util
import sys

ADDRESS = "{address}"
if importlib.util.find_spec("aigc_course") is None:  # nothing to do where the course is installed
    if "google.colab" not in sys.modules:
        raise ModuleNotFoundError("the course is not installed: run `make lab` in its folder")
    if not ADDRESS:
        raise ModuleNotFoundError("this copy has no public address: upload its wheel and %pip install --no-deps it")
    %pip install --quiet --no-deps "aigc-course @ {{ADDRESS}}"  # keeps Colab's TensorFlow
"""
BADGE = "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"


def repository():
    """The course's address, from pyproject.toml, the one place where it stands; None if there is no public copy."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    address = project["urls"]["Repository"]
    return None if address == UNSET else address


def bootstrap():
    """The source of the first code cell of every notebook."""
    return BOOTSTRAP.format(address=f"git+{repository()}" if repository() else "").rstrip("\n")


def colab_link(path):
    """A badge that opens this file on Colab, or None if there is no public copy."""
    address = repository()
    if address is None:
        return None
    name = path.relative_to(ROOT).as_posix().replace("solutions/", "exercises/")
    return f"{BADGE}(https://colab.research.google.com/github/{address.split('github.com/')[1]}/blob/main/{name})"


def with_badge(source, path):
    """A title cell's text with the badge as its last line, or without any."""
    text = "\n".join(line for line in source.splitlines() if not line.startswith(BADGE)).rstrip()
    link = colab_link(path)
    return f"{text}\n\n{link}" if link else text


def digest(notebook):
    """A digest of all code cells: outputs that carry another one are stale."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code" and "bootstrap" not in tags(cell)]
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()[:16]


def tags(cell):
    """The tags of a cell, as a list."""
    return cell.metadata.get("tags", [])


def normalise(notebook, path):
    """Takes out what differs from run to run or from machine to machine; fills in the Colab cell and badge."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    kept = {name: notebook.metadata[name] for name in ("aigc",) if name in notebook.metadata}
    notebook.metadata = nbformat.from_dict({"kernelspec": kernel, "language_info": {"name": "python"}, **kept})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.cells[0].source = with_badge(notebook.cells[0].source, path)
    for cell in notebook.cells:
        kept = {name: cell.metadata[name] for name in ("tags", "nbgrader") if cell.metadata.get(name)}
        kept |= HIDDEN if "bootstrap" in tags(cell) else {}
        cell.metadata = nbformat.from_dict(kept)
        cell.source = cell.source.rstrip()
        if cell.cell_type == "code":
            if "bootstrap" in tags(cell):
                cell.source = bootstrap()
            cell.outputs = [clean(output) for output in merged(cell.outputs) if wanted(output)]
    return notebook


def wanted(output):
    """TensorFlow's own log lines on stderr are no part of a chapter."""
    return not (
        output.output_type == "stream"
        and output.name == "stderr"
        and re.match(r"^([WEI]0000|WARNING: All log)", output.text)
    )


def merged(outputs):
    """Joins neighbouring pieces of one stream, whose cuts depend on timing."""
    result = []
    for output in outputs:
        last = result[-1] if result else None
        if last and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            result.append(output)
    return result


def clean(output):
    """A stored picture instead of a widget that no kernel feeds; no machine's paths."""
    if "data" in output:
        if "image/png" in output.data:
            output.data.pop(WIDGET, None)
            within = re.search('src="data:image/png;base64,([^"]+)"', output.data.get("text/html", ""))
            if within and len(within[1]) < len(output.data["image/png"]):  # a figure's own PNG has no palette
                output.data["image/png"] = within[1]
        output.metadata = nbformat.from_dict({k: v for k, v in output.metadata.items() if k != WIDGET})
    if output.output_type == "stream":
        output.text = output.text.replace(str(ROOT), "…").replace(str(Path.home()), "~")
    return output


def gflops():
    """The speed of this machine, and of what else it does, now: minutes mean little without it."""
    code = "from aigc_course import runtime; runtime.start(report=False); print(runtime.speed())"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


class Memory(threading.Thread):
    """Watches the processes that this one has begun, kernels and what they begin: the peak of their sum in GiB.

    Pages that two processes share are counted once (PSS) where the system tells.
    """

    def __init__(self, every=0.5):
        super().__init__(daemon=True)
        self.every, self.peak, self.done = every, 0.0, threading.Event()

    def run(self):
        import psutil

        kind = "pss" if sys.platform == "linux" else "rss"
        while not self.done.wait(self.every):
            total = 0
            for process in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):  # it has ended meanwhile
                    total += getattr(process.memory_full_info(), kind)
            self.peak = max(self.peak, total / 2**30)

    def stop(self):
        """Ends the watch and returns the peak."""
        self.done.set()
        self.join()
        return self.peak


def run(notebook, report=False):
    """Executes a notebook in place; prints each slow cell's seconds if asked; returns the peak of its memory in GiB."""
    from nbclient import NotebookClient

    started = {}

    def begin(cell, cell_index):
        started[cell_index] = time.perf_counter()

    def end(cell, cell_index, **_):
        seconds = time.perf_counter() - started.get(cell_index, time.perf_counter())
        if report and seconds > 2:
            print(f"    {seconds:6.1f} s  {cell.source.strip().splitlines()[0][:80]}")

    os.environ.setdefault("PYTHONHASHSEED", "0")
    client = NotebookClient(
        notebook,
        timeout=TIMEOUT,
        kernel_name="python3",
        resources={"metadata": {"path": str(ROOT / "notebooks")}},
        on_cell_execute=begin,
        on_cell_executed=end,
        store_widget_state=False,
    )
    memory = Memory()
    memory.start()
    try:
        client.execute()
    finally:
        peak = memory.stop()
    return peak


def main(arguments):
    """The command line; returns the exit code."""
    if not arguments or arguments[0] not in ("execute", "try", "normalise", "check"):
        print(__doc__)
        return 2
    command, names = arguments[0], arguments[1:]
    everything = sorted((ROOT / "notebooks").glob("*.ipynb"))
    if command == "normalise":
        everything += sorted((ROOT / "solutions").glob("*/*.ipynb"))
    paths = [Path(name).resolve() for name in names] or everything
    stale = 0
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        started = time.perf_counter()
        if command == "check":
            fresh = notebook.metadata.get("aigc", {}).get("code") == digest(notebook)
            stale += not fresh
            print(f"{path.name}: {'fresh' if fresh else 'STALE: run make notebooks'}")
            continue
        speeds = [gflops()] if command == "execute" else []
        if command in ("execute", "try"):
            print(f"{path.name} ...", flush=True)
            peak = run(notebook, report=True)
            print(f"{path.name}: {time.perf_counter() - started:.0f} s, {peak:.1f} GiB at the peak", flush=True)
        if command == "execute":
            if os.environ.get("AIGC_FAST", "0") not in ("", "0"):
                print("not stored: outputs of record come from the full profile; unset AIGC_FAST")
                return 1
            minutes = round((time.perf_counter() - started) / 60, 1)
            if path.parent.name == "notebooks":  # a solution's metadata would pass into its exercise
                speeds.append(gflops())
                facts = {"code": digest(notebook), "minutes": minutes, "gflops": round(sum(speeds) / 2)}
                facts["peak_gib"] = round(peak, 1)
                notebook.metadata["aigc"] = facts
        if command in ("execute", "normalise"):
            nbformat.write(normalise(notebook, path), path)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
