"""Flow matching: velocities against closed forms, sampling against its order, training that goes on, files."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from aigc_course import files
from aigc_course.errors import CourseError
from aigc_course.flow import model, network, paths, picture, vae

MEANS, SIGMA, SHARES = np.array([[-1.5], [0.5], [2.0]]), 0.3, np.array([0.2, 0.5, 0.3])


def density(x, t):
    """p_t of the mixture's flow at points (N,)."""
    variance = (1 - t) ** 2 + (t * SIGMA) ** 2
    each = np.exp(-((x[:, None] - t * MEANS[:, 0]) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
    return each @ SHARES


def velocity(x, t):
    return paths.mixture_velocity(x[:, None], t, MEANS, SIGMA, SHARES)[:, 0]


# --- mathematics ---


@pytest.mark.parametrize("t", [0.05, 0.3, 0.6, 0.9])
def test_the_closed_form_solves_the_continuity_equation(t):
    """∂p/∂t + ∂(p u)/∂x = 0, by central differences."""
    x, h = np.linspace(-4, 4, 801), 1e-4
    change = (density(x, t + h) - density(x, t - h)) / (2 * h)
    flux = (density(x + h, t) * velocity(x + h, t) - density(x - h, t) * velocity(x - h, t)) / (2 * h)
    assert np.abs(change + flux).max() < 1e-5 * max(1.0, np.abs(change).max())


def test_following_the_closed_form_gives_the_mixture(rng):
    """4,000 points by 200 Euler steps: mean and standard deviation of the mixture, to four standard errors."""
    x = rng.standard_normal((4000, 1))
    for i in range(200):
        x = x + paths.mixture_velocity(x, i / 200, MEANS, SIGMA, SHARES) / 200
    mean = SHARES @ MEANS[:, 0]
    deviation = np.sqrt(SHARES @ (MEANS[:, 0] ** 2 + SIGMA**2) - mean**2)
    assert abs(x.mean() - mean) < 4 * deviation / np.sqrt(4000)
    assert abs(x.std() - deviation) < 0.05 * deviation


def test_the_exact_minimiser_is_the_mixture_of_single_points(rng):
    """Data points are components of width 0, for every t and with labels too."""
    points, x = rng.standard_normal((40, 3)), rng.standard_normal((700, 3))  # more than a block of 500
    labels, wanted = rng.integers(4, size=40), rng.integers(4, size=700)
    for t in (0.0, 0.4, 0.9):
        assert np.allclose(paths.exact_velocity(x, t, points), paths.mixture_velocity(x, t, points, 1e-9), atol=1e-6)
        own = paths.exact_velocity(x, t, points, labels, wanted)
        for label in range(4):
            alone = paths.exact_velocity(x[wanted == label], t, points[labels == label])
            assert np.allclose(own[wanted == label], alone)


def test_the_exact_minimiser_beats_its_neighbours(rng):
    """The flow-matching loss at one t, over many paths of five points: moved by ±1 %, it is larger."""
    points = rng.standard_normal((5, 2))
    noise, data = rng.standard_normal((40_000, 2)), points[rng.integers(5, size=40_000)]
    x, target = paths.between(noise, data, np.full(40_000, 0.5))
    best = paths.exact_velocity(x, 0.5, points)
    loss = [np.mean((factor * best - target) ** 2) for factor in (0.9, 1.0, 1.1)]
    assert loss[1] < min(loss[0], loss[2])


def test_paths_are_straight_and_end_where_they_should(rng):
    noise, data = rng.standard_normal((3, 2, 2, 1)), rng.standard_normal((3, 2, 2, 1))
    x, speed = paths.between(noise, data, np.array([0.0, 0.25, 1.0]))
    assert np.allclose(x[0], noise[0])
    assert np.allclose(x[2], data[2])
    assert np.allclose(x[1] + 0.75 * speed[1], data[1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: paths.exact_velocity(np.zeros((2, 3)), 1.0, np.zeros((4, 3))), "t must"),
        (lambda: paths.exact_velocity(np.zeros((2, 3)), 0.5, np.zeros((4, 2))), "x and data must be"),
        (lambda: paths.mixture_velocity(np.zeros((2, 1)), 0.5, MEANS, 0.0), "sigma must"),
        (lambda: network.build_velocity(shape=(30, 28, 1)), "multiples of 4"),
        (lambda: network.build_velocity(width=0), "width must"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(CourseError, match=message):
        call()


# --- following a velocity ---


def known(formula, classes=2, shape=(4, 4, 1)):
    """A `Flow` whose velocity is formula(x, t, label as a float), each broadcast to x."""
    x, t, label = layers.Input(shape), layers.Input(()), layers.Input((), dtype="int32")
    wide = [layers.Reshape((1, 1, 1))(part) for part in (t, keras.ops.cast(label, "float32"))]
    return model.Flow(keras.Model([x, t, label], formula(x, *wide)), classes)


def test_euler_and_heun_are_what_they_are_called():
    """dx/dt = x/4: a step multiplies by 1 + h/4, Heun's (but the last) by 1 + h/4 + (h/4)²/2; no clip is reached."""
    flow = known(lambda x, t, label: 0.25 * x + 0.0 * (t + label))
    noise = np.linspace(-0.7, 0.7, 32, dtype=np.float32).reshape(2, 4, 4, 1)
    one, two = 1 + 1 / 16, 1 + 1 / 16 + 1 / 512
    for method, evaluations, factor in (("euler", 4, one**4), ("heun", 7, two**3 * one), ("heun", 8, two**3 * one)):
        drawn = flow.sample(2, evaluations=evaluations, method=method, noise=noise)
        assert np.allclose(drawn, noise * factor, atol=1e-5)


def test_time_and_labels_reach_the_velocity():
    """dx/dt = t + 0.1 label: Heun is exact up to t = 1/2, then Euler: 1/8 + 1/4 + 0.1 label."""
    flow = known(lambda x, t, label: 0.0 * x + t + 0.1 * label)
    drawn = flow.sample(
        2, labels=np.array([0, 2]), evaluations=3, method="heun", noise=np.zeros((2, 4, 4, 1), np.float32)
    )
    assert np.allclose(drawn[0], 0.375, atol=1e-6)
    assert np.allclose(drawn[1], 0.575, atol=1e-6)


@pytest.mark.parametrize(("guidance", "expected"), [(0.0, 0.2), (1.0, 0.1), (3.0, -0.1)])
def test_guidance_goes_from_the_hidden_label_through_the_label_and_on(guidance, expected):
    """Velocity 0.1 * label; label 1 of two classes, hidden = 2: 0.2 + guidance (0.1 - 0.2)."""
    flow = known(lambda x, t, label: 0.0 * (x + t) + 0.1 * label)
    drawn = flow.sample(
        1, labels=np.array([1]), evaluations=2, guidance=guidance, noise=np.zeros((1, 4, 4, 1), np.float32)
    )
    assert np.allclose(drawn, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": np.array([0, 3])}, "labels must be 2 integers"),
        ({"labels": np.array([0.0, 1.0])}, "labels must be 2 integers"),
        ({"evaluations": 0, "method": "heun"}, "evaluations must"),
        ({"evaluations": 1, "method": "heun", "guidance": 2.0}, "evaluations must"),
        ({"method": "rk45"}, "method"),
        ({"guidance": -1.0}, "guidance must"),
    ],
)
def test_wrong_requests_are_named(options, message):
    with pytest.raises(CourseError, match=message):
        known(lambda x, t, label: 0.0 * (x + t + label)).sample(2, **options)


# --- training ---


def tiny(seed=7):
    keras.utils.set_random_seed(seed)
    return model.Flow(network.build_velocity(classes=3, width=4, shape=(8, 8, 1)), 3, seed=seed)


@pytest.fixture
def squares(rng):
    return rng.integers(256, size=(60, 8, 8), dtype=np.uint8), np.arange(60) % 3


def test_an_untrained_network_says_nothing_and_pays_for_all(squares):
    """Its last layer starts at zero, so the first loss is E|image - noise|², with this step's own noise."""
    flow, images = tiny(), tf.constant(squares[0][:16, :, :, None] / 127.5 - 1, tf.float32)
    model.compile_flow(flow, 10)
    noise = flow.random(tf.random.stateless_normal, 0, images.shape)
    loss = float(flow.train_step((images, tf.zeros(16, tf.int32)))["loss"])
    assert np.isclose(loss, float(tf.reduce_mean((images - noise) ** 2)), rtol=1e-5)


def test_training_learns_what_there_is_to_learn():
    """Three classes, each of one grey: the mean loss of the run falls, and each class is drawn at its own grey."""
    greys, seen = np.array([40, 130, 220], np.uint8), []
    labels = np.arange(60) % 3
    images = np.broadcast_to(greys[labels][:, None, None], (60, 8, 8))
    flow = tiny()
    model.train_flow(flow, images, labels, 300, 32, 5e-3, lambda *_: seen.append(float(flow.loss_tracker.result())))
    assert flow.step == 300 == len(seen)
    assert seen[-1] < 0.7 * seen[0]
    drawn = flow.sample(30, evaluations=10).mean(axis=(1, 2, 3)).reshape(10, 3).mean(axis=0)
    assert np.allclose(drawn, greys / 127.5 - 1, atol=0.25)


def test_training_goes_on_as_if_it_had_not_stopped(squares, tmp_path):
    whole, parts, again = tiny(), tiny(), tiny(seed=8)
    model.train_flow(whole, *squares, 6, batch_size=16)

    class Enough(Exception):
        pass

    def stop(step, _):
        if step == 3:
            raise Enough

    with pytest.raises(Enough):
        model.train_flow(parts, *squares, 6, batch_size=16, each=stop)
    files.save_state(tmp_path / "t.npz", parts.state, step=3)
    again.seed = 7
    model.compile_flow(again, 6)
    assert files.load_state(tmp_path / "t.npz", again.state) == {"step": 3}
    model.train_flow(again, *squares, 6, batch_size=16)
    for a, b in zip(whole.average.weights, again.average.weights, strict=True):
        assert np.allclose(a, b, atol=1e-6)


def test_a_file_gives_the_same_pictures_to_half_precision(tmp_path, squares):
    flow = tiny()
    model.train_flow(flow, *squares, 20, batch_size=32)
    model.save_flow(flow, tmp_path / "flow.npz", seconds=1)
    loaded, facts = model.load_flow(tmp_path / "flow.npz")
    assert facts == {"seconds": 1}
    assert np.abs(loaded.sample(6, evaluations=4) - flow.sample(6, evaluations=4)).max() < 0.02


def test_a_file_needs_no_configuration_of_keras(tmp_path):
    """Keras 3.13 does not read what 3.15 writes about a layer: the numbers of `build_velocity` are enough."""
    flow = tiny()
    model.save_flow(flow, tmp_path / "flow.npz")
    with np.load(tmp_path / "flow.npz") as file:
        header = json.loads(file["header"].tobytes())
    assert header.keys() == {"classes", "width", "shape", "facts"}
    with pytest.raises(CourseError, match="build_velocity"):
        model.save_flow(known(lambda x, t, label: 0.0 * (x + t + label)), tmp_path / "other.npz")


def test_damaged_files_are_named(tmp_path):
    (tmp_path / "flow.npz").write_bytes(b"no")
    with pytest.raises(CourseError, match="cannot be read as a flow"):
        model.load_flow(tmp_path / "flow.npz")
    flow = tiny()
    model.compile_flow(flow, 6)
    with pytest.raises(CourseError, match="Remove it to train anew"):
        files.load_state(tmp_path / "flow.npz", flow.state)
    files.save_state(tmp_path / "other.npz", flow.state[1:])
    with pytest.raises(CourseError, match="another network"):
        files.load_state(tmp_path / "other.npz", flow.state)


def test_the_default_network_has_the_size_that_is_said():
    assert 0.7e6 < network.build_velocity().count_params() < 0.9e6


# --- the other family ---


def test_the_two_parts_of_the_bound_against_their_definitions(rng):
    """KL by drawing from q; the cross-entropy of black paper under logits 0 is 784 log 2."""
    keras.utils.set_random_seed(1)
    encoder, decoder = vae.build_vae(latent=3, width=4)
    mean, deviation = np.array([0.5, -1.0, 0.0], np.float32), np.array([0.3, 1.0, 2.0], np.float32)
    encoder.layers[-1].set_weights(
        [np.zeros_like(encoder.layers[-1].get_weights()[0]), np.concatenate([mean, 2 * np.log(deviation)])]
    )
    decoder.layers[-1].set_weights([np.zeros_like(part) for part in decoder.layers[-1].get_weights()])
    images = -np.ones((2, 28, 28, 1), np.float32)
    ink, kl = vae.VAE(encoder, decoder).parts(tf.constant(images), tf.constant([1, 2]))
    assert np.allclose(ink, 784 * np.log(2), rtol=1e-5)
    z = mean + deviation * rng.standard_normal((200_000, 3))
    drawn = (-0.5 * ((z - mean) / deviation) ** 2 - np.log(deviation) + 0.5 * z**2).sum(axis=1).mean()
    assert np.allclose(kl, drawn, rtol=0.02)


def test_a_vae_learns_the_grey_of_each_class():
    greys, labels = np.array([40, 130, 220], np.uint8), np.arange(60) % 3
    images = np.broadcast_to(greys[labels][:, None, None, None] / np.float32(127.5) - 1, (60, 28, 28, 1)).astype(
        np.float32
    )
    keras.utils.set_random_seed(1)
    model_ = vae.VAE(*vae.build_vae(latent=2, classes=3, width=4))
    model_.compile(keras.optimizers.Adam(5e-3), jit_compile=False)
    model_.fit(images, labels, 20, epochs=60, verbose=0)
    drawn = model_.sample(30).mean(axis=(1, 2, 3)).reshape(10, 3).mean(axis=0)
    assert np.allclose(drawn, greys / 127.5 - 1, atol=0.1)


# --- the live picture ---


def test_the_picture_tells_what_guidance_does():
    """In the end, with many steps: at 1 nearly all points are where asked and as wide as the data; more is narrower."""
    plain, more, none = (picture.flow_numbers(40, 40, guidance) for guidance in (1.0, 4.0, 0.0))
    assert plain["time"] == 1.0
    assert plain["asked"] > 0.95
    assert plain["wrong"] == 0.0
    assert 0.85 < plain["width"] < 1.15
    assert more["width"] < 0.8 * plain["width"]
    assert 0.2 < none["asked"] < 0.5 < none["wrong"]  # two modes of six
    assert picture.flow_numbers(10, 40)["time"] == 1.0  # the place is at most the last step


def test_the_picture_is_drawn_and_its_wrong_settings_are_named():
    figure = picture.flow_figure(3, 2, 2.0)
    assert "where asked, guidance 2" in figure.axes[1].get_title()
    for call in (
        lambda: picture.flow_numbers(0),
        lambda: picture.flow_numbers(5, -1),
        lambda: picture.flow_numbers(5, 5, 9.0),
    ):
        with pytest.raises(CourseError, match="must"):
            call()


def test_the_sliders_move_the_picture():
    ipywidgets = pytest.importorskip("ipywidgets")
    box = picture.build_controls(ipywidgets)
    sliders, sentence, image = box.children
    before = image.value, sentence.value
    sliders.children[1].value = 20
    assert image.value != before[0]
    assert "Time 1.00" in sentence.value
