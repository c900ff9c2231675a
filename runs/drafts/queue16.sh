#!/bin/bash
# Long runs of chapter 16's two worked projects. One after the other, alone on two cores; each goes on where it stopped.
# Minutes at 210 GFLOP/s, estimated: shrink 12 runs of 1,400 steps, 20 to 30; thirty 70 + 12 runs, 10 to 15; cards 2.
set -e
cd "$(dirname "$0")/../.."
PY=${PY:-.venv/bin/python}
$PY docs/projects/thirty/thirty.py --validate   # then set KNOBS to the best of grid.csv, if it is another
$PY docs/projects/thirty/thirty.py
$PY docs/projects/shrink/shrink.py
for name in shrink thirty; do
  $PY -m aigc_course card docs/projects/$name && $PY -m aigc_course card docs/projects/$name --check
done
