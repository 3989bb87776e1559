"""What every side of a fitted model stands on: the model, its labels, its account."""

from __future__ import annotations

import json
import os
import warnings
from functools import cached_property
from typing import Any

import numpy as np

from ._data import Data, Origin, is_path, library, read, read_once
from ._errors import ModelwrightWarning, OptionError, data_error
from ._few_rows import few_rows
from ._labels import Labels, plain_labels
from ._matching import Known, check_kinds, check_named, check_width, known_of, width_of, widths_of
from ._modelwright import Model
from ._options import given


class Packed:
    """A model and where its rows came from."""

    def __init__(self, model: Model, origin: Origin | None = None, n_threads: int = 0):
        self._model = model
        self._origin = origin or Origin("path")
        self._threads = n_threads
        self.task: str = model.task
        self.target: str = model.target
        self.metric: str = model.metric
        self.columns: list[str] = model.columns
        self._record: dict[str, Any] | None = None
        #: The classes as pandas' columns, once they were asked for.
        self._class_index: Any = None
        labels = self._origin.labels
        if labels is None or list(labels.texts) != model.classes:
            labels = Labels(tuple(model.classes), plain_labels(model.classes))
        self._labels: Labels = labels
        self.classes_: np.ndarray[Any, Any] = labels.plain

    @cached_property
    def _known(self) -> Known:
        return known_of(json.loads(self._model.manifest())["schema"])

    @cached_property
    def _widths(self) -> tuple[int, ...]:
        return widths_of(self.record)

    def _checked(self, data: Data) -> Data:
        """The rows as :func:`read` takes them; refuses what cannot be of the model's table."""
        if is_path(data):
            return data
        if library(data) == "polars":
            # Of a lazy frame nothing is known before its rows are there.
            data = read_once(data)
        few = few_rows(data)
        if few is not None:
            data = few
        width = width_of(data)
        if width is not None:
            check_named(width, self.columns)
            check_width(width, self._widths)
        check_kinds(data, self._known)
        return data

    def _read(self, data: Data) -> tuple[Any, Origin]:
        return read(self._checked(data), wanted=self.columns)

    def _reading(
        self,
        data: Any,
        separator: str | None,
        no_header: bool,
        decimal: str | None,
        charset: str | None,
    ) -> Model:
        """The model as it reads a file of text of which something is said; of several tables, those
        that are files."""
        said = {
            "separator": separator,
            "no_header": no_header or None,
            "decimal": decimal,
            "charset": charset,
        }
        known = {name: value for name, value in said.items() if value is not None}
        if not known:
            return self._model
        tables = data if isinstance(data, list) else [data]
        if not any(map(is_path, tables)):
            raise data_error(
                "a table in memory is no text to be read",
                source=next(iter(known)),
                expected="the path of a file of text",
                got=type(tables[0]).__name__,
                cls=OptionError,
            )
        return self._model.with_text(given("fit", known))

    @property
    def record(self) -> dict[str, Any]:
        """The complete account of the run: what ``record.json`` holds."""
        if self._record is None:
            self._record = json.loads(self._model.record())
        assert self._record is not None
        return self._record


def _name(data: Data) -> str:
    return os.path.basename(os.fspath(data)) if is_path(data) else "the table"


def _warn(warning: str | None) -> None:
    if warning is not None:
        warnings.warn(warning, ModelwrightWarning, stacklevel=3)
