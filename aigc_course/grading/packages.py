"""What the grader's Python has, what a submission wants of it, and how that is said."""

import re
from collections import Counter
from collections.abc import Collection, Iterable

from aigc_course.errors import CourseError
from aigc_course.grading.kinds import Inside
from aigc_course.grading.reading import Cell
from aigc_course.grading.results import Result

__all__ = ["lacking_line", "missing_modules", "require", "words_in_front"]

_COMMON = {  # modules that notebooks use most, and what pip calls them
    "numpy": "numpy",
    "tensorflow": "tensorflow",
    "keras": "keras",
    "matplotlib": "matplotlib",
    "scipy": "scipy",
    "pandas": "pandas",
    "sklearn": "scikit-learn",
    "seaborn": "seaborn",
    "sympy": "sympy",
    "torch": "torch",
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "skimage": "scikit-image",
    "statsmodels": "statsmodels",
    "plotly": "plotly",
    "networkx": "networkx",
    "tqdm": "tqdm",
    "IPython": "IPython",
}


def missing_modules(cells: list[Cell], place: int, modules: frozenset[str]) -> list[str]:
    """Modules that the cell at a place imports, that the grader lacks, and that no cell before it writes as a file."""
    written = {name for cell in cells[:place] for name in cell.writes}
    return sorted(cells[place].imports - modules - written)


def words_in_front(names: list[str], modules: Collection[str]) -> str:
    """The words in front of a remark: what is missing, and what there is."""
    there = ", ".join(name for name in _COMMON if name in modules)
    return f"the grader has no {' and no '.join(name[:40] for name in names[:3])} (it has {there}): "


def lacking_line(results: Iterable[Result], python: str) -> str:
    """One line for the instructor: which modules a class wanted and the grader lacks, and how to install them."""
    counts = Counter(name for result in results for name in result.get("lacking", ()) if name.isidentifier())
    if not counts:
        return ""
    each = ", ".join(f"{name[:40]} ({count} submission{'s' * (count > 1)})" for name, count in counts.most_common(10))
    known = [_COMMON[name] for name, _ in counts.most_common() if name in _COMMON]
    install = f" Install what the class may use: {python} -m pip install {' '.join(known)}" if known else ""
    return f"the grader lacks {each}.{install}"


def require(wanted: str, inside: Inside, python: str) -> str:
    """Looks for the packages that the instructor asks for with --with.

    Args:
        wanted: names of packages as pip knows them, with commas between.
        inside: what there is, `kinds.Inside`.
        python: the grader's Python, for the command that installs.

    Returns:
        The packages with their versions.

    Raises:
        CourseError: some are not installed; the message says how to install them.
    """
    names = [re.sub(r"[-_.]+", "-", name.strip()).lower() for name in wanted.split(",") if name.strip()]
    strange = [name for name in names if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name)]
    if strange or not names:
        raise CourseError(f"--with takes names of packages with commas between: pandas,seaborn; received {wanted!r}.")
    lacking = [name for name in names if name not in inside.packages]
    if lacking:
        raise CourseError(
            f"the grader's Python lacks {', '.join(lacking)}. Install: {python} -m pip install {' '.join(lacking)}"
        )
    return ", ".join(f"{name} {inside.packages[name]}" for name in names)
