"""What a contributor is told is true: make's targets, paths and names in the documents, workflow, hooks, citation."""

import ast
import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

import aigc_course

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DOCUMENTS = ("CONTRIBUTING.md", "docs/decisions.md", "docs/instructors.md", "docs/weights.md")
ELSEWHERE = (".venv/", ".venvs/", "runs/")  # what commands make: there or not
MADE = {"grades.csv", "card.md", "project.toml", "A.csv", "B.csv"}
ENDINGS = {".cff", ".csv", ".ipynb", ".json", ".lock", ".md", ".png", ".py", ".sh", ".toml", ".txt", ".yaml", ".yml"}
# Each of these must be found in one step from CONTRIBUTING.md.
LOOKUPS = (
    "where speech tokens come from",
    "how resume restores the data order",
    "how to add a chapter",
    "an exercise",
    "where figure colours are set",
    "what a large model costs",
    "where a hint is written",
    "what to run before a commit",
)
each = pytest.mark.parametrize("document", DOCUMENTS)


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def targets():
    """The Makefile's targets -> their texts; an empty text where there is none."""
    lines = re.findall(r"^([a-z-]+):[^=\n]*?(?:## (.*))?$", read("Makefile"), re.M)
    return {name: text for name, text in lines}


def words(document):
    """Every word between backticks and in code blocks."""
    plain = re.sub(r"```.*?```", "", read(document), flags=re.S)
    blocks = re.findall(r"```(.*?)```", read(document), re.S)
    return [word.strip("',\"();:") for text in [*re.findall(r"`([^`]+)`", plain), *blocks] for word in text.split()]


def is_path(word):
    """True for what looks like a file or a folder of the course: not for 0/2, .npz or owner/name=…"""
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)*/?", word) or re.fullmatch(r"\d+/\d+", word):
        return False
    return "/" in word or Path(word).suffix in ENDINGS


def found(word):
    """The files that a path names; NN stands for a chapter's number, name for its name."""
    pattern = re.sub(r"_name\b", "_*", word.replace("NN", "[0-9][0-9]")).rstrip("/")
    return [path for top in (ROOT, ROOT / "aigc_course") for path in top.glob(pattern)]


def names_in(path):
    """The names that a module defines at its top, and Class.method."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)}
        if isinstance(node, ast.Assign | ast.AnnAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                names |= {part.id for part in ast.walk(target) if isinstance(part, ast.Name)}
    return names


def modules(name):
    """The modules of the package that go by a name: NAME.py, or what is in a folder NAME/."""
    package = ROOT / "aigc_course"
    return [*package.rglob(f"{name}.py"), *package.glob(f"{name}/*.py"), *package.glob(f"lmdg/{name}/*.py")]


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_make_help_lists_every_target_with_a_text():
    """Each target of the Makefile, once, with its text; nothing else, and no environment is needed for it."""
    done = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = dict(re.fullmatch(r"make (\S+) +(.+)", line).groups() for line in done.stdout.splitlines())
    assert listed == targets()
    assert all(listed.values())
    phony = re.search(r"^\.PHONY: (.*)$", read("Makefile"), re.M)[1].split()
    assert sorted(phony) == sorted(listed)


def test_check_is_style_format_and_quick_units():
    """`make check` runs ruff's two commands and the units that are neither slow nor in a browser."""
    recipe = re.search(r"^check:.*\n((?:\t.*\n)+)", read("Makefile"), re.M)[1]
    assert "ruff check ." in recipe
    assert "ruff format --check ." in recipe
    assert 'pytest -m "not slow and not browser"' in recipe


def test_contributing_stays_one_page():
    """At most 100 lines, with a row for each thing that people look for."""
    text = read("CONTRIBUTING.md")
    assert len(text.splitlines()) <= 100
    left = [row.split("|")[1] for row in text.splitlines() if row.startswith("| ")]
    for lookup in LOOKUPS:
        assert any(lookup in cell for cell in left), lookup


@each
def test_every_path_and_link_leads_somewhere(document):
    """Files and folders between backticks and in commands exist, and so do links and the headings that they name."""
    for word in words(document):
        if is_path(word) and not word.startswith(ELSEWHERE) and word not in MADE:
            assert found(word), word
    headings = {
        re.sub(r"[^\w -]", "", text).strip().lower().replace(" ", "-")
        for text in re.findall(r"^#+ (.*)$", read(document), re.M)
    }
    for link in re.findall(r"\]\((?!http)([^)]+)\)", read(document)):
        file, _, fragment = link.partition("#")
        assert not file or ((ROOT / document).parent / file).exists(), link
        assert not fragment or file or fragment in headings, link


@each
def test_every_target_named_is_in_the_makefile(document):
    """`make something` in a document can be typed."""
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", read(document), re.M)) <= set(targets())


def test_the_table_names_what_the_modules_define():
    """In each row the names behind a module's path are defined in that module."""
    checked = 0
    for row in [line for line in read("CONTRIBUTING.md").splitlines() if line.startswith("| ")]:
        known = None
        for token in re.findall(r"`([^`]+)`", row):
            if is_path(token):
                assert found(token), token
                known = set.intersection(*map(names_in, found(token))) if token.endswith(".py") else None
            elif known is not None and re.fullmatch(r"[A-Za-z_]\w*(\.\w+)?", token):
                assert token in known, row
                checked += 1
    assert checked >= 15


@each
def test_names_with_a_module_in_front_exist(document):
    """`plots.show`, `errors.Stopped`, `GAN.save`: where the module or class is the course's, it has such a name."""
    package = (ROOT / "aigc_course").rglob("*.py")
    classes = {name for path in package for name in names_in(path) if "." in name}
    owners = {name.split(".")[0] for name in classes}
    for word in words(document):
        match = re.match(r"([A-Za-z_]+)\.([A-Za-z_]\w*)(?=\(|$)", word)
        if not match or is_path(word):
            continue
        if match[1] in owners:
            assert match[0] in classes, word
        elif modules(match[1]):
            assert any(match[2] in names_in(path) for path in modules(match[1])), word


def test_decisions_stand_on_their_own():
    """One paragraph each, with a title; nothing rests on a document or a number that readers do not have."""
    text = read("docs/decisions.md")
    assert not re.search(r"design\.md|\bthe design\b|\bissue \d", text, re.I)
    paragraphs = [part for part in text.split("\n\n")[2:] if not part.startswith("#")]
    assert len(paragraphs) >= 40
    for paragraph in paragraphs:
        assert paragraph.startswith("**"), paragraph[:60]
        assert paragraph.count("**") == 2, paragraph[:60]


def test_the_workflow_has_the_supported_pythons():
    """Valid YAML with the keys that GitHub wants; versions are those of requires-python; it says that it never ran."""
    from packaging.specifiers import SpecifierSet

    text = read(".github/workflows/test.yml")
    assert text.startswith("# Never run")
    flow = yaml.safe_load(text)
    assert set(flow) <= {"name", True, "permissions", "concurrency", "jobs"}  # YAML 1.1 reads the key `on` as True
    assert set(flow[True]) == {"push", "pull_request", "workflow_dispatch"}
    admitted = [f"3.{minor}" for minor in range(30) if SpecifierSet(PROJECT["requires-python"]).contains(f"3.{minor}")]
    assert flow["jobs"]["check"]["strategy"]["matrix"]["python"] == admitted
    assert "pull_request" in flow["jobs"]["test"]["if"]
    for job in flow["jobs"].values():
        assert job["runs-on"] == "ubuntu-latest"
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step), step
            called = re.match(r"make ([a-z-]+)", step.get("run", ""))
            assert not called or called[1] in targets(), step


@pytest.mark.parametrize("name", ["bug", "chapter"])
def test_issue_forms_have_what_github_wants(name):
    """name, description, body; every field a known type, an id of its own and a label."""
    form = yaml.safe_load(read(f".github/ISSUE_TEMPLATE/{name}.yml"))
    assert set(form) == {"name", "description", "labels", "body"}
    assert {field["type"] for field in form["body"]} <= {"input", "textarea", "checkboxes", "dropdown", "markdown"}
    ids = [field["id"] for field in form["body"]]
    assert len(set(ids)) == len(ids)
    assert all(field["attributes"]["label"] for field in form["body"])


def test_the_pull_request_template_names_what_is_there():
    """Its make targets and its paths exist."""
    text = read(".github/pull_request_template.md")
    assert set(re.findall(r"`make ([a-z-]+)`", text)) <= set(targets())
    for word in re.findall(r"`([^` ]+)`", text):
        assert not is_path(word) or found(word), word


def test_the_dev_container_sets_up_as_a_laptop_does():
    """JSON but for its comments; the image's Python is supported; `make setup` makes the environment."""
    lines = [line for line in read(".devcontainer/devcontainer.json").splitlines() if not line.startswith("//")]
    container = json.loads("\n".join(lines))
    assert container["image"] == "python:3.11"
    assert container["postCreateCommand"] == "make setup"
    assert container["forwardPorts"] == [8888]


def test_hooks_call_what_the_environment_holds():
    """pre-commit fetches nothing: every hook is local, calls .venv's Python, and a script that exists."""
    repos = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    assert [repo["repo"] for repo in repos] == ["local"]
    for hook in repos[0]["hooks"]:
        assert hook["language"] == "system"
        assert hook["entry"].startswith(".venv/bin/python ")
        for word in hook["entry"].split()[1:]:
            assert not word.endswith(".py") or (ROOT / word).is_file(), hook
        assert not re.search("strip", hook["entry"]), "outputs are kept"


def test_the_citation_is_of_this_version():
    """The keys that CFF 1.2.0 demands; title, version and licence are the project's."""
    citation = yaml.safe_load(read("CITATION.cff"))
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == aigc_course.__version__
    assert PROJECT["description"] == f"{citation['title']}. {citation['abstract']}"
    assert citation["license"] in PROJECT["license"].split(" AND ")
    assert [author["name"] for author in citation["authors"]] == [f"The authors of {citation['title']}"]
