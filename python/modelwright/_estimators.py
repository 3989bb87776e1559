"""What all estimators share: scikit-learn's contract around the engine.

Data frames reach the engine with their types; everything else is validated as scikit-learn does
and goes in as a matrix of real numbers. Missing values are values here; infinities are refused.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_n_features,
    _check_sample_weight,
    check_array,
    check_is_fitted,
    column_or_1d,
)

from . import _modelwright
from ._constraints import as_text
from ._data import _array_column, in_parts, read, said_of, unmasked
from ._errors import ModelwrightWarning
from ._few_rows import few_rows
from ._frames import (
    check_columns, check_names, collected, counted, has_types, is_frame, kinds_of, names_of, renamed
)  # fmt: skip
from ._held import is_missing
from ._matching import Known, check_kinds, known_in
from ._modelwright import Table
from ._own import Loss
from ._refusals import refusal, typed

#: What a booster is given beside.
_NOTHING = {"loss": None, "quantiles": None, "init_scores": None, "continued": None}


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

    #: The columns of the fit by name, also those that the engine leaves out.
    _columns: list[str]
    #: Whether they went in with their types; if not, all of them are numbers.
    _is_typed: bool = True
    #: What columns of text and of flags held, by those names.
    _known: Known = Known()
    #: Columns of the fit that the engine left out, by those names.
    _unread: frozenset[str] = frozenset()

    def _table(self, X: Any, *, reset: bool) -> tuple[Any, list[tuple[str, str]]]:
        """X as a native table, and what its columns are known to mean."""
        X = collected(X)
        with typed("X", X, names_of(X) if is_frame(X) else None):
            check_columns(X)
            return self._read(X, reset=reset)

    def _read(self, X: Any, *, reset: bool) -> tuple[Any, list[tuple[str, str]]]:
        if reset:
            self._is_typed = has_types(X)
        if self._is_matrix(X):
            names = names_of(X) if is_frame(X) else []
            X = self._matrix(X, reset=reset)
            if reset:
                is_clear = bool(names) and len(set(names)) == len(names)
                self._columns = names if is_clear else [f"x{i}" for i in range(X.shape[1])]
                self._kinds = [(n, "number") for n in self._columns]
                self._known, self._unread = Known(), frozenset()
            return Table.of_matrix(self._columns, X, "numpy"), self._kinds
        if not is_frame(X):
            return self._array(X), self._kinds
        return self._frame(X, reset=reset), self._kinds

    def _is_matrix(self, X: Any) -> bool:
        """Whether X goes in as an array of real numbers."""
        return not self._is_typed and not has_types(X)

    def _frame(self, X: Any, *, reset: bool) -> Any:
        """A data frame with the types of its columns."""
        check_names(self, X, reset=reset)
        _check_n_features(self, X, reset=reset)
        given = X if self._is_typed else counted(X)
        if not reset:
            few = few_rows(given)
            given = given if few is None else few
            check_kinds(given, self._known)
        table, origin = read(given, wanted=[] if reset else self._needed(X))
        if reset:
            self._unread = frozenset(origin.left_out)
            for text in said_of(origin.left_out):
                warnings.warn(text, ModelwrightWarning, stacklevel=4)
            self._known = known_in(X, names_of(X))
            self._columns = names_of(X)
            self._kinds = [*kinds_of(X), *origin.kinds.items()]
            if table.n_rows == 0:
                raise ValueError(
                    f"Found array with 0 sample(s) (shape={X.shape}) while a minimum of 1 is "
                    "required."
                )
        return renamed(table, names_of(X), self._columns)

    def _needed(self, X: Any) -> list[str]:
        """The columns of a later frame that the engine reads."""
        pairs = zip(names_of(X), self._columns)
        return [name for name, own in pairs if own not in self._unread]

    def _array(self, X: Any) -> Any:
        """Rows without names of an estimator that learned from a data frame with types."""
        check_names(self, X, reset=False)
        X = check_array(
            unmasked(X), input_name="X", estimator=self, dtype=None, ensure_all_finite=False
        )
        _check_n_features(self, X, reset=False)
        columns = {name: X[:, i] for i, name in enumerate(self._columns)}
        check_kinds(columns, self._known)
        forms = [_array_column(name, values) for name, values in columns.items()]
        return Table.of_columns(self._columns, forms, "numpy")

    def _matrix(self, X: Any, *, reset: bool) -> Any:
        """X as an array of real numbers."""
        X = unmasked(collected(X))
        check_names(self, X, reset=reset)
        X = check_array(
            X,
            input_name="X",
            estimator=self,
            dtype=(np.float64, np.float32),
            ensure_all_finite="allow-nan",
        )
        _check_n_features(self, X, reset=reset)
        return X

    def _weights(self, sample_weight: Any, table: Any) -> Any:
        if sample_weight is None:
            return None
        shape = np.empty((table.n_rows, 1))
        with typed("sample_weight"):
            return _check_sample_weight(
                sample_weight, shape, dtype=np.float64, ensure_non_negative=True
            )

    def _seed(self) -> int:
        if self.random_state is None:
            return 0
        if isinstance(self.random_state, (int, np.integer)):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))


def check_lengths(n_rows: int, y: Any) -> None:
    """As scikit-learn says it."""
    if len(y) != n_rows:
        text = f"Found input variables with inconsistent numbers of samples: {[n_rows, len(y)]}"
        raise refusal(text, "y")


@typed("y")
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


@typed("y")
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
        X = collected(X)
        if self._is_matrix(X):
            with typed("X", X, self._columns):
                rows = self._matrix(X, reset=False)
            return in_parts(rows, self._columns, "numpy", self._outputs_of)[0]
        return self._outputs_of(self._table(X, reset=False)[0])[0]

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
