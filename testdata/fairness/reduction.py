"""Writes what fairlearn's exponentiated gradient reaches: `reduction.toml`.

    pip install numpy==2.4.6 scikit-learn==1.9.1 fairlearn==0.15.0
    python testdata/fairness/reduction.py

The learner is exact (for each of a few values of `x` the class of least weighted error), so that the
optimum of the game is one number, whoever finds it. Deterministic.
"""

import pathlib

import fairlearn
import numpy as np
import pandas as pd
from fairlearn.reductions import (
    DemographicParity,
    EqualizedOdds,
    ExponentiatedGradient,
    TruePositiveRateParity,
)
from sklearn.base import BaseEstimator, ClassifierMixin

HERE = pathlib.Path(__file__).parent
N, K = 3000, 12
CONSTRAINTS = {
    "demographic_parity": (DemographicParity, lambda y: [np.ones(N, bool)]),
    "equal_opportunity": (TruePositiveRateParity, lambda y: [y == 1]),
    "equalized_odds": (EqualizedOdds, lambda y: [y == 0, y == 1]),
}


class Exact(ClassifierMixin, BaseEstimator):
    def fit(self, X, y, sample_weight):
        signed = np.where(np.asarray(y) == 1, sample_weight, -np.asarray(sample_weight))
        self.positive_ = np.bincount(np.asarray(X)[:, 0], weights=signed, minlength=K) > 0
        self.classes_ = np.array([0, 1])
        return self

    def predict(self, X):
        return self.positive_[np.asarray(X)[:, 0]].astype(int)


def main():
    i = np.arange(N)
    x = (i * 7919) % K
    group = ((i * 31 + 7) % 13 < 3 + x // 2).astype(int)
    chance = (7 * x + 14 * group + (x % 3) * 9) % 101
    y = ((i * 17) % 101 < chance).astype(int)
    frame = pd.DataFrame({"x": x})
    text = f"# Written by reduction.py with fairlearn {fairlearn.__version__}; do not edit.\n"
    for name, (constraint, events) in CONSTRAINTS.items():
        for slack in (0.01, 0.05):
            game = ExponentiatedGradient(
                Exact(), constraint(difference_bound=slack), eps=slack, max_iter=300, nu=1e-5)
            game.fit(frame, y, sensitive_features=group)
            p = game._pmf_predict(frame)[:, 1]
            error = np.mean(np.where(y == 1, 1 - p, p))
            violation = max(
                abs(p[e & (group == g)].mean() - p[e].mean()) for e in events(y) for g in (0, 1))
            text += f'\n[[case]]\nconstraint = "{name}"\nslack = {slack}\n'
            text += f"error = {error!r}\nviolation = {violation!r}\n".replace("np.float64", "")
    (HERE / "reduction.toml").write_text(text.replace("(", "").replace(")", ""))


main()
