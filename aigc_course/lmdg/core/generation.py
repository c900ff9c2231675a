"""From logits to tokens: temperature, top-k, top-p, allowed sets; one token at a time, with a cache."""

import inspect

import numpy as np
import tensorflow as tf

from aigc_course.errors import CourseError, number, whole_number
from aigc_course.lmdg.core.transformer import NEVER, graph_of

__all__ = ["distinct", "filtered", "generate_tokens", "guided", "longest_copy"]


def filtered(logits, temperature=1.0, top_k=None, top_p=None, allowed=None):
    """Logits from which a token is drawn.

    Args:
        logits: float tensor (B, V).
        temperature: float above 0: below 1 sharpens, above 1 flattens.
        top_k: int or None: only the k likeliest tokens (Fan et al., 2018).
        top_p: float in (0, 1] or None: only the fewest tokens that hold p of the probability (Holtzman et al., 2020).
        allowed: bool tensor (V,) or (B, V), or None: tokens that may come at all, for example one modality's.

    Returns:
        float tensor (B, V), -1e9 where a token may not come.
    """
    logits = logits / temperature
    if allowed is not None:
        logits = tf.where(allowed, logits, NEVER)
    if top_k is not None:
        smallest = tf.math.top_k(logits, top_k).values[:, -1:]
        logits = tf.where(logits >= smallest, logits, NEVER)
    if top_p is not None:
        order = tf.argsort(logits, direction="DESCENDING")
        shares = tf.nn.softmax(tf.gather(logits, order, batch_dims=1))
        before = tf.cumsum(shares, axis=1, exclusive=True)  # what likelier tokens hold already
        keep = tf.gather(before < top_p, tf.argsort(order), batch_dims=1)
        logits = tf.where(keep, logits, NEVER)
    return logits


def _check_knobs(temperature, top_k, top_p, vocabulary):
    """Raises CourseError unless the knobs make sense."""
    number(temperature, "temperature", above=0, hint="1 is the model's own.")
    if top_k is not None:
        whole_number(top_k, "top_k", 1, vocabulary, f"The vocabulary has {vocabulary} tokens.")
    if top_p is not None:
        number(top_p, "top_p", above=0, high=1)


def generate_tokens(
    decoder,
    prompts,
    length,
    temperature=1.0,
    top_k=None,
    top_p=None,
    allowed=None,
    stop=None,
    seed=0,
    cached=True,
    without=None,
    guidance=1.0,
):
    """Goes on from prompts, token by token.

    Args:
        decoder: `transformer.Decoder`.
        prompts: int array (B, P), all of one length, P >= 1.
        length: int, tokens to add, fewer where the context ends.
        temperature, top_k, top_p: see `filtered`.
        allowed: None, or function place -> bool array (V,) or (B, V): what may come at each place; or one array for
            all. A function of two arguments is given the tokens before that place too, (B, place).
        stop: int or None: after this token a sequence is filled with padding (0).
        seed: int, decides the draws; the same with and without cache.
        cached: bool, keep keys and values; False computes all anew for each token, for comparison.
        without: int array (B, P) or None: the prompts without what is asked for, see `guided`.
        guidance: float, 1 or more; above 1 it needs `without`.

    Returns:
        int array (B, P + length).

    Raises:
        CourseError: a prompt longer than the context or outside the vocabulary, or a knob out of range.
    """
    prompts, vocabulary = np.asarray(prompts), decoder.settings["vocabulary"]
    if prompts.ndim != 2 or prompts.shape[1] < 1 or not np.issubdtype(prompts.dtype, np.integer):
        raise CourseError(f"prompts must be integers (B, P) with P >= 1; received {prompts.dtype} {prompts.shape}.")
    if prompts.shape[1] > decoder.context:
        raise CourseError(f"the prompt has {prompts.shape[1]} tokens; the context holds {decoder.context}. Shorten it.")
    if prompts.size and not 0 <= prompts.min() <= prompts.max() < vocabulary:
        raise CourseError(
            f"prompts must hold tokens from 0 to {vocabulary - 1}; received {prompts.min()} to {prompts.max()}."
        )
    _check_knobs(temperature, top_k, top_p, vocabulary)
    prompts = _with_empty(prompts, without, guidance)
    steps = min(length, decoder.context - prompts.shape[1])
    batch, given = prompts.shape
    tokens = np.zeros((batch, given + max(steps, 0)), np.int32)
    tokens[:, :given] = prompts
    asked = batch // 2 if guidance > 1 else batch  # the rows behind are those without
    ended, cache = np.zeros(asked, bool), decoder.empty_cache(batch) if cached else None
    for place in range(given + steps - 1):
        if cached:
            logits, cache = graph_of(decoder, _cached_step)(tf.constant(tokens[:, place]), cache, tf.constant(place))
        elif place >= given - 1:
            logits = graph_of(decoder, _full_step)(tf.constant(tokens), tf.constant(place))
        if place < given - 1:
            continue
        mask = _may_come(allowed, place + 1, tokens)
        logits = guided(logits, guidance)
        knobs = {"top_k": top_k, "top_p": top_p, "allowed": mask, "seed": tf.constant([seed, place])}
        chosen = _draw_tokens(logits, tf.constant(float(temperature)), **knobs)
        new = np.where(ended, 0, chosen.numpy())
        tokens[:, place + 1] = np.tile(new, batch // asked)
        if stop is not None:
            ended |= new == stop
            if ended.all():
                break
    return tokens[:asked]


def _may_come(allowed, place, tokens):
    """`allowed` of `generate_tokens` at one place."""
    if not callable(allowed):
        return allowed
    sees_tokens = len(inspect.signature(allowed).parameters) > 1
    return allowed(place, tokens[:, :place]) if sees_tokens else allowed(place)


def _with_empty(prompts, without, guidance):
    """Prompts (B, P), with guidance (2 B, P): those without behind."""
    number(guidance, "guidance", low=1, hint="1 is no guidance.")
    if guidance == 1:
        return prompts
    if without is None or np.shape(without) != prompts.shape:
        raise CourseError(f"guidance needs prompts without what is asked for, of shape {prompts.shape}.")
    return np.concatenate([prompts, np.asarray(without)])


def guided(logits, guidance):
    """without + guidance · (with - without): what the prompt changes is enlarged (Ho & Salimans, 2021)."""
    if guidance == 1:
        return logits
    asked, without = tf.split(logits, 2)
    return without + guidance * (asked - without)


def _draw_tokens(logits, temperature, top_k, top_p, allowed, seed):
    """One token for each row (B,)."""
    chosen = filtered(logits, temperature, top_k, top_p, allowed)
    return tf.random.stateless_categorical(chosen, 1, seed=seed, dtype=tf.int32)[:, 0]


def _cached_step(decoder, tokens, cache, place):
    return decoder.step(tokens, cache, place)


def _full_step(decoder, tokens, place):
    return decoder(tokens, training=False)[:, place]


def distinct(texts, n):
    """Distinct-n (Li et al., 2016): different n-grams as a share of all n-grams in some texts."""
    grams = [text[i : i + n] for text in texts for i in range(len(text) - n + 1)]
    return len(set(grams)) / max(len(grams), 1)


def longest_copy(text, corpus, shortest=1):
    """Length of the longest piece of `text` that occurs in `corpus`, both str."""
    best, start = shortest - 1, 0
    while start + best < len(text):
        if text[start : start + best + 1] in corpus:
            best += 1
        else:
            start += 1
    return best
