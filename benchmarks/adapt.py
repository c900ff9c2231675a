"""Can a generator learn a hand from twenty digits? Chapter 11's flow, three hands; what is gained, what is forgotten.

    python benchmarks/adapt.py --seed 7      three hands, twenty digits each; last line: JSON (three minutes, two cores)
    python benchmarks/adapt.py --table       writes runs/bench/adapt.csv from what was kept
    python benchmarks/adapt.py --tuning      compares rates and steps on other hands by another yardstick; keeps nothing

Each hand is kept when it is done and not computed again unless --again. Scores rest on 500 pictures a row, against the
10,000 test digits written in the same hand. Tuning: hands that no table shows, the last 5,000 training digits, the
Fréchet distance of 32 principal components of the pixels instead of the judge's features.
"""

import argparse
import json
import sys
import time

import numpy as np
from common import RESULTS, keep, kept, progress, write_csv

from aigc_course import runtime

DRAWN, EVALUATIONS = 500, 10
AT = (10, 50, 100, 200)  # steps at which both ways are scored
CHOSEN = {"few": 200, "all": 100}  # steps, by --tuning
SPARE = 5_000  # the last training digits: for choices alone
TRIED = {"few": (2e-3, 5e-3, 1e-2), "all": (1e-4, 3e-4, 1e-3)}  # rates
OTHER_HANDS = {"broad": (0.2, 1.15, 0.75, 1), "thin": (-0.3, 0.8, 1.0, -1), "steep": (0.7, 0.8, 1.05, 0)}


def load():
    from aigc_course import data
    from aigc_course.flow import model

    flow, _ = model.load_flow(data.asset("flow.npz"))
    return flow, *data.load_mnist()


def drawn(flow, seed):
    labels = np.arange(DRAWN) % 10
    return flow.sample(DRAWN, labels, EVALUATIONS, seed=seed, batch_size=250), labels


def scored(images, labels, twenty, held, held_labels, moments):
    """dict of what a row says; `moments` are those of the judge's features of the hand, of all digits."""
    from aigc_course import metrics
    from aigc_course.studio import adapt, scores

    features, logits = metrics.judge().read(images)
    own = metrics.moments(features)
    rows, held_rows, known = (part.reshape(len(part), -1) for part in (images, held, twenty))
    found = {
        "distance": metrics.frechet_of_moments(*own, *moments[0]),
        "plain": metrics.frechet_of_moments(*own, *moments[1]),
        "agreement": float((logits.argmax(axis=1) == labels).mean()),
        "spread": float(scores.class_spreads(rows, labels, held_rows, held_labels).mean()),
        "copies": metrics.copy_share(rows, known, held_rows[:2000])[0],
        "slant": adapt.slants(images),
        "ink": float((images.mean() + 1) / 2),
    }
    return {name: round(float(value), 4) for name, value in found.items()}


def one_hand(name, seed):
    """Rows of one hand: what stands beside the method, then both ways along their steps."""
    from aigc_course import data, metrics
    from aigc_course.studio import adapt

    flow, (x, y), (x_test, y_test) = load()
    started, hand, judge = time.perf_counter(), adapt.HANDS[name], metrics.judge()
    usable, order = len(x) - SPARE, np.random.default_rng(seed)
    chosen = adapt.twenty(y[:usable], seed)
    given, labels = adapt.write(hand, x[chosen]), y[chosen]
    twenty, held = data.scale(given), data.scale(adapt.write(hand, x_test))
    moments = metrics.moments(judge.read(held)[0]), judge.test_moments
    rows = []

    def add(row, steps, numbers, images, labels):
        facts = {"row": row, "hand": name, "seed": seed, "steps": steps, "numbers": numbers}
        rows.append({**facts, **scored(images, labels, twenty, held, y_test, moments)})

    others = order.choice(np.setdiff1d(np.arange(usable), chosen), DRAWN, replace=False)
    add("real", 0, 0, data.scale(adapt.write(hand, x[others])), y[others])
    add("twenty stored", 0, 0, np.tile(twenty, (DRAWN // 20, 1, 1, 1)), np.tile(labels, DRAWN // 20))
    before, asked = drawn(flow, 100 + seed)
    add("blind: as it was", 0, 0, before, asked)
    add("linear map", 0, 3, adapt.align(before, twenty), asked)
    for ways in adapt.RATES:
        numbers = sum(int(np.prod(s)) for s in adapt.few_numbers(flow.network) if s) if ways == "few" else 0
        numbers = numbers or sum(int(np.prod(w.shape)) for w in flow.network.weights)

        def each(step, new, ways=ways, numbers=numbers):
            if step in AT:
                images, asked = drawn(new, 100 + seed)
                add(ways, step, numbers, images, asked)
                if step == CHOSEN[ways]:
                    add(f"{ways}, then map", step, numbers + 3, adapt.align(images, twenty), asked)

        adapt.adapt(flow, given, labels, ways, max(AT), seed=seed, each=each)
    return {"hand": name, "seed": seed, "rows": rows, "seconds": round(time.perf_counter() - started, 1)}


def last_line(seed, results):
    """Means over the hands: distances to the hand, and what was forgotten."""

    def mean(row, value, steps=None):
        found = [r[value] for one in results for r in one["rows"] if r["row"] == row and r["steps"] == (steps or 0)]
        return round(float(np.mean(found)), 4)

    line = {"seed": seed, "hands": len(results), "blind": mean("blind: as it was", "distance")}
    line |= {"real": mean("real", "distance"), "linear_map": mean("linear map", "distance")}
    for ways, steps in CHOSEN.items():
        line[f"{ways}_then_map"] = mean(f"{ways}, then map", "distance", steps)
        for value in ("distance", "plain", "agreement", "spread", "copies"):
            line[f"{ways}_{value}"] = mean(ways, value, steps)
    return json.dumps({**line, "seconds": round(sum(one["seconds"] for one in results), 1)})


def tuning(seed, only):
    """Prints the pixels' distance along the steps for some rates, mean over hands that no table shows."""
    from aigc_course import data, metrics
    from aigc_course.studio import adapt

    flow, (x, y), _ = load()
    spare, usable = x[-SPARE:], len(x) - SPARE
    chosen, rows = adapt.twenty(y[:usable], seed), {}
    for name, hand in OTHER_HANDS.items():
        held = data.scale(adapt.write(hand, spare)).reshape(SPARE, -1)
        ways_of = np.linalg.svd(np.cov(held, rowvar=False))[0][:, :32]
        moments = metrics.moments(held @ ways_of)
        for ways, rates in TRIED.items():
            for rate in rates if only in (None, ways) else ():

                def each(step, new, key=(ways, rate), ways_of=ways_of, moments=moments):
                    if step in (0, *AT):
                        images = new.sample(200, evaluations=5, seed=100 + seed).reshape(200, -1)
                        distance = metrics.frechet_of_moments(*metrics.moments(images @ ways_of), *moments)
                        rows.setdefault((*key, step), []).append(distance)

                adapt.adapt(flow, adapt.write(hand, x[chosen]), y[chosen], ways, max(AT), rate, seed=seed, each=each)
                line = {s: round(float(rows[ways, rate, s][-1]), 2) for s in (0, *AT)}
                print(name, ways, rate, line, flush=True)


def table():
    """adapt.csv: a line a row, hand, seed and number of steps."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((RESULTS / "adapt").glob("*.json"))]
    rows = [row for one in found for row in one["rows"]]
    if not rows:
        sys.exit("nothing measured yet: python benchmarks/adapt.py --seed 7")
    write_csv("adapt", list(rows[0]), rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--ways", choices=("few", "all"), help="with --tuning: one of both alone")
    for flag in ("again", "tuning", "table"):
        parser.add_argument(f"--{flag}", action="store_true")
    asked = parser.parse_args()
    if asked.table:
        return table()
    if not 0 <= asked.seed < 100:
        parser.error("--seed must be 0 to 99; later ones are for choices")
    runtime.configure()
    runtime.start(asked.seed, report=False)
    if asked.tuning:
        return tuning(100 + asked.seed, asked.ways)
    from aigc_course.studio import adapt

    results = []
    for name in progress(list(adapt.HANDS), f"seed {asked.seed}"):
        place = f"adapt/{asked.seed}-{name.replace(' ', '-')}"
        result = None if asked.again else kept(place)
        if result is None:
            result = one_hand(name, asked.seed)
            keep(place, result)
        results.append(result)
    print(last_line(asked.seed, results))
    return 0


if __name__ == "__main__":
    from aigc_course.errors import Stopped

    try:
        sys.exit(main())
    except (KeyboardInterrupt, Stopped):
        print("\nstopped; hands that were kept stay.", file=sys.stderr)
        sys.exit(130)
