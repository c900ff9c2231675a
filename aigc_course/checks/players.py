"""Generator and discriminator in NumPy: inputs, formulas and known mistakes for the exercises of chapter 03."""

import re

import numpy as np

from aigc_course.checks.formulas import sigmoid

__all__ = [
    "READ",
    "SHAPES",
    "count",
    "count_cases",
    "judge_model",
    "leaky",
    "model_cases",
    "network",
    "slopes",
    "slopes_cases",
    "step_cases",
    "step_of_both",
    "written_back",
]


def count_cases(rng):
    """(side, layers (L, 4)): kernel, stride, filters, 1 for batch normalisation; sides that strides do not divide."""
    cases = []
    for length, side in ((1, 9), (2, 15), (3, 28), (2, 21), (4, 37), (3, 28), (1, 16)):
        kernels, strides = rng.integers(2, 7, length), rng.integers(1, 4, length)
        strides[0] = rng.integers(2, 4)
        filters, norms = rng.integers(3, 40, length), rng.integers(0, 2, length)
        if length > 1:
            norms[rng.integers(length)], norms[rng.integers(length)] = 1, 0
        cases.append((int(side + rng.integers(0, 3)), np.stack([kernels, strides, filters, norms], axis=1)))
    cases[0][1][0, 3], cases[-1][1][0, 3] = 1, 0
    return cases


def _halved(side, kernel, stride):
    return -(-side // stride)


def count(side, layers, norm=2, bias=lambda n: not n, shrink=_halved, channels=1, dense=1, square=2, keep=None):
    """What an optimiser changes in a stack of convolutions and one Dense logit; the options make known mistakes."""
    total = 0
    for kernel, stride, filters, normalised in np.asarray(layers).tolist():
        total += (
            kernel**square * (keep or channels) * filters + bias(normalised) * filters + normalised * norm * filters
        )
        side, channels = shrink(side, kernel, stride), filters
    return total + (side * side * channels + 1 if dense == 1 else side * side * channels if dense == 0 else 0)


def slopes_cases(rng):
    """(x (N,), kernel (K,), stride, slope of the output), whole numbers as floats: pencil and paper follow."""
    sizes = ((3, 4, 2), (4, 3, 2), (2, 5, 3), (5, 4, 1), (3, 2, 3), (3, 4, 2), (1, 3, 2), (4, 2, 3), (6, 6, 4))
    cases = []
    for n, k, stride in sizes:
        parts = [rng.integers(1, 9, size).astype(float) for size in (n, k, stride * (n - 1) + k)]
        cases.append((parts[0], parts[1], stride, parts[2] * rng.choice([-1, 1], len(parts[2]))))
    return cases


def slopes(x, kernel, stride, slope):
    """Slopes for x and for the kernel: x[i] meets the kernel in the places stride * i, stride * i + 1, …"""
    windows = np.array([slope[i * stride : i * stride + len(kernel)] for i in range(len(x))])  # (N, K)
    return windows @ kernel, windows.T @ x


def written_back(x, kernel, stride, slope):
    """Slopes for x and for the kernel with the stride forgotten: every input meets the next place."""
    padded = np.pad(slope, (0, len(x) + len(kernel)))
    windows = np.array([padded[i : i + len(kernel)] for i in range(len(x))])
    return windows @ kernel, windows.T @ x


def step_cases(rng):
    """(real (B, F), z (B, L), G's kernel (L, F), D's two kernels (F, H), (H, 1), rate), float32, two of one shape."""
    cases = []
    for b, f, latent, h in ((5, 4, 3, 6), (8, 3, 2, 4), (5, 4, 3, 6), (2, 6, 4, 3)):
        shapes = (b, f), (b, latent), (latent, f), (f, h), (h, 1)
        real, *rest = (rng.normal(0, 1.0, shape).astype("float32") for shape in shapes)
        cases.append((np.tanh(real + 0.5), *rest, float(rng.uniform(0.5, 2.0))))
    return cases


def step_of_both(
    real,
    z,
    g,
    first,
    second,
    rate,
    leak=0.2,
    twice="",
    d_moves=1.0,
    g_on_d=0.0,
    g_aim=-1,
    signs=(-1, 1),
    half=1.0,
    in_turn=False,
    g_moves=1.0,
):
    """New kernels of D and G after one step of descent of both; the options make known mistakes.

    twice: "real", "fake" or both: whose logits go through a sigmoid before a loss that takes logits.
    """
    real, z, g, first, second = (np.asarray(part, float) for part in (real, z, g, first, second))
    fake = np.tanh(z @ g)

    def back(x, sign, w1, w2, twice):
        """Slopes of mean softplus(sign * logit) for D's kernels and for x."""
        inner = x @ w1
        hidden = np.where(inner > 0, inner, leak * inner)
        logit = hidden @ w2
        shown = sigmoid(logit) if twice else logit
        at_logit = sign * sigmoid(sign * shown) / len(x) * (shown * (1 - shown) if twice else 1.0)
        before = at_logit @ w2.T * np.where(inner > 0, 1.0, leak)
        return x.T @ before, hidden.T @ at_logit, before @ w1.T

    at_real = back(real, signs[0], first, second, "real" in twice)
    at_fake = back(fake, signs[1], first, second, "fake" in twice)
    for_g = back(fake, g_aim, first, second, "fake" in twice)
    new_first = first - rate * (half * d_moves * (at_real[0] + at_fake[0]) + g_on_d * for_g[0])
    new_second = second - rate * (half * d_moves * (at_real[1] + at_fake[1]) + g_on_d * for_g[1])
    if in_turn:
        for_g = back(fake, g_aim, new_first, new_second, "fake" in twice)
    return new_first, new_second, g - rate * g_moves * z.T @ (for_g[2] * (1 - fake**2))


# --- the network of 03.4 ---

SHAPES = [(3, 3, 1, 8), (8,), (3, 3, 8, 16), (16,), (16,), (16,), (16,), (16,), (784, 1), (1,)]


READ = 384  # images in training mode, each with a dropout of its own


def model_cases(rng):
    """(mode, images, weights ...): conv, conv, batch normalisation (gamma, beta, mean, variance), dense.

    Two with random weights in inference mode, then two in training mode whose weights show each dropout by itself.
    """
    cases = []
    for n in rng.integers(2, 7, 2):
        weights = [rng.normal(0, 0.3, shape).astype("float32") for shape in SHAPES]
        weights[4] += 1.0
        weights[7] = rng.uniform(0.3, 2.0, 16).astype("float32")  # a variance is positive
        cases.append(("inference", rng.uniform(-1, 1, (int(n), 28, 28, 1)).astype("float32"), *weights))
    images = rng.uniform(-1, 1, (READ, 28, 28, 1)).astype("float32")
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


def leaky(x, slope=0.2):
    return np.where(x > 0, x, slope * x)


def _normalised(x, gamma, beta, mean, variance, epsilon=1e-3):
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta


def network(x, k1, b1, k2, b2, gamma, beta, mean, var, w, b, act=leaky, first_bn=True, out=lambda t: t):
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
        {"act": lambda x: leaky(x, 0.3)},
    ),
    (
        "that is ReLU: it stops the gradient for half of all inputs. LeakyReLU with negative_slope=0.2 was asked for.",
        {"act": lambda x: leaky(x, 0.0)},
    ),
    (
        "batch normalisation and LeakyReLU stand in the other order: normalise first, then the activation.",
        {"first_bn": False},
    ),
    ("no activation between the convolutions: two linear maps in a row are one linear map.", {"act": lambda x: x}),
)


_RATE = 0.3
_FIRST, _SECOND = "the first dropout, before the second convolution,", "the second dropout, before Flatten,"


def judge_model(cases, values):
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
    if second.shape != (2, READ, 1) or first.shape != second.shape:
        return f"{READ} images in training mode gave an output of shape {second.shape[1:]}."
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
