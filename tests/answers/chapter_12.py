"""Answers to the exercises of chapter 12."""

import numpy as np
import tensorflow as tf

from answers import right, wrong


@right("12.1")
def paired_interval(arms, real, t):
    from statistics import mean, stdev

    rows = [[float(a - r) for a, r in zip(arm, real, strict=True)] for arm in arms]
    return [mean(row) for row in rows], [t * stdev(row) / len(row) ** 0.5 for row in rows]


@right("12.1")
def paired_interval(arms, real, t):
    from scipy.stats import sem

    return np.mean(arms - real, axis=1), t * sem(arms - real, axis=1)


@right("12.1")
def paired_interval(arms, real, t):
    gaps = tf.constant(arms) - real
    middle = tf.reduce_mean(gaps, axis=1)
    squares = tf.reduce_sum((gaps - middle[:, None]) ** 2, axis=1)
    return middle, t * tf.sqrt(squares / (len(real) * (len(real) - 1)))


@wrong("12.1", "unpaired runs")
def paired_interval(arms, real, t):
    variance = arms.var(axis=1, ddof=1) + real.var(ddof=1)
    return arms.mean(axis=1) - real.mean(), t * np.sqrt(variance / len(real))


@wrong("12.1", "spread of the arm alone")
def paired_interval(arms, real, t):
    return arms.mean(axis=1) - real.mean(), t * arms.std(axis=1, ddof=1) / np.sqrt(len(real))


@wrong("12.1", "ddof=1")
def paired_interval(arms, real, t):
    gaps = arms - real
    return gaps.mean(axis=1), t * gaps.std(axis=1) / np.sqrt(len(real))


@wrong("12.1", "spread of one difference")
def paired_interval(arms, real, t):
    gaps = arms - real
    return gaps.mean(axis=1), t * gaps.std(axis=1, ddof=1)


@wrong("12.1", "the root of S below it")
def paired_interval(arms, real, t):
    gaps = arms - real
    return gaps.mean(axis=1), t * gaps.std(axis=1, ddof=1) / len(real)


@wrong("12.1", "1.96 is right for many")
def paired_interval(arms, real, t):
    gaps = arms - real
    return gaps.mean(axis=1), 1.96 * gaps.std(axis=1, ddof=1) / np.sqrt(len(real))


@wrong("12.1", "t is not used")
def paired_interval(arms, real, t):
    gaps = arms - real
    return gaps.mean(axis=1), gaps.std(axis=1, ddof=1) / np.sqrt(len(real))


@wrong("12.1", "the whole width")
def paired_interval(arms, real, t):
    gaps = arms - real
    return gaps.mean(axis=1), 2 * t * gaps.std(axis=1, ddof=1) / np.sqrt(len(real))


@wrong("12.1", "arm minus real")
def paired_interval(arms, real, t):
    gaps = real - arms
    return gaps.mean(axis=1), t * gaps.std(axis=1, ddof=1) / np.sqrt(len(real))


@wrong("12.1", "the median came")
def paired_interval(arms, real, t):
    gaps = arms - real
    return np.median(gaps, axis=1), t * gaps.std(axis=1, ddof=1) / np.sqrt(len(real))


@wrong("12.1", "divided by the real arm")
def paired_interval(arms, real, t):
    gaps = (arms - real) / real
    return gaps.mean(axis=1), t * gaps.std(axis=1, ddof=1) / np.sqrt(len(real))


@wrong("12.1", "ends of the interval")
def paired_interval(arms, real, t):
    gaps = arms - real
    half = t * gaps.std(axis=1, ddof=1) / np.sqrt(len(real))
    return gaps.mean(axis=1) - half, gaps.mean(axis=1) + half


@right("12.2")
def worth(sizes, accuracy, n, generated, reached):
    if reached <= accuracy[0]:
        return (sizes[0] - n) / generated
    for i in range(1, len(sizes)):
        if reached <= accuracy[i]:
            part = (reached - accuracy[i - 1]) / (accuracy[i] - accuracy[i - 1])
            return (sizes[i - 1] * (sizes[i] / sizes[i - 1]) ** part - n) / generated
    return (sizes[-1] - n) / generated


@right("12.2")
def worth(sizes, accuracy, n, generated, reached):
    from scipy.interpolate import interp1d

    curve = interp1d(accuracy, np.log10(sizes))
    return (10 ** curve(np.clip(reached, accuracy[0], accuracy[-1])) - n) / generated


@wrong("12.2", "interpolate in log n")
def worth(sizes, accuracy, n, generated, reached):
    return (np.interp(reached, accuracy, sizes) - n) / generated


@wrong("12.2", "do not extend the line")
def worth(sizes, accuracy, n, generated, reached):
    i = 1
    while i < len(sizes) - 1 and accuracy[i] < reached:
        i += 1
    part = (reached - accuracy[i - 1]) / (accuracy[i] - accuracy[i - 1])
    return (np.exp(np.log(sizes[i - 1]) * (1 - part) + np.log(sizes[i]) * part) - n) / generated


@wrong("12.2", "harm is hidden")
def worth(sizes, accuracy, n, generated, reached):
    return max(0.0, (np.exp(np.interp(reached, accuracy, np.log(sizes))) - n) / generated)


@wrong("12.2", "were there already")
def worth(sizes, accuracy, n, generated, reached):
    return np.exp(np.interp(reached, accuracy, np.log(sizes))) / generated


@wrong("12.2", "divide by their number")
def worth(sizes, accuracy, n, generated, reached):
    return np.exp(np.interp(reached, accuracy, np.log(sizes))) - n


@wrong("12.2", "you divided by n")
def worth(sizes, accuracy, n, generated, reached):
    return (np.exp(np.interp(reached, accuracy, np.log(sizes))) - n) / n


@wrong("12.2", "how many times")
def worth(sizes, accuracy, n, generated, reached):
    return np.exp(np.interp(reached, accuracy, np.log(sizes))) / n


@wrong("12.2", "turned over")
def worth(sizes, accuracy, n, generated, reached):
    return generated / (np.exp(np.interp(reached, accuracy, np.log(sizes))) - n)


@wrong("12.2", "the sign")
def worth(sizes, accuracy, n, generated, reached):
    return (n - np.exp(np.interp(reached, accuracy, np.log(sizes)))) / generated


@wrong("12.2", "difference of logarithms")
def worth(sizes, accuracy, n, generated, reached):
    return (np.interp(reached, accuracy, np.log(sizes)) - np.log(n)) / generated


@wrong("12.2", "the next measured size")
def worth(sizes, accuracy, n, generated, reached):
    later = sizes[accuracy >= reached]
    return ((later[0] if len(later) else sizes[-1]) - n) / generated


@wrong("12.2", "accuracy for each generated image")
def worth(sizes, accuracy, n, generated, reached):
    return (reached - accuracy[list(sizes).index(n)]) / generated


@right("12.3")
def best_of_n(predicted, received, n):
    order = np.argsort(predicted)
    count, weight, p, r = len(predicted), n / len(predicted), 0.0, 0.0
    for i in range(count - 1, n - 2, -1):  # from the best downwards
        p, r = p + weight * predicted[order[i]], r + weight * received[order[i]]
        weight *= (i - n + 1) / i if i else 0
    return np.log(n) - 1 + 1 / n, p, r


@right("12.3")
def best_of_n(predicted, received, n):
    from fractions import Fraction
    from math import comb, log

    count = len(predicted)
    pairs = sorted(zip(predicted, received, strict=True))
    shares = [float(Fraction(comb(i, n - 1), comb(count, n))) for i in range(count)]
    liked = [sum(s * pair[k] for s, pair in zip(shares, pairs, strict=True)) for k in (0, 1)]
    return log(n) - (n - 1) / n, *liked


@right("12.3")
def best_of_n(predicted, received, n):
    from scipy.special import gammaln

    count, order = len(predicted), np.argsort(-predicted)
    below = count - 1.0 - np.arange(count)  # samples that are predicted lower
    with np.errstate(invalid="ignore"):
        logs = gammaln(below + 1) - gammaln(n) - gammaln(below - n + 2)
    logs -= gammaln(count + 1) - gammaln(n + 1) - gammaln(count - n + 1)
    w = np.where(below >= n - 1, np.exp(logs), 0)
    return np.log(n) - (n - 1) / n, np.sum(w * predicted[order]), np.sum(w * received[order])


@wrong("12.3", "*with* return")
def best_of_n(predicted, received, n):
    order, i = np.argsort(predicted), np.arange(1, len(predicted) + 1)
    w = (i / len(i)) ** n - ((i - 1) / len(i)) ** n
    return np.log(n) - (n - 1) / n, w @ predicted[order], w @ received[order]


@wrong("12.3", "best of all N")
def best_of_n(predicted, received, n):
    return np.log(n) - (n - 1) / n, predicted.max(), received[predicted.argmax()]


@wrong("12.3", "groups of n")
def best_of_n(predicted, received, n):
    chosen = [i + predicted[i : i + n].argmax() for i in range(0, len(predicted) - n + 1, n)]
    return np.log(n) - (n - 1) / n, predicted[chosen].mean(), received[chosen].mean()


@wrong("12.3", "first n samples")
def best_of_n(predicted, received, n):
    i = predicted[:n].argmax()
    return np.log(n) - (n - 1) / n, predicted[i], received[i]


def chances(count, n):
    """How likely each rank is the best of n."""
    from fractions import Fraction
    from math import comb

    return np.array([float(Fraction(comb(i, n - 1), comb(count, n))) for i in range(count)])


@wrong("12.3", "by what is *received*")
def best_of_n(predicted, received, n):
    w = chances(len(predicted), n)
    return np.log(n) - (n - 1) / n, w @ np.sort(predicted), w @ np.sort(received)


@wrong("12.3", "exchanged")
def best_of_n(predicted, received, n):
    w, order = chances(len(predicted), n), np.argsort(received)
    return np.log(n) - (n - 1) / n, w @ predicted[order], w @ received[order]


@wrong("12.3", "worst of n")
def best_of_n(predicted, received, n):
    w, order = chances(len(predicted), n), np.argsort(-predicted)
    return np.log(n) - (n - 1) / n, w @ predicted[order], w @ received[order]


@wrong("12.3", "not log n alone")
def best_of_n(predicted, received, n):
    w, order = chances(len(predicted), n), np.argsort(predicted)
    return np.log(n), w @ predicted[order], w @ received[order]


@wrong("12.3", "KL in nats")
def best_of_n(predicted, received, n):
    w, order = chances(len(predicted), n), np.argsort(predicted)
    return np.log2(n) - (n - 1) / n, w @ predicted[order], w @ received[order]


@wrong("12.3", "sign of the KL")
def best_of_n(predicted, received, n):
    w, order = chances(len(predicted), n), np.argsort(predicted)
    return (n - 1) / n - np.log(n), w @ predicted[order], w @ received[order]


@wrong("12.3", "plain means")
def best_of_n(predicted, received, n):
    return np.log(n) - (n - 1) / n, predicted.mean(), received.mean()


@right("12.4")
def liking(features, likes, precision, candidates):
    from scipy.optimize import minimize
    from scipy.special import expit, log_expit

    def energy(w):
        score = features @ w
        return precision / 2 * w @ w - np.sum(likes * log_expit(score) + (1 - likes) * log_expit(-score))

    def slope(w):
        return precision * w - features.T @ (likes - expit(features @ w))

    w = minimize(energy, np.zeros(features.shape[1]), jac=slope, method="BFGS", options={"gtol": 1e-9}).x
    p = expit(features @ w)
    covariance = np.linalg.inv(features.T @ np.diag(p * (1 - p)) @ features + precision * np.eye(len(w)))
    found = [expit(x @ w / np.sqrt(1 + np.pi / 8 * x @ covariance @ x)) for x in candidates]
    return found


@right("12.4")
def liking(features, likes, precision, candidates):
    x, c = tf.constant(features), tf.constant(candidates)
    w = tf.zeros((x.shape[1], 1), tf.float64)
    for _ in range(25):
        p = tf.sigmoid(x @ w)
        h = tf.linalg.matmul(x, p * (1 - p) * x, transpose_a=True) + precision * tf.eye(x.shape[1], dtype=tf.float64)
        w = w - tf.linalg.solve(h, precision * w - tf.linalg.matmul(x, likes[:, None] - p, transpose_a=True))
    p = tf.sigmoid(x @ w)
    h = tf.linalg.matmul(x, p * (1 - p) * x, transpose_a=True) + precision * tf.eye(x.shape[1], dtype=tf.float64)
    half = tf.linalg.triangular_solve(tf.linalg.cholesky(h), tf.transpose(c))
    return tf.sigmoid((c @ w)[:, 0] / tf.sqrt(1 + np.pi / 8 * tf.reduce_sum(half**2, axis=0)))


def mode(x, y, precision, steps=30):
    """(mode, H) of the posterior, by Newton."""
    w, prior = np.zeros(x.shape[1]), precision * np.eye(x.shape[1])
    for _ in range(steps):
        p = 1 / (1 + np.exp(-x @ w))
        w = w + np.linalg.solve(x.T * (p * (1 - p)) @ x + prior, x.T @ (y - p) - precision * w)
    p = 1 / (1 + np.exp(-x @ w))
    return w, x.T * (p * (1 - p)) @ x + prior


@wrong("12.4", "the mode alone")
def liking(features, likes, precision, candidates):
    w, _ = mode(features, likes, precision)
    return 1 / (1 + np.exp(-candidates @ w))


@wrong("12.4", "one Newton step")
def liking(features, likes, precision, candidates):
    w, h = mode(features, likes, precision, steps=1)
    variance = np.sum(candidates @ np.linalg.inv(h) * candidates, axis=1)
    return 1 / (1 + np.exp(-candidates @ w / np.sqrt(1 + np.pi * variance / 8)))


@wrong("12.4", "lacks p (1 - p)")
def liking(features, likes, precision, candidates):
    w, _ = mode(features, likes, precision)
    h = features.T @ features + precision * np.eye(len(w))
    variance = np.sum(candidates @ np.linalg.inv(h) * candidates, axis=1)
    return 1 / (1 + np.exp(-candidates @ w / np.sqrt(1 + np.pi * variance / 8)))


@wrong("12.4", "where its inverse belongs")
def liking(features, likes, precision, candidates):
    w, h = mode(features, likes, precision)
    variance = np.sum(candidates @ h * candidates, axis=1)
    return 1 / (1 + np.exp(-candidates @ w / np.sqrt(1 + np.pi * variance / 8)))


@wrong("12.4", "square root of the variance")
def liking(features, likes, precision, candidates):
    w, h = mode(features, likes, precision)
    deviation = np.sqrt(np.sum(candidates @ np.linalg.inv(h) * candidates, axis=1))
    return 1 / (1 + np.exp(-candidates @ w / np.sqrt(1 + np.pi * deviation / 8)))


@wrong("12.4", "the root is missing")
def liking(features, likes, precision, candidates):
    w, h = mode(features, likes, precision)
    variance = np.sum(candidates @ np.linalg.inv(h) * candidates, axis=1)
    return 1 / (1 + np.exp(-candidates @ w / (1 + np.pi * variance / 8)))


@wrong("12.4", "π / 8 is missing")
def liking(features, likes, precision, candidates):
    w, h = mode(features, likes, precision)
    variance = np.sum(candidates @ np.linalg.inv(h) * candidates, axis=1)
    return 1 / (1 + np.exp(-candidates @ w / np.sqrt(1 + variance)))


@wrong("12.4", "moves towards 1/2")
def liking(features, likes, precision, candidates):
    w, h = mode(features, likes, precision)
    variance = np.sum(candidates @ np.linalg.inv(h) * candidates, axis=1)
    return 1 / (1 + np.exp(-candidates @ w * np.sqrt(1 + np.pi * variance / 8)))


@wrong("12.4", "the probability was shrunk")
def liking(features, likes, precision, candidates):
    w, h = mode(features, likes, precision)
    variance = np.sum(candidates @ np.linalg.inv(h) * candidates, axis=1)
    return 1 / (1 + np.exp(-candidates @ w)) / np.sqrt(1 + np.pi * variance / 8)


@wrong("12.4", "the prior's variance")
def liking(features, likes, precision, candidates):
    w, h = mode(features, likes, 1 / precision)
    variance = np.sum(candidates @ np.linalg.inv(h) * candidates, axis=1)
    return 1 / (1 + np.exp(-candidates @ w / np.sqrt(1 + np.pi * variance / 8)))


@wrong("12.4", "twice the prior")
def liking(features, likes, precision, candidates):
    w, h = mode(features, likes, 2 * precision)
    variance = np.sum(candidates @ np.linalg.inv(h) * candidates, axis=1)
    return 1 / (1 + np.exp(-candidates @ w / np.sqrt(1 + np.pi * variance / 8)))


@wrong("12.4", "those are logits")
def liking(features, likes, precision, candidates):
    w, h = mode(features, likes, precision)
    variance = np.sum(candidates @ np.linalg.inv(h) * candidates, axis=1)
    return candidates @ w / np.sqrt(1 + np.pi * variance / 8)


@wrong("12.4", "of a dislike")
def liking(features, likes, precision, candidates):
    w, h = mode(features, likes, precision)
    variance = np.sum(candidates @ np.linalg.inv(h) * candidates, axis=1)
    return 1 / (1 + np.exp(candidates @ w / np.sqrt(1 + np.pi * variance / 8)))


@right("12.5")
def arm_batch(n, m, share, size, held_out, step, seed):
    order = np.random.default_rng(seed).permutation(n)
    held, train = order[:held_out], order[held_out:]
    rng, made = np.random.default_rng((seed, step)), round(share * size)
    real = rng.choice(train, size - made, replace=False)
    fake = n + rng.permutation(m)[:made]
    return rng.permutation(np.concatenate([real, fake])), held


@right("12.5")
def arm_batch(n, m, share, size, held_out, step, seed):
    import random

    held = random.Random(f"held out {seed}").sample(range(n), held_out)
    draw, made = random.Random(f"{seed} {step}"), round(share * size)
    real = draw.sample([i for i in range(n) if i not in held], size - made)
    return real + draw.sample(range(n, n + m), made), held


@right("12.5")
def arm_batch(n, m, share, size, held_out, step, seed):
    keys = tf.random.stateless_uniform((n,), seed=(seed, -1))
    order, made = tf.argsort(keys).numpy(), round(share * size)
    pick = tf.argsort(tf.random.stateless_uniform((n - held_out,), seed=(seed, step))).numpy()[: size - made]
    fake = tf.argsort(tf.random.stateless_uniform((m,), seed=(seed, step))).numpy()[:made]
    return np.concatenate([order[held_out:][pick], n + fake]).astype(int), order[:held_out]


@wrong("12.5", "in the validation set: it then asks")
def arm_batch(n, m, share, size, held_out, step, seed):
    order = np.random.default_rng(seed).permutation(n + m)
    held, train = order[:held_out], order[held_out:]
    rng, made = np.random.default_rng((seed, step)), round(share * size)
    real = rng.choice(train[train < n], size - made, replace=False)
    return np.append(real, rng.choice(train[train >= n], made, replace=False)), held


@wrong("12.5", "from step to step")
def arm_batch(n, m, share, size, held_out, step, seed):
    rng, made = np.random.default_rng((seed, step)), round(share * size)
    order = rng.permutation(n)
    real = rng.choice(order[held_out:], size - made, replace=False)
    return np.append(real, n + rng.choice(m, made, replace=False) if made else []), order[:held_out]


@wrong("12.5", "are trained on")
def arm_batch(n, m, share, size, held_out, step, seed):
    held = np.random.default_rng(seed).permutation(n)[:held_out]
    rng, made = np.random.default_rng((seed, step)), round(share * size)
    real = rng.choice(n, size - made, replace=False)
    return np.append(real, n + rng.permutation(m)[:made]), held


@wrong("12.5", "the share is turned over")
def arm_batch(n, m, share, size, held_out, step, seed):
    order = np.random.default_rng(seed).permutation(n)
    rng, made = np.random.default_rng((seed, step)), size - round(share * size)
    real = rng.choice(order[held_out:], size - made, replace=False)
    return np.append(real, n + rng.permutation(max(m, made))[:made] % max(m, 1)), order[:held_out]


@wrong("12.5", "not about as many")
def arm_batch(n, m, share, size, held_out, step, seed):
    order = np.random.default_rng(seed).permutation(n)
    rng = np.random.default_rng((seed, step))
    train = np.concatenate([order[held_out:], np.arange(n, n + m)])
    return rng.choice(train, size, replace=False), order[:held_out]


@wrong("12.5", "one batch holds an image twice")
def arm_batch(n, m, share, size, held_out, step, seed):
    order = np.random.default_rng(seed).permutation(n)
    rng, made = np.random.default_rng((seed, step)), round(share * size)
    real = rng.choice(order[held_out:], size - made)
    return np.append(real, n + rng.permutation(m)[:made]), order[:held_out]


@wrong("12.5", "not paired")
def arm_batch(n, m, share, size, held_out, step, seed):
    first = np.random.default_rng(seed)
    fake = n + first.permutation(m)  # drawn first: what follows depends on m
    order = first.permutation(n)
    rng, made = np.random.default_rng((seed, step)), round(share * size)
    real = rng.choice(order[held_out:], size - made, replace=False)
    return np.append(real, rng.permutation(fake)[:made]), order[:held_out]


@wrong("12.5", "another answer the second time")
def arm_batch(n, m, share, size, held_out, step, seed):
    order = np.random.default_rng(seed).permutation(n)
    made = round(share * size)
    real = np.random.permutation(order[held_out:])[: size - made]
    return np.append(real, n + np.random.permutation(m)[:made]), order[:held_out]


@wrong("12.5", "two steps gave the same images")
def arm_batch(n, m, share, size, held_out, step, seed):
    rng, made = np.random.default_rng(seed), round(share * size)
    order = rng.permutation(n)
    return np.append(order[held_out:][: size - made], n + rng.permutation(m)[:made]), order[:held_out]


@wrong("12.5", "another seed gives the same validation")
def arm_batch(n, m, share, size, held_out, step, seed):
    rng, made = np.random.default_rng((seed, step)), round(share * size)
    real = rng.choice(n - held_out, size - made, replace=False)
    return np.append(real, n + rng.permutation(m)[:made]), np.arange(n - held_out, n)


@wrong("12.5", "a part of the images only")
def arm_batch(n, m, share, size, held_out, step, seed):
    order = np.random.default_rng(seed).permutation(n)
    rng, made = np.random.default_rng((seed, step)), round(share * size)
    real = rng.permutation(order[held_out:][: size + 2])[: size - made]
    return np.append(real, n + rng.permutation(m)[:made]), order[:held_out]
