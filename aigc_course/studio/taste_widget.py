"""Your own taste on screen (chapter 12): thirty answers, then proposals and pictures by chance, mixed, unmarked."""

import html
import math

import numpy as np

from aigc_course import plots
from aigc_course.errors import CourseError, number, whole_number
from aigc_course.studio import conditional, scores, taste

__all__ = ["PAGE", "Session", "play", "taste_controls", "wilson"]

PAGE, _QUESTIONS, _TESTS = 10, 3, 4  # pictures on a page; pages of questions, and of the blind test


def wilson(hits, count, z=1.96):
    """Interval for a share of which `hits` of `count` are known (Wilson, 1927): (low, high), 95 % for z = 1.96.

    It stays within 0 and 1 and has a width even for 0 of n, unlike p ± z √(p (1 - p) / n).
    """
    count, z = whole_number(count, "count"), number(z, "z", above=0)
    share = whole_number(hits, "hits", 0, count) / count
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2)) / (1 + z**2 / count)
    return max(0.0, middle - half), min(1.0, middle + half)


class Session:
    """One learner's answers: three pages of questions, then four on which half the pictures are proposals.

    The first page is drawn by chance, the next two by `taste.ask_next`. Nothing on a page says which pictures were
    proposed.

    Args:
        generator: conditional generator, ([z, shares]) -> images.
        judge: with `read`, whose features the model sees; default the shipped `scores.FashionJudge`.
        seed: int.
        pool: int, pictures to choose from, 150 at least.

    Attributes:
        page: int array (PAGE,), places in the pool that are on show; none when all is answered.
        answers: dict from place to 0 or 1.
        eyes: `taste.Eyes` of the pool, for `taste.predict` on other pictures.
    """

    def __init__(self, generator, judge=None, seed=7, pool=2000):
        pool, self.rng = whole_number(pool, "pool", 150), np.random.default_rng(whole_number(seed, "seed", 0))
        self._images, self._labels = conditional.sample_classes(generator, pool, self.rng.integers(10, size=pool), seed)
        judge = judge or scores.FashionJudge()
        features = judge.read(self._images)[0]
        self.eyes = taste.Eyes(features)
        self._x = self.eyes(features)
        self._pages, self._origin, self.answers = [], {}, {}
        self._turn()

    @property
    def page(self):
        return self._pages[-1] if len(self.answers) < PAGE * len(self._pages) else np.array([], int)

    @property
    def images(self):
        """What is on show: float (PAGE, 28, 28, 1)."""
        return self._images[self.page]

    @property
    def labels(self):
        """The classes that were asked for on this page: int (PAGE,)."""
        return self._labels[self.page]

    @property
    def testing(self):
        """Whether the questions are over."""
        return len(self.answers) >= PAGE * _QUESTIONS

    @property
    def model(self):
        """`taste.Taste` of the questions' answers, never of the test's."""
        asked = list(self.answers)[: PAGE * _QUESTIONS]
        return taste.fit_taste(self._x[asked], [self.answers[place] for place in asked])

    def answer(self, likes):
        """Answers for the page on show, in its order: PAGE times True or False. Then comes the next page."""
        likes = np.asarray(likes)
        if len(self.page) == 0:
            raise CourseError("all pages are answered. Read the result, or begin a new session.")
        if likes.shape != (PAGE,) or not np.isin(likes, (0, 1)).all():
            raise CourseError(f"a page needs {PAGE} answers, True or False; received {likes!r:.60}.")
        self.answers |= {int(place): int(like) for place, like in zip(self.page, likes, strict=True)}
        self._turn()

    def undo(self):
        """Takes back the last page's answers; says whether there was one."""
        if not self.answers:
            return False
        if len(self.page):
            for place in self._pages.pop():
                self._origin.pop(int(place), None)
        for place in self._pages[-1]:
            del self.answers[int(place)]
        return True

    def _turn(self):
        done, shown = len(self._pages), np.concatenate([[], *self._pages]).astype(int)
        if done < _QUESTIONS + _TESTS:
            fresh = self.rng.permutation(np.setdiff1d(np.arange(len(self._x)), shown))
            self._pages.append(self._test(fresh) if done >= _QUESTIONS else self._ask(fresh) if done else fresh[:PAGE])

    def _ask(self, fresh):
        some = fresh[:500]
        return some[taste.ask_next(self.model, self._x[some], PAGE, self.rng)]

    def _test(self, fresh):
        """Half a page by chance, the other half what the model likes best of all others; mixed."""
        half = PAGE // 2
        drawn, others = fresh[:half], fresh[half:]
        proposed = others[np.argsort(taste.predict(self.model, self._x[others], taste.CAUTION))[-half:]]
        self._origin |= {int(place): "proposed" for place in proposed} | {int(place): "by chance" for place in drawn}
        return self.rng.permutation(np.concatenate([proposed, drawn]))

    def result(self):
        """dict: for "proposed" and "by chance" (likes, pictures, low, high), the share's 95 % interval; {} before."""
        found = {}
        for name in ("proposed", "by chance"):
            own = [like for place, like in self.answers.items() if self._origin.get(place) == name]
            if own:
                found[name] = (sum(own), len(own), *wilson(sum(own), len(own)))
        return found

    def told(self):
        """The state in words."""
        if len(self.page):
            what, number_, last = "Blind test", len(self._pages) - _QUESTIONS, _TESTS
            if not self.testing:
                what, number_, last = "Questions", len(self._pages), _QUESTIONS
            return f"{what}, page {number_} of {last}: press the pictures that you like, then Next page."
        parts = [
            f"{name}: {likes} of {count} liked (95 %: {low:.0%} to {high:.0%})"
            for name, (likes, count, low, high) in self.result().items()
        ]
        return f"Done. {'; '.join(parts)}."


def taste_controls(ipywidgets, session):
    """A session as an `ipywidgets.VBox`: ten pictures, a toggle for each, Next page, Undo; Tab and Space reach all."""
    picture, said = ipywidgets.HTML(), ipywidgets.HTML()
    toggles = [
        ipywidgets.ToggleButton(description=f"like {place + 1}", layout=ipywidgets.Layout(width="5.4em"))
        for place in range(PAGE)
    ]
    after = ipywidgets.Button(description="Next page", layout=ipywidgets.Layout(width="auto"))
    back = ipywidgets.Button(description="Undo", layout=ipywidgets.Layout(width="auto"))

    def show(note=""):
        over = len(session.page) == 0
        for each in (after, *toggles):
            each.disabled = over
        for toggle in toggles:
            toggle.value = False
        picture.value = "" if over else _picture(session).html()
        said.value = f'<span role="status">{html.escape(note or session.told())}</span>'

    def next_page(_):
        session.answer([toggle.value for toggle in toggles])
        show()

    def undo(_):
        show("" if session.undo() else "There is nothing to undo.")

    after.on_click(next_page)
    back.on_click(undo)
    show()
    rows = [ipywidgets.HBox(part, layout=ipywidgets.Layout(flex_flow="row wrap")) for part in (toggles, [after, back])]
    return ipywidgets.VBox([picture, *rows, said])


def _grid(session):
    return plots.image_grid(session.images, columns=PAGE, labels=[str(i + 1) for i in range(PAGE)], size=0.9)


def _picture(session):
    return plots.Picture(plots.png(_grid(session)), f"Ten pictures of clothes, numbered. {session.told()}")


def play(generator, seed=7, pool=2000):
    """Shows a `Session` and returns it; where widgets cannot run, its first page. Run it again: it begins anew."""
    session = Session(generator, seed=seed, pool=pool)
    try:
        import ipywidgets
    except ImportError:
        plots.show(_grid(session), alt=f"Ten pictures of clothes, numbered. {session.told()}")
        print("For the controls: pip install ipywidgets, then restart the kernel.")
        return session
    plots.show_widget(taste_controls(ipywidgets, session), _picture(session))
    return session
