"""The flow of chapter 11: training, and what it is worth at how many evaluations.

    python benchmarks/flow.py --seed 7                 trains (7,500 steps of 64 images: 20 minutes, two cores), goes on
                                                       after Ctrl-C, keeps a curve in runs/bench/flow/SEED.json
    python benchmarks/flow.py --seed 7 --score         scores its weights: 10,000 images for each way to draw
    python benchmarks/flow.py --table                  writes runs/bench/flow_scores.csv

The judge that scores is the course's. What was chosen (times, guidance) was chosen by a second network, `--tuning`.
"""

import argparse
import csv
import functools
import json
import sys
import time

import numpy as np
from common import RESULTS, keep

from aigc_course import files, runtime

FOLDER = RESULTS / "flow"
STEPS, BATCH, RATE = 7_500, 64, 2e-3
# method, evaluations, guidance: another than 1 doubles what a step costs. Heun's last step is Euler's, but "to the end"
WAYS = (
    ("euler", 2, 1.0),
    ("euler", 5, 1.0),
    ("euler", 10, 1.0),
    ("euler", 50, 1.0),
    ("heun", 9, 1.0),
    ("heun to the end", 10, 1.0),
    ("euler", 20, 1.5),
)
NUMBERS = ("distance", "precision", "recall", "agreement", "copies")


class Other:
    """Another network in the judge's place, for choices: other weights, other width, the same training images."""

    def __init__(self):
        import keras

        from aigc_course import data, metrics
        from aigc_course.studio import scores

        place = FOLDER / "tuning.weights.h5"
        (x, y), (x_test, _) = data.load_mnist()
        if place.is_file():
            own = scores.build_classifier(24)
            own.load_weights(place)
        else:
            own = scores.train_classifier(data.scale(x), y, epochs=5, seed=11, width=24, flip=False)
            own.save_weights(place)
        self.network = keras.Model(own.inputs[0], [own.get_layer("features").output, own.outputs[0]])
        self.test_features, _ = self.read(data.scale(x_test))
        self.test_moments = metrics.moments(self.test_features)

    def read(self, images):
        parts = [self.network(images[i : i + 1000], training=False) for i in range(0, len(images), 1000)]
        features, logits = zip(*parts, strict=True)
        return np.concatenate(features), np.concatenate(logits)


@functools.cache
def close_to_training():
    """(training digits as rows, the distance that counts as a copy): `metrics.copy_share`, its slow half once."""
    from aigc_course import data, metrics

    (x, _), (x_test, _) = data.load_mnist()
    known, unseen = (data.scale(part).reshape(len(part), -1) for part in (x, x_test))
    return known, metrics.copy_share(unseen[:1], known, unseen)[1]


def judged(judge, images, labels, whole=True):
    """dict of NUMBERS for images that were asked for with labels; without `whole` the distance and agreement alone."""
    from aigc_course import metrics

    features, logits = judge.read(images)
    found = {
        "distance": metrics.frechet_of_moments(*metrics.moments(features), *judge.test_moments),
        "agreement": float((logits.argmax(axis=1) == labels).mean()),
    }
    if whole:
        known, close = close_to_training()
        found |= metrics.precision_recall(judge.test_features, features)._asdict()
        nearest, _ = metrics.nearest_neighbours(images.reshape(len(images), -1), known)
        found["copies"] = float((nearest <= close).mean())
    return {name: round(value, 4) for name, value in found.items()}


def build(seed):
    import keras

    from aigc_course.flow import model, network

    keras.utils.set_random_seed(seed)
    return model.Flow(network.build_velocity(), seed=seed)


def train(seed, steps, every):
    from aigc_course import data, metrics
    from aigc_course.flow import model

    (x, y), _ = data.load_mnist()
    place, state = FOLDER / f"{seed}.json", FOLDER / f"{seed}.state.npz"
    flow = build(seed)
    model.compile_flow(flow, steps, RATE)
    curve = json.loads(place.read_text())["curve"] if place.is_file() and state.is_file() else []
    if curve:
        files.load_state(state, flow.state)
    before, scored = curve[-1]["seconds"] if curve else 0.0, 0.0  # of training, scoring not counted
    last = time.perf_counter()

    def each(step, seconds):
        nonlocal last, scored
        now = time.perf_counter()
        if now - last < every and step < steps:
            return
        trained = before + seconds - scored
        labels = np.arange(5000) % 10
        point = judged(metrics.judge(), flow.sample(5000, labels, 10, seed=1), labels, whole=False)
        curve.append({"seconds": round(trained, 1), "step": step, "images": step * BATCH, **point})
        files.save_state(state, flow.state)
        text = json.dumps({"seed": seed, "steps": steps, "curve": curve})
        files.write_whole(place, lambda part: part.write_text(text, encoding="utf-8"))
        print(f"seed {seed}: step {step}, {trained:.0f} s, distance {point['distance']:.2f}", flush=True)
        last = time.perf_counter()
        scored += last - now

    model.train_flow(flow, x, y, steps, BATCH, RATE, each)
    model.save_flow(flow, FOLDER / f"{seed}.npz", seed=seed, steps=steps, batch_size=BATCH, curve=curve)


def draw(flow, labels, evaluations, method, guidance, seed):
    """Images for labels (N,); Heun to the end, which the package does not offer, from its velocity."""
    if method != "heun to the end":
        return flow.sample(len(labels), labels, evaluations, method, guidance, seed)
    noise = np.random.default_rng(seed).standard_normal((len(labels), *flow.shape), dtype=np.float32)
    parts, steps = [], evaluations // 2
    for x, own in zip(np.split(noise, len(noise) // 500), np.split(labels, len(noise) // 500), strict=True):
        for i in range(steps):
            here = flow.velocity(x, i / steps, own, guidance)
            x = x + (here + flow.velocity(x + here / steps, (i + 1) / steps, own, guidance)) / (2 * steps)
        parts.append(np.array(x))
    return np.clip(np.concatenate(parts), -1, 1)


def score(seed, tuning):
    from aigc_course import metrics
    from aigc_course.flow import model

    flow, _ = model.load_flow(FOLDER / f"{seed}.npz")
    judge, rows, labels = Other() if tuning else metrics.judge(), [], np.arange(2000 if tuning else 10_000) % 10
    for method, evaluations, guidance in WAYS:
        started = time.perf_counter()
        images = draw(flow, labels, evaluations, method, guidance, seed=100 + seed)
        took = (time.perf_counter() - started) / len(labels)
        found = judged(judge, images, labels, whole=not tuning)
        rows.append({"method": method, "evaluations": evaluations, "guidance": guidance, **found})
        rows[-1]["milliseconds"] = round(1000 * took, 2)
        print(rows[-1], flush=True)
    if not tuning:
        text = json.dumps({"seed": seed, "rows": rows})
        files.write_whole(FOLDER / f"{seed}.scores.json", lambda part: part.write_text(text, encoding="utf-8"))


def table():
    """flow_scores.csv: a line a way and seed; flow.json for RESULTS.md."""
    scored = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.scores.json"))]
    if not scored:
        sys.exit("nothing scored yet: python benchmarks/flow.py --seed 7 --score")
    rows = [{"seed": one["seed"], **row} for one in scored for row in one["rows"]]
    with open(RESULTS / "flow_scores.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    keep("flow", {"rows": rows})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--every", type=float, default=240.0, help="seconds between two scores")
    parser.add_argument("--threads", type=int, default=0, help="0: all cores")
    parser.add_argument("--score", action="store_true")
    parser.add_argument("--tuning", action="store_true", help="with --score: by the second network; nothing is kept")
    parser.add_argument("--table", action="store_true")
    asked = parser.parse_args()
    if asked.table:
        return table()
    if asked.steps < 1 or asked.every <= 0 or asked.seed < 0:
        parser.error("--steps and --every must be above 0, --seed 0 or more")
    FOLDER.mkdir(parents=True, exist_ok=True)
    runtime.configure()
    if asked.threads:
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(asked.threads)
    runtime.start(asked.seed, report=False)
    return score(asked.seed, asked.tuning) if asked.score else train(asked.seed, asked.steps, asked.every)


if __name__ == "__main__":
    from aigc_course.errors import Stopped

    try:
        sys.exit(main())
    except (KeyboardInterrupt, Stopped):
        print("\nstopped; the last kept part stays. The same command goes on from there.", file=sys.stderr)
        sys.exit(130)
