"""Exercises of chapter 04: training."""

import itertools

import numpy as np

from aigc_course.checks.exercise import Exercise
from aigc_course.checks.formulas import sigmoid
from aigc_course.checks.moves import MISTAKES, batches_and_weights, trained

__all__ = ["EXERCISES", "gan_step"]


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


def _gan_cases(rng):
    """(w, b, a, c, x (B,), z (B,), rate, gamma): D(x) = w x + b, G(z) = a z + c; two of one size, one single image."""
    return [
        (
            *map(float, rng.normal(0, 1, 4)),
            rng.normal(2, 1, n),
            rng.normal(0, 1, n),
            *map(float, rng.uniform([0.02, 0.5], [0.6, 4.0])),
        )
        for n in (2, 5, 8, 5, 1)
    ]


def _d_slopes(w, b, a, c, x, z, real=1.0, fake=1.0):
    """d d_loss / d (w, b), without the penalty."""
    g = a * z + c
    at_real, at_fake = -real * sigmoid(-(w * x + b)), fake * sigmoid(w * g + b)
    return (at_real * x + at_fake * g).mean(), (at_real + at_fake).mean()


def _g_slopes(w, b, a, c, z, saturating=False):
    """d g_loss / d (a, c)."""
    logit = w * (a * z + c) + b
    slope = -sigmoid(logit) if saturating else -sigmoid(-logit)
    return (slope * w * z).mean(), (slope * w).mean()


def gan_step(
    w, b, a, c, x, z, rate, gamma, d=1.0, g=1.0, first=False, d_parts=(1.0, 1.0), saturating=False, pull=lambda w, b: w
):
    """One step of gradient descent for both; d and g scale the rates, first: G answers the new D, pull: R1's slope."""
    dw, db = _d_slopes(w, b, a, c, x, z, *d_parts)
    new_w, new_b = w - d * rate * (dw + gamma * pull(w, b)), b - d * rate * db
    da, dc = _g_slopes(*((new_w, new_b) if first else (w, b)), a, c, z, saturating)
    return new_w, new_b, a - g * rate * da, c - g * rate * dc


def _exchanged(w, b, a, c, x, z, rate, gamma):
    """Labels of D exchanged."""
    g = a * z + c
    at_real, at_fake = sigmoid(w * x + b), -sigmoid(-(w * g + b))
    dw, db = (at_real * x + at_fake * g).mean() + gamma * w, (at_real + at_fake).mean()
    return w - rate * dw, b - rate * db, *gan_step(w, b, a, c, x, z, rate, gamma)[2:]


def _g_first(w, b, a, c, x, z, rate, gamma):
    """D sees what the new G draws."""
    new_a, new_c = gan_step(w, b, a, c, x, z, rate, gamma)[2:]
    return *gan_step(w, b, new_a, new_c, x, z, rate, gamma)[:2], new_a, new_c


def _noise_in_slope(w, b, a, c, x, z, rate, gamma):
    """In w's slope z stands where G(z) should; the logit is right."""
    at_real, at_fake = -sigmoid(-(w * x + b)), sigmoid(w * (a * z + c) + b)
    dw = (at_real * x + at_fake * z).mean() + gamma * w
    return w - rate * dw, *gan_step(w, b, a, c, x, z, rate, gamma)[1:]


def _without_w(w, b, a, c, x, z, rate, gamma):
    """G's slope without the way through D."""
    slope = -sigmoid(-(w * (a * z + c) + b))
    new = gan_step(w, b, a, c, x, z, rate, gamma)[:2]
    return *new, a - rate * (slope * z).mean(), c - rate * slope.mean()


def _bias_too(w, b, a, c, x, z, rate, gamma):
    """The penalty on all of D's weights, as weight decay has it."""
    new = gan_step(w, b, a, c, x, z, rate, gamma)
    return new[0], new[1] - rate * gamma * b, *new[2:]


def _g_too(w, b, a, c, x, z, rate, gamma):
    """The penalty on G's slope too."""
    new = gan_step(w, b, a, c, x, z, rate, gamma)
    return *new[:2], new[2] - rate * gamma * a, new[3]


_APART = (2520, 1000, 1024)  # epochs that an order of period 1 to 10, a power of two or a power of ten takes for one


def _order_cases(rng):
    """(rows of (seed, step, n, batch_size),): each case is answered in a process of its own, every row in two of them.

    Three whole epochs, one of the next seed, single steps from far epochs and of far seeds; then two epochs of another
    size with nothing left over, then some batches of MNIST's 60,000 images.
    """
    seed, n, size = 2 * int(rng.integers(1, 450)), int(rng.integers(43, 47)), 8  # 5 whole batches, 3 to 6 left over
    place, start = int(rng.integers(5)), int(rng.integers(3, 60))
    main = [(seed, step, n, size) for step in range(15)] + [(seed + 1, step, n, size) for step in range(5)]
    main += [(seed, 5 * (start + apart) + place, n, size) for apart in (0, *_APART)]
    main += [(seed + apart, place, n, size) for apart in (100, *_APART)]
    size, batches = int(rng.integers(4, 7)), int(rng.integers(3, 7))
    whole = [(seed, step, size * batches, size) for step in range(2 * batches)]
    large = [(seed, int(step), 60_000, 64) for step in (0, 937, *rng.integers(1, 1874, 2))]
    return [case for rows in (main, whole, large) for case in _shared(np.array(rows), rng)]


def _shared(rows, rng):
    """Rows for two processes, mixed: half each, and then some of the other's, so that both answer them."""
    mixed = rng.permutation(rows)
    half = len(rows) // 2
    return [(mixed[: half + 2],), (mixed[half - 2 :][::-1],)]


def _judge_order(cases, values):
    """Properties of a data order that is a function of seed and step."""
    found, unlike = {}, False
    for (rows,), (answers,) in zip(cases, values, strict=True):
        if answers.shape[:1] != rows.shape[:1]:
            return f"{len(rows)} steps were asked for; answers of shape {answers.shape} came."
        for case, got in zip(map(tuple, rows.tolist()), answers, strict=True):
            _, step, n, size = case
            if got.shape != (size,):
                return f"step {step} must give {size} indices, shape ({size},); shape {got.shape} came."
            if not (got == np.floor(got)).all() or got.min() < 0 or got.max() >= n:
                return f"indices are whole numbers from 0 to n - 1 = {n - 1}; step {step} gave others."
            unlike = unlike or not np.array_equal(found.setdefault(case, got), got)
    if unlike:
        return (
            "the same seed and step gave another batch the second time: a resumed run would see other data. Half of "
            "the calls are made as after a restart: nothing that another call has drawn is there."
        )
    first = min(case for case in found if case[3] == 8)  # step 0 of the seed
    seed, _, n, size = first
    epochs = [np.concatenate([found[seed, e * 5 + i, n, size] for i in range(5)]) for e in range(3)]
    other = np.concatenate([found[seed + 1, i, n, size] for i in range(5)])
    return _judge_epochs(epochs, other, n, size) or _judge_far(found, first) or _judge_sizes(found, first)


def _judge_epochs(epochs, other, n, size):
    """Three whole epochs of one seed, and the first one of another."""
    seen = [len(np.unique(batch)) == size for epoch in epochs for batch in epoch.reshape(-1, size)]
    if any(len(np.unique(e)) < len(e) for e in epochs):
        if all(seen):
            return "within one epoch some images come twice: cut one permutation of all images into batches."
        return "one batch holds an image twice: draw without replacement."
    if any(np.array_equal(e, np.arange(len(e))) for e in epochs):
        return "the images come in the order of the file: MNIST's may be mixed, other sets are sorted by class."
    if all(np.concatenate(epochs) < len(epochs[0])):
        return f"the last {n - len(epochs[0])} images are never seen: permute all n, then cut off what is left over."
    together = [{frozenset(e[i : i + size]) for i in range(0, len(e), size)} for e in epochs]
    again = {a for a, b in itertools.permutations(range(3), 2) if together[a] == together[b]}
    if any(not np.array_equal(epochs[a], epochs[b]) for a, b in itertools.combinations(again, 2)):
        return "the same images stand together in every epoch: shuffle the images, not whole batches."
    if np.array_equal(other, epochs[1]):
        return (
            "epoch 1 of one seed is epoch 0 of the next, as with seed + epoch: two runs that should differ see the "
            "same batches, an epoch apart. A generator takes a pair of whole numbers as its seed, too."
        )
    if any(np.array_equal(a, b) for a, b in itertools.combinations(epochs, 2)):
        return "every epoch has the same order: let the epoch, step // (n // batch_size), enter the seed."
    if np.array_equal(epochs[0], other):
        return "another seed gives the same order."
    for a, b in itertools.combinations([*epochs, other], 2):
        if len(_neighbours(a) & (_neighbours(b) | _neighbours(b[::-1]))) > len(a) // 2:
            return (
                "the second epoch is the first one, shifted or going round (or backwards, or the next seed's): make "
                "a new permutation for each epoch."
            )
    if len({frozenset(e) for e in epochs}) == 1:
        return "the same images are left out in every epoch: permute all n anew, then cut off what is left over."
    return None


def _neighbours(order):
    """Pairs of images that follow each other."""
    return {(int(a), int(b)) for a, b in itertools.pairwise(order)}


def _judge_far(found, first):
    """Single steps: far epochs and far seeds must not repeat near ones."""
    seed, _, n, size = first
    here = {case[:2]: batch for case, batch in found.items() if case[2:] == (n, size)}
    far = [(step, batch) for (s, step), batch in here.items() if s == seed and step >= 15]
    if any(np.array_equal(a, b) for (_, a), (_, b) in itertools.combinations(far, 2)):
        return (
            "later epochs repeat earlier ones: the whole number of the epoch must enter, not its rest or its first few."
        )
    place = far[0][0] % 5
    seeds = [batch for (s, step), batch in here.items() if step == place and s != seed + 1]
    if any(np.array_equal(a, b) for a, b in itertools.combinations(seeds, 2)):
        return "seeds that lie far apart give the same order: the whole seed must enter, not its rest."
    return None


def _judge_sizes(found, first):
    """Other sizes: two whole epochs without anything left over, and some batches of MNIST's 60,000."""
    others = {case: batch for case, batch in found.items() if case[2] not in (first[2], 60_000)}
    (seed, _, n, size), batches = next(iter(others)), len(others) // 2
    epochs = [np.concatenate([others[seed, e * batches + i, n, size] for i in range(batches)]) for e in range(2)]
    if any(len(np.unique(epoch)) < n for epoch in epochs):
        return f"with n = {n} and batches of {size} nothing is left over: each image must come once an epoch."
    if np.array_equal(*epochs) or any(np.array_equal(epoch, np.arange(n)) for epoch in epochs):
        return f"with n = {n} and batches of {size} both epochs have the same order, or that of the file."
    large = [batch for case, batch in found.items() if case[2] == 60_000]
    if any(len(np.unique(batch)) < len(batch) for batch in large):
        return "one batch of 60,000 images holds an image twice: draw without replacement."
    if np.mean(large) > 45_000 or np.mean(large) < 15_000 or any(np.ptp(batch) < 30_000 for batch in large):
        return "batches of 60,000 images come from one part of them: permute all n."
    return None


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
        cases=_gan_cases,
        expected=gan_step,
        outputs=4,
        hints=(
            (
                "the penalty is missing: D's loss has γ/2 times the squared slope of its logit.",
                lambda *v: gan_step(*v, pull=lambda w, b: 0.0),
            ),
            (
                "the penalty's slope is twice too large: the ½ and the 2 of the square cancel.",
                lambda *v: gan_step(*v, pull=lambda w, b: 2 * w),
            ),
            (
                "the penalty's slope is half of what it is: the square brings a 2.",
                lambda *v: gan_step(*v, pull=lambda w, b: w / 2),
            ),
            (
                "you added the penalty itself to the gradient; its slope is asked for.",
                lambda *v: gan_step(*v, pull=lambda w, b: w * w / 2),
            ),
            (
                "the penalty pushes w away from 0. It is added to D's loss, and D goes down.",
                lambda *v: gan_step(*v, pull=lambda w, b: -w),
            ),
            ("that is weight decay: R1 asks for the logit's slope in x, in which b does not occur.", _bias_too),
            ("the penalty is D's alone: G's weights do not enter the slope of the logit in x.", _g_too),
            (
                "the generator answers the *new* discriminator. In the fused step both gradients are taken at the old "
                "parameters.",
                lambda *v: gan_step(*v, first=True),
            ),
            ("the discriminator sees images of the *new* generator. Take both gradients first, then move.", _g_first),
            (
                "the generator's loss is log(1 - D(G(z))), the saturating one. -log D(G(z)) was asked for.",
                lambda *v: gan_step(*v, saturating=True),
            ),
            ("the generator goes the wrong way: it helps D to tell its images apart.", lambda *v: gan_step(*v, g=-1)),
            ("the discriminator goes up its loss: subtract rate · slope.", lambda *v: gan_step(*v, d=-1)),
            ("the discriminator's labels are exchanged: real is 1, fake is 0.", _exchanged),
            (
                "½ in the discriminator's loss: the game's value has none.",
                lambda w, b, a, c, x, z, r, y: (
                    *gan_step(w, b, a, c, x, z, r / 2, 2 * y)[:2],
                    *gan_step(w, b, a, c, x, z, r, y)[2:],
                ),
            ),
            (
                "you added up over the batch. The losses are means: otherwise the rate depends on the batch size.",
                lambda w, b, a, c, x, z, r, y: gan_step(w, b, a, c, x, z, r * len(x), y / len(x)),
            ),
            (
                "you added up over the batch, the penalty too. All of them are means.",
                lambda w, b, a, c, x, z, r, y: gan_step(w, b, a, c, x, z, r * len(x), y),
            ),
            ("the discriminator does not see the generated images.", lambda *v: gan_step(*v, d_parts=(1.0, 0.0))),
            (
                "the discriminator was shown z itself; it sees G(z) = a z + c.",
                lambda w, b, a, c, x, z, r, y: (
                    *gan_step(w, b, 1.0, 0.0, x, z, r, y)[:2],
                    *gan_step(w, b, a, c, x, z, r, y)[2:],
                ),
            ),
            (
                "in w's slope z stands in the place of G(z): the logit of a fake is w · G(z) + b, and its slope in w "
                "is G(z).",
                _noise_in_slope,
            ),
            (
                "the generator's slope lacks the factor w: its image reaches the loss through D's logit, whose slope "
                "in the image is w.",
                _without_w,
            ),
            ("the discriminator does not see the real images.", lambda *v: gan_step(*v, d_parts=(0.0, 1.0))),
            ("the generator does not move.", lambda *v: gan_step(*v, g=0)),
            ("the discriminator does not move: defect 7 of the article.", lambda *v: gan_step(*v, d=0)),
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
        cases=_order_cases,
        judge=_judge_order,
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
