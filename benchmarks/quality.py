"""Time to quality: seconds of training, from scratch, until the judge distance is 20, and 10, for three recipes.

`python benchmarks/quality.py` writes runs/bench/quality.json. Each run is kept in runs/bench/quality/ as it goes, and
a run that is complete is not repeated: Ctrl-C loses at most the run that was going on. Scoring is not counted.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from common import RESULTS, keep
from loops import classic_step, guide_model, plain_networks

SEEDS, GOALS = (7, 8, 9), (20.0, 10.0)
# name -> (seconds at which a run that has not reached the goals is given up, seconds between two scores)
RECIPES = {"make train": (420.0, 10.0), "Keras guide": (420.0, 20.0), "classic, mended": (600.0, 30.0)}


def run(recipe, seed):
    """Trains one recipe with one seed; writes runs/bench/quality/RECIPE-SEED.json."""
    from aigc_course import runtime

    runtime.start(seed, report=False)
    from aigc_course import data, metrics
    from aigc_course import gan as gan_module
    from aigc_course.__main__ import RECIPE, new_gan

    (images, _), _ = data.load_mnist()
    cap, every = RECIPES[recipe]
    batch = RECIPE["batch_size"] if recipe == "make train" else 64
    z = np.random.default_rng(0).standard_normal((5000, 100), dtype=np.float32)
    if recipe == "make train":
        model = new_gan({"objective": "non_saturating", "seed": seed})
        network = model.ema_generator
        train = lambda steps: model.fit(images, batch, epochs=1, steps_per_epoch=steps, verbose=0)  # noqa: E731
    else:
        import keras
        import tensorflow as tf

        generator, discriminator = plain_networks()
        network, rng = generator, np.random.default_rng(seed)
        if recipe == "Keras guide":
            model = guide_model(generator, discriminator)
            stream = iter(tf.data.Dataset.from_tensor_slices(data.scale(images)).shuffle(60_000, seed).repeat()
                          .batch(batch).prefetch(2))  # fmt: skip
            stream = tf.data.Dataset.from_generator(lambda: stream, output_signature=tf.TensorSpec((batch, 28, 28, 1)))
            train = lambda steps: model.fit(stream, epochs=1, steps_per_epoch=steps, verbose=0)  # noqa: E731
        else:
            step, scaled = classic_step(generator, discriminator, keras, np, rng), data.scale(images)
            train = lambda steps: [step(scaled[rng.integers(len(scaled), size=batch)]) for _ in range(steps)]  # noqa: E731

    curve, seconds, steps = [], 0.0, max(1, 640 // batch)
    done = 0
    while seconds < cap and not (curve and curve[-1]["distance"] <= min(GOALS)):
        started = time.perf_counter()
        train(steps)
        took = time.perf_counter() - started
        seconds, done = seconds + took, done + steps
        score = metrics.judge_distance(gan_module.generate(network, z), verbose=False)
        curve.append({"seconds": round(seconds, 2), "images": done * batch, "distance": round(float(score), 2)})
        steps = max(1, round(every * steps / took))
        path = RESULTS / "quality" / f"{recipe.replace(' ', '_').replace(',', '')}-{seed}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        complete = seconds >= cap or curve[-1]["distance"] <= min(GOALS)
        kept = {"recipe": recipe, "seed": seed, "cap": cap, "complete": complete, "curve": curve}
        path.write_text(json.dumps(kept), encoding="utf-8")
        print(
            f"{recipe}, seed {seed}: {seconds:.0f} s, {done * batch:,} images, distance {float(score):.1f}", flush=True
        )


def time_to(curve, goal):
    """Seconds of the first score at or below the goal; None if there is none."""
    return next((point["seconds"] for point in curve if point["distance"] <= goal), None)


def summary(runs):
    """{recipe: {goal: {"seconds": [each seed or None], "median": number or None, "cap": number}}}."""
    found = {}
    for recipe in RECIPES:
        own = [one for one in runs if one["recipe"] == recipe]
        found[recipe] = {}
        for goal in GOALS:
            times = [time_to(one["curve"], goal) for one in own]
            middle = float(np.median([np.inf if t is None else t for t in times])) if times else np.inf
            found[recipe][f"{goal:g}"] = {
                "seconds": times,
                "median": None if np.isinf(middle) else middle,
                "cap": RECIPES[recipe][0],
            }
    return found


def main():
    if len(sys.argv) == 3:
        run(sys.argv[1], int(sys.argv[2]))
        return
    runs = []
    for recipe in RECIPES:
        for seed in SEEDS:
            path = RESULTS / "quality" / f"{recipe.replace(' ', '_').replace(',', '')}-{seed}.json"
            if not (path.is_file() and json.loads(path.read_text(encoding="utf-8"))["complete"]):
                subprocess.run([sys.executable, str(Path(__file__)), recipe, str(seed)], check=True)
            runs.append(json.loads(path.read_text(encoding="utf-8")))
    keep("quality", {"goals": GOALS, "summary": summary(runs), "runs": runs})


if __name__ == "__main__":
    main()
