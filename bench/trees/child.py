"""What runs inside a fresh process of a peer: one job in, one JSON line out."""

import json
import sys

from . import tables
from .configurations import WARM_ROUNDS
from .peers import PEERS
from .process import Cost


def train(job):
    """Bins and trains once, after a fit of few rounds that loads code and starts threads."""
    x, y, x_test, y_test = tables.load(job["data"], job["work"])
    peer = PEERS[job["library"]](job["task"], job["n_classes"], job["leaves"], job["threads"])
    n = min(len(y), 2_000)
    peer.fit(peer.bin(x[:n], y[:n]), WARM_ROUNDS)
    cost = Cost()
    binned = peer.bin(x, y)
    bin_s = cost.seconds()
    cost.lap()
    model = peer.fit(binned, job["rounds"])
    seconds, cpu_s = cost.seconds(), cost.cpu_seconds()
    if peer.bin_s is not None:
        bin_s, seconds = peer.bin_s, seconds - peer.bin_s
    found = {"bin_s": bin_s, "train_s": seconds, "cpu_s": cpu_s, "base_mb": cost.base_mb,
             "peak_mb": cost.peak_mb()}
    found["metric"], found["value"] = tables.quality(
        job["task"], y_test, peer.predict(model, x_test))
    return found


JOBS = {"train": train}


def main():
    """Runs the job given as JSON."""
    job = json.loads(sys.argv[1])
    print(json.dumps(JOBS[job["job"]](job)))


if __name__ == "__main__":
    main()
