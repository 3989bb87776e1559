"""A model after its fit: offers, other libraries' files, new rows, a successor, the store."""

import json
import os
import warnings

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost

import modelwright as mw

from conftest import command_line, passengers


@pytest.fixture(scope="module")
def searched():
    return mw.fit(passengers(400), "survived", time_limit=8, refit="train", store=False)


def test_offers_are_listed_and_one_is_picked(searched, new_rows, tmp_path):
    board = searched.offers()
    assert isinstance(board, pd.DataFrame) and board["offer"].tolist()[0] == 1
    assert board["more_error"][0] == 0 and (board["size_bytes"] > 0).all()
    assert not board["tied"][0], "the delivered one is not compared with itself"
    tied = searched.pick(fastest_tied=True)
    assert tied.predict_proba(new_rows).shape == (50, 2)
    smallest = searched.pick(smallest_within=10.0)
    assert len(smallest.to_bytes()) <= len(searched.to_bytes())
    assert smallest.predict_proba(new_rows).shape == (50, 2)
    last = int(board["offer"].max())
    picked = searched.pick(last)
    assert picked.record["picked"]["offer"] == last - 1
    searched.save(tmp_path / "whole")
    command_line("pick", tmp_path / "whole", "--offer", last, "--out", tmp_path / "picked")
    assert (tmp_path / "picked/model.mw").read_bytes() == picked.to_bytes()
    for wrong, says in (({"offer": 99}, "1 to"), ({}, "nothing is wished")):
        with pytest.raises(mw.OptionError, match=says):
            searched.pick(**wrong)
    with pytest.raises(mw.OptionError, match="nothing smaller"):
        picked.offers()


def test_a_booster_is_written_for_lightgbm(frame, new_rows, tmp_path):
    numbers = ["age", "fare", "survived"]
    model = mw.train("gbdt", frame[numbers], "survived", params={"n_rounds": 20}, folds=0)
    about = model.export(tmp_path / "model.txt", "lightgbm")
    names = [f["name"] for f in about["features"]]
    assert set(names) == {"age", "fare"} and about["n_trees"] > 0
    booster = lightgbm.Booster(model_file=str(tmp_path / "model.txt"))
    theirs = booster.predict(new_rows[names])
    np.testing.assert_allclose(theirs, model.predict_proba(new_rows)[1], atol=1e-6)
    command_line("export", model.save(tmp_path / "m.mw"), "--format", "xgboost-json",
                 "-o", tmp_path / "typed.json")  # fmt: skip
    model.export(tmp_path / "ours.json", "xgboost-json", member=1)
    assert (tmp_path / "ours.json").read_bytes() == (tmp_path / "typed.json").read_bytes()
    with pytest.raises(mw.OptionError, match="lightgbm"):
        model.export(tmp_path / "x", "coreml")


def test_the_features_that_an_exported_booster_reads_are_made(frame, new_rows, tmp_path):
    model = mw.train("gbdt", frame, "survived", params={"n_rounds": 20}, folds=0)
    about = model.export(tmp_path / "model.txt", "lightgbm")
    features = model.features(new_rows)
    assert list(features.columns) == [f["name"] for f in about["features"]]
    assert list(features.index) == list(new_rows.index)
    booster = lightgbm.Booster(model_file=str(tmp_path / "model.txt"))
    theirs = booster.predict(features.to_numpy(dtype=float))
    np.testing.assert_allclose(theirs, model.predict_proba(new_rows)[1], atol=1e-6)
    linear = mw.train("linear", frame, "survived")
    with pytest.raises(mw.OptionError):
        linear.features(new_rows)


def test_names_that_a_model_file_forgot_come_from_a_table(tmp_path):
    x = pd.DataFrame({"a b": np.arange(60.0), "c": np.arange(60.0) % 7})
    booster = lightgbm.LGBMRegressor(n_estimators=5, verbose=-1).fit(x, x["c"])
    x.to_csv(tmp_path / "x.csv", index=False)
    for like in (x, tmp_path / "x.csv"):
        model = mw.import_model(booster, like=like)
        assert model.columns == ["a b", "c"]
        np.testing.assert_allclose(model.predict(x), booster.predict(x), atol=1e-6)


def test_new_rows_are_compared_with_those_of_training(predictor, frame, tmp_path):
    same = predictor.monitor(passengers(300, seed=5))
    assert same.status in ("stable", "watch") and "fare" not in same.drifted
    moved = passengers(300, seed=5)
    moved["fare"] *= 4
    found = predictor.monitor(moved)
    assert "fare" in found.drifted and found.status == "alarm"
    assert found._repr_html_().startswith("<iframe") and "fare" in repr(found)
    found.save(tmp_path / "drift.html")
    assert (tmp_path / "drift.html").stat().st_size > 1000


def test_batches_are_remembered_in_a_file(predictor, tmp_path):
    history = tmp_path / "batches.json"
    rows = passengers(300, seed=7)
    first = predictor.monitor(rows, history=history)
    assert first.document["accumulated"]["n_batches"] == 1
    assert predictor.monitor(rows).document.get("accumulated") is None
    again = predictor.monitor(rows, history=history)
    assert again.document["accumulated"]["n_batches"] == 1
    assert any("count once" in note for note in again.document["notes"])
    predictor.monitor(passengers(200, seed=8), history=str(history))
    assert len(json.loads(history.read_text())["batches"]) == 2
    (tmp_path / "none.json").write_text("[1, 2")
    with pytest.raises(mw.DataError, match="no history of `monitor`"):
        predictor.monitor(rows, history=tmp_path / "none.json")


def test_monitoring_a_table_is_monitoring_its_file(predictor, tmp_path):
    rows = passengers(200, seed=6)
    rows["alone"] = rows["alone"].map({True: "true", False: "false"})
    rows.to_csv(tmp_path / "rows.csv", index=False)
    path = predictor.save(tmp_path / "model.mw")
    typed = json.loads(command_line("monitor", path, tmp_path / "rows.csv", "--json").stdout)
    for data in (tmp_path / "rows.csv", rows):
        ours = predictor.monitor(data).document
        assert ours["columns"] == typed["columns"] and ours["verdict"] == typed["verdict"]
    parts = predictor.monitor([rows[:120], rows[120:]]).document
    assert parts["current"]["n_rows"] == 200
    answers = rows[["survived"]]
    apart = predictor.monitor(rows.drop(columns="survived"), labels=answers).document
    assert apart["performance"] == typed["performance"]
    beside = predictor.monitor(rows, reference=passengers(300, seed=7), predict=False)
    assert beside.document["predictions"] is None


def test_a_value_that_does_not_fit_is_counted_not_refused(predictor):
    odd = passengers(100, seed=8).astype({"age": object})
    odd["age"] = "old"
    found = predictor.monitor(odd)
    assert any(q["column"] == "age" and q["is_severe"] for q in found.document["quality"])


def test_a_successor_must_prove_itself(frame, tmp_path):
    old = mw.train("gbdt", frame, "survived", params={"n_rounds": 3}, store=False)
    new = passengers(600, seed=11)
    found = old.retrain(new, time_limit=5, out=tmp_path / "new", rule="refresh", gain=0.05)
    assert {g["gate"] for g in found.decision["gates"]} and isinstance(found.accepted, bool)
    assert found.predictor.predict(new).shape == (600,)
    assert {p.name for p in (tmp_path / "new").iterdir()} == {
        "model.mw", "record.json", "report.html", "decision.json"
    }  # fmt: skip
    written = json.loads((tmp_path / "new/decision.json").read_text())
    assert written["accepted"] == found.accepted
    with pytest.raises(mw.DataError, match="too few rows"):
        old.retrain(new[:50], time_limit=5)


def test_a_retraining_is_a_run_whose_data_are_known(frame, tmp_path):
    folder = tmp_path / "store"
    old = mw.train("gbdt", frame, "survived", params={"n_rounds": 3}, store=folder)
    new = passengers(600, seed=11)
    asked = {"plan": "same", "rule": "refresh", "gain": 0.05, "time_limit": 5}
    old.retrain(new, **asked, store=False)
    found = old.retrain(new, **asked, store=folder)
    store = mw.Store(folder)
    run, fit = store.runs()
    assert (run["kind"], run["status"], run["n_rows"]) == ("retrain", "finished", 600)
    assert run["note"] == found.decision["summary"]
    assert run["parameters"]["rule"] == "Refresh" and run["metrics"]
    assert store.register("ship", found.predictor)["run"] == run["id"]
    log = json.loads(command_line("data", "log", "--json", "--store", folder).stdout)
    known = {snapshot["file_sha256"] for snapshot in log["snapshots"]}
    assert known == {run["data_sha256"], fit["data_sha256"]}
    with pytest.raises(mw.DataError, match="too few rows"):
        old.retrain(new[:50], time_limit=5, store=folder)
    assert store.runs()[0]["status"] == "failed"


def test_runs_are_recorded_where_a_store_is_named_and_models_registered(frame, tmp_path):
    folder = tmp_path / "store"
    model = mw.train("gbdt", frame, "survived", params={"n_rounds": 5}, store=folder)
    store = mw.Store(folder)
    (run,) = store.runs()
    assert (run["kind"], run["status"]) == ("train", "finished")
    assert run["model_sha256"] and store.run(run["id"])["parameters"]["target"] == "survived"
    first = store.register("ship", model, alias="champion", run=run["id"], note="first")
    other = mw.train("gbdt", frame, "survived", params={"n_rounds": 6}, store=False)
    again = store.register("ship", other.save(tmp_path / "m.mw"))
    assert (first["number"], again["number"]) == (1, 2)
    store.alias("ship", "champion", 2, reason="newer")
    assert store.load("ship", "champion").to_bytes() == other.to_bytes()
    assert store.roll_back("ship", "champion")["number"] == 1
    assert [h["number"] for h in store.history("ship")]
    listed = json.loads(command_line("models", "list", "--json", "--store", folder).stdout)
    assert listed == store.models() and listed[0]["name"] == "ship"
    assert store.runs("kind = fit") == [] and len(store.runs(best="roc_auc")) == 1
    store.remove_alias("ship", "champion")
    store.delete("ship", 1)
    assert [v["number"] for v in store.versions("ship")] == [2]
    store.delete_runs(run["id"])
    assert store.runs() == []
    with pytest.raises(mw.OptionError):
        store.load("yacht")


def test_looks_at_a_model_are_recorded(frame, tmp_path):
    folder, path = tmp_path / "store", tmp_path / "rows.csv"
    frame.to_csv(path, index=False)
    model = mw.train("gbdt", frame, "survived", params={"n_rounds": 5}, store=False)
    found = model.evaluate(frame, store=folder)
    model.evaluate(path, store=folder)
    model.audit(frame, "port", store=folder)
    model.monitor(frame, store=folder)
    runs = mw.Store(folder).runs()
    assert [run["kind"] for run in reversed(runs)] == ["evaluate", "evaluate", "audit", "monitor"]
    assert {run["status"] for run in runs} == {"finished"}
    first = mw.Store(folder).run(runs[-1]["id"])
    metrics = {m["name"]: m["value"] for m in first["metrics"]}
    assert metrics["roc_auc"] == found["metrics"]["roc_auc"]["value"]
    log = json.loads(command_line("data", "log", "--json", "--store", folder).stdout)
    known = {snapshot["file_sha256"] for snapshot in log["snapshots"]}
    assert known == {run["data_sha256"] for run in runs[1:]}
    with pytest.raises(mw.DataError):
        model.evaluate(frame.drop(columns="survived"), store=folder)
    assert mw.Store(folder).runs()[0]["status"] == "failed"


def test_an_alias_that_moves_to_other_columns_warns(frame, tmp_path):
    store = mw.Store(tmp_path / "store")
    whole = mw.train("linear", frame, "survived", store=False)
    fewer = mw.train("linear", frame.drop(columns=frame.columns[0]), "survived", store=False)
    store.register("ship", whole, alias="champion")
    with pytest.warns(mw.ModelwrightWarning, match="no longer reads"):
        version = store.register("ship", fewer, alias="champion")
    assert "warnings" not in version
    with pytest.warns(mw.ModelwrightWarning, match="did not read before"):
        store.alias("ship", "champion", 1)


def test_a_failed_run_is_recorded_with_its_reason(frame, tmp_path):
    constant = frame.assign(survived=1)
    with pytest.raises(mw.Error):
        mw.train("gbdt", constant, "survived", store=tmp_path / "store")
    (run,) = mw.Store(tmp_path / "store").runs()
    assert run["status"] == "failed"


def test_nothing_is_recorded_where_no_store_was_made(frame, tmp_path, monkeypatch):
    monkeypatch.delenv("MODELWRIGHT_STORE", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    mw.train("gbdt", frame, "survived", params={"n_rounds": 3})
    assert not (tmp_path / "data").exists()
    with pytest.raises(mw.OptionError):
        mw.Store().runs()
    monkeypatch.setenv("MODELWRIGHT_STORE", str(tmp_path / "named"))
    mw.train("gbdt", frame, "survived", params={"n_rounds": 3}, store=False)
    assert not (tmp_path / "named").exists()
    model = mw.train("gbdt", frame, "survived", params={"n_rounds": 3})
    assert len(mw.Store().runs()) == 1 and mw.Store().folder == os.fspath(tmp_path / "named")
    mw.Store().register("ship", model, alias="champion")
    assert mw.load("ship@champion").to_bytes() == model.to_bytes()


@pytest.mark.parametrize(
    "form, mark",
    [("markdown", "#"), ("json", "{"), ("model-card", "---"), ("model-card-json", "{"),
     ("annex-iv", "#"), ("html", "<!")],
)  # fmt: skip
def test_reports_have_the_forms_of_the_command_line(predictor, tmp_path, form, mark):
    path = predictor.save(tmp_path / "model.mw")
    typed = command_line("report", path, "--format", form).stdout
    ours = predictor.report().render(form)
    assert ours == typed and ours.lstrip().lower().startswith((mark, "["))
    predictor.report().save(tmp_path / "r.txt", form=form)
    assert (tmp_path / "r.txt").read_text() == ours
    with pytest.raises(mw.OptionError, match="annex-iv"):
        predictor.report().render("pdf")


def test_a_model_and_its_record_in_memory_are_replayed(predictor, frame):
    assert mw.replay(predictor, frame).to_bytes() == predictor.to_bytes()
    assert mw.replay(predictor.record, frame).to_bytes() == predictor.to_bytes()


def test_an_estimator_that_stopped_early_predicts_as_it_did():
    random = np.random.default_rng(0)
    x = random.normal(size=(600, 4))
    y = (x[:, 0] + random.normal(size=600) > 0).astype(int)
    frame = pd.DataFrame(x, columns=list("abcd"))
    estimator = xgboost.XGBClassifier(n_estimators=200, early_stopping_rounds=5, learning_rate=0.5)
    estimator.fit(frame[:400], y[:400], eval_set=[(frame[400:], y[400:])], verbose=False)
    assert estimator.best_iteration + 1 < estimator.get_booster().num_boosted_rounds()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = mw.import_model(estimator)
    theirs = estimator.predict_proba(frame)
    np.testing.assert_allclose(model.predict_proba(frame)[1], theirs[:, 1], atol=1e-6)
    with pytest.warns(mw.ModelwrightWarning, match="early stopping found round"):
        whole = mw.import_model(estimator.get_booster())
    theirs = estimator.get_booster().predict(xgboost.DMatrix(frame))
    np.testing.assert_allclose(whole.predict_proba(frame).to_numpy()[:, 1], theirs, atol=1e-6)


@pytest.mark.parametrize("library", [lightgbm.LGBMRegressor, xgboost.XGBRegressor])
def test_models_that_learned_from_columns_of_bool_read_them(library, tmp_path):
    random = np.random.default_rng(1)
    frame = pd.DataFrame({"a": random.normal(size=500), "g": random.integers(0, 2, 500) > 0})
    estimator = library(n_estimators=20).fit(frame, frame["a"] + 3 * frame["g"])
    model = mw.import_model(estimator)
    wanted = estimator.predict(frame)
    np.testing.assert_allclose(model.predict(frame), wanted, atol=1e-5)
    np.testing.assert_allclose(model.predict(frame.astype(float)), wanted, atol=1e-5)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    np.testing.assert_allclose(model.predict(tmp_path / "rows.csv"), wanted, atol=1e-5)
    assert abs(model.predict({"a": 0.0, "g": True}) - 3.0) < 1.0


def test_a_calibration_that_a_format_cannot_hold_is_warned_of(tmp_path):
    random = np.random.default_rng(5)
    x = random.normal(size=(1500, 3))
    rows = pd.DataFrame(x, columns=list("abc"))
    rows["y"] = x[:, 0] + x[:, 1] * 0.5 + random.normal(size=1500) > 0
    model = mw.train("extra_trees", rows, "y", params={"n_trees": 10})
    assert model.record["calibration"]["method"] != "none"
    with pytest.warns(mw.ModelwrightWarning, match="calibration is left out"):
        about = model.export(tmp_path / "m.txt", "lightgbm")
    assert any("calibration" in note for note in about["notes"])


@pytest.mark.parametrize("judge", [3, 0, -1, float("nan")])
def test_a_share_that_judges_is_between_none_and_all(frame, judge):
    model = mw.train("linear", frame, "survived", store=False)
    with pytest.raises(mw.OptionError, match="judge"):
        model.retrain(frame, judge=judge, store=False)


def test_quantiles_learned_at_once_are_those_of_the_command_line(frame, tmp_path):
    rows = frame.drop(columns="survived")
    rows["fare"] = rows["fare"].fillna(0)
    model = mw.train("gbdt", rows, "fare", params={"n_rounds": 10, "quantiles": "0.1,0.5,0.9"})
    found = model.predict_quantiles(rows)
    assert list(found.columns) == ["quantile_0.1", "quantile_0.5", "quantile_0.9"]
    assert (found.index == rows.index).all() and (found.diff(axis=1).iloc[:, 1:] >= 0).all().all()
    rows.to_csv(tmp_path / "rows.csv", index=False)
    path = model.save(tmp_path / "model.mw")
    command_line("predict", path, tmp_path / "rows.csv", "-o", tmp_path / "out.csv")
    typed = pd.read_csv(tmp_path / "out.csv")[list(found.columns)]
    assert abs(typed.to_numpy() - found.to_numpy()).max() < 1e-9
    one = mw.train("linear", rows, "fare")
    with pytest.raises(mw.OptionError, match="no quantiles"):
        one.predict_quantiles(rows)


def test_quantiles_may_be_a_list_of_numbers():
    frame = passengers().drop(columns="survived")
    said, *others = (
        mw.train("gbdt", frame, "fare", params={"n_rounds": 5, "quantiles": levels}, store=False)
        for levels in ("0.1,0.5,0.9", [0.1, 0.5, 0.9], (0.1, 0.5, 0.9), np.array([0.1, 0.5, 0.9]))
    )
    for model in others:
        assert model.predict_quantiles(frame).equals(said.predict_quantiles(frame))


def test_groups_of_monitoring_may_be_one_name(predictor, frame):
    one, same = (predictor.monitor(frame, by=by).document for by in ("port", ["port"]))
    assert one == same
    with pytest.raises(mw.Error, match="prot"):
        predictor.monitor(frame, by="prot")
