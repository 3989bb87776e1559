"""Numbers, times, sizes and costs of methods, read before the engine sees them.

As `modelwright_core::quantity` reads them from the command line; what cannot be one is an
:class:`OptionError` that names the keyword.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from ._errors import OptionError, data_error

_SECONDS = {
    "": 1.0, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0,
    "h": 3600.0, "hour": 3600.0, "hours": 3600.0, "d": 86_400.0,
}  # fmt: skip

_BYTES = {
    "": 1.0, "b": 1.0, "bytes": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
    **{unit: 1024.0 ** (i + 1) for i, unit in enumerate("kmgt")},
    **{f"{unit}ib": 1024.0 ** (i + 1) for i, unit in enumerate("kmgt")},
}  # fmt: skip

_PART = re.compile(r"\s*([0-9.]+)\s*([^\W\d_]*)\s*")

_TIME = 'seconds above 0, or text such as "90s", "5m30s" or "1.5h"'
_LATENCY = 'a number with us or ms, such as "50us" or "2ms"'
_SIZE = 'a number of bytes, or one with kB, MB, KiB or MiB, such as "500kB"'
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
    if isinstance(value, timedelta):
        found: float | None = value.total_seconds()
    elif isinstance(value, str):
        found = _sum(value, _SECONDS)
    else:
        found = number(name, value, _TIME, 0.0)
    if found is None or not 0 < found <= 366 * 86_400.0:
        raise refused(name, _TIME, value)
    return found


def microseconds(name: str, value: Any) -> float:
    """The time that one row may take: text with a unit, or a timedelta."""
    if isinstance(value, timedelta):
        return seconds(name, value) * 1e6
    found = _sum(value, _SECONDS) if isinstance(value, str) and value.endswith("s") else None
    if not found:
        raise refused(name, _LATENCY, value)
    return found * 1e6


def size(name: str, value: Any) -> int:
    """A number of bytes, with or without a unit."""
    if not isinstance(value, str):
        return whole(name, value, low=1)
    found = _sum(value.lower(), _BYTES)
    if found is None or not 1 <= found <= 1e18:
        raise refused(name, _SIZE, value)
    return int(found)


def costs(value: Any) -> dict[str, float]:
    """What errors cost, as :func:`modelwright.fit` takes it: a dict, or its text."""
    if isinstance(value, str):
        pairs = [part.rpartition("=") for part in _errors_of(value)]
        value = {name.strip(): cost.strip() for name, _, cost in pairs}
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


def _errors_of(text: str) -> list[str]:
    """The parts of a text of costs: a comma may belong to a label."""
    parts: list[str] = []
    is_open = False
    for piece in text.split(","):
        parts = [*parts[:-1], f"{parts[-1]},{piece}"] if is_open else [*parts, piece]
        is_open = "=" not in piece
    return parts


def _sum(text: str, units: Mapping[str, float]) -> float | None:
    """Numbers with units, from the largest unit to the smallest."""
    found, last, at = 0.0, math.inf, 0
    while at < len(text):
        part = _PART.match(text, at)
        scale = None if part is None else units.get(part[2])
        if part is None or scale is None or scale >= last:
            return None
        if not part[2] and (at > 0 or part.end() < len(text)):
            # A plain number stands alone.
            return None
        try:
            found += float(part[1]) * scale
        except ValueError:
            return None
        last, at = scale, part.end()
    return found or None
