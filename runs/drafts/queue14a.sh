# Chapter 14, first half. Everything goes on where it stopped. Minutes: on two free cores at 210 GFLOP/s.
cd "$(dirname "$0")/../.." || exit 1
for seed in 7 8 9; do  # 3.5 minutes a seed; what is kept is skipped
  .venv/bin/python benchmarks/retraining.py --regime all --generations 10 --seed $seed
done
for seed in 7 8 9; do  # 1 minute a seed: these two rows' draws changed after the first run (no overlap with the first pool)
  for regime in fresh real blind; do .venv/bin/python benchmarks/retraining.py --regime $regime --seed $seed --again; done
done
.venv/bin/python benchmarks/retraining.py --table
for seed in 7 8 9; do  # 2 minutes a seed, and 2 for the poet before the first
  .venv/bin/python benchmarks/text_watermark.py --seed $seed
done
.venv/bin/python benchmarks/text_watermark.py --table
# if time is left, 3.5 minutes each: retraining --regime all --seed 10, 11, then --table
