"""What a page may say of an error inside the sandbox: a known class, and a known phrase; never the error's own text.

Whatever a submission's code has read, it could put into the text of an exception, into the name of a class, a type or a
module. So its words are compared with words that stand here, and the page gets ours. A name comes from the source that
the student wrote, as the parser saw it, and only where there are too few of them to spell anything with.
"""

import ast
import builtins
import re
from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np

from aigc_course.checks import calling

__all__ = ["is_trusted", "safe_error"]

_OF_OTHERS = """
AnswerError Missing LinAlgError AxisError DTypePromotionError InvalidArgumentError NotFoundError ResourceExhaustedError
UnimplementedError FailedPreconditionError InternalError UnknownError OperatorNotAllowedInGraphError
InaccessibleTensorError gaierror herror JSONDecodeError UsageError CalledProcessError TimeoutExpired BrokenProcessPool
UFuncTypeError UnpicklingError PicklingError error StdinNotImplementedError ParserError EmptyDataError NotFittedError
ValidationError
"""  # classes of exceptions that are not Python's own
_KINDS = {name: value for name, value in vars(builtins).items() if isinstance(value, type)}
_CLASSES = {name for name, value in _KINDS.items() if issubclass(value, BaseException)} | set(_OF_OTHERS.split())
_ALIASES = {
    "_UFuncNoLoopError": "UFuncTypeError",
    "_ArrayMemoryError": "MemoryError",
    "_UFuncBinaryResolutionError": "UFuncTypeError",
    "_UFuncOutputCastingError": "UFuncTypeError",
    "InvalidIndexError": "IndexError",
}
_OWN = "an error of its own class"
_PHRASES = (  # (what Python, NumPy, TensorFlow say, what the page says)
    (r"^operands could not be broadcast together", "shapes do not fit together"),
    (r"^shapes? .*not aligned|^matmul: ", "shapes do not fit for a matrix product"),
    (r"^cannot reshape array", "an array has another number of elements than the shape asks for"),
    (r"^truth value of an array|^The truth value of an array", "`if` or `and` on an array with several elements"),
    (r"^setting an array element with a sequence", "lists of different lengths do not make an array"),
    (r"^(not enough|too many) values to unpack", "another number of values came than there are names on the left"),
    (r"^could not convert string to", "text is no number"),
    (r"^math domain error", "a function of math outside its domain"),
    (r"^(float |integer |complex )?(division|modulo) by zero|^division by zero", "division by zero"),
    (r"index .* out of (bounds|range)", "an index beyond the end"),
    (r"^too many indices|^axis -?\d+ is out of bounds", "an index or an axis more than the array has"),
    (r"^only (integer|length-1|0-dimensional)", "a whole number or a single number was needed, an array came"),
    (r"missing \d+ required (positional|keyword-only)", "it was called with fewer arguments than it takes"),
    (r"takes .*\d+ positional arguments? but", "it was called with more arguments than it takes"),
    (r"unexpected keyword argument", "a function was called with an argument that it does not have"),
    (r"^unsupported operand type|^ufunc .* did not contain a loop", "an operation on types that do not go together"),
    (r"object is not callable$", "something that is no function was called"),
    (r"object is not (iterable|subscriptable)", "something that is no list was used as one"),
    (r"^'NoneType' object|\(?\bNone\b\)? (with|to a)|unsupported type.*None", "a value is None"),
    (r"has no attribute", "an attribute or a function that is not there"),
    (r"^No module named", "a module that is not there"),
    (r"^cannot import name", "a name that is not in its module"),
    (r"is not defined|referenced before assignment|not associated with a value", "a name that is not defined"),
    (r"^maximum recursion depth", "a function that calls itself without end"),
    (r"^Unable to allocate|^std::bad_alloc", "an array too large for the memory"),
    (r"^\[Errno 2\]", "there is no such file here"),
    (r"^\[Errno 13\]|^\[Errno 1\]|^\[Errno 30\]", "that is not allowed here"),
    (r"^\[Errno 28\]|^\[Errno 27\]", "the room for files is used up"),
    (r"^\[Errno (101|111|-2|-3)\]|[Nn]etwork is unreachable|[Nn]ame resolution", "there is no network here"),
    (r"^(unexpected )?indent|unindent does not match|expected an indented block", "indentation"),
    (r"^invalid syntax|was never closed|^unterminated|^unmatched|f-string|^EOL|^EOF|^expected ", "syntax"),
    (r"magic function .* not found", "an IPython command that is not there"),
    (r"shape|[Dd]imensions? must be equal|[Ii]ncompatible", "shapes do not fit together"),
)
_TYPES = """
int float complex bool str bytes list tuple dict set frozenset range function method type module NoneType generator map
zip filter ndarray matrix float32 float64 int32 int64 uint8 object str_ Tensor EagerTensor SymbolicTensor KerasTensor
Variable RaggedTensor SparseTensor Sequential Functional Model DataFrame Series Fraction Decimal coroutine
builtin_function_or_method dict_values dict_keys Dense BatchDataset MapDataset
"""  # whose names may stand in a sentence
_NAMES_FEW = 8


def safe_error(error: tuple[str, str] | None, unknown: Collection[str] = ()) -> tuple[str, str] | None:
    """(class, text) for a page, from (class, text) as the sandbox said it.

    Args:
        error: a pair, or None.
        unknown: names in the student's source that nothing there explains.
    """
    if error is None:
        return None
    kind, text = error
    kind = _ALIASES.get(kind, kind)
    if kind == "AnswerError":
        return kind, _answer_error(text)
    if kind not in _CLASSES:
        return _OWN, ""
    if kind in ("NameError", "UnboundLocalError") and len(unknown) <= _NAMES_FEW:
        for name in sorted(unknown):
            if text.startswith(f"name '{name}' is not defined"):
                return kind, f"name '{name[:40]}' is not defined"
    return kind, next((words for pattern, words in _PHRASES if re.search(pattern, text)), "")


def _answer_error(text: str) -> str:
    """One of the sentences in calling.py, its holes filled with known types and small numbers; else a general one."""
    for pattern, parts in _SENTENCES:
        if found := re.fullmatch(pattern, text, re.DOTALL):
            holes = [*map(_harmless, found.groups()), ""]
            return "".join(part + hole for part, hole in zip(parts, holes, strict=True))
    return "the answer is not of the kind that was asked for."


def _harmless(text: str) -> str:
    """What fills a hole: a type that is known, a number below a thousand; else "…"."""
    return text if text in _CLASSES or text in _TYPES.split() or re.fullmatch(r"\d{1,3}", text) else "…"


def _sentences() -> list[tuple[str, list[str]]]:
    """(pattern, its constant parts) of each text that calling.py raises as an AnswerError, from its source."""
    tree, found = ast.parse(Path(calling.__file__).read_text(encoding="utf-8")), []
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "AnswerError" and node.args):
            continue
        parts = [""]
        for piece in getattr(node.args[0], "values", [node.args[0]]):
            if isinstance(piece, ast.Constant):
                parts[-1] += str(piece.value)
            elif isinstance(piece, ast.FormattedValue) and getattr(piece.value, "id", "") == "LARGEST":
                parts[-1] += f"{calling.LARGEST:,}"
            else:
                parts.append("")
        found.append(("(.*?)".join(map(re.escape, parts)), parts))
    return found


_SENTENCES = _sentences()
_SHAPES = re.compile(r"\[(?:\((?:\d{1,6},? ?){0,5}\)(?:, )?){0,40}\]")


def is_trusted(values: Iterable[np.ndarray], how: str) -> bool:
    """True if all that is text in an answer is a list of shapes, where such a list may come."""
    texts = [str(value) for value in values if value.dtype.kind not in "biufc"]
    return not texts or (how == "as_model" and all(len(t) < 1000 and _SHAPES.fullmatch(t) for t in texts))
