"""Columns that are given by their values, or by a label, beside a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ._data import library
from ._errors import data_error


def one_column(values: Any) -> Any:
    """The column of a table or an array that has one alone; others as they are."""
    shape = getattr(values, "shape", None)
    if not isinstance(shape, tuple) or len(shape) != 2 or shape[1] != 1:
        return values
    lib = library(values)
    if isinstance(values, np.ndarray):
        return values[:, 0]
    if lib == "pandas":
        return values.iloc[:, 0]
    if lib == "polars":
        return values.to_series(0)
    return values.column(0) if lib == "pyarrow" else values


def name_in(data: Any, target: Any) -> str | None:
    """The name of a column that is meant by its label, which need not be text in pandas."""
    if isinstance(target, str):
        return target
    try:
        return str(target) if target in labels_of(data) else None
    except (TypeError, ValueError):
        return None


def has_column(data: Any, name: str) -> bool:
    """Whether a table in memory has a column of this name."""
    return any(str(label) == name for label in labels_of(data))


def labels_of(data: Any) -> Any:
    """The names of the columns of a table in memory, where it says them."""
    if isinstance(data, Mapping):
        return list(data)
    if library(data) == "pyarrow":
        return getattr(data, "column_names", ())
    if library(data) == "polars" and hasattr(data, "collect_schema"):
        # Asked for its columns, a lazy frame warns.
        return data.collect_schema().names()
    return getattr(data, "columns", ()) if library(data) in ("pandas", "polars") else ()


def aligned(values: Any, data: Any, source: str) -> Any:
    """A pandas series in the order of a pandas table's rows, found by their labels."""
    if library(values) != "pandas" or library(data) != "pandas" or not hasattr(values, "iloc"):
        return values
    ours, theirs = values.index, data.index
    if len(ours) != len(theirs) or ours.equals(theirs):
        return values
    if ours.is_unique and theirs.is_unique and ours.sort_values().equals(theirs.sort_values()):
        return values.reindex(theirs)
    stray = [label for label in ours if label not in theirs][:1]
    raise data_error(
        "a series has other labels than the table",
        source=source,
        expected="the table's index",
        got=f"the label {stray[0]!r}" if stray else "labels that are there more than once",
        hint="give both the same index; values that are in the table's order already: .to_numpy()",
    )
