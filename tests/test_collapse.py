"""GANs side by side: each seed is alone, each method does what its paper says, and the protocol's command answers."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from aigc_course import collapse, data
from aigc_course.errors import CourseError

ROOT = Path(__file__).resolve().parent.parent
SMALL = {"g_width": 16, "d_width": 16}


def weights(network, index):
    """All weights of one seed as a vector."""
    return np.concatenate([np.asarray(w)[index].ravel() for w in network.weights])


@pytest.mark.parametrize("name", ["gan", "best", "spectral", "pacgan-2", "wgan-gp", "noise"])
def test_a_seed_does_not_depend_on_its_neighbours(name):
    """Seed 5 trained between others has the weights and samples that it has alone, after some steps."""
    method = collapse.get(name)._replace(**SMALL)
    together = collapse.Arena(method, "ring", seeds=(3, 5, 8), steps=40)
    alone = collapse.Arena(method, "ring", seeds=(5,), steps=40)
    for arena in (together, alone):
        arena.train(4)
    for one, other in ((together.generator, alone.generator), (together.discriminator, alone.discriminator)):
        np.testing.assert_allclose(weights(one, 1), weights(other, 0), rtol=1e-3, atol=2e-5)
    np.testing.assert_allclose(together.sample(50)[1], alone.sample(50)[0], rtol=1e-3, atol=2e-4)
    assert np.abs(weights(together.generator, 0) - weights(together.generator, 2)).max() > 0.1


def test_the_same_seed_gives_the_same_run_and_another_seed_another():
    """Two runs of one seed agree; interrupted and continued is uninterrupted."""
    runs = []
    for parts in ((6,), (2, 4)):
        arena = collapse.Arena("rpgan", "grid", seeds=(4,), steps=50)
        for part in parts:
            arena.train(part)
        runs.append(arena.sample(20))
    np.testing.assert_allclose(runs[0], runs[1], atol=1e-5)


@pytest.mark.parametrize("name", list(collapse.METHODS))
def test_every_method_trains(name):
    """Three steps of each method: finite losses, both players move."""
    arena = collapse.Arena(collapse.get(name)._replace(**SMALL), "ring", seeds=(1, 2), steps=100)
    before = weights(arena.generator, 0), weights(arena.discriminator, 0)
    arena.train(3)
    assert all(np.isfinite(float(loss)) for loss in arena.losses)
    after = weights(arena.generator, 0), weights(arena.discriminator, 0)
    assert all(np.abs(a - b).max() > 1e-4 for a, b in zip(before, after, strict=True))
    assert arena.sample(9).shape == (2, 9, 2)
    assert arena.logits(np.zeros((5, 2))).shape == (2, 5)


def test_a_dense_layer_of_seeds_is_keras_own_dense_for_each():
    """SeedDense against keras.layers.Dense with the same weights, one seed at a time."""
    import keras

    layer = collapse.SeedDense(7, seeds=(1, 2, 3), place=0)
    x = np.random.default_rng(0).standard_normal((3, 5, 4)).astype("float32")
    y = layer(x).numpy()
    layer.bias.assign(np.random.default_rng(1).standard_normal((3, 1, 7)))
    y = layer(x).numpy()
    for index in range(3):
        dense = keras.layers.Dense(7)
        dense.build((None, 4))
        dense.set_weights([layer.kernel.numpy()[index], layer.bias.numpy()[index, 0]])
        np.testing.assert_allclose(y[index], dense(x[index]), rtol=1e-5, atol=1e-6)


def test_spectral_normalisation_reaches_norm_one():
    """After some power iterations each seed's kernel is divided by its largest singular value (NumPy's SVD)."""
    layer = collapse.SeedDense(6, seeds=(1, 2), place=0, spectral=True)
    x = tf.random.stateless_normal((2, 3, 5), seed=(0, 0))
    for _ in range(60):
        layer(x, training=True)
    found = layer.normalised(False).numpy()
    for kernel, raw in zip(found, layer.kernel.numpy(), strict=True):
        assert np.linalg.svd(kernel)[1].max() == pytest.approx(1.0, rel=1e-4)
        np.testing.assert_allclose(kernel, raw / np.linalg.svd(raw)[1].max(), rtol=1e-3, atol=1e-5)
    before = layer.u.numpy().copy()
    layer(x, training=False)
    np.testing.assert_array_equal(layer.u.numpy(), before)


def test_wgan_keeps_its_weights_within_the_limit():
    """After a step no weight of the critic is above the clip."""
    arena = collapse.Arena("wgan", "ring", seeds=(0,), steps=10)
    arena.train(2)
    assert max(float(tf.reduce_max(tf.abs(w))) for w in arena.discriminator.trainable_variables) <= 0.1 + 1e-7


def test_coins_are_fair_and_noise_is_normal():
    """The coins of z are -1 or 1 with mean 0; the rest has mean 0 and variance 1; steps and seeds differ."""
    arena = collapse.Arena(collapse.Method(latent=3, coins=4), "ring", seeds=(0, 1), steps=10)
    z = arena.noise(20_000, tf.constant(5)).numpy()
    assert set(np.unique(z[..., 3:])) == {-1.0, 1.0}
    assert np.abs(z[..., 3:].mean(axis=1)).max() < 0.03
    assert np.abs(z[..., :3].mean(axis=1)).max() < 0.03
    assert np.abs(z[..., :3].var(axis=1) - 1).max() < 0.05
    assert not np.array_equal(z, arena.noise(20_000, tf.constant(6)).numpy())
    assert not np.array_equal(z[0], z[1])


@pytest.mark.parametrize(
    ("pair", "share", "value"),
    [
        ((1.0, 1e-4), 0.0, 1.0),
        ((1.0, 1e-4), 0.35, 1e-2),
        ((1.0, 1e-4), 0.9, 1e-4),
        ((0.5, 0.0), 0.35, 0.25),
        ((0.0, 0.0), 0.5, 0.0),
        ((0.1, 0.1), 0.2, 0.1),
    ],
)
def test_what_falls_falls_as_described(pair, share, value):
    """Geometrically between two positive numbers, linearly to zero, done after 70 %."""
    assert collapse.at(pair, share) == pytest.approx(value)


def test_the_rate_settles():
    """Full until 70 %, then down to 2 %."""
    assert collapse.settled(0.3) == collapse.settled(0.7) == 1.0
    assert collapse.settled(0.85) == pytest.approx(0.51)
    assert collapse.settled(1.0) == pytest.approx(0.02)


def test_points_are_scaled_to_unit_spread():
    """Networks see points of standard deviation 1; samples come back in the data's units."""
    arena = collapse.Arena("gan", "grid", seeds=(0,), steps=10)
    assert float(tf.math.reduce_std(arena.points)) == pytest.approx(1.0, rel=1e-3)
    assert arena.scale == pytest.approx(np.sqrt(8), rel=0.01)
    z = arena.noise(4, tf.constant(2**30))
    np.testing.assert_allclose(arena.sample(4), arena.scale * arena.generator(z), rtol=1e-5)


@pytest.mark.long
def test_the_best_method_finds_all_modes_of_an_easier_ring():
    """Two seeds, a short training on a ring of wider modes: all eight are found, sharper than by the plain GAN."""
    points, centres = data.ring(20_000, np.random.default_rng(0), sigma=0.05)
    from aigc_course import metrics

    found = {}
    for name in ("gan", "best"):
        arena = collapse.Arena(name, points, seeds=(11, 12), steps=1200)
        arena.train()
        found[name] = [metrics.mode_coverage(one, centres, 0.05) for one in arena.sample()]
    assert [one.modes for one in found["best"]] == [8, 8]
    assert min(one.high_quality_share for one in found["best"]) > 0.8
    shares = {name: [one.high_quality_share for one in scores] for name, scores in found.items()}
    assert min(shares["best"]) > max(shares["gan"])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: collapse.Arena("dcgan"), "method must be one of gan, gan, constant rate"),
        (lambda: collapse.Arena("gan", "spiral"), "data must be one of ring, grid"),
        (lambda: collapse.Arena("gan", np.zeros((5, 3))), r"\(N, 2\), N >= 2; received shape \(5, 3\)"),
        (lambda: collapse.Arena("gan", np.full((5, 2), np.nan)), "finite array"),
        (lambda: collapse.Arena("gan", np.ones((5, 2))), "the points are all the same"),
        (lambda: collapse.Arena("gan", seeds=(1, 1)), "seeds must be different integers"),
        (lambda: collapse.Arena("gan", seeds=()), "seeds must be different integers"),
        (lambda: collapse.Arena("gan", seeds=(-1,)), "seeds must be different integers"),
    ],
)
def test_bad_input_is_refused(call, message):
    """One line that says what was expected and what came."""
    with pytest.raises(CourseError, match=message):
        call()


def command(*arguments):
    return subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "mode_collapse.py"), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.long
def test_the_command_prints_a_line_a_seed_and_then_json(tmp_path):
    """Two seeds from 40 on: their numbers, then mean and standard error of each quantity."""
    done = command("--data", "grid", "--method", "best", "--seeds", "2", "--first-seed", "40", "--steps", "6")
    assert done.returncode == 0, done.stderr
    *lines, last = done.stdout.strip().splitlines()
    assert [line.split(":")[0] for line in lines] == ["seed 40", "seed 41"]
    result = json.loads(last)
    assert [len(each) for each in result["each"]] == [4, 4]
    for name in ("modes", "high_quality", "reverse_kl", "spread"):
        assert set(result[name]) == {"mean", "standard_error"}
    assert result["n_seeds"] == 2


@pytest.mark.long
def test_the_command_refuses_in_one_line():
    """An unknown method, an unknown data set: exit code 2 and one line."""
    for arguments in (("--method", "dcgan"), ("--data", "spiral"), ("--seeds", "0")):
        done = command(*arguments)
        assert done.returncode == 2
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        assert done.stderr.startswith("error: ")
