"""Stacked MNIST: three digits as colour channels, 1,000 modes (Metz et al., 2017; protocol of PacGAN).

    python benchmarks/stacked_mnist.py --method gan|best --seed 7 --minutes 40

trains for so many minutes (from the checkpoint on, if there is one: Ctrl-C loses at most the last part) and keeps
modes and KL over 25,600 samples along the way in runs/bench/stacked/METHOD-SEED.json. `--table` collects them.
"""

import argparse
import csv
import json
import sys
import time

import numpy as np
from common import RESULTS, keep

from aigc_course import files, runtime

SAMPLES = 25_600
FOLDER = RESULTS / "stacked"
# Same generator, same data, same batch sizes. gan: the article's discriminator and the non-saturating loss, rates as in
# chapter 04. best: relativistic pairs with R1 and R2 (R3GAN), a critic without batch normalisation.
METHODS = {
    "gan": {"objective": "non_saturating", "rates": (1e-3, 5e-4), "beta_2": 0.999, "slopes": 0.0, "critic": False},
    "best": {"objective": "relativistic", "rates": (2e-3, 1e-3), "beta_2": 0.99, "slopes": 0.3, "critic": True},
}


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


def run(method, seed, minutes, every, threads):
    runtime.configure()
    import tensorflow as tf

    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    runtime.start(seed)
    from aigc_course import data, gan, metrics, plots

    FOLDER.mkdir(parents=True, exist_ok=True)
    place, checkpoint = FOLDER / f"{method}-{seed}.json", FOLDER / f"{method}-{seed}.keras"
    kept = json.loads(place.read_text()) if place.is_file() and checkpoint.is_file() else {"curve": []}
    model = gan.GAN.load(checkpoint) if kept["curve"] else build(method, seed)
    (images, _), _ = data.load_mnist()
    seconds = kept["curve"][-1]["seconds"] if kept["curve"] else 0.0
    seen = kept["curve"][-1]["images"] if kept["curve"] else 0
    steps = 50
    while seconds < 60 * minutes:
        size = 16 if seen < 40_000 else 64
        started = time.perf_counter()
        stream = data.stacked_batches(images, size, seed, start=model.step)
        model.fit(stream, steps_per_epoch=steps, verbose=0)
        took = time.perf_counter() - started
        seconds, seen = seconds + took, seen + steps * size
        modes, kl = metrics.stacked_coverage(model.sample(SAMPLES))
        kept["curve"].append({"seconds": round(seconds, 1), "images": seen, "modes": modes, "kl": round(kl, 4)})
        model.save(checkpoint)
        text = json.dumps({"method": method, "seed": seed, "threads": threads or runtime.cores(), **kept})
        files.write_whole(place, lambda part, text=text: part.write_text(text, encoding="utf-8"))
        print(f"{method}, seed {seed}: {seconds:.0f} s, {seen:,} images, {modes} modes, KL {kl:.3f}", flush=True)
        next_size = 16 if seen < 40_000 else 64
        steps = max(10, round(every * steps * size / took / next_size))
    picture = plots.png(plots.image_grid(model.sample(40), title=f"{method}, seed {seed}"))
    files.write_whole(place.with_suffix(".png"), lambda part: part.write_bytes(picture))


def table():
    """runs/bench/stacked_mnist.csv, which tools/make_assets.py ships, and stacked.json for RESULTS.md."""
    runs = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]
    with open(RESULTS / "stacked_mnist.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["method", "seed", "seconds", "images", "modes", "kl"])
        for one in runs:
            for point in one["curve"]:
                writer.writerow([one["method"], one["seed"], *point.values()])
    keep("stacked", {"runs": [{**one, "curve": one["curve"][-1:]} for one in runs]})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", choices=METHODS, default="best")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--minutes", type=float, default=40.0)
    parser.add_argument("--every", type=float, default=120.0, help="seconds of training between two scores")
    parser.add_argument("--threads", type=int, default=0, help="0: all cores")
    parser.add_argument("--table", action="store_true")
    asked = parser.parse_args()
    if asked.minutes <= 0 or not np.isfinite(asked.minutes):
        parser.error("--minutes must be above 0")
    table() if asked.table else run(asked.method, asked.seed, asked.minutes, asked.every, asked.threads)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nstopped; the last kept part stays. The same command goes on from there.", file=sys.stderr)
        sys.exit(130)
