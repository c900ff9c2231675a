"""Films: digits that bounce and never leave, tokens there and back, measures with known values, the player."""

import base64
import io
import re

import keras
import numpy as np
import pytest

from aigc_course import data
from aigc_course.errors import CourseError
from aigc_course.lmdg import codecs
from aigc_course.lmdg import films as lmdg_films
from aigc_course.lmdg.core import transformer


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


# --- tokens ----------------------------------------------------------------------------------------------


def test_tokens_have_their_shape_and_survive_saving(films, tmp_path):
    """1 + 36 tokens a frame, END first, codes from 3 to 66; a saved codec gives nearly the same ones."""
    keras.utils.set_random_seed(1)
    codec = codecs.build_frame_codec(width=8)
    tokens = lmdg_films.encode_films(codec, films)
    assert tokens.shape == (40, lmdg_films.CONTEXT)
    assert (tokens[:, 0] == 2).all()
    assert lmdg_films.FIRST <= tokens[:, 1:].min() <= tokens[:, 1:].max() < lmdg_films.VOCABULARY
    assert lmdg_films.decode_films(codec, tokens).shape == films.shape
    codecs.save_codec(codec, tmp_path / "c.npz", steps=1)
    back, facts = codecs.load_codec(tmp_path / "c.npz", lambda levels: codecs.build_frame_codec(levels, width=8))
    assert facts == {"steps": 1}
    assert (lmdg_films.encode_films(back, films) == tokens).mean() > 0.98


def test_going_on_keeps_what_is_given(films):
    """The given frames come back as the codec has them; the rest are frames; the same seed, the same film."""
    keras.utils.set_random_seed(1)
    codec = codecs.build_frame_codec(width=8)
    decoder = transformer.Decoder(lmdg_films.VOCABULARY, lmdg_films.CONTEXT, width=16, depth=1, heads=2)
    found = lmdg_films.go_on(decoder, codec, films[:3, :4], frames=6, seed=1)
    assert found.shape == (3, 6, 24, 24)
    assert np.array_equal(found[:, :4], lmdg_films.decode_films(codec, lmdg_films.encode_films(codec, films[:3, :4])))
    assert np.array_equal(found, lmdg_films.go_on(decoder, codec, films[:3, :4], frames=6, seed=1))


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
        (lambda x, rng: lmdg_films.decode_films(None, np.zeros((2, 38), int)), "tokens must be"),
        (lambda x, rng: lmdg_films.go_on(None, None, x, frames=13), "frames must lie in 1 … 10"),
        (lambda x, rng: lmdg_films.play_films(x, alt=" "), "needs alt text"),
    ],
)
def test_bad_input_is_refused_in_one_line(digits, rng, call, words):
    """More films than images, no generator, other sizes, other types, too many frames, no alt text."""
    with pytest.raises(CourseError, match=words) as caught:
        call(digits, rng)
    assert "\n" not in str(caught.value)


# --- what is shipped -------------------------------------------------------------------------------------


def test_the_shipped_decoder_goes_on_smoothly(digits):
    """From four frames: bits as logged; the digit moves, far more smoothly than shuffled frames, and stays itself."""
    decoder, codec, facts = lmdg_films.load_film_decoder()
    held = lmdg_films.encode_films(codec, lmdg_films.moving_digits(digits, 300, np.random.default_rng(100))[0])
    assert transformer.bits_per_token(decoder, held) == pytest.approx(facts["held_bits"], abs=0.02)
    films, _, _ = lmdg_films.moving_digits(digits, 20, np.random.default_rng(5))
    found = lmdg_films.go_on(decoder, codec, films[:, :4])
    assert 1.5 < lmdg_films.motion(found) < 4
    assert lmdg_films.acceleration(found) < 0.5 * lmdg_films.acceleration(
        lmdg_films.shuffled(films, np.random.default_rng(1))
    )
    assert lmdg_films.identity(found) > 0.8
