"""Writes the small foreign models of this folder and what their libraries predict with them.

Run by hand with LightGBM 4.7 and XGBoost 3.2, and `generate.py xgboost_old` with XGBoost 2.1; the
files are committed. `<name>.txt`, `.json` and
`.ubj` are model files; `<name>.rows.json` holds features as the library sees them (null is
missing), its raw scores and its predictions.
"""

import json
import pathlib
import sys

import numpy as np
import pandas as pd

HERE = pathlib.Path(__file__).parent
N = 400


def table(seed):
    """Numbers that are f32, missing values, zeros, named and numbered categories."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "size": rng.normal(size=N).astype("f4"),
        "age": rng.integers(0, 6, N).astype("f4"),
        "flat": np.float32(1.0),
        "colour": pd.Categorical(rng.choice(["red", "blue", "pale green", "grey", "black"], N)),
        "zone": rng.integers(0, 70, N),
    })
    frame.loc[rng.random(N) < 0.15, "size"] = np.nan
    frame.loc[rng.random(N) < 0.1, "colour"] = np.nan
    signal = (np.nan_to_num(frame["size"], nan=0.7) + 0.4 * frame["age"]
              + (frame["colour"] == "red") * 1.5 + (frame["zone"] % 7 < 3) * 1.2
              + rng.normal(size=N) * 0.3)
    return frame, signal.to_numpy()


def numbers(frame):
    """The features as numbers, categories as codes."""
    frame = frame.copy()
    for name in frame.columns:
        if isinstance(frame[name].dtype, pd.CategoricalDtype):
            codes = frame[name].cat.codes.astype("f8")
            frame[name] = codes.where(codes >= 0)
    return frame.to_numpy("f8")


def write_rows(name, x, scores, predictions):
    rows = [[None if np.isnan(v) else float(v) for v in row] for row in x]
    document = {
        "rows": rows,
        "scores": np.reshape(scores, (len(x), -1)).astype(float).tolist(),
        "predictions": np.reshape(predictions, (len(x), -1)).astype(float).tolist(),
    }
    text = json.dumps(document, separators=(",", ":")).replace("],[", "],\n[")
    (HERE / f"{name}.rows.json").write_text(text + "\n")


def lightgbm_models():
    import lightgbm as lgb

    frame, signal = table(1)
    binary = (signal > np.median(signal)).astype(int)
    classes = np.digitize(signal, np.quantile(signal, [0.3, 0.7]))
    positive = np.exp(signal / 3)
    share = 1 / (1 + np.exp(-signal))
    sparse = frame.copy()
    sparse["age"] = sparse["age"].where(sparse["age"] > 2, 0) - 3 * (sparse["age"] > 4)
    sparse.loc[::5, "size"] = 0
    cases = {
        "binary": ({"objective": "binary", "sigmoid": 0.7}, frame, binary),
        "multiclass": ({"objective": "multiclass", "num_class": 3}, frame, classes),
        "ova": ({"objective": "multiclassova", "num_class": 3, "sigmoid": 1.3}, frame, classes),
        "sqrt": ({"objective": "regression", "reg_sqrt": True}, frame, signal),
        "poisson": ({"objective": "poisson"}, frame, positive),
        "lambda": ({"objective": "cross_entropy_lambda"}, frame, share),
        "forest": ({"objective": "binary", "boosting": "rf", "bagging_freq": 1,
                    "bagging_fraction": 0.6}, frame, binary),
        "dart": ({"objective": "quantile", "boosting": "dart", "drop_rate": 0.5,
                  "skip_drop": 0.0}, frame, signal),
        "linear": ({"objective": "regression", "linear_tree": True}, frame, signal),
        "zeros": ({"objective": "regression", "zero_as_missing": True}, sparse, signal),
        "blind": ({"objective": "regression", "use_missing": False}, frame, signal),
        "stump": ({"objective": "regression", "min_data_in_leaf": N}, frame, signal),
    }
    for name, (params, x, y) in cases.items():
        columns = ["zone"] if name == "ova" else "auto"
        x = x.drop(columns="colour") if name == "ova" else x
        data = lgb.Dataset(x, y, categorical_feature=columns)
        common = {"num_leaves": 6, "verbose": -1, "min_data_per_group": 5, "seed": 3, "cat_smooth": 1,
                  "min_data_in_leaf": 10, "num_threads": 1, "deterministic": True}
        booster = lgb.train({**common, **params}, data, 4)
        booster.save_model(HERE / f"lightgbm-{name}.txt")
        rows = x.iloc[:40]
        raw = booster.predict(rows, raw_score=True)
        # LightGBM averages the trees of a forest only when it converts the scores.
        raw = raw / 4 if name == "forest" else raw
        write_rows(f"lightgbm-{name}", numbers(rows), raw, booster.predict(rows))


def xgboost_models():
    import xgboost as xgb

    frame, signal = table(2)
    plain = frame.drop(columns="colour")
    binary = (signal > np.median(signal)).astype(int)
    classes = np.digitize(signal, np.quantile(signal, [0.3, 0.7]))
    positive = np.exp(signal / 3)
    share = 1 / (1 + np.exp(-signal))
    coded = plain.copy()
    coded["zone"] = coded["zone"].astype(float)
    cases = {
        "binary": ({"objective": "binary:logistic"}, frame, binary),
        "codes": ({"objective": "reg:squarederror"}, coded, signal),
        "multiclass": ({"objective": "multi:softprob", "num_class": 3, "num_parallel_tree": 2,
                        "subsample": 0.7}, frame, classes),
        "dart": ({"objective": "reg:squarederror", "booster": "dart", "one_drop": 1}, plain,
                 signal),
        "poisson": ({"objective": "count:poisson"}, plain, np.round(positive)),
        "gamma": ({"objective": "reg:gamma"}, plain, positive),
        "tweedie": ({"objective": "reg:tweedie"}, plain, positive),
        "logistic": ({"objective": "reg:logistic"}, plain, share),
        "raw": ({"objective": "binary:logitraw"}, plain, binary),
        "hinge": ({"objective": "binary:hinge"}, plain, binary),
        "cox": ({"objective": "survival:cox"}, plain, positive),
        "rank": ({"objective": "rank:pairwise"}, plain, binary),
        "huber": ({"objective": "reg:pseudohubererror"}, plain, signal),
        "vector": ({"objective": "multi:softprob", "num_class": 3,
                    "multi_strategy": "multi_output_tree"}, plain, classes),
    }
    for name, (params, x, y) in cases.items():
        types = ["q", "q", "q", "c"] if name == "codes" else None
        data = xgb.DMatrix(x, y, enable_categorical=True, feature_types=types)
        if name == "rank":
            data.set_group([N // 4] * 4)
        common = {"max_depth": 3, "seed": 3, "nthread": 1, "eta": 0.4, "max_cat_to_onehot": 2}
        booster = xgb.train({**common, **params}, data, 3)
        booster.save_model(HERE / f"xgboost-{name}.ubj")
        if name in ("binary", "multiclass"):
            booster.save_model(HERE / f"xgboost-{name}.json")
        rows = xgb.DMatrix(x.iloc[:40], enable_categorical=True, feature_types=types)
        write_rows(f"xgboost-{name}", numbers(x.iloc[:40]),
                   booster.predict(rows, output_margin=True), booster.predict(rows))


def xgboost_old_models():
    """With XGBoost 2.1: NaN where later versions have numbers, no names of levels."""
    import xgboost as xgb

    frame, signal = table(2)
    data = xgb.DMatrix(frame, signal, enable_categorical=True)
    params = {"max_depth": 3, "seed": 3, "nthread": 1, "eta": 0.4, "max_cat_to_onehot": 2}
    booster = xgb.train(params, data, 3)
    booster.save_model(HERE / "xgboost-old.ubj")
    booster.save_model(HERE / "xgboost-old.json")
    rows = xgb.DMatrix(frame.iloc[:40], enable_categorical=True)
    write_rows("xgboost-old", numbers(frame.iloc[:40]),
               booster.predict(rows, output_margin=True), booster.predict(rows))


if __name__ == "__main__":
    which = sys.argv[1:] or ["lightgbm", "xgboost"]
    for name in which:
        globals()[f"{name}_models"]()
