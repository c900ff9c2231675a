"""Every data set and toy distribution, offline; images to [-1, 1] and back; endless streams of batches."""

from aigc_course.data.checksums import ASSETS, asset, sha256, shipped_files
from aigc_course.data.chorales import HOLD, REST, Chorale, load_chorales
from aigc_course.data.images import (
    FASHION_CLASSES,
    check_images,
    check_scaled,
    load_fashion_mnist,
    load_images,
    load_mnist,
    scale,
    unscale,
)
from aigc_course.data.points import check_draw, grid, mixture, moons, ring
from aigc_course.data.speech import DIGIT_WORDS, SAMPLE_RATE, SpokenDigits, from_mu_law, load_spoken_digits, mu_law
from aigc_course.data.stream import batches, endless, stacked_batches, untuned
from aigc_course.data.texts import MARKS, is_quatrain, load_plays, load_quatrains, load_shakespeare, load_tang_poems

__all__ = [
    "ASSETS",
    "DIGIT_WORDS",
    "FASHION_CLASSES",
    "HOLD",
    "MARKS",
    "REST",
    "SAMPLE_RATE",
    "Chorale",
    "SpokenDigits",
    "asset",
    "batches",
    "check_draw",
    "check_images",
    "check_scaled",
    "endless",
    "from_mu_law",
    "grid",
    "is_quatrain",
    "load_chorales",
    "load_fashion_mnist",
    "load_images",
    "load_mnist",
    "load_plays",
    "load_quatrains",
    "load_shakespeare",
    "load_spoken_digits",
    "load_tang_poems",
    "mixture",
    "moons",
    "mu_law",
    "ring",
    "scale",
    "sha256",
    "shipped_files",
    "stacked_batches",
    "unscale",
    "untuned",
]
