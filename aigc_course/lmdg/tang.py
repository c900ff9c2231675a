"""Chapter 08's data as tokens: a stream to pre-train on, titled quatrains to fine-tune on; form and rhyme."""

import hashlib

import numpy as np
import tensorflow as tf

from aigc_course import data
from aigc_course.errors import CourseError
from aigc_course.lmdg.core import generation
from aigc_course.lmdg.core.characters import END, CharTokenizer
from aigc_course.lmdg.core.transformer import graph_of

__all__ = [
    "COLON",
    "LENGTH",
    "TEST",
    "TITLE_MOST",
    "exchanged",
    "given",
    "labelled",
    "pairs_of",
    "poem_of",
    "prompt",
    "rhyme_table",
    "rhymes",
    "split_tang",
    "stream",
    "tang_tokenizer",
    "windows",
    "without_leaks",
    "write_all",
    "write_poems",
]

COLON = "："  # between title and poem
LENGTH = 48  # tokens of a labelled quatrain: end, title (at most 20), colon, 24 of the poem, end
TITLE_MOST = 20
TEST = 400  # quatrains that no training sees


def split_tang(tests=TEST):
    """(poems to pre-train on, quatrains to fine-tune on, quatrains to test on), the same each time.

    No quatrain is among the first: its form is new to the pre-trained model. Which quatrains are for tests is decided
    by a hash of the text, so that nobody chose them.

    Returns:
        (list of str, list of (title, text), list of (title, text)).
    """
    poems = data.load_tang_poems()
    others = [text for _, _, text in poems if not data.is_quatrain(text)]
    quatrains = [(title[:TITLE_MOST], text) for title, _, text in poems if data.is_quatrain(text)]
    quatrains.sort(key=lambda pair: hashlib.sha256(pair[1].encode()).digest())
    return others, quatrains[tests:], quatrains[:tests]


def without_leaks(pairs, poems):
    """The (title, text) of which no poem has two lines or more: other versions of a poem would tell the answer.

    Args:
        pairs: list of (title, text), for a test.
        poems: list of str, every text that some training sees.
    """
    where = {}
    for i, poem in enumerate(poems):
        for line in set(_split_lines(poem)) - {""}:
            where.setdefault(line, set()).add(i)
    kept = []
    for title, text in pairs:
        hits = [i for line in set(_split_lines(text)) for i in where.get(line, ())]
        if len(hits) == len(set(hits)):  # no poem twice
            kept.append((title, text))
    return kept


def exchanged(pairs):
    """(title, text) pairs, each with the title of another of about the same length; no poem keeps its title.

    Raises:
        CourseError: titles do not allow it.
    """
    order = sorted(range(len(pairs)), key=lambda i: (len(pairs[i][0]), i))
    for shift in range(1, len(pairs)):
        found = {i: pairs[j][0] for i, j in zip(order, order[shift:] + order[:shift], strict=True)}
        if all(found[i] != title for i, (title, _) in enumerate(pairs)):
            return [(found[i], text) for i, (_, text) in enumerate(pairs)]
    raise CourseError("every exchange leaves a poem its title: give pairs with different titles.")


def tang_tokenizer(poems, at_least=10):
    """The tokenizer of the pre-training poems: characters that occur at least so often, and the colon."""
    return CharTokenizer.of("".join(poems) + COLON * at_least, at_least)


def stream(tokenizer, poems):
    """All poems one behind the other, each between end tokens: int array (n,)."""
    return np.concatenate([np.array([END]), *(np.append(tokenizer.encode(poem), END) for poem in poems)])


def windows(tokens, length, batch_size, seed, start=0):
    """An endless data set of (inputs, targets), each (batch_size, length): windows at random places of a stream.

    Like `data.batches` a function of (seed, step): a resumed run sees what an uninterrupted one would have seen.
    """
    tokens = np.asarray(tokens, np.int32)
    if len(tokens) < length + 2:
        raise CourseError(f"the stream must be longer than a window of {length}; it has {len(tokens)} tokens.")
    held = tf.constant(tokens)

    def batch(step):
        places = tf.random.stateless_uniform(
            (batch_size, 1), [seed, tf.cast(step, tf.int32)], 0, len(tokens) - length, dtype=tf.int32
        )
        found = tf.gather(held, places + tf.range(length + 1))
        return found[:, :-1], found[:, 1:]

    return data.endless(batch, start)


def labelled(tokenizer, pairs, score_title=False):
    """Quatrains with their titles as rows (N, LENGTH): end, title, colon, poem, end.

    Tokens of the title are negative unless score_title: they are given, and no loss counts them.
    """
    rows = np.zeros((len(pairs), LENGTH), np.int32)
    for row, (title, text) in zip(rows, pairs, strict=True):
        head = np.concatenate([[END], tokenizer.encode(title[:TITLE_MOST] + COLON)])
        tokens = np.concatenate([head if score_title else -head, tokenizer.encode(text), [END]])
        row[: len(tokens)] = tokens
    return rows


def given(rows, tokenizer):
    """Rows of `write_all` as those of `labelled`: what stands up to the colon is negative, given, not scored."""
    ends = (rows == tokenizer.index[COLON]).argmax(axis=1)[:, None]
    return np.where(np.arange(rows.shape[1]) <= ends, -rows, rows)


def pairs_of(rows):
    """(inputs, targets) for `fit` from rows of `labelled`: what is given is input, never target."""
    rows = np.asarray(rows)
    return np.abs(rows[:, :-1]), np.where(rows[:, 1:] > 0, rows[:, 1:], 0)


def prompt(tokenizer, title, first=""):
    """The tokens that ask for a quatrain of a title, and perhaps with a given beginning: int array (1, P)."""
    return np.concatenate([[END], tokenizer.encode(title[:TITLE_MOST] + COLON + first)])[None]


def poem_of(tokenizer, row):
    """The poem in generated tokens (T,): what stands between the colon and the end."""
    return tokenizer.decode(np.asarray(row)[1:]).partition(COLON)[2]


def rhymes(text, table):
    """True if lines 2 and 4 of a quatrain end alike: the same rhyme class in `table`, or the same vowel and tone group.

    Args:
        text: a quatrain.
        table: dict, character -> rhyme class, see `rhyme_table`.
    """
    second, fourth = text[10], text[22]
    return second != fourth and table.get(second, second) == table.get(fourth, fourth)


def rhyme_table(poems, shared=5):
    """Rhyme classes learnt from the poems themselves: characters that end even lines of one poem rhyme.

    Two characters are joined if they stand together at the ends of even lines in at least `shared` poems; classes are
    the connected pieces, as scholars built the first rhyme books (系聯法, Chen Li, 1842).

    Returns:
        dict, character -> int.
    """
    together = {}
    for poem in poems:
        lines = [part for part in _split_lines(poem) if part]
        ends = sorted({line[-1] for line in lines[1::2]})
        for i, a in enumerate(ends):
            for b in ends[i + 1 :]:
                together[a, b] = together.get((a, b), 0) + 1
    parent = {}

    def top(c):
        while parent.setdefault(c, c) != c:
            c = parent[c]
        return c

    for (a, b), n in together.items():
        if n >= shared:
            parent[top(a)] = top(b)
    classes = {c: i for i, c in enumerate(sorted({top(c) for c in parent}))}
    return {c: classes[top(c)] for c in parent}


def _split_lines(poem):
    """A poem's lines, without their marks."""
    for mark in data.MARKS:
        poem = poem.replace(mark, "\n")
    return poem.split("\n")


def write_poems(decoder, tokenizer, titles, first="", temperature=0.8, top_k=None, top_p=None, seed=0):
    """A poem for each title, in the order of the titles.

    Args:
        decoder: fine-tuned on rows of `labelled`.
        titles: list of str.
        first: str, the poem's beginning, the same for all.
        temperature, top_k, top_p, seed: see `generation.generate_tokens`.

    Returns:
        list of str, each poem with its given beginning.
    """
    poems = [""] * len(titles)
    lengths = [min(len(title), TITLE_MOST) for title in titles]
    for length in sorted(set(lengths)):  # prompts of one length together
        places = [i for i, n in enumerate(lengths) if n == length]
        prompts = np.concatenate([prompt(tokenizer, titles[i], first) for i in places])
        rows = generation.generate_tokens(
            decoder, prompts, LENGTH, temperature, top_k, top_p, stop=END, seed=seed + length
        )
        for i, row in zip(places, rows, strict=True):
            poems[i] = poem_of(tokenizer, row)
    return poems


def write_all(decoder, tokenizer, titles, temperature=1.0, seed=0, batch_size=400):
    """As `write_poems`, titles of all lengths together: quicker for many, and other draws.

    Returns:
        int array (N, LENGTH): end, title, colon, poem, end; 0 behind it.
    """
    rows = labelled(tokenizer, [(title, "") for title in titles])
    rows = np.where(rows < 0, -rows, 0)  # what is given; `labelled` wrote an end behind the empty poem
    rows[:, 0] = END
    for start in range(0, len(rows), batch_size):
        part, given = rows[start : start + batch_size], rows[start : start + batch_size] > 0
        cache, heat = decoder.empty_cache(len(part)), tf.constant(float(temperature))
        for place in range(LENGTH - 1):
            drawn, cache = graph_of(decoder, _drawn)(
                tf.constant(part[:, place]), cache, tf.constant(place), heat, tf.constant([seed + start, place])
            )
            ended = (part[:, 1 : place + 1] == END).any(axis=1)
            part[:, place + 1] = np.where(given[:, place + 1], part[:, place + 1], np.where(ended, 0, drawn.numpy()))
            if ended.all():
                break
    return rows


def _drawn(decoder, tokens, cache, place, temperature, seed):
    """One more token a row (B,), and the cache."""
    logits, cache = decoder.step(tokens, cache, place)
    return tf.random.stateless_categorical(logits / temperature, 1, seed=seed, dtype=tf.int32)[:, 0], cache
