"""What the command line has and is a call from Python: ONNX, chance, learning curve, page, server."""

import json
import urllib.request

import numpy as np
import pytest

import modelwright as mw

from conftest import command_line, passengers


def test_a_model_is_exported_as_onnx_and_answers_the_same(predictor, new_rows, tmp_path):
    import onnxruntime

    told = predictor.export(tmp_path / "m.onnx")
    assert {i["name"] for i in told["inputs"]} == set(predictor.columns)
    predictor.save(tmp_path / "m.mw")
    command_line("export", tmp_path / "m.mw", "--format", "onnx", "-o", tmp_path / "c.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    feed = {}
    for value in session.get_inputs():
        column = new_rows[value.name]
        if "string" in value.type:
            texts = column.astype(str)
            # A frame's booleans are the levels "true" and "false".
            array = (texts.str.lower() if column.dtype == bool else texts).to_numpy(dtype=object)
        elif "int64" in value.type:
            array = column.astype("datetime64[us]").astype("int64").to_numpy()
        else:
            array = column.to_numpy(dtype=np.float64)
        feed[value.name] = array.reshape(-1, 1)
    names = [o.name for o in session.get_outputs()]
    found = dict(zip(names, session.run(None, feed)))
    own = np.asarray(predictor.predict_proba(new_rows))[:, 1]
    np.testing.assert_allclose(found["probability_1"][:, 0], own, rtol=1e-9)


def test_an_onnx_file_holds_no_single_member(predictor, tmp_path):
    with pytest.raises(mw.OptionError, match="one booster"):
        predictor.export(tmp_path / "m.onnx", member=1)
    with pytest.raises(mw.OptionError, match="unknown form"):
        predictor.export(tmp_path / "m.x", format="pmml")
    assert not (tmp_path / "m.onnx").exists()


def test_answers_dealt_out_at_random_say_what_chance_gives(predictor, new_rows, tmp_path):
    rows = passengers(200, seed=2)
    found = predictor.evaluate(rows, permutations=99)
    assert found["chance"]["n_permutations"] == 99
    assert found["chance"]["p_value"] == pytest.approx(0.01)
    assert 0.4 < found["chance"]["chance"] < 0.6
    assert "chance" not in predictor.evaluate(rows)
    predictor.save(tmp_path / "m.mw")
    rows.to_csv(tmp_path / "rows.csv", index=False)
    told = command_line("evaluate", tmp_path / "m.mw", tmp_path / "rows.csv", "--permutations", 99, "--json")
    assert json.loads(told.stdout)["chance"] == found["chance"]
    for wrong in (-1, 2.5, True):
        with pytest.raises(mw.OptionError, match="dealt out"):
            predictor.evaluate(rows, permutations=wrong)


def test_groups_of_rows_are_measured_as_on_the_command_line(predictor, tmp_path):
    rows = passengers(400, seed=2).assign(deck=lambda d: ["A", "B"] * (len(d) // 2))
    found = predictor.evaluate(rows, by=["port", "deck"], seed=3)
    port, deck = found["by"]
    assert (port["column"], [g["group"] for g in deck["groups"]]) == ("port", ["A", "B"])
    assert sum(g["n_rows"] for g in port["groups"]) == 400
    rows.to_csv(tmp_path / "rows.csv", index=False)
    predictor.save(tmp_path / "m.mw")
    asked = ("--by", "port,deck", "--seed", 3, "--json")
    told = command_line("evaluate", tmp_path / "m.mw", tmp_path / "rows.csv", *asked)
    assert json.loads(told.stdout)["by"] == found["by"]
    assert "by" not in predictor.evaluate(rows)
    other = predictor.evaluate(rows, seed=4)["metrics"]["log_loss"]
    assert other["value"] == found["metrics"]["log_loss"]["value"]
    assert other["ci95"] != found["metrics"]["log_loss"]["ci95"]
    with pytest.raises(mw.OptionError, match="deks") as caught:
        predictor.evaluate(rows, by="deks")
    assert caught.value.column == "deks"


def test_rows_that_belong_together_are_measured_together_from_a_table_too(frame, tmp_path):
    groups = frame.assign(family=[i // 6 for i in range(len(frame))])
    model = mw.train("gbdt", groups, "survived", group="family", params={"n_rounds": 5})
    rows = passengers(300, seed=5).assign(family=[i // 10 for i in range(300)])
    rows.to_parquet(tmp_path / "rows.parquet")
    of_file = model.evaluate(tmp_path / "rows.parquet")
    of_table = model.evaluate(rows)
    assert "groups" in of_table["interval_method"]
    assert of_table["metrics"] == of_file["metrics"]


def test_a_comparison_weighs_differences_and_costs(predictor, frame, tmp_path):
    other = mw.train("linear", frame, "survived")
    rows = passengers(300, seed=2)
    found = predictor.compare(other, rows, rope=0.5, cost={"fp": 1, "fn": 5})
    first = found["comparisons"][0]
    assert "cost" in first["metric"], first
    predictor.save(tmp_path / "a.mw")
    other.save(tmp_path / "b.mw")
    rows.to_csv(tmp_path / "rows.csv", index=False)
    asked = ("--rope", 0.5, "--cost", "fp=1,fn=5", "--json")
    told = command_line("compare", tmp_path / "a.mw", tmp_path / "b.mw", tmp_path / "rows.csv", *asked)
    assert json.loads(told.stdout)["comparisons"] == found["comparisons"]
    for wrong in ({"rope": -1.0}, {"rope": float("nan")}):
        with pytest.raises(mw.OptionError, match="equal"):
            predictor.compare(other, rows, **wrong)
    with pytest.raises(mw.Error, match="fq"):
        predictor.compare(other, rows, cost={"fq": 1})


def test_learners_are_compared_by_their_scores(tmp_path):
    scores = {"set": list("abcdefg"), "one": [0.9, 0.8, 0.7, 0.9, 0.8, 0.9, 0.7]}
    scores["two"] = [v - 0.05 for v in scores["one"]]
    found = mw.compare_scores(scores)
    assert [learner["name"] for learner in found["learners"]] == ["one", "two"]
    lines = ["set,one,two"] + [",".join(map(str, row)) for row in zip(*scores.values())]
    (tmp_path / "scores.csv").write_text("\n".join(lines))
    told = command_line("compare", "--scores", tmp_path / "scores.csv", "--json")
    assert json.loads(told.stdout) == found == mw.compare_scores(tmp_path / "scores.csv")
    turned = mw.compare_scores(scores, smaller_is_better=True)
    assert [learner["name"] for learner in turned["learners"]] == ["two", "one"]
    with pytest.raises(mw.DataError, match="numbers") as caught:
        mw.compare_scores({"set": ["a", "b"], "one": ["x", "y"], "two": [1.0, 2.0]})
    assert caught.value.column == "one"


def test_a_learning_curve_of_a_table_is_that_of_its_file(predictor, tmp_path):
    rows = passengers(600, seed=3)
    found = predictor.learning_curve(rows)
    sizes = [p["n_rows"] for p in found["points"]]
    assert sizes == sorted(sizes) and len(sizes) >= 3 and found["words"]
    rows.to_parquet(tmp_path / "rows.parquet")
    assert predictor.learning_curve(tmp_path / "rows.parquet")["points"] == found["points"]
    with pytest.raises(mw.DataError, match="too few rows"):
        predictor.learning_curve(rows[:50])
    with pytest.raises(mw.DataError, match="survived"):
        predictor.learning_curve(rows.drop(columns="survived"))


def test_the_page_answers_until_it_is_stopped(tmp_path):
    with mw.ui(tmp_path / "store") as page:
        assert page.is_running and page.url in page._repr_html_()
        with urllib.request.urlopen(page.url, timeout=20) as answer:
            assert answer.status == 200 and b"<html" in answer.read().lower()
    assert not page.is_running
    page.stop()


def test_a_page_that_cannot_be_is_an_error_in_words(tmp_path):
    with pytest.raises(mw.OptionError, match="keys"):
        mw.ui(tmp_path / "store", host="0.0.0.0")
    with pytest.raises(mw.OptionError, match="no_such_flag"):
        mw.ui(tmp_path / "store", no_such_flag=1)


def test_a_model_is_served_to_other_programs(predictor, new_rows):
    with mw.serve(predictor) as server:
        row = new_rows[["age", "fare", "port", "alone"]].iloc[0].to_dict()
        row = {k: v.item() if hasattr(v, "item") else v for k, v in row.items()}
        row["boarded"] = str(new_rows["boarded"].iloc[0])
        body = json.dumps(row).encode()
        asked = urllib.request.Request(
            server.url + "/predict", body, {"content-type": "application/json"}
        )
        with urllib.request.urlopen(asked, timeout=20) as answer:
            assert answer.status == 200 and json.load(answer)
    assert not server.is_running


def test_every_other_verb_is_a_call(predictor, tmp_path):
    path = predictor.save(tmp_path / "m.mw")
    assert mw.command("inspect", path)["target"] == "survived"
    store = tmp_path / "store"
    mw.command("models", "register", "churn", path, store=store)
    assert mw.command("models", "list", store=store) is not None
    with pytest.raises(mw.OptionError):
        mw.command("inspect", tmp_path / "nothing.mw")
    with pytest.raises(mw.OptionError):
        mw.command("inspekt", path)
