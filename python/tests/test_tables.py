"""Tables of every library come in, and results of the same kind go out."""

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import modelwright as mw


@pytest.fixture(scope="module")
def rows(new_rows):
    return new_rows.drop(columns="survived").set_index(new_rows.index + 1000)


@pytest.fixture(scope="module")
def expected(predictor, rows):
    return predictor.predict_proba(rows).to_numpy()


def forms(rows):
    table = pa.Table.from_pandas(rows, preserve_index=False)
    strings = rows.assign(boarded=rows["boarded"].astype(str))
    return {
        "pandas nullable": rows.convert_dtypes(),
        "pandas arrow": rows.convert_dtypes(dtype_backend="pyarrow"),
        "pandas categorical": rows.assign(port=rows["port"].astype("category")),
        "pandas zone": rows.assign(boarded=rows["boarded"].dt.tz_localize("UTC")),
        "pandas elsewhere": rows.assign(
            boarded=rows["boarded"].dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")
        ),
        "pandas objects": rows.astype(object),
        "pandas shuffled": rows[list(reversed(rows.columns))].assign(extra=1),
        "polars": pl.from_pandas(rows),
        "polars lazy": pl.from_pandas(rows).lazy(),
        "polars categorical": pl.from_pandas(rows).with_columns(pl.col("port").cast(pl.Categorical)),
        "arrow": table,
        "arrow reader": table.to_reader(max_chunksize=7),
        "arrow dictionary": table.set_column(2, "port", table["port"].dictionary_encode()),
        "dicts": rows.to_dict("records"),
        "dict of lists": strings.to_dict("list"),
        "dict of arrays": {c: rows[c].to_numpy() for c in rows},
        "dict of series": dict(rows.items()),
    }


@pytest.mark.parametrize("form", list(forms(pd.DataFrame({c: [] for c in "abc"} | {"boarded": pd.to_datetime([]), "port": []}))))  # fmt: skip
def test_every_form_of_the_same_rows_is_predicted_the_same(predictor, rows, expected, form):
    def values(table):
        if isinstance(table, dict):
            return np.column_stack(list(table.values()))
        if isinstance(table, list):
            return np.array([list(row.values()) for row in table])
        return table.to_pandas().to_numpy() if hasattr(table, "to_pandas") else table.to_numpy()

    found = predictor.predict_proba(forms(rows)[form])
    np.testing.assert_allclose(values(found), expected, rtol=0, atol=0)


@pytest.mark.parametrize("layout", ["rows", "columns", "several", "ints"])
def test_a_frame_of_one_array_is_predicted_part_by_part_as_the_whole(layout):
    random = np.random.default_rng(0)
    x = random.normal(size=(70_001, 4)).astype(np.float32)
    names = list("abcd")
    frame = pd.DataFrame(x, columns=names, index=np.arange(70_001)[::-1])
    if layout == "columns":
        frame = frame.copy(deep=True)
    elif layout == "several":
        frame = pd.DataFrame({n: x[:, i] for i, n in enumerate(names)}, index=frame.index)
    elif layout == "ints":
        frame["d"] = (frame["d"] * 10).astype(int)
    y = (frame["a"] + frame["d"] > 0).map({True: "yes", False: "no"})
    model = mw.train("gbdt", frame[:500], y[:500], params={"n_rounds": 10})
    found = model.predict_proba(frame)
    pieces = [model.predict_proba(frame[i : i + 9_000]) for i in range(0, len(frame), 9_000)]
    pd.testing.assert_frame_equal(found, pd.concat(pieces))
    labels = model.predict(frame)
    assert (labels.index == frame.index).all() and set(labels) == {"yes", "no"}
    values = mw.train("gbdt", frame[:500], "d", params={"n_rounds": 10})
    assert len(values.predict(frame.drop(columns="d"))) == len(frame)
    with pytest.raises(mw.DataError, match="not there") as caught:
        model.predict(frame.rename(columns={"b": "bb"}))
    assert caught.value.column == "b"


def test_results_are_of_the_kind_that_came_in(predictor, rows):
    arrow = pa.Table.from_pandas(rows, preserve_index=False)
    series = predictor.predict(rows)
    assert isinstance(series, pd.Series)
    assert (series.index == rows.index).all() and series.name == "survived"
    assert series.dtype.kind == "i"
    assert (predictor.predict_proba(rows).index == rows.index).all()
    assert list(predictor.predict_proba(rows).columns) == [0, 1]
    assert isinstance(predictor.predict(pl.from_pandas(rows)), pl.Series)
    assert predictor.predict_proba(pl.from_pandas(rows)).columns == ["0", "1"]
    assert isinstance(predictor.predict(arrow), pa.Array)
    assert isinstance(predictor.predict_proba(arrow), pa.Table)
    assert predictor.predict(rows.to_dict("records")) == series.tolist()
    assert predictor.predict(rows.iloc[0].to_dict()) == series.iloc[0]
    one = predictor.predict_proba(rows.iloc[0].to_dict())
    assert list(one) == ["0", "1"] and sum(one.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["no", "yes"], "O"),
        ([False, True], "b"),
        ([0.5, 1.5], "f"),
        ([3, 7], "i"),
        ([-1, 10], "i"),
    ],
)
def test_labels_come_back_in_their_own_type(values, kind):
    x = np.sin(np.arange(60.0))
    y = np.array(values, dtype=object)[(x > 0).astype(int)]
    table = pd.DataFrame({"x": x, "y": pd.Series(y.tolist())})
    model = mw.train("gbdt", table, "y", task="binary", params={"n_rounds": 20})
    assert model.classes_.dtype.kind == kind
    assert model.predict(table).tolist() == y.tolist()
    again = mw.Predictor.from_bytes(model.to_bytes())
    assert again.predict(table).tolist() == y.tolist()


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int64, np.uint8, bool])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_every_type_and_order_are_tables(dtype, order):
    random = np.random.default_rng(0)
    x = random.integers(0, 2 if dtype is bool else 9, (120, 3)).astype(dtype)
    x = np.asarray(x, order=order)
    y = x[:, 0].astype(int) + x[:, 1].astype(int)
    model = mw.train("gbdt", x, y, task="regression", params={"n_rounds": 30})
    assert model.columns == ["x0", "x1"] or model.columns == ["x0", "x1", "x2"]
    found = model.predict(x)
    assert isinstance(found, np.ndarray) and found.shape == (120,)
    np.testing.assert_array_equal(found, model.predict(np.ascontiguousarray(x)))
    np.testing.assert_array_equal(found[::2], model.predict(x[::2]))


def test_dates_of_python_and_numpy_are_dates():
    days = [dt.date(2024, 1, 1) + dt.timedelta(days=i) for i in range(60)]
    found = mw.profile({"python": days, "numpy": np.array(days, dtype="datetime64[D]")})
    kinds = [found.columns[name]["kind"]["kind"] for name in ("python", "numpy")]
    assert kinds == ["datetime", "datetime"]


def test_large_integers_are_kept_apart():
    keys = [2**60 + i % 3 for i in range(30)]
    found = mw.profile(pd.DataFrame({"key": keys}))
    assert found.columns["key"]["n_distinct"] == 3


def test_a_target_may_be_an_array_of_its_own(frame, new_rows):
    x, y = frame.drop(columns="survived"), frame["survived"]
    ours = mw.train("gbdt", x, y, params={"n_rounds": 10})
    assert ours.target == "survived"
    named = mw.train("gbdt", frame, "survived", params={"n_rounds": 10})
    pd.testing.assert_frame_equal(ours.predict_proba(new_rows), named.predict_proba(new_rows))
    matrix = mw.train("gbdt", x[["age", "fare"]].to_numpy(), y.to_numpy(), params={"n_rounds": 5})
    assert matrix.target == "target"
    frames = mw.train("gbdt", pl.from_pandas(x), pl.Series("survived", y.to_list()))
    assert frames.classes_.tolist() == [0, 1]


def test_categoricals_are_categories_whatever_they_hold():
    codes = pd.Series(np.arange(200) % 5).astype("category")
    table = pd.DataFrame({"zip": codes, "x": np.arange(200.0), "y": (np.arange(200) % 5) == 2})
    model = mw.train("gbdt", table, "y", params={"n_rounds": 10})
    kinds = {f["name"]: f["kind"] for f in model.manifest["schema"]}
    assert kinds["zip"] == "integer_category"


def test_intervals_and_sets_have_the_kind_of_the_table(predictor, regression, rows):
    sets = predictor.predict_set(rows)
    assert len(sets) == len(rows) and set(map(type, sets)) == {list}
    interval = regression.predict_interval(rows)
    assert list(interval.columns) == ["lower", "upper"]
    assert (interval.index == rows.index).all()
    value = regression.predict(rows)
    assert ((interval["lower"] <= value) & (value <= interval["upper"])).all()
    with pytest.raises(mw.OptionError, match="0.9"):
        regression.predict_interval(rows, level=0.5)
    with pytest.raises(mw.OptionError):
        regression.predict_proba(rows)


def test_sets_and_boards_are_of_the_kind_that_came_in(predictor, rows):
    sets = predictor.predict_set(rows)
    assert sets.index.equals(rows.index) and set(sets[1000]) <= {0, 1}
    assert predictor.predict_set(pl.from_pandas(rows)).to_list() == sets.tolist()
    assert predictor.predict_set(pa.Table.from_pandas(rows)).to_pylist() == sets.tolist()
    assert predictor.predict_set(rows.to_dict("records")) == sets.tolist()
    assert predictor.predict_set(rows.iloc[0].to_dict()) == sets.iloc[0]


def test_boards_are_data_frames_wherever_the_model_comes_from(predictor, rows):
    loaded = mw.Predictor.from_bytes(predictor.to_bytes())
    pd.testing.assert_frame_equal(loaded.leaderboard(), predictor.leaderboard())
    assert isinstance(loaded.importances(), pd.DataFrame)
    found = loaded.explain(rows.to_dict("records"))
    assert isinstance(found.importance(), pd.DataFrame) and isinstance(found.table(), pd.DataFrame)


def test_a_report_says_what_it_is_of(predictor):
    said = "Report('survived', binary: .save(path), .markdown, .sections)"
    assert repr(predictor.report()) == said


def of_one_width(frame, dtype):
    real = frame.select_dtypes("floating").columns
    return frame.assign(**{name: frame[name].astype(np.float32).astype(dtype) for name in real})


@pytest.mark.parametrize("form", [lambda t: t, pl.from_pandas, pa.Table.from_pandas])
def test_float32_teaches_and_predicts_what_the_float64_that_equal_it_do(frame, new_rows, form):
    def fitted(dtype):
        return mw.train(
            "gbdt", form(of_one_width(frame, dtype)), "survived", params={"n_rounds": 20}
        )

    narrow, wide = fitted(np.float32), fitted(np.float64)
    for dtype in (np.float32, np.float64):
        rows = of_one_width(new_rows, dtype)
        np.testing.assert_array_equal(
            narrow.predict_proba(rows).to_numpy(), wide.predict_proba(rows).to_numpy()
        )
    profiles = [mw.profile(form(of_one_width(frame, dtype))) for dtype in (np.float32, np.float64)]
    assert profiles[0].columns == profiles[1].columns


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_matrix_of_float32_is_the_same_table_as_its_float64(order):
    random = np.random.default_rng(0)
    x = np.asarray(random.normal(size=(300, 4)).astype(np.float32), order=order)
    x[::7, 1] = np.nan
    y = x[:, 0] + x[:, 2] > 0
    narrow, wide = (mw.train("gbdt", x.astype(t), y, params={"n_rounds": 20}) for t in "fd")
    expected = wide.predict_proba(x.astype(np.float64))
    np.testing.assert_array_equal(narrow.predict_proba(x), expected)
    np.testing.assert_array_equal(wide.predict_proba(x), expected)


def test_columns_of_polars_without_values_are_missing(frame, predictor, new_rows):
    table = pl.from_pandas(frame).with_columns(pl.lit(None).alias("none"))
    assert str(table.schema["none"]) == "Null"
    with pytest.warns(mw.ModelwrightWarning, match="`none`"):
        model = mw.train("gbdt", table, "survived", params={"n_rounds": 5}, folds=0)
    assert "none" not in model.columns
    rows = pl.from_pandas(new_rows)
    none = rows.with_columns(pl.lit(None).alias("port"))
    empty = rows.with_columns(pl.lit(None, dtype=pl.String).alias("port"))
    assert predictor.predict(none).to_list() == predictor.predict(empty).to_list()
    with pytest.raises(mw.DataError, match="no rows"):
        mw.train("linear", pl.DataFrame({"a": [], "y": []}), "y")


def test_of_no_rows_of_polars_labels_have_their_type(frame):
    table = pl.from_pandas(frame).with_columns(pl.col("survived").cast(pl.String) + "!")
    model = mw.train("gbdt", table, "survived", params={"n_rounds": 5}, folds=0)
    assert model.predict(table[:0]).dtype == model.predict(table[:3]).dtype == pl.String
    again = mw.Predictor.from_bytes(model.to_bytes())
    assert again.predict(table[:0]).dtype == pl.String


def test_a_lazy_frame_is_looked_at_without_a_warning(frame):
    import warnings

    lazy = pl.from_pandas(frame).lazy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = mw.train("gbdt", lazy, "survived", params={"n_rounds": 5}, weight=np.ones(len(frame)))
        assert len(model.predict(lazy)) == len(frame)


class Stream:
    """Rows that can be read once, of a library that is not known here."""

    def __init__(self, table):
        self._reader = table.to_reader()

    def __arrow_c_stream__(self, requested_schema=None):
        return self._reader.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize("of", [lambda t: t.to_reader(), Stream, lambda t: pl.from_arrow(t).lazy()])
def test_readers_are_read_once_and_looked_at_twice(predictor, new_rows, tmp_path, of):
    table = pa.Table.from_pandas(new_rows, preserve_index=False)
    expected = predictor.evaluate(table)
    page = tmp_path / "page.html"
    assert predictor.evaluate(of(table), report=page)["metrics"] == expected["metrics"]
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert predictor.compare(predictor, of(table))["n_rows"] == len(new_rows)
    assert list(predictor.audit(of(table), "port").verdicts) == ["port"]
    kept = predictor.evaluate(of(table), store=tmp_path / "store")
    assert kept["metrics"] == expected["metrics"]


NESTED = {
    "list": [[1, 2]] * 300,
    "struct": [{"u": 1}] * 300,
    "binary": [b"u"] * 300,
    "map": pa.array([[("u", 1)]] * 300, pa.map_(pa.string(), pa.int64())),
}


@pytest.mark.parametrize("kind", NESTED)
def test_columns_of_arrow_that_cannot_be_read_are_named(frame, kind):
    plain = pa.Table.from_pandas(frame, preserve_index=False)
    values = NESTED[kind] if isinstance(NESTED[kind], pa.Array) else pa.array(NESTED[kind])
    table = plain.append_column("odd", values)
    for of in (lambda t: t, lambda t: t.to_reader()):
        with pytest.warns(mw.ModelwrightWarning, match="`odd` holds nested or binary values"):
            model = mw.train("gbdt", of(table), "survived", params={"n_rounds": 5}, folds=0)
        assert "odd" not in model.columns
        with pytest.warns(mw.ModelwrightWarning, match="`odd` holds nested"):
            mw.profile(of(table))
        with pytest.raises(mw.DataError, match="nested or binary") as caught:
            mw.train("gbdt", of(table), "odd")
        assert caught.value.column == "odd"
        # Columns that the model does not need are nobody's concern.
        assert len(model.predict(of(table))) == 300
        became = table.drop_columns(["port"]).rename_columns({"odd": "port"})
        for ask in (model.predict, model.predict_proba, model.evaluate, model.leaves):
            with pytest.raises(mw.DataError, match="nested or binary") as caught:
                ask(of(became))
            assert caught.value.column == "port" and caught.value.hint
    x, y = table.drop_columns(["survived"]), frame["survived"]
    with pytest.warns(mw.ModelwrightWarning, match="`odd` holds nested"):
        estimator = mw.GradientBoostingClassifier(n_rounds=5).fit(x, y)
    assert len(estimator.predict(x)) == 300 and len(estimator.feature_importances_) == 6
    with pytest.warns(mw.ModelwrightWarning, match="`odd` holds nested"):
        vectorizer = mw.TableVectorizer().fit(x)
    assert len(vectorizer.transform(x)) == 300
    place = x.column_names.index("port")
    with pytest.raises(mw.DataError, match="nested or binary"):
        vectorizer.transform(x.set_column(place, "port", values))
    with pytest.raises(mw.DataError, match="nested or binary") as caught:
        estimator.predict(x.set_column(place, "port", values))
    assert caught.value.column == "port"


def test_leaves_and_reasons_keep_the_labels_of_rows(predictor, rows):
    labelled = rows.set_index(rows.index.map("r{}".format))
    leaves = predictor.leaves(labelled)
    assert leaves.index.equals(labelled.index) and (leaves.dtypes == np.uint32).all()
    array = predictor.leaves(rows.to_dict("list") | {"boarded": rows["boarded"].to_numpy()})
    assert isinstance(array, np.ndarray)
    np.testing.assert_array_equal(array, leaves.to_numpy())
    of_polars = predictor.leaves(pl.from_pandas(rows))
    assert isinstance(of_polars, pl.DataFrame) and of_polars.columns == list(leaves)
    assert isinstance(predictor.leaves(pa.Table.from_pandas(rows)), pa.Table)
    assert predictor.leaves(rows[:2].to_dict("records"))[0] == leaves.iloc[0].to_dict()
    table = predictor.explain(labelled, rows=[7, 3]).table()
    assert table.index.tolist() == [labelled.index[i] for i in table["row"]]
    assert set(table["row"]) == {3, 7}
    assert predictor.explain(rows[:2]).table().index.equals(rows.index[:2])


def test_labels_of_rows_are_repeated_for_each_class(frame):
    model = mw.train("linear", frame.drop(columns="survived"), "port", folds=0)
    labelled = frame[:4].set_index(pd.Index(list("wxyz")))
    table = model.explain(labelled).table()
    assert table.index.tolist() == [label for label in "wxyz" for _ in range(3)]
    assert table["output"].nunique() == 3


@pytest.mark.parametrize("form", [
    lambda table: table, lambda table: table.to_batches()[0], lambda table: table.to_reader(),
    lambda table: table.set_column(0, "c", table["c"].combine_chunks().dictionary_encode()),
    lambda table: pd.DataFrame({
        "c": pd.arrays.ArrowExtensionArray(table["c"]), "x": table["x"].to_pandas(),
    }),
])  # fmt: skip
def test_views_of_short_strings_are_read_as_strings(form):
    # pyarrow itself breaks down where it hands these over.
    text = ["a", "b", None, "b"] * 10
    x = list(range(40))
    views = pa.table({"c": pa.array(text).cast(pa.string_view()), "x": x})
    plain = mw.profile(pa.table({"c": text, "x": x}))
    assert mw.profile(form(views)).columns == plain.columns
