"""What pre-training has learnt, read with a few labels: chapter 09's linear probe, and what a sceptic would try.

    python benchmarks/probe.py            writes runs/bench/probe.csv, which chapter 09 shows; ten minutes on one core;
                                          goes on where it stopped

Same labelled digits for every row: those that `pairs.fine_tune_pairs` draws with seeds 7 to 11 (7 to 9 are the seeds of
the label curve). All 10,000 test digits; 480 clips of eight voices never heard. A reader chooses its decay (RBF: and
its width) by leave-one-out on its own labels; the Gaussian its ridge by five folds of them. `held` is the share on 600
digits at the end of the training images: from it, never from the test digits, the chapter takes which blocks it shows.
The states come from the shipped base, which has seen no label; "not trained" is the same decoder with fresh weights,
other ones for each draw; the codec's hidden layer has learnt without labels, too.
"""

import functools

from common import keep, kept, write_csv

# isort: split
import keras
import numpy as np

from aigc_course import data, runtime
from aigc_course.lmdg import codecs
from aigc_course.lmdg.core import transformer
from aigc_course.lmdg.words import corpus, pairs, probe
from aigc_course.lmdg.words.rows import CODES, Vocabulary

SIZES = (10, 50, 100, 200, 500, 1000)
SEEDS = (7, 8, 9, 10, 11)
RIDGES = 10.0 ** np.arange(-3, 1.1, 0.5)  # of the Gaussian's covariance; a pixel has values in [-1, 1]
COLUMNS = "kind", "features", "reader", "n", "held", "first", *(f"seed_{seed}" for seed in SEEDS)
TWO = "ridge", "RBF ridge"
ALL = *TWO, "nearest"
BEST = 3  # block whose states are read by all readers: the best on the held digits of a trial with two draws


def chosen(labels, languages=None):
    """{seed: places of 1,000 items}, of which the first n are what the recipe takes as n pairs."""
    pictures = pairs.Material("image", None, labels["image"], None, None)
    clips = pairs.Material("speech", None, labels["speech"], languages, None)
    found = {"image": {}, "speech": {}}
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        found["image"][seed] = pairs.choose(pictures, SIZES[-1], rng)
        found["speech"][seed] = pairs.choose(clips, SIZES[-1], rng)
    return found


def gaussians_to_draw(train, labels, ridge=0.0):
    """A function (digit, rng) -> pixels, drawn from the Gaussian of that digit's labelled pictures (chapter 01)."""

    def draw(digit, rng):
        part = train[labels == digit]
        off = part - part.mean(axis=0)
        weights = rng.standard_normal(len(part)) / np.sqrt(max(len(part) - 1, 1))
        return part.mean(axis=0) + weights @ off + np.sqrt(ridge) * rng.standard_normal(train.shape[1])

    return draw


def gaussian(train, labels, others, ridges=RIDGES):
    """Chapter 01's Gaussian for each digit, by Woodbury's formula: {ridge: list of log p(x | y), each (M, 10)}."""
    found = {ridge: [np.empty((len(other), 10)) for other in others] for ridge in ridges}
    for digit in range(10):
        part = train[labels == digit]
        mu = part.mean(axis=0)
        _, size, axes = np.linalg.svd((part - mu) / np.sqrt(max(len(part) - 1, 1)), full_matrices=False)
        for ridge in ridges:
            log_det = np.log(size**2 + ridge).sum() + (train.shape[1] - len(size)) * np.log(ridge)
            for other, into in zip(others, found[ridge], strict=True):
                along = (other - mu) @ axes.T
                off = ((other - mu) ** 2).sum(axis=1) - (along**2 * (size**2 / (size**2 + ridge))).sum(axis=1)
                into[:, digit] = -0.5 * (off / ridge + log_det)
    return found


def read_gaussian(train, labels, *others):
    """What chapter 01's Gaussian reads; its ridge by five folds of the labels (with one a digit any is alike)."""
    turn = np.arange(len(labels)) // 10 % 5  # `choose` deals the digits in turn
    wrong = dict.fromkeys(RIDGES, 0)
    for fold in range(5) if len(labels) >= 50 else ():
        odds = gaussian(train[turn != fold], labels[turn != fold], [train[turn == fold]])
        for ridge, (found,) in odds.items():
            wrong[ridge] += int((found.argmax(axis=1) != labels[turn == fold]).sum())
    ridge = min(RIDGES, key=wrong.get)
    return [found.argmax(axis=1) for found in gaussian(train, labels, others, (ridge,))[ridge]]


def read(reader, train, labels, *others):
    """`probe.read_with`, and the Gaussian."""
    return (read_gaussian if reader == "Gaussian" else lambda *a: probe.read_with(reader, *a))(train, labels, *others)


def row(kind, name, reader, n, features, places, truth):
    """A row of the table.

    Args:
        features: {seed: (train (T, F), test (M, F), held or None)}, or the same for all seeds.
        places: {seed: places in train}; truth: (labels of train, of test, of held or None).
    """
    shares, held = [], []
    for seed in SEEDS:
        train, test, kept_back = features[seed] if isinstance(features, dict) else features
        where = places[seed][:n]
        others = [test] if kept_back is None else [test, kept_back]
        seen = read(reader, train[where], truth[0][where], *others)
        shares.append(seen[0] == truth[1])
        held += [] if kept_back is None else [(seen[1] == truth[2]).mean()]
    found = {"kind": kind, "features": name, "reader": reader, "n": n}
    found["held"] = f"{np.mean(held):.4f}" if held else ""
    found["first"] = f"{np.mean([right[:2000].mean() for right in shares[:3]]):.4f}"  # as `Asking.scores` reads
    return found | {f"seed_{seed}": f"{right.mean():.4f}" for seed, right in zip(SEEDS, shares, strict=True)}


def scaled(train, *others):
    """Columns of mean 0 and spread 1 over the training features, whose labels nobody read."""
    mean, spread = train.mean(axis=0), train.std(axis=0) + 1e-6
    return tuple((part - mean) / spread for part in (train, *others))


def flat(states):
    """(N, …) in half precision -> (N, F)."""
    return states.reshape(len(states), -1).astype(np.float32)


def one_hot(numbers, size):
    """Codes (N, n) -> (N, n · size) of 0 and 1."""
    return np.eye(size, dtype=np.float32)[numbers].reshape(len(numbers), -1)


def groups(kind, items, base, vocabulary):
    """(name, readers, function that makes the features) of one kind. items: (train, test, held or None)."""
    codec = codecs.load_shipped_codec(kind)[0]
    there = [part for part in items if part is not None]
    numbers = functools.cache(lambda: [codec.encode(part) for part in there])

    @functools.cache
    def states(seed=None):
        """Of the base, or of a decoder with fresh weights."""
        if seed is not None:
            keras.utils.set_random_seed(seed)
        decoder = base if seed is None else transformer.Decoder(**base.settings)
        found = [probe.block_states(decoder, vocabulary, kind, part) for part in numbers()]
        return found if seed is None else [part[[1, 2, 3, 4]] for part in found]

    def fresh(shape):
        found = {}
        for seed in SEEDS:
            found[seed] = three(scaled(*map(shape, states(seed))))
            states.cache_clear()
        return found

    def three(parts):
        return (*parts, None)[:3]

    def averaged(parts):  # `probe.averaged` leaves out what enters the blocks
        return probe.averaged(np.concatenate([parts[:1], parts]))

    def hidden():
        network = keras.Model(codec.encoder.inputs, codec.encoder.layers[-2].output)
        return three(scaled(*(flat(network.predict(part, 500, 0)) for part in there)))

    yield "pixels", (*ALL, "Gaussian"), lambda: three([part.reshape(len(part), -1) for part in there])
    yield "codes", TWO, lambda: three([one_hot(part, CODES[kind]) for part in numbers()])
    yield "codec, hidden layer", TWO, hidden
    yield "averaged", ALL, lambda: three(scaled(*map(probe.averaged, states())))
    for block in (BEST, *(b for b in range(base.depth + 1) if b != BEST)):
        readers = ALL if block == BEST else ("ridge",)
        yield (
            f"block {block}, place by place",
            readers,
            lambda block=block: three(scaled(*(flat(part[block]) for part in states()))),
        )
    for block in range(base.depth + 1):
        yield (
            f"block {block}, averaged",
            ("ridge",),
            lambda block=block: three(scaled(*(part[block].mean(axis=1, dtype=np.float32) for part in states()))),
        )
    yield "not trained, averaged", TWO, lambda: fresh(averaged)
    yield f"not trained, block {BEST}, place by place", TWO, lambda: fresh(lambda part: flat(part[BEST - 1]))


def main():
    runtime.start(7, report=False)
    base, facts = transformer.load_decoder(data.asset("multimodal_base.npz"))
    vocabulary = Vocabulary(facts["characters"])
    (x, y), (test_x, test_y) = data.load_mnist()
    spoken, unheard = data.load_spoken_digits()
    places = chosen({"image": y[:10_000].astype(int), "speech": spoken.labels}, spoken.languages)
    needed = np.unique(np.concatenate(list(places["image"].values())))
    moved = {seed: np.searchsorted(needed, where) for seed, where in places["image"].items()}
    held = slice(-corpus.HELD, None)
    pictures = data.scale(x[needed]), data.scale(test_x), data.scale(x[held])
    digits = y[needed].astype(int), test_y.astype(int), y[held].astype(int)
    frames = codecs.frames_of(spoken.clips), codecs.frames_of(unheard.clips), None
    words = spoken.labels, unheard.labels, None
    found = (kept("probe") or {"rows": []})["rows"]
    known = {tuple(line[name] for name in COLUMNS[:4]) for line in found}
    both = ("image", pictures, digits, moved), ("speech", frames, words, places["speech"])
    for kind, items, labels, chosen_places in both:
        for name, readers, make in groups(kind, items, base, vocabulary):
            sizes = SIZES if kind == "image" else SIZES[1:]  # ten clips are not all digits: each has two languages
            missing = [(r, n) for r in readers for n in sizes if (kind, name, r, n) not in known]
            features = make() if missing else None
            for reader, n in missing:
                found.append(row(kind, name, reader, n, features, chosen_places, labels))
                print(*found[-1].values(), flush=True)
            if missing:
                keep("probe", {"rows": found})
    write_csv("probe", COLUMNS, found)


if __name__ == "__main__":
    main()
