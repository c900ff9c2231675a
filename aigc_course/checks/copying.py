"""What exercise 05.5 should give: the test for copies by Meehan et al. (2020), and mistakes."""

import numpy as np

from aigc_course.checks.formulas import distances

__all__ = ["CELL_MISTAKES", "cell_cases", "data_copying"]


def cell_cases(rng):
    """(fake, its cells, train, its cells, test, its cells, tau): a cell or two have too few fakes; one set has ties."""
    cases, drawn = [], {cells: _sizes(rng, cells) for cells in (3, 4)}
    for cells, few in ((3, 1), (4, 1), (3, 2), (4, 2)):
        centres, sizes = rng.normal(0, 2, (cells, 2)), drawn[cells]
        (fake, i), (train, j), (test, k) = (_drawn(rng, centres, some) for some in sizes)
        close = rng.random(len(fake)) < 0.4  # some lie near training samples of their own cell
        for place in np.flatnonzero(close):
            own = train[j == i[place]]
            fake[place] = own[rng.integers(len(own))] + rng.normal(0, 0.1, 2)
        limit = np.sort(sizes[0])[few - 1] + 0.5  # so many cells have too few
        cases.append((fake, i, train, j, test, k, float(limit / len(fake))))
    ties = [np.round(np.abs(rng.normal(0, 3, (n, 1)))) for n in (20, 16, 5)]  # whole numbers: equal distances
    cells = [np.arange(len(some)) % 5 // 3 for some in ties]  # 12 and 8 of 20 fakes: a share of exactly 0.4
    return [*cases, (ties[0], cells[0], 20.0 + ties[2], cells[2], ties[1], cells[1], 0.4)]


def _sizes(rng, cells):
    """How many fakes, training and test samples each cell holds."""
    fakes = rng.permutation([2, *rng.choice(np.arange(8, 25), cells - 1, replace=False)])
    tests = rng.permutation([rng.integers(25, 31), *rng.integers(8, 13, cells - 1)])  # one cell holds many
    return np.stack([fakes, rng.integers(8, 25, cells), tests])


def _drawn(rng, centres, sizes):
    """(points, cells) in mixed order: so many of each cell."""
    cells = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    return centres[cells] + rng.normal(0, 1, (len(cells), 2)), cells


def _z_score(of_fakes, of_tests, tie=0.5, flip=1.0, centred=True, sigma=lambda m, n: np.sqrt(m * n * (m + n + 1) / 12)):
    """Mann and Whitney's U of the distances, in standard deviations about its mean; the options are mistakes."""
    m, n = len(of_fakes), len(of_tests)
    gaps = flip * (of_fakes[:, None] - of_tests)
    return ((gaps > 0).sum() + tie * (gaps == 0).sum() - centred * m * n / 2) / sigma(m, n)


def data_copying(
    fake,
    i,
    train,
    j,
    test,
    k,
    tau,
    weight="test",
    of="fake",
    normed=True,
    least=np.greater_equal,
    library=None,
    reduce=lambda d: d.min(axis=1),
    **options,
):
    """The mean of the cells' Z, by the share of test samples, over cells with a share tau of the fakes."""
    shares = {"test": k, "fake": i, "train": j}
    total = found = 0.0
    for cell in np.unique(k):
        near = train if library == "all" else train[j == cell]
        score = _z_score(reduce(distances(fake[i == cell], near)), reduce(distances(test[k == cell], near)), **options)
        share = 1.0 if weight == "equal" else (shares[weight] == cell).mean()
        if least((shares[of] == cell).mean(), tau):
            found, total = found + share * score, total + share
    return np.divide(found, total) if normed else found


def _mistake(hint, **options):
    return hint, lambda *arguments: data_copying(*arguments, **options)


def _one_cell(fake, i, train, j, test, k, tau):
    """The cells are not used."""
    return data_copying(fake, 0 * i, train, 0 * j, test, 0 * k, tau)


CELL_MISTAKES = (
    _mistake("tau is not used: a cell with hardly any fakes says nothing.", least=lambda share, tau: True),
    _mistake("a share of exactly tau is enough: ≥, not >.", least=np.greater),
    _mistake("tau was compared with the share of the test samples; the share of the fakes counts.", of="test"),
    _mistake(
        "the cells were averaged without weights: the share of the test samples in each is its weight.", weight="equal"
    ),
    _mistake("the weights are the shares of the fakes; those of the test samples were asked for.", weight="fake"),
    _mistake(
        "the weights are the shares of the training samples; those of the test samples were asked for.", weight="train"
    ),
    _mistake("divide by the sum of the weights of the cells that count.", normed=False),
    _mistake(
        "the sign: U counts the pairs in which the *fake* lies farther, so that copies come out below 0.", flip=-1.0
    ),
    _mistake("mn / 2, the mean of U when nobody copies, is not subtracted.", centred=False),
    _mistake("U - mn / 2 is not divided by its standard deviation.", sigma=lambda m, n: 1.0),
    _mistake(
        "you divided by the variance; its root is the standard deviation.", sigma=lambda m, n: m * n * (m + n + 1) / 12
    ),
    _mistake("the 1 in m + n + 1 is missing.", sigma=lambda m, n: np.sqrt(m * n * (m + n) / 12)),
    _mistake("equal distances count ½; you counted 0.", tie=0.0),
    _mistake("equal distances count ½; you counted 1.", tie=1.0),
    _mistake("the nearest training sample was sought in all cells; each cell has its own.", library="all"),
    _mistake(
        "all distances to the training samples were compared; each sample has one, to its *nearest*.", reduce=np.ravel
    ),
    _mistake(
        "the mean distance to the training samples was taken; the *nearest* one counts.",
        reduce=lambda d: d.mean(axis=1),
    ),
    ("the cells are not used: that is one test for all.", _one_cell),
    (
        "`train` and `test` are exchanged: distances are taken to the training samples.",
        lambda fake, i, train, j, test, k, tau: data_copying(fake, i, test, k, train, j, tau),
    ),
)
