"""A mark in digits that nobody sees (chapter 14): who finds it, after what, and what the course's own codec leaves.

    python benchmarks/picture_watermark.py --seed 7    the key is the seed; keeps runs/bench/picture_watermark/7.json,
                                                       prints it in short as one JSON line; half a minute on two cores
    python benchmarks/picture_watermark.py --table     writes runs/bench/picture_watermark.csv

Marked are test digits and the shipped generator's. The threshold, 1 % false positives, is counted on unmarked pictures
that nothing is reported on. Band and strength were chosen on training digits.
"""

import argparse
import json
import sys
import time

import numpy as np
from common import keep, kept, progress, table

from aigc_course import runtime

NAME = "picture_watermark"
HALF = 5_000  # pictures that set the threshold, and as many that are marked
POOLS = (1, 4, 16)  # pictures of one source that are read together
STRENGTHS = (10.0, 20.0, 30.0)
COLUMNS = ("seed", "source", "strength", "attack", "pool", "psnr", "tpr", "fpr", "judge", "changed")


def pictures(generated):
    """(uint8 (10000, 28, 28), labels or None): the test digits, or as many of the shipped generator."""
    from aigc_course import data, gan

    if not generated:
        return data.load_mnist()[1]
    z = np.random.default_rng(14).standard_normal((2 * HALF, 100), dtype=np.float32)
    return data.unscale(gan.generate_images(gan.load_generator(), z)), None


def read(images):
    """The digits that the judge reads."""
    from aigc_course import data, metrics

    return metrics.judge().labels(data.scale(images))


def rows_of(seed, source, images, labels, codec):
    """A row for each strength, attack and pool; labels None: the judge's own reading of the unmarked ones."""
    from aigc_course.trust import picturemark

    rng, other = np.random.default_rng((seed, 14)), seed + 1000  # another key, with a threshold of its own
    order = rng.permutation(len(images))
    null, own = images[order[:HALF]], images[order[HALF:]]
    wanted = read(own) if labels is None else labels[order[HALF:]]
    limits = limits_of(null, seed)
    rows = []

    def add(strength, attack, values, limits=limits, **known):
        for k in POOLS:
            packets = picturemark.pooled(values, k, np.random.default_rng((seed, k)))
            found = picturemark.share_above(packets, limits[k])
            rows.append({"seed": seed, "source": source, "strength": strength, "attack": attack, "pool": k, **known})
            rows[-1]["fpr" if strength == 0 else "tpr"] = round(found, 4)

    for attack, change in picturemark.attacks(np.random.default_rng((seed, 1)), codec).items():
        if attack in (
            "none",
            "JPEG 75",
            "codec",
        ):  # the unmarked ones, treated alike: what the detector says for nothing
            after = change(own)
            right = round(float((read(after) == wanted).mean()), 4)
            add(0.0, attack, picturemark.scores(after, seed), judge=right, changed=_mean_change(own, after))
    for strength in STRENGTHS:
        marked = picturemark.mark(own, seed, strength)
        known = {"psnr": round(picturemark.psnr(own, marked), 2)}
        add(strength, "blind: wrong key", picturemark.scores(marked, other), limits_of(null, other), **known)
        for attack, change in picturemark.attacks(np.random.default_rng((seed, 1)), codec).items():
            after = change(marked)
            right = round(float((read(after) == wanted).mean()), 4)
            values = picturemark.scores(after, seed)
            add(strength, attack, values, judge=right, changed=_mean_change(marked, after), **known)
    return rows


def limits_of(null, key):
    """k -> threshold of packets of k: from 20,000 packets of unmarked pictures, drawn with repetition."""
    from aigc_course.trust import picturemark

    values, found = picturemark.scores(null, key), {}
    for k in POOLS:
        packets = np.random.default_rng((key, k, 2)).choice(values, (20_000, k)).sum(axis=1) / np.sqrt(k)
        found[k] = picturemark.threshold(values if k == 1 else packets)
    return found


def _mean_change(before, after):
    """Mean absolute difference of two sets of pictures, in grey levels."""
    return round(float(np.abs(before.astype(np.float32) - after).mean()), 2)


def measure(seed):
    from aigc_course import data
    from aigc_course.lmdg.codecs import image, quantizer

    started = time.perf_counter()
    codec, _ = quantizer.load_codec(data.asset("image_codec.npz"), image.build_image_codec)
    rows = []
    for source in progress(("real", "gan"), f"key {seed}"):
        rows += rows_of(seed, source, *pictures(source == "gan"), codec)
    keep(f"{NAME}/{seed}", {"seed": seed, "seconds": round(time.perf_counter() - started, 1), "rows": rows})


def line(result):
    """The result in short, for the shell: test digits, the package's strength, single pictures."""
    own = {
        row["attack"]: row
        for row in result["rows"]
        if (row["source"], row["strength"], row["pool"]) == ("real", 20.0, 1)
    }
    none = next(row for row in result["rows"] if (row["source"], row["strength"], row["pool"]) == ("real", 0.0, 1))
    return {
        "seed": result["seed"],
        "psnr": own["none"]["psnr"],
        "tpr": own["none"]["tpr"],
        "fpr": none["fpr"],
        "tpr_wrong_key": own["blind: wrong key"]["tpr"],
        "tpr_jpeg_75": own["JPEG 75"]["tpr"],
        "tpr_codec": own["codec"]["tpr"],
        "judge_before": own["none"]["judge"],
        "judge_after": own["codec"]["judge"],
        "seconds": result["seconds"],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=7, help="the key, and the order of the pictures")
    parser.add_argument("--again", action="store_true", help="measure anew what was kept")
    parser.add_argument("--table", action="store_true")
    asked = parser.parse_args()
    if asked.seed < 0:
        parser.exit(2, "--seed must be 0 or more\n")
    if asked.table:
        return table(NAME, COLUMNS, line)
    runtime.configure()
    if asked.again or kept(f"{NAME}/{asked.seed}") is None:
        runtime.start(asked.seed, report=False)
        measure(asked.seed)
    print(json.dumps(line(kept(f"{NAME}/{asked.seed}"))))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nstopped; the same command begins this seed again.", file=sys.stderr)
        sys.exit(130)
