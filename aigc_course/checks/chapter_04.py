"""Exercises of chapter 04: training."""

import numpy as np

from aigc_course.checks import fused, orders
from aigc_course.checks.exercise import Exercise
from aigc_course.checks.moves import MISTAKES, batches_and_weights, trained

__all__ = ["EXERCISES"]


def _image_cases(rng):
    """(images (B, 28, 28) uint8,): two of one size, one black and white, one without white, one without black."""
    extremes = np.stack([np.zeros((28, 28), np.uint8), np.full((28, 28), 255, np.uint8)])
    ranges = ((1, 0, 256), (3, 0, 256), (5, 0, 256), (2, 0, 120), (2, 60, 256), (int(rng.integers(6, 12)), 90, 170))
    return [(rng.integers(low, high, (n, 28, 28), dtype=np.uint8),) for n, low, high in ranges] + [(extremes,)]


def _scaled(images):
    return images.astype("float32")[..., None] / 127.5 - 1


def _judge_channel(cases, values):
    """The right numbers without the last axis."""
    if all(
        v[0].shape == case[0].shape and np.allclose(v[0], _scaled(*case)[..., 0])
        for case, v in zip(cases, values, strict=True)
    ):
        return "the channel is missing: a network takes (B, 28, 28, 1)."
    return None


def _average_cases(rng):
    """(weights (T, N), row t after step t, decay): one step, some, many."""
    decays = rng.permutation([rng.uniform(0.9, 0.999), rng.uniform(0.6, 0.9), rng.uniform(0.05, 0.4), 0.99])
    shapes, decays = ((1, 4), (4, 3), (4, 3), (7, 2), (int(rng.integers(8, 30)), 5)), (rng.uniform(0.2, 0.95), *decays)
    return [
        (rng.standard_normal(shape) + rng.choice([-2.0, 2.0]), float(d))
        for shape, d in zip(shapes, decays, strict=True)
    ]


def _average(rows, decay, start=0.0):
    """The exponential moving average of rows, first one first."""
    for row in rows:
        start = decay * start + (1 - decay) * row
    return start


def _corrected(rows, decay):
    return _average(rows, decay) / (1 - decay ** len(rows))


def _corrected_each_time(rows, decay):
    average = 0.0
    for t, row in enumerate(rows, start=1):
        average = (decay * average + (1 - decay) * row) / (1 - decay**t)
    return average


def _corrected_row_by_row(rows, decay):
    return _average([row / (1 - decay**t) for t, row in enumerate(rows, start=1)], decay)


EXERCISES = (
    Exercise(
        key="04.1",
        function="to_network",
        title="Bytes to what a network takes",
        points=1,
        checked="seven batches of images, one black and white, one without any white",
        cases=_image_cases,
        expected=_scaled,
        special=_judge_channel,
        hints=(
            (
                "that goes from 0 to 1. The generator ends in tanh: its images lie in [-1, 1].",
                lambda x: x[..., None] / 255.0,
            ),
            ("that goes from -0.5 to 0.5: half of tanh's range.", lambda x: x[..., None] / 255.0 - 0.5),
            ("divided by 128: white becomes 0.992. 255 / 127.5 - 1 is 1.", lambda x: x[..., None] / 128.0 - 1),
            ("the 1 is not subtracted: that goes from 0 to 2.", lambda x: x[..., None] / 127.5),
            (
                "divided by the largest pixel of the batch: an image then depends on its neighbours. White is 255.",
                lambda x: x[..., None] / (x.max() / 2.0) - 1,
            ),
            ("black and white are exchanged.", lambda x: 1 - x[..., None] / 127.5),
            ("the channel stands in front (B, 1, 28, 28). TensorFlow has it last.", lambda x: x[:, None] / 127.5 - 1),
            (
                "uint8 has wrapped around: 255 + 1 is 0 there. Make floats first.",
                lambda x: (x[..., None] * np.uint8(2) - np.uint8(255)) / 255.0,
            ),
            ("subtracted before the division: 0 became -1 / 127.5.", lambda x: (x[..., None] - 1.0) / 127.5),
        ),
        look="chapter 04, «Data in, data out»",
        onward="Find the straight line through (0, -1) and (255, 1). Then make floats, and one axis more.",
    ),
    Exercise(
        key="04.2",
        function="moving_average",
        title="An average that starts at zero",
        points=2,
        checked="five runs of 1 to 30 steps, with decays from 0.05 to 0.999",
        cases=_average_cases,
        expected=_corrected,
        hints=(
            (
                "that still leans towards the zero that it started from: weights that never change must give "
                "themselves.",
                _average,
            ),
            (
                "you corrected within the recursion: the next step then averages a value that is corrected already. "
                "Keep the plain average, and correct once, behind the last step.",
                _corrected_each_time,
            ),
            (
                "that starts from the first weights, so that they count far more than the second ones.",
                lambda w, d: _average(w[1:], d, w[0]),
            ),
            ("decay and 1 - decay are exchanged.", lambda w, d: _average(w, 1 - d) / (1 - (1 - d) ** len(w))),
            ("that is the plain mean of all steps: decay is not used.", lambda w, d: w.mean(axis=0)),
            ("the last weights came back: nothing is averaged.", lambda w, d: w[-1]),
            (
                "divided by 1 - decay, which is right after one step only.",
                lambda w, d: _average(w, d) / (1 - d),
            ),
            (
                "one step too many in the power: after one step the correction must undo 1 - decay.",
                lambda w, d: _average(w, d) / (1 - d ** (len(w) + 1)),
            ),
            (
                "one step too few in the power: after the first step it is 0, and you divide by 0. Count steps from 1.",
                lambda w, d: _average(w, d) / (1 - d ** (len(w) - 1)),
            ),
            (
                "each row is corrected before it is averaged. What leans towards zero is the average: correct that, "
                "once, behind the last row.",
                _corrected_row_by_row,
            ),
            ("the oldest weights count most: the last row is the newest.", lambda w, d: _corrected(w[::-1], d)),
            (
                "you corrected by multiplying: the average is too small, so divide.",
                lambda w, d: _average(w, d) * (1 - d ** len(w)),
            ),
        ),
        look="chapter 04, «The averaged generator»",
        onward="Let the weights be 1 at every step, start from 0, and write down the average after 1, 2 and 3 steps as "
        "a function of the decay. What must you divide by to get 1?",
    ),
    Exercise(
        key="04.3",
        function="gan_step",
        title="One step of the game, with R1",
        points=3,
        checked="one step of both players, with their penalty, on five batches of 1 to 8 images",
        cases=fused.gan_cases,
        expected=fused.gan_step,
        outputs=4,
        hints=(
            (
                "the penalty is missing: D's loss has γ/2 times the squared slope of its logit.",
                lambda *v: fused.gan_step(*v, pull=lambda w, b: 0.0),
            ),
            (
                "the penalty's slope is twice too large: the ½ and the 2 of the square cancel.",
                lambda *v: fused.gan_step(*v, pull=lambda w, b: 2 * w),
            ),
            (
                "the penalty's slope is half of what it is: the square brings a 2.",
                lambda *v: fused.gan_step(*v, pull=lambda w, b: w / 2),
            ),
            (
                "you added the penalty itself to the gradient; its slope is asked for.",
                lambda *v: fused.gan_step(*v, pull=lambda w, b: w * w / 2),
            ),
            (
                "the penalty pushes w away from 0. It is added to D's loss, and D goes down.",
                lambda *v: fused.gan_step(*v, pull=lambda w, b: -w),
            ),
            ("that is weight decay: R1 asks for the logit's slope in x, in which b does not occur.", fused.bias_too),
            ("the penalty is D's alone: G's weights do not enter the slope of the logit in x.", fused.g_too),
            (
                "the generator answers the *new* discriminator. In the fused step both gradients are taken at the old "
                "parameters.",
                lambda *v: fused.gan_step(*v, first=True),
            ),
            (
                "the discriminator sees images of the *new* generator. Take both gradients first, then move.",
                fused.g_first,
            ),
            (
                "the generator's loss is log(1 - D(G(z))), the saturating one. -log D(G(z)) was asked for.",
                lambda *v: fused.gan_step(*v, saturating=True),
            ),
            (
                "the generator goes the wrong way: it helps D to tell its images apart.",
                lambda *v: fused.gan_step(*v, g=-1),
            ),
            ("the discriminator goes up its loss: subtract rate · slope.", lambda *v: fused.gan_step(*v, d=-1)),
            ("the discriminator's labels are exchanged: real is 1, fake is 0.", fused.exchanged),
            (
                "½ in the discriminator's loss: the game's value has none.",
                lambda w, b, a, c, x, z, r, y: (
                    *fused.gan_step(w, b, a, c, x, z, r / 2, 2 * y)[:2],
                    *fused.gan_step(w, b, a, c, x, z, r, y)[2:],
                ),
            ),
            (
                "you added up over the batch. The losses are means: otherwise the rate depends on the batch size.",
                lambda w, b, a, c, x, z, r, y: fused.gan_step(w, b, a, c, x, z, r * len(x), y / len(x)),
            ),
            (
                "you added up over the batch, the penalty too. All of them are means.",
                lambda w, b, a, c, x, z, r, y: fused.gan_step(w, b, a, c, x, z, r * len(x), y),
            ),
            ("the discriminator does not see the generated images.", lambda *v: fused.gan_step(*v, d_parts=(1.0, 0.0))),
            (
                "the discriminator was shown z itself; it sees G(z) = a z + c.",
                lambda w, b, a, c, x, z, r, y: (
                    *fused.gan_step(w, b, 1.0, 0.0, x, z, r, y)[:2],
                    *fused.gan_step(w, b, a, c, x, z, r, y)[2:],
                ),
            ),
            (
                "in w's slope z stands in the place of G(z): the logit of a fake is w · G(z) + b, and its slope in w "
                "is G(z).",
                fused.noise_in_slope,
            ),
            (
                "the generator's slope lacks the factor w: its image reaches the loss through D's logit, whose slope "
                "in the image is w.",
                fused.without_w,
            ),
            ("the discriminator does not see the real images.", lambda *v: fused.gan_step(*v, d_parts=(0.0, 1.0))),
            ("the generator does not move.", lambda *v: fused.gan_step(*v, g=0)),
            ("the discriminator does not move: defect 7 of the article.", lambda *v: fused.gan_step(*v, d=0)),
        ),
        look="chapter 04, «The training step»",
        onward="Write D's loss for one real x and one z, and differentiate it in w and in b by the chain rule; the "
        "slope of softplus is σ. For the penalty, first ask what d l / d x is when l = w x + b.",
    ),
    Exercise(
        key="04.4",
        function="batch_indices",
        title="An order that can be resumed",
        points=3,
        checked="epochs near and far, asked for out of order: no image twice in an epoch, new order in each, the same "
        "answer when asked again as after a restart, another order for another seed, three sizes",
        cases=orders.order_cases,
        judge=orders.judge_order,
        rtol=0.0,
        how="apart",
        restart=lambda cases: [0, 2, 4],
        look="chapter 04, «Save and resume»",
        onward="Which epoch does `step` belong to, and which batch is it there? Seed a generator with what the order "
        "may depend on, permute all n, and cut out that batch.",
    ),
    Exercise(
        key="04.5",
        function="build_trainer",
        title="A train_step of your own",
        points=3,
        checked="two batches by `fit`, with one, two and three moves of D before G's: all weights, and both losses",
        cases=batches_and_weights,
        expected=trained,
        outputs=3,
        rtol=1e-3,
        atol=2e-5,
        how="as_trainer",
        hints=MISTAKES,
        look="chapter 04, «A keras.Model of our own»",
        onward="Write one move of D with a tape of its own, and let a `for` over range(real.shape[1]) repeat it. "
        "Behind the loop comes one more tape, for G.",
    ),
)
