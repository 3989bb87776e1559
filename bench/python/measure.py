"""The Python package beside its peers: python bench/python/measure.py [--rows N] [--threads N]

Each figure is the best of several runs in one process of its own; LightGBM gets the same rows,
the same number of threads and the same trees (the booster is imported, so that both predict the
same). Needs the package, lightgbm and pandas. Prints one JSON document.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np


def best(work: Any, repeats: int = 5) -> float:
    """The least seconds of some runs, after one that does not count."""
    work()
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)


def table(n_rows: int, n_columns: int = 28) -> Any:
    import pandas as pd

    random = np.random.default_rng(0)
    x = random.normal(size=(n_rows, n_columns)).astype(np.float32)
    score = x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2]) + x[:, 3] + random.normal(0, 1, n_rows)
    frame = pd.DataFrame(x, columns=[f"x{i}" for i in range(n_columns)])
    return frame, (score > 0).astype(int)


def predict(n_rows: int, threads: int) -> dict[str, float]:
    """Probabilities of a frame by the same 200 trees, and of one row as a dict."""
    import lightgbm as lgb
    import modelwright as mw

    frame, y = table(n_rows)
    learn = min(n_rows, 50_000)
    booster = lgb.LGBMClassifier(n_estimators=200, num_leaves=31, n_jobs=threads, verbose=-1)
    booster.fit(frame[:learn], y[:learn])
    model = mw.import_model(booster, target="y")
    model._threads = threads
    theirs, ours = booster.predict_proba(frame), model.predict_proba(frame).to_numpy()
    assert np.abs(theirs - ours).max() < 1e-9
    row = {name: float(value) for name, value in frame.iloc[0].items()}
    one_row = best(lambda: [model.predict_proba(row) for _ in range(200)]) / 200
    found = {
        "n_rows": n_rows,
        "lightgbm_s": best(lambda: booster.predict_proba(frame), 3),
        "modelwright_s": best(lambda: model.predict_proba(frame), 3),
        "lightgbm_one_row_us": best(lambda: booster.predict_proba(frame[:1]), 20) * 1e6,
        "modelwright_one_dict_us": one_row * 1e6,
    }
    found["times_faster"] = found["lightgbm_s"] / found["modelwright_s"]
    return found


def memory_mb() -> tuple[float, float]:
    """Resident now, and at most so far."""
    lines = Path("/proc/self/status").read_text().splitlines()
    kib = {k: int(v.split()[0]) for k, v in (l.split(":") for l in lines) if k in ("VmRSS", "VmHWM")}
    return kib["VmRSS"] / 1024, kib["VmHWM"] / 1024


def fit_start(n_rows: int, threads: int) -> dict[str, float]:
    """Memory above what was there before, until the search begins and in all, in MB."""
    import modelwright as mw

    random = np.random.default_rng(0)
    x = random.standard_normal((n_rows, 28), dtype=np.float32)
    y = (x[:, 0] + x[:, 1] > 0).astype(np.int8)
    mw.train("baseline", x[:1000], y[:1000])
    before, _ = memory_mb()
    found: dict[str, float] = {"input_mb": x.nbytes / 2**20, "bins_mb": x.size / 2**20}

    def look(kind: str, text: str, *_: Any) -> None:
        if kind == "phase":
            found[f"peak_at_{text.split()[0]}_mb"] = memory_mb()[1] - before

    params = {"n_rounds": 10}
    mw.train("gbdt", x, y, params=params, folds=0, threads=threads, callback=look)
    found["peak_mb"] = memory_mb()[1] - before
    return found


def titanic_like(threads: int) -> dict[str, float]:
    """Wall seconds of import, a fit of five seconds and a prediction, in a fresh interpreter."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from measure import table\n"
        "import modelwright as mw\n"
        "frame, y = table(891, 11)\n"
        "model = mw.fit(frame, y, time_limit=5)\n"
        "model.predict(frame)\n"
    )
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-W", "ignore", "-c", code, str(Path(__file__).parent)], check=True)
    return {"import_fit_predict_s": time.perf_counter() - begun}


def size_and_import() -> dict[str, float]:
    """Bytes on disk, and seconds of import beyond NumPy's."""
    files = importlib.metadata.files("modelwright") or []
    installed = sum(Path(str(f.locate())).stat().st_size for f in files if Path(str(f.locate())).exists())
    code = "import time, numpy; t = time.process_time(); import modelwright; print(time.process_time() - t)"
    times = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout)
        for _ in range(5)
    ]
    return {"installed_mb": installed / 1e6, "import_ms": 1e3 * min(times)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=["predict", "fit_start", "titanic", "size"])
    arguments = parser.parse_args()
    parts = {
        "size": size_and_import,
        "titanic": lambda: titanic_like(arguments.threads),
        "fit_start": lambda: fit_start(arguments.rows, arguments.threads),
        "predict": lambda: predict(arguments.rows, arguments.threads),
    }
    if arguments.only:
        print(json.dumps(parts[arguments.only](), indent=2))
        return
    found = {}
    for name in parts:
        # Memory of one must not count for another.
        command = [sys.executable, __file__, "--only", name, "--rows", str(arguments.rows)]
        command += ["--threads", str(arguments.threads)]
        done = subprocess.run(command, capture_output=True, text=True)
        found[name] = json.loads(done.stdout) if done.returncode == 0 else done.stderr[-400:]
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
