"""Drift of 10 million rows of 100 columns from Parquet: wall time, CPU time and memory.

    python bench/monitor/large.py [--binary PATH] [--rows 10000000] [--columns 100]

A linear model of 20,000 rows is watched. The rows are in a file of a temporary folder (80 numbers and
20 categories; 1,000,000 of them are drawn, and written as often as it takes), which is deleted. Printed
as JSON: seconds of `monitor --no-predictions` (columns alone) and of `monitor` (which also predicts
every row), user and system seconds, and the largest resident memory.
"""

import argparse
import json
import resource
import subprocess
import tempfile
import time
from pathlib import Path

import numpy
import pyarrow
import pyarrow.parquet

N_DRAWN, N_TRAIN, SHARE_OF_TEXT = 1_000_000, 20_000, 0.2


def table(n_rows, n_columns, seed):
    draw = numpy.random.default_rng(seed)
    n_texts = int(n_columns * SHARE_OF_TEXT)
    columns = {f"x{i}": draw.normal(size=n_rows).astype("float32") for i in range(n_columns - n_texts)}
    words = pyarrow.array([f"level {k}" for k in range(12)])
    for i in range(n_texts):
        codes = pyarrow.array(draw.integers(0, 12, n_rows, dtype="int32"))
        columns[f"c{i}"] = pyarrow.DictionaryArray.from_arrays(codes, words)
    score = columns["x0"] + columns["x1"] + draw.normal(size=n_rows)
    columns["y"] = numpy.where(score > 0, "yes", "no")
    return pyarrow.table(columns)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", default="target/release/modelwright")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--columns", type=int, default=100)
    given = parser.parse_args()
    binary = str(Path(given.binary).resolve())
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        pyarrow.parquet.write_table(table(N_TRAIN, given.columns, 1), folder / "train.parquet")
        train = ["train", "linear", "train.parquet", "--target", "y", "--out", "m", "-q"]
        subprocess.run([binary, *train], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        n_drawn = min(N_DRAWN, given.rows)
        rows = table(n_drawn, given.columns, 2).drop_columns(["y"])
        with pyarrow.parquet.ParquetWriter(folder / "large.parquet", rows.schema) as file:
            for begin in range(0, given.rows, n_drawn):
                file.write_table(rows.slice(0, min(n_drawn, given.rows - begin)))
        size = (folder / "large.parquet").stat().st_size
        print(json.dumps({"rows": given.rows, "columns": given.columns, "file_mb": size // 10**6}))
        for more in (["--no-predictions"], []):
            command = [binary, "monitor", "m", "large.parquet", "--json", "-q", *more]
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            began = time.perf_counter()
            done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
            seconds = time.perf_counter() - began
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            print(json.dumps({
                "command": " ".join(command[1:]),
                "seconds": round(seconds, 1),
                "user_s": round(after.ru_utime - before.ru_utime, 1),
                "system_s": round(after.ru_stime - before.ru_stime, 1),
                "peak_mb": after.ru_maxrss // 1024,
                "status": json.loads(done.stdout)["verdict"]["status"],
            }), flush=True)


if __name__ == "__main__":
    main()
