"""What a notebook writes out in full and what the package offers from then on are numerically the same."""

import ast
from pathlib import Path

import nbformat
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent


def definitions(name):
    """The imports, sizes (capital names), functions and classes of a notebook, executed; nothing else of it runs."""
    space = {}
    for cell in nbformat.read(ROOT / "notebooks" / name, as_version=4).cells:
        if cell.cell_type != "code" or "bootstrap" in cell.metadata.get("tags", []):
            continue
        for node in ast.parse(cell.source).body:
            if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef) or is_size(node):
                exec(compile(ast.Module([node], []), name, "exec"), space)
    return space


def is_size(node):
    """True for lines such as STEPS = runtime.steps(full=1500, fast=20)."""
    return (
        isinstance(node, ast.Assign)
        and "runtime.steps(" in ast.unparse(node.value)
        and ast.unparse(node.targets[0]).isupper()
    )


def test_chapter_01_builds_the_packages_judge():
    """Same layers, and with the same weights the same logits and features."""
    import keras

    from aigc_course import metrics

    theirs, ours = definitions("01_learning_from_data.ipynb")["build_judge"](), metrics.build_judge()
    assert [type(layer) for layer in theirs.layers] == [type(layer) for layer in ours.layers]
    theirs.set_weights(ours.get_weights())
    x = np.random.default_rng(1).uniform(-1, 1, (4, 28, 28, 1)).astype("float32")
    for name in ("features", ours.layers[-1].name):
        index = [layer.name for layer in ours.layers].index(name)
        pair = [keras.Model(net.inputs[0], net.layers[index].output)(x, training=False) for net in (theirs, ours)]
        np.testing.assert_allclose(*pair, atol=1e-6)


@pytest.mark.parametrize(("p", "q"), [((0.0, 1.0), (2.0, 0.7)), ((0.0, 1.0), (0.0, 1.0)), ((-1.5, 0.5), (1.0, 2.0))])
def test_chapter_02_and_widgets_agree(p, q):
    """Jensen-Shannon divergence, value at D* and both generator gradients: trapezoid sums against Gauss-Legendre."""
    from aigc_course import widgets

    book = definitions("02_minimax_game.ipynb")
    assert book["jensen_shannon"](p, q) == pytest.approx(widgets.jensen_shannon(p, q), abs=1e-8)
    logit = lambda x: book["log_ratio"](x, p, q)  # noqa: E731
    assert book["value"](logit, p, q) == pytest.approx(widgets.value(logit, p, q), abs=1e-8)
    assert book["generator_gradients"](p, q) == pytest.approx(widgets.generator_gradients(p, q), abs=1e-8)
    a, b = np.array([0.1, 2.0]), np.array([0.3, 0.0])
    np.testing.assert_array_equal(book["optimal_discriminator"](a, b), widgets.optimal_discriminator(a, b))


@pytest.mark.parametrize("h", [0.05, 0.5])
def test_chapter_02_stretch_of_a_step_is_its_eigenvalues(h):
    """The Dirac-GAN's step, written out: near (0, 0) it stretches by |1 + hλ| as the exercise's check computes it."""
    from aigc_course.checks import chapter_02

    book = definitions("02_minimax_game.ipynb")
    for gamma in (0.0, 0.3):
        expected = abs(chapter_02.update_eigenvalues(h, gamma)).max()
        assert book["measured_radius"](h=h, gamma=gamma) == pytest.approx(expected, abs=1e-8)
    assert book["measured_radius"](h=h, alternating=True) == pytest.approx(1, abs=1e-8)


def test_chapter_02_carries_heaps_as_scipy_does():
    """The Wasserstein distance of sorted samples is SciPy's; a shift by 3 costs 3."""
    from scipy import stats

    wasserstein = definitions("02_minimax_game.ipynb")["wasserstein"]
    a, b = np.random.default_rng(2).normal(size=(2, 500))
    assert wasserstein(a, b) == pytest.approx(stats.wasserstein_distance(a, b), rel=1e-12)
    assert wasserstein(a, a[::-1] + 3) == pytest.approx(3, rel=1e-12)


def test_chapter_02_losses_have_the_slopes_of_the_divergences():
    """The gradient at a frozen D* is the slope of 2 JSD, or of KL - 2 JSD, at other pairs than the chapter's."""
    book = definitions("02_minimax_game.ipynb")
    for p, q in (((0.5, 1.5), (-1.0, 0.8)), ((1.0, 0.6), (1.8, 1.1))):
        assert book["generator_gradients"](p, q) == pytest.approx(book["divergence_slopes"](p, q), abs=1e-6)


def test_chapter_03_counts_and_shapes_are_the_packages():
    """The notebook's doubling piece has the layers, and the parameters, of the package's generator in that place."""
    from aigc_course import models

    double_size = definitions("03_build_the_models.ipynb")["double_size"]
    generator = models.build_generator()
    for piece, first in ((double_size(7, 256, 128), 2), (double_size(14, 128, 64), 5)):
        part = generator.layers[first : first + 3]
        for mine, theirs in zip(piece.layers, part, strict=True):  # `fast` layers are subclasses of Keras' own
            assert isinstance(theirs, type(mine))
        assert piece.count_params() == sum(layer.count_params() for layer in part)


def test_chapter_03_transposed_convolution_is_keras_own():
    """The hand-written transposed convolution equals the layer that the generator uses, kernel 4 and stride 2."""
    import keras

    rng = np.random.default_rng(2)
    x = rng.standard_normal((1, 5, 5, 3)).astype("float32")
    layer = keras.layers.Conv2DTranspose(2, 4, strides=2, padding="same", use_bias=False)
    expected = np.asarray(layer(x))[0]
    result = definitions("03_build_the_models.ipynb")["transposed_conv"](x[0], np.asarray(layer.kernel), 2)
    np.testing.assert_allclose(result, expected, atol=1e-5)


def test_chapter_04_step_is_the_packages_step():
    """The training step written out in chapter 04 moves every weight as `step.fused` does, Adam included."""
    import keras
    import tensorflow as tf

    from aigc_course import gan, models

    fused_step = definitions("04_train_the_gan.ipynb")["fused_step"]
    players = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        players.append((models.build_generator(), models.build_discriminator()))
    real = tf.random.stateless_uniform((8, 28, 28, 1), (1, 2), -1.0, 1.0)
    model = gan.GAN(*players[1], seed=5)
    model.compile(gan.adam(), gan.adam(), jit_compile=False)
    fused_step(real, model.noise(8, draw=0), *players[0], gan.adam(), gan.adam())
    model.train_step(real)
    for mine, theirs in zip(players[0], players[1], strict=True):
        for a, b in zip(mine.weights, theirs.weights, strict=True):
            np.testing.assert_allclose(a, b, atol=2e-6)
