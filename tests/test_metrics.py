"""Distances with known answers, and the judge: what it is, what it states, how it reacts to known damage."""

import shutil

import numpy as np
import pytest
from scipy import linalg, stats

from aigc_course import data, metrics
from aigc_course.runtime import CourseError

SHIPPED = data.ASSETS


@pytest.fixture(scope="module")
def judge():
    return metrics.judge()


@pytest.fixture(scope="module")
def real(mnist):
    """2,000 real training images in [-1, 1]."""
    (x_train, _), _ = mnist
    return data.scale(x_train[:2000])


def sample_with(mean, cov, n, rng):
    """n rows whose sample mean and covariance are exactly those given."""
    rows = rng.standard_normal((n, len(mean)))
    rows -= rows.mean(axis=0)
    rows = np.linalg.solve(np.linalg.cholesky(np.atleast_2d(np.cov(rows, rowvar=False))), rows.T).T
    return mean + rows @ np.linalg.cholesky(cov).T


def random_covariance(size, rng):
    root = rng.standard_normal((size, size))
    return root @ root.T + 0.1 * np.eye(size)


# --- the distance ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("a", "b"), [((0, 1), (0, 1)), ((0, 1), (3, 1)), ((1, 2), (-1, 0.5)), ((0, 1e-3), (0, 10))])
def test_one_dimension(rng, a, b):
    """In 1-D the squared distance is (mean difference)^2 + (difference of standard deviations)^2."""
    x = sample_with(np.array([a[0]]), np.array([[a[1] ** 2]]), 50, rng)
    y = sample_with(np.array([b[0]]), np.array([[b[1] ** 2]]), 70, rng)
    expected = (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2
    assert metrics.frechet_distance(x, y) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_known_moments_in_five_dimensions(rng):
    """Samples with exact moments against Dowson & Landau's formula with scipy.linalg.sqrtm."""
    mean_a, mean_b = rng.standard_normal((2, 5))
    cov_a, cov_b = random_covariance(5, rng), random_covariance(5, rng)
    root = linalg.sqrtm(cov_a @ cov_b).real
    expected = np.sum((mean_a - mean_b) ** 2) + np.trace(cov_a + cov_b - 2 * root)
    x, y = sample_with(mean_a, cov_a, 100, rng), sample_with(mean_b, cov_b, 200, rng)
    assert metrics.frechet_distance(x, y) == pytest.approx(expected, rel=1e-8)
    assert metrics.frechet_of_moments(mean_a, cov_a, mean_b, cov_b) == pytest.approx(expected, rel=1e-8)


def test_properties_of_a_distance(rng):
    """0 to itself (in any order of rows), symmetric, a shift by v costs |v|^2, and a common rotation costs nothing."""
    x, y = rng.standard_normal((80, 6)), 1.7 * rng.standard_normal((90, 6)) + 0.4
    shift, rotation = rng.standard_normal(6), stats.ortho_group.rvs(6, random_state=1)
    distance = metrics.frechet_distance(x, y)
    assert distance > 1
    assert metrics.frechet_distance(x, x[::-1]) == pytest.approx(0, abs=1e-9)
    assert metrics.frechet_distance(y, x) == pytest.approx(distance, rel=1e-9)
    assert metrics.frechet_distance(x, x + shift) == pytest.approx(shift @ shift, rel=1e-9)
    assert metrics.frechet_distance(x @ rotation, y @ rotation) == pytest.approx(distance, rel=1e-9)
    assert metrics.frechet_distance(3 * x, 3 * y) == pytest.approx(9 * distance, rel=1e-9)


def test_covariances_without_full_rank(rng):
    """Fewer rows than columns, and constant features: still 0 to itself, still the closed form of a shift."""
    x = np.hstack([rng.standard_normal((4, 10)), np.ones((4, 3))])
    assert metrics.frechet_distance(x, x) == pytest.approx(0, abs=1e-6)
    assert metrics.frechet_distance(x, x + 2.0) == pytest.approx(13 * 4, rel=1e-6)
    assert metrics.frechet_distance(np.ones((3, 2)), np.zeros((3, 2))) == pytest.approx(2)


def test_small_samples_are_too_large():
    """Two samples of one distribution: the distance falls towards 0 as n grows (the reason for the floor)."""
    distances = []
    for n in (20, 200, 2000, 20000):
        x, y = np.random.default_rng(n).standard_normal((2, n, 8))
        distances.append(metrics.frechet_distance(x, y))
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 0.02 < distances[0]


@pytest.mark.parametrize(
    ("features", "came"),
    [
        (np.zeros(5), "(5,)"),
        (np.zeros((1, 5)), "(1, 5)"),
        (np.zeros((0, 5)), "(0, 5)"),
        (np.zeros((4, 2, 2)), "(4, 2, 2)"),
        (np.full((4, 5), np.nan), "NaN"),
        (np.full((4, 5), np.inf), "infinity"),
    ],
)
def test_features_are_checked(features, came):
    """Shape, number of rows and NaN: one line that says what came; on both sides."""
    fine = np.random.default_rng(0).standard_normal((6, 5))
    for pair in ((features, fine), (fine, features)):
        with pytest.raises(CourseError, match=r"features must be a finite array \(N, F\)") as caught:
            metrics.frechet_distance(*pair)
        assert came in str(caught.value)


def test_features_of_two_kinds_do_not_compare(rng):
    """5 against 6 columns: refused, both numbers stated."""
    with pytest.raises(CourseError, match="received 5 and 6 columns"):
        metrics.frechet_distance(rng.standard_normal((8, 5)), rng.standard_normal((8, 6)))


# --- the judge -------------------------------------------------------------------------------------------


def test_the_judge_reads_digits(judge, mnist):
    """At least 99 % of the 10,000 test images as labelled, and it says the share that is true."""
    _, (x_test, y_test) = mnist
    accuracy = (judge.labels(data.scale(x_test)) == y_test).mean()
    assert accuracy >= 0.99
    assert judge.accuracy == pytest.approx(accuracy)


def test_the_judge_is_loaded_once(judge):
    """One judge a process."""
    assert metrics.judge() is judge


def test_a_score_states_what_it_rests_on(judge, real, capsys):
    """Printed and kept: value, n, floor of that n, the weights' hash, the accuracy. It is a float besides."""
    score = metrics.judge_distance(real[:500])
    printed = capsys.readouterr().out.strip()
    assert printed == repr(score) == str(score)
    numbers = (f"{float(score):.2f}", f"{judge.floor(500):.2f}", f"{judge.accuracy:.2%}")
    for part in (*numbers, "n = 500", judge.sha256[:8]):
        assert part in printed
    assert isinstance(score, float)
    assert score.as_dict() == {
        "judge_distance": float(score), "n": 500, "floor": judge.floor(500),
        "judge_sha256": data.checksums()["judge.weights.h5"], "judge_accuracy": judge.accuracy,
    }  # fmt: skip
    metrics.judge_distance(real[:500], verbose=False)
    assert capsys.readouterr().out == ""


def test_a_score_is_the_frechet_distance_of_the_features(judge, real, mnist):
    """The number is frechet_distance between the judge's features of the images and of the 10,000 test images."""
    _, (x_test, _) = mnist
    ours, theirs = judge.read(real[:500])[0], judge.read(data.scale(x_test))[0]
    assert float(judge.distance(real[:500])) == pytest.approx(metrics.frechet_distance(ours, theirs), rel=1e-4)


def test_the_floor_falls_with_n(judge):
    """Real against real: 300 > 1,000 > 5,000 images, and never below 0."""
    floors = [judge.floor(n) for n in (300, 1000, 5000)]
    assert floors == sorted(floors, reverse=True)
    assert floors[-1] > 0
    assert len(set(floors)) == 3


def test_noise_raises_the_distance(judge, real, rng):
    """The more noise on real images, the larger the distance, from near the floor upwards."""
    noise = rng.standard_normal(real.shape).astype(np.float32)
    levels = [0.0, 0.2, 0.4, 0.8]
    distances = [float(judge.distance(np.clip(real + level * noise, -1, 1))) for level in levels]
    assert distances == sorted(distances)
    assert distances[0] < 3 * judge.floor(len(real))
    assert distances[-1] > 10 * distances[0]


def test_a_missing_digit_raises_the_distance(judge, mnist, real):
    """Real images without any 1 are farther away than real images: diversity counts, not only beauty."""
    (x_train, y_train), _ = mnist
    without = data.scale(x_train[y_train != 1][: len(real)])
    assert judge.distance(without) > 2 * judge.distance(real)


def test_class_shares_of_real_images(judge, real, mnist):
    """Ten shares that add up to 1, each near 10 %, each near the share by label."""
    (_, y_train), _ = mnist
    shares = judge.class_shares(real)
    assert shares.shape == (10,)
    assert shares.sum() == pytest.approx(1)
    assert np.abs(shares - 0.1).max() < 0.03
    assert np.abs(shares - np.bincount(y_train[: len(real)], minlength=10) / len(real)).max() < 0.01
    one_only = judge.class_shares(real[y_train[: len(real)] == 1][:50])
    assert one_only[1] > 0.9  # digits that do not occur still have their place


def test_batches_do_not_matter_to_the_judge(judge, real):
    """1,500 images at once (two batches) read as one by one."""
    together = judge.read(real[:1500])[1]
    np.testing.assert_allclose(together[[0, 999, 1000, 1499]], judge.read(real[[0, 999, 1000, 1499]])[1], atol=1e-3)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((4, 28, 28), np.float32), r"received float32, shape \(4, 28, 28\)"),
        (np.zeros((4, 32, 32, 1), np.float32), r"received \(4, 32, 32, 1\)"),
        (np.zeros((4, 28, 28, 1), np.uint8), "received uint8"),
        (np.full((4, 28, 28, 1), 255.0), r"received \[255, 255\]"),
        (np.full((4, 28, 28, 1), np.nan), "nan"),
        (np.zeros((1, 28, 28, 1), np.float32), r"N >= 2; received shape \(1, 64\)"),
    ],
)
def test_the_judge_refuses_what_it_cannot_read(images, message):
    """Shape, dtype, range, NaN, a single image: one line, no score."""
    with pytest.raises(CourseError, match=message):
        metrics.judge_distance(images, verbose=False)


def test_damaged_weights_are_refused(monkeypatch, tmp_path):
    """One altered bit in the judge's weights: no score, both checksums named."""
    for name in ("SHA256SUMS", "judge.weights.h5"):
        shutil.copy(SHIPPED / name, tmp_path)
    path = tmp_path / "judge.weights.h5"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    monkeypatch.setattr(data, "ASSETS", tmp_path)
    with pytest.raises(CourseError, match=r"judge\.weights\.h5 is damaged") as caught:
        metrics.Judge()
    assert data.checksums()["judge.weights.h5"] in str(caught.value)
    assert data.sha256(path) in str(caught.value)
