"""Labels come back as what they were."""

import pickle
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import modelwright as mw

N = 80
X = np.arange(N) % 10
WORDS = np.where(X > 5, "yes", "no")


def fitted(target, table=None):
    table = pd.DataFrame({"x": X}, index=np.arange(N) + 7) if table is None else table
    return mw.train("linear", table.assign(y=target), "y", store=False)


def new_rows():
    return pd.DataFrame({"x": [0, 9]}, index=["a", "b"])


PANDAS = {
    "category": pd.Categorical(WORDS, categories=["unused", "yes", "no"]),
    "ordered": pd.Categorical(WORDS, categories=["no", "yes"], ordered=True),
    "categories of numbers": pd.Categorical((X > 5).astype(int)),
    "categories of floats": pd.Categorical(np.where(X > 5, 1.0, 0.5)),
    "categories of flags": pd.Categorical(X > 5),
    "string": pd.array(WORDS, dtype="string[python]"),
    "arrow string": pd.array(WORDS, dtype="string[pyarrow]"),
    "Int64": pd.array((X > 5).astype(int), dtype="Int64"),
    "boolean": pd.array(X > 5, dtype="boolean"),
    "Float64": pd.array((X > 5).astype(float), dtype="Float64"),
    "arrow whole numbers": pd.array((X > 5).astype(int), dtype="int32[pyarrow]"),
    "floats": (X > 5).astype(float),
    "float32": (X > 5).astype(np.float32),
    "int8": (X > 5).astype(np.int8),
    "flags": X > 5,
    "text": WORDS.astype(object),
}


@pytest.mark.parametrize("kind", PANDAS)
def test_labels_of_pandas_have_the_type_of_the_target(kind):
    target = pd.Series(PANDAS[kind], index=np.arange(N) + 7)
    model = fitted(target)
    expected = pd.Series(target.iloc[[0, 9]].array, index=["a", "b"], name="y")
    pd.testing.assert_series_equal(model.predict(new_rows()), expected)
    again = pickle.loads(pickle.dumps(model))
    pd.testing.assert_series_equal(again.predict(new_rows()), expected)
    apart = mw.train("linear", pd.DataFrame({"x": X}), target.reset_index(drop=True), store=False)
    assert apart.predict(new_rows()).dtype == expected.dtype
    assert model.predict({"x": 9}) == expected["b"]


def test_floats_stay_floats_and_names_of_columns_do_not_change():
    model = fitted((X > 5).astype(float))
    assert model.classes_.dtype == np.float64
    found = model.predict({"x": 9})
    assert (type(found), found) == (float, 1.0)
    assert list(model.predict_proba({"x": 9})) == ["0", "1"]
    assert model.predict_proba(new_rows())[1].iloc[1] > 0.5
    rows = [{"x": int(x), "y": float(x > 5)} for x in X]
    assert mw.train("linear", rows, "y", store=False).predict([{"x": 9}]) == [1.0]
    array = np.column_stack([X, X > 5]).astype(float)
    assert mw.train("linear", array, "x1", store=False).predict(array[:, :1]).dtype == np.float64
    whole = mw.train("linear", array[:, :1], X > 5, store=False)
    assert whole.predict(array[:, :1]).dtype == bool


def test_labels_of_polars_and_pyarrow_have_the_type_of_the_target():
    levels = pl.Enum(["yes", "no"])
    for dtype in (levels, pl.Categorical, pl.String):
        table = pl.DataFrame({"x": X, "y": pl.Series(WORDS.tolist()).cast(dtype)})
        found = mw.train("linear", table, "y", store=False).predict(table)
        assert found.dtype == table["y"].dtype and found.to_list() == WORDS.tolist()
    for dtype in (pa.dictionary(pa.int8(), pa.string()), pa.large_string()):
        column = pa.array(WORDS.tolist())
        column = column.dictionary_encode() if pa.types.is_dictionary(dtype) else column
        table = pa.table({"x": X, "y": column.cast(dtype)})
        found = mw.train("linear", table, "y", store=False).predict(table)
        assert found.type == dtype and found.to_pylist() == WORDS.tolist()


def test_successors_keep_the_labels_and_files_do_not(tmp_path):
    table = pd.DataFrame({"x": X, "y": pd.Categorical(WORDS)})
    model = mw.train("linear", table, "y", store=False)
    again = mw.replay(model, table)
    assert again.predict(new_rows()).dtype == table["y"].dtype
    loaded = mw.load(model.save(tmp_path / "model.mw"))
    assert loaded.predict(new_rows()).tolist() == ["no", "yes"]


def test_a_pickle_is_read_where_the_library_of_the_labels_is_missing(monkeypatch):
    stored = pickle.dumps(fitted(PANDAS["category"]))
    from modelwright import _labels

    def missing(data):
        raise ModuleNotFoundError("No module named 'pandas'")

    outer = pickle.loads
    monkeypatch.setattr(_labels.pickle, "loads", lambda d: missing(d) if d != stored else outer(d))
    assert _labels.pickle.loads(stored).predict([{"x": 9}]) == ["yes"]
    assert "pandas" in sys.modules


def test_sets_are_of_the_kind_of_the_rows():
    table = pd.DataFrame({"x": X, "y": pd.Categorical(WORDS)})
    model = mw.train("linear", table, "y", intervals=0.8, store=False)
    found = model.predict_set(new_rows())
    pd.testing.assert_series_equal(found, pd.Series([["no"], ["yes"]], index=["a", "b"], name="y"))
    assert model.predict_set({"x": 9}) == ["yes"]
    assert model.predict_set([{"x": 9}]) == [["yes"]]
    assert model.predict_set(pl.DataFrame({"x": [9]})).to_list() == [["yes"]]
