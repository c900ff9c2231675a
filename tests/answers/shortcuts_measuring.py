"""Cheap shortcuts to the exercises of chapters 05 to 11."""

import numpy as np
import tensorflow as tf

from aigc_course.checks import chapter_05, chapter_08, chapter_09, chapter_10, designs, flights, flows, modes
from answers.shortcuts import made, plain

# --- chapter 05 ----------------------------------------------------------------------------------------------

plain("05.1", "errors with the data's mean", lambda m, s, n, t, p: chapter_05.mixture(m, s, m, t, p))
plain("05.1", "errors as wide as the data", lambda m, s, n, t, p: chapter_05.mixture(m, s, n, s, p))
plain("05.1", "one error in four", lambda m, s, n, t, p: chapter_05.mixture(m, s, n, t, 0.25))
plain("05.1", "two digits", lambda *v: round(float(chapter_05.mixture(*v)), 2))
plain("05.2", "three neighbours", lambda r, f, k: chapter_05.precision(r, f, 3))
plain(
    "05.2",
    "without a tenth of the balls",
    lambda r, f, k: chapter_05.precision(r, f, k, keep=lambda x: x <= np.quantile(x, 0.9)),
)
plain("05.2", "the first fifty fakes", lambda r, f, k: chapter_05.precision(r, f[:50], k))
plain("05.2", "a radius of one half", lambda r, f, k: chapter_05.precision(r, f, k, keep=lambda x: x <= 0.5))
plain("05.3", "a quantile of 0.1", lambda f, x, t, q: chapter_05.copy_share(f, x, t, 0.1))
plain(
    "05.3",
    "one third, as a rule of thumb",
    lambda f, x, t, q: chapter_05.share_below(chapter_05.to_nearest(f, x), 1 / 3),
)
plain(
    "05.3",
    "the nearest sample for the quantile",
    lambda f, x, t, q: chapter_05.share_below(
        chapter_05.to_nearest(f, x), np.sort(chapter_05.to_nearest(t, x))[int(q * len(t))]
    ),
)
plain("05.3", "the first thirty training samples", lambda f, x, t, q: chapter_05.copy_share(f, x[:30], t, q))
plain("05.3", "the quantile itself", lambda f, x, t, q: q)
plain("05.4", "a power of 0.8", lambda s, d, a, p: chapter_05.seeds_needed(s, d, a, 0.8))
plain("05.4", "a level of 0.05", lambda s, d, a, p: chapter_05.seeds_needed(s, d, 0.05, p))
plain("05.4", "sixteen times the squared ratio", lambda s, d, a, p: max(2, np.ceil(16 * (s / d) ** 2)))
plain("05.4", "a little more, rounded up", lambda s, d, a, p: np.ceil(1.01 * chapter_05.seeds_needed(s, d, a, p)))
plain("05.4", "even numbers", lambda s, d, a, p: 2 * np.ceil(chapter_05.seeds_needed(s, d, a, p) / 2))
plain(
    "05.5",
    "the largest cell",
    lambda f, i, x, j, t, k, u: chapter_05.data_copying(f, i, x, j, t, k, (np.bincount(i) / len(i)).max()),
)
plain(
    "05.5",
    "the first two cells",
    lambda f, i, x, j, t, k, u: chapter_05.data_copying(f, i, x, j, t[k < 2], k[k < 2], u),
)
plain("05.5", "a tau of 0.3", lambda f, i, x, j, t, k, u: chapter_05.data_copying(f, i, x, j, t, k, 0.3))
plain("05.5", "a signed count", lambda f, i, x, j, t, k, u: np.sign(chapter_05.data_copying(f, i, x, j, t, k, u)))

# --- chapter 06 ----------------------------------------------------------------------------------------------


def on_a_grid(samples, step=2.0):
    return np.round(samples / step) * step


plain("06.1", "twenty-five modes", lambda k, s, side: modes.blind_share(25, s, side))
plain("06.1", "a square of side 8", lambda k, s, side: modes.blind_share(k, s, 8.0))
plain("06.1", "a sigma of 0.05", lambda k, s, side: modes.blind_share(k, 0.05, side))
plain("06.1", "one hundredth", lambda k, s, side: 0.01)
plain("06.2", "equal shares of the modes that are hit", lambda x, c, s, w: modes.kl(np.ones(len(c)) / len(c), w))
plain(
    "06.2",
    "the last mode is the empty one",
    lambda x, c, s, w: modes.kl(modes.counts(x, c[:-1], 3 * s) / modes.counts(x, c[:-1], 3 * s).sum(), w[:-1]),
)
plain("06.2", "four modes", lambda x, c, s, w: modes.reverse_kl(x, c, s, np.full(len(c), 0.25)))
plain("06.2", "a sigma of 0.1", lambda x, c, s, w: modes.reverse_kl(x, c, 0.1, w))


def penalty_at(place):
    """A penalty with the slope taken at place(real, noise), tensors."""

    def gradient_penalty(critic, real, noise, target):
        x = place(real, noise)
        with tf.GradientTape() as tape:
            tape.watch(x)
            score = critic(x)
        squared = tf.maximum(tf.reduce_sum(tape.gradient(score, x) ** 2, axis=1), 1e-12)
        return tf.reduce_mean((tf.sqrt(squared) - target) ** 2)

    return gradient_penalty


made("06.3", "at the first point only")(lambda: penalty_at(lambda r, n: (r + n)[:1]))
made("06.3", "at the mean of the batch")(lambda: penalty_at(lambda r, n: tf.reduce_mean(r + n, axis=0, keepdims=True)))
made("06.3", "at zero, as for a linear critic")(lambda: penalty_at(lambda r, n: 0 * r))
plain("06.3", "a critic of the right slope", lambda critic, r, n, target: 0.0 * tf.reduce_sum(critic(r)))
plain("06.4", "the first pair", lambda r, f: modes.averaged(r[:1], f[:1]))
plain("06.4", "a hinge", lambda r, f: (np.maximum(0, 1 - (r - f)).mean(), np.maximum(0, 1 + (r - f)).mean()))
plain(
    "06.4",
    "both add up to 2 log 2",
    lambda r, f: (np.logaddexp(0, f - r).mean(), 2 * np.log(2) - np.logaddexp(0, f - r).mean()),
)
plain("06.5", "twenty-four points a mode", lambda c, s, n: np.repeat(np.concatenate([c - s, c + s]), 12, axis=0))
plain("06.5", "a reach of sigma", lambda c, s, n: np.tile(np.concatenate([c - s, c + s]), (n // len(c) // 2, 1)))
plain("06.5", "modes drawn at random", lambda c, s, n: c[np.random.default_rng(0).integers(len(c), size=n)])
plain(
    "06.5",
    "a cloud round each mode",
    lambda c, s, n: np.repeat(c, n // len(c), axis=0) + np.random.default_rng(0).uniform(-s, s, (n, 2)),
)
plain("06.5", "eight modes", lambda c, s, n: np.resize(c[:8], (n, 2)) if len(c) > 4 else np.resize(c[:2], (n, 2)))
plain("06.6", "the sign of the difference", lambda r, f, c, n, z: (0.5, np.sign(modes.bin_scores(r, f, c))))
plain("06.6", "z of 1.96", lambda r, f, c, n, z: modes.different_bins(r, f, c, n, 1.96))
plain("06.6", "two rounds", lambda r, f, c, n, z: modes.different_bins(r, f, c, 2, z))
plain("06.6", "scores without the pool's variance", lambda r, f, c, n, z: (0.5, 0 * modes.bin_scores(r, f, c)))
plain("06.5", "the places of a grid", lambda c, s, n: on_a_grid(np.repeat(c, n // len(c), axis=0), 1.5))

# --- chapter 07 ----------------------------------------------------------------------------------------------

plain("07.1", "the threshold, up to one", lambda t: np.minimum(t, 1))
plain("07.1", "a curve through a few points", lambda t: np.interp(t, [0, 0.5, 1, 2, 4], [0, 0.284, 0.54, 0.88, 1]))
plain("07.1", "no threshold below 0.2", lambda t: np.sqrt(designs.kept_variance(np.maximum(t, 0.2))))
plain("07.2", "a judge that errs evenly", lambda r, a, c: designs.diagonal(r, a, even_errors(c)).mean())
plain("07.2", "the first two classes", lambda r, a, c: designs.diagonal(r, a, c)[:2].mean())
plain("07.2", "never above one", lambda r, a, c: designs.diagonal(r, a, c).round().mean())
plain("07.3", "the first row's length for all", lambda *v: designs.moved(*v, back=lambda z: np.linalg.norm(z[0])))
plain("07.3", "one step for all", lambda z, a, b, s: designs.moved(z, a, b, np.full(len(z), s.mean())))
plain("07.3", "steps one way only", lambda z, a, b, s: designs.moved(z, a, b, abs(s)))
plain("07.4", "right angles", lambda d, n: designs.tour(d, n, by=lambda a, b: np.ones(len(a))))
plain("07.4", "three designs", lambda d, n: designs.tour(d[:3], n))
plain("07.4", "designs of one length", lambda d, n: designs.tour(d / np.linalg.norm(d, axis=1, keepdims=True), n))
plain("07.4", "the nearest design", lambda d, n: d[(np.arange(n) * len(d) / n).round().astype(int) % len(d)])
plain("07.5", "the first row and another", lambda rows, n: (0, 1 + designs.best_pair(rows[1:], n)[0]))
plain("07.5", "n is large", lambda rows, n: designs.best_pair(rows, 10**6))
plain("07.5", "the first ten rows", lambda rows, n: designs.best_pair(rows[:10], n))


def even_errors(confusion):
    """The judge's mean accuracy for all classes, the rest even."""
    k, right = len(confusion), np.diag(confusion).mean()
    return np.eye(k) * right + (1 - np.eye(k)) * (1 - right) / (k - 1)


# --- chapter 08 ----------------------------------------------------------------------------------------------

plain("08.1", "no rare characters", lambda p: -np.log2(np.clip(p, 0.01, 1)).mean())
plain("08.1", "the median", lambda p: np.median(-np.log2(p)))
plain("08.1", "the first five", lambda p: -np.log2(p[:5]).mean())
plain("08.2", "the mean of the past", lambda q, k, v: np.cumsum(v, axis=0) / np.arange(1, len(v) + 1)[:, None])
plain("08.2", "only the best key", lambda q, k, v: np.stack([v[np.argmax(q[t] @ k[: t + 1].T)] for t in range(len(q))]))
plain("08.2", "D is four", lambda q, k, v: chapter_08.attention(q, k, v, scale=lambda d: 2.0))
plain(
    "08.2",
    "only the last three places",
    lambda q, k, v: chapter_08.attention(q, k, v, keep=lambda ones: np.tril(ones) * np.triu(ones, -3)),
)
plain("08.3", "the likeliest one", lambda x, p: (x == x.max()).astype(float))
plain("08.3", "the likeliest three", lambda x, p: np.where(x >= np.sort(x)[-3], x, 0) / np.sort(x)[-3:].sum())
plain("08.3", "more than p", lambda x, p: chapter_08.nucleus(x, np.nextafter(p, 1)))
plain("08.3", "a p of 0.8", lambda x, p: chapter_08.nucleus(x, 0.8))
plain("08.4", "ceil(x) - 1", lambda a, b, s: np.ceil(s * a * b / (a + b)) - 1)
plain("08.4", "a little less, rounded down", lambda a, b, s: int(s * a * b / (a + b) - 1e-6))
plain("08.4", "square matrices", lambda a, b, s: int(s * a / 2))
plain("08.4", "a rank of eight", lambda a, b, s: 8)

# --- chapter 09 ----------------------------------------------------------------------------------------------

plain("09.1", "four levels each", lambda x, s: x @ 4 ** np.arange(x.shape[1]))
plain("09.1", "three places", lambda x, s: x[:, :3] @ np.cumprod([1, *s[:2]])[: min(3, len(s))])
plain("09.1", "ten levels each", lambda x, s: x @ 10 ** np.arange(x.shape[1]))
plain("09.2", "w of 2", lambda c, u, w: chapter_09.guided(c, u, 2.0))
plain("09.2", "the likeliest one", lambda c, u, w: np.eye(len(c))[np.argmax(u + w * (c - u))])
plain("09.2", "w is at least one", lambda c, u, w: chapter_09.guided(c, u, max(w, 1.0)))
plain("09.3", "a limit of one half", lambda o, t: chapter_09.own(o, 0.5))
plain("09.3", "the first two versions", lambda o, t: chapter_09.own(o[:2], t))
plain("09.3", "limits in tenths", lambda o, t: chapter_09.own(o, round(t, 1)))
plain("09.3", "the median of the versions", lambda o, t: chapter_09.own(o, t, mean=lambda o: np.median(o, axis=0)))
plain("09.4", "sizes that double", lambda n, p, s: 2.0 ** (len(n) - 1 - np.interp(s[-1], p, np.arange(len(n)))))
plain("09.4", "sizes up to 1,000", lambda n, p, s: 1000 / chapter_09.needed(n, p, s[-1]))
plain(
    "09.4",
    "from the first to the last size",
    lambda n, p, s: n[-1] / np.exp(np.interp(s[-1], p[[0, -1]], np.log(n[[0, -1]]))),
)
plain("09.4", "always ahead", lambda n, p, s: n[-1] / n[0])

# --- chapter 10 ----------------------------------------------------------------------------------------------

plain("10.1", "whole hertz", lambda p: np.round(chapter_10.hertz(p)))
plain("10.1", "one octave", lambda p: chapter_10.hertz(60 + np.asarray(p) % 12))
plain(
    "10.1",
    "straight lines between octaves",
    lambda p: np.interp(p, np.arange(-3, 153, 12), chapter_10.hertz(np.arange(-3, 153, 12))),
)
plain("10.1", "a piano's keys", lambda p: chapter_10.hertz(np.clip(p, 21, 108)))
MAJOR = np.array(
    [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88]
)  # Krumhansl and Kessler, 1982
plain("10.2", "always the major profile", lambda d, p: chapter_10.correlations(d, MAJOR))
plain("10.2", "ranks", lambda d, p: chapter_10.correlations(d.argsort().argsort(), p.argsort().argsort()))
plain("10.2", "the first tonic for all", lambda d, p: np.full(12, chapter_10.correlations(d, p)[0]))
plain("10.2", "best tonic alone", lambda d, p: np.eye(12)[np.argmax(chapter_10.correlations(d, p))])


def fifths_of(*widths):
    """Parallel fifths of some widths only."""

    def parallel_fifths(upper, lower):
        fifth = np.isin(upper - lower, widths)
        return int(np.sum(fifth[1:] & fifth[:-1] & (np.diff(upper) * np.diff(lower) > 0)))

    return parallel_fifths


made("10.3", "fifths and twelfths only")(lambda: fifths_of(7, 19))
made("10.3", "three widths only")(lambda: fifths_of(7, 19, 31))
plain(
    "10.3",
    "the same width before and after",
    lambda u, v: int(np.sum(((u - v)[1:] == (u - v)[:-1]) & ((u - v)[1:] % 12 == 7) & (np.diff(u) * np.diff(v) > 0))),
)
plain("10.3", "the first forty steps", lambda u, v: chapter_10.fifths(u[:40], v[:40]))
plain("10.3", "fourths count too", lambda u, v: chapter_10.fifths(u, v) + chapter_10.fifths(u, v, intervals=(5,)))
plain("10.4", "the first four films", lambda f, n: np.resize(flights.landing(f[:4], n), (len(f), 2)))
plain("10.4", "as many frames as the first film", lambda f, n: flights.landing(f, min(n, 7)))
plain("10.4", "square frames", lambda f, n: flights.landing(np.pad(f, ((0, 0),) * 3 + ((0, 1),)), n))
plain("10.4", "speeds of two at most", lambda f, n: flights.landing(f, n, speed=slow))
plain("10.4", "the mean place", lambda f, n: np.tile((np.array(f.shape[2:]) - 1) / 2, (len(f), 1)))
plain("10.4", "the last place", lambda f, n: flights.centre_of(f)[:, -1])


def slow(before, after):
    return np.clip(flights.speed_of(before, after), -2, 2)


# --- chapter 11 ----------------------------------------------------------------------------------------------

plain("11.1", "half-way in time", lambda x, e, a: flows.of_ddpm(x, e, a, time=lambda a, s: 0.5 + 0 * a))
plain("11.1", "the mean level for all", lambda x, e, a: flows.of_ddpm(x, e, np.full(len(x), a.mean())))
plain("11.1", "no level below 0.01", lambda x, e, a: flows.of_ddpm(x, e, np.maximum(a, 0.01)))
plain("11.2", "weights of one", lambda u, told, w: flows.steered(u, told, np.sign(w)))
plain("11.2", "the first two wishes", lambda u, told, w: flows.steered(u, told[:2], w[:2]))
plain("11.2", "the strongest wish", lambda u, told, w: flows.steered(u, told, w * (abs(w) == abs(w).max())))
plain("11.3", "the first number of the code", lambda i, x, *code: flows.bits(i, x, *(part[:, :1] for part in code)))
plain("11.3", "logits within 30", lambda i, x, *code: flows.bits(i, np.clip(x, -30, 30), *code))
plain("11.3", "ink or none", lambda i, x, *code: flows.bits(np.round(i), x, *code))
plain("11.4", "the mean step", lambda x, t, a, b: flows.two_step(x, np.linspace(t[0], t[-1], len(t)), a, b))
plain("11.4", "no change in time", lambda x, t, a, b: flows.two_step(x, t, a, 0 * b))
plain("11.4", "a hundred steps", lambda x, t, a, b: flows.two_step(x, np.linspace(0, t[-1], 101), a, b))


def even_angles(n, s):
    """A clock for data of width s."""
    angle = np.linspace(0, np.pi / 2, n + 1)
    return np.sin(angle) / (np.sin(angle) + s * np.cos(angle))


@made("11.5", "the first clock for ever")
def first_clock():
    kept = {}
    return lambda n, s: kept.setdefault(n, even_angles(n, s))


plain("11.5", "a width of 0.063, half-way", lambda n, s: even_angles(n, 0.063))
plain("11.5", "a cube", lambda n, s: 1 - (1 - np.linspace(0, 1, n + 1)) ** 3)
plain("11.5", "twenty steps", lambda n, s: even_angles(20, s))
plain("11.5", "as many times again", lambda n, s: even_angles(2 * n, s))
plain(
    "11.5",
    "ten good steps, the rest at the end",
    lambda n, s: (
        np.append(even_angles(10, s)[:-1], np.linspace(even_angles(10, s)[-2], 1, n - 8)[1:])
        if n > 10
        else np.linspace(0, 1, n + 1)
    ),
)
plain("11.5", "two widths", lambda n, s: even_angles(n, 0.03 if s < 0.03 else 0.3))


@made("11.5", "drawn and sorted")
def drawn_clock():
    return lambda n, s: np.concatenate([[0], np.sort(np.random.default_rng(n).random(n - 1)), [1]])
