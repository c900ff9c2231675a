#!/bin/bash
# Chapter 14, second half: what the notebook reads. Two cores, nothing else running: about 12 minutes in all.
# Each command goes on where it stopped; a kept result is not computed again.
cd "$(dirname "$0")/../.." || exit 1
for seed in 7 8 9; do .venv/bin/python benchmarks/picture_watermark.py --seed $seed; done   # 45 s each (7 is kept)
for seed in 7 8 9; do .venv/bin/python benchmarks/detector.py --seed $seed; done            # 80 s each
for seed in 1 2 3 4 5; do .venv/bin/python benchmarks/shares.py --seed $seed; done          # 80 s each
.venv/bin/python benchmarks/picture_watermark.py --table
.venv/bin/python benchmarks/detector.py --table
.venv/bin/python benchmarks/shares.py --table
