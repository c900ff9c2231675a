"""The shared checks of arguments: what passes comes back as a plain number, all else is told in one line."""

import math

import numpy as np
import pytest

from aigc_course.errors import CourseError, Stopped, is_whole, number, one_of, whole_number


@pytest.mark.parametrize("value", [1, 7, np.int64(7), np.uint8(7)])
def test_an_integer_of_any_kind_passes(value):
    """NumPy's too; an int comes back."""
    assert whole_number(value, "n") == int(value)
    assert type(whole_number(value, "n")) is int


@pytest.mark.parametrize("value", [0, -1, True, False, np.True_, 1.0, "1", None, math.nan, [1]])
def test_what_is_no_positive_integer_is_refused(value):
    """Truth values are no numbers, nor are 1.0, text, nothing."""
    with pytest.raises(CourseError) as caught:
        whole_number(value, "steps", hint="Try 100.")
    assert str(caught.value) == f"steps must be a positive integer; received {value!r}. Try 100."


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(0, None, "an integer from 0 up"), (4, 9, "an integer from 4 to 9"), (1, 3, "from 1 to 3")],
)
def test_the_limits_are_named(low, high, words):
    """Both ends belong to the range."""
    assert whole_number(low, "k", low, high) == low
    if high is not None:
        assert whole_number(high, "k", low, high) == high
    for value in (low - 1, *([high + 1] if high is not None else [])):
        with pytest.raises(CourseError, match=f"k must be .*{words}; received {value}"):
            whole_number(value, "k", low, high)


def test_is_whole():
    """Integers and nothing else."""
    assert [is_whole(value) for value in (3, np.int8(3), 3.0, True, "3", None)] == [True, True, *[False] * 4]


@pytest.mark.parametrize("value", [0, 0.5, np.float32(0.5), np.float64(1), 1])
def test_a_number_passes(value):
    """A float comes back."""
    assert number(value, "share", low=0, high=1) == float(value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, "0.5", None, -0.01, 1.01, 1j])
def test_what_is_no_number_in_the_range_is_refused(value):
    """NaN and infinity are none."""
    with pytest.raises(CourseError, match="share must be a number from 0 to 1; received "):
        number(value, "share", low=0, high=1)


def test_limits_that_must_not_be_reached():
    """`above` and `below` exclude their ends."""
    assert number(0.1, "x", above=0, below=1) == 0.1
    for value in (0, 1):
        with pytest.raises(CourseError, match="x must be a number above 0 below 1; received"):
            number(value, "x", above=0, below=1)
    with pytest.raises(CourseError, match=r"^x must be a number; received nan\.$"):
        number(math.nan, "x")


def test_one_of_lists_the_names():
    """The value comes back; an unknown name, or what is no name, is told with those that there are."""
    assert one_of("a", {"a": 1, "b": 2}, "kind") == 1
    for name in ("c", 1, None, ["a"]):
        with pytest.raises(CourseError, match="kind must be one of a, b; received "):
            one_of(name, {"a": 1, "b": 2}, "kind")


def test_stopped_is_one_line_in_a_notebook():
    """It is a KeyboardInterrupt, so that loops around a training end; Jupyter shows its sentence."""
    assert issubclass(Stopped, KeyboardInterrupt)
    assert Stopped("stopped at step 3")._render_traceback_() == ["stopped at step 3"]
