#!/bin/bash
# Chapter 15's measurements, to be run from /work/main after branch n15 is merged. Estimate: 34 minutes on two cores at 310 GFLOP/s with nothing else running (28 in two lanes, roofline 2, backends 4).
# Goes on where it stopped: give it again. Two lanes of one thread each, then what wants the machine alone.
cd /work/main || exit 1
set -o pipefail
PY=.venv/bin/python; PY3=${PY3:-/tmp/w/venv-15/bin/python}; LOG=${LOG:-/tmp/w/q15}
export PYTHONPATH=/work/main
lane() { taskset -c "$1" env OMP_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 nice -n ${NICE:-0} "${@:2}" 2>>$LOG.err; }
say() { echo "$(date +%T) $*"; }
grid1=$LOG.grid1; rm -f $grid1

first() {   # core 0: 12 + 11 + 5 minutes
  lane 0 $PY benchmarks/scaling.py --run --seeds 1 | tail -1 && touch $grid1; say "grid, seed 1"
  lane 0 $PY benchmarks/faults.py --fault batch | tail -1; say "faults: batch"
  lane 0 $PY benchmarks/faults.py --fault weights | tail -1; say "faults: weights"
  lane 0 $PY benchmarks/faults.py --fault range | tail -1; say "faults: range"
}
second() {  # core 1: 12 + 6 + 9 minutes
  lane 1 $PY benchmarks/scaling.py --run --seeds 2 | tail -1; say "grid, seed 2"
  while [ ! -e $grid1 ] && kill -0 $one 2>/dev/null; do sleep 2; done
  [ "$(ls runs/bench/scaling/w*.json | wc -l)" = 32 ] || { say "the grid is not whole: no prediction"; return; }
  if [ ! -e runs/bench/scaling/held.json ]; then   # the prediction is committed before its run is trained
    lane 1 $PY benchmarks/scaling.py --predict && git add benchmarks/scaling_prediction.json &&
      git commit -qm "Scaling law: the prediction, before its run" --only benchmarks/scaling_prediction.json
    say "prediction: $(git log -1 --format=%h -- benchmarks/scaling_prediction.json)"
  fi
  lane 1 $PY benchmarks/scaling.py --test; say "held-out run"
  lane 1 $PY benchmarks/faults.py --fault freeze | tail -1; say "faults: freeze"
}
say "$($PY -c 'from aigc_course import runtime; runtime.start(report=False); print("GFLOP/s", runtime.speed())' 2>/dev/null)"
first & one=$!
second & two=$!
wait $one $two
$PY benchmarks/scaling.py --table; $PY benchmarks/faults.py --table
# the machine alone from here on, both cores
$PY benchmarks/roofline.py 2>>$LOG.err | tail -1; $PY benchmarks/roofline.py --table; say "roofline"
$PY3 benchmarks/backends.py 2>>$LOG.err; $PY3 benchmarks/backends.py --table; say "backends"
for name in scaling faults roofline backends; do $PY tools/make_assets.py $name runs/bench/$name.csv >/dev/null; done
say "tables are in aigc_course/assets"
