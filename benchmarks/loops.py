"""The training loops that are compared: the article's networks, batch by batch. Run by throughput.py, one process each.

`python benchmarks/loops.py NAME BATCH` gets ready, prints "ready", and then for each line on stdin runs that many
steps and prints images per second. Waiting processes use no processor time, so that loops can take turns.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from aigc_course import runtime

CLASSIC, GUIDE = "classic: predict + three train_on_batch", "Keras-guide train_step through fit"
OWN = ", the course's settings"  # else the loop runs with TensorFlow's own: what its users have
TWO = "GAN.fit, fused, two logical devices"


def real_batches(batch):
    """Ten batches of scaled MNIST images, NHWC."""
    from aigc_course import data

    (images, _), _ = data.load_mnist()
    return data.scale(images[: 10 * batch]).reshape(10, batch, 28, 28, 1)


def plain_networks():
    """(generator, discriminator) of the article from Keras' own layers only."""
    import keras

    from aigc_course import models

    return tuple(
        keras.Sequential([keras.Input(net.input_shape[1:]), *(plain(layer) for layer in net.layers)])
        for net in (models.build_generator(), models.build_discriminator())
    )


def plain(layer):
    """Keras' own layer in place of one of aigc_course.fast."""
    import keras

    own = {name: getattr(keras.layers, name) for name in ("Conv2D", "BatchNormalization", "Dropout")}
    return own.get(type(layer).__name__, type(layer)).from_config(layer.get_config())


# --- the loops: each returns a function of the number of steps ------------------------------------------


def classic(batch):
    """The loop of many tutorials, and of the article's outline, mended so that D learns (chapter 03, defect 3)."""
    import keras
    import numpy as np

    generator, discriminator = plain_networks()
    step = classic_step(generator, discriminator, keras, np, np.random.default_rng(7))
    reals = real_batches(batch)
    return lambda steps: [step(reals[i % 10]) for i in range(steps)]


def classic_step(generator, discriminator, keras, np, rng, latent_dim=100):
    """One classic step: fakes by predict, D on reals, D on fakes, then G through a D that is frozen meanwhile."""
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    discriminator.compile(keras.optimizers.Adam(2e-4, beta_1=0.5), loss)
    z_in = keras.Input((latent_dim,))
    combined = keras.Model(z_in, discriminator(generator(z_in)))
    combined.compile(keras.optimizers.Adam(2e-4, beta_1=0.5), loss)

    def step(real):
        n = len(real)
        fake = generator.predict(rng.standard_normal((n, latent_dim)).astype("float32"), verbose=0, batch_size=n)
        discriminator.trainable = True
        discriminator.train_on_batch(real, np.ones((n, 1)))
        discriminator.train_on_batch(fake, np.zeros((n, 1)))
        discriminator.trainable = False  # the mend: not frozen once for all, but only while G learns
        combined.train_on_batch(rng.standard_normal((n, latent_dim)).astype("float32"), np.ones((n, 1)))

    return step


def guide_model(generator, discriminator, mended=False, noisy=None):
    """The GAN of Keras' guide on overriding train_step, in our words: one batch for D, new noise for G, 3e-4 twice.

    Mended: reals and fakes pass D in two calls, as batch normalisation needs (chapter 04); labels stay in 0 … 1,
    unless `noisy` says otherwise (by default whatever is not mended has labels up to 1.05).
    """
    import keras
    import tensorflow as tf

    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    noisy = not mended if noisy is None else noisy

    class Guide(keras.Model):
        def __init__(self):
            super().__init__()
            self.generator, self.discriminator = generator, discriminator
            self.d_optimizer = keras.optimizers.Adam(3e-4)
            self.g_optimizer = keras.optimizers.Adam(3e-4)

        def train_step(self, real):
            n = tf.shape(real)[0]
            fake = self.generator(tf.random.normal((n, 100)), training=True)
            labels = tf.concat([tf.zeros((n, 1)), tf.ones((n, 1))], 0)
            if noisy:
                labels += 0.05 * tf.random.uniform(tf.shape(labels))
            with tf.GradientTape() as tape:
                if mended:
                    logits = tf.concat([self.discriminator(images, training=True) for images in (fake, real)], 0)
                else:
                    logits = self.discriminator(tf.concat([fake, real], 0), training=True)
                d_loss = loss(labels, logits)
            weights = self.discriminator.trainable_weights
            self.d_optimizer.apply(tape.gradient(d_loss, weights), weights)
            with tf.GradientTape() as tape:
                answer = self.discriminator(self.generator(tf.random.normal((n, 100)), training=True), training=True)
                g_loss = loss(tf.ones((n, 1)), answer)
            weights = self.generator.trainable_weights
            self.g_optimizer.apply(tape.gradient(g_loss, weights), weights)
            return {"d_loss": d_loss, "g_loss": g_loss}

    model = Guide()
    model.compile()
    return model


def guide(batch):
    import tensorflow as tf

    from aigc_course import data

    model = guide_model(*plain_networks())
    stream = data.untuned(tf.data.Dataset.from_tensor_slices(real_batches(batch)).repeat())  # no wait at fit's end
    return lambda steps: model.fit(stream, epochs=1, steps_per_epoch=steps, verbose=0)


def ours(batch, plainly=False, policy="float32", devices=1, **options):
    """GAN.fit on uint8 images: the whole engine, data pipeline and average included."""
    import keras
    import tensorflow as tf

    from aigc_course import data, gan, models

    (images, _), _ = data.load_mnist()
    jit = options.pop("jit_compile", "auto")
    keras.mixed_precision.set_global_policy(policy)
    names = [f"CPU:{i}" for i in range(devices)]
    strategy = tf.distribute.MirroredStrategy(names) if devices > 1 else tf.distribute.get_strategy()
    with strategy.scope():
        networks = plain_networks() if plainly else (models.build_generator(), models.build_discriminator())
        model = gan.GAN(*networks, **options)
        model.compile(jit_compile=jit)
    return lambda steps: model.fit(images, batch, epochs=1, steps_per_epoch=steps, verbose=0)


def two_devices(batch):
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    return ours(batch, devices=2)


def torch_loop(batch, channels_last):
    """The same layers in PyTorch, both gradients from one generator pass, Adam, no average."""
    import torch
    from torch import nn
    from torch.nn import functional

    torch.manual_seed(7)
    torch.set_num_threads(runtime.cores())
    form = torch.channels_last if channels_last else torch.contiguous_format

    class Generator(nn.Module):
        def __init__(self):
            super().__init__()
            self.dense = nn.Linear(100, 7 * 7 * 256)
            self.up1, self.norm1 = nn.ConvTranspose2d(256, 128, 4, 2, 1), nn.BatchNorm2d(128, momentum=0.2)
            self.up2, self.norm2 = nn.ConvTranspose2d(128, 64, 4, 2, 1), nn.BatchNorm2d(64, momentum=0.2)
            self.out = nn.Conv2d(64, 1, 4, padding="same")

        def forward(self, z):
            x = self.dense(z)
            # permuted: the same numbers seen as (B, 256, 7, 7) with the channel last in memory, no copy
            x = x.view(-1, 7, 7, 256).permute(0, 3, 1, 2) if channels_last else x.view(-1, 256, 7, 7)
            x = functional.leaky_relu(self.norm1(self.up1(x)), 0.2)
            x = functional.leaky_relu(self.norm2(self.up2(x)), 0.2)
            return torch.tanh(self.out(x))

    def norm(channels):
        return nn.BatchNorm2d(channels, momentum=0.2)

    discriminator = nn.Sequential(
        nn.Conv2d(1, 32, 3, 2, 1),
        nn.LeakyReLU(0.2),
        nn.Dropout(0.25),
        nn.Conv2d(32, 64, 3, 2, 1),
        nn.ZeroPad2d((0, 1, 0, 1)),
        norm(64),
        nn.LeakyReLU(0.2),
        nn.Dropout(0.25),
        nn.Conv2d(64, 128, 3, 2, 1),
        norm(128),
        nn.LeakyReLU(0.2),
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(4 * 4 * 128, 1),
    ).to(memory_format=form)
    generator = Generator().to(memory_format=form)
    found = [sum(p.numel() for p in net.parameters()) for net in (generator, discriminator)]
    assert found == [1_924_289 - 2 * 192, 95_489 - 2 * 192], found  # moving statistics are no parameters here
    d_adam = torch.optim.Adam(discriminator.parameters(), 1e-3, (0.5, 0.999))
    g_adam = torch.optim.Adam(generator.parameters(), 5e-4, (0.5, 0.999))
    reals = [torch.from_numpy(x).permute(0, 3, 1, 2).contiguous(memory_format=form) for x in real_batches(batch)]
    d_weights, g_weights = list(discriminator.parameters()), list(generator.parameters())

    def step(real):
        fake = generator(torch.randn(batch, 100))
        real_logits, fake_logits = discriminator(real), discriminator(fake)
        d_loss = functional.softplus(-real_logits).mean() + functional.softplus(fake_logits).mean()
        g_loss = functional.softplus(-fake_logits).mean()
        d_slopes = torch.autograd.grad(d_loss, d_weights, retain_graph=True)
        g_slopes = torch.autograd.grad(g_loss, g_weights)
        for weights, slopes, adam in ((d_weights, d_slopes, d_adam), (g_weights, g_slopes, g_adam)):
            for weight, slope in zip(weights, slopes, strict=True):
                weight.grad = slope
            adam.step()
        return d_loss.item()

    return lambda steps: [step(reals[i % 10]) for i in range(steps)]


def product(_batch):
    """The machine's matrix product: 2048 × 2048 times 2048 × 2048 in float32; a "step" is one product."""
    import tensorflow as tf

    a, b = tf.random.normal((2048, 2048)), tf.random.normal((2048, 2048))
    multiply = tf.function(lambda: tf.reduce_sum(tf.matmul(a, b)[0]))
    return lambda steps: [multiply().numpy() for _ in range(steps)]


LOOPS = {
    CLASSIC: classic,
    GUIDE: guide,
    CLASSIC + OWN: classic,
    GUIDE + OWN: guide,
    "GAN.fit, two-step, Keras' layers": lambda batch: ours(batch, plainly=True, step="two_step"),
    "GAN.fit, fused, Keras' layers, XLA": lambda batch: ours(batch, plainly=True, jit_compile=True),
    "GAN.fit, fused, Keras' layers": lambda batch: ours(batch, plainly=True),
    "GAN.fit, fused (the engine)": ours,
    "GAN.fit, d_first + R1 (make train)": lambda batch: ours(batch, step="d_first", r1=0.3),
    "GAN.fit, fused, bfloat16": lambda batch: ours(batch, policy="mixed_bfloat16"),
    TWO: two_devices,
    "PyTorch, one generator pass": lambda batch: torch_loop(batch, channels_last=False),
    "PyTorch, channels_last": lambda batch: torch_loop(batch, channels_last=True),
    "matrix product": product,
}


def main():
    name, batch = sys.argv[1], int(sys.argv[2])
    if name in (CLASSIC, GUIDE):
        import tensorflow  # noqa: F401  (before configure: allocator and kernels stay as TensorFlow has them)
    elif not name.startswith("PyTorch"):
        runtime.configure()
        if name != TWO:  # devices are set up before TensorFlow's first operation
            runtime.start(7, report=False)
    run = LOOPS[name](batch)
    run(3)  # traces, compiles, fills caches
    print("ready", flush=True)
    for line in sys.stdin:
        steps = int(line)
        started = time.perf_counter()
        run(steps)
        print(steps * batch / (time.perf_counter() - started), flush=True)


if __name__ == "__main__":
    main()
