"""The command line of bubblewrap: what a submission sees, as whom it runs, and what is hidden from it."""

import contextlib
import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from aigc_course.grading import layout
from aigc_course.grading.limits import Limits

__all__ = ["bubblewrap_command", "forget"]

_USER = 64_000  # run as root, sandbox number n has the user 64000 + n; else this is the number that it sees of itself
_PARTS = ("bin", "lib", "lib64", "lib32", "pyvenv.cfg")  # of a Python's folder: the rest may be anybody's home
_SECRETIVE = """
keys key-users cmdline kcore kallsyms modules sched_debug timer_list kmsg
latency_stats config.gz interrupts acpi scsi asound fs
"""  # of /proc


@contextlib.contextmanager
def bubblewrap_command(
    number: int, limits: Limits, python: list[str], system_calls: bytes | None
) -> Iterator[tuple[list[str], list[int]]]:
    """(command line, files to pass on). The options go through a file, not by the line: /proc/1/cmdline shows the line.

    Args:
        number: below 1000; as root, no other running sandbox has it.
        limits: `Limits`.
        python: Python's arguments.
        system_calls: the filter of system calls, or None.
    """
    held: list[int] = []
    try:
        if system_calls is not None:
            held.append(_as_file(system_calls))
        words = _options(limits, held[0] if held else None)
        held.append(_as_file(b"".join(os.fsencode(word) + b"\0" for word in words)))
        line = [shutil.which("bwrap") or "bwrap", "--args", str(held[-1]), *_program(number, limits, python)]
        yield line, held
    finally:
        for descriptor in held:
            os.close(descriptor)


def _as_file(data: bytes) -> int:
    """A descriptor of a file in memory with these bytes, at its beginning."""
    descriptor = os.memfd_create("sandbox", 0)
    os.write(descriptor, data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


# --- what the host has ---


def _shown_trees() -> list[Path]:
    """Folders and files of the host's system and Python that are shown where they are, outermost first."""
    shown = {Path("/usr")}
    for prefix in {Path(sys.base_prefix), Path(sys.prefix)} - {Path("/usr"), Path("/usr/local")}:
        shown |= {prefix / part for part in _PARTS if (prefix / part).exists()}
    return sorted(shown)


@functools.cache
def _hidden_copies() -> list[Path]:
    """Folders within `_shown_trees` that hold the course: an installed copy has the expectations, a checkout the
    solutions."""
    found = {Path(entry).resolve() / "aigc_course" for entry in sys.path if entry}
    for tree in _shown_trees():
        for pattern in ("lib*/python3*/*-packages", "python3*/*-packages", "local/lib*/python3*/*-packages"):
            found |= {folder / "aigc_course" for folder in tree.glob(pattern)}
    found.add(layout.PACKAGE)
    checkout = layout.PACKAGE.parent
    if (checkout / "solutions").is_dir() or (checkout / "tests" / "hostile.py").is_file():
        found.add(checkout)
    real = {path.resolve() for path in found if path.is_dir()}
    return sorted(
        tree / path.relative_to(tree.resolve())  # lib64 may be another name of lib
        for path in real
        for tree in _shown_trees()
        if path.is_relative_to(tree.resolve())
    )


@functools.cache
def _knows_option(option: str) -> bool:
    """True if this machine's bubblewrap has an option: those before 0.8 lack some."""
    done = subprocess.run(["bwrap", "--help"], capture_output=True, text=True, timeout=20, check=False)
    return option in done.stdout + done.stderr


def forget() -> None:
    """Lets the next command line look at the machine anew."""
    _knows_option.cache_clear()
    _hidden_copies.cache_clear()


# --- the options ---


def _options(limits: Limits, filter_fd: int | None) -> list[str]:
    """bubblewrap's own options; as root without a user namespace, the program then changes to another user.

    Args:
        limits: `Limits`.
        filter_fd: an open file with the filter of system calls, or None.
    """
    words = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    words += ["--die-with-parent", "--new-session", "--cap-drop", "ALL", "--hostname", "sandbox", "--clearenv"]
    if os.geteuid() == 0:
        words += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        words += ["--unshare-user", "--uid", str(_USER), "--gid", str(_USER)]
        words += ["--disable-userns"] if _knows_option("--disable-userns") else []
    for name, value in layout.inner_variables().items():
        words += ["--setenv", name, value]
    words += _devices(limits) + _system() + _course()
    words += ["--chdir", "/home/learner", "--remount-ro", "/"]
    return words + (["--seccomp", str(filter_fd)] if filter_fd is not None else [])


def _devices(limits: Limits) -> list[str]:
    """/proc and /dev without what tells of the host, and the folders to write to."""
    words = ["--proc", "/proc", "--dev", "/dev"]
    for name in _SECRETIVE.split():
        path = Path("/proc") / name
        if path.is_dir():
            words += ["--tmpfs", str(path), "--remount-ro", str(path)]
        elif path.exists():
            words += ["--ro-bind", "/dev/null", str(path)]
    words += ["--ro-bind", "/dev/null", "/dev/zero"]  # a shared map of it is memory that no process owns
    for folder in layout.FOLDERS:
        size = limits.folder if folder != "/dev/shm" else 2**20
        words += ["--size", str(size), "--perms", "1777", "--tmpfs", folder]
    return [*words, "--remount-ro", "/dev"]


def _system() -> list[str]:
    """System and Python, read-only, without the copies of the course that are in there."""
    words: list[str] = []
    for name in ("bin", "sbin", "lib", "lib64", "lib32"):
        path = Path("/") / name
        if path.is_symlink():
            words += ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir():
            words += ["--ro-bind", str(path), str(path)]
    for file in ("/etc/ld.so.cache", "/etc/localtime"):
        words += ["--ro-bind-try", file, file]
    above = {parent for path in _shown_trees() for parent in path.parents} - {Path("/"), Path("/usr")}
    words += _folders(*map(str, sorted(above)))
    steps = [(path, ["--ro-bind", str(path), str(path)]) for path in _shown_trees()]
    steps += [(path, ["--perms", "0755", "--size", "4096", "--tmpfs", str(path)]) for path in _hidden_copies()]
    words += [word for _, step in sorted(steps) for word in step]  # an environment may lie within a hidden checkout
    return words + [word for path in _hidden_copies() for word in ("--remount-ro", str(path))]


def _course() -> list[str]:
    """The course's package without checks and grader, and the worker."""
    words = _folders("/course", layout.COURSE, f"{layout.COURSE}/checks", "/worker")
    for source, target in [*layout.course_mounts(), *layout.helper_files()]:
        words += ["--ro-bind", str(source), target]
    return words


def _folders(*paths: str) -> list[str]:
    """Folders that another user may enter: bubblewrap's own choice is 0700."""
    return [word for path in paths for word in ("--perms", "0755", "--dir", path)]


def _program(number: int, limits: Limits, python: list[str]) -> list[str]:
    """What bubblewrap runs: another user, limits for each process, then Python with the arguments given."""
    words: list[str] = []
    if os.geteuid() == 0:
        uid = _USER + number
        words += ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--no-new-privs"]
        words += ["--inh-caps=-all", "--bounding-set=-all"]
    bounds = {
        "cpu": int(limits.total * 2),
        "data": limits.data,
        "as": limits.space,
        "fsize": limits.folder,
        "nofile": 512,
        "nproc": limits.processes,
        "core": 0,
        "sigpending": 1024,
        "msgqueue": 0,
        "memlock": 2**20,
    }
    words += ["prlimit", *(f"--{name}={value}" for name, value in bounds.items())]
    return [*words, sys.executable, "-s", *python]
