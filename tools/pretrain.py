"""Pre-trains the decoders whose weights are shipped; Ctrl-C loses nothing, the same command goes on.

    python tools/pretrain.py text        Tang poems, for chapter 08: a quarter of an hour on two cores
    python tools/pretrain.py image       the codec of digits, for chapter 09: some minutes
    python tools/pretrain.py speech      the codec of spoken digits, for chapter 09: a minute
    python tools/pretrain.py multimodal  one decoder for text, images and speech, for chapter 09: 25 minutes
    python tools/pretrain.py judge       the listener of chapter 09: half a minute
    python tools/pretrain.py music       Bach's chorales, for chapter 10: a quarter of an hour on one core
    python tools/pretrain.py music_plain the same with the melody not written ahead: for comparison, not shipped
    python tools/pretrain.py frames      the codec of film frames, for chapter 10: seconds
    python tools/pretrain.py video       the next frame of films, for chapter 10: half an hour on one core with AMX
    python tools/pretrain.py films       the same with three seeds, with and without its own frames: for comparison

Weights go to runs/pretrain/NAME.npz, the log to benchmarks/pretrain_NAME.csv; `tools/make_assets.py tang_decoder
runs/pretrain/text.npz` (and image_codec, speech_codec) ships them.
"""

import csv
import shutil
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


def music(steps=3000, batch_size=16, ahead=8, name="music"):
    """0.8 million weights on 352 chorales in every key that the voices allow; the held-out bits are of 47 others.

    Nothing is chosen by those bits: the last step is kept, the settings stood before.
    """
    from aigc_course import data
    from aigc_course.lmdg import bach
    from aigc_course.lmdg.core import training, transformer

    train, test = data.load_chorales()
    rows, held = bach.training_rows(train, ahead), bach.training_rows(test, ahead, shifts=(0,), stride=4)
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
    harmony = transformer.bits_per_token(decoder, bach.harmony_only(held, ahead))
    facts = {
        "steps": curve[-1]["step"],
        "seconds": curve[-1]["seconds"],
        "held_bits": curve[-1]["held_bits"],
        "harmony_bits": round(harmony, 4),
        "ahead": ahead,
        "batch_size": batch_size,
        "seed": 7,
    }
    transformer.save_decoder(decoder, ROOT / "runs" / "pretrain" / f"{name}.npz", **facts, curve=curve)
    print(name, facts)


def music_plain():
    """The melody of a step beside its harmony: what writing it ahead is compared with."""
    music(ahead=0, name="music_plain")


WIDTH, DEPTH = 96, 4  # of the network of films


def film_digits():
    """Digits for films: 55,000 to learn from; the last 5,000 of the training set for choices of ours."""
    from aigc_course import data

    (x_train, y_train), _ = data.load_mnist()
    return x_train[:55_000], x_train[55_000:], y_train[55_000:]


def frames(count=6000):
    """Eight numbers of eight levels a cell; the facts are of digits that it has not seen, and no test digits."""
    from aigc_course import data, metrics
    from aigc_course.lmdg import codecs, films

    learnt, held, labels = film_digits()
    codec = codecs.fit_frame_codec(films.moving_digits(learnt, count, np.random.default_rng(7), frames=2)[0])
    true, chosen, _ = films.moving_digits(held, 500, np.random.default_rng(8))
    back = codec.decode(codec.encode(true))
    off = np.linalg.norm(films.centres(back) - films.centres(true), axis=-1)
    read = metrics.judge().labels(data.scale(films.digits_of(back).reshape(-1, 28, 28))).reshape(500, -1)
    facts = {"place_off": round(float(np.nanmean(off)), 3), "identity": round(films.identity(back), 4)}
    facts["judge_reads"] = round(float((read == labels[chosen][:, None]).mean()), 4)
    codecs.save_frame_codec(codec, ROOT / "runs" / "pretrain" / "frames.npz", **facts)
    keep_log("frames", [facts])
    print("frames", facts)


def video(lessons=3000, seed=7, own_from=0.7, name="video"):
    """0.7 million weights on fresh films; the last 900 lessons go on from frames of the network's own now and then."""
    import keras

    from aigc_course.lmdg import codecs, next_frame

    codec, _ = codecs.load_frame_codec(ROOT / "runs" / "pretrain" / "frames.npz")
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy("mixed_bfloat16")  # products in 16 bits, weights in 32
    network = next_frame.build_next_frame(WIDTH, DEPTH)
    keras.config.set_dtype_policy("float32")
    place = ROOT / "runs" / "pretrain" / f"{name}_training.npz"
    options = {"seed": seed, "own_from": own_from, "place": place, "name": name}
    twin = place.with_name(f"video_true_{seed}_training.npz")  # goes on from here too, on true frames alone
    if own_from < 1 and not twin.exists():
        next_frame.train_next_frame(
            network, codec, film_digits()[0], lessons, **options, until=round(own_from * lessons)
        )
        shutil.copy(place, twin)
    curve = next_frame.train_next_frame(network, codec, film_digits()[0], lessons, **options)
    keep_log(name, curve)
    facts = {"steps": curve[-1]["step"], "seconds": curve[-1]["seconds"], "bits": curve[-1]["bits"], "seed": seed}
    facts |= {"own_from": own_from, "curve": curve}
    next_frame.save_next_frame(network, ROOT / "runs" / "pretrain" / f"{name}.npz", WIDTH, DEPTH, **facts)
    print(name, curve[-1])


def films(seeds=(7, 8, 9)):
    """Three networks with, then three without their own frames; what is alike in both is computed once."""
    for seed in seeds:
        video(seed=seed, name="video" if seed == seeds[0] else f"video_{seed}")
    for seed in seeds:
        video(seed=seed, own_from=1.0, name=f"video_true_{seed}")


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
        "music_plain": music_plain,
        "frames": frames,
        "video": video,
        "films": films,
    }
    if len(sys.argv) != 2 or sys.argv[1] not in jobs:
        sys.exit(__doc__)
    runtime.start(7)
    jobs[sys.argv[1]]()
