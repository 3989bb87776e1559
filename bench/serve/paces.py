"""How a server answers at half of what it can, at ten times that, and over gRPC.

    python bench/serve/paces.py target/release/modelwright MODEL [--seconds 5]

One row (the example of the OpenAPI document) over kept connections, by `wrk`, which shares the
machine. First as fast as it goes; then at about half of that rate: each connection pauses for a
random time between its requests, so that they do not come in bursts. Beside the times that `wrk`
saw stand those of the server, from the head of a request to its answer: what lies between is the
machine's, which two or three busy threads share. Then lists of 1,000 rows on ten times as many
connections as the server takes requests at a time, and single rows again right after.

Last gRPC and REST. With `h2load`, one client for both, on 8 connections; with tritonclient, one
request after the other, where most of the time is the client's. The processor time of the server
is that per call.
"""

import argparse
import json
import pathlib
import re
import shutil
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


def served_times():
    """How many requests were answered within each time, by the server's own clock."""
    text = urllib.request.urlopen(BASE + "/metrics", timeout=5).read().decode()
    found = re.findall(r'^modelwright_request_seconds_bucket\{.*le="(\S+)"\} (\d+)', text, re.M)
    return {float(end): int(n) for end, n in found}


def share_within(before, after, milliseconds):
    n = {end: after[end] - before[end] for end in after}
    return n[milliseconds / 1e3] / max(1, n[float("inf")])


def paces(folder, row, seconds):
    fast = lua(folder, "fast", row)
    best = max((shown(f"as fast as it goes, {n} connections", wrk(fast, "/predict", n, seconds))
                for n in (8, 32)), key=lambda r: r["rate"])
    half, pause_ms = best["rate"] / 2, 4
    slow = pathlib.Path(folder) / "slow.lua"
    # Its pauses are whole milliseconds, on average those of `pause_ms`.
    pause = f"function delay() return math.random(1, {2 * pause_ms - 1}) end\n"
    slow.write_text(fast.read_text() + pause)
    n = max(1, round(half * (pause_ms + best["p50"]) / 1e3))
    before = served_times()
    shown(f"at about half of that, {n} connections", wrk(slow, "/predict", n, seconds))
    after = served_times()
    print(f"  by the server's clock within 0.1 ms {share_within(before, after, 0.1):.3%}, within "
          f"1 ms {share_within(before, after, 1):.3%}")
    many = lua(folder, "many", f"[{','.join([row] * 1000)}]")
    usual = shown(f"1,000 rows, {REQUESTS_MAX} connections",
                  wrk(many, "/predict", REQUESTS_MAX, seconds))
    over = shown(f"1,000 rows, {10 * REQUESTS_MAX} connections",
                 wrk(many, "/predict", 10 * REQUESTS_MAX, seconds))
    print(f"  of these answered {(over['n'] - over['refused']) / seconds:,.0f}/s, "
          f"where {usual['rate']:,.0f}/s were before")
    shown("one row right after", wrk(fast, "/predict", 8, seconds))


def h2load(name, path, body, headers, seconds, pid, *more):
    """Requests per second by one program for all protocols, and the server's time for each."""
    command = ["h2load", "-t1", "-c8", "-m1", "-D", str(seconds), "-d", body, *more]
    for header in headers:
        command += ["-H", header]
    before = cpu_seconds(pid)
    ran = subprocess.run(command + [BASE + path], check=True, capture_output=True, text=True)
    text = ran.stdout
    spent = cpu_seconds(pid) - before
    rate = float(re.search(r"([\d.]+) req/s", text)[1])
    n = int(re.search(r"status codes: (\d+) 2xx", text)[1])
    print(f"{name}: {rate:,.0f}/s, server {1e6 * spent / n:.1f} µs of processor time a call")


def by_h2load(folder, row, inputs, seconds, pid):
    import tritonclient.grpc.service_pb2 as oip

    request = oip.ModelInferRequest(model_name="one")
    for tensor in inputs:
        request.inputs.append(tensor._get_tensor())
        request.raw_input_contents.append(tensor._get_content())
    message = request.SerializeToString()
    raw = pathlib.Path(folder) / "message"
    # gRPC puts a byte (not compressed) and a length before each message.
    raw.write_bytes(b"\0" + len(message).to_bytes(4, "big") + message)
    tensors = pathlib.Path(folder) / "tensors"
    tensors.write_text(json.dumps({"inputs": [
        {"name": name, "shape": [1], "data": [value],
         "datatype": "FP64" if isinstance(value, (int, float)) else "BYTES"}
        for name, value in json.loads(row).items()]}))
    json_type = ["content-type: application/json"]
    infer = "/v2/models/one/infer"
    h2load("gRPC, raw tensors", "/inference.GRPCInferenceService/ModelInfer", raw,
           ["content-type: application/grpc", "te: trailers"], seconds, pid)
    h2load("REST, the same in JSON, HTTP/1.1", infer, tensors, json_type, seconds, pid, "--h1")
    h2load("REST, the same in JSON, HTTP/2", infer, tensors, json_type, seconds, pid)


def protocols(folder, row, seconds, pid):
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
        if module is triton_grpc and shutil.which("h2load"):
            by_h2load(folder, row, inputs, seconds, pid)
        before, begun = cpu_seconds(pid), time.perf_counter()
        for _ in range(N_CALLS):
            client.infer("one", inputs)
        spent, seconds_of_all = cpu_seconds(pid) - before, time.perf_counter() - begun
        print(f"{name}, tritonclient: {N_CALLS / seconds_of_all:,.0f}/s from one client, server "
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
                protocols(folder, row, options.seconds, process.pid)
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
