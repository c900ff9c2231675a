"""One sequence model for text, pictures and speech: a common vocabulary, rows of one layout, drawing and reading.

A row has LENGTH places. To draw or to speak:  [caption, TEXT places][mark][codes][end]. To read: the same with an empty
caption, then [text mark][answer][end] in the place of the end. Unlabelled pictures and clips are rows with an empty
caption and no answer, so that a model of them alone is the "unconditional" one that guidance needs.
"""

import numpy as np
import tensorflow as tf

from aigc_course import data
from aigc_course.errors import CourseError
from aigc_course.lmdg import codecs
from aigc_course.lmdg.core import generation
from aigc_course.lmdg.core.characters import END, PAD, CharTokenizer
from aigc_course.lmdg.core.transformer import graph_of

__all__ = [
    "CODES",
    "LENGTH",
    "LETTERS",
    "SIZES",
    "TEXT",
    "THICK",
    "Vocabulary",
    "answer_odds",
    "digit_of",
    "draw_codes",
    "name",
    "read_answers",
    "rows_of",
    "stroke_width",
    "thickness_of",
]

TEXT = 14  # places of a caption, which stands at their right end
LENGTH = 72
SIZES = {"image": codecs.IMAGE_TOKENS, "speech": codecs.SPEECH_TOKENS}
CODES = {"image": 64, "speech": 256}
LETTERS = "abcdefghijklmnopqrstuvwxyz \n,.;:'?!-"
THICK = {"thick": "粗", "thin": "细"}


class Vocabulary:
    """Numbers for everything: padding, unknown, end, characters, three marks, codes of images, codes of speech.

    Args:
        characters: str, each character once; it must hold the letters of the English number words and 零 … 九.
    """

    def __init__(self, characters):
        self.characters = CharTokenizer(characters)
        self.marks = {kind: len(self.characters) + i for i, kind in enumerate(("text", "image", "speech"))}
        self.first = {"image": len(self.characters) + 3, "speech": len(self.characters) + 3 + CODES["image"]}
        self.size = self.first["speech"] + CODES["speech"]
        self.numbers = self.characters.encode("".join(data.DIGIT_WORDS[1]), strict=True)  # 零 … 九, one token each

    def caption(self, text):
        """A caption at the right end of its TEXT places: int array (TEXT,).

        Raises:
            CourseError: characters outside the vocabulary, or more of them than fit.
        """
        tokens = self.characters.encode(text.lower(), strict=True)
        if len(tokens) > TEXT:
            raise CourseError(f"a caption has at most {TEXT} characters; received {len(tokens)}: {text!r}. Shorten it.")
        return np.concatenate([np.full(TEXT - len(tokens), PAD), tokens]).astype(np.int32)

    def tokens(self, kind, numbers):
        """Codes (N, n) as tokens."""
        return np.asarray(numbers, np.int32) + self.first[kind]

    def numbers_of(self, kind, tokens):
        """Tokens as codes (N, n); the inverse of `tokens`."""
        return np.asarray(tokens) - self.first[kind]

    def allowed(self, kind):
        """bool array (size,): the tokens of one kind, "text" with its end, "image" or "speech"."""
        mask = np.zeros(self.size, bool)
        if kind == "text":
            mask[[END, *self.characters.index.values()]] = True
        else:
            mask[self.first[kind] : self.first[kind] + CODES[kind]] = True
        return mask


def rows_of(vocabulary, kind, numbers, captions=None, answers=None):
    """Rows (N, LENGTH) of pictures or clips, with captions to draw from, with answers to read, or with neither.

    Args:
        vocabulary: `Vocabulary`.
        kind: "image" or "speech".
        numbers: int array (N, n), codes of the kind's codec.
        captions, answers: list of N str, or None.
    """
    numbers = np.asarray(numbers)
    if kind not in SIZES or numbers.ndim != 2 or numbers.shape[1] != SIZES[kind]:
        raise CourseError(f"codes must be (N, {SIZES.get(kind, '…')}) of image or speech; received {numbers.shape}.")
    rows, n = np.zeros((len(numbers), LENGTH), np.int32), SIZES[kind]
    if captions is not None:
        rows[:, :TEXT] = [vocabulary.caption(text) for text in captions]
    rows[:, TEXT] = vocabulary.marks[kind]
    rows[:, TEXT + 1 : TEXT + 1 + n] = vocabulary.tokens(kind, numbers)
    if answers is None:
        rows[:, TEXT + 1 + n] = END
    else:
        rows[:, TEXT + 1 + n] = vocabulary.marks["text"]
        room = LENGTH - TEXT - 2 - n
        rows[:, TEXT + 2 + n :] = vocabulary.characters.rows(answers, room)
    return rows


# --- words -----------------------------------------------------------------------------------------------


def name(digit, language, thickness=None):
    """A number in words: "seven" or "七"; with a thickness, "a thick seven" or "粗的七".

    Args:
        digit: int, 0 to 9.
        language: int, 0 English, 1 Chinese.
        thickness: None, "thick" or "thin".
    """
    word = data.DIGIT_WORDS[language][digit]
    if thickness is None:
        return word
    return f"{THICK[thickness]}的{word}" if language else f"a {thickness} {word}"


def digit_of(text):
    """The digit that a text names, or None if it names none or two."""
    found = {d for words in data.DIGIT_WORDS for d, word in enumerate(words) if word in text.lower()}
    return found.pop() if len(found) == 1 else None


def stroke_width(images):
    """Mean width of the strokes in pixels: twice the inked area over the length of its edge.

    A long bar of width w has area w·l and edge 2·l. Edges between pixels are counted, so a slanted stroke has up to
    √2 more of them and seems thinner.

    Args:
        images: float array (N, 28, 28, 1) in [-1, 1].

    Returns:
        float array (N,); 0 without ink.
    """
    ink = np.pad(np.asarray(images)[..., 0] > 0, ((0, 0), (1, 1), (1, 1)))
    edge = (ink[:, 1:] != ink[:, :-1]).sum(axis=(1, 2)) + (ink[:, :, 1:] != ink[:, :, :-1]).sum(axis=(1, 2))
    return 2 * ink.sum(axis=(1, 2)) / np.maximum(edge, 1)


def thickness_of(images, limits):
    """For each image "thin", None or "thick": stroke width below, between and above two limits in pixels."""
    return [("thin", None, "thick")[place] for place in np.digitize(stroke_width(images), limits)]


# --- asking the model ------------------------------------------------------------------------------------


def draw_codes(decoder, vocabulary, prompts, kind, guidance=1.0, temperature=1.0, top_k=None, top_p=None, seed=0):
    """Codes (N, n) of a picture or a clip for each prompt.

    Args:
        decoder: `transformer.Decoder` over `vocabulary`, fine-tuned on pairs.
        prompts: list of N str.
        kind: "image" or "speech".
        guidance: float, 1 or more; above 1 the prompt's effect is enlarged (classifier-free guidance).
        temperature, top_k, top_p, seed: see `generation.generate_tokens`.
    """
    start = np.zeros((len(prompts), TEXT + 1), np.int32)
    start[:, :TEXT] = [vocabulary.caption(text) for text in prompts]
    start[:, TEXT] = vocabulary.marks[kind]
    empty = start.copy()
    empty[:, :TEXT] = PAD
    rows = generation.generate_tokens(
        decoder,
        start,
        SIZES[kind],
        temperature,
        top_k,
        top_p,
        allowed=vocabulary.allowed(kind),
        seed=seed,
        without=empty,
        guidance=guidance,
    )
    return vocabulary.numbers_of(kind, rows[:, TEXT + 1 :])


def _answer_start(vocabulary, kind, numbers):
    """Rows (N, TEXT + n + 2) up to the text mark: an answer comes next."""
    return rows_of(vocabulary, kind, numbers, answers=[""] * len(numbers))[:, : TEXT + SIZES[kind] + 2]


def read_answers(decoder, vocabulary, kind, numbers, language=0):
    """The likeliest text for each picture or clip, letter by letter: list of str.

    Args:
        numbers: int array (N, n), codes.
        language: 0: letters only; 1: 零 … 九 only.
    """
    allowed = np.zeros(vocabulary.size, bool)
    allowed[vocabulary.numbers if language else vocabulary.characters.encode(LETTERS[:26])] = True
    allowed[END] = True
    answers, start = [], _answer_start(vocabulary, kind, numbers)
    for part in np.array_split(start, max(1, len(start) // 500)):
        rows = generation.generate_tokens(decoder, part, 6, top_k=1, allowed=allowed, stop=END)
        answers += [vocabulary.characters.decode(row) for row in rows[:, start.shape[1] :]]
    return answers


def answer_odds(decoder, vocabulary, kind, numbers, batch_size=500):
    """What the model thinks where the answer starts.

    Returns:
        (float array (N, 10): its probabilities of 零 … 九, made to add up to 1;
        float array (N,): the probability that the answer is one of these, and not English).
    """
    start, found = _answer_start(vocabulary, kind, numbers), []
    for i in range(0, len(start), batch_size):
        found.append(graph_of(decoder, _last_odds)(start[i : i + batch_size]).numpy()[:, vocabulary.numbers])
    odds = np.concatenate(found)
    chinese = odds.sum(axis=1, keepdims=True)
    return odds / np.maximum(chinese, 1e-30), chinese[:, 0]


def _last_odds(decoder, tokens):
    """Probabilities (N, V) of what follows the last token."""
    return tf.nn.softmax(decoder(tokens, training=False)[:, -1])
