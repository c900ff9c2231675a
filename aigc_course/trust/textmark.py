"""A watermark in text (chapter 14): Kirchenbauer et al., 2023 (arXiv 2301.10226), on chapter 08's poet.

The character before decides, with a secret key, which share γ of all characters is green; the logits of those are
raised by δ. Whoever has the key counts green characters; nobody needs the model to do so.
"""

import math
from typing import NamedTuple

import numpy as np

from aigc_course import data
from aigc_course.errors import CourseError, number, whole_number

__all__ = [
    "DELTA",
    "GAMMA",
    "TEMPERATURE",
    "Count",
    "bits_of",
    "green_lists",
    "green_of",
    "needed",
    "p_value",
    "pair_codes",
    "pooled_z",
    "substitute",
    "train_poet",
    "write_marked",
    "z_of",
    "z_score",
]

GAMMA, DELTA = 0.25, 2.0  # the paper's choice
TEMPERATURE = 0.7  # chapter 08's


class Count(NamedTuple):
    """z in standard deviations, how many of the counted pairs are green, how many pairs were counted."""

    z: float
    green: int
    pairs: int


def green_of(previous, vocabulary, key, gamma=GAMMA):
    """Tokens that are green after a token: int array (round(γ · vocabulary),), the same for the same key.

    The key and the token before seed a generator that shuffles the vocabulary. Who must fear attackers takes a keyed
    hash for it: NumPy's generators are not made to keep secrets.
    """
    number(gamma, "gamma", above=0, below=1)
    seed = [whole_number(key, "key", 0), whole_number(previous, "previous", 0, vocabulary - 1)]
    return np.random.default_rng(seed).permutation(vocabulary)[: round(gamma * vocabulary)]


def green_lists(vocabulary, key, gamma=GAMMA):
    """All green lists: bool array (vocabulary, vocabulary), a row for each token before, True where green."""
    lists = np.zeros((whole_number(vocabulary, "vocabulary", 2),) * 2, bool)
    for previous in range(vocabulary):
        lists[previous, green_of(previous, vocabulary, key, gamma)] = True
    return lists


# --- the detector ---


def pair_codes(texts, tokenizer, distinct=True):
    """Pairs (character before, character) of some texts as numbers: before · vocabulary + character, int array (P,).

    Pairs that end in a mark are left out: the form dictates them. So are characters outside the vocabulary. `distinct`
    counts each pair once: a phrase that comes ten times is one piece of evidence, not ten.
    """
    if isinstance(texts, str):
        raise CourseError("texts must be a list of texts; received one text. Write [text].")
    vocabulary, marks = len(tokenizer), tokenizer.encode(data.MARKS)
    found = [np.zeros(0, np.int64)]
    for text in texts:
        tokens = tokenizer.encode(text).astype(np.int64)
        counted = ~np.isin(tokens[1:], marks) & (tokens[1:] > 2) & (tokens[:-1] > 2)  # 0 to 2: padding, unknown, end
        found.append((tokens[:-1] * vocabulary + tokens[1:])[counted])
    codes = np.concatenate(found)
    return np.unique(codes) if distinct else codes


def z_of(codes, green, gamma=GAMMA):
    """`Count` of pairs from `pair_codes`: z = (green - γ P) / √(P γ (1 - γ)); 0 where there are no pairs."""
    pairs, hits = len(codes), int(green.ravel()[codes].sum())
    return Count((hits - gamma * pairs) / math.sqrt(max(pairs, 1) * gamma * (1 - gamma)), hits, pairs)


def z_score(texts, tokenizer, green, gamma=GAMMA, distinct=True):
    """`Count` of some texts together.

    Args:
        texts: list of str.
        tokenizer: `CharTokenizer`; green: from `green_lists`, for its vocabulary.
    """
    if green.shape != (len(tokenizer), len(tokenizer)):
        raise CourseError(f"green must have a row and a column for each of {len(tokenizer)} tokens; got {green.shape}.")
    return z_of(pair_codes(texts, tokenizer, distinct), green, gamma)


def p_value(z):
    """The chance of a z so high or higher for text without a mark, if pairs were independent: a normal tail."""
    return 0.5 * math.erfc(z / math.sqrt(2))


def pooled_z(codes, k, pools, green, rng, gamma=GAMMA):
    """z of random pools of k texts: float array (pools,).

    Args:
        codes: list of `pair_codes` of one text each, at least k.
    """
    whole_number(k, "k", 1, len(codes), f"There are {len(codes)} texts.")
    chosen = (rng.choice(len(codes), k, replace=False) for _ in range(whole_number(pools, "pools")))
    return np.array([z_of(np.unique(np.concatenate([codes[i] for i in some])), green, gamma).z for some in chosen])


def needed(marked, nulls, green, rng, most=40, pools=400, hits=0.95, false_alarms=0.01, gamma=GAMMA):
    """How many texts must be pooled for so many hits at so many false alarms, with thresholds from real nulls.

    Args:
        marked: list of `pair_codes` of single texts.
        nulls: list of such lists, texts without the mark; the threshold is the highest that one of them asks for.
        most: int, the largest pool tried.

    Returns:
        (k or None, dict k -> (share found, threshold)).
    """
    found = {}
    for k in range(1, whole_number(most, "most") + 1):
        tails = [np.quantile(pooled_z(null, k, 2 * pools, green, rng, gamma), 1 - false_alarms) for null in nulls]
        share = float((pooled_z(marked, k, pools, green, rng, gamma) > max(tails)).mean())
        found[k] = share, float(max(tails))
        if share >= hits:
            return k, found
    return None, found


# --- the poet ---


def train_poet(steps=500, seed=8, rate=5e-4, batch_size=32):
    """Chapter 08's poet: the shipped decoder of Tang poems, fine-tuned on quatrains with titles.

    Returns:
        (`Decoder`, `CharTokenizer`).
    """
    import keras
    import tensorflow as tf

    from aigc_course.lmdg import tang
    from aigc_course.lmdg.core import characters, transformer

    keras.utils.set_random_seed(seed)
    base, facts = transformer.load_decoder(data.asset("tang_decoder.npz"))
    tokenizer = characters.CharTokenizer(facts["characters"])
    poet = transformer.compile_decoder(base.copy(dropout_rate=0.1), rate)
    _, train, _ = tang.split_tang()
    rows = tang.pairs_of(tang.labelled(tokenizer, train[150:]))  # chapter 08 chooses its step by the first 150
    batches = tf.data.Dataset.from_tensor_slices(rows).shuffle(len(train), seed=seed).repeat().batch(batch_size)
    for inputs, targets in batches.take(whole_number(steps, "steps")):
        poet.train_on_batch(inputs, targets)
    return poet, tokenizer


def write_marked(poet, tokenizer, titles, green=None, delta=DELTA, temperature=TEMPERATURE, seed=0):
    """A poem for each title, with the mark; green None: without.

    A character is drawn by softmax(logits / temperature + δ · green).

    Args:
        poet, tokenizer: as `train_poet` gives them; titles: list of str.
        green: bool array (vocabulary, vocabulary) from `green_lists`, or None.
        delta: float, 0 or more; temperature: float above 0; seed: int.

    Returns:
        list of str.
    """
    from aigc_course.lmdg import tang

    number(delta, "delta", low=0)
    number(temperature, "temperature", above=0)
    prompts = [tang.prompt(tokenizer, title)[0] for title in titles]
    rows = np.zeros((len(prompts), tang.LENGTH), np.int32)
    for row, prompt in zip(rows, prompts, strict=True):
        row[: len(prompt)] = prompt
    lists = np.zeros((len(tokenizer),) * 2, bool) if green is None else green
    for start in range(0, len(rows), 200):
        _go_on(poet, rows[start : start + 200], lists, delta, temperature, seed + start)
    return [tang.poem_of(tokenizer, row) for row in rows]


def _go_on(poet, rows, green, delta, temperature, seed):
    """Fills the zeros behind the prompts in rows (B, LENGTH), all rows at once, until each has its end."""
    import tensorflow as tf

    from aigc_course.lmdg.core.transformer import graph_of

    cache, given = poet.empty_cache(len(rows)), rows > 0
    knobs = tuple(tf.constant(value) for value in (green, float(delta), float(temperature)))
    for place in range(rows.shape[1] - 1):
        where = tf.constant(place), tf.constant([seed, place])
        chosen, cache = graph_of(poet, _marked_step)(tf.constant(rows[:, place]), cache, *where, *knobs)
        rows[:, place + 1] = np.where(given[:, place + 1], rows[:, place + 1], chosen.numpy())
        if ((rows[:, 1:] == 2) & ~given[:, 1:]).any(axis=1).all():  # 2: the end
            break


def _marked_step(poet, tokens, cache, place, seed, green, delta, temperature):
    """One more token a row, and the cache."""
    import tensorflow as tf

    logits, cache = poet.step(tokens, cache, place)
    logits = logits / temperature + delta * tf.cast(tf.gather(green, tokens), tf.float32)
    return tf.random.stateless_categorical(logits, 1, seed=seed, dtype=tf.int32)[:, 0], cache


def _rows_and_logits(poet, tokenizer, titles, texts):
    """(rows of `tang.labelled` (N, T), logits of the token after each place (N, T - 1, V)), a batch at a time."""
    from aigc_course.lmdg import tang

    rows = tang.labelled(tokenizer, list(zip(titles, [text[:24] for text in texts], strict=True)))
    for start in range(0, len(rows), 100):
        some = rows[start : start + 100]
        yield some, np.asarray(poet(np.abs(some[:, :-1]), training=False))


def bits_of(poet, tokenizer, titles, texts):
    """Mean -log2 p of a poem's characters given its title, without mark and temperature: float array (N,)."""
    found = []
    for rows, logits in _rows_and_logits(poet, tokenizer, titles, texts):
        wanted = np.maximum(rows[:, 1:], 0)
        top = logits.max(axis=2)
        own = np.take_along_axis(logits, wanted[:, :, None], axis=2)[..., 0]
        bits = (top + np.log(np.exp(logits - top[..., None]).sum(axis=2)) - own) / math.log(2)
        found.append((bits * (wanted > 0)).sum(axis=1) / (wanted > 0).sum(axis=1))
    return np.concatenate(found)


def substitute(poet, tokenizer, titles, texts, share, rng):
    """Texts in which a share of the characters, marks aside, gave way to others that the poet finds plausible there.

    Each is drawn by the poet from what stands before it in the old text, never the old character: an attacker with a
    model of his own, and without the key.

    Args:
        share: float from 0 to 1; rng: `numpy.random.Generator`.

    Returns:
        list of str.
    """
    number(share, "share", 0, 1)
    changed, marks = [], tokenizer.encode(data.MARKS)
    for rows, logits in _rows_and_logits(poet, tokenizer, titles, texts):
        free = (rows[:, 1:] > 2) & ~np.isin(rows[:, 1:], marks)
        swapped = free & (rng.random(free.shape) < share)
        new = np.maximum(rows[:, 1:], 0)
        scores = logits[swapped] + rng.gumbel(
            size=(swapped.sum(), len(tokenizer))
        )  # the highest: a draw (Gumbel, 1954)
        scores[:, [0, 1, 2, *marks]] = -np.inf  # padding, unknown, end: no characters
        scores[np.arange(len(scores)), new[swapped]] = -np.inf
        new[swapped] = scores.argmax(axis=1)
        changed += [tokenizer.decode(row[row > 0]) for row in new]
    return changed
