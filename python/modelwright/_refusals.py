"""Refusals of scikit-learn's checks as errors of this package.

`check_estimator` and users know the words of scikit-learn, so they stay, as the first thing that is
said. What is added is what a `DataError` always has: where (the argument, and the column), what was
expected, and how to fix it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError

from ._errors import Error, data_error

#: Words of a refusal, what would have been right, and what to do.
_ADVICE = (
    (r"Expected 2D array", "a table: rows and columns", None),
    (
        r"0 sample\(s\)|n_samples=1",
        "rows to learn from",
        "look at what was read or filtered: the table has too few rows",
    ),
    (r"0 feature\(s\)", "at least one column", "look at what was selected: no column is left"),
    (
        r"Input y contains|y contains NaN",
        "an answer in every row",
        "leave rows without an answer out: known = ~pandas.isna(y); X[known], y[known]",
    ),
    (
        r"sample_weight",
        "finite weights from 0, one for each row of X",
        "leave rows out that are not to count, or give them the weight 0",
    ),
    (
        r"[Ii]nfinity",
        "finite numbers, or NaN where a value is missing",
        "numpy.where(numpy.isinf(X), numpy.nan, X)",
    ),
    (r"inconsistent numbers of samples", "one value for each row of X", None),
    (
        r"is expecting \d+ features|feature names should match",
        "the columns of the fit, in their order",
        "give the table to `predict` the columns that the one of `fit` had",
    ),
    (
        r"could not convert string|unable to convert|must be real|not a string or a real number",
        "numbers: text goes in as a column of a data frame",
        "pandas.DataFrame(X), or polars.DataFrame(X), keeps the types of columns",
    ),
    (r"Complex data", "real numbers", "give real and imaginary parts a column each: X.real, X.imag"),
    (r"requires y to be passed", "y, one value for each row of X", None),
    (r"one\s+class", "two or more classes", "a Regressor learns numbers"),
    (r"Unknown label type", "classes", "a Regressor learns numbers"),
)


@contextmanager
def typed(source: str, values: Any = None, names: Any = None) -> Iterator[None]:
    """Makes a :class:`DataError` of what scikit-learn refuses inside.

    ``source`` is the argument that is looked at, ``values`` are what it holds and ``names`` its
    columns, so that the error names one.
    """
    try:
        yield
    except (Error, NotFittedError):
        raise
    except ValueError as cause:
        raise refusal(str(cause), source, values, names) from cause


def refusal(text: str, source: str, values: Any = None, names: Any = None) -> Error:
    """The error for what scikit-learn refuses in these words; arguments as of :func:`typed`."""
    found = [(e, h) for words, e, h in _ADVICE if re.search(words, text)]
    expected, hint = found[0] if found else (None, None)
    column = _column_of(text, values, names)
    error = data_error(text, source=source, column=column, expected=expected, hint=hint)
    error.what = text.partition("\n")[0]
    return error


def _column_of(text: str, values: Any, names: Any) -> str | None:
    """The first column that has what is refused, where that can be seen."""
    shape: tuple[int, ...] = getattr(values, "shape", ())
    if len(shape) != 2 or 0 in shape:
        return None
    named = list(map(str, names)) if names is not None and len(names) else None
    for place in range(shape[1]):
        if _is_refused(_cells(values, place), text):
            return named[place] if named else f"x{place}"
    return None


def _cells(values: Any, place: int) -> Any:
    if hasattr(values, "iloc"):
        return np.asarray(values.iloc[:, place])
    if isinstance(values, np.ndarray):
        return values[:, place]
    if hasattr(values, "to_numpy") and hasattr(values, "columns"):
        return np.asarray(values[:, place])
    return np.empty(0)


def _is_refused(cells: Any, text: str) -> bool:
    """Whether a column has what a refusal speaks of."""
    if re.search("[Ii]nfinity", text):
        return cells.dtype.kind == "f" and bool(np.isinf(cells).any())
    if "Complex" in text:
        return cells.dtype.kind == "c" or any(isinstance(v, complex) for v in cells.flat)
    if re.search("convert|must be real|not a string", text):
        return any(not _is_number(v) for v in cells.flat) if cells.dtype.kind in "OUS" else False
    return False


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
