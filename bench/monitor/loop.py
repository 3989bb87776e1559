"""Thirty simulated weeks: watch by rule, beside an oracle and beside blind weekly retraining.

    python bench/monitor/loop.py [--binary PATH] [--seeds 3] [--weeks 30]

Each week 400 rows are predicted, then their answers come. The columns swing with the season, and
twice the relation between columns and answer changes at once. All strategies fit the same learner:

  oracle   a model of 4,000 rows of the relation that holds this week
  blind    every week a new model of the last eight weeks, whatever it is worth
  watch    `modelwright watch --once` every week, defaults but for at_most_every = "6d"

Regret is the sum over weeks of the log loss above the oracle's. With --null nothing ever changes, and
what is counted are promotions of models that are worse on 20,000 fresh rows.
"""

import argparse
import datetime
import json
import math
import random
import subprocess
import tempfile
from pathlib import Path

WEEK_ROWS = 400
START = datetime.datetime(2026, 1, 5)


def weights(week, weeks, null):
    if null or week < weeks * 0.4:
        return [1.5, -1.0, 0.5, 0.0, 0.0]
    if week < weeks * 0.7:
        return [-1.5, 1.0, 0.5, 0.8, 0.0]
    return [0.3, 1.2, -1.0, 0.8, 0.9]


def rows(path, n, week, weeks, draw, null):
    season = 0.0 if null else 0.6 * math.sin(2 * math.pi * week / 26)
    w = weights(week, weeks, null)
    lines = ["day,a,b,c,d,e,y"]
    for i in range(n):
        x = [draw.gauss(season if j == 2 else 0.0, 1) for j in range(5)]
        score = sum(a * b for a, b in zip(w, x)) + draw.gauss(0, 1)
        day = week * 7 + 7 * i / n
        lines.append(",".join([f"{day:.3f}", *(f"{v:.4f}" for v in x), "yes" if score > 0 else "no"]))
    path.write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", default="target/release/modelwright")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--weeks", type=int, default=30)
    parser.add_argument("--null", action="store_true")
    given = parser.parse_args()
    binary = str(Path(given.binary).resolve())
    totals = []
    for seed in range(given.first_seed, given.first_seed + given.seeds):
        with tempfile.TemporaryDirectory() as folder:
            totals.append(simulate(binary, Path(folder), seed, given.weeks, given.null))
            print(json.dumps({"seed": seed, **totals[-1]}), flush=True)
    if not given.null:
        blind, watch = (sum(t[s] for t in totals) for s in ("blind", "watch"))
        print(json.dumps({"regret_blind": blind, "regret_watch": watch, "less": 1 - watch / blind}))


def simulate(binary, folder, seed, weeks, null):
    draw = random.Random(seed)

    def run(*args, ok=True):
        done = subprocess.run(
            [binary, *args, "--threads", "1"], cwd=folder, capture_output=True, text=True
        )
        if ok and done.returncode != 0:
            raise SystemExit(f"{args}: {done.stderr}")
        return done.stdout

    def train(data, out):
        run("train", "gbdt", data, "--target", "y", "--exclude", "day", "--folds", "0", "-p",
            "n_rounds=80", "-p", "learning_rate=0.1", "--out", out, "-q")

    def loss(model, data):
        said = json.loads(run("evaluate", model, data, "--store", "store", "--json", "-q"))
        found = said["metrics"]
        return found["log_loss"]["value"] if isinstance(found["log_loss"], dict) else found["log_loss"]

    rows(folder / "first.csv", 3000, 0, weeks, draw, null)
    train("first.csv", "first")
    run("models", "register", "m", "first", "--alias", "champion", "--store", "store")
    (folder / "watch.toml").write_text(
        'model = "m@champion"\ndata = ["week-*.csv"]\n[trigger]\nat_most_every = "6d"\nrows = 1600\n'
        '[window]\ntime_column = "day"\nfiles = 12\n'
    )
    blind = "first"
    regret = {"blind": 0.0, "watch": 0.0}
    worse = promoted = 0
    if null:
        rows(folder / "fresh.csv", 20_000, 0, weeks, random.Random(seed + 10_000), True)
        at_best = loss("m@champion", "fresh.csv")
    for week in range(1, weeks + 1):
        name = f"week-{week:02d}.csv"
        rows(folder / "next.csv", WEEK_ROWS, week, weeks, draw, null)
        if not null:
            rows(folder / "all.csv", 4000, week, weeks, random.Random(seed * 977 + week), null)
            train("all.csv", "oracle")
            best = loss("oracle", "next.csv")
            regret["blind"] += loss(blind, "next.csv") - best
            regret["watch"] += loss("m@champion", "next.csv") - best
        (folder / "next.csv").rename(folder / name)
        if not null:
            files = sorted(folder.glob("week-*.csv"))[-8:]
            text = [f.read_text().splitlines() for f in files]
            joined = [text[0][0], *(line for t in text for line in t[1:])]
            (folder / "last.csv").write_text("\n".join(joined) + "\n")
            train("last.csv", "blind")
            blind = "blind"
        at = (START + datetime.timedelta(weeks=week)).strftime("%Y-%m-%dT%H:%M:%SZ")
        tick = json.loads(run("watch", "watch.toml", "--once", "--at", at, "--store", "store",
                              "--json", "-q"))
        if (tick.get("outcome") or {}).get("then") == "promote":
            promoted += 1
            if null:
                now = loss("m@champion", "fresh.csv")
                worse += now > at_best
                at_best = now
    return {**regret, "promoted": promoted} if not null else {"promoted": promoted, "worse": worse}


if __name__ == "__main__":
    main()
