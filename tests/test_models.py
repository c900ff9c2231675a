"""The article's networks: every layer, every constant, every parameter."""

import numpy as np
import pytest

from aigc_course import models
from aigc_course.errors import CourseError

# (layer, output shape without the batch, parameters), from the article's section 5, counted by hand.
GENERATOR = [
    ("Dense", (12544,), 100 * 12544 + 12544),
    ("Reshape", (7, 7, 256), 0),
    ("Conv2DTranspose", (14, 14, 128), 4 * 4 * 256 * 128 + 128),
    ("BatchNormalization", (14, 14, 128), 4 * 128),
    ("LeakyReLU", (14, 14, 128), 0),
    ("Conv2DTranspose", (28, 28, 64), 4 * 4 * 128 * 64 + 64),
    ("BatchNormalization", (28, 28, 64), 4 * 64),
    ("LeakyReLU", (28, 28, 64), 0),
    ("Conv2D", (28, 28, 1), 4 * 4 * 64 + 1),
]
DISCRIMINATOR = [
    ("Conv2D", (14, 14, 32), 3 * 3 * 1 * 32 + 32),
    ("LeakyReLU", (14, 14, 32), 0),
    ("Dropout", (14, 14, 32), 0),
    ("Conv2D", (7, 7, 64), 3 * 3 * 32 * 64 + 64),
    ("ZeroPadding2D", (8, 8, 64), 0),
    ("BatchNormalization", (8, 8, 64), 4 * 64),
    ("LeakyReLU", (8, 8, 64), 0),
    ("Dropout", (8, 8, 64), 0),
    ("Conv2D", (4, 4, 128), 3 * 3 * 64 * 128 + 128),
    ("BatchNormalization", (4, 4, 128), 4 * 128),
    ("LeakyReLU", (4, 4, 128), 0),
    ("Dropout", (4, 4, 128), 0),
    ("Flatten", (2048,), 0),
    ("Dense", (1,), 2048 + 1),
]


@pytest.fixture(scope="module")
def generator():
    return models.build_generator()


@pytest.fixture(scope="module")
def discriminator():
    return models.build_discriminator()


def table(network):
    return [(type(layer).__name__, tuple(layer.output.shape[1:]), layer.count_params()) for layer in network.layers]


def test_generator_layer_by_layer(generator):
    """The article's nine layers in its order, with its shapes; 1,924,289 parameters."""
    assert table(generator) == GENERATOR
    assert generator.count_params() == 1_924_289
    assert generator.input_shape == (None, 100)


def test_discriminator_layer_by_layer(discriminator):
    """The article's fourteen layers in its order, with its shapes; 95,489 parameters."""
    assert table(discriminator) == DISCRIMINATOR
    assert discriminator.count_params() == 95_489
    assert discriminator.input_shape == (None, 28, 28, 1)


@pytest.mark.parametrize(("name", "kernels"), [("generator", [4, 4, 4]), ("discriminator", [3, 3, 3])])
def test_constants_are_the_articles(request, name, kernels):
    """Kernels, strides, "same" padding, momentum 0.8, slope 0.2, dropout 0.25, padding below and right."""
    network = request.getfixturevalue(name)
    convolutions = [layer for layer in network.layers if "Conv2D" in type(layer).__name__]
    assert [layer.kernel_size for layer in convolutions] == [(size, size) for size in kernels]
    assert [layer.strides for layer in convolutions] == [(2, 2), (2, 2), (1, 1) if name == "generator" else (2, 2)]
    for layer in network.layers:
        kind = type(layer).__name__
        assert getattr(layer, "padding", "same") in ("same", ((0, 1), (0, 1)))
        assert kind != "ZeroPadding2D" or layer.padding == ((0, 1), (0, 1))
        assert kind != "BatchNormalization" or layer.momentum == 0.8
        assert kind != "LeakyReLU" or layer.negative_slope == pytest.approx(0.2)
        assert kind != "Dropout" or layer.rate == 0.25


def test_activations_are_the_articles_except_the_sigmoid(generator, discriminator):
    """tanh ends the generator; every other activation is linear, the discriminator's last one too (logits)."""

    def activations(network):
        return [layer.activation.__name__ for layer in network.layers if hasattr(layer, "activation")]

    assert activations(generator) == ["linear", "linear", "linear", "tanh"]
    assert activations(discriminator) == ["linear", "linear", "linear", "linear"]


def test_generator_stays_in_range(generator):
    """However loud the noise, a pixel lies in [-1, 1]; loud noise does reach the ends."""
    z = 1000 * np.random.default_rng(0).standard_normal((4, 100)).astype("float32")
    images = generator(z, training=False).numpy()
    assert images.shape == (4, 28, 28, 1)
    assert np.abs(images).max() <= 1.0
    assert np.abs(images).max() > 0.99


def test_discriminator_gives_logits_not_probabilities(discriminator):
    """A bias of +50 and of -50 on the last layer comes out as it is, beyond anything a sigmoid could give."""
    images = np.random.default_rng(0).uniform(-1, 1, (3, 28, 28, 1)).astype("float32")
    last = discriminator.layers[-1]
    kernel, bias = last.get_weights()
    before = discriminator(images, training=False).numpy()
    try:
        for shift in (50.0, -50.0):
            last.set_weights([kernel, bias + shift])
            after = discriminator(images, training=False).numpy()
            assert after == pytest.approx(before + shift, abs=1e-4)
    finally:
        last.set_weights([kernel, bias])


def test_other_sizes_fit_too():
    """latent_dim and img_shape are free: 16 noise values, colour images of 32 x 32; NumPy integers are integers."""
    assert models.build_generator(np.int64(16)).input_shape == (None, 16)
    assert models.build_discriminator([32, 32, 3]).output_shape == (None, 1)


@pytest.mark.parametrize("latent_dim", [0, -1, True, 1.5, "100", None, (100,)])
def test_latent_dim_is_checked(latent_dim):
    """Only a positive integer is a latent_dim; the error shows what came and what the article takes."""
    with pytest.raises(CourseError, match=r"latent_dim must be a positive integer; received .*100\.$") as caught:
        models.build_generator(latent_dim)
    assert repr(latent_dim) in str(caught.value)


@pytest.mark.parametrize(
    "img_shape", [(28, 28), 28, (28, 28, 0), (28, 28, -1), (28.0, 28, 1), "abc", None, (True, 28, 1)]
)
def test_img_shape_is_checked(img_shape):
    """Only (height, width, channels) is an img_shape; the error shows what came and what MNIST has."""
    with pytest.raises(CourseError, match=r"img_shape must be .*received .*MNIST") as caught:
        models.build_discriminator(img_shape)
    assert repr(img_shape) in str(caught.value)


def test_the_critic_judges_each_image_alone():
    """The article's discriminator less normalisation and dropout: 95,489 - 4 (64 + 128) parameters; in training mode an
    image's score is the same whatever stands beside it, and twice the same."""
    critic = models.build_critic()
    assert critic.count_params() == 95_489 - 4 * (64 + 128)
    images = np.random.default_rng(0).uniform(-1, 1, (6, 28, 28, 1)).astype("float32")
    together = critic(images, training=True).numpy()
    alone = np.concatenate([critic(images[i : i + 1], training=True) for i in range(6)])
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-5)
    mixed = models.build_discriminator()  # the comparison can fail: batch normalisation mixes
    first, whole = mixed(images[:1], training=True), mixed(images, training=True)
    assert np.abs(np.asarray(whole)[:1] - np.asarray(first)).max() > 1e-3


def test_a_generator_of_three_channels():
    """channels=3 changes the last layer alone: 2 x (4 x 4 x 64 + 1) more parameters, values in [-1, 1]."""
    generator = models.build_generator(channels=3)
    assert generator.count_params() == 1_924_289 + 2 * (4 * 4 * 64 + 1)
    images = generator(np.random.default_rng(0).standard_normal((2, 100)).astype("float32")).numpy()
    assert images.shape == (2, 28, 28, 3)
    assert np.abs(images).max() <= 1
    with pytest.raises(CourseError, match="img_shape must be"):
        models.build_generator(channels=0)
