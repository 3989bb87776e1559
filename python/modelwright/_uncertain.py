"""How sure a model is: intervals and sets that hold the truth as often as they say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ._data import Data, is_row
from ._errors import OptionError, data_error
from ._packed import Packed
from ._quantities import number


class Uncertain(Packed):
    """The side of a model that says how sure it is."""

    def predict_interval(
        self,
        data: Data,
        level: float | None = None,
        *,
        separator: str | None = None,
        no_header: bool = False,
        decimal: str | None = None,
        charset: str | None = None,
    ) -> Any:
        """Predict intervals that hold the true value as often as they say (regression).

        Parameters
        ----------
        data : table or path
            As for :meth:`predict`.
        level : float, optional
            One of the levels that the model was fitted with (``intervals=``); the first by default.
        separator, no_header, decimal, charset : optional
            What is known of a file of text, as in :func:`fit`; else it is read as the one that
            the model learned from.

        Returns
        -------
        table of shape (n_rows, 2) of the input's kind
            Columns ``lower`` and ``upper``.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 + i % 3 for i in range(100)]}
        >>> model = mw.train("linear", rows, "y", intervals=0.8)
        >>> found = model.predict_interval({"x": [5]})
        >>> bool(found["lower"][0] < 6 < found["upper"][0])
        True
        """
        model = self._reading(data, separator, no_header, decimal, charset)
        native, origin = self._read(data)
        found = model.intervals(native, self._threads)
        _, low, high = _of_level(found, level)
        return origin.table({"lower": low, "upper": high})

    def predict_set(
        self,
        data: Data,
        level: float | None = None,
        *,
        separator: str | None = None,
        no_header: bool = False,
        decimal: str | None = None,
        charset: str | None = None,
    ) -> Any:
        """Predict sets of labels that hold the true one as often as they say (classification).

        Parameters
        ----------
        data : table or path
            As for :meth:`predict`.
        level : float, optional
            One of the levels that the model was fitted with (``intervals=``); the first by default.
        separator, no_header, decimal, charset : optional
            What is known of a file of text, as in :func:`fit`; else it is read as the one that
            the model learned from.

        Returns
        -------
        series of lists of the input's kind
            For each row its labels, in class order; a list of lists where no data frame came in,
            one list for one row.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> model = mw.train("linear", rows, "y", intervals=0.8)
        >>> model.predict_set({"x": [0, 9]})
        [[False], [True]]
        """
        model = self._reading(data, separator, no_header, decimal, charset)
        is_one = is_row(data)
        native, origin = self._read([dict(data)] if is_one else data)
        _, members = _of_level(model.sets(native, self._threads), level)
        sets = [self.classes_[row].tolist() for row in members]
        if is_one:
            return sets[0]
        if origin.kind in ("pandas", "polars", "pyarrow"):
            return origin.series(sets, self.target)
        return sets

    def unusual(
        self,
        data: Data,
        *,
        separator: str | None = None,
        no_header: bool = False,
        decimal: str | None = None,
        charset: str | None = None,
    ) -> Any:
        """Say how unusual rows are beside those that the model was tested on.

        The model file keeps counts, and no row. It sees what single columns and pairs of columns
        show, numbers out of their range among it.

        Parameters
        ----------
        data : table, path or dict
            As for :meth:`predict`.
        separator, no_header, decimal, charset : optional
            What is known of a file of text, as in :func:`fit`; else it is read as the one that
            the model learned from.

        Returns
        -------
        table of the input's kind
            A dict for one row. Columns ``unusualness``, the share of the rows of the test that are less unusual (of
            rows of the same kind, one in a hundred has 0.99 or more), and ``unusual_columns``,
            what makes a row so: ``age; income with job``.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(1000)], "y": [i % 10 > 5 for i in range(1000)]}
        >>> model = mw.train("linear", rows, "y")
        >>> found = model.unusual({"x": [5, 5000]})
        >>> bool(found["unusualness"][1] > 0.99), str(found["unusual_columns"][1])
        (True, 'x')
        """
        model = self._reading(data, separator, no_header, decimal, charset)
        native, origin = self._read(data)
        scores, columns = model.unusual(native, self._threads)
        found = origin.table({"unusualness": scores, "unusual_columns": columns})
        return found[0] if is_row(data) else found


def _of_level(found: Sequence[Any], level: float | None) -> Any:
    if level is None:
        return found[0]
    level = number("level", level, "a share of rows, such as 0.9", 0.0, 1.0)
    for of_level in found:
        if abs(of_level[0] - level) < 1e-9:
            return of_level
    raise data_error(
        "the model has no intervals of this level",
        source="level",
        expected="one of " + ", ".join(str(f[0]) for f in found),
        got=str(level),
        hint=f"fit it with intervals={level}",
        cls=OptionError,
    )
