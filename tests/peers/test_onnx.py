"""ONNX Runtime as oracle: the exported graph predicts what the model does, from the raw columns.

Whole fits of six tables (missing values, levels never seen, dates, truth values, numbers that are
names, several classes, weights), and every learner that `train` offers.
"""

import json

import lightgbm
import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest

from conftest import ROOT, modelwright

# Of probabilities; of values, relative to their spread.
TOLERANCE = 1e-5
# Rows that may differ: a probability may round to the other side of a threshold.
ROWS_MAY_DIFFER = 1e-4


def table(n=3000, seed=1):
    """A table of every kind of column, and its parts of the target."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "amount": rng.lognormal(6, 1, n),
        "age": rng.integers(18, 90, n).astype(float),
        "ratio": rng.normal(size=n),
        "zip": rng.integers(1000, 1060, n),
        "city": rng.choice([f"city {i}" for i in range(60)], n),
        "colour": rng.choice(["red", "green", "blue"], n),
        "member": rng.choice([True, False], n),
        "since": pd.Timestamp("2019-03-01") + pd.to_timedelta(rng.integers(0, 2000 * 1440, n), "m"),
        "until": pd.Timestamp("2025-03-01") + pd.to_timedelta(rng.integers(0, 500, n), "D"),
        "weight": rng.integers(1, 4, n),
    })
    effect = (np.log(frame["amount"]) - 6 + frame["ratio"] * (frame["colour"] == "red")
              + (frame["zip"] % 7 > 3) + 0.5 * frame["member"]
              + np.sin(frame["since"].dt.dayofyear / 58) + frame["city"].str[5:].astype(int) / 60)
    score = effect + rng.normal(size=n) * 0.4
    for name in ("amount", "age", "ratio", "city", "colour", "since"):
        frame.loc[rng.random(n) < 0.06, name] = None
    return frame, score


def answers(frame, score, task):
    """The table with a target of the task; levels that training never sees stand at its end."""
    middle = score.median()
    frame = frame.copy()
    if task == "regression":
        frame["y"] = score * 1000
    elif task == "binary":
        frame["y"] = np.where(score > middle, "yes", "no")
    else:
        frame["y"] = pd.cut(score, [-99, middle - 0.7, middle + 0.5, 99], labels=["a", "b", "c"])
    frame.loc[frame.index[-150:], "city"] = "a new city"
    frame.loc[frame.index[-150:-100], "colour"] = "violet"
    frame.loc[frame.index[-100:], "zip"] = 77
    return frame


def feeds(inputs, frame):
    """The columns of a table as the graph's inputs take them, as the user guide says."""
    out = {}
    for wanted in inputs:
        column = frame[wanted["name"]]
        if wanted["type"] == "tensor(double)":
            values = column.to_numpy(dtype=float, na_value=np.nan)
        elif wanted["type"] == "tensor(int64)":
            values = pd.to_datetime(column).astype("datetime64[us]").astype("int64").to_numpy()
        else:
            texts = column.astype(object).where(column.notna(), "")
            values = np.array([str(text) for text in texts], dtype=object)
        out[wanted["name"]] = values.reshape(-1, 1)
    return out


def differences(tmp_path, model, data, frame):
    """The graph's predictions beside the model's: largest difference per row, equal labels."""
    path = tmp_path / "model.onnx"
    info = json.loads(modelwright("export", model, "--format", "onnx", "-o", path, "--json").stdout)
    onnx.checker.check_model(str(path), full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options)
    inputs = feeds(info["inputs"], frame)
    names = [output.name for output in session.get_outputs()]
    assert names == info["outputs"]
    got = dict(zip(names, session.run(None, inputs)))
    # A row asked for alone is the same row.
    first = session.run(None, {name: values[:1] for name, values in inputs.items()})
    for name, value in zip(names, first):
        if name != "prediction":
            assert abs(value[0, 0] - got[name][0, 0]) < TOLERANCE
    out = tmp_path / "predictions.csv"
    modelwright("predict", model, data, "-o", out)
    ours = pd.read_csv(out, keep_default_na=False)
    if len(names) == 1:
        wanted = ours["prediction"].to_numpy(float)
        return np.abs(wanted - got["prediction"][:, 0]) / (wanted.std() or 1), None
    columns = np.column_stack([got[name][:, 0] for name in names[1:]])
    same = got["prediction"][:, 0] == ours["prediction"].astype(str).to_numpy()
    return np.abs(ours[names[1:]].to_numpy(float) - columns).max(axis=1), same


def assert_equal(tmp_path, model, data, frame):
    difference, same = differences(tmp_path, model, data, frame)
    assert len(difference) == len(frame) and not np.isnan(difference).any()
    assert (difference > TOLERANCE).mean() <= ROWS_MAY_DIFFER, np.sort(difference)[-5:]
    assert same is None or (~same).mean() <= ROWS_MAY_DIFFER


def split(tmp_path, frame):
    train, test = tmp_path / "train.csv", tmp_path / "test.csv"
    half = len(frame) // 2
    frame.iloc[:half].to_csv(train, index=False)
    frame.iloc[half:].to_csv(test, index=False)
    # The rows as a file holds them: with the digits that were written.
    return train, test, pd.read_csv(test, parse_dates=["since", "until"])


def fitted(tmp_path, frame, *more):
    train, test, rows = split(tmp_path, frame)
    model = tmp_path / "model"
    modelwright("fit", train, "--target", "y", "--time", "8s", "--threads", "2", "--kind",
                "zip=integer_category", "--out", model, *more)
    return model, test, rows


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_fit_predicts_the_same_in_onnx_runtime(tmp_path, task):
    frame = answers(*table(), task).drop(columns="weight")
    model, test, rows = fitted(tmp_path, frame)
    assert_equal(tmp_path, model, test, rows)


def test_costs_weights_and_fair_thresholds_decide_as_the_model_does(tmp_path):
    frame = answers(*table(seed=4), "binary")
    model, test, rows = fitted(tmp_path, frame, "--weight", "weight", "--sensitive", "colour,age",
                               "--fair", "demographic_parity", "--preset", "quick")
    assert_equal(tmp_path, model, test, rows)
    frame = answers(*table(seed=5), "multiclass").drop(columns="weight")
    model, test, rows = fitted(tmp_path, frame, "--cost", "a:c=9", "--preset", "quick")
    assert_equal(tmp_path, model, test, rows)


def test_tables_of_the_world_predict_the_same(tmp_path, adult, wine_colour_quality, wine):
    for fit in (adult, wine_colour_quality, wine):
        assert_equal(tmp_path, fit.folder, fit.test, pd.read_csv(fit.test))


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("learner", ["baseline", "linear", "naive_bayes", "knn", "random_forest",
                                     "extra_trees", "gbdt", "neural_net", "ebm"])
def test_every_learner_predicts_the_same(tmp_path, learner, task):
    if learner == "naive_bayes" and task == "regression":
        pytest.skip("naive Bayes learns classes")
    frame = answers(*table(1200, seed=2), task).drop(columns="weight")
    train, test, rows = split(tmp_path, frame)
    model = tmp_path / "model"
    modelwright("train", learner, train, "--target", "y", "--time", "4s", "--kind",
                "zip=integer_category", "--out", model)
    assert_equal(tmp_path, model, test, rows)


def test_an_imported_booster_of_levels_and_linear_leaves_predicts_the_same(tmp_path):
    frame, score = table(2000, seed=3)
    frame = frame[["amount", "ratio", "age", "colour", "city"]].copy()
    for name in ("colour", "city"):
        frame[name] = frame[name].astype("category")
    for more in ({}, {"linear_tree": True}):
        data = lightgbm.Dataset(frame, score)
        params = {"objective": "regression", "verbosity": -1, "num_threads": 1, **more}
        file, model, rows = tmp_path / "b.txt", tmp_path / "b.mw", tmp_path / "rows.csv"
        lightgbm.train(params, data, 60).save_model(file)
        modelwright("import", file, "-o", model, "--target", "y")
        frame.to_csv(rows, index=False)
        assert_equal(tmp_path, model, rows, pd.read_csv(rows))


def test_text_is_refused_with_the_column_and_the_way_out(tmp_path):
    rng = np.random.default_rng(1)
    words = np.array("good bad fine poor fast slow late kind rude nice".split())
    lines = [" ".join(rng.choice(words, 14)) for _ in range(400)]
    frame = pd.DataFrame({"x": rng.normal(size=400), "review": lines})
    frame["y"] = [line.count("good") > line.count("bad") for line in lines]
    train = tmp_path / "train.csv"
    frame.to_csv(train, index=False)
    for more, refused in ([], True), (["--exclude", "review"], False):
        model = tmp_path / f"model{len(more)}"
        modelwright("train", "gbdt", train, "--target", "y", "--kind", "review=text", "--out",
                    model, *more)
        out = tmp_path / f"{len(more)}.onnx"
        run = modelwright("export", model, "--format", "onnx", "-o", out, check=False)
        assert (run.returncode != 0) == refused and out.exists() != refused
        assert not refused or ("`review`" in run.stderr and "--exclude" in run.stderr)
