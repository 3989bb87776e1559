"""Times `modelwright predict` on the adult table repeated to a million rows.

    cargo xtask bench predict [--time 30] [--copies 21] [--runs 3]

The model is fitted first, within the given budget. File reading, encoding and writing are part of
the time; the median of the runs is what counts.
"""

import argparse
import gzip
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "target" / "release" / "modelwright"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--time", type=float, default=30)
    parser.add_argument("--copies", type=int, default=21)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    header, rows = gzip.open(ROOT / "testdata" / "adult.csv.gz").read().split(b"\n", 1)
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        data, model = scratch / "rows.csv", scratch / "model"
        data.write_bytes(header + b"\n" + rows * arguments.copies)
        n_rows = rows.count(b"\n") * arguments.copies
        subprocess.run([PROGRAM, "fit", ROOT / "testdata" / "adult.csv.gz", "--target", "income",
                        "--time", f"{arguments.time}s", "--out", model, "--quiet"],
                       check=True, stdout=subprocess.DEVNULL)
        seconds = []
        for _ in range(arguments.runs):
            begun = time.monotonic()
            subprocess.run([PROGRAM, "predict", model, data, "-o", scratch / "out.csv", "--quiet",
                            "--threads", str(arguments.threads)], check=True)
            seconds.append(time.monotonic() - begun)
        median = statistics.median(seconds)
        print(f"{n_rows} rows in {median:.2f} s: {n_rows / median:,.0f} rows/s")


if __name__ == "__main__":
    sys.exit(main())
