"""Membership attacks of chapter 13: how much a model gives away about who was in its training set.

    python benchmarks/membership.py --n 1000 --seed 7                  a classifier of digits; last line: JSON
    python benchmarks/membership.py --n 1000 --seed 7 --model gan      through D, and through copies in G's samples
    python benchmarks/membership.py --n 1000 --seed 7 --model text     a small decoder of Tang poems
    python benchmarks/membership.py --n 1000 --seed 7 --null           the same attack, told memberships that are not so
    python benchmarks/membership.py --table                            writes runs/bench/membership.csv

A pool of 2 n examples; each of the models is trained on a random half, all side by side; each in turn is the target and
the others are its shadows (LiRA, Carlini et al., 2022). Scores are kept in runs/bench/membership/, so that Ctrl-C and
--null cost no second training; --again begins anew. Steps and rates were chosen with seed 1, by accuracy on digits
55,000 to 59,999, which are in no pool, and by the bits of poems outside the pool: no attack's score chose anything.
"""

import argparse
import csv
import json
import sys
import time

import numpy as np
from common import RESULTS, keep, kept, progress

from aigc_course import files, runtime

FOLDER = RESULTS / "membership"
SIZES = (100, 1_000, 10_000)
MODELS = {"classifier": 33, "gan": 17, "text": 17}  # one of them the target, the others its shadows
MEASURES = {"classifier": "accuracy", "gan": "share that D calls real", "text": "bits per character"}
SAMPLES, ASKED = 5_000, 2_000  # a GAN's pictures that are searched for copies; examples asked about at most
CONTEXT, WORDS, LINE = 8, 1_500, 20  # characters seen, characters known, characters of a poem


def steps_of(model, n):
    """(steps, examples a step, Adam's first rate). Poets stop where the bits of unseen poems turn up again."""
    table = {
        "classifier": ((200, 32, 3e-3), (900, 64, 3e-3), (2_000, 128, 3e-3)),
        "gan": 3 * ((3_000, 64, 1e-3),),  # by the judge's distance on seed 1: 106, at 5e-4 113; 2e-4 drew worse
        "text": ((60, 256, 2e-3), (250, 256, 2e-3), (1_200, 512, 4e-3)),
    }
    return table[model][sum(n > size for size in SIZES[:2])]


def digits(n, seed):
    """(images (2 n, 784) in [0, 1], labels) from the first 55,000 training digits, and the same of the test digits."""
    from aigc_course import data

    (x, y), (x_test, y_test) = data.load_mnist()
    pool = np.random.default_rng((seed, n)).permutation(55_000)[: 2 * n]

    def rows(images):
        return (images.reshape(len(images), -1) / 255).astype(np.float32)

    return rows(x[pool]), y[pool].astype(np.int32), rows(x_test), y_test.astype(np.int32)


def places(inside):
    """Who is inside, as places: bool (M, P) -> int (M, n)."""
    return np.stack([np.flatnonzero(row) for row in inside])


def bar(steps, label):
    """A function to call after each step, behind a bar on stderr."""
    moving = iter(progress(range(steps), label))
    next(moving)
    return lambda made: next(moving, None) and None


# --- three kinds of model: each gives scores by name, (M, asked), and its measure on members and on strangers -----


def classifier(n, seed, models, steps):
    """784-128-10; the score is log(p / (1 - p)) of the true digit."""
    from aigc_course.trust import membership, unlearning

    images, labels, unseen, their = digits(n, seed)
    inside = membership.halves(models, 2 * n, np.random.default_rng((seed, n, 1)))
    crowd = unlearning.Crowd((784, 128, 10), models, seed)
    made, batch, rate = steps_of("classifier", n)
    made = steps or made
    unlearning.learn(crowd, images, labels, places(inside), made, batch, rate, seed, each=bar(made, f"classifier {n}"))
    logits = crowd.read(images)
    right, outside = logits.argmax(axis=2) == labels, crowd.read(unseen).argmax(axis=2) == their
    scores = {"model": membership.log_odds(logits, labels)}
    return scores, inside, float(right[inside].mean()), float(outside.mean()), crowd.parameters


def gan(n, seed, models, steps):
    """Two players of one hidden layer each; the scores are D's logit and, blind to D, how near a sample comes."""
    import tensorflow as tf

    from aigc_course.trust import membership, unlearning

    images, _, unseen, _ = digits(n, seed)
    inside = membership.halves(models, 2 * n, np.random.default_rng((seed, n, 1)))
    generator = unlearning.Crowd((64, 128, 784), models, seed, beta_1=0.5)
    critic = unlearning.Crowd((784, 128, 1), models, seed + 1, beta_1=0.5)
    made, batch, rate = steps_of("gan", n)
    held, members, rate = tf.constant(images), tf.constant(places(inside)), tf.constant(rate)

    @tf.function
    def step(place):
        chosen = tf.random.stateless_uniform((models, batch), tf.stack([seed, 2 * place]), 0, n, tf.int32)
        z = tf.random.stateless_normal((models, batch, 64), tf.stack([seed, 2 * place + 1]))
        real = tf.gather(held, tf.gather(members, chosen, batch_dims=1))
        with tf.GradientTape(persistent=True) as tape:
            both = critic.logits(tf.concat([real, tf.nn.sigmoid(generator.logits(z))], axis=1))
            real_logits, fake_logits = both[:, :batch], both[:, batch:]
            d_loss = tf.reduce_sum(tf.nn.softplus(-real_logits) + tf.nn.softplus(fake_logits)) / batch
            g_loss = tf.reduce_sum(tf.nn.softplus(-fake_logits)) / batch
        slopes = tape.gradient(g_loss, generator.weights)
        critic.move(tape.gradient(d_loss, critic.weights), rate)
        generator.move(slopes, rate)

    for place in progress(range(steps or made), f"gan {n}"):
        step(tf.constant(place))
    asked = min(2 * n, ASKED)
    logits, outside = critic.read(images[:asked])[..., 0], critic.read(unseen)[..., 0]
    scores = {"model": logits, "copies": -nearest(generator, images[:asked], seed)}
    parameters = generator.parameters + critic.parameters
    return (
        scores,
        inside[:, :asked],
        float((logits > 0)[inside[:, :asked]].mean()),
        float((outside > 0).mean()),
        parameters,
    )


def nearest(generator, images, seed):
    """Each image's distance to the nearest of SAMPLES pictures of each model: (M, P)."""
    import tensorflow as tf

    z = tf.constant(np.random.default_rng((seed, 2)).standard_normal((SAMPLES, 64)), tf.float32)
    drawn = tf.nn.sigmoid(generator.logits(z))  # (M, S, 784)
    lengths = tf.reduce_sum(tf.square(drawn), axis=2)
    squares = [
        tf.reduce_min(lengths[m] - 2 * tf.matmul(images, drawn[m], transpose_b=True), axis=1)
        for m in range(generator.models)
    ]
    return np.sqrt(np.maximum(np.stack(squares) + np.square(images).sum(axis=1), 0))


def poems():
    """Tokens (P, LINE) of the distinct first quatrains with five characters a line, marks left out."""
    from aigc_course import data
    from aigc_course.lmdg.core.characters import CharTokenizer

    starts = dict.fromkeys(text[:24] for _, _, text in data.load_tang_poems() if text[5:24:6] == "，。，。")
    lines = ["".join(text[i : i + 5] for i in (0, 6, 12, 18)) for text in starts]
    known = CharTokenizer(CharTokenizer.of("".join(lines)).characters[: WORDS - 3])
    return np.stack([known.encode(line) for line in lines])


def contexts(tokens):
    """What is read and what is asked: (P LINE, CONTEXT) and (P LINE,)."""
    padded = np.pad(tokens, ((0, 0), (CONTEXT, 0)), constant_values=2)  # 2: the end of the poem before
    read = np.lib.stride_tricks.sliding_window_view(padded, CONTEXT, axis=1)[:, :LINE]
    return np.ascontiguousarray(read).reshape(-1, CONTEXT), tokens.reshape(-1)


def poet(models, seed, width=32, hidden=64):
    """A decoder that sees the last eight characters (Bengio et al., 2003), M of them side by side."""
    import tensorflow as tf

    from aigc_course.trust import unlearning

    class Poet(unlearning.Crowd):
        def logits(self, x):
            x = tf.broadcast_to(x, (self.models, *x.shape[-2:]))
            seen = tf.gather(self.table, x, batch_dims=1)
            return super().logits(tf.reshape(seen, (self.models, -1, CONTEXT * width)))

    made = Poet((CONTEXT * width, hidden, WORDS), models, seed)
    start = np.random.default_rng((seed, 3)).standard_normal((models, WORDS, width))
    made.table = tf.Variable(start, dtype=tf.float32)
    made.weights.append(made.table)
    made.restart()
    return made


def text(n, seed, models, steps):
    """The score is minus the poem's loss: the mean log probability of its characters."""
    from aigc_course.trust import membership, unlearning

    every = poems()
    every = every[np.random.default_rng((seed, n)).permutation(len(every))]
    inside = membership.halves(models, 2 * n, np.random.default_rng((seed, n, 1)))
    crowd = poet(models, seed)
    read, wanted = contexts(every[: 2 * n])
    tokens = (places(inside)[:, :, None] * LINE + np.arange(LINE)).reshape(models, -1)
    made, batch, rate = steps_of("text", n)
    made = steps or made
    unlearning.learn(crowd, read, wanted, tokens, made, batch, rate, seed, each=bar(made, f"text {n}"))
    asked = min(2 * n, ASKED)
    likely = -losses(crowd, every[:asked])
    own = -likely[inside[:, :asked]].mean() / np.log(2)
    return (
        {"model": likely},
        inside[:, :asked],
        float(own),
        float(losses(crowd, every[-1000:]).mean() / np.log(2)),
        crowd.parameters,
    )


def losses(crowd, tokens, block=50):
    """Nats a character of each poem under each model: (M, P)."""
    import tensorflow as tf

    found = []
    for start in range(0, len(tokens), block):
        read, wanted = contexts(tokens[start : start + block])
        asked = tf.broadcast_to(wanted, (crowd.models, len(wanted)))
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(asked, crowd.logits(tf.constant(read)))
        found.append(tf.reduce_mean(tf.reshape(each, (crowd.models, -1, LINE)), axis=2).numpy())
    return np.concatenate(found, axis=1)


# --- attack ---------------------------------------------------------------------------------------------------


def scored(model, n, seed, models, steps, again):
    """Scores of trained models, from the file of an earlier run where there is one."""
    place = FOLDER / f"{model}-{n}-{seed}.scores.npz"
    asked = np.array([models, steps or steps_of(model, n)[0]])
    if place.is_file() and not again:
        with np.load(place) as held:
            if (held["asked"] == asked).all():
                return {name: held[name] for name in held.files}
    runtime.configure()
    runtime.start(seed, report=False)
    started = time.perf_counter()
    scores, inside, train, test, parameters = {"classifier": classifier, "gan": gan, "text": text}[model](
        n, seed, models, steps
    )
    found = {f"scores_{name}": part.astype(np.float32) for name, part in scores.items()}
    facts = {"train": train, "test": test, "parameters": parameters, "seconds": time.perf_counter() - started}
    found |= {"inside": inside, "asked": asked, **{name: np.array(value) for name, value in facts.items()}}
    files.write_whole(place, lambda part: np.savez_compressed(part, **found))
    return found


def attack(found, null, n, seed):
    """What each attack finds, by name. Null: the attack is told memberships drawn anew, which no training knew."""
    from aigc_course.trust import membership

    inside = found["inside"]
    if null:
        inside = membership.halves(*inside.shape, np.random.default_rng((seed, n, 4)))
    results = {}
    for kind in ("model", "copies"):
        if f"scores_{kind}" not in found:
            continue
        scores = found[f"scores_{kind}"]
        before = "" if kind == "model" else "copies_"
        ways = {
            f"{before}loss_": scores,
            before: membership.lira_of_all(scores, inside),
            f"{before}offline_": membership.lira_of_all(scores, inside, online=False),
        }
        for name, values in ways.items():
            one = membership.judge_attack(values, inside, np.random.default_rng((seed, n, 5)))
            results |= {
                f"{name}auc": round(one.auc, 4),
                f"{name}auc_interval": [round(end, 4) for end in one.auc_interval],
                f"{name}tpr_at_1_percent": round(one.tpr, 4),
                f"{name}tpr_interval": [round(end, 4) for end in one.tpr_interval],
            }
    return results


def run(asked):
    name = f"membership/{asked.model}-{asked.n}-{asked.seed}{'-null' if asked.null else ''}"
    models, steps = asked.models or MODELS[asked.model], asked.steps
    made = steps or steps_of(asked.model, asked.n)[0]
    result = kept(name)
    if not result or asked.again or (result["shadows"], result["steps"]) != (models - 1, made):
        found = scored(asked.model, asked.n, asked.seed, models, steps, asked.again)
        facts = {key: round(float(found[key]), 4) for key in ("train", "test", "seconds")}
        result = {"model": asked.model, "n": asked.n, "seed": asked.seed, "null": asked.null, "shadows": models - 1}
        result |= {"steps": made, "parameters": int(found["parameters"]), "measure": MEASURES[asked.model], **facts}
        result |= attack(found, asked.null, asked.n, asked.seed)
        keep(name, result)
    print(json.dumps({key: value for key, value in result.items() if key != "machine"}))


# --- table ----------------------------------------------------------------------------------------------------

ATTACKS = {
    "loss_": "threshold",
    "": "LiRA",
    "offline_": "LiRA offline",
    "copies_loss_": "copies, threshold",
    "copies_": "copies, LiRA",
    "copies_offline_": "copies, LiRA offline",
}
FACTS = ("model", "n", "seed", "shadows", "steps", "parameters", "measure", "train", "test", "seconds")


def rows_of(result):
    """Lines of the table: one an attack."""
    for before, name in ATTACKS.items():
        if f"{before}auc" in result:
            line = {key: result[key] for key in FACTS} | {"attack": name, "blind": int(result["null"])}
            for value, ends in (("auc", "auc_interval"), ("tpr_at_1_percent", "tpr_interval")):
                low, high = result[before + ends]
                line |= {value: result[before + value], f"{value}_low": low, f"{value}_high": high}
            yield line


def table():
    """membership.csv: a line a model, size, seed and attack."""
    results = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]
    if not results:
        sys.exit("nothing measured yet: python benchmarks/membership.py --n 1000 --seed 7")
    rows = [row for result in results for row in rows_of(result)]
    rows.sort(key=lambda row: (row["model"], row["n"], row["blind"], row["attack"], row["seed"]))
    with open(RESULTS / "membership.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    keep("membership", {"rows": rows})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--n", type=int, default=1000, help="training examples of each model; the pool has twice as many"
    )
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--model", choices=tuple(MODELS), default="classifier")
    parser.add_argument("--models", type=int, default=0, help="how many side by side; 0: the benchmark's number")
    parser.add_argument("--steps", type=int, default=0, help="training steps; 0: the benchmark's number")
    parser.add_argument("--null", action="store_true", help="the blind row: memberships drawn anew")
    parser.add_argument("--again", action="store_true", help="do not take what an earlier run has kept")
    parser.add_argument("--table", action="store_true")
    asked = parser.parse_args()
    if asked.table:
        return table()
    most = 12_000 if asked.model == "text" else 27_500
    if not 10 <= asked.n <= most:
        parser.error(f"--n must be from 10 to {most:,}: the pool has 2 n examples; received {asked.n}")
    if asked.seed < 0 or asked.steps < 0 or asked.models < 0 or 0 < asked.models < 5:
        parser.error("--seed and --steps must be 0 or more, --models 5 or more: a target and four shadows")
    FOLDER.mkdir(parents=True, exist_ok=True)
    return run(asked)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nstopped; kept results stay. The same command trains again what was not kept.", file=sys.stderr)
        sys.exit(130)
