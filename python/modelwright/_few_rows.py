"""Pandas frames of few rows, where what costs time is pandas itself.

A series for each column takes longer than its prediction. The whole frame as one array of objects
takes one call, and the columns are made of it as they are elsewhere: the forms are the same, value
for value.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

#: Up to so many rows Python's own values are quicker.
N_ROWS = 16

Form = tuple[Any, ...]
OfArray = Callable[[str, Any, Any], Form]


class FewRows:
    """The values of a small frame."""

    def __init__(self, frame: Any):
        self.frame = frame
        self.index = frame.index
        self.names = [str(name) for name in frame.columns]
        self.dtypes = frame.dtypes.to_numpy()
        self.values = frame.to_numpy(dtype=object)

    def columns(self) -> Iterator[tuple[str, Any, Any]]:
        """Name, type and values of each column."""
        return zip(self.names, self.dtypes, self.values.T)

    def forms(
        self,
        of_array: OfArray,
        of_series: Callable[[str, Any], Form],
        kinds: dict[str, str],
    ) -> list[Form]:
        """What the engine takes of each column.

        ``of_array`` takes an array and which of its values are missing, ``of_series`` the types
        that are not known here; ``kinds`` learns which columns are categories by their type.
        """
        forms = []
        for place, (name, dtype, values) in enumerate(self.columns()):
            kind = dtype.kind if isinstance(dtype, np.dtype) else ""
            if kind == "O":
                found: Form | None = ("objects", values)
            elif dtype in _PLAIN:
                found = ("numbers", values.astype(dtype), None)
            elif kind and kind != "m":
                found = of_array(name, _array(dtype, values), None)
            else:
                found = _extension(name, dtype, values, of_array, kinds)
            forms.append(of_series(name, self.frame.iloc[:, place]) if found is None else found)
        return forms


_PLAIN = frozenset(np.dtype(kind) for kind in ("float64", "float32", "int64", "int32", "bool"))


def few_rows(data: Any) -> FewRows | None:
    """A small frame of pandas with single names; of anything else nothing."""
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(data, pandas.DataFrame):
        return None
    is_few = 0 < len(data) <= N_ROWS and 0 < data.shape[1]
    return FewRows(data) if is_few and not isinstance(data.columns, pandas.MultiIndex) else None


def _array(dtype: Any, values: Any) -> Any:
    """The array that the values came from, of one of NumPy's own types."""
    if dtype.kind == "M":
        return np.array([value.to_datetime64() for value in values], dtype=dtype)
    return values.astype(dtype)


def _extension(
    name: str, dtype: Any, values: Any, of_array: OfArray, kinds: dict[str, str]
) -> Form | None:
    """The form of a column of pandas' own types."""
    pandas = sys.modules["pandas"]
    if isinstance(dtype, pandas.CategoricalDtype):
        return _codes(name, dtype, values, kinds)
    if isinstance(dtype, pandas.DatetimeTZDtype):
        return of_array(name, _array(np.dtype(f"datetime64[{dtype.unit}]"), values), None)
    if isinstance(dtype, pandas.StringDtype) and dtype.storage == "python":
        return "objects", values
    # Arrow's types have one, too, and their values another form.
    plain = getattr(dtype, "numpy_dtype", None)
    if not isinstance(plain, np.dtype) or hasattr(dtype, "pyarrow_dtype"):
        return None
    if plain.kind not in "iufb":
        return None
    missing = np.array([value is pandas.NA for value in values])
    known = [0 if value is pandas.NA else value for value in values]
    return of_array(name, np.array(known, dtype=plain), missing)


def _codes(name: str, dtype: Any, values: Sequence[Any], kinds: dict[str, str]) -> Form | None:
    """Of levels that are text, those that the rows have."""
    levels = dtype.categories
    if levels.inferred_type != "string":
        return None
    if len(levels) > 1:
        kinds[name] = "category"
    found: dict[str, int] = {}
    codes = [found.setdefault(v, len(found)) if isinstance(v, str) else -1 for v in values]
    return "codes", np.array(codes, dtype=np.int64), list(found)
