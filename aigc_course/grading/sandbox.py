"""A locked room for a learner's code: bubblewrap, or docker or podman, with a watchdog outside.

Inside there is no network, no other submission, no solution and no expectation: system and Python read-only, the
course's package without its checks, small folders in memory to write to. Only pipes lead out.
"""

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import NamedTuple

import psutil

import aigc_course
from aigc_course.grading import frames
from aigc_course.runtime import CourseError

PACKAGE = Path(aigc_course.__file__).resolve().parent
IMAGE = "aigc-grader"  # for docker and podman; grading/README.md says how it is built
FIRST_UID = 64_000  # run as root, each sandbox has a user of its own: limits on processes count per user
NO_SANDBOX = (
    "\033[1;31mNO SANDBOX: submissions run with your rights. They can read your files and the solutions, use the "
    "network and change the marks. Do this only with notebooks that you have read.\033[0m"
)
RUNNING = set()  # sandboxes that are up, for `end_all`


class Limits(NamedTuple):
    """What one submission may use: seconds for a cell or a call, seconds in all, bytes of memory, bytes printed,
    processes and threads."""

    step: float = 60.0
    total: float = 300.0
    memory: int = 3 * 2**30
    data: int = 2 * 2**30
    output: int = 10_000_000
    processes: int = 128


class Stopped(Exception):
    """The sandbox is gone; the message says why, for the learner."""


class CannotStart(Exception):
    """The sandbox did not come up: nobody's submission is to blame."""


def choose(no_sandbox=False):
    """The way to lock code up here: "bwrap", "docker", "podman" or, if asked for, "none".

    Raises:
        CourseError: there is none; the message says what to install or to mend.
    """
    if no_sandbox:
        return "none"
    said = []
    if shutil.which("bwrap"):
        done = subprocess.run([*bwrap_command(0, Limits())[:-3], sys.executable, "-c", "0"],
                              capture_output=True, text=True, timeout=60, check=False)  # fmt: skip
        if done.returncode == 0:
            return "bwrap"
        said.append(f"bubblewrap does not work here: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
        if "uid map" in done.stderr or "Operation not permitted" in done.stderr or "Permission denied" in done.stderr:
            said.append(
                "Ubuntu 24.04 and later forbid it through AppArmor (containers/bubblewrap #632). As administrator: "
                "apt install apparmor-profiles; cp /usr/share/apparmor/extra-profiles/bwrap-userns-restrict "
                "/etc/apparmor.d/; systemctl reload apparmor"
            )
    for engine in ("docker", "podman"):
        if shutil.which(engine):
            done = subprocess.run([engine, "image", "inspect", IMAGE], capture_output=True, timeout=60, check=False)
            if done.returncode == 0:
                return engine
            said.append(f"{engine} is there, its image {IMAGE} is not: see aigc_course/grading/README.md.")
    said.append("Install bubblewrap (Debian, Ubuntu: apt install bubblewrap; Fedora: dnf install bubblewrap), or run "
                "with --no-sandbox for notebooks that you have read and trust.")  # fmt: skip
    raise CourseError("submissions need a sandbox, and there is none. " + " ".join(said))


def environment():
    """The variables that the code inside sees; nothing of the host's."""
    return {
        "PATH": "/usr/bin:/bin", "HOME": "/home/learner", "USER": "learner", "LANG": "C.UTF-8", "TMPDIR": "/tmp",
        "PYTHONPATH": "/course", "PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "Agg", "MPLCONFIGDIR": "/tmp/mpl",
        "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "TF_NUM_INTRAOP_THREADS": "2",
        "TF_NUM_INTEROP_THREADS": "2", "TF_CPP_MIN_LOG_LEVEL": "3", "TF_CPU_ALLOCATOR_USE_BFC": "true",
        "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "", "AIGC_FAST": "1",
    }  # fmt: skip


def mounts():
    """(from, to) of the files that both kinds of sandbox show: the course without its checks, and the worker."""
    here = PACKAGE / "grading"
    return [
        (here / "stub.py", "/course/aigc_course/checks/__init__.py"),
        (here / "worker.py", "/worker/worker.py"),
        (here / "frames.py", "/worker/frames.py"),
        (PACKAGE / "checks" / "calling.py", "/worker/calling.py"),
    ]


def bwrap_command(slot, limits):
    """The command line that runs the worker under bubblewrap; as root without a user namespace but as another user."""
    root = os.geteuid() == 0
    command = ["bwrap", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try",
               *([] if root else ["--unshare-user"]), "--die-with-parent", "--new-session", "--cap-drop", "ALL",
               *(["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] if root else []),
               "--hostname", "sandbox", "--clearenv"]  # fmt: skip
    for name, value in environment().items():
        command += ["--setenv", name, value]
    command += ["--size", str(64 * 2**20), "--perms", "1777", "--tmpfs", "/tmp", "--proc", "/proc", "--dev", "/dev",
                "--size", str(2**20), "--tmpfs", "/dev/shm", "--remount-ro", "/dev",
                "--size", str(64 * 2**20), "--perms", "1777", "--tmpfs", "/home/learner"]  # fmt: skip
    command += ["--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib64", "lib32"):
        path = Path("/") / name
        if path.is_symlink():
            command += ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir():
            command += ["--ro-bind", str(path), str(path)]
    command += ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache",
                "--ro-bind-try", "/etc/localtime", "/etc/localtime"]  # fmt: skip
    shown = [
        (path, path) for path in dict.fromkeys((sys.base_prefix, sys.prefix)) if not Path(path).is_relative_to("/usr")
    ]
    shown.append((PACKAGE, "/course/aigc_course"))
    hidden = [f"/course/aigc_course/{name}" for name in ("checks", "grading")]
    above = {parent for _, target in shown for parent in Path(target).parents} | {Path("/worker"), Path("/")}
    for folder in sorted(above - {Path("/")}):  # bubblewrap's own choice is 0700: closed to another user
        command += ["--perms", "0755", "--dir", str(folder)]
    for source, target in shown:
        command += ["--ro-bind", str(source), target]
    for folder in hidden:
        command += ["--tmpfs", folder]
    for source, target in mounts():
        command += ["--ro-bind", str(source), target]
    for folder in hidden:
        command += ["--remount-ro", folder]
    command += ["--chdir", "/home/learner", "--remount-ro", "/"]
    if root:
        uid = FIRST_UID + slot
        command += ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--no-new-privs",
                    "--inh-caps=-all", "--bounding-set=-all"]  # fmt: skip
    command += ["prlimit", f"--cpu={int(limits.total * 2)}", f"--data={limits.data}", f"--fsize={64 * 2**20}",
                "--nofile=512", f"--nproc={limits.processes}", "--core=0"]  # fmt: skip
    return [*command, sys.executable, "-s", "/worker/worker.py"]


def container_command(engine, name, limits):
    """The same worker in a container without network; the image holds Python and the course's packages."""
    command = [engine, "run", "--rm", "-i", "--name", name, "--network", "none", "--read-only",
               "--tmpfs", "/tmp:size=64m,mode=1777", "--tmpfs", "/home/learner:size=64m,mode=1777",
               "--memory", str(limits.memory), "--memory-swap", str(limits.memory), "--cpus", "2",
               "--pids-limit", str(limits.processes), "--ulimit", f"fsize={64 * 2**20}", "--ulimit", "core=0",
               "--ulimit", "nofile=512:512", "--ulimit", "nproc=4096:4096",
               "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", "65534:65534",
               "--workdir", "/home/learner"]  # fmt: skip
    for variable, value in environment().items():
        if variable == "PATH":  # the image knows where its Python is
            continue
        command += ["--env", f"{variable}={value}"]
    for module in sorted(PACKAGE.glob("*.py")):
        command += ["--volume", f"{module}:/course/aigc_course/{module.name}:ro"]
    command += ["--volume", f"{PACKAGE / 'assets'}:/course/aigc_course/assets:ro"]
    for source, target in mounts():
        command += ["--volume", f"{source}:{target}:ro"]
    return [*command, IMAGE, "python", "-s", "/worker/worker.py"]


class Sandbox:
    """A running worker. Use as a context manager; `run` and `call` raise `Stopped` once it is gone.

    Args:
        kind: what `choose` returned.
        limits: `Limits`.
        slot: int, a number that no other running sandbox has.
    """

    def __init__(self, kind, limits=Limits(), slot=0):  # noqa: B008  (a tuple)
        self.kind, self.limits, self.slot = kind, limits, slot
        self.reason, self.printed, self.bytes_printed, self.peak = None, b"", 0, 0
        self.numbers = itertools.count()

    def __enter__(self):
        self.name, folder, variables = f"aigc-{uuid.uuid4().hex[:12]}", None, None
        if self.kind == "bwrap":
            command = bwrap_command(self.slot, self.limits)
        elif self.kind == "none":
            self.home = folder = Path(os.path.realpath(os.environ.get("TMPDIR", "/tmp"))) / self.name
            folder.mkdir(mode=0o700)
            command = [sys.executable, "-s", str(self.copy_worker(folder))]
            variables = {**os.environ, **environment(), "HOME": str(folder), "TMPDIR": str(folder),
                         "PYTHONPATH": str(PACKAGE.parent)}  # fmt: skip
        else:
            command = container_command(self.kind, self.name, self.limits)
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder,
                                        stderr=subprocess.PIPE, env=variables, start_new_session=True)  # fmt: skip
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
        self.kill()
        with contextlib.suppress(BrokenPipeError, OSError):
            self.process.stdin.close()
        for thread in self.threads:
            thread.join(timeout=10)
        self.process.stdout.close()
        self.process.stderr.close()
        if self.kind == "none":
            shutil.rmtree(self.home, ignore_errors=True)

    @staticmethod
    def copy_worker(folder):
        """Without a sandbox the worker runs from a folder that holds it and nothing else."""
        for source, target in mounts()[1:]:
            shutil.copy(source, folder / Path(target).name)
        return folder / "worker.py"

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
            self.fail("the program answered in a way that it was not asked for")
        if len(values) != outputs * len(counts):
            self.fail("the program answered in a way that it was not asked for")
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
            self.fail("the program answered in a way that it was not asked for")
        self.deadline = None
        return reply

    def receive(self):
        """The next frame that comes."""
        try:
            reply = frames.read(self.process.stdout)
        except (frames.BrokenFrame, OSError, ValueError):
            self.fail("the program answered in a way that it was not asked for")
        if reply is None or not isinstance(reply[0], dict):
            self.fail()
        return reply

    def fail(self, reason=None):
        """Ends the sandbox and raises."""
        if self.reason is None and reason is None:  # give an exit code the time to arrive
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=2)
        self.reason = self.reason or reason or "the program ended itself"
        self.kill()
        raise Stopped(self.reason)

    def watch(self):
        """Five times a second: time, memory, processes. Kills what goes beyond."""
        while self.process.poll() is None and self.reason is None:
            now, deadline = time.monotonic(), self.deadline
            tree, memory = self.tree(), 0
            for process in tree:
                with contextlib.suppress(psutil.Error):
                    memory += process.memory_info().rss
            self.peak = max(self.peak, memory)
            if deadline and now > deadline:
                left = self.started + self.limits.total - now
                self.end(f"it ran for more than {self.limits.step:.0f} seconds" if left > 0 else
                         f"the whole notebook ran for more than {self.limits.total:.0f} seconds")  # fmt: skip
            elif memory > self.limits.memory:
                self.end(f"it took more than {self.limits.memory / 2**30:.1f} GB of memory")
            elif len(tree) > self.limits.processes:
                self.end(f"it started more than {self.limits.processes} processes")
            time.sleep(0.2)

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
