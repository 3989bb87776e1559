"""Numbers, times, sizes and costs of methods, read before the engine sees them.

Text is read by the engine, as on the command line; what cannot be one is an :class:`OptionError`
that names the keyword.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from . import _modelwright
from ._errors import OptionError, data_error

_TIME = 'seconds above 0, or text such as "90s", "5m30s" or "1.5h"'
_LATENCY = 'a number with us or ms, such as "50us" or "2ms"'
_COST = '{"fp": 1, "fn": 5}, "fp=1,fn=5", or {"actual:predicted": 2.5}'


def refused(
    name: str, expected: str, value: Any, hint: str | None = None, what: str | None = None
) -> Exception:
    """The error for a value that a keyword cannot have; ``what`` says it in its own words."""
    return data_error(
        what or f"`{name}` cannot be this",
        source=name,
        expected=expected,
        got=repr(value)[:80],
        hint=hint,
        cls=OptionError,
    )


def whole(
    name: str, value: Any, low: int = 0, high: int = 2**63 - 1, what: str | None = None
) -> int:
    """A whole number."""
    try:
        found = operator.index(value)
    except TypeError:
        found = low - 1
    if isinstance(value, bool) or not low <= found <= high:
        raise refused(name, f"a whole number from {low}", value, what=what)
    return found


def number(
    name: str,
    value: Any,
    expected: str,
    low: float,
    high: float = math.inf,
    what: str | None = None,
) -> float:
    """A number from ``low`` to ``high``, but for infinity."""
    try:
        found = math.nan if isinstance(value, (str, bool)) else float(value)
    except (TypeError, ValueError):
        found = math.nan
    if not (low <= found <= high and math.isfinite(found)):
        raise refused(name, expected, value, what=what)
    return found


def rows_of(value: Any) -> list[int]:
    """Numbers of rows, from 0."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        hint = "one row: rows=[3]; the first three: rows=range(3)"
        raise refused("rows", "numbers of rows from 0", value, hint)
    return [whole("rows", row) for row in value]


def seconds(name: str, value: Any) -> float:
    """A time: a number of seconds, text with units, or a timedelta."""
    if isinstance(value, str):
        return _modelwright.quantity("time", name, value)
    if isinstance(value, timedelta):
        value = value.total_seconds()
    # The least that the text of a time can say.
    return number(name, value, _TIME, 1e-9, 366 * 86_400.0)


def microseconds(name: str, value: Any) -> float:
    """The time that one row may take: text with a unit, or a timedelta."""
    if isinstance(value, timedelta):
        return seconds(name, value) * 1e6
    if not isinstance(value, str):
        raise refused(name, _LATENCY, value)
    return _modelwright.quantity("latency", name, value)


def size(name: str, value: Any) -> int:
    """A number of bytes, with or without a unit."""
    if isinstance(value, str):
        return int(_modelwright.quantity("size", name, value))
    return whole(name, value, low=1)


def costs(value: Any) -> dict[str, float]:
    """What errors cost, as :func:`modelwright.fit` takes it: a dict, or its text."""
    if isinstance(value, str):
        return dict(_modelwright.costs_of(value))
    if not isinstance(value, Mapping) or not value:
        raise refused("cost", _COST, value)
    found = {}
    for name, cost in value.items():
        try:
            found[str(name)] = float(cost)
        except (TypeError, ValueError):
            raise refused("cost", _COST, {name: cost}) from None
        if not 0 <= found[str(name)] < math.inf:
            raise refused("cost", "costs from 0", {name: cost})
    return found
