"""`make train`: the recipe, its phases, its history and its report.

The networks are the article's; how they are trained was found by trial (benchmarks/RESULTS.md has the table).
"""

import csv
import json
import os
import sys
import time
from pathlib import Path

import numpy as np

from aigc_course import data, files, runtime
from aigc_course.errors import CourseError, Stopped
from aigc_course.files import write_whole

__all__ = [
    "COLUMNS",
    "FINISH",
    "FIRST",
    "LARGE_STEP",
    "LEAST_MINUTES",
    "OBJECTIVES",
    "POLICIES",
    "RECIPE",
    "SCORED",
    "STEPS",
    "WINDOW",
    "HistoryFile",
    "Plan",
    "finish",
    "fit_to",
    "images_in",
    "new_gan",
    "phases",
    "read_history",
    "run",
]

STEPS = 2800  # of `make train`
# The recipe of `make train`, found by trial: benchmarks/RESULTS.md has the table. Rates are those of D and of G.
# grow_at: the step from which on a batch has later_batch_size images.
RECIPE = {
    "batch_size": 16,
    "later_batch_size": 64,
    "grow_at": 1300,
    "rates": (2e-3, 1e-3),
    "beta_2": 0.99,
    "r1": 0.1,
}
OBJECTIVES = ("smoothed", "non_saturating", "minimax", "relativistic")  # those that need no bound on the critic
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}  # --precision -> Keras' dtype policy
WINDOW = 50  # steps in one line of history.csv
_SAVE_EVERY = 4  # windows between two checkpoints
COLUMNS = ("step", "seconds", "images_per_second", "d_loss", "g_loss", "real_share", "fake_share")
FIRST = 150  # steps that tell how fast a machine is: three windows, the first of which holds the compilation
LARGE_STEP = 3.0  # a step with the large batch, in steps with the small one, until it was measured: 2.98 at 218 GFLOP/s
FINISH = 14.0  # seconds for the start, and for drawing and judging at the end: --minutes 1 took 61.7 s at 200 GFLOP/s
LEAST_MINUTES = 0.5
SCORED = 5_000  # images that the final score rests on


def run(arguments):
    """Trains, or goes on training; writes samples.png, history.csv, report.json and checkpoint.keras."""
    out = Path(arguments.out) if arguments.out else runtime.runs() / "train"
    settings = _train_settings(arguments, out)
    (images, _), _ = data.load_mnist() if settings["data"] == "mnist" else ((data.load_images(settings["data"]), 0), 0)
    for size in (settings["batch_size"], settings["later_batch_size"]):
        _check_fits_article(images, size)
    files.check_writable(out)
    checkpoint = out / "checkpoint.keras"
    if arguments.workers or arguments.rank is not None:
        return _train_together(arguments, out, settings, images)
    runtime.start(settings["seed"], deterministic=arguments.deterministic)
    from aigc_course import gan as gan_module
    from aigc_course import monitors

    if arguments.resume:
        gan = gan_module.GAN.load(checkpoint)
        gan.check_image_shape((*images.shape[1:], 1)[:3])
        rows = [row for row in read_history(out) if row["step"] <= gan.step]
        print(f"resuming at step {gan.step} of {settings['steps']}")
        if gan.step >= settings["steps"]:
            raise CourseError(f"{checkpoint} is at step {gan.step} already. Ask for more: --steps {2 * gan.step}.")
    else:
        if checkpoint.exists():
            os.replace(checkpoint, out / "checkpoint.previous.keras")
            print(f"starting anew; the earlier checkpoint is kept as {out / 'checkpoint.previous.keras'}")
        gan = new_gan(settings)
        rows = []
    _write_json(out / "settings.json", settings)

    before = rows[-1]["seconds"] if rows else 0.0
    log = HistoryFile(out / "history.csv", rows, settings, before)
    callbacks = [log.callback(), monitors.Checkpoint(checkpoint, every=_SAVE_EVERY)]
    plan = Plan(arguments.minutes, settings, log, out) if arguments.minutes else None
    if plan:
        interrupted = not _fit_planned(gan, images, settings, callbacks, plan)
    else:
        interrupted = not fit_to(gan, images, phases(settings, gan.step, settings["steps"]), callbacks)
    gan.save(checkpoint)
    report = finish(gan, out, settings, log, interrupted, plan)
    if interrupted:
        print(
            f"interrupted at step {gan.step}; what was learnt is in {checkpoint}. Go on with:\n"
            f"  python -m aigc_course train --steps {settings['steps']} --out {out} --resume"
        )
        return 130
    if report["judge_distance"] is None:
        print("error: training diverged, the images hold NaN. Train anew with another --seed.", file=sys.stderr)
        return 1
    return 0


def new_gan(settings):
    """The article's networks as a compiled GAN, in the precision of the settings; its weights are float32 in each."""
    import keras

    from aigc_course import gan as gan_module
    from aigc_course import models

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[settings.get("precision", "float32")])
    try:
        networks = models.build_generator(), models.build_discriminator()
    finally:
        keras.config.set_dtype_policy(before)
    options = {"objective": settings["objective"], "seed": settings["seed"]}
    gan = gan_module.GAN(*networks, **options, step="d_first", r1=RECIPE["r1"], g_dropout=False)
    gan.compile(*(gan_module.adam(rate, RECIPE["beta_2"]) for rate in RECIPE["rates"]))
    return gan


def phases(settings, start, steps):
    """From step `start` to step `steps` in parts of one batch size: list of (last step, batch size).

    Small batches first, for many steps an image; larger ones later, for slopes with less noise (Smith et al., 2018).
    """
    change = min(settings["grow_at"], steps)
    parts = ((start, change, settings["batch_size"]), (max(start, change), steps, settings["later_batch_size"]))
    return [(end, size) for begin, end, size in parts if end > begin]


def images_in(parts, begun):
    """How many images the steps of `phases` take from step `begun` on."""
    starts = [begun, *(end for end, _ in parts)]
    return sum((end - start) * size for start, (end, size) in zip(starts, parts, strict=False))


def _train_together(arguments, out, settings, images):
    """One of several machines: all run the same command, each with its --rank; rank 0 writes the results."""
    from aigc_course import distributed

    addresses = arguments.workers.split(",") if arguments.workers else None
    rank, workers = distributed.cluster(addresses, arguments.rank)
    for _, size in phases(settings, 0, settings["steps"]):
        distributed.share_of(size, workers)
    checkpoint = out / "checkpoint.keras"
    if checkpoint.exists() and not arguments.resume:
        raise CourseError(f"{checkpoint} is there from an earlier run. Add --resume, or take another --out.")
    print(f"worker {rank} of {workers}: waiting for the others", flush=True)
    together = distributed.strategy()
    runtime.start(settings["seed"])
    rows, log = read_history(out) if arguments.resume else [], None
    if rank == 0:
        _write_json(out / "settings.json", settings)
        log = HistoryFile(out / "history.csv", rows, settings, rows[-1]["seconds"] if rows else 0.0)

    def report(step, logs):
        log.add(step, logs)
        print(
            f"step {step} of {settings['steps']} · {log.rows[-1]['images_per_second']:.0f} images/s · "
            f"D {logs['d_loss']:.3f} · G {logs['g_loss']:.3f}",
            flush=True,
        )

    try:
        gan = distributed.train_together(
            together,
            lambda: new_gan(settings),
            images,
            settings["steps"],
            lambda start: phases(settings, start, settings["steps"]),
            checkpoint,
            rank,
            WINDOW,
            report,
        )
    except Stopped as stopped:
        print(f"{stopped} Start all workers again with the same command and --resume.")
        return 130
    if rank == 0:
        finish(gan, out, settings, log, interrupted=False)
    return 0


def _train_settings(arguments, out):
    """What decides the course of a run; on --resume taken from its folder, and checked against the arguments."""
    asked = {
        "batch_size": arguments.batch_size,
        "later_batch_size": arguments.batch_size,  # a size that was asked for stays
        "seed": arguments.seed,
        "objective": arguments.objective,
        "precision": arguments.precision,
        "data": arguments.data and str(Path(arguments.data).resolve()),
    }
    kept = {name: RECIPE[name] for name in ("batch_size", "later_batch_size", "grow_at")}
    settings = {**kept, "steps": STEPS, "seed": 7, "objective": "smoothed", "data": "mnist"}
    settings["precision"] = "float32"
    if arguments.resume:
        if not (out / "checkpoint.keras").is_file():
            raise CourseError(
                f"--resume needs a checkpoint; there is no {out / 'checkpoint.keras'}. Leave --resume out."
            )
        try:
            stored = json.loads((out / "settings.json").read_text(encoding="utf-8"))
            stored.setdefault("later_batch_size", stored["batch_size"])  # runs before there were two sizes
            stored = {"steps": STEPS, "grow_at": RECIPE["grow_at"], **stored}  # runs before there were minutes
            stored = {"precision": "float32", **stored}  # runs before there was a choice
            settings.update({name: type(value)(stored[name]) for name, value in settings.items()})
            POLICIES[settings["precision"]]  # a KeyError for a word that nobody wrote
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            lost = CourseError(f"{out / 'settings.json'} cannot be read ({type(error).__name__}). Train anew.")
            raise files.unreadable(out / "settings.json", error) or lost from error
        for name, value in asked.items():
            if value is not None and value != settings[name]:
                raise CourseError(
                    f"the run in {out} was trained with {name} {settings[name]}; received {value}. "
                    f"Leave --{name.replace('_', '-')} out, or start anew in another --out."
                )
    settings.update({name: value for name, value in asked.items() if value is not None})
    settings["steps"] = settings["steps"] if arguments.steps is None else arguments.steps
    _check_minutes(arguments)
    if settings["steps"] < 1:
        raise CourseError(f"--steps must be 1 or more; received {arguments.steps}.")
    if settings["objective"] not in OBJECTIVES:
        raise CourseError(f"--objective must be one of {', '.join(OBJECTIVES)}; received {settings['objective']!r}.")
    if not 0 <= settings["seed"] < 2**31:
        raise CourseError(f"--seed must lie in 0 … 2147483647; received {settings['seed']}.")
    return settings


def _check_minutes(arguments):
    """Says so if --minutes is no time for a training, or comes with what contradicts it."""
    if arguments.minutes is None:
        return
    if not LEAST_MINUTES <= arguments.minutes <= 10_000:  # false for NaN
        raise CourseError(f"--minutes must lie in {LEAST_MINUTES:g} … 10000; received {arguments.minutes:g}.")
    for name in ("steps", "batch_size", "resume", "workers"):
        if getattr(arguments, name):
            told = name.replace("_", "-")
            raise CourseError(f"--minutes finds steps and batches itself, on one machine: leave --{told} out.")


class Plan:
    """Fits the recipe to a time: how many steps, when the batch grows, how many steps the average covers.

    The first steps tell how long one with a small batch takes here. How much longer one with a large batch takes is
    known from other machines only, until the first of those have told.

    Args:
        minutes: float, for the whole command.
        settings: dict, brought up to date as the plan becomes clearer, and written to `out` for --resume.
        log: `HistoryFile` of the run.
        out: `pathlib.Path` of its folder.
    """

    def __init__(self, minutes, settings, log, out):
        self.minutes, self.settings, self.log, self.out = minutes, settings, log, out
        self.predictions = []

    def left(self):
        """Seconds of training that are left."""
        return max(0.0, 60.0 * self.minutes - FINISH - self.log.seconds())

    def update(self, step, grown):
        """Plans the rest of the run at `step`; `grown`: whether the last steps had large batches."""
        before, last = self.log.rows[-2:]
        each = (last["seconds"] - before["seconds"]) / (last["step"] - before["step"])
        if grown:
            self.settings["steps"] = step + int(self.left() / each)
        else:
            small = RECIPE["grow_at"] / STEPS  # their share of all steps
            steps = (self.left() / each + step) / (small + (1 - small) * LARGE_STEP)
            self.settings["grow_at"] = max(step, int(small * steps))
            self.settings["steps"] = max(step + 1, int(steps))
        _write_json(self.out / "settings.json", self.settings)
        self.predictions.append({"step": step, "seconds_a_step": round(each, 4), "steps": self.settings["steps"]})
        said = f"{1 / each:.1f} steps a second here: {self.settings['steps']} steps in {60 * self.minutes:g} s"
        print(said, flush=True)

    def average(self, gan):
        """The average covers the last ninth of a long run too, where it would else end at the last 500 steps."""
        return max(gan.ema_decay, self.settings["steps"] / (self.settings["steps"] + 9.0))

    def report(self):
        """What was asked and what was predicted, at which step."""
        return {"minutes": self.minutes, "predictions": self.predictions}


def _fit_planned(gan, images, settings, callbacks, plan):
    """Trains to the end of a plan, which is made after the first small batches and mended after the first large ones.

    Returns:
        False if Ctrl-C came.
    """

    def through(step):
        return fit_to(gan, images, phases(settings, gan.step, step), callbacks)

    if not through(FIRST):
        return False
    plan.update(gan.step, grown=False)
    if not through(settings["grow_at"]):
        return False
    gan.ema_decay = plan.average(gan)  # another batch size: the step is traced anew, and reads it
    if not through(min(gan.step + FIRST, settings["steps"])):
        return False
    if gan.step < settings["steps"]:
        plan.update(gan.step, grown=True)
    return through(settings["steps"])


def _check_fits_article(images, batch_size):
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


def finish(gan, out, settings, log, interrupted, plan=None):
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
        **({"plan": plan.report()} if plan else {}),
        "settings": settings,
        "versions": runtime.versions(),
        "device": runtime.device(),
        "cores": runtime.cores(),
        "memory_gib": round(runtime.memory_gib()[0], 1),
    }
    _write_json(out / "report.json", report)
    print(
        f"{report['steps']} steps, {report['seconds']:.0f} s, {report['images_per_second']:.0f} images/s; "
        f"class shares {min(shares or [0]):.1%} … {max(shares or [0]):.1%}; results in {out}/"
    )
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
    """The rows of history.csv as dicts of numbers; none if there is no such file, or it is not one of ours."""
    try:
        with open(out / "history.csv", encoding="utf-8", newline="") as file:
            return [
                {name: float(row[name]) for name in COLUMNS} | {"step": int(float(row["step"]))}
                for row in csv.DictReader(file)
            ]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return []
    except OSError as error:  # an empty list would have the file written over
        raise files.unreadable(out / "history.csv", error) or error from error


def _write_json(path, value):
    """A dict as JSON, whole or not at all."""
    write_whole(path, lambda part: part.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8"))
