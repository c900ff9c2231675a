"""Right and wrong answers to every exercise, as learners write them: what the checks and the grader are tested with.

`@right(key)` marks another correct way; `@wrong(key, words)` a mistake, and words that its own hint must contain.
A function's source must stand on its own, given `np`, `tf` and `keras`: the grader's tests put it into notebooks.
"""

import inspect
import textwrap

RIGHT, WRONG = {}, {}


def right(key):
    """Registers a correct answer."""

    def register(function):
        RIGHT.setdefault(key, []).append(function)
        return function

    return register


def wrong(key, words):
    """Registers a wrong answer and words of its hint."""

    def register(function):
        WRONG.setdefault(key, []).append((function, words))
        return function

    return register


def source(function):
    """The function's source without its decorator."""
    text = textwrap.dedent(inspect.getsource(function))
    return text[text.index("\n", text.rindex("@", 0, text.index("def "))) + 1 :]


from answers import (  # noqa: E402, F401
    chapter_01,
    chapter_02,
    chapter_03,
    chapter_04,
    chapter_05,
    chapter_06,
    chapter_08,
    chapter_09,
    chapter_10,
)
