"""What a conditional generator is worth: right class, width within it, what can be learnt from it, distance, copies."""

from typing import NamedTuple

import keras
import numpy as np
from keras import layers

from aigc_course import data, files, metrics
from aigc_course.errors import CourseError

__all__ = [
    "ClassScores",
    "FashionJudge",
    "agreement",
    "build_classifier",
    "class_distances",
    "class_spreads",
    "classification_accuracy_score",
    "score_classes",
    "train_classifier",
]


def build_classifier(width=32):
    """A small classifier of 28 × 28 pictures, (B, 28, 28, 1) in [-1, 1] -> logits (B, 10).

    Args:
        width: int, filters of the first convolution; 32 is the judge's own size.
    """
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(width, 5, strides=2, padding="same", activation="relu"),  # (B, 14, 14, width)
            layers.Conv2D(2 * width, 3, padding="same", activation="relu"),
            layers.Conv2D(2 * width, 3, strides=2, padding="same", activation="relu"),  # (B, 7, 7, 2 width)
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(metrics.FEATURES, activation="relu", name="features"),
            layers.Dense(10),
        ],
        name="classifier",
    )


def train_classifier(images, labels, epochs=12, batch_size=64, seed=7, width=32, flip=True):
    """A trained `build_classifier`; the rate falls to 0 along half a cosine.

    Args:
        images: float32 (N, 28, 28, 1) in [-1, 1].
        labels: ints (N,).
        flip: bool, mirror half the pictures of each batch: clothes have no left and right.

    Returns:
        `keras.Sequential`.
    """
    images, labels = data.check_scaled(images), np.asarray(labels)
    if labels.shape != (len(images),):
        raise CourseError(f"labels must be one for each of the {len(images)} images; received {labels.shape}.")
    keras.utils.set_random_seed(seed)
    network = build_classifier(width)
    rng = np.random.default_rng(seed)
    rate = keras.optimizers.schedules.CosineDecay(2e-3, epochs * max(1, len(images) // batch_size))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adam(rate), loss, jit_compile=False)
    for _ in range(epochs):
        mirrored = rng.random(len(images)) < (0.5 if flip else 0.0)
        seen = np.where(mirrored[:, None, None, None], images[:, :, ::-1], images)
        network.fit(seen, labels, batch_size, epochs=1, verbose=0)
    return network


def _logits(network, images):
    return np.concatenate([network(images[i : i + 1000], training=False) for i in range(0, len(images), 1000)])


class FashionJudge:
    """The frozen network that reads clothes: trained on the 60,000 real training pictures, never on generated ones.

    Attributes:
        facts: dict, of its training: its accuracy on the 10,000 test pictures among them.
        sha256: str, of the shipped weights.
    """

    def __init__(self, path=None):
        path = data.asset("fashion_judge.npz") if path is None else path

        def build(header, weights):
            network = build_classifier(header["width"])
            network.set_weights(files.in_order(weights))
            return network, header["facts"]

        network, self.facts = files.load_network(path, build, "a judge of clothes")
        self.sha256 = data.sha256(path)
        self.network = keras.Model(network.inputs[0], [network.get_layer("features").output, network.outputs[0]])

    def read(self, images):
        """Features (N, 64) and logits (N, 10) of float images (N, 28, 28, 1) in [-1, 1]."""
        images = data.check_scaled(images)
        parts = [self.network(images[i : i + 1000], training=False) for i in range(0, len(images), 1000)]
        features, logits = zip(*parts, strict=True)
        return np.concatenate(features), np.concatenate(logits)

    def labels(self, images):
        """The class that the judge reads in each picture: int array (N,)."""
        return self.read(images)[1].argmax(axis=1)


def agreement(read, labels):
    """The share of pictures that are read as the class that was asked for: (N,), (N,) -> float."""
    return float((np.asarray(read) == np.asarray(labels)).mean())


def class_spreads(rows, labels, real_rows, real_labels):
    """Spread within each class, as a share of the real one's.

    The root mean squared distance between two pictures of a class, √(2 · sum of the variances), over the same of real
    pictures. 1 is right; ten stored pictures score 0; fewer kinds, or blurred ones, score below 1.

    Args:
        rows, real_rows: float arrays (N, F) and (M, F), pixels in rows; two of each class at least.
        labels, real_labels: ints (N,) and (M,).

    Returns:
        float array (K,), a ratio for each class of `real_labels`, in order.
    """

    def spread(some, own, one):
        return np.sqrt(2 * np.var(some[own == one], axis=0, ddof=1).sum())

    rows, real_rows = (np.asarray(part, np.float64) for part in (rows, real_rows))
    labels, real_labels = np.asarray(labels), np.asarray(real_labels)
    classes = np.unique(real_labels)
    short = [int(one) for one in classes if min((labels == one).sum(), (real_labels == one).sum()) < 2]
    if short:
        raise CourseError(f"each class needs two pictures at least, generated and real; there are fewer of {short}.")
    return np.array([spread(rows, labels, one) / spread(real_rows, real_labels, one) for one in classes])


def class_distances(features, labels, real_features, real_labels):
    """The Fréchet distance of each class to the same class of real pictures (Benny et al., 2021): float array (K,).

    A distance over all classes does not see two classes exchanged; these do. Few pictures make it too large (chapter
    05): compare with real pictures in the same number.
    """
    labels, real_labels = np.asarray(labels), np.asarray(real_labels)
    return np.array(
        [
            metrics.frechet_distance(features[labels == one], real_features[real_labels == one])
            for one in np.unique(real_labels)
        ]
    )


def classification_accuracy_score(images, labels, real_images, real_labels, **options):
    """Accuracy on real pictures of a classifier that learnt from the given ones alone (CAS, Ravuri & Vinyals, 2019).

    Args:
        images, labels: what it learns from: float32 (N, 28, 28, 1) in [-1, 1], ints (N,).
        real_images, real_labels: what it is tested on.
        options: see `train_classifier`.

    Returns:
        float in [0, 1]. Compare with as many real pictures to learn from.
    """
    network = train_classifier(images, labels, **options)
    return agreement(_logits(network, data.check_scaled(real_images)).argmax(axis=1), real_labels)


class ClassScores(NamedTuple):
    """agreement; smallest and mean spread ratio; classification accuracy score; mean class distance; copies."""

    agreement: float
    least_spread: float
    mean_spread: float
    accuracy_score: float
    class_distance: float
    copies: float


def score_classes(judge, images, labels, train, test, seed=7, epochs=12):
    """All scores of a set of pictures with the classes that were asked for.

    Args:
        judge: with `read(images) -> (features, logits)`.
        images, labels: float32 (N, 28, 28, 1) in [-1, 1], ints (N,).
        train, test: (images, labels) of real pictures, uint8: what copies are searched in, and what is compared with.

    Returns:
        `ClassScores`.
    """
    (x_train, _), (x_test, y_test) = train, test
    real = data.scale(x_test)
    features, logits = judge.read(images)
    rows, real_rows, train_rows = (part.reshape(len(part), -1) for part in (images, real, data.scale(x_train)))
    spreads = class_spreads(rows, labels, real_rows, y_test)
    return ClassScores(
        agreement(logits.argmax(axis=1), labels),
        float(spreads.min()),
        float(spreads.mean()),
        classification_accuracy_score(images, labels, real, y_test, seed=seed, epochs=epochs),
        float(class_distances(features, labels, judge.read(real)[0], y_test).mean()),
        metrics.copy_share(rows, train_rows, real_rows)[0],
    )
