# %% [markdown]
# # 13 · Privacy and copying
#
# **What does a model give away?**
#
# You will be able to
# - tell a model's training examples from strangers, and say how often strangers are accused;
# - train with differential privacy, count its ε with two accountants, and test that claim from outside;
# - judge whether pictures are copies, and whether a model has forgotten what it says it has.
#
# **Time:** @MINUTES@ on 2 CPU cores at 485 GFLOP/s, @MINUTES_SLOW@ at 210. **Needed:** chapter 01 (softmax, cross-entropy, standard error), 04 (training step), 05 (nearest neighbours, copies), 08 (a small language model), 11 (the thief).

# %%
# @title On Colab: install the course (elsewhere there is nothing to do)

# %%
from aigc_course import runtime
runtime.start(seed=7)          # before TensorFlow: seeds, device report, FAST profile

import csv
import time
from collections import Counter
from itertools import product
from math import comb
from statistics import NormalDist

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from IPython.display import Markdown
from aigc_course import data, gan, metrics, plots, progress
from aigc_course.flow import model as flow_model, paths
from aigc_course.trust import accounting, audit, copies, features, gaussians, membership, private, unlearning

SEEN = runtime.steps(full=60_000, fast=2_000)      # digits that the private training sees
(x_train, y_train), (x_test, y_test) = data.load_mnist()


def read_table(name):
    with open(data.asset(name), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))

# %% [markdown]
# ## What the article asks
#
# Section 8 of the article names privacy 隐私 and copyright 版权: how much of one example shows in a finished model?
#
# ## A secret in a count
#
# The smallest language model counts which character follows which two. Plant 密碼是 and four digits in 2,000 poems. Carlini et al. (2019) rank the secret among all that might have stood there. Its **exposure** 曝光度, in bits, is
#
# $$\log_2 N - \log_2 \text{rank},$$
#
# here with $N=10{,}000$: 13.3 at most; about 1 where the model prefers none.
#
# **Predict:** how often must a secret be written to be found?

# %%
DIGITS = "零一二三四五六七八九"
poems = [text for _, _, text in data.load_tang_poems()[:runtime.steps(full=2000, fast=300)]]
rng, rivals = np.random.default_rng(7), ["密碼是" + "".join(number) for number in product(DIGITS, repeat=4)]


def losses(lines, texts, smooth=0.01):
    """-log p of each text (N, T), in nats: a count of triples, each character known from the two before it."""
    triples, pairs = Counter(), Counter()
    for line in lines:
        triples.update(zip(line, line[1:], line[2:]))
        pairs.update(zip(line[:-1], line[1:-1]))
    kinds = 10 + len(set("".join(lines)))
    cost = {(a, b, c): -np.log((triples[a, b, c] + smooth) / (pairs[a, b] + smooth * kinds))
            for a, b, c in product("碼是" + DIGITS, "是" + DIGITS, DIGITS)}
    return np.array([sum(cost[tuple(text[i - 2 : i + 1])] for i in range(3, 7)) for text in texts])


lines = ["| times planted | exposure, bits (10 secrets) | first of 10,000 |", "|---:|---:|---:|"]
for times in (0, 1, 2):
    found = []
    for secret in rng.choice(len(rivals), runtime.steps(full=10, fast=3), replace=False):
        nats = losses([*poems, *[rivals[secret]] * times], rivals)
        found.append(membership.exposure(nats[secret], np.delete(nats, secret)))
    error = np.std(found, ddof=1) / np.sqrt(len(found))
    lines.append(f"| {times} | {np.mean(found):.1f} ± {error:.1f} | {np.mean(np.array(found) > 13.2):.0%} |")
Markdown("\n".join(lines))

# %% [markdown]
# Once is enough for a table in which nothing else follows 密碼是 (networks need repeats); nothing went wrong: a line that was there *is* likelier.
#
# ## Who was there?
#
# **Membership inference** 成员推断 (Shokri et al., 2017) is a game: half of a pool trains a model; of an example $x$ with label $y$, say "member" or "stranger". The first attack says "member" where the loss is low (Yeom et al., 2018):
#
# $$s(x) = -\ell(x) = \log p_y(x).$$
#
# We train 33 small classifiers, each on its own half of the same 2,000 digits.

# %%
n, M = runtime.steps(full=1000, fast=100), runtime.steps(full=33, fast=17)
pool = rng.permutation(len(x_train))[: 2 * n]
images, labels = (x_train[pool].reshape(-1, 784) / 255).astype(np.float32), y_train[pool].astype(np.int32)
unseen = (x_test[:5000].reshape(-1, 784) / 255).astype(np.float32)

inside = np.argsort(rng.random((M, 2 * n)), axis=1) < n                     # (M, 2n): each row a random half
members = np.stack([np.flatnonzero(row) for row in inside])                # (M, n)
crowd = unlearning.Crowd((784, 128, 10), M, seed=7)                        # M networks: weights (M, in, out)


def logits(x):
    W, b, V, c = crowd.weights
    hidden = tf.nn.relu(tf.einsum("bi,mio->mbo", x, W) + b)                # all models see the same x (B, 784)
    return tf.einsum("mbi,mio->mbo", hidden, V) + c                        # (M, B, 10)


assert np.allclose(logits(images[:20]), crowd.logits(images[:20]), atol=1e-4)
show, steps = progress.watch(f"{M} classifiers"), runtime.steps(full=900, fast=30)
unlearning.learn(crowd, images, labels, members, steps, 64, 3e-3, seed=7, each=lambda step: show(step, steps))
read = crowd.read(images)                                                  # (M, 2n, 10)
right = read.argmax(axis=2) == labels
print(f"members {right[inside].mean():.2%}, strangers {right[~inside].mean():.2%}, "
      f"test digits {(crowd.read(unseen).argmax(axis=2) == y_test[:5000]).mean():.2%} read as labelled")

# %% [markdown]
# Members are all read correctly, strangers nine times in ten. Where $p_y$ is nearly 1, rounding eats it; the log odds keep order and digits, and are nearly Gaussian:
#
# $$s = \log\frac{p_y}{1-p_y} = l_y - \log\sum_{k\ne y} e^{l_k}.$$
#
# An attack's errors: strangers accused (false-positive rate, **FPR** 假阳性率), members missed (1 − true-positive rate, **TPR** 真阳性率). **AUC** 曲线下面积: the chance that a member scores above a stranger. **Predict:** of a hundred members, how many does the loss find while it accuses one stranger in a hundred?

# %%
def log_odds(l, y):
    """(M, P, 10) and (P,) -> (M, P)."""
    others = np.where(np.arange(10) == y[:, None], -np.inf, l)
    most = others.max(axis=-1)
    rest = most + np.log(np.exp(others - most[..., None]).sum(axis=-1))
    return np.take_along_axis(l, y[None, :, None], axis=-1)[..., 0] - rest


def tpr_at(members, strangers, fpr):
    """The share of members above the threshold that at most a share fpr of the strangers exceed."""
    return (members > np.sort(strangers)[::-1][int(fpr * len(strangers))]).mean()


s = log_odds(read.astype(float), labels)             # (M, 2n)
assert np.allclose(s, membership.log_odds(read, labels))
before = membership.auc(s[inside], s[~inside]), tpr_at(s[inside], s[~inside], 0.01)
assert np.isclose(membership.tpr_at(s[inside], s[~inside], 0.01), before[1])
print(f"threshold on the loss: AUC {before[0]:.3f}, {before[1]:.1%} of the members found at 1 % FPR")

# %% [markdown]
# The AUC says that something leaks; the rate: no more found than accused. With 99 strangers a member, such an accusation is wrong 99 times in 100. The reason: digits differ more than memberships do. A clear 1 is read with confidence by networks that never saw it. Two digits, and what 33 networks say of each:

# %%
gap = np.array([s[inside[:, j], j].mean() - s[~inside[:, j], j].mean() for j in range(2 * n)])
mean = s.mean(axis=0)
easy, hard = (int(np.argsort(mean)[int(share * 2 * n)]) for share in (0.95, 0.05))
fig, axes = plt.subplots(1, 2, figsize=(7.5, 2.9), sharex=True)
for ax, j, kind in zip(axes, (easy, hard), ("a clear", "an unclear"), strict=True):
    for had, colour, hatch, name in ((True, plots.REAL, "", "trained on it"), (False, plots.FAKE, "//", "not")):
        values, bins = s[inside[:, j] == had, j], np.linspace(s.min(), s.max(), 40)
        ax.hist(values, bins, color=colour, alpha=0.6, hatch=hatch, label=name)
    ax.set(xlabel="log odds of the true digit", title=f"{kind} {labels[j]}: means {gap[j]:.1f} apart")
    small = ax.inset_axes([0.02 if j == easy else 0.78, 0.62, 0.2, 0.35])
    small.imshow(images[j].reshape(28, 28), cmap="gray")
    small.axis("off")
axes[0].set_ylabel("networks")
axes[0].legend(frameon=False, fontsize="small", loc="center left")
plots.show(fig, alt="Log odds: all networks are sure of a clear digit, of an unclear one only those trained on it.")

# %% [markdown]
# ## Likelihood ratios
#
# So compare each example with itself. **LiRA** (Carlini et al., 2022) takes one network as the target, the other 32 as its **shadow models** 影子模型. For each example those that had it give $\mu_1$, those that had not $\mu_0$; the widths are pooled over all examples:
#
# $$\Lambda(x)=\log\frac{N(s;\mu_1,\sigma_1^2)}{N(s;\mu_0,\sigma_0^2)}=\frac{(s-\mu_0)^2}{2\sigma_0^2}-\frac{(s-\mu_1)^2}{2\sigma_1^2}+\log\frac{\sigma_0}{\sigma_1}.$$
#
# By the lemma of Neyman and Pearson (1933) no test of $s$ finds more at a given FPR, if the Gaussians are right. Offline, without shadows that had $x$: $(s-\mu_0)/\sigma_0$.

# %%
def lira(s, inside, target):
    """log N(s; mu_1, sigma_1) - log N(s; mu_0, sigma_0) for each example: (P,)."""
    others = np.arange(len(s)) != target
    s_shadow, had = s[others], inside[others]
    means, widths = [], []
    for chosen in (had, ~had):
        mu = np.nanmean(np.where(chosen, s_shadow, np.nan), axis=0)          # (P,)
        squares = np.where(chosen, (s_shadow - mu) ** 2, 0).sum()
        widths.append(np.sqrt(squares / (chosen.sum(axis=0) - 1).sum()))     # one mean is spent for each example
        means.append(mu)
    z = [(s[target] - mu) / sigma for mu, sigma in zip(means, widths, strict=True)]
    return (z[1] ** 2 - z[0] ** 2) / 2 + np.log(widths[1] / widths[0])


whole = (inside.sum(axis=0) > 2) & ((~inside).sum(axis=0) > 2)     # shadows of either kind, whoever is attacked
assert np.allclose(lira(s[:, whole], inside[:, whole], 0), membership.lira(s[:, whole], inside[:, whole], 0))
ratio = membership.lira_of_all(s, inside)                                   # every network in turn is attacked

# %%
def curve(s, name, dash, colour):
    """Draws the curve of scores s, and returns what is found at 1 % FPR."""
    own, others = s[inside], s[~inside]
    fpr, tpr = membership.roc(own, others)
    assert np.isclose(membership.auc(own, others), np.trapezoid(tpr, fpr))
    area, low = np.trapezoid(tpr, fpr), tpr_at(own, others, 0.01)
    plt.loglog(fpr[1:], tpr[1:], dash, color=colour, label=f"{name}: AUC {area:.2f}, {low:.1%} at 1 % FPR")
    return low


fig, ax = plt.subplots(figsize=(6, 3.8))
curve(s, "threshold on the loss", "--", plots.FAKE)
low = curve(ratio, "LiRA", "-", plots.REAL)
a, b = ratio[0, inside[0]], ratio[0, ~inside[0]]
again = [membership.tpr_at(rng.choice(a, n), rng.choice(b, n), 0.01) for _ in range(300)]
ends = np.quantile(again, (0.025, 0.975))                                   # the threshold is drawn anew as well
print(f"one network alone: {membership.tpr_at(a, b, 0.01):.1%} found, 95 % interval {ends[0]:.1%} to {ends[1]:.1%}")
curve(membership.lira_of_all(s, inside, online=False), "LiRA offline", "-.", plots.THIRD)
ax.plot([1e-3, 1], [1e-3, 1], ":", color=plots.GREY)
ax.set(xlim=(1e-3, 1), ylim=(1e-3, 1), xlabel="strangers accused (FPR)", ylabel="members found (TPR)",
       title=f"The same networks: {before[1]:.1%} of members found at 1 % FPR, {low:.1%} with LiRA")
ax.legend(frameon=False, fontsize="small")
plots.show(fig, alt="ROC curves on logarithmic axes: LiRA lies far above the loss threshold at the left edge.")

# %% [markdown]
# ## A classifier, a GAN, a poet
#
# `benchmarks/membership.py` repeats this for three kinds of model. The GAN is asked twice: by D's logit, and by how near 5,000 of its pictures come to $x$. The poet is a decoder that sees eight characters; its score is minus the poem's loss. *Blind*: memberships drawn anew. Intervals: a bootstrap over models *and* examples.
#
# **Predict:** which gives away most at $n=100$? And at 10,000?

# %%
def share(rows, name, digits=1):
    """Mean over the seeds of a share in %, and the widest interval's ends."""
    value, low, high = (np.array([100 * float(row[name + end]) for row in rows]) for end in ("", "_low", "_high"))
    return f"{value.mean():.{digits}f} ({low.min():.{digits}f} to {high.max():.{digits}f})"


def row_of(kind, size, attack, blind):
    """A line of the table, means over the seeds; nothing where nothing was measured."""
    wanted = (kind, size, attack, blind)
    own = [row for row in rows if (row["model"], row["n"], row["attack"], row["blind"]) == wanted]
    if not own:
        return []
    fit = " / ".join(f"{np.mean([float(row[part]) for row in own]):.2f}" for part in ("train", "test"))
    name = f"*blind*, {attack}" if blind == "1" else attack
    return [f"| {kind} | {size} | {fit} | {name} | {share(own, 'auc')} | {share(own, 'tpr_at_1_percent')} |"]


rows = read_table("membership.csv")
lines = ["| model | n | members / strangers | attack | AUC, % | TPR at 1 % FPR, % |", "|---|---:|---:|---|---:|---:|"]
shown = {"classifier": ("threshold", "LiRA"), "gan": ("LiRA", "copies, LiRA"), "text": ("threshold", "LiRA")}
for kind, attacks in shown.items():
    for size in ("100", "1000", "10000"):
        for attack, blind in ((attacks[0], "0"), (attacks[1], "0"), (attacks[1], "1")):
            lines += row_of(kind, size, attack, blind)
lines.append("| WRN on CIFAR-10 (published) | 25000 | | threshold | 59.2 | 0.09, at 0.1 % FPR |")
lines.append("| WRN on CIFAR-10 (published) | 25000 | | LiRA | 68.6 | 5.9, at 0.1 % FPR |")
Markdown("\n".join(lines))

# %% [markdown]
# Members / strangers: share read as labelled, share that D calls real, bits a character. @FINDING_MEMBERSHIP@ Published: Carlini et al. (2022), the README of their code.

# %% [markdown]
# ## A promise in numbers
#
# **Differential privacy** 差分隐私 (Dwork et al., 2006) compares two worlds, with one example and without it. A random program $M$ keeps $(\varepsilon,\delta)$ if for all such data sets $A, B$ and every set $S$ of outcomes
#
# $$P[M(A)\in S]\;\le\;e^{\varepsilon}\,P[M(B)\in S]+\delta .$$
#
# With $S$ = "accused": $\text{TPR}\le e^\varepsilon\,\text{FPR}+\delta$; $\varepsilon=3$ still allows 20 % at 1 %. A sum to which each adds 1 at most, plus noise $N(0,\sigma^2)$: two bells, 1 apart. $\delta$ is what sticks out of $e^\varepsilon$ times the other (Balle & Wang, 2018); with $\mu=1/\sigma$,
#
# $$\delta(\varepsilon)=\Phi\bigl(\tfrac\mu2-\tfrac\varepsilon\mu\bigr)-e^{\varepsilon}\,\Phi\bigl(-\tfrac\mu2-\tfrac\varepsilon\mu\bigr).$$

# %%
Phi = NormalDist().cdf  # share of a standard Gaussian below
sigma, eps = 1.0, 1.0
mu = 1 / sigma
delta = Phi(mu / 2 - eps / mu) - np.exp(eps) * Phi(-mu / 2 - eps / mu)
assert np.isclose(delta, accounting.gaussian_delta(eps, sigma))
out = np.linspace(-3.5, 4.5, 801)
without, with_one = (np.exp(-((out - centre) ** 2) / 2 / sigma**2) / np.sqrt(2 * np.pi) / sigma for centre in (0, 1))
assert np.isclose(np.maximum(0, with_one - np.exp(eps) * without).sum() * (out[1] - out[0]), delta, rtol=0.01)
fig, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.2))
left.plot(out, without, "-", color=plots.REAL, label="without it")
left.plot(out, with_one, "--", color=plots.FAKE, label="with it")
left.plot(out, np.exp(eps) * without, ":", color=plots.GREY, label="$e^ε$ × without it")
ceiling = np.minimum(with_one, np.exp(eps) * without)
left.fill_between(out, ceiling, with_one, color=plots.FAKE, alpha=0.4)
left.set(xlabel="what is published", ylabel="density", ylim=(0, 0.6), title=f"ε = {eps:g}: δ = {delta:.3f} sticks out")
left.legend(frameon=False, fontsize="small")
grid = np.linspace(0, 8, 81)
for width, dash, colour in ((0.7, "-", plots.FAKE), (1.0, "--", plots.REAL), (2.0, "-.", plots.THIRD)):
    curve = [accounting.gaussian_delta(e, width) for e in grid]
    right.semilogy(grid, np.maximum(curve, 1e-12), dash, color=colour, label=f"σ = {width}")
right.set(xlabel="ε", ylabel="δ", ylim=(1e-9, 1), title="One mechanism keeps a whole curve of promises")
right.legend(frameon=False, fontsize="small")
plots.show(
    fig, alt="Two bells; what of one exceeds e^ε times the other is delta. Right: delta falls with epsilon and noise."
)

# %% [markdown]
# ## Features that nobody's data made
#
# Noise goes to every weight that learns, so let few learn. Tramèr & Boneh (2021) begin with a fixed **scattering transform** 散射变换: waves of two lengths and eight directions, moduli, averages; nothing is learnt. We add two fixed steps: each digit is stood upright by its own moments, and roots are taken at the end. Means over the data would be statistics of private data, so each digit is normalised by itself.

# %%
fig = plots.image_grid(
    np.concatenate([x_train[:10], np.rint(255 * features.upright(x_train[:10])).astype(np.uint8)]),
    title="As written; below, upright: each by its own second moments",
)
started = time.perf_counter()
rows, rows_test = features.features(x_train[:SEEN]), features.features(x_test[: runtime.steps(full=10_000, fast=500)])
y_rows, y_tested = y_train[: len(rows)], y_test[: len(rows_test)]
print(f"{rows.shape[1]:,} numbers a digit, {len(rows):,} digits, {time.perf_counter() - started:.0f} s")
alone = features.features(x_train[5:6])  # the same row, whoever else is there
assert np.allclose(alone, rows[5:6], atol=1e-4)
fig

# %% [markdown]
# ## Clip, sample, blur
#
# **DP-SGD** (Abadi et al., 2016). One example must not push far: its gradient $g$ is shortened to length $C$, **clipping** 裁剪,
#
# $$\bar g=g\cdot\min\Bigl(1,\frac{C}{|g|}\Bigr).$$
#
# A linear softmax layer has $g=x\otimes(p-y)$, an outer product with $p$ the probabilities and $y$ the one-hot label, so $|g|=|x|\,|p-y|$ exactly, and no gradient need ever be written down. Below all of them are, once, as the proof.

# %%
def clipped_sum(x, labels, W, C):
    """Sum of clipped gradients of cross-entropy: x (B, D), labels (B,), W (D, 10) -> (D, 10)."""
    p = private.softmax(x @ W)
    error = p - np.eye(10, dtype=np.float32)[labels]  # p - y, (B, 10)
    length = np.sqrt(np.einsum("bd,bd->b", x, x)) * np.linalg.norm(error, axis=1)  # |x| |p - y|
    return x.T @ (error * np.minimum(1, C / np.maximum(length, 1e-12))[:, None])


rng = np.random.default_rng(7)
W = rng.standard_normal((rows.shape[1], 10)).astype(np.float32) / 50
few, C = slice(0, 20), private.SETTLED["clip"]
errors = private.softmax(rows[few] @ W) - np.eye(10)[y_rows[few]]
each = [np.outer(x, error) for x, error in zip(rows[few], errors, strict=True)]
lengths = [np.linalg.norm(g) for g in each]
brute = sum(g * min(1, C / length) for g, length in zip(each, lengths, strict=True))
ours = clipped_sum(rows[few], y_rows[few], W, C)
assert np.allclose(ours, brute, atol=1e-5)
assert np.allclose(ours, private.clipped_sum(rows[few], y_rows[few], W, C), atol=1e-5)
print(f"lengths from {min(lengths):.2f} to {max(lengths):.0f}, clipped to {C}; the sum's: {np.linalg.norm(ours):.2f}")

# %% [markdown]
# In each step an example joins with chance $q$, by its own coin (**Poisson sampling** 泊松采样); the sum gets noise, and is divided by the *expected* size, since the true one tells who is there:
#
# $$W\leftarrow W-\eta\,\frac{\sum_{i\in\text{batch}}\bar g_i+\sigma C\,\xi}{qN},\qquad \xi\sim N(0,I).$$
#
# Code that shuffles into equal batches and reports the $\varepsilon$ of Poisson sampling may promise far too much (Chua et al., 2024). Published is the mean of the last half of the iterates: the accountant counts each as seen, so the mean is free.

# %%
def dp_sgd(x, labels, sigma, q, steps, C, eta, expected, seed, clip=True, seen=None, show=None):
    """DP-SGD from weights 0: (mean of the last half of the iterates, last iterate), each (D, 10)."""
    rng = np.random.default_rng(seed)
    W = np.zeros((x.shape[1], 10), np.float32)
    mean, half = np.zeros_like(W), steps // 2
    space = np.empty((int(1.2 * q * len(x)) + 100, x.shape[1]), np.float32)  # for every batch: new memory is slow
    for step in range(steps):
        batch = np.flatnonzero(rng.random(len(x), dtype=np.float32) < q)
        drawn = np.take(x, batch, axis=0, out=space[: len(batch)], mode="clip")
        total = clipped_sum(drawn, labels[batch], W, C if clip else np.inf)
        noise = rng.standard_normal(W.shape, dtype=np.float32) * np.float32(sigma * C)
        released = (total + noise) / np.float32(expected)
        if seen:  # an auditor looks on
            seen(W, released)
        W -= np.float32(eta) * released
        if step >= half:
            mean += (W - mean) / (step - half + 1)
        if show:
            show(step + 1, steps)
    return mean, W


knobs = private.SETTLED
q, eta, steps = knobs["sampling_rate"], knobs["learning_rate"], runtime.steps(full=knobs["steps"], fast=20)
ours, _ = dp_sgd(rows[:500], y_rows[:500], 2.0, 0.2, 4, C, eta, 100, seed=3)
package = private.train(rows[:500], y_rows[:500], 2.0, 0.2, 4, C, eta, 0.5, seed=3, expected=100)
assert np.allclose(ours, package.weights, atol=1e-3)

# %% [markdown]
# ## The bill
#
# An **accountant** 隐私会计 adds up what all steps tell. RDP adds **Rényi divergences** 雷尼散度 of orders $\alpha>1$, $T$ steps cost $T$ times one's; $\varepsilon$ is the least, over $\alpha$, of the sum $+\log(1/\delta)/(\alpha-1)$ (Mironov, 2017). PLD keeps the whole distribution of the privacy loss $\log\frac{P[M(A)=o]}{P[M(B)=o]}$ on a grid and folds it with itself (Koskela et al., 2020): a smaller $\varepsilon$ for the same run; both hold.
#
# TensorFlow Privacy once printed 3.01 for $\sigma=1.1$, batches of 256, 60 epochs. **Predict:** what would it cost today, had its batches been Poisson samples?

# %%
sigma = 1.0  # noise for ε ≤ 2.99: double, then bisect
while accounting.epsilon(sigma, q, knobs["steps"]) > 2.99:
    sigma *= 2
low = sigma / 2
while sigma - low > 1e-3 * sigma:
    middle = (low + sigma) / 2
    low, sigma = (middle, sigma) if accounting.epsilon(middle, q, knobs["steps"]) > 2.99 else (low, middle)
assert np.isclose(sigma, accounting.noise_for(2.99, q, knobs["steps"]), rtol=2e-3)
bills = {"ours": (sigma, q, knobs["steps"]), "printed as 3.01": (1.1, 256 / 60_000, 60 * 60_000 // 256)}
bill = {name: {kind: accounting.epsilon(*of, 1e-5, kind) for kind in ("rdp", "pld")} for name, of in bills.items()}
lines = ["| run | σ | q | steps | ε by RDP | ε by PLD |", "|---|---|---|---|---|---|"]
for name, (s, rate, count) in bills.items():
    lines.append(f"| {name} | {s:.3f} | {rate:.4f} | {count:,} | {bill[name]['rdp']:.3f} | {bill[name]['pld']:.3f} |")
Markdown("\n".join(lines))

# %% [markdown]
# One training, three epsilons. And ε is one *digit's*: a writer of some 240 of them is protected far less.
#
# For an audit we plant 1,000 **canaries** 金丝雀: rows at right angles to 1,500 of the digits, with random labels, each inside or not by a coin. One inside adds its own gradient to what a step releases, $\Delta_t$; its score is how far all releases go along it:
#
# $$s=\sum_t\Bigl\langle \Delta_t,\frac{g_t}{|g_t|}\Bigr\rangle,\qquad g_t=x\otimes(p_t-y).$$
#
# **Predict:** without privacy this layer reads @NOPRIVACY@ %. And with $\varepsilon\le 3$? Can one who sees every step tell which canaries were inside?

# %%
class Watch:
    """Looks on as DP-SGD runs: how far the steps went along each canary's gradient, in all."""

    def __init__(self):
        self.scores = np.zeros(len(marks.rows))

    def __call__(self, W, released):
        error = private.softmax(marks.rows @ W) - np.eye(10)[marks.labels]  # p - y, (M, 10)
        along = ((marks.rows @ released) * error).sum(axis=1)  # <released, x ⊗ (p - y)>
        self.scores += along / np.linalg.norm(error, axis=1)  # all canaries are of one length |x|


known = rows[: runtime.steps(full=1500, fast=200)]
marks = audit.canaries(runtime.steps(full=1000, fast=100), known, seed=1007)  # at right angles to known digits
ours, package = Watch(), audit.CanaryWatch(marks)
for look in (ours, package):
    look(W, W / 3)
assert np.allclose(ours.scores, package.scores, atol=1e-3)
others = rows[len(known) :][:1000]
overlap = np.abs(others @ marks.rows.T).max() / np.square(marks.rows[0]).sum()
print(f"{marks.inside.sum()} of {len(marks.rows)} canaries are inside; overlap with other digits: {overlap:.2f}")

# %%
x_all = np.concatenate([rows, marks.rows[marks.inside]])
y_all = np.concatenate([y_rows, marks.labels[marks.inside]])
settings = (sigma, q, steps, C, eta, q * len(rows))  # the last is public; how many canaries are inside is not
watch, started = Watch(), time.perf_counter()
weights, last = dp_sgd(x_all, y_all, *settings, seed=7, seen=watch, show=progress.watch("DP-SGD"))
seconds = time.perf_counter() - started
share, alone = (private.accuracy(w, rows_test, y_tested) for w in (weights, last))
print(f"{share:.2%} of test digits; the last iterate alone: {alone:.2%}; {seconds:.0f} s")
print(f"ε = {bill['ours']['rdp']:.2f} (RDP), {bill['ours']['pld']:.2f} (PLD) at δ = 1e-5")

# %% [markdown]
# ## What privacy costs
#
# All knobs were chosen on the last 10,000 *training* digits, after training on the other 50,000 (table: some tries); the test digits were asked once a seed. **Not in the bill:** each try on private data tells something too. Random search with a random number of tries costs two or three times one run (Papernot & Steinke, 2022); tables like this one cost more. Published numbers, ours among them, mostly leave it out.

# %%
table = read_table("private.csv")


def of(kind):
    """Lines of the table of one kind."""
    return [row for row in table if row["kind"] == kind]


last_of = {row["name"]: float(row["accuracy"]) for row in of("tune last")}
lines = ["| setting (ε 2.99, seed 3) | mean of iterates | last iterate |", "|---|---|---|"]
lines += [f"| {row['name']} | {float(row['accuracy']):.2%} | {last_of[row['name']]:.2%} |" for row in of("tune")]
noise = accounting.noise_for(2.99, q, knobs["steps"])
together = accounting.epsilon(noise, q, knobs["steps"] * len(of("tune")))
lines += [f"\nThe {len(of('tune'))} tries shown, composed as if each were the settled run: ε = {together:.1f}; more came before them."]
Markdown("\n".join(lines))

# %%
PUBLISHED = (("TF Privacy", 1.2, 95.0), ("TF Privacy", 2.92, 96.6), ("Opacus", 1.19, 94.63), ("Opacus", 3.01, 96.78),
             ("Papernot et al., CNN", 2.93, 98.1), ("Tramèr & Boneh, scattering", 2.93, 98.7))
curve = sorted((float(row["name"]), 100 * float(row["accuracy"])) for row in of("curve") if row["name"] != "no privacy")
free = 100 * next(float(row["accuracy"]) for row in of("curve") if row["name"] == "no privacy")
fig, ax = plt.subplots(figsize=(6, 3.5))
ax.plot(*zip(*curve, strict=True), "o-", color=plots.REAL, label="here, linear on fixed features")
for who, marker in zip(dict.fromkeys(who for who, _, _ in PUBLISHED), "sv^*", strict=True):
    points = np.array([(e, a) for name, e, a in PUBLISHED if name == who])
    ax.plot(*points.T, marker, color=plots.THIRD if marker == "*" else plots.FAKE, label=who)
ax.axhline(free, color=plots.GREY, linestyle=":", label="here, no privacy")
cost = {e: free - a for e, a in curve}
ax.set(xscale="log", xlabel="ε as each reported it, at δ = 1e-5", ylabel="test digits right (%)")
ax.set_xticks([e for e, _ in curve], [f"{e:g}" for e, _ in curve])
ax.minorticks_off()
ax.set_title(f"ε = 3 costs {cost[3]:.1f} points, ε = {curve[0][0]:g} {cost[curve[0][0]]:.1f} (one seed)")
ax.legend(frameon=False, fontsize="x-small")
plots.show(fig, alt="Accuracy rises with epsilon towards the line without privacy; published networks lie below it.")
runs, blind = [100 * float(row["accuracy"]) for row in of("run")], 100 * np.bincount(y_test).max() / len(y_test)
half = {2: 12.71, 3: 4.30}.get(len(runs), 2.0) * np.std(runs, ddof=1) / np.sqrt(len(runs))      # Student's t, 95 %
print(f"blind (the commonest class) {blind:.2f} %; ε = {bill['ours']['rdp']:.2f}, {len(runs)} seeds: "
      f"{np.mean(runs):.2f} ± {half:.2f} % over seeds (95 %), ± 0.21 more for 10,000 test digits; real (no privacy) {free:.2f} %")

# %% [markdown]
# ## An audit
#
# Is the *program* the algorithm that was billed? Guess which of $m$ canaries were inside: "in" for the highest scores, "out" for the lowest, silence on the rest. Under $(\varepsilon,0)$ a guess is right with chance $\frac{e^\varepsilon}{1+e^\varepsilon}$ at most; so for $v$ right of $r$, $B\sim\text{Bin}(r,\frac{e^\varepsilon}{1+e^\varepsilon})$ (Steinke, Nasr & Jagielski, 2023),
#
# $$P[V\ge v]\le P[B\ge v]+2m\delta\max_{i\le v}\frac{P[v-i\le B<v]}{i}.$$
#
# Every $\varepsilon$ for which this is below 5 % is refuted: a lower bound from one training.

# %%
def refutes(eps, m, r, v, delta=1e-5):
    """The chance, at most, of v right guesses of r about m canaries under (eps, delta)."""
    p = np.exp(eps) / (1 + np.exp(eps))
    B = np.array([comb(r, k) * p**k * (1 - p) ** (r - k) for k in range(r + 1)])
    return B[v:].sum() + 2 * m * delta * max(B[v - i : v].sum() / i for i in range(1, v + 1))


assert np.isclose(refutes(0.5, 1000, 100, 72), audit.p_value(0.5, 1000, 100, 72, 1e-5))
scores, inside = watch.scores, marks.inside
TRIES = runtime.steps(full=(100, 400), fast=(20, 50))  # guesses, fixed beforehand; they share the 5 %
bound, r, v = audit.audit(scores, inside, TRIES)
fig, ax = plt.subplots(figsize=(6, 3))
bins = np.linspace(scores.min(), scores.max(), 40)
ax.hist(scores[inside], bins, color=plots.FAKE, alpha=0.6, label="inside")
ax.hist(scores[~inside], bins, color=plots.REAL, histtype="step", linewidth=1.5, linestyle="--", label="outside")
ax.set(xlabel="score s: the way along the canary's gradient", ylabel="canaries")
ax.set_title(f"{v} of {r} guesses right: ε ≥ {bound:.2f}; the accountant says ≤ {bill['ours']['pld']:.2f}")
ax.legend(frameon=False)
plots.show(fig, alt="Two overlapping histograms of canary scores; those inside lie a little further right.")

# %% [markdown]
# Lower bound below upper bound: no contradiction, and the truth in between. Now a bug that happens: somebody forgets to clip. Noise, sampling, steps stay; nothing crashes. **Predict:** what will the accountant say? What the accuracy, what the audit?

# %%
looked = Watch()
bug, _ = dp_sgd(x_all, y_all, *settings, seed=7, clip=False, seen=looked, show=progress.watch("the bug"))
found = audit.audit(looked.scores, inside, TRIES)
lines = ["| program | accountant: ε ≤ | audit: ε ≥ | right guesses | test digits right |", "|---|---|---|---|---|"]
for name, (b, r, v), w in (("as written", (bound, r, v), weights), ("clipping forgotten", found, bug)):
    share = private.accuracy(w, rows_test, y_tested)
    lines.append(f"| {name} | {bill['ours']['pld']:.2f} | {b:.2f} | {v} of {r} | {share:.2%} |")
Markdown("\n".join(lines))

# %% [markdown]
# The accountant reads $\sigma$, $q$ and the steps, never the code: it repeats its number. Only the audit objects, at the ceiling of 400 guesses; gradients twice too long (ε = 7.8) would pass it. A low bound proves nothing (weak attacks, or few guesses, find little); one above $\varepsilon$ shows a bug, wrongly once in 20.
#
# ## Private digits
#
# Publish digits instead? A **private generator**: for each class count, mean and covariance of 196 slow cosine waves, each digit's part in these sums bounded, noise added *once*. What is drawn then costs nothing more: **post-processing** 后处理.

# %%
labels = np.arange(10).repeat(2)
once = next(s for s in np.arange(0.5, 9, 0.05) if accounting.gaussian_epsilon(s) <= 2.99)
kinds = {"no noise": 0.0, f"ε {accounting.gaussian_epsilon(once):.2f}": once}
own = x_train[:SEEN], y_train[:SEEN]
drawn = [gaussians.fit_gaussians(*own, noise).sample(labels) for noise in kinds.values()]
fig = plots.image_grid(np.concatenate(drawn), columns=20, title=f"Digits of ten Gaussians; {', below '.join(kinds)}")
plots.show(fig, alt=fig.alt)
names = {
    "real": "10,000 real digits",
    "without noise": "drawn, no noise",
    "without noise, cut as private": "drawn, no noise, as few directions as with noise",
    "private": "drawn, ε ≤ 2.99",
    "blind": "drawn, labels shuffled first (blind)",
}
lines = ["| classifier trained on | test digits right | seeds |", "|---|---|---|"]
for key, name in names.items():
    values = [100 * float(row["accuracy"]) for row in of("generator") if row["name"] == key]
    lines.append(f"| {name} | {np.mean(values):.2f} % ({min(values):.2f} to {max(values):.2f}) | {len(values)} |")
Markdown("\n".join(lines))

# %% [markdown]
# Noise costs nothing here: with it the classifier reads *more* (perhaps its speckle works like augmentation; not tested). What is missing against real digits is the Gaussian's fault. Directions whose variance noise alone could have made are left out. A classifier trained with privacy reads far more, but does one thing; these digits serve whatever needs no more than ten means and covariances.

# %% [markdown]
# ## Copies
#
# Chapter 05 counted pictures nearer to a training one than 99 % of unseen digits. A thief who changes a little escapes. **Meehan's test** (Meehan et al., 2020) compares whole samples: with $d$ the distance to the nearest training picture, of $m$ generated and $n$ unseen ones,
#
# $$U=\#\{(q,p): d(q)>d(p)\},\qquad z=\frac{U-mn/2}{\sqrt{mn(m+n+1)/12}}$$
#
# is nearly standard Gaussian for honest data (Mann & Whitney, 1947). $C_T$ is the mean of $z$ over cells of the data, weighted by unseen pictures; over five like cells it spreads by 0.45. Far below 0: copied.

# %%
def mann_whitney(d_q, d_p):
    """z: below 0 where generated samples (m,) lie nearer than unseen ones (n,)."""
    m, n = len(d_q), len(d_p)
    U = (d_q[:, None] > d_p).sum() + (d_q[:, None] == d_p).sum() / 2
    return (U - m * n / 2) / np.sqrt(m * n * (m + n + 1) / 12)


some = rng.random(300), rng.random(200)
assert np.isclose(mann_whitney(*some), copies.mann_whitney(*some))
DRAWN, KNOWN = runtime.steps(full=600, fast=60), runtime.steps(full=60_000, fast=500)
known = data.scale(x_train[:KNOWN])
own_digits = known[rng.permutation(KNOWN)[:1000]]                            # all that the thief has
stolen = np.random.default_rng(1).standard_normal((DRAWN, 784), dtype=np.float32)
for i in range(20):
    stolen = stolen + paths.exact_velocity(stolen, i / 20, own_digits.reshape(-1, 784)) / 20
stolen = np.clip(stolen, -1, 1).reshape(-1, 28, 28, 1)

# %%
order = rng.permutation(len(x_test))               # mixed: the file's halves have other writers, and "real" would fail
real, held = data.scale(x_test[order[:DRAWN]]), data.scale(x_test[order[DRAWN : 2 * DRAWN]])
blurred = (4 * real + sum(np.roll(real, step, axis) for step in (-1, 1) for axis in (1, 2))) / 8
z, asked = np.random.default_rng(2).standard_normal((DRAWN, 100)).astype(np.float32), np.arange(DRAWN) % 10
flow, _ = flow_model.load_flow(data.asset("flow.npz"))
pictures = {"real": real, "real, a little blurred": blurred, "GAN": gan.generate_images(gan.load_generator(), z),
            "flow": flow.sample(DRAWN, asked, evaluations=10, seed=3), "thief of 1,000 digits": stolen}
views = (lambda x: np.reshape(x, (len(x), -1)), lambda x: metrics.judge().read(np.asarray(x, np.float32))[0])
everyone, thief = ([view(part) for view in views] for part in (known, own_digits))
lines = ["| pictures | $C_T$, pixels | $C_T$, judge's features | as near as 1 % of unseen |", "|---|---:|---:|---:|"]
suspects = {}
for name, made in pictures.items():
    trained_on, tests = thief if name.startswith("thief") else everyone, []
    for view, train in zip(views, trained_on, strict=True):
        cells = copies.cells_of(train[:3000], 5, np.random.default_rng(0))
        tests.append(copies.copy_test(view(made), view(held), train, cells, least=5))
    own, unseen_ones = tests[0].distances
    suspects[name] = np.argsort(own)[: runtime.steps(full=8, fast=4)], trained_on[0]
    close = (own <= np.quantile(unseen_ones, 0.01)).mean()
    lines.append(f"| {name} | {tests[0].score:+.1f} | {tests[1].score:+.1f} | {close:.1%} |")
Markdown("\n".join(lines))

# %% [markdown]
# Real digits stand at 0, the thief at −15. GAN and flow stand *above* 0: farther from their training digits than unseen ones, the GAN farthest. The sceptic's control: unseen digits with softer edges, copied by nobody, are near to everything in pixels (−3), not in features. Distance measures copying only where nothing else shortens it. Below, two rows each for real, GAN, flow and thief: the eight nearest of all, each above its training digit. Which pairs are copies?

# %%
pairs = []
for name in ("real", "GAN", "flow", "thief of 1,000 digits"):
    worst, train = suspects[name]
    _, places_of = metrics.nearest_neighbours(views[0](pictures[name])[worst], train)
    pairs += [np.asarray(pictures[name])[worst], train[places_of[:, 0]].reshape(-1, 28, 28, 1)]
plots.image_grid(np.clip(np.concatenate(pairs), -1, 1), columns=len(worst),
                 title="Nearest pairs: real, GAN, flow, thief")

# %% [markdown]
# ## To forget
#
# Someone withdraws consent. **Machine unlearning** 机器遗忘 wants a network as if it had never seen the example. The yardstick is retraining without it, not "accuracy 0 on the forgotten": networks read digits that they never saw. Ascent climbs the loss of the forgotten, then repairs the rest:
#
# $$\theta \leftarrow \theta + \eta\,\nabla \ell(\text{forgotten}),\qquad\text{then}\qquad \theta\leftarrow\theta-\eta\,\nabla\ell(\text{rest}).$$
#
# `benchmarks/unlearning.py`: eight networks, 5,000 digits, of which they forget 100 random ones, or a *kind*, one of four clusters of sevens. Attack: forgotten against unseen digits, by log odds less those of retrained networks; 50 %: it learns nothing.

# %%
COLUMNS = {"forgotten, as labelled, %": ("forgotten", 100), "test digits, %": ("test", 100),
           "not as retrained, %": ("disagreement", 100), "attack's AUC, %": ("calibrated_auc", 100),
           "steps to relearn": ("relearn", 1)}


def told(own, name, scale):
    """Mean over the seeds ± its standard error."""
    found = scale * np.array([float(row[name]) for row in own])
    return f"{found.mean():.1f} ± {found.std(ddof=1) / np.sqrt(len(found)):.1f}"


rows = read_table("unlearning.csv")
lines = [f"| forget | way | {' | '.join(COLUMNS)} |", "|---|---|" + len(COLUMNS) * "---:|"]
for kind in ("random", "kind"):
    for way in dict.fromkeys(row["way"] for row in rows):
        own = [row for row in rows if (row["forget"], row["way"]) == (kind, way)]
        lines.append(f"| {kind} | {way} | {' | '.join(told(own, *column) for column in COLUMNS.values())} |")
Markdown("\n".join(lines))

# %% [markdown]
# **What broke.** @FINDING_UNLEARNING@
#
# - An AUC hides who is found; a rate at 1 % FPR hides who is found *wrongly*: below 100 strangers it cannot be measured.
# - LiRA needs to know the training: the same data, the same steps. Someone outside knows less, and an audit should know more.
# - Nearness is no proof of copying, and forgetting cannot be read off one number.

# %% [markdown]
# ## Recap
#
# - An attack is judged where it accuses hardly anyone wrongly. There, from 1,000 digits on, a threshold on the loss finds no more than chance; comparing each example with itself finds the odd ones.
# - Clip, sample, add noise, count: ε bounds every attack. The accountant reads the settings, an audit the program.
# - A copy, a forgotten example, a private model: each claim needs its null, its yardstick and somebody who tries to break it.

# %% [markdown]
# ## Check yourself
#
# 1. An attack has an AUC of 0.60. Is that a small leak?
# <details><summary>Answer</summary>The AUC cannot say. It may be a little for all, or nearly everything for a few: look at the members found where one stranger in a hundred is accused.</details>
#
# 2. Why is the noisy sum divided by the expected batch and not by the actual one?
# <details><summary>Answer</summary>The actual size depends on who is there: dividing by it publishes, without noise, something about each example.</details>
#
# 3. An audit finds ε ≥ 0.7, the accountant says ε ≤ 3. Who is wrong?
# <details><summary>Answer</summary>Nobody: the truth lies between them. A bound above 3 would have shown a bug (wrongly once in 20 at most); one below proves nothing: the attack may be weak, the guesses few.</details>

# %% [markdown]
# ## Exercises
#
# **Checked, 5 exercises, 12 points:** [exercises/13_privacy_and_copying.ipynb](../exercises/13_privacy_and_copying/13_privacy_and_copying.ipynb); each names the mistake where it is a known one. **To hand in as text and figures:**
#
# 1. Train one of the classifiers with weight decay. What happens to LiRA, and what to the test digits?
# 2. Halve the batch at the same ε. What do noise, steps and accuracy do, and which of them do you pay for?
# 3. Give a thief 1,000 digits and blur what it draws. At which blur does $C_T$ stop accusing it?
# 4. Two people ask: "was my handwriting in it?" Write the answer that you can defend, and the one that you can't.

# %% [markdown]
# ## Sources
#
# - R. Shokri et al., 2017, arXiv 1610.05820; S. Yeom et al., 2018, 1709.01604; N. Carlini et al., 2019, 1802.08232 (exposure); 2022, 2112.03570 (LiRA), numbers from the README of their code; J. Neyman, E. Pearson, 1933.
# - C. Dwork et al., 2006; M. Abadi et al., 2016, 1607.00133; I. Mironov, 2017, 1702.07476; B. Balle, Y.-X. Wang, 2018, 1805.06530; A. Koskela et al., 2020, 1906.03049; V. Doroshenko et al., 2022, 2207.04380; L. Chua et al., 2024, 2403.17673; N. Papernot et al., 2020, 2007.14191; N. Papernot, T. Steinke, 2022, 2110.03620.
# - J. Bruna, S. Mallat, 2013, 1203.1513; F. Tramèr, D. Boneh, 2021, 2011.11660; the READMEs of TensorFlow Privacy and Opacus.
# - T. Steinke et al., 2023, 2305.08846 (audit); C. Dwork et al., *Analyze Gauss*, 2014. Attacks on GANs: J. Hayes et al., 2019, 1705.07663; D. Chen et al., 2020, 1909.03935. Unlearning: Y. Cao, J. Yang, 2015; A. Golatkar et al., 2020, 1911.04933; J. Hayes et al., 2024, 2403.01218. C. Meehan et al., 2020, 2004.05675; H. Mann, D. Whitney, 1947.
