#!/bin/bash
# chapter 08: preferences and what labels teach; one thread on $CORE; goes on where it stopped
cd /tmp/w/s08
export PYTHONPATH=/tmp/w/s08 OMP_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1 TF_CPP_MIN_LOG_LEVEL=3
PY="taskset -c ${CORE:-1} /work/main/.venv/bin/python"
say() { echo "=== $(date +%T) $*" >> /tmp/w/q_s08.log; }
step() { say "$*"; $PY "$@" >> /tmp/w/q_s08.log 2>&1; say "rc=$?"; }
step benchmarks/preferences.py --seeds 7                                       # 480 s: reference, rate, best of n, three betas
step benchmarks/fine_tuning.py --seeds 7 --ways pretrained fresh               # 750 s, knobs too
step benchmarks/fine_tuning.py --seeds 8 9 --ways pretrained fresh             # 1100 s
step benchmarks/preferences.py --seeds 7 8 9                                   # 600 s
step benchmarks/fine_tuning.py --seeds 7 8 9 --ways lora --sizes 10 100 3336   # 250 s
say end
