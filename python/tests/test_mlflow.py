"""A model of a store, loaded by MLflow through this package."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import BINARY

import modelwright as mw

mlflow = pytest.importorskip("mlflow")


@pytest.fixture
def registered(frame, tmp_path):
    """The address of a store with a registered model, and the model."""
    predictor = mw.train("gbdt", frame, "survived", params={"n_rounds": 20})
    predictor.save(str(tmp_path / "model.mw"))
    store = str(tmp_path / "store")
    register = [BINARY, "models", "register", "titanic", str(tmp_path / "model.mw"),
                "--alias", "now", "--store", store, "--quiet"]
    subprocess.run(register, check=True)
    serve = [BINARY, "ui", "--store", store, "--port", "0", "--json"]
    process = subprocess.Popen(serve, stdout=subprocess.PIPE, text=True)
    document = ""
    while "}" not in document:
        document += process.stdout.readline()
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    mlflow.set_tracking_uri(json.loads(document)["url"])
    yield predictor
    process.terminate()
    process.wait(30)


def test_mlflow_predicts_what_the_model_predicts(registered, frame):
    rows = frame.drop(columns="survived")
    loaded = mlflow.pyfunc.load_model("models:/titanic@now")
    found = loaded.predict(rows)
    assert (np.asarray(found) == np.asarray(registered.predict(rows))).all()
    # Columns may come in another order, and with one too many.
    shuffled = rows[rows.columns[::-1]].assign(more=1)
    assert (np.asarray(loaded.predict(shuffled)) == np.asarray(found)).all()


def test_the_whole_predictor_is_loaded_from_a_registered_name(registered, frame, tmp_path):
    from modelwright.mlflow import load_model

    predictor = load_model("models:/titanic/1", dst_path=str(tmp_path))
    pd.testing.assert_frame_equal(predictor.predict_proba(frame), registered.predict_proba(frame))
    assert Path(tmp_path, "MLmodel").is_file()


def test_runs_of_python_are_logged_to_a_server(registered, frame):
    uri = mlflow.get_tracking_uri()
    model = mw.train("linear", frame, "survived", store=False, mlflow=uri)
    model.evaluate(frame, store=False, mlflow=uri)
    model.audit(frame, "port", store=False, mlflow=uri)
    runs = mlflow.search_runs(experiment_names=["modelwright"], output_format="list")
    kinds = [run.data.tags["modelwright.kind"] for run in reversed(runs)]
    assert kinds == ["train", "evaluate", "audit"]
    assert "roc_auc" in runs[1].data.metrics and runs[2].data.params["target"] == "survived"
    with pytest.raises(mw.OptionError, match="address") as found:
        mw.train("linear", frame, "survived", store=False, mlflow="nowhere")
    assert found.value.source == "mlflow"
    with pytest.warns(mw.ModelwrightWarning, match="not logged to MLflow"):
        model.evaluate(frame, store=False, mlflow="http://127.0.0.1:9")
