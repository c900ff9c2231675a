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
import time

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
# Work is counted in **floating-point operations** 浮点运算 (FLOPs): a multiplication and an addition are two. One image through a dense layer takes two for each weight. A convolution uses each weight once for every place,
#
# $$F_{\text{dense}} = 2\,C_{\text{in}}C_{\text{out}},\qquad F_{\text{conv}} = 2\,s^2k^2C_{\text{in}}C_{\text{out}},$$
#
# with $s$ the side of the image that comes out, or goes *in* where the convolution is transposed. **Predict:** which layers of the article's generator have nearly all of its FLOPs?

# %%
generator, discriminator = models.build_generator(), models.build_discriminator()
F = {
    "dense 100 → 12,544": 2 * 100 * 12_544,
    "transposed 7 → 14": 2 * 7**2 * 4**2 * 256 * 128,
    "transposed 14 → 28": 2 * 14**2 * 4**2 * 128 * 64,
    "last 64 → 1": 2 * 28**2 * 4**2 * 64 * 1,
}
works = flops.layer_works(generator, batch=64)
assert sum(F.values()) == sum(work.flops for work in works) / 64
for name, own in F.items():
    print(f"{name:20}{own / 1e6:7.1f} MFLOP an image, {own / sum(F.values()):.0%}")
print(f"generator {sum(F.values()) / 1e6:.1f}; discriminator {sum(work.flops for work in flops.layer_works(discriminator, 1)) / 1e6:.1f} MFLOP")

# %% [markdown]
# Two layers have 96 %. The graph that TensorFlow makes must agree: it has products of its own for the way back, one for the slopes of the inputs and one for those of the weights. So forward and backward take three times as many as forward, but for the first layer: no one asks for the slope of $z$.

# %%
@tf.function
def forward(z):
    return generator(z, training=True)


@tf.function
def both(z):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(generator(z, training=True))
    return tape.gradient(loss, generator.trainable_variables)


shape = tf.TensorSpec((64, 100), tf.float32)
once, thrice = (flops.graph_work(way.get_concrete_function(shape)).flops / 64 for way in (forward, both))
dense, last = F["dense 100 → 12,544"], F["last 64 → 1"]
print(f"counted in the graph: forward {once / 1e6:.1f}, forward and backward {thrice / 1e6:.1f} MFLOP; by hand {(3 * sum(F.values()) - dense) / 1e6:.1f}")

# %% [markdown]
# Forward the graph has slightly more: the course's last convolution is written as a product and a sum of shifted planes (`fast.Conv2D`), whose kernel of zeros and ones is multiplied too. It is faster all the same. **FLOPs are not time.**
#
# ## The roofline
#
# A machine multiplies at most $P$ FLOP/s and moves at most $M$ bytes/s between memory and processor. A piece of work with $F$ FLOPs that moves $Q$ bytes has the **arithmetic intensity** 算术强度 $I=F/Q$, and runs at most at (Williams et al., 2009)
#
# $$R(I)=\min(P,\;I\,M).$$
#
# Below the **ridge** $I^*=P/M$ the memory decides, above it the multipliers. This is the **roofline** 屋顶线模型.

# %%
def seconds_of(run, repeats=5):
    """The best of some runs, after one to warm up: what comes between is other programs' work."""
    found = []
    for _ in range(repeats + 1):
        begin = time.perf_counter()
        run()
        found.append(time.perf_counter() - begin)
    return min(found[1:])


n, count = 2048, 2**26                                          # 2^26 numbers are 256 MiB, more than caches hold
A, B = tf.random.normal((n, n)), tf.random.normal((n, n))
x, y = tf.ones((count,)), tf.Variable(tf.zeros((count,)))
P = 2 * n**3 / seconds_of(lambda: tf.matmul(A, B)[0, 0].numpy())
triad = seconds_of(lambda: tf.raw_ops.ResourceApplyGradientDescent(var=y.handle, alpha=-1.0, delta=x))   # y = y + x
M = 3 * 4 * count / triad                                       # x and y are read, y is written
del A, B, x, y
machine = roofline.Machine(P, M)
print(f"P = {P / 1e9:.0f} GFLOP/s, M = {M / 1e9:.1f} GB/s, ridge at {P / M:.0f} FLOPs a byte")
assert roofline.attainable(2.0, machine) == min(P, 2 * M) and roofline.ridge(machine) == P / M

# %% [markdown]
# A product of two $n\times n$ matrices moves at least $3\cdot4n^2$ bytes: its intensity is $n/6$. Normalisation does a few operations on each number that it moves: about 1. **Predict** from $I$ alone: which layers reach $P$, which are held back by memory, and by how much?

# %%
def place(layer, batch=64):
    """(name, intensity, FLOP/s) of a layer forward and backward; bytes: inputs, outputs, weights, each once a way."""
    x = tf.random.normal((batch, *layer.input.shape[1:]))

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
        return [y, *tape.gradient(y, [x, *layer.trainable_variables], output_gradients=y)]

    work = flops.graph_work(step.get_concrete_function(x))
    numbers = 2 * (np.prod(x.shape) + batch * np.prod(layer.output.shape[1:])) + 2 * sum(np.prod(w.shape) for w in layer.weights)
    took = seconds_of(lambda: step(x)[-1].numpy(), ROUNDS)
    return type(layer).__name__, work.flops / (4 * numbers), work.flops / took, 4 * numbers / took


kinds = ("Dense", "Conv2D", "Conv2DTranspose")
places = [place(layer) for network in (generator, discriminator) for layer in network.layers if type(layer).__name__ in kinds]
norm = place(generator.layers[6])                               # batch normalisation of 28 × 28 × 64: no products

# %%
fig, ax = plt.subplots(figsize=(6.4, 3.8))
I = np.geomspace(0.3, 3000, 200)
ax.plot(I, roofline.attainable(I, machine) / 1e9, color="black", label=f"roof: {P / 1e9:.0f} GFLOP/s, {M / 1e9:.1f} GB/s")
for kind, colour, mark in zip(kinds, (plots.THIRD, plots.FAKE, plots.REAL), "^so", strict=True):
    own = [(i, rate / 1e9) for name, i, rate, _ in places if name == kind]
    ax.plot(*zip(*own, strict=True), mark, color=colour, label=kind)
share = [rate / roofline.attainable(i, machine) for _, i, rate, _ in places]
ax.set(xscale="log", yscale="log", xlabel="intensity (FLOPs a byte)", ylabel="GFLOP/s",
       title=f"Layers reach {min(share):.0%} to {max(share):.0%} of their roof")
ax.legend(frameon=False, fontsize="small")
plots.show(fig, alt="Roofline of this machine with each layer with weights of generator and discriminator under it.")
print(f"batch normalisation 28 × 28 × 64 has no products; it moves {norm[3] / 1e9:.1f} GB/s of at most {M / 1e9:.1f}")

# %% [markdown]
# The two transposed convolutions lie right of the ridge and near the roof: nothing is left to win there in float32. Small ones lie far below: a kernel call, the exchange between cores, and layouts cost what no byte count knows. Normalisation is bound by memory: fewer passes help (`fast.BatchNormalization`), more multipliers do not.

# %% [markdown]
# ## Each chapter's heaviest cell
#
# Measured ahead (`benchmarks/roofline.py`). "Of the roof" takes the fewest bytes that a step could move: inputs, outputs and weights once. Nothing that trains does so: what lies between two operations goes to memory and back, so a step of many layers cannot reach it.

# %%
def read(name):
    """The rows of a shipped table."""
    with open(data.asset(name), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


rows = [row for row in read("roofline.csv") if row["kind"] == "step"]
roof = next(row for row in read("roofline.csv") if row["kind"] == "roof")
lines = [f"| step (products {roof['gflops']} GFLOP/s) | GFLOP | ms | GFLOP/s | of the products' limit | of the roof |", "|---|" + 5 * "---:|"]
for row in rows:
    lines.append(f"| {row['piece']} | {row['gflop']} | {row['ms']} | {row['gflops']} | {float(row['gflops']) / float(roof['gflops']):.2f} | {row['of_the_roof']} |")
Markdown("\n".join(lines))

# %% [markdown]
# @ROOFLINE@ What lies below half: many small networks side by side do little for each number they move; the decoder's widest product, logits of 3,000 characters, is followed by a softmax over all of them, which moves four times what it multiplies.
#
# ## Batch, precision, compiler
#
# Three handles. A larger **batch** uses each weight more often. **bfloat16** halves the bytes, and some processors multiply it faster; weights stay in float32. **XLA** compiles a graph into kernels of its own. **Predict** for this processor: what does each bring to the engine's step?

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
# Measured side by side in turns elsewhere (`benchmarks/RESULTS.md`, 210 GFLOP/s): the loop of many tutorials 244 images/s, Keras' guide 303, the engine 455, in bfloat16 530, limit 616. XLA makes the same step slower here, the discriminator alone seventeen times: it knows neither the fused normalisation nor the last layer's trick. On a GPU it is the other way round: measure before you believe.
#
# One line matters beside all that: memory that is freed and asked for again costs page faults; the course sets the allocator before TensorFlow starts (`runtime.configure`).

# %% [markdown]
# ## Three backends, one weight file
#
# Keras 3 runs the same layers on TensorFlow, JAX or PyTorch. `benchmarks/backends.py` gives all three one file of weights and asks: do outputs, losses and slopes equal NumPy's in float64? Where does each stand after one step of Adam? How many images a second? **Predict:** are the outputs equal to the last bit?

# %%
rows = read("backends.csv")
lines = ["| backend | version | device | outputs | losses | slopes | images/s | products' limit | of it |", "|---|---|---|" + 6 * "---:|"]
for row in rows:
    lines.append("| " + " | ".join(row[name] for name in ("backend", "version", "device", "outputs", "losses", "slopes", "images", "limit", "of_the_limit")) + " |")
seen = "" if any(row["gpu"] == "True" for row in rows) else "\n\nNo GPU was seen so far; on one, `python benchmarks/backends.py` finds it by itself."
Markdown("\n".join(lines) + seen)

# %% [markdown]
# Never to the last bit: sums in another order round otherwise, about $10^{-7}$ a number. Equal within tolerance is the right question, and the tolerance belongs beside the answer. @BACKENDS@
#
# ## From one device to many
#
# Each of $p$ devices holds the whole network, takes a $p$-th of the batch, and all need the *sum* of the gradients. In a **ring** 环形归约 (Patarasuk & Yuan, 2009) each sends to its neighbour only: first every piece collects its sum on the way round, then the sums go round. Each device sends
#
# $$2\,(p-1)\,\frac{n}{p}<2n\quad\text{numbers, however many devices there are.}$$

# %%
def ring(parts):
    """The sum of p vectors on every device; a turn sends one piece of each device to the next."""
    p, held, sent = len(parts), [np.array(np.split(v, len(parts))) for v in parts], 0
    for turn in range(2 * (p - 1)):
        adding = turn < p - 1
        moved = [((i - turn + (not adding) * p) % p, i) for i in range(p)]
        moved = [(piece, i, held[i][piece].copy()) for piece, i in moved]
        for piece, i, values in moved:
            there = held[(i + 1) % p]
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
import subprocess

ends = [subprocess.run([sys.executable, "-c", PROGRAM, str(p)], capture_output=True, text=True) for p in (1, 2)]
found = [float(end.stdout.split()[-1]) for end in ends]
print(f"sum of all weights' sizes after four steps: one device {found[0]:.6f}, two {found[1]:.6f}")
assert abs(found[0] - found[1]) < 1e-4

# %% [markdown]
# On several machines the article's GAN trains with the same command on each (two terminals of one machine do, too):
#
# ```
# python -m aigc_course train --workers host:5001,host:5002 --rank 0     # on the first
# python -m aigc_course train --workers host:5001,host:5002 --rank 1     # on the second
# ```
#
# What does the exchange cost? **Strong scaling** 强扩展: the *same* batch on more devices. If a share $f$ of the time does not split, the gain is at most $1/(f+(1-f)/p)$ (Amdahl, 1967). **Weak scaling** 弱扩展: the batch grows with $p$, then $f+(1-f)p$ (Gustafson, 1988).

# %%
step, gradient = 64 / rates["batch 64"] if "batch 64" in rates else 0.14, 4 * (1_924_289 + 95_489)   # seconds, bytes
links = {"1 Gbit/s Ethernet": 0.125e9, "100 Gbit/s network": 12.5e9, "NVLink 4, one way": 450e9}
p = np.array([1, 2, 4, 8, 16, 32, 64, 128, 256])
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
for (name, bandwidth), colour, dash in zip(links.items(), (plots.FAKE, plots.THIRD, plots.REAL), ("--", "-.", "-"), strict=True):
    scale = {"size": gradient, "bandwidth": bandwidth, "latency": 5e-6, "fixed": 0.01}
    left.plot(p, [many.strong_scaling(step, int(k), **scale) for k in p], dash, color=colour, label=name)
    right.plot(p, [many.weak_scaling(step, int(k), **scale) for k in p], dash, color=colour, label=name)
left.plot(p, p, ":", color=plots.GREY)
most = many.amdahl(0.01 / (step + 0.01), 256)
left.set(xscale="log", yscale="log", xlabel="devices", ylabel="times as fast", title=f"Same batch: at most {most:.0f} times at 256")
right.set(xscale="log", xlabel="devices", ylabel="share of the work that is left", ylim=(0, 1.05), title="Batch grows: the exchange stays small")
left.legend(frameon=False, fontsize="small")
plots.show(fig, alt="Strong and weak scaling of the GAN's step over three kinds of links.")
assert np.isclose(many.amdahl(0.1, 10), 1 / (0.1 + 0.9 / 10)) and np.isclose(many.gustafson(0.1, 10), 0.1 + 0.9 * 10)

# %% [markdown]
# Ten milliseconds that do not split (optimizer, calls) forbid more than the links do. And no law says that a batch of 16,384 *learns* as well: this counts images, not quality.
#
# In a data centre: Llama 3's largest model has $N=405\cdot10^9$ weights and read $D=15.6\cdot10^{12}$ tokens on up to 16,384 GPUs of at most 989 TFLOP/s in bfloat16 (Llama team, 2024; NVIDIA's data sheet). A training takes about $6ND$ FLOPs (below). **Predict:** how many GPU hours, if 40 % of the peak is attained?

# %%
N, D = 405e9, 15.6e12
hours = 6 * N * D / (0.40 * 989e12) / 3600
spent = energy.training_estimate(6 * N * D, 989e12, watts=700, used=0.40, overhead=1.0, grid=414)
print(f"6 N D = {6 * N * D:.2e} FLOPs: {hours / 1e6:.1f} million GPU hours; the model card says 30.84 million")
print(f"by 700 W each: {spent.kilowatt_hours / 1e6:.1f} GWh, {spent.grams / 1e6:,.0f} t CO2e; the card says 8,930 t")
own = energy.estimate(seconds=8 * 60, watts=60)                 # a laptop's processor, an assumption
print(f"this chapter, eight minutes at 60 W: {own}")

# %% [markdown]
# The estimate is power × time × the building's overhead × the grid's grams (Strubell et al., 2019). Here 414 g a kilowatt-hour is what the card's own numbers imply; the world's average in 2023 was about 480 (Ember). Left out: making the machines, failed runs, and all that answers questions later. Say which of these you counted.
#
# ## A law of scale
#
# The loss of a language model falls with its weights $N$ and its tokens $D$ (Kaplan et al., 2020). Hoffmann et al. (2022) fitted
#
# $$L(N,D)=E+\frac{A}{N^{\alpha}}+\frac{B}{D^{\beta}}.$$
#
# $E$ is what no model can foretell; the others are the price of being small, and of having read little.

# %% [markdown]
# Where do $6ND$ FLOPs come from? Each token meets each weight of a product once: $2N$ forward, twice that backward. The decoder's $N$: attention $4w^2$, MLP $8w^2$ in each of $l$ layers, the output matrix $Vw$. What $6ND$ leaves out are the scores of attention, $4Tw$ a layer and token. The graph counts all:

# %%
V, T, w, l = 3000, 64, 32, 2
N = 12 * l * w**2 + V * w
assert flops.decoder_weights(V, w, l) == N
tokens = tf.random.uniform((8, T), 3, V, tf.int32)
small = transformer.compile_decoder(transformer.Decoder(V, T, w, l, heads=2), 3e-3)
counted = flops.graph_work(tf.function(lambda rows: small.train_step((rows, rows))).get_concrete_function(tokens)).flops / (8 * T)
exact = 3 * flops.decoder_flops(V, w, l, T)
print(f"a token in training: counted {counted:,.0f} FLOPs, 6 N = {6 * N:,} ({6 * N / counted:.1%}), with attention {exact:,} ({exact / counted:.1%})")

# %% [markdown]
# Now train some: three sizes, three amounts of Tang poems, each token read once. Then the law. With $\alpha$ and $\beta$ given it is linear in $E$, $A$ and $B$; least squares of *relative* errors finds them, and a grid finds the two exponents. **Predict:** what costs more here, having few weights or having read little?

# %%
poems, _, _ = tang.split_tang()
tokenizer = tang.tang_tokenizer(poems[1000:], at_least=50)
learnt, held = tang.stream(tokenizer, poems[1000:]), tang.stream(tokenizer, poems[:1000])
held = held[: len(held) // 65 * 65].reshape(-1, 65)[: runtime.steps(full=400, fast=8)]


def loss_of(width, tokens, batch=8, T=64):
    """Nats a token on poems that were not read, after one pass through the first `tokens` tokens."""
    keras.utils.set_random_seed(7)
    steps = tokens // (batch * T)
    model = transformer.compile_decoder(transformer.Decoder(len(tokenizer), T, width, 2, heads=2), 3e-3, steps)
    rows = np.stack([learnt[i * T : i * T + T + 1] for i in range(steps * batch)])[np.random.default_rng(7).permutation(steps * batch)]
    batches = tf.data.Dataset.from_tensor_slices((rows[:, :-1], rows[:, 1:])).batch(batch)
    training.train_decoder(model, batches.skip, steps, f"{width} wide, {tokens:,} tokens", every=steps)
    return transformer.bits_per_token(model, held) * np.log(2)


sizes, amounts = (16, 32, 64), [512 * k for k in ((43, 86, 171) if not runtime.is_fast() else (2, 3, 4))]
live = [(flops.decoder_weights(len(tokenizer), width, 2), d, loss_of(width, d)) for width in sizes for d in amounts]
for n_weights, d, loss in live:
    print(f"N = {n_weights:8,}, D = {d:8,}: {loss:.3f} nats a token")

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
# A fit through few runs has many laws beside it. Deal the errors anew and fit again (bootstrap, chapter 05): the single numbers move a lot, together, and what they *foretell* much less.
#
# The prediction below was written to a file and committed **before** its run was trained: twice the weights of the largest and twice the text, four times the FLOPs. The script refuses to train it otherwise. Beside it stand a power law of the FLOPs alone, and "no better than the best so far".

# %%
laws, errors = law.bootstrap(N, D, L, runtime.steps(full=200, fast=10))
for i, name in enumerate(law.Law._fields):
    low, high = np.quantile([one[i] for one in laws], [0.025, 0.975])
    print(f"{name:6}{theirs[i]:10.3g}   95 %: {low:.3g} to {high:.3g}")
test = next((row for row in read("scaling.csv") if row["role"] == "held out"), None)
size, amount = (float(test["weights"]), float(test["tokens"])) if test else (2 * N.max(), 2 * D.max())
low, high = law.interval(laws, errors, size, amount)
told = float(law.predict(theirs, size, amount))
print(f"N = {size:,.0f}, D = {amount:,.0f}: foretold {told:.3f} ({low:.3f} to {high:.3f}), measured {test['loss'] if test else 'not yet'}")

# %%
fig, ax = plt.subplots(figsize=(6.4, 3.6))
styles = zip(sorted(set(N)), (plots.GREY, plots.THIRD, plots.FAKE, plots.REAL), ("v:", "^-.", "s--", "o-"), strict=False)
line = np.geomspace(D.min(), 1.2 * amount, 50)
for n_weights, colour, style in styles:
    ax.plot(D[N == n_weights], L[N == n_weights], style[0], color=colour)
    ax.plot(line, law.predict(theirs, n_weights, line), style[1:], color=colour, label=f"N = {n_weights / 1e3:,.0f} thousand")
ax.plot(line, law.predict(theirs, size, line), color="black", linewidth=1, label=f"foretold, N = {size / 1e3:,.0f} thousand")
ax.errorbar([amount], [(low + high) / 2], yerr=(high - low) / 2, color="black", capsize=4)
if test:
    ax.plot(amount, float(test["loss"]), "*", color="black", markersize=11, label="measured")
miss = f": missed by {abs(float(test['loss']) - told) / told:.1%}" if test else ""
ax.set(xscale="log", xlabel="tokens read, D", ylabel="nats a token", title=f"The law and a run four times larger{miss}")
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
# Chinchilla itself has 70 billion weights and 1.4 trillion tokens: 20 a weight. The printed constants, rounded to two digits, say far more; the replication says about 20. Rounding an exponent is not harmless where it is applied to $10^{11}$. Ours is for a small vocabulary of old poems: no law of nature.
#
# ## Reading other people's code
#
# Four faults that famous collections carry. None raises an error; each costs something. **Predict** for each which *number* would show it.

# %% [markdown]
# **1 · Weights of the gradient penalty.** WGAN-GP looks at points *between* a real and a generated image, with a uniform share. Several repositories draw a Gaussian share.

# %%
rng = np.random.default_rng(7)
gauss, uniform = rng.standard_normal(100_000), rng.uniform(size=100_000)
outside = np.mean((gauss < 0) | (gauss > 1))
print(f"Gaussian shares outside the stretch between both images: {outside:.0%}; uniform ones: {np.mean((uniform < 0) | (uniform > 1)):.0%}")

# %% [markdown]
# **2 · Reals and fakes in one normalised batch.** A layer that normalises over the batch then tells each image who its neighbours are. **3 · The silent freeze.** `trainable = False` once, as in tutorials for Keras 2: there it held for the model compiled *after* it; in Keras 3 it holds for the discriminator's own steps, too.

# %%
keras.utils.set_random_seed(7)
real = data.scale(x_train[:64])
fake = generator(np.random.default_rng(1).standard_normal((64, 100), dtype=np.float32), training=False)
alone = discriminator(real, training=True).numpy()
company = discriminator(tf.concat([real, fake], 0), training=True).numpy()[:64]
print(f"logits of the same real images, alone and beside fakes: moved by {np.abs(alone - company).mean():.2f}, spread {alone.std():.2f} (dropout is in both)")

judge = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
judge.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True))
before = [w.numpy().copy() for w in judge.weights]
judge.trainable = False                                        # "while G learns": but nothing sets it back
losses = [judge.train_on_batch(real, np.ones((64, 1))) for _ in range(5)]
print(f"five steps, losses {np.round(losses, 3)}: weights moved by {max(np.abs(w.numpy() - b).max() for w, b in zip(judge.weights, before, strict=True))}")

# %% [markdown]
# A loss that stays the same to the last digit is the sign. **4 · A metric on another range.** A judge that was trained on $[-1,1]$ takes $[0,1]$ without complaint.

# %%
opinion, images = metrics.judge(), data.scale(x_train[: runtime.steps(full=5000, fast=300)])
right, wrong = opinion.distance(images), opinion.distance((images + 1) / 2)
narrow = metrics.moments(opinion.read((data.scale(x_test) + 1) / 2)[0])
both_wrong = metrics.frechet_of_moments(*metrics.moments(opinion.read((images + 1) / 2)[0]), *narrow)
print(f"real digits: {right:.2f} in [-1, 1]; {wrong:.1f} with images in [0, 1]; {both_wrong:.2f} with both sides in [0, 1]")

# %%
rows = read("faults.csv")
lines = ["| fault | way | measure | mean of the seeds | ± |", "|---|---|---|---:|---:|"]
for key in dict.fromkeys((row["fault"], row["way"], row["measure"]) for row in rows):
    own = np.array([float(row["value"]) for row in rows if (row["fault"], row["way"], row["measure"]) == key])
    error = f"{own.std(ddof=1) / np.sqrt(len(own)):.2g}" if len(own) > 1 else "–"
    lines.append(f"| {' | '.join(key)} | {own.mean():.3g} | {error} |")
Markdown("\n".join(lines))

# %% [markdown]
# @FAULTS@ The last is the most dangerous: with *both* sides wrong the number is small, plausible, and comparable with nobody's.
#
# ## How to check a table
#
# Five questions. *Can this number occur?* (On 10,000 images accuracy has two decimals of a percent.) *What is ±, over what?* *Is the difference larger than its error?* *What would real data score, and what a thief?* *Had the baseline as many steps and tries?* The first takes a line:

# %%
def can_occur(percent, decimals, count):
    """Whether some number of hits among `count` gives this percentage, rounded so (GRIM; Brown & Heathers, 2017)."""
    hits = np.arange(count + 1)
    return bool(np.any(np.abs(100 * hits / count - percent) <= 0.5 * 10.0**-decimals + 1e-9))


for percent, decimals, count in ((98.71, 2, 10_000), (98.715, 3, 10_000), (87.3, 1, 400), (87.33, 2, 400)):
    print(f"{percent} % of {count:,}: {'can be one run' if can_occur(percent, decimals, count) else 'no single run: a mean, or a mistake'}")
gap, errors_of = 0.4, (0.25, 0.30)                             # two rows of a table, three seeds each
print(f"a difference of {gap} with a standard error of {np.hypot(*errors_of):.2f}: no winner")

# %% [markdown]
# **What we ran, and read.** Run here: Keras' guide on overriding `train_step` (mixes both in one batch, labels above 1: fault 2); the classic loop of many tutorials and of the article's outline (fault 3 under Keras 3); a DCGAN in PyTorch, plain and channels-last (`benchmarks/loops.py` has all three). Read only: nanochat and makemore (flat files, shapes at the end of lines), d2l's scaling chapter ($6ND$ against a profiler). Code that says what it was run with, and what came, is worth more than a famous name.

# %% [markdown]
# ## Real large models: what they cost, before anything is fetched
#
# A model's shape tells its price. Parameters follow in closed form; each is fetched once, held in memory, and read for every token that is written: left of the ridge, so memory decides. The table computes this for presets of KerasHub; times are lower bounds from the data sheet of an NVIDIA T4 (65 TFLOP/s, 320 GB/s, 16 GB). "LoRA" is the memory of fine-tuning on 256 tokens, an estimate. **Predict:** which cannot be fine-tuned on that card?

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
    ax.set(xlabel="step", ylabel="loss (nats a token)", title=f"LoRA lowers the loss from {losses[0]:.2f} to {losses[-1]:.2f}")
    plots.show(fig, alt="The loss of fine-tuning against the step: it falls.")

# %% [markdown]
# ### An image model — **needs a GPU and a download of 6.0 GB · licence: Stability AI Community License**
#
# Stable Diffusion 3 Medium: free for research, for non-commercial use and for those who earn less than one million US
# dollars a year; accept its terms on the hub's site first. With `FETCH_IMAGES = False` the same calls run on a Stable
# Diffusion 3 of two layers with random weights: text encoders, transformer and image decoder are all there, so the
# pictures have the right shape and no meaning.

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
