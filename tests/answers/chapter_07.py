"""Answers to the exercises of chapter 07."""

import itertools

import numpy as np
import tensorflow as tf

from answers import right, wrong


@right("07.1")
def matching_factor(threshold):
    from scipy.stats import truncnorm

    return truncnorm.std(-threshold, threshold)


@right("07.1")
def matching_factor(threshold):
    found, rule = [], np.tile([2.0, 4.0], 2001)[:4001]  # Simpson's rule
    rule[[0, -1]] = 1
    for tau in threshold:
        z = np.linspace(-tau, tau, 4001)
        weight = rule * np.exp(-0.5 * z**2)
        found.append(np.sqrt((weight * z**2).sum() / weight.sum()))
    return found


@right("07.1")
def matching_factor(threshold):
    tau = tf.constant(threshold, tf.float64)
    share = tf.math.erf(tau / np.sqrt(2.0))
    return tf.sqrt(1 - tau * np.sqrt(2 / np.pi) * tf.exp(-(tau**2) / 2) / share)


def bell(tau):
    return np.exp(-(tau**2) / 2) / np.sqrt(2 * np.pi)


def middle(tau):
    return tf.math.erf(tau / np.sqrt(2.0)).numpy()


@wrong("07.1", "that is the variance")
def matching_factor(threshold):
    return 1 - 2 * threshold * bell(threshold) / middle(threshold)


@wrong("07.1", "clipping")
def matching_factor(threshold):
    from scipy.stats import norm

    beyond = 2 * norm.sf(threshold)
    left = middle(threshold) - 2 * threshold * bell(threshold)
    return np.sqrt(left + threshold**2 * beyond)


@wrong("07.1", "only one tail")
def matching_factor(threshold):
    from scipy.stats import truncnorm

    return truncnorm.std(-np.inf, threshold)


@wrong("07.1", "the share of the numbers inside")
def matching_factor(threshold):
    from scipy.stats import norm

    return norm.cdf(threshold) - norm.cdf(-threshold)


@wrong("07.1", "the threshold itself")
def matching_factor(threshold):
    return threshold


@wrong("07.1", "divide by the share inside")
def matching_factor(threshold):
    return np.sqrt(1 - threshold * np.sqrt(2 / np.pi) * np.exp(-(threshold**2) / 2))


@wrong("07.1", "not yet divided")
def matching_factor(threshold):
    from scipy.integrate import quad

    return [np.sqrt(quad(lambda z: z**2 * bell(z), -tau, tau, points=[0])[0]) for tau in threshold]


@wrong("07.1", "it is divided by Φ(τ)")
def matching_factor(threshold):
    from scipy.stats import norm, truncnorm

    squares = truncnorm.var(-threshold, threshold) * (norm.cdf(threshold) - norm.cdf(-threshold))
    return np.sqrt(squares / norm.cdf(threshold))


@wrong("07.1", "close, but not exact")
def matching_factor(threshold):
    z = np.linspace(-threshold, threshold, 25)
    weight = np.exp(-(z**2) / 2)
    return np.sqrt(np.trapezoid(z**2 * weight, z, axis=0) / np.trapezoid(weight, z, axis=0))


@wrong("07.1", "counts the lower tail")
def matching_factor(threshold):
    from scipy.stats import norm

    return np.sqrt(1 - 2 * threshold * norm.pdf(threshold) / norm.cdf(threshold))


@wrong("07.1", "the error function takes")
def matching_factor(threshold):
    return np.sqrt(1 - 2 * threshold * bell(threshold) / tf.math.erf(threshold).numpy())


@wrong("07.1", "spread evenly")
def matching_factor(threshold):
    return 2 * threshold / np.sqrt(12)


@wrong("07.1", "upside down")
def matching_factor(threshold):
    return (1 - 2 * threshold * bell(threshold) / middle(threshold)) ** -0.5


@wrong("07.1", "below 0 stands under your root")
def matching_factor(threshold):
    return np.sqrt(1 - 2 * threshold * np.exp(-(threshold**2) / 2) / middle(threshold))


@right("07.2")
def true_agreement(read, asked, confusion):
    k = len(confusion)
    rates = np.array([[np.mean(read[asked == i] == j) for j in range(k)] for i in range(k)])
    return np.trace(np.linalg.solve(confusion, rates)) / k  # the trace of a product does not ask for the order


@right("07.2")
def true_agreement(read, asked, confusion):
    found = []
    for one in range(len(confusion)):
        row = np.bincount(read[asked == one], minlength=len(confusion)) / np.sum(asked == one)
        found.append(np.linalg.lstsq(confusion.T, row, rcond=None)[0][one])
    return sum(found) / len(found)


@right("07.2")
def true_agreement(read, asked, confusion):
    k = len(confusion)
    table = tf.math.confusion_matrix(asked, read, k, dtype=tf.float64)
    rates = table / tf.reduce_sum(table, axis=1, keepdims=True)
    truth = tf.transpose(tf.linalg.solve(tf.transpose(tf.constant(confusion)), tf.transpose(rates)))
    return tf.reduce_mean(tf.linalg.diag_part(truth))


def rows_of(read, asked, k):
    return np.array([np.bincount(read[asked == i], minlength=k) / np.sum(asked == i) for i in range(k)])


@wrong("07.2", "The judge errs: undo")
def true_agreement(read, asked, confusion):
    return np.mean([np.mean(read[asked == one] == one) for one in range(len(confusion))])


@wrong("07.2", "share of all pictures that are read as asked")
def true_agreement(read, asked, confusion):
    return np.sum(read == asked) / len(read)


@wrong("07.2", "table is turned")
def true_agreement(read, asked, confusion):
    k = len(confusion)
    return np.trace(rows_of(read, asked, k) @ np.linalg.inv(confusion).T) / k


@wrong("07.2", "divided by the judge's accuracy. A wrong")
def true_agreement(read, asked, confusion):
    return np.trace(rows_of(read, asked, len(confusion))) / np.trace(confusion)


@wrong("07.2", "each class was divided")
def true_agreement(read, asked, confusion):
    return np.mean([np.mean(read[asked == i] == i) / confusion[i, i] for i in range(len(confusion))])


@wrong("07.2", "count for more")
def true_agreement(read, asked, confusion):
    k = len(confusion)
    each = np.diag(rows_of(read, asked, k) @ np.linalg.inv(confusion))
    return np.mean(each[asked])


@wrong("07.2", "come in twice")
def true_agreement(read, asked, confusion):
    return np.trace(rows_of(read, asked, len(confusion)) @ confusion) / len(confusion)


@wrong("07.2", "number of all pictures")
def true_agreement(read, asked, confusion):
    k = len(confusion)
    counts = np.array([[np.sum((asked == i) & (read == j)) for j in range(k)] for i in range(k)])
    return np.trace(counts / len(read) @ np.linalg.inv(confusion)) / k


@wrong("07.2", "Of those *asked* as i")
def true_agreement(read, asked, confusion):
    k = len(confusion)
    counts = np.array([[np.sum((asked == i) & (read == j)) for j in range(k)] for i in range(k)])
    return np.trace(counts / np.maximum(1, counts.sum(axis=0)) @ np.linalg.inv(confusion)) / k


@wrong("07.2", "counted [read, asked]")
def true_agreement(read, asked, confusion):
    table = tf.math.confusion_matrix(read, asked, len(confusion)).numpy()
    return np.trace(table / table.sum(axis=1)[:, None] @ np.linalg.inv(confusion)) / len(confusion)


@wrong("07.2", "do not clip")
def true_agreement(read, asked, confusion):
    truth = np.linalg.solve(confusion.T, rows_of(read, asked, len(confusion)).T).T
    return np.mean([min(max(share, 0.0), 1.0) for share in np.diag(truth)])


@wrong("07.2", "return the mean of the K")
def true_agreement(read, asked, confusion):
    return np.diag(rows_of(read, asked, len(confusion)) @ np.linalg.inv(confusion))


@right("07.3")
def move_along(z, with_it, without, steps):
    way = np.mean(with_it, axis=0) - np.mean(without, axis=0)
    way /= np.sqrt(way @ way)
    rows = []
    for row, step in zip(z, steps, strict=True):
        there = row + step * way
        rows.append(there * np.sqrt((row @ row) / (there @ there)))
    return rows


@right("07.3")
def move_along(z, with_it, without, steps):
    way = tf.math.l2_normalize(tf.reduce_mean(with_it, axis=0) - tf.reduce_mean(without, axis=0))
    there = tf.math.l2_normalize(z + steps[:, None] * way[None], axis=1)
    return there * tf.norm(z, axis=1, keepdims=True)


@right("07.3")
def move_along(z, with_it, without, steps):
    gap = len(without) * with_it.sum(0) - len(with_it) * without.sum(0)  # its length drops out
    gap = gap / np.linalg.norm(gap)
    squared = (z**2).sum(1)
    longer = squared + 2 * steps * (z @ gap) + steps**2
    return (z + np.outer(steps, gap)) * np.sqrt(squared / longer)[:, None]


def direction(with_it, without):
    gap = with_it.mean(axis=0) - without.mean(axis=0)
    return gap / np.linalg.norm(gap)


def norms(rows):
    return np.linalg.norm(rows, axis=1)[:, None]


@wrong("07.3", "so that a step is a step")
def move_along(z, with_it, without, steps):
    there = z + steps[:, None] * (with_it.mean(axis=0) - without.mean(axis=0))
    return there / norms(there) * norms(z)


@wrong("07.3", "not brought back")
def move_along(z, with_it, without, steps):
    return z + steps[:, None] * direction(with_it, without)


@wrong("07.3", "brought to √F")
def move_along(z, with_it, without, steps):
    there = z + steps[:, None] * direction(with_it, without)
    return there / norms(there) * z.shape[1] ** 0.5


@wrong("07.3", "the wrong way")
def move_along(z, with_it, without, steps):
    there = z - steps[:, None] * direction(with_it, without)
    return there / norms(there) * norms(z)


@wrong("07.3", "their mean length")
def move_along(z, with_it, without, steps):
    there = z + steps[:, None] * direction(with_it, without)
    return there / norms(there) * np.mean(norms(z))


@wrong("07.3", "over all of z")
def move_along(z, with_it, without, steps):
    there = z + steps[:, None] * direction(with_it, without)
    return there / np.linalg.norm(there) * np.linalg.norm(z)


@wrong("07.3", "moves on from where it is")
def move_along(z, with_it, without, steps):
    way = direction(with_it, without)
    there = z + (steps - z @ way)[:, None] * way
    return there / norms(there) * norms(z)


@wrong("07.3", "the rows have length 1")
def move_along(z, with_it, without, steps):
    there = z + steps[:, None] * direction(with_it, without)
    return there / norms(there)


@wrong("07.3", "with the property alone")
def move_along(z, with_it, without, steps):
    mean = with_it.mean(axis=0)
    there = z + steps[:, None] * mean / np.linalg.norm(mean)
    return there / norms(there) * norms(z)


@wrong("07.3", "Move straight, then bring back")
def move_along(z, with_it, without, steps):
    way, found = direction(with_it, without), []
    for row, step in zip(z, steps, strict=True):
        plane = np.linalg.qr(np.stack([row, way], axis=1))[0]
        plane = plane * np.sign([plane[:, 0] @ row, plane[:, 1] @ way])
        found.append(np.linalg.norm(row) * plane @ [np.cos(step), np.sin(step)])
    return found


@right("07.4")
def tour(designs, n):
    closed = [*designs, designs[0]]
    lengths = [np.linalg.norm(one) for one in closed]
    units = [one / length for one, length in zip(closed, lengths, strict=True)]
    angles = [np.arccos(units[i] @ units[i + 1]) for i in range(len(designs))]
    places = []
    for i in range(n):
        left, leg = i / n * sum(angles), 0
        while leg < len(angles) - 1 and left > angles[leg]:
            left -= angles[leg]
            leg += 1
        a, b, angle = units[leg], units[leg + 1], angles[leg]
        side = (b - np.cos(angle) * a) / np.sin(angle)  # at right angles to a: turn from a towards it
        length = lengths[leg] + left / angle * (lengths[leg + 1] - lengths[leg])
        places.append(length * (np.cos(left) * a + np.sin(left) * side))
    return places


@right("07.4")
def tour(designs, n):
    a = tf.constant(designs, tf.float64)
    b = tf.roll(a, -1, axis=0)
    u, v = tf.math.l2_normalize(a, axis=1), tf.math.l2_normalize(b, axis=1)
    angle = tf.acos(tf.reduce_sum(u * v, axis=1))
    starts = tf.cumsum(angle, exclusive=True)
    at = tf.range(n, dtype=tf.float64) / n * tf.reduce_sum(angle)
    leg = tf.reduce_sum(tf.cast(at[:, None] >= starts[None], tf.int32), axis=1) - 1
    turned = at - tf.gather(starts, leg)
    whole = tf.gather(angle, leg)
    parts = tf.sin(whole - turned)[:, None] * tf.gather(u, leg) + tf.sin(turned)[:, None] * tf.gather(v, leg)
    lengths = tf.norm(a, axis=1), tf.norm(b, axis=1)
    length = tf.gather(lengths[0], leg) * (1 - turned / whole) + tf.gather(lengths[1], leg) * turned / whole
    return length[:, None] * parts / tf.sin(whole)[:, None]


@right("07.4")
def tour(designs, n):
    ring = np.concatenate([designs, designs[:1]])
    length = np.linalg.norm(ring, axis=1)
    ring = ring / length[:, None]
    angle = 2 * np.arcsin(np.linalg.norm(np.diff(ring, axis=0), axis=1) / 2)
    ends = np.concatenate([[0], np.cumsum(angle)])
    at = np.arange(n) * ends[-1] / n
    legs = np.interp(at, ends, np.arange(len(ends)))  # whole part: the leg; rest: how far along it
    leg = np.minimum(legs.astype(int), len(angle) - 1)
    share = legs - leg
    first, second = (np.sin(part * angle[leg]) / np.sin(angle[leg]) for part in (1 - share, share))
    sphere = first[:, None] * ring[leg] + second[:, None] * ring[leg + 1]
    return sphere * np.interp(at, ends, length)[:, None]


def between(a, b, share, kind="sines"):
    """One place between two designs; the kinds are the wrong answers'."""
    p, q = np.linalg.norm(a), np.linalg.norm(b)
    angle = np.arccos(a @ b / (p * q))
    if kind == "line":
        return a + share * (b - a)
    if kind == "raw":
        return (np.sin((1 - share) * angle) * a + np.sin(share * angle) * b) / np.sin(angle)
    if kind == "bent":
        flat = (1 - share) * a / p + share * b / q
        return flat / np.linalg.norm(flat) * (p + share * (q - p))
    turned = np.sin((1 - share) * angle) * a / p + np.sin(share * angle) * b / q
    if kind == "whole":
        return turned * (p + share * (q - p))
    turned = turned / np.sin(angle)
    return turned if kind == "unit" else turned * (p + share * (q - p))


def along(stops, places, kind="sines", size=None):
    """Shares of a way -> places; the way goes through all stops in order."""

    def angle(a, b):
        return np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    sizes = [(size or angle)(a, b) for a, b in itertools.pairwise(stops)]
    found = []
    for place in places:
        left, leg = place * sum(sizes), 0
        while leg < len(sizes) - 1 and left > sizes[leg]:
            left, leg = left - sizes[leg], leg + 1
        found.append(between(stops[leg], stops[leg + 1], left / sizes[leg], kind))
    return np.array(found)


def ring(designs):
    return np.vstack([designs, designs[0]])


@wrong("07.4", "as many places as any other")
def tour(designs, n):
    return along(ring(designs), np.arange(n) / n, size=lambda a, b: 1.0)


@wrong("07.4", "ends at the last design")
def tour(designs, n):
    return along(designs, np.linspace(0, 1, n))


@wrong("07.4", "is missing from the total")
def tour(designs, n):
    return along(designs, np.arange(n) / n)


@wrong("07.4", "stands at the end once more")
def tour(designs, n):
    return along(ring(designs), [i / (n - 1) for i in range(n)])


@wrong("07.4", "cut through the sphere")
def tour(designs, n):
    return along(ring(designs), np.arange(n) / n, "line")


@wrong("07.4", "all places have length 1")
def tour(designs, n):
    return along(ring(designs), np.arange(n) / n, "unit")


@wrong("07.4", "by the straight distance")
def tour(designs, n):
    return along(ring(designs), np.arange(n) / n, size=lambda a, b: np.sqrt(((a - b) ** 2).sum()))


@wrong("07.4", "Divide each by its length before arccos")
def tour(designs, n):
    return along(ring(designs), np.arange(n) / n, size=lambda a, b: np.arccos(np.clip(a @ b, -1, 1)))


@wrong("07.4", "On the designs themselves")
def tour(designs, n):
    return along(ring(designs), np.arange(n) / n, "raw")


@wrong("07.4", "not even in the angle")
def tour(designs, n):
    return along(ring(designs), np.arange(n) / n, "bent")


@wrong("07.4", "divided by the sine")
def tour(designs, n):
    return along(ring(designs), np.arange(n) / n, "whole")


@wrong("07.4", "one place late")
def tour(designs, n):
    return along(ring(designs), np.arange(1, n + 1) / n)


@right("07.5")
def two_pictures(rows, n):
    whole, best = np.var(rows, axis=0, ddof=1).sum(), (np.inf, 0, 0)
    for i in range(len(rows)):
        for j in range(i):
            stored = np.concatenate([[rows[i]] * (n // 2), [rows[j]] * (n // 2)])
            ratio = np.sqrt(np.var(stored, axis=0, ddof=1).sum() / whole)
            best = min(best, (abs(ratio - 1), i, j))
    return best[1:]


@right("07.5")
def two_pictures(rows, n):
    x = tf.constant(rows, tf.float64)
    squares = tf.reduce_sum((x[:, None] - x[None]) ** 2, axis=-1)
    wanted = 4 * (n - 1) / n * tf.reduce_sum(tf.math.reduce_variance(x, axis=0)) * len(rows) / (len(rows) - 1)
    place = int(tf.argmin(tf.reshape(tf.abs(tf.sqrt(squares) - tf.sqrt(wanted)), [-1])))
    return place // len(rows), place % len(rows)


@right("07.5")
def two_pictures(rows, n):
    from scipy.spatial.distance import pdist

    distances = pdist(rows)
    root_mean_square = np.sqrt((distances**2).mean())  # √2 times the root of the sum of variances
    best = np.abs(distances / root_mean_square - np.sqrt(2 * (n - 1) / n)).argmin()
    first, second = np.triu_indices(len(rows), 1)
    return {int(first[best]), int(second[best])}


def nearest_pair(rows, wanted):
    """The pair whose distance is nearest to the root of what is wanted."""
    best = (np.inf, 0, 0)
    for i in range(len(rows)):
        for j in range(i + 1, len(rows)):
            squared = np.sum((rows[i] - rows[j]) ** 2)
            best = min(best, (abs(np.sqrt(squared) - np.sqrt(wanted)), i, j))
    return best[1:]


@wrong("07.5", "farthest apart")
def two_pictures(rows, n):
    d = np.linalg.norm(rows[:, None] - rows, axis=2)
    return np.unravel_index(d.argmax(), d.shape)


@wrong("07.5", "the ratio is near 0.71")
def two_pictures(rows, n):
    d = np.linalg.norm(rows[:, None] - rows, axis=2)
    mean_square = (d**2).sum() / (len(rows) * (len(rows) - 1))
    return nearest_pair(rows, mean_square)


@wrong("07.5", "was divided by n.")
def two_pictures(rows, n):
    return nearest_pair(rows, 4 * rows.var(axis=0, ddof=1).sum())


@wrong("07.5", "the two nearest to each other")
def two_pictures(rows, n):
    d = np.linalg.norm(rows[:, None] - rows, axis=2) + np.diag(np.full(len(rows), np.inf))
    return np.unravel_index(d.argmin(), d.shape)


@wrong("07.5", "extremes on the first axis")
def two_pictures(rows, n):
    order = np.argsort(rows[:, 0])
    return order[0], order[-1]


@wrong("07.5", "farthest from the mean")
def two_pictures(rows, n):
    far = ((rows - rows.mean(axis=0)) ** 2).sum(axis=1)
    return np.argsort(-far)[:2]


@wrong("07.5", "by M - 1")
def two_pictures(rows, n):
    return nearest_pair(rows, 4 * (n - 1) / n * rows.var(axis=0).sum())


def nearest_of(rows, n, measure):
    """The pair whose n pictures measure what all rows do, as nearly as can be."""
    pairs = list(itertools.combinations(range(len(rows)), 2))
    stored = [np.repeat(rows[list(pair)], n // 2, axis=0) for pair in pairs]
    return pairs[int(np.argmin([abs(measure(part) / measure(rows) - 1) for part in stored]))]


@wrong("07.5", "both sums of squares")
def two_pictures(rows, n):
    return nearest_of(rows, n, lambda x: np.sqrt(x.var(axis=0).sum()))


@wrong("07.5", "single pixels were added up")
def two_pictures(rows, n):
    return nearest_of(rows, n, lambda x: x.std(axis=0, ddof=1).sum())


@wrong("07.5", "not its square")
def two_pictures(rows, n):
    return nearest_of(rows, n, lambda x: x.var(axis=0, ddof=1).sum())


@wrong("07.5", "one too large")
def two_pictures(rows, n):
    i, j = nearest_pair(rows, 4 * (n - 1) / n * rows.var(axis=0, ddof=1).sum())
    return i + 1, j + 1


@wrong("07.5", "the same picture twice")
def two_pictures(rows, n):
    middle = np.linalg.norm(rows - rows.mean(axis=0), axis=1).argmin()
    return middle, middle
