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


def descend(reference, pairs, beta, steps=1000, rate=None, loss_beta=None, start=None):
    """Gradient descent on the logits' gains, in small pieces: what the exercise asks for; the options are mistakes."""
    u, b = np.zeros(len(reference)), beta if loss_beta is None else loss_beta
    rate = 2 / b**2 if rate is None else rate
    for _ in range(steps):
        push = b / (1 + np.exp(b * (u[pairs[:, 0]] - u[pairs[:, 1]]))) / len(pairs)
        slope = np.bincount(pairs[:, 1], push, len(u)) - np.bincount(pairs[:, 0], push, len(u))
        u -= rate * slope
    logits = np.log(reference if start is None else start) + u
    return np.exp(logits) / np.exp(logits).sum()


@right("08.4")
def prefer(reference, pairs, beta):
    return descend(reference, pairs, beta)


@right("08.4")
def prefer(reference, pairs, beta):
    logits, speed = np.log(reference), 0
    for _ in range(600):  # with a momentum, on rewards: logits are ln(reference) + reward / beta
        reward = beta * (logits - np.log(reference))
        wrong = 1 / (1 + np.exp(reward[pairs[:, 0]] - reward[pairs[:, 1]]))
        slope = np.zeros(len(reference))
        np.add.at(slope, pairs[:, 0], -wrong / len(pairs))
        np.add.at(slope, pairs[:, 1], wrong / len(pairs))
        speed = 0.8 * speed - slope
        logits = logits + speed / beta
    return np.exp(logits) / np.exp(logits).sum()


@right("08.4")
def prefer(reference, pairs, beta):
    wins = np.zeros((len(reference),) * 2)
    np.add.at(wins, tuple(pairs.T), 1)
    strength = np.ones(len(reference))
    for _ in range(600):  # Zermelo's iteration: strength is e^r
        strength = wins.sum(axis=1) / ((wins + wins.T) / (strength[:, None] + strength)).sum(axis=1)
        strength /= strength.sum()
    policy = reference * strength ** (1 / beta)
    return policy / policy.sum()


@wrong("08.4", "the reference is forgotten")
def prefer(reference, pairs, beta):
    return descend(reference, pairs, beta, start=np.ones(len(reference)))


@wrong("08.4", "divided by* beta")
def prefer(reference, pairs, beta):
    return descend(reference, pairs, 1.0)


@wrong("08.4", "on the wrong side")
def prefer(reference, pairs, beta):
    return descend(reference, pairs, 1 / beta)


@wrong("08.4", "the worse answers likelier")
def prefer(reference, pairs, beta):
    return descend(reference, pairs[:, ::-1], beta)


@wrong("08.4", "nothing was trained")
def prefer(reference, pairs, beta):
    return reference


@wrong("08.4", "comparisons won")
def prefer(reference, pairs, beta):
    return np.bincount(pairs[:, 0], minlength=len(reference)) / len(pairs)


@wrong("08.4", "add up to 1")
def prefer(reference, pairs, beta):
    return np.log(descend(reference, pairs, beta))


@wrong("08.4", "on the way, not there")
def prefer(reference, pairs, beta):
    return descend(reference, pairs, beta, steps=6)


@wrong("08.4", "one answer took all")
def prefer(reference, pairs, beta):
    found = descend(np.ones(len(reference)), pairs, beta)
    return np.eye(len(reference))[found.argmax()]
