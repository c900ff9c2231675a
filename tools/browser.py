"""Makes sure that the browser test has its Chromium: installs Debian's in CI, says what is missing elsewhere."""

import os
import shutil
import subprocess
import sys


def chromium():
    """The path of an installed Chromium or Chrome, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def main():
    """Returns the exit code: 0 unless CI has no browser and cannot get one."""
    if chromium() or not os.environ.get("CI"):
        return 0
    if shutil.which("apt-get") and os.geteuid() == 0:
        for command in (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"],
        ):
            subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
    if chromium():
        return 0
    print("CI needs Chromium for the browser test: apt-get install chromium", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
