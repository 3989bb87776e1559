"""Tables as numbers for scikit-learn's pipelines, by the code that prepares them here."""

from __future__ import annotations

import json
import warnings
from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import (
    _check_feature_names_in,
    _check_n_features,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from ._data import _array_column, read, said_of
from ._errors import ModelwrightWarning, OptionError, data_error
from ._estimators import check_lengths, labels_of, values_of
from ._frames import check_columns, check_names, collected, is_frame, kinds_of, names_of
from ._modelwright import Table, TargetEncoded, Vectorized
from ._refusals import typed

Array = np.ndarray[Any, np.dtype[Any]]


class _Transformer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Reads tables of any kind, and writes numbers."""

    n_features_in_: int
    random_state: Any
    n_jobs: int | None
    #: The columns of the fit that the engine reads.
    _needed: tuple[str, ...] = ()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags

    def _read(self, X: Any, *, reset: bool) -> tuple[Any, list[tuple[str, str]]]:
        """X as a native table, and what its columns are known to mean."""
        X = collected(X)
        with typed("X", X, names_of(X) if is_frame(X) else None):
            check_columns(X)
            return self._native(X, reset=reset)

    def _native(self, X: Any, *, reset: bool) -> tuple[Any, list[tuple[str, str]]]:
        if is_frame(X):
            check_names(self, X, reset=reset)
            _check_n_features(self, X, reset=reset)
            if len(X) == 0:
                raise ValueError(
                    f"Found array with 0 sample(s) (shape={X.shape}) while a minimum of 1 is "
                    "required."
                )
            table, origin = read(X, wanted=() if reset else self._needed)
            if reset:
                for text in said_of(origin.left_out):
                    warnings.warn(text, ModelwrightWarning, stacklevel=4)
                self._needed = tuple(table.names)
            return table, [*kinds_of(X), *origin.kinds.items()]
        X = validate_data(self, X, reset=reset, dtype=None, ensure_all_finite=False)
        names = [f"x{i}" for i in range(X.shape[1])]
        if X.dtype.kind in "fiub":
            kinds = [(n, "number") for n in names]
            if X.dtype not in (np.float32, np.float64):
                X = X.astype(np.float64)
            if np.isinf(X).any():
                raise ValueError("Input X contains infinity.")
            return Table.of_matrix(names, X, "numpy"), kinds
        forms = [_array_column(n, X[:, i]) for i, n in enumerate(names)]
        return Table.of_columns(names, forms, "numpy"), []

    def _learned(
        self, n_rows: int, y: Any, target_type: str, kinds: list[tuple[str, str]]
    ) -> dict[str, Any]:
        """The target and what else is learned from; sets ``classes_`` and ``target_type_``."""
        learned: dict[str, Any] = {
            "target": None,
            "classes": 0,
            "kinds": kinds,
            "seed": self._seed(),
            "threads": self.n_jobs or 0,
        }
        if y is None:
            return learned
        with typed("y"):
            y = column_or_1d(y, warn=True)
            check_lengths(n_rows, y)
            found = type_of_target(y, input_name="y") if target_type == "auto" else target_type
        self.target_type_ = found.removesuffix("-multioutput")
        if self.target_type_ == "continuous":
            target = values_of(self, y)
        else:
            self.classes_, target = labels_of(self, y)
            learned["classes"] = len(self.classes_)
        learned["target"] = np.ascontiguousarray(target, dtype=np.float64)
        return learned

    def _seed(self) -> int:
        if self.random_state is None:
            return 0
        if isinstance(self.random_state, (int, np.integer)):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))


class TargetEncoder(_Transformer):
    """Each column as what the target was for rows with the same value.

    A value is replaced by the smoothed mean of the target among its rows. Over all rows this would
    hand each row its own target; so :meth:`fit_transform` puts the rows in random order, and each
    sees only those before it (ordered target statistics). New rows see all of them: what
    ``fit_transform`` returns for the training rows is not what ``transform`` returns for them, and
    in a pipeline scikit-learn does the right thing by itself.

    Parameters
    ----------
    prior_strength : float in [0.001, 10000], default 1.0
        Strength of the mean of all rows, in rows.
    min_count : int, default 2
        Values with fewer training rows are pooled; values never seen are treated like these.
    permutations : int in [1, 16], default 1
        How many random orders are averaged. More of them tell a learner more of a row's own target.
    target_type : {"auto", "continuous", "binary", "multiclass"}, default "auto"
        What kind of target it is; by default as scikit-learn's ``type_of_target`` says.
    random_state : int, RandomState or None, default None
        Seed of the orders; None is 0.
    n_jobs : int, optional
        Worker threads, all processors by default; the result does not depend on them.

    Attributes
    ----------
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only when the columns have names.
    classes_ : ndarray of shape (n_classes,)
        Only of a target with classes.
    target_type_ : str

    References
    ----------
    Prokhorenkova et al., "CatBoost: unbiased boosting with categorical features", NeurIPS 2018.

    Examples
    --------
    >>> from modelwright.sklearn import TargetEncoder
    >>> x = [["red"], ["blue"], ["red"], ["blue"]] * 25
    >>> y = [1.0, 5.0, 1.0, 5.0] * 25
    >>> encoder = TargetEncoder(target_type="continuous").fit(x, y)
    >>> encoder.transform([["red"], ["blue"]]).round(1).tolist()
    [[1.0], [5.0]]
    """

    def __init__(
        self,
        *,
        prior_strength: float = 1.0,
        min_count: int = 2,
        permutations: int = 1,
        target_type: Literal["auto", "continuous", "binary", "multiclass"] = "auto",
        random_state: Any = None,
        n_jobs: int | None = None,
    ):
        self.prior_strength = prior_strength
        self.min_count = min_count
        self.permutations = permutations
        self.target_type = target_type
        self.random_state = random_state
        self.n_jobs = n_jobs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags

    def fit(self, X: Any, y: Any) -> TargetEncoder:
        """Learn the statistics of every value.

        Parameters
        ----------
        X : array or data frame of shape (n_samples, n_features)
            Every column is taken as one of categories; missing is a value like any other.
        y : array of shape (n_samples,)

        Returns
        -------
        self

        Examples
        --------
        >>> from modelwright.sklearn import TargetEncoder
        >>> x, y = [["red"], ["blue"], ["red"], ["blue"]] * 25, [1.0, 5.0, 1.0, 5.0] * 25
        >>> TargetEncoder().fit(x, y).n_features_in_
        1
        """
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Array:
        """Learn, and write the same rows so that none sees its own target.

        Returns
        -------
        ndarray of shape (n_samples, n_features), times n_classes for three or more

        Examples
        --------
        >>> from modelwright.sklearn import TargetEncoder
        >>> x, y = [["red"], ["blue"], ["red"], ["blue"]] * 25, [1.0, 5.0, 1.0, 5.0] * 25
        >>> TargetEncoder().fit_transform(x, y).shape
        (100, 1)
        """
        if self.target_type not in ("auto", "continuous", "binary", "multiclass"):
            raise data_error(
                "`target_type` cannot be read",
                source="target_type",
                expected='"auto", "continuous", "binary" or "multiclass"',
                got=repr(self.target_type),
                cls=OptionError,
            )
        if y is None:
            values_of(self, y)
        table, _ = self._read(X, reset=True)
        learned = self._learned(table.n_rows, y, self.target_type, [])
        params = {
            "prior_strength": float(self.prior_strength),
            "min_count": int(self.min_count),
            "permutations": int(self.permutations),
            "max_classes": 1000,
        }
        self._encoder, written = TargetEncoded.fit(table, params, learned)
        return np.asarray(written, dtype=np.float64)

    def transform(self, X: Any) -> Array:
        """Write rows by the statistics of all training rows.

        Returns
        -------
        ndarray of shape (n_samples, n_features), times n_classes for three or more

        Examples
        --------
        >>> from modelwright.sklearn import TargetEncoder
        >>> x, y = [["red"], ["blue"], ["red"], ["blue"]] * 25, [1.0, 5.0, 1.0, 5.0] * 25
        >>> encoder = TargetEncoder(target_type="continuous").fit(x, y)
        >>> encoder.transform([["red"], ["blue"]]).round(1).tolist()
        [[1.0], [5.0]]
        """
        check_is_fitted(self)
        table, _ = self._read(X, reset=False)
        return np.asarray(self._encoder.transform(table, self.n_jobs or 0), dtype=np.float64)

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """The columns; with ``_class`` behind each for three or more classes.

        Examples
        --------
        >>> from modelwright.sklearn import TargetEncoder
        >>> x, y = [["red"], ["blue"], ["red"], ["blue"]] * 25, [1.0, 5.0, 1.0, 5.0] * 25
        >>> TargetEncoder().fit(x, y).get_feature_names_out().tolist()
        ['x0']
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        if self._encoder.n_outputs > 1:
            names = [f"{name}_{label}" for name in names for label in self.classes_]
        return np.asarray(names, dtype=object)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_encoder")


class TableVectorizer(_Transformer):
    """A whole table as numbers: text, categories, dates, numbers, each by its kind.

    What a column means is found out as in :func:`modelwright.fit`; constant columns and row numbers
    are left out. Few categories become a column each; many become the ordered statistics of the
    target, when there is one (see :class:`TargetEncoder`), and their frequency; dates become
    calendar parts; text becomes lengths, frequent words and, with a target, its score.

    Parameters
    ----------
    max_one_hot : int, default 10
        Categories with at most so many values become a column for each.
    scaled : bool, default False
        Whether numbers are imputed, robustly scaled and clipped, and dates cyclic: for linear
        models, nets and neighbours.
    kinds : dict of str to str, optional
        What columns mean, e.g. ``{"zip": "category"}``.
    use_target : bool, default True
        Whether statistics of the target are written, when there is one.
    random_state : int, RandomState or None, default None
        Seed; None is 0.
    n_jobs : int, optional
        Worker threads, all processors by default; the result does not depend on them.

    Attributes
    ----------
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only when the columns have names.

    Examples
    --------
    >>> from modelwright.sklearn import TableVectorizer
    >>> import pandas as pd
    >>> days = pd.date_range("2024-01-01", periods=60)
    >>> frame = pd.DataFrame({"size": range(60), "colour": ["red", "blue", "green"] * 20, "day": days})
    >>> found = TableVectorizer().set_output(transform="pandas").fit_transform(frame)
    >>> [name for name in found.columns if name.startswith(("size", "colour"))]
    ['size', 'colour=blue', 'colour=green', 'colour=red']
    """

    def __init__(
        self,
        *,
        max_one_hot: int = 10,
        scaled: bool = False,
        kinds: dict[str, str] | None = None,
        use_target: bool = True,
        random_state: Any = None,
        n_jobs: int | None = None,
    ):
        self.max_one_hot = max_one_hot
        self.scaled = scaled
        self.kinds = kinds
        self.use_target = use_target
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> TableVectorizer:
        """Learn how each column is written.

        Parameters
        ----------
        X : array or data frame of shape (n_samples, n_features)
        y : array of shape (n_samples,), optional
            The target, for statistics of it.

        Returns
        -------
        self

        Examples
        --------
        >>> import pandas as pd
        >>> from modelwright.sklearn import TableVectorizer
        >>> frame = pd.DataFrame({"size": range(60), "colour": ["red", "blue", "green"] * 20})
        >>> TableVectorizer().fit(frame).n_features_in_
        2
        """
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Array:
        """Learn, and write the same rows so that none sees its own target.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)

        Examples
        --------
        >>> import pandas as pd
        >>> from modelwright.sklearn import TableVectorizer
        >>> frame = pd.DataFrame({"size": range(60), "colour": ["red", "blue", "green"] * 20})
        >>> TableVectorizer().fit_transform(frame).shape
        (60, 4)
        """
        table, kinds = self._read(X, reset=True)
        target = y if self.use_target else None
        wished = dict(self.kinds or {})
        known = [(n, k) for n, k in kinds if n not in wished]
        learned = self._learned(table.n_rows, target, "auto", [*known, *wished.items()])
        spec = self._encoding(has_target=target is not None)
        self._vectorizer, written = Vectorized.fit(table, json.dumps(spec), learned)
        return np.asarray(written, dtype=np.float64)

    def _encoding(self, *, has_target: bool) -> dict[str, Any]:
        """How each kind of column is written, as the engine takes it."""
        statistics = [_step("target_statistics", scaled=bool(self.scaled))] if has_target else []
        text_target = [_step("text_target")] if has_target else []
        number = _step("scaled_number") if self.scaled else _step("number")
        boolean = _step("boolean", impute=True) if self.scaled else _step("boolean")
        date = _step("date_parts", cyclic=True) if self.scaled else _step("date_parts")
        words = _step("text_statistics", scaled=True) if self.scaled else _step("text_statistics")
        categories = ["category", "integer_category"]
        few = [_step("one_hot", max_levels=max(int(self.max_one_hot), 2))]
        rules = [
            _rule(["number"], [number]),
            _rule(["boolean"], [boolean]),
            _rule(categories, few, max_levels=int(self.max_one_hot)),
            _rule(categories, [*statistics, _step("frequency")]),
            _rule(["datetime"], [date]),
            _rule(["text"], [*text_target, words, _step("text_terms")]),
        ]
        return {"name": "table_vectorizer", "bins": False, "derives": False, "rules": rules}

    def transform(self, X: Any) -> Array:
        """Write rows as numbers.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)

        Examples
        --------
        >>> import pandas as pd
        >>> from modelwright.sklearn import TableVectorizer
        >>> frame = pd.DataFrame({"size": range(60), "colour": ["red", "blue", "green"] * 20})
        >>> TableVectorizer().fit(frame).transform(frame[:2]).shape
        (2, 4)
        """
        check_is_fitted(self)
        table, _ = self._read(X, reset=False)
        return np.asarray(self._vectorizer.transform(table, self.n_jobs or 0), dtype=np.float64)

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """The names of the features: the column, and what is told of it.

        Examples
        --------
        >>> import pandas as pd
        >>> from modelwright.sklearn import TableVectorizer
        >>> frame = pd.DataFrame({"size": range(60), "colour": ["red", "blue", "green"] * 20})
        >>> TableVectorizer().fit(frame).get_feature_names_out().tolist()
        ['size', 'colour=blue', 'colour=green', 'colour=red']
        """
        check_is_fitted(self)
        given = _check_feature_names_in(self, input_features)
        names = self._vectorizer.names
        if not hasattr(self, "feature_names_in_") and input_features is not None:
            # Features of an array are called by x0, x1, ...; longer names first.
            own = sorted(((f"x{i}", n) for i, n in enumerate(given)), key=lambda p: -len(p[0]))
            names = [_renamed(name, own) for name in names]
        return np.asarray(names, dtype=object)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_vectorizer")


def _renamed(name: str, own: list[tuple[str, Any]]) -> str:
    for old, new in own:
        if name == old or name.startswith((f"{old}:", f"{old}=")):
            return f"{new}{name[len(old):]}"
    return name


def _step(transformer: str, **params: Any) -> dict[str, Any]:
    return {"transformer": transformer, "params": params}


def _rule(
    kinds: list[str], steps: list[dict[str, Any]], max_levels: int | None = None
) -> dict[str, Any]:
    return {"kinds": kinds, "max_levels": max_levels, "steps": steps}
