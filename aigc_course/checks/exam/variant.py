"""What a variant of an exercise is: the same function, another question, so that the public solution does not pass."""

import dataclasses
from typing import NamedTuple

from aigc_course.checks.exercise import Exercise

__all__ = ["Variant", "derive"]


class Variant(NamedTuple):
    """One exercise of an examination.

    Attributes:
        exercise: `Exercise`; its key is the public one's, a stroke and the seed: "02.1/7".
        task: str, what the learner reads, in Markdown, without the heading.
        stub: str, imports where the public exercise has some, the line `def …` and the docstring.
        changed: str, what differs from the public exercise, for the instructor.
    """

    exercise: Exercise
    task: str
    stub: str
    changed: str


def derive(base, seed, task, stub, changed, title, checked, expected, cases=None, hints=(), **fields):
    """A `Variant` of a public exercise. The first hint is for those who handed in the public solution.

    Args:
        base: `Exercise`, the public one.
        seed: int, part of the new key.
        task, stub, changed: str, as in `Variant`.
        title, checked, expected, hints: as in `Exercise`.
        cases: as in `Exercise`; None: the public exercise's.
        **fields: other fields of `Exercise` that differ.
    """
    public = (f"that answers the public exercise {base.key}. Read this one to its end: something is different.",)
    exercise = dataclasses.replace(
        base,
        key=f"{base.key}/{seed}",
        title=title,
        checked=checked,
        expected=expected,
        cases=cases or base.cases,
        hints=((*public, base.expected), *hints),
        special=None,
        judge=None,
        restart=None,
        look="",
        onward="",
        **fields,
    )
    return Variant(exercise, task, stub, changed)
