"""Figures: alternative text on each, images in every form, labels that never show empty boxes."""

import base64
import html.parser
import io

import IPython.display
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from aigc_course import data, plots
from aigc_course.errors import CourseError


@pytest.fixture(autouse=True)
def closed_figures():
    """Every test begins and ends without open figures."""
    plt.close("all")
    yield
    plt.close("all")


@pytest.fixture
def shown(monkeypatch):
    """What would be displayed."""
    seen = []
    monkeypatch.setattr(IPython.display, "display", lambda thing, **_: seen.append(thing))
    return seen


def figure():
    fig, ax = plt.subplots(figsize=(2, 1))
    ax.plot([0, 1])
    return fig


@pytest.mark.parametrize("alt", ["", "   ", None, 3])
def test_a_figure_without_alt_text_is_refused(shown, alt):
    """show() and picture() want a sentence; nothing is shown without one."""
    for function in (plots.show, plots.picture):
        with pytest.raises(CourseError, match="needs alt text"):
            function(figure(), alt)
    assert shown == []


def test_show_displays_one_png_with_its_alt_text(shown):
    """One picture that carries its alt text in the HTML that Jupyter prefers, in the PNG's metadata and as plain text;
    the figure is closed."""
    plots.show(figure(), alt='a line that\n rises, "steeply" & <soon>')
    (picture,) = shown
    content, metadata = picture._repr_mimebundle_()
    alt = 'a line that rises, "steeply" & <soon>'
    assert set(content) == {"text/html", "image/png", "text/plain"}
    assert metadata["image/png"]["alt"] == content["text/plain"] == alt
    parser = Images()
    parser.feed(content["text/html"])
    ((told, source),) = parser.found
    assert told == alt
    assert source == "data:image/png;base64," + content["image/png"]
    assert base64.b64decode(content["image/png"]).startswith(b"\x89PNG")
    assert plt.get_fignums() == []


class Images(html.parser.HTMLParser):
    """Alternative text and source of each image in a page."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        if tag == "img":
            self.found.append((dict(attrs).get("alt"), dict(attrs)["src"]))


def grid():
    return plots.image_grid(np.zeros((3, 4, 4), np.uint8), title="three")


def losses():
    row = {"step": 1, "d_loss": 1.0, "g_loss": 2.0, "real_share": 0.5, "fake_share": 0.6}
    return plots.losses([row, {**row, "step": 2}], "both fall")


@pytest.mark.parametrize("make", [grid, losses])
def test_a_figure_as_the_last_line_is_shown_once_and_described(make):
    """IPython's display of the object is one output with alt text; pyplot has no open figure to draw it again."""
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    content, metadata = shell.display_formatter.format(make())
    assert plt.get_fignums() == []
    assert 'alt="' in content["text/html"]
    assert len(metadata["image/png"]["alt"]) > 10
    InteractiveShell.clear_instance()


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"labels": ["a"]}, "3 labels; received 1"),
        ({"labels": list("abcd")}, "received 4"),
        ({"columns": 0}, "columns must be"),
        ({"columns": 1.5}, "columns must be"),
    ],
)
def test_image_grid_says_what_does_not_fit(given, match):
    """Too few labels, too many, no column: one line that names the number."""
    with pytest.raises(CourseError, match=match):
        plots.image_grid(np.zeros((3, 4, 4), np.uint8), **given)


def test_a_palette_keeps_what_the_eye_sees():
    """Pictures of few colours are kept exactly; others differ by a few levels of 255, at half the bytes."""
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (10, 28, 28), dtype=np.uint8)
    exact, small = (read(plots.png(plots.image_grid(pixels), colours)) for colours in (0, 256))
    assert np.abs(exact.astype(int) - small).max() <= 8
    fig, ax = plt.subplots()
    ax.imshow(np.outer(np.arange(64), np.arange(64)), cmap="viridis")
    whole = plots.png(fig, colours=0)
    assert len(plots.smaller(whole)) < 0.7 * len(whole)
    assert np.abs(read(whole).astype(int) - read(plots.smaller(whole))).mean() < 1


def read(png):
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB"))


def test_png_says_nothing_about_the_machine():
    """A valid PNG without a software version or date, so that equal figures are equal files; the figure is closed."""
    first, second = plots.png(figure()), plots.png(figure())
    assert first == second
    with Image.open(io.BytesIO(first)) as image:
        image.load()
        assert image.format == "PNG"
        assert image.size == (2 * plots.DPI, plots.DPI)
        assert set(image.info) <= {"dpi"}
    assert plt.get_fignums() == []


def drawn(fig):
    """The pixel arrays in a grid, in order."""
    return [np.asarray(ax.images[0].get_array()) for ax in fig.axes if ax.images]


@pytest.mark.parametrize("channels", [None, 1, 3])
def test_image_grid_takes_every_form(rng, channels):
    """uint8 or float, grey with and without a channel axis, and colour: drawn are the very pixels."""
    shape = (7, 4, 5) if channels is None else (7, 4, 5, channels)
    pixels = rng.integers(0, 256, shape, dtype=np.uint8)
    expected = pixels[..., 0] if channels == 1 else pixels
    for images in (pixels, data.scale(pixels)):
        found = drawn(plots.image_grid(images, columns=3))
        assert len(found) == 7
        for array, wanted in zip(found, expected, strict=True):
            np.testing.assert_array_equal(array.reshape(wanted.shape), wanted)


@pytest.mark.parametrize(("count", "columns", "cells"), [(1, 10, 1), (10, 10, 10), (11, 10, 20), (7, 3, 9), (3, 10, 3)])
def test_image_grid_has_as_many_cells_as_needed(count, columns, cells):
    """Full rows; the cells left over stay empty and have no axes drawn."""
    fig = plots.image_grid(np.zeros((count, 4, 4), np.uint8), columns=columns)
    assert len(fig.axes) == cells
    assert len(drawn(fig)) == count
    assert not any(ax.axison for ax in fig.axes)


def test_image_grid_keeps_grey_comparable():
    """Black is 0 and white 255 in every cell, whatever the image holds."""
    fig = plots.image_grid(np.full((2, 4, 4), 100, np.uint8), title="two", labels=["a", "b"])
    assert [ax.images[0].get_clim() for ax in fig.axes] == [(0, 255), (0, 255)]
    assert [ax.texts[0].get_text() for ax in fig.axes] == ["a", "b"]
    assert fig.get_suptitle() == "two"


@pytest.mark.parametrize(
    "images",
    [np.zeros((4, 4), np.uint8), np.zeros((0, 4, 4), np.uint8), *(np.full((2, 4, 4, 1), x) for x in (255.0, np.nan))],
)
def test_image_grid_refuses_what_are_no_images(images):
    """A single image without a batch, values outside [-1, 1], NaN, nothing."""
    with pytest.raises(CourseError):
        plots.image_grid(images)


def test_update_replaces_one_picture(monkeypatch):
    """The first call displays with an id and returns the handle; later ones replace that picture."""
    events = []

    class Handle:
        def update(self, picture):
            events.append(("update", picture))

    def display(picture, display_id=None):
        events.append(("display", picture))
        assert display_id is True
        return Handle()

    monkeypatch.setattr(IPython.display, "display", display)
    images = np.zeros((3, 4, 4), np.uint8)
    handle = plots.update(None, images, "step 1")
    assert plots.update(handle, images, "step 2") is handle
    assert [kind for kind, _ in events] == ["display", "update"]
    alts = [picture._repr_mimebundle_()[1]["image/png"]["alt"] for _, picture in events]
    assert alts == ["3 generated images, step 1", "3 generated images, step 2"]
    assert plt.get_fignums() == []


@pytest.mark.parametrize("installed", [True, False])
def test_labels_are_bilingual_only_where_chinese_can_be_drawn(monkeypatch, installed):
    """With a Chinese font both languages and that font as a fallback, without one English alone."""
    from matplotlib import font_manager

    class Font:
        def __init__(self, name):
            self.name = name

    names = ["DejaVu Sans", plots.CJK_FONTS[0]] if installed else ["DejaVu Sans"]
    before = list(plt.rcParams["font.sans-serif"])
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [Font(name) for name in names])
    plots.chinese_font.cache_clear()
    try:
        assert plots.label("generator", "生成器") == ("generator 生成器" if installed else "generator")
        assert (plots.CJK_FONTS[0] in plt.rcParams["font.sans-serif"]) is (installed or plots.CJK_FONTS[0] in before)
    finally:
        plt.rcParams["font.sans-serif"] = before
        plots.chinese_font.cache_clear()


def test_densities_differ_in_more_than_colour():
    """Real and fake have their colours and, for readers who cannot tell them apart, another dash."""
    _, ax = plt.subplots()
    x = np.linspace(0, 1, 5)
    plots.densities(ax, x, x, 1 - x)
    assert [line.get_color() for line in ax.lines] == [plots.REAL, plots.FAKE]
    assert len({line.get_linestyle() for line in ax.lines}) == 2
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), 1 - x)
    assert [line.get_label() for line in ax.lines] == ["real", "fake"]


def test_losses_show_all_four_curves_and_the_mark_of_ignorance():
    """Both losses, both shares, 2 log 2 as a line; axes labelled with units."""
    rows = [{"step": s, "d_loss": 1.0 + s, "g_loss": 2.0, "real_share": 0.5, "fake_share": 0.6} for s in (10, 20)]
    top, bottom = plots.losses(rows, "title").axes
    np.testing.assert_array_equal(top.lines[0].get_ydata(), [11.0, 21.0])
    np.testing.assert_array_equal(bottom.lines[1].get_xdata(), [10, 20])
    assert any(np.allclose(line.get_ydata(), 2 * np.log(2)) for line in top.lines)
    assert "nats" in top.get_ylabel()
    assert top.get_title() == "title"
    for ax in (top, bottom):
        curves = [line for line in ax.lines if not line.get_label().startswith("_")]
        assert len({line.get_linestyle() for line in curves}) == len(curves) == 2
