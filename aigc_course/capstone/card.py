"""The model card (Mitchell et al., 2019, Model cards for model reporting), with huggingface_hub's ModelCard.

Its numbers stand in the card's own head (YAML), so that a check needs nothing but the card and the files it names.
"""

from aigc_course import files
from aigc_course.capstone import licences, measures, project
from aigc_course.errors import CourseError

__all__ = ["claims", "findings", "measured", "read_card", "table", "text_of", "torn", "write"]


def measured(work, progress=None):
    """The project's numbers, each with value, low and high: as claimed, or measured now.

    Args:
        work: `project.Project`.
        progress: function of a number's name, called before it is measured.

    Returns:
        list of dicts.
    """
    found = []
    for claim in work.numbers:
        if "value" not in claim:
            if measures.MEASURES[claim["measure"]].code:
                raise CourseError(f"{claim['name']!r} comes from the project's own code: write value, low, high.")
            if progress and not measures.MEASURES[claim["measure"]].table:
                progress(claim["name"])
            value, low, high = measures.again(work.folder, claim)
            runs = {"runs": measures.runs(work.folder, claim)} if measures.MEASURES[claim["measure"]].table else {}
            claim = {**claim, "value": value, "low": low, "high": high, **runs}
        found.append(claim)
    return found


def findings(work):
    """(findings of the licence check, remark where it could not be made)."""
    try:
        return licences.check(work.facts["licence"], work.used, work.facts["ships"]), ""
    except CourseError as error:
        if "license-expression" in str(error):
            return [], str(error)
        return [licences.Finding(True, str(error))], ""


def text_of(work, numbers, found, remark=""):
    """The whole card.

    Args:
        work: `project.Project`.
        numbers: list of dicts of `measured`.
        found: list of `licences.Finding`.
        remark: str, why there is no licence check.

    Returns:
        str, Markdown with a head in YAML, which `huggingface_hub.ModelCard` reads.
    """
    head, made = _head(work, numbers).to_yaml(), {**work.settings, **work.machine}
    parts = [
        f"# {work.facts['title']}",
        f"**Question.** {work.facts['question']}",
        f"**Answer.** {work.facts.get('answer', _OPEN)}",
        "## Numbers",
        *table(numbers),
        "An interval of drawn images speaks of drawing again, one of a table of training again with other seeds. "
        "`python -m aigc_course card … --check` makes every number again.",
        "## How it was made",
        *(f"- {key}: {value}" for key, value in made.items()),
        *([] if made else [_OPEN]),
        *([f"- script: `{work.facts['script']}`"] if work.facts.get("script") else []),
        "## Use, and what it must not be used for",
        work.facts.get("uses", _OPEN),
        "## Limits",
        work.facts.get("limits", _OPEN),
        "## Licences",
        *(f"- {'**stops:** ' if one.stops else ''}{one.text}" for one in found),
        *([f"- not checked: {remark}"] if remark else []),
    ]
    lines = [part if part.startswith(("- ", "|")) else f"\n{part}\n" for part in parts]
    return f"---\n{head}\n---\n" + "\n".join(lines).replace("\n\n\n", "\n\n").rstrip() + "\n"


_OPEN = "*Open: the card is not finished before this is written.*"


def _head(work, numbers):
    """ModelCardData with the numbers beside the entries that hubs read."""
    hub = _hub()
    results = [
        hub.EvalResult(
            task_type="other",
            dataset_type=str(claim.get("data") or claim["file"]),
            dataset_name=str(claim.get("data") or claim["file"]),
            metric_type=claim["measure"],
            metric_name=claim["name"],
            metric_value=claim["value"],
        )
        for claim in numbers
    ]
    return hub.ModelCardData(
        model_name=work.facts["title"],
        license=_for_hub(work.facts["licence"]),
        library_name=work.facts.get("library", "keras"),
        tags=["aigc-course"],
        datasets=list(work.used),
        eval_results=results,
        numbers=[_lean(claim) for claim in numbers],
        licence=work.facts["licence"],
        ships=work.facts["ships"],
    )


_CHOICES = ("data", "column", "where", "against")


def _said(value):
    """A field of a number in words."""
    return " and ".join(f"{key} = {part}" for key, part in value.items()) if isinstance(value, dict) else str(value)


def _lean(claim):
    """A number without the fields that its measurement does not look at."""
    unused = {"seed", "draws", "n"} - set(measures.MEASURES[claim["measure"]].needs)
    return {key: value for key, value in claim.items() if key not in unused}


def _for_hub(expression):
    """The hub's field takes one licence by its own name; an expression is "other" there and stands in `licence`."""
    return expression.lower() if expression in ("Apache-2.0", "MIT", "CC-BY-4.0", "CC-BY-SA-4.0") else "other"


def table(numbers):
    """The lines of the numbers' table for people; numbers as `measured` or `claims` give them."""
    yield "| number | value | 95 % interval | measured by | from |"
    yield "|---|---|---|---|---|"
    for claim in numbers:
        how = measures.MEASURES[claim["measure"]]
        ends = "exact" if how.exact else f"{claim['low']:.4g} … {claim['high']:.4g}"
        rest = ", ".join(f"{key} {_said(claim[key])}" for key in ("runs", *how.needs, *_CHOICES) if claim.get(key))
        better = f", {how.better} is better" if how.better else ""
        what = f"{claim['measure']}: {how.what}{better}" + (f"; {claim['why']}" if claim.get("why") else "")
        yield f"| {claim['name']} | {claim['value']:.4g} | {ends} | {what} | {claim['file']}; {rest} |"


def write(path, text):
    """Writes a card or a data sheet, whole or not at all."""
    files.write_whole(path, lambda part: part.write_text(text, encoding="utf-8"))


def read_card(path):
    """A card as `huggingface_hub.ModelCard`.

    Raises:
        CourseError: there is none, or it has no head.
    """
    if not path.is_file():
        raise CourseError(f"there is no card {path}. Make it first: python -m aigc_course card {path.parent}.")
    try:
        return _hub().ModelCard.load(str(path))
    except Exception as error:  # YAML, Unicode, and the hub's own
        raise CourseError(f"{path} is no card: {str(error).splitlines()[0]}") from error


def claims(card, name="the card"):
    """The numbers that a card names, checked; one without value and interval, or without measurement, is refused."""
    found = getattr(card.data, "numbers", None)
    if not isinstance(found, list) or not found:
        raise CourseError(f"{name} names no numbers: its head needs `numbers`. Make it with `card RUN`.")
    checked = [project.check_claim(claim, within=False) for claim in found]  # the check says what misses
    for claim in checked:
        if "value" not in claim:
            raise CourseError(f"{name}: {claim['name']!r} has no value, low and high. Make the card anew.")
    return checked


def torn(card, numbers):
    """Lines in which the card's table for people and its head differ, one a change; `numbers` as `claims` has them."""
    there = card.text.partition("## Numbers\n")[2].partition("\n## ")[0].splitlines()
    shown, right = [line.strip() for line in there if line.lstrip().startswith("|")], list(table(numbers))
    lacking, foreign = ([line for line in a if line not in b] for a, b in ((right, shown), (shown, right)))
    return lacking + foreign[len(lacking) :]


def _hub():
    """huggingface_hub, or how to get it."""
    try:
        import huggingface_hub
    except ImportError as error:
        raise CourseError("cards need huggingface_hub: pip install -e '.[capstone]'.") from error
    return huggingface_hub
