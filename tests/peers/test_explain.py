"""The shap package as an oracle: our explanations of models it can read are its own.

Models of LightGBM and XGBoost are imported; background rows are given to both. Values are compared
on the margin, where the model is a sum of trees, and as probabilities.
"""

import json

import lightgbm
import numpy as np
import pandas as pd
import pytest
import shap
import xgboost
from scipy.special import expit

from conftest import ROOT, modelwright

N_ROWS = 60


def adult(n=2500):
    frame = pd.read_csv(ROOT / "testdata" / "adult.csv.gz").iloc[:n]
    target = (frame.pop("income") == ">50K").astype(int)
    frame.columns = [c.replace("-", "_") for c in frame.columns]
    frame = frame.select_dtypes("number").astype(np.float32)
    rng = np.random.default_rng(5)
    for name in frame.columns:
        frame.loc[rng.random(n) < 0.05, name] = np.nan
    return frame, target


def explain(tmp_path, file, rows, background, *more):
    """Values (rows, columns), base value and document of our import of a model file."""
    model, data, known = (tmp_path / name for name in ("model.mw", "rows.csv", "known.csv"))
    rows.to_csv(data, index=False)
    background.to_csv(known, index=False)
    modelwright("import", file, "-o", model, "--target", "y")
    out = modelwright("explain", model, data, "--background", known, "--background-rows",
                      len(background), "--json", *more)
    found = json.loads(out.stdout)
    assert found["n_background"] == len(background)
    values = np.array(found["values"])
    order = [found["columns"].index(c) for c in rows.columns]
    return values[:, order, :].squeeze(-1), found["base_values"][0], found


def boosters(frame, target):
    rng = np.random.default_rng(6)
    real = frame["age"].fillna(40) / 10 + target * 3 + rng.normal(size=len(target))
    light = {"verbose": -1, "num_leaves": 15, "min_data_in_leaf": 5}
    extreme = {"max_depth": 5}
    return {
        "lightgbm binary": lightgbm.train(light | {"objective": "binary"},
                                          lightgbm.Dataset(frame, target), 60),
        "lightgbm regression": lightgbm.train(light, lightgbm.Dataset(frame, real), 60),
        "xgboost binary": xgboost.train(extreme | {"objective": "binary:logistic"},
                                        xgboost.DMatrix(frame, target), 60),
        "xgboost regression": xgboost.train(extreme, xgboost.DMatrix(frame, real), 60),
    }


NAMES = ["lightgbm binary", "lightgbm regression", "xgboost binary", "xgboost regression"]


@pytest.fixture(scope="module")
def models():
    frame, target = adult()
    return frame, boosters(frame, target)


def saved(model, tmp_path):
    file = tmp_path / ("model.txt" if isinstance(model, lightgbm.Booster) else "model.json")
    model.save_model(file)
    return file


@pytest.mark.parametrize("n_background", [1, 100, 1000])
@pytest.mark.parametrize("name", NAMES)
def test_interventional_values_are_those_of_shap(models, name, n_background, tmp_path):
    frame, by_name = models
    model = by_name[name]
    rows, background = frame.iloc[:N_ROWS], frame.iloc[1000:1000 + n_background]
    values, base, found = explain(tmp_path, saved(model, tmp_path), rows, background,
                                  "--method", "tree", "--scale", "margin")
    assert found["method"] == "tree"
    explainer = shap.TreeExplainer(model, background, feature_perturbation="interventional")
    # Beyond 100 rows shap takes a sample of them unless told otherwise.
    explainer = shap.TreeExplainer(
        model, shap.maskers.Independent(background, max_samples=n_background),
        feature_perturbation="interventional")
    wanted = explainer.shap_values(rows, check_additivity=False)
    assert np.abs(values - wanted).max() <= 1e-6 * max(1, np.abs(wanted).max())
    expected = np.ravel(explainer.expected_value)[0]
    assert abs(base - expected) <= 1e-5 * max(1, abs(expected))
    gaps = values.sum(axis=1) + base - np.array(found["predictions"])[:, 0]
    assert np.abs(gaps).max() <= 1e-9


@pytest.mark.parametrize("name", ["lightgbm binary", "xgboost binary"])
def test_probabilities_are_divided_as_shap_divides_them(models, name, tmp_path):
    frame, by_name = models
    model = by_name[name]
    rows, background = frame.iloc[:N_ROWS], frame.iloc[1000:1050]
    values, base, _ = explain(tmp_path, saved(model, tmp_path), rows, background,
                              "--method", "tree", "--scale", "probability")
    explainer = shap.TreeExplainer(model, background, feature_perturbation="interventional",
                                   model_output="probability")
    wanted = explainer.shap_values(rows, check_additivity=False)
    assert np.abs(values - wanted).max() <= 1e-6
    margin = model.predict(rows, raw_score=True) if isinstance(model, lightgbm.Booster) else \
        model.predict(xgboost.DMatrix(rows), output_margin=True)
    assert np.abs(values.sum(axis=1) + base - expit(margin)).max() <= 1e-6


def test_all_mixtures_are_those_of_shaps_exact_explainer(models, tmp_path):
    frame, by_name = models
    model = by_name["lightgbm binary"]
    rows, background = frame.iloc[:10], frame.iloc[1000:1020]
    values, base, found = explain(tmp_path, saved(model, tmp_path), rows, background,
                                  "--method", "exact")
    masker = shap.maskers.Independent(background, max_samples=20)
    wanted = shap.explainers.Exact(model.predict, masker)(rows)
    assert np.abs(values - wanted.values).max() <= 1e-6
    assert abs(base - wanted.base_values[0]) <= 1e-6
    drawn, _, document = explain(tmp_path, saved(model, tmp_path), rows, background,
                                 "--method", "permutation")
    errors = np.array(document["standard_errors"]).squeeze(-1)
    inside = np.abs(drawn - values) <= 2.1 * errors + 1e-12
    assert inside.mean() >= 0.95
    # The document is what shap's own plots take.
    explanation = shap.Explanation(values=np.array(found["values"])[:, :, 0],
                                   base_values=np.repeat(base, len(rows)), data=rows.to_numpy(),
                                   feature_names=found["columns"])
    assert explanation.shape == (10, len(rows.columns))
