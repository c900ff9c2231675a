#!/bin/bash
# Long measurements of chapter 13, first part (differential privacy). About 28 minutes on two free cores; goes on where it stopped.
set -e
cd "$(dirname "$0")/../.."
for seed in 7 8 9; do .venv/bin/python benchmarks/private.py --seed $seed; done                # 3 × 1.3 min
for seed in 7 8 9; do .venv/bin/python benchmarks/private.py --seed $seed --bug; done          # 3 × 1.3 min
for seed in 7 8 9; do .venv/bin/python benchmarks/private.py --seed $seed --generator; done    # 3 × 1.2 min
.venv/bin/python benchmarks/private.py --seed 7 --curve                                        # 4 min
.venv/bin/python benchmarks/private.py --tune                                                  # 12 min
.venv/bin/python benchmarks/private.py --table                                                 # runs/bench/private.csv
