"""Measures speed, time to quality, memory and grading in turn, then writes RESULTS.md. `make bench`; an hour and more.

Each result is kept as it comes, in runs/bench/. After Ctrl-C the same command goes on with what is missing; `--again`
measures everything anew. `--only NAME,NAME` runs some of them.
"""

import argparse
import shutil
import subprocess
import sys

from common import RESULTS, ROOT, kept

SCRIPTS = {
    "throughput": "throughput.py",
    "layers": "layers_time.py",
    "startup": "startup.py",
    "memory": "memory.py",
    "quality": "quality.py",
    "grading": "grading.py",
}


def main():
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--again", action="store_true", help="forget what was measured before")
    parser.add_argument("--only", default=",".join(SCRIPTS), help="names, with commas (default: all)")
    arguments = parser.parse_args()
    names = arguments.only.split(",")
    if unknown := set(names) - set(SCRIPTS):
        parser.error(f"--only knows {', '.join(SCRIPTS)}; received {', '.join(sorted(unknown))}")
    if arguments.again:
        for name in names:
            (RESULTS / f"{name}.json").unlink(missing_ok=True)
        if "quality" in names:
            shutil.rmtree(RESULTS / "quality", ignore_errors=True)
    failed = []
    for name in names:
        if (kept(name) or {"complete": False}).get("complete", True):
            print(f"{name}: measured before, kept (make bench AGAIN=1 measures anew)")
            continue
        print(f"--- {name}", flush=True)
        if subprocess.run([sys.executable, str(ROOT / "benchmarks" / SCRIPTS[name])], check=False).returncode:
            failed.append(name)
    subprocess.run([sys.executable, str(ROOT / "benchmarks" / "report.py")], check=True)
    if failed:
        print(f"could not run: {', '.join(failed)} (see above)")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nstopped; what was measured is kept. Run make bench again to go on.")
        sys.exit(130)
