"""What exercise 04.5 should give: batches in which D moves several times and then G, by hand in NumPy, and mistakes."""

import numpy as np

from aigc_course.checks.formulas import sigmoid, softplus

__all__ = ["MISTAKES", "batches_and_weights", "trained"]


def batches_and_weights(rng):
    """(mode, d_rate, g_rate, smooth, real (2 B, k, F), z (2 B, k + 1, Z), weights of G and D): two batches of B."""
    cases = []
    for mode, k, batch in zip(
        ("compiled", "eager", "eager"), rng.permutation([1, 2, 3]), rng.integers(3, 7, 3), strict=True
    ):
        f, n, h = 2, int(rng.integers(2, 5)), int(rng.integers(3, 6))
        data = rng.normal(1, 1, (2 * batch, k, f)), rng.normal(0, 1, (2 * batch, k + 1, n))
        shapes = (n, f), (f,), (f, h), (h,), (h, 1), (1,)
        numbers = map(float, rng.uniform([0.1, 0.4, 0.75], [0.3, 0.8, 0.9]))
        cases.append((mode, *numbers, *data, *(rng.normal(0, 0.6, shape) for shape in shapes)))
    return cases


def _logits(x, d, factor):
    """The hidden units and the logits of D at x; `factor`: what the layer that differs in training multiplies by."""
    hidden = np.tanh(x @ d[0] + d[1])
    return hidden, factor * hidden @ d[2] + d[3]


def _back(x, d, factor, hidden, slope):
    """Slopes of a loss in D's four weights, and in x, from its slope (B, 1) in the logits."""
    inner = factor * slope @ d[2].T * (1 - hidden**2)
    return [x.T @ inner, inner.sum(axis=0), factor * hidden.T @ slope, slope.sum(axis=0)], inner @ d[0].T


def _entropy(images, target, d, factor, size):
    """Cross-entropy of D's logits with a target: (loss, slopes in D's weights, slopes in the images)."""
    hidden, logit = _logits(images, d, factor)
    slopes, in_images = _back(images, d, factor, hidden, (sigmoid(logit) - target) / size)
    return (softplus(logit) - target * logit).sum() / size, slopes, in_images


def _g_move(z, g, d, target, factor, size, d_factor):
    """(loss, slopes in G's kernel, in its bias); target 0 and a minus in front: the saturating loss."""
    loss, _, in_images = _entropy(factor * (z @ g[0] + g[1]), abs(target), d, d_factor, size)
    sign = 1.0 if target else -1.0
    inner = sign * factor * in_images
    return sign * loss, (z.T @ inner, inner.sum(axis=0))


def _moved(weights, slopes, rate):
    return [weight - rate * slope for weight, slope in zip(weights, slopes, strict=True)]


def trained(
    mode,
    d_rate,
    g_rate,
    smooth,
    real,
    z,
    *weights,
    factor=2.0,
    targets=lambda smooth: (smooth, 0.0, 1.0),
    moves=None,
    same="",
    turns="",
    summed=False,
    report=-1,
    at_rest=False,
    scaled=False,
):
    """(D's weights, G's weights, last losses) after two batches; the options are mistakes.

    targets: function smooth -> what D is told of real images and of fakes, and G of its own; moves: how many D makes;
    same: what is not taken anew; turns: who moves when; report: which move's d_loss is returned, None for the mean;
    at_rest: D works as in inference while G moves; scaled: the real images' loss is smooth · softplus(-l), no more.
    """
    of_real, of_fake, of_g = targets(smooth)
    d_factor = 1.0 if at_rest else factor
    g, d, size = list(weights[:2]), list(weights[2:]), len(real) // 2
    over = 1 if summed else size
    for x, noise in ((real[:size], z[:size]), (real[size:], z[size:])):
        k, losses = x.shape[1], []
        last = noise[:, {"noise of G": k - 1, "first noise of G": 0}.get(same, k)]
        before = _g_move(last, g, d, of_g, factor, over, d_factor)
        for i in range(moves or k):
            fake = factor * (noise[:, 0 if same == "noise" else i] @ g[0] + g[1])
            seen = x[:, 0 if same == "real" else i]
            at_real, at_fake = _entropy(seen, of_real, d, factor, over), _entropy(fake, of_fake, d, factor, over)
            if scaled:
                loss, slopes, _ = _entropy(seen, 1.0, d, factor, over)
                at_real = smooth * loss, [smooth * slope for slope in slopes]
            losses.append(at_real[0] + at_fake[0])
            d = _moved(d, [a + b for a, b in zip(at_real[1], at_fake[1], strict=True)], d_rate)
            if turns == "G each time" and i < k - 1:
                g = _moved(g, _g_move(last, g, d, of_g, factor, over, d_factor)[1], g_rate)
        g_loss, slopes = before if turns == "fused" else _g_move(last, g, d, of_g, factor, over, d_factor)
        g = _moved(g, slopes, g_rate)
    d_loss = np.mean(losses) if report is None else losses[report]
    return _flat(d), _flat(g), np.array([d_loss, g_loss])


def _flat(weights):
    return np.concatenate([np.ravel(weight) for weight in weights])


def _mistake(hint, **options):
    return hint, lambda *arguments: trained(*arguments, **options)


MISTAKES = (
    _mistake("`training=True` is missing: both networks hold a layer that works differently in training.", factor=1.0),
    _mistake("D moves once only: `real` has k sets of images, one for each of its moves.", moves=1),
    _mistake("G answers D as it was before its moves: G's tape comes behind the loop.", turns="fused"),
    _mistake("G moves after each of D's moves: it moves once, at the end.", turns="G each time"),
    _mistake("all of D's moves see the same real images: the i-th one takes real[:, i].", same="real"),
    _mistake("all of D's moves see images of the same noise: the i-th one takes z[:, i].", same="noise"),
    _mistake("G's move has noise of its own, the last of z; you gave it that of D's last move.", same="noise of G"),
    _mistake("G's move takes the first of the noise, z[:, 0]; its own is the last.", same="first noise of G"),
    _mistake(
        "in G's move D is not at training=True: G then answers another D than the one that D's moves train.",
        at_rest=True,
    ),
    _mistake(
        "smooth · softplus(-l) is one part of the smoothed loss: (1 - smooth) · softplus(l) belongs to it, which the "
        "task's softplus(l) - t · l holds.",
        scaled=True,
    ),
    _mistake("real images are told to be 1: their target is `smooth`.", targets=lambda s: (1.0, 0.0, 1.0)),
    _mistake("you smoothed the fakes' target as well: theirs stays 0.", targets=lambda s: (s, 1 - s, 1.0)),
    _mistake("you smoothed the fakes' target instead of the real ones'.", targets=lambda s: (1.0, 1 - s, 1.0)),
    _mistake("G's loss is smoothed too: the target belongs to D.", targets=lambda s: (s, 0.0, s)),
    _mistake("D's targets are exchanged: real is `smooth`, fake is 0.", targets=lambda s: (0.0, s, 1.0)),
    _mistake("G's loss is the saturating one: softplus(-l) was asked for.", targets=lambda s: (s, 0.0, 0.0)),
    _mistake("you added up over the batch: the losses are means.", summed=True),
    _mistake("the weights are right; d_loss is that of D's *last* move, and that of the first came.", report=0),
    _mistake("the weights are right; d_loss is that of D's *last* move, and the mean of all came.", report=None),
    ("the two rates are exchanged.", lambda mode, d_rate, g_rate, *rest: trained(mode, g_rate, d_rate, *rest)),
)
