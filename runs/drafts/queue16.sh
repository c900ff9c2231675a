#!/bin/bash
# Long runs of chapter 16's two worked projects: two processes of one thread side by side, alone on two cores.
# Run it in /tmp/w/c16 or, after merging, in /work/main (or give the folder: q16.sh FOLDER). It goes on where it stopped.
# Minutes at 310 GFLOP/s, estimated from 100 steps and 3 runs: thirty 70 runs 5, shrink 12 runs of 1,200 steps 13, cards 1.
# grid.csv of thirty is complete (24 rows of 28 November) and KNOBS are its best: --validate need not run again.
set -e
cd "${1:-$PWD}"
PY=${PY:-/work/main/.venv/bin/python}
T=docs/projects/thirty/thirty.py S=docs/projects/shrink/shrink.py
LOG=${LOG:-/tmp/w/q16.log}
export PYTHONPATH=$PWD
lane() { core=$1; shift; OMP_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 taskset -c "$core" "$PY" "$@" 2>>"$LOG.$core"; }
date +"%T start" >>"$LOG"
(lane 0 $T --seed 1 2 3 4 5 && lane 0 $S --seed 7 && lane 0 $S --seed 9 --width 1 0.125) & first=$!
(lane 1 $T --seed 6 7 8 9 10 && lane 1 $S --seed 8 && lane 1 $S --seed 9 --width 0.5 0.25) & second=$!
wait $first; wait $second
date +"%T runs" >>"$LOG"
$PY $T 2>>"$LOG" && $PY $S 2>>"$LOG"   # what two writers may have lost; nothing, as a rule
wc -l docs/projects/*/results.csv >>"$LOG"   # 71 and 19
for name in shrink thirty; do
  $PY -m aigc_course card docs/projects/$name >>"$LOG" 2>&1 && $PY -m aigc_course card docs/projects/$name --check >>"$LOG" 2>&1
done
date +"%T done" >>"$LOG"
grep -E "hold|miss|cannot|licence" "$LOG" | tail -20
