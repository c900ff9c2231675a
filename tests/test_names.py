"""What a screen reader says of players, bars and sliders: each has a name, and the name is safe in HTML."""

import base64
import struct
import sys
from html.parser import HTMLParser

import numpy as np
import pytest

from aigc_course import plots, progress, widgets
from aigc_course.errors import CourseError
from aigc_course.lmdg.bach import score


def first_element(text):
    """(name, attributes) of the first element in a piece of HTML."""
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda name, attributes: found.append((name, dict(attributes)))
    parser.feed(text)
    return found[0]


def test_a_sound_has_a_name_and_plays():
    """The title is the name, whatever signs it has; the source is a WAV of the samples at the rate."""
    samples = np.sin(np.arange(800) / 5).astype(np.float32)
    sound = plots.Sound(samples, 8000, 'the word "七" <spoken>\n& heard')
    name, attributes = first_element(sound._repr_html_())
    assert name == "audio"
    assert attributes["title"] == repr(sound) == 'the word "七" <spoken> & heard'
    assert "controls" in attributes
    head, content = attributes["src"].split(",")
    assert head == "data:audio/wav;base64"
    heard, rate = decoded(base64.b64decode(content))
    assert (rate, len(heard)) == (8000, 800)
    assert np.abs(heard - samples / np.abs(samples).max()).max() < 0.02


def decoded(content):
    """(samples, rate) of a mu-law WAV, by G.711's rule of what a code means."""
    assert content[:4] == b"RIFF"
    assert content[8:16] == b"WAVEfmt "
    kind, channels, rate, _, width, bits = struct.unpack("<HHIIHH", content[20:36])
    assert (kind, channels, width, bits) == (7, 1, 1, 8)
    assert struct.unpack("<I", content[4:8])[0] == len(content) - 8
    at = content.index(b"data")
    codes = np.frombuffer(content[at + 8 : at + 8 + struct.unpack("<I", content[at + 4 : at + 8])[0]], np.uint8) ^ 255
    size = (((codes & 15) * 8 + 132) << ((codes >> 4) & 7).astype(int)) - 132
    return np.where(codes & 128, -1, 1) * size / 32768, rate


@pytest.mark.parametrize("length", [1, 800, 801])
def test_mu_law_keeps_small_and_large_samples(length):
    """A step is a sixteenth of its segment: errors below a 25th, or 1e-3 among the smallest; silence stays silence."""
    samples = np.random.default_rng(7).choice([-1, 1], length) * 10 ** np.linspace(0, -5, length)
    heard, _ = decoded(plots.mu_law_wav(samples, 8000))
    assert (np.abs(heard - samples) <= np.maximum(1e-3, np.abs(samples) / 25)).all()
    assert (decoded(plots.mu_law_wav(np.zeros(length), 8000))[0] == 0).all()


def test_samples_out_of_range_are_refused():
    """Else the loudest would be cut off without a word."""
    with pytest.raises(CourseError, match="the loudest is 2"):
        plots.Sound(np.array([0.5, -2.0]), 8000, "a click", normalize=False)


@pytest.mark.parametrize("alt", ["", "  ", None, 7])
def test_a_sound_without_a_name_is_refused(alt):
    """As a figure without alt text is."""
    with pytest.raises(CourseError, match="every sound needs alt text"):
        plots.Sound(np.zeros(8), 8000, alt)


def test_a_chorale_player_names_its_length_or_what_it_is_told():
    """Eight eighths are four beats; a name of one's own replaces that."""
    notes = np.full((8, 4), 60)
    assert first_element(score.player(notes, 70)._repr_html_())[1]["title"].startswith("4 beats of four voices, 70")
    assert repr(score.player(notes, alt="a chord")) == "a chord"


def test_a_bar_has_a_name_that_jupyterlab_leaves():
    """JupyterLab strikes `aria-label` out of outputs that it does not trust; a title stays."""
    name, attributes = first_element(progress.Bar(3, 8, "a line")._repr_html_())
    assert name == "progress"
    assert attributes["title"] == attributes["aria-label"] == "training progress"


def make_slider(value=1.0):
    """A slider from 0 to 3."""
    return widgets.slider(pytest.importorskip("ipywidgets"), "real sigma", value, low=0.0, high=3.0, step=0.1)


def test_a_slider_stays_within_its_ends():
    """A value beyond an end becomes that end, in Python as in the page."""
    slider = make_slider()
    seen = []
    slider.observe(lambda change: seen.append(change["new"]), names="value")
    slider.value = 99
    slider.value = -99
    assert seen == [3.0, 0.0]
    assert make_slider(7).value == 3.0


def test_a_slider_is_the_browsers_own_in_a_label():
    """With anywidget: an input in a label. (What a browser makes of it, tests/browser asks.)"""
    pytest.importorskip("anywidget")
    state = make_slider().get_state()
    assert {state[name] for name in ("description", "min", "max", "value", "step")} == {"real sigma", 0, 3, 1, 0.1}
    assert "label.append(text, slider)" in state["_esm"]


def test_without_anywidget_ipywidgets_slider_stands_in(monkeypatch):
    """The same traits; the game and the two Gaussians work with either."""
    ipywidgets = pytest.importorskip("ipywidgets")
    monkeypatch.setitem(sys.modules, "anywidget", None)
    slider = make_slider()
    assert isinstance(slider, ipywidgets.FloatSlider)
    assert (slider.description, slider.min, slider.max, slider.value) == ("real sigma", 0, 3, 1)
