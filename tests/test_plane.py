"""The live picture: it trains real Keras models, its controls do what they say, points can be one's own."""

import asyncio
import io
import signal
import sys
import time

import keras
import numpy as np
import pytest
from PIL import Image

from aigc_course import plane
from aigc_course.errors import CourseError


@pytest.fixture
def game():
    keras.utils.set_random_seed(1)
    return plane.Game(*plane.build_players(), plane.data_set("ring"), seed=3)


@pytest.fixture
def controls(game):
    ipywidgets = pytest.importorskip("ipywidgets")
    return plane.Controls(ipywidgets, game)


@pytest.mark.parametrize("objective", list(plane.OBJECTIVES))
def test_each_objective_trains_both_models(objective):
    """Some steps: finite losses, both players' weights move, start_over brings the first ones back."""
    keras.utils.set_random_seed(1)
    generator, discriminator = plane.build_players()
    start = [w.copy() for w in generator.get_weights() + discriminator.get_weights()]
    game = plane.Game(generator, discriminator, plane.data_set("two moons"), objective, noise=0.1)
    game.step(4)
    assert np.isfinite(game.losses).all()
    now = generator.get_weights() + discriminator.get_weights()
    assert all(np.abs(a - b).max() > 0 for a, b in zip(start[:-1], now[:-1], strict=True))
    game.start_over()
    for a, b in zip(start, generator.get_weights() + discriminator.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_training_brings_the_points_to_the_ring(game):
    """After 1,500 steps with R1 generated points are nearer to the ring than at the start."""
    game.objective = "relativistic + R1 + R2"
    game.start_over()
    before = np.abs(np.linalg.norm(game.sample(), axis=1) - 1).mean()
    game.step(1500)
    after = np.abs(np.linalg.norm(game.sample(), axis=1) - 1).mean()
    assert after < 0.5 * before


def test_the_same_seed_plays_the_same_game(game):
    """Slow and fast are the same training: 6 steps at once or one by one."""
    game.step(6)
    at_once = game.sample()
    game.start_over()
    for _ in range(6):
        game.step(1)
    np.testing.assert_allclose(game.sample(), at_once, atol=1e-5)


@pytest.mark.parametrize("name", ["ring", "grid", "two moons"])
def test_data_sets_lie_in_the_picture(name):
    """All training points are within the axes, and spread."""
    points = plane.data_set(name)
    assert points.dtype == np.float32
    assert np.abs(points).max() < 1.5
    assert points.std(axis=0).min() > 0.3


def test_the_film_moves():
    """An animated PNG: several different frames, of readable size."""
    keras.utils.set_random_seed(1)
    game = plane.Game(*plane.build_players(), plane.data_set("ring"))
    with Image.open(io.BytesIO(plane.film(game, count=3, steps=20))) as film:
        assert film.format == "PNG"
        assert film.n_frames == 3
        assert film.mode == "P", "one palette for all frames, or the file is three times as large"
        frames = []
        for index in range(3):
            film.seek(index)
            frames.append(np.asarray(film.convert("L")).copy())
    assert frames[0].shape[0] > 200
    assert (frames[0] != frames[2]).mean() > 0.005


def test_buttons_train_and_draw(controls):
    """Step makes one step and a new picture; noise goes on; data and objective start over."""
    shown = controls.image.png if controls.image else controls.picture.value
    controls.buttons["Step"].click()
    assert controls.game.step_count == 1
    assert (controls.image.png if controls.image else controls.picture.value) != shown
    assert "Step 1" in controls.sentence.value
    controls.noise.value = 0.3
    assert (controls.game.noise, controls.game.step_count) == (0.3, 1)
    controls.objective.value = "Wasserstein + penalty"
    assert (controls.game.objective, controls.game.step_count) == ("Wasserstein + penalty", 0)
    controls.buttons["Step"].click()
    controls.data.value = "two moons"
    assert controls.game.step_count == 0
    np.testing.assert_array_equal(controls.game.points, plane.data_set("two moons"))
    controls.buttons["Step"].click()
    controls.buttons["Start over"].click()
    assert controls.game.step_count == 0


def test_fast_runs_on_while_the_kernel_stays_free_and_pause_stops(controls):
    """Fast trains in a task; another coroutine gets its turn meanwhile; after Pause nothing moves."""

    async def play():
        controls.buttons["Fast"].click()
        for _ in range(200):
            await asyncio.sleep(0.02)
            if controls.game.step_count >= 2 * plane.SPEEDS["fast"][0]:
                break
        controls.buttons["Pause"].click()
        stopped = controls.game.step_count
        await asyncio.sleep(0.2)
        return stopped, controls.game.step_count

    stopped, later = asyncio.run(play())
    assert stopped >= 2 * plane.SPEEDS["fast"][0]
    assert later == stopped


def other(controls):
    """The controls of a second game."""
    import ipywidgets

    return plane.Controls(ipywidgets, plane.Game(*plane.build_players(), plane.data_set("grid")))


async def reach(controls, steps):
    """Waits until the game has made that many steps."""
    for _ in range(400):
        if controls.game.step_count >= steps:
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"the game stands at step {controls.game.step_count}")


@pytest.mark.parametrize("end", ["another game", "a new cell", "its last view goes", "a signal", "the limit"])
def test_a_game_does_not_outlive_its_view(controls, end, monkeypatch):
    """Another game that starts, the cell run again, the last view closed, Interrupt, LIMIT steps: the game pauses."""
    monkeypatch.setattr(plane, "LIMIT", 50 if end == "the limit" else 10**9)

    async def play():
        controls.box._view_count = 2
        controls.buttons["Fast"].click()
        await reach(controls, 25)
        controls.box._view_count = 1
        if end != "the limit":
            await reach(controls, controls.game.step_count + 25)  # one view is left: it plays on
        if end == "another game":
            second = other(controls)
            second.buttons["Slow"].click()
            await reach(second, 1)
            second.pause()
        elif end == "a new cell":
            plane.pause_playing()
        elif end == "its last view goes":
            controls.box._view_count = 0
        elif end == "a signal":
            signal.raise_signal(signal.SIGINT)
        else:
            await reach(controls, 50)
        await asyncio.sleep(0.1)
        stopped = controls.game.step_count
        await asyncio.sleep(0.2)
        return stopped, controls.game.step_count

    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as in an idle kernel
    try:
        stopped, later = asyncio.run(play())
        assert stopped == later
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    if end == "the limit":
        assert stopped == 50
        assert "Resting after 50 steps" in controls.sentence.value
    else:
        assert plane.Controls.playing is None


KERNEL = """
from aigc_course import runtime
runtime.start(report=False)
from aigc_course import plane
import ipywidgets
controls = plane.Controls(ipywidgets, plane.Game(*plane.build_players(), plane.data_set("ring")))
controls.run("fast")
"""


@pytest.mark.long
def test_interrupt_in_a_real_kernel_pauses_the_game():
    """While the kernel idles and the game plays, the Interrupt button's signal stops it; the kernel lives on."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3")

    def run(code):
        said = []
        client.execute_interactive(code, timeout=120, output_hook=lambda message: said.append(message["content"]))
        return "".join(content.get("text", "") for content in said)

    def steps():
        return int(run("print(controls.game.step_count)"))

    try:
        run(KERNEL)
        for _ in range(100):
            if steps() > 50:
                break
            time.sleep(0.1)
        playing = steps()
        assert playing > 50
        time.sleep(0.5)  # the kernel idles
        manager.interrupt_kernel()
        time.sleep(0.5)
        stopped = steps()
        time.sleep(0.5)
        assert steps() == stopped
        assert "True" in run("print(controls.task is None)")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_without_anywidget_the_picture_has_alt_text_too(game, monkeypatch):
    """ipywidgets.Image has no alternative text; the picture is HTML and follows the game."""
    ipywidgets = pytest.importorskip("ipywidgets")
    monkeypatch.setitem(sys.modules, "anywidget", None)
    controls = plane.Controls(ipywidgets, game)
    assert controls.image is None
    controls.buttons["Step"].click()
    assert controls.picture.value.startswith('<img alt="Step 1, ')


def test_points_of_ones_own_by_text_and_by_click(controls):
    """Two written points become two clouds; a click adds one; a click outside the axes adds none."""
    controls.points.value = "0 0; 1 -0.5"
    assert controls.data.value == "my own"
    assert set(controls.own) == {(0.0, 0.0), (1.0, -0.5)}
    assert np.abs(controls.game.points - [[0, 0]]).sum(axis=1).min() < 0.1
    controls.clicked({"new": [0.54, 0.49, 1]})
    assert len(controls.own) == 3
    controls.clicked({"new": [0.01, 0.5, 2]})
    assert len(controls.own) == 3
    controls.points.value = "3 3"
    assert "write points as" in controls.sentence.value
    assert len(controls.own) == 3


def test_a_click_is_read_where_it_fell():
    """Corners and middle of the axes, as fractions of the picture from its upper left."""
    left, bottom, width, height = plane.AXES
    assert plane.at_click((left, 1 - bottom)) == pytest.approx((-1.5, -1.5))
    assert plane.at_click((left + width, 1 - bottom - height)) == pytest.approx((1.5, 1.5))
    assert plane.at_click((left + width / 2, 1 - bottom - height / 2)) == pytest.approx((0, 0), abs=1e-9)
    assert plane.at_click((0.0, 0.0)) is None


@pytest.mark.parametrize("text", ["1", "1 2 3", "a b", "2 2", "1 nan"])
def test_points_that_are_none_are_refused(text):
    """The message shows the form and what came."""
    with pytest.raises(CourseError, match="write points as"):
        plane.read_points(text)


def test_networks_that_do_not_fit_are_refused():
    """A generator of images, an unknown objective: one line each."""
    generator, discriminator = plane.build_players()
    wrong = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    with pytest.raises(CourseError, match=r"must give points \(B, 2\)"):
        plane.Game(wrong, discriminator, plane.data_set("ring"))
    with pytest.raises(CourseError, match="objective must be one of non-saturating"):
        plane.Game(generator, discriminator, plane.data_set("ring"), "hinge")
    with pytest.raises(CourseError, match="data must be one of ring"):
        plane.data_set("spiral")
