"""Golden values of `crates/learners/src/tree/shap` from other tree explainers; writes `shap.toml`.

Run: python generate_shap.py   (the versions used are written into the file)

Each case has the trees of a model trained by LightGBM or XGBoost, rows, and what the library (or
the `shap` package) says of them. Thresholds are single precision: the largest number that still
goes left.
"""

import json
import pathlib

import lightgbm as lgb
import numpy as np
import shap
import xgboost as xgb

N, P, SHOWN = 400, 5, 12
rng = np.random.default_rng(20260311)


def table(missing, levels):
    x = np.round(rng.normal(size=(N, P)), 2)
    x[:, 3] = rng.integers(0, 4, size=N)
    if levels:
        x[:, 4] = rng.integers(0, 9, size=N)
    score = x[:, 0] * x[:, 1] + np.abs(x[:, 2]) + 0.5 * x[:, 3] + (x[:, 4] % 3 == 1)
    if missing:
        x[rng.random(size=x.shape) < 0.1] = np.nan
    return x.astype(np.float32).astype(np.float64), score + 0.1 * rng.normal(size=N)


class Flat:
    """A tree as the arrays of `Tree`."""

    def __init__(self):
        self.features, self.thresholds, self.missing_left, self.children = [], [], [], []
        self.gains, self.covers, self.values, self.leaf_covers, self.sets = [], [], [], [], []

    def leaf(self, value, cover):
        self.values.append(value)
        self.leaf_covers.append(cover)
        return ~(len(self.values) - 1)

    def node(self, feature, threshold, missing_left, gain, cover, levels=None):
        node = len(self.features)
        self.features.append(feature)
        self.thresholds.append(threshold)
        self.missing_left.append(missing_left)
        self.gains.append(gain)
        self.covers.append(cover)
        self.children.append(None)
        if levels is not None:
            words = [0] * (max(levels) // 64 + 1)
            for level in levels:
                words[level // 64] |= 1 << level % 64
            self.sets.append((node, words))
        return node

    def text(self):
        def reals(values):
            return "[" + ", ".join(repr(float(v)) for v in values) + "]"

        truths = ", ".join(str(bool(m)).lower() for m in self.missing_left)
        sets = ", ".join(f"{{ node = {n}, words = {w} }}" for n, w in self.sets)
        return (
            f"[[case.tree]]\nfeatures = {self.features}\nthresholds = {reals(self.thresholds)}\n"
            f"missing_left = [{truths}]\nchildren = {self.children}\n"
            f"gains = {reals(np.float32(self.gains))}\ncovers = {reals(self.covers)}\n"
            f"values = {reals(self.values)}\nleaf_covers = {reals(self.leaf_covers)}\n"
            f"sets = [{sets}]\nlinear = []\n"
        )


def single(value):
    with np.errstate(over="ignore"):
        near = np.float32(value)
    return float(near if float(near) <= value else np.nextafter(near, np.float32(-np.inf)))


def of_lightgbm(booster):
    def walk(flat, n):
        if "split_feature" not in n:
            return flat.leaf(n["leaf_value"], n.get("leaf_count", 0))
        levels, threshold = None, 0.0
        missing_left = n["default_left"]
        if n["decision_type"] == "==":
            levels, missing_left = [int(v) for v in n["threshold"].split("||")], False
        else:
            threshold = single(n["threshold"])
            if n["missing_type"] != "NaN":
                missing_left = 0.0 <= n["threshold"]
        node = flat.node(n["split_feature"], threshold, missing_left, n["split_gain"],
                         n["internal_count"], levels)
        flat.children[node] = [walk(flat, n["left_child"]), walk(flat, n["right_child"])]
        return node

    flats = []
    for tree in booster.dump_model()["tree_info"]:
        flats.append(Flat())
        walk(flats[-1], tree["tree_structure"])
    return flats


def of_xgboost(booster):
    def walk(flat, n):
        if "leaf" in n:
            return flat.leaf(np.float32(n["leaf"]), np.float32(n["cover"]))
        feature = int(n["split"][1:])
        below = np.nextafter(np.float32(n["split_condition"]), np.float32(-np.inf))
        node = flat.node(feature, below, n["missing"] == n["yes"], n["gain"], n["cover"])
        by_id = {c["nodeid"]: c for c in n["children"]}
        flat.children[node] = [walk(flat, by_id[n["yes"]]), walk(flat, by_id[n["no"]])]
        return node

    flats = []
    for text in booster.get_dump(dump_format="json", with_stats=True):
        flats.append(Flat())
        walk(flats[-1], json.loads(text))
    return flats


def numbers(values):
    return "[" + ", ".join("nan" if np.isnan(v) else f"{v:.12g}" for v in np.ravel(values)) + "]"


def case(name, kind, tolerance, base, trees, x, values, background=()):
    out.append(f'[[case]]\nname = "{name}"\nkind = "{kind}"\ntolerance = {tolerance}')
    out.append(f"base = {numbers(base)}\nx = {numbers(x)}\nbackground = {numbers(background)}")
    out.append(f"values = {numbers(values)}\n")
    out.extend(tree.text() for tree in trees)


def with_bias(values, bias):
    return np.concatenate([values, np.full((len(values), 1), bias)], axis=1)


SMALL = {"num_leaves": 9, "min_data_in_leaf": 5, "learning_rate": 0.3, "num_threads": 1,
         "verbose": -1, "seed": 1, "deterministic": True}
out = ["# Written by generate_shap.py; do not edit.",
       f'versions = "lightgbm {lgb.__version__}, xgboost {xgb.__version__}, '
       f'shap {shap.__version__}"\n']

x, score = table(missing=True, levels=True)
data = lgb.Dataset(x, score > np.median(score), categorical_feature=[4])
model = lgb.train({**SMALL, "objective": "binary", "min_data_per_group": 5, "cat_smooth": 1,
                   "max_cat_to_onehot": 1}, data, 8)
case("LightGBM pred_contrib, binary, missing values and levels", "values", 1e-9, [0.0],
     of_lightgbm(model), x[:SHOWN], model.predict(x[:SHOWN], pred_contrib=True))

x, score = table(missing=True, levels=False)
classes = np.digitize(score, np.quantile(score, [0.3, 0.7]))
model = lgb.train({**SMALL, "objective": "multiclass", "num_class": 3}, lgb.Dataset(x, classes), 4)
case("LightGBM pred_contrib, three classes", "values", 1e-9, [0.0] * 3, of_lightgbm(model),
     x[:SHOWN], model.predict(x[:SHOWN], pred_contrib=True))

x, score = table(missing=False, levels=False)
model = lgb.train({**SMALL, "objective": "regression"}, lgb.Dataset(x, score), 8)
explainer = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent")
pairs = np.zeros((SHOWN, P + 1, P + 1))
pairs[:, :P, :P] = explainer.shap_interaction_values(x[:SHOWN])
pairs[:, P, P] = model.predict(x[:SHOWN], pred_contrib=True)[:, P]
case("shap interactions of LightGBM", "pairs", 1e-9, [0.0], of_lightgbm(model), x[:SHOWN], pairs)

background = x[100:130]
explainer = shap.TreeExplainer(model, background, feature_perturbation="interventional")
values = explainer.shap_values(x[:SHOWN])
# shap's weights of this kind are single precision.
case("shap interventional of LightGBM", "interventional", 1e-6, [0.0], of_lightgbm(model),
     x[:SHOWN], with_bias(values, explainer.expected_value), background)

x, score = table(missing=True, levels=False)
params = {"max_depth": 4, "eta": 0.3, "tree_method": "hist", "nthread": 1, "base_score": 0.5}
model = xgb.train(params, xgb.DMatrix(x, score), 6)
shown = xgb.DMatrix(x[:SHOWN])
# XGBoost adds in single precision.
case("XGBoost pred_contribs", "values", 2e-6, [0.5], of_xgboost(model), x[:SHOWN],
     model.predict(shown, pred_contribs=True))
case("XGBoost pred_interactions", "pairs", 5e-6, [0.5], of_xgboost(model), x[:SHOWN],
     model.predict(shown, pred_interactions=True))

pathlib.Path(__file__).with_name("shap.toml").write_text("\n".join(out))
