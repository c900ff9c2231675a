"""Exercises of chapter 15: hardware and scale."""

import numpy as np

from aigc_course.checks.exercise import Exercise
from aigc_course.checks.scales import (
    best_spend,
    budget_cases,
    law_cases,
    law_of,
    ring_cases,
    ring_of,
    roof_cases,
    roof_of,
)

__all__ = ["EXERCISES"]

EXERCISES = (
    Exercise(
        key="15.1",
        function="least_seconds",
        title="A step under the roofline",
        points=1,
        look="chapter 15, «The roofline»",
        onward="How long does one layer take at least, if it only multiplies, and if it only moves bytes? Layers wait "
        "for each other.",
        checked="five steps of one to nine layers, one of them without products",
        cases=roof_cases,
        expected=roof_of,
        hints=(
            (
                "the larger of both *sums* came. Layers wait for each other: each has its own larger one, then add.",
                lambda w, p, m: max(w[:, 0].sum() / p, w[:, 1].sum() / m),
            ),
            ("products and memory were added: they go on at the same time.", lambda w, p, m: roof_of(w, p, m, np.add)),
            (
                "only the products count there. Left of the ridge the memory decides.",
                lambda w, p, m: w[:, 0].sum() / p,
            ),
            (
                "only the memory counts there. Right of the ridge the products decide.",
                lambda w, p, m: w[:, 1].sum() / m,
            ),
            (
                "the smaller of both came: a layer waits for what takes longer.",
                lambda w, p, m: roof_of(w, p, m, np.minimum),
            ),
            ("the slowest layer alone came: add up all.", lambda w, p, m: roof_of(w, p, m, add=np.max)),
            ("the mean over the layers came; the step takes their sum.", lambda w, p, m: roof_of(w, p, m, add=np.mean)),
            (
                "P and M have changed places: FLOPs are divided by `p`, bytes by `m`.",
                lambda w, p, m: roof_of(w, m, p),
            ),
        ),
    ),
    Exercise(
        key="15.2",
        function="ring_seconds",
        title="What a ring costs",
        points=2,
        look="chapter 15, «From one device to many»",
        onward="How many turns until every piece has its sum, how many until all have it, and what does a device send "
        "in one turn?",
        checked="rings of one, two and up to two thousand devices",
        cases=ring_cases,
        expected=ring_of,
        hints=(
            (
                "half of the turns: after p - 1 each sum is on one device only; it goes round once more.",
                lambda *v: ring_of(*v, turns=lambda p: p - 1),
            ),
            (
                "2 p turns: a piece needs p - 1 turns to pass all others, not p. One device sends nothing.",
                lambda *v: ring_of(*v, turns=lambda p: 2 * p),
            ),
            (
                "the whole vector went in each turn: it is one piece, a p-th.",
                lambda *v: ring_of(*v, piece=lambda n, p: n),
            ),
            (
                "the latency counts once there; each turn is a message of its own.",
                lambda *v: ring_of(*v, late=lambda p: 1),
            ),
            ("the latency is missing.", lambda *v: ring_of(*v, late=lambda p: 0)),
            (
                "the latency of one half is missing: the sums that go round are messages too.",
                lambda *v: ring_of(*v, late=lambda p: p - 1),
            ),
            (
                "that is the limit for many devices, 2 size / bandwidth. With p it is (p - 1) / p of it.",
                lambda s, p, b, late: 2 * s / b + 2 * (p - 1) * late,
            ),
            (
                "the pieces are a (p - 1)-th of the vector there: p devices share it in p pieces.",
                lambda s, p, b, late: ring_of(s, p, b, late, piece=lambda n, q: n / max(1, q - 1)),
            ),
            (
                "bytes were taken for numbers of four bytes: `size` is in bytes already.",
                lambda s, *v: ring_of(4 * s, *v),
            ),
            (
                "bits and bytes: `bandwidth` is in bytes a second already.",
                lambda s, *v: ring_of(8 * s, *v),
            ),
        ),
    ),
    Exercise(
        key="15.3",
        function="spend",
        title="Spend a budget",
        points=2,
        outputs=2,
        look="chapter 15, «A law of scale»",
        onward="Put D = flops / (6 N) into the law, and set its slope after N to 0. Which power of N is alone then?",
        checked="five laws and budgets from 10^15 to 10^24 FLOPs",
        cases=budget_cases,
        expected=best_spend,
        hints=(
            (
                "N and D have changed places, or the exponents have: the steeper law of size needs the *smaller* N.",
                lambda *v: best_spend(*v)[::-1],
            ),
            (
                "the power of the budget is the other one: N grows as flops^(beta / (alpha + beta)).",
                lambda *v: best_spend(*v, power=lambda x, y: x / (x + y)),
            ),
            (
                "the slopes bring alpha and beta down: the ratio is alpha A / (beta B), not A / B.",
                lambda *v: best_spend(*v, ratio=lambda a, x, b, y: a / b),
            ),
            (
                "the ratio is upside down: a high price of size asks for more weights.",
                lambda *v: best_spend(*v, ratio=lambda a, x, b, y: y * b / (x * a)),
            ),
            ("the 6 is missing: a weight and a token take six FLOPs in training.", lambda *v: best_spend(*v, each=1.0)),
            ("two FLOPs are forward only; training takes six.", lambda *v: best_spend(*v, each=2.0)),
            (
                "N is right; D is what the budget leaves: flops / (6 N).",
                lambda *v: best_spend(*v, tokens=lambda n, c: c / n),
            ),
            (
                "20 tokens a weight hold for one law (Chinchilla's). Here the law is given.",
                lambda a, x, b, y, c: (np.sqrt(c / 120), 20 * np.sqrt(c / 120)),
            ),
            (
                "the budget was shared half and half; the exponents decide.",
                lambda *v: best_spend(*v, power=lambda x, y: 0.5),
            ),
        ),
    ),
    Exercise(
        key="15.4",
        function="fit_law",
        title="Fit a law",
        points=3,
        look="chapter 15, «A law of scale»",
        onward="Divide the equation of each run by its loss: what stands on the right is 1 for all. Then it is least "
        "squares with three columns.",
        checked="four sets of six to sixteen runs",
        cases=law_cases,
        expected=law_of,
        hints=(
            (
                "these are the least *absolute* errors: large losses count more. Relative ones were asked for.",
                lambda *v: law_of(*v, weight=np.ones_like),
            ),
            (
                "divided by the root of the loss only: the error of run i over its own loss is squared.",
                lambda *v: law_of(*v, weight=lambda x: x**-0.5),
            ),
            (
                "divided by the squared loss: weights are squared once already by least squares.",
                lambda *v: law_of(*v, weight=lambda x: x**-2),
            ),
            ("the floor E is missing.", lambda *v: law_of(*v, floor=False)),
            (
                "A and B have changed places.",
                lambda *v: law_of(*v)[[0, 2, 1]],
            ),
            (
                "the exponents have changed places.",
                lambda n, d, x, alpha, beta: law_of(n, d, x, beta, alpha),
            ),
            (
                "the logarithm of the loss is no sum of these three: fit the loss itself.",
                lambda *v: law_of(*v, weight=np.ones_like, target=np.log),
            ),
            (
                "the loss was divided out on the left only, or on the right only: both sides of each run's equation.",
                lambda n, d, x, alpha, beta: law_of(n, d, x, alpha, beta, weight=np.ones_like, target=np.ones_like),
            ),
        ),
    ),
)
