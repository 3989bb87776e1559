"""Requests per second beside FastAPI + LightGBM, on one machine in one run.

    python bench/serve/load.py target/release/modelwright MODEL DATA.csv [--seconds 5]

MODEL predicts `income` of the adult table and DATA is that table as CSV. Needs `wrk` on the path
and, in this Python, fastapi, uvicorn, lightgbm and pandas. Servers take turns, so that both
meet the same load of the machine; each number is the median of the turns.
"""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).parent
OURS, PEER = 18080, 18081


def wait_for(url, process):
    for _ in range(600):
        if process.poll() is not None:
            sys.exit(f"{url} ended with {process.returncode}")
        try:
            return urllib.request.urlopen(url, timeout=1).read()
        except OSError:
            time.sleep(0.1)
    sys.exit(f"{url} does not answer")


def lua(folder, name, body):
    """A wrk script that posts one body."""
    path = pathlib.Path(folder) / f"{name}.lua"
    path.write_text(
        'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
        f"wrk.body = [==[{body}]==]\n"
    )
    return path


def wrk(script, url, connections, seconds):
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", script, url]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        print(text, file=sys.stderr)
    unit = {"us": 1e-3, "ms": 1.0, "s": 1e3}
    of = lambda p: next(
        float(v) * unit[u] for v, u in re.findall(rf"\s{p}%\s+([\d.]+)(us|ms|s)", text)
    )
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
    return {"rate": rate, "p50_ms": of(50), "p99_ms": of(99)}


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16)
    options = parser.parse_args()
    import pandas as pd  # only here: others take this file's tools without it

    table = pd.read_csv(options.data).drop(columns="income")
    rows = json.loads(table.head(1000).to_json(orient="records"))
    servers = [
        subprocess.Popen([options.program, "serve", f"adult={options.model}", "--port", str(OURS),
                          "--quiet", "--log", "none"]),
        subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "peer:app", "--port", str(PEER), "--log-level",
             "error", "--no-access-log"],
            cwd=HERE, env={**os.environ, "PEER_DATA": os.path.abspath(options.data)}),
    ]
    try:
        wait_for(f"http://127.0.0.1:{OURS}/v2/health/ready", servers[0])
        wait_for(f"http://127.0.0.1:{PEER}/openapi.json", servers[1])
        with tempfile.TemporaryDirectory() as folder:
            measure(options, folder, rows, servers)
    finally:
        for server in servers:
            server.terminate()


def measure(options, folder, rows, servers):
    inputs = [{"name": n, "shape": [1],
               "datatype": "FP64" if isinstance(v, (int, float)) else "BYTES", "data": [v]}
              for n, v in rows[0].items()]
    one, many = json.dumps(rows[0]), json.dumps(rows)
    cases = [
        ("one row", "ours", one, f"http://127.0.0.1:{OURS}/predict"),
        ("one row", "fastapi, NumPy", one, f"http://127.0.0.1:{PEER}/predict"),
        ("one row", "fastapi, pandas", one, f"http://127.0.0.1:{PEER}/pandas"),
        ("one row, OIP v2", "ours", json.dumps({"inputs": inputs}),
         f"http://127.0.0.1:{OURS}/v2/models/adult/infer"),
        ("1,000 rows", "ours", many, f"http://127.0.0.1:{OURS}/predict"),
        ("1,000 rows", "fastapi, NumPy", many, f"http://127.0.0.1:{PEER}/predict"),
    ]
    found = {}
    for _ in range(options.turns):
        for i, (what, who, body, url) in enumerate(cases):
            script = lua(folder, f"case{i}", body)
            pid = servers[0 if who == "ours" else 1].pid
            before = cpu_seconds(pid)
            result = wrk(script, url, options.connections, options.seconds)
            spent = cpu_seconds(pid) - before
            result["cpu_us"] = 1e6 * spent / (result["rate"] * options.seconds)
            found.setdefault((what, who), []).append(result)
    print("| what | who | requests/s | p50 ms | p99 ms | CPU µs per request |")
    print("|---|---|---|---|---|---|")
    for (what, who), results in found.items():
        median = lambda key: statistics.median(r[key] for r in results)
        print(f"| {what} | {who} | {median('rate'):,.0f} | {median('p50_ms'):.2f} | "
              f"{median('p99_ms'):.2f} | {median('cpu_us'):.0f} |")
    rss = re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{servers[0].pid}/status").read_text())
    print(f"\nresident memory of ours afterwards: {int(rss[1]) / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
