"""A GAN on points in the plane, live: real and generated points, what the discriminator thinks, step by step.

What GAN Lab (Kahng et al., 2018) shows in a browser, here on Keras models: the course's or your own. Chapter 06.
"""

import asyncio
import contextlib
import html
import io
import signal
import threading

import keras
import matplotlib
import numpy as np
import tensorflow as tf
from keras import layers
from matplotlib.figure import Figure

from aigc_course import data, objectives, plots, widgets
from aigc_course.errors import CourseError, one_of
from aigc_course.step import Players, move_discriminator, move_generator

__all__ = [
    "AXES",
    "LIMIT",
    "OBJECTIVES",
    "SPEEDS",
    "Controls",
    "Game",
    "at_click",
    "build_players",
    "data_set",
    "film",
    "pause_playing",
    "play",
    "read_points",
]

_BATCH, _SHOWN, _TICKS = 128, 300, 41
AXES = (0.11, 0.12, 0.86, 0.78)  # left, bottom, width, height of the plot in its picture: clicks are read by it
# name -> (objective, weight of R1 and R2, weight of the gradient penalty)
OBJECTIVES = {
    "non-saturating": ("non_saturating", 0.0, 0.0),
    "minimax": ("minimax", 0.0, 0.0),
    "non-saturating + R1": ("non_saturating", 0.1, 0.0),
    "relativistic + R1 + R2": ("relativistic", 0.1, 0.0),
    "Wasserstein + penalty": ("wasserstein", 0.0, 1.0),
}
SPEEDS = {"slow": (1, 0.25), "fast": (25, 0.02)}  # steps between two pictures, seconds of rest between them
LIMIT = 20_000  # steps after a press of Slow or Fast: a picture that nobody looks at comes to rest


def data_set(name, n=4000, seed=0):
    """Training points (n, 2), float32, within [-1.5, 1.5]: "ring", "grid" (shrunk to fit) or "two moons"."""
    rng = np.random.default_rng(seed)
    makers = {
        "ring": lambda: data.ring(n, rng, sigma=0.05)[0],
        "grid": lambda: data.grid(n, rng, sigma=0.1)[0] / 4,
        "two moons": lambda: data.moons(n, rng) * np.float32(0.75),
    }
    return one_of(name, makers, "data")()


def build_players(latent_dim=4, width=64):
    """Two small Keras networks: z (B, latent_dim) -> points (B, 2), and points -> logits (B, 1)."""

    def network(inputs, outputs):
        hidden = [part for _ in range(2) for part in (layers.Dense(width), layers.LeakyReLU(negative_slope=0.2))]
        return keras.Sequential([layers.Input((inputs,)), *hidden, layers.Dense(outputs)])

    return network(latent_dim, 2), network(2, 1)


class Game:
    """Training of two Keras models on points.

    Args:
        generator: (B, latent_dim) -> (B, 2).
        discriminator: (B, 2) -> logits (B, 1).
        points: float array (N, 2).
        objective: str, one of `OBJECTIVES`.
        noise: float, sigma of the noise on the discriminator's inputs.
        seed: int, of noise and data order.

    Raises:
        CourseError: networks of other shapes, an unknown objective, or points that are none.
    """

    def __init__(self, generator, discriminator, points, objective="non-saturating", noise=0.0, seed=7):
        if generator.output_shape[1:] != (2,) or discriminator.input_shape[1:] != (2,):
            raise CourseError(
                "the generator must give points (B, 2) and the discriminator take them; received "
                f"{generator.output_shape} and {discriminator.input_shape}. End G in Dense(2)."
            )
        one_of(objective, OBJECTIVES, "objective")
        self.generator, self.discriminator = generator, discriminator
        self.latent_dim = generator.input_shape[-1]
        self.first = generator.get_weights(), discriminator.get_weights()
        self.seed, self.noise, self.objective = seed, noise, objective
        self.points = np.asarray(points, np.float32).reshape(-1, 2)
        self.start_over()

    def start_over(self):
        """The weights that the models came with, new optimizers, step 0."""
        self.generator.set_weights(self.first[0])
        self.discriminator.set_weights(self.first[1])
        self.step_count, self.losses = 0, (float("nan"), float("nan"))
        self.d_optimizer, self.g_optimizer = (keras.optimizers.Adam(2e-3, beta_1=0.5) for _ in range(2))
        self.d_optimizer.build(self.discriminator.trainable_variables)
        self.g_optimizer.build(self.generator.trainable_variables)
        self.compiled = tf.function(self.train_step, reduce_retracing=True)

    def train_step(self, reals, z, real_noise, fake_noise):
        """D moves, then G answers; (B, 2), (B, latent_dim) and noise (B, 2) twice."""
        name, slope_weight, penalty_weight = OBJECTIVES[self.objective]
        objective, optimizers = objectives.get(name), (self.d_optimizer, self.g_optimizer)
        players = Players(
            self.generator, self.discriminator, *optimizers, objective, lambda x: self.discriminator(x, training=True)
        )
        with tf.GradientTape() as g_tape:
            fakes = self.generator(z, training=True)
        real_seen, fake_seen = reals + real_noise, fakes + fake_noise
        penalties = {"r1": slope_weight, "r2": slope_weight if objective.paired else 0.0}
        real_logits, _, d_loss, _ = move_discriminator(
            players, real_seen, fake_seen, **penalties, gradient_penalty=penalty_weight
        )
        g_loss = move_generator(players, fakes, g_tape, real_logits, real_seen, lambda points: points + fake_noise)
        return d_loss, g_loss

    def step(self, count=1):
        """`count` training steps; noise and data order depend on the seed and the step alone."""
        for _ in range(count):
            rng = np.random.default_rng((self.seed, self.step_count))
            reals = self.points[rng.integers(len(self.points), size=_BATCH)]
            z = rng.standard_normal((_BATCH, self.latent_dim), dtype=np.float32)
            noises = np.float32(self.noise) * rng.standard_normal((2, _BATCH, 2), dtype=np.float32)
            losses = self.compiled(*map(tf.constant, (reals, z, *noises)))
            self.step_count += 1
        self.losses = tuple(float(loss) for loss in losses)

    def sample(self, n=_SHOWN):
        """Generated points (n, 2), always from the same z."""
        z = np.random.default_rng(0).standard_normal((n, self.latent_dim), dtype=np.float32)
        return self.generator(z, training=False).numpy()

    def describe(self):
        """Step and losses in one sentence: alt text, and what a screen reader says."""
        d_loss, g_loss = self.losses
        played = f"; loss of D {d_loss:.3f}, of G {g_loss:.3f} nats" if self.step_count else ""
        return f"Step {self.step_count}, {self.objective}, noise {self.noise:g}{played}."

    def figure(self, size=(5.4, 5.0), dpi=90):
        """Real points, generated points, and the discriminator as filled contours of its logit."""
        with matplotlib.rc_context({"figure.constrained_layout.use": False}):
            fig = Figure(figsize=size, dpi=dpi)
        ax, ticks = fig.add_axes(AXES), np.linspace(-1.5, 1.5, _TICKS, dtype=np.float32)
        x, y = np.meshgrid(ticks, ticks)
        logits = self.discriminator(np.stack([x.ravel(), y.ravel()], axis=1), training=False).numpy().reshape(x.shape)
        middle = np.median(logits)
        spread = max(1e-3, float(np.abs(logits - middle).max()))
        ax.contourf(x, y, (logits - middle) / spread, levels=np.linspace(-1, 1, 13), cmap=plots.DENSITY, alpha=0.55)
        real, fake = self.points[:_SHOWN], self.sample()
        ax.scatter(*real.T, s=9, marker="o", color=plots.REAL, linewidths=0, label="real")
        ax.scatter(*fake.T, s=16, marker="x", color=plots.FAKE, linewidths=1, label="generated")
        ax.set(xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), xlabel="$x_1$", ylabel="$x_2$", title=f"Step {self.step_count}")
        ax.legend(loc="upper right", fontsize="small")
        return fig


def film(game, count=16, steps=60, seconds=0.4):
    """An animated PNG of a game from its present step on, `steps` training steps from frame to frame.

    Returns:
        bytes; browsers, JupyterLab and Colab play it, other programs show the last frame's start, the first one.
    """
    from PIL import Image

    frames = []
    for number in range(count):
        if number:
            game.step(steps)
        frames.append(Image.open(io.BytesIO(plots.png(game.figure(size=(4.6, 4.2)), 0, dpi=80))).convert("RGB"))
    last = 5  # the end stays on screen for longer
    durations = [int(1000 * seconds)] * (count - 1) + [int(last * 1000 * seconds)]
    return plots.one_palette(frames, durations)


_CLICKS = """
export default { render({ model, el }) {
  const image = document.createElement("img");
  const draw = () => { image.src = "data:image/png;base64," + model.get("png"); image.alt = model.get("alt"); };
  image.style.cursor = "crosshair";
  image.addEventListener("click", event => {
    const box = image.getBoundingClientRect();
    const at = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height, Date.now()];
    model.set("clicked", at); model.save_changes();
  });
  model.on("change:png", draw); draw(); el.appendChild(image);
} };
"""


def _canvas():
    """A picture that reports clicks, by anywidget; None where that package is missing."""
    try:
        import anywidget
        import traitlets
    except ImportError:
        return None

    class Canvas(anywidget.AnyWidget):
        _esm = _CLICKS
        png = traitlets.Unicode("").tag(sync=True)
        alt = traitlets.Unicode("").tag(sync=True)
        clicked = traitlets.List([]).tag(sync=True)

    return Canvas()


def read_points(text):
    """ "0 0; 1 -0.5" -> array (2, 2). Two numbers a point, points parted by semicolons, all within [-1.5, 1.5].

    Raises:
        CourseError: something else.
    """
    try:
        pairs = [part.replace(",", " ").split() for part in text.split(";")]
        points = np.array([pair for pair in pairs if pair], dtype=np.float32)
        if points.shape[1:] == (2,) and (np.abs(points) <= 1.5).all():
            return points
    except ValueError:
        pass
    raise CourseError(f'write points as "0 0; 1 -0.5", each number from -1.5 to 1.5; received {text!r}.')


def at_click(fraction):
    """A place in the picture, (from left, from top) in [0, 1], as a point of the plane, or None outside the axes."""
    left, bottom, width, height = AXES
    x, y = 3 * ((fraction[0] - left) / width - 0.5), 3 * ((1 - fraction[1] - bottom) / height - 0.5)
    return (x, y) if max(abs(x), abs(y)) <= 1.5 else None


@contextlib.contextmanager
def _on_interrupt(stop):
    """Interrupt calls `stop` while the block runs: an idle kernel ignores it, and games play while the kernel idles."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def handle(number, frame):
        stop()
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is handle:  # else the kernel has its own in place, for a running cell
            signal.signal(signal.SIGINT, before)


class Controls:
    """Buttons, menus and the picture; `box` is the widget. Works by keyboard: every part can be reached with Tab.

    One game plays at a time, and only while it is seen: another one that starts, the end of its last view (the cell
    run again, the output cleared, the page closed), Interrupt, or LIMIT steps pause it.
    """

    playing = None  # the Controls whose game plays

    def __init__(self, ipywidgets, game):
        self.game, self.task, self.own = game, None, []
        self.image = _canvas()
        self.picture = self.image or ipywidgets.HTML()  # ipywidgets.Image has no alt text
        self.sentence = ipywidgets.HTML()
        self.data = ipywidgets.Dropdown(options=["ring", "grid", "two moons", "my own"], description="data")
        self.objective = ipywidgets.Dropdown(options=[*OBJECTIVES], value=game.objective, description="objective")
        self.noise = widgets.slider(ipywidgets, "noise on D", game.noise, low=0.0, high=0.5, step=0.05)
        self.points = ipywidgets.Text(placeholder="0 0; 1 -0.5", description="points", continuous_update=False)
        names = ("Step", "Slow", "Fast", "Pause", "Start over")
        self.buttons = {name: ipywidgets.Button(description=name) for name in names}
        self.buttons["Step"].on_click(lambda _: (self.pause(), self.advance(1)))
        self.buttons["Slow"].on_click(lambda _: self.run("slow"))
        self.buttons["Fast"].on_click(lambda _: self.run("fast"))
        self.buttons["Pause"].on_click(lambda _: self.pause())
        self.buttons["Start over"].on_click(lambda _: self.start_over())
        for part in (self.data, self.objective, self.noise):
            part.observe(self.changed, names="value")
        self.points.observe(self.typed, names="value")
        if self.image:
            self.image.observe(self.clicked, names="clicked")
        rows = [[*self.buttons.values()], [self.data, self.objective], [self.noise, self.points]]
        self.box = ipywidgets.VBox([*(ipywidgets.HBox(row) for row in rows), self.sentence, self.picture])
        self.box._view_count = 0  # the page counts its views from here on, in ipywidgets 7 and 8
        self.box.observe(self.viewed, names="_view_count")
        self.redraw()

    def redraw(self, note=""):
        """Draws the present state."""
        import base64

        picture = plots.png(self.game.figure(), 0, dpi=90)
        self.sentence.value = f'<span role="status">{html.escape(note or self.game.describe())}</span>'
        if self.image:
            self.image.alt, self.image.png = self.game.describe(), base64.b64encode(picture).decode()
        else:
            self.picture.value = plots.Picture(picture, self.game.describe()).html()

    def advance(self, count):
        """Trains and draws."""
        self.game.step(count)
        self.redraw()

    async def play(self, speed):
        """Trains on until the task is cancelled; between two pictures the kernel can do other things."""
        count, rest = SPEEDS[speed]
        last = self.game.step_count + LIMIT
        with _on_interrupt(self.pause):
            while self.game.step_count < last:
                self.advance(count)
                await asyncio.sleep(rest)
        self.redraw(f"Resting after {LIMIT:,} steps. {speed.capitalize()} goes on.")

    def run(self, speed):
        """Starts to play at a speed; a game that plays elsewhere pauses."""
        pause_playing()
        Controls.playing = self
        self.task = asyncio.get_running_loop().create_task(self.play(speed))

    def pause(self):
        """Stops playing; what was learnt stays."""
        if self.task is not None:
            self.task.cancel()
            self.task = None
        if Controls.playing is self:
            Controls.playing = None

    def viewed(self, change):
        """Pauses when the last view is gone."""
        if not change["new"]:
            self.pause()

    def start_over(self):
        """Back to step 0 with the present settings."""
        self.pause()
        self.game.start_over()
        self.redraw()

    def changed(self, _change):
        """Another data set, objective or noise. Data and objective start the game over; noise goes on."""
        again = self.objective.value != self.game.objective or self.data.value != getattr(self, "chosen", "ring")
        self.game.noise, self.game.objective = self.noise.value, self.objective.value
        self.chosen = self.data.value
        if self.chosen != "my own":
            self.game.points = data_set(self.chosen)
        elif self.own:
            self.set_own()
        if again:
            self.start_over()
        if self.chosen == "my own" and not self.own:
            where = "Click into the picture, or write" if self.image else "Write"
            self.redraw(f"{where} points as “0 0; 1 -0.5”.")

    def set_own(self):
        """A small cloud around each of the learner's points."""
        rng, centres = np.random.default_rng(0), np.array(self.own, dtype=np.float32)
        self.game.points = data.mixture(4000, rng, centres, 0.05)[0]

    def add(self, points):
        """Takes more points of the learner's own."""
        self.own += [tuple(map(float, point)) for point in points]
        if self.data.value != "my own":
            self.data.value = "my own"  # observed: starts over
        else:
            self.set_own()
            self.redraw()

    def typed(self, change):
        """Points from the text field replace those before."""
        try:
            points = read_points(change["new"])
        except CourseError as error:
            self.redraw(str(error))
            return
        self.own = []
        if len(points):
            self.add(points)

    def clicked(self, change):
        """A click adds a point."""
        point = at_click(change["new"][:2]) if len(change["new"]) == 3 else None
        if point:
            self.add([point])


def pause_playing():
    """Pauses the game that plays, if there is one."""
    if Controls.playing is not None:
        Controls.playing.pause()


def play(generator=None, discriminator=None, objective="non-saturating", seed=7):
    """Shows the game with its buttons; where widgets do not run (GitHub, stored notebooks), a film of its start.

    Args:
        generator, discriminator: Keras models of your own, or None for `build_players()`.
        objective: str, one of `OBJECTIVES`; the menu changes it.
        seed: int.
    """
    from IPython.display import display

    pause_playing()
    if generator is None or discriminator is None:
        keras.utils.set_random_seed(seed)
        generator, discriminator = build_players()
    game = Game(generator, discriminator, data_set("ring"), objective, seed=seed)
    moving = film(game)
    alt = f"A film of {game.step_count} training steps: generated points wander towards a ring. {game.describe()}"
    game.start_over()
    try:
        import ipywidgets
    except ImportError:
        display(plots.Picture(moving, alt))
        print("To play yourself: pip install ipywidgets, then restart the kernel.")
        return
    plots.show_widget(Controls(ipywidgets, game).box, plots.Picture(moving, alt))
