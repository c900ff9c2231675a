"""Runs a command as a user without rights when the tests run as root: most instructors are no administrators.

Where Python or the checkout lies in a folder that is closed to others (/root), the command gets a view of the file
system in which just these are open; nothing on the machine changes.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
USER = 65534  # nobody
VIEW = """set -e
stage=$1; shift
i=0; while [ "$1" != -- ]; do
  mkdir -p "$stage/$i"; mount --bind "$1" "$stage/$i"; echo "$1" > "$stage/$i.path"; i=$((i + 1)); shift
done; shift
for top in $CLOSED; do mount -t tmpfs -o mode=755 none "$top"; done
i=0; while [ -e "$stage/$i.path" ]; do
  path=$(cat "$stage/$i.path"); mkdir -p "$path"; mount --bind "$stage/$i" "$path"; i=$((i + 1))
done
exec setpriv --reuid=USER --regid=USER --clear-groups --inh-caps=-all "$@"
""".replace("USER", str(USER))


def closed(path):
    """The outermost folder above a path that others may not pass, or None."""
    return next((parent for parent in [*reversed(path.parents), path] if not parent.stat().st_mode & 0o001), None)


@contextlib.contextmanager
def home():
    """A folder that belongs to the ordinary user."""
    folder = Path(tempfile.mkdtemp(prefix="ordinary-"))
    try:
        folder.chmod(0o755)
        if os.geteuid() == 0:
            os.chown(folder, USER, USER)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(command, folder, **variables):
    """Runs a command as the ordinary user in a folder of theirs; as root only."""
    paths = sorted({Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve(), ROOT})
    tops = sorted({str(top) for path in paths if (top := closed(path))})
    shown = [str(path) for path in paths if any(path.is_relative_to(top) for top in tops)]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "CLOSED": " ".join(tops),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        **variables,
    }
    with tempfile.TemporaryDirectory() as stage:
        os.chmod(stage, 0o755)
        return subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", VIEW, "sh", stage, *shown, "--", *command],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=500,
        )
