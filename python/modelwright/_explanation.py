"""Why a model predicts so: what each column adds to each prediction.

An :class:`Explanation` has what ``shap.Explanation`` has, so that ``shap.plots.*`` draw it; shap
itself is needed for these pictures alone and is never imported here before they are wanted.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from ._data import Origin
from ._errors import data_error
from ._files import check_page, write
from ._report import framed

#: The axes that an explanation of several rows and outputs has.
_AXES = ("row", "column", "output")

Array = np.ndarray[Any, np.dtype[Any]]


class Explanation:
    """What each column adds to each prediction; with the base value they add up to it.

    Made by :meth:`Predictor.explain`. It can be indexed by rows, columns and outputs, these by
    name or number: ``found[0]``, ``found[:, "age"]``, ``found[..., "yes"]``. ``shap.plots.*`` take
    it as it is.

    Attributes
    ----------
    values : ndarray of shape (n_rows, n_columns) or (n_rows, n_columns, n_outputs)
        What each column adds, in the unit of the prediction (probabilities by default). The third
        axis is there for three or more classes.
    base_values : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        The mean prediction over the background.
    data : ndarray of shape (n_rows, n_columns)
        The raw values as numbers: dates are days since 1970, texts their places in the alphabet
        among those that are there.
    display_data : ndarray of shape (n_rows, n_columns) or None
        The same with texts and dates as text, where there are any: what pictures write.
    feature_names : list of str
        The raw columns.
    output_names : list of str, or str
        What is explained: the classes of three or more, else the positive class or the target.
    standard_errors : ndarray or None
        Of the values, where they were sampled.
    predictions : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        What is divided.
    rows : ndarray of shape (n_rows,)
        Numbers of the rows in the data, from 0.
    method, scale : str
        How the values were found, and what is divided.
    n_background : int
        How many background rows were used.

    Examples
    --------
    >>> import modelwright as mw
    >>> rows = {"a": [i % 5 for i in range(80)], "b": [i % 3 for i in range(80)]}
    >>> rows["y"] = [2 * a + b for a, b in zip(rows["a"], rows["b"])]
    >>> found = mw.train("linear", rows, "y").explain(rows)
    >>> found
    Explanation(80 rows x 2 columns, exact, value)
    >>> found[:, "a"].shape, found[0].feature_names
    ((80,), ['a', 'b'])
    """

    def __init__(self, parts: Mapping[str, Any], axes: Sequence[str], native: Any = None):
        self.values: Array = parts["values"]
        self.base_values: Any = parts["base_values"]
        self.data: Any = parts["data"]
        self.display_data: Any = parts["display_data"]
        self.feature_names: Any = parts["feature_names"]
        self.output_names: Any = parts["output_names"]
        self.standard_errors: Array | None = parts["standard_errors"]
        self.predictions: Any = parts["predictions"]
        self.rows: Any = parts["rows"]
        self.method: str = parts["method"]
        self.scale: str = parts["scale"]
        self.n_background: int = parts["n_background"]
        self._axes = tuple(axes)
        self._native = native
        self._shap: Any = None

    # What shap's own explanations may have besides.
    instance_names = output_indexes = clustering = hierarchical_values = None
    lower_bounds = upper_bounds = error_std = main_effects = compute_time = None

    # What it says.

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the values."""
        return tuple(np.shape(self.values))

    def __len__(self) -> int:
        return len(self.values)

    def importance(self, kind: str | None = None) -> Any:
        """The mean size of what each column adds, largest first.

        Returns
        -------
        table of the kind that was explained
            Columns ``column``, ``mean_abs`` (summed over outputs) and ``low``, ``high``: its 95 %
            interval over the choice of rows. Where no data frame came in, one of pandas or
            polars, by what is there; without both a dict of lists.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"a": [i % 5 for i in range(80)], "b": [i % 3 for i in range(80)]}
        >>> rows["y"] = [2 * a + b for a, b in zip(rows["a"], rows["b"])]
        >>> found = mw.train("linear", rows, "y").explain(rows)
        >>> list(found.importance()["column"])
        ['a', 'b']
        """
        effects = json.loads(self._whole().effects())
        board = {
            "column": [e["column"] for e in effects],
            "mean_abs": [e["mean_abs"] for e in effects],
            "low": [e["ci95"]["low"] for e in effects],
            "high": [e["ci95"]["high"] for e in effects],
        }
        return as_table(board, kind or self._kind)

    def reasons(self, n: int = 5) -> list[list[dict[str, Any]]]:
        """The largest parts of each prediction in words.

        Parameters
        ----------
        n : int, default 5
            Reasons for a row, at most.

        Returns
        -------
        list of lists
            For each row its reasons, largest first: ``column``, ``value``, ``effect``, ``text``.
            They are about the most probable class of three or more.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"a": [i % 5 for i in range(80)], "b": [i % 3 for i in range(80)]}
        >>> rows["y"] = [2 * a + b for a, b in zip(rows["a"], rows["b"])]
        >>> found = mw.train("linear", rows, "y").explain(rows)
        >>> (reason,) = found.reasons(1)[0]
        >>> reason["column"], reason["value"]
        ('a', '0')
        """
        return [row["reasons"] for row in self.document(n)["rows"]]

    def document(self, n: int = 5) -> dict[str, Any]:
        """Everything, as ``modelwright explain --json`` prints it.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"a": [i % 5 for i in range(80)], "b": [i % 3 for i in range(80)]}
        >>> rows["y"] = [2 * a + b for a, b in zip(rows["a"], rows["b"])]
        >>> found = mw.train("linear", rows, "y").explain(rows)
        >>> found.document()["n_rows"]
        80
        """
        found: dict[str, Any] = json.loads(self._whole().document(n))
        return found

    def table(self, kind: str | None = None) -> Any:
        """The values as ``modelwright explain --output`` writes them.

        Returns
        -------
        table of the kind that was explained
            ``row``, ``base_value``, the part of each column, ``prediction``; of several outputs a
            row for each, named in ``output``. Of a frame of pandas with the labels of its index.
            Where no data frame came in as :meth:`importance`.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"a": [i % 5 for i in range(80)], "b": [i % 3 for i in range(80)]}
        >>> rows["y"] = [2 * a + b for a, b in zip(rows["a"], rows["b"])]
        >>> found = mw.train("linear", rows, "y").explain(rows)
        >>> list(found.table())
        ['row', 'base_value', 'a', 'b', 'prediction']
        """
        native = self._whole()
        rows, columns, outputs = native.rows, native.columns, native.outputs
        n = len(rows), len(columns), len(outputs)
        board: dict[str, Any] = {"row": np.repeat(np.asarray(rows, dtype=np.int64), n[2])}
        if n[2] > 1:
            board["output"] = np.tile(np.asarray(outputs, dtype=object), n[0])
        board["base_value"] = np.tile(np.asarray(native.base_values), n[0])
        values = native.values().reshape(n).transpose(1, 0, 2).reshape(n[1], -1)
        parts = dict(zip(columns, values))
        for taken in {*board, "prediction"} & parts.keys():
            raise data_error(
                "a column of the model is called as one of the table",
                column=taken,
                hint="take .values and .feature_names instead",
            )
        board |= {**parts, "prediction": native.predictions()}
        index = None if self._index is None else self._index.repeat(n[2])
        return as_table(board, kind or self._kind, index)

    def page(
        self, columns: Sequence[str] = (), *, with_rows: bool = False, ice: bool = False
    ) -> str:
        """One self-contained HTML page: importances, dependence, single rows.

        Parameters
        ----------
        columns : sequence of str
            Columns whose dependence is drawn; the most important ones by default.
        with_rows : bool, default False
            Whether the first rows are shown with their parts.
        ice : bool, default False
            Whether it is shown how differently rows respond to the columns.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"a": [i % 5 for i in range(80)], "b": [i % 3 for i in range(80)]}
        >>> rows["y"] = [2 * a + b for a, b in zip(rows["a"], rows["b"])]
        >>> found = mw.train("linear", rows, "y").explain(rows)
        >>> found.page(["a"])[:15]
        '<!DOCTYPE html>'
        """
        name = "the table" if self._kind != "path" else "the file"
        html: str = self._whole().page(list(columns), name, (with_rows, ice))
        return html

    def save(self, path: str | os.PathLike[str], **options: Any) -> None:
        """Write :meth:`page`, with its options.

        Examples
        --------
        >>> import tempfile
        >>> import modelwright as mw
        >>> rows = {"a": [i % 5 for i in range(80)], "b": [i % 3 for i in range(80)]}
        >>> rows["y"] = [2 * a + b for a, b in zip(rows["a"], rows["b"])]
        >>> found = mw.train("linear", rows, "y").explain(rows)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     found.save(folder + "/why.html", with_rows=True)
        """
        check_page(path)
        write(path, self.page(**options))

    def _repr_html_(self) -> str:
        return framed(self.page()) if self._native is not None else f"<pre>{self!r}</pre>"

    def __repr__(self) -> str:
        shape = " x ".join(f"{n} {axis}s" for n, axis in zip(self.shape, self._axes))
        return f"Explanation({shape or 'one value'}, {self.method}, {self.scale})"

    _kind: str = "path"
    #: The labels of the rows, of a frame of pandas.
    _index: Any = None

    def _whole(self) -> Any:
        if self._native is None:
            raise data_error(
                "only a whole explanation knows this: ask before it is indexed or pickled",
                expected="what `explain` returned",
            )
        return self._native

    # As an array.

    def __getitem__(self, key: Any) -> Any:
        keys = key if isinstance(key, tuple) else (key,)
        if any(not _is_index(k) for k in keys):
            # An operation of shap's own, such as `Explanation.abs.mean(0)`.
            return self.shap()[key]
        wanted = dict(zip(self._axes, _spread(keys, len(self._axes))))
        for axis, names in (("column", self.feature_names), ("output", self.output_names)):
            if axis in wanted:
                wanted[axis] = _numbered(wanted[axis], names, axis)
        if "row" in wanted and isinstance(wanted["row"], str):
            raise KeyError(f"rows have numbers, not names: {wanted['row']!r}")
        return self._selected(wanted)

    def _selected(self, wanted: Mapping[str, Any]) -> Explanation:
        def of(values: Any, axes: Sequence[str]) -> Any:
            if values is None:
                return None
            array, dropped = np.asarray(values), 0
            for place, axis in enumerate(a for a in axes if a in self._axes):
                chosen = wanted.get(axis, slice(None))
                array = array[(slice(None),) * (place - dropped) + (chosen,)]
                dropped += isinstance(chosen, (int, np.integer))
            return array.item() if isinstance(array, np.generic) else array

        def names(values: Any, axis: str) -> Any:
            if axis not in self._axes:
                return values
            chosen = of(values, (axis,))
            return chosen.tolist() if isinstance(chosen, np.ndarray) else chosen

        parts = {
            "values": of(self.values, _AXES),
            "base_values": of(self.base_values, ("row", "output")),
            "data": of(self.data, ("row", "column")),
            "display_data": of(self.display_data, ("row", "column")),
            "feature_names": names(self.feature_names, "column"),
            "output_names": names(self.output_names, "output"),
            "standard_errors": of(self.standard_errors, _AXES),
            "predictions": of(self.predictions, ("row", "output")),
            "rows": of(self.rows, ("row",)),
            "method": self.method,
            "scale": self.scale,
            "n_background": self.n_background,
        }
        gone = (int, np.integer)
        axes = [a for a in self._axes if not isinstance(wanted.get(a), gone)]
        found = Explanation(parts, axes)
        found._kind = self._kind
        return found

    # For shap.

    def shap(self) -> Any:
        """The same as a ``shap.Explanation``.

        Raises
        ------
        ImportError
            When shap is not installed.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"a": [i % 5 for i in range(80)], "b": [i % 3 for i in range(80)]}
        >>> rows["y"] = [2 * a + b for a, b in zip(rows["a"], rows["b"])]
        >>> found = mw.train("linear", rows, "y").explain(rows)
        >>> found.shap().shape
        (80, 2)
        """
        if self._shap is None:
            import shap

            self._shap = shap.Explanation(
                values=self.values,
                base_values=self.base_values,
                data=self.data,
                display_data=self.display_data,
                feature_names=self.feature_names,
                output_names=self.output_names if "output" in self._axes else None,
            )
        return self._shap

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        # shap asks `isinstance(x, shap.Explanation)`; whoever asks for this class is told so too.
        loaded = sys.modules.get("shap")
        return getattr(loaded, "Explanation", Explanation)

    def __getattr__(self, name: str) -> Any:
        # What only shap knows of an explanation: `abs`, `cohorts`, `display_data`, ...
        if name.startswith("_") or "shap" not in sys.modules:
            raise AttributeError(f"an Explanation has no attribute {name!r}")
        return getattr(self.shap(), name)

    def __array__(self, *args: Any, **kwargs: Any) -> Array:
        return np.asarray(self.values, *args, **kwargs)

    def __copy__(self) -> Explanation:
        return self._selected({})

    def __deepcopy__(self, memo: Any) -> Explanation:
        return self._selected({})

    def __reduce__(self) -> tuple[Any, ...]:
        state = {k: v for k, v in self.__dict__.items() if k not in _OWN}
        return _again, (state, self._axes)


#: What an explanation does not keep beside its numbers.
_OWN = ("_native", "_shap", "_axes", "_index")


def _again(state: Mapping[str, Any], axes: Sequence[str]) -> Explanation:
    found = Explanation(state, axes)
    found._kind = state.get("_kind", "path")
    return found


def _is_index(key: Any) -> bool:
    if key is Ellipsis or isinstance(key, (int, np.integer, slice, str, np.ndarray)):
        return True
    return isinstance(key, list) and all(isinstance(k, (int, np.integer, str, bool)) for k in key)


def _spread(keys: Sequence[Any], n_axes: int) -> list[Any]:
    """One key for each axis that is named; an ellipsis stands for those between."""
    places = [i for i, key in enumerate(keys) if key is Ellipsis]
    if not places:
        if len(keys) > n_axes:
            raise IndexError(f"too many indices: there are {n_axes} axes")
        return list(keys)
    before, after = list(keys[: places[0]]), list(keys[places[0] + 1 :])
    between = n_axes - len(before) - len(after)
    if between < 0:
        raise IndexError(f"too many indices: there are {n_axes} axes")
    return [*before, *[slice(None)] * between, *after]


def _numbered(key: Any, names: Sequence[str], axis: str) -> Any:
    """Names as numbers."""

    def one(name: Any) -> Any:
        if not isinstance(name, str):
            return name
        if name not in names:
            raise KeyError(f"there is no {axis} {name!r}; there are {', '.join(names)}")
        return list(names).index(name)

    if isinstance(key, list):
        return [one(k) for k in key]
    return one(key)


def explanation_of(native: Any, origin: Origin, is_one_row: bool) -> Explanation:
    """The native explanation as arrays; of one row without its axis."""
    n_rows, columns, outputs = len(native.rows), native.columns, native.outputs
    n_outputs = len(outputs)
    shape = (n_rows, len(columns), n_outputs)
    errors = native.standard_errors()
    is_many = n_outputs > 1

    def of_values(flat: Any) -> Any:
        array = flat.reshape(shape)
        return array if is_many else array[:, :, 0]

    def of_outputs(flat: Any) -> Any:
        array = flat.reshape(n_rows, n_outputs)
        return array if is_many else array[:, 0]

    base = np.tile(np.asarray(native.base_values), n_rows)
    data, display_data = _raw_values(native, n_rows, columns)
    parts = {
        "values": of_values(native.values()),
        "base_values": of_outputs(base),
        "data": data,
        "display_data": display_data,
        "feature_names": list(columns),
        "output_names": list(outputs) if is_many else outputs[0],
        "standard_errors": None if errors is None else of_values(errors),
        "predictions": of_outputs(native.predictions()),
        "rows": np.asarray(native.rows, dtype=np.int64),
        "method": native.method,
        "scale": native.scale,
        "n_background": native.n_background,
    }
    found = Explanation(parts, _AXES if is_many else _AXES[:2], native)
    found._kind = origin.kind
    if origin.index is not None:
        found._index = origin.index.take(native.rows)
    if is_one_row:
        one = found._selected({"row": 0})
        one._native = native
        return one
    return found


#: Microseconds of a day.
_DAY = 86_400e6


def _raw_values(native: Any, n_rows: int, columns: Sequence[str]) -> tuple[Array, Any]:
    """The values as numbers, and as they are shown if that differs: shap's two tables."""
    found = [native.data(name) for name in columns]
    data = np.empty((n_rows, len(columns)))
    shown = np.empty((n_rows, len(columns)), dtype=object)
    for i, (form, values) in enumerate(found):
        if form == "text":
            levels = sorted({text for text in values if text is not None})
            codes = {text: float(code) for code, text in enumerate(levels)}
            data[:, i] = [codes.get(text, np.nan) for text in values]
            shown[:, i] = ["missing" if text is None else text for text in values]
            continue
        data[:, i] = shown[:, i] = values
        if form == "instant":
            instants = values.view("datetime64[us]")
            is_missing = np.isnat(instants)
            data[:, i] = np.where(is_missing, np.nan, values / _DAY)
            texts = np.datetime_as_string(instants.astype("datetime64[s]"))
            shown[:, i] = np.where(is_missing, "missing", texts)
    return data, shown if any(form != "number" for form, _ in found) else None


def as_table(board: dict[str, list[Any]], kind: str, index: Any = None) -> Any:
    """A board as a data frame of the kind that came in, or of a library that is there; ``index`` are
    the labels of its rows in pandas."""
    frames = ("pandas", "polars")
    for library in (kind, *(name for name in frames if name in sys.modules), *frames):
        if library in frames and find_spec(library) is not None:
            return Origin(library, index=index).table(board)
    return board
