"""Retraining on one's own output: closed forms against draws, bookkeeping, a maker of digits, chains."""

import numpy as np
import pytest

from aigc_course import data
from aigc_course.errors import CourseError
from aigc_course.trust import maker, regimes


@pytest.fixture(scope="module")
def makes():
    return maker.Maker(width=32, components=3)


@pytest.fixture(scope="module")
def scale():
    return regimes.Scale()


# --- the Gaussian ---


@pytest.mark.parametrize("regime", ["replace", "accumulate"])
def test_refits_lose_the_variance_that_the_formula_says(rng, regime):
    """20,000 chains of ten refits to five draws: each mean to four standard errors."""
    found = regimes.refit_gaussian(5, 10, 20_000, rng, regime)
    error = found.std(axis=0) / np.sqrt(len(found))
    assert (np.abs(found.mean(axis=0) - regimes.expected_variance(5, 10, regime)) < 4 * error).all()


def test_accumulation_has_a_floor_and_replacement_none():
    """The product of 1 - x²/(π k)² is sin(x)/x (Euler)."""
    x = np.pi / np.sqrt(100)
    long = regimes.expected_variance(100, 20_000, "accumulate")
    assert long[-1] == pytest.approx(np.sin(x) / x, abs=1e-6)
    assert np.sin(x) / x == pytest.approx(1 - np.pi**2 / 600, abs=1e-3)
    assert regimes.expected_variance(100, 2000)[-1] < 1e-8
    assert regimes.expected_variance(100, 0)[0] == regimes.expected_variance(100, 0, "accumulate")[0] == 0.99


# --- bookkeeping ---


def test_each_regime_keeps_what_it_says(rng):
    seen, new = np.zeros((6, 2)), np.ones((4, 2))
    for regime in ("replace", "verified"):
        kept, pool = regimes.next_pool(regime, seen, new, 4, rng)
        assert kept is new is pool
    kept, pool = regimes.next_pool("accumulate", seen, new, 4, rng)
    assert len(pool) == len(kept) == 10
    assert kept.sum() == 8
    sizes = [regimes.next_pool("fixed", seen, new, 5, np.random.default_rng(i)) for i in range(300)]
    assert {(len(kept), len(pool)) for kept, pool in sizes} == {(10, 5)}
    assert np.mean([pool.mean() for _, pool in sizes]) == pytest.approx(0.4, abs=0.04)


def test_a_verifier_lets_through_what_it_accepts(rng):
    kept, share = regimes.accepted(lambda n: rng.random(n), lambda x: x > 0.75, 500)
    assert len(kept) == 500
    assert kept.min() > 0.75
    assert share == pytest.approx(0.25, abs=0.06)
    few, _ = regimes.accepted(lambda n: rng.random(n), lambda x: x > 0.9, 100, tries=2)
    assert len(few) < 100
    with pytest.raises(CourseError, match="accepted none of 30"):
        regimes.accepted(lambda n: rng.random(n), lambda x: x > 2, 10, tries=3)


def test_a_pool_has_the_share_that_was_asked_for(rng):
    labels = np.arange(1000) % 10
    places = regimes.imbalanced(labels, 200, rng, rare=3, share=0.05)
    assert len(set(places)) == 200
    assert (labels[places] == 3).sum() == 10
    with pytest.raises(CourseError, match="150 of class 3"):
        regimes.imbalanced(labels, 300, rng, rare=3, share=0.5)


def test_the_blind_generator_keeps_each_pixel_and_no_picture(rng):
    images = rng.random((50, 28, 28, 1))
    mixed = regimes.shuffled_pixels(images, rng)
    assert mixed.shape == images.shape
    assert np.allclose(np.sort(mixed, axis=0), np.sort(images, axis=0))
    assert not any((one == images).all(axis=(1, 2, 3)).any() for one in mixed)


# --- the maker ---


def test_a_mixture_is_found_and_drawn_from(rng):
    """Two clouds far apart: shares, means and covariance, and draws that have them."""
    z = np.concatenate([rng.normal((-5, 0), 1, (300, 2)), rng.normal((5, 0), (0.5, 2), (700, 2))])
    found = maker.fit_mixture(z, 2, rng, rounds=30)
    order = found[1][:, 0].argsort()
    assert found[0][order] == pytest.approx([0.3, 0.7], abs=0.01)
    assert found[2][order[1]] == pytest.approx(np.diag([0.25, 4]), abs=0.5)
    drawn = maker.draw_mixture(found, 20_000, rng)
    assert drawn.mean(axis=0) == pytest.approx(z.mean(axis=0), abs=0.15)
    assert np.cov(drawn.T) == pytest.approx(np.cov(z.T), abs=0.5)
    with pytest.raises(CourseError, match="k must be an integer from 1 to 5"):
        maker.fit_mixture(z[:5], 6, rng)


def test_a_maker_is_what_its_seed_makes_it(makes):
    """The same seed, the same pictures, whatever was learnt before; the loss is that of new weights again."""
    (x, _), _ = data.load_mnist()
    images = data.scale(x[:60])
    with pytest.raises(CourseError, match="call fit"):
        maker.Maker().draw(1, np.random.default_rng(0))
    drawn = [makes.fit(images, 5, seed).draw(4, np.random.default_rng(1)) for seed in (3, 4, 3)]
    assert drawn[0].shape == (4, 28, 28, 1)
    assert np.abs(drawn[0]).max() <= 1
    assert np.allclose(drawn[0], drawn[2], atol=1e-5)
    assert not np.allclose(drawn[0], drawn[1], atol=1e-2)


# --- chains ---


def test_the_scale_has_the_pools_shares(scale):
    """Test digits, 2 % of them fours, none left out that may stay; real ones score near 0 on it."""
    (x, y), _ = data.load_mnist()
    assert 9000 < len(scale.images) < 9300
    some = data.scale(x[regimes.imbalanced(y, 500, np.random.default_rng(1))])
    found = scale.scores(some, some[:250], some[250:], scale.close(some[:250]))
    assert found["distance"] < 10
    assert found["rare"] == pytest.approx(0.02, abs=0.006)
    assert found["copies"] > 0.5 < found["echoes"]


def test_chains_begin_alike_and_go_their_ways(makes, scale):
    """Two generations of each regime: sizes of the pools, one first generator for all that have one."""
    found = {}
    for regime in regimes.CHAINS:
        verify = (lambda images: np.arange(len(images)) % 2 == 0) if regime == "verified" else None
        found[regime] = list(regimes.chain(regime, 2, 5, makes, scale, verify, n=100, steps=2))
    rows = {regime: [row for row, _ in chain] for regime, chain in found.items()}
    assert {regime: [row["pool"] for row in chain] for regime, chain in rows.items()} == {
        **{regime: [100, 100] for regime in regimes.CHAINS},
        "accumulate": [100, 200],
    }
    assert rows["verified"][1]["accepted"] == 0.5
    assert rows["real"][1]["distance"] < rows["replace"][1]["distance"]
    assert [row["copies"] for row in rows["blind"]] == [0, 0]
    again = list(regimes.chain("fixed", 2, 5, makes, scale, n=100, steps=2))
    assert np.allclose(again[1][1], found["fixed"][1][1], atol=1e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: regimes.expected_variance(1, 3), "n must"),
        (lambda: regimes.expected_variance(5, -1), "generations must"),
        (lambda: regimes.refit_gaussian(5, 3, 2, None, "fixed"), "replace, accumulate"),
        (lambda: regimes.next_pool("fresh", np.zeros(3), np.zeros(3), 3, None), "regime must be one of replace"),
        (lambda: next(regimes.chain("verified", 1, 0, None, None)), "needs verify"),
        (lambda: next(regimes.chain("hope", 1, 0, None, None)), "regime must be one of replace"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(CourseError, match=message):
        call()
