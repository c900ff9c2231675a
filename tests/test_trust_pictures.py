"""The mark in pictures against its mathematics, what may happen to it; the detector's scores against brute force."""

import numpy as np
import pytest

from aigc_course import data
from aigc_course.errors import CourseError
from aigc_course.trust import detector, picturemark


@pytest.fixture(scope="module")
def digits(mnist):
    """400 training digits that nothing was chosen on, uint8."""
    return mnist[0][0][:400]


# --- the mark ---


def test_the_cosine_matrix_is_orthonormal_and_separates_a_cosine():
    matrix = picturemark.dct_matrix(28)
    assert np.allclose(matrix @ matrix.T, np.eye(28))
    wave = np.cos(np.pi * (np.arange(28) + 0.5) * 5 / 28)
    assert np.argmax(np.abs(matrix @ wave)) == 5
    assert np.abs(np.delete(matrix @ wave, 5)).max() < 1e-9


def test_frequencies_keep_lengths(rng):
    """Parseval: an orthonormal transform changes no sum of squares."""
    images = rng.integers(0, 256, (3, 28, 28), dtype=np.uint8)
    assert np.allclose((picturemark.frequencies(images) ** 2).sum(), (images.astype(float) ** 2).sum())


def test_scores_of_random_keys_have_mean_0_and_variance_1(digits):
    """What the docstring says of a key drawn after the picture: one picture, 600 keys."""
    values = np.array([picturemark.scores(digits[:1], key)[0] for key in range(600)])
    assert abs(values.mean()) < 4 / np.sqrt(600)
    assert abs(values.std() - 1) < 0.12


@pytest.mark.parametrize("key", [3, 77, 123_456])
def test_who_has_the_key_finds_the_mark_and_nobody_else(digits, key):
    """Keys that nobody chose; also: nothing is found in what is unmarked, and the picture stays as it looks."""
    marked = picturemark.mark(digits, key)
    limit = picturemark.threshold(picturemark.scores(digits[:200], key))
    assert picturemark.share_above(picturemark.scores(marked[200:], key), limit) > 0.95
    assert picturemark.share_above(picturemark.scores(digits[200:], key), limit) < 0.06
    assert picturemark.share_above(picturemark.scores(marked[200:], key + 1), limit) < 0.06
    assert marked.dtype == np.uint8
    assert 27 < picturemark.psnr(digits, marked) < 31


def test_without_clipping_the_mark_arrives_whole(rng):
    """On mid-grey nothing is cut: each frequency of the band moves by the strength, the others by nothing."""
    grey = rng.integers(118, 138, (5, 28, 28), dtype=np.uint8)
    moved = picturemark.frequencies(picturemark.mark(grey, 4, strength=5)) - picturemark.frequencies(grey)
    assert np.abs(moved - 5 * picturemark.pattern(4)).max() < 2.0  # rounding to whole grey levels


def test_rounding_and_jpeg_leave_the_mark_and_a_shift_removes_it(digits):
    marked = picturemark.mark(digits, 5)
    limit = picturemark.threshold(picturemark.scores(digits, 5))

    def found(images):
        return picturemark.share_above(picturemark.scores(images, 5), limit)

    assert found(picturemark.requantised(marked)) > 0.9
    assert found(picturemark.jpeg(marked[:100], 90)) > 0.9
    assert found(picturemark.jpeg(marked[:100], 50)) < found(picturemark.jpeg(marked[:100], 90)) + 1e-9
    assert found(picturemark.shifted(marked)) < 0.1


def test_a_codec_that_forgets_fine_detail_removes_the_mark(digits):
    """A stand-in for the course's codec that averages 2 × 2 pixels: `regenerated` takes any encode and decode."""

    class Coarse:
        def encode(self, x):
            return x.reshape(len(x), 14, 2, 14, 2, 1).mean(axis=(2, 4))

        def decode(self, codes):
            return np.repeat(np.repeat(codes, 2, axis=1), 2, axis=2)

    marked = picturemark.mark(digits, 5)
    after = picturemark.regenerated(marked, Coarse())
    limit = picturemark.threshold(picturemark.scores(digits, 5))
    assert after.shape == marked.shape
    assert picturemark.scores(after, 5).mean() < picturemark.scores(marked, 5).mean() / 2
    assert limit > 0


def test_shifts_move_whole_pixels(digits):
    right = picturemark.shifted(digits, 2, 0)
    assert (right[:, :, 2:] == digits[:, :, :-2]).all()
    assert not right[:, :, :2].any()
    assert (picturemark.shifted(picturemark.shifted(digits, 0, 3), 0, -3)[:, :-3] == digits[:, :-3]).all()


def test_pooling_multiplies_by_the_root(rng):
    values = np.full(64, 0.5)
    assert np.allclose(picturemark.pooled(values, 16, rng), 2.0)
    assert len(picturemark.pooled(np.arange(10.0), 3, rng)) == 3
    assert np.isclose(picturemark.pooled(np.arange(10.0), 10, rng)[0], 45 / np.sqrt(10))


@pytest.mark.parametrize("n", [100, 150, 5000])
def test_the_threshold_lets_no_more_pass_than_it_says(rng, n):
    null = rng.standard_normal(n)
    passed = (null > picturemark.threshold(null, 0.01)).sum()
    assert passed == n // 100


def test_psnr_by_hand():
    images = np.zeros((1, 2, 2), np.uint8)
    changed = np.full((1, 2, 2), 10, np.uint8)
    assert np.isclose(picturemark.psnr(images, changed), 20 * np.log10(25.5))
    assert picturemark.psnr(images, images) == np.inf


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: picturemark.mark(np.zeros((2, 28, 28)), 1), "uint8"),
        (lambda: picturemark.mark(np.zeros((2, 28, 27), np.uint8), 1), "square"),
        (lambda: picturemark.mark(np.zeros((2, 28, 28), np.uint8), -1), "key"),
        (lambda: picturemark.mark(np.zeros((2, 28, 28), np.uint8), 1, -3), "strength"),
        (lambda: picturemark.threshold(np.arange(50)), "needs 100"),
        (lambda: picturemark.pooled(np.arange(3), 4, None), "packet"),
        (lambda: picturemark.band(28, 20, 10), "high"),
        (lambda: picturemark.jpeg(np.zeros((2, 28, 28), np.uint8), 100), "quality"),
        (lambda: picturemark.requantised(np.zeros((2, 28, 28), np.uint8), 1), "levels"),
        (lambda: picturemark.psnr(np.zeros((1, 2, 2), np.uint8), np.zeros((1, 3, 3), np.uint8)), "one shape"),
    ],
)
def test_what_makes_no_mark_is_said(call, words):
    with pytest.raises(CourseError, match=words):
        call()


# --- the detector ---


def test_auc_counts_pairs_and_ties(rng):
    real, fake = rng.integers(0, 6, 40).astype(float), rng.integers(1, 8, 30).astype(float)
    pairs = fake[:, None] - real
    assert np.isclose(detector.auc(real, fake), (pairs > 0).mean() + (pairs == 0).mean() / 2)
    assert detector.auc([0.0, 1.0], [2.0, 3.0]) == 1.0


def test_auc_is_scikit_learns(rng):
    metrics = pytest.importorskip("sklearn.metrics")
    real, fake = rng.standard_normal(200), rng.standard_normal(150) + 0.7
    kinds = np.repeat([0, 1], [200, 150])
    assert np.isclose(detector.auc(real, fake), metrics.roc_auc_score(kinds, np.concatenate([real, fake])))


def test_tpr_at_a_rate(rng):
    real = np.arange(200.0)
    assert detector.tpr_at(real, np.array([196.5, 198.5, 198.5, 500.0])) == 0.75  # two of 200 may lie above
    with pytest.raises(CourseError, match="needs 100"):
        detector.tpr_at(real[:50], real)


def test_rounding_brings_both_makers_on_one_grid(rng):
    images = np.tanh(rng.standard_normal((4, 28, 28, 1))).astype(np.float32)
    assert len(np.unique(detector.rounded(images, 4))) <= 4
    file = data.scale(data.unscale(images))
    assert np.allclose(detector.rounded(images), file, atol=1e-6)
    assert np.allclose(detector.rounded(file), file, atol=1e-6)
    assert (detector.distinct_values(images) > 700).all()
    assert (detector.distinct_values(detector.rounded(images)) <= 256).all()


def test_the_spectrum_sees_where_power_is():
    """A constant has all in ring 0; a checkerboard all in the last."""
    constant = np.full((1, 28, 28, 1), 0.5)
    board = (0.5 * (-1.0) ** np.add.outer(np.arange(28), np.arange(28)))[None, ..., None]
    assert detector.radial_spectrum(constant).argmax() == 0
    assert detector.radial_spectrum(board).argmax() == detector.BANDS - 1


def test_the_baselines_separate_what_differs(digits):
    """Real digits against the same digits blurred; halves that are alike are not separated."""
    pytest.importorskip("sklearn")
    real = data.scale(digits)
    blurred = (real + np.roll(real, 1, axis=1) + np.roll(real, 1, axis=2)) / 3
    own, others = detector.spectrum_scores(real[:150], blurred[:150], real[200:], blurred[200:])
    assert detector.auc(own, others) > 0.95
    own, others = detector.neighbour_scores(real[:150], blurred[:150], real[200:], blurred[200:])
    assert detector.auc(own, others) > 0.65  # 150 digits are a thin memory
    left, right = detector.neighbour_scores(real[:100], real[100:200], real[200:300], real[300:])
    assert 0.3 < detector.auc(left, right) < 0.7


def test_the_network_learns_what_is_easy_to_see(digits):
    """Forty steps on digits against inverted ones; the same seed gives the same detector."""
    real = data.scale(digits)
    networks = [detector.train_detector(real[:200], -real[:200], 40, seed=5, width=4) for _ in range(2)]
    scores = [detector.detector_scores(network, images) for network in networks for images in (real[200:], -real[200:])]
    assert detector.auc(*scores[:2]) > 0.99
    assert np.allclose(scores[0], scores[2], atol=1e-5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: detector.auc([], [1.0]), "real_scores"),
        (lambda: detector.auc([1.0], [np.nan]), "fake_scores"),
        (lambda: detector.rounded(np.zeros((1, 28, 28, 1)), 300), "levels"),
        (lambda: detector.radial_spectrum(np.full((1, 28, 28, 1), 3.0)), "in \\[-1, 1\\]"),
        (lambda: detector.build_detector(0), "width"),
    ],
)
def test_what_a_detector_cannot_take_is_said(call, words):
    with pytest.raises(CourseError, match=words):
        call()
