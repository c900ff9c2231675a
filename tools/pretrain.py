"""Pre-trains the decoders whose weights are shipped; Ctrl-C loses nothing, the same command goes on.

    python tools/pretrain.py text        Tang poems, for chapter 08: a quarter of an hour on two cores
    python tools/pretrain.py image       the codec of digits, for chapter 09: some minutes
    python tools/pretrain.py speech      the codec of spoken digits, for chapter 09: a minute

Weights go to runs/pretrain/NAME.npz, the log to benchmarks/pretrain_NAME.csv; `tools/make_assets.py tang_decoder
runs/pretrain/text.npz` (and image_codec, speech_codec) ships them.
"""

import csv
import sys
import time
from pathlib import Path

import numpy as np

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
    """1.3 million weights on 46,416 poems, one in a hundred held out."""
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


def image(steps=2500):
    """7 × 7 codes of 64 for digits; the judge reads what comes back of the test images."""
    from aigc_course import data, metrics
    from aigc_course.lmdg import codes

    (x_train, _), (x_test, y_test) = data.load_mnist()
    codec = codes.build_image_codec()
    losses = codes.train_codec(codec, data.scale(x_train), steps, name="image codec")
    found = codec.encode(data.scale(x_test))
    right = float((metrics.judge().labels(codec.decode(found)) == y_test).mean())
    finish("image", codec, losses, steps=steps, judge_reads=round(right, 4), codes_used=len(np.unique(found)))


def speech(steps=2500):
    """24 codes of 256 for a clip; the figure is the mean squared difference of frames of voices that were not heard."""
    from aigc_course import data
    from aigc_course.lmdg import codes

    train, test = (codes.frames_of(part.clips) for part in data.load_spoken_digits())
    codec = codes.build_speech_codec()
    losses = codes.train_codec(codec, train, steps, batch_size=64, name="speech codec")
    found = codec.encode(test)
    error = float(np.square(codec.decode(found) - test).mean())
    finish("speech", codec, losses, steps=steps, test_error=round(error, 5), codes_used=len(np.unique(found)))


def finish(name, codec, losses, **facts):
    """Keeps a codec, its log and its figures."""
    from aigc_course.lmdg import codes

    keep_log(name, [{"step": 100 * (i + 1), "loss": round(float(loss), 5)} for i, loss in enumerate(losses)])
    codes.save(codec, ROOT / "runs" / "pretrain" / f"{name}.npz", **facts)
    print(name, facts)


if __name__ == "__main__":
    jobs = {"text": text, "image": image, "speech": speech}
    if len(sys.argv) != 2 or sys.argv[1] not in jobs:
        sys.exit(__doc__)
    runtime.start(7)
    jobs[sys.argv[1]]()
