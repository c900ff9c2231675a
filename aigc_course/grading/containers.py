"""The command line of docker or podman for the same worker, where there is no bubblewrap."""

import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence

from aigc_course.grading import layout, seccomp
from aigc_course.grading.limits import FILES, Limits

__all__ = ["ENGINES", "IMAGE", "container_command", "container_line", "engine_variables", "has_image"]

ENGINES = ("docker", "podman")
IMAGE = "aigc-grader"  # grading/README.md says how it is built
_OF_THE_HOST = """
HOME PATH XDG_RUNTIME_DIR DOCKER_HOST DOCKER_CONFIG DOCKER_CONTEXT CONTAINER_HOST DBUS_SESSION_BUS_ADDRESS TMPDIR USER
"""


def has_image(engine: str) -> bool:
    """True where an installed engine has the grader's image."""
    ask = [engine, "image", "inspect", IMAGE]
    return subprocess.run(ask, capture_output=True, timeout=60, check=False).returncode == 0


@contextlib.contextmanager
def container_command(
    engine: str, name: str, limits: Limits, python: Sequence[str]
) -> Iterator[tuple[list[str], list[int]]]:
    """(command line, no files) with the list of system calls in a file for as long as the container starts."""
    descriptor, path = tempfile.mkstemp(prefix="aigc-", suffix=".json")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(seccomp.engine_profile(), file)
        yield container_line(engine, name, limits, python, path), []
    finally:
        os.unlink(path)


def container_line(
    engine: str,
    name: str,
    limits: Limits,
    python: Sequence[str] = (layout.WORKER,),
    profile: str | None = None,
) -> list[str]:
    """The command line of a container without network; the image holds Python and the course's packages.

    Args:
        engine: "docker" or "podman".
        name: of the container.
        limits: `Limits`.
        python: Python's arguments.
        profile: path of the list of system calls, or None for the engine's own.
    """
    line = [engine, "run", "--rm", "-i", "--name", name, "--network", "none", "--read-only", *_bounds(engine, limits)]
    line += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", "65534:65534"]
    line += ["--workdir", "/home/learner"]
    if profile:
        line += ["--security-opt", f"seccomp={profile}"]
    for variable, value in layout.inner_variables().items():
        if variable != "PATH":  # the image knows where its Python is
            line += ["--env", f"{variable}={value}"]
    for source, target in [*layout.course_mounts(), *layout.helper_files()]:
        line += ["--volume", f"{source}:{target}:ro"]
    return [*line, IMAGE, "python", "-s", *python]


def _bounds(engine: str, limits: Limits) -> list[str]:
    """The options that bound memory, processes and files."""
    files = f"nr_inodes={FILES}," if engine == "docker" else ""  # podman 4.3 refuses it; its memory limit counts them
    folder = f"size={limits.folder},{files}mode=1777"
    options = ["--tmpfs", f"/tmp:{folder}", "--tmpfs", f"/home/learner:{folder}", "--shm-size", "1m"]
    options += ["--memory", str(limits.memory), "--memory-swap", str(limits.memory), "--cpus", "2"]
    options += ["--pids-limit", str(limits.processes)]
    bounds = {
        "fsize": limits.folder,
        "core": 0,
        "nofile": "512:512",
        "nproc": "4096:4096",
        "msgqueue": "0:0",
        "data": f"{limits.data}:{limits.data}",
        "sigpending": "1024:1024",
    }
    for what, most in bounds.items():
        options += ["--ulimit", f"{what}={most}"]
    return options + (["--read-only-tmpfs=false"] if engine == "podman" else [])  # its /run and /var/tmp have no size


def engine_variables() -> dict[str, str]:
    """What the engine needs of the host's environment; its container gets none of it."""
    return {name: os.environ[name] for name in _OF_THE_HOST.split() if name in os.environ}
