"""Films of test digits: where is the written digit, and is it the same one? Three networks, each on its own films.

    python tools/pretrain.py frames; python tools/pretrain.py films      an hour on one core, with AMX half of it
    python benchmarks/films.py                                           writes runs/bench/films.csv: a minute

Four frames are given (the network reads three), six written. Each seed has its own 1,000 films of test digits; nothing
was chosen by them. Rows: *real* films; *codec*, the true frames through it; *blind*, the last given frame again; two
estimates by arithmetic from the given pixels (`films.flight`); *true frames*, a network that has never read a frame of
its own; *own frames*, the one that is shipped for the first seed. A frame without ink counts as in the middle.
"""

import numpy as np
from common import ROOT, write_csv

SEEDS = (7, 8, 9)
GIVEN, COUNT = 4, 1000
COLUMNS = ("seed", "row", "frame", "place", "digit")


def rows_of(seed, images, labels):
    """Mean distance of the ink's centre from the true one, and share of digits read as labelled, frame by frame."""
    from aigc_course.lmdg import codecs, films, next_frame

    codec, _ = codecs.load_frame_codec(ROOT / "runs" / "pretrain" / "frames.npz")
    real, chosen, _ = films.moving_digits(images, COUNT, np.random.default_rng(seed))
    names = {"own frames": "video" if seed == SEEDS[0] else f"video_{seed}", "true frames": f"video_true_{seed}"}
    shown = {"real": real, "codec": codec.decode(codec.encode(real))}
    shown["blind"] = np.concatenate([real[:, :GIVEN], real[:, [GIVEN - 1] * (films.FRAMES - GIVEN)]], axis=1)
    for row, name in names.items():
        path = ROOT / "runs" / "pretrain" / f"{name}.npz"
        if not path.is_file():
            print(f"seed {seed}: no network for the row {row} yet")
            continue
        network, _ = next_frame.load_next_frame(path)
        shown[row] = next_frame.go_on(network, codec, real[:, :GIVEN])
    true = films.centres(real)[:, GIVEN:]
    places = {row: films.centres(found)[:, GIVEN:] for row, found in shown.items()}
    for row, box in (("pixels", False), ("pixels, box", True)):
        places[row] = films.flight(real[:, :GIVEN], films.FRAMES - GIVEN, box)
    wanted, digits = labels[chosen], {}
    for row, found in shown.items():
        digits[row] = (films.read(found[:, GIVEN:]) == wanted[:, None]).mean(axis=0)
    middle = (films.SIZE - 1) / 2
    places = {row: np.where(np.isnan(place), middle, place) for row, place in places.items()}
    off = {row: np.linalg.norm(place - true, axis=-1).mean(axis=0) for row, place in places.items()}
    return [
        {
            "seed": seed,
            "row": row,
            "frame": GIVEN + 1 + i,
            "place": f"{off[row][i]:.3f}",
            "digit": f"{digits[row][i]:.3f}" if row in digits else "",
        }
        for row in off
        for i in range(films.FRAMES - GIVEN)
    ]


def main():
    from aigc_course import data

    _, (images, labels) = data.load_mnist()
    order = np.random.default_rng(0).permutation(len(images)).reshape(10, -1)
    rows = []
    for seed, part in zip(SEEDS, order, strict=False):
        rows += rows_of(seed, images[part], labels[part])
    write_csv("films", COLUMNS, rows)
    for row in rows:
        if row["frame"] in (GIVEN + 1, 10):
            print(*row.values())


if __name__ == "__main__":
    main()
