"""A fitted model."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from ._audit import Audit
from ._data import Data, Origin, read_once
from ._errors import ArtifactError, OptionError, data_error
from ._explaining import Explaining
from ._files import check_page, write
from ._labels import packed, unpacked
from ._modelwright import Model
from ._options import names
from ._packed import _name
from ._predicting import Predicting
from ._quantities import costs, number, whole
from ._recording import kept_in, warn_of
from ._report import Report
from ._shapes import Shaped
from ._succeeding import Succeeding
from ._uncertain import Uncertain


class Predictor(Predicting, Uncertain, Explaining, Shaped, Succeeding):
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

    def _run(self, seed: int) -> tuple[int, int]:
        return self._threads, whole("seed", seed)

    # How good it is.

    def evaluate(
        self,
        data: Data,
        *,
        permutations: int = 0,
        by: str | Sequence[str] | None = None,
        report: str | os.PathLike[str] | None = None,
        seed: int = 0,
        separator: str | None = None,
        no_header: bool = False,
        decimal: str | None = None,
        charset: str | None = None,
        store: str | os.PathLike[str] | bool | None = None,
        mlflow: str | None = None,
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
        separator, no_header, decimal, charset : optional
            What is known of a file of text, as in :func:`fit`; else it is read as the one that
            the model learned from.
        store : str, path or bool, optional
            The store that the run is recorded in, as in :func:`fit`; False for none.
        mlflow : str, optional
            An MLflow server that the run is logged to as well, e.g. ``"http://localhost:5000"``.

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
        often = "answers cannot be dealt out so often"
        permutations = whole("permutations", permutations, what=often)
        if report is not None:
            check_page(report)
        model = self._reading(data, separator, no_header, decimal, charset)
        data = read_once(data)
        native, _ = self._read(data)
        place = kept_in(store, mlflow)
        document, warned = model.evaluate(
            (native, _name(data), lambda: self._read(data)[0]),
            (permutations, names(by)),
            self._run(seed),
            place,
        )
        warn_of(warned, stacklevel=3)
        found: dict[str, Any] = json.loads(document)
        if report is not None:
            page = model.later_report(self._read(data)[0], _name(data), self._run(seed))
            write(report, page)
        return found

    def compare(
        self,
        other: Predictor,
        data: Data,
        *,
        rope: float | None = None,
        cost: Mapping[str, float] | str | None = None,
        seed: int = 0,
        separator: str | None = None,
        no_header: bool = False,
        decimal: str | None = None,
        charset: str | None = None,
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
        cost : dict of str to float, or str, optional
            What errors cost, as for :func:`fit`: compares what the decisions of both cost. By
            default the first model's own costs, where it has some.
        seed : int, default 0
            Seed of the resamples of the test.
        separator, no_header, decimal, charset : optional
            What is known of a file of text, as in :func:`fit`; else it is read as the one that
            the model learned from.

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
        if rope is not None:
            none = "a difference that is equal to none cannot be this"
            rope = number("rope", rope, "a number from 0", 0.0, what=none)
        weighed = (rope, None if cost is None else costs(cost))
        data = read_once(data)
        tables = self._read(data)[0], self._read(data)[0]
        model = self._reading(data, separator, no_header, decimal, charset)
        against = other._reading(data, separator, no_header, decimal, charset)
        found: dict[str, Any] = json.loads(
            model.compare(against, *tables, weighed, self._run(seed))
        )
        return found

    def audit(
        self,
        data: Data,
        sensitive: str | Sequence[str] | None = None,
        *,
        min_group: int = 30,
        seed: int = 0,
        separator: str | None = None,
        no_header: bool = False,
        decimal: str | None = None,
        charset: str | None = None,
        store: str | os.PathLike[str] | bool | None = None,
        mlflow: str | None = None,
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
        separator, no_header, decimal, charset : optional
            What is known of a file of text, as in :func:`fit`; else it is read as the one that
            the model learned from.
        store : str, path or bool, optional
            The store that the run is recorded in, as in :func:`fit`; False for none.
        mlflow : str, optional
            An MLflow server that the run is logged to as well, e.g. ``"http://localhost:5000"``.

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
        model = self._reading(data, separator, no_header, decimal, charset)
        data = read_once(data)
        native, origin = self._read(data)
        place = kept_in(store, mlflow)
        (document, html), warned = model.audit(
            (native, _name(data), lambda: self._read(data)[0]),
            (names(sensitive), whole("min_group", min_group)),
            self._run(seed),
            place,
        )
        warn_of(warned, stacklevel=3)
        return Audit(json.loads(document), html, origin.kind)

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
        labels = packed(self._origin.labels)
        return _again, (self.to_bytes(), self._origin.kind, self._threads, labels)

    def __repr__(self) -> str:
        found = self.metrics
        first = next((f", {n} {v:.4g}" for n, v in found.items() if v is not None), "")
        return f"Predictor({self.target!r}, {self.task}{first})"


def _again(data: bytes, kind: str, n_threads: int, labels: bytes | None = None) -> Predictor:
    # Who unpickles has trusted already.
    origin = Origin(kind, labels=unpacked(labels))
    return Predictor(Model.from_bytes(data, True), origin, n_threads)
