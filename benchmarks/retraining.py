"""What becomes of a generator that is retrained on its own pictures (chapter 14): a chain a regime and seed.

    python benchmarks/retraining.py --regime replace --generations 10 --seed 7   one chain, half a minute on two cores;
                                                                                 its last line is one JSON line
    python benchmarks/retraining.py --regime all --seed 7                        every regime, kept ones not again
    python benchmarks/retraining.py --table                                      writes runs/bench/retraining.csv

Regimes: replace, accumulate, fixed, verified; beside them fresh, real and blind (aigc_course/trust/regimes.py says what
each is). Kept in runs/bench/retraining/. The judge that scores is the course's; the verifier is another network,
trained here on the first 55,000 training digits.
"""

import argparse
import csv
import json
import sys
import time

import numpy as np
from common import RESULTS, keep, kept, progress

from aigc_course import files, runtime
from aigc_course.trust import regimes

FOLDER = RESULTS / "retraining"
NUMBERS = ("distance", "precision", "recall", "rare", "copies", "echoes", "accepted")
SURE = 0.9  # the verifier accepts a picture to which it gives one class with this probability


def verifier():
    """Images -> bool array: whether a network that is not the judge is sure of some class."""
    from aigc_course import data
    from aigc_course.studio import scores

    place = FOLDER / "verifier.weights.h5"
    network = scores.build_classifier(24)
    if place.is_file():
        network.load_weights(place)
    else:
        (x, y), _ = data.load_mnist()
        kept_back = regimes.HELD
        network = scores.train_classifier(data.scale(x[:-kept_back]), y[:-kept_back], 2, seed=11, width=24, flip=False)
        FOLDER.mkdir(parents=True, exist_ok=True)
        network.save_weights(place)

    def verify(images):
        logits = np.concatenate([network(part, training=False) for part in np.array_split(images, 2)])
        highest = np.exp(logits - logits.max(axis=1, keepdims=True))
        return 1 / highest.sum(axis=1) >= SURE

    return verify


def run(regime, generations, seed, again=False):
    """The result of one chain, kept or computed: a dict of lists, a number a generation."""
    from aigc_course.trust.maker import Maker

    name = f"retraining/{regime}-{generations}-{seed}"
    if (found := kept(name)) and not again:
        return found
    verify = verifier() if regime == "verified" else None
    started = time.perf_counter()
    chain = regimes.chain(regime, generations, seed, Maker(), regimes.Scale(), verify)
    rows = [row for row, _ in progress(chain, f"{regime}, seed {seed}")]
    result = {"regime": regime, "seed": seed, "generations": generations}
    result |= {name: [round(float(row[name]), 4) for row in rows] for name in NUMBERS}
    result |= {"pool": [row["pool"] for row in rows], "rare_digit": regimes.RARE, "rare_share": regimes.SHARE}
    result["seconds"] = round(time.perf_counter() - started, 1)
    keep(name, result)
    return kept(name)


def table():
    """retraining.csv: a line a regime, seed and generation; retraining.json for RESULTS.md."""
    chains = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]
    chains = [chain for chain in chains if chain["generations"] >= 10]
    if not chains:
        sys.exit("nothing kept yet: python benchmarks/retraining.py --regime all --generations 10 --seed 7")
    chains.sort(key=lambda chain: (list(regimes.CHAINS).index(chain["regime"]), chain["seed"]))
    rows = [
        {"regime": chain["regime"], "seed": chain["seed"], "generation": i + 1, "pool": chain["pool"][i]}
        | {name: chain[name][i] for name in NUMBERS}
        for chain in chains
        for i in range(chain["generations"])
    ]

    def write(part):
        with open(part, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    files.write_whole(RESULTS / "retraining.csv", write)
    keep("retraining", {"chains": chains})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--regime", choices=[*regimes.CHAINS, "all"], default="replace")
    parser.add_argument("--generations", type=int, default=10)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--again", action="store_true", help="compute what is kept once more")
    parser.add_argument("--table", action="store_true", help="write the table from what is kept")
    asked = parser.parse_args()
    if asked.table:
        return table()
    if not 1 <= asked.generations <= 100 or not 0 <= asked.seed < 2**31 // 1000:
        parser.error("--generations must be 1 to 100, --seed 0 to 2147482")
    runtime.configure()
    runtime.start(asked.seed, report=False)
    for regime in regimes.CHAINS if asked.regime == "all" else [asked.regime]:
        print(json.dumps(run(regime, asked.generations, asked.seed, asked.again)), flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nstopped; what is kept stays. The same command goes on from there.", file=sys.stderr)
        sys.exit(130)
