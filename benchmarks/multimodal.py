"""What pre-training buys in chapter 09, and what each idea of its recipe does.

    python benchmarks/multimodal.py               goes on where it stopped; 39 runs on one core: most take four to nine
                                                  minutes, the five longer ones half an hour
    python benchmarks/multimodal.py --part 0/2    every second run, so that two processes can share the work
    python benchmarks/multimodal.py --table       writes runs/bench/multimodal.csv, which chapter 09 shows

`pre-trained` and `scratch` follow the same recipe (`pairs.fine_tune`: read, label the rest, draw and read), over three
seeds; `longer` is the same with 8,100 steps instead of 2,100, as many as pre-training and fine-tuning have together,
one seed. The other ways have 1,000 pairs of each kind and nothing else, one seed: all weights, changes of low rank
(LoRA), the lower half frozen, and all weights with inputs hidden. The judges have learnt from real data only.
"""

import argparse
import csv
import json
import time

from common import RESULTS, progress

SIZES = (50, 100, 200, 500, 1000)
SEEDS = (7, 8, 9)
FULL = "pre-trained", "scratch"
PAIRS = "all weights", "LoRA", "lower half frozen", "all weights, hidden inputs"
LONGER = "pre-trained, longer", "scratch, longer"
STEPS = {False: (600, 1500), True: (2300, 5800)}  # longer: as many as pre-training and fine-tuning have together
FOLDER = RESULTS / "multimodal"


def jobs():
    """(way, n, seed), the most needed first."""
    curve = [(way, n, seed) for seed in SEEDS for n in (1000, 200, 50, 500, 100) for way in FULL]
    longer = [
        ("scratch, longer", 1000, 7),
        ("pre-trained, longer", 100, 7),
        ("scratch, longer", 100, 7),
        ("pre-trained, longer", 1000, 7),
        ("scratch, longer", 200, 7),
    ]
    return curve + longer + [(way, 1000, 7) for way in PAIRS]


def pairs_only(base, vocabulary, material, way, n, seed):
    """Learns from n pairs of each kind alone, in one of the ways PAIRS."""
    import keras
    import numpy as np

    from aigc_course.lmdg.words import pairs

    rng = np.random.default_rng(seed)
    chosen = {kind: pairs.choose(part, n, rng) for kind, part in material.items()}
    rows = pairs.labelled_rows(vocabulary, material, chosen, rng)
    keras.utils.set_random_seed(seed)
    decoder = base.with_lora(16, dropout_rate=0.1) if way == "LoRA" else base.copy(dropout_rate=0.1)
    if way == "lower half frozen":
        for layer in (decoder.tokens, decoder.places, *decoder.blocks[: decoder.depth // 2]):
            layer.trainable = False
    shares = {name: share for name, share in pairs.BOTH.items() if name in rows}
    hide = way == "all weights, hidden inputs"
    pairs.learn(decoder, vocabulary, rows, shares, 1500, 2e-3, way, seed + 1, hide=hide)
    return decoder, {"n": n, "seed": seed}


def one(material, way, n, seed):
    """One run; returns its scores and facts. A run whose weights are kept is scored anew, not trained anew."""
    import keras

    from aigc_course import data
    from aigc_course.lmdg.core import transformer
    from aigc_course.lmdg.words import pairs
    from aigc_course.lmdg.words.ask import Asking
    from aigc_course.lmdg.words.rows import Vocabulary

    base, facts = transformer.load_decoder(data.asset("multimodal_base.npz"))
    vocabulary = Vocabulary(facts["characters"])
    kept = FOLDER / f"{way.replace(', ', '-').replace(' ', '-')}-{n}-{seed}.npz"
    if not kept.is_file():
        if way.startswith("scratch"):
            keras.utils.set_random_seed(seed)
            base = transformer.Decoder(**base.settings)
        started = time.time()
        if way in PAIRS:
            decoder, found = pairs_only(base, vocabulary, material, way, n, seed)
        else:
            decoder, found = pairs.fine_tune_pairs(base, vocabulary, material, n, seed, STEPS[way in LONGER])
        found |= {"way": way, "seconds": round(time.time() - started)}
        transformer.save_decoder(decoder, kept, characters=facts["characters"], **found)
    decoder, found = transformer.load_decoder(kept)
    found.pop("characters")
    ask = Asking(decoder, vocabulary)
    found |= ask.scores(seed=seed)
    if n == 1000 and seed == 7:
        unguided = ask.drawing(seed=seed, guidance=1.0)
        found |= {f"unguided_{name}": unguided[name] for name in ("text_to_image", "text_to_speech")}
    return found


def table():
    """All runs as one CSV."""
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]
    rows.sort(key=lambda row: ((*FULL, *LONGER, *PAIRS).index(row["way"]), row["n"], row["seed"]))
    first = "way", "n", "seed"
    names = [*first, *(name for row in rows for name in row if name not in (*first, "seconds"))]
    names = list(dict.fromkeys(names))
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
    from aigc_course.lmdg.words import pairs

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
