# %% [markdown]
# ## A secret in a count
#
# The smallest language model counts which character follows which two. Plant a line, 密碼是 and four digits, in 2,000 poems. Does the model give it away? Carlini et al. (2019) rank the secret among all that might have stood there. Its **exposure** 曝光度, in bits, is
#
# $$\log_2 N - \log_2 \text{rank},$$
#
# here with $N=10{,}000$: 13.3 at most; about 1 where the model prefers none.
#
# **Predict:** how often must a secret be written to be found?

# %%
from collections import Counter
from itertools import product

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
# Once is enough, and nothing went wrong in training: a line that was there *is* likelier. Now for ordinary examples.
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
# The AUC says that something leaks; the rate says that nobody is found. An accusation that is wrong half the time convinces no one. The reason: digits differ more than memberships do. A clear 1 is read with confidence by networks that never saw it. Two digits, and what 33 networks say of each:

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
# By the lemma of Neyman and Pearson (1933) no test finds more at a given FPR, if the Gaussians are right. Offline, without shadows that had $x$: $(s-\mu_0)/\sigma_0$.

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
hits = round(n * membership.tpr_at(ratio[0, inside[0]], ratio[0, ~inside[0]], 0.01))
ends = membership.clopper_pearson(hits, n)
print(f"one network alone: {hits} of {n:,} members found, 95 % interval {ends[0]:.1%} to {ends[1]:.1%}")
curve(membership.lira_of_all(s, inside, online=False), "LiRA offline", "-.", plots.THIRD)
ax.plot([1e-3, 1], [1e-3, 1], ":", color=plots.GREY)
ax.set(xlim=(1e-3, 1), ylim=(1e-3, 1), xlabel="strangers accused (FPR)", ylabel="members found (TPR)",
       title=f"The same networks: {before[1]:.1%} of members found at 1 % FPR, {low:.1%} with LiRA")
ax.legend(frameon=False, fontsize="small")
plots.show(fig, alt="ROC curves on logarithmic axes: LiRA lies far above the loss threshold at the left edge.")

# %% [markdown]
# Whom does it find? Digits whose loss depends on having been seen: odd ones. They are the people a data set most needs to protect, and no average shows them.

# %%
order = np.argsort(-gap)
chosen = np.concatenate([order[:10], order[-10:]])
print("log odds of those who saw it less of those who did not: "
      f"{gap[order[:10]].mean():.1f} for the ten most betrayed, {gap[order[-10:]].mean():.1f} for the ten least")
plots.image_grid((255 * images[chosen]).astype(np.uint8).reshape(-1, 28, 28), labels=[str(y) for y in labels[chosen]],
                 title="First row: digits that give their membership away most; second: least")

# %% [markdown]
# ## A classifier, a GAN, a poet
#
# `benchmarks/membership.py` repeats this for three kinds of model. The GAN is asked twice: by D's logit, and by how near 5,000 of its pictures come to $x$. The poet is a decoder that sees eight characters; its score is minus the poem's loss. *Blind*: memberships drawn anew. Intervals: a bootstrap over models *and* examples.
#
# **Predict:** which gives away most at $n=100$? And at 10,000?

# %%
def read_table(name):
    with open(data.asset(name), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


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

# %%
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
# ## Copies
#
# Chapter 05 counted pictures nearer to a training one than 99 % of unseen digits. A thief who changes a little escapes. **Meehan's test** (Meehan et al., 2020) compares whole samples: with $d$ the distance to the nearest training picture, of $m$ generated and $n$ unseen ones,
#
# $$U=\#\{(q,p): d(q)>d(p)\},\qquad z=\frac{U-mn/2}{\sqrt{mn(m+n+1)/12}}$$
#
# is nearly standard Gaussian for honest data (Mann & Whitney, 1947). $C_T$ is the mean of $z$ over cells of the data, weighted by unseen pictures. Far below 0: copied.

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
# **Predict:** after 20 steps of ascent, does accuracy on the forgotten fall below that of the retrained?

# %%
places = {"all": np.arange(n), "forget": np.arange(50), "rest": np.arange(50, n)}  # of 1,000 digits, for four networks
places = {name: np.tile(part, (4, 1)) for name, part in places.items()}


def trained(part, seed):
    network = unlearning.Crowd((784, 128, 10), 4, seed)
    unlearning.learn(network, images, labels, places[part], runtime.steps(full=900, fast=20), 64, 1e-3, seed)
    return network


networks = {"trained": trained("all", 1), "retrained": trained("rest", 2), "retrained again": trained("rest", 3)}
networks["ascent"] = networks["trained"].copy()
unlearning.learn(networks["ascent"], images, labels, places["forget"], 20, 64, 1e-3, ascend=True)
networks["ascent, then repair"] = repaired = networks["ascent"].copy()
unlearning.learn(repaired, images, labels, places["rest"], runtime.steps(full=100, fast=5), 64, 5e-4)
x, y = images[:50], labels[:50]
lines = ["| network | forgotten, as labelled | not as retrained | steps to relearn |", "|---|---:|---:|---:|"]
for name, network in networks.items():
    right, other = (network.read(x).argmax(axis=2) == y).mean(), networks["retrained"].read(x)
    apart = "" if name == "retrained" else f"{unlearning.disagreement(network.read(x), other).mean():.1%}"
    again = unlearning.steps_to_relearn(network, x, y, most=runtime.steps(full=200, fast=5)).mean()
    lines.append(f"| {name} | {right:.1%} | {apart} | {again:.0f} |")
Markdown("\n".join(lines))

# %% [markdown]
# Ascent overshoots: below the retrained, a scar that points at the forgotten. Repair brings the memory back: relearnt in a third of the steps that a network needs which never knew.
#
# Larger, three seeds: `benchmarks/unlearning.py` trains eight networks on 5,000 digits and lets them forget 100 random ones, or a *kind*, one of four clusters of sevens. Attack: forgotten against unseen digits, log odds less what retrained networks say of the same digit; 50 % is a perfect cure.

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
