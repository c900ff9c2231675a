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
        if progress and not measures.MEASURES[claim["measure"]].table:
            progress(claim["name"])
        found.append(_one(folder, claim, run_code, seed))
    return found


def _one(folder, claim, run_code, seed):
    """One number, made again."""
    how = measures.MEASURES[claim["measure"]]
    if how.code and not run_code:
        return Outcome("not run", f"{claim['name']}: needs the project's own code; add --run-code to run it")
    try:
        found = measures.again(folder, claim if seed is None else {**claim, "seed": seed})
    except CourseError as error:
        return Outcome("cannot", f"{claim['name']}: cannot be made again: {error}")
    said = f"{claim['name']}: {found.value:.6g}, card {claim['value']:.6g} ({claim['low']:.6g} … {claim['high']:.6g})"
    fault = _fault(intervals.Interval(claim["value"], claim["low"], claim["high"]), found, how, seed)
    return Outcome("misses", f"{said}: {fault}") if fault else Outcome("holds", said)


def _fault(card, found, how, seed):
    """What is wrong with a card's number, or None. A table's number must come out exactly: nothing is drawn anew.

    An interval far wider than what comes out would let any number pass; from other seeds a width may differ by chance.
    From the card's own seeds the value comes out as it stands there, up to what another machine rounds.
    """
    if not card.low <= card.value <= card.high:
        return "the card's value is outside its own interval"
    if how.table or how.exact:
        same = all(abs(a - b) <= _ROUNDING * max(1.0, abs(b)) for a, b in zip(card, found, strict=True))
        return None if same else "not what its file gives"
    if not card.holds(found.value):
        return "outside"
    if seed is None and not how.code and abs(card.value - found.value) > _NEAR * (card.high - card.low):
        return "the card's own seeds give another value"
    if seed is None and card.high - card.low > _WIDER * (found.high - found.low) + _ROUNDING:
        return f"the interval is more than {_WIDER} times as wide as {found.low:.6g} … {found.high:.6g}, which came out"
    return None


_ROUNDING, _NEAR, _WIDER = 1e-6, 0.1, 3
