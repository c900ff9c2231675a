"""Stacked MNIST: three digits as colour channels, 1,000 modes (Metz et al., 2017; protocol of PacGAN).

    python benchmarks/stacked_mnist.py --method gan|best --seed 7 --images 300000
    python benchmarks/stacked_mnist.py --method gan|best --seed 7 --minutes 40

trains on so many images or for so many minutes (from the checkpoint on, if there is one: Ctrl-C loses at most the last
part) and keeps modes and KL over 25,600 samples along the way in runs/bench/stacked/METHOD-SEED.json. `--table`
collects them. Over the last 30 % both methods' rates fall to 2 %.
"""

import argparse
import contextlib
import csv
import json
import sys
import time

import numpy as np
from common import RESULTS, keep

from aigc_course import files, runtime

SAMPLES = 25_600
BIAS = 999 / (2 * SAMPLES)  # of the KL of so many samples over 1,000 modes (Miller, 1955), in nats
FOLDER = RESULTS / "stacked"
# Same generator, data, batch sizes, settling and average. gan: the article's discriminator and the non-saturating loss,
# rates as in chapter 04. best: relativistic pairs with R1 and R2 (R3GAN), a critic without batch normalisation.
METHODS = {
    "gan": {"objective": "non_saturating", "rates": (1e-3, 5e-4), "beta_2": 0.999, "slopes": 0.0, "critic": False},
    "best": {"objective": "relativistic", "rates": (2e-3, 1e-3), "beta_2": 0.99, "slopes": 0.3, "critic": True},
}
# From which share of the training on: images a batch, factor of R1 and R2, decay of the averaged generator. The first
# 40,000 images come 16 at a time, as in chapter 04.
STAGES = ((0.0, 64, 1.0, 0.998), (0.35, 64, 0.3, 0.998), (0.7, 128, 0.1, 0.999))
SMALL, SMALL_UNTIL = 16, 40_000


def build(method, seed):
    """A compiled `gan.GAN` for (28, 28, 3)."""
    from aigc_course import gan, models

    recipe, shape = METHODS[method], (28, 28, 3)
    critic = models.build_critic(shape) if recipe["critic"] else models.build_discriminator(shape)
    slopes = {"r1": recipe["slopes"], "r2": recipe["slopes"]}
    generator = models.build_generator(channels=3)
    model = gan.GAN(generator, critic, objective=recipe["objective"], step="d_first", seed=seed, **slopes)
    model.compile(*(gan.adam(rate, recipe["beta_2"]) for rate in recipe["rates"]))
    return model


class Budget:
    """How far a training is, in images or in seconds, whichever was asked for."""

    def __init__(self, images, minutes, kept):
        last = kept["curve"][-1] if kept["curve"] else {"seconds": 0.0, "images": 0}
        self.images, self.minutes = images, minutes
        self.seen, self.before, self.started = last["images"], last["seconds"], None

    @property
    def seconds(self):
        return self.before + (time.perf_counter() - self.started if self.started else 0.0)

    @property
    def share(self):
        return min(1.0, self.seen / self.images if self.images else self.seconds / (60 * self.minutes))

    def stage(self):
        """(images a batch, factor of R1 and R2, decay of the average) from here on."""
        _, size, factor, decay = [stage for stage in STAGES if stage[0] <= self.share][-1]
        return (SMALL if self.seen < SMALL_UNTIL else size), factor, decay


def train_part(model, recipe, images, budget, seconds):
    """Trains for about so many seconds of one stage, the rates settling on the way."""
    import keras

    from aigc_course import collapse, data

    size, factor, decay = stage = budget.stage()
    wanted = (recipe["slopes"] * factor, recipe["slopes"] * factor, decay)
    if (model.r1, model.r2, model.ema_decay) != wanted:
        model.r1, model.r2, model.ema_decay = wanted
        model.make_train_function(force=True)  # they are constants of the traced step

    class Settle(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            for optimizer, rate in zip((model.d_optimizer, model.g_optimizer), recipe["rates"], strict=True):
                optimizer.learning_rate.assign(rate * collapse.settled(budget.share))

        def on_train_batch_end(self, batch, logs=None):
            budget.seen += size
            over = time.perf_counter() - budget.started > seconds
            if over or budget.share >= 1 or budget.stage() != stage:
                model.stop_training = True
                raise Over

    budget.started = time.perf_counter()
    with contextlib.suppress(Over):
        stream = data.stacked_batches(images, size, model.seed, start=model.step)
        model.fit(stream, steps_per_epoch=10**6, verbose=0, callbacks=[Settle()])
    budget.before, budget.started = budget.seconds, None


class Over(Exception):
    """A part of the training is over."""


def run(method, seed, images, minutes, every, threads):
    runtime.configure()
    import tensorflow as tf

    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    runtime.start(seed, report=False)
    from aigc_course import data, gan, metrics, plots

    FOLDER.mkdir(parents=True, exist_ok=True)
    place, checkpoint = FOLDER / f"{method}-{seed}.json", FOLDER / f"{method}-{seed}.keras"
    kept = json.loads(place.read_text()) if place.is_file() and checkpoint.is_file() else {"curve": []}
    model = gan.GAN.load(checkpoint) if kept["curve"] else build(method, seed)
    (train, _), _ = data.load_mnist()
    budget = Budget(images, minutes, kept)
    while budget.share < 1:
        train_part(model, METHODS[method], train, budget, every)
        counts = metrics.stacked_counts(model.sample(SAMPLES))
        modes, kl = metrics.coverage_of_counts(counts)
        channels = [metrics.coverage_of_counts(counts.sum(axis=axes))[1] for axes in ((1, 2), (0, 2), (0, 1))]
        point = {"seconds": round(budget.seconds, 1), "images": budget.seen, "modes": modes, "kl": round(kl, 4)}
        kept["curve"].append({**point, "channels": [round(one, 4) for one in channels]})
        model.save(checkpoint)
        text = json.dumps({"method": method, "seed": seed, "threads": threads or runtime.cores(), **kept})
        files.write_whole(place, lambda part, text=text: part.write_text(text, encoding="utf-8"))
        print(
            f"{method}, seed {seed}: {budget.share:.0%}, {budget.seconds:.0f} s, {budget.seen:,} images, "
            f"{modes} modes, KL {kl:.3f}, corrected {kl - BIAS:.3f}, channels {sum(channels):.3f}",
            flush=True,
        )
    picture = plots.png(plots.image_grid(model.sample(40), title=f"{method}, seed {seed}"))
    files.write_whole(place.with_suffix(".png"), lambda part: part.write_bytes(picture))


def table():
    """runs/bench/stacked_mnist.csv, which tools/make_assets.py ships, and stacked.json for RESULTS.md."""
    runs = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]
    with open(RESULTS / "stacked_mnist.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["method", "seed", "seconds", "images", "modes", "kl", "kl_of_channels"])
        for one in runs:
            for point in one["curve"]:
                *numbers, channels = point.values()
                writer.writerow([one["method"], one["seed"], *numbers, round(sum(channels), 4)])
    keep("stacked", {"runs": [{**one, "curve": one["curve"][-1:]} for one in runs]})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", choices=METHODS, default="best")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--minutes", type=float, default=40.0)
    parser.add_argument("--images", type=int, default=0, help="train on so many instead of for so many minutes")
    parser.add_argument("--every", type=float, default=120.0, help="seconds of training between two scores")
    parser.add_argument("--threads", type=int, default=0, help="0: all cores")
    parser.add_argument("--table", action="store_true")
    asked = parser.parse_args()
    if asked.minutes <= 0 or not np.isfinite(asked.minutes):
        parser.error("--minutes must be above 0")
    if asked.images < 0:
        parser.error("--images must be 0 or more")
    if asked.table:
        return table()
    return run(asked.method, asked.seed, asked.images, asked.minutes, asked.every, asked.threads)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nstopped; the last kept part stays. The same command goes on from there.", file=sys.stderr)
        sys.exit(130)
