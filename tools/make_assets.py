"""Puts a chapter's or a run's product among the shipped assets and brings the checksums up to date.

python tools/make_assets.py judge runs/chapter01/judge.weights.h5      made by chapter 01
python tools/make_assets.py generator runs/train/generator.weights.h5  made by `make train`
python tools/make_assets.py mode_collapse runs/bench/mode_collapse.csv made by `benchmarks/mode_collapse.py --table`
python tools/make_assets.py stacked_mnist runs/bench/stacked_mnist.csv made by `benchmarks/stacked_mnist.py --table`
python tools/make_assets.py fine_tuning runs/bench/fine_tuning.csv     made by `benchmarks/fine_tuning.py`
python tools/make_assets.py multimodal runs/bench/multimodal.csv       made by `benchmarks/multimodal.py --table`
python tools/make_assets.py tang_decoder runs/pretrain/text.npz        made by `tools/pretrain.py text`
python tools/make_assets.py image_codec runs/pretrain/image.npz        made by `tools/pretrain.py image`
python tools/make_assets.py speech_codec runs/pretrain/speech.npz      made by `tools/pretrain.py speech`
python tools/make_assets.py speech_judge runs/pretrain/judge.npz       made by `tools/pretrain.py judge`
python tools/make_assets.py multimodal_base runs/pretrain/multimodal.npz   made by `tools/pretrain.py multimodal`
python tools/make_assets.py multimodal_decoder runs/bench/multimodal/pre-trained-1000-7.npz  of its runs
python tools/make_assets.py music_decoder runs/pretrain/music.npz      made by `tools/pretrain.py music`
python tools/make_assets.py video_codec runs/pretrain/frames.npz       made by `tools/pretrain.py frames`
python tools/make_assets.py video_decoder runs/pretrain/video.npz      made by `tools/pretrain.py video`
python tools/make_assets.py films runs/bench/films.csv                 made by `benchmarks/films.py`
python tools/make_assets.py fashion_generator runs/bench/conditional/7.npz made by `benchmarks/conditional.py --seed 7`
python tools/make_assets.py fashion_judge runs/bench/conditional/judge.npz made by `benchmarks/conditional.py --judges`
python tools/make_assets.py conditional runs/bench/conditional.csv     made by `benchmarks/conditional.py --table`
python tools/make_assets.py flow runs/bench/flow/7.npz                 made by `benchmarks/flow.py --seed 7`
python tools/make_assets.py flow_scores runs/bench/flow_scores.csv     made by `benchmarks/flow.py --table`
python tools/make_assets.py families runs/bench/families.csv           made by `benchmarks/families.py --table`
python tools/make_assets.py NAME runs/bench/NAME.csv                   for the tables of chapters 12 to 15 (TABLES)
python tools/make_assets.py checksums                                  after glossary.csv was edited
python tools/make_assets.py pack                                       after a tool wrote an .npz here itself

Arrays are packed with LZMA, which NumPy reads as it reads any .npz; the generator is kept in half precision. The
judge of digits is not: its checksum stands in every score.
"""

import hashlib
import re
import shutil
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np

ASSETS = Path(__file__).resolve().parent.parent / "aigc_course" / "assets"
UNLISTED = {"README.md", "SHA256SUMS"}
TABLES = (  # of chapters 12 to 15: each made by `python benchmarks/… --table`
    *("augmentation", "taste", "adapt"),
    *("membership", "private", "unlearning"),
    *("retraining", "text_watermark", "picture_watermark", "detector", "shares"),
    *("scaling", "faults", "roofline", "backends"),
)
ENDINGS = {
    **dict.fromkeys(("judge", "generator"), ".weights.h5"),
    **dict.fromkeys(("mode_collapse", "stacked_mnist", "fine_tuning", "multimodal"), ".csv"),
    **dict.fromkeys(("conditional", "flow_scores", "families", "films", *TABLES), ".csv"),
    **dict.fromkeys(
        ("tang_decoder", "image_codec", "speech_codec", "speech_judge", "multimodal_base", "multimodal_decoder"), ".npz"
    ),
    **dict.fromkeys(("music_decoder", "video_codec", "video_decoder"), ".npz"),
    **dict.fromkeys(("fashion_generator", "fashion_judge", "flow"), ".npz"),
}


def pack(path):
    """Packs an .npz anew with LZMA: digits and sounds take a sixth less than with savez_compressed. Same arrays."""
    with zipfile.ZipFile(path) as source:
        members = {name: source.read(name) for name in source.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as packed:
        for name, content in members.items():  # with a date of its own the file would be another each time
            packed.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_LZMA)


def halve(source, target):
    """Copies Keras weights (.weights.h5) in float16, compressed; Keras widens them again when it loads them."""

    def copy(name, item):
        if isinstance(item, h5py.Dataset):
            value = item[()].astype(np.float16) if item.dtype == np.float32 else item[()]
            packing = {"compression": "gzip", "shuffle": True} if value.size > 64 else {}
            found = there.create_dataset(name, data=value, **packing)
        else:
            found = there.require_group(name)
        found.attrs.update(item.attrs)

    with h5py.File(source) as here, h5py.File(target, "w") as there:
        here.visititems(copy)
        there.attrs.update(here.attrs)


def update_checksums():
    """Writes SHA256SUMS and the sums in the README's table anew."""
    names = sorted(path.name for path in ASSETS.iterdir() if path.name not in UNLISTED)
    sums = {name: hashlib.sha256((ASSETS / name).read_bytes()).hexdigest() for name in names}
    (ASSETS / "SHA256SUMS").write_text("".join(f"{sums[name]}  {name}\n" for name in names), encoding="utf-8")
    readme = (ASSETS / "README.md").read_text(encoding="utf-8")
    for name, digest in sums.items():
        readme = re.sub(rf"(\| `{re.escape(name)}` \|.*\| `)[0-9a-f]*(…` \|)", rf"\g<1>{digest[:12]}\g<2>", readme)
    (ASSETS / "README.md").write_text(readme, encoding="utf-8")
    return sums


def main(arguments):
    """The command line; returns the exit code."""
    if arguments == ["checksums"]:
        pass
    elif arguments == ["pack"]:
        for path in sorted(ASSETS.glob("*.npz")):
            pack(path)
    elif len(arguments) == 2 and arguments[0] in ENDINGS and Path(arguments[1]).is_file():
        target = ASSETS / f"{arguments[0]}{ENDINGS[arguments[0]]}"
        (halve if arguments[0] == "generator" else shutil.copyfile)(arguments[1], target)
        if target.suffix == ".npz":
            pack(target)
    else:
        print(__doc__)
        return 2
    for name, digest in update_checksums().items():
        print(digest, name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
