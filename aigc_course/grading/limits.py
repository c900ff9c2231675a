"""What one submission may use, and how that is held: a control group of the kernel's where there is one, and a count.

Control groups (cgroups) are the only ones that count all memory that a submission causes, sockets, pipes, page tables
and files in memory included. Where none can be had, the grader says so, and the count five times a second remains.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = [
    "FILES",
    "OPEN",
    "Group",
    "Limits",
    "Scope",
    "files_in_memory",
    "group_maker",
    "holds",
    "memory_of",
    "open_files",
    "shared_once",
]

_CGROUPS = Path("/sys/fs/cgroup")
_JOIN = 'for d in $0; do echo $$ > "$d/cgroup.procs" || exit 97; done; exec "$@"'  # the group first, then the program
_BESIDE = 16  # processes of the sandbox's own
FILES = 20_000  # that may lie in one folder in memory: each takes a kilobyte that is counted nowhere else
OPEN = 4096  # open files of all processes: a socket buffers 200 kB outside every process


class Limits(NamedTuple):
    """What one submission may use: seconds for a cell or a call, seconds in all, bytes of memory, bytes of data in one
    process, bytes printed, processes and threads, bytes of address space of one process, bytes in a folder."""

    step: float = 60.0
    total: float = 300.0
    memory: int = 3 * 2**30
    data: int = 2 * 2**30
    output: int = 10_000_000
    processes: int = 128
    space: int = 16 * 2**30
    folder: int = 64 * 2**20


# --- control groups ---


class Group:
    """No control group: the command runs as it is."""

    words = "no control group here, so memory is counted by the grader, five times a second"

    def wrap(self, command: list[str]) -> list[str]:
        """The command line that runs a command under the group's limits."""
        return command

    def variables(self) -> dict[str, str]:
        """What `wrap` needs in its environment; the sandbox never sees it."""
        return {}

    def overrun(self, pid: int) -> bool:
        """True if the kernel has ended a process of the group for its memory; pid: one that is in the group."""
        return False

    def close(self) -> None:
        """Takes the group away."""


class Scope(Group):
    """A transient scope of systemd, the user's own or the system's; it ends with its processes."""

    words = "memory and processes by the kernel's control group (systemd)"

    def __init__(self, limits: Limits) -> None:
        self.limits, self.name = limits, f"aigc-{uuid.uuid4().hex[:12]}"
        self.user = [] if os.geteuid() == 0 else ["--user"]
        self.folder: Path | None = None

    def wrap(self, command: list[str]) -> list[str]:
        properties = {
            "MemoryMax": self.limits.memory,
            "MemorySwapMax": 0,
            "TasksMax": self.limits.processes + _BESIDE,
        }
        options = [f"--property={name}={value}" for name, value in properties.items()]
        line = ["systemd-run", *self.user, "--scope", "--quiet", "--collect", f"--unit={self.name}", *options]
        return [*line, "--", "env", "-i", f"PATH={os.defpath}", *command]

    def variables(self) -> dict[str, str]:
        names = ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")
        return {name: os.environ[name] for name in names if name in os.environ}

    def overrun(self, pid: int) -> bool:
        with contextlib.suppress(OSError, StopIteration):
            if self.folder is None:
                lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
                self.folder = _CGROUPS / next(line[4:] for line in lines if line.startswith("0::/") and "aigc-" in line)
            return _was_killed(self.folder / "memory.events")
        return False


class _Folders(Group):
    """A group made by hand, in version 2 or 1 of the kernel's interface, where the grader may: as root, mostly."""

    def __init__(self, limits: Limits, parents: list[Path], version: int) -> None:
        self.folders = [parent / f"aigc-{uuid.uuid4().hex[:12]}" for parent in parents]
        self.words = f"memory and processes by the kernel's control group (version {version})"
        self.events = "memory.events" if version == 2 else "memory.oom_control"
        settings = {"pids.max": limits.processes + _BESIDE}
        if version == 2:
            settings |= {"memory.max": limits.memory, "memory.swap.max": 0, "memory.oom.group": 1}
        else:  # in this order: memory alone bounds memory with swap
            settings |= {"memory.limit_in_bytes": limits.memory, "memory.memsw.limit_in_bytes": limits.memory}
        for folder in self.folders:
            folder.mkdir()
            for name, value in settings.items():
                if (folder / name).exists():
                    (folder / name).write_text(str(value))

    def wrap(self, command: list[str]) -> list[str]:
        return ["/bin/sh", "-c", _JOIN, " ".join(map(str, self.folders)), *command]

    def overrun(self, pid: int) -> bool:
        return any(_was_killed(folder / self.events) for folder in self.folders)

    def close(self) -> None:
        deadline = time.monotonic() + 5  # a process that was killed takes its time to leave
        while (left := [folder for folder in self.folders if folder.is_dir()]) and time.monotonic() < deadline:
            for folder in left:
                with contextlib.suppress(OSError):
                    folder.rmdir()
                    continue
                with contextlib.suppress(OSError, ValueError):
                    for pid in (folder / "cgroup.procs").read_text().split():
                        os.kill(int(pid), signal.SIGKILL)
                time.sleep(0.005)


def _parents() -> tuple[list[Path], int]:
    """(folders under which groups can be made, version of the interface), or ([], 0)."""
    with contextlib.suppress(OSError, ValueError):
        lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
        mine = {name: path.strip("/") for _, names, path in lines for name in names.split(",")}
        old = [_CGROUPS / name / mine[name] for name in ("memory", "pids") if name in mine]
        if len(old) == 2:
            return (old, 1) if all(os.access(folder, os.W_OK) for folder in old) else ([], 0)
        here = _CGROUPS / mine.get("", "")
        for folder in (here, *here.parents):
            if not folder.is_relative_to(_CGROUPS):
                break
            given = (folder / "cgroup.subtree_control").read_text().split()
            if {"memory", "pids"} <= set(given) and os.access(folder, os.W_OK):
                return [folder], 2
    return [], 0


def _was_killed(path: Path) -> bool:
    """True if a file of a control group counts a process that was ended for its memory."""
    with contextlib.suppress(OSError, ValueError):
        return any(int(line.split()[1]) > 0 for line in path.read_text().splitlines() if line.startswith("oom_kill "))
    return False


_TRIAL = 'cat /proc/self/cgroup; cat "/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)/memory.max"'


def group_maker(limits: Limits) -> Callable[[Limits], Group]:
    """The first way to make control groups that is seen to work here: a function of limits that returns a `Group`."""
    ways: list[Callable[[Limits], Group]] = []
    if _parents()[0]:
        ways.append(lambda limits: _Folders(limits, *_parents()))
    if shutil.which("systemd-run") and Path("/run/systemd/system").is_dir():
        ways.insert(0, Scope)
    for way in ways:
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            if holds(way(limits), limits):
                return way
    return lambda limits: Group()


def holds(group: Group, limits: Limits) -> bool:
    """True if a command run in the group says that it is in there, and what its memory may be (version 2)."""
    try:
        line, variables = group.wrap(["/bin/sh", "-c", _TRIAL]), {"PATH": os.defpath, **group.variables()}
        done = subprocess.run(line, env=variables, capture_output=True, text=True, timeout=20, check=False)
    finally:
        group.close()
    old = isinstance(group, _Folders) and group.events == "memory.oom_control"
    return "aigc-" in done.stdout and (old or done.stdout.split()[-1] == str(limits.memory))


# --- the count ---


def memory_of(pids: Sequence[int]) -> int:
    """Bytes that processes hold together: resident, swapped, page tables; shared pages once where it matters."""
    return sum(1024 * sum(_kilobytes(pid, "status", ("VmRSS", "VmSwap", "VmPTE")).values()) for pid in pids)


def shared_once(pids: Sequence[int]) -> int:
    """The same with pages that n processes share counted as 1/n each: slower, and fair to a pool of workers."""
    total = 0
    for pid in pids:
        found = _kilobytes(pid, "smaps_rollup", ("Pss", "SwapPss")) or _kilobytes(pid, "status", ("VmRSS", "VmSwap"))
        total += sum(found.values()) + _kilobytes(pid, "status", ("VmPTE",)).get("VmPTE", 0)
    return 1024 * total


def _kilobytes(pid: int, name: str, wanted: Sequence[str]) -> dict[str, int]:
    """Numbers of kilobytes in a file of /proc; empty if it is gone or closed to us."""
    with contextlib.suppress(OSError, ValueError):
        lines = (line.split(":", 1) for line in Path(f"/proc/{pid}/{name}").read_text().splitlines() if ":" in line)
        return {key: int(value.split()[0]) for key, value in lines if key in wanted}
    return {}


def open_files(pids: Sequence[int], most: int) -> int:
    """How many files the processes have open; a process that does not let itself be counted counts as `most`."""
    total = 0
    for pid in pids:
        try:
            total += len(os.listdir(f"/proc/{pid}/fd"))
        except FileNotFoundError:
            continue
        except OSError:
            total += most
    return total


def files_in_memory(pid: int, folders: Sequence[str], size: int) -> int:
    """The largest number of files in one of the folders of at most `size` bytes, as a process sees them."""
    found = [0]
    for folder in folders:
        with contextlib.suppress(OSError):
            status = os.statvfs(f"/proc/{pid}/root{folder}")
            if status.f_blocks * status.f_frsize <= size:  # before the sandbox stands, it is the host's
                found.append(status.f_files - status.f_ffree)
    return max(found)
