"""How long a learner waits: from starting Python to the end of the first training step; from `make lab` to chapter 00.

`python benchmarks/startup.py` writes runs/bench/startup.json.
"""

import os
import re
import subprocess
import sys
import time

from common import ROOT, keep

ROUNDS = 3
FIRST_STEP = """
import time
from aigc_course import runtime
runtime.start(7, report=False)
from aigc_course import data, gan, models
(images, _), _ = data.load_mnist()
model = gan.GAN(models.build_generator(), models.build_discriminator(), step="d_first", r1=0.3)
model.compile({jit})
model.fit(images, 64, epochs=1, steps_per_epoch=1, verbose=0)
assert model.step == 1
print(time.time())
"""


def first_step(jit=""):
    """Seconds from starting Python to the end of the first step, in a new process each time."""
    found = []
    for _ in range(ROUNDS):
        started = time.time()
        done = subprocess.run(
            [sys.executable, "-c", FIRST_STEP.format(jit=jit)],
            cwd=ROOT,
            check=True,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        found.append(round(float(done.stdout.splitlines()[-1]) - started, 2))
    return found


def lab():
    """Seconds from `make lab` to the printed address, and to chapter 00's heading in Chromium (None without one)."""
    sys.path.insert(0, str(ROOT / "tools"))
    from system import program

    found = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        command = ["make", "-s", "lab"] if (ROOT / ".venv" / ".ready").is_file() else [sys.executable, "tools/lab.py"]
        server = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "BROWSER": "true"},
            start_new_session=True,
        )
        try:
            matches = (re.search(r"http://127\.0\.0\.1:\d+/lab\S*token=\S+", line) for line in server.stdout)
            address = next(match[0] for match in matches if match)
            printed = time.perf_counter() - started
            shown = heading(address, browser, started) if (browser := program("chromium")) else None
        finally:
            os.killpg(server.pid, 15)
            server.wait()
        found.append({"address": round(printed, 2), "chapter_00": shown})
    return found


def heading(address, browser_path, started):
    """Opens the address as a browser would; seconds until the title of chapter 00 is on the page."""
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=flags)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.goto(address, timeout=60_000)
        page.get_by_role("heading", name="00 · Start here").wait_for(timeout=60_000)
        seconds = time.perf_counter() - started
        browser.close()
    return round(seconds, 2)


def main():
    keep("startup", {"first_step": first_step(), "first_step_xla": first_step("jit_compile=True"), "lab": lab()})


if __name__ == "__main__":
    main()
