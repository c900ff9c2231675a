"""The command line of docker or podman for the same worker, where there is no bubblewrap."""

import contextlib
import json
import os
import tempfile

from aigc_course.grading import bubblewrap, seccomp
from aigc_course.grading.bubblewrap import COURSE, PACKAGE
from aigc_course.grading.limits import FILES

HIDDEN = ("checks", "grading", "__pycache__")
IMAGE = "aigc-grader"  # grading/README.md says how it is built


def container_command(engine, name, limits, python=("/worker/worker.py",), profile=None):
    """The command line of a container without network; the image holds Python and the course's packages.

    Args:
        engine: str, "docker" or "podman".
        name: str, of the container.
        limits: `Limits`.
        python: Python's arguments.
        profile: path of the list of system calls, or None for the engine's own.
    """
    files = f"nr_inodes={FILES}," if engine == "docker" else ""  # podman 4.3 refuses it; its memory limit counts them
    folder = f"size={limits.folder},{files}mode=1777"
    command = [engine, "run", "--rm", "-i", "--name", name, "--network", "none", "--read-only",
               "--tmpfs", f"/tmp:{folder}", "--tmpfs", f"/home/learner:{folder}", "--shm-size", "1m",
               "--memory", str(limits.memory), "--memory-swap", str(limits.memory), "--cpus", "2",
               "--pids-limit", str(limits.processes), "--ulimit", f"fsize={limits.folder}", "--ulimit", "core=0",
               "--ulimit", "nofile=512:512", "--ulimit", "nproc=4096:4096", "--ulimit", "msgqueue=0:0",
               "--ulimit", f"data={limits.data}:{limits.data}", "--ulimit", "sigpending=1024:1024",
               "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", "65534:65534",
               "--workdir", "/home/learner"]
    command += ["--read-only-tmpfs=false"] if engine == "podman" else []  # its /run and /var/tmp have no size
    if profile:
        command += ["--security-opt", f"seccomp={profile}"]
    for variable, value in bubblewrap.variables().items():
        if variable != "PATH":  # the image knows where its Python is
            command += ["--env", f"{variable}={value}"]
    for path in sorted(PACKAGE.iterdir()):
        if path.name not in HIDDEN:
            command += ["--volume", f"{path}:{COURSE}/{path.name}:ro"]
    for source, target in bubblewrap.files():
        command += ["--volume", f"{source}:{target}:ro"]
    return [*command, IMAGE, "python", "-s", *python]


@contextlib.contextmanager
def command(engine, name, limits, python):
    """(command line, no files) with the list of system calls in a file for as long as the container starts."""
    descriptor, path = tempfile.mkstemp(prefix="aigc-", suffix=".json")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(seccomp.profile(), file)
        yield container_command(engine, name, limits, python, path), []
    finally:
        os.unlink(path)


def variables():
    """What the engine needs of the host's environment; its container gets none of it."""
    wanted = ("HOME", "PATH", "XDG_RUNTIME_DIR", "DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT", "CONTAINER_HOST",
              "DBUS_SESSION_BUS_ADDRESS", "TMPDIR", "USER")
    return {name: os.environ[name] for name in wanted if name in os.environ}
