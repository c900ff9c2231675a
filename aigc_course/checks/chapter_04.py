"""Exercises of chapter 04: training."""

import itertools

import numpy as np

from aigc_course.checks.chapter_02 import sigmoid
from aigc_course.checks.exercise import Exercise


def image_cases(rng):
    """(images (B, 28, 28) uint8,)."""
    extremes = np.stack([np.zeros((28, 28), np.uint8), np.full((28, 28), 255, np.uint8)])
    return [(rng.integers(0, 256, (n, 28, 28), dtype=np.uint8),) for n in (1, 3, 5)] + [
        (extremes,),
        (rng.integers(0, 120, (2, 28, 28), dtype=np.uint8),),
    ]  # the last: no white


def scaled(images):
    return images.astype("float32")[..., None] / 127.5 - 1


def judge_channel(cases, values):
    """The right numbers without the last axis."""
    if all(v[0].shape == case[0].shape and np.allclose(v[0], scaled(*case)[..., 0])
           for case, v in zip(cases, values, strict=True)):  # fmt: skip
        return "the channel is missing: a network takes (B, 28, 28, 1)."
    return None


def average_cases(rng):
    """(average (N,), weights (N,), decay)."""
    return [(rng.standard_normal(n), rng.standard_normal(n), float(d)) for n, d in ((1, 0.9), (4, 0.99), (6, 0.75))]


def gan_cases(rng):
    """(w, b, a, c, x (B,), z (B,), rate): D(x) = w x + b, G(z) = a z + c."""
    return [(*map(float, rng.normal(0, 1, 4)), rng.normal(2, 1, n), rng.normal(0, 1, n), float(rng.uniform(0.1, 0.5)))
            for n in (2, 5, 8)]  # fmt: skip


def d_slopes(w, b, a, c, x, z, real=1.0, fake=1.0):
    """d d_loss / d (w, b)."""
    g = a * z + c
    at_real, at_fake = -real * sigmoid(-(w * x + b)), fake * sigmoid(w * g + b)
    return (at_real * x + at_fake * g).mean(), (at_real + at_fake).mean()


def g_slopes(w, b, a, c, z, saturating=False):
    """d g_loss / d (a, c)."""
    logit = w * (a * z + c) + b
    slope = -sigmoid(logit) if saturating else -sigmoid(-logit)
    return (slope * w * z).mean(), (slope * w).mean()


def gan_step(w, b, a, c, x, z, rate, d=1.0, g=1.0, first=False, d_parts=(1.0, 1.0), saturating=False):
    """One step of plain gradient descent for both; d and g scale the rates, first: G answers the new D."""
    dw, db = d_slopes(w, b, a, c, x, z, *d_parts)
    new_w, new_b = w - d * rate * dw, b - d * rate * db
    da, dc = g_slopes(*((new_w, new_b) if first else (w, b)), a, c, z, saturating)
    return new_w, new_b, a - g * rate * da, c - g * rate * dc


def exchanged(w, b, a, c, x, z, rate):
    """Labels of D exchanged."""
    g = a * z + c
    at_real, at_fake = sigmoid(w * x + b), -sigmoid(-(w * g + b))
    dw, db = (at_real * x + at_fake * g).mean(), (at_real + at_fake).mean()
    return w - rate * dw, b - rate * db, *gan_step(w, b, a, c, x, z, rate)[2:]


def g_first(w, b, a, c, x, z, rate):
    """D sees what the new G draws."""
    new_a, new_c = gan_step(w, b, a, c, x, z, rate)[2:]
    return *gan_step(w, b, new_a, new_c, x, z, rate)[:2], new_a, new_c


def order_cases(rng):
    """(seed, step, n, batch_size): three epochs out of order, one step twice, three epochs of another seed."""
    seed, n, size = int(rng.integers(1, 1000)), int(rng.integers(42, 47)), 8  # 5 whole batches an epoch, some left over
    steps = [int(step) for step in rng.permutation(15)]
    first = [(seed, step, n, size) for step in (*steps, steps[3])]
    return first + [(seed + 1, step, n, size) for step in range(5)]


def judge_order(cases, values):
    """Properties of a data order that is a function of seed and step."""
    n, size = cases[0][2:]
    for (_, step, _, _), (got,) in zip(cases, values, strict=True):
        if got.shape != (size,):
            return f"step {step} must give {size} indices, shape ({size},); shape {got.shape} came."
        if not (got == np.floor(got)).all() or got.min() < 0 or got.max() >= n:
            return f"indices are whole numbers from 0 to n - 1 = {n - 1}; step {step} gave others."
    found = {case[:2]: values[i][0] for i, case in enumerate(cases[:15])}
    repeat = next(case[:2] for case in cases[15:16])
    if not np.array_equal(found[repeat], values[15][0]):
        return "the same seed and step gave another batch the second time: a resumed run would see other data."
    seed, epoch = cases[0][0], n // size
    epochs = [np.concatenate([found[seed, e * epoch + i] for i in range(epoch)]) for e in range(3)]
    other = np.concatenate([value[0] for value in values[16:]])
    if all(len(np.unique(found[key])) == size for key in found) and any(len(np.unique(e)) < len(e) for e in epochs):
        return "within one epoch some images come twice: cut one permutation of all images into batches."
    if any(len(np.unique(e)) < len(e) for e in epochs):
        return "one batch holds an image twice: draw without replacement."
    if any(np.array_equal(e, np.arange(len(e))) for e in epochs):
        return "the images come in the order of the file: MNIST's may be mixed, other sets are sorted by class."
    if all(np.concatenate(epochs) < epoch * size):
        return f"the last {n - epoch * size} images are never seen: permute all n, then cut off what is left over."
    together = [{frozenset(e[i : i + size]) for i in range(0, len(e), size)} for e in epochs]
    if not np.array_equal(epochs[0], epochs[1]) and together[0] == together[1]:
        return "the same images stand together in every epoch: shuffle the images, not whole batches."
    if np.array_equal(other, epochs[1]):
        return "epoch 1 of one seed is epoch 0 of the next: keep both apart, for example default_rng([seed, epoch])."
    if np.array_equal(epochs[0], epochs[1]):
        return "every epoch has the same order: let the epoch, step // (n // batch_size), enter the seed."
    if np.array_equal(epochs[0], other):
        return "another seed gives the same order."
    follows = [{(int(a), int(b)) for a, b in itertools.pairwise(e)} for e in epochs]
    if len(follows[0] & follows[1]) > len(epochs[0]) // 2:
        return "the second epoch is the first one, shifted or going round: make a new permutation for each epoch."
    return None


EXERCISES = (
    Exercise(
        key="04.1", function="to_network", title="Bytes to what a network takes", points=1,
        checked="five batches of images, one black and white, one without any white",
        cases=image_cases, expected=scaled, special=judge_channel,
        hints=(
            ("that goes from 0 to 1. The generator ends in tanh: its images lie in [-1, 1].",
             lambda x: x[..., None] / 255.0),
            ("that goes from -0.5 to 0.5: half of tanh's range.", lambda x: x[..., None] / 255.0 - 0.5),
            ("divided by 128: white becomes 0.992. 255 / 127.5 - 1 is 1.", lambda x: x[..., None] / 128.0 - 1),
            ("the 1 is not subtracted: that goes from 0 to 2.", lambda x: x[..., None] / 127.5),
            ("divided by the largest pixel of the batch: an image would then depend on its neighbours. White is 255.",
             lambda x: x[..., None] / (x.max() / 2.0) - 1),
            ("black and white are exchanged.", lambda x: 1 - x[..., None] / 127.5),
            ("the channel stands in front (B, 1, 28, 28). TensorFlow has it last.",
             lambda x: x[:, None] / 127.5 - 1),
            ("uint8 has wrapped around: 255 + 1 is 0 there. Make floats first.",
             lambda x: (x[..., None] * np.uint8(2) - np.uint8(255)) / 255.0),
            ("subtracted before the division: 0 became -1 / 127.5.", lambda x: (x[..., None] - 1.0) / 127.5),
        ),
    ),
    Exercise(
        key="04.2", function="moving_average", title="The averaged generator", points=1,
        checked="three averages with decays from 0.75 to 0.99",
        cases=average_cases, expected=lambda m, w, d: d * m + (1 - d) * w,
        hints=(
            ("decay and 1 - decay are exchanged: 0.99 keeps nearly all of the *old* average.",
             lambda m, w, d: (1 - d) * m + d * w),
            ("the new weights came back: nothing is averaged.", lambda m, w, d: w),
            ("that is the plain mean of both: decay is not used.", lambda m, w, d: (m + w) / 2),
            ("the weights are added in full: the two shares must add up to 1.", lambda m, w, d: d * m + w),
            ("the old average is not damped: the two shares must add up to 1.", lambda m, w, d: m + (1 - d) * w),
            ("the difference has the wrong sign: the average moves towards the weights.",
             lambda m, w, d: m - (1 - d) * (w - m)),
            ("the average moved the whole way by decay: it moves by 1 - decay of the difference, the rest is memory.",
             lambda m, w, d: m * (1 + d) + (1 - d) * w),
        ),
    ),
    Exercise(
        key="04.3", function="gan_step", title="One step of the game", points=3,
        checked="the four new parameters for three batches",
        cases=gan_cases, expected=gan_step, outputs=4,
        hints=(
            ("the generator answers the *new* discriminator. In the fused step both gradients are taken at the old "
             "parameters.", lambda *v: gan_step(*v, first=True)),
            ("the discriminator sees images of the *new* generator. Take both gradients first, then move.", g_first),
            ("the generator's loss is log(1 - D(G(z))), the saturating one. -log D(G(z)) was asked for.",
             lambda *v: gan_step(*v, saturating=True)),
            ("the generator goes the wrong way: it helps D to tell its images apart.", lambda *v: gan_step(*v, g=-1)),
            ("the discriminator goes up its loss: subtract rate · slope.", lambda *v: gan_step(*v, d=-1)),
            ("the discriminator's labels are exchanged: real is 1, fake is 0.", exchanged),
            ("½ in the discriminator's loss: the game's value has none.", lambda *v: gan_step(*v, d=0.5)),
            ("you added up over the batch. The losses are means: otherwise the rate depends on the batch size.",
             lambda w, b, a, c, x, z, r: gan_step(w, b, a, c, x, z, r * len(x))),
            ("the discriminator does not see the generated images.", lambda *v: gan_step(*v, d_parts=(1.0, 0.0))),
            ("the discriminator was shown z itself; it sees G(z) = a z + c.",
             lambda w, b, a, c, x, z, r: (*gan_step(w, b, 1.0, 0.0, x, z, r)[:2], *gan_step(w, b, a, c, x, z, r)[2:])),
            ("the discriminator does not see the real images.", lambda *v: gan_step(*v, d_parts=(0.0, 1.0))),
            ("the generator does not move.", lambda *v: gan_step(*v, g=0)),
            ("the discriminator does not move: defect 7 of the article.", lambda *v: gan_step(*v, d=0)),
        ),
    ),
    Exercise(
        key="04.4", function="batch_indices", title="An order that can be resumed", points=3,
        checked="three epochs asked for out of order: no image twice in an epoch, new order in each, the same "
                "answer when asked again, another order for another seed",
        cases=order_cases, judge=judge_order,
    ),
)  # fmt: skip
