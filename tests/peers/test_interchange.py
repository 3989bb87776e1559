"""LightGBM, XGBoost and treelite as oracles: their models predict the same here, ours there.

Every model has missing values; most have categories and several hundred trees.
"""

import json

import lightgbm
import numpy as np
import pandas as pd
import pytest
import treelite
import xgboost
from scipy.special import expit

from conftest import ROOT, modelwright

def rounds_of(name):
    """Many trees for the usual objectives; the others differ in what becomes of the sum."""
    return 500 if name in ("binary", "regression", "zeros", "share", "gamma") else 100


def adult(n=2500):
    frame = pd.read_csv(ROOT / "testdata" / "adult.csv.gz").iloc[:n]
    target = (frame.pop("income") == ">50K").astype(int)
    # LightGBM's Python package writes blanks in names as `_`; here none have any.
    frame.columns = [c.replace(" ", "_").replace("-", "_") for c in frame.columns]
    for name in frame.select_dtypes(exclude="number"):
        frame[name] = frame[name].astype("category")
    rng = np.random.default_rng(5)
    for name in frame.columns:
        frame.loc[rng.random(n) < 0.05, name] = None if frame[name].dtype == "category" else np.nan
    # f64 values that are no f32, some closer to each other than two f32.
    frame["age"] += rng.normal(size=n) * 1e-3
    frame["seen_at"] = 1_700_000_000 + rng.integers(0, 5_000_000, n) / 7 + 3e6 * target
    return frame, target


def answers(target, frame):
    """A target for each kind of objective."""
    rng = np.random.default_rng(6)
    real = frame["age"].fillna(40) / 10 + target * 3 + rng.normal(size=len(target))
    return {"binary": target, "classes": np.digitize(real, [4, 6]), "real": real,
            "positive": np.exp(real / 5), "share": expit(real - 5)}


def predictions(model, rows, tmp_path):
    out = tmp_path / "out.csv"
    modelwright("predict", model, rows, "-o", out)
    frame = pd.read_csv(out)
    classes = [c for c in frame.columns if c.startswith("probability_")]
    if len(classes) == 2:
        return frame[classes[1]].to_numpy()
    return frame[classes].to_numpy() if classes else frame["prediction"].to_numpy()


def imported(tmp_path, file, rows, *more):
    """What our import of a model file predicts for rows that go through CSV."""
    data, model = tmp_path / "rows.csv", tmp_path / "model.mw"
    rows.to_csv(data, index=False)
    modelwright("import", file, "-o", model, *more)
    return predictions(model, data, tmp_path)


def assert_equal(got, wanted, tolerance):
    wanted = np.asarray(wanted, dtype=float)
    scale = max(1.0, float(np.abs(wanted).max()))
    assert got.shape == wanted.shape
    assert np.abs(got - wanted).max() <= tolerance * scale


LIGHTGBM = {
    "binary": ("binary", {"objective": "binary", "sigmoid": 0.8}),
    "multiclass": ("classes", {"objective": "multiclass", "num_class": 3}),
    "ova": ("classes", {"objective": "multiclassova", "num_class": 3, "sigmoid": 1.2}),
    "regression": ("real", {"objective": "regression"}),
    "l1": ("real", {"objective": "regression_l1"}),
    "sqrt": ("real", {"objective": "regression", "reg_sqrt": True}),
    "linear": ("real", {"objective": "regression", "linear_tree": True}),
    "poisson": ("positive", {"objective": "poisson"}),
    "tweedie": ("positive", {"objective": "tweedie"}),
    "entropy": ("share", {"objective": "cross_entropy"}),
    "lambda": ("share", {"objective": "cross_entropy_lambda"}),
    "forest": ("binary", {"objective": "binary", "boosting": "rf", "bagging_freq": 1,
                          "bagging_fraction": 0.6}),
    "dart": ("real", {"objective": "huber", "boosting": "dart"}),
    "goss": ("binary", {"objective": "binary", "data_sample_strategy": "goss",
                        "extra_trees": True}),
    "zeros": ("real", {"objective": "regression", "zero_as_missing": True}),
    "no_missing": ("real", {"objective": "regression", "use_missing": False}),
    "quantised": ("binary", {"objective": "binary", "use_quantized_grad": True}),
}


@pytest.mark.parametrize("name", LIGHTGBM)
def test_a_model_of_lightgbm_predicts_as_lightgbm(tmp_path, name):
    frame, target = adult()
    kind, params = LIGHTGBM[name]
    rounds = rounds_of(name)
    common = {"num_leaves": 15, "verbose": -1, "num_threads": 1, "min_data_per_group": 20,
              "max_cat_to_onehot": 2}
    data = lightgbm.Dataset(frame, answers(target, frame)[kind])
    booster = lightgbm.train({**common, **params}, data, rounds)
    file = tmp_path / "model.txt"
    booster.save_model(file)
    assert booster.num_trees() >= 0.9 * rounds
    # The linear functions of leaves read f32 here: times in seconds keep eight digits.
    tolerance = 1e-5 if name == "linear" else 1e-9
    assert_equal(imported(tmp_path, file, frame), booster.predict(frame), tolerance)


def test_categories_that_are_numbers_or_unseen_go_where_lightgbm_sends_them(tmp_path):
    rng = np.random.default_rng(7)
    frame = pd.DataFrame({"zone": rng.integers(0, 200, 3000), "x": rng.normal(size=3000)})
    y = (frame["zone"] % 5) * 1.0 + frame["x"]
    data = lightgbm.Dataset(frame, y, categorical_feature=["zone"])
    params = {"verbose": -1, "num_threads": 1, "min_data_per_group": 5, "cat_smooth": 1}
    booster = lightgbm.train(params, data, 100)
    file = tmp_path / "model.txt"
    booster.save_model(file)
    rows = frame.astype(float).iloc[:200].copy()
    rows.iloc[:5, 0] = [-1, 1e6, 2.7, np.nan, 199.9]
    assert_equal(imported(tmp_path, file, rows), booster.predict(rows), 1e-9)


def test_ordered_categories_must_be_named_and_then_agree(tmp_path):
    frame, target = adult()
    order = pd.CategoricalDtype(sorted(frame["education"].cat.categories), ordered=True)
    frame["education"] = frame["education"].astype(str).where(frame["education"].notna())
    frame["education"] = frame["education"].astype(order)
    booster = lightgbm.train({"verbose": -1, "num_threads": 1, "objective": "binary"},
                             lightgbm.Dataset(frame, target), 100)
    file = tmp_path / "model.txt"
    booster.save_model(file)
    done = modelwright("import", file, "-o", tmp_path / "model.mw", check=False)
    assert done.returncode == 2 and "--categories" in done.stderr
    columns = ",".join(frame.select_dtypes("category").columns)
    got = imported(tmp_path, file, frame, "--categories", columns)
    assert_equal(got, booster.predict(frame), 1e-9)


XGBOOST = {
    "binary": ("binary", {"objective": "binary:logistic"}),
    "multiclass": ("classes", {"objective": "multi:softprob", "num_class": 3}),
    "regression": ("real", {"objective": "reg:squarederror"}),
    "gamma": ("positive", {"objective": "reg:gamma"}),
    "share": ("share", {"objective": "reg:logistic"}),
    "dart": ("real", {"objective": "reg:squarederror", "booster": "dart", "rate_drop": 0.2}),
    "forest": ("real", {"objective": "reg:squarederror", "num_parallel_tree": 5,
                        "subsample": 0.6, "colsample_bynode": 0.6}),
    "lossguide": ("real", {"objective": "reg:pseudohubererror", "grow_policy": "lossguide",
                           "max_leaves": 20, "max_depth": 0}),
}


def exact_score(booster, data):
    """The sum of the leaves in f64: XGBoost itself adds up in f32."""
    leaves = booster.predict(data, pred_leaf=True).astype(int)
    model = json.loads(booster.save_raw("json"))["learner"]
    trees = model["gradient_booster"]["model"]["trees"]
    base = np.float32(model["learner_model_param"]["base_score"].strip("[]"))
    values = [np.float32(tree["split_conditions"]) for tree in trees]
    return base, sum(values[t][leaves[:, t]].astype(float) for t in range(len(trees)))


@pytest.mark.parametrize("name,form", [(name, "ubj") for name in XGBOOST]
                         + [("binary", "json"), ("forest", "json")])
def test_a_model_of_xgboost_predicts_as_xgboost(tmp_path, name, form):
    frame, target = adult()
    frame = frame.drop(columns="seen_at")
    kind, params = XGBOOST[name]
    rounds = 40 if name in ("dart", "forest") else rounds_of(name)
    data = xgboost.DMatrix(frame, answers(target, frame)[kind], enable_categorical=True)
    common = {"max_depth": 5, "nthread": 1, "eta": 0.1, "max_cat_to_onehot": 3}
    booster = xgboost.train({**common, **params}, data, rounds)
    file = tmp_path / f"model.{form}"
    booster.save_model(file)
    got = imported(tmp_path, file, frame)
    if name in ("regression", "lossguide", "gamma"):
        base, score = exact_score(booster, data)
        exact = np.exp(np.log(float(base)) + score) if name == "gamma" else float(base) + score
        assert_equal(got, exact, 1e-7)
    # Each of n additions in f32 is off by up to 6e-8 of the sum.
    n_trees = booster.num_boosted_rounds() * params.get("num_parallel_tree", 1)
    assert_equal(got, booster.predict(data), max(1e-6, 2e-7 * n_trees ** 0.5))
    if kind in ("binary", "share", "classes"):
        assert_equal(got, booster.predict(data), 1e-6)


def export(model, rows, member, tmp_path, form, name):
    """Our model in another library's file, and the features of some rows."""
    done = modelwright("export", model, "--format", form, "-o", tmp_path / name,
                       "--features", rows, "--json", *member)
    about = json.loads(done.stdout)
    features = pd.read_csv(about["features_output"])
    assert list(features.columns) == [f["name"] for f in about["features"]]
    return tmp_path / name, features.to_numpy()


def agree_everywhere(model, rows, member, tmp_path):
    """Exports in every form, and what all libraries agree on for these rows."""
    text, x = export(model, rows, member, tmp_path, "lightgbm", "ours.txt")
    booster = lightgbm.Booster(model_file=text)
    found = booster.predict(x)
    # What LightGBM's explainer needs (counts that add up) is there too.
    contributions = booster.predict(x[:50], pred_contrib=True)
    raw = booster.predict(x[:50], raw_score=True)
    n_outputs = 1 if raw.ndim == 1 else raw.shape[1]
    assert_equal(contributions.reshape(50, n_outputs, -1).sum(axis=2).reshape(raw.shape), raw, 1e-6)
    loaded = treelite.frontend.load_lightgbm_model(str(text))
    assert_equal(treelite.gtil.predict(loaded, x).reshape(found.shape), found, 1e-6)
    for form, name in (("xgboost-json", "ours.json"), ("xgboost-ubj", "ours.ubj")):
        file, x = export(model, rows, member, tmp_path, form, name)
        theirs = xgboost.Booster(model_file=file)
        data = xgboost.DMatrix(x, feature_names=theirs.feature_names,
                               feature_types=theirs.feature_types, enable_categorical=True)
        assert_equal(theirs.predict(data), found, 2e-6)
    return found


@pytest.mark.parametrize("name", ["adult", "wine_colour_quality", "wine"])
def test_a_booster_of_ours_loads_in_every_library_and_all_agree(request, tmp_path, name):
    fitted = request.getfixturevalue(name)
    for member in range(1, 20):
        chosen = ["--member", str(member)]
        done = modelwright("export", fitted.folder, "--format", "lightgbm", "-o",
                           tmp_path / "first.txt", *chosen, check=False)
        if done.returncode == 0:
            break
        assert "no sum of trees" in done.stderr or "several boosters" in done.stderr, done.stderr
    found = agree_everywhere(fitted.folder, fitted.test, chosen, tmp_path)
    whole = modelwright("export", fitted.folder, "--format", "lightgbm", "-o",
                        tmp_path / "whole.txt", check=False)
    if whole.returncode == 0:
        assert_equal(predictions(fitted.folder, fitted.test, tmp_path), found, 1e-9)
    else:
        assert "--member N" in whole.stderr


@pytest.mark.parametrize("name", ["adult", "wine"])
def test_an_imported_booster_loads_in_every_library_again(request, tmp_path, name):
    fitted = request.getfixturevalue(name)
    data = pd.read_csv(fitted.train)
    y = data.pop(fitted.target)
    for column in data.select_dtypes(exclude="number"):
        data[column] = data[column].astype("category")
    is_binary = name == "adult"
    y = (y == ">50K").astype(int) if is_binary else y
    params = {"verbose": -1, "num_threads": 1, "min_data_per_group": 20,
              "objective": "binary" if is_binary else "regression"}
    booster = lightgbm.train(params, lightgbm.Dataset(data, y), 100)
    booster.save_model(tmp_path / "theirs.txt")
    model = tmp_path / "model"
    # The columns of the wine table have blanks, which LightGBM's files have not.
    modelwright("import", tmp_path / "theirs.txt", "-o", model, "--like", fitted.train)
    found = agree_everywhere(model, fitted.test, [], tmp_path)
    assert_equal(predictions(model, fitted.test, tmp_path), found, 1e-9)


def test_broken_and_foreign_files_are_refused_in_words(tmp_path):
    file = tmp_path / "model.txt"
    for content, part in ((b"", "an empty file"), (b"\x80\x04", "pickle"), (b"hello", "another"),
                          (b"tree\nversion=v4\n", "max_feature_idx"), (b"{}", "learner")):
        file.write_bytes(content)
        done = modelwright("import", file, "-o", tmp_path / "m.mw", check=False)
        assert done.returncode == 2 and part in done.stderr, done.stderr
        assert not (tmp_path / "m.mw").exists()
