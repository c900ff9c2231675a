"""Differential privacy on MNIST: a linear layer on fixed features, its two epsilons, an audit, a bug, a generator.

    python benchmarks/private.py --seed 7            trains on all 60,000 digits and some canaries; one JSON line
    python benchmarks/private.py --seed 7 --bug      the same with clipping forgotten: the accountant does not notice
    python benchmarks/private.py --seed 7 --generator     a private generator, and the classifier trained on its digits
    python benchmarks/private.py --seed 7 --curve    accuracy at epsilon 0.5, 1, 2, 3, 8 and without privacy
    python benchmarks/private.py --tune              what was tried: trained on 50,000 digits, judged by 10,000
    python benchmarks/private.py --table             writes runs/bench/private.csv

Each result is kept in runs/bench/private/ and not computed again without --again. Needs the extra trust-dp.
"""

import argparse
import csv
import functools
import json
import sys
import time

import numpy as np
from common import RESULTS, keep, kept, progress

from aigc_course import runtime
from aigc_course.errors import CourseError

TARGET, DELTA = 2.99, 1e-5
CANARIES, KNOWN, TRIES = 1000, 1500, (100, 400)  # numbers of guesses, fixed on seed 0 before seeds 7, 8, 9 were run
CURVE = (0.5, 1.0, 2.0, 3.0, 8.0, 0.0)  # 0: neither noise nor clipping
DRAWN = 10_000  # digits that a classifier is trained on, with --generator
TRAIN = 50_000  # of --tune; the other training digits judge
OPEN = {"learning_rate": 0.1, "steps": 1800}  # without noise and clipping steps cost nothing; chosen as the others
SETTINGS = {
    "settled": {},
    "half the rate": {"learning_rate": 0.5},
    "twice the rate": {"learning_rate": 2.0},
    "half the batch": {"sampling_rate": 0.5},
    "twice the batch, half the steps": {"sampling_rate": 2.0, "steps": 0.5},
    "half the steps": {"steps": 0.5},
    "clip 1, a tenth of the rate": {"clip": 10.0, "learning_rate": 0.1},
    "clip 10, a hundredth of the rate": {"clip": 100.0, "learning_rate": 0.01},
    "mean of all steps": {"kept": 2.0},
    "no roots": {"roots": False},
    "not upright": {"stand": False},
    "no group normalisation": {"groups": 0, "learning_rate": 6.0},  # rows are six times shorter
}
TUNING_SEED = 3
GENERATORS = ("real", "without noise", "without noise, cut as private", "private", "blind")


@functools.cache
def digits():
    from aigc_course import data

    return data.load_mnist()


def rows_of(images, **ways):
    from aigc_course.trust import features

    return features.features(images, **ways)


def bar(label):
    """What `train` calls after each step, as a progress bar."""
    made = []

    def show(step, count):
        if not made:
            made.append(progress(range(count), label))
        made[0].update()
        if step == count:
            made[0].close()

    return show


def settings(**factors):
    """The settled knobs, some of them multiplied."""
    from aigc_course.trust import private

    found = {name: value * factors.get(name, 1) for name, value in private.SETTLED.items()}
    return {**found, "steps": round(found["steps"])}


# --- the run with its audit, and the bug ---


def run(seed, examples, bug):
    """One private training with canaries: dict of the JSON line."""
    from aigc_course.trust import accounting, audit, private

    (x, y), (x_test, y_test) = digits()
    knobs, name = settings(), f"seed {seed}{', bug' if bug else ''}"
    noise = accounting.noise_for(TARGET, knobs["sampling_rate"], knobs["steps"], DELTA)
    rows_of(x[:10])  # TensorFlow's import and tracing are not counted
    started = time.perf_counter()
    rows, test = rows_of(x[:examples]), rows_of(x_test)
    seconds = time.perf_counter() - started
    marks = audit.canaries(CANARIES, rows[:KNOWN], seed=1000 + seed)
    rows = np.concatenate([rows, marks.rows[marks.inside]])
    labels = np.concatenate([y[:examples], marks.labels[marks.inside]])
    expected = knobs["sampling_rate"] * examples  # public; the number of canaries inside is not
    watch = audit.CanaryWatch(marks)
    found = private.train(
        rows, labels, noise, **knobs, seed=seed, forget_clipping=bug, expected=expected, seen=watch, show=bar(name)
    )
    bound, guesses, right = audit.audit(watch.scores, marks.inside, TRIES, DELTA)
    return {
        "accuracy": round(private.accuracy(found.weights, test, y_test), 4),
        "epsilon_rdp": round(accounting.epsilon(noise, knobs["sampling_rate"], knobs["steps"], DELTA), 3),
        "epsilon_pld": round(accounting.epsilon(noise, knobs["sampling_rate"], knobs["steps"], DELTA, "pld"), 3),
        "delta": DELTA,
        "noise_multiplier": round(noise, 4),
        "sampling_rate": round(knobs["sampling_rate"], 6),
        "steps": knobs["steps"],
        "seconds": round(seconds + found.seconds, 1),
        "audited_lower_bound": round(bound, 3),
        "seed": seed,
        "bug": bug,
        "accuracy_last": round(private.accuracy(found.last, test, y_test), 4),
        "feature_seconds": round(seconds, 1),
        "canaries": CANARIES,
        "canaries_inside": int(marks.inside.sum()),
        "guesses": guesses,
        "right": right,
        "canary_auc": round(ranks(watch.scores, marks.inside), 4),
    }


def ranks(scores, inside):
    """Area under the curve: the chance that a canary inside scores above one outside."""
    return float((scores[inside][:, None] > scores[~inside]).mean())


# --- accuracy against epsilon; what was tried ---


def openly(rows, labels, rate, seed, label):
    """Weights of the same layer without noise and clipping, with a learning rate and steps of its own."""
    from aigc_course.trust import private

    knobs = {**settings(), **OPEN, "sampling_rate": rate}
    return private.train(rows, labels, 0.0, **knobs, seed=seed, forget_clipping=True, show=bar(label)).weights


def curve(seed, again):
    from aigc_course.trust import accounting, private

    (x, y), (x_test, y_test) = digits()
    todo = [eps for eps in CURVE if again or kept(f"private/curve-{seed}-{eps:g}") is None]
    if not todo:
        return
    rows, test, knobs = rows_of(x), rows_of(x_test), settings()
    rate, steps = knobs["sampling_rate"], knobs["steps"]
    for eps in todo:
        result = {"name": f"{eps:g}" if eps else "no privacy", "epsilon": eps or None, "seed": seed}
        if eps:
            noise = accounting.noise_for(eps, rate, steps, DELTA)
            weights = private.train(rows, y, noise, **knobs, seed=seed, show=bar(f"epsilon {eps:g}")).weights
        else:
            weights = openly(rows, y, rate, seed, "no privacy")
        keep(f"private/curve-{seed}-{eps:g}", {**result, "accuracy": round(private.accuracy(weights, test, y_test), 4)})


def tune(again, only):
    from aigc_course.trust import accounting, private

    (x, y), _ = digits()
    ready = {}
    for name in [only] if only else SETTINGS:
        key = "private/tune-" + name.replace(" ", "-").replace(",", "")
        if not again and kept(key) is not None:
            continue
        ways = {way: value for way, value in SETTINGS[name].items() if way in ("roots", "stand", "groups")}
        knobs = settings(**{knob: value for knob, value in SETTINGS[name].items() if knob not in ways})
        if ready.get("ways") != ways:
            ready = {"ways": ways, "rows": rows_of(x, **ways)}
        noise = accounting.noise_for(TARGET, knobs["sampling_rate"], knobs["steps"], DELTA)
        rows = ready["rows"]
        found = private.train(rows[:TRAIN], y[:TRAIN], noise, **knobs, seed=TUNING_SEED, show=bar(name))
        mean, last = (private.accuracy(part, rows[TRAIN:], y[TRAIN:]) for part in (found.weights, found.last))
        result = {"name": name, "seed": TUNING_SEED, "noise_multiplier": round(noise, 3), **knobs}
        keep(key, {**result, "validation": round(mean, 4), "last": round(last, 4)})


# --- the generator ---


def generator(seed):
    """Accuracy on test digits of the classifier trained on private digits, on others, and on none."""
    from aigc_course.trust import accounting, gaussians, private

    (x, y), (x_test, y_test) = digits()
    noise = next(n for n in np.arange(0.5, 20, 0.01) if accounting.gaussian_epsilon(n, DELTA) <= TARGET)
    labels, test, rng = np.arange(DRAWN) % 10, rows_of(x_test), np.random.default_rng(seed)
    chosen = rng.choice(len(x), DRAWN, replace=False)

    def drawn(own, deviation, cut=None):
        return gaussians.fit_gaussians(x, own, deviation, seed, cut=cut).sample(labels, seed), labels

    ways = {
        "real": lambda: (x[chosen], y[chosen]),
        "without noise": lambda: drawn(y, 0.0),
        "without noise, cut as private": lambda: drawn(y, 0.0, noise),
        "private": lambda: drawn(y, noise),
        "blind": lambda: drawn(rng.permutation(y), 0.0),
    }
    scores = {}
    for name in GENERATORS:
        images, own = ways[name]()
        weights = openly(rows_of(images), own, 0.1, seed, name)
        scores[name] = round(private.accuracy(weights, test, y_test), 4)
    spent = round(accounting.gaussian_epsilon(noise, DELTA), 3)
    return {"seed": seed, "epsilon": spent, "delta": DELTA, "noise_multiplier": round(float(noise), 2), **scores}


# --- the table ---

COLUMNS = ("kind", "name", "seed", "epsilon_rdp", "epsilon_pld", "accuracy", "audited_lower_bound", "seconds")


def table():
    """private.csv: a line a run, a point of the curve, a try, a generator's row; private.json for RESULTS.md."""
    lines = [line for path in sorted((RESULTS / "private").glob("*.json")) for line in lines_of(path.stem)]
    lines.sort(key=lambda line: list(SETTINGS).index(line["name"]) if line["kind"].startswith("tune") else -1)
    if not lines:
        raise CourseError("nothing measured yet: python benchmarks/private.py --seed 7")
    with open(RESULTS / "private.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    keep("private", {"rows": lines})


def lines_of(stem):
    """Lines of the table for one kept result."""
    one = kept(f"private/{stem}")
    if stem.startswith(("run-", "bug-")):
        return [{**{name: one.get(name) for name in COLUMNS}, "kind": stem[:3], "name": f"seed {one['seed']}"}]
    rows = [{"accuracy": one.get("accuracy")}]
    if stem.startswith("curve-"):
        rows[0] |= {"kind": "curve", "name": one["name"], "epsilon_rdp": one["epsilon"]}
    elif stem.startswith("tune-"):
        both = (("tune", "validation"), ("tune last", "last"))
        rows = [{"kind": kind, "name": one["name"], "accuracy": one[key]} for kind, key in both]
    else:
        rows = [{"kind": "generator", "name": name, "accuracy": one[name]} for name in GENERATORS]
        rows[GENERATORS.index("private")]["epsilon_rdp"] = one["epsilon"]
    return [{**row, "seed": one["seed"]} for row in rows]


def one_line(key, compute, again):
    """A kept result, or a computed one that is then kept; the last line of stdout is its JSON."""
    result = None if again else kept(key)
    if result is None:
        result = compute()
        keep(key, result)
    print(json.dumps({name: value for name, value in result.items() if name != "machine"}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--again", action="store_true", help="computes what is kept once more")
    parser.add_argument("--only", choices=tuple(SETTINGS), metavar="NAME", help="with --tune: one setting")
    mode = parser.add_mutually_exclusive_group()
    for name in ("bug", "generator", "curve", "tune", "table"):
        mode.add_argument(f"--{name}", action="store_true")
    asked = parser.parse_args()
    if not 0 <= asked.seed < 2**31:
        parser.error("--seed must lie from 0 to 2147483647")
    if asked.only and not asked.tune:
        parser.error("--only goes with --tune")
    if asked.table:
        return table()
    runtime.configure()
    if asked.curve:
        return curve(asked.seed, asked.again)
    if asked.tune:
        return tune(asked.again, asked.only)
    if asked.generator:
        return one_line(f"private/generator-{asked.seed}", lambda: generator(asked.seed), asked.again)
    kind = "bug" if asked.bug else "run"
    return one_line(f"private/{kind}-{asked.seed}", lambda: run(asked.seed, 60_000, asked.bug), asked.again)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CourseError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("\nstopped; what was kept stays. The same command goes on from there.", file=sys.stderr)
        sys.exit(130)
