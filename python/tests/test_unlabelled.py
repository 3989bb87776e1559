"""Isolation forests by `train`: without a target, and the same as the command line's."""

import zipfile

import numpy as np
import pandas as pd
import polars as pl
import pytest

import modelwright as mw

from conftest import command_line


@pytest.fixture
def odd():
    random = np.random.default_rng(0)
    usual = {"a": random.normal(size=300), "b": random.normal(size=300), "c": list("xy" * 150)}
    strange = pd.DataFrame({"a": [9.0], "b": [-9.0], "c": ["q"]})
    return pd.concat([pd.DataFrame(usual), strange], ignore_index=True)


def part(path, name):
    with zipfile.ZipFile(path) as archive:
        return archive.read(name)


def test_the_model_and_its_marks_are_those_of_the_command_line(odd, tmp_path):
    rows = tmp_path / "rows.csv"
    odd.to_csv(rows, index=False)
    asked = ["--contamination", "0.01", "--out", tmp_path / "cli"]
    command_line("train", "isolation_forest", rows, *asked)
    params = {"contamination": 0.01}
    model = mw.train("isolation_forest", rows, params=params, out=tmp_path / "python")
    ours, theirs = tmp_path / "python/model.mw", tmp_path / "cli/model.mw"
    assert part(ours, "model.bin") == part(theirs, "model.bin")
    command_line("predict", theirs, rows, "-o", tmp_path / "said.csv")
    said = pd.read_csv(tmp_path / "said.csv", float_precision="round_trip")
    np.testing.assert_array_equal(said["prediction"], model.predict(odd))
    np.testing.assert_array_equal(said["is_anomaly"] == 1, model.is_anomaly(odd))
    assert 1 <= said["is_anomaly"].sum() <= 4 and said["is_anomaly"].iloc[-1] == 1


def test_marks_are_of_the_kind_of_the_rows(odd):
    model = mw.train("isolation_forest", odd, store=False)
    marks = model.is_anomaly(odd.tail(2))
    assert marks.tolist() == [False, True] and marks.index.tolist() == [299, 300]
    assert model.is_anomaly(pl.from_pandas(odd.tail(2))).to_list() == [False, True]
    assert model.is_anomaly(odd.tail(1).to_dict("records")[0]) is True
    assert mw.replay(model, odd).to_bytes() == model.to_bytes()
    with pytest.raises(mw.OptionError, match="an isolation forest"):
        mw.train("baseline", odd, "a", store=False).is_anomaly(odd)


@pytest.mark.parametrize(
    "asked",
    [
        {"target": "a"}, {"metric": "rmse"}, {"holdout": 0.1}, {"loss": "squared"}, {"plan": True},
        {"split": [([0], [1])]}, {"test": {"a": [1.0]}}, {"folds": 3},
    ],
)  # fmt: skip
def test_what_needs_a_target_is_refused_by_name(odd, asked):
    with pytest.raises(mw.OptionError) as caught:
        mw.train("isolation_forest", odd, store=False, **asked)
    assert caught.value.source == next(iter(asked))


def test_others_still_need_a_target(odd):
    with pytest.raises(mw.DataError, match="neither a column nor its values"):
        mw.train("gbdt", odd)


def test_a_model_of_few_rows_keeps_no_account_of_usual_ones_and_says_why(odd):
    model = mw.train("linear", odd.head(60), "a", store=False)
    with pytest.raises(mw.OptionError, match="fits of few rows") as caught:
        model.unusual(odd)
    assert "where:" not in str(caught.value)
    known = mw.train("linear", odd, "a", store=False).unusual(odd.tail(2))
    assert known["unusualness"].iloc[1] > known["unusualness"].iloc[0]
    row = mw.train("linear", odd, "a", store=False).unusual(odd.tail(1).to_dict("records")[0])
    assert row["unusualness"] == known["unusualness"].iloc[1]
