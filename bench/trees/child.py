"""What runs inside a fresh process of a peer: one job in, one JSON line out."""

import concurrent.futures
import json
import sys

import numpy as np

from . import defaults, engines, explain, tables
from .configurations import WARM_ROUNDS
from .peers import PEERS
from .process import Cost

#: Rows of the fit that loads code and starts threads before the clock runs.
WARM_ROWS = 2_000


def warmed(peer, x, y):
    """The peer, after a fit of few rounds on few rows."""
    n = min(len(y), WARM_ROWS)
    peer.fit(peer.bin(x[:n], y[:n]), WARM_ROUNDS)
    return peer


def train(job):
    """Bins and trains once."""
    x, y, x_test, y_test = tables.load(job["data"], job["work"])
    peer = warmed(PEERS[job["library"]](job), x, y)
    cost = Cost()
    binned = peer.bin(x, y)
    bin_s = cost.seconds()
    cost.lap()
    model = peer.fit(binned, job["rounds"])
    seconds, cpu_s = cost.seconds(), cost.cpu_seconds()
    if peer.bin_s is not None:
        bin_s, seconds = peer.bin_s, seconds - peer.bin_s
    found = {"bin_s": bin_s, "train_s": seconds, "cpu_s": cpu_s, **cost.memory()}
    found["metric"], found["value"] = tables.quality(
        job["task"], y_test, peer.predict(model, x_test))
    return found


def small(job):
    """Out-of-fold predictions, fold after fold with all threads, or folds beside each other."""
    x, y, _, _ = tables.load(job["data"], job["work"])
    side_by_side = job["library"].endswith("-side-by-side")
    name = job["library"].removesuffix("-side-by-side")
    workers = job["threads"] if side_by_side else 1
    peer = warmed(PEERS[name]({**job, "threads": job["threads"] // workers}), x, y)
    predicted = np.zeros((len(y), max(job["n_classes"], 1)) if job["task"] == "multiclass"
                         else len(y))
    fold_of = np.arange(len(y)) % job["folds"]

    def fold(k):
        inside = fold_of != k
        model = peer.fit(peer.bin(x[inside], y[inside]), job["rounds"])
        predicted[~inside] = peer.predict(model, x[~inside])

    cost = Cost()
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        list(pool.map(fold, range(job["folds"])))
    found = {"seconds": cost.seconds(), "cpu_s": cost.cpu_seconds(), **cost.memory()}
    found["metric"], found["value"] = tables.quality(job["task"], y, predicted)
    return found


JOBS = {
    "train": train, "small": small, "lightgbm_file": engines.lightgbm_file,
    "predict": engines.predict, "shap": explain.contributions, "default": defaults.fit,
}


def main():
    """Runs the job given as JSON."""
    job = json.loads(sys.argv[1])
    print(json.dumps(JOBS[job["job"]](job)))


if __name__ == "__main__":
    main()
