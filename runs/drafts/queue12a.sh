#!/bin/bash
# Long measurements of chapter 12, first half; each goes on where it stopped. From the root of the repository.
# Two processes of one thread, one a data set. Without whole Fashion-MNIST (30 MB, Debian's package, in apt's cache) clothes go up to n = 100.
set -e
FASHION=runs/fashion-mnist/usr/share/datasets/fashion-mnist
[ -d $FASHION ] || dpkg-deb -x /var/cache/apt/archives/dataset-fashion-mnist_*.deb runs/fashion-mnist
export OMP_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1
run() { .venv/bin/python benchmarks/augmentation.py "$@"; }
both() { run "$@" --data fashion --fashion $FASHION & run "$@"; wait $!; }
both --tune     # 13 minutes: writes benchmarks/augmentation_knobs.json (to be committed)
both --all      # 20 minutes
run --table     # runs/bench/augmentation.csv -> assets
