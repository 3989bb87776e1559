"""How many test rows the intervals and sets of a fit hold.

    cargo xtask bench coverage --suite FOLDER [--level 0.9] [--time 10] [--rows 2000] [--only a,b]

FOLDER holds NAME/{train,test}.parquet and NAME/meta.json. Every table of at least --rows test rows
is fitted with `--intervals LEVEL`; counted is the share of test rows whose value lies in its
interval, or whose class is in its set. Beside it stands what chance alone allows: two standard
errors of a share of so many rows.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy as np
import pandas as pd

PROGRAM = pathlib.Path(__file__).resolve().parents[1] / "target" / "release" / "modelwright"


def label(value):
    """A class as `predict` writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)


def held(truth, said):
    """Whether each row is held, and how much its interval or set takes."""
    if "prediction_set" in said:
        sets = [json.loads(one) for one in said["prediction_set"]]
        names = truth.map(label)
        return np.array([name in s for name, s in zip(names, sets)]), [len(s) for s in sets]
    low, high = said["prediction_lower"], said["prediction_upper"]
    return ((truth >= low) & (truth <= high)).to_numpy(), high - low


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", type=pathlib.Path, required=True)
    parser.add_argument("--level", type=float, default=0.9)
    parser.add_argument("--time", default="10")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    only = set(filter(None, arguments.only.split(",")))
    print("| data | task | test rows | held | two standard errors | mean width or size |")
    print("|---|---|---|---|---|---|")
    off = []
    for about in sorted(arguments.suite.glob("*/meta.json")):
        meta, name = json.loads(about.read_text()), about.parent.name
        task = meta.get("base_task") or meta["task"]
        if task not in ("binary", "multiclass", "regression") or (only and name not in only):
            continue
        test = pd.read_parquet(about.parent / "test.parquet")
        if len(test) < arguments.rows:
            continue
        with tempfile.TemporaryDirectory() as folder:
            fit = [PROGRAM, "fit", about.parent / "train.parquet", "--target", meta["target"],
                   "--time", arguments.time, "--intervals", str(arguments.level), "--out",
                   f"{folder}/m", "--quiet"]
            subprocess.run(list(map(str, fit)), check=True, stdout=subprocess.DEVNULL)
            predict = [PROGRAM, "predict", f"{folder}/m", about.parent / "test.parquet",
                       "--intervals", "-o", f"{folder}/p.csv", "--quiet"]
            subprocess.run(list(map(str, predict)), check=True)
            said = pd.read_csv(f"{folder}/p.csv")
        is_held, size = held(test[meta["target"]], said)
        share = is_held.mean()
        error = 2 * np.sqrt(arguments.level * (1 - arguments.level) / len(test))
        off.append(abs(share - arguments.level))
        print(f"| {name} | {task} | {len(test):,} | {share:.1%} | {error:.1%} | "
              f"{np.mean(size):.4g} |", flush=True)
    print(f"\nwithin one point: {sum(o <= 0.01 for o in off)} of {len(off)}")


if __name__ == "__main__":
    main()
