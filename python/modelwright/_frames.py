"""Data frames of estimators: how their columns are called, and what their types say.

An estimator knows a column by its name in the fit. Which names a later frame may have is
scikit-learn's rule, for polars and Arrow as for pandas: the same ones in the same order. So a
column is found by its place, whatever type it has this time; an array has only places anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils.validation import _check_feature_names

from ._data import _module, library
from ._modelwright import Table

#: Kinds of NumPy types that are real numbers.
_REAL = "iufb"


class _Named:
    """Columns as scikit-learn asks a data frame for them; polars does not answer any more."""

    def __init__(self, names: Sequence[str]):
        self._names = list(names)

    def __dataframe__(self) -> _Named:
        return self

    def column_names(self) -> list[str]:
        """The names in order."""
        return self._names


def collected(X: Any) -> Any:
    """A lazy frame of polars with its rows; others as they are."""
    return X.collect() if library(X) == "polars" and hasattr(X, "collect") else X


def is_frame(X: Any) -> bool:
    """Whether the columns of X have names."""
    lib = library(X)
    if lib in ("pandas", "polars"):
        return hasattr(X, "columns") and hasattr(X, "dtypes")
    return lib == "pyarrow" and hasattr(X, "column_names") and hasattr(X, "shape")


def names_of(X: Any) -> list[str]:
    """The names of a frame's columns, as the engine knows them."""
    return [str(n) for n in (X.column_names if library(X) == "pyarrow" else X.columns)]


def check_columns(X: Any) -> None:
    """Refuses a frame without columns in scikit-learn's words, which has none for it."""
    if is_frame(X) and not names_of(X):
        raise ValueError(
            f"Found array with 0 feature(s) (shape={X.shape}) while a minimum of 1 is required."
        )


def check_names(estimator: Any, X: Any, *, reset: bool) -> None:
    """Sets or checks ``feature_names_in_``, as scikit-learn does."""
    is_silent = library(X) == "polars" and is_frame(X) and not hasattr(X, "__dataframe__")
    _check_feature_names(estimator, _Named(X.columns) if is_silent else X, reset=reset)


def has_types(X: Any) -> bool:
    """Whether X is a data frame of which some column is no plain number."""
    if not is_frame(X):
        return False
    lib = library(X)
    if lib == "pandas":
        return not all(isinstance(t, np.dtype) and t.kind in _REAL for t in X.dtypes)
    if lib == "polars":
        return not all(t.is_numeric() or str(t) == "Boolean" for t in X.schema.values())
    return not all(_is_arrow_number(t) or str(t) == "bool" for t in X.schema.types)


def _is_arrow_number(kind: Any) -> bool:
    return str(kind).startswith(("int", "uint", "float", "double", "halffloat", "decimal"))


def kinds_of(X: Any) -> list[tuple[str, str]]:
    """The columns of a data frame whose types say that they are quantities."""
    if library(X) == "polars":
        return [(n, "number") for n, t in X.schema.items() if t.is_numeric()]
    if library(X) == "pyarrow":
        return [(f.name, "number") for f in X.schema if _is_arrow_number(f.type)]
    kinds = [(str(n), getattr(t, "kind", "")) for n, t in zip(X.columns, X.dtypes)]
    return [(n, "number") for n, kind in kinds if kind in "iuf" and kind]


def renamed(table: Any, names: Sequence[str], wanted: Sequence[str]) -> Any:
    """A native table whose columns are called as in the fit; ``names`` are those of its frame."""
    places = {name: place for place, name in enumerate(names)}
    found = [wanted[places[name]] for name in table.names]
    if found == list(table.names):
        return table
    return Table.of_columns(found, [("column", table, i) for i in range(len(found))], "sklearn")


def counted(X: Any) -> Any:
    """A frame with its flags as 0 and 1, as an array of them holds them."""
    lib = library(X)
    if lib == "polars":
        flags = [name for name, kind in X.schema.items() if str(kind) == "Boolean"]
        return X.cast({name: _module("polars").Float64 for name in flags}) if flags else X
    if lib == "pyarrow":
        for place, field in enumerate(X.schema):
            if str(field.type) == "bool":
                X = X.set_column(place, field.name, X.column(place).cast("float64"))
        return X
    flags = [i for i, kind in enumerate(X.dtypes) if _may_hold_flags(kind)]
    if flags:
        X = X.copy(deep=False)
    for place in flags:
        values = X.iloc[:, place].astype(object)
        is_flag = [isinstance(v, (bool, np.bool_)) for v in values]
        if any(is_flag):
            numbers = [float(v) if flag else v for v, flag in zip(values, is_flag)]
            X.isetitem(place, type(values)(numbers, index=X.index, dtype=object))
    return X


def _may_hold_flags(kind: Any) -> bool:
    """Whether a column of this pandas type may hold true and false."""
    inner = getattr(getattr(kind, "categories", None), "dtype", kind)
    return str(inner) in ("bool", "boolean", "bool[pyarrow]", "object")
