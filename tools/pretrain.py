"""Pre-trains the decoders whose weights are shipped; Ctrl-C loses nothing, the same command goes on.

    python tools/pretrain.py text        Tang poems, for chapter 08: a quarter of an hour on two cores
    python tools/pretrain.py image       the codec of digits, for chapter 09: some minutes
    python tools/pretrain.py speech      the codec of spoken digits, for chapter 09: a minute
    python tools/pretrain.py multimodal  one decoder for text, images and speech, for chapter 09: 25 minutes
    python tools/pretrain.py judge       the listener of chapter 09: half a minute
    python tools/pretrain.py music       Bach's chorales, for chapter 10: half an hour on one core
    python tools/pretrain.py music_ahead, music_plain    two orders of tokens: for comparison, not shipped
    python tools/pretrain.py frames      the codec of film frames, for chapter 10: some minutes
    python tools/pretrain.py video       films of moving digits, for chapter 10: a quarter of an hour on one core

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
    """1.4 million weights on 46,416 poems, one in a hundred held out."""
    from aigc_course.lmdg import tang
    from aigc_course.lmdg.core import training, transformer

    poems, _, _ = tang.split_tang()
    tokenizer = tang.tang_tokenizer(poems)
    learnt, held = [p for i, p in enumerate(poems) if i % 100], [p for i, p in enumerate(poems) if i % 100 == 0]
    decoder = transformer.Decoder(len(tokenizer), context=length, width=128, depth=4, heads=4)
    transformer.compile_decoder(decoder, 2e-3, steps)
    tokens = tang.stream(tokenizer, learnt)
    started = time.time()
    rows = training.train_decoder(
        decoder,
        lambda step: tang.windows(tokens, length, batch_size, seed=7, start=step),
        steps,
        "pre-training",
        every=250,
        held=tokenizer.rows(held, length),
        folder=ROOT / "runs" / "pretrain" / "text",
    )
    keep_log("text", rows)
    facts = {
        "characters": "".join(tokenizer.characters),
        "steps": rows[-1]["step"],
        "seconds": rows[-1]["seconds"],
        "held_bits": rows[-1]["held_bits"],
        "batch_size": batch_size,
        "seed": 7,
        "curve": rows,
    }
    transformer.save_decoder(decoder, ROOT / "runs" / "pretrain" / "text.npz", **facts)
    print(rows[-1], f"{time.time() - started:.0f} s in this call")


def image(steps=2500):
    """7 × 7 codes of 64 for digits; the judge reads what comes back of the test images."""
    from aigc_course import data, metrics
    from aigc_course.lmdg import codecs

    (x_train, _), (x_test, y_test) = data.load_mnist()
    codec = codecs.build_image_codec()
    losses = codecs.train_codec(codec, data.scale(x_train), steps, name="image codec")
    found = codec.encode(data.scale(x_test))
    right = float((metrics.judge().labels(codec.decode(found)) == y_test).mean())
    finish("image", codec, losses, steps=steps, judge_reads=round(right, 4), codes_used=len(np.unique(found)))


def speech(steps=2500):
    """24 codes of 256 for a clip; the figure is the mean squared difference of frames of voices that were not heard."""
    from aigc_course import data
    from aigc_course.lmdg import codecs

    train, test = (codecs.frames_of(part.clips) for part in data.load_spoken_digits())
    codec = codecs.build_speech_codec()
    losses = codecs.train_codec(codec, train, steps, batch_size=64, name="speech codec")
    found = codec.encode(test)
    error = float(np.square(codec.decode(found) - test).mean())
    finish("speech", codec, losses, steps=steps, test_error=round(error, 5), codes_used=len(np.unique(found)))


def judge(epochs=40):
    """The listener; accuracy on voices that were not heard, as they are and behind the codec and Griffin-Lim."""
    from aigc_course import data, progress
    from aigc_course.lmdg import codecs
    from aigc_course.lmdg.codecs import sound
    from aigc_course.lmdg.words import listener as words_listener

    show = progress.watch("speech judge")
    model = words_listener.train_speech_judge(epochs, each_epoch=show)
    place = ROOT / "runs" / "pretrain" / "judge.npz"
    words_listener.save_speech_judge(model, place)
    test, listener = data.load_spoken_digits()[1], words_listener.SpeechJudge(place)
    codec, _ = codecs.load_shipped_codec("speech")
    through = codec.decode(codec.encode(codecs.frames_of(test.clips)))
    heard = {"real": test.clips, "codec": [sound.griffin_lim(frames) for frames in through]}
    facts = {}
    for name, clips in heard.items():
        digits, languages = listener.hear(clips)
        facts |= {
            f"{name}_digits": round(float((digits == test.labels).mean()), 4),
            f"{name}_languages": round(float((languages == test.languages).mean()), 4),
        }
    words_listener.save_speech_judge(model, place, epochs=epochs, seed=7, **facts)
    print(facts)


def multimodal(steps=6000, batch_size=64):
    """0.9 million weights on unlabelled digits, clips and lines; a hundredth of the digits held out."""
    from aigc_course.lmdg.core import training, transformer
    from aigc_course.lmdg.words import corpus
    from aigc_course.lmdg.words.rows import LENGTH

    vocabulary, rows = corpus.unlabelled()
    decoder = transformer.Decoder(vocabulary.size, context=LENGTH, width=128, depth=4, heads=4)
    transformer.compile_decoder(decoder, 2e-3, steps)
    found = training.train_decoder(
        decoder,
        lambda step: training.mixed(rows, corpus.SHARES, batch_size, seed=7, start=step),
        steps,
        "pre-training",
        every=250,
        held=corpus.held(vocabulary),
        folder=ROOT / "runs" / "pretrain" / "multimodal",
    )
    keep_log("multimodal", found)
    last = {name: found[-1][name] for name in ("step", "seconds", "held_bits")}
    facts = {"characters": "".join(vocabulary.characters.characters), **last, "seed": 7, "curve": found}
    transformer.save_decoder(decoder, ROOT / "runs" / "pretrain" / "multimodal.npz", **facts)
    print(found[-1])


def music(steps=4000, batch_size=16):
    """0.9 million weights on 334 chorales in every key that the voices allow; the curve: bits of 47 of other tunes.

    Nothing is chosen by those bits: the last step is kept, the settings stood before. Products in bfloat16, weights and
    loss in float32. Saved as a plain decoder, see `bach.shared`.
    """
    import keras

    from aigc_course.lmdg import bach
    from aigc_course.lmdg.bach import shared
    from aigc_course.lmdg.core import training, transformer

    keras.config.set_dtype_policy("mixed_bfloat16")
    learnt, _, test = bach.three_parts()
    rows, held = bach.training_rows(learnt), bach.training_rows(test, shifts=(0,), stride=4)
    decoder = transformer.compile_decoder(shared.build_composer(), 2e-3, steps)
    curve = training.train_decoder(
        decoder,
        lambda step: training.row_batches(rows, batch_size, seed=7, start=step),
        steps,
        "music",
        every=200,
        held=held,
        folder=ROOT / "runs" / "pretrain" / "music",
    )
    keep_log("music", curve)
    keras.config.set_dtype_policy("float32")
    finished = shared.plain(decoder)
    harmony = transformer.bits_per_token(finished, bach.harmony_only(held))
    facts = {
        "steps": curve[-1]["step"],
        "seconds": curve[-1]["seconds"],
        "held_bits": round(transformer.bits_per_token(finished, held), 4),
        "harmony_bits": round(harmony, 4),
        "ahead": bach.AHEAD,
        "batch_size": batch_size,
        "seed": 7,
    }
    transformer.save_decoder(finished, ROOT / "runs" / "pretrain" / "music.npz", **facts, curve=curve)
    print("music", facts)


def order(ahead, name, steps=3000, batch_size=16):
    """For `benchmarks/melody_ahead.py`: tables that share nothing, one token for every held tone, 352 chorales."""
    from aigc_course import data
    from aigc_course.lmdg import bach
    from aigc_course.lmdg.core import training, transformer

    train, test = data.load_chorales()
    rows = bach.training_rows(train, ahead, held=False)
    held = bach.training_rows(test, ahead, shifts=(0,), stride=4, held=False)
    decoder = transformer.Decoder(bach.VOCABULARY, rows.shape[1], width=128, depth=4, heads=4, dropout_rate=0.1)
    transformer.compile_decoder(decoder, 2e-3, steps)
    curve = training.train_decoder(
        decoder,
        lambda step: training.row_batches(rows, batch_size, seed=7, start=step),
        steps,
        name,
        every=150,
        held=held,
        folder=ROOT / "runs" / "pretrain" / name,
    )
    keep_log(name, curve)
    last = {key: curve[-1][key] for key in ("seconds", "held_bits")}
    transformer.save_decoder(decoder, ROOT / "runs" / "pretrain" / f"{name}.npz", steps=steps, seed=7, **last)


def music_ahead():
    """The melody written eight steps ahead: one of the two that `benchmarks/melody_ahead.py` compares."""
    order(8, "music_ahead")


def music_plain():
    """The melody of a step beside its harmony: the other."""
    order(0, "music_plain")


def frames(steps=2500, count=6000):
    """36 codes of 64 for a frame of a film; the judge reads the test digits behind the codec."""
    from aigc_course import data, metrics
    from aigc_course.lmdg import codecs, films

    (x_train, _), (x_test, y_test) = data.load_mnist()
    moving, _, _ = films.moving_digits(x_train, count, np.random.default_rng(7))
    codec = codecs.build_frame_codec()
    x = data.scale(moving.reshape(-1, films.SIZE, films.SIZE))
    losses = codecs.train_codec(codec, x, steps, learning_rate=3e-3, name="frame codec")
    test, chosen, _ = films.moving_digits(x_test, 500, np.random.default_rng(8))
    back = films.decode_films(codec, films.encode_films(codec, test))
    read = metrics.judge().labels(data.scale(films.digits_of(back).reshape(-1, 28, 28))).reshape(500, -1)
    facts = {
        "judge_reads": round(float((read == y_test[chosen][:, None]).mean()), 4),
        "identity": round(films.identity(back), 4),
        "commonest_code": round(
            float(
                np.bincount(films.encode_films(codec, test)[:, 1:].ravel()).max() / (500 * films.FRAMES * films.TOKENS)
            ),
            4,
        ),
    }
    finish("frames", codec, losses, steps=steps, **facts)


def video(steps=2200, batch_size=12, count=30_000):
    """0.9 million weights on films of training digits; the curve's held-out bits are of films of test digits."""
    from aigc_course import data
    from aigc_course.lmdg import codecs, films
    from aigc_course.lmdg.core import training, transformer

    codec, _ = codecs.load_codec(ROOT / "runs" / "pretrain" / "frames.npz", codecs.build_frame_codec)
    (x_train, _), (x_test, _) = data.load_mnist()
    parts = [films.moving_digits(x_train, count // 10, np.random.default_rng(seed))[0] for seed in range(10)]
    rows = np.concatenate([films.encode_films(codec, part) for part in parts])
    held = films.encode_films(codec, films.moving_digits(x_test, 300, np.random.default_rng(100))[0])
    decoder = transformer.Decoder(films.VOCABULARY, films.CONTEXT, width=128, depth=4, heads=4)
    transformer.compile_decoder(decoder, 2e-3, steps)
    curve = training.train_decoder(
        decoder,
        lambda step: training.row_batches(rows, batch_size, seed=7, start=step),
        steps,
        "films",
        every=150,
        held=held,
        folder=ROOT / "runs" / "pretrain" / "video",
    )
    keep_log("video", curve)
    facts = {
        "steps": curve[-1]["step"],
        "seconds": curve[-1]["seconds"],
        "held_bits": curve[-1]["held_bits"],
        "films": count,
        "batch_size": batch_size,
        "seed": 7,
    }
    transformer.save_decoder(decoder, ROOT / "runs" / "pretrain" / "video.npz", **facts, curve=curve)
    print("video", facts)


def finish(name, codec, losses, **facts):
    """Keeps a codec, its log and its figures."""
    from aigc_course.lmdg import codecs

    keep_log(name, [{"step": 100 * (i + 1), "loss": round(float(loss), 5)} for i, loss in enumerate(losses)])
    codecs.save_codec(codec, ROOT / "runs" / "pretrain" / f"{name}.npz", **facts)
    print(name, facts)


if __name__ == "__main__":
    jobs = {
        "text": text,
        "image": image,
        "speech": speech,
        "multimodal": multimodal,
        "judge": judge,
        "music": music,
        "music_ahead": music_ahead,
        "music_plain": music_plain,
        "frames": frames,
        "video": video,
    }
    if len(sys.argv) != 2 or sys.argv[1] not in jobs:
        sys.exit(__doc__)
    runtime.start(7)
    jobs[sys.argv[1]]()
