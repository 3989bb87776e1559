"""Predictions as CloudEvents, read by the CloudEvents SDK."""

import http.server
import json
import signal
import subprocess
import threading
import time
import urllib.request

import pytest
from cloudevents.http import from_http

from conftest import PROGRAM, ROOT
from test_ui import first_document

ARTIFACTS = ROOT / "testdata" / "artifact"
MODEL = "v2-binary"


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        status = self.server.answers.pop(0) if self.server.answers else 202
        if status < 300:
            self.server.events.append(from_http(dict(self.headers), body))
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.events, server.answers = [], []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def ask(address, path, body, **headers):
    request = urllib.request.Request(f"http://{address}{path}", body, headers)
    return urllib.request.urlopen(request, timeout=10).read()


def test_every_answer_becomes_events_that_the_sdk_reads(receiver):
    receiver.answers += [503]
    process = subprocess.Popen(
        [PROGRAM, "serve", ARTIFACTS / f"{MODEL}.mw", "--port", "0", "--json", "--events-url",
         f"http://127.0.0.1:{receiver.server_port}/"], stdout=subprocess.PIPE, text=True)
    try:
        address = first_document(process)["address"]
        csv = (ARTIFACTS / f"{MODEL}.rows.csv").read_text()
        header, rows = csv.split("\n", 1)
        n = len(rows.splitlines())
        ask(address, "/predict", csv.encode(), **{"content-type": "text/csv", "x-request-id": "a"})
        times = 101 // n + 1
        long = (header + "\n" + rows * times).encode()
        answer = ask(address, "/predict?stream=true", long,
                     **{"content-type": "text/csv", "x-request-id": "b",
                        "accept": "application/x-ndjson"})
        answers = [json.loads(line) for line in answer.splitlines()]
        # A server that ends gives what is left a moment only, which a busy machine may not have.
        until = time.monotonic() + 30
        while len(receiver.events) < 3 and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
    by_id = {event["id"]: event for event in receiver.events}
    assert len(by_id) == 3, "each once, tried again after a 503"
    # An id is the server's own, as clients may repeat theirs; behind it stands the first row.
    events = {f"{event['requestid']}/{id.split('/')[1]}": event for id, event in by_id.items()}
    assert list(events) == ["a/1", "b/1", "b/101"], list(by_id)
    for event in events.values():
        assert event["type"] == "io.modelwright.prediction.v1"
        assert (event["source"], event["subject"]) == (f"/models/{MODEL}", f"{MODEL}/1")
        assert event["time"].endswith("Z")
    told = events["b/1"].data["predictions"] + events["b/101"].data["predictions"]
    assert [row["row"] for row in told] == list(range(1, times * n + 1))
    assert [row["answer"]["prediction"] for row in told] == [a["prediction"] for a in answers]
    assert set(told[0]["values"]) <= set(header.replace('"', "").split(","))
