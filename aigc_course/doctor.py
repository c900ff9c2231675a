"""The command `python -m aigc_course doctor`: looks at the machine and says what to mend.

It must run where the course does not: on a Python without the course's packages, or on an old one. So only the standard
library is imported here, in words that old Pythons understand, and each check imports for itself what it looks at.
"""

import glob
import importlib.util
import ipaddress
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import NamedTuple

from aigc_course import container, errors, files, folders, runtime

__all__ = [
    "CHECKS",
    "GPU_DEVICES",
    "GPU_PROGRAM",
    "PACKAGES",
    "PORT",
    "Finding",
    "can_lock",
    "can_run",
    "check_locks",
    "doctor",
    "examine",
    "fine",
    "lacking",
    "note",
    "without_packages",
]

_ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("IPython", "ipywidgets", "matplotlib", "numpy", "PIL", "psutil", "tqdm")  # pyproject.toml's dependencies
_IN_A_KERNEL = ("ipykernel", "aigc_course", "tensorflow")  # what the notebooks' Python needs
GPU_DEVICES = "/dev/nvidia[0-9]*"
GPU_PROGRAM = "nvidia-smi"
PORT = 8888  # the first that JupyterLab tries
_LOCAL = ("localhost", "127.0.0.1")  # the addresses of `make lab`


class Finding(NamedTuple):
    """state: "ok", "note" (works, but worth knowing) or "MEND" (does not work); found; mend: what to do, or ""."""

    state: str
    found: str
    mend: str = ""


def fine(found):
    return Finding("ok", found)


def note(found, mend=""):
    return Finding("note", found, mend)


def _fault(found, mend):
    return Finding("MEND", found, mend)


def doctor(_arguments):
    """Reports on the machine; returns 1 when something must be mended."""
    findings = {}
    for name, check in CHECKS.items():
        missing = [other for other in _NEEDS.get(name, ()) if findings[other].state != "ok"]
        finding = findings[name] = note(f"not looked at: {', '.join(missing)} first") if missing else examine(check)
        print(f"{finding.state:<4}  {name:<12} {finding.found}")
        if finding.mend:
            print(f"      → {finding.mend}")
    faults = sum(finding.state == "MEND" for finding in findings.values())
    print("All is well: `make lab` opens the course." if not faults else f"{faults} to mend.")
    return 1 if faults else 0


def examine(check):
    """A check's finding; one that fails is a finding too, not a crash."""
    try:
        return check()
    except errors.CourseError as error:  # says what to do in its second sentence
        found, _, mend = str(error).partition(". ")
        return _fault(found, mend or "see the message")
    except Exception as error:
        return _fault(": ".join([type(error).__name__, *str(error).splitlines()[:1]]), "see the message")


# --- Python and its packages -----------------------------------------------------------------------------


def _check_python():
    low, high = runtime.SUPPORTED_PYTHON
    found = ".".join(map(str, sys.version_info[:3]))
    if low <= sys.version_info[:2] <= high:
        return fine(found)
    *more, last = [f"{low[0]}.{minor}" for minor in range(low[1], high[1] + 1)]
    wanted = " or ".join([", ".join(more), last])
    return _fault(f"{found} ({sys.executable}); the course needs {wanted}", f"install one of these, then {_set_up()}")


def _missing_packages():
    """The course's packages that this Python does not have."""
    return [name for name in PACKAGES if importlib.util.find_spec(name) is None]


def _set_up():
    """What to type for a Python that has all that the course needs."""
    if not (_ROOT / "Makefile").is_file():
        return "type `pip install 'aigc-course[cpu,lab]'`, then the same command again"
    activate = ".venv\\Scripts\\activate" if os.name == "nt" else ". .venv/bin/activate"
    return f"in {_ROOT} type `make setup` (unless that was done), then `{activate}`, then the same command again"


def _check_packages():
    missing = _missing_packages()
    return _fault(f"{sys.executable} lacks {', '.join(missing)}", _set_up()) if missing else fine("all there")


def can_run():
    """Whether this Python can import the course's commands."""
    return sys.version_info[:2] >= runtime.SUPPORTED_PYTHON[0] and not _missing_packages()


def without_packages(arguments):
    """The command line of a Python that cannot run the course: `doctor`, or one line. Returns the exit code."""
    runtime.forgiving_output()
    if arguments[:1] == ["doctor"]:
        return doctor(arguments)
    old = sys.version_info[:2] < runtime.SUPPORTED_PYTHON[0]
    finding = _check_python() if old else _check_packages()
    print(f"error: {'Python ' if old else ''}{finding.found}. To mend: {finding.mend}.", file=sys.stderr)
    return 2


def _check_tensorflow():
    found = runtime.versions()
    return fine(f"{found['tensorflow']}, Keras {found['keras']}, NumPy {found['numpy']}")


# --- the hardware ----------------------------------------------------------------------------------------


def _check_device():
    device, xla = runtime.device(), "works" if runtime.xla_works() else "is missing: slower"
    found = f"{device}, {runtime.cores()} cores, XLA {xla}"
    if device != "CPU" or not _has_gpu():
        return fine(found)
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if hidden in ("", "-1"):
        return note(f"{found}; CUDA_VISIBLE_DEVICES={hidden} hides the GPU", "`unset CUDA_VISIBLE_DEVICES` to use it")
    libraries = "-e '.[gpu]'" if (_ROOT / "Makefile").is_file() else "'aigc-course[gpu]'"
    return note(
        f"{found}; there is an NVIDIA GPU, which TensorFlow does not see",
        f"to use it: pip install {libraries} (CUDA's libraries); if they are there, see that `{GPU_PROGRAM}` lists it",
    )


def _has_gpu():
    """Whether the machine has an NVIDIA GPU, by its device file or its driver's program."""
    if glob.glob(GPU_DEVICES):
        return True
    program = shutil.which(GPU_PROGRAM)
    try:
        return bool(program) and b"GPU 0" in subprocess.run([program, "-L"], stdout=subprocess.PIPE, timeout=20).stdout
    except (OSError, subprocess.SubprocessError):
        return False


def _check_speed():
    gflops = runtime.speed()
    if runtime.device() != "CPU":
        return fine(f"{gflops:.0f} GFLOP/s on the processor; the README's minutes are of machines without a GPU")
    factor = runtime.time_factor(gflops)
    return fine(f"{gflops:.0f} GFLOP/s: chapters take about {factor:.2g} × the minutes in the README")


def _check_memory():
    (total, available), limit = runtime.memory_gib(), container.memory()
    found = f"{available:.1f} of {total:.1f} GiB free" + (" (the limit of this container)" if limit else "")
    if available >= 2:
        return fine(found)
    more = ", or give the container more (docker run --memory=4g)" if limit else ""
    return _fault(found, f"close other programs: training needs 2 GiB{more}")


# --- folders and files -----------------------------------------------------------------------------------


def _check_results():
    folder, remark = runtime.results()
    if remark:
        return note(remark, "to name a folder of your own: export AIGC_RUNS=/path/of/the/folder")
    return fine(f"go to {folder.absolute()}")


def _results_folder():
    """The folder in which results, or the folder for them, will be made: one that exists."""
    folder = (runtime.results()[0] or Path(tempfile.gettempdir())).absolute()
    return next(place for place in (folder, *folder.parents) if place.is_dir())


def _check_disk():
    free = shutil.disk_usage(str(_results_folder())).free / 2**30
    found = f"{free:.1f} GiB free"
    return fine(found) if free >= 1 else _fault(found, "make room (1 GiB), or name another disk: export AIGC_RUNS=…")


def check_locks():
    """Opens a shipped .h5 and makes one where results go: some file systems refuse the locks that HDF5 asks for."""
    import h5py

    path = Path(__file__).parent / "assets" / "generator.weights.h5"
    try:
        h5py.File(path, "r").close()
        with tempfile.TemporaryDirectory(dir=str(_results_folder())) as place:
            path = Path(place) / "try.h5"
            h5py.File(path, "w").close()
            locked = can_lock(place)
    except OSError as error:
        reason = files.unreadable(path, error)
        if reason is None:
            return note(f"{path.name} cannot be opened", "see below, at data")
        raise reason from error
    if locked:
        return fine("HDF5 files can be read and written")
    setting = os.environ.get("HDF5_USE_FILE_LOCKING")
    return note(
        f"no locks on this file system: HDF5 does without (HDF5_USE_FILE_LOCKING={setting})",
        "train two models in two folders, never in one",
    )


def can_lock(folder):
    """Whether the file system of a folder has locks."""
    try:
        import fcntl
    except ImportError:  # Windows: its locks belong to the open file
        return True
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _check_data():
    from aigc_course import data

    for name in data.shipped_files():
        data.asset(name)
    return fine(f"{len(data.shipped_files())} files, all as shipped (SHA-256)")


# --- JupyterLab ------------------------------------------------------------------------------------------


def _check_jupyter():
    if folders.on_colab():
        return fine("Colab's own")
    if importlib.util.find_spec("jupyterlab") is None:
        return _fault("no JupyterLab", "run `make setup`, or pip install 'aigc-course[lab]'")
    return fine("JupyterLab is there")


def _check_kernel():
    """The Python that JupyterLab starts for a notebook; a kernel of a removed environment is the usual fault."""
    if folders.on_colab():
        return fine("Colab's own")
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    install = f"`{sys.executable} -m ipykernel install --sys-prefix`"
    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        return _fault("JupyterLab knows no kernel python3", install)
    named = spec.argv[0]
    bare = named in ("python", "python3", "python{}.{}".format(*sys.version_info[:2]))  # jupyter_client's own rule
    program = sys.executable if bare else shutil.which(named)
    mend = f"`jupyter kernelspec remove -f python3`, then {install}"
    if program is None:
        return _fault(f"python3 in {spec.resource_dir} starts {named}, which is gone", mend)
    lacks = lacking(program)
    if lacks and os.path.abspath(program) == os.path.abspath(sys.executable):
        return _fault(
            f"python3 starts {program}, which lacks {lacks}", f"`{program} -m pip install -e {_ROOT}[cpu,lab]`"
        )
    if lacks:
        return _fault(f"python3 in {spec.resource_dir} starts {named}, which lacks {lacks}", mend)
    return fine(f"python3 starts {program}")


def lacking(program):
    """The packages that a notebook needs and another Python does not have, as text."""
    code = "import importlib.util as u, sys; print(', '.join(n for n in sys.argv[1:] if u.find_spec(n) is None))"
    command = [program, "-c", code, *_IN_A_KERNEL]
    # elsewhere: in the course's own folder every Python finds aigc_course
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=60, cwd=tempfile.gettempdir(), check=True)
    return done.stdout.decode().strip()


def _check_port():
    if _is_free(PORT):
        return fine(f"{PORT} is free")
    return note(
        f"{PORT} is in use by {_owner(PORT)}: `make lab` takes the next that is free",
        f"open the address that `make lab` prints; http://127.0.0.1:{PORT} is the other's page, with another token",
    )


def _is_free(port):
    """Whether a server could listen at a port of this machine."""
    with socket.socket() as server:
        if os.name != "nt":  # there it would take a port away from another
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _owner(port):
    """Who listens at a port, as far as Jupyter's own records say."""
    try:
        from jupyter_server.serverapp import list_running_servers
    except ImportError:
        return "another program"
    roots = [server["root_dir"] for server in list_running_servers() if server.get("port") == port]
    return f"the JupyterLab of {roots[0]}" if roots else "another program"


def _check_proxy():
    found = urllib.request.getproxies_environment()
    if not any(found.get(kind) for kind in ("http", "https", "all")):
        return fine("none")
    exempt = found.get("no", "")
    missing = [host for host in _LOCAL if not _is_exempt(host, exempt)]
    if not missing:
        return fine("set, but not for this machine's own addresses")
    wanted = ",".join([*filter(None, [exempt]), *missing])
    return _fault(
        f"set without an exemption for {' and '.join(missing)}: browser and kernel may not reach each other",
        f"before `make lab`: export no_proxy={wanted} NO_PROXY={wanted} (and the same in the browser's own settings)",
    )


def _is_exempt(host, exempt):
    """Whether a host stands in the text of no_proxy; a network as 127.0.0.0/8 counts too."""
    if urllib.request.proxy_bypass_environment(host, {"no": exempt}):
        return True
    for part in exempt.split(","):
        try:
            if "/" in part and ipaddress.ip_address(host) in ipaddress.ip_network(part.strip(), strict=False):
                return True
        except ValueError:  # a name
            continue
    return False


CHECKS = {
    "Python": _check_python,
    "packages": _check_packages,
    "memory": _check_memory,  # before TensorFlow takes its share
    "TensorFlow": _check_tensorflow,
    "device": _check_device,
    "speed": _check_speed,
    "results": _check_results,
    "disk": _check_disk,
    "locks": check_locks,
    "data": _check_data,
    "Jupyter": _check_jupyter,
    "kernel": _check_kernel,
    "port": _check_port,
    "proxy": _check_proxy,
}
_NEEDS = {  # what must be right before a check can say anything
    "TensorFlow": ("packages",),
    "device": ("TensorFlow",),
    "speed": ("TensorFlow",),
    "memory": ("packages",),
    "locks": ("TensorFlow",),  # h5py comes with it
    "data": ("packages",),
    "kernel": ("Jupyter",),
}
