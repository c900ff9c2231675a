"""Exercises of chapter 06: mode collapse."""

import numpy as np

from aigc_course.checks.exercise import Exercise
from aigc_course.checks.formulas import softplus
from aigc_course.checks.modes import (
    averaged,
    bin_cases,
    bin_scores,
    blind_cases,
    blind_share,
    counts,
    different_bins,
    entropy,
    forward_of_hit,
    judge_bins,
    judge_blind,
    judge_empty,
    judge_flat,
    kl,
    kmeans,
    length,
    mode_cases,
    near,
    of_hit_only,
    of_scores,
    pair_cases,
    paired,
    penalty_cases,
    reverse_kl,
    slopes,
    square_cases,
    trained,
    two_sided,
)

__all__ = ["EXERCISES"]

EXERCISES = (
    Exercise(
        key="06.1",
        function="blind_share",
        title="What a blind guess scores",
        points=1,
        checked="four squares with modes of several widths",
        cases=square_cases,
        expected=blind_share,
        look="chapter 06, «Real and blind»",
        onward="What share of the square's area lies within 3 sigma of one centre? The discs do not meet.",
        hints=(
            ("the reach is one sigma; the protocol takes three.", lambda k, s, side: blind_share(k, s, side, 1.0)),
            ("that is one mode's share; there are k.", lambda k, s, side: blind_share(1, s, side)),
            (
                "you took a square of side 6 sigma about each centre; within 3 sigma is a disc.",
                lambda k, s, side: k * (6 * s) ** 2 / side**2,
            ),
            (
                "the radius was not squared, or sigma not: an area has two factors of length.",
                lambda k, s, side: k * np.pi * 9 * s / side**2,
            ),
            (
                "3 sigma is the radius of a disc; you took 6 sigma.",
                lambda k, s, side: blind_share(k, s, side, 6.0),
            ),
            ("an area came; divide it by the square's.", lambda k, s, side: blind_share(k, s, 1.0)),
            (
                "that is the share of a *Gaussian* within 3 sigma; the guess is uniform on the square.",
                lambda k, s, side: 1 - np.exp(-4.5),
            ),
            (
                "you multiplied by a *Gaussian's* share within 3 sigma; for a uniform guess only area counts.",
                lambda k, s, side: blind_share(k, s, side) * (1 - np.exp(-4.5)),
            ),
            (
                "that is in percent; a number from 0 to 1 was asked for.",
                lambda k, s, side: 100 * blind_share(k, s, side),
            ),
            (
                "you took the circles' circumference; a guess falls on the area within them.",
                lambda k, s, side: k * 2 * np.pi * 3 * s / side**2,
            ),
            ("divided by the side, not by the area.", lambda k, s, side: blind_share(k, s, 1.0) / side),
        ),
    ),
    Exercise(
        key="06.2",
        function="reverse_kl",
        title="Balance against unequal weights",
        points=2,
        checked="four sets of samples, each with an empty mode and stray samples",
        cases=mode_cases,
        expected=reverse_kl,
        special=judge_empty,
        look="chapter 06, «Four numbers»",
        onward="Count the good samples of each mode, make shares of them, and compare each share with its own weight.",
        hints=(
            (
                "compared with equal shares: these modes have weights of their own.",
                lambda x, c, s, w: reverse_kl(x, c, s, np.full(len(c), 1 / len(c))),
            ),
            (
                "stray samples were counted for the mode nearest to them. Only those within 3 sigma count.",
                lambda x, c, s, w: kl(counts(x, c, np.inf) / len(x), w),
            ),
            (
                "the weights were scaled to add up to 1 over the modes that were *hit*: total collapse would score 0.",
                of_hit_only,
            ),
            (
                "the shares do not add up to 1: divide by the number of good samples, not of all.",
                lambda x, c, s, w: kl(counts(x, c, 3 * s) / len(x), w),
            ),
            ("in bits: log2. This course measures in nats.", lambda x, c, s, w: reverse_kl(x, c, s, w) / np.log(2)),
            (
                "that is KL(weights ‖ shares), the other way round, without the empty modes that make it infinite. "
                "Here the *shares* weigh the terms.",
                forward_of_hit,
            ),
            ("that is the entropy of the shares: the weights are missing.", entropy),
            ("the sign: a KL divergence is never negative.", lambda x, c, s, w: -reverse_kl(x, c, s, w)),
            (
                "averaged over the modes: a KL is a sum, weighted by the shares.",
                lambda x, c, s, w: reverse_kl(x, c, s, w) / len(c),
            ),
            (
                "w is a share already; you multiplied by it where the formula divides.",
                lambda x, c, s, w: kl(counts(x, c, 3 * s) / counts(x, c, 3 * s).sum(), 1 / w),
            ),
        ),
    ),
    Exercise(
        key="06.3",
        function="gradient_penalty",
        title="A leash for the critic",
        points=3,
        checked="the penalty of six critics and its gradient with respect to their weights, a flat one among them",
        cases=penalty_cases,
        expected=near(two_sided),
        special=judge_flat,
        how="with_critic",
        outputs=2,
        rtol=2e-3,
        atol=2e-4,
        look="chapter 06, «Tip 3 Wasserstein»",
        onward="What does the chapter watch with its tape, and at which points? What must stand under the root so that "
        "a flat critic can still learn?",
        hints=(
            ("the length asked for is `target`; you took 1.", near(lambda s, target: two_sided(s, 1.0))),
            (
                "the slope was taken at the real samples; it is asked for beside them, where the noise leads.",
                trained(lambda a, b, r, n, target: two_sided(slopes(a, b, r), target)),
            ),
            (
                "the slope was taken at the noise; it is asked for at real + noise.",
                trained(lambda a, b, r, n, target: two_sided(slopes(a, b, n), target)),
            ),
            (
                "the slope was taken half-way between, as in WGAN-GP; here it is asked for at real + noise.",
                trained(lambda a, b, r, n, target: two_sided(slopes(a, b, (r + n) / 2), target)),
            ),
            (
                "the mean came first: each sample's length is compared with `target`, then comes the mean.",
                near(lambda s, target: (length(s).mean() - target) ** 2),
            ),
            (
                "the root is missing: the *length* of the slope is compared with `target`, not its square.",
                near(lambda s, target: (((s**2).sum(1) - target) ** 2).mean()),
            ),
            (
                "that is R1's form, |slope|². The target is missing: a slope is asked for, not flatness.",
                near(lambda s, target: (s**2).sum(1).mean()),
            ),
            (
                "one length was taken over the whole batch. Each sample has its own (axis 1).",
                near(lambda s, target: (np.sqrt((s**2).sum()) - target) ** 2),
            ),
            (
                "each coordinate was compared with the target. First the length over the coordinates.",
                near(lambda s, target: ((np.abs(s) - target) ** 2).mean()),
            ),
            (
                "you added up over the batch; the penalty is a mean.",
                near(lambda s, target: two_sided(s, target) * len(s)),
            ),
            (
                "slopes below the target go free: that is the one-sided penalty (WGAN-LP).",
                near(lambda s, target: (np.maximum(length(s) - target, 0) ** 2).mean()),
            ),
            (
                "the weight 10 is in it: the penalty itself was asked for, the loss multiplies it.",
                near(lambda s, target: 10 * two_sided(s, target)),
            ),
            (
                "that is the slope of the *mean* score, each sample's divided by the batch size. Sum the scores.",
                near(lambda s, target: two_sided(s / len(s), target)),
            ),
            (
                "the outer square is missing: slopes below the target would be rewarded.",
                near(lambda s, target: (length(s) - target).mean()),
            ),
        ),
    ),
    Exercise(
        key="06.4",
        function="relativistic_losses",
        title="Relativistic, on average",
        points=2,
        checked="both losses for five batches",
        cases=pair_cases,
        expected=averaged,
        outputs=2,
        look="chapter 06, «What the field found since»",
        onward="Write both gaps first, (B, 1) each: real logits less a mean, fake logits less the other mean.",
        hints=(
            ("the two losses are exchanged: D wants real above fake.", lambda r, f: averaged(f, r)),
            (
                "each real met the fake beside it: the chapter's pairs. Here it meets the *mean* of the fakes.",
                paired,
            ),
            (
                "the second half of each loss is missing: the fakes, compared with the mean of the real logits.",
                lambda r, f: (softplus(f.mean() - r).mean(), softplus(r.mean() - f).mean()),
            ),
            (
                "only the fakes are in G's loss, as in earlier chapters. Here G moves the mean that the reals are "
                "compared with, so its loss has a real half too.",
                lambda r, f: (averaged(r, f)[0], softplus(r.mean() - f).mean()),
            ),
            (
                "every real met every fake, and the mean came after the loss. Compare each logit with the other side's "
                "*mean logit*: the mean comes first, inside softplus.",
                lambda r, f: (softplus(f.T - r).mean(), softplus(r - f.T).mean()),
            ),
            (
                "both halves compare every real with every fake, so they are equal. Each half has differences of its "
                "own: logits of one side less the *mean logit* of the other.",
                lambda r, f: (2 * softplus(f.T - r).mean(), 2 * softplus(r - f.T).mean()),
            ),
            (
                "you took the difference of the means. Loss of each sample first, then the mean.",
                lambda r, f: (2 * softplus(f.mean() - r.mean()), 2 * softplus(r.mean() - f.mean())),
            ),
            (
                "those are the losses of the plain GAN: the logits are not compared with each other.",
                lambda r, f: (softplus(-r).mean() + softplus(f).mean(), softplus(-f).mean()),
            ),
            (
                "you added up over the batch; the losses are means.",
                lambda r, f: tuple(v * len(r) for v in averaged(r, f)),
            ),
            ("half of it: both halves are added, not averaged.", lambda r, f: tuple(v / 2 for v in averaged(r, f))),
            ("the sign: log σ is negative, a loss is its negative.", lambda r, f: tuple(-v for v in averaged(r, f))),
            (
                "each sample was compared with the mean of its *own* side.",
                lambda r, f: (
                    softplus(r.mean() - r).mean() + softplus(f - f.mean()).mean(),
                    softplus(r - r.mean()).mean() + softplus(f.mean() - f).mean(),
                ),
            ),
        ),
    ),
    Exercise(
        key="06.5",
        function="blind_spot",
        title="Design: fool the metrics",
        points=3,
        checked="five sets of centres: all modes, high quality, reverse KL 0, width 1, and two points a mode",
        cases=blind_cases,
        judge=judge_blind,
        look="chapter 06, «Four numbers»",
        onward="Put the two points of a mode at distance d on either side of its centre; write the width as a function "
        "of d and of how many samples the mode gets, and solve for d.",
    ),
    Exercise(
        key="06.6",
        function="different_bins",
        title="A count that needs no centres",
        points=3,
        checked="four pairs of clouds, one with a bin that stays empty",
        cases=bin_cases,
        expected=different_bins,
        special=judge_bins,
        outputs=2,
        look="chapter 05, «Is this difference a difference», and chapter 01 for k-means",
        onward="Three parts: move the centres, count both samples' shares of the bins, compare two shares by the "
        "standard error of their difference when both come from one pool.",
        hints=(
            (
                "each share had a variance of its own; where nothing differs both come from one pool, one share P.",
                lambda r, f, c, n, z: of_scores(bin_scores(r, f, kmeans(r, c, n), pooled=False), z),
            ),
            (
                "P is the share of the real samples alone; where nothing differs, the generated ones tell of P too.",
                lambda r, f, c, n, z: of_scores(bin_scores(r, f, kmeans(r, c, n), pool=lambda p, *_: p), z),
            ),
            (
                "P is half-way between the two shares; the larger sample counts for more in both together.",
                lambda r, f, c, n, z: of_scores(
                    bin_scores(r, f, kmeans(r, c, n), pool=lambda p, q, *_: (p + q) / 2), z
                ),
            ),
            (
                "the bins were made from the generated samples, or from both; the paper makes them from the real ones.",
                lambda r, f, c, n, z: of_scores(bin_scores(r, f, kmeans(np.concatenate([r, f]), c, n)), z),
            ),
            (
                "the bins were made from the generated samples. The paper makes them from the real ones.",
                lambda r, f, c, n, z: of_scores(bin_scores(r, f, kmeans(f, c, n)), z),
            ),
            (
                "the centres did not move: `rounds` rounds of k-means come first.",
                lambda r, f, c, n, z: of_scores(bin_scores(r, f, np.asarray(c)), z),
            ),
            (
                "one round of k-means too many.",
                lambda r, f, c, n, z: of_scores(bin_scores(r, f, kmeans(r, c, n + 1)), z),
            ),
            (
                "the sign: a score is above 0 where the *generated* share is the larger one.",
                lambda r, f, c, n, z: of_scores(-bin_scores(r, f, kmeans(r, c, n)), z),
            ),
            (
                "a number of bins came; the share of the k bins was asked for.",
                lambda r, f, c, n, z: (
                    (np.abs(bin_scores(r, f, kmeans(r, c, n))) > z).sum(),
                    different_bins(r, f, c, n, z)[1],
                ),
            ),
            (
                "only bins with too many samples were counted; a missing mode has too few.",
                lambda r, f, c, n, z: (
                    (bin_scores(r, f, kmeans(r, c, n)) > z).mean(),
                    different_bins(r, f, c, n, z)[1],
                ),
            ),
            (
                "the standard error counts one sample's size only: the difference of two shares has 1/N + 1/M.",
                lambda r, f, c, n, z: of_scores(
                    bin_scores(r, f, kmeans(r, c, n)) * np.sqrt((1 / len(r) + 1 / len(f)) * len(r)), z
                ),
            ),
        ),
    ),
)
