"""Films: digits that bounce and never leave, codes there and back, measures with known values, the player."""

import base64
import io
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from aigc_course import data
from aigc_course.errors import CourseError
from aigc_course.lmdg import codecs, next_frame
from aigc_course.lmdg import films as lmdg_films
from aigc_course.lmdg.codecs import frames


@pytest.fixture(scope="module")
def digits():
    """MNIST's test images."""
    return data.load_mnist()[1][0]


@pytest.fixture
def films(digits, rng):
    """40 films of test digits."""
    return lmdg_films.moving_digits(digits, 40, rng)[0]


# --- films -----------------------------------------------------------------------------------------------


def test_a_digit_never_leaves_the_frame(digits, rng):
    """The ink of each frame is all of the digit's, through every bounce; its corner is where it is said to be."""
    films, chosen, corners = lmdg_films.moving_digits(digits, 300, rng, frames=40)
    assert films.shape == (300, 40, 24, 24)
    assert corners.min() == 0
    assert corners.max() == lmdg_films.SIZE - lmdg_films.DIGIT
    ink = films.astype(int).sum(axis=(2, 3))
    assert (ink == ink[:, :1]).all()
    assert ink.min() > 0
    small = digits[chosen].reshape(300, 14, 2, 14, 2).mean(axis=(2, 4)).round()
    row, column = corners[7, 23]
    assert np.array_equal(films[7, 23, row : row + 14, column : column + 14], small[7])
    assert len(set(chosen)) == 300


def test_speed_is_even_between_walls(digits, rng):
    """Steps of the corner: the same size on each axis until a wall, never over three pixels, never standing still."""
    _, _, corners = lmdg_films.moving_digits(digits, 2000, rng, frames=3)
    steps = np.abs(np.diff(corners, axis=1))
    assert steps.max() == lmdg_films.FASTEST
    assert (steps.sum(axis=(1, 2)) > 0).all()
    inside = ((corners >= 3) & (corners <= 7)).all(axis=(1, 2))  # no wall within reach
    assert inside.sum() > 20
    assert (np.diff(corners[inside], n=2, axis=1) == 0).all()


def test_a_point_bounces_as_by_hand():
    """From 4 at speed 3 between 0 and 6: 4, 5 (one step up, two back), 2, 1, 4."""
    assert lmdg_films.bounce(np.array([4]), np.array([3]), 5, 6)[0].tolist() == [4, 5, 2, 1, 4]
    assert lmdg_films.bounce(np.array([2]), np.array([-3]), 3, 6)[0].tolist() == [2, 1, 4]


def test_films_depend_on_the_rng_alone(digits):
    """The same seed gives the same films, another seed others."""
    one, two, other = (lmdg_films.moving_digits(digits, 5, np.random.default_rng(seed))[0] for seed in (1, 1, 2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


# --- measures --------------------------------------------------------------------------------------------


def dot(path):
    """A film of a 3 × 3 blot along a path (frames, 2), not whole pixels only."""
    film = np.zeros((len(path), 24, 24), np.uint8)
    for frame, (row, column) in zip(film, path, strict=True):
        frame[row : row + 3, column : column + 3] = 200
    return film[None]


def test_measures_of_a_straight_flight_by_hand():
    """Two pixels down and one right a frame: motion √5, acceleration 0, identity 1; one turn: its acceleration."""
    straight = dot([(2 + 2 * t, 3 + t) for t in range(8)])
    assert lmdg_films.motion(straight) == pytest.approx(5**0.5)
    assert lmdg_films.acceleration(straight) == pytest.approx(0, abs=1e-9)
    assert lmdg_films.identity(straight) == pytest.approx(1)
    turning = dot([(4, 4), (6, 4), (8, 4), (6, 4)])
    assert lmdg_films.acceleration(turning) == pytest.approx(4 / 2)


def test_real_frozen_and_shuffled_films(films, rng):
    """Frozen: no motion. Shuffled: the same pictures, acceleration many times larger. Identity is 1 in all three."""
    real, frozen, shuffled = (
        lmdg_films.measures(f) for f in (films, lmdg_films.frozen(films), lmdg_films.shuffled(films, rng))
    )
    assert frozen["motion (px a frame)"] == frozen["acceleration (px a frame²)"] == 0
    assert shuffled["acceleration (px a frame²)"] > 5 * real["acceleration (px a frame²)"]
    for found in (real, frozen, shuffled):
        assert found["identity"] == pytest.approx(1, abs=1e-6)
    assert np.array_equal(np.sort(lmdg_films.shuffled(films, rng).sum(axis=(2, 3))), np.sort(films.sum(axis=(2, 3))))


def test_identity_falls_when_the_digit_changes(films, rng):
    """Every second frame of another film: far below 1, though the motion is there."""
    mixed = films.copy()
    mixed[:, 1::2] = films[rng.permutation(len(films)), 1::2]
    assert lmdg_films.identity(mixed) < 0.8


def test_the_judge_reads_real_films(digits):
    """Cut out and enlarged, 97 % and more of the digits are read as labelled."""
    from aigc_course import metrics

    (_, _), (images, labels) = data.load_mnist()
    films, chosen, _ = lmdg_films.moving_digits(images, 100, np.random.default_rng(3), frames=3)
    read = metrics.judge().labels(data.scale(lmdg_films.digits_of(films).reshape(-1, 28, 28))).reshape(100, 3)
    assert (read == labels[chosen][:, None]).mean() > 0.97


def test_an_empty_frame_has_no_centre_and_breaks_nothing(films):
    """NaN for the centre; measures of the other frames stay finite."""
    films[:, 5] = 0
    assert np.isnan(lmdg_films.centres(films)[:, 5]).all()
    assert all(np.isfinite(value) for value in lmdg_films.measures(films).values())


# --- codes -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def codec(digits):
    """Fitted to 300 films."""
    return codecs.fit_frame_codec(lmdg_films.moving_digits(digits, 300, np.random.default_rng(4), frames=2)[0])


def test_codes_have_their_shape_and_survive_saving(films, codec, tmp_path):
    """Eight numbers 0 … 7 for each of 36 cells; a saved codec gives nearly the same ones; paper comes back as paper."""
    levels = codec.encode(films)
    assert levels.shape == (40, 10, 6, 6, 8)
    assert levels.dtype == np.int32
    assert (levels.min(), levels.max()) == (0, 7)
    back = codec.decode(levels)
    assert back.shape == films.shape
    assert (codec.decode(codec.encode(np.zeros_like(films))) == 0).all()
    codecs.save_frame_codec(codec, tmp_path / "c.npz", steps=1)
    again, facts = codecs.load_frame_codec(tmp_path / "c.npz")
    assert facts == {"steps": 1}
    assert (again.encode(films) == levels).mean() > 0.99


def test_patterns_are_principal_directions(films):
    """Orthonormal, of falling energy; with all sixteen and many levels nine pixels of ten come back."""
    codec = codecs.fit_frame_codec(films, numbers=16, levels=1000)
    assert np.allclose(codec.patterns @ codec.patterns.T, np.eye(16), atol=1e-5)
    energy = np.square(frames.cells_of(films).reshape(-1, 16) @ codec.patterns.T).mean(axis=0)
    assert (np.diff(energy) < 0).all()
    inside = np.abs(codec.decode(codec.encode(films)).astype(int) - films)
    assert np.quantile(inside, 0.9) <= 1


def test_the_place_survives_the_codec(films, codec):
    """A quarter of a pixel at most, on the mean."""
    off = np.linalg.norm(lmdg_films.centres(codec.decode(codec.encode(films))) - lmdg_films.centres(films), axis=-1)
    assert off.mean() < 0.25


# --- the next frame --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def network():
    """Untrained, small."""
    keras.utils.set_random_seed(1)
    return next_frame.build_next_frame(width=16, depth=1)


def test_a_place_is_frame_plus_row_plus_column():
    """3 + 6 + 6 vectors, and their sum at each of 108 places."""
    places = next_frame.Places()
    found = places(np.zeros((1, 3, 6, 6, 5), np.float32)).numpy()[0]
    assert [tuple(w.shape) for w in places.weights] == [(3, 1, 1, 5), (6, 1, 5), (6, 5)]
    frame, row, column = (w.numpy() for w in places.weights)
    assert np.allclose(found[2, 1, 4], frame[2, 0, 0] + row[1, 0] + column[4], atol=1e-6)


def test_going_on_keeps_what_is_given(films, codec, network):
    """The given frames come back as the codec has them; each new one follows from the three before it."""
    found = next_frame.go_on(network, codec, films[:3, :4], frames=6)
    assert found.shape == (3, 6, 24, 24)
    assert np.array_equal(found[:, :4], codec.decode(codec.encode(films[:3, :4])))
    levels = next_frame.write_frames(network, codec.encode(films[:3, :4]), 6)
    assert np.array_equal(levels[:, 5], next_frame.next_levels(network, levels[:, 2:5]))


def test_a_lesson_shows_true_or_own_frames(films, codec, network):
    """With own = 0 each step reads three true frames, with 1 the second step reads what the first one wrote."""
    levels, read = tf.constant(codec.encode(films[:8])[:, :5]), []
    spy = lambda past, training: (read.append(past), network(past, training=training))[1]  # noqa: E731
    spy.trainable_variables = network.trainable_variables
    for own in (0.0, 1.0):
        losses = next_frame.lesson(spy, keras.optimizers.SGD(0.0), levels, tf.constant(own))
        assert losses.shape == (2,)
    scaled = 2 / 7 * levels.numpy() - 1
    assert np.allclose(read[1], scaled[:, 1:4], atol=1e-6)
    wrote = next_frame.next_levels(network, levels[:, :3])
    assert np.allclose(read[3][:, -1], 2 / 7 * wrote.numpy() - 1, atol=1e-6)


def test_training_learns_resumes_and_saves(digits, codec, tmp_path):
    """The loss falls; two halves with a file between them end where one call ends; saved weights are the same."""
    rows, ends = {}, []
    for parts in ((None,), (3, None)):
        place = tmp_path / f"{len(parts)}.npz"
        for until in parts:
            keras.utils.set_random_seed(3)
            net = next_frame.build_next_frame(width=16, depth=1)
            options = {"batch_size": 8, "every": 3, "own_from": 1.0, "place": place, "until": until}
            rows[len(parts)] = next_frame.train_next_frame(net, codec, digits, 9, **options)
        ends.append(net.get_weights())
    assert [row["step"] for row in rows[1]] == [row["step"] for row in rows[2]] == [18, 36, 54]
    assert rows[1][-1]["bits"] < rows[1][0]["bits"] < 8 * 3.2
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(*ends, strict=True))
    next_frame.save_next_frame(net, tmp_path / "n.npz", 16, 1, seed=3)
    again, facts = next_frame.load_next_frame(tmp_path / "n.npz")
    assert facts == {"seed": 3}
    assert all(np.allclose(a, b, atol=1e-3) for a, b in zip(again.get_weights(), net.get_weights(), strict=True))


# --- arithmetic ------------------------------------------------------------------------------------------


def test_arithmetic_finds_the_flight_from_pixels(digits):
    """Three frames are enough for a quarter of a pixel six frames on, walls included; the ink's box is no wall here."""
    films = lmdg_films.moving_digits(digits, 200, np.random.default_rng(2))[0]
    true = lmdg_films.centres(films)[:, 3:9]
    off = np.linalg.norm(lmdg_films.flight(films[:, :3], 6) - true, axis=-1)
    assert off[:, 0].mean() < 0.05
    assert off[:, -1].mean() < 0.25
    assert (
        np.linalg.norm(lmdg_films.flight(films[:, :3], 6, box=True) - true, axis=-1)[:, -1].mean() > off[:, -1].mean()
    )


def test_arithmetic_takes_the_edge_of_the_ink_for_the_wall():
    """A blot of 3 × 3 that touches the frame's edges turns back there."""
    rows = 21 - np.abs(19 + 3 * np.arange(8) - 21)
    films = dot(np.stack([rows, np.full(8, 4)], axis=1))
    found = lmdg_films.flight(films[:, :2], 6, box=True)
    assert np.allclose(found, lmdg_films.centres(films)[:, 2:], atol=1e-9)


# --- the player ------------------------------------------------------------------------------------------


def test_the_player_is_a_gif_with_every_frame(films):
    """An <img> with alt text whose data URI is an animated GIF of 10 frames that repeats."""
    from PIL import Image

    shown = lmdg_films.play_films(films[:2], alt="two digits", labels=["real", "written"], given=3, scale=2).data
    assert 'alt="two digits"' in shown
    assert "written" in shown
    picture = Image.open(io.BytesIO(base64.b64decode(re.search(r"base64,([^\"]+)", shown)[1])))
    assert (picture.n_frames, picture.size, picture.info["loop"]) == (10, (2 * 2 * 26, 2 * 24), 0)


# --- what is refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x, rng: lmdg_films.moving_digits(x[:3], 4, rng), "n = 4"),
        (lambda x, rng: lmdg_films.moving_digits(x, 0, rng), "n must be a positive integer"),
        (lambda x, rng: lmdg_films.moving_digits(x, 3, 7), "numpy.random.Generator"),
        (lambda x, rng: lmdg_films.moving_digits(x[:, :20], 3, rng), "images .N, 28, 28."),
        (lambda x, rng: lmdg_films.moving_digits(x / 255, 3, rng), "must be uint8"),
        (lambda x, rng: lmdg_films.motion(x[:5]), "films are uint8"),
        (lambda x, rng: codecs.fit_frame_codec(np.zeros((1, 1, 24, 24))), "no ink"),
        (lambda x, rng: codecs.FrameCodec(np.eye(16), np.zeros(16), np.ones(16)).encode(x), "films are"),
        (lambda x, rng: codecs.FrameCodec(np.eye(16), np.zeros(16), np.ones(16)).decode(x), "levels are"),
        (lambda x, rng: next_frame.write_frames(None, np.zeros((2, 2, 6, 6, 8)), 9), "3 frames at least"),
        (lambda x, rng: lmdg_films.play_films(x, alt=" "), "needs alt text"),
    ],
)
def test_bad_input_is_refused_in_one_line(digits, rng, call, words):
    """More films than images, no generator, other sizes, other types, too many frames, no alt text."""
    with pytest.raises(CourseError, match=words) as caught:
        call(digits, rng)
    assert "\n" not in str(caught.value)


# --- what is shipped -------------------------------------------------------------------------------------


def test_the_shipped_network_keeps_place_and_digit(digits):
    """From four frames of test digits, six frames on: within a pixel on the mean, eight digits of ten read rightly."""
    network, codec, _ = next_frame.load_film_network()
    labels = data.load_mnist()[1][1]
    films, chosen, _ = lmdg_films.moving_digits(digits, 300, np.random.default_rng(5))
    found = next_frame.go_on(network, codec, films[:, :4])
    off = np.linalg.norm(lmdg_films.centres(found) - lmdg_films.centres(films), axis=-1)[:, -1]
    assert off.mean() < 1
    assert (lmdg_films.read(found[:, -1:])[:, 0] == labels[chosen]).mean() > 0.8
    assert lmdg_films.identity(found) > 0.9
