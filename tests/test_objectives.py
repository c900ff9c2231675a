"""The losses of both players: closed forms, slopes, and the value of the game at the best discriminator."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import integrate, stats

from aigc_course import objectives
from aigc_course.runtime import CourseError

LOG_2 = np.log(2.0)
LOGITS = np.array([-100.0, -20.0, -3.0, -0.5, 0.0, 0.5, 3.0, 20.0, 100.0])
NAMES = ["non_saturating", "minimax"]


def sigmoid(x):
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))


def column(values, dtype=tf.float32):
    return tf.constant(np.reshape(values, (-1, 1)), dtype)


@pytest.mark.parametrize(("name", "g_value"), [("non_saturating", LOG_2), ("minimax", -LOG_2)])
def test_a_discriminator_that_knows_nothing(name, g_value):
    """All logits 0: D loses 2 log 2; the generator has log 2 (non-saturating) or -log 2 (minimax)."""
    objective = objectives.get(name)
    zeros = tf.zeros((5, 1))
    assert float(objective.d_loss(zeros, zeros)) == pytest.approx(2 * LOG_2, rel=1e-6)
    assert float(objective.g_loss(zeros, zeros)) == pytest.approx(g_value, rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_losses_are_the_formulas(name):
    """Against -E log D(x) - E log(1 - D(G(z))) written with probabilities, where those are exact enough."""
    real, fake = np.array([0.3, -1.2, 4.0]), np.array([-2.0, 0.7, 1.1])
    d_loss = -np.log(sigmoid(real)).mean() - np.log(1 - sigmoid(fake)).mean()
    g_loss = -np.log(sigmoid(fake)).mean() if name == "non_saturating" else np.log(1 - sigmoid(fake)).mean()
    objective = objectives.get(name)
    assert float(objective.d_loss(column(real), column(fake))) == pytest.approx(d_loss, rel=1e-6)
    assert float(objective.g_loss(column(real), column(fake))) == pytest.approx(g_loss, rel=1e-6)


def test_minimax_is_a_zero_sum_game():
    """In minimax the generator's slope on the fake logits is exactly the negative of the discriminator's."""
    objective = objectives.get("minimax")
    fake = column(LOGITS)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(fake)
        d_loss, g_loss = objective.d_loss(column(0 * LOGITS), fake), objective.g_loss(column(0 * LOGITS), fake)
    np.testing.assert_array_equal(tape.gradient(d_loss, fake), -tape.gradient(g_loss, fake))


@pytest.mark.parametrize("name", NAMES)
def test_slopes_are_the_closed_forms_and_finite_everywhere(name):
    """dD/dreal = -(1 - D)/n, dD/dfake = D/n; the generator: -(1 - D)/n, or -D/n for minimax; also at logits of ±100."""
    objective = objectives.get(name)
    real, fake, n = column(LOGITS), column(LOGITS[::-1]), len(LOGITS)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([real, fake])
        d_loss, g_loss = objective.d_loss(real, fake), objective.g_loss(real, fake)
    probability = sigmoid(LOGITS[::-1].reshape(-1, 1))
    generator_slope = -(1 - probability) if name == "non_saturating" else -probability
    expected = {
        ("d", "real"): (d_loss, real, -sigmoid(-LOGITS.reshape(-1, 1))),
        ("d", "fake"): (d_loss, fake, probability),
        ("g", "fake"): (g_loss, fake, generator_slope),
    }
    for which, (loss, logits, slope) in expected.items():
        assert np.isfinite(loss), which
        found = tape.gradient(loss, logits).numpy()
        assert np.isfinite(found).all(), which
        np.testing.assert_allclose(found, slope / n, rtol=1e-5, atol=1e-12, err_msg=str(which))


def test_only_the_non_saturating_generator_learns_from_a_sure_discriminator():
    """Fake logits of -30: the minimax slope is gone (e**-30), the non-saturating one is whole (-1)."""
    slopes = {}
    for name in NAMES:
        fake = tf.constant([[-30.0]])
        with tf.GradientTape() as tape:
            tape.watch(fake)
            loss = objectives.get(name).g_loss(tf.zeros((1, 1)), fake)
        slopes[name] = tape.gradient(loss, fake).numpy().item()
    assert slopes["non_saturating"] == pytest.approx(-1.0, abs=1e-6)
    assert -1e-12 < slopes["minimax"] < 0


@pytest.mark.parametrize(("p", "q"), [((0, 1), (1, 0.5)), ((0, 1), (0, 1)), ((-2, 1), (3, 2))])
def test_value_at_the_best_discriminator(p, q):
    """With logit log(p/q) the discriminator's loss is log 4 - 2 JSD, and no other logit does better."""
    p, q = stats.norm(*p), stats.norm(*q)
    ranks = (np.arange(100_000) + 0.5) / 100_000  # midpoints of equal shares: a mean over them is a quadrature
    at_real, at_fake = p.ppf(ranks), q.ppf(ranks)

    def best(x):
        return p.logpdf(x) - q.logpdf(x)

    def loss(logit):
        return float(
            objectives.discriminator_loss(column(logit(at_real), tf.float64), column(logit(at_fake), tf.float64))
        )

    def half(a, b):  # KL(a || (a + b) / 2)
        return integrate.quad(lambda x: a.pdf(x) * np.log(2 * a.pdf(x) / (a.pdf(x) + b.pdf(x))), -12, 12, limit=200)[0]

    jsd = (half(p, q) + half(q, p)) / 2
    assert loss(best) == pytest.approx(2 * LOG_2 - 2 * jsd, abs=1e-4)
    for other in (lambda x: best(x) + 0.3, lambda x: 0.7 * best(x) - 0.2, lambda x: best(x) + 0.3 * np.sin(x)):
        assert loss(other) > loss(best) + 1e-3


@pytest.mark.parametrize("name", ["wasserstein!", "", None, 3, "Minimax"])
def test_an_unknown_name_is_refused(name):
    """The error lists the objectives that there are and shows what came."""
    with pytest.raises(CourseError, match=r"objective must be one of non_saturating, minimax") as caught:
        objectives.get(name)
    assert repr(name) in str(caught.value)


def test_an_objective_of_ones_own_is_taken_as_it_is():
    """get() passes an Objective through, so that a chapter can bring its own."""
    own = objectives.Objective("own", lambda real, fake: 0.0, lambda real, fake: 0.0)
    assert objectives.get(own) is own


@pytest.mark.parametrize("gain", [0.5, 3.0])
def test_r1_of_a_linear_discriminator(rng, gain):
    """logit = <w, x> has slope w everywhere: the penalty is |w|² / 2; the logits come back unchanged."""
    weight = (gain * rng.standard_normal((5, 5, 2))).astype("float32")
    x = tf.constant(rng.standard_normal((6, 5, 5, 2)).astype("float32"))

    def linear(images):
        return tf.reduce_sum(images * weight, axis=[1, 2, 3])[:, None]

    logits, penalty = objectives.r1_penalty(linear, x)
    np.testing.assert_allclose(logits, linear(x), rtol=1e-6)
    assert float(penalty) == pytest.approx(float((weight**2).sum()) / 2, rel=1e-5)


def test_r1_against_finite_differences(rng):
    """A curved discriminator in float64: mean squared slope by central differences, 0.5 in front; and the penalty
    itself has the right gradient with respect to the discriminator's weight."""
    x, weight = rng.standard_normal((3, 2, 2, 1)), tf.Variable(0.7, dtype=tf.float64)

    def curved(images):
        return tf.reduce_sum(tf.sin(weight * images) * images, axis=[1, 2, 3])[:, None]

    def by_differences():
        total, h = 0.0, 1e-5
        for i in np.ndindex(x.shape):
            up, down = x.copy(), x.copy()
            up[i] += h
            down[i] -= h
            total += float(tf.reduce_sum(curved(tf.constant(up)) - curved(tf.constant(down))) / (2 * h)) ** 2
        return 0.5 * total / len(x)

    with tf.GradientTape() as tape:
        penalty = objectives.r1_penalty(curved, tf.constant(x))[1]
    assert float(penalty) == pytest.approx(by_differences(), rel=1e-6)
    slope = float(tape.gradient(penalty, weight))
    values = []
    for moved in (0.7 + 1e-4, 0.7 - 1e-4):
        weight.assign(moved)
        values.append(by_differences())
    assert slope == pytest.approx((values[0] - values[1]) / 2e-4, rel=1e-4)
