# %% [markdown]
# ## A promise in numbers
#
# **Differential privacy** 差分隐私 (Dwork et al., 2006) compares two worlds, with one example and without it. A random program $M$ keeps $(\varepsilon,\delta)$ if for all such data sets $A, B$ and every set $S$ of outcomes
#
# $$P[M(A)\in S]\;\le\;e^{\varepsilon}\,P[M(B)\in S]+\delta .$$
#
# A sum to which each adds 1 at most, plus noise $N(0,\sigma^2)$: two bells, 1 apart. $\delta$ is what sticks out of $e^\varepsilon$ times the other (Balle & Wang, 2018); with $\mu=1/\sigma$,
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
left.plot(out, without, "-", color=plots.REAL, label="without you")
left.plot(out, with_one, "--", color=plots.FAKE, label="with you")
left.plot(out, np.exp(eps) * without, ":", color=plots.GREY, label="$e^ε$ × without you")
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
rows, rows_test = features.features(x_train[:PEOPLE]), features.features(x_test[: runtime.steps(full=10_000, fast=500)])
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
# Code that shuffles into equal batches and reports the $\varepsilon$ of Poisson sampling promises too much (Chua et al., 2024). Published is the mean of the last half of the iterates: the accountant counts each as seen, so the mean is free.


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


# %%
knobs = private.SETTLED
q, eta, steps = knobs["sampling_rate"], knobs["learning_rate"], runtime.steps(full=knobs["steps"], fast=20)
ours, _ = dp_sgd(rows[:500], y_rows[:500], 2.0, 0.2, 4, C, eta, 100, seed=3)
package = private.train(rows[:500], y_rows[:500], 2.0, 0.2, 4, C, eta, 0.5, seed=3, expected=100)
assert np.allclose(ours, package.weights, atol=1e-3)

# %% [markdown]
# ## The bill
#
# An **accountant** 隐私会计 adds up what all steps tell. RDP adds **Rényi divergences** 雷尼散度 and turns the sum into $\varepsilon$ by a bound (Mironov, 2017). PLD keeps the whole distribution of the privacy loss $\log\frac{p}{q}$ on a grid and folds it with itself (Koskela et al., 2020): a smaller $\varepsilon$ for the same run; both hold.
#
# Two libraries once printed 3.01 for $\sigma=1.1$, batches of 256, 60 epochs. **Predict:** what does that run cost today?

# %%
sigma = 1.0  # noise for ε ≤ 2.99: double, then bisect
while accounting.epsilon(sigma, q, knobs["steps"]) > 2.99:
    sigma *= 2
low = sigma / 2
while sigma - low > 1e-3 * sigma:
    middle = (low + sigma) / 2
    low, sigma = (middle, sigma) if accounting.epsilon(middle, q, knobs["steps"]) > 2.99 else (low, middle)
assert np.isclose(sigma, accounting.noise_for(2.99, q, knobs["steps"]), rtol=2e-3)
bills = {"ours": (sigma, q, knobs["steps"]), "published as 3.01": (1.1, 256 / 60_000, 60 * 60_000 // 256)}
bill = {name: {kind: accounting.epsilon(*of, 1e-5, kind) for kind in ("rdp", "pld")} for name, of in bills.items()}
lines = ["| run | σ | q | steps | ε by RDP | ε by PLD |", "|---|---|---|---|---|---|"]
for name, (s, rate, count) in bills.items():
    lines.append(f"| {name} | {s:.3f} | {rate:.4f} | {count:,} | {bill[name]['rdp']:.3f} | {bill[name]['pld']:.3f} |")
Markdown("\n".join(lines))

# %% [markdown]
# One training, three epsilons: who compares papers compares accountants too.
#
# For an audit we plant 1,000 **canaries** 金丝雀 beside the digits: rows in directions that no digit takes, with random labels, each inside or not by a coin. To the accountant those inside are examples like any other. One inside pushes the weights along its own gradient whenever it is drawn; so its score is the way that all steps $\Delta_t$ go along its gradient's direction:
#
# $$s=\sum_t\Bigl\langle \Delta_t,\frac{g_t}{|g_t|}\Bigr\rangle,\qquad g_t=x\otimes(p_t-y).$$


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
overlap = np.abs(known @ marks.rows.T).max() / np.square(marks.rows[0]).sum()
print(f"{marks.inside.sum()} of {len(marks.rows)} canaries are inside; overlap with known digits: {overlap:.0e}")

# %% [markdown]
# **Predict:** without privacy this layer gets @NOPRIVACY@ % of the test digits right. How many with $\varepsilon\le 3$: 90, 95, 98 %? And can somebody who sees every step tell which canaries were inside?

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
# All knobs were chosen on the last 10,000 *training* digits, after training on the other 50,000 (table); the test digits were asked once a seed. **Not in the bill:** each try on private data tells something too. Random search with a random number of tries costs two or three times one run (Papernot & Steinke, 2022); tables like this one cost more. Published numbers, ours among them, mostly leave it out.

# %%
with open(data.asset("private.csv"), newline="", encoding="utf-8") as file:
    table = list(csv.DictReader(file))


def of(kind):
    """Lines of the table of one kind."""
    return [row for row in table if row["kind"] == kind]


last_of = {row["name"]: float(row["accuracy"]) for row in of("tune last")}
lines = ["| setting (ε 2.99, seed 3) | mean of iterates | last iterate |", "|---|---|---|"]
lines += [f"| {row['name']} | {float(row['accuracy']):.2%} | {last_of[row['name']]:.2%} |" for row in of("tune")]
noise = accounting.noise_for(2.99, q, knobs["steps"])
together = accounting.epsilon(noise, q, knobs["steps"] * len(of("tune")))
lines += [f"\nAll {len(of('tune'))} tries, composed as if each were the settled run: ε = {together:.1f}."]
Markdown("\n".join(lines))

# %% [markdown]
# ## What privacy costs
#
# Beside published points, all at $\delta=10^{-5}$ as their authors reported them, whatever their accountant:

# %%
PUBLISHED = (
    ("TF Privacy", 1.2, 95.0),
    ("TF Privacy", 2.92, 96.6),
    ("Opacus", 1.19, 94.63),
    ("Opacus", 3.01, 96.78),
    ("Tramèr & Boneh, CNN", 2.93, 98.1),
    ("Tramèr & Boneh, scattering", 2.93, 98.7),
)
curve = sorted((float(row["name"]), 100 * float(row["accuracy"])) for row in of("curve") if row["name"] != "no privacy")
free = 100 * next(float(row["accuracy"]) for row in of("curve") if row["name"] == "no privacy")
fig, ax = plt.subplots(figsize=(6, 3.5))
ax.plot(*zip(*curve, strict=True), "o-", color=plots.REAL, label="here, linear on fixed features")
for who, marker in zip(dict.fromkeys(who for who, _, _ in PUBLISHED), "sv^*", strict=True):
    points = np.array([(e, a) for name, e, a in PUBLISHED if name == who])
    ax.plot(*points.T, marker, color=plots.THIRD if marker == "*" else plots.FAKE, label=who)
ax.axhline(free, color=plots.GREY, linestyle=":", label="here, no privacy")
cost = {e: free - a for e, a in curve}
ax.set(xscale="log", xlabel="ε, at δ = 1e-5", ylabel="test digits right (%)")
ax.set_xticks([e for e, _ in curve], [f"{e:g}" for e, _ in curve])
ax.minorticks_off()
ax.set_title(f"ε = 3 costs {cost[3]:.2f} points, ε = {curve[0][0]:g} {cost[curve[0][0]]:.2f}")
ax.legend(frameon=False, fontsize="x-small")
plots.show(
    fig, alt="Accuracy rises with epsilon towards the line without privacy; published networks lie below the curve."
)

# %%
runs = [100 * float(row["accuracy"]) for row in of("run")]
half = {2: 12.71, 3: 4.30}.get(len(runs), 2.0) * np.std(runs, ddof=1) / np.sqrt(len(runs))  # Student's t, 95 %
blind = 100 * np.bincount(y_test).max() / len(y_test)
lines = ["| trained how | ε (δ = 1e-5) | test digits right |", "|---|---|---|"]
lines += [f"| blind: always the commonest class | 0 | {blind:.2f} % |"]
lines += [f"| {name} | {e} | {a} % |" for name, e, a in PUBLISHED]
both = f"{bill['ours']['rdp']:.2f} RDP, {bill['ours']['pld']:.2f} PLD"
lines += [f"| here, {len(runs)} seeds | {both} | {np.mean(runs):.2f} ± {half:.2f} % (95 %) |"]
lines += [f"| real: here, no privacy | ∞ | {free:.2f} % |"]
Markdown("\n".join(lines))

# %% [markdown]
# ## An audit
#
# Is the *program* the algorithm that was billed? Guess which of $m$ canaries were inside: "in" for the highest scores, "out" for the lowest, silence on the rest. Under $(\varepsilon,0)$ a guess is right with chance $\frac{e^\varepsilon}{1+e^\varepsilon}$ at most; so for $v$ right of $r$, $B$ binomial (Steinke, Nasr & Jagielski, 2023),
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
# The accountant reads $\sigma$, $q$ and the steps, never the code: it repeats its number. Only the audit objects. A low bound proves nothing (weak attacks find little); one above $\varepsilon$ proves a bug.
#
# ## Private digits
#
# Publish digits instead? A **private generator**: for each class count, mean and covariance of 196 slow cosine waves, each digit's part in these sums bounded, noise added *once*. What is drawn then costs nothing more: **post-processing** 后处理.

# %%
labels = np.arange(10).repeat(2)
once = next(s for s in np.arange(0.5, 9, 0.05) if accounting.gaussian_epsilon(s) <= 2.99)
kinds = {"no noise": 0.0, f"ε {accounting.gaussian_epsilon(once):.2f}": once}
people = x_train[:PEOPLE], y_train[:PEOPLE]
drawn = [gaussians.fit_gaussians(*people, noise).sample(labels) for noise in kinds.values()]
plots.image_grid(np.concatenate(drawn), columns=20, title=f"Digits of ten Gaussians; {', below '.join(kinds)}")

# %%
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
# The noise costs @GENLOSS@ points; what is missing against real digits is the Gaussian's fault, not the noise's. Directions whose variance noise alone could have made are left out, and speckle takes their place. A classifier trained with privacy keeps far more, but has one use; digits can be published for tasks that nobody has thought of yet.
