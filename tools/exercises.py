"""Derives exercises/ from solutions/ with nbgrader; `check` says where the two disagree.

    python tools/exercises.py           `nbgrader generate_assignment` for each folder in solutions/
    python tools/exercises.py check     exit 1 where exercises/ is not what would come out

Everything is made in a folder of its own first: Ctrl-C leaves exercises/ as it was.
"""

import filecmp
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def names():
    """The assignments, one folder each."""
    return sorted(path.name for path in (ROOT / "solutions").iterdir() if path.is_dir())


def generate(folder):
    """Runs nbgrader on a copy of solutions/ in `folder`; returns the folder with the results."""
    shutil.copytree(ROOT / "solutions", folder / "solutions", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    (folder / "grading").mkdir()
    # nbgrader calls alembic by name: the environment's programs must be found
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    for name in names():
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", "generate_assignment", name, "--create"],
            cwd=folder,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"nbgrader refused {name}:\n{done.stderr[-3000:]}")
        print(name, flush=True)
    return folder / "exercises"


def differences(fresh):
    """Files that differ, or that only one of the two folders has."""
    kept = ROOT / "exercises"
    files = {path.relative_to(top) for top in (fresh, kept) for path in top.rglob("*.ipynb")}
    files = {path for path in files if ".ipynb_checkpoints" not in path.parts}
    both = [path for path in files if (fresh / path).exists() and (kept / path).exists()]
    equal = {path for path in both if filecmp.cmp(fresh / path, kept / path, shallow=False)}
    return sorted(str(path) for path in files - equal)


def main(arguments):
    """The command line; returns the exit code."""
    if arguments not in ([], ["check"]):
        print(__doc__)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        fresh = generate(Path(folder))
        changed = differences(fresh)
        if not arguments:
            for name in changed:
                (ROOT / "exercises" / name).unlink(missing_ok=True)
            shutil.copytree(fresh, ROOT / "exercises", dirs_exist_ok=True)
    for name in changed:
        print(f"exercises/{name} {'brought up to date' if not arguments else 'DIFFERS: run make exercises'}")
    return 1 if changed and arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
