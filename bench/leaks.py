"""How many planted leaks `profile` finds, and what it says of clean tables.

    cargo xtask bench leaks --suite FOLDER [--sets 10] [--rows 20000]

FOLDER holds NAME/train.parquet and NAME/meta.json. On every table of the suite the findings that
accuse a column are listed (false alarms, unless the column is a leak in truth). Then each kind of
KINDS is planted alone into each of --sets tables, drawn by a hash of their names, and counts as
found when a finding names a planted column.
"""

import argparse
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import pandas as pd

PROGRAM = pathlib.Path(__file__).resolve().parents[1] / "target" / "release" / "modelwright"
TASKS = ("binary", "multiclass", "regression")

#: Findings that accuse a column; others accuse rows or the split.
ACCUSING = ("target_copy", "target_proxy", "identifier", "filled_afterwards")


def codes_of(y):
    """Classes as numbers 0, 1, …; a number as itself."""
    return y.astype(float) if is_number(y) else pd.factorize(y, sort=True)[0].astype(float)


def is_number(y):
    return pd.api.types.is_numeric_dtype(y) and y.nunique() > 10


def spoiled(values, share, rng):
    """A share of the values swapped with those of other rows."""
    values = np.array(values, dtype=object)
    rows = rng.random(len(values)) < share
    values[rows] = rng.permutation(values)[rows]
    return values


def rare(y):
    """The rows of the rarest class, or the upper quarter of a number."""
    if is_number(y):
        return (y > y.quantile(0.75)).to_numpy()
    counts = y.value_counts()
    return (y == counts[counts >= min(30, counts.max())].index[-1]).to_numpy()


def missing_where(values, gone):
    out = pd.Series(values).astype(object).to_numpy(copy=True)
    out[gone] = None
    return out


def numbers(values):
    return pd.to_numeric(pd.Series(values), errors="coerce").to_numpy()


KINDS = {
    "copy": lambda y, c, r: y.astype(str).to_numpy(),
    "renamed labels": lambda y, c, r: np.array([f"code-{v * 7 + 3:.6g}" for v in c]),
    "as a number": lambda y, c, r: c,
    "linear": lambda y, c, r: 3.5 * c - 100,
    "monotone": lambda y, c, r: np.arctan((c - c.mean()) / (c.std() + 1e-9)),
    "1 % noise": lambda y, c, r: numbers(spoiled(c, 0.01, r)),
    "5 % noise": lambda y, c, r: numbers(spoiled(c, 0.05, r)),
    "20 % missing": lambda y, c, r: numbers(missing_where(c, r.random(len(c)) < 0.2)),
    "half missing": lambda y, c, r: numbers(missing_where(c, r.random(len(c)) < 0.55)),
    "a third told, else one filler": lambda y, c, r: np.where(
        r.random(len(c)) < 0.35, 2.0 * c + 3, -1.0),
    "measured with error": lambda y, c, r: c + r.normal(0, 0.05 * (c.std() + 1e-9), len(c)),
    "rounded": lambda y, c, r: np.round(c / (c.std() + 1e-9), 1),
    "text around it": lambda y, c, r: np.array(
        [f"case {v} closed" for v in (y.round(2) if is_number(y) else y).astype(str)]),
    "filled for one outcome": lambda y, c, r: numbers(
        missing_where(r.normal(size=len(c)), ~rare(y))),
    "missing for one outcome": lambda y, c, r: numbers(missing_where(r.normal(size=len(c)), rare(y))),
    "filled for most of one outcome": lambda y, c, r: numbers(
        missing_where(r.normal(size=len(c)), ~(rare(y) & (r.random(len(c)) < 0.9)))),
    "date of the outcome": lambda y, c, r: pd.to_datetime(
        pd.Series(missing_where(pd.Timestamp("2024-01-01") + pd.to_timedelta(
            r.integers(0, 300, len(c)), "D"), ~rare(y)))).to_numpy(),
    "identifiers by outcome": lambda y, c, r: np.argsort(np.argsort(
        c + r.random(len(c)) * 0.5, kind="stable")) + 100_000,
    "score of an old model": lambda y, c, r: c + r.normal(0, 0.15 * (c.std() + 1e-9), len(c)),
    "flag of one outcome": lambda y, c, r: rare(y).astype(float),
    "shifted by a constant per row block": lambda y, c, r: c * 1000 + np.arange(len(c)) % 3,
    "reason code": lambda y, c, r: np.where(
        rare(y), r.choice(["R1", "R2", "R3"], len(c)), r.choice(["N1", "N2"], len(c))),
}


def findings(path, target):
    command = [str(PROGRAM), "profile", str(path), "--target", target, "--json", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        return None, done.stderr.strip()
    return [f for f in json.loads(done.stdout)["leakage"] if f["kind"] in ACCUSING], None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", type=pathlib.Path, required=True)
    parser.add_argument("--sets", type=int, default=10)
    parser.add_argument("--rows", type=int, default=20_000)
    arguments = parser.parse_args()
    suite = []
    for about in sorted(arguments.suite.glob("*/meta.json")):
        meta = json.loads(about.read_text())
        if (meta.get("base_task") or meta["task"]) in TASKS and meta["task"] != "text":
            suite.append((about.parent.name, meta["target"], about.parent / "train.parquet"))
    n_accused = 0
    for name, target, path in suite:
        accused, error = findings(path, target)
        for finding in accused or []:
            n_accused += 1
            print(f"clean {name}: {finding['kind']} {finding['columns']} {finding['action']}")
        if error:
            print(f"clean {name}: {error}")
    print(f"clean: {n_accused} accused columns on {len(suite)} tables", flush=True)
    drawn = sorted(suite, key=lambda s: hashlib.sha256(s[0].encode()).digest())[: arguments.sets]
    found, missed = {kind: 0 for kind in KINDS}, []
    with tempfile.TemporaryDirectory() as scratch:
        for name, target, path in drawn:
            frame = pd.read_parquet(path)
            frame = frame[frame[target].notna()]
            if len(frame) > arguments.rows:
                frame = frame.sample(arguments.rows, random_state=0)
            frame = frame.reset_index(drop=True)
            y = frame[target]
            y = y if is_number(y) else y.astype(str)
            for kind, plant in KINDS.items():
                rng = np.random.default_rng(7)
                planted = frame.assign(planted=plant(y, np.asarray(codes_of(y)), rng))
                file = pathlib.Path(scratch) / "table.parquet"
                planted.to_parquet(file)
                accused, error = findings(file, target)
                if error:
                    print(f"{name}, {kind}: {error}")
                hit = any("planted" in finding["columns"] for finding in accused or [])
                found[kind] += hit
                if not hit:
                    missed.append(f"{kind}: {name}")
    for kind, n in found.items():
        print(f"{n:3} of {len(drawn)}  {kind}")
    total = sum(found.values())
    print(f"found {total} of {len(drawn) * len(KINDS)} ({total / len(drawn) / len(KINDS):.1%})")
    print("missed:", *missed, sep="\n  ")
    return 0


if __name__ == "__main__":
    sys.exit(main())
