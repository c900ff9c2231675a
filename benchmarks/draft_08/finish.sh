# after the queue: tables -> assets -> RESULTS -> notebook (then: tools/notebooks.py execute notebooks/08_lmdg_text.ipynb)
cd /tmp/w/s08; export PYTHONPATH=/tmp/w/s08; PY=/work/main/.venv/bin/python
$PY benchmarks/fine_tuning.py --table >/dev/null && $PY tools/make_assets.py fine_tuning runs/bench/fine_tuning.csv >/dev/null
$PY benchmarks/preferences.py --table >/dev/null && $PY tools/make_assets.py preferences runs/bench/preferences.csv >/dev/null
grep -q '`preferences.csv`' aigc_course/assets/README.md || sed -i "/^| \`fine_tuning.csv\`/a | \`preferences.csv\` | DPO on form and rhyme: reward, KL and what nobody asked for, three beta, three seeds, with best of n: what chapter 08 shows | \`benchmarks/preferences.py\`, \`--table\` | CC BY 4.0 | \`…\` |" aigc_course/assets/README.md
$PY tools/make_assets.py checksums >/dev/null; $PY /tmp/w/s08_results.py; bash /tmp/w/s08_asm.sh
