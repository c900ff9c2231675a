"""Every data set and toy distribution of the course, offline; images to [-1, 1] and back."""

import hashlib
import lzma
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from aigc_course.runtime import CourseError, one_of, unreadable

ASSETS = Path(__file__).parent / "assets"


@cache
def checksums():
    """The SHA-256 sums of all shipped files: dict, file name -> 64 hexadecimal digits (from assets/SHA256SUMS)."""
    path = ASSETS / "SHA256SUMS"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise unreadable(path, error) from error
    return {name: digest for digest, name in (line.split() for line in lines)}


def sha256(path):
    """The SHA-256 sum of a file, as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def asset(name):
    """The path of a shipped file, after its checksum was compared.

    Args:
        name: str, a file in `aigc_course/assets`, for example "mnist.npz".

    Returns:
        `pathlib.Path`.

    Raises:
        CourseError: the file is missing, cannot be read, or is not the one that was shipped.
    """
    path = ASSETS / name
    if name not in checksums():
        raise CourseError(f"{name} is not a file of the course; there are: {', '.join(sorted(checksums()))}.")
    try:
        found = sha256(path)
    except FileNotFoundError as error:
        raise CourseError(f"{path} is missing. Get it back with `git checkout -- {name}` in its folder.") from error
    except OSError as error:
        raise unreadable(path, error) from error
    if found != checksums()[name]:
        raise CourseError(
            f"{name} is damaged: expected SHA-256 {checksums()[name]}, found {found}. "
            f"Get it back with `git checkout -- {path}`, or install the course again."
        )
    return path


def load_mnist():
    """MNIST, handwritten digits (LeCun & Cortes, CC BY-SA 3.0), from the shipped file.

    Returns:
        `((x_train, y_train), (x_test, y_test))`, all uint8: images (60000, 28, 28) and (10000, 28, 28) with
        0 = paper and 255 = ink; labels (60000,) and (10000,) from 0 to 9.

    Raises:
        CourseError: the file is missing or damaged.
    """
    with np.load(asset("mnist.npz"), allow_pickle=False) as arrays:
        return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])


def load_shakespeare(part="plays"):
    """Shakespeare in modern spelling (Project Gutenberg, public domain).

    Args:
        part: "plays" (37 of them, 5.8 million characters) or "sonnets" (154).

    Returns:
        str.
    """
    sonnets, plays = compressed_text("shakespeare.txt.xz").split("\f")
    return one_of(part, {"plays": plays.strip(), "sonnets": sonnets.strip()}, "part")


def load_tang_poems():
    """Tang poems in traditional characters (texts public domain, collection chinese-poetry, MIT).

    Returns:
        list of (title, author, text); text has punctuation and no line breaks.
    """
    return [tuple(line.split("\t")) for line in compressed_text("tang.txt.xz").splitlines()]


def load_quatrains():
    """The five-character quatrains 五言絕句 among the Tang poems: four lines of five characters.

    Returns:
        list of (title, author, text), text of 24 characters, "五字，五字。五字，五字。" or with other marks.
    """
    return [poem for poem in load_tang_poems() if is_quatrain(poem[2])]


def is_quatrain(text):
    """True if a text has the form of a five-character quatrain: 4 × (5 characters and a mark)."""
    return len(text) == 24 and all((character in MARKS) == (i % 6 == 5) for i, character in enumerate(text))


MARKS = "，。！？；："

SAMPLE_RATE = 8000  # of the spoken digits, in Hz
DIGIT_WORDS = (
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
    list("零一二三四五六七八九"),
)


class SpokenDigits(NamedTuple):
    """clips: list of float32 arrays in [-1, 1] at 8 kHz; labels, languages (0 English, 1 Mandarin), voices: (N,)."""

    clips: list
    labels: np.ndarray
    languages: np.ndarray
    voices: np.ndarray


def load_spoken_digits():
    """Spoken digits in English and Mandarin, 2,400 clips of 40 synthetic voices (espeak-ng; the project's own).

    Returns:
        (train, test), two `SpokenDigits`: 1,920 and 480 clips; the eight voices of the test are not in train.
    """
    with np.load(asset("spoken_digits.npz"), allow_pickle=False) as file:
        samples, lengths, labels, languages, voices = (
            file[name] for name in ("samples", "lengths", "labels", "languages", "voices")
        )
    clips = np.split(from_mu_law(samples), np.cumsum(lengths)[:-1])
    parts = (np.flatnonzero(voices % 5 != 4), np.flatnonzero(voices % 5 == 4))
    return tuple(
        SpokenDigits([clips[i] for i in part], *(a[part].astype(int) for a in (labels, languages, voices)))
        for part in parts
    )


HOLD, REST = 0, 1  # in a chorale's grid; all other numbers are MIDI pitches (60 is middle C, 69 is 440 Hz)


class Chorale(NamedTuple):
    """bwv, title: str; bar: steps a bar, 8 or 6; sharps: of the key signature, flats negative; notes: int (T, 4)."""

    bwv: str
    title: str
    bar: int
    sharps: int
    notes: np.ndarray


def load_chorales():
    """Bach's four-voice chorales (public domain) on a grid of eighths, from the shipped file.

    Returns:
        (train, test), lists of `Chorale`. In notes a row is an eighth, a column a voice from soprano to bass: a MIDI
        pitch where a tone begins, HOLD where it goes on, REST. Row 0 is the first of a bar. A hash of the tune decides
        the part, so that no tune of the test is in train under another key, text or harmony.
    """
    with np.load(asset("chorales.npz"), allow_pickle=False) as file:
        notes = np.split(file["notes"].astype(int), np.cumsum(file["lengths"])[:-1])
        facts = zip(*(file[name].tolist() for name in ("names", "titles", "bars", "sharps")), notes, strict=True)
        pieces, tests = [Chorale(*fact) for fact in facts], [int(tune, 16) % 6 == 0 for tune in file["tunes"]]
    return tuple([p for p, test in zip(pieces, tests, strict=True) if test == wanted] for wanted in (False, True))


def mu_law(samples):
    """Samples in [-1, 1] as bytes on a logarithmic scale: small sounds keep their detail (mu = 255, ITU-T G.711)."""
    squeezed = np.sign(samples) * np.log1p(255 * np.minimum(np.abs(samples), 1.0)) / np.log(256)
    return np.round((squeezed + 1) * 127.5).astype(np.uint8)


def from_mu_law(codes):
    """The samples of `mu_law`'s bytes, float32 in [-1, 1]."""
    squeezed = codes.astype(np.float32) / 127.5 - 1
    return (np.sign(squeezed) * np.expm1(np.abs(squeezed) * np.log(256)) / 255).astype(np.float32)


def compressed_text(name):
    """The text of a shipped .txt.xz."""
    return lzma.decompress(asset(name).read_bytes()).decode("utf-8")


def load_images(path):
    """Images of your own, from an `.npz` with an array `x_train` (or `images`), or from an `.npy`.

    Args:
        path: path of the file. The array is uint8, (N, H, W) or (N, H, W, C).

    Returns:
        uint8 array (N, H, W) or (N, H, W, C).

    Raises:
        CourseError: no file, one that cannot be read, not such a file, or not such an array.
    """
    path = Path(path)
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            images = loaded
        else:
            with loaded:
                names = [name for name in ("x_train", "images") if name in loaded.files]
                if not names:
                    raise CourseError(
                        f"{path} must hold an array x_train or images; it holds {loaded.files}. "
                        "Write it with np.savez(path, images=...)."
                    )
                images = loaded[names[0]]
    except CourseError:
        raise
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise CourseError(f"--data must name an .npz or .npy file; there is no file {path}. Check the path.") from error
    except Exception as error:  # zip, zlib, NumPy's header parser: each has its own
        raise unreadable(path, error) or CourseError(
            f"{path} is not a readable .npz or .npy file ({type(error).__name__}): truncated or altered? "
            "Copy it again, or write it with np.savez(path, images=...)."
        ) from error
    return check_images(images, f"the images in {path}")


def check_images(images, name="images"):
    """Checks that an array holds uint8 images and returns it.

    Args:
        images: array, wanted: uint8 (N, H, W) or (N, H, W, C), N >= 1.
        name: str, what to call it in an error.

    Raises:
        CourseError: another type, shape or dtype; NaN; no image at all.
    """
    images = np.asarray(images)
    if np.issubdtype(images.dtype, np.floating) and not np.isfinite(images).all():
        raise CourseError(
            f"{name} must be uint8 from 0 to 255; received {images.dtype} with NaN or infinity. "
            "Find where they come from, then convert with (255 * x).astype('uint8')."
        )
    if images.dtype != np.uint8:
        span = f" from {images.min():g} to {images.max():g}" if images.size and images.dtype.kind in "fiu" else ""
        raise CourseError(
            f"{name} must be uint8 from 0 to 255; received {images.dtype}{span}. "
            "If they lie in [0, 1]: (255 * x).round().astype('uint8')."
        )
    if images.ndim not in (3, 4) or 0 in images.shape:
        raise CourseError(
            f"{name} must have shape (N, height, width) or (N, height, width, channels), nothing empty; "
            f"received {images.shape}. One image becomes a batch with image[None]."
        )
    return images


def scale(x):
    """Images for a network: uint8 in [0, 255] -> float32 in [-1, 1].

    Args:
        x: uint8 array (N, H, W) or (N, H, W, C).

    Returns:
        float32 array (N, H, W, C); a missing channel axis becomes C = 1.

    Raises:
        CourseError: anything else than uint8 images.
    """
    x = check_images(x)
    x = x[..., None] if x.ndim == 3 else x
    return x.astype(np.float32) / np.float32(127.5) - np.float32(1.0)


def unscale(x):
    """Images for the eye: float in [-1, 1] -> uint8 in [0, 255]; the inverse of `scale`.

    Args:
        x: float array or tensor (N, H, W, C), values in [-1, 1].

    Returns:
        uint8 array; (N, H, W) when C is 1, else (N, H, W, C).

    Raises:
        CourseError: another shape, NaN, or values outside [-1, 1].
    """
    x = check_scaled(x)
    x = np.rint((x.astype(np.float32) + 1.0) * 127.5).astype(np.uint8)
    return x[..., 0] if x.shape[-1] == 1 else x


def check_scaled(x, name="images"):
    """Checks that an array holds float images (N, H, W, C) in [-1, 1] and returns it as NumPy."""
    x = np.asarray(x)
    if not np.issubdtype(x.dtype, np.floating) or x.ndim != 4 or 0 in x.shape:
        raise CourseError(
            f"{name} must be float, shape (N, height, width, channels); received {x.dtype}, shape {x.shape}. "
            "data.scale(x) makes them from uint8."
        )
    low, high = float(x.min()), float(x.max())
    if not (low >= -1.0001 and high <= 1.0001):  # also false for NaN
        raise CourseError(
            f"{name} must hold values in [-1, 1]; received [{low:.4g}, {high:.4g}]. "
            "A generator needs tanh on its last layer (chapter 03); uint8 images go through data.scale(x)."
        )
    return np.clip(x, -1.0, 1.0)


def batches(images, batch_size=64, seed=7, start=0):
    """An endless stream of shuffled batches that depends on (seed, step) only, so that it can be taken up anywhere.

    Every pass over the data has its own permutation; images that do not fill the last batch are left out of
    that pass. Batch number `start` is the first one; nothing before it is computed.

    Args:
        images: uint8 array (N, H, W) or (N, H, W, C).
        batch_size: int, from 1 to N.
        seed: int, 0 or more.
        start: int, the number of batches already used.

    Returns:
        `tf.data.Dataset` of float32 tensors (batch_size, H, W, C) in [-1, 1].

    Raises:
        CourseError: no uint8 images, or a batch larger than the data.
    """
    images = check_images(images)
    images = images[..., None] if images.ndim == 3 else images
    count = len(images)
    if isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)) or not 1 <= batch_size <= count:
        raise CourseError(
            f"batch_size must be an integer from 1 to the number of images, {count}; received {batch_size!r}. "
            "Take a smaller batch or more data."
        )
    import tensorflow as tf

    per_pass = count // batch_size
    with tf.device("CPU"):
        pixels = tf.constant(images)  # (N, H, W, C) uint8: a quarter of the memory of float32

    def batch(step):
        epoch, position = step // per_pass, step % per_pass
        places = position * batch_size + tf.range(batch_size, dtype=tf.int64)  # (B,)
        order = tf.stack([tf.cast(seed, tf.int64), epoch])  # one permutation for each pass
        chosen = tf.random.experimental.index_shuffle(places, order, tf.cast(count - 1, tf.int64))
        x = tf.cast(tf.gather(pixels, chosen), tf.float32) / 127.5 - 1.0
        return tf.ensure_shape(x, (batch_size, *images.shape[1:]))

    steps = tf.data.Dataset.range(start, np.iinfo(np.int64).max)
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    return untuned(steps.map(batch, num_parallel_calls=1, deterministic=True).prefetch(2).with_options(options))


def untuned(batches):
    """A data set without autotuning: its thread at times misses the end, and `fit` then waits up to a minute for it."""
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.with_options(options)


def stacked_batches(images, batch_size=64, seed=7, start=0):
    """Stacked MNIST: three random digits as colour channels (Metz et al., 2017). Arguments and errors as `batches`.

    Returns:
        `tf.data.Dataset` of float32 tensors (batch_size, H, W, 3) in [-1, 1].
    """
    import tensorflow as tf

    # 1,000,003 is a prime: it keeps the three streams apart
    channels = tuple(batches(images, batch_size, seed + 1_000_003 * i, start) for i in range(3))
    return tf.data.Dataset.zip(channels).map(lambda *parts: tf.concat(parts, axis=-1))


def moons(n, rng, sigma=0.05):
    """Two interleaved half circles of radius 1 with noise: samples (n, 2), float32, around the origin."""
    check_draw(n, rng)
    upper = rng.integers(2, size=n)
    angle = np.pi * rng.random(n)
    x, y = np.cos(angle) * (2 * upper - 1) + 0.5 - upper, np.sin(angle) * (2 * upper - 1) + 0.25 - 0.5 * upper
    return (np.stack([x, y], axis=1) + sigma * rng.standard_normal((n, 2))).astype(np.float32)


def ring(n, rng, modes=8, radius=1.0, sigma=0.01):
    """Gaussians on a circle, the standard test for mode collapse (VEEGAN, arXiv 1705.07761, 2017).

    Args:
        n: int, number of samples.
        rng: `numpy.random.Generator`.

    Returns:
        (samples (n, 2), centres (modes, 2)), float32.
    """
    angles = 2 * np.pi * np.arange(modes) / modes
    return mixture(n, rng, radius * np.stack([np.cos(angles), np.sin(angles)], axis=1), sigma)


def grid(n, rng, side=5, spacing=2.0, sigma=0.05):
    """Gaussians on a square lattice around the origin (VEEGAN, arXiv 1705.07761, 2017). As `ring`."""
    ticks = spacing * (np.arange(side) - (side - 1) / 2)
    return mixture(n, rng, np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2), sigma)


def mixture(n, rng, centres, sigma):
    """n samples of an equal mixture of round Gaussians: (samples (n, 2), centres (k, 2)), float32."""
    check_draw(n, rng)
    chosen = centres[rng.integers(len(centres), size=n)]
    samples = chosen + sigma * rng.standard_normal((n, 2))
    return samples.astype(np.float32), centres.astype(np.float32)


def check_draw(n, rng):
    """Raises CourseError unless n is a positive integer and rng NumPy's generator of random numbers."""
    if not isinstance(n, (int, np.integer)) or n < 1 or not isinstance(rng, np.random.Generator):
        raise CourseError(
            f"n must be a positive integer and rng a numpy.random.Generator; received {n!r} and "
            f"{type(rng).__name__}. Try rng = np.random.default_rng(7)."
        )
