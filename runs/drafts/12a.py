# %% [markdown]
# ## Does generated data help?
#
# The article promises **data augmentation** 数据增强: few labels, so let a generator draw more. But it draws from what it saw in those few. What could a classifier learn from them that it could not learn before?
#
# First a toy, solved on paper; then 10 to 1,000 labels a class, one rule for all (equal steps, pictures, care), and a price: *one generated picture is worth $k$ real ones*.

# %% [markdown]
# ## A toy: the mean of a class
#
# We want $\mu$, and have $n$ points $x_i\sim N(\mu,1)$. Their mean $\bar x$ misses by $1/n$, squared and averaged. A "generator" learns $\bar x$ and draws $m$ points $y_j=\bar x+\epsilon_j$. Mix both means, the generated with weight $w$:
#
# $$\hat\mu=(1-w)\,\bar x+w\,\bar y=\bar x+w\,\bar\epsilon,\qquad \mathbb E(\hat\mu-\mu)^2=\frac1n+\frac{w^2}m\;\ge\;\frac1n.$$
#
# In general $\mu\to x\to y$ is a chain: $y$ knows $\mu$ through $x$ alone, so $I(\mu;x,y)=I(\mu;x)$, the **data-processing inequality** 数据处理不等式.

# %% [markdown]
# *Knowledge* is another matter. Someone who believes that $\mu$ is near 0 shrinks $\bar x$ to $c\,\bar x$, with error
#
# $$\mathbb E(c\,\bar x-\mu)^2=\frac{c^2}{n}+(1-c)^2\mu^2.$$
#
# The belief is wrong ($\mu=0.3$), and it helps: with $c=0.6$ and $n=10$ it adds 0.014 in bias and saves 0.064 in noise.

# %%
rng = np.random.default_rng(7)
mu, n, m, c, runs = 0.3, 10, 50, 0.6, runtime.steps(full=200_000, fast=20_000)
x_bar = mu + rng.standard_normal(runs) / np.sqrt(n)                  # the mean of n points, `runs` times
y_bar = x_bar + rng.standard_normal(runs) / np.sqrt(m)               # the mean of m generated points
w = np.linspace(0, 1, 11)
measured = [np.mean(((1 - one) * x_bar + one * y_bar - mu) ** 2) for one in w]
assert np.allclose(measured, 1 / n + w**2 / m, rtol=0.03)
shrunk = np.mean((c * x_bar - mu) ** 2)
assert np.isclose(shrunk, c**2 / n + (1 - c) ** 2 * mu**2, rtol=0.03)
fig, ax = plt.subplots(figsize=(6, 3))
ax.plot(w, measured, "o--", color=plots.FAKE, label="with generated points")
ax.axhline(1 / n, color=plots.REAL, label="real points alone")
ax.axhline(shrunk, color=plots.THIRD, linestyle=":", label="real points and a belief")
ax.set(xlabel="weight w of the generated mean", ylabel="mean squared error", ylim=(0, None))
ax.set_title(f"Generated points cost {measured[-1] * n - 1:.0%}; a belief saves {1 - shrunk * n:.0%}")
ax.legend(frameon=False, fontsize="small")
plots.show(fig, alt="The error rises with the weight of generated points; with a belief it lies below.")

# %% [markdown]
# A network does not squeeze all out of its pictures, so a detour may still help: a generator's smoothness is a belief too. Seven arms; the same $n$ labels a class, initial weights, 400 steps of 64 pictures:
#
# | arm | stands beside the real pictures |
# |---|---|
# | real | nothing |
# | classical | each moved, turned, scaled anew in every batch |
# | gan | 1,000 a class, by a GAN that saw **these $n$ only** |
# | both | the GAN's, and all are moved |
# | pretrained | layers of chapter 09's codec, which saw 60,000 digits without labels |
# | oracle | 1,000 a class more *real* ones |
# | blind | 1,000 a class of noise |

# %% [markdown]
# **The rules.** Of $n$ labels a class four fifths train; a fifth chooses when to stop. Knobs (Adam's rate, how far pictures move, the generated share of a batch, what of the codec learns) were chosen on the last 5,000 training pictures, seeds 100 to 102, three settings each (the codec two). Choosing on the test set flatters (DPImageBench, Gong et al., 2025).
#
# The pretrained arm stands apart: it saw data that the others did not.

# %%
SEED, N, EXTRA = 3, 30, runtime.steps(full=1000, fast=20)
draw = augment.take(x_train[:-5000], y_train[:-5000], N, SEED, EXTRA)       # the last 5,000 chose the knobs


def moved(image, turn, shift_x, shift_y, size):
    """An image (28, 28) turned by `turn` degrees, scaled by `size`, shifted: where did each new pixel stand before?"""
    down, right = np.mgrid[:28, :28] - 13.5                                 # from the centre
    cos, sin = np.cos(np.deg2rad(turn)) / size, np.sin(np.deg2rad(turn)) / size
    old_right = cos * right - sin * down + 13.5 + shift_x
    old_down = sin * right + cos * down + 13.5 + shift_y
    padded = np.pad(image, 20, constant_values=-1)                          # paper around
    i, j = np.floor(old_down).astype(int), np.floor(old_right).astype(int)
    a, b = old_down - i, old_right - j                                      # bilinear: the four pixels around it
    i, j = i + 20, j + 20
    above = (1 - b) * padded[i, j] + b * padded[i, j + 1]
    return (1 - a) * above + a * ((1 - b) * padded[i + 1, j] + b * padded[i + 1, j + 1])


rows = augment.transforms(10, np.random.default_rng(1))
some, motions = draw.fit[::24], np.random.default_rng(1).uniform(-1, 1, (4, 10)).T     # one digit of each class
pairs = zip(some[..., 0], motions, strict=True)
ours = np.stack([moved(x, 12 * t, 2 * h, 2 * v, 1.12**s) for x, (t, h, v, s) in pairs])
assert np.allclose(ours, augment.warp(some, rows)[..., 0], atol=1e-3)
plots.image_grid(np.concatenate([some, ours[..., None]]), title="Real; below, the same digits moved: a moved 3 is a 3")

# %% [markdown]
# Here is knowledge: *writing may stand two pixels further left*. The network could not know it from 24 pictures a class.
#
# Now the generator, trained on the same 24 a class: dense layers, told the class (projection, chapter 07), relativistic with R1 and R2 (chapter 06). **Predict:** whose digits will they be?

# %%
length = runtime.steps(full=1600, fast=8)
gans = small_gans.SmallGANs([draw.fit], draw.fit_labels, [SEED], steps=length, gamma=1.0, rate=2e-3)


def d_loss(real, fake, kinds):
    """Each real picture against the fake of its class beside it; a logit is w · phi + b + v_class · phi."""
    def logits(rows):
        out = gans.discriminator(rows)                                     # (seeds, B, 1 + 10): all linear in phi
        return out[..., :1] + tf.reduce_sum(kinds * out[..., 1:], axis=-1, keepdims=True)
    return tf.reduce_mean(tf.math.softplus(logits(fake) - logits(real)))


rows, kinds = draw.fit[:64].reshape(1, 64, 784), tf.one_hot(draw.fit_labels[:64], 10)[None]
fakes = gans.drawn(kinds, 1)
packaged = objectives.relativistic_discriminator_loss(gans.logits(rows, kinds), gans.logits(fakes, kinds))
assert np.isclose(d_loss(rows, fakes, kinds), packaged)
gans.train(progress.watch("a GAN on 24 digits a class"))
(drawn,), drawn_labels = gans.sample(EXTRA)
agreement = np.mean(metrics.judge().labels(drawn[::10]) == drawn_labels[::10])
title = f"A GAN that saw {len(draw.fit)} digits: the judge reads {agreement:.0%} as asked"
plots.image_grid(np.concatenate([drawn[start::EXTRA] for start in range(3)]), title=title)

# %% [markdown]
# A batch of the arm *gan*: of its 64 pictures a share $w$ is generated, the rest real. Real pictures come in the same order in every arm; where they differ, it is by what the arm adds.

# %%
def batch_places(real, extra, w, steps, rng):
    """Places (steps, 64) in the pool [real, extra]: the first 64 w of each batch are extra ones."""
    first = rng.integers(real, size=(steps, 64))
    second = real + rng.integers(max(extra, 1), size=(steps, 64))
    return np.where(np.arange(64) < round(64 * w), second, first)


ours, theirs = (f(240, 90, 0.25, 5, np.random.default_rng(1)) for f in (batch_places, augment.mixed_places))
assert (ours == theirs).all()
noise = augment.blind_images(draw.fit, EXTRA, np.random.default_rng((SEED, 3)))
oracle = len(draw.rest) / (len(draw.rest) + len(draw.fit))                # its share: all are equally often seen
beside = {"none": (draw.rest[:0], draw.rest_labels[:0], 0.0), "generated": (drawn, drawn_labels, @PART_30@)}
beside |= {"real": (draw.rest, draw.rest_labels, oracle), "noise": (*noise, @PART_30@)}
f"in a batch of {augment.BATCH}: {round(64 * @PART_30@)} generated, or {round(64 * oracle)} of the oracle's"

# %% [markdown]
# All seven, one seed, half a minute. **Predict** the order; and how far *real* is from *oracle*, which has forty times its labels.

# %%
steps, single = runtime.steps(full=400, fast=8), {}
learners = {False: augment.Learner(steps=steps), True: augment.Learner(augment.build_on_codec, steps=steps)}
test = data.scale(x_test[: runtime.steps(full=10_000, fast=200)])
for name, arm in augment.ARMS.items():
    images, labels, w = beside[arm.extra]
    rng = np.random.default_rng((SEED, 1))
    places = batch_places(len(draw.fit), len(images), w, steps, rng).astype(np.int32)
    rows = augment.transforms(places.size, rng).reshape(steps, 64, 8) if arm.warped else None
    pool = np.concatenate([draw.fit, images]), np.concatenate([draw.fit_labels, labels])
    learners[arm.codec].fit(*pool, places, draw.check, draw.check_labels, SEED, rows)
    single[name] = learners[arm.codec].right(test, y_test[: len(test)]).mean()
    print(f"{name:11} {single[name]:.1%}")

# %% [markdown]
# One seed; another writer's 24 digits, another answer. So: five seeds, and since arms share them, differences *within* a seed. With $d_s$ their difference in seed $s$, of $S$:
#
# $$\bar d\;\pm\;t_{0.975,\,S-1}\,\frac{\mathrm{sd}(d)}{\sqrt S}.$$
#
# Lucky draws of real pictures fall out of $d_s$ (chapter 05). Student's factor is 2.776 for five seeds. Beside it, the interval of who forgets the pairs.

# %%
with open(data.asset("augmentation.csv"), encoding="utf-8") as file:
    runs = list(csv.DictReader(file))
column = {}                                                   # (data, arm, n) -> accuracies, in the order of the seeds
for row in sorted(runs, key=lambda row: int(row["seed"])):
    column.setdefault((row["data"], row["arm"], int(row["n"])), []).append(float(row["accuracy"]))


def paired(ours, theirs, t=2.776445):
    """(mean, low, high) of the differences of five pairs."""
    d = np.subtract(ours, theirs)
    half = t * d.std(ddof=1) / np.sqrt(len(d))
    return d.mean(), d.mean() - half, d.mean() + half


one, other = column["mnist", "classical", 30], column["mnist", "real", 30]
assert np.allclose(paired(one, other), exchange.paired_interval(one, other))
print("classical - real at 30 labels a class: {:+.1%}, from {:+.1%} to {:+.1%}".format(*paired(one, other)))
loose = 2.306004 * np.sqrt((np.var(one, ddof=1) + np.var(other, ddof=1)) / 5)            # 8 degrees of freedom
print(f"without pairs: {np.mean(one) - np.mean(other):+.1%} ± {loose:.1%}")

# %%
SIZES, NAMES = (10, 30, 100, 1000), {"mnist": "digits", "fashion": "clothes"}
lines = ["| data | arm | " + " | ".join(f"n = {n:,}" for n in SIZES) + " |", "|---|---|" + "---|" * len(SIZES)]
for kind in NAMES:
    for name in augment.ARMS:
        if (kind, name, 10) not in column:
            continue
        cells = []
        for n in SIZES:
            base, found = column.get((kind, "real", n)), column.get((kind, name, n))
            if found is None:
                cells.append("–")
            elif name == "real":
                cells.append(f"{np.mean(base):.1%} ± {100 * np.std(base, ddof=1):.1f}")
            else:
                middle, low, high = exchange.paired_interval(found, base)
                cells.append(f"{100 * middle:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})")
        lines.append(f"| {NAMES[kind]} | {name} | " + " | ".join(cells) + " |")
Markdown("\n".join(lines))

# %% [markdown]
# The first row of each: test accuracy of the real arm, ± the standard deviation of five seeds. The others: what an arm adds to it, in percentage points, with its 95 % interval. An interval that holds 0 has no winner.
#
# **Predict** before the figure: where does the GAN's curve cross zero, if anywhere? And does *both* beat *classical*?

# %%
fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
styles = {"gan": (plots.FAKE, "o--"), "classical": (plots.THIRD, "s-"), "both": (plots.REAL, "^-.")}
styles["blind"] = plots.GREY, "x:"
verdict = {}
for ax, kind in zip(axes, NAMES, strict=True):
    for place, (name, (colour, dash)) in enumerate(styles.items()):
        sizes = [n for n in SIZES if (kind, name, n) in column]
        pairs = [exchange.paired_interval(column[kind, name, n], column[kind, "real", n]) for n in sizes]
        middle, low, high = 100 * np.array(pairs).T
        shown = {"fmt": dash, "color": colour, "capsize": 3, "label": name}
        ax.errorbar(np.array(sizes) * 1.06**place, middle, [middle - low, high - middle], **shown)
        verdict[kind, name] = [sum(low > 0), sum(high < 0)]
    ax.axhline(0, color=plots.GREY, linewidth=0.8)
    helps, harms = verdict[kind, "gan"]
    ax.set(xscale="log", xlabel="labels a class")
    ax.set_title(f"{NAMES[kind]}: the GAN helps at {helps} sizes of {len(sizes)}, harms at {harms}")
axes[0].set_ylabel("accuracy over real alone (points)")
axes[0].legend(frameon=False, fontsize="small")
plots.show(fig, alt="Accuracy over the real arm's by labels a class, with intervals; four arms, two data sets.")

# %% [markdown]
# ## What is one generated picture worth?
#
# The real arm has a curve $A(n)$. If $n$ labels and $g$ generated pictures a class reach $A(n')$, these stood in for $n'-n$ labels:
#
# $$k=\frac{n'-n}{g},\qquad n'=A^{-1}(\text{accuracy}),$$
#
# read along $\log n$. At 1 it is as good as real, below 0 it harms. The oracle checks the ruler: none of its extra pictures stands aside for stopping, so it may pass 1. Beyond the curve $k$ is cut. Interval: seeds redrawn 2,000 times (**bootstrap** 自助法).

# %%
def exchange_rate(sizes, curve, accuracy, n, g):
    """k, by a curve that is made never to fall."""
    rising = np.maximum.accumulate(curve) + 1e-9 * np.arange(len(curve))
    return (np.exp(np.interp(accuracy, rising, np.log(sizes))) - n) / g


lines = ["| data | arm | " + " | ".join(f"n = {n:,}" for n in SIZES) + " |", "|---|---|" + "---|" * len(SIZES)]
g = {row["data"]: int(row["extra"]) for row in runs if row["arm"] == "oracle"}       # pictures a class
for kind in NAMES:
    sizes = sorted(n for what, name, n in column if (what, name) == (kind, "real"))
    curves = np.array([column[kind, "real", n] for n in sizes]).T                    # (seeds, sizes)
    for name in ("gan", "blind", "oracle"):
        cells = []
        for n in (one for one in SIZES if (kind, name, one) in column):
            own = column[kind, name, n]
            found = exchange.exchange_interval(sizes, curves, own, n, g[kind], np.random.default_rng(7))
            assert np.isclose(found[0], exchange_rate(sizes, curves.mean(axis=0), np.mean(own), n, g[kind]))
            cells.append("{:.4f} ({:.4f} to {:.4f})".format(*found))
        lines.append(f"| {NAMES[kind]} | {name} | " + " | ".join(cells) + " |")
Markdown("\n".join(lines))

# %% [markdown]
# At $n=10$ a generated digit is worth @K_GAN_10@ real ones: a thousand of them stand in for @LABELS_10@ labels. A thousand labels for the price of ten were promised.
#
# A mean can hide whom it harms. **Predict:** is the loss (or gain) of the arm *gan* even over the ten classes?

# %%
def class_gaps(kind, n):
    """Points that gan adds to real in each class: mean (10,) and half the interval (10,)."""
    own = [row for row in runs if (row["data"], int(row["n"])) == (kind, n)]
    each = {(row["arm"], row["seed"]): [float(row[f"class_{c}"]) for c in range(10)] for row in own}
    gaps = 100 * np.array([np.subtract(each["gan", s], each["real", s]) for arm, s in each if arm == "gan"])
    return gaps.mean(axis=0), 2.776445 * gaps.std(axis=0, ddof=1) / np.sqrt(len(gaps))


marks = (10, plots.FAKE, "o"), (100, plots.REAL, "s"), (1000, plots.THIRD, "^")
fig, axes = plt.subplots(2, 1, figsize=(8, 4.6))
for ax, kind in zip(axes, NAMES, strict=True):
    for offset, (n, colour, mark) in enumerate(marks):
        if (kind, "gan", n) in column:
            shown = {"fmt": mark, "color": colour, "capsize": 2, "label": f"n = {n:,}"}
            ax.errorbar(np.arange(10) + 0.2 * (offset - 1), *class_gaps(kind, n), **shown)
    names = data.FASHION_CLASSES if kind == "fashion" else [str(c) for c in range(10)]
    ax.set_xticks(np.arange(10), names, rotation=25 if kind == "fashion" else 0)
    ax.axhline(0, color=plots.GREY, linewidth=0.8)
    gaps, _ = class_gaps(kind, 10)
    low, high = gaps.argmin(), gaps.argmax()
    title = f"{NAMES[kind]}, n = 10: from {gaps[low]:+.1f} ({names[low]}) to {gaps[high]:+.1f} ({names[high]})"
    ax.set(ylabel="gan - real (points)", title=title)
axes[0].legend(frameon=False, fontsize="small", ncols=3)
plots.show(fig, alt="For each class the accuracy of the arm gan minus that of real, with intervals, at three sizes.")

# %% [markdown]
# ## What broke, and the verdict
#
# - Our first GAN had the class beside D's input: on 80 digits a class the judge read 55 % as asked; with a projection and twice the rate 89 % (seed 100). **A bad generator is the first reason for harm.**
# - Stopping by the *loss* on two pictures a class took step 50 of 400, though accuracy rose on. Now: fewest errors, the latest of equals.
# - The codec's layers, trained to *copy* 60,000 digits, did not help to *read*: @PRETRAINED@.

# %% [markdown]
# **Elsewhere.** Trained on BigGAN's pictures alone, a ResNet-50 reads 42.7 % of ImageNet, on real ones 73.1 (Ravuri & Vinyals, 2019); on pets a FastGAN widens the gap between classes below some 20 to 50 pictures a class (Gupta & Brown, 2026). Generators that help saw other data, as DAGAN's (Antoniou et al., 2018) did.
#
# **Verdict**, one sentence that this table permits: @VERDICT@.
