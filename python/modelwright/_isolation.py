"""Rows that random cuts separate early are unusual."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import OutlierMixin
from sklearn.utils.validation import check_is_fitted

from ._errors import DataError, OptionError, data_error
from ._estimators import EngineEstimator
from ._frames import check_columns, has_types, is_frame, names_of
from ._modelwright import Isolation
from ._refusals import typed


class IsolationForest(OutlierMixin, EngineEstimator):  # type: ignore[misc]
    """Isolation forest: unusual rows, without a target.

    Parameters
    ----------
    n_trees : int in [1, 10000], default 100
        How many trees are grown.
    max_samples : int in [2, 100000], default 256
        How many rows each tree takes.
    contamination : "auto" or float in (0, 0.5], default "auto"
        The share of training rows that `predict` calls unusual; "auto" calls a row unusual whose
        score is below -0.5, as the paper proposes.
    random_state : int, RandomState or None, default None
        Seed; None is 0.
    n_jobs : int, optional
        Worker threads, all processors by default; the result does not depend on them.

    Attributes
    ----------
    offset_ : float
        What `decision_function` takes off the scores.
    n_features_in_ : int

    References
    ----------
    Liu, Ting & Zhou, "Isolation forest", ICDM 2008.

    Examples
    --------
    >>> import numpy as np
    >>> from modelwright.sklearn import IsolationForest
    >>> x = np.r_[np.random.default_rng(0).normal(size=(200, 2)), [[9.0, 9.0]]]
    >>> IsolationForest().fit(x).predict([[9.0, 9.0], [0.0, 0.0]]).tolist()
    [-1, 1]
    """

    def __init__(
        self,
        *,
        n_trees: int = 100,
        max_samples: int = 256,
        contamination: float | str = "auto",
        random_state: Any = None,
        n_jobs: int | None = None,
    ):
        self.n_trees = n_trees
        self.max_samples = max_samples
        self.contamination = contamination
        self.random_state = random_state
        self.n_jobs = n_jobs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = False
        tags.input_tags.string = False
        return tags

    def fit(self, X: Any, y: Any = None) -> IsolationForest:
        """Grow the trees.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)
            Numbers; NaN is a missing value.
        y : ignored

        Returns
        -------
        self

        Examples
        --------
        >>> import numpy as np
        >>> from modelwright.sklearn import IsolationForest
        >>> x = np.r_[np.random.default_rng(0).normal(size=(200, 2)), [[9.0, 9.0]]]
        >>> IsolationForest(contamination=0.01).fit(x).offset_ < -0.5
        True
        """
        share = self.contamination
        if share != "auto" and not (isinstance(share, (int, float)) and 0 < share <= 0.5):
            raise data_error(
                "`contamination` cannot be read",
                source="contamination",
                expected='"auto", or a number above 0, at most 0.5',
                got=repr(share),
                cls=OptionError,
            )
        X = self._matrix(X, reset=True)
        self._forest = Isolation.fit(
            X, self.n_trees, self.max_samples, self._seed(), self.n_jobs or 0
        )
        self.offset_ = -0.5
        if share != "auto":
            self.offset_ = float(np.percentile(self.score_samples(X), 100.0 * float(share)))
        return self

    def _matrix(self, X: Any, *, reset: bool) -> Any:
        try:
            with typed("X", X, names_of(X) if is_frame(X) else None):
                check_columns(X)
                return super()._matrix(X, reset=reset)
        except DataError as cause:
            if not has_types(X):
                raise
            raise data_error(
                "an isolation forest reads numbers alone",
                source="X",
                column=cause.column,
                expected="columns of numbers",
                got=cause.what,
                hint="make_pipeline(TableVectorizer(), IsolationForest()) makes numbers of any "
                "table",
            ) from cause

    def score_samples(self, X: Any) -> np.ndarray[Any, Any]:
        """How ordinary each row is: from -1 (unusual) to 0.

        Returns
        -------
        ndarray of shape (n_samples,)

        Examples
        --------
        >>> import numpy as np
        >>> from modelwright.sklearn import IsolationForest
        >>> x = np.r_[np.random.default_rng(0).normal(size=(200, 2)), [[9.0, 9.0]]]
        >>> far, near = IsolationForest().fit(x).score_samples([[9.0, 9.0], [0.0, 0.0]])
        >>> bool(far < near)
        True
        """
        check_is_fitted(self)
        return -np.asarray(self._forest.scores(self._matrix(X, reset=False), self.n_jobs or 0))

    def decision_function(self, X: Any) -> np.ndarray[Any, Any]:
        """The scores with :attr:`offset_` taken off: negative for unusual rows.

        Returns
        -------
        ndarray of shape (n_samples,)

        Examples
        --------
        >>> import numpy as np
        >>> from modelwright.sklearn import IsolationForest
        >>> x = np.r_[np.random.default_rng(0).normal(size=(200, 2)), [[9.0, 9.0]]]
        >>> far, near = IsolationForest().fit(x).decision_function([[9.0, 9.0], [0.0, 0.0]])
        >>> bool(far < 0 < near)
        True
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> np.ndarray[Any, Any]:
        """-1 for unusual rows, 1 for others.

        Returns
        -------
        ndarray of shape (n_samples,)

        Examples
        --------
        >>> import numpy as np
        >>> from modelwright.sklearn import IsolationForest
        >>> x = np.r_[np.random.default_rng(0).normal(size=(200, 2)), [[9.0, 9.0]]]
        >>> IsolationForest().fit(x).predict([[9.0, 9.0], [0.0, 0.0]]).tolist()
        [-1, 1]
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_forest")
