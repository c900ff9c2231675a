"""A film's frames as codes: 24 × 24 pixels in 6 × 6 cells, each cell eight numbers of eight levels.

A cell's code must move well: when the digit flies on by a pixel, every code changes. A network with a rounded middle
(the digits of chapter 09) gives codes that change in ways which must be learnt. Here the numbers are products of the
pixels with fixed patterns, the principal components of cells, rounded: what moves the pixels moves them by a matrix.
"""

import numpy as np

from aigc_course import files
from aigc_course.errors import CourseError, whole_number

__all__ = [
    "CELL",
    "GRID",
    "LEVELS",
    "NUMBERS",
    "SIZE",
    "TAIL",
    "FrameCodec",
    "cells_of",
    "fit_frame_codec",
    "load_frame_codec",
    "save_frame_codec",
]

SIZE, CELL = 24, 4  # pixels a side of a frame, of a cell
GRID = SIZE // CELL  # cells a side
NUMBERS, LEVELS = 8, 8  # of a cell; 24 bits
TAIL = 0.02  # share of numbers beyond the lowest level, and beyond the highest; chosen on digits for choices


def cells_of(films):
    """Ink of cells: films (n, frames, 24, 24), 0 … 255 -> float (n, frames, 6, 6, 16), 0 … 1."""
    parts = np.asarray(films).reshape(*films.shape[:2], GRID, CELL, GRID, CELL)
    return parts.transpose(0, 1, 2, 4, 3, 5).reshape(*films.shape[:2], GRID, GRID, CELL**2) / np.float32(255)


class FrameCodec:
    """Pixels of a cell to rounded numbers and back.

    Args:
        patterns: (numbers, 16), orthonormal rows.
        lowest, step: (numbers,); level l of a number stands for lowest + l · step, and one level stands for 0 (paper).
        levels: int.
    """

    def __init__(self, patterns, lowest, step, levels=LEVELS):
        self.patterns, self.lowest, self.step = (np.asarray(part, np.float32) for part in (patterns, lowest, step))
        self.levels = whole_number(levels, "levels")

    def encode(self, films):
        """Levels int32 (n, frames, 6, 6, numbers) of films uint8 (n, frames, 24, 24)."""
        films = np.asarray(films)
        if films.ndim != 4 or films.shape[2:] != (SIZE, SIZE):
            raise CourseError(f"films are (n, frames, {SIZE}, {SIZE}); received {films.shape}.")
        found = np.round((cells_of(films) @ self.patterns.T - self.lowest) / self.step)
        return np.clip(found, 0, self.levels - 1).astype(np.int32)

    def decode(self, levels):
        """Films uint8 (n, frames, 24, 24) of levels as `encode` gives them."""
        levels = np.asarray(levels)
        if levels.ndim != 5 or levels.shape[2:] != (GRID, GRID, len(self.step)):
            raise CourseError(f"levels are (n, frames, {GRID}, {GRID}, {len(self.step)}); received {levels.shape}.")
        pixels = (self.lowest + levels * self.step) @ self.patterns  # (n, frames, 6, 6, 16)
        parts = pixels.reshape(*levels.shape[:4], CELL, CELL).transpose(0, 1, 2, 4, 3, 5)
        return np.round(255 * np.clip(parts, 0, 1)).astype(np.uint8).reshape(*levels.shape[:2], SIZE, SIZE)


def fit_frame_codec(films, numbers=NUMBERS, levels=LEVELS):
    """A `FrameCodec` for films (n, frames, 24, 24): patterns are the principal directions of cells that have ink.

    The mean is not taken off, so that paper has only zeros. Levels span all but 1 in 50 values on each side.
    """
    inked = cells_of(films).reshape(-1, CELL**2)
    inked = inked[inked.any(axis=1)]
    if not len(inked):
        raise CourseError("there is no ink in these films: no cell to find patterns for.")
    patterns = np.linalg.svd(inked.T @ inked)[2][:numbers]
    patterns *= np.sign((inked @ patterns.T).mean(axis=0))[:, None]
    low, high = np.quantile(inked @ patterns.T, [TAIL, 1 - TAIL], axis=0)
    step = (high - np.minimum(low, 0)) / (levels - 1)
    return FrameCodec(patterns, step * np.round(np.minimum(low, 0) / step), step, levels)


def save_frame_codec(codec, path, **facts):
    """Writes a codec in float16."""
    weights = {"patterns": codec.patterns, "lowest": codec.lowest, "step": codec.step}
    files.save_network(path, {"levels": codec.levels, "facts": facts}, weights)


def load_frame_codec(path):
    """(codec, facts) from a file that `save_frame_codec` wrote."""
    return files.load_network(
        path, lambda header, weights: (FrameCodec(**weights, levels=header["levels"]), header["facts"]), "a codec"
    )
