"""Looking at a table before anything is fitted."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping
from typing import Any

from . import _modelwright
from ._data import Data, read, said_of
from ._errors import ModelwrightWarning
from ._files import check_page, write
from ._options import given
from ._progress import Events
from ._quantities import size, whole
from ._report import framed


class Profile:
    """What a table looks like: kinds, statistics, alerts, suspected leaks.

    Attributes
    ----------
    document : dict
        Everything, as ``modelwright profile --json`` prints it.
    html : str
        One self-contained page.

    Examples
    --------
    >>> import modelwright as mw
    >>> found = mw.profile({"age": [22, 38, 26, 35], "port": ["S", "C", "S", "S"]})
    >>> found.columns["age"]["kind"]["kind"], found.leakage
    ('number', [])
    """

    def __init__(self, document: dict[str, Any], html: str, text: str):
        self.document = document
        self.html = html
        self._text = text

    @property
    def columns(self) -> dict[str, dict[str, Any]]:
        """The columns by name, each with kind and statistics."""
        return {c["name"]: c for c in self.document["profile"]["columns"]}

    @property
    def alerts(self) -> list[dict[str, Any]]:
        """What should be looked at."""
        found: list[dict[str, Any]] = self.document["profile"]["alerts"]
        return found

    @property
    def leakage(self) -> list[dict[str, Any]]:
        """Columns that may know the target; only with ``target``."""
        found: list[dict[str, Any]] = self.document["leakage"]
        return found

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the HTML page.

        Examples
        --------
        >>> import tempfile
        >>> import modelwright as mw
        >>> found = mw.profile({"age": [22, 38, 26, 35], "port": ["S", "C", "S", "S"]})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     found.save(folder + "/profile.html")
        """
        check_page(path)
        write(path, self.html)

    def _repr_html_(self) -> str:
        return framed(self.html)

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        source = self.document["source"]
        return f"Profile({source['n_rows']} rows, {source['n_columns']} columns)"


def profile(
    data: Data,
    *,
    target: str | None = None,
    kind: Mapping[str, str] | None = None,
    seed: int = 0,
    separator: str | None = None,
    no_header: bool = False,
    decimal: str | None = None,
    charset: str | None = None,
    threads: int | None = None,
    memory: int | str | None = None,
) -> Profile:
    """Look at a table.

    Parameters
    ----------
    data : table or path
        A pandas, polars or pyarrow table, a NumPy array, a dict of columns, a list of dicts,
        anything with ``__arrow_c_stream__``, or a file.
    target : str, optional
        The column to predict, to look for leaks of it.
    kind : dict, optional
        What columns mean, e.g. ``{"zip": "category"}``.
    seed : int, default 0
        Seed of what is drawn to look for leaks.
    separator, no_header, decimal, charset : optional
        What is known of a file of text, as in :func:`fit`.
    threads : int, optional
        Worker threads, all processors by default; the result does not depend on them.
    memory : int or str, optional
        Memory that may be used, in bytes or as "4GiB"; of a larger file a sample is looked at. By
        default what is free.

    Returns
    -------
    Profile

    Examples
    --------
    >>> import modelwright as mw
    >>> found = mw.profile({"age": [22, 38, 26, 35], "port": ["S", "C", "S", "S"]})
    >>> found
    Profile(4 rows, 2 columns)
    >>> sorted(found.columns)
    ['age', 'port']
    """
    native, origin = read(data, wanted=[] if target is None else [target])
    for text in said_of(origin.left_out):
        warnings.warn(text, ModelwrightWarning, stacklevel=2)
    kinds = {**origin.kinds, **(kind or {})}
    events = Events(False, None, None)
    said = {"separator": separator, "no_header": no_header, "decimal": decimal, "charset": charset}
    limits = {
        "seed": whole("seed", seed),
        "threads": 0 if threads is None else whole("threads", threads, low=1),
        "memory_bytes": None if memory is None else size("memory", memory),
    }
    document, html, text = _modelwright.profile(
        native, target, list(kinds.items()), limits, given("fit", said), events
    )
    events.close(stacklevel=2)
    return Profile(json.loads(document), html, text)
