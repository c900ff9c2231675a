"""How far training is: live in JupyterLab and Colab, one line in a terminal, quiet elsewhere."""

import os
import sys
import time
from pathlib import Path

import keras

from aigc_course.runtime import uninterrupted


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


class Progress(keras.callbacks.Callback):
    """Shows step, images/s, both losses and the time left during `fit`.

    Args:
        batch_size: int, to turn steps into images.
        refresh: float, seconds between two updates.
    """

    def __init__(self, batch_size, refresh=0.5):
        super().__init__()
        self.batch_size, self.refresh = batch_size, refresh

    def on_train_begin(self, logs=None):
        self.total = self.params["epochs"] * (self.params["steps"] or 0)
        self.done, self.first_done, self.shown_at = 0, None, 0.0
        self.started = time.perf_counter()
        self.where = surface()
        self.bar = self.handle = None
        if self.where == "terminal":
            from tqdm import tqdm

            self.bar = tqdm(
                total=self.total,
                unit="step",
                dynamic_ncols=True,
                leave=True,
                file=sys.stderr,
                bar_format="{percentage:3.0f}% |{bar:24}| step {n}/{total} · {postfix}",
            )
            self.bar.set_postfix_str("compiling the first step")
        elif self.where == "notebook":
            from IPython.display import display

            self.handle = display(self.view("compiling the first step"), display_id=True)

    def on_train_batch_end(self, batch, logs=None):
        now = time.perf_counter()
        self.done += 1
        if self.first_done is None:  # the first step holds the compilation: time runs from its end
            self.first_done = now
        if now - self.shown_at >= self.refresh:
            self.show(logs or {}, now)

    def close(self):
        """Ends a terminal's bar: what is printed next has a line of its own."""
        if self.bar is not None:
            self.bar.close()

    def on_train_end(self, logs=None):
        now = time.perf_counter()
        self.show(self.last_logs if logs is None else {**self.last_logs, **logs}, now, final=True)
        self.close()
        if self.where == "log":
            print(self.text(self.last_logs, now), flush=True)

    last_logs, bar = {}, None

    def text(self, logs, now):
        """One line: images/s, losses, time left (or taken, at the end)."""
        steps = max(self.done - 1, 0)
        rate = steps * self.batch_size / (now - self.first_done) if steps and now > self.first_done else 0.0
        losses = " ".join(f"{name[0].upper()} {float(logs[name]):.3f}" for name in ("d_loss", "g_loss") if name in logs)
        left = (self.total - self.done) * self.batch_size / rate if rate else 0.0
        ending = f"{clock(left)} left" if self.done < self.total else f"{clock(now - self.started)} in all"
        return f"{rate:.0f} images/s · {losses} · {ending}"

    def show(self, logs, now, final=False):
        self.shown_at, self.last_logs = now, dict(logs)
        line = self.text(logs, now)
        if self.where == "terminal":
            self.bar.n = self.done
            self.bar.set_postfix_str(line)
        elif self.where == "notebook":
            self.handle.update(self.view(line))

    def view(self, line):
        return Bar(self.done, self.total, line)


def watch(name, refresh=0.5):
    """Shows how far a loop of one's own is, where output goes to a person; a file gets one line at the end.

    Args:
        name: str, what is going on.
        refresh: float, seconds between two updates.

    Returns:
        Function of (step, steps), to be called after each step.
    """
    state, where = {"shown": 0.0, "started": time.perf_counter(), "view": None}, surface()

    def show(step, steps):
        now = time.perf_counter()
        if now - state["shown"] < refresh and step < steps:
            return
        state["shown"] = now
        taken = now - state["started"]
        ending = f"{clock(taken * (steps - step) / step)} left" if step < steps else f"{clock(taken)} in all"
        if where == "notebook":
            from IPython.display import display

            bar = Bar(step, steps, f"{name} · {ending}")
            if state["view"] is None:
                state["view"] = display(bar, display_id=True)
            else:
                state["view"].update(bar)
        elif where == "terminal":
            from tqdm import tqdm

            if state["view"] is None:
                state["view"] = tqdm(total=steps, desc=name, unit="step", dynamic_ncols=True, file=sys.stderr)
            state["view"].update(step - state["view"].n)
            if step == steps:
                state["view"].close()
        elif step == steps:
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


class ImageMonitor(keras.callbacks.Callback):
    """Draws the same z at the end of every `every`-th epoch and keeps the pictures.

    Args:
        n: int, how many images.
        every: int, in epochs.
        show: bool, also draw them where they can be seen (one picture, replaced in place).

    Attributes:
        pictures: list of (step, float32 array (n, H, W, C)).
    """

    def __init__(self, n=20, every=1, show=False):
        super().__init__()
        self.n, self.every, self.show = n, every, show
        self.pictures = []
        self.handle = None

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every:
            return
        images = self.model.sample(self.n)
        self.pictures.append((self.model.step, images))
        if self.show:
            from aigc_course import plots

            self.handle = plots.update(self.handle, images, f"step {self.model.step}")


class ScoreMonitor(keras.callbacks.Callback):
    """Asks the judge at the end of every `every`-th epoch.

    Args:
        n: int, images in a score.
        every: int, in epochs.

    Attributes:
        scores: list of (step, `metrics.JudgeScore`).
    """

    def __init__(self, n=2000, every=1):
        super().__init__()
        self.n, self.every = n, every
        self.scores = []

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every == 0:
            from aigc_course import metrics

            self.scores.append((self.model.step, metrics.judge_distance(self.model.sample(self.n), verbose=False)))


class Checkpoint(keras.callbacks.Callback):
    """Saves the GAN to one file at the end of every `every`-th epoch, each time whole or not at all."""

    def __init__(self, path, every=1):
        super().__init__()
        self.path, self.every = Path(path), every

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every == 0:
            with uninterrupted():
                self.model.save(self.path)
