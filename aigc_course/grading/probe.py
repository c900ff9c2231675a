"""Runs in a sandbox before any submission does, and says in JSON what a submission will find there.

Copies of the course outside its place, which must not be; importable modules and installed packages; what is in force.
"""

import ctypes
import glob
import importlib.metadata
import json
import os
import pkgutil
import platform
import re
import sys
from typing import Any

__all__: list[str] = []  # a program: it says what it found

_COURSE = "/course/aigc_course"


def _readable_copies() -> list[str]:
    """Paths at which expectations or solutions can be read."""
    places = {os.path.join(path, "aigc_course") for path in sys.path}
    places |= set(glob.glob("/usr/**/python3*/*-packages/aigc_course", recursive=False))
    others = [path for path in sorted(places) if os.path.realpath(path) != _COURSE and os.path.isdir(path)]
    found = [path for path in others if os.listdir(path)]
    there = os.listdir(f"{_COURSE}/checks") if os.path.isdir(f"{_COURSE}/checks") else []
    return found + [f"{_COURSE}/checks/{name}" for name in there if name != "__init__.py"]


def _modules() -> list[str]:
    """Names of all modules that can be imported, at their top level."""
    return sorted({found.name for found in pkgutil.iter_modules()} | set(sys.stdlib_module_names))


def _packages() -> dict[str, str]:
    """Installed distributions and their versions, names as pip compares them."""
    found = {}
    for item in importlib.metadata.distributions():
        name = item.metadata["Name"]
        if name:
            found[re.sub(r"[-_.]+", "-", name).lower()] = item.version
    return found


def _refuses(number: int, *arguments: int) -> bool:
    """True if the kernel refuses a system call."""
    return ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments)) < 0


def _in_force() -> dict[str, Any]:
    """What was tried from inside: keyrings, new user namespaces, the first process' environment, memory of nobody."""
    arm = platform.machine() == "aarch64"
    try:
        with open("/proc/1/environ", "rb") as file:
            first = file.read().decode(errors="replace")
    except OSError:
        first = ""
    return {
        "keyrings": _refuses(219 if arm else 250, 0, -3, 0),  # keyctl: the session keyring's number
        "namespaces": _refuses(97 if arm else 272, 0x10000000),  # unshare: a user namespace
        "memfd": _refuses(279 if arm else 319, 0, 0),
        "root": os.getuid() == 0,
        "writable": all(os.access(path, os.W_OK) for path in ("/tmp", "/home/learner", "/dev/shm")),
        "first": sorted(part.split("=")[0] for part in first.split("\0") if part),
    }


if __name__ == "__main__":
    found = {
        "copies": _readable_copies(),
        "modules": _modules(),
        "packages": _packages(),
        "in_force": _in_force(),
        "python": platform.python_version(),
    }
    print(json.dumps(found))
