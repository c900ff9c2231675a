# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %%
from aigc_course import runtime
runtime.start(seed=7)          # before TensorFlow: seeds, device report, FAST profile

import csv

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from IPython.display import Markdown
from aigc_course import data, plots
from aigc_course.flow import model
from aigc_course.studio import adapt, conditional, scores, taste, taste_users, taste_widget

POOL = runtime.steps(full=5000, fast=700)         # generated clothes to ask about and to propose
(x_train, y_train), (x_test, y_test) = data.load_mnist()


def read(name):
    with open(data.asset(name), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# %% [markdown]
# ## Whose taste?
#
# The article promises content for each person. You say *like* or *no* thirty times; can chapter 07's generator draw more of what you like? Simulated users have known tastes. One likes a picture with a probability: a fondness for its class, less a cost for each property of the *pixels* far from an **ideal point** 理想点 (Coombs, 1950). Each likes 10 to 20 % of all. Another kind has no ideal: the *more*, the better.

# %%
generator, _ = conditional.load_conditional_generator(data.asset("fashion_generator.npz"))
judge, rng = scores.FashionJudge(), np.random.default_rng(7)
clothes, kinds = conditional.sample_classes(generator, POOL, rng.integers(10, size=POOL), seed=7)
measured = taste_users.properties(clothes)                         # brightness, width, height, symmetry, texture
users = taste_users.draw_users(40, measured, kinds, "ideal", seed=3)
likes = taste_users.likings(users, measured, kinds)                # (40, POOL): probabilities of a like
s = (measured - users.mean) / users.spread
logits = users.classes[0, kinds] - ((s - users.ideals[0]) ** 2) @ users.costs[0] + users.base[0]
assert np.allclose(likes[0], 1 / (1 + np.exp(-logits)))
best = np.argsort(likes[:3], axis=1)[:, :-11:-1]
labels = [f"{likes[i, j]:.0%}" for i in range(3) for j in best[i]]
plots.image_grid(clothes[best.ravel()], labels=labels, title="Three users: the ten that each likes most", size=0.8)

# %% [markdown]
# ## A model of taste
#
# The model sees no ideals. Of a picture it sees $x$: a 1 and the 8 strongest directions of the judge's features, each with spread 1. **Bayesian logistic regression** 贝叶斯逻辑回归:
#
# $$P(\text{like}\mid x)=\sigma(w\cdot x),\qquad w\sim N(0,\kappa^{-1}I),$$
#
# with $\kappa=4$ (a hundredth for the 1). **Laplace's approximation** 拉普拉斯近似 takes the posterior for a Gaussian about its peak, covariance the inverse of $H=\sum p(1-p)\,xx^\top+\kappa I$. A like, if $w\cdot x$ has mean $m$ and variance $v$, has about probability $\sigma\bigl(m/\sqrt{1+\pi v/8}\bigr)$ (MacKay, 1992).

# %%
def fit(x, answers, kappa=4.0):
    """Peak of the posterior and covariance about it."""
    prior = np.r_[kappa / 100, np.full(x.shape[1] - 1, kappa)]
    w = np.zeros(x.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-x @ w))
        H = x.T * (p * (1 - p)) @ x + np.diag(prior)
        w = w + np.linalg.solve(H, x.T @ (answers - p) - prior * w)    # Newton: slope over curvature
    return w, np.linalg.inv(H)


features = judge.read(clothes)[0]                                      # (POOL, 64)
values, ways = np.linalg.eigh(np.cov(features, rowvar=False))
seen = (features - features.mean(axis=0)) @ ways[:, :-9:-1] / np.sqrt(values[:-9:-1])
eyes = taste.Eyes(features)
x = eyes(features)                                                     # (POOL, 9)
assert np.allclose(np.abs(seen), np.abs(x[:, 1:]), atol=1e-3)          # up to the signs

some = rng.choice(POOL, 30, replace=False)
answers = (rng.random(30) < likes[0, some]).astype(float)
w, covariance = fit(x[some], answers)
assert np.allclose(w, taste.fit_taste(x[some], answers).mean, atol=1e-5)
m, v = x @ w, np.sum(x @ covariance * x, axis=1)
like = 1 / (1 + np.exp(-m / np.sqrt(1 + np.pi * v / 8)))
assert np.allclose(like, taste.predict(taste.Taste(w, covariance), x))
smaller = np.mean(np.abs(w[1:]) < np.sqrt(np.diag(covariance)[1:]))
f"{answers.sum():.0f} likes among 30 pictures by chance; {smaller:.0%} of the weights are below their uncertainty"

# %% [markdown]
# A few likes among thirty say little: most weights are smaller than their uncertainty. Better questions help. **Thompson sampling** 汤普森采样 (1933) draws weights from the posterior and asks about the picture that *they* like best: where a like is probable, or nothing is known. Ten questions by chance, then four times five. Proposals are the best after one standard deviation is taken off the logit (caution). **Predict:** how many of the ten proposals will this user like?

# %%
def thompson(w, covariance, x, count):
    """`count` places in x: for each, the best under weights drawn anew, that was not taken yet."""
    taken = []
    for draw in rng.multivariate_normal(w, covariance, count):
        taken.append(next(place for place in np.argsort(-(x @ draw)) if place not in taken))
    return taken


middle = POOL // 2                                                     # first half to ask about, second half to propose
shown = list(range(10))
answers = list(rng.random(10) < likes[0, shown])
while len(shown) < 30:
    fresh = np.setdiff1d(rng.choice(middle, min(500, middle), replace=False), shown)
    more = fresh[thompson(*fit(x[shown], np.array(answers)), x[fresh], 5)]
    shown, answers = [*shown, *more], [*answers, *(rng.random(5) < likes[0, more])]
mine = taste.Taste(*fit(x[shown], np.array(answers)))
proposed = middle + np.argsort(-taste.predict(mine, x[middle:], caution=1.0))[:10]
labels = [*("like" if a else "no" for a in answers), *(f"{p:.0%}" for p in likes[0, proposed])]
title = f"Thirty answers; ten proposals, {likes[0, proposed].mean():.0%} liked (by chance {likes[0].mean():.0%})"
plots.image_grid(clothes[[*shown, *proposed]], labels=labels, title=title, size=0.8)

# %% [markdown]
# One user proves nothing. So 200 of each kind, three times (`benchmarks/taste.py`), 20 proposals out of 1,000 fresh pictures for each; hits are true probabilities, no coins. Beside the model: *passive*, thirty questions by chance; *nearest*, what lies nearest to a liked picture; *blind*, the model on answers shuffled; *oracle*, who knows the taste. $\kappa$, eyes and caution were chosen with other users. **Predict:** does the model beat *nearest*?

# %%
rows = [row for row in read("taste.csv") if row["part"] == "hits"]


def pooled(own, name, error):
    """Mean over the three runs, and half a 95 % interval from each one's standard error over its users."""
    values, errors = (np.array([float(row[key]) for row in own]) for key in (name, error))
    return values.mean(), 1.96 * np.sqrt(np.sum(errors**2)) / len(own)


def of(kind, name):
    return [row for row in rows if (row["kind"], row["row"]) == (kind, name)]


lines = ["| 20 proposals by | user | liked, % | times chance | model has more, points |", "|---|---|---:|---:|---:|"]
for kind in taste_users.KINDS:
    chance = pooled(of(kind, "random"), "liked", "error")[0]
    for name in ("random", "blind", "nearest", "passive", "model", "oracle"):
        liked, half = (100 * part for part in pooled(of(kind, name), "liked", "error"))
        gap, wide = (100 * part for part in pooled(of(kind, name), "model_more", "model_more_error"))
        more = "–" if name == "model" else f"{gap:+.1f} ± {wide:.1f}"
        lines.append(f"| {name} | {kind} | {liked:.1f} ± {half:.1f} | {liked / chance / 100:.2f} | {more} |")
Markdown("\n".join(lines))

# %% [markdown]
# Users with ideals like @MODEL@ % of the proposals, @RANDOM@ % by chance: @RATIO@ times as many. *Nearest* gets @NEAREST@ % without a model, @GAP@ points less; chance questions lose @PASSIVE_GAP@ points. The oracle's @ORACLE@ % is what thirty answers leave unknown.
#
# Now yours: three pages of questions, then four where half the pictures are proposals, unmarked. For the record simulated users play too. Twenty against twenty is few: see the intervals (Wilson, 1927).

# %%
my_taste = taste_widget.play(generator, seed=7, pool=runtime.steps(full=2000, fast=150))
hits = {"proposed": [0, 0], "by chance": [0, 0]}
for user in range(runtime.steps(full=4, fast=1)):
    robot = taste_widget.Session(generator, judge, seed=8 + user, pool=runtime.steps(full=2000, fast=150))
    while len(robot.page):
        p = taste_users.likings(users, taste_users.properties(robot.images), robot.labels)[user]
        robot.answer(rng.random(len(p)) < p)
    print(f"simulated user {user}, {sum(list(robot.answers.values())[:30])} likes in 30 answers. {robot.told()}")
    hits = {name: [a + b for a, b in zip(hits[name], robot.result()[name][:2], strict=True)] for name in hits}
for name, (likes_in, count) in hits.items():
    low, high = taste_widget.wilson(likes_in, count)
    print(f"together, {name}: {likes_in} of {count}, {likes_in / count:.0%} (95 %: {low:.0%} to {high:.0%})")

# %% [markdown]
# ## Best of n
#
# Twenty of 1,000 was mild. Take the best of $n$ by the model, up to $n=10{,}000$. How far is that from one draw? Let $u$ be the share of pictures that score lower; its density is 1 for one draw, $n u^{n-1}$ for the best of $n$:
#
# $$\mathrm{KL}=\int_0^1 n u^{n-1}\log\bigl(n u^{n-1}\bigr)\,du=\log n-\frac{n-1}{n}\ \text{nats},$$
#
# whatever the scores. Of $N$ pictures that of rank $r$ is best in a share $\binom{r-1}{n-1}/\binom Nn$ of all choices. **Predict:** predicted likes rise with $n$. Received ones?

# %%
def best_of(score, value, n):
    """The mean value of the best-scored of n, over all choices of n from the N."""
    N, ranked = len(score), value[np.argsort(score)]
    share = np.zeros(N)
    share[-1] = n / N                                                  # C(N - 1, n - 1) / C(N, n)
    for r in range(N - 1, n - 1, -1):
        share[r - 1] = share[r] * (r - n + 1) / r                      # C(r - 1, n - 1) from C(r, n - 1)
    return share @ ranked


score, value = taste.predict(mine, x[middle:]), likes[0, middle:]
assert np.isclose(best_of(score, value, 16), taste.best_of(score, value, [16])[0])
drawn = rng.integers(len(score), size=(20_000, 16))
chosen = np.take_along_axis(drawn, score[drawn].argmax(axis=1)[:, None], axis=1)
print(f"best of 16: {best_of(score, value, 16):.3f}; drawn 20,000 times {value[chosen].mean():.3f}")
u = (np.arange(1_000_000) + 0.5) / 1_000_000
for n in (2, 16, 128):
    density = n * u ** (n - 1) + 1e-300
    assert np.isclose((density * np.log(density)).mean(), np.log(n) - (n - 1) / n, atol=1e-4)
    print(f"best of {n}: {taste.kl_of_best(n):.2f} nats from one draw")

# %%
runs = [row for row in read("taste.csv") if (row["kind"], row["row"]) == ("ideal", "model")]
fig, ax = plt.subplots(figsize=(7, 3.8))
for count, colour, mark in ((30, plots.FAKE, "o"), (100, plots.THIRD, "s"), (300, plots.REAL, "^")):
    own = [row for row in runs if row["labels"] and float(row["labels"]) == count]
    points, falls = ([row for row in own if row["part"] == part] for part in ("best of n", "fall"))
    n = np.array(sorted({float(row["n"]) for row in points}))
    at = [[row for row in points if float(row["n"]) == one] for one in n]
    liked, wide = np.array([pooled(some, "liked", "error") for some in at]).T
    predicted = [np.mean([float(row["predicted"]) for row in some]) for some in at]
    kl, colours = taste.kl_of_best(n), {"color": colour, "markersize": 4}
    alpha, beta = taste.overoptimised(kl, liked - liked[0])
    ax.plot(kl, predicted, mark + ":", mfc="white", label=f"{count} answers: predicted", **colours)
    ax.errorbar(kl, liked, yerr=wide, fmt=mark + "-", label=f"{count} answers: received", **colours)
    ax.plot(kl, liked[0] + np.sqrt(kl) * (alpha - beta * np.sqrt(kl)), "--", color=colour, linewidth=0.8)
    lost, half = (100 * part for part in pooled(falls, "fall", "fall_error"))
    print(f"{count} answers: most received at n = {n[liked.argmax()]:,.0f}, {liked.max():.1%}; at n = 10,000 "
          f"{liked[-1]:.1%}, {lost:.1f} ± {half:.1f} points below the peak; α = {alpha:.3f}, β = {beta:.3f}")
ax.set(xlabel="KL of the best of n from one draw (nats)", ylabel="probability of a like", ylim=(0, 1))
ax.set_title("Predicted likes keep rising, received ones do not")
ax.legend(frameon=False, fontsize="small", ncol=3)
plots.show(fig, alt="Predicted likes rise with the KL of best of n; received likes rise, then level off or fall.")

# %% [markdown]
# **Over-optimised** 过度优化. With 30 answers @PRED30@ % are predicted at $n=10{,}000$ and @RECEIVED30@ % received; the most, @PEAK30@ %, came at $n=$ @N30@. The fall, @FALL30@ points, is measured on users that did not choose the peak. More answers move the peak to the right. Dashed: the form $d(\alpha-\beta d)$, $d=\sqrt{\mathrm{KL}}$, that Gao, Schulman & Hilton (2022) found for rewards of language models.

# %% [markdown]
# Why a fall? A line fitted to thirty answers goes on past the ideal. Users who have none lose @FALL_MORE@ points.
#
# Best of $n$ only chooses among what the generator draws anyway. Now move $z$ itself, up the slope of the predicted logit, through the judge and the generator. **Predict:** what will the pictures look like, and who will like them?

# %%
tries, steps = 5, runtime.steps(full=40, fast=2)
slopes = np.repeat([eyes.slope(mine)], 2 * tries, axis=0)
z, asked = rng.standard_normal((2 * tries, 64)), np.repeat([0, 7], tries)          # t-shirts, sneakers
film, log = [], []


def each(step, z, images):
    features, logits = judge.read(np.clip(images, -1, 1))
    liked = taste_users.likings(users, taste_users.properties(images), asked)[0]
    log.append((taste.predict(mine, eyes(features)).mean(), liked.mean(), (logits.argmax(axis=1) == asked).mean()))
    if step in (0, steps // 2, steps):
        film.append(np.clip(images, -1, 1))


taste.climb(generator, judge, slopes, z, asked, steps, 0.2, each)
for step in (0, steps // 2, steps):
    print(f"step {step}: predicted {log[step][0]:.0%}, received {log[step][1]:.0%}, read as asked {log[step][2]:.0%}")
plots.image_grid(np.concatenate(film), title="Up the slope in z: start, half way, end", size=0.8)

# %% [markdown]
# For 20 users with 8 starts each, 60 steps raise predicted likes from @CLIMB_P0@ to @CLIMB_P1@ %; received ones go from @CLIMB_L0@ to @CLIMB_L1@ %, and @CLIMB_A@ % are still read as the class that was asked for (@CLIMB_A0@ % before). The slope finds what moves the judge's features, not clothes.
#
# What helps: more answers, asking about what was proposed, stopping early, caution (two standard deviations: @CAUTIOUS@ % at the peak). A higher prediction does not.

# %% [markdown]
# ## A hand of twenty
#
# Or change the *generator*. A writer hands in twenty digits, two of each. Our three writers are other people's digits, slanted, stretched, thicker or thinner, so there are 10,000 test digits in each hand. Of chapter 11's flow (0.82 million weights) **scale and shift** (after Noguchi & Harada, 2019) learns one factor for each channel $c$ that leaves a layer, and the biases, by the flow's own loss:
#
# $$W'_c=(1+g_c)\,W_c,\qquad b'_c=b_c+h_c.$$

# %%
flow, _ = model.load_flow(data.asset("flow.npz"))
chosen = adapt.twenty(y_train[:55_000], seed=7)                         # the last 5,000 were for choices
given, digits = adapt.write(adapt.HANDS["bold"], x_train[chosen]), y_train[chosen]
images = tf.constant(np.tile(data.scale(given), (2, 1, 1, 1)))
labels = tf.constant(np.tile(digits, 2).astype(np.int32))
start = [tf.constant(weight) for weight in flow.network.trainable_variables]
shapes = adapt.few_numbers(flow.network)                                # of g and h; None: stays as it is
numbers = [tf.Variable(tf.zeros(shape)) for shape in shapes if shape]
optimizer = model.adam(5e-3)


def weights(numbers):
    """All weights of the network: kernels times 1 + g, biases plus h."""
    left, found = iter(numbers), []
    for weight, shape in zip(start, shapes, strict=True):
        change = next(left) if shape else None
        found.append(weight if not shape else weight + change if len(shape) == 1 else weight * (1 + change))
    return found


print(f"{sum(int(tf.size(part)) for part in numbers):,} numbers of {flow.network.count_params():,}")

# %%
def loss_at(step):
    """Chapter 11's loss on all twenty, twice: noise, times, the path between, its direction."""
    noise = tf.random.stateless_normal(images.shape, [7, step])
    t = tf.sigmoid(tf.random.stateless_normal(labels.shape, [7 + 104729, step + 104729]))
    way = t[:, None, None, None]
    inputs = [(1 - way) * noise + way * images, t, labels]
    velocity, _ = flow.network.stateless_call(weights(numbers), [], inputs, training=True)
    return tf.reduce_mean((velocity - (images - noise)) ** 2)


average = [0.0 * number for number in numbers]
for step in range(2):
    with tf.GradientTape() as tape:
        loss = loss_at(step)
    optimizer.apply(tape.gradient(loss, numbers), numbers)
    average = [0.95 * mean + 0.05 * number for mean, number in zip(average, numbers, strict=True)]
new, count = adapt.adapt(flow, given, digits, "few", rate=5e-3, steps=2, seed=7)
assert all(np.allclose(a, b, atol=1e-4) for a, b in zip(weights(average), new.average.get_weights(), strict=True))

# %% [markdown]
# A sceptic trains nothing: take the covariance $C=LL^\top$ of the ink's places in our digits, $C'=L'L'^\top$ in the twenty, and move the ink by $A=L'L^{-1}$; triangular, so it stretches and slants but does not turn. **Predict:** which is nearest to the hand: the linear map, 3,784 numbers, or all weights? And which forgets?

# %%
def covariance_of_ink(images):
    """Mean over the images of the covariance (2, 2) of row and column, weighted by ink."""
    ink = (images[..., 0] + 1).reshape(len(images), -1)
    ink, places = ink / ink.sum(axis=1, keepdims=True), np.indices((28, 28)).reshape(2, -1)
    return np.mean([np.cov(places, aweights=one, ddof=0) for one in ink], axis=0)


before = flow.sample(runtime.steps(full=200, fast=20), seed=5)
ours, theirs = (np.linalg.cholesky(covariance_of_ink(part)) for part in (before, data.scale(given)))
assert np.allclose(theirs @ np.linalg.inv(ours), adapt.fit_map(before, data.scale(given)), atol=1e-3)
grids = [data.scale(given[::2]), before[:10], adapt.align(before, data.scale(given))[:10]]
for ways, steps in runtime.steps(full=(("few", 200), ("all", 100)), fast=()):
    learnt, _ = adapt.adapt(flow, given, digits, ways, steps, seed=7)
    grids.append(learnt.sample(10, seed=5))
title = "Ten of the twenty; as it was; linear map; scale and shift; all weights"
plots.image_grid(np.concatenate(grids), title=title, size=0.8)

# %%
runs = read("adapt.csv")
NAMES = {"few": "scale and shift", "all": "all weights"}
LINES = {"blind: as it was": ("black", ":"), "twenty stored": (plots.GREY, "--"), "linear map": (plots.GREY, "-."),
         "few, then map": (plots.FAKE, "-."), "real": (plots.REAL, "-")}


def curve(name, row):
    """(steps, mean over hands and sets of twenty, standard error)."""
    at = sorted({int(one["steps"]) for one in runs if one["row"] == row})
    own = np.array([[float(o[name]) for o in runs if (o["row"], int(o["steps"])) == (row, step)] for step in at])
    return at, own.mean(axis=1), own.std(axis=1, ddof=1) / np.sqrt(own.shape[1])


fig, axes = plt.subplots(1, 3, figsize=(9.5, 3.6))
for ax, name in zip(axes, ("distance", "spread", "copies"), strict=True):
    for row, colour, style in (("few", plots.FAKE, "s--"), ("all", plots.THIRD, "^-")):
        ax.errorbar(*curve(name, row), fmt=style, color=colour, markersize=4, label=NAMES[row])
    for row, (colour, dash) in LINES.items():
        ax.axhline(curve(name, row)[1][0], color=colour, linestyle=dash, linewidth=1, label=row)
    ax.set(xscale="log", xlabel="steps")
axes[0].set(yscale="log", ylabel="judge distance to the hand", title="Gained: the hand")
axes[1].set(ylabel="spread within a class, share of real", title="Forgotten: variety")
axes[2].set(ylabel="share of the drawings", title="Copies of the twenty")
axes[2].legend(frameon=False, fontsize="x-small", loc="center right")
plots.show(fig, alt="Distance to the hand, spread and copies against steps for both ways; lines: the baselines.")

# %% [markdown]
# Unadapted the flow stands at @BLIND@ from the hand; the linear map, without a step, at @LINEAR@; scale and shift at @FEW@ after 200 steps, all weights at @ALL@ after 100; real digits in the hand, as many, at @REALHAND@. (Three hands, three sets of twenty.) @ADAPT_VERDICT@
#
# What is forgotten: @FORGOTTEN@. The old generator is not lost: a hand is 3,784 numbers, 15 kB, beside shared weights, and without them the flow draws as before.
