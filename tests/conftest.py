"""What the tests share: TensorFlow's settings before its import, small networks, small images, notebooks offline."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from aigc_course import runtime

runtime.configure()  # before anything imports TensorFlow

import keras  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
from keras import layers  # noqa: E402

collect_ignore = [] if os.environ.get("AIGC_COLAB_WHEEL") or os.environ.get("AIGC_FAST_CHAPTERS") else ["colab"]
ROOT = Path(__file__).resolve().parent.parent
TINY_LATENT = 3
TINY_SHAPE = (4, 4, 1)


# Files whose tests are slow together, though none of them is long: `make check` leaves them to `make test`.
SLOW = (
    *("test_checks", "test_shortcuts", "test_exercises", "test_exports", "test_collecting", "test_grading"),
    *("test_honest_styles", "test_identity", "test_isolation", "test_isolation_words", "test_cli", "test_doctor"),
    *("test_gan", "test_hub", "test_machine", "test_multimodal", "test_music", "test_video", "test_notebooks"),
    *("test_codes", "test_collapse", "test_lmdg", "test_plane", "test_trust_retraining"),
)


def pytest_collection_modifyitems(items):
    """What is long is slow, and so are the files named above."""
    for item in items:
        if item.get_closest_marker("long") or item.path.stem in SLOW:
            item.add_marker(pytest.mark.slow)


def tiny_generator(batch_norm=True, dropout=False):
    """Noise (B, 3) -> images (B, 4, 4, 1) in [-1, 1], in well under 500 parameters."""
    return keras.Sequential(
        [
            layers.Input((TINY_LATENT,)),
            layers.Dense(16),
            *([layers.BatchNormalization(momentum=0.8)] if batch_norm else []),
            layers.LeakyReLU(negative_slope=0.2),
            *([layers.Dropout(0.25)] if dropout else []),
            layers.Dense(16, activation="tanh"),
            layers.Reshape(TINY_SHAPE),
        ]
    )


def tiny_discriminator(batch_norm=True, dropout=True):
    """Images (B, 4, 4, 1) -> logits (B, 1), in well under 500 parameters."""
    return keras.Sequential(
        [
            layers.Input(TINY_SHAPE),
            layers.Flatten(),
            layers.Dense(8),
            *([layers.BatchNormalization(momentum=0.8)] if batch_norm else []),
            layers.LeakyReLU(negative_slope=0.2),
            *([layers.Dropout(0.25)] if dropout else []),
            layers.Dense(1),
        ]
    )


def nbval_offline(path, folder):
    """Runs a notebook from the top with nbval, in the fast profile, without network where the system allows that."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--nbval-lax",
        "--nbval-cell-timeout=120",
        "--nbval-kernel-name=python3",
        str(path),
    ]
    cut = ["unshare", "-rn", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    possible = (
        shutil.which("unshare")
        and shutil.which("ip")
        and subprocess.run([*cut, "true"], capture_output=True, check=False).returncode == 0
    )
    environment = {**os.environ, "AIGC_FAST": "1", "MPLBACKEND": "agg", "IPYTHONDIR": str(folder)}
    done = subprocess.run(
        [*(cut if possible else []), *command], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert re.search(r"\d+ passed", done.stdout)


@pytest.fixture
def tiny_gan():
    """A function that makes a small compiled GAN, the same weights each time; keywords go to GAN.

    batch_norm, dropout, generator_dropout choose the layers; optimizer() makes each player's optimizer.
    """
    from aigc_course.gan import GAN

    def make(batch_norm=True, dropout=True, generator_dropout=False, optimizer=None, jit_compile=False, **options):
        keras.utils.set_random_seed(1)
        generator = tiny_generator(batch_norm, generator_dropout)
        gan = GAN(generator, tiny_discriminator(batch_norm, dropout), latent_dim=TINY_LATENT, **options)
        make_one = optimizer or (lambda: None)
        gan.compile(make_one(), make_one(), jit_compile=jit_compile)
        return gan

    return make


@pytest.fixture
def rng():
    """A generator of random numbers, the same for every test."""
    return np.random.default_rng(11)


@pytest.fixture
def small_images(rng):
    """uint8 images (20, 4, 4) for the tiny networks."""
    return rng.integers(0, 256, (20, 4, 4), dtype=np.uint8)


@pytest.fixture
def digit_sized(rng):
    """uint8 noise images (24, 28, 28), of the size that the article's networks take."""
    return rng.integers(0, 256, (24, 28, 28), dtype=np.uint8)


@pytest.fixture(scope="session")
def mnist():
    """The shipped MNIST, read once."""
    from aigc_course import data

    return data.load_mnist()
