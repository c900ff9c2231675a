"""Goes through the folder of submissions: one person's files together, and a reason for each that is not graded."""

import contextlib
import hashlib
import os
import re
import stat
from dataclasses import dataclass, field, replace
from pathlib import Path

from aigc_course.grading import platforms
from aigc_course.grading.people import NOTEBOOK, Person, is_named_like, recognise
from aigc_course.grading.roster import Roster
from aigc_course.grading.safetext import decoded, visible
from aigc_course.runtime import CourseError

OWN_NAMES = ("path", "number")  # systems of people whose names students or instructors wrote
LITTER = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini", ".git", ".gitignore")  # of systems, not of students
SAME = {"sis_user_id": "id_number", "sis_login_id": "username"}  # what Canvas calls the school's
LEFT, LINK, UNREAD = "left by the system", "a link, not a file", "cannot be read here"
COPIES = ".ipynb_checkpoints"  # Jupyter's own
VERSIONS_MOST = 10  # that are tried of one person
FILES_MOST, DEPTH_MOST = 2000, 20  # in one student's folder


@dataclass
class Submission:
    """A file that was handed in, or why a person has none. path is None, and problem says why, in that case."""

    student: str
    path: Path | None
    problem: str | None = None
    slug: str = ""
    remarks: list = field(default_factory=list)
    person: Person | None = None
    file: str = ""
    late: bool = False
    attempt: str = ""
    unclear: bool = False  # whose it is, so that nobody gets points, or none, for it


@dataclass(frozen=True)
class NotGraded:
    """A file that is not graded. own: the platform's or the system's, so that nobody has lost anything."""

    file: str
    person: Person | None
    reason: str
    own: bool = False


@dataclass
class HandedIn:
    """What the folder holds: submissions in a fixed order, files that are not graded, warnings for the instructor."""

    submissions: list
    not_graded: list
    warnings: list

    def __iter__(self):
        return iter(self.submissions)

    def __len__(self):
        return len(self.submissions)

    @property
    def people(self):
        """Each person once."""
        return list({submission.person.key: submission.person for submission in self.submissions}.values())


@dataclass
class Pile:
    """One person's files while they are gathered."""

    person: Person
    notebooks: list = field(default_factory=list)  # (path, file, late, attempt)
    problems: list = field(default_factory=list)
    late: bool = False
    in_folder: bool = False
    given_away: bool = False  # to others, by the class list
    listed: bool = False  # in the class list
    unread: bool = False  # something in the folder could not be read: not the student's fault


def collect(folder, assignment, roster=None, made=()):
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
    folder, roster = Path(folder), roster or Roster()
    piles, not_graded, made = {}, [], {os.path.realpath(path) for path in made}
    for entry in entries_of(folder):
        if os.path.realpath(entry.path) not in made:
            take(entry, folder, assignment, roster, piles, not_graded)
    piles = {key: pile for key, pile in piles.items() if pile.notebooks or not pile.given_away}
    if not piles:
        listed = ", ".join(f"{item.file} ({item.reason})" for item in not_graded[:5])
        raise CourseError(
            f"{visible(folder)} holds no sub-folder and no .ipynb file: one a student is expected."
            + (f" There is: {listed}." if listed else "")
        )
    systems = {pile.person.system for pile in piles.values()}
    not_graded = [of_the_platform(item, systems, piles) for item in not_graded]
    late = platforms.late_in_sakai(folder) if "sakai" in systems else set()
    submissions = []
    for pile in piles.values():
        pile.late |= pile.person.system == "sakai" and pile.person.id.casefold() in late
        submissions += versions(pile, assignment, not_graded)
    return HandedIn(submissions, not_graded, warnings(piles, roster, folder))


def entries_of(folder):
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
        entries = sorted(os.scandir(folder), key=lambda entry: os.fsencode(entry.name))
    except OSError as error:
        raise CourseError(f"{visible(folder)} cannot be read: {error.strerror}.") from error
    real = [entry for entry in entries if not is_litter(entry.name)]
    if len(real) == 1 and real[0].is_dir(follow_symlinks=False):
        system = recognise(real[0].name, "\0", True).person.system
        inside = []
        with contextlib.suppress(OSError):
            inside = [recognise(entry.name, "\0", entry.is_dir()).person.system for entry in os.scandir(real[0].path)]
        if system in OWN_NAMES and sum(name not in OWN_NAMES for name in inside) > 1:
            raise CourseError(
                f"{visible(folder)} holds one folder, {visible(real[0].name)}, and the students are inside that. "
                f"Give the command {visible(Path(folder, real[0].name))}."
            )
    return entries


def is_litter(name):
    """What macOS, Windows or git leave; "._X" is macOS' shadow of X."""
    return name in LITTER or name.startswith("._")


def take(entry, folder, assignment, roster, piles, not_graded):
    """Puts one entry of the folder where it belongs."""
    path = Path(entry.path)
    is_folder = entry.is_dir(follow_symlinks=False)
    if is_litter(entry.name) or (is_folder and entry.name == COPIES):
        not_graded.append(NotGraded(shown(path, folder), None, LEFT, own=True))
        return
    if is_folder and entry.name.startswith("."):
        not_graded.append(NotGraded(shown(path, folder), None, "a hidden folder"))
        return
    found = recognise(entry.name, assignment, is_folder)
    person, late = found.person, found.late
    row = roster.of_file(entry.name)
    if row is not None:
        person, late = roster.person(row), late or row.late
    elif person.system != "roster":
        person, row = roster.complete(person)
        late = late or (row is not None and row.late)
    if row is not None:
        pile_of(person, piles).listed = True
    if is_folder:
        pile = pile_of(person, piles)
        pile.in_folder = True
        take_folder(path, folder, found.attempt, late, pile, roster, piles, not_graded)
    elif entry.is_symlink():
        pile_of(person, piles).problems.append("a symbolic link was handed in, not a notebook.")
        not_graded.append(NotGraded(shown(path, folder), person, LINK))
    elif NOTEBOOK.search(entry.name):
        pile_of(person, piles).notebooks.append((path, shown(path, folder), late, found.attempt))
    else:
        known = person.system != "path" and path.suffix.lower() not in (".csv", ".xls", ".xlsx")
        if known:  # this person handed something in, so that there must be a row
            pile = pile_of(person, piles)
            pile.person = platforms.with_receipt(pile.person, path)
        not_graded.append(NotGraded(shown(path, folder), person if known else None, why_not(path)))


def pile_of(person, piles):
    """The person's pile, made if need be."""
    return piles.setdefault(person.key, Pile(person))


def take_folder(top, folder, attempt, late, pile, roster, piles, not_graded):
    """Takes every file below a student's folder: notebooks to the pile, all others to the list, none unseen."""
    for path, reason in below(top):
        own, name = reason == LEFT, path.name
        if reason is None and NOTEBOOK.search(name) and COPIES not in path.parts:
            row = roster.of_file(os.path.relpath(path, folder))
            owner = pile_of(roster.person(row), piles) if row is not None else pile
            pile.given_away |= owner is not pile
            owner.listed |= row is not None
            owner.notebooks.append((path, shown(path, folder), late or bool(row and row.late), attempt))
            continue
        if reason is None and NOTEBOOK.search(name):
            reason = "Jupyter's own copy; the notebook itself counts"
        elif reason is None:
            own = platforms.is_own_inside(path.relative_to(top), pile.person.system)
            reason = "written by the platform" if own else why_not(path)
        elif not own:
            pile.unread |= reason.startswith(UNREAD)
            pile.problems.append(f"{visible(decoded(name))}{' is ' if reason == LINK else ': '}{reason}.")
        not_graded.append(NotGraded(shown(path, folder), pile.person, reason, own))


def below(top):
    """(path, reason) of everything below a folder; the reason is None for what may be looked at more closely.

    Nothing is followed, and there is an end to it however deep or full the folder is.
    """
    waiting, seen = [(top, 0)], 0
    while waiting:
        place, depth = waiting.pop()
        try:
            entries = sorted(os.scandir(place), key=lambda entry: os.fsencode(entry.name))
        except OSError as error:
            yield place, f"{UNREAD} ({error.strerror})"
            continue
        for entry in entries:
            seen += 1
            if seen > FILES_MOST:
                yield top, f"more than {FILES_MOST} files were handed in; the rest was not looked at"
                return
            is_folder = entry.is_dir(follow_symlinks=False)
            if is_litter(entry.name):
                yield Path(entry.path), LEFT
            elif entry.is_symlink():
                yield Path(entry.path), LINK
            elif is_folder and depth >= DEPTH_MOST:
                yield Path(entry.path), f"deeper than {DEPTH_MOST} folders"
            elif is_folder:
                waiting.append((Path(entry.path), depth + 1))
            else:
                yield Path(entry.path), None


def why_not(path):
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


def of_the_platform(item, systems, piles):
    """The item, marked as nobody's loss if the platform wrote it, or if it is a copy beside the notebook itself."""
    if platforms.is_own(item.file, systems):
        return replace(item, reason="written by the platform", own=True)
    pile = piles.get(item.person.key) if item.person else None
    if f"/{COPIES}/" in f"/{item.file}" and pile and pile.notebooks:
        return replace(item, own=True)
    return item


def versions(pile, assignment, not_graded):
    """The pile as submissions, one a notebook: all that may be this assignment's, in the order they were made."""
    person = pile.person
    notebooks = sorted(pile.notebooks, key=lambda item: (item[3], natural(item[1])))
    number = re.match(r"\d+", assignment)
    if number and any(is_named_like(item[0].name, assignment) for item in notebooks):
        other = re.compile(rf"(?!0*{int(number[0])}(?!\d))\d\d?[_ -]\w")  # 01_learning_from_data beside ours
        for item in [item for item in notebooks if pile.in_folder and other.match(decoded(item[0].name))]:
            notebooks.remove(item)
            not_graded.append(NotGraded(item[1], person, f"another assignment's; {assignment} is there too"))
    if len(notebooks) > VERSIONS_MOST:
        many = f"{len(notebooks)} notebooks seem to be of one person; at most {VERSIONS_MOST} are tried"
        not_graded.extend(NotGraded(item[1], person, many) for item in notebooks)
        return [submission(pile, None, "", f"{many}. Hand in one.", unclear=not pile.in_folder)]
    if not notebooks:
        return [submission(pile, None, "", nothing(pile, not_graded), unclear=pile.unread)]
    return [submission(pile, path, file, None, late, attempt) for path, file, late, attempt in notebooks]


def nothing(pile, not_graded):
    """Why there is nothing to grade, and what was handed in instead."""
    if not pile.in_folder and pile.problems:
        return pile.problems[0]
    theirs = [item for item in not_graded if item.person and item.person.key == pile.person.key and not item.own]
    instead = f" Handed in: {'; '.join(f'{item.file}, {item.reason}' for item in theirs[:3])}." if theirs else ""
    where = "in the folder" if pile.in_folder else "among the files"
    return " ".join([f"there is no .ipynb file {where}.", *pile.problems[:2]]) + instead


def submission(pile, path, file, problem, late=False, attempt="", unclear=False):
    """One `Submission`; its slug is of the person and the file, and of nobody else's."""
    person = pile.person
    slug = f"{person.page}.{hashlib.sha256(os.fsencode(path or '')).hexdigest()[:8] if path else 'none'}"
    return Submission(person.label, path, problem, slug, [], person, file, late or pile.late, attempt, unclear)


def natural(text):
    """A key that puts "x (2)" before "x (10)", and "x" before both."""
    stem = NOTEBOOK.sub("", text)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.findall(r"\d+|\D+", stem)], text


def warnings(piles, roster, folder):
    """What the instructor must know: one number on several people, and files of the list that are not there."""
    said = []
    for (_, number), people in holders([pile.person for pile in piles.values()]).items():
        names = ", ".join(person.label for person in people[:5])
        text = (f"is on the files of {len(people)} people: {names}. Each keeps a row; no export has them. Correct the "
                "names of the files, or say in --roster which file is whose.")  # fmt: skip
        if not any(text in line for line in said):
            said.append(f"{number} {text}")
    strangers = [pile.person.label for pile in piles.values() if roster.rows and not pile.listed]
    if strangers:
        more = f", and {len(strangers) - 5} more" if len(strangers) > 5 else ""
        said.append(f"not in {roster.path}: {', '.join(strangers[:5])}{more}")
    for row in roster.rows:
        if row.file and not (folder / row.file).exists():
            said.append(f"{roster.path}, line {row.line}: {row.file} is not in the folder.")
    return said


def holders(people):
    """{(kind, number): people} for each number that several people have."""
    found = {}
    for person in people:
        for kind, value in person.keys.items():
            if kind != "section":
                space = SAME.get(kind, kind)
                found.setdefault((space, value.casefold()), []).append(person)
    return {number: several for number, several in found.items() if len({person.key for person in several}) > 1}


def shown(path, folder):
    """A path inside the folder, for people to read."""
    return visible(decoded(os.path.relpath(path, folder)), fold=False)
