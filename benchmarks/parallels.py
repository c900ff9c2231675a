"""Chapter 10, music: parallels forbidden, then taught by DPO; who writes how many, at what price.

    python tools/pretrain.py music                      the decoder: half an hour on one core
    python benchmarks/parallels.py teach                ten minutes: knobs are chosen on validation's tunes; then
                                                        tools/make_assets.py music_taught runs/pretrain/music_taught.npz
    python benchmarks/parallels.py judge                ten minutes: the test's tunes, three seeds
    python benchmarks/parallels.py table                assets of the chapter: voice_leading.csv, taught.csv

No number of `judge` has been used for a choice. Intervals: 95 %, 2,000 bootstrap draws over pieces (each piece is the
mean of its seeds).
"""

import json
import sys
import time

import numpy as np
from common import RESULTS, ROOT, keep, write_csv

from aigc_course import files, runtime

BETAS = (0.1, 0.5)  # of DPO; 0.1 is the paper's, the other was tried beside it
ROUNDS, TUNES, STEPS, BATCH = 4, 128, 60, 8
RANK, RATE, CANDIDATES = 4, 2e-3, 8
WRITING = {"temperature": 0.9, "top_p": 0.95}
SEEDS = (1, 2, 3)
PRETRAINED = ROOT / "runs" / "pretrain"


# --- pairs from the model's own music ---


def known_parts(pieces, rng, count):
    """(known (2 count, 64, 4)): tunes to harmonise and openings to go on with, each in a key that its voices allow."""
    from aigc_course.lmdg import bach

    fours = [p for p in pieces if p.bar == 8 and len(p.notes) >= bach.STEPS]
    low, high = bach.ranges(pieces).T
    found = []
    for i in range(2 * count):
        notes = fours[rng.integers(len(fours))].notes
        start = 8 * rng.integers((len(notes) - bach.STEPS) // 8 + 1)
        notes = bach.excerpt(notes, start, start + bach.STEPS)
        tones = np.where(notes > 1, notes, np.nan)
        least = np.nanmax(low - np.nanmin(tones, axis=0)), np.nanmin(high - np.nanmax(tones, axis=0))
        notes = bach.transpose(
            notes, int(rng.integers(max(least[0], -6), min(least[1], 5) + 1)) if least[0] <= least[1] else 0
        )
        found.append(bach.melody_only(notes) if i % 2 else bach.continued(notes, 16))
    return np.stack(found)


def all_logits(decoder, rows):
    """(N, T - 1, V): logits of the token at each place from the second on."""
    from aigc_course.lmdg.core import transformer

    graph = transformer.graph_of(decoder, plain_logits)
    return np.concatenate([graph(rows[i : i + 32, :-1]).numpy() for i in range(0, len(rows), 32)])


def plain_logits(decoder, tokens):
    return decoder(tokens, training=False)


def pairs_of(reference, rows, free, seed):
    """Pairs (M, 4), row, place, better, worse: two tokens drawn for one place of which one makes a parallel.

    The first is the token that stands there, the others are up to CANDIDATES - 1 more draws. (Rows are the model's
    own.)
    """
    import tensorflow as tf

    from aigc_course.lmdg.bach import leading
    from aigc_course.lmdg.core import generation

    logits, bad = all_logits(reference, rows), leading.bad_places(rows)[:, 1:]
    places = np.argwhere(bad.any(axis=-1) & free[:, 1:])  # (P, 2): row, place - 1
    here = tf.constant(logits[places[:, 0], places[:, 1]])
    drawn = tf.random.stateless_categorical(generation.filtered(here, **WRITING), CANDIDATES - 1, [seed, 7]).numpy()
    found = []
    for (row, place), others in zip(places, drawn, strict=True):
        written, forms = rows[row, place + 1], bad[row, place]
        other = others[forms[others] != forms[written]]
        if len(other):
            better, worse = (other[0], written) if forms[written] else (written, other[0])
            found.append((row, place + 1, better, worse))
    return np.array(found, np.int32)


# --- teaching ---


def stepper(policy, optimizer, beta):
    """A graph (tokens (B, T), pairs (M, 4), reference margins (M,)) -> loss, share of pairs whose margin has grown."""
    import tensorflow as tf

    from aigc_course.lmdg.bach import taught

    @tf.function(reduce_retracing=True)
    def step(tokens, pairs, before):
        with tf.GradientTape() as tape:
            margin = taught.margins(policy(tokens, training=True), pairs)
            loss = tf.reduce_mean(taught.dpo_loss(margin, before, beta))
        variables = policy.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss, tf.reduce_mean(tf.cast(margin > before, tf.float32))

    return step


def fit(step, rows, pairs, before, rng):
    """STEPS steps, each on the pairs of BATCH rows; means of the last 20: loss, share of pairs with a grown margin."""
    import tensorflow as tf

    seen = []
    for _ in range(STEPS):
        chosen = rng.choice(len(rows), BATCH, replace=False)
        mine = [np.flatnonzero(pairs[:, 0] == row) for row in chosen]
        local = pairs[np.concatenate(mine)]
        local[:, 0] = np.repeat(np.arange(BATCH), [len(part) for part in mine])
        given = rows[chosen, :-1], local, before[np.concatenate(mine)]
        seen.append([float(v) for v in step(*map(tf.constant, given))])
    return np.mean(seen[-20:], axis=0).tolist()


def teach_one(beta, base, learnt, validation, held):
    """Rows of the curve of one beta; the change after each round goes to runs/pretrain/music_taught/."""
    import keras

    from aigc_course.lmdg import bach
    from aigc_course.lmdg.bach import taught
    from aigc_course.lmdg.core import transformer

    keras.utils.set_random_seed(7)
    rng = np.random.default_rng(7)
    policy, writer = base.with_lora(RANK), base.copy()
    optimizer = keras.optimizers.Adam(RATE, beta_2=0.99, clipnorm=1.0)
    optimizer.build(policy.trainable_variables)
    step = stepper(policy, optimizer, beta)
    curve = [{"beta": beta, "round": 0, "pairs": 0, **measure(writer, validation, held)}]
    print(curve[-1], flush=True)
    for number in range(1, ROUNDS + 1):
        started = time.perf_counter()
        known = known_parts(learnt, rng, TUNES // 2)
        written = bach.complete(writer, known, seed=1000 + number, **WRITING)
        rows = np.stack([bach.encode_chorale(notes)[:-1] for notes in written])
        free = np.stack([bach.encode_chorale(np.where(k == bach.FREE, 60, 1))[:-1] > bach.FIRST + 1 for k in known])
        pairs = pairs_of(writer, rows, free, number)
        before = taught.margins(all_logits(base, rows), pairs).numpy()
        loss, won = fit(step, rows, pairs, before, rng)
        transformer.put_weights(writer, transformer.take_weights(policy))
        row = {"beta": beta, "round": number, "pairs": len(pairs), "loss": round(loss, 4), "won": round(won, 4)}
        row |= {**measure(writer, validation, held), "seconds": round(time.perf_counter() - started, 1)}
        curve.append(row)
        print(row, flush=True)
        place = PRETRAINED / "music_taught" / f"beta_{beta}_round_{number}.npz"
        files.save_network(place, {"rank": RANK, "facts": {"curve": curve}}, taught.change_of(policy))
    return curve


def measure(decoder, validation, held, seeds=(1,)):
    """What is looked at while knobs are chosen: validation's tunes and openings, and bits of Bach's own rows there."""
    from aigc_course.lmdg.core import transformer

    found = [r for seed in seeds for task in TASKS for r in judged(decoder, validation, task, seed)]
    means = {key: round(float(np.mean([r[key] for r in found])), 4) for key in MEASURED}
    return {**means, "held_bits": round(transformer.bits_per_token(decoder, held), 4)}


# --- judging ---

TASKS = ("harmonised", "continued")
MEASURED = ("parallels", "in_key", "in_signature", "in_range", "tones", "silence", "crossings")


def report(notes, piece):
    """Measures of one written chorale; key and mode for `in_signature` are those of Bach's whole piece."""
    from aigc_course.lmdg import bach

    limits = LIMITS
    tones = notes > 1
    return {
        "parallels": bach.parallels(notes),
        "in_key": bach.in_key(notes),
        "in_signature": bach.in_key(notes, bach.signature_key(piece)),
        "in_range": bach.in_range(notes, limits),
        "tones": 100 * float(tones.sum()) / len(notes),  # begun in 100 steps, all voices
        "silence": float(bach.silent(notes).mean()),
        "crossings": bach.crossings(notes),
    }


LIMITS = None


def judged(decoder, pieces, task, seed, forbid=None):
    """A report of each piece's first eight bars, written by `decoder`; `decoder` None: Bach's own."""
    from aigc_course.lmdg import bach

    real = [p.notes[: bach.STEPS] for p in pieces]
    known = [bach.melody_only(notes) if task == "harmonised" else bach.continued(notes, 16) for notes in real]
    written = real if decoder is None else bach.complete(decoder, known, seed=seed, forbid=forbid, **WRITING)
    skip = 16 if task == "continued" else 0
    return [report(np.asarray(notes)[skip:], piece) for notes, piece in zip(written, pieces, strict=True)]


def interval(values, rng):
    """(mean, low, high) of (P, S): pieces, seeds."""
    each = np.asarray(values).mean(axis=1)
    draws = each[rng.integers(0, len(each), (2000, len(each)))].mean(axis=1)
    return float(each.mean()), *(float(v) for v in np.quantile(draws, (0.025, 0.975)))


def fours(pieces):
    """Those of which eight bars of 4/4 are judged."""
    return [p for p in pieces if p.bar == 8 and len(p.notes) >= 64]


def prepare():
    """(base, learnt, validation, test) and rows of validation for bits."""
    global LIMITS
    from aigc_course.lmdg import bach
    from aigc_course.lmdg.core import transformer

    base, _ = transformer.load_decoder(PRETRAINED / "music.npz")
    learnt, validation, test = bach.three_parts()
    LIMITS = bach.ranges(learnt)
    return base, learnt, validation, test


def teach():
    """Every beta; the choice is printed and kept."""
    from aigc_course.lmdg import bach

    base, learnt, validation, _ = prepare()
    held = bach.training_rows(validation, shifts=(0,), stride=4)
    curves = {}
    for beta in BETAS:
        curves[beta] = teach_one(beta, base, learnt, fours(validation), held)
        keep("taught", {"rows": [row for rows in curves.values() for row in rows]})
    rows = [row for curve in curves.values() for row in curve[1:]]
    start = curves[BETAS[0]][0]
    good = [r for r in rows if r["in_key"] > start["in_key"] - 0.005 and r["held_bits"] < start["held_bits"] + 0.05]
    best = min(good or rows, key=lambda r: r["parallels"])
    source = PRETRAINED / "music_taught" / f"beta_{best['beta']}_round_{best['round']}.npz"
    (PRETRAINED / "music_taught.npz").write_bytes(source.read_bytes())
    print("chosen", best, flush=True)


def judge():
    """Base, base with parallels forbidden, best of eight, taught: the test's chorales."""
    from aigc_course.lmdg.bach import leading, taught

    base, _, _, test = prepare()
    pieces, rng = fours(test), np.random.default_rng(0)
    after, _ = taught.load_taught_decoder(PRETRAINED / "music_taught.npz")
    writers = {
        "Bach": (None, None, (0,)),
        "as trained": (base, None, SEEDS),
        "forbidden": (base, leading.parallel_tokens, SEEDS),
        "taught": (after, None, SEEDS),
    }
    rows = []
    for name, (decoder, forbid, seeds) in writers.items():
        for task in TASKS:
            found = [judged(decoder, pieces, task, seed, forbid) for seed in seeds]  # (S, P)
            rows += table_rows(name, task, found, rng)
            keep("voice_leading", {"rows": rows})
            print(
                name, task, {r["measure"]: (r["mean"], r["low"], r["high"]) for r in rows[-len(MEASURED) :]}, flush=True
            )
    tries = np.array(
        [
            [(r["parallels"], r["in_key"], r["in_signature"]) for r in judged(base, pieces, "harmonised", 100 + i)]
            for i in range(8)
        ]
    )
    best = tries[tries[:, :, 0].argmin(axis=0), np.arange(len(pieces))]  # (P, 3)
    found = [[dict(zip(("parallels", "in_key", "in_signature"), row, strict=True)) for row in best]]
    rows += table_rows("best of eight", "harmonised", found, rng)
    keep("voice_leading", {"rows": rows})
    print(rows[-3:])


def table_rows(name, task, found, rng):
    """A dict a measure: mean and interval over pieces; found: (S, P) reports."""
    rows = []
    for key in found[0][0]:
        mean, low, high = interval(np.array([[r[key] for r in part] for part in found]).T, rng)
        rows.append(
            {
                "writer": name,
                "task": task,
                "measure": key,
                "mean": round(mean, 4),
                "low": round(low, 4),
                "high": round(high, 4),
            }
        )
    return rows


def table():
    """The two tables as CSV in runs/bench/."""
    for name in ("voice_leading", "taught"):
        rows = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["rows"]
        write_csv(name, list(max(rows, key=len)), rows)


if __name__ == "__main__":
    jobs = {"teach": teach, "judge": judge, "table": table}
    if len(sys.argv) != 2 or sys.argv[1] not in jobs:
        sys.exit(__doc__)
    runtime.start(7)
    jobs[sys.argv[1]]()
