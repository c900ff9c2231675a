# %% [markdown]
# # 16 · Capstone
#
# **Can I do it alone?**
#
# You will be able to
# - turn a topic into a question that one number answers, and say before the runs what would count as yes;
# - plan seeds, report a mean and a difference with intervals that hold what they promise;
# - write a model card and a data sheet, check licences, and let a checker make your numbers again.
#
# **Time:** half a minute on 2 CPU cores at 485 GFLOP/s, one at 210; your own project some ten hours. **Needed:** chapter 01 (train, validate, test), 05 (is this difference a difference), and the chapter that your project is about.

# %%
# @title On Colab: install the course (elsewhere there is nothing to do)

# %%
from aigc_course import runtime
runtime.start(seed=7)          # before TensorFlow: seeds, device report, FAST profile

import csv
import hashlib
import json
import re
from statistics import NormalDist

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from IPython.display import Markdown
from aigc_course import data, plots
from aigc_course.__main__ import main
from aigc_course.capstone import intervals, licences, sheet

STEPS = runtime.steps(full=400, fast=20)
(x_train, y_train), (x_test, y_test) = data.load_mnist()

# %% [markdown]
# ## Choose
#
# A topic is no question. "Augmentation for digits" cannot be answered; "with 30 digits a class, does mirroring lower the share read right?" can, by one number. Four tests for a question:
#
# - Which number decides? Which value of it is *yes*, which *no*?
# - What would a sceptic compare with, and does that get the same care?
# - Do ten runs fit into an evening?
# - Who could be harmed if you are wrong?

# %% [markdown]
# Some that fit two cores. The chapter has the tools, the number decides, the minutes are for one run.
#
# | From | Question | Number | Minutes |
# |---|---|---|---|
# | 04 | Half of D's filters: worse by less than 2? | judge distance | 3 |
# | 06 | PacGAN with 2 or 4: which keeps more modes? | modes of 25 | 0.2 |
# | 07 | Truncation: which ψ gives the best classifier? | accuracy | 1 |
# | 08 | LoRA of rank 2 against full fine-tuning on 300 poems? | bits a character | 2 |
# | 10 | Does transposing help with 40 chorales? | bits a token | 2 |
# | 11 | Does a second-order step pay at five evaluations? | judge distance | 0.5 |

# %% [markdown]
# ## Plan
#
# This chapter's project is small enough to watch: a network with one hidden layer learns from 30 digits a class. Three arms get equal steps: digits as they are; half of each batch **mirrored**; all **moved** by a few pixels.
#
# How far to move is a knob: chosen on the last 5,000 training digits, by seeds that no reported number uses. The test digits are opened once.
#
# **Predict:** by how many points does each change the share read right?

# %%
EACH, BATCH, HIDDEN = 30, 60, 64
few_from, validation = slice(0, 55_000), slice(55_000, 60_000)


def draw_few(seed):
    """Indices (300,) of thirty training digits a class, none of them among the last 5,000."""
    order = np.random.default_rng(seed).permutation(55_000)
    return np.concatenate([order[y_train[order] == digit][:EACH] for digit in range(10)])


shown = draw_few(1)[::30]
pairs = np.concatenate([x_train[shown], x_train[shown][:, :, ::-1]])
plots.image_grid(pairs, labels=[*"01234567890123456789"], title="Mirrored (below), a 2 is no 2; 0, 1 and 8 do not mind")

# %% [markdown]
# One network is too small for two cores. All arms and seeds are trained as **one** computation with an axis more: weights $(M, 784, 64)$ for $M$ networks, as in chapter 06.

# %%
def moved(images, shift, rng):
    """Each image (N, 28, 28) moved by its own whole number of pixels, up to `shift` each way."""
    padded = np.pad(images, ((0, 0), (shift, shift), (shift, shift)), constant_values=-1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (28, 28), axis=(1, 2))  # (N, places, places, 28, 28)
    down, right = rng.integers(0, 2 * shift + 1, (2, len(images)))
    return windows[np.arange(len(images)), down, right]


def changed(images, arm, shift, rng):
    """A batch (N, 28, 28) as an arm sees it."""
    if arm == "mirrored":
        half = rng.random(len(images)) < 0.5
        return np.where(half[:, None, None], images[:, :, ::-1], images)
    return moved(images, shift, rng) if arm == "moved" else images

# %% [markdown]
# ## Build
#
# Each network draws its first weights, its thirty digits and its batches from its seed. Two arms with one seed share all of that, so their difference is theirs alone.

# %%
def first_weights(seeds):
    """[(M, 784, H), (M, 1, H), (M, H, 10), (M, 1, 10)]: network m from seed m, scaled by the width that comes in."""
    def one(seed):
        rng = np.random.default_rng([seed, 1])
        return rng.normal(0, np.sqrt(2 / 784), (784, HIDDEN)), rng.normal(0, np.sqrt(2 / HIDDEN), (HIDDEN, 10))

    into, out = (np.stack(part) for part in zip(*map(one, seeds), strict=True))
    zeros = np.zeros((len(seeds), 1, HIDDEN)), np.zeros((len(seeds), 1, 10))
    return [keras.Variable(part, dtype="float32") for part in (into, zeros[0], out, zeros[1])]


def logits_of(weights, images):
    """(M, B, 784) -> (M, B, 10)."""
    into, shift, out, level = weights
    return tf.nn.relu(images @ into + shift) @ out + level

# %%
def train(arms, seeds, steps=STEPS, shift=2, rate=2e-3):
    """Weights of M networks, arm m with seed m, after `steps` steps of Adam with a rate that falls to 0."""
    weights = first_weights(seeds)
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps))
    optimizer.build(weights)

    @tf.function(jit_compile=False)
    def step(images, labels):
        with tf.GradientTape() as tape:
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits_of(weights, images))
            loss = tf.reduce_sum(tf.reduce_mean(each, axis=1))      # a sum over networks: each has its own slope
        optimizer.apply(tape.gradient(loss, weights), weights)

    few = [draw_few(seed) for seed in seeds]
    rngs = [np.random.default_rng([seed, 2]) for seed in seeds]
    for _ in range(steps):
        chosen = [one[rng.integers(0, len(one), BATCH)] for one, rng in zip(few, rngs, strict=True)]
        ways = zip(chosen, arms, rngs, strict=True)
        batch = [changed(x_train[at] / np.float32(127.5) - 1, arm, shift, rng) for at, arm, rng in ways]
        step(tf.constant(np.reshape(batch, (-1, BATCH, 784))), tf.constant(y_train[np.array(chosen)], tf.int32))
    return weights

# %%
def right(weights, images, labels):
    """Share read right by each network: (M,)."""
    rows = tf.constant((images / 127.5 - 1).reshape(1, -1, 784), tf.float32)
    found = [tf.argmax(logits_of(weights, rows[:, i : i + 1000]), axis=2) for i in range(0, len(images), 1000)]
    return (tf.concat(found, axis=1).numpy() == labels).mean(axis=1)


pilot = [101, 102, 103, 104][: runtime.steps(full=4, fast=2)]
choices = {"mirrored": 2, "moved by 1": 1, "moved by 2": 2, "moved by 3": 3, "plain": 2}
for name, shift in choices.items():
    scores = right(train([name.split()[0]] * len(pilot), pilot, shift=shift), x_train[validation], y_train[validation])
    choices[name] = scores
    print(f"{name:11} {scores.mean():.3f} on the validation digits, spread {scores.std(ddof=1):.4f} over seeds")

# %% [markdown]
# ## How many seeds
#
# Chapter 05's plan, for pairs: the *difference* of two arms varies from seed to seed by $s$. To tell a true difference $\Delta$ at the level $\alpha$ with the power $p$ takes about
#
# $$k = \left(\frac{(z_{1-\alpha/2}+z_p)\,s}{\Delta}\right)^2$$
#
# seeds. The pilot knows $s$, roughly.

# %%
def seeds_for(s, delta, alpha=0.05, power=0.8):
    """Seeds for a paired difference; at least 3, as s is itself known from few."""
    z = NormalDist().inv_cdf
    return max(3, int(np.ceil(((z(1 - alpha / 2) + z(power)) * s / delta) ** 2)))


best = max((name for name in choices if name.startswith("moved")), key=lambda name: choices[name].mean())
SHIFT = int(best[-1])
spread = max(float((choices[name] - choices["plain"]).std(ddof=1)) for name in ("mirrored", best))
alone = max(float(np.sqrt(choices[name].var(ddof=1) + choices["plain"].var(ddof=1))) for name in ("mirrored", best))
print(f"move by {SHIFT}; a point takes {seeds_for(spread, 0.01)} seeds in pairs, {seeds_for(alone, 0.01)} unpaired")

# %% [markdown]
# A plan that can be changed afterwards is none. Write it down, and give its fingerprint away before the runs: to a colleague, in a commit. Whoever has the fingerprint can check that the plan is the old one.

# %%
SEEDS = list(range(1, 1 + runtime.steps(full=40, fast=3)))
plan = {
    "question": "With 30 digits a class, does mirroring half of each batch, or moving, change the share read right?",
    "number": "mean difference to plain over seeds, in pairs; 95 % interval",
    "yes": "the interval lies on one side of 0",
    "seeds": SEEDS, "shift": SHIFT, "steps": STEPS, "chosen on": "the last 5,000 training digits, seeds 101 to 104",
}
fingerprint = hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()
print(f"plan {fingerprint[:16]}: {len(SEEDS)} seeds, 3 arms")

# %% [markdown]
# Now the runs, and the test digits, once. The row **blind** guesses with the right frequencies. A row *real* would be a reader who has seen all 60,000: the course's judge reads 99 %.

# %%
ARMS = ("plain", "mirrored", "moved")
results = {}
for arm in ARMS:
    results[arm] = right(train([arm] * len(SEEDS), SEEDS, shift=SHIFT), x_test, y_test)
folder = runtime.work_folder("chapter16")
with open(folder / "results.csv", "w", encoding="utf-8", newline="") as file:
    out = csv.writer(file)
    out.writerow(("arm", "seed", "right"))
    out.writerows((arm, seed, f"{value:.4f}") for arm in ARMS for seed, value in zip(SEEDS, results[arm], strict=True))
guess = np.mean(np.random.default_rng(0).permutation(y_test) == y_test)
lines = [f"| {arm} | {results[arm].mean():.3f} | {results[arm].std(ddof=1):.3f} |" for arm in ARMS]
Markdown("\n".join(["| arm | read right | spread over seeds |", "|---|---|---|", *lines, f"| blind | {guess:.3f} | |"]))

# %% [markdown]
# ## Measure
#
# With $k$ seeds, mean $\bar x$ and standard deviation $s$, the interval of the mean is
#
# $$\bar x \pm t_{k-1}\,\frac{s}{\sqrt k}.$$
#
# $t$ is wider than 1.96 because $s$ is a guess too ("Student", 1908): 12.7 for two seeds, 4.3 for three, 2.26 for ten. For pairs, $x$ is the difference of one seed.

# %%
def interval(x):
    """(mean, low, high) of a few independent numbers."""
    k = len(x)
    reach = intervals.t_quantile(0.975, k - 1) * x.std(ddof=1) / np.sqrt(k)
    return x.mean(), x.mean() - reach, x.mean() + reach


for arm in ARMS[1:]:
    mean, low, high = interval(results[arm] - results["plain"])
    pairs = (results[arm] - results["plain"]).std(ddof=1)
    alone = np.sqrt(results[arm].var(ddof=1) + results["plain"].var(ddof=1))
    assert np.allclose((mean, low, high), intervals.difference(results[arm], results["plain"]))
    print(f"{arm} less plain: {100 * mean:+.2f} points, 95 % interval {100 * low:+.2f} … {100 * high:+.2f}")
    print(f"    spread over seeds: {100 * pairs:.2f} points in pairs, {100 * alone:.2f} for two means apart")

# %%
fig, ax = plt.subplots(figsize=(6.4, 3.2))
for place, (arm, colour, marker) in enumerate((("mirrored", plots.FAKE, "o"), ("moved", plots.THIRD, "s"))):
    gaps = 100 * (results[arm] - results["plain"])
    heights = place + np.linspace(-0.15, 0.15, len(gaps))
    ax.plot(gaps, heights, marker, color=colour, ms=4, label=f"{arm} less plain, a seed each")
    mean, low, high = interval(gaps)
    ax.errorbar(mean, place - 0.3, xerr=[[mean - low], [high - mean]], color="black", marker="|", capsize=4)
ax.axvline(0, color=plots.GREY, ls=":")
words = [f"{arm} {100 * (results[arm] - results['plain']).mean():+.1f}" for arm in ARMS[1:]]
ax.set(xlabel="difference in points of digits read right", yticks=[], title="Points against plain: " + ", ".join(words))
ax.legend(frameon=False, fontsize="small")
plots.show(fig, alt="Differences to plain by seed, mirrored and moved, with the interval of each mean below them.")

# %% [markdown]
# Mirroring costs six points, moving gains three: both intervals are clear of 0, and no seed disagrees. Pairs pay: two means apart would need three times as many seeds. The pilot of four did not see it.
#
# Does such an interval hold what it promises? Forty seeds let us ask. Take their mean as the truth; draw $k$ of them, make the interval, see whether it holds the truth.
#
# **Predict:** with three seeds, how often does $\bar x \pm 1.96\,s/\sqrt k$ hold it? And $\pm s/\sqrt k$, the "±" of many papers?

# %%
def held(pool, k, factor, rng, times=runtime.steps(full=4000, fast=200)):
    """How often mean ± factor · s / √k of k draws holds the pool's mean."""
    x = rng.choice(pool, (times, k))
    return (abs(x.mean(axis=1) - pool.mean()) <= factor * x.std(axis=1, ddof=1) / np.sqrt(k)).mean()


pool, counts, rng = results["moved"] - results["plain"], np.array([2, 3, 5, 10, 20]), np.random.default_rng(7)
students = [intervals.t_quantile(0.975, int(k) - 1) for k in counts]
ways = {"± s/√k": [1.0] * 5, "± 1.96 s/√k": [1.96] * 5, "± t s/√k": students}
found = {name: [held(pool, *one, rng) for one in zip(counts, factors, strict=True)] for name, factors in ways.items()}
fig, ax = plt.subplots(figsize=(6.4, 3.2))
looks = zip((plots.GREY, plots.FAKE, plots.REAL), ("o:", "s--", "^-"), strict=True)
for (name, shares), (colour, style) in zip(found.items(), looks, strict=True):
    ax.plot(counts, 100 * np.array(shares), style, color=colour, label=name)
ax.axhline(95, color="black", lw=0.7)
ax.set(xlabel="seeds k", ylabel="holds the truth, %", xscale="log", xticks=counts, xticklabels=counts,
       title=f"Three seeds: ± 1.96 s/√k holds in {found['± 1.96 s/√k'][1]:.0%}, ± t s/√k in {found['± t s/√k'][1]:.0%}")
ax.minorticks_off()
ax.legend(frameon=False, fontsize="small")
plots.show(fig, alt="Share of intervals that hold the mean of all seeds against the number of seeds, three kinds.")

# %% [markdown]
# With three seeds 1.96 holds in four of five cases, and a bare standard error in little more than half. $t$ comes near 95 %; at two seeds it falls short, as one pair in forty is the same seed twice and has no spread at all.
#
# A share has an interval of its own. For $r$ right of $n$ (Wilson, 1927), with $z=1.96$ and $p=r/n$:
#
# $$\frac{p+\frac{z^2}{2n}\pm z\sqrt{\frac{p(1-p)}n+\frac{z^2}{4n^2}}}{1+\frac{z^2}n}$$
#
# It speaks of other *digits* read by the same network; the one above speaks of other *seeds*. Say which you mean.

# %%
def wilson(right, n, z=NormalDist().inv_cdf(0.975)):
    """(share, low, high) of right among n."""
    p = right / n
    middle, reach = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return p, (middle - reach) / (1 + z * z / n), (middle + reach) / (1 + z * z / n)


one = round(results["plain"][0] * len(y_test))
assert np.allclose(wilson(one, len(y_test)), intervals.wilson(one, len(y_test)))
for n, r in ((len(y_test), one), (20, 20), (20, 0)):
    share, low, high = wilson(r, n)
    print(f"{r} of {n}: {share:.3f}, interval {low:.3f} … {high:.3f}")

# %% [markdown]
# ## Document
#
# A study of 32,111 model cards found that environment, limitations and evaluation are filled in least (Liang et al., 2024). A card 模型卡 whose numbers nobody can make again is an advertisement.
#
# Here a project is a folder: a description, a table, a script. The description names each number by a **registered measurement**: where it comes from, which seeds, which interval.

# %%
about = f'''[project]
title = "Thirty digits: mirrored or moved"
question = "{plan['question']}"
answer = "{'; '.join(f'{arm}: {100 * (results[arm] - results["plain"]).mean():+.2f} points' for arm in ARMS[1:])}"
licence = "Apache-2.0"
ships = "numbers"
limits = "One data set, one small network, {STEPS} steps. Mirroring may help where left and right do not matter."

[settings]
steps = {STEPS}
shift = {SHIFT}
plan = "{fingerprint[:16]}, {len(SEEDS)} seeds, written before the runs"

[[data]]
asset = "mnist.npz"
use = "30 digits a class to train, 5,000 to choose, 10,000 to test"
'''
for arm in ARMS[1:]:
    about += f'''
[[number]]
name = "{arm} less plain"
measure = "difference_over_seeds"
file = "results.csv"
column = "right"
where = {{ arm = "{arm}" }}
against = {{ arm = "plain" }}
'''
(folder / "project.toml").write_text(about, encoding="utf-8")
made = main(["card", str(folder)]) == 0     # without the extra capstone: one line that says how to get it

# %% [markdown]
# Below is the card as a reader sees it. Its head, in YAML, holds the numbers once more, for machines: hubs read it, and so does the checker. *Open* marks what you still owe.

# %%
text = (folder / "card.md").read_text(encoding="utf-8") if made else "---\n---\nno card"
Markdown(text.split("---\n", 2)[2].replace("\n# ", "\n### ").replace("\n## ", "\n#### "))

# %% [markdown]
# The checker makes each number again and compares it with the card's interval. **Predict:** which of these will it notice: a prettier number in the card; a bad seed deleted from the table; a baseline trained with fewer steps?

# %%
whole = (folder / "results.csv").read_text(encoding="utf-8")
nicer = re.sub(r"^  value: (.*)$", lambda found: f"  value: {float(found[1]) + 0.001}", text, count=1, flags=re.M)
worst = int(np.argmin(results["moved"]))
fewer = "\n".join(line for line in whole.splitlines() if f",{SEEDS[worst]}," not in line) + "\n"
cards = (("as it was made", text, whole), ("a prettier number", nicer, whole), ("the worst seed deleted", text, fewer))
for name, card_text, table in cards if made else ():
    (folder / "card.md").write_text(card_text, encoding="utf-8")
    (folder / "results.csv").write_text(table, encoding="utf-8")
    print(f"{name}: exit code {main(['card', str(folder), '--check'])}\n")
(folder / "card.md").write_text(text, encoding="utf-8")
_ = (folder / "results.csv").write_text(whole, encoding="utf-8")

# %% [markdown]
# It notices the first two. Had the card been made *after* the seed was deleted, it would hold: then only the plan, with its fingerprint and its number of seeds, tells. A baseline that was treated badly comes out again as badly. A checker compares; it does not read. For that there are the rubric and a second reader.

# %% [markdown]
# ## Whose data is it
#
# Of some 1,800 data sets, more than 70 % lacked a licence where they were found, and more than half of the licences given were wrong (Longpre et al., 2024). The course's table has each file's. Share-alike 相同方式共享 is what to look for.

# %%
rows = []
for mine in ("Apache-2.0", "CC-BY-SA-4.0"):
    for ships in ("numbers", "weights", "images"):
        keys = licences.asset_licences()["mnist.npz"][1]
        for found in licences.judge([mine], "mnist.npz", keys, ships):
            rows.append(f"| {mine} | {ships} | {'**no**' if found.stops else 'yes'} | {found.text} |")
Markdown("| your licence | you give away | may you | what is asked |\n|---|---|---|---|\n" + "\n".join(rows))

# %% [markdown]
# The table is a reminder of what to read, no legal advice. Whether weights adapt the data that they were trained on is not settled anywhere that we know of; name the data beside them.
#
# A **data sheet** 数据说明书 (Gebru et al., 2021) asks what a licence does not: who made the data, of whom, with whose consent, and what they must not be used for.

# %%
known = sheet.answered({"asset": "mnist.npz", "use": "training and testing"})
open_ones = [question for _, key, question in sheet.QUESTIONS if key not in known]
print(f"{len(sheet.QUESTIONS) - len(open_ones)} of {len(sheet.QUESTIONS)} questions about MNIST answered; open:")
print(*open_ones, sep="\n")

# %% [markdown]
# ## Two whole projects
#
# Two lie in the repository, in `docs/projects`, with script, table, card and data sheet.
#
# **shrink**, small: how far can the article's generator be narrowed at equal steps? @SHRINK_ANSWER@
#
# **thirty**, larger: with thirty clothes a class, do classical changes or generated pictures help? @THIRTY_ANSWER@

# %% [markdown]
# ## How a project is read
#
# The rubric 评分标准 in `docs/projects/rubric.md` has six criteria of four levels, with words that must hold: question, fair comparison, numbers, honest split, documents, words and pictures.
#
# Two readers applied it to the same six reports without talking: @RUBRIC_EQUAL@ of the 36 ratings were equal, @RUBRIC_NEAR@ at most one level apart; Cohen's kappa with quadratic weights @RUBRIC_KAPPA@. @RUBRIC_WHO@

# %% [markdown]
# ## What broke
#
# - **A pilot of four.** It gave *plain* a spread over seeds of a tenth of a point; forty seeds say more than one point. Four numbers hardly tell a spread: 16.3 plans with an upper limit.
# - **The prettier baseline.** In a first plan *plain* had no knob and *moved* had one. That is fair only because "do not move" was among the choices.
# - **Numbers in a cell's output.** What lives in an output and in no table is lost at the next run; the card reads the table.

# %% [markdown]
# ## Recap
#
# - A question is good when one number decides it, and when you wrote down before the runs which value means what.
# - A difference is taken in pairs, over seeds, with an interval whose width comes from $t$; a share has Wilson's. Say what the interval is about.
# - A card is worth what its numbers are worth when somebody makes them again. It does not see a baseline that was badly treated.

# %% [markdown]
# ## Check yourself
#
# 1. A paper reports 91.2 ± 0.3 from three seeds, "±" being the standard deviation of the three. What is the 95 % interval of the mean?
# <details><summary>Answer</summary>4.30 · 0.3 / √3 = 0.75 each way: 90.5 … 92.0. With 1.96 it would look twice as sure as it is.</details>
#
# 2. The intervals of two arms overlap. Is there no difference?
# <details><summary>Answer</summary>That cannot be seen from the two. In pairs, what both arms share, such as a lucky draw of thirty digits, falls out; the interval of the difference may lie clear of 0.</details>
#
# 3. The check holds with the card's seeds and one of twenty numbers misses with others. Is the card wrong?
# <details><summary>Answer</summary>One of twenty is what 95 % promises. Several at once, or one that misses by far, would mean that the card's seeds were chosen for their looks.</details>

# %% [markdown]
# ## Exercises
#
# **To hand in: your project**, as a folder with `project.toml`, its script, its table and `card.md` that passes `python -m aigc_course card FOLDER --check`. Before it, a page:
#
# 1. Your question, its number, and which value is yes, no, and cannot tell.
# 2. A pilot of three seeds: how many seeds does your smallest interesting difference need?
# 3. Who gets a card like yours and does what with it? Which use would go wrong?
# 4. Rate report 3 in `docs/projects/examples` by the rubric, then read what one of its choices was made on.

# %% [markdown]
# ## Sources
#
# - M. Mitchell et al., *Model Cards for Model Reporting*, 2019, arXiv 1810.03993; T. Gebru et al., *Datasheets for Datasets*, 2021, 1803.09010.
# - W. Liang et al., *Systematic analysis of 32,111 AI model cards*, 2024, 2402.05160; S. Longpre et al., *A large-scale audit of dataset licensing and attribution in AI*, 2024, 2310.16787.
# - "Student", *The probable error of a mean*, 1908; E. Wilson, *Probable inference*, 1927; R. Newcombe, 1998.
# - J. Cohen, *Weighted kappa*, 1968.
# - R. Agarwal et al., *Deep Reinforcement Learning at the Edge of the Statistical Precipice*, 2021, 2108.13264: few seeds, honest intervals.
