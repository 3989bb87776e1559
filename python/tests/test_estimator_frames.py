"""Estimators know columns by name or by place, whatever types a frame has this time."""

import io
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import modelwright as mw
from modelwright import sklearn as estimators


def table(n_rows=240):
    random = np.random.default_rng(4)
    found = pd.DataFrame(
        {
            "age": random.integers(18, 80, n_rows),
            "income": random.normal(50, 15, n_rows).round(2),
            "flag": random.random(n_rows) < 0.5,
        }
    )
    y = (found["age"] / 20 + found["flag"] + random.normal(0, 0.5, n_rows) > 3).to_numpy()
    return found, y


def arrow(frame):
    return pa.Table.from_pandas(frame, preserve_index=False)


MAKERS = {
    "booster": lambda: estimators.GradientBoostingClassifier(n_rounds=8),
    "regression": lambda: estimators.LogisticRegression(),
    "search": lambda: mw.ModelwrightClassifier(
        time_limit=None, preset="quick", learners=["linear"]
    ),
}

#: The same numbers in other types.
SAME = {
    "Int64": lambda x: x.astype({"age": "Int64"}),
    "object": lambda x: x.astype(object),
    "category": lambda x: x.assign(age=x["age"].astype("category")),
    "category of flags": lambda x: x.assign(flag=x["flag"].astype("category")),
    "nullable": lambda x: x.convert_dtypes(),
    "arrow types": lambda x: x.convert_dtypes(dtype_backend="pyarrow"),
    "polars": pl.from_pandas,
    "polars of objects": lambda x: pl.from_pandas(x.astype({"age": str})),
    "lazy": lambda x: pl.from_pandas(x).lazy(),
    "arrow": arrow,
    "arrow of text": lambda x: arrow(x.astype({"age": str})),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_numbers_of_a_fit_may_come_in_other_types(kind):
    x, y = table()
    model = MAKERS[kind]().fit(x, y)
    wanted = model.predict_proba(x)
    for name, of in SAME.items():
        np.testing.assert_array_equal(model.predict_proba(of(x)), wanted, err_msg=name)
        few = of(x[:7])
        np.testing.assert_allclose(model.predict_proba(few), wanted[:7], rtol=1e-12, err_msg=name)
    gaps = x.astype({"age": "Int64"}).mask(x["age"] > 60)
    floats = x.astype({"age": float}).mask(x["age"] > 60)
    floats["flag"] = floats["flag"].astype(float)
    np.testing.assert_array_equal(model.predict_proba(gaps), model.predict_proba(floats))
    assert model.feature_names_in_.tolist() == ["age", "income", "flag"]
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(pl.from_pandas(x)), wanted)


@pytest.mark.parametrize("kind", MAKERS)
def test_types_of_a_fit_may_come_as_plain_numbers(kind):
    x, y = table()
    for of in (lambda x: x.convert_dtypes(), lambda x: x.assign(age=x["age"].astype("category"))):
        model = MAKERS[kind]().fit(of(x), y)
        wanted = model.predict_proba(of(x))
        np.testing.assert_array_equal(model.predict_proba(x), wanted)
        np.testing.assert_array_equal(model.predict_proba(pl.from_pandas(x)), wanted)
        with pytest.warns(UserWarning, match="valid feature names"):
            by_place = model.predict_proba(x.to_numpy(dtype=object))
        np.testing.assert_array_equal(by_place, wanted)


@pytest.mark.parametrize("kind", MAKERS)
def test_a_batch_whose_only_text_column_is_empty_is_predicted(kind):
    x, y = table()
    x = x.drop(columns="flag").assign(region=np.where(y, "north", "south"))
    model = MAKERS[kind]().fit(x, y)
    batch = pd.read_csv(io.StringIO("age,income,region\n30,50.5,\n40,20.1,\n"))
    assert batch["region"].dtype == float
    none = batch.assign(region=pd.Series([None, None], dtype=object))
    np.testing.assert_array_equal(model.predict_proba(batch), model.predict_proba(none))


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("of", [pl.from_pandas, arrow, lambda frame: frame])
def test_columns_in_another_order_are_refused_of_every_library(kind, of):
    x, y = table()
    model = MAKERS[kind]().fit(of(x), y)
    assert model.feature_names_in_.tolist() == ["age", "income", "flag"]
    for other in (x[["income", "age", "flag"]], x.rename(columns={"age": "years"})):
        for their in (pl.from_pandas, arrow, lambda frame: frame):
            with pytest.raises(ValueError, match="feature names"):
                model.predict_proba(their(other))
    np.testing.assert_array_equal(model.predict_proba(x), model.predict_proba(pl.from_pandas(x)))


def test_columns_of_numbers_keep_their_names():
    x, y = table()
    model = MAKERS["search"]().fit(x, y)
    assert set(model.predictor_.columns) <= set(x.columns)
    shape = estimators.GradientBoostingClassifier(n_rounds=5, monotone={"age": 1}).fit(x, y)
    same = estimators.GradientBoostingClassifier(n_rounds=5, monotone=[1, 0, 0]).fit(x, y)
    np.testing.assert_array_equal(shape.predict_proba(x), same.predict_proba(x))
    twice = pd.concat([x, x[["age"]]], axis=1)
    model = estimators.GradientBoostingClassifier(n_rounds=5).fit(twice, y)
    assert model.predict(twice).shape == y.shape


def test_transformers_and_isolation_hold_frames_of_polars_to_their_names():
    x, y = table()
    of_polars, turned = pl.from_pandas(x), pl.from_pandas(x[["income", "age", "flag"]])
    vectorizer = estimators.TableVectorizer().fit(of_polars)
    assert vectorizer.feature_names_in_.tolist() == list(x.columns)
    encoder = estimators.TargetEncoder().fit(of_polars, y)
    forest = estimators.IsolationForest().fit(of_polars)
    for ask in (vectorizer.transform, encoder.transform, forest.predict):
        assert len(ask(of_polars)) == len(x)
        with pytest.raises(ValueError, match="feature names"):
            ask(turned)
    nullable = x.convert_dtypes()
    np.testing.assert_array_equal(forest.predict(nullable), forest.predict(x))


@pytest.mark.parametrize("kind", MAKERS)
def test_text_and_flags_that_became_something_else_are_refused_by_column(kind):
    x, y = table()
    x = x.assign(region=np.where(y, "north", "south"), code=np.where(y, "1", "7"))
    for of in (lambda frame: frame, pl.from_pandas, arrow):
        model = MAKERS[kind]().fit(of(x), y)
        wanted = model.predict_proba(of(x))
        for name, value in (
            ("region", 3.0), ("region", True), ("region", pd.Timestamp("2024-01-01")),
            ("flag", 2), ("flag", "maybe"),
        ):  # fmt: skip
            with pytest.raises(mw.DataError, match="now") as caught:
                model.predict_proba(of(x.assign(**{name: value})))
            assert caught.value.column == name
        as_numbers = of(x.assign(flag=x["flag"].astype(int), code=x["code"].astype(int)))
        np.testing.assert_array_equal(model.predict_proba(as_numbers), wanted)
        with pytest.warns(UserWarning), pytest.raises(mw.DataError, match="holds numbers now"):
            model.predict_proba(np.ones((3, 5)))


@pytest.mark.parametrize("kind", MAKERS)
def test_text_that_was_learned_as_a_date_may_come_as_one(kind):
    x, y = table()
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(len(x)) % 90, "D")
    for text in (day.strftime("%Y-%m-%d"), day.strftime("%d %b %Y"), day.strftime("%b %d, %Y")):
        model = MAKERS[kind]().fit(x.assign(day=text), y)
        assert len(model.predict(x.assign(day=day))) == len(x)
