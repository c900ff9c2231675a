"""Messages between the grader and its sandbox: a JSON header, then arrays as .npy without pickle, all of capped size.

A frame is 4 bytes (length of the header, big-endian), the header, and the arrays one after the other. Used on both
sides; the grader's side trusts nothing that it reads.
"""

import io
import json
import struct
from collections.abc import Iterable, Sequence
from typing import Any, BinaryIO

import numpy as np

__all__ = ["BrokenFrame", "pack", "read_frame", "unpack", "write_frame"]

_HEADER_MOST = 1_000_000  # bytes
_BODY_MOST = 100_000_000
_TEXT_MOST = 20_000  # characters of an array of text


class BrokenFrame(Exception):
    """What came is no frame, or too large."""


def write_frame(file: BinaryIO, header: dict[str, Any], arrays: Iterable[Any] = ()) -> None:
    """Writes one frame; arrays must be of numbers or text."""
    blobs = []
    for array in arrays:
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, np.asarray(array), allow_pickle=False)
        blobs.append(buffer.getvalue())
    head = json.dumps({**header, "sizes": [len(blob) for blob in blobs]}).encode()
    file.write(struct.pack(">I", len(head)) + head)
    for blob in blobs:
        file.write(blob)
    file.flush()


def read_frame(file: BinaryIO) -> tuple[Any, list[np.ndarray]] | None:
    """(header, arrays) of the next frame, or None at the end of the stream.

    Raises:
        BrokenFrame: it is cut off, too large, no JSON, or holds an array that is none.
    """
    start = file.read(4)
    if not start:
        return None
    if len(start) < 4 or (length := struct.unpack(">I", start)[0]) > _HEADER_MOST:
        raise BrokenFrame("a header of impossible length")
    try:
        header = json.loads(_exactly(file, length))
        sizes = header["sizes"]
        fine = all(type(size) is int and size >= 0 for size in sizes) and sum(sizes) <= _BODY_MOST
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BrokenFrame("a header that is no JSON object") from error
    if not fine:
        raise BrokenFrame("arrays of impossible size")
    return header, [_array(_exactly(file, size)) for size in sizes]


def _exactly(file: BinaryIO, n: int) -> bytes:
    """The next n bytes."""
    data = file.read(n)
    if len(data) < n:
        raise BrokenFrame("cut off")
    return data


def _array(blob: bytes) -> np.ndarray:
    """An array from .npy bytes: plain numbers or short text, exactly as long as its header says."""
    try:
        buffer = io.BytesIO(blob)
        version = np.lib.format.read_magic(buffer)
        if version != (1, 0):
            raise ValueError("version")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(buffer)
        rest = memoryview(blob)[buffer.tell() :]
        count = 1
        for side in shape:
            count *= side
        if dtype.hasobject or dtype.kind not in "biufcU" or len(shape) > 8 or count * dtype.itemsize != len(rest):
            raise ValueError("dtype, shape or length")
        if dtype.kind == "U" and len(rest) > 4 * _TEXT_MOST:
            raise ValueError("text too long")
        if not len(rest):
            return np.empty(shape, dtype)
        return np.frombuffer(rest, dtype).reshape(shape, order="F" if fortran else "C").copy()
    except Exception as error:
        raise BrokenFrame(f"an array that is none ({type(error).__name__})") from error


def pack(values: Iterable[Any]) -> tuple[list[dict[str, Any]], list[np.ndarray]]:
    """A list of values as (descriptions, arrays): numbers and text as they are, arrays by their place."""
    found: list[dict[str, Any]] = []
    arrays: list[np.ndarray] = []
    for value in values:
        if isinstance(value, (np.ndarray, np.generic)):
            found.append({"array": len(arrays)})
            arrays.append(np.asarray(value))
        elif isinstance(value, (bool, int, str)) or value is None:
            found.append({"value": value})
        elif isinstance(value, float):
            found.append({"float": value.hex()})
        else:
            raise TypeError(f"cannot send {type(value).__name__}")
    return found, arrays


def unpack(found: Iterable[dict[str, Any]], arrays: Sequence[np.ndarray]) -> tuple[Any, ...]:
    """The inverse of `pack`."""
    return tuple(_unpacked(item, arrays) for item in found)


def _unpacked(item: dict[str, Any], arrays: Sequence[np.ndarray]) -> Any:
    """A value from its description."""
    if "array" in item:
        return arrays[item["array"]]
    return float.fromhex(item["float"]) if "float" in item else item["value"]
