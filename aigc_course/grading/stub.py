"""Stands in for `aigc_course.checks` inside the sandbox: no expectations there, the checking is done outside."""

__all__ = ["EXERCISES", "check"]

EXERCISES: dict[str, object] = {}


def check(key: str, function: object, seed: object = None) -> None:
    """Takes the call of a check cell that a learner has copied elsewhere."""
    print(f"{key}: checked outside the sandbox")
