"""Where runs are written down: in a store, and on an MLflow server."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import Any

from ._errors import ModelwrightWarning


def kept_in(
    store: str | os.PathLike[str] | bool | None, mlflow: str | None = None
) -> dict[str, Any]:
    """The places of a run, as the engine takes them; ``store`` is False for no store at all."""
    return {
        "is_recorded": store is not False,
        "store": None if store in (None, True, False) else os.fspath(store),  # type: ignore[arg-type]
        "mlflow": mlflow,
    }


def warn_of(texts: Sequence[str], stacklevel: int) -> None:
    """Pass on what went wrong in writing a run down."""
    for text in texts:
        warnings.warn(text, ModelwrightWarning, stacklevel=stacklevel + 1)
