# %% [markdown]
# # 14 · Authenticity and fairness
#
# **Who made this, and is it fair?**
#
# You will be able to
# - say what happens to a model that is trained on its own output, and which bookkeeping prevents it;
# - mark generated text and pictures, measure what the mark costs and who can remove it, sign and label them;
# - test a generator's classes for bias, and say what the law and the licences ask.
#
# **Time:** @MINUTES@ on 2 CPU cores at 485 GFLOP/s, @MINUTES_SLOW@ at 210. **Needed:** chapter 05 (precision, recall, Fréchet distance), 08 (the poet), 09 (the picture codec), 11 (VAE, flow).

# %%
# @title On Colab: install the course (elsewhere there is nothing to do)

# %%
from aigc_course import runtime
runtime.start(seed=7)          # before TensorFlow: seeds, device report, FAST profile

import csv
import html
import io
import json

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML, Markdown
from PIL import Image
from aigc_course import data, gan, metrics, plots
from aigc_course.errors import CourseError
from aigc_course.lmdg import tang
from aigc_course.lmdg.codecs import image, quantizer
from aigc_course.trust import detector, labels, maker, picturemark, provenance, regimes, shares, textmark

(x_train, y_train), (x_test, y_test) = data.load_mnist()


def rows_of(name):
    """A measured table of the course as a list of dicts."""
    with open(data.asset(name), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))

# %% [markdown]
# ## What the article asks
#
# Section 8 asks for authenticity 真实性 and diversity 多样性. Each becomes a measurement here.
#
# ## A model that reads itself
#
# The next model learns from what the last one wrote. **Model collapse** 模型崩溃 follows (Shumailov et al., 2024). The smallest such model is a Gaussian: fit mean and variance to $n$ numbers, draw $n$ new ones from the fit, fit again. The variance $S$ with $1/n$ in front is on average too small by the factor $1-\frac1n$, each time:
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
table = rows_of("retraining.csv")


def curves(regime, name):
    """(seeds, generations)."""
    own = [row for row in table if row["regime"] == regime]
    seeds = sorted({row["seed"] for row in own}, key=int)
    return np.array([[float(row[name]) for row in own if row["seed"] == seed] for seed in seeds])


looks = {"replace": (plots.FAKE, "o-"), "verified": (plots.FAKE, "v--"), "accumulate": (plots.REAL, "s-"),
         "fixed": (plots.REAL, "^--"), "fresh": (plots.THIRD, "d:")}
end = {regime: round(curves(regime, "distance")[:, -1].mean()) for regime in looks}
fig, axes = plt.subplots(2, 2, figsize=(8.6, 5.6), sharex=True)
what = {"distance": "judge distance", "recall": "recall", "rare": "share of fours", "echoes": "echoes"}
for ax, (name, words) in zip(axes.flat, what.items(), strict=True):
    for regime, (colour, mark) in looks.items():
        found = curves(regime, name)
        t = np.arange(1, found.shape[1] + 1)
        ax.plot(t, found.mean(axis=0), mark, color=colour, markersize=4, label=regime)
        ax.fill_between(t, found.min(axis=0), found.max(axis=0), color=colour, alpha=0.12)
    ax.set(ylabel=words, ylim=(0, None))
fig.supxlabel("generation", fontsize="medium")
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
# **What broke.** *Precision* 精确率 rises while the generator dies; *blind*, mere noise, has the best: the ball of one odd digit covers 91 % of it (measured aside). *The verifier* passes what it is sure of and throws out the rare: no fours are left. Even *fresh* draws half as many fours as it saw. *Accumulate* slows the fall (bounded, in the regression of Gerstgrasser et al., 2024; ten generations cannot show that). *Replace* ends in repetition: echoes. **Claim:** this chain holds longer where old real pictures stay in the pool.

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
print(f"unmarked, all {len(plain)} together: z = {z_of(plain)[0]:.1f}; marked: z = {z_of(marked)[0]:.1f}")
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
groups = {}
for row in rows_of("text_watermark.csv"):
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

# %% [markdown]
# ## A mark in a picture
#
# A picture $x$ of $n\times n$ pixels is a sum of cosine waves. With the orthonormal matrix
#
# $$C_{ui}=\sqrt{\tfrac2n}\,\cos\frac{\pi u\,(i+\frac12)}{n}\qquad(u=0:\text{ over }\sqrt2)$$
#
# its **frequencies** 频率 are $CxC^\top$. Low ones are the digit, high ones are what JPEG drops. A key draws $w_{uv}=\pm1$ for those between; the **watermark** 水印 adds $s\,w$ there (spread spectrum 扩频; Cox et al., 1997):
#
# $$x'=\mathrm{round}\,(x+s\,C^\top w\,C),\quad\text{cut to }0\ldots255.$$

# %%
n = 28
u, i = np.arange(n)[:, None], np.arange(n)
C = np.sqrt(2 / n) * np.cos(np.pi * u * (i + 0.5) / n)
C[0] /= np.sqrt(2)
between = (u + i >= 18) & (u + i < 30)                             # 288 of 784 frequencies


def mark(x, key, s=20):
    """Pictures uint8 (N, 28, 28) with the key's pattern, s grey levels on each frequency."""
    w = np.where(between, 2.0 * np.random.default_rng(key).integers(0, 2, (n, n)) - 1, 0.0)
    return np.rint(np.clip(x + C.T @ (s * w) @ C, 0, 255)).astype(np.uint8)


some = x_test[:8]
marked = mark(some, key=7)
assert (marked == picturemark.mark(some, 7)).all()
error = ((some.astype(float) - marked) ** 2).mean()
psnr = 10 * np.log10(255**2 / error)
assert np.isclose(psnr, picturemark.psnr(some, marked))
amplified = np.clip(128 + 3 * (marked.astype(int) - some), 0, 255).astype(np.uint8)
three = np.concatenate([some, marked, amplified])
plots.image_grid(three, columns=8, title=f"Digits; marked, {psnr:.0f} dB; three times the difference")

# %% [markdown]
# Third row: on black paper nothing can become darker, so half of the pattern is cut off.
#
# Who has the key asks how far the frequencies $c_{uv}$ of a picture agree with $w$:
#
# $$z=\frac{\sum w\,c}{\sqrt{\sum c^2}}.$$
#
# Over all keys, $z$ of an unmarked picture has mean 0 and variance 1. One key and many similar digits need not: we **count** the score that 1 % of unmarked digits exceed. $k$ pictures from one source give $\sum z/\sqrt k$. **Predict** what removes the mark: eight grey levels; noise; JPEG; a shift by one pixel; chapter 09's codec.

# %%
COUNT = runtime.steps(full=2000, fast=200)
own, null, wanted = x_test[:COUNT], x_test[-COUNT:], y_test[:COUNT]
w, c = picturemark.pattern(7), (C @ own @ C.T)[:, between]
assert np.allclose(c @ w[between] / np.sqrt((c**2).sum(axis=1)), picturemark.scores(own, 7))


def tried(pictures, key=7, reach=1):
    """The best score of all shifts by up to `reach` pixels."""
    ways = [picturemark.shifted(pictures, a, b) for a in range(-reach, reach + 1) for b in range(-reach, reach + 1)]
    return np.max([picturemark.scores(one, key) for one in ways], axis=0)


limit, wide = picturemark.threshold(picturemark.scores(null, 7)), picturemark.threshold(tried(null))
codec, _ = quantizer.load_codec(data.asset("image_codec.npz"), image.build_image_codec)
judge, marked, shown = metrics.judge(), mark(own, 7), []
for name, attack in picturemark.attacks(np.random.default_rng(1), codec).items():
    shown.append(attack(marked))
    found, read = picturemark.scores(shown[-1], 7) > limit, judge.labels(data.scale(shown[-1])) == wanted
    print(f"{name:16s} mark found in {found.mean():6.1%}   digit read right {read.mean():.1%}")
print(f"{'wrong key':16s} mark found in {(picturemark.scores(marked, 8) > limit).mean():6.1%}")
print(f"nine shifts tried, {(tried(shown[-2]) > wide).mean():.1%} of the shifted; codec {(tried(shown[-1]) > wide).mean():.1%}")
pictures = np.concatenate([part[:8] for part in shown[-2:]])
plots.image_grid(pictures, columns=8, title="Marked, then shifted; marked, then through the codec")

# %% [markdown]
# The mark survives rounding, noise and JPEG. Our own codec, which never saw the key, draws each digit anew from 49 codes: the mark is gone, the digit stays. This is **regeneration** 再生 (Zhao et al., 2023: 93–99 % of RivaGAN's marks in photographs removed). A shift hides the mark only from those who do not try the shifts, at a higher threshold. Now three keys, 5,000 pictures each, packets of one source, and the generator's own digits:

# %%
def over_seeds(rows, name, digits=1, scale=100):
    """Mean over seeds ± its standard error, of the rows that have the number."""
    found = scale * np.array([float(row[name]) for row in rows if row[name]])
    if not len(found):
        return "–"
    spread = found.std(ddof=1) / np.sqrt(len(found)) if len(found) > 1 else 0
    return f"{found.mean():.{digits}f} ± {spread:.{digits}f}"


marks = rows_of("picture_watermark.csv")
kinds = [("real", "1"), ("real", "4"), ("real", "16"), ("gan", "1")]
lines = ["| found, % | digits, one | packets of 4 | of 16 | generator's, one | digit read, % |", "|---|" + 5 * "---:|"]
for attack in ("unmarked", *dict.fromkeys(row["attack"] for row in marks if row["strength"] == "20.0")):
    name, strength, number = ("none", "0.0", "fpr") if attack == "unmarked" else (attack, "20.0", "tpr")
    same = [row for row in marks if (row["attack"], row["strength"]) == (name, strength)]
    parts = [[row for row in same if (row["source"], row["pool"]) == kind] for kind in kinds]
    cells = [attack, *(over_seeds(part, number) for part in parts), over_seeds(parts[0], "judge")]
    lines.append(f"| {' | '.join(cells)} |")
Markdown("\n".join(lines))

# %% [markdown]
# The codec takes 98 of 100 marks and costs 0.3 points of legibility (of generated digits 6); packets of 16 find 7 %. What **broke**: the blind row. Two random patterns of 288 signs agree by chance to $\pm1/\sqrt{288}=0.06$; our third pair did to 0.07, and packets of 16 convict another key's pictures in 29 % of the cases. Make keys orthogonal before you pool.
#
# ## A detector
#
# Nobody marked it: can one *see* that a digit was generated? **Predict** how well this works: count how many different grey values a picture has.

# %%
DRAWN = runtime.steps(full=3000, fast=250)
z = np.random.default_rng(14).standard_normal((2 * DRAWN, 100), dtype=np.float32)
fakes = gan.generate_images(gan.load_generator(), z)
reals, tests = data.scale(x_train[:DRAWN]), data.scale(x_test[:DRAWN // 2])
fake_tests = fakes[DRAWN:DRAWN + DRAWN // 2]


def auc(real_scores, fake_scores):
    """The chance that a generated picture scores above a real one; ties count half."""
    above = fake_scores[:, None] - real_scores
    return (above > 0).mean() + (above == 0).mean() / 2


for name, levels in (("as they come", None), ("both on 256 grey levels", 256), ("both on 16", 16)):
    pair = [part if levels is None else detector.rounded(part, levels) for part in (tests, fake_tests)]
    counts = [np.array([len(np.unique(picture)) for picture in part]) for part in pair]
    assert (counts[1] == detector.distinct_values(pair[1])).all()
    assert np.isclose(auc(*counts), detector.auc(*counts))
    usual = [f"{np.median(part):.0f}" for part in counts]
    print(f"{name}: {usual[0]} values in a written digit, {usual[1]} in a generated; AUC {auc(*counts):.3f}")

# %% [markdown]
# A perfect detector, of *file formats*: a network gives hundreds of values between the 256 of a file. Detectors for photographs learnt JPEG's traces in this way (Grommelt et al., 2024). So **equalise** first: both on one grid. Then three detectors, trained on training digits, tested on test digits: a logistic regression on the radial spectrum (power by frequency), nearest neighbours, a small network.

# %%
pairs = [detector.rounded(part, 256) for part in (reals, fakes[:DRAWN], tests, fake_tests)]
try:
    scores = detector.spectrum_scores(*pairs)
    print(f"spectrum: AUC {detector.auc(*scores):.3f}, {detector.tpr_at(*scores):.1%} found at 1 % false alarms")
except CourseError as missing:
    print(missing)
network = detector.train_detector(*pairs[:2], steps=runtime.steps(full=800, fast=5), seed=7)
scores = [detector.detector_scores(network, part) for part in pairs[2:]]
print(f"network:  AUC {detector.auc(*scores):.3f}, {detector.tpr_at(*scores):.1%} found at 1 % false alarms")
order = np.argsort(scores[1])
extremes = np.concatenate([pairs[3][order[-10:]], pairs[3][order[:10]]])
plots.image_grid(extremes, title="Generated: what gives itself away; below, what passes as written")

# %%
rows = rows_of("detector.csv")
levels = {"as they are": "as they come", "256": "256 grey levels", "16": "16", "4": "4", "2": "2"}
makers = ("gan", "flow", "flow, heun", "codec", "real: more test digits")
head = ("grid", "detector", "seen: GAN", "TPR at 1 %", "flow, Euler 10", "flow, Heun 9", "codec", "other real digits")
lines = [f"| {' | '.join(head)} |", "|---|---|" + 6 * "---:|"]
for level, said in levels.items():
    for name in dict.fromkeys(row["detector"] for row in rows if row["levels"] == level):
        same = [row for row in rows if (row["levels"], row["detector"]) == (level, name)]
        part = {maker: [row for row in same if row["maker"] == maker] for maker in makers}
        cells = [over_seeds(part[maker], "auc", 3, 1) for maker in makers]
        cells.insert(1, over_seeds(part["gan"], "tpr"))
        lines.append(f"| {' | '.join([said, name, *cells])} |")
Markdown("\n".join(lines))

# %% [markdown]
# AUC of three seeds ± a standard error. Counting values is perfect as they come, and still 0.86 on 256 levels, for generated paper is not quite black; on 16 it is over. The network had no need of it: 0.91 on all grids down to four levels, 0.82 on two, where only shapes are left. Memory alone (neighbour) gives 0.81.
#
# On the flow, which it never saw, 0.64; at 1 % false alarms 4 % are found: **nothing to accuse anybody with**. Written digits score 0.52 against the test set's first ones, not 0.50: those are neater.

# %% [markdown]
# ## Signed: content credentials
#
# Do not guess, ask the file. A **content credential** 内容凭证 (C2PA) is a signed statement: who made this, with what kind of tool, and a hash of all other bytes. Two questions, as with a passport: is it **whole**? Do I **trust** who signed? **Predict** what it says under a root that nobody knows; after one flipped bit; after Pillow saved the picture anew.

# %%
folder = runtime.work_folder("chapter14")
poster = data.unscale(fakes[:12]).reshape(3, 4, 28, 28).transpose(0, 2, 1, 3).reshape(84, 112)
poster = np.kron(poster, np.ones((3, 3), np.uint8))                 # twelve digits, 252 × 336 pixels
Image.fromarray(poster).save(folder / "plain.png")
try:
    school = provenance.make_authority("A school")                  # a root, and a signer's certificate under it
    provenance.sign(folder / "plain.png", folder / "signed.png", school)
    content = bytearray((folder / "signed.png").read_bytes())
    content[-2000] ^= 1                                             # one bit of one pixel
    (folder / "broken.png").write_bytes(content)
    Image.open(folder / "signed.png").save(folder / "saved.png")
    for name, root in (("signed", None), *((name, school.root) for name in ("signed", "broken", "saved", "plain"))):
        told, known = provenance.read(folder / f"{name}.png", root), "root known" if root else "root unknown"
        print(f"{name:7s} {known:13s} {told.state:9s} {told.signer:9s} {', '.join(told.problems)}")
    print("claimed source:", provenance.read(folder / "signed.png").source.rsplit("/", 1)[1])
except CourseError as missing:
    print(missing)

# %% [markdown]
# *Valid* is not *trusted*: anybody can sign as "A school". One bit is enough for *tampered*. The re-save leaves **nothing**: a missing credential proves nothing. It helps those who want to be believed.
#
# ## Labelled: GB 45438-2025
#
# China's labelling measures 标识办法 are in force since 1 September 2025, with the standard GB 45438-2025. A file carries an **implicit label** 隐式标识, seven fields as metadata; people see an **explicit label** 显式标识, such as "AI 生成", at least 5 % of the shorter side high.

# %%
plain, labelled = folder / "plain.png", folder / "labelled.png"
written = labels.write_label(plain, labelled, label=1, producer="A school", produce_id="14-1")
assert labels.read_label(labelled) == written
print(json.dumps(written, ensure_ascii=False, indent=1))
try:
    labels.write_label(plain, folder / "refused.png", label=4, producer="A school")
except CourseError as refusal:
    print("refused:", refusal)
Image.open(labelled).save(folder / "saved.png")
print("after a re-save:", labels.read_label(folder / "saved.png"))
marked, text = labels.visible_mark(poster)
fig, ax = plt.subplots(figsize=(4.2, 3.3))
ax.imshow(marked, cmap="gray", vmin=0, vmax=255)
ax.set(xticks=[], yticks=[], title=f"Explicit label: {text if plots.chinese_font() else 'English, for want of a font'}")
plots.show(fig, alt=f"Twelve generated digits with the words {text} in the lower right corner.")

# %% [markdown]
# ## What the law asks: Europe
#
# Article 50 of the AI Act, Regulation (EU) 2024/1689, applies from **2 August 2026**. In short, in our words:
#
# | paragraph | who | must |
# |---|---|---|
# | 50(1) | providers of systems that talk with people | let them know that it is a machine, unless that is plain |
# | 50(2) | providers of systems that generate sound, pictures, video or text | mark the output machine-readably, so that it can be detected as generated; effective, interoperable, robust and reliable as far as is feasible |
# | 50(3) | deployers of emotion recognition or biometric categories | tell those who are exposed to it |
# | 50(4) | deployers of deepfakes 深度伪造, or of generated text on matters of public interest | say so; art and satire in a way that does not spoil the work, text not if an editor answers for it |
# | 50(5) | all of these | say it clearly, at the latest at the first contact |
#
# A voluntary code of practice came on 10 June 2026. Systems on the market before August have until 2 December 2026, for 50(2) alone (Regulation (EU) 2026/1744). We read reprints and summaries, not the Official Journal: read the text, and its date, before you rely on this. How robust "robust" is, this chapter measures.

# %% [markdown]
# ## Who is drawn, and how often?
#
# The judge counts each class among generated digits: $O_k$. Are these the training set's shares $p_k$? The judge errs; it *should* count $E_k=N\sum_j p_j M_{jk}$, with $M_{jk}$ the share of true $j$ that it reads as $k$, from test digits. The **G-test** G 检验 (Wilks, 1938) is twice the log ratio of the best likelihood to that under $p$,
#
# $$G=2\sum_k O_k\log\frac{O_k}{E_k},$$
#
# about chi-squared with 9 degrees of freedom if the shares are right: above 16.9 in 5 % of the cases. **Predict** G for real digits, and for the shipped generator.

# %%
half = runtime.steps(full=5000, fast=1000)
said, true = judge.labels(data.scale(x_test[:half])), y_test[:half]
M = np.stack([np.bincount(said[true == k], minlength=10) / (true == k).sum() for k in range(10)])
assert np.allclose(M, shares.confusion(true, said))
p = np.bincount(y_train, minlength=10) / len(y_train)
expected = p @ M
for name, pictures in (("real, other test digits", data.scale(x_test[half:2 * half])), ("the shipped generator", fakes)):
    counts = np.bincount(judge.labels(pictures), minlength=10)
    G = 2 * np.sum(counts * np.log(np.maximum(counts, 1e-9) / (len(pictures) * expected)))    # 0 log 0 = 0
    tail = shares.chi_square_tail(G, 9)
    assert np.allclose((G, tail), shares.g_test(counts, expected))
    print(f"{name}: G = {G:.1f}, p = {tail:.2g}")
own = shares.corrected_shares(counts, M)                            # the true shares that explain the readings best
fig, ax = plt.subplots(figsize=(6.4, 3))
ax.bar(np.arange(10) - 0.2, 100 * p, 0.4, color=plots.REAL, label="training digits")
ax.bar(np.arange(10) + 0.2, 100 * own, 0.4, color=plots.FAKE, hatch="//", label="shipped generator, corrected")
factor = own / p
most, least = (f"{digit} ({factor[digit]:.2f} ×)" for digit in (factor.argmax(), factor.argmin()))
ax.set(xticks=range(10), xlabel="digit", ylabel="share, %", title=f"Most favoured: {most}; least: {least}")
ax.legend(frameon=False, ncols=2, fontsize="small")
plots.show(fig, alt="Bars of the class shares of training digits and of the shipped generator's, digit by digit.")

# %%
rows = rows_of("shares.csv")
parts = {part: [row for row in rows if row["part"] == part] for part in ("shares", "reader", "rebalancing")}


def by_maker(part):
    """maker -> its rows, one a seed."""
    makers = dict.fromkeys(row["maker"] for row in parts[part])
    return {maker: [row for row in parts[part] if row["maker"] == maker] for maker in makers}


lines = ["| shares of | G of each seed | p < 0.05 | most favoured | least |", "|---|---|---|---|---|"]
for maker, own in by_maker("shares").items():
    rejected = sum(float(row["p"]) < 0.05 for row in own)
    cells = [" ".join(f"{float(row['g']):.0f}" for row in own), f"{rejected} of {len(own)}"]
    cells += [" ".join(row[name] for row in own) for name in ("largest", "smallest")]
    lines.append(f"| {maker} | {' | '.join(cells)} |")
lines += ["", "| reader trained on | accuracy, % | worst − best digit, points | worst digit |", "|---|---:|---:|---|"]
for maker, own in by_maker("reader").items():
    numbers = over_seeds(own, "accuracy"), over_seeds(own, "difference")
    lines.append(f"| {maker} | {' | '.join(numbers)} | {' '.join(row['worst'] for row in own)} |")
lines += ["", "| rebalancing | pictures kept, % | judge distance | recall |", "|---|---:|---:|---:|"]
for maker, own in by_maker("rebalancing").items():
    numbers = over_seeds(own, "kept"), over_seeds(own, "distance", 2, 1), over_seeds(own, "recall", 3, 1)
    lines.append(f"| {maker} | {' | '.join(numbers)} |")
Markdown("\n".join(lines))

# %% [markdown]
# Seeds are of samples (shipped, flow) or of whole trainings (anew). Readers: 3,000 pictures, equal steps; "worst − best" is the largest less the smallest false-negative rate 漏检率 of a digit, by fairlearn (Bird et al., 2020).
#
# The shipped generator is caught each time: too many 7, too few 1. Recipe, or luck of one training? *Trained anew*, favourites are @NEW_FAVOURITES@. Its readers reach @READER_GAN@ against @READER_REAL@ %, their errors are @EVENNESS@. Equal shares cost @THROWN@ % of the pictures.

# %% [markdown]
# ## What each data set allows
#
# A licence is read before the training. Which of these may you sell? Which asks you to share alike 相同方式共享? In which are there people?

# %%
LICENCES = """
file,licence,made by,people in it,redistribute,train,must name,share alike
mnist.npz,CC BY-SA 3.0,LeCun & Cortes,handwriting of about 500 people without names,yes,yes,yes,yes
fashion_mnist.npz,MIT,Zalando Research,none: photographs of clothes,yes,yes,yes,no
tang.txt.xz,"texts public domain, collection MIT",chinese-poetry,poets dead for 1000 years,yes,yes,yes,no
shakespeare.txt.xz,public domain,Project Gutenberg,a poet dead for 400 years,yes,yes,no,no
spoken_digits.npz,Apache-2.0,this project with espeak-ng,none: synthetic voices,yes,yes,yes,no
chorales.npz,"music public domain; music21 BSD-3-Clause, its encodings for free distribution",Cuthbert and others,a composer dead for 270 years,yes,yes,yes,no
judge.weights.h5,Apache-2.0,this project; trained on MNIST,what it learnt from those hands,yes,yes,yes,no
generator.weights.h5,Apache-2.0,this project; trained on MNIST,what it learnt from those hands,yes,yes,yes,no
"""
table = list(csv.DictReader(io.StringIO(LICENCES.strip())))
lines = [f"| {' | '.join(table[0])} |", "|" + len(table[0]) * "---|", *(f"| {' | '.join(row.values())} |" for row in table)]
Markdown("\n".join(lines))

# %% [markdown]
# A test holds the table against `assets/README.md`. Whether weights are an adaptation of their data, so that MNIST's share-alike reaches the generator, is not settled, and a licence says nothing on the rights of those *in* the data. Of 1,800 data sets more than 70 % named no licence where they were hosted (Longpre et al., 2024).
#
# ## Three cases
#
# Decide, and defend it in half a page each, with a number from this course where there is one.
#
# | case | what is asked |
# |---|---|
# | **A dead poet's voice** | A theatre lets a model write new poems "by" a poet three years dead, and says so in the programme's last line. May it? |
# | **One student's hand** | A class trained a generator on its handwriting. One student asks to be taken out; the model is on forty laptops. What now? |
# | **Rare cases** | A clinic trains readers on generated pictures. The rarest finding is drawn at a third of its share. Use it, mend it, or stop? |
#
# **How a defence is marked:** 0 to 2 points a line, eight in all.
#
# | | 0 | 1 | 2 |
# |---|---|---|---|
# | who is affected? | nobody is named | those in the room | also those who have no voice in it |
# | evidence | opinion | a number from the course | the number, its interval, and what it does not show |
# | alternatives | yes or no | one other way | two, with what each costs, and whom |
# | what would change your mind? | nothing | something vague | a measurement that can be made, and by whom |

# %% [markdown]
# ## Recap
#
# - A chain of models that read each other loses the rare first, then nearly all variety; keeping old real pictures slows the loss, checking quality alone speeds it up.
# - Marks help where the maker wants them and nobody redraws the work; detectors look for what their training happened to contain; signatures prove who spoke, not what is true.
# - Shares, false-negative rates and licences can be tested. What follows from a test is decided by people, who should say why.

# %% [markdown]
# ## Check yourself
#
# 1. Precision rises from generation to generation. Why is that no good news?
# <details><summary>Answer</summary>It asks whether each picture is near to some real one. A generator that draws one clean digit over and over gets full marks; recall and the rare class show what is lost.</details>
#
# 2. A file has no content credential. What follows?
# <details><summary>Answer</summary>Nothing. Most files never had one, and one re-save takes it away. Only a credential that is there can be checked: whole or not, signed by somebody you trust or not.</details>
#
# 3. A detector finds 99 % of the generated pictures. What do you ask before you use it?
# <details><summary>Answer</summary>At which false-positive rate, on whose pictures, from which generator, and whether both kinds came in one file format. On a generator that it has not seen it may be blind.</details>

# %% [markdown]
# ## Exercises
#
# **Checked, 5 exercises, @POINTS14@ points:** [exercises/14_authenticity_and_fairness.ipynb](../exercises/14_authenticity_and_fairness/14_authenticity_and_fairness.ipynb); each names the mistake where it is a known one. **To hand in as text and figures:**
#
# 1. Let the chain keep a tenth of real pictures in each generation. Where does recall settle?
# 2. An attacker who may shift a picture by one pixel hides the mark. Mend the detector, and say what that does to its false alarms.
# 3. Rebalance the shipped generator by drawing more z for the classes that it neglects. What does it cost, and whom does it help?
# 4. One of the three cases, decided and defended, by the rubric above.

# %% [markdown]
# ## Sources
#
# - I. Shumailov et al., Nature 631, 2024; M. Gerstgrasser et al., 2024, arXiv 2404.01413; A. Dey, D. Donoho, 2024, 2410.22812; B. Yi et al., 2025, 2510.16657; L. Shi et al., 2025, 2509.16499; P. Ghosh et al., 2020, 1903.12436.
# - J. Kirchenbauer et al., 2023, 2301.10226; P. Fernandez et al., 2023, 2308.00113 (repeats and p-values).
# - I. Cox et al., 1997; X. Zhao et al., 2023, 2306.01953; P. Grommelt et al., 2024, 2403.17608.
# - C2PA specification 2.3; labelling measures of 14 March 2025 and GB 45438-2025 with practice guide TC260-PG-20258A; Regulations (EU) 2024/1689 and 2026/1744. Read in reprints and summaries, 28 November 2026.
# - S. Wilks, 1938; P. Kenfack et al., 2022, 2207.10653; S. Bird et al., *Fairlearn*, 2020; S. Longpre et al., 2024, 2310.16787.
