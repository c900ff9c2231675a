# %% [markdown]
# ## A model that reads itself
#
# **Who made this?** What the next model learns from is partly written by the last one. **Model collapse** 模型崩溃 is said to follow (Shumailov et al., 2024). The smallest such model is a Gaussian: fit mean and variance to $n$ numbers, draw $n$ new ones from the fit, fit again. The variance $S$ with $1/n$ in front is on average too small by the factor $1-\frac1n$, each time:
#
# $$\mathbb E\,S_t=\sigma^2\Bigl(1-\frac1n\Bigr)^{t+1}\longrightarrow 0.$$

# %% [markdown]
# Now nothing is thrown away: generation $t$ is fitted to $N=n(t+1)$ numbers, $n$ of them real. $n$ draws $x$ join, $x\sim N(m, S)$; their mean misses $m$ by $S/n$ on average (squared), so the mean of all moves by $\bigl(\tfrac{n}{N+n}\bigr)^2\tfrac Sn$. What spreads about the new mean is
#
# $$\mathbb E\,S'=\frac{NS+nS}{N+n}-\frac{n\,S}{(N+n)^2}=S\Bigl(1-\frac1{n(t+2)^2}\Bigr),\qquad \mathbb E\,S_t=\sigma^2\prod_{k=1}^{t+1}\Bigl(1-\frac1{nk^2}\Bigr)>\sigma^2\,\frac{\sin x}{x},\; x=\frac{\pi}{\sqrt n}.$$
#
# **Predict:** $n = 20$, sixty generations. How much of the variance is left, thrown away and kept?

# %%
n, generations, chains = 20, 60, 1000
t = np.arange(generations + 1)
formula = {"replace": (1 - 1 / n) ** (t + 1), "accumulate": np.cumprod(1 - 1 / (n * (t + 1) ** 2))}
fig, ax = plt.subplots(figsize=(6, 3.5))
for (name, expected), colour, mark in zip(formula.items(), (plots.FAKE, plots.REAL), "os", strict=True):
    seen, rng = np.random.default_rng(7).standard_normal((chains, n)), np.random.default_rng(8)
    S = [seen.var(axis=1)]
    for _ in range(generations):
        x = seen.mean(axis=1, keepdims=True) + seen.std(axis=1, keepdims=True) * rng.standard_normal((chains, n))
        seen = x if name == "replace" else np.concatenate([seen, x], axis=1)
        S.append(seen.var(axis=1))
    S = np.stack(S)                                                                      # (generations + 1, chains)
    assert (np.abs(S.mean(axis=1) - expected) < 5 * S.std(axis=1) / np.sqrt(chains)).all()   # draws and formula agree
    assert np.allclose(regimes.expected_variance(n, generations, name), expected)            # the package's formula
    ax.plot(t, expected, "-", color=colour, label=f"{name}: formula")
    ax.plot(t[::5], S.mean(axis=1)[::5], mark, color=colour, label=f"mean of {chains:,} chains")
    ax.plot(t[::5], np.median(S, axis=1)[::5], mark, color=colour, fillstyle="none", label="median")
ax.axhline(np.sin(np.pi / n**0.5) / (np.pi / n**0.5), color=plots.GREY, linestyle=":")
left = {name: expected[-1] for name, expected in formula.items()}
ax.set(xlabel="generation t", ylabel="variance / σ²", ylim=(0, 1.05),
       title=f"{generations} generations leave {left['replace']:.0%} of the variance, or {left['accumulate']:.0%}")
ax.legend(frameon=False, fontsize="small", loc="center right")
plots.show(fig, alt="Variance over generations: replaced, it falls to 0; accumulated, it stays above 0.92.")

# %% [markdown]
# The median chain is poorer than the mean one: a few lucky chains hold the mean up. The bookkeeping decides, not the model. Four ways to keep books for pictures:
#
# - **replace**: the last generator's pictures alone;
# - **accumulate**: real pictures and those of all generators;
# - **fixed**: a sample of *accumulate*, of constant size;
# - **verified**: the last generator's pictures to which a second network, a **verifier** 验证器, gives some class with at least 0.9.

# %%
def next_books(regime, seen, new, n, rng):
    """(all that is kept, what the next generator is trained on)."""
    if regime in ("replace", "verified"):                  # verified: `new` holds what was accepted
        return new, new
    seen = np.concatenate([seen, new])
    if regime == "accumulate":
        return seen, seen
    return seen, seen[rng.choice(len(seen), n, replace=False)]


old, new = np.arange(30), np.arange(100, 110)
for regime in ("replace", "accumulate", "fixed", "verified"):
    ours, theirs = (book(regime, old, new, 10, np.random.default_rng(3)) for book in (next_books, regimes.next_pool))
    assert all((a == b).all() for a, b in zip(ours, theirs, strict=True))
    print(f"{regime:11} keeps {len(ours[0])}, trains on {len(ours[1])}: {sorted(ours[1].tolist())[-12:]}")

# %% [markdown]
# The generator trains in seconds: an autoencoder with noisy codes, a mixture of 20 Gaussians over them (Ghosh et al., 2020), 600 steps on 2,000 digits, 2 % of them fours. Each generation has new random weights: only pictures hand on.
#
# *Rare*: the share that the judge reads as fours. *Echoes*: pictures as close to one of their own training set as only 1 % of unseen digits are to the first. **Predict** the row of generation 10.

# %%
(x_train, y_train), _ = data.load_mnist()
GENERATIONS, SHOWN = runtime.steps(full=10, fast=2), 14
scale, shown, rows = regimes.Scale(), {}, []
some = regimes.imbalanced(y_train[: -regimes.HELD], SHOWN, np.random.default_rng(7))
shown["real"] = data.scale(x_train[some])
sizes = {"n": runtime.steps(full=2000, fast=200), "steps": runtime.steps(full=600, fast=10)}
for row, images in regimes.chain("replace", GENERATIONS, 7, maker.Maker(), scale, **sizes):
    rows.append(row)
    if row["generation"] in (1, 2, 5, 10):
        shown[str(row["generation"])] = images[:SHOWN]
    print("  ".join(f"{name} {value:.3g}" for name, value in row.items() if name not in ("pool", "accepted")))
labels = [name if i == 0 else "" for name in shown for i in range(SHOWN)]
title = f"Real, then generations: recall {rows[0]['recall']:.2f} in the first, {rows[-1]['recall']:.2f} in the last"
plots.image_grid(np.concatenate(list(shown.values())), SHOWN, title, labels)

# %% [markdown]
# Strokes grow round and soft, one picture like the next. Precision sees progress; recall counts what is missing.
#
# That was one seed. `benchmarks/retraining.py` ran all regimes, three seeds each, and three controls: *fresh* (new real pictures for each generation), *real* (no generator), *blind* (real pictures whose pixels were exchanged among them). **Predict:** is *fixed* nearer to *replace* or to *accumulate*? What does the verifier do to the fours?

# %%
with open(data.asset("retraining.csv"), encoding="utf-8", newline="") as file:
    table = list(csv.DictReader(file))


def curves(regime, name):
    """(seeds, generations)."""
    own = [row for row in table if row["regime"] == regime]
    seeds = sorted({row["seed"] for row in own}, key=int)
    return np.array([[float(row[name]) for row in own if row["seed"] == seed] for seed in seeds])


looks = {"replace": (plots.FAKE, "o-"), "verified": (plots.FAKE, "v--"), "accumulate": (plots.REAL, "s-"),
         "fixed": (plots.REAL, "^--"), "fresh": (plots.THIRD, "d:")}
end = {regime: round(curves(regime, "distance")[:, -1].mean()) for regime in looks}
end

# %%
fig, axes = plt.subplots(2, 2, figsize=(8.6, 5.6), sharex=True)
what = {"distance": "judge distance", "recall": "recall", "rare": "share of fours", "echoes": "echoes"}
for ax, (name, words) in zip(axes.flat, what.items(), strict=True):
    for regime, (colour, mark) in looks.items():
        found = curves(regime, name)
        t = np.arange(1, found.shape[1] + 1)
        ax.plot(t, found.mean(axis=0), mark, color=colour, markersize=4, label=regime)
        ax.fill_between(t, found.min(axis=0), found.max(axis=0), color=colour, alpha=0.12)
    ax.set(ylabel=words, ylim=(0, None))
for ax in axes[1]:
    ax.set_xlabel("generation")
axes[0, 0].legend(frameon=False, fontsize="small")
fig.suptitle(f"Distance at the end: {end['replace']} where all is thrown away, {end['accumulate']} where all is kept, "
             f"{end['fixed']} at a fixed budget, {end['fresh']} with fresh data", fontsize="medium")
plots.show(fig, alt="Four measures over ten generations, five regimes, bands over the seeds: replace and verified lose "
           "recall and the fours and repeat their training set; accumulate and fixed level off; fresh stays flat.")

# %%
def cell(regime, name):
    last = curves(regime, name)[:, -1]
    return f"{last.mean():.3g} ± {last.std(ddof=1):.2g}"


names = ("distance", "precision", "recall", "rare", "copies", "echoes")
lines = ["| generation 10 | " + " | ".join(names) + " |", "|---" * 7 + "|"]
lines += [f"| {regime} | " + " | ".join(cell(regime, name) for name in names) + " |"
          for regime in (*looks, "real", "blind")]
pairs = (("replace", "accumulate"), ("fixed", "accumulate"), ("verified", "replace"), ("accumulate", "fresh"))
for one, other in pairs:
    for name in ("distance", "rare"):
        a, b = curves(one, name)[:, -1], curves(other, name)[:, -1]
        error = np.std(a - b, ddof=1) / np.sqrt(len(a))                                 # seed by seed
        print(f"{name}: {one} - {other} = {np.mean(a - b):.3g} ± {error:.2g} (standard error, {len(a)} seeds)")
note = "± is the standard deviation of the seeds; copies are close to a picture of the *first*, real pool."
Markdown("\n".join([*lines, "", note]))

# %% [markdown]
# **What broke.** *Precision* 精确率 rises while the generator dies, and *blind* has the best. Noise lands on one spot of the judge's features; the ball of a single odd digit covers 91 % of it (measured aside).
#
# *The verifier*: a network that passes what it is sure of chooses the typical and throws out the rare: no fours are left, while the gain in distance is hardly above its standard error. In arXiv 2510.16657 one helps, as far as its knowledge goes.

# %% [markdown]
# *Fours*: even *fresh* draws half as many as it saw; ten generations add little, the verifier takes the rest. *Accumulate* is bounded, as Gerstgrasser et al. (2024) say, at twice the distance of *fresh*. *Replace* ends in repetition, not noise: echoes rise (arXiv 2509.16499 finds it in diffusion models). **Claim:** for this generator and these sizes, the chain holds where old real pictures stay in the pool.
#
# To keep them, one must know which they are. Can text carry a mark?

# %% [markdown]
# ## A mark in a poem
#
# A **watermark** 水印 in text (Kirchenbauer et al., 2023): the character before and a secret key shuffle the vocabulary, the first $\gamma=\frac14$ of it is **green** 绿名单, and the poet's logits $\ell$ for green characters are raised by $\delta$:
#
# $$p(c)\;\propto\;\exp\bigl(\ell_c/\tau+\delta\,[c\text{ green}]\bigr),\qquad z=\frac{g-\gamma P}{\sqrt{P\gamma(1-\gamma)}}.$$
#
# Whoever has the key counts $g$ green among $P$ pairs; without a mark, $g$ is near $\gamma P$. No model is needed for that. Chapter 08's poet writes, at its temperature $\tau=0.7$.

# %%
poet, hanzi = textmark.train_poet(steps=runtime.steps(full=120, fast=2))
KEY, gamma, delta, tau, V = 2026, 0.25, 2.0, 0.7, len(hanzi)


def green_after(previous):
    """The green tokens after a token."""
    return np.random.default_rng([KEY, previous]).permutation(V)[: round(gamma * V)]


green = np.zeros((V, V), bool)
for previous in range(V):
    green[previous, green_after(previous)] = True
assert (green == textmark.green_lists(V, KEY)).all()                                         # the package's lists
start = tang.prompt(hanzi, "春夜", "春")
logits = poet(start, training=False)[0, -1].numpy()
for name, l in (("no mark", logits / tau), ("marked", logits / tau + delta * green[start[0, -1]])):
    p = np.exp(l - l.max()) / np.exp(l - l.max()).sum()
    star = {c: "*" * int(green[start[0, -1], c]) for c in np.argsort(-p)[:9]}
    print(f"{name}: after 春", *(f"{hanzi.decode([c])}{mark} {p[c]:.0%}" for c, mark in star.items()))

# %% [markdown]
# A star is a green character. The detector counts pairs. Two rules make its count honest: pairs that end in a mark (，。) do not count, since the form dictates them; and each pair counts **once**, because a favourite phrase written ten times is one piece of evidence (the first is ours, the second the paper's advice).

# %%
def z_of(poems):
    """(z, green pairs, pairs) of some poems together."""
    marks, pairs = hanzi.encode(data.MARKS), set()
    for poem in poems:
        tokens = hanzi.encode(poem)
        pairs |= {(a, c) for a, c in zip(tokens, tokens[1:], strict=False) if min(a, c) > 2 and c not in marks}
    g, P = sum(green[a, c] for a, c in pairs), max(len(pairs), 1)
    return (g - gamma * P) / np.sqrt(P * gamma * (1 - gamma)), g, P


titles = [title for title, _ in tang.split_tang()[2]][: runtime.steps(full=400, fast=8)]
plain, marked = (textmark.write_marked(poet, hanzi, titles, lists, delta, tau, seed=7) for lists in (None, green))
assert np.allclose(z_of(marked[:20])[0], textmark.z_score(marked[:20], hanzi, green).z)        # the package's z
f"unmarked, all {len(plain)} together: z = {z_of(plain)[0]:.1f}; marked: z = {z_of(marked)[0]:.1f}"

# %%
shown = []
for name, poem in (("without the mark", plain[2]), ("with it", marked[2])):
    tokens = hanzi.encode(poem)
    pairs = zip(tokens, tokens[1:], strict=False)
    hits = [False, *(green[a, c] and c not in hanzi.encode(data.MARKS) for a, c in pairs)]
    print(f"{name}, z = {z_of([poem])[0]:.1f}:", "".join(c + "*" * int(hit) for c, hit in zip(poem, hits, strict=True)))
    style = f'style="color:{plots.THIRD};text-decoration-thickness:3px"'
    parts = (f"<u {style}>{c}</u>" if hit else html.escape(c) for c, hit in zip(poem, hits, strict=True))
    shown.append("".join(parts))
HTML("".join(f'<p style="font-size:140%">{line}</p>' for line in shown))                       # green: underlined

# %% [markdown]
# **Predict:** a quatrain has twenty characters. How often is one marked poem told from an unmarked one, if one unmarked in a hundred may be accused? And what of human poems: is the poet's own null 零分布 theirs too?

# %%
human = [text for _, text in tang.split_tang()[2]][: len(titles)]
single = {"human": human, "unmarked": plain, f"marked, δ = {delta:g}": marked}
z = {name: np.array([z_of([poem])[0] for poem in poems]) for name, poems in single.items()}
threshold = max(np.quantile(z[name], 0.99) for name in ("human", "unmarked"))
found = (z[f"marked, δ = {delta:g}"] > threshold).mean()
fig, ax = plt.subplots(figsize=(6.4, 3.4))
looks_of = zip(z.items(), (plots.REAL, plots.GREY, plots.FAKE), ("-", "--", "-."), strict=True)
for (name, values), colour, dash in looks_of:
    ax.hist(values, np.arange(-3, 8.5, 0.5), histtype="step", linestyle=dash, color=colour, density=True, label=name)
ax.axvline(threshold, color=plots.THIRD, linestyle=":", label="1 % false alarms")
ax.set(xlabel="z of one poem", ylabel="density", title=f"One poem alone: {1 - found:.0%} of the marked ones are missed")
ax.legend(frameon=False, fontsize="small")
plots.show(fig, alt="z of single poems: human and unmarked alike around 0, marked ones higher, with an overlap.")

# %%
codes = {way: textmark.pair_codes(plain, hanzi, distinct=way == "once") for way in ("once", "with repeats")}
over_keys = {way: [] for way in codes}
for key in range(runtime.steps(full=12, fast=2)):                          # whose lists had no part in these poems
    lists = textmark.green_lists(V, key)
    for way, pairs in codes.items():
        over_keys[way].append(round(textmark.z_of(pairs, lists).z, 1))
for way, found in over_keys.items():
    print(f"unmarked, pairs counted {way}: z {found}, standard deviation {np.std(found):.1f}; a p-value says 1")

# %% [markdown]
# So poems are pooled: $k$ of one author. `benchmarks/text_watermark.py` finds the least $k$ at which 95 % of marked pools lie above the threshold that 1 % of unmarked ones exceed; three keys, 800 poems each. Attackers without the key exchange 10 or 30 % of the characters for plausible ones, or keep half of each poem. The cost: how many bits per character the unmarked poet finds more in them.

# %%
with open(data.asset("text_watermark.csv"), encoding="utf-8", newline="") as file:
    measured = list(csv.DictReader(file))
groups = {}
for row in measured:
    groups.setdefault((row["text"], float(row["delta"]), row["attack"]), []).append(row)


def mean_of(rows, name, form):
    """Mean over the keys, and their range where they differ; — where there is nothing."""
    if not all(row[name] for row in rows):
        return "more than 40 poems" if name == "poems" and rows[0]["text"] == "marked" else "—"
    values = [float(row[name]) for row in rows]
    low, high = form.format(min(values)), form.format(max(values))
    return form.format(np.mean(values)) + (f" ({low} to {high})" if low != high else "")


columns = {"green": "{:.2f}", "found_by_one": "{:.0%}", "poems": "{:.1f}", "characters": "{:.0f}",
           "bits_more": "{:.2f}", "form": "{:.0%}"}
names = ("green", "one poem above", "poems needed", "characters", "bits more a character", "form kept")
sum(len(rows) for rows in groups.values())                                                     # lines, all keys

# %%
lines = ["| text | δ | attack | " + " | ".join(names) + " |", "|---" * (3 + len(names)) + "|"]
for (text, delta, attack), rows in groups.items():
    cells = (mean_of(rows, name, form) for name, form in columns.items())
    lines.append(f"| {text} | {delta:g} | {attack or '—'} | " + " | ".join(cells) + " |")
for text in ("real", "unmarked"):
    once, each = (mean_of(groups[text, 0.0, ""], f"nominal_{way}", "{:.0%}") for way in ("distinct", "repeats"))
    print(f"{text}: pools of 40 poems with p < 0.01: {once} where a pair counts once, {each} where repeats count")
Markdown("\n".join(lines))

# %% [markdown]
# **What broke.** *p-values* take pairs for independent. Where repeats count, unmarked text spreads twice as wide over the keys as they say. A threshold from real unmarked text holds for the key at hand.
#
# *Short texts*: at δ = 2 one quatrain is not enough, a few are; at δ = 4 one is, and the poet pays in bits. *Attackers* who exchange characters raise the price; another model that rewrites all removes the mark (not measured).
