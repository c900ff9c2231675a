#!/bin/bash
# Chapter 15's measurements, in this order; minutes at 210 GFLOP/s on two free cores (estimates where nothing ran yet).
# Lines with [quiet] need a quiet machine (they time something), the others do not. All go on where they stopped.
cd "$(dirname "$0")/../.." || exit 1
PY=${PY:-.venv/bin/python}            # for backends: a venv with jax and torch beside TensorFlow, here /tmp/w/venv-15
PY3=${PY3:-/tmp/w/venv-15/bin/python}

$PY3 benchmarks/backends.py --check                       # 2 min: equality of the three; look at "equal": true
$PY benchmarks/scaling.py --run --seeds 2                 # 12–20 min: 32 runs (16 a seed); no quiet needed
$PY benchmarks/scaling.py --predict                       # 10 s: writes benchmarks/scaling_prediction.json
git add benchmarks/scaling_prediction.json && git commit -qm "Scaling law: the prediction, before its run"
$PY benchmarks/scaling.py --test                          # 4–8 min: the held-out run; prints the miss
$PY benchmarks/scaling.py --table                         # -> runs/bench/scaling.csv -> aigc_course/assets/scaling.csv
$PY benchmarks/faults.py                                  # 25 min: 4 faults × 3 seeds -> runs/bench/faults.csv -> assets
$PY benchmarks/roofline.py                                # 3 min [quiet]
$PY benchmarks/roofline.py --table                        # -> runs/bench/roofline.csv -> assets
$PY3 benchmarks/backends.py                               # 4 min [quiet]: images/s of the three
$PY3 benchmarks/backends.py --table                       # -> runs/bench/backends.csv -> assets
$PY3 benchmarks/backends.py --backend tensorflow --quality # 10 min [quiet], may be left out on a CPU
