"""Class shares of generators and what follows from them (chapter 14): a G-test, readers trained on their pictures.

    python benchmarks/shares.py --seed 7     five makers, one of them a GAN trained anew from this seed; four readers;
                                             keeps runs/bench/shares/7.json, prints one JSON line; a minute and a half
    python benchmarks/shares.py --table      writes runs/bench/shares.csv

Shares are told by the course's judge. What it would say of the training digits' shares is known from its errors on
5,000 test digits; "real" are the other 5,000. Readers see as many pictures and steps each, and are scored on all test
digits. No knob was chosen on any of this.
"""

import argparse
import json
import sys
import time

import numpy as np
from common import RESULTS, keep, kept, progress, table

from aigc_course import files, runtime

NAME = "shares"
DRAWN = 6_000  # pictures of a GAN
FLOW = 3_000  # of the flow, ten Euler evaluations each, without a label and with one
SEEN, READER_STEPS = 3_000, 300  # pictures that a reader learns from, and its steps of 64
RETRAINING = 700  # steps of the GAN trained anew, 16 pictures each: the first phase of `make train`
SCORED = 2_000  # pictures that distance and recall rest on
COLUMNS = (
    *("seed", "part", "maker", "n", "g", "p", "largest", "smallest", "distance", "recall", "kept"),
    *("accuracy", "difference", "worst", *(f"share_{k}" for k in range(10)), *(f"missed_{k}" for k in range(10))),
)


def shipped_gan(seed):
    from aigc_course import gan

    return _draw(gan.load_generator(), seed)


def new_gan(seed, steps):
    """Pictures of a GAN trained from this seed: networks, losses and rates of `make train`."""
    from aigc_course import data, recipe

    (x, _), _ = data.load_mnist()
    made = recipe.new_gan({"objective": "smoothed", "seed": seed})
    made.fit(x, recipe.RECIPE["batch_size"], steps_per_epoch=steps, verbose=0)
    return _draw(made.ema_generator, seed)


def _draw(generator, seed):
    from aigc_course import gan

    z = np.random.default_rng((seed, 14)).standard_normal((DRAWN, 100), dtype=np.float32)
    return gan.generate_images(generator, z)


def flow_pictures(seed, labelled):
    """Pictures of each digit in turn, or with the label hidden, when the flow chooses."""
    from aigc_course import data
    from aigc_course.flow import model

    flow, _ = model.load_flow(data.asset("flow.npz"))
    labels = np.arange(FLOW) % 10 if labelled else np.full(FLOW, 10)
    return flow.sample(FLOW, labels, evaluations=10, seed=2 * seed + labelled)


def blind_pictures(seed):
    """The mean digit with noise of each pixel's width: a generator that learnt no shape."""
    from aigc_course import data

    (x, _), _ = data.load_mnist()
    x = data.scale(x[:10_000])
    noise = np.random.default_rng((seed, 3)).standard_normal((DRAWN, *x.shape[1:]), dtype=np.float32)
    return np.clip(x.mean(axis=0) + x.std(axis=0) * noise, -1, 1)


def as_files(seed, name, make):
    """A maker's pictures as files would hold them, on 256 grey levels; kept, so that a stopped run goes on."""
    from aigc_course import data

    place = RESULTS / NAME / f"{seed}-{name}.npz"
    if not place.is_file():
        images = data.unscale(make())
        place.parent.mkdir(parents=True, exist_ok=True)
        files.write_whole(place, lambda part: _save(part, images))
    with np.load(place) as arrays:
        return data.scale(arrays["images"])


def _save(part, images):
    with open(part, "wb") as file:
        np.savez_compressed(file, images=images)


def share_row(maker, images, readings, expected, matrix):
    """One maker's shares against those of the training digits."""
    from aigc_course.trust import shares

    counts = shares.counts_of(readings)
    g, p = shares.g_test(counts, expected)
    own = shares.corrected_shares(counts, matrix)
    return {
        "part": "shares",
        "maker": maker,
        "n": len(images),
        "g": round(g, 2),
        "p": float(f"{p:.3g}"),
        "largest": int((counts / expected).argmax()),
        "smallest": int((counts / expected).argmin()),
        **{f"share_{k}": round(float(share), 5) for k, share in enumerate(own)},
    }


def quality(features):
    """Judge distance and recall of SCORED pictures' features, against the test digits."""
    from aigc_course import metrics

    judge = metrics.judge()
    return {
        "n": len(features),
        "distance": round(metrics.frechet_of_moments(*metrics.moments(features), *judge.test_moments), 3),
        "recall": round(metrics.precision_recall(judge.test_features[:SCORED], features).recall, 4),
    }


def reader(images, labels, seed):
    """A classifier as the judge is built, trained on float images (N, 28, 28, 1) and labels; a `keras.Model`."""
    import keras

    from aigc_course import data, metrics

    keras.utils.set_random_seed(seed)
    network = metrics.build_judge()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adam(1e-3), loss, jit_compile=False)
    stream = data.batches(data.unscale(images), 64, seed, labels=labels.astype(np.uint8))
    network.fit(stream, steps_per_epoch=READER_STEPS, shuffle=False, verbose=0)
    return network


def reader_row(maker, images, labels, seed):
    """How well a reader of SEEN such pictures reads the test digits."""
    from aigc_course import data
    from aigc_course.trust import shares

    chosen = np.random.default_rng((seed, 5)).permutation(len(images))[:SEEN]
    network = reader(images[chosen], labels[chosen], seed)
    _, (x_test, y_test) = data.load_mnist()
    x = data.scale(x_test)
    read = np.concatenate([network(x[i : i + 1000], training=False) for i in range(0, len(x), 1000)]).argmax(axis=1)
    found = shares.fairness_table(y_test, read)
    return {
        "part": "reader",
        "maker": maker,
        "n": len(chosen),
        "accuracy": round(found["accuracy"], 4),
        "difference": round(found["difference"], 4),
        "worst": found["worst"],
        **{f"missed_{k}": round(rate, 4) for k, rate in enumerate(found["false_negative_rate"])},
    }


def enough(labels, rng):
    """Places of as many of each class as the rarest has; none where these are fewer than 64 of each."""
    from aigc_course.trust import shares

    if shares.counts_of(labels).min() < 64:
        return np.empty(0, int)
    return shares.rebalanced(labels, rng)


def measure(seed, steps):
    from aigc_course import data, metrics
    from aigc_course.trust import shares

    started, bar = time.perf_counter(), progress(range(9), f"seed {seed}")
    (x, y), (x_test, y_test) = data.load_mnist()
    judge, rng = metrics.judge(), np.random.default_rng((seed, 14))
    order = rng.permutation(len(x_test))
    matrix = shares.confusion(y_test[order[:5000]], judge.labels(data.scale(x_test[order[:5000]])))
    truth = shares.counts_of(y) / len(y)
    expected, rows, read = shares.expected_readings(truth, matrix), [], {}
    makers = {
        "real": lambda: data.scale(x_test[order[5000:]]),
        "blind": lambda: blind_pictures(seed),
        "gan, shipped": lambda: as_files(seed, "shipped", lambda: shipped_gan(seed)),
        "gan, trained anew": lambda: as_files(seed, "new", lambda: new_gan(seed, steps)),
        "flow, no label": lambda: as_files(seed, "flow", lambda: flow_pictures(seed, False)),
    }
    for maker, make in makers.items():
        images = make()
        features, logits = judge.read(images)
        read[maker] = images, features, logits.argmax(axis=1)
        rows.append(share_row(maker, images, read[maker][2], expected, matrix))
        bar.update()
    for maker in ("gan, shipped", "gan, trained anew"):
        images, features, labels = read[maker]
        even = enough(labels, rng)
        for name, chosen in (("as drawn", rng.permutation(len(labels))), ("rebalanced", rng.permutation(even))):
            row = {"part": "rebalancing", "maker": f"{maker}, {name}", "kept": round(len(chosen) / len(labels), 4)}
            rows.append(row | (quality(features[np.sort(chosen[:SCORED])]) if len(chosen) else {}))
        rows.append(reader_row(maker, images, labels, seed))
        if len(even):
            rows.append(reader_row(f"{maker}, rebalanced", images[even], labels[even], seed))
        bar.update()
    some = rng.permutation(len(x))[:SEEN]
    rows.append(reader_row("real", data.scale(x[some]), y[some], seed))
    rows.append(reader_row("blind", data.scale(x[some]), y[some][::-1], seed))  # another picture's label
    asked = as_files(seed, "asked", lambda: flow_pictures(seed, True))
    rows.append(reader_row("flow, asked for", asked, np.arange(FLOW) % 10, seed))
    bar.update(2)
    rows = [{"seed": seed, **row} for row in rows]
    keep(f"{NAME}/{seed}", {"seed": seed, "seconds": round(time.perf_counter() - started, 1), "rows": rows})


def line(result):
    """In short: G (9 degrees of freedom: 16.9 at p = 0.05) of each maker, accuracy and difference of each reader."""
    parts = {
        part: [row for row in result["rows"] if row["part"] == part] for part in ("shares", "reader", "rebalancing")
    }
    return {
        "seed": result["seed"],
        "g": {row["maker"]: row["g"] for row in parts["shares"]},
        "accuracy": {row["maker"]: row["accuracy"] for row in parts["reader"]},
        "difference": {row["maker"]: row["difference"] for row in parts["reader"]},
        "kept": {row["maker"]: row["kept"] for row in parts["rebalancing"] if row["kept"] < 1},
        "seconds": result["seconds"],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--steps", type=int, default=RETRAINING, help="of the GAN trained anew")
    parser.add_argument("--again", action="store_true", help="measure anew what was kept")
    parser.add_argument("--table", action="store_true")
    asked = parser.parse_args()
    if asked.seed < 0 or asked.steps < 1:
        parser.exit(2, "--seed must be 0 or more, --steps 1 or more\n")
    if asked.table:
        return table(NAME, COLUMNS, line)
    runtime.configure()
    if asked.again:
        for path in (RESULTS / NAME).glob(f"{asked.seed}-*.npz"):
            path.unlink()
    if asked.again or kept(f"{NAME}/{asked.seed}") is None:
        runtime.start(asked.seed, report=False)
        measure(asked.seed, asked.steps)
    print(json.dumps(line(kept(f"{NAME}/{asked.seed}"))))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nstopped; the same command begins this seed again.", file=sys.stderr)
        sys.exit(130)
