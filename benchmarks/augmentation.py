"""Chapter 12: what generated pictures are worth to a classifier that has n labels a class.

    python benchmarks/augmentation.py --arm gan --n 30 --seed 5    one arm: a JSON line with its accuracy, and those of
                                                                   the real and the oracle arm of the same seed
    python benchmarks/augmentation.py --all [--data fashion]       all arms, sizes and seeds, the curve of the real arm
    python benchmarks/augmentation.py --tune [--data fashion]      knobs, by validation pictures of seeds 100 to 102:
                                                                   benchmarks/augmentation_knobs.json
    python benchmarks/augmentation.py --table                      runs/bench/augmentation.csv, from all that is kept

Arms are paired: the same n real pictures, the same initial weights, 400 gradient steps of 64. Clothes need the whole of
Fashion-MNIST (Debian: dataset-fashion-mnist; its folder: --fashion); without it, the shipped share and n up to 100.
"""

import argparse
import csv
import functools
import json
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from common import RESULTS, ROOT, keep, kept, progress

from aigc_course import files, runtime
from aigc_course.errors import CourseError, Stopped

SEEDS, SIZES = (7, 8, 9, 10, 11), (10, 30, 100, 1000)
CURVE = (5, 20, 60, 200, 500, 2000, 4000)  # further sizes of the real arm: what n labels alone would give
TUNING = (100, 101, 102)
GENERATED = 1000  # pictures a class, of the generator and of the oracle
# Of trials on seed 100, n = 10, 100, 1,000, by the judge's distance of digits: gamma 0.1 to 5, rates 5e-4 to 4e-3
GAN_STEPS, GAMMA, GAN_RATE = 1600, 1.0, 2e-3
HELD = 5000  # the last training pictures: validation, for knobs alone
STRENGTHS, PARTS, FREEZE = (0.25, 0.5, 1.0, 1.5), (0.1, 0.25, 0.5, 0.75), (False, True)
RATES = (1e-3, 2e-3, 4e-3, 8e-3)
CHOSEN = Path(__file__).with_name("augmentation_knobs.json")  # what --tune wrote


class Knobs(NamedTuple):
    """Adam's rate, strength of the motions, part of a batch that is generated, whether the new head alone learns."""

    rate: float = 2e-3
    strength: float = 1.0
    part: float = 0.5
    frozen: bool = False


TRIED = {
    "real": [{"rate": rate} for rate in RATES],
    "classical": [{"strength": strength} for strength in STRENGTHS],
    "gan": [{"part": part} for part in PARTS],
    "pretrained": [{"frozen": frozen} for frozen in FREEZE],
}


def knobs(data_name, n):
    """`Knobs` of the nearest n that was tuned, on a scale of factors; the defaults where none was."""
    table = json.loads(CHOSEN.read_text(encoding="utf-8")).get(data_name, {}) if CHOSEN.is_file() else {}
    return Knobs(**table[min(table, key=lambda one: abs(np.log(int(one) / n)))]) if table else Knobs()


class Pictures(NamedTuple):
    """x, y: to draw from; held: validation; test: uint8; extra: how many further real pictures a class there are."""

    x: np.ndarray
    y: np.ndarray
    held: tuple
    test: tuple
    extra: int


def load(data_name, folder):
    """The pictures of one data set."""
    from aigc_course import data

    if data_name == "mnist":
        (x, y), test = data.load_mnist()
    elif folder.is_dir():
        sys.path.insert(0, str(ROOT / "tools"))
        import make_fashion

        make_fashion.SOURCE = folder
        (x, y), test = make_fashion.load_whole()
    else:
        (x, y), test = data.load_fashion_mnist()
        order = np.random.default_rng(0).permutation(len(x))  # the shipped share is not in the published order
        return Pictures(x[order[:-1000]], y[order[:-1000]], (x[order[-1000:]], y[order[-1000:]]), test, 300)
    return Pictures(x[:-HELD], y[:-HELD], (x[-HELD:], y[-HELD:]), test, GENERATED)


class Bench:
    """Runs of one data set; learners and generated pictures are made when they are first needed.

    judged: "test", or "held" for choices.
    """

    def __init__(self, data_name, folder, judged="test"):
        from aigc_course import data

        self.name, self.pictures = data_name, load(data_name, folder)
        images, self.labels = self.pictures.test if judged == "test" else self.pictures.held
        self.images, self.learners, self.drawn = data.scale(images), {}, {}

    def draw(self, n, seed, extra):
        from aigc_course.studio import augment

        return augment.take(self.pictures.x, self.pictures.y, n, seed, extra)

    def learner(self, arm, rate, frozen):
        """The classifier of an arm, made once: its compiled step serves every training."""
        from aigc_course.studio import augment

        frozen = arm.codec and frozen and not arm.fresh
        key = (arm.codec, arm.fresh, rate, frozen)
        if key not in self.learners:
            build = functools.partial(augment.build_on_codec, frozen, arm.fresh) if arm.codec else None
            self.learners[key] = augment.Learner(build, rate)
        return self.learners[key]

    def generate(self, n, seeds, steps=GAN_STEPS):
        """GANs of the seeds, side by side, each on its own n a class: their pictures are remembered."""
        from aigc_course.studio import small_gans

        missing = [seed for seed in seeds if (n, seed) not in self.drawn]
        if not missing:
            return
        sets = [self.draw(n, seed, 0) for seed in missing]
        gans = small_gans.SmallGANs([one.fit for one in sets], sets[0].fit_labels, missing, steps, GAMMA, GAN_RATE)
        gans.train()
        images, labels = gans.sample(self.pictures.extra)
        self.drawn |= {(n, seed): (images[i], labels) for i, seed in enumerate(missing)}

    def extra(self, kind, n, seed, drawn):
        """(images, labels) that stand beside the real ones."""
        from aigc_course.studio import augment

        if kind == "generated":
            self.generate(n, (seed,))
            return self.drawn[n, seed]
        if kind == "noise":
            return augment.blind_images(drawn.fit, self.pictures.extra, np.random.default_rng((seed, 3)))
        return drawn.rest, drawn.rest_labels

    def batches(self, arm, drawn, extra, seed, chosen):
        """(places, motions or None) of all steps; real pictures come in the same order in every arm."""
        from aigc_course.studio import augment

        share = {"none": 0.0, "real": extra / (extra + len(drawn.fit))}.get(arm.extra, chosen.part)
        rng = np.random.default_rng((seed, 1))
        places = augment.mixed_places(len(drawn.fit), extra, share, augment.STEPS, rng)
        if not arm.warped:
            return places, None
        rows = augment.transforms(places.size, rng, chosen.strength, flip=self.name == "fashion")
        return places, rows.reshape(*places.shape, 8)

    def run(self, arm_name, n, seed, **setting):
        """One training, by the chosen knobs or a `setting` of them: a dict for JSON."""
        from aigc_course.studio import augment

        started, arm = time.perf_counter(), augment.ARMS[arm_name]
        chosen = knobs(self.name, n)._replace(**setting)
        drawn = self.draw(n, seed, self.pictures.extra if arm.extra == "real" else 0)
        images, labels = self.extra(arm.extra, n, seed, drawn)
        places, rows = self.batches(arm, drawn, len(images), seed, chosen)
        pool = np.concatenate([drawn.fit, images]), np.concatenate([drawn.fit_labels, labels])
        learner = self.learner(arm, chosen.rate, chosen.frozen)
        stopped = learner.fit(*pool, places, drawn.check, drawn.check_labels, seed, rows)
        right = learner.right(self.images, self.labels)
        return {
            "arm": arm_name,
            "n": n,
            "seed": seed,
            "data": self.name,
            "accuracy": round(float(right.mean()), 5),
            "per_class": [round(float(right[self.labels == one].mean()), 4) for one in range(augment.CLASSES)],
            "generated": self.pictures.extra if arm.extra == "generated" else 0,
            "extra": len(images) // augment.CLASSES,
            "steps": augment.STEPS,
            "stopped": stopped,
            "seconds": round(time.perf_counter() - started, 1),
        }


def place(data_name, arm, n, seed):
    return f"augmentation/{data_name}-{arm}-{n}-{seed}"


def single(bench, arm, n, seed, again):
    """One arm with the real and the oracle arm of its seed, as one line of JSON."""
    found = {}
    for name in dict.fromkeys((arm, "real", "oracle")):
        key = place(bench.name, name, n, seed)
        found[name] = None if again else kept(key)
        if not found[name]:
            found[name] = bench.run(name, n, seed)
            remember(key, found[name])
    result = {key: value for key, value in found[arm].items() if key != "machine"}
    print(json.dumps(result | {name: found[name]["accuracy"] for name in ("real", "oracle")}))


def remember(key, result):
    """`keep`, its word on stderr: the last line of stdout is the result."""
    import contextlib

    with contextlib.redirect_stdout(sys.stderr):
        keep(key, result)


def everything(bench, seeds, again):
    """All arms at all n, then the curve of the real arm; what is kept is not made again."""
    from aigc_course.studio import augment

    arms = [arm for arm in augment.ARMS if bench.name == "mnist" or not augment.ARMS[arm].codec]
    jobs = [(arm, n, seed) for n in SIZES for arm in arms for seed in seeds]
    jobs += [("real", n, seed) for n in CURVE for seed in seeds]
    most = int(np.bincount(bench.pictures.y).min())
    jobs = [job for job in jobs if job[1] + bench.pictures.extra * (job[1] in SIZES) <= most]
    jobs = [job for job in jobs if again or not kept(place(bench.name, *job))]
    for arm, n, seed in progress(jobs, f"augmentation, {bench.name}"):
        if augment.ARMS[arm].extra == "generated":
            bench.generate(n, [one for one in seeds if (arm, n, one) in jobs])
        result = bench.run(arm, n, seed)
        remember(place(bench.name, arm, n, seed), result)
        print(f"{bench.name} {arm} n {n} seed {seed}: {result['accuracy']:.4f}, {result['seconds']} s", flush=True)


def tune(bench, sizes):
    """Writes into CHOSEN, for each n, the settings of best validation accuracy: mean of the seeds of TUNING."""
    for n in sizes:
        best = {}
        for arm in ("real", "gan", "classical", *(["pretrained"] if bench.name == "mnist" else [])):
            scored = [(trial(bench, arm, n, {**best, **setting}, setting), setting) for setting in TRIED[arm]]
            best |= max(scored, key=lambda pair: pair[0])[1]
        table = json.loads(CHOSEN.read_text(encoding="utf-8")) if CHOSEN.is_file() else {}
        table.setdefault(bench.name, {})[str(n)] = best
        files.write_whole(CHOSEN, lambda part, table=table: part.write_text(json.dumps(table, indent=1) + "\n"))
        print(bench.name, n, best, flush=True)


def trial(bench, arm, n, setting, varied):
    """Mean validation accuracy of a setting, kept."""
    key = (
        f"augmentation/tune-{bench.name}-{arm}-{n}-{'-'.join(map(str, ({'rate': setting['rate']} | varied).values()))}"
    )
    if not kept(key):
        if arm == "gan":
            bench.generate(n, TUNING)
        each = [bench.run(arm, n, seed, **setting)["accuracy"] for seed in TUNING]
        remember(key, {"arm": arm, "n": n, **setting, "each": each})
    return float(np.mean(kept(key)["each"]))


def table():
    """augmentation.csv: a line a run."""
    paths = sorted((RESULTS / "augmentation").glob("*-*-*-*.json"))
    rows = [kept(f"augmentation/{path.stem}") for path in paths if not path.stem.startswith("tune")]
    rows = [row for row in rows if row["seed"] in SEEDS]
    if not rows:
        sys.exit("nothing kept yet: python benchmarks/augmentation.py --all")
    fields = ["data", "arm", "n", "seed", "accuracy", "generated", "extra", "stopped", "seconds"]
    classes = [f"class_{one}" for one in range(10)]
    rows.sort(key=lambda row: (row["data"] != "mnist", row["n"], row["arm"], row["seed"]))
    with open(RESULTS / "augmentation.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(fields + classes)
        writer.writerows([[row[name] for name in fields] + row["per_class"] for row in rows])
    print(f"{len(rows)} rows: runs/bench/augmentation.csv")


def main():
    from aigc_course.errors import one_of, whole_number

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arm", default="gan")
    parser.add_argument("--n", type=int, default=30, help="labels a class, a fifth of which chooses when to stop")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--data", default="mnist", help="mnist or fashion")
    parser.add_argument("--fashion", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="with --tune")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--again", action="store_true", help="what is kept is computed again")
    asked = parser.parse_args()
    if asked.table:
        return table()
    runtime.configure()
    runtime.start(report=False)
    from aigc_course.studio import augment

    one_of(asked.data, dict.fromkeys(("mnist", "fashion")), "--data")
    arm = one_of(asked.arm, augment.ARMS, "--arm")
    if arm.codec and asked.data != "mnist":
        raise CourseError(f"--arm {asked.arm} must go with --data mnist: the codec of chapter 09 saw digits alone.")
    whole_number(asked.seed, "--seed", 0, 2**31 - 1)
    bench = Bench(asked.data, asked.fashion, "held" if asked.tune else "test")
    most = int(np.bincount(bench.pictures.y).min()) - bench.pictures.extra
    whole_number(asked.n, "--n", 5, most, "The oracle needs as many more real pictures as the GAN draws.")
    if asked.tune:
        return tune(bench, asked.sizes)
    if asked.all:
        return everything(bench, SEEDS, asked.again)
    return single(bench, asked.arm, asked.n, asked.seed, asked.again)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CourseError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except (KeyboardInterrupt, Stopped):
        print("\nstopped; what is kept stays. The same command goes on from there.", file=sys.stderr)
        sys.exit(130)
