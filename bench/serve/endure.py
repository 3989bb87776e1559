"""What a server bears: idle connections, and models exchanged under load.

    python bench/serve/endure.py target/release/modelwright MODEL [OTHER_MODEL]
        [--idle 10000] [--reloads 1000] [--minutes 10] [--rate 200]

Every idle connection sends one request, then nothing; while all are open, requests on another one
are timed. Then the served file is replaced, by turns with OTHER_MODEL's, and loaded, as often as
wished, while two clients ask without a pause; each answer must be 200. At last two clients ask for
some minutes, single rows and in every twentieth request a list of 100, without a pause or at --rate
requests a second together. Prints what the server's memory did. Both sides need as many file
descriptors as there are connections (`ulimit -n`).
"""

import argparse
import http.client
import json
import pathlib
import re
import resource
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time

PORT = 18083


def resident_mib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def ask(connection, method, path, body=None):
    connection.request(method, path, body)
    response = connection.getresponse()
    return response.status, response.read()


def idle(n, pid):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    n = min(n, hard - 100)
    before, open_ones = resident_mib(pid), []
    for i in range(n):
        # A client address has some 28,000 ports.
        connection = socket.create_connection(("127.0.0.1", PORT), timeout=30)
        connection.sendall(b"GET /v2/health/live HTTP/1.1\r\nhost: t\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200"), f"connection {i}"
        open_ones.append(connection)
    client, times = http.client.HTTPConnection("127.0.0.1", PORT), []
    for _ in range(500):
        begun = time.perf_counter()
        assert ask(client, "GET", "/v2/health/live")[0] == 200
        times.append(1e3 * (time.perf_counter() - begun))
    metrics = ask(client, "GET", "/metrics")[1].decode()
    held = int(re.search(r"^modelwright_connections (\d+)", metrics, re.M)[1])
    for connection in open_ones[:: max(1, n // 100)]:
        connection.sendall(b"GET /v2/health/live HTTP/1.1\r\nhost: t\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200"), "an idle one is still served"
    per_connection = 1024 * (resident_mib(pid) - before) / n
    print(f"{held:,} connections held, {per_connection:.1f} KiB each; beside them p50 "
          f"{statistics.median(times):.2f} ms, p99 {sorted(times)[-5]:.2f} ms")
    for connection in open_ones:
        connection.close()


def reload(n, served, models, row, pid):
    over, counts = threading.Event(), []

    def load():
        client, answers = http.client.HTTPConnection("127.0.0.1", PORT), 0
        while not over.is_set():
            status, body = ask(client, "POST", "/models/served/predict", row)
            assert status == 200, body
            answers += 1
        counts.append(answers)

    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    admin, begun = http.client.HTTPConnection("127.0.0.1", PORT), time.perf_counter()
    memory = []
    for i in range(n):
        part = served.with_suffix(".part")
        shutil.copy(models[i % len(models)], part)
        part.rename(served)
        status, body = ask(admin, "POST", "/v2/repository/models/served/load", "{}")
        assert status == 200, body
        if i % max(1, n // 10) == 0:
            memory.append(f"{resident_mib(pid):.0f}")
    seconds = time.perf_counter() - begun
    over.set()
    for thread in threads:
        thread.join()
    assert len(counts) == 2, "a request failed"
    print(f"{n:,} exchanges in {seconds:.1f} s beside {sum(counts):,} requests, 0 failed; "
          f"MiB on the way: {' '.join(memory)}")


def last(minutes, rate, row, pid):
    """Memory under steady load; what the first tenth needed is not growth."""
    over, counts = threading.Event(), []
    many = f"[{','.join([row] * 100)}]"

    def load():
        client, answers = http.client.HTTPConnection("127.0.0.1", PORT), 0
        while not over.is_set():
            body = many if answers % 20 == 0 else row
            status, text = ask(client, "POST", "/models/served/predict", body)
            assert status == 200, text
            answers += 1
            if rate:
                time.sleep(max(0.0, begun + 2 * answers / rate - time.perf_counter()))
        counts.append(answers)

    begun = time.perf_counter()
    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    memory = []
    for _ in range(10):
        time.sleep(minutes * 6)
        memory.append(resident_mib(pid))
    over.set()
    for thread in threads:
        thread.join()
    assert len(counts) == 2, "a request failed"
    shown = " ".join(f"{mib:.1f}" for mib in memory)
    print(f"{sum(counts):,} requests in {minutes:g} minutes; MiB at each tenth: {shown}; grown by "
          f"{memory[-1] - memory[0]:+.1f} since the first")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("models", nargs="+", type=pathlib.Path)
    parser.add_argument("--idle", type=int, default=10_000)
    parser.add_argument("--reloads", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--rate", type=float, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        served = pathlib.Path(folder) / "served.mw"
        shutil.copy(options.models[0], served)
        process = subprocess.Popen([options.program, "serve", served, "--port", str(PORT),
                                    "--quiet", "--log", "none", "--watch", "0"])
        try:
            for _ in range(600):
                try:
                    client = http.client.HTTPConnection("127.0.0.1", PORT)
                    document = json.loads(ask(client, "GET", "/openapi.json")[1])
                    break
                except OSError:
                    time.sleep(0.1)
            post = document["paths"]["/models/served/predict"]["post"]
            row = json.dumps(post["x-modelwright-model"]["example"])
            if options.idle:
                idle(options.idle, process.pid)
            if options.reloads:
                reload(options.reloads, served, options.models, row, process.pid)
            if options.minutes:
                last(options.minutes, options.rate, row, process.pid)
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
