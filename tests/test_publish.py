"""What leaves the house: the public address in every notebook, the wheel and the sdist, an update of a used clone."""

import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import nbformat
import pytest

from aigc_course import data

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import publish  # noqa: E402

pytestmark = pytest.mark.long
NEEDED = ("pyproject.toml", "README.md", "nbgrader_config.py", "notebooks", "tools")
FEW = ("02_minimax_game", "05_measure_quality")  # each takes nbgrader some seconds, and there are three runs


def run(*command, cwd, **options):
    """Runs a command; its output, with an assertion that it went well."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False, **options
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def copied(folder, names=NEEDED):
    """A copy of these files and folders."""
    for name in names:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
            )
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


def snapshot(folder):
    """Every file's content."""
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


# --- the address ------------------------------------------------------------------------------------------


def test_publish_to_sets_address_and_badges_everywhere_and_takes_them_back(tmp_path):
    """All notebooks, exercises and solutions get a badge that opens that very file; "none" restores every byte."""
    course = copied(tmp_path)
    for kind in ("solutions", "exercises"):
        for name in FEW:
            shutil.copytree(ROOT / kind / name, course / kind / name)
    run(sys.executable, "tools/publish.py", "none", cwd=course)
    before = snapshot(course)
    said = run(sys.executable, "tools/publish.py", "https://github.com/ada/aigc.course.git", cwd=course)
    assert "git push public HEAD:main" in said
    project = tomllib.loads((course / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["urls"]["Repository"] == "https://github.com/ada/aigc.course"
    books = [
        *course.glob("notebooks/*.ipynb"),
        *course.glob("exercises/*/*.ipynb"),
        *course.glob("solutions/*/*.ipynb"),
    ]
    assert len(books) >= 14
    for path in books:
        title, bootstrap = nbformat.read(path, as_version=4).cells[:2]
        name = path.relative_to(course).as_posix().replace("solutions/", "exercises/")
        link = f"https://colab.research.google.com/github/ada/aigc.course/blob/main/{name}"
        assert title.source.count(link) == 1, path
        assert title.source.startswith("# ")
        assert "git+https://github.com/ada/aigc.course" in bootstrap.source
        assert bootstrap.metadata["jupyter"]["source_hidden"] is True
    readme = (course / "README.md").read_text(encoding="utf-8")
    assert "no public copy" not in readme
    assert "github/ada/aigc.course/blob/main/notebooks/00_start_here.ipynb" in readme
    run(sys.executable, "tools/publish.py", "ada/aigc.course", cwd=course)  # twice changes nothing
    run(sys.executable, "tools/publish.py", "none", cwd=course)
    assert snapshot(course) == before


@pytest.mark.parametrize(
    "text", ["", "aigc", "a/b/c", "https://example.org/a/b", "-a/b", "a/..", "a b/c", 'a/b"\nx = "']
)
def test_what_is_no_repository_is_refused(text):
    """One line that shows the form, before anything is changed."""
    with pytest.raises(SystemExit, match="owner/name"):
        publish.repository_name(text)


def test_without_an_address_the_readme_says_so_in_one_line():
    """As long as pyproject.toml has the placeholder, the front page says that there is no public copy."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    told = (ROOT / "README.md").read_text(encoding="utf-8").split(publish.MARK)[1].strip()
    assert ("no public copy" in told) == (project["urls"]["Repository"] == publish.notebooks.UNSET)
    assert len(told.splitlines()) <= 2


# --- wheel and sdist --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """(wheel, sdist), the wheel made from the sdist, without network."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    return next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))


def test_wheel_and_sdist_hold_every_asset_and_module(built):
    """All tracked files of the package are in both, asset for asset with its checksum."""
    tracked = [path for path in (ROOT / "aigc_course").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    names = {path.relative_to(ROOT).as_posix() for path in tracked if path.suffix != ".pyc"}
    with zipfile.ZipFile(built[0]) as wheel, tarfile.open(built[1]) as sdist:
        assert names <= set(wheel.namelist()), names - set(wheel.namelist())
        inside = {name.partition("/")[2] for name in sdist.getnames()}
        assert names | {"pyproject.toml", "LICENSE", "LICENSE-CONTENT"} <= inside, names - inside
        for name, digest in data.shipped_files().items():
            assert hashlib.sha256(wheel.read(f"aigc_course/assets/{name}")).hexdigest() == digest


@pytest.mark.parametrize("which", [0, 1], ids=["wheel", "sdist"])
def test_it_installs_in_a_clean_environment(built, which, tmp_path):
    """A new environment with nothing in it: pip installs the file alone; the package and its assets are there, and
    `doctor` says what else is missing instead of failing."""
    venv.create(tmp_path / "clean", with_pip=False, symlinks=True)
    python = tmp_path / "clean" / "bin" / "python"
    source = built[which]
    if which == 1:  # pip builds the sdist with what this environment has: no network
        source = tmp_path / "from_sdist"
        run(
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--no-index",
            "--no-build-isolation",
            "--wheel-dir",
            source,
            built[1],
            cwd=tmp_path,
        )
        source = next(source.glob("*.whl"))
    run(
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        source,
        cwd=tmp_path,
    )
    code = "import aigc_course, os; print(len(os.listdir(os.path.join(aigc_course.__path__[0], 'assets'))))"
    assert int(run(python, "-c", code, cwd=tmp_path)) == len(data.shipped_files()) + 2
    done = subprocess.run(
        [python, "-m", "aigc_course", "doctor"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "MEND" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


# --- an update --------------------------------------------------------------------------------------------


def test_the_readmes_three_lines_update_a_clone_with_answers(tmp_path):
    """A learner answered one exercise and ran a chapter; the original changed both, and another exercise: after the
    README's lines the answer is as it was, byte for byte, chapter and other exercise are the new ones."""
    lines = re.search(r"## Getting a newer version.*?```\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)[1]
    commands = [line.partition("   #")[0].partition("    # ")[0].strip() for line in lines.splitlines()]
    assert len(commands) == 3
    git = [
        "git",
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@b",
        "-c",
        "init.defaultBranch=main",
        "-c",
        "commit.gpgsign=false",
    ]
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    origin.mkdir()
    copied(origin, ("exercises", "notebooks"))
    run(*git, "init", "--quiet", cwd=origin)
    run(*git, "add", "--all", cwd=origin)
    run(*git, "commit", "--quiet", "-m", "one", cwd=origin)
    run(*git, "clone", "--quiet", origin, clone, cwd=tmp_path)

    mine = Path("exercises/02_minimax_game/02_minimax_game.ipynb")
    other, chapter = (
        Path("exercises/05_measure_quality/05_measure_quality.ipynb"),
        Path("notebooks/02_minimax_game.ipynb"),
    )
    book = nbformat.read(clone / mine, as_version=4)
    answer = next(cell for cell in book.cells if "raise NotImplementedError" in cell.source)
    answer.source = answer.source.replace("raise NotImplementedError", "return 42  # mine")
    nbformat.write(book, clone / mine)
    answered = (clone / mine).read_bytes()
    ran = nbformat.read(clone / chapter, as_version=4)
    ran.cells[2].outputs = []
    nbformat.write(ran, clone / chapter)
    for path in (mine, other, chapter):  # a new version of all three
        newer = nbformat.read(origin / path, as_version=4)
        newer.cells[0].source += "\n\nA newer version."
        newer.cells[-1].source += "\n# newer"
        nbformat.write(newer, origin / path)
    run(*git, "commit", "--quiet", "--all", "-m", "two", cwd=origin)

    environment = {
        "HOME": str(tmp_path),
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@b",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b",
    }
    refused = subprocess.run(["git", "pull"], cwd=clone, env=environment, capture_output=True, check=False)
    assert refused.returncode != 0  # the finding: without them the update aborts
    for command in commands:
        run("sh", "-c", command, cwd=clone, env=environment)
    assert (clone / mine).read_bytes() == answered
    for path in (other, chapter):
        assert (clone / path).read_bytes() == (origin / path).read_bytes()
