"""What pre-training buys: bits per character of unseen quatrains against the number of labelled ones, three ways.

    python benchmarks/fine_tuning.py              goes on where it stopped; 54 runs, about half an hour on two cores
    python benchmarks/fine_tuning.py --table      writes runs/bench/fine_tuning.csv, which chapter 08 shows

Full: all weights of the pre-trained decoder learn. LoRA: rank 8. Scratch: the same decoder, not pre-trained. Each run
takes the step with the lowest bits on 150 other quatrains (validation); the bits are those of 400 that nothing saw.
"""

import argparse
import csv
import json

import numpy as np
from common import RESULTS, progress

SIZES = (10, 30, 100, 300, 1000, 3186)  # the last: all but those for validation
WAYS = {
    "full": 5e-4,
    "lora": 4e-3,
    "scratch": 1e-3,
}  # learning rates, chosen by trial
SEEDS = (7, 8, 9)
VALIDATION = 150
FOLDER = RESULTS / "fine_tuning"


def one(way, n, seed):
    """One run; returns a dict with its best step and its bits on the test quatrains."""
    import keras

    from aigc_course import data
    from aigc_course.lmdg import tang
    from aigc_course.lmdg.core import characters, transformer

    base, facts = transformer.load_decoder(data.asset("tang_decoder.npz"))
    tokenizer = characters.CharTokenizer(facts["characters"])
    _, train, test = tang.split_tang()
    held = tang.labelled(tokenizer, train[:VALIDATION])
    chosen = np.random.default_rng(seed).permutation(len(train) - VALIDATION)[:n] + VALIDATION
    rows = tang.labelled(tokenizer, [train[i] for i in chosen])
    keras.utils.set_random_seed(seed)
    if way == "scratch":
        decoder = transformer.Decoder(**{**base.settings, "dropout_rate": 0.2})
    else:
        decoder = base.with_lora(8, dropout_rate=0.1) if way == "lora" else base.copy(dropout_rate=0.1)
    transformer.compile_decoder(decoder, WAYS[way])
    inputs, targets = tang.pairs_of(rows)
    batch = min(32, n)
    best = (transformer.bits_per_token(decoder, held), 0, [w.numpy() for w in decoder.trainable_weights])
    step, every, patience = 0, max(10, min(40, n // 32)), 0
    while step < 1200 and patience < 4:
        epochs = max(1, round(every * batch / n))
        decoder.fit(inputs, targets, batch_size=batch, epochs=epochs, verbose=0)
        step += epochs * -(-n // batch)
        bits = transformer.bits_per_token(decoder, held)
        patience += 1
        if bits < best[0] - 0.002:
            best, patience = (bits, step, [w.numpy() for w in decoder.trainable_weights]), 0
    for weight, value in zip(decoder.trainable_weights, best[2], strict=True):
        weight.assign(value)
    bits = transformer.bits_per_token(decoder, tang.labelled(tokenizer, test))
    return {
        "way": way,
        "n": n,
        "seed": seed,
        "step": best[1],
        "validation_bits": round(best[0], 4),
        "bits": round(bits, 4),
        "trainable": decoder.parameters()[1],
    }


def table():
    """All runs as one CSV."""
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]
    rows.sort(key=lambda row: (list(WAYS).index(row["way"]), row["n"], row["seed"]))
    with open(RESULTS / "fine_tuning.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    for way in WAYS:
        found = {n: [row["bits"] for row in rows if row["way"] == way and row["n"] == n] for n in SIZES}
        print(way, {n: f"{np.mean(bits):.2f} +- {np.std(bits):.2f}" for n, bits in found.items() if bits})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--table", action="store_true")
    if parser.parse_args().table:
        return table()
    from aigc_course import runtime

    runtime.start(7)
    FOLDER.mkdir(parents=True, exist_ok=True)
    jobs = [(way, n, seed) for seed in SEEDS for n in SIZES for way in WAYS]
    for way, n, seed in progress(jobs, "fine-tuning"):
        path = FOLDER / f"{way}-{n}-{seed}.json"
        if not path.is_file():
            path.write_text(json.dumps(one(way, n, seed)), encoding="utf-8")
    return table()


if __name__ == "__main__":
    main()
