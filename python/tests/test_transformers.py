"""Tables as numbers: names, output of every kind, pipelines, and no row that sees its target."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

import modelwright as mw
from modelwright.sklearn import TableVectorizer, TargetEncoder


@pytest.fixture(scope="module")
def towns():
    random = np.random.default_rng(0)
    town = random.integers(0, 40, 2000)
    value = random.normal(town % 7, 1.0)
    return pd.DataFrame({"town": [f"town {t}" for t in town], "size": random.normal(size=2000)}), value


def test_a_value_becomes_the_smoothed_mean_of_its_rows(towns):
    x, y = towns
    encoder = TargetEncoder(prior_strength=5.0).fit(x[["town"]], y)
    said = encoder.transform(pd.DataFrame({"town": ["town 3", "never seen"]}))
    rows = y[(x["town"] == "town 3").to_numpy()]
    by_hand = (rows.sum() + 5.0 * y.mean()) / (len(rows) + 5.0)
    assert said[0, 0] == pytest.approx(by_hand, rel=1e-5)
    assert said[1, 0] == pytest.approx(y.mean(), rel=1e-5)


def test_a_training_row_never_sees_its_own_target():
    # Each level twice, and a target of chance: whoever sees it predicts it perfectly.
    random = np.random.default_rng(1)
    x = np.repeat(np.arange(500), 2).astype(str).reshape(-1, 1)
    y = random.normal(size=1000)
    honest = TargetEncoder().fit_transform(x, y)
    leaking = TargetEncoder().fit(x, y).transform(x)
    score = {n: LinearRegression().fit(z, y).score(z, y) for n, z in
             (("honest", honest), ("leaking", leaking))}  # fmt: skip
    assert score["honest"] < 0.02 < 0.3 < score["leaking"]
    pipe = make_pipeline(TargetEncoder(), LinearRegression())
    assert cross_val_score(pipe, x, y, cv=5).mean() < 0.05


def test_columns_keep_their_names_and_classes_have_their_own(towns):
    x, y = towns
    encoder = TargetEncoder().set_output(transform="pandas")
    found = encoder.fit_transform(x, y)
    assert list(found.columns) == ["town", "size"] and (found.index == x.index).all()
    labels = np.array(["low", "middle", "high"])[np.digitize(y, [2, 4])]
    encoder.fit(x[["town"]], labels)
    assert encoder.get_feature_names_out().tolist() == ["town_high", "town_low", "town_middle"]
    assert encoder.transform(x[["town"]]).shape == (2000, 3)
    np.testing.assert_allclose(encoder.transform(x[["town"]]).sum(axis=1), 1, atol=1e-5)


def test_equal_seeds_give_equal_orders_and_threads_change_nothing(towns):
    x, y = towns
    one = TargetEncoder(random_state=3, n_jobs=1).fit_transform(x, y)
    two = TargetEncoder(random_state=3, n_jobs=2).fit_transform(x, y)
    other = TargetEncoder(random_state=4).fit_transform(x, y)
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()


@pytest.mark.parametrize("make", [TargetEncoder, TableVectorizer])
def test_transformers_are_pickled_and_work_in_pipelines(make, frame, new_rows):
    x, y = frame.drop(columns="survived"), frame["survived"]
    fitted = make().fit(x, y)
    again = pickle.loads(pickle.dumps(fitted))
    rows = new_rows[x.columns]
    np.testing.assert_array_equal(again.transform(rows), fitted.transform(rows))
    parts = ColumnTransformer([("own", make(), ["port", "alone"])], remainder="drop")
    pipe = make_pipeline(parts, LogisticRegression()).fit(x, y)
    assert pipe.predict(rows).shape == (50,)
    assert all(name.startswith("own__") for name in pipe[0].get_feature_names_out())


def test_a_whole_table_becomes_numbers_by_what_its_columns_mean(frame, new_rows):
    x, y = frame.drop(columns="survived"), frame["survived"]
    vectorizer = TableVectorizer().set_output(transform="pandas")
    found = vectorizer.fit_transform(x, y)
    names = list(found.columns)
    assert {"age", "fare", "port=Cherbourg", "alone"} <= set(names)
    assert any(name.startswith("boarded:") for name in names)
    assert found["age"].isna().sum() == x["age"].isna().sum()
    np.testing.assert_allclose(found["fare"], x["fare"], rtol=1e-6)
    scaled = TableVectorizer(scaled=True).fit_transform(x, y)
    assert np.isfinite(scaled).all() and np.abs(scaled).max() < 50
    polars = TableVectorizer().set_output(transform="polars").fit_transform(pl.from_pandas(x), y)
    assert isinstance(polars, pl.DataFrame) and polars.columns == names
    pipe = make_pipeline(TableVectorizer(scaled=True), LogisticRegression())
    assert cross_val_score(pipe, x, y, cv=3).mean() > 0.6


def test_many_values_become_statistics_only_where_there_is_a_target(towns):
    x, y = towns
    names = TableVectorizer().fit(x, y).get_feature_names_out().tolist()
    assert "town:target" in names and "town:frequency" in names
    blind = TableVectorizer().fit(x).get_feature_names_out().tolist()
    assert "town:target" not in blind and "town:frequency" in blind
    assert TableVectorizer(use_target=False).fit(x, y).get_feature_names_out().tolist() == blind
    wide = TableVectorizer(max_one_hot=50).fit(x).get_feature_names_out().tolist()
    assert "town=town 3" in wide
    rooms = x.assign(rooms=np.arange(2000) % 4)
    assert "rooms" in TableVectorizer().fit(rooms).get_feature_names_out()
    named = TableVectorizer(kinds={"rooms": "category"}).fit(rooms)
    assert "rooms=3" in named.get_feature_names_out()


def test_wrong_input_is_refused_by_name(towns):
    x, y = towns
    with pytest.raises(mw.OptionError, match="prior_strength"):
        TargetEncoder(prior_strength=-1).fit(x, y)
    with pytest.raises(mw.OptionError, match="target_type"):
        TargetEncoder(target_type="ordinal").fit(x, y)
    with pytest.raises(ValueError, match="requires y"):
        TargetEncoder().fit(x, None)
    encoder = TargetEncoder().fit(x, y)
    with pytest.raises(ValueError, match="feature names"):
        encoder.transform(x.rename(columns={"town": "city"}))
