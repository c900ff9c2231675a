"""The two Gaussians of chapter 02: closed forms, independent quadrature, live sliders, a static picture."""

import ast
import base64
import builtins
import itertools
import json
import pathlib

import numpy as np
import pytest
from scipy import integrate, stats

from aigc_course import plots, widgets
from aigc_course.errors import CourseError

LOG_2 = np.log(2.0)
PAIRS = [((0, 1), (2, 0.7)), ((0, 3), (1, 0.2)), ((-3, 0.5), (5, 2)), ((0.5, 1), (0.5, 2))]
NOTEBOOK = pathlib.Path(__file__).parents[1] / "notebooks" / "02_minimax_game.ipynb"
SHARED = (
    "normal_logpdf",
    "normal_pdf",
    "log_sigmoid",
    "log_ratio",
    "optimal_discriminator",
    "value",
    "jensen_shannon",
    "generator_gradients",
)


def numbers(p, q):
    return widgets.two_gaussians_numbers(p[0], p[1], q[0], q[1])


def scipy_expectation(function, gaussian):
    """E[function(x)] by SciPy's adaptive quadrature, piece by piece."""
    mean, sigma = gaussian
    density = stats.norm(mean, sigma).pdf
    edges = mean + sigma * np.linspace(-9, 9, 37)
    return sum(
        integrate.quad(lambda x: function(x) * density(x), a, b, epsabs=1e-13)[0] for a, b in itertools.pairwise(edges)
    )


def logit(x, p, q):
    return stats.norm(*p).logpdf(x) - stats.norm(*q).logpdf(x)


def test_equal_gaussians_have_jsd_zero_and_value_minus_log_4():
    """Nothing to tell apart: JSD 0, V = -log 4, no gradient."""
    found = numbers((1.3, 0.4), (1.3, 0.4))
    assert found["jsd"] == pytest.approx(0, abs=1e-14)
    assert found["value"] == pytest.approx(-2 * LOG_2, abs=1e-13)
    assert found["saturating"] == pytest.approx(0, abs=1e-12)
    assert found["non_saturating"] == pytest.approx(0, abs=1e-12)


def test_far_apart_gaussians_have_jsd_log_2_and_only_one_gradient():
    """Disjoint in practice: JSD log 2, V = 0; of the two gradients only one is left."""
    found = numbers((0, 1), (60, 1))
    assert found["jsd"] == pytest.approx(LOG_2, abs=1e-13)
    assert found["value"] == pytest.approx(0, abs=1e-12)
    assert 0 <= found["saturating"] < 1e-100
    assert found["non_saturating"] == pytest.approx(60)


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_numbers_agree_with_scipy(p, q):
    """Value and gradients against an independent quadrature of the definitions."""
    found = numbers(p, q)
    log_d = lambda x: -np.logaddexp(0, -logit(x, p, q))  # noqa: E731
    log_not_d = lambda x: -np.logaddexp(0, logit(x, p, q))  # noqa: E731
    expected = scipy_expectation(log_d, p) + scipy_expectation(log_not_d, q)
    assert found["value"] == pytest.approx(expected, abs=1e-9)
    assert found["value"] == pytest.approx(-2 * LOG_2 + 2 * found["jsd"], abs=1e-12)
    slope = lambda x: (x - q[0]) / q[1] ** 2 - (x - p[0]) / p[1] ** 2  # noqa: E731
    expected = scipy_expectation(lambda x: -slope(x) * np.exp(log_d(x)), q)
    assert found["saturating"] == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_gradients_follow_their_divergences(p, q):
    """Saturating: d(2 JSD). Non-saturating: d(KL(q||p) - 2 JSD) (Arjovsky & Bottou, 2017, theorem 2.5)."""
    saturating, non_saturating = widgets.generator_gradients(p, q)
    h = 1e-4
    jsd = [widgets.jensen_shannon(p, (q[0] + step, q[1])) for step in (h, -h)]
    assert saturating == pytest.approx(2 * (jsd[0] - jsd[1]) / (2 * h), abs=1e-6)
    kl_slope = (q[0] - p[0]) / p[1] ** 2
    assert non_saturating == pytest.approx(kl_slope - saturating, abs=1e-10)


@pytest.mark.parametrize("distance", [0.3, 1.0, 4.0])
def test_gradients_point_to_the_data(distance):
    """Fakes to the right are told to go left, and the mirror image the reverse."""
    right, left = numbers((0, 1), (distance, 1)), numbers((0, 1), (-distance, 1))
    for name in ("saturating", "non_saturating"):
        assert right[name] > 0
        assert left[name] == pytest.approx(-right[name])


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_jsd_is_symmetric_and_bounded(p, q):
    """JSD(p, q) = JSD(q, p), between 0 and log 2."""
    assert numbers(p, q)["jsd"] == pytest.approx(numbers(q, p)["jsd"], abs=1e-12)
    assert 0 < numbers(p, q)["jsd"] < LOG_2


def test_value_is_greatest_at_the_log_ratio():
    """Any other discriminator earns less."""
    p, q = PAIRS[0]
    best = widgets.value(lambda x: widgets.log_ratio(x, p, q), p, q)
    for shift in (-0.5, 0.1, 2.0):
        assert widgets.value(lambda x, shift=shift: widgets.log_ratio(x, p, q) + shift, p, q) < best


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("sigma_p", 0),
        ("sigma_q", -1.0),
        ("mean_p", float("nan")),
        ("mean_q", float("inf")),
        ("sigma_q", "wide"),
        ("mean_p", None),
        ("sigma_p", 1e9),
    ],
)
def test_bad_numbers_are_refused_by_name(name, bad):
    """The message names the argument, its range and what came."""
    for function in (widgets.two_gaussians_numbers, widgets.two_gaussians_figure):
        with pytest.raises(CourseError, match=f"{name} must be a number from .* received"):
            function(**{**widgets.START, name: bad})


@pytest.mark.parametrize(("p", "q"), [*PAIRS, ((0, 1), (0, 1)), ((-6, 0.2), (6, 0.2)), ((500, 3), (-500, 3))])
def test_figure_draws_for_every_setting(p, q):
    """A PNG comes out, both axes are labelled, and no figure stays behind in pyplot."""
    import matplotlib.pyplot as plt

    fig = widgets.two_gaussians_figure(p[0], p[1], q[0], q[1])
    assert all(ax.get_xlabel() and ax.get_ylabel() and ax.get_title() for ax in fig.axes)
    assert plots.png(fig).startswith(b"\x89PNG")
    assert not plt.get_fignums()


def test_slider_changes_picture_and_sentence():
    """Moving the fakes onto the data redraws: new PNG, JSD 0 in the sentence."""
    ipywidgets = pytest.importorskip("ipywidgets")
    box = widgets.build_controls(ipywidgets)
    (real, fake), sentence, image = box.children[:2], box.children[2], box.children[3]
    before = image.value
    for slider, value in zip([*real.children, *fake.children], (0.0, 1.0, 0.0, 1.0), strict=True):
        assert slider.description
        slider.value = value
    assert image.value != before
    assert image.value.startswith('<img alt="JSD 0.0000 nats')  # the picture says what it shows
    assert "JSD 0.0000" in sentence.value


def displayed(monkeypatch):
    """Runs two_gaussians() and returns the arguments of its display calls."""
    import IPython.display

    calls = []
    monkeypatch.setattr(IPython.display, "display", lambda *args, **kwargs: calls.append((args, kwargs)))
    widgets.two_gaussians()
    return calls


def test_one_output_holds_the_widget_and_a_static_picture(monkeypatch):
    """A page without a kernel shows the PNG, with alt text; a live one shows the widget."""
    pytest.importorskip("ipywidgets")
    [((bundle,), kwargs)] = displayed(monkeypatch)
    assert bundle["application/vnd.jupyter.widget-view+json"]["version_major"] == 2
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert '<img alt="Two bell curves' in bundle["text/html"]
    assert kwargs["raw"] is True
    assert "JSD" in kwargs["metadata"]["image/png"]["alt"]
    assert "JSD" in bundle["text/plain"]


def test_without_ipywidgets_the_picture_still_shows(monkeypatch, capsys):
    """One picture and one line that says what to install."""
    real_import = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "ipywidgets":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    [((image,), _)] = displayed(monkeypatch)
    assert image.png.startswith(b"\x89PNG")
    assert "pip install ipywidgets" in capsys.readouterr().out


def notebook_functions():
    """The functions that chapter 02 defines with NumPy alone, by name."""
    namespace = {"np": np}
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and "def " in source and not source.lstrip().startswith("%"):
            found = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
            exec(compile(ast.Module(found, []), str(NOTEBOOK), "exec"), namespace)
    return namespace


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_package_and_notebook_compute_the_same(p, q):
    """Chapter 02 writes these functions out; the package must agree with every one of them."""
    theirs = notebook_functions()
    x = np.linspace(-8, 8, 201)
    for name in SHARED:
        assert name in theirs, f"chapter 02 no longer defines {name}"
    for name in ("normal_logpdf", "normal_pdf"):
        np.testing.assert_allclose(getattr(widgets, name)(x, *p), theirs[name](x, *p), rtol=1e-12)
    np.testing.assert_allclose(widgets.log_sigmoid(9 * x), theirs["log_sigmoid"](9 * x), rtol=1e-12)
    np.testing.assert_allclose(widgets.log_ratio(x, p, q), theirs["log_ratio"](x, p, q), rtol=1e-12)
    assert widgets.optimal_discriminator(0.2, 0.3) == pytest.approx(theirs["optimal_discriminator"](0.2, 0.3))
    best = lambda x: widgets.log_ratio(x, p, q)  # noqa: E731
    assert widgets.value(best, p, q) == pytest.approx(theirs["value"](best, p, q), abs=1e-10)
    assert widgets.jensen_shannon(p, q) == pytest.approx(theirs["jensen_shannon"](p, q), abs=1e-10)
    assert widgets.generator_gradients(p, q) == pytest.approx(theirs["generator_gradients"](p, q), abs=1e-9)
