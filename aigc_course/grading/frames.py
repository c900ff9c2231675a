"""Messages between the grader and its sandbox: a JSON header, then arrays as .npy without pickle, all of capped size.

A frame is 4 bytes (length of the header, big-endian), the header, and the arrays one after the other. Used on both
sides; the grader's side trusts nothing that it reads.
"""

import io
import json
import struct

import numpy as np

HEADER_MOST = 1_000_000  # bytes
BODY_MOST = 100_000_000
TEXT_MOST = 20_000  # characters of an array of text


class BrokenFrame(Exception):
    """What came is no frame, or too large."""


def write(file, header, arrays=()):
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


def read(file):
    """(header, arrays) of the next frame, or None at the end of the stream.

    Raises:
        BrokenFrame: it is cut off, too large, no JSON, or holds an array that is none.
    """
    start = file.read(4)
    if not start:
        return None
    if len(start) < 4 or (length := struct.unpack(">I", start)[0]) > HEADER_MOST:
        raise BrokenFrame("a header of impossible length")
    try:
        header = json.loads(exactly(file, length))
        sizes = header["sizes"]
        fine = all(type(size) is int and size >= 0 for size in sizes) and sum(sizes) <= BODY_MOST
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BrokenFrame("a header that is no JSON object") from error
    if not fine:
        raise BrokenFrame("arrays of impossible size")
    return header, [parse(exactly(file, size)) for size in sizes]


def exactly(file, n):
    """The next n bytes."""
    data = file.read(n)
    if len(data) < n:
        raise BrokenFrame("cut off")
    return data


def parse(blob):
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
        if dtype.kind == "U" and len(rest) > 4 * TEXT_MOST:
            raise ValueError("text too long")
        if not len(rest):
            return np.empty(shape, dtype)
        return np.frombuffer(rest, dtype).reshape(shape, order="F" if fortran else "C").copy()
    except Exception as error:
        raise BrokenFrame(f"an array that is none ({type(error).__name__})") from error


def pack(values):
    """A list of values as (descriptions, arrays): numbers and text as they are, arrays by their place."""
    found, arrays = [], []
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


def unpack(found, arrays):
    """The inverse of `pack`."""
    return tuple(
        arrays[item["array"]] if "array" in item else float.fromhex(item["float"]) if "float" in item else item["value"]
        for item in found
    )
