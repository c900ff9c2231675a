"""Makes spoken_digits.npz of the assets with Debian's espeak-ng, once, at authoring time. The clips are ours.

    apt install espeak-ng && python tools/make_speech.py && python tools/make_assets.py checksums

40 voices × 2 languages × 10 digits × 3 takes of random speed and pitch; 8 kHz, one channel, mu-law (G.711), a byte a
sample. Every fifth voice is for tests only: nobody hears it in training.
"""

import io
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from aigc_course.data import DIGIT_WORDS, SAMPLE_RATE, mu_law  # noqa: E402

ACCENTS = ("en-gb", "en-us", "en-gb-x-rp", "en-gb-scotland", "en-gb-x-gbclan", "en-029", "en-gb-x-gbcwmd")
VARIANTS = [
    *("m1", "f1", "m2", "f2", "m3", "f3", "m4", "f4", "m5", "f5", "m6", "m7", "m8", "Alex", "Alicia", "Andrea", "Andy"),
    *("Annie", "adam", "anika", "antonio", "belinda", "benjamin", "boris", "caleb", "david", "ed", "edward", "Gene"),
    *("Hugo", "iven", "Jacky", "john", "Lee", "linda", "Marco", "max", "Michael", "miguel", "steph"),
]
TAKES, LONGEST = 3, SAMPLE_RATE  # samples: one second


def speak(voice, word, speed, pitch):
    """A word as float samples at 8 kHz, silence cut off, peak 0.9."""
    command = ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdout", word]
    with wave.open(io.BytesIO(subprocess.run(command, capture_output=True, check=True).stdout)) as file:
        rate, raw = file.getframerate(), file.readframes(1_000_000)
    samples = resample_poly(np.frombuffer(raw, np.int16) / 32768.0, SAMPLE_RATE, rate)
    loud = np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max())
    samples = samples[max(0, loud[0] - 80) : loud[-1] + 240]
    return 0.9 * samples / np.abs(samples).max()


def main():
    rng = np.random.default_rng(7)
    clips, labels, languages, voices = [], [], [], []
    for voice, variant in enumerate(VARIANTS):
        for language, base in enumerate((ACCENTS[voice % len(ACCENTS)], "cmn")):
            for digit in range(10):
                for _ in range(TAKES):
                    speed, pitch = int(rng.integers(130, 210)), int(rng.integers(25, 80))
                    samples = speak(f"{base}+{variant}", DIGIT_WORDS[language][digit], speed, pitch)
                    clips.append(mu_law(samples[:LONGEST]))
                    labels.append(digit)
                    languages.append(language)
                    voices.append(voice)
    lengths = np.array([len(clip) for clip in clips], np.int32)
    np.savez_compressed(
        ROOT / "aigc_course" / "assets" / "spoken_digits.npz",
        samples=np.concatenate(clips),
        lengths=lengths,
        labels=np.array(labels, np.uint8),
        languages=np.array(languages, np.uint8),
        voices=np.array(voices, np.uint8),
    )
    print(f"{len(clips)} clips, {lengths.sum() / SAMPLE_RATE:.0f} s, {lengths.min()} to {lengths.max()} samples")


if __name__ == "__main__":
    main()
