"""What all estimators share: scikit-learn's contract around the engine.

Data frames reach the engine with their types; everything else is validated as scikit-learn does
and goes in as a matrix of real numbers. Missing values are values here; infinities are refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_feature_names,
    _check_n_features,
    _check_sample_weight,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from . import _modelwright
from ._constraints import as_text
from ._data import by_parts, library, read, unmasked
from ._matching import is_missing
from ._own import Loss

#: What a booster is given beside.
_NOTHING = {"loss": None, "quantiles": None, "init_scores": None, "continued": None}

#: Kinds of NumPy types that are real numbers.
_REAL = "iufb"


class EngineEstimator(BaseEstimator):  # type: ignore[misc]
    """Reads X and y as the engine wants them."""

    n_features_in_: int
    n_jobs: int | None
    random_state: Any

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags

    def _table(self, X: Any, *, reset: bool) -> tuple[Any, list[tuple[str, str]]]:
        """X as a native table, and what its columns are known to mean."""
        if _has_types(X):
            _check_feature_names(self, X, reset=reset)
            _check_n_features(self, X, reset=reset)
            table, origin = read(X)
            if reset:
                self._columns = list(table.names)
                self._kinds = [*kinds_of(X), *origin.kinds.items()]
                if table.n_rows == 0:
                    raise ValueError(
                        f"Found array with 0 sample(s) (shape={X.shape}) while a minimum of 1 is "
                        "required."
                    )
            return table, self._kinds
        X = self._matrix(X, reset=reset)
        names = [f"x{i}" for i in range(X.shape[1])]
        if reset:
            self._columns = names
            self._kinds = [(n, "number") for n in names]
        return _modelwright.Table.of_matrix(names, X, "numpy"), self._kinds

    def _matrix(self, X: Any, *, reset: bool) -> Any:
        """X as an array of real numbers."""
        return validate_data(
            self,
            unmasked(X),
            reset=reset,
            dtype=(np.float64, np.float32),
            ensure_all_finite="allow-nan",
        )

    def _weights(self, sample_weight: Any, table: Any) -> Any:
        if sample_weight is None:
            return None
        shape = np.empty((table.n_rows, 1))
        return _check_sample_weight(
            sample_weight, shape, dtype=np.float64, ensure_non_negative=True
        )

    def _seed(self) -> int:
        if self.random_state is None:
            return 0
        if isinstance(self.random_state, (int, np.integer)):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))


def _has_types(X: Any) -> bool:
    """Whether X is a data frame of which some column is no plain number."""
    lib = library(X)
    if lib == "pandas" and hasattr(X, "dtypes") and hasattr(X, "columns"):
        return not all(isinstance(t, np.dtype) and t.kind in _REAL for t in X.dtypes)
    if lib == "polars" and hasattr(X, "schema"):
        return not all(t.is_numeric() or str(t) == "Boolean" for t in X.schema.values())
    if lib == "pyarrow" and hasattr(X, "column_names") and hasattr(X, "shape"):
        return not all(_is_arrow_number(t) or str(t) == "bool" for t in X.schema.types)
    return False


def _is_arrow_number(kind: Any) -> bool:
    return str(kind).startswith(("int", "uint", "float", "double", "halffloat", "decimal"))


def kinds_of(X: Any) -> list[tuple[str, str]]:
    """The columns of a data frame whose types say that they are quantities."""
    if library(X) == "polars":
        return [(n, "number") for n, t in X.schema.items() if t.is_numeric()]
    if library(X) == "pyarrow":
        return [(f.name, "number") for f in X.schema if _is_arrow_number(f.type)]
    kinds = [(str(n), getattr(t, "kind", "")) for n, t in zip(X.columns, X.dtypes)]
    return [(n, "number") for n, kind in kinds if kind in "iuf" and kind]


def check_lengths(n_rows: int, y: Any) -> None:
    """As scikit-learn says it."""
    if len(y) != n_rows:
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: {[n_rows, len(y)]}"
        )


def labels_of(estimator: Any, y: Any) -> tuple[Any, Any]:
    """The classes, and the place among them of every row's."""
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y "
            "is None."
        )
    y = column_or_1d(y, warn=True)
    is_bad = y.dtype.kind == "f" and not np.isfinite(y).all()
    if is_bad or (y.dtype == object and any(map(is_missing, y))):
        raise ValueError("Input y contains NaN or infinity: every row needs a class.")
    check_classification_targets(y)
    classes, codes = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            f"{type(estimator).__name__} needs rows of at least two classes, but y has only one "
            f"class: {classes[0]!r}"
        )
    return classes, codes


def values_of(estimator: Any, y: Any) -> Any:
    """The target of a regression."""
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y "
            "is None."
        )
    y = column_or_1d(y, warn=True, dtype=np.float64)
    if not np.isfinite(y).all():
        raise ValueError("Input y contains NaN or infinity: every row needs a finite value.")
    return y


class _Single(EngineEstimator):
    """One learner of the catalog."""

    _learner: str

    def _fit(
        self,
        read: tuple[Any, Any],
        target: Any,
        n_classes: int,
        sample_weight: Any,
        boosting: dict[str, Any] | None = None,
        changed: dict[str, Any] | None = None,
    ) -> None:
        table, kinds = read
        check_lengths(table.n_rows, target)
        weights = self._weights(sample_weight, table)
        own = (
            "random_state", "n_jobs", "class_weight", "warm_start", "quantiles", "encoding",
            "oob_score",
        )  # fmt: skip
        params = {k: v for k, v in self.get_params(deep=False).items() if k not in own}
        params.update(changed or {})
        for name in params.keys() & {"monotone", "interactions"}:
            params[name] = as_text(name, params[name], self._columns)
        if isinstance(params.get("loss"), Loss):
            boosting = {**(boosting or {}), "loss": params.pop("loss")._given()}
        class_weight = getattr(self, "class_weight", None)
        if class_weight is not None and n_classes:
            of_class = compute_sample_weight(class_weight, self.classes_[target])
            weights = of_class if weights is None else weights * of_class
        self._single = _modelwright.fit_single(
            self._learner,
            params,
            table,
            np.ascontiguousarray(target, dtype=np.float64),
            n_classes,
            weights,
            kinds,
            self._seed(),
            self.n_jobs or 0,
            None if boosting is None else {**_NOTHING, **boosting},
            getattr(self, "encoding", None),
            bool(getattr(self, "oob_score", False)),
        )
        self.n_iter_ = self._single.rounds

    def _outputs(self, X: Any) -> Any:
        check_is_fitted(self)
        if _has_types(X):
            return self._outputs_of(self._table(X, reset=False)[0])[0]
        return by_parts(self._matrix(X, reset=False), self._outputs_of)[0]

    def _outputs_of(self, native: Any) -> Any:
        return self._single.outputs(native, self.n_jobs or 0), None

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_single")


class SingleClassifier(ClassifierMixin, _Single):  # type: ignore[misc]
    """A learner as a classifier."""

    classes_: np.ndarray[Any, Any]

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> SingleClassifier:
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

        Returns
        -------
        self

        Examples
        --------
        >>> from modelwright.sklearn import LogisticRegression
        >>> x, y = [[i % 10] for i in range(100)], [i % 10 > 5 for i in range(100)]
        >>> LogisticRegression().fit(x, y, sample_weight=[1.0, 2.0] * 50).classes_
        array([False,  True])
        """
        table = self._table(X, reset=True)
        self.classes_, codes = labels_of(self, y)
        self._fit(table, codes, len(self.classes_), sample_weight)
        return self

    def predict_proba(self, X: Any) -> np.ndarray[Any, Any]:
        """Predict the probability of every class.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)

        Examples
        --------
        >>> from modelwright.sklearn import LogisticRegression
        >>> x, y = [[i % 10] for i in range(100)], [i % 10 > 5 for i in range(100)]
        >>> model = LogisticRegression().fit(x, y)
        >>> model.predict_proba([[0], [9]]).round().tolist()
        [[1.0, 0.0], [0.0, 1.0]]
        """
        return np.asarray(self._outputs(X))

    def predict(self, X: Any) -> np.ndarray[Any, Any]:
        """Predict the most probable class.

        Returns
        -------
        ndarray of shape (n_samples,)

        Examples
        --------
        >>> from modelwright.sklearn import LogisticRegression
        >>> x, y = [[i % 10] for i in range(100)], [i % 10 > 5 for i in range(100)]
        >>> model = LogisticRegression().fit(x, y)
        >>> model.predict([[0], [9]])
        array([False,  True])
        """
        probabilities = self.predict_proba(X)
        return np.asarray(self.classes_[np.argmax(probabilities, axis=1)])


class SingleRegressor(RegressorMixin, _Single):  # type: ignore[misc]
    """A learner as a regressor."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> SingleRegressor:
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

        Returns
        -------
        self

        Examples
        --------
        >>> from modelwright.sklearn import Ridge
        >>> x, y = [[i % 10] for i in range(100)], [i % 10 for i in range(100)]
        >>> Ridge().fit(x, y, sample_weight=[1.0, 2.0] * 50).n_features_in_
        1
        """
        table = self._table(X, reset=True)
        self._fit(table, values_of(self, y), 0, sample_weight)
        return self

    def predict(self, X: Any) -> np.ndarray[Any, Any]:
        """Predict values.

        Returns
        -------
        ndarray of shape (n_samples,)

        Examples
        --------
        >>> from modelwright.sklearn import Ridge
        >>> x, y = [[i % 10] for i in range(100)], [i % 10 for i in range(100)]
        >>> model = Ridge().fit(x, y)
        >>> model.predict([[0], [9]]).round().tolist()
        [0.0, 9.0]
        """
        return np.asarray(self._outputs(X)[:, 0])
