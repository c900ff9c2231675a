"""The shipped model of chapter 09, fine-tuned on 1,000 pairs of each kind: words to pictures and voices, and back."""

import functools

import numpy as np

from aigc_course import data, metrics
from aigc_course.lmdg import codecs
from aigc_course.lmdg.codecs import sound
from aigc_course.lmdg.core import characters, generation, transformer
from aigc_course.lmdg.core.characters import END
from aigc_course.lmdg.words import listener, rows

__all__ = ["Asking", "texts"]

_USUAL = {"image": {"temperature": 0.8, "guidance": 3.0}, "speech": {"temperature": 0.6, "guidance": 2.0}}  # by trial


class Asking:
    """A decoder with its vocabulary and codecs.

    Args:
        decoder, vocabulary: of a run of your own, or None for the shipped ones.
    """

    def __init__(self, decoder=None, vocabulary=None):
        if decoder is None:
            decoder, facts = transformer.load_decoder(data.asset("multimodal_decoder.npz"))
            vocabulary = rows.Vocabulary(facts["characters"])
        self.decoder, self.vocabulary = decoder, vocabulary
        self.codecs = {kind: codecs.load_shipped_codec(kind)[0] for kind in rows.SIZES}

    def images(self, prompts, **knobs):
        """A picture for each prompt: float32 (N, 28, 28, 1) in [-1, 1]. Knobs as `rows.draw_codes`."""
        knobs = _USUAL["image"] | knobs
        return self.codecs["image"].decode(rows.draw_codes(self.decoder, self.vocabulary, prompts, "image", **knobs))

    def frames(self, prompts, **knobs):
        """Log-mel frames of a clip for each prompt: float32 (N, FRAMES, MELS)."""
        knobs = _USUAL["speech"] | knobs
        return self.codecs["speech"].decode(rows.draw_codes(self.decoder, self.vocabulary, prompts, "speech", **knobs))

    def clips(self, prompts, **knobs):
        """A voice for each prompt: float32 (N, samples) at data.SAMPLE_RATE, by Griffin-Lim from `frames`."""
        return np.stack([np.clip(sound.griffin_lim(part), -1, 1) for part in self.frames(prompts, **knobs)])

    def read_images(self, images, language=0):
        """A number word for each picture (N, 28, 28, 1) in [-1, 1]."""
        numbers = self.codecs["image"].encode(images)
        return rows.read_answers(self.decoder, self.vocabulary, "image", numbers, language)

    def read_clips(self, clips, language=0):
        """A number word for each clip (list of rows of samples)."""
        numbers = self.codecs["speech"].encode(codecs.frames_of(clips))
        return rows.read_answers(self.decoder, self.vocabulary, "speech", numbers, language)

    def scores(self, n=300, tests=2000, seed=0, **knobs):
        """Shares of right answers, by judges that learnt from real data only.

        Args:
            n: int, prompts for pictures and for voices, all digits in both languages in turn.
            tests: int, real test pictures to read.

        Returns:
            dict: text_to_image, text_to_speech (the digit), spoken_language, thickness (of "thick" and "thin" prompts:
            strokes on the right side of the training pictures' median), image_to_text, speech_to_text.
        """
        (_, _), (images, labels) = data.load_mnist()
        spoken = data.load_spoken_digits()[1]
        seen = [rows.digit_of(text) for text in self.read_images(data.scale(images[:tests]))]
        named = [rows.digit_of(text) for text in self.read_clips(spoken.clips, language=1)]
        reading = {
            "thickness": self.thickness(n // 3, seed, **knobs),
            "image_to_text": np.array(seen) == labels[:tests],
            "speech_to_text": np.array(named) == spoken.labels,
        }
        return self.drawing(n, seed, **knobs) | {name: round(float(np.mean(v)), 4) for name, v in reading.items()}

    def drawing(self, n=300, seed=0, **knobs):
        """The first three of `scores`: what is drawn and spoken."""
        digits, languages = np.arange(n) % 10, np.arange(n) // 10 % 2
        prompts = [rows.name(*pair) for pair in zip(digits, languages, strict=True)]
        pictures = self.images(prompts, seed=seed, **knobs)
        heard, tongues = listener.speech_judge().judge_frames(self.frames(prompts, seed=seed, **knobs))
        right = {
            "text_to_image": metrics.judge().labels(pictures) == digits,
            "text_to_speech": heard == digits,
            "spoken_language": tongues == languages,
        }
        return {name: round(float(np.mean(values)), 4) for name, values in right.items()}

    def thickness(self, n, seed=0, **knobs):
        """For n "thick" and "thin" prompts: True where strokes are on that side of the training pictures' median."""
        kinds = [("thick", "thin")[i % 2] for i in range(n)]
        prompts = [rows.name(i // 2 % 10, i // 20 % 2, kind) for i, kind in enumerate(kinds)]
        (images, _), _ = data.load_mnist()
        middle = np.median(rows.stroke_width(data.scale(images[:5000])))
        widths = rows.stroke_width(self.images(prompts, seed=seed, **knobs))
        return (widths > middle) == (np.array(kinds) == "thick")


@functools.cache
def _load_once(name):
    """(decoder, facts) of a shipped file."""
    return transformer.load_decoder(data.asset(name))


def texts(prompts, seed=0, temperature=0.8):
    """A text that goes on from each prompt: in Chinese a Tang poem (chapter 08's decoder), else lines of a play.

    The plays are written by the decoder as it was before fine-tuning, which has seen no text since.

    Args:
        prompts: list of str.
        seed: int, of the first; the next ones count on.

    Raises:
        CourseError: a character outside the vocabulary, or a prompt longer than the context.
    """
    return [_text(prompt, seed + i, temperature) for i, prompt in enumerate(prompts)]


def _text(prompt, seed, temperature):
    """One text that goes on from a prompt."""
    if any("\u4e00" <= character <= "\u9fff" for character in prompt):
        decoder, facts = _load_once("tang_decoder.npz")
        tokenizer = characters.CharTokenizer(facts["characters"])
        start = np.concatenate([[END], tokenizer.encode(prompt, strict=True)])
        row = generation.generate_tokens(decoder, start[None], 60, temperature, top_p=0.95, stop=END, seed=seed)[0]
        return tokenizer.decode(row[1:])
    decoder, facts = _load_once("multimodal_base.npz")
    vocabulary = rows.Vocabulary(facts["characters"])
    allowed = np.zeros(vocabulary.size, bool)
    allowed[vocabulary.characters.encode(rows.LETTERS)] = True
    start = vocabulary.characters.encode(prompt.lower(), strict=True)[None]
    row = generation.generate_tokens(decoder, start, decoder.context, temperature, allowed=allowed, seed=seed)[0]
    return vocabulary.characters.decode(row)
