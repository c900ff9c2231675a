"""What labels teach: bits, form, rhyme and use of the title against the number of labelled quatrains.

    python benchmarks/fine_tuning.py              goes on where it stopped; half an hour on one core
    python benchmarks/fine_tuning.py --ways lora  one way only
    python benchmarks/fine_tuning.py --table      writes runs/bench/fine_tuning.csv, which chapter 08 shows

N counts every label: four fifths are learnt from, one fifth chooses rate and step (no other validation). *pretrained*:
all weights of the shipped decoder learn. *lora*: changes of rank 8. *fresh*: the same decoder, not pre-trained; it may
take as many steps as pre-training and fine-tuning together (5,000 + 1,000) and stops, as the others do, when the fifth
has not improved for some evaluations. Rates: the best of three by the fifth, N = 300, seed 6, for each way (--knobs).

Scored: the test quatrains that share no two lines with anything learnt from. *exchanged*: the bits when each poem has
the title of another, about as long. The rhyme table is built from training poems only.
"""

import argparse
import json
import time

import numpy as np
from common import RESULTS, progress, write_csv

SIZES = (10, 30, 100, 300, 1000, 3336)
RATES = {"pretrained": (3e-4, 5e-4, 1e-3), "fresh": (5e-4, 1e-3, 2e-3), "lora": (2e-3, 4e-3, 8e-3)}
SEEDS = (7, 8, 9)
PRETRAINING, MOST = 5000, 1000  # steps of the shipped decoder; the most that are added
PATIENCE, LEAST = 5, 0.002  # evaluations without so many bits of improvement
TEMPERATURE = 0.7
FOLDER = RESULTS / "fine_tuning"
KNOBS = RESULTS / "fine_tuning_knobs.json"
COLUMNS = ("way", "n", "seed", "steps", "bits", "exchanged", "form", "rhyme", "poems", "seconds")


def material():
    """(base, tokenizer, labelled quatrains, clean test quatrains, rhyme table), once for all runs."""
    from aigc_course import data
    from aigc_course.lmdg import tang
    from aigc_course.lmdg.core import characters, transformer

    base, facts = transformer.load_decoder(data.asset("tang_decoder.npz"))
    others, pairs, test = tang.split_tang()
    learnt = others + [text for _, text in pairs]
    clean = tang.without_leaks(test, learnt)
    return base, characters.CharTokenizer(facts["characters"]), pairs, clean, tang.rhyme_table(learnt, shared=20)


def start(way, base):
    """The decoder that a way begins with."""
    from aigc_course.lmdg.core import transformer

    if way == "fresh":
        return transformer.Decoder(**{**base.settings, "dropout_rate": 0.2})
    return base.with_lora(8, dropout_rate=0.1) if way == "lora" else base.copy(dropout_rate=0.1)


def mover(decoder, learnt, batch, seed):
    """One step as `train_on_batch` makes it, with logits for the scored places alone: a quarter quicker."""
    import tensorflow as tf

    from aigc_course import fast

    rows, weights = tf.constant(learnt), decoder.trainable_variables

    @tf.function
    def move(step):
        chosen = tf.random.stateless_uniform((batch,), [seed, step], 0, len(learnt), dtype=tf.int32)
        found = tf.gather(rows, chosen)
        inputs, wanted = tf.abs(found[:, :-1]), tf.maximum(found[:, 1:], 0)
        with tf.GradientTape() as tape:
            x = decoder.tokens(inputs) + decoder.places(tf.range(inputs.shape[1]))
            x = decoder.dropout(x, training=True)
            for block in decoder.blocks:
                x = block(x, training=True)
            logits = decoder.logits(tf.boolean_mask(x, wanted > 0))
            loss = tf.reduce_mean(fast.token_cross_entropy(tf.boolean_mask(wanted, wanted > 0), logits))
        decoder.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return loss

    return lambda step: move(tf.constant(step))


def trained(way, rate, n, seed, base, tokenizer, pairs):
    """(decoder at its best step, that step, its bits on the fifth)."""
    import keras

    from aigc_course.lmdg import tang
    from aigc_course.lmdg.core import transformer

    chosen = np.random.default_rng(seed).permutation(len(pairs))[:n]
    rows = tang.labelled(tokenizer, [pairs[i] for i in chosen])
    held, learnt = rows[: max(2, n // 5)], rows[max(2, n // 5) :]
    keras.utils.set_random_seed(seed)
    decoder = transformer.compile_decoder(start(way, base), rate)
    batch = min(32, len(learnt))
    most = MOST + (PRETRAINING if way == "fresh" else 0)
    every = (10 if n <= 300 else 40) if way != "fresh" else (20 if n <= 300 else 60)
    move, step, waited = mover(decoder, learnt, batch, seed), 0, 0
    best = (transformer.bits_per_token(decoder, held), 0, [w.numpy() for w in decoder.trainable_weights])
    while step < most and waited < PATIENCE:
        for i in range(step, step + every):
            move(i)
        step, waited = step + every, waited + 1
        bits = transformer.bits_per_token(decoder, held)
        if bits < best[0] - LEAST:
            best, waited = (bits, step, [w.numpy() for w in decoder.trainable_weights]), 0
    for weight, value in zip(decoder.trainable_weights, best[2], strict=True):
        weight.assign(value)
    return decoder, best[1], best[0]


def scores(decoder, tokenizer, clean, table, seed):
    """What a decoder can do on the test quatrains: a dict."""
    from aigc_course import data
    from aigc_course.lmdg import tang
    from aigc_course.lmdg.core import transformer

    rows = tang.write_all(decoder, tokenizer, [title for title, _ in clean], TEMPERATURE, seed)
    poems = [tang.poem_of(tokenizer, row) for row in rows]
    whole = [poem for poem in poems if data.is_quatrain(poem)]
    bits = [
        transformer.bits_per_token(decoder, tang.labelled(tokenizer, found)) for found in (clean, tang.exchanged(clean))
    ]
    rhymed = sum(tang.rhymes(poem, table) for poem in whole)
    return {
        "bits": round(bits[0], 4),
        "exchanged": round(bits[1], 4),
        "form": round(len(whole) / len(poems), 4),
        "rhyme": round(rhymed / len(poems), 4),  # of all poems: form and rhyme
        "poems": len(poems),
    }


def knobs(found):
    """Tries three rates for each way by the fifth of 300 labels, seed 6; keeps the best."""
    base, tokenizer, pairs, _, _ = found
    kept = json.loads(KNOBS.read_text(encoding="utf-8")) if KNOBS.is_file() else {}
    for way, rates in RATES.items():
        for rate in rates:
            if f"{way}-{rate}" not in kept:
                kept[f"{way}-{rate}"] = round(trained(way, rate, 300, 6, base, tokenizer, pairs)[2], 4)
                KNOBS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
                print(way, rate, kept[f"{way}-{rate}"], flush=True)
    return {way: min(rates, key=lambda rate, way=way: kept[f"{way}-{rate}"]) for way, rates in RATES.items()}


def reference_rows(found):
    """The untouched decoder, real test poems, and real ones whose last line is another's (blind to rhyme)."""
    from aigc_course.lmdg import tang

    base, tokenizer, _, clean, table = found
    real = [text for _, text in clean]
    moved = [poem[:18] + other[18:] for poem, other in zip(real, real[1:] + real[:1], strict=True)]
    share = {"real": real, "blind": moved}
    rows = [
        {"way": name, "n": 0, "seed": 0, "form": 1.0, "poems": len(poems)}
        | {"rhyme": round(float(np.mean([tang.rhymes(poem, table) for poem in poems])), 4)}
        for name, poems in share.items()
    ]
    return [*rows, {"way": "untouched", "n": 0, "seed": 0, "steps": 0, **scores(base, tokenizer, clean, table, 7)}]


def table():
    """All runs as one CSV."""
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]
    order = ["real", "blind", "untouched", *RATES]
    rows.sort(key=lambda row: (order.index(row["way"]), row["n"], row["seed"]))
    write_csv("fine_tuning", COLUMNS, rows)
    for row in rows:
        print({name: row.get(name, "") for name in COLUMNS})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--ways", nargs="+", default=["pretrained", "fresh", "lora"], choices=list(RATES))
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS)
    asked = parser.parse_args()
    if asked.table:
        return table()
    from aigc_course import runtime

    runtime.start(7)
    FOLDER.mkdir(parents=True, exist_ok=True)
    found = material()
    base, tokenizer, pairs, clean, rhymes = found
    print(f"{len(clean)} clean test quatrains", flush=True)
    rates = knobs(found)
    for row in [] if (FOLDER / "untouched.json").is_file() else reference_rows(found):
        (FOLDER / f"{row['way']}.json").write_text(json.dumps(row), encoding="utf-8")
    for seed, n, way in progress([(s, n, w) for s in asked.seeds for n in asked.sizes for w in asked.ways], "runs"):
        path = FOLDER / f"{way}-{n}-{seed}.json"
        if path.is_file():
            continue
        began = time.time()
        decoder, steps, _ = trained(way, rates[way], n, seed, base, tokenizer, pairs)
        row = {"way": way, "n": n, "seed": seed, "steps": steps, **scores(decoder, tokenizer, clean, rhymes, seed)}
        row["seconds"] = round(time.time() - began, 1)
        path.write_text(json.dumps(row), encoding="utf-8")
        print(row, flush=True)
    return table()


if __name__ == "__main__":
    main()
