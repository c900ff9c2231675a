"""Cheap shortcuts to the exercises of chapter 14."""

import numpy as np

from aigc_course.checks import authenticity
from answers.shortcuts import plain

plain("14.1", "a gamma of one quarter", lambda t, g, gamma: authenticity.green_z(t, g, 0.25))
plain("14.1", "the first thirty tokens", lambda t, g, gamma: authenticity.green_z(t[:30], g, gamma))
plain("14.1", "the whole list's share for gamma", lambda t, g, gamma: authenticity.green_z(t, g, g.mean()))
plain("14.1", "a root of n", lambda t, g, gamma: authenticity.green_z(t, g, gamma, spread=lambda g, n: np.sqrt(n) / 2))
plain("14.1", "nobody repeats", lambda t, g, gamma: authenticity.green_z(t, g, gamma, once=False))
plain("14.2", "one poem", lambda *v: authenticity.poems_for(v[0], v[1], v[2], v[3], 0.01))
plain("14.2", "a threshold of two", lambda *v: authenticity.poems_for(*v, limit=lambda scores, fpr: 2.0))
plain(
    "14.2",
    "a Gaussian fitted to the null",
    lambda *v: authenticity.poems_for(
        *v, limit=lambda scores, fpr: scores.mean() + authenticity.NORMAL[fpr] * scores.std()
    ),
)
plain("14.2", "a rate of one sixteenth", lambda n, m, g, fpr, p: authenticity.poems_for(n, m, g, 1 / 16, p))
plain("14.2", "a power of nine tenths", lambda n, m, g, fpr, p: authenticity.poems_for(n, m, g, fpr, 0.9))
plain("14.2", "the first hundred poems", lambda n, m, g, fpr, p: authenticity.poems_for(n[:100], m[:100], g, fpr, p))
plain("14.3", "the first run", lambda counts, wanted: authenticity.g_tests(counts[:1], wanted))
plain("14.3", "a tenth of a picture in each class", lambda c, w: authenticity.g_tests(c + 0.1, w))
plain("14.3", "the pool alone", lambda c, w: authenticity.g_tests(c.sum(axis=0, keepdims=True), w))
plain("14.3", "ten classes", lambda c, w: (authenticity.g_tests(c, w)[0], (9, 9 * (len(c) - 1))))
plain("14.3", "classes that came", lambda c, w: authenticity.g_tests(c[:, c.all(axis=0)], w[c.all(axis=0)]))
plain("14.4", "always the last round", lambda regime, real, drawn, good, keys: drawn[-1])
plain("14.4", "always everything", lambda regime, *v: authenticity.pool_of("accumulate", *v))
plain("14.4", "one round", lambda r, real, d, good, keys: authenticity.pool_of(r, real, d[:1], good[:1], keys))
plain(
    "14.4",
    "the last round accepts something",
    lambda r, real, d, good, keys: (
        d[-1][good[-1] > 0] if r == "verified" else authenticity.pool_of(r, real, d, good, keys)
    ),
)
plain(
    "14.4",
    "half of the keys",
    lambda r, *v: authenticity.all_of(*v[:2])[v[3] < 0.5] if r == "fixed" else authenticity.pool_of(r, *v),
)
plain("14.5", "always certain", lambda metadata, declared, traces: 1)
plain("14.5", "the metadata speak or nobody does", lambda metadata, declared, traces: authenticity.read(metadata))
plain("14.5", "whoever says anything", lambda metadata, declared, traces: 2 if metadata or declared else 3 * traces)
plain(
    "14.5", "the length of the text", lambda m, d, t: authenticity.label_of(m, d, t, reader=lambda x: int(len(x) > 120))
)
plain("14.5", "the first digit", lambda m, d, t: authenticity.label_of(m, d, t, reader=lambda x: int("1" in x)))
