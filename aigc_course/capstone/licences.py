"""Whether the data's licences allow what a project does with them. A reminder of what to read, no legal advice."""

import re
from typing import NamedTuple

from aigc_course import data
from aigc_course.errors import CourseError, one_of

__all__ = ["SHIPS", "Finding", "asset_licences", "check", "judge", "keys_of"]

SHIPS = ("nothing", "numbers", "weights", "images")  # what of the data is in what the project gives away

# How the words of assets/README.md are called in the SPDX list; None: no licence is needed.
_SPDX = {
    "CC BY-SA 3.0": "CC-BY-SA-3.0",
    "CC BY 4.0": "CC-BY-4.0",
    "MIT": "MIT",
    "Apache-2.0": "Apache-2.0",
    "BSD-3-Clause": "BSD-3-Clause",
    "public domain": None,
}
# Licences under which an adaptation of a work under the first may be given away (its own text: same or later version,
# or one that Creative Commons lists as compatible). Of other share-alike licences the check knows themselves only.
_SAME = {
    "CC-BY-SA-3.0": ("CC-BY-SA-3.0", "CC-BY-SA-4.0"),
    "CC-BY-SA-4.0": ("CC-BY-SA-4.0", "GPL-3.0-only"),
}
_NAMED = ("CC-BY-", "MIT", "Apache-2.0", "BSD-")  # who made it must be named
_FREE = ("CC0-", "PDDL-")  # given to the public domain


class Finding(NamedTuple):
    """One line of the check.

    Attributes:
        stops: bool, whether the project may not be given away like this.
        text: str.
    """

    stops: bool
    text: str


def keys_of(expression):
    """The licences of an SPDX expression, checked against the SPDX list with the package license-expression.

    Args:
        expression: str, for example "Apache-2.0 AND CC-BY-SA-3.0".

    Returns:
        list of str, each once, in order.

    Raises:
        CourseError: no such licence, or no expression; or the package is missing.
    """
    try:
        from license_expression import get_spdx_licensing
    except ImportError as error:
        raise CourseError("the licence check needs license-expression: pip install -e '.[capstone]'.") from error
    if not isinstance(expression, str) or not expression.strip():
        raise CourseError(f"licence must be an SPDX expression such as Apache-2.0; received {expression!r}.")
    licensing = get_spdx_licensing()
    try:
        errors = licensing.validate(expression).errors
    except Exception as error:  # characters that its parser does not know, as in MIT/X11
        errors = [str(error).splitlines()[0] if str(error) else type(error).__name__]
    if errors:
        raise CourseError(f"licence {expression!r} is no SPDX expression: {errors[0]}. See spdx.org/licenses.")
    return list(dict.fromkeys(licensing.license_keys(licensing.parse(expression))))


def asset_licences():
    """{file: (licence in words, list of SPDX keys)} of all shipped data, read from assets/README.md."""
    text = (data.ASSETS / "README.md").read_text(encoding="utf-8")
    rows = (line.split("|") for line in text.splitlines() if line.startswith("| `"))
    return {row[1].strip().strip("`"): (row[4].strip(), _in_spdx(row[4])) for row in rows}


def _in_spdx(words):
    """SPDX keys of a licence in words; the longest names first, so that CC BY-SA is not read as CC BY."""
    names = sorted(_SPDX, key=len, reverse=True)
    found = re.findall("|".join(map(re.escape, names)), words)
    return [_SPDX[name] for name in dict.fromkeys(found) if _SPDX[name]]


def check(expression, used, ships):
    """Findings on a project's licence and the data it rests on.

    Args:
        expression: str, the project's SPDX expression.
        used: list of str, names of shipped files; or dict name -> SPDX expression for data of your own.
        ships: one of SHIPS, what of the data is in what is given away.

    Returns:
        list of `Finding`.
    """
    if ships not in SHIPS:
        raise CourseError(f"ships must be one of {', '.join(SHIPS)}; received {ships!r}.")
    mine, known = keys_of(expression), asset_licences()
    own = used if isinstance(used, dict) else dict.fromkeys(used)
    found = []
    for name, licence in own.items():
        keys = keys_of(licence) if licence else one_of(name, known, "a data set without a licence")[1]
        found += judge(mine, name, keys, ships)
    return found


def judge(mine, name, keys, ships):
    """Findings on one data set.

    Args:
        mine: list of SPDX keys of the project.
        name: str, of the data set.
        keys: list of SPDX keys of the data set; empty: public domain.
        ships: one of SHIPS.

    Returns:
        list of `Finding`.
    """
    found = [one for key in keys for one in _of_one(mine, name, key, ships)]
    if found:
        return found
    free = all(key.startswith(_FREE) for key in keys)
    said = "public domain" if free else "nothing of it is given away"
    return [Finding(False, f"{name}: {said}, nothing is asked; say where it came from.")]


def _of_one(mine, name, key, ships):
    """Findings on one licence of a data set; one that the check does not know stops what holds the data."""
    same = _SAME.get(key, (key,) if "-SA-" in key else ())
    if "-NC" in key and not any("-NC" in one for one in mine):
        yield Finding(True, f"{name} is {key}, for non-commercial use only; {_said(mine)} allows any use.")
    if "-ND" in key and ships == "images":
        yield Finding(True, f"{name} is {key}: changed images of it may not be given away.")
    if same and ships == "images" and not set(mine) & set(same):
        yield Finding(True, f"{name} is {key}, share-alike: changed images of it go on under {' or '.join(same)}.")
    elif same and ships == "weights":
        words = f"{name} is {key}, share-alike. Whether weights adapt it is not settled: name it beside them."
        yield Finding(False, words)
    elif not key.startswith((*_NAMED, *_FREE)):
        yield Finding(ships in ("weights", "images"), f"{name} is {key}; this check does not know it: read it.")
    elif key.startswith(_NAMED) and ships != "nothing":
        yield Finding(False, f"{name} is {key}: name its makers and its licence.")


def _said(keys):
    return " AND ".join(keys) or "no licence"
