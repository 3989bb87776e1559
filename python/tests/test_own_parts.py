"""A metric, a split and a loss of the user's own."""

import json
import subprocess
import time

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.metrics import fbeta_score, make_scorer, mean_poisson_deviance
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, TimeSeriesSplit

import modelwright as mw
from modelwright.sklearn import GradientBoostingClassifier, GradientBoostingRegressor

from conftest import BINARY, passengers

ONE = {"params": {"n_rounds": 15}}


def profit(y_true, y_pred, sample_weight=None):
    """Five for a right yes, minus one for a wrong one."""
    earned = np.where(y_pred == 1, np.where(y_true == 1, 5.0, -1.0), 0.0)
    return np.average(earned, weights=sample_weight)


def squared(y_true, y_pred):
    """Of probabilities, without weights."""
    return float(np.mean((y_true - y_pred) ** 2))


PROFIT = mw.Metric(profit, larger_is_better=True)


def test_a_metric_is_optimised_reported_and_recorded(frame, new_rows):
    model = mw.fit(frame, "survived", metric=PROFIT, time_limit=4, preset="quick")
    assert model.metric == "profit" and next(iter(model.metrics)) == "profit"
    board = model.leaderboard()
    assert board["score"].dropna().is_monotonic_decreasing
    (part,) = model.record["options"]["own"]
    assert (part["kind"], part["name"]) == ("metric", "profit")
    assert any(need.startswith("Python 3") for need in part["needs"])
    found = model.evaluate(new_rows)["metrics"]["profit"]
    by_hand = profit(new_rows["survived"].to_numpy(), np.asarray(model.predict(new_rows)))
    assert found["value"] == pytest.approx(by_hand)
    assert found["ci95"][0] <= found["value"] <= found["ci95"][1]
    assert "profit" in model.report().markdown


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_metric_that_never_gives_a_number_is_refused_by_name(frame, value):
    def profitless(y_true, y_pred):
        return value

    metric = mw.Metric(profitless, larger_is_better=True)
    with pytest.raises(mw.OptionError, match=f"profitless failed(.|\n)*gave {value}") as caught:
        mw.fit(frame, "survived", metric=metric, time_limit=4, preset="quick")
    assert caught.value.source == "metric"


def test_what_an_own_metric_says_is_what_the_catalog_says(frame):
    own = mw.Metric(squared, larger_is_better=False, needs="probabilities", name="own_brier")
    ours = mw.train("gbdt", frame, "survived", metric=own, **ONE)
    theirs = mw.train("gbdt", frame, "survived", metric="brier_score", **ONE)
    assert ours.metrics["own_brier"] == pytest.approx(theirs.metrics["brier_score"])
    assert ours.leaderboard()["score"][0] == pytest.approx(theirs.leaderboard()["score"][0])
    low = ours.record["evaluation"]["metrics"][0]["ci95"]["low"]
    same = theirs.record["evaluation"]["metrics"][0]["ci95"]["low"]
    # Intervals of means of rows are found otherwise than those of any function.
    assert low == pytest.approx(same, abs=0.01)


def test_labels_come_in_their_own_types_and_classes_in_columns(frame):
    seen = []

    def watched(y_true, y_pred, sample_weight=None):
        seen.append((y_true.dtype.kind, set(np.unique(y_true)), y_pred.shape))
        return float((y_pred.argmax(1) >= 0).mean())

    asked = mw.Metric(watched, larger_is_better=True, needs="probabilities")
    mw.train("gbdt", frame, "port", metric=asked, **ONE)
    kind, labels, shape = seen[0]
    assert kind == "O" and labels <= set(frame["port"]) and shape[1] == 3
    values = mw.Metric(lambda y, p: float(np.abs(y - p).max()), larger_is_better=False, name="worst")
    model = mw.train("gbdt", frame.drop(columns="survived"), "fare", metric=values, **ONE)
    assert model.metrics["worst"] > 0


def test_a_scorer_of_scikit_learn_is_a_metric(frame):
    scorer = make_scorer(fbeta_score, beta=2.0)
    model = mw.train("gbdt", frame, "survived", metric=scorer, **ONE)
    assert 0 < model.metrics["fbeta_score_scorer"] <= 1
    assert any(n.startswith("sklearn ") for n in model.record["options"]["own"][0]["needs"])


def test_a_metric_that_cannot_be_used_is_refused_in_words(frame):
    with pytest.raises(mw.OptionError, match="which way"):
        mw.train("gbdt", frame, "survived", metric=profit, **ONE)

    def broken(y_true, y_pred):
        raise RuntimeError("no price list")

    with pytest.raises(mw.OptionError, match="no price list"):
        mw.train("gbdt", frame, "survived", metric=mw.Metric(broken, larger_is_better=True), **ONE)
    taken = mw.Metric(profit, larger_is_better=True, name="accuracy")
    with pytest.raises(mw.Error, match="name of another"):
        mw.train("gbdt", frame, "survived", metric=taken, **ONE)
    weighted = frame.assign(w=0.5)
    unweighted = mw.Metric(squared, larger_is_better=False, needs="probabilities")
    with pytest.raises(mw.Error, match="sample_weight"):
        mw.train("gbdt", weighted, "survived", metric=unweighted, weight="w", **ONE)


def test_a_metric_that_takes_long_keeps_to_the_time_and_the_run_says_so(frame):
    def slow(y_true, y_pred, sample_weight=None):
        time.sleep(0.01)
        return np.average(y_true == y_pred, weights=sample_weight)

    metric = mw.Metric(slow, larger_is_better=True)
    begun = time.monotonic()
    with pytest.warns(mw.ModelwrightWarning, match="a value of slow takes .* ms on 300 rows"):
        model = mw.fit(frame, "survived", metric=metric, time_limit=8)
    # Its thousands of resamples alone would take minutes.
    assert time.monotonic() - begun < 16
    assert model.metrics["slow"] > 0.5
    judged = model.record["evaluation"]["metrics"][0]
    assert judged["ci95"] is None and "takes long" in judged["note"]
    quick = mw.fit(frame, "survived", metric=PROFIT, time_limit=8, preset="quick")
    assert quick.record["evaluation"]["metrics"][0]["ci95"] is not None


def test_a_run_with_a_slow_metric_is_repeated_as_it_was(frame, tmp_path):
    slow = [0.01]

    def own(y_true, y_pred, sample_weight=None):
        time.sleep(slow[0])
        return np.average(y_true == y_pred, weights=sample_weight)

    asked = {"metric": mw.Metric(own, larger_is_better=True)}
    with pytest.warns(mw.ModelwrightWarning, match="takes"):
        first = mw.fit(frame, "survived", time_limit=5, preset="quick", out=tmp_path / "o", **asked)
    slow[0] = 0.0
    with pytest.warns(mw.ModelwrightWarning):
        again = mw.replay(tmp_path / "o", frame, **asked)
    assert again.to_bytes() == first.to_bytes()


def test_such_a_model_predicts_anywhere_and_is_judged_by_the_default_elsewhere(
    frame, new_rows, tmp_path
):
    model = mw.train("gbdt", frame, "survived", metric=PROFIT, **ONE, out=tmp_path / "out")
    again = mw.load(tmp_path / "out")
    np.testing.assert_array_equal(again.predict(new_rows), model.predict(new_rows))
    assert "profit" not in again.evaluate(new_rows)["metrics"]
    new_rows.to_csv(tmp_path / "rows.csv", index=False)
    command = [BINARY, "evaluate", tmp_path / "out", tmp_path / "rows.csv", "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and "profit" in done.stderr
    assert "roc_auc" in json.loads(done.stdout)["metrics"]


def test_a_run_with_own_parts_is_repeated_only_with_them(frame, tmp_path):
    splitter = StratifiedKFold(4, shuffle=True, random_state=3)
    asked = {"metric": PROFIT, "split": splitter}
    first = mw.fit(frame, "survived", time_limit=3, preset="quick", **asked, out=tmp_path / "out")
    with pytest.warns(mw.ModelwrightWarning, match="profit is code"):
        again = mw.replay(tmp_path / "out", frame, **asked)
    assert again.to_bytes() == first.to_bytes()
    with pytest.raises(mw.Error, match="had a metric"):
        mw.replay(tmp_path / "out", frame)
    other = StratifiedKFold(4, shuffle=True, random_state=4)
    with pytest.raises(mw.Error, match="not the split of the run"):
        mw.replay(tmp_path / "out", frame, metric=PROFIT, split=other)
    frame.to_csv(tmp_path / "data.csv", index=False)
    command = [BINARY, "replay", tmp_path / "out/record.json", tmp_path / "data.csv"]
    done = subprocess.run([*command, "--out", tmp_path / "x"], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr


def test_the_last_pair_is_held_out_and_the_others_judge(frame):
    pairs = list(TimeSeriesSplit(5).split(frame))
    model = mw.train("gbdt", frame, "survived", split=pairs, **ONE)
    split = model.record["split"]
    assert (split["kind"], split["n_folds"]) == ("own", 4)
    assert split["n_holdout"] == len(pairs[-1][1]) and split["n_train"] == len(pairs[-1][0])
    assert model.record["options"]["own"][0]["kind"] == "split"
    assert "pairs of rows" in model.report().markdown
    assert model.record["evaluation"]["n_rows"] == len(pairs[-1][1])


def test_all_pairs_judge_where_there_is_a_test_table(frame, new_rows):
    model = mw.train("gbdt", frame, "survived", split=KFold(3), test=new_rows, **ONE)
    assert model.record["split"]["n_folds"] == 3
    assert model.record["split"]["n_train"] == len(frame)


def test_splitters_see_target_and_groups_of_every_kind_of_table(frame):
    class Watching(GroupKFold):
        def split(self, X, y=None, groups=None):
            self.seen = (len(X), np.asarray(y).sum(), len(set(groups)))
            return super().split(X, y, groups)

    data = frame.assign(family=np.arange(len(frame)) % 30)
    for table in (data, pl.from_pandas(data), data.to_dict("records")):
        splitter = Watching(4)
        mw.train("gbdt", table, "survived", split=splitter, group="family", **ONE)
        assert splitter.seen == (len(frame), frame["survived"].sum(), 30)


@pytest.mark.parametrize(
    "split, says",
    [
        ([], "no pair"),
        ([(range(10), range(5, 20)), (range(20), range(30, 40))], "learned from and judged"),
        ([([0, 1], [2]), ([0, 1], [2])], "judged twice"),
        ([([0, 1], [5000])], "0 to 299"),
        ([([0.5], [1.5])], "row numbers"),
        ([(range(100), range(100, 200))], "two pairs"),
        (7, "splitter"),
    ],
)
def test_splits_that_cannot_judge_are_refused_in_words(frame, split, says):
    with pytest.raises(mw.Error, match=says):
        mw.train("gbdt", frame, "survived", split=split, **ONE)


def test_rows_of_a_file_cannot_be_split_before_they_are_read(frame, tmp_path):
    frame.to_csv(tmp_path / "d.csv", index=False)
    with pytest.raises(mw.OptionError, match="read the file first"):
        mw.train("gbdt", tmp_path / "d.csv", "survived", split=KFold(3), **ONE)


def test_masks_are_pairs_too_and_rows_without_target_move_nothing(frame):
    gaps = frame.assign(survived=frame["survived"].astype("Int64"))
    gaps.loc[::10, "survived"] = pd.NA
    late = np.arange(len(frame)) >= 240
    middle = (np.arange(len(frame)) >= 120) & ~late
    pairs = [(~late & ~middle, middle), (~late, late)]
    model = mw.train("gbdt", gaps, "survived", split=pairs, **ONE)
    assert model.record["split"]["n_holdout"] == 54 and model.record["split"]["n_train"] == 216


def squared_loss(y, score):
    return score - y, np.ones_like(score)


def log_loss(y, score):
    p = 1 / (1 + np.exp(-score))
    return p - y, p * (1 - p)


def test_a_loss_of_ones_own_learns_what_the_built_in_one_learns():
    random = np.random.default_rng(0)
    x = random.normal(size=(400, 3))
    y = x[:, 0] * 2 + random.normal(size=400)
    own = GradientBoostingRegressor(loss=mw.Loss(squared_loss), n_rounds=30).fit(x, y)
    built_in = GradientBoostingRegressor(loss="squared", n_rounds=30).fit(x, y)
    np.testing.assert_allclose(own.predict(x), built_in.predict(x), atol=0.05)
    labels = (y > 0).astype(int)
    own = GradientBoostingClassifier(loss=mw.Loss(log_loss), n_rounds=30).fit(x, labels)
    built_in = GradientBoostingClassifier(n_rounds=30).fit(x, labels)
    np.testing.assert_allclose(own.predict_proba(x), built_in.predict_proba(x), atol=0.02)


def test_a_loss_has_a_link_and_several_classes_have_several_scores():
    random = np.random.default_rng(0)
    x = random.normal(size=(600, 2))
    counts = random.poisson(np.exp(0.6 * x[:, 0])).astype(float)

    def poisson(y, score):
        mean = np.exp(score)
        return mean - y, mean

    model = GradientBoostingRegressor(loss=mw.Loss(poisson, link="log"), n_rounds=40)
    model.fit(x, counts)
    said = model.predict(x)
    assert said.min() > 0 and said.mean() == pytest.approx(counts.mean(), rel=0.1)
    constant = np.full_like(counts, counts.mean())
    assert mean_poisson_deviance(counts, said) < mean_poisson_deviance(counts, constant)

    def softmax(y, score):
        p = np.exp(score - score.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        return p - np.eye(3)[y.astype(int)], p * (1 - p)

    classes = np.digitize(x[:, 0], [-0.5, 0.5])
    model = GradientBoostingClassifier(loss=mw.Loss(softmax), n_rounds=30).fit(x, classes)
    assert model.score(x, classes) > 0.9
    np.testing.assert_allclose(model.predict_proba(x).sum(1), 1)


def test_what_a_loss_raises_is_raised():
    x, y = np.arange(40.0).reshape(-1, 1), np.arange(40.0)

    def late(y, score):
        raise LookupError("no table")

    for loss, error, says in (
        (late, LookupError, "no table"),
        (lambda y, s: s, TypeError, "two arrays"),
        (lambda y, s: (s[:3], s[:3]), mw.OptionError, r"(?s)gradients.*shape \(40,\)"),
        (lambda y, s: (s * np.nan, s), mw.OptionError, "(?s)gradients.*finite.*nan in row 1"),
        (lambda y, s: (s - y, np.where(y == 3, -1.0, 1.0)), mw.OptionError, "(?s)Hessians.*row 4"),
        (lambda y, s: ("none", s), mw.OptionError, "array of numbers"),
    ):
        with pytest.raises(error, match=says):
            GradientBoostingRegressor(loss=mw.Loss(loss), n_rounds=5).fit(x, y)


def test_own_parts_work_in_the_search_estimator(frame):
    x, y = frame.drop(columns="survived"), frame["survived"].map({0: "no", 1: "yes"})

    def yes(y_true, y_pred, sample_weight=None):
        assert set(y_true) <= {"no", "yes"} and set(y_pred) <= {"no", "yes"}
        return np.average((y_true == y_pred) & (y_true == "yes"), weights=sample_weight)

    model = mw.ModelwrightClassifier(
        time_limit=3,
        preset="quick",
        metric=mw.Metric(yes, larger_is_better=True),
        options={"split": KFold(4)},
    )
    model.fit(x, y)
    assert model.predictor_.metric == "yes" and model.predictor_.metrics["yes"] > 0
    assert model.predictor_.record["split"]["kind"] == "own"
    with pytest.raises(mw.OptionError, match="which way"):
        mw.ModelwrightClassifier(metric=yes).fit(x, y)


def test_a_plan_says_that_it_knows_no_own_parts():
    with pytest.raises(mw.OptionError, match="plan without them"):
        mw.plan(passengers(), "survived", metric=PROFIT)


def expectile(y, score):
    weight = np.where(y > score, 0.9, 0.1)
    return weight * (score - y), weight


def fares(frame):
    """Rows whose fare can be learned."""
    by_column = 30.0 * frame["alone"] + 15.0 * (frame["port"] == "Cherbourg")
    return frame.assign(fare=by_column + frame["fare"] / 4).drop(columns="survived")


def test_boosters_of_a_search_and_of_train_minimise_a_loss_of_ones_own(frame, tmp_path):
    rows = fares(frame)
    plain = mw.train("gbdt", rows, "fare", params={"n_rounds": 40})
    own = mw.train("gbdt", rows, "fare", params={"n_rounds": 40}, loss=mw.Loss(expectile))
    assert own.predict(rows).mean() > plain.predict(rows).mean() + 0.5
    (part,) = own.record["options"]["own"]
    assert (part["kind"], part["name"]) == ("loss", "expectile") and part["needs"]
    assert "loss=" in own.report().render("markdown")
    own.save(tmp_path / "own")
    again = mw.replay(tmp_path / "own", rows, loss=mw.Loss(expectile))
    assert again.to_bytes() == own.to_bytes()
    with pytest.raises(mw.Error, match="loss of its user"):
        mw.replay(tmp_path / "own", rows)
    with pytest.raises(mw.Error, match="not the loss"):
        mw.replay(tmp_path / "own", rows, loss=mw.Loss(expectile, name="another"))
    found = mw.fit(
        rows, "fare", time_limit=None, preset="quick", loss=expectile, learners=["linear", "gbdt"]
    )
    trials = found.record["trials"]
    assert {"linear", "gbdt"} <= {t["trial"]["learner"] for t in trials}
    assert all(t["score"] is not None for t in trials), trials


def test_the_values_of_a_loss_decide_when_to_stop(frame):
    called = []

    def value(y, score):
        called.append(len(y))
        return 0.5 * (score - y) ** 2

    rows = fares(frame)
    squared = mw.Loss(lambda y, s: (s - y, np.ones_like(y)), value=value, name="mine")
    model = mw.train("gbdt", rows, "fare", params={"learning_rate": 0.1}, loss=squared)
    assert called and len(model.record["trials"][0]["rounds"]) > 1
    assert max(model.record["trials"][0]["rounds"]) < 1000, "it stopped early"


def test_what_a_loss_of_a_search_does_wrong_is_said(frame):
    rows = fares(frame)

    def late(y, score):
        raise LookupError("no table")

    for loss, error, says in (
        (late, LookupError, "no table"),
        (lambda y, s: (s * np.nan, s), mw.OptionError, "(?s)gradients.*finite"),
        (mw.Loss(expectile, value=lambda y, s: 1.0 * y[:2]), mw.OptionError, "(?s)values.*shape"),
        (7, mw.OptionError, "loss"),
    ):
        with pytest.raises(error, match=says):
            mw.train("gbdt", rows, "fare", params={"n_rounds": 5, "early_stopping_rounds": 2},
                     loss=loss)
    with pytest.raises(mw.Error, match="(?s)no candidate minimises.*gbdt"):
        mw.train("linear", rows, "fare", loss=expectile)
