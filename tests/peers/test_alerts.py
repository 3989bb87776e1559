"""Alerts as their receivers read them: prometheus_client's parser, the CloudEvents SDK, a real socket."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from cloudevents.http import from_http
from conftest import ROOT, modelwright
from prometheus_client.parser import text_string_to_metric_families

import pandas as pd


class Receiver:
    """A server that keeps what it is sent, and can refuse."""

    def __init__(self):
        self.taken, self.status = [], 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if receiver.status == 200:
                    headers = {name.lower(): value for name, value in self.headers.items()}
                    receiver.taken.append((self.path, headers, body))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture(scope="module")
def watched(tmp_path_factory, adult):
    folder = tmp_path_factory.mktemp("alerts")
    test = pd.read_csv(adult.test)
    test.to_csv(folder / "good.csv", index=False)
    test.assign(age=test["age"] * 12).to_csv(folder / "bad.csv", index=False)
    receiver = Receiver()
    (folder / "rules.toml").write_text(f"""
link = "https://models.example.org/adult"
[[rule]]
name = "rows are broken"
when = "quality"
severity = "critical"
[[sink]]
name = "events"
kind = "cloudevents"
url = "{receiver.url}/events"
[[sink]]
name = "manager"
kind = "alertmanager"
url = "{receiver.url}/api/v2/alerts"
headers = {{ Authorization = "env:MODELWRIGHT_TEST_TOKEN" }}
[[sink]]
name = "metrics"
kind = "prometheus"
path = "{folder}/{{model}}.prom"
""")

    def look(rows):
        return modelwright("monitor", adult.folder, folder / rows, "--alerts", folder / "rules.toml",
                           "--store", folder / "store", check=False)

    return folder, receiver, look


def test_receivers_understand_what_they_are_told(watched, monkeypatch):
    folder, receiver, look = watched
    monkeypatch.setenv("MODELWRIGHT_TEST_TOKEN", "Bearer secret")
    assert look("bad.csv").returncode == 0
    by_path = {path: (headers, body) for path, headers, body in receiver.taken}
    headers, body = by_path["/events"]
    event = from_http(headers, body)
    assert event["type"] == "modelwright.alert.firing" and event["specversion"] == "1.0"
    assert event.data["severity"] == "critical" and "age" in " ".join(event.data["cause"])
    headers, body = by_path["/api/v2/alerts"]
    assert headers["authorization"] == "Bearer secret"
    (alert,) = json.loads(body)
    assert alert["labels"]["alertname"] == "rows are broken"
    assert pd.Timestamp(alert["endsAt"]) > pd.Timestamp(alert["startsAt"])
    (page,) = folder.glob("*.prom")
    families = {f.name: f for f in text_string_to_metric_families(page.read_text())}
    firing = families["modelwright_alert_firing"].samples[0]
    assert firing.value == 1 and firing.labels["rule"] == "rows are broken"
    assert families["modelwright_monitor_status"].samples[0].value == 2
    names = {s.labels["column"] for s in families["modelwright_column_drift_score"].samples}
    assert "age" in names


def test_a_receiver_that_is_down_is_told_when_it_is_back(watched, monkeypatch):
    folder, receiver, look = watched
    monkeypatch.setenv("MODELWRIGHT_TEST_TOKEN", "Bearer secret")
    receiver.taken.clear()
    receiver.status = 503
    done = look("good.csv")
    assert done.returncode == 0 and "503" in done.stderr
    assert not receiver.taken
    receiver.status = 200
    rules = ["--store", folder / "store"]
    listed = json.loads(modelwright("alerts", "list", "--all", "--json", *rules).stdout)
    assert listed[0]["n_waiting"] == 2 and listed[0]["ended"]


def test_the_dashboard_asks_for_metrics_that_are_written(watched):
    folder, _, look = watched
    (page,) = folder.glob("*.prom")
    written = {f.name for f in text_string_to_metric_families(page.read_text())}
    dashboard = json.loads((ROOT / "deploy" / "grafana-dashboard.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            assert any(name in target["expr"] for name in written), target["expr"]
