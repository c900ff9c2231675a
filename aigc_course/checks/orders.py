"""How the orders of exercise 04.4 are judged: whole epochs, new ones, other seeds."""

import itertools

import numpy as np

__all__ = ["judge_order", "order_cases"]


_APART = (2520, 1000, 1024)  # epochs that an order of period 1 to 10, a power of two or a power of ten takes for one


def order_cases(rng):
    """(rows of (seed, step, n, batch_size),): each case is answered in a process of its own, every row in two of them.

    Three whole epochs, one of the next seed, single steps from far epochs and of far seeds; then two epochs of another
    size with nothing left over, then some batches of MNIST's 60,000 images.
    """
    seed, n, size = 2 * int(rng.integers(1, 450)), int(rng.integers(43, 47)), 8  # 5 whole batches, 3 to 6 left over
    place, start = int(rng.integers(5)), int(rng.integers(3, 60))
    main = [(seed, step, n, size) for step in range(15)] + [(seed + 1, step, n, size) for step in range(5)]
    main += [(seed, 5 * (start + apart) + place, n, size) for apart in (0, *_APART)]
    main += [(seed + apart, place, n, size) for apart in (100, *_APART)]
    size, batches = int(rng.integers(4, 7)), int(rng.integers(3, 7))
    whole = [(seed, step, size * batches, size) for step in range(2 * batches)]
    large = [(seed, int(step), 60_000, 64) for step in (0, 937, *rng.integers(1, 1874, 2))]
    return [case for rows in (main, whole, large) for case in _shared(np.array(rows), rng)]


def _shared(rows, rng):
    """Rows for two processes, mixed: half each, and then some of the other's, so that both answer them."""
    mixed = rng.permutation(rows)
    half = len(rows) // 2
    return [(mixed[: half + 2],), (mixed[half - 2 :][::-1],)]


def judge_order(cases, values):
    """Properties of a data order that is a function of seed and step."""
    found, unlike = {}, False
    for (rows,), (answers,) in zip(cases, values, strict=True):
        if answers.shape[:1] != rows.shape[:1]:
            return f"{len(rows)} steps were asked for; answers of shape {answers.shape} came."
        for case, got in zip(map(tuple, rows.tolist()), answers, strict=True):
            _, step, n, size = case
            if got.shape != (size,):
                return f"step {step} must give {size} indices, shape ({size},); shape {got.shape} came."
            if not (got == np.floor(got)).all() or got.min() < 0 or got.max() >= n:
                return f"indices are whole numbers from 0 to n - 1 = {n - 1}; step {step} gave others."
            unlike = unlike or not np.array_equal(found.setdefault(case, got), got)
    if unlike:
        return (
            "the same seed and step gave another batch the second time: a resumed run would see other data. Half of "
            "the calls are made as after a restart: nothing that another call has drawn is there."
        )
    first = min(case for case in found if case[3] == 8)  # step 0 of the seed
    seed, _, n, size = first
    epochs = [np.concatenate([found[seed, e * 5 + i, n, size] for i in range(5)]) for e in range(3)]
    other = np.concatenate([found[seed + 1, i, n, size] for i in range(5)])
    return _judge_epochs(epochs, other, n, size) or _judge_far(found, first) or _judge_sizes(found, first)


def _judge_epochs(epochs, other, n, size):
    """Three whole epochs of one seed, and the first one of another."""
    seen = [len(np.unique(batch)) == size for epoch in epochs for batch in epoch.reshape(-1, size)]
    if any(len(np.unique(e)) < len(e) for e in epochs):
        if all(seen):
            return "within one epoch some images come twice: cut one permutation of all images into batches."
        return "one batch holds an image twice: draw without replacement."
    if any(np.array_equal(e, np.arange(len(e))) for e in epochs):
        return "the images come in the order of the file: MNIST's may be mixed, other sets are sorted by class."
    if all(np.concatenate(epochs) < len(epochs[0])):
        return f"the last {n - len(epochs[0])} images are never seen: permute all n, then cut off what is left over."
    together = [{frozenset(e[i : i + size]) for i in range(0, len(e), size)} for e in epochs]
    again = {a for a, b in itertools.permutations(range(3), 2) if together[a] == together[b]}
    if any(not np.array_equal(epochs[a], epochs[b]) for a, b in itertools.combinations(again, 2)):
        return "the same images stand together in every epoch: shuffle the images, not whole batches."
    if np.array_equal(other, epochs[1]):
        return (
            "epoch 1 of one seed is epoch 0 of the next, as with seed + epoch: two runs that should differ see the "
            "same batches, an epoch apart. A generator takes a pair of whole numbers as its seed, too."
        )
    if any(np.array_equal(a, b) for a, b in itertools.combinations(epochs, 2)):
        return "every epoch has the same order: let the epoch, step // (n // batch_size), enter the seed."
    if np.array_equal(epochs[0], other):
        return "another seed gives the same order."
    for a, b in itertools.combinations([*epochs, other], 2):
        if len(_neighbours(a) & (_neighbours(b) | _neighbours(b[::-1]))) > len(a) // 2:
            return (
                "the second epoch is the first one, shifted or going round (or backwards, or the next seed's): make "
                "a new permutation for each epoch."
            )
    if len({frozenset(e) for e in epochs}) == 1:
        return "the same images are left out in every epoch: permute all n anew, then cut off what is left over."
    return None


def _neighbours(order):
    """Pairs of images that follow each other."""
    return {(int(a), int(b)) for a, b in itertools.pairwise(order)}


def _judge_far(found, first):
    """Single steps: far epochs and far seeds must not repeat near ones."""
    seed, _, n, size = first
    here = {case[:2]: batch for case, batch in found.items() if case[2:] == (n, size)}
    far = [(step, batch) for (s, step), batch in here.items() if s == seed and step >= 15]
    if any(np.array_equal(a, b) for (_, a), (_, b) in itertools.combinations(far, 2)):
        return (
            "later epochs repeat earlier ones: the whole number of the epoch must enter, not its rest or its first few."
        )
    place = far[0][0] % 5
    seeds = [batch for (s, step), batch in here.items() if step == place and s != seed + 1]
    if any(np.array_equal(a, b) for a, b in itertools.combinations(seeds, 2)):
        return "seeds that lie far apart give the same order: the whole seed must enter, not its rest."
    return None


def _judge_sizes(found, first):
    """Other sizes: two whole epochs without anything left over, and some batches of MNIST's 60,000."""
    others = {case: batch for case, batch in found.items() if case[2] not in (first[2], 60_000)}
    (seed, _, n, size), batches = next(iter(others)), len(others) // 2
    epochs = [np.concatenate([others[seed, e * batches + i, n, size] for i in range(batches)]) for e in range(2)]
    if any(len(np.unique(epoch)) < n for epoch in epochs):
        return f"with n = {n} and batches of {size} nothing is left over: each image must come once an epoch."
    if np.array_equal(*epochs) or any(np.array_equal(epoch, np.arange(n)) for epoch in epochs):
        return f"with n = {n} and batches of {size} both epochs have the same order, or that of the file."
    large = [batch for case, batch in found.items() if case[2] == 60_000]
    if any(len(np.unique(batch)) < len(batch) for batch in large):
        return "one batch of 60,000 images holds an image twice: draw without replacement."
    if np.mean(large) > 45_000 or np.mean(large) < 15_000 or any(np.ptp(batch) < 30_000 for batch in large):
        return "batches of 60,000 images come from one part of them: permute all n."
    return None
