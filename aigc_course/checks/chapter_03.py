"""Exercises of chapter 03: the models."""

import re

import numpy as np

from aigc_course.checks.exercise import Exercise


def count_cases(rng):
    """(kernel side, channels in, filters), all different."""
    return [tuple(int(v) for v in (rng.integers(3, 8), rng.integers(9, 65), rng.integers(70, 130))) for _ in range(4)]


def transposed_cases(rng):
    """(x (N,), kernel (K,), stride), integers as floats: pencil and paper follow."""
    sizes = ((3, 4, 2), (4, 3, 2), (2, 5, 3), (5, 4, 1), (3, 2, 3))
    return [(rng.integers(1, 9, n).astype(float), rng.integers(1, 9, k).astype(float), s) for n, k, s in sizes]


def transposed(x, kernel, stride, put=np.add):
    """Each input puts a copy of the kernel, times itself, at stride * its place."""
    out = np.zeros(stride * (len(x) - 1) + len(kernel))
    for i, value in enumerate(x):
        part = slice(i * stride, i * stride + len(kernel))
        out[part] = put(out[part], value * kernel)
    return out


def gathered(x, kernel, stride):
    """The direct direction: a strided correlation."""
    return np.array([x[i : i + len(kernel)] @ kernel for i in range(0, len(x) - len(kernel) + 1, stride)])


def overlap_cases(rng):
    """(kernel, stride), where the stride divides the kernel and where it does not."""
    return [(int(k), int(s)) for k, s in rng.permutation([(3, 2), (4, 2), (5, 3), (5, 2), (7, 4), (6, 3)])]


def overlap(kernel, stride):
    return np.array([len(range(r, kernel, stride)) for r in range(stride)])


# --- the network of 03.4, in NumPy -----------------------------------------------------------------------

SHAPES = [(3, 3, 1, 8), (8,), (3, 3, 8, 16), (16,), (16,), (16,), (16,), (16,), (784, 1), (1,)]


def model_cases(rng):
    """Images, then random weights: conv, conv, batch normalisation (gamma, beta, mean, variance), dense."""
    cases = []
    for _ in range(2):
        weights = [rng.normal(0, 0.3, shape).astype("float32") for shape in SHAPES]
        weights[4] += 1.0
        weights[7] = rng.uniform(0.3, 2.0, 16).astype("float32")  # a variance is positive
        cases.append((rng.uniform(-1, 1, (3, 28, 28, 1)).astype("float32"), *weights))
    return cases


def conv_same(x, kernel, bias):
    """A 3 x 3 convolution with stride 2 and "same" padding: (B, H, W, C) -> (B, H / 2, W / 2, F)."""
    x = np.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)))  # TensorFlow puts the odd row and column at the end
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))[:, ::2, ::2]  # (B, h, w, C, 3, 3)
    return np.einsum("bhwcij,ijcf->bhwf", windows, kernel) + bias


def leaky(x, slope=0.2):
    return np.where(x > 0, x, slope * x)


def normalised(x, gamma, beta, mean, variance, epsilon=1e-3):
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta


def network(x, k1, b1, k2, b2, gamma, beta, mean, var, w, b, act=leaky, first_bn=True, out=lambda t: t):
    """The discriminator of 03.4 on images x (B, 28, 28, 1): logits (B, 1)."""
    h = act(conv_same(x, k1, b1))
    h = conv_same(h, k2, b2)
    h = act(normalised(h, gamma, beta, mean, var)) if first_bn else normalised(act(h), gamma, beta, mean, var)
    return out(h.reshape(len(x), -1) @ w + b)


WRONG_NETWORKS = (
    ("the last layer is a sigmoid. D gives logits here; the loss knows what to do with them.",
     {"out": lambda t: 1 / (1 + np.exp(-t))}),
    ("LeakyReLU has the slope 0.3, Keras' default. 0.2 was asked for: negative_slope=0.2.",
     {"act": lambda x: leaky(x, 0.3)}),
    ("that is ReLU: it stops the gradient for half of all inputs. LeakyReLU with negative_slope=0.2 was asked for.",
     {"act": lambda x: leaky(x, 0.0)}),
    ("batch normalisation and LeakyReLU stand in the other order: normalise first, then the activation.",
     {"first_bn": False}),
    ("no activation between the convolutions: two linear maps in a row are one linear map.",
     {"act": lambda x: x}),
)  # fmt: skip


def judge_model(cases, values):
    """Weight shapes, then values in inference mode, then whether training mode drops anything."""
    for case, (output, spread) in zip(cases, values, strict=True):
        if output.dtype.kind == "U":
            return describe_shapes(str(output))
        images, *weights = (part.astype(float) for part in case)
        right = network(images, *weights)
        if output.shape != right.shape:
            return f"3 images gave an output of shape {output.shape}; one logit for each, {right.shape}, was asked for."
        if not np.allclose(output, right, rtol=1e-3, atol=1e-3):
            for hint, change in WRONG_NETWORKS:
                if np.allclose(output, network(images, *weights, **change), rtol=1e-3, atol=1e-3):
                    return hint
            return ("the weights have the right shapes, the output is not right: a layer without weights (activation, "
                    "stride, pooling) is another than in the list, or stands elsewhere.")  # fmt: skip
        if spread < 1e-6:
            return "training=True gives the same twice: the dropout is missing."
    return None


def describe_shapes(text):
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
    known = {3136: STRIDE, 12544: STRIDE, 6272: STRIDE,
             576: 'the Dense layer sees 576 inputs: padding="valid" loses the rim. padding="same" was asked for.',
             1024: "the Dense layer sees 1,024 inputs: that is the article's zero padding, which has no use here.",
             16: "pooling before the Dense layer forgets where things are. Flatten was asked for."}  # fmt: skip
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


STRIDE = "the Dense layer sees too many inputs: both convolutions have stride 2 (28 → 14 → 7)."


EXERCISES = (
    Exercise(
        key="03.1", function="conv_parameters", title="Count before you build", points=1,
        checked="the number of parameters of four convolutions",
        cases=count_cases, expected=lambda k, c, f: k * k * c * f + f, rtol=0.0,
        hints=(
            ("the bias is missing: one number for each filter.", lambda k, c, f: k * k * c * f),
            ("the kernel is two-dimensional: its side counts twice.", lambda k, c, f: k * c * f + f),
            ("each filter sees all channels: multiply by the channels that come in.", lambda k, c, f: k * k * f + f),
            ("there is one bias for each filter, not for each channel that comes in.",
             lambda k, c, f: k * k * c * f + c),
            ("there is one bias for each filter, not one for each of its weights.", lambda k, c, f: 2 * k * k * c * f),
            ("one bias for the whole layer is too few: each filter has its own.", lambda k, c, f: k * k * c * f + 1),
            ("that is one filter. The layer has several.", lambda k, c, f: k * k * c + 1),
        ),
    ),
    Exercise(
        key="03.2", function="transposed_conv", title="Transposed convolution by hand", points=2,
        checked="five inputs with kernels of 2 to 5 and strides of 1 to 3",
        cases=transposed_cases, expected=transposed,
        hints=(
            ("where two copies meet, the second has overwritten the first. They add up.",
             lambda x, k, s: transposed(x, k, s, put=lambda old, new: new)),
            ("where two copies meet, you kept the larger. They add up.",
             lambda x, k, s: transposed(x, k, s, put=np.maximum)),
            ("the kernel is turned round: each input puts down the kernel as it is.",
             lambda x, k, s: transposed(x, k[::-1], s)),
            ("the stride is missing: that is the convolution with stride 1.", lambda x, k, s: transposed(x, k, 1)),
            ("that is the other direction: a strided convolution, which makes the input shorter.", gathered),
            ("the end is cut off: the last copy of the kernel reaches to stride · (N - 1) + K.",
             lambda x, k, s: transposed(x, k, s)[: s * len(x)] if len(k) > s else transposed(x, k, s)),
            ("each input was put down without its own value: multiply the kernel by x[i].",
             lambda x, k, s: transposed(np.ones_like(x), k, s)),
        ),
    ),
    Exercise(
        key="03.3", function="overlap", title="Where checkerboards come from", points=2,
        checked="six pairs of kernel and stride, in three of which the counts differ",
        cases=overlap_cases, expected=overlap, rtol=0.0,
        hints=(
            ("kernel / stride is the mean. The counts are whole numbers, and they differ: that is the checkerboard.",
             lambda k, s: np.full(s, k / s)),
            ("kernel // stride forgets the rest: some places are reached once more.", lambda k, s: np.full(s, k // s)),
            ("rounded up everywhere: only the first (kernel mod stride) places are reached once more.",
             lambda k, s: np.full(s, -(-k // s))),
            ("in the reverse order: the kernel's first entries fall on the places 0, 1, …",
             lambda k, s: overlap(k, s)[::-1]),
            ("that counts kernel entries in all. Each place gets its own count.", lambda k, s: np.full(s, k)),
            ("one count for each entry of the kernel came; one for each place 0 … stride - 1 was asked for.",
             lambda k, s: overlap(s, k) if s > k else np.array([len(range(r % s, k, s)) for r in range(k)])),
            ("shares that add up to 1: the plain counts were asked for.", lambda k, s: overlap(k, s) / k),
        ),
    ),
    Exercise(
        key="03.4", function="build_small_discriminator", title="Build a discriminator", points=3,
        checked="the network with random weights on random images, and that dropout is at work in training mode",
        cases=model_cases, judge=judge_model, outputs=2, how="as_model",
    ),
)  # fmt: skip
