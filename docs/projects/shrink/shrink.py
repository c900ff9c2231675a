"""Project "shrink": how small can the article's generator be at equal steps?

    python docs/projects/shrink/shrink.py [--width 1 0.5 0.25 0.125] [--seed 7 8 9] [--steps 1200]

Each width and seed is one row of results.csv; rows that are there are not made again. Run it from anywhere; what it
writes lies beside it. With AIGC_FAST=1 a run is a few steps, to show that the code works, and goes to the folder that
--out names.
"""

import argparse
import csv
import sys
import time
from pathlib import Path

from aigc_course import files, runtime

runtime.configure()

HERE = Path(__file__).resolve().parent
COLUMNS = ("width", "seed", "steps", "parameters", "judge_distance", "seconds")
WIDTHS, SEEDS, STEPS = (1.0, 0.5, 0.25, 0.125), (7, 8, 9), 1200
KEPT = (0.125, 7)  # the run whose network is kept for the check


def build_narrow(width):
    """The article's generator with `width` times its channels in each hidden layer; noise of 100 as it was."""
    import keras
    from keras import layers

    first, second, third = (max(4, round(width * channels)) for channels in (256, 128, 64))
    return keras.Sequential(
        [
            layers.Input((100,)),
            layers.Dense(7 * 7 * first),
            layers.Reshape((7, 7, first)),
            layers.Conv2DTranspose(second, 4, strides=2, padding="same"),
            layers.BatchNormalization(momentum=0.8),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Conv2DTranspose(third, 4, strides=2, padding="same"),
            layers.BatchNormalization(momentum=0.8),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Conv2D(1, 4, padding="same", activation="tanh"),
        ],
        name="narrow_generator",
    )


def train(width, seed, steps):
    """The averaged generator after `steps` steps of the course's recipe; the discriminator is the article's."""
    from aigc_course import data, gan, models, recipe

    runtime.start(seed, report=False)
    (images, _), _ = data.load_mnist()
    game = gan.GAN(
        build_narrow(width),
        models.build_discriminator(),
        objective="smoothed",
        seed=seed,
        step="d_first",
        r1=recipe.RECIPE["r1"],
        g_dropout=False,
    )
    game.compile(*(gan.adam(rate, recipe.RECIPE["beta_2"]) for rate in recipe.RECIPE["rates"]))
    share = recipe.RECIPE["grow_at"] / recipe.STEPS  # the batch grows after the same share of the steps
    sizes = {"batch_size": 16, "later_batch_size": 64, "grow_at": max(1, int(share * steps))}
    if not recipe.fit_to(game, images, recipe.phases(sizes, 0, steps), [], verbose=0):
        raise KeyboardInterrupt
    return game.ema_generator


def score(network, seed, n):
    """Judge distance of n drawn digits."""
    import numpy as np

    from aigc_course import gan, metrics

    noise = np.random.default_rng(1000 + seed).standard_normal((n, 100), dtype=np.float32)
    return float(metrics.judge_distance(gan.generate_images(network, noise), verbose=False))


def read(path):
    """The rows that are there."""
    if not path.is_file():
        return []
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def add(path, new):
    """More rows, the file whole or not at all. It is read anew, as another run may have written meanwhile."""
    names = {(row["width"], str(row["seed"]), str(row["steps"])) for row in new}
    rows = [row for row in read(path) if (row["width"], row["seed"], row["steps"]) not in names] + new

    def put(part):
        with open(part, "w", encoding="utf-8", newline="") as file:
            out = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            out.writeheader()
            out.writerows(rows)

    files.write_whole(path, put)


def references(out, n):
    """The rows "real" and "blind": real digits in the place of drawn ones, and a generator that learnt nothing."""
    import keras
    import numpy as np

    from aigc_course import data, metrics

    if any(row["width"] == "blind" for row in read(out / "results.csv")):
        return
    (images, _), _ = data.load_mnist()
    rows = []
    for seed in SEEDS:
        chosen = np.random.default_rng(seed).permutation(len(images))[:n]
        real = float(metrics.judge_distance(data.scale(images[chosen]), verbose=False))
        keras.utils.set_random_seed(seed)
        blind = score(build_narrow(1.0), seed, n)
        rows += [
            {"width": name, "seed": seed, "steps": 0, "parameters": 0, "judge_distance": round(found, 4), "seconds": 0}
            for name, found in (("real", real), ("blind", blind))
        ]
    add(out / "results.csv", rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=float, nargs="+", default=list(WIDTHS))
    parser.add_argument("--seed", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--steps", type=int, default=runtime.steps(full=STEPS, fast=4))
    parser.add_argument("--out", default=str(HERE))
    arguments = parser.parse_args()
    if not all(0.03 <= width <= 2 for width in arguments.width) or arguments.steps < 1:
        parser.exit(2, "error: --width lies in 0.03 … 2 and --steps is 1 or more\n")
    out, n = Path(arguments.out), runtime.steps(full=5000, fast=200)
    references(out, n)
    done = {(row["width"], int(row["seed"]), int(row["steps"])) for row in read(out / "results.csv")}
    for seed in arguments.seed:
        for width in arguments.width:
            if (f"{width:g}", seed, arguments.steps) in done:
                continue
            started = time.perf_counter()
            network = train(width, seed, arguments.steps)
            seconds = time.perf_counter() - started
            row = {"width": f"{width:g}", "seed": seed, "steps": arguments.steps, "parameters": network.count_params()}
            row |= {"judge_distance": round(score(network, seed, n), 4), "seconds": round(seconds, 1)}
            add(out / "results.csv", [row])
            if (width, seed) == KEPT:
                files.write_whole(out / "small.keras", network.save)
            print(f"width {width:g}, seed {seed}: {row['judge_distance']} in {seconds:.0f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
