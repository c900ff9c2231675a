"""Answers to the exercises of chapter 09."""

import numpy as np
import tensorflow as tf

from answers import right, wrong


@right("09.1")
def code_of(levels, sizes):
    codes = np.zeros(len(levels), int)
    for j in reversed(range(len(sizes))):
        codes = codes * sizes[j] + levels[:, j]
    return codes


@right("09.1")
def code_of(levels, sizes):
    return np.ravel_multi_index(levels.T, sizes, order="F")


@right("09.1")
def code_of(levels, sizes):
    return [sum(int(x) * int(np.prod(sizes[:j])) for j, x in enumerate(row)) for row in levels]


@wrong("09.1", "must count least")
def code_of(levels, sizes):
    return np.ravel_multi_index(levels.T, sizes)


@wrong("09.1", "in reverse")
def code_of(levels, sizes):
    return levels @ np.cumprod([1, *sizes[:-1]])[::-1]


@wrong("09.1", "the levels were added")
def code_of(levels, sizes):
    return np.sum(levels, axis=1)


@wrong("09.1", "the first size as its base")
def code_of(levels, sizes):
    return levels @ sizes[0] ** np.arange(len(sizes))


@wrong("09.1", "by its own size")
def code_of(levels, sizes):
    return levels @ sizes


@wrong("09.1", "one factor too many")
def code_of(levels, sizes):
    return levels @ np.cumprod(sizes)


@wrong("09.1", "codes start at 0")
def code_of(levels, sizes):
    return 1 + np.ravel_multi_index(levels.T, sizes, order="F")


@right("09.2")
def guided_probabilities(with_caption, without_caption, w):
    logits = (1 - w) * without_caption + w * with_caption
    return np.exp(logits) / np.exp(logits).sum()


@right("09.2")
def guided_probabilities(with_caption, without_caption, w):
    return tf.nn.softmax(without_caption + w * (with_caption - without_caption))


@right("09.2")
def guided_probabilities(with_caption, without_caption, w):
    p = np.exp(with_caption) ** w / np.exp(without_caption) ** (w - 1)
    return p / p.sum()


@wrong("09.2", "Probabilities were asked for")
def guided_probabilities(with_caption, without_caption, w):
    return without_caption + w * (with_caption - without_caption)


@wrong("09.2", "exchanged")
def guided_probabilities(with_caption, without_caption, w):
    return tf.nn.softmax(with_caption + w * (without_caption - with_caption))


@wrong("09.2", "starts from the logits with caption")
def guided_probabilities(with_caption, without_caption, w):
    return tf.nn.softmax((1 + w) * with_caption - w * without_caption)


@wrong("09.2", "only sharpens")
def guided_probabilities(with_caption, without_caption, w):
    return tf.nn.softmax(w * with_caption)


@wrong("09.2", "only the difference")
def guided_probabilities(with_caption, without_caption, w):
    return tf.nn.softmax(w * (with_caption - without_caption))


@wrong("09.2", "not the probabilities")
def guided_probabilities(with_caption, without_caption, w):
    c, u = tf.nn.softmax(with_caption).numpy(), tf.nn.softmax(without_caption).numpy()
    p = np.clip(u + w * (c - u), 0, None)
    return p / p.sum()


@wrong("09.2", "some come out below 0")
def guided_probabilities(with_caption, without_caption, w):
    c, u = tf.nn.softmax(with_caption), tf.nn.softmax(without_caption)
    return u + w * (c - u)


@wrong("09.2", "w is not used")
def guided_probabilities(with_caption, without_caption, w):
    return tf.nn.softmax(with_caption)


@right("09.3")
def own_labels(odds, least):
    labels = []
    for item in odds.mean(axis=0):
        best = int(np.argmax(item))
        labels.append(best if item[best] >= least else -1)
    return labels


@right("09.3")
def own_labels(odds, least):
    mean = tf.reduce_mean(odds, axis=0)
    sure = tf.reduce_max(mean, axis=1) >= least
    return tf.where(sure, tf.argmax(mean, axis=1), -1)


@wrong("09.3", "only the first version")
def own_labels(odds, least):
    return np.where(odds[0].max(axis=1) >= least, odds[0].argmax(axis=1), -1)


@wrong("09.3", "the surest version")
def own_labels(odds, least):
    best = odds.max(axis=0)
    return np.where(best.max(axis=1) >= least, best.argmax(axis=1), -1)


@wrong("09.3", "average the odds of a digit first")
def own_labels(odds, least):
    sure = odds.max(axis=2).mean(axis=0) >= least
    return np.where(sure, odds.mean(axis=0).argmax(axis=1), -1)


@wrong("09.3", "the least sure version")
def own_labels(odds, least):
    worst = odds.min(axis=0)
    return np.where(worst.max(axis=1) >= least, worst.argmax(axis=1), -1)


@wrong("09.3", "added, not averaged")
def own_labels(odds, least):
    total = odds.sum(axis=0)
    return np.where(total.max(axis=1) >= least, total.argmax(axis=1), -1)


@wrong("09.3", "at least, ≥")
def own_labels(odds, least):
    mean = odds.mean(axis=0)
    return np.where(mean.max(axis=1) > least, mean.argmax(axis=1), -1)


@wrong("09.3", "nothing was left out")
def own_labels(odds, least):
    return odds.mean(axis=0).argmax(axis=1)


@wrong("09.3", "turned over")
def own_labels(odds, least):
    mean = odds.mean(axis=0)
    return np.where(mean.max(axis=1) < least, mean.argmax(axis=1), -1)


@wrong("09.3", "0, which is a digit")
def own_labels(odds, least):
    mean = odds.mean(axis=0)
    return mean.argmax(axis=1) * (mean.max(axis=1) >= least)


@wrong("09.3", "A vote forgets")
def own_labels(odds, least):
    labels = []
    for i in range(odds.shape[1]):
        counts = np.bincount(odds[:, i].argmax(axis=1), minlength=10)
        labels.append(int(counts.argmax()) if counts.max() / len(odds) >= least else -1)
    return labels


@right("09.4")
def labels_saved(sizes, pretrained, scratch):
    target = scratch[-1]
    if pretrained[0] >= target:
        return sizes[-1] / sizes[0]
    j = int(np.argmax(pretrained >= target))
    part = (target - pretrained[j - 1]) / (pretrained[j] - pretrained[j - 1])
    return sizes[-1] / (sizes[j - 1] * (sizes[j] / sizes[j - 1]) ** part)


@right("09.4")
def labels_saved(sizes, pretrained, scratch):
    return 2 ** (np.log2(sizes[-1]) - np.interp(scratch[-1], pretrained, np.log2(sizes)))


@wrong("09.4", "do not extend the line")
def labels_saved(sizes, pretrained, scratch):
    n, place = np.log(sizes), int(np.searchsorted(pretrained, scratch[-1]))
    a, b = (max(place, 1) - 1, max(place, 1))
    share = (scratch[-1] - pretrained[a]) / (pretrained[b] - pretrained[a])
    return sizes[-1] / np.exp(n[a] + share * (n[b] - n[a]))


@wrong("09.4", "interpolate in log n")
def labels_saved(sizes, pretrained, scratch):
    return sizes[-1] / np.interp(scratch[-1], pretrained, sizes)


@wrong("09.4", "turned over")
def labels_saved(sizes, pretrained, scratch):
    return np.exp(np.interp(scratch[-1], pretrained, np.log(sizes))) / sizes[-1]


@wrong("09.4", "the number of labels needed")
def labels_saved(sizes, pretrained, scratch):
    return 10 ** np.interp(scratch[-1], pretrained, np.log10(sizes))


@wrong("09.4", "the next measured size")
def labels_saved(sizes, pretrained, scratch):
    return sizes[-1] / min(n for n, p in zip(sizes, pretrained, strict=True) if p >= scratch[-1])


@wrong("09.4", "size before the crossing")
def labels_saved(sizes, pretrained, scratch):
    below = [n for n, p in zip(sizes, pretrained, strict=True) if p < scratch[-1]]
    return sizes[-1] / (max(below) if below else sizes[0])


@wrong("09.4", "not its first")
def labels_saved(sizes, pretrained, scratch):
    return sizes[-1] / np.exp(np.interp(scratch[0], pretrained, np.log(sizes)))


@wrong("09.4", "compares right answers")
def labels_saved(sizes, pretrained, scratch):
    return pretrained[-1] / scratch[-1]


@wrong("09.4", "logarithm of the ratio")
def labels_saved(sizes, pretrained, scratch):
    return np.log(sizes[-1]) - np.interp(scratch[-1], pretrained, np.log(sizes))


@wrong("09.4", "a difference of labels")
def labels_saved(sizes, pretrained, scratch):
    return sizes[-1] - np.exp(np.interp(scratch[-1], pretrained, np.log(sizes)))
