"""How far training is: in a notebook, a terminal, a log."""

import re
import sys
import types

import IPython
import IPython.display
import pytest

from aigc_course import progress


class Stream:
    """A stderr that is a terminal, or is not; keeps what is written."""

    def __init__(self, terminal):
        self.terminal, self.text = terminal, ""

    def isatty(self):
        return self.terminal

    def write(self, text):
        self.text += text

    def flush(self):
        pass


@pytest.fixture
def nowhere(monkeypatch):
    """No notebook, no CI, no terminal, as far as the package can see."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    monkeypatch.setattr(sys, "stderr", Stream(terminal=False))


@pytest.fixture
def notebook(monkeypatch, nowhere):
    """A Jupyter kernel, as far as the package can see; returns what is displayed."""
    events = []

    class Handle:
        def update(self, thing):
            events.append(("update", thing))

    def display(thing, display_id=None):
        events.append(("display", thing))
        return Handle()

    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    monkeypatch.setattr(IPython, "get_ipython", lambda: types.SimpleNamespace(kernel=object()))
    monkeypatch.setattr(IPython.display, "display", display)
    return events


def test_a_pipe_is_a_log(nowhere):
    """stderr is no terminal: log."""
    assert progress.surface() == "log"


@pytest.mark.parametrize(("ci", "where"), [(None, "terminal"), ("true", "log"), ("", "terminal")])
def test_a_terminal_is_one_unless_in_ci(nowhere, monkeypatch, ci, where):
    """A terminal, but CI says that nobody looks at it."""
    monkeypatch.setattr(sys, "stderr", Stream(terminal=True))
    if ci is not None:
        monkeypatch.setenv("CI", ci)
    assert progress.surface() == where


def test_a_kernel_is_a_notebook(notebook):
    """A running Jupyter kernel comes first."""
    assert progress.surface() == "notebook"


def test_ipython_in_a_terminal_is_no_notebook(notebook, monkeypatch):
    """ipykernel imported, but the shell has no kernel: not a notebook."""
    monkeypatch.setattr(IPython, "get_ipython", lambda: types.SimpleNamespace())
    assert progress.surface() == "log"


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (9.9, "0:09"), (75, "1:15"), (3725, "62:05")])
def test_clock(seconds, text):
    """Minutes and seconds, seconds in two figures."""
    assert progress.clock(seconds) == text


def test_text_computes_rate_and_time_left():
    """101 steps of 10 images, the first (compilation) left out: 100 steps in 20 s are 50 images/s; 99 are left."""
    shown = progress.Progress(batch_size=10)
    shown.total, shown.done, shown.first_done, shown.started = 200, 101, 100.0, 90.0
    assert shown.text({"d_loss": 1.2344, "g_loss": 0.7}, now=120.0) == "50 images/s · D 1.234 G 0.700 · 0:19 left"
    shown.done = 200
    assert shown.text({}, now=299.0) == "10 images/s ·  · 3:29 in all"


def test_text_before_anything_is_known():
    """After the first step there is no rate yet: 0, and no division by zero."""
    shown = progress.Progress(batch_size=10)
    shown.total, shown.done, shown.first_done, shown.started = 5, 1, 100.0, 90.0
    assert shown.text({}, now=100.0).startswith("0 images/s")


LINE = re.compile(r"^\d+ images/s · D \d\.\d{3} G \d\.\d{3} · \d+:\d\d in all$")


def test_a_log_gets_exactly_one_line(nowhere, monkeypatch, tiny_gan, small_images, capsys):
    """However many steps and epochs: one line at the end, with rate, both losses and the time taken."""
    monkeypatch.setattr(sys, "stderr", Stream(terminal=False))
    gan = tiny_gan()
    history = gan.fit(small_images, 5, epochs=3)
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert LINE.match(out.strip()), out
    assert f"D {history.history['d_loss'][-1]:.3f}" in out
    assert sys.stderr.text == ""


def test_verbose_0_says_nothing(nowhere, monkeypatch, tiny_gan, small_images, capsys):
    """verbose=0 is silence on both streams, in a terminal too."""
    monkeypatch.setattr(sys, "stderr", Stream(terminal=True))
    tiny_gan().fit(small_images, 5, verbose=0)
    assert capsys.readouterr().out == ""
    assert sys.stderr.text == ""


def test_a_terminal_gets_one_line_that_is_redrawn(nowhere, monkeypatch, tiny_gan, small_images, capsys):
    """One line, redrawn with carriage returns, ending at 100 % with all steps done; stdout stays free."""
    monkeypatch.setattr(sys, "stderr", Stream(terminal=True))
    tiny_gan().fit(small_images, 5, epochs=2)
    text = sys.stderr.text
    assert text.count("\n") == 1
    assert "compiling the first step" in text
    last = text.rstrip("\n").split("\r")[-1]
    assert "100%" in last
    assert "8/8" in last
    assert "images/s" in last
    assert capsys.readouterr().out == ""


def test_a_notebook_gets_one_bar_that_moves(notebook, tiny_gan, small_images, capsys):
    """Displayed once, then updated in place until all steps are done; nothing printed besides."""
    tiny_gan().fit(small_images, 5, epochs=2)
    kinds = [kind for kind, _ in notebook]
    assert kinds[0] == "display"
    assert set(kinds[1:]) == {"update"}
    last = notebook[-1][1]
    assert (last.done, last.total) == (8, 8)
    assert LINE.match(last.line), last.line
    assert capsys.readouterr().out == ""


def test_bar_in_both_forms():
    """HTML with a labelled <progress> element; as text the same words."""
    bar = progress.Bar(3, 8, "12 images/s")
    assert repr(bar) == "step 3/8 · 12 images/s"
    html = bar._repr_html_()
    assert '<progress value="3" max="8"' in html
    assert "aria-label=" in html
    assert repr(bar) in html


def test_bar_without_a_known_end():
    """A dataset of unknown length: the element stays valid (max is at least 1)."""
    assert 'max="1"' in progress.Bar(0, 0, "")._repr_html_()


def test_watch_prints_one_line_in_a_log(capsys):
    """Where output goes to a file: nothing until the end, then name, steps and time."""
    show = progress.watch("plain GAN")
    for step in range(1, 6):
        show(step, 5)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "plain GAN: 5 steps" in err


def test_watch_shows_a_bar_in_a_notebook(monkeypatch):
    """In a notebook: one display, updated, full at the end."""
    shown = []

    class Handle:
        def update(self, bar):
            shown.append(bar)

    monkeypatch.setattr(progress, "surface", lambda: "notebook")
    monkeypatch.setattr("IPython.display.display", lambda bar, display_id: shown.append(bar) or Handle())
    show = progress.watch("best", refresh=0.0)
    for step in (1, 2, 3):
        show(step, 3)
    assert [bar.done for bar in shown] == [1, 2, 3]
    assert "in all" in repr(shown[-1])
    assert 'value="3"' in shown[-1]._repr_html_()
