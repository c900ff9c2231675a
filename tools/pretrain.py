"""Pre-trains the decoders whose weights are shipped; Ctrl-C loses nothing, the same command goes on.

    python tools/pretrain.py text        Tang poems, for chapter 08

Weights go to runs/pretrain/NAME.npz, the log to benchmarks/pretrain_NAME.csv; `tools/make_assets.py tang_decoder
runs/pretrain/text.npz` ships them.
"""

import csv
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from aigc_course import runtime  # noqa: E402


def keep_log(name, rows):
    """The curve as CSV."""
    with open(ROOT / "benchmarks" / f"pretrain_{name}.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def text(steps=5000, batch_size=64, length=64):
    """1.3 million weights on 46,415 poems, one in a hundred held out."""
    from aigc_course.lmdg import text as tang
    from aigc_course.lmdg import training, transformer

    poems, _, _ = tang.split_tang()
    tokenizer = tang.tang_tokenizer(poems)
    learnt, held = [p for i, p in enumerate(poems) if i % 100], [p for i, p in enumerate(poems) if i % 100 == 0]
    decoder = transformer.Decoder(len(tokenizer), context=length, width=128, depth=4, heads=4)
    transformer.compile_decoder(decoder, 2e-3, steps)
    tokens = tang.stream(tokenizer, learnt)
    started = time.time()
    rows = training.train(
        decoder, lambda step: tang.windows(tokens, length, batch_size, seed=7, start=step), steps, "pre-training",
        every=250, held=tokenizer.rows(held, length), folder=ROOT / "runs" / "pretrain" / "text",
    )  # fmt: skip
    keep_log("text", rows)
    facts = {"characters": "".join(tokenizer.characters), "steps": rows[-1]["step"], "seconds": rows[-1]["seconds"],
             "held_bits": rows[-1]["held_bits"], "batch_size": batch_size, "seed": 7, "curve": rows}  # fmt: skip
    transformer.save(decoder, ROOT / "runs" / "pretrain" / "text.npz", **facts)
    print(rows[-1], f"{time.time() - started:.0f} s in this call")


if __name__ == "__main__":
    jobs = {"text": text}
    if len(sys.argv) != 2 or sys.argv[1] not in jobs:
        sys.exit(__doc__)
    runtime.start(7)
    jobs[sys.argv[1]]()
