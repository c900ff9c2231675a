"""Exercises of chapter 02: the minimax game."""

import numpy as np

from aigc_course.checks.exercise import Exercise
from aigc_course.checks.formulas import sigmoid, softplus

__all__ = ["EXERCISES", "d_loss", "jsd", "update_eigenvalues"]


def _density_cases(rng):
    """(p_data (N,), p_g (N,)), positive, of different scale, two pairs of one length."""
    return [
        (rng.uniform(0.05, 1.0, n) * a, rng.uniform(0.05, 1.0, n) * b)
        for n, a, b in ((1, 1, 1), (5, 1, 2), (8, 3, 1), (6, 0.1, 0.2), (5, 2, 1), (int(rng.integers(9, 30)), 1, 1))
    ]


def _distribution_cases(rng):
    """(p (N,), q (N,)), each summing to 1; some with zeros, two pairs without overlap."""
    cases = [tuple(rng.dirichlet(np.ones(n), 2)) for n in (2, 5, 9, 5, 40)]
    p, q = rng.dirichlet(np.ones(6), 2)
    places = rng.permutation(6)
    p[places[:2]] = q[places[3:5]] = 0.0
    cases.append((p / p.sum(), q / q.sum()))
    for n in (3, int(rng.integers(4, 9))):
        p, q = rng.dirichlet(np.ones(n), 2)
        places = rng.permutation(n)
        p[places[n // 2 :]] = q[places[: n // 2]] = 0.0
        cases.append((p / p.sum(), q / q.sum()))
    return cases


def _kl(p, q):
    """Σ p log(p / q) with 0 log 0 = 0, in nats."""
    return np.where(p > 0, p * np.log(np.where(p > 0, p, 1) / np.where(p > 0, q, 1)), 0.0).sum()


def jsd(p, q):
    return 0.5 * _kl(p, (p + q) / 2) + 0.5 * _kl(q, (p + q) / 2)


def _judge_zeros(cases, values):
    """Right wherever no probability is 0, NaN where one is."""
    full = [(p > 0).all() and (q > 0).all() for p, q in cases]
    if all(
        _close(v[0], jsd(*case)) if whole else not np.isfinite(v[0]).all()
        for case, v, whole in zip(cases, values, full, strict=True)
    ):
        return (
            "right up to 0 log 0, which is 0 and not NaN: in each KL leave out the places where its *first* one is 0."
        )
    return None


def _logit_cases(rng):
    """(real_logits (B, 1), fake_logits (B, 1)); in the last two some are far out, where exp overflows."""
    cases = [
        (rng.normal(0.7, 2.0, (n, 1)).astype("float32"), rng.normal(-0.9, 2.0, (n, 1)).astype("float32"))
        for n in (1, 6, 16, 6)
    ]
    for n in (2, 5):
        real, fake = rng.normal(0, 20, (2, n, 1))
        real[rng.integers(n)], fake[rng.integers(n)] = -rng.uniform(750, 950), rng.uniform(750, 950)
        cases.append((real.astype("float32"), fake.astype("float32")))
    return cases


def d_loss(real, fake):
    return softplus(-real.astype(float)).mean() + softplus(fake.astype(float)).mean()


def _judge_far_logits(cases, values):
    """Values near zero first; a loss that is right there and infinite far out has its own hint."""
    near = all(_close(v[0], d_loss(*case)) for case, v in zip(cases[:-2], values[:-2], strict=True))
    far = np.concatenate([v[0].ravel() for v in values[-2:]])
    if far.size == 2 and near:
        if not np.isfinite(far).all():
            return (
                "right for small logits, infinite or NaN for a logit of 800: exp overflows there, or a probability "
                "rounds to 0 before its logarithm. -log σ(l) = softplus(-l) needs neither."
            )
        return (
            "right for small logits, too small for a logit of 800: a safety number within the logarithm, or a "
            "clipped sigmoid, hides how wrong D is there. softplus needs neither."
        )
    return None


def _close(a, b):
    return np.size(a) == 1 and bool(np.allclose(np.ravel(a), b, rtol=1e-4, atol=1e-6))


def _slope_cases(rng):
    """(logits (N,),), two sets of one length, one far out on both sides."""
    far = np.array([-1.0, 0.0, 1.0]) * rng.uniform(5, 9)
    return [(rng.normal(0.0, 3.0, n),) for n in (1, 4, 9, 4, int(rng.integers(10, 40)))] + [(far,)]


def _dirac_cases(rng):
    """(step size h, R1 weight gamma), γ below and above 1, where the eigenvalues turn real; one h and one γ twice."""
    pairs = [(0.2, 0.3), (0.5, 0.8), (0.1, 1.7), (0.4, 0.0), (0.3, 2.5)]
    cases = [(h * float(rng.uniform(0.7, 1.3)), g * float(rng.uniform(0.8, 1.15))) for h, g in pairs]
    return [*cases, (cases[0][0], cases[4][1]), (cases[2][0], cases[1][1])]


def _eigenvalues(a, b, c, d):
    return np.linalg.eigvals(np.array([[a, b], [c, d]], dtype=complex))


def update_eigenvalues(h, g):
    return _eigenvalues(1, h / 2, -h / 2, 1 - h * g)


def _judge_root(cases, values):
    """NaN where γ < 1: a real root of a negative number."""
    if all(np.isnan(v[0]).any() == (g < 1) for (_, g), v in zip(cases, values, strict=True)):
        return "NaN for γ < 1: the root of a negative number. There the eigenvalues are complex: np.sqrt(complex(…))."
    return None


EXERCISES = (
    Exercise(
        key="02.1",
        function="best_discriminator",
        title="The best discriminator",
        points=1,
        checked="D* for six pairs of densities",
        cases=_density_cases,
        expected=lambda p, q: p / (p + q),
        hints=(
            (
                "you returned p_g / (p_data + p_g): that is the probability of *fake*. Real is 1.",
                lambda p, q: q / (p + q),
            ),
            ("you returned the ratio p_data / p_g. It goes up to infinity; D is a probability.", lambda p, q: p / q),
            (
                "you returned log(p_data / p_g): that is the best *logit*. The sigmoid of it is D*.",
                lambda p, q: np.log(p / q),
            ),
            ("a factor ½ too much: where both densities are equal, D* is ½, not ¼.", lambda p, q: 0.5 * p / (p + q)),
            (
                "you returned ½ everywhere: that is D* at the end of the game, where p_g = p_data.",
                lambda p, q: np.full_like(p, 0.5),
            ),
            ("you returned p_data itself. D compares it with p_g.", lambda p, q: p),
            (
                "you divided by one sum over all points. D*(x) knows only the densities at x.",
                lambda p, q: p / (p + q).sum(),
            ),
        ),
    ),
    Exercise(
        key="02.2",
        function="jsd",
        title="Jensen-Shannon divergence",
        points=2,
        checked="eight pairs of distributions, three with zeros, two of them without any overlap (where it is log 2)",
        cases=_distribution_cases,
        expected=jsd,
        special=_judge_zeros,
        hints=(
            (
                "the ½ in front of both KL terms is missing: without overlap it must be log 2, not 2 log 2.",
                lambda p, q: 2 * jsd(p, q),
            ),
            ("that is in bits: log2. This course measures in nats, with log.", lambda p, q: jsd(p, q) / np.log(2)),
            ("that is only KL(p ‖ m), half of the story. Add KL(q ‖ m) and halve.", lambda p, q: _kl(p, (p + q) / 2)),
            (
                "the mixture is m = (p + q) / 2. You took the sum p + q, which is no distribution.",
                lambda p, q: 0.5 * _kl(p, p + q) + 0.5 * _kl(q, p + q),
            ),
            ("that is the Jensen-Shannon *distance*, the square root.", lambda p, q: np.sqrt(jsd(p, q))),
            ("you averaged over the places. A KL is a sum: p itself is the weight.", lambda p, q: jsd(p, q) / len(p)),
            (
                "that is the mean of KL(p ‖ q) and KL(q ‖ p). Both compare with the mixture m here, and stay finite.",
                lambda p, q: 0.5 * _kl(p, q) + 0.5 * _kl(q, p),
            ),
        ),
    ),
    Exercise(
        key="02.3",
        function="discriminator_loss",
        title="The discriminator's loss, from logits",
        points=2,
        checked="the loss for four batches of logits, and for two with logits as far out as 900",
        cases=_logit_cases,
        expected=d_loss,
        special=_judge_far_logits,
        hints=(
            (
                "the labels are exchanged: real is 1, fake is 0. Your D is rewarded for calling fakes real.",
                lambda r, f: d_loss(-r, -f),
            ),
            (
                "½ in front: Keras examples halve the sum of both terms, the game's value does not.",
                lambda r, f: 0.5 * d_loss(r, f),
            ),
            (
                "you added up over the batch. The expectations are means.",
                lambda r, f: softplus(-r.astype(float)).sum() + softplus(f.astype(float)).sum(),
            ),
            (
                "sigmoid twice: the logits went through a sigmoid, and its result was taken for a logit.",
                lambda r, f: d_loss(sigmoid(r), sigmoid(f)),
            ),
            (
                "the fakes have the label of real images: for them it is softplus(+l).",
                lambda r, f: softplus(-r.astype(float)).mean() + softplus(-f.astype(float)).mean(),
            ),
            ("the fakes are missing: D would call everything real.", lambda r, f: softplus(-r.astype(float)).mean()),
            (
                "the real images are missing: D would call everything fake.",
                lambda r, f: softplus(f.astype(float)).mean(),
            ),
            (
                "that is the generator's loss: it wants D to say 1 to its fakes.",
                lambda r, f: softplus(-f.astype(float)).mean(),
            ),
            (
                "the sign: that is the value of the game, which D maximises. Its loss is the negative.",
                lambda r, f: -d_loss(r, f),
            ),
        ),
    ),
    Exercise(
        key="02.4",
        function="generator_slopes",
        title="Two losses for the generator",
        points=2,
        checked="both slopes for six sets of logits",
        cases=_slope_cases,
        outputs=2,
        expected=lambda t: (-sigmoid(t), -sigmoid(-t)),
        hints=(
            (
                "the two are exchanged: the saturating one goes to 0 where D is sure that the image is fake (l ≪ 0).",
                lambda t: (-sigmoid(-t), -sigmoid(t)),
            ),
            (
                "the sign: both losses fall as the logit rises, so both slopes are negative.",
                lambda t: (sigmoid(t), sigmoid(-t)),
            ),
            (
                "the first slope has the wrong sign: log(1 - σ(l)) falls as l rises.",
                lambda t: (sigmoid(t), -sigmoid(-t)),
            ),
            ("the second slope has the wrong sign: -log σ(l) falls as l rises.", lambda t: (-sigmoid(t), sigmoid(-t))),
            ("those are the losses. Their derivatives were asked for.", lambda t: (-softplus(t), softplus(-t))),
            (
                "that is the slope with respect to D = σ(l), not to the logit: the factor σ'(l) is missing.",
                lambda t: (-1 / sigmoid(-t), -1 / sigmoid(t)),
            ),
            (
                "σ(l)(1 - σ(l)) is the slope of σ itself. The logarithm cancels one of the factors.",
                lambda t: (-sigmoid(t) * sigmoid(-t), -sigmoid(t) * sigmoid(-t)),
            ),
            (
                "you averaged. One slope for each logit was asked for.",
                lambda t: (-sigmoid(t).mean(), -sigmoid(-t).mean()),
            ),
            (
                "you divided by the number of logits: each loss here belongs to one image.",
                lambda t: (-sigmoid(t) / len(t), -sigmoid(-t) / len(t)),
            ),
        ),
    ),
    Exercise(
        key="02.5",
        function="dirac_eigenvalues",
        title="Will it converge",
        points=3,
        checked="both eigenvalues for seven pairs (h, γ), complex ones and real ones",
        cases=_dirac_cases,
        expected=update_eigenvalues,
        how="in_any_order",
        unordered=True,
        special=_judge_root,
        hints=(
            (
                "those are the eigenvalues of the field. One step of size h has 1 + h · λ.",
                lambda h, g: _eigenvalues(0, 0.5, -0.5, -g),
            ),
            (
                "the 1 is missing: a step adds h times the field to where you stand.",
                lambda h, g: _eigenvalues(0, h / 2, -h / 2, -h * g),
            ),
            ("σ(0) = ½ is missing beside h.", lambda h, g: _eigenvalues(1, h, -h, 1 - h * g)),
            (
                "the penalty has the wrong sign: it pulls ψ back to 0.",
                lambda h, g: _eigenvalues(1, h / 2, -h / 2, 1 + h * g),
            ),
            ("γ is missing.", lambda h, g: _eigenvalues(1, h / 2, -h / 2, 1)),
            (
                "both players go up: θ descends where ψ ascends, so the off-diagonal entries have opposite signs.",
                lambda h, g: _eigenvalues(1, h / 2, h / 2, 1 - h * g),
            ),
            (
                "those are the moduli |λ|. The eigenvalues themselves were asked for, complex where need be.",
                lambda h, g: np.abs(update_eigenvalues(h, g)),
            ),
            (
                "γ stands halved: the slope of γ ψ² / 2 is γ ψ.",
                lambda h, g: _eigenvalues(1, h / 2, -h / 2, 1 - h * g / 2),
            ),
            (
                "that is the alternating update, where ψ answers the new θ. Here both move at once.",
                lambda h, g: np.linalg.eigvals(np.array([[1, 0], [-h / 2, 1 - h * g]], complex) @ [[1, h / 2], [0, 1]]),
            ),
        ),
    ),
)
