"""A decoder for chorales whose tables share what tokens and places have in common; trained, it is a plain decoder.

A tone is its kind (begun, held), its pitch class and its octave; a place is a voice, a bar and an eighth. Each of these
has a vector, and so has each token and place by itself: what is learnt of D in one octave helps in the next. The sums
are a table like any other, so that the finished network is saved and used as `transformer.Decoder`.
"""

import keras
import numpy as np
from keras import layers, ops

from aigc_course.data import REST
from aigc_course.lmdg.bach.tokens import AHEAD, CONTEXT, FIRST, LOWEST, PITCHES, STEPS, VOCABULARY, pitch_of
from aigc_course.lmdg.core import transformer

__all__ = ["SharedDecoder", "SumTable", "build_composer", "parts_of_places", "parts_of_tokens", "plain"]


def parts_of_tokens():
    """int array (VOCABULARY, 3): kind (0 neither, 1 begun, 2 held), pitch class and octave, 0 where there is none."""
    tokens = np.arange(VOCABULARY)
    pitch = pitch_of(tokens)
    tone = pitch > REST
    kind = np.where(tone, 1 + (tokens >= FIRST + 2 + PITCHES), 0)
    return np.stack([kind, np.where(tone, 1 + pitch % 12, 0), np.where(tone, 1 + pitch // 12 - LOWEST // 12, 0)], 1)


def parts_of_places(ahead=AHEAD):
    """int array (1 + ahead + 4 STEPS, 4): voice, bar of eight eighths, eighth in it, step; of the note that it says.

    Voices: 0 metre, 1 melody, 2 bass, 3 tenor, 4 alto.
    """
    places = np.arange(1 + ahead + 4 * STEPS)
    body = places - 1 - ahead
    voice = np.where(body < 0, 1, 1 + body % 4)
    step = np.where(body < 0, places - 1, body // 4 + np.where(voice == 1, ahead, 0)).clip(0)
    voice[0] = 0
    return np.stack([voice, step // 8, step % 8, step], 1)


class SumTable(layers.Layer):
    """A table of embeddings, each row the sum of a vector of its own and one of each of its parts.

    Args:
        parts: int array (R, K): row r has part parts[r, k] of kind k.
        width: int.
    """

    def __init__(self, parts, width, **options):
        super().__init__(**options)
        self.parts, self.width = np.asarray(parts), width

    def build(self, shape):
        small = keras.initializers.RandomNormal(stddev=0.02)
        rows = [len(self.parts), *(self.parts.max(axis=0) + 1)]
        names = ["own", *(f"part_{k}" for k in range(self.parts.shape[1]))]
        shapes = [(int(n), self.width) for n in rows]
        self.kept = [
            self.add_weight(name=name, shape=shape, initializer=small)
            for name, shape in zip(names, shapes, strict=True)
        ]
        self.built = True

    @property
    def embeddings(self):
        """(R, width)."""
        own, *kinds = self.kept
        found = [ops.take(table, self.parts[:, k], axis=0) for k, table in enumerate(kinds)]
        return sum(found, ops.convert_to_tensor(own))

    def call(self, rows):
        return ops.take(self.embeddings, rows, axis=0)


class SharedDecoder(transformer.Decoder):
    """`transformer.Decoder` with two `SumTable`s; logits in float32 whatever the policy."""

    def tables(self, vocabulary, context, width):
        ahead = context - 1 - 4 * STEPS
        return SumTable(parts_of_tokens(), width, name="tokens"), SumTable(parts_of_places(ahead), width, name="places")

    def logits(self, x):
        x = ops.cast(self.norm(x), "float32")
        return ops.matmul(x, ops.transpose(ops.cast(self.tokens.embeddings, "float32")))


def build_composer(dropout_rate=0.1, **sizes):
    """A fresh `SharedDecoder` for chorales."""
    return SharedDecoder(VOCABULARY, CONTEXT, dropout_rate=dropout_rate, **sizes)


def plain(decoder):
    """The same network as `transformer.Decoder`: the sums are written out as tables."""
    other = transformer.Decoder(**{**decoder.settings, "dropout_rate": 0.0})
    transformer.put_weights(other, transformer.take_weights(decoder))
    return other
