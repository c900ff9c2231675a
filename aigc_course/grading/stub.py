"""Stands in for `aigc_course.checks` inside the sandbox: no expectations there, the checking is done outside."""

EXERCISES = {}


def check(key, function, seed=None):
    """Takes the call of a check cell that a learner has copied elsewhere."""
    print(f"{key}: checked outside the sandbox")
