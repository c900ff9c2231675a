"""Pre-training and own labels, each with and without, at equal total steps; and captions that cost nothing. Chapter 09.

    python benchmarks/factorial.py            goes on where it stopped; an hour and more on one core
    python benchmarks/factorial.py --table    writes runs/bench/factorial.csv, which chapter 09 shows

The smallest scale on which the question can be asked: pictures alone, a decoder of 0.2 million weights, one token a
name. A row is four places of caption, a mark, 49 codes, a mark, the answer. Pre-training: PRETRAIN steps on unlabelled
digits. Fine-tuning: TUNE steps on n labelled pairs; `fresh` has PRETRAIN + TUNE steps of fine-tuning instead.
Own labels: read first, label the other digits where sure, draw and read from both; without: n pairs are all there is.

`captions`: pre-training also sees measured words (thick, thin; slanted, upright; tall, broad) in the caption places, in
front of half the digits, and asks for one of them behind a quarter: nobody labels anything. All ways may use such words
beside the name in fine-tuning.

Knobs: how sure the model has to be of its own labels and how an answer is weighed are chosen on runs with seed 6
(`knobs`), guidance for each run anew, all on the 600 digits at the end of the training images and by a second judge
(`second_judge`), which learnt from real digits only, with another seed. The judge of chapter 01, the test digits and
seeds 7 to 9 decide nothing.
"""

import argparse
import json

from common import RESULTS, write_csv

# isort: split
import keras
import numpy as np
import tensorflow as tf

from aigc_course import data, files, metrics, runtime
from aigc_course.lmdg import codecs
from aigc_course.lmdg.core import generation, training, transformer
from aigc_course.lmdg.words import corpus, pairs, rows

PLACES, LENGTH = 4, 56  # of the caption; of a row
NAME, WORD, TEXT, IMAGE, CODE, SIZE = 3, 13, 19, 20, 21, 85  # first token of each kind; of all
POOL, VERSIONS = 6000, 4  # digits to fine-tune on, n of them labelled; each as it is and turned
PRETRAIN, TUNE, BATCH = 2000, 800, 32
SURES, ANSWERS = (0.5, 0.7, 0.8, 0.9, 0.95), (2.0, 8.0, 32.0)  # tried in `knobs`
GUIDANCE = (1.0, 2.0, 3.0, 5.0)
SEEDS = (7, 8, 9)
FOLDER = RESULTS / "factorial"
COLUMNS = (
    *("way", "own", "n", "seed", "steps", "own_labels", "own_right", "guidance", "read", "draw", "distance", "recall"),
    *("copies", "held", *(f"word_{digit}" for digit in range(10))),
)


def jobs(seeds=SEEDS):
    """(way, own labels, n, seed), the most needed first."""
    square = [("pre-trained", True, 100), ("fresh", True, 100), ("pre-trained", False, 100), ("fresh", False, 100)]
    free = [("captions", True, 10), ("pre-trained", True, 10), ("captions", True, 100)]
    return [(*job, seed) for seed in seeds for job in square + free]


# --- rows ------------------------------------------------------------------------------------------------


def measured(images):
    """Three measured properties of digits, each in thirds: int array (N, 3) of words, 0 for the middle third."""
    ink = np.maximum(images[..., 0] + 1, 0) / 2  # (N, 28, 28)
    total = ink.sum(axis=(1, 2)) + 1e-6
    y, x = np.mgrid[:28, :28] - 13.5
    down, right = ((ink * axis).sum(axis=(1, 2)) / total for axis in (y, x))
    dy, dx = y - down[:, None, None], x - right[:, None, None]
    mixed, tall, broad = ((ink * part).sum(axis=(1, 2)) / total for part in (dy * dx, dy * dy, dx * dx))
    found = []
    for i, value in enumerate((rows.stroke_width(images), -mixed / (tall + 1e-6), np.sqrt(tall / (broad + 1e-6)))):
        third = np.digitize(value, np.quantile(value, (1 / 3, 2 / 3)))
        found.append(np.choose(third, (WORD + 2 * i + 1, 0, WORD + 2 * i)))
    return np.stack(found, axis=1)


def captions(words, names, rng):
    """Right-aligned captions (N, PLACES): a random part of the measured words (with a name in half), then the name."""
    out = np.zeros((len(words), PLACES), np.int32)
    heard = (rng.random(words.shape) < 0.5) & (rng.random((len(words), 1)) < (0.5 if names is not None else 1.0))
    for row, chosen, said, i in zip(out, words, heard, range(len(words)), strict=True):
        spoken = [word for word in rng.permutation(chosen[said]) if word]
        spoken += [] if names is None else [NAME + names[i]]
        row[PLACES - len(spoken) :] = spoken
    return out


def row(codes, caption=None, answer=None):
    """Rows (N, LENGTH): caption, mark, codes, mark, answer. What is given and not learnt is negative."""
    out = np.zeros((len(codes), LENGTH), np.int32)
    out[:, PLACES], out[:, PLACES + 1 : PLACES + 50] = IMAGE, CODE + codes
    if caption is not None:
        out[:, :PLACES] = caption
        out[:, : PLACES + 1] *= -1
    if answer is not None:
        out[:, -2], out[:, -1] = TEXT, answer
        out[:, :-1] *= -1
    return out


def hidden(batches, seed):
    """`pairs.hide_some` for these rows: a random share of the codes behind a caption is hidden, in two thirds."""

    def hide(step, pair):
        inputs, targets = pair
        draw = tf.random.stateless_uniform(tf.shape(inputs), [seed, tf.cast(step, tf.int32)])
        share = tf.maximum(0.0, 1.5 * draw[:, :1] - 0.5)
        hide = (inputs[:, PLACES - 1 : PLACES] > 0) & (inputs >= CODE) & (draw < share)
        return tf.where(hide, 1, inputs), targets

    return batches.enumerate().map(hide)


def learn(decoder, kinds, shares, steps, seed, answer=8.0):
    """Trains on rows mixed by shares."""
    shares = {name: share for name, share in shares.items() if name in kinds}
    total = sum(shares.values())
    shares = {name: share / total for name, share in shares.items()}
    transformer.compile_decoder(decoder, 2e-3, steps, loss=transformer.TokenLoss(below=TEXT, weight=answer))
    return training.train_decoder(
        decoder,
        lambda start: hidden(training.mixed(kinds, shares, BATCH, seed, start), seed),
        steps,
        f"seed {seed}",
        every=min(steps, 500),
    )


# --- material --------------------------------------------------------------------------------------------


class Material:
    """Digits as codes, with measured words."""

    def __init__(self):
        (x, y), (self.test_x, self.test_y) = data.load_mnist()
        self.y, self.held_y = y.astype(int), y[-corpus.HELD :].astype(int)
        codec = self.codec = codecs.load_shipped_codec("image")[0]
        x = data.scale(x)
        self.pool_x = x[:POOL]
        path = FOLDER / "codes.npz"
        if not path.is_file():
            rng = np.random.default_rng(7)
            free = x[: -corpus.HELD]
            turned = [corpus.turned(self.pool_x, 7 + 10 * i) for i in range(VERSIONS - 1)]
            kept = {
                "free": np.concatenate([codec.encode(free), codec.encode(corpus.shifted(free, rng))]),
                "words": np.tile(measured(free), (2, 1)),
                "versions": np.stack([codec.encode(part) for part in (self.pool_x, *turned)]),
                "held": codec.encode(x[-corpus.HELD :]),
                "test": codec.encode(data.scale(self.test_x)),
            }
            np.savez_compressed(path, **{name: part.astype(np.uint8) for name, part in kept.items()})
        with np.load(path) as file:
            self.free, self.words, self.versions, self.held, self.test = (file[n].astype(np.int32) for n in file.files)


def second_judge():
    """Another judge than chapter 01's: the same layers, another seed, 29,400 digits. It chooses knobs only."""
    path, network = FOLDER / "second.weights.h5", metrics.build_judge()
    if path.is_file():
        network.load_weights(path)
    else:
        (x, y), _ = data.load_mnist()
        part = slice(-30_000, -corpus.HELD)
        keras.utils.set_random_seed(11)
        network = metrics.build_judge()
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        network.compile(keras.optimizers.Adam(1e-3), loss, jit_compile=False)
        network.fit(data.scale(x[part]), y[part].astype(int), batch_size=64, epochs=2, verbose=0)
        FOLDER.mkdir(parents=True, exist_ok=True)
        network.save_weights(path)
    return lambda images: network(images, training=False).numpy().argmax(axis=1)


# --- reading and drawing ---------------------------------------------------------------------------------


def odds(decoder, codes):
    """Probabilities (N, 10) of the ten names behind pictures."""
    tokens = np.abs(row(codes, answer=NAME))[:, :-1]
    parts = [transformer.graph_of(decoder, _last)(tokens[i : i + 500]).numpy() for i in range(0, len(tokens), 500)]
    found = np.concatenate(parts)
    return found / found.sum(axis=1, keepdims=True)


def _last(decoder, tokens):
    return tf.nn.softmax(decoder(tokens, training=False)[:, -1])[:, NAME : NAME + 10]


def draw(decoder, material, digits, guidance, seed):
    """Pictures (N, 28, 28, 1) of digits that are asked for by name."""
    start = np.zeros((len(digits), PLACES + 1), np.int32)
    empty = start.copy()
    start[:, PLACES - 1], start[:, PLACES], empty[:, PLACES] = NAME + digits, IMAGE, IMAGE
    allowed = np.arange(SIZE) >= CODE
    options = {"temperature": 0.8, "allowed": allowed, "seed": seed, "without": empty, "guidance": guidance}
    found = generation.generate_tokens(decoder, start, 49, **options)
    return material.codec.decode(found[:, PLACES + 1 :] - CODE)


# --- the ways --------------------------------------------------------------------------------------------


def pretrain(material, way, seed, steps=PRETRAIN):
    """A decoder that has seen digits without names; with `captions` also measured words. Kept, and loaded again."""
    path = FOLDER / f"base-{way}-{seed}.npz"
    if path.is_file():
        return transformer.load_decoder(path)[0]
    rng = np.random.default_rng(seed)
    keras.utils.set_random_seed(seed)
    decoder = fresh()
    kinds = {"plain": row(material.free)}
    if way == "captions":
        kinds["draw"] = row(material.free, captions(material.words, None, rng))
        turn = rng.permuted(material.words, axis=1)
        said = np.take_along_axis(turn, (turn > 0).argmax(axis=1)[:, None], axis=1)[:, 0]  # one of its words
        kinds["read"] = row(material.free[said > 0], answer=said[said > 0])
    curve = learn(decoder, kinds, {"plain": 0.25, "draw": 0.5, "read": 0.25}, steps, seed)
    transformer.save_decoder(decoder, path, curve=curve)
    return decoder


def fresh():
    """The decoder of this experiment."""
    return transformer.Decoder(SIZE, context=LENGTH, width=64, depth=4, heads=4)


def paired(material, places, digits, rng):
    """Rows to draw and to read, of items in all their versions."""
    drawn, read = [], []
    for codes in material.versions[:, places]:
        drawn.append(row(codes, captions(material.words[places], digits, rng)))
        read.append(row(codes, answer=NAME + digits))
    return np.concatenate(drawn), np.concatenate(read)


def tune(decoder, material, own, n, seed, steps, sure, answer, read=None):
    """Fine-tuning; returns (decoder, facts). A fifth of the steps reads first where the model labels digits itself."""
    rng = np.random.default_rng(seed)
    labels = material.y[:POOL]
    places = pairs.choose(pairs.Material("image", None, labels, None, None), n, rng)
    kinds, facts = {}, {"places": places.tolist()}
    kinds["draw"], kinds["read"] = paired(material, places, labels[places], rng)
    kinds["plain"] = row(np.concatenate(material.versions[:, places]))
    keras.utils.set_random_seed(seed)
    decoder = decoder.copy(dropout_rate=0.1)
    read = read or steps // 5
    if own:
        learn(decoder, kinds, {"read": 1.0}, read, seed, answer)
        found = np.mean([odds(decoder, codes) for codes in material.versions[:2]], axis=0)
        held = odds(decoder, material.held)
        facts["held_odds"] = [held.max(axis=1).round(3).tolist(), (held.argmax(axis=1) == material.held_y).tolist()]
        more = np.setdiff1d(np.flatnonzero(found.max(axis=1) >= sure), places)
        digits = found.argmax(axis=1)[more]
        facts |= {"own_labels": len(more), "own_right": float((digits == labels[more]).mean()) if len(more) else 0.0}
        kinds["plain"] = row(np.concatenate(material.versions))
        if len(more):
            for name, extra in zip(("draw", "read"), paired(material, more, digits, rng), strict=True):
                times = max(1, len(extra) // (3 * len(kinds[name])))  # the given labels are a quarter or more
                kinds[name] = np.concatenate([kinds[name]] * times + [extra])
        decoder = decoder.copy()
        steps -= read
    learn(decoder, kinds, {"draw": 0.65, "read": 0.25, "plain": 0.1}, steps, seed + 1, answer)
    return decoder, facts


def score(decoder, material, facts, seed, prompts=500, trials=100):
    """What a run is worth: guidance chosen by the second judge on other draws, then the judge and the test digits."""
    second, asked = second_judge(), np.arange(trials) % 10
    held = [(second(draw(decoder, material, asked, w, 100 + seed)) == asked).mean() for w in GUIDANCE]
    guidance = GUIDANCE[int(np.argmax(held))]
    asked = np.arange(prompts) % 10
    facts |= of_pictures(draw(decoder, material, asked, guidance, seed), asked, material, facts["places"])
    reading = {"held": (material.held, material.held_y), "read": (material.test, material.test_y)}
    shares = {name: float((odds(decoder, codes).argmax(axis=1) == y).mean()) for name, (codes, y) in reading.items()}
    return facts | shares | {"guidance": guidance}


def of_pictures(pictures, asked, material, places):
    """Right digits, judge distance, recall and copies of labelled pictures."""
    judge = metrics.judge()
    features, logits = judge.read(pictures)
    right = logits.argmax(axis=1) == asked
    real = judge.read(data.scale(material.test_x[: len(asked)]))[0]
    flat = [
        part.reshape(len(part), -1) for part in (pictures, material.pool_x[places], data.scale(material.test_x[:2000]))
    ]
    return {
        "draw": float(right.mean()),
        **{f"word_{digit}": float(right[asked == digit].mean()) for digit in range(10)},
        "distance": float(judge.distance(pictures)),
        "recall": float(metrics.precision_recall(real, features).recall),
        "copies": float(metrics.copy_share(*flat)[0]),
    }


def limits(material, n=100, prompts=500):
    """Rows that frame the others: real digits behind codes, copies of the labelled ones, Gaussians, and blind ones."""
    import probe

    asked = np.arange(prompts) % 10
    labels = material.y[:POOL]
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        places = pairs.choose(pairs.Material("image", None, labels, None, None), n, rng)
        flat = material.pool_x.reshape(POOL, -1)
        fits = probe.gaussians_to_draw(flat[places], labels[places])
        made = {
            "real": [material.test_x[rng.choice(np.flatnonzero(material.test_y == digit))] for digit in asked],
            "copies": [material.pool_x[rng.choice(places[labels[places] == digit])] for digit in asked],
            "Gaussian": [fits(digit, rng).reshape(28, 28, 1) for digit in asked],
            "blind": [material.pool_x[i] for i in rng.integers(POOL, size=prompts)],
        }
        made["real"] = data.scale(np.array(made["real"]))
        for way, pictures in made.items():
            pictures = np.clip(np.array(pictures, np.float32), -1, 1)
            behind = pictures if way == "Gaussian" else material.codec.decode(material.codec.encode(pictures))
            yield {"way": way, "n": n, "seed": seed, **of_pictures(behind, asked, material, places)}


def one(material, way, own, n, seed, steps=(PRETRAIN, TUNE), **knobs):
    """One run: facts and scores."""
    if way == "fresh":
        keras.utils.set_random_seed(seed)
        decoder, total = fresh(), sum(steps)
    else:
        decoder, total = pretrain(material, way, seed, steps[0]), steps[1]
    decoder, facts = tune(decoder, material, own, n, seed, total, **knobs)
    found = {"way": way, "own": "on" if own else "off", "n": n, "seed": seed, "steps": total}
    return found | score(decoder, material, facts, seed)


def knobs(material):
    """{"sure": …, "answer": …} from runs of seed 6, kept in knobs.json.

    sure: the smallest at which 95 % of the labels that it lets through are right, for both ways; answer: the most held
    digits read and drawings read as asked by the second judge, together.
    """
    path = FOLDER / "knobs.txt"
    if path.is_file():
        return json.loads(path.read_text(encoding="utf-8").splitlines()[-1])
    lines, good = [], set(SURES)
    for way, total in (("pre-trained", TUNE), ("fresh", PRETRAIN + TUNE)):
        decoder = pretrain(material, way, 6) if way != "fresh" else fresh()
        _, facts = tune(decoder, material, True, 100, 6, total // 5 + 5, sure=2.0, answer=8.0, read=total // 5)
        sure, right = map(np.array, facts["held_odds"])
        for limit in SURES:
            kept = sure >= limit
            lines.append(f"{way}, sure {limit}: kept {kept.mean():.3f}, right {right[kept].mean():.3f}")
            good -= {limit} if right[kept].mean() < 0.95 else set()
    chosen = {"sure": min(good, default=max(SURES))}
    base, second, asked, found = pretrain(material, "pre-trained", 6), second_judge(), np.arange(200) % 10, {}
    for answer in ANSWERS:
        decoder, _ = tune(base, material, True, 100, 6, TUNE // 2, chosen["sure"], answer)
        read = (odds(decoder, material.held).argmax(axis=1) == material.held_y).mean()
        drawn = (second(draw(decoder, material, asked, 3.0, 6)) == asked).mean()
        lines.append(f"answer {answer}: held digits read {read:.3f}, drawn {drawn:.3f}")
        found[answer] = read + drawn
    chosen["answer"] = max(found, key=found.get)
    print(*lines, chosen, sep="\n", flush=True)
    text = "\n".join([*lines, json.dumps(chosen)])
    files.write_whole(path, lambda part: part.write_text(text, encoding="utf-8"))
    return chosen


def table():
    """All runs as one CSV."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]
    found = [line for part in found for line in (part if isinstance(part, list) else [part])]
    found = [{k: round(v, 4) if isinstance(v, float) else v for k, v in line.items()} for line in found]
    order = "real", "copies", "Gaussian", "blind", "fresh", "pre-trained", "captions"
    write_csv(
        "factorial", COLUMNS, sorted(found, key=lambda r: (order.index(r["way"]), r["n"], r.get("own", ""), r["seed"]))
    )
    for line in found:
        print(*(line.get(name) for name in COLUMNS[:14]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    arguments = parser.parse_args()
    if arguments.table:
        return table()
    runtime.start(7, report=False)
    FOLDER.mkdir(parents=True, exist_ok=True)
    material = Material()
    chosen = knobs(material)
    for way, own, n, seed in [("limits", True, 100, 0), *jobs(arguments.seeds)]:
        path = FOLDER / f"{way}-{'own' if own else 'pairs'}-{n}-{seed}.json"
        if not path.is_file():
            found = list(limits(material)) if way == "limits" else one(material, way, own, n, seed, **chosen)
            files.write_whole(path, lambda part, found=found: part.write_text(json.dumps(found), encoding="utf-8"))
            print(path.name, flush=True)
    return table()


if __name__ == "__main__":
    main()
