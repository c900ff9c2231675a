"""The project's files agree with each other: dependencies, licences, checksums, addresses, commands."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from aigc_course import data, runtime

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def readme():
    """The front page."""
    return (ROOT / "README.md").read_text(encoding="utf-8")


def locked():
    """name -> list of versions in requirements.lock."""
    pins = re.findall(r"^([A-Za-z0-9_.-]+)==([^ ;\n]+)", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.M)
    found = {}
    for name, version in pins:
        found.setdefault(name.lower(), []).append(version)
    return found


def test_the_base_package_does_not_require_tensorflow():
    """Colab and GPU machines keep their own TensorFlow: only the extras name it."""
    assert not any("tensorflow" in requirement or "keras" in requirement for requirement in PROJECT["dependencies"])
    assert any("and-cuda" in requirement for requirement in PROJECT["optional-dependencies"]["gpu"])


def test_the_lock_file_pins_every_requirement_within_its_range():
    """Each requirement of the base set and of all extras in the lock is pinned at a version that it admits."""
    from packaging.requirements import Requirement

    extras = PROJECT["optional-dependencies"]
    locked_extras = ("cpu", "lab", "test", "instructor", "hub", "trust", "trust-dp", "capstone")
    wanted = [Requirement(text) for text in sum((extras[name] for name in locked_extras), [*PROJECT["dependencies"]])]
    for requirement in wanted:
        versions = locked().get(requirement.name.lower())
        assert versions, f"{requirement.name} is missing from requirements.lock"
        assert all(requirement.specifier.contains(version) for version in versions), requirement


def test_environment_yml_cannot_disagree_with_pyproject():
    """environment.yml names no version but Python's, and that one is admitted by requires-python."""
    from packaging.specifiers import SpecifierSet

    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    lines = [line.strip().removeprefix("- ") for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    versions = [line for line in lines if re.search(r"[=<>~]", line) and not line.startswith("-")]
    assert versions == [line for line in lines if line.startswith("python=")]
    assert SpecifierSet(PROJECT["requires-python"]).contains(versions[0].split("=")[1])
    assert "-r requirements.lock" in lines
    assert "-e ." in lines


def test_setup_admits_the_same_pythons_as_pyproject():
    """tools/setup.sh, runtime.SUPPORTED_PYTHON and requires-python name the same versions."""
    from packaging.specifiers import SpecifierSet

    from aigc_course.runtime import SUPPORTED_PYTHON

    script = (ROOT / "tools" / "setup.sh").read_text(encoding="utf-8")
    low, high = SUPPORTED_PYTHON
    assert f"{low} <= sys.version_info[:2] <= {high}" in script
    admitted = [minor for minor in range(5, 30) if SpecifierSet(PROJECT["requires-python"]).contains(f"3.{minor}.0")]
    assert admitted == list(range(low[1], high[1] + 1))


@pytest.mark.skipif(sys.platform == "win32", reason="tools/setup.sh needs a POSIX shell")
@pytest.mark.parametrize(
    ("fake", "expected"),
    [
        (
            'case "$*" in *version_info*) exit 1;; *) echo Python 3.9.2;; esac',
            "needs Python 3.11, 3.12 or 3.13; found Python 3.9.2",
        ),
        ('case "$*" in *venv*) exit 1;; *) exit 0;; esac', "venv module is missing"),
    ],
)
def test_setup_says_in_one_line_what_to_install(tmp_path, fake, expected):
    """A Python of the wrong version, or one without venv: one line on stderr that says what to install."""
    for name in ("python3", "python3.11", "python3.12", "python3.13", "python"):
        (tmp_path / name).write_text(f"#!/bin/sh\n{fake}\n")
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", str(ROOT / "tools" / "setup.sh")],
        capture_output=True,
        text=True,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        check=False,
    )
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert expected in done.stderr
    assert "install" in done.stderr


def test_every_package_is_installed():
    """Each folder with an __init__.py is named in pyproject.toml: on Colab only those arrive."""
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    there = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "aigc_course").rglob("__init__.py")}
    assert set(tools["packages"]) == there


def test_every_asset_has_origin_licence_and_checksum():
    """Each shipped file stands in SHA256SUMS and, with origin and licence, in the assets' README; nothing else does."""
    shipped = {path.name for path in data.ASSETS.iterdir()} - {"README.md", "SHA256SUMS"}
    assert shipped == set(data.shipped_files())
    table = (data.ASSETS / "README.md").read_text(encoding="utf-8")
    for name, digest in data.shipped_files().items():
        row = next(line for line in table.splitlines() if line.startswith(f"| `{name}`"))
        assert digest[:12] in row
        assert len([cell for cell in row.split("|") if cell.strip()]) >= 4
        data.asset(name)


def test_assets_stay_within_their_budget():
    """At most 40 MB of data and 25 MB of weights (design)."""
    weights = sum(path.stat().st_size for path in data.ASSETS.glob("*.weights.h5"))
    total = sum(path.stat().st_size for path in data.ASSETS.iterdir())
    assert weights <= 25e6
    assert total - weights <= 40e6


def test_the_readme_names_only_what_is_there():
    """Every path in the README's tree exists, and every make target that it names is in the Makefile."""
    tree = readme().split("<!-- tree -->")[1]
    homes = (ROOT, ROOT / "aigc_course", ROOT / "aigc_course" / "lmdg")
    named = re.findall(r"^ *([\w.-]+/?[\w./-]*)  ", tree, re.M)
    assert len(named) > 50
    for name in named:
        assert any((home / name).exists() for home in homes), name


def test_the_readmes_tree_is_whole():
    """What is tracked at the top, every module and folder of the package and of lmdg stands in the tree."""
    tree = readme().split("<!-- tree -->")[1]
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("not a git checkout: the list of tracked files is not known")
    top = {name.split("/")[0] for name in tracked.stdout.split()} - {".gitignore", ".gitattributes"}
    for home in ("aigc_course", "aigc_course/lmdg"):
        inside = {path for path in (ROOT / home).iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
        top |= {path.name for path in inside} - {"__init__.py"}
    for name in top:
        assert re.search(rf"(?<![\w/.]){re.escape(name)}(?![\w.])", tree), name
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    assert set(re.findall(r"`make ([a-z-]+)", readme())) <= targets


def test_no_registry_host_and_no_machine_path_in_tracked_files():
    """Nothing names a package registry's host or a folder of the machine that it was written on."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("not a git checkout: the list of tracked files is not known")
    hosts = re.compile(
        "|".join(
            ("pythonhosted" + r"\.org", "pypi" + r"\.org/simple", "registry" + r"\.npmjs", "deb" + r"\.debian\.org")
        )
    )
    for name in tracked.stdout.split():
        if (ROOT / name).suffix in (".npz", ".h5", ".keras", ".png", ".xz"):
            continue
        text = (ROOT / name).read_text(encoding="utf-8")
        assert not hosts.search(text), name
        assert f"{ROOT}/" not in text, name
        assert os.path.expanduser("~/") not in text, name


def test_the_readmes_minutes_are_those_of_the_notebooks():
    """The chapter table says what the committed run of each notebook took, converted to the reference machine."""
    rows = re.findall(r"^\| \[.*?\]\((notebooks/\w+\.ipynb)\) \|.*?\| ([\d.]+) \|", readme(), re.M)
    there = {f"notebooks/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert {name for name, _ in rows} == there
    for name, minutes in rows:
        stored = json.loads((ROOT / name).read_text(encoding="utf-8"))["metadata"]["aigc"]
        expected = stored["minutes"] * stored["gflops"] / runtime.REFERENCE_GFLOPS
        assert float(minutes) == max(0.1, round(expected, 1)), name
