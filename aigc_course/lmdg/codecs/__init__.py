"""Codecs: what is no text becomes a row of codes and comes back (chapters 09 and 10).

quantizer (rounding), image (digits), speech (spoken digits; sound makes its frames and its waves), frames (of
films: no network).
"""

from aigc_course import data
from aigc_course.errors import one_of
from aigc_course.lmdg.codecs.frames import FrameCodec, fit_frame_codec, load_frame_codec, save_frame_codec
from aigc_course.lmdg.codecs.image import IMAGE_TOKENS, build_image_codec
from aigc_course.lmdg.codecs.quantizer import Codec, Quantizer, load_codec, save_codec, train_codec
from aigc_course.lmdg.codecs.speech import FRAMES, SPEECH_TOKENS, build_speech_codec, frames_of

__all__ = [
    "FRAMES",
    "IMAGE_TOKENS",
    "SPEECH_TOKENS",
    "Codec",
    "FrameCodec",
    "Quantizer",
    "build_image_codec",
    "build_speech_codec",
    "fit_frame_codec",
    "frames_of",
    "load_codec",
    "load_frame_codec",
    "load_shipped_codec",
    "save_codec",
    "save_frame_codec",
    "train_codec",
]


def load_shipped_codec(kind):
    """The shipped codec, "image" or "speech", and the facts of its training."""
    builder = one_of(kind, {"image": build_image_codec, "speech": build_speech_codec}, "the codec")
    return load_codec(data.asset(f"{kind}_codec.npz"), builder)
