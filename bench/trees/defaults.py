"""LightGBM and CatBoost as they come, on a data set of a folder: categories given as such."""

import json
import pathlib

import numpy as np
import pandas as pd

from . import tables
from .process import Cost

#: A column of words with more different ones than this, and than this share of the rows, is no
#: category; with so many words in a cell it is prose, which CatBoost reads, and else a name.
N_LEVELS_MAX, SHARE_MAX, PROSE_WORDS = 50, 0.5, 2


def _typed(train, test):
    """Both tables with words as categories of the training rows, prose as text, without names."""
    train, test = train.copy(), test.copy()
    for name in train.columns:
        column = train[name]
        if pd.api.types.is_datetime64_any_dtype(column):
            for table in (train, test):
                table[name] = table[name].astype("int64").where(table[name].notna())
        elif not pd.api.types.is_numeric_dtype(column):
            words = column.dropna().astype(str)
            if words.nunique() > max(N_LEVELS_MAX, SHARE_MAX * len(words)):
                if words.str.split().str.len().mean() < PROSE_WORDS:
                    train, test = train.drop(columns=name), test.drop(columns=name)
                continue
            levels = pd.CategoricalDtype(sorted(words.unique()))
            for table in (train, test):
                text = table[name].where(table[name].isna(), table[name].astype(str))
                table[name] = text.astype(levels)
    for table in (train, test):
        table.columns = [f"c{i}" for i in range(table.shape[1])]
    return train, test


def _for_catboost(x):
    x = x.copy()
    for name in x.select_dtypes(exclude="number"):
        x[name] = x[name].astype(object).where(x[name].notna(), "missing").astype(str)
    return x


def fit(job):
    """Fits on the training rows, scores the fixed test rows."""
    folder = pathlib.Path(job["folder"])
    target = json.loads((folder / "meta.json").read_text())["target"]
    train, test = (pd.read_parquet(folder / f"{part}.parquet") for part in ("train", "test"))
    train = train[train[target].notna()]
    y, y_test = train.pop(target), test.pop(target)
    if job["task"] != "regression":
        code = {label: i for i, label in enumerate(sorted(y.unique()))}
        y, y_test = y.map(code), y_test.map(code)
    x, x_test = _typed(train, test)
    regression = job["task"] == "regression"
    if job["library"] == "catboost":
        import catboost

        words, prose = list(x.select_dtypes("category")), list(x.select_dtypes("object"))
        x, x_test = _for_catboost(x), _for_catboost(x_test)
        kind = catboost.CatBoostRegressor if regression else catboost.CatBoostClassifier
        model = kind(thread_count=job["threads"], random_seed=job["seed"], verbose=False,
                     allow_writing_files=False, cat_features=words,
                     text_features=prose or None)
    else:
        import lightgbm

        kind = lightgbm.LGBMRegressor if regression else lightgbm.LGBMClassifier
        x, x_test = (t.select_dtypes(exclude="object") for t in (x, x_test))
        model = kind(n_jobs=job["threads"], random_state=job["seed"], verbose=-1)
    cost = Cost()
    model.fit(x, y)
    found = {"seconds": cost.seconds(), "cpu_s": cost.cpu_seconds(), **cost.memory()}
    predicted = model.predict(x_test) if regression else model.predict_proba(x_test)
    if job["task"] == "binary":
        predicted = predicted[:, 1]
    found["metric"], found["value"] = tables.quality(
        job["task"], np.asarray(y_test, float), predicted)
    return found
