"""How predictions move along one column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ._errors import OptionError, data_error

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass
class Dependence:
    """How predictions move along one column.

    Attributes
    ----------
    column : str
    kind : {"ale", "partial_dependence"}
        Accumulated local effects (numbers, dates), or partial dependence (categories).
    output_names : list of str
        What is predicted.
    values : list
        The values along the column: numbers, ``numpy.datetime64``, or labels.
    effects : ndarray of shape (n_values, n_outputs)
        The difference to the mean prediction.
    half_widths : ndarray of shape (n_values, n_outputs)
        Half of the 95 % intervals, over the choice of rows.
    counts : list of int
        Rows that have about each value.
    curves : ndarray of shape (n_rows, n_values)
        Curves of single rows (partial dependence), else empty.
    ice : ndarray of shape (n_values, 3)
        Where the curves of all rows lie, each from its own prediction at the first value: below
        the first number lies one in ten, below the second half of them, below the third nine in
        ten (partial dependence), else empty.
    common : float or None
        The share of the movement that all rows have in common, from 0 to 1. Little of it says that
        the column acts together with others.

    Examples
    --------
    >>> import modelwright as mw
    >>> rows = {"a": [i % 5 for i in range(80)], "b": [i % 3 for i in range(80)]}
    >>> rows["y"] = [2 * a + b for a, b in zip(rows["a"], rows["b"])]
    >>> (found,) = mw.train("linear", rows, "y").dependence(rows, "a")
    >>> found.column, found.kind, found.values
    ('a', 'ale', [0.0, 1.0, 2.0, 3.0, 4.0])
    >>> found.effects[:, 0].round().tolist()
    [-4.0, -2.0, 0.0, 2.0, 4.0]
    """

    column: str
    kind: str
    output_names: list[str]
    values: list[Any]
    effects: Array
    half_widths: Array
    counts: list[int]
    curves: Array = field(repr=False)
    ice: Array = field(repr=False)
    common: float | None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Dependence:
        """Of the document of ``modelwright explain --profile --json``.

        Examples
        --------
        >>> import modelwright as mw
        >>> point = {"number": 1.0, "effects": [0.5], "half_widths": [0.1], "n_rows": 9}
        >>> document = {"column": "a", "kind": "ale", "outputs": ["y"], "is_instant": False}
        >>> mw.Dependence.of({**document, "points": [point]}).values
        [1.0]
        """
        points = document["points"]
        bands = document.get("ice") or {"bands": [], "common": None}

        def value(point: Mapping[str, Any]) -> Any:
            if point["number"] is None:
                return point["value"]
            if document["is_instant"]:
                return np.datetime64(int(point["number"]), "us")
            return point["number"]

        return cls(
            column=document["column"],
            kind=document["kind"],
            output_names=document["outputs"],
            values=[value(p) for p in points],
            effects=np.array([p["effects"] for p in points]),
            half_widths=np.array([p["half_widths"] for p in points]),
            counts=[p["n_rows"] for p in points],
            curves=np.array(document.get("curves", [])),
            ice=np.array([[b["low"], b["median"], b["high"]] for b in bands["bands"]]),
            common=bands["common"],
        )

    def plot(self, ax: Any = None, output: int = -1, *, ice: bool = False) -> Any:
        """Draw the effects with their intervals; needs matplotlib.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw.
        output : int, default -1
            Which output.
        ice : bool, default False
            Draw where the curves of rows lie instead (the last output), and single ones.

        Returns
        -------
        matplotlib.axes.Axes

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> import modelwright as mw
        >>> rows = {"a": [i % 5 for i in range(80)], "b": [i % 3 for i in range(80)]}
        >>> rows["y"] = [2 * a + b for a, b in zip(rows["a"], rows["b"])]
        >>> (found,) = mw.train("linear", rows, "y").dependence(rows, "a")
        >>> found.plot(Figure().subplots()).get_title()
        'a'
        """
        if ax is None:
            import matplotlib.pyplot

            ax = matplotlib.pyplot.gca()
        if ice:
            return self._plot_rows(ax)
        effects, half = self.effects[:, output], self.half_widths[:, output]
        if isinstance(self.values[0], str):
            ax.errorbar(effects, range(len(effects)), xerr=half, fmt="o")
            ax.set_yticks(range(len(effects)), self.values)
            ax.set_xlabel(self.output_names[output])
        else:
            ax.plot(self.values, effects)
            ax.fill_between(self.values, effects - half, effects + half, alpha=0.2)
            ax.set_xlabel(self.column)
            ax.set_ylabel(self.output_names[output])
        ax.set_title(self.column)
        return ax

    def _plot_rows(self, ax: Any) -> Any:
        if not len(self.ice):
            raise data_error(
                "there are no curves of rows",
                column=self.column,
                expected="a dependence with ice=True",
                cls=OptionError,
            )
        along = range(len(self.values)) if isinstance(self.values[0], str) else self.values
        low, median, high = self.ice.T
        for curve in self.curves:
            ax.plot(along, curve - curve[0], color="0.8", linewidth=0.5)
        ax.fill_between(along, low, high, alpha=0.2)
        ax.plot(along, median)
        if isinstance(self.values[0], str):
            ax.set_xticks(along, self.values)
        ax.set_xlabel(self.column)
        ax.set_ylabel(f"{self.output_names[-1]} from each row's own")
        ax.set_title(self.column)
        return ax


