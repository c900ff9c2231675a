"""Five families of generators on the same digits, with the same seconds on the same cores, before the same judge.

    python benchmarks/families.py --family flow --seconds 300 --seed 7     one run: runs/bench/families/
    python benchmarks/families.py --all                                    all that is missing; Ctrl-C loses one run
    python benchmarks/families.py --table                                  writes runs/bench/families.csv

gaussian: a Gaussian for each class in pixels, its covariance shrunk. vae: `flow.vae`. gan: the recipe of `make train`
with --minutes. autoregressive: the codec of chapter 09 in a quarter of the time, a decoder over its codes in the rest.
flow: `flow.model`, ten Euler steps. Rates of all but the GAN, which has its own plan, fall as half a cosine over the
time. Scoring is not counted. The settings are those that each chapter uses; the GAN's had been chosen with an eye on
the judge that scores, the others' were not.

Beside them, without training: real (training images; agreement and copies are the test images'), blind (class means
with noise of each pixel's width) and thief (the exact minimiser of the flow's loss on the same images, 100 steps).
"""

import argparse
import csv
import json
import subprocess
import sys
import time

import numpy as np
from common import RESULTS, ROOT, keep
from flow import judged

from aigc_course import files, runtime

FOLDER = RESULTS / "families"
BUDGETS, SEEDS, SCORED = (60, 300), (7, 8, 9), 10_000
EVALUATIONS = {"real": 0, "blind": 0, "thief": 100, "gaussian": 1, "vae": 1, "gan": 1, "autoregressive": 49, "flow": 10}


class Over(Exception):
    """The time is over."""


def timed(seconds, peak, fit):
    """fit(callback) until the time is over, the rate falling as half a cosine; compiling counts."""
    import keras

    started = time.perf_counter()

    class Clock(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            share = min(1.0, (time.perf_counter() - started) / seconds)
            self.model.optimizer.learning_rate.assign(peak * (1 + np.cos(np.pi * share)) / 2)

        def on_train_batch_end(self, batch, logs=None):
            if time.perf_counter() - started >= seconds:
                raise Over

    try:
        fit(Clock())
    except Over:
        return
    raise SystemExit("the training ended before its time")


def real(x, y, seconds, seed):
    from aigc_course import data

    rng = np.random.default_rng(seed)
    own = {digit: iter(rng.permutation(np.flatnonzero(y == digit))) for digit in range(10)}

    def draw(labels):
        return data.scale(x[[next(own[label]) for label in labels]])

    return draw


def blind(x, y, seconds, seed):
    from aigc_course import data

    scaled, rng = data.scale(x), np.random.default_rng(seed)
    means = np.stack([scaled[y == digit].mean(axis=0) for digit in range(10)])
    widths = np.stack([scaled[y == digit].std(axis=0) for digit in range(10)])

    def draw(labels):
        noise = rng.standard_normal((len(labels), *scaled.shape[1:]), dtype=np.float32)
        return np.clip(means[labels] + widths[labels] * noise, -1, 1)

    return draw


def thief(x, y, seconds, seed):
    from aigc_course import data
    from aigc_course.flow import paths

    rng, steps = np.random.default_rng(seed), EVALUATIONS["thief"]
    known = data.scale(x).reshape(len(x), -1)

    def draw(labels):
        points = rng.standard_normal((len(labels), known.shape[1]), dtype=np.float32)
        for digit in np.unique(labels):
            part, own = labels == digit, known[y == digit]
            for i in range(steps):
                points[part] += paths.exact_velocity(points[part], i / steps, own) / steps
        return np.clip(points, -1, 1).reshape(-1, 28, 28, 1)

    return draw


def gaussian(x, y, seconds, seed):
    from aigc_course import data

    rows, rng = data.scale(x).reshape(len(x), -1), np.random.default_rng(seed)
    factors = []
    for digit in range(10):
        own = rows[y == digit]
        covariance = np.cov(own, rowvar=False)
        covariance = 0.99 * covariance + 0.01 * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
        factors.append((own.mean(axis=0), np.linalg.cholesky(covariance)))

    def draw(labels):
        drawn = rng.standard_normal((len(labels), rows.shape[1]))
        for digit, (mean, factor) in enumerate(factors):
            drawn[labels == digit] = mean + drawn[labels == digit] @ factor.T
        return np.clip(drawn, -1, 1).astype(np.float32).reshape(-1, 28, 28, 1)

    return draw


def vae(x, y, seconds, seed):
    import keras

    from aigc_course import data
    from aigc_course.flow import vae as autoencoder

    made = autoencoder.VAE(*autoencoder.build_vae())
    made.compile(keras.optimizers.Adam(1e-3), jit_compile=False)
    stream = data.batches(x, 128, seed, labels=y)
    timed(seconds, 2e-3, lambda clock: made.fit(stream, steps_per_epoch=10**6, callbacks=[clock], verbose=0))
    return lambda labels: made.sample(len(labels), labels, seed=100 + seed)


def gan(x, y, seconds, seed):
    from aigc_course import gan as adversarial
    from aigc_course import recipe

    out = FOLDER / f"gan-{seconds}-{seed}"
    minutes = (seconds + recipe.FINISH) / 60  # it keeps FINISH for its own start and scores
    ask = ["-m", "aigc_course", "train", "--minutes", str(minutes), "--seed", str(seed), "--out", str(out)]
    subprocess.run([sys.executable, *ask], cwd=ROOT, check=True, capture_output=True)
    generator = adversarial.load_generator(out / "generator.weights.h5")
    rng = np.random.default_rng(100 + seed)
    return lambda labels: adversarial.generate_images(
        generator, rng.standard_normal((len(labels), 100), dtype=np.float32)
    )


def autoregressive(x, y, seconds, seed):
    import keras

    from aigc_course import data
    from aigc_course.lmdg import codecs
    from aigc_course.lmdg.codecs import quantizer
    from aigc_course.lmdg.core import generation, training, transformer

    scaled, codec = data.scale(x), codecs.build_image_codec()
    codec.compile(keras.optimizers.Adam(2e-3), quantizer.ink_loss, jit_compile=False)
    stream = data.batches(x, 128, seed).map(lambda images: (images, images))
    timed(seconds / 4, 2e-3, lambda clock: codec.fit(stream, steps_per_epoch=10**6, callbacks=[clock], verbose=0))
    started = time.perf_counter()
    first, codes = 11, 64  # 0 is padding, 1 to 10 are the classes
    rows = np.concatenate([1 + y[:, None].astype(np.int32), first + codec.encode(scaled)], axis=1)
    decoder = transformer.Decoder(first + codes, context=rows.shape[1], width=128, depth=4, heads=4)
    transformer.compile_decoder(decoder, 2e-3)
    left = 3 * seconds / 4 - (time.perf_counter() - started)
    stream = training.row_batches(rows, 64, seed)
    timed(left, 2e-3, lambda clock: decoder.fit(stream, steps_per_epoch=10**6, callbacks=[clock], verbose=0))
    allowed = np.arange(first + codes) >= first

    def draw(labels):
        parts = [
            generation.generate_tokens(
                decoder, (1 + part[:, None]).astype(np.int32), 49, allowed=allowed, seed=100 + seed + i
            )
            for i, part in enumerate(np.split(labels, range(500, len(labels), 500)))
        ]
        return codec.decode(np.concatenate(parts)[:, 1:] - first)

    return draw


def flow(x, y, seconds, seed):
    from aigc_course import data
    from aigc_course.flow import model, network

    one = model.Flow(network.build_velocity(), seed=seed)
    one.compile(model.adam(2e-3), jit_compile=False)
    stream = data.batches(x, 64, seed, labels=y)
    timed(seconds, 2e-3, lambda clock: one.fit(stream, steps_per_epoch=10**6, callbacks=[clock], verbose=0))
    return lambda labels: one.sample(len(labels), labels, 10, seed=100 + seed)


FAMILIES = {each.__name__: each for each in (real, blind, thief, gaussian, vae, gan, autoregressive, flow)}
UNTRAINED = ("real", "blind", "thief", "gaussian")


def one(family, seconds, seed):
    import keras

    from aigc_course import data, metrics

    keras.utils.set_random_seed(seed)
    (x, y), _ = data.load_mnist()
    metrics.judge()
    started = time.perf_counter()
    draw = FAMILIES[family](x, y, seconds, seed)
    trained, labels = time.perf_counter() - started, np.arange(SCORED) % 10
    draw(labels[:500])  # what is compiled here is not counted below
    started = time.perf_counter()
    images = draw(labels)
    each = (time.perf_counter() - started) / SCORED
    told = family != "gan"
    result = {"family": family, "seconds": seconds, "seed": seed, "trained": round(trained, 1)}
    result |= {**judged(metrics.judge(), images, labels), "evaluations": EVALUATIONS[family]}
    if family == "real":  # its images are the training's own: what unseen ones get
        _, (unseen, read) = data.load_mnist()
        result |= {key: judged(metrics.judge(), data.scale(unseen), read)[key] for key in ("agreement", "copies")}
    result |= {"milliseconds": round(1000 * each, 3), "agreement": result["agreement"] if told else None}
    place = FOLDER / f"{family}-{seconds}-{seed}"
    text = json.dumps(result)
    files.write_whole(place.with_suffix(".json"), lambda part: part.write_text(text, encoding="utf-8"))
    from aigc_course import plots

    picture = plots.png(plots.image_grid(images[:40], title=f"{family}, {seconds} s"))
    files.write_whole(place.with_suffix(".png"), lambda part: part.write_bytes(picture))
    print(text, flush=True)


def table():
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]
    with open(RESULTS / "families.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    keep("families", {"rows": rows})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", choices=FAMILIES, default="flow")
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--budgets", type=int, nargs="+", default=BUDGETS, help="seconds of training, with --all")
    parser.add_argument("--table", action="store_true")
    asked = parser.parse_args()
    if asked.table:
        return table()
    if min(asked.seconds, *asked.budgets) < 30 or asked.seed < 0:
        parser.error("--seconds and --budgets must be 30 or more, --seed 0 or more")
    FOLDER.mkdir(parents=True, exist_ok=True)
    if asked.all:  # a process each: nothing is warm from the run before
        for seconds in asked.budgets:
            for seed in SEEDS:
                for family in FAMILIES:
                    if family in UNTRAINED and seconds != asked.budgets[0]:
                        continue  # they need seconds, however many there are
                    if not (FOLDER / f"{family}-{seconds}-{seed}.json").is_file():
                        ask = ["--family", family, "--seconds", str(seconds), "--seed", str(seed)]
                        subprocess.run([sys.executable, __file__, *ask], check=True)
        return None
    runtime.configure()
    runtime.start(asked.seed, report=False)
    return one(asked.family, asked.seconds, asked.seed)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on with what is missing.", file=sys.stderr)
        sys.exit(130)
