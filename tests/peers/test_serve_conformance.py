"""Conformance: requests made from our own OpenAPI, and KServe's clients byte by byte.

The `kserve` package brings FastAPI, Kubernetes' client and 40 more packages, so that its clients are
not installed here. What they send is recorded from version 0.21, and what they read of an answer is
asked for in the same way.
"""

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
import requests
import tritonclient.grpc.service_pb2 as oip
import tritonclient.grpc.service_pb2_grpc as oip_grpc
import grpc

from conftest import ROOT
from test_serve import MODELS, check, records, served, start, stop  # noqa: F401


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
ELSEWHERE = "(/infer|^/predict|^/admin/.*|^/v2/repository/.*|:explain)$"


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


def test_requests_made_from_our_openapi_of_v2_find_no_failure(served, tmp_path):
    # A schema cannot say that a shape fits its data, so that much of what it allows is refused.
    schemathesis(served, tmp_path, "--include-path-regex", "/infer$", "--max-examples", "10",
                 "--exclude-checks", "positive_data_acceptance")


def kserve_columns(served, name):
    """The inputs that `kserve.InferRequest` makes of a data frame, one for each column."""
    for column, values in served.rows[name].items():
        if values.dtype == object:
            yield column, "BYTES", ["" if v is None or v != v else v for v in values]
        else:
            yield column, "FP64", [float(v) for v in values]


# Method, path, body, what `InferenceRESTClient` reads of the answer (None: its status alone).
PROBES = [
    ("GET", "/v2/health/live", None, ("live", True)),
    ("GET", "/v2/health/ready", None, ("ready", True)),
    ("GET", "/v2/models/adult/ready", None, ("ready", True)),
    ("GET", "/v1/models/adult", None, ("ready", True)),
    ("GET", "/", None, None),
]


@pytest.mark.parametrize("method, path, body, reads", PROBES)
def test_kserve_probes_over_rest(served, method, path, body, reads):
    answer = requests.request(method, served.url + path, json=body,
                              headers={"user-agent": "python-httpx/0.28.1"})
    assert answer.ok
    if reads:
        assert answer.json()[reads[0]] == reads[1]


@pytest.mark.parametrize("name", MODELS)
def test_kserve_infers_over_rest(served, name):
    inputs = [{"name": n, "shape": [len(v)], "datatype": t, "data": v}
              for n, t, v in kserve_columns(served, name)]
    # As `InferRequest.to_rest` writes it.
    body = {"id": "9", "inputs": inputs}
    answer = requests.post(f"{served.url}/v2/models/{name}/infer", json=body).json()
    assert answer["model_name"] == name and answer["id"] == "9"
    found = {o["name"]: o for o in answer["outputs"]}
    # `InferResponse.from_rest` needs these of every output.
    assert all({"name", "shape", "datatype", "data"} <= set(o) for o in answer["outputs"])
    probabilities = found.get("probabilities")
    if probabilities:
        n = probabilities["shape"][1]
        flat = probabilities["data"]
        probabilities = [flat[i : i + n] for i in range(0, len(flat), n)]
    check(served, name, found["prediction"]["data"], probabilities)


def test_kserve_predicts_and_explains_by_v1(served):
    rows = records(served, "adult")[:5]
    for verb, member in [("predict", "predictions"), ("explain", "explanations")]:
        url = f"{served.url}/v1/models/adult:{verb}"
        answer = requests.post(url, json={"instances": rows}).json()
        assert len(answer[member]) == 5
        check_first = answer["predictions"]
        assert check_first == list(served.known["adult"]["prediction"][:5])


def test_kserve_infers_over_grpc(served):
    channel = grpc.insecure_channel(served.address)
    stub = oip_grpc.GRPCInferenceServiceStub(channel)
    request = oip.ModelInferRequest(model_name="adult", id="9")
    for name, datatype, values in kserve_columns(served, "adult"):
        # `InferRequest.to_grpc` fills `contents`, not raw bytes as tritonclient does.
        tensor = request.inputs.add(name=name, datatype=datatype, shape=[len(values)])
        if datatype == "BYTES":
            tensor.contents.bytes_contents.extend(v.encode() for v in values)
        else:
            tensor.contents.fp64_contents.extend(values)
    answer = stub.ModelInfer(request, timeout=30)
    assert answer.id == "9" and answer.model_name == "adult"
    # `InferResponse.from_grpc` reads raw contents by the datatype, else `contents`.
    names = [o.name for o in answer.outputs]
    assert names == ["prediction", "probabilities"]
    assert stub.ServerReady(oip.ServerReadyRequest()).ready
    assert stub.ModelReady(oip.ModelReadyRequest(name="adult")).ready
    labels = list(served.known["adult"]["prediction"])
    output = answer.outputs[0]
    if answer.raw_output_contents:
        import tritonclient.utils as triton
        given = triton.deserialize_bytes_tensor(answer.raw_output_contents[0])
        given = [v.decode() for v in given]
    else:
        given = [v.decode() for v in output.contents.bytes_contents]
    assert given == labels


def test_problems_are_problem_details(served):
    answer = requests.post(f"{served.url}/models/adult/predict", json={"age": "old"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    body = json.loads(answer.text)
    assert {"type", "title", "status", "detail"} <= set(body)
