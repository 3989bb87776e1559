"""Keywords as the engine reads them: the flags of the command line, without dashes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any

from . import _modelwright
from ._errors import OptionError, data_error

#: What is called otherwise than on the command line.
PYTHON_NAMES = {"time": "time_limit", "param": "params"}

#: What Python itself takes care of.
OWN = ("test", "out")

Given = list[tuple[str, "str | None"]]


@lru_cache(maxsize=None)
def keywords(verb: str) -> tuple[dict[str, Any], ...]:
    """All that ``verb`` can be asked, as the engine declares it."""
    known = json.loads(_modelwright.keywords(verb))
    for keyword in known:
        keyword["python"] = PYTHON_NAMES.get(keyword["name"], keyword["name"])
    return tuple(known)


def given(verb: str, values: Mapping[str, Any]) -> Given:
    """What was asked in Python, by the engine's names, one text for each value."""
    pairs: Given = []
    if values.get("learner") is not None:
        pairs.append(("learner", _text(values["learner"])))
    for keyword in keywords(verb):
        value = values.get(keyword["python"])
        if keyword["python"] == "time_limit" and "time_limit" in values and value is None:
            if verb == "fit":
                pairs.append(("time", "none"))
            continue
        if value is None:
            continue
        pairs.extend((keyword["name"], text) for text in _texts(keyword, value))
    return pairs


def _texts(keyword: Mapping[str, Any], value: Any) -> Iterable[str | None]:
    takes, name, form = keyword["takes"], keyword["python"], keyword["value"]
    if takes == "switch":
        if not isinstance(value, bool) and str(type(value).__name__) != "bool_":
            raise _wrong(name, "True or False", value)
        return [None] if value else []
    if takes == "one_or_none" and isinstance(value, bool):
        return [None] if value else []
    if takes == "list":
        return _list(name, value)
    if takes == "repeated":
        return [_pair(form, k, _exact(_joined(v))) for k, v in _items(name, value)]
    if isinstance(value, Mapping):
        pairs = [_pair(form, k, v) for k, v in value.items()]
        return [",".join(pairs)] if pairs else []
    if isinstance(value, timedelta):
        return [repr(value.total_seconds())]
    if isinstance(value, bool):
        raise _wrong(name, form or "a value", value)
    if isinstance(value, (list, tuple)):
        # Groups of columns: "age,income|hours,age".
        return ["|".join(g if isinstance(g, str) else ",".join(map(str, g)) for g in value)]
    return [_text(value)]


def _list(name: str, value: Any) -> list[str | None]:
    if name == "intervals" and isinstance(value, bool):
        return [] if value else ["none"]
    if isinstance(value, str) or not isinstance(value, Iterable):
        return [_text(value)]
    texts: list[str | None] = [_text(v) for v in value]
    return texts or (["none"] if name == "intervals" else [])


def _joined(value: Any) -> Any:
    """Several numbers as one text: the quantiles of a booster."""
    is_several = isinstance(value, (list, tuple)) or getattr(value, "ndim", 0) == 1
    return ",".join(map(_text, value)) if is_several else value


def _exact(value: Any) -> Any:
    """A real number with its decimal point, which makes a share of it: 1.0 is all, 1 is one."""
    value = value.item() if hasattr(value, "item") else value
    return repr(value) if isinstance(value, float) else value


def _items(name: str, value: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        return value.items()
    raise _wrong(name, "a dict", value)


def _pair(form: str, key: Any, value: Any) -> str:
    """``COLUMN=KIND``, ``COLUMN:±1``: the sign between the two stands in the form."""
    sign = ":" if ":" in form.split("=")[0] else "="
    text = f"{value:+d}" if sign == ":" and isinstance(value, int) else _text(value)
    return f"{_text(key)}{sign}{text}"


def _text(value: Any) -> str:
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _wrong(name: str, expected: str, value: Any) -> OptionError:
    error = data_error(
        f"`{name}` cannot be read",
        source=name,
        expected=expected,
        got=repr(value)[:80],
        cls=OptionError,
    )
    assert isinstance(error, OptionError)
    return error


def names(columns: str | Sequence[str] | None) -> list[str]:
    """One name or several as a list."""
    if columns is None:
        return []
    return [columns] if isinstance(columns, str) else list(columns)
