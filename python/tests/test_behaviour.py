"""How the package behaves as a guest in a process."""

import _thread
import concurrent.futures
import multiprocessing
import os
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pandas as pd
import pytest

import modelwright as mw

from conftest import passengers


def test_ctrl_c_ends_a_fit_with_the_best_so_far(keyboard):
    timer = threading.Timer(2.0, _thread.interrupt_main)
    timer.start()
    begun = time.monotonic()
    with pytest.warns(mw.ModelwrightWarning, match="interrupted"):
        model = mw.fit(passengers(2000), "survived", time_limit=120, preset="best")
    assert time.monotonic() - begun < 60
    assert model.predict(passengers(5)).shape == (5,)


def test_ctrl_c_while_python_hears_of_an_event_ends_a_fit_with_the_best_so_far(keyboard):
    heard = []

    def interrupted(kind, *_):
        heard.append(kind)
        if kind == "trial" and heard.count("trial") == 3:
            raise KeyboardInterrupt

    with pytest.warns(mw.ModelwrightWarning, match="interrupted"):
        model = mw.fit(passengers(2000), "survived", time_limit=120, callback=interrupted)
    assert model.predict(passengers(5)).shape == (5,)


def test_ctrl_c_ends_a_search_of_scikit_learn_and_what_stands_around(keyboard):
    from sklearn.model_selection import GridSearchCV

    table = passengers(2000)
    x, y = table.drop(columns="survived"), table["survived"]
    model = mw.ModelwrightClassifier(time_limit=120, preset="best")
    threading.Timer(2.0, _thread.interrupt_main).start()
    begun = time.monotonic()
    with pytest.warns(mw.ModelwrightWarning, match="interrupted"), pytest.raises(KeyboardInterrupt):
        model.fit(x, y)
    assert model.predict(x[:5]).shape == (5,)
    grid = GridSearchCV(model, {"metric": ["roc_auc", "log_loss"]}, cv=3)
    threading.Timer(2.0, _thread.interrupt_main).start()
    with pytest.warns(mw.ModelwrightWarning, match="interrupted"), pytest.raises(KeyboardInterrupt):
        grid.fit(x, y)
    assert time.monotonic() - begun < 90


def test_other_threads_run_while_a_fit_goes_on():
    ticks = []
    stop = threading.Event()

    def tick():
        while not stop.wait(0.01):
            ticks.append(time.monotonic())

    thread = threading.Thread(target=tick)
    thread.start()
    mw.fit(passengers(1000), "survived", time_limit=2)
    stop.set()
    thread.join()
    assert len(ticks) > 30


def test_a_callback_hears_of_phases_and_trials_and_can_end_a_fit():
    heard = []
    mw.fit(passengers(), "survived", time_limit=3, callback=lambda *event: heard.append(event))
    assert {"phase", "trial"} <= {kind for kind, *_ in heard}
    trials = [event for event in heard if event[0] == "trial"]
    assert any(is_best for *_, is_best in trials)
    assert all(isinstance(score, (float, type(None))) for _, _, score, _ in trials)

    class Enough(Exception):
        pass

    def stop(kind, *_):
        if kind == "trial":
            raise Enough

    begun = time.monotonic()
    with pytest.raises(Enough):
        mw.fit(passengers(), "survived", time_limit=60, callback=stop)
    assert time.monotonic() - begun < 40


def test_what_should_be_acted_on_is_a_python_warning(predictor, frame, new_rows):
    leaky = frame.assign(leak=frame["survived"] * 2.0)
    with pytest.warns(mw.ModelwrightWarning) as caught:
        mw.fit(leaky, "survived", time_limit=2)
    assert any("leak" in str(w.message) for w in caught)
    assert caught[0].filename == __file__


def test_nothing_is_printed_where_nobody_looks(capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mw.fit(passengers(), "survived", time_limit=2)
    assert capfd.readouterr() == ("", "")


def test_progress_is_one_line_on_a_terminal(capfd):
    mw.fit(passengers(), "survived", time_limit=2, progress=True)
    out, err = capfd.readouterr()
    assert out == "" and "search" in err and "\n" not in err and err.endswith("\r")


def test_a_model_predicts_in_many_threads_at_once(predictor, new_rows):
    expected = predictor.predict_proba(new_rows).to_numpy()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: predictor.predict_proba(new_rows).to_numpy(), range(64)))
    assert all((f == expected).all() for f in found)


def predict_in_child(data):
    model, rows = data
    return model.predict_proba(rows).to_numpy()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children_of_either_kind_can_predict(predictor, new_rows, method):
    expected = predictor.predict_proba(new_rows).to_numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with multiprocessing.get_context(method).Pool(2) as pool:
            found = pool.map_async(predict_in_child, [(predictor, new_rows)] * 2).get(60)
    assert all((f == expected).all() for f in found)


def run_python(code, **options):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, **options
    ).stdout


def test_import_loads_no_library_and_writes_nothing(tmp_path):
    code = (
        "import sys, numpy; before = set(sys.modules); import modelwright; "
        "print(sorted(m.split('.')[0] for m in set(sys.modules) - before))"
    )
    loaded = run_python(code, cwd=tmp_path)
    for library in ("pandas", "polars", "pyarrow", "sklearn", "IPython"):
        assert library not in loaded
    assert list(tmp_path.iterdir()) == []


def test_import_is_quick():
    code = (
        "import time, numpy; t = time.process_time(); import modelwright; "
        "print(time.process_time() - t)"
    )
    assert min(float(run_python(code)) for _ in range(3)) < 0.06


def test_a_budget_counts_from_the_call():
    begun = time.monotonic()
    mw.fit(passengers(3000), "survived", time_limit=5)
    assert time.monotonic() - begun < 5 * 1.05 + 2


def test_models_are_compared_and_tell_what_they_are(predictor, frame, new_rows):
    worse = mw.train("baseline", frame, "survived")
    found = predictor.compare(worse, new_rows)
    assert found["n_rows"] == len(new_rows) and found["verdict"]
    board = predictor.leaderboard()
    assert isinstance(board, pd.DataFrame) and board["name"].tolist() == ["gbdt"]
    assert predictor.record["options"]["target"] == "survived"
    assert "roc_auc" in predictor.metrics
    assert repr(predictor).startswith("Predictor('survived', binary, roc_auc 0.")


def test_a_leaderboard_is_best_first(frame):
    board = mw.fit(frame, "survived", time_limit=4).leaderboard()
    is_out = board["status"] == "left_out"
    scores = board["score"][~is_out].dropna().tolist()
    assert len(scores) > 1 and scores == sorted(scores, reverse=True)
    # What is left out, such as columns that bring nothing, is no candidate for the best.
    assert not is_out.iloc[0]


def test_a_report_shows_itself_and_is_saved(predictor, tmp_path):
    report = predictor.report()
    assert report._repr_html_().startswith("<iframe srcdoc=")
    for name, mark in (("r.html", "<!"), ("r.md", "#"), ("r.json", "[")):
        report.save(tmp_path / name)
        assert (tmp_path / name).read_text().lstrip()[:1] in mark + "{"
    assert str(report) == report.markdown


def test_a_plan_and_a_profile_fit_nothing(frame):
    plan = mw.plan(frame, "survived", time_limit=30)
    assert plan["task"]["task"] == "binary" and plan["plan"]["trials"]
    profile = mw.profile(frame, target="survived")
    assert profile.columns["port"]["kind"]["kind"] == "category"
    assert profile._repr_html_().startswith("<iframe") and "port" in str(profile)


def test_names_with_commas_are_names(frame):
    odd = frame.rename(columns={"fare": "fare, in pounds"})
    model = mw.train("gbdt", odd, "survived", exclude=["fare, in pounds"], params={"n_rounds": 3})
    assert "fare, in pounds" not in model.columns
    assert model.record["options"]["exclude"] == ["fare, in pounds"]


def test_options_of_every_form_are_read(frame):
    model = mw.fit(
        frame,
        "survived",
        time_limit="2s",
        preset="quick",
        cost={"fp": 1, "fn": 5},
        intervals=[0.8, 0.9],
        monotone={"fare": 1},
        kind={"alone": "category"},
        exclude="boarded",
        interactions=[["age", "fare"], ["port"]],
        threads=1,
        memory="2GiB",
        test=passengers(80, seed=9),
    )
    options = model.record["options"]
    assert options["cost"] == {"fp": 1.0, "fn": 5.0}
    assert options["intervals"] == [0.8, 0.9]
    assert options["monotone"] == "fare:+1"
    assert options["interactions"] == "age,fare|port"
    assert options["memory_limit_bytes"] == 2 << 30
    assert model.record["test_data"]["n_rows"] == 80
    assert np.isfinite(model.predict_proba(frame).to_numpy()).all()


def test_a_plan_can_be_asked_of_a_fit(frame):
    options = {"time_limit": None, "preset": "quick"}
    found = mw.fit(frame, "survived", plan=True, store=False, **options)
    assert found["plan"] == mw.plan(frame, "survived", **options)["plan"]
    single = mw.train("gbdt", frame, "survived", plan=True, params={"n_rounds": 7}, store=False)
    (trial,) = [t for t in single["plan"]["trials"] if t["learner"] == "gbdt"]
    assert trial["params"] == {"n_rounds": 7}


@pytest.mark.parametrize("learner, asked", [
    ("GradientBoostingClassifier", {"n_rounds": 10_000}),
    ("RandomForestClassifier", {"n_trees": 5_000}),
    ("ExplainableBoostingClassifier", {"max_rounds": 10_000, "learning_rate": 0.001}),
    ("TabularNetClassifier", {"n_epochs": 500}),
])  # fmt: skip
def test_ctrl_c_ends_the_fit_of_one_learner(keyboard, learner, asked):
    import modelwright.sklearn

    model = getattr(modelwright.sklearn, learner)(**asked)
    table = passengers(20_000)
    threading.Timer(1.0, _thread.interrupt_main).start()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        model.fit(table.drop(columns="survived"), table["survived"])
    assert time.monotonic() - begun < 60


def test_without_scikit_learn_the_rest_works_and_an_estimator_says_what_is_missing():
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import modelwright as mw\n"
        "rows = {'x': [i % 10 for i in range(100)], 'y': [i % 10 > 5 for i in range(100)]}\n"
        "print(mw.train('linear', rows, 'y', store=False).predict({'x': 9}))\n"
        "mw.LogisticRegression\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.stdout.strip() == "True" and ran.returncode == 1
    assert "ImportError: LogisticRegression" in ran.stderr
    assert "pip install scikit-learn" in ran.stderr
