"""One model for text, pictures and speech: rows, words, strokes, guidance, pairs, listener, `generate`."""

import csv
import subprocess
import sys
import wave

import keras
import numpy as np
import pytest
import tensorflow as tf

from aigc_course import data, metrics
from aigc_course.errors import CourseError, Stopped
from aigc_course.lmdg import codecs
from aigc_course.lmdg.core import generation, training, transformer
from aigc_course.lmdg.core.characters import END, PAD, UNKNOWN
from aigc_course.lmdg.words import ask, corpus, pairs
from aigc_course.lmdg.words import listener as words_listener
from aigc_course.lmdg.words import rows as words_rows

TEXT, LENGTH = words_rows.TEXT, words_rows.LENGTH


@pytest.fixture(scope="module")
def vocabulary():
    return words_rows.Vocabulary(words_rows.LETTERS + "零一二三四五六七八九粗细的")


@pytest.fixture(scope="module")
def small(vocabulary):
    """A decoder with fresh weights."""
    keras.utils.set_random_seed(3)
    return transformer.Decoder(vocabulary.size, context=LENGTH, width=16, depth=1, heads=2)


# --- vocabulary and rows -----------------------------------------------------------------------------------


def test_every_token_means_one_thing(vocabulary):
    """Characters, marks, codes of images and of speech do not overlap and fill the vocabulary."""
    kinds = [vocabulary.allowed(kind) for kind in ("text", "image", "speech")]
    assert [int(mask.sum()) for mask in kinds] == [len(vocabulary.characters.characters) + 1, 64, 256]
    assert np.sum(kinds, axis=0).max() == 1
    assert vocabulary.size == 2 + sum(int(mask.sum()) for mask in kinds) + 3  # padding, unknown; three marks
    assert not any(mask[list(vocabulary.marks.values())].any() for mask in kinds)


@pytest.mark.parametrize("kind", ["image", "speech"])
def test_rows_hold_what_was_put_in(vocabulary, kind, rng):
    """Caption at the right end of its places, codes behind the mark, then end or answer; the rest is padding."""
    n = words_rows.SIZES[kind]
    numbers = rng.integers(words_rows.CODES[kind], size=(3, n))
    draw = words_rows.rows_of(vocabulary, kind, numbers, captions=["seven", "粗的七", "a thick seven"])
    read = words_rows.rows_of(vocabulary, kind, numbers, answers=["seven", "七", "three"])
    plain = words_rows.rows_of(vocabulary, kind, numbers)
    for rows in (draw, read, plain):
        assert rows.shape == (3, LENGTH)
        assert (rows[:, TEXT] == vocabulary.marks[kind]).all()
        assert np.array_equal(vocabulary.numbers_of(kind, rows[:, TEXT + 1 : TEXT + 1 + n]), numbers)
    assert vocabulary.characters.decode(draw[0, :TEXT]) == "seven"
    assert (draw[0, : TEXT - 5] == PAD).all()
    assert (read[:, :TEXT] == PAD).all()
    assert (draw[:, TEXT + 1 + n] == END).all()
    assert (plain[:, TEXT + 1 + n :][:, 1:] == PAD).all()
    answers = [vocabulary.characters.decode(row[TEXT + 2 + n :]) for row in read]
    assert answers == ["seven", "七", "three"]


def test_wrong_rows_and_captions_are_named(vocabulary):
    """Long captions, foreign characters, codes of another shape: one line each."""
    with pytest.raises(CourseError, match="at most 14 characters; received 15"):
        vocabulary.caption("a thickish nine")
    with pytest.raises(CourseError, match="not in the vocabulary: 龍"):
        vocabulary.caption("龍")
    with pytest.raises(CourseError, match=r"codes must be \(N, 49\)"):
        words_rows.rows_of(vocabulary, "image", np.zeros((2, 24), int))
    with pytest.raises(CourseError, match="codes must be"):
        words_rows.rows_of(vocabulary, "smell", np.zeros((2, 24), int))


@pytest.mark.parametrize("digit", range(10))
def test_names_are_read_back(digit):
    """digit_of(name(d)) = d in both languages, with and without a thickness; captions fit."""
    for language in (0, 1):
        for thickness in (None, "thick", "thin"):
            text = words_rows.name(digit, language, thickness)
            assert words_rows.digit_of(text) == digit
            assert len(text) <= TEXT
    assert words_rows.digit_of("seven or eight") is None
    assert words_rows.digit_of("a picture") is None


# --- strokes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_stroke_width_of_a_bar(width):
    """A bar w wide and 20 long: area 20 w, edge 40 + 2 w, so 2·20 w / (40 + 2 w)."""
    image = np.full((1, 28, 28, 1), -1.0)
    image[0, 4:24, 10 : 10 + width] = 1.0
    assert words_rows.stroke_width(image)[0] == pytest.approx(40 * width / (40 + 2 * width))
    assert words_rows.stroke_width(-np.ones((1, 28, 28, 1)))[0] == 0


def test_real_digits_divide_into_thirds():
    """The limits of `material` leave about a third on each side; broader means brighter within a digit."""
    (images, labels), _ = data.load_mnist()
    x = data.scale(images[:2000])
    kinds = words_rows.thickness_of(x, np.quantile(words_rows.stroke_width(x), (1 / 3, 2 / 3)))
    shares = [kinds.count(kind) / 2000 for kind in ("thin", None, "thick")]
    assert min(shares) > 0.25
    ink = x.mean(axis=(1, 2, 3))
    for digit in range(10):
        of = {kind: ink[[i for i, k in enumerate(kinds) if k == kind and labels[i] == digit]].mean() for kind in kinds}
        assert of["thin"] < of[None] < of["thick"]


# --- guidance and reading ----------------------------------------------------------------------------------


def test_guidance_is_the_formula(rng):
    """without + w (with - without), row by row; 1 changes nothing."""
    with_, without = rng.standard_normal((2, 3, 5)).astype("float32")
    both = tf.constant(np.concatenate([with_, without]))
    assert np.allclose(generation.guided(both, 3.0), without + 3 * (with_ - without), atol=1e-6)
    assert generation.guided(both, 1) is both


def test_guidance_between_equal_prompts_changes_nothing(small, vocabulary):
    """If the caption is empty anyway, every guidance draws the same; cached and uncached agree under guidance."""
    drawn = [words_rows.draw_codes(small, vocabulary, ["", ""], "image", guidance=w, seed=5) for w in (1.0, 3.0)]
    assert np.array_equal(*drawn)
    start = np.zeros((2, TEXT + 1), np.int32)
    start[:, TEXT - 1], start[:, TEXT] = vocabulary.numbers[7], vocabulary.marks["image"]
    empty = start.copy()
    empty[:, :TEXT] = PAD
    options = {"without": empty, "guidance": 2.0, "seed": 1}
    assert np.array_equal(*(generation.generate_tokens(small, start, 10, cached=c, **options) for c in (True, False)))
    for w, message in ((0.5, "a number from 1"), (float("nan"), "a number from 1"), (2.0, "without what is asked")):
        with pytest.raises(CourseError, match=message):
            generation.generate_tokens(small, start, 5, guidance=w)


@pytest.mark.parametrize("kind", ["image", "speech"])
def test_only_codes_are_drawn_and_only_letters_read(small, vocabulary, kind):
    """Whatever the weights: codes in range, answers of letters or one number."""
    drawn = words_rows.draw_codes(small, vocabulary, ["seven", "七"], kind, guidance=2.0)
    assert drawn.shape == (2, words_rows.SIZES[kind])
    assert 0 <= drawn.min() <= drawn.max() < words_rows.CODES[kind]
    for language, allowed in ((0, set(words_rows.LETTERS[:26])), (1, set(data.DIGIT_WORDS[1]))):
        for answer in words_rows.read_answers(small, vocabulary, kind, drawn, language):
            assert set(answer) <= allowed
    odds, chinese = words_rows.answer_odds(small, vocabulary, kind, drawn)
    assert np.allclose(odds.sum(axis=1), 1, atol=1e-5)
    assert ((chinese >= 0) & (chinese <= 1)).all()


# --- streams and pairs -------------------------------------------------------------------------------------


def test_moved_pictures_keep_their_ink(rng):
    """Moving by two pixels loses nothing of most digits, and never adds ink; turning keeps range, shape and digit."""
    (images, _), _ = data.load_mnist()
    x = data.scale(images[:200])
    moved = corpus.shifted(x, rng)
    kept = (moved + 1).sum(axis=(1, 2, 3)) / (x + 1).sum(axis=(1, 2, 3))
    assert (kept > 0.9999).mean() > 0.9
    assert kept.max() < 1.0001
    assert (np.abs(moved - x).max(axis=(1, 2, 3)) > 0).mean() > 0.8
    turned = corpus.turned(x, 1)
    assert turned.shape == x.shape
    assert -1 <= turned.min() <= turned.max() <= 1
    assert (metrics.judge().labels(turned) == metrics.judge().labels(x)).mean() > 0.9


def test_tang_lines_hold_only_what_was_asked_for():
    """Lines with other characters are left out, the others stand alone."""
    assert corpus.tang_lines(["一二，三四。", "五龍。"], "一二三四五") == "一二\n三四\n"


def test_batches_depend_on_the_step_alone(vocabulary, rng):
    """The third batch of a stream is the first of one that starts at two; given tokens are inputs, never targets."""
    rows = words_rows.rows_of(vocabulary, "image", rng.integers(64, size=(20, 49)), answers=["七"] * 20)
    rows = {"read": pairs.given(rows, TEXT + 51), "plain": np.abs(rows)}
    make = [iter(training.mixed(rows, {"read": 0.5, "plain": 0.5}, 8, 5, start)) for start in (0, 2)]
    whole = [next(make[0]) for _ in range(3)]
    later = next(make[1])
    assert np.array_equal(whole[2][0], later[0])
    inputs, targets = (part.numpy() for part in later)
    assert inputs.min() >= 0
    assert (targets[:4, : TEXT + 50] == 0).all()  # up to the text mark
    assert (targets[:4, TEXT + 50] == vocabulary.numbers[7]).all()
    with pytest.raises(CourseError, match="draw must be rows"):
        training.mixed(rows, {"draw": 1.0}, 8, 5)


def test_hiding_touches_codes_of_captioned_rows_only(vocabulary, rng):
    """Caption, mark and targets stay; rows without a caption stay; a third of the others stays whole."""
    numbers = rng.integers(64, size=(300, 49))
    rows = {
        "draw": words_rows.rows_of(vocabulary, "image", numbers, captions=["七"] * 300),
        "plain": words_rows.rows_of(vocabulary, "image", numbers),
    }
    batches = training.mixed(rows, {"draw": 0.75, "plain": 0.25}, 400, 5)
    (inputs, targets), (hidden, same) = (next(iter(b)) for b in (batches, pairs.hide_some(batches, vocabulary, 5)))
    inputs, hidden = inputs.numpy(), hidden.numpy()
    assert np.array_equal(targets, same)
    changed = inputs != hidden
    assert (hidden[changed] == UNKNOWN).all()
    assert not changed[:, : TEXT + 1].any()
    assert not changed[300:].any()
    share = changed[:300, TEXT + 1 : TEXT + 50].mean(axis=1)
    assert 0.25 < (share == 0).mean() < 0.45
    assert share.max() > 0.9


def test_pairs_are_balanced_and_their_number_is_checked(rng):
    """As many of each digit, and of each digit in each language; other numbers are refused."""
    labels = rng.integers(10, size=500)
    part = pairs.Material("image", np.zeros((1, 500, 49), int), labels, None, [None] * 500)
    places = pairs.choose(part, 100, rng)
    assert len(set(places)) == 100
    assert (np.bincount(labels[places]) == 10).all()
    languages = rng.integers(2, size=500)
    places = pairs.choose(part._replace(languages=languages), 100, rng)
    assert (np.bincount(labels[places] + 10 * languages[places]) == 5).all()
    for n in (0, 5, 55, 510, True, 20.0):
        with pytest.raises(CourseError, match=r"an integer from 10 to 500|a multiple of 10"):
            pairs.choose(part, n, rng)


def test_the_second_phase_runs_whole_and_twice_alike(vocabulary, rng):
    """fine_tune: rows of every kind, own labels counted, the base untouched, the same seed the same model."""
    labels = np.arange(40) % 10
    image = pairs.Material("image", rng.integers(64, size=(2, 40, 49)), labels, None, ["thick", None] * 20)
    speech = pairs.Material("speech", rng.integers(256, size=(2, 40, 24)), labels, labels % 2, [None] * 40)
    keras.utils.set_random_seed(3)
    base = transformer.Decoder(vocabulary.size, context=LENGTH, width=16, depth=1, heads=2)
    before = transformer.take_weights(base)
    runs = [
        pairs.fine_tune_pairs(base, vocabulary, {"image": image, "speech": speech}, 20, 1, (2, 2)) for _ in range(2)
    ]
    assert all(np.array_equal(before[name], value) for name, value in transformer.take_weights(base).items())
    first, second = (transformer.take_weights(decoder) for decoder, _ in runs)
    assert all(np.allclose(first[name], second[name], atol=1e-5) for name in first)
    assert {"own_image", "own_speech", "n", "seed"} <= set(runs[0][1])


@pytest.mark.parametrize("weight", [1.0, 8.0])
def test_answers_weigh_more(weight, rng):
    """Σ w nll / Σ w in closed form: tokens below the limit count `weight` times, padding never."""
    wanted, logits = np.array([[2, 5, PAD, 7]]), rng.standard_normal((1, 4, 9)).astype("float32")
    each = [np.log(np.exp(row).sum()) - row[token] for row, token in zip(logits[0], wanted[0], strict=True)]
    by_hand = (weight * each[0] + each[1] + each[3]) / (weight + 2)
    assert float(transformer.TokenLoss(below=3, weight=weight)(wanted, logits)) == pytest.approx(by_hand, rel=1e-5)


def test_ctrl_c_gives_no_half_result(vocabulary, rng, monkeypatch):
    """Stop in the first phase: the recipe does not go on from there and call it a result."""
    numbers = {"image": rng.integers(64, size=(1, 20, 49)), "speech": rng.integers(256, size=(1, 20, 24))}
    labels = np.arange(20) % 10
    parts = {kind: pairs.Material(kind, numbers[kind], labels, labels % 2, [None] * 20) for kind in numbers}
    base = transformer.Decoder(vocabulary.size, context=LENGTH, width=16, depth=1, heads=2)
    phases = []

    def stop(self, batch, logs=None):
        phases.append(self.steps)
        raise KeyboardInterrupt

    monkeypatch.setattr(pairs.training.Curve, "on_train_batch_end", stop)
    with pytest.raises(Stopped, match="Stopped at step 0 of 2"):
        pairs.fine_tune_pairs(base, vocabulary, parts, 20, 1, (2, 3))
    assert phases == [2]


# --- listener ----------------------------------------------------------------------------------------------


def test_the_listener_knows_unheard_voices():
    """At least 97 % of the digits of voices that it never heard, and its own figure is what the file says."""
    test, listener = data.load_spoken_digits()[1], words_listener.speech_judge()
    digits, languages = listener.hear(test.clips)
    share = (digits == test.labels).mean()
    assert share > 0.97
    assert share == pytest.approx(listener.facts["real_digits"], abs=0.005)
    assert (languages == test.languages).mean() > 0.97
    with pytest.raises(CourseError, match="the judge hears 8000 Hz; received 16000 Hz"):
        listener.hear(test.clips[:1], 16_000)


def test_the_listener_does_not_hear_digits_in_noise():
    """Clips whose samples are shuffled keep their loudness and lose their word: most digits are missed."""
    rng = np.random.default_rng(1)
    train = data.load_spoken_digits()[0]
    digits, _ = words_listener.speech_judge().hear([rng.permutation(clip) for clip in train.clips[:100]])
    assert (digits == train.labels[:100]).mean() < 0.4


# --- the shipped model -------------------------------------------------------------------------------------


def test_the_shipped_model_does_what_the_readme_says():
    """Sixty prompts of each kind: well above what chance or an untuned model could do."""
    scores = ask.Asking().scores(n=60, tests=200)
    assert scores["text_to_image"] > 0.85
    assert scores["image_to_text"] > 0.85
    assert scores["text_to_speech"] > 0.75
    assert scores["spoken_language"] > 0.85


def test_the_table_of_runs_is_whole():
    """Every size both ways, three seeds each; shares are shares; a twentieth of the labels is enough."""
    with open(data.asset("multimodal.csv"), encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    scores = ("text_to_image", "image_to_text", "text_to_speech", "spoken_language", "thickness", "speech_to_text")
    assert all(0 <= float(row[name]) <= 1 for row in rows for name in scores)
    assert len({(row["way"], row["n"], row["seed"]) for row in rows}) == len(rows)
    for way in ("pre-trained", "scratch"):
        for n in ("50", "100", "200", "500", "1000"):
            assert {row["seed"] for row in rows if (row["way"], row["n"]) == (way, n)} == {"7", "8", "9"}, (way, n)

    def mean(way, n, score):
        return np.mean([float(row[score]) for row in rows if (row["way"], row["n"]) == (way, n)])

    for score in ("text_to_image", "image_to_text"):
        assert mean("pre-trained", "50", score) > mean("scratch", "1000", score)
    # what chapter 09 says of the other ways: hidden inputs help, low rank and a frozen half do not draw
    drawn = {row["way"]: float(row["text_to_image"]) for row in rows if (row["n"], row["seed"]) == ("1000", "7")}
    assert drawn["pre-trained"] > drawn["all weights, hidden inputs"] > drawn["all weights"] > 2 * drawn["LoRA"]
    assert drawn["all weights"] > 2 * drawn["lower half frozen"]
    # and of scratch with the steps of both phases: it catches up in drawing, not in naming pictures
    assert mean("scratch, longer", "1000", "text_to_image") > mean("pre-trained", "1000", "text_to_image")
    assert mean("scratch, longer", "1000", "image_to_text") < mean("pre-trained", "500", "image_to_text")


# --- the command -------------------------------------------------------------------------------------------


def run(*arguments, folder):
    """The command `generate` in a folder: CompletedProcess."""
    command = [sys.executable, "-m", "aigc_course", "generate", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)


def test_generate_writes_pictures_sound_and_text(tmp_path):
    """Arrays in the shapes and ranges that are promised; a WAV of the right rate; a PNG; a text."""
    done = run("seven", "--n", "4", "--out", "x.npz", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "x.npz") as file:
        images = file["images"]
    assert (images.dtype, images.shape) == (np.float32, (4, 28, 28, 1))
    assert -1 <= images.min() <= images.max() <= 1
    assert "read as 7 by the judge" in done.stdout
    done = run("七", "--as", "speech", "--n", "2", "--out", "a.npz", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "a.npz") as file:
        assert file["audio"].dtype == np.float32
        assert file["audio"].shape == (2, (codecs.FRAMES - 1) * 128)
        assert int(file["sample_rate"]) == 8000
    assert run("七", "--as", "speech", "--n", "2", folder=tmp_path).returncode == 0
    with wave.open(str(tmp_path / "generated.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        assert file.getnframes() == 2 * (codecs.FRAMES - 1) * 128 + 2000
    assert run("粗的七", "--out", "p.png", folder=tmp_path).returncode == 0
    assert (tmp_path / "p.png").read_bytes()[:4] == b"\x89PNG"
    assert run("月", "--as", "text", "--n", "2", folder=tmp_path).returncode == 0
    assert run("my lord", "--as", "text", "--out", "play.txt", folder=tmp_path).returncode == 0
    assert (tmp_path / "play.txt").read_text(encoding="utf-8").startswith("my lord")
    written = (tmp_path / "generated.txt").read_text(encoding="utf-8").strip().split("\n\n")
    assert len(written) == 2
    assert all(text.startswith("月") and len(text) > 10 for text in written)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("eleven dogs",), "one digit in words"),
        (("",), "the prompt is empty"),
        (("seven", "--as", "smell"), "--as must be image, speech or text"),
        (("seven", "--n", "0"), "--n must lie in 1 … 1000; received 0"),
        (("seven", "--seed", "-1"), "--seed must lie in"),
        (("seven", "--temperature", "0"), "temperature must be a number above 0"),
        (("seven", "--temperature", "nan"), "temperature must be a number above 0"),
        (("seven", "--out", "x.jpg"), "--out must end in .png or .npz for image"),
        (("seven", "--as", "speech", "--out", "x.png"), "--out must end in .wav or .npz for speech"),
        (("seven", "--out", f"{__file__}/x.png"), "--out must be a folder that can be written"),
        (("a very thick seven",), "at most 14 characters"),
    ],
)
def test_generate_refuses_in_one_line(arguments, message, capsys, tmp_path, monkeypatch):
    """Exit code 2, one line that says what to do; nothing is written."""
    from aigc_course import __main__ as command

    monkeypatch.chdir(tmp_path)
    assert command.main(["generate", *arguments]) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1
    assert message in error[0]
    assert not list(tmp_path.iterdir())
