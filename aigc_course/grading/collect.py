"""Goes through the folder of submissions: one person's files together, and a reason for each that is not graded."""

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from aigc_course.errors import CourseError
from aigc_course.grading import platforms
from aigc_course.grading.handed_in import HandedIn, NotGraded, Submission, path_inside
from aigc_course.grading.people import NOTEBOOK, Key, Person, recognise
from aigc_course.grading.piles import Pile, Version, submissions_of, warnings_of
from aigc_course.grading.roster import Roster
from aigc_course.grading.safetext import decoded, visible

__all__ = ["collect"]

_OWN_NAMES = ("path", "number")  # systems of people whose names students or instructors wrote
_LITTER = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini", ".git", ".gitignore")  # of systems, not of students
_LEFT, _LINK, _UNREAD = "left by the system", "a link, not a file", "cannot be read here"
_COPIES = ".ipynb_checkpoints"  # Jupyter's own
_FILES_MOST, _DEPTH_MOST = 2000, 20  # in one student's folder


def collect(
    folder: str | Path, assignment: str, roster: Roster | None = None, made: Iterable[str | Path] = ()
) -> HandedIn:
    """Everything that was handed in.

    Args:
        folder: with a sub-folder or files for each student, as a platform's archive unpacks.
        assignment: its name.
        roster: a `Roster`, or None.
        made: paths that the grader itself writes: they are no submissions, wherever they lie.

    Returns:
        HandedIn

    Raises:
        CourseError: there is no such folder, nothing in it, or the students are one level further down.
    """
    folder, own = Path(folder), {os.path.realpath(path) for path in made}
    tray = _Tray(folder, assignment, roster or Roster())
    for entry in _entries_of(folder):
        if os.path.realpath(entry.path) not in own:
            tray.take(entry)
    piles = {key: pile for key, pile in tray.piles.items() if pile.notebooks or not pile.given_away}
    if not piles:
        listed = ", ".join(f"{item.file} ({item.reason})" for item in tray.not_graded[:5])
        raise CourseError(
            f"{visible(folder)} holds no sub-folder and no .ipynb file: one a student is expected."
            + (f" There is: {listed}." if listed else "")
        )
    systems = {pile.person.system for pile in piles.values()}
    not_graded = [_of_the_platform(item, systems, piles) for item in tray.not_graded]
    late = platforms.late_in_sakai(folder) if "sakai" in systems else set()
    submissions: list[Submission] = []
    for pile in piles.values():
        pile.late |= pile.person.system == "sakai" and pile.person.id.casefold() in late
        submissions += submissions_of(pile, assignment, not_graded)
    return HandedIn(submissions, not_graded, warnings_of(piles, tray.roster, folder))


# --- the folder's own entries ---


def _entries_of(folder: Path) -> list[os.DirEntry[str]]:
    """The folder's entries by name, in the order of their bytes.

    Raises:
        CourseError: an archive, no folder, or one that holds a platform's folder and nothing else.
    """
    if folder.suffix.lower() in (".zip", ".rar", ".7z", ".gz", ".tar") and folder.is_file():
        raise CourseError(f"{visible(folder)} is an archive. Unpack it, and name the folder.")
    if not folder.is_dir():
        raise CourseError(
            f"SUBMISSIONS must be a folder with one sub-folder or one notebook a student; {visible(folder)} is none."
        )
    try:
        entries = _by_name(folder)
    except OSError as error:
        raise CourseError(f"{visible(folder)} cannot be read: {error.strerror}.") from error
    real = [entry for entry in entries if not _is_litter(entry.name)]
    if len(real) == 1 and real[0].is_dir(follow_symlinks=False):
        system = recognise(real[0].name, "\0", True).person.system
        inside: list[str] = []
        with contextlib.suppress(OSError):
            inside = [recognise(entry.name, "\0", entry.is_dir()).person.system for entry in os.scandir(real[0].path)]
        if system in _OWN_NAMES and sum(name not in _OWN_NAMES for name in inside) > 1:
            raise CourseError(
                f"{visible(folder)} holds one folder, {visible(real[0].name)}, and the students are inside that. "
                f"Give the command {visible(Path(folder, real[0].name))}."
            )
    return entries


def _by_name(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder, in the order of the names' bytes."""
    return sorted(os.scandir(folder), key=lambda entry: os.fsencode(entry.name))


def _is_litter(name: str) -> bool:
    """What macOS, Windows or git leave; "._X" is macOS' shadow of X."""
    return name in _LITTER or name.startswith("._")


# --- whose is what ---


@dataclass
class _Tray:
    """The folder while it is gone through: a pile for each person, and what is not graded."""

    folder: Path
    assignment: str
    roster: Roster
    piles: dict[Key, Pile] = field(default_factory=dict)
    not_graded: list[NotGraded] = field(default_factory=list)

    def pile_of(self, person: Person) -> Pile:
        """The person's pile, made if need be."""
        return self.piles.setdefault(person.key, Pile(person))

    def leave_out(self, path: Path, person: Person | None, reason: str, own: bool = False) -> None:
        """Lists a file that is not graded."""
        self.not_graded.append(NotGraded(path_inside(path, self.folder), person, reason, own))

    def take(self, entry: os.DirEntry[str]) -> None:
        """Puts one entry of the folder where it belongs."""
        path, is_folder = Path(entry.path), entry.is_dir(follow_symlinks=False)
        if _is_litter(entry.name) or (is_folder and entry.name == _COPIES):
            self.leave_out(path, None, _LEFT, own=True)
            return
        if is_folder and entry.name.startswith("."):
            self.leave_out(path, None, "a hidden folder")
            return
        found = recognise(entry.name, self.assignment, is_folder)
        person, late = self.owner(entry.name, found.person, found.late)
        if is_folder:
            pile = self.pile_of(person)
            pile.in_folder = True
            self.take_folder(path, pile, late, found.attempt)
        elif entry.is_symlink():
            self.pile_of(person).problems.append("a symbolic link was handed in, not a notebook.")
            self.leave_out(path, person, _LINK)
        elif NOTEBOOK.search(entry.name):
            version = Version(path, path_inside(path, self.folder), late, found.attempt)
            self.pile_of(person).notebooks.append(version)
        else:
            known = person.system != "path" and path.suffix.lower() not in (".csv", ".xls", ".xlsx")
            if known:  # this person handed something in, so that there must be a row
                pile = self.pile_of(person)
                pile.person = platforms.with_receipt(pile.person, path)
            self.leave_out(path, person if known else None, _why_not(path))

    def owner(self, name: str, person: Person, late: bool) -> tuple[Person, bool]:
        """(whose an entry is, whether it is late): what its name says, and what the class list knows."""
        row = self.roster.of_file(name)
        if row is not None:
            person = self.roster.person(row)
        elif person.system != "roster":
            person, row = self.roster.complete(person)
        if row is not None:
            self.pile_of(person).listed = True
            late = late or row.late
        return person, late

    def take_folder(self, top: Path, pile: Pile, late: bool, attempt: str) -> None:
        """Takes every file below a student's folder: notebooks to the pile, all others to the list, none unseen."""
        for path, reason in _below(top):
            own, name = reason == _LEFT, path.name
            if reason is None and NOTEBOOK.search(name) and _COPIES not in path.parts:
                row = self.roster.of_file(os.path.relpath(path, self.folder))
                owner = self.pile_of(self.roster.person(row)) if row is not None else pile
                pile.given_away |= owner is not pile
                owner.listed |= row is not None
                late_too = late or bool(row and row.late)
                owner.notebooks.append(Version(path, path_inside(path, self.folder), late_too, attempt))
                continue
            if reason is None and NOTEBOOK.search(name):
                reason = "Jupyter's own copy; the notebook itself counts"
            elif reason is None:
                own = platforms.is_own_inside(path.relative_to(top), pile.person.system)
                reason = "written by the platform" if own else _why_not(path)
            elif not own:
                pile.unread |= reason.startswith(_UNREAD)
                pile.problems.append(f"{visible(decoded(name))}{' is ' if reason == _LINK else ': '}{reason}.")
            self.leave_out(path, pile.person, reason, own)


def _below(top: Path) -> Iterator[tuple[Path, str | None]]:
    """(path, reason) of everything below a folder; the reason is None for what may be looked at more closely.

    Nothing is followed, and there is an end to it however deep or full the folder is.
    """
    waiting, seen = [(top, 0)], 0
    while waiting:
        place, depth = waiting.pop()
        try:
            entries = _by_name(place)
        except OSError as error:
            yield place, f"{_UNREAD} ({error.strerror})"
            continue
        for entry in entries:
            seen += 1
            if seen > _FILES_MOST:
                yield top, f"more than {_FILES_MOST} files were handed in; the rest was not looked at"
                return
            is_folder = entry.is_dir(follow_symlinks=False)
            if _is_litter(entry.name):
                yield Path(entry.path), _LEFT
            elif entry.is_symlink():
                yield Path(entry.path), _LINK
            elif is_folder and depth >= _DEPTH_MOST:
                yield Path(entry.path), f"deeper than {_DEPTH_MOST} folders"
            elif is_folder:
                waiting.append((Path(entry.path), depth + 1))
            else:
                yield Path(entry.path), None


def _why_not(path: Path) -> str:
    """The reason why a file that is no notebook is not graded, with what the student should do."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return "no plain file"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    suffix = path.suffix.lower()
    if suffix in (".zip", ".rar", ".7z", ".gz", ".tgz", ".tar", ".bz2", ".xz"):
        return "an archive; hand in the notebook (.ipynb) itself"
    if suffix == ".py":
        return "a Python file; hand in the notebook (.ipynb)"
    if suffix == ".json":
        return "JSON; if it is the notebook, its name must end in .ipynb"
    return f"not a notebook ({visible(decoded(suffix))})" if suffix else "not a notebook (no ending)"


def _of_the_platform(item: NotGraded, systems: set[str], piles: dict[Key, Pile]) -> NotGraded:
    """The item, marked as nobody's loss if the platform wrote it, or if it is a copy beside the notebook itself."""
    if platforms.is_own(item.file, systems):
        return replace(item, reason="written by the platform", own=True)
    pile = piles.get(item.person.key) if item.person else None
    if f"/{_COPIES}/" in f"/{item.file}" and pile and pile.notebooks:
        return replace(item, own=True)
    return item
