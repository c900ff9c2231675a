"""The GAN: each step is what it says it is, training goes on exactly from a file, and Keras' own tools work with it."""

import io
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import TINY_LATENT, tiny_discriminator, tiny_generator
from keras import layers

from aigc_course import data, models, objectives, plots
from aigc_course import gan as gan_module
from aigc_course.errors import CourseError, Stopped
from aigc_course.files import write_whole
from aigc_course.gan import GAN
from aigc_course.monitors import Checkpoint, ImageMonitor

STEPS = ["fused", "two_step"]
LEARNING_RATE = 0.1


def sgd():
    return keras.optimizers.SGD(LEARNING_RATE)


def state(gan):
    """Every number that training depends on: weights, average, random states, both optimizers."""
    return [np.array(v) for v in gan.variables + gan.d_optimizer.variables + gan.g_optimizer.variables]


def same_state(a, b):
    return len(state(a)) == len(state(b)) and all(np.array_equal(u, v) for u, v in zip(state(a), state(b), strict=True))


def copies(gan):
    """The two players once more, with the same weights and no connection to the first ones."""
    players = []
    for network in (gan.generator, gan.discriminator):
        copy = keras.models.clone_model(network)
        copy.set_weights(network.get_weights())
        players.append(copy)
    return players


def bce(logits, label):
    """Binary cross-entropy by Keras, a second way to the losses."""
    return tf.reduce_mean(keras.losses.binary_crossentropy(label * tf.ones_like(logits), logits, from_logits=True))


def descend(tape, loss, network):
    """One step of plain gradient descent, by hand."""
    for variable, slope in zip(
        network.trainable_variables, tape.gradient(loss, network.trainable_variables), strict=True
    ):
        variable.assign(variable - LEARNING_RATE * slope)


def generator_loss(logits, objective):
    return bce(logits, 1.0) if objective == "non_saturating" else -bce(logits, 0.0)


def assert_weights_close(network, expected):
    for found, wanted in zip(network.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


@pytest.fixture
def batch(small_images):
    """A batch of eight scaled images for the tiny networks."""
    return tf.constant(data.scale(small_images[:8]))


# --- one step --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("objective", ["non_saturating", "minimax"])
def test_fused_step_is_the_simultaneous_update(tiny_gan, batch, objective):
    """Both players move from the same point, along gradients of one forward pass (written out with Keras' own
    cross-entropy, batch normalisation included)."""
    gan = tiny_gan(dropout=False, optimizer=sgd, objective=objective)
    generator, discriminator = copies(gan)
    for _ in range(2):  # from the second step on, moving statistics and step number matter too
        z = gan.noise(8, draw=0)
        with tf.GradientTape(persistent=True) as tape:
            fake = generator(z, training=True)
            real_logits, fake_logits = discriminator(batch, training=True), discriminator(fake, training=True)
            d_loss = bce(real_logits, 1.0) + bce(fake_logits, 0.0)
            g_loss = generator_loss(fake_logits, objective)
        gan.train_step(batch)
        descend(tape, d_loss, discriminator)
        descend(tape, g_loss, generator)
        assert_weights_close(gan.discriminator, discriminator)
        assert_weights_close(gan.generator, generator)


@pytest.mark.parametrize("objective", ["non_saturating", "minimax"])
def test_two_step_is_the_alternating_update(tiny_gan, batch, objective):
    """The discriminator moves first; the generator's gradient is taken through the moved one, with new noise."""
    gan = tiny_gan(dropout=False, optimizer=sgd, objective=objective, step="two_step")
    generator, discriminator = copies(gan)
    for _ in range(2):
        z, new_z = gan.noise(8, draw=0), gan.noise(8, draw=1)
        fake = generator(z, training=True)
        with tf.GradientTape() as tape:
            d_loss = bce(discriminator(batch, training=True), 1.0) + bce(discriminator(fake, training=True), 0.0)
        descend(tape, d_loss, discriminator)
        with tf.GradientTape() as tape:
            answer = discriminator(generator(new_z, training=True), training=True)
            g_loss = generator_loss(answer, objective)
        descend(tape, g_loss, generator)
        gan.train_step(batch)
        assert_weights_close(gan.discriminator, discriminator)
        assert_weights_close(gan.generator, generator)


@pytest.mark.parametrize("r1", [0.0, 0.7])
@pytest.mark.parametrize("objective", ["non_saturating", "minimax"])
def test_d_first_step_answers_with_the_same_images(tiny_gan, batch, objective, r1):
    """The discriminator moves first, with r1/2 E|slope|² in its loss; the generator's gradient is taken through the
    moved one, on the same noise (written out with a second forward pass, on networks without batch statistics)."""
    gan = tiny_gan(dropout=False, batch_norm=False, optimizer=sgd, objective=objective, step="d_first", r1=r1)
    generator, discriminator = copies(gan)
    for _ in range(2):
        z = gan.noise(8, draw=0)
        with tf.GradientTape() as tape:
            with tf.GradientTape() as inner:
                inner.watch(batch)
                real_logits = discriminator(batch, training=True)
            steepness = tf.reduce_mean(tf.reduce_sum(inner.gradient(real_logits, batch) ** 2, axis=[1, 2, 3]))
            fake_logits = discriminator(generator(z, training=True), training=True)
            d_loss = bce(real_logits, 1.0) + bce(fake_logits, 0.0) + r1 / 2 * steepness
        descend(tape, d_loss, discriminator)
        with tf.GradientTape() as tape:
            g_loss = generator_loss(discriminator(generator(z, training=True), training=True), objective)
        descend(tape, g_loss, generator)
        gan.train_step(batch)
        assert_weights_close(gan.discriminator, discriminator)
        assert_weights_close(gan.generator, generator)


@pytest.mark.parametrize("kind", ["d_first", "two_step", "fused"])
def test_relativistic_pairs_and_both_penalties(tiny_gan, batch, kind):
    """Written out: -log sigmoid of the differences, R1 at reals and R2 at fakes (d_first), and a generator whose pairs
    both come from the discriminator that it meets."""
    weights = {"r1": 0.7, "r2": 0.3} if kind == "d_first" else {}
    gan = tiny_gan(dropout=False, batch_norm=False, optimizer=sgd, objective="relativistic", step=kind, **weights)
    generator, discriminator = copies(gan)
    z, new_z = gan.noise(8, draw=0), gan.noise(8, draw=1)
    fake = generator(z, training=True)
    with tf.GradientTape(persistent=True) as tape:
        fused_fake = generator(z, training=True)
        penalties = [objectives.r1_penalty(lambda x: discriminator(x, training=True), x)[1] for x in (batch, fake)]
        real_logits, fake_logits = discriminator(batch, training=True), discriminator(fused_fake, training=True)
        d_loss = tf.reduce_mean(tf.math.softplus(fake_logits - real_logits))
        d_loss += gan.r1 * penalties[0] + gan.r2 * penalties[1]
        g_loss = tf.reduce_mean(tf.math.softplus(real_logits - fake_logits))
    if kind == "fused":
        descend(tape, g_loss, generator)
    d_slopes = tape.gradient(d_loss, discriminator.trainable_variables)
    for variable, slope in zip(discriminator.trainable_variables, d_slopes, strict=True):
        variable.assign_sub(LEARNING_RATE * slope)
    if kind != "fused":
        with tf.GradientTape() as tape:
            answer = discriminator(generator(z if kind == "d_first" else new_z, training=True), training=True)
            g_loss = tf.reduce_mean(tf.math.softplus(discriminator(batch, training=True) - answer))
        descend(tape, g_loss, generator)
    gan.train_step(batch)
    assert_weights_close(gan.discriminator, discriminator)
    assert_weights_close(gan.generator, generator)


def test_the_generator_may_learn_without_dropout(tiny_gan, batch):
    """g_dropout=False: its logits are those of the same discriminator without the dropout layers, batch statistics
    included; the discriminator's own step keeps them."""
    gan = tiny_gan(dropout=True, step="d_first", g_dropout=False)
    plain = tiny_gan(dropout=False)
    plain.discriminator.set_weights(gan.discriminator.get_weights())
    found = gan.logits(batch, dropout=False)
    np.testing.assert_allclose(found, plain.discriminator(batch, training=True), rtol=1e-5, atol=1e-6)
    assert np.abs(found - gan.logits(batch)).max() > 1e-3
    with pytest.raises(CourseError, match='g_dropout=False needs step="d_first"'):
        tiny_gan(g_dropout=False)


def test_r1_flattens_the_discriminator(tiny_gan, batch):
    """Trained with a large penalty D is flatter at the real images than trained without."""
    steepness = []
    for r1 in (0.0, 30.0):
        adam = lambda: gan_module.adam(0.02)  # noqa: E731
        gan = tiny_gan(dropout=False, batch_norm=False, step="d_first", r1=r1, optimizer=adam)
        for _ in range(30):
            gan.train_step(batch)
        steepness.append(float(objectives.r1_penalty(gan.logits, batch)[1]))
    assert steepness[1] < 0.2 * steepness[0]


@pytest.mark.parametrize(
    "options",
    [
        {"r1": 0.3},
        {"r1": -1.0, "step": "d_first"},
        {"r1": "0.3", "step": "d_first"},
        {"r1": float("nan"), "step": "d_first"},
    ],
)
def test_a_penalty_that_cannot_be_is_refused(options):
    """R1 without d_first, negative, text, NaN: one line that says what is needed."""
    with pytest.raises(CourseError, match=r"r1 must be a number from 0|r1 and r2 need step"):
        GAN(tiny_generator(), tiny_discriminator(), TINY_LATENT, **options)


def test_the_two_kinds_of_step_differ_in_the_generator_only(tiny_gan, batch):
    """From the same start D makes the same first move; G's differs, because it answers another D with other noise."""
    fused, two_step = (tiny_gan(dropout=False, batch_norm=False, optimizer=sgd, step=kind) for kind in STEPS)
    fused.train_step(batch)
    two_step.train_step(batch)
    assert_weights_close(fused.discriminator, two_step.discriminator)
    pairs = zip(fused.generator.get_weights(), two_step.generator.get_weights(), strict=True)
    gaps = [np.abs(a - b).max() for a, b in pairs]
    assert max(gaps) > 1e-4


@keras.saving.register_keras_serializable(package="tests")
class CountCalls(keras.layers.Layer):
    """Passes its input through and counts how often."""

    calls = 0

    def call(self, inputs):
        self.calls += 1
        return inputs


@pytest.mark.parametrize(
    ("options", "calls"), [({"step": "fused"}, 1), ({"step": "two_step"}, 2), ({"step": "d_first"}, 1)]
)
def test_generator_forward_passes_per_step(batch, options, calls):
    """The fused step and d_first ask the generator once, the two-step one twice."""
    counter = CountCalls()
    generator = keras.Sequential([keras.layers.Input((TINY_LATENT,)), *tiny_generator().layers, counter])
    gan = GAN(generator, tiny_discriminator(), TINY_LATENT, **options)
    gan.compile(jit_compile=False)
    counter.calls = 0
    gan.train_step(batch)
    assert counter.calls == calls


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("still", ["generator", "discriminator"])
def test_gradients_reach_only_the_intended_network(tiny_gan, batch, step, still):
    """With learning rate 0 one player keeps every trainable weight, the other moves all of its own. (The moving
    statistics of batch normalisation follow the data, not the gradient, and are left out.)"""
    gan = tiny_gan(optimizer=sgd, step=step)
    (gan.g_optimizer if still == "generator" else gan.d_optimizer).learning_rate = 0.0
    players = ("generator", "discriminator")
    before = {name: [np.array(v) for v in getattr(gan, name).trainable_variables] for name in players}
    gan.train_step(batch)
    for name, values in before.items():
        # A bias in front of batch normalisation has no slope: the mean takes it away.
        pairs = zip(getattr(gan, name).trainable_variables, values, strict=True)
        moved = [not np.array_equal(now, then) for now, then in pairs]
        assert any(moved) is (name != still)
        kernels = [m for m, v in zip(moved, getattr(gan, name).trainable_variables, strict=True) if v.name == "kernel"]
        assert all(kernels) is (name != still)


def test_the_average_has_no_gradient_and_no_optimizer(tiny_gan):
    """ema_generator has nothing to train, and neither optimizer holds moments for it."""
    gan = tiny_gan()
    assert gan.ema_generator.trainable_variables == []
    assert len(gan.g_optimizer.variables) == 2 + 2 * len(gan.generator.trainable_variables)  # Adam: m and v
    assert len(gan.d_optimizer.variables) == 2 + 2 * len(gan.discriminator.trainable_variables)


def test_reported_numbers_are_those_of_the_step(tiny_gan, batch):
    """Losses and hit shares from the logits before the update; the mean of two steps is their mean."""
    gan = tiny_gan(dropout=False, batch_norm=False, optimizer=sgd)
    expected = []
    for _ in range(2):
        generator, discriminator = copies(gan)
        real = discriminator(batch, training=True).numpy()
        fake = discriminator(generator(gan.noise(8, draw=0), training=True), training=True).numpy()
        softplus = lambda x: np.log1p(np.exp(x)).mean()  # noqa: E731
        expected.append([softplus(-real) + softplus(fake), softplus(-fake), (real > 0).mean(), (fake < 0).mean()])
        logs = gan.train_step(batch)
    found = [float(logs[name]) for name in ("d_loss", "g_loss", "real_share", "fake_share")]
    assert found == pytest.approx(np.mean(expected, axis=0), rel=1e-4)


# --- the average -----------------------------------------------------------------------------------------


def test_average_follows_its_formula(tiny_gan, batch):
    """After step t: average <- d * average + (1 - d) * weight, d = min(decay, t / (t + 9)); moving statistics too."""
    gan = tiny_gan(ema_decay=0.3)
    average = gan.generator.get_weights()
    for step in range(1, 7):
        gan.train_step(batch)
        decay = min(0.3, step / (step + 9))
        average = [decay * a + (1 - decay) * w for a, w in zip(average, gan.generator.get_weights(), strict=True)]
        for found, wanted in zip(gan.ema_generator.get_weights(), average, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


def test_no_decay_is_no_average(tiny_gan, batch):
    """ema_decay=0: the averaged generator is the generator."""
    gan = tiny_gan(ema_decay=0.0)
    gan.train_step(batch)
    for a, b in zip(gan.ema_generator.get_weights(), gan.generator.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-7)


def test_samples_come_from_the_average(tiny_gan, batch):
    """sample() and calling the model use ema_generator in inference mode, and seed alone decides z."""
    gan = tiny_gan()
    gan.train_step(batch)
    z = np.random.default_rng(4).standard_normal((7, TINY_LATENT), dtype=np.float32)
    expected = gan.ema_generator(z, training=False).numpy()
    np.testing.assert_allclose(gan.sample(7, seed=4), expected, atol=1e-6)
    np.testing.assert_allclose(gan.sample(7, seed=4, batch_size=3), expected, atol=1e-6)
    np.testing.assert_allclose(gan(z), expected, atol=1e-6)
    assert np.abs(gan.sample(7, seed=5) - expected).max() > 1e-3


# --- noise -----------------------------------------------------------------------------------------------


def test_noise_depends_on_seed_and_step_alone(tiny_gan, batch):
    """Two GANs that share nothing but seed and step draw the same z; seed, step and draw each change it."""
    a, b = tiny_gan(seed=3, step="fused"), tiny_gan(seed=3, step="two_step", batch_norm=False, optimizer=sgd)
    assert not np.array_equal(a.generator.get_weights()[0], 0)
    tf.random.set_seed(99)  # global seeds have no say
    first = a.noise(8, draw=0).numpy()
    np.testing.assert_array_equal(first, b.noise(8, draw=0))
    a.train_step(batch)
    b.train_step(batch)
    second = a.noise(8, draw=0).numpy()
    np.testing.assert_array_equal(second, b.noise(8, draw=0))
    others = [second, a.noise(8, draw=1).numpy(), tiny_gan(seed=4).noise(8, draw=0).numpy()]
    assert all(np.abs(first - other).max() > 0.1 for other in others)


def test_noise_is_standard_normal(tiny_gan):
    """Mean 0 and variance 1 within five standard errors."""
    z = tiny_gan().noise(5000, draw=0).numpy()
    assert abs(z.mean()) < 5 / np.sqrt(z.size)
    assert abs(z.var() - 1) < 5 * np.sqrt(2 / z.size)


@pytest.mark.parametrize("seed", [-1, 1.5, "7", None, 2**31])
def test_the_seed_is_checked(seed):
    """A seed is an integer from 0 to 2**31 - 1; anything else is refused at once, not silently rounded."""
    with pytest.raises(CourseError, match="seed"):
        GAN(tiny_generator(), tiny_discriminator(), TINY_LATENT, seed=seed)


# --- saving and going on ---------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["fused", "two_step", "d_first"])
def test_round_trip_of_every_variable(tiny_gan, batch, tmp_path, step):
    """Weights, moving statistics, average, Adam's moments, step numbers, learning rate, dropout's random state,
    and every setting come back from the file bit for bit."""
    weights = {"r1": 0.4, "r2": 0.2, "g_dropout": False} if step == "d_first" else {}
    gan = tiny_gan(
        step=step,
        **weights,
        ema_decay=0.7,
        seed=5,
        objective="minimax",
        optimizer=lambda: keras.optimizers.Adam(3e-3, beta_1=0.4),
    )
    for _ in range(3):
        gan.train_step(batch)
    gan.save(tmp_path / "gan.keras")
    loaded = GAN.load(tmp_path / "gan.keras")
    assert same_state(gan, loaded)
    assert any("seed_generator_state" in v.path for v in loaded.variables)
    assert loaded.step == gan.step == 3
    for name in ("latent_dim", "step_name", "r1", "r2", "g_dropout", "ema_decay", "seed", "objective"):
        assert getattr(loaded, name) == getattr(gan, name), name
    assert loaded.d_optimizer.get_config() == gan.d_optimizer.get_config()
    np.testing.assert_array_equal(loaded.sample(3), gan.sample(3))


@pytest.mark.parametrize("jit_compile", [False, pytest.param(True, marks=pytest.mark.long)])
def test_training_goes_on_from_a_file_as_if_it_had_never_stopped(tiny_gan, small_images, tmp_path, jit_compile):
    """A run of 12 steps that saves at step 6, and 6 steps from that file: the same bits, with and without XLA,
    across passes over the data. The loaded GAN compiles as the saved one did."""
    whole = tiny_gan(jit_compile=jit_compile)
    save = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, _: epoch or whole.save(tmp_path / "gan.keras"))
    whole.fit(small_images, 5, epochs=2, steps_per_epoch=6, callbacks=[save], verbose=0)
    second = GAN.load(tmp_path / "gan.keras")
    assert second.step == 6
    assert second.jit_compile is jit_compile
    second.fit(small_images, 5, steps_per_epoch=6, verbose=0)
    assert second.step == whole.step == 12
    assert same_state(second, whole)


def test_a_generator_with_dropout_goes_on_exactly_too(tiny_gan, batch, tmp_path):
    """Random state in the generator (as in pix2pix) is training state like that in the discriminator."""
    whole = tiny_gan(generator_dropout=True)
    whole.train_step(batch)
    whole.save(tmp_path / "gan.keras")
    loaded = GAN.load(tmp_path / "gan.keras")
    whole.train_step(batch)
    loaded.train_step(batch)
    assert same_state(whole, loaded)


def test_a_loaded_gan_does_not_repeat_its_random_numbers(tiny_gan, batch, tmp_path):
    """The dropout mask after loading is the next one, not the first one again: the state has moved since the start."""
    gan = tiny_gan()
    start = [np.array(s) for s in gan.random_states()]
    gan.train_step(batch)
    gan.save(tmp_path / "gan.keras")
    loaded = [np.array(s) for s in GAN.load(tmp_path / "gan.keras").random_states()]
    assert loaded
    assert all((a != b).any() for a, b in zip(loaded, start, strict=True))


def test_save_replaces_an_earlier_file_and_leaves_nothing_beside_it(tiny_gan, batch, tmp_path):
    """The second checkpoint takes the first one's place; no part file stays; folders are made."""
    gan = tiny_gan()
    path = tmp_path / "new" / "folder" / "gan.keras"
    gan.save(path)
    gan.train_step(batch)
    gan.save(path)
    assert [p.name for p in path.parent.iterdir()] == ["gan.keras"]
    assert GAN.load(path).step == 1


def test_save_wants_its_ending(tiny_gan, tmp_path):
    """Another ending than .keras is refused before anything is written."""
    with pytest.raises(CourseError, match=r"must end in \.keras; received 'gan\.h5'"):
        tiny_gan().save(tmp_path / "gan.h5")
    assert not list(tmp_path.iterdir())


def test_save_where_it_cannot(tiny_gan, tmp_path):
    """A file in the way of the folder: one line that names the path and says that nothing was changed."""
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(CourseError, match=r"could not write .*gan\.keras.*Nothing was changed") as caught:
        tiny_gan().save(tmp_path / "out" / "gan.keras")
    assert "\n" not in str(caught.value)
    assert (tmp_path / "out").read_text() == "in the way"


def test_an_interrupted_write_leaves_the_earlier_file(tmp_path):
    """Ctrl-C in the middle of writing: the exception goes on, the earlier file stands, the part is gone."""
    path = tmp_path / "a.keras"
    path.write_bytes(b"earlier")

    def write(part):
        part.write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(path, write)
    assert path.read_bytes() == b"earlier"
    assert [p.name for p in tmp_path.iterdir()] == ["a.keras"]


FULL_DISK = """
import json, os, pathlib, resource, sys
from aigc_course import runtime
runtime.configure()
sys.path.insert(0, {tests!r})
from conftest import tiny_discriminator, tiny_generator
from aigc_course import gan as G

folder, tmpfs = pathlib.Path({folder!r}), {tmpfs}
gan = G.GAN(tiny_generator(), tiny_discriminator(), 3)
gan.compile(jit_compile=False)
path, weights = folder / "gan.keras", folder / "generator.weights.h5"
gan.save(path)
gan.ema_generator.save_weights(weights)
earlier = path.read_bytes(), weights.read_bytes()
if tmpfs:  # leave 8 KiB of room
    with open(folder / "filler", "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
        file.truncate(file.tell() - 8192)
else:
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))
for write in (lambda: gan.save(path), lambda: G.save_weights(gan.ema_generator, weights)):
    try:
        write()
        answer = "written"
    except Exception as error:
        answer = type(error).__name__ + ": " + str(error)
    names = sorted(p.name for p in folder.iterdir() if p.name != "filler")
    kept = [path.read_bytes() == earlier[0], weights.read_bytes() == earlier[1]]
    print(json.dumps([answer, names, kept]), flush=True)
"""


@pytest.fixture(scope="module", params=["full disk", "file size limit"])
def on_a_full_disk(request, tmp_path_factory):
    """What happens to a checkpoint and to weights when there is no room left: on a tiny file system of its own
    where root may mount one, and everywhere under a limit on the size of files."""
    tmpfs, top = request.param == "full disk", tmp_path_factory.mktemp("full")
    folder, script = top / "disk", top / "script.py"
    folder.mkdir()
    script.write_text(FULL_DISK.format(tests=os.path.dirname(__file__), folder=str(folder), tmpfs=tmpfs))
    command = [sys.executable, str(script)]
    if tmpfs:
        mount = f"mount -t tmpfs -o size=256k tmpfs '{folder}'"
        if os.geteuid() or subprocess.run(["unshare", "-m", "sh", "-c", mount], capture_output=True).returncode:
            pytest.skip("mounting a small file system is not allowed here; the limit on file sizes is tested")
        command = ["unshare", "-m", "sh", "-c", mount + ' && exec "$@"', "sh", *command]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120)
    lines = answer.stdout.splitlines()
    assert lines, answer.stderr[-2000:]
    return [json.loads(line) for line in lines], answer


@pytest.mark.parametrize(("which", "name"), [(0, "gan.keras"), (1, "generator.weights.h5")])
def test_a_full_disk_leaves_the_old_files(on_a_full_disk, which, name):
    """A one-line error, both earlier files byte for byte as they were, no part file, no crash of the process."""
    lines, process = on_a_full_disk
    assert len(lines) > which, f"the process died with {process.returncode}: {process.stderr[-500:]}"
    answer, names, kept = lines[which]
    assert answer.startswith("CourseError: could not write")
    assert name in answer
    assert "\n" not in answer
    assert kept == [True, True]
    assert names == ["gan.keras", "generator.weights.h5"]
    assert process.returncode == 0 or not which


@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "altered", "text", "another model", "a folder"])
def test_load_refuses_what_is_no_checkpoint(tiny_gan, tmp_path, damage):
    """Missing, cut short, altered, or of something else: one line that names the file."""
    path = tmp_path / "gan.keras"
    if damage == "another model":
        tiny_generator().save(path)
    elif damage == "a folder":
        path.mkdir()
    elif damage in ("empty", "text"):
        path.write_bytes(b"" if damage == "empty" else b"hello\n" * 100)
    elif damage != "missing":
        tiny_gan().save(path)
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0xFF
        path.write_bytes(content if damage == "altered" else content[: len(content) // 2])
    with pytest.raises(CourseError) as caught:
        GAN.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert ("not a GAN" in str(caught.value)) is (damage == "another model")


def test_load_generator_takes_checkpoint_and_weights(tmp_path):
    """Weights of the article's generator from .weights.h5, and the average from a .keras, draw the same images."""
    gan = GAN(models.build_generator(), models.build_discriminator())
    gan.compile(jit_compile=False)
    gan.generator.set_weights([0.5 * w for w in gan.generator.get_weights()])  # the average is another network
    gan.save(tmp_path / "gan.keras")
    gan.ema_generator.save_weights(tmp_path / "g.weights.h5")
    z = np.random.default_rng(0).standard_normal((2, 100), dtype=np.float32)
    expected = gan_module.generate_images(gan.ema_generator, z)
    for name in ("gan.keras", "g.weights.h5"):
        np.testing.assert_array_equal(
            gan_module.generate_images(gan_module.load_generator(tmp_path / name), z), expected
        )

    models.build_generator(64).save_weights(tmp_path / "other.weights.h5")
    content = (tmp_path / "g.weights.h5").read_bytes()
    (tmp_path / "cut.weights.h5").write_bytes(content[: len(content) // 2])
    (tmp_path / "text.weights.h5").write_text("hello")
    for name in ("other.weights.h5", "cut.weights.h5", "text.weights.h5", "none.weights.h5", "g.npz"):
        with pytest.raises(CourseError) as caught:
            gan_module.load_generator(tmp_path / name)
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)


# --- fit and Keras' tools --------------------------------------------------------------------------------


def test_fit_with_keras_own_callbacks(tiny_gan, small_images, tmp_path):
    """History, CSVLogger, TensorBoard, ModelCheckpoint, LambdaCallback and TerminateOnNaN work with fit as with
    any keras.Model."""
    seen = []
    callbacks = [
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
        keras.callbacks.TensorBoard(tmp_path / "board"),
        keras.callbacks.ModelCheckpoint(tmp_path / "at_{epoch}.keras"),
        keras.callbacks.LambdaCallback(on_train_batch_end=lambda step, logs: seen.append(sorted(logs))),
        keras.callbacks.TerminateOnNaN(),
    ]
    history = tiny_gan().fit(small_images, 5, epochs=2, callbacks=callbacks, verbose=0)
    assert set(history.history) == {"d_loss", "g_loss", "real_share", "fake_share"}
    assert [len(values) for values in history.history.values()] == [2, 2, 2, 2]
    assert len(seen) == 8
    assert all(names == ["d_loss", "fake_share", "g_loss", "real_share"] for names in seen)
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3
    assert [GAN.load(tmp_path / f"at_{epoch}.keras").step for epoch in (1, 2)] == [4, 8]
    events = b"".join(path.read_bytes() for path in (tmp_path / "board").rglob("*tfevents*"))
    assert b"epoch_d_loss" in events
    assert b"epoch_fake_share" in events


def test_fit_trains_on_the_right_batches(tiny_gan, small_images):
    """An array and the stream data.batches(seed) of it give the same weights: fit shuffles and scales that way."""
    from_array, from_stream = tiny_gan(seed=9), tiny_gan(seed=9)
    from_array.fit(small_images, 5, epochs=2, verbose=0)
    from_stream.fit(data.batches(small_images, 5, seed=9), epochs=1, steps_per_epoch=8, verbose=0)
    assert from_array.step == 8
    assert same_state(from_array, from_stream)


def test_fit_takes_a_finite_dataset_with_labels(tiny_gan, small_images, capsys):
    """A tf.data.Dataset of (image, label) batches without an end given: labels are ignored, fit stops at its end."""
    dataset = tf.data.Dataset.from_tensor_slices((data.scale(small_images), np.zeros(20))).batch(10)
    gan = tiny_gan()
    gan.fit(dataset, epochs=2)
    assert gan.step == 4


def test_callable_images_with_a_channel_axis(tiny_gan, small_images):
    """(N, H, W, 1) is the same as (N, H, W)."""
    flat, deep = tiny_gan(), tiny_gan()
    flat.fit(small_images, 10, verbose=0)
    deep.fit(small_images[..., None], 10, verbose=0)
    assert same_state(flat, deep)


class Doubled(layers.Layer):
    """A learner's own layer, not registered with Keras."""

    def call(self, x):
        return 2.0 * x


class Nameless(layers.Layer):
    """A layer whose constructor Keras does not know how to call again."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, x):
        return self.factor * x


def squared(x):
    return x * x


READER = """
import sys
from aigc_course import errors, runtime
runtime.configure()
import keras
from aigc_course.gan import GAN

class Doubled(keras.layers.Layer):
    def call(self, x):
        return 2.0 * x

try:
    GAN.load(sys.argv[1])
except errors.CourseError as error:
    print(error)
print(GAN.load(sys.argv[1], custom_objects={"Doubled": Doubled}).step)
"""


def with_layer(layer):
    """The tiny discriminator with one more layer in front."""
    return keras.Sequential([layers.Input(tiny_discriminator().input_shape[1:]), layer, *tiny_discriminator().layers])


def test_a_layer_of_ones_own_is_named_where_it_is_missing(tmp_path, small_images):
    """Training and saving work, with a warning that names the class; a new process says which class is missing and
    reads the file with custom_objects. Nothing is called damaged."""
    with pytest.warns(UserWarning, match=r"the discriminator has Doubled.*custom_objects"):
        gan = GAN(tiny_generator(), with_layer(Doubled()), latent_dim=TINY_LATENT)
    gan.compile()
    gan.fit(small_images, 5, steps_per_epoch=2, verbose=0)
    gan.save(tmp_path / "gan.keras")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", READER, tmp_path / "gan.keras"],
        capture_output=True,
        text=True,
        check=False,
    )
    said, step = done.stdout.strip().splitlines()
    assert "is whole, but its networks use Doubled" in said
    assert "altered" not in said
    assert step == "2"


@pytest.mark.parametrize(
    "layer",
    [
        layers.Lambda(lambda x: 2.0 * x),
        layers.Lambda(squared),
        layers.Activation(squared),
        Nameless(2.0),
        keras.Sequential([layers.Input((4, 4, 1)), Doubled()]),
    ],
)
def test_what_keras_cannot_copy_is_refused_at_once(layer):
    """Lambdas, bare functions, constructors without get_config, own layers inside a model: one line at once."""
    with pytest.raises(CourseError, match="the discriminator must be a network that Keras can copy") as caught:
        GAN(tiny_generator(), with_layer(layer), latent_dim=TINY_LATENT)
    assert "\n" not in str(caught.value)
    assert "register_keras_serializable" in str(caught.value)


def test_the_check_draws_no_random_numbers():
    """What is built after a GAN has the weights that it has without the check."""
    import random

    generator = tiny_generator()
    before = random.getstate()
    models.check_copyable(generator, "generator")
    assert random.getstate() == before


def test_ctrl_c_keeps_what_was_learnt(tiny_gan, small_images):
    """KeyboardInterrupt after step 3 goes on upwards in one line, and the loop around fit ends with it; going on ends
    where an uninterrupted run ends, bit for bit."""

    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 2:
                raise KeyboardInterrupt

    gan, whole = tiny_gan(), tiny_gan()
    fits = 0
    with pytest.raises(Stopped, match=r"^Stopped at step 3\. What was learnt is kept") as stopped:  # noqa: PT012
        for _ in range(4):
            fits += 1
            gan.fit(small_images, 5, epochs=2, callbacks=[Interrupt()], verbose=0)
    assert fits == 1
    assert gan.step == 3
    assert issubclass(Stopped, KeyboardInterrupt)
    assert stopped.value._render_traceback_() == [str(stopped.value)]
    gan.fit(small_images, 5, steps_per_epoch=5, verbose=0)
    whole.fit(small_images, 5, steps_per_epoch=8, verbose=0)
    assert same_state(gan, whole)


def test_image_monitor_draws_the_same_noise_each_time(tiny_gan, small_images, monkeypatch):
    """Every second epoch a picture of the step then, of the same z; shown by replacing one picture in place."""
    updates = []
    monkeypatch.setattr(plots, "update", lambda handle, images, title: updates.append((handle, title)) or "handle")
    monitor = ImageMonitor(n=6, every=2, show=True)
    gan = tiny_gan()
    gan.fit(small_images, 10, epochs=5, callbacks=[monitor], verbose=0)
    assert [step for step, _ in monitor.pictures] == [4, 8]
    assert all(images.shape == (6, 4, 4, 1) for _, images in monitor.pictures)
    assert updates == [(None, "step 4"), ("handle", "step 8")]
    again = ImageMonitor(n=6)
    gan.fit(small_images, 10, callbacks=[again], verbose=0)
    np.testing.assert_array_equal(again.pictures[-1][1], gan.sample(6))


def test_checkpoint_callback_saves_every_so_often(tiny_gan, small_images, tmp_path):
    """every=2 of 5 epochs of 2 steps: files at steps 4 and 8, the last one stays and is what training had then."""
    path, steps = tmp_path / "gan.keras", []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: steps.append(GAN.load(path).step if path.exists() else None)
    )
    gan = tiny_gan()
    gan.fit(small_images, 10, epochs=5, callbacks=[Checkpoint(path, every=2), watch], verbose=0)
    assert steps == [None, 4, 4, 8, 8]
    loaded = GAN.load(path)
    loaded.fit(small_images, 10, verbose=0)  # one pass: two steps
    assert same_state(loaded, gan)


# --- precision -------------------------------------------------------------------------------------------


@pytest.fixture
def policy():
    """A function that sets Keras' global precision; float32 comes back after the test."""
    yield keras.mixed_precision.set_global_policy
    keras.mixed_precision.set_global_policy("float32")


@pytest.mark.parametrize("name", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_trains_and_resumes(tiny_gan, small_images, tmp_path, policy, name):
    """Weights stay float32 and move; samples and losses are float32; float16 has loss scaling; resuming is exact."""
    policy(name)
    gan = tiny_gan(dropout=False)
    scaled = isinstance(gan.d_optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (name == "mixed_float16")
    before = [w.copy() for w in gan.generator.get_weights()]
    history = gan.fit(small_images, 10, epochs=2, verbose=0).history
    assert np.isfinite(history["d_loss"]).all()
    assert all(w.dtype == "float32" for w in gan.generator.weights)
    assert any((a != b).any() for a, b in zip(before, gan.generator.get_weights(), strict=True))
    assert gan.sample(3).dtype == np.float32
    gan.save(tmp_path / "gan.keras")
    loaded = GAN.load(tmp_path / "gan.keras")
    assert type(loaded.d_optimizer) is type(gan.d_optimizer)  # not wrapped twice
    for each in (gan, loaded):
        each.fit(small_images, 10, verbose=0)
    assert same_state(loaded, gan)


def test_half_precision_steps_as_single_to_its_digits(tiny_gan, small_images, policy):
    """One SGD step in float16 with loss scaling moves the weights as in float32, to float16's three digits."""
    moved = {}
    for name in ("float32", "mixed_float16"):
        policy(name)
        gan = tiny_gan(batch_norm=False, dropout=False, optimizer=lambda: keras.optimizers.SGD(0.1))
        before = np.concatenate([w.ravel() for w in gan.discriminator.get_weights()])
        gan.fit(small_images, 20, epochs=1, steps_per_epoch=1, verbose=0)
        moved[name] = np.concatenate([w.ravel() for w in gan.discriminator.get_weights()]) - before
    assert np.abs(moved["float32"]).max() > 1e-3
    gap = np.abs(moved["mixed_float16"] - moved["float32"]).max()
    assert gap < 0.02 * np.abs(moved["float32"]).max()


def test_a_gradient_too_small_for_float16_is_not_lost(tiny_gan, small_images, policy):
    """A loss of 1e-6 nats: without scaling float16 gradients would be zero; with it the weights move as in float32."""
    policy("mixed_float16")
    score = lambda sign: lambda real, fake: sign * 1e-6 * tf.reduce_mean(fake - real)  # noqa: E731
    quiet = objectives.Objective("quiet", score(1), score(-1))
    gan = tiny_gan(batch_norm=False, dropout=False, objective=quiet, optimizer=lambda: keras.optimizers.SGD(1e4))
    before = gan.generator.get_weights()[0].copy()
    gan.fit(small_images, 20, epochs=1, steps_per_epoch=1, verbose=0)
    assert (gan.generator.get_weights()[0] != before).mean() > 0.5


# --- several devices -------------------------------------------------------------------------------------

DEVICES = """
import json, sys
from aigc_course import runtime
runtime.configure()
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras
import numpy as np
sys.path.insert(0, {tests!r})
from conftest import tiny_discriminator, tiny_generator
from aigc_course import gan as G

images = np.random.default_rng(0).integers(0, 256, (16, 4, 4), dtype=np.uint8)

class Positional(G.GAN):
    '''z depends on the place in the global batch, so that one and two devices see the same noise.'''
    def noise(self, batch_size, draw):
        context = tf.distribute.get_replica_context()
        step = tf.cast(self.g_optimizer.iterations, tf.int32)
        whole = tf.random.stateless_normal((8, self.latent_dim), tf.stack([11 + draw, step]))
        if context.num_replicas_in_sync == 1:
            return whole
        return whole[4 * context.replica_id_in_sync_group:][:4]

def run(strategy, kind, plain, options):
    with strategy.scope():
        keras.utils.set_random_seed(3)
        gan = kind(tiny_generator(not plain), tiny_discriminator(not plain, not plain), 3, **options)
        one = lambda: keras.optimizers.SGD(0.1) if plain else None
        gan.compile(one(), one(), jit_compile=False)
    gan.fit(images, 8, epochs=2, steps_per_epoch=3, verbose=0)
    return gan

one, two = tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
assert two.num_replicas_in_sync == 2
answer = {{"gaps": {{}}}}
for options in ({{}}, {{"step": "two_step"}}, {{"step": "d_first", "r1": 0.5}}):
    a, b = run(one, Positional, True, options), run(two, Positional, True, options)
    for name in ("generator", "discriminator", "ema_generator"):
        pairs = zip(getattr(a, name).get_weights(), getattr(b, name).get_weights())
        answer["gaps"][f"{{name}} {{options}}"] = max(float(np.abs(u - v).max()) for u, v in pairs)
moved = zip(a.generator.get_weights(), run(one, G.GAN, True, {{}}).generator.get_weights())
answer["moved"] = max(float(np.abs(u - v).max()) for u, v in moved)
full = run(two, G.GAN, False, {{}})
answer["step"] = full.step
answer["finite"] = all(bool(np.isfinite(w).all()) for w in full.get_weights())
values = two.run(lambda: full.noise(4, 0))
first, second = (v.numpy() for v in two.experimental_local_results(values))
answer["noise_gap"] = float(np.abs(first - second).max())
print(json.dumps(answer))
"""


@pytest.mark.long
def test_two_devices_train_as_one(tmp_path):
    """tf.distribute.MirroredStrategy on two logical CPUs: given equal noise, weights after 6 steps are those of one
    device on the same global batch (SGD; no batch normalisation or dropout, which each replica has for itself);
    the GAN's own noise differs between replicas; the full GAN with Adam runs."""
    command = [sys.executable, "-c", DEVICES.format(tests=os.path.dirname(__file__))]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert answer.returncode == 0, answer.stderr[-3000:]
    found = json.loads(answer.stdout.splitlines()[-1])
    assert max(found["gaps"].values()) < 1e-5, found
    assert found["moved"] > 1e-3  # the comparison could have failed
    assert found["step"] == 6
    assert found["finite"]
    assert found["noise_gap"] > 0.1


# --- bad input -------------------------------------------------------------------------------------------


def test_one_optimizer_for_two_players_is_refused(tiny_gan):
    """Adam keeps moments per weight: one for both players is refused with the reason."""
    gan, shared = tiny_gan(), keras.optimizers.Adam()
    with pytest.raises(CourseError, match="optimizer of its own"):
        gan.compile(shared, shared)


SIGMOID = keras.layers.Activation("sigmoid")


def colour_generator():
    return keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(48), keras.layers.Reshape((4, 4, 3))])


def discriminator_ending_in(*last):
    return keras.Sequential([keras.layers.Input((4, 4, 1)), keras.layers.Flatten(), *last])


@pytest.mark.parametrize(
    ("generator", "discriminator", "options", "message"),
    [
        (tiny_generator, tiny_discriminator, {"latent_dim": 5}, r"latent_dim = 5; it takes \(3,\)"),
        (tiny_generator, tiny_discriminator, {"latent_dim": "3"}, "positive integer; received '3'"),
        (tiny_generator, tiny_discriminator, {"latent_dim": 0}, "latent_dim must be a positive integer; received 0"),
        (colour_generator, tiny_discriminator, {}, r"\(4, 4, 3\), the discriminator takes \(4, 4, 1\)"),
        (tiny_generator, lambda: discriminator_ending_in(keras.layers.Dense(2)), {}, "one logit"),
        (tiny_generator, lambda: discriminator_ending_in(keras.layers.Dense(1, "sigmoid")), {}, "sigmoid"),
        (tiny_generator, lambda: discriminator_ending_in(keras.layers.Dense(1), SIGMOID), {}, "sigmoid"),
        (
            tiny_generator,
            tiny_discriminator,
            {"ema_decay": 1.0},
            "ema_decay must be a number from 0 below 1; received 1.0",
        ),
        (tiny_generator, tiny_discriminator, {"ema_decay": -0.1}, "ema_decay"),
        (tiny_generator, tiny_discriminator, {"ema_decay": "0.9"}, "ema_decay"),
        (tiny_generator, tiny_discriminator, {"objective": "hinge?"}, "objective must be one of"),
    ],
)
def test_players_that_do_not_fit_are_refused(generator, discriminator, options, message):
    """Sizes that do not match, a sigmoid, a decay of 1: refused when the GAN is made, with what was expected."""
    with pytest.raises(CourseError, match=message) as caught:
        GAN(generator(), discriminator(), **{"latent_dim": TINY_LATENT, **options})
    assert "\n" not in str(caught.value)


def test_fit_before_compile():
    """One line that says what to call first."""
    with pytest.raises(CourseError, match=r"gan\.compile\(\) must be called before"):
        GAN(tiny_generator(), tiny_discriminator(), TINY_LATENT).fit(np.zeros((8, 4, 4), np.uint8))


@pytest.mark.parametrize(
    ("images", "batch_size", "message"),
    [
        (np.zeros((20, 5, 5), np.uint8), 5, r"shape \(4, 4, 1\); received \(5, 5, 1\)"),
        (np.zeros((20, 4, 4, 3), np.uint8), 5, r"received \(4, 4, 3\)"),
        (np.zeros((20, 4, 4), np.uint8), 21, "from 1 to 20; received 21"),
        (np.zeros((20, 4, 4), np.uint8), 0, "received 0"),
        (np.zeros((20, 4, 4), np.float32), 5, "received float32 from 0 to 0"),
        (np.full((20, 4, 4), np.nan), 5, "NaN"),
        (np.zeros((4, 4), np.uint8), 2, r"received \(4, 4\)"),
        ([], 5, "images must"),
    ],
)
def test_fit_refuses_data_that_do_not_fit(tiny_gan, images, batch_size, message):
    """Shape, dtype, NaN, batch size: one line, and the GAN has not moved."""
    gan = tiny_gan()
    before = state(gan)
    with pytest.raises(CourseError, match=message) as caught:
        gan.fit(images, batch_size, verbose=0)
    assert "\n" not in str(caught.value)
    assert all(np.array_equal(a, b) for a, b in zip(before, state(gan), strict=True))


def test_objective_of_ones_own_trains(tiny_gan, batch):
    """An Objective that is not in the list works (chapter 06): least squares moves both players."""
    own = objectives.Objective(
        "least_squares",
        lambda real, fake: tf.reduce_mean((real - 1) ** 2) + tf.reduce_mean(fake**2),
        lambda real, fake: tf.reduce_mean((fake - 1) ** 2),
    )
    gan = tiny_gan(objective=own, optimizer=sgd)
    before = gan.generator.get_weights(), gan.discriminator.get_weights()
    gan.train_step(batch)
    assert not np.array_equal(before[0][0], gan.generator.get_weights()[0])
    assert not np.array_equal(before[1][0], gan.discriminator.get_weights()[0])


def test_summary_and_config_can_be_written(tiny_gan):
    """Keras' summary works, and the configuration is JSON: the checkpoint holds no code."""
    gan, text = tiny_gan(), io.StringIO()
    gan.summary(print_fn=lambda line, **_: text.write(line))
    assert "Trainable params" in text.getvalue()
    assert json.loads(json.dumps(gan.get_config()))["latent_dim"] == TINY_LATENT
