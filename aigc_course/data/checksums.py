"""Shipped files: where they are, and whether they are the ones that were shipped."""

import hashlib
from functools import cache
from pathlib import Path

from aigc_course.errors import CourseError
from aigc_course.files import unreadable

__all__ = ["ASSETS", "asset", "sha256", "shipped_files"]

ASSETS = Path(__file__).parent.parent / "assets"


@cache
def shipped_files():
    """The SHA-256 sums of all shipped files: dict, file name -> 64 hexadecimal digits (from assets/SHA256SUMS)."""
    path = ASSETS / "SHA256SUMS"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise unreadable(path, error) from error
    return {name: digest for digest, name in (line.split() for line in lines)}


def sha256(path):
    """The SHA-256 sum of a file, as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def asset(name):
    """The path of a shipped file, after its checksum was compared.

    Args:
        name: str, a file in `aigc_course/assets`, for example "mnist.npz".

    Returns:
        `pathlib.Path`.

    Raises:
        CourseError: the file is missing, cannot be read, or is not the one that was shipped.
    """
    path = ASSETS / name
    if name not in shipped_files():
        raise CourseError(f"{name} is not a file of the course; there are: {', '.join(sorted(shipped_files()))}.")
    try:
        found = sha256(path)
    except FileNotFoundError as error:
        raise CourseError(f"{path} is missing. Get it back with `git checkout -- {name}` in its folder.") from error
    except OSError as error:
        raise unreadable(path, error) from error
    if found != shipped_files()[name]:
        raise CourseError(
            f"{name} is damaged: expected SHA-256 {shipped_files()[name]}, found {found}. "
            f"Get it back with `git checkout -- {path}`, or install the course again."
        )
    return path
