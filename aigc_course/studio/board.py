"""A design board: pick, mix, lock, mutate, undo, keep. Every state is a list of numbers that draws the same again."""

import contextlib
import hashlib
import json
from typing import NamedTuple

import numpy as np

from aigc_course import data, plots
from aigc_course.errors import CourseError, number, whole_number
from aigc_course.studio import conditional

__all__ = ["SIZE", "Board", "Design", "fingerprint", "slerp"]

SIZE = 8  # places on the board
_LIMIT = 200  # states that can be undone


class Design(NamedTuple):
    """What draws one picture: z (noise,) and shares of the classes (classes,), tuples of floats rounded to 4 digits."""

    z: tuple
    shares: tuple


def slerp(a, b, share):
    """From a to b along the great circle between their directions, lengths in proportion (Shoemake, 1985; White, 2016).

    A Gaussian in many dimensions lies near a sphere of radius √d. The straight middle of two draws is shorter by √2 and
    lies where the generator was hardly ever trained; this one does not.

    Args:
        a, b: float arrays (d,), none of them 0.
        share: float in [0, 1].
    """
    a, b, share = np.asarray(a, float), np.asarray(b, float), number(share, "share", 0, 1)
    lengths = np.linalg.norm(a), np.linalg.norm(b)
    if min(lengths) == 0:
        raise CourseError("a and b must not be 0: there is no direction from the origin.")
    angle = np.arccos(np.clip(a @ b / (lengths[0] * lengths[1]), -1, 1))
    length = lengths[0] + share * (lengths[1] - lengths[0])
    if angle < 1e-6:
        return length * a / lengths[0]
    parts = np.sin((1 - share) * angle) * a / lengths[0] + np.sin(share * angle) * b / lengths[1]
    return length * parts / np.sin(angle)


def fingerprint(generator):
    """The first 16 digits of the SHA-256 sum of a generator's weights, as a recipe names them."""
    return hashlib.sha256(b"".join(value.tobytes() for value in generator.get_weights())).hexdigest()[:16]


def _design(z, shares):
    return Design(tuple(round(float(v), 4) for v in z), tuple(round(float(v), 4) for v in shares))


class Board:
    """`SIZE` designs, of which some are locked, and those that were kept.

    Args:
        generator: conditional generator, ([z, shares]) -> images.
        seed: int, of all that is drawn by chance.

    Attributes:
        designs: list of `Design`.
        locked: set of places.
        kept: list of `Design`.
    """

    def __init__(self, generator, seed=7):
        self.generator, self.seed = generator, whole_number(seed, "seed", 0)
        self.noise, self.classes = (int(part.shape[-1]) for part in generator.inputs)
        self.rng = np.random.default_rng(seed)
        self.locked, self.kept, self._past = set(), [], []
        self.designs = [self._new(place % self.classes) for place in range(SIZE)]

    def _new(self, label):
        return _design(self.rng.standard_normal(self.noise), np.eye(self.classes)[label])

    def _place(self, place):
        return whole_number(place, "place", 0, SIZE - 1, f"The board has {SIZE} places, from 0.")

    def _remember(self):
        self._past = [*self._past[-_LIMIT:], (list(self.designs), set(self.locked), list(self.kept))]

    @contextlib.contextmanager
    def together(self):
        """What is done inside is one change: one undo takes all of it back."""
        before = len(self._past)
        try:
            yield
        finally:
            del self._past[before + 1 :]

    def _put(self, place, design):
        if place in self.locked:
            raise CourseError(f"place {place} is locked. Unlock it first, or choose another.")
        self._remember()
        self.designs[place] = design

    def redraw(self, label=None):
        """New noise for all that is not locked; of one class, or each its own classes."""
        if label is not None:
            label = whole_number(label, "label", 0, self.classes - 1)
        self._remember()
        for place in range(SIZE):
            if place not in self.locked:
                fresh = self._new(label or 0)
                self.designs[place] = fresh if label is not None else fresh._replace(shares=self.designs[place].shares)

    def mix(self, first, second, share, to):
        """Puts the mixture of two designs at place `to`: noise along the sphere, classes in proportion."""
        a, b = self.designs[self._place(first)], self.designs[self._place(second)]
        share = number(share, "share", 0, 1)
        shares = (1 - share) * np.array(a.shares) + share * np.array(b.shares)
        self._put(self._place(to), _design(slerp(a.z, b.z, share), shares))

    def mutate(self, place, amount=0.3):
        """Moves a design's noise by chance, `amount` of the way to a new draw, along the sphere."""
        old = self.designs[self._place(place)]
        number(amount, "amount", 0, 1)
        self._put(place, _design(slerp(old.z, self.rng.standard_normal(self.noise), amount), old.shares))

    def lock(self, place):
        """Locks a place, or unlocks it."""
        self._place(place)
        self._remember()
        self.locked ^= {place}

    def keep(self, place):
        """Puts a design among those that are kept."""
        design = self.designs[self._place(place)]
        self._remember()
        self.kept.append(design)

    def undo(self):
        """Takes back the last change and says whether there was one; the stream of chance is not wound back."""
        if not self._past:
            return False
        self.designs, self.locked, self.kept = self._past.pop()
        return True

    def images(self, designs=None):
        """Float images (N, 28, 28, 1) in [-1, 1] of some designs; by default those on the board."""
        designs = self.designs if designs is None else designs
        if not designs:
            raise CourseError("there is nothing to draw: keep a design first.")
        z, shares = (np.array([one[i] for one in designs], np.float32) for i in (0, 1))
        return conditional.draw(self.generator, z, shares)

    def sheet(self):
        """The kept designs as one picture: PNG bytes."""
        return plots.png(plots.image_grid(self.images(self.kept), title=f"{len(self.kept)} designs"))

    def recipe(self):
        """The kept designs as JSON that `from_recipe` draws again."""
        facts = {"course": "aigc_course.studio", "weights": fingerprint(self.generator), "noise": self.noise}
        facts |= {"classes": list(data.FASHION_CLASSES)}
        return json.dumps({**facts, "designs": [one._asdict() for one in self.kept]}, indent=1)

    @classmethod
    def from_recipe(cls, generator, text, seed=7):
        """A board whose kept designs are those of a recipe.

        Raises:
            CourseError: no JSON, not the recipe of such a generator, or that of other weights.
        """
        board = cls(generator, seed)
        try:
            told = json.loads(text)
            found, weights = [Design(tuple(one["z"]), tuple(one["shares"])) for one in told["designs"]], told["weights"]
            values = [np.array([one[i] for one in found], float) for i in (0, 1)]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CourseError(
                f"this is no recipe of a design board ({type(error).__name__}). Export one first."
            ) from error
        wanted = [(len(found), board.noise), (len(found), board.classes)]
        if found and ([v.shape for v in values] != wanted or not all(np.isfinite(v).all() for v in values)):
            raise CourseError(
                f"the recipe must hold {board.noise} finite numbers of noise and {board.classes} shares a design; "
                f"received {[v.shape[1:] for v in values]}. It may belong to another generator."
            )
        if weights != fingerprint(generator):
            raise CourseError(
                f"the recipe belongs to other weights ({str(weights)[:16]}; these are {fingerprint(generator)}): other "
                "pictures would come. Load the generator that it was made with."
            )
        board.kept = found
        return board
