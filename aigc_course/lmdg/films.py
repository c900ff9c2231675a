"""Films as codes: moving digits, and what can be measured about motion and identity (chapter 10).

After Moving MNIST (Srivastava et al., 2015), smaller: one digit of 14 × 14 pixels bounces in a frame of 24 × 24.
A film is a uint8 array (frames, 24, 24), 0 = paper and 255 = ink, as the digits of MNIST.
"""

import base64
import html
import io

import numpy as np

from aigc_course import data, metrics, plots
from aigc_course.errors import CourseError
from aigc_course.lmdg.codecs.frames import SIZE

__all__ = [
    "DIGIT",
    "FASTEST",
    "FRAMES",
    "SIZE",
    "acceleration",
    "bounce",
    "centres",
    "check_films",
    "digits_of",
    "flight",
    "frozen",
    "identity",
    "measures",
    "motion",
    "moving_digits",
    "play_films",
    "read",
    "shuffled",
    "strip",
]

DIGIT, FRAMES = 14, 10  # pixels, frames of a film
FASTEST = 3  # pixels a frame along each axis


# --- films ---


def bounce(start, speed, steps, span):
    """Places 0 … span of a point that flies at `speed` and turns back at both walls: int array (n, steps)."""
    straight = start[:, None] + speed[:, None] * np.arange(steps)
    return span - np.abs(np.mod(straight, 2 * span) - span)


def moving_digits(images, n, rng, frames=FRAMES):
    """n films of a digit each that flies straight on and bounces off the walls.

    Args:
        images: uint8 (N, 28, 28); each digit is shrunk to 14 × 14, the mean of 2 × 2 pixels.
        n: int, number of films; each takes another image, so at most N.
        rng: `numpy.random.Generator`; it decides images, places and speeds (whole pixels a frame, not both 0).
        frames: int.

    Returns:
        (films uint8 (n, frames, 24, 24), chosen (n,) places in `images`, corners (n, frames, 2) row and column).
    """
    images = data.check_images(images)
    data.check_draw(n, rng)
    if images.shape[1:] != (28, 28) or n > len(images):
        raise CourseError(f"images (N, 28, 28) with N >= n are needed; received {images.shape} and n = {n}.")
    chosen = rng.choice(len(images), n, replace=False)
    small = images[chosen].reshape(n, DIGIT, 2, DIGIT, 2).mean(axis=(2, 4)).round().astype(np.uint8)
    span = SIZE - DIGIT
    moves = [(a, b) for a in range(-FASTEST, FASTEST + 1) for b in range(-FASTEST, FASTEST + 1) if a or b]
    speed = np.array(moves)[rng.integers(len(moves), size=n)]  # (n, 2)
    start = rng.integers(0, span + 1, (n, 2))
    corners = np.stack([bounce(start[:, axis], speed[:, axis], frames, span) for axis in (0, 1)], axis=-1)
    films = np.zeros((n, frames, SIZE, SIZE), np.uint8)
    for film, picture, path in zip(films, small, corners, strict=True):
        for frame, (row, column) in zip(film, path, strict=True):
            frame[row : row + DIGIT, column : column + DIGIT] = picture
    return films, chosen, corners


def check_films(films):
    """Films as a uint8 array (n, frames, 24, 24), else CourseError."""
    films = np.asarray(films)
    if films.dtype != np.uint8 or films.ndim != 4 or films.shape[2:] != (SIZE, SIZE) or 0 in films.shape:
        raise CourseError(f"films are uint8 (n, frames, {SIZE}, {SIZE}); received {films.dtype} {films.shape}.")
    return films


# --- what can be measured ---


def centres(films):
    """The ink's centre in each frame: float (n, frames, 2), row and column in pixels; NaN where there is no ink."""
    ink = check_films(films).astype(float)
    total = ink.sum(axis=(2, 3))
    places = np.arange(SIZE)
    with np.errstate(invalid="ignore"):
        return np.stack([(ink.sum(axis=3) @ places) / total, (ink.sum(axis=2) @ places) / total], axis=-1)


def motion(films):
    """Mean distance of the ink's centre from frame to frame, in pixels."""
    return float(np.nanmean(np.linalg.norm(np.diff(centres(films), axis=1), axis=-1)))


def acceleration(films):
    """Mean length of the centre's second difference, in pixels a frame²: 0 for straight, even flight."""
    return float(np.nanmean(np.linalg.norm(np.diff(centres(films), n=2, axis=1), axis=-1)))


def _centred(films):
    """Each frame moved so that its ink's centre stands in the middle: float (n, frames, 24, 24), parts of pixels too.

    A move by parts of a pixel shares each pixel among its four neighbours (bilinear). What leaves the frame is lost.
    """
    ink = check_films(films).astype(float)
    moves = np.nan_to_num((SIZE - 1) / 2 - centres(films))
    out = np.zeros_like(ink)
    for index in np.ndindex(ink.shape[:2]):
        whole = np.floor(moves[index]).astype(int)
        part = moves[index] - whole
        for row in (0, 1):
            for column in (0, 1):
                weight = (part[0] if row else 1 - part[0]) * (part[1] if column else 1 - part[1])
                out[index] += weight * _shifted(ink[index], whole + np.array([row, column]))
    return out


def _shifted(picture, move):
    """A picture (H, W) moved by whole pixels; what comes in is 0."""
    padded = np.pad(picture, SIZE)
    rows, columns = (slice(SIZE - m, 2 * SIZE - m) for m in np.clip(move, -SIZE, SIZE))
    return padded[rows, columns]


def identity(films):
    """Mean correlation of neighbouring frames with their ink's centres on each other: 1 if only the place changes."""
    flat = _centred(films).reshape(*films.shape[:2], -1)
    flat = flat - flat.mean(axis=-1, keepdims=True)
    flat /= np.maximum(np.linalg.norm(flat, axis=-1, keepdims=True), 1e-9)
    return float((flat[:, 1:] * flat[:, :-1]).sum(axis=-1).mean())


def digits_of(films):
    """Each frame's digit for the judge: uint8 (n, frames, 28, 28), cut out around the ink's centre, twice as large."""
    corner = (SIZE - DIGIT) // 2
    cut = _centred(films)[:, :, corner : corner + DIGIT, corner : corner + DIGIT]
    return np.kron(cut, np.ones((2, 2))).clip(0, 255).round().astype(np.uint8)


def flight(given, ahead, box=False):
    """The ink's centre in the next frames by arithmetic: (n, ahead, 2), from films (n, two or more, 24, 24) alone.

    Of all whole speeds that one is taken whose way back passes nearest to the centres seen, walls included.

    Args:
        given: films; for certainty three frames, as a wall may lie between two.
        ahead: int.
        box: bool. True: the edge of the ink turns back at the frame's edge. False: the digit's picture does, which is
            14 pixels wide, with its ink's centre in its middle, as MNIST has it; its corner stands on a whole pixel.
    """
    seen = centres(given)[:, ::-1]  # the last frame first
    speeds, found = np.arange(-FASTEST, FASTEST + 1), []
    for axis in (0, 1):
        place = seen[:, :, axis]
        if box:
            lines = given[:, -1].any(axis=2 - axis)
            low = place[:, :1] - lines.argmax(axis=1)[:, None]
            span = (SIZE - 1) - (SIZE - 1 - lines[:, ::-1].argmax(axis=1) - lines.argmax(axis=1))[:, None]
        else:
            low = place[:, :1] - np.round(place[:, :1] - (DIGIT - 1) / 2)
            span = np.full_like(low, SIZE - DIGIT)
        start = (place[:, :1] - low)[:, 0]
        back = np.stack([bounce(start, np.full(len(start), -v), place.shape[1], span) for v in speeds])
        speed = speeds[np.abs(back - (place - low)).sum(axis=-1).argmin(axis=0)]
        found.append(low + bounce(start, speed, ahead + 1, span)[:, 1:])
    return np.stack(found, axis=-1)


def read(films):
    """What the judge of chapter 01 reads in each frame: int (n, frames)."""
    return metrics.judge().labels(data.scale(digits_of(films).reshape(-1, 28, 28))).reshape(films.shape[:2])


def shuffled(films, rng):
    """Each film's frames in random order."""
    order = rng.permuted(np.tile(np.arange(films.shape[1]), (len(films), 1)), axis=1)
    return np.take_along_axis(films, order[:, :, None, None], axis=1)


def frozen(films):
    """Each film's first frame, again and again."""
    return np.repeat(films[:, :1], films.shape[1], axis=1)


def measures(films):
    """motion, acceleration, identity of films as a dict."""
    return {
        "motion (px a frame)": motion(films),
        "acceleration (px a frame²)": acceleration(films),
        "identity": identity(films),
    }


# --- a player ---


def play_films(films, alt, labels=None, given=0, scale=5, milliseconds=200):
    """Films side by side as one animated GIF inside HTML: it plays in JupyterLab, on Colab and in exported pages.

    Args:
        films: uint8 (n, frames, 24, 24).
        alt: str, one sentence on what is shown.
        labels: n strings to stand under the films, or None.
        given: int, a white line above the first so many frames tells that they were given.
        scale: int, screen pixels a pixel.
        milliseconds: int, a frame.

    Returns:
        `IPython.display.HTML`.
    """
    from IPython.display import HTML

    alt = plots.check_alt(alt, "film")
    gap = np.full((films.shape[1], SIZE, 2), 128, np.uint8)
    wide = np.concatenate([part for film in check_films(films) for part in (film, gap)], axis=2)  # (frames, 24, 26 n)
    wide[:given, 0] = 255
    source = "data:image/gif;base64," + base64.b64encode(_gif(wide, scale, milliseconds)).decode()
    width = f"width:{scale * (SIZE + 2)}px;display:inline-block;text-align:center;font-size:small"
    labels = [] if labels is None else map(str, labels)
    names = "".join(f'<span style="{width}">{html.escape(label)}</span>' for label in labels)
    return HTML(f'<img alt="{html.escape(alt)}" src="{source}"/>' + (f"<div>{names}</div>" if names else ""))


def _gif(pictures, scale, milliseconds):
    """uint8 pictures (frames, H, W) as the bytes of an animated GIF that repeats for ever."""
    from PIL import Image

    large = [Image.fromarray(np.kron(p, np.ones((scale, scale), np.uint8))) for p in pictures]
    buffer = io.BytesIO()
    large[0].save(buffer, "GIF", save_all=True, append_images=large[1:], duration=milliseconds, loop=0)
    return buffer.getvalue()


def strip(films, alt, labels, title, given=0):
    """Shows each film as a row of its frames, for paper and for the eye's leisure; the title states the finding."""
    import matplotlib.pyplot as plt

    films = check_films(films)
    fig, axes = plt.subplots(len(films), 1, figsize=(8.5, 0.78 * len(films) + 0.1), squeeze=False)
    for ax, film, label in zip(axes[:, 0], films, labels, strict=True):
        ax.imshow(np.concatenate(list(np.pad(film, ((0, 0), (1, 1), (1, 1)), constant_values=90)), axis=1), cmap="gray")
        ax.set(xticks=[], yticks=[])
        ax.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=8)
        if given:
            ax.axvline(given * (SIZE + 2) - 0.5, color=plots.FAKE, linewidth=2)
    axes[0, 0].set_title(title)
    plots.show(fig, alt)
