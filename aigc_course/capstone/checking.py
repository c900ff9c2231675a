"""`card RUN --check`: makes a card's numbers again, and says which miss their interval."""

from typing import NamedTuple

from aigc_course.capstone import intervals, measures
from aigc_course.errors import CourseError

__all__ = ["Outcome", "numbers"]


class Outcome(NamedTuple):
    """What came of one number: "holds", "misses", "cannot" (a file is gone), "not run" (it needs own code)."""

    state: str
    line: str


def numbers(folder, claims, run_code=False, seed=None, progress=None):
    """An `Outcome` for each number.

    Args:
        folder: `pathlib.Path` of the project.
        claims: list of dicts of `card.claims`.
        run_code: whether measurements may run the project's own code.
        seed: int, to draw from other seeds than the card; None: from the card's.
        progress: function of a number's name.

    Returns:
        list of `Outcome`.
    """
    found = []
    for claim in claims:
        if progress:
            progress(claim["name"])
        found.append(_one(folder, claim, run_code, seed))
    return found


def _one(folder, claim, run_code, seed):
    """One number, made again."""
    if measures.MEASURES[claim["measure"]].code and not run_code:
        return Outcome("not run", f"{claim['name']}: needs the project's own code; add --run-code to run it")
    try:
        value = measures.again(folder, claim if seed is None else {**claim, "seed": seed}).value
    except CourseError as error:
        return Outcome("cannot", f"{claim['name']}: cannot be made again: {error}")
    ends = intervals.Interval(claim["value"], claim["low"], claim["high"])
    said = f"{claim['name']}: {value:.6g}, card {claim['value']:.6g} ({claim['low']:.6g} … {claim['high']:.6g})"
    return Outcome("holds", said) if ends.holds(value) else Outcome("misses", f"{said}: outside")
