"""A watermark in chapter 08's poems (chapter 14): what it needs, what it survives, what it costs.

    python benchmarks/text_watermark.py --seed 7    one key and its poems: two minutes on two cores, the first one four,
                                                    since it trains the poet; its last line is one JSON line
    python benchmarks/text_watermark.py --table     writes runs/bench/text_watermark.csv

Kirchenbauer et al., 2023 (arXiv 2301.10226). The seed is the key; poems are asked for by the 400 test titles. A mark is
called found above the threshold that 1 % of pools without it exceed: the higher one of two such nulls, the poet's own
unmarked poems and human ones. Kept in runs/bench/text_watermark/.
"""

import argparse
import csv
import json
import sys
import time

import numpy as np
from common import RESULTS, keep, kept, progress

from aigc_course import data, files, runtime
from aigc_course.trust import textmark

FOLDER = RESULTS / "text_watermark"
DRAWS, POOLS, MANY = 2, 2000, 40
NOMINAL = 2.326  # of a normal, 1 % lie above
DELTAS = (1.0, 2.0, 4.0)


def poet():
    """(decoder, tokenizer), trained once."""
    from aigc_course.lmdg.core import characters, transformer

    place = FOLDER / "poet.npz"
    if not place.is_file():
        decoder, tokenizer = textmark.train_poet()
        transformer.save_decoder(decoder, place, characters=tokenizer.characters)
    decoder, facts = transformer.load_decoder(place)
    return decoder, characters.CharTokenizer(facts["characters"])


def cut(poems):
    """The first half of each poem."""
    return [poem[: len(poem) // 2] for poem in poems]


class Bench:
    """One key: poems without and with the mark, human ones, what the detector says of each."""

    def __init__(self, seed, decoder, tokenizer):
        from aigc_course.lmdg import tang

        _, _, test = tang.split_tang()
        self.seed, self.decoder, self.tokenizer = seed, decoder, tokenizer
        self.titles = [title for title, _ in test] * DRAWS
        self.human = [text for _, text in test]
        self.green = textmark.green_lists(len(tokenizer), seed)
        self.rng = np.random.default_rng(seed)
        self.plain = self.write(None, 0.0)
        self.plain_bits = textmark.bits_of(decoder, tokenizer, self.titles, self.plain)
        self.nulls = self.both(self.plain), self.both(self.human)

    def write(self, green, delta):
        return textmark.write_marked(self.decoder, self.tokenizer, self.titles, green, delta, seed=1000 * self.seed)

    def codes(self, poems):
        return [textmark.pair_codes([poem], self.tokenizer) for poem in poems]

    def both(self, poems):
        """{half or not: codes}: cut texts are compared with cut nulls."""
        return {False: self.codes(poems), True: self.codes(cut(poems))}

    def row(self, text, poems, delta, attack="", bits=True, half=False, green=None):
        """One line of the table; `green` None: the right key."""
        green, codes = self.green if green is None else green, self.codes(poems)
        nulls = [null[half] for null in self.nulls]
        marked = text == "marked"
        most = MANY if marked else 1
        k, found = textmark.needed(codes, nulls, green, self.rng, most, POOLS)
        whole = textmark.z_score(poems, self.tokenizer, green)
        result = {"seed": self.seed, "text": text, "delta": delta, "attack": attack}
        result |= {"green": whole.green / whole.pairs, "z_of_one": np.mean([textmark.z_of(c, green).z for c in codes])}
        result |= {"found_by_one": found[1][0], "threshold_of_one": found[1][1], "poems": k if marked else None}
        result["characters"] = None if not marked or k is None else k * (10 if half else 20)
        result |= {"bits": None, "bits_more": None, "bits_more_se": None}
        if bits:
            titles = self.titles if len(poems) == len(self.titles) else self.titles[: len(poems)]
            own = textmark.bits_of(self.decoder, self.tokenizer, titles, poems)
            more = own - self.plain_bits[: len(own)]
            result |= {
                "bits": own.mean(),
                "bits_more": more.mean(),
                "bits_more_se": more.std(ddof=1) / len(more) ** 0.5,
            }
        result["form"] = np.mean([data.is_quatrain(poem) for poem in poems])
        result |= self.alarms(poems, green)
        return {name: round(float(v), 4) if isinstance(v, (float, np.floating)) else v for name, v in result.items()}

    def alarms(self, poems, green):
        """What pools of many poems seem to be when p-values are believed: shares above the nominal 1 %."""
        pools = [[poems[i] for i in self.rng.choice(len(poems), MANY, replace=False)] for _ in range(200)]
        found = {}
        for name, distinct in (("nominal_distinct", True), ("nominal_repeats", False)):
            z = [textmark.z_score(pool, self.tokenizer, green, distinct=distinct).z for pool in pools]
            found[name] = np.mean(np.array(z) > NOMINAL)
        return found


def run(seed, again=False):
    """The rows of one key, kept or computed."""
    if (found := kept(f"text_watermark/{seed}")) and not again:
        return found
    FOLDER.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    bench = Bench(seed, *poet())
    wrong = textmark.green_lists(len(bench.tokenizer), seed + 1_000_000)
    rows = [bench.row("real", bench.human, 0.0), bench.row("unmarked", bench.plain, 0.0)]
    for delta in progress(DELTAS, f"key {seed}, delta"):
        poems = bench.write(bench.green, delta)
        rows.append(bench.row("marked", poems, delta))
        if delta != textmark.DELTA:
            continue
        rows.append(bench.row("wrong key", poems, delta, green=wrong, bits=False))
        for share in (0.1, 0.3):
            args = bench.decoder, bench.tokenizer, bench.titles, poems, share, bench.rng
            rows.append(bench.row("marked", textmark.substitute(*args), delta, f"{share:.0%} exchanged"))
        rows.append(bench.row("marked", cut(poems), delta, "first half", bits=False, half=True))
    result = {"seed": seed, "gamma": textmark.GAMMA, "temperature": textmark.TEMPERATURE, "poems": len(bench.plain)}
    result |= {"rows": rows, "seconds": round(time.perf_counter() - started, 1)}
    keep(f"text_watermark/{seed}", result)
    return kept(f"text_watermark/{seed}")


def table():
    """text_watermark.csv: a line a key and condition; text_watermark.json for RESULTS.md."""
    rows = [
        row
        for path in sorted(FOLDER.glob("*.json"), key=lambda path: int(path.stem))
        for row in json.loads(path.read_text(encoding="utf-8"))["rows"]
    ]
    if not rows:
        sys.exit("nothing kept yet: python benchmarks/text_watermark.py --seed 7")

    def write(part):
        with open(part, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    files.write_whole(RESULTS / "text_watermark.csv", write)
    keep("text_watermark", {"rows": rows})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=7, help="the key, and what decides the poems")
    parser.add_argument("--again", action="store_true", help="compute what is kept once more")
    parser.add_argument("--table", action="store_true", help="write the table from what is kept")
    asked = parser.parse_args()
    if asked.table:
        return table()
    if not 0 <= asked.seed < 1_000_000:
        parser.error("--seed must be 0 to 999999")
    runtime.configure()
    runtime.start(asked.seed, report=False)
    print(json.dumps(run(asked.seed, asked.again)), flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nstopped; what is kept stays. The same command goes on from there.", file=sys.stderr)
        sys.exit(130)
