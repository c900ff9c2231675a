"""Does generated data help? Paired draws, motions, small GANs side by side, intervals, the exchange rate."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from aigc_course.errors import CourseError
from aigc_course.studio import augment, exchange, small_gans

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def pictures(rng):
    """Twenty pictures of each class; class k has a bright bar at rows 2 k + 4 to 2 k + 6, and every pixel noise."""
    y = np.repeat(np.arange(10), 20)
    bar = np.abs(np.arange(28) - 2 * y[:, None] - 5) <= 1
    x = np.clip(rng.normal(30 + 190 * bar[:, :, None], 10, (200, 28, 28)), 0, 255).astype(np.uint8)
    order = rng.permutation(200)
    return x[order], y[order]


# --- pictures ---


def test_a_draw_is_balanced_and_paired(pictures):
    """n a class, a fifth of it to choose by; what the oracle has more changes nothing of it; no picture comes twice."""
    x, y = pictures
    few, more = augment.take(x, y, 10, seed=5), augment.take(x, y, 10, seed=5, extra=7)
    for mine, other in zip(few[:4], more[:4], strict=True):
        assert np.array_equal(mine, other)
    assert [len(part) for part in (more.fit, more.check, more.rest)] == [80, 20, 70]
    for labels, each in ((more.fit_labels, 8), (more.check_labels, 2), (more.rest_labels, 7)):
        assert (np.bincount(labels) == each).all()
    together = np.concatenate([more.fit, more.check, more.rest]).reshape(170, -1)
    assert len(np.unique(together, axis=0)) == 170
    assert not np.array_equal(augment.take(x, y, 10, seed=6).fit, few.fit)


def test_motions_are_what_they_are_called(rng):
    """None at strength 0; a mirror with flips alone; a bright spot moves by some 2 pixels at the most."""
    image = rng.uniform(-1, 1, (64, 28, 28, 1)).astype(np.float32)
    assert np.allclose(augment.warp(image, augment.transforms(64, rng, 0.0)), image, atol=1e-5)
    mirrored = augment.warp(image, augment.transforms(64, rng, 0.0, flip=True)).numpy()
    same = np.isclose(mirrored, image, atol=1e-4).all(axis=(1, 2, 3))
    assert np.allclose(mirrored[~same], image[~same][:, :, ::-1], atol=1e-4)
    assert 10 < same.sum() < 54
    spot = np.full((500, 28, 28, 1), -1, np.float32)
    spot[:, 13:15, 13:15] = 1
    ink = augment.warp(spot, augment.transforms(500, rng)).numpy()[..., 0] + 1
    places = (ink * np.arange(28)).sum(axis=(1, 2)) / ink.sum(axis=(1, 2)) - 13.5
    assert 1.5 < np.abs(places).max() < 2.7  # 2, turned and scaled with the rest
    assert abs(places.mean()) < 0.2


def test_a_turn_turns_about_the_centre_and_a_scale_scales(rng):
    """A bar's second moments: its direction turns by at most 12 degrees, its length by at most 12 %."""
    bar = np.full((200, 28, 28, 1), -1, np.float32)
    bar[:, 13:15, 4:24] = 1
    ink = augment.warp(bar, augment.transforms(200, rng)).numpy()[..., 0] + 1
    down, right = np.mgrid[:28, :28]
    total = ink.sum(axis=(1, 2))
    down = down - (ink * down).sum(axis=(1, 2), keepdims=True) / total[:, None, None]
    right = right - (ink * right).sum(axis=(1, 2), keepdims=True) / total[:, None, None]
    a, b, c = ((ink * part).sum(axis=(1, 2)) / total for part in (right**2, right * down, down**2))
    angle = np.rad2deg(np.arctan2(2 * b, a - c) / 2)
    length = np.sqrt(12 * (a + c)) / 20
    assert 10 < np.abs(angle).max() < 12.5
    assert 0.87 < length.min() < 0.92
    assert 1.08 < length.max() < 1.14


def test_batches_share_their_real_pictures(rng):
    """Every share leaves the real places where they are; the rest points behind them."""
    none = augment.mixed_places(30, 0, 0.0, 5, np.random.default_rng(1))
    half = augment.mixed_places(30, 50, 0.5, 5, np.random.default_rng(1))
    assert none.max() < 30
    assert np.array_equal(half[:, 32:], none[:, 32:])
    assert half[:, :32].min() >= 30
    assert half.max() < 80


def test_noise_has_the_real_pixels_and_no_class(rng):
    """Each pixel is one of the real ones at its place; as many of each class."""
    fit = rng.choice([-1.0, 0.5], (12, 28, 28, 1)).astype(np.float32)
    fit[:, 0] = -1
    images, labels = augment.blind_images(fit, 3, rng)
    assert images.shape == (30, 28, 28, 1)
    assert (images[:, 0] == -1).all()
    assert (np.bincount(labels) == 3).all()


# --- training ---


def tiny():
    return keras.Sequential([layers.Input((28, 28, 1)), layers.Flatten(), layers.Dropout(0.2), layers.Dense(10)])


def test_a_learner_learns_and_can_begin_again(pictures):
    """Two trainings from one seed end alike, whatever came between; another seed elsewhere; bars are learnt."""
    drawn = augment.take(*pictures, 10, seed=1)
    learner = augment.Learner(tiny, rate=2e-3, steps=120)
    places = augment.mixed_places(80, 0, 0.0, 120, np.random.default_rng(1))
    given = (drawn.fit, drawn.fit_labels, places, drawn.check, drawn.check_labels)
    ends = []
    for seed in (3, 4, 3):
        learner.fit(*given, seed)
        ends.append(learner.network.get_weights()[0])
    assert np.allclose(ends[0], ends[2], atol=1e-6)
    assert not np.allclose(ends[0], ends[1], atol=1e-3)
    assert learner.right(drawn.fit, drawn.fit_labels).mean() > 0.9


def test_a_learner_keeps_its_best_moment(pictures):
    """Of eight moments the one with the fewest errors on the check pictures, the latest of equals."""
    drawn = augment.take(*pictures, 10, seed=1)
    learner = augment.Learner(tiny, rate=1e-9, steps=16)
    places = augment.mixed_places(80, 0, 0.0, 16, np.random.default_rng(1))
    assert learner.fit(drawn.fit, drawn.fit_labels, places, drawn.check, drawn.check_labels, 3) == 16


def test_gans_of_several_seeds_never_meet(pictures):
    """Two side by side draw what each draws alone, to rounding; as many of each class, in [-1, 1]."""
    sets = [augment.take(*pictures, 5, seed).fit for seed in (3, 8)]
    labels = np.repeat(np.arange(10), 4)

    def drawn(some, seeds):
        gans = small_gans.SmallGANs(some, labels, seeds, steps=5, batch_size=16, width=24)
        gans.train()
        return gans.sample(2)

    together, kinds = drawn(sets, (3, 8))
    assert together.shape == (2, 20, 28, 28, 1)
    assert np.array_equal(kinds, np.repeat(np.arange(10), 2))
    assert np.abs(together).max() <= 1
    for i, seed in enumerate((3, 8)):
        assert np.allclose(drawn(sets[i : i + 1], (seed,))[0][0], together[i], atol=1e-4)


def test_a_gan_learns_its_classes(pictures):
    """A class is a bar here: drawn ones are brightest where the class has it."""
    drawn = augment.take(*pictures, 10, seed=3)
    gans = small_gans.SmallGANs([drawn.fit], drawn.fit_labels, (3,), steps=300, batch_size=32, width=64, rate=2e-3)
    gans.train()
    rows = gans.sample(20)[0][0].reshape(10, 20, 28, 28).mean(axis=(1, 3))
    assert (np.abs(rows.argmax(axis=1) - 2 * np.arange(10) - 5) <= 1).mean() >= 0.8


# --- what runs say ---


@pytest.mark.parametrize(("freedom", "value"), [(1, 12.7062), (2, 4.30265), (4, 2.77645), (9, 2.26216), (30, 2.04227)])
def test_quantiles_are_those_of_the_tables(freedom, value):
    assert exchange.t_quantile(0.975, freedom) == pytest.approx(value, rel=1e-4)
    assert exchange.t_quantile(0.025, freedom) == pytest.approx(-value, rel=1e-4)


def test_an_interval_covers_as_often_as_it_says(rng):
    """Of 2,000 sets of five pairs with a common part that is large, 95 % of the intervals hold the true difference."""
    common = rng.normal(0, 10, (2000, 5))
    ours, theirs = common + rng.normal(0.3, 1, (2000, 5)), common + rng.normal(0, 1, (2000, 5))
    found = [exchange.paired_interval(a, b) for a, b in zip(ours, theirs, strict=True)]
    covered = np.mean([low <= 0.3 <= high for _, low, high in found])
    assert 0.93 < covered < 0.97


def test_the_exchange_rate_inverts_the_curve():
    """On accuracy = 0.5 + 0.1 log10 n: real pictures are worth 1 each, nothing is worth 0, harm is below 0."""
    sizes = np.array([10, 100, 1000, 10_000])
    curve = 0.5 + 0.1 * np.log10(sizes)
    for added in (0, 90, 300, 5000):
        reached = 0.5 + 0.1 * np.log10(100 + added)
        assert exchange.exchange_rate(sizes, curve, reached, 100, 1000) == pytest.approx(added / 1000, abs=1e-4)
    assert exchange.exchange_rate(sizes, curve, 0.65, 100, 1000) < 0
    assert exchange.exchange_rate(sizes, curve, 0.99, 100, 1000) == pytest.approx(9.9)  # the curve's end
    assert exchange.exchange_rate(sizes, [0.6, 0.58, 0.8, 0.9], 0.8, 100, 100) == pytest.approx(9.0)  # made to rise


def test_the_bootstrap_holds_the_rate(rng):
    """The interval holds the rate of the means; without any spread it has no width."""
    sizes, curve = [10, 100, 1000], np.array([0.6, 0.7, 0.8])
    curves = curve + rng.normal(0, 0.01, (5, 1))
    rate, low, high = exchange.exchange_interval(sizes, curves, curves[:, 1] + 0.02, 100, 100, rng, 200)
    assert low <= rate <= high
    still = exchange.exchange_interval(sizes, np.tile(curve, (5, 1)), np.full(5, 0.72), 100, 100, rng, 20)
    assert still == pytest.approx((still[0],) * 3)
    assert still[0] == pytest.approx(10**0.2 - 1, abs=1e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: augment.take(np.zeros((30, 28, 28), np.uint8), np.arange(30) % 10, 4, 1), "n must"),
        (lambda: augment.take(np.zeros((60, 28, 28), np.uint8), np.arange(60) % 10, 5, 1, 3), "at most 6"),
        (lambda: augment.transforms(3, np.random.default_rng(1), -1.0), "strength must"),
        (lambda: augment.Learner(tiny, rate=0.0), "rate must"),
        (
            lambda: small_gans.SmallGANs(np.zeros((2, 10, 28, 28, 1), np.float32), range(10), (1, 1), 5),
            "a seed of its own",
        ),
        (lambda: small_gans.SmallGANs(np.zeros((1, 9, 28, 28, 1), np.float32), range(10), (1,), 5), "one a label"),
        (lambda: exchange.paired_interval([1.0], [2.0]), "S >= 2"),
        (lambda: exchange.paired_interval([1.0, 2.0], [2.0]), "S >= 2"),
        (lambda: exchange.t_quantile(1.0, 3), "p must"),
        (lambda: exchange.exchange_rate([10, 10], [0.1, 0.2], 0.1, 10, 5), "sizes must rise"),
        (lambda: exchange.exchange_rate([10, 20], [0.1, 0.2], 0.1, 5, 5), "n must"),
        (
            lambda: exchange.exchange_interval([1, 2], np.zeros((3, 2)), np.zeros(2), 1, 1, np.random.default_rng(1)),
            "every seed needs a curve",
        ),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(CourseError, match=message):
        call()


@pytest.mark.long
def test_the_codec_carries_a_classifier():
    """Its encoder's weights are the shipped ones; frozen, the head alone learns; logits come out."""
    free, frozen = augment.build_on_codec(), augment.build_on_codec(frozen=True)
    assert np.array_equal(free.get_weights()[0], frozen.get_weights()[0])
    assert (len(free.trainable_variables), len(frozen.trainable_variables)) == (10, 4)
    assert free(tf.zeros((2, 28, 28, 1))).shape == (2, 10)


@pytest.mark.long
@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--arm", "magic"], "--arm must be one of real"),
        (["--n", "4"], "--n must"),
        (["--arm", "pretrained", "--data", "fashion"], "must go with --data mnist"),
    ],
)
def test_the_benchmark_says_what_it_takes(given, message):
    """One line, exit code 2, no traceback."""
    command = [sys.executable, str(ROOT / "benchmarks" / "augmentation.py"), *given]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr
