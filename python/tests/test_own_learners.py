"""Estimators of one's own as candidates of the search."""

import io
import json
import pickle
import subprocess
import sys
import zipfile

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

import modelwright as mw
from modelwright._own_learner import Fitted

from conftest import BINARY, passengers

#: The constant and the user's own alone: a search of seconds.
QUICK = {"time_limit": None, "preset": "quick", "store": False}


def part(model, name):
    with zipfile.ZipFile(io.BytesIO(model.to_bytes())) as archive:
        return archive.read(name)


class Broken(ClassifierMixin, BaseEstimator):
    """Fails in one of its methods."""

    def __init__(self, where="fit"):
        self.where = where

    def fit(self, X, y):
        if self.where == "fit":
            raise RuntimeError("no licence")
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        if self.where == "predict":
            raise RuntimeError("lost its way")
        shares = np.full((len(X), len(self.classes_)), 1 / len(self.classes_))
        if self.where == "nan":
            shares[::3] = np.nan
        return {"shape": shares[:, :1], "sum": shares * 3}.get(self.where, shares)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(1)]


class Mute:
    """Knows the label of the nearest mean and nothing else, not even its parameters."""

    def fit(self, X, y):
        self.labels = np.unique(y)
        self.means = np.array([X[y == label].mean(axis=0) for label in self.labels])
        return self

    def predict(self, X):
        gaps = ((X[:, None, :] - self.means) ** 2).sum(axis=2)
        return self.labels[gaps.argmin(axis=1)]


class MuteClassifier(Mute, ClassifierMixin, BaseEstimator):
    """The same with a kind."""


class Mean(RegressorMixin, BaseEstimator):
    """Says what it saw: for what an estimator gets."""

    seen: list = []

    def fit(self, X, y, sample_weight=None):
        Mean.seen.append((X.dtype, X.shape, y.dtype, np.isnan(X).any(), sample_weight))
        self.mean_ = float(np.average(y, weights=sample_weight))
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


class Plain:
    """No estimator of scikit-learn's, but with its methods."""

    def fit(self, X, y):
        self.slope = np.linalg.lstsq(np.c_[X, np.ones(len(X))], y, rcond=None)[0]
        return self

    def predict(self, X):
        return np.c_[X, np.ones(len(X))] @ self.slope


def trial(model, name):
    (found,) = [t for t in model.record["trials"] if t["trial"]["name"] == name]
    return found


@pytest.fixture(scope="module")
def mixed(frame):
    """Our linear model and one's own, of which the ensemble may take both."""
    own = [LogisticRegression(C=0.5), lgb.LGBMClassifier(n_estimators=40, n_jobs=1, verbose=-1)]
    return mw.fit(frame, "survived", learners=["baseline", *own], time_limit=None, store=False)


def test_own_learners_are_judged_mixed_calibrated_and_recorded(mixed, frame, new_rows):
    assert set(mixed.leaderboard()["name"]) == {"baseline", "LogisticRegression", "LGBMClassifier"}
    for name, encoding in (("LogisticRegression", "linear"), ("LGBMClassifier", "trees")):
        found = trial(mixed, name)
        assert found["status"] == "done" and found["score"] > 0.6
        assert found["trial"]["learner"] == "own" and found["trial"]["encoding"] == encoding
    parts = {p["name"]: p for p in mixed.record["options"]["own"]}
    assert any(n.startswith("sklearn 1") for n in parts["LogisticRegression"]["needs"])
    assert any(n.startswith("lightgbm 4") for n in parts["LGBMClassifier"]["needs"])
    members = {m["trial"] for m in mixed.record["ensemble"]["members"]}
    assert members and "baseline" not in members
    assert any(n.startswith("Python 3") for n in mixed.manifest["needs"])
    shares = np.asarray(mixed.predict_proba(new_rows))
    np.testing.assert_allclose(shares.sum(1), 1)
    assert mixed.evaluate(new_rows)["metrics"]["roc_auc"]["value"] > 0.6
    row = new_rows.drop(columns="survived").iloc[0].to_dict()
    assert mixed.predict_proba(row)["1"] == pytest.approx(shares[0, 1])
    assert "learners=[…]" in mixed.report().markdown


def test_such_a_model_is_explained_and_its_members_can_be_picked(mixed, new_rows):
    found = mixed.explain(new_rows[:5], background=new_rows)
    assert found.values.shape[0] == 5 and np.abs(found.values).sum() > 0
    offers = mixed.offers()
    assert (np.asarray(offers["latency_us"]) > 0).all()
    picked = mixed.pick(int(np.asarray(offers["offer"])[-1]))
    assert np.isfinite(np.asarray(picked.predict_proba(new_rows))).all()


def test_a_file_with_code_is_read_only_by_who_trusts_it(mixed, new_rows, tmp_path):
    path = mixed.save(tmp_path / "m.mw")
    with pytest.raises(mw.ArtifactError, match="needs Python") as caught:
        mw.load(path)
    assert "trust=True" in caught.value.hint
    with pytest.raises(mw.ArtifactError, match="needs Python"):
        mw.Predictor.from_bytes(mixed.to_bytes())
    again = mw.load(path, trust=True)
    np.testing.assert_array_equal(again.predict_proba(new_rows), mixed.predict_proba(new_rows))
    assert again.to_bytes() == mixed.to_bytes()
    # A pickle is trusted by who reads it.
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(mixed)).predict(new_rows), mixed.predict(new_rows)
    )


def test_nothing_is_unpickled_without_trust(frame, tmp_path, monkeypatch):
    model = mw.fit(frame, "survived", learners=["baseline", LogisticRegression()], **QUICK)
    path = model.save(tmp_path / "m.mw")
    monkeypatch.setattr(pickle, "loads", lambda _: pytest.fail("it was read"))
    with pytest.raises(mw.ArtifactError):
        mw.load(path)


def test_the_command_line_says_what_the_model_needs(mixed, new_rows, tmp_path):
    mixed.save(tmp_path / "out")
    rows = tmp_path / "rows.csv"
    new_rows.to_csv(rows, index=False)
    for words in (["predict", "out", rows], ["evaluate", "out", rows], ["export", "out", "--format", "onnx", "-o", "x.onnx"]):
        done = subprocess.run([BINARY, *words], capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 2 and "needs Python" in done.stderr, done.stderr
    told = subprocess.run([BINARY, "inspect", "out"], capture_output=True, text=True, cwd=tmp_path)
    assert told.returncode == 0 and "needs" in told.stdout and "lightgbm" in told.stdout
    served = subprocess.run(
        [BINARY, "serve", "out", "--port", "0"], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert served.returncode == 2 and "needs Python" in served.stderr, served.stderr
    report = subprocess.run(
        [BINARY, "report", "out", "--format", "markdown"], capture_output=True, text=True, cwd=tmp_path
    )
    assert report.returncode == 0, report.stderr


def test_another_process_reads_it_and_one_without_the_class_says_what_is_missing(tmp_path, frame, new_rows):
    model = mw.fit(frame, "fare", learners=["baseline", Plain()], **QUICK)
    path = model.save(tmp_path / "m.mw")
    code = f"import modelwright as mw; mw.load({path!r}, trust=True)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 1 and "ArtifactError" in done.stderr, done.stderr
    assert "Plain" in done.stderr and "test_own_learners" in done.stderr
    model = mw.fit(frame, "fare", learners=["baseline", LinearRegression()], **QUICK)
    path = model.save(tmp_path / "m.mw")
    code += "; import sys; sys.stdout.write(mw.load(sys.argv[1], trust=True).task)"
    done = subprocess.run(
        [sys.executable, "-c", code.replace("m.mw", "m.mw"), path], capture_output=True, text=True
    )
    assert done.stdout == "regression", done.stderr


@pytest.mark.parametrize(
    "where, says",
    [
        ("fit", "no licence"),
        ("predict", "lost its way"),
        ("nan", "no number"),
        ("shape", "shape"),
        ("sum", "no probabilities"),
    ],
)
def test_what_fails_is_a_failed_trial_and_a_warning_and_the_search_goes_on(frame, where, says):
    with pytest.warns(mw.ModelwrightWarning, match=says):
        model = mw.fit(frame, "survived", learners=["linear", Broken(where)], **QUICK)
    found = trial(model, "Broken")
    assert found["status"] == "failed" and says in found["note"]
    assert [m["trial"] for m in model.record["ensemble"]["members"]] == ["linear"]
    assert "needs" not in model.manifest
    # Nothing of it is in the file.
    mw.Predictor.from_bytes(model.to_bytes())


def test_a_classifier_without_probabilities_gives_scores(frame):
    model = mw.fit(frame, "survived", learners=["baseline", LinearSVC(dual=False)], **QUICK)
    assert trial(model, "LinearSVC")["score"] > 0.6
    model = mw.fit(frame, "port", learners=["baseline", LinearSVC(dual=False)], **QUICK)
    assert trial(model, "LinearSVC")["status"] == "done"


@pytest.mark.parametrize("target", ["survived", "port"])
@pytest.mark.parametrize("kind", [Mute, MuteClassifier])
def test_a_classifier_of_labels_alone_gives_shares_of_0_and_1(frame, target, kind):
    model = mw.fit(frame, target, learners=["baseline", kind()], **QUICK)
    assert trial(model, kind.__name__)["status"] == "done"
    shares = Fitted(kind().fit(np.eye(3), np.arange(3)), np.arange(3), 3).predict(np.eye(3))
    np.testing.assert_array_equal(shares, np.eye(3))
    strange = Fitted(kind().fit(np.eye(3), np.arange(3) + 7), np.arange(3), 3)
    with pytest.raises(ValueError, match="did not learn"):
        strange.predict(np.eye(3))


@pytest.mark.parametrize("learner", [LogisticRegression, 7, "gbdtt", object()])
def test_what_is_no_learner_is_refused_in_words(frame, learner):
    with pytest.raises(mw.OptionError) as caught:
        mw.fit(frame, "survived", learners=[learner], **QUICK)
    assert "learner" in str(caught.value)


def test_the_wrong_kind_of_estimator_is_a_failed_trial(frame):
    with pytest.warns(mw.ModelwrightWarning, match="regressor cannot learn"):
        mw.fit(frame, "survived", learners=["linear", LinearRegression()], **QUICK)


def test_an_estimator_gets_numbers_weights_and_values(frame):
    Mean.seen.clear()
    data = frame.assign(w=np.where(frame["alone"], 2.0, 1.0)).drop(columns="survived")
    model = mw.fit(data, "fare", weight="w", learners=["baseline", Mean()], **QUICK)
    assert trial(model, "Mean")["status"] == "done"
    for dtype, shape, y, has_nan, weights in Mean.seen:
        assert dtype == np.float64 and y == np.float64 and len(shape) == 2
        assert not has_nan and set(weights) == {1.0, 2.0}
    Mean.seen.clear()
    own = mw.Learner(Mean(), encoding="trees", name="with gaps")
    model = mw.fit(data, "fare", learners=["baseline", own], **QUICK)
    assert trial(model, "with gaps")["trial"]["encoding"] == "trees"
    assert any(has_nan for *_, has_nan, _ in Mean.seen)


def test_seeds_are_given_to_what_has_none_and_pipelines_get_weights(frame):
    own = make_pipeline(StandardScaler(), ExtraTreesClassifier(n_estimators=20))
    data = frame.assign(w=1.5)
    asked = {"weight": "w", "learners": ["baseline", own], **QUICK}
    first = mw.fit(data, "survived", **asked)
    assert trial(first, "Pipeline")["status"] == "done"
    second = mw.fit(data, "survived", **asked)
    assert part(first, "model.bin") == part(second, "model.bin")
    assert own.steps[1][1].random_state is None and not hasattr(own.steps[1][1], "classes_")


def test_two_of_a_class_have_two_names_and_taken_names_are_refused(frame):
    two = [LogisticRegression(C=0.1), LogisticRegression(C=10.0)]
    model = mw.fit(frame, "survived", learners=["baseline", *two], **QUICK)
    assert trial(model, "LogisticRegression-2")["trial"]["reason"] == "given: LogisticRegression(C=10.0)"
    with pytest.raises(mw.OptionError, match="same name"):
        mw.fit(frame, "survived", learners=["linear", mw.Learner(two[0], name="linear")], **QUICK)
    with pytest.raises(mw.OptionError, match="derived"):
        mw.fit(frame, "survived", learners=[mw.Learner(two[0], encoding="derived")], **QUICK)
    with pytest.raises(mw.OptionError, match="unknown encoding"):
        mw.fit(frame, "survived", learners=[mw.Learner(two[0], encoding="tree")], **QUICK)


def test_names_alone_choose_among_the_engines_learners_as_on_the_command_line(frame, tmp_path):
    model = mw.fit(frame, "survived", learners=["linear", "naive_bayes"], **QUICK)
    tried = {t["trial"]["learner"] for t in model.record["trials"]}
    assert tried == {"baseline", "linear", "naive_bayes"}
    plan = mw.plan(frame, "survived", learners=["linear", LogisticRegression()])
    assert [t["name"] for t in plan["plan"]["trials"]] == [
        "baseline", "linear", "linear-sparse", "LogisticRegression"
    ]
    frame.to_csv(tmp_path / "d.csv", index=False)
    words = ["fit", tmp_path / "d.csv", "--target", "survived", "--learners", "linear,knn"]
    done = subprocess.run([BINARY, *words, "--plan-only", "--json"], capture_output=True, text=True)
    trials = json.loads(done.stdout)["plan"]["trials"]
    assert {t["learner"] for t in trials} == {"baseline", "linear", "knn"}


def test_names_may_be_one_text_as_on_the_command_line(frame):
    asked = {"preset": "quick", "time_limit": None, "store": False}
    for learners in ("linear,knn", "linear, knn", ["linear", "knn"]):
        model = mw.fit(frame, "survived", learners=learners, **asked)
        tried = {t["trial"]["learner"] for t in model.record["trials"]}
        assert tried == {"baseline", "linear", "knn"}
    x, y = frame.drop(columns="survived"), frame["survived"]
    search = mw.ModelwrightClassifier(learners="linear,knn", preset="quick", time_limit=None)
    record = search.fit(x, y).predictor_.record
    assert {t["trial"]["learner"] for t in record["trials"]} == {"baseline", "linear", "knn"}
    with pytest.raises(mw.OptionError, match="lineer"):
        mw.fit(frame, "survived", learners="lineer,knn", **asked)


def test_a_run_is_repeated_byte_for_byte_with_the_same_learners_and_refused_with_others(frame, tmp_path):
    own = LogisticRegression(C=0.5)
    first = mw.fit(
        frame, "survived", learners=["linear", own], time_limit=20, preset="quick", out=tmp_path / "out"
    )
    again = mw.replay(tmp_path / "out", frame, learners=[own])
    assert again.to_bytes() == first.to_bytes()
    with pytest.raises(mw.Error, match="had a learner"):
        mw.replay(tmp_path / "out", frame)
    with pytest.raises(mw.Error, match="not the learner of the run") as caught:
        mw.replay(tmp_path / "out", frame, learners=[LogisticRegression(C=0.6)])
    assert caught.value.got == "other parameters"


def test_a_slow_learner_is_ended_between_folds(frame):
    class Slow(LinearRegression):
        def fit(self, X, y, sample_weight=None):
            import time

            time.sleep(2.0)
            return super().fit(X, y, sample_weight)

    model = mw.fit(
        frame.drop(columns="survived"), "fare", learners=["linear", Slow()], time_limit=8, store=False
    )
    assert trial(model, "Slow")["status"] in ("stopped", "skipped", "failed")
    assert "Slow" not in [m["trial"] for m in model.record["ensemble"]["members"]]


def test_folds_may_lack_a_class_and_tables_may_have_one_row_of_it():
    rows = passengers(120)
    rows.loc[rows.index[:2], "port"] = "Dublin"
    model = mw.fit(rows, "port", learners=["baseline", LogisticRegression()], **QUICK)
    found = np.asarray(model.predict_proba(rows))
    assert found.shape == (120, 4)
    np.testing.assert_allclose(found.sum(1), 1)


def test_one_class_alone_is_certain():
    fitted = Fitted(None, np.array([1]), 3)
    np.testing.assert_array_equal(fitted.predict(np.zeros((2, 4))), [[0, 1, 0]] * 2)


def test_the_search_estimator_takes_them_too(frame):
    x, y = frame.drop(columns="survived"), frame["survived"].map({0: "no", 1: "yes"})
    model = mw.ModelwrightClassifier(
        time_limit=None, preset="quick", options={"learners": ["baseline", LogisticRegression()]}
    ).fit(x, y)
    assert set(model.predict(x)) <= {"no", "yes"}
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(x), model.predict_proba(x))


def test_polars_and_threads_predict_the_same(mixed, new_rows):
    import polars as pl
    from concurrent.futures import ThreadPoolExecutor

    wanted = np.asarray(mixed.predict_proba(new_rows))
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: np.asarray(mixed.predict_proba(new_rows)), range(8)):
            np.testing.assert_array_equal(found, wanted)
    np.testing.assert_allclose(mixed.predict_proba(pl.from_pandas(new_rows)).to_numpy(), wanted)
    assert isinstance(mixed.predict(new_rows), pd.Series)


def test_train_takes_an_estimator_alone(frame, tmp_path):
    given = RandomForestClassifier(n_estimators=3)
    model = mw.train(given, frame, "survived", params={"max_depth": 3}, seed=1, store=False)
    board = model.leaderboard().set_index("name")
    assert set(board.index) == {"baseline", "RandomForestClassifier"}
    assert board.loc["RandomForestClassifier", "weight"] == 1.0
    assert given.max_depth is None and not hasattr(given, "classes_")
    again = RandomForestClassifier(n_estimators=3, max_depth=3)
    replayed = mw.replay(model, frame, learners=[again])
    assert replayed.predict_proba(frame).equals(model.predict_proba(frame))
    named = mw.Learner(given, name="forest", encoding="linear")
    plan = mw.train(named, frame, "survived", plan=True)
    assert {"forest", "baseline"} >= {t["name"] for t in plan["plan"]["trials"]}


def test_what_train_cannot_do_with_an_estimator_is_said(frame):
    class Failing:
        def fit(self, X, y):
            raise RuntimeError("no memory for this")

        def predict(self, X):
            return X[:, 0]

    with pytest.warns(mw.ModelwrightWarning), pytest.raises(mw.WorkError, match="no memory"):
        mw.train(Failing(), frame, "survived", store=False)
    with pytest.raises(mw.OptionError, match="set_params"):
        mw.train(Failing(), frame, "survived", params={"depth": 3}, store=False)
    with pytest.raises(mw.OptionError) as found:
        mw.train(RandomForestClassifier(), frame, "survived", folds=3, store=False)
    assert found.value.source == "folds" and "split=" in found.value.hint
    with pytest.raises(mw.OptionError, match="an estimator with fit and predict"):
        mw.train(3.5, frame, "survived", store=False)
    with pytest.raises(mw.OptionError, match="an estimator, not its class"):
        mw.train(RandomForestClassifier, frame, "survived", store=False)
