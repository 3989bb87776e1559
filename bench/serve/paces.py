"""How a server answers at half of what it can, at ten times that, and over gRPC.

    python bench/serve/paces.py target/release/modelwright MODEL [--seconds 5]

One row (the example of the OpenAPI document) over kept connections, by `wrk`, which shares the
machine. First as fast as it goes; then at about half of that rate (each connection pauses between
its requests); then lists of 1,000 rows on ten times as many connections as the server takes
requests at a time, and single rows again right after. Last, with tritonclient, 2,000 single rows
one after the other over gRPC and over REST: what counts there is the server's processor time, as
most of the time is the client's.
"""

import argparse
import json
import pathlib
import re
import subprocess
import tempfile
import time
import urllib.request

from load import cpu_seconds, lua

PORT, N_CALLS, REQUESTS_MAX = 18086, 2000, 16
BASE = f"http://127.0.0.1:{PORT}"


def wrk(script, path, connections, seconds):
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "--latency",
               "-s", script, BASE + path]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    unit = {"us": 1e-3, "ms": 1.0, "s": 1e3}
    of = lambda p: next(float(v) * unit[u]
                        for v, u in re.findall(rf"\s{p}%\s+([\d.]+)(us|ms|s)", text))
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    broken = re.search(r"Socket errors: (.*)", text)
    return {"rate": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),
            "n": int(re.search(r"(\d+) requests in", text)[1]),
            "refused": int(refused[1]) if refused else 0, "broken": broken[1] if broken else "none",
            "p50": of(50), "p99": of(99)}


def shown(what, r):
    print(f"{what}: {r['rate']:,.0f}/s, p50 {r['p50']:.2f} ms, p99 {r['p99']:.2f} ms, refused "
          f"{r['refused']:,} of {r['n']:,}, broken: {r['broken']}", flush=True)
    return r


def paces(folder, row, seconds):
    fast = lua(folder, "fast", row)
    best = max((shown(f"as fast as it goes, {n} connections", wrk(fast, "/predict", n, seconds))
                for n in (8, 32)), key=lambda r: r["rate"])
    half, pause_ms = best["rate"] / 2, 4
    slow = pathlib.Path(folder) / "slow.lua"
    slow.write_text(fast.read_text() + f"function delay() return {pause_ms} end\n")
    n = max(1, round(half * (pause_ms + best["p50"]) / 1e3))
    shown(f"at about half of that, {n} connections", wrk(slow, "/predict", n, seconds))
    many = lua(folder, "many", f"[{','.join([row] * 1000)}]")
    usual = shown(f"1,000 rows, {REQUESTS_MAX} connections",
                  wrk(many, "/predict", REQUESTS_MAX, seconds))
    over = shown(f"1,000 rows, {10 * REQUESTS_MAX} connections",
                 wrk(many, "/predict", 10 * REQUESTS_MAX, seconds))
    print(f"  of these answered {(over['n'] - over['refused']) / seconds:,.0f}/s, "
          f"where {usual['rate']:,.0f}/s were before")
    shown("one row right after", wrk(fast, "/predict", 8, seconds))


def protocols(row, pid):
    import numpy as np
    import tritonclient.grpc as triton_grpc
    import tritonclient.http as triton_http

    for name, module, address in (("gRPC", triton_grpc, f"127.0.0.1:{PORT}"),
                                  ("REST, binary tensors", triton_http, f"127.0.0.1:{PORT}")):
        client = module.InferenceServerClient(address)
        inputs = []
        for column, value in json.loads(row).items():
            is_number = isinstance(value, (int, float))
            tensor = module.InferInput(column, [1], "FP64" if is_number else "BYTES")
            tensor.set_data_from_numpy(np.array([value], float if is_number else object))
            inputs.append(tensor)
        client.infer("one", inputs)
        before, begun = cpu_seconds(pid), time.perf_counter()
        for _ in range(N_CALLS):
            client.infer("one", inputs)
        spent, seconds = cpu_seconds(pid) - before, time.perf_counter() - begun
        print(f"{name}: {N_CALLS / seconds:,.0f}/s from one client, server "
              f"{1e6 * spent / N_CALLS:.0f} µs of processor time a call")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("model")
    parser.add_argument("--seconds", type=int, default=5)
    options = parser.parse_args()
    begun = time.perf_counter()
    process = subprocess.Popen(
        [options.program, "serve", f"one={options.model}", "--port", str(PORT), "--quiet", "--log",
         "none", "--watch", "0", "--max-requests", str(REQUESTS_MAX)])
    try:
        while True:
            try:
                urllib.request.urlopen(BASE + "/v2/health/ready", timeout=5).read()
                break
            except OSError:
                time.sleep(0.002)
        print(f"ready after {1e3 * (time.perf_counter() - begun):.0f} ms")
        document = json.load(urllib.request.urlopen(BASE + "/openapi.json"))
        post = document["paths"]["/models/one/predict"]["post"]
        row = json.dumps(post["x-modelwright-model"]["example"])
        with tempfile.TemporaryDirectory() as folder:
            paces(folder, row, options.seconds)
        try:
            protocols(row, process.pid)
        except ImportError as cause:
            print(f"gRPC was not compared: {cause}")
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        rss = re.search(r"VmRSS:\s+(\d+)", status)
        print(f"resident memory afterwards: {int(rss[1]) / 1024:.0f} MiB")
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
