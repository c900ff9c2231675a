"""The command line: what it writes, how it refuses, how it goes on after a kill."""

import csv
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import TINY_LATENT, tiny_discriminator, tiny_generator
from PIL import Image

import aigc_course.__main__ as cli
from aigc_course import data, doctor, metrics, models, recipe, runtime
from aigc_course.gan import GAN, load_generator
from aigc_course.studio import conditional

PACKAGE = Path(cli.__file__).parent


@pytest.fixture(autouse=True)
def signals_as_before():
    """main() sets a handler for SIGTERM: the tests' own comes back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="session")
def images_file(tmp_path_factory):
    """A small data file of the right shape."""
    path = tmp_path_factory.mktemp("data") / "small.npz"
    np.savez(path, images=np.random.default_rng(3).integers(0, 256, (24, 28, 28), dtype=np.uint8))
    return path


@pytest.fixture(scope="session")
def trained(tmp_path_factory, images_file):
    """The folder of a run of three steps, made in this process without XLA (its compilation is tested elsewhere)."""
    out = tmp_path_factory.mktemp("runs") / "trained"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtime, "xla_works", lambda: False)
        patch.setattr(recipe, "SCORED", 60)
        code = cli.main(["train", "--steps", "3", "--batch-size", "8", "--data", str(images_file), "--out", str(out)])
    assert code == 0
    return out


def refused(capsys, *arguments):
    """Runs a command that must be refused; returns the line on stderr."""
    try:
        code = cli.main([str(argument) for argument in arguments])
    except SystemExit as stop:  # argparse's own refusals
        code = stop.code
    out, err = capsys.readouterr()
    assert code == 2
    assert err.startswith("error: ")
    assert err.count("\n") == 1, err
    assert "Traceback" not in out + err
    return err


def files(folder):
    """Everything below a folder, with its content."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()}


# --- the batch grows ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "steps", "expected"),
    [
        (0, 3, [(3, 16)]),
        (0, 1300, [(1300, 16)]),
        (0, 1500, [(1300, 16), (1500, 64)]),
        (1200, 1301, [(1300, 16), (1301, 64)]),
        (1300, 1400, [(1400, 64)]),
        (1350, 1400, [(1400, 64)]),
    ],
)
def test_phases(start, steps, expected):
    """Small batches up to the change, larger ones from there on, from wherever a run is taken up."""
    found = recipe.phases(recipe.RECIPE, start, steps)
    assert found == expected
    assert recipe.images_in(found, start) == sum(16 if step < 1300 else 64 for step in range(start, steps))


def test_minutes_fit_steps_batches_and_average_to_the_machine(tmp_path, images_file, monkeypatch, capsys):
    """A plan after the first small batches, mended after the first large ones; both are in the report; the run keeps
    its own number of steps when it is resumed."""
    monkeypatch.setattr(recipe, "SCORED", 60)
    monkeypatch.setattr(recipe, "WINDOW", 2)
    monkeypatch.setattr(recipe, "FIRST", 6)
    monkeypatch.setattr(recipe, "RECIPE", {**recipe.RECIPE, "batch_size": 4, "later_batch_size": 12})
    rates = {4: 0.1, 12: 0.5}  # seconds a step, of a clock that only training moves
    clock, fit = [0.0], GAN.fit

    def slow(self, x, batch_size=64, **options):
        before, steps = self.step, 0
        for _ in range(options["epochs"]):
            fit(self, x, batch_size, **{**options, "epochs": 1, "callbacks": []})
            clock[0] += rates[batch_size] * (self.step - before - steps)
            steps = self.step - before
            for callback in options["callbacks"]:
                callback.set_model(self)
                callback.on_epoch_end(0, dict.fromkeys(recipe.COLUMNS[3:], 0.5))

    monkeypatch.setattr(GAN, "fit", slow)
    monkeypatch.setattr(recipe.HistoryFile, "seconds", lambda self: clock[0])
    monkeypatch.setattr(recipe, "LEAST_MINUTES", 0.1)
    monkeypatch.setattr(recipe, "FINISH", 2.0)
    out = tmp_path / "run"
    assert cli.main(["train", "--minutes", "0.5", "--data", str(images_file), "--out", str(out)]) == 0
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    first, second = report["plan"]["predictions"]
    assert report["plan"]["minutes"] == 0.5
    assert (first["step"], first["seconds_a_step"], second["seconds_a_step"]) == (6, 0.1, 0.5)
    small = recipe.RECIPE["grow_at"] / recipe.STEPS
    wanted = int((28.0 - 0.6) / 0.1 + 6) / (small + (1 - small) * recipe.LARGE_STEP)
    assert first["steps"] == pytest.approx(wanted, abs=1)
    assert report["settings"]["grow_at"] == pytest.approx(small * wanted, abs=1)
    assert report["steps"] == second["steps"] < first["steps"]  # large batches took longer than foretold
    assert 26.0 < clock[0] <= 28.0
    assert "10.0 steps a second here" in capsys.readouterr().out
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GAN, "fit", fit)
        assert cli.main(["train", "--resume", "--out", str(out)]) == 2
    assert f"is at step {report['steps']} already" in capsys.readouterr().err


@pytest.mark.parametrize("more", [["--steps", "3"], ["--batch-size", "8"], ["--resume"], ["--workers", "a:1,b:1"], []])
def test_minutes_that_contradict_are_refused(tmp_path, capsys, more):
    """--minutes with --steps, a batch size, --resume or --workers, or too short a time: one line."""
    minutes = "1" if more else "0.1"
    if more == ["--resume"]:
        (tmp_path / "checkpoint.keras").write_bytes(b"x")
        kept = {name: recipe.RECIPE[name] for name in ("batch_size", "later_batch_size")}
        settings = {**kept, "seed": 7, "objective": "smoothed", "data": "mnist"}
        (tmp_path / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    error = refused(capsys, "train", "--minutes", minutes, "--out", tmp_path, *more)
    assert f"leave {more[0]} out" in error if more else "--minutes must lie in 0.5" in error


def test_the_batch_grows_in_training_and_after_a_resume(tmp_path, images_file, monkeypatch):
    """With the change at step 2: images of steps 1-2 in small batches, then larger ones; a resumed run goes on so."""
    monkeypatch.setattr(recipe, "SCORED", 60)
    monkeypatch.setattr(recipe, "RECIPE", {**recipe.RECIPE, "grow_at": 2, "batch_size": 4, "later_batch_size": 12})
    monkeypatch.setattr(runtime, "xla_works", lambda: False)
    sizes, fit = [], GAN.fit

    def spy(self, x, batch_size=64, **options):
        sizes.append((options["epochs"] * options["steps_per_epoch"], batch_size))
        return fit(self, x, batch_size, **options)

    monkeypatch.setattr(GAN, "fit", spy)
    common = ["train", "--data", str(images_file), "--out", str(tmp_path / "run")]
    assert cli.main([*common, "--steps", "3"]) == 0
    assert sizes == [(2, 4), (1, 12)]
    assert cli.main([*common, "--steps", "5", "--resume"]) == 0
    assert sizes[2:] == [(2, 12)]
    rows = (tmp_path / "run" / "history.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == ["2", "3", "5"]


@pytest.mark.parametrize("name", list(recipe.POLICIES))
def test_precision_is_kept_in_settings_and_networks(tmp_path, monkeypatch, images_file, name):
    """--precision reaches every layer, weights stay float32, the caller's policy stays; --resume keeps to it."""
    monkeypatch.setattr(recipe, "finish", lambda *_: {"judge_distance": 0.0})
    common = ["train", "--data", str(images_file), "--out", str(tmp_path), "--batch-size", "4"]
    assert cli.main([*common, "--steps", "1", "--precision", name]) == 0
    gan = GAN.load(tmp_path / "checkpoint.keras")
    for network in (gan.generator, gan.discriminator, gan.ema_generator):
        assert {layer.compute_dtype for layer in network.layers} == {name}
        assert {weight.dtype for weight in network.trainable_weights} <= {"float32"}
    assert keras.config.dtype_policy().name == "float32"
    assert cli.main([*common, "--steps", "2", "--resume"]) == 0
    assert json.loads((tmp_path / "settings.json").read_text())["precision"] == name
    other = next(word for word in recipe.POLICIES if word != name)
    assert recipe.new_gan({"objective": "smoothed", "seed": 7}).generator.layers[0].compute_dtype == "float32"
    assert cli.main([*common, "--steps", "3", "--resume", "--precision", other]) == 2


# --- what train writes -----------------------------------------------------------------------------------


def test_train_writes_its_results_and_nothing_else(trained):
    """samples.png, history.csv, report.json, checkpoint, weights, settings; no part files."""
    assert {p.name for p in trained.iterdir()} == {
        "samples.png",
        "history.csv",
        "report.json",
        "checkpoint.keras",
        "generator.weights.h5",
        "settings.json",
    }


def test_samples_are_a_picture(trained):
    """A whole PNG."""
    with Image.open(trained / "samples.png") as image:
        image.load()
        assert image.format == "PNG"
        assert min(image.size) > 50


def test_history_has_one_row_a_window(trained):
    """The columns in their order, one row for the three steps, numbers throughout."""
    with open(trained / "history.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["step", "seconds", "images_per_second", "d_loss", "g_loss", "real_share", "fake_share"]
    assert [int(row["step"]) for row in rows] == [3]
    assert all(np.isfinite(float(value)) for value in rows[0].values())


def test_report_says_all_that_was_promised(trained):
    """Strict JSON with seconds, steps, images/s, the score and what it rests on, class shares, versions, device."""

    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    report = json.loads((trained / "report.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert report["steps"] == 3
    assert report["seconds"] > 0
    assert report["images_per_second"] > 0
    assert report["judge_distance"] > report["floor"] > 0
    assert report["n"] == 60
    assert report["judge_sha256"] == data.shipped_files()["judge.weights.h5"]
    assert len(report["class_shares"]) == 10
    assert sum(report["class_shares"]) == pytest.approx(1, abs=0.01)
    assert report["interrupted"] is False
    assert {"python", "tensorflow", "keras", "numpy"} <= set(report["versions"])
    assert report["device"] == runtime.device()
    assert report["settings"]["batch_size"] == 8


def test_checkpoint_and_weights_hold_the_same_average(trained):
    """generator.weights.h5 is the averaged generator of checkpoint.keras, which stands at step 3."""
    gan = GAN.load(trained / "checkpoint.keras")
    assert gan.step == 3
    loaded = load_generator(trained / "generator.weights.h5")
    for found, wanted in zip(loaded.get_weights(), gan.ema_generator.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_starting_anew_keeps_the_earlier_checkpoint(trained, tmp_path, monkeypatch, images_file):
    """Without --resume a run in the same folder begins at step 0; the earlier checkpoint is kept under another name.
    An unreadable moment later, --resume goes on with the settings of the folder, and only as far as asked."""
    monkeypatch.setattr(runtime, "xla_works", lambda: False)
    monkeypatch.setattr(recipe, "finish", lambda *_: {"judge_distance": 0.0})
    out = tmp_path / "run"
    shutil.copytree(trained, out)
    earlier = (out / "checkpoint.keras").read_bytes()
    assert cli.main(["train", "--steps", "1", "--batch-size", "4", "--data", str(images_file), "--out", str(out)]) == 0
    assert (out / "checkpoint.previous.keras").read_bytes() == earlier
    assert GAN.load(out / "checkpoint.keras").step == 1
    assert cli.main(["train", "--steps", "2", "--out", str(out), "--resume"]) == 0
    assert GAN.load(out / "checkpoint.keras").step == 2
    assert [row["step"] for row in recipe.read_history(out)] == [1, 2]
    assert json.loads((out / "settings.json").read_text())["batch_size"] == 4


def test_diverged_training_is_reported_not_hidden(tmp_path, trained, monkeypatch):
    """Weights that became NaN: the run still ends with a report, in strict JSON and without a score."""
    monkeypatch.setattr(recipe, "SCORED", 60)
    gan = GAN.load(trained / "checkpoint.keras")
    gan.ema_generator.set_weights([np.full_like(w, np.nan) for w in gan.ema_generator.get_weights()])
    log = recipe.HistoryFile(tmp_path / "history.csv", [], 8, 0.0)
    recipe.finish(gan, tmp_path, {}, log, False)
    report = json.loads((tmp_path / "report.json").read_text(), parse_constant=lambda word: pytest.fail(word))
    assert report["judge_distance"] is None
    assert report["class_shares"] is None


# --- sample ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", ["generator.weights.h5", "checkpoint.keras"])
def test_sample_draws_from_trained_weights(trained, tmp_path, weights, capsys):
    """From weights and from a checkpoint: a picture of n images; the same seed draws the same picture."""
    pictures = []
    for name, seed in (("a.png", 1), ("b.png", 1), ("c.png", 2)):
        out = tmp_path / "new" / name
        arguments = ["sample", "--weights", trained / weights, "--n", 5, "--seed", seed, "--out", out]
        assert cli.main([str(argument) for argument in arguments]) == 0
        with Image.open(out) as image:
            image.load()
        pictures.append(out.read_bytes())
    assert pictures[0] == pictures[1] != pictures[2]
    assert "5 images" in capsys.readouterr().out


def test_sample_from_the_shipped_weights(tmp_path, capsys):
    """Without --weights the shipped generator draws."""
    if "generator.weights.h5" not in data.shipped_files():
        pytest.fail("assets/generator.weights.h5 is not shipped yet")
    assert cli.main(["sample", "--n", "4", "--out", str(tmp_path / "s.png")]) == 0


@pytest.mark.parametrize(
    ("arguments", "labels"),
    [
        (["--model", "digits"], None),
        (["--model", "fashion"], [0, 1, 2, 3]),
        (["--model", "fashion", "--class", "Ankle Boot"], [9] * 4),
        (["--model", "fashion", "--class", "9"], [9] * 4),
        (["--model", "fashion", "--class", "t-shirt"], [0] * 4),
        (["--model", "fashion", "--class", "ankle-boot"], [9] * 4),
        (["--model", "flow", "--class", "three", "--evaluations", "3"], [3] * 4),
        (["--model", "flow"], [0, 1, 2, 3]),
    ],
)
def test_sample_writes_an_array_of_each_model(tmp_path, arguments, labels):
    """images: float32 (n, 28, 28, 1) in [-1, 1], of the class asked for, the same again with the same seed."""
    drawn = []
    for name, seed in (("a.npz", "1"), ("b.npz", "1"), ("c.npz", "2")):
        assert cli.main(["sample", *arguments, "--n", "4", "--seed", seed, "--out", str(tmp_path / name)]) == 0
        with np.load(tmp_path / name) as kept:
            assert kept.files == ["images"]
            drawn.append(kept["images"])
    first = drawn[0]
    assert first.dtype == np.float32
    assert first.shape == (4, 28, 28, 1)
    assert np.abs(first).max() <= 1
    assert first.std() > 0.2
    assert np.array_equal(first, drawn[1])
    assert not np.array_equal(first, drawn[2])
    if labels and "fashion" in arguments:
        generator, _ = conditional.load_conditional_generator(data.asset("fashion_generator.npz"))
        assert np.allclose(first, conditional.sample_classes(generator, 4, np.array(labels), 1)[0], atol=1e-5)


@pytest.mark.parametrize(("kind", "evaluations"), [(["--class", "3"], 10), (["--class", "seven"], 5), ([], 10)])
def test_the_flow_draws_the_digit_that_was_asked_for(tmp_path, kind, evaluations):
    """The course's judge reads nine in ten as asked; without a class, each digit in turn."""
    out = tmp_path / "flow.npz"
    arguments = ["--model", "flow", *kind, "--evaluations", str(evaluations), "--n", "60", "--out", str(out)]
    assert cli.main(["sample", *arguments]) == 0
    with np.load(out) as kept:
        read = metrics.judge().labels(kept["images"])
    asked = {"3": 3, "seven": 7}.get(kind[-1]) if kind else np.arange(60) % 10
    assert (read == asked).mean() > 0.9


# --- bad input -------------------------------------------------------------------------------------------


def bad_data(folder, kind):
    """A data file with one fault."""
    path = Path(folder) / f"{kind.replace(' ', '_')}.npz"
    fine = np.zeros((24, 28, 28), np.uint8)
    arrays = {
        "wrong shape": np.zeros((24, 32, 32), np.uint8),
        "colour": np.zeros((24, 28, 28, 3), np.uint8),
        "flat": np.zeros((24, 784), np.uint8),
        "floats": fine / 255.0,
        "NaN": np.full(fine.shape, np.nan),
        "wide range": np.full(fine.shape, 1000, np.int32),
    }
    if kind == "truncated":
        np.savez(path, images=fine)
        path.write_bytes(path.read_bytes()[:5000])
    elif kind in arrays:
        np.savez(path, images=arrays[kind])
    return path


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "there is no file"),
        ("truncated", "not a readable"),
        ("wrong shape", "28 × 28 in grey; received (32, 32)"),
        ("colour", "received (28, 28, 3)"),
        ("flat", "received (24, 784)"),
        ("floats", "received float64 from 0 to 0"),
        ("wide range", "received int32 from 1000 to 1000"),
        ("NaN", "NaN"),
    ],
)
def test_train_refuses_bad_data(capsys, tmp_path, kind, message):
    """Exit code 2, one line, and no file in the folder for results."""
    err = refused(capsys, "train", "--data", bad_data(tmp_path, kind), "--out", tmp_path / "out", "--batch-size", 8)
    assert message in err
    assert not files(tmp_path / "out")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--batch-size", "25"], "number of images, 24; received 25"),
        (["--batch-size", "1"], "received 1"),
        (["--batch-size", "0"], "received 0"),
        (["--batch-size", "many"], "many"),
        (["--steps", "0"], "--steps must be 1 or more; received 0"),
        (["--steps", "-5"], "received -5"),
        (
            ["--objective", "magic"],
            "--objective must be one of smoothed, non_saturating, minimax, relativistic; received 'magic'",
        ),
        (["--seed", "-1"], "--seed must lie in"),
        (["--seed", str(2**31)], "--seed must lie in"),
        (["--resume"], "--resume needs a checkpoint"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_train_refuses_bad_arguments(capsys, tmp_path, images_file, arguments, message):
    """Exit code 2, one line that states what came, and no file in the folder for results."""
    err = refused(capsys, "train", "--data", images_file, "--out", tmp_path / "out", *arguments)
    assert message in err
    assert not files(tmp_path / "out")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--n", "0"], "--n must lie in 1 … 10000; received 0"),
        (["--n", "-1"], "received -1"),
        (["--n", "10001"], "received 10001"),
        (["--n", "four"], "four"),
        (["--seed", "-1"], "seed"),
        (["--weights", "none.weights.h5"], "there is no none.weights.h5"),
        (["--out", "picture.jpg"], "must end in .png or .npz; received 'picture.jpg'"),
        (["--out", "picture"], "must end in .png or .npz"),
        (["--out", "blocked/picture.png"], "cannot"),
        (["--model", "faces"], "must be digits, fashion or flow; received 'faces'"),
        (["--model", "fashion", "--class", "hat"], "one of: t-shirt"),
        (["--model", "fashion", "--class", "10"], "0 … 9"),
        (["--model", "fashion", "--class=-1"], "received '-1'"),
        (["--model", "fashion", "--class", "-1"], "received '-1'"),
        (["--model", "fashion", "--class", ""], "received ''"),
        (["--model", "digits", "--class", "3"], "was told no class"),
        (["--model", "flow", "--class", "ankle boot"], "one of: zero"),
        (["--model", "flow", "--evaluations", "0"], "must lie in 1 … 1000; received 0"),
        (["--model", "flow", "--evaluations", "many"], "many"),
        (["--model", "fashion", "--evaluations", "5"], "is for --model flow"),
        (["--model", "fashion", "--weights", "w.npz"], "is for --model digits"),
    ],
)
def test_sample_refuses_bad_arguments(capsys, tmp_path, monkeypatch, arguments, message):
    """Exit code 2, one line, nothing written."""
    monkeypatch.chdir(tmp_path)
    Path("blocked").write_text("in the way")
    assert message in refused(capsys, "sample", *arguments)
    assert files(tmp_path) == {"blocked": b"in the way"}


def weights_of(kind, folder, trained):
    """A file for --weights that does not fit."""
    path = Path(folder) / "w.weights.h5"
    if kind == "cut":
        path.write_bytes((trained / "generator.weights.h5").read_bytes()[:100_000])
    elif kind == "text":
        path.write_text("hello")
    elif kind == "other sizes":
        models.build_generator(64).save_weights(path)
    elif kind == "wrong ending":
        path = path.with_name("w.npz")
        path.write_bytes(b"x")
    else:  # whole checkpoints
        path = path.with_name("w.keras")
        if kind == "another noise":
            gan = GAN(models.build_generator(64), models.build_discriminator(), 64)
        else:
            gan = GAN(tiny_generator(), tiny_discriminator(), TINY_LATENT)
        gan.compile(jit_compile=False)
        gan.save(path)
    return path


@pytest.mark.parametrize("kind", ["cut", "text", "other sizes", "wrong ending", "another noise", "tiny checkpoint"])
def test_sample_refuses_weights_that_do_not_fit(capsys, tmp_path, trained, kind):
    """Damaged, of other layer sizes, of something else: one line that names the file, no picture. (A checkpoint
    with another noise length is whole, and may as well be drawn from.)"""
    path, out = weights_of(kind, tmp_path, trained), tmp_path / "p.png"
    if kind in ("another noise", "tiny checkpoint"):
        code = cli.main(["sample", "--weights", str(path), "--out", str(out), "--n", "2"])
        err = capsys.readouterr().err
        assert code == 0 or (code == 2 and err.startswith("error: ") and err.count("\n") == 1)
        assert out.exists() is (code == 0)
    else:
        assert path.name in refused(capsys, "sample", "--weights", path, "--out", out)
        assert not out.exists()


@pytest.mark.parametrize(
    ("fault", "arguments", "message"),
    [
        ("checkpoint", [], "not a whole checkpoint"),
        ("another model", [], "checkpoint.keras"),
        ("other sizes", [], "images of shape (4, 4, 1)"),
        ("settings", [], "settings.json"),
        ("settings list", [], "settings.json"),
        (None, ["--seed", "8"], "trained with seed 7; received 8"),
        (None, ["--batch-size", "4"], "trained with batch_size 8; received 4"),
        (None, ["--objective", "minimax"], "trained with objective smoothed; received minimax"),
        (None, ["--data", __file__], "trained with data"),
        (None, ["--steps", "3"], "at step 3 already"),
    ],
)
def test_resume_refuses_what_does_not_belong(capsys, tmp_path, trained, fault, arguments, message):
    """A damaged or foreign checkpoint, damaged settings, arguments that contradict the run, nothing left to do:
    exit code 2, one line, and every file of the run as it was."""
    out = tmp_path / "run"
    shutil.copytree(trained, out)
    checkpoint = out / "checkpoint.keras"
    if fault == "checkpoint":
        checkpoint.write_bytes(checkpoint.read_bytes()[:200_000])
    elif fault == "another model":
        tiny_generator().save(checkpoint)
    elif fault == "other sizes":
        gan = GAN(tiny_generator(), tiny_discriminator(), TINY_LATENT)
        gan.compile(jit_compile=False)
        gan.save(checkpoint)
    elif fault:
        (out / "settings.json").write_text("{" if fault == "settings" else "[1, 2]")
    before = files(out)
    steps = [] if "--steps" in arguments else ["--steps", 9]
    assert message in refused(capsys, "train", "--out", out, "--resume", *steps, *arguments)
    assert files(out) == before


def test_out_that_cannot_be_written(capsys, tmp_path, images_file):
    """A file in the way of the folder (as for a folder without permission): one line, the file untouched."""
    (tmp_path / "out").write_text("in the way")
    err = refused(capsys, "train", "--data", images_file, "--out", tmp_path / "out", "--batch-size", 8)
    assert "--out must be a folder that can be written" in err
    assert (tmp_path / "out").read_text() == "in the way"


def test_a_damaged_shipped_file_stops_training(capsys, tmp_path, monkeypatch):
    """MNIST cut short: both checksums, exit code 2, before any work."""
    (tmp_path / "mnist.npz").write_bytes(b"cut")
    data.shipped_files()
    monkeypatch.setattr(data.checksums, "ASSETS", tmp_path)
    err = refused(capsys, "train", "--out", tmp_path / "out")
    assert "mnist.npz is damaged" in err
    assert data.shipped_files()["mnist.npz"] in err


@pytest.mark.parametrize("command", [[], ["fly"], ["train", "--steps"], ["sample", "extra"]])
def test_what_is_no_command(capsys, command):
    """No command, an unknown one, a missing value: one line that points to --help."""
    assert "--help" in refused(capsys, *command)


@pytest.mark.parametrize(
    ("command", "words"),
    [([], ["train", "sample", "grade", "doctor"]), (["train"], ["--resume", *recipe.OBJECTIVES])],
)
def test_help(capsys, command, words):
    """--help exits with 0 and names the commands and options."""
    with pytest.raises(SystemExit) as stop:
        cli.main([*command, "--help"])
    assert stop.value.code == 0
    out = capsys.readouterr().out
    assert all(word in out for word in words)


def test_a_polite_kill_is_heard_where_ctrl_c_is_switched_off(capsys):
    """Shells start background jobs with SIGINT ignored: SIGTERM must end training all the same."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        cli.main(["sample", "--n", "0"])
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGINT, before)


# --- as a process ----------------------------------------------------------------------------------------


def start(*arguments, setup="", environment=None, **options):
    """`python -m aigc_course …` as a process, with module constants changed by `setup`."""
    code = f"import sys, aigc_course.__main__ as m\n{setup}\nsys.exit(m.main(sys.argv[1:]))"
    command = [sys.executable, "-c", code] if setup else [sys.executable, "-m", "aigc_course"]
    return subprocess.Popen(
        [*command, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
        **options,
    )


def test_refusal_as_a_process(tmp_path, trained):
    """The whole program on a corrupt checkpoint, TensorFlow loaded: exit code 2, stderr is exactly one line."""
    (tmp_path / "bad.keras").write_bytes((trained / "checkpoint.keras").read_bytes()[:5000])
    process = start("sample", "--weights", tmp_path / "bad.keras", "--out", tmp_path / "p.png", cwd=PACKAGE.parent)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 2, err
    assert err.startswith("error: ")
    assert err.count("\n") == 1, err
    assert "Traceback" not in out
    assert not (tmp_path / "p.png").exists()


def test_doctor_names_the_mend(tmp_path):
    """A copy of the package with a damaged data file: exit code 1, one finding, its mend; all other checks are ok;
    stderr is empty."""
    shutil.copytree(PACKAGE, tmp_path / "aigc_course", ignore=shutil.ignore_patterns("__pycache__"))
    path = tmp_path / "aigc_course" / "assets" / "mnist.npz"
    path.write_bytes(path.read_bytes()[:-1])
    process = start("doctor", cwd=tmp_path, environment={"PYTHONPATH": str(tmp_path)})
    out, err = process.communicate(timeout=120)
    assert process.returncode == 1, out + err
    lines = [line for line in out.splitlines() if line.startswith("MEND")]
    assert len(lines) == 1
    assert "mnist.npz is damaged" in lines[0]
    assert "git checkout" in out
    assert "1 to mend" in out
    assert err == ""


def test_doctor_is_content_here(capsys):
    """This machine: every check is ok and states what it found, exit code 0."""
    assert cli.main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines[:-1]] == list(doctor.CHECKS)
    assert all(line.startswith("ok ") for line in lines[:-1])


@pytest.mark.parametrize("name", ["Python", "memory", "disk", "Jupyter", "TensorFlow"])
def test_doctor_says_what_to_do_about_each_fault(capsys, monkeypatch, name):
    """One fault at a time: exit code 1, its line begins with MEND, the next one says what to do in words."""
    if name == "Python":
        monkeypatch.setattr(runtime, "SUPPORTED_PYTHON", ((3, 8), (3, 9)))
    elif name == "memory":
        monkeypatch.setattr(runtime, "memory_gib", lambda: (4.0, 0.5))
    elif name == "disk":
        monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(2**30, 2**30, 0))
    elif name == "Jupyter":
        find = importlib.util.find_spec
        monkeypatch.setattr(importlib.util, "find_spec", lambda x, *a: None if x == "jupyterlab" else find(x, *a))
    else:
        monkeypatch.setitem(sys.modules, "tensorflow", None)
        monkeypatch.setitem(sys.modules, "keras", None)
        monkeypatch.setattr(runtime, "xla_works", lambda: True)
        monkeypatch.setattr(runtime, "device", lambda: "CPU")
    assert cli.main(["doctor"]) == 1
    out = capsys.readouterr().out
    lines = out.splitlines()
    (at,) = [i for i, line in enumerate(lines) if line.startswith("MEND")]
    assert lines[at].split()[1] == name
    assert lines[at + 1].strip().startswith("→ ")
    told = lines[at] + lines[at + 1]
    assert any(word in told for word in ("install", "close", "make room", "make setup"))


FAST = "from aigc_course import recipe as r; r.WINDOW = 2; r._SAVE_EVERY = 1; r.SCORED = 60"
LIGHT = FAST + "; r.finish = lambda *_: {'judge_distance': 0.0}"  # the weights are what is asked about


def weights_in(checkpoint):
    """Every array of a checkpoint by its name in the archive, read with h5py: weights, moments, states, steps."""
    import h5py

    found = {}
    with zipfile.ZipFile(checkpoint) as archive, archive.open("model.weights.h5") as file, h5py.File(file) as tree:
        tree.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def wait_for(condition, process, seconds=180):
    """Waits until something has come to pass, while the process lives."""
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "nothing came in time"
        time.sleep(0.02)


@pytest.mark.long
def test_a_run_killed_and_resumed_ends_as_if_it_had_not_been(tmp_path, images_file):
    """SIGKILL after the first checkpoint, then --resume: every weight, moment and random state bit for bit as in a
    run that was left alone (--deterministic), and the history has each step once."""
    asked = ["--steps", 12, "--deterministic"]
    new = ["--batch-size", 8, "--data", images_file]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    slowly = (
        LIGHT
        + """
import time
from aigc_course import gan
save = gan.GAN.save
gan.GAN.save = lambda self, *a, **k: (save(self, *a, **k), time.sleep(1))[0]
"""
    )
    alone = start("train", *asked, *new, "--out", whole, setup=LIGHT)
    out, err = alone.communicate(timeout=300)
    assert alone.returncode == 0, out + err

    victim = start("train", *asked, *new, "--out", killed, setup=slowly)
    wait_for((killed / "checkpoint.keras").exists, victim)
    victim.kill()
    victim.communicate()
    assert victim.returncode == -signal.SIGKILL
    assert not (killed / "report.json").exists()
    assert GAN.load(killed / "checkpoint.keras").step < 12

    resumed = start("train", *asked, "--out", killed, "--resume", setup=LIGHT)
    out, err = resumed.communicate(timeout=300)
    assert resumed.returncode == 0, out + err
    assert "resuming at step" in out
    first, second = (weights_in(folder / "checkpoint.keras") for folder in (whole, killed))
    assert first.keys() == second.keys()
    assert len(first) > 60
    different = [name for name in first if not np.array_equal(first[name], second[name])]
    assert different == []
    for folder in (whole, killed):
        assert [row["step"] for row in recipe.read_history(folder)] == [2, 4, 6, 8, 10, 12]


@pytest.mark.long
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_keeps_what_was_learnt(tmp_path, images_file, sent):
    """Ctrl-C, or a polite kill, in the middle of training: exit code 130, a checkpoint, pictures and a report that
    says "interrupted", the command to go on; no traceback. That command goes on from there."""
    out = tmp_path / "run"
    process = start("train", "--steps", 100_000, "--batch-size", 8, "--data", images_file, "--out", out, setup=FAST)
    wait_for(lambda: len(recipe.read_history(out)) >= 2, process)
    process.send_signal(sent)
    said, err = process.communicate(timeout=120)
    assert process.returncode == 130, said + err
    assert "Traceback" not in said + err
    assert "--resume" in said
    report = json.loads((out / "report.json").read_text())
    assert report["interrupted"] is True
    assert report["steps"] >= 4
    gan = GAN.load(out / "checkpoint.keras")
    assert gan.step == report["steps"]
    with Image.open(out / "samples.png") as image:
        image.load()
    assert not [p.name for p in out.iterdir() if p.name.startswith(".")]
    if sent == signal.SIGINT:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(recipe, "finish", lambda *_: {"judge_distance": 0.0})
            assert cli.main(["train", "--steps", str(gan.step + 1), "--out", str(out), "--resume"]) == 0
        assert GAN.load(out / "checkpoint.keras").step == gan.step + 1
