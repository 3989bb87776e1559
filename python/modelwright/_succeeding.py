"""What follows a model: smaller ones, other forms, later rows, successors."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Sequence
from datetime import timedelta
from math import inf
from typing import TYPE_CHECKING, Any, Literal

from . import _modelwright
from ._data import Data
from ._errors import ModelwrightWarning, OptionError, data_error, in_python
from ._files import write
from ._options import names
from ._packed import Packed
from ._progress import Callback, Events
from ._quantities import microseconds, number, seconds, size as bytes_in, whole
from ._recording import kept_in

if TYPE_CHECKING:
    from ._after import Monitoring, Retrained
    from ._predictor import Predictor


class Succeeding(Packed):
    """The side of a model that goes on in time."""

    def offers(self) -> Any:
        """The smaller and faster models that the fit offers; see :meth:`pick`.

        Returns
        -------
        table of the kind that was fitted
            Columns ``offer`` (its number), ``members``, ``score`` (out of fold), ``more_error``
            (against the delivered model), ``tied`` (whether a test cannot tell it from that),
            ``held_out``, ``size_bytes`` and ``latency_us``: the time to predict one row here.
            Where no data frame came in as :meth:`leaderboard`.

        Raises
        ------
        OptionError
            When the model was not found by a search.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> model = mw.fit(rows, "y", learners=["linear", "knn"], preset="quick", time_limit=None)
        >>> model.offers()["members"][0]
        'linear'
        """
        from ._explanation import as_table

        all_offers = json.loads(_modelwright.model_offers(self._model, self._threads))["offers"]
        found = [o for o in all_offers if not o["one_model_each"]]
        board = {
            "offer": [o["offer"] for o in found],
            "members": [" + ".join(m["trial"] for m in o["members"]) for o in found],
            "score": [o["score"] for o in found],
            "more_error": [o["more_error"] for o in found],
            "tied": [o["tied"] for o in found],
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
        fastest_tied: bool = False,
        smallest_within: float | None = None,
        max_latency: str | timedelta | None = None,
        max_size: int | str | None = None,
        max_latency_us: float | None = None,
        max_size_bytes: int | None = None,
        max_feature_cost: float | None = None,
        one_model_each: bool = False,
    ) -> Predictor:
        """Take one of the :meth:`offers` as a model of its own.

        Parameters
        ----------
        offer : int, optional
            Its number.
        fastest_within, smallest_within : float, optional
            The fastest, or the smallest, with at most this share more error, e.g. 0.005.
        fastest_tied : bool, default False
            The fastest of those that a test cannot tell from the delivered model.
        max_latency : str or timedelta, optional
            The best that predicts a row in such a time here: ``"50us"``, ``"2ms"``.
        max_size : int or str, optional
            The best that is not larger, in bytes or with a unit: ``"2MB"``.
        max_latency_us, max_size_bytes : float, int, optional
            The same as numbers of microseconds and of bytes.
        max_feature_cost : float, optional
            The best whose columns cost no more, as ``feature_cost`` of the fit named costs.
        one_model_each : bool, default False
            With ``offer``: one model of each member instead of the mean of several.

        Returns
        -------
        Predictor

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> model = mw.fit(rows, "y", learners=["linear", "knn"], preset="quick", time_limit=None)
        >>> model.pick(fastest_within=0.05)
        Predictor('y', binary, roc_auc 1)
        """
        from ._predictor import Predictor

        if max_latency is not None:
            _only_one("max_latency", max_latency_us)
            max_latency_us = microseconds("max_latency", max_latency)
        if max_size is not None:
            _only_one("max_size", max_size_bytes)
            max_size_bytes = bytes_in("max_size", max_size)
        wish = {
            "offer": offer,
            "fastest_within": fastest_within,
            "fastest_tied": fastest_tied,
            "smallest_within": smallest_within,
            "max_latency_us": max_latency_us,
            "max_size_bytes": max_size_bytes,
            "max_feature_cost": max_feature_cost,
            "one_model_each": one_model_each,
        }
        picked = _modelwright.model_pick(self._model, wish, self._threads)
        return Predictor(picked, self._origin, self._threads)

    def export(
        self,
        path: str | os.PathLike[str],
        format: Literal["onnx", "lightgbm", "xgboost-json", "xgboost-ubj"] = "onnx",
        *,
        member: int | tuple[int, int] | None = None,
    ) -> dict[str, Any]:
        """Write the model as an ONNX file, or one of its boosters as one of LightGBM or XGBoost.

        Parameters
        ----------
        path : str or path
            The file; one that is there is replaced.
        format : {"onnx", "lightgbm", "xgboost-json", "xgboost-ubj"}, default "onnx"
            Its form. ``onnx`` holds the whole model, raw columns in; the others hold one booster.
        member : int or (int, int), optional
            The member of an ensemble, from 1, and which of its averaged models; not of ``onnx``.

        Returns
        -------
        dict
            Of ``onnx``: ``inputs`` and ``outputs``. Of the others: ``features`` in the file's order
            (``name``, raw ``column``) and ``n_trees``. Of all: ``classes`` and ``notes``: what the
            form cannot express, which is also warned of.

        Raises
        ------
        OptionError
            When the model has a part that the form does not know.

        Examples
        --------
        >>> import tempfile
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> model = mw.train("linear", rows, "y")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     found = model.export(folder + "/demo.onnx")
        >>> [part["name"] for part in found["inputs"]], found["outputs"][0]
        (['x'], 'prediction')
        """
        if format == "onnx":
            if member is not None:
                raise data_error(
                    "this is for formats that hold one booster",
                    source="member",
                    hint="an ONNX file holds the whole model and reads the raw columns",
                    cls=OptionError,
                )
            stem = os.path.splitext(os.path.basename(os.fspath(path)))[0]
            data, about = _modelwright.model_export_onnx(self._model, stem)
        else:
            which = (member, None) if isinstance(member, int) else member
            data, about = _modelwright.model_export(self._model, format, which)
        write(path, data)
        found: dict[str, Any] = json.loads(about)
        for note in found["notes"]:
            warnings.warn(in_python(note), ModelwrightWarning, stacklevel=2)
        return found

    def features(
        self,
        data: Data,
        *,
        member: int | tuple[int, int] | None = None,
        separator: str | None = None,
        no_header: bool = False,
        decimal: str | None = None,
        charset: str | None = None,
    ) -> Any:
        """Make the features that a booster of the model reads: what its exported file wants.

        Parameters
        ----------
        data : table or path
            Rows with the model's columns.
        member : int or (int, int), optional
            As for :meth:`export`.
        separator, no_header, decimal, charset : optional
            What is known of a file of text, as in :func:`fit`; else it is read as the one that
            the model learned from.

        Returns
        -------
        table of shape (n_rows, n_features) of the input's kind
            Numbers, in the order of the exported file.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> model = mw.train("gbdt", rows, "y", params={"n_rounds": 5})
        >>> model.features({"x": [0, 9]})["x"].tolist()
        [0.0, 9.0]
        """
        model = self._reading(data, separator, no_header, decimal, charset)
        native, origin = self._read(data)
        which = (member, None) if isinstance(member, int) else member
        found = _modelwright.model_features(model, native, which, self._threads)
        return origin.table(dict(found))

    def learning_curve(
        self,
        data: Data,
        *,
        seed: int = 0,
        separator: str | None = None,
        no_header: bool = False,
        decimal: str | None = None,
        charset: str | None = None,
        progress: bool | None = None,
        callback: Callback | None = None,
    ) -> dict[str, Any]:
        """Find out whether more rows would make the model better.

        Its first member learns again from parts of the rows, each judged on rows that no fit saw.

        Parameters
        ----------
        data : table or path
            Rows with the target column, such as those that the model was trained on.
        seed : int, default 0
            Which rows are held out.
        separator, no_header, decimal, charset : optional
            What is known of a file of text, as in :func:`fit`; else it is read as the one that
            the model learned from.
        progress, callback
            As for :func:`fit`.

        Returns
        -------
        dict
            The document of ``modelwright learning-curve --json``: ``words``, ``points`` (``n_rows``,
            ``score``, ``ci95``), ``last_gain``, ``next_gain``.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(600)], "y": [i % 10 + i % 3 for i in range(600)]}
        >>> found = mw.train("linear", rows, "y").learning_curve(rows)
        >>> len(found["points"]) > 2
        True
        """
        model = self._reading(data, separator, no_header, decimal, charset)
        seed = whole("seed", seed)
        events = Events(progress, callback, None)
        try:
            found: dict[str, Any] = json.loads(
                _modelwright.learning_curve(
                    model, self._read(data)[0], seed, self._threads, events
                )
            )
        finally:
            events.close(stacklevel=2)
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
        multivariate: bool = True,
        season: str = "none",
        time_column: str | None = None,
        by: str | Sequence[str] | None = None,
        history: str | os.PathLike[str] | None = None,
        separator: str | None = None,
        no_header: bool = False,
        decimal: str | None = None,
        charset: str | None = None,
        store: str | os.PathLike[str] | bool | None = None,
        mlflow: str | None = None,
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
        multivariate : bool, default True
            Whether all columns are looked at together, beside ``reference``; of a small table it
            takes most of the time.
        season : {"none", "auto", "hour", "weekday", "month"}, default "none"
            Compare rows with those rows of ``reference`` that are of the same season (UTC).
        time_column : str, optional
            The column with the time of each row; by default that of the model's run, or its only
            dates.
        by : str or sequence of str, optional
            Columns whose groups are looked at where answers are known; those that the fit was told
            are sensitive are looked at anyway.
        history : path, optional
            A file that remembers a few means of each batch (no rows) and is made where there is
            none: small shifts that stay over the batches in it are called, too.
        separator, no_header, decimal, charset : optional
            What is known of a file of text, as in :func:`fit`; else it is read as the one that
            the model learned from; so are files of ``reference`` and ``labels``.
        store : str, path or bool, optional
            The store that the run is recorded in, as in :func:`fit`; False for none.
        mlflow : str, optional
            An MLflow server that the run is logged to as well, e.g. ``"http://localhost:5000"``.

        Returns
        -------
        Monitoring
            Shown in a notebook; ``.status``, ``.drifted``, ``.document``.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> model = mw.train("linear", rows, "y")
        >>> model.monitor(rows).status
        'stable'
        >>> model.monitor({"x": [i % 10 + 50 for i in range(100)]}).drifted
        ['x']
        """
        from ._after import monitoring, tables_in

        files = [*tables_in(data), reference, labels]
        model = self._reading(files, separator, no_header, decimal, charset)
        asked = {
            "id": id,
            "drift_share": number("drift_share", drift_share, "a share from 0 to 1", 0.0, 1.0),
            "predict": bool(predict),
            "multivariate": bool(multivariate),
            "threads": self._threads,
            "season": season,
            "time_column": time_column,
            "by": names(by),
            "history": None if history is None else os.fspath(history),
            "kept": kept_in(store, mlflow),
        }
        return monitoring(model, data, (reference, labels), asked)

    def retrain(
        self,
        data: Data | Sequence[Data],
        *,
        out: str | os.PathLike[str] | None = None,
        time_limit: float | str | timedelta | None = None,
        judge: float = 0.25,
        time_column: str | None = None,
        plan: Literal["search", "same", "continue", "auto"] = "search",
        rule: Literal["better", "refresh"] = "better",
        gain: float | None = None,
        slices: str | Sequence[str] | None = None,
        slice_loss: float = 0.02,
        latency: float = 3.0,
        size: float = 5.0,
        seed: int = 0,
        separator: str | None = None,
        no_header: bool = False,
        decimal: str | None = None,
        charset: str | None = None,
        store: str | os.PathLike[str] | bool | None = None,
        mlflow: str | None = None,
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
        time_limit : float, str or timedelta, optional
            Wall time: seconds, or text such as ``"90s"`` and ``"5m"``; by default that of this
            model's run, or 60 seconds.
        judge : float, default 0.25
            The share of the rows, the most recent ones, that judges.
        time_column : str, optional
            The column with the time of each row; by default as in this model's run.
        plan : {"search", "same", "continue", "auto"}, default "search"
            Search again, fit this model's members again, let its boosters learn on for some
            rounds, or search and let them learn on beside it: then the better one is judged.
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
        separator, no_header, decimal, charset : optional
            What is known of a file of text, as in :func:`fit`; else it is read as the one that
            the model learned from.
        store, mlflow, progress, callback
            As for :func:`modelwright.fit`.

        Returns
        -------
        Retrained

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> model = mw.train("linear", rows, "y")
        >>> new = {"x": [i % 7 + i / 1000 for i in range(400)], "y": [i % 7 > 4 for i in range(400)]}
        >>> model.retrain(new, plan="same", rule="refresh").accepted
        True
        """
        from ._after import retrained, tables_in

        model = self._reading(tables_in(data), separator, no_header, decimal, charset)
        asked = {
            "time_s": None if time_limit is None else seconds("time_limit", time_limit),
            "judge": number("judge", judge, "a share between 0 and 1", 0.0, 1.0),
            "time_column": time_column,
            "plan": plan,
            "refresh": rule == "refresh",
            "gain": None if gain is None else number("gain", gain, "a number", -inf),
            "slices": names(slices),
            "slice_loss": number("slice_loss", slice_loss, "a share from 0 to 1", 0.0, 1.0),
            "latency": number("latency", latency, "a number above 0, such as 2", 0.01, 1e6),
            "size": number("size", size, "a number above 0, such as 2", 0.01, 1e6),
            "seed": whole("seed", seed),
            "threads": self._threads,
        }
        return retrained(self, model, data, (out, store, mlflow), asked, progress, callback)


def _only_one(name: str, other: Any) -> None:
    if other is not None:
        raise data_error(
            "a limit is given twice",
            source=name,
            expected="it, or the one in plain numbers",
            got="both",
            cls=OptionError,
        )
