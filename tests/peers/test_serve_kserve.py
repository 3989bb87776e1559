"""KServe's real clients: InferenceRESTClient (v1, v2) and InferenceGRPCClient."""

import json
import subprocess

import numpy as np
import pytest

from conftest import ROOT
from test_serve import MODELS, check, records, served  # noqa: F401

# Made by `cargo xtask peers`; beside the other peers, whose versions it does not bear.
PYTHON = ROOT / "target" / "peers-kserve" / "bin" / "python"


def columns(rows):
    """The inputs that `kserve.InferRequest` makes of a data frame, one for each column."""
    for column, values in rows.items():
        if values.dtype == object:
            yield column, "BYTES", ["" if v is None or v != v else v for v in values]
        else:
            yield column, "FP64", [float(v) for v in values]


@pytest.mark.parametrize("name", MODELS)
def test_kserves_clients_read_our_answers(served, name):
    wanted = {"address": served.address, "model": name, "instances": records(served, name)[:5],
              "columns": list(columns(served.rows[name]))}
    command = [PYTHON, ROOT / "tests" / "peers" / "kserve" / "client.py"]
    ran = subprocess.run(command, input=json.dumps(wanted), capture_output=True, text=True,
                         timeout=120)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    for protocol in ["v2", "grpc"]:
        assert told[protocol]["live"] and told[protocol]["server"] and told[protocol]["ready"]
        for form in ["json", "binary"]:
            answer = told[protocol][form]
            assert (answer["id"], answer["model"]) == ("9", name)
            found = answer["outputs"]
            check(served, name, found["prediction"], found.get("probabilities"))
    assert told["v1"]["live"] and told["v1"]["ready"]
    for verb in ["predict", "explain"]:
        predictions = told["v1"][verb]["predictions"]
        np.testing.assert_array_equal(predictions, served.known[name]["prediction"][:5])
    assert len(told["v1"]["explain"]["explanations"]) == 5
