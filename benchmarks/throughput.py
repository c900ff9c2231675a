"""Images per second of every loop, in turn and in rounds, beside the machine's own matrix product.

`python benchmarks/throughput.py` writes runs/bench/throughput.json.
"""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
from common import keep, progress
from loops import LOOPS

BATCH, ROUNDS, SECONDS = 64, 5, 4.0
GENERATOR, DISCRIMINATOR = 3 * 107.0, 20.0  # MFLOP for an image in a step: forward and twice as much backward
PRODUCT = 2 * 2048**3 / 1e9  # GFLOP


def measure(batch=BATCH, rounds=ROUNDS, names=None):
    """{loop: [images/s of each round]}; loops wait in processes of their own and take turns of some seconds."""
    names = names or list(LOOPS)
    missing = [name for name in names if name.startswith("PyTorch") and not importlib.util.find_spec("torch")]
    processes, rates = {}, {name: [] for name in names if name not in missing}
    for name in missing:
        print(f"not run: {name} (PyTorch is not installed: pip install -e '.[bench]')")
    try:
        for name in progress([*rates], "getting ready"):
            command = [sys.executable, str(Path(__file__).with_name("loops.py")), name, str(batch)]
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
            processes[name] = process
            if "ready" not in iter_until(process.stdout, "ready"):
                print(f"not run: {name} (its process ended with code {process.wait()})")
                del rates[name]
        steps = {name: max(2, int(SECONDS * ask(processes[name], 3) / batch)) for name in rates}
        for _ in progress(range(rounds), "rounds"):
            for name in rates:
                rates[name].append(ask(processes[name], steps[name]))
    finally:
        for process in processes.values():
            process.kill()
    return rates


def iter_until(stream, word):
    """Reads lines up to one that holds the word; returns it, or "" at the end."""
    return next((line for line in stream if word in line), "")


def ask(process, steps):
    """Lets a loop make that many steps; returns images/s."""
    process.stdin.write(f"{steps}\n")
    process.stdin.flush()
    while True:
        line = process.stdout.readline()
        if not line:
            raise SystemExit("a loop ended early; run it alone: python benchmarks/loops.py NAME 64")
        try:
            return float(line)
        except ValueError:
            continue  # what a library printed


def main():
    rates = measure()
    product = np.array(rates.pop("matrix product")) / BATCH * PRODUCT  # GFLOP/s
    limit = float(np.median(product)) * 1000.0 / (GENERATOR + DISCRIMINATOR)
    keep(
        "throughput",
        {
            "batch": BATCH,
            "rounds": ROUNDS,
            "product_gflops": [round(float(x), 1) for x in product],
            "limit": round(limit, 1),
            "images_per_second": {name: [round(x, 1) for x in found] for name, found in rates.items()},
        },
    )


if __name__ == "__main__":
    main()
