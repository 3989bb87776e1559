"""scikit-learn's estimators on Modelwright's engine.

``ModelwrightClassifier`` and ``ModelwrightRegressor`` run the whole search of
``modelwright.fit``; the others are single learners, and two transformers. All of them read data frames with text,
categories, dates and missing values as they are, and behave in pipelines, searches and
cross-validation as scikit-learn's own do.

>>> from modelwright.sklearn import GradientBoostingRegressor
>>> GradientBoostingRegressor(n_rounds=20, random_state=1).fit([[i] for i in range(40)], range(40))
GradientBoostingRegressor(n_rounds=20, random_state=1)
"""

from __future__ import annotations

from ._isolation import IsolationForest
from ._learners import (
    ExplainableBoostingClassifier,
    ExplainableBoostingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    KNeighborsClassifier,
    KNeighborsRegressor,
    LogisticRegression,
    NaiveBayesClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
    Ridge,
    TabularNetClassifier,
    TabularNetRegressor,
)
from ._search import ModelwrightClassifier, ModelwrightRegressor
from ._transformers import TableVectorizer, TargetEncoder

__all__ = [
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
    "ModelwrightClassifier",
    "ModelwrightRegressor",
    "NaiveBayesClassifier",
    "RandomForestClassifier",
    "RandomForestRegressor",
    "Ridge",
    "TableVectorizer",
    "TabularNetClassifier",
    "TabularNetRegressor",
    "TargetEncoder",
]
