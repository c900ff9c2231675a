#!/bin/sh
# Makes .venv from requirements.lock with the first suitable Python. Safe to interrupt and to run again.
set -u
cd "$(dirname "$0")/.." || exit 1

python=
for name in ${AIGC_PYTHON:-} python3 python3.13 python3.12 python3.11 python; do
    if "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
        python=$name
        break
    fi
done
if [ -z "$python" ]; then
    found=$(python3 --version 2>/dev/null || echo "no python3")
    echo "The course needs Python 3.11, 3.12 or 3.13; found $found. Install one (Debian: apt install python3 python3-venv; macOS: brew install python@3.12) or name it: make setup AIGC_PYTHON=/path/to/python3.12" >&2
    exit 1
fi
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    echo "Python's venv module is missing: install it (Debian and Ubuntu: apt install python3-venv), then run make again." >&2
    exit 1
fi

if ! [ -w . ] || { [ -e .venv ] && ! [ -w .venv ]; }; then
    echo "The set-up writes into $(pwd), which you cannot write: copy or clone the course into a folder of yours, then run make there." >&2
    exit 1
fi

echo "Setting up .venv with $("$python" --version) — about three minutes, once."
if ! .venv/bin/python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
    rm -rf .venv
    "$python" -m venv .venv ||
        { echo "Making .venv failed (see above): check the disk (3.5 GB) and that this folder can be written, then run make again." >&2; exit 1; }
fi
quiet=$([ -t 1 ] && echo "" || echo "--quiet")
.venv/bin/python -m pip install $quiet --disable-pip-version-check -r requirements.lock 2>.venv/setup.log ||
    { tail -n 5 .venv/setup.log >&2; echo "Installing the packages failed (see above): check the network and the disk (3.5 GB), then run make again." >&2; exit 1; }
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable . 2>>.venv/setup.log ||
    { tail -n 5 .venv/setup.log >&2; exit 1; }
touch .venv/.ready
echo "Ready."
