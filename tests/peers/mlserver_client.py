"""A client made of MLServer's own codecs: `python mlserver_client.py ADDRESS CASE`.

A program of its own, as MLServer and tritonclient define the same messages of gRPC, and one process
takes either the one's or the other's.
"""

import datetime
import pathlib
import sys

import grpc
import numpy as np
import pandas as pd
import requests
from mlserver.codecs import (
    Base64Codec, DatetimeCodec, NumpyCodec, NumpyRequestCodec, PandasCodec, StringCodec,
)
from mlserver.grpc.converters import ModelInferRequestConverter, ModelInferResponseConverter
from mlserver.grpc.dataplane_pb2_grpc import GRPCInferenceServiceStub
from mlserver.types import InferenceRequest, InferenceResponse, Parameters, RequestInput

ARTIFACTS = pathlib.Path(__file__).resolve().parents[2] / "testdata" / "artifact"
ADDRESS = sys.argv[1]
N_ROWS = 20


def rows_of(name):
    return pd.read_csv(ARTIFACTS / f"{name}.rows.csv").iloc[:N_ROWS]


def plain(name, rows):
    """What `/predict` says of rows."""
    rows = rows.astype(object).where(rows.notna(), None).to_dict("records")
    answer = requests.post(f"http://{ADDRESS}/models/{name}/predict", json=rows)
    assert answer.ok, answer.text
    return answer.json()["predictions"]


def post(name, request):
    return requests.post(f"http://{ADDRESS}/v2/models/{name}/infer",
                         data=request.model_dump_json(),
                         headers={"Content-Type": "application/json"})


def infer(name, request):
    answer = post(name, request)
    assert answer.ok, answer.text
    return InferenceResponse.model_validate(answer.json())


def check(response, wanted):
    """Decodes an answer by what it says of itself."""
    by_name = {output.name: output for output in response.outputs}
    labels = by_name["prediction"]
    assert labels.parameters.content_type == StringCodec.ContentType
    assert StringCodec.decode_output(labels) == [row["prediction"] for row in wanted]
    probabilities = by_name["probabilities"]
    assert probabilities.parameters.content_type == NumpyCodec.ContentType
    known = np.array([list(row["probabilities"].values()) for row in wanted])
    np.testing.assert_array_equal(NumpyCodec.decode_output(probabilities), known)


def frame():
    rows = rows_of("v2-binary")
    request = PandasCodec.encode_request(rows, use_bytes=False)
    assert request.parameters.content_type == "pd"
    check(infer("v2-binary", request), plain("v2-binary", rows))


def frame_of_mixed_values():
    rows = rows_of("v2-binary")
    # A column with values of several types MLServer writes as texts of JSON; missing texts are too
    # much for it.
    rows["plan"] = rows["plan"].astype(object)
    rows.loc[rows.index[::3], "plan"] = 7
    request = PandasCodec.encode_request(rows, use_bytes=False)
    kinds = {i.name: i.parameters.content_type for i in request.inputs if i.parameters}
    assert kinds["plan"] == "pd_json", kinds
    check(infer("v2-binary", request), plain("v2-binary", rows))


def inputs():
    rows = rows_of("v2-binary").dropna()
    moments = [datetime.datetime.fromisoformat(text) for text in rows["joined"]]
    request = InferenceRequest(inputs=[
        NumpyCodec.encode_input("age", rows["age"].to_numpy(float)),
        StringCodec.encode_input("plan", list(rows["plan"]), use_bytes=False),
        DatetimeCodec.encode_input("joined", moments, use_bytes=False),
        NumpyCodec.encode_input("spent", rows["spent"].to_numpy(float)),
    ])
    wanted = plain("v2-binary", rows)
    check(infer("v2-binary", request), wanted)
    in_base64 = [text.encode() for text in rows["plan"]]
    request.inputs[1] = Base64Codec.encode_input("plan", in_base64, use_bytes=False)
    assert list(request.inputs[1].data.root) != list(rows["plan"])
    check(infer("v2-binary", request), wanted)


def matrix():
    rows = rows_of("v2-regression").dropna()
    request = NumpyRequestCodec.encode_request(rows.to_numpy(object))
    assert len(request.inputs) == 1 and request.inputs[0].shape == list(rows.shape)
    found = NumpyCodec.decode_output(infer("v2-regression", request).outputs[0])
    wanted = [row["prediction"] for row in plain("v2-regression", rows)]
    np.testing.assert_array_equal(found.reshape(-1), wanted)


def messages():
    rows = rows_of("v2-binary").dropna()
    request = PandasCodec.encode_request(rows, use_bytes=True)
    request.id = "7"
    message = ModelInferRequestConverter.from_types(
        request, model_name="v2-binary", model_version=None)
    stub = GRPCInferenceServiceStub(grpc.insecure_channel(ADDRESS))
    answer = stub.ModelInfer(message, timeout=30)
    assert answer.id == "7"
    check(ModelInferResponseConverter.to_types(answer), plain("v2-binary", rows))


def unknown_codec():
    request = PandasCodec.encode_request(rows_of("v2-binary").iloc[:1], use_bytes=False)
    request.inputs[1] = RequestInput(
        name="plan", shape=[1, 1], datatype="BYTES", data=["x"],
        parameters=Parameters(content_type="hg_json"))
    answer = post("v2-binary", request)
    assert answer.status_code == 400 and answer.json()["got"] == "hg_json", answer.text


if __name__ == "__main__":
    globals()[sys.argv[2]]()
