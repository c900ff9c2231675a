"""Project "thirty": thirty pictures a class; do classical changes, or generated pictures, help a reader of clothes?

    python docs/projects/thirty/thirty.py [--arm real classical generated …] [--seed 1 2 3 …]

Arms, all with the same number of training steps and the same network:
real        the 30 pictures a class, as they are
classical   moved by up to `shift` pixels and mirrored, anew in every batch
generated   a part of each batch drawn from a Gaussian a class, fitted to the same 30 pictures (principal directions)
both        classical changes of the pictures, and the drawn part
oracle      the same part of each batch drawn by the course's conditional generator, which has seen 60,000 pictures: no
            fair rival, a ceiling for what generating could give
more        600 pictures a class as they are: what more real ones would give
blind       the real pictures with shuffled labels: what the test gives for nothing

How far pictures are moved, how much the Gaussians vary and how large their part of a batch is were chosen on the 570
other training pictures of each class (--validate; grid.csv), with seeds that are reported nowhere. Each arm and seed is
one row of results.csv. Rows that are there are not made again.

Arms with one seed share the thirty pictures, the first weights and which pictures come in which batch (more: the first
weights only); what an arm draws beyond that comes from a generator of its own. The rows of grid.csv are of a version in
which each arm drew its own batches.
"""

import argparse
import csv
import sys
import time
from pathlib import Path

from aigc_course import files, runtime

runtime.configure()

import numpy as np  # noqa: E402

HERE = Path(__file__).resolve().parent
ARMS = ("real", "classical", "generated", "both", "oracle", "more", "blind")
SEEDS = tuple(range(1, 11))
COLUMNS = ("arm", "seed", "steps", "accuracy", "seconds")
EACH, STEPS, BATCH = 30, 800, 60
DIRECTIONS = 12  # of each Gaussian
# Chosen on the validation pictures, from what GRID holds: pixels to move by, size of the Gaussians' noise, their part.
KNOBS = {"shift": 1, "noise": 1.0, "part": 0.25}
GRID = (
    ("real", {}),
    *(("classical", {"shift": shift}) for shift in (0, 1, 2)),
    *(("generated", {"noise": noise, "part": part}) for noise in (0.5, 1.0) for part in (0.25, 0.5)),
)
GRID_SEEDS = (101, 102, 103)
GRID_COLUMNS = ("arm", "shift", "noise", "part", "seed", "accuracy")
KEPT = {"classical": 1}  # arm: seed, of the network that is kept for the check


def split(seed):
    """(few images, labels), (the others, labels), (test images, labels); the 30 a class are drawn by the seed."""
    from aigc_course import data

    (images, labels), (x_test, y_test) = data.load_fashion_mnist()
    order = np.random.default_rng(seed).permutation(len(images))
    rank = np.empty(len(images), int)
    for one in range(10):
        mine = order[labels[order] == one]
        rank[mine] = np.arange(len(mine))
    few = rank < EACH
    return (
        (data.scale(images[few]), labels[few]),
        (data.scale(images[~few]), labels[~few]),
        (data.scale(x_test), y_test),
    )


def changed(images, shift, rng):
    """Moved by up to `shift` pixels each way, and half of them mirrored."""
    padded = np.pad(images, ((0, 0), (shift, shift), (shift, shift), (0, 0)), constant_values=-1.0)
    found = np.empty_like(images)
    for i, (down, right) in enumerate(rng.integers(0, 2 * shift + 1, (len(images), 2))):
        found[i] = padded[i, down : down + 28, right : right + 28]
    turned = rng.random(len(images)) < 0.5
    return np.where(turned[:, None, None, None], found[:, :, ::-1], found)


class Gaussians:
    """A generator that thirty pictures can feed: the mean of each class and a few principal directions."""

    def __init__(self, images, labels, noise):
        self.noise, self.parts = noise, []
        for one in range(10):
            rows = images[labels == one].reshape(-1, 784).astype(np.float64)
            mean = rows.mean(axis=0)
            _, sizes, axes = np.linalg.svd(rows - mean, full_matrices=False)
            self.parts.append((mean, axes[:DIRECTIONS] * sizes[:DIRECTIONS, None] / np.sqrt(len(rows) - 1)))

    def draw(self, labels, rng):
        """One picture for each label."""
        weights = self.noise * rng.standard_normal((len(labels), DIRECTIONS))
        rows = np.stack([self.parts[one][0] + w @ self.parts[one][1] for one, w in zip(labels, weights, strict=True)])
        return np.clip(rows, -1, 1).reshape(-1, 28, 28, 1).astype(np.float32)


class Oracle:
    """Pictures drawn once by the shipped conditional generator, 600 a class."""

    def __init__(self, seed):
        from aigc_course import data
        from aigc_course.studio import conditional

        generator, _ = conditional.load_conditional_generator(data.asset("fashion_generator.npz"))
        self.images, _ = conditional.sample_classes(generator, 6000, np.arange(6000) % 10, seed)

    def draw(self, labels, rng):
        """One picture for each label."""
        return self.images[10 * rng.integers(0, 600, len(labels)) + labels]


def batches(arm, seed, steps, few, rest, knobs):
    """`steps` batches (images, labels) of an arm."""
    rng, own = (np.random.default_rng([seed, part]) for part in (2, 3))  # the batches, which all share; the rest
    images, labels = few
    if arm == "more":
        images, labels = (np.concatenate(both) for both in zip(few, rest, strict=True))
    if arm == "blind":
        labels = own.permutation(labels)
    drawn = (
        Gaussians(*few, knobs["noise"]) if arm in ("generated", "both") else Oracle(seed) if arm == "oracle" else None
    )
    for _ in range(steps):
        chosen = rng.integers(0, len(images), BATCH)
        batch, named = images[chosen], labels[chosen]
        if arm in ("classical", "both"):
            batch = changed(batch, knobs["shift"], own)
        if drawn:
            n = int(knobs["part"] * BATCH)
            named = np.concatenate([named[n:], own.integers(0, 10, n)])
            batch = np.concatenate([batch[n:], drawn.draw(named[-n:], own)])
        yield batch, named


def train(arm, seed, steps, few, rest, knobs=KNOBS):
    """A trained classifier of an arm; the rate falls to 0 along half a cosine."""
    import keras
    import tensorflow as tf

    from aigc_course.studio import scores

    keras.utils.set_random_seed(seed)
    network = scores.build_classifier(16)
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps))
    optimizer.build(network.trainable_variables)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function(jit_compile=False)
    def step(images, labels):
        with tf.GradientTape() as tape:
            value = loss(labels, network(images, training=True))
        optimizer.apply(tape.gradient(value, network.trainable_variables), network.trainable_variables)

    for images, labels in batches(arm, seed, steps, few, rest, knobs):
        step(tf.constant(images), tf.constant(labels.astype(np.int32)))
    return network


def accuracy(network, images, labels):
    """The share read as labelled."""
    logits = [network(images[i : i + 500], training=False).numpy() for i in range(0, len(images), 500)]
    return float((np.concatenate(logits).argmax(axis=1) == labels).mean())


def read(path):
    """The rows that are there."""
    if not path.is_file():
        return []
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def add(path, row, columns=COLUMNS):
    """One more row, the file whole or not at all. It is read anew, as another run may have written meanwhile."""
    rows = [*read(path), row]

    def put(part):
        with open(part, "w", encoding="utf-8", newline="") as file:
            out = csv.DictWriter(file, columns, lineterminator="\n")
            out.writeheader()
            out.writerows(rows)

    files.write_whole(path, put)


def validate(out, steps, seeds):
    """grid.csv: accuracy of each choice of knobs on the training pictures that are not among the 30."""
    rows = read(out / "grid.csv")
    for seed in seeds:
        few, rest, _ = split(seed)
        for arm, choice in GRID:
            knobs = {**KNOBS, **choice}
            key = [arm, *(str(choice.get(name, "")) for name in KNOBS), str(seed)]
            if any([row[name] for name in GRID_COLUMNS[:-1]] == key for row in rows):
                continue
            found = accuracy(train(arm, seed, steps, few, rest, knobs), *rest)
            add(out / "grid.csv", dict(zip(GRID_COLUMNS, (*key, round(found, 5)), strict=True)), GRID_COLUMNS)
            print(f"{arm} {choice}, seed {seed}: {found:.4f} on the validation pictures", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--arm", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--seed", type=int, nargs="+", default=None)
    parser.add_argument("--steps", type=int, default=runtime.steps(full=STEPS, fast=10))
    parser.add_argument("--validate", action="store_true", help="try the knobs on the other training pictures")
    parser.add_argument("--out", default=str(HERE))
    arguments = parser.parse_args()
    seeds = arguments.seed or (GRID_SEEDS if arguments.validate else SEEDS)
    if arguments.steps < 1 or min(seeds) < 0:
        parser.exit(2, "error: --steps is 1 or more and seeds are 0 or more\n")
    out = Path(arguments.out)
    if arguments.validate:
        validate(out, arguments.steps, seeds)
        return 0
    done = {(row["arm"], int(row["seed"]), int(row["steps"])) for row in read(out / "results.csv")}
    for seed in seeds:
        few, rest, test = split(seed)
        for arm in arguments.arm:
            if (arm, seed, arguments.steps) in done:
                continue
            started = time.perf_counter()
            network = train(arm, seed, arguments.steps, few, rest)
            found = accuracy(network, *test)
            seconds = round(time.perf_counter() - started, 1)
            row = dict(zip(COLUMNS, (arm, seed, arguments.steps, round(found, 5), seconds), strict=True))
            add(out / "results.csv", row)
            if KEPT.get(arm) == seed:
                files.write_whole(out / f"{arm}.keras", network.save)
            print(f"{arm}, seed {seed}: {found:.4f} in {seconds} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
