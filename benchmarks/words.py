"""Every word of chapter 09, asked of the shipped model in both languages; its knobs, chosen by judges of their own.

    python benchmarks/words.py            writes runs/bench/words.csv, which chapter 09 shows; 20 minutes on one core

Knobs: guidance and temperature of pictures by a second judge of digits (`factorial.second_judge`), of voices by a
second listener (another seed, and 16 of the 32 training voices), 200 prompts a setting. The scores: 100 pictures and 50
voices a word, other draws, by the judge of chapter 01 and the listener that is shipped, beside the second ones.
"""

from common import RESULTS, files, keep, kept, write_csv

# isort: split
import numpy as np
from factorial import second_judge

from aigc_course import data, metrics, runtime
from aigc_course.lmdg.words import ask, listener, rows

GRID = {"image": [(t, w) for t in (0.8, 1.0) for w in (1.0, 2.0, 3.0, 4.0)]}
GRID["speech"] = [(t, w) for t in (0.6, 0.8) for w in (1.0, 2.0, 3.0, 4.0)]
USUAL = {"image": (0.8, 3.0), "speech": (0.6, 2.0)}  # what `ask` takes
COLUMNS = "what", "language", "digit", "temperature", "guidance", "count", "right", "second"
EACH = {"image": 100, "speech": 50}


def second_listener():
    """Another listener than the shipped one: other seed, every second voice. It chooses knobs only."""
    path = RESULTS / "second_listener.npz"
    if not path.is_file():
        everything = data.load_spoken_digits()[0]
        places = np.flatnonzero(np.isin(everything.voices, np.unique(everything.voices)[::2]))
        half = type(everything)([everything.clips[i] for i in places], *(part[places] for part in everything[1:]))
        model = listener.train_speech_judge(epochs=30, seed=11, train=half)
        files.write_whole(path, lambda part: listener.save_speech_judge(model, part))
    return listener.SpeechJudge(path)


def judged(asking, second, kind, prompts, temperature, guidance, seed):
    """(digits by the course's judge or listener, digits by the second one) of what is made for prompts."""
    found = ([], [])
    for i in range(0, len(prompts), 250):
        knobs = {"temperature": temperature, "guidance": guidance, "seed": seed + i}
        if kind == "image":
            made = asking.images(prompts[i : i + 250], **knobs)
            parts = metrics.judge().labels(made), second[kind](made)
        else:
            made = asking.frames(prompts[i : i + 250], **knobs)
            parts = listener.speech_judge().judge_frames(made)[0], second[kind].judge_frames(made)[0]
        for into, part in zip(found, parts, strict=True):
            into.append(part)
    return tuple(map(np.concatenate, found))


def main():
    runtime.start(7, report=False)
    asking, second = ask.Asking(), {"image": second_judge(), "speech": second_listener()}
    found = (kept("words") or {"rows": []})["rows"]
    for kind, grid in GRID.items():
        digits = np.arange(200) % 10
        prompts = [rows.name(i % 10, i // 10 % 2) for i in range(200)]
        for temperature, guidance in grid:
            line = {"what": f"{kind} knobs", "temperature": temperature, "guidance": guidance, "count": 200}
            if any(line.items() <= other.items() for other in found):
                continue
            _, by_second = judged(asking, second, kind, prompts, temperature, guidance, 5000)
            found.append(line | {"second": float((by_second == digits).mean())})
            print(*found[-1].values(), flush=True)
            keep("words", {"rows": found})
    for kind, (temperature, guidance) in USUAL.items():
        for language in (0, 1):
            if any((r["what"], r.get("language")) == (kind, language) for r in found):
                continue
            digits = np.repeat(np.arange(10), EACH[kind])
            prompts = [rows.name(digit, language) for digit in digits]
            seen, by_second = judged(asking, second, kind, prompts, temperature, guidance, 100)
            for digit in range(10):
                where = digits == digit
                line = {"what": kind, "language": language, "digit": digit, "count": EACH[kind]}
                line |= {
                    "temperature": temperature,
                    "guidance": guidance,
                    "right": float((seen[where] == digit).mean()),
                }
                found.append(line | {"second": float((by_second[where] == digit).mean())})
                print(*found[-1].values(), flush=True)
            keep("words", {"rows": found})
    write_csv("words", COLUMNS, found)


if __name__ == "__main__":
    main()
