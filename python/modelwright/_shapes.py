"""The functions that an explainable model adds up: shown, written, and changed by a person."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from . import _modelwright
from ._data import Data, is_path
from ._errors import DataError, OptionError, data_error
from ._files import write
from ._packed import Packed, _name
from ._quantities import whole

if TYPE_CHECKING:
    from ._predictor import Predictor


class Shaped(Packed):
    """The side of a model that is a sum of functions."""

    def shapes(self, path: str | os.PathLike[str] | None = None) -> dict[str, Any]:
        """The functions of an explainable model: what it adds for which values.

        Parameters
        ----------
        path : str or path, optional
            A file to write them to: JSON, or CSV with a row for each number when its name ends so.

        Returns
        -------
        dict
            ``scale`` (``value``, ``log_odds`` or ``log_probability``), ``outputs``, ``intercepts``,
            and ``terms``, largest first: each with ``columns``, ``features``, ``importance``, and
            ``bins`` (``above``, ``up_to``, ``levels`` or ``missing``, and what they ``add`` for
            each output) or, of a pair of columns, ``sides`` and a ``table``. Change what is added
            and give it to :meth:`edit`.

        Raises
        ------
        OptionError
            When the model is not one explainable boosting machine.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(200)], "y": [float(i % 10 > 6) * 5 for i in range(200)]}
        >>> model = mw.train("ebm", rows, "y", params={"max_rounds": 50}, time_limit=None)
        >>> model.shapes()["terms"][0]["columns"]
        ['x']
        """
        text = _modelwright.model_shapes(self._model, False)
        if path is not None:
            is_csv = os.fspath(path).lower().endswith(".csv")
            written = _modelwright.model_shapes(self._model, True) if is_csv else text
            write(path, written)
        found: dict[str, Any] = json.loads(text)
        return found

    def edit(
        self,
        shapes: dict[str, Any] | str | os.PathLike[str],
        data: Data,
        *,
        by: str,
        why: str | None = None,
        seed: int = 0,
    ) -> Predictor:
        """The model with other functions, changed by a person and measured.

        Parameters
        ----------
        shapes : dict or path
            What :meth:`shapes` returned or wrote as JSON, with changed numbers. Bins stay as they
            are.
        data : table or path
            Rows with the target column, on which the model is measured before and after.
        by : str
            Who changes the model.
        why : str, optional
            The reason.
        seed : int, default 0
            Seed of the resamples behind the intervals.

        Returns
        -------
        Predictor
            A model of its own, with the same calibration and decisions. ``record["edits"]`` says
            who changed what, and its metrics ``before`` and ``after``.

        Raises
        ------
        DataError
            When the functions are of another model, lack something, or change nothing.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> model = mw.train("ebm", rows, "y", params={"max_rounds": 50})
        >>> shapes = model.shapes()
        >>> shapes["terms"][0]["bins"][0]["add"][0] -= 1.0
        >>> edited = model.edit(shapes, rows, by="A. Person", why="too certain")
        >>> edited.record["edits"][0]["author"]
        'A. Person'
        """
        from ._predictor import Predictor

        native, _ = self._read(data)
        text = _text_of(shapes)
        model = _modelwright.model_edit(
            self._model, text, native, _name(data), (str(by), why), (self._threads, whole("seed", seed))
        )
        return Predictor(model, self._origin, self._threads)


def _text_of(shapes: Any) -> str:
    if is_path(shapes):
        try:
            with open(shapes, encoding="utf-8") as file:
                return file.read()
        except (OSError, UnicodeDecodeError) as cause:
            raise data_error(
                "the functions cannot be read",
                source=os.fspath(shapes),
                expected="a file of JSON that `shapes` wrote",
                got=str(cause),
                cls=DataError,
            ) from cause
    if not isinstance(shapes, dict):
        raise data_error(
            "these are no functions of a model",
            source="shapes",
            expected="what `shapes()` returned, or a file of it",
            got=repr(shapes)[:80],
            cls=OptionError,
        )
    try:
        return json.dumps(shapes)
    except (TypeError, ValueError) as cause:
        raise data_error(
            "the functions cannot be written as JSON",
            source="shapes",
            expected="numbers, as in what `shapes()` returned",
            got=str(cause),
            cls=OptionError,
        ) from cause
