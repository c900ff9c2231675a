"""Formulas and inputs for exercise 10.4: what three frames of a film tell of its later ones."""

import numpy as np

__all__ = ["FASTEST", "centre_of", "corners_of", "flight_cases", "fly", "folded", "landing", "speed_of"]

FASTEST = 3  # pixels a frame along each axis


def folded(place, span):
    """A place on the endless line, between walls 0 and span that turn back what comes."""
    return span - np.abs(np.mod(place, 2 * span) - span)


def flight_cases(rng, gap=1):
    """(given (N, 3, H, W), ahead): every `gap`-th frame of lopsided blots; far ahead and near, three of one shape."""
    cases, sizes = [], {}
    for n, ahead in ((6, 1), (6, 7), (1, 3), (9, 4), (6, 40), (12, 2)):
        drawn = rng.integers(3, 7, 2), rng.permutation([2 * gap * FASTEST + 2 + n % 4, 2 * gap * FASTEST + 5])
        (high, wide), spans = sizes.setdefault(n, drawn)
        starts, speeds = _flights(rng, n, spans, gap)
        films = np.zeros((n, 3, high + spans[0], wide + spans[1]))
        for film, start, speed in zip(films, starts, speeds, strict=True):
            blot = rng.uniform(1, 255, (high, wide)) * np.linspace(0.2, 1, high)[:, None] * np.linspace(1, 0.3, wide)
            for t, frame in enumerate(film):
                row, column = folded(start + gap * t * speed, spans)
                frame[row : row + high, column : column + wide] = blot
        cases.append((films, ahead))
    return cases


def _flights(rng, n, spans, gap):
    """Starts and speeds (N, 2): the first turns back between frames two and three, the second between one and two."""
    starts = np.stack([rng.integers(0, span + 1, n) for span in spans], axis=1)
    speeds = rng.choice([-3, -2, -1, 1, 2, 3], (n, 2))
    for film, after in ((0, 1), (1, 0)):
        if film < n:
            speeds[film], starts[film] = (3, -3), (spans[0] - 3 * gap * after - 1, 3 * gap * after + 1)
    speeds[3:4, 0] = 0
    return starts, speeds


def corners_of(films):
    """First row and column with ink, and the ink's height and width, of each frame: two arrays (N, 3, 2)."""
    found = []
    for axis in (3, 2):
        ink = films.any(axis=axis)  # (N, 3, places)
        first, last = ink.argmax(axis=-1), ink.shape[-1] - 1 - ink[..., ::-1].argmax(axis=-1)
        found.append((first, last - first + 1))
    return tuple(np.stack(part, axis=-1) for part in zip(*found, strict=True))


def centre_of(films):
    """The ink's centre of mass: (N, 3, 2)."""
    ink = films / films.sum(axis=(2, 3), keepdims=True)
    rows, columns = ink.sum(axis=3), ink.sum(axis=2)
    return np.stack([part @ np.arange(part.shape[-1]) for part in (rows, columns)], axis=-1)


def speed_of(before, after):
    """The velocity behind frame three, of two moves: the shorter move was cut by a wall; the last, if it turned."""
    return np.where(np.abs(after) >= np.abs(before), after, -before)


def fly(place, speed, ahead, span):
    return folded(place + ahead * speed, span)


def landing(films, ahead, speed=speed_of, move=fly, shape=None, back=True, gap=1):
    """(N, 2): the centre `ahead` frames on; other functions than these are mistakes."""
    corners, sizes = corners_of(films)
    moves = np.diff(corners, axis=1)
    span = np.array(films.shape[2:]) - (sizes[:, -1] if shape is None else shape)
    there = move(corners[:, -1], speed(moves[:, 0], moves[:, 1]) / gap, ahead, span)
    return there + (centre_of(films)[:, -1] - corners[:, -1]) * back
