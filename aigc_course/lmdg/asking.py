"""The shipped model of chapter 09, fine-tuned on 1,000 pairs of each kind: words to pictures, voices and text."""

import numpy as np

from aigc_course import data
from aigc_course.lmdg import codes, generation, multimodal, sound, transformer

USUAL = {"image": {"temperature": 0.9, "guidance": 2.0}, "speech": {"temperature": 0.8, "guidance": 2.0}}


class Asking:
    """A decoder with its vocabulary and codecs.

    Args:
        decoder, vocabulary: of a run of your own, or None for the shipped ones.
    """

    def __init__(self, decoder=None, vocabulary=None):
        if decoder is None:
            decoder, facts = transformer.load(data.asset("multimodal_decoder.npz"))
            vocabulary = multimodal.Vocabulary(facts["characters"])
        self.decoder, self.vocabulary = decoder, vocabulary
        self.codecs = {kind: codes.load_shipped(kind)[0] for kind in multimodal.SIZES}

    def images(self, prompts, **knobs):
        """A picture for each prompt: float32 (N, 28, 28, 1) in [-1, 1]. Knobs as `multimodal.draw`."""
        knobs = USUAL["image"] | knobs
        return self.codecs["image"].decode(multimodal.draw(self.decoder, self.vocabulary, prompts, "image", **knobs))

    def frames(self, prompts, **knobs):
        """Log-mel frames of a clip for each prompt: float32 (N, FRAMES, MELS)."""
        knobs = USUAL["speech"] | knobs
        return self.codecs["speech"].decode(multimodal.draw(self.decoder, self.vocabulary, prompts, "speech", **knobs))

    def clips(self, prompts, **knobs):
        """A voice for each prompt: float32 (N, samples) at data.SAMPLE_RATE, by Griffin-Lim from `frames`."""
        return np.stack([np.clip(sound.griffin_lim(part), -1, 1) for part in self.frames(prompts, **knobs)])

    def read_images(self, images, language=0):
        """A number word for each picture (N, 28, 28, 1) in [-1, 1]."""
        numbers = self.codecs["image"].encode(images)
        return multimodal.read(self.decoder, self.vocabulary, "image", numbers, language)

    def read_clips(self, clips, language=0):
        """A number word for each clip (list of rows of samples)."""
        numbers = self.codecs["speech"].encode(codes.frames_of(clips))
        return multimodal.read(self.decoder, self.vocabulary, "speech", numbers, language)
