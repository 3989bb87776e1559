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
