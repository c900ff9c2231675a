"""Four faults that well-known collections of GANs carry, each in small, with what it costs.

    python benchmarks/faults.py                    all four, three seeds (25 minutes of one core at 155 GFLOP/s)
    python benchmarks/faults.py --fault batch      one: weights, batch, freeze, range; two side by side are
                                                   faster, with one thread each (OMP_NUM_THREADS=1)
    python benchmarks/faults.py --table            writes runs/bench/faults.csv

weights: WGAN-GP whose points between real and fake get normal instead of uniform weights. batch: reals and fakes in one
batch through normalisation. freeze: `trainable = False` once, before D's first step. range: a metric on images in
[0, 1] whose judge expects [-1, 1]. Each with the right way beside it, real data and what has learnt nothing. What is
kept is not computed again without --again. The last line of stdout is one JSON line.
"""

import argparse
import csv
import json
import sys

import numpy as np
from common import RESULTS, keep, kept, progress

from aigc_course import runtime

SEEDS, BATCH = (1, 2, 3), 64
STEPS = {"weights": 2000, "batch": 300, "freeze": 200, "range": 0}  # enough to see the fault, no more
COLUMNS = ("fault", "way", "seed", "measure", "value")


def row(way, measure, value):
    return {"way": way, "measure": measure, "value": round(float(value), 4)}


def weights(seed, steps):
    """Modes (of 25) and share of points within 3 sigma of one, of a WGAN-GP on the grid, five small GANs a seed."""
    import tensorflow as tf

    from aigc_course import collapse, data

    class Normal(collapse.Arena):
        """An arena whose share between real and fake is a Gaussian number: outside [0, 1] for two of three."""

        def random(self, kind, place, shape, **options):
            normal = kind is tf.random.stateless_uniform and not options
            return super().random(tf.random.stateless_normal if normal else kind, place, shape, **options)

    rows, seeds = [], tuple(range(10 * seed, 10 * seed + 5))
    for way, arena_class in (("uniform weights (right)", collapse.Arena), ("normal weights (fault)", Normal)):
        arena = arena_class("wgan-gp", "grid", seeds, steps)
        arena.train()
        found = collapse.score(arena.sample(), "grid")
        rows += [row(way, "modes", np.mean([one.modes for one in found]))]
        rows += [row(way, "high_quality", np.mean([one.high_quality_share for one in found]))]
    rng = np.random.default_rng(seed)
    real = data.grid(collapse.SCORED, rng)[0][None]
    blind = rng.uniform(real.min(), real.max(), real.shape)
    for way, points in (("real", real), ("blind", blind)):
        found = collapse.score(points, "grid")[0]
        rows += [row(way, "modes", found.modes), row(way, "high_quality", found.high_quality_share)]
    return rows


def networks():
    """The article's networks, by the course's faster layers: same function, less time."""
    from aigc_course import models

    return models.build_generator(), models.build_discriminator()


def drawn(generator, seed, count=5000):
    """Images of a generator for fixed noise."""
    z = np.random.default_rng(1000 + seed).standard_normal((count, 100), dtype=np.float32)
    parts = [generator(z[i : i + 500], training=False).numpy() for i in range(0, count, 500)]
    return np.concatenate(parts)


def batch(seed, steps):
    """Judge distance of the Keras guide's GAN: one batch for both, as it stands, and two calls; labels alike noisy."""
    import keras
    import tensorflow as tf
    from loops import guide_model

    from aigc_course import data, metrics

    (x, _), _ = data.load_mnist()
    rows = []
    for way, mended in (("two calls (right)", True), ("one batch (fault)", False)):
        keras.utils.set_random_seed(seed)
        model = guide_model(*networks(), mended=mended, noisy=True)
        stream = data.batches(x, BATCH, seed)
        model.fit(stream, epochs=1, steps_per_epoch=steps, shuffle=False, verbose=0)
        rows.append(row(way, "judge_distance", metrics.judge().distance(drawn(model.generator, seed))))
        real = tf.constant(data.scale(x[:BATCH]))
        fake = tf.constant(drawn(model.generator, seed, BATCH * 8)[:BATCH])
        layers = [layer for layer in model.discriminator.layers if "dropout" not in layer.name]
        reader = keras.Sequential(layers)  # dropout moves a logit too, in any company
        together = reader(tf.concat([fake, real], 0), training=True).numpy()[BATCH:]
        alone = reader(real, training=True).numpy()
        rows.append(row(way, "logit_moved_by_company", np.abs(together - alone).mean()))
    return rows + references(seed)


def references(seed):
    """Real digits and the untrained generator under the judge."""
    import keras

    from aigc_course import data, metrics

    (x, _), _ = data.load_mnist()
    keras.utils.set_random_seed(seed)
    own = data.scale(np.random.default_rng(seed).permutation(x)[:5000])
    rows = [row("real", "judge_distance", metrics.judge().distance(own))]
    return [*rows, row("blind", "judge_distance", metrics.judge().distance(drawn(networks()[0], seed)))]


def freeze(seed, steps):
    """The classic loop with D frozen only while G learns, and frozen once, before everything."""
    import keras
    from loops import classic_step

    from aigc_course import data, metrics

    (x, _), _ = data.load_mnist()
    rows, images = [], data.scale(x)
    for way, once in (("frozen while G learns (right)", False), ("frozen once (fault)", True)):
        keras.utils.set_random_seed(seed)
        generator, discriminator = networks()
        start = [np.array(w) for w in discriminator.trainable_weights]
        learnt = [*discriminator.trainable_weights]
        rng = np.random.default_rng(seed)
        step = (
            frozen_step(generator, discriminator, rng)
            if once
            else classic_step(generator, discriminator, keras, np, rng)
        )
        for _ in range(steps):
            step(images[rng.integers(len(images), size=BATCH)])
        moved = max(float(np.abs(np.array(now) - was).max()) for now, was in zip(learnt, start, strict=True))
        rows.append(row(way, "largest_move_of_D", moved))
        rows.append(row(way, "judge_distance", metrics.judge().distance(drawn(generator, seed))))
    return rows + references(seed)


def frozen_step(generator, discriminator, rng, latent_dim=100):
    """The same loop as in many tutorials for Keras 2: compile D, freeze it, compile G through it, train both."""
    import keras

    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    discriminator.compile(keras.optimizers.Adam(2e-4, beta_1=0.5), loss)
    discriminator.trainable = False  # the fault: in Keras 3 it holds for D's own steps too; a warning says so, once
    z_in = keras.Input((latent_dim,))
    combined = keras.Model(z_in, discriminator(generator(z_in)))
    combined.compile(keras.optimizers.Adam(2e-4, beta_1=0.5), loss)

    def step(real):
        n = len(real)
        fake = generator.predict(rng.standard_normal((n, latent_dim)).astype("float32"), verbose=0, batch_size=n)
        discriminator.train_on_batch(real, np.ones((n, 1)))
        discriminator.train_on_batch(fake, np.zeros((n, 1)))
        combined.train_on_batch(rng.standard_normal((n, latent_dim)).astype("float32"), np.ones((n, 1)))

    return step


def value_range(seed, steps):
    """Judge distance of real digits and of the shipped generator's when one side, or both, are in [0, 1]."""
    from aigc_course import data, gan, metrics

    (x, _), _ = data.load_mnist()
    judge = metrics.judge()
    real = data.scale(np.random.default_rng(seed).permutation(x)[:5000])
    fake = gan.generate_images(
        gan.load_generator(), np.random.default_rng(seed).standard_normal((5000, 100), dtype=np.float32)
    )
    test = data.scale(data.load_mnist()[1][0])
    narrow = metrics.moments(judge.read((test + 1) / 2)[0])
    rows = []
    for way, images in (("real", real), ("generator", np.asarray(fake))):
        squeezed = judge.read((images + 1) / 2)[0]
        rows.append(row(f"{way}, both in [-1, 1] (right)", "judge_distance", judge.distance(images)))
        rows.append(row(f"{way}, images in [0, 1] (fault)", "judge_distance", judge.distance((images + 1) / 2)))
        both = metrics.frechet_of_moments(*metrics.moments(squeezed), *narrow)
        rows.append(row(f"{way}, both in [0, 1] (fault)", "judge_distance", both))
    return rows


FAULTS = {"weights": weights, "batch": batch, "freeze": freeze, "range": value_range}


def run(asked):
    """Computes what is not kept."""
    chosen = [asked.fault] if asked.fault else list(FAULTS)
    for fault, seed in progress([(fault, seed) for fault in chosen for seed in asked.seeds], "faults"):
        name = f"faults/{fault}-{seed}"
        if kept(name) and not asked.again:
            continue
        steps = asked.steps or STEPS[fault]
        keep(name, {"fault": fault, "seed": seed, "steps": steps, "rows": FAULTS[fault](seed, steps)})
    return table()


def table():
    """runs/bench/faults.csv; the means as a dict."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((RESULTS / "faults").glob("*.json"))]
    if not found:
        sys.exit("nothing is kept yet: python benchmarks/faults.py")
    rows = [{"fault": one["fault"], "seed": one["seed"], **line} for one in found for line in one["rows"]]
    with open(RESULTS / "faults.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    means = {}
    for line in rows:
        means.setdefault(f"{line['fault']}: {line['way']}: {line['measure']}", []).append(line["value"])
    return {name: round(float(np.mean(values)), 3) for name, values in means.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fault", choices=list(FAULTS))
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--steps", type=int, help=f"instead of {STEPS}")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--table", action="store_true")
    asked = parser.parse_args()
    if min(asked.seeds) < 0 or (asked.steps is not None and asked.steps < 1):
        parser.error("--seeds must be 0 or more, --steps 1 or more")
    if not asked.table:
        runtime.configure()
        runtime.start(1, report=False)
    print(json.dumps(table() if asked.table else run(asked)))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nstopped; what is kept stays. The same command goes on from there.", file=sys.stderr)
        sys.exit(130)
