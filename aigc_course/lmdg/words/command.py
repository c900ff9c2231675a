"""python -m aigc_course generate PROMPT --as image|speech|text: the shipped model of chapter 09 from the shell."""

import wave
from pathlib import Path

import numpy as np

from aigc_course import data, files, runtime
from aigc_course.errors import CourseError
from aigc_course.files import write_whole

__all__ = ["add_parser", "run"]

_ENDINGS = {"image": ".png", "speech": ".wav", "text": ".txt"}
_USUAL = {"image": 10, "speech": 1, "text": 1}  # how many, if nothing is said
_MOST = 1000
_SILENCE = 0.25  # seconds between two clips in one WAV


def add_parser(commands):
    """Adds `run` to the command line's grammar."""
    generate = commands.add_parser("generate", help="a picture, a voice or a text for a number word")
    generate.add_argument("prompt", help='for example "seven", "a thick seven", 七, 粗的七')
    generate.add_argument("--as", dest="kind", default="image", help="image (default), speech or text")
    generate.add_argument("--n", type=int, default=None, help="how many (default: 10 images, one clip, one text)")
    generate.add_argument("--seed", type=int, default=0, help="decides the draws (default 0)")
    generate.add_argument("--temperature", type=float, default=None, help="above 0; 1 is the model's own")
    generate.add_argument("--out", default=None, help="file: .png, .wav, .txt, or .npz for arrays")


def run(arguments):
    """Draws, speaks or writes; returns the exit code."""
    kind, n, out = _check(arguments)
    runtime.start(7, report=False)
    made, note = {"image": _images, "speech": _clips, "text": _texts}[kind](arguments, n)
    write_whole(out, lambda part: _WRITERS[kind, out.suffix.lower()](part, made))
    print(f"{note}; in {out}")
    return 0


def _check(arguments):
    """(kind, n, path) from the arguments, or a CourseError of one line."""
    kind = arguments.kind
    if kind not in _ENDINGS:
        raise CourseError(f"--as must be image, speech or text; received {kind!r}.")
    n = _USUAL[kind] if arguments.n is None else arguments.n
    if not 1 <= n <= _MOST:
        raise CourseError(f"--n must lie in 1 … {_MOST}; received {n}.")
    if not 0 <= arguments.seed < 2**31:
        raise CourseError(f"--seed must lie in 0 … 2147483647; received {arguments.seed}.")
    if not arguments.prompt.strip():
        raise CourseError('the prompt is empty. Try "seven" or 七.')
    out = Path(arguments.out or f"generated{_ENDINGS[kind]}")
    if (kind, out.suffix.lower()) not in _WRITERS:
        fitting = " or ".join(suffix for other, suffix in _WRITERS if other == kind)
        raise CourseError(f"--out must end in {fitting} for {kind}; received {out.name!r}.")
    files.check_writable(out.parent)
    return kind, n, out


def _images(arguments, n):
    """(images float32 (n, 28, 28, 1) in [-1, 1], what the judge reads)."""
    from aigc_course import metrics
    from aigc_course.lmdg.words import ask

    digit = _wanted(arguments.prompt)
    made = ask.Asking().images([arguments.prompt] * n, **_knobs(arguments))
    right = int((metrics.judge().labels(made) == digit).sum())
    return made, f"{n} images, {right} of them read as {digit} by the judge"


def _clips(arguments, n):
    """(float32 (n, samples), what the judge hears)."""
    from aigc_course.lmdg.words import ask, listener

    digit = _wanted(arguments.prompt)
    made = ask.Asking().clips([arguments.prompt] * n, **_knobs(arguments))
    right = int((listener.speech_judge().hear(list(made))[0] == digit).sum())
    return made, f"{n} clips, {right} of them heard as {digit} by the judge"


def _texts(arguments, n):
    """(list of n str that begin with the prompt, a note)."""
    from aigc_course.lmdg.words import ask

    return ask.texts([arguments.prompt] * n, **_knobs(arguments)), f"{n} texts"


def _knobs(arguments):
    """What the command line says on drawing; the model's usual temperature if it says nothing."""
    given = {} if arguments.temperature is None else {"temperature": arguments.temperature}
    return {"seed": arguments.seed, **given}


def _wanted(prompt):
    """The digit that a prompt names.

    Raises:
        CourseError: none, or two.
    """
    from aigc_course.lmdg.words import rows

    digit = rows.digit_of(prompt)
    if digit is None:
        raise CourseError(f"the model knows one digit in words, zero … nine or 零 … 九; received {prompt!r}.")
    return digit


# --- files -----------------------------------------------------------------------------------------------


def _write_picture(path, made):
    from aigc_course import plots

    path.write_bytes(plots.png(plots.image_grid(made, columns=min(10, len(made)))))


def _write_wave(path, made):
    """16-bit mono, one clip after the other with SILENCE between."""
    gap = np.zeros(int(_SILENCE * data.SAMPLE_RATE), np.float32)
    samples = np.concatenate([part for clip in made for part in (clip, gap)])[: -len(gap)]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(data.SAMPLE_RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


_WRITERS = {
    ("image", ".png"): _write_picture,
    ("image", ".npz"): lambda path, made: _save_arrays(path, images=made),
    ("speech", ".wav"): _write_wave,
    ("speech", ".npz"): lambda path, made: _save_arrays(path, audio=made, sample_rate=data.SAMPLE_RATE),
    ("text", ".txt"): lambda path, made: path.write_text("\n\n".join(made) + "\n", encoding="utf-8"),
}


def _save_arrays(path, **arrays):
    """Arrays as .npz under a name that NumPy must not change."""
    with open(path, "wb") as file:
        np.savez_compressed(file, **arrays)
