"""Drift of real tables beside Evidently: the same values, and how long they take.

    python bench/monitor/beside_evidently.py --suite FOLDER [--sets a,b] [--times 5] [--rows 0]
        [--binary PATH]

FOLDER holds NAME/train.parquet and NAME/meta.json. The first half of a table's rows is the
reference, the second half what is compared with it; where a table has a column that tells years (or
its rows lie in time, as those of electricity do), the halves are earlier and later ones. Compared
are the columns that both judge, each by the measure that Evidently's preset chooses: its own
values from `DataDriftPreset`, ours from `monitor --reference`. Its time is that of `Report.run`
alone, with rows in memory; ours is the whole process, which reads model and files: once as it
comes, when it looks at all columns together, too, and once with each column alone, as Evidently
does. With `--rows` the halves are repeated until they have so many rows together. Evidently must be
importable.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "target" / "release" / "modelwright"
SETS = "adult,electricity,bank_churn,california_housing,diamonds,telco_churn"
MEASURES = {"K-S p_value": "ks", "chi-square p_value": "chisquare", "Z-test p_value": "z",
            "Wasserstein distance (normed)": "wasserstein",
            "Jensen-Shannon distance": "jensenshannon"}


def ours(program, folder, times, *more):
    """What `monitor` says of each column, and the median of its wall times."""
    command = [program, "monitor", "model", "now.parquet", "--reference", "then.parquet",
               "--no-predictions", "--json", "--quiet", *more]
    seconds = []
    for _ in range(times):
        begun = time.perf_counter()
        said = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
        seconds.append(time.perf_counter() - begun)
    columns = json.loads(said.stdout)["columns"]
    return {c["column"]: (c["measure"], c["score"]) for c in columns}, statistics.median(seconds)


def theirs(then, now, columns, times):
    """What Evidently says of each column, and the median time of its report."""
    names = {kind: [c for c in columns if pd.api.types.is_numeric_dtype(then[c]) == kind]
             for kind in (True, False)}
    definition = DataDefinition(numerical_columns=names[True], categorical_columns=names[False])
    reference, current = (Dataset.from_pandas(t[columns], data_definition=definition)
                          for t in (then, now))
    seconds = []
    for _ in range(times):
        begun = time.perf_counter()
        found = Report([DataDriftPreset()]).run(current, reference).dict()
        seconds.append(time.perf_counter() - begun)
    metrics = [(m["config"], m["value"]) for m in found["metrics"] if "column" in m["config"]]
    values = {c["column"]: (MEASURES.get(c["method"], c["method"]), v) for c, v in metrics}
    return values, statistics.median(seconds)


def compare(program, about, times, n_rows):
    """One table: columns, those with another measure, the largest difference, all times."""
    meta = json.loads(about.read_text())
    rows = pd.read_parquet(about.parent / "train.parquet")
    # Text is read as words by both, whatever type a file gives it.
    for column in rows.select_dtypes(exclude="number"):
        rows[column] = rows[column].astype(object)
    halves = rows.iloc[: len(rows) // 2], rows.iloc[len(rows) // 2:]
    n_times = max(1, -(-n_rows // len(rows)))
    then, now = (pd.concat([half] * n_times, ignore_index=True) for half in halves)
    with tempfile.TemporaryDirectory() as folder:
        then.to_parquet(f"{folder}/then.parquet")
        now.to_parquet(f"{folder}/now.parquet")
        subprocess.run([program, "train", "linear", "then.parquet", "--target", meta["target"],
                        "--out", "model", "--quiet"], cwd=folder, check=True, capture_output=True)
        own, own_s = ours(program, folder, times)
        alone, alone_s = ours(program, folder, times, "--no-multivariate")
    assert alone == own, "the columns are the same, whether looked at together or not"
    columns = [c for c in own if c in rows and own[c][0] in MEASURES.values()]
    other, other_s = theirs(then, now, columns, times)
    unlike = [c for c in columns if own[c][0] != other[c][0]]
    off = [(abs(own[c][1] - other[c][1]), c) for c in columns if c not in unlike]
    return len(then) + len(now), columns, unlike, max(off, default=(0.0, "-")), own_s, alone_s, other_s


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", type=pathlib.Path, required=True)
    parser.add_argument("--sets", default=SETS)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--binary", type=pathlib.Path, default=PROGRAM)
    asked = parser.parse_args()
    program = str(asked.binary.resolve())
    print("| data | rows | columns | another measure | largest difference | ours, s | "
          "columns alone, s | Evidently, s | times | alone |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name in asked.sets.split(","):
        n, columns, unlike, (most, where), own_s, alone_s, other_s = compare(
            program, asked.suite / name / "meta.json", asked.times, asked.rows)
        print(f"| {name} | {n:,} | {len(columns)} | {', '.join(unlike) or '–'} | {most:.1e} "
              f"({where}) | {own_s:.3f} | {alone_s:.3f} | {other_s:.3f} | {other_s / own_s:.0f} | "
              f"{other_s / alone_s:.0f} |", flush=True)


if __name__ == "__main__":
    main()
