"""Can likes steer a generator? Simulated users of known taste, a preference model, and what follows it too far.

    python benchmarks/taste.py --seed 7      200 users of each kind; last line: JSON (half a minute, two cores)
    python benchmarks/taste.py --table       writes runs/bench/taste.csv from the seeds that were kept
    python benchmarks/taste.py --tuning      compares precisions, eyes and caution with other users; nothing is kept

A kept seed is not computed again unless --again. Hits are probabilities of a like, known here: no coin is tossed for
them. Intervals: 95 %, 2,000 bootstrap samples of the users. Users, pictures and questions of the tuning have seeds
from 100 on; a reported seed is below 100.
"""

import argparse
import json
import sys
import time

import numpy as np
from common import RESULTS, keep, kept, progress, write_csv

from aigc_course import runtime

ASKED, CANDIDATES, LIKED = 4_000, 16_000, 20  # pictures to ask about, to propose from; proposals that count
AMONG = 1_000  # fresh pictures that LIKED are chosen from
NS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 10_000)
CLIMBERS, STARTS, STEPS = 20, 8, 60
FAR = {("model", 30): 0, ("model", 100): 0, ("model", 300): 0, ("cautious", 30): 2}  # (row, labels): caution
ROWS = ("random", "model", "passive", "nearest", "class", "blind", "oracle")


def pool(seed, count):
    """(judge, generator, z, labels, measured, features) of `count` pictures."""
    from aigc_course import data
    from aigc_course.studio import conditional, scores, taste_users

    generator, _ = conditional.load_conditional_generator(data.asset("fashion_generator.npz"))
    judge, labels = scores.FashionJudge(), np.arange(count) % 10
    images, labels = conditional.sample_classes(generator, count, seed=1000 + seed)
    return judge, generator, labels, taste_users.properties(images), judge.read(images)[0]


def top(scores, values, count=LIKED):
    return float(values[np.argsort(scores, kind="stable")[-count:]].mean())


def hits(x, labels, p, rng, precision, caution):
    """dict of ROWS: the mean probability of a like among 20 proposals from 1,000 fresh pictures; and likes met."""
    from aigc_course.studio import taste

    def answer(places):
        return rng.random(len(places)) < p[places]

    fresh = ASKED + rng.choice(CANDIDATES, AMONG, replace=False)
    shown, answers, model = taste.interview(x[:ASKED], answer, rng, precision=precision)
    some = rng.choice(ASKED, len(shown), replace=False)
    passive = taste.fit_taste(x[some], answer(some), precision)
    shuffled = taste.fit_taste(x[shown], rng.permutation(answers), precision)
    ranks = {
        "random": rng.random(AMONG),
        "model": taste.predict(model, x[fresh], caution),
        "passive": taste.predict(passive, x[fresh], caution),
        "nearest": taste.nearness(x[fresh], x[shown], answers) + 1e-9 * rng.random(AMONG),
        "class": taste.class_rates(labels[fresh], labels[shown], answers) + 1e-9 * rng.random(AMONG),
        "blind": taste.predict(shuffled, x[fresh], caution),
        "oracle": p[fresh],
    }
    found = {name: top(rank, p[fresh]) for name, rank in ranks.items()}
    return {**found, "random": float(p[fresh].mean()), "interview": float(answers.mean())}


def too_far(x, p, rng, count, caution):
    """(predicted, received) by the best of each n, for a model of `count` answers about pictures by chance."""
    from aigc_course.studio import taste

    shown = rng.choice(ASKED, count, replace=False)
    model = taste.fit_taste(x[shown], rng.random(count) < p[shown])
    fresh = x[ASKED:]
    rank, plain = taste.predict(model, fresh, caution), taste.predict(model, fresh)
    return np.array([taste.best_of(rank, values, NS) for values in (plain, p[ASKED:])])


def interval(values, statistic, rng, times=2_000):
    """95 % interval of a statistic of rows by the bootstrap over rows."""
    drawn = [statistic(values[rng.integers(len(values), size=len(values))]) for _ in range(times)]
    return [round(float(q), 4) for q in np.quantile(drawn, (0.025, 0.975))]


def hit_table(found, rng):
    """Rows with mean, standard error, ratio to random with its interval, paired difference from the model."""
    rows = []
    for name in (*ROWS, "interview"):
        both = np.array([[one[name], one["random"], one["model"]] for one in found])
        gap = both[:, 2] - both[:, 0]
        low, high = interval(both, lambda v: v[:, 0].mean() / v[:, 1].mean(), rng)
        row = {"row": name, "liked": both[:, 0].mean(), "error": both[:, 0].std(ddof=1) / len(both) ** 0.5}
        row |= {"ratio": both[:, 0].mean() / both[:, 1].mean(), "low": low, "high": high}
        row |= {"model_more": gap.mean(), "model_more_error": gap.std(ddof=1) / len(gap) ** 0.5}
        rows.append({key: value if isinstance(value, str) else round(float(value), 4) for key, value in row.items()})
    return rows


def far_table(name, count, curves):
    """Curve over n of (U, 2, len(NS)); the fall after the peak on users that did not choose the peak; Gao's form."""
    from aigc_course.studio import taste

    mean, error = curves.mean(axis=0), curves.std(axis=0, ddof=1) / len(curves) ** 0.5
    kl = taste.kl_of_best(NS, CANDIDATES)
    falls = []
    for half in (0, 1):  # each half's peak, the other half's fall
        peak = int(curves[half::2, 1].mean(axis=0).argmax())
        falls.append(curves[1 - half :: 2, 1, peak] - curves[1 - half :: 2, 1, -1])
    falls, peak = np.concatenate(falls), int(mean[1].argmax())
    alpha, beta = taste.overoptimised(kl, mean[1] - mean[1, 0])
    facts = {"row": name, "labels": count, "peak_n": NS[peak], "peak_kl": kl[peak], "alpha": alpha, "beta": beta}
    facts |= {"fall": falls.mean(), "fall_error": falls.std(ddof=1) / len(falls) ** 0.5}
    points = np.column_stack([NS, kl, mean[0], mean[1], error[1]]).round(4).tolist()
    return {**{k: v if isinstance(v, str) else round(float(v), 4) for k, v in facts.items()}, "points": points}


def climbing(made, users, eyes, x, p, seed, shuffle):
    """z moved up the predicted liking: rows (step, predicted, liked, its error, length of z, read as asked).

    shuffle: the slopes are those of models of shuffled answers, the predictions those of the true ones: a blind row.
    """
    from aigc_course.studio import taste, taste_users

    judge, generator = made
    rng, models, followed = np.random.default_rng(3000 + seed), [], []
    for own in p[:CLIMBERS]:
        shown = rng.choice(ASKED, 30, replace=False)
        answers = rng.random(30) < own[shown]
        models.append(taste.fit_taste(x[shown], answers))
        mixed = taste.fit_taste(x[shown], rng.permutation(answers))
        followed.append(mixed if shuffle else models[-1])
    slopes = np.repeat([eyes.slope(model) for model in followed], STARTS, axis=0)
    z, labels = rng.standard_normal((len(slopes), 64)), rng.integers(10, size=len(slopes))
    owner, rows = np.repeat(np.arange(CLIMBERS), STARTS), []

    def each(step, z, images):
        if step % 5:
            return
        features, logits = judge.read(np.clip(images, -1, 1))
        seen = eyes(features)
        likely = [taste.predict(models[u], seen[i : i + 1])[0] for i, u in enumerate(owner)]
        liked = taste_users.likings(users, taste_users.properties(images), labels)[owner, np.arange(len(owner))]
        read = (logits.argmax(axis=1) == labels).mean()
        spread = liked.reshape(CLIMBERS, STARTS).mean(axis=1).std(ddof=1) / CLIMBERS**0.5
        rows.append([step, np.mean(likely), liked.mean(), spread, np.linalg.norm(z, axis=1).mean(), read])

    taste.climb(generator, judge, slopes, z, labels, STEPS, 0.2, each)
    return np.round(np.array(rows, float), 4).tolist()


def measure(seed, count):
    from aigc_course.studio import taste, taste_users

    started = time.perf_counter()
    judge, generator, labels, measured, features = pool(seed, ASKED + CANDIDATES)
    order = np.random.default_rng(2000 + seed).permutation(len(labels))
    labels, measured, features = labels[order], measured[order], features[order]
    eyes = taste.Eyes(features)
    x, result = eyes(features), {"seed": seed, "users": count, "kinds": {}}
    for kind in taste_users.KINDS:
        users = taste_users.draw_users(count, measured, labels, kind, seed)
        p = taste_users.likings(users, measured, labels)
        rng = np.random.default_rng([seed, len(kind)])
        found, far = [], {}
        for own in progress(p, f"seed {seed}, {kind}"):
            found.append(hits(x, labels, own, rng, taste.PRECISION, taste.CAUTION))
            for (name, labelled), caution in FAR.items():
                far.setdefault((name, labelled), []).append(too_far(x, own, rng, labelled, caution))
        own = {"hits": hit_table(found, rng)}
        own["best of n"] = [far_table(*key, np.array(curves)) for key, curves in far.items()]
        made = judge, generator
        own["climbs"] = {name: climbing(made, users, eyes, x, p, seed, name == "blind") for name in ("model", "blind")}
        result["kinds"][kind] = own
    return {**result, "seconds": round(time.perf_counter() - started, 1)}


def last_line(result):
    """The run in one line: hit rates for users with ideals, whose model is the harder one."""
    own = result["kinds"]["ideal"]
    rows = {row["row"]: row for row in own["hits"]}
    first = own["best of n"][0]
    line = {"seed": result["seed"], "users": result["users"], **{name: rows[name]["liked"] for name in ROWS}}
    line |= {name: rows["model"][name] for name in ("ratio", "low", "high")}
    line |= {"ratio_more": next(r["ratio"] for r in result["kinds"]["more"]["hits"] if r["row"] == "model")}
    line |= {name: first[name] for name in ("peak_n", "peak_kl", "fall", "fall_error")}
    return json.dumps({**line, "seconds": result["seconds"]})


def tuning(seed, count):
    from aigc_course.studio import taste, taste_users

    _, _, labels, measured, features = pool(seed, ASKED + CANDIDATES)
    order = np.random.default_rng(2000 + seed).permutation(len(labels))
    labels, measured, features = labels[order], measured[order], features[order]
    for kind in taste_users.KINDS:
        p = taste_users.likings(taste_users.draw_users(count, measured, labels, kind, seed), measured, labels)
        for width in (8, 16, 32):
            x = taste.Eyes(features, width)(features)
            for precision in (1.0, 4.0, 16.0):
                for caution in (0.0, 1.0, 2.0):
                    rng = np.random.default_rng(seed)
                    found = [hits(x, labels, own, rng, precision, caution) for own in p]
                    mean = {name: round(float(np.mean([one[name] for one in found])), 3) for name in found[0]}
                    print(kind, width, precision, caution, mean, flush=True)


def table():
    """taste.csv: a line a number, long; empty where a column has no meaning for the part."""
    rows = []
    for path in sorted((RESULTS / "taste").glob("*.json")):
        one = json.loads(path.read_text(encoding="utf-8"))
        for kind, own in one["kinds"].items():
            base = {"seed": one["seed"], "users": one["users"], "kind": kind}
            rows += [{**base, "part": "hits", **row} for row in own["hits"]]
            for curve in own["best of n"]:
                facts = {key: value for key, value in curve.items() if key != "points"}
                rows.append({**base, "part": "fall", **facts})
                names = ("n", "kl", "predicted", "liked", "error")
                own_base = {**base, "part": "best of n", "row": curve["row"], "labels": curve["labels"]}
                rows += [{**own_base, **dict(zip(names, point, strict=True))} for point in curve["points"]]
            names = ("step", "predicted", "liked", "error", "length", "agreement")
            for row, points in own["climbs"].items():
                rows += [{**base, "part": "climb", "row": row, **dict(zip(names, one, strict=True))} for one in points]
    if not rows:
        sys.exit("nothing measured yet: python benchmarks/taste.py --seed 7")
    columns = list(dict.fromkeys(key for row in rows for key in row))
    write_csv("taste", columns, rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--users", type=int, default=200, help="of each kind, 20 at least")
    for flag in ("again", "tuning", "table"):
        parser.add_argument(f"--{flag}", action="store_true")
    asked = parser.parse_args()
    if asked.table:
        return table()
    if not 0 <= asked.seed < 100 or asked.users < CLIMBERS:
        parser.error(f"--seed must be 0 to 99 (later ones are for choices), --users {CLIMBERS} or more")
    runtime.configure()
    runtime.start(asked.seed, report=False)
    if asked.tuning:
        return tuning(100 + asked.seed, asked.users)
    name = f"taste/{asked.seed}"
    result = None if asked.again else kept(name)
    if result is None or result["users"] != asked.users:
        result = measure(asked.seed, asked.users)
        keep(name, result)
    print(last_line(result))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nstopped; seeds that were kept stay.", file=sys.stderr)
        sys.exit(130)
