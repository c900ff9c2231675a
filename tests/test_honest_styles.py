"""The sandbox: honest work in common styles gets its points, and what the grader lacks is named first."""

import json

import hostile
import pytest
from hostile import RIGHT, defined
from sandboxed import graded, in_a_container, kind_here, once_more

from aigc_course.errors import CourseError
from aigc_course.grading import kinds, packages


@pytest.fixture(scope="module")
def kind():
    return kind_here()


ANSWER = defined(RIGHT)
HONEST = {
    "a module written by a cell": [
        "%%writefile helper.py\n" + defined(RIGHT, "share"),
        "import helper\n" + defined("helper.share(p_data, p_g)"),
    ],
    "a name imported from it": ["%%writefile helper.py\n" + ANSWER, "from helper import best_discriminator"],
    "autosave": ["%autosave 60\n" + ANSWER],
    "other commands of notebooks": [
        "%tensorflow_version 2.x\n%load_ext google.colab.data_table\n%pip install -q numpy\n" + ANSWER
    ],
    "a pool": [
        "from concurrent.futures import ProcessPoolExecutor\n\n\n"
        "def share(pair):\n    return 3 * pair[0] / (3 * pair[0] + pair[1])\n"
        "\n\ndef best_discriminator(p_data, p_g):\n    with ProcessPoolExecutor(2) as pool:\n"
        "        return np.array(list(pool.map(share, zip(p_data, p_g))))\n"
    ],
    "multiprocessing": [
        "import multiprocessing\n\n\n"
        "def share(a, b):\n    return 3 * a / (3 * a + b)\n\n\ndef best_discriminator(p_data, p_g):\n"
        "    lock, shared = multiprocessing.Lock(), multiprocessing.Array('d', 3)\n"
        "    with multiprocessing.Pool(2) as pool:\n        return pool.starmap(share, zip(p_data, p_g))\n"
    ],
    "asyncio": [
        "import asyncio\n\n\nasync def share(a, b):\n    return 3 * a / (3 * a + b)\n\n\nawait asyncio.sleep(0)\n"
        + ANSWER
    ],
    "a subprocess": [
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'print(1)'], check=True)\n" + ANSWER
    ],
    "threads and a temporary file": [
        "import tempfile, threading\nthread = threading.Thread(target=print)\nthread.start()\nthread.join()\n"
        "with tempfile.NamedTemporaryFile() as file:\n    np.save(file, np.ones(3))\n" + ANSWER
    ],
    "redefined within if": ["if True:\n    def best_discriminator(p_data, p_g):\n        return " + RIGHT],
}


@pytest.mark.parametrize("name", HONEST)
def test_honest_styles_get_their_points(kind, name):
    """Work in common styles, in the answer's own cell and with its own modules, is paid in full."""
    book = hostile.notebook()
    place = next(i for i, cell in enumerate(book["cells"]) if cell["id"] == "answer-02-1")
    *before, answer = HONEST[name]
    book["cells"][place]["source"] = answer
    book["cells"][place:place] = [hostile.code(source, f"own-{i}") for i, source in enumerate(before)]
    points, said = graded(book, kind)
    assert sum(points.values()) == 10, said


def test_a_helper_or_an_import_in_a_check_cell_counts(kind):
    """A check cell that a student has added to is run: its check only prints in the sandbox."""
    book = hostile.notebook()
    hostile.cell(book, "answer-02-1")["source"] = (
        "def best_discriminator(p_data, p_g):\n    return share(p_data, p_g) + tools.zero\n"
    )
    check = hostile.cell(book, "check-02-1")
    check["source"] = (
        "import types\ntools = types.SimpleNamespace(zero=0)\n\n\n"
        "def share(a, b):\n    return 3 * a / (3 * a + b)\n\n\n" + "".join(check["source"])
    )
    assert sum(graded(book, kind)[0].values()) == 10


def test_the_answers_own_cell_counts_though_its_name_is_used_again(kind):
    """The right answer where it belongs, and its name given to other things in six cells below."""
    book = hostile.notebook()
    book["cells"] += [hostile.code(f"best_discriminator = {i}", f"later-{i}") for i in range(6)]
    assert sum(graded(book, kind)[0].values()) == 10


def test_a_missing_package_is_named_first(kind):
    """import of what the grader lacks: the message begins with it and says what there is, not that a name is wrong."""
    book = hostile.unsolved()
    hostile.cell(book, "answer-02-1")["source"] = "import not_there_at_all as nt\n" + ANSWER
    hostile.cell(book, "answer-02-2")["source"] = "def js_divergence(p, q):\n    import nor_this\n    return 0\n"
    _, said = graded(book, kind)
    rows = {row["key"]: row["message"] for row in json.loads(said)["rows"]}
    assert rows["02.1"].startswith("the grader has no not_there_at_all (it has numpy, ")
    assert "there is no function" in rows["02.1"]
    assert (
        rows["02.2"].startswith("the grader has no nor_this (it has numpy, ") or "there is no function" in rows["02.2"]
    )


def test_with_names_the_packages_that_are_lacking(kind):
    """--with: versions of what is there, and for the rest the command that installs it."""
    inside = kinds.inside(kind)
    assert packages.require("NumPy, ipython", inside, "python").startswith("numpy ")
    with pytest.raises(CourseError, match=r"lacks no-such-package. Install: python -m pip install no-such-package"):
        packages.require("numpy,no_such.package", inside, "python")
    for wrong in ("", " , ", "--upgrade", "a b"):
        with pytest.raises(CourseError, match="names of packages"):
            packages.require(wrong, inside, "python")


def test_all_of_this_holds_for_an_ordinary_user():
    """The same tests as a user without rights."""
    once_more(__file__)


def test_all_of_this_holds_in_a_container():
    """The same tests with docker or podman."""
    in_a_container(__file__)
