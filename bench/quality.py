"""The quality of `fit` under a budget, beside what peers reached on the same rows.

    cargo xtask bench quality --suite FOLDER --time 30 [--peers automl.jsonl] [--seeds 3]
        [--only a,b] [--out results.jsonl] [--resume]

FOLDER holds NAME/{train,test}.parquet and NAME/meta.json. Every fit is a fresh process of the
release build; its predictions of the fixed test rows are scored with scikit-learn. An error is
1 - AUC, log loss or RMSE, the mean over seeds; a relative error is (ours - theirs) / theirs, and a
win is one beyond TIE or, with several seeds, beyond two standard errors of ours. Data sets are
divided into two halves by a hash of their names: portfolios are designed on the first, the second
says what that is worth elsewhere.

--peers names recorded results, one JSON object per line: peer, dataset, budget (seconds), status,
primary (auc, logloss, rmse) and metrics.
"""

import argparse
import hashlib
import json
import pathlib
import statistics
import sys
import tempfile

import fit

#: A relative difference below this is noise whatever the seeds say.
TIE = 0.002


def half_of(name):
    """1 for the sets that portfolios may be designed on, 2 for the others."""
    return 1 + hashlib.sha1(name.encode()).digest()[0] % 2


def error_of(task, score):
    """What is compared: smaller is better."""
    return 1 - score if task == "binary" else score


def recorded(path):
    """Mean errors by (peer, budget) and data set."""
    values = {}
    for line in path.read_text().splitlines() if path else []:
        row = json.loads(line)
        if row.get("status") == "ok" and row.get("primary") in row.get("metrics", {}):
            value = row["metrics"][row["primary"]]
            error = 1 - value if row["primary"] == "auc" else value
            key = (row["peer"], row["budget"])
            values.setdefault(key, {}).setdefault(row["dataset"], []).append(error)
    return {k: {d: statistics.mean(v) for d, v in sets.items()} for k, sets in values.items()}


def measured(arguments, done):
    """Fits what is not done yet; yields the rows of all."""
    yield from done.values()
    with tempfile.TemporaryDirectory() as scratch:
        for about in sorted(arguments.suite.glob("*/meta.json")):
            meta, name = json.loads(about.read_text()), about.parent.name
            if (meta.get("base_task") or meta["task"]) not in fit.TASKS or meta["task"] == "text":
                continue
            if arguments.only and name not in arguments.only:
                continue
            for seed in range(arguments.seeds):
                if (name, seed) not in done:
                    arguments.extra = [*arguments.flags, "--seed", str(seed)]
                    row = fit.one(about.parent, arguments, pathlib.Path(scratch)) | {"seed": seed}
                    print(json.dumps(row), flush=True)
                    yield row


def versus(ours, theirs):
    """Wins, losses, ties, win rate, median and worst relative error over the common sets."""
    relative = {}
    for name, errors in ours.items():
        if name in theirs:
            mean = statistics.mean(errors)
            noise = 2 * statistics.stdev(errors) / len(errors) ** 0.5 if len(errors) > 1 else 0
            base = max(theirs[name], 1e-9)
            difference = (mean - theirs[name]) / base
            relative[name] = (difference, max(TIE, noise / base))
    wins = sum(d < -tie for d, tie in relative.values())
    losses = sum(d > tie for d, tie in relative.values())
    ties = len(relative) - wins - losses
    worst = max(relative, key=lambda n: relative[n][0])
    return {
        "sets": len(relative), "score": f"{wins}-{losses}-{ties}",
        "win rate": f"{(wins + ties / 2) / len(relative):.0%}",
        "median": f"{statistics.median(d for d, _ in relative.values()):+.2%}",
        "worst": f"{worst} {relative[worst][0]:+.1%}",
    }


def summary(rows, peers):
    """A Markdown table of ours against every recorded peer, all sets and by halves."""
    errors = {}
    for row in rows:
        if "score" in row:
            errors.setdefault(row["data"], []).append(error_of(row["task"], row["score"]))
    lines = ["| against | s | sets | wins-losses-ties | win rate | median relative error | worst |",
             "|---|---|---|---|---|---|---|"]
    halves = [("", lambda n: True), (", half 1", lambda n: half_of(n) == 1),
              (", half 2", lambda n: half_of(n) == 2)]
    for (peer, budget), theirs in sorted(peers.items()):
        for word, is_in in halves:
            own = {n: e for n, e in errors.items() if is_in(n)}
            if len(set(own) & set(theirs)) > 1:
                v = versus(own, theirs)
                lines.append(f"| {peer}{word} | {budget:g} | {v['sets']} | {v['score']} "
                             f"| {v['win rate']} | {v['median']} | {v['worst']} |")
    walls = [row["wall_s"] for row in rows]
    failed = [row["data"] for row in rows if "score" not in row]
    lines += ["", f"{len(rows)} fits, {len(failed)} failed {failed or ''}; wall median "
              f"{statistics.median(walls):.1f} s, max {max(walls):.1f} s; most memory "
              f"{max(row['peak_mb'] for row in rows)} MB"]
    return "\n".join(lines)


def main():
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suite", type=pathlib.Path, required=True)
    parser.add_argument("--time", type=float, default=30)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--peers", type=pathlib.Path)
    parser.add_argument("--only", default="", help="names of data sets")
    parser.add_argument("--out", type=pathlib.Path, help="where rows are kept, JSON lines")
    parser.add_argument("--resume", action="store_true", help="keep the rows that OUT has")
    parser.add_argument("flags", nargs="*", help="more flags for fit, after --")
    arguments = parser.parse_args()
    arguments.only = set(filter(None, arguments.only.split(",")))
    arguments.linear = False
    done = {}
    if arguments.resume and arguments.out and arguments.out.exists():
        kept = [json.loads(line) for line in arguments.out.read_text().splitlines()]
        done = {(row["data"], row["seed"]): row for row in kept}
    rows = []
    for row in measured(arguments, done):
        rows.append(row)
        if arguments.out:
            arguments.out.write_text("".join(json.dumps(r) + "\n" for r in rows))
    print(summary(rows, recorded(arguments.peers)))


if __name__ == "__main__":
    sys.exit(main())
