"""A boolean column of a CSV that Python wrote, in the forms in which programs send booleans."""

import numpy as np
import pandas as pd
import pytest
import requests

from conftest import fit, modelwright
from test_serve import start, stop


@pytest.fixture(scope="module", params=["words", "digits"])
def shop(request, tmp_path_factory):
    rng = np.random.default_rng(7)
    age = rng.integers(18, 80, 1200)
    member = rng.random(1200) < 0.4
    since = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 1500, 1200), unit="D")
    spent = age + 100.0 * member + (since.year - 2020) * 20.0 + rng.normal(0, 3, 1200)
    frame = pd.DataFrame({"age": age, "member": member if request.param == "words" else member * 1,
                          "since": since.strftime("%Y-%m-%d"), "spent": spent})
    folder = tmp_path_factory.mktemp(request.param)
    model = fit(folder, frame, "spent", "--task", "regression", time="4s")
    process, address = start(f"shop={model.folder}", "--policy", "reject")
    yield model, f"http://{address}", folder
    stop(process)


ROW = {"age": 40, "since": "2021-05-05"}


def predicted(model, path):
    out = path.with_suffix(".predictions.csv")
    modelwright("predict", model.folder, path, "-o", out)
    # By default pandas reads numbers a last bit off.
    return pd.read_csv(out, float_precision="round_trip")["prediction"].tolist()


def test_predict_and_serve_read_all_forms_of_a_boolean_alike(shop):
    model, url, folder = shop
    csv = folder / "rows.csv"
    csv.write_text("age,member,since\n40,True,2021-05-05\n40,False,2021-05-05\n")
    if "digits" in folder.name:
        csv.write_text("age,member,since\n40,1,2021-05-05\n40,0,2021-05-05\n")
    yes, no = predicted(model, csv)
    assert yes - no > 50
    parquet = folder / "rows.parquet"
    pd.DataFrame([{**ROW, "member": True}, {**ROW, "member": False}]).to_parquet(parquet)
    assert predicted(model, parquet) == [yes, no]
    csv.write_text("age,member,since\n40,1,2021-05-05\n40,0,2021-05-05\n")
    assert predicted(model, csv) == [yes, no]
    for forms in [(True, False), (1, 0), ("true", "FALSE"), ("1", "0")]:
        rows = [{**ROW, "member": form} for form in forms]
        answer = requests.post(f"{url}/predict", json=rows, timeout=30)
        assert answer.status_code == 200, answer.text
        assert [p["prediction"] for p in answer.json()["predictions"]] == [yes, no]
        assert "warnings" not in answer.json()
        for row, expected in zip(rows, [yes, no]):
            one = requests.post(f"{url}/predict", json=row, timeout=30).json()
            assert one["prediction"] == expected
    answer = requests.post(f"{url}/predict", data=parquet.read_bytes(), timeout=30,
                           headers={"content-type": "application/vnd.apache.parquet",
                                    "accept": "application/json"})
    assert answer.status_code == 200, answer.text
    answer = requests.post(f"{url}/predict", json={**ROW, "member": "maybe"}, timeout=30)
    assert answer.status_code == 422 and answer.json()["column"] == "member"


def test_reasons_of_dates_are_days_from_the_average_date_of_training(shop):
    _, url, _ = shop
    row = {**ROW, "member": True, "since": "2024-01-01"}
    answer = requests.post(f"{url}/predict?explain=3", json=row, timeout=30).json()
    since = next(reason for reason in answer["reasons"] if reason["column"] == "since")
    days = float(since["text"].split("(")[1].split(" days after")[0].replace(",", ""))
    assert 500 < days < 900, since
    # Against the average of training (2022) a late year adds; against 1970 nothing would be sure.
    assert 20 < since["effect"] < 60, since
    far = requests.post(f"{url}/predict", json={**row, "since": "2090-01-01"}, timeout=30)
    assert far.status_code == 422 and far.json()["column"] == "since", far.text
