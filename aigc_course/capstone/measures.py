"""The measurements that a card's numbers may name. Each makes its number again from a file of the project."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from aigc_course import data, files, runtime
from aigc_course.capstone import intervals
from aigc_course.errors import CourseError, one_of

__all__ = ["DATA", "MEASURES", "Measure", "again", "inside", "load_network", "runs", "test_images"]

_SECONDS = 600  # for a project's own script
DATA = {"mnist": data.load_mnist, "fashion": data.load_fashion_mnist}


class Measure(NamedTuple):
    """A registered measurement.

    Attributes:
        what: str, in one sentence for the card, with the unit.
        values: function (folder, number) -> array (K,) of values, one a draw; or (right, n) where `share`.
        share: whether it counts right answers.
        better: "lower" or "higher" or "".
        exact: whether it always gives the same (a count): its interval is a point.
        code: whether it runs the project's own code.
        table: whether its values are runs that a table keeps, so that the interval is one of a mean.
        needs: the fields that it looks at, of seed, draws and n.
    """

    what: str
    values: callable
    share: bool = False
    better: str = ""
    exact: bool = False
    code: bool = False
    table: bool = False
    needs: tuple = ()


def again(folder, claim):
    """Makes a number again.

    Args:
        folder: `pathlib.Path` of the project.
        claim: dict of a number: measure, file, seed, draws, n and what the measure needs (`project.NUMBER`).

    Returns:
        `intervals.Interval`.
    """
    measure = one_of(claim["measure"], MEASURES, "measure")
    found = measure.values(Path(folder), claim)
    if measure.share:
        return intervals.wilson(*found)
    if measure.exact:
        return intervals.Interval(float(found), float(found), float(found))
    return (intervals.of_mean if measure.table else intervals.of_repeats)(found)


def runs(folder, claim):
    """How many runs of a table a number rests on."""
    return len(one_of(claim["measure"], MEASURES, "measure").values(Path(folder), claim))


def inside(folder, name):
    """The path of a project's file; one outside the folder, or none, is refused."""
    if not isinstance(name, str) or not name:
        raise CourseError(f"a number needs `file`, the name of a file in the project's folder; received {name!r}.")
    path = (Path(folder) / name).resolve()
    if not path.is_relative_to(Path(folder).resolve()):
        raise CourseError(f"a project's files lie in its folder; received {name!r}.")
    if not path.is_file():
        raise CourseError(f"there is no file {name} in {folder}. Make it with the project's script, or take it out.")
    return path


def load_network(path):
    """A Keras network from .weights.h5 (the article's generator), a .keras file, or a GAN's checkpoint; runs no code.

    Keras' safe mode refuses layers that carry Python code.
    """
    runtime.configure()
    from aigc_course import gan

    if path.name.endswith(".weights.h5"):
        return gan.load_generator(path)
    import keras

    try:
        network = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # zip, HDF5, JSON and Keras each have their own
        said = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise files.unreadable(path, error) or CourseError(
            f"{path.name} cannot be read as a Keras network ({said}). Save it with network.save(…), without Lambda."
        ) from error
    return getattr(network, "ema_generator", network)


def test_images(claim):
    """(images (N, 28, 28, 1) in [-1, 1], labels (N,)): the test set that a number names, its first n images."""
    _, (images, labels) = one_of(claim.get("data", "mnist"), DATA, "data")()
    n = min(int(claim["n"]), len(images))
    return data.scale(images[:n]), labels[:n]


def _judge_distances(folder, claim):
    """`draws` distances of n drawn images each, from the seeds seed, seed + 1, …"""
    network = load_network(inside(folder, claim["file"]))
    from aigc_course import gan, metrics

    judge = metrics.judge()  # not its distance(), which reads 40,000 real images for the floor

    def one(seed):
        size = (int(claim["n"]), network.input_shape[-1])
        noise = np.random.default_rng(seed).standard_normal(size, dtype=np.float32)
        features, _ = judge.read(gan.generate_images(network, noise))
        return metrics.frechet_of_moments(*metrics.moments(features), *judge.test_moments)

    return np.array([one(claim["seed"] + draw) for draw in range(claim["draws"])])


def _right_answers(folder, claim):
    """(right, n) of a classifier on the test images."""
    network = load_network(inside(folder, claim["file"]))
    images, labels = test_images(claim)
    logits = network.predict(images, batch_size=500, verbose=0)
    return int((logits.argmax(axis=1) == labels).sum()), len(labels)


def _weights(folder, claim):
    """How many numbers a network holds."""
    return load_network(inside(folder, claim["file"])).count_params()


def _rows(folder, claim):
    """The column of a project's table, of the rows that `where` chooses, one row a seed."""
    column, where = claim.get("column"), claim.get("where") or {}
    with open(inside(folder, claim["file"]), encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if all(row.get(key) == str(value) for key, value in where.items())]
    try:
        return {row.get("seed", str(place)): float(row[column]) for place, row in enumerate(rows)}
    except (KeyError, TypeError, ValueError) as error:
        raise CourseError(f"{claim['file']} has no numbers in column {column!r}. Name one of its columns.") from error


def _of_table(folder, claim):
    return np.array(list(_rows(folder, claim).values()))


def _paired(folder, claim):
    """Differences of a table's column between two choices of rows, seed by seed."""
    first = _rows(folder, claim)
    second = _rows(folder, {**claim, "where": claim.get("against") or {}})
    if set(first) != set(second) or not first:
        raise CourseError(f"{claim['file']}: `where` and `against` must choose rows of the same seeds, one each.")
    return np.array([first[seed] - second[seed] for seed in first])


def _by_script(folder, claim):
    """What the project's own script answers to --number NAME --seed S --draws K: one JSON line, {"values": […]}."""
    script = inside(folder, claim["file"])
    asked = ["--number", claim["name"], "--seed", str(claim["seed"]), "--draws", str(claim["draws"])]
    try:
        done = subprocess.run(
            [sys.executable, str(script), *asked], cwd=folder, capture_output=True, text=True, timeout=_SECONDS
        )
        return np.asarray(json.loads(done.stdout.strip().splitlines()[-1])["values"], dtype=float)
    except subprocess.TimeoutExpired as error:
        raise CourseError(f"{script.name} took more than {_SECONDS} s for {claim['name']!r}.") from error
    except (IndexError, ValueError, KeyError, TypeError) as error:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1][:200]
        raise CourseError(f'{script.name} gave no line {{"values": […]}} for {claim["name"]!r}: {said}') from error


MEASURES = {
    "judge_distance": Measure(
        "Fréchet distance of drawn digits to the 10,000 test digits (the course's judge)",
        _judge_distances,
        better="lower",
        needs=("seed", "draws", "n"),
    ),
    "accuracy": Measure(
        "share of test images read as labelled", _right_answers, share=True, better="higher", needs=("n",)
    ),
    "parameters": Measure("numbers in the network", _weights, exact=True, better="lower"),
    "mean_over_seeds": Measure("mean of the runs in a table, one run a seed", _of_table, table=True),
    "difference_over_seeds": Measure("mean difference of two ways in a table, paired by seed", _paired, table=True),
    "script": Measure("what the project's own script measures", _by_script, code=True, needs=("seed", "draws")),
}
