"""The command `python -m aigc_course doctor`: looks at the machine and says what to mend."""

import importlib.util
import os
import shutil
import sys
from pathlib import Path

from aigc_course import data, runtime


def doctor(_arguments):
    """Reports on the machine; returns 1 when something must be mended."""
    faults = 0
    for name, check in CHECKS.items():
        try:
            fine, found, mend = check()
        except Exception as error:  # a check that fails is a finding, not a crash
            fine, found, mend = False, f"{type(error).__name__}: {str(error).splitlines()[0]}", "see the message"
        faults += not fine
        print(f"{'ok  ' if fine else 'MEND'}  {name:<12} {found}" + ("" if fine else f"\n      → {mend}"))
    print("All is well: `make lab` opens the course." if not faults else f"{faults} to mend.")
    return 1 if faults else 0


def check_python():
    low, high = runtime.SUPPORTED_PYTHON
    found = sys.version_info[:2]
    return low <= found <= high, ".".join(map(str, sys.version_info[:3])), "install Python 3.11, 3.12 or 3.13"


def check_tensorflow():
    found = runtime.versions()
    return True, f"{found['tensorflow']}, Keras {found['keras']}, NumPy {found['numpy']}", ""


def check_device():
    return (
        True,
        f"{runtime.device()}, {runtime.cores()} cores, XLA {'works' if runtime.xla_works() else 'is missing: slower'}",
        "",
    )


def check_memory():
    total, available = runtime.memory_gib()
    return available >= 2, f"{available:.1f} of {total:.1f} GiB free", "close other programs: training needs 2 GiB"


def check_disk():
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    writable = os.access(Path.cwd(), os.W_OK)
    return (
        free >= 1 and writable,
        f"{free:.1f} GiB free, {'writable' if writable else 'not writable'}",
        "make room (1 GiB) or change folder",
    )


def check_data():
    for name in data.checksums():
        data.asset(name)
    return True, f"{len(data.checksums())} files, all as shipped (SHA-256)", ""


def check_jupyter():
    found = importlib.util.find_spec("jupyterlab") is not None or "google.colab" in sys.modules
    return (
        found,
        "JupyterLab is there" if found else "no JupyterLab",
        "run `make setup`, or pip install 'aigc-course[lab]'",
    )


CHECKS = {"Python": check_python, "TensorFlow": check_tensorflow, "device": check_device, "memory": check_memory,
          "disk": check_disk, "data": check_data, "Jupyter": check_jupyter}  # fmt: skip
