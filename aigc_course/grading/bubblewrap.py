"""The command line of bubblewrap: what a submission sees, as whom it runs, and what is hidden from it."""

import contextlib
import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import aigc_course

PACKAGE = Path(aigc_course.__file__).resolve().parent
COURSE = "/course/aigc_course"
USER = 64_000  # run as root, sandbox number n has the user 64000 + n; else this is the number that it sees of itself
PARTS = ("bin", "lib", "lib64", "lib32", "pyvenv.cfg")  # of a Python's folder: the rest may be anybody's home
SECRETIVE = ("keys", "key-users", "cmdline", "kcore", "kallsyms", "modules", "sched_debug", "timer_list", "kmsg",
             "latency_stats", "config.gz", "interrupts", "acpi", "scsi", "asound", "fs")  # of /proc
FOLDERS = ("/tmp", "/home/learner", "/dev/shm")  # in memory, to write to


def variables():
    """The variables that the code inside sees; nothing of the host's."""
    return {
        "PATH": "/usr/bin:/bin", "HOME": "/home/learner", "USER": "learner", "LANG": "C.UTF-8", "TMPDIR": "/tmp",
        "PYTHONPATH": "/course", "PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "Agg", "MPLCONFIGDIR": "/tmp/mpl",
        "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "TF_NUM_INTRAOP_THREADS": "2",
        "TF_NUM_INTEROP_THREADS": "2", "TF_CPP_MIN_LOG_LEVEL": "3", "TF_CPU_ALLOCATOR_USE_BFC": "true",
        "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "", "AIGC_FAST": "1",
    }


def files():
    """(from, to) of the files that every kind of sandbox shows beside the course: a stub for its checks, the worker."""
    here = PACKAGE / "grading"
    return [
        (here / "stub.py", f"{COURSE}/checks/__init__.py"),
        (here / "worker.py", "/worker/worker.py"),
        (here / "frames.py", "/worker/frames.py"),
        (PACKAGE / "checks" / "calling.py", "/worker/calling.py"),
    ]


def trees():
    """Folders and files of the host's system and Python that are shown where they are, outermost first."""
    shown = {Path("/usr")}
    for prefix in {Path(sys.base_prefix), Path(sys.prefix)} - {Path("/usr"), Path("/usr/local")}:
        shown |= {prefix / part for part in PARTS if (prefix / part).exists()}
    return sorted(shown)


@functools.cache
def copies():
    """Folders within `trees` that hold the course: an installed copy has the expectations, a checkout the solutions."""
    found = {Path(entry).resolve() / "aigc_course" for entry in sys.path if entry}
    for tree in trees():
        for pattern in ("lib*/python3*/*-packages", "python3*/*-packages", "local/lib*/python3*/*-packages"):
            found |= {folder / "aigc_course" for folder in tree.glob(pattern)}
    found.add(PACKAGE)
    if (PACKAGE.parent / "solutions").is_dir() or (PACKAGE.parent / "tests" / "hostile.py").is_file():
        found.add(PACKAGE.parent)
    real = {path.resolve() for path in found if path.is_dir()}
    return sorted(
        tree / path.relative_to(tree.resolve())  # lib64 may be another name of lib
        for path in real
        for tree in trees()
        if path.is_relative_to(tree.resolve())
    )


@functools.cache
def knows(option):
    """True if this machine's bubblewrap has an option: those before 0.8 lack some."""
    done = subprocess.run(["bwrap", "--help"], capture_output=True, text=True, timeout=20, check=False)
    return option in done.stdout + done.stderr


def options(limits, filter_fd=None):
    """bubblewrap's own options; as root without a user namespace, the program then changes to another user.

    Args:
        limits: `Limits`.
        filter_fd: int, an open file with the filter of system calls, or None.
    """
    root = os.geteuid() == 0
    command = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try",
               "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--hostname", "sandbox", "--clearenv"]
    if root:
        command += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        command += ["--unshare-user", "--uid", str(USER), "--gid", str(USER)]
        command += ["--disable-userns"] if knows("--disable-userns") else []
    for name, value in variables().items():
        command += ["--setenv", name, value]
    command += devices(limits) + system() + course()
    command += ["--chdir", "/home/learner", "--remount-ro", "/"]
    return command + (["--seccomp", str(filter_fd)] if filter_fd is not None else [])


def devices(limits):
    """/proc and /dev without what tells of the host, and the folders to write to."""
    command = ["--proc", "/proc", "--dev", "/dev"]
    for name in SECRETIVE:
        path = Path("/proc") / name
        if path.is_dir():
            command += ["--tmpfs", str(path), "--remount-ro", str(path)]
        elif path.exists():
            command += ["--ro-bind", "/dev/null", str(path)]
    command += ["--ro-bind", "/dev/null", "/dev/zero"]  # a shared map of it is memory that no process owns
    for folder in FOLDERS:
        size = limits.folder if folder != "/dev/shm" else 2**20
        command += ["--size", str(size), "--perms", "1777", "--tmpfs", folder]
    return [*command, "--remount-ro", "/dev"]


def system():
    """System and Python, read-only, without the copies of the course that are in there."""
    command = []
    for name in ("bin", "sbin", "lib", "lib64", "lib32"):
        path = Path("/") / name
        if path.is_symlink():
            command += ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir():
            command += ["--ro-bind", str(path), str(path)]
    for path in ("/etc/ld.so.cache", "/etc/localtime"):
        command += ["--ro-bind-try", path, path]
    above = {parent for path in trees() for parent in path.parents} - {Path("/"), Path("/usr")}
    for folder in sorted(above):  # bubblewrap's own choice is 0700: closed to another user
        command += ["--perms", "0755", "--dir", str(folder)]
    steps = [(path, ["--ro-bind", str(path), str(path)]) for path in trees()]
    steps += [(path, ["--perms", "0755", "--size", "4096", "--tmpfs", str(path)]) for path in copies()]
    command += [word for _, words in sorted(steps) for word in words]  # an environment may lie within a hidden checkout
    return command + [word for path in copies() for word in ("--remount-ro", str(path))]


def course():
    """The course's package without checks and grader, and the worker."""
    hidden = [f"{COURSE}/{name}" for name in ("checks", "grading")]
    command = ["--perms", "0755", "--dir", "/course", "--perms", "0755", "--dir", "/worker"]
    command += ["--ro-bind", str(PACKAGE), COURSE]
    for folder in hidden:
        command += ["--perms", "0755", "--size", str(2**16), "--tmpfs", folder]
    for source, target in files():
        command += ["--ro-bind", str(source), target]
    for folder in hidden:
        command += ["--remount-ro", folder]
    return command


def program(number, limits, python):
    """What bubblewrap runs: another user, limits for each process, then Python with the arguments given."""
    command = []
    if os.geteuid() == 0:
        uid = USER + number
        command += ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--no-new-privs",
                    "--inh-caps=-all", "--bounding-set=-all"]
    bounds = {"cpu": int(limits.total * 2), "data": limits.data, "as": limits.space, "fsize": limits.folder,
              "nofile": 512, "nproc": limits.processes, "core": 0, "sigpending": 1024, "msgqueue": 0,
              "memlock": 2**20}
    command += ["prlimit", *(f"--{name}={value}" for name, value in bounds.items())]
    return [*command, sys.executable, "-s", *python]


@contextlib.contextmanager
def command(number, limits, python, blob):
    """(command line, files to pass on). The options go through a file, not by the line: /proc/1/cmdline shows the line.

    Args:
        number: int, below 1000; as root, no other running sandbox has it.
        limits: `Limits`.
        python: list of Python's arguments.
        blob: bytes of the filter of system calls, or None.
    """
    held = []
    try:
        for data in ([] if blob is None else [blob]):
            held.append(as_file(data))
        words = options(limits, held[0] if held else None)
        held.append(as_file(b"".join(os.fsencode(word) + b"\0" for word in words)))
        line = [shutil.which("bwrap") or "bwrap", "--args", str(held[-1]), *program(number, limits, python)]
        yield line, held
    finally:
        for descriptor in held:
            os.close(descriptor)


def as_file(data):
    """A descriptor of a file in memory with these bytes, at its beginning."""
    descriptor = os.memfd_create("sandbox", 0)
    os.write(descriptor, data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
