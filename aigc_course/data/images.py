"""Images: MNIST, files of your own, what an array of images must be, to [-1, 1] and back."""

from pathlib import Path

import numpy as np

from aigc_course.data.checksums import asset
from aigc_course.errors import CourseError
from aigc_course.files import unreadable

__all__ = [
    "FASHION_CLASSES",
    "check_images",
    "check_scaled",
    "load_fashion_mnist",
    "load_images",
    "load_mnist",
    "scale",
    "unscale",
]

FASHION_CLASSES = (
    "t-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)


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


def load_fashion_mnist():
    """A share of Fashion-MNIST, pictures of clothes (Xiao, Rasul & Vollgraf, 2017, MIT), from the shipped file.

    Of each of the ten classes the first 600 training and the first 200 test images of the published files, in their
    old order: what the repository has room for.

    Returns:
        `((x_train, y_train), (x_test, y_test))`, all uint8: images (6000, 28, 28) and (2000, 28, 28) with 0 =
        background; labels (6000,) and (2000,), places in `FASHION_CLASSES`.

    Raises:
        CourseError: the file is missing or damaged.
    """
    with np.load(asset("fashion_mnist.npz"), allow_pickle=False) as arrays:
        return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])


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
