"""Sees to the programs outside Python that the tests need: installs Debian's in CI, says what is missing elsewhere."""

import os
import shutil
import subprocess
import sys

# what it is for, Debian's package, names of the program
NEEDED = {
    "chromium": ("the browser test", ("chromium", "chromium-browser", "google-chrome")),
    "bubblewrap": ("the grader's sandbox", ("bwrap",)),
}


def program(package):
    """The path of an installed program that does, or None."""
    return next(filter(None, map(shutil.which, NEEDED[package][1])), None)


def main():
    """Returns the exit code: 0 unless CI lacks a program and cannot get it."""
    missing = [package for package in NEEDED if not program(package)]
    if not missing or not os.environ.get("CI"):
        return 0
    if shutil.which("apt-get") and os.geteuid() == 0:
        for command in (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing],
        ):
            subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
    for package in (package for package in missing if not program(package)):
        print(f"CI needs {package} for {NEEDED[package][0]}: apt-get install {package}", file=sys.stderr)
    return 0 if all(map(program, missing)) else 1


if __name__ == "__main__":
    sys.exit(main())
