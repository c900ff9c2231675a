"""Taste and hands: users of known taste, the preference model, best of n, the widget; twenty digits of a hand."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from aigc_course import data, plots
from aigc_course.errors import CourseError, Stopped
from aigc_course.flow import model, network
from aigc_course.studio import adapt, conditional, taste, taste_users, taste_widget

ROOT = Path(__file__).resolve().parent.parent


class FakeJudge:
    """Sixty-four fixed directions of the pixels as features; no class."""

    def __init__(self):
        self.ways = np.random.default_rng(0).standard_normal((784, 64)).astype(np.float32) / 28
        inputs = keras.Input((28, 28, 1))
        dense = keras.layers.Dense(64, use_bias=False)
        seen = dense(keras.layers.Flatten()(inputs))
        dense.set_weights([self.ways])
        self.network = keras.Model(inputs, [seen, keras.layers.Dense(10)(seen)])

    def read(self, images):
        rows = images.reshape(len(images), -1)
        return rows @ self.ways, rows[:, :10]


@pytest.fixture(scope="module")
def generator():
    keras.utils.set_random_seed(3)
    return conditional.build_conditional_generator()


@pytest.fixture(scope="module")
def clothes():
    """(images, labels, measured) of 600 real pictures, so that no generator is needed."""
    (x, y), _ = data.load_fashion_mnist()
    images = data.scale(x[:600])
    return images, y[:600].astype(int), taste_users.properties(images)


# --- users ---


def test_properties_of_bars():
    """A bar in the middle is its own mirror image; one on the left shares nothing with its own."""
    images = -np.ones((3, 28, 28, 1), np.float32)
    images[0, 4:24, 12:16] = 1.0
    images[1, 4:24, 2:6] = 1.0
    images[2, 4:24, 12:16:2] = 1.0
    found = dict(zip(taste_users.PROPERTIES, taste_users.properties(images).T, strict=True))
    assert np.allclose(found["brightness"], [80 / 784, 80 / 784, 40 / 784], atol=1e-6)
    assert np.allclose(found["symmetry"][:2], [1.0, 0.0], atol=1e-6)
    assert np.allclose(found["width"][:2], np.sqrt(15), atol=1e-3)
    assert found["texture"][2] > 1.5 * found["texture"][0]


@pytest.mark.parametrize("kind", taste_users.KINDS)
def test_users_like_the_share_that_was_asked_for(clothes, kind):
    _, labels, measured = clothes
    users = taste_users.draw_users(30, measured, labels, kind, seed=1, rates=(0.1, 0.2))
    p = taste_users.likings(users, measured, labels)
    assert p.shape == (30, 600)
    assert (p.mean(axis=1) > 0.0999).all()
    assert (p.mean(axis=1) < 0.2001).all()
    logits = np.log(p) - np.log1p(-p)
    assert np.allclose(logits.std(axis=1), 2.0)
    assert np.array_equal(
        p, taste_users.likings(taste_users.draw_users(30, measured, labels, kind, 1), measured, labels)
    )


def test_an_ideal_is_the_best_of_its_line(clothes):
    """Along one property the liking is largest at the user's ideal; "more" has no best."""
    _, labels, measured = clothes
    for kind in taste_users.KINDS:
        users = taste_users.draw_users(1, measured, labels, kind, seed=2)
        line = np.repeat(users.mean[None], 401, axis=0)
        line[:, 0] += np.linspace(-6, 6, 401) * users.spread[0]
        best = np.linspace(-6, 6, 401)[taste_users.likings(users, line, np.zeros(401, int))[0].argmax()]
        assert abs(best - users.ideals[0, 0]) < 0.03 if kind == "ideal" else abs(best) == 6.0


# --- the model ---


def test_eyes_are_white(rng):
    features = rng.standard_normal((500, 8)) @ rng.standard_normal((8, 8))
    seen = taste.Eyes(features, 5)(features)
    assert np.allclose(seen[:, 0], 1)
    assert np.allclose(np.cov(seen[:, 1:], rowvar=False), np.eye(5), atol=1e-8)


def test_laplace_is_the_top_of_the_posterior_and_its_curvature(rng):
    """Against a gradient by central differences, and the Hessian of the negative log posterior."""
    x = np.column_stack([np.ones(40), rng.standard_normal((40, 3))])
    y = rng.random(40) < 0.3
    found = taste.fit_taste(x, y, precision=2.0)
    prior = np.array([0.02, 2.0, 2.0, 2.0])

    def height(w):
        return (y * (x @ w) - np.logaddexp(0, x @ w)).sum() - 0.5 * prior @ w**2

    steps = 1e-4 * np.eye(4)
    slope = [(height(found.mean + s) - height(found.mean - s)) / 2e-4 for s in steps]
    assert np.abs(slope).max() < 1e-6

    def both(a, b):
        at = [height(found.mean + s * a + t * b) * s * t for s in (-1, 1) for t in (-1, 1)]
        return sum(at) / 4e-8

    curved = [[both(a, b) for a in steps] for b in steps]
    assert np.allclose(np.linalg.inv(-np.array(curved)), found.covariance, atol=1e-4)


@pytest.mark.parametrize("answers", [np.zeros(6), np.ones(6), np.array([0, 0, 0, 1, 1, 1])])
def test_answers_that_a_line_separates_give_finite_weights(answers):
    x = np.column_stack([np.ones(6), [-3.0, -2, -1, 1, 2, 3]])
    found = taste.fit_taste(x, answers, 0.1)
    assert np.isfinite(found.mean).all()
    assert np.linalg.eigvalsh(found.covariance).min() > 0


def test_prediction_is_the_mean_over_the_posterior(rng):
    """MacKay's approximation against 100,000 draws of the weights; caution lowers it, most where little is known."""
    found = taste.Taste(np.array([-1.0, 0.5]), np.diag([0.4, 0.8]))
    x = np.array([[1.0, 0.0], [1.0, 2.0], [1.0, -3.0]])
    w = rng.multivariate_normal(found.mean, found.covariance, 100_000)
    assert np.allclose(taste.predict(found, x), taste_users.sigmoid(x @ w.T).mean(axis=1), atol=0.02)
    fall = taste.predict(found, x) - taste.predict(found, x, 1.0)
    assert (fall > 0).all()


def test_a_model_finds_a_plain_taste(rng):
    """Likes fall on one side of a line: after 30 answers the proposals are liked twice as often as by chance."""
    x = np.column_stack([np.ones(3000), rng.standard_normal((3000, 8))])
    p = taste_users.sigmoid(2.0 * x[:, 1] - 3.0)
    shown, answers, found = taste.interview(x[:2500], lambda places: rng.random(len(places)) < p[places], rng)
    assert len(set(shown)) == len(answers) == 30
    chosen = np.argsort(taste.predict(found, x[2500:]))[-20:]
    assert p[2500:][chosen].mean() > 2 * p.mean()


def test_questions_are_drawn_as_often_as_they_may_be_the_best(rng):
    """Two pictures, one weight each: Thompson asks about the first with P(w_1 > w_2)."""
    found = taste.Taste(np.array([0.5, 0.0]), np.eye(2))
    first = np.mean([taste.ask_next(found, np.eye(2), 1, rng)[0] == 0 for _ in range(4000)])
    assert abs(first - 0.6382) < 0.03  # Φ(0.5 / √2)
    assert sorted(taste.ask_next(found, np.eye(2), 2, rng)) == [0, 1]


def test_nearness_is_that_of_the_nearest_like():
    shown, x = np.array([[0.0, 0.0], [3.0, 4.0], [1.0, 0.0]]), np.array([[0.0, 0.0], [1.0, 1.0]])
    assert np.allclose(taste.nearness(x, shown, [0, 1, 1], k=1, against=0), [-1.0, -1.0])
    assert np.allclose(taste.nearness(x, shown, [0, 1, 1], k=5, against=0), [-3.0, -(1 + 13**0.5) / 2])
    assert np.allclose(taste.nearness(x, shown, [0, 1, 1], k=1, against=0.5), [-1.0, -1 + 2**0.5 / 2])
    assert np.allclose(taste.nearness(x, shown, [0, 0, 0]), 0)


def test_class_rates_count_likes_in_a_class():
    """Two of three of class 4, beside a beginning of 2 with 15 %; a class that was not shown stays at 15 %."""
    assert np.allclose(taste.class_rates([4, 7], [4, 4, 4, 1], [1, 1, 0, 1]), [2.3 / 5, 0.15])


# --- too far ---


def test_kl_of_the_best_of_n():
    """∫ n u^(n-1) log(n u^(n-1)) du on a grid."""
    u = (np.arange(200_000) + 0.5) / 200_000
    for n in (1, 2, 7, 50):
        density = n * u ** (n - 1)
        inside = density > 0
        assert np.isclose((density[inside] * np.log(density[inside])).mean(), taste.kl_of_best(n), atol=1e-4)


def test_kl_among_a_few_is_that_of_all_choices():
    """Shares counted by hand; log N where all are drawn, 0 where one is, and the formula where n is small beside N."""
    for n in (1, 3, 7):
        best = np.bincount([max(some) for some in itertools.combinations(range(7), n)], minlength=7)
        s = best[best > 0] / best.sum()
        assert np.isclose(taste.kl_of_best(n, 7), np.log(7) + s @ np.log(s))
    assert np.isclose(taste.kl_of_best(7, 7), np.log(7))
    assert np.allclose(taste.kl_of_best([1, 16], 20_000), taste.kl_of_best([1, 16]), atol=1e-3)


def test_best_of_counts_all_choices(rng):
    scores, values = rng.standard_normal(7), rng.standard_normal(7)
    for n in (1, 3, 7):
        chosen = [values[max(some, key=lambda i: scores[i])] for some in itertools.combinations(range(7), n)]
        assert np.isclose(taste.best_of(scores, values, [n])[0], np.mean(chosen))


def test_gaos_form_is_found_again():
    kl = taste.kl_of_best(np.array([1, 4, 30, 1000]))
    assert np.allclose(taste.overoptimised(kl, np.sqrt(kl) * (0.4 - 0.1 * np.sqrt(kl))), (0.4, 0.1))


def test_climbing_raises_what_is_predicted(generator):
    judge = FakeJudge()
    rng, seen = np.random.default_rng(0), []
    slopes = np.repeat(rng.standard_normal((1, 64)), 4, axis=0)
    z = rng.standard_normal((4, 64))

    def each(step, z, images):
        seen.append((judge.read(images)[0] * slopes).sum(axis=1))

    moved = taste.climb(generator, judge, slopes, z, np.arange(4), 5, 0.3, each)
    assert len(seen) == 6
    assert (seen[-1] > seen[0]).all()
    assert np.allclose(np.linalg.norm(moved - z, axis=1), 1.5, atol=0.3)


# --- the widget ---


def test_wilsons_interval():
    """Published: 0 of 10 gives 0 to 0.278; symmetric at one half."""
    assert np.allclose(taste_widget.wilson(0, 10), (0.0, 0.2775), atol=1e-3)
    low, high = taste_widget.wilson(10, 20)
    assert np.isclose(low + high, 1)


@pytest.fixture
def session(generator):
    return taste_widget.Session(generator, FakeJudge(), seed=5, pool=150)


def test_a_session_asks_then_tests_blind(session):
    """Three pages, then four with five proposals each; no picture twice; who likes all gets 20 of 20 both times."""
    shown = []
    while len(session.page):
        assert session.images.shape == (10, 28, 28, 1)
        shown += list(session.page)
        session.answer([True] * 10)
    assert len(shown) == len(set(shown)) == 70
    assert [session.result()[name][:2] for name in ("proposed", "by chance")] == [(20, 20), (20, 20)]
    assert "20 of 20 liked" in session.told()
    with pytest.raises(CourseError, match="all pages"):
        session.answer([True] * 10)


def test_a_page_can_be_taken_back(session):
    first = session.page
    assert not session.undo()
    for _ in range(4):
        session.answer([True] + 9 * [False])
    fourth = session.page
    assert session.undo()
    assert set(session.page) != set(fourth)
    assert session.result() == {}
    for _ in range(3):
        assert session.undo()
    assert not session.answers
    assert np.array_equal(session.page, first)


def test_the_controls_do_what_they_say(session):
    ipywidgets = pytest.importorskip("ipywidgets")
    picture, toggles, buttons, said = taste_widget.taste_controls(ipywidgets, session).children
    after, back = buttons.children
    back.click()
    assert "nothing to undo" in said.value
    before = picture.value
    toggles.children[2].value = True
    after.click()
    assert session.answers[int(list(session.answers)[2])] == 1
    assert sum(session.answers.values()) == 1
    assert picture.value != before
    assert not any(toggle.value for toggle in toggles.children)
    for _ in range(6):
        after.click()
    assert "Done" in said.value
    assert after.disabled
    back.click()
    assert not after.disabled
    assert [one.description for one in toggles.children] == [f"like {i + 1}" for i in range(10)]


def test_play_without_widgets_shows_a_page(generator, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    shown = []
    monkeypatch.setattr(plots, "show", lambda fig, alt: shown.append(alt))
    monkeypatch.setattr(taste_widget.scores, "FashionJudge", FakeJudge)
    played = taste_widget.play(generator, seed=1, pool=150)
    assert len(played.page) == 10
    assert "page 1 of 3" in shown[0]
    assert "pip install ipywidgets" in capsys.readouterr().out


# --- hands ---


def test_a_warp_moves_ink_as_its_matrix_says():
    images = np.zeros((1, 28, 28), np.float32)
    images[0, 10, 16] = 1.0  # (-3.5, 2.5) from the middle
    moved = adapt.warp(images, [[1.0, 0.0], [-0.5, 1.0]])  # 3.5 rows up: 1.75 to the right
    assert np.isclose(moved[0, 10, 17], 0.25)
    assert np.isclose(moved[0, 10, 18], 0.75)
    assert np.allclose(adapt.warp(images, np.eye(2)), images)


def test_hands_write_as_they_are_described():
    (x, _), _ = data.load_mnist()
    plain = data.scale(x[:200])
    for hand in adapt.HANDS.values():
        written = data.scale(adapt.write(hand, x[:200]))
        assert np.sign(adapt.slants(written) - adapt.slants(plain)) == np.sign(hand.slant)
    thick, thin = (adapt.write((0, 1, 1, s), x[:50]).mean() for s in (1, -1))
    assert thin < x[:50].mean() < thick
    assert np.array_equal(adapt.write((0, 1, 1, 0), x[:50]), x[:50])


def test_the_linear_map_undoes_a_linear_hand():
    """A hand without strokes of its own: the map found from 200 digits and the same 200, written, is its matrix."""
    (x, _), _ = data.load_mnist()
    hand = adapt.Hand(0.3, 0.9, 0.8, 0)
    plain, written = data.scale(x[:200]), data.scale(adapt.write(hand, x[:200]))
    assert np.allclose(adapt.fit_map(plain, written), [[0.8, 0], [-0.3, 0.9]], atol=0.06)
    assert abs(adapt.slants(adapt.align(plain, written)) - adapt.slants(written)) < 0.05


def test_twenty_are_two_of_each(rng):
    labels = rng.permutation(np.repeat(np.arange(10), 5))
    assert np.array_equal(labels[adapt.twenty(labels, 3)], np.repeat(np.arange(10), 2))
    with pytest.raises(CourseError, match="2 of each"):
        adapt.twenty(labels[labels != 4])


@pytest.fixture(scope="module")
def flow():
    keras.utils.set_random_seed(1)
    small = network.build_velocity(width=4)
    small.set_weights([w + 0.02 * np.random.default_rng(0).standard_normal(w.shape) for w in small.get_weights()])
    return model.Flow(small)


@pytest.mark.parametrize("ways", ["few", "all"])
def test_a_flow_learns_a_hand_and_the_old_one_stays(flow, ways):
    """The regression's loss on the twenty falls; the given weights are as before; few are few."""
    (x, y), _ = data.load_mnist()
    images, labels = adapt.write(adapt.HANDS["bold"], x[:20]), y[:20]
    before, seen = flow.average.get_weights(), []
    shown = data.scale(images)
    noise = np.random.default_rng(1).standard_normal(shown.shape).astype(np.float32)

    def each(step, new):
        velocity = new.velocity((shown + noise) / 2, 0.5, labels)
        seen.append(float(np.square(velocity - (shown - noise)).mean()))

    new, numbers = adapt.adapt(flow, images, labels, ways, steps=30, rate=1e-2, seed=3, each=each)
    assert len(seen) == 31
    assert seen[-1] < 0.98 * seen[0]
    assert all(np.array_equal(a, b) for a, b in zip(before, flow.average.get_weights(), strict=True))
    assert numbers == flow.network.count_params() if ways == "all" else numbers < flow.network.count_params() / 3
    assert new.sample(2, evaluations=2).shape == (2, 28, 28, 1)


def test_few_numbers_scale_channels(flow):
    """One factor for each channel that goes out, of the transposed convolution too; biases whole; embedding none."""
    shapes = adapt.few_numbers(flow.network)
    for weight, shape in zip(flow.network.trainable_variables, shapes, strict=True):
        if "embedding" in weight.path:
            assert shape is None
        elif weight.path.startswith("conv2d_transpose") and weight.name == "kernel":
            assert shape == [1, 1, weight.shape[2], 1]
        else:
            assert shape == [1] * (len(weight.shape) - 1) + [weight.shape[-1]]


def test_stopping_keeps_what_was_learnt(flow):
    (x, y), _ = data.load_mnist()
    held = []

    def each(step, new):
        held.append(new)
        if step == 2:
            raise KeyboardInterrupt

    with pytest.raises(Stopped, match="step 2 of 5"):
        adapt.adapt(flow, x[:4], y[:4], "few", steps=5, each=each)
    assert len(held) == 3


# --- wrong requests ---


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: taste_users.draw_users(2, np.zeros((5, 3)), np.zeros(5, int)), "measured must be"),
        (lambda f: taste_users.draw_users(2, np.zeros((5, 5)), np.zeros(5, int), "odd"), "kind must be"),
        (lambda f: taste_users.draw_users(2, np.zeros((5, 5)), np.zeros(5, int), rates=(0.3, 0.1)), "rates"),
        (lambda f: taste.Eyes(np.zeros((3, 8))), "N > F"),
        (lambda f: taste.fit_taste(np.ones((3, 2)), [0, 1]), "needs N answers"),
        (lambda f: taste.fit_taste(np.ones((2, 2)), [0, 2]), "needs N answers"),
        (lambda f: taste.fit_taste(np.ones((2, 2)), [0, 1], 0), "precision must"),
        (lambda f: taste.best_of([1.0, 2.0], [1.0], [1]), "must be"),
        (lambda f: taste.best_of([1.0, 2.0], [1.0, 2.0], [3]), "n must be"),
        (lambda f: taste.kl_of_best(0), "1 or more"),
        (lambda f: taste.overoptimised([1.0], [1.0]), "N > 1"),
        (lambda f: taste.interview(np.ones((12, 2)), np.ones_like, np.random.default_rng(0)), "more pictures"),
        (lambda f: taste_widget.wilson(3, 2), "hits must"),
        (lambda f: adapt.warp(np.zeros((1, 28, 28)), np.zeros((2, 2))), "not singular"),
        (lambda f: adapt.warp(np.zeros((28, 28)), np.eye(2)), "must be"),
        (lambda f: adapt.write((0, 1, 1, 2), np.zeros((1, 28, 28), np.uint8)), "stroke"),
        (lambda f: adapt.write((0, 1, 1, 0), np.zeros((1, 8, 8), np.uint8)), "must be digits"),
        (lambda f: adapt.adapt(f, np.zeros((2, 28, 28), np.uint8), [1, 2], "some"), "ways must be"),
        (lambda f: adapt.adapt(f, np.zeros((2, 28, 28), np.uint8), [1, 2], "some", rate=1e-3), "ways must be"),
        (lambda f: adapt.adapt(f, np.zeros((2, 28, 28), np.uint8), [1]), "one for each"),
    ],
)
def test_wrong_requests_are_named(flow, call, message):
    with pytest.raises(CourseError, match=message):
        call(flow)


def test_a_session_says_what_a_page_needs(session):
    with pytest.raises(CourseError, match="10 answers"):
        session.answer([True])


# --- from the shell ---


@pytest.mark.parametrize("name", ["taste", "adapt"])
def test_bad_input_from_the_shell_is_one_line(name):
    """Exit code 2, no traceback."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / f"{name}.py"), "--seed", "100"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "--seed must be 0 to 99" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_last_line_is_json(monkeypatch):
    """`adapt.last_line`: means over the hands, at the steps that were chosen."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import importlib

    script = importlib.import_module("adapt")
    numbers = {"distance": 2.0, "plain": 3.0, "agreement": 0.5, "spread": 1.0, "copies": 0.0}
    rows = [{"row": row, "steps": 0, **numbers} for row in ("blind: as it was", "real", "linear map")]
    for ways, steps in script.CHOSEN.items():
        rows += [{"row": row, "steps": steps, **numbers} for row in (ways, f"{ways}, then map")]
    told = json.loads(script.last_line(3, [{"rows": rows, "seconds": 1.0}] * 2))
    assert told["seed"] == 3
    assert told["few_distance"] == 2.0
    assert told["seconds"] == 2.0
