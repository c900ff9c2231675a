"""How far two people's ratings of the same projects agree.

    python docs/projects/agreement.py A.csv B.csv

Each file has the columns project, question, comparison, numbers, split, documents, words; a rating is 0, 1, 2 or 3.
Says, for each criterion and for all: the share of equal ratings, of those at most one level apart, and Cohen's kappa
with quadratic weights (Cohen, 1968), with a 95 % interval from 2,000 bootstrap draws of projects. Quote kappa with it;
six projects are few for a bootstrap, and projects that were made up to fill all levels raise kappa.
"""

import csv
import sys

import numpy as np

CRITERIA = ("question", "comparison", "numbers", "split", "documents", "words")
LEVELS = 4


def read(path):
    """{project: array (6,) of ratings}."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = {row["project"]: [int(row[name]) for name in CRITERIA] for row in csv.DictReader(file)}
    for project, ratings in rows.items():
        if not all(0 <= one < LEVELS for one in ratings):
            raise ValueError(f"{path}: ratings of {project} must be 0 to 3")
    return rows


def kappa(a, b):
    """Cohen's kappa with quadratic weights; NaN where both always gave one and the same level."""
    cost = np.subtract.outer(np.arange(LEVELS), np.arange(LEVELS)) ** 2
    seen = np.zeros((LEVELS, LEVELS))
    np.add.at(seen, (a, b), 1)
    by_chance = np.outer(seen.sum(1), seen.sum(0)) / seen.sum()
    expected = (cost * by_chance).sum()
    return 1 - (cost * seen).sum() / expected if expected else float("nan")


def agreement(first, second, rng, draws=2000):
    """{criterion or "all": (equal, within one, kappa, low, high)} for arrays (projects, criteria)."""
    found = {}
    for name, columns in {**{c: [i] for i, c in enumerate(CRITERIA)}, "all": range(len(CRITERIA))}.items():
        a, b = first[:, list(columns)], second[:, list(columns)]
        again = rng.integers(0, len(a), (draws, len(a)))
        spread = [kappa(a[chosen].ravel(), b[chosen].ravel()) for chosen in again]
        ends = np.nanquantile(spread, [0.025, 0.975]) if not np.isnan(spread).all() else (np.nan, np.nan)
        found[name] = ((a == b).mean(), (abs(a - b) <= 1).mean(), kappa(a.ravel(), b.ravel()), *ends)
    return found


def main():
    if len(sys.argv) != 3:
        sys.exit("error: two files of ratings, A.csv and B.csv")
    try:
        a, b = (read(path) for path in sys.argv[1:])
    except (OSError, ValueError, KeyError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if set(a) != set(b) or not a:
        print("error: both must rate the same projects", file=sys.stderr)
        return 2
    arrays = (np.array([one[name] for name in sorted(a)]) for one in (a, b))
    print(f"{'':12}{'equal':>8}{'within 1':>10}{'kappa':>8}  95 % interval")
    for name, (equal, near, k, low, high) in agreement(*arrays, np.random.default_rng(7)).items():
        print(f"{name:12}{equal:8.0%}{near:10.0%}{k:8.2f}  {low:.2f} … {high:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
