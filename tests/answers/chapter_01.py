"""Answers to the exercises of chapter 01."""

import numpy as np
import tensorflow as tf

from answers import right, wrong


@right("01.1")
def error_rate(labels, predictions):
    rates = []
    for digit in range(10):
        read = [prediction for label, prediction in zip(labels, predictions, strict=True) if label == digit]
        if read:
            rates.append(sum(prediction != digit for prediction in read) / len(read))
    return sum(rates) / len(rates)


@right("01.1")
def error_rate(labels, predictions):
    wrong = tf.cast(tf.not_equal(labels, predictions), tf.float32)
    number = tf.math.unsorted_segment_sum(tf.ones_like(wrong), labels, 10)
    mistakes = tf.math.unsorted_segment_sum(wrong, labels, 10)
    return tf.reduce_mean(tf.boolean_mask(mistakes, number > 0) / tf.boolean_mask(number, number > 0))


@right("01.1")
def error_rate(labels, predictions):
    number = np.bincount(labels, minlength=10)
    weights = 1.0 / (np.count_nonzero(number) * number[labels])  # each digit has the same weight in all
    return weights @ (labels != predictions)


@wrong("01.1", "a frequent digit counts more")
def error_rate(labels, predictions):
    return np.mean(labels != predictions)


@wrong("01.1", "share of right answers")
def error_rate(labels, predictions):
    return np.mean([np.mean(predictions[labels == digit] == digit) for digit in np.unique(labels)])


@wrong("01.1", "you divided by ten")
def error_rate(labels, predictions):
    rates = [np.mean(predictions[labels == d] != d) if np.any(labels == d) else 0.0 for d in range(10)]
    return np.mean(rates)


@wrong("01.1", "gives 0 / 0")
def error_rate(labels, predictions):
    mistakes = np.bincount(labels[labels != predictions], minlength=10)
    return np.mean(mistakes / np.bincount(labels, minlength=10))


@wrong("01.1", "by what was read")
def error_rate(labels, predictions):
    return np.mean([np.mean(labels[predictions == digit] != digit) for digit in np.unique(predictions)])


@wrong("01.1", "the sum of the digits")
def error_rate(labels, predictions):
    return sum(np.mean(predictions[labels == digit] != digit) for digit in np.unique(labels))


@wrong("01.1", "in percent")
def error_rate(labels, predictions):
    return 100 * np.mean([np.mean(predictions[labels == digit] != digit) for digit in np.unique(labels)])


@wrong("01.1", "the worst digit")
def error_rate(labels, predictions):
    return max(np.mean(predictions[labels == digit] != digit) for digit in np.unique(labels))


@wrong("01.1", "one rate for each digit")
def error_rate(labels, predictions):
    return [np.mean(predictions[labels == digit] != digit) for digit in np.unique(labels)]


@wrong("01.1", "mean number of mistakes")
def error_rate(labels, predictions):
    return np.mean([np.sum(predictions[labels == digit] != digit) for digit in np.unique(labels)])


@wrong("01.1", "every case gave the same answer")
def error_rate(labels, predictions):
    return 0.1


@right("01.2")
def ridge_weights(x, y, ridge):
    features = x.shape[1]
    stacked = np.vstack([x, np.sqrt(ridge) * np.eye(features)])  # more examples: the ridge as data
    return np.linalg.lstsq(stacked, np.concatenate([y, np.zeros(features)]), rcond=None)[0]


@right("01.2")
def ridge_weights(x, y, ridge):
    dual = np.linalg.solve(x @ x.T + ridge * np.eye(len(x)), y)
    return x.T @ dual


@right("01.2")
def ridge_weights(x, y, ridge):
    gram = tf.linalg.matmul(x, x, transpose_a=True) + ridge * tf.eye(x.shape[1], dtype=tf.float64)
    return tf.linalg.solve(gram, tf.linalg.matmul(x, y[:, None], transpose_a=True))[:, 0]


@right("01.2")
def ridge_weights(x, y, ridge):
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    return vt.T @ ((s / (s**2 + ridge)) * (u.T @ y))


@wrong("01.2", "the ridge is missing")
def ridge_weights(x, y, ridge):
    return np.linalg.lstsq(x, y, rcond=None)[0]


@wrong("01.2", "wrong sign")
def ridge_weights(x, y, ridge):
    return np.linalg.inv(x.T @ x - ridge * np.eye(x.shape[1])) @ x.T @ y


@wrong("01.2", "number of examples")
def ridge_weights(x, y, ridge):
    n = len(x)
    return np.linalg.solve(x.T @ x / n + ridge * np.eye(x.shape[1]), x.T @ y / n)


@wrong("01.2", "those are the predictions")
def ridge_weights(x, y, ridge):
    w = np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T @ y)
    return x @ w


@wrong("01.2", "dual weights")
def ridge_weights(x, y, ridge):
    return np.linalg.solve(x @ x.T + ridge * np.eye(x.shape[0]), y)


@wrong("01.2", "on the diagonal only")
def ridge_weights(x, y, ridge):
    return np.linalg.solve(x.T @ x + ridge, x.T @ y)


@wrong("01.2", "the ridge is squared")
def ridge_weights(x, y, ridge):
    return np.linalg.solve(x.T @ x + ridge**2 * np.eye(x.shape[1]), x.T @ y)


@right("01.3")
def log_density(x, mean, variance):
    result = []
    for point in x:
        total = 0.0
        for value, m, v in zip(point, mean, variance, strict=True):
            total += -0.5 * np.log(2 * np.pi * v) - (value - m) ** 2 / (2 * v)
        result.append(total)
    return result


@right("01.3")
def log_density(x, mean, variance):
    squares = tf.square(x - mean) / variance
    return -0.5 * tf.reduce_sum(tf.math.log(2.0 * np.pi * variance) + squares, axis=-1)


@right("01.3")
def log_density(x, mean, variance):
    deviation = np.sqrt(variance)
    density = np.exp(-0.5 * ((x - mean) / deviation) ** 2) / (deviation * np.sqrt(2 * np.pi))
    return np.log(density).sum(-1)


@wrong("01.3", "a wide Gaussian wins")
def log_density(x, mean, variance):
    return -0.5 * np.sum((x - mean) ** 2 / variance, axis=1)


@wrong("01.3", "the factor ½ is missing")
def log_density(x, mean, variance):
    return -np.sum(np.log(2 * np.pi * variance) + (x - mean) ** 2 / variance, axis=1)


@wrong("01.3", "½ belongs to both")
def log_density(x, mean, variance):
    return np.sum(-np.log(2 * np.pi * variance) - (x - mean) ** 2 / (2 * variance), axis=1)


@wrong("01.3", "for the standard deviation")
def log_density(x, mean, variance):
    return np.sum(-np.log(variance * np.sqrt(2 * np.pi)) - 0.5 * ((x - mean) / variance) ** 2, axis=1)


@wrong("01.3", "averaged over the features")
def log_density(x, mean, variance):
    return -0.5 * np.mean(np.log(2 * np.pi * variance) + (x - mean) ** 2 / variance, axis=1)


@wrong("01.3", "that is the density")
def log_density(x, mean, variance):
    return np.prod(np.exp(-0.5 * (x - mean) ** 2 / variance) / np.sqrt(2 * np.pi * variance), axis=1)


@wrong("01.3", "(axis 0)")
def log_density(x, mean, variance):
    return -0.5 * np.sum(np.log(2 * np.pi * variance) + (x - mean) ** 2 / variance, axis=0)


@wrong("01.3", "added up over everything")
def log_density(x, mean, variance):
    return -0.5 * np.sum(np.log(2 * np.pi * variance) + (x - mean) ** 2 / variance)


@right("01.4")
def features(images):
    ink = images > 100

    def before(axis, flip):
        seen = np.logical_or.accumulate(np.flip(ink, axis) if flip else ink, axis=axis)
        return np.flip(seen, axis) if flip else seen

    above, below, left, right = before(1, False), before(1, True), before(2, False), before(2, True)
    parts = [images.reshape(-1, 7, 4, 7, 4).mean(axis=(2, 4)).reshape(len(images), 49) / 255]
    for sides in ((above, left, right, below), (above, ~left, right, below), (above, left, ~right, below)):
        mask = ~ink & sides[0] & sides[1] & sides[2] & sides[3]
        parts.append(np.stack([mask[:, :14].mean(axis=(1, 2)), mask[:, 14:].mean(axis=(1, 2))], axis=1))
    mask = ~ink & ~above & left & right & below
    parts.append(np.stack([mask[:, :14].mean(axis=(1, 2)), mask[:, 14:].mean(axis=(1, 2))], axis=1))
    return np.concatenate(parts, axis=1)


@right("01.4")
def features(images):
    x = tf.cast(images, tf.float32)[..., None] / 255.0
    kernels = np.zeros((3, 3, 1, 4), "float32")  # edges that look up, left, and along both diagonals
    kernels[..., 0, 0] = [[1, 2, 1], [0, 0, 0], [-1, -2, -1]]
    kernels[..., 0, 1] = kernels[..., 0, 0].T
    kernels[..., 0, 2] = [[2, 1, 0], [1, 0, -1], [0, -1, -2]]
    kernels[..., 0, 3] = np.fliplr(kernels[..., 0, 2])
    edges = tf.abs(tf.nn.conv2d(x, kernels, 1, "SAME"))
    return tf.reshape(tf.nn.avg_pool2d(edges, 7, 7, "VALID"), (len(images), 64))


@right("01.4")
def features(images):
    result = []
    for image in images:
        down, right = np.gradient(image / 255.0)
        strength, angle = np.hypot(down, right), np.arctan2(down, right) % np.pi
        kind = (np.round(angle / (np.pi / 4)) % 4).astype(int)  # one of four directions
        row = []
        for i in range(2, 26, 6):
            for j in range(2, 26, 6):
                part = strength[i : i + 6, j : j + 6], kind[i : i + 6, j : j + 6]
                row += [part[0][part[1] == number].sum() for number in range(4)]
        result.append(row)
    return result


@wrong("01.4", "sums over whole rows")
def features(images):
    return images.reshape(len(images), 784)[:, ::13] / 255


@wrong("01.4", "Amounts of ink in small squares end here")
def features(images):
    small = tf.nn.avg_pool2d(tf.cast(images, tf.float32)[..., None] / 255.0, 4, 4, "SAME")
    return tf.reshape(small, (len(images), -1))


@wrong("01.4", "pixels, not features")
def features(images):
    return images.reshape(len(images), -1) / 255.0


@wrong("01.4", "other images in the batch")
def features(images):
    x = images.reshape(-1, 7, 4, 7, 4).mean(axis=(2, 4)).reshape(len(images), -1)
    return (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-6)


@wrong("01.4", "must not be random")
def features(images):
    return images.reshape(len(images), -1) @ np.random.standard_normal((784, 40))


@wrong("01.4", "Where in the image is the ink")
def features(images):
    flat = images.reshape(len(images), -1) / 255.0
    return np.stack([flat.mean(axis=1), flat.std(axis=1), (flat > 0.5).mean(axis=1)], axis=1)


@wrong("01.4", "one row an image")
def features(images):
    return images.reshape(-1, 7, 4, 7, 4).mean(axis=(2, 4))


@wrong("01.4", "divides by its ink")
def features(images):
    x = images.astype(float)
    ink = x.sum(axis=(1, 2))
    rows = (x.sum(axis=2) * np.arange(28)).sum(axis=1) / ink
    blocks = x.reshape(-1, 7, 4, 7, 4).mean(axis=(2, 4)).reshape(len(x), -1)
    return np.c_[blocks, rows]


@wrong("01.4", "nothing can be read")
def features(images):
    return np.ones((len(images), 10))


@wrong("01.3", "2 π is missing")
def log_density(x, mean, variance):
    return -0.5 * np.sum(np.log(variance) + (x - mean) ** 2 / variance, axis=1)


@wrong("01.2", "the ridge is halved")
def ridge_weights(x, y, ridge):
    return np.linalg.solve(x.T @ x + ridge / 2 * np.eye(x.shape[1]), x.T @ y)


@wrong("01.4", "over most of the image, a projection")
def features(images):
    directions = np.random.default_rng(0).standard_normal((784, 64))
    return images.reshape(len(images), 784) / 255 @ directions


@wrong("01.4", "One feature cannot tell ten digits apart")
def features(images):
    return images.sum(axis=(1, 2), dtype=float)[:, None]


@wrong("01.4", "as the rim has")
def features(images):
    return images.reshape(len(images), 784)[:, :64] / 255


@wrong("01.4", "The features know much of where the ink is")
def features(images):
    middle = images[:, 2:26, 2:26].astype(float) / 255
    return np.sqrt(middle.reshape(-1, 6, 4, 6, 4).mean(axis=(2, 4))).reshape(len(images), 36)
