"""What a container allows of the machine's memory and processors: Linux' control groups, version 2 and version 1.

Programs that ask the kernel for its memory see the whole machine's, and are killed at the container's limit. A group's
limit binds all groups below it, so the process's own group and each one above it are asked, and the smallest counts.
"""

import math
from pathlib import Path, PurePosixPath

__all__ = ["ROOT", "memory", "processors"]

ROOT = Path("/")
_FILES = {  # version -> names of limit, use, and the parts of memory.stat that the kernel gives up when asked
    2: ("memory.max", "memory.current", ("inactive_file", "active_file", "slab_reclaimable")),
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", ("total_inactive_file", "total_active_file")),
}
_UNLIMITED = 2**60  # version 1 writes no limit as the largest multiple of a page


def memory(root=None):
    """The container's memory in bytes: (limit, free), or None where there is no limit.

    Args:
        root: path of the file system's root, for tests.
    """
    found = []
    for version, folder in _groups("memory", root or ROOT):
        limit_name, use_name, cached = _FILES[version]
        limit, used = (_first_number(folder / name) for name in (limit_name, use_name))
        if limit is not None and limit < _UNLIMITED:
            lines = (line.split() for line in _read(folder / "memory.stat").splitlines())
            given_up = sum(int(line[1]) for line in lines if len(line) == 2 and line[0] in cached)
            found.append((limit, max(0, limit - max(0, (used or 0) - given_up))))
    return (min(limit for limit, _ in found), min(free for _, free in found)) if found else None


def processors(root=None):
    """How many processors' time the container gets: float, math.inf where there is no limit."""
    most = math.inf
    for version, folder in _groups("cpu", root or ROOT):
        if version == 2:
            quota, period = [*_read(folder / "cpu.max").split(), "max", "max"][:2]
        else:
            quota, period = _read(folder / "cpu.cfs_quota_us").strip(), _read(folder / "cpu.cfs_period_us").strip()
        if quota.isdigit() and period.isdigit() and int(quota) and int(period):  # "max" and -1 are no limit
            most = min(most, int(quota) / int(period))
    return most


def _groups(controller, root):
    """Yields (version, folder) for this process's group and each above it, as far as they can be seen.

    Without a name space of its own a container sees its group as the root of the tree, but reads the path that it has
    on the host: the folders of that path are then missing, and the root is what counts.
    """
    for line in _read(root / "proc" / "self" / "cgroup").splitlines():
        number, controllers, path = [*line.split(":", 2), "", ""][:3]
        if number == "0" and not controllers:
            version, names = 2, ("unified", "")  # beside version 1 it has a folder of its own
        elif controller in controllers.split(","):
            version, names = 1, (controllers, controller)
        else:
            continue
        own = PurePosixPath("/", *(part for part in PurePosixPath(path).parts if part != "..")).relative_to("/")
        for place in (own, *own.parents):
            for name in names:
                folder = root / "sys" / "fs" / "cgroup" / name / place
                if folder.is_dir():
                    yield version, folder
                    break


def _first_number(path):
    """The number in a file, or None: no such file, or "max"."""
    text = _read(path).strip()
    return int(text) if text.isdigit() else None


def _read(path):
    """A file's text; nothing where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
