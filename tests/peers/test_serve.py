"""Real clients against `modelwright serve`: every answer is what `modelwright predict` gives."""

import asyncio
import json
import subprocess
import time

import numpy as np
import pandas as pd
import pytest
import requests
import tritonclient.grpc as triton_grpc
import tritonclient.grpc.aio as triton_grpc_aio
import tritonclient.http as triton_http
import tritonclient.http.aio as triton_http_aio

from conftest import PROGRAM, modelwright

N_ROWS = 200


class Served:
    """A running server, with the rows of each model and what `predict` says of them."""

    def __init__(self, process, address):
        self.process, self.address = process, address
        self.url = f"http://{address}"
        self.rows, self.known = {}, {}

    def add(self, name, fit, folder):
        rows = pd.read_csv(fit.test, nrows=N_ROWS)
        path = folder / f"{name}.csv"
        rows.to_csv(path, index=False)
        out = folder / f"{name}.predictions.csv"
        modelwright("predict", fit.folder, path, "-o", out)
        # As the program reads the file: numbers to the last bit.
        self.rows[name] = pd.read_csv(path, float_precision="round_trip").drop(columns=fit.target)
        self.known[name] = pd.read_csv(out, float_precision="round_trip")


def start(*arguments):
    """A running server and its address."""
    process = subprocess.Popen([PROGRAM, "serve", *map(str, arguments), "--port", "0", "--json"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    told = ""
    while True:
        told += process.stdout.readline()
        try:
            return process, json.loads(told)["address"]
        except json.JSONDecodeError:
            assert process.poll() is None, told


def stop(process):
    process.terminate()
    assert process.wait(timeout=30) == 0


@pytest.fixture(scope="module")
def served(adult, wine, wine_colour_quality, tmp_path_factory):
    models = {"adult": adult, "wine": wine, "grade": wine_colour_quality}
    arguments = [f"{name}={fit.folder}" for name, fit in models.items()]
    served = Served(*start(*arguments, "--log", "all"))
    folder = tmp_path_factory.mktemp("served")
    for name, fit in models.items():
        served.add(name, fit, folder)
    yield served
    stop(served.process)


MODELS = ["adult", "wine", "grade"]


def check(served, name, prediction, probabilities=None):
    known = served.known[name]
    prediction = np.asarray(prediction)
    if prediction.dtype.kind in "OS":
        prediction = [v.decode() if isinstance(v, bytes) else v for v in prediction]
        assert list(prediction) == list(known["prediction"])
    else:
        np.testing.assert_array_equal(prediction, known["prediction"])
    if probabilities is not None:
        wanted = known.filter(regex="^probability_").to_numpy()
        np.testing.assert_array_equal(np.asarray(probabilities, float), wanted)


def tensors(served, name, module, **options):
    inputs = []
    for column, values in served.rows[name].items():
        if values.dtype == object:
            array = values.fillna("").to_numpy(object)
            tensor = module.InferInput(column, [len(array)], "BYTES")
        else:
            array = values.to_numpy(np.float64)
            tensor = module.InferInput(column, [len(array)], "FP64")
        tensor.set_data_from_numpy(array, **options)
        inputs.append(tensor)
    return inputs


def check_result(served, name, result):
    probabilities = None if name == "wine" else result.as_numpy("probabilities")
    check(served, name, result.as_numpy("prediction"), probabilities)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("binary", [True, False])
def test_tritonclient_over_http(served, name, binary):
    client = triton_http.InferenceServerClient(served.address)
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready(name)
    inputs = tensors(served, name, triton_http, binary_data=binary)
    outputs = None
    if not binary:
        names = ["prediction"] if name == "wine" else ["prediction", "probabilities"]
        outputs = [triton_http.InferRequestedOutput(n, binary_data=False) for n in names]
    result = client.infer(name, inputs, outputs=outputs, request_id="7")
    check_result(served, name, result)
    assert result.get_response()["id"] == "7"


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_tritonclient_compresses(served, algorithm):
    client = triton_http.InferenceServerClient(served.address)
    result = client.infer("adult", tensors(served, "adult", triton_http),
                          request_compression_algorithm=algorithm,
                          response_compression_algorithm=algorithm)
    check_result(served, "adult", result)


def test_tritonclient_aio_over_http(served):
    async def ask():
        async with triton_http_aio.InferenceServerClient(served.address) as client:
            inputs = tensors(served, "adult", triton_http)
            return await asyncio.gather(*(client.infer("adult", inputs) for _ in range(8)))

    for result in asyncio.run(ask()):
        check_result(served, "adult", result)


def test_tritonclient_asks_what_there_is(served):
    client = triton_http.InferenceServerClient(served.address)
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    assert client.get_model_metadata("adult")["inputs"][0]["name"] == "age"
    assert client.get_model_config("wine")["output"][0]["data_type"] == "TYPE_FP64"
    assert {m["name"] for m in client.get_model_repository_index()} == set(MODELS)
    stats = client.get_inference_statistics("adult")["model_stats"][0]
    assert stats["inference_count"] >= N_ROWS
    client.unload_model("grade")
    assert not client.is_model_ready("grade")
    client.load_model("grade")
    assert client.is_model_ready("grade")
    with pytest.raises(triton_http.InferenceServerException, match="no model of this name"):
        client.get_model_metadata("none")


@pytest.mark.parametrize("name", MODELS)
def test_tritonclient_over_grpc(served, name):
    client = triton_grpc.InferenceServerClient(served.address)
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready(name)
    check_result(served, name, client.infer(name, tensors(served, name, triton_grpc)))


def test_tritonclient_over_grpc_asks_what_there_is(served):
    client = triton_grpc.InferenceServerClient(served.address)
    assert client.get_server_metadata().name == "modelwright"
    assert [i.name for i in client.get_model_metadata("adult").inputs][0] == "age"
    assert client.get_model_config("wine").config.output[0].name == "prediction"
    assert {m.name for m in client.get_model_repository_index().models} == set(MODELS)
    assert client.get_inference_statistics("adult").model_stats[0].inference_count >= N_ROWS
    with pytest.raises(triton_grpc.InferenceServerException, match="no model of this name"):
        client.get_model_metadata("none")
    wrong = triton_grpc.InferInput("age", [1], "BYTES")
    wrong.set_data_from_numpy(np.array(["old"], object))
    with pytest.raises(triton_grpc.InferenceServerException, match="fnlwgt"):
        client.infer("adult", [wrong])


def test_tritonclient_streams_over_grpc(served):
    results = []
    client = triton_grpc.InferenceServerClient(served.address)
    client.start_stream(callback=lambda result, error: results.append((result, error)))
    for i in range(5):
        client.async_stream_infer("adult", tensors(served, "adult", triton_grpc), request_id=str(i))
    client.stop_stream()
    assert [r.get_response().id for r, _ in results] == list("01234")
    for result, error in results:
        assert error is None
        check_result(served, "adult", result)


def test_tritonclient_aio_over_grpc(served):
    async def ask():
        async with triton_grpc_aio.InferenceServerClient(served.address) as client:
            inputs = tensors(served, "adult", triton_grpc)
            return await asyncio.gather(*(client.infer("adult", inputs) for _ in range(8)))

    for result in asyncio.run(ask()):
        check_result(served, "adult", result)


def records(served, name):
    return json.loads(served.rows[name].to_json(orient="records", double_precision=15))


@pytest.mark.parametrize("name", MODELS)
def test_mlflow_and_kserve_shapes(served, name):
    frame = served.rows[name].astype(object).where(served.rows[name].notna(), None)
    split = frame.to_dict(orient="split")
    rows = frame.to_dict(orient="records")
    bodies = [{"dataframe_split": split}, {"dataframe_records": rows}, {"instances": rows},
              {"inputs": frame.to_dict(orient="list")}]
    for body in bodies:
        answer = requests.post(f"{served.url}/invocations?model={name}", json=body).json()
        check(served, name, answer["predictions"], answer.get("probabilities"))
    answer = requests.post(f"{served.url}/v1/models/{name}:predict", json=bodies[2]).json()
    check(served, name, answer["predictions"], answer.get("probabilities"))


@pytest.mark.parametrize("name", MODELS)
def test_files_by_requests(served, name, tmp_path):
    rows = served.rows[name]
    url = f"{served.url}/models/{name}/predict"
    answer = requests.post(url, data=rows.to_csv(index=False), headers={"Content-Type": "text/csv"})
    (tmp_path / "out.csv").write_text(answer.text)
    given = pd.read_csv(tmp_path / "out.csv", float_precision="round_trip")
    known = served.known[name][given.columns]
    pd.testing.assert_frame_equal(given, known, check_exact=True)
    rows.to_parquet(tmp_path / "rows.parquet", index=False)
    answer = requests.post(url, data=(tmp_path / "rows.parquet").read_bytes())
    (tmp_path / "out.parquet").write_bytes(answer.content)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out.parquet"), known,
                                  check_exact=True, check_dtype=False)


def test_curl_without_any_header(served):
    row = json.dumps(records(served, "adult")[0])
    out = subprocess.run(["curl", "-s", f"{served.url}/predict", "-d", row], check=True,
                         capture_output=True, text=True).stdout
    assert json.loads(out)["prediction"] == served.known["adult"]["prediction"][0]


def test_openapi_describes_what_is_answered(served):
    document = requests.get(f"{served.url}/openapi.json").json()
    path = document["paths"]["/models/adult/predict"]["post"]
    example = path["x-modelwright-model"]["example"]
    assert set(example) == set(served.rows["adult"].columns)
    assert requests.post(f"{served.url}/models/adult/predict", json=example).ok


def test_requests_and_labels_are_written_down(served, adult, tmp_path):
    process, address = start(f"adult={adult.folder}", "--request-log", tmp_path / "log",
                             "--request-log-redact", "fnlwgt")
    rows = records(served, "adult")[:5]
    answer = requests.post(f"http://{address}/predict", json=rows,
                           headers={"X-Request-Id": "first"}).json()
    labels = [{"request_id": "first", "row": i + 1, "label": "<=50K"} for i in range(5)]
    assert requests.post(f"http://{address}/feedback", json=labels).json() == {
        "n_labels": 5, "n_repeated": 0, "n_contradicting": 0}
    stop(process)
    (part,) = (tmp_path / "log" / "requests" / "adult").glob("part-*.parquet")
    log = pd.read_parquet(part)
    assert list(log["request_row"]) == [1, 2, 3, 4, 5] and set(log["request_id"]) == {"first"}
    assert list(log["age"]) == [row["age"] for row in rows] and "fnlwgt" not in log
    assert list(log["prediction"]) == [p["prediction"] for p in answer["predictions"]]
    (part,) = (tmp_path / "log" / "feedback").glob("part-*.parquet")
    assert set(pd.read_parquet(part)["label"]) == {"<=50K"}


def test_a_killed_server_loses_at_most_a_second_of_its_log(served, adult, tmp_path):
    log = tmp_path / "log"
    process, address = start(f"adult={adult.folder}", "--request-log", log)
    for row in records(served, "adult")[:20]:
        assert requests.post(f"http://{address}/predict", json=row).ok
    time.sleep(1.5)
    process.kill()
    process.wait()
    process, address = start(f"adult={adult.folder}", "--request-log", log)
    assert requests.post(f"http://{address}/predict", json=records(served, "adult")[0]).ok
    stop(process)
    parts = sorted((log / "requests" / "adult").glob("part-*.parquet"))
    assert [len(pd.read_parquet(part)) for part in parts] == [20, 1]


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout"]


def certificate(folder, name, signer=None):
    """A certificate, signed by itself or by another, and its key."""
    cert, key, wish = folder / f"{name}.pem", folder / f"{name}.key", folder / f"{name}.csr"
    if signer is None:
        openssl("req", "-x509", *KEY, key, "-out", cert, "-days", "2", "-subj", f"/CN={name}",
                "-addext", "subjectAltName=IP:127.0.0.1")
    else:
        openssl("req", *KEY, key, "-out", wish, "-subj", f"/CN={name}",
                "-addext", f"subjectAltName=DNS:{name}")
        openssl("x509", "-req", "-in", wish, "-CA", signer[0], "-CAkey", signer[1],
                "-CAcreateserial", "-copy_extensions", "copy", "-out", cert, "-days", "2")
    return cert, key


def test_connections_are_encrypted_and_clients_known_when_wished(served, adult, tmp_path):
    cert, key = certificate(tmp_path, "server")
    signer = certificate(tmp_path, "signer")
    own = certificate(tmp_path, "client", signer)
    tls = ["--tls-cert", cert, "--tls-key", key]
    row = records(served, "adult")[0]
    process, address = start(f"adult={adult.folder}", *tls)
    url = f"https://{address}/predict"
    answer = requests.post(url, json=row, verify=cert).json()
    assert answer["prediction"] == served.known["adult"]["prediction"][0]
    with pytest.raises(requests.exceptions.SSLError):
        requests.post(url, json=row, verify=signer[0])
    client = triton_grpc.InferenceServerClient(address, ssl=True, root_certificates=str(cert))
    assert client.is_server_ready()
    stop(process)
    process, address = start(f"adult={adult.folder}", *tls, "--tls-client-ca", signer[0])
    url = f"https://{address}/predict"
    assert requests.post(url, json=row, verify=cert, cert=tuple(map(str, own))).ok
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.post(url, json=row, verify=cert)
    stop(process)


def test_a_unix_socket_answers_too(served, adult, tmp_path):
    path = tmp_path / "socket"
    process, _ = start(f"adult={adult.folder}", "--unix-socket", path)
    out = subprocess.run(["curl", "-s", "--unix-socket", path, "http://x/v2/health/ready"],
                         check=True, capture_output=True, text=True).stdout
    assert json.loads(out)["ready"]
    stop(process)
    assert not path.exists()
