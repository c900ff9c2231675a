"""Exercises of chapter 03: the models."""

import re

import numpy as np

from aigc_course.checks.exercise import Exercise

__all__ = ["EXERCISES", "SHAPES", "network"]


def _count_cases(rng):
    """(kernel side, channels in, filters): no kernel twice, one channel, one filter, more channels than filters."""
    kernels = rng.permutation(np.arange(2, 12))[:6]
    cases = [(k, rng.integers(9, 65), rng.integers(70, 130)) for k in kernels[:3]]
    cases += [
        (kernels[3], rng.integers(70, 130), rng.integers(9, 65)),
        (kernels[4], 1, rng.integers(2, 40)),
        (kernels[5], rng.integers(2, 40), 1),
        (1, *rng.integers(2, 300, 2)),
    ]
    return [tuple(int(v) for v in case) for case in cases]


def _transposed_cases(rng):
    """(x (N,), kernel (K,), stride), integers as floats: pencil and paper follow; some negative, two of one shape."""
    sizes = ((3, 4, 2), (4, 3, 2), (2, 5, 3), (5, 4, 1), (3, 2, 3), (3, 4, 2), (1, 3, 2), (4, 1, 3), (6, 6, 4))
    cases = [(rng.integers(1, 9, n).astype(float), rng.integers(1, 9, k).astype(float), s) for n, k, s in sizes]
    return [(x * rng.choice([-1, 1], len(x)) if i > 4 else x, kernel, s) for i, (x, kernel, s) in enumerate(cases)]


def _transposed(x, kernel, stride, put=np.add):
    """Each input puts a copy of the kernel, times itself, at stride * its place."""
    out = np.zeros(stride * (len(x) - 1) + len(kernel))
    for i, value in enumerate(x):
        part = slice(i * stride, i * stride + len(kernel))
        out[part] = put(out[part], value * kernel)
    return out


def _gathered(x, kernel, stride):
    """The direct direction: a strided correlation."""
    return np.array([x[i : i + len(kernel)] @ kernel for i in range(0, len(x) - len(kernel) + 1, stride)])


def _overlap_cases(rng):
    """(kernel, stride) from all over: the stride divides the kernel, or not, or is larger; no two checks are alike."""
    cases = []
    for stride in rng.permutation(np.arange(2, 13))[:8]:
        whole = int(rng.integers(1, 6))
        rest = int(rng.integers(1, stride)) if len(cases) < 5 else 0
        cases.append((int(whole * stride) + rest, int(stride)))
    stride = int(rng.integers(5, 13))
    again = -(-cases[0][0] // 8) + 2  # another stride for a kernel that has come already
    cases += [(int(rng.integers(2, stride)), stride), (cases[0][0], again + (again == cases[0][1]))]
    return [cases[i] for i in rng.permutation(len(cases))]


def _overlap(kernel, stride):
    return np.array([len(range(r, kernel, stride)) for r in range(stride)])


# --- the network of 03.4, in NumPy -----------------------------------------------------------------------

SHAPES = [(3, 3, 1, 8), (8,), (3, 3, 8, 16), (16,), (16,), (16,), (16,), (16,), (784, 1), (1,)]


_READ = 384  # images in training mode, each with a dropout of its own


def _model_cases(rng):
    """(mode, images, weights ...): conv, conv, batch normalisation (gamma, beta, mean, variance), dense.

    Two with random weights in inference mode, then two in training mode whose weights show each dropout by itself.
    """
    cases = []
    for n in rng.integers(2, 7, 2):
        weights = [rng.normal(0, 0.3, shape).astype("float32") for shape in SHAPES]
        weights[4] += 1.0
        weights[7] = rng.uniform(0.3, 2.0, 16).astype("float32")  # a variance is positive
        cases.append(("inference", rng.uniform(-1, 1, (int(n), 28, 28, 1)).astype("float32"), *weights))
    images = rng.uniform(-1, 1, (_READ, 28, 28, 1)).astype("float32")
    return [*cases, ("training", images, *_second_dropout(rng)), ("training", images, *_first_dropout(rng))]


def _even(first=1.0, second=1.0):
    """Weights with which every unit behind the first activation is `first`, behind the second one `second`."""
    weights = [np.zeros(shape, "float32") for shape in SHAPES]
    weights[1] += first
    weights[3] += second
    weights[4] += 1.0
    weights[7] += 0.999  # and Keras' 0.001: batch normalisation changes nothing
    return weights


def _second_dropout(rng):
    """The logit is the sum of three units, times 1, 2, 4: two of one place, two of one filter."""
    weights = _even()
    (place, other), (channel, another) = rng.permutation(49)[:2], rng.permutation(16)[:2]
    for factor, unit in zip((1, 2, 4), ((place, channel), (place, another), (other, channel)), strict=True):
        weights[8][unit[0] * 16 + unit[1]] = factor
    return weights


def _first_dropout(rng):
    """The logit is one unit that adds 1 to three units behind the first dropout, times 1, 2, 4."""
    weights = _even()
    channel, another = rng.permutation(8)[:2]
    filter_, place = rng.integers(16), rng.integers(49)
    for factor, (column, unit) in zip((1, 2, 4), ((0, channel), (0, another), (1, channel)), strict=True):
        weights[2][0, column, unit, filter_] = factor
    weights[8][place * 16 + filter_] = 1.0
    return weights


def _conv_same(x, kernel, bias):
    """A 3 x 3 convolution with stride 2 and "same" padding: (B, H, W, C) -> (B, H / 2, W / 2, F)."""
    x = np.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)))  # TensorFlow puts the odd row and column at the end
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))[:, ::2, ::2]  # (B, h, w, C, 3, 3)
    return np.einsum("bhwcij,ijcf->bhwf", windows, kernel) + bias


def _leaky(x, slope=0.2):
    return np.where(x > 0, x, slope * x)


def _normalised(x, gamma, beta, mean, variance, epsilon=1e-3):
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta


def network(x, k1, b1, k2, b2, gamma, beta, mean, var, w, b, act=_leaky, first_bn=True, out=lambda t: t):
    """The discriminator of 03.4 on images x (B, 28, 28, 1): logits (B, 1)."""
    h = act(_conv_same(x, k1, b1))
    h = _conv_same(h, k2, b2)
    h = act(_normalised(h, gamma, beta, mean, var)) if first_bn else _normalised(act(h), gamma, beta, mean, var)
    return out(h.reshape(len(x), -1) @ w + b)


_WRONG_NETWORKS = (
    (
        "the last layer is a sigmoid. D gives logits here; the loss knows what to do with them.",
        {"out": lambda t: 1 / (1 + np.exp(-t))},
    ),
    (
        "LeakyReLU has the slope 0.3, Keras' default. 0.2 was asked for: negative_slope=0.2.",
        {"act": lambda x: _leaky(x, 0.3)},
    ),
    (
        "that is ReLU: it stops the gradient for half of all inputs. LeakyReLU with negative_slope=0.2 was asked for.",
        {"act": lambda x: _leaky(x, 0.0)},
    ),
    (
        "batch normalisation and LeakyReLU stand in the other order: normalise first, then the activation.",
        {"first_bn": False},
    ),
    ("no activation between the convolutions: two linear maps in a row are one linear map.", {"act": lambda x: x}),
)


_RATE = 0.3
_FIRST, _SECOND = "the first dropout, before the second convolution,", "the second dropout, before Flatten,"


def _judge_model(cases, values):
    """Weight shapes, then values in inference mode, then each dropout in training mode."""
    for output, _ in values:
        if output.dtype.kind == "U":
            return _describe_shapes(str(output))
    hint = None
    for case, (runs, _) in zip(cases[:2], values[:2], strict=True):
        hint = hint or _judge_inference(case, runs)
    (second, moved), (first, _) = values[2:]
    return hint or _judge_training(np.asarray(second, float), np.asarray(first, float), moved)


def _judge_inference(case, runs):
    """The logits of some images against those of the network in NumPy."""
    images, *weights = (part.astype(float) for part in case[1:])
    right = network(images, *weights)
    if runs[0].shape != right.shape:
        return (
            f"{len(images)} images gave an output of shape {runs[0].shape}; one logit for each, {right.shape}, was "
            "asked for."
        )
    if np.allclose(runs, right, rtol=1e-3, atol=1e-3):
        return None
    if not np.allclose(*runs):
        return "with training=False the same images gave two outputs: dropout is for training only, it must rest there."
    for hint, change in _WRONG_NETWORKS:
        if np.allclose(runs[0], network(images, *weights, **change), rtol=1e-3, atol=1e-3):
            return hint
    return (
        "the weights have the right shapes, the output is not right: a layer without weights (activation, "
        "stride, pooling) is another than in the list, or stands elsewhere."
    )


def _judge_training(second, first, moved):
    """Both dropouts, each from two runs of READ logits, and whether batch normalisation learns its mean."""
    if second.shape != (2, _READ, 1) or first.shape != second.shape:
        return f"{_READ} images in training mode gave an output of shape {second.shape[1:]}."
    if np.allclose(*second) and np.allclose(*first):
        return (
            "training=True gives the same twice: the dropout is missing."
            if (second[0].std() < 1e-3)
            else "training=True gives the same twice: a dropout draws anew each time."
        )
    kept = 1 / (1 - _RATE)  # what the second dropout makes of a unit that it keeps: the logits in `first`
    hint = _judge_dropout(second.ravel(), _SECOND) or _judge_dropout(first[first > 0.1] / kept - 1, _FIRST)
    if hint:
        return hint
    if np.allclose(*second) or np.allclose(*first):
        return "a dropout drops the same units each time: its choice must be drawn anew."
    if moved < 1e-6:
        return "batch normalisation does not learn its mean with training=True: it was frozen, or always in inference."
    return None


def _judge_dropout(sums, name):
    """A hint from many sums a + 2 b + 4 c of three units, each 1 / (1 - RATE) or 0 behind a dropout of rate RATE.

    Their largest value shows the rate, their whole set that nothing else is added, their counts that each unit falls
    by itself. Bounds lie at five standard deviations and more.
    """
    top = sums.max(initial=0.0) / 7
    if top < 1.0005 and np.ptp(sums) < 0.01:
        return f"{name} is missing: nothing is dropped with training=True."
    steps = sums / top if top > 0 else sums
    if np.abs(steps - np.round(steps)).max() > 0.01 or steps.min() < -0.01:
        return f"{name} is no dropout: a unit must be 0 or 1 / (1 - 0.3) of what it was. Noise, or other values, came."
    if abs(top - 1 / (1 - _RATE)) > 0.01:
        return f"{name} has the rate {max(1 - 1 / top, 0):.3g}; {_RATE} was asked for."
    bits = (np.round(steps).astype(int)[:, None] >> np.arange(3)) & 1
    if np.abs(bits.mean(axis=0) - (1 - _RATE)).max() > 0.12:
        return f"{name} drops {1 - bits.mean():.0%} of the units; {_RATE:.0%} was asked for."
    together = [(bits[:, 0] == bits[:, i]).mean() for i in (1, 2)]
    if max(together) > 0.75:
        return f"{name} drops whole filters or places: each unit falls by itself, layers.Dropout(0.3)."
    return None


def _describe_shapes(text):
    """A hint from the shapes of the weights that came, as text: "[(3, 3, 1, 8), (8,), …]"."""
    shapes = [tuple(int(n) for n in re.findall(r"\d+", part)) for part in re.findall(r"\(([\d, ]*)\)", text)[:40]]
    kernels = [shape for shape in shapes if len(shape) == 4]
    dense = [shape for shape in shapes if len(shape) == 2]
    if [shape[:2] for shape in kernels] != [(3, 3)] * 2:
        return f"two convolutions of 3 × 3 were asked for; {len(kernels)} came, {[shape[:2] for shape in kernels]}."
    filters = [shape[3] for shape in kernels]
    if filters != [8, 16]:
        return f"the convolutions have {filters[0]} and {filters[1]} filters; 8 and 16 were asked for."
    if len(dense) != 1 or dense[0][1] != 1:
        return "one Dense layer with one output, the logit, was asked for behind the Flatten."
    inputs = dense[0][0]
    known = {
        3136: _STRIDE,
        12544: _STRIDE,
        6272: _STRIDE,
        576: 'the Dense layer sees 576 inputs: padding="valid" loses the rim. padding="same" was asked for.',
        1024: "the Dense layer sees 1,024 inputs: that is the article's zero padding, which has no use here.",
        16: "pooling before the Dense layer forgets where things are. Flatten was asked for.",
    }
    if inputs != 784:
        return known.get(inputs, f"the Dense layer sees {inputs:,} inputs; 7 · 7 · 16 = 784 were asked for.")
    vectors = [shape for shape in shapes if len(shape) == 1]
    if vectors.count((8,)) > 1:
        return "batch normalisation was asked for behind the second convolution only, not behind the first."
    if vectors.count((16,)) < 4:
        return "batch normalisation behind the second convolution is missing."
    if (8,) not in vectors or vectors.count((16,)) < 5 or (1,) not in vectors:
        return "a bias is missing: convolutions and the Dense layer keep theirs (use_bias=True, the default)."
    return "the weights have other shapes than asked for: compare model.summary() with the list of layers."


_STRIDE = "the Dense layer sees too many inputs: both convolutions have stride 2 (28 → 14 → 7)."


EXERCISES = (
    Exercise(
        key="03.1",
        function="conv_parameters",
        title="Count before you build",
        points=1,
        checked="the number of parameters of seven convolutions",
        cases=_count_cases,
        expected=lambda k, c, f: k * k * c * f + f,
        rtol=0.0,
        hints=(
            ("the bias is missing: one number for each filter.", lambda k, c, f: k * k * c * f),
            ("the kernel is two-dimensional: its side counts twice.", lambda k, c, f: k * c * f + f),
            ("each filter sees all channels: multiply by the channels that come in.", lambda k, c, f: k * k * f + f),
            (
                "there is one bias for each filter, not for each channel that comes in.",
                lambda k, c, f: k * k * c * f + c,
            ),
            ("there is one bias for each filter, not one for each of its weights.", lambda k, c, f: 2 * k * k * c * f),
            ("one bias for the whole layer is too few: each filter has its own.", lambda k, c, f: k * k * c * f + 1),
            ("that is one filter. The layer has several.", lambda k, c, f: k * k * c + 1),
        ),
    ),
    Exercise(
        key="03.2",
        function="transposed_conv",
        title="Transposed convolution by hand",
        points=2,
        checked="nine inputs with kernels of 1 to 6 and strides of 1 to 4",
        cases=_transposed_cases,
        expected=_transposed,
        hints=(
            (
                "where two copies meet, the second has overwritten the first. They add up.",
                lambda x, k, s: _transposed(x, k, s, put=lambda old, new: new),
            ),
            (
                "where two copies meet, you kept the larger. They add up.",
                lambda x, k, s: _transposed(x, k, s, put=np.maximum),
            ),
            (
                "the kernel is turned round: each input puts down the kernel as it is.",
                lambda x, k, s: _transposed(x, k[::-1], s),
            ),
            ("the stride is missing: that is the convolution with stride 1.", lambda x, k, s: _transposed(x, k, 1)),
            ("that is the other direction: a strided convolution, which makes the input shorter.", _gathered),
            (
                "the end is cut off: the last copy of the kernel reaches to stride · (N - 1) + K.",
                lambda x, k, s: _transposed(x, k, s)[: s * len(x)] if len(k) > s else _transposed(x, k, s),
            ),
            (
                "each input was put down without its own value: multiply the kernel by x[i].",
                lambda x, k, s: _transposed(np.ones_like(x), k, s),
            ),
        ),
    ),
    Exercise(
        key="03.3",
        function="overlap",
        title="Where checkerboards come from",
        points=2,
        checked="ten pairs of kernel and stride, in most of which the counts differ, in one the stride is larger",
        cases=_overlap_cases,
        expected=_overlap,
        rtol=0.0,
        hints=(
            (
                "kernel / stride is the mean. The counts are whole numbers, and they differ: that is the checkerboard.",
                lambda k, s: np.full(s, k / s),
            ),
            ("kernel // stride forgets the rest: some places are reached once more.", lambda k, s: np.full(s, k // s)),
            (
                "rounded up everywhere: only the first (kernel mod stride) places are reached once more.",
                lambda k, s: np.full(s, -(-k // s)),
            ),
            (
                "in the reverse order: the kernel's first entries fall on the places 0, 1, …",
                lambda k, s: _overlap(k, s)[::-1],
            ),
            ("that counts kernel entries in all. Each place gets its own count.", lambda k, s: np.full(s, k)),
            (
                "one count for each entry of the kernel came; one for each place 0 … stride - 1 was asked for.",
                lambda k, s: _overlap(s, k) if s > k else np.array([len(range(r % s, k, s)) for r in range(k)]),
            ),
            ("shares that add up to 1: the plain counts were asked for.", lambda k, s: _overlap(k, s) / k),
        ),
    ),
    Exercise(
        key="03.4",
        function="build_small_discriminator",
        title="Build a discriminator",
        points=3,
        checked="the network with random weights on random images, and both dropouts in training mode, by their rate",
        cases=_model_cases,
        judge=_judge_model,
        outputs=2,
        how="as_model",
    ),
)
