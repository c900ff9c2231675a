"""Membership inference: was this example in the training set? Scores, attacks, and error rates that say how sure.

Everything takes scores of M models on one pool of P examples, of which each model was trained on a random half: every
model in turn is the target, the others are the shadows (LiRA: Carlini et al., 2022, arXiv 2112.03570). Higher scores
mean "member" throughout. NumPy alone.
"""

from typing import NamedTuple

import numpy as np

from aigc_course.errors import CourseError, number, whole_number

__all__ = [
    "Found",
    "auc",
    "clopper_pearson",
    "exposure",
    "halves",
    "judge_attack",
    "lira",
    "lira_of_all",
    "log_odds",
    "roc",
    "tpr_at",
]


def halves(models, pool, rng):
    """Who is trained on what: bool array (models, pool), each row a random half of the pool, rows independent.

    Independent rows matter: if every example were in exactly half of the models, the shadows of a target would tell
    by their number whether the target has the example.

    Args:
        models: int, 3 or more.
        pool: int, even: 2 n examples.
        rng: `numpy.random.Generator`.
    """
    models, pool = whole_number(models, "models", 3, hint="One target and two shadows."), whole_number(pool, "pool", 2)
    if pool % 2:
        raise CourseError(f"pool must be even, 2 n examples; received {pool}.")
    return np.argsort(rng.random((models, pool)), axis=1) < pool // 2


def log_odds(logits, labels):
    """log(p / (1 - p)) of the true class, from logits and without rounding p to 1: l_y - logsumexp of the others.

    Among members and strangers it is nearly Gaussian, which log p is not (Carlini et al., 2022, section V).

    Args:
        logits: float array (..., P, K), K >= 2.
        labels: int array (P,), from 0 to K - 1.

    Returns:
        float array (..., P).
    """
    logits, labels = np.asarray(logits, float), np.asarray(labels)
    if logits.ndim < 2 or logits.shape[-1] < 2 or labels.shape != logits.shape[-2:-1]:
        raise CourseError(f"logits (…, P, K) need labels (P,), K >= 2; received {logits.shape} and {labels.shape}.")
    own = np.arange(logits.shape[-1]) == labels[:, None]  # (P, K)
    others = np.where(own, -np.inf, logits)
    most = others.max(axis=-1)
    rest = most + np.log(np.exp(others - most[..., None]).sum(axis=-1))
    return np.where(own, logits, 0.0).sum(axis=-1) - rest


# --- the likelihood-ratio attack ---


def lira(scores, inside, target, online=True):
    """LiRA on one target: log N(s; mean_in, var_in) - log N(s; mean_out, var_out), example by example.

    The means are those of the shadows that had the example and of those that had not. The variances are pooled over
    all examples, as the paper advises for few shadows. Offline, only shadows that did not have the example count:
    the score is (s - mean_out) / sd_out, and no shadow need ever see the example that is asked about.

    Args:
        scores: float array (M, P), each model's score of each example.
        inside: bool array (M, P), who was trained on what. The target's own row is not looked at.
        target: int, the row that is attacked.
        online: bool.

    Returns:
        float array (P,). Where no shadow had the example (or all had it), the missing mean is the other one moved by
        the average gap.

    Raises:
        CourseError: shapes that do not fit, NaN, fewer than two shadows, no such target.
    """
    scores, inside = _check(scores, inside)
    target = whole_number(target, "target", 0, len(scores) - 1)
    others = np.arange(len(scores)) != target
    known, had = scores[others], inside[others]
    means, spreads = zip(*(_means(known, part) for part in (had, ~had)), strict=True)
    mean_in, mean_out = _filled(*means)
    if not online:
        return (scores[target] - mean_out) / spreads[1]
    z_in, z_out = ((scores[target] - m) / s for m, s in zip((mean_in, mean_out), spreads, strict=True))
    return (z_out**2 - z_in**2) / 2 + np.log(spreads[1] / spreads[0])


def _means(scores, chosen):
    """(mean of the chosen scores of each example (P,), NaN where there is none; pooled standard deviation)."""
    counts = chosen.sum(axis=0)
    means = np.where(chosen, scores, 0.0).sum(axis=0) / np.where(counts, counts, np.nan)
    gaps = np.where(chosen, scores - np.nan_to_num(means), 0.0)
    freedom = max(1, (counts[counts > 0] - 1).sum())
    return means, float(np.sqrt(np.square(gaps).sum() / freedom)) + 1e-12


def _filled(mean_in, mean_out):
    """Both means without holes."""
    gap = np.nanmean(mean_in - mean_out)
    return (
        np.where(np.isnan(mean_in), mean_out + gap, mean_in),
        np.where(np.isnan(mean_out), mean_in - gap, mean_out),
    )


def lira_of_all(scores, inside, online=True):
    """Every model in turn as the target: float array (M, P)."""
    return np.stack([lira(scores, inside, target, online) for target in range(len(scores))])


# --- what an attack finds ---


def roc(members, strangers):
    """The curve of an attack: (false-positive rates, true-positive rates), from (0, 0) to (1, 1).

    Args:
        members, strangers: float arrays (N,) and (M,) of scores; "member" is said from a threshold up.
    """
    members, strangers = _check_scores(members, strangers)
    thresholds = np.unique(np.concatenate([members, strangers]))[::-1]
    rates = [1 - np.searchsorted(np.sort(part), thresholds, "left") / len(part) for part in (strangers, members)]
    return tuple(np.concatenate([[0.0], rate]) for rate in rates)


def auc(members, strangers):
    """The chance that a member scores higher than a stranger; ties count a half. 0.5: the attack knows nothing."""
    members, strangers = _check_scores(members, strangers)
    strangers = np.sort(strangers)
    beaten = sum(np.searchsorted(strangers, members, side).sum() for side in ("left", "right")) / 2
    return float(beaten / len(members) / len(strangers))


def tpr_at(members, strangers, fpr):
    """The share of members found while at most a share fpr of the strangers is accused.

    Args:
        members, strangers: float arrays of scores.
        fpr: float in (0, 1). With fewer than 1 / fpr strangers no accusation of a stranger is allowed.

    Returns:
        float.
    """
    members, strangers = _check_scores(members, strangers)
    allowed = int(np.floor(number(fpr, "fpr", above=0, below=1) * len(strangers) + 1e-9))
    threshold = np.sort(strangers)[len(strangers) - 1 - allowed]  # the strangers above it are the allowed ones
    return float((members > threshold).mean())


def clopper_pearson(hits, trials, level=0.95):
    """The exact interval of a share (Clopper & Pearson, 1934): (low, high).

    low is the share at which as many hits or more have the chance (1 - level) / 2, high the one at which as few or
    fewer have it. Trials must be independent.
    """
    trials = whole_number(trials, "trials")
    hits, tail = whole_number(hits, "hits", 0, trials), (1 - number(level, "level", above=0, below=1)) / 2
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, trials + 1)))])
    k = np.arange(trials + 1)
    ways = logs[-1] - logs - logs[::-1]

    def at_most(count, p):
        return np.exp(ways + k * np.log(p) + (trials - k) * np.log1p(-p))[: count + 1].sum()

    low = 0.0 if hits == 0 else _root(lambda p: 1 - at_most(hits - 1, p) - tail)
    high = 1.0 if hits == trials else _root(lambda p: tail - at_most(hits, p))
    return low, high


def _root(rising):
    """Where a rising function on (0, 1) is 0, by halving."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return (low + high) / 2


class Found(NamedTuple):
    """What an attack found, over all targets: each value with its 95 % interval (low, high)."""

    auc: float
    auc_interval: tuple
    tpr: float
    tpr_interval: tuple


def judge_attack(scores, inside, rng, fpr=0.01, draws=100):
    """AUC and TPR at a low FPR of scores on all targets, one threshold for all.

    The intervals come from a bootstrap that draws targets and examples anew, each with replacement: scores of one
    target, and of one example, hang together, and a bootstrap over single scores would promise too much (Owen, 2007).

    Args:
        scores: float array (M, P); higher means member.
        inside: bool array (M, P), the truth.
        rng: `numpy.random.Generator`.
        fpr: float in (0, 1).
        draws: int, of the bootstrap.

    Returns:
        `Found`.
    """
    scores, inside = _check(scores, inside)
    whole_number(draws, "draws", 10)

    def both(rows, columns):
        s, m = scores[np.ix_(rows, columns)], inside[np.ix_(rows, columns)]
        return auc(s[m], s[~m]), tpr_at(s[m], s[~m], fpr)

    shape = scores.shape
    again = [both(*(rng.integers(size, size=size) for size in shape)) for _ in range(draws)]
    low, high = np.quantile(again, (0.025, 0.975), axis=0)
    value = both(*map(np.arange, shape))
    return Found(value[0], (float(low[0]), float(high[0])), value[1], (float(low[1]), float(high[1])))


def exposure(secret, others):
    """How much better than its rivals a model likes a planted secret, in bits: log2(count) - log2(rank).

    Carlini et al., 2019, arXiv 1802.08232. log2(count) for the best; 1.44 in the mean for a rank by chance. Rivals that
    the model likes as much stand half before, half behind: where it likes all the same, exposure is 1.

    Args:
        secret: float, the model's loss on the planted one.
        others: float array (N,), losses on secrets that might have been planted as well.
    """
    others = np.asarray(others, float)
    if others.ndim != 1 or not len(others) or not np.isfinite(others).all():
        raise CourseError(f"others must be a finite array (N,), losses of rival secrets; received {others.shape}.")
    secret = number(secret, "secret")
    rank = 1 + (others < secret).sum() + (others == secret).sum() / 2
    return float(np.log2(len(others) + 1) - np.log2(rank))


def _check(scores, inside):
    """Scores as float64 and who was inside as bool, both (M, P), or what is wrong with them."""
    scores, inside = np.asarray(scores, float), np.asarray(inside)
    if scores.ndim != 2 or scores.shape != inside.shape or len(scores) < 3 or inside.dtype != bool:
        raise CourseError(
            "scores and inside must be (M, P), M >= 3, a float and a bool array; "
            f"received {scores.shape} and {inside.shape}, {inside.dtype}."
        )
    if not np.isfinite(scores).all():
        raise CourseError("scores must be finite; received NaN or infinity. Take log_odds of logits, not of p = 1.")
    return scores, inside


def _check_scores(members, strangers):
    """Two finite samples of scores, not empty."""
    members, strangers = np.asarray(members, float).ravel(), np.asarray(strangers, float).ravel()
    if not len(members) or not len(strangers) or not np.isfinite(np.concatenate([members, strangers])).all():
        raise CourseError(
            f"members and strangers need a finite score each at least; received {len(members)} and {len(strangers)}."
        )
    return members, strangers
