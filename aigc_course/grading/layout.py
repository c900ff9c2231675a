"""What stands where in a sandbox, of whichever kind: the course without its checks, the worker, folders, variables."""

from pathlib import Path

import aigc_course

__all__ = ["COURSE", "FOLDERS", "PACKAGE", "WORKER", "course_mounts", "helper_files", "inner_variables"]

PACKAGE = Path(aigc_course.__file__).resolve().parent
COURSE = "/course/aigc_course"
WORKER = "/worker/worker.py"
FOLDERS = ("/tmp", "/home/learner", "/dev/shm")  # in memory, to write to
_HIDDEN = ("checks", "grading")  # expectations, and how answers are judged


def inner_variables() -> dict[str, str]:
    """The variables that the code inside sees; nothing of the host's."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": "/home/learner",
        "USER": "learner",
        "LANG": "C.UTF-8",
        "TMPDIR": "/tmp",
        "PYTHONPATH": "/course",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": "/tmp/mpl",
        "OMP_NUM_THREADS": "2",
        "OPENBLAS_NUM_THREADS": "2",
        "TF_NUM_INTRAOP_THREADS": "2",
        "TF_NUM_INTEROP_THREADS": "2",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_CPU_ALLOCATOR_USE_BFC": "true",
        "KERAS_BACKEND": "tensorflow",
        "CUDA_VISIBLE_DEVICES": "",
        "AIGC_FAST": "1",
    }


def course_mounts() -> list[tuple[Path, str]]:
    """(from, to) of all that is shown of the course, read-only: each part of the package but checks and grader, the
    sub-packages as they are, and a stub in the place of the checks.

    One list for bubblewrap, docker and podman: what is not in it is nowhere in the sandbox.
    """
    parts = [path for path in sorted(PACKAGE.iterdir()) if path.name not in _HIDDEN and not path.name.startswith(".")]
    stub = (PACKAGE / "grading" / "stub.py", f"{COURSE}/checks/__init__.py")
    return [*((path, f"{COURSE}/{path.name}") for path in parts), stub]


def helper_files() -> list[tuple[Path, str]]:
    """(from, to) of the worker and the modules that it imports."""
    folder = str(Path(WORKER).parent)
    files = [
        PACKAGE / "grading" / "worker.py",
        PACKAGE / "grading" / "frames.py",
        PACKAGE / "checks" / "calling.py",
    ]
    return [(path, f"{folder}/{path.name}") for path in files]
