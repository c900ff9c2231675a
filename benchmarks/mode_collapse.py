"""Mode collapse on points in the plane by the protocol of VEEGAN and PacGAN: 2,500 samples, 3 sigma, reverse KL.

python benchmarks/mode_collapse.py --data ring --method best --seeds 10 --first-seed 0
    trains all seeds side by side; prints a line a seed, then one line of JSON
python benchmarks/mode_collapse.py --all
    every method on both data sets; each is kept in runs/bench/collapse/ as it comes, Ctrl-C loses one at most
python benchmarks/mode_collapse.py --table
    writes runs/bench/mode_collapse.csv (tools/make_assets.py ships it) and runs/bench/collapse.json from them
"""

import argparse
import csv
import json
import re
import sys
import time

import numpy as np
from common import RESULTS, keep

from aigc_course import files, runtime
from aigc_course.errors import CourseError

FOLDER = RESULTS / "collapse"
NUMBERS = ("modes", "high_quality", "reverse_kl", "spread")
SEEDS = range(100, 110)  # of the table: nothing was chosen on them
BASELINE = range(100, 140)  # of the plain GAN: every verdict rests on it
LARGE = range(100, 103), 20_000  # seeds and steps of the rows with networks as large as PacGAN's


class Parser(argparse.ArgumentParser):
    """Errors in one line."""

    def error(self, message):
        self.exit(2, f"error: {message} (see --help)\n")


def parse(arguments):
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data", choices=("ring", "grid"), help="default ring; with --all both")
    add("--method", default="best", help="a name in aigc_course.collapse.METHODS (default best)")
    add("--seeds", type=int, default=10, help="how many (default 10)")
    add("--first-seed", type=int, default=0)
    add("--steps", type=int, default=None, help="training steps (default 8000)")
    add("--threads", type=int, default=0, help="0: all cores")
    add("--all", action="store_true", help="every method, both data sets")
    add("--table", action="store_true", help="collect what --all has kept")
    return parser.parse_args(arguments)


def run(data, method, seeds, first_seed, steps=None, quiet=False):
    """Trains and scores; returns {"seeds": [...], each number with mean and standard error, "seconds", ...}."""
    from aigc_course import collapse, progress

    steps = collapse.STEPS if steps is None else steps
    if steps < 1 or seeds < 1 or first_seed < 0:
        raise CourseError(
            f"--steps and --seeds must be 1 or more, --first-seed 0 or more; received {steps}, {seeds}, {first_seed}."
        )
    from aigc_course import metrics

    chosen = range(first_seed, first_seed + seeds)
    collapse.get(method)
    shown = progress.watch(f"{method} on {data}, {seeds} seeds", refresh=1.0)
    scores, samples, seconds = collapse.compare(method, data, chosen, steps, shown)
    make, sigma = collapse.DATA[data]
    centres = make(1, np.random.default_rng(0))[1]
    spreads = [metrics.mode_spread(one, centres, sigma) for one in samples]
    for seed, score, spread in zip(chosen, scores, spreads, strict=True):
        if not quiet:
            print(
                f"seed {seed}: {score.modes} modes, {score.high_quality_share:.1%} high quality, "
                f"reverse KL {score.reverse_kl:.4f}, modes {spread:.2f} as wide as real ones",
                flush=True,
            )
    values = np.column_stack([np.array(scores, dtype=float), spreads])  # (S, 4)
    result = {"data": data, "method": method, "n_seeds": seeds, "first_seed": first_seed, "steps": steps}
    result["each"] = [[None if np.isnan(value) else round(float(value), 6) for value in row] for row in values]
    for column, name in enumerate(NUMBERS):
        found = values[:, column][~np.isnan(values[:, column])]
        error = round(float(found.std(ddof=1) / np.sqrt(len(found))), 5) if len(found) > 1 else None
        mean = round(float(found.mean()), 5) if len(found) else None
        result[name] = {"mean": mean, "standard_error": error}
    return {**result, "seconds": round(seconds, 1), "seconds_a_seed": round(seconds / seeds, 1)}


def run_all(data_sets):
    from aigc_course import collapse

    FOLDER.mkdir(parents=True, exist_ok=True)
    for method in collapse.METHODS:
        seeds, steps = BASELINE if method == "gan" else SEEDS, collapse.STEPS
        if method.startswith("PacGAN's size"):
            seeds, steps = LARGE
        for data in data_sets:
            path = FOLDER / f"{data}-{re.sub('[^a-zA-Z0-9-]+', '_', method)}.json"
            if not path.is_file():
                result = run(data, method, len(seeds), seeds[0], steps, quiet=True)
                text = json.dumps(result)
                files.write_whole(path, lambda part, text=text: part.write_text(text, encoding="utf-8"))
                print(text, flush=True)


def table():
    """Collects the kept results."""
    from aigc_course import collapse

    found = [json.loads(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.json")]
    if not found:
        raise CourseError(f"there are no results in {FOLDER} yet: run with --all first.")
    methods = list(collapse.METHODS)
    found.sort(key=lambda one: (methods.index(one["method"]), one["data"]))
    with open(RESULTS / "mode_collapse.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["method", "data", "seed", "steps", *NUMBERS])
        for one in found:
            for offset, numbers in enumerate(one["each"]):
                writer.writerow([one["method"], one["data"], one["first_seed"] + offset, one["steps"], *numbers])
    keep("collapse", {"rows": found})


def main(arguments):
    asked = parse(arguments)
    if asked.table:
        return table()
    runtime.configure()
    if asked.threads > 0:
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(asked.threads)
    runtime.start(0, report=False)
    if asked.all:
        return run_all([asked.data] if asked.data else ["ring", "grid"])
    started = time.perf_counter()
    result = run(asked.data or "ring", asked.method, asked.seeds, asked.first_seed, asked.steps)
    print(json.dumps({**result, "seconds_in_all": round(time.perf_counter() - started, 1)}), flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except CourseError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("\nstopped; with --all the same command goes on with what is missing.", file=sys.stderr)
        sys.exit(130)
