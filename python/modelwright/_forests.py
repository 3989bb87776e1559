"""What forests do beside fit and predict: rows are judged by the trees that did not draw them.

Under scikit-learn's names: ``oob_score``, ``oob_score_``, ``oob_prediction_``.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, r2_score

from ._boosters import Array, _Trees
from ._errors import ModelwrightWarning, OptionError, data_error
from ._estimators import SingleClassifier, SingleRegressor


def _portion(max_features: Any) -> Any:
    """The engine's text for how many features a node looks at; scikit-learn's may be numbers."""
    if max_features is None:
        return "all"
    if isinstance(max_features, (int, np.integer)) and not isinstance(max_features, bool):
        return str(int(max_features))
    if isinstance(max_features, (float, np.floating)):
        return repr(float(max_features))
    return max_features


class _Forest(_Trees):
    """What forests share: rows are judged by the trees that did not draw them."""

    oob_score: Any
    oob_score_: float

    def _fit(self, read: Any, target: Any, *rest: Any) -> None:
        """Fits, and scores the training rows where that is asked for."""
        if self.oob_score and not self.bootstrap:  # type: ignore[attr-defined]
            raise data_error(
                "no row is out of any bag: all trees see all rows",
                source="oob_score",
                expected="bootstrap=True beside oob_score",
                cls=OptionError,
            )
        for name in ("oob_score_", "oob_prediction_", "oob_decision_function_"):
            vars(self).pop(name, None)
        drawn = {"max_features": _portion(self.max_features)}  # type: ignore[attr-defined]
        super()._fit(read, target, *rest, changed=drawn)  # type: ignore[misc]
        if not self.oob_score:
            return
        judged = np.asarray(self._single.out_of_bag())
        known = ~np.isnan(judged).any(axis=1)
        if not known.all():
            warnings.warn(
                f"{int((~known).sum())} of {len(known)} rows have no out-of-bag prediction (all trees "
                "drew them, or they have no weight): more trees leave fewer; the score is of the "
                "others",
                ModelwrightWarning,
                stacklevel=3,
            )
        self.oob_score_ = float(self._score_of(judged, target, known))

    def _score_of(self, judged: Array, target: Array, known: Array) -> float:
        raise NotImplementedError


class TreeClassifier(_Forest, SingleClassifier):
    """A forest as a classifier."""

    oob_decision_function_: Array

    def _score_of(self, judged: Array, target: Array, known: Array) -> float:
        self.oob_decision_function_ = judged
        truth = self.classes_[target[known]]
        said = self.classes_[np.argmax(judged[known], axis=1)]
        score = self.oob_score if callable(self.oob_score) else accuracy_score
        return float(score(truth, said)) if known.any() else float("nan")


class TreeRegressor(_Forest, SingleRegressor):
    """A forest as a regressor."""

    oob_prediction_: Array

    def _score_of(self, judged: Array, target: Array, known: Array) -> float:
        self.oob_prediction_ = judged[:, 0]
        score = self.oob_score if callable(self.oob_score) else r2_score
        said = self.oob_prediction_[known]
        return float(score(target[known], said)) if known.any() else float("nan")
