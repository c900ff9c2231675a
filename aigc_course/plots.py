"""Figures in the house style: colours that everyone can tell apart, images in grey, alt text on every picture.

A sound has a name too, for who cannot see which player is which.
"""

import base64
import functools
import html
import io
import math
import struct

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from aigc_course import data
from aigc_course.errors import CourseError, whole_number

__all__ = [
    "CJK_FONTS",
    "DENSITY",
    "DPI",
    "FAKE",
    "GREY",
    "REAL",
    "THIRD",
    "Described",
    "Picture",
    "Sound",
    "check_alt",
    "chinese_font",
    "densities",
    "image_grid",
    "label",
    "losses",
    "mu_law_wav",
    "one_palette",
    "picture",
    "png",
    "show",
    "show_widget",
    "smaller",
    "update",
]

# Okabe & Ito (2008): told apart with every common kind of colour vision. A dash or marker always goes with them.
REAL, FAKE, THIRD, GREY = "#0072B2", "#D55E00", "#009E73", "#666666"
DENSITY = "viridis"  # of heights and densities
CJK_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "SimHei",
    "Noto Sans CJK JP",
)
DPI = 110

plt.rcParams.update(
    {
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": "medium",
        "figure.dpi": DPI,
        "figure.constrained_layout.use": True,
    }
)


def show(fig, alt):
    """Shows a figure once, with alternative text for readers who cannot see it.

    Args:
        fig: `matplotlib.figure.Figure`; it is closed afterwards.
        alt: str, one sentence: what the figure shows and what to conclude.

    Raises:
        CourseError: no alt text.
    """
    from IPython.display import display

    display(picture(fig, alt))


def picture(fig, alt):
    """A figure as a `Picture`; the figure is closed."""
    return Picture(png(fig), alt)


class Picture:
    """A PNG with alternative text, as the last line of a cell or for `display`, in every Jupyter and every IPython.

    JupyterLab and Colab give their own image output no alt text whatever its metadata say (ipython #13577), and older
    versions of `IPython.display.Image` take none: the text therefore goes out in an HTML image, and in two more forms
    for programs that read those.

    Args:
        png: bytes.
        alt: str, one sentence.

    Raises:
        CourseError: no alt text.
    """

    def __init__(self, png, alt):
        self.png, self.alt = png, check_alt(alt, "figure")

    def html(self):
        """An HTML image that holds its pixels itself."""
        source = base64.b64encode(self.png).decode()
        return f'<img alt="{html.escape(self.alt)}" src="data:image/png;base64,{source}" style="max-width:100%">'

    def _repr_mimebundle_(self, include=None, exclude=None):
        content = {
            "text/html": self.html(),
            "image/png": base64.b64encode(self.png).decode(),
            "text/plain": self.alt,
        }
        return content, {"image/png": {"alt": self.alt}}


class Sound:
    """A player of one sound, as the last line of a cell or for `display`; a screen reader says its name.

    `IPython.display.Audio` has no name, and is mute in JupyterLab where another computer made the output: from such
    HTML JupyterLab strikes `<source>` addresses that hold data, and every `aria-label`. An audio element's own address
    and its title stay.

    Args:
        samples: float array (N,), one channel.
        rate: int, samples a second.
        alt: str, what is heard.
        normalize: bool, the loudest sample becomes 1; else all must lie in [-1, 1].

    Raises:
        CourseError: no alt text, or samples out of range.
    """

    def __init__(self, samples, rate, alt, normalize=True):
        self.alt = check_alt(alt, "sound")
        samples = np.asarray(samples, float)
        loudest = np.abs(samples).max(initial=0)
        if not normalize and loudest > 1:
            raise CourseError(f"samples must lie in [-1, 1] or be normalised; the loudest is {loudest:.3g}.")
        self.data = mu_law_wav(samples / (loudest or 1) if normalize else samples, rate)

    def __repr__(self):
        return self.alt

    def _repr_html_(self):
        source = base64.b64encode(self.data).decode()
        return f'<audio controls title="{html.escape(self.alt)}" src="data:audio/wav;base64,{source}"></audio>'


def mu_law_wav(samples, rate):
    """A WAV file's bytes, 8 bits a sample (ITU-T G.711, mu-law): half of 16-bit PCM's size, noise 38 dB below.

    samples: float array (N,) in [-1, 1]; rate: int, samples a second.
    """
    level = np.minimum(np.round(np.abs(samples) * 32767), 32635).astype(int) + 132  # 132: the law's bias
    exponent = np.log2(level).astype(int) - 7  # 0 to 7, the segment; four bits say where in it
    code = (np.signbit(samples) * 128) | (exponent << 4) | ((level >> (exponent + 3)) & 15)
    body = (code ^ 255).astype(np.uint8).tobytes()
    form = struct.pack("<HHIIHHH", 7, 1, rate, rate, 1, 8, 0)  # 7: mu-law; one channel
    chunks = [(b"fmt ", form), (b"fact", struct.pack("<I", len(body))), (b"data", body + b"\0" * (len(body) % 2))]
    sizes = {b"data": len(body)}
    content = b"".join(name + struct.pack("<I", sizes.get(name, len(part))) + part for name, part in chunks)
    return b"RIFF" + struct.pack("<I", 4 + len(content)) + b"WAVE" + content


def check_alt(alt, what):
    """Alternative text on one line, else CourseError."""
    if not isinstance(alt, str) or not alt.strip():
        raise CourseError(f"every {what} needs alt text, a sentence; received {alt!r}.")
    return " ".join(alt.split())


def show_widget(widget, picture):
    """Shows one output in two forms: a page takes the richest that it can, the live widget or the `Picture`."""
    from IPython.display import display

    content, metadata = picture._repr_mimebundle_()
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    display({"application/vnd.jupyter.widget-view+json": view, **content}, raw=True, metadata=metadata)


class Described(Figure):
    """A figure that brings its own alternative text: as a cell's last line Jupyter shows it once, with that text.

    It is not in pyplot's list of open figures, which Jupyter draws again at the end of a cell.
    """

    alt = "a figure"

    def _repr_mimebundle_(self, include=None, exclude=None):
        return picture(self, self.alt)._repr_mimebundle_()


def png(fig, colours=256, dpi=DPI):
    """A figure as PNG bytes; the figure is closed.

    Args:
        fig: `matplotlib.figure.Figure`.
        colours: int, a palette's size: half the bytes, no difference to the eye. 0 keeps all colours.
        dpi: float, pixels an inch.
    """
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    plt.close(fig)
    return smaller(buffer.getvalue(), colours) if colours else buffer.getvalue()


def smaller(content, colours=256):
    """A PNG with a palette of its commonest colours; without one where it has no more colours than that anyway."""
    with Image.open(io.BytesIO(content)) as image:
        plain, dpi = image.convert("RGB"), image.info.get("dpi", (DPI, DPI))
    small = plain.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    small.save(buffer, format="PNG", optimize=True, dpi=dpi)
    return buffer.getvalue()


def one_palette(frames, durations, colours=256):
    """An animated PNG whose frames share a palette: with a palette each, Pillow stores all colours, at thrice the size.

    Args:
        frames: list of RGB `PIL.Image.Image` of one size.
        durations: list of int, milliseconds.
        colours: int, the palette's size.

    Returns:
        bytes.
    """
    width, height = frames[0].size
    together = Image.new("RGB", (width, height * len(frames)))
    for number, frame in enumerate(frames):
        together.paste(frame, (0, height * number))
    palette = together.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    first, *others = (frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames)
    buffer = io.BytesIO()
    first.save(buffer, format="PNG", save_all=True, append_images=others, duration=durations, loop=0)
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
        `matplotlib.figure.Figure`, which a cell's last line shows once.

    Raises:
        CourseError: what are no images, or another number of labels.
    """
    images = np.asarray(images)
    pixels = data.check_images(images) if images.dtype == np.uint8 else data.unscale(images)
    if labels is not None and len(labels) != len(pixels):
        raise CourseError(f"every image needs a label: {len(pixels)} labels; received {len(labels)}.")
    columns = min(whole_number(columns, "columns", hint="So many images stand in a row."), len(pixels))
    rows = math.ceil(len(pixels) / columns)
    below = 0.22 if labels is not None else 0.0
    fig = Described(figsize=(columns * size, rows * (size + below) + (0.35 if title else 0)))
    axes = fig.subplots(rows, columns, squeeze=False)
    named = f", labelled {', '.join(map(str, labels))}" if labels is not None else ""
    fig.alt = f"{len(pixels)} image{'s' if len(pixels) > 1 else ''}{f': {title}' if title else ''}{named}."
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
    fig = Described(figsize=(6, 4.4))
    top, bottom = fig.subplots(2, 1, sharex=True)
    fig.alt = f"Losses of both players and the discriminator's hits over {step[-1]} steps: {title}."
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
