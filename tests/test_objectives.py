"""The losses of both players: closed forms, slopes, and the value of the game at the best discriminator."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import integrate, stats

from aigc_course import objectives
from aigc_course.errors import CourseError

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
    with pytest.raises(CourseError, match=r"objective must be one of non_saturating, minimax, smoothed") as caught:
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


# --- what chapter 06 adds -----------------------------------------------------------------------------------


def test_the_relativistic_losses_are_the_formulas():
    """-log sigmoid of the difference within each pair; the generator's with the players exchanged."""
    real, fake = np.array([0.3, -1.2, 4.0]), np.array([-2.0, 0.7, 1.1])
    objective = objectives.get("relativistic")
    assert objective.paired
    assert float(objective.d_loss(column(real), column(fake))) == pytest.approx(-np.log(sigmoid(real - fake)).mean())
    assert float(objective.g_loss(column(real), column(fake))) == pytest.approx(-np.log(sigmoid(fake - real)).mean())


@pytest.mark.parametrize(("name", "invariant"), [("relativistic", True), ("wasserstein", True), ("minimax", False)])
def test_a_shift_of_all_scores(name, invariant, rng):
    """Relativistic and Wasserstein losses see differences only: adding 7.5 to every score changes no D loss."""
    real, fake = rng.standard_normal((2, 9, 1)).astype("float32")
    objective = objectives.get(name)
    moved = float(objective.d_loss(real + 7.5, fake + 7.5)) - float(objective.d_loss(real, fake))
    assert (abs(moved) < 1e-5) == invariant
    pairs = float(objectives.relativistic_generator_loss(real + 7.5, fake + 7.5))
    assert pairs == pytest.approx(float(objectives.relativistic_generator_loss(real, fake)), abs=1e-5)


def test_the_critic_of_two_points_is_their_distance():
    """f(x) = x is the best 1-Lipschitz critic of a point at 3 and one at 0.5: the negative loss is W1 = 2.5."""
    assert float(objectives.critic_loss(column([3.0]), column([0.5]))) == pytest.approx(-2.5)
    assert float(objectives.critic_generator_loss(column([3.0]), column([0.5]))) == pytest.approx(-0.5)


@pytest.mark.parametrize("smooth", [0.0, 0.1, 0.3])
def test_label_smoothing_moves_the_best_logit_to_its_closed_form(smooth):
    """Pointwise minimum over a fine grid of logits: log((1 - s) p / (q + s p)); s = 0 is the plain loss."""
    p, q = 0.7, 0.2
    grid = np.linspace(-6, 6, 120_001)
    loss = p * ((1 - smooth) * np.logaddexp(0, -grid) + smooth * np.logaddexp(0, grid)) + q * np.logaddexp(0, grid)
    assert grid[loss.argmin()] == pytest.approx(np.log((1 - smooth) * p / (q + smooth * p)), abs=2e-4)
    real, fake = column([0.4, -1.0]), column([2.0, 0.1])
    a, b = np.array([0.4, -1.0]), np.array([2.0, 0.1])
    expected = ((1 - smooth) * np.logaddexp(0, -a) + smooth * np.logaddexp(0, a)).mean() + np.logaddexp(0, b).mean()
    assert float(objectives.smoothed_discriminator_loss(real, fake, smooth)) == pytest.approx(expected, rel=1e-6)


def test_gradient_penalty_of_a_linear_critic(rng):
    """f = <w, x> has slope |w| everywhere: (|w| - 1)², whatever lies between; also for seeds side by side."""
    weight = rng.standard_normal((4, 4, 1)).astype("float32")
    real, fake = rng.standard_normal((2, 5, 4, 4, 1)).astype("float32")

    def linear(x):
        return tf.reduce_sum(x * weight, axis=[-3, -2, -1])[..., None]

    expected = (np.linalg.norm(weight) - 1) ** 2
    found = objectives.gradient_penalty(linear, tf.constant(real), tf.constant(fake))
    assert float(found) == pytest.approx(expected, rel=1e-4)
    double = objectives.gradient_penalty(linear, tf.stack([real, fake]), tf.stack([fake, real]), batch_axes=2)
    assert float(double) == pytest.approx(expected, rel=1e-4)


def test_gradient_penalty_draws_evenly_between_the_pairs():
    """With f = x³ / 3 on reals at 1 and fakes at 0 the slope at share e is e²: the penalty is E(e² - 1)² = 8/15 for a
    uniform e. Normal or two-valued shares give other numbers. Each pair has a share of its own."""
    count, places = 200_000, []

    def cubic(x):
        places.append(x)
        return x**3 / 3

    found = objectives.gradient_penalty(cubic, tf.ones((count, 1)), tf.zeros((count, 1)))
    assert float(found) == pytest.approx(8 / 15, abs=4e-3)
    share = places[0].numpy().ravel()
    assert 0 <= share.min() < 1e-4
    assert 1 - 1e-4 < share.max() <= 1
    assert stats.kstest(share, "uniform").pvalue > 1e-3


def test_gradient_penalty_of_a_flat_critic_has_a_finite_gradient():
    """A critic of slope 0 is penalised by (0 - 1)² = 1, and no NaN reaches its weights."""
    weight = tf.Variable(np.zeros((3, 1), "float32"))
    with tf.GradientTape() as tape:
        penalty = objectives.gradient_penalty(lambda x: x @ weight, tf.ones((4, 3)), tf.zeros((4, 3)))
    assert float(penalty) == pytest.approx(1.0)
    assert np.isfinite(tape.gradient(penalty, weight)).all()


def test_r1_keeps_seeds_apart(rng):
    """For (S, B, 2) with batch_axes=2 the penalty is the mean of the seeds' own penalties."""
    points = tf.constant(rng.standard_normal((3, 6, 2)).astype("float32"))
    gains = tf.constant([[[1.0]], [[2.0]], [[3.0]]])

    def logits(x):
        return tf.reduce_sum(gains * x, axis=-1, keepdims=True)

    assert float(objectives.r1_penalty(logits, points, batch_axes=2)[1]) == pytest.approx(np.mean([1, 4, 9]) * 2 / 2)


def test_clip_weights_cuts_both_sides():
    """Weights end within the limit; those inside stay as they are."""
    import keras

    critic = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    critic.set_weights([np.array([[0.5], [-0.004]]), np.array([-3.0])])
    objectives.clip_weights(critic, 0.01)
    np.testing.assert_allclose(np.concatenate([w.ravel() for w in critic.get_weights()]), [0.01, -0.004, -0.01])


def test_pack_puts_neighbours_side_by_side():
    """Points and images: group i holds samples i m … i m + m - 1, one behind the other in the channels."""
    points = np.arange(12, dtype="float32").reshape(6, 2)
    np.testing.assert_array_equal(objectives.pack(tf.constant(points), 3), points.reshape(2, 6))
    images = np.random.default_rng(0).random((4, 5, 6, 2), dtype="float32")
    packed = objectives.pack(tf.constant(images), 2).numpy()
    assert packed.shape == (2, 5, 6, 4)
    np.testing.assert_array_equal(packed[1], np.concatenate([images[2], images[3]], axis=-1))
    seeds = objectives.pack(tf.constant(np.stack([points, points + 100])), 2, batch_axes=2)
    np.testing.assert_array_equal(seeds, np.stack([points, points + 100]).reshape(2, 3, 4))
    np.testing.assert_array_equal(objectives.pack(tf.constant(points), 1), points)
    with pytest.raises(CourseError, match="groups of 4; received 6"):
        objectives.pack(tf.constant(points), 4)


def test_a_penalty_is_weighted_and_left_out_at_weight_0(rng):
    """with_r1 is the logits and weight times r1_penalty; at 0 the discriminator is asked once and nothing is added."""
    x, calls = tf.constant(rng.standard_normal((4, 2)).astype("float32")), []

    def logits(points):
        calls.append(1)
        return tf.reduce_sum(points**2, axis=-1, keepdims=True)

    found, penalty = objectives.with_r1(logits, x, tf.constant(0.3))
    np.testing.assert_allclose(found, logits(x))
    assert float(penalty) == pytest.approx(0.3 * float(objectives.r1_penalty(logits, x)[1]), rel=1e-6)
    calls.clear()
    assert objectives.with_r1(logits, x, 0.0)[1] == 0.0
    assert len(calls) == 1
