"""Peak memory and cost of an image against the batch size, each batch size in a process of its own.

`python benchmarks/memory.py` writes runs/bench/memory.json.
"""

import json
import subprocess
import sys
import time

import psutil
from common import keep, progress

BATCHES = (16, 32, 64, 128, 256, 512)
LIMIT_SECONDS = 6.0


def one(batch):
    """Trains for some seconds; prints the process's peak memory in MB, and the median images/s of five windows."""
    from aigc_course import runtime

    runtime.start(7, report=False)
    import numpy as np

    from aigc_course import data, gan, models

    (images, _), _ = data.load_mnist()
    model = gan.GAN(models.build_generator(), models.build_discriminator(), step="d_first", r1=0.3)
    model.compile()
    before = psutil.Process().memory_info().rss
    model.fit(images, batch, epochs=1, steps_per_epoch=3, verbose=0)
    steps = max(2, int(LIMIT_SECONDS / 5 * 350 / batch))
    rates = []
    for _ in range(5):
        started = time.perf_counter()
        model.fit(images, batch, epochs=1, steps_per_epoch=steps, verbose=0)
        rates.append(steps * batch / (time.perf_counter() - started))
    print(json.dumps({"batch": batch, "before_mb": before / 1e6, "images_per_second": float(np.median(rates))}))


def peak_of(command):
    """Runs a command; returns (its last line as JSON, the largest resident memory of its process, in MB)."""
    process = psutil.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    largest = 0
    while process.poll() is None:
        try:
            largest = max(largest, process.memory_info().rss)
        except psutil.Error:
            break
        time.sleep(0.02)
    return json.loads(process.stdout.read().strip().splitlines()[-1]), largest / 1e6


def main():
    if len(sys.argv) == 2:
        one(int(sys.argv[1]))
        return
    rows = []
    for batch in progress(BATCHES, "batch sizes"):
        row, peak = peak_of([sys.executable, __file__, str(batch)])
        rows.append({**row, "peak_mb": round(peak), "ms_per_image": round(1000 / row["images_per_second"], 3)})
    keep("memory", {"rows": rows})


if __name__ == "__main__":
    main()
