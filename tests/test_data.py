"""Data: the shipped files are the published ones, damage is refused, scaling is exact, batches go on anywhere."""

import errno
import hashlib
import os
import shutil
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from aigc_course import data
from aigc_course.errors import CourseError

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))
import make_fashion

# The published MD5 sums of MNIST's four IDX files.
PUBLISHED_MD5 = {
    "x_train": "6bbc9ace898e44ae57da46a324031adb",
    "y_train": "a25bea736e30d166cdddb491f175f624",
    "x_test": "2646ac647ad5339dbf082846283269ea",
    "y_test": "27ae3e4e09519cfbb04c329615203637",
}
SHIPPED = data.ASSETS


def idx_md5(array):
    """The MD5 sum of an array written as an IDX file: magic number, big-endian sizes, bytes."""
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return hashlib.md5(header + array.tobytes(), usedforsecurity=False).hexdigest()


@pytest.fixture
def assets(monkeypatch, tmp_path):
    """A copy of the folder of shipped files, to damage."""
    folder = tmp_path / "assets"
    folder.mkdir()
    for name in ("SHA256SUMS", "mnist.npz"):
        shutil.copy(SHIPPED / name, folder)
    monkeypatch.setattr(data.checksums, "ASSETS", folder)
    return folder


# --- MNIST -----------------------------------------------------------------------------------------------


def test_mnist_has_its_shapes(mnist):
    """60,000 + 10,000 images of 28 x 28, all uint8, ink is bright; labels 0..9 in the published counts."""
    (x_train, y_train), (x_test, y_test) = mnist
    assert [a.shape for a in (x_train, y_train)] == [(60000, 28, 28), (60000,)]
    assert [a.shape for a in (x_test, y_test)] == [(10000, 28, 28), (10000,)]
    assert {a.dtype for a in (x_train, y_train, x_test, y_test)} == {np.dtype("uint8")}
    assert np.bincount(y_train).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert x_train[:, 0, 0].max() == 0  # a corner is paper


def test_mnist_is_the_published_one(mnist):
    """Written back as IDX, all four arrays have the published MD5 sums."""
    (x_train, y_train), (x_test, y_test) = mnist
    arrays = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    assert {name: idx_md5(array) for name, array in arrays.items()} == PUBLISHED_MD5


def test_the_share_of_fashion_mnist_is_balanced_and_as_said():
    """600 and 200 images a class, uint8, ten names, and the first five labels of the published file."""
    (x_train, y_train), (x_test, y_test) = data.load_fashion_mnist()
    assert [x_train.shape, x_test.shape] == [(6000, 28, 28), (2000, 28, 28)]
    assert {part.dtype for part in (x_train, y_train, x_test, y_test)} == {np.dtype(np.uint8)}
    assert [np.bincount(y).tolist() for y in (y_train, y_test)] == [[600] * 10, [200] * 10]
    assert list(y_train[:5]) == [9, 0, 0, 3, 0]  # the published order: ankle boot, t-shirt, t-shirt, dress, t-shirt
    assert len(data.FASHION_CLASSES) == len(set(data.FASHION_CLASSES)) == 10


def test_the_tool_takes_the_first_of_each_class_in_their_old_order(rng):
    """What `tools/make_fashion.py` does with the published files, whose MD5 sums it compares."""
    labels = np.concatenate([np.arange(10), rng.permutation(np.repeat(np.arange(10), 5))]).astype(np.uint8)
    images = np.arange(len(labels), dtype=np.uint8)[:, None, None] * np.ones((1, 2, 2), np.uint8)
    chosen, kept = make_fashion.share(images, labels, 3)
    places = chosen[:, 0, 0]
    assert (np.diff(places.astype(int)) > 0).all()
    assert np.array_equal(labels[places], kept)
    for one in range(10):
        assert np.array_equal(places[kept == one], np.flatnonzero(labels == one)[:3])


def test_every_shipped_file_is_listed_and_whole():
    """Each data and weight file in assets/ has its SHA-256 in SHA256SUMS, and it is right."""
    present = {path.name for path in SHIPPED.iterdir()} - {"SHA256SUMS", "README.md"}
    assert present == set(data.shipped_files())
    for name, expected in data.shipped_files().items():
        assert hashlib.sha256((SHIPPED / name).read_bytes()).hexdigest() == expected, name


@pytest.mark.parametrize("damage", ["altered", "truncated", "empty"])
def test_a_damaged_file_is_refused_with_both_checksums(assets, damage):
    """One altered bit, a missing end, no content: the error names the file, both sums, and the mend, in one line."""
    path = assets / "mnist.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes({"altered": content, "truncated": content[:-1000], "empty": b""}[damage])
    with pytest.raises(CourseError, match=r"mnist\.npz is damaged") as caught:
        data.load_mnist()
    assert data.shipped_files()["mnist.npz"] in str(caught.value)
    assert hashlib.sha256(path.read_bytes()).hexdigest() in str(caught.value)
    assert "git checkout" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_refused_by_name(assets):
    """The error names the path and the command that brings the file back."""
    (assets / "mnist.npz").unlink()
    with pytest.raises(CourseError, match=r"mnist\.npz is missing.*git checkout"):
        data.load_mnist()


@pytest.mark.parametrize("name", ["mnist.npz", "shakespeare.txt.xz", "SHA256SUMS"])
def test_a_shipped_file_that_the_machine_cannot_read_is_not_called_damaged(monkeypatch, assets, name):
    """A link to itself stands for a failing disk or missing rights (root has all of them): the system's own words."""
    (assets / name).unlink(missing_ok=True)
    (assets / name).symlink_to(assets / name)
    if name == "SHA256SUMS":
        monkeypatch.setattr(
            data.checksums, "shipped_files", data.shipped_files.__wrapped__
        )  # it is read once a process
    with pytest.raises(CourseError, match=f"could not be read: {os.strerror(errno.ELOOP)}") as caught:
        data.asset("mnist.npz" if name == "SHA256SUMS" else name)
    assert not any(word in str(caught.value) for word in ("damaged", "missing", "git checkout"))


def test_an_asset_that_never_was():
    """A wrong name lists the right ones."""
    with pytest.raises(CourseError, match=r"not a file of the course; there are: .*mnist\.npz"):
        data.asset("cifar.npz")


# --- scaling ---------------------------------------------------------------------------------------------


def test_unscale_is_the_inverse_of_scale():
    """All 256 values go to [-1, 1] and come back, in grey and in colour."""
    values = np.arange(256, dtype=np.uint8)
    for images in (values.reshape(4, 8, 8), values[:192].reshape(1, 8, 8, 3)):
        scaled = data.scale(images)
        assert scaled.dtype == np.float32
        assert scaled.ndim == 4
        np.testing.assert_array_equal(data.unscale(scaled), images)


def test_scale_is_the_formula():
    """0 -> -1, 255 -> 1 exactly, evenly spaced between; (N, H, W) gains a channel."""
    scaled = data.scale(np.arange(256, dtype=np.uint8).reshape(1, 16, 16))
    assert scaled.shape == (1, 16, 16, 1)
    assert scaled.min() == -1.0
    assert scaled.max() == 1.0
    np.testing.assert_allclose(scaled.ravel(), np.arange(256) / 127.5 - 1, atol=1e-7)


def test_unscale_rounds_to_the_nearest_value(rng):
    """No value moves by more than half a step, and 1.0 + rounding noise is still 255."""
    images = rng.uniform(-1, 1, (2, 8, 8, 1)).astype(np.float32)
    back = data.unscale(images).astype(float)[..., None] / 127.5 - 1
    assert np.abs(back - images).max() <= 0.5 / 127.5 + 1e-6
    assert data.unscale(np.full((1, 1, 1, 1), 1.00005)).item() == 255


@pytest.mark.parametrize(
    ("images", "expected", "came"),
    [
        (np.zeros((2, 4, 4), np.float32), "uint8 from 0 to 255", "float32 from 0 to 0"),
        (np.full((2, 4, 4), 300, np.int64), "uint8 from 0 to 255", "int64 from 300 to 300"),
        (np.full((2, 4, 4), -1, np.int8), "uint8 from 0 to 255", "int8 from -1 to -1"),
        (np.full((2, 4, 4), np.nan), "uint8 from 0 to 255", "NaN"),
        (np.full((2, 4, 4), np.inf), "uint8 from 0 to 255", "infinity"),
        (np.zeros((4, 4), np.uint8), "shape (N, height, width)", "(4, 4)"),
        (np.zeros((1, 2, 3, 4, 5), np.uint8), "shape (N, height, width)", "(1, 2, 3, 4, 5)"),
        (np.zeros((0, 4, 4), np.uint8), "nothing empty", "(0, 4, 4)"),
        (np.array("text"), "uint8 from 0 to 255", "<U4"),
        (np.array([None, 1]), "uint8 from 0 to 255", "object"),
    ],
)
def test_what_are_no_images_is_refused(images, expected, came):
    """Wrong dtype, range, NaN, shape: the error says what was expected and what came, in one line."""
    for function in (data.scale, data.check_images, data.batches):
        with pytest.raises(CourseError) as caught:
            function(images)
        assert expected in str(caught.value)
        assert came in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("images", "came"),
    [
        (np.zeros((2, 4, 4, 1), np.uint8), "uint8"),
        (np.zeros((2, 4, 4), np.float32), "(2, 4, 4)"),
        (np.zeros((0, 4, 4, 1), np.float32), "(0, 4, 4, 1)"),
        (np.full((2, 4, 4, 1), 1.01, np.float32), "[1.01, 1.01]"),
        (np.linspace(0, 255, 32).reshape(2, 4, 4, 1), "[0, 255]"),
        (np.full((2, 4, 4, 1), np.nan, np.float32), "nan"),
    ],
)
def test_what_is_not_scaled_is_refused(images, came):
    """unscale takes float (N, H, W, C) in [-1, 1] only; an error shows what came."""
    with pytest.raises(CourseError) as caught:
        data.unscale(images)
    assert came in str(caught.value)


# --- files of one's own ----------------------------------------------------------------------------------


def test_load_images_reads_npz_and_npy(tmp_path, small_images):
    """x_train or images of an .npz, or a bare .npy; x_train is preferred."""
    np.savez(tmp_path / "a.npz", x_train=small_images, images=small_images[:1])
    np.savez_compressed(tmp_path / "b.npz", images=small_images)
    np.save(tmp_path / "c.npy", small_images)
    for name in ("a.npz", "b.npz", "c.npy"):
        np.testing.assert_array_equal(data.load_images(tmp_path / name), small_images)


def test_load_images_never_unpickles(tmp_path):
    """An object array would run code of its author's: it is refused, in .npy and in .npz."""
    marker = tmp_path / "executed"

    class Evil:
        def __reduce__(self):
            return marker.touch, ()

    array = np.empty(1, object)
    array[0] = Evil()
    np.save(tmp_path / "evil.npy", array, allow_pickle=True)
    np.savez(tmp_path / "evil.npz", images=array)
    for name in ("evil.npy", "evil.npz"):
        with pytest.raises(CourseError, match="not a readable"):
            data.load_images(tmp_path / name)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.npz", None, "there is no file"),
        ("empty.npz", b"", "not a readable"),
        ("text.npz", b"hello, this is no array", "not a readable"),
        ("text.npy", b"\x93NUMPY but not really", "not a readable"),
        ("names.npz", {"pictures": np.zeros((1, 2, 2), np.uint8)}, "it holds ['pictures']"),
        ("floats.npz", {"images": np.zeros((1, 2, 2))}, "received float64"),
        ("flat.npz", {"images": np.zeros((2, 2), np.uint8)}, "received (2, 2)"),
        ("nan.npz", {"images": np.full((1, 2, 2), np.nan)}, "NaN"),
    ],
)
def test_load_images_refuses_by_name(tmp_path, name, content, message):
    """No file, no archive, no such array, no images: the error names the path and what is wrong, in one line."""
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.savez(path, **content)
    with pytest.raises(CourseError) as caught:
        data.load_images(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.EMFILE, errno.ENOLCK, None])
def test_load_images_tells_the_machine_from_the_file(monkeypatch, tmp_path, small_images, code):
    """What the machine refuses is passed on with the cause; an error without errno is the file's."""
    path = tmp_path / "whole.npz"
    np.savez(path, images=small_images)

    def refuse(*_, **__):
        raise OSError(code, os.strerror(code)) if code else OSError("Failed to interpret file as a pickle")

    monkeypatch.setattr(np, "load", refuse)
    with pytest.raises(CourseError, match=os.strerror(code) if code else "not a readable") as caught:
        data.load_images(path)
    assert ("truncated" in str(caught.value)) is (code is None)


def test_load_images_through_a_link_to_itself(tmp_path):
    """The system's words, not "there is no file": there is something of that name."""
    (tmp_path / "a.npz").symlink_to(tmp_path / "a.npz")
    with pytest.raises(CourseError, match=os.strerror(errno.ELOOP)):
        data.load_images(tmp_path / "a.npz")


@pytest.mark.parametrize("name", ["plain.npz", "packed.npz", "bare.npy"])
def test_no_damage_gets_past_as_a_crash(tmp_path, small_images, name):
    """Every truncation and every altered byte gives the true images or a CourseError; the .npz has a checksum, so
    that it never gives other images."""
    path = tmp_path / name
    small = small_images[:2]
    write = {
        "plain.npz": lambda: np.savez(path, images=small),
        "bare.npy": lambda: np.save(path, small),
        "packed.npz": lambda: np.savez_compressed(path, images=small),
    }[name]
    write()
    content = path.read_bytes()
    damaged = [content[:length] for length in range(len(content))]
    for place in range(len(content)):
        altered = bytearray(content)
        altered[place] ^= 0xFF
        damaged.append(bytes(altered))
    crashes, refused = [], 0
    for version in damaged:
        path.write_bytes(version)
        try:
            images = data.load_images(path)
        except CourseError:
            refused += 1
        except Exception as error:
            crashes.append(type(error).__name__)
        else:
            assert name == "bare.npy" or np.array_equal(images, small)
    assert not crashes, sorted(set(crashes))
    assert refused > len(content)


# --- batches ---------------------------------------------------------------------------------------------


def numbered(count):
    """Images (count, 2, 2), each of one brightness: its number."""
    return np.repeat(np.arange(count, dtype=np.uint8), 4).reshape(count, 2, 2)


def stream(count, batch_size, steps, **options):
    """The numbers of the images in the first batches: int array (steps, batch_size)."""
    batches = data.batches(numbered(count), batch_size, **options).take(steps)
    return np.array([data.unscale(batch.numpy())[:, 0, 0] for batch in batches])


def test_batches_are_scaled_float_images(small_images):
    """float32 (B, H, W, 1) in [-1, 1], the shape known before a batch is drawn; equal to data.scale."""
    dataset = data.batches(small_images, 20, seed=3)
    assert tuple(dataset.element_spec.shape) == (20, 4, 4, 1)
    batch = next(iter(dataset)).numpy()
    assert batch.dtype == np.float32
    found, expected = (np.sort(images.reshape(20, 16), axis=0) for images in (batch, data.scale(small_images)))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_every_image_once_in_a_pass_and_each_pass_in_its_own_order():
    """20 images in batches of 5: four batches hold each image once; three passes have three orders."""
    passes = stream(20, 5, 12).reshape(3, 20)
    for order in passes:
        assert sorted(order) == list(range(20))
        assert list(order) != list(range(20))
    assert len({tuple(order) for order in passes}) == 3


def test_images_left_over_differ_from_pass_to_pass():
    """23 images in batches of 5: 20 distinct ones a pass, and over ten passes every image gets its turn."""
    passes = stream(23, 5, 40).reshape(10, 20)
    assert all(len(set(order)) == 20 for order in passes)
    assert set(passes.ravel()) == set(range(23))


@pytest.mark.parametrize("start", [1, 3, 4, 9])
def test_a_stream_taken_up_later_goes_on_exactly(start):
    """start=k gives what the whole stream gives from its batch k on, across the end of a pass too."""
    whole = stream(20, 5, 12, seed=5)
    np.testing.assert_array_equal(stream(20, 5, 12 - start, seed=5, start=start), whole[start:])


def test_the_seed_decides_the_stream():
    """Same seed, same batches; another seed, other batches."""
    np.testing.assert_array_equal(stream(20, 5, 6, seed=5), stream(20, 5, 6, seed=5))
    assert (stream(20, 5, 6, seed=5) != stream(20, 5, 6, seed=6)).any()


@pytest.mark.parametrize("batch_size", [0, -3, 21, True, 2.0, "5", None])
def test_batch_size_is_checked(small_images, batch_size):
    """From 1 to the number of images, an integer; the error states both numbers."""
    with pytest.raises(CourseError, match=r"an integer from 1 to 20; received .*There are 20 images") as caught:
        data.batches(small_images, batch_size)
    assert repr(batch_size) in str(caught.value)


# --- toy distributions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("make", "modes", "sigma"), [(data.ring, 8, 0.01), (data.grid, 25, 0.05)])
def test_mixtures_have_their_centres_spread_and_balance(make, modes, sigma):
    """Equal shares, mean 0 and covariance sigma^2 I around each centre, each within five standard errors."""
    n = 20_000
    samples, centres = make(n, np.random.default_rng(4))
    assert samples.shape == (n, 2)
    assert centres.shape == (modes, 2)
    assert samples.dtype == centres.dtype == np.float32
    nearest = ((samples[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    deviations = (samples - centres[nearest]) / sigma
    assert np.abs(deviations.mean(axis=0)).max() < 5 / np.sqrt(n)
    np.testing.assert_allclose(np.cov(deviations, rowvar=False), np.eye(2), atol=5 * np.sqrt(2 / n))
    shares = np.bincount(nearest, minlength=modes) / n
    assert np.abs(shares - 1 / modes).max() < 5 * np.sqrt(1 / modes / n)


def test_ring_and_grid_stand_where_the_literature_has_them():
    """Eight centres on the unit circle 45 degrees apart; 5 x 5 centres at -4, -2, 0, 2, 4."""
    _, ring = data.ring(1, np.random.default_rng(0))
    np.testing.assert_allclose(np.linalg.norm(ring, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(np.sort(np.degrees(np.arctan2(*ring.T[::-1])) % 360), np.arange(0, 360, 45), atol=1e-3)
    _, grid = data.grid(1, np.random.default_rng(0))
    ticks = [-4, -2, 0, 2, 4]
    assert {tuple(centre) for centre in grid.tolist()} == {(x, y) for x in ticks for y in ticks}


def test_mixtures_depend_on_the_rng_alone():
    """Same state, same samples; the rng moves on, so that the next ones differ."""
    rng = np.random.default_rng(1)
    first, second = data.ring(10, rng)[0], data.ring(10, rng)[0]
    np.testing.assert_array_equal(first, data.ring(10, np.random.default_rng(1))[0])
    assert (first != second).any()


@pytest.mark.parametrize(("n", "rng"), [(0, None), (-1, None), (2.0, None), (5, 7), (5, np.random)])
def test_mixtures_check_their_arguments(n, rng):
    """n is a positive integer and rng a numpy Generator, neither a seed nor the global state."""
    with pytest.raises(CourseError, match="default_rng"):
        data.ring(n, np.random.default_rng(0) if rng is None else rng)


def test_no_data_set_is_tuned(small_images):
    """tf.data's tuning thread makes the end of `fit` wait (`data.untuned`)."""
    from aigc_course.lmdg import tang
    from aigc_course.lmdg.core import training

    tokens = np.arange(1, 40)
    sets = (
        data.batches(small_images, 4),
        data.stacked_batches(small_images, 4),
        tang.windows(tokens, 8, 2, seed=1),
        training.row_batches(tokens.reshape(3, 13), 2, seed=1),
    )
    assert all(found.options().autotune.enabled is False for found in sets)


def test_stacked_batches_hold_three_independent_digits(rng):
    """Each channel is an image of the data in [-1, 1]; channels are no copies of each other; entering at batch 3 is
    skipping 3."""
    images = np.arange(50, dtype=np.uint8)[:, None, None] * np.ones((1, 2, 2), np.uint8)  # image i is filled with i
    stream = data.stacked_batches(images, 10, seed=5)
    drawn = np.concatenate([batch.numpy() for batch in stream.take(5)])  # (50, 2, 2, 3): one pass over the data
    labels = np.rint((drawn[:, 0, 0] + 1) * 127.5).astype(int)  # (50, 3)
    assert drawn.shape == (50, 2, 2, 3)
    for channel in range(3):
        assert sorted(labels[:, channel]) == list(range(50))
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert (labels[:, a] == labels[:, b]).mean() < 0.2
    later = next(iter(data.stacked_batches(images, 10, seed=5, start=3)))
    np.testing.assert_array_equal(later, drawn[30:40])


def test_moons_lie_on_two_half_circles(rng):
    """Without noise every point is at distance 1 from one of the two centres, half of them each, on its own side."""
    points = data.moons(2000, rng, sigma=0.0)
    upper = np.abs(np.linalg.norm(points - [-0.5, -0.25], axis=1) - 1) < 1e-5
    lower = np.abs(np.linalg.norm(points - [0.5, 0.25], axis=1) - 1) < 1e-5
    assert (upper | lower).all()
    assert 0.45 < upper.mean() < 0.55
    assert points[upper & ~lower][:, 1].min() >= -0.25 - 1e-6
    assert points[lower & ~upper][:, 1].max() <= 0.25 + 1e-6
    with pytest.raises(CourseError, match="n must be a positive integer"):
        data.moons(0, rng)
