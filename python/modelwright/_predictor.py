"""A fitted model."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from . import _modelwright
from ._data import Data, Origin, is_path, is_row, read
from ._errors import ModelwrightWarning, OptionError, data_error
from ._modelwright import Model
from ._options import names
from ._progress import Callback, Events
from ._report import Audit, Report

if TYPE_CHECKING:
    from ._after import Monitoring, Retrained
    from ._explanation import Dependence, Explanation


class Predictor:
    """A fitted model: raw rows in, predictions out.

    Made by :func:`fit`, :func:`train`, :func:`load`, :func:`replay` or :func:`import_model`. It is
    immutable, may be used by several threads at once, and is pickled as the bytes of its
    ``model.mw``.

    Attributes
    ----------
    task : {"binary", "multiclass", "regression"}
    target : str
        The column that is predicted.
    metric : str
        The metric that was optimised.
    classes_ : numpy.ndarray
        The labels in class order; empty for a regression. Of two, the second is the positive one.
    columns : list of str
        The columns that a prediction reads. Others are ignored, and their order does not matter.
    """

    def __init__(self, model: Model, origin: Origin | None = None, n_threads: int = 0):
        self._model = model
        self._origin = origin or Origin("path")
        self._threads = n_threads
        self.task: str = model.task
        self.target: str = model.target
        self.metric: str = model.metric
        self.columns: list[str] = model.columns
        self._record: dict[str, Any] | None = None
        self.classes_: np.ndarray[Any, Any] = _labels(model.classes)

    # Predictions.

    def predict(self, data: Data) -> Any:
        """Predict the label (classification) or the value (regression) of every row.

        Parameters
        ----------
        data : table, path or dict
            Rows with the model's :attr:`columns`, in any order. A dict of plain values is one row.

        Returns
        -------
        array of shape (n_rows,) of the input's kind
            A pandas series with the input's index, a polars series, a pyarrow array, a list for a
            list of dicts, one value for one row, else a NumPy array.
        """
        if is_row(data):
            row, decided = self._model.one_row(dict(data))
            return self.classes_[decided].item() if self.task != "regression" else row[0]
        native, origin = read(data)
        if self.task == "regression":
            outputs, warning = self._model.outputs(native, self._threads)
            values = outputs[:, 0]
        else:
            codes, warning = self._model.decisions(native, self._threads)
            values = self.classes_[codes]
        _warn(warning)
        return origin.series(values, self.target)

    def predict_proba(self, data: Data) -> Any:
        """Predict the probability of every class.

        Parameters
        ----------
        data : table, path or dict
            As for :meth:`predict`.

        Returns
        -------
        table of shape (n_rows, n_classes) of the input's kind
            Columns are called by the classes, in class order. A dict for one row.

        Raises
        ------
        OptionError
            For a regression.
        """
        if self.task == "regression":
            raise data_error(
                "a regression has no classes",
                expected="a binary or multiclass model",
                hint="use predict, or predict_interval for an idea of the error",
                cls=OptionError,
            )
        labels = [str(c) for c in self.classes_]
        if is_row(data):
            row, _ = self._model.one_row(dict(data))
            return dict(zip(labels, row))
        native, origin = read(data)
        outputs, warning = self._model.outputs(native, self._threads)
        _warn(warning)
        if origin.kind in ("numpy", "path"):
            return outputs
        if origin.kind == "pandas":
            pandas = sys.modules["pandas"]
            return pandas.DataFrame(outputs, index=origin.index, columns=list(self.classes_))
        return origin.table({n: outputs[:, i] for i, n in enumerate(labels)})

    def predict_interval(self, data: Data, level: float | None = None) -> Any:
        """Predict intervals that hold the true value as often as they say (regression).

        Parameters
        ----------
        data : table or path
            As for :meth:`predict`.
        level : float, optional
            One of the levels that the model was fitted with (``intervals=``); the first by default.

        Returns
        -------
        table of shape (n_rows, 2) of the input's kind
            Columns ``lower`` and ``upper``.
        """
        native, origin = read(data)
        found = self._model.intervals(native, self._threads)
        _, low, high = _of_level(found, level)
        return origin.table({"lower": low, "upper": high})

    def predict_set(self, data: Data, level: float | None = None) -> list[list[Any]]:
        """Predict sets of labels that hold the true one as often as they say (classification).

        Parameters
        ----------
        data : table or path
            As for :meth:`predict`.
        level : float, optional
            One of the levels that the model was fitted with (``intervals=``); the first by default.

        Returns
        -------
        list of lists
            For each row its labels, in class order.
        """
        native, _ = read(data)
        _, members = _of_level(self._model.sets(native, self._threads), level)
        return [self.classes_[row].tolist() for row in members]

    # How good it is.

    def evaluate(self, data: Data) -> dict[str, Any]:
        """Measure the model on rows whose answers are known.

        Parameters
        ----------
        data : table or path
            Rows with the target column, on which the model was not trained.

        Returns
        -------
        dict
            ``n_rows``, ``metrics`` (``{name: {"value": ..., "ci95": [low, high]}}``), the confusion
            matrix; the document of ``modelwright evaluate --json``.
        """
        native, _ = read(data)
        found: dict[str, Any] = json.loads(
            self._model.evaluate(native, _name(data), self._threads)
        )
        return found

    def compare(self, other: Predictor, data: Data) -> dict[str, Any]:
        """Test whether this model or another is better on the same rows.

        Parameters
        ----------
        other : Predictor
            A model of the same target.
        data : table or path
            Rows with the target column, on which neither model was trained.

        Returns
        -------
        dict
            ``verdict`` in words, ``significant``, and ``comparisons`` by metric, each with the
            difference, its 95 % interval and the p-value of a paired test.
        """
        found: dict[str, Any] = json.loads(
            self._model.compare(other._model, read(data)[0], read(data)[0], self._threads)
        )
        return found

    def audit(
        self, data: Data, sensitive: str | Sequence[str] | None = None, *, min_group: int = 30
    ) -> Audit:
        """Measure whether groups of people are treated alike.

        Parameters
        ----------
        data : table or path
            Rows with the target and the sensitive columns, on which the model was not trained.
        sensitive : str or sequence of str, optional
            The columns that say who a row is about; those that ``fit`` was given by default. They
            need not be columns of the model.
        min_group : int, default 30
            Groups with fewer rows are counted, but not judged.

        Returns
        -------
        Audit
        """
        native, _ = read(data)
        document, html = self._model.audit(native, names(sensitive), min_group, self._threads)
        return Audit(json.loads(document), html)

    # Why it predicts so.

    def explain(
        self,
        data: Data,
        *,
        rows: Sequence[int] | None = None,
        sample: int | None = None,
        method: Literal["auto", "tree", "path", "permutation", "exact"] = "auto",
        scale: Literal["probability", "margin"] | None = None,
        background: Data | None = None,
        background_rows: int | None = None,
        seed: int = 0,
    ) -> Explanation:
        """Divide predictions among the raw columns: Shapley values.

        Parameters
        ----------
        data : table, path or dict
            Rows with the model's :attr:`columns`. A dict of plain values is one row.
        rows : sequence of int, optional
            Only these rows, counted from 0; all by default.
        sample : int, optional
            Only so many rows, drawn at random.
        method : {"auto", "tree", "path", "permutation", "exact"}, default "auto"
            How the parts are found: by the trees' own structure, as LightGBM's ``pred_contrib``,
            by drawn orders of the columns (with standard errors; any model), or by every mixture
            of at most 16 columns. By default what suits model and rows.
        scale : {"probability", "margin"}, optional
            What is divided in a classification; probabilities by default.
        background : table or path, optional
            Rows that stand for what is typical; by default those of ``data``, where they are at
            least 30, else values drawn by what the model knows of each column.
        background_rows : int, optional
            How many of them are used; by default by the work that they make, at most 64.
        seed : int, default 0
            Seed of the drawn orders.

        Returns
        -------
        Explanation
            ``shap.plots.*`` draw it. Of a dict it is of one row, without the axis of rows.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"a": [i % 5 for i in range(80)], "b": [i % 3 for i in range(80)]}
        >>> rows["y"] = [2 * a + b for a, b in zip(rows["a"], rows["b"])]
        >>> model = mw.train("linear", rows, "y")
        >>> found = model.explain(rows)
        >>> found.shape, found.importance()["column"]
        ((80, 2), ['a', 'b'])
        >>> bool(abs(found.values[0].sum() + found.base_values[0] - found.predictions[0]) < 1e-9)
        True
        """
        from ._explanation import explanation_of

        is_one = is_row(data)
        native, origin = read([dict(data)] if is_one else data)
        asked = {
            "rows": None if rows is None else [int(row) for row in rows],
            "sample": sample,
            "method": method,
            "scale": scale,
            "background_rows": background_rows,
            "seed": seed,
            "threads": self._threads,
        }
        found, warning = _modelwright.explain_rows(
            self._model,
            native,
            None if background is None else read(background)[0],
            asked,
            Events(False, None, None),
        )
        _warn(warning)
        return explanation_of(found, origin.kind, is_one)

    def importances(self) -> Any:
        """How much the metric loses when a column is shuffled among the held-out rows.

        Returns
        -------
        table of the kind that was fitted
            Columns ``column``, ``mean``, ``low`` and ``high`` (its 95 % interval over the
            repeats), largest first. A dict of lists where no data frame came in.
        """
        from ._explanation import as_table

        found = self.record["importances"]
        board = {
            "column": [i["column"] for i in found],
            "mean": [i["mean"] for i in found],
            "low": [i["ci95"]["low"] for i in found],
            "high": [i["ci95"]["high"] for i in found],
        }
        return as_table(board, self._origin.kind)

    def dependence(
        self,
        data: Data,
        columns: str | Sequence[str],
        *,
        kind: Literal["ale", "partial_dependence"] | None = None,
        scale: Literal["probability", "margin"] | None = None,
    ) -> list[Dependence]:
        """Say how predictions move along columns.

        Parameters
        ----------
        data : table or path
            Rows to move; 2,000 drawn at random, if there are more.
        columns : str or sequence of str
            The raw columns.
        kind : {"ale", "partial_dependence"}, optional
            Accumulated local effects (numbers and dates by default), or partial dependence
            (categories by default).
        scale : {"probability", "margin"}, optional
            The scale of a classification; probabilities by default.

        Returns
        -------
        list of Dependence
            One for each column, each with ``.plot()``.
        """
        from ._explanation import Dependence

        native, _ = read(data)
        found = _modelwright.dependence(
            self._model, native, names(columns), kind, scale, self._threads
        )
        return [Dependence.of(document) for document in json.loads(found)]

    def interactions(self, data: Data) -> list[tuple[str, str, float]]:
        """Say which columns act together: SHAP interactions of a single booster.

        Parameters
        ----------
        data : table or path
            Rows with the model's columns.

        Returns
        -------
        list of (str, str, float)
            Pairs of columns with the mean size of what they do together, largest first.

        Raises
        ------
        DataError
            When the model is more than one booster.
        """
        native, _ = read(data)
        found = json.loads(_modelwright.interactions(self._model, native, self._threads))
        return [(a, b, size) for a, b, size in found]

    def counterfactuals(
        self,
        data: Data,
        desired: Any = None,
        *,
        vary: str | Sequence[str] | None = None,
        immutable: str | Sequence[str] | None = None,
        observed: Data | None = None,
        n_answers: int = 4,
        max_changes: int = 4,
    ) -> list[dict[str, Any]]:
        """Say what would have to be different for another answer.

        Parameters
        ----------
        data : table, path or dict
            At most 100 rows; a dict is one.
        desired : label or str, optional
            The class that is wanted, or a limit such as ``">=100"`` (regression); the other of two
            classes by default.
        vary : str or sequence of str, optional
            The only columns that may change; ``"age:+"`` only upwards, ``"age:-"`` only downwards.
        immutable : str or sequence of str, optional
            Columns that may not change.
        observed : table or path, optional
            Rows whose values may be taken; by default those of ``data``, where they are at least
            30, else values drawn by what the model knows of each column.
        n_answers, max_changes : int, default 4
            Answers for a row, and columns that one changes, at most.

        Returns
        -------
        list of dict
            For each row ``row``, ``prediction``, ``is_reached`` and ``answers``, best first: each
            with ``changes`` (``column``, ``from``, ``to``), ``prediction``, ``cost`` and
            ``distance``.
        """
        native, _ = read([dict(data)] if is_row(data) else data)
        wanted = {
            "desired": None if desired is None else _label_text(desired),
            "vary": None if vary is None else names(vary),
            "immutable": names(immutable),
            "n_answers": n_answers,
            "n_changes": max_changes,
            "threads": self._threads,
        }
        pool = None if observed is None else read(observed)[0]
        found: list[dict[str, Any]] = json.loads(
            _modelwright.counterfactuals(self._model, native, pool, wanted)
        )
        return found

    # Smaller models, other forms, later rows.

    def offers(self) -> Any:
        """The smaller and faster models that the fit offers; see :meth:`pick`.

        Returns
        -------
        table of the kind that was fitted
            Columns ``offer`` (its number), ``members``, ``score`` (out of fold), ``more_error``
            (against the delivered model), ``held_out``, ``size_bytes`` and ``latency_us``: the
            time to predict one row here. A dict of lists where no data frame came in.

        Raises
        ------
        OptionError
            When the model was not found by a search.
        """
        from ._explanation import as_table

        all_offers = json.loads(_modelwright.model_offers(self._model, self._threads))["offers"]
        found = [o for o in all_offers if not o["one_model_each"]]
        board = {
            "offer": [o["offer"] for o in found],
            "members": [" + ".join(m["trial"] for m in o["members"]) for o in found],
            "score": [o["score"] for o in found],
            "more_error": [o["more_error"] for o in found],
            "held_out": [(o["holdout"] or {}).get("value") for o in found],
            "size_bytes": [o["size_bytes"] for o in found],
            "latency_us": [o["latency_us"] for o in found],
        }
        return as_table(board, self._origin.kind)

    def pick(
        self,
        offer: int | None = None,
        *,
        fastest_within: float | None = None,
        smallest_within: float | None = None,
        max_latency_us: float | None = None,
        max_size_bytes: int | None = None,
        one_model_each: bool = False,
    ) -> Predictor:
        """Take one of the :meth:`offers` as a model of its own.

        Parameters
        ----------
        offer : int, optional
            Its number.
        fastest_within, smallest_within : float, optional
            The fastest, or the smallest, with at most this share more error, e.g. 0.005.
        max_latency_us : float, optional
            The best that predicts a row in so many microseconds here.
        max_size_bytes : int, optional
            The best that is not larger.
        one_model_each : bool, default False
            With ``offer``: one model of each member instead of the mean of several.

        Returns
        -------
        Predictor
        """
        wish = {
            "offer": offer,
            "fastest_within": fastest_within,
            "smallest_within": smallest_within,
            "max_latency_us": max_latency_us,
            "max_size_bytes": max_size_bytes,
            "one_model_each": one_model_each,
        }
        picked = _modelwright.model_pick(self._model, wish, self._threads)
        return Predictor(picked, self._origin, self._threads)

    def export(
        self,
        path: str | os.PathLike[str],
        format: Literal["lightgbm", "xgboost-json", "xgboost-ubj"],
        *,
        member: int | tuple[int, int] | None = None,
    ) -> dict[str, Any]:
        """Write a booster of the model as a model file of LightGBM or XGBoost.

        Parameters
        ----------
        path : str or path
            The file; one that is there is replaced.
        format : {"lightgbm", "xgboost-json", "xgboost-ubj"}
            Its form.
        member : int or (int, int), optional
            The member of an ensemble, from 1, and which of its averaged models.

        Returns
        -------
        dict
            ``features`` in the file's order (``name``, raw ``column``), ``n_trees``, ``classes``
            and ``notes``: what the other library does not know.
        """
        which = (member, None) if isinstance(member, int) else member
        data, about = _modelwright.model_export(self._model, format, which)
        with open(path, "wb") as file:
            file.write(data)
        found: dict[str, Any] = json.loads(about)
        return found

    def monitor(
        self,
        data: Data | Sequence[Data],
        *,
        reference: Data | None = None,
        labels: Data | None = None,
        id: str | None = None,
        drift_share: float = 0.5,
        predict: bool = True,
    ) -> Monitoring:
        """Compare new rows with what the model learned from: drift, quality, performance.

        Parameters
        ----------
        data : table or path, or a sequence of them
            The new rows.
        reference : table or path, optional
            Rows to compare with, instead of what the model keeps of its training.
        labels : table or path, optional
            Rows with the target column, when ``data`` has none.
        id : str, optional
            The column by which labels belong to rows; by default they have the same order.
        drift_share : float, default 0.5
            The share of drifted columns from which on the dataset has drifted.
        predict : bool, default True
            Whether predictions are looked at as well.

        Returns
        -------
        Monitoring
            Shown in a notebook; ``.status``, ``.drifted``, ``.document``.
        """
        from ._after import monitoring

        return monitoring(self, data, reference, labels, id, drift_share, predict)

    def retrain(
        self,
        data: Data | Sequence[Data],
        *,
        out: str | os.PathLike[str] | None = None,
        time_limit: float | None = None,
        judge: float = 0.25,
        time_column: str | None = None,
        plan: Literal["search", "same"] = "search",
        rule: Literal["better", "refresh"] = "better",
        gain: float | None = None,
        slices: str | Sequence[str] | None = None,
        slice_loss: float = 0.02,
        latency: float = 3.0,
        size: float = 5.0,
        seed: int = 0,
        progress: bool | None = None,
        callback: Callback | None = None,
    ) -> Retrained:
        """Fit a successor on new rows; it is accepted only if it passes every gate.

        Parameters
        ----------
        data : table or path, or a sequence of them
            Rows with answers: those to learn from and those to judge by.
        out : str or path, optional
            A folder for the new model and ``decision.json``; nothing is written without it.
        time_limit : float, optional
            Wall time in seconds; by default that of this model's run, or 60.
        judge : float, default 0.25
            The share of the rows, the most recent ones, that judges.
        time_column : str, optional
            The column with the time of each row; by default as in this model's run.
        plan : {"search", "same"}, default "search"
            Search again, or fit the heaviest member again.
        rule : {"better", "refresh"}, default "better"
            What the successor must prove: that it is better, or that it is not worse.
        gain : float, optional
            By how much, in the metric's unit.
        slices : str or sequence of str, optional
            Columns whose values must not suffer; the most important and the sensitive ones by
            default.
        slice_loss : float, default 0.02
            The share of its value that the metric may lose in a slice.
        latency, size : float, default 3, 5
            How many times longer predicting may take, and how many times larger the file may be.
        seed : int, default 0
            Seed of the search.
        progress, callback
            As for :func:`modelwright.fit`.

        Returns
        -------
        Retrained
        """
        from ._after import retrained, successor

        asked = successor(
            time_limit, judge, time_column, plan, rule, gain, slices, slice_loss, latency, size,
            seed, self._threads,
        )  # fmt: skip
        return retrained(self, data, out, asked, progress, callback)

    # What is known of it.

    @property
    def record(self) -> dict[str, Any]:
        """The complete account of the run: what ``record.json`` holds."""
        if self._record is None:
            self._record = json.loads(self._model.record())
        assert self._record is not None
        return self._record

    @property
    def manifest(self) -> dict[str, Any]:
        """What the artifact says of itself: versions, schema with ranges, metrics, hashes."""
        found: dict[str, Any] = json.loads(self._model.manifest())
        return found

    @property
    def metrics(self) -> dict[str, float | None]:
        """Metrics on rows that were held out, by name; the optimised one first."""
        return {m["name"]: m["value"] for m in self.manifest["metrics"]}

    def leaderboard(self) -> Any:
        """The trials of the search, best first.

        Returns
        -------
        table of the kind that was fitted
            Columns ``name``, ``learner``, ``score`` (the optimised metric, out of fold), ``low``
            and ``high`` (its 95 % interval), ``weight`` (its share in the model), ``rounds``,
            ``status``, ``fit_time_s``. A dict of lists where no data frame came in.
        """
        record = self.record
        weights = {m["trial"]: m["weight"] for m in record["ensemble"]["members"]}
        times = {t["name"]: t["seconds"] for t in record["clock"]["trials"]}
        sign = -1 if self._model.larger_is_better else 1
        trials = sorted(
            record["trials"],
            key=lambda t: (t["score"] is None, sign * t["score"] if t["score"] is not None else 0),
        )
        board: dict[str, list[Any]] = {
            "name": [t["trial"]["name"] for t in trials],
            "learner": [t["trial"]["learner"] for t in trials],
            "score": [t["score"] for t in trials],
            "low": [(t["ci95"] or {}).get("low") for t in trials],
            "high": [(t["ci95"] or {}).get("high") for t in trials],
            "weight": [weights.get(t["trial"]["name"], 0.0) for t in trials],
            "rounds": [max(t["rounds"], default=None) for t in trials],
            "status": [t["status"] for t in trials],
            "fit_time_s": [times.get(t["trial"]["name"]) for t in trials],
        }
        kind = self._origin.kind
        if kind in ("pandas", "polars"):
            return Origin(kind).table(board)
        return board

    def report(self) -> Report:
        """The report: shown in a notebook, saved with ``.save("report.html")``."""
        return Report(self._model)

    # Keeping it.

    def save(self, path: str | os.PathLike[str]) -> str:
        """Save the model.

        Parameters
        ----------
        path : str or path
            A name that ends in ``.mw`` for the artifact alone, else a folder for ``model.mw``,
            ``report.html`` and ``record.json``, as the command line's ``fit`` writes it.

        Returns
        -------
        str
            The path of the artifact.
        """
        return os.fspath(self._model.save(os.fspath(path)))

    def to_bytes(self) -> bytes:
        """The bytes of the ``model.mw``."""
        return self._model.to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Predictor:
        """A model of the bytes of a ``model.mw``."""
        return cls(Model.from_bytes(data))

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.to_bytes(), self._origin.kind, self._threads)

    def __repr__(self) -> str:
        found = self.metrics
        first = next((f", {n} {v:.4g}" for n, v in found.items() if v is not None), "")
        return f"Predictor({self.target!r}, {self.task}{first})"


def _again(data: bytes, kind: str, n_threads: int) -> Predictor:
    return Predictor(Model.from_bytes(data), Origin(kind), n_threads)


def _labels(classes: Sequence[str]) -> np.ndarray[Any, Any]:
    """The labels in the type that they had before they were text."""
    if set(classes) == {"true", "false"}:
        return np.array([c == "true" for c in classes])
    for of in (int, float):
        try:
            values = [of(c) for c in classes]
        except ValueError:
            continue
        if len(values) == 0:
            break
        if all(str(v) == c or of is float for v, c in zip(values, classes)):
            return np.array(values)
    return np.array(classes, dtype=object)


def _label_text(label: Any) -> str:
    """A label as the engine knows it."""
    if isinstance(label, (bool, np.bool_)):
        return "true" if label else "false"
    if isinstance(label, (float, np.floating)) and float(label).is_integer():
        return str(int(label))
    return str(label)


def _of_level(found: Sequence[Any], level: float | None) -> Any:
    if level is None:
        return found[0]
    for of_level in found:
        if abs(of_level[0] - level) < 1e-9:
            return of_level
    raise data_error(
        "the model has no intervals of this level",
        source="level",
        expected="one of " + ", ".join(str(f[0]) for f in found),
        got=str(level),
        hint=f"fit it with intervals={level}",
        cls=OptionError,
    )


def _name(data: Data) -> str:
    return os.path.basename(os.fspath(data)) if is_path(data) else "the table"


def _warn(warning: str | None) -> None:
    if warning is not None:
        warnings.warn(warning, ModelwrightWarning, stacklevel=3)
