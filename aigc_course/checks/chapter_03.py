"""Exercises of chapter 03: the models."""

import numpy as np

from aigc_course.checks import players
from aigc_course.checks.exercise import Exercise

__all__ = ["EXERCISES"]


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


def _judge_step(cases, values):
    """A player whose weights stand still."""
    for places, start, words in (
        ((0, 1), 3, "D does not move: it was frozen before its step, and so it has no variables to learn by."),
        ((2,), 2, "G does not move: it got no gradient, or one of other variables."),
    ):
        if all(
            v[place].shape == case[start + i].shape and np.allclose(v[place], case[start + i], rtol=1e-6)
            for case, v in zip(cases, values, strict=True)
            for i, place in enumerate(places)
        ):
            return words
    return None


EXERCISES = (
    Exercise(
        key="03.1",
        function="count_parameters",
        title="Count before you build",
        points=2,
        checked="the number of weights that learn, for seven discriminators",
        cases=players.count_cases,
        expected=players.count,
        rtol=0.0,
        look="chapter 03, «The generator layer by layer» (the counts), «A convolution gathers» (the sides) and "
        "«The discriminator layer by layer» (what learns)",
        onward="go through the layers with two numbers in hand, the side and the channels of the map. What a channel "
        "of batch normalisation learns are scale and shift.",
        hints=(
            (
                "the moving statistics are in it: batch normalisation has four numbers a channel, and learns two.",
                lambda n, a: players.count(n, a, norm=4),
            ),
            (
                "a convolution with batch normalisation behind it has no bias here; your count has one.",
                lambda n, a: players.count(n, a, bias=lambda normalised: 1),
            ),
            (
                "two at once, as in the chapter's conv(...) + norm(...): a bias before batch normalisation, which is "
                "not there here, and all four of its numbers a channel, of which it learns two.",
                lambda n, a: players.count(n, a, norm=4, bias=lambda normalised: 1),
            ),
            (
                "no convolution has a bias in your count: only those with batch normalisation behind them lack it.",
                lambda n, a: players.count(n, a, bias=lambda normalised: 0),
            ),
            (
                "what batch normalisation learns is missing: scale and shift of each channel.",
                lambda n, a: players.count(n, a, norm=0),
            ),
            (
                "batch normalisation learns two numbers a channel, not one.",
                lambda n, a: players.count(n, a, norm=1),
            ),
            (
                'with padding "same" a side is divided by the stride and rounded up; you rounded down.',
                lambda n, a: players.count(n, a, shrink=lambda side, kernel, stride: side // stride),
            ),
            (
                'that is padding "valid": the rim is lost. "same" divides the side by the stride and rounds up.',
                lambda n, a: players.count(n, a, shrink=lambda side, kernel, stride: (side - kernel) // stride + 1),
            ),
            (
                "the Dense layer sees the first side: each stride makes the map smaller.",
                lambda n, a: players.count(n, a, shrink=lambda side, kernel, stride: side),
            ),
            ("the Dense layer at the end is missing.", lambda n, a: players.count(n, a, dense=2)),
            ("the bias of the Dense layer is missing.", lambda n, a: players.count(n, a, dense=0)),
            (
                "each filter sees all channels that come in: those are the filters of the layer before.",
                lambda n, a: players.count(n, a, keep=1),
            ),
            ("the kernel is two-dimensional: its side counts twice.", lambda n, a: players.count(n, a, square=1)),
        ),
    ),
    Exercise(
        key="03.2",
        function="transposed_conv_slopes",
        title="Back through a transposed convolution",
        points=2,
        checked="both slopes for nine inputs with kernels of 2 to 6 and strides of 1 to 4",
        cases=players.slopes_cases,
        expected=players.slopes,
        outputs=2,
        look="chapter 03, «Transposed convolution by hand»",
        onward="write y in the place stride · i + a as a sum of products x[i] kernel[a]. The slope for one factor is "
        "the other one times the slope of y, summed over all places where the two meet.",
        hints=(
            ("the two are exchanged: the slope for x first.", lambda *a: players.slopes(*a)[::-1]),
            (
                "the stride is missing: x[i] meets the kernel from the place stride · i on.",
                players.written_back,
            ),
            (
                "the kernel is turned round. It scatters as it is, so it gathers as it is.",
                lambda x, k, s, g: (players.slopes(x, k[::-1], s, g)[0], players.slopes(x, k, s, g)[1]),
            ),
            (
                "the slope for the kernel came in the reverse order.",
                lambda x, k, s, g: (players.slopes(x, k, s, g)[0], players.slopes(x, k, s, g)[1][::-1]),
            ),
            (
                "the slope for x lacks the kernel: each place of y counts with the weight that x had there.",
                lambda x, k, s, g: (players.slopes(x, np.ones_like(k), s, g)[0], players.slopes(x, k, s, g)[1]),
            ),
            (
                "the slope for the kernel lacks x: each place of y counts with the input that was put there.",
                lambda x, k, s, g: (players.slopes(x, k, s, g)[0], players.slopes(np.ones_like(x), k, s, g)[1]),
            ),
            (
                "the slope for the kernel is averaged over the inputs. One kernel serves all of them: slopes add up.",
                lambda x, k, s, g: (players.slopes(x, k, s, g)[0], players.slopes(x, k, s, g)[1] / len(x)),
            ),
            (
                "x and the kernel are exchanged within the sums: for one factor it is the other one that counts.",
                lambda x, k, s, g: (
                    np.array([x[i] * g[i * s : i * s + len(k)].sum() for i in range(len(x))]),
                    np.array([k[j] * g[j : j + s * (len(x) - 1) + 1 : s].sum() for j in range(len(k))]),
                ),
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
        look="chapter 03, «Defect 10 Checkerboards and kernel size»",
        onward="place r of a group is reached by the kernel entries r, r + stride, r + 2 · stride, … Count those that "
        "there are.",
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
            (
                "those are the counts of an image, where rows and columns multiply. Here there is one dimension.",
                lambda k, s: _overlap(k, s) ** 2,
            ),
            (
                "a whole image's counts came, with two axes. Here there is one dimension: shape (stride,).",
                lambda k, s: np.outer(_overlap(k, s), _overlap(k, s)),
            ),
        ),
    ),
    Exercise(
        key="03.4",
        function="build_small_discriminator",
        title="Build a discriminator",
        points=3,
        checked="the network with random weights on random images, and both dropouts in training mode, by their rate",
        cases=players.model_cases,
        judge=players.judge_model,
        outputs=2,
        how="as_model",
        look="chapter 03, «The discriminator layer by layer»",
        onward="write one line of keras.layers for each arrow of the task, in its order, and compare model.summary() "
        "with the shapes 14 × 14 × 8 and 7 × 7 × 16.",
    ),
    Exercise(
        key="03.5",
        function="repaired_step",
        title="Repair a training step",
        points=3,
        checked="the new weights of both players after one step from four starts",
        cases=players.step_cases,
        expected=players.step_of_both,
        outputs=3,
        rtol=1e-3,
        atol=1e-5,
        special=_judge_step,
        look="chapter 03, «Explicit variable lists»",
        onward="give each player a tape, an optimiser and its own list of variables, and measure after one step which "
        "of the three weights has moved.",
        hints=(
            (
                "sigmoid twice: D ends in a sigmoid, and the loss takes its probability for a logit.",
                lambda *a: players.step_of_both(*a, twice="real, fake"),
            ),
            (
                "a sigmoid is left on the real images' score: the loss takes logits there too.",
                lambda *a: players.step_of_both(*a, twice="real"),
            ),
            (
                "a sigmoid is left on the fakes' score: both losses take logits there too.",
                lambda *a: players.step_of_both(*a, twice="fake"),
            ),
            (
                "the leaky ReLU has Keras' default slope of 0.3; the task asks for 0.2.",
                lambda *a: players.step_of_both(*a, leak=0.3),
            ),
            (
                "G's step moves D as well, in G's interest: it must get the list of G's variables only.",
                lambda *a: players.step_of_both(*a, g_on_d=1.0),
            ),
            (
                "G learns to be caught: for its loss the fakes carry the label 1.",
                lambda *a: players.step_of_both(*a, g_aim=1),
            ),
            (
                "D's labels are exchanged: real is 1, fake is 0.",
                lambda *a: players.step_of_both(*a, signs=(1, -1)),
            ),
            (
                "G answers D's new weights. Both slopes are asked for at the old ones: apply after both are known.",
                lambda *a: players.step_of_both(*a, in_turn=True),
            ),
            (
                "half a step of D: its loss is the sum of the means over real and fake, not their mean.",
                lambda *a: players.step_of_both(*a, half=0.5),
            ),
        ),
    ),
)
