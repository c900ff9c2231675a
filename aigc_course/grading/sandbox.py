"""A locked room for a learner's code: bubblewrap, or docker or podman, with a watchdog outside.

Inside there is no network, no other submission, no solution and no expectation: system and Python read-only, the
course's package without its checks, small folders in memory to write to. Only pipes lead out.
"""

import contextlib
import ctypes
import functools
import itertools
import json
import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path
from typing import NamedTuple

import psutil

from aigc_course.grading import bubblewrap, containers, frames, limits, seccomp
from aigc_course.grading.bubblewrap import PACKAGE
from aigc_course.grading.limits import Limits
from aigc_course.runtime import CourseError

PROBE = Path(__file__).with_name("probe.py")
NO_SANDBOX = (
    "\033[1;31mNO SANDBOX: submissions run with your rights. They can read your files and the solutions, use the "
    "network and change the marks. Do this only with notebooks that you have read.\033[0m"
)
UNASKED = "the program answered in a way that it was not asked for"
RUNNING = set()  # sandboxes that are up, for `end_all`
NUMBERS = itertools.count(random.randrange(1000))  # two graders at a time seldom begin alike


class Stopped(Exception):
    """The sandbox is gone; the message says why, for the learner."""


class CannotStart(Exception):
    """The sandbox did not come up: nobody's submission is to blame."""


class Inside(NamedTuple):
    """What a submission finds in the sandbox: modules to import, {package: version}, Python's version; what holds it,
    in words for the instructor."""

    modules: frozenset
    packages: dict
    python: str
    holds: str


def choose(no_sandbox=False):
    """The way to lock code up here: "bwrap", "docker", "podman" or, if asked for, "none".

    Raises:
        CourseError: there is none; the message says what to install or to mend.
    """
    if no_sandbox:
        return "none"
    said = []
    if shutil.which("bwrap"):
        try:
            inside("bwrap")
            return "bwrap"
        except CannotStart as error:
            said.append(f"bubblewrap does not work here: {(str(error).strip().splitlines() or ['no message'])[-1]}")
            if any(words in str(error) for words in ("uid map", "Operation not permitted", "Permission denied")):
                said.append(
                    "Ubuntu 24.04 and later forbid it through AppArmor (containers/bubblewrap #632). As administrator: "
                    "apt install apparmor-profiles; cp /usr/share/apparmor/extra-profiles/bwrap-userns-restrict "
                    "/etc/apparmor.d/; systemctl reload apparmor"
                )
    for engine in ("docker", "podman"):
        if shutil.which(engine):
            done = subprocess.run([engine, "image", "inspect", containers.IMAGE], capture_output=True, timeout=60,
                                  check=False)
            if done.returncode == 0:
                inside(engine)
                return engine
            said.append(f"{engine} is there, its image {containers.IMAGE} is not: see aigc_course/grading/README.md.")
    said.append("Install bubblewrap (Debian, Ubuntu: apt install bubblewrap; Fedora: dnf install bubblewrap), or run "
                "with --no-sandbox for notebooks that you have read and trust.")
    raise CourseError("submissions need a sandbox, and there is none. " + " ".join(said))


@contextlib.contextmanager
def prepared(kind, name, bounds, python, group):
    """(command line, files to pass on, environment, working folder) of Python in a sandbox; see `Sandbox`."""
    if kind == "none":
        folder = Path(tempfile.gettempdir()).resolve() / name
        folder.mkdir(mode=0o700)
        for source, target in bubblewrap.files()[1:]:
            shutil.copy(source, folder / Path(target).name)
        python = [str(folder / "worker.py") if part == "/worker/worker.py" else part for part in python]
        variables = {**os.environ, **bubblewrap.variables(), "HOME": str(folder), "TMPDIR": str(folder),
                     "PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(PACKAGE.parent)}
        yield [sys.executable, "-s", *python], [], variables, folder
    elif kind == "bwrap":
        with bubblewrap.command(next(NUMBERS) % 1000, bounds, python, seccomp.program()) as (line, files):
            yield group.wrap(line), files, {"PATH": os.defpath, **group.variables()}, "/"
    else:
        with containers.command(kind, name, bounds, python) as (line, files):
            yield line, files, containers.variables(), None


@functools.cache
def inside(kind):
    """What a submission finds in a sandbox of this kind; a probe looks, once a run of the grader.

    Raises:
        CannotStart: no sandbox comes up.
        CourseError: one comes up, and the expectations can be read in it, or something else is not shut.
    """
    name = f"aigc-{uuid.uuid4().hex[:12]}"
    python, group = ["-c", PROBE.read_text(encoding="utf-8")], groups(kind)(Limits())
    try:
        with prepared(kind, name, Limits(), python, group) as (line, files, variables, folder):
            done = subprocess.run(line, capture_output=True, timeout=120, check=False, env=variables, cwd=folder,
                                  pass_fds=files, stdin=subprocess.DEVNULL)
        if kind == "none":
            shutil.rmtree(folder, ignore_errors=True)
        found = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError) as error:
        raise CannotStart(str(error)) from error
    except ValueError as error:
        raise CannotStart(done.stderr.decode(errors="replace").strip() or "no message") from error
    finally:
        group.close()
    if kind != "none":
        refuse_what_is_open(found)
    words = group.words if kind == "bwrap" else "memory and processes by the engine" if kind != "none" else "no limits"
    force = found["in_force"]
    if kind == "bwrap" and not (force["keyrings"] and force["memfd"]):
        words += f"; no filter of system calls for {platform.machine()}"
    return Inside(frozenset(found["modules"]), found["packages"], found["python"], words)


def refuse_what_is_open(found):
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
    if shown - set(bubblewrap.variables()):
        raise CourseError(f"the sandbox shows variables of this machine: {', '.join(sorted(shown))[:200]}.")


@functools.cache
def groups(kind):
    """A function of limits that makes the control group for one sandbox."""
    return limits.groups(Limits()) if kind == "bwrap" else lambda bounds: limits.Group()


def fresh_keyring():
    """Gives this thread, and what it starts, a session keyring of its own: keys of the host's stay out of reach."""
    number = {"x86_64": 250, "aarch64": 219}.get(platform.machine())
    if number and sys.platform == "linux":
        join = 1  # KEYCTL_JOIN_SESSION_KEYRING, without a name
        ctypes.CDLL(None).syscall(ctypes.c_long(number), ctypes.c_long(join), None)


class Sandbox:
    """A running worker. Use as a context manager; `run` and `call` raise `Stopped` once it is gone.

    Args:
        kind: what `choose` returned.
        limits: `Limits`.
    """

    def __init__(self, kind, limits=Limits()):  # noqa: B008  (a tuple)
        self.kind, self.limits = kind, limits
        self.reason, self.printed, self.bytes_printed, self.peak, self.home = None, b"", 0, 0, None
        self.numbers, self.over = itertools.count(), threading.Event()

    def __enter__(self):
        self.name = f"aigc-{uuid.uuid4().hex[:12]}"
        try:
            self.group = groups(self.kind)(self.limits)
        except OSError as error:
            raise CannotStart(f"no control group can be made: {error}") from error
        if self.kind == "bwrap":
            fresh_keyring()
        with prepared(self.kind, self.name, self.limits, ["/worker/worker.py"], self.group) as start:
            line, files, variables, folder = start
            self.home = folder if self.kind == "none" else None
            self.process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder,
                                            stderr=subprocess.PIPE, env=variables, start_new_session=True,
                                            pass_fds=files)
            RUNNING.add(self)
            self.started = time.monotonic()
            self.deadline = self.started + max(self.limits.step, 60.0)
            self.threads = [threading.Thread(target=target, daemon=True) for target in (self.watch, self.drain)]
            for thread in self.threads:
                thread.start()
            try:
                if "ready" not in self.receive()[0]:
                    raise Stopped("no greeting")
            except Stopped as error:
                self.__exit__(None, None, None)
                raise CannotStart(f"{error}: {self.printed.decode(errors='replace').strip()[-300:]}") from error
        self.deadline = None
        return self

    def __exit__(self, *_):
        RUNNING.discard(self)
        self.over.set()
        self.kill()
        with contextlib.suppress(BrokenPipeError, OSError):
            self.process.stdin.close()
        for thread in self.threads:
            thread.join(timeout=10)
        self.process.stdout.close()
        self.process.stderr.close()
        self.group.close()
        if self.home:
            shutil.rmtree(self.home, ignore_errors=True)

    def run(self, source):
        """Runs a cell. Returns None, or (class, text) of the exception that it ended with."""
        error = self.ask({"do": "run", "source": source})[0].get("error")
        return clean_error(error) if error else None

    def call(self, function, how, cases, outputs):
        """Calls a function on each case. Returns (list of lists of arrays, error): the list ends at an error."""
        described, arrays = [], []
        for case in cases:
            found, more = frames.pack(case)
            for item in found:
                if "array" in item:
                    item["array"] += len(arrays)
            described.append(found)
            arrays += more
        header = {"do": "call", "function": function, "how": how, "cases": described, "outputs": outputs}
        reply, values = self.ask(header, arrays)
        error, counts = reply.get("error"), reply.get("answers")
        if not isinstance(counts, list) or any(count != outputs for count in counts) or len(counts) > len(cases):
            self.fail(UNASKED)
        if len(values) != outputs * len(counts):
            self.fail(UNASKED)
        groups = [values[i * outputs : (i + 1) * outputs] for i in range(len(counts))]
        if len(groups) < len(cases) and not error:
            error = ["Missing", ""]
        return groups, clean_error(error) if error else None

    def ask(self, header, arrays=()):
        """Sends a request and waits for its answer, within the limits."""
        number = next(self.numbers)
        self.deadline = min(time.monotonic() + self.limits.step, self.started + self.limits.total)
        try:
            frames.write(self.process.stdin, {"id": number, **header}, arrays)
        except (BrokenPipeError, OSError):
            self.fail()
        reply = self.receive()
        if reply[0].get("id") != number:
            self.fail(UNASKED)
        self.deadline = None
        return reply

    def receive(self):
        """The next frame that comes."""
        try:
            reply = frames.read(self.process.stdout)
        except (frames.BrokenFrame, OSError, ValueError):
            self.fail(UNASKED)
        if reply is None or not isinstance(reply[0], dict):
            self.fail()
        return reply

    def fail(self, reason=None):
        """Ends the sandbox and raises."""
        if self.reason is None and reason is None:  # give an exit code the time to arrive
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=2)
            if self.group.overrun(self.process.pid):
                reason = f"it took more than {self.limits.memory / 2**30:.1f} GB of memory"
            elif self.kind in ("docker", "podman") and self.process.returncode == 128 + signal.SIGKILL:
                reason = f"it was killed, most likely for more than {self.limits.memory / 2**30:.1f} GB of memory"
        self.reason = self.reason or reason or "the program ended itself"
        self.kill()
        raise Stopped(self.reason)

    def watch(self):
        """Five times a second: time, memory, processes, files. Ends what goes beyond."""
        while self.process.poll() is None and self.reason is None:
            now, deadline = time.monotonic(), self.deadline
            if deadline and now > deadline:
                left = self.started + self.limits.total - now
                self.end(f"it ran for more than {self.limits.step:.0f} seconds" if left > 0 else
                         f"the whole notebook ran for more than {self.limits.total:.0f} seconds")
            elif reason := self.beyond():
                self.end(reason)
            self.over.wait(0.2)

    def beyond(self):
        """What the submission takes too much of, or None."""
        tree = [process.pid for process in self.tree()]
        much = f"it took more than {self.limits.memory / 2**30:.1f} GB of memory"
        if self.group.overrun(self.process.pid):
            return much
        if len(tree) > self.limits.processes:
            return f"it started more than {self.limits.processes} processes"
        if not sys.platform.startswith("linux"):
            return None
        memory = limits.memory_of(tree)
        if memory > self.limits.memory:
            memory = limits.shared_once(tree)
        self.peak = max(self.peak, memory)
        if memory > self.limits.memory:
            return much
        inner = tree[1:2] if self.kind == "bwrap" else []  # bubblewrap's own process inside
        if any(limits.files_in_memory(pid, bubblewrap.FOLDERS, self.limits.folder) > limits.FILES for pid in inner):
            return f"it made more than {limits.FILES:,} files"
        if len(tree) > 8 and limits.open_files(tree, 512) > limits.OPEN:
            return f"it held more than {limits.OPEN:,} files open"
        return None

    def drain(self):
        """Reads what is printed, keeps the beginning, and ends a flood."""
        with contextlib.suppress(OSError, ValueError):
            while data := self.process.stderr.read1(65536):
                self.bytes_printed += len(data)
                self.printed = (self.printed + data)[:20_000]
                if self.bytes_printed > self.limits.output:
                    self.end(f"it printed more than {self.limits.output / 1e6:.0f} MB")
                    return

    def end(self, reason):
        """Remembers why, then kills."""
        self.reason = self.reason or reason
        self.kill()

    def tree(self):
        """The process and all that came from it."""
        try:
            top = psutil.Process(self.process.pid)
            return [top, *top.children(recursive=True)]
        except psutil.Error:
            return []

    def kill(self):
        """Kills the whole tree and waits until it is gone."""
        if self.kind in ("docker", "podman"):
            for order in (["kill"], ["rm", "-f"]):  # rm alone waits ten seconds for a polite end
                subprocess.run([self.kind, *order, self.name], capture_output=True, timeout=60, check=False)
        tree = self.tree()
        for process in tree[1:]:  # the children first: their parent then buries them and ends
            with contextlib.suppress(psutil.Error):
                process.kill()
        if len(tree) > 1 and self.kind == "bwrap":
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=2)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=10)
        psutil.wait_procs(tree, timeout=10)


def end_all(reason):
    """Ends every sandbox that is up: for Ctrl-C."""
    for box in list(RUNNING):
        box.end(reason)


def clean_error(error):
    """(class, text) from what the worker said, as two short strings."""
    if not isinstance(error, list) or len(error) != 2:
        return "Error", ""
    return tuple("".join(c if c.isprintable() else " " for c in str(part))[:300] for part in error)
