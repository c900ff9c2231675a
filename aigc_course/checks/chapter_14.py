"""Exercises of chapter 14: authenticity and fairness."""

import numpy as np

from aigc_course.checks.authenticity import (
    NORMAL,
    all_of,
    backwards,
    g_of_runs,
    g_tests,
    green_z,
    judge_zeros,
    label_cases,
    label_of,
    least_keys,
    loss,
    newest_accepted,
    once_each,
    pearson,
    poem_cases,
    poems_for,
    pool_cases,
    pool_of,
    read,
    round_about,
    share_cases,
    sliding,
    text_cases,
    z_of,
)
from aigc_course.checks.exercise import Exercise

__all__ = ["EXERCISES"]

EXERCISES = (
    Exercise(
        key="14.1",
        function="watermark_z",
        title="Count each pair once",
        points=2,
        look="chapter 14, «A mark in a poem»",
        onward="Make a set of the pairs (previous, current). How many are in it, how many of them are green, and what "
        "are mean and variance of that number if each were green with probability gamma?",
        checked="five texts with refrains: marked, by chance, and one that avoids the green list",
        cases=text_cases,
        expected=green_z,
        hints=(
            (
                "repeated pairs were counted again. A refrain is one draw of the green list, however often it is sung.",
                lambda *v: green_z(*v, once=False),
            ),
            (
                "repeats are gone from the green pairs, not from n: it counts the distinct pairs.",
                lambda *v: green_z(*v, n=lambda t: len(t) - 1),
            ),
            ("n is the number of distinct pairs; the number of characters came.", lambda *v: green_z(*v, n=len)),
            (
                "that is a share. In units of which standard deviation?",
                lambda *v: green_z(*v, spread=lambda g, n: n),
            ),
            (
                "no variance in it: the excess of green pairs is a number of pairs. Divide by its standard deviation.",
                lambda *v: green_z(*v, spread=lambda g, n: 1.0),
            ),
            (
                "you divided by the variance; z divides by its root.",
                lambda *v: green_z(*v, spread=lambda g, n: g * (1 - g) * n),
            ),
            (
                "sqrt(gamma n) is a Poisson count's deviation. Each pair is green or not: a binomial's.",
                lambda *v: green_z(*v, spread=lambda g, n: np.sqrt(g * n)),
            ),
            (
                "the sign is lost. Who avoids the green list, by chance or to hide, has a negative z.",
                lambda *v: abs(green_z(*v)),
            ),
            ("negative z became 0: the null needs them too.", lambda *v: max(0.0, green_z(*v))),
            (
                "rows and columns are mixed up: the previous character chooses the row of `green`.",
                lambda *v: green_z(*v, turned=True),
            ),
            (
                "the first character was counted. No other comes before it (np.roll puts the last one there).",
                lambda *v: green_z(*v, pairs=round_about),
            ),
            (
                "each *character* was counted once; each pair (previous, current) is what the list is drawn for.",
                lambda *v: green_z(*v, pairs=once_each),
            ),
        ),
    ),
    Exercise(
        key="14.2",
        function="poems_needed",
        title="How many poems convict?",
        points=3,
        outputs=3,
        look="chapter 14, «A mark in a poem»",
        onward="Write one function that pools k poems side by side and gives the z of each pool. Use it on both "
        "sets, sort the null's, and go through k.",
        checked="number of poems, threshold and power for five keys, one as good as wrong",
        cases=poem_cases,
        expected=poems_for,
        hints=(
            (
                "the threshold is a normal distribution's. Poems are wider: take it from the null's own scores.",
                lambda *v: poems_for(*v, limit=lambda scores, fpr: NORMAL[fpr]),
            ),
            (
                "4 is the paper's threshold for any text. Take that of this null, at this rate.",
                lambda *v: poems_for(*v, limit=lambda scores, fpr: 4.0),
            ),
            (
                "the threshold lies between two scores (np.quantile interpolates); a score of the null was asked for.",
                lambda *v: poems_for(*v, limit=lambda scores, fpr: np.quantile(scores, 1 - fpr)),
            ),
            (
                "a score *at* the threshold does not convict: scores are whole counts, and ties are frequent.",
                lambda *v: poems_for(*v, above=np.greater_equal),
            ),
            (
                "the mean of k values of z came: its spread shrinks with k. Add up the counts, then one z.",
                lambda *v: poems_for(*v, score=lambda pools, gamma: z_of(pools, gamma).mean(axis=1)),
            ),
            (
                "each poem's z has the same weight there. Longer poems say more: add up pairs and green pairs, then z.",
                lambda *v: poems_for(
                    *v, score=lambda pools, gamma: z_of(pools, gamma).sum(axis=1) / np.sqrt(pools.shape[1])
                ),
            ),
            (
                "the pools overlap: neighbours share poems. Side by side, each poem belongs to one pool.",
                lambda *v: poems_for(*v, pools=sliding),
            ),
            (
                "with fewer than 1 / fpr pools the null cannot show so low a rate: such a k does not count.",
                lambda *v: poems_for(*v, stop=False),
            ),
            (
                "the threshold comes from single poems. It belongs to pools of the same k.",
                lambda *v: poems_for(*v, of_one=True),
            ),
            (
                "the threshold comes from the marked poems; false positives are made among the others.",
                lambda *v: poems_for(*v, of_marked=True),
            ),
            (
                "the largest score of the null lets nobody pass. A share fpr may lie above.",
                lambda *v: poems_for(*v, limit=lambda scores, fpr: scores.max()),
            ),
            (
                "one score too high: fpr of the pools may lie above the threshold itself.",
                lambda *v: poems_for(*v, more=-1),
            ),
            (
                "one score too low: more than fpr of the null's pools lie above it.",
                lambda *v: poems_for(*v, more=1),
            ),
        ),
    ),
    Exercise(
        key="14.3",
        function="g_test",
        title="Bias, or luck of the runs?",
        points=2,
        outputs=2,
        special=judge_zeros,
        look="chapter 14, «Who is drawn, and how often?»",
        onward="G of the counts added up over runs, and the sum of the runs' own G: the difference is what the runs "
        "do not share. Subtract the degrees of freedom in the same way.",
        checked="both values of G with their degrees of freedom, classes that never came among them",
        cases=share_cases,
        expected=g_tests,
        hints=(
            ("that is Pearson's chi-squared, near G for large counts only.", lambda *v: g_tests(*v, measure=pearson)),
            ("the factor 2 is missing.", lambda *v: g_tests(*v, measure=lambda o, e: loss(o, e) / 2)),
            (
                "in base 2 (or 10) G has no chi-squared distribution: the natural logarithm.",
                lambda *v: g_tests(*v, measure=lambda o, e: loss(o, e) / np.log(2)),
            ),
            ("expected and observed are the wrong way round.", lambda *v: g_tests(*v, measure=backwards)),
            (
                "the expected counts must add up to the run's own number of pictures: shares of `wanted`, times that.",
                lambda *v: g_tests(*v, measure=lambda o, e: loss(o, e / e.sum() * v[1].sum())),
            ),
            (
                "equal shares were expected; `wanted` says how often each class should come.",
                lambda *v: g_tests(*v, shares=lambda w: np.full(len(w), 1 / len(w))),
            ),
            (
                "K shares that add up to 1 leave K - 1 free.",
                lambda *v: g_tests(*v, free=0),
            ),
            (
                "the first G is the sum over runs. Add up the counts, then compute one.",
                g_of_runs,
            ),
            (
                "the second G still holds the first: take it away from the sum over runs.",
                lambda *v: g_tests(*v, rest=False),
            ),
            (
                "the mean of the runs' counts came; G grows with the pictures, so add them up.",
                lambda *v: g_tests(*v, pool=np.mean),
            ),
            (
                "the pool has used K - 1 of the runs' degrees of freedom: (S - 1)(K - 1) are left.",
                lambda *v: g_tests(*v, runs=0),
            ),
        ),
    ),
    Exercise(
        key="14.4",
        function="pool_after",
        title="Who teaches the next one?",
        points=3,
        unordered=True,
        look="chapter 14, «A model that reads itself»",
        onward="Write the pool after one round for each regime by hand, with N = 2 and M = 1. Which pictures can still "
        "be there after ten?",
        checked="all four regimes, rounds in which nothing was accepted among them",
        cases=pool_cases,
        expected=pool_of,
        hints=(
            (
                "replace: only the last round's pictures teach the next generator.",
                lambda *v: pool_of(*v, replace=lambda real, drawn, good, keys: drawn.ravel()),
            ),
            (
                "replace: the real pictures are gone after the first round.",
                lambda *v: pool_of(*v, replace=lambda real, drawn, good, keys: all_of(real, drawn[-1])),
            ),
            (
                "accumulate: the real pictures stay for ever.",
                lambda *v: pool_of(*v, accumulate=lambda real, drawn, good, keys: drawn.ravel()),
            ),
            (
                "accumulate: the rounds between are missing. Nothing is thrown away.",
                lambda *v: pool_of(*v, accumulate=lambda real, drawn, good, keys: all_of(real, drawn[-1])),
            ),
            (
                "fixed: the newest N came. All that were ever there compete, by their keys.",
                lambda *v: pool_of(*v, fixed=lambda real, drawn, good, keys: all_of(real, drawn)[-len(real) :]),
            ),
            (
                "fixed: the oldest N came, so nothing ever changes. All compete, by their keys.",
                lambda *v: pool_of(*v, fixed=lambda real, drawn, good, keys: real),
            ),
            (
                "fixed: the largest keys came; the smallest N stay.",
                lambda *v: pool_of(*v, fixed=lambda real, drawn, good, keys: least_keys(real, drawn, -keys)),
            ),
            (
                "fixed: the real pictures compete too, with the first N of the keys.",
                lambda *v: pool_of(
                    *v, fixed=lambda real, drawn, good, keys: drawn.ravel()[np.argsort(keys[len(real) :])[: len(real)]]
                ),
            ),
            (
                "verified: real pictures and all accepted ones came, as if they accumulated. One round teaches.",
                lambda *v: pool_of(*v, verified=lambda real, drawn, good, keys: all_of(real, drawn[good > 0])),
            ),
            (
                "verified: accepted pictures of earlier rounds are in it; one round teaches.",
                lambda *v: pool_of(*v, verified=lambda real, drawn, good, keys: drawn[good > 0]),
            ),
            (
                "verified: an empty pool teaches nothing. A round without any accepted picture leaves the pool before.",
                lambda *v: pool_of(*v, verified=lambda real, drawn, good, keys: drawn[-1][good[-1] > 0]),
            ),
            (
                "verified: where nothing was accepted, the pool before stays; it need not be the real pictures.",
                lambda *v: pool_of(
                    *v,
                    verified=lambda real, drawn, good, keys: drawn[-1][good[-1] > 0] if good[-1].any() else real,
                ),
            ),
            (
                "verified: where nothing was accepted, the pool before stays; rejected pictures came in.",
                lambda *v: pool_of(
                    *v,
                    verified=lambda real, drawn, good, keys: drawn[-1][good[-1] > 0] if good[-1].any() else drawn[-1],
                ),
            ),
            (
                "verified: the rejected pictures came.",
                lambda *v: pool_of(*v, verified=lambda real, drawn, good, keys: newest_accepted(real, drawn, 1 - good)),
            ),
        ),
    ),
    Exercise(
        key="14.5",
        function="label_to_write",
        title="What a platform must say",
        points=2,
        look="chapter 14, «Labelled: GB 45438-2025»",
        onward="Collect what each source says as a number from 1 to 3, nothing where it is silent. Which one is kept?",
        checked="eighteen files: valid labels, none, cut off, of unknown value, with a field missing",
        cases=label_cases,
        expected=label_of,
        hints=(
            (
                "whatever is found was taken for certain: `Label` itself says 1, 2 or 3.",
                lambda *v: label_of(*v, reader=lambda text: min(read(text), 1)),
            ),
            (
                "the word Label is no label: read the JSON, and the value of `Label` in it.",
                lambda *v: label_of(*v, reader=lambda text: int("Label" in text)),
            ),
            (
                "a label that is cut off, or lacks one of the seven fields, counts as none.",
                lambda *v: label_of(*v, reader=lambda text: read(text, whole=False)),
            ),
            (
                "the surest of the sources counts: 1 before 2 before 3.",
                lambda *v: label_of(*v, choose=max),
            ),
            (
                "the metadata came first even where they are less sure (3) than the uploader (2).",
                lambda *v: label_of(*v, choose=lambda said: said[0]),
            ),
            (
                "the uploader's word makes it possible (2), not certain: only the metadata give a 1.",
                lambda *v: label_of(*v, yes=1),
            ),
            ("a detector's word is a suspicion: 3.", lambda *v: label_of(*v, maybe=2)),
            ("traces count too, where nothing surer is there: 3.", lambda *v: label_of(*v, maybe=0)),
            ("what the uploader declares counts too: 2.", lambda *v: label_of(*v, yes=0)),
            (
                "only the metadata were asked. They are the first thing that a re-save loses.",
                lambda *v: label_of(*v, yes=0, maybe=0),
            ),
            (
                "without a valid label the uploader and the traces still speak.",
                lambda metadata, *said: label_of(metadata, *said) if read(metadata) else 0,
            ),
            ("yes or no came; the three numbers say how sure.", lambda *v: min(label_of(*v), 1)),
        ),
    ),
)
