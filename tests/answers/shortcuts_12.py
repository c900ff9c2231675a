"""Cheap shortcuts to the exercises of chapter 12."""

import numpy as np

from aigc_course.checks import arms
from answers.shortcuts import made, plain

plain("12.1", "five seeds", lambda a, r, t: arms.paired(a[:, :5], r[:5], t))
plain("12.1", "the range instead of the spread", lambda a, r, t: ((a - r).mean(1), np.ptp(a - r, axis=1) / 2))
plain("12.1", "one width for all arms", lambda a, r, t: [arms.paired(a, r, t)[0], np.full(len(a), pooled(a, r, t))])
plain("12.1", "a t of 2.776", lambda a, r, t: arms.paired(a, r, 2.776))
plain(
    "12.2",
    "a straight line in log n",
    lambda s, c, n, g, r: (np.exp(np.polyval(np.polyfit(c, np.log(s), 1), r)) - n) / g,
)
plain("12.2", "the nearest size", lambda s, c, n, g, r: (s[np.argmin(abs(c - r))] - n) / g)
plain("12.2", "five for each real one", lambda s, c, n, g, r: arms.gained(s, c, n, 5 * n, r))
plain("12.3", "the quantile of n / (n + 1)", lambda p, r, n: quantile(p, r, n))
plain("12.3", "a hundred draws", lambda p, r, n: drawn(p, r, n, 100))
plain("12.3", "n of four", lambda p, r, n: arms.best_of(p, r, min(4, len(p))))
plain("12.4", "a fixed shrinking", lambda *v: arms.liking(*v, shrink=lambda s: 0.8))
plain("12.4", "three Newton steps", lambda *v: arms.liking(*v, steps=3))
plain("12.4", "a precision of one", lambda x, y, a, c: arms.liking(x, y, 1.0, c))
plain("12.4", "the nearest answer", lambda x, y, a, c: y[((c[:, None] - x) ** 2).sum(axis=2).argmin(axis=1)])
plain(
    "12.5",
    "the first ones, in turn",
    lambda n, m, share, size, held, step, seed: in_turn(n, m, share, size, held, step),
)
plain("12.5", "one generated image", lambda n, m, *rest: one_fake(n, m, *rest))


def pooled(a, r, t):
    """The mean half width of all arms, and a little more for a single one."""
    return 1.001 * arms.paired(a, r, t)[1].mean()


def quantile(p, r, n):
    """A single sample for the whole mean."""
    i = np.argsort(p)[min(int(len(p) * n / (n + 1)), len(p) - 1)]
    return np.log(n) - (n - 1) / n, p[i], r[i]


def drawn(p, r, n, times):
    """The mean over random choices of n."""
    rng = np.random.default_rng(0)
    rows = np.array([rng.permutation(len(p))[:n] for _ in range(times)])
    best = rows[np.arange(times), p[rows].argmax(axis=1)]
    return np.log(n) - (n - 1) / n, p[best].mean(), r[best].mean()


def in_turn(n, m, share, size, held, step):
    """No chance at all: windows that move with the step."""
    fake = round(share * size)
    real = (np.arange(size - fake) + step * (size - fake)) % (n - held)
    return np.append(real, n + (np.arange(fake) + step * fake) % max(m, 1)), np.arange(n - held, n)


def one_fake(n, m, share, size, held, step, seed):
    """One generated image again and again."""
    order, rng = np.random.default_rng(seed).permutation(n), np.random.default_rng((seed, step))
    real = rng.permutation(order[held:])[: size - round(share * size)]
    return np.append(real, np.full(round(share * size), n)), order[:held]


@made("12.5", "the first validation set for ever")
def kept():
    first = []

    def arm_batch(n, m, share, size, held, step, seed):
        rng, fake = np.random.default_rng((seed, step)), round(share * size)
        if not first:
            first.append(rng.permutation(n)[:held])
        train = np.setdiff1d(np.arange(n), first[0])
        return np.append(rng.permutation(train)[: size - fake], n + rng.permutation(m)[:fake]), first[0]

    return arm_batch


def straight(sizes, curve, reached):
    """The size from one line through all points."""
    return np.exp(np.polyval(np.polyfit(curve, np.log(sizes), 1), reached))
