"""Retraining on one's own output (chapter 14): what becomes of a generator whose next training set it wrote itself.

A Gaussian refitted to its own draws, with closed forms; the bookkeeping that decides whether a chain of generations
holds (Shumailov et al., Nature 631, 2024; Gerstgrasser et al., 2024, arXiv 2404.01413); the chain and its measures.
"""

import numpy as np

from aigc_course import data, metrics
from aigc_course.errors import CourseError, number, one_of, whole_number

__all__ = [
    "CHAINS",
    "HELD",
    "POOL",
    "RARE",
    "REFITS",
    "SHARE",
    "Scale",
    "accepted",
    "chain",
    "expected_variance",
    "imbalanced",
    "next_pool",
    "refit_gaussian",
    "shuffled_pixels",
]

POOL, RARE, SHARE = 2000, 4, 0.02  # pictures of a generation; the digit made rare, and its share: chosen by trial
HELD = 5000  # the last training digits: for choices, in no pool
REFITS = {"replace": "its own draws alone", "accumulate": "all draws so far, the real ones with them"}
CHAINS = {
    "replace": "the last generator's pictures alone",
    "accumulate": "real pictures and those of every generator",
    "fixed": "as many as at first, drawn from all of accumulate's",
    "verified": "the last generator's pictures that a verifier accepts",
    "fresh": "new real pictures for each generation",
    "real": "new real pictures, shown without a generator",
    "blind": "real pictures whose pixels were exchanged among them",
}


# --- a Gaussian that eats itself ---


def expected_variance(n, generations, regime="replace"):
    """E[S_t] of a unit Gaussian refitted to its own draws by maximum likelihood, exactly.

    Replace: (1 - 1/n)^(t+1), which goes to 0. Accumulate: the product of 1 - 1/(n k²) for k = 1 to t+1, which stays
    above sin(x)/x with x = π/√n, about 1 - π²/(6n): each new part is a smaller share of all (Gerstgrasser et al., 2024,
    have the bound for regression; the product follows from one line of algebra, chapter 14).

    Args:
        n: int, draws a generation; the first n are real.
        generations: int, refits after the first.
        regime: "replace" or "accumulate".

    Returns:
        float array (generations + 1,); its first is of the fit to n real draws.
    """
    k = np.arange(1, whole_number(generations, "generations", 0) + 2)
    one_of(regime, REFITS, "regime")
    lost = 1 / whole_number(n, "n", 2) / (k**2 if regime == "accumulate" else np.ones(len(k)))
    return np.cumprod(1 - lost)


def refit_gaussian(n, generations, runs, rng, regime="replace"):
    """Variances that the fits find, many chains side by side: float array (runs, generations + 1).

    Arguments as in `expected_variance`; runs: int, chains; rng: `numpy.random.Generator`.
    """
    one_of(regime, REFITS, "regime")
    seen = rng.standard_normal((whole_number(runs, "runs"), whole_number(n, "n", 2)))
    found = [seen.var(axis=1)]
    for _ in range(whole_number(generations, "generations", 0)):
        new = seen.mean(axis=1, keepdims=True) + seen.std(axis=1, keepdims=True) * rng.standard_normal((runs, n))
        seen = new if regime == "replace" else np.concatenate([seen, new], axis=1)
        found.append(seen.var(axis=1))
    return np.stack(found, axis=1)


# --- bookkeeping ---


def next_pool(regime, seen, new, n, rng):
    """What the next generator is trained on.

    Args:
        regime: "replace", "accumulate", "fixed" or "verified" (where `new` was accepted before).
        seen: array (M, …), all that is kept so far.
        new: array (N, …), the last generator's pictures.
        n: int, the budget of "fixed".
        rng: `numpy.random.Generator`.

    Returns:
        (all that is kept, the pool to train on).
    """
    one_of(regime, {name: CHAINS[name] for name in ("replace", "accumulate", "fixed", "verified")}, "regime")
    if regime in ("replace", "verified"):
        return new, new
    seen = np.concatenate([seen, new])
    if regime == "accumulate":
        return seen, seen
    return seen, seen[rng.choice(len(seen), whole_number(n, "n", 1, len(seen)), replace=False)]


def accepted(draw, verify, n, tries=10):
    """(pictures that a verifier accepts, the share that it accepted): at most n, from at most tries · n drawn.

    Args:
        draw: function of a number -> that many pictures.
        verify: function of pictures (N, …) -> bool array (N,).

    Raises:
        CourseError: it accepted none.
    """
    kept, drawn, count = [], 0, 0
    while count < n and drawn < tries * n:
        new = draw(n)
        kept.append(new[verify(new)])
        drawn, count = drawn + len(new), count + len(kept[-1])
    if not count:
        raise CourseError(f"the verifier accepted none of {drawn} pictures: nothing to train on. Ask for less.")
    return np.concatenate(kept)[:n], count / drawn


def imbalanced(labels, n, rng, rare=RARE, share=SHARE):
    """Places of n examples without repetition, of which a share is of one class: int array (n,), in random order.

    Raises:
        CourseError: there are not so many of them.
    """
    labels, few = np.asarray(labels), round(number(share, "share", 0, 1) * whole_number(n, "n"))
    sides = np.flatnonzero(labels == rare), np.flatnonzero(labels != rare)
    if len(sides[0]) < few or len(sides[1]) < n - few:
        raise CourseError(f"{few} of class {rare}, {n - few} others are wanted; there are {[len(s) for s in sides]}.")
    parts = [rng.choice(side, count, replace=False) for side, count in zip(sides, (few, n - few), strict=True)]
    return rng.permutation(np.concatenate(parts))


def shuffled_pixels(images, rng):
    """The blind generator: each pixel from some picture, independently of its neighbours; shape as `images`."""
    rows = images.reshape(len(images), -1)
    return rng.permuted(rows, axis=0).reshape(images.shape)


# --- chains ---


class Scale:
    """What a generation is measured by: test digits with the pool's shares of classes, in the judge's features.

    Args:
        rare, share: as in `imbalanced`.
    """

    def __init__(self, rare=RARE, share=SHARE):
        _, (x, y) = data.load_mnist()
        most = int(min((y != rare).sum() / (1 - share), (y == rare).sum() / max(share, 1e-9)))
        self.images = data.scale(x[imbalanced(y, most, np.random.default_rng(0), rare, share)])
        self.features, self.rare, self.share = metrics.judge().read(self.images)[0], rare, share
        self.moments = metrics.moments(self.features)

    def close(self, real):
        """The distance within which 1 % of unseen digits lie to one of these images: nearer counts as a copy."""
        known, unseen = (part.reshape(len(part), -1) for part in (real, self.images[:2000]))
        return metrics.copy_share(known[:1], known, unseen)[1]

    def scores(self, images, real, pool, close):
        """dict of floats: distance, precision, recall, rare, copies, echoes.

        Args:
            images: float (N, 28, 28, 1), what is judged; precision and recall compare it with N test digits.
            real: what the chain began with: a copy is `close` to one of these.
            pool: what the generator was trained on: an echo is `close` to one of those.
        """
        features, logits = metrics.judge().read(images)
        flat, real, pool = (part.reshape(len(part), -1) for part in (images, real, pool))
        return {
            "distance": metrics.frechet_of_moments(*metrics.moments(features), *self.moments),
            **metrics.precision_recall(self.features[: len(images)], features)._asdict(),
            "rare": float((logits.argmax(axis=1) == self.rare).mean()),
            "copies": _near(flat, real, close),
            "echoes": _near(flat, pool, close),
        }


def _near(rows, known, close):
    """The share of rows within a distance of a known one."""
    return float((metrics.nearest_neighbours(rows, known)[0] <= close).mean())


def chain(regime, generations, seed, maker, scale, verify=None, n=POOL, steps=600):
    """Generations of a generator; each is trained on what its regime leaves.

    Args:
        regime: one of `CHAINS`.
        generations: int, trainings one after the other.
        seed: int, 0 or more: another seed, other real pictures, weights and draws.
        maker: `Maker`; scale: `Scale`.
        verify: function of images -> bool array, for "verified".
        n: int, pictures of a generation; steps: int, the same for every regime.

    Yields:
        (dict of scores with generation (from 1), pool (its size) and accepted (a share), images (n, 28, 28, 1)).
    """
    one_of(regime, CHAINS, "regime")
    if regime == "verified" and verify is None:
        raise CourseError("regime verified needs verify, a function of images that says which are good enough.")
    (x, y), _ = data.load_mnist()
    x, y = x[:-HELD], y[:-HELD]
    rng = np.random.default_rng([whole_number(seed, "seed", 0), list(CHAINS).index(regime)])
    first = imbalanced(y, n, np.random.default_rng(seed), scale.rare, scale.share)  # the same for every regime
    others = np.setdiff1d(np.arange(len(y)), first)

    def some_real(rng):
        return data.scale(x[others[imbalanced(y[others], n, rng, scale.rare, scale.share)]])

    seen = pool = real = data.scale(x[first])
    close = scale.close(real)
    for generation in range(1, whole_number(generations, "generations") + 1):
        row, share = {"generation": generation, "pool": len(pool)}, 1.0
        if regime in ("real", "blind"):
            images = some_real(rng) if regime == "real" else shuffled_pixels(some_real(rng), rng)
        else:
            images = maker.fit(pool, steps, seed=1000 * seed + generation).draw(n, rng)
        row |= scale.scores(images, real, pool, close)
        if regime == "verified":
            images, share = accepted(lambda count: maker.draw(count, rng), verify, n)
        yield {**row, "accepted": share}, images
        if regime == "fresh":
            pool = some_real(rng)
        elif regime not in ("real", "blind"):
            seen, pool = next_pool(regime, seen, images, n, rng)
