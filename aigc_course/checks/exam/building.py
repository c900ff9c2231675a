"""Variants for chapters 01 to 04: rates, ridges, the best discriminator, overlaps, scales, averages."""

import numpy as np

from aigc_course.checks.exam.variant import derive

__all__ = ["FAMILIES"]


def _grouped_errors(labels, predictions, group, statistic):
    """Mean, largest or least error rate of the groups that occur."""
    return statistic([(labels != predictions)[group == one].mean() for one in np.unique(group)])


def _error_rate(base, seed, rng):
    groups = int(rng.integers(2, 6))
    word, statistic = (("mean", np.mean), ("largest", np.max), ("least", np.min))[rng.integers(3)]
    return derive(
        base,
        seed,
        f"`labels` and `predictions` are integer arrays (N,), digits as they are and as they were read. Sort the "
        f"images into groups by the remainder of their **label** divided by {groups}. Take the error rate within each "
        f"group that occurs, and return the **{word}** of these rates, a number from 0 to 1.",
        f'def error_rate(labels, predictions):\n    """The {word} error rate of the groups label % {groups}."""',
        f"groups label % {groups} in the place of digits; the {word} of their rates",
        "Errors by groups",
        f"the {word} error rate of the groups label % {groups}",
        lambda y, p: _grouped_errors(y, p, y % groups, statistic),
        hints=(
            ("that is the share among all images.", lambda y, p: (y != p).mean()),
            ("you grouped by what was read.", lambda y, p: _grouped_errors(y, p, p % groups, statistic)),
        ),
    )


def _pulled_weights(x, y, ridge, target, mean):
    """Weights that minimise the sum or the mean of the squares + ridge |w - target|²."""
    n, features = x.shape
    share = 1 / n if mean else 1.0
    return np.linalg.solve(share * x.T @ x + ridge * np.eye(features), share * x.T @ y + ridge * target)


def _ridge(base, seed, rng):
    target = float(rng.choice([0.5, 1.0, 2.0, -1.0, -0.5]))
    mean = bool(rng.integers(2))
    front = r"\frac1N\sum_i" if mean else r"\sum_i"
    return derive(
        base,
        seed,
        f"The weights of a linear learner minimise\n\n$${front} (x_i^\\top w - y_i)^2 + \\kappa \\sum_j (w_j - c)^2,"
        f"\\qquad c = {target:g}.$$\n\nThe penalty draws every weight to $c$, not to 0. Return $w$, shape (F,). `x` is "
        "(N, F), `y` is (N,), `ridge` is $\\kappa$.",
        'def ridge_weights(x, y, ridge):\n    """Weights (F,) that minimise squares + ridge · Σ (w - c)²."""',
        f"the penalty draws to {target:g}; {'mean' if mean else 'sum'} of the squares",
        "A ridge that draws elsewhere",
        f"weights drawn to {target:g} with the {'mean' if mean else 'sum'} of squares",
        lambda x, y, r: _pulled_weights(x, y, r, target, mean),
        hints=(
            ("mean and sum of the squares are exchanged.", lambda x, y, r: _pulled_weights(x, y, r, target, not mean)),
            ("the sign of c.", lambda x, y, r: _pulled_weights(x, y, r, -target, mean)),
        ),
    )


def _share_of(p, q, real, fake, of_fake):
    """D* for `real` real images to `fake` fakes; the probability of fake instead where asked for."""
    top = fake * q if of_fake else real * p
    return top / (real * p + fake * q)


def _best(base, seed, rng):
    real, fake = ((2, 1), (4, 1), (5, 2), (1, 3), (2, 5), (3, 2), (1, 5), (7, 2))[rng.integers(8)]
    of_fake = bool(rng.integers(2))
    word = "fake" if of_fake else "real"
    return derive(
        base,
        seed,
        f"$D$ sees **{real} real {'image' if real == 1 else 'images'} to {fake} {'fake' if fake == 1 else 'fakes'}**, "
        f"and it is asked for the probability that an image is **{word}**: the cross-entropy rewards it for that. "
        "`p_data` and `p_g` are arrays (N,) of positive densities. Return the best $D$ at these points, shape (N,).",
        f'def best_discriminator(p_data, p_g):\n    """The best probability of *{word}*, shape (N,)."""',
        f"{real} : {fake}; probability of {word}",
        "The best discriminator of yet another batch",
        f"the best probability of {word} with {real} : {fake}",
        lambda p, q: _share_of(p, q, real, fake, of_fake),
        hints=(
            (
                f"that is the probability of {'real' if of_fake else 'fake'}.",
                lambda p, q: _share_of(p, q, real, fake, not of_fake),
            ),
            ("the shares are exchanged.", lambda p, q: _share_of(p, q, fake, real, of_fake)),
            ("that is for equal numbers.", lambda p, q: _share_of(p, q, 1, 1, of_fake)),
        ),
    )


def _overlap_dilated(kernel, stride, dilation, padding):
    """How many entries a · dilation - padding fall on each place of a group."""
    places = (np.arange(kernel) * dilation - padding) % stride
    return np.bincount(places, minlength=stride)


def _overlap(base, seed, rng):
    dilation, padding = int(rng.choice([2, 3])), int(rng.integers(1, 4))
    return derive(
        base,
        seed,
        f"A transposed convolution in one dimension with `dilation` {dilation}: input $i$ puts entry $a$ of its kernel "
        f"on the place stride · $i$ + {dilation}$a$ − {padding}, for the first {padding} "
        f"{'place was' if padding == 1 else 'places were'} cut off. In the middle of a long output, how many entries "
        "of kernels fall on place $r$ of a group of `stride` places that begins at a multiple of `stride`? Return the "
        "counts, shape (stride,).",
        'def overlap(kernel, stride):\n    """How many entries reach each place of a group: integers (stride,)."""',
        f"dilation {dilation}, {padding} cut off",
        "Checkerboards of a dilated kernel",
        f"counts for dilation {dilation} with {padding} places cut off",
        lambda k, s: _overlap_dilated(k, s, dilation, padding),
        hints=(
            ("nothing was cut off there.", lambda k, s: _overlap_dilated(k, s, dilation, 0)),
            (
                "the wrong way: what is cut off moves entries to lower places.",
                lambda k, s: _overlap_dilated(k, s, dilation, -padding),
            ),
            ("the dilation is missing.", lambda k, s: _overlap_dilated(k, s, 1, padding)),
        ),
    )


def _rescaled(images, low, high, first, inverted):
    """Bytes to floats from low (black) to high (white), or turned over; with the channel first or last."""
    share = images.astype(float) / 255
    share = 1 - share if inverted else share
    return (low + (high - low) * share)[:, None] if first else (low + (high - low) * share)[..., None]


def _scale(base, seed, rng):
    low, high = ((-2.0, 2.0), (0.0, 4.0), (-3.0, 1.0), (-0.5, 1.5), (1.0, 3.0))[rng.integers(5)]
    first, inverted = bool(rng.integers(2)), bool(rng.integers(2))
    black, white = (high, low) if inverted else (low, high)
    shape = "(B, 1, 28, 28)" if first else "(B, 28, 28, 1)"
    return derive(
        base,
        seed,
        f"`images` are bytes (B, 28, 28), uint8. A network of another library takes floats {shape}, **black {black:g}, "
        f"white {white:g}**. Return what it takes.",
        f'def to_network(images):\n    """uint8 (B, 28, 28) -> floats {shape}, black {black:g}, white {white:g}."""',
        f"black {black:g}, white {white:g}, channel {'first' if first else 'last'}",
        "Bytes for another network",
        f"floats {shape}, black {black:g}, white {white:g}",
        lambda x: _rescaled(x, low, high, first, inverted),
        hints=(
            ("black and white are exchanged.", lambda x: _rescaled(x, low, high, first, not inverted)),
            ("the channel's axis is at the other end.", lambda x: _rescaled(x, low, high, not first, inverted)),
        ),
    )


def _ema_with_warm_up(weights, decay, offset):
    """An average from the first row whose decay grows: row t (from 0) has min(decay, (1 + t) / (offset + t))."""
    average = weights[0]
    for t, row in enumerate(weights[1:], start=1):
        rate = decay if offset is None else min(decay, (1 + t) / (offset + t))
        average = rate * average + (1 - rate) * row
    return average


def _average(base, seed, rng):
    offset = int(rng.choice([3, 5, 10, 20]))
    return derive(
        base,
        seed,
        f"`weights` is (T, N), row $t$ after step $t$, counted from 0. The average starts at row 0. For row $t \\ge 1$ "
        f"it is $a_t = \\rho_t a_{{t-1}} + (1-\\rho_t)\\theta_t$ with\n\n$$\\rho_t = \\min\\Big(\\rho, \\frac{{1+t}}"
        f"{{{offset}+t}}\\Big),$$\n\nso that early rows fade soon; `decay` is $\\rho$. Return $a_{{T-1}}$, (N,).",
        'def moving_average(weights, decay):\n    """The average with a growing decay over weights (T, N): (N,)."""',
        f"starts at the first row; decay grows as (1 + t) / ({offset} + t)",
        "An average that learns to remember",
        f"the average with the decay min(ρ, (1 + t) / ({offset} + t))",
        lambda w, d: _ema_with_warm_up(w, d, offset),
        hints=(
            ("the decay is constant there.", lambda w, d: _ema_with_warm_up(w, d, None)),
            ("rows are counted from 1 there.", lambda w, d: _ema_counted_from_one(w, d, offset)),
        ),
    )


def _ema_counted_from_one(weights, decay, offset):
    """A mistake: the second row has t = 2."""
    average = weights[0]
    for t, row in enumerate(weights[1:], start=2):
        rate = min(decay, (1 + t) / (offset + t))
        average = rate * average + (1 - rate) * row
    return average


def _turns(h, penalty, moves, slope):
    """Both eigenvalues of a step in which ψ moves `moves` times, then θ answers: a 2 × 2 matrix written out."""
    keep = (1 - h * penalty) ** moves
    pull = h * slope * sum((1 - h * penalty) ** j for j in range(moves))
    return np.linalg.eigvals(np.array([[1 - h * slope * pull, h * slope * keep], [-pull, keep]], dtype=complex))


def _eigenvalues(base, seed, rng):
    moves, critic = int(rng.integers(2, 5)), bool(rng.integers(2))
    slope = 1.0 if critic else 0.5
    word = "1, as with a Wasserstein critic" if critic else "½, σ'(0) being there"
    front = "" if critic else r"\tfrac12\,"
    return derive(
        base,
        seed,
        f"The Dirac-GAN near its equilibrium, where the loss has the slope {word}: one step of $\\psi$ is $\\psi - h\\,"
        f"({front}\\theta + \\gamma\\psi)$, one of $\\theta$ is $\\theta + {front}h\\,\\psi$. Here the "
        f"discriminator moves **first, and {moves} times**, with $\\theta$ as it was; then $\\theta$ "
        "answers the new $\\psi$ once. Return both eigenvalues of the map from $(\\theta, \\psi)$ to the next, in any "
        "order, complex where need be, for numbers `h` and `gamma`.",
        'def dirac_eigenvalues(h, gamma):\n    """Both eigenvalues of a step, D first: array (2,)."""',
        f"D first and {moves} times, slope {slope:g}",
        "More turns for D",
        f"both eigenvalues for seven pairs (h, γ) with {moves} moves of D",
        lambda h, g: _turns(h, g, moves, slope),
        hints=(
            ("D moves once there.", lambda h, g: _turns(h, g, 1, slope)),
            ("the slope is another.", lambda h, g: _turns(h, g, moves, 1.5 - slope)),
        ),
    )


FAMILIES = {
    "01.1": _error_rate,
    "01.2": _ridge,
    "02.1": _best,
    "02.5": _eigenvalues,
    "03.3": _overlap,
    "04.1": _scale,
    "04.2": _average,
}
