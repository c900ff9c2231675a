"""The command `python -m aigc_course card`: makes a project's card and data sheet, or checks the card."""

import sys
from pathlib import Path

from aigc_course.capstone import card, checking, project, sheet
from aigc_course.errors import CourseError, whole_number

__all__ = ["add_parser", "run"]

_CARD, _SHEET = "card.md", "data-sheet.md"


def add_parser(commands):
    """The command `card` for the course's command line."""
    parser = commands.add_parser("card", help="make a project's model card and data sheet, or check the card's numbers")
    parser.add_argument("run", metavar="RUN", help="folder of `train`, or one with project.toml")
    parser.add_argument("--check", action="store_true", help="make the card's numbers again; 1 if one misses")
    parser.add_argument("--out", default=None, metavar="FILE", help=f"the card (default RUN/{_CARD})")
    parser.add_argument("--seed", type=int, default=None, help="with --check: draw from this seed, not the card's")
    parser.add_argument("--run-code", action="store_true", help="with --check: numbers may run the project's own code")


def run(arguments):
    """Makes or checks a card; returns 0, or 1 where a number misses its interval or a licence forbids the project."""
    folder = Path(arguments.run)
    if not folder.is_dir():
        raise CourseError(f"RUN must be a folder, of `train` or with {project.FILE}; there is no folder {folder}.")
    path = Path(arguments.out) if arguments.out else folder / _CARD
    if arguments.seed is not None:
        whole_number(arguments.seed, "--seed", low=0, high=2**31 - 1)
    if not arguments.check and (arguments.run_code or arguments.seed is not None):
        raise CourseError("--run-code and --seed belong to --check.")
    return _check(folder, path, arguments) if arguments.check else _make(folder, path)


def _make(folder, path):
    """Writes the card and the data sheet beside it."""
    work = project.read(folder)
    numbers = card.measured(work, _say)
    found, remark = card.findings(work)
    beside = path.with_name(_SHEET if path.name == _CARD else f"{path.stem}-{_SHEET}")
    card.write(path, card.text_of(work, numbers, found, remark))
    card.write(beside, sheet.sheet(work.data))
    for claim in numbers:
        print(f"{claim['name']}: {claim['value']:.6g} ({claim['low']:.6g} … {claim['high']:.6g})")
    print(f"{path}, {beside}")
    return _licence_lines(found, remark)


def _licence_lines(found, remark):
    """Says on stderr what the licences forbid; 1 if they forbid something, else 0."""
    for one in found:
        if one.stops:
            print(f"licence: {one.text}", file=sys.stderr)
    if remark:
        print(f"licences not checked: {remark}", file=sys.stderr)
    return int(any(one.stops for one in found))


def _check(folder, path, arguments):
    """Makes the numbers of the head again; a line for each that does not hold, or is told otherwise to people."""
    kept = card.read_card(path)
    claims = card.claims(kept, str(path))
    torn = card.torn(kept, claims)
    outcomes = checking.numbers(folder, claims, arguments.run_code, arguments.seed, _say)
    missed = [one for one in outcomes if one.state in ("misses", "cannot")]
    for one in outcomes:
        where = sys.stdout if one.state == "holds" else sys.stderr
        print(f"{one.state}: {one.line}", file=where)
    for line in torn:
        print(f"misses: the table for people differs from the head: {line}", file=sys.stderr)
    held = sum(one.state == "holds" for one in outcomes)
    print(f"{held} of {len(outcomes)} numbers hold")
    stopped = _licence_lines(*card.findings(project.read(folder)))
    return int(bool(missed or torn or stopped))


def _say(name):
    """Which number is being measured."""
    print(f"measuring {name} …", file=sys.stderr, flush=True)
