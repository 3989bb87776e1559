"""What methods can be asked: times, sizes and costs as the command line takes them, or an error."""

from datetime import timedelta

import pytest

import modelwright as mw
from modelwright import _quantities as quantities

from conftest import passengers


def test_times_and_sizes_are_read_as_the_engine_reads_them():
    times = {"90": 90, "60s": 60, "5m30s": 330, "1.5h": 5400, "1h 30m": 5400, "500ms": 0.5, 7: 7}
    times[timedelta(minutes=2)] = 120
    assert {text: quantities.seconds("t", text) for text in times} == times
    for wrong in ("", "x", "5x", "30s5m", "1h30", "-5s", -4, 0, float("nan"), None, True, "400d"):
        with pytest.raises(mw.OptionError) as found:
            quantities.seconds("time_limit", wrong)
        assert found.value.source == "time_limit"
    sizes = {"500kB": 500_000, "2MB": 2_000_000, "1MiB": 1 << 20, "3k": 3072, "12": 12, 7: 7}
    assert {text: quantities.size("s", text) for text in sizes} == sizes
    assert quantities.microseconds("l", "50us") == pytest.approx(50)
    assert quantities.microseconds("l", "2ms") == pytest.approx(2000)
    for wrong in ("50", 50, "0us", "us", "1m"):
        with pytest.raises(mw.OptionError, match="us or ms"):
            quantities.microseconds("max_latency", wrong)
    assert quantities.costs("fp=1, fn=5") == quantities.costs({"fp": 1, "fn": "5"})
    assert quantities.costs("a,b:c=2,c:a,b=3") == {"a,b:c": 2.0, "c:a,b": 3.0}


def test_an_offer_is_picked_by_limits_with_units():
    model = mw.fit(passengers(400), "survived", time_limit=4, refit="train", store=False)
    board = model.offers()
    largest = int(board["size_bytes"].min() * 1.5)
    chosen = model.pick(max_size_bytes=largest)
    for given in (largest, f"{largest}", f"{largest / 1000}kB"):
        assert model.pick(max_size=given).record["picked"] == chosen.record["picked"]
    assert model.pick(max_latency="1s").record["picked"]["offer"] == 0
    assert model.pick(max_latency=timedelta(seconds=1)).record["picked"]["offer"] == 0
    with pytest.raises(mw.OptionError, match="us or ms") as found:
        model.pick(max_latency=50)
    assert found.value.source == "max_latency"
    with pytest.raises(mw.OptionError, match="given twice"):
        model.pick(max_size="2MB", max_size_bytes=3)


def test_costs_of_a_comparison_may_be_text(predictor, frame):
    found = predictor.compare(predictor, frame, cost="fp=1,fn=5")
    assert found == predictor.compare(predictor, frame, cost={"fp": 1, "fn": 5})
    for wrong in ("fp", {"fp": "many"}, {"fp": -1}, 5, {}):
        with pytest.raises(mw.OptionError) as caught:
            predictor.compare(predictor, frame, cost=wrong)
        assert caught.value.source == "cost"


def test_a_registered_model_is_loaded_from_the_store_that_is_named(predictor, tmp_path):
    store = mw.Store(tmp_path / "store")
    store.register("ships", predictor, alias="champion")
    for name in ("ships@champion", "ships@1", "ships"):
        found = mw.load(name, store=tmp_path / "store", threads=1)
        assert found.to_bytes() == predictor.to_bytes()
    with pytest.raises(mw.Error, match="chompion"):
        mw.load("ships@chompion", store=tmp_path / "store")


#: What cannot be asked: the method, how, and the keyword that the error names.
WRONG = {
    "seed": [
        ("evaluate", {"seed": -1}), ("compare", {"seed": 0.5}), ("audit", {"seed": "a"}),
        ("explain", {"seed": -1}), ("learning_curve", {"seed": -1}), ("retrain", {"seed": -1}),
    ],
    "rows": [("explain", {"rows": -1}), ("explain", {"rows": "1-3"}), ("explain", {"rows": [-1]})],
    "sample": [("explain", {"sample": -1})],
    "background_rows": [("explain", {"background_rows": "a"})],
    "n_answers": [("counterfactuals", {"n_answers": -1})],
    "max_changes": [("counterfactuals", {"max_changes": 0.5})],
    "min_group": [("audit", {"min_group": -1})],
    "drift_share": [("monitor", {"drift_share": "a"}), ("monitor", {"drift_share": 5})],
    "rope": [("compare", {"rope": "a"}), ("compare", {"rope": -1})],
    "time_limit": [("retrain", {"time_limit": -4}), ("retrain", {"time_limit": "soon"})],
    "judge": [("retrain", {"judge": "a"})],
    "latency": [("retrain", {"latency": "fast"})],
    "permutations": [("evaluate", {"permutations": "a"}), ("evaluate", {"permutations": -1})],
    "callback": [("retrain", {"callback": 3}), ("learning_curve", {"callback": lambda: 0})],
    "level": [("predict_set", {"level": "90"})],
}  # fmt: skip


@pytest.mark.parametrize("keyword", WRONG)
def test_what_cannot_be_asked_is_an_option_error_that_names_it(predictor, frame, keyword):
    for method, asked in WRONG[keyword]:
        data = (predictor, frame) if method == "compare" else (frame[:5],)
        with pytest.raises(mw.OptionError) as caught:
            getattr(predictor, method)(*data, **asked)
        assert caught.value.source == keyword and caught.value.expected, (method, asked)


def test_what_functions_cannot_be_asked_is_an_option_error(frame):
    from sklearn.ensemble import RandomForestClassifier

    for callback in (3, lambda event: None):
        with pytest.raises(mw.OptionError, match="callback"):
            mw.fit(frame, "survived", callback=callback)
    heard = []
    mw.train("linear", frame, "survived", callback=lambda *event: heard.append(event))
    assert heard
    asks = [lambda: mw.profile(frame, seed=-1), lambda: mw.load(5), lambda: mw.load("m", threads=0)]
    for ask in asks:
        with pytest.raises(mw.OptionError):
            ask()
    with pytest.raises(mw.OptionError, match="such parameters") as caught:
        mw.train(RandomForestClassifier(), frame, "survived", params={"depth": 3})
    assert caught.value.source == "params"
