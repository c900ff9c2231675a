"""A project's folder: what `make train` wrote, or a folder with project.toml. Nothing of it is run."""

import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from aigc_course.capstone import measures
from aigc_course.errors import CourseError, number, one_of, whole_number

__all__ = ["DRAWS", "FILE", "NUMBER", "Project", "check_claim", "read"]

FILE = "project.toml"
DRAWS = 3  # of `make train`'s generator: a spread needs several
# The fields of a number, with what they are unless said otherwise.
NUMBER = {"name": None, "measure": None, "file": None, "seed": 7, "draws": DRAWS, "n": 5000}
_MORE = (
    "value",
    "low",
    "high",
    "data",
    "column",
    "where",
    "against",
    "why",
    "runs",
)  # fields that a number may have too


@dataclass(frozen=True)
class Project:
    """What a card is made of.

    Attributes:
        folder: `pathlib.Path`.
        facts: dict: title, question, answer, licence, ships, limits, uses, script, minutes, library.
        data: tuple of dicts: asset (a file of the course) or name and licence; use; sheet (answers, optional).
        numbers: tuple of dicts, the fields of NUMBER and value, low, high where they were claimed.
        settings: dict, what decided the run.
        machine: dict, versions and device.
    """

    folder: Path
    facts: dict
    data: tuple
    numbers: tuple
    settings: dict = field(default_factory=dict)
    machine: dict = field(default_factory=dict)

    @property
    def used(self):
        """{name of a data set: its SPDX expression, None for a file of the course}."""
        return {part.get("asset") or part["name"]: part.get("licence") for part in self.data}


def read(folder):
    """The project in a folder.

    Raises:
        CourseError: no folder, none of the two kinds, or a field that is missing or wrong.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise CourseError(f"RUN must be a folder, of `train` or with {FILE}; there is no folder {folder}.")
    if (folder / FILE).is_file():
        return _described(folder)
    if (folder / "report.json").is_file():
        return _trained(folder)
    raise CourseError(f"{folder} holds neither {FILE} nor report.json; `python -m aigc_course train` writes one.")


def check_claim(claim, within=True):
    """A number's fields, complete and of the right kind; a number without a registered measurement is refused.

    With `within`, one whose value lies outside its own interval too.
    """
    if not isinstance(claim, dict):
        raise CourseError(f"a number is a table with the fields {', '.join(NUMBER)}; received {claim!r}.")
    found = {**NUMBER, **claim}
    if unknown := sorted(set(found) - {*NUMBER, *_MORE}):
        raise CourseError(f"a number has no field {unknown[0]!r}; its fields are {', '.join((*NUMBER, *_MORE))}.")
    name = found["name"]
    if not isinstance(name, str) or not name:
        raise CourseError(f"each number needs a name; received {name!r}.")
    if found["measure"] is None:
        raise CourseError(f"the number {name!r} names no measurement. Take one of {', '.join(measures.MEASURES)}.")
    one_of(found["measure"], measures.MEASURES, f"the measurement of {name!r}")
    whole_number(found["seed"], f"the seed of {name!r}", low=0)
    whole_number(found["draws"], f"draws of {name!r}", low=2, high=100)
    whole_number(found["n"], f"n of {name!r}", low=2, high=100_000)
    for key in ("where", "against"):
        if key in found and not isinstance(found[key], dict):
            raise CourseError(
                f"{key} of {name!r} must be a table such as {{ arm = 'plain' }}; received {found[key]!r}."
            )
    claimed = [key for key in ("value", "low", "high") if key in found]
    if claimed and len(claimed) < 3:
        raise CourseError(f"{name!r} claims {claimed[0]} alone: a number needs value, low and high, its interval.")
    for key in claimed:
        number(found[key], f"{key} of {name!r}")
    if within and claimed and not found["low"] <= found["value"] <= found["high"]:
        raise CourseError(f"{name!r}: the value {found['value']} is outside its own {found['low']} … {found['high']}.")
    return found


def _described(folder):
    """A folder with project.toml."""
    try:
        text = tomllib.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CourseError(f"{folder / FILE} cannot be read: {error}.") from error
    facts = text.get("project")
    if not isinstance(facts, dict):
        raise CourseError(f"{folder / FILE} needs a table [project] with title, question, licence and ships.")
    for key in ("title", "question", "licence", "ships"):
        if not isinstance(facts.get(key), str) or not facts[key].strip():
            raise CourseError(f"{folder / FILE}: [project] needs {key!r}, in words; received {facts.get(key)!r}.")
    parts = text.get("data", [])
    if not parts or not all(isinstance(part, dict) and (part.get("asset") or part.get("name")) for part in parts):
        raise CourseError(f"{folder / FILE} needs [[data]] for each data set: `asset`, or `name` and `licence`.")
    numbers = tuple(check_claim(claim) for claim in text.get("number", []))
    if not numbers:
        raise CourseError(f"{folder / FILE} has no [[number]]: a card without a measured number says nothing.")
    return Project(folder, facts, tuple(parts), numbers, text.get("settings", {}), text.get("machine", {}))


def _trained(folder):
    """What `python -m aigc_course train` wrote."""
    try:
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        settings, n = report["settings"], whole_number(report["n"], "n")
        score, seconds = number(report["judge_distance"], "judge_distance"), number(report["seconds"], "seconds")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CourseError(f"{folder / 'report.json'} is no report of `train` ({error}). Train again.") from error
    known = settings.get("data") == "mnist"
    facts = {
        "title": "Digits drawn by the article's generator" if known else "Images drawn by the article's generator",
        "question": "How close to real images does the article's generator come in this many steps?",
        "answer": f"After {report['steps']} steps in {seconds:.0f} s the run itself reported {score:.2f}.",
        "licence": "Apache-2.0",
        "ships": "weights",
        "library": "keras",
        "reported": score,
        "seconds": seconds,
    }
    used = {"asset": "mnist.npz"} if known else {"name": str(settings.get("data")), "licence": ""}
    claim = check_claim(
        {"name": "judge distance", "measure": "judge_distance", "file": "generator.weights.h5", "n": n}
        | {"why": f"report.json says {score:.2f}, real digits score {report.get('floor', float('nan')):.2f}"}
    )
    machine = {key: report[key] for key in ("versions", "device", "cores", "memory_gib") if key in report}
    return Project(folder, facts, ({**used, "use": "training"},), (claim,), settings, machine)
