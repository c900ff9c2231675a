"""Is it any good? The judge network, the Fréchet distance, and scores that say what they rest on."""

import functools

import numpy as np

from aigc_course import data
from aigc_course.runtime import CourseError

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
        self.sha256 = data.checksums()[path.name]
        network = build_judge()
        network.load_weights(path)
        hidden = network.get_layer("features").output
        self.network = keras.Model(network.inputs[0], [hidden, network.outputs[0]])
        _, (x_test, y_test) = data.load_mnist()
        self.test_features, logits = self.read(data.scale(x_test))
        self.accuracy = float((logits.argmax(axis=1) == y_test).mean())
        self.test_moments = moments(self.test_features)

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
        """The distance of n real training images to the 10,000 test images: no generator can be asked for less.

        n is at most 60,000; for a larger sample the floor of 60,000 stands.
        """
        (x_train, _), _ = data.load_mnist()
        chosen = np.random.default_rng(0).permutation(len(x_train))[:n]
        features, _ = self.read(data.scale(x_train[chosen]))
        return frechet_of_moments(*moments(features), *self.test_moments)

    def distance(self, images):
        """`JudgeScore` of float images (N, 28, 28, 1) in [-1, 1], N >= 2."""
        features, _ = self.read(images)
        value = frechet_of_moments(*moments(features), *self.test_moments)
        return JudgeScore(value, n=len(images), floor=self.floor(len(images)), judge=self)

    def __repr__(self):
        return f"judge {self.sha256[:8]}, reads {self.accuracy:.2%} of the 10,000 test images as labelled"


class JudgeScore(float):
    """A Fréchet distance that states what it rests on: n, the real-against-real floor, the judge and its accuracy."""

    def __new__(cls, value, n, floor, judge):
        score = super().__new__(cls, value)
        score.n, score.floor, score.judge_sha256, score.accuracy = n, floor, judge.sha256, judge.accuracy
        return score

    def __repr__(self):
        return (
            f"judge distance {float(self):.2f} (n = {self.n:,} against 10,000 test images; real against real "
            f"{self.floor:.2f}; judge {self.judge_sha256[:8]}, {self.accuracy:.2%} on the test set)"
        )

    __str__ = __repr__

    def as_dict(self):
        """The same as a dict of plain values, for JSON."""
        return {
            "judge_distance": float(self),
            "n": self.n,
            "floor": self.floor,
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
