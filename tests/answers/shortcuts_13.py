"""Cheap shortcuts to the exercises of chapter 13."""

import numpy as np

from aigc_course.checks import leaks
from answers.shortcuts import plain

plain("13.1", "a clip of one", lambda g, c, e, s, b: leaks.private_mean(g, 1.0, e, s, b))
plain("13.1", "the first three examples", lambda g, c, e, s, b: leaks.private_mean(g[:3], c, e, s, b))
plain("13.1", "the noise alone", lambda g, c, e, s, b: s * c * e / b)
plain("13.1", "the mean length for all", lambda g, c, e, s, b: leaks.private_mean(g, c, e, s, b, mean_length(g, c)))
plain("13.2", "a delta of 1e-5", lambda a, r, t, d: leaks.epsilon(a, r, t, 1e-5))
plain("13.2", "the middle order", lambda a, r, t, d: t * r[len(a) // 2] + leaks.tail_of(a, d)[len(a) // 2])
plain(
    "13.2",
    "a Gaussian without sampling",
    lambda a, r, t, d: t * r[0] / a[0] + 2 * np.sqrt(-t * r[0] / a[0] * np.log(d)),
)
plain("13.2", "whole orders", lambda a, r, t, d: leaks.epsilon(np.round(a) + (a < 1.5), r, t, d))
plain("13.3", "a rate of one in a hundred", lambda m, o, r: leaks.caught(m, o, 0.01))
plain("13.3", "a normal threshold", lambda m, o, r: (m > o.mean() + 2 * o.std()).mean())
plain("13.3", "nobody is accused", lambda m, o, r: (m > o.max()).mean())
plain("13.3", "a hundred of each", lambda m, o, r: leaks.caught(m[:100], o[:100], r))
plain("13.4", "the difference of the logits", lambda i, o, t: leaks.logit(t) - leaks.logit(o).mean(axis=0))
plain("13.4", "the first two models", lambda i, o, t: leaks.lira(i[:2], o[:2], t))
plain("13.4", "a variance of one", lambda i, o, t: leaks.lira(i, o, t, variance=lambda a: 1.0))
plain("13.4", "confidences within 0.1", lambda i, o, t: leaks.lira(*(np.clip(p, 0.1, 0.9) for p in (i, o, t))))
plain("13.5", "a level of 0.05", lambda c, r, a: leaks.audited(c, r, 0.05))
plain("13.5", "two digits", lambda *v: round(float(leaks.audited(*v)), 2))
plain("13.5", "a hundred guesses", lambda c, r, a: leaks.audited(round(100 * c / r), 100, a))
plain("13.5", "few guesses prove nothing", lambda c, r, a: leaks.audited(c, r, a) if r > 100 else 0.0)


def mean_length(rows, clip):
    """The sum of all rows, shortened by what the mean length asks for."""
    length = np.linalg.norm(rows, axis=1).sum() / max(len(rows), 1)
    return rows.sum(axis=0) * min(1, clip / max(length, 1e-12))
