"""What the benchmarks share: where results go, which machine it is."""

import csv
import datetime
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from aigc_course import files, runtime  # noqa: E402

RESULTS = ROOT / "runs" / "bench"
runtime.configure()  # what imports this before TensorFlow has its memory settings


def progress(items, label):
    """A progress bar on stderr."""
    from tqdm import tqdm

    return tqdm(items, desc=label, dynamic_ncols=True, mininterval=1.0)


def keep(name, result):
    """Writes one benchmark's result, with machine and date, to runs/bench/NAME.json, whole or not at all."""
    result = {**result, "machine": machine()}
    text = json.dumps(result, indent=1) + "\n"
    files.write_whole(RESULTS / f"{name}.json", lambda part: part.write_text(text, encoding="utf-8"))
    print(f"{name}: kept in runs/bench/{name}.json", flush=True)


def kept(name):
    """A result that was kept, or None."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def write_csv(name, columns, rows):
    """runs/bench/NAME.csv, whole or not at all: a head, a line a dict; what `columns` does not name is left out."""

    def write(part):
        with open(part, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n", extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)

    files.write_whole(RESULTS / f"{name}.csv", write)


def table(name, columns, line):
    """Writes the rows of all results kept in runs/bench/NAME/ as runs/bench/NAME.csv, a line of each as NAME.json."""
    results = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((RESULTS / name).glob("*.json"))]
    if not results:
        sys.exit(f"nothing measured yet: python benchmarks/{name}.py --seed 7")
    write_csv(name, columns, [row for result in results for row in result["rows"]])
    keep(name, {"runs": [line(result) for result in results]})


def machine():
    """Cores, memory, processor features, versions, date."""
    import importlib.metadata

    features = ""
    if Path("/proc/cpuinfo").is_file():
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        features = next((name for mark, name in (("avx512f", "AVX-512"), ("avx2", "AVX2")) if mark in flags), "")
    found = {}
    for package in ("tensorflow", "keras", "numpy", "torch"):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "cores": runtime.cores(),
        "memory_gib": round(runtime.memory_gib()[0]),
        "features": features,
        "python": sys.version.split()[0],
        **found,
        "date": datetime.date.today().isoformat(),
    }
