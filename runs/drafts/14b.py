# imports that this piece needs (for @IMPORTS@ of 14_open): csv, io, json; numpy as np, matplotlib.pyplot as plt;
# from IPython.display import Markdown; from PIL import Image; from aigc_course import data, gan, metrics, plots;
# from aigc_course.errors import CourseError; from aigc_course.lmdg.codecs import image, quantizer;
# from aigc_course.trust import detector, labels, picturemark, provenance, shares
# (x_train, y_train), (x_test, y_test) = data.load_mnist()

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
# The mark survives rounding, noise and JPEG. Our own codec, which never saw the key, draws each digit anew from 49 codes: the mark is gone, the digit stays. This is **regeneration** 再生 (Zhao et al., 2024: 93–99 % of several marks in photographs removed). A shift hides the mark only from those who do not try the shifts, at a higher threshold. Now three keys, 5,000 pictures each, packets of one source, and the generator's own digits:

# %%
def rows_of(name):
    """A measured table of the course as a list of dicts."""
    with open(data.asset(name), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


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
# A voluntary code of practice came on 10 June 2026. Systems sold before August are said to have until 2 December 2026 for 50(2): an amendment of that summer, which we know from secondary sources alone. We read summaries, not the Official Journal: read the text, and its date, before you rely on this. How robust "robust" is, this chapter measures.

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
# A test holds the licences against `aigc_course/assets/README.md`. "Train: yes": no licence here forbids it. Whether weights are an adaptation of their data, so that MNIST's share-alike reaches the generator, is not settled, and a licence says nothing on the rights of those *in* the data. In an audit of 1,800 data sets more than 70 % named no licence where they were hosted; more than half of those named were wrong (Longpre et al., 2024).

# %% [markdown]
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
