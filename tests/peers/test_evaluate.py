"""scikit-learn as oracle: `predict` and `evaluate` of the same model must agree with it."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from conftest import modelwright


def predictions_of(fitted, tmp_path):
    out = tmp_path / "predictions.csv"
    modelwright("predict", fitted.folder, fitted.test, "-o", out)
    return pd.read_csv(out), pd.read_csv(fitted.test)[fitted.target]


def ours(fitted):
    return json.loads(modelwright("evaluate", fitted.folder, fitted.test, "--json").stdout)


def check(found, wanted):
    for name, value in wanted.items():
        entry = found["metrics"][name]
        assert entry["value"] == pytest.approx(value, rel=1e-9, abs=1e-12), name
        if entry["ci95"] is not None:
            low, high = entry["ci95"]
            assert low <= value <= high, name


def test_binary_metrics_are_scikit_learns(adult, tmp_path):
    frame, truth = predictions_of(adult, tmp_path)
    y = (truth == ">50K").to_numpy()
    p = frame["probability_>50K"].to_numpy()
    label = (frame["prediction"] == ">50K").to_numpy()
    found = ours(adult)
    assert found["n_rows"] == len(truth)
    check(found, {
        "roc_auc": metrics.roc_auc_score(y, p),
        "average_precision": metrics.average_precision_score(y, p),
        "log_loss": metrics.log_loss(y, p),
        "brier_score": metrics.brier_score_loss(y, p),
        "accuracy": metrics.accuracy_score(y, label),
        "balanced_accuracy": metrics.balanced_accuracy_score(y, label),
        "f1": metrics.f1_score(y, label),
    })
    assert metrics.roc_auc_score(y, p) > 0.88


def test_multiclass_metrics_are_scikit_learns(wine_colour_quality, tmp_path):
    frame, truth = predictions_of(wine_colour_quality, tmp_path)
    classes = [c[len("probability_"):] for c in frame.columns if c.startswith("probability_")]
    assert classes == sorted(classes)
    p = frame[[f"probability_{c}" for c in classes]].to_numpy()
    assert np.allclose(p.sum(axis=1), 1)
    picked = p[np.arange(len(p)), [classes.index(t) for t in truth]]
    check(ours(wine_colour_quality), {
        "log_loss": -np.log(picked).mean(),
        "accuracy": metrics.accuracy_score(truth, frame["prediction"]),
    })
    assert (frame["prediction"] == np.array(classes)[p.argmax(axis=1)]).all()


def test_regression_metrics_are_scikit_learns(wine, tmp_path):
    frame, truth = predictions_of(wine, tmp_path)
    p = frame["prediction"]
    check(ours(wine), {
        "rmse": np.sqrt(metrics.mean_squared_error(truth, p)),
        "mae": metrics.mean_absolute_error(truth, p),
        "r2": metrics.r2_score(truth, p),
    })
    assert metrics.r2_score(truth, p) > 0.25
