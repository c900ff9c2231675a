"""Live pictures for chapter 02: two Gaussians, the best discriminator, and what the generator learns from it.

A distribution is a pair (mean, sigma): p is the real data, q what the generator makes. Units are nats.
"""

import functools

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from aigc_course import plots
from aigc_course.errors import number

__all__ = [
    "START",
    "build_controls",
    "generator_gradients",
    "jensen_shannon",
    "log_ratio",
    "log_sigmoid",
    "normal_logpdf",
    "normal_pdf",
    "optimal_discriminator",
    "slider",
    "two_gaussians",
    "two_gaussians_figure",
    "two_gaussians_numbers",
    "value",
]

_LOG_2 = float(np.log(2.0))
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)  # Gauss-Legendre on [-1, 1]
START = {"mean_p": 0.0, "sigma_p": 1.0, "mean_q": 2.0, "sigma_q": 0.7}
_LABELS = {"mean_p": "real mean", "sigma_p": "real sigma", "mean_q": "fake mean", "sigma_q": "fake sigma"}


def normal_logpdf(x, mean, sigma):
    """log N(x; mean, sigma²), in nats."""
    return -0.5 * ((x - mean) / sigma) ** 2 - np.log(sigma) - 0.5 * np.log(2 * np.pi)


def normal_pdf(x, mean, sigma):
    """N(x; mean, sigma²), a density per unit of x."""
    return np.exp(normal_logpdf(x, mean, sigma))


def log_sigmoid(logit):
    """log(1 / (1 + exp(-logit))) without overflow at any logit."""
    return -np.logaddexp(0.0, -logit)


def log_ratio(x, p, q):
    """The logit of the best discriminator, log p(x) - log q(x)."""
    return normal_logpdf(x, *p) - normal_logpdf(x, *q)


def optimal_discriminator(p_data, p_g):
    """D*(x) from both densities at x (Goodfellow et al., 2014, proposition 1)."""
    return p_data / (p_data + p_g)


def _quadrature(p, q):
    """Nodes and weights for integrals over p or q: 16 points on each sigma of both, out to ±12 sigma."""
    breaks = np.unique(np.concatenate([mean + sigma * np.arange(-12, 13) for mean, sigma in (p, q)]))
    half = np.diff(breaks)[:, None] / 2
    return (breaks[:-1, None] + half * (1 + _NODES)).ravel(), (half * _WEIGHTS).ravel()


def value(logit, p, q):
    """V(D, G) = E_p[log D] + E_q[log(1 - D)], D = sigmoid(logit(x)) (Goodfellow et al., 2014, eq. 1)."""
    x, w = _quadrature(p, q)
    real, fake = log_sigmoid(logit(x)), log_sigmoid(-logit(x))
    return float(w @ (normal_pdf(x, *p) * real + normal_pdf(x, *q) * fake))


def jensen_shannon(p, q):
    """The Jensen-Shannon divergence of two Gaussians: 0 if equal, up to log 2 if they hardly overlap."""
    x, w = _quadrature(p, q)
    logit = log_ratio(x, p, q)
    to_p, to_q = _LOG_2 + log_sigmoid(logit), _LOG_2 + log_sigmoid(-logit)  # log(p/m), log(q/m); m = (p + q)/2
    jsd = w @ (normal_pdf(x, *p) * to_p + normal_pdf(x, *q) * to_q) / 2
    return float(np.clip(jsd, 0.0, _LOG_2))  # rounding may leave the interval by 1e-16


def generator_gradients(p, q):
    """d loss / d mean of q, for the best discriminator, then held fixed.

    Returns:
        (saturating, non_saturating): the slopes of E_q[log(1 - D)] and of -E_q[log D], in nats per unit of x.
        Descent moves the mean against their sign.
    """
    x, w = _quadrature(p, q)
    logit = log_ratio(x, p, q)
    slope = (x - q[0]) / q[1] ** 2 - (x - p[0]) / p[1] ** 2  # d logit / dx; x moves with the mean
    weight = w * slope * normal_pdf(x, *q)
    # exp(log_sigmoid) keeps its digits where 1 - sigmoid(logit) would round to 0
    return float(-weight @ np.exp(log_sigmoid(logit))), float(-weight @ np.exp(log_sigmoid(-logit)))


def two_gaussians_numbers(mean_p, sigma_p, mean_q, sigma_q):
    """What the game between two Gaussians is worth, and what the generator learns.

    Args:
        mean_p, sigma_p, mean_q, sigma_q: floats; means from -1000 to 1000, sigmas from 0.001 to 1000.

    Returns:
        dict of floats: jsd and value (V at D*), in nats; saturating and non_saturating, the generator's two
        gradients with respect to mean_q, in nats per unit of x.

    Raises:
        CourseError: a value outside its range, or not a finite number.
    """
    p = number(mean_p, "mean_p", -1000, 1000), number(sigma_p, "sigma_p", 0.001, 1000)
    q = number(mean_q, "mean_q", -1000, 1000), number(sigma_q, "sigma_q", 0.001, 1000)
    gradients = zip(("saturating", "non_saturating"), generator_gradients(p, q), strict=True)
    at_best = value(lambda x: log_ratio(x, p, q), p, q)
    return {"jsd": jensen_shannon(p, q), "value": at_best, **dict(gradients)}


def _describe(numbers):
    """The numbers in one sentence: alt text, and what a screen reader says when a slider moves."""
    return (
        f"JSD {numbers['jsd']:.4f} nats, V at D* {numbers['value']:.4f} nats; gradient of the fakes' mean: "
        f"saturating {numbers['saturating']:+.4g}, non-saturating {numbers['non_saturating']:+.4g}."
    )


def _key(ax, top, entries):
    """Names the curves in their colours; quicker to draw than a legend, so that the sliders stay live."""
    for row, (text, colour) in enumerate(entries):
        ax.text(0.03, top - 0.07 * row, text, color=colour, fontsize="small", transform=ax.transAxes)


def two_gaussians_figure(mean_p, sigma_p, mean_q, sigma_q):
    """Both densities with D*, and the generator's two gradients over the mean of the fakes.

    Args and errors as `two_gaussians_numbers`. Returns a `matplotlib.figure.Figure` unknown to pyplot.
    """
    numbers = two_gaussians_numbers(mean_p, sigma_p, mean_q, sigma_q)
    p, q = (float(mean_p), float(sigma_p)), (float(mean_q), float(sigma_q))
    low, high = min(-6.0, p[0] - 4 * p[1], q[0] - 4 * q[1]), max(6.0, p[0] + 4 * p[1], q[0] + 4 * q[1])
    x = np.linspace(low, high, 801)  # (X,)
    with matplotlib.rc_context({"figure.constrained_layout.use": False}):  # it would draw all twice
        fig = Figure(figsize=(8, 3.6), dpi=plots.DPI)
    left, right = fig.add_axes([0.08, 0.14, 0.4, 0.77]), fig.add_axes([0.585, 0.14, 0.4, 0.77])

    plots.densities(left, x, real=normal_pdf(x, *p), fake=normal_pdf(x, *q))
    left.plot(x, np.exp(log_sigmoid(log_ratio(x, p, q))), ":", color="black")
    title = f"JSD {numbers['jsd']:.4f} · V at D* {numbers['value']:.4f} nats"
    left.set(xlabel="x", ylabel="density, and D*(x)", title=title, xlim=(low, high))
    _key(left, 0.62, (("— real", plots.REAL), ("- - fake", plots.FAKE), ("··· D*(x)", "black")))

    dip = np.geomspace(1e-5, 0.6, 9)  # both gradients are 0 at p's mean: on a log axis an even grid draws a cliff there
    means = np.sort(np.concatenate([np.linspace(low, high, 49), p[0] - dip, p[0] + dip]))
    means = means[(means >= low) & (means <= high)]
    curves = np.abs([generator_gradients(p, (mean, q[1])) for mean in means])  # (67, 2)
    styles = (("saturating", plots.THIRD, "-", "o"), ("non_saturating", plots.GREY, "--", "s"))
    for curve, (name, colour, line, mark) in zip(curves.T, styles, strict=True):
        right.plot(means, curve, line, color=colour)
        right.plot(q[0], max(abs(numbers[name]), 2e-6), mark, color=colour)  # at the edge if off the scale
    right.set(xlabel="mean of the fakes", ylabel="|gradient| (nats per unit of x)", xlim=(low, high))
    right.set(yscale="log", ylim=(1e-6, max(1e3, 30 * curves.max())), title="What the generator is told")
    right.set_yticks([1e-6, 1e-4, 0.01, 1], ["1e-6", "1e-4", "0.01", "1"])  # labels are slow to draw: few
    right.minorticks_off()
    _key(
        right,
        0.94,
        (
            (f"— ● saturating {numbers['saturating']:+.3g}", plots.THIRD),
            (f"- - ■ non-saturating {numbers['non_saturating']:+.3g}", plots.GREY),
        ),
    )
    for axis in (left.xaxis, left.yaxis, right.xaxis):
        axis.get_major_locator().set_params(nbins=4)
    return fig


# The browser's own slider inside a label, and the number beside it to be typed. Notebook commands have the arrow keys,
# so their shortcuts are off here.
_SLIDER = """
export default { render({ model, el }) {
  const name = model.get("description"), label = document.createElement("label");
  const slider = document.createElement("input"), number = document.createElement("input");
  const text = document.createElement("span");
  text.textContent = name;
  label.append(text, slider);
  number.setAttribute("aria-label", name + ", as a number");
  for (const [part, type] of [[slider, "range"], [number, "number"]]) {
    part.type = type;
    for (const limit of ["min", "max", "step"]) part[limit] = model.get(limit);
  }
  const draw = () => { slider.value = number.value = +model.get("value").toFixed(6); };
  const take = part => {
    if (part.value !== "") { model.set("value", Math.min(+part.max, Math.max(+part.min, +part.value))); }
    model.save_changes(); draw();
  };
  slider.addEventListener("input", () => take(slider));
  number.addEventListener("change", () => take(number));
  el.addEventListener("keydown", event => event.stopPropagation());
  el.dataset.lmSuppressShortcuts = "true";
  el.classList.add("aigc-slider");
  model.on("change:value", draw); draw(); el.append(label, number);
} };
"""
_SLIDER_STYLE = """
.aigc-slider, .aigc-slider label { display: flex; align-items: center; gap: 0.5em; }
.aigc-slider { margin: 2px 1em 2px 2px; }
.aigc-slider span { min-width: 5.5em; text-align: right; }
.aigc-slider input[type=range] { width: 10em; }
.aigc-slider input[type=number] { width: 4.5em; }
"""


@functools.cache
def _slider_class(anywidget):
    """The widget with `_SLIDER` as its face; its traits are called as those of `ipywidgets.FloatSlider`."""
    import traitlets

    class Slider(anywidget.AnyWidget):
        _esm, _css = _SLIDER, _SLIDER_STYLE
        description = traitlets.Unicode().tag(sync=True)
        min, max, step, value = (traitlets.Float().tag(sync=True) for _ in range(4))

        @traitlets.validate("value")
        def within(self, proposal):
            return min(max(proposal["value"], self.min), self.max)

    return Slider


def slider(ipywidgets, description, value, low, high, step):
    """A slider that a screen reader calls by its description.

    The handles of ipywidgets' sliders have no name, in no version; theirs stands in where anywidget is missing.

    Args:
        ipywidgets: the module.
        description: str, the label.
        value, low, high, step: floats.

    Returns:
        widget with traits description, value, min, max, step.
    """
    traits = {"description": description, "min": low, "max": high, "step": step, "value": value}
    try:
        import anywidget
    except ImportError:
        return ipywidgets.FloatSlider(**traits)
    return _slider_class(anywidget)(**traits)


def build_controls(ipywidgets):
    """Four sliders, a sentence and a picture that follows them: an `ipywidgets.VBox`, versions 7.7 and 8."""
    spans = {name: (-6.0, 6.0) if name.startswith("mean") else (0.2, 3.0) for name in START}
    sliders = {
        name: slider(ipywidgets, _LABELS[name], START[name], low, high, step=0.1) for name, (low, high) in spans.items()
    }
    image, sentence = ipywidgets.HTML(), ipywidgets.HTML()  # ipywidgets.Image has no alt text

    def redraw(change=None):
        setting = {name: slider.value for name, slider in sliders.items()}
        told = _describe(two_gaussians_numbers(**setting))
        # all colours: a palette takes longer than the rest of the way, and the picture must follow the slider
        image.value = plots.Picture(plots.png(two_gaussians_figure(**setting), colours=0), told).html()
        sentence.value = f'<span role="status">{told}</span>'

    for each in sliders.values():
        each.observe(redraw, names="value")
    redraw()
    rows = [ipywidgets.HBox([sliders[f"mean_{name}"], sliders[f"sigma_{name}"]]) for name in "pq"]
    return ipywidgets.VBox([*rows, sentence, image])


def two_gaussians():
    """Shows the sliders; where they cannot run (GitHub, nbviewer, stored notebooks), the starting picture."""

    alt = "Two bell curves, the best discriminator, the generator's two gradients. "
    alt += _describe(two_gaussians_numbers(**START))
    try:
        import ipywidgets
    except ImportError:
        plots.show(two_gaussians_figure(**START), alt=alt)
        print("To move the curves: pip install ipywidgets, then restart the kernel.")
        return
    widget, start = build_controls(ipywidgets), plots.picture(two_gaussians_figure(**START), alt)
    plots.show_widget(widget, start)
