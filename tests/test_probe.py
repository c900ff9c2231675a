"""Chapter 09's linear probe: leave-one-out without leaving out, readers, states; the small experiment's rows."""

import importlib.util
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from aigc_course.errors import CourseError
from aigc_course.lmdg.core import transformer
from aigc_course.lmdg.words import probe, rows

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


def benchmark(name):
    """A benchmark as a module, whatever else has its name."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        spec = importlib.util.spec_from_file_location(f"bench_{name}", BENCHMARKS / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(BENCHMARKS))
    return module


def ridge(x, y, decay, other):
    """Ridge regression with an intercept that costs nothing, solved as it is written."""
    mean, there = x.mean(axis=0), y.mean(axis=0)
    weights = np.linalg.solve((x - mean).T @ (x - mean) + decay * np.eye(x.shape[1]), (x - mean).T @ (y - there))
    return there + (other - mean) @ weights


@pytest.mark.parametrize(("n", "features"), [(12, 5), (8, 30)])
def test_left_out_errors_are_those_of_n_fits(rng, n, features):
    """PRESS in closed form = the sum over n fits, each without one example; predictions = those of plain ridge."""
    x, y = rng.standard_normal((n, features)), rng.standard_normal((n, 3))
    centred = x - x.mean(axis=0)
    decay = 0.3 * (centred**2).sum() / n  # the same number that kernel_ridge makes of 0.3
    press, predict = probe.kernel_ridge(x @ x.T, y, [0.3])
    others = [np.arange(n) != i for i in range(n)]
    missed = [y[i] - ridge(x[rest], y[rest], decay, x[i]) for i, rest in enumerate(others)]
    assert press == pytest.approx(np.square(missed).sum(), rel=1e-8)
    new = rng.standard_normal((4, features))
    np.testing.assert_allclose(predict(new @ x.T), ridge(x, y, decay, new), atol=1e-9)


def test_the_decay_with_the_smallest_error_is_taken(rng):
    """Of several decays the one whose PRESS is smallest: a straight line wants little, pure noise much."""
    x = rng.standard_normal((40, 3))
    line, noise = x @ rng.standard_normal((3, 1)), rng.standard_normal((40, 1))
    for y in (line, noise):
        each = {decay: probe.kernel_ridge(x @ x.T, y, [decay])[0] for decay in probe.DECAYS}
        assert probe.kernel_ridge(x @ x.T, y)[0] == min(each.values())
    assert min(probe.DECAYS) == min(probe.DECAYS, key=lambda d: probe.kernel_ridge(x @ x.T, line, [d])[0])
    with pytest.raises(CourseError, match=r"kernel \(n, n\)"):
        probe.kernel_ridge(x, line)


@pytest.mark.parametrize("reader", ["ridge", "RBF ridge", "nearest"])
def test_readers_read_what_is_apart(rng, reader):
    """Ten far clouds: every reader names new points of them all."""
    centres = 5 * rng.standard_normal((10, 12))
    labels = np.tile(np.arange(10), 4)
    train, new = (centres[labels] + 0.3 * rng.standard_normal((40, 12)) for _ in range(2))
    (seen,) = probe.read_with(reader, train, labels, new)
    assert np.array_equal(seen, labels)


def test_states_are_those_of_the_decoder(rng):
    """The last block's state, normed and multiplied by the embedding, is the decoder's logits; shapes of features."""
    vocabulary = rows.Vocabulary(rows.LETTERS + "零一二三四五六七八九粗细的")
    keras.utils.set_random_seed(1)
    decoder = transformer.Decoder(vocabulary.size, context=rows.LENGTH, width=16, depth=2, heads=2)
    numbers = rng.integers(64, size=(3, 49))
    states = probe.block_states(decoder, vocabulary, "image", numbers, batch_size=2)
    assert states.shape == (3, 3, 49, 16)
    logits = decoder(rows.rows_of(vocabulary, "image", numbers), training=False)[:, rows.TEXT + 1 : rows.TEXT + 50]
    np.testing.assert_allclose(decoder.logits(states[-1].astype(np.float32)), logits, atol=2e-3)
    assert probe.averaged(states).shape == (3, 3 * 16)
    np.testing.assert_allclose(probe.averaged(states)[:, :16], states[1].mean(axis=1), atol=2e-3)


def test_the_gaussian_is_chapter_01s(rng):
    """Woodbury's formula = Cholesky of the whole covariance; the ridge enters as C + ridge I."""
    bench = benchmark("probe")
    x = rng.standard_normal((50, 7)) @ rng.standard_normal((7, 7))
    labels = np.tile(np.arange(10), 5)
    new = rng.standard_normal((6, 7))
    (found,) = bench.gaussian(x, labels, [new], (0.4,))[0.4]
    for digit in range(10):
        part = x[labels == digit]
        covariance = np.cov(part, rowvar=False) + 0.4 * np.eye(7)
        off = new - part.mean(axis=0)
        wanted = -0.5 * (np.einsum("ij,jk,ik->i", off, np.linalg.inv(covariance), off))
        wanted -= 0.5 * np.linalg.slogdet(covariance)[1]
        np.testing.assert_allclose(found[:, digit], wanted, rtol=1e-8)


def test_rows_of_the_small_experiment(rng):
    """Captions stand at the right end, the name last; what is given is negative; measured words come in thirds."""
    bench = benchmark("factorial")
    words = np.tile([[13, 0, 18], [0, 0, 0]], (50, 1))
    found = bench.captions(words, np.full(100, 7), rng)
    assert (found[:, -1] == bench.NAME + 7).all()
    assert (found[1::2, :-1] == 0).all()
    assert set(np.unique(found[::2, :-1])) == {0, 13, 18}
    assert ((np.diff((found > 0).astype(int), axis=1)) >= 0).all()  # no gap behind the first word
    codes = rng.integers(64, size=(2, 49))
    draw, read, plain = bench.row(codes, found[:2]), bench.row(codes, answer=bench.NAME + 3), bench.row(codes)
    assert (draw[:, : bench.PLACES + 1] <= 0).all()
    assert (draw[:, bench.PLACES + 1 : -2] == bench.CODE + codes).all()
    assert (read[:, :-1] <= 0).all()
    assert (read[:, -1] == bench.NAME + 3).all()
    assert (plain[:, : bench.PLACES] == 0).all()


def test_slant_height_and_width_are_measured():
    """A bar that leans right is slanted, one that leans left upright; a tall one is tall; thick and thin by strokes."""
    bench = benchmark("factorial")
    images = np.full((9, 28, 28, 1), -1.0)
    for i, lean in enumerate((-0.6, 0.0, 0.6)):
        for y in range(4, 24):
            x = round(14 - lean * (y - 14))
            images[i, y, x : x + 2] = 1
        images[3 + i, 4:24, 13 : 15 + i] = 1
        images[6 + i, 14 - 3 * (i + 1) : 14 + 3 * (i + 1), 9:19] = 1
    words = bench.measured(images.astype(np.float32))
    assert words[0, 1] == 16  # upright, of "slanted, upright" = 15, 16
    assert words[2, 1] == 15
    assert set(words[:, 2]) <= {0, 17, 18}
    assert words[1, 2] == 17
