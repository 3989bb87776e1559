"""What a model says of rows."""

from __future__ import annotations

import sys
from typing import Any, Literal

from . import _modelwright
from ._data import Data, Origin, by_parts, is_row
from ._errors import OptionError, data_error
from ._labels import plain_labels
from ._matching import check_row
from ._modelwright import Model
from ._packed import Packed, _warn


class Predicting(Packed):
    """The side of a model that predicts."""

    def predict(
        self,
        data: Data,
        *,
        separator: str | None = None,
        no_header: bool = False,
        decimal: str | None = None,
        charset: str | None = None,
    ) -> Any:
        """Predict the label (classification) or the value (regression) of every row.

        Parameters
        ----------
        data : table, path or dict
            Rows with the model's :attr:`columns`, in any order. A dict of plain values is one row.
        separator, no_header, decimal, charset : optional
            What is known of a file of text, as in :func:`fit`; else it is read as the one that
            the model learned from.

        Returns
        -------
        array of shape (n_rows,) of the input's kind
            A pandas series with the input's index, a polars series, a pyarrow array, a list for a
            list of dicts, one value for one row, else a NumPy array. Labels have the type that
            the target had where the model was fitted: categories with all their levels, nullable
            and Arrow types, floats. A ``model.mw`` keeps them as text: a loaded model gives
            whole numbers, numbers, true and false, or text.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> model = mw.train("linear", rows, "y")
        >>> model.predict({"x": [0, 9]})
        array([False,  True])
        >>> model.predict({"x": 9})
        True
        """
        model = self._reading(data, separator, no_header, decimal, charset)
        if is_row(data):
            check_row(data, self._known)
            row, decided = model.one_row(dict(data))
            if self.task == "regression":
                return row[0]
            # Python's own type, whatever the labels are: text has no `item`.
            return self.classes_[decided : decided + 1].tolist()[0]
        if self.task == "regression":
            outputs, warning, origin = self._asked(data, model.outputs)
            values = outputs[:, 0]
        else:
            codes, warning, origin = self._asked(data, model.decisions)
            values = self._labels.at(codes, origin.kind)
        _warn(warning)
        return origin.series(values, self.target)

    def predict_proba(
        self,
        data: Data,
        *,
        separator: str | None = None,
        no_header: bool = False,
        decimal: str | None = None,
        charset: str | None = None,
    ) -> Any:
        """Predict the probability of every class.

        Parameters
        ----------
        data : table, path or dict
            As for :meth:`predict`.
        separator, no_header, decimal, charset : optional
            What is known of a file of text, as in :func:`fit`; else it is read as the one that
            the model learned from.

        Returns
        -------
        table of shape (n_rows, n_classes) of the input's kind
            Columns are called by the classes, in class order. A dict for one row.

        Raises
        ------
        OptionError
            For a regression.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> model = mw.train("linear", rows, "y")
        >>> shares = model.predict_proba({"x": 9})
        >>> {label: round(share, 2) for label, share in shares.items()}
        {'False': 0.0, 'True': 1.0}
        """
        if self.task == "regression":
            raise data_error(
                "a regression has no classes",
                expected="a binary or multiclass model",
                hint="use predict, or predict_interval for an idea of the error",
                cls=OptionError,
            )
        model = self._reading(data, separator, no_header, decimal, charset)
        labels = [str(c) for c in plain_labels(self._model.classes)]
        if is_row(data):
            check_row(data, self._known)
            row, _ = model.one_row(dict(data))
            return dict(zip(labels, row))
        outputs, warning, origin = self._asked(data, model.outputs)
        _warn(warning)
        if origin.kind in ("numpy", "path"):
            return outputs
        if origin.kind == "pandas":
            pandas = sys.modules["pandas"]
            if self._class_index is None:
                self._class_index = pandas.Index(list(self.classes_))
            return pandas.DataFrame(outputs, index=origin.index, columns=self._class_index)
        return origin.table({n: outputs[:, i] for i, n in enumerate(labels)})

    def is_anomaly(
        self,
        data: Data,
        *,
        separator: str | None = None,
        no_header: bool = False,
        decimal: str | None = None,
        charset: str | None = None,
    ) -> Any:
        """Whether an isolation forest calls a row unusual; :meth:`predict` has its score.

        Parameters
        ----------
        data : table, path or dict
            As for :meth:`predict`.
        separator, no_header, decimal, charset : optional
            What is known of a file of text, as in :func:`fit`; else it is read as the one that
            the model learned from.

        Returns
        -------
        array of bool of shape (n_rows,) of the input's kind
            True above 0.5, or above what ``contamination`` of the training rows have. One value for
            one row.

        Raises
        ------
        OptionError
            When the model is no isolation forest.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)] + [99]}
        >>> model = mw.train("isolation_forest", rows, params={"contamination": 0.01})
        >>> model.is_anomaly({"x": 99}), model.is_anomaly({"x": 5})
        (True, False)
        """
        threshold = self._model.anomaly_threshold
        if threshold is None:
            raise data_error(
                "the model has answers, and does not say which rows are unusual",
                expected="an isolation forest",
                hint='train("isolation_forest", rows) learns what is usual',
                cls=OptionError,
            )
        if is_row(data):
            return bool(self.predict(data) > threshold)
        model = self._reading(data, separator, no_header, decimal, charset)
        outputs, warning, origin = self._asked(data, model.outputs)
        _warn(warning)
        return origin.series(outputs[:, 0] > threshold, "is_anomaly")

    def raw_scores(
        self,
        data: Data,
        *,
        separator: str | None = None,
        no_header: bool = False,
        decimal: str | None = None,
        charset: str | None = None,
    ) -> Any:
        """What the trees of boosters add up to, before it becomes a prediction.

        The logarithm of the odds or of a count, by the loss; before calibration. Of several
        boosters their mean by weight.

        Parameters
        ----------
        data : table or path
            As for :meth:`predict`.
        separator, no_header, decimal, charset : optional
            What is known of a file of text, as in :func:`fit`; else it is read as the one that
            the model learned from.

        Returns
        -------
        array of shape (n_rows,) of the input's kind
            With three or more classes a table of shape (n_rows, n_classes).

        Raises
        ------
        DataError
            When a part of the model is no gradient booster.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> model = mw.train("gbdt", rows, "y", params={"n_rounds": 5})
        >>> no, yes = model.raw_scores({"x": [0, 9]})
        >>> bool(no < 0 < yes)
        True
        """
        model = self._reading(data, separator, no_header, decimal, charset)
        outputs, columns, origin = self._answers(data, model, "scores")
        if len(columns) == 1:
            return origin.series(outputs[:, 0], "score")
        return origin.table({n: outputs[:, i] for i, n in enumerate(columns)})

    def leaves(
        self,
        data: Data,
        *,
        separator: str | None = None,
        no_header: bool = False,
        decimal: str | None = None,
        charset: str | None = None,
    ) -> Any:
        """The leaf in which each row ends, for every tree of the model.

        Parameters
        ----------
        data : table or path
            As for :meth:`predict`.
        separator, no_header, decimal, charset : optional
            What is known of a file of text, as in :func:`fit`; else it is read as the one that
            the model learned from.

        Returns
        -------
        table of uint32 of shape (n_rows, n_trees) of the input's kind
            Leaves are numbered from 0 within their tree. Of several models one after the other. A
            frame for a frame, with its index; a NumPy array where no frame came in.

        Raises
        ------
        DataError
            When a part of the model is not made of trees.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> model = mw.train("gbdt", rows, "y", params={"n_rounds": 5})
        >>> model.leaves({"x": [0, 9]}).tolist()
        [[0, 0, 0, 0, 0], [1, 1, 1, 1, 1]]
        """
        model = self._reading(data, separator, no_header, decimal, charset)
        outputs, columns, origin = self._answers(data, model, "leaves")
        leaves = outputs.astype("uint32")
        if origin.kind in ("numpy", "path", "columns"):
            return leaves
        return origin.table({n: leaves[:, i] for i, n in enumerate(columns)})

    def predict_quantiles(
        self,
        data: Data,
        *,
        separator: str | None = None,
        no_header: bool = False,
        decimal: str | None = None,
        charset: str | None = None,
    ) -> Any:
        """The quantiles of a booster that learned several at once (``quantiles`` in ``params``).

        Parameters
        ----------
        data : table or path
            As for :meth:`predict`.
        separator, no_header, decimal, charset : optional
            What is known of a file of text, as in :func:`fit`; else it is read as the one that
            the model learned from.

        Returns
        -------
        table of shape (n_rows, n_quantiles) of the input's kind
            A column for each level, ascending: ``quantile_0.1`` and so on, in the target's unit.

        Raises
        ------
        OptionError
            When the model learned one number; see :meth:`predict_interval`.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(200)]}
        >>> rows["y"] = [x + i % 7 for i, x in enumerate(rows["x"])]
        >>> params = {"n_rounds": 20, "quantiles": "0.1,0.9"}
        >>> model = mw.train("gbdt", rows, "y", params=params)
        >>> found = model.predict_quantiles({"x": [0, 9]})
        >>> sorted(found), bool(found["quantile_0.1"][0] < found["quantile_0.9"][0])
        (['quantile_0.1', 'quantile_0.9'], True)
        """
        model = self._reading(data, separator, no_header, decimal, charset)
        outputs, columns, origin = self._answers(data, model, "quantiles")
        if not columns:
            raise data_error(
                "the model has no quantiles",
                expected="a booster that learned several at once",
                hint='train("gbdt", ..., params={"quantiles": "0.1,0.5,0.9"}); '
                "predict_interval has the ends of intervals of any model of a number",
                cls=OptionError,
            )
        return origin.table({n: outputs[:, i] for i, n in enumerate(columns)})

    def _answers(
        self, data: Data, model: Model, wanted: Literal["scores", "leaves", "quantiles"]
    ) -> tuple[Any, list[str], Origin]:
        native, origin = self._read(data)
        outputs, columns, warning = _modelwright.model_answers(
            model, native, wanted, self._threads
        )
        _warn(warning)
        return outputs, columns, origin

    def _asked(self, data: Data, ask: Any) -> tuple[Any, str | None, Origin]:
        """What the engine says of rows, and of what kind they are."""
        return by_parts(self._checked(data), lambda rows: ask(rows, self._threads), self.columns)
