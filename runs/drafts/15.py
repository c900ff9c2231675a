# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 15 · Hardware and scale
#
# **How far does it scale?**
#
# You will be able to
# - say from a layer's shape how fast this machine can run it, and find out what holds it back;
# - count what many devices gain, and foretell the loss of a training that you have not paid for;
# - read other people's code and tables with four faults and five questions in mind.
#
# **Time:** @MINUTES@ minutes on 2 CPU cores at 210 GFLOP/s. **Needed:** chapter 03 (convolutions), 04 (training step), 08 (decoder).

# %% cellView="form" jupyter={"source_hidden": true} tags=["bootstrap"]
# @title On Colab: install the course (elsewhere there is nothing to do)
import importlib.util
import sys

ADDRESS = ""
if importlib.util.find_spec("aigc_course") is None:  # nothing to do where the course is installed
    if "google.colab" not in sys.modules:
        raise ModuleNotFoundError("the course is not installed: run `make lab` in its folder")
    if not ADDRESS:
        raise ModuleNotFoundError("this copy has no public address: upload its wheel and %pip install --no-deps it")
    # %pip install --quiet --no-deps "aigc-course @ {ADDRESS}"  # keeps Colab's TensorFlow

# %%
from aigc_course import runtime
runtime.start(seed=7)          # before TensorFlow: seeds, device report, FAST profile

import csv
import subprocess
import time
import warnings

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from IPython.display import Markdown
from aigc_course import data, gan, metrics, models, plots
from aigc_course.lmdg import tang
from aigc_course.lmdg.core import training, transformer
from aigc_course.scale import energy, flops, law, many, roofline

ROUNDS = runtime.steps(full=8, fast=1)
(x_train, y_train), (x_test, y_test) = data.load_mnist()

# %% [markdown]
# ## What a layer has to do
#
# Work is counted in **floating-point operations** 浮点运算 (FLOPs): a multiplication and an addition are two. A convolution uses each of its weights once for every place:
#
# $$F_{\text{dense}} = 2\,C_{\text{in}}C_{\text{out}},\qquad F_{\text{conv}} = 2\,s^2k^2C_{\text{in}}C_{\text{out}},$$
#
# with $s$ the side of the image that comes out, or goes *in* where the convolution is transposed. **Predict:** which layers of the article's generator have nearly all of its FLOPs? How many more take forward *and* backward?

# %%
generator, discriminator = models.build_generator(), models.build_discriminator()
F = {
    "dense 100 → 12,544": 2 * 100 * 12_544,
    "transposed 7 → 14": 2 * 7**2 * 4**2 * 256 * 128,
    "transposed 14 → 28": 2 * 14**2 * 4**2 * 128 * 64,
    "last 64 → 1": 2 * 28**2 * 4**2 * 64 * 1,
}
assert sum(F.values()) == sum(work.flops for work in flops.layer_works(generator, batch=64)) / 64
for name, own in F.items():
    print(f"{name:20}{own / 1e6:7.1f} MFLOP an image, {own / sum(F.values()):.0%}")


@tf.function
def both(z):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(generator(z, training=True))
    return tape.gradient(loss, generator.trainable_variables)


thrice = flops.graph_work(both.get_concrete_function(tf.TensorSpec((64, 100), tf.float32))).flops / 64
by_hand = 3 * sum(F.values()) - F["dense 100 → 12,544"]          # no one asks for the slope of z
print(f"forward {sum(F.values()) / 1e6:.1f} MFLOP; both ways {by_hand / 1e6:.1f}, {thrice / 1e6:.1f} in the graph")

# %% [markdown]
# Three times: forward, slopes of inputs, slopes of weights. The graph has slightly more: the last layer is a product and a sum of shifted planes (`fast.Conv2D`), and faster all the same. **FLOPs are not time.**
#
# ## The roofline
#
# A machine multiplies at most $P$ FLOP/s and moves at most $M$ bytes/s. Work of $F$ FLOPs that moves $Q$ bytes has the **arithmetic intensity** 算术强度 $I=F/Q$, and runs at most at (Williams et al., 2009)
#
# $$R(I)=\min(P,\;I\,M).$$
#
# Below the **ridge** $I^*=P/M$ memory decides, above it the multipliers: the **roofline** 屋顶线模型.

# %%
def seconds_of(run, repeats=5):
    """The best of some runs, after one to warm up: what comes between is other programs' work."""
    found = []
    for _ in range(repeats + 1):
        begin = time.perf_counter()
        run()
        found.append(time.perf_counter() - begin)
    return min(found[1:])


def measured(n=2048, count=2**26):
    """(P, M): a product of two n × n matrices; y = y + x on arrays of 256 MiB, more than caches hold."""
    A, B = tf.random.normal((n, n)), tf.random.normal((n, n))
    product = seconds_of(lambda: tf.matmul(A, B)[0, 0].numpy())
    x, y = tf.ones((count,)), tf.Variable(tf.zeros((count,)))
    add = seconds_of(lambda: tf.raw_ops.ResourceApplyGradientDescent(var=y.handle, alpha=-1.0, delta=x))
    return 2 * n**3 / product, 3 * 4 * count / add              # x and y are read, y is written


P, M = measured()
machine = roofline.Machine(P, M)
print(f"P = {P / 1e9:.0f} GFLOP/s, M = {M / 1e9:.1f} GB/s, ridge at {P / M:.0f} FLOPs a byte")
assert roofline.attainable(2.0, machine) == min(P, 2 * M) and roofline.ridge(machine) == P / M

# %% [markdown]
# A product of two $n\times n$ matrices moves at least $3\cdot4n^2$ bytes: its intensity is $n/6$. Normalisation does a few operations on each number that it moves: about 1. **Predict** from $I$ alone: which layers reach $P$, which are held back by memory, and by how much?

# %%
def place(layer, batch=64):
    """(kind, intensity, FLOP/s, bytes/s), both ways; bytes: inputs, outputs and weights, each once a way."""
    x = tf.random.normal((batch, *layer.input.shape[1:]))

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
        return [y, *tape.gradient(y, [x, *layer.trainable_variables], output_gradients=y)]

    work = flops.graph_work(step.get_concrete_function(x))
    ends = np.prod(x.shape) + batch * np.prod(layer.output.shape[1:])
    moved = 8 * (ends + sum(np.prod(w.shape) for w in layer.weights))
    took = seconds_of(lambda: step(x)[-1].numpy(), ROUNDS)
    return type(layer).__name__, work.flops / moved, work.flops / took, moved / took


kinds = {"Dense": (plots.THIRD, "^"), "Conv2D": (plots.FAKE, "s"), "Conv2DTranspose": (plots.REAL, "o")}
layers = [*generator.layers, *discriminator.layers]
places = [place(layer) for layer in layers if type(layer).__name__ in kinds]

# %%
fig, ax = plt.subplots(figsize=(6.4, 3.8))
line = np.geomspace(0.3, 3000, 200)
roof = f"roof: {P / 1e9:.0f} GFLOP/s, {M / 1e9:.1f} GB/s"
ax.plot(line, roofline.attainable(line, machine) / 1e9, color="black", label=roof)
for kind, (colour, mark) in kinds.items():
    own = [(i, rate / 1e9) for name, i, rate, _ in places if name == kind]
    ax.plot(*zip(*own, strict=True), mark, color=colour, label=kind)
share = [rate / roofline.attainable(i, machine) for _, i, rate, _ in places]
ax.set(xscale="log", yscale="log", xlabel="intensity (FLOPs a byte)", ylabel="GFLOP/s",
       title=f"Layers reach {min(share):.0%} to {max(share):.0%} of their roof")
ax.legend(frameon=False, fontsize="small")
plots.show(fig, alt="Roofline of this machine with each layer that has weights under it.")
norm = place(generator.layers[6])                               # batch normalisation of 28 × 28 × 64: no products
print(f"batch normalisation of 28 × 28 × 64 moves {norm[3] / 1e9:.1f} GB/s of at most {M / 1e9:.1f}")

# %% [markdown]
# The transposed convolutions lie right of the ridge, near the roof: in float32 little is left to win. Small layers lie far below: a kernel call, the exchange between cores, layouts cost what no byte count knows. Normalisation is bound by memory: fewer passes help (`fast.BatchNormalization`), more multipliers do not.
#
# **Each chapter's heaviest cell**, measured ahead (`benchmarks/roofline.py`). The roof takes the fewest bytes: inputs, outputs, weights once. No training moves so few.

# %%
def read(name):
    """The rows of a shipped table."""
    with open(data.asset(name), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def table(head, rows):
    """A Markdown table: a head, then rows of cells; all but the first column to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return Markdown("\n".join(f"| {' | '.join(map(str, line))} |" for line in lines))


limits = next(row for row in read("roofline.csv") if row["kind"] == "roof")
names = ("piece", "gflop", "ms", "gflops", "of_the_roof")
steps = [[row[name] for name in names] for row in read("roofline.csv") if row["kind"] == "step"]
table([f"step (products: {limits['gflops']} GFLOP/s)", "GFLOP", "ms", "GFLOP/s", "of the roof"], steps)

# %% [markdown]
# @ROOFLINE@ Below half: many small networks do little for each number they move; behind the decoder's widest product, logits of 3,000 characters, comes a softmax that moves them all several times.
#
# ## Batch, precision, compiler
#
# A larger **batch** uses each weight more often. **bfloat16** halves the bytes; weights stay in float32. **XLA** compiles a graph into kernels of its own. **Predict** for this processor: what does each bring to the engine's step?

# %%
def images_per_second(batch, policy="float32", jit=False, steps=runtime.steps(full=12, fast=2)):
    """Of the engine's step, fused, on images that are there already."""
    keras.mixed_precision.set_global_policy(policy)
    try:
        model = gan.GAN(models.build_generator(), models.build_discriminator())
        model.compile(jit_compile=jit)
        model.fit(x_train, batch, epochs=1, steps_per_epoch=2, verbose=0)                # traces, compiles
        begin = time.perf_counter()
        model.fit(x_train, batch, epochs=1, steps_per_epoch=steps, verbose=0)
        return batch * steps / (time.perf_counter() - begin)
    finally:
        keras.mixed_precision.set_global_policy("float32")


limit = P / (3 * sum(F.values()) + 20e6)                         # the discriminator's part: about 20 MFLOP
ways = {f"batch {batch}": {"batch": batch} for batch in (16, 64, 256)[: runtime.steps(full=3, fast=1)]} | {
    "batch 64, bfloat16": {"batch": 64, "policy": "mixed_bfloat16"}}
rates = {name: images_per_second(**how) for name, how in ways.items()}
for name, rate in rates.items():
    print(f"{name:20}{rate:7.0f} images/s, {rate / limit:.2f} of the float32 products' limit ({limit:.0f})")

# %% [markdown]
# Measured in turns elsewhere (`benchmarks/RESULTS.md`, 210 GFLOP/s), images/s: the loop of many tutorials 244, Keras' guide 303, the engine 455, in bfloat16 530, limit 616. XLA makes the step slower here, the discriminator alone seventeen times: it knows neither the fused normalisation nor the last layer's trick. On a GPU it may be the other way round: measure.
#
# And memory that is freed and asked for again costs page faults: the course sets the allocator before TensorFlow starts (`runtime.configure`).

# %% [markdown]
# ## Three backends, one weight file
#
# Keras 3 runs the same layers on TensorFlow, JAX or PyTorch. `benchmarks/backends.py` gives all three one file of weights and asks: do outputs, losses and slopes equal NumPy's in float64? Where does each stand after one step of Adam? How many images a second? **Predict:** are the outputs equal to the last bit?

# %%
rows = read("backends.csv")
names = ("backend", "version", "device", "outputs", "losses", "slopes", "images", "limit", "of_the_limit")
if not any(row["gpu"] == "True" for row in rows):
    print("No GPU was seen so far; on one, python benchmarks/backends.py finds it by itself.")
head = [*names[:3], "outputs' largest error", "losses'", "slopes'", "images/s", "products' limit", "of it"]
table(head, [[row[name] for name in names] for row in rows])

# %% [markdown]
# Never to the last bit: sums in another order round otherwise. Ask for equality within a tolerance, and say which. @BACKENDS@
#
# ## From one device to many
#
# Each of $p$ devices holds the network and takes a $p$-th of the batch; all need the *sum* of the gradients. In a **ring** 环形归约 (Patarasuk & Yuan, 2009) each sends to its neighbour: first every piece collects its sum on the way round, then the sums go round. Each device sends
#
# $$2\,(p-1)\,\frac{n}{p}<2n\quad\text{numbers, however many devices there are.}$$

# %%
def ring(parts):
    """The sum of p vectors on every device; a turn sends one piece of each device to the next."""
    p, held, sent = len(parts), [np.array(np.split(v, len(parts))) for v in parts], 0
    for turn in range(2 * (p - 1)):
        adding = turn < p - 1
        moved = [held[i][(i - turn) % p].copy() for i in range(p)]
        for i, values in enumerate(moved):
            piece, there = (i - turn) % p, held[(i + 1) % p]
            there[piece] = there[piece] + values if adding else values
        sent += len(values)
    return [v.ravel() for v in held], sent


rng = np.random.default_rng(7)
slopes = [rng.standard_normal(60) for _ in range(5)]
sums, sent = ring(slopes)
theirs, also = many.ring_all_reduce(slopes)
assert np.allclose(sums, np.sum(slopes, axis=0)) and np.allclose(sums, theirs) and sent == also == 2 * 4 * 60 // 5
print(f"5 devices, 60 numbers: each sent {sent}; a device that collects and answers alone would send {4 * 60}")

# %% [markdown]
# TensorFlow does that under `tf.distribute`. Two *logical* devices share these two cores, so they cannot be faster; but they show that the result stays the same. Devices are set up before TensorFlow's first operation: in a process of its own. Every device sees half of the batch; without batch normalisation and dropout the weights must agree.

# %%
PROGRAM = """
import sys, numpy as np
from aigc_course import runtime
runtime.configure()
import tensorflow as tf, keras
devices = int(sys.argv[1])
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * devices)
strategy = tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(devices)])
x = np.random.default_rng(1).standard_normal((64, 8)).astype("float32")
with strategy.scope():
    keras.utils.set_random_seed(7)
    net = keras.Sequential([keras.Input((8,)), keras.layers.Dense(16, "tanh"), keras.layers.Dense(1)])
    net.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=False)
net.fit(x, x[:, :1], batch_size=32, epochs=2, shuffle=False, verbose=0)
print(repr(float(sum(abs(np.asarray(w)).sum() for w in net.weights))))
"""
ends = [subprocess.run([sys.executable, "-c", PROGRAM, str(p)], capture_output=True, text=True) for p in (1, 2)]
found = [float(end.stdout.split()[-1]) for end in ends]
print(f"sum of all weights' sizes after four steps: one device {found[0]:.6f}, two {found[1]:.6f}")
assert abs(found[0] - found[1]) < 1e-4

# %% [markdown]
# On several machines, or in two terminals, the GAN trains by one command with another rank each:
#
# ```
# python -m aigc_course train --workers host:5001,host:5002 --rank 0     # second: --rank 1
# ```
#
# **Strong scaling** 强扩展: the *same* batch on more devices. If a share $f$ of the time does not split, the gain is at most $1/(f+(1-f)/p)$ (Amdahl, 1967). **Weak scaling** 弱扩展: the batch grows with $p$; then it is $f+(1-f)p$ (Gustafson, 1988). **Predict** which link forbids what:

# %%
step = 64 / rates["batch 64"] if "batch 64" in rates else 0.14                  # seconds
gradient = 4 * (1_924_289 + 95_489)                                              # bytes
links = {"1 Gbit/s Ethernet": (0.125e9, plots.FAKE, "--"), "100 Gbit/s network": (12.5e9, plots.THIRD, "-."),
         "NVLink 4, one way": (450e9, plots.REAL, "-")}
p = 2 ** np.arange(9)
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
for name, (bandwidth, colour, dash) in links.items():
    scale = {"size": gradient, "bandwidth": bandwidth, "latency": 5e-6, "fixed": 0.01}
    left.plot(p, [many.strong_scaling(step, int(k), **scale) for k in p], dash, color=colour, label=name)
    right.plot(p, [many.weak_scaling(step, int(k), **scale) for k in p], dash, color=colour, label=name)
left.plot(p, p, ":", color=plots.GREY)
most = many.amdahl(0.01 / (step + 0.01), 256)
left.set(xscale="log", yscale="log", xlabel="devices", ylabel="times as fast",
         title=f"Same batch: at most {most:.0f} times at 256")
right.set(xscale="log", xlabel="devices", ylabel="share of the work that is left", ylim=(0, 1.05),
          title="Batch grows: the exchange stays the same")
left.legend(frameon=False, fontsize="small")
plots.show(fig, alt="Strong and weak scaling of the GAN's step over three kinds of links.")
f = 0.1
assert np.isclose(many.amdahl(f, 10), 1 / (f + (1 - f) / 10)) and np.isclose(many.gustafson(f, 10), f + (1 - f) * 10)

# %% [markdown]
# Ten milliseconds that do not split (optimizer, calls) forbid more than fast links do; this counts images, not how well a batch of 16,384 learns.
#
# In a data centre: Llama 3's largest has $N=405\cdot10^9$ weights and read $D=15.6\cdot10^{12}$ tokens on up to 16,384 GPUs of at most 989 TFLOP/s in bfloat16 (Llama team, 2024; NVIDIA's data sheet). A training takes about $6ND$ FLOPs (below). **Predict:** how many GPU hours, at 40 % of the peak?

# %%
N, D = 405e9, 15.6e12
hours = 6 * N * D / (0.40 * 989e12) / 3600
spent = energy.training_estimate(6 * N * D, 989e12, watts=700, used=0.40, overhead=1.0, grid=414)
print(f"6 N D = {6 * N * D:.2e} FLOPs: {hours / 1e6:.1f} million GPU hours; the model card says 30.84 million")
print(f"by 700 W each: {spent.kilowatt_hours / 1e6:.1f} GWh, {spent.grams / 1e6:,.0f} t CO2e; the card says 8,930 t")
own = energy.estimate(seconds=8 * 60, watts=60)                 # a laptop's processor, an assumption
print(f"this chapter, eight minutes at 60 W: {own}")

# %% [markdown]
# Power × time × the building's overhead × the grid's grams (Strubell et al., 2019). 414 g a kilowatt-hour is what the card's numbers imply; the world's average in 2023 was about 480 (Ember). Left out: making machines, failed runs, use.
#
# ## A law of scale
#
# The loss falls with weights $N$ and tokens $D$ (Kaplan et al., 2020). Hoffmann et al. (2022) fitted
#
# $$L(N,D)=E+\frac{A}{N^{\alpha}}+\frac{B}{D^{\beta}},$$
#
# $E$ what no model can foretell, the others the price of being small and of having read little.

# %% [markdown]
# Each token meets each weight of a product once: $2N$ FLOPs forward, twice that backward, together $6N$. The decoder's $N$ is $12mw^2$ in $m$ layers of width $w$, and $Vw$ for the output. Left out are attention's scores, $4Tw$ a layer and token. The graph counts all.
#
# Then train some: three sizes, three amounts of Tang poems, each token read once. **Predict:** what costs more here, few weights or little text?

# %%
V, T, w, m = 3000, 64, 32, 2
N = 12 * m * w**2 + V * w
assert flops.decoder_weights(V, w, m) == N
small = transformer.compile_decoder(transformer.Decoder(V, T, w, m, heads=2), 3e-3)
traced = tf.function(lambda rows: small.train_step((rows, rows))).get_concrete_function(tf.TensorSpec((8, T), tf.int32))
counted = flops.graph_work(traced).flops / (8 * T)
exact = 3 * flops.decoder_flops(V, w, m, T)
print(f"a token: {counted:,.0f} FLOPs; 6 N is {6 * N / counted:.1%} of them, with attention {exact / counted:.1%}")
poems, _, _ = tang.split_tang()
tokenizer = tang.tang_tokenizer(poems[1000:], at_least=50)
learnt, held = tang.stream(tokenizer, poems[1000:]), tang.stream(tokenizer, poems[:1000])
held = held[: len(held) // 65 * 65].reshape(-1, 65)[: runtime.steps(full=400, fast=8)]


def loss_of(width, tokens, batch=8, T=64):
    """Nats a token on poems that were not read, after one pass through the first `tokens` tokens."""
    keras.utils.set_random_seed(7)
    steps = tokens // (batch * T)
    model = transformer.compile_decoder(transformer.Decoder(len(tokenizer), T, width, 2, heads=2), 3e-3, steps)
    order = np.random.default_rng(7).permutation(steps * batch)
    rows = np.stack([learnt[i * T : i * T + T + 1] for i in order])
    batches = tf.data.Dataset.from_tensor_slices((rows[:, :-1], rows[:, 1:])).batch(batch)
    training.train_decoder(model, batches.skip, steps, f"{width} wide, {tokens:,} tokens", every=steps)
    return transformer.bits_per_token(model, held) * np.log(2)


sizes, batches = runtime.steps(full=((16, 32, 64), (43, 86, 171)), fast=((16,), (2,)))
pairs = [(width, 512 * count) for width in sizes for count in batches]
live = [(flops.decoder_weights(len(tokenizer), width, 2), d, loss_of(width, d)) for width, d in pairs]
for n_weights, d, loss in live:
    print(f"N = {n_weights:8,}, D = {d:8,}: {loss:.3f} nats a token")

# %% [markdown]
# With $\alpha$ and $\beta$ given the law is linear in $E$, $A$ and $B$: least squares of *relative* errors finds them, and a grid the two exponents. The runs below were trained ahead (`benchmarks/scaling.py`): four sizes, four amounts.

# %%
def fit(N, D, L, places=np.linspace(0.05, 1.5, 59)):
    """(E, A, alpha, B, beta) with the least squared relative errors; both exponents from a grid."""
    best = (np.inf, None)
    for alpha in places:
        for beta in places:
            columns = np.stack([np.ones(len(N)), N**-alpha, D**-beta], axis=1) / L[:, None]
            values = np.linalg.lstsq(columns, np.ones(len(N)), rcond=None)[0]
            error = np.sum((columns @ values - 1) ** 2)
            if error < best[0] and (values >= 0).all():
                best = (error, (values[0], values[1], alpha, values[2], beta))
    return law.Law(*best[1]), best[0]


runs = [row for row in read("scaling.csv") if row["role"] == "fitted"]
N, D, L = (np.array([float(row[name]) for row in runs]) for name in ("weights", "tokens", "loss"))
ours, error = fit(N, D, L)
theirs = law.fit(N, D, L)
assert np.sum((law.predict(theirs, N, D) / L - 1) ** 2) <= 1.01 * error      # the package's grid closes in further
print("from", len(runs), "runs:", ", ".join(f"{name} {value:.3g}" for name, value in theirs._asdict().items()))

# %% [markdown]
# A fit through few runs has many laws beside it. Deal the errors anew and fit again (bootstrap, chapter 05): single numbers move a lot, together; what they *foretell* moves less.
#
# The prediction was committed **before** its run was trained: twice the weights of the largest, twice the text, four times the FLOPs; the script refuses otherwise. Beside it stand a power law of the FLOPs alone, and "no better than the best so far".

# %%
laws, errors = law.bootstrap(N, D, L, runtime.steps(full=400, fast=10))
for i, name in enumerate(law.Law._fields):
    low, high = np.quantile([one[i] for one in laws], [0.025, 0.975])
    print(f"{name:6}{theirs[i]:10.3g}   95 %: {low:.3g} to {high:.3g}")
test = next((row for row in read("scaling.csv") if row["role"] == "held out"), None)
size, amount = (float(test["weights"]), float(test["tokens"])) if test else (2 * N.max(), 2 * D.max())
low, high = law.interval(laws, errors, size, amount)
told = float(law.predict(theirs, size, amount))
came = test["loss"] if test else "not yet"
print(f"N = {size:,.0f}, D = {amount:,.0f}: foretold {told:.3f} ({low:.3f} to {high:.3f}), measured {came}")
fig, ax = plt.subplots(figsize=(6.4, 3.6))
colours = (plots.GREY, plots.THIRD, plots.FAKE, plots.REAL)
looks = zip(sorted(set(N)), colours, "v^so", (":", "-.", "--", "-"), strict=True)
line = np.geomspace(D.min(), 1.2 * amount, 50)
for own, colour, mark, dash in looks:
    chosen = np.isclose(N, own)
    ax.plot(D[chosen], L[chosen], mark, color=colour)
    ax.plot(line, law.predict(theirs, own, line), dash, color=colour, label=f"N = {own / 1e3:,.0f} thousand")
ax.plot(line, law.predict(theirs, size, line), color="black", label=f"foretold, {size / 1e3:,.0f} thousand")
ax.errorbar([amount], [(low + high) / 2], yerr=(high - low) / 2, color="black", capsize=4)
if test:
    ax.plot(amount, float(test["loss"]), "*", color="black", markersize=11, label="measured")
miss = f": missed by {abs(float(test['loss']) - told) / told:.1%}" if test else ""
ax.set(xscale="log", xlabel="tokens read, D (millions)", ylabel="nats a token",
       title=f"The law and a run four times larger{miss}")
ticks = sorted({*D, amount})
ax.set_xticks(ticks, [f"{tick / 1e6:.2g}" for tick in ticks])
ax.minorticks_off()
ax.legend(frameon=False, fontsize="small")
plots.show(fig, alt="Loss against tokens for each size with the fitted law, and the run that was foretold.")

# %% [markdown]
# @SCALING@
#
# What is the law for? To spend a given number of FLOPs well. Hoffmann's printed numbers and those of a replication (Besiroglu et al., 2024), which fitted the same points again, give very different advice. **Predict:** by how much?

# %%
printed = law.Law(1.69, 406.4, 0.34, 410.7, 0.28)
again = law.Law(1.8172, 482.01, 0.3478, 2085.43, 0.3658)
for name, one in (("Hoffmann et al., as printed", printed), ("replication", again), ("ours, for 1e14 FLOPs", theirs)):
    spend = 1e14 if one is theirs else 5.76e23                        # the second: Chinchilla's own
    if min(one.a, one.b) > 0:
        n_best, d_best = law.best_split(one, spend)
        print(f"{name}: {n_best:,.3g} weights, {d_best:,.3g} tokens, {d_best / n_best:.0f} tokens a weight")

# %% [markdown]
# Chinchilla has 20 tokens a weight. The printed constants, rounded to two digits, say far more; the replication about 20. Ours is for old poems.
#
# ## Reading other people's code
#
# Four faults of famous collections; none raises an error. **1** Gaussian instead of uniform shares between real and fake in WGAN-GP. **2** Both in one normalised batch. **3** `trainable = False` once: in Keras 2 it held for models compiled later, in Keras 3 for D's own steps too. **4** A metric on another range. **Predict** which *number* shows each.

# %%
gauss = np.random.default_rng(7).standard_normal(100_000)
print(f"1: shares outside the stretch between both images: {np.mean((gauss < 0) | (gauss > 1)):.0%}")
real = data.scale(x_train[:64])
fake = generator(np.random.default_rng(1).standard_normal((64, 100), dtype=np.float32), training=False)
net = keras.Sequential([layer for layer in models.build_discriminator().layers if "dropout" not in layer.name])
alone = net(real, training=True).numpy()
company = net(tf.concat([real, fake], 0), training=True).numpy()[:64]
moved = np.abs(alone - company).mean()
print(f"2: fakes beside them move the logits of real images by {moved:.3f}; their spread is {alone.std():.3f}")

net = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
net.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True), jit_compile=False)
net.trainable = False                                          # "while G learns": but nothing sets it back
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    losses = [float(net.train_on_batch(real, np.ones((64, 1)))) for _ in range(5)]
print(f"3: losses of five steps: {np.round(losses, 4).tolist()}; said: {[str(one.message) for one in said][-1:]}")

opinion, images = metrics.judge(), data.scale(x_train[: runtime.steps(full=5000, fast=300)])
right, wrong = opinion.distance(images), opinion.distance((images + 1) / 2)
narrow = metrics.moments(opinion.read((data.scale(x_test) + 1) / 2)[0])
both_wrong = metrics.frechet_of_moments(*metrics.moments(opinion.read((images + 1) / 2)[0]), *narrow)
print(f"4: real digits {right:.2f}; {wrong:.1f} with images in [0, 1]; {both_wrong:.2f} with both sides in [0, 1]")

# %%
rows, lines = read("faults.csv"), []
for key in dict.fromkeys((row["fault"], row["way"], row["measure"]) for row in rows):
    own = np.array([float(row["value"]) for row in rows if (row["fault"], row["way"], row["measure"]) == key])
    lines.append([*key, f"{own.mean():.3g}", f"{own.std(ddof=1) / np.sqrt(len(own)):.2g}" if len(own) > 1 else "–"])
table(["fault", "way", "measure", "mean of the seeds", "± standard error"], lines)

# %% [markdown]
# @FAULTS@ The freeze brings one warning; a loss that repeats to the last digit shows it. With *both* sides on a wrong range the number is plausible, and comparable with nobody's.
#
# ## How to check a table
#
# *Can this number occur?* (On 10,000 images accuracy has two decimals of a percent.) *What is ±, over what?* *Is the difference larger than its error?* *What would real data score, and a thief?* *Had the baseline as many steps and tries?* The first takes a line:

# %%
def can_occur(percent, decimals, count):
    """Whether some number of hits among `count` gives this percentage, rounded so (GRIM; Brown & Heathers, 2017)."""
    hits = np.arange(count + 1)
    return bool(np.any(np.abs(100 * hits / count - percent) <= 0.5 * 10.0**-decimals + 1e-9))


for percent, decimals, count in ((98.71, 2, 10_000), (98.715, 3, 10_000), (87.3, 1, 400), (87.33, 2, 400)):
    verdict = "can be one run" if can_occur(percent, decimals, count) else "no single run: a mean, or a mistake"
    print(f"{percent} % of {count:,}: {verdict}")
gap, errors_of = 0.4, (0.25, 0.30)                             # two rows of a table, three seeds each
print(f"a difference of {gap} with a standard error of {np.hypot(*errors_of):.2f}: no winner")

# %% [markdown]
# **What we ran, and read.** Run here (`benchmarks/loops.py`): Keras' guide on overriding `train_step` (fault 2, and labels above 1); the classic loop of many tutorials and of the article's outline (fault 3 under Keras 3); a DCGAN in PyTorch, plain and channels-last. Read only: nanochat and makemore (flat files, shapes at the end of lines); d2l's chapter on scaling ($6ND$ against a profiler). Prefer code that says what it was run with, and what came.

# %% [markdown]
# ## Real large models: what they cost, before anything is fetched
#
# A model's shape tells its price: parameters follow in closed form, and each is read for every token that is written, left of the ridge. Below are presets of KerasHub; times are lower bounds from the data sheet of an NVIDIA T4 (65 TFLOP/s, 320 GB/s, 16 GB). "LoRA" is the memory of fine-tuning on 256 tokens, an estimate. **Predict:** which cannot be fine-tuned on that card?

# %%
import tempfile
from pathlib import Path

from aigc_course.lmdg.hub import costs, load, tiny

print(costs.table(device_memory_gib=14.7, context=256))  # of 16 GB, what the driver leaves
print(f"ridge of a T4: {costs.T4.flops / costs.T4.read:.0f} FLOPs a byte; a token in half precision: about 1")

# %% [markdown]
# ### A language model — **needs a GPU and a download of 2.0 GB · licence: Apache-2.0**
#
# Qwen2.5 0.5B (Alibaba). The next cell fetches nothing while `FETCH` is `False`: it makes a Qwen of two layers with
# random weights, saves it as a preset and loads it back. With a GPU, set `FETCH = True`, which says that you have read
# the size and the licence; all cells after it stay as they are.

# %%
FETCH = False
NAME = "qwen2.5_0.5b_en"
folder = Path(tempfile.mkdtemp())

language_model, lacking = None, load.missing("text")        # KerasHub, an extra, may not be installed
if lacking:
    print(lacking, "The cells on the language model are passed over; their stored outputs show what they do.")
elif FETCH:
    language_model = load.fetch_preset(NAME, agreed=True, dtype="mixed_float16")
else:
    language_model = load.load_preset(tiny.tiny_language_preset(folder / "language"), "text")

price, shape = costs.cost(NAME), costs.find(NAME).shape
print(f"{NAME}: {price['parameters']:,} parameters; LoRA of rank 4 trains {costs.lora_parameters(shape, 4):,} of them")
if language_model is not None:
    print(f"here: {language_model.backbone.count_params():,} parameters")

# %% [markdown]
# Fine-tuning by LoRA on Shakespeare's sonnets: `enable_lora` freezes every weight and adds a change of low rank to
# queries and values, as `with_lora` did in chapter 8. The two-layer model has never read a word: expect its loss to
# fall and its text to stay noise. A real one writes English before, and a sonnet's lines after.

# %%
sonnets = data.load_shakespeare("sonnets").split("\n\n")
texts = [part for part in sonnets if len(part.splitlines()) == 14]
prompts = ["Shall I compare thee", "The machine"]

if language_model is not None:
    before = load.write_texts(language_model, prompts, length=32, seed=1)
    losses = load.fine_tune_preset(
        language_model, texts, rank=4, steps=runtime.steps(full=60, fast=5), length=128 if FETCH else 48,
        learning_rate=2e-4 if FETCH else 1e-2,
    )
    after = load.write_texts(language_model, prompts, length=32, seed=1)

    for prompt, was, now in zip(prompts, before, after, strict=True):
        print(f"{prompt!r}\n  before: {was[len(prompt):]!r}\n  after:  {now[len(prompt):]!r}")
    fig, ax = plt.subplots(figsize=(6, 3))
    ax.plot(losses, color=plots.REAL)
    ax.set(xlabel="step", ylabel="loss (nats a token)",
           title=f"LoRA on noise: loss {losses[0]:.2f} at first, {losses[-1]:.2f} in the end")
    plots.show(fig, alt="The loss of fine-tuning against the step: it falls.")

# %% [markdown]
# ### An image model — **needs a GPU and a download of 6.0 GB · licence: Stability AI Community License**
#
# Stable Diffusion 3 Medium: free for research, non-commercial use, and those who earn less than one million US dollars a
# year; accept its terms on the hub's site. With `FETCH_IMAGES = False` the same calls run on one of two layers with
# random weights: all its parts are there, the pictures have the right shape and no meaning.

# %%
FETCH_IMAGES = False
painter, lacking = None, load.missing("image")
if lacking:
    print(lacking, "The picture is passed over; the stored output shows it.")
elif FETCH_IMAGES:
    painter = load.fetch_preset("stable_diffusion_3_medium", agreed=True, dtype="float16", side=512)
else:
    painter = load.load_preset(tiny.tiny_image_preset(folder / "image"), "image")

if painter is not None:
    wishes = ["a red bird on a branch", "a lighthouse in the fog"]
    images = load.paint(painter, wishes, steps=28 if FETCH_IMAGES else 4, seed=7)
    assert images.shape[0] == 2 and images.shape[-1] == 3 and images.dtype == "uint8"

    fig, axes = plt.subplots(1, 2, figsize=(6, 3.2))
    for ax, image, wish in zip(axes, images, wishes, strict=True):
        ax.imshow(image)
        ax.set_title(wish, fontsize=9)
        ax.axis("off")
    plots.show(fig, alt="Two generated pictures, one for each prompt; noise if the tiny preset painted them.")

# %% [markdown]
# ## Recap
#
# - Two numbers of a machine and the intensity of a layer say how fast it can be; what lies far below wants an explanation.
# - A ring's exchange does not grow with the devices; what does not split, and what a large batch learns, sets the end.
# - A law of scale is worth its prediction: written down before, missed in public. Single constants are soft.

# %% [markdown]
# ## Check yourself
#
# 1. A layer has 2 FLOPs a byte, the machine a ridge of 14. Would a processor with twice the GFLOP/s help?
# <details><summary>Answer</summary>No: left of the ridge the memory decides. Fewer passes over memory help, or fewer bytes a number.</details>
#
# 2. Four devices make a step 3.2 times as fast. Which share does not split, if Amdahl is right?
# <details><summary>Answer</summary>1 / (f + (1 - f) / 4) = 3.2 gives f = 1/12, about 8 %: even with a thousand devices no more than twelve times.</details>
#
# 3. A paper's law fits its runs to 0.1 %. Why is that no evidence for it?
# <details><summary>Answer</summary>Five numbers were fitted to these runs. Evidence is a run that was foretold before it was trained, and how far beyond the others it lies.</details>

# %% [markdown]
# ## Exercises
#
# **Checked, 4 exercises, 8 points:** [exercises/15_hardware_and_scale.ipynb](../exercises/15_hardware_and_scale/15_hardware_and_scale.ipynb); each names the mistake where it is a known one. **To hand in as text and figures:**
#
# 1. Put the three heaviest layers of a network of your own under the roof. Hand in the figure and a reason for each that lies below half.
# 2. From how many devices on is the GAN's step no faster with 1 Gbit/s? Compute, then change the gradient's precision to 16 bits.
# 3. Leave the largest size out of the fit, foretell it, and compare the miss with the interval.

# %% [markdown]
# ## Sources
#
# - S. Williams, A. Waterman, D. Patterson, *Roofline*, 2009; J. McCalpin, STREAM, 1995.
# - P. Patarasuk, X. Yuan, *Bandwidth Optimal All-reduce Algorithms*, 2009; G. Amdahl, 1967; J. Gustafson, 1988.
# - J. Kaplan et al., *Scaling Laws for Neural Language Models*, 2020, arXiv 2001.08361; J. Hoffmann et al., *Training Compute-Optimal Large Language Models*, 2022, 2203.15556; T. Besiroglu et al., *Chinchilla Scaling: A replication attempt*, 2024, 2404.10102.
# - Llama team, *The Llama 3 Herd of Models*, 2024, 2407.21783, and the model card of Llama 3.1.
# - E. Strubell et al., 2019, 1906.02243; D. Patterson et al., 2021, 2104.10350; Ember, *Global Electricity Review*, 2024.
# - I. Gulrajani et al., *Improved Training of Wasserstein GANs*, 2017, 1704.00028. N. Brown, J. Heathers, *The GRIM Test*, 2017.
# - E. Hu et al., *LoRA*, 2022, 2106.09685. The article, section 7.
