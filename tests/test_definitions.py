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


@pytest.mark.parametrize("features", [1, 6])
def test_chapter_01_writes_out_the_packages_distance(features):
    """Moments, Fréchet distance of moments and of samples, features that go together, one of them constant."""
    from aigc_course import metrics

    book, rng = definitions("01_learning_from_data.ipynb"), np.random.default_rng(features)
    a, b = (rng.standard_normal((n, features)) @ rng.standard_normal((features, features)) for n in (40, 70))
    a[:, 0] = 2.0
    for mine, theirs in zip(book["moments"](a), metrics.moments(a), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-12)
    assert book["frechet_distance"](a, b) == pytest.approx(metrics.frechet_distance(a, b), rel=1e-9)
    pair = (*metrics.moments(a), *metrics.moments(b))
    assert book["frechet_of_moments"](*pair) == pytest.approx(metrics.frechet_of_moments(*pair), rel=1e-9)
    root = book["square_root"](pair[3])
    np.testing.assert_allclose(root @ root, pair[3], atol=1e-10)


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
    from aigc_course.checks import game

    book = definitions("02_minimax_game.ipynb")
    for gamma in (0.0, 0.3):
        expected = abs(game.eigenvalues(1, h / 2, -h / 2, 1 - h * gamma)).max()
        assert book["measured_radius"](h=h, gamma=gamma) == pytest.approx(expected, abs=1e-8)
        expected = abs(game.update_eigenvalues(h, gamma)).max()
        assert book["measured_radius"](h=h, gamma=gamma, alternating=True) == pytest.approx(expected, abs=1e-8)
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


@pytest.mark.parametrize(("side", "kernel", "stride"), [(28, 3, 2), (11, 3, 2), (10, 4, 1), (9, 5, 3)])
def test_chapter_03_convolution_is_keras_own(side, kernel, stride):
    """The hand-written convolution pads and strides as "same" does, uneven padding included."""
    import keras

    x = np.random.default_rng(side).standard_normal((1, side, side + 1, 3)).astype("float32")
    layer = keras.layers.Conv2D(2, kernel, strides=stride, padding="same", use_bias=False)
    expected = np.asarray(layer(x))[0]
    result = definitions("03_build_the_models.ipynb")["conv_same"](x[0], np.asarray(layer.kernel), stride)
    np.testing.assert_allclose(result, expected, atol=1e-4)


def test_chapter_03_batch_normalisation_is_the_packages():
    """The formula, with the batch's statistics and with moving ones, equals the layer that the generator uses."""
    from aigc_course import fast

    book, rng = definitions("03_build_the_models.ipynb"), np.random.default_rng(4)
    x = rng.normal(1.0, 2.0, (8, 5, 5, 3)).astype("float32")
    gamma, beta = rng.uniform(0.5, 2.0, (2, 3)).astype("float32")
    layer = fast.BatchNormalization(momentum=0.8)
    layer.build((None, 5, 5, 3))
    layer.set_weights([gamma, beta, np.zeros(3), np.ones(3)])
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    training = np.asarray(layer(x, training=True))
    np.testing.assert_allclose(training, book["batch_norm"](x, gamma, beta, mean, variance), atol=1e-4)
    m, v = book["moving_mean"](0.0, 0.8, mean[None])[0], 0.8 + 0.2 * variance
    np.testing.assert_allclose(layer.moving_mean, m, atol=1e-5)
    resting = np.asarray(layer(x, training=False))
    np.testing.assert_allclose(resting, book["batch_norm"](x, gamma, beta, m, v), atol=1e-4)


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


def test_chapter_04_class_is_the_packages_class():
    """The keras.Model written out in chapter 04 trains both players and their average as `gan.GAN` does."""
    import keras
    import tensorflow as tf

    from aigc_course import gan, models

    book = definitions("04_train_the_gan.ipynb")
    trained = []
    for kind in (book["TwoPlayers"], gan.GAN):
        keras.utils.set_random_seed(3)
        model = kind(models.build_generator(), models.build_discriminator(), seed=5)
        keras.utils.set_random_seed(4)  # dropout
        model.compile(gan.adam(), gan.adam(5e-4))
        for step in range(2):
            losses = model.train_step(tf.random.stateless_uniform((8, 28, 28, 1), (1, step), -1.0, 1.0))
        trained.append((model, float(losses["d_loss"]), float(losses["g_loss"])))
    (mine, *my_losses), (theirs, *their_losses) = trained
    assert my_losses == pytest.approx(their_losses, abs=1e-5)
    for name in ("generator", "discriminator", "ema_generator"):
        for a, b in zip(getattr(mine, name).weights, getattr(theirs, name).weights, strict=True):
            np.testing.assert_allclose(a, b, atol=2e-5)


def test_chapter_04_average_is_the_packages_average():
    """One weight followed by hand is what `gan.GAN.update_ema` makes of it, step after step."""
    from types import SimpleNamespace

    import tensorflow as tf

    from aigc_course import gan

    follow, average = definitions("04_train_the_gan.ipynb")["follow"], 0.5
    held, weight, steps = tf.Variable(0.5), tf.Variable(0.0), tf.Variable(0)
    model = SimpleNamespace(
        ema_decay=0.998,
        g_optimizer=SimpleNamespace(iterations=steps),
        ema_generator=SimpleNamespace(weights=[held]),
        generator=SimpleNamespace(weights=[weight]),
    )
    for step, value in ((1, 2.0), (2, -1.0), (4_000, 3.0), (9_000, 8.0)):
        weight.assign(value)
        steps.assign(step)
        gan.GAN.update_ema(model)
        average = follow(average, value, step)
        assert float(held) == pytest.approx(average, rel=1e-5)


def test_chapter_05_distances_are_the_packages_neighbours():
    """Distances written out by |a|² + |b|² - 2 a·b against metrics.nearest_neighbours."""
    from aigc_course import metrics

    book, rng = definitions("05_measure_quality.ipynb"), np.random.default_rng(5)
    a, b = rng.standard_normal((30, 7)), rng.standard_normal((40, 7))
    found = np.sort(book["distances_between"](a, b), axis=1)[:, :3]
    np.testing.assert_allclose(found, metrics.nearest_neighbours(a, b, k=3)[0], rtol=1e-6)


@pytest.mark.parametrize(("devices", "count"), [(1, 6), (2, 6), (5, 60)])
def test_chapter_15_ring_is_the_packages(devices, count):
    """The sum on every device, and the numbers that each has sent."""
    from aigc_course.scale import many

    ring, rng = definitions("15_hardware_and_scale.ipynb")["ring"], np.random.default_rng(devices)
    parts = [rng.standard_normal(count) for _ in range(devices)]
    sums, sent = ring(parts)
    theirs, also = many.ring_all_reduce(parts)
    np.testing.assert_allclose(sums, theirs)
    assert sent == also


def test_chapter_15_law_is_the_packages():
    """On exact runs whose exponents lie on the chapter's grid both find the law; the chapter's error is no smaller."""
    from aigc_course.scale import law

    book = definitions("15_hardware_and_scale.ipynb")
    n, d = (values.ravel() for values in np.meshgrid([5e4, 1e5, 3e5, 6e5], [2e5, 4e5, 8e5, 1.6e6]))
    true = law.Law(1.5, 60.0, 0.35, 900.0, 0.5)
    found, error = book["fit"](n, d, law.predict(true, n, d))
    assert error < 1e-12
    np.testing.assert_allclose(found, true, rtol=1e-3)
    np.testing.assert_allclose(law.fit(n, d, law.predict(true, n, d)), true, rtol=0.05)


@pytest.mark.parametrize(("percent", "decimals", "count", "can"), [(98.71, 2, 10_000, True), (87.3, 1, 400, True)])
def test_chapter_15_percentages(percent, decimals, count, can):
    """Every share that occurs can occur; one that lies between two cannot."""
    occurs = definitions("15_hardware_and_scale.ipynb")["can_occur"]
    assert occurs(percent, decimals, count) == can
    assert all(occurs(round(100 * hits / 37, 1), 1, 37) for hits in range(38))
    assert not occurs(87.33, 2, 400)
