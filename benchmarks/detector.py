"""A detector of generated digits (chapter 14): on the generator that it was trained with, and on others.

    python benchmarks/detector.py --seed 7     three detectors on five grids of grey values; keeps
                                               runs/bench/detector/7.json and prints one JSON line; a minute and a half
    python benchmarks/detector.py --table      writes runs/bench/detector.csv

Trained on the first 55,000 training digits and the shipped generator's pictures; steps and rate were chosen on the
last 5,000 training digits and other pictures of that generator; reported on test digits. Unseen: the flow of chapter
11 by ten Euler evaluations and nine of Heun, and the codec of chapter 09, which draws test digits again.
"""

import argparse
import functools
import json
import sys
import time

import numpy as np
from common import RESULTS, keep, kept, progress, table

from aigc_course import files, runtime

NAME = "detector"
TRAINED, TESTED = 10_000, 3_000  # generated pictures; as many real ones (training: 55,000)
STEPS, RATE = 800, 3e-3
LEVELS = ("as they are", 256, 16, 4, 2)
KNOWN = 4_000  # pictures of each maker that the nearest neighbour is looked for in
COLUMNS = ("seed", "levels", "detector", "maker", "auc", "tpr")


@functools.cache
def drawn(kind, count, seed):
    """count pictures (count, 28, 28, 1) in [-1, 1] of a maker; the flow's are kept, they take a minute."""
    from aigc_course import data, gan
    from aigc_course.flow import model
    from aigc_course.lmdg.codecs import image, quantizer

    if kind == "gan":
        z = np.random.default_rng(seed).standard_normal((count, 100), dtype=np.float32)
        return gan.generate_images(gan.load_generator(), z)
    if kind == "codec":
        codec, _ = quantizer.load_codec(data.asset("image_codec.npz"), image.build_image_codec)
        return codec.decode(codec.encode(data.scale(data.load_mnist()[1][0][-count:])))
    place = RESULTS / NAME / f"{kind}-{seed}.npz"
    if not place.is_file():
        flow, _ = model.load_flow(data.asset("flow.npz"))
        way = {"flow": {"evaluations": 10}, "flow, heun": {"evaluations": 9, "method": "heun"}}[kind]
        images = flow.sample(count, seed=seed, **way)
        place.parent.mkdir(parents=True, exist_ok=True)
        files.write_whole(place, lambda part: _save(part, images))
    with np.load(place) as arrays:
        return arrays["images"]


def _save(part, images):
    with open(part, "wb") as file:
        np.savez(file, images=images)


@functools.cache
def digits():
    """(training, validation, test) digits in [-1, 1]."""
    from aigc_course import data

    (x, _), (x_test, _) = data.load_mnist()
    return data.scale(x[:55_000]), data.scale(x[55_000:]), data.scale(x_test)


def on(levels, images):
    from aigc_course.trust import detector

    return images if levels == "as they are" else detector.rounded(images, levels)


def rows_of(seed, levels, makers, tuning):
    """A row for each detector and maker on one grid of grey values."""
    from aigc_course.trust import detector

    rng = np.random.default_rng((seed, 14))
    train, validation, test = digits()
    judged = validation if tuning else test
    real = on(levels, train[rng.permutation(len(train))[:TRAINED]])
    fake, others = (on(levels, part) for part in (drawn("gan", TRAINED, seed + 500), judged[:TESTED]))
    sets = {"real": others, **{maker: on(levels, images) for maker, images in makers.items()}}
    found = {}
    if levels in ("as they are", 256):
        found["distinct values"] = [detector.distinct_values(part).astype(float) for part in sets.values()]
    found["spectrum"] = detector.spectrum_scores(real, fake, *sets.values())
    if levels in (256, 16):
        found["neighbour"] = detector.neighbour_scores(
            real[:KNOWN], fake[:KNOWN], *(part[:1000] for part in sets.values())
        )
    network = detector.train_detector(real, fake, STEPS, seed, learning_rate=RATE)
    found["network"] = [detector.detector_scores(network, part) for part in sets.values()]
    if levels == 16:  # half of each set has the other label: what a detector that learnt nothing scores
        mixed = np.concatenate([real, fake])[rng.permutation(2 * len(real))]
        blind = detector.train_detector(mixed[: len(real)], mixed[len(real) :], STEPS, seed, learning_rate=RATE)
        found["blind: shuffled labels"] = [detector.detector_scores(blind, part) for part in sets.values()]
    return [
        {"seed": seed, "levels": levels, "detector": name, "maker": maker, **_pair(detector, values[0], own)}
        for name, values in found.items()
        for maker, own in zip(list(sets)[1:], values[1:], strict=True)
    ]


def _pair(detector, real, fake):
    return {"auc": round(detector.auc(real, fake), 4), "tpr": round(detector.tpr_at(real, fake), 4)}


def measure(seed, tuning):
    started = time.perf_counter()
    makers = {"gan": drawn("gan", TESTED, seed + 900)}
    if not tuning:
        makers |= {kind: drawn(kind, 1_000 if "heun" in kind else 2_000, 14) for kind in ("flow", "flow, heun")}
        makers["codec"] = drawn("codec", TESTED, 0)
        makers["real: more test digits"] = digits()[2][TESTED : 2 * TESTED]
    rows = [row for levels in progress(LEVELS, f"seed {seed}") for row in rows_of(seed, levels, makers, tuning)]
    result = {"seed": seed, "seconds": round(time.perf_counter() - started, 1), "rows": rows}
    if tuning:
        print(json.dumps(result))
    else:
        keep(f"{NAME}/{seed}", result)


def line(result):
    """In short: AUC and TPR at 1 % FPR of the network on 16 grey levels, and of the trivial reader before rounding."""
    own = {row["maker"]: row for row in result["rows"] if (row["levels"], row["detector"]) == (16, "network")}
    trivial = next(row for row in result["rows"] if row["detector"] == "distinct values" and row["maker"] == "gan")
    return {
        "seed": result["seed"],
        "auc_distinct_values": trivial["auc"],
        "auc_seen": own["gan"]["auc"],
        "tpr_seen": own["gan"]["tpr"],
        "auc_unseen": own["flow"]["auc"],
        "tpr_unseen": own["flow"]["tpr"],
        "auc_real": own["real: more test digits"]["auc"],
        "seconds": result["seconds"],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--again", action="store_true", help="measure anew what was kept")
    parser.add_argument("--tuning", action="store_true", help="on validation digits; nothing is kept")
    parser.add_argument("--table", action="store_true")
    asked = parser.parse_args()
    if asked.seed < 0:
        parser.exit(2, "--seed must be 0 or more\n")
    if asked.table:
        return table(NAME, COLUMNS, line)
    runtime.configure()
    if asked.tuning or asked.again or kept(f"{NAME}/{asked.seed}") is None:
        runtime.start(asked.seed, report=False)
        measure(asked.seed, asked.tuning)
    if not asked.tuning:
        print(json.dumps(line(kept(f"{NAME}/{asked.seed}"))))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nstopped; the same command begins this seed again.", file=sys.stderr)
        sys.exit(130)
