"""The layers computed another way are the layers of Keras: values, gradients, moving statistics, weights, files."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from aigc_course import fast, models


def plain_generator():
    """The article's generator from Keras' own layers only."""
    return keras.Sequential(
        [
            layers.Input((100,)),
            layers.Dense(7 * 7 * 256),
            layers.Reshape((7, 7, 256)),
            layers.Conv2DTranspose(128, 4, strides=2, padding="same"),
            layers.BatchNormalization(momentum=0.8),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Conv2DTranspose(64, 4, strides=2, padding="same"),
            layers.BatchNormalization(momentum=0.8),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Conv2D(1, 4, padding="same", activation="tanh"),
        ]
    )


def answers(network, x, seed_of_upstream=(5, 6)):
    """(outputs, gradients of a random linear function of them, weights after the call) in training mode."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = network(x, training=True)
        upstream = tf.random.stateless_normal(y.shape, seed_of_upstream)
        loss = tf.reduce_sum(tf.cast(y, tf.float32) * upstream)
    gradients = tape.gradient(loss, [x, *network.trainable_variables])
    return [tf.cast(y, tf.float32), *gradients, *network.get_weights()]


def largest_gap(a, b):
    """The largest difference of two lists of arrays, relative to each array's largest entry. Some gradients are zero
    but for rounding (a bias before batch normalisation), hence the 0.1; the others reach 1 to 1000."""
    pairs = [(np.asarray(u), np.asarray(v)) for u, v in zip(a, b, strict=True)]
    return max(float(np.abs(u - v).max() / (np.abs(v).max() + 0.1)) for u, v in pairs)


SIZES = [((5, 7, 7, 3), 4), ((2, 6, 9, 8), 3), ((1, 4, 4, 1), 4), ((3, 8, 5, 2), 1), ((2, 5, 6, 4), (2, 3))]


@pytest.mark.parametrize(("shape", "kernel"), SIZES)
def test_convolution_to_one_channel(shape, kernel):
    """Outputs, gradients to inputs, kernel and bias are Keras', for odd, even and oblong kernels and images."""
    x = tf.random.stateless_normal(shape, (1, 2))
    mine, theirs = (kind(1, kernel, padding="same", activation="tanh") for kind in (fast.Conv2D, layers.Conv2D))
    for layer in (mine, theirs):
        layer.build(shape)
    mine.set_weights([w + 0.1 for w in theirs.get_weights()])
    assert largest_gap(answers(mine, x), answers(theirs, x)) > 1e-3  # other weights: the comparison can fail
    mine.set_weights(theirs.get_weights())
    assert largest_gap(answers(mine, x), answers(theirs, x)) < 1e-5


def test_it_has_two_convolutions_in_place_of_one(monkeypatch):
    """The special way is taken for one filter, stride 1 and zero padding, and for nothing else."""
    taken = []
    original = layers.Conv2D.convolution_op
    monkeypatch.setattr(layers.Conv2D, "convolution_op", lambda *a: taken.append(1) or original(*a))
    x = tf.ones((1, 6, 6, 2))
    for options in ({"strides": 2}, {"dilation_rate": 2}, {"padding": "valid"}, {"filters": 2}):
        taken.clear()
        fast.Conv2D(**{"filters": 1, "kernel_size": 3, "padding": "same", **options})(x)
        assert taken, options
    taken.clear()
    fast.Conv2D(1, 3, padding="same")(x)
    assert bool(taken) != fast.on_cpu()


@pytest.mark.parametrize("shape", [(4, 7, 7, 3), (2, 14, 14, 8), (1, 3, 5, 2)])
def test_batch_normalisation(shape):
    """Outputs, gradients and moving statistics are Keras', with the biased variance that Keras keeps."""
    x = 3.0 * tf.random.stateless_normal(shape, (1, 2)) + 1.0
    pair = [kind(momentum=0.8) for kind in (fast.BatchNormalization, layers.BatchNormalization)]
    for layer in pair:
        layer.build(shape)
        layer.gamma.assign(np.linspace(0.5, 2.0, shape[-1]))
        layer.beta.assign(np.linspace(-1.0, 1.0, shape[-1]))
    assert largest_gap(answers(pair[0], x), answers(pair[1], x)) < 2e-5
    np.testing.assert_allclose(pair[0](x, training=False), pair[1](x, training=False), atol=1e-5)
    values = np.asarray(x, np.float64).reshape(-1, shape[-1])
    np.testing.assert_allclose(pair[0].moving_variance, 0.8 + 0.2 * values.var(axis=0), rtol=1e-5)  # divided by n


def test_batch_normalisation_takes_the_kernel(monkeypatch):
    """In training on float32 and bfloat16 images the fused kernel runs; frozen, at inference, on vectors Keras does."""
    calls = []
    kernel = tf.compat.v1.nn.fused_batch_norm
    monkeypatch.setattr(tf.compat.v1.nn, "fused_batch_norm", lambda *a, **k: calls.append(1) or kernel(*a, **k))
    layer, x = fast.BatchNormalization(), tf.random.stateless_normal((4, 3, 3, 2), (1, 2))
    layer(x, training=False)
    layer.trainable = False
    layer(x, training=True)
    fast.BatchNormalization()(tf.ones((4, 3)), training=True)
    fast.BatchNormalization(dtype="mixed_float16")(x, training=True)
    fast.BatchNormalization(axis=1)(x, training=True)
    fast.BatchNormalization(scale=False)(x, training=True)
    assert calls == []
    layer.trainable = True
    layer(x, training=True)
    assert calls == [1]
    fast.BatchNormalization(dtype="mixed_bfloat16")(x, training=True)
    assert len(calls) == (2 if fast.on_cpu() else 1)


def test_batch_normalisation_in_bfloat16():
    """A batch in bfloat16 stays bfloat16 and gets Keras' outputs and gradients; statistics and weights are float32."""
    x = 3.0 * tf.random.stateless_normal((8, 7, 7, 5), (1, 2)) + 1.0
    pair = [kind(dtype="mixed_bfloat16") for kind in (fast.BatchNormalization, layers.BatchNormalization)]
    for layer in pair:
        layer.build(x.shape)
        layer.gamma.assign(np.linspace(0.501, 2.003, 5))  # 1.0 + 1/512 would be lost in bfloat16
        layer.beta.assign(np.linspace(-1.0, 1.0, 5))
    assert {weight.dtype for weight in pair[0].weights} == {"float32"}
    assert largest_gap(answers(pair[0], x), answers(pair[1], x)) < 0.01  # bfloat16 has 8 bits
    for name in ("moving_mean", "moving_variance"):
        np.testing.assert_allclose(getattr(pair[0], name), getattr(pair[1], name), rtol=1e-5)
    assert pair[0](x, training=True).dtype == tf.bfloat16


def test_the_articles_generator_is_the_plain_one():
    """Same weights in the same order: outputs, every gradient and the moving statistics agree to float tolerance.

    Gradients are compared by their norm: where LeakyReLU's input is zero but for rounding, its slope may differ.
    """
    mine, theirs = models.build_generator(), plain_generator()
    mine.set_weights(theirs.get_weights())
    z = tf.random.stateless_normal((8, 100), (3, 4))
    first, second = answers(mine, z), answers(theirs, z)
    np.testing.assert_allclose(first[0], second[0], atol=1e-5)
    for a, b in zip(first, second, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert np.linalg.norm(a - b) < 1e-3 * (np.linalg.norm(b) + 1.0), a.shape
    np.testing.assert_allclose(mine(z, training=False), theirs(z, training=False), atol=1e-5)


@pytest.mark.parametrize("backwards", [False, True])
def test_weight_files_are_interchangeable(tmp_path, backwards):
    """A .weights.h5 of the plain generator loads into the package's, and the other way round."""
    first, second = models.build_generator(), plain_generator()
    if backwards:
        first, second = second, first
    first.save_weights(tmp_path / "g.weights.h5")
    second.load_weights(tmp_path / "g.weights.h5")
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


# --- dropout ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.25, 0.5, 0.75])
def test_dropout_drops_the_share_and_keeps_the_mean(rate):
    """Of a million ones a share of `rate` becomes 0 (five standard errors), the others 1 / (1 - rate); neighbours are
    dropped independently of each other."""
    keras.utils.set_random_seed(3)
    y = fast.Dropout(rate)(tf.ones((1000, 1000)), training=True).numpy()
    assert set(np.unique(y)) == {0.0, np.float32(1 / (1 - rate))}
    dropped = y == 0
    error = np.sqrt(rate * (1 - rate) / y.size)
    assert abs(dropped.mean() - rate) < 5 * error
    for shift in (1, 2, 3, 4, 5):
        both = (dropped[:, shift:] & dropped[:, :-shift]).mean()
        assert abs(both - rate**2) < 5 * np.sqrt(rate**2 / y.size)


def test_dropout_passes_slopes_where_it_passes_values():
    """The gradient is the same mask and factor; without training nothing changes."""
    layer, x = fast.Dropout(0.25), tf.random.stateless_normal((64, 5, 5, 3), (1, 2))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
    factor = tape.gradient(y, x).numpy()
    np.testing.assert_allclose(y, factor * x.numpy(), rtol=1e-6)
    np.testing.assert_array_equal(layer(x, training=False), x)


def test_dropout_draws_anew_and_follows_its_seed():
    """Two calls differ; a layer of the same seed repeats them; an odd number of units works."""
    x = tf.ones((7, 3))
    one, other = fast.Dropout(0.5, seed=5), fast.Dropout(0.5, seed=5)
    calls = [one(x, training=True).numpy() for _ in range(6)]
    assert any((calls[0] != call).any() for call in calls[1:])
    for call in calls:
        np.testing.assert_array_equal(other(x, training=True), call)


@pytest.mark.parametrize("options", [{"rate": 0.3}, {"rate": 0.5, "noise_shape": (None, 1)}, {"rate": 0.0}])
def test_other_dropout_goes_keras_way(options):
    """A rate that bytes cannot express, a noise shape, rate 0: Keras' own numbers, bit for bit."""
    x = tf.random.stateless_normal((50, 8), (3, 4))
    mine, theirs = fast.Dropout(seed=9, **options), layers.Dropout(seed=9, **options)
    np.testing.assert_array_equal(mine(x, training=True), theirs(x, training=True))


@pytest.mark.parametrize("shape", [(7,), (3, 5), (2, 3, 4)])
def test_token_cross_entropy_is_tensorflows(shape):
    """Values and slopes are those of TensorFlow's kernel, for any rank and int type; large logits stay finite."""
    logits = 30.0 * tf.random.stateless_normal((*shape, 11), (1, 2))
    wanted = tf.random.stateless_uniform(shape, (3, 4), 0, 11, tf.int64)
    upstream = tf.random.stateless_normal(shape, (5, 6))
    found = []
    for loss in (fast.token_cross_entropy, tf.nn.sparse_softmax_cross_entropy_with_logits):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            each = loss(wanted, logits)
            whole = tf.reduce_sum(each * upstream)
        found.append((each, tape.gradient(whole, logits)))
    np.testing.assert_allclose(found[0][0], np.minimum(found[1][0], 37 * np.log(10)), rtol=2e-5, atol=1e-5)
    np.testing.assert_allclose(found[0][1], found[1][1], atol=1e-5)


def test_token_cross_entropy_closed_forms():
    """Equal logits: log V. A sure and right one: 0. A sure and wrong one: 85 nats at most, its slope all there."""
    with tf.GradientTape() as tape:
        logits = tf.constant([[2.0, 2.0, 2.0, 2.0], [500.0, 0.0, 0.0, 0.0], [500.0, 0.0, 0.0, 0.0]])
        tape.watch(logits)
        each = fast.token_cross_entropy(tf.constant([1, 0, 3]), logits)
    np.testing.assert_allclose(each[:2], [np.log(4), 0], atol=1e-6)
    assert 85 < float(each[2]) <= 500
    np.testing.assert_allclose(tape.gradient(each, logits)[2], [1, 0, 0, -1], atol=1e-6)
    halves = tf.cast([[1.0, 3.0]], tf.bfloat16)
    assert fast.token_cross_entropy(tf.constant([0]), halves).dtype == tf.float32
