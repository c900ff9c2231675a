#!/bin/bash
# Measurements of helper 13b; goes on where it stopped (what is kept is not measured again).
cd "$(dirname "$0")/../.." || exit 1
python=.venv/bin/python
for seed in 7 8 9; do
  for n in 100 1000 10000; do
    $python benchmarks/membership.py --n $n --seed $seed 2>/dev/null | tail -1
    $python benchmarks/membership.py --n $n --seed $seed --null 2>/dev/null | tail -1
  done
done
for model in gan text; do
  for seed in 7 8; do
    for n in 100 1000 10000; do
      $python benchmarks/membership.py --n $n --seed $seed --model $model 2>/dev/null | tail -1
      $python benchmarks/membership.py --n $n --seed $seed --model $model --null 2>/dev/null | tail -1
    done
  done
done
$python benchmarks/membership.py --table
[ -f benchmarks/unlearning.py ] && for seed in 7 8 9; do $python benchmarks/unlearning.py --seed $seed 2>/dev/null | tail -1; done && $python benchmarks/unlearning.py --table
