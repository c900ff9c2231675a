"""The machine: device report, seeds, the FAST profile, allocator and XLA settings.

Nothing but the standard library is imported here, in words that old Pythons understand: `doctor` runs on them too.
"""

import contextlib
import functools
import math
import os
import platform
import random
import sys
import tempfile
import time
from pathlib import Path

from aigc_course import container, folders
from aigc_course.errors import CourseError, whole_number

__all__ = [
    "MINIMUM_TENSORFLOW",
    "REFERENCE_GFLOPS",
    "SUPPORTED_PYTHON",
    "configure",
    "cores",
    "describe",
    "device",
    "forgiving_output",
    "import_tensorflow",
    "is_fast",
    "memory_gib",
    "quiet_stderr",
    "results",
    "runs",
    "say_once",
    "set_seeds",
    "speed",
    "start",
    "steps",
    "temporary_folder",
    "time_factor",
    "version_tuple",
    "versions",
    "work_folder",
    "xla_works",
]

SUPPORTED_PYTHON = ((3, 11), (3, 13))
MINIMUM_TENSORFLOW = (2, 20)
REFERENCE_GFLOPS = 485  # of the machine on which the README's minutes were measured


def forgiving_output():
    """Lets stdout and stderr write "?" for a character that their encoding lacks (ASCII, cp1252) instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a notebook's streams have no encoding; there may be none at all
            with contextlib.suppress(ValueError):  # it is closed
                stream.reconfigure(errors="replace")


@functools.lru_cache(maxsize=None)  # noqa: UP033  (Python 3.8 has no functools.cache)
def say_once(line):
    """Prints a line, the first time only."""
    print(line)


def is_fast():
    """True in the fast profile (`AIGC_FAST=1`), in which every notebook ends within 30 seconds."""
    return os.environ.get("AIGC_FAST", "0") not in ("", "0")


def steps(full, fast):
    """Chooses between the full profile and the fast one.

    Args:
        full: int, the number of steps (or samples, or seeds) of the real experiment.
        fast: int, the number that only shows that the code runs.

    Returns:
        One of the two, by the environment variable `AIGC_FAST`.
    """
    return fast if is_fast() else full


def configure():
    """Sets what TensorFlow reads once, at import: allocator, log level, backend.

    Values that the environment already holds are kept. Where TensorFlow was imported before, the settings come
    too late: everything still works, only slower, and a line says so.
    """
    settings = {
        # Without it every large temporary is returned to the system and faulted in anew: 69 instead of
        # 150 GFLOP/s for one transposed convolution, measured on 2 cores.
        "TF_CPU_ALLOCATOR_USE_BFC": "true",
        # oneDNN's kernels: TensorFlow takes them by itself only where the processor has AVX-512's newer parts. The
        # transposed convolutions: 190 to 220 GFLOP/s with them, 130 without (measured, kernels held to AVX2: 190).
        "TF_ENABLE_ONEDNN_OPTS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "KERAS_BACKEND": "tensorflow",
        # Network drives often have no locks, and HDF5 then opens no file. Ours are whole before they have their name.
        "HDF5_USE_FILE_LOCKING": "FALSE",
    }
    missing = {name: value for name, value in settings.items() if name not in os.environ}
    if missing and "tensorflow" in sys.modules:
        print(
            "TensorFlow was imported before runtime.start(): its memory settings come too late and training is "
            "slower. Restart the kernel and run the setup cell first."
        )
    os.environ.update(missing)


def set_seeds(seed):
    """Seeds Python, NumPy, TensorFlow and Keras.

    Args:
        seed: int, 0 or more.

    Raises:
        CourseError: the seed is not an integer from 0 to 2**32 - 1.
    """
    seed = whole_number(seed, "seed", 0, 2**32 - 1, "Try seed=7.")
    import numpy as np

    random.seed(seed)
    np.random.seed(seed)
    if "tensorflow" in sys.modules:
        import keras

        keras.utils.set_random_seed(seed)


def start(seed=7, deterministic=False, report=True):
    """Makes the process ready: settings, TensorFlow, seeds, and one line about the machine.

    Args:
        seed: int, for Python, NumPy, TensorFlow and Keras.
        deterministic: bool, every operation gives the same bits each time (slower on a GPU).
        report: bool, print the machine in one line.

    Raises:
        CourseError: TensorFlow is missing or too old, or the seed is no integer from 0 to 2**32 - 1.
    """
    configure()
    forgiving_output()
    tf = import_tensorflow()
    tf.get_logger().setLevel("ERROR")  # advice on retracing is for authors
    for gpu in tf.config.list_physical_devices("GPU"):
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError:
            break  # the GPU is in use already: the first setting stands
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    set_seeds(seed)
    if report:
        print(describe(), f"· seed {seed}" + (" · FAST profile" if is_fast() else ""))


def import_tensorflow():
    """Imports TensorFlow or says how to get it."""
    try:
        with quiet_stderr() if "tensorflow" not in sys.modules else contextlib.nullcontext():
            import tensorflow as tf

            tf.config.list_physical_devices()
    except ImportError as error:
        lacking = isinstance(error, ModuleNotFoundError)
        reason = "none is installed" if lacking else f"the one here cannot be loaded ({str(error).splitlines()[0]})"
        raise CourseError(
            f"the course needs TensorFlow 2.20 or newer; {reason}. "
            "Run `make setup`, or `pip install 'aigc-course[cpu]'` (with an NVIDIA GPU: [gpu])."
        ) from error
    if version_tuple(tf.__version__) < MINIMUM_TENSORFLOW:
        raise CourseError(
            f"the course needs TensorFlow 2.20 or newer; found {tf.__version__}. "
            "Run `make setup`, or `pip install -U 'tensorflow>=2.20'`."
        )
    return tf


@contextlib.contextmanager
def quiet_stderr():
    """Keeps what C++ libraries write to the process's stderr out of sight; shows it if an error follows."""
    kept = tempfile.TemporaryFile()  # noqa: SIM115  (closed below, after stderr is back)
    stderr = os.dup(2)
    os.dup2(kept.fileno(), 2)
    try:
        yield
    except BaseException:
        kept.seek(0)
        os.write(stderr, kept.read())
        raise
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        kept.close()


def version_tuple(version):
    """ "2.21.0-rc1" -> (2, 21)."""
    return tuple(int(part) for part in version.split(".")[:2])


def device():
    """The device that does the work: "CPU", or the name of the first GPU and how many there are."""
    tf = import_tensorflow()
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "CPU"
    name = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")
    return name if len(gpus) == 1 else f"{len(gpus)} × {name}"


def cores():
    """The number of processor cores that this process may use (a container may allow fewer than there are)."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(allowed, container.processors())))


def memory_gib():
    """(total, available) main memory in GiB; of a container its limit, and what is left of it."""
    import psutil

    memory = psutil.virtual_memory()
    limit, free = container.memory() or (memory.total, memory.available)
    return min(memory.total, limit) / 2**30, min(memory.available, free) / 2**30


def speed(seconds=0.5):
    """How fast the processor's cores multiply matrices together: GFLOP/s in float32, a float.

    A product of (m, k) and (k, n) takes 2 m n k operations. The best of several is told, after one to warm up: what
    comes between is other programs' work.

    Args:
        seconds: float, how long to measure; at least one product is.
    """
    tf, size, best = import_tensorflow(), 2048, math.inf
    with tf.device("CPU"):
        factors = [tf.random.stateless_normal((size, size), (7, i)) for i in range(2)]
        tf.linalg.matmul(*factors)
        end = time.perf_counter() + seconds
        while True:
            begin = time.perf_counter()
            tf.linalg.matmul(*factors)[0, 0].numpy()  # asks for a value, so that the product is done
            now = time.perf_counter()
            best = min(best, now - begin)
            if now >= end:
                return 2 * size**3 / best / 1e9


def time_factor(gflops):
    """By how much the README's minutes grow (or shrink, to a quarter at the most) on a machine of so many GFLOP/s."""
    return max(0.25, REFERENCE_GFLOPS / gflops)


def versions():
    """Versions of Python, the course and the libraries that decide a result, as a dict of strings."""
    tf = import_tensorflow()
    import keras
    import numpy as np

    from aigc_course import __version__

    return {
        "python": platform.python_version(),
        "aigc_course": __version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }


def describe():
    """One line: versions, device, cores, memory."""
    found = versions()
    total, _ = memory_gib()
    return (
        f"Python {found['python']} · TensorFlow {found['tensorflow']} · Keras {found['keras']} · "
        f"{device()}, {cores()} cores, {total:.0f} GiB"
    )


@functools.lru_cache(maxsize=None)  # noqa: UP033
def xla_works():
    """Tries whether XLA compiles here (some builds lack it). The first call takes about a quarter of a second."""
    tf = import_tensorflow()
    try:
        tf.function(lambda x: x * 2.0 + 1.0, jit_compile=True)(tf.constant([1.0]))
    except Exception:  # XLA reports its absence as one of several TensorFlow errors
        return False
    return True


def results():
    """(folder, remark) of `folders.place`, or the folder that AIGC_RUNS names; nothing is made.

    Raises:
        CourseError: AIGC_RUNS names a folder that cannot be written.
    """
    asked = os.environ.get("AIGC_RUNS")
    if not asked:
        return folders.place()
    folder = Path(os.path.expandvars(os.path.expanduser(asked)))
    if not folders.can_write(folder):
        raise CourseError(f"AIGC_RUNS must name a folder that can be written; received {asked}. Name another.")
    return folder, ""


@functools.lru_cache(maxsize=None)  # noqa: UP033  (one a process)
def temporary_folder():
    """A new folder for what can be kept nowhere else."""
    return Path(tempfile.mkdtemp(prefix="aigc-course-"))


def runs():
    """The base folder of results, made if missing; says once where it is if that is not the usual place.

    Returns:
        `pathlib.Path`; the usual place is `runs`, relative to the working directory.

    Raises:
        CourseError: nothing can be written, or not where AIGC_RUNS says.
    """
    folder, remark = results()
    try:
        if folder is None:
            folder, remark = temporary_folder(), f"Results go to the temporary folder {temporary_folder()}: {remark}"
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CourseError(
            f"results need a folder that can be written; there is none: {error.strerror}. Set AIGC_RUNS to one."
        ) from error
    if remark:
        say_once(remark)
    return folder


def work_folder(name):
    """A folder for a notebook's own files in the base folder of results; made if missing.

    Args:
        name: str, for example "chapter04".

    Returns:
        `pathlib.Path`, absolute.
    """
    folder = (runs() / name).absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CourseError(
            f"a folder for results must be writable; {folder} is not ({error.strerror}). Remove what is in its way."
        ) from error
    return folder
