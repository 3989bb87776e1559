"""What can go wrong, by whose concern it is.

Every message has the parts of the command line's: what, where, expected, got, hint. They are also
attributes, so that a program can react to a column's name without reading the text.
"""

from __future__ import annotations

import re
from typing import Any


class Error(Exception):
    """Base of all errors of this package.

    Attributes
    ----------
    what : str
        What went wrong, in one sentence.
    source : str or None
        File, option or part as the user knows it.
    row, line : int or None
        Data row or line of a text file, counted from 1.
    column : str or None
        Column name.
    expected, got, hint : str or None
        What would have been right, what was found, how to fix it.
    """

    what: str = ""
    source: str | None = None
    line: int | None = None
    row: int | None = None
    column: str | None = None
    expected: str | None = None
    got: str | None = None
    hint: str | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self.args, self.__dict__


class DataError(Error, ValueError):
    """The data cannot be used as they are."""


class OptionError(Error, ValueError):
    """An option is unknown, out of range, or does not go with another."""


class ArtifactError(Error, ValueError):
    """A model or record cannot be read: missing, damaged, or of a newer version."""


class BudgetError(Error, RuntimeError):
    """The work does not fit into the memory or time that it may take."""


class WorkError(Error, RuntimeError):
    """The work could not be done for a reason outside the data: a full disk, a machine's refusal."""


class ModelwrightWarning(UserWarning):
    """Something that the user should act on."""


for _public in (
    Error, DataError, OptionError, ArtifactError, BudgetError, WorkError, ModelwrightWarning
):  # fmt: skip
    _public.__module__ = "modelwright"

_CLASSES: dict[str, type[Error]] = {
    "data": DataError,
    "option": OptionError,
    "artifact": ArtifactError,
}

#: Sources that are no flags of the command line, but keywords here.
_KEYWORDS = ("kind", "metric", "split", "learner", "learners", "encoding", "mlflow")

_FLAG = re.compile(r"(?<![\w-])--([a-z][a-z-]*[a-z])")

_HELP = re.compile(r"see `modelwright (\w+) --help`")

#: What is said of the command line's words, which have no dashes.
_WORDS = (
    ("MODEL is the first argument and DATA the second", "the folder that a fit wrote will do, too"),
    ("<LEARNER>", "learner"),
    (" of DATA in sensitive", " of the table"),
    ("kind COLUMN=number", 'kind={"COLUMN": "number"}'),
)

#: Commands as what is called here, before their flags become keywords.
_COMMANDS = (
    (re.compile(r"`(?:modelwright )?train ([a-z_]+)(?: DATA)?`"), r'`train("\1", ...)`'),
    (re.compile(r"`(?:modelwright )?fit DATA --([a-z-]+)`"), r"`fit(..., --\1=True)`"),
    (re.compile(r"`(?:modelwright )?fit --([a-z-]+) ([a-z]+)`"), r'`fit(..., --\1="\2")`'),
    (re.compile(r"`modelwright predict MODEL DATA`"), "`predict(rows)`"),
    (re.compile(r"`modelwright pick MODEL`"), "`offers()`"),
    (re.compile(r"`modelwright models (register|alias)[^`]*`"), r"`Store.\1`"),
    (re.compile(r"`explain MODEL --shapes ([\w.]+)`"), r'`shapes("\1")`'),
    (re.compile(r"(--[a-z-]+) \[?<[A-Z]+>\]?"), r"\1"),
    (re.compile(r"(--[a-z-]+) ([A-Z]{2,}|time|group)\b(?![=:.]|,…)"), r'\1="\2"'),
)

#: What to do about an error of the engine that names its place, but no way out.
_HINTS = {
    "columns differ in length": "give every column one value for each row of the table",
    "a weight is not usable": "leave a row out, or give it the weight 0; only the ratios of "
    "weights matter, so that all may be divided by one number",
    "a value does not fit the column": "mend the value, or fit again with the column as it is now",
}

_VERB = re.compile(r"`modelwright (fit|train|profile|replay|import)`")

#: What the command line calls otherwise.
_VERBS = {"import": "import_model"}
_NAMES = {"time": "time_limit", "param": "params", "encoding": "encoding"}


def in_python(text: str) -> str:
    """A text about flags as one about keywords: ``--time-column`` is ``time_column``."""

    for form, ours in _COMMANDS:
        text = form.sub(ours, text)
    text = _HELP.sub(r"see help(modelwright.\1)", text)

    def keyword(match: re.Match[str]) -> str:
        name = match[1].replace("-", "_")
        return _NAMES.get(name, name)

    text = _FLAG.sub(keyword, text)
    for theirs, ours in _WORDS:
        text = text.replace(theirs, ours)
    return _VERB.sub(lambda m: f"`modelwright.{_VERBS.get(m[1], m[1])}`", text)


def make(kind: str, realm: str, parts: dict[str, Any]) -> Error:
    """The exception for an error of the engine; called by the native half."""
    if kind == "work":
        over = re.search(r"memory|time limit|in time|deadline", str(parts["text"]))
        cls: type[Error] = BudgetError if over else WorkError
    else:
        cls = _CLASSES[realm]
        source = parts["source"] or ""
        if realm == "data" and (source.startswith("--") or source in _KEYWORDS):
            cls = OptionError
    words = {k: in_python(v) if isinstance(v, str) else v for k, v in parts.items()}
    if words["source"]:
        words["source"] = words["source"].partition('="')[0]
    for own in ("column", "got"):
        words[own] = parts[own]
    text = in_python(parts["text"])
    if words.get("hint") is None:
        words["hint"] = _HINTS.get(text.partition("\n")[0])
        text += f"\n  hint:     {words['hint']}" if words["hint"] else ""
    error = cls(text)
    for name, value in words.items():
        if name != "text":
            setattr(error, name, value)
    return error


def data_error(
    what: str,
    *,
    column: str | None = None,
    source: str | None = None,
    expected: str | None = None,
    got: str | None = None,
    hint: str | None = None,
    cls: type[Error] = DataError,
) -> Error:
    """An error with the same parts and the same shape as the engine's."""
    lines = [what]
    place = [p for p in (source, f"column `{column}`" if column is not None else None) if p]
    for name, text in (
        ("where:", ", ".join(place)),
        ("expected:", expected),
        ("got:", got),
        ("hint:", hint),
    ):
        if text:
            lines.append(f"  {name:<9} {text}")
    error = cls("\n".join(lines))
    error.what, error.column, error.source = what, column, source
    error.expected, error.got, error.hint = expected, got, hint
    return error
