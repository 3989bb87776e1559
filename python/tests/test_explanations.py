"""Why a model predicts so, from Python: shapes, sums, words, and shap's own pictures."""

import copy
import json
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest

import modelwright as mw

from conftest import command_line, passengers


@pytest.fixture(scope="module")
def explained(predictor, new_rows):
    return predictor.explain(new_rows)


@pytest.fixture(scope="module")
def ports(frame):
    return mw.train("gbdt", frame, "port", params={"n_rounds": 10})


def test_parts_and_base_value_add_up_to_the_prediction(predictor, explained, new_rows):
    assert explained.shape == (50, len(predictor.columns))
    assert explained.feature_names == predictor.columns
    assert explained.output_names == "1"
    sums = explained.values.sum(axis=1) + explained.base_values
    np.testing.assert_allclose(sums, explained.predictions, atol=1e-9)
    np.testing.assert_allclose(sums, predictor.predict_proba(new_rows)[1], atol=1e-6)


def test_the_same_question_has_the_same_answer_on_the_command_line(predictor, new_rows, tmp_path):
    path = predictor.save(tmp_path / "model.mw")
    new_rows.drop(columns="survived").to_csv(tmp_path / "rows.csv", index=False)
    typed = json.loads(command_line("explain", path, tmp_path / "rows.csv", "--json").stdout)
    ours = predictor.explain(tmp_path / "rows.csv")
    np.testing.assert_allclose(np.array(typed["values"])[:, :, 0], ours.values, rtol=1e-12)
    assert typed["importance"] == ours.document()["importance"]
    frame = predictor.explain(new_rows)
    np.testing.assert_allclose(frame.values, ours.values, atol=1e-9)


def test_more_classes_have_an_axis_of_their_own(ports, new_rows):
    found = ports.explain(new_rows, rows=[3, 1, 2])
    assert found.shape == (3, len(ports.columns), 3) and found.rows.tolist() == [3, 1, 2]
    assert found.output_names == list(ports.classes_)
    assert found.base_values.shape == found.predictions.shape == (3, 3)
    one = found[..., "Cherbourg"]
    np.testing.assert_array_equal(one.values, found.values[:, :, 0])
    assert (one.shape, one.output_names) == ((3, len(ports.columns)), "Cherbourg")
    by_name = found[0, "fare", "Cherbourg"]
    assert by_name.values == found.values[0, found.feature_names.index("fare"), 0]
    with pytest.raises(KeyError, match="Southampton"):
        found[..., "Sydney"]


def test_a_dict_is_one_row_without_an_axis(predictor, new_rows):
    row = new_rows.drop(columns="survived").iloc[0].to_dict()
    found = predictor.explain(row)
    assert found.shape == (len(predictor.columns),)
    assert found.base_values + found.values.sum() == pytest.approx(found.predictions)
    assert predictor.predict_proba(row)["1"] == pytest.approx(found.predictions, abs=1e-6)


def test_explanations_are_indexed_and_kept(explained):
    part = explained[10:20, ["fare", "age"]]
    assert part.shape == (10, 2) and part.feature_names == ["fare", "age"]
    assert part.data.shape == (10, 2) and part.rows.tolist() == list(range(10, 20))
    np.testing.assert_array_equal(np.asarray(part), part.values)
    for again in (pickle.loads(pickle.dumps(explained)), copy.deepcopy(explained)):
        np.testing.assert_array_equal(again.values, explained.values)
        assert again[0].shape == explained[0].shape
    with pytest.raises(ValueError, match="whole explanation"):
        part.importance()
    with pytest.raises(IndexError, match="2 axes"):
        explained[0, 0, 0]


def test_values_come_with_the_raw_data_and_reasons_in_words(explained, new_rows):
    port = explained.feature_names.index("port")
    assert explained.display_data[:, port].tolist() == new_rows["port"].tolist()
    codes = pd.Categorical(new_rows["port"]).codes
    assert explained.data.dtype == np.float64 and (explained.data[:, port] == codes).all()
    reasons = explained.reasons(2)
    assert len(reasons) == 50 and all(len(r) <= 2 for r in reasons)
    first = reasons[0][0]
    assert first["column"] in explained.feature_names and "the chance of 1 by" in first["text"]
    largest = np.abs(explained.values[0]).max()
    assert abs(first["effect"]) == pytest.approx(largest)


def test_importances_come_as_the_table_that_came_in(predictor, explained, new_rows):
    board = explained.importance()
    assert isinstance(board, pd.DataFrame) and board["mean_abs"].is_monotonic_decreasing
    fare = board.set_index("column").loc["fare"]
    at = explained.feature_names.index("fare")
    assert fare["mean_abs"] == pytest.approx(np.abs(explained.values[:, at]).mean())
    assert fare["low"] < fare["mean_abs"] < fare["high"]
    assert isinstance(predictor.explain(pl.from_pandas(new_rows)).importance(), pl.DataFrame)
    held_out = predictor.importances()
    assert set(held_out["column"]) <= set(predictor.columns) and held_out["mean"].iloc[0] > 0


def test_method_scale_and_background_are_chosen(predictor, new_rows, frame):
    margin = predictor.explain(new_rows, scale="margin", method="tree", background=frame)
    assert (margin.scale, margin.method) == ("margin", "tree")
    assert margin.predictions.min() < 0
    drawn = predictor.explain(new_rows, method="permutation", sample=5, background_rows=8)
    assert drawn.shape[0] == 5 and drawn.standard_errors.shape == drawn.values.shape
    assert drawn.n_background == 8
    for wrong, says in (
        ({"method": "shap"}, "method"),
        ({"scale": "logit"}, "margin"),
        ({"rows": [50]}, "0 to 49"),
    ):
        with pytest.raises(ValueError, match=says):
            predictor.explain(new_rows, **wrong)


def test_a_page_shows_itself_and_is_saved(explained, tmp_path):
    explained.save(tmp_path / "why.html", with_rows=True)
    page = (tmp_path / "why.html").read_text()
    assert page.lstrip().lower().startswith("<!doctype html") and "fare" in page
    assert explained._repr_html_().startswith("<iframe")


def test_dependence_says_how_predictions_move(predictor, frame):
    fare, port = predictor.dependence(frame, ["fare", "port"])
    assert (fare.kind, port.kind) == ("ale", "partial_dependence")
    assert fare.effects.shape == fare.half_widths.shape == (len(fare.values), 1)
    assert fare.values == sorted(fare.values) and fare.effects[-1] > fare.effects[0]
    assert set(port.values) == set(frame["port"]) and sum(port.counts) == len(frame)
    assert port.curves.shape[1] == len(port.values)
    (when,) = predictor.dependence(frame, "boarded")
    assert isinstance(when.values[0], np.datetime64)
    with pytest.raises(ValueError, match="no_such"):
        predictor.dependence(frame, "no_such")


def test_curves_of_rows_say_how_differently_they_respond(predictor, frame, tmp_path):
    rows = frame[:60]
    (found,) = predictor.dependence(rows, "fare", ice=True)
    assert found.kind == "partial_dependence" and found.ice.shape == (len(found.values), 3)
    assert (found.ice[0] == 0).all() and (np.diff(found.ice, axis=1) >= 0).all()
    assert 0 < found.common <= 1 and len(found.curves)
    predictor.save(tmp_path / "m.mw")
    rows.to_csv(tmp_path / "rows.csv", index=False)
    asked = ("--profile", "fare", "--ice", "--json")
    told = command_line("explain", tmp_path / "m.mw", tmp_path / "rows.csv", *asked)
    bands = json.loads(told.stdout)[0]["ice"]["bands"]
    np.testing.assert_array_equal(found.ice, [[b["low"], b["median"], b["high"]] for b in bands])
    with pytest.raises(mw.OptionError, match="partial dependence"):
        predictor.dependence(rows, "fare", kind="ale", ice=True)
    pytest.importorskip("matplotlib").use("Agg")
    assert found.plot(ice=True) is not None
    (plain,) = predictor.dependence(rows, "fare", kind="ale")
    with pytest.raises(mw.OptionError, match="ice=True"):
        plain.plot(ice=True)
    assert "response" in predictor.explain(rows[:5]).page(["fare"], ice=True).lower()


def test_values_come_as_the_table_that_the_command_line_writes(predictor, ports, new_rows, tmp_path):
    found = predictor.explain(new_rows).table()
    predictor.save(tmp_path / "m.mw")
    new_rows.to_csv(tmp_path / "rows.csv", index=False)
    command_line("explain", tmp_path / "m.mw", tmp_path / "rows.csv", "-o", tmp_path / "v.csv")
    told = pd.read_csv(tmp_path / "v.csv")
    assert list(found.columns) == list(told.columns)
    found["row"] += 1  # Python counts from 0, the command line from 1.
    np.testing.assert_allclose(found, told, rtol=1e-9)
    several = ports.explain(new_rows[:4]).table()
    assert list(several["output"][:3]) == [str(c) for c in ports.classes_] and len(several) == 12
    parts = several.drop(columns=["row", "output", "prediction"]).sum(axis=1)
    np.testing.assert_allclose(parts, several["prediction"], atol=1e-9)


def test_dependence_is_drawn(predictor, frame):
    pytest.importorskip("matplotlib").use("Agg")
    for found in predictor.dependence(frame, ["fare", "port", "boarded"]):
        assert found.plot().get_title() == found.column


def test_interactions_of_one_booster_are_listed(frame):
    booster = mw.train("gbdt", frame, "survived", params={"n_rounds": 10}, folds=0, refit="train")
    pairs = booster.interactions(frame)
    assert pairs == sorted(pairs, key=lambda p: -p[2]) and len(pairs[0]) == 3


def test_other_answers_are_predicted_as_they_say(predictor, new_rows, frame):
    row = new_rows.drop(columns="survived").iloc[:1]
    wanted = 1 - int(predictor.predict(row)[0])
    (found,) = predictor.counterfactuals(row, observed=frame, immutable="age")
    assert not found["is_reached"] and found["answers"]
    for answer in found["answers"]:
        assert all(change["column"] != "age" for change in answer["changes"])
    best = found["answers"][0]
    changed = row.copy()
    for change in best["changes"]:
        value = change["to"]
        kind = row[change["column"]].dtype.kind
        changed[change["column"]] = float(value) if kind == "f" else value
    if all(row[c["column"]].dtype.kind in "fO" for c in best["changes"]):
        assert predictor.predict(changed)[0] == wanted
    (same,) = predictor.counterfactuals(row, desired=1 - wanted)
    assert same["is_reached"]
    with pytest.raises(ValueError, match="no such class"):
        predictor.counterfactuals(row, desired="perhaps")


def test_a_regression_is_explained_in_its_own_unit(regression, frame):
    found = regression.explain(frame, sample=20)
    assert found.output_names == "fare" and found.scale == "value"
    np.testing.assert_allclose(found.values.sum(1) + found.base_values, found.predictions)
    answers = regression.counterfactuals(frame.iloc[:1], ">=60", observed=frame)
    assert answers[0]["is_reached"] or all(a["prediction"][0] >= 60 for a in answers[0]["answers"])


def test_shap_draws_explanations_as_they_are(explained, ports, new_rows):
    shap = pytest.importorskip("shap")
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    assert isinstance(explained, shap.Explanation) and isinstance(explained, mw.Explanation)
    classes = ports.explain(new_rows)
    numbers = explained[:, ["fare", "age"]]
    plots = shap.plots
    drawn = [
        (plots.beeswarm, explained),
        (plots.bar, explained),
        (plots.bar, explained[0]),
        (plots.waterfall, explained[0]),
        (plots.heatmap, explained),
        (plots.scatter, explained[:, "fare"]),
        (plots.scatter, explained[:, "port"]),
        (plots.violin, numbers),
        (plots.violin, explained),
        (plots.bar, explained.cohorts(2).abs.mean(0)),
        (plots.beeswarm, classes[..., "Cherbourg"]),
        (plots.waterfall, classes[0, :, 1]),
        (plots.bar, explained.cohorts(["a"] * 25 + ["b"] * 25).abs.mean(0)),
    ]
    for plot, what in drawn:
        pyplot.figure()
        plot(what, show=False)
        assert pyplot.gcf().axes, plot.__name__
        pyplot.close("all")
    plots.scatter(explained[:, "fare"], color=explained, show=False)
    plots.beeswarm(explained, order=shap.Explanation.abs.max(0), show=False)
    pyplot.close("all")
    real = explained.shap()
    np.testing.assert_array_equal(real.values, explained.values)
    assert real.feature_names == explained.feature_names


def test_ctrl_c_gives_an_explanation_up(keyboard):
    import _thread
    import threading

    model = mw.train("gbdt", passengers(4000), "survived", params={"n_rounds": 200})
    # Half a minute of work for an optimised build.
    many = passengers(40_000)
    threading.Timer(0.4, _thread.interrupt_main).start()
    with pytest.raises(KeyboardInterrupt):
        model.explain(many, method="permutation", background_rows=512)
