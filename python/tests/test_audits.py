"""An audit as pandas tables, with the numbers that pandas and scikit-learn find."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars
import pytest
from sklearn.metrics import recall_score

import modelwright as mw


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 900
    rows = pd.DataFrame({"x": rng.normal(size=n), "z": rng.normal(size=n)})
    rows["sex"] = rng.choice(["f", "m"], n)
    rows["port"] = rng.choice(["a", "b", "c"], n)
    score = rows.x + 0.8 * (rows.sex == "m") + rng.normal(size=n)
    rows["y"] = np.where(score > 0.5, "yes", "no")
    return rows


@pytest.fixture(scope="module")
def model(data: pd.DataFrame) -> mw.Predictor:
    return mw.train("gbdt", data, "y", exclude=["sex"], params={"n_rounds": 20})


def test_one_column_is_a_table_of_groups_and_series(model, data):
    audit = model.audit(data, "sex")
    said = model.predict(data)
    chosen = (said == "yes").groupby(data.sex).mean()
    assert audit.by_group.index.name == "sex"
    np.testing.assert_allclose(audit.by_group.selection_rate[chosen.index], chosen, rtol=1e-12)
    recall = {
        sex: recall_score(data.y[rows], said[rows], pos_label="yes")
        for sex, rows in data.groupby("sex").groups.items()
    }
    for sex, value in recall.items():
        assert audit.by_group.true_positive_rate[sex] == pytest.approx(value)
    assert audit.overall.selection_rate == pytest.approx((said == "yes").mean())
    assert audit.difference().selection_rate == pytest.approx(chosen.max() - chosen.min())
    assert audit.ratio().selection_rate == pytest.approx(chosen.min() / chosen.max())


def test_several_columns_are_told_apart_by_a_first_level(model, data):
    audit = model.audit(data, ["sex", "port"])
    names = list(audit.verdicts)
    assert audit.by_group.index.names[0] == "audit"
    assert list(dict.fromkeys(audit.by_group.index.get_level_values(0))) == names
    assert set(audit.by_group.loc["port"].index) == {"a", "b", "c"}
    assert audit.difference()["sex", "selection_rate"] > 0.02


def test_one_column_and_several_classes_are_told_apart_by_the_class(data):
    rows = data.assign(y=np.where(data.x > 0.7, "high", np.where(data.x > -0.3, "mid", "low")))
    audit = mw.train("linear", rows, "y", exclude="sex", folds=0).audit(rows, "sex")
    firsts = set(audit.by_group.index.get_level_values(0))
    assert firsts == {"sex: high", "sex: low", "sex: mid"}


def test_an_audit_of_polars_and_one_without_pandas_are_read_without_pandas(model, data, monkeypatch):
    of_pandas = model.audit(data, ["sex", "port"])
    of_polars = model.audit(polars.from_pandas(data), ["sex", "port"])
    board, wanted = of_polars.by_group, of_pandas.by_group
    assert isinstance(board, polars.DataFrame) and board.columns[:2] == ["audit", "group"]
    assert list(zip(board["audit"], board["group"])) == wanted.index.to_list()
    np.testing.assert_array_equal(board["accuracy"].to_numpy(), wanted["accuracy"].to_numpy())
    ratio = of_polars.ratio()
    assert ratio.columns == ["audit", "measure", "ratio"]
    np.testing.assert_array_equal(ratio["ratio"].to_numpy(), of_pandas.ratio().to_numpy())
    one = model.audit(polars.from_pandas(data), "sex")
    assert one.by_group.columns[0] == "sex" and one.overall.columns == ["measure", "overall"]
    import modelwright._audit as audits
    import modelwright._explanation as explanation

    for module in (audits, explanation):
        monkeypatch.setattr(module, "find_spec", lambda name: None)
    plain = of_pandas.difference()
    assert isinstance(plain, dict) and set(plain) == {"audit", "measure", "difference"}
