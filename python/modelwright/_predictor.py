"""A fitted model."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from . import _modelwright
from ._audit import Audit
from ._data import Data, Origin, by_parts, is_row
from ._errors import ArtifactError, OptionError, data_error
from ._explaining import Explaining
from ._files import write
from ._matching import check_row
from ._modelwright import Model
from ._options import names
from ._packed import _name, _warn
from ._report import Report
from ._shapes import Shaped
from ._succeeding import Succeeding
from ._uncertain import Uncertain


class Predictor(Uncertain, Explaining, Shaped, Succeeding):
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

    Examples
    --------
    >>> import modelwright as mw
    >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
    >>> model = mw.train("linear", rows, "y")
    >>> model
    Predictor('y', binary, roc_auc 1)
    >>> model.task, model.columns, model.classes_.tolist()
    ('binary', ['x'], [False, True])
    """

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

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> model = mw.train("linear", rows, "y")
        >>> model.predict({"x": [0, 9]})
        array([False,  True])
        >>> model.predict({"x": 9})
        True
        """
        if is_row(data):
            check_row(data, self._texts)
            row, decided = self._model.one_row(dict(data))
            if self.task == "regression":
                return row[0]
            # Python's own type, whatever the labels are: text has no `item`.
            return self.classes_[decided : decided + 1].tolist()[0]
        self._check(data)
        if self.task == "regression":
            outputs, warning, origin = by_parts(data, self._outputs, self.columns)
            values = outputs[:, 0]
        else:
            codes, warning, origin = by_parts(data, self._decisions, self.columns)
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

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> model = mw.train("linear", rows, "y")
        >>> shares = model.predict_proba({"x": 9})
        >>> {label: round(share, 2) for label, share in shares.items()}
        {'False': 0.0, 'True': 1.0}
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
            check_row(data, self._texts)
            row, _ = self._model.one_row(dict(data))
            return dict(zip(labels, row))
        self._check(data)
        outputs, warning, origin = by_parts(data, self._outputs, self.columns)
        _warn(warning)
        if origin.kind in ("numpy", "path"):
            return outputs
        if origin.kind == "pandas":
            pandas = sys.modules["pandas"]
            return pandas.DataFrame(outputs, index=origin.index, columns=list(self.classes_))
        return origin.table({n: outputs[:, i] for i, n in enumerate(labels)})

    def raw_scores(self, data: Data) -> Any:
        """What the trees of boosters add up to, before it becomes a prediction.

        The logarithm of the odds or of a count, by the loss; before calibration. Of several
        boosters their mean by weight.

        Parameters
        ----------
        data : table or path
            As for :meth:`predict`.

        Returns
        -------
        array of shape (n_rows,) of the input's kind
            With three or more classes a table of shape (n_rows, n_classes).

        Raises
        ------
        DataError
            When a part of the model is no gradient booster.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> model = mw.train("gbdt", rows, "y", params={"n_rounds": 5})
        >>> no, yes = model.raw_scores({"x": [0, 9]})
        >>> bool(no < 0 < yes)
        True
        """
        outputs, columns, origin = self._answers(data, leaves=False)
        if len(columns) == 1:
            return origin.series(outputs[:, 0], "score")
        return origin.table({n: outputs[:, i] for i, n in enumerate(columns)})

    def leaves(self, data: Data) -> Any:
        """The leaf in which each row ends, for every tree of the model.

        Parameters
        ----------
        data : table or path
            As for :meth:`predict`.

        Returns
        -------
        numpy.ndarray of uint32 of shape (n_rows, n_trees)
            Leaves are numbered from 0 within their tree. Of several models one after the other.

        Raises
        ------
        DataError
            When a part of the model is not made of trees.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> model = mw.train("gbdt", rows, "y", params={"n_rounds": 5})
        >>> model.leaves({"x": [0, 9]}).tolist()
        [[0, 0, 0, 0, 0], [1, 1, 1, 1, 1]]
        """
        return self._answers(data, leaves=True)[0].astype("uint32")

    def _answers(self, data: Data, *, leaves: bool) -> tuple[Any, list[str], Origin]:
        native, origin = self._read(data)
        outputs, columns, warning = _modelwright.model_answers(
            self._model, native, leaves, self._threads
        )
        _warn(warning)
        return outputs, columns, origin

    def _run(self, seed: int) -> tuple[int, int]:
        return self._threads, int(seed)

    def _outputs(self, native: Any) -> Any:
        return self._model.outputs(native, self._threads)

    def _decisions(self, native: Any) -> Any:
        return self._model.decisions(native, self._threads)

    # How good it is.

    def evaluate(
        self,
        data: Data,
        *,
        permutations: int = 0,
        by: str | Sequence[str] | None = None,
        report: str | os.PathLike[str] | None = None,
        seed: int = 0,
    ) -> dict[str, Any]:
        """Measure the model on rows whose answers are known.

        Parameters
        ----------
        data : table or path
            Rows with the target column, on which the model was not trained.
        permutations : int, default 0
            Also deal the answers out to the rows at random so many times: how good a model is that
            knows nothing, and the chance of so good a result without knowledge (``"chance"``).
        by : str or sequence of str, optional
            Also measure each group of rows by the values of these columns, which need not be
            columns of the model; a quantity is cut at its quartiles (``"by"``).
        report : str or path, optional
            Also write a page with all that the report of the fit says of its untouched rows,
            about these rows: scores, calibration, thresholds, weak groups, sensitive groups,
            strains, importances, reasons. A file that is there is replaced.
        seed : int, default 0
            Seed of the resamples behind the intervals.

        Returns
        -------
        dict
            ``n_rows``, ``metrics`` (``{name: {"value": ..., "ci95": [low, high]}}``; of a metric that
            these rows do not measure the value is None, and ``note`` says why), the confusion
            matrix; the document of ``modelwright evaluate --json``. ``by``, where it was asked for,
            is a list with the groups of each column: ``group``, ``n_rows``, ``metric`` with its
            interval, and how often intervals or sets ``held`` the answer. ``warnings`` is there when
            the model seems to have learned from these rows: its scores are then too good.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(200)], "half": ["ab"[i % 2] for i in range(200)]}
        >>> rows["y"] = [int(x > 6) for x in rows["x"]]
        >>> model = mw.train("gbdt", rows, "y", params={"n_rounds": 10})
        >>> (halves,) = model.evaluate(rows, by="half")["by"]
        >>> [(group["group"], group["n_rows"]) for group in halves["groups"]]
        [('a', 100), ('b', 100)]
        """
        if isinstance(permutations, bool) or permutations != int(permutations) or permutations < 0:
            raise data_error(
                "answers cannot be dealt out so often",
                source="permutations",
                expected="a whole number from 0",
                got=repr(permutations),
                cls=OptionError,
            )
        native, _ = self._read(data)
        found: dict[str, Any] = json.loads(
            self._model.evaluate(native, _name(data), permutations, names(by), self._run(seed))
        )
        if report is not None:
            page = self._model.later_report(self._read(data)[0], _name(data), self._run(seed))
            write(report, page)
        return found

    def compare(
        self,
        other: Predictor,
        data: Data,
        *,
        rope: float | None = None,
        cost: Mapping[str, float] | None = None,
        seed: int = 0,
    ) -> dict[str, Any]:
        """Test whether this model or another is better on the same rows.

        Parameters
        ----------
        other : Predictor
            A model of the same target.
        data : table or path
            Rows with the target column, on which neither model was trained.
        rope : float, optional
            The difference up to which two models are equal for all practical purposes; 0.005 by
            default, or 1 % of the other's value where the metric has no upper end.
        cost : dict of str to float, optional
            What errors cost, as for :func:`fit`: compares what the decisions of both cost. By
            default the first model's own costs, where it has some.
        seed : int, default 0
            Seed of the resamples of the test.

        Returns
        -------
        dict
            ``verdict`` in words, ``significant``, and ``comparisons`` by metric, each with the
            difference, its 95 % interval, the p-value of a paired test, and whether it ``matters``.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> model = mw.train("linear", rows, "y")
        >>> guess = mw.train("baseline", rows, "y")
        >>> found = model.compare(guess, rows)
        >>> found["significant"], found["comparisons"][0]["difference"]
        (True, 0.5)
        """
        if not isinstance(other, Predictor):
            raise data_error(
                "only models can be compared",
                source="other",
                expected="a Predictor",
                got=repr(other)[:80],
                hint="a file's: mw.load(path)",
                cls=OptionError,
            )
        if rope is not None and not 0 <= rope < float("inf"):
            raise data_error(
                "a difference that is equal to none cannot be this",
                source="rope",
                expected="a number from 0",
                got=repr(rope),
                cls=OptionError,
            )
        costs = None if cost is None else {str(k): float(v) for k, v in cost.items()}
        tables = self._read(data)[0], self._read(data)[0]
        found: dict[str, Any] = json.loads(
            self._model.compare(other._model, *tables, (rope, costs), self._run(seed))
        )
        return found

    def audit(
        self,
        data: Data,
        sensitive: str | Sequence[str] | None = None,
        *,
        min_group: int = 30,
        seed: int = 0,
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
        seed : int, default 0
            Seed of the resamples behind the intervals.

        Returns
        -------
        Audit

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> model = mw.train("linear", rows, "y")
        >>> people = {**rows, "half": ["ab"[i % 2] for i in range(100)]}
        >>> list(model.audit(people, "half").verdicts)
        ['half']
        """
        native, _ = self._read(data)
        document, html = self._model.audit(native, names(sensitive), min_group, self._run(seed))
        return Audit(json.loads(document), html)

    # What is known of it.

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
            ``status``, ``fit_time_s``. Where no data frame came in, one of pandas or polars, by
            what is there; without both a dict of lists.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> model = mw.fit(rows, "y", learners=["linear", "knn"], preset="quick", time_limit=None)
        >>> sorted(model.leaderboard()["name"])
        ['baseline', 'knn', 'linear']
        """
        from ._explanation import as_table

        record = self.record
        weights = {m["trial"]: m["weight"] for m in record["ensemble"]["members"]}
        times = {t["name"]: t["seconds"] for t in record["clock"]["trials"]}
        sign = -1 if self._model.larger_is_better else 1
        trials = sorted(
            record["trials"],
            key=lambda t: (
                t["score"] is None,
                t.get("is_left_out", False),
                sign * t["score"] if t["score"] is not None else 0,
            ),
        )
        board: dict[str, list[Any]] = {
            "name": [t["trial"]["name"] for t in trials],
            "learner": [t["trial"]["learner"] for t in trials],
            "score": [t["score"] for t in trials],
            "low": [(t["ci95"] or {}).get("low") for t in trials],
            "high": [(t["ci95"] or {}).get("high") for t in trials],
            "weight": [weights.get(t["trial"]["name"], 0.0) for t in trials],
            "rounds": [max(t["rounds"], default=None) for t in trials],
            "status": ["left_out" if t.get("is_left_out") else t["status"] for t in trials],
            "fit_time_s": [times.get(t["trial"]["name"]) for t in trials],
        }
        return as_table(board, self._origin.kind)

    def report(self) -> Report:
        """The report: shown in a notebook, saved with ``.save("report.html")``.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> model = mw.train("linear", rows, "y")
        >>> print(model.report().markdown.splitlines()[0])
        # Predicting “y”
        """
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

        Examples
        --------
        >>> import tempfile
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> model = mw.train("linear", rows, "y")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = model.save(folder + "/demo.mw")
        ...     mw.load(path)
        Predictor('y', binary, roc_auc 1)
        """
        return os.fspath(self._model.save(os.fspath(path)))

    def to_bytes(self) -> bytes:
        """The bytes of the ``model.mw``.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> model = mw.train("linear", rows, "y")
        >>> mw.Predictor.from_bytes(model.to_bytes()).predict({"x": 9})
        True
        """
        return self._model.to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes, *, trust: bool = False) -> Predictor:
        """A model of the bytes of a ``model.mw``; ``trust`` as for :func:`load`.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> model = mw.train("linear", rows, "y")
        >>> again = mw.Predictor.from_bytes(model.to_bytes())
        >>> again.to_bytes() == model.to_bytes()
        True
        """
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise data_error(
                "this is no model",
                expected="the bytes of a model.mw",
                got=repr(data)[:80],
                hint="of a file: mw.load(path)",
                cls=ArtifactError,
            )
        return cls(Model.from_bytes(bytes(data), trust))

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.to_bytes(), self._origin.kind, self._threads)

    def __repr__(self) -> str:
        found = self.metrics
        first = next((f", {n} {v:.4g}" for n, v in found.items() if v is not None), "")
        return f"Predictor({self.target!r}, {self.task}{first})"


def _again(data: bytes, kind: str, n_threads: int) -> Predictor:
    # Who unpickles has trusted already.
    return Predictor(Model.from_bytes(data, True), Origin(kind), n_threads)
