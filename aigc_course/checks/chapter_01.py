"""Exercises of chapter 01: learning from data."""

import numpy as np

from aigc_course import data
from aigc_course.checks.exercise import Exercise

__all__ = ["EXERCISES"]

_FEATURES_MOST, _FEATURES_BAR = 64, 0.60  # sums of rows and columns reach 0.7, 49 block means 0.8, the ink alone 0.2


def _label_cases(rng):
    """Pairs (labels, predictions): two of one length, one all wrong, one without any mistake, one of a single image."""
    cases = []
    sizes = rng.integers(20, 70, 3)
    for n in (*sizes, sizes[0]):
        labels = rng.integers(0, 10, n)
        wrong = rng.permutation(n)[: rng.integers(3, n // 2)]
        predictions = labels.copy()
        predictions[wrong] = (labels[wrong] + rng.integers(1, 10, len(wrong))) % 10
        cases.append((labels, predictions))
    labels = rng.integers(0, 10, rng.integers(5, 15))
    cases.append((labels, (labels + rng.integers(1, 10, len(labels))) % 10))
    return [*cases, (cases[0][0], cases[0][0].copy()), (labels[:1], (labels[:1] + rng.integers(1, 10)) % 10)]


def _ridge_cases(rng):
    """(x (N, F), y (N,), ridge) with ridges that matter, two of one shape, a small ridge and a large one."""
    sizes = ((12, 3), (9, 5), (4, 4), (20, 2), (9, 5), (5, 1), (5, 6))
    ridges = (*rng.uniform(1.5, 6.0, 5), rng.uniform(0.1, 0.5), rng.uniform(10, 40))
    return [
        (rng.standard_normal(size), rng.standard_normal(size[0]), float(ridge))
        for size, ridge in zip(sizes, rng.permutation(ridges), strict=True)
    ]


def _ridge_solution(x, y, weight):
    return np.linalg.solve(x.T @ x + weight * np.eye(x.shape[1]), x.T @ y)


def _density_cases(rng):
    """(x (N, F), mean (F,), variance (F,)), two of one shape, one point, one feature."""
    return [
        (rng.standard_normal((n, f)), rng.standard_normal(f), rng.uniform(0.2, 3.0, f))
        for n, f in ((5, 3), (8, 2), (4, 6), (5, 3), (1, 4), (7, 1))
    ]


def _log_density(x, mean, variance):
    return -0.5 * (np.log(2 * np.pi * variance) + (x - mean) ** 2 / variance).sum(axis=1)


class _Labelled(tuple):
    """A case that knows its labels: the function gets the arrays in it, and nothing else travels to the sandbox."""

    labels = None


def _altered(images, rng):
    """Digits that are in no file: moved by a part of a pixel, darker, with a little noise; a reader hardly minds."""
    n = len(images)
    share, brightness = rng.uniform(0.1, 0.4, (n, 1, 1)), rng.uniform(0.8, 1.0, (n, 1, 1))
    neighbours = np.stack([np.roll(images, step, axis=(1, 2)) for step in ((0, 1), (0, -1), (1, 0), (-1, 0))])
    moved = neighbours[rng.integers(4, size=n), np.arange(n)]
    found = brightness * ((1 - share) * images + share * moved)
    return np.clip(found + rng.integers(-6, 7, found.shape) * (found > 40), 0, 255).astype(np.uint8)


def _corners(n, rng):
    """Images with ink where digits have none: what is fitted on them reads nothing."""
    images = np.zeros((n, 28, 28), np.uint8)
    for top, left in ((0, 0), (0, 24), (24, 0), (24, 24)):
        images[:, top : top + 4, left : left + 4] = rng.integers(0, 256, (n, 4, 4))
    return images


def _feature_cases(rng):
    """Corners first, then some test images, one of them alone, two blank ones, training images, and all test images.

    What is fitted on the batch that comes first is fitted on corners; what is fitted later is not there for the first
    test images. The last cases are the test images once more, and half of them in another order.
    """
    (x_train, y_train), (x_test, y_test) = data.load_mnist()
    chosen, unseen = rng.permutation(len(x_train))[:3000], rng.permutation(len(x_test))[:1000]
    train, test = _Labelled([_altered(x_train[chosen], rng)]), _Labelled([_altered(x_test[unseen], rng)])
    train.labels, test.labels = y_train[chosen], y_test[unseen]
    blank = np.stack([np.zeros((28, 28), np.uint8), np.full((28, 28), 255, np.uint8)])
    turned = np.ascontiguousarray(test[0][::-1][: rng.integers(400, 600)])
    return [(_corners(3000, rng),), (test[0][:20],), (test[0][7:8],), (blank,), train, test, tuple(test), (turned,)]


def _judge_features(cases, values):
    """A few properties, then the accuracy of a linear reader on images that it has not seen."""
    for (images,), (got,) in zip(cases, values, strict=True):
        if got.ndim != 2 or len(got) != len(images):
            return (
                f"{len(images)} images must give features ({len(images)}, F), one row an image; shape {got.shape} came."
            )
        if got.shape[1] > _FEATURES_MOST:
            return f"{got.shape[1]} features are more than {_FEATURES_MOST}: those are pixels, not features."
        if got.shape[1] != values[0][0].shape[1]:
            return (
                f"{len(images)} images gave {got.shape[1]} features, {len(cases[0][0])} others gave "
                f"{values[0][0].shape[1]}: each image must have the same number, alone or among others."
            )
    _, some, alone, blank, train, test, again, turned = (parts[0] for parts in values)
    if not np.isfinite(blank).all():
        return "an empty or a full image gives NaN or infinity: your code divides by its ink, or by its spread."
    if not all(np.isfinite(part[0]).all() for part in values):
        return "some features are NaN or infinite."
    if not np.allclose(test, again):
        return "the same images gave other features the second time: a feature must not be random."
    parts = (test[::-1][: len(turned)], turned), (test[:20], some), (test[7:8], alone)
    if not all(np.allclose(a, b, rtol=1e-4, atol=1e-4) for a, b in parts):
        return (
            "an image's features change with the other images in the batch, or with what was called before. One "
            "image alone must have features too: do not use means, ranks or a fit over the batch."
        )
    if (train.std(axis=0) < 1e-9).all():
        return "every image has the same features: nothing can be read from them."
    return _judge_accuracy(cases[4], train, cases[5], test)


def _judge_accuracy(train_case, train, test_case, test):
    """The last of the properties: how many digits a linear reader reads."""
    train, test = (part.astype(float) for part in (train, test))
    accuracy = _linear_reader(train, train_case.labels, test, test_case.labels)
    if accuracy < _FEATURES_BAR:
        return (
            f"a linear reader with your features reads {accuracy:.0%} of 1,000 unseen digits; {_FEATURES_BAR:.0%} "
            "is asked for. Where in the image is the ink? (Bytes wrap around at 256: make floats. What you fit "
            "must not be fitted on whichever batch comes first.)"
        )
    return None


def _linear_reader(x_train, y_train, x_test, y_test):
    """Accuracy of least squares on one-hot labels, with a small ridge."""
    centre, scale = x_train.mean(axis=0), x_train.std(axis=0) + 1e-9
    x_train, x_test = (np.c_[(x - centre) / scale, np.ones(len(x))] for x in (x_train, x_test))
    weights = _ridge_solution(x_train, np.eye(10)[y_train], 1.0)
    return float(((x_test @ weights).argmax(axis=1) == y_test).mean())


EXERCISES = (
    Exercise(
        key="01.1",
        function="error_rate",
        title="How often is it wrong",
        points=1,
        checked="the share of mistakes on seven sets of labels, one without mistakes, one all wrong",
        cases=_label_cases,
        expected=lambda labels, predictions: (labels != predictions).mean(),
        hints=(
            (
                "that is the share of right answers, the accuracy. The error rate is 1 minus that.",
                lambda y, p: (y == p).mean(),
            ),
            (
                "that is the number of mistakes. The rate divides it by the number of predictions.",
                lambda y, p: (y != p).sum(),
            ),
            ("that is in percent. A share lies between 0 and 1.", lambda y, p: 100 * (y != p).mean()),
            (
                "you averaged |label - prediction|. Digits are names: taking 9 for 1 is one mistake, not eight.",
                lambda y, p: np.abs(y - p).mean(),
            ),
            (
                "you averaged label - prediction. Digits are names, and here mistakes even cancel.",
                lambda y, p: (y - p).mean(),
            ),
            ("you counted one entry for each image, not their mean: average over the images.", lambda y, p: y != p),
        ),
    ),
    Exercise(
        key="01.2",
        function="ridge_weights",
        title="A linear learner in one line",
        points=2,
        checked="the weights on seven sets, one with as many examples as features, one with fewer",
        cases=_ridge_cases,
        expected=_ridge_solution,
        hints=(
            ("that is plain least squares: the ridge is missing.", lambda x, y, r: np.linalg.pinv(x) @ y),
            (
                "the ridge has the wrong sign: the penalty is added to what is minimised.",
                lambda x, y, r: _ridge_solution(x, y, -r),
            ),
            (
                "the ridge is multiplied by the number of examples. That suits a mean of squares; ours is their sum.",
                lambda x, y, r: _ridge_solution(x, y, r * len(x)),
            ),
            (
                "those are the predictions x w. The weights w were asked for.",
                lambda x, y, r: x @ _ridge_solution(x, y, r),
            ),
            (
                "those are the dual weights, one for each example: (x xᵀ + ridge I)⁻¹ y. Multiply by xᵀ.",
                lambda x, y, r: np.linalg.solve(x @ x.T + r * np.eye(len(x)), y),
            ),
            (
                "the ridge was added to every entry of xᵀx; it belongs on the diagonal only.",
                lambda x, y, r: np.linalg.solve(x.T @ x + r, x.T @ y),
            ),
            (
                "the ridge is halved: the 2 in its slope, 2 · ridge · w, cancels with the 2 in that of the squares.",
                lambda x, y, r: _ridge_solution(x, y, r / 2),
            ),
            ("the ridge is squared: it stands in the penalty as it is.", lambda x, y, r: _ridge_solution(x, y, r * r)),
        ),
    ),
    Exercise(
        key="01.3",
        function="log_density",
        title="A Gaussian that reads",
        points=2,
        checked="the logarithm of the density on six sets of points",
        cases=_density_cases,
        expected=_log_density,
        hints=(
            (
                "log(2 π variance) is missing: without it a wide Gaussian wins everywhere.",
                lambda x, m, v: -0.5 * ((x - m) ** 2 / v).sum(1),
            ),
            ("the factor ½ is missing.", lambda x, m, v: -(np.log(2 * np.pi * v) + (x - m) ** 2 / v).sum(1)),
            (
                "½ belongs to both terms: log √(2 π variance) is half of log(2 π variance).",
                lambda x, m, v: -(np.log(2 * np.pi * v) + 0.5 * (x - m) ** 2 / v).sum(1),
            ),
            (
                "½ belongs to both terms: the square is divided by 2 · variance too.",
                lambda x, m, v: -(0.5 * np.log(2 * np.pi * v) + (x - m) ** 2 / v).sum(1),
            ),
            (
                "2 π is missing. To compare digits constants may go, as in chapter 01; here the density is asked for.",
                lambda x, m, v: -0.5 * (np.log(v) + (x - m) ** 2 / v).sum(1),
            ),
            (
                "2 π was counted once, not once for each feature.",
                lambda x, m, v: -0.5 * (np.log(2 * np.pi) + (np.log(v) + (x - m) ** 2 / v).sum(1)),
            ),
            (
                "the sign: far from the mean a density is small, and its logarithm is negative.",
                lambda x, m, v: -_log_density(x, m, v),
            ),
            (
                "you took the variance for the standard deviation and squared it.",
                lambda x, m, v: _log_density(x, m, v * v),
            ),
            (
                "you averaged over the features. Independent features multiply; their logarithms add up.",
                lambda x, m, v: _log_density(x, m, v) / x.shape[1],
            ),
            (
                "that is the density. Its logarithm was asked for: 784 small factors would round to 0.",
                lambda x, m, v: np.exp(_log_density(x, m, v)),
            ),
            (
                "you added up over the points (axis 0). Each has its own density: add up over the features (axis 1).",
                lambda x, m, v: -0.5 * (np.log(2 * np.pi * v) + (x - m) ** 2 / v).sum(0),
            ),
            (
                "you added up over everything. One number for each point was asked for.",
                lambda x, m, v: _log_density(x, m, v).sum(),
            ),
        ),
    ),
    Exercise(
        key="01.4",
        function="features",
        title="Invent features",
        points=3,
        checked=f"at most {_FEATURES_MOST} features, each image by itself, and a linear reader that reads at least "
        f"{_FEATURES_BAR:.0%} of 1,000 unseen digits",
        cases=_feature_cases,
        judge=_judge_features,
        restart=lambda cases: [1, 7],
    ),
)
