"""What the course raises, and the three checks of arguments that its public functions share.

Nothing but the standard library is imported here, in words that old Pythons understand: `doctor` runs on them too.
"""

from __future__ import annotations  # old Pythons read this file too: they must not compute the hints

import math
import numbers
from collections.abc import Mapping
from typing import Any

__all__ = ["CourseError", "Stopped", "is_whole", "number", "one_of", "whole_number"]


class CourseError(ValueError):
    """A mistake that the reader can mend. The message says what was expected, what came, and what to do."""


class Stopped(KeyboardInterrupt):
    """Stop, Interrupt or Ctrl-C came during a training of the course; what was learnt until then is kept.

    It goes on upwards, so that a loop around the training, the rest of the cell and Run All end too. Jupyter shows its
    one line instead of a traceback.
    """

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def one_of(name: object, table: Mapping[str, Any], what: str) -> Any:
    """table[name], or a CourseError that lists the names that there are."""
    if not isinstance(name, str) or name not in table:
        raise CourseError(f"{what} must be one of {', '.join(table)}; received {name!r}.")
    return table[name]


def whole_number(value: object, what: str, low: int = 1, high: int | None = None, hint: str = "") -> int:
    """The value as an int, or a CourseError. True and False are no numbers, nor is 3.0.

    Args:
        value: what came.
        what: str, the argument's name.
        low, high: int, the least and the most; high None: no limit.
        hint: str, what to do, the message's end.
    """
    if is_whole(value) and low <= value and (high is None or value <= high):
        return int(value)
    if high is not None:
        wanted = f"an integer from {low} to {high}"
    else:
        wanted = "a positive integer" if low == 1 else f"an integer from {low} up"
    raise CourseError(f"{what} must be {wanted}; received {value!r}. {hint}".rstrip())


def is_whole(value: object) -> bool:
    """Whether a value is an integer, NumPy's among them; True and False are none."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def number(
    value: object,
    what: str,
    low: float = -math.inf,
    high: float = math.inf,
    above: float = -math.inf,
    below: float = math.inf,
    hint: str = "",
) -> float:
    """The value as a float, or a CourseError. True, False, NaN and infinity are no numbers.

    Args:
        value: what came.
        what: str, the argument's name.
        low, high: float, the least and the most.
        above, below: float, limits that the value must not reach.
        hint: str, what to do, the message's end.
    """
    real = isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
    if real and low <= value <= high and above < value < below:
        return float(value)
    limits = ((low, "from {:g}"), (above, "above {:g}"), (high, "to {:g}"), (below, "below {:g}"))
    wanted = " ".join(["a number", *(words.format(limit) for limit, words in limits if math.isfinite(limit))])
    raise CourseError(f"{what} must be {wanted}; received {value!r}. {hint}".rstrip())
