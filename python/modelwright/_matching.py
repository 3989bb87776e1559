"""Whether new rows are of the table that a model learned from, where the engine cannot tell.

Columns of an array have no names, so that their number is all that speaks for them; and numbers or
dates where text was learned would all be taken for labels that training did not have.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ._errors import data_error
from ._few_rows import FewRows
from ._held import NAMES, Held, column, is_missing, texts_in

_PLACE = re.compile(r"x(\d+)")

#: How a date with the name of its month begins.
_OF_MONTH = r"\d{1,4}\W+[A-Za-z]{3,9}\W+\d|[A-Za-z]{3,9}\W+\d"


def check_width(n_columns: int, widths: Sequence[int]) -> None:
    """Refuses an array of another width; of no known width all are good."""
    if widths and n_columns not in widths:
        raise data_error(
            "the array has another number of columns than the one of the fit",
            expected=" or ".join(map(str, widths)),
            got=str(n_columns),
            hint="its columns are known by their places alone: give the same ones, in order",
        )


def check_named(n_columns: int, columns: Sequence[str]) -> None:
    """Refuses an array where the model knows its columns by names."""
    if columns and not any(map(_PLACE.fullmatch, columns)):
        raise data_error(
            "an array has no names, and the model knows its columns by theirs",
            column=columns[0],
            expected="a data frame, a dict or rows with " + ", ".join(columns[:12]),
            got=f"an array of {n_columns} columns",
            hint="name them: pandas.DataFrame(array, columns=[...])",
        )


@dataclass(frozen=True)
class Known:
    """What columns held in training, where the engine would take other values for new labels."""

    #: Columns of which no value reads as a number.
    words: tuple[str, ...] = ()
    #: Columns of true and false.
    flags: tuple[str, ...] = ()

    @cached_property
    def expected(self) -> dict[str, type]:
        """The type of values that need no second look, by column."""
        return {**dict.fromkeys(self.words, str), **dict.fromkeys(self.flags, bool)}


def known_of(schema: Sequence[Mapping[str, Any]]) -> Known:
    """What the schema of a model says."""
    fields = [f for f in schema if f["storage"] == "string"]
    flags = tuple(f["name"] for f in fields if _are_flags(f.get("levels")))
    words = tuple(f["name"] for f in fields if f["name"] not in flags and _is_words(f))
    return Known(words, flags)


def known_in(data: Any, names: Sequence[str]) -> Known:
    """What a table to learn from says."""
    words, flags = [], []
    for name in names:
        held = column(data, name)
        kind = held.alone() if held is not None else None
        if held is None or kind is None or kind[0] not in ("flag", "text"):
            continue
        levels = texts_in(held.values) if kind[0] == "text" else ["true"]
        if _are_flags(levels):
            flags.append(name)
        elif not any(map(_reads_as_number, levels)) and not all(map(_may_be_value, levels)):
            words.append(name)
    return Known(tuple(words), tuple(flags))


def check_kinds(data: Any, known: Known) -> None:
    """Refuses a table with anything but text in columns of text, or but flags in those of flags."""
    names: Sequence[str] = (*known.words, *known.flags)
    if isinstance(data, FewRows):
        # Of few rows looking again would cost more than the prediction.
        odd = {}
        for name, _, values in data.columns():
            wanted = known.expected.get(name)
            if wanted is not None and any(type(value) is not wanted for value in values):
                odd[name] = list(values)
        data, names = odd, list(odd)
    for name in names:
        held = column(data, name)
        found = held.alone() if held is not None else None
        if held is None or found is None:
            continue
        kind, value = found
        if name in known.words:
            if kind != "text":
                raise _changed(name, "text", "text, as in training", kind, value)
            continue
        stray = _no_flag(held, kind, value)
        if stray is not None:
            raise _changed(name, "true and false", "true or false, or 1 and 0", kind, stray)


def _no_flag(held: Held, kind: str, value: Any) -> Any:
    """What a column of flags holds now that is none; of text, where no cell is one."""
    if kind == "flag":
        return None
    if kind == "number":
        numbers = held.numbers()
        wrong = np.flatnonzero(~(np.isnan(numbers) | (numbers == 0) | (numbers == 1)))
        return float(numbers[wrong[0]]) if len(wrong) else None
    if kind == "text" and any(_reads_as_flag(v) for v in held.values if not is_missing(v)):
        return None
    return value


def check_row(row: Mapping[str, Any], known: Known) -> None:
    """As :func:`check_kinds`, of one row."""
    odd = [name for name, kind in known.expected.items() if type(row.get(name)) is not kind]
    if odd:
        words, flags = (tuple(n for n in odd if n in of) for of in (known.words, known.flags))
        check_kinds({name: [row.get(name)] for name in odd}, Known(words, flags))


def _changed(name: str, was: str, expected: str, kind: str, value: Any) -> Exception:
    return data_error(
        f"a column of {was} holds {NAMES[kind]} now",
        column=name,
        expected=expected,
        got=repr(value.item() if hasattr(value, "item") else value),
        hint="give the column as in training, or fit again with the new one",
    )


def _is_words(field: Mapping[str, Any]) -> bool:
    levels = field.get("levels")
    if not levels:
        return bool(field["kind"] == "text")
    return not any(map(_reads_as_number, levels))


def _are_flags(levels: Any) -> bool:
    return bool(levels) and all(level.lower() in ("true", "false") for level in levels)


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _may_be_value(text: str) -> bool:
    """Whether text may have been learned as a number or a date: ``12,5``, ``31 Jan 2024``."""
    return re.sub(r"\W", "", text).isdigit() or re.match(_OF_MONTH, text) is not None


def _reads_as_flag(value: Any) -> bool:
    text = str(value).strip().lower()
    return text in ("true", "false") or _reads_as_number(text) and float(text) in (0.0, 1.0)


def widths_of(record: Mapping[str, Any]) -> tuple[int, ...]:
    """How many columns an array may have: the features, or also the target behind them.

    Empty where the model did not learn from an array.
    """
    columns = [c["name"] for c in (record.get("profile") or {}).get("columns", [])]
    target = record["options"]["target"] if record.get("options") else ""
    own = [target, *_roles(record)]
    places = [c for c in columns if _PLACE.fullmatch(c)]
    if any(c not in places and c not in own for c in columns) or not places:
        return ()
    n = len(places)
    if target == f"x{n - 1}":
        return n - 1, n
    return (n,)


def _roles(record: Mapping[str, Any]) -> list[str]:
    options = record.get("options") or {}
    return [options[r] for r in ("weight", "group", "time_column") if options.get(r)]


def width_of(data: Any) -> int | None:
    """How many columns a table without names has."""
    if isinstance(data, np.ndarray):
        return data.shape[1] if data.ndim == 2 and not data.dtype.names else None
    if isinstance(data, (list, tuple)) and data and isinstance(data[0], (list, tuple, np.ndarray)):
        return len(data[0])
    return None
