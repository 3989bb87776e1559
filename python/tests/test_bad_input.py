"""Whatever is wrong with a table is an error that says what, where, expected, got and how to fix."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest

import modelwright as mw


def table(**columns):
    n_rows = 60
    base = {"x": np.sin(np.arange(n_rows)), "y": np.arange(n_rows) % 2}
    return pd.DataFrame({**base, **columns})


def fit(data, target="y", **options):
    return mw.train("gbdt", data, target, **{"params": {"n_rounds": 5}, **options})


def twice():
    data = table()
    data.insert(0, "x", 1.0, allow_duplicates=True)
    return data


CASES = {
    "mixed objects": (lambda: table(m=["a", 1] * 30), "m", "different types"),
    "a list in a cell": (lambda: table(m=[[1, 2]] * 60), "m", "cannot be used"),
    "complex": (lambda: table(m=np.ones(60, dtype=complex)), "m", "complex"),
    "half precision beside text": (
        lambda: table(h=np.ones(60, dtype=np.float16), m=["a", 1] * 30), "m", "different types",
    ),
    "an array of complex numbers": (lambda: np.ones((60, 2), dtype=complex), "x0", "complex"),
    "infinity in the target": (
        lambda: table(y=np.where(np.arange(60) == 2, np.inf, np.arange(60) / 7)), "y", "finite",
    ),
    "complex objects": (lambda: table(m=pd.Series([1j] * 60, dtype=object)), "m", "cannot be used"),
    "two equal names": (twice, "x", "same name"),
    "equal names of other types": (lambda: table().rename(columns={"x": 1, "y": "1"}), "1", "same"),
    "several levels": (lambda: pd.concat({"a": table()}, axis=1), "('a', 'x')", "several levels"),
    "no rows": (lambda: table().iloc[:0], None, "no rows"),
    "target missing everywhere": (lambda: table(y=[np.nan] * 60), "y", ""),
    "one class": (lambda: table(y=[1] * 60), "y", "only one value"),
    "nested": (lambda: pl.DataFrame({"x": [[1], [2]], "y": [0, 1]}), "x", "cannot be used"),
    "a vector": (lambda: np.arange(5.0), None, "two dimensions"),
    "a scalar": (lambda: 7, None, "not a table"),
    "a series": (lambda: pd.Series([1.0]), None, "series"),
    "numbers in a list": (lambda: [1, 2, 3], None, "single values"),
    "ragged rows": (lambda: [[1, 2], [3]], None, "differ in length"),
    "columns of two lengths": (lambda: {"x": [1, 2, 3], "y": [0, 1]}, "y", "differ in length"),
    "bytes": (lambda: {"x": np.array([b"a", b"b"]), "y": [0, 1]}, "x", "bytes"),
    "a cube": (lambda: {"x": np.zeros((2, 2)), "y": [0, 1]}, "x", "dimension"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_table_that_cannot_be_used_is_a_data_error_that_names_the_column(case):
    make, column, words = CASES[case]
    with pytest.raises(mw.DataError) as caught:
        fit(make())
    assert words in str(caught.value), caught.value
    assert caught.value.column == column, caught.value
    assert isinstance(caught.value, ValueError) and isinstance(caught.value, mw.Error)
    assert caught.value.what and "--" not in str(caught.value)


def test_a_target_that_is_not_there_is_named_with_the_columns_that_are():
    with pytest.raises(mw.OptionError, match="known: x, y") as caught:
        fit(table(), "w")
    assert caught.value.column == "w"


def test_rows_without_an_answer_are_left_out_with_a_warning():
    y = pd.Series(np.arange(60) % 2, dtype=float)
    y[3] = np.nan
    with pytest.warns(mw.ModelwrightWarning, match="`y` has no value in 1 of 60 rows"):
        model = fit(table(y=y))
    assert model.classes_.tolist() == [0, 1]


def test_a_column_without_values_is_not_used_with_a_warning():
    with pytest.warns(mw.ModelwrightWarning, match="`empty` has no value in 60 rows"):
        model = fit(table(empty=[np.nan] * 60))
    assert model.columns == ["x"]


def test_a_missing_column_is_named_with_the_nearest(predictor, new_rows):
    with pytest.raises(mw.DataError, match="did you mean `fares`") as caught:
        predictor.predict(new_rows.rename(columns={"fare": "fares"}))
    assert caught.value.column == "fare"
    with pytest.raises(mw.DataError) as caught:
        predictor.predict({"age": 3.0})
    assert caught.value.column is not None


def test_a_value_that_does_not_fit_names_its_row(predictor, new_rows):
    broken = new_rows.astype({"fare": object})
    broken.loc[:, "fare"] = "cheap"
    with pytest.raises(mw.DataError) as caught:
        predictor.predict(broken)
    assert (caught.value.column, caught.value.row) == ("fare", 1)


def test_a_label_that_training_did_not_have_is_refused_in_evaluate(predictor, new_rows):
    with pytest.raises(mw.DataError, match="does not know") as caught:
        predictor.evaluate(new_rows.assign(survived=2))
    assert caught.value.column == "survived"
    with pytest.raises(mw.DataError, match="no such column"):
        predictor.evaluate(new_rows.drop(columns="survived"))


def test_no_rows_are_predicted_as_none(predictor, new_rows):
    assert predictor.predict(new_rows.iloc[:0]).tolist() == []
    assert predictor.predict_proba(new_rows.iloc[:0]).shape == (0, 2)


def test_an_empty_list_is_no_rows(predictor):
    assert predictor.predict([]) == [] and predictor.predict_proba([]) == []


def test_advice_is_what_can_be_typed_in_python(frame, tmp_path):
    linear = mw.train("linear", frame, "survived", store=False)
    asked = {"preset": "quick", "time_limit": None, "learners": ["linear", "knn"]}
    searched = mw.fit(frame, "survived", store=False, **asked)
    cases = {
        'train("gbdt", ...)': lambda: linear.leaves(frame),
        '`train("gbdt", ...)`': lambda: linear.raw_scores(frame),
        'train("ebm", ...)': linear.shapes,
        "`fit(..., interpretable=True)`": linear.shapes,
        'split="time"` needs `time_column="COLUMN"': lambda: mw.fit(frame, "survived", split="time"),
        'add group="COLUMN"': lambda: mw.fit(frame, "survived", split="group"),
        "a whole number from 2 to 1000": lambda: mw.fit(frame, "survived", nested=1),
        'shapes("FILE.json")': lambda: linear.edit({}, frame, by="somebody"),
        '`fit(..., preset="quick")`': lambda: searched.pick(max_size=1),
        'reference="FILE"': lambda: linear.monitor(frame, season="month"),
    }
    for words, ask in cases.items():
        with pytest.raises(mw.Error) as caught:
            ask()
        text = str(caught.value)
        assert words in text
        assert not re.search(r"DATA\b|MODEL\b|<[A-Z]+>|--[a-z]|`modelwright ", text), text
        assert '"' not in (caught.value.source or "")


def test_errors_say_what_to_do(frame):
    model = mw.train("linear", frame, "survived", store=False)
    row = frame.iloc[0].to_dict()
    cases = [
        (lambda: mw.fit({"a": [1, 2, 3], "y": [1, 2]}, "y"), "y", "one value for each row"),
        (lambda: mw.train("linear", frame, "survived", weight=np.full(300, -1.0)), "weight", "0"),
        (lambda: model.predict(frame.assign(fare="x")), "fare", "fit again"),
        (lambda: mw.fit(frame, np.ones((300, 2))), "target", "y[:, 0]"),
        (lambda: mw.fit(frame, None), None, "known: age"),
        (lambda: mw.train("linear", frame, "survived", test=frame[["age"]]), "survived", "`test`"),
        (lambda: model.predict(np.ones((3, 5))), model.columns[0], "columns=[...]"),
        (lambda: model.explain([[1.0, 2.0]]), model.columns[0], "columns=[...]"),
        (lambda: model.predict({**row, "fare": [3]}), "fare", "give one value"),
        (lambda: model.predict_proba({**row, "port": ["x", "y"]}), "port", "give one value"),
    ]
    for ask, column, words in cases:
        with pytest.raises(mw.DataError) as caught:
            ask()
        assert caught.value.column == column and words in caught.value.hint, caught.value
        assert caught.value.hint in str(caught.value)


def test_a_page_is_not_written_under_the_name_of_another_form(predictor, frame, tmp_path):
    pages = [
        predictor.report(), predictor.explain(frame[:3]), predictor.audit(frame, "port"),
        predictor.monitor(frame), mw.profile(frame),
    ]  # fmt: skip
    for page in pages:
        for name in ("x.pdf", "x.docx", "x.txt"):
            with pytest.raises(mw.OptionError, match="another form"):
                page.save(tmp_path / name)
        page.save(tmp_path / "x.HTML")
    with pytest.raises(mw.OptionError, match="another form"):
        predictor.evaluate(frame, report=tmp_path / "x.pdf")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.HTML"]
    predictor.report().save(tmp_path / "x.txt", form="markdown")


def test_messages_speak_of_python(predictor, frame, tmp_path):
    (tmp_path / "no.mw").write_bytes(b"abc" * 20)
    said = []
    for ask in (
        lambda: mw.load(tmp_path / "no.mw"),
        lambda: mw.train("gbm", table(), "y"),
        lambda: predictor.audit(frame, "nobody"),
        lambda: fit(table()[["y"]].assign(z=1)),
    ):
        with pytest.raises(mw.Error) as caught:
            ask()
        said.append(caught.value)
    assert said[1].source == "learner"
    words = "\n".join(map(str, said))
    assert 'kind={"COLUMN": "number"}' in words and "`modelwright.profile`" in words
    assert not any(word in words for word in ("MODEL", "DATA", "LEARNER>", "`modelwright fit`"))


def test_what_is_no_model_is_refused_in_words(predictor, frame):
    with pytest.raises(mw.OptionError, match="only models"):
        predictor.compare("model.mw", frame)
    with pytest.raises(mw.ArtifactError, match="mw.load"):
        mw.Predictor.from_bytes("model.mw")


def test_a_file_that_cannot_be_written_is_a_work_error_and_the_old_one_stays(
    predictor, frame, tmp_path, monkeypatch
):
    page = tmp_path / "page.html"
    page.write_text("old")
    page.chmod(0o640)
    writers = [
        predictor.report().save,
        predictor.audit(frame, "port").save,
        mw.profile(frame).save,
        predictor.explain(frame[:20]).save,
        predictor.export,
        lambda path: predictor.evaluate(frame, report=path),
    ]
    for write in writers:
        with pytest.raises(mw.WorkError, match="cannot write the file"):
            write(tmp_path / "nowhere" / "page.html")

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(mw.WorkError, match="No space left"):
            predictor.report().save(page)
    assert page.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["page.html"]
    predictor.report().save(page)
    assert page.read_text().startswith("<!") and page.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"holdout": 2}, "0.01 to 0.9"),
        ({"metric": "auc"}, "roc_auc"),
        ({"split": "group"}, "group"),
        ({"kind": {"x": "categry"}}, "category"),
        ({"params": {"n_round": 3}}, "n_rounds"),
        ({"params": {"n_rounds": -1}}, "from 0 to"),
        ({"positive": "perhaps"}, "positive"),
        ({"time_limit": -1}, "more than zero"),
        ({"memory": "4XB"}, "size of memory"),
        ({"keep_leaks": "yes"}, "True or False"),
        ({"weight": "w"}, "w"),
    ],
)
def test_an_option_that_cannot_be_is_an_option_error_in_words_of_python(options, words):
    with pytest.raises(mw.Error) as caught:
        fit(table(), **options)
    assert isinstance(caught.value, ValueError)
    assert words in str(caught.value) and "--" not in str(caught.value), caught.value


def test_an_unknown_keyword_is_a_type_error():
    with pytest.raises(TypeError, match="holdot"):
        mw.fit(table(), "y", holdot=0.2)


def test_too_little_memory_is_a_budget_error():
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(50_000, 60)))
    wide["y"] = np.arange(len(wide)) % 2
    with pytest.raises(mw.BudgetError, match="memory"):
        fit(wide, memory="64MiB")


def test_a_file_that_is_no_model_is_an_artifact_error(predictor, tmp_path):
    with pytest.raises(mw.ArtifactError, match="no such file"):
        mw.load(tmp_path / "absent.mw")
    data = predictor.to_bytes()
    for broken in (b"", b"PK", data[:-20], data[:500] + b"\0" + data[501:]):
        (tmp_path / "broken.mw").write_bytes(broken)
        with pytest.raises(mw.ArtifactError):
            mw.load(tmp_path / "broken.mw")
        with pytest.raises(mw.ArtifactError):
            mw.Predictor.from_bytes(broken)
    with pytest.raises(mw.ArtifactError):
        mw.import_model(object())


def test_errors_can_be_pickled():
    import pickle

    with pytest.raises(mw.DataError) as caught:
        fit(twice())
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.column) == (str(caught.value), "x")


def test_half_precision_is_read_as_it_is():
    data = table(h=np.linspace(0, 1, 60).astype(np.float16))
    assert fit(data).columns == ["x", "h"]
    array = np.column_stack([data["x"], data["h"], data["y"]]).astype(np.float16)
    model = fit(array, "x2")
    assert model.predict(array[:3]).shape == (3,)


#: A frame of the columns x (number) and y (target) that a model of it is asked about later.
CHANGED = {
    "a column is gone": (lambda d: d.drop(columns="x"), "x"),
    "a column has another name": (lambda d: d.rename(columns={"x": "xx"}), "x"),
    "numbers became words": (lambda d: d.assign(x="many"), "x"),
    "numbers became dates": (lambda d: d.assign(x=pd.Timestamp("2024-01-01")), "x"),
    "numbers became complex": (lambda d: d.assign(x=1j), "x"),
    "a column is there twice": (lambda d: pd.concat([d, d[["x"]]], axis=1), "x"),
    "columns have several levels": (lambda d: pd.concat({"a": d}, axis=1), "('a', 'x')"),
    "a list in a cell": (lambda d: d.assign(x=[[1.0]] * len(d)), "x"),
}


@pytest.fixture(scope="module")
def small():
    return fit(table())


@pytest.mark.parametrize("ask", ["predict", "predict_proba", "evaluate", "explain"])
@pytest.mark.parametrize("case", CHANGED)
def test_a_frame_that_changed_between_fit_and_predict_is_refused_by_column(small, case, ask):
    change, column = CHANGED[case]
    with pytest.raises(mw.DataError) as caught:
        getattr(small, ask)(change(table()))
    assert caught.value.column == column, caught.value


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d[["y", "x"]],
        lambda d: d.assign(more="of it"),
        lambda d: d.assign(x=d["x"].astype(np.float32)),
        lambda d: d.assign(x=d["x"].astype(str)),
        lambda d: d.assign(x=d["x"].astype("Float64")),
    ],
)
def test_a_frame_that_says_the_same_otherwise_is_predicted_alike(small, change):
    said = small.predict_proba(change(table()))
    np.testing.assert_allclose(said, small.predict_proba(table()), atol=1e-3)


def test_an_array_of_another_width_is_refused():
    array = table().to_numpy()
    model = fit(np.column_stack([array[:, 0], array]), "x2")
    with pytest.raises(mw.DataError, match="another number of columns"):
        model.predict(array[:, :1])


def test_an_array_of_more_columns_is_refused_by_their_number():
    random = np.random.default_rng(0)
    array = random.normal(size=(60, 2))
    y = np.arange(60) % 2
    model = fit(array, y, exclude="x0", weight=np.ones(60))
    again = mw.Predictor.from_bytes(model.to_bytes())
    for ask in (model.predict, model.predict_proba, model.explain, again.predict):
        for wide in (np.column_stack([array, array]), np.column_stack([array, array]).tolist()):
            with pytest.raises(mw.DataError, match="another number of columns") as caught:
                ask(wide)
            assert (caught.value.expected, caught.value.got) == ("2", "4")
    assert model.predict(array).shape == (60,)
    # The target was the last column: it may be there or not.
    model = fit(np.column_stack([array, y]), "x2")
    assert (model.predict(array) == model.predict(np.column_stack([array, y]))).all()


WORDS = table(c=["u", "v", "w"] * 20)


@pytest.mark.parametrize(
    "form",
    [
        lambda d: d,
        lambda d: d.astype({"c": "Int64"}),
        lambda d: d.astype({"c": object}),
        pl.from_pandas,
        lambda d: pl.from_pandas(d).to_arrow(),
        lambda d: d.to_dict("list"),
        lambda d: d.to_dict("records"),
        lambda d: d.iloc[0].to_dict(),
    ],
)
def test_numbers_where_text_was_learned_are_refused_by_column(form):
    model = fit(WORDS)
    for ask in (model.predict, model.predict_proba, model.explain):
        with pytest.raises(mw.DataError, match="holds numbers now") as caught:
            ask(form(WORDS.assign(c=7)))
        assert (caught.value.column, caught.value.got) in (("c", "7"), ("c", "7.0"))


@pytest.mark.parametrize(
    "values", [np.nan, None, ["x", None] * 30, pd.NA, pd.NaT, np.full(60, "NaT", "datetime64[s]")]
)
def test_gaps_and_new_labels_where_text_was_learned_are_none_of_the_kind(values):
    assert len(fit(WORDS).predict(WORDS.assign(c=values))) == 60


def test_numbers_may_stand_for_labels_that_read_as_such():
    model = fit(table(c=["1", "2", "3"] * 20), kind={"c": "category"})
    as_text, as_numbers = table(c=["1", "2", "9"] * 20), table(c=[1, 2, 9] * 20)
    np.testing.assert_array_equal(model.predict_proba(as_text), model.predict_proba(as_numbers))


def test_one_row_with_words_for_labels_is_answered():
    model = fit(table(y=["no", "yes"] * 30))
    assert model.predict({"x": 0.3}) in ("no", "yes")
    assert set(model.predict_proba({"x": 0.3})) == {"no", "yes"}


#: What single learners refuse: features, target, weights, parameters, and words of the error.
LEARNING = {
    "NaN in the target": ({"y": np.nan}, ValueError, "NaN or infinity"),
    "infinity in the target": ({"y": np.inf}, ValueError, "NaN or infinity"),
    "NaN among weights": ({"w": np.nan}, ValueError, "NaN"),
    "infinity among weights": ({"w": np.inf}, ValueError, "infinity"),
    "a negative weight": ({"w": -1.0}, ValueError, "egative"),
    "infinity among features": ({"x": np.inf}, ValueError, "infinity"),
    "one leaf": ({"max_leaves": 1}, mw.OptionError, "max_leaves"),
    "fewer than no trees": ({"n_rounds": -1}, mw.OptionError, "n_rounds"),
    "a loss of NaN": (
        {"loss": mw.Loss(lambda y, s: (s * np.nan, s))}, mw.OptionError, "(?s)finite.*nan in row 1",
    ),
    "a negative Hessian": (
        {"loss": mw.Loss(lambda y, s: (s - y, -np.ones_like(s)))}, mw.OptionError, "Hessians",
    ),
}


def learned(n_rows=60, *, x=None, y=None, w=None, **params):
    rows = np.sin(np.arange(2.0 * n_rows)).reshape(n_rows, 2)
    target, weights = rows[:, 0] * 2, np.ones(n_rows)
    for value, place in ((x, rows[:, 1]), (y, target), (w, weights)):
        if value is not None:
            place[n_rows // 2] = value
    model = mw.GradientBoostingRegressor(**{"n_rounds": 5, **params})
    return model.fit(rows, target, weights).predict(rows)


@pytest.mark.parametrize("case", LEARNING)
def test_what_a_booster_cannot_learn_is_an_error_that_says_so(case):
    change, error, words = LEARNING[case]
    with pytest.raises(error, match=words):
        learned(**change)


@pytest.mark.parametrize(
    "change",
    [
        {"x": np.nan},
        {"w": 0.0},
        {"n_rounds": 0},
        {"min_samples_leaf": 1000},
        {"n_rows": 3, "min_samples_leaf": 1},
        {"y": 1e30},
        {"n_rows": 1},
    ],
)
def test_what_is_odd_but_can_be_learned_is_predicted_in_numbers(change):
    assert np.isfinite(learned(**change)).all()


def test_constant_columns_are_a_constant_model():
    model = mw.GradientBoostingRegressor(n_rounds=5).fit(np.ones((20, 2)), np.arange(20.0))
    np.testing.assert_allclose(model.predict(np.zeros((3, 2))), 9.5, atol=0.5)


FLAGS = table(f=[True, False, False] * 20)

#: Other ways to say true and false.
SAID = {
    "numbers": lambda d: d.astype({"f": int}),
    "floats": lambda d: d.astype({"f": float}),
    "nullable": lambda d: d.astype({"f": "Int64"}),
    "objects": lambda d: d.astype({"f": int}).astype({"f": object}),
    "text": lambda d: d.assign(f=d["f"].astype(str)),
    "polars": lambda d: pl.from_pandas(d.astype({"f": int})),
    "arrow": lambda d: pl.from_pandas(d.astype({"f": float})).to_arrow(),
    "lists": lambda d: d.astype({"f": int}).to_dict("list"),
    "rows": lambda d: d.astype({"f": int}).to_dict("records"),
}


@pytest.mark.parametrize("form", SAID)
def test_true_and_false_may_be_said_as_one_and_zero(form, tmp_path):
    model = fit(FLAGS)
    expected = model.predict(FLAGS).tolist()
    raw = np.asarray(model.predict_proba(FLAGS))
    found = model.predict_proba(SAID[form](FLAGS))
    found = [list(row.values()) for row in found] if isinstance(found, list) else found
    found = np.column_stack(list(found.values())) if isinstance(found, dict) else np.asarray(found)
    np.testing.assert_array_equal(found, raw)
    few = SAID[form](FLAGS[:3])
    assert list(np.asarray(model.predict(few)).tolist()) == expected[:3]
    FLAGS.astype({"f": int}).to_csv(tmp_path / "rows.csv", index=False)
    np.testing.assert_array_equal(model.predict_proba(tmp_path / "rows.csv"), raw)
    row = {**FLAGS.iloc[0].to_dict(), "f": 1}
    assert model.predict_proba(row) == model.predict_proba({**row, "f": True})


#: What a column of words (w) and one of flags (f) became, and what is then said.
BECAME = {
    "words became flags": ("w", True, "text holds true and false now"),
    "words became dates": ("w", pd.Timestamp("2024-02-03"), "text holds dates now"),
    "flags became other numbers": ("f", 2, "true and false holds numbers now"),
    "flags became shares": ("f", 0.5, "true and false holds numbers now"),
    "flags became words": ("f", "maybe", "true and false holds text now"),
    "flags became dates": ("f", pd.Timestamp("2024-02-03"), "true and false holds dates now"),
}


@pytest.mark.parametrize("case", BECAME)
def test_what_changed_its_type_is_refused_by_column(case):
    name, value, words = BECAME[case]
    learned = table(w=["u", "v", "w"] * 20, f=[True, False, False] * 20)
    model = fit(learned)
    now = learned.assign(**{name: value})
    forms = [now, now[:3], pl.from_pandas(now), pl.from_pandas(now).to_arrow()]
    forms += [now.to_dict("records"), now.to_dict("list"), now.iloc[0].to_dict()]
    forms += [now.astype({name: object}), dict(now.items()), pl.from_pandas(now).lazy()]
    for form in forms:
        with pytest.raises(mw.DataError, match=words) as caught:
            model.predict(form)
        assert caught.value.column == name and caught.value.hint


@pytest.mark.parametrize(
    "values", [["false", "?", None] * 20, [None] * 60, ["TRUE", "1", "0"] * 20]
)
def test_flags_that_are_not_all_known_are_predicted(values):
    assert len(fit(FLAGS).predict(FLAGS.assign(f=values))) == 60


REFUSED = {
    "no rows": (lambda X, y: (X[:0], y[:0]), "X", None, "0 sample"),
    "NaN in y": (lambda X, y: (X, np.where(np.arange(60) == 3, np.nan, y)), "y", None, "y contains"),
    "y of another length": (lambda X, y: (X, y[:-1]), "y", None, "inconsistent numbers"),
    "no y": (lambda X, y: (X, None), "y", None, "requires y"),
    "infinity": (lambda X, y: (X.assign(b=np.inf), y), "X", "b", "infinity"),
    "an array with infinity": (
        lambda X, y: (np.where(X.to_numpy() > 8, np.inf, X.to_numpy()), y), "X", "x0", "infinity",
    ),
    "complex": (lambda X, y: (X.to_numpy() * 1j, y), "X", "x0", "Complex"),
    "words in an array": (lambda X, y: (np.array([["a"]] * 60), y), "X", "x0", "string"),
    "no columns": (lambda X, y: (X.iloc[:, :0], y), "X", None, "0 feature"),
    "a vector": (lambda X, y: (X["a"].to_numpy(), y), "X", None, "Reshape your data"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("estimator", ["classifier", "regressor", "search", "encoder", "forest"])
def test_what_an_estimator_refuses_is_a_data_error_in_the_words_of_scikit_learn(case, estimator):
    X = pd.DataFrame({"a": np.arange(60.0) % 10, "b": np.arange(60.0)})
    X, y = REFUSED[case][0](X, np.arange(60.0) % 2)
    _, source, column, words = REFUSED[case]
    made = {
        "classifier": mw.LogisticRegression(), "regressor": mw.GradientBoostingRegressor(n_rounds=2),
        "search": mw.ModelwrightClassifier(time_limit=1), "encoder": mw.TargetEncoder(),
        "forest": mw.IsolationForest(n_trees=2),
    }[estimator]  # fmt: skip
    if estimator == "forest" and source == "y":
        pytest.skip("an isolation forest looks at no y")
    if estimator == "encoder" and case in ("words in an array", "infinity"):
        pytest.skip("an encoder takes a frame's infinity and an array's words for values")
    with pytest.raises(mw.DataError, match=words) as caught:
        made.fit(X, y)
    error = caught.value
    assert (error.source, error.column) == (source, column), error
    assert error.expected
    assert error.what and "where:" in str(error)


def test_weights_that_are_none_are_named():
    X, y = np.arange(20.0).reshape(-1, 1), np.arange(20) % 2
    for weights in (np.full(20, np.inf), np.full(20, -1.0), np.ones(3)):
        with pytest.raises(mw.DataError) as caught:
            mw.LogisticRegression().fit(X, y, sample_weight=weights)
        assert caught.value.source == "sample_weight"
        assert caught.value.expected.startswith("finite weights from 0")


def test_another_width_and_other_names_are_data_errors_too():
    X = pd.DataFrame({"a": np.arange(60.0) % 10, "b": np.arange(60.0)})
    model = mw.Ridge().fit(X, X["b"])
    with pytest.raises(mw.DataError, match="expecting 2 features") as caught:
        model.predict(X.to_numpy()[:, :1])
    assert caught.value.hint and caught.value.source == "X"
    with pytest.raises(mw.DataError, match="unseen at fit time:\n- c"):
        model.predict(X.rename(columns={"b": "c"}))
