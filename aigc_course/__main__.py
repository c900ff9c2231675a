"""The command line: python -m aigc_course train | sample | generate | grade | doctor."""

import argparse
import csv
import json
import os
import signal
import sys
import time
from pathlib import Path

from aigc_course import doctor as machine

if __name__ == "__main__" and not machine.can_run():
    sys.exit(machine.without_packages(sys.argv[1:]))

import numpy as np

from aigc_course import data, runtime
from aigc_course.doctor import doctor
from aigc_course.errors import Stopped
from aigc_course.grading import command
from aigc_course.lmdg import command as large
from aigc_course.runtime import CourseError, write_whole

STEPS = 2800  # of `make train`
# The recipe of `make train`, found by trial: benchmarks/RESULTS.md has the table. Rates are those of D and of G.
RECIPE = {"batch_size": 16, "later_batch_size": 64, "rates": (2e-3, 1e-3), "beta_2": 0.99, "r1": 0.1}
GROW_AT = 1300  # the step from which on a batch has later_batch_size images
OBJECTIVES = ("smoothed", "non_saturating", "minimax", "relativistic")  # those that need no bound on the critic
WINDOW = 50  # steps in one line of history.csv
SAVE_EVERY = 4  # windows between two checkpoints
COLUMNS = ("step", "seconds", "images_per_second", "d_loss", "g_loss", "real_share", "fake_share")
SCORED = 5_000  # images that the final score rests on


class Parser(argparse.ArgumentParser):
    """Errors in one line."""

    def error(self, message):
        self.exit(2, f"error: {message} (see `python -m aigc_course --help`)\n")


def parser():
    """The command line's grammar."""
    top = Parser(prog="python -m aigc_course", description="AIGC: principles and code. The course's commands.")
    commands = top.add_subparsers(dest="command", required=True, parser_class=Parser)
    train = commands.add_parser("train", help="train the article's networks from nothing to digits")
    train.add_argument("--steps", type=int, default=STEPS, help=f"training steps in all (default {STEPS})")
    train.add_argument("--batch-size", type=int, default=None, help="images in a step (default: 16, later 64)")
    train.add_argument("--seed", type=int, default=None, help="decides everything random (default 7)")
    train.add_argument(
        "--objective", default=None, help="smoothed (default), non_saturating, minimax, wasserstein or relativistic"
    )
    train.add_argument("--data", default=None, help="an .npz or .npy of uint8 images (N, 28, 28); default MNIST")
    train.add_argument("--out", default="runs/train", help="folder for the results (default runs/train)")
    train.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    train.add_argument("--workers", default=None, help="HOST:PORT,HOST:PORT of all machines, the same on each")
    train.add_argument("--rank", type=int, default=None, help="with --workers: this machine's place, 0 reports")
    train.add_argument("--deterministic", action="store_true", help="the same bits each time (slower)")
    sample = commands.add_parser("sample", help="draw images from trained weights")
    sample.add_argument("--weights", default=None, help=".keras checkpoint or .weights.h5 (default: the shipped ones)")
    sample.add_argument("--n", type=int, default=40, help="how many images (default 40)")
    sample.add_argument("--seed", type=int, default=0, help="of the noise (default 0)")
    sample.add_argument("--out", default="samples.png", help="the picture's file, .png (default samples.png)")
    large.add_parser(commands)
    command.add_parser(commands)
    commands.add_parser("doctor", help="check this machine and say what to mend")
    return top


# --- train -----------------------------------------------------------------------------------------------


def train(arguments):
    """Trains, or goes on training; writes samples.png, history.csv, report.json and checkpoint.keras."""
    out = Path(arguments.out)
    settings = train_settings(arguments, out)
    (images, _), _ = data.load_mnist() if settings["data"] == "mnist" else ((data.load_images(settings["data"]), 0), 0)
    for _, size in phases(settings, 0, arguments.steps):
        check_fits_article(images, size)
    runtime.check_writable(out)
    checkpoint = out / "checkpoint.keras"
    if arguments.workers or arguments.rank is not None:
        return train_together(arguments, out, settings, images)
    runtime.start(settings["seed"], deterministic=arguments.deterministic)
    from aigc_course import gan as gan_module

    if arguments.resume:
        gan = gan_module.GAN.load(checkpoint)
        gan.check_image_shape((*images.shape[1:], 1)[:3])
        rows = [row for row in read_history(out) if row["step"] <= gan.step]
        print(f"resuming at step {gan.step} of {arguments.steps}")
        if gan.step >= arguments.steps:
            raise CourseError(f"{checkpoint} is at step {gan.step} already. Ask for more: --steps {2 * gan.step}.")
    else:
        if checkpoint.exists():
            os.replace(checkpoint, out / "checkpoint.previous.keras")
            print(f"starting anew; the earlier checkpoint is kept as {out / 'checkpoint.previous.keras'}")
        gan = new_gan(settings)
        rows = []
    write_json(out / "settings.json", settings)

    before = rows[-1]["seconds"] if rows else 0.0
    log = HistoryFile(out / "history.csv", rows, settings, before)
    callbacks = [log.callback(), gan_module.Checkpoint(checkpoint, every=SAVE_EVERY)]
    interrupted = not fit_to(gan, images, phases(settings, gan.step, arguments.steps), callbacks)
    gan.save(checkpoint)
    report = finish(gan, out, settings, log, interrupted)
    if interrupted:
        print(f"interrupted at step {gan.step}; what was learnt is in {checkpoint}. Go on with:\n"
              f"  python -m aigc_course train --steps {arguments.steps} --out {out} --resume")  # fmt: skip
        return 130
    if report["judge_distance"] is None:
        print("error: training diverged, the images hold NaN. Train anew with another --seed.", file=sys.stderr)
        return 1
    return 0


def new_gan(settings):
    """The article's networks as a compiled GAN."""
    from aigc_course import gan as gan_module
    from aigc_course import models

    networks = models.build_generator(), models.build_discriminator()
    options = {"objective": settings["objective"], "seed": settings["seed"]}
    gan = gan_module.GAN(*networks, **options, d_first=True, r1=RECIPE["r1"], g_dropout=False)
    gan.compile(*(gan_module.adam(rate, RECIPE["beta_2"]) for rate in RECIPE["rates"]))
    return gan


def phases(settings, start, steps):
    """From step `start` to step `steps` in parts of one batch size: list of (last step, batch size).

    Small batches first, for many steps an image; larger ones later, for slopes with less noise (Smith et al., 2018).
    """
    change = min(GROW_AT, steps)
    parts = ((start, change, settings["batch_size"]), (max(start, change), steps, settings["later_batch_size"]))
    return [(end, size) for begin, end, size in parts if end > begin]


def images_in(parts, begun):
    """How many images the steps of `phases` take from step `begun` on."""
    starts = [begun, *(end for end, _ in parts)]
    return sum((end - start) * size for start, (end, size) in zip(starts, parts, strict=False))


def train_together(arguments, out, settings, images):
    """One of several machines: all run the same command, each with its --rank; rank 0 writes the results."""
    from aigc_course import distributed

    addresses = arguments.workers.split(",") if arguments.workers else None
    rank, workers = distributed.cluster(addresses, arguments.rank)
    for _, size in phases(settings, 0, arguments.steps):
        distributed.share_of(size, workers)
    checkpoint = out / "checkpoint.keras"
    if checkpoint.exists() and not arguments.resume:
        raise CourseError(f"{checkpoint} is there from an earlier run. Add --resume, or take another --out.")
    print(f"worker {rank} of {workers}: waiting for the others", flush=True)
    together = distributed.strategy()
    runtime.start(settings["seed"])
    rows, log = read_history(out) if arguments.resume else [], None
    if rank == 0:
        write_json(out / "settings.json", settings)
        log = HistoryFile(out / "history.csv", rows, settings, rows[-1]["seconds"] if rows else 0.0)

    def report(step, logs):
        log.add(step, logs)
        print(f"step {step} of {arguments.steps} · {log.rows[-1]['images_per_second']:.0f} images/s · "
              f"D {logs['d_loss']:.3f} · G {logs['g_loss']:.3f}", flush=True)  # fmt: skip

    gan = distributed.train(together, lambda: new_gan(settings), images, arguments.steps,
                            lambda start: phases(settings, start, arguments.steps),
                            checkpoint, rank, WINDOW, report)  # fmt: skip
    if rank == 0:
        finish(gan, out, settings, log, interrupted=False)
    return 0


def train_settings(arguments, out):
    """What decides the course of a run; on --resume taken from its folder, and checked against the arguments."""
    asked = {
        "batch_size": arguments.batch_size,
        "later_batch_size": arguments.batch_size,  # a size that was asked for stays
        "seed": arguments.seed,
        "objective": arguments.objective,
        "data": arguments.data and str(Path(arguments.data).resolve()),
    }
    sizes = {name: RECIPE[name] for name in ("batch_size", "later_batch_size")}
    settings = {**sizes, "seed": 7, "objective": "smoothed", "data": "mnist"}
    if arguments.resume:
        if not (out / "checkpoint.keras").is_file():
            raise CourseError(
                f"--resume needs a checkpoint; there is no {out / 'checkpoint.keras'}. Leave --resume out."
            )
        try:
            stored = json.loads((out / "settings.json").read_text(encoding="utf-8"))
            stored.setdefault("later_batch_size", stored["batch_size"])  # runs before there were two sizes
            settings.update({name: type(value)(stored[name]) for name, value in settings.items()})
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise CourseError(
                f"{out / 'settings.json'} cannot be read ({type(error).__name__}). Train anew."
            ) from error
        for name, value in asked.items():
            if value is not None and value != settings[name]:
                raise CourseError(
                    f"the run in {out} was trained with {name} {settings[name]}; received {value}. "
                    f"Leave --{name.replace('_', '-')} out, or start anew in another --out."
                )
    settings.update({name: value for name, value in asked.items() if value is not None})
    if arguments.steps < 1:
        raise CourseError(f"--steps must be 1 or more; received {arguments.steps}.")
    if settings["objective"] not in OBJECTIVES:
        raise CourseError(f"--objective must be one of {', '.join(OBJECTIVES)}; received {settings['objective']!r}.")
    if not 0 <= settings["seed"] < 2**31:
        raise CourseError(f"--seed must lie in 0 … 2147483647; received {settings['seed']}.")
    return settings


def check_fits_article(images, batch_size):
    """Says so if the article's networks cannot take these images."""
    if images.shape[1:] not in ((28, 28), (28, 28, 1)):
        raise CourseError(
            f"the article's networks draw images of 28 × 28 in grey; received {images.shape[1:]}. "
            "Resize them to (N, 28, 28)."
        )
    if not 2 <= batch_size <= len(images):
        raise CourseError(
            f"--batch-size must lie between 2 (batch normalisation needs two) and the number of images, "
            f"{len(images)}; received {batch_size}."
        )


def fit_to(gan, images, parts, callbacks, verbose="auto"):
    """Trains through `phases` in windows of WINDOW steps and a shorter last one; False if Ctrl-C came."""
    for end, size in parts:
        whole, rest = divmod(end - gan.step, WINDOW)
        for epochs, length in ((whole, WINDOW), (1 if rest else 0, rest)):
            options = {"epochs": epochs, "steps_per_epoch": length, "callbacks": callbacks, "verbose": verbose}
            try:
                if epochs:
                    gan.fit(images, size, **options)
            except Stopped as stopped:
                print(stopped)
                return False
    return True


def finish(gan, out, settings, log, interrupted):
    """Draws and judges the samples; writes samples.png and report.json and prints the result."""
    from aigc_course import gan as gan_module
    from aigc_course import metrics, plots

    samples = gan.sample(SCORED)
    finite = bool(np.isfinite(samples).all())
    gan_module.save_weights(gan.ema_generator, out / "generator.weights.h5")
    if finite:
        picture = plots.png(plots.image_grid(samples[:50], title=f"step {gan.step}"))
        write_whole(out / "samples.png", lambda part: part.write_bytes(picture))
    score = metrics.judge_distance(samples) if finite else None
    shares = metrics.judge().class_shares(samples).round(4).tolist() if finite else None
    report = {
        "seconds": round(log.seconds(), 1),
        "steps": gan.step,
        "images_per_second": round(log.images_per_second(), 1),
        **(score.as_dict() if finite else {"judge_distance": None}),
        "class_shares": shares,
        "interrupted": interrupted,
        "settings": settings,
        "versions": runtime.versions(),
        "device": runtime.device(),
        "cores": runtime.cores(),
        "memory_gib": round(runtime.memory_gib()[0], 1),
    }
    write_json(out / "report.json", report)
    print(f"{report['steps']} steps, {report['seconds']:.0f} s, {report['images_per_second']:.0f} images/s; "
          f"class shares {min(shares or [0]):.1%} … {max(shares or [0]):.1%}; results in {out}/")  # fmt: skip
    return report


class HistoryFile:
    """history.csv: one row a window, written as it comes, so that a killed run keeps its rows."""

    def __init__(self, path, rows, settings, before):
        self.path, self.rows, self.settings, self.before = path, rows, settings, before
        self.started = time.perf_counter()
        self.write()

    def seconds(self):
        """Training seconds so far, those of earlier sessions of the run included."""
        return self.before + time.perf_counter() - self.started

    def images_per_second(self):
        """The median over the windows: compilation and a machine busy elsewhere fall out."""
        return float(np.median([row["images_per_second"] for row in self.rows])) if self.rows else 0.0

    def callback(self):
        """A Keras callback that adds a row at the end of each window."""
        import keras

        callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: self.add(callback.model.step, logs))
        return callback

    def add(self, step, logs):
        """Adds the row of the window that ends at `step`."""
        now, last = self.seconds(), self.rows[-1] if self.rows else {"step": 0, "seconds": 0.0}
        images = images_in(phases(self.settings, last["step"], step), last["step"])
        rate = images / max(now - last["seconds"], 1e-9)
        values = {name: float(logs[name]) for name in COLUMNS[3:]}
        self.rows.append({"step": step, "seconds": round(now, 2), "images_per_second": round(rate, 1), **values})
        self.write()

    def write(self):
        lines = [",".join(COLUMNS), *(",".join(f"{row[name]:g}" for name in COLUMNS) for row in self.rows)]
        write_whole(self.path, lambda part: part.write_text("\n".join(lines) + "\n", encoding="utf-8"))


def read_history(out):
    """The rows of history.csv as dicts of numbers; none if there is no such file."""
    try:
        with open(out / "history.csv", encoding="utf-8", newline="") as file:
            return [
                {name: float(row[name]) for name in COLUMNS} | {"step": int(float(row["step"]))}
                for row in csv.DictReader(file)
            ]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def write_json(path, value):
    """A dict as JSON, whole or not at all."""
    write_whole(path, lambda part: part.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8"))


# --- sample ----------------------------------------------------------------------------------------------


def sample(arguments):
    """Draws images and writes them as one picture."""
    out = Path(arguments.out)
    if not 1 <= arguments.n <= 10_000:
        raise CourseError(f"--n must lie in 1 … 10000; received {arguments.n}.")
    if arguments.seed < 0:
        raise CourseError(f"--seed must be 0 or more; received {arguments.seed}.")
    if out.suffix.lower() != ".png":
        raise CourseError(f"--out must end in .png; received {out.name!r}.")
    runtime.check_writable(out.parent)
    if arguments.weights and not Path(arguments.weights).is_file():
        raise CourseError(f"--weights must name a file; there is no {arguments.weights}. Train first: make train.")
    runtime.start(7, report=False)
    from aigc_course import gan, plots

    generator = gan.load_generator(arguments.weights)
    size = (arguments.n, generator.input_shape[-1])
    images = gan.generate(generator, np.random.default_rng(arguments.seed).standard_normal(size, dtype=np.float32))
    columns = max(1, int(np.ceil(np.sqrt(arguments.n * 1.6))))
    picture = plots.png(plots.image_grid(images, columns=columns))
    write_whole(out, lambda part: part.write_bytes(picture))
    print(f"{arguments.n} images in {out}")
    return 0


COMMANDS = {"train": train, "sample": sample, "generate": large.generate, "grade": command.grade, "doctor": doctor}


def main(argv=None):
    """Runs a command; returns the exit code: 0, 1 (doctor found faults), 2 (bad input), 130 (Ctrl-C)."""
    runtime.forgiving_output()
    arguments = parser().parse_args(argv)
    runtime.configure()
    if hasattr(signal, "SIGTERM"):  # a polite kill is treated as Ctrl-C: nothing learnt is lost
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return COMMANDS[arguments.command](arguments)
    except CourseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.filename is None:
            raise
        print(f"error: {runtime.unreadable(error.filename, error) or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
