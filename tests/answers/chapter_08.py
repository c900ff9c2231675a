"""Answers to the exercises of chapter 08."""

import numpy as np
import tensorflow as tf

from answers import right, wrong


@right("08.1")
def bits_per_character(probabilities):
    total = 0.0
    for p in probabilities:
        total += np.log2(1 / p)
    return total / len(probabilities)


@right("08.1")
def bits_per_character(probabilities):
    return -tf.reduce_mean(tf.math.log(probabilities)) / np.log(2.0)


@right("08.1")
def bits_per_character(probabilities):
    perplexity = np.prod(probabilities) ** (-1 / len(probabilities))
    return np.log2(perplexity)


@wrong("08.1", "in nats")
def bits_per_character(probabilities):
    return -np.mean(np.log(probabilities))


@wrong("08.1", "bits are not")
def bits_per_character(probabilities):
    return np.mean(np.log2(probabilities))


@wrong("08.1", "the whole text")
def bits_per_character(probabilities):
    return -np.sum(np.log2(probabilities))


@wrong("08.1", "that is the perplexity")
def bits_per_character(probabilities):
    return 2 ** -np.mean(np.log2(probabilities))


@wrong("08.1", "Mean of the logarithms")
def bits_per_character(probabilities):
    return -np.log2(np.mean(probabilities))


@wrong("08.1", "the entropy formula")
def bits_per_character(probabilities):
    return -np.sum(probabilities * np.log2(probabilities))


@right("08.2")
def causal_attention(q, k, v):
    out = np.zeros_like(v)
    for t in range(len(q)):
        scores = np.array([q[t] @ k[s] for s in range(t + 1)]) / np.sqrt(q.shape[1])
        weights = np.exp(scores)
        out[t] = (weights / weights.sum()) @ v[: t + 1]
    return out


@right("08.2")
def causal_attention(q, k, v):
    scores = tf.matmul(q, k, transpose_b=True) / np.sqrt(q.shape[1])
    past = tf.linalg.band_part(tf.ones_like(scores), -1, 0)
    return tf.matmul(tf.nn.softmax(scores + (1 - past) * -1e9), v)


@right("08.2")
def causal_attention(q, k, v):
    return tf.keras.ops.dot_product_attention(*(tf.constant(x)[None, :, None] for x in (q, k, v)), is_causal=True)[
        0, :, 0
    ]


@wrong("08.2", "the future is not left out")
def causal_attention(q, k, v):
    return tf.nn.softmax(q @ k.T / np.sqrt(q.shape[1])) @ v


@wrong("08.2", "not divided by √D")
def causal_attention(q, k, v):
    scores = np.where(np.tri(len(q)) > 0, q @ k.T, -np.inf)
    return tf.nn.softmax(scores) @ v


@wrong("08.2", "grows like √D")
def causal_attention(q, k, v):
    scores = np.where(np.tri(len(q)) > 0, q @ k.T / q.shape[1], -np.inf)
    return tf.nn.softmax(scores) @ v


@wrong("08.2", "the mask is turned over")
def causal_attention(q, k, v):
    scores = np.where(np.tri(len(q)).T > 0, q @ k.T / np.sqrt(q.shape[1]), -np.inf)
    return tf.nn.softmax(scores) @ v


@wrong("08.2", "(axis 0)")
def causal_attention(q, k, v):
    scores = np.where(np.tri(len(q)) > 0, q @ k.T / np.sqrt(q.shape[1]), -np.inf)
    return tf.nn.softmax(scores, axis=0) @ v


@wrong("08.2", "Mask the scores")
def causal_attention(q, k, v):
    return (tf.nn.softmax(q @ k.T / np.sqrt(q.shape[1])) * np.tri(len(q))) @ v


@wrong("08.2", "exchanged")
def causal_attention(q, k, v):
    scores = np.where(np.tri(len(q)) > 0, k @ q.T / np.sqrt(q.shape[1]), -np.inf)
    return tf.nn.softmax(scores) @ v


@wrong("08.2", "mean of the keys")
def causal_attention(q, k, v):
    scores = np.where(np.tri(len(q)) > 0, q @ k.T / np.sqrt(q.shape[1]), -np.inf)
    return tf.nn.softmax(scores) @ k


@right("08.3")
def top_p(probabilities, p):
    kept, held = np.zeros_like(probabilities), 0.0
    for token in sorted(range(len(probabilities)), key=lambda i: -probabilities[i]):
        if held >= p:
            break
        kept[token] = probabilities[token]
        held += probabilities[token]
    return kept / held


@right("08.3")
def top_p(probabilities, p):
    order = tf.argsort(probabilities, direction="DESCENDING")
    before = tf.cumsum(tf.gather(probabilities, order), exclusive=True)
    keep = tf.gather(before < p, tf.argsort(order))
    kept = tf.where(keep, probabilities, 0.0)
    return kept / tf.reduce_sum(kept)


@right("08.3")
def top_p(probabilities, p):
    likelier = (probabilities[None, :] > probabilities[:, None]) * probabilities[None, :]
    kept = probabilities * (likelier.sum(axis=1) < p)
    return kept / kept.sum()


@wrong("08.3", "divide by their sum")
def top_p(probabilities, p):
    order = np.argsort(-probabilities)
    before = np.cumsum(probabilities[order]) - probabilities[order]
    kept = np.zeros_like(probabilities)
    kept[order[before < p]] = probabilities[order[before < p]]
    return kept


@wrong("08.3", "no token was kept")
def top_p(probabilities, p):
    order = np.argsort(-probabilities)
    keep = order[np.cumsum(probabilities[order]) <= p]
    kept = np.zeros_like(probabilities)
    kept[keep] = probabilities[keep]
    with np.errstate(all="ignore"):
        return kept / kept.sum()


@wrong("08.3", "the token that crosses p is missing")
def top_p(probabilities, p):
    order = np.argsort(-probabilities)
    keep = order[np.cumsum(probabilities[order]) <= p]
    kept = np.zeros_like(probabilities)
    kept[keep] = probabilities[keep]
    return kept / max(kept.sum(), 1e-9)


@wrong("08.3", "one token too many")
def top_p(probabilities, p):
    order = np.argsort(-probabilities)
    n = np.searchsorted(np.cumsum(probabilities[order]), p) + 2
    kept = np.zeros_like(probabilities)
    kept[order[:n]] = probabilities[order[:n]]
    return kept / kept.sum()


@wrong("08.3", "least likely")
def top_p(probabilities, p):
    order = np.argsort(probabilities)
    n = np.searchsorted(np.cumsum(probabilities[order]), p) + 1
    kept = np.zeros_like(probabilities)
    kept[order[:n]] = probabilities[order[:n]]
    return kept / kept.sum()


@wrong("08.3", "in sorted order")
def top_p(probabilities, p):
    ranked = np.sort(probabilities)[::-1]
    ranked[np.cumsum(ranked) - ranked >= p] = 0
    return ranked / ranked.sum()


@wrong("08.3", "nothing was left out")
def top_p(probabilities, p):
    return probabilities


@right("08.4")
def largest_rank(inputs, outputs, share):
    rank = 0
    while (rank + 1) * (inputs + outputs) <= share * inputs * outputs:
        rank += 1
    return rank


@right("08.4")
def largest_rank(inputs, outputs, share):
    return int(share / (1 / inputs + 1 / outputs))


@right("08.4")
def largest_rank(inputs, outputs, share):
    return tf.math.floor(share * inputs * outputs / (inputs + outputs))


@wrong("08.4", "Round down")
def largest_rank(inputs, outputs, share):
    return int(np.ceil(share * inputs * outputs / (inputs + outputs)))


@wrong("08.4", "not rounded")
def largest_rank(inputs, outputs, share):
    return share * inputs * outputs / (inputs + outputs)


@wrong("08.4", "only A was counted")
def largest_rank(inputs, outputs, share):
    return int(share * inputs * outputs / inputs)


@wrong("08.4", "only B was counted")
def largest_rank(inputs, outputs, share):
    return int(share * inputs * outputs / outputs)


@wrong("08.4", "counted twice")
def largest_rank(inputs, outputs, share):
    return int(share * inputs * outputs / (2 * (inputs + outputs)))


@wrong("08.4", "a sum, not a product")
def largest_rank(inputs, outputs, share):
    return int(share**0.5)


@wrong("08.4", "to the nearest whole number")
def largest_rank(inputs, outputs, share):
    return round(share * inputs * outputs / (inputs + outputs))


@right("08.2")
def causal_attention(q, k, v):
    scores = np.matrix(q) * np.matrix(k).T / np.sqrt(q.shape[1])  # a matrix keeps its two axes, as asked for here
    weights = np.multiply(np.exp(scores), np.tri(len(q)))
    return weights / weights.sum(axis=1) * np.matrix(v)


@wrong("08.2", "np.tril before the softmax")
def causal_attention(q, k, v):
    return tf.nn.softmax(np.tril(q @ k.T / np.sqrt(q.shape[1]))) @ v


@wrong("08.2", "e⁰ is 1; and the scores")
def causal_attention(q, k, v):
    weights = np.exp(np.tril(q @ k.T))
    return weights / weights.sum(axis=1, keepdims=True) @ v


@wrong("08.2", "√T, the number of places")
def causal_attention(q, k, v):
    scores = np.where(np.tri(len(q)) > 0, q @ k.T / np.sqrt(len(q)), -np.inf)
    return tf.nn.softmax(scores) @ v


@wrong("08.2", "multiplied by √D")
def causal_attention(q, k, v):
    scores = np.where(np.tri(len(q)) > 0, q @ k.T * np.sqrt(q.shape[1]), -np.inf)
    return tf.nn.softmax(scores) @ v


@wrong("08.4", "2 · inputs")
def largest_rank(inputs, outputs, share):
    return int(share * inputs * outputs / (2 * inputs))


@wrong("08.4", "2 · outputs")
def largest_rank(inputs, outputs, share):
    return int(share * inputs * outputs / (2 * outputs))


@wrong("08.4", "leaves `share` of the numbers out")
def largest_rank(inputs, outputs, share):
    return int((1 - share) * inputs * outputs / (inputs + outputs))
