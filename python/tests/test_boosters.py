"""What boosters take and say beside fit and predict: LightGBM's and scikit-learn's words."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import mean_pinball_loss

import modelwright as mw
from modelwright.sklearn import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
)

N = 240
X = np.random.default_rng(0).normal(size=(N, 4)).astype(np.float32)
Y = 3.0 * X[:, 0] + np.sin(3 * X[:, 1])
LABELS = {2: np.where(Y > 0, "yes", "no"), 3: np.digitize(Y, [-2.0, 2.0])}
FEW = {"n_rounds": 12, "learning_rate": 0.2}


def classifier(n_classes, **params):
    return GradientBoostingClassifier(**{**FEW, **params}).fit(X, LABELS[n_classes])


def regressor(**params):
    return GradientBoostingRegressor(**{**FEW, **params}).fit(X, Y)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_last_stage_of_a_classifier_is_its_prediction(n_classes):
    model = classifier(n_classes)
    shares = list(model.staged_predict_proba(X))
    labels = list(model.staged_predict(X))
    assert len(shares) == len(labels) == model.n_iter_ == 12
    np.testing.assert_array_equal(shares[-1], model.predict_proba(X))
    np.testing.assert_array_equal(labels[-1], model.predict(X))
    assert all(s.shape == (N, n_classes) for s in shares)
    short = classifier(n_classes, n_rounds=5)
    np.testing.assert_array_equal(shares[4], short.predict_proba(X))


def test_the_last_stage_of_a_regressor_is_its_prediction():
    model = regressor()
    stages = list(model.staged_predict(X))
    np.testing.assert_array_equal(stages[-1], model.predict(X))
    errors = [np.mean((s - Y) ** 2) for s in stages]
    assert errors[0] > errors[5] > errors[-1]
    assert list(regressor(n_rounds=0).staged_predict(X)) == []


def test_raw_scores_are_what_becomes_a_probability():
    model = classifier(2)
    scores = model.decision_function(X)
    assert scores.shape == (N,)
    np.testing.assert_allclose(1 / (1 + np.exp(-scores)), model.predict_proba(X)[:, 1], rtol=1e-12)
    np.testing.assert_array_equal(model.predict(X, raw_score=True), scores)
    model = classifier(3)
    scores = np.exp(model.decision_function(X))
    np.testing.assert_allclose(
        scores / scores.sum(1, keepdims=True), model.predict_proba(X), rtol=1e-12
    )
    counts = GradientBoostingRegressor(loss="poisson", **FEW).fit(X, np.exp(Y / 4))
    raw = counts.predict(X, raw_score=True)
    np.testing.assert_allclose(np.exp(raw), counts.predict(X), rtol=1e-12)


@pytest.mark.parametrize("make", [lambda **p: classifier(3, **p), regressor])
def test_leaves_group_rows_of_equal_predictions(make):
    model = make()
    leaves = model.apply(X)
    n_trees = 12 * (3 if hasattr(model, "classes_") else 1)
    assert leaves.shape == (N, n_trees) and leaves.dtype == np.uint32
    assert 1 < leaves.max() < 31
    said = model.predict_proba(X) if hasattr(model, "classes_") else model.predict(X)
    _, first, again = np.unique(leaves, axis=0, return_index=True, return_inverse=True)
    np.testing.assert_array_equal(said, said[first][again.ravel()])


def test_forests_say_leaves_and_importances_too():
    forest = RandomForestClassifier(n_trees=7).fit(X, LABELS[3])
    assert forest.apply(X).shape == (N, 7)
    for model in (forest, ExtraTreesRegressor(n_trees=7).fit(X, Y), regressor(), classifier(2)):
        shares = model.feature_importances_
        assert shares.shape == (4,) and shares.sum() == pytest.approx(1.0)
        assert shares.argmax() == 0


def test_importances_of_a_data_frame_are_in_the_order_of_its_columns():
    frame = pd.DataFrame({"noise": X[:, 3], "word": np.where(X[:, 0] > 0, "a", "b"), "c": 1.0})
    model = GradientBoostingRegressor(**FEW).fit(frame, (X[:, 0] > 0) * 5.0)
    assert model.feature_importances_.argmax() == 1
    assert model.feature_importances_[2] == 0.0


@pytest.mark.parametrize("n_classes", [0, 2, 3])
def test_rounds_in_two_fits_are_those_of_one(n_classes):
    def make(**params):
        of = GradientBoostingClassifier if n_classes else GradientBoostingRegressor
        return of(learning_rate=0.1, **params)

    y = LABELS[n_classes] if n_classes else Y
    frame = pd.DataFrame(X).assign(word=np.where(X[:, 2] > 0, "a", "b"))
    frame.columns = frame.columns.map(str)
    whole = make(n_rounds=30).fit(frame, y)
    half = make(n_rounds=10).fit(frame, y)
    more = make(n_rounds=20).fit(frame, y, init_model=half)
    warm = make(n_rounds=10, warm_start=True).fit(frame, y)
    warm.set_params(n_rounds=30).fit(frame, y)
    for model in (more, warm):
        assert model.n_iter_ == 30
        assert model._single.to_bytes() == whole._single.to_bytes()
    assert half.n_iter_ == 10, "the model that is continued stays as it is"
    assert pickle.loads(pickle.dumps(more)).n_iter_ == 30


def test_a_model_goes_on_with_other_rows_and_keeps_its_classes():
    first = classifier(3)
    other = X[:100] + 0.1
    more = GradientBoostingClassifier(**FEW).fit(other, LABELS[3][:100], init_model=first)
    assert more.n_iter_ == 24 and more.classes_.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(
        list(more.staged_predict_proba(X))[11], first.predict_proba(X)
    )


def test_what_cannot_be_continued_is_refused():
    first = classifier(3)
    new = GradientBoostingClassifier(**FEW)
    with pytest.raises(mw.DataError, match="(?s)unknown.*7 in row 3"):
        new.fit(X[:5], [0, 1, 7, 2, 1], init_model=first)
    with pytest.raises(ValueError, match="features"):
        clone(new).fit(X[:, :2], LABELS[3], init_model=first)
    with pytest.raises(mw.OptionError, match="init_model"):
        clone(new).fit(X, LABELS[3], init_model=regressor())
    with pytest.raises(mw.OptionError, match="both"):
        clone(new).fit(X, LABELS[3], init_model=first, init_score=np.zeros((N, 3)))
    warm = GradientBoostingClassifier(warm_start=True, **FEW).fit(X, LABELS[3])
    with pytest.raises(ValueError, match="n_rounds=3 must be larger"):
        warm.set_params(n_rounds=3).fit(X, LABELS[3])
    with pytest.warns(mw.ModelwrightWarning, match="nothing was fitted"):
        warm.set_params(n_rounds=12).fit(X, LABELS[3])
    with pytest.raises(mw.DataError, match="another loss"):
        GradientBoostingRegressor(loss="poisson", **FEW).fit(X, np.abs(Y), init_model=regressor())


def test_init_scores_are_where_rows_start_from_and_are_given_again():
    exposure = np.random.default_rng(1).uniform(0.5, 20.0, N)
    counts = exposure * np.exp(X[:, 0])
    model = GradientBoostingRegressor(loss="poisson", n_rounds=80, learning_rate=0.2)
    model.fit(X, counts, init_score=np.log(exposure))
    said = model.predict(X, init_score=np.log(exposure))
    np.testing.assert_allclose(said, model.predict(X) * exposure, rtol=1e-9)
    blind = GradientBoostingRegressor(loss="poisson", n_rounds=80, learning_rate=0.2).fit(X, counts)
    assert np.mean(np.abs(said - counts)) < 0.5 * np.mean(np.abs(blind.predict(X) - counts))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_init_scores_of_an_earlier_model_make_it_go_on(n_classes):
    first = classifier(n_classes)
    scores = first.decision_function(X)
    second = GradientBoostingClassifier(**FEW).fit(X, LABELS[n_classes], init_score=scores)
    shares = second.predict_proba(X, init_score=scores)
    np.testing.assert_allclose(shares.sum(1), 1.0)
    truth = LABELS[n_classes][:, None] == second.classes_
    assert shares[truth].mean() > first.predict_proba(X)[truth].mean()
    labels = second.predict(X, init_score=scores)
    np.testing.assert_array_equal(labels, second.classes_[shares.argmax(1)])
    summed = second.decision_function(X, init_score=scores)
    np.testing.assert_allclose(summed, second.decision_function(X) + scores, rtol=1e-12)


def test_rows_of_weight_zero_take_their_init_scores_with_them():
    weight, scores = np.ones(N), np.arange(N, dtype=float)
    weight[::3] = 0.0
    kept = weight > 0
    one = GradientBoostingRegressor(**FEW).fit(X, Y, weight, init_score=scores)
    two = GradientBoostingRegressor(**FEW).fit(X[kept], Y[kept], init_score=scores[kept])
    np.testing.assert_array_equal(one.predict(X), two.predict(X))


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        (np.zeros(N - 1), "shape"),
        (np.zeros((N, 2)), "shape"),
        (np.where(np.arange(N) == 4, np.nan, 0.0), "row 5"),
        (np.where(np.arange(N) == 4, np.inf, 0.0), "row 5"),
        (["a"] * N, "shape"),
        (0.5, "shape"),
    ],
)
def test_init_scores_that_are_none_are_refused(scores, words):
    with pytest.raises(mw.DataError, match=f"(?s)init.score.*{words}"):
        GradientBoostingRegressor(**FEW).fit(X, Y, init_score=scores)
    with pytest.raises(mw.DataError, match=f"(?s)init.score.*{words}"):
        regressor().predict(X, init_score=scores)


def test_quantiles_at_once_hold_as_many_rows_as_they_say_and_never_cross():
    random = np.random.default_rng(3)
    x = random.uniform(-1, 1, (2000, 2))
    y = x[:, 0] + (1 + x[:, 1]) * random.normal(size=2000)
    levels = [0.1, 0.5, 0.9]
    model = GradientBoostingRegressor(n_rounds=100, quantiles=levels).fit(x, y)
    said = model.predict(x)
    assert said.shape == (2000, 3) and (np.diff(said, axis=1) >= 0).all()
    for k, level in enumerate(levels):
        assert abs(np.mean(y <= said[:, k]) - level) < 0.05
        best = mean_pinball_loss(y, np.full(2000, np.quantile(y, level)), alpha=level)
        assert mean_pinball_loss(y, said[:, k], alpha=level) < best
    assert 0 < model.score(x, y) < 1
    np.testing.assert_array_equal(list(model.staged_predict(x))[-1], said)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(x), said)
    assert model.fit(x, y, init_score=np.zeros((2000, 3))).predict(x).shape == (2000, 3)


@pytest.mark.parametrize("levels", [[], [0.5, 0.1], [0.0, 0.5], [0.5, 1.0], [[0.5]], [np.nan]])
def test_levels_that_are_no_quantiles_are_refused(levels):
    with pytest.raises(mw.OptionError, match="ascending"):
        GradientBoostingRegressor(quantiles=levels, **FEW).fit(X, Y)


def test_quantiles_have_their_own_loss():
    with pytest.raises(mw.OptionError, match="loss"):
        GradientBoostingRegressor(quantiles=[0.5], loss="huber", **FEW).fit(X, Y)


def test_the_parts_of_a_saved_model_say_scores_and_leaves():
    frame = pd.DataFrame(X, columns=list("abcd")).assign(y=LABELS[2])
    model = mw.train("gbdt", frame, "y", params=FEW, folds=0)
    scores = model.raw_scores(frame)
    assert isinstance(scores, pd.Series) and scores.index.equals(frame.index)
    shares = model.predict_proba(frame)["yes"]
    assert np.corrcoef(scores.rank(), shares.rank())[0, 1] > 0.999
    leaves = model.leaves(frame)
    assert leaves.shape[0] == N and leaves.shape[1] % 12 == 0
    frame["y"] = LABELS[3]
    model = mw.train("gbdt", frame, "y", params=FEW)
    assert list(model.raw_scores(frame).columns) == ["score_0", "score_1", "score_2"]
    linear = mw.train("linear", frame, "y")
    with pytest.raises(mw.DataError, match="gradient boosters"):
        linear.raw_scores(frame)
    with pytest.raises(mw.DataError, match="trees"):
        linear.leaves(frame)
