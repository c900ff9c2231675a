"""The conditional GAN of chapter 07, on all 60,000 training pictures of Fashion-MNIST (Debian: dataset-fashion-mnist).

    python benchmarks/conditional.py --judges          trains the judge that is reported and the one that chooses
    python benchmarks/conditional.py --seed 7          trains; goes on after Ctrl-C; runs/bench/conditional/SEED.npz
    python benchmarks/conditional.py --seed 7 --score  scores its weights, 1,000 pictures a class
    python benchmarks/conditional.py --controls        real pictures, ten stored ones, classes exchanged, means
    python benchmarks/conditional.py --table           writes runs/bench/conditional.csv

`--recipe` takes another recipe. `--tuning` scores by a second judge against the last 10,000 training pictures, which
the generators have seen, to compare recipes, so that the test pictures choose nothing. None was compared yet: rates
and penalties are those of stacked MNIST (chapter 06).
"""

import argparse
import csv
import json
import sys
import time
from pathlib import Path

import numpy as np
from common import RESULTS, keep

from aigc_course import files, runtime

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))
FOLDER = RESULTS / "conditional"
STEPS, EACH = 6000, 1000  # steps; pictures of each class that are scored
# name -> objective, R1 and R2, rates, batch normalisation in the discriminator
RECIPES = {
    "pairs": {"objective": "relativistic", "slopes": 0.3, "rates": (2e-3, 1e-3), "penalised": True},
    "plain": {"objective": "non_saturating", "slopes": 0.0, "rates": (1e-3, 5e-4), "penalised": False},
}


def whole():
    from make_fashion import load_whole

    return load_whole()


def judges():
    """judge.npz learns from all 60,000 and is scored on the 10,000 test pictures; tuning.npz from the first 50,000."""
    from aigc_course import data
    from aigc_course.studio import scores

    (x, y), (x_test, y_test) = whole()
    for name, width, seed, count in (("judge", 32, 7, 60_000), ("tuning", 24, 11, 50_000)):
        started = time.perf_counter()
        network = scores.train_classifier(data.scale(x[:count]), y[:count], epochs=12, seed=seed, width=width)
        tested = (x_test, y_test) if name == "judge" else (x[50_000:], y[50_000:])
        logits = network.predict(data.scale(tested[0]), 1000, verbose=0)
        right = float((logits.argmax(axis=1) == tested[1]).mean())
        facts = {"accuracy": round(right, 4), "seed": seed, "pictures": count, "epochs": 12}
        header = {"width": width, "facts": facts}
        files.save_network(FOLDER / f"{name}.npz", header, files.numbered(network.get_weights()))
        print(name, facts, f"{time.perf_counter() - started:.0f} s", flush=True)


def build(recipe, seed):
    import keras

    from aigc_course import gan
    from aigc_course.studio import conditional

    keras.utils.set_random_seed(seed)
    chosen = RECIPES[recipe]
    players = (
        conditional.build_conditional_generator(),
        conditional.build_conditional_discriminator(penalised=chosen["penalised"]),
    )
    slopes = {"r1": chosen["slopes"], "r2": chosen["slopes"]}
    model = conditional.ConditionalGAN(*players, objective=chosen["objective"], seed=seed, **slopes)
    beta_2 = 0.99 if chosen["penalised"] else 0.999
    model.compile(*(gan.adam(rate, beta_2) for rate in chosen["rates"]))
    return model


def name_of(recipe, seed):
    return f"{seed}" if recipe == "pairs" else f"{recipe}-{seed}"


def train(recipe, seed, steps, every):
    from aigc_course.studio import conditional

    (x, y), _ = whole()
    name, model = name_of(recipe, seed), build(recipe, seed)
    state, before, last = FOLDER / f"{name}.state.npz", 0.0, time.perf_counter()
    if state.is_file():
        before = files.load_state(state, model.state)["seconds"]

    def each(step, seconds):
        nonlocal last
        if time.perf_counter() - last < every and step < steps:
            return
        last = time.perf_counter()
        files.save_state(state, model.state, seconds=before + seconds)
        losses = ", ".join(f"{key} {float(one.result()):.3f}" for key, one in model.trackers.items())
        print(f"{name}: step {step}, {before + seconds:.0f} s, {losses}", flush=True)

    conditional.train_conditional(model, x, y, steps, each=each)
    seconds = round(files.load_state(state, model.state)["seconds"])
    facts = {"seed": seed, "steps": steps, "recipe": recipe, "seconds": seconds}
    conditional.save_conditional_generator(model, FOLDER / f"{name}.npz", **facts)


def scored(images, labels, tuning=False, seed=7):
    """dict of `scores.ClassScores` against the 10,000 test pictures, or those that are for choices."""
    from aigc_course.studio import scores

    (x, y), test = whole()
    train_part = (x, y)
    if tuning:
        train_part, test = (x[:50_000], y[:50_000]), (x[50_000:], y[50_000:])
    judge = scores.FashionJudge(FOLDER / ("tuning.npz" if tuning else "judge.npz"))
    found = scores.score_classes(judge, images, labels, train_part, test, seed)
    return {name: round(float(value), 4) for name, value in found._asdict().items()}


def score(recipe, seed, tuning, truncation):
    from aigc_course.studio import conditional

    name = name_of(recipe, seed)
    generator, facts = conditional.load_conditional_generator(FOLDER / f"{name}.npz")
    images, labels = conditional.sample_classes(generator, 10 * EACH, seed=100 + seed, truncation=truncation)
    row = {"row": recipe, "seed": seed, "truncation": truncation, **scored(images, labels, tuning, seed)}
    print(row, facts, flush=True)
    if not tuning:
        text = json.dumps(row)
        place = FOLDER / f"{name}-{truncation:g}.scores.json"
        files.write_whole(place, lambda part: part.write_text(text, encoding="utf-8"))


def controls():
    """What stands beside a generator: 1,000 pictures of each class by four hands that learnt nothing.

    The row "real" holds training pictures; its agreement and copies are those of the 10,000 test pictures.
    """
    from aigc_course import data
    from aigc_course.studio import scores

    (x, y), _ = whole()
    for seed in (7, 8, 9):
        rng = np.random.default_rng(seed)
        chosen = np.concatenate([rng.choice(np.flatnonzero(y == one), EACH, replace=False) for one in range(10)])
        real, labels = data.scale(x[chosen]), y[chosen].astype(int)
        stored = real[np.repeat(np.arange(10) * EACH, EACH)]
        means = np.concatenate([np.repeat(real[labels == one].mean(axis=0)[None], EACH, 0) for one in range(10)])
        noisy = np.clip(means + 0.2 * rng.standard_normal(means.shape), -1, 1).astype(np.float32)
        rows = {
            "real": (real, labels),
            "ten stored pictures": (stored, labels),
            "classes exchanged": (real, (labels + 1) % 10),
            "blind: means with noise": (noisy, labels),
        }
        for name, (images, own) in rows.items():
            if name != "real" and seed != 7:
                continue  # far from real: one draw tells
            row = {"row": name, "seed": seed, "truncation": 1.0, **scored(images, own, seed=seed)}
            if name == "real":  # the judge has learnt from these, and they are in the set where copies are searched
                row["agreement"] = scores.FashionJudge(FOLDER / "judge.npz").facts["accuracy"]  # of test pictures
                row["copies"] = 0.01  # the share of test pictures, by the definition of `metrics.copy_share`
            print(row, flush=True)
            place, text = (
                FOLDER / f"control-{name.replace(' ', '-').replace(':', '')}-{seed}.scores.json",
                json.dumps(row),
            )
            files.write_whole(place, lambda part, text=text: part.write_text(text, encoding="utf-8"))


def table():
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.scores.json"))]
    with open(RESULTS / "conditional.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    keep("conditional", {"rows": rows})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--every", type=float, default=120.0, help="seconds between two savings")
    parser.add_argument("--recipe", choices=RECIPES, default="pairs")
    parser.add_argument("--truncation", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=0, help="0: all cores")
    for flag in ("judges", "score", "tuning", "controls", "table"):
        parser.add_argument(f"--{flag}", action="store_true")
    asked = parser.parse_args()
    if asked.table:
        return table()
    if asked.steps < 1 or asked.every <= 0 or asked.seed < 0:
        parser.error("--steps and --every must be above 0, --seed 0 or more")
    FOLDER.mkdir(parents=True, exist_ok=True)
    runtime.configure()
    if asked.threads:
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(asked.threads)
    runtime.start(asked.seed, report=False)
    if asked.judges:
        return judges()
    if asked.controls:
        return controls()
    if asked.score:
        return score(asked.recipe, asked.seed, asked.tuning, asked.truncation)
    return train(asked.recipe, asked.seed, asked.steps, asked.every)


if __name__ == "__main__":
    from aigc_course.errors import Stopped

    try:
        sys.exit(main())
    except (KeyboardInterrupt, Stopped):
        print("\nstopped; the last kept part stays. The same command goes on from there.", file=sys.stderr)
        sys.exit(130)
