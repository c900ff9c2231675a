"""What pre-training buys in chapter 09: right answers against the number of labelled pairs, over three seeds.

    python benchmarks/multimodal.py               goes on where it stopped; 34 runs of eight minutes on one core
    python benchmarks/multimodal.py --part 0/2    every second run, so that two processes can share the work
    python benchmarks/multimodal.py --table       writes runs/bench/multimodal.csv, which chapter 09 shows

Ways: `pre-trained` and `scratch` follow the same recipe (`pairs.fine_tune`: read, label the rest, draw and read);
`pre-trained, pairs only` and `scratch, pairs only` use no picture or clip without a label. The judges have learnt
from real data only.
"""

import argparse
import csv
import json
import time

from common import RESULTS, progress

SIZES = (50, 100, 200, 500, 1000)
SEEDS = (7, 8, 9)
FULL, PAIRS = ("pre-trained", "scratch"), ("pre-trained, pairs only", "scratch, pairs only")
FOLDER = RESULTS / "multimodal"


def jobs():
    """(way, n, seed), the most needed first."""
    first = [(way, n, 7) for n in (1000, 200, 50, 500, 100) for way in FULL]
    more = [(way, n, seed) for seed in SEEDS[1:] for n in (1000, 200, 50, 500, 100) for way in FULL]
    return first + [(way, n, 7) for n in (1000, 100) for way in PAIRS] + more


def one(material, way, n, seed):
    """One run; returns its scores and facts. A run whose weights are kept is scored anew, not trained anew."""
    import keras

    from aigc_course import data
    from aigc_course.lmdg import asking, multimodal, pairs, transformer

    base, facts = transformer.load(data.asset("multimodal_base.npz"))
    vocabulary = multimodal.Vocabulary(facts["characters"])
    kept = FOLDER / f"{way.replace(', ', '-').replace(' ', '-')}-{n}-{seed}.npz"
    if not kept.is_file():
        if way.startswith("scratch"):
            keras.utils.set_random_seed(seed)
            base = transformer.Decoder(**base.settings)
        started = time.time()
        decoder, found = pairs.fine_tune(base, vocabulary, material, n, seed, own_labels=way in FULL)
        found |= {"way": way, "seconds": round(time.time() - started)}
        transformer.save(decoder, kept, characters=facts["characters"], **found)
    decoder, found = transformer.load(kept)
    found.pop("characters")
    return found | asking.Asking(decoder, vocabulary).scores(seed=seed)


def table():
    """All runs as one CSV."""
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]
    rows.sort(key=lambda row: ((*FULL, *PAIRS).index(row["way"]), row["n"], row["seed"]))
    names = ["way", "n", "seed", *(name for name in rows[0] if name not in ("way", "n", "seed", "seconds"))]
    with open(RESULTS / "multimodal.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    for row in rows:
        print(*(row.get(name) for name in names))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--part", default="0/1")
    arguments = parser.parse_args()
    if arguments.table:
        return table()
    from aigc_course import runtime

    runtime.start(7)
    from aigc_course.lmdg import pairs

    FOLDER.mkdir(parents=True, exist_ok=True)
    part, of = map(int, arguments.part.split("/"))
    material, _ = pairs.material()
    for way, n, seed in progress(jobs()[part::of], "pairs"):
        path = FOLDER / f"{way}-{n}-{seed}.json"
        if not path.is_file():
            path.write_text(json.dumps(one(material, way, n, seed)), encoding="utf-8")
    return table()


if __name__ == "__main__":
    main()
