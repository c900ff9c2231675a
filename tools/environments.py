"""Runs the course in other environments than .venv: Colab's versions, and the oldest and newest that pyproject allows.

    python tools/environments.py colab [PYTEST ARGUMENTS]         make test-colab
    python tools/environments.py versions [PYTHON:KIND ...]       make test-versions; for example 3.12:lowest
    python tools/environments.py extras                           does every extra resolve?
    python tools/environments.py table                            writes the README's table from runs/versions/

Environments stay in .venvs/ and are made anew when what they hold changes. KIND is lowest or newest. uv, from
requirements.lock, resolves and installs; the package comes as a wheel, as a learner gets it.
"""

import atexit
import datetime
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ROOT / ".venvs"
RESULTS = ROOT / "runs" / "versions"
COLAB = ROOT / "tests" / "colab" / "requirements.txt"
PYTHONS = ("3.11", "3.12", "3.13")
KINDS = ("lowest", "newest")
# The lowest without nbgrader and KerasHub: what those need in turn would raise JupyterLab and TensorFlow. Colab's
# versions have KerasHub's lowest.
EXTRAS = {"lowest": ("cpu", "lab", "test"), "newest": ("cpu", "lab", "instructor", "hub", "test")}
# Modules that show versions apart: everything but the grader, several machines and the browser, which `make test` runs.
UNITS = (
    "checks",
    "codes",
    "collapse",
    "data",
    "definitions",
    "errors",
    "fast",
    "gan",
    "hub",
    "lmdg",
    "metrics",
    "models",
    "multimodal",
    "music",
    "objectives",
    "plane",
    "plots",
    "progress",
    "runtime",
    "step",
    "video",
    "widgets",
)


def uv(*arguments, **options):
    """Runs uv, which comes with the test extra."""
    return subprocess.run([sys.executable, "-m", "uv", *map(str, arguments)], cwd=ROOT, check=True, **options)


def find_python(version):
    """The path of a Python of that version, such as "3.13", or None: on the PATH, in pyenv's and in uv's folders."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [
        *sorted(pyenv.glob(f"{version}.*/bin/python"), reverse=True),
        sys.executable,
        *filter(None, [shutil.which(f"python{version}"), shutil.which("python3")]),
    ]
    for candidate in candidates:
        shown = subprocess.run(
            [str(candidate), "-c", "import sys, venv; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        if shown.returncode == 0 and shown.stdout.strip() == version:
            return str(candidate)
    return None


def wheel():
    """Builds the wheel by way of the sdist, in a folder that lasts as long as this process; returns its path."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"building the wheel failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return next(folder.glob("*.whl"))


def environment(name, python, requirements):
    """Makes .venvs/<name> with these pinned requirements, unless it is there already; returns its Python."""
    folder = ENVIRONMENTS / name
    inside = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    wanted = hashlib.sha256(f"{python}\n{requirements}".encode()).hexdigest()
    stamp = folder / "made.txt"
    if not (stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted and inside.exists()):
        shutil.rmtree(folder, ignore_errors=True)
        uv("venv", "--quiet", "--seed", "--python", python, folder)
        listed = folder / "requirements.txt"
        listed.write_text(requirements, encoding="utf-8")
        uv("pip", "install", "--quiet", "--python", inside, "--no-deps", "--requirements", listed)
        stamp.write_text(wanted, encoding="utf-8")
    return inside


def run(python, *arguments, environ=None):
    """Runs that Python from another folder than the course's, as a learner would; returns the exit code."""
    variables = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    command = [str(python), *map(str, arguments)]
    with tempfile.TemporaryDirectory() as folder:  # of its own: two runs at once do not take it from each other
        return subprocess.run(command, cwd=folder, env={**variables, **(environ or {})}, check=False).returncode


# --- Colab ------------------------------------------------------------------------------------------------


def colab(arguments):
    """Colab's published versions, a stand-in for google.colab, the wheel as its bootstrap cell installs it."""
    python = find_python("3.13") or find_python("3.12") or sys.executable
    inside = environment("colab", python, COLAB.read_text(encoding="utf-8"))
    stand_in = subprocess.run(
        [inside, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    stand_in = Path(stand_in) / "google" / "colab"
    stand_in.mkdir(parents=True, exist_ok=True)
    (stand_in / "__init__.py").write_text(
        '"""Colab has a module of this name; here it is empty."""\n', encoding="utf-8"
    )
    built = wheel()
    run(inside, "-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall", built)
    print(f"Colab's versions in .venvs/colab, Python {python}", flush=True)
    options = ["-p", "no:cacheprovider", f"--rootdir={ROOT / 'tests'}"]

    def tests(*more):
        environ = {"AIGC_COLAB_WHEEL": str(built), "AIGC_FAST": "1", "MPLBACKEND": "agg"}
        return run(inside, "-m", "pytest", *options, *more, ROOT / "tests" / "colab", environ=environ)

    if arguments:
        return tests(*arguments)
    alone = tests("-ra", "-k", "bootstrap_cell")  # it takes the package away, so nothing may run beside it
    return tests("-ra", "-n", "2", "-k", "not bootstrap_cell") or alone


# --- every declared version -------------------------------------------------------------------------------


def resolved(kind, version, extras):
    """The pinned requirements of pyproject.toml and these extras: the lowest or the newest that it allows."""
    options = ["--resolution", "lowest-direct"] if kind == "lowest" else ["--upgrade"]
    chosen = [part for extra in extras for part in ("--extra", extra)]
    done = uv(
        "pip",
        "compile",
        "--quiet",
        "--no-header",
        "--no-annotate",
        "--no-emit-index-url",
        "--only-binary",
        ":all:",  # a learner has no compiler
        "--python-version",
        version,
        *options,
        *chosen,
        "pyproject.toml",
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


def check(version, kind):
    """Units and fast chapters in one environment; writes runs/versions/<version>-<kind>.json, returns the exit code."""
    place = RESULTS / f"{version}-{kind}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    report = {"python": version, "kind": kind, "date": datetime.date.today().isoformat()}
    python, started = find_python(version), time.perf_counter()
    if python is None:
        report |= {"skipped": f"no Python {version} on this machine"}
        place.write_text(json.dumps(report), encoding="utf-8")
        print(f"{version} {kind}: skipped, {report['skipped']}")
        return 0
    requirements = resolved(kind, version, EXTRAS[kind])
    pins = dict(re.findall(r"^([\w.-]+)==([^ ;\n]+)", requirements, re.M))
    shown = ("tensorflow", "keras", "numpy", "matplotlib", "ipython", "ipywidgets", "pillow", "jupyterlab")
    report["versions"] = {name: pins[name] for name in shown}
    inside = environment(f"{version}-{kind}", python, requirements)
    uv("pip", "install", "--quiet", "--python", inside, "--no-deps", "--reinstall", wheel())
    results = ENVIRONMENTS / f"{version}-{kind}.xml"
    lacking = () if kind == "newest" else ("hub",)
    tests = [ROOT / "tests" / f"test_{name}.py" for name in UNITS if name not in lacking]
    code = run(
        inside,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        f"--rootdir={ROOT / 'tests'}",
        "-m",
        "not long",
        f"--junitxml={results}",
        *tests,
        ROOT / "tests" / "colab" / "test_chapters.py",
        environ={"AIGC_FAST_CHAPTERS": "once"},
    )
    counted = re.search(
        r'<testsuite [^>]*?errors="(\d+)" failures="(\d+)" skipped="(\d+)" tests="(\d+)"',
        results.read_text(encoding="utf-8"),
    )
    report |= dict(zip(("errors", "failures", "skips", "tests"), map(int, counted.groups()), strict=True))
    report |= {"python": ".".join(map(str, [version])), "minutes": round((time.perf_counter() - started) / 60, 1)}
    place.write_text(json.dumps(report), encoding="utf-8")
    print(f"{version} {kind}: {json.dumps(report)}", flush=True)
    return code


def versions(names):
    """All of them, or those named as 3.12:lowest."""
    chosen = names or [f"{version}:{kind}" for version in PYTHONS for kind in KINDS]
    pairs = [name.partition(":")[::2] for name in chosen]
    if any(version not in PYTHONS or kind not in KINDS for version, kind in pairs):
        sys.exit(f"name them as 3.11:lowest, of {', '.join(PYTHONS)} and {', '.join(KINDS)}; received {chosen}")
    codes = [check(version, kind) for version, kind in pairs]
    table()
    return max(codes)


def extras():
    """Resolves every extra alone, for every Python; prints what fails and returns 1 then."""
    named = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    faults = 0
    for extra in named:
        for version in PYTHONS:
            try:
                found = len(resolved("newest", version, (extra,)).splitlines())
                print(f"{extra:<12} {version}  {found} packages")
            except subprocess.CalledProcessError:
                faults += 1
                print(f"{extra:<12} {version}  DOES NOT RESOLVE")
    return 1 if faults else 0


def table():
    """Writes the README's table of versions between its markers, from what `check` kept."""
    rows = [
        "| Python | resolved | TensorFlow, Keras, NumPy | IPython, ipywidgets, JupyterLab | result | date |",
        "|---|---|---|---|---|---|",
    ]
    for place in sorted(RESULTS.glob("*.json")):
        one = json.loads(place.read_text(encoding="utf-8"))
        if "skipped" in one:
            rows.append(f"| {one['python']} | {one['kind']} | | | skipped: {one['skipped']} | {one['date']} |")
            continue
        pins, failed = one["versions"], one["errors"] + one["failures"]
        said = f"{one['tests'] - failed - one['skips']} passed" + (f", **{failed} failed**" if failed else "")
        said += f", {one['skips']} skipped" if one["skips"] else ""
        rows.append(
            f"| {one['python']} | {one['kind']} | {pins['tensorflow']}, {pins['keras']}, {pins['numpy']} | "
            f"{pins['ipython']}, {pins['ipywidgets']}, {pins['jupyterlab']} | {said} | {one['date']} |"
        )
    path = ROOT / "README.md"
    text = path.read_text(encoding="utf-8")
    before, _, after = text.split("<!-- versions -->")
    path.write_text("<!-- versions -->".join([before, "\n" + "\n".join(rows) + "\n", after]), encoding="utf-8")
    return 0


def main(arguments):
    """The command line; returns the exit code."""
    commands = {"colab": colab, "versions": versions, "extras": lambda _: extras(), "table": lambda _: table()}
    if not arguments or arguments[0] not in commands:
        print(__doc__)
        return 2
    return commands[arguments[0]](arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
