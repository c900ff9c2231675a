"""Distances with known answers, and the judge: what it is, what it states, how it reacts to known damage."""

import shutil

import numpy as np
import pytest
from scipy import linalg, stats

from aigc_course import data, metrics
from aigc_course.errors import CourseError

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
    numbers = (f"{float(score):.2f}", str(judge.floor(500)), f"{judge.accuracy:.2%}")
    for part in (*numbers, "n = 500", judge.sha256[:8]):
        assert part in printed
    assert isinstance(score, float)
    assert score.as_dict() == {
        "judge_distance": float(score),
        "n": 500,
        "floor": judge.floor(500).mean,
        "floor_spread": judge.floor(500).spread,
        "floor_draws": 8,
        "judge_sha256": data.shipped_files()["judge.weights.h5"],
        "judge_accuracy": judge.accuracy,
    }
    metrics.judge_distance(real[:500], verbose=False)
    assert capsys.readouterr().out == ""


def test_a_score_is_the_frechet_distance_of_the_features(judge, real, mnist):
    """The number is frechet_distance between the judge's features of the images and of the 10,000 test images."""
    _, (x_test, _) = mnist
    ours, theirs = judge.read(real[:500])[0], judge.read(data.scale(x_test))[0]
    assert float(judge.distance(real[:500])) == pytest.approx(metrics.frechet_distance(ours, theirs), rel=1e-4)


@pytest.mark.slow
def test_the_floor_falls_with_n(judge):
    """Real against real: 300 > 1,000 > 5,000 images, and never below 0."""
    floors = [judge.floor(n).mean for n in (300, 1000, 5000)]
    assert floors == sorted(floors, reverse=True)
    assert floors[-1] > 0
    assert len(set(floors)) == 3


def test_the_floor_is_a_mean_of_draws_that_share_no_image(judge, mnist):
    """Written out for n = 300; the spread is that of one draw; of 60,000 there is but one."""
    (x_train, _), _ = mnist
    order = np.random.default_rng(0).permutation(60_000)[: 8 * 300].reshape(8, 300)
    values = [judge.distance(data.scale(x_train[part])) for part in order]
    floor = judge.floor(300)
    assert floor.mean == pytest.approx(np.mean(values), rel=1e-3)
    assert floor.spread == pytest.approx(np.std(values, ddof=1), rel=1e-2)
    assert str(floor) == f"{floor.mean:.2f} ± {floor.spread:.2f} (8 draws)"
    assert str(metrics.Floor(0.5, float("nan"), 1)) == "0.50 (1 draw)"


@pytest.mark.slow
def test_a_score_far_below_the_floor_means_the_test_images_themselves(judge, mnist):
    """Test images, copied, score many spreads below honest real images; other training images do not."""
    floor, rng = judge.floor(5000), np.random.default_rng(1)
    (x_train, _), (x_test, _) = mnist
    copied = rng.permutation(10_000)[:5000]
    assert judge.distance(data.scale(x_test[copied])) < floor.mean - 4 * floor.spread
    others = rng.permutation(60_000)[:5000]
    assert abs(judge.distance(data.scale(x_train[others])) - floor.mean) < 4 * floor.spread


def test_noise_raises_the_distance(judge, real, rng):
    """The more noise on real images, the larger the distance, from near the floor upwards."""
    noise = rng.standard_normal(real.shape).astype(np.float32)
    levels = [0.0, 0.2, 0.4, 0.8]
    distances = [float(judge.distance(np.clip(real + level * noise, -1, 1))) for level in levels]
    assert distances == sorted(distances)
    assert distances[0] < 3 * judge.floor(len(real)).mean
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
    monkeypatch.setattr(data.checksums, "ASSETS", tmp_path)
    with pytest.raises(CourseError, match=r"judge\.weights\.h5 is damaged") as caught:
        metrics.Judge()
    assert data.shipped_files()["judge.weights.h5"] in str(caught.value)
    assert data.sha256(path) in str(caught.value)


# --- what chapters 05 and 06 add ------------------------------------------------------------------------------


def test_frechet_is_the_usual_formula_with_a_matrix_square_root(rng):
    """Against the form that FID programs use, with SciPy's matrix square root, on correlated features."""
    a = rng.standard_normal((400, 6)) @ rng.standard_normal((6, 6))
    b = rng.standard_normal((300, 6)) @ rng.standard_normal((6, 6)) + 0.5
    ca, cb = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = linalg.sqrtm(ca @ cb).real
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(ca + cb - 2 * root)
    assert metrics.frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("k", [1, 4])
def test_neighbours_are_those_of_scipys_tree(rng, k):
    """Distances and indices against scipy.spatial.KDTree, an independent search; an exact copy is at exactly 0."""
    from scipy.spatial import KDTree

    references, queries = rng.standard_normal((700, 5)) + 100.0, rng.standard_normal((1203, 5)) + 100.0
    queries[3] = references[17]
    distances, indices = metrics.nearest_neighbours(queries, references, k)
    expected, places = KDTree(references).query(queries, k=list(range(1, k + 1)))
    np.testing.assert_allclose(distances, expected, atol=1e-9)
    np.testing.assert_array_equal(indices, places)
    assert distances[3, 0] == 0.0
    assert indices[3, 0] == 17
    own = metrics.nearest_neighbours(references, references, k, skip_self=True)[0]
    np.testing.assert_allclose(own, KDTree(references).query(references, k=k + 1)[0][:, 1:], atol=1e-9)


def test_precision_and_recall_by_hand():
    """On a line, k = 1: balls of reals at 0, 1, 3 have radii 1, 1, 2; fakes at 0.5 and 1.5 lie inside, 7 outside."""
    real, fake = np.array([[0.0], [1.0], [3.0]]), np.array([[0.5], [1.5], [7.0]])
    found = metrics.precision_recall(real, fake, k=1)
    assert found.precision == pytest.approx(2 / 3)
    # the fakes' radii are 1, 1 and 5.5: 0 and 1 lie within 1 of 0.5, and 3 within 5.5 of 7
    assert found.recall == pytest.approx(1.0)


def test_precision_and_recall_against_the_definition(rng):
    """Every ball and every sample, by SciPy's distances, without a shortcut."""
    from scipy.spatial.distance import cdist

    real, fake = rng.standard_normal((230, 4)), 1.4 * rng.standard_normal((310, 4)) + 0.3
    radius = {name: np.sort(cdist(x, x), axis=1)[:, 3] for name, x in (("real", real), ("fake", fake))}
    expected = (
        (cdist(fake, real) <= radius["real"]).any(1).mean(),
        (cdist(real, fake) <= radius["fake"]).any(1).mean(),
    )
    assert metrics.precision_recall(real, fake, k=3) == pytest.approx(expected)


def test_precision_and_recall_see_different_damage(rng):
    """Half the data missing costs recall; half noise far away costs precision."""
    left, right = rng.standard_normal((400, 2)) - 9, rng.standard_normal((400, 2)) + 9
    real = np.concatenate([left, right])
    half = metrics.precision_recall(real, rng.standard_normal((400, 2)) - 9)
    assert half.precision > 0.9
    assert half.recall < 0.55
    noisy = metrics.precision_recall(real, np.concatenate([real + 0.01, 50 + 10 * rng.standard_normal((800, 2))]))
    assert noisy.precision < 0.55
    assert noisy.recall > 0.9


def test_copies_are_found(rng):
    """Fresh samples: a share of about the quantile. Half of them copies, slightly blurred: about a half."""
    train, test, fresh = (rng.standard_normal((1500, 8)) for _ in range(3))
    share, threshold = metrics.copy_share(fresh, train, test, quantile=0.02)
    assert threshold > 0
    assert share < 0.05
    mixed = np.concatenate([fresh[:500], train[:500] + 1e-3])
    assert metrics.copy_share(mixed, train, test, quantile=0.02)[0] == pytest.approx(0.5, abs=0.03)
    with pytest.raises(CourseError, match="quantile must lie between 0 and 1"):
        metrics.copy_share(fresh, train, test, quantile=1.0)


def test_mode_coverage_by_hand():
    """Two of three modes are hit; a far sample and one beyond 3 sigma count nowhere; reverse KL in closed form."""
    centres = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    samples = np.array([[0.0, 0.0], [0.02, 0.0], [0.0, -0.0299], [1.0, 0.01], [1.0, 0.0301], [5.0, 5.0]])
    found = metrics.mode_coverage(samples, centres, 0.01)
    assert found.modes == 2
    assert found.high_quality_share == pytest.approx(4 / 6)
    assert found.reverse_kl == pytest.approx(0.75 * np.log(0.75 * 3) + 0.25 * np.log(0.25 * 3))


@pytest.mark.parametrize(("make", "modes", "sigma"), [(data.ring, 8, 0.01), (data.grid, 25, 0.05)])
def test_real_points_set_the_floor(make, modes, sigma, rng):
    """Real samples: all modes, 98.9 % within 3 sigma (1 - exp(-9/2)), reverse KL about (k - 1) / 2n."""
    samples, centres = make(50_000, rng)
    found = metrics.mode_coverage(samples, centres, sigma)
    assert found.modes == modes
    assert found.high_quality_share == pytest.approx(1 - np.exp(-4.5), abs=0.003)
    assert found.reverse_kl < 5 * (modes - 1) / 100_000


@pytest.mark.parametrize(("make", "sigma"), [(data.ring, 0.01), (data.grid, 0.05)])
@pytest.mark.parametrize("factor", [1.0, 0.5, 0.2])
def test_the_width_of_the_modes_is_that_of_the_real_ones(make, sigma, factor, rng):
    """Real points: 1. Modes drawn at a part of their width: that part, over what the cut at 3 sigma took off."""
    samples, centres = make(40_000, rng)
    nearest = metrics.nearest_neighbours(samples, centres)[1][:, 0]
    narrow = centres[nearest] + factor * (samples - centres[nearest])
    whole = 1.0 if factor == 1 else factor / np.sqrt(1 - 4.5 * np.exp(-4.5) / (1 - np.exp(-4.5)))
    assert metrics.mode_spread(narrow, centres, sigma) == pytest.approx(whole, rel=0.015)


def test_the_width_does_not_see_where_a_mode_lies():
    """A mode beside its centre is as wide as one on it; one point a mode has width 0; without any, there is none."""
    centres = np.array([[0.0, 0.0], [5.0, 0.0]])
    pair = np.array([[-0.1, 0.0], [0.1, 0.0]])
    points = np.repeat(centres, 2, axis=0) + np.tile(pair, (2, 1))
    widths = [metrics.mode_spread(points + shift, centres, 1.0) for shift in (0.0, 0.7)]
    assert widths[0] == pytest.approx(widths[1])
    assert metrics.mode_spread(np.repeat(centres, 3, axis=0), centres, 1.0) == 0
    assert np.isnan(metrics.mode_spread(centres + 100, centres, 1.0))


@pytest.mark.parametrize("modes", [8, 1000])
def test_counting_alone_adds_to_the_kl(modes, rng):
    """Even draws: the KL of the counts is (k - 1) / 2n on the mean (Miller, 1955): what chapter 06 takes off."""
    n = 25 * modes
    found = [metrics.coverage_of_counts(rng.multinomial(n, np.full(modes, 1 / modes)))[1] for _ in range(60)]
    assert np.mean(found) == pytest.approx((modes - 1) / (2 * n), rel=0.1)


def test_collapse_is_the_worst_value():
    """All samples on one of eight modes: reverse KL log 8; no sample near any: the same, and no mode."""
    centres = data.ring(1, np.random.default_rng(0))[1]
    assert metrics.mode_coverage(np.repeat(centres[:1], 50, axis=0), centres, 0.01).reverse_kl == pytest.approx(
        np.log(8)
    )
    lost = metrics.mode_coverage(np.full((50, 2), 9.0), centres, 0.01)
    assert lost == (0, 0.0, pytest.approx(np.log(8)))


def test_stacked_coverage_of_real_digits(mnist, rng):
    """Channels of known digits: the judge finds about as many triples as there are; one repeated image is one mode."""
    (images, labels), _ = mnist
    chosen = rng.integers(len(images), size=(3, 600))
    stacked = np.concatenate([data.scale(images[row]) for row in chosen], axis=-1)
    truth = len(set(zip(*(labels[row] for row in chosen), strict=True)))
    modes, kl = metrics.stacked_coverage(stacked)
    assert modes == pytest.approx(truth, abs=12)
    assert kl > 0
    assert metrics.stacked_coverage(np.repeat(stacked[:1], 30, axis=0)) == (1, pytest.approx(np.log(1000)))
    counts = metrics.stacked_counts(stacked[:50])
    assert counts.shape == (10, 10, 10)
    reds = metrics.judge().labels(stacked[:50, ..., :1])
    np.testing.assert_array_equal(counts.sum(axis=(1, 2)), np.bincount(reds, minlength=10))
    with pytest.raises(CourseError, match=r"shape \(N, 28, 28, 3\)"):
        metrics.stacked_coverage(stacked[..., :1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: metrics.nearest_neighbours(x, x[:, :2]), "received 3 and 2 columns"),
        (lambda x: metrics.nearest_neighbours(x, x, 0), "k must be an integer from 1 to 5"),
        (lambda x: metrics.nearest_neighbours(x, x, 5, skip_self=True), "from 1 to 4"),
        (lambda x: metrics.precision_recall(x, np.full((5, 3), np.nan)), "fake must be a finite array"),
        (lambda x: metrics.precision_recall(x[0], x), "real must be a finite array"),
        (lambda x: metrics.mode_coverage(x, x, 0.0), "sigma must be a number above 0"),
    ],
)
def test_bad_input_is_refused_by_name(call, message, rng):
    """Each error says what was expected and what came."""
    with pytest.raises(CourseError, match=message):
        call(rng.standard_normal((5, 3)))
