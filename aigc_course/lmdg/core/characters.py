"""What becomes a token: characters of a text; later codes of images and of speech."""

import collections

import numpy as np

from aigc_course.errors import CourseError

__all__ = ["END", "PAD", "SPECIAL", "UNKNOWN", "CharTokenizer"]

PAD, UNKNOWN, END = 0, 1, 2
SPECIAL = ("<pad>", "<unk>", "<end>")


class CharTokenizer:
    """Characters as tokens: 0 padding, 1 unknown, 2 end, then the characters by frequency.

    Args:
        characters: str or sequence, each character once.
    """

    def __init__(self, characters):
        self.characters = list(characters)
        if len(set(self.characters)) != len(self.characters) or not self.characters:
            raise CourseError("characters must be given, each once.")
        self.index = {character: i + len(SPECIAL) for i, character in enumerate(self.characters)}

    @classmethod
    def of(cls, text, at_least=1):
        """The tokenizer of a text's characters that occur at least so often, most frequent first.

        Raises:
            CourseError: the text is empty, or bytes that were not decoded.
        """
        if not isinstance(text, str) or not text:
            raise CourseError(f"a text is needed, decoded and not empty; received {type(text).__name__} {text!r:.40}.")
        counts = collections.Counter(text)
        found = [c for c, n in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if n >= at_least]
        return cls(found)

    def __len__(self):
        return len(self.characters) + len(SPECIAL)

    def encode(self, text, strict=False):
        """int array (len(text),).

        Raises:
            CourseError: strict, and the text has characters outside the vocabulary.
        """
        if not isinstance(text, str):
            raise CourseError(
                f"a text is needed; received {type(text).__name__}. Decode bytes first: .decode('utf-8')."
            )
        if strict and (outside := sorted(set(text) - set(self.index))):
            raise CourseError(f"not in the vocabulary: {''.join(outside[:10])}. Use other words, or strict=False.")
        return np.array([self.index.get(character, UNKNOWN) for character in text], np.int32)

    def decode(self, tokens):
        """The text of tokens, up to the first end; padding is left out, an unknown character is □."""
        text = []
        for token in tokens:
            if token == END:
                break
            if token != PAD:
                text.append("□" if token == UNKNOWN else self.characters[int(token) - len(SPECIAL)])
        return "".join(text)

    def rows(self, texts, length):
        """Texts as rows (N, length), each closed by an end token and padded; longer ones are cut."""
        rows = np.zeros((len(texts), length), np.int32)
        for row, text in zip(rows, texts, strict=True):
            tokens = np.append(self.encode(text), END)[:length]
            row[: len(tokens)] = tokens
        return rows
