"""Exercises of chapter 01: learning from data."""

import numpy as np

from aigc_course import data
from aigc_course.checks.exercise import Exercise

__all__ = ["EXERCISES"]

# Ten draws each: the ink alone reaches 0.19, every 13th pixel 0.65, sums of rows and columns 0.71, block means 0.79
# to 0.84, roots of 64 block means up to 0.87; block means with bays and holes 0.88 to 0.90, directions of edges 0.91
# to 0.95.
_FEATURES_MOST, _FEATURES_BAR = 64, 0.86


def _label_cases(rng):
    """Pairs (labels, predictions), digits of unequal frequency, some in no image: two of one length, extremes too."""
    cases = []
    sizes = rng.integers(60, 120, 3)
    for n in (*sizes, sizes[0]):
        there = rng.permutation(10)[: rng.integers(5, 9)]
        labels = rng.permutation([*there, *rng.choice(there, n - len(there), p=rng.dirichlet(np.ones(len(there))))])
        hard = rng.uniform(0.05, 0.7, 10)[labels]  # some digits are misread more often than others
        predictions = np.where(rng.random(n) < hard, (labels + rng.integers(1, 10, n)) % 10, labels)
        cases.append((labels, predictions))
    labels = rng.integers(0, 10, rng.integers(5, 15))
    cases.append((labels, (labels + rng.integers(1, 10, len(labels))) % 10))
    return [*cases, (cases[0][0], cases[0][0].copy()), (labels[:1], (labels[:1] + rng.integers(1, 10)) % 10)]


def _rates(labels, predictions, groups=None):
    """The error rate within each group of images; the groups are the digits that some image shows."""
    groups = labels if groups is None else groups
    return np.array([(labels != predictions)[groups == digit].mean() for digit in np.unique(groups)])


def _judge_missing_digits(cases, values):
    """NaN where a digit is in no image, and right elsewhere."""
    for (labels, predictions), (got,) in zip(cases, values, strict=True):
        everywhere = len(np.unique(labels)) == 10
        if got.size != 1 or np.isnan(got).any() == everywhere:
            return None
        if everywhere and not np.allclose(got, _rates(labels, predictions).mean(), rtol=1e-4, atol=1e-6):
            return None
    return "a digit that no image shows gives 0 / 0, NaN: leave it out of the mean."


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
    if accuracy >= _FEATURES_BAR:
        return None
    advice = _seen_in_features(train_case[0], train, accuracy)
    return (
        f"a linear reader with your features reads {accuracy:.0%} of 1,000 unseen digits; {_FEATURES_BAR:.0%} is asked "
        f"for. {advice or next(words for bound, words in _ADVICE if accuracy < bound)}"
    )


def _seen_in_features(images, found, accuracy):
    """Advice that the features themselves give rise to, whatever was read with them; None where they do not."""
    if found.shape[1] == 1:
        return "One feature cannot tell ten digits apart: return many, each of another place or direction."
    still = (found == np.median(found, axis=0)).mean(axis=0) > 0.95
    if still.mean() > 0.5:
        return (
            f"{still.sum()} of your {len(still)} features have one value in nearly every image, as the rim has, where "
            "no digit leaves ink: take features from all of the middle."
        )
    if accuracy < _ADVICE[1][0]:
        return None
    reach = _pixels_in_sums(images, found)
    if reach is None:
        return None
    if reach > 0.4:
        return (
            "Each of your features is a weighted sum over most of the image, a projection, and weighted sums end here: "
            "the linear reader takes them anyway. Compute what no sum of pixels gives, such as sizes of differences."
        )
    return (
        "Amounts of ink in small squares end here. Add what an amount does not know: which way a stroke runs, where "
        "paper is enclosed."
    )


def _pixels_in_sums(images, found):
    """The mean share of pixels in a feature, if all features are weighted sums of pixels and a constant; else None."""
    pixels = images.reshape(len(images), -1) / 255
    pixels = pixels[:, pixels.any(axis=0)]
    inputs, wanted = np.c_[pixels, np.ones(len(pixels))], found - found.mean(axis=0)
    weights = np.linalg.lstsq(inputs, wanted, rcond=1e-9)[0]
    if np.abs(inputs @ weights - wanted).max() > 1e-3 * wanted.std():
        return None
    sizes = np.abs(weights[:-1])
    return float((sizes > 0.01 * sizes.max(axis=0)).mean())


_ADVICE = (
    (
        0.45,
        "Where in the image is the ink? (Bytes wrap around at 256: make floats. What you fit must not be fitted on "
        "whichever batch comes first.)",
    ),
    (
        0.75,
        "Much of the image is not seen: picked pixels miss the strokes between them, and sums over whole rows or "
        "large squares forget where in them the ink is.",
    ),
    (
        1.0,
        "The features know much of where the ink is. Add what amounts of ink do not know: which way a stroke runs, "
        "where paper is enclosed.",
    ),
)


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
        title="Every digit counts the same",
        points=1,
        checked="the mean of the digits' own error rates on seven sets of labels, with digits that no image shows",
        cases=_label_cases,
        expected=lambda y, p: _rates(y, p).mean(),
        special=_judge_missing_digits,
        look="chapter 01, «The mistakes of the judge»",
        onward="first the error rate of one digit: among the images whose label it is. Then the mean over digits.",
        hints=(
            (
                "that is the share among all images: a frequent digit counts more. Average the digits' own rates.",
                lambda y, p: (y != p).mean(),
            ),
            (
                "that is the mean share of right answers. The error rate is 1 minus that.",
                lambda y, p: 1 - _rates(y, p).mean(),
            ),
            (
                "you divided by ten. A digit that no image shows has no error rate: average over those that occur.",
                lambda y, p: _rates(y, p).sum() / 10,
            ),
            (
                "you grouped the images by what was read. The rate of a digit is taken where it is the label.",
                lambda y, p: _rates(y, p, groups=p).mean(),
            ),
            ("that is the sum of the digits' rates. Their mean was asked for.", lambda y, p: _rates(y, p).sum()),
            ("that is in percent. A share lies between 0 and 1.", lambda y, p: 100 * _rates(y, p).mean()),
            ("that is the worst digit's rate. The mean over digits was asked for.", lambda y, p: _rates(y, p).max()),
            ("one rate for each digit came. Return their mean.", _rates),
            (
                "that is the mean number of mistakes of a digit: divide each by how often the digit occurs.",
                lambda y, p: (y != p).sum() / len(np.unique(y)),
            ),
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
        look="chapter 01, «Rule against learner» for the weighted sum, «Discriminative against generative» for a ridge "
        "on the diagonal; the squares, and the gradient set to 0, are new in this exercise",
        onward="the gradient of |x w - y|² is 2 xᵀ(x w - y). Add that of the penalty, set the sum to 0, and collect "
        "what multiplies w on one side.",
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
        look="chapter 01, «Discriminative against generative»",
        onward="write log p of one number from a normal variable with its mean and variance. Independent features "
        "multiply, so their logarithms add up along a row.",
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
        look="chapter 01, «Rule against learner»",
        onward="differences of neighbouring pixels say where an edge is and which way it runs. Add up their sizes in "
        "squares of the image, apart for a few directions.",
        restart=lambda cases: [1, 7],
    ),
)
