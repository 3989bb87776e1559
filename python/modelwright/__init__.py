"""Modelwright: from a table to a tested, packed model, in one call.

>>> import modelwright as mw
>>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
>>> predictor = mw.fit(rows, target="y", time_limit=2)
>>> predictor.predict({"x": 9})
True

The engine is the one of the command line ``modelwright``: the same options, the same files
(``model.mw``), the same bytes for the same seed. Nothing is read or written at import.

=====================  ==========================================================
:func:`fit`            search for the best model inside a budget
:func:`train`          one learner with chosen parameters
:func:`plan`           what ``fit`` would do
:func:`load`           a saved model
:func:`profile`        look at a table: kinds, statistics, alerts, suspected leaks
:func:`replay`         repeat a recorded run byte for byte
:func:`import_model`   a model of LightGBM or XGBoost
:class:`Predictor`     a fitted model
:class:`Store`         recorded runs and registered models
:func:`ui`             the web page; :func:`serve` a server; :func:`command` any other verb
:class:`Metric`        a metric of one's own; :class:`Loss` a loss of one's own
:class:`Learner`       an estimator of one's own as a candidate of the search
=====================  ==========================================================

:func:`compare_scores` tests learners by a table of their scores. The estimators of
:mod:`modelwright.sklearn` (``ModelwrightClassifier``, ``GradientBoostingRegressor``, ...) are also
found here; scikit-learn is needed for them alone.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._errors import (
    ArtifactError,
    BudgetError,
    DataError,
    Error,
    ModelwrightWarning,
    OptionError,
    WorkError,
)
from ._modelwright import __version__

if TYPE_CHECKING:
    from ._after import Monitoring, Retrained
    from ._asked import fit, plan, train
    from ._audit import Audit
    from ._beside import Running, command, serve, ui
    from ._dependence import Dependence
    from ._explanation import Explanation
    from ._own import Loss, Metric
    from ._own_learner import Learner
    from ._predictor import Predictor
    from ._profile import Profile, profile
    from ._report import Report
    from ._run import import_model, load, replay
    from ._store import Store
    from ._studying import compare_scores
    from .sklearn import *  # noqa: F403

#: Where names are found that are not needed before they are used.
_LAZY = {
    "fit": "._asked",
    "plan": "._asked",
    "train": "._asked",
    "Running": "._beside",
    "command": "._beside",
    "serve": "._beside",
    "ui": "._beside",
    "Predictor": "._predictor",
    "import_model": "._run",
    "load": "._run",
    "replay": "._run",
    "Profile": "._profile",
    "profile": "._profile",
    "Report": "._report",
    "Audit": "._audit",
    "Dependence": "._dependence",
    "Explanation": "._explanation",
    "Learner": "._own_learner",
    "Loss": "._own",
    "Metric": "._own",
    "Monitoring": "._after",
    "Retrained": "._after",
    "Store": "._store",
    "compare_scores": "._studying",
}

_ESTIMATORS = (
    "ModelwrightClassifier",
    "ModelwrightRegressor",
    "ExplainableBoostingClassifier",
    "ExplainableBoostingRegressor",
    "ExtraTreesClassifier",
    "ExtraTreesRegressor",
    "GradientBoostingClassifier",
    "GradientBoostingRegressor",
    "IsolationForest",
    "KNeighborsClassifier",
    "KNeighborsRegressor",
    "LogisticRegression",
    "NaiveBayesClassifier",
    "RandomForestClassifier",
    "RandomForestRegressor",
    "Ridge",
    "TableVectorizer",
    "TabularNetClassifier",
    "TabularNetRegressor",
    "TargetEncoder",
)

__all__ = [
    "ArtifactError",
    "Audit",
    "BudgetError",
    "DataError",
    "Dependence",
    "Error",
    "Explanation",
    "Learner",
    "Loss",
    "Metric",
    "ModelwrightWarning",
    "Monitoring",
    "OptionError",
    "Predictor",
    "Profile",
    "Report",
    "Retrained",
    "Running",
    "Store",
    "WorkError",
    "__version__",
    "command",
    "compare_scores",
    "fit",
    "import_model",
    "load",
    "plan",
    "profile",
    "replay",
    "serve",
    "train",
    "ui",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        found = getattr(importlib.import_module(_LAZY[name], __name__), name)
    elif name in _ESTIMATORS:
        try:
            found = getattr(importlib.import_module(".sklearn", __name__), name)
        except ModuleNotFoundError as cause:
            if str(cause.name).partition(".")[0] != "sklearn":
                raise
            raise ImportError(
                f"{name} is an estimator of scikit-learn, which is not installed\n"
                "  hint:     pip install scikit-learn; fit, train and load do without it"
            ) from cause
    else:
        raise AttributeError(f"module 'modelwright' has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*__all__, *_ESTIMATORS, *globals()})
