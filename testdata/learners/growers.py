"""Golden trees of other libraries for the growers: writes growers.toml beside this file.

  python growers.py        (needs numpy, catboost 1.2, lightgbm 4, xgboost 3)

Features have few distinct values, so that every library cuts at the midpoints; one has missing
values. No row or feature is drawn by chance.
"""
import os

import catboost
import lightgbm
import numpy as np
import xgboost

HERE = os.path.dirname(os.path.abspath(__file__))


def table():
    rng = np.random.RandomState(7)
    x = rng.randint(0, 9, size=(120, 4)).astype(np.float32)
    x[rng.rand(120) < 0.15, 2] = np.nan
    signal = np.sin(x[:, 0]) + 0.3 * x[:, 1] * (x[:, 3] > 4) + np.where(np.isnan(x[:, 2]), 1.0, 0.0)
    y = np.round(signal + 0.2 * rng.randn(120), 3)
    return x, y, (signal + 0.6 * rng.randn(120) > 1).astype(int)


def oblivious(x, y):
    model = catboost.CatBoostRegressor(
        iterations=8, depth=4, learning_rate=0.4, l2_leaf_reg=2.0, random_strength=0,
        bootstrap_type="No", boosting_type="Plain", score_function="L2", thread_count=1,
        border_count=254, nan_mode="Min", model_shrink_rate=0, verbose=False,
        allow_writing_files=False)
    filled = np.nan_to_num(x, nan=9.0)  # missing values go left only there, either way with us
    return model.fit(filled, y).predict(filled)


def depth_wise(x, y):
    model = xgboost.XGBClassifier(
        n_estimators=8, max_depth=4, learning_rate=0.4, reg_lambda=2.0, min_child_weight=0.001,
        tree_method="hist", grow_policy="depthwise", base_score=float(np.mean(y)), n_jobs=1)
    return model.fit(x, y).predict_proba(x)[:, 1]


def categories(x, y, level):
    params = dict(
        objective="regression", num_leaves=6, learning_rate=0.4, lambda_l2=1.0, min_data_in_leaf=1,
        min_sum_hessian_in_leaf=0, cat_smooth=1.0, cat_l2=0.0, max_cat_to_onehot=1,
        max_cat_threshold=64, min_data_per_group=1, min_data_in_bin=1, feature_pre_filter=False,
        num_threads=1, verbose=-1)
    columns = np.column_stack([level, x[:, 0]])
    data = lightgbm.Dataset(columns, y, categorical_feature=[0])
    return lightgbm.train(params, data, 8).predict(columns)


def line(name, values):
    text = ", ".join("nan" if np.isnan(v) else repr(float(np.round(v, 9))) for v in values)
    return f"{name} = [{text}]\n"


def main():
    x, y, label = table()
    # Thirteen levels whose numbers say nothing of what they are worth.
    level = (7 * x[:, 1] + 3 * (x[:, 3] > 4)) % 13
    versions = (f"catboost {catboost.__version__}, lightgbm {lightgbm.__version__}, "
                f"xgboost {xgboost.__version__}")
    with open(os.path.join(HERE, "growers.toml"), "w") as out:
        out.write(f"# Written by growers.py with {versions}.\n")
        for j in range(x.shape[1]):
            out.write(line(f"x{j}", x[:, j]))
        out.write(line("y", y))
        out.write(line("label", label))
        out.write(line("level", level))
        out.write(line("oblivious", oblivious(x, y)))
        out.write(line("depth_wise", depth_wise(x, label)))
        out.write(line("categories", categories(x, y, level)))


if __name__ == "__main__":
    main()
