"""Why a model predicts so."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from . import _modelwright
from ._data import Data, is_row, read
from ._errors import OptionError, data_error
from ._options import names
from ._labels import label_text
from ._packed import Packed, _warn
from ._progress import Events
from ._quantities import rows_of, whole

if TYPE_CHECKING:
    from ._dependence import Dependence
    from ._explanation import Explanation


class Explaining(Packed):
    """The side of a model that gives reasons."""

    def explain(
        self,
        data: Data,
        *,
        rows: Sequence[int] | None = None,
        sample: int | None = None,
        method: Literal["auto", "tree", "path", "permutation", "exact"] = "auto",
        scale: Literal["probability", "margin"] | None = None,
        background: Data | None = None,
        background_rows: int | None = None,
        seed: int = 0,
        separator: str | None = None,
        no_header: bool = False,
        decimal: str | None = None,
        charset: str | None = None,
    ) -> Explanation:
        """Divide predictions among the raw columns: Shapley values.

        Parameters
        ----------
        data : table, path or dict
            Rows with the model's :attr:`columns`. A dict of plain values is one row.
        rows : sequence of int, optional
            Only these rows, counted from 0; all by default.
        sample : int, optional
            Only so many rows, drawn at random.
        method : {"auto", "tree", "path", "permutation", "exact"}, default "auto"
            How the parts are found: by the trees' own structure, as LightGBM's ``pred_contrib``,
            by drawn orders of the columns (with standard errors; any model), or by every mixture
            of at most 16 columns. By default what suits model and rows.
        scale : {"probability", "margin"}, optional
            What is divided in a classification; probabilities by default.
        background : table or path, optional
            Rows that stand for what is typical; by default values drawn by what the model knows
            of each column of its training data, so that a row has the same base value and reasons
            beside any other rows.
        background_rows : int, optional
            How many of them are used; by default 32, and fewer where columns are many.
        seed : int, default 0
            Seed of the drawn orders.
        separator, no_header, decimal, charset : optional
            What is known of a file of text, as in :func:`fit`; else it is read as the one that
            the model learned from; so is a file of ``background``.

        Returns
        -------
        Explanation
            ``shap.plots.*`` draw it. Of a dict it is of one row, without the axis of rows.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"a": [i % 5 for i in range(80)], "b": [i % 3 for i in range(80)]}
        >>> rows["y"] = [2 * a + b for a, b in zip(rows["a"], rows["b"])]
        >>> model = mw.train("linear", rows, "y")
        >>> found = model.explain(rows)
        >>> found.shape, list(found.importance()["column"])
        ((80, 2), ['a', 'b'])
        >>> bool(abs(found.values[0].sum() + found.base_values[0] - found.predictions[0]) < 1e-9)
        True
        """
        from ._explanation import explanation_of

        model = self._reading([data, background], separator, no_header, decimal, charset)
        is_one = is_row(data)
        native, origin = self._read([dict(data)] if is_one else data)
        asked = {
            "rows": None if rows is None else rows_of(rows),
            "sample": None if sample is None else whole("sample", sample),
            "method": method,
            "scale": scale,
            "background_rows": (
                None if background_rows is None else whole("background_rows", background_rows)
            ),
            "seed": whole("seed", seed),
            "threads": self._threads,
        }
        found, warning = _modelwright.explain_rows(
            model,
            native,
            None if background is None else read(background)[0],
            asked,
            Events(False, None, None),
        )
        _warn(warning)
        return explanation_of(found, origin, is_one)

    def importances(self) -> Any:
        """How much the metric loses when a column is shuffled among the held-out rows.

        Returns
        -------
        table of the kind that was fitted
            Columns ``column``, ``mean``, ``low`` and ``high`` (its 95 % interval over the
            repeats), largest first. Where no data frame came in as :meth:`leaderboard`.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"a": [i % 5 for i in range(80)], "b": [i % 3 for i in range(80)]}
        >>> rows["y"] = [2 * a + b for a, b in zip(rows["a"], rows["b"])]
        >>> list(mw.train("linear", rows, "y").importances()["column"])
        ['a', 'b']
        """
        from ._explanation import as_table

        found = self.record["importances"]
        board = {
            "column": [i["column"] for i in found],
            "mean": [i["mean"] for i in found],
            "low": [i["ci95"]["low"] for i in found],
            "high": [i["ci95"]["high"] for i in found],
        }
        return as_table(board, self._origin.kind)

    def dependence(
        self,
        data: Data,
        columns: str | Sequence[str],
        *,
        kind: Literal["ale", "partial_dependence"] | None = None,
        scale: Literal["probability", "margin"] | None = None,
        ice: bool = False,
        separator: str | None = None,
        no_header: bool = False,
        decimal: str | None = None,
        charset: str | None = None,
    ) -> list[Dependence]:
        """Say how predictions move along columns.

        Parameters
        ----------
        data : table or path
            Rows to move; 2,000 drawn at random, if there are more.
        columns : str or sequence of str
            The raw columns.
        kind : {"ale", "partial_dependence"}, optional
            Accumulated local effects (numbers and dates by default), or partial dependence
            (categories by default).
        scale : {"probability", "margin"}, optional
            The scale of a classification; probabilities by default.
        ice : bool, default False
            How differently rows respond: the curves of single rows (individual conditional
            expectation), from each row's own prediction at the first value. They are of partial
            dependence.
        separator, no_header, decimal, charset : optional
            What is known of a file of text, as in :func:`fit`; else it is read as the one that
            the model learned from.

        Returns
        -------
        list of Dependence
            One for each column, each with ``.plot()``; with ``ice`` also with ``.ice`` and
            ``.common``.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"a": [i % 5 for i in range(80)], "b": [i % 2 for i in range(80)]}
        >>> rows["y"] = [a * b for a, b in zip(rows["a"], rows["b"])]
        >>> model = mw.train("gbdt", rows, "y", params={"n_rounds": 50})
        >>> (found,) = model.dependence(rows, "a", ice=True)
        >>> found.ice.shape, found.common < 0.9  # rows of b = 0 do not move with a
        ((5, 3), True)
        """
        from ._dependence import Dependence

        if ice and kind == "ale":
            raise data_error(
                "curves of single rows are of partial dependence",
                source="kind",
                expected='"partial_dependence", or none',
                got='"ale"',
                cls=OptionError,
            )
        if ice:
            kind = "partial_dependence"

        model = self._reading(data, separator, no_header, decimal, charset)
        native, _ = self._read(data)
        found = _modelwright.dependence(
            model, native, names(columns), kind, scale, self._threads
        )
        return [Dependence.of(document) for document in json.loads(found)]

    def interactions(
        self,
        data: Data,
        *,
        separator: str | None = None,
        no_header: bool = False,
        decimal: str | None = None,
        charset: str | None = None,
    ) -> list[tuple[str, str, float]]:
        """Say which columns act together: SHAP interactions.

        Exact for a single booster (on its score); drawn for other models, on at most 300 of the
        rows and on the scale of the predictions, with the size that chance has taken out.

        Parameters
        ----------
        data : table or path
            Rows with the model's columns.
        separator, no_header, decimal, charset : optional
            What is known of a file of text, as in :func:`fit`; else it is read as the one that
            the model learned from.

        Returns
        -------
        list of (str, str, float)
            Pairs of columns with the mean size of what they do together, largest first.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"a": [i % 5 for i in range(80)], "b": [i % 2 for i in range(80)]}
        >>> rows["y"] = [a * b for a, b in zip(rows["a"], rows["b"])]
        >>> ((first, second, size),) = mw.train("gbdt", rows, "y").interactions(rows)
        >>> first, second, size > 0.1
        ('a', 'b', True)
        """
        model = self._reading(data, separator, no_header, decimal, charset)
        native, _ = self._read(data)
        found = json.loads(_modelwright.interactions(model, native, self._threads))
        return [(a, b, size) for a, b, size in found]

    def counterfactuals(
        self,
        data: Data,
        desired: Any = None,
        *,
        vary: str | Sequence[str] | None = None,
        immutable: str | Sequence[str] | None = None,
        observed: Data | None = None,
        n_answers: int = 4,
        max_changes: int = 4,
        separator: str | None = None,
        no_header: bool = False,
        decimal: str | None = None,
        charset: str | None = None,
    ) -> list[dict[str, Any]]:
        """Say what would have to be different for another answer.

        Parameters
        ----------
        data : table, path or dict
            At most 100 rows; a dict is one.
        desired : label or str, optional
            The class that is wanted, or a limit such as ``">=100"`` (regression); the other of two
            classes by default.
        vary : str or sequence of str, optional
            The only columns that may change; ``"age:+"`` only upwards, ``"age:-"`` only downwards.
        immutable : str or sequence of str, optional
            Columns that may not change.
        observed : table or path, optional
            Rows whose values may be taken; by default those of ``data``, where they are at least
            30, else values drawn by what the model knows of each column.
        n_answers, max_changes : int, default 4
            Answers for a row, and columns that one changes, at most.
        separator, no_header, decimal, charset : optional
            What is known of a file of text, as in :func:`fit`; else it is read as the one that
            the model learned from; so is a file of ``observed``.

        Returns
        -------
        list of dict
            For each row ``row``, ``prediction``, ``is_reached`` and ``answers``, best first: each
            with ``changes`` (``column``, ``from``, ``to``), ``prediction``, ``cost`` and
            ``distance``.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> model = mw.train("linear", rows, "y")
        >>> (found,) = model.counterfactuals({"x": 4}, observed=rows)
        >>> found["answers"][0]["changes"]
        [{'column': 'x', 'from': '4', 'to': '6'}]
        """
        model = self._reading([data, observed], separator, no_header, decimal, charset)
        native, _ = self._read([dict(data)] if is_row(data) else data)
        wanted = {
            "desired": None if desired is None else label_text(desired),
            "vary": None if vary is None else names(vary),
            "immutable": names(immutable),
            "n_answers": whole("n_answers", n_answers),
            "n_changes": whole("max_changes", max_changes),
            "threads": self._threads,
        }
        pool = None if observed is None else read(observed)[0]
        found: list[dict[str, Any]] = json.loads(
            _modelwright.counterfactuals(model, native, pool, wanted)
        )
        return found
