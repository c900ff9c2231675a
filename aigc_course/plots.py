"""Figures in the house style: colours that everyone can tell apart, images in grey, alt text on every picture."""

import functools
import io
import math

import matplotlib.pyplot as plt
import numpy as np

from aigc_course import data
from aigc_course.runtime import CourseError

# Okabe & Ito (2008): told apart with every common kind of colour vision. A dash or marker always goes with them.
REAL, FAKE, THIRD, GREY = "#0072B2", "#D55E00", "#009E73", "#666666"
CJK_FONTS = ("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Zen Hei", "Microsoft YaHei",
             "PingFang SC", "Hiragino Sans GB", "SimHei", "Noto Sans CJK JP")  # fmt: skip
DPI = 110

plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": "medium",
                     "figure.dpi": DPI, "figure.constrained_layout.use": True})  # fmt: skip


def show(fig, alt):
    """Shows a figure once, as a PNG with alternative text for readers who cannot see it.

    Args:
        fig: `matplotlib.figure.Figure`; it is closed afterwards.
        alt: str, one sentence: what the figure shows and what to conclude.

    Raises:
        CourseError: no alt text.
    """
    from IPython.display import display

    display(picture(fig, alt))


def picture(fig, alt):
    """A figure as an `IPython.display.Image` with alternative text; the figure is closed."""
    from IPython.display import Image

    if not isinstance(alt, str) or not alt.strip():
        raise CourseError(f"every figure needs alt text, a sentence; received {alt!r}.")
    return Image(data=png(fig), format="png", alt=alt)


def png(fig):
    """A figure as PNG bytes; the figure is closed."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    plt.close(fig)
    return buffer.getvalue()


def update(handle, images, title):
    """Shows an image grid, or replaces the one shown before; returns the handle for the next call."""
    from IPython.display import display

    shown = picture(image_grid(images, title=title), alt=f"{len(images)} generated images, {title}")
    if handle is None:
        return display(shown, display_id=True)
    handle.update(shown)
    return handle


@functools.cache
def chinese_font():
    """The name of an installed font with Chinese characters, or None."""
    from matplotlib import font_manager

    installed = {font.name for font in font_manager.fontManager.ttflist}
    found = next((name for name in CJK_FONTS if name in installed), None)
    if found:
        plt.rcParams["font.sans-serif"] = [*plt.rcParams["font.sans-serif"], found]  # a fallback per glyph
    return found


def label(english, chinese):
    """A label in both languages where a font can draw Chinese, else in English only (never empty boxes)."""
    return f"{english} {chinese}" if chinese_font() else english


def image_grid(images, columns=10, title=None, labels=None, size=0.62):
    """Images side by side, in grey or colour.

    Args:
        images: float (N, H, W, C) in [-1, 1], or uint8 (N, H, W) or (N, H, W, C).
        columns: int, images in a row.
        title: str or None.
        labels: N strings under the images, or None.
        size: float, inches a picture.

    Returns:
        `matplotlib.figure.Figure`.
    """
    images = np.asarray(images)
    pixels = data.check_images(images) if images.dtype == np.uint8 else data.unscale(images)
    columns = min(columns, len(pixels))
    rows = math.ceil(len(pixels) / columns)
    below = 0.22 if labels is not None else 0.0
    fig, axes = plt.subplots(rows, columns, squeeze=False,
                             figsize=(columns * size, rows * (size + below) + (0.35 if title else 0)))  # fmt: skip
    fig.get_layout_engine().set(w_pad=0.01, h_pad=0.01, wspace=0.02, hspace=0.02)
    for ax in axes.flat:
        ax.axis("off")
    for index, (ax, image) in enumerate(zip(axes.flat, pixels, strict=False)):
        ax.imshow(image, cmap="gray", vmin=0, vmax=255)
        if labels is not None:
            ax.text(0.5, -0.04, labels[index], transform=ax.transAxes, ha="center", va="top", fontsize=7)
    if title:
        fig.suptitle(title, fontsize="medium")
    return fig


def densities(ax, x, real, fake):
    """Draws two densities over x (X,): real solid and fake dashed, both filled faintly."""
    for y, colour, dash, name in ((real, REAL, "-", "real"), (fake, FAKE, "--", "fake")):
        ax.plot(x, y, dash, color=colour, label=name)
        ax.fill_between(x, y, color=colour, alpha=0.12)


def losses(rows, title):
    """Both players' losses and the discriminator's hits over the steps.

    Args:
        rows: list of dicts with step, d_loss, g_loss, real_share, fake_share.
        title: str, the finding.

    Returns:
        `matplotlib.figure.Figure`.
    """
    step = [row["step"] for row in rows]
    fig, (top, bottom) = plt.subplots(2, 1, figsize=(6, 4.4), sharex=True)
    curves = {
        "d_loss": (top, THIRD, "-", "discriminator"),
        "g_loss": (top, FAKE, "--", "generator"),
        "real_share": (bottom, REAL, "-", "real called real"),
        "fake_share": (bottom, FAKE, "--", "fake called fake"),
    }
    for name, (ax, colour, dash, shown) in curves.items():
        ax.plot(step, [row[name] for row in rows], dash, color=colour, label=shown)
        ax.legend(frameon=False, fontsize="small", loc="best")
    top.axhline(2 * math.log(2), color=GREY, linewidth=0.8, linestyle=":")
    top.annotate(
        "2 log 2: D knows nothing", (step[-1], 2 * math.log(2)), ha="right", va="bottom", fontsize=7, color=GREY
    )
    top.set(ylabel="loss (nats)", title=title)
    bottom.set(ylabel="share", xlabel="training step", ylim=(0, 1.02))
    return fig
