"""Files that are whole or not there: writing, reading, what to say when the machine refuses, networks as .npz.

Nothing but the standard library is imported at once, in words that old Pythons understand: `doctor` runs on them too.
"""

from __future__ import annotations  # old Pythons read this file too: they must not compute the hints

import contextlib
import errno
import json
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from aigc_course.errors import CourseError

__all__ = [
    "advice",
    "check_writable",
    "in_order",
    "load_network",
    "load_state",
    "numbered",
    "save_network",
    "save_state",
    "uninterrupted",
    "unreadable",
    "write_whole",
]

# What to do when the machine refuses, by what it says; for all else see `advice`.
_MENDS = {
    errno.ENOLCK: "This file system has no locks, as some network drives: start Python with "
    "HDF5_USE_FILE_LOCKING=FALSE, or use a folder on a local disk.",
    errno.EAGAIN: "Another program holds it: close that one.",
    errno.EMFILE: "Too many files are open: restart the kernel, or raise the limit with `ulimit -n 4096`.",
    errno.ENFILE: "Too many files are open on this machine: close other programs.",
    errno.ENOSPC: "Make room or choose another folder.",
    errno.EDQUOT: "Your quota is used up: make room or choose another folder.",
    errno.EACCES: "See that you may read and write it (chmod u+rw) and that no other program has it open, or choose "
    "another folder.",
    errno.EROFS: "Choose a folder that can be written.",
}


def unreadable(path: object, error: BaseException | None) -> CourseError | None:
    """What to raise for a file that could not be read through no fault of its own.

    A lock that is refused, a failing disk, missing rights or too many open files come up while a file is read, but say
    nothing about what is in it: to get it anew, or to train anew, would not help.

    Args:
        path: of the file.
        error: what reading it raised.

    Returns:
        CourseError with the machine's own words and what to do; None where the file itself is at fault.
    """
    while error is not None:
        if isinstance(error, MemoryError):
            reason = str(error).splitlines()[0] if str(error) else "not enough memory"
            return CourseError(f"{path} could not be read: {reason}. Close other programs, or take a smaller file.")
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):  # EINVAL: it points outside itself
            return CourseError(f"{path} could not be read: {os.strerror(error.errno)}. {advice(error)}")
        error = error.__cause__ or error.__context__
    return None


def advice(error: OSError, otherwise: str = "The file may be whole: try again, then copy it to another disk.") -> str:
    """What to do about an OSError: one or two sentences."""
    return _MENDS.get(error.errno, otherwise)


# --- writing ---


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C, or a polite kill, waits until the block has ended: inside h5py its exception would be lost."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came = []
    before = {number: signal.signal(number, lambda *_: came.append(1)) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
    if came:
        raise KeyboardInterrupt


def write_whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Writes a file beside its place and moves it there when it is complete.

    Args:
        path: `pathlib.Path` of the file.
        write: function of a path (with the same ending) that writes the file.

    Raises:
        CourseError: the folder cannot be written, or the disk is full; what stood at `path` is untouched.
    """
    part = path.with_name(f".{os.getpid()}.{path.name}")  # the same ending: Keras insists on it
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(part)
        with open(part, "r+b") as file:  # Windows flushes only what is open for writing
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        free = f"{shutil.disk_usage(path.parent).free / 2**20:.0f} MiB free" if path.parent.is_dir() else "no folder"
        raise CourseError(
            f"could not write {path}: {error.strerror or str(error).splitlines()[0]} ({free}). Nothing was changed. "
            f"{advice(error, 'Make room or choose another folder.')}"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def check_writable(folder: Path) -> None:
    """Makes a folder and tries to write in it, before any work is done."""
    probe = folder / f".probe.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        raise CourseError(
            f"--out must be a folder that can be written; {folder} cannot: {error.strerror}. Choose another."
        ) from error


# --- a network's weights as .npz in float16, with a header of JSON ---


def save_network(path: str | Path, header: dict, weights: dict) -> None:
    """Writes a network, whole or not at all.

    Args:
        path: where.
        header: dict that JSON can hold.
        weights: dict, name -> array; kept in float16.
    """
    import numpy as np

    blob = np.frombuffer(json.dumps(header, ensure_ascii=False).encode(), np.uint8)
    small = {name: np.asarray(value).astype(np.float16) for name, value in weights.items()}
    write_whole(Path(path), lambda part: np.savez_compressed(part, header=blob, **small))


def numbered(weights: list) -> dict:
    """A list of arrays for `save_network`, under names that tell their places."""
    return {f"w{i}": value for i, value in enumerate(weights)}


def in_order(weights: dict) -> list:
    """The list that `numbered` was given, from what `build` receives."""
    return [weights[f"w{i}"] for i in range(len(weights))]


def load_network(path: str | Path, build: Callable[[dict, dict], Any], what: str) -> Any:
    """build(header, weights), with weights in float32, from a file that `save_network` wrote.

    Raises:
        CourseError: no such file, one that cannot be read, or not one of a network that `build` can make.
    """
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as file:
            header = json.loads(file["header"].tobytes())
            weights = {name: file[name].astype(np.float32) for name in file.files if name != "header"}
        return build(header, weights)
    except CourseError:
        raise
    except FileNotFoundError as error:
        raise CourseError(f"{path} cannot be read as {what}: there is no such file. Train first.") from error
    except Exception as error:  # zip, zlib, JSON, NumPy and Keras: each has its own
        raise unreadable(path, error) or CourseError(
            f"{path} cannot be read as {what} ({type(error).__name__}). Train anew."
        ) from error


# --- all that a training needs to go on, as .npz ---


def save_state(path: str | Path, variables: list, **facts: Any) -> None:
    """Writes variables at full precision, and facts that JSON can hold, whole or not at all."""
    import numpy as np

    blob = np.frombuffer(json.dumps(facts).encode(), np.uint8)
    values = [np.asarray(variable) for variable in variables]
    write_whole(Path(path), lambda part: np.savez(part, blob, *values))


def load_state(path: str | Path, variables: list) -> dict:
    """Puts back into the variables what `save_state` wrote, and returns its facts.

    Raises:
        CourseError: no such file, one that cannot be read, or one of other variables; then nothing was changed.
    """
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as file:
            blob, *stored = (file[name] for name in file.files)
        facts = json.loads(blob.tobytes())
    except Exception as error:  # zip, zlib, JSON and NumPy: each has its own
        raise unreadable(path, error) or CourseError(
            f"{path} cannot be read ({type(error).__name__}). Remove it to train anew."
        ) from error
    if [value.shape for value in stored] != [tuple(variable.shape) for variable in variables]:
        raise CourseError(f"{path} holds the training of another network. Take another folder, or remove it.")
    for variable, value in zip(variables, stored, strict=True):
        variable.assign(value)
    return facts
