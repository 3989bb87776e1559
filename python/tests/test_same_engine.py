"""Python and the command line are one engine: the same files, the same bytes, the same names."""

import json
import pickle
import re
import subprocess
import sys
import zipfile

import joblib
import numpy as np
import pandas as pd
import pytest

import modelwright as mw
from modelwright import _options

from conftest import command_line, passengers

#: A run that no clock decides.
QUESTION = {"params": {"n_rounds": 25, "max_leaves": 7}, "holdout": 0.25, "seed": 3}
FLAGS = ["-p", "n_rounds=25", "-p", "max_leaves=7", "--holdout", "0.25", "--seed", "3"]


def part(path, name):
    with zipfile.ZipFile(path) as archive:
        return archive.read(name)


@pytest.fixture
def csv(frame, tmp_path):
    path = tmp_path / "passengers.csv"
    frame.to_csv(path, index=False)
    return path


def test_the_same_question_gives_the_same_model_as_the_command_line(csv, tmp_path):
    command_line("train", "gbdt", csv, "--target", "survived", *FLAGS, "--out", tmp_path / "cli")
    saved = mw.train("gbdt", csv, "survived", **QUESTION, out=tmp_path / "python")
    ours, theirs = tmp_path / "python/model.mw", tmp_path / "cli/model.mw"
    assert part(ours, "model.bin") == part(theirs, "model.bin")
    assert part(ours, "reference.bin") == part(theirs, "reference.bin")
    record, recorded = (json.loads(part(p, "record.json")) for p in (ours, theirs))
    for account in (record, recorded):
        # What the clock and the free memory said.
        del account["clock"], account["decisions"], account["options"]["memory_limit_bytes"]
    assert record == recorded
    assert saved.to_bytes() == ours.read_bytes()


def test_a_run_of_either_is_repeated_by_the_other_byte_for_byte(csv, tmp_path):
    command_line("fit", csv, "--target", "survived", "--time", "3s", "--out", tmp_path / "cli")
    again = mw.replay(tmp_path / "cli", csv)
    assert again.to_bytes() == (tmp_path / "cli/model.mw").read_bytes()

    mw.fit(csv, "survived", time_limit=3, out=tmp_path / "python")
    command_line("replay", tmp_path / "python/record.json", csv, "--out", tmp_path / "repeated")
    repeated = (tmp_path / "repeated/model.mw").read_bytes()
    assert repeated == (tmp_path / "python/model.mw").read_bytes()


def test_a_run_of_a_frame_is_repeated_from_an_equal_frame_alone(frame, tmp_path):
    first = mw.fit(frame, "survived", time_limit=2, out=tmp_path / "out")
    assert mw.replay(tmp_path / "out", frame.copy(), threads=1).to_bytes() == first.to_bytes()
    other = frame.assign(age=frame["age"] + 1)
    with pytest.raises(mw.DataError, match="not the data of the run"):
        mw.replay(tmp_path / "out", other)


def test_a_frame_and_its_file_give_the_same_model(frame, tmp_path):
    path = tmp_path / "passengers.parquet"
    frame.to_parquet(path)
    mw.train("gbdt", path, "survived", **QUESTION, out=tmp_path / "file")
    mw.train("gbdt", frame, "survived", **QUESTION, out=tmp_path / "frame")
    file, table = (tmp_path / which / "model.mw" for which in ("file", "frame"))
    for name in ("model.bin", "reference.bin"):
        assert part(file, name) == part(table, name)


def test_what_no_clock_decides_is_the_same_again(frame, csv, tmp_path):
    asked = {"time_limit": None, "preset": "quick", "learners": ["linear", "gbdt"], "seed": 5}
    for name, table in (("one", frame), ("two", frame.copy()), ("file", csv), ("again", csv)):
        mw.fit(table, "survived", **asked, out=tmp_path / name)
    for one, other in (("one", "two"), ("file", "again")):
        one, other = tmp_path / one / "model.mw", tmp_path / other / "model.mw"
        assert part(one, "model.bin") == part(other, "model.bin")
        assert part(one, "reference.bin") == part(other, "reference.bin")
        # The account of the run says when it was and what it took.
        assert part(one, "record.json") != part(other, "record.json")


def test_saved_models_are_read_by_both(predictor, new_rows, tmp_path):
    path = predictor.save(tmp_path / "model.mw")
    new_rows.drop(columns="survived").to_csv(tmp_path / "new.csv", index=False)
    command_line("predict", path, tmp_path / "new.csv", "-o", tmp_path / "predicted.csv")
    theirs = pd.read_csv(tmp_path / "predicted.csv")
    ours = mw.load(path)
    np.testing.assert_allclose(ours.predict_proba(new_rows)[1], theirs["probability_1"], rtol=1e-12)
    assert (ours.predict(new_rows) == theirs["prediction"]).all()
    evaluated = json.loads(
        command_line("evaluate", path, save_csv(new_rows, tmp_path), "--json").stdout
    )
    assert evaluated["metrics"] == ours.evaluate(new_rows)["metrics"]
    command_line("inspect", predictor.save(tmp_path / "folder"))
    assert {p.name for p in (tmp_path / "folder").iterdir()} == {
        "model.mw", "record.json", "report.html"
    }  # fmt: skip


def test_the_page_of_later_rows_is_that_of_the_command_line(predictor, new_rows, tmp_path):
    path, rows = predictor.save(tmp_path / "model.mw"), save_csv(new_rows, tmp_path)
    model = mw.load(path)
    of_file, of_frame, typed = (tmp_path / f"{name}.html" for name in ("file", "frame", "typed"))
    command_line("evaluate", path, rows, "--report", typed)
    found = model.evaluate(rows, report=of_file)
    assert of_file.read_text() == typed.read_text()
    assert model.evaluate(new_rows, report=str(of_frame))["metrics"] == found["metrics"]
    assert "Scores on untouched rows" in of_frame.read_text()


def save_csv(table, folder):
    table.to_csv(folder / "rows.csv", index=False)
    return folder / "rows.csv"


@pytest.mark.parametrize("dump", [pickle, joblib])
def test_a_pickled_model_is_its_artifact(predictor, new_rows, tmp_path, dump):
    with open(tmp_path / "model.pickle", "wb") as file:
        dump.dump(predictor, file)
    with open(tmp_path / "model.pickle", "rb") as file:
        again = dump.load(file)
    assert again.to_bytes() == predictor.to_bytes()
    pd.testing.assert_frame_equal(again.predict_proba(new_rows), predictor.predict_proba(new_rows))


def test_every_flag_of_the_command_line_is_a_keyword(tmp_path):
    import inspect

    for verb, function in (("fit", mw.fit), ("train", mw.train)):
        known = {k["python"] for k in _options.keywords(verb)}
        assert known <= set(inspect.signature(function).parameters), verb
        typed = command_line(verb, "--help").stdout
        for keyword in _options.keywords(verb):
            assert "--" + keyword["name"].replace("_", "-") in typed


#: What of each other verb answers to it, and where a flag went that has no keyword.
PLACES = {
    "predict": ([mw.Predictor.predict_interval], {
        "output": "what is returned", "explain": "explain(rows).reasons()",
        "intervals": "predict_interval, predict_set", "raw": "raw_scores", "leaf": "leaves",
        "unusual": "unusual",
    }),
    "evaluate": ([mw.Predictor.evaluate], {}),
    "compare": ([mw.Predictor.compare, mw.compare_scores], {"scores": "compare_scores"}),
    "audit": ([mw.Predictor.audit], {"report": "Audit.save"}),
    "explain": (
        [mw.Predictor.explain, mw.Predictor.dependence, mw.Predictor.counterfactuals],
        {
            "top": "Explanation.reasons(n)", "profile": "dependence", "report": "Explanation.save",
            "interactions": "interactions", "counterfactual": "counterfactuals",
            "output": "Explanation.table", "shapes": "shapes",
        },
    ),
    "profile": ([mw.profile], {"output": "Profile.save"}),
    "pick": ([mw.Predictor.pick], {"out": "save"}),
    "learning-curve": ([mw.Predictor.learning_curve], {}),
    "monitor": ([mw.Predictor.monitor], {
        "no_predictions": "predict=False", "no_multivariate": "multivariate=False",
        "report": "Monitoring.save",
        "fail_on": "Monitoring.status", "alerts": "command: deliveries belong to a store",
    }),
    "retrain": ([mw.Predictor.retrain], {
        "time": "time_limit", "promote": "Store.alias", "fail_if_kept": "Retrained.accepted",
    }),
    "report": ([mw.Predictor.report], {"format": "Report.render", "output": "Report.save"}),
    "export": ([mw.Predictor.export], {"output": "path", "features": "features"}),
    "import": ([mw.import_model], {"output": "save"}),
    "replay": ([mw.replay], {}),
}  # fmt: skip

#: Of every verb: a model has its threads, memory is bounded where something is fitted.
EVERYWHERE = {"threads", "memory", "seed"}

#: What is known of a file of text.
TEXT = {"separator", "no_header", "decimal", "charset"}


@pytest.mark.parametrize("verb", PLACES)
def test_what_the_command_line_can_be_asked_python_can_be_asked(verb):
    import inspect

    functions, elsewhere = PLACES[verb]
    known = set().union(*(inspect.signature(f).parameters for f in functions))
    flags = {k["name"] for k in _options.keywords(verb)}
    missing = flags - known - EVERYWHERE
    assert missing <= set(elsewhere) <= flags, verb
    for place in elsewhere.values():
        name = re.match("[A-Za-z_]+", place)[0]
        is_there = hasattr(mw, name) or hasattr(mw.Predictor, name) or name in known
        assert is_there or place == "what is returned", place


@pytest.mark.parametrize("method", [
    "predict", "predict_proba", "predict_interval", "predict_set", "raw_scores", "leaves",
    "evaluate", "compare", "audit", "explain", "dependence", "interactions", "counterfactuals",
    "features", "learning_curve", "monitor", "retrain",
])  # fmt: skip
def test_what_is_known_of_a_file_of_text_can_be_said(method):
    import inspect

    parameters = inspect.signature(getattr(mw.Predictor, method)).parameters
    assert set(parameters) >= TEXT
    assert all(parameters[name].kind is inspect.Parameter.KEYWORD_ONLY for name in TEXT)


def test_a_file_of_another_shape_is_read_as_is_said(predictor, new_rows, tmp_path):
    path = tmp_path / "rows.txt"
    port = {"Cherbourg": "Cherbourg", "Queenstown": "Zürich"}
    rows = new_rows.assign(port=new_rows["port"].map(port).fillna("Southampton"))
    rows.to_csv(path, sep="|", index=False, encoding="latin-1")
    said = {"separator": "|", "charset": "latin1"}
    expected = predictor.predict_proba(rows)
    np.testing.assert_array_equal(predictor.predict_proba(path, **said), expected.to_numpy())
    assert (predictor.predict(path, **said) == predictor.predict(rows)).all()
    assert (predictor.leaves(path, **said) == predictor.leaves(rows).to_numpy()).all()
    scores = predictor.raw_scores(path, **said)
    np.testing.assert_array_equal(scores, predictor.raw_scores(rows))
    assert len(predictor.predict_set(path, **said)) == len(rows)
    assert predictor.evaluate(path, **said)["metrics"] == predictor.evaluate(rows)["metrics"]
    assert predictor.compare(predictor, path, **said)["n_rows"] == len(rows)
    assert list(predictor.audit(path, "port", **said).verdicts) == ["port"]
    assert predictor.explain(path, rows=[0], **said).shape == (1, 5)
    for ask in (predictor.predict, predictor.evaluate, predictor.predict_set):
        with pytest.raises(mw.DataError):
            ask(path, separator=";")
    few, some = tmp_path / "few.txt", rows[:20]
    some.to_csv(few, sep="|", index=False, encoding="latin-1")
    (found,) = predictor.dependence(few, "age", **said)
    (wanted,) = predictor.dependence(some, "age")
    assert found.values == wanted.values and (found.effects == wanted.effects).all()
    assert predictor.interactions(few, **said) == predictor.interactions(some)
    asked = {"n_answers": 1, "observed": rows}
    changes = predictor.counterfactuals(few, **asked, **said)
    wanted = predictor.counterfactuals(some, **asked)
    assert [a["answers"][0]["changes"] for a in changes] == [
        a["answers"][0]["changes"] for a in wanted
    ]
    assert predictor.counterfactuals(some[:1], n_answers=1, observed=path, **said)
    features = predictor.features(few, **said)
    np.testing.assert_array_equal(features, predictor.features(some).to_numpy())


def test_files_of_later_rows_are_read_as_is_said(predictor, frame, tmp_path):
    path, odd = tmp_path / "rows.txt", {"separator": ";", "charset": "utf-16"}
    frame.to_csv(path, sep=";", index=False, encoding="utf-16")
    monitored = predictor.monitor(path, **odd)
    assert monitored.status == predictor.monitor(frame).status == "stable"
    labels = tmp_path / "labels.txt"
    frame[["survived"]].to_csv(labels, index=False, sep=";")
    assert predictor.monitor(frame.drop(columns="survived"), labels=labels, separator=";")
    assert predictor.monitor([path, path], **odd).status
    long = pd.concat([frame] * 2, ignore_index=True)
    long.to_csv(tmp_path / "long.txt", sep=";", index=False, encoding="utf-16")
    curve = predictor.learning_curve(tmp_path / "long.txt", **odd)
    assert curve["points"] == predictor.learning_curve(long)["points"]
    asked = {"plan": "same", "rule": "refresh", "store": False, "time_limit": "30s"}
    later = passengers(400, seed=7)
    later.to_csv(path, sep=";", index=False, encoding="utf-16")
    successor, other = predictor.retrain(path, **asked, **odd), predictor.retrain(later, **asked)
    np.testing.assert_array_equal(
        successor.predictor.predict_proba(later), other.predictor.predict_proba(later)
    )
    with pytest.raises(mw.OptionError, match="no text to be read"):
        predictor.monitor(frame, decimal="comma")


def test_what_is_said_of_a_table_in_memory_is_refused(predictor, new_rows):
    for ask in (predictor.predict, predictor.evaluate, predictor.predict_set, predictor.explain):
        with pytest.raises(mw.OptionError, match="no text to be read") as found:
            ask(new_rows, decimal="comma")
        assert found.value.source == "decimal"
    with pytest.raises(mw.OptionError):
        predictor.predict(new_rows.iloc[0].to_dict(), no_header=True)


def test_rounds_are_added_to_a_model_and_that_is_repeated(frame, tmp_path):
    question = {"params": {"n_rounds": 10}, "store": False}
    first = mw.train("gbdt", frame, "survived", **question)
    more = mw.train("gbdt", frame, "survived", continue_=first, **question)
    assert more.record["options"]["continued"]["rounds"] == first.leaves(frame).shape[1]
    assert more.leaves(frame).shape[1] > first.leaves(frame).shape[1]
    path = first.save(tmp_path / "model.mw")
    assert mw.replay(more, frame, continue_=path).to_bytes() == more.to_bytes()
    with pytest.raises(mw.Error):
        mw.replay(more, frame)
    with pytest.raises(mw.OptionError, match="no model that is continued"):
        mw.train("gbdt", frame, "survived", continue_=first, plan=True)
    with pytest.raises(mw.OptionError, match="another target"):
        mw.train("gbdt", frame, "alone", continue_=first, **question)


def test_signatures_are_current():
    from conftest import ROOT

    done = subprocess.run(
        [sys.executable, ROOT / "python/generate.py", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_the_command_line_comes_with_the_package():
    done = subprocess.run(
        [sys.executable, "-m", "modelwright", "--version"], capture_output=True, text=True
    )
    assert (done.returncode, mw.__version__ in done.stdout) == (0, True)
    wrong = subprocess.run([sys.executable, "-m", "modelwright", "fitt"], capture_output=True)
    assert wrong.returncode == 2
