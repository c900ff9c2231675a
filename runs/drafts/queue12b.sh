# Taste and adaptation, chapter 12, three seeds: about 4 + 9 minutes on two cores with nothing else running
rm -f runs/bench/taste/3.json runs/bench/adapt/99-*.json  # trials of small size
for seed in 7 8 9; do .venv/bin/python benchmarks/taste.py --seed $seed || exit; done
.venv/bin/python benchmarks/taste.py --table
for seed in 7 8 9; do .venv/bin/python benchmarks/adapt.py --seed $seed || exit; done
.venv/bin/python benchmarks/adapt.py --table
