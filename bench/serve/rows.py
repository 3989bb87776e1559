"""What one row costs a server, by model: processor time of the server per request.

    python bench/serve/rows.py target/release/modelwright MODEL... [--seconds 2] [--connections 4]

Each model is served by itself; the row is the example of its OpenAPI document, asked by `wrk`.
Processor time is what other work on the machine disturbs least. The last column says which share
of the requests went the quick way.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time
import urllib.request

from load import lua, wrk

PORT = 18085
BASE = f"http://127.0.0.1:{PORT}"


def get(path):
    return urllib.request.urlopen(BASE + path, timeout=5).read().decode()


def count(metrics, name):
    return sum(float(v) for v in re.findall(rf"^{name}\{{[^}}]*\}} (\S+)", metrics, re.M))


def ticks(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return [int(fields[i]) / os.sysconf("SC_CLK_TCK") for i in (11, 12)]


def measure(program, model, seconds, connections):
    process = subprocess.Popen([program, "serve", f"one={model}", "--port", str(PORT), "--quiet",
                                "--log", "none", "--watch", "0"])
    try:
        for _ in range(200):
            try:
                document = json.loads(get("/openapi.json"))
                break
            except OSError:
                time.sleep(0.05)
        post = document["paths"]["/models/one/predict"]["post"]
        row = json.dumps(post["x-modelwright-model"]["example"])
        before = ticks(process.pid)
        with tempfile.TemporaryDirectory() as folder:
            found = wrk(lua(folder, "row", row), BASE + "/predict", connections, seconds)
        spent = [b - a for a, b in zip(before, ticks(process.pid))]
        metrics = get("/metrics")
        n = count(metrics, "nv_inference_exec_count")
        quick = count(metrics, "modelwright_quick_requests_total")
        user, system = (1e6 * s / n for s in spent)
        print(f"{model}: {found['rate']:,.0f}/s, user {user:.1f} µs, system {system:.1f} µs, "
              f"p99 {found['p99_ms']:.2f} ms, quick {quick / n:.0%}", flush=True)
    finally:
        process.terminate()
        process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--connections", type=int, default=4)
    options = parser.parse_args()
    for model in options.models:
        measure(options.program, model, options.seconds, options.connections)


if __name__ == "__main__":
    main()
