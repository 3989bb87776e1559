"""The functions of an explainable model, from Python: shown, written, changed, measured."""

import json

import numpy as np
import pandas as pd
import pytest

import modelwright as mw

N = 400
RANDOM = np.random.default_rng(0)
FRAME = pd.DataFrame({"x": RANDOM.uniform(0, 10, N), "kind": RANDOM.choice(["a", "b"], N)})
FRAME["y"] = np.where(FRAME["x"] > 5, 3.0, 0.0) + 1.0 * (FRAME["kind"] == "a")
FRAME["y"] += RANDOM.normal(0, 0.1, N)


@pytest.fixture(scope="module")
def model():
    return mw.train("ebm", FRAME, "y", params={"max_rounds": 60}, time_limit=None, refit="train")


def term_of(shapes, column):
    return next(t for t in shapes["terms"] if t["columns"] == [column])


def test_what_the_functions_add_up_to_is_the_prediction(model):
    shapes = model.shapes()
    assert shapes["scale"] == "value" and shapes["outputs"] == ["y"]
    total = shapes["intercepts"][0]
    row = FRAME.iloc[[0]]
    for term in shapes["terms"]:
        if len(term["columns"]) > 1:
            return  # a pair was found: the sum is tested by the engine itself
        value = row[term["columns"][0]].iloc[0]
        for b in term["bins"]:
            is_level = str(value) in b.get("levels", [])
            is_number = isinstance(value, float) and not b.get("levels")
            above, up_to = b.get("above", -np.inf), b.get("up_to", np.inf)
            if is_level or is_number and above < value <= up_to and not b.get("missing_only"):
                total += b["add"][0]
                break
    assert total == pytest.approx(model.predict(row).iloc[0], abs=1e-6)


def test_functions_are_written_as_json_and_csv(model, tmp_path):
    shapes = model.shapes(tmp_path / "s.json")
    assert json.loads((tmp_path / "s.json").read_text()) == shapes
    model.shapes(tmp_path / "s.csv")
    table = pd.read_csv(tmp_path / "s.csv")
    assert list(table.columns)[:2] == ["term", "importance"] and len(table) > 5


def test_an_edited_model_adds_what_it_was_told_and_says_who_did_it(model, tmp_path):
    shapes = model.shapes()
    for b in term_of(shapes, "kind")["bins"]:
        b["add"] = [0.0]
    edited = model.edit(shapes, FRAME, by="A. Turing", why="no difference by kind")
    rows = pd.DataFrame({"x": [7.0, 7.0], "kind": ["a", "b"]})
    same = edited.predict(rows)
    pairs = [t for t in shapes["terms"] if len(t["columns"]) > 1]
    assert pairs or same.iloc[0] == pytest.approx(same.iloc[1])
    assert model.predict(rows).diff().iloc[1] != pytest.approx(same.diff().iloc[1])
    (edit,) = edited.record["edits"]
    assert (edit["author"], edit["reason"]) == ("A. Turing", "no difference by kind")
    assert edit["on"] == "the table" and edit["n_rows"] == N
    assert {m["name"] for m in edit["before"]} == {m["name"] for m in edit["after"]}
    edited.save(tmp_path / "edited.mw")
    np.testing.assert_array_equal(mw.load(tmp_path / "edited.mw").predict(rows), same)
    path = tmp_path / "shapes.json"
    path.write_text(json.dumps(shapes))
    again = model.edit(path, FRAME, by="A. Turing")
    np.testing.assert_array_equal(again.predict(rows), same)


def test_edits_that_cannot_be_made_are_refused(model, tmp_path):
    shapes = model.shapes()
    broken = json.loads(json.dumps(shapes))
    term_of(broken, "x")["bins"].pop()
    nan = json.loads(json.dumps(shapes))
    term_of(nan, "x")["bins"][0]["add"] = [float("nan")]
    (tmp_path / "none.json").write_text("{")
    for given, words in (
        (shapes, "nothing was changed"),
        (broken, "bin"),
        (nan, ""),
        ({}, "functions"),
        (tmp_path / "none.json", "functions"),
        (tmp_path / "absent.json", "cannot be read"),
        (7, "no functions"),
        ({"terms": object()}, "JSON"),
    ):
        with pytest.raises(mw.Error, match=words):
            model.edit(given, FRAME, by="A. Turing")
    with pytest.raises(mw.Error, match="author"):
        model.edit(shapes, FRAME, by=" ")
    with pytest.raises(mw.DataError):
        model.edit(shapes, FRAME.drop(columns="y"), by="A. Turing")


def test_a_model_that_is_no_sum_of_functions_says_so(predictor):
    with pytest.raises(mw.OptionError, match="no sum of functions"):
        predictor.shapes()
