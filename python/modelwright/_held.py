"""What the columns of a table hold, whatever library it is of: text, numbers, flags or dates."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ._data import library

_PLACE = re.compile(r"x(\d+)")

#: What values are called that are no text.
NAMES = {"number": "numbers", "flag": "true and false", "instant": "dates", "text": "text"}

#: By the kind of a NumPy type.
_OF_DTYPE = {"i": "number", "u": "number", "f": "number", "b": "flag", "M": "instant", "U": "text"}

#: By the name of an Arrow or polars type.
_OF_TYPE = (
    (r"u?int\d|float|double|halffloat|decimal", "number"),
    (r"bool", "flag"),
    (r"date|timestamp", "instant"),
    (r"(large_)?string|str$|dictionary<values=(large_)?string|categorical|enum", "text"),
)


class Held:
    """A column: the kind of its values where their type tells it, and the values."""

    def __init__(self, kind: str | None, values: Any):
        self.kind = kind
        self.values = values

    def alone(self) -> tuple[str, Any] | None:
        """The kind of all values that are there, and one of them; nothing where they differ."""
        found: tuple[str, Any] | None = None
        for value in self.values:
            value = value.as_py() if hasattr(value, "as_py") else value
            if is_missing(value):
                continue
            kind = self.kind or kind_of(value)
            if kind is None or found is not None and kind != found[0]:
                return None
            found = found or (kind, value)
            if self.kind is not None or kind == "text":
                # Text of one cell is enough: numbers beside it are the engine's to refuse.
                break
        return found

    def numbers(self) -> Any:
        """The values as an array of numbers; missing ones are NaN."""
        if hasattr(self.values, "to_numpy") and self.kind is not None:
            if library(self.values) == "pandas":
                return self.values.to_numpy(dtype=float, na_value=np.nan)
            return np.asarray(self.values.to_numpy(), dtype=float)
        return np.array([np.nan if is_missing(v) else float(v) for v in self.values])


def column(data: Any, name: str) -> Held | None:
    """A column by its name; nothing where it is not at hand."""
    lib, place = library(data), _PLACE.fullmatch(name)
    if isinstance(data, np.ndarray):
        if data.dtype.names:
            return _of_array(data[name]) if name in data.dtype.names else None
        is_there = data.ndim == 2 and place is not None and int(place[1]) < data.shape[1]
        return _of_array(data[:, int(place[1])]) if place is not None and is_there else None
    if lib == "polars":
        # Of a lazy frame nothing is known yet.
        if not hasattr(data, "get_column") or name not in data.columns:
            return None
        return Held(_kind_of_type(data.schema[name]), data.get_column(name).drop_nulls())
    if lib == "pyarrow":
        if name not in getattr(data, "column_names", ()) or not hasattr(data, "column"):
            return None
        found = data.column(name)
        return Held(_kind_of_type(found.type), found.drop_null())
    if lib == "pandas":
        found = data[name] if name in getattr(data, "columns", ()) else None
        return None if found is None or getattr(found, "ndim", 1) != 1 else _of_array(found)
    if isinstance(data, Mapping):
        return _of_any(data.get(name))
    if isinstance(data, Sequence) and data and isinstance(data[0], Mapping):
        return Held(None, [row.get(name) for row in data])
    return None


def _of_any(values: Any) -> Held | None:
    if library(values) in ("polars", "pyarrow"):
        kind = getattr(values, "dtype", getattr(values, "type", None))
        drop = getattr(values, "drop_nulls", getattr(values, "drop_null", None))
        return None if drop is None else Held(_kind_of_type(kind), drop())
    if hasattr(values, "dtype"):
        return _of_array(values) if getattr(values, "ndim", 1) == 1 else None
    return Held(None, values) if isinstance(values, (list, tuple)) else None


def _of_array(values: Any) -> Held | None:
    kind = getattr(values.dtype, "kind", None)
    if kind == "O":
        return Held(None, values)
    return Held(_OF_DTYPE[kind], values) if kind in _OF_DTYPE else None


def _kind_of_type(kind: Any) -> str | None:
    text = str(kind).lower()
    return next((name for form, name in _OF_TYPE if re.match(form, text)), None)


def kind_of(value: Any) -> str | None:
    """What a single value is."""
    if isinstance(value, (bool, np.bool_)):
        return "flag"
    if isinstance(value, (int, float, np.integer, np.floating)):
        return "number"
    if isinstance(value, str):
        return "text"
    return "instant" if isinstance(value, (dt.date, np.datetime64)) else None


def is_missing(value: Any) -> bool:
    """Whether a single value stands for none."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, np.datetime64):
        return bool(np.isnat(value))
    return isinstance(value, (float, np.floating)) and value != value


def texts_in(values: Any) -> list[str]:
    """The distinct values of a column of text, in no order."""
    lib = library(values)
    if lib == "pandas" and hasattr(values, "unique"):
        return [str(v) for v in values.unique() if not is_missing(v)]
    if lib == "polars" and hasattr(values, "drop_nulls"):
        return [str(v) for v in values.drop_nulls().unique()]
    if lib == "pyarrow" and hasattr(values, "drop_null"):
        try:
            values = values.drop_null().unique()
        except NotImplementedError:
            # Of views Arrow knows no distinct values.
            values = values.drop_null()
        values = values.to_pylist()
    return list({str(v) for v in values if not is_missing(v)})
