"""Differential privacy: features that look at one digit, clipped sums, accountants, the audit, the generator."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from aigc_course import data
from aigc_course.errors import CourseError
from aigc_course.trust import accounting, audit, features, gaussians, private

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def some():
    """(uint8 images (200, 28, 28), labels)."""
    (x, y), _ = data.load_mnist()
    return x[:200], y[:200]


# --- features ---


def test_upright_digits_have_no_slant_and_keep_their_ink(some):
    ink = features.upright(some[0])
    y, x = np.mgrid[:28, :28]
    mass = ink.sum(axis=(1, 2))
    cy, cx = ((ink * axis).sum(axis=(1, 2)) / mass for axis in (y, x))
    slant = (ink * (x - cx[:, None, None]) * (y - cy[:, None, None])).sum(axis=(1, 2)) / mass
    assert np.quantile(np.abs(slant), 0.95) < 1e-4  # pixels squared, of some 10; a few are too wide for the image
    assert np.quantile(np.abs(mass / some[0].sum(axis=(1, 2)) * 255 - 1), 0.95) < 1e-4


def test_a_blank_image_stays_blank():
    assert features.upright(np.zeros((1, 28, 28), np.uint8)).max() == 0
    assert np.isfinite(features.features(np.zeros((1, 28, 28), np.uint8))).all()


@pytest.mark.parametrize("scale", [0, 1])
def test_wavelets_do_not_answer_to_a_constant(scale):
    wave = features.morlet(scale, 0.3, 8)
    assert wave.shape == (17, 17)
    assert abs(wave.sum()) < 1e-6
    assert np.allclose(features.morlet(scale, 0.3 + np.pi, 8), wave.conj(), atol=1e-7)


def test_scattering_against_sums_written_out(some):
    """One image, order 1 of the short waves at one place, by loops."""
    ink = features.upright(some[0][:1])
    wave = np.pad(features.morlet(0, np.pi * 3 / 8, 4)[::-1, ::-1], 0)
    padded = np.pad(ink[0], 4)
    answer = np.array(
        [[abs((padded[i : i + 9, j : j + 9] * wave[::-1, ::-1]).sum()) for j in range(28)] for i in range(28)]
    )
    wanted = features.lowpass(1)[3] @ answer @ features.lowpass(1)[2]
    assert np.isclose(features.scatter(ink)[0, 3, 2, 1 + 3], wanted, rtol=1e-4)


def test_scattering_is_steady_and_bounded(some):
    """The same twice; no more energy than the image; a pixel's shift changes it less than it changes the image."""
    ink = features.upright(some[0])
    first = features.scatter(ink)
    assert np.array_equal(first, features.scatter(ink, batch_size=64))
    assert first.shape == (200, features.SIDE, features.SIDE, features.CHANNELS)
    assert first.min() >= 0
    assert (np.square(first).sum(axis=(1, 2, 3)) <= np.square(ink).sum(axis=(1, 2))).all()
    moved = np.roll(ink, 1, axis=2)
    change = np.linalg.norm((features.scatter(moved) - first).reshape(200, -1), axis=1)
    change /= np.linalg.norm(first.reshape(200, -1), axis=1)
    pixels = np.linalg.norm((moved - ink).reshape(200, -1), axis=1) / np.linalg.norm(ink.reshape(200, -1), axis=1)
    assert np.median(change / pixels) < 0.5


def test_features_look_at_one_image_each(some):
    """Alone or among others, a row is the same: the condition for its privacy."""
    together = features.features(some[0][:40])
    assert np.allclose(features.features(some[0][7:8]), together[7:8], atol=1e-4)
    assert np.allclose(np.square(together).sum(axis=1), 3970, rtol=0.05)


# --- clipping, sampling, noise ---


def problem(rng, count=30, size=12):
    return rng.standard_normal((count, size)), rng.integers(4, size=count), rng.standard_normal((size, 4))


@pytest.mark.parametrize("clip", [0.05, 1.0, 1e6, None])
def test_the_clipped_sum_is_the_sum_of_clipped_gradients(rng, clip):
    rows, labels, weights = problem(rng)
    total = np.zeros_like(weights)
    for row, label in zip(rows, labels, strict=True):
        gradient = np.outer(row, private.softmax(row[None] @ weights)[0] - np.eye(4)[label])
        length = np.linalg.norm(gradient)
        shorter = gradient if clip is None else gradient * min(1, clip / length)
        assert clip is None or np.linalg.norm(shorter) <= clip * (1 + 1e-9)
        assert np.allclose(private.clipped_sum(row[None], np.array([label]), weights, clip), shorter)
        total += shorter
    assert np.allclose(private.clipped_sum(rows, labels, weights, clip), total)


def test_the_gradient_is_that_of_the_loss(rng):
    """Unclipped, against central differences of the sum of cross-entropies."""
    rows, labels, weights = problem(rng, 5, 3)

    def loss(w):
        return -np.log(private.softmax(rows @ w)[np.arange(5), labels]).sum()

    for place in np.ndindex(weights.shape):
        step = np.zeros_like(weights)
        step[place] = 1e-5
        slope = (loss(weights + step) - loss(weights - step)) / 2e-5
        assert np.isclose(private.clipped_sum(rows, labels, weights, None)[place], slope, atol=1e-6)


def test_poisson_samples_vary_in_size(rng):
    sizes = np.array([len(private.poisson_sample(rng, 2000, 0.1)) for _ in range(300)])
    assert abs(sizes.mean() - 200) < 4 * math.sqrt(180 / 300)
    assert 0.8 < sizes.var() / 180 < 1.25
    assert np.array_equal(private.poisson_sample(rng, 5, 1.0), np.arange(5))


def test_noise_has_the_size_that_the_accountant_is_told(rng):
    step = private.private_step(rng, np.zeros((400, 500), np.float32), clip=0.1, noise_multiplier=3.0, expected=50.0)
    assert np.isclose(step.std(), 3.0 * 0.1 / 50, rtol=0.01)
    still = private.private_step(rng, np.full((2, 2), 5.0, np.float32), 0.1, 0.0, 50.0)
    assert np.allclose(still, 0.1)


def test_training_learns_and_depends_on_its_seed_alone(rng):
    centres = 3 * rng.standard_normal((4, 20))
    labels = rng.integers(4, size=2000)
    rows = (centres[labels] + rng.standard_normal((2000, 20))).astype(np.float32)
    knobs = {"sampling_rate": 0.1, "steps": 60, "clip": 1.0, "learning_rate": 1.0, "classes": 4}
    first, again, other = (private.train(rows, labels, 1.0, **knobs, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.weights, again.weights)
    assert not np.array_equal(first.weights, other.weights)
    assert private.accuracy(first.weights, rows, labels) > 0.95
    assert abs(first.drawn / (60 * 200) - 1) < 0.05


def test_forgotten_clipping_lets_one_example_through(rng):
    """One outlier among many: its push is bounded with clipping, and is not without."""
    rows = np.concatenate([rng.standard_normal((50, 5)), np.full((1, 5), 1000.0)]).astype(np.float32)
    labels = rng.integers(2, size=51)
    pushes = {}
    for forget in (False, True):
        ends = [
            private.train(rows[:n], labels[:n], 0.0, 1.0, 1, 1.0, 1.0, 1.0, 3, 2, forget, expected=51.0).weights
            for n in (50, 51)
        ]
        pushes[forget] = np.linalg.norm(ends[0] - ends[1])
    assert pushes[False] <= 1 / 51 + 1e-6
    assert pushes[True] > 10


# --- accountants ---


def test_the_exact_gaussian_against_an_integral():
    """δ(ε) = ∫ max(0, p - e^ε q) for two bells that are 1/σ apart."""
    x = np.linspace(-15, 15, 600_001)
    for noise, eps in ((1.0, 1.0), (2.0, 0.3), (0.7, 2.5)):
        p, q = (np.exp(-((x - centre) ** 2) / 2) / math.sqrt(2 * math.pi) for centre in (1 / noise, 0))
        area = np.maximum(0, p - math.exp(eps) * q).sum() * (x[1] - x[0])
        assert np.isclose(accounting.gaussian_delta(eps, noise), area, rtol=1e-4)
    assert np.isclose(accounting.gaussian_delta(1, 2, releases=4), accounting.gaussian_delta(1, 1))


def test_epsilon_and_delta_of_the_gaussian_belong_together():
    for noise, delta in ((1.0, 1e-5), (4.0, 1e-3)):
        found = accounting.gaussian_epsilon(noise, delta)
        assert np.isclose(accounting.gaussian_delta(found, noise), delta, rtol=1e-3)
    assert accounting.gaussian_epsilon(1000.0, 0.1) == 0


def test_accountants_against_closed_forms():
    """Without sampling: PLD is the exact Gaussian; RDP is least over α of the known conversion, and above it."""
    pytest.importorskip("dp_accounting")
    noise, steps, delta = 5.0, 10, 1e-5
    exact = accounting.gaussian_epsilon(noise, delta, steps)
    assert np.isclose(accounting.epsilon(noise, 1.0, steps, delta, "pld"), exact, rtol=1e-3)
    alpha = np.linspace(1.01, 200, 20_000)
    rdp = alpha * steps / (2 * noise**2)  # Mironov (2017); the conversion is Canonne, Kamath & Steinke's (2020)
    wanted = (rdp + np.log1p(-1 / alpha) - np.log(delta * alpha) / (alpha - 1)).min()
    assert np.isclose(accounting.epsilon(noise, 1.0, steps, delta), wanted, rtol=0.01)
    assert wanted > exact


def test_the_run_published_as_3_01():
    """TensorFlow Privacy's tutorial: σ 1.1, batches of 256 of 60,000, 60 epochs."""
    pytest.importorskip("dp_accounting")
    of = (1.1, 256 / 60_000, 60 * 60_000 // 256)
    assert np.isclose(accounting.epsilon(*of), 2.597, atol=2e-3)
    assert np.isclose(accounting.epsilon(*of, accountant="pld"), 2.382, atol=2e-3)


def test_noise_is_enough_and_hardly_more():
    pytest.importorskip("dp_accounting")
    noise = accounting.noise_for(2.0, 0.05, 50)
    assert accounting.epsilon(noise, 0.05, 50) <= 2.0 < accounting.epsilon(0.99 * noise, 0.05, 50)


# --- the audit ---


def test_the_audit_in_closed_form():
    """All right of r without δ: p^r = 5 %, epsilon = log(p / (1 - p)); half right: nothing; δ only lowers it."""
    for r in (20, 100):
        p = 0.05 ** (1 / r)
        assert np.isclose(audit.epsilon_bound(1000, r, r, delta=0), math.log(p / (1 - p)), atol=1e-4)
    assert audit.epsilon_bound(1000, 100, 50) == 0
    assert audit.epsilon_bound(1000, 100, 40) == 0
    assert audit.epsilon_bound(1000, 400, 400, 1e-5) < audit.epsilon_bound(1000, 400, 400, 0)
    assert np.isclose(audit.p_value(0.0, 10, 10, 9), 11 / 1024)


def test_more_right_guesses_rule_out_more():
    bounds = [audit.epsilon_bound(500, 200, right) for right in (100, 140, 180, 200)]
    assert bounds == sorted(bounds)
    assert audit.epsilon_bound(500, 200, 180, confidence=0.99) < bounds[2]


def test_the_bound_holds_for_a_mechanism_of_known_epsilon(rng):
    """Randomised response at epsilon 1: below 1 in 95 % of runs at least, and near it."""
    keep = math.e / (1 + math.e)
    bounds = []
    for _ in range(400):
        inside = rng.random(1000) < 0.5
        scores = np.where(rng.random(1000) < keep, inside, ~inside) + 1e-3 * rng.random(1000)
        bounds.append(audit.epsilon_bound(1000, *audit.guess(scores, inside, 1000), delta=0))
    assert np.mean(np.array(bounds) > 1) < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)
    assert np.median(bounds) > 0.8


def test_the_audit_of_many_guesses_keeps_its_risk(rng):
    """Scores that know nothing: a bound above 0 in at most 5 % of runs, though two numbers of guesses are tried."""
    wrong = [audit.audit(rng.random(300), rng.random(300) < 0.5, (50, 200))[0] > 0 for _ in range(400)]
    assert np.mean(wrong) < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)
    inside = rng.random(300) < 0.5
    bound, guesses, right = audit.audit(inside.astype(float), inside, (50, 200))
    assert (guesses, right) == (200, 200)
    assert bound > 3


def test_canaries_point_where_nobody_does_and_are_found_when_trained_on(rng):
    """Orthogonal to known rows and to each other; without noise nearly all inside score above those outside."""
    known = rng.choice([-1, 1], (300, 600))
    marks = audit.canaries(100, known, seed=3)
    assert np.allclose(marks.rows @ marks.rows.T, 600 * np.eye(100), atol=0.1)
    assert np.abs(marks.rows @ known.T).max() < 0.1
    with pytest.raises(CourseError, match="Take fewer rows"):
        audit.canaries(301, known)
    watch = audit.CanaryWatch(marks)
    private.train(marks.rows[marks.inside], marks.labels[marks.inside], 0.0, 0.5, 30, 0.1, 1.0, seed=1, seen=watch)
    assert watch.scores[marks.inside].min() > watch.scores[~marks.inside].max()


def test_a_canary_scores_what_its_clipped_gradients_add_up_to():
    """One canary, drawn in every step, no noise: clip, steps, its own length; another canary gets nothing."""
    marks = audit.canaries(2, np.ones((1, 50)), seed=1)
    watch = audit.CanaryWatch(marks)
    private.train(marks.rows[:1], marks.labels[:1], 0.0, 1.0, 5, 0.1, 1.0, seed=1, expected=1.0, seen=watch)
    assert np.allclose(watch.scores, [0.1 * 5 * math.sqrt(50), 0.0], atol=1e-5)


# --- the generator ---


def test_cosines_are_orthonormal():
    basis = gaussians.cosines(28, 10)
    assert basis.shape == (784, 100)
    assert np.allclose(basis.T @ basis, np.eye(100), atol=1e-5)
    assert np.allclose(basis[:, 0], 1 / 28)


def test_the_generator_has_the_moments_of_its_classes(some):
    """Without noise, on many draws: the mean image of each class, to what clipping of ink leaves."""
    images, labels = some
    found = gaussians.fit_gaussians(images, labels % 2, 0.0, kept=6, radius=30.0, classes=2)
    assert np.isclose(found.shares[0], np.mean(labels % 2 == 0))
    means = images[labels % 2 == 1].reshape(-1, 784).mean(axis=0) / 255 @ gaussians.cosines(28, 6)
    assert np.allclose(found.means[1], means, atol=1e-3)
    rows = images[labels % 2 == 1].reshape(-1, 784) / 255 @ gaussians.cosines(28, 6)
    assert np.allclose(found.roots[1] @ found.roots[1].T, np.cov(rows.T, bias=True), atol=1e-3)
    drawn = found.sample(np.zeros(5, int), seed=1)
    assert drawn.shape == (5, 28, 28)
    assert drawn.dtype == np.uint8
    assert np.array_equal(drawn, found.sample(np.zeros(5, int), seed=1))


def test_one_digit_moves_the_sums_by_the_sensitivity_at_most(some):
    """1, x and the upper half of x xᵀ, for rows no longer than 1: no more than the root of 3 together."""
    x = some[0].reshape(-1, 784) / 255 @ gaussians.cosines(28, 10)
    x = (
        x
        / np.maximum(1, np.linalg.norm(x / gaussians.GAUSSIAN_RADIUS, axis=1, keepdims=True))
        / gaussians.GAUSSIAN_RADIUS
    )
    upper = np.triu(x[:, :, None] * x[:, None])
    lengths = np.sqrt(1 + np.square(x).sum(axis=1) + np.square(upper).sum(axis=(1, 2)))
    assert lengths.max() <= math.sqrt(3) + 1e-6


# --- refusals ---


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: features.upright(np.zeros((2, 28, 28, 1), np.uint8)), "grey"),
        (lambda: features.upright(np.zeros((2, 28, 28))), "uint8"),
        (lambda: features.scatter(np.zeros((2, 30, 30))), "images must be finite"),
        (lambda: features.normalise(np.zeros((1, 7, 7, 81)), groups=10), "groups must divide"),
        (lambda: private.clipped_sum(np.zeros((2, 3)), np.zeros(2, int), np.zeros((4, 2)), 1.0), "rows, labels"),
        (lambda: private.clipped_sum(np.zeros((2, 3)), np.zeros(2, int), np.zeros((3, 2)), 0.0), "clip must"),
        (lambda: private.poisson_sample(np.random.default_rng(1), 5, 1.5), "sampling_rate"),
        (lambda: private.train(np.zeros((2, 3)), np.array([0, 10]), 1.0), "labels must be"),
        (lambda: private.train(np.zeros((2, 3)), np.array([0, 1, 1]), 1.0), "rows and labels"),
        (lambda: private.train(np.zeros((2, 3)), np.array([0, 1]), -1.0), "noise_multiplier"),
        (lambda: accounting.epsilon(1.0, 0.1, 10, accountant="best"), "accountant must be one of rdp, pld"),
        (lambda: accounting.epsilon(0.0, 0.1, 10), "noise_multiplier"),
        (lambda: accounting.gaussian_epsilon(1.0, 0.0), "delta"),
        (lambda: audit.epsilon_bound(10, 11, 5), "guesses"),
        (lambda: audit.epsilon_bound(10, 10, 11), "correct"),
        (lambda: audit.audit(np.zeros(5), np.zeros(5)), "coins bool"),
        (lambda: gaussians.fit_gaussians(np.zeros((2, 8, 8), np.uint8), np.zeros(2), 1.0), "images and labels"),
        (lambda: gaussians.cosines(28, 29), "kept"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(CourseError, match=message):
        call()


def test_without_the_extra_a_line_says_which(monkeypatch):
    monkeypatch.setitem(sys.modules, "dp_accounting", None)
    with pytest.raises(CourseError, match=r"pip install -e '\.\[trust-dp\]'"):
        accounting.epsilon(1.0, 0.1, 10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--seed", "-1"], "--seed must lie"),
        (["--bug", "--curve"], "not allowed with"),
        (["--only", "settled"], "--only goes with --tune"),
        (["--tune", "--only", "luck"], "invalid choice"),
    ],
)
def test_the_benchmark_refuses_in_a_line(options, message):
    asked = [sys.executable, ROOT / "benchmarks" / "private.py", *options]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=120, cwd=ROOT)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
