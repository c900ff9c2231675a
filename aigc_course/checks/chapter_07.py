"""Exercises of chapter 07: creative studio."""

import numpy as np

from aigc_course.checks.designs import (
    agreement_cases,
    arc,
    arc_as_they_are,
    arc_undivided,
    bent_chord,
    best_pair,
    cheat_cases,
    chord,
    clipped_variance,
    density,
    diagonal,
    inside,
    judge_angles,
    judge_clipped,
    judge_factor,
    judge_turned,
    judge_twice,
    kept_variance,
    move_cases,
    moved,
    pair_by_deviations,
    pair_by_distance,
    shares_read,
    threshold_cases,
    tour,
    tour_cases,
)
from aigc_course.checks.exercise import Exercise

__all__ = ["EXERCISES"]

EXERCISES = (
    Exercise(
        key="07.1",
        function="matching_factor",
        title="The other truncation",
        points=1,
        look="chapter 07, «From one design to another»",
        onward="The variance of what is left is the integral of z² n(z) from -τ to τ over the share inside. Integrate "
        "by parts: n' = -z n.",
        checked="six sets of thresholds, a very small one and a very large one among them",
        cases=threshold_cases,
        expected=lambda t: np.sqrt(kept_variance(t)),
        special=judge_factor,
        hints=(
            ("that is the variance. ψ multiplies z, so it is a standard deviation: take the root.", kept_variance),
            (
                "you set numbers beyond the threshold to the threshold (clipping). Here they are drawn again, so none "
                "gathers there.",
                lambda t: np.sqrt(clipped_variance(t)),
            ),
            (
                "only one tail is drawn again; numbers below -threshold are drawn again too.",
                lambda t: np.sqrt(
                    1 - t * density(t) / (0.5 + inside(t) / 2) - (density(t) / (0.5 + inside(t) / 2)) ** 2
                ),
            ),
            (
                "that is the share of the numbers inside; their standard deviation was asked for.",
                inside,
            ),
            (
                "the threshold itself came. It bounds the numbers; most lie well within.",
                lambda t: t,
            ),
            (
                "divide by the share inside: what is left is drawn more often, until its density adds up to 1.",
                lambda t: np.sqrt(1 - 2 * t * density(t)),
            ),
            (
                "the integral of z² n(z) is right, and not yet divided by that of n(z), the share inside.",
                lambda t: np.sqrt(inside(t) - 2 * t * density(t)),
            ),
            (
                "the integral of z² n(z) is right; it is divided by Φ(τ). That of n(z) from -τ to τ is 2 Φ(τ) - 1.",
                lambda t: np.sqrt((inside(t) - 2 * t * density(t)) / (0.5 + inside(t) / 2)),
            ),
            (
                "Φ(τ) counts the lower tail as inside. Between -τ and τ lies 2 Φ(τ) - 1.",
                lambda t: np.sqrt(kept_variance(t, share=lambda t: 0.5 + inside(t) / 2)),
            ),
            (
                "erf(τ) is not the share inside: the error function takes τ/√2.",
                lambda t: np.sqrt(kept_variance(t, share=lambda t: inside(t, scale=1.0))),
            ),
            (
                "that holds where the numbers inside are spread evenly. Weigh them with the normal density.",
                lambda t: t / np.sqrt(3),
            ),
            (
                "upside down: draws within a threshold vary less than z, so ψ lies below 1.",
                lambda t: 1 / np.sqrt(kept_variance(t)),
            ),
        ),
    ),
    Exercise(
        key="07.2",
        function="true_agreement",
        title="Agreement that knows its judge",
        points=2,
        look="chapter 07, «Five numbers for a conditional generator»",
        onward="Count a table asked × read and divide each row by its own sum: that is R. Then multiply by the inverse "
        "of the judge's table, from the right.",
        checked="six judges and generators, one judge without errors, one generator that exchanges two classes",
        cases=agreement_cases,
        expected=lambda read, asked, m: diagonal(read, asked, m).mean(),
        special=judge_clipped,
        hints=(
            (
                "that is the agreement as it was read. The judge errs: undo its errors with `confusion`.",
                lambda read, asked, m: np.diag(shares_read(read, asked, len(m))).mean(),
            ),
            (
                "that is the share of all pictures that are read as asked. Correct it for the judge's errors, and let "
                "each class count equally.",
                lambda read, asked, m: (read == asked).mean(),
            ),
            (
                "R or the judge's table is turned: rows are the classes asked in R, the true ones in M, and so R = T M "
                "without a transpose.",
                lambda read, asked, m: diagonal(read, asked, m, turned=True).mean(),
            ),
            (
                "divided by the judge's accuracy. A wrong picture may be misread as the class asked for; T takes those "
                "away again, one ratio cannot.",
                lambda read, asked, m: np.diag(shares_read(read, asked, len(m))).mean() / np.diag(m).mean(),
            ),
            (
                "each class was divided by the judge's accuracy for it. Wrong pictures that are misread as the class "
                "asked for are still counted: the inverse of the whole table takes them away.",
                lambda read, asked, m: (np.diag(shares_read(read, asked, len(m))) / np.diag(m)).mean(),
            ),
            (
                "classes that were asked for more often count for more. Each of the K classes counts equally.",
                lambda read, asked, m: diagonal(read, asked, m, axis=None).sum(),
            ),
            (
                "multiplied by the judge's table: its errors come in twice. Multiply by its inverse.",
                lambda read, asked, m: np.diag(shares_read(read, asked, len(m)) @ m).mean(),
            ),
            (
                "counts were divided by the number of all pictures. Each row of R is divided by its own sum.",
                lambda read, asked, m: diagonal(read, asked, m, axis=None).mean(),
            ),
            (
                "shares of those *read* as a class came into R. Of those *asked* as i: each row adds up to 1.",
                lambda read, asked, m: diagonal(read, asked, m, axis=0).mean(),
            ),
            (
                "the table was counted [read, asked], and so its rows are classes *read*. Count [asked, read].",
                lambda read, asked, m: diagonal(asked, read, m).mean(),
            ),
            ("the agreement of each class came; return the mean of the K numbers.", diagonal),
        ),
    ),
    Exercise(
        key="07.3",
        function="move_along",
        title="Arithmetic on the sphere",
        points=2,
        look="chapter 07, «From one design to another», under Arithmetic",
        onward="Three lines: a direction (F,) of length 1, the moved rows, each moved row times its old length over "
        "its new one.",
        checked="six sets of noise, steps to both sides and none",
        cases=move_cases,
        expected=moved,
        special=judge_turned,
        hints=(
            (
                "the direction has the length of the difference of the means. Divide it by that, so that a step is a "
                "step.",
                lambda *v: moved(*v, unit=False),
            ),
            (
                "not brought back: a moved row shall have the length that it had before.",
                lambda *v: moved(*v, back=None),
            ),
            (
                "brought to √F. That is the length of a typical draw; each row has its own.",
                lambda *v: moved(*v, back=lambda z: np.sqrt(z.shape[1])),
            ),
            (
                "the wrong way: a positive step leads towards those *with* the property.",
                lambda z, a, b, s: moved(z, b, a, s),
            ),
            (
                "all rows were brought to their mean length. Each goes back to its own.",
                lambda *v: moved(*v, back=lambda z: np.linalg.norm(z, axis=1).mean()),
            ),
            (
                "one length was taken over all of z. Each row has its own: axis=1.",
                lambda z, a, b, s: (
                    moved(z, a, b, s, back=None) * np.linalg.norm(z) / np.linalg.norm(moved(z, a, b, s, back=None))
                ),
            ),
            (
                "you took away first what z had along the direction, so that `steps` became its place. Here z moves on "
                "from where it is.",
                lambda *v: moved(*v, off=True),
            ),
            (
                "the rows have length 1. Multiply by the length that each had before.",
                lambda *v: moved(*v, back=lambda z: 1.0),
            ),
            (
                "the direction is the mean of those with the property alone. Subtract the mean of those without it.",
                lambda z, a, b, s: moved(z, a, 0 * b, s),
            ),
        ),
    ),
    Exercise(
        key="07.4",
        function="tour",
        title="A tour",
        points=3,
        look="chapter 07, «From one design to another»",
        onward="Write the angles of the K legs, the last one back to the first, and their running sums. On which leg "
        "does the angle i/n of the total fall, and how far along it?",
        checked="six rounds, one of two designs, one of right angles with places on the designs",
        cases=tour_cases,
        expected=tour,
        special=judge_angles,
        hints=(
            (
                "each leg has as many places as any other. A leg with a larger angle gets more of them.",
                lambda d, n: tour(d, n, by=lambda a, b: np.ones(len(a))),
            ),
            (
                "the way ends at the last design. Close the round: one more leg, from the last to the first.",
                lambda d, n: tour(d, n, closed=False, end=True),
            ),
            (
                "the leg from the last design back to the first is missing from the total.",
                lambda d, n: tour(d, n, closed=False),
            ),
            (
                "the first design stands at the end once more. Place i lies at i/n, not at i/(n - 1).",
                lambda d, n: tour(d, n, end=True),
            ),
            (
                "straight lines between the designs: they cut through the sphere. Turn the direction.",
                lambda d, n: tour(d, n, way=chord),
            ),
            (
                "all places have length 1. On a leg the length goes in proportion from one design's to the next's.",
                lambda d, n: tour(d, n, way=lambda *v: arc(*v, lengths=False)),
            ),
            (
                "evenly spaced by the straight distance between designs; the angle was asked for.",
                lambda d, n: tour(d, n, by=lambda a, b: np.linalg.norm(b - a, axis=1)),
            ),
            (
                "the formula wants directions of length 1. On the designs themselves the length between them is not in "
                "proportion.",
                lambda d, n: tour(d, n, way=arc_as_they_are),
            ),
            (
                "straight lines put back on the sphere: their steps are not even in the angle. Take the sines.",
                lambda d, n: tour(d, n, way=bent_chord),
            ),
            (
                "the sum of the two sines is divided by the sine of the whole angle of the leg.",
                lambda d, n: tour(d, n, way=arc_undivided),
            ),
            (
                "the round begins one place late: place 0 is the first design.",
                lambda d, n: tour(d, n, first=1),
            ),
        ),
    ),
    Exercise(
        key="07.5",
        function="two_pictures",
        title="Design: a cheat with spread",
        points=3,
        look="chapter 07, «Five numbers for a conditional generator»",
        onward="n/2 pictures at either end of a distance d: how far does each lie from their mean, and what is the sum "
        "of the variances, divided by n - 1? Which d makes the ratio 1?",
        checked="six classes with n from 2 to 40",
        cases=cheat_cases,
        expected=best_pair,
        special=judge_twice,
        how="in_any_order",
        unordered=True,
        rtol=0.0,
        hints=(
            (
                "the two that lie farthest apart: their spread is too large. The ratio shall be 1.",
                lambda rows, n: pair_by_distance(rows, np.argmax),
            ),
            (
                "the two whose distance is nearest to the root mean square of all. But half of your n pictures lie at "
                "distance 0 from each other: the ratio is near 0.71. Compute the variance of the n pictures.",
                lambda rows, n: best_pair(rows, 2),
            ),
            (
                "the sum of squares was divided by n. The chapter's variances have ddof=1: divide by n - 1.",
                lambda rows, n: best_pair(rows, 10**12),
            ),
            (
                "the two nearest to each other: the spread is too small. The ratio shall be 1.",
                lambda rows, n: pair_by_distance(rows, np.argmin),
            ),
            (
                "the two extremes on the first axis. Spread sums the variances of all axes.",
                lambda rows, n: (rows[:, 0].argmin(), rows[:, 0].argmax()),
            ),
            (
                "the two that lie farthest from the mean. Where they lie to each other decides the spread.",
                lambda rows, n: np.argsort(np.linalg.norm(rows - rows.mean(axis=0), axis=1))[-2:],
            ),
            (
                "the variance of all rows has ddof=1 too: divide their squares by M - 1.",
                lambda rows, n: best_pair(rows, n, ddof=0),
            ),
            (
                "both sums of squares were divided by the number of pictures. ddof=1: by n - 1, and by M - 1 for all.",
                lambda rows, n: best_pair(rows, 10**12, ddof=0),
            ),
            (
                "standard deviations of single pixels were added up. Add the variances, then take one root.",
                pair_by_deviations,
            ),
            (
                "compare the ratio, not its square: the square goes further from 1 above it than below.",
                lambda rows, n: best_pair(rows, n, of=np.square),
            ),
            (
                "indices count from 0; yours are one too large.",
                lambda rows, n: np.array(best_pair(rows, n)) + 1,
            ),
        ),
    ),
)
