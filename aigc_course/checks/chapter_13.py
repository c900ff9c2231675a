"""Exercises of chapter 13: privacy and copying."""

import numpy as np

from aigc_course.checks.exercise import Exercise
from aigc_course.checks.leaks import (
    all_of_one_length,
    auc,
    audited,
    caught,
    confidence_cases,
    epsilon,
    gradient_cases,
    guess_cases,
    judge_numbers,
    judge_sign,
    ledger_cases,
    lira,
    logit,
    odds_of,
    one_variance,
    over_quantile,
    private_mean,
    score_cases,
    shared_variance,
    short,
    tail_of,
    tighter,
    upper,
    wald,
    without_only,
)

__all__ = ["EXERCISES"]

EXERCISES = (
    Exercise(
        key="13.1",
        function="noisy_mean",
        title="A step that nobody can be seen in",
        points=2,
        look="chapter 13, «Clip, sample, blur»",
        onward="Find the N lengths, as a column; each row's factor is clip / length, but never above 1. Sum up, "
        "then comes the noise, and one division at the very end.",
        checked="six batches, one without examples, one with a gradient of zero",
        cases=gradient_cases,
        expected=private_mean,
        special=judge_numbers,
        hints=(
            (
                "each coordinate was clipped by itself: the length may still be √D times clip. Shorten whole rows.",
                lambda g, c, e, s, b: private_mean(g, c, e, s, b, np.clip(g, -c, c).sum(axis=0)),
            ),
            (
                "the sum was clipped. One example can still change it by more than clip: shorten each row, then add.",
                lambda g, c, e, s, b: private_mean(g, c, e, s, b, short(g.sum(axis=0, keepdims=True), c)[0]),
            ),
            (
                "one length, that of the whole batch, shortens all rows: each example has its own length (axis 1).",
                lambda g, c, e, s, b: private_mean(g, c, e, s, b, short(g.reshape(1, -1), c).reshape(g.shape).sum(0)),
            ),
            (
                "short gradients were made longer. The factor is at most 1.",
                lambda g, c, e, s, b: private_mean(g, c, e, s, b, all_of_one_length(g, c).sum(axis=0)),
            ),
            (
                "long gradients were left out. They are made shorter, not dropped.",
                lambda g, c, e, s, b: private_mean(g, c, e, s, b, g[np.linalg.norm(g, axis=1) <= c].sum(axis=0)),
            ),
            (
                "nothing was clipped: one example's influence has no limit, so no noise is enough.",
                lambda g, c, e, s, b: private_mean(g, c, e, s, b, g.sum(axis=0)),
            ),
            (
                "the length is the root of the sum of squares (not the sum of absolute values).",
                lambda g, c, e, s, b: private_mean(
                    g, c, e, s, b, (g * np.minimum(1, c / np.maximum(abs(g).sum(axis=1, keepdims=True), 1e-300))).sum(0)
                ),
            ),
            (
                "you divide by the batch that was drawn. Its size is a secret too, and the noise was planned for the "
                "expected one.",
                lambda g, c, e, s, b: private_mean(g, c, e, s, max(len(g), 1)),
            ),
            (
                "the noise does not grow with clip. It must hide one example's influence, which is clip.",
                lambda g, c, e, s, b: private_mean(g, c, e, s, b, scale=s),
            ),
            ("noise_multiplier is not used.", lambda g, c, e, s, b: private_mean(g, c, e, s, b, scale=c)),
            (
                "the noise was added to every gradient. It comes once, on the sum.",
                lambda g, c, e, s, b: private_mean(g, c, e, s, b, scale=len(g) * s * c),
            ),
            (
                "the noise was added after the division; it belongs to the sum, and is divided with it.",
                lambda g, c, e, s, b: private_mean(g, c, e, s, b, scale=b * s * c),
            ),
            ("that is the sum: divide by expected_batch.", lambda g, c, e, s, b: private_mean(g, c, e, s, 1.0)),
            ("the noise is missing.", lambda g, c, e, s, b: private_mean(g, c, e, s, b, scale=0.0)),
        ),
    ),
    Exercise(
        key="13.2",
        function="epsilon_after",
        title="What all steps cost together",
        points=2,
        look="chapter 13, «The bill»",
        onward="Write the A sums first, one for each order: what is spent in all steps, and what delta costs. Each of "
        "them is a valid epsilon; you may name the smallest.",
        checked="five runs of 150 to 3,000 steps, deltas from 1e-4 to 1e-7, one order with an infinite RDP",
        cases=ledger_cases,
        expected=epsilon,
        hints=(
            (
                "that is one step's epsilon, the smallest, times the steps: the best order of a whole run is another. "
                "Add up the RDP, convert once.",
                lambda a, r, t, d: t * epsilon(a, r, 1, d),
            ),
            ("steps are not used: RDP adds up over the steps.", lambda a, r, t, d: epsilon(a, r, 1, d)),
            ("RDP adds up: times steps, not times their root.", lambda a, r, t, d: epsilon(a, r, np.sqrt(t), d)),
            (
                "the largest came, or the last order's. Every order gives a valid epsilon: the smallest may be named.",
                lambda *v: epsilon(*v, best=np.max),
            ),
            (
                "the order with the smallest RDP was taken, the first one. Convert for each order, then compare.",
                lambda a, r, t, d: t * r.min() + tail_of(a, d)[r.argmin()],
            ),
            (
                "logarithms are natural here, as everywhere in the theory; yours has base 10.",
                lambda *v: epsilon(*v, tail=lambda a, d: tail_of(a, d) / np.log(10)),
            ),
            (
                "delta's part is divided by alpha - 1, not by alpha.",
                lambda *v: epsilon(*v, tail=lambda a, d: np.log(1 / d) / a),
            ),
            (
                "the sign of the logarithm: a smaller delta costs more.",
                lambda *v: epsilon(*v, tail=lambda a, d: -tail_of(a, d)),
            ),
            (
                "delta's part is missing: it is the price of leaving Rényi's world.",
                lambda *v: epsilon(*v, tail=lambda a, d: 0 * a),
            ),
            (
                "only delta's part came: the RDP of all steps is missing.",
                lambda a, r, t, d: epsilon(a, 0 * a, t, d),
            ),
            (
                "that is the tighter conversion of Canonne, Kamath and Steinke (2020). It holds too; the task asks for "
                "Mironov's.",
                lambda *v: epsilon(*v, tail=tighter),
            ),
        ),
    ),
    Exercise(
        key="13.3",
        function="tpr_at",
        title="Whom does the attack find?",
        points=2,
        look="chapter 13, «Who was there?»",
        onward="How many of the others may lie above the threshold, as a whole number k? Sort the others from the "
        "highest down: which of them can the threshold be, so that k at most lie above it?",
        checked="seven sets of scores: whole allowances and broken ones, none at all, and ties",
        cases=score_cases,
        expected=caught,
        hints=(
            (
                "a score at the threshold counts as above there. With ties the others then exceed the allowed rate: >.",
                lambda *v: caught(*v, above=np.greater_equal),
            ),
            (
                "the threshold comes from the members. Who attacks knows non-members only, and promises their rate.",
                lambda m, o, r: caught(m, m, r),
            ),
            ("members and others are exchanged.", lambda m, o, r: caught(o, m, r)),
            (
                "that is the AUC, the mean over all thresholds. One threshold was asked for, at the low end.",
                auc,
            ),
            (
                "np.quantile interpolates, so that more of the others than allowed may lie above. Take a score itself.",
                over_quantile,
            ),
            (
                "np.quantile counts the n - 1 gaps between scores: where the rate allows a whole number of the others "
                "it stays one short.",
                lambda *v: over_quantile(*v, method="higher"),
            ),
            (
                "one rank too high: k of the others may lie above, so the threshold is the next one below them.",
                lambda *v: caught(*v, shift=-1),
            ),
            (
                "one rank too low: one of the others too many lies above.",
                lambda *v: caught(*v, shift=1),
            ),
            (
                "the allowed number was rounded up: then the rate is exceeded.",
                lambda *v: caught(*v, whole=np.ceil),
            ),
            (
                "the allowed number was rounded to the nearest. At most the rate: round down.",
                lambda *v: caught(*v, whole=np.round),
            ),
            ("that is the share of the others above the threshold.", lambda m, o, r: caught(o, o, r)),
            ("a number of members came; the share of them was asked for.", lambda m, o, r: caught(m, o, r) * len(m)),
            (
                "low scores count as members there; a high one speaks for membership.",
                lambda m, o, r: caught(-m, -o, r),
            ),
            ("that is the share of members that are missed.", lambda m, o, r: 1 - caught(m, o, r)),
        ),
    ),
    Exercise(
        key="13.4",
        function="lira_score",
        title="Two worlds for each example",
        points=3,
        look="chapter 13, «Likelihood ratios»",
        onward="Turn all three into logits first. Then one function will do for both worlds: the log density of the "
        "target under the example's own mean and that world's variance. Test that equal worlds give 0.",
        checked="five sets of shadow models, from 2 models for an example to 16, one with a single example",
        cases=confidence_cases,
        expected=lira,
        hints=(
            (
                "confidences were compared as they are. Near 1 they are no Gaussian: take log(p / (1 - p)) first.",
                lambda *v: lira(*v, to=np.asarray),
            ),
            (
                "log p is the (negative) loss, cut off at 0. log(p / (1 - p)) goes on both ways, nearly as a Gaussian.",
                lambda *v: lira(*v, to=np.log),
            ),
            (
                "the sign: a high score speaks for membership. With the example minus without.",
                lambda *v: -lira(*v),
            ),
            (
                "each example has a variance of its own there. From a few models that is mostly chance: share one.",
                lambda *v: lira(*v, variance=lambda a: a.var(axis=0)),
            ),
            (
                "that variance is taken round one mean for all examples, so it holds the examples' differences too. "
                "Subtract each example's own mean first.",
                lambda *v: lira(*v, variance=np.var),
            ),
            (
                "both worlds share one variance there. With and without have one each.",
                one_variance,
            ),
            (
                "you divide by K - 1 (ddof=1); the task says the mean square, ddof=0.",
                lambda *v: lira(*v, variance=lambda a: shared_variance(a, ddof=1)),
            ),
            (
                "the standard deviation stands where the variance belongs.",
                lambda *v: lira(*v, variance=lambda a: np.sqrt(shared_variance(a))),
            ),
            (
                "the variance was squared once more, as if it were a standard deviation.",
                lambda *v: lira(*v, variance=lambda a: shared_variance(a) ** 2),
            ),
            (
                "the two logarithms of the variances are missing: a wider Gaussian is lower at its top.",
                lambda *v: lira(*v, log_term=0.0),
            ),
            ("the square is divided by twice the variance: the 2 is missing.", lambda *v: lira(*v, half=1.0)),
            (
                "log v comes with the factor 1/2: it is the logarithm of the standard deviation.",
                lambda *v: lira(*v, log_term=2.0),
            ),
            ("that is the ratio itself; its logarithm was asked for.", lambda *v: np.exp(lira(*v))),
            (
                "the world with the example was not used: that is how far the target lies from the other one.",
                without_only,
            ),
            (
                "the confidences were averaged before the logit. The mean of the logits was asked for.",
                lambda i, o, t: sum(
                    sign
                    * (
                        -0.5 * (logit(t) - logit(p.mean(axis=0))) ** 2 / shared_variance(logit(p))
                        - 0.5 * np.log(shared_variance(logit(p)))
                    )
                    for sign, p in ((1, i), (-1, o))
                ),
            ),
        ),
    ),
    Exercise(
        key="13.5",
        function="audited_epsilon",
        title="Design: what do right guesses prove?",
        points=3,
        look="chapter 13, «An audit»",
        onward="P rises with epsilon. Where it is above alpha at epsilon 0 already, nothing is proved; else halve an "
        "interval again and again. Large binomial coefficients overflow: add up logarithms.",
        checked="six audits of 30 to 2,000 guesses, two of which prove nothing",
        cases=guess_cases,
        expected=audited,
        special=judge_sign,
        hints=(
            (
                "that is the likeliest epsilon, no bound: one audit in two would accuse an honest mechanism of more "
                "than it leaks.",
                lambda c, r, a: odds_of(c / r),
            ),
            (
                "that is the upper end. An audit proves a lower one: which epsilon is too small for such guesses?",
                upper,
            ),
            (
                "alpha was shared between two ends; only the lower one is claimed.",
                lambda c, r, a: audited(c, r, a / 2),
            ),
            (
                "P counts more than `correct`; at least as many belong to it, ≥.",
                lambda *v: audited(*v, more=1),
            ),
            (
                "that is the probability of a right guess. Epsilon is the logarithm of its odds.",
                lambda *v: audited(*v, odds=lambda p: p if p > 0.5 else 0.5),
            ),
            (
                "epsilon is log(p / (1 - p)), for p = e^ε / (1 + e^ε); you compared p with one half.",
                lambda *v: audited(*v, odds=lambda p: np.log(2 * p)),
            ),
            ("logarithms are natural here; yours has base 2.", lambda *v: audited(*v) / np.log(2)),
            (
                "that is the normal approximation (Wald). It promises too much where nearly all guesses are right.",
                wald,
            ),
            (
                "that is Hoeffding's bound: it holds, but gives part of the proof away. Use the binomial itself.",
                lambda c, r, a: odds_of(c / r - np.sqrt(np.log(1 / a) / (2 * r))),
            ),
        ),
    ),
)
