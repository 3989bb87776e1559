"""One default model, without tuning: its error on the test rows of many data sets.

Ours is `modelwright train gbdt` with default parameters, a whole process with reading, judging and
writing in its time; the peers' time is that of their `fit` alone. Errors are 1 - AUC, log loss and
RMSE, means over seeds; test rows are only reported on. Beside the live runs stand results recorded
earlier (`--peers FILE`, one JSON object per line).
"""

import json
import os
import pathlib
import statistics

import pandas as pd
from fit import label, score

from . import process, results
from .configurations import ACCURACY, TIE

PROGRAM = pathlib.Path(os.environ.get("MODELWRIGHT", process.ROOT / "target/release/modelwright"))
METRIC = {"binary": "auc", "multiclass": "log_loss", "regression": "rmse"}
RECORDED_METRIC = {"auc": "auc", "log_loss": "logloss", "rmse": "rmse"}
SUMMARY = {"peer": "against", "sets": "sets", "score": "wins-losses-ties",
           "median": "median relative error", "time": "median time, ours / theirs"}


def run(arguments):
    """Measures the chosen configurations on the chosen sets."""
    if arguments.data is None:
        raise SystemExit("name the folder of data sets with --data FOLDER")
    for configuration in arguments.chosen(ACCURACY):
        libraries = [lib for lib in configuration.libraries if arguments.wants(lib)]
        columns = {"set": "data", "metric": "metric"}
        for lib in configuration.libraries:
            columns |= {lib: f"{lib} error", f"{lib}_s": f"{lib} s"}
        columns |= {f"recorded_{lib}": f"{lib} recorded" for lib, _ in configuration.recorded}
        store = results.Store("accuracy", columns, arguments.out)
        rows = {r["set"]: r for r in store.rows(configuration.name)}
        recorded = recorded_errors(arguments.peers, configuration)
        for folder, task in chosen_sets(configuration, arguments):
            row = measured(configuration, folder, task, libraries, arguments)
            rows[folder.name] = {**rows.get(folder.name, {}), **row,
                                 **recorded.get(folder.name, {})}
            print(json.dumps(rows[folder.name]), flush=True)
            ordered = [rows[name] for name in sorted(rows)]
            store.put(configuration.name, ordered, quiet=True)
            store.put(f"{configuration.name}: summary", summary(configuration, ordered),
                      columns=SUMMARY, quiet=True)
        print(store.text(configuration.name))
        print(store.text(f"{configuration.name}: summary"))


def chosen_sets(configuration, arguments):
    """Folders and tasks of the data sets."""
    for about in sorted(arguments.data.glob("*/meta.json")):
        meta = json.loads(about.read_text())
        task = meta.get("base_task") or meta["task"]
        wanted = task in configuration.tasks and meta["task"] not in configuration.not_for
        if about.parent.name in arguments.sets or wanted and not arguments.sets:
            yield about.parent, task


def measured(configuration, folder, task, libraries, arguments):
    """Mean error and median seconds of each library on one set, the seeds interleaved."""
    seeds = dict(configuration.seeds)
    found = {lib: [] for lib in libraries}
    for seed in range(arguments.reps):
        for lib in libraries:
            if seed < seeds[lib] and not any("error" in r for r in found[lib]):
                once = ours if results.is_ours(lib) else peer
                found[lib].append(once(lib, configuration, folder, task, seed, arguments))
    row = {"set": folder.name, "metric": METRIC[task]}
    for lib, records in found.items():
        good = [r for r in records if "error" not in r]
        if good:
            row[lib] = statistics.mean(error_of(METRIC[task], r["value"]) for r in good)
            row[f"{lib}_s"] = results.median(good, "seconds")
        row |= {f"{lib}_failed": r["error"] for r in records if "error" in r}
    return row


def error_of(metric, value):
    """What is compared: smaller is better."""
    return 1 - value if metric == "auc" else value


def peer(lib, configuration, folder, task, seed, arguments):
    """A default model of a peer in a fresh process."""
    job = {"job": "default", "library": lib, "folder": str(folder), "task": task, "seed": seed}
    return process.child(job, configuration.threads, arguments.limit)


def ours(_lib, configuration, folder, task, seed, arguments):
    """A default model of ours: trained and asked by the program itself."""
    target = json.loads((folder / "meta.json").read_text())["target"]
    scratch = arguments.work / "accuracy"
    params = [word for k, v in arguments.ours.items() for word in ("--param", f"{k}={v}")]
    done = process.measured(
        [PROGRAM, "train", "gbdt", folder / "train.parquet", "--target", target, "--task", task,
         "--threads", configuration.threads, "--seed", seed, "--quiet", "--out", scratch,
         *configuration.flags, *params], configuration.threads, arguments.limit)
    if done.error:
        return {"error": done.error}
    predictions = arguments.work / "accuracy.csv"
    asked = process.measured([PROGRAM, "predict", scratch, folder / "test.parquet", "--quiet",
                              "-o", predictions], configuration.threads, arguments.limit)
    if asked.error:
        return {"error": asked.error}
    truth = pd.read_parquet(folder / "test.parquet", columns=[target])[target]
    words = None if task == "regression" else {"prediction": str}
    frame = pd.read_csv(predictions, dtype=words)
    if task != "regression":
        truth = truth.map(label)
    positive = sorted(truth.unique())[-1] if task == "binary" else None
    return {"seconds": done.wall_s, "value": score(task, truth.to_numpy(), frame, positive)}


def recorded_errors(path, configuration):
    """Mean recorded error of each peer by data set."""
    names = {name: lib for lib, name in configuration.recorded}
    values = {}
    for line in path.read_text().splitlines() if path else []:
        record = json.loads(line)
        lib = names.get(record.get("peer"))
        if lib and record.get("status") == "ok":
            metric = METRIC[record["task"]]
            error = error_of(metric, record["metrics"][RECORDED_METRIC[metric]])
            values.setdefault(record["dataset"], {}).setdefault(f"recorded_{lib}", []).append(error)
    return {name: {k: statistics.mean(v) for k, v in found.items()}
            for name, found in values.items()}


def summary(configuration, rows):
    """Ours against every peer, live and recorded."""
    peers = [lib for lib in configuration.libraries if not results.is_ours(lib)]
    lines = []
    for key in peers + [f"recorded_{lib}" for lib, _ in configuration.recorded]:
        both = [r for r in rows if r.get("ours") is not None and r.get(key) is not None]
        if not both:
            continue
        relative = [(r["ours"] - r[key]) / max(r[key], 1e-9) for r in both]
        wins, losses = sum(d < -TIE for d in relative), sum(d > TIE for d in relative)
        times = [r["ours_s"] / r[f"{key}_s"] for r in both if r.get(f"{key}_s")]
        lines.append({
            "peer": key.replace("_", " "), "sets": len(both),
            "score": f"{wins}-{losses}-{len(both) - wins - losses}",
            "median": f"{100 * statistics.median(relative):+.2f} %",
            "time": statistics.median(times) if times else None,
        })
    return lines
