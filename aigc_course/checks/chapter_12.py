"""Exercises of chapter 12: augmentation and personalisation."""

import numpy as np

from aigc_course.checks.arms import (
    arm_cases,
    best_of,
    best_of_cases,
    extended,
    gain_cases,
    gained,
    grouped,
    judge_arm,
    liking,
    pair_cases,
    paired,
    size_for,
    taste_cases,
    weights_of,
    weights_with_return,
)
from aigc_course.checks.exercise import Exercise

__all__ = ["EXERCISES"]

EXERCISES = (
    Exercise(
        key="12.1",
        function="paired_interval",
        title="The same seeds on both sides",
        points=2,
        outputs=2,
        look="chapter 12, «Paired differences»",
        onward="Make the A × S differences first, and forget the accuracies. Of S numbers in a row: their mean, and t "
        "times the standard error of that mean.",
        checked="five tables of one to four arms, with 2 to 20 seeds",
        cases=pair_cases,
        expected=paired,
        hints=(
            (
                "that is the interval of unpaired runs: a seed's luck, which both arms share, counts as noise.",
                lambda a, r, t: (
                    (a - r).mean(axis=1),
                    t * np.sqrt((a.var(axis=1, ddof=1) + r.var(ddof=1)) / len(r)),
                ),
            ),
            (
                "that is the spread of the arm alone; the interval belongs to the differences.",
                lambda a, r, t: ((a - r).mean(axis=1), t * a.std(axis=1, ddof=1) / np.sqrt(len(r))),
            ),
            ("ddof=1: the mean was estimated from the same S numbers.", lambda *v: paired(*v, ddof=0)),
            (
                "that is the spread of one difference. The mean of S has a standard error √S times smaller.",
                lambda *v: paired(*v, root=0.0),
            ),
            ("the standard error has the root of S below it, not S.", lambda *v: paired(*v, root=1.0)),
            (
                "1.96 is right for many seeds. For few of them the quantile t that is given is wider.",
                lambda a, r, t: paired(a, r, 1.96),
            ),
            ("that is one standard error: t is not used.", lambda a, r, t: paired(a, r, 1.0)),
            (
                "that is the whole width; half of it stands after ±.",
                lambda a, r, t: paired(a, r, 2 * t),
            ),
            (
                "the sign: arm minus real, so that a gain is positive.",
                lambda a, r, t: (-paired(a, r, t)[0], paired(a, r, t)[1]),
            ),
            ("the median came; the t interval belongs to the mean.", lambda *v: paired(*v, middle=np.median)),
            (
                "the differences were divided by the real arm. Points of accuracy were asked for.",
                lambda a, r, t: paired(a / r, np.ones_like(r), t),
            ),
            (
                "mean and half width are two arrays; the ends of the interval came.",
                lambda *v: (paired(*v)[0] - paired(*v)[1], paired(*v)[0] + paired(*v)[1]),
            ),
        ),
    ),
    Exercise(
        key="12.2",
        function="worth",
        title="What one generated image is worth",
        points=2,
        look="chapter 12, «What is one generated picture worth?»",
        onward="Exchange the axes of the curve: you know an accuracy and ask for the logarithm of a number of real "
        "images. How many of these were not there already?",
        checked="six curves: gain, harm, and an arm beyond either end",
        cases=gain_cases,
        expected=gained,
        hints=(
            (
                "between two sizes you interpolated in n; the curve's axis is logarithmic: interpolate in log n.",
                lambda *v: gained(*v, to=np.asarray, back=np.asarray),
            ),
            (
                "beyond the ends nothing was measured: stay at the end, do not extend the line.",
                lambda s, c, n, g, r: (extended(s, c, r) - n) / g,
            ),
            ("harm is hidden: an arm below the curve is worth less than nothing.", lambda *v: max(gained(*v), 0)),
            (
                "the n real images were there already: subtract them.",
                lambda s, c, n, g, r: size_for(s, c, r) / g,
            ),
            (
                "that is for all generated images: divide by their number.",
                lambda s, c, n, g, r: gained(s, c, n, 1, r),
            ),
            ("you divided by n, not by the number of generated images.", lambda s, c, n, g, r: gained(s, c, n, n, r)),
            ("that is how many times as many real images there would be.", lambda s, c, n, g, r: size_for(s, c, r) / n),
            ("turned over: generated images that one real image is worth.", lambda *v: 1 / gained(*v)),
            ("the sign: more real images needed for the same accuracy is a gain.", lambda *v: -gained(*v)),
            (
                "that is a difference of logarithms: go back with exp before you subtract.",
                lambda s, c, n, g, r: np.log(size_for(s, c, r) / n) / g,
            ),
            (
                "you took the next measured size. The crossing lies between two sizes: interpolate.",
                lambda s, c, n, g, r: (s[min(np.searchsorted(c, r), len(s) - 1)] - n) / g,
            ),
            (
                "that is accuracy for each generated image. The exchange is made in images.",
                lambda s, c, n, g, r: (r - np.interp(n, s, c)) / g,
            ),
        ),
    ),
    Exercise(
        key="12.3",
        function="best_of_n",
        title="The best of n, by whom?",
        points=3,
        outputs=3,
        look="chapter 12, «Best of n»",
        onward="Sort by what is predicted. In how many of all choices of n is the sample of rank i (from below) the "
        "best? The n - 1 others come from the i - 1 below it.",
        checked="six sets of samples, n = 1 and n = N among them, one whose binomial coefficients overflow",
        cases=best_of_cases,
        expected=best_of,
        hints=(
            (
                "that is drawing *with* return: one sample may come twice. Count choices of n different ones.",
                lambda *v: best_of(*v, weights=weights_with_return),
            ),
            (
                "that is the best of all N, whatever n is.",
                lambda *v: best_of(*v, weights=lambda count, n: np.arange(count) == count - 1),
            ),
            (
                "you cut the samples into groups of n. That is unbiased, and noisy: use all choices of n.",
                grouped,
            ),
            (
                "only the first n samples were used, one choice among very many.",
                lambda p, r, n: grouped(p[:n], r[:n], n),
            ),
            (
                "the best by what is *received* came. Who chooses knows the prediction only.",
                lambda p, r, n: (*best_of(p, r, n)[:2], best_of(r, r, n)[2]),
            ),
            ("predicted and received are exchanged.", lambda p, r, n: [best_of(r, p, n)[i] for i in (0, 2, 1)]),
            (
                "that is the worst of n: a high prediction is chosen.",
                lambda *v: best_of(*v, weights=lambda count, n: weights_of(count, n)[::-1]),
            ),
            (
                "the KL is not log n alone: best-of-n moves less far, by (n - 1) / n.",
                lambda p, r, n: best_of(p, r, n, kl=np.log(n)),
            ),
            (
                "the KL in nats: natural logarithm.",
                lambda p, r, n: best_of(p, r, n, kl=np.log2(n) - (n - 1) / n),
            ),
            (
                "the sign of the KL: it is never below 0.",
                lambda p, r, n: best_of(p, r, n, kl=(n - 1) / n - np.log(n)),
            ),
            (
                "n is not used for the two likings: those are plain means.",
                lambda p, r, n: (best_of(p, r, n)[0], p.mean(), r.mean()),
            ),
        ),
    ),
    Exercise(
        key="12.4",
        function="liking",
        title="How sure is a taste?",
        points=3,
        look="chapter 12, «A model of taste»",
        onward="Newton's step is H⁻¹ times the gradient, prior in both; twenty are plenty. Keep the last H: its "
        "inverse is the covariance of the weights. What is the variance of x · w then?",
        checked="five tastes, from 8 to 30 answers",
        cases=taste_cases,
        expected=liking,
        hints=(
            (
                "that is the probability at the mode alone. Far from what was shown the model must be unsure: shrink.",
                lambda *v: liking(*v, shrink=lambda s: 1.0),
            ),
            (
                "one Newton step from 0 is not yet the mode: go on until nothing moves.",
                lambda *v: liking(*v, steps=1),
            ),
            (
                "the likelihood's part of H lacks p (1 - p): that is linear regression's covariance.",
                lambda *v: liking(*v, curved=False),
            ),
            (
                "H was used where its inverse belongs: many answers make the weights surer, not less sure.",
                lambda *v: liking(*v, spread=lambda h: h),
            ),
            (
                "the square root of the variance was put in; the shrinking takes s².",
                lambda *v: liking(*v, shrink=lambda s: 1 / np.sqrt(1 + np.pi * np.sqrt(s) / 8)),
            ),
            (
                "the root is missing: divide the logit by √(1 + π s² / 8).",
                lambda *v: liking(*v, shrink=lambda s: 1 / (1 + np.pi * s / 8)),
            ),
            (
                "π / 8 is missing; it makes the logistic curve a normal one of the same slope.",
                lambda *v: liking(*v, shrink=lambda s: 1 / np.sqrt(1 + s)),
            ),
            (
                "the sign: the logit is divided by something above 1, so that the answer moves towards 1/2.",
                lambda *v: liking(*v, shrink=lambda s: np.sqrt(1 + np.pi * s / 8)),
            ),
            (
                "the probability was shrunk, the logit was to be: shrink first, then the sigmoid.",
                lambda x, y, a, c: liking(x, y, a, c, shrink=lambda s: 1.0) * _shrinking(x, y, a, c),
            ),
            (
                "`precision` was taken for the prior's variance; it is one over that.",
                lambda x, y, a, c: liking(x, y, 1 / a, c),
            ),
            (
                "twice the prior: -(precision / 2) |w|² has the slope -precision w.",
                lambda x, y, a, c: liking(x, y, 2 * a, c),
            ),
            ("those are logits: the sigmoid is missing.", lambda *v: _logits(liking(*v))),
            ("that is the probability of a dislike.", lambda *v: 1 - liking(*v)),
        ),
    ),
    Exercise(
        key="12.5",
        function="arm_batch",
        title="Design: an arm that can be trusted",
        points=2,
        outputs=2,
        look="chapter 12, «The arms»",
        onward="Two generators: one of the seed alone draws the validation set, one of seed and step the batch. Which "
        "numbers are left for training when the first has drawn?",
        checked="eight steps of one arm, four other arms, another seed, other sizes",
        cases=arm_cases,
        judge=judge_arm,
    ),
)


def _logits(p):
    return np.log(p / (1 - p))


def _shrinking(x, likes, precision, candidates):
    """The factor of the logit, (M,)."""
    plain = _logits(liking(x, likes, precision, candidates, shrink=lambda s: 1.0))
    return _logits(liking(x, likes, precision, candidates)) / plain
