"""Where results go: beside the notebooks, or, where that cannot be written or is soon lost, to a place that lasts."""

import os
import sys
import tempfile
from pathlib import Path

__all__ = ["DRIVE", "can_write", "on_colab", "place"]

DRIVE = Path("/content/drive/MyDrive")  # where Colab shows the user's Google Drive once it is mounted
_MOUNT = "from google.colab import drive; drive.mount('/content/drive')"


def place():
    """The base folder of results: the first of several that can be written. Nothing is made.

    On Colab the mounted Drive; `runs` in the working directory (in notebooks/: beside it); `aigc-course/runs` in the
    home; none of them, None.

    Returns:
        (`pathlib.Path` or None, remark). The remark is one line that says why, "" where all is as usual. In the usual
        place the path is relative to the working directory.
    """
    here, home = Path.cwd(), Path(os.path.expanduser("~"))
    usual = here.parent / "runs" if here.name == "notebooks" else Path("runs")
    if on_colab() and DRIVE.is_dir() and can_write(DRIVE):
        return DRIVE / "aigc-course" / "runs", f"Results go to {DRIVE}/aigc-course/runs and outlive this session."
    if can_write(usual):
        lost = f"Results go with this session. To keep those to come, mount your Drive first: {_MOUNT}"
        return usual, lost if on_colab() else ""
    folder = home / "aigc-course" / "runs"
    if home.is_absolute() and can_write(folder):
        return folder, f"Results go to {folder}: {usual.absolute()} cannot be written. AIGC_RUNS names another place."
    return None, f"neither {usual.absolute()} nor {folder} can be written."


def can_write(folder):
    """Whether a file can be made in a folder, or in the one in which it would be made. Leaves nothing behind."""
    folder = Path(folder).absolute()
    there = next(place for place in (folder, *folder.parents) if os.path.lexists(str(place)))
    try:  # os.access is wrong on some network drives
        with tempfile.TemporaryFile(dir=str(there)):
            return True
    except OSError:
        return False


def on_colab():
    """Whether this runs on Google Colab, in the notebook's own process or in one that it started."""
    return "google.colab" in sys.modules or "COLAB_RELEASE_TAG" in os.environ
