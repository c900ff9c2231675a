"""Prints what the placeholders of 12b.py are, from runs/bench/taste.csv and adapt.csv; --write puts them in."""

import csv
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent


def read(name):
    with open(ROOT / "runs" / "bench" / name, newline="") as file:
        return list(csv.DictReader(file))


def mean(rows, name):
    return float(np.mean([float(row[name]) for row in rows]))


def gap(rows, name, error):
    values, errors = (np.array([float(row[key]) for row in rows]) for key in (name, error))
    return f"{100 * values.mean():.1f} ± {196 * np.sqrt((errors**2).sum()) / len(rows):.1f}"


taste, adapt, found = read("taste.csv"), read("adapt.csv"), {}
ideal = [row for row in taste if row["kind"] == "ideal"]
hits = {name: [r for r in ideal if r["part"] == "hits" and r["row"] == name] for name in ("random", "model", "nearest", "passive", "oracle")}
for name in ("random", "model", "nearest", "oracle"):
    found[name.upper()] = f"{100 * mean(hits[name], 'liked'):.0f}"
found["RATIO"] = f"{mean(hits['model'], 'liked') / mean(hits['random'], 'liked'):.2f}"
found["GAP"] = gap(hits["nearest"], "model_more", "model_more_error")
found["PASSIVE_GAP"] = gap(hits["passive"], "model_more", "model_more_error")


def curve(row, kind="ideal"):
    own = [r for r in taste if (r["kind"], r["part"], r["row"]) == (kind, "best of n", row) and float(r["labels"]) == 30]
    n = sorted({float(r["n"]) for r in own})
    return n, [[r for r in own if float(r["n"]) == one] for one in n]


n, points = curve("model")
liked = [mean(p, "liked") for p in points]
found["N30"] = f"{n[int(np.argmax(liked))]:,.0f}"
found["PEAK30"], found["RECEIVED30"] = f"{100 * max(liked):.0f}", f"{100 * liked[-1]:.0f}"
found["PRED30"] = f"{100 * mean(points[-1], 'predicted'):.0f}"
found["CAUTIOUS"] = f"{100 * max(mean(p, 'liked') for p in curve('cautious')[1]):.0f}"
for key, kind in (("FALL30", "ideal"), ("FALL_MORE", "more")):
    own = [r for r in taste if (r["kind"], r["part"], r["row"]) == (kind, "fall", "model") and float(r["labels"]) == 30]
    found[key] = gap(own, "fall", "fall_error")
climb = [r for r in ideal if r["part"] == "climb"]
for mark, name in (("P", "predicted"), ("L", "liked"), ("A", "agreement")):
    for end, step in (("0", 0), ("1", 60)):
        value = 100 * mean([r for r in climb if float(r["step"]) == step], name)
        found[f"CLIMB_{mark}{end}".replace("A1", "A")] = f"{value:.0f}"


def row(name, column="distance", steps=None):
    own = [r for r in adapt if r["row"] == name and (steps is None or int(r["steps"]) == steps)]
    values = [float(r[column]) for r in own]
    return f"{np.mean(values):.1f} ± {np.std(values, ddof=1) / np.sqrt(len(values)):.1f}"


found |= {"BLIND": row("blind: as it was"), "LINEAR": row("linear map"), "REALHAND": row("real")}
found |= {"FEW": row("few", steps=200), "ALL": row("all", steps=100)}
print(found)
for name, steps in (("real", None), ("twenty stored", None), ("blind: as it was", None), ("linear map", None), ("few", 200), ("few, then map", None), ("all", 100), ("all, then map", None), ("all", 200)):
    own = [r for r in adapt if r["row"] == name and (steps is None or int(r["steps"]) == steps)]
    print(name, steps, {c: round(mean(own, c), 3) for c in ("distance", "plain", "agreement", "spread", "copies")})
if "--write" in sys.argv:
    place = ROOT / "runs" / "drafts" / "12b.py"
    text = place.read_text(encoding="utf-8")
    for name, value in found.items():
        text = text.replace(f"@{name}@", value)
    place.write_text(text, encoding="utf-8")
