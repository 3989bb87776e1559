"""A frame of few rows is read by another way, and means the same."""

import datetime
import decimal

import numpy as np
import pandas as pd
import pytest

import modelwright as mw
from modelwright import _data, _few_rows

N = 40


def awkward():
    """A column of every type that pandas has, with gaps and values that are read in odd ways."""
    random = np.random.default_rng(0)
    gap = random.random(N) < 0.3
    text = random.choice(["012", " 12 ", "", "NA", "a,5", "2020-01-01", "true", "nürnberg"], N)
    numbers, wholes = random.normal(size=N), random.integers(-5, 5, N)
    instants = pd.Series(pd.to_datetime(random.integers(-(10**18), 10**18, N)))
    gone = instants.mask(gap)
    table = pd.DataFrame(
        {
            "f64": np.where(gap, np.nan, numbers),
            "f32": numbers.astype(np.float32),
            "f16": numbers.astype(np.float16),
            "i64": wholes.astype(np.int64),
            "big": wholes.astype(np.int64) + 2**60,
            "u64": random.integers(0, 2**63, N).astype(np.uint64) * 2,
            "i8": wholes.astype(np.int8),
            "swapped": numbers.astype(">f8"),
            "flag": gap,
            "text": pd.Series(text, dtype=object).mask(gap),
            "objects": pd.Series([1.5 if g else None for g in gap], dtype=object),
            "flags": pd.Series([True if g else None for g in gap], dtype=object),
            "decimals": [decimal.Decimal(int(w)) for w in wholes],
            "dates": [datetime.date(2020, 1, 1 + int(w) + 5) for w in wholes],
            "instants": gone,
            "seconds": gone.astype("datetime64[s]"),
            "zoned": gone.dt.tz_localize("Europe/Berlin", ambiguous="NaT", nonexistent="NaT"),
            "elapsed": gone - instants.iloc[0],
            "levels": pd.Categorical(pd.Series(text).mask(gap)),
            "ordered": pd.Categorical(text, categories=sorted(set(text)), ordered=True),
            "one_level": pd.Categorical(["same"] * N),
            "whole_levels": pd.Categorical(pd.Series(wholes).mask(gap)),
            "real_levels": pd.Categorical(np.round(numbers)),
            "flag_levels": pd.Categorical(gap),
            "date_levels": pd.Categorical(
                pd.Series(wholes).map(lambda w: pd.Timestamp(2020, 1, w + 6))
            ),
            "no_levels": pd.Categorical([None] * N),
            "bands": pd.cut(numbers, 4),
            "Int64": pd.Series(wholes, dtype="Int64").mask(gap),
            "UInt8": pd.Series(abs(wholes), dtype="UInt8").mask(gap),
            "Float32": pd.Series(numbers.astype(np.float32), dtype="Float32").mask(gap),
            "boolean": pd.Series(gap, dtype="boolean").mask(numbers > 0),
            "string": pd.Series(text, dtype="string[python]").mask(gap),
            "arrow_text": pd.Series(text, dtype="string[pyarrow]").mask(gap),
            "arrow_whole": pd.Series(wholes, dtype="int64[pyarrow]").mask(gap),
            "arrow_real": pd.Series(numbers, dtype="double[pyarrow]").mask(gap),
            "arrow_flag": pd.Series(gap, dtype="bool[pyarrow]"),
            "arrow_instants": gone.dt.floor("us").astype("timestamp[us][pyarrow]"),
            "period": instants.dt.to_period("M"),
            "sparse": pd.arrays.SparseArray(np.where(gap, 0.0, numbers)),
            "empty": [None] * N,
        },
        index=np.arange(N) * 3,
    )
    table["y"] = np.where(numbers + gap > 0.3, "yes", "no")
    return table


@pytest.fixture(scope="module")
def rows():
    return awkward()


def of_series(data):
    """The forms of a frame, column by column."""
    origin = _data.Origin("pandas")
    forms = [_data._pandas_column(n, data[n], origin) for n in data.columns]
    return forms, origin.kinds


def plain(form):
    """What a form says, to be compared."""
    if form[0] == "codes":
        return [form[2][code] if code >= 0 else None for code in form[1].tolist()]
    if form[0] == "arrow":
        return form[1].to_pydict()
    values = np.asarray(form[1])
    hidden = None if len(form) < 3 or form[2] is None else np.asarray(form[2])
    if hidden is not None:
        values = np.where(hidden, np.zeros((), values.dtype), values)
    if form[0] == "objects":
        return [(type(v), repr(v)) for v in values]
    return values.dtype.str, values.tobytes(), None if hidden is None else hidden.tolist()


@pytest.mark.parametrize("n", [1, 2, 16])
def test_the_columns_of_few_rows_are_those_of_many(rows, n):
    for start in range(0, N - n, n):
        part = rows.iloc[start : start + n]
        few = _few_rows.few_rows(part)
        origin, names, forms, _ = _data._forms(few)
        expected, kinds = of_series(part)
        assert names == list(part.columns)
        assert origin.index is part.index and origin.kinds == kinds
        for name, found, form in zip(names, forms, expected):
            assert found[0] == form[0], name
            assert plain(found) == plain(form), name


@pytest.mark.parametrize("learner", ["linear", "gbdt", "knn"])
def test_predictions_are_the_same_by_either_way(rows, learner, monkeypatch):
    unused = ["bands", "empty", "no_levels"]
    model = mw.train(learner, rows.drop(columns=unused), "y", store=False)
    parts = [rows.iloc[i : i + n] for n in (1, 3) for i in range(0, N - n, n)]
    found = [(model.predict_proba(part), model.predict(part)) for part in parts]
    monkeypatch.setattr(_few_rows, "N_ROWS", 0)
    for part, (shares, labels) in zip(parts, found):
        pd.testing.assert_frame_equal(shares, model.predict_proba(part), check_exact=True)
        pd.testing.assert_series_equal(labels, model.predict(part))


def test_what_many_rows_refuse_few_rows_refuse(frame, predictor):
    for column, value in (("port", 1.5), ("age", "old"), ("fare", 1j), ("age", [[1]])):
        few, many = frame.iloc[:2].copy(), frame.iloc[:40].copy()
        for table in (few, many):
            table[column] = pd.Series([value] * len(table), index=table.index)
        with pytest.raises(mw.DataError) as of_few:
            predictor.predict(few)
        with pytest.raises(mw.DataError) as of_many:
            predictor.predict(many)
        assert str(of_few.value) == str(of_many.value)
    twice = frame.iloc[:1, [0, 0]]
    with pytest.raises(mw.DataError, match="the same name"):
        predictor.predict(twice)


def test_few_rows_are_quick(frame, predictor):
    """Many times what one row takes as a dict would be pandas' time, not ours."""
    import time

    def least(ask, n=50):
        times = []
        for _ in range(n):
            began = time.perf_counter()
            ask()
            times.append(time.perf_counter() - began)
        return min(times)

    wide = frame.iloc[:1].assign(**{f"extra{i}": "text" for i in range(20)})
    model = mw.train("gbdt", frame.assign(**{f"extra{i}": frame["port"] for i in range(20)}),
                     "survived", params={"n_rounds": 5}, store=False)  # fmt: skip
    many = pd.concat([wide] * 17)
    assert least(lambda: model.predict_proba(wide)) < least(lambda: model.predict_proba(many)) / 2


def test_a_category_that_reads_as_a_number_is_the_same_alone_and_among_others():
    rng = np.random.default_rng(0)
    names = np.array(["1e3", " 12 ", "a", "007"])
    frame = pd.DataFrame({"c": names[rng.integers(0, 4, 400)], "x": rng.normal(size=400)})
    target = (frame["c"].isin(["1e3", "007"]) ^ (rng.random(400) < 0.1)).rename("y")
    model = mw.train("gbdt", frame, target, params={"n_rounds": 20}, store=False)
    for name in names.tolist():
        one = pd.DataFrame({"c": [name], "x": [0.0]})
        among = pd.concat([one, frame], ignore_index=True)
        said = model.predict_proba(one).to_numpy()[0]
        assert (said == model.predict_proba(among).to_numpy()[0]).all(), name
        assert list(said) == list(model.predict_proba({"c": name, "x": 0.0}).values())
