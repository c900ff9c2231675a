"""Answers to the exercises of chapter 14."""

import itertools
import json
import re

import numpy as np
import tensorflow as tf

from answers import right, wrong


@right("14.1")
def watermark_z(tokens, green, gamma):
    seen = set()
    for i in range(1, len(tokens)):
        seen.add((int(tokens[i - 1]), int(tokens[i])))
    n = len(seen)
    hits = sum(green[a][b] for a, b in seen)
    return (hits - gamma * n) / (gamma * (1 - gamma) * n) ** 0.5


@right("14.1")
def watermark_z(tokens, green, gamma):
    came = np.zeros(green.shape, bool)  # which cells of the table the text has visited
    came[tokens[:-1], tokens[1:]] = True
    return (green[came] - gamma).sum() / np.sqrt(came.sum() * gamma * (1 - gamma))


@right("14.1")
def watermark_z(tokens, green, gamma):
    codes = tf.unique(tokens[:-1] * len(green) + tokens[1:]).y
    share = tf.reduce_mean(tf.cast(tf.gather(tf.reshape(green, [-1]), codes), tf.float64))
    return (share - gamma) / tf.sqrt(gamma * (1 - gamma) / tf.cast(tf.size(codes), tf.float64))


def distinct(tokens):
    return np.array(sorted(set(zip(tokens[:-1].tolist(), tokens[1:].tolist(), strict=True))))


@wrong("14.1", "repeated pairs were counted again")
def watermark_z(tokens, green, gamma):
    hits, n = green[tokens[:-1], tokens[1:]].sum(), len(tokens) - 1
    return (hits - gamma * n) / np.sqrt(gamma * (1 - gamma) * n)


@wrong("14.1", "not from n")
def watermark_z(tokens, green, gamma):
    a, b = distinct(tokens).T
    n = len(tokens) - 1
    return (green[a, b].sum() - gamma * n) / np.sqrt(gamma * (1 - gamma) * n)


@wrong("14.1", "the number of characters came")
def watermark_z(tokens, green, gamma):
    a, b = distinct(tokens).T
    n = len(tokens)
    return (green[a, b].sum() - gamma * n) / np.sqrt(gamma * (1 - gamma) * n)


@wrong("14.1", "that is a share")
def watermark_z(tokens, green, gamma):
    a, b = distinct(tokens).T
    return green[a, b].mean() - gamma


@wrong("14.1", "no variance in it")
def watermark_z(tokens, green, gamma):
    a, b = distinct(tokens).T
    return green[a, b].sum() - gamma * len(a)


@wrong("14.1", "divided by the variance")
def watermark_z(tokens, green, gamma):
    a, b = distinct(tokens).T
    return (green[a, b].sum() - gamma * len(a)) / (gamma * (1 - gamma) * len(a))


@wrong("14.1", "a Poisson count's deviation")
def watermark_z(tokens, green, gamma):
    a, b = distinct(tokens).T
    return (green[a, b].sum() - gamma * len(a)) / np.sqrt(gamma * len(a))


@wrong("14.1", "the sign is lost")
def watermark_z(tokens, green, gamma):
    a, b = distinct(tokens).T
    return abs(green[a, b].sum() - gamma * len(a)) / np.sqrt(gamma * (1 - gamma) * len(a))


@wrong("14.1", "negative z became 0")
def watermark_z(tokens, green, gamma):
    a, b = distinct(tokens).T
    return max((green[a, b].sum() - gamma * len(a)) / np.sqrt(gamma * (1 - gamma) * len(a)), 0)


@wrong("14.1", "rows and columns")
def watermark_z(tokens, green, gamma):
    a, b = distinct(tokens).T
    return (green[b, a].sum() - gamma * len(a)) / np.sqrt(gamma * (1 - gamma) * len(a))


@wrong("14.1", "the first character was counted")
def watermark_z(tokens, green, gamma):
    pairs = {(int(tokens[i - 1]), int(tokens[i])) for i in range(len(tokens))}
    n = len(pairs)
    return (sum(green[pair] for pair in pairs) - gamma * n) / np.sqrt(gamma * (1 - gamma) * n)


@wrong("14.1", "each *character* was counted once")
def watermark_z(tokens, green, gamma):
    seen, hits = set(), 0
    for a, b in itertools.pairwise(tokens.tolist()):
        if b not in seen:
            seen.add(b)
            hits += green[a, b]
    n = len(seen)
    return (hits - gamma * n) / np.sqrt(gamma * (1 - gamma) * n)


@right("14.2")
def poems_needed(null, marked, gamma, fpr, power):
    def scores(rows, k):
        found = []
        for start in range(0, len(rows) - k + 1, k):
            green, pairs = rows[start : start + k].sum(axis=0)
            found.append((green - gamma * pairs) / (gamma * (1 - gamma) * pairs) ** 0.5)
        return found

    k = 1
    while len(null) // k * fpr >= 1:
        others, ours = sorted(scores(null, k)), scores(marked, k)
        threshold = next(t for t in others if sum(o > t for o in others) <= fpr * len(others))
        reached = sum(s > threshold for s in ours) / len(ours)
        if reached >= power:
            return k, threshold, reached
        k += 1
    return 0, 0, 0


@right("14.2")
def poems_needed(null, marked, gamma, fpr, power):
    def scores(rows, k):
        sums = np.add.reduceat(rows[: len(rows) // k * k], np.arange(0, len(rows) // k * k, k), axis=0)
        return (sums[:, 0] / sums[:, 1] - gamma) / np.sqrt(gamma * (1 - gamma) / sums[:, 1])

    for k in range(1, int(len(null) * fpr) + 1):
        others, ours = scores(null, k), scores(marked, k)
        threshold = -np.partition(-others, int(fpr * len(others)))[int(fpr * len(others))]
        if np.mean(ours > threshold) >= power:
            return np.array([k, threshold, np.mean(ours > threshold)])
    return np.zeros(3)


@right("14.2")
def poems_needed(null, marked, gamma, fpr, power):
    def scores(rows, k):
        total = np.cumsum(np.vstack([[0, 0], rows]), axis=0)[::k]
        green, pairs = np.diff(total, axis=0).T
        return (green - gamma * pairs) / np.sqrt(gamma * (1 - gamma) * pairs)

    k = 1
    while (others := scores(null, k)).size >= 1 / fpr:
        threshold = np.quantile(others, 1 - fpr, method="inverted_cdf")
        caught = scores(marked, k) > threshold
        if caught.mean() >= power:
            return k, threshold, caught.mean()
        k += 1
    return 0, 0, 0


def z_of_pools(rows, k, gamma):
    green, pairs = rows[: len(rows) // k * k].reshape(-1, k, 2).sum(axis=1).T
    return (green - gamma * pairs) / np.sqrt(gamma * (1 - gamma) * pairs)


def by_numbers(null, marked, gamma, fpr, power, limit):
    for k in range(1, int(len(null) * fpr) + 1):
        ours, threshold = z_of_pools(marked, k, gamma), limit(z_of_pools(null, k, gamma), k)
        if np.mean(ours > threshold) >= power:
            return k, threshold, np.mean(ours > threshold)
    return 0, 0, 0


def kth(scores, place):
    return sorted(scores, reverse=True)[int(place)]


@wrong("14.2", "a normal distribution's")
def poems_needed(null, marked, gamma, fpr, power):
    from statistics import NormalDist

    return by_numbers(null, marked, gamma, fpr, power, lambda scores, k: NormalDist().inv_cdf(1 - fpr))


@wrong("14.2", "4 is the paper's threshold")
def poems_needed(null, marked, gamma, fpr, power):
    return by_numbers(null, marked, gamma, fpr, power, lambda scores, k: 4)


@wrong("14.2", "lies between two scores")
def poems_needed(null, marked, gamma, fpr, power):
    return by_numbers(null, marked, gamma, fpr, power, lambda scores, k: np.quantile(scores, 1 - fpr))


@wrong("14.2", "a score *at* the threshold")
def poems_needed(null, marked, gamma, fpr, power):
    for k in range(1, int(len(null) * fpr) + 1):
        ours, others = (z_of_pools(rows, k, gamma) for rows in (marked, null))
        threshold = kth(others, fpr * len(others))
        if np.mean(ours >= threshold) >= power:
            return k, threshold, np.mean(ours >= threshold)
    return 0, 0, 0


def with_scores(null, marked, gamma, fpr, power, scores):
    for k in range(1, int(len(null) * fpr) + 1):
        ours, others = scores(marked, k), scores(null, k)
        threshold = kth(others, fpr * len(others))
        if np.mean(ours > threshold) >= power:
            return k, threshold, np.mean(ours > threshold)
    return 0, 0, 0


@wrong("14.2", "the mean of k values of z")
def poems_needed(null, marked, gamma, fpr, power):
    def scores(rows, k):
        return z_of_pools(rows, 1, gamma)[: len(rows) // k * k].reshape(-1, k).mean(axis=1)

    return with_scores(null, marked, gamma, fpr, power, scores)


@wrong("14.2", "each poem's z has the same weight")
def poems_needed(null, marked, gamma, fpr, power):
    def scores(rows, k):
        return z_of_pools(rows, 1, gamma)[: len(rows) // k * k].reshape(-1, k).sum(axis=1) / np.sqrt(k)

    return with_scores(null, marked, gamma, fpr, power, scores)


@wrong("14.2", "the pools overlap")
def poems_needed(null, marked, gamma, fpr, power):
    def scores(rows, k):
        green, pairs = (np.convolve(column, np.ones(k), "valid") for column in rows.T)
        return (green - gamma * pairs) / np.sqrt(gamma * (1 - gamma) * pairs)

    return with_scores(null, marked, gamma, fpr, power, scores)


@wrong("14.2", "cannot show so low a rate")
def poems_needed(null, marked, gamma, fpr, power):
    for k in range(1, min(len(null), len(marked)) + 1):
        ours, others = (z_of_pools(rows, k, gamma) for rows in (marked, null))
        threshold = kth(others, fpr * len(others))
        if np.mean(ours > threshold) >= power:
            return k, threshold, np.mean(ours > threshold)
    return 0, 0, 0


@wrong("14.2", "comes from single poems")
def poems_needed(null, marked, gamma, fpr, power):
    single = kth(z_of_pools(null, 1, gamma), fpr * len(null))
    return by_numbers(null, marked, gamma, fpr, power, lambda scores, k: single)


@wrong("14.2", "comes from the marked poems")
def poems_needed(null, marked, gamma, fpr, power):
    def limit(scores, k):
        ours = z_of_pools(marked, k, gamma)
        return kth(ours, fpr * len(ours))

    return by_numbers(null, marked, gamma, fpr, power, limit)


@wrong("14.2", "lets nobody pass")
def poems_needed(null, marked, gamma, fpr, power):
    return by_numbers(null, marked, gamma, fpr, power, lambda scores, k: max(scores))


@wrong("14.2", "one score too high")
def poems_needed(null, marked, gamma, fpr, power):
    return by_numbers(null, marked, gamma, fpr, power, lambda scores, k: kth(scores, int(fpr * len(scores)) - 1))


@wrong("14.2", "one score too low")
def poems_needed(null, marked, gamma, fpr, power):
    return by_numbers(null, marked, gamma, fpr, power, lambda scores, k: kth(scores, int(fpr * len(scores)) + 1))


@right("14.3")
def g_test(counts, wanted):
    counts = counts.astype(float)
    runs, classes = counts.shape

    def g(row):
        total = 0.0
        for seen, weight in zip(row, wanted, strict=True):
            if seen > 0:
                total += 2 * seen * np.log(seen * wanted.sum() / (weight * row.sum()))
        return total

    pool = g(counts.sum(axis=0))
    return [pool, sum(g(row) for row in counts) - pool], [classes - 1, (runs - 1) * (classes - 1)]


@right("14.3")
def g_test(counts, wanted):
    pool = tf.reduce_sum(counts, axis=0)
    n, n_all = tf.reduce_sum(counts, axis=1, keepdims=True), tf.reduce_sum(counts)

    def g(o, e):  # xlogy(0, 0) is 0
        o = tf.cast(o, tf.float64)
        return 2 * tf.reduce_sum(tf.math.xlogy(o, o / e))

    share = wanted / wanted.sum()
    together = g(pool, tf.cast(n_all, tf.float64) * share)
    between = g(counts, tf.cast(n, tf.float64) * tf.cast(pool / n_all, tf.float64) + 1e-300)
    runs, classes = counts.shape
    return tf.stack([together, between]), (classes - 1, (runs - 1) * (classes - 1))


@right("14.3")
def g_test(counts, wanted):
    def entropy(o):
        o = o[o > 0]
        return np.sum(o * np.log(o))

    n, pool = counts.sum(axis=1), counts.sum(axis=0)
    together = 2 * (entropy(pool) - entropy(n.sum(keepdims=True)) - pool @ np.log(wanted / wanted.sum()))
    between = 2 * (entropy(counts.ravel()) - entropy(n) - entropy(pool) + entropy(n.sum(keepdims=True)))
    free = np.array(counts.shape) - 1
    return (together, between), (free[1], free[0] * free[1])


def g_of(row, expected):
    seen = row > 0
    return 2 * np.sum(row[seen] * np.log(row[seen] / expected[seen]))


def both(counts, wanted, measure=g_of):
    share = wanted / wanted.sum()
    pool = counts.sum(axis=0)
    together = measure(pool, pool.sum() * share)
    between = sum(measure(row, row.sum() * share) for row in counts) - together
    return np.array([together, between])


def freedom(counts):
    runs, classes = counts.shape
    return np.array([classes - 1, (runs - 1) * (classes - 1)])


@wrong("14.3", "Pearson's chi-squared")
def g_test(counts, wanted):
    return both(counts, wanted, lambda o, e: np.sum((o - e) ** 2 / e)), freedom(counts)


@wrong("14.3", "the factor 2")
def g_test(counts, wanted):
    return both(counts, wanted) / 2, freedom(counts)


@wrong("14.3", "the natural logarithm")
def g_test(counts, wanted):
    return both(counts, wanted) / np.log(2), freedom(counts)


@wrong("14.3", "the wrong way round")
def g_test(counts, wanted):
    def turned(o, e):
        seen = o > 0
        return 2 * np.sum(e[seen] * np.log(e[seen] / o[seen]))

    return both(counts, wanted, turned), freedom(counts)


@wrong("14.3", "the run's own number")
def g_test(counts, wanted):
    together = g_of(counts.sum(axis=0), wanted)
    return (together, sum(g_of(row, wanted) for row in counts) - together), freedom(counts)


@wrong("14.3", "equal shares were expected")
def g_test(counts, wanted):
    return both(counts, np.ones(len(wanted))), freedom(counts)


@wrong("14.3", "leave K - 1 free")
def g_test(counts, wanted):
    runs, classes = counts.shape
    return both(counts, wanted), (classes, (runs - 1) * classes)


@wrong("14.3", "the first G is the sum over runs")
def g_test(counts, wanted):
    together, between = both(counts, wanted)
    return (together + between, between), freedom(counts)


@wrong("14.3", "still holds the first")
def g_test(counts, wanted):
    together, between = both(counts, wanted)
    return (together, together + between), freedom(counts)


@wrong("14.3", "the mean of the runs' counts")
def g_test(counts, wanted):
    share, mean = wanted / wanted.sum(), counts.mean(axis=0)
    together = g_of(mean, mean.sum() * share)
    return (together, sum(g_of(row, row.sum() * share) for row in counts) - together), freedom(counts)


@wrong("14.3", "(S - 1)(K - 1) are left")
def g_test(counts, wanted):
    runs, classes = counts.shape
    return both(counts, wanted), (classes - 1, runs * (classes - 1))


@wrong("14.3", "0 times log 0")
def g_test(counts, wanted):
    return both(counts, wanted, lambda o, e: 2 * np.sum(o * np.log(o / e))), freedom(counts)


@right("14.4")
def pool_after(regime, real, drawn, accepted, keys):
    pool, everything = list(real), list(real)
    for pictures, good in zip(drawn, accepted, strict=True):
        everything += list(pictures)
        if regime == "replace":
            pool = list(pictures)
        elif regime == "accumulate":
            pool = list(everything)
        elif regime == "verified":
            pool = [picture for picture, fine in zip(pictures, good, strict=True) if fine] or pool
    if regime == "fixed":
        order = sorted(range(len(everything)), key=lambda place: keys[place])
        pool = [everything[place] for place in order[: len(real)]]
    return pool


@right("14.4")
def pool_after(regime, real, drawn, accepted, keys):
    n, m = len(real), drawn.shape[1]
    if regime == "fixed":  # round by round: who has once left cannot come back, the smaller keys stay
        kept, mine = real, keys[:n]
        for t, pictures in enumerate(drawn):
            kept, mine = np.append(kept, pictures), np.append(mine, keys[n + t * m : n + (t + 1) * m])
            best = np.argpartition(mine, n)[:n]
            kept, mine = kept[best], mine[best]
        return kept
    if regime == "verified":
        rounds = np.flatnonzero(accepted.any(axis=1))
        return drawn[rounds[-1]][accepted[rounds[-1]] == 1] if len(rounds) else real
    return drawn[-1] if regime == "replace" else np.append(real, drawn)


@right("14.4")
def pool_after(regime, real, drawn, accepted, keys):
    match regime:
        case "replace":
            return tf.constant(drawn)[-1]
        case "accumulate":
            return tf.concat([real, tf.reshape(drawn, [-1])], axis=0)
        case "fixed":
            every = tf.concat([real, tf.reshape(drawn, [-1])], axis=0)
            return tf.boolean_mask(every, keys <= np.sort(keys)[len(real) - 1])
        case "verified":
            pool = tf.constant(real)
            for t in range(len(drawn)):
                taken = tf.boolean_mask(drawn[t], accepted[t] > 0)
                pool = taken if tf.size(taken) else pool
            return pool


def pools(regime, real, drawn, accepted, keys):
    everything = np.append(real, drawn)
    last = real
    for row, good in zip(drawn, accepted, strict=True):
        last = row[good == 1] if good.any() else last
    return {
        "replace": drawn[-1],
        "accumulate": everything,
        "fixed": everything[np.argsort(keys)[: len(real)]],
        "verified": last,
    }[regime]


@wrong("14.4", "only the last round's pictures")
def pool_after(regime, real, drawn, accepted, keys):
    return drawn.ravel() if regime == "replace" else pools(regime, real, drawn, accepted, keys)


@wrong("14.4", "gone after the first round")
def pool_after(regime, real, drawn, accepted, keys):
    return np.append(real, drawn[-1]) if regime == "replace" else pools(regime, real, drawn, accepted, keys)


@wrong("14.4", "stay for ever")
def pool_after(regime, real, drawn, accepted, keys):
    return drawn.ravel() if regime == "accumulate" else pools(regime, real, drawn, accepted, keys)


@wrong("14.4", "the rounds between are missing")
def pool_after(regime, real, drawn, accepted, keys):
    return np.append(real, drawn[-1]) if regime == "accumulate" else pools(regime, real, drawn, accepted, keys)


@wrong("14.4", "the newest N came")
def pool_after(regime, real, drawn, accepted, keys):
    if regime == "fixed":
        return np.append(real, drawn)[-len(real) :]
    return pools(regime, real, drawn, accepted, keys)


@wrong("14.4", "the oldest N came")
def pool_after(regime, real, drawn, accepted, keys):
    return np.append(real, drawn)[: len(real)] if regime == "fixed" else pools(regime, real, drawn, accepted, keys)


@wrong("14.4", "the largest keys came")
def pool_after(regime, real, drawn, accepted, keys):
    return pools(regime, real, drawn, accepted, 1 - keys)


@wrong("14.4", "the real pictures compete too")
def pool_after(regime, real, drawn, accepted, keys):
    if regime == "fixed":
        return drawn.ravel()[np.argsort(keys[len(real) :])[: len(real)]]
    return pools(regime, real, drawn, accepted, keys)


@wrong("14.4", "as if they accumulated")
def pool_after(regime, real, drawn, accepted, keys):
    if regime == "verified":
        return np.append(real, drawn[accepted == 1])
    return pools(regime, real, drawn, accepted, keys)


@wrong("14.4", "of earlier rounds are in it")
def pool_after(regime, real, drawn, accepted, keys):
    return drawn[accepted == 1] if regime == "verified" else pools(regime, real, drawn, accepted, keys)


@wrong("14.4", "an empty pool teaches nothing")
def pool_after(regime, real, drawn, accepted, keys):
    return drawn[-1][accepted[-1] == 1] if regime == "verified" else pools(regime, real, drawn, accepted, keys)


@wrong("14.4", "it need not be the real pictures")
def pool_after(regime, real, drawn, accepted, keys):
    if regime == "verified":
        return drawn[-1][accepted[-1] == 1] if accepted[-1].any() else real
    return pools(regime, real, drawn, accepted, keys)


@wrong("14.4", "rejected pictures came in")
def pool_after(regime, real, drawn, accepted, keys):
    if regime == "verified":
        return drawn[-1][accepted[-1] == 1] if accepted[-1].any() else drawn[-1]
    return pools(regime, real, drawn, accepted, keys)


@wrong("14.4", "the rejected pictures came.")
def pool_after(regime, real, drawn, accepted, keys):
    return pools(regime, real, drawn, 1 - accepted, keys)


@right("14.5")
def label_to_write(metadata, declared, traces):
    import json

    names = {"Label", "ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID"}
    try:
        label = json.loads(metadata)
    except ValueError:
        label = {}
    value = label["Label"] if {*label} >= {*names, "ReservedCode2"} else ""
    for sure, said in (("1", False), ("2", declared), ("3", traces)):
        if value == sure or said:
            return int(sure)
    return 0


@right("14.5")
def label_to_write(metadata, declared, traces):
    import re

    fields = dict(re.findall(r'"(\w+)": "([^"]*)"', metadata)) if metadata.endswith('"}') else {}
    value = fields.get("Label", "") if len(fields) == 7 else ""
    said = [int(value)] if value in {"1", "2", "3"} else []
    return min([*said, *[2] * declared, *[3] * traces], default=0)


@right("14.5")
def label_to_write(metadata, declared, traces):
    import ast

    text = metadata or "{}"
    try:
        found = ast.literal_eval(text)
    except SyntaxError:
        found = {}
    valid = len(found) == 7 and found["Label"] in ("1", "2", "3")
    sure = np.array([4 - int(found["Label"]) if valid else 0, 2 * declared, 1 * traces]).max()  # 3 is surest
    return (4 - sure) % 4


NAMES = ("Label", "ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2")


def value_of(metadata):
    try:
        label = json.loads(metadata)
    except ValueError:
        return 0
    whole = all(name in label for name in NAMES) and label["Label"] in ("1", "2", "3")
    return int(label["Label"]) if whole else 0


def surest(*said):
    return min((value for value in said if value), default=0)


@wrong("14.5", "itself says 1, 2 or 3")
def label_to_write(metadata, declared, traces):
    return 1 if value_of(metadata) else 2 if declared else 3 if traces else 0


@wrong("14.5", "the word Label is no label")
def label_to_write(metadata, declared, traces):
    return 1 if "Label" in metadata else 2 if declared else 3 if traces else 0


@wrong("14.5", "counts as none")
def label_to_write(metadata, declared, traces):
    found = re.search(r'"Label": "([123])"', metadata)
    return surest(int(found[1]) if found else 0, 2 * declared, 3 * traces)


@wrong("14.5", "1 before 2 before 3")
def label_to_write(metadata, declared, traces):
    return max(value_of(metadata), 2 * declared, 3 * traces)


@wrong("14.5", "the metadata came first")
def label_to_write(metadata, declared, traces):
    return value_of(metadata) or 2 * declared or 3 * traces


@wrong("14.5", "not certain")
def label_to_write(metadata, declared, traces):
    return surest(value_of(metadata), declared, 3 * traces)


@wrong("14.5", "is a suspicion")
def label_to_write(metadata, declared, traces):
    return surest(value_of(metadata), 2 * declared, 2 * traces)


@wrong("14.5", "traces count too")
def label_to_write(metadata, declared, traces):
    return surest(value_of(metadata), 2 * declared)


@wrong("14.5", "what the uploader declares counts too")
def label_to_write(metadata, declared, traces):
    return surest(value_of(metadata), 3 * traces)


@wrong("14.5", "only the metadata were asked")
def label_to_write(metadata, declared, traces):
    return value_of(metadata)


@wrong("14.5", "still speak")
def label_to_write(metadata, declared, traces):
    return surest(value_of(metadata), 2 * declared, 3 * traces) if value_of(metadata) else 0


@wrong("14.5", "yes or no came")
def label_to_write(metadata, declared, traces):
    return bool(value_of(metadata) or declared or traces)
