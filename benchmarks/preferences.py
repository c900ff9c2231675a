"""Preferences: DPO on form and rhyme, reward against KL from the reference, and what nobody asked for.

    python benchmarks/preferences.py              goes on where it stopped; about 25 minutes on one core
    python benchmarks/preferences.py --rates      the rate by validation titles, first
    python benchmarks/preferences.py --table      writes runs/bench/preferences.csv, which chapter 08 shows

The reference is chapter 08's poet (all labels but 150, 400 steps). To each of 900 training titles it writes four poems
at temperature 1; a pair is a poem with reward 1 and one with reward 0. Reward: the form of a quatrain, and lines 2 and
4 rhyme by table A, from one half of the training poems. Nobody optimises: rhyme by table B, from the other half (gold,
as Gao et al., 2023); bits of real test poems; use of the title (bits with titles exchanged minus bits); share of
different lines, and of different last characters. KL: mean of ln p - ln p_reference of the poems written, in nats a
poem. Seeds change pairs and order; the reference is one.
"""

import argparse
import json
import time

import numpy as np
from common import RESULTS, progress, write_csv

BETAS = (0.03, 0.1, 0.5)
SEEDS = (7, 8, 9)
RATES = (3e-5, 1e-4)
STEPS, SCORED, BATCH = 240, (0, 15, 30, 60, 120, 240), 16
TITLES, EACH, VALIDATION, BEST = 900, 4, 150, 16
FOLDER = RESULTS / "preferences"
NAMES = ("reward", "gold", "form", "kl", "bits", "title_use", "lines", "closers")
COLUMNS = ("way", "beta", "seed", "step", *NAMES)


class Judge:
    """Tokenizer, titles, tables and poems, once for all runs."""

    def __init__(self):
        from aigc_course import data
        from aigc_course.lmdg import tang
        from aigc_course.lmdg.core import characters, transformer

        self.base, facts = transformer.load_decoder(data.asset("tang_decoder.npz"))
        self.tokenizer = characters.CharTokenizer(facts["characters"])
        others, self.pairs, test = tang.split_tang()
        learnt = others + [text for _, text in self.pairs]
        self.clean = tang.without_leaks(test, learnt)
        self.tables = {name: tang.rhyme_table(learnt[i::2], shared=12) for i, name in enumerate("AB")}
        self.rows = [tang.labelled(self.tokenizer, found) for found in (self.clean, tang.exchanged(self.clean))]

    def good(self, poem, table="A"):
        """Reward: 1 for a quatrain that rhymes."""
        from aigc_course import data
        from aigc_course.lmdg import tang

        return data.is_quatrain(poem) and tang.rhymes(poem, self.tables[table])

    def poems(self, rows):
        from aigc_course.lmdg import tang

        return [tang.poem_of(self.tokenizer, row) for row in rows]

    def of_poems(self, poems):
        """Reward, gold reward, form, variety of some poems."""
        from aigc_course import data

        lines = [line for poem in poems for line in poem.replace("。", "，").split("，") if line]
        return {
            "reward": np.mean([self.good(poem) for poem in poems]),
            "gold": np.mean([self.good(poem, "B") for poem in poems]),
            "form": np.mean([data.is_quatrain(poem) for poem in poems]),
            "lines": len(set(lines)) / len(lines),
            "closers": len({poem[-2:-1] for poem in poems}) / len(poems),
        }

    def scores(self, policy, reference, titles, seed):
        """All of NAMES for a policy, by one poem a title at temperature 1."""
        from aigc_course.lmdg import prefer, tang
        from aigc_course.lmdg.core import transformer

        rows = tang.given(tang.write_all(policy, self.tokenizer, titles, seed=seed), self.tokenizer)
        found = self.of_poems(self.poems(np.abs(rows)))
        found["kl"] = float(np.mean(prefer.logs_of(policy, rows) - prefer.logs_of(reference, rows)))
        found["bits"], wrong = (transformer.bits_per_token(policy, part) for part in self.rows)
        return {name: round(float(value), 4) for name, value in {**found, "title_use": wrong - found["bits"]}.items()}


def reference_of(judge):
    """The poet, trained once and kept."""
    import keras
    from fine_tuning import mover

    from aigc_course.lmdg import tang
    from aigc_course.lmdg.core import transformer

    path = FOLDER / "reference.npz"
    if not path.is_file():
        keras.utils.set_random_seed(8)
        poet = transformer.compile_decoder(judge.base.copy(dropout_rate=0.1), 5e-4)
        move = mover(poet, tang.labelled(judge.tokenizer, judge.pairs[VALIDATION:]), 32, 8)
        for step in progress(range(400), "reference"):
            move(step)
        transformer.save_decoder(poet, path)
    return transformer.load_decoder(path)[0]


def pairs_of(judge, reference, seed):
    """(rows (P, 2, T), ln p under the reference (P, 2)): better and worse poem to each title that has both."""
    from aigc_course.lmdg import prefer, tang

    order = np.random.default_rng(seed).permutation(len(judge.pairs) - VALIDATION)[:TITLES] + VALIDATION
    titles = [judge.pairs[i][0] for i in order]
    drawn = [
        tang.given(tang.write_all(reference, judge.tokenizer, titles, seed=10_000 * seed + 1000 * k), judge.tokenizer)
        for k in range(EACH)
    ]
    rows = np.stack(drawn, axis=1)  # (titles, EACH, T)
    rewards = [[judge.good(poem) for poem in judge.poems(np.abs(some))] for some in rows]
    better, worse = prefer.pairs_from(rewards)
    found = np.stack([rows[tuple(better.T)], rows[tuple(worse.T)]], axis=1)
    logs = prefer.logs_of(reference, found.reshape(-1, found.shape[2])).reshape(-1, 2)
    return found, logs.astype(np.float32)


def optimise(judge, reference, pairs, beta, rate, seed, steps=STEPS, scored=SCORED, titles=None):
    """Rows of scores over a run of DPO."""
    import keras
    import tensorflow as tf

    from aigc_course.lmdg import prefer
    from aigc_course.lmdg.core import transformer

    keras.utils.set_random_seed(seed)
    policy = reference.copy()
    transformer.compile_decoder(policy, rate)
    rows, logs = (tf.constant(part) for part in pairs)
    weights = policy.trainable_variables

    @tf.function
    def move(step):
        chosen = tf.random.stateless_uniform((BATCH,), [seed, step], 0, len(rows), dtype=tf.int32)
        some, before = tf.gather(rows, chosen), tf.gather(logs, chosen)  # (BATCH, 2, T), (BATCH, 2)
        with tf.GradientTape() as tape:
            now = tf.reshape(prefer.answer_logs(policy, tf.reshape(some, (2 * BATCH, rows.shape[2]))), (BATCH, 2))
            loss = prefer.dpo_loss(now[:, 0], now[:, 1], before[:, 0], before[:, 1], beta)
        policy.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return loss

    found, titles = [], titles or [title for title, _ in judge.clean]
    for step in range(steps + 1):
        if step in scored:
            row = {"way": "dpo", "beta": beta, "seed": seed, "step": step}
            found.append(row | judge.scores(policy, reference, titles, 100 * seed + 1))
            print(found[-1], flush=True)
        move(tf.constant(step))
    return found


def rate_of(judge, reference):
    """The rate with the higher reward on validation titles after 60 steps, beta 0.1, seed 6."""
    path = FOLDER / "rates.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    pairs, titles = None, [title for title, _ in judge.pairs[:VALIDATION]]
    for rate in RATES:
        if str(rate) not in kept:
            pairs = pairs or pairs_of(judge, reference, 6)
            kept[str(rate)] = optimise(judge, reference, pairs, 0.1, rate, 6, 60, (60,), titles)[-1]["reward"]
            path.write_text(json.dumps(kept) + "\n", encoding="utf-8")
    return max(RATES, key=lambda rate: kept[str(rate)])


def other_rows(judge, reference):
    """Real test poems; and the best of n of 16 drawn by the reference, by the reward: rows."""
    from aigc_course.lmdg import tang

    titles = [title for title, _ in judge.clean]
    real = {"way": "real", "beta": "", "seed": 0, "step": "", **judge.of_poems([text for _, text in judge.clean])}
    drawn = [
        judge.poems(tang.write_all(reference, judge.tokenizer, titles, seed=77_000 + 1000 * k)) for k in range(BEST)
    ]
    rows = [real]
    good = np.array([[judge.good(poem) for poem in poems] for poems in drawn])  # (BEST, titles)
    share = good.mean(axis=0)  # of each title
    for n in (1, 2, 4, 8, 16):
        best = [drawn[int(good[:n, i].argmax())][i] for i in range(len(titles))]  # the first good one, else the first
        wins = 1 - (1 - share) ** n
        inside = (share > 0) & (share < 1)
        p, q = wins[inside], share[inside]
        kl = np.where(p < 1, (1 - p) * np.log(np.maximum(1 - p, 1e-300) / (1 - q)), 0) + p * np.log(p / q)
        row = {"way": "best of n", "beta": "", "seed": 0, "step": n, **judge.of_poems(best)}
        rows.append(row | {"kl": kl.sum() / len(share)})
    return [{k: round(float(v), 4) if k in NAMES else v for k, v in row.items()} for row in rows]


def table():
    """All runs as one CSV."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("rows-*.json"))]
    rows = [row for rows in found for row in rows]
    rows.sort(key=lambda row: (row["way"], row["beta"] or 0, row["seed"], row["step"] or 0))
    write_csv("preferences", COLUMNS, rows)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--rates", action="store_true")
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS)
    asked = parser.parse_args()
    if asked.table:
        return table()
    from aigc_course import runtime

    runtime.start(7)
    FOLDER.mkdir(parents=True, exist_ok=True)
    judge = Judge()
    reference = reference_of(judge)
    rate = rate_of(judge, reference)
    print("rate", rate, flush=True)
    if asked.rates:
        return None
    if not (FOLDER / "rows-others.json").is_file():
        (FOLDER / "rows-others.json").write_text(json.dumps(other_rows(judge, reference)), encoding="utf-8")
    for seed in asked.seeds:
        pairs = None
        for beta in BETAS:
            path, began = FOLDER / f"rows-{beta}-{seed}.json", time.time()
            if not path.is_file():
                pairs = pairs or pairs_of(judge, reference, seed)
                path.write_text(json.dumps(optimise(judge, reference, pairs, beta, rate, seed)), encoding="utf-8")
                print(len(pairs[0]), "pairs", beta, seed, f"{time.time() - began:.0f} s", flush=True)
    return table()


if __name__ == "__main__":
    main()
