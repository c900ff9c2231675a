"""Sets the course's public address and the Colab badges everywhere; says what to push.

    python tools/publish.py owner/name      or https://github.com/owner/name; "none" takes the address back

make publish-to REPO=owner/name calls it. The address stands in pyproject.toml; bootstrap cells, badges and the README's
section on Colab are filled in from there.
"""

import re
import subprocess
import sys
from pathlib import Path

import notebooks

ROOT = Path(__file__).resolve().parent.parent
MARK = "<!-- colab -->"
UNPUBLISHED = """
There is no public copy of the course yet: `make publish-to REPO=owner/name` prepares one.
"""
PUBLISHED = """
[![Open chapter 00 in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/{repo}/blob/main/notebooks/00_start_here.ipynb)
opens chapter 00; every chapter and exercise has such a badge below its title.
"""


def repository_name(text):
    """ "owner/name" from that or from an address on GitHub; None for "none"; exits with a line if it is neither."""
    found = re.fullmatch(r"(?:https://github\.com/|git@github\.com:)?([\w-]+)/([\w.-]+?)(?:\.git)?/?", text.strip())
    if text.strip() == "none":
        return None
    if not found or found[1].startswith("-") or set(found[2]) <= {"."}:
        sys.exit(f"name the repository as owner/name: make publish-to REPO=ada/aigc-course; received {text!r}")
    return f"{found[1]}/{found[2]}"


def set_address(repo):
    """Writes the address into pyproject.toml."""
    path = ROOT / "pyproject.toml"
    address = f"https://github.com/{repo}" if repo else notebooks.UNSET
    text, count = re.subn(
        r'^Repository = ".*"$', f'Repository = "{address}"', path.read_text(encoding="utf-8"), flags=re.M
    )
    if count != 1:
        sys.exit('pyproject.toml must hold one line Repository = "…" under [project.urls]')
    path.write_text(text, encoding="utf-8")


def set_readme(repo):
    """Writes the README's lines between its two marks."""
    path = ROOT / "README.md"
    parts = path.read_text(encoding="utf-8").split(MARK)
    if len(parts) != 3:
        sys.exit(f"README.md must hold {MARK} twice, around the lines on the public copy")
    parts[1] = PUBLISHED.format(repo=repo) if repo else UNPUBLISHED
    path.write_text(MARK.join(parts), encoding="utf-8")


def main(arguments):
    """The command line; returns the exit code."""
    if len(arguments) != 1 or not arguments[0].strip():
        print(__doc__)
        return 2
    repo = repository_name(arguments[0])
    set_address(repo)
    set_readme(repo)
    notebooks.main(["normalise"])  # exercises/ come from solutions/, which have the badge of their exercise
    subprocess.run([sys.executable, str(ROOT / "tools" / "exercises.py")], check=True)
    if repo is None:
        print("The address is taken back. Now: git commit -am 'No public copy'")
        return 0
    print(f"""Set everywhere. Make an empty repository {repo} on GitHub, then:
  git add -A && git commit -m 'Public address and Colab badges'
  git remote add public https://github.com/{repo}.git
  git push public HEAD:main
Then open https://colab.research.google.com/github/{repo}/blob/main/notebooks/00_start_here.ipynb and run all cells.""")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
