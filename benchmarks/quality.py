"""Time to quality: seconds of training, from scratch, until the judge distance is 20, and 10, for three recipes.

`python benchmarks/quality.py` writes runs/bench/quality.json. Each run is kept in runs/bench/quality/ as it goes, and
a run that is complete is not repeated: Ctrl-C loses at most the run that was going on. Scoring is not counted.
With `--table` nothing is trained: quality.json is made from the runs that are there.
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
OURS = "make train"
# name -> (when a run is given up, seconds between two scores). Ours after so many seconds; the others after that many
# times the seconds that ours takes to the first goal (median), a little more than the ratios that were asked for.
RECIPES = {
    OURS: (200.0, 10.0),
    "Keras guide": (2.2, 20.0),
    "Keras guide, mended": (2.2, 20.0),
    "classic, mended": (5.1, 30.0),
}


def place(recipe, seed):
    """The file of one run."""
    return RESULTS / "quality" / f"{recipe.replace(' ', '_').replace(',', '')}-{seed}.json"


def load(recipe, seed):
    """A run that is complete, or None."""
    path = place(recipe, seed)
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    return found if found and found["complete"] else None


def seconds_allowed(recipe):
    """When a run of this recipe is given up."""
    if recipe == OURS:
        return RECIPES[recipe][0]
    times = [time_to(load(OURS, seed)["curve"], GOALS[0]) or RECIPES[OURS][0] for seed in SEEDS]
    return round(RECIPES[recipe][0] * float(np.median(times)), 1)


def run(recipe, seed):
    """Trains one recipe with one seed; writes runs/bench/quality/RECIPE-SEED.json."""
    from aigc_course import runtime

    if recipe == OURS:
        runtime.start(seed, report=False)
    else:  # with TensorFlow's own settings, as their users have them
        import keras

        keras.utils.set_random_seed(seed)
    from aigc_course import data, metrics
    from aigc_course import gan as gan_module
    from aigc_course.recipe import RECIPE, fit_to, images_in, new_gan, phases

    (images, _), _ = data.load_mnist()
    cap, every = seconds_allowed(recipe), RECIPES[recipe][1]
    batch = RECIPE["batch_size"] if recipe == OURS else 64
    done, seen = 0, 0  # steps and images so far
    z = np.random.default_rng(0).standard_normal((5000, 100), dtype=np.float32)
    if recipe == OURS:
        settings = {**RECIPE, "objective": "smoothed", "seed": seed}
        model = new_gan(settings)
        network = model.ema_generator
        train = lambda steps: fit_to(model, images, phases(settings, done, done + steps), [], verbose=0)  # noqa: E731
    else:
        generator, discriminator = plain_networks()
        network, rng = generator, np.random.default_rng(seed)
        if recipe.startswith("Keras guide"):
            model = guide_model(generator, discriminator, mended=recipe.endswith("mended"))

            def train(steps):
                stream = data.batches(images, batch, seed, start=done)
                model.fit(stream, epochs=1, steps_per_epoch=steps, verbose=0)
        else:
            step, scaled = classic_step(generator, discriminator, keras, np, rng), data.scale(images)
            train = lambda steps: [step(scaled[rng.integers(len(scaled), size=batch)]) for _ in range(steps)]  # noqa: E731

    curve, seconds, steps = [], 0.0, max(1, 640 // batch)
    while seconds < cap and not (curve and curve[-1]["distance"] <= min(GOALS)):
        started = time.perf_counter()
        train(steps)
        took = time.perf_counter() - started
        seen += steps * batch if recipe != OURS else images_in(phases(settings, done, done + steps), done)
        seconds, done = seconds + took, done + steps
        score = metrics.judge_distance(gan_module.generate_images(network, z), verbose=False)
        curve.append({"seconds": round(seconds, 2), "images": seen, "distance": round(float(score), 2)})
        steps = max(1, round(every * steps / took))
        path = place(recipe, seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        complete = seconds >= cap or curve[-1]["distance"] <= min(GOALS)
        kept = {"recipe": recipe, "seed": seed, "cap": cap, "complete": complete, "curve": curve}
        path.write_text(json.dumps(kept), encoding="utf-8")
        print(f"{recipe}, seed {seed}: {seconds:.0f} s, {seen:,} images, distance {float(score):.1f}", flush=True)


def time_to(curve, goal):
    """Seconds of the first score at or below the goal; None if there is none."""
    return next((point["seconds"] for point in curve if point["distance"] <= goal), None)


def summary(runs):
    """{recipe: {goal: {"seconds": [each seed or None], "median": number or None, "cap": number}}}."""
    found = {}
    for recipe in RECIPES:
        own = [one for one in runs if one["recipe"] == recipe]
        if not own:
            continue
        found[recipe] = {}
        for goal in GOALS:
            times = [time_to(one["curve"], goal) for one in own]
            middle = float(np.median([np.inf if t is None else t for t in times])) if times else np.inf
            found[recipe][f"{goal:g}"] = {
                "seconds": times,
                "median": None if np.isinf(middle) else middle,
                "cap": own[0]["cap"],
            }
    return found


def main():
    if len(sys.argv) == 3:
        run(sys.argv[1], int(sys.argv[2]))
        return
    runs = []
    for recipe in RECIPES:
        for seed in SEEDS:
            if not load(recipe, seed) and "--table" not in sys.argv:
                subprocess.run([sys.executable, str(Path(__file__)), recipe, str(seed)], check=True)
            runs += [one for one in [load(recipe, seed)] if one]
            times = [time_to(one["curve"], max(GOALS)) for one in runs if one["recipe"] == recipe]
            if times.count(None) > len(SEEDS) // 2:  # the median is above the cap whatever the last seed does
                print(f"{recipe}: {times.count(None)} of {len(SEEDS)} seeds did not reach {max(GOALS):g}: given up")
                break
        complete = recipe == list(RECIPES)[-1] and "--table" not in sys.argv
        keep("quality", {"complete": complete, "goals": GOALS, "summary": summary(runs), "runs": runs})


if __name__ == "__main__":
    main()
