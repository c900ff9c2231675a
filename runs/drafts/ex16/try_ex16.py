"""Tries the drafts of chapter 16's exercises: every right answer passes, every wrong one gets its own hint."""
import importlib.util, sys, types
import numpy as np
from pathlib import Path
from aigc_course.checks import try_out
from aigc_course.checks.exercise import judge
here = Path(__file__).parent
def load(name):
    spec = importlib.util.spec_from_file_location(name, here / f"{name}.py"); m = importlib.util.module_from_spec(spec); spec.loader.exec_module(m); return m
RIGHT, WRONG = [], []
fake = types.ModuleType("answers")
fake.right = lambda key: lambda f: RIGHT.append((key, f)) or f
fake.wrong = lambda key, words: lambda f: WRONG.append((key, words, f)) or f
sys.modules["answers"] = fake
ex = {e.key: e for e in load("chapter_16").EXERCISES}
load("answers_chapter_16")
bad = 0
for seed in range(6):
    for key, f in RIGHT:
        v = judge(ex[key], *try_out(ex[key], f, np.random.default_rng(seed)))
        if not v.passed: print("RIGHT FAILS", key, seed, v.message); bad += 1
    for key, words, f in WRONG:
        v = judge(ex[key], *try_out(ex[key], f, np.random.default_rng(seed)))
        if v.passed or words not in v.message: print("WRONG", key, words, seed, v); bad += 1
    for e in ex.values():
        for hint, w in e.hints:
            cases = e.cases(np.random.default_rng(seed)); from aigc_course.checks.exercise import Answer
            vals = [w(*c) for c in cases]
            v = judge(e, cases, [Answer([np.asarray(x)] if e.outputs == 1 else [np.asarray(p) for p in x]) for x in vals])
            if v.passed or v.message[:25] != hint[:25]: print("HINT", e.key, hint[:50], seed, v); bad += 1
print("faults:", bad, "right:", len(RIGHT), "wrong:", len(WRONG))
