"""How far training is: live in JupyterLab and Colab, one line in a terminal, quiet elsewhere."""

import math
import os
import sys
import time

import keras

__all__ = ["Bar", "Progress", "Shown", "clock", "surface", "watch"]


def surface():
    """Where output goes: "notebook", "terminal", or "log" (a file, a pipe, CI)."""
    if "ipykernel" in sys.modules:
        from IPython import get_ipython

        if get_ipython() is not None and hasattr(get_ipython(), "kernel"):
            return "notebook"
    if os.environ.get("CI") or not sys.stderr.isatty():
        return "log"
    return "terminal"


def clock(seconds):
    """75 -> "1:15"."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


class Shown:
    """One bar for work of `total` steps: drawn in place in a notebook or a terminal, not at all elsewhere.

    Args:
        total: int, steps in all.
        refresh: float, seconds between two drawings.
    """

    def __init__(self, total, refresh=0.5):
        self.total, self.refresh, self.where = total, refresh, surface()
        self.shown_at, self.view = -math.inf, None

    def due(self):
        """Whether the last drawing is old enough."""
        return time.perf_counter() - self.shown_at >= self.refresh

    def update(self, done, line):
        """Draws the bar at `done` steps with a line of text."""
        self.shown_at = time.perf_counter()
        if self.where == "notebook":
            from IPython.display import display

            bar = Bar(done, self.total, line)
            if self.view is None:
                self.view = display(bar, display_id=True)
            else:
                self.view.update(bar)
        elif self.where == "terminal":
            from tqdm import tqdm

            if self.view is None:
                form = "{percentage:3.0f}% |{bar:24}| step {n}/{total} · {postfix}"
                self.view = tqdm(total=self.total, dynamic_ncols=True, file=sys.stderr, bar_format=form)
            self.view.n = done
            self.view.set_postfix_str(line)

    def close(self):
        """Ends a terminal's bar: what is printed next has a line of its own."""
        if self.where == "terminal" and self.view is not None:
            self.view.close()


class Progress(keras.callbacks.Callback):
    """Shows step, images/s, both losses and the time left during `fit`; a log gets one line at the end.

    Args:
        batch_size: int, to turn steps into images.
        refresh: float, seconds between two updates.
    """

    shown = None

    def __init__(self, batch_size, refresh=0.5):
        super().__init__()
        self.batch_size, self.refresh, self.last_logs = batch_size, refresh, {}

    def on_train_begin(self, logs=None):
        self.total = self.params["epochs"] * (self.params["steps"] or 0)
        self.done, self.first_done, self.started = 0, None, time.perf_counter()
        self.shown = Shown(self.total, self.refresh)
        self.shown.update(0, "compiling the first step")
        self.shown.shown_at = -math.inf  # the first step is news

    def on_train_batch_end(self, batch, logs=None):
        now = time.perf_counter()
        self.done, self.last_logs = self.done + 1, logs or {}
        if self.first_done is None:  # the first step holds the compilation: time runs from its end
            self.first_done = now
        if self.shown.due():
            self.shown.update(self.done, self.text(self.last_logs, now))

    def on_train_end(self, logs=None):
        line = self.text({**self.last_logs, **(logs or {})}, time.perf_counter())
        self.shown.update(self.done, line)
        self.close()
        if self.shown.where == "log":
            print(line, flush=True)

    def close(self):
        """Ends the bar, if there is one yet."""
        if self.shown is not None:
            self.shown.close()

    def text(self, logs, now):
        """One line: images/s, losses, time left (or taken, at the end)."""
        steps = max(self.done - 1, 0)
        rate = steps * self.batch_size / (now - self.first_done) if steps and now > self.first_done else 0.0
        losses = " ".join(f"{name[0].upper()} {float(logs[name]):.3f}" for name in ("d_loss", "g_loss") if name in logs)
        left = (self.total - self.done) * self.batch_size / rate if rate else 0.0
        ending = f"{clock(left)} left" if self.done < self.total else f"{clock(now - self.started)} in all"
        return f"{rate:.0f} images/s · {losses} · {ending}"


def watch(name, refresh=0.5):
    """Shows how far a loop of one's own is; a log gets one line at the end.

    Args:
        name: str, what is going on.
        refresh: float, seconds between two updates.

    Returns:
        Function of (step, steps), to be called after each step.
    """
    started, shown = time.perf_counter(), None

    def show(step, steps):
        nonlocal shown
        shown = shown or Shown(steps, refresh)
        if step < steps and not shown.due():
            return
        taken = time.perf_counter() - started
        ending = f"{clock(taken * (steps - step) / step)} left" if step < steps else f"{clock(taken)} in all"
        shown.update(step, f"{name} · {ending}")
        if step == steps:
            shown.close()
            if shown.where == "log":
                print(f"{name}: {steps} steps, {ending}", file=sys.stderr, flush=True)

    return show


class Bar:
    """A progress bar as HTML, with plain text for where HTML is not shown.

    It is named twice: JupyterLab takes an `aria-label` out of an output that another computer made, and leaves a title.
    """

    def __init__(self, done, total, line):
        self.done, self.total, self.line = done, total, line

    def __repr__(self):
        return f"step {self.done}/{self.total} · {self.line}"

    def _repr_html_(self):
        return (
            f'<progress value="{self.done}" max="{max(self.total, 1)}" style="width:16em" '
            f'aria-label="training progress" title="training progress"></progress> <code>{self!r}</code>'
        )
