"""Calls of gRPC at the door: keys, rates, counts and the log, as a client and an operator see them."""

import json
import signal
import subprocess

import numpy as np
import pytest
import requests
import tritonclient.grpc as triton
import tritonclient.http as triton_http

from conftest import PROGRAM, ROOT
from test_ui import first_document

MODEL = "v2-binary"
COLUMNS = {"age": ("FP64", np.array([31.0])), "plan": ("BYTES", np.array(["plus"], object)),
           "joined": ("BYTES", np.array(["2023-11-19"], object)),
           "spent": ("FP64", np.array([2.5]))}


def inputs(**changed):
    tensors = []
    for name, (datatype, values) in (COLUMNS | changed).items():
        tensor = triton.InferInput(name, list(values.shape), datatype)
        tensor.set_data_from_numpy(values)
        tensors.append(tensor)
    return tensors


class Served:
    def __init__(self, *flags):
        path = ROOT / "testdata" / "artifact" / f"{MODEL}.mw"
        self.process = subprocess.Popen(
            [PROGRAM, "serve", path, "--port", "0", "--json", "--log", "all", *map(str, flags)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.address = first_document(self.process)["address"]

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        lines = self.process.communicate()[1].splitlines()
        return [line for line in map(json.loads, lines) if line.get("method") == "GRPC"]


def answers(metrics, status):
    name = f'modelwright_http_responses_total{{status="{status}xx"}} '
    return sum(float(line[len(name):]) for line in metrics.splitlines() if line.startswith(name))


def test_calls_are_logged_and_counted_under_what_became_of_them():
    served = Served()
    client = triton.InferenceServerClient(served.address)
    client.infer(MODEL, inputs(), request_id="mine")
    wrong = {"age": ("BYTES", np.array(["old"], object))}
    with pytest.raises(triton.InferenceServerException, match="age"):
        client.infer(MODEL, inputs(**wrong), request_id="wrong")
    with pytest.raises(triton.InferenceServerException, match="no model of this name"):
        client.infer("none", inputs())
    results = []
    client.start_stream(callback=lambda result, error: results.append(error))
    client.async_stream_infer(MODEL, inputs(), request_id="s1")
    client.async_stream_infer(MODEL, inputs(**wrong), request_id="s2")
    client.stop_stream()
    assert results[0] is None and "age" in str(results[1])
    metrics = requests.get(f"http://{served.address}/metrics").text
    lines = served.end()
    told = {line["request_id"]: line for line in lines if line["request_id"]}
    assert {name: told[name]["status"] for name in ("mine", "wrong", "s1", "s2")} == {
        "mine": 200, "wrong": 400, "s1": 200, "s2": 400}
    assert told["mine"]["path"] == "/inference.GRPCInferenceService/ModelInfer"
    assert (told["mine"]["model"], told["mine"]["n_rows"]) == (MODEL, 1)
    assert "InvalidArgument" in told["wrong"]["error"] and "age" in told["wrong"]["error"]
    assert told["s2"]["path"].endswith("/ModelStreamInfer")
    assert [line["status"] for line in lines if "no model" in line.get("error", "")] == [404]
    assert answers(metrics, 4) == 3, metrics
    assert answers(metrics, 2) == 2, "a stream counts by its messages"


def test_messages_of_a_stream_are_held_to_the_rate_of_the_key(tmp_path):
    new = subprocess.run([PROGRAM, "serve", "--new-key", "shop", "--json"], check=True,
                         capture_output=True, text=True)
    new = json.loads(new.stdout)
    keys = tmp_path / "keys.toml"
    keys.write_text(new["entry"] + "requests_per_second = 3\n")
    served = Served("--keys", keys)
    client = triton.InferenceServerClient(served.address)
    with pytest.raises(triton.InferenceServerException, match="a key is needed"):
        client.infer(MODEL, inputs())
    errors = []
    client.start_stream(callback=lambda result, error: errors.append(error),
                        headers={"authorization": f"Bearer {new['key']}"})
    for i in range(6):
        client.async_stream_infer(MODEL, inputs(), request_id=str(i))
    client.stop_stream()
    refused = [str(error) for error in errors if error is not None]
    # Beginning the stream is a request too.
    assert len(errors) == 6 and 3 <= len(refused) <= 5, errors
    assert all("rate is used up" in text for text in refused)
    lines = served.end()
    assert sum(line["status"] == 429 for line in lines) == len(refused)
    assert all(line["key"] == "shop" for line in lines if line["status"] != 401)


def test_the_most_probable_classes_are_what_the_probabilities_say_over_both_protocols():
    served = Served()
    name = "probabilities"
    values = {}
    for client, kind in [(triton.InferenceServerClient(served.address), triton),
                         (triton_http.InferenceServerClient(served.address), triton_http)]:
        tensors = []
        for column, (datatype, data) in COLUMNS.items():
            tensors.append(kind.InferInput(column, list(data.shape), datatype))
            tensors[-1].set_data_from_numpy(data)
        plain = client.infer(MODEL, tensors).as_numpy(name)[0]
        asked = [kind.InferRequestedOutput(name, class_count=2)]
        answer = client.infer(MODEL, tensors, outputs=asked, request_id="7", parameters={"a": 1})
        values[kind] = answer.as_numpy(name)
        wanted = [f"{plain[c]:.6f}:{c}:{['no', 'yes'][c]}".encode() for c in np.argsort(-plain)]
        assert values[kind].tolist() == [wanted]
        with pytest.raises(triton.InferenceServerException, match="classification"):
            client.infer(MODEL, tensors, outputs=[kind.InferRequestedOutput("prediction", class_count=1)])
    np.testing.assert_array_equal(*values.values())
    served.end()
