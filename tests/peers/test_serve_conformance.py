"""Conformance: requests made from our own OpenAPI, and problems as RFC 9457 has them."""

import json
import subprocess
import sys
from types import SimpleNamespace

import requests

from conftest import ROOT
from test_serve import served, start, stop  # noqa: F401


def schemathesis(served, folder, *arguments, without=()):
    """Asks by the server's description, without some parameters of it, in JSON."""
    document = requests.get(f"{served.url}/openapi.json").json()
    for path in document["paths"].values():
        for operation in path.values():
            own = operation.get("parameters", [])
            operation["parameters"] = [p for p in own if p["name"] not in without]
            content = operation.get("requestBody", {}).get("content", {})
            # What a text of CSV or the bytes of a Parquet file must be, no schema says.
            for other in [form for form in content if form != "application/json"]:
                del content[other]
    (folder / "openapi.json").write_text(json.dumps(document))
    # The seed makes a failure repeatable.
    command = [sys.executable, "-m", "schemathesis.cli", "run", folder / "openapi.json", "--url",
               served.url, "--seed", "7", "--generation-database", "none", "--no-color",
               "--checks", "all", "--phases", "examples,coverage,fuzzing", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]


# A row of one model is none of another; and what changes the models is asked of its own server.
ELSEWHERE = "(/infer|/invocations|^/predict|^/admin/.*|^/v2/repository/.*|:explain)$"


def test_requests_made_from_our_openapi_find_no_failure(served, tmp_path):
    schemathesis(served, tmp_path, "--exclude-path-regex", ELSEWHERE, "--max-examples", "20",
                 without=["on_error", "stream"])


def test_requests_whose_bad_rows_are_null_find_no_failure(served, tmp_path):
    # With ?on_error=null a bad row is answered, which is the purpose.
    schemathesis(served, tmp_path, "--include-path-regex", "^/models/.*/predict$",
                 "--max-examples", "15", "--exclude-checks", "negative_data_rejection",
                 without=["stream"])


def test_requests_that_no_schema_describes_wholly_find_no_failure(served, tmp_path):
    # That a body in parts is no JSON, of which model a row must be, that explaining takes time.
    schemathesis(served, tmp_path, "--include-path-regex", "(/predict|:explain)$",
                 "--max-examples", "8", "--exclude-checks",
                 "negative_data_rejection,positive_data_acceptance")


def test_requests_that_change_models_find_no_failure(tmp_path):
    process, address = start(ROOT / "testdata" / "artifact" / "v2-binary.mw",
                             "--request-log", tmp_path / "log")
    changing = SimpleNamespace(url=f"http://{address}")
    try:
        # Whether a version is there, or one before it, no schema says. (Once the model is
        # unloaded, all else is told to come back later.)
        schemathesis(changing, tmp_path, "--include-path-regex", "^/(admin/|v2/repository.*/load)",
                     "--max-examples", "10", "--exclude-checks",
                     "positive_data_acceptance,negative_data_rejection")
        schemathesis(changing, tmp_path, "--include-path-regex", "^/feedback$",
                     "--max-examples", "20")
    finally:
        stop(process)


def test_requests_made_from_our_openapi_of_v2_and_mlflow_find_no_failure(served, tmp_path):
    # A schema cannot say that a shape fits its data, so that much of what it allows is refused.
    schemathesis(served, tmp_path, "--include-path-regex", "/(infer|invocations)$",
                 "--max-examples", "10", "--exclude-checks", "positive_data_acceptance")


def test_problems_are_problem_details(served):
    answer = requests.post(f"{served.url}/models/adult/predict", json={"age": "old"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    body = json.loads(answer.text)
    assert {"type", "title", "status", "detail"} <= set(body)
