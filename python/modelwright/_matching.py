"""Whether new rows are of the table that a model learned from, where the engine cannot tell.

Columns of an array have no names, so that their number is all that speaks for them; and numbers
where text was learned would all be taken for labels that training did not have.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ._data import library
from ._errors import data_error
from ._few_rows import FewRows

_PLACE = re.compile(r"x(\d+)")


def check_width(n_columns: int, widths: Sequence[int]) -> None:
    """Refuses an array of another width; of no known width all are good."""
    if widths and n_columns not in widths:
        raise data_error(
            "the array has another number of columns than the one of the fit",
            expected=" or ".join(map(str, widths)),
            got=str(n_columns),
            hint="its columns are known by their places alone: give the same ones, in order",
        )


def check_texts(data: Any, texts: Sequence[str]) -> None:
    """Refuses a table with numbers in columns of text."""
    if isinstance(data, FewRows):
        # Flags and instants are none of Python's numbers.
        data = {name: list(values) for name, _, values in data.columns() if name in texts}
    for name in texts:
        value = _number_in(data, name)
        if value is not None:
            raise _of_text(name, value)


def check_row(row: Mapping[str, Any], texts: Sequence[str]) -> None:
    """As :func:`check_texts`, of one row."""
    for name in texts:
        value = row.get(name)
        if _is_number(value):
            raise _of_text(name, value)


def _of_text(name: str, value: Any) -> Exception:
    return data_error(
        "a column of text holds numbers now",
        column=name,
        expected="text, as in training",
        got=repr(value.item() if hasattr(value, "item") else value),
    )


def texts_of(schema: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Columns of which no value that was learned reads as a number."""
    return tuple(field["name"] for field in schema if _is_words(field))


def _is_words(field: Mapping[str, Any]) -> bool:
    if field["storage"] != "string":
        return False
    levels = field.get("levels")
    if not levels:
        return bool(field["kind"] == "text")
    return not any(map(_reads_as_number, levels))


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, (int, float, np.integer, np.floating))
    return is_number and not isinstance(value, bool) and value == value


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


def _number_in(data: Any, name: str) -> Any:
    """A number in a column, if it holds nothing else; the column need not be there."""
    lib, place = library(data), _PLACE.fullmatch(name)
    if isinstance(data, np.ndarray) and not data.dtype.names:
        is_there = data.ndim == 2 and place is not None and int(place[1]) < data.shape[1]
        return _number_of(data[:, int(place[1])]) if place is not None and is_there else None
    if lib == "polars":
        # Of a lazy frame nothing is known yet.
        columns = getattr(data, "columns", ()) if hasattr(data, "get_column") else ()
        if name not in columns or not data.schema[name].is_numeric():
            return None
        return _first(data.get_column(name).drop_nulls())
    if lib == "pyarrow":
        if name not in getattr(data, "column_names", ()) or not hasattr(data, "column"):
            return None
        column = data.column(name)
        is_numeric = re.match(r"u?int|float|double|halffloat|decimal", str(column.type))
        return _first(column.drop_null()) if is_numeric else None
    if lib == "pandas":
        found = data[name] if name in getattr(data, "columns", ()) else None
        return None if found is None or getattr(found, "ndim", 1) != 1 else _number_of(found)
    if isinstance(data, Mapping):
        return _number_of(data.get(name))
    if isinstance(data, Sequence) and data and isinstance(data[0], Mapping):
        return _number_of([row.get(name) for row in data])
    return None


def _number_of(values: Any) -> Any:
    """A value of a column that holds numbers and missing values alone."""
    kind = getattr(getattr(values, "dtype", None), "kind", None)
    if kind not in ("i", "u", "f", "O") and not isinstance(values, (list, tuple)):
        return None
    found = None
    for value in values:
        if _is_number(value):
            if kind in ("i", "u", "f"):
                return value
            found = value
        elif not is_missing(value):
            return None
    return found


def is_missing(value: Any) -> bool:
    """Whether a single value stands for none."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (float, np.floating)) and value != value


def _first(values: Any) -> Any:
    for value in values:
        value = value.as_py() if hasattr(value, "as_py") else value
        if value == value:
            return value
    return None
