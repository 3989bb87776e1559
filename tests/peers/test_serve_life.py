"""A server over its life: reasons, aliases that move, configuration, what its rows are like."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import time

import numpy as np
import pandas as pd
import pytest
import requests

from conftest import PROGRAM, fit, modelwright, ROOT
from test_serve import MODELS, records, served, start, stop  # noqa: F401


@pytest.mark.parametrize("name", MODELS)
def test_reasons_are_those_of_predict_explain(served, name, request, tmp_path):
    fits = {"adult": "adult", "wine": "wine", "grade": "wine_colour_quality"}
    model = request.getfixturevalue(fits[name]).folder
    for i in range(3):
        row = served.rows[name].iloc[[i]]
        row.to_csv(tmp_path / "row.csv", index=False)
        modelwright("predict", model, tmp_path / "row.csv", "-o", tmp_path / "out.csv", "--explain", "4")
        known = pd.read_csv(tmp_path / "out.csv").filter(regex="^reason_").iloc[0].dropna()
        url = f"{served.url}/models/{name}/predict?explain=4"
        answer = requests.post(url, json=records(served, name)[i]).json()
        assert [r["text"] for r in answer["reasons"]] == list(known)
        assert [abs(r["effect"]) for r in answer["reasons"]] == sorted(
            (abs(r["effect"]) for r in answer["reasons"]), reverse=True)


def test_reasons_add_up_and_stand_beside_predictions(served):
    rows = records(served, "adult")[:20]
    url = f"{served.url}/v1/models/adult:explain"
    answer = requests.post(url, json={"instances": rows}).json()
    for row, why in enumerate(answer["explanations"]):
        total = why["reasons_for"]["base_value"] + sum(r["effect"] for r in why["reasons"])
        assert total == pytest.approx(answer["probabilities"][row][1], abs=1e-9)
    assert answer["predictions"] == list(served.known["adult"]["prediction"][:20])


@pytest.mark.parametrize("name", MODELS)
def test_how_unusual_rows_are_is_what_predict_unusual_says(served, name, request, tmp_path):
    fits = {"adult": "adult", "wine": "wine", "grade": "wine_colour_quality"}
    model, rows = request.getfixturevalue(fits[name]).folder, served.rows[name].iloc[:40]
    rows.to_csv(tmp_path / "rows.csv", index=False)
    modelwright("predict", model, tmp_path / "rows.csv", "-o", tmp_path / "out.csv", "--unusual")
    known = pd.read_csv(tmp_path / "out.csv", keep_default_na=False)
    url = f"{served.url}/models/{name}/predict?unusual=true"
    answer = requests.post(url, json=records(served, name)[:40]).json()["predictions"]
    assert [row["unusualness"] for row in answer] == pytest.approx(list(known["unusualness"]))
    assert ["; ".join(row["unusual_columns"]) for row in answer] == list(known["unusual_columns"])
    assert len(set(known["unusualness"])) > 10 and any(known["unusual_columns"])
    lines = requests.post(f"{url}&stream=true", data=(tmp_path / "rows.csv").read_bytes(),
                          headers={"Content-Type": "text/csv"}).text
    table = pd.read_csv(io.StringIO(lines), keep_default_na=False)
    assert list(table["unusual_columns"]) == list(known["unusual_columns"])
    described = requests.get(f"{served.url}/openapi.json").json()
    parameters = described["paths"][f"/models/{name}/predict"]["post"]["parameters"]
    assert "unusual" in [parameter["name"] for parameter in parameters]


def test_a_model_with_thresholds_of_groups_says_which_counts(tmp_path):
    frame = pd.read_csv(ROOT / "testdata" / "adult.csv.gz").iloc[:4000]
    fair = fit(tmp_path / "fair", frame, "income", "--sensitive", "sex", "--fair",
               "demographic_parity")
    process, address = start(f"fair={fair.folder}")
    rows = pd.read_csv(fair.test, nrows=60).drop(columns="income")
    rows = json.loads(rows.to_json(orient="records", double_precision=15))
    answer = requests.post(f"http://{address}/predict?explain=2", json=rows).json()
    thresholds = {}
    for row, said in zip(rows, answer["predictions"]):
        why = said["reasons_for"]
        thresholds.setdefault(row["sex"], set()).add(why["threshold"])
        assert said["prediction"] == (">50K" if why["value"] >= why["threshold"] else "<=50K")
    assert all(len(own) == 1 for own in thresholds.values()) and len(thresholds) == 2
    stop(process)


def test_an_alias_is_followed_when_the_program_moves_it(adult, wine, tmp_path):
    store = ["--store", tmp_path / "store"]
    modelwright("models", "register", "shop", adult.folder, *store)
    modelwright("models", "register", "shop", wine.folder, *store)
    modelwright("models", "alias", "shop", "live", "1", *store)
    process, address = start("shop@live", *store)

    def target():
        answer = requests.get(f"http://{address}/v2/models/shop").json()
        return answer["versions"][-1], [o["name"] for o in answer["outputs"]]

    assert requests.get(f"http://{address}/v2/models/shop").json()["versions"] == ["1"]
    for command, version in [(("alias", "shop", "live", "2"), "2"),
                             (("rollback", "shop", "live"), "1")]:
        modelwright("models", *command, *store)
        begun = time.monotonic()
        while True:
            text = requests.get(f"http://{address}/metrics").text
            info = re.search(r'modelwright_model_info\{model="shop",version="(\d+)"', text)
            if info[1] == version:
                break
            assert time.monotonic() - begun < 30, text
            time.sleep(0.05)
    stop(process)


def serve(*arguments, **environment):
    command = [str(PROGRAM), "serve", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60,
                          env={**os.environ, **environment})


def test_the_configuration_is_printed_with_its_sources(tmp_path):
    path = tmp_path / "serve.toml"
    path.write_text('port = 1\nhost = "::1"\n[models]\nshop = "model.mw"\n')
    ran = serve("--config", path, "--port", "3", "--print-config", "--json",
                MODELWRIGHT_SERVE_HOST="0.0.0.0", MODELWRIGHT_SERVE_API_KEY="x" * 20)
    found = json.loads(ran.stdout)
    assert found["port"] == {"value": 3, "source": "flag"}
    assert found["host"] == {"value": "0.0.0.0", "source": "environment"}
    assert found["models"] == {"value": ["shop=model.mw"], "source": str(path)}
    assert found["watch"] == {"value": "2s", "source": "default"}
    assert "x" * 20 not in ran.stdout and found["api-key"]["source"] == "environment"
    text = serve("--config", path, "--print-config").stdout
    (tmp_path / "again.toml").write_text(text)
    assert json.loads(serve("--config", tmp_path / "again.toml", "--print-config",
                            "--json").stdout)["port"]["value"] == 1


def test_slips_in_the_configuration_are_refused(tmp_path):
    path = tmp_path / "serve.toml"
    path.write_text("max_body = 1\n")
    for ran in [serve("m.mw", "--config", path), serve("m.mw", MODELWRIGHT_SERVE_MAX_BODI="1")]:
        assert ran.returncode == 2 and "max" in ran.stderr.lower() and "did you mean" in ran.stderr
    ran = serve("m.mw", MODELWRIGHT_SERVE_PORT="http")
    assert ran.returncode == 2 and "MODELWRIGHT_SERVE_PORT" in ran.stderr
    ran = serve()
    assert ran.returncode == 2 and "no model was named" in ran.stderr


def test_a_key_of_the_environment_closes_the_server(adult):
    key = "a key that is long enough"
    os.environ["MODELWRIGHT_SERVE_API_KEY"] = key
    try:
        process, address = start(f"adult={adult.folder}")
    finally:
        del os.environ["MODELWRIGHT_SERVE_API_KEY"]
    assert requests.get(f"http://{address}/metrics").status_code == 401
    assert requests.get(f"http://{address}/metrics", headers={"X-Api-Key": key}).ok
    stop(process)


def test_drift_of_what_is_asked_shows_in_the_metrics(adult):
    process, address = start(f"adult={adult.folder}")
    rows = pd.read_csv(adult.test, nrows=900).drop(columns="income")
    rows["age"] = rows["age"] + 30
    rows.loc[rows.index % 2 == 0, "occupation"] = np.nan
    body = json.loads(rows.to_json(orient="records"))
    assert requests.post(f"http://{address}/predict", json=body).ok

    def gauges():
        text = requests.get(f"http://{address}/metrics").text
        found = re.findall(r'^(\w+)\{model="adult",version="1",column="([^"]+)".*\} (\S+)$', text, re.M)
        return {(name, column): float(value) for name, column, value in found}

    for _ in range(600):
        found = gauges()
        if found:
            break
        time.sleep(0.1)
    assert found["modelwright_column_drifted", "age"] == 1
    assert found["modelwright_column_drifted", "sex"] == 0
    known = pd.read_csv(adult.test, nrows=900)["occupation"].isna()
    rate = (known | (known.index % 2 == 0)).mean()
    assert found["modelwright_column_missing_share", "occupation"] == pytest.approx(rate)
    stop(process)


def test_a_hang_up_that_comes_while_files_are_read_counts_afterwards(tmp_path):
    artifacts = ROOT / "testdata" / "artifact"
    models = [artifacts / "v2-binary.mw", artifacts / "v2-multiclass.mw"]
    served = tmp_path / "served.mw"
    shutil.copy(models[0], served)
    process, address = start(served, "--watch", "0")
    for i in range(1, 22):
        part = tmp_path / "part"
        shutil.copy(models[i % 2], part)
        part.rename(served)
        process.send_signal(signal.SIGHUP)
    for _ in range(100):
        outputs = requests.get(f"http://{address}/v2/models/served").json()["outputs"]
        if outputs[-1]["shape"][-1] == 3:
            break
        time.sleep(0.05)
    assert outputs[-1]["shape"][-1] == 3, outputs
    stop(process)
