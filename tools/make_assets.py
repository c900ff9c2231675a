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
python tools/make_assets.py music_decoder runs/pretrain/music.npz      made by `tools/pretrain.py music`
python tools/make_assets.py video_codec runs/pretrain/frames.npz       made by `tools/pretrain.py frames`
python tools/make_assets.py video_decoder runs/pretrain/video.npz      made by `tools/pretrain.py video`
python tools/make_assets.py checksums                                  after glossary.csv was edited
"""

import hashlib
import re
import shutil
import sys
from pathlib import Path

ASSETS = Path(__file__).resolve().parent.parent / "aigc_course" / "assets"
UNLISTED = {"README.md", "SHA256SUMS"}
ENDINGS = {
    **dict.fromkeys(("judge", "generator"), ".weights.h5"),
    **dict.fromkeys(("mode_collapse", "stacked_mnist", "fine_tuning", "multimodal"), ".csv"),
    **dict.fromkeys(
        ("tang_decoder", "image_codec", "speech_codec", "speech_judge", "multimodal_base", "multimodal_decoder"), ".npz"
    ),
    **dict.fromkeys(("music_decoder", "video_codec", "video_decoder"), ".npz"),
}


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
    if arguments[:1] == ["checksums"] and len(arguments) == 1:
        pass
    elif len(arguments) == 2 and arguments[0] in ENDINGS and Path(arguments[1]).is_file():
        shutil.copyfile(arguments[1], ASSETS / f"{arguments[0]}{ENDINGS[arguments[0]]}")
    else:
        print(__doc__)
        return 2
    for name, digest in update_checksums().items():
        print(digest, name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
