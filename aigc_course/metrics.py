"""Is it any good? The judge network, the Fréchet distance, and scores that say what they rest on."""

import functools
import math
from typing import NamedTuple

import numpy as np

from aigc_course import data
from aigc_course.errors import CourseError, number, whole_number
from aigc_course.files import unreadable

__all__ = [
    "FEATURES",
    "Floor",
    "Judge",
    "JudgeScore",
    "ModeCoverage",
    "PrecisionRecall",
    "build_judge",
    "copy_share",
    "coverage_of_counts",
    "frechet_distance",
    "frechet_of_moments",
    "judge",
    "judge_distance",
    "mode_coverage",
    "mode_spread",
    "moments",
    "nearest_neighbours",
    "precision_recall",
    "stacked_counts",
    "stacked_coverage",
]

FEATURES = 64  # width of the judge's last hidden layer, where distances are taken


def frechet_distance(features_a, features_b):
    """Squared Fréchet distance between two samples, each taken as a Gaussian (Dowson & Landau, 1982; FID,
    Heusel et al., 2017):  |mu_a - mu_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)).

    Args:
        features_a, features_b: float arrays (N, F) and (M, F); N, M >= 2.

    Returns:
        float >= 0, in squared units of the features. Small samples make it too large (chapter 05).

    Raises:
        CourseError: other shapes, fewer than two rows, or NaN.
    """
    return frechet_of_moments(*moments(features_a), *moments(features_b))


def moments(features):
    """Mean (F,) and covariance (F, F) of a sample (N, F), in float64."""
    features = np.asarray(features, dtype=np.float64)
    if features.ndim != 2 or len(features) < 2 or not np.isfinite(features).all():
        finite = "finite" if features.size and np.isfinite(features).all() else "with NaN, infinity or nothing in it"
        raise CourseError(
            f"features must be a finite array (N, F) with N >= 2; received shape {features.shape}, {finite}. "
            "One row per image, one column per feature."
        )
    return features.mean(axis=0), np.atleast_2d(np.cov(features, rowvar=False))


def frechet_of_moments(mean_a, cov_a, mean_b, cov_b):
    """The squared Fréchet distance of two Gaussians from their means (F,) and covariances (F, F)."""
    if mean_a.shape != mean_b.shape:
        raise CourseError(f"both samples need the same features; received {len(mean_a)} and {len(mean_b)} columns.")
    # tr (C_a C_b)^(1/2) = tr (R C_b R)^(1/2) with R = C_a^(1/2): symmetric, so eigenvalues are real and >= 0.
    values, vectors = np.linalg.eigh(cov_a)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    overlap = np.sqrt(np.clip(np.linalg.eigvalsh(root @ cov_b @ root), 0, None)).sum()
    distance = np.sum((mean_a - mean_b) ** 2) + np.trace(cov_a) + np.trace(cov_b) - 2 * overlap
    return float(max(distance, 0.0))


class PrecisionRecall(NamedTuple):
    """precision: share of generated samples that lie where real ones do; recall: the other way round."""

    precision: float
    recall: float


class ModeCoverage(NamedTuple):
    """modes: how many centres are hit; high_quality_share: of all samples; reverse_kl: in nats."""

    modes: int
    high_quality_share: float
    reverse_kl: float


def nearest_neighbours(queries, references, k=1, skip_self=False):
    """The k nearest references of each query, by Euclidean distance.

    Args:
        queries, references: float arrays (N, F) and (M, F), one row a sample.
        k: int, 1 to M.
        skip_self: bool, leave out the reference of the same index: for neighbours within one set.

    Returns:
        (distances (N, k), indices (N, k)), nearest first.

    Raises:
        CourseError: other shapes, NaN, or k out of range.
    """
    queries, references = _check_rows(queries, "queries"), _check_rows(references, "references")
    if queries.shape[1] != references.shape[1]:
        raise CourseError(
            f"both sets need the same features; received {queries.shape[1]} and {references.shape[1]} columns."
        )
    most = len(references) - skip_self
    k = whole_number(k, "k", 1, most, f"There are {most} references.")
    distances, indices = [], []
    for start, squared in _squared_distances(queries, references):
        part = queries[start : start + len(squared)]
        if skip_self:
            squared[np.arange(len(part)), start + np.arange(len(part))] = np.inf
        chosen = np.argpartition(squared, k - 1, axis=1)[:, :k] if k > 1 else squared.argmin(axis=1)[:, None]
        # the chosen few once more as sums of squared differences: exact, an exact copy is at 0
        exact = np.square(part[:, None] - references[chosen]).sum(axis=2)
        order = np.argsort(exact, axis=1)
        distances.append(np.sqrt(np.take_along_axis(exact, order, axis=1)))
        indices.append(np.take_along_axis(chosen, order, axis=1))
    return np.concatenate(distances), np.concatenate(indices)


def _squared_distances(queries, references, block=500):
    """Yields (first row, squared distances (block, M)), a block of queries at a time: all at once may not fit."""
    centre = references.mean(axis=0)  # small numbers lose fewer digits in |a - b|² = |a|² - 2ab + |b|²
    queries, references = queries - centre, references - centre
    lengths = np.square(references).sum(axis=1)
    for start in range(0, len(queries), block):
        part = queries[start : start + block]
        yield start, np.square(part).sum(axis=1)[:, None] + lengths - 2.0 * part @ references.T


def precision_recall(real, fake, k=3):
    """Precision and recall of generated samples (Kynkäänniemi et al., 2019, eq. 1-3).

    A set's manifold is the union of balls around its samples, each reaching to the sample's k-th neighbour in its own
    set. Precision is the share of fakes inside the real manifold, recall the share of reals inside the fake one.

    Args:
        real, fake: float arrays (N, F) and (M, F), for example the judge's features; more than k rows each.
        k: int; the paper takes 3.

    Returns:
        `PrecisionRecall`, each share in [0, 1]. Compare with that of two real sets, and at equal N and M only.

    Raises:
        CourseError: other shapes, NaN, or k out of range.
    """
    real, fake = _check_rows(real, "real"), _check_rows(fake, "fake")
    return PrecisionRecall(_inside(fake, real, k), _inside(real, fake, k))


def _inside(queries, references, k):
    """The share of queries within the k-th-neighbour ball of at least one reference."""
    radii = nearest_neighbours(references, references, k, skip_self=True)[0][:, -1]
    reach = np.square(radii) * (1 + 1e-9) + 1e-9  # a sample on a ball's edge is inside, rounding or not
    hits = sum((squared <= reach).any(axis=1).sum() for _, squared in _squared_distances(queries, references))
    return float(hits / len(queries))


def copy_share(fake, train, test, quantile=0.01):
    """The share of generated samples that lie as close to a training sample as hardly any unseen real one does.

    "Close" is the `quantile` of the distances of the test samples to their nearest training sample. A generator that
    does not copy has a share of about `quantile`; one that only copies has 1.

    Args:
        fake, train, test: float arrays (N, F), (M, F), (T, F), for example pixels in rows.
        quantile: float in (0, 1).

    Returns:
        (share, threshold): a float in [0, 1], and the distance that counts as close.
    """
    if not isinstance(quantile, float) or not 0.0 < quantile < 1.0:
        raise CourseError(f"quantile must lie between 0 and 1; received {quantile!r}. 0.01 is the default.")
    threshold = float(np.quantile(nearest_neighbours(test, train)[0], quantile))
    return float((nearest_neighbours(fake, train)[0] <= threshold).mean()), threshold


def mode_coverage(samples, centres, sigma):
    """How well samples cover the modes of a mixture (VEEGAN, Srivastava et al., 2017; PacGAN, Lin et al., 2018).

    A sample is of high quality within 3 sigma of a centre; a mode counts when such a sample is nearest to it.

    Args:
        samples: float array (N, 2).
        centres: float array (k, 2), the modes, equally likely.
        sigma: float, the standard deviation of each mode on each axis. Real samples: 98.9 % lie within 3 sigma.

    Returns:
        `ModeCoverage`. reverse_kl is KL(shares of the modes among the high-quality samples, 1/k each), in nats; without
        any such sample log k, the value of total collapse.

    Raises:
        CourseError: other shapes, NaN, or sigma not above 0.
    """
    samples, centres = _check_rows(samples, "samples"), _check_rows(centres, "centres")
    number(sigma, "sigma", above=0)
    distances, nearest = nearest_neighbours(samples, centres)
    good = distances[:, 0] <= 3.0 * sigma
    modes, reverse_kl = coverage_of_counts(np.bincount(nearest[good, 0], minlength=len(centres)))
    return ModeCoverage(modes, float(good.mean()), reverse_kl)


def mode_spread(samples, centres, sigma):
    """Width of the modes that samples draw, in widths of the real ones: 1 is right, below 1 is too narrow.

    The standard deviation of the high-quality samples about the mean of their own mode, all modes and both axes
    together, over that of a Gaussian cut off at 3 sigma, 0.974 sigma. Arguments and errors as in `mode_coverage`.

    Returns:
        float, a ratio; NaN where no mode has two high-quality samples.
    """
    samples, centres = _check_rows(samples, "samples"), _check_rows(centres, "centres")
    number(sigma, "sigma", above=0)
    distances, nearest = nearest_neighbours(samples, centres)
    good = distances[:, 0] <= 3.0 * sigma
    own = [part for mode in range(len(centres)) if len(part := samples[good & (nearest[:, 0] == mode)]) > 1]
    if not own:
        return float("nan")
    squares = sum(((part - part.mean(axis=0)) ** 2).sum() for part in own)
    freedom = sum(2 * (len(part) - 1) for part in own)
    cut = 1 - 4.5 * np.exp(-4.5) / (1 - np.exp(-4.5))  # variance of each axis within 3 sigma, in sigma squared
    return float(np.sqrt(squares / freedom / cut) / sigma)


def coverage_of_counts(counts):
    """(how many are above 0, KL(counts / n, even shares) in nats; log k when nothing was counted), for any shape."""
    counts = np.asarray(counts, dtype=np.float64).ravel()
    if counts.sum() == 0:
        return 0, float(np.log(len(counts)))
    shares = counts[counts > 0] / counts.sum()
    return len(shares), float(max(0.0, np.sum(shares * np.log(shares * len(counts)))))


def stacked_coverage(images):
    """Modes of stacked MNIST: three digits as colour channels make 1,000 classes (Metz et al., 2017; PacGAN).

    Args:
        images: float array (N, 28, 28, 3) in [-1, 1]; the papers take N = 25,600.

    Returns:
        (modes, kl): how many of the 1,000 triples the judge reads at least once, and KL(their shares, 1/1000 each) in
        nats. 25,600 real ones have about 999 / (2 N) = 0.02 from the counting alone.
    """
    return coverage_of_counts(stacked_counts(images))


def stacked_counts(images):
    """How often the judge reads each triple of digits: (N, 28, 28, 3) in [-1, 1] -> int array (10, 10, 10)."""
    images = data.check_scaled(images)
    if images.shape[1:] != (28, 28, 3):
        raise CourseError(f"stacked images have the shape (N, 28, 28, 3); received {images.shape}.")
    labels = [judge().labels(images[..., channel : channel + 1]) for channel in range(3)]
    return np.bincount(100 * labels[0] + 10 * labels[1] + labels[2], minlength=1000).reshape(10, 10, 10)


def _check_rows(x, name):
    """Returns a finite array (N, F) in float64, or says what is wrong with it."""
    x = np.asarray(x)
    if x.ndim != 2 or 0 in x.shape or x.dtype.kind not in "fiu" or not np.isfinite(x).all():
        raise CourseError(
            f"{name} must be a finite array (N, F), one row a sample; received shape {x.shape}, {x.dtype}"
            f"{'' if x.dtype.kind not in 'fc' or np.isfinite(x).all() else ' with NaN or infinity'}. "
            "Images become rows with images.reshape(len(images), -1)."
        )
    return x.astype(np.float64)


def build_judge():
    """The judge 评判网络: a small classifier of digits, (B, 28, 28, 1) in [-1, 1] -> logits (B, 10).

    Chapter 01 builds and trains it. The layer named "features" (B, 64) is where distances are taken.

    Returns:
        `keras.Sequential`, not trained.
    """
    from keras import Sequential, layers

    return Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(32, 5, strides=2, padding="same", activation="relu"),  # (B, 14, 14, 32)
            layers.Conv2D(64, 3, padding="same", activation="relu"),  # (B, 14, 14, 64)
            layers.Conv2D(64, 3, strides=2, padding="same", activation="relu"),  # (B, 7, 7, 64)
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(FEATURES, activation="relu", name="features"),
            layers.Dense(10),
        ],
        name="judge",
    )


class Judge:
    """The frozen digit network whose opinion every score of the course states.

    Attributes:
        sha256: str, of the shipped weights.
        accuracy: float, share of the 10,000 test images that it reads as labelled.
    """

    def __init__(self):
        import keras

        path = data.asset("judge.weights.h5")
        self.sha256 = data.shipped_files()[path.name]
        network = build_judge()
        try:
            network.load_weights(path)
        except Exception as error:  # the file is as shipped: the machine, or a Keras that reads it otherwise
            raise unreadable(path, error) or CourseError(
                f"Keras {keras.__version__} does not read {path} ({type(error).__name__}), which is as shipped. "
                "Run `python -m aigc_course doctor`."
            ) from error
        hidden = network.get_layer("features").output
        self.network = keras.Model(network.inputs[0], [hidden, network.outputs[0]])
        _, (x_test, y_test) = data.load_mnist()
        self.test_features, logits = self.read(data.scale(x_test))
        self.accuracy = float((logits.argmax(axis=1) == y_test).mean())
        self.test_moments = moments(self.test_features)
        self._real_features = np.empty((0, FEATURES), np.float32)  # of training images in random order, as far as read

    def read(self, images):
        """Features (N, 64) and logits (N, 10) of float images (N, 28, 28, 1) in [-1, 1]."""
        images = data.check_scaled(images)
        if images.shape[1:] != (28, 28, 1):
            raise CourseError(f"the judge reads images (N, 28, 28, 1); received {images.shape}.")
        parts = [self.network(images[i : i + 1000], training=False) for i in range(0, len(images), 1000)]
        features, logits = zip(*parts, strict=True)
        return np.concatenate(features), np.concatenate(logits)

    def labels(self, images):
        """The digit that the judge reads in each image: int array (N,)."""
        return self.read(images)[1].argmax(axis=1)

    def class_shares(self, images):
        """The share of each digit 0..9 among the images, as the judge reads them: float array (10,)."""
        return np.bincount(self.labels(images), minlength=10) / len(images)

    @functools.cache  # noqa: B019  (there is one judge, for the life of the process)
    def floor(self, n):
        """What honest real images score: `Floor` of n training images against the 10,000 test images.

        Up to eight draws that share no image. n is at most 60,000; for a larger sample the floor of 60,000 stands.
        A score far below it is no success: it says that the images are nearer to these test images than others by
        the same writers are.
        """
        n = min(n, 60_000)
        draws = min(8, 60_000 // n)
        features = self._features_of_real(draws * n).reshape(draws, n, -1)
        found = np.array([frechet_of_moments(*moments(part), *self.test_moments) for part in features])
        return Floor(float(found.mean()), float(found.std(ddof=1)) if draws > 1 else math.nan, draws)

    def _features_of_real(self, count):
        """Features (count, 64) of training images in an order that is always the same; each is read once."""
        start = len(self._real_features)
        if count > start:
            (x_train, _), _ = data.load_mnist()
            order = np.random.default_rng(0).permutation(len(x_train))[start:count]
            self._real_features = np.concatenate([self._real_features, self.read(data.scale(x_train[order]))[0]])
        return self._real_features[:count]

    def distance(self, images):
        """`JudgeScore` of float images (N, 28, 28, 1) in [-1, 1], N >= 2."""
        features, _ = self.read(images)
        value = frechet_of_moments(*moments(features), *self.test_moments)
        return JudgeScore(value, n=len(images), floor=self.floor(len(images)), judge=self)

    def __repr__(self):
        return f"judge {self.sha256[:8]}, reads {self.accuracy:.2%} of the 10,000 test images as labelled"


class Floor(NamedTuple):
    """Judge distances of real images to real images.

    Attributes:
        mean: float.
        spread: float, standard deviation of one draw; NaN where there is but one.
        draws: int.
    """

    mean: float
    spread: float
    draws: int

    def __str__(self):
        spread = f" ± {self.spread:.2f}" if self.draws > 1 else ""
        return f"{self.mean:.2f}{spread} ({self.draws} draw{'s' * (self.draws > 1)})"


class JudgeScore(float):
    """A Fréchet distance that states what it rests on: n, what real images score, the judge and its accuracy."""

    def __new__(cls, value, n, floor, judge):
        score = super().__new__(cls, value)
        score.n, score.floor, score.judge_sha256, score.accuracy = n, floor, judge.sha256, judge.accuracy
        return score

    def __repr__(self):
        return (
            f"judge distance {float(self):.2f} (n = {self.n:,} against 10,000 test images; real against real "
            f"{self.floor}; judge {self.judge_sha256[:8]}, {self.accuracy:.2%} on the test set)"
        )

    __str__ = __repr__

    def as_dict(self):
        """The same as a dict of plain values, for JSON."""
        return {
            "judge_distance": float(self),
            "n": self.n,
            "floor": self.floor.mean,
            "floor_spread": self.floor.spread if self.floor.draws > 1 else None,
            "floor_draws": self.floor.draws,
            "judge_sha256": self.judge_sha256,
            "judge_accuracy": self.accuracy,
        }


@functools.cache
def judge():
    """The frozen MNIST judge, loaded once per process."""
    return Judge()


def judge_distance(images, verbose=True):
    """Squared Fréchet distance of images to the 10,000 MNIST test images, in the judge's features.

    Distances of different judges, or at different n, cannot be compared (chapter 05).

    Args:
        images: float array (N, 28, 28, 1) in [-1, 1].
        verbose: bool, print the score with the judge's hash, accuracy, n and floor.

    Returns:
        `JudgeScore`, a float.
    """
    score = judge().distance(images)
    if verbose:
        print(score)
    return score
