"""The article's networks under Keras on TensorFlow, JAX and PyTorch, from one weight file; on a GPU where there is one.

    python benchmarks/backends.py                      every backend that is installed, one after the other
    python benchmarks/backends.py --backend torch      one of tensorflow, jax, torch
    python benchmarks/backends.py --batches 64 256     other batches (a GPU: 64 … 1024; a CPU: 64)
    python benchmarks/backends.py --quality            time to judge distance 20, too (a GPU: always)
    python benchmarks/backends.py --table              writes runs/bench/backends.csv

Needs Keras 3, NumPy and one of the three, nothing of the course but two files in aigc_course/assets. Prints one JSON
line for each backend, writes runs/bench/backends/NAME.json, and runs/bench/backends.json of all that are there.

What is compared: outputs and losses with NumPy in float64, slopes with central differences of NumPy's losses, one step
of Adam between backends; a GPU computes that part in whole float32, the timed part as it does by default (TensorFlow
and JAX may round factors to 19 bits, TF32). Timing: the loop below, Keras' own layers, no data pipeline.
"""

import argparse
import csv
import gc
import hashlib
import importlib.util
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "runs" / "bench" / "backends"
ASSETS = ROOT / "aigc_course" / "assets"
BACKENDS = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}  # Keras' name -> package
LATENT, STEP_MFLOP, RATES, GOAL = 100, 341.0, (2e-3, 1e-3), 20.0
FLOAT32, HALF = "float32", "mixed_bfloat16"
TOLERANCES = {"outputs": 2e-4, "losses": 1e-4, "slopes": 2e-3, "step": 2e-3}  # float32 and its sums in another order


# --- one weight file, and the same networks in NumPy ------------------------------------------------------------


def build(rate=0.25):
    """(generator, discriminator) from Keras' own layers; dropout with this rate."""
    import keras
    from keras import layers

    def norm():
        return layers.BatchNormalization(momentum=0.8)

    up = {"kernel_size": 4, "strides": 2, "padding": "same"}
    generator = keras.Sequential(
        [
            layers.Input((LATENT,)),
            layers.Dense(7 * 7 * 256),
            layers.Reshape((7, 7, 256)),
            *(layers.Conv2DTranspose(128, **up), norm(), layers.LeakyReLU(negative_slope=0.2)),
            *(layers.Conv2DTranspose(64, **up), norm(), layers.LeakyReLU(negative_slope=0.2)),
            layers.Conv2D(1, 4, padding="same", activation="tanh", dtype=None),
        ]
    )
    down = {"kernel_size": 3, "strides": 2, "padding": "same"}
    pad = layers.ZeroPadding2D(((0, 1), (0, 1)))
    discriminator = keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            *(layers.Conv2D(32, **down), layers.LeakyReLU(negative_slope=0.2), layers.Dropout(rate)),
            *(layers.Conv2D(64, **down), pad, norm(), layers.LeakyReLU(negative_slope=0.2), layers.Dropout(rate)),
            *(layers.Conv2D(128, **down), norm(), layers.LeakyReLU(negative_slope=0.2), layers.Dropout(rate)),
            *(layers.Flatten(), layers.Dense(1, dtype="float32")),
        ]
    )
    return generator, discriminator


def kinds(network):
    """The weights that are learnt or kept by normalisation; seeds of dropout are none."""
    return [weight for weight in network.weights if "seed" not in weight.path]


def weight_file():
    """The weights of both networks, drawn once by NumPy: (list, list, sha256 of the file)."""
    place = FOLDER / "weights.npz"
    if not place.is_file():
        rng, found = np.random.default_rng(7), {}
        for name, network in zip("gd", build(), strict=True):
            for i, weight in enumerate(kinds(network)):
                shape, last = tuple(weight.shape), weight.path.rsplit("/", 1)[-1]
                fan = np.prod(shape[:-1])
                drawn = {
                    "gamma": 1 + 0.1 * rng.standard_normal(shape),
                    "moving_variance": np.exp(rng.normal(0, 0.3, shape)),
                }
                value = drawn.get(last, rng.standard_normal(shape) * (1 / np.sqrt(fan) if last == "kernel" else 0.1))
                found[f"{name}{i:02}"] = value.astype(np.float32)
        part = place.with_suffix(".part.npz")
        np.savez(part, **found)
        part.replace(place)
    with np.load(place) as arrays:
        lists = [[arrays[key] for key in arrays.files if key.startswith(name)] for name in "gd"]
    return *lists, hashlib.sha256(place.read_bytes()).hexdigest()


def put(network, values):
    for weight, value in zip(kinds(network), values, strict=True):
        weight.assign(value)


def np_convolution(x, kernel, stride, before, after):
    """A convolution of (B, H, W, C), channels last, as a product of its windows."""
    x = np.pad(x, ((0, 0), (before, after), (before, after), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], (1, 2))[:, ::stride, ::stride]
    return np.einsum("bijckl,klco->bijo", windows, kernel, optimize=True)


def np_transposed(x, kernel):
    """Kernel 4, stride 2, "same": every place is spread over 4 × 4, then a frame of 1 is cut off."""
    b, h, w, _ = x.shape
    spread = np.einsum("bijc,kloc->bijklo", x, kernel, optimize=True)
    out = np.zeros((b, 2 * h + 2, 2 * w + 2, kernel.shape[2]))
    for k in range(4):
        for l in range(4):  # noqa: E741
            out[:, k : k + 2 * h : 2, l : l + 2 * w : 2] += spread[:, :, :, k, l]
    return out[:, 1:-1, 1:-1]


def np_norm(x, gamma, beta, mean, variance, training):
    if training:
        mean, variance = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
    return (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta


def leak(x):
    return np.where(x > 0, x, 0.2 * x)


def np_generator(w, z, training):
    x = (z @ w[0] + w[1]).reshape(-1, 7, 7, 256)
    x = leak(np_norm(np_transposed(x, w[2]) + w[3], *w[4:8], training))
    x = leak(np_norm(np_transposed(x, w[8]) + w[9], *w[10:14], training))
    return np.tanh(np_convolution(x, w[14], 1, 1, 2) + w[15])


def np_discriminator(w, x, training):
    x = leak(np_convolution(x, w[0], 2, 0, 1) + w[1])
    x = np.pad(np_convolution(x, w[2], 2, 0, 1) + w[3], ((0, 0), (0, 1), (0, 1), (0, 0)))
    x = leak(np_norm(x, *w[4:8], training))
    x = leak(np_norm(np_convolution(x, w[8], 2, 0, 1) + w[9], *w[10:14], training))
    return x.reshape(len(x), -1) @ w[14] + w[15]


def np_losses(g, d, real, z):
    """(loss of D, loss of G) in training mode, without dropout."""
    fake = np_generator(g, z, True)
    real_logits, fake_logits = np_discriminator(d, real, True), np_discriminator(d, fake, True)
    d_loss = np.logaddexp(0, -real_logits).mean() + np.logaddexp(0, fake_logits).mean()
    return d_loss, np.logaddexp(0, -fake_logits).mean()


def learnt(values):
    """Places of the weights that slopes go to: not the moving statistics, third and fourth of each normalisation."""
    return [i for i in range(len(values)) if i not in (6, 7, 12, 13)]


# --- one step, three ways ---------------------------------------------------------------------------------------


def softplus(x):
    from keras import ops

    return ops.mean(ops.softplus(ops.cast(x, "float32")))


class Loop:
    """Both networks, their optimizers and an average of G; `step` trains one batch, both slopes from one G pass."""

    def __init__(self, networks, average=0.999):
        import keras

        self.networks, self.keep = networks, average
        self.optimizers = [
            keras.optimizers.Adam(rate, beta_1=0.5)
            for rate in (RATES[1], RATES[0])  # of G, of D
        ]
        for network, optimizer in zip(networks, self.optimizers, strict=True):
            optimizer.build(network.trainable_variables)
        self.prepare()

    def losses(self, call, real, z):
        """(d_loss, g_loss) of call(network's place, inputs)."""
        fake = call(0, z)
        real_logits, fake_logits = call(1, real), call(1, fake)
        return softplus(-real_logits) + softplus(fake_logits), softplus(-fake_logits)


class TensorFlowLoop(Loop):
    def prepare(self):
        import tensorflow as tf

        self.average = [tf.Variable(tf.convert_to_tensor(weight.value)) for weight in kinds(self.networks[0])]
        on_gpu = bool(tf.config.list_physical_devices("GPU"))
        self.step = tf.function(self._step, jit_compile=on_gpu)  # XLA: not on a CPU (RESULTS.md)
        self.slopes = tf.function(self._slopes)

    def _slopes(self, real, z):
        import tensorflow as tf

        def call(place, inputs):
            return self.networks[place](inputs, training=True)

        with tf.GradientTape(persistent=True) as tape:
            d_loss, g_loss = self.losses(call, real, z)
        weights = [network.trainable_variables for network in self.networks]
        return d_loss, g_loss, tape.gradient(g_loss, weights[0]), tape.gradient(d_loss, weights[1])

    def _step(self, real, z):
        d_loss, _, *slopes = self._slopes(real, z)
        for optimizer, network, own in zip(self.optimizers, self.networks, slopes, strict=True):
            optimizer.apply(own, network.trainable_variables)
        for mean, weight in zip(self.average, kinds(self.networks[0]), strict=True):
            mean.assign(self.keep * mean + (1 - self.keep) * weight)
        return d_loss

    def averaged(self):
        return [np.asarray(value) for value in self.average]


class TorchLoop(Loop):
    def prepare(self):
        self.average = [weight.value.detach().clone() for weight in kinds(self.networks[0])]

    def slopes(self, real, z):
        import torch

        def call(place, inputs):
            return self.networks[place](inputs, training=True)

        d_loss, g_loss = self.losses(call, real, z)
        weights = [[variable.value for variable in network.trainable_variables] for network in self.networks]
        d_slopes = torch.autograd.grad(d_loss, weights[1], retain_graph=True)
        return d_loss, g_loss, list(torch.autograd.grad(g_loss, weights[0])), list(d_slopes)

    def step(self, real, z):
        import torch

        d_loss, _, *slopes = self.slopes(real, z)
        with torch.no_grad():
            for optimizer, network, own in zip(self.optimizers, self.networks, slopes, strict=True):
                optimizer.apply(own, network.trainable_variables)
            for mean, weight in zip(self.average, kinds(self.networks[0]), strict=True):
                mean.lerp_(weight.value.detach(), 1 - self.keep)
        return d_loss

    def averaged(self):
        return [value.detach().cpu().numpy() for value in self.average]


class JaxLoop(Loop):
    def prepare(self):
        import jax

        self.state = [
            [[v.value for v in network.trainable_variables] for network in self.networks],
            [[v.value for v in network.non_trainable_variables] for network in self.networks],
            [[v.value for v in optimizer.variables] for optimizer in self.optimizers],
            [jax.numpy.array(weight.value) for weight in kinds(self.networks[0])],
        ]
        names = {v.path: i for i, v in enumerate(self.networks[0].trainable_variables)}
        others = {v.path: i for i, v in enumerate(self.networks[0].non_trainable_variables)}
        self.where = [(0, names[w.path]) if w.path in names else (1, others[w.path]) for w in kinds(self.networks[0])]
        self._jitted = jax.jit(self._step)
        self._slopes_jitted = jax.jit(self._slopes)

    def _slopes(self, weights, others, real, z):
        import jax

        def both(g_weights, d_weights):
            own, rest = (g_weights, d_weights), list(others)

            def call(place, inputs):
                found, rest[place] = self.networks[place].stateless_call(own[place], rest[place], inputs, training=True)
                return found

            return self.losses(call, real, z), rest

        (d_loss, g_loss), back, rest = jax.vjp(both, *weights, has_aux=True)
        one, none = jax.numpy.ones_like(d_loss), jax.numpy.zeros_like(d_loss)
        return d_loss, g_loss, back((none, one))[0], back((one, none))[1], rest

    def _step(self, state, real, z):
        weights, others, memories, average = state
        d_loss, _, *slopes, others = self._slopes(weights, others, real, z)
        moved = [
            optimizer.stateless_apply(memory, own, old)
            for optimizer, memory, own, old in zip(self.optimizers, memories, slopes, weights, strict=True)
        ]
        weights, memories = [list(w) for w, _ in moved], [list(m) for _, m in moved]
        now = [(weights[0], others[0])[kind][i] for kind, i in self.where]
        average = [self.keep * a + (1 - self.keep) * w for a, w in zip(average, now, strict=True)]
        return d_loss, [weights, others, memories, average]

    def slopes(self, real, z):
        return self._slopes_jitted(self.state[0], self.state[1], real, z)[:4]

    def step(self, real, z):
        d_loss, self.state = self._jitted(self.state, real, z)
        return d_loss

    def averaged(self):
        return [np.asarray(value) for value in self.state[3]]

    def write_back(self):
        """Puts the state into the networks' variables."""
        for network, own, rest in zip(self.networks, self.state[0], self.state[1], strict=True):
            for variable, value in zip(network.trainable_variables, own, strict=True):
                variable.assign(value)
            for variable, value in zip(network.non_trainable_variables, rest, strict=True):
                variable.assign(value)


LOOPS = {"tensorflow": TensorFlowLoop, "jax": JaxLoop, "torch": TorchLoop}


def array(value):
    """A backend's tensor as a NumPy array, which waits until it is computed."""
    from keras import ops

    whole = ops.cast(ops.convert_to_tensor(value), "float32")  # NumPy has no bfloat16
    return np.asarray(ops.convert_to_numpy(whole), np.float64)


# --- the device ------------------------------------------------------------------------------------------------


def device(name):
    """(what does the work, whether it is a GPU)."""
    if name == "tensorflow":
        import tensorflow as tf

        found = tf.config.list_physical_devices("GPU")
        for gpu in found:
            tf.config.experimental.set_memory_growth(gpu, True)
        told = tf.config.experimental.get_device_details(found[0]).get("device_name") if found else None
    elif name == "jax":
        import jax

        found = [d for d in jax.devices() if d.platform in ("gpu", "cuda", "rocm")]
        told = found[0].device_kind if found else None
    else:
        import torch

        found = torch.cuda.is_available()
        told = torch.cuda.get_device_name() if found else None
    return told or f"{os.cpu_count()} cores, {platform.machine()}", bool(found)


def whole_float32(name, on):
    """On a GPU: whether products keep all bits of float32."""
    if name == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_tensor_float_32_execution(not on)
    elif name == "jax":
        import jax

        jax.config.update("jax_default_matmul_precision", "highest" if on else None)
    else:
        import torch

        torch.backends.cudnn.allow_tf32 = not on


def memory_mib(name, gpu):
    """The most memory that was taken so far, MiB: of the GPU, or of this process."""
    if gpu and name == "tensorflow":
        import tensorflow as tf

        most = tf.config.experimental.get_memory_info("GPU:0")["peak"]
    elif gpu and name == "jax":
        import jax

        most = (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use", 0)
    elif gpu:
        import torch

        most = torch.cuda.max_memory_allocated()
    else:
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return round(most / 2**20)


def seconds_of(run, goal=2.0, rounds=3):
    """Seconds of one call of run(times), the best of some rounds, each about goal / rounds seconds long."""
    run(2)
    begin = time.perf_counter()
    run(3)
    times = max(3, int(goal / rounds * 3 / (time.perf_counter() - begin)))
    best = float("inf")
    for _ in range(rounds):
        begin = time.perf_counter()
        run(times)
        best = min(best, (time.perf_counter() - begin) / times)
    return best


def product_flops(name, gpu, dtype):
    """FLOP/s of a product of two large matrices in this backend."""
    import keras
    from keras import ops

    size = 8192 if gpu else 2048
    factor = ops.cast(keras.random.normal((size, size), seed=7), dtype)
    multiply = _compiled(name, ops.matmul)

    def run(times):
        for _ in range(times):
            found = multiply(factor, factor)
        float(array(found[0, 0]))

    return 2 * size**3 / seconds_of(run)


def _compiled(name, function):
    """The function, as this backend compiles it."""
    if name == "tensorflow":
        import tensorflow as tf

        return tf.function(function)
    if name == "jax":
        import jax

        return jax.jit(function)
    return function


# --- what is measured ------------------------------------------------------------------------------------------


def digits(count):
    """The first training digits as float32 (N, 28, 28, 1) in [-1, 1]."""
    with np.load(ASSETS / "mnist.npz", allow_pickle=False) as arrays:
        images = arrays["x_train"][:count]
    return (images.astype(np.float32) / 127.5 - 1)[..., None]


def equality(name):
    """Outputs, losses, slopes against NumPy; the step's result goes to a file for the others."""
    from keras import ops

    g, d, sha = weight_file()
    networks = build(rate=0.0)
    for network, values in zip(networks, (g, d), strict=True):
        put(network, values)
    rng = np.random.default_rng(8)
    real, z = digits(8), rng.standard_normal((8, LATENT)).astype(np.float32)
    exact_g, exact_d = ([value.astype(np.float64) for value in values] for values in (g, d))
    fake, logits = np_generator(exact_g, z, False), np_discriminator(exact_d, real, False)
    found = {
        "outputs": max(_apart(networks[0](z, training=False), fake), _apart(networks[1](real, training=False), logits))
    }
    loop = LOOPS[name](networks)
    inputs = ops.convert_to_tensor(real), ops.convert_to_tensor(z)
    d_loss, g_loss, *slopes = loop.slopes(*inputs)
    exact = np_losses(exact_g, exact_d, real.astype(np.float64), z.astype(np.float64))
    found["losses"] = max(_apart(d_loss, exact[0]), _apart(g_loss, exact[1]))
    found["slopes"] = slope_error(exact_g, exact_d, slopes, real, z, rng)
    for network, values in zip(networks, (g, d), strict=True):
        put(network, values)  # slopes have moved the statistics of normalisation
    fresh = LOOPS[name](networks)
    fresh.step(*inputs)
    if name == "jax":
        fresh.write_back()
    after = [array(weight) for network in networks for weight in kinds(network)]
    np.savez(FOLDER / f"{name}.step.npz", *after)
    return {key: float(f"{value:.2e}") for key, value in found.items()}, sha


def _apart(found, wanted):
    """The largest difference, in units of the largest value (at least 1)."""
    wanted = np.asarray(wanted)
    return float(np.abs(array(found) - wanted).max() / max(1.0, np.abs(wanted).max()))


def slope_error(g, d, slopes, real, z, rng, h=1e-5):
    """Largest relative error of slopes against central differences: along each network's own slope, half of it masked.

    Along a wholly random direction the slope of two million weights is nearly 0, and its relative error tells nothing.
    """
    real, z, worst = real.astype(np.float64), z.astype(np.float64), 0.0
    for place, (own, slope) in enumerate(zip((g, d), slopes, strict=True)):
        slope = dict(zip(learnt(own), map(array, slope), strict=True))
        for _ in range(2):
            way = {i: part * rng.integers(2, size=part.shape) for i, part in slope.items()}
            length = np.sqrt(sum((part**2).sum() for part in way.values()))
            moved = [[w + side * h * way[i] / length if i in way else w for i, w in enumerate(own)] for side in (1, -1)]
            high, low = (np_losses(*((one, d) if place == 0 else (g, one)), real, z)[1 - place] for one in moved)
            told = sum((part * way[i]).sum() for i, part in slope.items()) / length
            worst = max(worst, abs(told - (high - low) / (2 * h)) / told)
    return worst


def speed(name, gpu, batches, policy):
    """images/s at each batch, and the product's limit."""
    import keras
    from keras import ops

    keras.mixed_precision.set_global_policy(policy)
    flops = product_flops(name, gpu, "float32" if policy == FLOAT32 else "bfloat16")
    limit, rates = flops / (STEP_MFLOP * 1e6), {}
    for batch in batches:
        try:
            loop = LOOPS[name](build())
            reals = [ops.convert_to_tensor(part) for part in digits(4 * batch).reshape(4, batch, 28, 28, 1)]
            noises = [
                ops.convert_to_tensor(part)
                for part in np.random.default_rng(1).standard_normal((4, batch, LATENT), dtype=np.float32)
            ]

            def run(times, loop=loop, reals=reals, noises=noises):
                for i in range(times):
                    loss = loop.step(reals[i % 4], noises[i % 4])
                float(array(loss))

            rates[batch] = round(batch / seconds_of(run, goal=6.0), 1)
            del loop, reals, noises, run
        except Exception as error:  # a batch that does not fit says so; the others count
            rates[batch] = f"{type(error).__name__}: {str(error).splitlines()[0][:120]}"
        gc.collect()
    best = max((rate for rate in rates.values() if not isinstance(rate, str)), default=0.0)
    numbers = {"product_gflops": round(flops / 1e9, 1), "limit": round(limit, 1), "images_per_second": rates}
    return {**numbers, "of_the_limit": round(best / limit, 3)}


class Judge:
    """The course's judge: features of images, and the Fréchet distance to the test digits."""

    def __init__(self):
        import keras
        from keras import layers

        network = keras.Sequential(
            [
                layers.Input((28, 28, 1)),
                layers.Conv2D(32, 5, strides=2, padding="same", activation="relu"),
                layers.Conv2D(64, 3, padding="same", activation="relu"),
                layers.Conv2D(64, 3, strides=2, padding="same", activation="relu"),
                layers.Flatten(),
                layers.Dropout(0.5),
                layers.Dense(64, activation="relu", name="features"),
                layers.Dense(10),
            ]
        )
        network.load_weights(ASSETS / "judge.weights.h5")
        self.network = keras.Model(network.inputs[0], network.get_layer("features").output)
        with np.load(ASSETS / "mnist.npz", allow_pickle=False) as arrays:
            test = arrays["x_test"]
        self.moments = self.read((test.astype(np.float32) / 127.5 - 1)[..., None])

    def read(self, images):
        parts = [array(self.network(images[i : i + 1000], training=False)) for i in range(0, len(images), 1000)]
        features = np.concatenate(parts)
        return features.mean(axis=0), np.cov(features, rowvar=False)

    def distance(self, images):
        (mean, cov), (mean_t, cov_t) = self.read(images), self.moments
        roots = np.sqrt(np.maximum(np.linalg.eigvals(cov @ cov_t).real, 0))
        return float(((mean - mean_t) ** 2).sum() + np.trace(cov + cov_t) - 2 * roots.sum())


def quality(name, policy=FLOAT32, batch=64, seed=7, limit=600.0, every=200):
    """Seconds of training (scoring not counted) to judge distance 20, n = 5,000, by the average of G."""
    import keras
    from keras import ops

    keras.mixed_precision.set_global_policy(FLOAT32)
    judge = Judge()
    keras.utils.set_random_seed(seed)
    keras.mixed_precision.set_global_policy(policy)
    loop, shown = LOOPS[name](build(), average=0.99), build()[0]
    images, rng = digits(60_000), np.random.default_rng(seed)
    noise = np.random.default_rng(1).standard_normal((5000, LATENT)).astype(np.float32)
    trained, step, curve = 0.0, 0, []
    while trained < limit:
        begin = time.perf_counter()
        for _ in range(every):
            own = images[rng.integers(60_000, size=batch)]
            z = rng.standard_normal((batch, LATENT)).astype(np.float32)
            loss = loop.step(ops.convert_to_tensor(own), ops.convert_to_tensor(z))
        float(array(loss))
        trained, step = trained + time.perf_counter() - begin, step + every
        put(shown, loop.averaged())
        parts = [array(shown(noise[i : i + 500], training=False)) for i in range(0, 5000, 500)]
        curve.append((round(trained, 1), round(judge.distance(np.concatenate(parts).astype(np.float32)), 2)))
        if curve[-1][1] <= GOAL:
            break
    reached = curve[-1][0] if curve[-1][1] <= GOAL else None
    return {"seconds_to_20": reached, "images": step * batch, "policy": policy, "seed": seed, "curve": curve}


def one(asked):
    """All of one backend; a dict."""
    os.environ["KERAS_BACKEND"] = asked.backend
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    import keras

    FOLDER.mkdir(parents=True, exist_ok=True)
    named, gpu = device(asked.backend)
    whole_float32(asked.backend, True)
    errors, sha = equality(asked.backend)
    whole_float32(asked.backend, False)
    result = {
        "backend": asked.backend,
        "version": __import__(BACKENDS[asked.backend]).__version__,
        "keras": keras.__version__,
        "device": named,
        "gpu": gpu,
        "weights_sha256": sha[:16],
        "largest_error": errors,
        "equal": all(errors[key] <= TOLERANCES[key] for key in errors),
    }
    if not asked.check:
        batches = asked.batches or ([64, 128, 256, 512, 1024] if gpu else [64])
        result[FLOAT32] = speed(asked.backend, gpu, batches, FLOAT32)
        result[HALF] = speed(asked.backend, gpu, batches, HALF)
        result["memory_mib"] = memory_mib(asked.backend, gpu)
        if gpu or asked.quality:
            result["quality"] = quality(asked.backend, limit=asked.limit)
    result["date"] = time.strftime("%Y-%m-%d")
    (FOLDER / f"{asked.backend}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result


def apart_after_a_step():
    """Between each two backends: how far their weights are apart after one step of Adam, in its length."""
    start = [value.astype(np.float64) for values in weight_file()[:2] for value in values]
    ends = {}
    for name in BACKENDS:
        if (FOLDER / f"{name}.step.npz").is_file():
            with np.load(FOLDER / f"{name}.step.npz") as arrays:
                ends[name] = [arrays[key] for key in arrays.files]
    found, names = {}, list(ends)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            way = sum(((a - s) ** 2).sum() for a, s in zip(ends[first], start, strict=True))
            gap = sum(((a - b) ** 2).sum() for a, b in zip(ends[first], ends[second], strict=True))
            found[f"{first} – {second}"] = float(f"{np.sqrt(gap / way):.2e}")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=list(BACKENDS))
    parser.add_argument("--batches", type=int, nargs="+")
    parser.add_argument("--quality", action="store_true", help="time to judge distance 20, on a CPU too")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds of training after which that is given up")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--check", action="store_true", help="equal outputs and steps only, no timing")
    asked = parser.parse_args()
    if any(batch < 2 for batch in asked.batches or []) or asked.limit <= 0:
        parser.error("--batches must be 2 or more, --limit above 0")
    if not (ASSETS / "mnist.npz").is_file():
        parser.error(f"{ASSETS / 'mnist.npz'} is missing: run this from a whole copy of the course")
    if asked.table:
        print(json.dumps(table()))
        return 0
    if asked.backend:
        if importlib.util.find_spec(BACKENDS[asked.backend]) is None:
            parser.error(f"{asked.backend} is not installed: pip install -e '.[{asked.backend}]'")
        print(json.dumps(one(asked)), flush=True)
        return 0
    return every_backend()


def table():
    """runs/bench/backends.csv: a line for each backend that was measured."""
    rows = []
    for path in sorted(FOLDER.glob("*.json")):
        one = json.loads(path.read_text(encoding="utf-8"))
        if FLOAT32 not in one:
            continue  # only checked, not timed
        speeds = {batch: rate for batch, rate in one[FLOAT32]["images_per_second"].items() if not isinstance(rate, str)}
        told = {name: one[name] for name in ("backend", "version", "device", "gpu")} | one["largest_error"]
        best = {"images": max(speeds.values(), default=""), "limit": one[FLOAT32]["limit"]}
        half = {"half_images": max(v for v in (0, *one[HALF]["images_per_second"].values()) if not isinstance(v, str))}
        rows.append(
            {**told, **best, "of_the_limit": one[FLOAT32]["of_the_limit"], **half, "memory_mib": one["memory_mib"]}
        )
    if not rows:
        sys.exit("nothing is timed yet: python benchmarks/backends.py")
    with open(FOLDER.with_name("backends.csv"), "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return {"rows": len(rows)}


def every_backend():
    """Each installed backend in a process of its own; then what they say of each other."""
    installed = [name for name, package in BACKENDS.items() if importlib.util.find_spec(package)]
    codes = []
    for name in installed:
        codes.append(
            subprocess.run([sys.executable, __file__, "--backend", name, *sys.argv[1:]], check=False).returncode
        )
    done = [name for name, code in zip(installed, codes, strict=True) if not code]
    rows = [json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")) for name in done]
    missing = [name for name in BACKENDS if name not in done]
    steps = apart_after_a_step() if len(done) > 1 else {}
    told = {"backends": done, "not_run": missing, "apart_after_a_step": steps}
    told["equal"] = all(row["equal"] for row in rows) and all(v <= TOLERANCES["step"] for v in steps.values())
    place = FOLDER.with_name("backends.json")
    place.write_text(json.dumps({**told, "rows": rows}, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(told), flush=True)
    return max(codes, default=1)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        sys.exit(130)
