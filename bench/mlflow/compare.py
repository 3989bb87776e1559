"""`modelwright ui` beside `mlflow server`: the same calls of the same client, in one run.

    python -m venv /tmp/v && /tmp/v/bin/pip install -r bench/mlflow/requirements.txt
    cargo build --release && /tmp/v/bin/python bench/mlflow/compare.py

Prints a table: time to the first healthy answer, memory of all processes of the server, and
medians of single calls over one kept connection (raw HTTP, so that no client hides the server).
`--ours-only` needs no mlflow.
"""

import argparse
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid

import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "target" / "release" / "modelwright"
API = "/api/2.0/mlflow"


def children(pid):
    found = [pid]
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue
        if int(text.rsplit(")", 1)[1].split()[1]) == pid:
            found += children(int(path.parent.name))
    return found


def memory_mb(pid):
    """Proportional memory of a process and its children: shared pages count once."""
    total = 0
    for child in children(pid):
        try:
            text = pathlib.Path(f"/proc/{child}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(l.split()[1]) for l in text.splitlines() if l.startswith("Pss:"))
    return total / 1024


class Server:
    def __init__(self, name, command, port):
        self.name, self.url = name, f"http://127.0.0.1:{port}"
        began = time.perf_counter()
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, start_new_session=True)
        while True:
            try:
                if requests.get(self.url + "/health", timeout=1).status_code == 200:
                    break
            except requests.RequestException:
                pass
            if time.perf_counter() - began > 180:
                sys.exit(f"{name} did not start")
            time.sleep(0.005)
        self.start_s = time.perf_counter() - began
        self.session = requests.Session()

    def post(self, path, fields):
        reply = self.session.post(self.url + API + path, json=fields, timeout=60)
        reply.raise_for_status()
        return reply.json()

    def get(self, path, **fields):
        reply = self.session.get(self.url + API + path, params=fields, timeout=60)
        reply.raise_for_status()
        return reply.json()

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(timeout=30)


def median_ms(call, n):
    times = []
    for i in range(n):
        began = time.perf_counter()
        call(i)
        times.append((time.perf_counter() - began) * 1e3)
    return statistics.median(times)


def measure(server, n):
    found = {"start, s": server.start_s, "memory idle, MB": memory_mb(server.process.pid)}
    experiment = server.post("/experiments/create", {"name": uuid.uuid4().hex})["experiment_id"]
    new = lambda: server.post("/runs/create", {
        "experiment_id": experiment, "start_time": 1, "tags": [],
    })["run"]["info"]["run_id"]
    run = new()

    def metric(i):
        server.post("/runs/log-metric", {
            "run_id": run, "key": "loss", "value": 1 / (i + 1), "timestamp": i, "step": i})

    def batch(i):
        server.post("/runs/log-batch", {"run_id": run, "metrics": [
            {"key": f"m{j % 20}", "value": j, "timestamp": i, "step": 1000 * i + j}
            for j in range(1000)
        ]})

    def param(i):
        server.post("/runs/log-parameter", {"run_id": run, "key": f"p{i}", "value": str(i)})

    found["log-metric, ms"] = median_ms(metric, n)
    found["log-parameter, ms"] = median_ms(param, n)
    found["1,000 metrics, ms"] = median_ms(batch, max(5, n // 10))
    found["create run, ms"] = median_ms(lambda i: new(), n)
    found["get run, ms"] = median_ms(lambda i: server.get("/runs/get", run_id=run), n)
    for i in range(200):
        one = new()
        server.post("/runs/log-batch", {
            "run_id": one, "metrics": [{"key": "auc", "value": i, "timestamp": 1, "step": 0}],
            "params": [{"key": "depth", "value": str(i % 5)}]})
    search = {"experiment_ids": [experiment], "max_results": 20, "order_by": ["metrics.auc DESC"],
              "filter": "metrics.auc > 10 and params.depth = '3'"}
    found["search 200 runs, ms"] = median_ms(lambda i: server.post("/runs/search", search), n)
    found["history of a metric, ms"] = median_ms(
        lambda i: server.get("/metrics/get-history", run_id=run, metric_key="m1"), n)
    data = os.urandom(1 << 20)
    files = server.url + f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts"

    def upload(i):
        server.session.put(f"{files}/f{i}", data=data, timeout=60).raise_for_status()

    found["upload 1 MB, ms"] = median_ms(upload, max(5, n // 5))
    found["memory after, MB"] = memory_mb(server.process.pid)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ours-only", action="store_true")
    parser.add_argument("--n", type=int, default=100, help="calls of each kind")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    columns = {}
    with tempfile.TemporaryDirectory() as folder:
        servers = [("modelwright ui", [
            str(PROGRAM), "ui", "--store", f"{folder}/store", "--port", "5301"], 5301)]
        if not asked.ours_only:
            servers.append(("mlflow server", [
                sys.executable, "-m", "mlflow", "server", "--workers", "1", "--port", "5302",
                "--backend-store-uri", f"sqlite:///{folder}/mlflow.db",
                "--artifacts-destination", f"{folder}/artifacts"], 5302))
        for name, command, port in servers:
            server = Server(name, command, port)
            try:
                columns[name] = measure(server, asked.n)
            finally:
                server.stop()
    if asked.json:
        print(json.dumps(columns, indent=1))
        return
    names = list(columns)
    print(f"{'':26}" + "".join(f"{name:>16}" for name in names))
    for line in columns[names[0]]:
        print(f"{line:26}" + "".join(f"{columns[name][line]:16.2f}" for name in names))


if __name__ == "__main__":
    main()
