"""A scaling law on Tang poems: runs over size and data, the law, a prediction on file, and only then its test.

    python benchmarks/scaling.py --run            the grid: 4 sizes × 4 amounts of text × 2 seeds (about 15 minutes)
    python benchmarks/scaling.py --run --seeds 2  only this seed: two processes of one thread side by side are faster
    python benchmarks/scaling.py --predict        fits the law, writes benchmarks/scaling_prediction.json: commit it
    python benchmarks/scaling.py --test           trains the held-out run (refuses unless that file is committed)
    python benchmarks/scaling.py --table          writes runs/bench/scaling.csv

A run sees each of its tokens once. The held-out run has twice the weights of the largest and twice the text: four times
its FLOPs. What is scored: nats a token on poems that no run saw. Knobs (3e-3, 512 tokens a step) were not tuned
on them. The last line of stdout is one JSON line.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys

from common import RESULTS, ROOT, keep, kept, progress, write_csv

from aigc_course import files, runtime
from aigc_course.scale import flops, law

CONTEXT, BATCH, RATE, AT_LEAST = 64, 8, 3e-3, 50
SIZES = {"w16d2": (16, 2, 2), "w32d2": (32, 2, 2), "w64d2": (64, 2, 2), "w96d3": (96, 3, 3)}  # width, depth, heads
# Whole steps of 512. A trial with 175,104 (one seed) lay below the range of a law: there 631 thousand weights had
# learnt no more than 298 thousand (6.34 and 6.31 nats).
TOKENS = (280_064, 478_208, 819_200, 1_400_832)
HELD = ("w136d4", (136, 4, 4), 2_801_664)
PREDICTION = ROOT / "benchmarks" / "scaling_prediction.json"
REPEATS = 400
COLUMNS = ("size", "weights", "tokens", "seed", "loss", "flops", "steps", "seconds", "role")


def texts():
    """(tokenizer, stream to learn from, stream to score): every 40th poem by its hash is scored, never learnt."""
    from aigc_course.lmdg import tang

    poems, _, _ = tang.split_tang()
    kept_out = {poem for poem in poems if int(hashlib.sha256(poem.encode()).hexdigest(), 16) % 40 == 0}
    learnt = sorted((p for p in poems if p not in kept_out), key=lambda p: hashlib.md5(p.encode()).digest())
    tokenizer = tang.tang_tokenizer(learnt, AT_LEAST)
    return tokenizer, tang.stream(tokenizer, learnt), tang.stream(tokenizer, sorted(kept_out))


def windows_once(stream, tokens, seed):
    """An array (windows, CONTEXT + 1): each of the first so many tokens once as target, the windows in random order."""
    import numpy as np

    count = tokens // CONTEXT
    if len(stream) <= count * CONTEXT:
        sys.exit(f"the stream has {len(stream):,} tokens, {tokens:,} were asked for")
    rows = np.stack([stream[i * CONTEXT : i * CONTEXT + CONTEXT + 1] for i in range(count)])
    return np.random.default_rng(seed).permutation(rows)


def train(size, shape, tokens, seed, corpus):
    """One run: trains on its tokens once, scores; a dict."""
    import keras
    import numpy as np
    import tensorflow as tf

    from aigc_course.lmdg.core import training, transformer

    tokenizer, stream, scored = corpus
    width, depth, heads = shape
    keras.utils.set_random_seed(seed)
    decoder = transformer.Decoder(len(tokenizer), CONTEXT, width, depth, heads)
    steps = tokens // (BATCH * CONTEXT)
    transformer.compile_decoder(decoder, RATE, steps)
    rows = windows_once(stream, tokens, seed).astype(np.int32)
    data = tf.data.Dataset.from_tensor_slices((rows[:, :-1], rows[:, 1:])).batch(BATCH, drop_remainder=True)
    folder = RESULTS / "scaling" / f"{size}-{tokens}-{seed}.part"  # what a stopped run goes on from
    curve = training.train_decoder(decoder, data.skip, steps, f"{size}, {tokens:,} tokens", every=171, folder=folder)
    seconds = curve[-1]["seconds"]
    shutil.rmtree(folder)
    count = len(scored) // CONTEXT - 1
    held = np.stack([scored[i * CONTEXT : i * CONTEXT + CONTEXT + 1] for i in range(count)])
    loss = float(transformer.bits_per_token(decoder, held) * np.log(2))
    n = flops.decoder_weights(len(tokenizer), width, depth)
    spent = 3 * tokens * flops.decoder_flops(len(tokenizer), width, depth, CONTEXT)
    found = {"size": size, "weights": n, "tokens": tokens, "seed": seed, "loss": round(loss, 5), "flops": spent}
    return {**found, "steps": steps, "seconds": seconds, "vocabulary": len(tokenizer)}


def run(asked):
    """The grid; what is kept is not trained again."""
    corpus = None
    todo = [(s, d, seed) for seed in asked.seeds for d in TOKENS for s in SIZES]
    for size, tokens, seed in progress(todo, "runs"):
        name = f"scaling/{size}-{tokens}-{seed}"
        if kept(name) and not asked.again:
            continue
        corpus = corpus or texts()
        keep(name, {**train(size, SIZES[size], tokens, seed, corpus), "role": "fitted"})
    return {"runs": len(todo)}


def grid():
    """The rows of the grid that are kept; stops with a line where none is."""
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((RESULTS / "scaling").glob("w*.json"))]
    rows = [row for row in rows if row["role"] == "fitted" and row["size"] in SIZES and row["tokens"] in TOKENS]
    if len(rows) < 12:
        sys.exit(f"{len(rows)} runs are kept, 12 are needed: python benchmarks/scaling.py --run")
    return rows


def foretell(rows):
    """The law of the rows and what it says of the held-out run."""
    columns = [[row[name] for row in rows] for name in ("weights", "tokens", "loss")]
    found = law.fit(*columns)
    laws, errors = law.bootstrap(*columns, REPEATS)
    size, (width, depth, _), tokens = HELD
    n = flops.decoder_weights(rows[0]["vocabulary"], width, depth)
    low, high = law.interval(laws, errors, n, tokens)
    spent = 3 * tokens * flops.decoder_flops(rows[0]["vocabulary"], width, depth, CONTEXT)
    spread = {
        name: [round(float(x), 4) for x in _quantiles([getattr(one, name) for one in laws])] for name in law.Law._fields
    }
    return {
        "law": {name: round(value, 5) for name, value in found._asdict().items()},
        "interval_95": spread,
        "relative_error_of_the_fit": round(float((errors**2).mean() ** 0.5), 5),
        "runs": len(rows),
        "held_out": {"size": size, "weights": n, "tokens": tokens},
        "predicted": round(float(law.predict(found, n, tokens)), 4),
        "predicted_95": [round(low, 4), round(high, 4)],
        "baselines": baselines(rows, spent, n, tokens),
    }


def _quantiles(values):
    """2.5 and 97.5 %."""
    import numpy as np

    return np.quantile(values, [0.025, 0.975])


def baselines(rows, flops_spent, weights, tokens):
    """What a sceptic would say: the best run so far; power laws without a floor, of the FLOPs alone and of N and D."""
    import numpy as np

    best = {}
    for row in rows:
        best[row["flops"]] = min(row["loss"], best.get(row["flops"], np.inf))
    spent, losses = np.array(sorted(best)), np.array([best[key] for key in sorted(best)])
    lowest = np.minimum.accumulate(losses) == losses  # the front: nothing cheaper is better
    slope, start = np.polyfit(np.log(spent[lowest]), np.log(losses[lowest]), 1)
    power = float(np.exp(start + slope * np.log(flops_spent)))
    inputs = np.array([[1, np.log(row["weights"]), np.log(row["tokens"])] for row in rows])
    slopes = np.linalg.lstsq(inputs, np.log([row["loss"] for row in rows]), rcond=None)[0]
    both = float(np.exp(slopes @ [1, np.log(weights), np.log(tokens)]))
    found = {"no better than the best run": losses.min(), "power law of FLOPs": power, "power law of N and D": both}
    return {name: round(float(value), 4) for name, value in found.items()}


def predict():
    """Writes the prediction."""
    if kept("scaling/held"):
        sys.exit("the held-out run is kept already: a prediction made now would be none")
    told = foretell(grid())
    text = json.dumps(told, indent=1) + "\n"
    files.write_whole(PREDICTION, lambda part: part.write_text(text, encoding="utf-8"))
    return told


def committed(path=PREDICTION, root=ROOT):
    """Whether git has this file as it stands."""

    def git(*words):
        return subprocess.run(["git", "-C", str(root), *words, str(path)], capture_output=True, check=False).returncode

    return path.is_file() and not git("ls-files", "--error-unmatch") and not git("diff", "--quiet", "HEAD", "--")


def test(asked):
    """Trains the run that was foretold, and says by how much the prediction missed."""
    if not committed():
        sys.exit(f"{PREDICTION.relative_to(ROOT)} is not committed as it stands: --predict, git commit, then --test")
    told = json.loads(PREDICTION.read_text(encoding="utf-8"))
    found = kept("scaling/held")
    if not found or asked.again:
        size, shape, tokens = HELD
        keep("scaling/held", {**train(size, shape, tokens, 1, texts()), "role": "held out"})
        found = kept("scaling/held")
    low, high = told["predicted_95"]
    miss = found["loss"] - told["predicted"]
    return {
        "predicted": told["predicted"],
        "predicted_95": [low, high],
        "measured": found["loss"],
        "miss": round(miss, 4),
        "inside": low <= found["loss"] <= high,
        "baselines": {name: round(found["loss"] - value, 4) for name, value in told["baselines"].items()},
    }


def table():
    """runs/bench/scaling.csv: a line a run, the held-out one last."""
    rows = [*grid(), *filter(None, [kept("scaling/held")])]
    write_csv("scaling", COLUMNS, rows)
    return {"rows": len(rows)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ways = parser.add_mutually_exclusive_group(required=True)
    for name in ("run", "predict", "test", "table"):
        ways.add_argument(f"--{name}", action="store_true")
    parser.add_argument("--seeds", type=int, nargs="+", default=(1, 2))
    parser.add_argument("--again", action="store_true", help="train again what is kept")
    asked = parser.parse_args()
    if min(asked.seeds) < 1:
        parser.error("--seeds must be 1 or more each")
    if asked.run or asked.test:
        runtime.configure()
        runtime.start(1, report=False)
    found = run(asked) if asked.run else predict() if asked.predict else test(asked) if asked.test else table()
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nstopped; what is kept stays. The same command goes on from there.", file=sys.stderr)
        sys.exit(130)
