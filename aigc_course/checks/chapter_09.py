"""Exercises of chapter 09: one model that writes, draws and speaks."""

import numpy as np

from aigc_course.checks.exercise import Exercise

__all__ = ["EXERCISES", "guided", "needed", "own"]


def _level_cases(rng):
    """(levels (N, D), sizes (D,)): one to six numbers, each rounded to one of a few levels; one D with other sizes."""
    sizes = [(4, 4, 4), (2, 3, 5), (8,), (5, 2, 7, 3), *(tuple(rng.integers(2, 9, d)) for d in (3, 4, 2, 6))]
    return [(np.stack([rng.integers(n, size=12 + len(s)) for n in s], axis=1), np.array(s)) for s in sizes]


def _code(levels, sizes, places=None):
    """Σ level_j · (product of the sizes before j), or with other place values."""
    before = np.cumprod([1, *sizes[:-1]])
    return (levels * (before if places is None else places(sizes))).sum(axis=1)


def _logit_cases(rng):
    """(logits with caption (V,), without (V,), w): two of one length, w = 1, w = 0 and others."""
    scales = (2.0, 1.0, 3.5, 1.25, float(rng.uniform(1.5, 5)), 0.0, float(rng.uniform(0.2, 0.8)))
    return [(*rng.normal(0, 1.5, (2, v)), w) for v, w in zip((4, 9, 6, 12, 6, 5, 9), scales, strict=True)]


def _softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def guided(c, u, w):
    return _softmax(u + w * (c - u))


def _guided_shares(c, u, w):
    """The mistake of guiding probabilities: some fall below 0."""
    p = np.maximum(_softmax(u) + w * (_softmax(c) - _softmax(u)), 0)
    return p / p.sum()


def _mixed_shares(c, u, w):
    """The same without a repair: numbers below 0, which no probability is."""
    return _softmax(u) + w * (_softmax(c) - _softmax(u))


def _odds_cases(rng):
    """(odds (K, N, 10), least): the last one has items exactly at the limit."""
    cases = []
    limits = rng.uniform([0.52, 0.45, 0.63, 0.55, 0.3], [0.62, 0.55, 0.75, 0.7, 0.4])
    for k, n, least in zip((1, 3, 4, 3, 2), (40, 120, 150, 120, 60), limits.tolist(), strict=True):
        item, version = (rng.dirichlet(np.full(10, 0.1), size=(m, n)) for m in (1, k))
        share = rng.choice([0.1, 0.4, 0.7], size=(1, n, 1))  # versions of an item agree, more or less
        cases.append(((1 - share) * item + share * version, least))
    edge = np.zeros((2, 4, 10))
    edge[0, :, 3], edge[0, :, 5] = 0.75, 0.25
    edge[1, :, 5], edge[1, :, 3], edge[1, :, 8] = 0.125, 0.25, 0.625  # means 0.5 and less
    edge[1, 2], edge[0, 2] = np.eye(10)[7], np.eye(10)[7]
    edge[1, 3] = 0.4 * np.eye(10)[3] + 0.6 * np.eye(10)[1]  # one version unsure, the mean sure enough
    return [*cases, (edge, 0.5)]


def own(odds, least, mean=lambda odds: odds.mean(axis=0), keep=np.greater_equal, unsure=-1):
    """argmax of the mean where it holds `least`; the options are mistakes."""
    average = mean(odds)
    return np.where(keep(average.max(axis=1), least), average.argmax(axis=1), unsure)


def _votes(odds, least):
    """The digit with most votes, kept if the mean of the winner's probability is enough."""
    counts = np.stack([(odds.argmax(axis=2) == d).sum(axis=0) for d in range(10)], axis=1)
    return np.where(counts.max(axis=1) / len(odds) >= least, counts.argmax(axis=1), -1)


def _curve_cases(rng):
    """(sizes (M,), right answers of the pre-trained model (M,), of the one from scratch (M,)), both rising."""
    cases, sizes = [], np.array([50, 100, 200, 500, 1000])
    mixed = np.unique(rng.integers(20, 5000, 7))
    for chosen in (sizes, sizes[1:], np.array([10, 30, 300]), sizes, mixed, np.array([40, 900]), sizes):
        while True:
            scratch = np.sort(rng.uniform(0.1, 0.75, len(chosen)))
            pre = np.sort(rng.uniform(0.3, 0.98, len(chosen)))
            if pre[0] + 0.02 < scratch[-1] < pre[-1] - 0.02:
                break
        cases.append((chosen, pre, scratch))
    ahead = [np.sort(rng.uniform(low, high, 5)) for low, high in ((0.76, 0.95), (0.2, 0.74))]
    return [*cases[:-1], (sizes, *ahead)]


def needed(sizes, pre, target, scale=np.log, back=np.exp):
    """The number of labels at which a rising curve crosses a target, between the measured sizes."""
    return back(np.interp(target, pre, scale(sizes.astype(float))))


def _beyond(sizes, pre, target):
    """The mistake of going on with the first piece's slope below the first size."""
    n = np.log(sizes.astype(float))
    if target >= pre[0]:
        return needed(sizes, pre, target)
    return np.exp(n[0] + (target - pre[0]) * (n[1] - n[0]) / (pre[1] - pre[0]))


def _saved(sizes, pre, scratch):
    return sizes[-1] / needed(sizes, pre, scratch[-1])


EXERCISES = (
    Exercise(
        key="09.1",
        function="code_of",
        title="Levels to a code",
        points=1,
        look="chapter 09, «Pictures as tokens»",
        onward="Write a code of three levels as in a number system: what is one step of the second level worth?",
        checked="eight sets of sizes, from one number to six",
        cases=_level_cases,
        expected=_code,
        rtol=0.0,
        hints=(
            (
                "the first level must count least: its place value is 1, the next one's is the first size.",
                lambda x, s: _code(x, s, lambda s: np.cumprod([1, *s[:0:-1]])[::-1]),
            ),
            (
                "the place values are in reverse: 1 belongs to the first level, the first size to the second.",
                lambda x, s: _code(x, s, lambda s: np.cumprod([1, *s[:-1]])[::-1]),
            ),
            (
                "the levels were added: 1 + 0 and 0 + 1 would be the same code. Each place has a value of its own.",
                lambda x, s: x.sum(axis=1),
            ),
            (
                "every place was given the first size as its base; the sizes differ. Multiply the sizes before it.",
                lambda x, s: _code(x, s, lambda s: s[0] ** np.arange(len(s))),
            ),
            (
                "each level was multiplied by its own size. The place value is the product of the sizes before it.",
                lambda x, s: (x * s).sum(axis=1),
            ),
            (
                "each place value has one factor too many: it is the product of the sizes before it, 1 for the first.",
                lambda x, s: _code(x, s, np.cumprod),
            ),
            ("codes start at 0: all levels 0 give code 0.", lambda x, s: _code(x, s) + 1),
        ),
    ),
    Exercise(
        key="09.2",
        function="guided_probabilities",
        title="Guidance",
        points=2,
        look="chapter 09, «Why a model ignores its caption»",
        onward="Move the logits first, all V of them, and make probabilities of the result once.",
        checked="seven pairs of logits, w from 0 to 5",
        cases=_logit_cases,
        expected=guided,
        hints=(
            (
                "those are logits. Probabilities were asked for: take the softmax at the end.",
                lambda c, u, w: u + w * (c - u),
            ),
            ("with and without are exchanged: that leads away from the caption.", lambda c, u, w: guided(u, c, w)),
            (
                "that starts from the logits with caption: w = 1 would not mean no guidance, as it does here.",
                lambda c, u, w: _softmax(c + w * (c - u)),
            ),
            (
                "the difference was left out: w times the logits with caption only sharpens, like a temperature.",
                lambda c, u, w: _softmax(w * c),
            ),
            (
                "only the difference was taken: what is likely without the caption is lost.",
                lambda c, u, w: _softmax(w * (c - u)),
            ),
            ("guide the logits, not the probabilities: those fall below 0.", _guided_shares),
            ("you mixed probabilities: some come out below 0. Mix logits, then take the softmax.", _mixed_shares),
            ("w is not used.", lambda c, u, w: _softmax(c)),
        ),
    ),
    Exercise(
        key="09.3",
        function="own_labels",
        title="Labels of its own",
        points=2,
        look="chapter 09, «Let it label the rest»",
        onward="Take the mean over the versions before anything is compared; which axis are they on?",
        checked="one to four versions of each item, some exactly at the limit, six limits",
        cases=_odds_cases,
        expected=own,
        rtol=0.0,
        hints=(
            (
                "only the first version was read: take the mean over all of them.",
                lambda o, t: own(o, t, mean=lambda o: o[0]),
            ),
            (
                "the surest version decides there. One sure mistake is enough to spoil it: take the mean.",
                lambda o, t: own(o, t, mean=lambda o: o.max(axis=0)),
            ),
            (
                "each version's own best was averaged, whichever digit it was: average the odds of a digit first.",
                lambda o, t: np.where(o.max(axis=2).mean(axis=0) >= t, o.mean(axis=0).argmax(axis=1), -1),
            ),
            (
                "the least sure version decides there. Take the mean.",
                lambda o, t: own(o, t, mean=lambda o: o.min(axis=0)),
            ),
            (
                "the versions were added, not averaged: then the limit is passed too often.",
                lambda o, t: own(o, t, mean=lambda o: o.sum(axis=0)),
            ),
            ("an item exactly at the limit is kept: at least, ≥.", lambda o, t: own(o, t, keep=np.greater)),
            ("nothing was left out: -1 where the model is not sure.", lambda o, t: own(o, t, keep=lambda a, b: a >= 0)),
            ("turned over: you left out the sure ones.", lambda o, t: own(o, t, keep=np.less)),
            ("the unsure ones are marked 0, which is a digit. Mark them -1.", lambda o, t: own(o, t, unsure=0)),
            ("versions voted there. A vote forgets how sure each of them was: take the mean.", _votes),
        ),
    ),
    Exercise(
        key="09.4",
        function="labels_saved",
        title="Design: how many labels are saved",
        points=3,
        look="chapter 09, «What does pre-training save, labels or time»",
        onward="Exchange the axes: you know the right answers and ask for the logarithm of the labels.",
        checked="seven pairs of curves, one where the pre-trained model is ahead from its first size on",
        cases=_curve_cases,
        expected=_saved,
        hints=(
            (
                "between two sizes you interpolated in n; the curve's axis is logarithmic: interpolate in log n.",
                lambda n, p, s: n[-1] / needed(n, p, s[-1], lambda x: x, lambda x: x),
            ),
            (
                "below the first size nothing was measured: say the first size, do not extend the line.",
                lambda n, p, s: n[-1] / _beyond(n, p, s[-1]),
            ),
            (
                "turned over: largest size / labels needed, a number above 1.",
                lambda n, p, s: needed(n, p, s[-1]) / n[-1],
            ),
            ("that is the number of labels needed; the ratio was asked for.", lambda n, p, s: needed(n, p, s[-1])),
            (
                "you took the next measured size. The crossing lies between two sizes: interpolate.",
                lambda n, p, s: n[-1] / n[np.argmax(p >= s[-1])],
            ),
            (
                "you took the measured size before the crossing: there the target is not reached yet.",
                lambda n, p, s: n[-1] / n[max(np.argmax(p >= s[-1]) - 1, 0)],
            ),
            (
                "the target is what scratch reaches with all labels, its last value, not its first.",
                lambda n, p, s: n[-1] / needed(n, p, s[0]),
            ),
            ("that compares right answers, not labels.", lambda n, p, s: p[-1] / s[-1]),
            ("that is the logarithm of the ratio.", lambda n, p, s: np.log(_saved(n, p, s))),
            ("that is a difference of labels; a ratio was asked for.", lambda n, p, s: n[-1] - needed(n, p, s[-1])),
        ),
    ),
)
