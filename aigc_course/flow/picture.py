"""A live picture of a flow: points going from noise to data on a line and in a plane, and what guidance does."""

import functools

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from aigc_course import plots, widgets
from aigc_course.errors import number, whole_number
from aigc_course.flow.paths import mixture_velocity

__all__ = [
    "CENTRES",
    "MEANS",
    "MOST",
    "NARROW",
    "OWN",
    "POINTS",
    "SHARES",
    "SIGMA",
    "START",
    "build_controls",
    "flow_figure",
    "flow_numbers",
    "follow",
    "guided",
    "play",
]

MEANS, SHARES, NARROW = np.array([[-1.8], [0.4], [2.0]]), np.array([0.25, 0.5, 0.25]), 0.25  # one dimension
_ANGLES = np.pi * np.array([0.15, 0.45, 0.9, 1.2, 1.5, 1.85])
CENTRES, SIGMA = 2.2 * np.column_stack([np.cos(_ANGLES), np.sin(_ANGLES)]), 0.3  # two dimensions, six modes
OWN = (0, 1)  # the modes of the class that is asked for
POINTS, MOST = 200, 40  # points; Euler steps at most
START = {"steps": 20, "place": 12, "guidance": 1.0}
_LABELS = {"steps": "Euler steps", "place": "at step", "guidance": "guidance"}


def follow(start, velocity, steps):
    """Euler steps from time 0 to 1: start (N, F) -> all places (steps + 1, N, F)."""
    places = [np.asarray(start, float)]
    for i in range(whole_number(steps, "steps")):
        places.append(places[-1] + velocity(places[-1], i / steps) / steps)
    return np.stack(places)


def guided(x, t, guidance):
    """v without class + guidance (v with class - v without), both in closed form (Ho & Salimans, 2022)."""
    untold = mixture_velocity(x, t, CENTRES, SIGMA)
    return untold + guidance * (mixture_velocity(x, t, CENTRES[list(OWN)], SIGMA) - untold)


@functools.lru_cache(64)
def _ways(steps, guidance):
    rng = np.random.default_rng(7)
    line = follow(rng.standard_normal((30, 1)), lambda x, t: mixture_velocity(x, t, MEANS, NARROW, SHARES), steps)
    return line[..., 0], follow(rng.standard_normal((POINTS, 2)), lambda x, t: guided(x, t, guidance), steps)


def flow_numbers(steps=START["steps"], place=START["place"], guidance=START["guidance"]):
    """Where the points of the plane are.

    Args:
        steps: int from 1 to 40, Euler steps in all.
        place: int from 0 to steps.
        guidance: float from 0 to 8; 0 ignores the class, 1 follows it.

    Returns:
        dict: time; asked, the share of points within 3 sigma of a mode of the class; wrong, of another mode; width, of
        the good ones about their mode's mean in sigma (NaN with less than two).
    """
    steps, guidance = whole_number(steps, "steps", 1, MOST), number(guidance, "guidance", 0, 8)
    place = min(whole_number(place, "place", 0, MOST), steps)
    points = _ways(steps, guidance)[1][place]
    far = np.linalg.norm(points[:, None] - CENTRES, axis=2)
    good, mode = far.min(axis=1) <= 3 * SIGMA, far.argmin(axis=1)
    asked = good & np.isin(mode, OWN)
    squares, freedom = 0.0, 0
    for one in OWN:
        part = points[asked & (mode == one)]
        if len(part) > 1:
            squares, freedom = squares + ((part - part.mean(axis=0)) ** 2).sum(), freedom + 2 * (len(part) - 1)
    return {
        "time": place / steps,
        "asked": float(asked.mean()),
        "wrong": float((good & ~asked).mean()),
        "width": float(np.sqrt(squares / freedom) / SIGMA) if freedom else float("nan"),
    }


def _describe(found):
    width = "" if np.isnan(found["width"]) else f", {found['width']:.2f} as wide as the data"
    return (
        f"Time {found['time']:.2f}: {found['asked']:.0%} of the points lie on the modes of the class that was asked for"
        f"{width}; {found['wrong']:.0%} on other modes."
    )


def flow_figure(steps=START["steps"], place=START["place"], guidance=START["guidance"]):
    """Left, a line: density over time and thirty points' ways. Right, the plane: points, and arrows of their velocity.

    Arguments as `flow_numbers`. Returns a `matplotlib.figure.Figure` unknown to pyplot.
    """
    found = flow_numbers(steps, place, guidance)
    place = min(place, steps)
    line, plane = _ways(steps, float(guidance))
    with matplotlib.rc_context({"figure.constrained_layout.use": False}):  # it would draw all twice
        fig = Figure(figsize=(8.6, 3.9), dpi=plots.DPI)
    left, right = fig.add_axes([0.07, 0.13, 0.42, 0.77]), fig.add_axes([0.565, 0.13, 0.42, 0.77])
    times, x = np.linspace(0, 1, 61), np.linspace(-3.5, 3.5, 141)
    variance = (1 - times) ** 2 + (times * NARROW) ** 2
    each = np.exp(-((x[:, None, None] - times[:, None] * MEANS[:, 0]) ** 2) / (2 * variance[:, None]))
    density = (each * SHARES).sum(axis=2) / np.sqrt(2 * np.pi * variance)  # (X, T)
    left.pcolormesh(times, x, np.sqrt(density), cmap=plots.DENSITY, shading="gouraud")
    left.plot(np.arange(place + 1) / steps, line[: place + 1], "-", color="white", linewidth=0.7)
    left.plot(np.full(line.shape[1], place / steps), line[place], "o", color=plots.FAKE, markersize=3)
    left.set(xlabel="time: noise at 0, data at 1", ylabel="x", title="One dimension: density and ways")
    axis = np.linspace(-3.2, 3.2, 13)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    arrows = guided(grid, min(place / steps, 0.98), guidance)
    right.quiver(*grid.T, *arrows.T, color=plots.GREY, alpha=0.6, angles="xy", scale=60, width=0.003)
    ring = np.linspace(0, 2 * np.pi, 40)
    for mode, centre in enumerate(CENTRES):
        style = {"color": plots.REAL, "linewidth": 1.6} if mode in OWN else {"color": plots.GREY, "linestyle": ":"}
        right.plot(centre[0] + 3 * SIGMA * np.cos(ring), centre[1] + 3 * SIGMA * np.sin(ring), **style)
    right.plot(*plane[place].T, "x", color=plots.FAKE, markersize=4)
    right.set(xlim=(-3.4, 3.4), ylim=(-3.4, 3.4), aspect="equal", xlabel="$x_1$", ylabel="$x_2$")
    right.set_title(f"The plane: {found['asked']:.0%} where asked, guidance {guidance:g}")
    return fig


def build_controls(ipywidgets):
    """Three sliders, a sentence and a picture that follows them: an `ipywidgets.VBox`."""
    spans = {"steps": (1, MOST, 1), "place": (0, MOST, 1), "guidance": (0.0, 8.0, 0.5)}
    sliders = {
        name: widgets.slider(ipywidgets, _LABELS[name], START[name], low, high, step)
        for name, (low, high, step) in spans.items()
    }
    image, sentence = ipywidgets.HTML(), ipywidgets.HTML()

    def redraw(change=None):
        setting = {
            "steps": round(sliders["steps"].value),
            "place": round(sliders["place"].value),
            "guidance": float(sliders["guidance"].value),
        }
        told = _describe(flow_numbers(**setting))
        image.value = plots.Picture(plots.png(flow_figure(**setting), colours=0), told).html()
        sentence.value = f'<span role="status">{told}</span>'

    for each in sliders.values():
        each.observe(redraw, names="value")
    redraw()
    return ipywidgets.VBox([ipywidgets.HBox(list(sliders.values())), sentence, image])


def play():
    """Shows the sliders; where they cannot run (GitHub, nbviewer, stored notebooks), the starting picture."""
    alt = "Thirty ways from noise to three modes on a line, and points with arrows in a plane. " + _describe(
        flow_numbers()
    )
    try:
        import ipywidgets
    except ImportError:
        plots.show(flow_figure(), alt=alt)
        print("To move the points: pip install ipywidgets, then restart the kernel.")
        return
    widget, start = build_controls(ipywidgets), plots.picture(flow_figure(), alt)
    plots.show_widget(widget, start)
