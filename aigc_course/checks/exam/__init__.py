"""Variants of exercises for examinations: other numbers, conventions or data, chosen by a seed.

A family is a function (base exercise, seed, rng) -> `Variant`, under the key of its public exercise. Whoever reads this
folder can read the answers too: what it holds off is a copied solution (docs/instructors.md says what that leaves).
"""

import re

import numpy as np

from aigc_course.checks.exam import applied, building, large, measuring, trust
from aigc_course.checks.exam.variant import Variant
from aigc_course.errors import CourseError, whole_number

__all__ = ["FAMILIES", "KEY", "Variant", "chapters", "make", "seed_of"]

FAMILIES = {**building.FAMILIES, **measuring.FAMILIES, **large.FAMILIES, **applied.FAMILIES, **trust.FAMILIES}
KEY = re.compile(r"(\d\d\.\d)/(\d{1,9})")


def seed_of(key):
    """(public key, seed) of a variant's key such as "02.1/7"; None where it is not one."""
    found = KEY.fullmatch(key) if isinstance(key, str) else None
    return (found[1], int(found[2])) if found and found[1] in FAMILIES else None


def make(key, public):
    """The `Variant` of a key.

    Args:
        key: str, "chapter.number/seed".
        public: dict, key -> `Exercise`, the public exercises.

    Raises:
        CourseError: there is no family of that key.
    """
    found = seed_of(key)
    if not found or found[0] not in public:
        raise CourseError(
            f"no exercise {key!r}: a variant is called, for example, 02.1/7, and there are variants of "
            f"{', '.join(FAMILIES)}."
        )
    base, seed = found
    whole_number(seed, "seed", low=0, high=10**9 - 1)
    rng = np.random.default_rng([seed, int(base.replace(".", ""))])
    return FAMILIES[base](public[base], seed, rng)


def chapters(public):
    """{chapter: list of public keys that have variants}, in order, of those that are in `public`."""
    found = {}
    for key in sorted(set(FAMILIES) & set(public)):
        found.setdefault(key[:2], []).append(key)
    return found
