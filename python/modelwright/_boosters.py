"""What estimators made of trees do beside fit and predict.

Under the names of scikit-learn and LightGBM: scores to start from, more rounds on top of a model,
several quantiles at once, raw scores, predictions stage by stage, leaves, importances.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted, column_or_1d

from . import _modelwright
from ._errors import ModelwrightWarning, OptionError, data_error
from ._estimators import SingleClassifier, SingleRegressor, labels_of, values_of
from ._own import Loss

Array = np.ndarray[Any, Any]


class _Trees:
    """Leaves and importances."""

    _single: Any
    _columns: list[str]
    n_jobs: int | None

    def apply(self, X: Any) -> Array:
        """The leaf in which each row ends, for every tree.

        Parameters
        ----------
        X : array or data frame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of uint32 of shape (n_samples, n_trees)
            Trees in the order in which they were grown: with three or more classes a round of
            boosting has one for each of them. Leaves are numbered from 0 within their tree.

        Examples
        --------
        >>> from modelwright.sklearn import GradientBoostingClassifier
        >>> x, y = [[i % 10] for i in range(100)], [i % 10 > 5 for i in range(100)]
        >>> model = GradientBoostingClassifier(n_rounds=5).fit(x, y)
        >>> model.apply([[0], [9]]).tolist()
        [[0, 0, 0, 0, 0], [1, 1, 1, 1, 1]]
        """
        check_is_fitted(self)
        table = self._table(X, reset=False)[0]  # type: ignore[attr-defined]
        return np.asarray(_modelwright.tree_leaves(self._single, table, self.n_jobs or 0))

    @property
    def feature_importances_(self) -> Array:
        """By how much the splits on each column reduced the loss, as shares that sum to 1.

        An ndarray of shape (n_features_in_,), of zeros where nothing was split. It favours columns
        of many distinct values; ``sklearn.inspection.permutation_importance`` does not.

        Examples
        --------
        >>> from modelwright.sklearn import GradientBoostingClassifier
        >>> x, y = [[i % 10] for i in range(100)], [i % 10 > 5 for i in range(100)]
        >>> model = GradientBoostingClassifier(n_rounds=5).fit(x, y)
        >>> model.feature_importances_
        array([1.])
        """
        check_is_fitted(self)
        gains = dict(_modelwright.tree_gains(self._single))
        return np.array([gains.get(name, 0.0) for name in self._columns])


class _Booster(_Trees):
    """What boosters share."""

    loss: Any
    n_rounds: int
    n_iter_: int
    warm_start: bool
    learning_rate: float

    def _continued(self, init_model: Any) -> Any:
        """The estimator whose trees the new ones are added to; None for none."""
        if init_model is None:
            return self if self.warm_start and hasattr(self, "_single") else None
        if type(init_model) is not type(self):
            raise data_error(
                "`init_model` cannot be continued",
                source="init_model",
                expected=f"a fitted {type(self).__name__}",
                got=repr(init_model)[:80],
                cls=OptionError,
            )
        check_is_fitted(init_model)
        for name in (
            "n_features_in_", "feature_names_in_", "classes_", "_kinds", "_columns", "_is_typed",
            "_known", "_unread",
        ):  # fmt: skip
            if hasattr(init_model, name):
                setattr(self, name, getattr(init_model, name))
        return init_model

    def _more_rounds(self, before: Any) -> int:
        """How many rounds are to be added to a model; of its own, those up to `n_rounds`."""
        if before is None or before is not self:
            return int(self.n_rounds)
        more = int(self.n_rounds) - int(self.n_iter_)
        if more < 0:
            raise data_error(
                f"n_rounds={self.n_rounds} must be larger or equal to the {self.n_iter_} rounds "
                "that are there when warm_start=True",
                source="n_rounds",
                expected=f"a whole number from {self.n_iter_}",
                got=repr(self.n_rounds),
                hint="n_rounds counts all rounds, those that are there too",
                cls=OptionError,
            )
        if more == 0:
            warnings.warn(
                "nothing was fitted: with warm_start, n_rounds is the number of all rounds, and so "
                "many are there",
                ModelwrightWarning,
                stacklevel=4,
            )
        return more

    def _boost(
        self,
        read: Any,
        target: Any,
        n_classes: int,
        sample_weight: Any,
        init_score: Any,
        before: Any,
    ) -> None:
        n_outputs = n_classes if n_classes > 2 else len(self._levels() or [0])
        more = self._more_rounds(before)
        if before is not None and init_score is not None:
            raise data_error(
                "a fit cannot start both from a model and from init scores",
                source="init_score",
                hint="add the model's raw scores to the init scores, and leave the model out",
                cls=OptionError,
            )
        if more == 0 and before is self:
            return
        boosting = {
            "quantiles": self._levels(),
            "init_scores": _offsets(init_score, read[0].n_rows, n_outputs),
            "continued": None if before is None else before._single,
        }
        self._fit(  # type: ignore[attr-defined]
            read, target, n_classes, sample_weight, boosting, {"n_rounds": more}
        )

    def _levels(self) -> list[float] | None:
        return None

    def _scores(self, X: Any, init_score: Any, *, raw: bool) -> Array:
        check_is_fitted(self)
        table = self._table(X, reset=False)[0]  # type: ignore[attr-defined]
        n_classes = len(getattr(self, "classes_", ()))
        n_outputs = n_classes if n_classes > 2 else len(self._levels() or [0])
        offsets = _offsets(init_score, table.n_rows, n_outputs)
        scores = _modelwright.booster_scores(
            self._single, table, offsets, raw, self.n_jobs or 0
        )
        return np.asarray(scores)

    def _stages(self, X: Any) -> Iterator[Array]:
        check_is_fitted(self)
        table = self._table(X, reset=False)[0]  # type: ignore[attr-defined]
        for outputs in _modelwright.Stages.of(self._single, table, self.n_jobs or 0):
            yield np.asarray(outputs)


class BoosterClassifier(_Booster, SingleClassifier):
    """A booster as a classifier."""

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        init_score: Any = None,
        init_model: Any = None,
    ) -> BoosterClassifier:
        """Fit on all rows.

        Parameters
        ----------
        X : array or data frame of shape (n_samples, n_features)
            Missing values may be NaN or None; columns of a data frame may be text, categories or
            dates.
        y : array of shape (n_samples,)
            Labels of any type.
        sample_weight : array of shape (n_samples,), optional
            Weights from 0.
        init_score : array of shape (n_samples,), optional
            Raw scores (log odds) that rows start from, in place of the best constant; of shape
            (n_samples, n_classes) for three or more classes. They are no part of the model: give
            them to `predict_proba` and its like again.
        init_model : fitted estimator of this class, optional
            The model begins with its trees; `n_rounds` are added. It may have learned from other
            rows with the same columns and classes. On the same rows, with `learning_rate` given,
            50 rounds and 50 more are the 100 of one fit, to the byte. See also `warm_start`.

        Returns
        -------
        self

        Examples
        --------
        >>> from modelwright.sklearn import GradientBoostingClassifier
        >>> x, y = [[i % 10] for i in range(100)], [i % 10 > 5 for i in range(100)]
        >>> model = GradientBoostingClassifier(n_rounds=5, learning_rate=0.1)
        >>> more = GradientBoostingClassifier(n_rounds=5, learning_rate=0.1)
        >>> more = more.fit(x, y, init_model=model.fit(x, y))
        >>> more.n_iter_
        10
        """
        before = self._continued(init_model)
        table = self._table(X, reset=before is None)
        if before is None:
            self.classes_, codes = labels_of(self, y)
        else:
            codes = _known_labels(self.classes_, y)
        self._boost(table, codes, len(self.classes_), sample_weight, init_score, before)
        return self

    def decision_function(self, X: Any, *, init_score: Any = None) -> Array:
        """The raw scores, before they become probabilities.

        Parameters
        ----------
        X : array or data frame of shape (n_samples, n_features)
        init_score : array, optional
            As for :meth:`fit`; added to the scores.

        Returns
        -------
        ndarray of shape (n_samples,) for two classes, else (n_samples, n_classes)

        Examples
        --------
        >>> from modelwright.sklearn import GradientBoostingClassifier
        >>> x, y = [[i % 10] for i in range(100)], [i % 10 > 5 for i in range(100)]
        >>> model = GradientBoostingClassifier(n_rounds=5).fit(x, y)
        >>> no, yes = model.decision_function([[0], [9]])
        >>> bool(no < 0 < yes)
        True
        """
        scores = self._scores(X, init_score, raw=True)
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict_proba(self, X: Any, *, init_score: Any = None) -> Array:
        """Predict the probability of every class.

        Parameters
        ----------
        X : array or data frame of shape (n_samples, n_features)
        init_score : array, optional
            As for :meth:`fit`; added to the raw scores.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)

        Examples
        --------
        >>> from modelwright.sklearn import GradientBoostingClassifier
        >>> x, y = [[i % 10] for i in range(100)], [i % 10 > 5 for i in range(100)]
        >>> model = GradientBoostingClassifier(n_rounds=5).fit(x, y)
        >>> model.predict_proba([[0], [9]]).shape
        (2, 2)
        """
        if init_score is None:
            return super().predict_proba(X)
        return self._scores(X, init_score, raw=False)

    def predict(self, X: Any, *, raw_score: bool = False, init_score: Any = None) -> Array:
        """Predict the most probable class.

        Parameters
        ----------
        X : array or data frame of shape (n_samples, n_features)
        raw_score : bool, default False
            Return what :meth:`decision_function` does, as in LightGBM.
        init_score : array, optional
            As for :meth:`fit`; added to the raw scores.

        Returns
        -------
        ndarray of shape (n_samples,)

        Examples
        --------
        >>> from modelwright.sklearn import GradientBoostingClassifier
        >>> x, y = [[i % 10] for i in range(100)], [i % 10 > 5 for i in range(100)]
        >>> model = GradientBoostingClassifier(n_rounds=5).fit(x, y)
        >>> model.predict([[0], [9]])
        array([False,  True])
        """
        if raw_score:
            return self.decision_function(X, init_score=init_score)
        shares = self.predict_proba(X, init_score=init_score)
        return np.asarray(self.classes_[np.argmax(shares, axis=1)])

    def staged_predict_proba(self, X: Any) -> Iterator[Array]:
        """Predict the probability of every class after one round, after two, and so on.

        Parameters
        ----------
        X : array or data frame of shape (n_samples, n_features)

        Yields
        ------
        ndarray of shape (n_samples, n_classes)
            The last one is :meth:`predict_proba`, to the bit.

        Examples
        --------
        >>> from modelwright.sklearn import GradientBoostingClassifier
        >>> x, y = [[i % 10] for i in range(100)], [i % 10 > 5 for i in range(100)]
        >>> model = GradientBoostingClassifier(n_rounds=5).fit(x, y)
        >>> stages = [shares[1, 1] for shares in model.staged_predict_proba([[0], [9]])]
        >>> len(stages), stages == sorted(stages)
        (5, True)
        """
        for shares in self._stages(X):
            yield np.hstack([1.0 - shares, shares]) if shares.shape[1] == 1 else shares

    def staged_predict(self, X: Any) -> Iterator[Array]:
        """Predict the most probable class after one round, after two, and so on.

        Parameters
        ----------
        X : array or data frame of shape (n_samples, n_features)

        Yields
        ------
        ndarray of shape (n_samples,)

        Examples
        --------
        >>> from modelwright.sklearn import GradientBoostingClassifier
        >>> x, y = [[i % 10] for i in range(100)], [i % 10 > 5 for i in range(100)]
        >>> model = GradientBoostingClassifier(n_rounds=5).fit(x, y)
        >>> list(model.staged_predict([[0], [9]]))[-1]
        array([False,  True])
        """
        for shares in self.staged_predict_proba(X):
            yield np.asarray(self.classes_[np.argmax(shares, axis=1)])


class BoosterRegressor(_Booster, SingleRegressor):
    """A booster as a regressor."""

    quantiles: Any

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        init_score: Any = None,
        init_model: Any = None,
    ) -> BoosterRegressor:
        """Fit on all rows.

        Parameters
        ----------
        X : array or data frame of shape (n_samples, n_features)
            Missing values may be NaN or None; columns of a data frame may be text, categories or
            dates.
        y : array of shape (n_samples,)
            Finite numbers.
        sample_weight : array of shape (n_samples,), optional
            Weights from 0.
        init_score : array of shape (n_samples,), optional
            Raw scores that rows start from, in place of the best constant (the logarithm of an
            exposure, for a loss with a logarithmic link); of shape (n_samples, n_quantiles) with
            `quantiles`. They are no part of the model: give them to :meth:`predict` again.
        init_model : fitted estimator of this class, optional
            The model begins with its trees; `n_rounds` are added. It may have learned from other
            rows with the same columns. On the same rows, with `learning_rate` given, 50 rounds and
            50 more are the 100 of one fit, to the byte. See also `warm_start`.

        Returns
        -------
        self

        Examples
        --------
        >>> from modelwright.sklearn import GradientBoostingRegressor
        >>> x, y = [[i % 10] for i in range(100)], [i % 10 for i in range(100)]
        >>> model = GradientBoostingRegressor(n_rounds=5, learning_rate=0.1)
        >>> more = GradientBoostingRegressor(n_rounds=5, learning_rate=0.1)
        >>> more = more.fit(x, y, init_model=model.fit(x, y))
        >>> more.n_iter_
        10
        """
        before = self._continued(init_model)
        table = self._table(X, reset=before is None)
        self._boost(table, values_of(self, y), 0, sample_weight, init_score, before)
        return self

    def _levels(self) -> list[float] | None:
        if self.quantiles is None:
            return None
        levels = np.atleast_1d(np.asarray(self.quantiles, dtype=np.float64))
        is_inside = levels.ndim == 1 and levels.size > 0 and (levels > 0).all()
        if not (is_inside and (levels < 1).all() and (np.diff(levels) > 0).all()):
            raise data_error(
                "these levels of quantiles cannot be learned",
                source="quantiles",
                expected="ascending numbers between 0 and 1",
                got=repr(self.quantiles)[:80],
                cls=OptionError,
            )
        if isinstance(self.loss, Loss) or self.loss not in ("auto", "quantile"):
            raise data_error(
                "quantiles are learned by their own loss",
                source="loss",
                expected='"auto" or "quantile" beside `quantiles`',
                got=str(self.loss),
                cls=OptionError,
            )
        return [float(level) for level in levels]

    def predict(self, X: Any, *, raw_score: bool = False, init_score: Any = None) -> Array:
        """Predict values.

        Parameters
        ----------
        X : array or data frame of shape (n_samples, n_features)
        raw_score : bool, default False
            Return scores before the link of the loss, as in LightGBM: the logarithm of a count.
        init_score : array, optional
            As for :meth:`fit`; added to the raw scores.

        Returns
        -------
        ndarray of shape (n_samples,), or (n_samples, n_quantiles) with `quantiles`
            Quantiles ascend within each row.

        Examples
        --------
        >>> from modelwright.sklearn import GradientBoostingRegressor
        >>> x, y = [[i % 10] for i in range(100)], [i % 10 for i in range(100)]
        >>> model = GradientBoostingRegressor(n_rounds=20, quantiles=[0.1, 0.9]).fit(x, y)
        >>> model.predict([[0], [9]]).shape
        (2, 2)
        """
        if self.quantiles is None and init_score is None and not raw_score:
            return super().predict(X)
        values = self._scores(X, init_score, raw=raw_score)
        return values if self.quantiles is not None else values[:, 0]

    def staged_predict(self, X: Any) -> Iterator[Array]:
        """Predict values after one round, after two, and so on.

        Parameters
        ----------
        X : array or data frame of shape (n_samples, n_features)

        Yields
        ------
        ndarray of shape (n_samples,), or (n_samples, n_quantiles) with `quantiles`
            The last one is :meth:`predict`, to the bit.

        Examples
        --------
        >>> from modelwright.sklearn import GradientBoostingRegressor
        >>> x, y = [[i % 10] for i in range(100)], [i % 10 for i in range(100)]
        >>> model = GradientBoostingRegressor(n_rounds=50).fit(x, y)
        >>> len(list(model.staged_predict([[0], [9]])))
        50
        """
        for values in self._stages(X):
            yield values if self.quantiles is not None else values[:, 0]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """How well values are predicted; 1 is perfect.

        Parameters
        ----------
        X : array or data frame of shape (n_samples, n_features)
        y : array of shape (n_samples,)
        sample_weight : array of shape (n_samples,), optional

        Returns
        -------
        float
            The coefficient of determination; with `quantiles` the mean of
            ``sklearn.metrics.d2_pinball_score`` over them.

        Examples
        --------
        >>> from modelwright.sklearn import GradientBoostingRegressor
        >>> x, y = [[i % 10] for i in range(100)], [i % 10 for i in range(100)]
        >>> model = GradientBoostingRegressor(n_rounds=50).fit(x, y)
        >>> model.score(x, y) > 0.9
        True
        """
        levels = self._levels()
        if levels is None:
            return float(super().score(X, y, sample_weight))
        from sklearn.metrics import d2_pinball_score

        said = self.predict(X)
        of = (
            d2_pinball_score(y, said[:, k], sample_weight=sample_weight, alpha=level)
            for k, level in enumerate(levels)
        )
        return float(np.mean(list(of)))


def _known_labels(classes: Any, y: Any) -> Any:
    """The places of labels among those of the model that is continued."""
    y = column_or_1d(y, warn=True)
    places = np.searchsorted(classes, y)
    places = np.minimum(places, len(classes) - 1)
    unknown = np.flatnonzero(classes[places] != y)
    if len(unknown):
        raise data_error(
            "a label is unknown to the model that is continued",
            source="y",
            expected=f"one of {classes.tolist()}",
            got=f"{y[unknown].tolist()[0]!r} in row {int(unknown[0]) + 1}",
        )
    return places


def _offsets(init_score: Any, n_rows: int, n_outputs: int) -> Any:
    """Init scores as the engine takes them: row-major."""
    if init_score is None:
        return None
    try:
        scores = np.asarray(init_score, dtype=np.float64)
    except (TypeError, ValueError):
        scores = np.full(0, np.nan)
    shapes = [(n_rows,), (n_rows, 1)] if n_outputs == 1 else [(n_rows, n_outputs)]
    if scores.shape not in shapes:
        raise data_error(
            "`init_score` has the wrong shape",
            source="init_score",
            expected=f"numbers of shape {shapes[0]}",
            got=f"shape {np.shape(init_score)}",
        )
    if not np.isfinite(scores).all():
        row = int(np.argwhere(~np.isfinite(scores))[0][0])
        raise data_error(
            "an init score is no finite number",
            source="init_score",
            expected="finite numbers",
            got=f"{scores[row]} in row {row + 1}",
        )
    return np.ascontiguousarray(scores).reshape(-1)
