"""Unlearning of chapter 13: small classifiers that are made to forget, beside ones that never knew.

    python benchmarks/unlearning.py --seed 7           last line: JSON; kept in runs/bench/unlearning/7.json
    python benchmarks/unlearning.py --table            writes runs/bench/unlearning.csv

Eight networks 784-128-10 on 5,000 digits, side by side, differing in their random weights. Two sets are to be
forgotten: 100 random digits, and a kind, the smallest of four clusters of the sevens. The yardstick is retraining from
nothing without them, twice: what two retrainings differ by is the best that anybody can ask for. The two ascents were
chosen on seed 1, by how near accuracy on the forgotten came to that of retraining: the weak one did best on random
digits, the strong one on a kind. The first 5,000 test digits report, and chose nothing.
"""

import argparse
import csv
import json
import sys
import time

import numpy as np
from common import RESULTS, keep, kept, progress

from aigc_course import runtime

MODELS, N, RANDOM, KIND = 8, 5_000, 100, 7
STEPS, BATCH, RATE = 1_500, 64, 1e-3  # of a training from nothing
REPAIR, REPAIR_RATE = 150, 5e-4  # steps of fine-tuning on the rest
ASCENTS = {"weak ascent, repaired": (20, 3e-4), "strong ascent, repaired": (40, 1e-3)}  # steps, rate
WAYS = ("nothing", "fine-tuning", *ASCENTS, "retrained")


def digits(seed):
    """(images (55,000, 784) in [0, 1], labels) in an order of the seed, and the test digits."""
    from aigc_course import data

    (x, y), (x_test, y_test) = data.load_mnist()
    order = np.random.default_rng((seed, 0)).permutation(55_000)

    def rows(images):
        return (images.reshape(len(images), -1) / 255).astype(np.float32)

    return rows(x[order]), y[order].astype(np.int32), rows(x_test), y_test.astype(np.int32)


def forgotten(images, labels, kind, rng):
    """(places to forget among the first N, places of unseen ones of the same sort)."""
    from aigc_course import metrics
    from aigc_course.trust import copies

    if kind == "random":
        return np.arange(RANDOM), np.arange(N, N + 2_000)
    sevens = np.flatnonzero(labels[: 6 * N] == KIND)
    centres = copies.cells_of(images[sevens], 4, rng)
    cell = metrics.nearest_neighbours(images[sevens], centres)[1][:, 0]
    chosen = sevens[cell == np.bincount(cell, minlength=4).argmin()]
    return chosen[chosen < N], chosen[chosen >= N]


def train(images, labels, members, seed, steps):
    from aigc_course.trust import unlearning

    crowd = unlearning.Crowd((784, 128, 10), MODELS, seed)
    unlearning.learn(crowd, images, labels, members, steps, BATCH, RATE, seed)
    return crowd


def unlearn(crowd, way, images, labels, forget, rest, seed, share):
    """A copy of the crowd that forgot in one of the WAYS but the last."""
    from aigc_course.trust import unlearning

    crowd = crowd.copy()
    if way in ASCENTS:
        steps, rate = ASCENTS[way]
        unlearning.learn(crowd, images, labels, forget, max(1, round(steps * share)), BATCH, rate, seed, ascend=True)
        crowd.restart()
    if way != "nothing":
        unlearning.learn(crowd, images, labels, rest, max(1, round(REPAIR * share)), BATCH, REPAIR_RATE, seed)
    return crowd


def measured(crowd, yardstick, images, labels, forget, unseen, test):
    """What a crowd keeps of the forgotten, against the yardstick crowd's networks of the same places."""
    from aigc_course.trust import membership, unlearning

    x, y = images[forget], labels[forget]
    own, theirs = crowd.read(x), yardstick.read(x)
    scores = [
        membership.log_odds(part, labels[places])
        for part, places in ((own, forget), (crowd.read(images[unseen]), unseen))
    ]
    # calibrated: less what networks that never saw the example say of it (the offline attack of LiRA)
    means = [membership.log_odds(yardstick.read(images[p]), labels[p]).mean(axis=0) for p in (forget, unseen)]
    logits, others = crowd.read(test[0]), yardstick.read(test[0])
    values = {
        "forgotten": (own.argmax(axis=2) == y).mean(axis=1),
        "test": (logits.argmax(axis=2) == test[1]).mean(axis=1),
        "disagreement": unlearning.disagreement(own, theirs),
        "test_disagreement": unlearning.disagreement(logits, others),
        "auc": np.array([membership.auc(a, b) for a, b in zip(*scores, strict=True)]),
        "calibrated_auc": np.array([membership.auc(a - means[0], b - means[1]) for a, b in zip(*scores, strict=True)]),
        "relearn": unlearning.steps_to_relearn(crowd, x, y),
    }
    found = {name: round(float(value.mean()), 4) for name, value in values.items()}
    errors = {name: value.std(ddof=1) / np.sqrt(len(value)) for name, value in values.items()}
    return found | {f"{name}_error": round(float(error), 4) for name, error in errors.items()}


def run(seed, share):
    """All rows of one seed: two sets to forget, four ways each."""
    images, labels, x_test, y_test = digits(seed)
    rows, test = [], (x_test[:5000], y_test[:5000])
    whole, steps = np.broadcast_to(np.arange(N), (MODELS, N)), max(1, round(STEPS * share))
    trained = train(images, labels, whole, seed, steps)
    for kind in progress(("random", "kind"), f"seed {seed}"):
        forget, unseen = forgotten(images, labels, kind, np.random.default_rng((seed, 1)))
        left = np.setdiff1d(np.arange(N), forget)
        members = [np.broadcast_to(part, (MODELS, len(part))) for part in (forget, left)]
        yardstick, second = (train(images, labels, members[1], 1000 * k + seed, steps) for k in (1, 2))
        for way in WAYS:
            started = time.perf_counter()
            crowd = second if way == "retrained" else unlearn(trained, way, images, labels, *members, seed, share)
            seconds = time.perf_counter() - started
            found = measured(crowd, yardstick, images, labels, forget, unseen, test)
            made = {"nothing": 0, "retrained": STEPS}.get(way, REPAIR + ASCENTS.get(way, (0, 0))[0])
            row = {
                "seed": seed,
                "forget": kind,
                "forgotten_count": len(forget),
                "way": way,
                "steps": round(made * share),
            }
            rows.append(row | found | {"seconds": round(seconds, 2)})
            print(f"{kind}, {way}: {found['forgotten']:.4f} {found['calibrated_auc']:.3f}", file=sys.stderr, flush=True)
    return rows


def table():
    """unlearning.csv: a line a seed, set and way."""
    found = [kept(f"unlearning/{path.stem}") for path in sorted((RESULTS / "unlearning").glob("*.json"))]
    if not found:
        sys.exit("nothing measured yet: python benchmarks/unlearning.py --seed 7")
    rows = [row for one in found for row in one["rows"]]
    with open(RESULTS / "unlearning.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    keep("unlearning", {"rows": rows})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--share", type=float, default=1.0, help="of all steps; below 1 nothing is kept")
    parser.add_argument("--again", action="store_true", help="do not take what an earlier run has kept")
    parser.add_argument("--table", action="store_true")
    asked = parser.parse_args()
    if asked.table:
        return table()
    if asked.seed < 0 or not 0 < asked.share <= 1:
        parser.error("--seed must be 0 or more, --share above 0 and 1 at most")
    name = f"unlearning/{asked.seed}"
    result = kept(name) if asked.share == 1 else None
    if not result or asked.again:
        runtime.configure()
        runtime.start(asked.seed, report=False)
        started = time.perf_counter()
        result = {"seed": asked.seed, "rows": run(asked.seed, asked.share)}
        result["seconds"] = round(time.perf_counter() - started, 1)
        if asked.share == 1:
            keep(name, result)
    print(json.dumps({key: value for key, value in result.items() if key != "machine"}))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nstopped; kept results stay.", file=sys.stderr)
        sys.exit(130)
