"""The studio: a conditional GAN that learns its classes, scores against closed forms and cheats, the design board."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from aigc_course import data, files
from aigc_course.errors import CourseError
from aigc_course.studio import board, conditional, scores, steer, widget

# --- networks ---


@pytest.fixture(scope="module")
def generator():
    keras.utils.set_random_seed(3)
    return conditional.build_conditional_generator()


def test_the_generator_is_the_articles_behind_its_first_numbers(generator):
    """64 + 36 = 100 inputs: the article's 1,924,289 weights, and 10 vectors of 36."""
    assert generator.count_params() == 1_924_289 + 360
    drawn, labels = conditional.sample_classes(generator, 12, seed=1)
    assert drawn.shape == (12, 28, 28, 1)
    assert list(labels[:11]) == [*range(10), 0]
    assert np.abs(drawn).max() <= 1


def test_shares_mix_the_class_vectors(generator):
    """Half of two classes is the picture of the mean vector."""
    vectors = generator.get_layer("class_vectors").kernel.numpy()  # (10, 36)
    body = generator.layers[-1]
    z = np.random.default_rng(0).standard_normal((1, 64)).astype(np.float32)
    shares = np.zeros((1, 10), np.float32)
    shares[0, [2, 5]] = 0.5
    by_hand = body(np.concatenate([z, (vectors[[2]] + vectors[[5]]) / 2], axis=1), training=False)
    assert np.allclose(conditional.draw(generator, z, shares), by_hand, atol=1e-5)


def test_the_projection_is_its_formula(rng):
    """w · phi + b + v_class · phi; a logit changes with the class by the inner product alone."""
    layer = conditional.Projection()
    phi, shares = rng.standard_normal((5, 7)).astype(np.float32), np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1]]
    layer([phi, shares])
    layer.vectors.assign(rng.standard_normal((3, 7)))
    layer.own.bias.assign([0.5])
    own = phi @ layer.own.kernel.numpy()[:, 0] + 0.5
    expected = own + (layer.vectors.numpy()[[0, 1, 2, 0, 1]] * phi).sum(axis=1)
    assert np.allclose(layer([phi, shares])[:, 0], expected, atol=1e-5)


def test_the_projection_holds_the_best_log_ratio_of_two_gaussians(rng):
    """p(x|c) = N(m_c, 1), q(x|c) = N(n_c, 1): log p/q is linear in x, with slope and constant of the class."""
    m, n, layer = np.array([0.0, 2.0]), np.array([1.0, -1.0]), conditional.Projection()
    x, label = rng.standard_normal(50), rng.integers(2, size=50)
    phi, shares = np.column_stack([x, np.ones(50)]).astype(np.float32), np.eye(2, dtype=np.float32)[label]
    layer([phi, shares])
    layer.own.kernel.assign(np.zeros((2, 1)))
    layer.vectors.assign(np.column_stack([m - n, (n**2 - m**2) / 2]))
    best = stats.norm.logpdf(x, m[label]) - stats.norm.logpdf(x, n[label])
    assert np.allclose(layer([phi, shares])[:, 0], best, atol=1e-4)


def test_the_penalised_discriminator_judges_each_picture_alone(rng):
    critic = conditional.build_conditional_discriminator()
    images = rng.uniform(-1, 1, (4, 28, 28, 1)).astype(np.float32)
    shares = np.eye(10, dtype=np.float32)[[1, 2, 3, 4]]
    assert np.allclose(
        critic([images, shares], training=True)[:1], critic([images[:1], shares[:1]], training=True), atol=1e-4
    )
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in critic._flatten_layers())


# --- training ---


def tiny_gan(seed=7):
    keras.utils.set_random_seed(seed)
    players = conditional.build_conditional_generator(), conditional.build_conditional_discriminator()
    model = conditional.ConditionalGAN(*players, seed=seed)
    model.compile()
    return model


@pytest.fixture(scope="module")
def clothes():
    (x, y), _ = data.load_fashion_mnist()
    return x[:200], y[:200]


def test_training_goes_on_as_if_it_had_not_stopped(clothes, tmp_path):
    whole, parts, again = tiny_gan(), tiny_gan(), tiny_gan(seed=8)
    conditional.train_conditional(whole, *clothes, 4, batch_size=16)

    class Enough(Exception):
        pass

    def stop(step, _):
        if step == 2:
            raise Enough

    with pytest.raises(Enough):
        conditional.train_conditional(parts, *clothes, 4, batch_size=16, each=stop)
    files.save_state(tmp_path / "state.npz", parts.state, minutes=1)
    again.seed = 7
    assert files.load_state(tmp_path / "state.npz", again.state) == {"minutes": 1}
    conditional.train_conditional(again, *clothes, 4, batch_size=16)
    assert again.step == 4
    for a, b in zip(whole.ema_generator.weights, again.ema_generator.weights, strict=True):
        assert np.allclose(a, b, atol=1e-5)
    conditional.save_conditional_generator(again, tmp_path / "g.npz", seed=7)
    loaded, facts = conditional.load_conditional_generator(tmp_path / "g.npz")
    assert facts == {"seed": 7}
    assert np.abs(conditional.sample_classes(loaded, 4)[0] - again.sample(4)[0]).max() < 0.02


def test_the_label_reaches_both_players(clothes):
    """With other labels the same step moves both players elsewhere."""
    moved = []
    for shift in (0, 1):
        model, images = tiny_gan(), tf.constant(clothes[0][:8, :, :, None] / 127.5 - 1, tf.float32)
        model.train_step((images, tf.constant((clothes[1][:8] + shift) % 10, tf.int32)))
        moved.append([network.get_weights() for network in (model.generator, model.discriminator)])
    for own, other in zip(*moved, strict=True):
        assert any(not np.allclose(a, b) for a, b in zip(own, other, strict=True))


# --- scores ---


def test_spread_is_a_ratio_of_distances_between_two_of_a_class(rng):
    """Against the mean over all pairs; half the width scores a half in that class alone."""
    real, labels = rng.standard_normal((60, 5)), np.repeat([0, 1], 30)
    narrow = real.copy()
    narrow[labels == 1] = 0.5 * real[labels == 1] + 3.0
    assert np.allclose(scores.class_spreads(narrow, labels, real, labels), [1.0, 0.5])
    own = real[:30]
    pairs = np.square(own[:, None] - own[None]).sum(axis=2)[np.triu_indices(30, 1)].mean()
    shifted = np.column_stack([np.arange(30.0), np.zeros((30, 4))])
    expected = np.sqrt(np.square(shifted[:, None] - shifted[None]).sum(axis=2)[np.triu_indices(30, 1)].mean() / pairs)
    assert np.isclose(scores.class_spreads(shifted, np.zeros(30, int), own, np.zeros(30, int))[0], expected)


def test_ten_stored_pictures_agree_and_have_no_spread(clothes):
    """The cheat: one real picture a class, repeated."""
    x, y = clothes
    chosen = np.array([np.flatnonzero(y == one)[0] for one in range(10)])
    stored, labels = data.scale(x[np.tile(chosen, 5)]).reshape(50, -1), np.tile(np.arange(10), 5)
    assert scores.agreement(y[np.tile(chosen, 5)], labels) == 1.0
    assert np.allclose(scores.class_spreads(stored, labels, data.scale(x).reshape(200, -1), y), 0.0)


def test_class_distances_see_exchanged_classes(rng):
    features, labels = (
        np.concatenate([rng.standard_normal((200, 3)), rng.standard_normal((200, 3)) + 5]),
        np.repeat([0, 1], 200),
    )
    same = scores.class_distances(features, labels, features, labels)
    exchanged = scores.class_distances(features, 1 - labels, features, labels)
    assert same.max() < 1e-6
    assert exchanged.min() > 60  # |mean difference|² = 75


def test_a_classifier_learns_clothes_and_the_score_sees_wrong_labels():
    """On 1,000 real pictures it reads most of the rest; with labels exchanged, hardly any."""
    (x, y), (x_test, y_test) = data.load_fashion_mnist()
    images, real = data.scale(x[:1000]), data.scale(x_test[:500])
    right = scores.classification_accuracy_score(images, y[:1000], real, y_test[:500], epochs=4)
    wrong = scores.classification_accuracy_score(images, (y[:1000] + 1) % 10, real, y_test[:500], epochs=4)
    assert right > 0.65
    assert wrong < 0.15


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda g: conditional.sample_classes(g, 2, labels=np.array([0, 10])), "labels must be 2 integers"),
        (lambda g: conditional.sample_classes(g, 2, truncation=-1), "truncation must"),
        (lambda g: scores.class_spreads(np.zeros((1, 2)), [0], np.zeros((3, 2)), [0, 0, 0]), "two pictures"),
        (lambda g: scores.train_classifier(np.zeros((3, 28, 28, 1), np.float32), [0]), "labels must be one for each"),
        (lambda g: board.slerp(np.zeros(3), np.ones(3), 0.5), "must not be 0"),
        (lambda g: board.Board(g).mix(0, 8, 0.5, 1), "place must"),
        (lambda g: board.Board(g).mutate(0, 2.0), "amount must"),
        (lambda g: board.Board(g).sheet(), "keep a design first"),
        (lambda g: board.Board.from_recipe(g, "no"), "no recipe"),
        (lambda g: board.Board.from_recipe(g, '{"designs": []}'), "no recipe"),
        (
            lambda g: board.Board.from_recipe(g, '{"weights": "0", "designs": [{"z": [1, 2], "shares": [1]}]}'),
            "64 finite numbers",
        ),
        (lambda g: board.Board.from_recipe(g, '{"weights": "0", "designs": []}'), "belongs to other weights"),
    ],
)
def test_wrong_requests_are_named(generator, call, message):
    with pytest.raises(CourseError, match=message):
        call(generator)


# --- the board ---


def test_the_sphere_keeps_lengths_that_a_straight_line_loses(rng):
    a, b = rng.standard_normal((2, 64))
    for share in (0.0, 0.3, 1.0):
        expected = np.linalg.norm(a) + share * (np.linalg.norm(b) - np.linalg.norm(a))
        assert np.isclose(np.linalg.norm(board.slerp(a, b, share)), expected)
    assert np.allclose(board.slerp(a, b, 0), a)
    assert np.allclose(board.slerp(a, b, 1), b)
    assert np.allclose(board.slerp(a, a, 0.5), a)
    assert np.linalg.norm((a + b) / 2) < 0.85 * np.linalg.norm(board.slerp(a, b, 0.5))


def test_what_is_locked_stays_and_every_change_can_be_undone(generator):
    one = board.Board(generator, seed=1)
    start = list(one.designs)
    one.lock(2)
    one.redraw()
    assert one.designs[2] == start[2]
    assert one.designs[3] != start[3]
    assert [d.shares for d in one.designs] == [d.shares for d in start]
    with pytest.raises(CourseError, match="locked"):
        one.mutate(2)
    one.mutate(0, 0.5)
    one.mix(0, 1, 0.25, to=4)
    assert np.allclose(one.designs[4].shares[:2], [0.75, 0.25])
    one.keep(4)
    for _ in range(5):
        assert one.undo()
    assert one.designs == start
    assert not one.locked
    assert not one.kept
    assert not one.undo()


def test_what_is_done_together_is_undone_together(generator):
    one = board.Board(generator, seed=1)
    start = list(one.designs)
    one.keep(3)
    with one.together():
        one.lock(1)
        one.mutate(2)
        one.mutate(5)
    assert one.undo()
    assert one.designs == start
    assert not one.locked
    assert len(one.kept) == 1
    with one.together():
        pass
    assert one.undo()
    assert not one.kept
    assert not one.undo()


def test_redraw_of_one_class(generator):
    one = board.Board(generator)
    one.redraw(label=7)
    assert all(design.shares[7] == 1.0 for design in one.designs)


def test_a_recipe_draws_the_same_again(generator):
    one = board.Board(generator, seed=2)
    one.mix(0, 1, 0.5, to=2)
    one.keep(2)
    one.keep(5)
    again = board.Board.from_recipe(generator, one.recipe(), seed=9)
    assert again.kept == one.kept
    assert np.array_equal(again.images(again.kept), one.images(one.kept))
    assert again.sheet() == one.sheet()
    assert json.loads(one.recipe())["classes"][9] == "ankle boot"


# --- directions and widgets ---


def test_the_strongest_directions_are_singular_vectors(generator):
    found = steer.latent_directions(generator, 5)
    kernel = generator.layers[-1].layers[0].get_weights()[0][:64]
    lengths = np.linalg.norm(found @ kernel, axis=1)
    assert np.allclose(found @ found.T, np.eye(5), atol=1e-5)
    assert np.allclose(lengths, np.linalg.svd(kernel)[1][:5], rtol=1e-4)


def test_a_propertys_direction_is_found(rng):
    z, way = rng.standard_normal((500, 8)), rng.standard_normal(8)
    way /= np.linalg.norm(way)
    direction, slope, share = steer.property_direction(z, 2.0 * z @ way + 1.0)
    assert np.allclose(direction, way)
    assert np.isclose(slope, 2.0)
    assert np.isclose(share, 1.0)
    assert steer.property_direction(z, rng.standard_normal(500))[2] < 0.1


def test_extent_and_brightness_of_bars():
    images = -np.ones((3, 28, 28, 1), np.float32)
    images[0, 5:25, 10:16] = 1.0
    images[1, 5:9] = 1.0
    assert np.allclose(steer.extent(images), [np.sqrt(36 - 1), np.sqrt(28**2 - 1), 0.0], atol=1e-3)  # discrete: w² - 1
    assert np.allclose(steer.extent(images, "height"), [np.sqrt(399), np.sqrt(15), 0.0], atol=1e-3)
    assert np.allclose(steer.brightness(images), [120 / 784, 112 / 784, 0.0], atol=1e-6)


@pytest.fixture
def shown(generator, tmp_path):
    ipywidgets = pytest.importorskip("ipywidgets")
    one = board.Board(generator, seed=4)
    box = widget.board_controls(ipywidgets, one, tmp_path)
    picture, toggles, row, settings, said, kept, link = box.children
    buttons = {button.description: button for button in row.children}
    return one, picture, toggles.children, buttons, settings.children, said, kept, link, tmp_path


def test_the_board_does_what_its_buttons_say(shown):
    one, picture, toggles, buttons, settings, said, kept, link, folder = shown
    start, before = list(one.designs), picture.value
    buttons["Mix two"].click()
    assert "pick 2 places first" in said.value
    toggles[1].value = toggles[0].value = True  # second, then first: in the order of picking
    settings[1].value = 0.25
    buttons["Mix two"].click()
    assert np.allclose(np.array(one.designs[7].shares)[:2], [0.25, 0.75])
    assert picture.value != before
    toggles[0].value = False
    buttons["Lock or unlock"].click()
    assert one.locked == {1}
    buttons["Mutate"].click()
    assert "locked" in said.value
    settings[0].value = "bag"
    buttons["Redraw"].click()
    assert [design.shares[8] == 1.0 for design in one.designs] == [True, False] + [True] * 6
    buttons["Export"].click()
    assert "keep a design first" in said.value
    buttons["Keep"].click()
    assert kept.value
    buttons["Export"].click()
    assert (folder / "sheet.png").read_bytes() == one.sheet()
    assert board.Board.from_recipe(one.generator, (folder / "recipe.json").read_text("utf-8")).kept == one.kept
    assert "download" in link.value
    for _ in range(4):
        buttons["Undo"].click()
    assert one.designs == start
    buttons["Undo"].click()
    assert "nothing to undo" in said.value


def test_what_is_on_the_board_is_said_in_words(shown):
    one, picture, _, _, _, said, *_ = shown
    assert "1 t-shirt" in said.value
    assert "8 sneaker" in said.value
    assert "t-shirt" in picture.value
    assert len(one.designs) == 8


def test_sliders_move_along_the_directions(generator):
    ipywidgets = pytest.importorskip("ipywidgets")
    box = widget.slider_controls(ipywidgets, generator)
    first, ways, _, said, picture = box.children
    before = picture.value
    ways.children[0].value = 3.0
    assert picture.value != before
    first.children[0].value = "bag"
    assert "class bag" in said.value
