"""Exercises of chapter 11: diffusion and flow."""

import numpy as np

from aigc_course.checks.exercise import Exercise
from aigc_course.checks.flows import (
    bits,
    bound_cases,
    clipped,
    clock_cases,
    code_kl,
    ddpm_cases,
    heun,
    judge_clock,
    judge_finite,
    of_ddpm,
    steered,
    two_step,
    walk_cases,
    wish_cases,
)

__all__ = ["EXERCISES"]

EXERCISES = (
    Exercise(
        key="11.1",
        function="velocity_of",
        title="Read a DDPM",
        points=2,
        outputs=3,
        look="chapter 11, «Diffusion learns the same thing»",
        onward="Write alpha and sigma first. Dividing x by their sum makes the two shares add up to 1, as on the "
        "straight path; the larger share's name is the time.",
        checked="time, place and velocity for five batches, from nearly all noise to nearly all picture",
        cases=ddpm_cases,
        expected=of_ddpm,
        hints=(
            (
                "the roots are missing: `alpha_bar` and 1 - `alpha_bar` are the *squares* of alpha and sigma.",
                lambda x, e, share: of_ddpm(x, e, share, root=np.asarray),
            ),
            (
                "the time is alpha there. On the straight path both shares add up to 1: divide alpha by the sum.",
                lambda x, e, share: of_ddpm(x, e, share, time=lambda a, s: a),
            ),
            (
                "time and place are still DDPM's own: divide both by alpha + sigma.",
                lambda x, e, share: of_ddpm(x, e, share, time=lambda a, s: a, place=lambda a, s: x),
            ),
            (
                "the time is the share of *variance*. Both paths have the same ratio alpha / sigma = t / (1 - t).",
                lambda x, e, share: of_ddpm(x, e, share, time=lambda a, s: a**2),
            ),
            (
                "the time runs the other way there: here t = 0 is noise and t = 1 is data.",
                lambda x, e, share: of_ddpm(x, e, share, time=lambda a, s: s / (a + s)),
            ),
            (
                "the place is still DDPM's: divide x by alpha + sigma.",
                lambda x, e, share: of_ddpm(x, e, share, place=lambda a, s: x),
            ),
            (
                "x / alpha is the picture plus noise, not a place on the straight path: divide by alpha + sigma.",
                lambda x, e, share: of_ddpm(x, e, share, place=lambda a, s: x / a),
            ),
            (
                "the velocity points from the picture to the noise. A flow goes to the picture: clean - noise.",
                lambda x, e, share: of_ddpm(x, e, share, speed=lambda c, a, s: e - c),
            ),
            (
                "clean was not divided by alpha: x - sigma noise is alpha times the picture.",
                lambda x, e, share: of_ddpm(x, e, share, speed=lambda c, a, s: a * c - e),
            ),
            (
                "the guess of the clean picture came as velocity; take the noise away from it.",
                lambda x, e, share: of_ddpm(x, e, share, speed=lambda c, a, s: c),
            ),
            (
                "that is the v of v-prediction, alpha noise - sigma clean: the speed on DDPM's own circle.",
                lambda x, e, share: of_ddpm(x, e, share, speed=lambda c, a, s: a * e - s * c),
            ),
        ),
    ),
    Exercise(
        key="11.2",
        function="steer",
        title="Two wishes and one refusal",
        points=1,
        look="chapter 11, «Guidance»",
        onward="What does one wish add to the velocity without a wish? Add that of each wish, the base once.",
        checked="six sets of wishes, refusals among them",
        cases=wish_cases,
        expected=steered,
        hints=(
            (
                "the base is in it once for each wish; it counts once.",
                lambda u, told, w: steered(u, told, w) + (len(w) - 1) * u,
            ),
            (
                "the weights were made to add up to 1. They are no shares: guidance may be larger than 1.",
                lambda u, told, w: steered(u, told, w / w.sum()),
            ),
            (
                "the told velocities were added as they are; a wish's effect is told - untold.",
                lambda u, told, w: u + np.tensordot(w, told, axes=1),
            ),
            (
                "the told velocities alone were added. Take `untold` from each, and add it once as the base.",
                lambda u, told, w: np.tensordot(w, told, axes=1),
            ),
            (
                "the base is missing: without any wish the velocity is `untold`.",
                lambda u, told, w: np.tensordot(w, told - u, axes=1),
            ),
            (
                "the mean over the wishes came; each wish has its full effect: the sum.",
                lambda u, told, w: steered(u, told, w / len(w)),
            ),
            (
                "refusals were dropped: a negative weight pushes away.",
                lambda u, told, w: steered(u, told, np.maximum(w, 0)),
            ),
            ("a refusal works as a wish there: keep the sign of the weights.", lambda u, t, w: steered(u, t, abs(w))),
            (
                "that is the other convention, 1 + w. Here a weight of 1 follows the wish as the data do.",
                lambda u, told, w: steered(u, told, 1 + w),
            ),
            (
                "the wrong way: it pushes away from what is wished for. The effect is told - untold.",
                lambda u, told, w: steered(u, told, -w),
            ),
            (
                "only the first wish was followed; all K count.",
                lambda u, told, w: steered(u, told[:1], w[:1]),
            ),
        ),
    ),
    Exercise(
        key="11.3",
        function="bound",
        title="A bound with a learnt prior",
        points=2,
        special=judge_finite,
        look="chapter 11, «A VAE in a page»",
        onward="Which Gaussian's variance stands below the fraction, and what is left when both are equal? Test that "
        "the KL is then 0.",
        checked="five batches, logits up to 900 in size, codes of one number and of several",
        cases=bound_cases,
        expected=bits,
        hints=(
            ("that is in nats a pixel: divide by log 2.", lambda *v: bits(*v) * np.log(2)),
            ("bits of the whole picture came; a pixel's share was asked for.", lambda *v: bits(*v) * v[0].shape[1]),
            (
                "the KL is the other way round: q comes first, its draws are averaged over; the prior's variance "
                "divides.",
                lambda i, x, m, v, pm, pv: bits(i, x, pm, pv, m, v),
            ),
            (
                "you took N(0, 1) as the prior. This one is learnt: it has a mean and a variance of its own.",
                lambda i, x, m, v, pm, pv: bits(i, x, m, v, 0 * m, 0 * v),
            ),
            (
                "the prior's mean is in it, its variance is not.",
                lambda i, x, m, v, pm, pv: bits(i, x, m, v, pm, 0 * v),
            ),
            ("the KL is twice as large as it should be: the factor 1/2.", lambda *v: bits(*v, weight=2.0)),
            (
                "the KL was averaged over the code. Its numbers are independent: add up.",
                lambda *v: bits(*v, add=np.mean),
            ),
            (
                "that is the ELBO. The bound on the length of the code is its negative.",
                lambda *v: -bits(*v),
            ),
            (
                "exp(log_variance / 2) is the standard deviation; the KL's fraction takes the variance.",
                lambda *v: bits(*v, kl=lambda *c: code_kl(*c, variance=lambda log: np.exp(log / 2))),
            ),
            (
                "log_variance was taken for the logarithm of the standard deviation; exp of it is the variance.",
                lambda i, x, m, v, pm, pv: bits(i, x, m, 2 * v, pm, 2 * pv),
            ),
            ("the KL is missing: the code z costs bits too.", lambda *v: bits(*v, weight=0.0)),
            (
                "the pixels' nats were divided by P, the KL was not. The whole sum is shared among the pixels.",
                lambda *v: bits(*v, weight=v[0].shape[1]),
            ),
            (
                "clipped: with shares 1e-7 away from 0 and 1 no error costs more than 16 nats. Use the logits.",
                lambda *v: bits(*v, pixel=clipped),
            ),
        ),
    ),
    Exercise(
        key="11.4",
        function="two_step",
        title="Second order for the price of first",
        points=3,
        look="chapter 11, «The shipped flow: how many evaluations?»",
        onward="Draw the line through the last two velocities over time. What is its mean over the coming step, in "
        "the velocity now and its change?",
        checked="six walks with uneven steps, one of a single step",
        cases=walk_cases,
        expected=two_step,
        hints=(
            (
                "3/2 and -1/2 are right for equal steps only. Over which time did the velocity change, over which does "
                "this step go on?",
                lambda *v: two_step(*v, share=lambda now, before: 0.5),
            ),
            (
                "the sign of the change: go on in the direction in which the velocity has changed.",
                lambda *v: two_step(*v, sign=-1.0),
            ),
            ("that is Euler in every step: the last velocity is not used.", lambda *v: two_step(*v, sign=0.0)),
            ("that is Heun: it looks at the far end too, two evaluations a step. One was asked for.", heun),
            (
                "the first step costs two evaluations there (Heun). It is Euler's.",
                lambda *v: heun(*v, only_first=True),
            ),
            (
                "the ratio is upside down: the present step's length over the previous one's.",
                lambda *v: two_step(*v, share=lambda now, before: before / (2 * now)),
            ),
            (
                "the first step was left out: without a previous velocity it is Euler's.",
                lambda *v: two_step(*v, start=False),
            ),
            (
                "the line was followed to the end of the step. Its mean over the step is reached half-way.",
                lambda *v: two_step(*v, share=lambda now, before: now / before),
            ),
            (
                "half of the change was taken for half of the present step, in whole units of time: divide by the "
                "previous step's length.",
                lambda *v: two_step(*v, share=lambda now, before: now / 2),
            ),
            (
                "the previous velocity stays that of the first step. Renew it in every step, with its length.",
                lambda *v: two_step(*v, first_old=True),
            ),
        ),
    ),
    Exercise(
        key="11.5",
        function="clock",
        title="Design: a better clock",
        points=3,
        look="chapter 11, «Diffusion learns the same thing»",
        onward="The exact width is the length of the arrow (1 - t, t s). By which angle does a step turn the arrow, "
        "and what does Euler lose by it?",
        checked="five pairs of n and s: Euler's width is right within 1.8 / n",
        cases=clock_cases,
        judge=judge_clock,
    ),
)
