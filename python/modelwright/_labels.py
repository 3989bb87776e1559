"""Labels of the type that the target had, where the model's own text would not say it."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._data import library
from ._given import has_column

Array = np.ndarray[Any, np.dtype[Any]]

_PLACE = re.compile(r"x(\d+)")


@dataclass(frozen=True)
class Labels:
    """The classes of a model as values of its target's column."""

    #: The classes as the model knows them; of another model they would be wrong.
    texts: tuple[str, ...]
    #: The classes as a NumPy array.
    plain: Array
    #: The library whose type of column the target had, and the classes in that type.
    kind: str = "numpy"
    typed: Any = None

    def at(self, codes: Array, kind: str) -> Any:
        """The labels of some places, for a result of a library."""
        if self.typed is None or kind != self.kind:
            return self.plain[codes]
        return self.typed.gather(codes) if kind == "polars" else self.typed.take(codes)


def plain_labels(classes: Sequence[str]) -> Array:
    """The labels in the type that they had before they were text."""
    if set(classes) == {"true", "false"}:
        return np.array([c == "true" for c in classes])
    for of in (int, float):
        try:
            values = [of(c) for c in classes]
        except ValueError:
            continue
        if len(values) == 0:
            break
        if all(str(v) == c or of is float for v, c in zip(values, classes)):
            return np.array(values)
    return np.array(classes, dtype=object)


def label_text(label: Any) -> str:
    """A label as the engine knows it."""
    if isinstance(label, (bool, np.bool_)):
        return "true" if label else "false"
    if isinstance(label, (float, np.floating)) and float(label).is_integer():
        return str(int(label))
    return str(label)


def labels_like(column: Any, classes: Sequence[str]) -> Labels | None:
    """The labels of a model in the type of the column that it learned them from."""
    if column is None or not classes:
        return None
    plain = plain_labels(classes)
    number = _number_type(column) if plain.dtype.kind in "if" else None
    if number is not None:
        found = plain.astype(number)
        # A number that the type cannot hold was never in the column.
        plain = found if (found == plain).all() or found.dtype.kind == "f" else plain
    lib = library(column)
    typed = None
    if lib in _TYPED and hasattr(column, "dtype" if lib != "pyarrow" else "type"):
        try:
            typed = _TYPED[lib](column, plain, classes)
        except Exception:  # noqa: BLE001
            # The libraries' own: of a type that cannot be made of labels they stay plain.
            typed = None
    return Labels(tuple(classes), plain, lib, typed)


def _number_type(column: Any) -> Any:
    """NumPy's type of the numbers in a column, where it tells one from another."""
    dtype = getattr(column, "dtype", getattr(column, "type", None))
    inner = getattr(getattr(dtype, "categories", None), "dtype", dtype)
    inner = getattr(inner, "numpy_dtype", inner)
    if isinstance(inner, np.dtype) and inner.kind in "iuf":
        return inner
    if dtype is None or inner == object:
        values = [v for v in column if v is not None]
        return np.dtype(float) if values and all(type(v) is float for v in values) else None
    return np.dtype(float) if re.match(r"Float|float|double", str(dtype)) else None


def _pandas(column: Any, plain: Array, classes: Sequence[str]) -> Any:
    import pandas

    dtype = column.dtype
    if isinstance(dtype, np.dtype):
        return None
    if isinstance(dtype, pandas.CategoricalDtype):
        places = {label_text(level): i for i, level in enumerate(dtype.categories)}
        codes = [places[text] for text in classes]
        return pandas.Categorical.from_codes(codes, dtype=dtype)
    found = pandas.array(plain.tolist(), dtype=dtype)
    return None if found.isna().any() else found


def _polars(column: Any, plain: Array, classes: Sequence[str]) -> Any:
    import polars

    return polars.Series(plain.tolist()).cast(column.dtype)


def _pyarrow(column: Any, plain: Array, classes: Sequence[str]) -> Any:
    import pyarrow

    found = pyarrow.array(plain.tolist())
    if pyarrow.types.is_dictionary(column.type):
        found = found.dictionary_encode()
    return found.cast(column.type)


_TYPED = {"pandas": _pandas, "polars": _polars, "pyarrow": _pyarrow}


def column_of(data: Any, name: str) -> Any:
    """A column of a table by its name; nothing where it is not at hand."""
    lib, place = library(data), _PLACE.fullmatch(name)
    if isinstance(data, np.ndarray):
        if data.dtype.names:
            return data[name] if name in data.dtype.names else None
        is_there = place is not None and data.ndim == 2 and int(place[1]) < data.shape[1]
        return data[:, int(place[1])] if place is not None and is_there else None
    if lib in _TYPED:
        return _of_frame(data, lib, name) if has_column(data, name) else None
    if isinstance(data, Mapping):
        return next((v for k, v in data.items() if str(k) == name), None)
    if isinstance(data, (list, tuple)) and data and isinstance(data[0], Mapping):
        return [row.get(name) for row in data]
    if isinstance(data, (list, tuple)) and place is not None:
        return [row[int(place[1])] for row in data]
    return None


def _of_frame(data: Any, lib: str, name: str) -> Any:
    if lib == "pandas":
        return data.iloc[:, [str(label) for label in data.columns].index(name)]
    if lib == "polars":
        return data.get_column(name) if hasattr(data, "get_column") else None
    return data.column(name) if hasattr(data, "column") else None


def packed(labels: Labels | None) -> bytes | None:
    """What a pickle keeps of labels: where their library is missing, the rest is still read."""
    return None if labels is None else pickle.dumps(labels, protocol=5)


def unpacked(data: bytes | None) -> Labels | None:
    """The labels of a pickle, if their library is there."""
    if data is None:
        return None
    try:
        found = pickle.loads(data)
    except ImportError:
        return None
    return found if isinstance(found, Labels) else None
