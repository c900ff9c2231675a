"""Makes fashion_mnist.npz of the assets from Debian's Fashion-MNIST, once, at authoring time.

    apt install dataset-fashion-mnist && python tools/make_fashion.py && python tools/make_assets.py checksums

The share that the repository has room for: of each class the first 600 of the 60,000 training images and the first 200
of the 10,000 test images, in their old order. `load_whole()` gives the tools all of them.
"""

import gzip
import hashlib
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
SOURCE = Path("/usr/share/datasets/fashion-mnist")
# MD5 of the decompressed IDX files: Debian compressed them anew, so the published sums are of other wrapping
MD5 = {
    "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
}
SHARE = {"train": 600, "test": 200}  # of each class


def read(name):
    """The array of an IDX file, uint8; the images' files are compared with their sums."""
    path = SOURCE / f"{name}.gz"
    if not path.is_file():
        sys.exit(f"error: there is no {path}. Run: apt install dataset-fashion-mnist")
    raw = gzip.decompress(path.read_bytes())
    if name in MD5 and hashlib.md5(raw).hexdigest() != MD5[name]:
        sys.exit(f"error: {path} is another file than the published one: MD5 {hashlib.md5(raw).hexdigest()}")
    rank = raw[3]
    shape = [int.from_bytes(raw[4 + 4 * axis : 8 + 4 * axis], "big") for axis in range(rank)]
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)


def load_whole():
    """((x_train, y_train), (x_test, y_test)), uint8, all 70,000."""
    train, test = ((read(f"{part}-images-idx3-ubyte"), read(f"{part}-labels-idx1-ubyte")) for part in ("train", "t10k"))
    return train, test


def share(images, labels, each):
    """The first `each` images of each class, in their old order."""
    places = np.sort(np.concatenate([np.flatnonzero(labels == one)[:each] for one in range(10)]))
    return images[places], labels[places]


def main():
    from make_assets import pack

    (x_train, y_train), (x_test, y_test) = (
        share(*part, each) for part, each in zip(load_whole(), SHARE.values(), strict=True)
    )
    path = ROOT / "aigc_course" / "assets" / "fashion_mnist.npz"
    np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    pack(path)
    print(f"{path}: {len(x_train)} and {len(x_test)} images, {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
