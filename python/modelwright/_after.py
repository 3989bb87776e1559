"""A model after its fit: new rows beside the old ones, and its successor."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from . import _modelwright
from ._data import Data, is_path, library, read
from ._files import check_page, write
from ._modelwright import Model
from ._progress import Callback, Events
from ._recording import kept_in, warn_of
from ._report import framed

if TYPE_CHECKING:
    from ._packed import Packed
    from ._predictor import Predictor


class Monitoring:
    """What moved between the rows of training and new ones; shown in a notebook.

    Attributes
    ----------
    document : dict
        Everything, as ``modelwright monitor --json`` prints it.
    html, text : str
        A self-contained page, and the same for a terminal.

    Examples
    --------
    >>> import modelwright as mw
    >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
    >>> model = mw.train("linear", rows, "y")
    >>> found = model.monitor({"x": [i % 10 + 50 for i in range(100)]})
    >>> found.status, found.drifted
    ('alarm', ['x'])
    """

    def __init__(self, document: dict[str, Any], html: str, text: str):
        self.document = document
        self.html = html
        self.text = text

    @property
    def status(self) -> str:
        """``stable``, ``watch`` or ``alarm``."""
        return str(self.document["verdict"]["status"])

    @property
    def drifted(self) -> list[str]:
        """The columns that drifted."""
        return [c["column"] for c in self.document["columns"] if c["drifted"]]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the HTML page.

        Examples
        --------
        >>> import tempfile
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> model = mw.train("linear", rows, "y")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.monitor(rows).save(folder + "/drift.html")
        """
        check_page(path)
        write(path, self.html)

    def _repr_html_(self) -> str:
        return framed(self.html)

    def __repr__(self) -> str:
        return self.text


class Retrained:
    """A successor, and whether it may take over.

    Attributes
    ----------
    predictor : Predictor
        The new model.
    accepted : bool
        Whether it passed every gate.
    decision : dict
        The gates with their numbers, as ``decision.json`` holds them.

    Examples
    --------
    >>> import modelwright as mw
    >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
    >>> model = mw.train("linear", rows, "y")
    >>> new = {"x": [i % 7 + i / 1000 for i in range(400)], "y": [i % 7 > 4 for i in range(400)]}
    >>> found = model.retrain(new, plan="same", rule="refresh")
    >>> found.accepted, found.predictor.target
    (True, 'y')
    """

    def __init__(self, predictor: Predictor, decision: dict[str, Any]):
        self.predictor = predictor
        self.decision = decision

    @property
    def accepted(self) -> bool:
        return bool(self.decision["accepted"])

    def __repr__(self) -> str:
        verdict = "accepted" if self.accepted else "the old model stays"
        return f"Retrained({verdict}: {self.decision['summary']})"


def tables_in(data: Data | Sequence[Data]) -> list[Any]:
    """One table or several, as a list."""
    is_many = isinstance(data, (list, tuple)) and bool(data)
    if is_many and all(is_path(d) or library(d) in ("pandas", "polars", "pyarrow") for d in data):
        return list(data)
    return [data]


def monitoring(
    model: Model,
    data: Any,
    beside: tuple[Data | None, Data | None],
    asked: dict[str, Any],
) -> Monitoring:
    """See :meth:`Predictor.monitor`; ``beside`` are the reference and the labels."""
    reference, labels = (None if table is None else read(table)[0] for table in beside)
    (document, html, text), warned = _modelwright.model_monitor(
        model, [read(table)[0] for table in tables_in(data)], reference, labels, asked
    )
    warn_of(warned, stacklevel=4)
    return Monitoring(json.loads(document), html, text)


def retrained(
    predictor: Packed,
    model: Model,
    data: Any,
    places: tuple[str | os.PathLike[str] | None, str | os.PathLike[str] | bool | None, str | None],
    asked: dict[str, Any],
    progress: bool | None,
    callback: Callback | None,
) -> Retrained:
    """See :meth:`Predictor.retrain`; ``places`` are the folder, the store and the MLflow server."""
    from ._predictor import Predictor

    out, store, mlflow = places
    asked = {
        **asked,
        "kept": kept_in(store, mlflow),
        "out": None if out is None else os.fspath(out),
    }
    events = Events(progress, callback, asked["time_s"])
    natives = [read(table)[0] for table in tables_in(data)]
    with tempfile.TemporaryDirectory() as scratch:
        folder = os.path.join(scratch, "model") if out is None else os.fspath(out)
        try:
            new, decision = _modelwright.model_retrain(model, natives, folder, asked, events)
        finally:
            events.close(stacklevel=3)
        found = json.loads(decision)
        if out is not None:
            text = json.dumps(found, indent=2, ensure_ascii=False)
            write(os.path.join(folder, "decision.json"), text + "\n")
    return Retrained(Predictor(new, predictor._origin, predictor._threads), found)
