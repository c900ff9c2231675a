"""Exercises of chapter 02: the minimax game."""

import numpy as np

from aigc_course.checks import game
from aigc_course.checks.exercise import Exercise
from aigc_course.checks.formulas import sigmoid

__all__ = ["EXERCISES"]


EXERCISES = (
    Exercise(
        key="02.1",
        function="best_discriminator",
        title="The best discriminator of another batch",
        points=1,
        checked="D* for six pairs of densities, three real images for each fake",
        cases=game.density_cases,
        expected=game.best,
        look="chapter 02, «The best discriminator»",
        onward="write what one point x earns, v(d), with the weight ¾ at the real density and ¼ at that of the fakes. "
        "Then set its slope to 0, as the chapter does without weights.",
        hints=(
            (
                "that is D* where real images and fakes come in equal numbers. Here three of four are real.",
                lambda p, q: p / (p + q),
            ),
            (
                "the shares are exchanged: the real density has the weight ¾, that of the fakes ¼.",
                lambda p, q: p / (p + 3 * q),
            ),
            (
                "that is the probability of *fake*. Real is 1.",
                lambda p, q: q / (3 * p + q),
            ),
            (
                "you multiplied the old D* by ¾. The weights belong to the densities, above and below the line.",
                lambda p, q: 0.75 * p / (p + q),
            ),
            (
                "the weight stands above the line only: where p_data is large, that is more than 1, no probability.",
                lambda p, q: 3 * p / (p + q),
            ),
            ("you returned a ratio of densities. It goes up to infinity; D is a probability.", lambda p, q: 3 * p / q),
            ("you returned the best *logit*. The sigmoid of it is D*.", lambda p, q: np.log(3 * p / q)),
            (
                "you returned ¾ everywhere: that is D* where both densities are equal.",
                lambda p, q: np.full_like(p, 0.75),
            ),
            ("you returned p_data itself. D compares it with p_g.", lambda p, q: p),
            (
                "you divided by one sum over all points. D*(x) knows only the densities at x.",
                lambda p, q: 3 * p / (3 * p + q).sum(),
            ),
            (
                "you weighted with 4 : 1. Three of four images are real: that is 3 : 1.",
                lambda p, q: 4 * p / (4 * p + q),
            ),
        ),
    ),
    Exercise(
        key="02.2",
        function="jsd",
        title="What that game is worth",
        points=2,
        checked="eight pairs of distributions with shares from 0.1 to 0.9, three with zeros, two without any overlap",
        cases=game.distribution_cases,
        expected=game.jsd,
        special=game.judge_divergence,
        look="chapter 02, «What the game is worth»",
        onward="put D* = share · p / m into V, with m = share · p + (1 - share) · q. The logarithm of each weight "
        "comes out of its sum, and all of them together are the entropy; what stays are two KL divergences.",
        hints=(
            (
                "that is the divergence for a share of ½. Here the share weighs the KL terms and the mixture.",
                lambda p, q, w: game.jsd(p, q, 0.5),
            ),
            (
                "the mixture is weighted, the two KL terms are not: put share and 1 - share in front of them.",
                lambda p, q, w: 0.5 * (game.kl(p, w * p + (1 - w) * q) + game.kl(q, w * p + (1 - w) * q)),
            ),
            (
                "no weights in front of the KL terms: share and 1 - share are missing there.",
                lambda p, q, w: game.kl(p, w * p + (1 - w) * q) + game.kl(q, w * p + (1 - w) * q),
            ),
            (
                "the KL terms are weighted, the mixture is not: m is what a batch holds, share · p + (1 - share) · q.",
                lambda p, q, w: w * game.kl(p, (p + q) / 2) + (1 - w) * game.kl(q, (p + q) / 2),
            ),
            ("the shares are exchanged: `share` is that of p.", lambda p, q, w: game.jsd(p, q, 1 - w)),
            (
                "the mixture has the shares exchanged: `share` is that of p, there too.",
                lambda p, q, w: w * game.kl(p, (1 - w) * p + w * q) + (1 - w) * game.kl(q, (1 - w) * p + w * q),
            ),
            (
                "that is in bits: log2. This course measures in nats, with log.",
                lambda p, q, w: game.jsd(p, q, w) / np.log(2),
            ),
            (
                "that is only the term of p, half of the story. Add that of q.",
                lambda p, q, w: w * game.kl(p, w * p + (1 - w) * q),
            ),
            (
                "that is the value of the game. The entropy of the share is still in it: add it.",
                lambda p, q, w: game.jsd(p, q, w) - game.entropy(w),
            ),
            (
                "you averaged over the places. A KL is a sum: p itself is the weight.",
                lambda p, q, w: game.jsd(p, q, w) / len(p),
            ),
            ("that is the square root. No root was asked for.", lambda p, q, w: np.sqrt(game.jsd(p, q, w))),
            (
                "you left out each place where one of p and q is 0. Where only q is 0 the term of p stays, where only "
                "p is 0 that of q: drop from each KL only the places where its *first* one is 0.",
                game.jsd_on_overlap,
            ),
            (
                "both KL compare p and q with each other. Here both compare with the mixture m, and stay finite.",
                lambda p, q, w: w * game.kl(p, q) + (1 - w) * game.kl(q, p),
            ),
        ),
    ),
    Exercise(
        key="02.3",
        function="discriminator_loss",
        title="The discriminator's slopes by hand",
        points=3,
        checked="the loss and four slopes for eight small networks, two of them with logits as far out as 800",
        cases=game.network_cases,
        expected=game.loss_and_slopes,
        outputs=5,
        special=game.judge_network,
        look="chapter 02, «Why logits» for the loss of one logit and its slope, «Does a trained network find the best "
        "discriminator» for the two means and the ½ that is not there",
        onward="the slope of softplus(l) for l is σ(l); divide it by the batch it was averaged over. From there go "
        "back one layer at a time: c, v, then through tanh with 1 - tanh², then b and w. Real images and fakes add up.",
        hints=(
            (
                "the labels are exchanged: real is 1, fake is 0. Your D is rewarded for calling fakes real.",
                lambda *a: game.loss_and_slopes(*a, signs=(1, -1)),
            ),
            (
                "half of what was asked for: that is the mean over real and fake together, as chapter 02 trains. "
                "Here both means are added.",
                lambda *a: game.loss_and_slopes(*a, half=0.5),
            ),
            (
                "you added up over the batches. Each expectation is a mean over its own batch.",
                lambda *a: game.loss_and_slopes(*a, mean=lambda n: 1),
            ),
            (
                "you divided both by the number of real images and fakes together: each is a mean over its own batch.",
                lambda real, fake, *a: game.loss_and_slopes(real, fake, *a, mean=lambda n: len(real) + len(fake)),
            ),
            (
                "you divided the fakes' part by the number of real images: each is a mean over its own batch.",
                lambda real, fake, *a: game.loss_and_slopes(real, fake, *a, mean=lambda n: len(real)),
            ),
            (
                "the slope of tanh is missing between v and the first layer: 1 - tanh².",
                lambda *a: game.loss_and_slopes(*a, bend=np.ones_like),
            ),
            (
                "the slope of tanh is 1 - tanh², not 1 - tanh.",
                lambda *a: game.loss_and_slopes(*a, bend=lambda h: 1 - h),
            ),
            (
                "h(1 - h) is the slope of a sigmoid. The hidden units are tanh: 1 - h².",
                lambda *a: game.loss_and_slopes(*a, bend=lambda h: h * (1 - h)),
            ),
            (
                "the fakes have the label of real images: for them it is softplus(+l).",
                lambda *a: game.loss_and_slopes(*a, signs=(-1, -1)),
            ),
            (
                "the fakes are missing: D would call everything real.",
                lambda *a: game.loss_and_slopes(*a, signs=(-1, 0)),
            ),
            ("the real images are missing: D would call all fake.", lambda *a: game.loss_and_slopes(*a, signs=(0, 1))),
            (
                "that is the generator's loss: it wants D to say 1 to its fakes.",
                lambda *a: game.loss_and_slopes(*a, signs=(0, -1)),
            ),
            (
                "the sign: that is the value of the game, which D maximises. Its loss is the negative.",
                lambda *a: tuple(-part for part in game.loss_and_slopes(*a)),
            ),
            (
                "the slope of w lacks the factor x: it came out like that of b.",
                lambda *a: [game.loss_and_slopes(*a)[i] for i in (0, 2, 2, 3, 4)],
            ),
        ),
    ),
    Exercise(
        key="02.4",
        function="generator_slopes",
        title="Two other losses for the generator",
        points=2,
        checked="both slopes for six sets of logits and targets",
        cases=game.slope_cases,
        outputs=2,
        expected=game.generator_slopes,
        special=game.judge_slopes,
        look="chapter 02, «Two losses for the generator»",
        onward="differentiate with respect to D first, then multiply by σ'(l) = σ(l)(1 - σ(l)): the chain rule. "
        "What stands below a fraction line cancels.",
        hints=(
            (
                "the two are exchanged: least squares first, then the smoothed cross-entropy.",
                lambda x, t: game.generator_slopes(x, t)[::-1],
            ),
            (
                "those are the slopes of chapter 02's two losses. Here are two others.",
                lambda x, t: (-sigmoid(x), -sigmoid(-x)),
            ),
            (
                "you averaged. One slope for each logit was asked for.",
                lambda x, t: [part.mean() for part in game.generator_slopes(x, t)],
            ),
            (
                "you divided by the number of logits: each loss here belongs to one image.",
                lambda x, t: [part / len(x) for part in game.generator_slopes(x, t)],
            ),
        ),
    ),
    Exercise(
        key="02.5",
        function="dirac_eigenvalues",
        title="Will it converge in turn",
        points=2,
        checked="both eigenvalues for seven pairs (h, γ), complex ones and real ones",
        cases=game.dirac_cases,
        expected=game.update_eigenvalues,
        how="in_any_order",
        unordered=True,
        special=game.judge_root,
        look="chapter 02, «Eigenvalues in one minute»",
        onward="write both steps with σ = ½: θ' = θ + h ψ / 2, then ψ' with θ' in it. Put the first into the second, "
        "and read the 2 × 2 matrix off.",
        hints=(
            (
                "that is the simultaneous update, I + hJ with eigenvalues 1 + hλ. Here ψ answers the new θ.",
                lambda h, g: game.eigenvalues(1, h / 2, -h / 2, 1 - h * g),
            ),
            (
                "those are the eigenvalues of the field's Jacobian J. The update adds h times the field to where one "
                "stands, one player after the other.",
                lambda h, g: game.eigenvalues(0, 0.5, -0.5, -g),
            ),
            (
                "the 1 is missing: a step adds h times the field to where you stand.",
                lambda h, g: game.update_eigenvalues(h, g) - 1,
            ),
            ("σ(0) = ½ is missing beside h.", lambda h, g: game.update_eigenvalues(h, g, slope=1.0)),
            (
                "the penalty has the wrong sign: it pulls ψ back to 0.",
                lambda h, g: game.update_eigenvalues(h, g, pull=-1.0),
            ),
            ("γ is missing.", lambda h, g: game.update_eigenvalues(h, 0.0)),
            (
                "both players go up: θ descends where ψ ascends, so ψ meets -θ'.",
                lambda h, g: game.eigenvalues(1, h / 2, h / 2, 1 - h * g + h * h / 4),
            ),
            (
                "h² / 4 has the wrong sign: ψ' = ψ - h θ' / 2 - …, and θ' brings + h ψ / 2 with it.",
                lambda h, g: game.eigenvalues(1, h / 2, -h / 2, 1 - h * g + h * h / 4),
            ),
            (
                "those are the moduli |λ|. The eigenvalues themselves were asked for, complex where need be.",
                lambda h, g: np.abs(game.update_eigenvalues(h, g)),
            ),
            (
                "h is missing beside γ: the step adds h times all of ψ's slope, the penalty's part too.",
                lambda h, g: game.eigenvalues(1, h / 2, -h / 2, 1 - h * h / 4 - g),
            ),
            ("γ stands halved: the slope of γ ψ² / 2 is γ ψ.", lambda h, g: game.update_eigenvalues(h, g, pull=0.5)),
        ),
    ),
)
