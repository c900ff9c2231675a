"""Weights as .npz in float16, with a header of JSON: sizes to build the network by, and facts of its training."""

import json
from pathlib import Path

import numpy as np

from aigc_course.runtime import CourseError, unreadable, write_whole


def save(path, header, weights):
    """Writes a network, whole or not at all.

    Args:
        path: where.
        header: dict that JSON can hold.
        weights: dict, name -> array; kept in float16.
    """
    blob = np.frombuffer(json.dumps(header, ensure_ascii=False).encode(), np.uint8)
    small = {name: np.asarray(value).astype(np.float16) for name, value in weights.items()}
    write_whole(Path(path), lambda part: np.savez_compressed(part, header=blob, **small))


def numbered(weights):
    """A list of arrays for `save`, under names that tell their places."""
    return {f"w{i}": value for i, value in enumerate(weights)}


def in_order(weights):
    """The list that `numbered` was given, from what `build` receives."""
    return [weights[f"w{i}"] for i in range(len(weights))]


def load(path, build, what):
    """build(header, weights), with weights in float32, from a file that `save` wrote.

    Raises:
        CourseError: no such file, one that cannot be read, or not one of a network that `build` can make.
    """
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
