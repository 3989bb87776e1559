"""Fits every data set of a folder under a wall-time budget and scores the fixed test rows.

    cargo xtask bench fit --data FOLDER --time 5 --out results.jsonl [--only adult,titanic]

FOLDER holds NAME/{train,test}.parquet and NAME/meta.json. For each set the release build is run
in a fresh process; wall time and peak memory are the operating system's; predictions are scored
with scikit-learn. With --linear a constant and a linear model of scikit-learn (one-hot, imputed,
scaled) are scored beside it as the yardstick that must not be missed.
"""

import argparse
import json
import os
import pathlib

import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np
import pandas as pd

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("MODELWRIGHT", ROOT / "target/release/modelwright"))
TASKS = {"binary", "multiclass", "regression"}
METRIC = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}

def score(task, truth, predictions, positive):
    from sklearn import metrics

    if task == "regression":
        return float(np.sqrt(np.mean((truth - predictions["prediction"].to_numpy()) ** 2)))
    columns = [c for c in predictions.columns if c.startswith("probability_")]
    labels = [c[len("probability_") :] for c in columns]
    if task == "binary":
        return float(metrics.roc_auc_score(truth == positive, predictions[f"probability_{positive}"]))
    index = {label: i for i, label in enumerate(labels)}
    p = predictions[columns].to_numpy(dtype=float)
    p = np.clip(p / p.sum(axis=1, keepdims=True), 1e-15, 1)
    rows = np.array([index.get(t, -1) for t in truth])
    picked = np.where(rows >= 0, p[np.arange(len(p)), np.maximum(rows, 0)], 1e-15)
    return float(-np.mean(np.log(picked)))

def label(value):
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)

def run(command, log):
    """Runs a command; returns exit code, wall seconds and peak memory in MB."""
    begun = time.monotonic()
    with open(log, "w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - begun
    return os.waitstatus_to_exitcode(status), wall, usage.ru_maxrss / 1024

def linear_scores(task, train, test, target, truth):
    from sklearn.compose import ColumnTransformer, make_column_selector
    from sklearn.dummy import DummyClassifier, DummyRegressor
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, RobustScaler

    x, z = train.drop(columns=[target]), test.drop(columns=[target])
    prepare = ColumnTransformer(
        [
            ("n", make_pipeline(SimpleImputer(strategy="median"), RobustScaler()),
             make_column_selector(dtype_include=np.number)),
            ("c", OneHotEncoder(handle_unknown="ignore", min_frequency=20, max_categories=50),
             make_column_selector(dtype_exclude=np.number)),
        ]
    )
    y = train[target].to_numpy() if task == "regression" else train[target].map(label).to_numpy()
    keep = pd.notna(train[target]).to_numpy().copy()
    if len(x) > 100_000:
        keep &= np.random.default_rng(0).random(len(x)) < 100_000 / len(x)
    x, y = x[keep].astype({c: str for c in x.select_dtypes(exclude=np.number)}), y[keep]
    z = z.astype({c: str for c in z.select_dtypes(exclude=np.number)})
    found = {}
    for name, model in {
        "baseline": DummyRegressor() if task == "regression" else DummyClassifier(),
        "linear": Ridge() if task == "regression" else LogisticRegression(max_iter=200),
    }.items():
        fitted = make_pipeline(prepare, model).fit(x, y)
        if task == "regression":
            frame = pd.DataFrame({"prediction": fitted.predict(z)})
        else:
            names = [f"probability_{c}" for c in fitted.classes_]
            frame = pd.DataFrame(fitted.predict_proba(z), columns=names)
        positive = None if task != "binary" else sorted(set(y))[-1]
        found[name] = score(task, truth, frame, positive)
    return found

def one(folder, arguments, scratch):
    meta = json.loads((folder / "meta.json").read_text())
    task = meta.get("base_task") or meta["task"]
    target = meta["target"]
    out = scratch / "fit"
    shutil.rmtree(out, ignore_errors=True)
    command = [PROGRAM, "fit", folder / "train.parquet", "--target", target, "--time",
               f"{arguments.time}s", "--threads", str(arguments.threads), "--out", out]
    code, wall, peak = run([str(c) for c in command + arguments.extra], scratch / "fit.log")
    row = {"data": meta["name"], "task": task, "time": arguments.time, "exit": code,
           "wall_s": round(wall, 2), "peak_mb": round(peak)}
    if code != 0:
        row["log"] = (scratch / "fit.log").read_text()[-600:]
        return row
    predictions = scratch / "predictions.csv"
    code, wall, _ = run([str(PROGRAM), "predict", str(out), str(folder / "test.parquet"), "-o",
                         str(predictions), "--threads", str(arguments.threads)],
                        scratch / "predict.log")
    row["predict_exit"], row["predict_s"] = code, round(wall, 2)
    if code != 0:
        row["log"] = (scratch / "predict.log").read_text()[-600:]
        return row
    test = pd.read_parquet(folder / "test.parquet")
    frame = pd.read_csv(predictions, dtype=None if task == "regression" else {"prediction": str})
    truth = test[target].to_numpy() if task == "regression" else test[target].map(label).to_numpy()
    record = json.loads((out / "record.json").read_text())
    classes = record["task"]["classes"]
    row["score"] = score(task, truth, frame, classes[1] if task == "binary" else None)
    held = record["evaluation"]
    # The process's own account: what wait4 reports includes this interpreter before the exec.
    row["peak_mb"] = round((record["clock"]["peak_memory_bytes"] or 0) / 1e6)
    row["holdout"] = held and held["metrics"][0]["value"]
    row["members"] = [f"{m['trial']}:{m['weight']:.2f}:{m['rounds']}"
                      for m in record["ensemble"]["members"]]
    row["size_kb"] = round((out / "model.mw").stat().st_size / 1024)
    if arguments.linear:
        row |= linear_scores(task, pd.read_parquet(folder / "train.parquet"), test, target, truth)
    return row

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--time", type=float, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--linear", action="store_true")
    parser.add_argument("extra", nargs="*", help="more flags for fit, after --")
    arguments = parser.parse_args()
    only = set(filter(None, arguments.only.split(",")))
    with tempfile.TemporaryDirectory() as scratch:
        for folder in sorted(p.parent for p in arguments.data.glob("*/meta.json")):
            meta = json.loads((folder / "meta.json").read_text())
            base = meta.get("base_task") or meta["task"]
            if base not in TASKS or (only and folder.name not in only):
                continue
            if not only and meta["task"] == "text":
                continue
            row = one(folder, arguments, pathlib.Path(scratch))
            print(json.dumps(row), flush=True)
            if arguments.out:
                with open(arguments.out, "a") as out:
                    out.write(json.dumps(row) + "\n")

if __name__ == "__main__":
    sys.exit(main())
