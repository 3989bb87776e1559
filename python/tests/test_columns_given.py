"""Targets, weights and groups as values of their own, and cells that are hidden."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pytest

import modelwright as mw


def table(n_rows=200):
    random = np.random.default_rng(0)
    a = random.normal(size=n_rows)
    frame = pd.DataFrame(
        {"a": a, "b": random.integers(0, 9, n_rows), "c": random.choice(["u", "v"], n_rows)},
        index=np.arange(1000, 1000 + n_rows),
    )
    frame["y"] = np.where(a + (frame["c"] == "u") > 0.3, "yes", "no")
    return frame


def fit(data, target="y", **options):
    return mw.train("gbdt", data, target, **{"params": {"n_rounds": 5}, **options})


def n_missing(model):
    return {field["name"]: field["n_missing"] for field in model.manifest["schema"]}


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int64])
def test_masked_cells_of_an_array_are_missing(dtype):
    frame = table()
    values = (frame[["a", "b"]] * 4).to_numpy().astype(dtype)
    hidden = values[:, 0] < 0
    array = np.ma.array(values, mask=np.column_stack([hidden, np.zeros_like(hidden)]))
    model = fit(array, frame["y"].to_numpy())
    assert n_missing(model) == {"x0": hidden.sum(), "x1": 0}
    clear = values.astype(float)
    clear[hidden, 0] = np.nan
    np.testing.assert_array_equal(model.predict_proba(array), model.predict_proba(clear))


def test_masked_cells_are_missing_in_tables_that_are_predicted_in_parts():
    frame = table()
    values = frame[["a", "b"]].to_numpy()
    model = fit(values, frame["y"].to_numpy())
    many = np.tile(values, (200, 1))
    array = np.ma.masked_less(many, 0)
    expected = model.predict_proba(np.where(many < 0, np.nan, many))
    np.testing.assert_array_equal(model.predict_proba(array), expected)


def test_masked_columns_of_every_kind_have_missing_values():
    frame = table()
    hidden = frame["a"].to_numpy() < 0
    days = np.datetime64("2024-01-01") + np.arange(len(frame))
    columns = {
        "integer": np.ma.array(frame["b"].to_numpy(), mask=hidden),
        "text": np.ma.array(frame["c"].to_numpy().astype("U1"), mask=hidden),
        "object": np.ma.array(frame["c"].to_numpy(), mask=hidden),
        "day": np.ma.array(days, mask=hidden),
        "span": np.ma.array(days - days[0], mask=hidden),
    }
    found = mw.profile(columns).columns
    assert {c["n_missing"] for c in found.values()} == {hidden.sum()} and len(found) == 5


def test_a_series_is_joined_by_its_labels():
    frame = table()
    expected = fit(frame.drop(columns="y"), frame["y"]).metrics
    shuffled = frame["y"].sample(frac=1, random_state=0)
    assert fit(frame.drop(columns="y"), shuffled).metrics == expected
    assert fit(frame.drop(columns="y"), frame["y"].to_numpy()).metrics == expected


@pytest.mark.parametrize(
    "change",
    [
        lambda y: y.reset_index(drop=True),
        lambda y: y.set_axis([1000, *y.index[:-1]]),
    ],
)
def test_a_series_of_other_labels_is_refused(change):
    frame = table()
    with pytest.raises(mw.DataError, match="other labels") as caught:
        fit(frame.drop(columns="y"), change(frame["y"]))
    assert (caught.value.source, "to_numpy" in caught.value.hint) == ("target", True)


def test_weights_and_groups_may_be_values():
    frame = table()
    weight = pd.Series(np.linspace(0, 1, len(frame)), index=frame.index, name="w")
    expected = fit(frame.assign(w=weight), weight="w").metrics
    assert fit(frame, weight=weight).metrics == expected
    assert fit(frame, weight=weight.to_numpy()).metrics == expected
    assert fit(frame, weight=list(weight)).columns == ["a", "b", "c"]
    assert fit(frame, weight=weight.sample(frac=1, random_state=0)).metrics == expected
    # A column of the table stays one, and is no feature.
    with_column = frame.assign(w=weight)
    assert fit(with_column, weight=with_column["w"]).columns == ["a", "b", "c"]
    grouped = fit(frame, group=(frame["b"] % 5).to_numpy())
    assert grouped.record["split"]["kind"] == "group"


def test_a_splitter_gets_groups_that_are_values_and_says_when_they_lack():
    from sklearn.model_selection import GroupKFold

    frame = table()
    groups = (frame["b"] % 5).to_numpy()
    expected = fit(frame.assign(g=groups), split=GroupKFold(3), group="g", exclude="g").metrics
    assert fit(frame, split=GroupKFold(3), group=groups).metrics == expected
    with pytest.raises(mw.OptionError, match="group=") as caught:
        fit(frame, split=GroupKFold(3))
    assert caught.value.source == "split"


def test_a_column_is_found_by_a_label_that_is_no_text():
    frame = table()
    array = np.column_stack([frame["a"], frame["b"], frame["a"] > 0])
    model = fit(pd.DataFrame(array), 2)
    assert (model.target, model.columns) == ("2", ["0", "1"])
    assert fit({0: frame["a"], 1: frame["y"]}, 1).columns == ["0"]


@pytest.mark.parametrize("form", ["pandas", "polars", "pyarrow", "numpy"])
def test_a_target_may_be_a_table_of_one_column(form):
    frame = table()
    features, target = frame.drop(columns="y"), frame[["y"]]
    if form == "polars":
        features, target = pl.from_pandas(features), pl.from_pandas(target)
    elif form == "pyarrow":
        target = pa.Table.from_pandas(target, preserve_index=False)
    elif form == "numpy":
        target = target.to_numpy()
    assert fit(features, target).metrics == fit(frame.drop(columns="y"), frame["y"]).metrics


def test_tables_that_arrow_cannot_stream_are_read():
    frame = table()
    expected = fit(frame).metrics
    whole = pa.Table.from_pandas(frame, preserve_index=False)
    assert fit(pa.dataset.dataset(whole)).metrics == expected
    assert fit(pa.dataset.dataset(whole).scanner()).metrics == expected
    wide = pl.from_pandas(frame).with_columns(pl.col("b").cast(pl.Int128))
    assert fit(wide).metrics == expected


def test_what_pyarrow_has_that_is_no_table_is_refused():
    with pytest.raises(mw.DataError, match="not a table"):
        fit(pa.scalar(1))


def test_intervals_of_pandas_are_categories():
    frame = table()
    frame["band"] = pd.cut(frame["a"], 4)
    model = fit(frame.drop(columns="a"))
    assert "band" in model.columns
    assert set(model.predict(frame)) == {"yes", "no"}
