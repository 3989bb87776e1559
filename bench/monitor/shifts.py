"""Forty planted shifts: when they are seen, beside Evidently and river's ADWIN.

    python bench/monitor/shifts.py [--binary PATH] [--nulls 1000] [--no-peers]

A model of 4,000 rows is watched in batches of 400 with answers. Eight batches are like the training,
eight follow a shift: covariate (a column moves), label (a class becomes more frequent), concept (the
answer depends on a column in another way), unit (a column is given in another unit), broken (a column is
missing, stuck or shuffled). A tool sees a batch when it says so of it:

  ours       the verdict of `monitor` is not `stable`
  history    the same with `--history`: a watch that also remembers what earlier batches were like
  evidently  any column drifted by DataDriftPreset, columns and target, reference the training rows
  adwin      river's ADWIN on the errors of the model, row by row

Printed: the share of shifts that were seen, the median delay in batches (1 is the first shifted one), and
false alarms in the batches before the shift. With --nulls also the share of so many null batches that
our monitor flags, each beside a fresh draw.
"""

import argparse
import json
import random
import statistics
import subprocess
import tempfile
from pathlib import Path

N_TRAIN, N_BATCH, N_BEFORE, N_AFTER = 4000, 400, 8, 8


def base(draw):
    x = {
        "a": draw.gauss(0, 1),
        "b": draw.gauss(10, 3),
        "c": draw.choice(["red", "green", "blue"]),
        "d": round(draw.expovariate(1 / 50), 2),
        "e": float(draw.randrange(6)),
    }
    return x


def answer(x, draw, turn=0.0):
    score = (1 - 2 * turn) * x["a"] + 0.3 * (x["b"] - 10) + (0.8 if x["c"] == "red" else -0.4)
    return "yes" if score + draw.gauss(0, 0.8) > 0 else "no"


def shifts():
    for size in (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0):
        yield f"covariate {size}", lambda x, d, s=size: {**x, "a": x["a"] + s}, 0.0, None, False
    for share in (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5):
        yield f"label {share}", None, 0.0, share, False
    for turn in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0):
        yield f"concept {turn}", None, turn, None, False
    for factor in (0.001, 0.01, 0.1, 0.4536, 2.2046, 12.0, 100.0, 1000.0):
        yield f"unit {factor}", lambda x, d, f=factor: {**x, "d": x["d"] * f}, 0.0, None, True
    for kind in ("missing 10%", "missing 30%", "missing all", "stuck b", "stuck c", "new level",
                 "shuffled a", "text in b"):
        yield f"broken {kind}", breaker(kind), 0.0, None, True


def breaker(kind):
    def change(x, draw):
        x = dict(x)
        if kind.startswith("missing"):
            share = {"10%": 0.1, "30%": 0.3, "all": 1.0}[kind.split()[1]]
            if draw.random() < share:
                x["d"] = ""
        elif kind == "stuck b":
            x["b"] = 10.0
        elif kind == "stuck c":
            x["c"] = "red"
        elif kind == "new level":
            x["c"] = draw.choice(["red", "green", "blue", "violet"])
        elif kind == "shuffled a":
            x["a"] = draw.gauss(0, 1)
        elif kind == "text in b" and draw.random() < 0.05:
            x["b"] = "n/a?"
        return x
    return change


def batch(n, draw, change=None, turn=0.0, share=None, late=False):
    """Rows; `late` changes happen after the answer was drawn, as in a broken pipeline."""
    out = []
    while len(out) < n:
        x = base(draw)
        if change and not late:
            x = change(x, draw)
        y = answer(x, draw, turn)
        if share is not None and y == "no" and draw.random() < share:
            continue
        if change and late:
            x = change(x, draw)
        out.append({**x, "y": y})
    return out


def write(path, rows):
    names = list(rows[0])
    path.write_text("\n".join([",".join(names), *(",".join(str(r[n]) for n in names) for r in rows)]) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", default="target/release/modelwright")
    parser.add_argument("--nulls", type=int, default=0)
    parser.add_argument("--no-peers", action="store_true")
    given = parser.parse_args()
    binary = str(Path(given.binary).resolve())
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)

        def run(*args):
            done = subprocess.run([binary, *args, "--threads", "1"], cwd=folder, capture_output=True, text=True)
            if done.returncode != 0:
                raise SystemExit(f"{args}: {done.stderr}")
            return done.stdout

        train = batch(N_TRAIN, random.Random(1))
        write(folder / "train.csv", train)
        run("train", "gbdt", "train.csv", "--target", "y", "--out", "m", "-q")
        tools = {"ours": lambda rows: ours(run, folder, rows)}
        if not given.no_peers:
            tools["evidently"] = evidently(train)
        streams = {"history": remembering} | ({} if given.no_peers else {"adwin": adwin})
        results = {name: [] for name in [*tools, *streams]}
        for number, (name, change, turn, share, late) in enumerate(shifts()):
            draw = random.Random(100 + number)
            before = [batch(N_BATCH, draw) for _ in range(N_BEFORE)]
            after = [batch(N_BATCH, draw, change, turn, share, late) for _ in range(N_AFTER)]
            line = {"shift": name}
            for tool, sees in tools.items():
                false = sum(sees(rows) for rows in before[:4])
                delay = next((i + 1 for i, rows in enumerate(after) if sees(rows)), None)
                results[tool].append((delay, false / 4))
                line[tool] = delay
            for tool, follow in streams.items():
                found = follow(run, folder, before, after)
                results[tool].append(found)
                line[tool] = found[0]
            print(json.dumps(line), flush=True)
        for tool, found in results.items():
            seen = [d for d, _ in found if d is not None]
            print(json.dumps({
                "tool": tool, "seen": len(seen), "of": len(found),
                "median_delay": statistics.median(seen) if seen else None,
                "false_alarms": statistics.mean(f for _, f in found),
            }))
        if given.nulls:
            flagged = sum(
                ours(run, folder, batch(N_BATCH, random.Random(10_000 + i))) for i in range(given.nulls)
            )
            print(json.dumps({"nulls": given.nulls, "flagged": flagged, "share": flagged / given.nulls}))


def ours(run, folder, rows):
    write(folder / "batch.csv", rows)
    found = json.loads(run("monitor", "m", "batch.csv", "--json", "-q"))
    return found["verdict"]["status"] != "stable"


def remembering(run, folder, before, after):
    (folder / "history.json").unlink(missing_ok=True)
    seen = []
    for number, rows in enumerate(before + after):
        # Each batch is a file of its own: one that is given again counts once.
        name = f"batch-{number}.csv"
        write(folder / name, rows)
        found = json.loads(run("monitor", "m", name, "--history", "history.json", "--json", "-q"))
        seen.append(found["verdict"]["status"] != "stable")
    delay = next((i + 1 for i, is_seen in enumerate(seen[N_BEFORE:]) if is_seen), None)
    return delay, sum(seen[:N_BEFORE]) / N_BEFORE


def evidently(train):
    import pandas as pd
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    definition = DataDefinition(numerical_columns=["a", "b", "d", "e"], categorical_columns=["c", "y"])

    def frame(rows):
        table = pd.DataFrame(rows)
        for column in ["a", "b", "d", "e"]:
            table[column] = pd.to_numeric(table[column], errors="coerce")
        return Dataset.from_pandas(table, data_definition=definition)

    reference = frame(train)

    def sees(rows):
        try:
            snapshot = Report([DataDriftPreset()]).run(frame(rows), reference)
        except Exception:  # noqa: BLE001 - an empty column makes it fail: somebody notices
            return True
        counts = snapshot.dict()["metrics"][0]["value"]
        return counts["count"] > 0

    return sees


def adwin(run, folder, before, after):
    from river.drift import ADWIN

    detector, false = ADWIN(), 0
    for number, rows in enumerate(before + after):
        write(folder / "batch.csv", rows)
        alarmed, said = False, []
        try:
            said = run("predict", "m", "batch.csv", "-q").splitlines()
        except SystemExit:
            # The rows are refused, and somebody hears of it.
            alarmed = True
        labels = [line.split(",")[0] for line in said[1:]]
        for row, label in zip(rows, labels):
            detector.update(float(label != row["y"]))
            alarmed |= detector.drift_detected
        if alarmed and number < len(before):
            false += 1
        if alarmed and number >= len(before):
            return number - len(before) + 1, false / len(before)
    return None, false / len(before)


if __name__ == "__main__":
    main()
