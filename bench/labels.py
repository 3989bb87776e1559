"""How many of the labels that a fit calls suspect were planted.

    cargo xtask bench labels --suite FOLDER [--flips 0.05] [--time 10] [--only a,b]

FOLDER holds NAME/train.parquet and NAME/meta.json. Of every classification a share of the labels
is changed to another one, at random; then `fit --preset quick` names its suspects. Precision at k
is the share of planted ones among the first k, where k is the number planted, or the rows named.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy as np
import pandas as pd

PROGRAM = pathlib.Path(__file__).resolve().parents[1] / "target" / "release" / "modelwright"
ROWS_MAX = 20_000


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", type=pathlib.Path, required=True)
    parser.add_argument("--flips", type=float, default=0.05)
    parser.add_argument("--time", default="10")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    only = set(filter(None, arguments.only.split(",")))
    print("| data | AUC or accuracy | suspects | k | precision at k |\n|---|---|---|---|---|")
    for about in sorted(arguments.suite.glob("*/meta.json")):
        meta, name = json.loads(about.read_text()), about.parent.name
        task = meta.get("base_task") or meta["task"]
        if task not in ("binary", "multiclass") or meta["task"] == "text":
            continue
        if only and name not in only:
            continue
        frame = pd.read_parquet(about.parent / "train.parquet")
        target = meta["target"]
        frame = frame[frame[target].notna()]
        frame = frame.sample(min(len(frame), ROWS_MAX), random_state=0).reset_index(drop=True)
        rng = np.random.default_rng(1)
        flipped = rng.random(len(frame)) < arguments.flips
        labels = frame[target].astype(str).to_numpy(dtype=object)
        values = np.unique(labels)
        for row in np.flatnonzero(flipped):
            labels[row] = rng.choice(values[values != labels[row]])
        frame[target] = labels
        with tempfile.TemporaryDirectory() as scratch:
            table, out = pathlib.Path(scratch) / "table.parquet", pathlib.Path(scratch) / "out"
            frame.to_parquet(table)
            done = subprocess.run([str(PROGRAM), "fit", str(table), "--target", target, "--time",
                                   arguments.time, "--preset", "quick", "--out", str(out), "-q"],
                                  capture_output=True, text=True)
            if done.returncode != 0:
                print(f"| {name} | {done.stderr.strip().splitlines()[0]} | | | |")
                continue
            record = json.loads((out / "record.json").read_text())
        suspects = record["suspects"]
        metrics = {m["name"]: m["value"] for m in record["evaluation"]["metrics"]}
        score = metrics.get("roc_auc", metrics.get("accuracy"))
        k = min(int(flipped.sum() * (1 - record["options"]["holdout"])), len(suspects["rows"]))
        hits = sum(flipped[s["row"] - 1] for s in suspects["rows"][:k])
        share = hits / k if k else float("nan")
        print(f"| {name} | {score:.3f} | {suspects['n_suspects']} | {k} | {share:.2f} |", flush=True)


if __name__ == "__main__":
    main()
