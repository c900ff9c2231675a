"""Right and wrong answers to every exercise, as learners write them: what the checks and the grader are tested with.

`@right(key)` marks another correct way; `@wrong(key, words)` a mistake, and words that its own hint must contain.
A function's source must stand on its own, given `np`, `tf` and `keras`: the grader's tests put it into notebooks.
"""

import importlib
import inspect
import textwrap

from aigc_course import checks

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


for chapter in checks.NAMES:  # each registers its answers
    importlib.import_module(f"answers.{chapter}")
