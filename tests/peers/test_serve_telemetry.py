"""Traces and metrics, read as OpenTelemetry's own messages by a collector of a few lines."""

import base64
import http.server
import json
import os
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from conftest import PROGRAM, ROOT

MODEL = ROOT / "testdata" / "artifact" / "v2-binary.mw"
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        server = self.server
        server.headers.append(dict(self.headers))
        status = server.answers.pop(0) if server.answers else 200
        if status == 200:
            server.bodies.append((self.path, json.loads(body)))
        self.send_response(status)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


@pytest.fixture
def collector():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    server.bodies, server.headers, server.answers = [], [], []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


class Served:
    def __init__(self, endpoint, *flags):
        self.process = subprocess.Popen(
            [PROGRAM, "serve", MODEL, "--port", "0", "--json", "--otlp-endpoint", endpoint, *flags],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "MODELWRIGHT_SERVE_OTLP_HEADERS": "x-secret=abc"})
        lines = ""
        while True:
            lines += self.process.stdout.readline()
            try:
                self.url = f"http://{json.loads(lines)['address']}"
                break
            except ValueError:
                assert self.process.poll() is None

    def ask(self, path, body=None, **headers):
        request = urllib.request.Request(self.url + path, body, headers)
        try:
            answer = urllib.request.urlopen(request, timeout=10)
        except urllib.error.HTTPError as error:
            answer = error
        answer.read()
        return answer

    def end(self):
        """Ends it; what it says at its end is what its log says."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.communicate(timeout=60)[1]


def as_base64(value):
    """Ids of OTLP's JSON are hexadecimal, those of protobuf's are base64."""
    if isinstance(value, list):
        return [as_base64(v) for v in value]
    if not isinstance(value, dict):
        return value
    ids = ("traceId", "spanId", "parentSpanId")
    code = lambda text: base64.b64encode(bytes.fromhex(text)).decode()
    return {k: code(v) if k in ids else as_base64(v) for k, v in value.items()}


def spans_of(collector):
    found = []
    for path, body in collector.bodies:
        if path == "/v1/traces":
            message = json_format.ParseDict(as_base64(body), ExportTraceServiceRequest())
            for of_resource in message.resource_spans:
                for scope in of_resource.scope_spans:
                    found += [(of_resource.resource, span) for span in scope.spans]
    return found


def attributes(owner):
    value = lambda v: v.string_value if v.HasField("string_value") else v.int_value
    return {a.key: value(a.value) for a in owner.attributes}


def test_a_request_is_a_span_of_the_trace_that_it_names(collector):
    served = Served(f"http://127.0.0.1:{collector.server_port}/", "--otlp-attributes",
                    "service.name=shop", "--log", "all")
    before = time.time_ns()
    row = json.dumps({"not": "there"}).encode()
    answer = served.ask("/predict", row, traceparent=f"00-{TRACE}-{PARENT}-01", tracestate="a=1")
    assert answer.status == 422
    assert answer.headers["traceresponse"].startswith(f"00-{TRACE}-")
    own = served.ask("/v2/health/live").headers["traceresponse"]
    log = served.end()
    assert f'"trace_id":"{TRACE}"' in log
    (resource, span), (_, probe) = spans_of(collector)
    assert attributes(resource)["service.name"] == "shop"
    assert span.trace_id.hex() == TRACE and span.parent_span_id.hex() == PARENT
    assert span.span_id.hex() == answer.headers["traceresponse"].split("-")[2]
    assert span.trace_state == "a=1" and span.kind == 2
    assert before < span.start_time_unix_nano <= span.end_time_unix_nano < time.time_ns()
    told = attributes(span)
    assert told["http.response.status_code"] == 422 and told["url.path"] == "/predict"
    assert told["modelwright.model"] == "v2-binary" and told["modelwright.refused"]
    assert probe.trace_id.hex() == own.split("-")[1] and not probe.parent_span_id
    assert all(h.get("x-secret") == "abc" for h in collector.headers)


def test_metrics_are_sums_and_a_histogram_of_times(collector):
    served = Served(f"http://127.0.0.1:{collector.server_port}")
    served.ask("/predict", b"{}")
    served.end()
    path, body = collector.bodies[-1]
    assert path == "/v1/metrics"
    message = json_format.ParseDict(body, ExportMetricsServiceRequest())
    metrics = {m.name: m for m in message.resource_metrics[0].scope_metrics[0].metrics}
    times = metrics["modelwright.request.duration"].histogram.data_points[0]
    assert times.count == sum(times.bucket_counts) == 1
    assert len(times.bucket_counts) == len(times.explicit_bounds) + 1
    assert metrics["modelwright.rows"].sum.is_monotonic
    by_status = {attributes(p)["status"]: p.as_int
                 for p in metrics["modelwright.http.responses"].sum.data_points}
    assert by_status["4xx"] == 1


def test_the_side_that_began_a_trace_decides_and_of_the_others_a_share_is_recorded(collector):
    served = Served(f"http://127.0.0.1:{collector.server_port}", "--otlp-sample", "0")
    for flags in ("00", "01"):
        served.ask("/v2/health/live", traceparent=f"00-{TRACE}-{PARENT}-{flags}")
        served.ask("/v2/health/live")
    served.end()
    assert len(spans_of(collector)) == 1


def test_a_collector_that_is_busy_is_asked_again_and_one_that_is_gone_delays_nobody(collector):
    collector.answers[:] = [503]
    served = Served(f"http://127.0.0.1:{collector.server_port}")
    served.ask("/v2/health/live")
    time.sleep(4.5)
    assert len(spans_of(collector)) == 1
    served.end()
    served = Served("http://127.0.0.1:1")
    begun = time.perf_counter()
    for _ in range(50):
        assert served.ask("/v2/health/live").status == 200
    assert time.perf_counter() - begun < 5
    assert "telemetry not taken" in served.end()
