"""Runs: what goes in, what is asked, and the model that comes out."""

from __future__ import annotations

import json
import os
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from . import _modelwright
from ._data import Data, Origin, is_path, library, read, said_of
from ._errors import ArtifactError, ModelwrightWarning, OptionError, data_error, in_python
from ._given import aligned, has_column, labels_of, name_in, one_column
from ._labels import column_of, labels_like
from ._modelwright import Model
from ._options import OWN, given
from ._own import own_parts
from ._own_learner import alone, must_be_trained
from ._predictor import Predictor
from ._progress import Callback, Events
from ._quantities import whole
from ._recording import kept_in

#: The learner that needs no target.
UNLABELLED = "isolation_forest"


def ask(
    verb: str,
    data: Data,
    target: Any,
    options: Mapping[str, Any],
    progress: bool | None,
    callback: Callback | None,
) -> Predictor:
    """Fits: what ``fit`` and ``train`` share."""
    started = time.monotonic()
    own_name = None
    if _is_own(options.get("learner")):
        verb = "fit"
        options, own_name = alone(options)
    values = dict(options)
    out, test = values.pop("out", None), values.pop("test", None)
    store, earlier = values.pop("store", None), values.pop("continue_", None)
    mlflow = values.pop("mlflow", None)
    if out is not None:
        _modelwright.check_output(os.fspath(out))
    native, origin, given_values, own = asked(verb, data, target, values, test)
    native_test = table_to_test(test, given_values)
    events = Events(progress, callback, values.get("time_limit"))
    try:
        beside = {
            "own": own,
            "kept": kept_in(store, mlflow),
            "out": None if out is None else os.fspath(out),
            "continued": None,
            "began_ago_s": time.monotonic() - started,
        }
        with _model_file(earlier) as beside["continued"]:
            model, was_interrupted = _modelwright.fit(
                verb, given_values, native, native_test, beside, events
            )
    finally:
        events.close(stacklevel=3)
    if was_interrupted:
        warnings.warn(
            "interrupted: this is the best model so far", ModelwrightWarning, stacklevel=3
        )
    kept = Origin(origin.kind, labels=labels_like(origin.target, model.classes))
    predictor = Predictor(model, kept, int(values.get("threads") or 0))
    if own_name is not None:
        must_be_trained(own_name, predictor.record)
    for text in (*said_of(origin.left_out), *_left_out(predictor.record)):
        warnings.warn(text, ModelwrightWarning, stacklevel=3)
    if out is not None:
        predictor.save(out)
    return predictor


def _is_own(learner: Any) -> bool:
    return learner is not None and not isinstance(learner, str)


def _left_out(record: Mapping[str, Any]) -> list[str]:
    """What of the table was left out: rows without an answer, columns without values."""
    found = []
    n, target = record["task"]["n_rows_without_target"], record["task"]["target"]
    if n:
        found.append(
            f"`{target}` has no value in {n} of {record['data']['n_rows']} rows: they are left out"
        )
    for alert in record["profile"]["alerts"]:
        if alert["kind"] == "empty":
            found.append(alert["message"])
    return found


def asked(
    verb: str, data: Data, target: Any, values: Mapping[str, Any], test: Data | None
) -> tuple[Any, Origin, list[tuple[str, str | None]], dict[str, Any] | None]:
    """The table with its target, what was asked of it, and what of that is the user's own."""
    if target is None and values.get("learner") == UNLABELLED:
        return _unlabelled(verb, data, {**values, "test": test})
    name, extra = name_in(data, target), {}
    if target is None or name is None and not hasattr(target, "__len__"):
        _refuse_target(data, target)
    if name is None:
        target = aligned(one_column(target), data, "target")
        own_name = getattr(target, "name", None)
        name = own_name if isinstance(own_name, str) else "target"
        extra[name] = target
    values = {**values, "target": name}
    _take_columns(values, data, extra)
    native, origin = read(data, extra, [] if name in extra else [name])
    origin.target = extra[name] if name in extra else column_of(data, name)
    own = own_parts(values, data, native, extra.get(name, name), extra)
    if origin.kinds:
        wished = values.get("kind") or {}
        guessed = {k: v for k, v in origin.kinds.items() if k != name}
        values["kind"] = {**guessed, **wished}
    pairs = given(verb, values)
    if test is not None:
        pairs.append(("test", "the test table"))
    return native, origin, pairs, own


def _unlabelled(
    verb: str, data: Data, values: dict[str, Any]
) -> tuple[Any, Origin, list[tuple[str, str | None]], None]:
    """The same for what learns without a target; other options that need one the engine refuses."""
    for name in ("test", "metric", "split", "loss"):
        if values.get(name) is not None:
            raise data_error(
                f"`{UNLABELLED}` learns without a target, so that nothing is measured",
                source=name,
                expected="no test table, metric, split or loss",
                hint="leave it out, or choose a learner with a target",
                cls=OptionError,
            )
    native, origin = read(data)
    if origin.kinds:
        values["kind"] = {**origin.kinds, **(values.get("kind") or {})}
    return native, origin, given(verb, values), None


def _refuse_target(data: Data, target: Any) -> None:
    names = _modelwright.columns_of(os.fspath(data)) if is_path(data) else labels_of(data)
    raise data_error(
        "the target is neither a column nor its values",
        source="target",
        expected="the name of a column, or one value for each row",
        got=repr(target)[:80],
        hint="known: " + ", ".join(map(str, list(names)[:12])) if len(names) else None,
    )


def table_to_test(test: Data | None, pairs: Sequence[tuple[str, str | None]]) -> Any:
    """The table to test on, which must have the target as well."""
    if test is None:
        return None
    native, _ = read(test)
    target = dict(pairs)["target"]
    if not isinstance(native, str) and target not in native.names:
        raise data_error(
            "the table to test on has no target",
            source="test",
            column=target,
            expected="the columns of the table to learn from, and the target",
            got=", ".join(native.names[:12]),
            hint="a target that was given by its values is a column of that name in `test`",
        )
    return native


def _take_columns(values: dict[str, Any], data: Data, extra: dict[str, Any]) -> None:
    """Columns that are given by their values become further ones of the table."""
    for role in ("weight", "group", "time_column"):
        column = values.get(role)
        if column is None or isinstance(column, (str, os.PathLike)):
            continue
        name = name_in(data, column)
        if name is None and hasattr(column, "__len__"):
            column = aligned(one_column(column), data, role)
            own_name = getattr(column, "name", None)
            name = own_name if isinstance(own_name, str) else role
            if name in extra or has_column(data, name):
                # The table may have it as well: it is then no feature either.
                if _is_same(column, data, name):
                    values[role] = name
                    continue
                name = f"{role} of its own"
            extra[name] = column
        if name is not None:
            values[role] = name


def _is_same(column: Any, data: Data, name: str) -> bool:
    """Whether a pandas series is a column of the table."""
    if library(column) != "pandas" or library(data) != "pandas" or name not in data.columns:
        return False
    return bool(column.equals(data[name]))


def plan_of(
    verb: str, data: Data, target: Any, options: Mapping[str, Any]
) -> dict[str, Any]:
    """What a fit would do."""
    if _is_own(options.get("learner")):
        verb, options = "fit", alone(options)[0]
    values = {k: v for k, v in options.items() if k not in OWN}
    test = options.get("test")
    if target is None and values.get("learner") == UNLABELLED:
        raise data_error(
            "without a target there is nothing to plan",
            source="plan",
            expected="a learner with a target",
            hint="train without it: all rows are learned from at once",
            cls=OptionError,
        )
    native, _, pairs, own = asked(verb, data, target, values, test)
    if values.get("continue_") is not None:
        raise data_error(
            "a plan knows no model that is continued",
            source="continue_",
            hint="plan without it, or train",
            cls=OptionError,
        )
    unknown = [p for p in ("metric", "split", "loss") if own is not None and own[p]]
    if unknown:
        raise data_error(
            "a plan knows neither a metric nor a split nor a loss of one's own",
            source=unknown[0],
            hint="plan without them: they change no trial",
            cls=OptionError,
        )
    native_test = table_to_test(test, pairs)
    events = Events(False, None, None)
    found: dict[str, Any] = json.loads(
        _modelwright.plan(verb, pairs, native, native_test, own, events)
    )
    events.close(stacklevel=3)
    return found


def load(
    path: str | os.PathLike[str],
    *,
    trust: bool = False,
    threads: int | None = None,
    store: str | os.PathLike[str] | None = None,
) -> Predictor:
    """Load a saved model.

    Parameters
    ----------
    path : str or path
        A ``model.mw``, the folder that a fit wrote, or ``NAME@ALIAS`` of a store.
    trust : bool, default False
        Whether parts that are learners of their user's own may be unpickled. That runs whatever
        code the file holds: only for files whose origin is known. Other models hold no code, and
        load without it.
    threads : int, optional
        Worker threads of what is asked of the model, all processors by default.
    store : str or path, optional
        The store of the name; by default that of the command line.

    Returns
    -------
    Predictor

    Raises
    ------
    ArtifactError
        When there is none, or it is damaged, or of a newer version; or when it has a learner of
        its user's own and is not trusted, or that cannot be read here.

    Examples
    --------
    >>> import tempfile
    >>> import modelwright as mw
    >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
    >>> model = mw.train("linear", rows, "y")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = model.save(folder)
    ...     mw.load(path).predict({"x": 9})
    True
    """
    if not is_path(path):
        raise data_error(
            "this is no model's path",
            source="path",
            expected="a model.mw, the folder of a fit, or NAME@ALIAS of a store",
            got=repr(path)[:80],
            cls=OptionError,
        )
    name = os.fspath(path)
    if store is not None:
        from ._store import Store

        name, _, version = name.partition("@")
        name = Store(store)._ask("file", name=name, version=version or "latest")
    n_threads = 0 if threads is None else whole("threads", threads, low=1)
    return Predictor(Model.load(name, trust), n_threads=n_threads)


def replay(
    record: str | os.PathLike[str] | Predictor | Mapping[str, Any],
    data: Data,
    *,
    test: Data | None = None,
    metric: Any = None,
    split: Any = None,
    learners: Any = None,
    loss: Any = None,
    continue_: Predictor | str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    progress: bool | None = None,
    callback: Callback | None = None,
) -> Predictor:
    """Repeat a recorded run; the model's bytes come out the same.

    Parameters
    ----------
    record : str, path, Predictor or dict
        A ``record.json``, a ``model.mw``, or the folder that a fit wrote; a model in memory, or its
        :attr:`Predictor.record`.
    data : table or path
        The same training data: the same file, or an equal table of the same kind.
    test : table or path, optional
        The same test data, when the run had some.
    metric, split, loss : optional
        The metric, the split and the loss of one's own that the run had. The record holds none: it
        compares the rows of a split, and warns that a metric or a loss may have changed.
    learners : optional
        The learners of one's own that the run had. The record compares their classes and
        parameters. The same libraries are to be there: as far as the estimators learn the same
        again, and their pickles are the same, so is the model, byte for byte.
    continue_ : Predictor, str or path, optional
        The model that the run added rounds to, when it continued one.
    out : str or path, optional
        A folder to write, as :meth:`Predictor.save` does.
    threads : int, optional
        Worker threads, all processors by default; the result does not depend on them.
    progress, callback
        As for :func:`fit`.

    Returns
    -------
    Predictor

    Examples
    --------
    >>> import tempfile
    >>> import modelwright as mw
    >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
    >>> model = mw.train("linear", rows, "y")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = model.save(folder)
    ...     mw.replay(folder, rows).to_bytes() == model.to_bytes()
    True
    """
    if out is not None:
        _modelwright.check_output(os.fspath(out))
    native, origin = read(data)
    native_test = read(test)[0] if test is not None else None
    target, group = _roles(record) if split is not None else ("", None)
    values = {
        "metric": metric, "split": split, "group": group, "learners": learners, "loss": loss
    }  # fmt: skip
    own = own_parts(values, data, native, target)
    events = Events(progress, callback, None)
    try:
        with _on_disk(record) as path, _model_file(continue_) as earlier:
            more = () if earlier is None else (earlier,)
            model, was_interrupted = _modelwright.replay(
                path, native, native_test, own, threads or 0, events, *more
            )
    finally:
        events.close(stacklevel=2)
    if was_interrupted:
        raise KeyboardInterrupt
    labels = labels_like(column_of(data, model.target), model.classes)
    predictor = Predictor(model, Origin(origin.kind, labels=labels), threads or 0)
    if out is not None:
        predictor.save(out)
    return predictor


@contextmanager
def _on_disk(record: Any) -> Iterator[str]:
    """The path of a record; of a model, or of what its ``record`` says, that of a file beside."""
    if isinstance(record, Predictor):
        text = record._model.record()
    elif isinstance(record, Mapping):
        text = json.dumps(record)
    else:
        yield os.fspath(record)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "record.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        yield path


@contextmanager
def _model_file(model: Any) -> Iterator[str | None]:
    """The path of a model; of one in memory, of a file of it."""
    if not isinstance(model, Predictor):
        yield None if model is None else os.fspath(model)
        return
    with tempfile.TemporaryDirectory() as folder:
        yield model.save(os.path.join(folder, "model.mw"))


def _roles(record: Any) -> tuple[str, str | None]:
    """The target and the group of a recorded run, for splitters that look at them."""
    with _on_disk(record) as path:
        options = json.loads(_modelwright.options_of_record(path))
    return options["target"], options["group"]


def import_model(
    model: Any,
    *,
    target: str = "target",
    classes: Sequence[Any] | None = None,
    categories: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    like: Data | None = None,
    rounds: int | None = None,
) -> Predictor:
    """Make a model of one of LightGBM or XGBoost; its predictions are the library's.

    Parameters
    ----------
    model : Booster, scikit-learn estimator, str or path
        A booster of either library, an estimator that holds one, or a saved model file.
    target : str, default "target"
        The name of the column that the model predicts.
    classes : sequence, optional
        Labels of the classes, in the order of their numbers in training.
    categories : sequence of str, optional
        Columns of pandas' dtype category in training, where the model does not say so.
    columns : sequence of str, optional
        The columns of the training table, where the model forgot blanks in their names.
    like : table or path, optional
        In their place, a table that has these columns.
    rounds : int, optional
        Keep only the first rounds of trees. By default all of a booster; of an estimator that
        stopped early, those that it predicts with.

    Warns
    -----
    ModelwrightWarning
        What the model file leaves open, such as levels without names.

    Returns
    -------
    Predictor

    Examples
    --------
    >>> import tempfile
    >>> import modelwright as mw
    >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
    >>> model = mw.train("gbdt", rows, "y", params={"n_rounds": 5})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = model.export(folder + "/trees.txt", "lightgbm")
    ...     other = mw.import_model(folder + "/trees.txt", classes=["no", "yes"])
    >>> other.predict({"x": 9})
    'yes'
    """
    if like is not None:
        native = read(like)[0]
        columns = _modelwright.columns_of(native) if isinstance(native, str) else native.names
    if is_path(model):
        name = os.path.basename(os.fspath(model))
        try:
            with open(model, "rb") as file:
                data = file.read()
        except OSError as cause:
            raise data_error(
                "cannot read the model file",
                source=os.fspath(model),
                expected="a model file of LightGBM or XGBoost",
                cls=ArtifactError,
            ) from cause
    else:
        if classes is None and hasattr(model, "classes_"):
            classes = list(model.classes_)
        if rounds is None:
            rounds = _best_rounds(model)
        name, data = _booster_bytes(model)
    found = _modelwright.import_model(
        data,
        name,
        target,
        None if classes is None else [str(c) for c in classes],
        None if categories is None else list(categories),
        list(columns or []),
        rounds,
    )
    predictor = Predictor(found)
    # The first one says that it was imported.
    for note in predictor.record["warnings"][1:]:
        warnings.warn(in_python(note), ModelwrightWarning, stacklevel=2)
    return predictor


def _best_rounds(model: Any) -> int | None:
    """The rounds that an estimator of XGBoost predicts with, where it stopped early."""
    if not hasattr(model, "get_booster"):
        return None
    best = getattr(model, "best_iteration", None)
    return None if best is None else int(best) + 1


def _booster_bytes(model: Any) -> tuple[str, bytes]:
    for holder in ("booster_", "_Booster"):
        model = getattr(model, holder, model)
    if hasattr(model, "get_booster"):
        model = model.get_booster()
    if hasattr(model, "model_to_string"):
        return "lightgbm", model.model_to_string().encode()
    if hasattr(model, "save_raw"):
        return "xgboost.ubj", bytes(model.save_raw("ubj"))
    raise data_error(
        "this is no model of LightGBM or XGBoost",
        expected="a booster, a fitted estimator, or a model file",
        got=f"{type(model).__module__}.{type(model).__name__}",
        cls=ArtifactError,
    )
