"""Which kind of sandbox works on this machine, how one of each kind is started, and what a submission finds in it."""

import contextlib
import functools
import itertools
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from aigc_course.errors import CourseError
from aigc_course.grading import bubblewrap, containers, layout, limits, seccomp
from aigc_course.grading.limits import Group, Limits

__all__ = ["NO_SANDBOX", "CannotStart", "Inside", "Start", "choose", "forget", "group_for", "inside", "prepared"]

NO_SANDBOX = (
    "\033[1;31mNO SANDBOX: submissions run with your rights. They can read your files and the solutions, use the "
    "network and change the marks. Do this only with notebooks that you have read.\033[0m"
)
_PROBE = Path(__file__).with_name("probe.py")
_NUMBERS = itertools.count(random.randrange(1000))  # two graders at a time seldom begin alike
_APPARMOR = (
    "Ubuntu 24.04 and later forbid it through AppArmor (containers/bubblewrap #632). As administrator: "
    "apt install apparmor-profiles; cp /usr/share/apparmor/extra-profiles/bwrap-userns-restrict "
    "/etc/apparmor.d/; systemctl reload apparmor"
)
_INSTALL = (
    "Install bubblewrap (Debian, Ubuntu: apt install bubblewrap; Fedora: dnf install bubblewrap), or run with "
    "--no-sandbox for notebooks that you have read and trust."
)


class CannotStart(Exception):
    """The sandbox did not come up: nobody's submission is to blame."""


class Inside(NamedTuple):
    """What a submission finds in the sandbox: modules to import, {package: version}, Python's version; what holds it,
    in words for the instructor."""

    modules: frozenset[str]
    packages: dict[str, str]
    python: str
    holds: str


class Start(NamedTuple):
    """How Python is started in a sandbox: command line, files to pass on, environment, working folder."""

    line: list[str]
    files: list[int]
    variables: dict[str, str]
    folder: str | Path | None


# --- which kind ---


def choose(no_sandbox: bool = False) -> str:
    """The way to lock code up here: "bwrap", "docker", "podman" or, if asked for, "none".

    Raises:
        CourseError: there is none; the message says what to install or to mend.
    """
    if no_sandbox:
        return "none"
    said: list[str] = []
    if shutil.which("bwrap"):
        try:
            inside("bwrap")
            return "bwrap"
        except CannotStart as error:
            said.append(f"bubblewrap does not work here: {(str(error).strip().splitlines() or ['no message'])[-1]}")
            if any(words in str(error) for words in ("uid map", "Operation not permitted", "Permission denied")):
                said.append(_APPARMOR)
    for engine in filter(shutil.which, containers.ENGINES):
        if containers.has_image(engine):
            inside(engine)
            return engine
        said.append(f"{engine} is there, its image {containers.IMAGE} is not: see aigc_course/grading/README.md.")
    raise CourseError(" ".join(["submissions need a sandbox, and there is none.", *said, _INSTALL]))


def forget() -> None:
    """Lets `choose` and `inside` look at the machine anew."""
    inside.cache_clear()
    _group_maker.cache_clear()
    bubblewrap.forget()


# --- how it is started ---


@contextlib.contextmanager
def prepared(kind: str, name: str, bounds: Limits, python: list[str], group: Group) -> Iterator[Start]:
    """How Python is started in a sandbox, for as long as it starts.

    Args:
        kind: what `choose` returned.
        name: of the container, or of the folder where there is no sandbox.
        bounds: `Limits`.
        python: Python's arguments.
        group: from `group_for`.
    """
    if kind == "none":
        yield _unprotected(name, python)
    elif kind == "bwrap":
        number = next(_NUMBERS) % 1000
        with bubblewrap.bubblewrap_command(number, bounds, python, seccomp.kernel_filter()) as (line, files):
            yield Start(group.wrap(line), files, {"PATH": os.defpath, **group.variables()}, "/")
    else:
        with containers.container_command(kind, name, bounds, python) as (line, files):
            yield Start(line, files, containers.engine_variables(), None)


def _unprotected(name: str, python: list[str]) -> Start:
    """Python with the worker in a folder of its own, which whoever starts it takes away."""
    folder = Path(tempfile.gettempdir()).resolve() / name
    folder.mkdir(mode=0o700)
    for source, target in layout.helper_files():
        shutil.copy(source, folder / Path(target).name)
    python = [str(folder / "worker.py") if part == layout.WORKER else part for part in python]
    own = {"HOME": str(folder), "TMPDIR": str(folder), "PYTHONPATH": str(layout.PACKAGE.parent)}
    path = {"PATH": os.environ.get("PATH", os.defpath)}
    variables = {**os.environ, **layout.inner_variables(), **own, **path}
    return Start([sys.executable, "-s", *python], [], variables, folder)


def group_for(kind: str, bounds: Limits) -> Group:
    """A control group for one sandbox; only bubblewrap needs one of ours."""
    return _group_maker()(bounds) if kind == "bwrap" else Group()


@functools.cache
def _group_maker() -> Callable[[Limits], Group]:
    """The way to make control groups on this machine, tried once."""
    return limits.group_maker(Limits())


# --- what is in it ---


@functools.cache
def inside(kind: str) -> Inside:
    """What a submission finds in a sandbox of this kind; a probe looks, once a run of the grader.

    Raises:
        CannotStart: no sandbox comes up.
        CourseError: one comes up, and the expectations can be read in it, or something else is not shut.
    """
    group = group_for(kind, Limits())
    try:
        found = _probed(kind, group)
    finally:
        group.close()
    if kind != "none":
        _refuse_what_is_open(found)
    words = group.words if kind == "bwrap" else "memory and processes by the engine" if kind != "none" else "no limits"
    force = found["in_force"]
    if kind == "bwrap" and not (force["keyrings"] and force["memfd"]):
        words += f"; no filter of system calls for {platform.machine()}"
    return Inside(frozenset(found["modules"]), found["packages"], found["python"], words)


def _probed(kind: str, group: Group) -> dict[str, Any]:
    """What the probe says from within a sandbox."""
    name, python = f"aigc-{uuid.uuid4().hex[:12]}", ["-c", _PROBE.read_text(encoding="utf-8")]
    try:
        with prepared(kind, name, Limits(), python, group) as start:
            done = subprocess.run(
                start.line,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                cwd=start.folder,
                env=start.variables,
                pass_fds=start.files,
                timeout=120,
                check=False,
            )
        if kind == "none" and start.folder:
            shutil.rmtree(start.folder, ignore_errors=True)
        return json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError) as error:
        raise CannotStart(str(error)) from error
    except ValueError as error:
        raise CannotStart(done.stderr.decode(errors="replace").strip() or "no message") from error


def _refuse_what_is_open(found: dict[str, Any]) -> None:
    """Raises if the probe saw something that would give marks or secrets away."""
    if found["copies"]:
        raise CourseError(
            f"the expectations of the exercises can be read in the sandbox, at {found['copies'][0]}. Grade from a "
            "virtual environment of its own, or uninstall that copy."
        )
    if not found["in_force"]["namespaces"] or found["in_force"]["root"]:
        raise CourseError("the sandbox is not shut: it is root inside, or may make namespaces of its own.")
    if not found["in_force"]["writable"]:
        raise CourseError("submissions cannot write to /tmp, /dev/shm or their home folder: build the image anew.")
    shown = set(found["in_force"]["first"]) - {"PATH", "LANG", "PWD", "HOME", "HOSTNAME", "container", "TERM"}
    if shown - set(layout.inner_variables()):
        raise CourseError(f"the sandbox shows variables of this machine: {', '.join(sorted(shown))[:200]}.")
