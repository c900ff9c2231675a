"""A data sheet for each data set: the questions of Gebru et al. (2021, Datasheets for datasets), in our words."""

from aigc_course import data

__all__ = ["QUESTIONS", "answered", "sheet"]

# (section, key, question): the paper has 57 questions; these are the ones that a small project can answer.
QUESTIONS = (
    ("Motivation", "purpose", "What was it made for, and by whom?"),
    ("Motivation", "paid", "Who paid for it?"),
    ("Composition", "what", "What is one entry, how many are there, with which labels?"),
    ("Composition", "sample", "Is it all there is, or a sample; drawn how?"),
    ("Composition", "splits", "Which parts are for training and for testing? Is anything in both?"),
    ("Composition", "faults", "Which mistakes, gaps and second copies are known?"),
    ("Composition", "people", "Does it concern people? Can one be recognised?"),
    ("Collection", "origin", "Where did it come from, how was it gathered, when?"),
    ("Collection", "consent", "Did those whom it concerns agree? Can they withdraw?"),
    ("Processing", "changed", "What was done to it before it was used here? Is the original kept?"),
    ("Uses", "used", "What is it used for here, and what else has been done with it?"),
    ("Uses", "not_for", "What should it not be used for?"),
    ("Distribution", "licence", "Under which licence may it be passed on?"),
    ("Maintenance", "contact", "Who answers questions and mends mistakes; how is a copy told from another?"),
)

# What is known of the course's data beside the row in assets/README.md. Sources: LeCun et al. (1998), Cohen et al.
# (2017, EMNIST), Yadav & Bottou (2019); Xiao et al. (2017).
_KNOWN = {
    "mnist.npz": {
        "purpose": "to compare readers of handwritten digits; Y. LeCun, C. Cortes, C. Burges, from forms of the NIST",
        "sample": "a mixture of two collections of the NIST; the same 70,000 images as everywhere",
        "splits": "60,000 to train, 10,000 to test; writers of the two parts differ",
        "faults": "a few labels are wrong or doubtful; their making was reconstructed in 2019 only",
        "people": "handwriting of employees of the Census Bureau and of pupils; no names",
        "consent": "not known",
        "not_for": "claims about handwriting of other places, ages or scripts; whatever hinges on more than digits",
    },
    "fashion_mnist.npz": {
        "purpose": "a harder task of MNIST's size; Zalando Research, which paid for it",
        "paid": "Zalando",
        "sample": "a share: of each class the first 600 training and 200 test images",
        "splits": "6,000 to train, 2,000 to test, out of the publishers' own parts",
        "people": "pictures of goods from a shop; no people to be recognised",
        "consent": "the shop's own pictures",
        "not_for": "claims about clothes on people, in colour, or of other shops",
    },
}


def sheet(parts):
    """The data sheets of a project in Markdown.

    Args:
        parts: list of dicts, `project.Project.data`: asset or name, licence, use, sheet.

    Returns:
        str.
    """
    return "\n".join(["# Data sheet", "", *(line for part in parts for line in _one(part))]) + "\n"


def answered(part):
    """{key: answer} of one data set: what its project says, what the course knows."""
    name = part.get("asset") or part["name"]
    row = _row(name) if part.get("asset") else {}
    own = {"used": part.get("use", ""), "licence": part.get("licence", "")}
    own = {**{key: value for key, value in own.items() if value}, **part.get("sheet", {})}
    found = {**row, **_KNOWN.get(name, {}), **own}
    return {key: str(value) for key, value in found.items() if str(value).strip()}


def _one(part):
    """The lines of one data set; a question without an answer is shown as open."""
    found, section = answered(part), ""
    known = sum(key in found for _, key, _ in QUESTIONS)
    yield from (f"## {part.get('asset') or part['name']}", "", f"{known} of {len(QUESTIONS)} questions answered.", "")
    for where, key, question in QUESTIONS:
        if where != section:
            yield from (f"### {where}", "")
            section = where
        yield from (f"**{question}** {found.get(key, '*Open: write it, or say that nobody knows.*')}", "")


def _row(name):
    """What assets/README.md says of a shipped file."""
    text = (data.ASSETS / "README.md").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith(f"| `{name}`"):
            _, _, what, origin, licence, digest, _ = (cell.strip() for cell in line.split("|"))
            copy = f"the course's maintainers; a copy is told by its SHA-256 sum, which begins {digest}"
            return {"what": what, "origin": origin, "licence": licence, "contact": copy, "changed": "see its origin"}
    return {}
