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
    one = values[:, order, :].squeeze(-1) if values.shape[-1] == 1 else None
    return one, found["base_values"][0], found


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


@pytest.mark.parametrize("n_background", [1, 100])
@pytest.mark.parametrize("kind", ["lightgbm", "xgboost"])
def test_scores_of_several_classes_are_divided_as_shap_divides_them(kind, n_background, tmp_path):
    frame, target = adult()
    classes = target + (frame["hours_per_week"].fillna(40) > 45)
    if kind == "lightgbm":
        light = {"verbose": -1, "num_leaves": 9, "objective": "multiclass", "num_class": 3}
        model = lightgbm.train(light, lightgbm.Dataset(frame, classes), 25)
    else:
        extreme = {"max_depth": 4, "objective": "multi:softprob", "num_class": 3}
        model = xgboost.train(extreme, xgboost.DMatrix(frame, classes), 25)
    rows, background = frame.iloc[:N_ROWS], frame.iloc[1000:1000 + n_background]
    _, _, found = explain(tmp_path, saved(model, tmp_path), rows, background,
                          "--method", "tree", "--scale", "margin")
    order = [found["columns"].index(c) for c in rows.columns]
    values = np.array(found["values"])[:, order, :]
    explainer = shap.TreeExplainer(
        model, shap.maskers.Independent(background, max_samples=n_background),
        feature_perturbation="interventional")
    wanted = np.array(explainer.shap_values(rows, check_additivity=False))
    assert values.shape == (N_ROWS, len(rows.columns), 3)
    # Of LightGBM's boosters of several classes shap adds the classes up.
    ours = values if wanted.ndim == 3 else values.sum(axis=2)
    assert wanted.shape == ours.shape and (wanted.ndim == 3 or kind == "lightgbm")
    assert np.abs(ours - wanted).max() <= 1e-6 * max(1, np.abs(wanted).max())
    # What shap calls the expected value of several classes is no mean of theirs, so that the booster's own scores are the oracle of the base values.
    raw = (lambda table: model.predict(table, raw_score=True)) if kind == "lightgbm" else (
        lambda table: model.predict(xgboost.DMatrix(table), output_margin=True))
    base = np.array(found["base_values"])
    assert np.abs(base - raw(background).mean(axis=0)).max() <= 1e-5
    assert np.abs(np.array(found["predictions"]) - raw(rows)).max() <= 1e-5
    gaps = values.sum(axis=1) + base - np.array(found["predictions"])
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


def mixed(n=1500):
    """Numbers and categories, with missing values of both."""
    frame = pd.read_csv(ROOT / "testdata" / "adult.csv.gz").iloc[:n]
    target = (frame.pop("income") == ">50K").astype(int)
    frame.columns = [c.replace("-", "_") for c in frame.columns]
    frame = frame[["age", "workclass", "education_num", "occupation", "hours_per_week"]].copy()
    rng = np.random.default_rng(7)
    for name in frame.columns:
        if frame[name].dtype == object:
            frame[name] = frame[name].astype("category")
        frame.loc[rng.random(n) < 0.05, name] = None if frame[name].dtype == "category" else np.nan
    return frame, target, np.digitize(frame["age"].fillna(40) + 20 * target, [35, 55])


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_path_dependent_values_are_lightgbms_with_categories_and_missing_values(kind, tmp_path):
    frame, target, grade = mixed()
    params = {"verbose": -1, "num_leaves": 15, "min_data_in_leaf": 5, "objective": kind}
    params |= {"num_class": 3} if kind == "multiclass" else {}
    label = target if kind == "binary" else grade
    model = lightgbm.train(params, lightgbm.Dataset(frame, label), 40)
    rows = frame.iloc[:N_ROWS]
    _, _, found = explain_many(tmp_path, saved(model, tmp_path), rows)
    wanted = model.predict(rows, pred_contrib=True).reshape(N_ROWS, -1, len(rows.columns) + 1)
    order = [found["columns"].index(c) for c in rows.columns]
    values = np.array(found["values"])[:, order, :]
    assert np.abs(values - wanted[:, :, :-1].transpose(0, 2, 1)).max() <= 1e-6
    assert np.abs(np.array(found["base_values"]) - wanted[0, :, -1]).max() <= 1e-6


def explain_many(tmp_path, file, rows, *more):
    model, data = tmp_path / "model.mw", tmp_path / "rows.csv"
    rows.to_csv(data, index=False)
    modelwright("import", file, "-o", model, "--target", "y")
    out = modelwright("explain", model, data, "--method", "path", "--json", *more)
    return model, data, json.loads(out.stdout)


def test_path_dependent_values_and_interactions_are_xgboosts_and_shaps(models, tmp_path):
    frame, by_name = models
    model = by_name["xgboost binary"]
    rows = frame.iloc[:N_ROWS]
    program, data, found = explain_many(tmp_path, saved(model, tmp_path), rows)
    order = [found["columns"].index(c) for c in rows.columns]
    values = np.array(found["values"])[:, order, 0]
    wanted = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent")
    assert np.abs(values - wanted.shap_values(rows)).max() <= 1e-5
    out = modelwright("explain", program, data, "--interactions", "--json")
    pairs = json.loads(out.stdout)
    n = len(rows.columns)
    matrices = np.array(pairs["values"]).reshape(N_ROWS, n, n)[:, order, :][:, :, order]
    assert np.abs(matrices.sum(axis=2) - values).max() <= 1e-9
    assert np.abs(matrices - matrices.transpose(0, 2, 1)).max() <= 1e-12
    theirs = model.predict(xgboost.DMatrix(rows), pred_interactions=True)[:, :-1, :-1]
    assert np.abs(matrices - theirs).max() <= 1e-4 * max(1, np.abs(theirs).max())
