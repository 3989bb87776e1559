"""The whole search as estimators."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from . import _modelwright
from ._data import Origin
from ._errors import ModelwrightWarning
from ._estimators import check_lengths, labels_of, values_of
from ._options import given
from ._own import own_metric, own_parts
from ._predictor import Predictor
from ._progress import Events
from ._recording import kept_in
from ._refusals import refusal
from ._search_options import OPTIONS, PARAMETERS, SearchOptions


def _free(name: str, names: Sequence[str]) -> str:
    """A name for a column that joins others: this one, or the next that none of them has."""
    while name in names:
        name += "_"
    return name


class _Search(SearchOptions):
    """Runs a search and keeps its predictor."""

    predictor_: Predictor

    def _search(
        self, read: tuple[Any, Any], y: Any, target: Any, task: str, sample_weight: Any
    ) -> None:
        table, kinds = read
        check_lengths(table.n_rows, target)
        if table.n_rows < 2:
            raise refusal("A search needs rows to test on, but there is n_samples=1.", "X")
        weights = self._weights(sample_weight, table)
        names = list(table.names)
        forms: list[tuple[Any, ...]] = [("column", table, i) for i in range(len(names))]
        forms.append(("numbers", np.ascontiguousarray(target, dtype=np.float64), None))
        own_name = getattr(y, "name", None)
        of_target = _free(own_name if own_name and isinstance(own_name, str) else "target", names)
        names.append(of_target)
        values: dict[str, Any] = {
            "target": of_target,
            "task": task,
            **{name: getattr(self, name) for name in OPTIONS},
            "seed": self._seed(),
            "threads": self.n_jobs,
            **(self.options or {}),
        }
        values["kind"] = {**dict(kinds), **(values["kind"] or {})}
        if weights is not None:
            forms.append(("numbers", weights, None))
            values["weight"] = _free("sample_weight", names)
            names.append(values["weight"])
        native = _modelwright.Table.of_columns(names, forms, "sklearn")
        metric = values["metric"]
        if metric is not None and not isinstance(metric, str):
            originals = getattr(self, "classes_", None)
            values["metric"] = own_metric(metric)._of_labels(originals)
        own = own_parts(values, None, native, target)
        beside = {
            "own": own, "kept": kept_in(False, None), "out": None, "continued": None,
            "began_ago_s": 0.0,
        }  # fmt: skip
        events = Events(False, None, None)
        try:
            model, was_interrupted = _modelwright.fit(
                "fit", given("fit", values), native, None, beside, events
            )
        finally:
            events.close(stacklevel=3)
        self.predictor_ = Predictor(model, Origin("numpy"), self.n_jobs or 0)
        if was_interrupted:
            warnings.warn(
                "interrupted: `predictor_` is the best model so far", ModelwrightWarning, stacklevel=3
            )
            # What stands around, such as a grid search, is meant to end as well.
            raise KeyboardInterrupt

    def _rows(self, X: Any) -> Any:
        check_is_fitted(self)
        return self._table(X, reset=False)[0]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "predictor_")


_DOC = """{what}

    Parameters
    ----------
{parameters}
    loss : Loss or callable, optional
        What gradient boosters minimise in place of the loss of the task.
    options : dict, optional
        Further keywords of :func:`modelwright.fit`, and the same ones in place of those above.
    random_state : int, RandomState or None, default None
        Seed; None is 0.
    n_jobs : int, optional
        Worker threads, all processors by default.

    Attributes
    ----------
    predictor_ : Predictor
        The fitted model, with report, record and leaderboard. Of a fit that Ctrl-C ended, the best
        one so far: the estimator predicts with it, and `KeyboardInterrupt` goes on, so that a grid
        search around ends as well.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only when the columns have names.

    Examples
    --------
    >>> from modelwright.sklearn import {name}
    >>> x, y = [[i % 10] for i in range(100)], {target}
    >>> model = {name}(time_limit=2, preset="quick").fit(x, y)
    >>> model.predict([[0], [9]]){found}
"""


class ModelwrightClassifier(ClassifierMixin, _Search):  # type: ignore[misc]
    __doc__ = _DOC.format(
        what="The best classifier that a search finds inside a budget.",
        name="ModelwrightClassifier",
        target="[i % 10 > 5 for i in range(100)]",
        parameters=PARAMETERS,
        found="\n    array([False,  True])",
    )

    classes_: np.ndarray[Any, Any]

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> ModelwrightClassifier:
        """Search on all rows; see :meth:`SingleClassifier.fit` for the arguments.

        Examples
        --------
        >>> from modelwright.sklearn import ModelwrightClassifier
        >>> x, y = [[i % 10] for i in range(100)], [i % 10 > 5 for i in range(100)]
        >>> model = ModelwrightClassifier(time_limit=2, preset="quick").fit(x, y)
        >>> model.predictor_.columns
        ['x0']
        """
        table = self._table(X, reset=True)
        self.classes_, codes = labels_of(self, y)
        task = "binary" if len(self.classes_) == 2 else "multiclass"
        self._search(table, y, codes, task, sample_weight)
        return self

    def predict_proba(self, X: Any) -> np.ndarray[Any, Any]:
        """Predict the probability of every class.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)

        Examples
        --------
        >>> from modelwright.sklearn import ModelwrightClassifier
        >>> x, y = [[i % 10] for i in range(100)], [i % 10 > 5 for i in range(100)]
        >>> model = ModelwrightClassifier(time_limit=2, preset="quick").fit(x, y)
        >>> model.predict_proba([[0], [9]]).shape
        (2, 2)
        """
        rows = self._rows(X)
        outputs, _ = self.predictor_._model.outputs(rows, self.n_jobs or 0)
        return np.asarray(outputs)

    def predict(self, X: Any) -> np.ndarray[Any, Any]:
        """Predict the class that the model decides for, by its threshold or costs.

        Returns
        -------
        ndarray of shape (n_samples,)

        Examples
        --------
        >>> from modelwright.sklearn import ModelwrightClassifier
        >>> x, y = [[i % 10] for i in range(100)], [i % 10 > 5 for i in range(100)]
        >>> model = ModelwrightClassifier(time_limit=2, preset="quick").fit(x, y)
        >>> len(model.predict([[0], [9]]))
        2
        """
        rows = self._rows(X)
        codes, _ = self.predictor_._model.decisions(rows, self.n_jobs or 0)
        return self.classes_[codes]


class ModelwrightRegressor(RegressorMixin, _Search):  # type: ignore[misc]
    __doc__ = _DOC.format(
        what="The best regressor that a search finds inside a budget.",
        name="ModelwrightRegressor",
        target="[i % 10 for i in range(100)]",
        parameters=PARAMETERS,
        found=".round().tolist()\n    [0.0, 9.0]",
    )

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> ModelwrightRegressor:
        """Search on all rows; see :meth:`SingleRegressor.fit` for the arguments.

        Examples
        --------
        >>> from modelwright.sklearn import ModelwrightRegressor
        >>> x, y = [[i % 10] for i in range(100)], [i % 10 for i in range(100)]
        >>> model = ModelwrightRegressor(time_limit=2, preset="quick").fit(x, y)
        >>> model.predictor_.columns
        ['x0']
        """
        table = self._table(X, reset=True)
        self._search(table, y, values_of(self, y), "regression", sample_weight)
        return self

    def predict(self, X: Any) -> np.ndarray[Any, Any]:
        """Predict values.

        Returns
        -------
        ndarray of shape (n_samples,)

        Examples
        --------
        >>> from modelwright.sklearn import ModelwrightRegressor
        >>> x, y = [[i % 10] for i in range(100)], [i % 10 for i in range(100)]
        >>> model = ModelwrightRegressor(time_limit=2, preset="quick").fit(x, y)
        >>> len(model.predict([[0], [9]]))
        2
        """
        rows = self._rows(X)
        outputs, _ = self.predictor_._model.outputs(rows, self.n_jobs or 0)
        return np.asarray(outputs[:, 0])
