"""Constraints of estimators, in Python's values, as the engine's text.

``{"age": 1}``, ``[1, 0, -1]`` and ``[["age", "income"], ["hours"]]``: columns by name, or by number
as in an array.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ._errors import OptionError, data_error


def as_text(name: str, value: Any, columns: Sequence[str]) -> Any:
    """The text of ``monotone`` or ``interactions``; what is text or a number already stays."""
    if value is None:
        return ""
    if isinstance(value, (str, int, float, np.integer, np.floating)):
        return value
    if name == "monotone":
        return _directions(value, columns)
    groups = [_group(value, group, columns) for group in value]
    return "|".join(",".join(group) for group in groups)


def _directions(value: Any, columns: Sequence[str]) -> str:
    if isinstance(value, Mapping):
        pairs = [(_column("monotone", key, columns), way) for key, way in value.items()]
    else:
        ways = list(value)
        if len(ways) != len(columns):
            raise data_error(
                "`monotone` does not fit the columns",
                source="monotone",
                expected=f"{len(columns)} directions, one for each column, or a dict of some",
                got=f"{len(ways)} directions",
                cls=OptionError,
            )
        pairs = list(zip(columns, ways))
    wrong = [way for _, way in pairs if way not in (-1, 0, 1)]
    if wrong:
        raise data_error(
            "a direction cannot be read",
            source="monotone",
            expected="1 (never falls), -1 (never rises) or 0",
            got=repr(wrong[0]),
            cls=OptionError,
        )
    return ",".join(
        f"{_plain('monotone', column)}:{int(way):+d}" for column, way in pairs if way != 0
    )


def _group(value: Any, group: Any, columns: Sequence[str]) -> list[str]:
    if isinstance(group, str) or not hasattr(group, "__iter__"):
        raise data_error(
            "`interactions` are groups of columns",
            source="interactions",
            expected='a list of lists, such as [["age", "income"], ["hours"]]',
            got=repr(value)[:80],
            cls=OptionError,
        )
    return [_plain("interactions", _column("interactions", key, columns)) for key in group]


def _column(name: str, key: Any, columns: Sequence[str]) -> str:
    """The name of a column, which may be given by its number."""
    if str(key) in columns:
        return str(key)
    if isinstance(key, (int, np.integer)) and 0 <= key < len(columns):
        return columns[int(key)]
    raise data_error(
        f"`{name}` names a column that is not there",
        source=name,
        expected=f"a name, or a number from 0 to {len(columns) - 1}",
        got=repr(key)[:80],
        cls=OptionError,
    )


def _plain(name: str, column: str) -> str:
    """A column's name, which must be free of what parts the text."""
    if any(sign in column for sign in ",|"):
        raise data_error(
            f"`{name}` cannot name this column",
            source=name,
            column=column,
            expected="a name without `,` and `|`",
            hint="rename the column",
            cls=OptionError,
        )
    return column
