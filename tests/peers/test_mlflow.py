"""MLflow's own client against `modelwright ui`: code that logs to MLflow logs here unchanged."""

import concurrent.futures
import json
import math
import os
import select
import signal
import subprocess
import time

import pandas as pd
import pytest
import requests

mlflow = pytest.importorskip("mlflow")
sklearn_linear = pytest.importorskip("sklearn.linear_model")

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException

from conftest import PROGRAM, modelwright


class Server:
    """`modelwright ui` over a store, on a free port."""

    def __init__(self, store):
        self.store = store
        self.start()

    def start(self):
        command = [str(PROGRAM), "ui", "--store", str(self.store), "--port", "0", "--json"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        ready, _, _ = select.select([self.process.stdout], [], [], 60)
        assert ready, "the server did not say where it is"
        document = ""
        while "}" not in document:
            document += self.process.stdout.readline()
        self.url = json.loads(document)["url"]

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(timeout=60)

    def runs(self, *arguments):
        done = modelwright("runs", *arguments, "--store", self.store, "--json")
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    # A client that waits minutes for an answer hides what is wrong.
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    server = Server(tmp_path_factory.mktemp("mlflow") / "store")
    mlflow.set_tracking_uri(server.url)
    yield server
    server.stop()


@pytest.fixture
def client(server):
    return MlflowClient(server.url)


def rows(n=120):
    x = pd.DataFrame({"a": [i % 7 for i in range(n)], "b": [(i * 13) % 11 / 2 for i in range(n)]})
    return x, (x.a + x.b > 6).astype(int)


def test_runs_nested_and_everything_they_say(server, client, tmp_path):
    experiment = mlflow.set_experiment("churn")
    assert experiment.name == "churn"
    with mlflow.start_run(run_name="parent", tags={"team": "a"}) as parent:
        mlflow.log_params({"depth": 3, "rate": 0.1})
        for step in range(5):
            mlflow.log_metric("loss", 1.0 / (step + 1), step=step)
        mlflow.log_metrics({"auc": 0.9, "nan": float("nan"), "inf": float("inf")})
        mlflow.log_dict({"x": [1, 2]}, "notes/deep/x.json")
        mlflow.log_text("hello", "a b+c%.txt")
        mlflow.log_text("", "empty.txt")
        with mlflow.start_run(nested=True) as child:
            mlflow.log_metric("loss", 0.5)
    run = client.get_run(parent.info.run_id)
    assert run.info.status == "FINISHED" and run.info.run_name == "parent"
    assert run.data.params == {"depth": "3", "rate": "0.1"}
    assert run.data.metrics["loss"] == 0.2 and run.data.metrics["auc"] == 0.9
    assert math.isnan(run.data.metrics["nan"]) and run.data.metrics["inf"] > 1e308
    assert run.data.tags["team"] == "a" and run.data.tags["mlflow.runName"] == "parent"
    history = client.get_metric_history(parent.info.run_id, "loss")
    assert [(m.step, m.value) for m in history] == [(i, 1.0 / (i + 1)) for i in range(5)]
    names = {f.path for f in client.list_artifacts(parent.info.run_id)}
    assert names == {"notes", "a b+c%.txt", "empty.txt"}
    assert [f.path for f in client.list_artifacts(parent.info.run_id, "notes")] == ["notes/deep"]
    assert mlflow.artifacts.load_dict(run.info.artifact_uri + "/notes/deep/x.json") == {"x": [1, 2]}
    assert mlflow.artifacts.load_text(run.info.artifact_uri + "/a b+c%.txt") == "hello"
    folder = client.download_artifacts(parent.info.run_id, "notes", str(tmp_path))
    assert json.load(open(os.path.join(folder, "deep", "x.json"))) == {"x": [1, 2]}
    children = mlflow.search_runs(filter_string=f"tags.mlflow.parentRunId='{parent.info.run_id}'")
    assert list(children.run_id) == [child.info.run_id]


def test_a_batch_is_written_whole_or_not_at_all(server, client):
    run = client.create_run(client.create_experiment("batch")).info.run_id
    now = int(time.time() * 1000)
    metrics = [Metric(f"m{i % 10}", i / 7, now + i, i) for i in range(900)]
    client.log_batch(run, metrics, [Param("p", "1")], [RunTag("t", "x")])
    data = client.get_run(run).data
    assert data.metrics == {f"m{i % 10}": i / 7 for i in range(890, 900)}
    assert len(client.get_metric_history(run, "m3")) == 90
    with pytest.raises(MlflowException, match="Changing param values is not allowed") as refused:
        client.log_batch(run, [Metric("new", 1, now, 0)], [Param("p", "2")], [])
    assert refused.value.error_code == "INVALID_PARAMETER_VALUE"
    assert "new" not in client.get_run(run).data.metrics
    client.log_param(run, "p", "1")
    client.set_tag(run, "t", "y")
    client.delete_tag(run, "t")
    assert "t" not in client.get_run(run).data.tags
    client.set_terminated(run, "KILLED")
    assert client.get_run(run).info.status == "KILLED"


def test_searches_filter_order_and_page(server, client):
    experiment = client.create_experiment("search")
    made = {}
    for i in range(7):
        run = client.create_run(experiment, run_name=f"run {i}", start_time=1000 + i)
        client.log_metric(run.info.run_id, "score", i / 10)
        client.log_param(run.info.run_id, "kind", "tree" if i % 2 else "Line")
        client.set_tag(run.info.run_id, "a.b-c", str(i))
        made[run.info.run_id] = i

    def found(text="", order=None, view=ViewType.ACTIVE_ONLY, **more):
        page = client.search_runs([experiment], text, view, order_by=order, **more)
        return [made[run.info.run_id] for run in page]

    assert found() == [6, 5, 4, 3, 2, 1, 0]
    assert found("metrics.score >= 0.5") == [6, 5]
    assert found("params.kind = 'tree' and metrics.score < 0.4") == [3, 1]
    assert found("params.kind LIKE 'l%'") == []
    assert found("params.kind ILIKE 'l%'", ["metrics.score ASC"]) == [0, 2, 4, 6]
    assert found("tags.`a.b-c` != '3'", ["tags.`a.b-c` DESC"]) == [6, 5, 4, 2, 1, 0]
    assert found("attributes.run_name = 'run 4'") == [4]
    assert found("attributes.start_time > 1004", ["start_time ASC"]) == [5, 6]
    ids = [run for run, i in made.items() if i in (1, 2)]
    assert found(f"run_id IN ('{ids[0]}', '{ids[1]}')") == [2, 1]
    assert found("params.absent IS NULL and metrics.score > 0.55") == [6]
    page = client.search_runs([experiment], max_results=3)
    rest = client.search_runs([experiment], max_results=10, page_token=page.token)
    assert [made[r.info.run_id] for r in [*page, *rest]] == [6, 5, 4, 3, 2, 1, 0]
    assert not rest.token
    client.delete_run(ids[0])
    assert found("", view=ViewType.DELETED_ONLY) == [1] and 1 not in found()
    client.restore_run(ids[0])
    assert 1 in found()
    for text in ["metrics.score > 'x'", "nothing.a = 'x'", "metrics.score >", "params.a > 'x'"]:
        with pytest.raises(MlflowException) as refused:
            found(text)
        assert refused.value.error_code == "INVALID_PARAMETER_VALUE", text


def test_experiments_are_found_renamed_deleted_and_restored(server, client):
    first = client.create_experiment("one", tags={"team": "a"})
    client.create_experiment("two", tags={"team": "b"})
    with pytest.raises(MlflowException) as refused:
        client.create_experiment("one")
    assert refused.value.error_code == "RESOURCE_ALREADY_EXISTS"
    names = lambda **how: [e.name for e in client.search_experiments(**how)]
    assert names(filter_string="tags.team = 'a'") == ["one"]
    assert names(filter_string="name ILIKE 'TW%'") == ["two"]
    client.rename_experiment(first, "uno")
    run = client.create_run(first).info.run_id
    client.delete_experiment(first)
    assert client.get_run(run).info.lifecycle_stage == "deleted"
    assert client.get_experiment_by_name("uno").lifecycle_stage == "deleted"
    with pytest.raises(MlflowException, match="must be in the 'active' state"):
        client.create_run(first)
    client.restore_experiment(first)
    assert client.get_run(run).info.lifecycle_stage == "active"
    client.set_experiment_tag(first, "note", "x" * 9000)
    assert client.get_experiment(first).tags == {"team": "a", "note": "x" * 9000}
    with pytest.raises(MlflowException) as refused:
        client.get_experiment("987654321")
    assert refused.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    assert client.get_experiment_by_name("no such name") is None


def test_scikit_learn_logs_registers_and_comes_back(server, client):
    x, y = rows()
    mlflow.set_experiment("models")
    mlflow.sklearn.autolog(log_datasets=True)
    try:
        with mlflow.start_run() as run:
            model = sklearn_linear.LogisticRegression(max_iter=200).fit(x, y)
    finally:
        mlflow.sklearn.autolog(disable=True)
    data = client.get_run(run.info.run_id).data
    assert data.params["max_iter"] == "200" and "training_score" in data.metrics
    assert client.get_run(run.info.run_id).inputs.dataset_inputs[0].tags[0].value == "train"
    found = mlflow.search_runs(filter_string="datasets.context = 'train'")
    assert run.info.run_id in set(found.run_id)

    with mlflow.start_run():
        info = mlflow.sklearn.log_model(model, name="lr", registered_model_name="churn",
                                        input_example=x.head(2))
    assert client.get_logged_model(info.model_id).status == "READY"
    client.set_registered_model_alias("churn", "champion", 1)
    client.set_model_version_tag("churn", 1, "checked", "yes")
    client.update_model_version("churn", 1, "the first")
    loaded = mlflow.pyfunc.load_model("models:/churn@champion")
    assert (loaded.predict(x) == model.predict(x)).all()
    again = mlflow.sklearn.load_model("models:/churn/1")
    assert (again.predict_proba(x) == model.predict_proba(x)).all()
    version = client.get_model_version_by_alias("churn", "champion")
    assert (version.version, version.description, version.tags) in [
        ("1", "the first", {"checked": "yes"}), (1, "the first", {"checked": "yes"})]
    with mlflow.start_run():
        mlflow.log_metric("auc", 0.8, model_id=info.model_id)
    models = mlflow.search_logged_models(filter_string="metrics.auc > 0.7", output_format="list")
    assert [m.model_id for m in models] == [info.model_id]
    assert models[0].metrics[0].key == "auc"


def test_the_registry_is_searched_changed_and_emptied(server, client):
    run = client.create_run("0").info
    source = f"{run.artifact_uri}/model"
    client.create_registered_model("alpha", tags={"team": "a"}, description="first")
    client.create_registered_model("beta model")
    with pytest.raises(MlflowException) as refused:
        client.create_registered_model("alpha")
    assert refused.value.error_code == "RESOURCE_ALREADY_EXISTS"
    for _ in range(3):
        client.create_model_version("alpha", source, run.run_id)
    names = lambda text="", **how: [m.name for m in client.search_registered_models(text, **how)]
    assert names("name LIKE 'al%'") == ["alpha"]
    assert names("tags.team = 'a'") == ["alpha"]
    assert names("name ILIKE 'BETA%'") == ["beta model"]
    versions = lambda text, **how: [int(v.version) for v in client.search_model_versions(text, **how)]
    assert versions("name = 'alpha'") == [3, 2, 1]
    assert versions(f"run_id = '{run.run_id}'", order_by=["version_number ASC"]) == [1, 2, 3]
    assert versions("name = 'alpha' and version_number >= 2") == [3, 2]
    client.transition_model_version_stage("alpha", 1, "Production")
    client.transition_model_version_stage("alpha", 2, "production", archive_existing_versions=True)
    assert client.get_model_version("alpha", 1).current_stage == "Archived"
    assert [int(v.version) for v in client.get_latest_versions("alpha", ["Production"])] == [2]
    assert client.get_model_version_download_uri("alpha", 1) == source
    client.set_registered_model_alias("alpha", "best", 3)
    assert client.get_registered_model("alpha").aliases == {"best": "3"}
    for alias in ["latest", "v7", "a b", "7"]:
        with pytest.raises(MlflowException):
            client.set_registered_model_alias("alpha", alias, 3)
    client.delete_model_version("alpha", 3)
    with pytest.raises(MlflowException, match="alias best not found"):
        client.get_model_version_by_alias("alpha", "best")
    assert int(client.create_model_version("alpha", source).version) == 4, "numbers are given once"
    client.rename_registered_model("alpha", "gamma")
    client.delete_registered_model("gamma")
    client.delete_registered_model("beta model")
    assert names("name = 'gamma'") == []
    with pytest.raises(MlflowException) as refused:
        client.get_registered_model("gamma")
    assert refused.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    with pytest.raises(MlflowException, match="no path of this machine|Invalid"):
        client.create_registered_model("local")
        client.create_model_version("local", "/etc")


def test_our_own_runs_and_models_are_there_too(server, client, adult):
    store = ["--store", server.store]
    modelwright("models", "register", "income", adult.folder, "--alias", "now", *store)
    modelwright("evaluate", adult.folder, adult.test, *store)
    run = client.search_runs(["1"], "tags.`modelwright.kind` = 'evaluate'")[0]
    assert run.info.run_id.startswith("modelwright-") and run.info.status == "FINISHED"
    assert 0.5 < run.data.metrics["roc_auc"] <= 1
    assert run.data.metrics["roc_auc.ci95_low"] < run.data.metrics["roc_auc"]
    client.set_tag(run.info.run_id, "looked", "yes")
    assert client.search_runs(["1"], "tags.looked = 'yes'")[0].info.run_id == run.info.run_id
    with pytest.raises(MlflowException, match="recorded by Modelwright itself"):
        client.log_metric(run.info.run_id, "roc_auc", 1.0)
    version = client.get_model_version_by_alias("income", "now")
    names = [f["path"] for f in requests.get(
        f"{server.url}/api/2.0/mlflow-artifacts/artifacts",
        params={"path": version.source.removeprefix("mlflow-artifacts:/")}, timeout=30,
    ).json()["files"]]
    assert {"MLmodel", "model.mw", "requirements.txt"} <= set(names)
    where = mlflow.artifacts.download_artifacts("models:/income@now")
    with open(os.path.join(where, "model.mw"), "rb") as file:
        assert file.read() == (adult.folder / "model.mw").read_bytes()
    signature = mlflow.models.get_model_info(where).signature
    assert "age" in signature.inputs.input_names()
    with pytest.raises(MlflowException, match="kept by Modelwright"):
        client.delete_model_version("income", 1)


def test_runs_of_clients_are_among_ours(server, client):
    experiment = client.create_experiment("ours")
    run = client.create_run(experiment, run_name="theirs")
    client.log_metric(run.info.run_id, "special", 0.25)
    client.log_param(run.info.run_id, "depth", "4")
    found = server.runs("search", "kind = mlflow and metrics.special = 0.25 and parameters.depth = '4'")
    assert len(found) == 1 and found[0]["status"] == "running"
    assert found[0]["metrics"][0]["name"] == "special"
    client.set_terminated(run.info.run_id)
    found = server.runs("search", "metrics.special = 0.25")
    assert found[0]["status"] == "finished" and found[0]["duration_s"] is not None
    client.delete_run(run.info.run_id)
    assert server.runs("search", "metrics.special = 0.25") == []


def test_bad_requests_are_refused_in_mlflow_s_words(server, client):
    url = f"{server.url}/api/2.0/mlflow"
    code = lambda reply: (reply.status_code, reply.json().get("error_code"))
    assert code(requests.post(f"{url}/runs/create", data=b"{no", timeout=30)) == (
        400, "INVALID_PARAMETER_VALUE")
    assert code(requests.get(f"{url}/nothing", timeout=30)) == (404, "ENDPOINT_NOT_FOUND")
    assert code(requests.get(f"{url}/runs/get?run_id=x", timeout=30)) == (
        404, "RESOURCE_DOES_NOT_EXIST")
    run = client.create_run("0").info.run_id
    for bad in ["../x", "a//b", "é!", "x" * 251, ""]:
        reply = requests.post(f"{url}/runs/log-metric", timeout=30, json={
            "run_id": run, "key": bad, "value": 1, "timestamp": 1})
        assert code(reply) == (400, "INVALID_PARAMETER_VALUE"), bad
    many = [{"key": f"k{i}", "value": 1, "timestamp": 1, "step": 0} for i in range(1001)]
    reply = requests.post(f"{url}/runs/log-batch", json={"run_id": run, "metrics": many}, timeout=30)
    assert code(reply) == (400, "INVALID_PARAMETER_VALUE")
    files = f"{server.url}/api/2.0/mlflow-artifacts"
    assert requests.put(f"{files}/artifacts/a/%2e%2e/%2e%2e/x", data=b"1", timeout=30).status_code == 400
    assert requests.put(f"{files}/artifacts/modelwright/x", data=b"1", timeout=30).status_code == 400
    assert code(requests.post(f"{files}/mpu/create/a", json={}, timeout=30)) == (
        501, "NOT_IMPLEMENTED")
    foreign = requests.post(f"{url}/runs/create", json={}, timeout=30,
                            headers={"origin": "http://evil.example"})
    assert foreign.status_code == 403
    shown = requests.put(f"{files}/artifacts/0/page.html", data=b"<script>1</script>", timeout=30)
    assert shown.status_code == 200
    shown = requests.get(f"{files}/artifacts/0/page.html", timeout=30)
    assert "attachment" in shown.headers["content-disposition"]
    assert shown.headers["x-content-type-options"] == "nosniff"


def test_many_clients_at_once_lose_nothing_even_when_the_server_is_killed(tmp_path):
    server = Server(tmp_path / "store")
    client = MlflowClient(server.url)
    experiment = client.create_experiment("many")

    def work(i):
        own = MlflowClient(server.url)
        run = own.create_run(experiment, run_name=str(i)).info.run_id
        done = 0
        try:
            for step in range(400):
                own.log_metric(run, "m", step, step=step)
                done += 1
        except Exception:  # the server is gone
            pass
        return run, done

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(work, i) for i in range(6)]
        time.sleep(1.0)
        server.stop(signal.SIGKILL)
        said = [job.result() for job in jobs]
    assert sum(done for _, done in said) > 50
    server.start()
    client = MlflowClient(server.url)
    for run, done in said:
        steps = [m.step for m in client.get_metric_history(run, "m")]
        # What was answered is there; one more may be.
        assert steps[:done] == list(range(done)) and len(steps) <= done + 1
        assert client.get_run(run).data.metrics["m"] == steps[-1]
    server.stop()


def log_elsewhere(server, out, frame_path, target, *more):
    command = [str(PROGRAM), "fit", str(frame_path), "--target", target, "--time", "5s",
               "--preset", "quick", "--threads", "2", "--out", str(out), "--mlflow", server, *more]
    env = {**os.environ, "HOME": str(out.parent), "MLFLOW_EXPERIMENT_NAME": "from outside"}
    env.pop("MODELWRIGHT_STORE", None)
    return subprocess.run(command, capture_output=True, text=True, env=env)


def test_our_fit_is_logged_to_a_server_with_a_model_that_mlflow_knows(
        server, client, adult, tmp_path):
    done = log_elsewhere(server.url, tmp_path / "out", adult.train, "income")
    assert done.returncode == 0 and "logged to MLflow: http" in done.stderr, done.stderr
    experiment = client.get_experiment_by_name("from outside")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED" and run.data.params["preset"] == "quick"
    assert run.data.tags["modelwright.target"] == "income"
    low, value = run.data.metrics["roc_auc.ci95_low"], run.data.metrics["roc_auc"]
    assert 0.5 < low < value < 1
    assert run.inputs.dataset_inputs[0].dataset.name == "train.csv"
    assert {f.path for f in client.list_artifacts(run.info.run_id)} == {
        "report.html", "record.json"}
    model = run.outputs.model_outputs[0].model_id
    assert client.get_logged_model(model).status == "READY"
    folder = mlflow.artifacts.download_artifacts(f"models:/{model}",
                                                 dst_path=str(tmp_path / "model"))
    assert set(os.listdir(folder)) - {"registered_model_meta"} == {
        "MLmodel", "conda.yaml", "model.mw", "python_env.yaml", "requirements.txt"}
    with open(tmp_path / "out" / "model.mw", "rb") as ours:
        with open(os.path.join(folder, "model.mw"), "rb") as theirs:
            assert ours.read() == theirs.read()
    info = mlflow.models.get_model_info(folder)
    assert info.flavors["python_function"]["loader_module"] == "modelwright.mlflow"
    assert mlflow.register_model(f"models:/{model}", "outside").version in ("1", 1)


def test_a_server_that_is_not_there_costs_a_warning_and_nothing_else(adult, tmp_path):
    done = log_elsewhere("http://127.0.0.1:9", tmp_path / "out", adult.train, "income")
    assert done.returncode == 0
    assert "warning: the run is not logged to MLflow" in done.stderr
    assert (tmp_path / "out" / "model.mw").is_file()
    done = log_elsewhere("sqlite:///x.db", tmp_path / "out2", adult.train, "income")
    assert done.returncode == 2 and "--mlflow" in done.stderr
    assert not (tmp_path / "out2").exists()
