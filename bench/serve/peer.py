"""The usual service beside which ours is measured: FastAPI + uvicorn + LightGBM.

`/predict` feeds the booster one NumPy row (the fast way), `/pandas` a data frame with categories
(the usual way). Run by load.py; `PEER_DATA` names the training table.
"""

import os

import lightgbm as lgb
import numpy as np
import pandas as pd
from fastapi import FastAPI, Request

frame = pd.read_csv(os.environ["PEER_DATA"])
target = (frame.pop("income") == ">50K").astype(int)
columns = list(frame.columns)
levels = {
    name: {value: code for code, value in enumerate(sorted(frame[name].dropna().unique()))}
    for name in columns
    if frame[name].dtype == object
}
coded = frame.copy()
for name, codes in levels.items():
    coded[name] = coded[name].map(codes)
booster = lgb.train(
    {"objective": "binary", "verbose": -1, "num_threads": 1, "num_leaves": 31},
    lgb.Dataset(coded.to_numpy(float), target),
    num_boost_round=225,
)
as_frame = frame.astype({name: pd.CategoricalDtype(list(codes)) for name, codes in levels.items()})
of_frame = lgb.train(
    {"objective": "binary", "verbose": -1, "num_threads": 1, "num_leaves": 31},
    lgb.Dataset(as_frame, target),
    num_boost_round=225,
)
types = as_frame.dtypes
app = FastAPI()


def code(name, value):
    if value is None:
        return np.nan
    return levels[name].get(value, np.nan) if name in levels else value


@app.post("/predict")
async def predict(request: Request):
    row = await request.json()
    rows = row if isinstance(row, list) else [row]
    x = np.array([[code(name, r[name]) for name in columns] for r in rows], dtype=float)
    p = booster.predict(x, num_threads=1)
    if isinstance(row, list):
        return {"predictions": [{"probability": float(v)} for v in p]}
    return {"probability": float(p[0])}


@app.post("/pandas")
async def predict_frame(request: Request):
    row = await request.json()
    x = pd.DataFrame([row], columns=columns).astype(types)
    return {"probability": float(of_frame.predict(x)[0])}
