"""The command `python -m aigc_course assignment`: a notebook of variants for an examination, which `grade` knows."""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from aigc_course import checks
from aigc_course.checks import exam
from aigc_course.errors import CourseError, whole_number
from aigc_course.files import write_whole

__all__ = ["add_parser", "book", "choose", "run"]

_MOST = 10**9 - 1  # of a seed


def add_parser(commands: Any) -> None:
    """The command `assignment` for the course's command line."""
    parser = commands.add_parser("assignment", help="make an examination: variants of exercises with other questions")
    parser.add_argument("--seed", type=int, required=True, help="decides every number and convention in it")
    words = "chapters, two digits each (default: all that have variants)"
    parser.add_argument("--chapters", nargs="+", default=None, metavar="NN", help=words)
    parser.add_argument("--most", type=int, default=None, metavar="N", help="at most N exercises, drawn by the seed")
    parser.add_argument("--out", default="assignments", help="folder (default assignments): DIR/exam_S/exam_S.ipynb")


def run(arguments: argparse.Namespace) -> int:
    """Writes the notebook and, for the instructor alone, a page that says what differs; returns 0."""
    seed = whole_number(arguments.seed, "--seed", low=0, high=_MOST)
    keys = choose(seed, arguments.chapters, arguments.most)
    name = f"exam_{seed}"
    folder = Path(arguments.out)
    _write(folder / name / f"{name}.ipynb", json.dumps(book(seed, keys), ensure_ascii=False, indent=1) + "\n")
    _write(folder / f"{name}_instructor.md", _for_instructor(seed, keys))
    print(f"{folder / name / f'{name}.ipynb'}: {len(keys)} exercises, {_points(seed, keys)} points")
    print(f"grade with: python -m aigc_course grade SUBMISSIONS --assignment {name} --exercises {folder}")
    return 0


def choose(seed: int, chapters: list[str] | None = None, most: int | None = None) -> list[str]:
    """Public keys of the exercises of an examination, in order.

    Args:
        seed: decides which are taken where there are more than `most`.
        chapters: two digits each; None: all that have variants.
        most: at most so many; None: all.

    Raises:
        CourseError: a chapter without variants, or no exercise asked for.
    """
    there = exam.chapters(checks.EXERCISES)
    wanted = list(there) if chapters is None else list(dict.fromkeys(chapters))
    for chapter in wanted:
        if chapter not in there:
            raise CourseError(f"--chapters must be of {', '.join(there)}, those with variants; received {chapter!r}.")
    keys = [key for chapter in wanted for key in there[chapter]]
    if most is not None:
        whole_number(most, "--most")
        keys = [keys[i] for i in np.random.default_rng(seed).permutation(len(keys))[:most]]
    return sorted(keys)


def book(seed: int, keys: list[str]) -> dict[str, Any]:
    """The notebook as nbformat has it: head, setup, then task, answer and check of each exercise.

    Args:
        seed: of the variants.
        keys: public keys.
    """
    cells = [_text("head", _head(seed, keys)), _code("setup", _SETUP)]
    for key in keys:
        cells += _exercise(exam.make(f"{key}/{seed}", checks.EXERCISES))
    about = {"assignment": {"seed": seed, "keys": [f"{key}/{seed}" for key in keys]}}
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}, "aigc": about}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


_SETUP = "import numpy as np\n\nfrom aigc_course import checks, runtime"


def _head(seed: int, keys: list[str]) -> str:
    """The first cell."""
    return (
        f"# Examination {seed}\n\n{len(keys)} exercises, {_points(seed, keys)} points. Each resembles an exercise of "
        "the course and **asks for something else**: read to the end. Write each function where it says so, run its "
        "cell, then the check below it, which tries your function on new random inputs. Keep the functions' names. "
        "Hand in the saved notebook."
    )


def _points(seed: int, keys: list[str]) -> int:
    """The sum of points."""
    return sum(checks.find(f"{key}/{seed}").points for key in keys)


def _exercise(variant: exam.Variant) -> list[dict[str, Any]]:
    """The three cells of one exercise."""
    one = variant.exercise
    name = one.key.replace(".", "-").replace("/", "-")
    points = f"{one.points} point{'s' * (one.points > 1)}"
    answer = _code(f"answer-{name}", f"{variant.stub.rstrip()}\n    # YOUR CODE HERE\n    raise NotImplementedError")
    check = _code(f"check-{name}", f'checks.check("{one.key}", {one.function})')
    answer["metadata"] = {"deletable": False, "nbgrader": _nbgrader(name, solution=True)}
    grade = _nbgrader(f"{name}-check", grade=True, locked=True, points=one.points)
    check["metadata"] = {"deletable": False, "editable": False, "nbgrader": grade}
    return [_text(f"task-{name}", f"## {one.key} {one.title} ({points})\n\n{variant.task}"), answer, check]


def _nbgrader(grade_id: str, **fields: Any) -> dict[str, Any]:
    """A cell's nbgrader metadata."""
    plain = {"cell_type": "code", "grade": False, "locked": False, "solution": False, "task": False}
    return {**plain, "grade_id": grade_id, "schema_version": 3, **fields}


def _text(name: str, source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": source.splitlines(keepends=True)}


def _code(name: str, source: str) -> dict[str, Any]:
    cell = {"cell_type": "code", "execution_count": None, "id": name, "metadata": {}, "outputs": []}
    return {**cell, "source": source.splitlines(keepends=True)}


def _for_instructor(seed: int, keys: list[str]) -> str:
    """What differs from the public exercises, a line each."""
    lines = [f"# Examination {seed}: for the instructor alone", "", "| key | differs | checked |", "|---|---|---|"]
    for key in keys:
        variant = exam.make(f"{key}/{seed}", checks.EXERCISES)
        lines.append(f"| {variant.exercise.key} | {variant.changed} | {variant.exercise.checked} |")
    return "\n".join(lines) + "\n"


def _write(path: Path, text: str) -> None:
    """A file, whole or not at all."""
    write_whole(path, lambda part: part.write_text(text, encoding="utf-8"))
