"""scikit-learn's contract, by scikit-learn's own checks, and the tools that estimators meet."""

import inspect
import pickle

import numpy as np
import polars as pl
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import VotingClassifier
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import (
    check_class_weight_classifiers,
    check_sample_weight_equivalence_on_dense_data,
    parametrize_with_checks,
)

import modelwright as mw
from modelwright import sklearn as estimators

#: Faster than by default where only the contract is looked at.
QUICK = {
    # No clock: some checks ask that equal fits are equal.
    "ModelwrightClassifier": {"time_limit": None, "preset": "quick", "interpretable": True},
    "ModelwrightRegressor": {"time_limit": None, "preset": "quick", "interpretable": True},
    "ExplainableBoostingClassifier": {"max_rounds": 60, "smoothing_rounds": 5},
    "ExplainableBoostingRegressor": {"max_rounds": 60, "smoothing_rounds": 5},
}

_EQUIVALENCE = "check_sample_weight_equivalence_on_dense_data"

#: Why a weight of 2 is not the row twice.
_ROWS = {
    "GradientBoosting": "leaves hold 20 rows at least, whatever they weigh, and gradients are "
    "quantised in units of the largest",
    "ExplainableBoosting": "each bag leaves rows out, drawn by chance",
    "RandomForest": "each tree draws rows, not weights, by chance",
    "TabularNet": "batches are drawn by rows",
    "Modelwright": "folds and holdout are drawn by rows",
}

#: scikit-learn's own TargetEncoder is left out of these checks for the same reason.
_CROSS_FITTED = dict.fromkeys(
    ("check_transformer_general", "check_transformer_data_not_an_array"),
    "training rows are written without their own target, so that fit_transform is not transform",
)

#: What a check asks for and an estimator does not do, and why.
NOT_DONE = {
    name + kind: {_EQUIVALENCE: reason}
    for name, reason in _ROWS.items()
    for kind in ("Classifier", "Regressor")
}
NOT_DONE["ExtraTreesRegressor"] = {_EQUIVALENCE: "leaves hold 3 rows at least, whatever they weigh"}
NOT_DONE["TargetEncoder"] = _CROSS_FITTED
NOT_DONE["ExtraTreesClassifier"] = {
    "check_class_weight_classifiers": "trees that all see all rows, down to single ones, say the "
    "class of the row, whatever it weighs; scikit-learn's are bounded by the check "
    "(min_weight_fraction_leaf)"
}


def make(name):
    return getattr(estimators, name)(**QUICK.get(name, {}))


@parametrize_with_checks(
    [make(name) for name in estimators.__all__],
    expected_failed_checks=lambda estimator: NOT_DONE.get(type(estimator).__name__, {}),
)
def test_the_contract_of_scikit_learn_is_kept(estimator, check):
    check(estimator)


def test_forests_that_draw_no_rows_and_bound_no_leaf_take_a_weight_of_two_as_a_row_twice():
    for name in ("ExtraTreesRegressor", "RandomForestClassifier", "RandomForestRegressor"):
        model = getattr(estimators, name)(bootstrap=False, min_samples_leaf=1)
        check_sample_weight_equivalence_on_dense_data(name, model)


_SEARCHES = ("ModelwrightClassifier", "ModelwrightRegressor")
_TRANSFORMERS = ("TableVectorizer", "TargetEncoder")
_OTHERS = (*_SEARCHES, *_TRANSFORMERS, "IsolationForest")
SINGLE = [n for n in estimators.__all__ if n not in _OTHERS]
CLASSIFIERS = [n for n in SINGLE if hasattr(getattr(estimators, n), "predict_proba")]
REGRESSORS = [n for n in SINGLE if n not in CLASSIFIERS]


@pytest.fixture(scope="module")
def classes():
    return make_classification(300, 6, n_informative=4, n_classes=3, random_state=0)


@pytest.fixture(scope="module")
def values():
    return make_regression(300, 6, noise=5.0, random_state=0)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_learn_and_work_in_a_pipeline_and_a_search(name, classes):
    x, y = classes
    labels = np.array(["low", "middle", "high"])[y]
    pipe = make_pipeline(StandardScaler(), make(name))
    scores = cross_val_score(pipe, x, labels, cv=3)
    assert scores.mean() > 0.5, scores
    pipe.fit(x, labels)
    assert list(pipe.classes_) == ["high", "low", "middle"]
    again = pickle.loads(pickle.dumps(pipe))
    np.testing.assert_array_equal(again.predict_proba(x), pipe.predict_proba(x))


@pytest.mark.parametrize("name", REGRESSORS)
def test_regressors_learn_and_work_in_a_pipeline_and_a_search(name, values):
    x, y = values
    pipe = make_pipeline(StandardScaler(), make(name))
    assert cross_val_score(pipe, x, y, cv=3).mean() > 0.4


def test_the_tools_of_scikit_learn_take_them(classes):
    x, y = classes
    model = estimators.GradientBoostingClassifier(n_rounds=20, random_state=0)
    grid = GridSearchCV(model, {"max_leaves": [4, 15], "learning_rate": [0.05, 0.2]}, cv=2)
    assert grid.fit(x, y).best_params_.keys() == {"max_leaves", "learning_rate"}
    scores = cross_val_score(model, x, y, cv=2, n_jobs=2)
    np.testing.assert_allclose(scores, cross_val_score(model, x, y, cv=2))
    calibrated = CalibratedClassifierCV(model, cv=2).fit(x, y)
    assert calibrated.predict_proba(x).shape == (300, 3)
    voting = VotingClassifier([("a", model), ("b", make("LogisticRegression"))], voting="soft")
    assert voting.fit(x, y).score(x, y) > 0.7
    model.fit(x, y)
    assert permutation_importance(model, x, y, n_repeats=2).importances_mean.shape == (6,)
    assert partial_dependence(model, x, [0], kind="average")["average"].shape[0] == 3


def test_partial_dependence_can_be_drawn(values):
    pytest.importorskip("matplotlib").use("Agg")
    from sklearn.inspection import PartialDependenceDisplay

    x, y = values
    model = estimators.GradientBoostingRegressor(n_rounds=10).fit(x, y)
    assert PartialDependenceDisplay.from_estimator(model, x, [0, (0, 1)])


def test_data_frames_with_text_and_gaps_need_no_preparation(frame, new_rows):
    x, y = frame.drop(columns="survived"), frame["survived"]
    model = estimators.GradientBoostingClassifier(n_rounds=40).fit(x, y)
    assert list(model.feature_names_in_) == list(x.columns)
    assert model.score(new_rows.drop(columns="survived"), new_rows["survived"]) > 0.7
    shuffled = x[list(reversed(x.columns))]
    with pytest.raises(ValueError, match="feature names"):
        model.predict(shuffled)
    polars = estimators.GradientBoostingClassifier(n_rounds=40).fit(pl.from_pandas(x), y)
    np.testing.assert_array_equal(polars.predict_proba(pl.from_pandas(x)), model.predict_proba(x))
    parts = ColumnTransformer([("numbers", StandardScaler(), ["age", "fare"])], remainder="drop")
    pipe = make_pipeline(parts.set_output(transform="pandas"), make("GradientBoostingClassifier"))
    assert pipe.fit(x, y).score(x, y) > 0.7


def test_the_search_is_an_estimator_with_a_predictor(frame, new_rows):
    x, y = frame.drop(columns="survived"), frame["survived"].map({0: "no", 1: "yes"})
    model = mw.ModelwrightClassifier(time_limit=3, options={"cost": {"fp": 1, "fn": 3}})
    model.fit(x, y, sample_weight=np.ones(len(x)))
    assert model.predict_proba(new_rows[x.columns]).shape == (50, 2)
    assert set(model.predict(new_rows[x.columns])) <= {"no", "yes"}
    assert model.predictor_.record["options"]["cost"] == {"fp": 1.0, "fn": 3.0}
    assert len(model.predictor_.leaderboard()["name"]) > 1
    assert clone(model).get_params() == model.get_params()


def test_equal_seeds_give_equal_models_and_threads_change_nothing(classes):
    x, y = classes
    first = estimators.RandomForestClassifier(n_trees=20, random_state=7, n_jobs=1).fit(x, y)
    second = estimators.RandomForestClassifier(n_trees=20, random_state=7, n_jobs=2).fit(x, y)
    other = estimators.RandomForestClassifier(n_trees=20, random_state=8).fit(x, y)
    np.testing.assert_array_equal(first.predict_proba(x), second.predict_proba(x))
    assert (first.predict_proba(x) != other.predict_proba(x)).any()


def test_class_weights_and_row_weights_are_one_thing(classes):
    x, y = classes
    y = np.where(y == 2, 1, y)
    by_class = estimators.GradientBoostingClassifier(n_rounds=20, class_weight={0: 3.0, 1: 1.0})
    by_row = estimators.GradientBoostingClassifier(n_rounds=20)
    by_class.fit(x, y)
    by_row.fit(x, y, sample_weight=np.where(y == 0, 3.0, 1.0))
    np.testing.assert_array_equal(by_class.predict_proba(x), by_row.predict_proba(x))


def test_a_parameter_out_of_range_is_refused_with_its_range(classes):
    with pytest.raises(mw.OptionError, match="from 2 to 4096"):
        estimators.GradientBoostingClassifier(max_leaves=1).fit(*classes)


def test_sparse_matrices_are_refused_in_words(classes):
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match="dense"):
        estimators.Ridge().fit(sparse.csr_matrix(classes[0]), classes[1])


def test_every_learner_has_estimators_with_its_parameters():
    import json

    from modelwright import _modelwright

    learners = {e["learner"]: e for e in json.loads(_modelwright.learners())}
    covered = {getattr(estimators, n)._learner for n in SINGLE}
    assert covered == set(learners) - {"baseline"}
    for name in SINGLE:
        known = {p["name"] for p in learners[getattr(estimators, name)._learner]["params"]}
        own = set(inspect.signature(getattr(estimators, name)).parameters)
        # What is an array of `fit` or a list of numbers here is the text of a column's name there.
        elsewhere = {"class_weight", "init_score", "quantiles"}
        if name.startswith(("GradientBoosting", "TabularNet")):
            # All rows are learned from: there is none to stop early by.
            elsewhere.add("early_stopping_rounds")
        assert known - elsewhere <= own, name


def test_a_parameter_that_could_not_act_is_not_there():
    for name in ("GradientBoostingRegressor", "TabularNetRegressor"):
        assert "early_stopping_rounds" not in inspect.signature(getattr(estimators, name)).parameters


def test_only_the_ratios_of_weights_matter_unless_they_count_rows(values):
    x, y = values
    share = np.random.default_rng(3).uniform(0.5, 2.0, len(y))
    first, second = (
        estimators.GradientBoostingRegressor(n_rounds=40).fit(x, y, sample_weight=weight)
        for weight in (share, share / 4096)
    )
    np.testing.assert_array_equal(first.predict(x), second.predict(x))


def test_constraints_are_taken_as_lists_and_dicts(values):
    import pandas as pd

    x, y = values
    frame = pd.DataFrame(x, columns=[f"c{i}" for i in range(6)]).assign(t=["u", "v", "w"] * 100)
    make = estimators.GradientBoostingRegressor
    for data, text, ways in [
        (x, "x0:+1,x2:-1", [[1, 0, -1, 0, 0, 0], {0: 1, 2: -1}, {"x0": 1, 2: -1}]),
        (frame, "c1:-1", [[0, -1, 0, 0, 0, 0, 0], {"c1": -1}, {1: -1}]),
    ]:
        wanted = make(n_rounds=9, monotone=text).fit(data, y).predict(data)
        assert (wanted != make(n_rounds=9).fit(data, y).predict(data)).any()
        for monotone in ways:
            model = make(n_rounds=9, monotone=monotone).fit(data, y)
            np.testing.assert_array_equal(model.predict(data), wanted)
    groups = make(n_rounds=9, interactions="x0,x1|x2").fit(x, y).predict(x)
    for interactions in ([[0, 1], [2]], [("x0", "x1"), ["x2"]]):
        model = make(n_rounds=9, interactions=interactions).fit(x, y)
        np.testing.assert_array_equal(model.predict(x), groups)
    for wrong in ({"monotone": [1]}, {"monotone": {"x9": 1}}, {"monotone": {0: 2}},
                  {"interactions": [1, 2]}, {"interactions": [[7]]}):  # fmt: skip
        with pytest.raises(mw.OptionError, match=next(iter(wrong))):
            make(n_rounds=2, **wrong).fit(x, y)


@pytest.mark.parametrize("kind", ["RandomForest", "ExtraTrees"])
def test_forests_score_rows_by_the_trees_that_did_not_draw_them(kind, classes, values):
    x, y = classes
    model = getattr(estimators, kind + "Classifier")(bootstrap=True, oob_score=True).fit(x, y)
    shares = model.oob_decision_function_
    assert shares.shape == (300, 3) and np.allclose(shares.sum(axis=1), 1)
    assert model.oob_score_ == (model.classes_[shares.argmax(axis=1)] == y).mean()
    assert model.oob_score_ < model.score(x, y)
    two = getattr(estimators, kind + "Classifier")(bootstrap=True, oob_score=True).fit(x, y > 0)
    assert two.oob_decision_function_.shape == (300, 2)
    x, y = values
    weights = np.ones(300)
    weights[:5] = 0
    model = getattr(estimators, kind + "Regressor")(bootstrap=True, oob_score=True)
    with pytest.warns(mw.ModelwrightWarning, match="5 of 300 rows have no out-of-bag"):
        model.fit(x, y, sample_weight=weights)
    assert np.isnan(model.oob_prediction_[:5]).all()
    truth, said = y[5:], model.oob_prediction_[5:]
    wanted = 1 - ((truth - said) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()
    assert abs(model.oob_score_ - wanted) < 1e-12
    plain = getattr(estimators, kind + "Regressor")(bootstrap=True).fit(x, y, sample_weight=weights)
    np.testing.assert_array_equal(plain.predict(x), model.predict(x))
    assert not hasattr(plain, "oob_score_")
    with pytest.raises(mw.OptionError, match="bootstrap"):
        getattr(estimators, kind + "Regressor")(bootstrap=False, oob_score=True).fit(x, y)


def test_boosters_split_categories_by_sets_of_levels_when_asked():
    import pandas as pd

    random = np.random.default_rng(2)
    shop = random.integers(0, 40, 1500)
    frame = pd.DataFrame({"shop": pd.Series(shop).map("s{}".format).astype("category")})
    y = random.normal(size=40)[shop] * 3 + random.normal(size=1500) * 0.1
    make = estimators.GradientBoostingRegressor
    plain = make(n_rounds=20, encoding="levels").fit(frame, y).predict(frame)
    smooth = make(n_rounds=20, encoding="levels", cat_smooth=1e5).fit(frame, y).predict(frame)
    assert (plain != smooth).any()
    by_trees = [make(n_rounds=20, cat_smooth=s).fit(frame, y).predict(frame) for s in (10.0, 1e5)]
    np.testing.assert_array_equal(*by_trees)
    with pytest.raises(mw.Error, match="unknown encoding"):
        make(encoding="level").fit(frame, y)


def test_unusual_rows_are_found_as_often_as_was_said():
    x = np.random.default_rng(0).normal(size=(400, 3))
    x[:20] += 8
    forest = estimators.IsolationForest(contamination=0.05).fit(x)
    found = np.flatnonzero(forest.predict(x) == -1)
    assert set(found) == set(range(20))
    again = pickle.loads(pickle.dumps(forest))
    np.testing.assert_array_equal(again.score_samples(x), forest.score_samples(x))
    with pytest.raises(mw.OptionError, match="0.5"):
        estimators.IsolationForest(contamination=0.7).fit(x)


def test_estimators_are_found_in_the_package_too():
    assert mw.GradientBoostingClassifier is estimators.GradientBoostingClassifier
    assert set(estimators.__all__) <= set(dir(mw))


@pytest.mark.parametrize("gap", [None, np.nan, "pandas"])
def test_labels_of_objects_with_gaps_are_refused_as_gaps(gap):
    import pandas as pd

    y = np.array(["a", "b"] * 20, dtype=object)
    y[3] = pd.NA if gap == "pandas" else gap
    with pytest.raises(ValueError, match="y contains NaN"):
        estimators.GradientBoostingClassifier(n_rounds=3).fit(np.arange(40.0).reshape(-1, 1), y)


def test_arrow_tables_with_text_are_learned_from_as_frames_are():
    random = np.random.default_rng(0)
    frame = pl.DataFrame(
        {"a": random.normal(size=90), "c": ["u", "v", "w"] * 30, "n": random.integers(0, 9, 90)}
    )
    y = (frame["a"] + (frame["c"] == "u")).to_numpy() > 0.5
    table = frame.to_arrow()
    for make in (estimators.GradientBoostingClassifier, estimators.LogisticRegression):
        model = make().fit(table, y)
        assert model.feature_names_in_.tolist() == ["a", "c", "n"]
        np.testing.assert_array_equal(
            model.predict_proba(table), make().fit(frame, y).predict_proba(frame)
        )


def test_masked_cells_are_missing_to_estimators():
    x = np.random.default_rng(0).normal(size=(90, 2))
    y = x[:, 0] > 0.3
    hidden = np.ma.masked_less(x, 0)
    model = estimators.GradientBoostingClassifier(n_rounds=5).fit(hidden, y)
    clear = hidden.filled(np.nan)
    again = estimators.GradientBoostingClassifier(n_rounds=5).fit(clear, y)
    np.testing.assert_array_equal(model.predict_proba(hidden), again.predict_proba(clear))


def test_an_isolation_forest_says_what_makes_numbers_of_text():
    frame = pl.DataFrame({"a": np.arange(40.0), "c": ["u", "v"] * 20})
    with pytest.raises(mw.DataError, match="TableVectorizer"):
        estimators.IsolationForest().fit(frame)
    pipeline = make_pipeline(estimators.TableVectorizer(), estimators.IsolationForest())
    assert len(pipeline.fit(frame).predict(frame)) == 40


def test_every_option_of_the_search_is_a_parameter(frame):
    from modelwright import _options, _search_options

    asked = {k["python"] for k in _options.keywords("fit")}
    elsewhere = {
        "target", "task", "out", "test", "weight", "positive", "separator", "no_header",
        "decimal", "charset", "threads", "seed",
    }  # fmt: skip
    for estimator in (mw.ModelwrightClassifier, mw.ModelwrightRegressor):
        params = estimator().get_params()
        assert set(params) == asked - elsewhere | {"loss", "options", "random_state", "n_jobs"}
        assert set(_search_options.OPTIONS) <= set(params)
        assert all(f"    {name} : " in estimator.__doc__ for name in params)
    X, y = frame.drop(columns="survived"), frame["survived"]
    quick = mw.ModelwrightClassifier(time_limit=None, preset="quick", refit="train", n_jobs=1)
    search = GridSearchCV(quick, {"learners": [["knn"], ["linear"]]}, cv=2).fit(X, y)
    assert search.best_params_ == {"learners": ["linear"]}
    best = search.best_estimator_.predictor_
    assert {t["trial"]["learner"] for t in best.record["trials"]} == {"baseline", "linear"}
    assert best.record["options"]["refit"] == "train"
    other = clone(quick).set_params(exclude="fare", kind={"alone": "category"})
    other.set_params(learners=["linear"], options={"exclude": ["age"]}).fit(X, y)
    options = other.predictor_.record["options"]
    assert options["exclude"] == ["age"] and other.predictor_.columns != ["fare"]
    assert "fare" in other.predictor_.columns and options["kinds"]["alone"] == "category"


@pytest.mark.parametrize("forest", [mw.RandomForestClassifier, mw.ExtraTreesClassifier])
def test_forests_weigh_classes_as_scikit_learn_does(forest):
    X, y = make_classification(300, weights=[0.9], flip_y=0.2, random_state=0)
    labels, rows = np.where(y == 1, "rare", "common"), np.random.default_rng(0).random(len(y))
    of_class = {"rare": 5.0, "common": 0.5}
    told = forest(n_trees=10, class_weight=of_class).fit(X, labels, sample_weight=rows)
    weights = rows * np.where(y == 1, 5.0, 0.5)
    plain = forest(n_trees=10).fit(X, labels, sample_weight=weights)
    np.testing.assert_array_equal(told.predict_proba(X), plain.predict_proba(X))
    bounded = {"n_trees": 10, "min_samples_leaf": 20}
    balanced = forest(class_weight="balanced", **bounded).fit(X, labels)
    even = len(y) / (2 * np.bincount(y))
    same = forest(**bounded).fit(X, labels, sample_weight=even[y])
    np.testing.assert_array_equal(balanced.predict_proba(X), same.predict_proba(X))
    shares = forest(**bounded).fit(X, labels).predict_proba(X)
    check_class_weight_classifiers(forest.__name__, forest(min_samples_leaf=20))
    assert balanced.predict_proba(X)[:, 1].mean() > shares[:, 1].mean()
    with pytest.raises(ValueError, match="balanced"):
        forest(class_weight="even").fit(X, labels)
    assert "class_weight" not in mw.RandomForestRegressor().get_params()


def test_forests_know_any_part_of_the_features():
    X, y = make_classification(100, n_features=9, random_state=0)
    same = ((None, "all"), (1.0, "all"), (0.5, "half"), (0.33, "third"), (0.8, 7), (np.int64(3), "sqrt"))
    for number, word in same:
        given = mw.RandomForestClassifier(n_trees=5, max_features=number).fit(X, y)
        named = mw.RandomForestClassifier(n_trees=5, max_features=word).fit(X, y)
        np.testing.assert_array_equal(given.predict_proba(X), named.predict_proba(X))
        assert given.get_params()["max_features"] == number
    few = {"n_trees": 5, "max_leaves": 4}
    one = mw.ExtraTreesClassifier(max_features=1, **few).fit(X, y).predict_proba(X)
    all_of_them = mw.ExtraTreesClassifier(max_features=1.0, **few).fit(X, y).predict_proba(X)
    assert (one != all_of_them).any()
    for number in (1.5, 0, -1, 0.0, float("nan"), True, "most", [1]):
        with pytest.raises(mw.OptionError, match="sqrt, log2, third, half") as found:
            mw.RandomForestClassifier(max_features=number).fit(X, y)
        assert found.value.source == "max_features" or "max_features" in str(found.value)


def test_the_target_of_a_search_has_a_name_that_can_be_read_and_said():
    import pandas as pd

    x = pd.DataFrame({"a": [i % 10 for i in range(80)], "target": [i % 3 for i in range(80)]})
    y = x["a"] > 5
    make = {"time_limit": None, "preset": "quick", "learners": ["linear"]}
    named = y.rename("left")
    for given, wanted in ((y.to_numpy(), "target_"), (named, "left"), (list(y), "target_")):
        model = mw.ModelwrightClassifier(**make).fit(x, given, sample_weight=np.ones(80))
        assert model.predictor_.target == wanted
    assert mw.ModelwrightRegressor(**make).fit(x[["a"]], x["a"] * 2.0).predictor_.target == "a_"
    plain = mw.ModelwrightRegressor(**make).fit([[i] for i in range(80)], range(80))
    assert plain.predictor_.target == "target"


def test_weights_are_routed_to_fit_and_score():
    X, y = make_classification(200, random_state=0)
    weights = np.where(y == 1, 3.0, 1.0)
    with config_context(enable_metadata_routing=True):
        asked = mw.LogisticRegression().set_fit_request(sample_weight=True)
        asked = asked.set_score_request(sample_weight=True)
        routed = cross_validate(asked, X, y, params={"sample_weight": weights}, cv=3)
    plain = cross_validate(mw.LogisticRegression(), X, y, cv=3)
    assert len(routed["test_score"]) == 3
    assert (routed["test_score"] != plain["test_score"]).any()
