"""A locked room for a learner's code: a worker in bubblewrap, docker or podman, with a watchdog outside.

Inside there is no network, no other submission, no solution and no expectation: system and Python read-only, the
course's package without its checks, small folders in memory to write to. Only pipes lead out.
"""

import contextlib
import ctypes
import itertools
import os
import platform
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Sequence
from io import BufferedReader
from typing import Any, BinaryIO, NoReturn, Self, cast

import numpy as np
import psutil

from aigc_course.grading import containers, frames, kinds, layout, limits
from aigc_course.grading.limits import Limits

__all__ = ["UNASKED", "Sandbox", "SandboxEnded", "end_all"]

UNASKED = "the program answered in a way that it was not asked for"
_RUNNING: set["Sandbox"] = set()  # sandboxes that are up, for `end_all`
_DEFAULT = Limits()


class SandboxEnded(Exception):
    """The sandbox is gone; the message says why, for the learner."""


class Sandbox:
    """A running worker. Use as a context manager; `run` and `call` raise `SandboxEnded` once it is gone.

    Args:
        kind: what `kinds.choose` returned.
        limits: `Limits`.
    """

    def __init__(self, kind: str, limits: Limits = _DEFAULT) -> None:
        self.kind, self.limits = kind, limits
        self.reason: str | None = None
        self.home: str | None = None
        self.deadline: float | None = None
        self.printed, self.bytes_printed, self.peak = b"", 0, 0
        self.numbers, self.over = itertools.count(), threading.Event()

    def __enter__(self) -> Self:
        self.name = f"aigc-{uuid.uuid4().hex[:12]}"
        try:
            self.group = kinds.group_for(self.kind, self.limits)
        except OSError as error:
            raise kinds.CannotStart(f"no control group can be made: {error}") from error
        if self.kind == "bwrap":
            _join_fresh_keyring()
        with kinds.prepared(self.kind, self.name, self.limits, [layout.WORKER], self.group) as start:
            self.home = str(start.folder) if self.kind == "none" else None
            self.process = _launch(start)
            _RUNNING.add(self)
            self.started = time.monotonic()
            self.deadline = self.started + max(self.limits.step, 60.0)
            self.threads = [threading.Thread(target=target, daemon=True) for target in (self.watch, self.drain)]
            for thread in self.threads:
                thread.start()
            try:
                if "ready" not in self.receive()[0]:
                    raise SandboxEnded("no greeting")
            except SandboxEnded as error:
                self.__exit__(None, None, None)
                said = self.printed.decode(errors="replace").strip()[-300:]
                raise kinds.CannotStart(f"{error}: {said}") from error
        self.deadline = None
        return self

    def __exit__(self, *_: object) -> None:
        _RUNNING.discard(self)
        self.over.set()
        self.kill()
        requests, replies, printed = self.pipes()
        with contextlib.suppress(BrokenPipeError, OSError):
            requests.close()
        for thread in self.threads:
            thread.join(timeout=10)
        replies.close()
        printed.close()
        self.group.close()
        if self.home:
            shutil.rmtree(self.home, ignore_errors=True)

    def pipes(self) -> tuple[BinaryIO, BinaryIO, BufferedReader]:
        """Where requests go, where replies come from, and what is printed."""
        three = self.process.stdin, self.process.stdout, self.process.stderr
        return cast(tuple[BinaryIO, BinaryIO, BufferedReader], three)

    def run(self, source: str) -> tuple[str, str] | None:
        """Runs a cell. Returns None, or (class, text) of the exception that it ended with."""
        error = self.ask({"do": "run", "source": source})[0].get("error")
        return _clean_error(error) if error else None

    def call(
        self, function: str, how: str, cases: Sequence[Sequence[Any]], outputs: int
    ) -> tuple[list[list[np.ndarray]], tuple[str, str] | None]:
        """Calls a function on each case. Returns (list of lists of arrays, error): the list ends at an error."""
        described: list[list[dict[str, Any]]] = []
        arrays: list[np.ndarray] = []
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
        return groups, _clean_error(error) if error else None

    def ask(self, header: dict[str, Any], arrays: Sequence[np.ndarray] = ()) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Sends a request and waits for its answer, within the limits."""
        number = next(self.numbers)
        self.deadline = min(time.monotonic() + self.limits.step, self.started + self.limits.total)
        try:
            frames.write_frame(self.pipes()[0], {"id": number, **header}, arrays)
        except (BrokenPipeError, OSError):
            self.fail()
        reply = self.receive()
        if reply[0].get("id") != number:
            self.fail(UNASKED)
        self.deadline = None
        return reply

    def receive(self) -> tuple[dict[str, Any], list[np.ndarray]]:
        """The next frame that comes."""
        try:
            reply = frames.read_frame(self.pipes()[1])
        except (frames.BrokenFrame, OSError, ValueError):
            self.fail(UNASKED)
        if reply is None or not isinstance(reply[0], dict):
            self.fail()
        return reply

    def fail(self, reason: str | None = None) -> NoReturn:
        """Ends the sandbox and raises."""
        if self.reason is None and reason is None:  # give an exit code the time to arrive
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=2)
            if self.group.overrun(self.process.pid):
                reason = f"it took {self.too_much_memory()}"
            elif self.kind in containers.ENGINES and self.process.returncode == 128 + signal.SIGKILL:
                reason = f"it was killed, most likely for {self.too_much_memory()}"
        self.reason = self.reason or reason or "the program ended itself"
        self.kill()
        raise SandboxEnded(self.reason)

    def watch(self) -> None:
        """Five times a second: time, memory, processes, files. Ends what goes beyond."""
        while self.process.poll() is None and self.reason is None:
            now, deadline = time.monotonic(), self.deadline
            if deadline and now > deadline:
                if now < self.started + self.limits.total:
                    self.end(f"it ran for more than {self.limits.step:.0f} seconds")
                else:
                    self.end(f"the whole notebook ran for more than {self.limits.total:.0f} seconds")
            elif reason := self.beyond():
                self.end(reason)
            self.over.wait(0.2)

    def beyond(self) -> str | None:
        """What the submission takes too much of, or None."""
        tree = [process.pid for process in self.tree()]
        if self.group.overrun(self.process.pid):
            return f"it took {self.too_much_memory()}"
        if len(tree) > self.limits.processes:
            return f"it started more than {self.limits.processes} processes"
        if not sys.platform.startswith("linux"):
            return None
        memory = limits.memory_of(tree)
        if memory > self.limits.memory:
            memory = limits.shared_once(tree)
        self.peak = max(self.peak, memory)
        if memory > self.limits.memory:
            return f"it took {self.too_much_memory()}"
        inner = tree[1:2] if self.kind == "bwrap" else []  # bubblewrap's own process inside
        if any(limits.files_in_memory(pid, layout.FOLDERS, self.limits.folder) > limits.FILES for pid in inner):
            return f"it made more than {limits.FILES:,} files"
        if len(tree) > 8 and limits.open_files(tree, 512) > limits.OPEN:
            return f"it held more than {limits.OPEN:,} files open"
        return None

    def too_much_memory(self) -> str:
        """What the limit of memory is, in words."""
        return f"more than {self.limits.memory / 2**30:.1f} GB of memory"

    def drain(self) -> None:
        """Reads what is printed, keeps the beginning, and ends a flood."""
        with contextlib.suppress(OSError, ValueError):
            while data := self.pipes()[2].read1(65536):
                self.bytes_printed += len(data)
                self.printed = (self.printed + data)[:20_000]
                if self.bytes_printed > self.limits.output:
                    self.end(f"it printed more than {self.limits.output / 1e6:.0f} MB")
                    return

    def end(self, reason: str) -> None:
        """Remembers why, then kills."""
        self.reason = self.reason or reason
        self.kill()

    def tree(self) -> list[psutil.Process]:
        """The process and all that came from it."""
        try:
            top = psutil.Process(self.process.pid)
            return [top, *top.children(recursive=True)]
        except psutil.Error:
            return []

    def kill(self) -> None:
        """Kills the whole tree and waits until it is gone."""
        if self.kind in containers.ENGINES:
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


def end_all(reason: str) -> None:
    """Ends every sandbox that is up: for Ctrl-C."""
    for box in list(_RUNNING):
        box.end(reason)


def _launch(start: kinds.Start) -> subprocess.Popen[bytes]:
    """The process of a sandbox, at the head of a group of its own."""
    return subprocess.Popen(
        start.line,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=start.folder,
        env=start.variables,
        start_new_session=True,
        pass_fds=start.files,
    )


def _join_fresh_keyring() -> None:
    """Gives this thread, and what it starts, a session keyring of its own: keys of the host's stay out of reach."""
    number = {"x86_64": 250, "aarch64": 219}.get(platform.machine())
    if number and sys.platform == "linux":
        join = 1  # KEYCTL_JOIN_SESSION_KEYRING, without a name
        ctypes.CDLL(None).syscall(ctypes.c_long(number), ctypes.c_long(join), None)


def _clean_error(error: object) -> tuple[str, str]:
    """(class, text) from what the worker said, as two short strings."""
    if not isinstance(error, list) or len(error) != 2:
        return "Error", ""
    return _short_line(error[0]), _short_line(error[1])


def _short_line(part: object) -> str:
    """A part of what the worker said, on one line."""
    return "".join(c if c.isprintable() else " " for c in str(part))[:300]
