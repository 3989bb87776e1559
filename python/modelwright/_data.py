"""Tables in, tables of the same kind out.

pandas, polars and pyarrow are never imported here: what was handed over has imported them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ._errors import Error, data_error
from ._few_rows import FewRows, few_rows
from ._modelwright import Table
from ._views import without_views

#: Anything that :func:`read` understands.
Data = Any

_HINT_KINDS = "a pandas, polars or pyarrow table, a NumPy array, a dict of columns, a list of dicts, or a file's path"


@dataclass
class Origin:
    """What a table was when it came in, and how results go back."""

    kind: str
    index: Any = None
    names: list[str] = field(default_factory=list)
    #: Kinds of columns that their types tell.
    kinds: dict[str, str] = field(default_factory=dict)
    #: Of a model: its labels in the type that the target had.
    labels: Any = None
    #: Of a table to learn from: the target's column, if it is at hand.
    target: Any = None
    #: Columns of lists, structs, bytes and the like, which the engine does not read.
    left_out: list[str] = field(default_factory=list)

    def series(self, values: Any, name: str) -> Any:
        """One value for each row."""
        if self.kind == "pandas":
            return _module("pandas").Series(values, index=self.index, name=name)
        if self.kind == "polars":
            polars = _module("polars")
            # Of no objects polars cannot tell that they are text.
            is_text = getattr(values, "dtype", None) == object and len(values) == 0
            return polars.Series(name, values, dtype=polars.String if is_text else None)
        if self.kind == "pyarrow":
            return values if library(values) == "pyarrow" else _module("pyarrow").array(values)
        if self.kind == "rows":
            return np.asarray(values).tolist()
        return np.asarray(values)

    def table(self, columns: Mapping[str, Any]) -> Any:
        """Several named values for each row."""
        if self.kind == "pandas":
            pandas = _module("pandas")
            return pandas.DataFrame(dict(columns), index=self.index)
        if self.kind == "polars":
            return _module("polars").DataFrame(dict(columns))
        if self.kind == "pyarrow":
            return _module("pyarrow").table(dict(columns))
        if self.kind == "rows":
            lists = [np.asarray(v).tolist() for v in columns.values()]
            return [dict(zip(columns, row)) for row in zip(*lists)]
        if self.kind == "columns":
            return {name: np.asarray(v) for name, v in columns.items()}
        return np.column_stack([np.asarray(v) for v in columns.values()])


def _module(name: str) -> Any:
    """A library that its own table has imported; of a pickled origin, when first needed."""
    if name not in sys.modules:
        __import__(name)
    return sys.modules[name]


def library(data: Any) -> str:
    """The top package of a value's type."""
    return type(data).__module__.partition(".")[0]


def is_path(data: Any) -> bool:
    """Whether a file's path was given."""
    return isinstance(data, (str, os.PathLike))


def is_row(data: Any) -> bool:
    """Whether this is one row: a dict of plain values."""
    return isinstance(data, Mapping) and bool(data) and not any(_is_column(v) for v in data.values())


def _is_column(value: Any) -> bool:
    return not isinstance(value, (str, bytes)) and hasattr(value, "__len__")


def read(
    data: Data, extra: Mapping[str, Any] | None = None, wanted: Sequence[str] = ()
) -> tuple[Any, Origin]:
    """What the engine takes (a native table or a path), and what came in.

    ``extra`` are further columns, by name; ``wanted`` those that must be of plain values.
    """
    if is_path(data):
        if extra:
            raise data_error(
                "values of their own cannot go with a file",
                expected="the name of a column in the file",
                source=next(iter(extra)),
            )
        return os.fspath(data), Origin("path")
    if isinstance(data, Table):
        return data, Origin("numpy")
    origin, names, forms, whole = _forms(data)
    for name in origin.left_out:
        if name in wanted:
            raise not_plain(name)
    if extra:
        if forms is None:
            names, forms = _columns_of_whole(origin, names, whole)
        for name, values in extra.items():
            forms.append(_any_column(name, values, origin))
            names.append(name)
    origin.names = names
    if forms is None:
        return whole, origin
    _check_names(names)
    return Table.of_columns(names, forms, origin.kind), origin


#: Rows that are predicted at a time where a table is one array: they stay in the cache, and their
#: memory is used again for the next ones.
_ROWS_PER_PART = 16_384


def by_parts(
    data: Data, ask: Any, columns: Sequence[str] = ()
) -> tuple[Any, str | None, Origin]:
    """What ``ask`` (a native table to an array and a warning) says of all rows; of one array part by
    part.

    ``columns`` are those of an empty list, which names none, and those that are needed of others.
    """
    if isinstance(data, (list, tuple)) and not data and columns:
        none = ("numbers", np.empty(0), None)
        native = Table.of_columns(list(columns), [none] * len(columns), "rows")
        return *ask(native), Origin("rows")
    data = unmasked(data)
    values = None
    if getattr(data, "ndim", 0) == 2 and len(data) >= 2 * _ROWS_PER_PART:
        values = data if isinstance(data, np.ndarray) else _one_array(data)
    if values is None or not _is_matrix(values):
        native, origin = read(data, wanted=columns)
        found, warning = ask(native)
        return found, warning, origin
    _, origin = read(data[:0])
    if origin.kind == "pandas":
        origin.index = data.index
    return *in_parts(values, origin.names, origin.kind, ask), origin


def in_parts(
    values: Any, names: Sequence[str], kind: str, ask: Any
) -> tuple[Any, str | None]:
    """What ``ask`` says of the rows of an array of real numbers, part by part."""
    step = len(values) if len(values) < 2 * _ROWS_PER_PART else _ROWS_PER_PART
    outputs, warning = None, None
    for start in range(0, len(values), step):
        part = slice(start, start + step)
        found, said = ask(Table.of_matrix(names, values[part], kind))
        if outputs is None:
            outputs = np.empty((len(values), *found.shape[1:]), dtype=found.dtype)
        outputs[part] = found
        warning = warning or said
    return outputs, warning


def unmasked(data: Any) -> Any:
    """A masked array of real numbers with its masked cells missing; others as they are."""
    if isinstance(data, np.ma.MaskedArray) and data.dtype.kind == "f":
        return data.filled(np.nan)
    return data


def _is_matrix(values: Any) -> bool:
    return bool(
        values.ndim == 2 and values.dtype in (np.float32, np.float64) and values.dtype.isnative
    )


def _one_array(data: Any) -> Any:
    """The array that a data frame of real numbers is a view of, if it is one."""
    if library(data) != "pandas" or getattr(data, "ndim", 0) != 2 or data.shape[1] < 2:
        return None
    first = data.dtypes.iloc[0]
    if first not in (np.float32, np.float64) or (data.dtypes != first).any():
        return None
    # Asked of one row: of several arrays all rows would be copied.
    row = data.iloc[:1].to_numpy()
    if not np.may_share_memory(row, data.iloc[:1, 0].to_numpy()):
        return None
    return data.to_numpy()


def _check_names(names: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise data_error(
                "two columns have the same name",
                column=name,
                expected="distinct names",
                hint="rename or drop one of them",
            )
        seen.add(name)


def _forms(data: Any) -> tuple[Origin, list[str], list[tuple[Any, ...]] | None, Any]:
    few = data if isinstance(data, FewRows) else few_rows(data)
    if few is not None:
        return _few(few)
    lib = library(data)
    if lib == "pandas":
        return _pandas(data)
    if lib == "polars":
        return _polars(data)
    if isinstance(data, np.ndarray):
        return _numpy(data)
    if isinstance(data, Mapping):
        return _mapping(data)
    if hasattr(data, "__arrow_c_stream__") or lib == "pyarrow":
        return _arrow(data, lib)
    if hasattr(data, "tocsr") or lib == "scipy":
        raise data_error(
            "sparse matrices are not supported",
            expected="a dense table",
            got=type(data).__name__,
            hint="use .toarray(), or give the columns that it was made from",
        )
    if isinstance(data, (list, tuple)):
        return _sequence(data)
    raise data_error(
        "this is not a table", expected=_HINT_KINDS, got=f"{type(data).__module__}.{type(data).__name__}"
    )


def _few(data: FewRows) -> tuple[Origin, list[str], list[tuple[Any, ...]] | None, Any]:
    _check_names(data.names)
    origin = Origin("pandas", index=data.index)
    forms = data.forms(_array_column, lambda n, s: _pandas_column(n, s, origin), origin.kinds)
    return origin, data.names, forms, None


def _pandas(data: Any) -> tuple[Origin, list[str], list[tuple[Any, ...]] | None, Any]:
    pandas = _module("pandas")
    if isinstance(data, pandas.Series):
        raise data_error(
            "a series is not a table",
            expected="a data frame",
            got="pandas.Series",
            hint="use .to_frame(), or a list of one dict for one row",
        )
    if isinstance(data.columns, pandas.MultiIndex):
        raise data_error(
            "columns with several levels of names are not supported",
            column=str(data.columns[0]) if len(data.columns) else None,
            expected="one name for each column",
            got=f"a MultiIndex of {data.columns.nlevels} levels",
            hint='join the levels, e.g. df.columns = ["_".join(map(str, c)) for c in df.columns]',
        )
    names = [str(c) for c in data.columns]
    _check_names(names)
    origin = Origin("pandas", index=data.index)
    values = _one_array(data)
    if values is not None and _is_matrix(values):
        return origin, names, None, Table.of_matrix(names, values, "pandas")
    forms = [_pandas_column(n, data.iloc[:, i], origin) for i, n in enumerate(names)]
    return origin, names, forms, None


def _pandas_column(name: str, series: Any, origin: Origin) -> tuple[Any, ...]:
    pandas = _module("pandas")
    dtype = series.dtype
    if isinstance(dtype, pandas.CategoricalDtype):
        return _categorical(name, series.cat.codes.to_numpy(), dtype.categories, origin)
    if isinstance(dtype, pandas.SparseDtype):
        return _pandas_column(name, series.sparse.to_dense(), origin)
    if isinstance(dtype, pandas.PeriodDtype):
        return _pandas_column(name, series.dt.to_timestamp(), origin)
    if isinstance(dtype, pandas.DatetimeTZDtype):
        return _pandas_column(name, series.dt.tz_convert("UTC").dt.tz_localize(None), origin)
    if isinstance(dtype, np.dtype):
        return _array_column(name, series.to_numpy())
    array = series.array
    if hasattr(array, "__arrow_array__") and _is_arrow_backed(array):
        return _arrow_column(name, array.__arrow_array__())
    if hasattr(array, "_mask") and hasattr(array, "_data"):
        return _array_column(name, np.asarray(array._data), np.ascontiguousarray(array._mask))
    return _array_column(name, series.to_numpy(dtype=object))


def _is_arrow_backed(array: Any) -> bool:
    dtype = array.dtype
    return hasattr(dtype, "pyarrow_dtype") or "pyarrow" in str(getattr(dtype, "storage", ""))


def _categorical(name: str, codes: Any, categories: Any, origin: Origin) -> tuple[Any, ...]:
    levels = list(categories)
    if type(categories).__name__ == "IntervalIndex":
        levels = [str(level) for level in levels]
    if all(isinstance(level, str) for level in levels):
        if len(levels) > 1:
            origin.kinds[name] = "category"
        return "codes", codes, levels
    values = np.asarray(categories)
    missing = codes < 0
    if values.dtype.kind in "iufb":
        if values.dtype.kind in "iu" and len(levels) > 1:
            origin.kinds[name] = "integer_category"
        return _array_column(name, values[np.where(missing, 0, codes)], missing)
    objects = values.astype(object)[np.where(missing, 0, codes)]
    objects[missing] = None
    return _array_column(name, objects)


def _arrow_column(name: str, array: Any) -> tuple[Any, ...]:
    return "arrow", without_views(_module("pyarrow").table({name: array}))


def _array_column(name: str, values: Any, mask: Any = None) -> tuple[Any, ...]:
    """The form of a one-dimensional NumPy array."""
    if isinstance(values, np.ma.MaskedArray):
        hidden = np.broadcast_to(values.mask, values.shape)
        mask = hidden if mask is None else mask | hidden
        values = np.asarray(values.data)
    kind = values.dtype.kind
    if values.ndim != 1:
        raise data_error(
            "a column has more than one dimension",
            column=name,
            expected="one value for each row",
            got=f"an array of shape {values.shape}",
            hint="give each of its columns a name of its own; of a target, take one: y[:, 0]",
        )
    if kind == "c":
        raise data_error(
            "complex numbers cannot be learned from",
            column=name,
            expected="real numbers",
            got=str(values.dtype),
            hint="make columns of .real and .imag, or of np.abs and np.angle",
        )
    if kind == "f":
        if values.dtype.itemsize not in (4, 8):
            values = values.astype(np.float32 if values.dtype.itemsize == 2 else np.float64)
        return "numbers", _native(values), mask
    if kind in "iub":
        return "numbers", _native(values), mask
    if kind in "Mm" and mask is not None:
        values = np.where(mask, np.array("NaT", dtype=values.dtype), values)
    if kind == "M":
        return "instants", values.astype("datetime64[us]").view(np.int64)
    if kind == "m":
        seconds = values.astype("timedelta64[us]").astype(np.float64) / 1e6
        seconds[np.isnat(values)] = np.nan
        return "numbers", seconds, None
    if kind in "US":
        if kind == "S":
            raise data_error(
                "a column holds bytes",
                column=name,
                expected="text",
                got=str(values.dtype),
                hint='decode it, e.g. np.char.decode(values, "utf-8")',
            )
        levels, codes = np.unique(values, return_inverse=True)
        codes = codes.astype(np.int64)
        if mask is not None:
            codes[mask] = -1
        return "codes", codes, [str(level) for level in levels]
    if kind == "V":
        raise data_error(
            "a column holds nested values",
            column=name,
            expected="one plain value for each row",
            got=str(values.dtype),
        )
    objects = values
    if mask is not None:
        objects = values.copy()
        objects[mask] = None
    return "objects", objects


def _native(values: Any) -> Any:
    return values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("="))


def _polars(data: Any) -> tuple[Origin, list[str], list[tuple[Any, ...]] | None, Any]:
    origin = Origin("polars")
    if hasattr(data, "collect"):
        data = data.collect()
    if type(data).__name__ == "Series":
        data = data.to_frame()
    for name, dtype in data.schema.items():
        if str(dtype).startswith(("List", "Struct", "Array", "Object", "Binary")):
            raise data_error(
                "a column holds values that cannot be used",
                column=name,
                expected="text, numbers, true or false, dates, or missing values",
                got=str(dtype),
                hint="make columns of plain values of it, or drop the column",
            )
    # What Arrow's streams do not know; the engine's numbers are real numbers anyway. A column of
    # no type at all has no values.
    others = [n for n, dtype in data.schema.items() if str(dtype) in ("Int128", "UInt128", "Null")]
    if others:
        data = data.cast({name: _module("polars").Float64 for name in others})
    return origin, list(data.columns), None, _of_stream(data, "polars")


def _of_stream(data: Any, form: str) -> Any:
    """The table of a polars frame; what its library cannot hand over is named."""
    try:
        return Table.of_arrow(data, form)
    except Error:
        raise
    except (ValueError, TypeError) as cause:
        for name, dtype in data.schema.items():
            try:
                Table.of_arrow(data.select(name), form)
            except (ValueError, TypeError):
                raise data_error(
                    "a column holds values that cannot be used",
                    column=name,
                    expected="text, numbers, true or false, dates, or missing values",
                    got=str(dtype),
                    hint="cast it, or drop the column",
                ) from cause
        raise


def _arrow(data: Any, lib: str) -> tuple[Origin, list[str], list[tuple[Any, ...]] | None, Any]:
    origin = Origin("pyarrow" if lib == "pyarrow" or "pyarrow" in sys.modules else "numpy")
    if not hasattr(data, "__arrow_c_stream__"):
        # A data set of files, or what scans one.
        data = data.scanner() if hasattr(data, "scanner") else data
        if not hasattr(data, "to_reader"):
            raise data_error(
                "this is not a table",
                expected=_HINT_KINDS,
                got=f"{type(data).__module__}.{type(data).__name__}",
            )
        data = data.to_reader()
    names = _names_in(data)
    if lib == "pyarrow" or "pyarrow" in sys.modules:
        data = without_views(data)
    table = Table.of_arrow(data, "arrow")
    read_names = set(table.names)
    origin.left_out = [name for name in names if name not in read_names]
    return origin, list(table.names), None, table


def _names_in(data: Any) -> list[str]:
    """The columns that an Arrow stream is going to have, where it says so."""
    names = getattr(getattr(data, "schema", None), "names", None)
    if names is None:
        names = getattr(data, "columns", ())
    return [n for n in names if isinstance(n, str)] if isinstance(names, (list, tuple)) else []


def not_plain(name: str) -> Error:
    """That a column which is needed cannot be read."""
    return data_error(
        "a column holds nested or binary values",
        column=name,
        expected="text, numbers, true or false, dates",
        hint="make plain columns of it",
    )


def said_of(left_out: Sequence[str]) -> list[str]:
    """What is said of columns that are not read, as the command line says it."""
    return [f"column `{name}` holds nested or binary values and is left out" for name in left_out]


def read_once(data: Data) -> Data:
    """The same rows as something that can be read again: of readers and lazy frames all at once."""
    lib = library(data)
    if lib == "polars":
        return data.collect() if hasattr(data, "collect") else data
    if lib == "pyarrow":
        return data.read_all() if hasattr(data, "read_all") else data
    if lib == "pandas" or not hasattr(data, "__arrow_c_stream__"):
        return data
    try:
        return _module("pyarrow").table(data)
    except ImportError:
        # Who gives a stream without pyarrow gives it as often as it is asked for, or says so.
        return data


def _numpy(data: Any) -> tuple[Origin, list[str], list[tuple[Any, ...]] | None, Any]:
    origin = Origin("numpy")
    data = unmasked(data)
    if data.dtype.names:
        names = list(data.dtype.names)
        return origin, names, [_array_column(n, data[n]) for n in names], None
    if data.ndim != 2:
        raise data_error(
            "an array is no table",
            expected="an array of two dimensions: rows and columns",
            got=f"an array of shape {data.shape}",
            hint="use .reshape(-1, 1) for one column, .reshape(1, -1) for one row",
        )
    names = [f"x{i}" for i in range(data.shape[1])]
    if data.dtype in (np.float32, np.float64) and data.dtype.isnative:
        return origin, names, None, Table.of_matrix(names, data, "numpy")
    if data.dtype == np.float16:
        return _numpy(data.astype(np.float32))
    return origin, names, [_array_column(n, data[:, i]) for i, n in enumerate(names)], None


def _columns_of_whole(
    origin: Origin, names: list[str], whole: Any
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """A table that was read as a whole, so that columns can be added."""
    return list(names), [("column", whole, i) for i in range(len(names))]


def _mapping(data: Any) -> tuple[Origin, list[str], list[tuple[Any, ...]] | None, Any]:
    if is_row(data):
        return _sequence([data])
    several = [n for n, v in data.items() if _is_column(v)]
    if 0 < len(several) < len(data) / 2:
        raise data_error(
            "a row holds several values in one column",
            column=str(several[0]),
            expected="one plain value, as in its other columns",
            got=repr(data[several[0]])[:80],
            hint="give one value; of several rows, give a value for each in every column",
        )
    names = [str(n) for n in data]
    origin = Origin("columns")
    forms = [_any_column(n, v, origin) for n, v in zip(names, data.values())]
    return origin, names, forms, None


def _any_column(name: str, values: Any, origin: Origin) -> tuple[Any, ...]:
    lib = library(values)
    if lib == "pandas" and hasattr(values, "dtype"):
        series = values if hasattr(values, "iloc") else _module("pandas").Series(values)
        return _pandas_column(name, series, origin)
    if lib == "polars":
        return "arrow", values.to_frame(name)
    if lib == "pyarrow":
        return _arrow_column(name, values)
    if isinstance(values, np.ndarray):
        return _array_column(name, values.reshape(-1) if values.ndim == 0 else values)
    if not isinstance(values, Iterable) or isinstance(values, (str, bytes)):
        raise data_error(
            "a column is a single value",
            column=name,
            expected="one value for each row",
            got=repr(values),
            hint=f"repeat it for every row, e.g. [{str(values)[:20]}] * n_rows",
        )
    items = list(values)
    objects = np.empty(len(items), dtype=object)
    objects[:] = items
    return "objects", objects


def _sequence(data: Any) -> tuple[Origin, list[str], list[tuple[Any, ...]] | None, Any]:
    origin = Origin("rows")
    rows = list(data)
    if all(isinstance(row, Mapping) for row in rows):
        plain = [{str(k): v for k, v in row.items()} for row in rows]
        table = Table.of_rows(plain, "rows")
        return origin, list(table.names), None, table
    if any(isinstance(row, (str, bytes)) or not hasattr(row, "__len__") for row in rows):
        raise data_error(
            "a list of single values is no table",
            expected=_HINT_KINDS,
            got=repr(rows[0])[:80],
        )
    width = len(rows[0])
    for i, row in enumerate(rows):
        if len(row) != width:
            raise data_error(
                "rows differ in length", expected=f"{width} values", got=f"{len(row)} in row {i + 1}"
            )
    names = [f"x{i}" for i in range(width)]
    forms = [_any_column(n, [row[i] for row in rows], origin) for i, n in enumerate(names)]
    return origin, names, forms, None
