"""Models of Modelwright in MLflow.

A ``model.mw`` that was logged with ``modelwright fit ... --mlflow URI``, or is registered in a
store that ``modelwright ui`` serves, is a folder with an ``MLmodel`` there. MLflow loads it through
this module, so every tool that knows pyfunc models can use it::

    import mlflow
    model = mlflow.pyfunc.load_model("models:/churn@champion")
    model.predict(rows)

:func:`load_model` gives the whole :class:`~modelwright.Predictor`, with probabilities, intervals
and explanations. MLflow is needed for that alone.
"""

from __future__ import annotations

from typing import Any

from ._predictor import Predictor
from ._run import load

__all__ = ["load_model"]


def load_model(
    model_uri: str, dst_path: str | None = None, *, trust: bool = False
) -> Predictor:
    """Load a model of Modelwright from anywhere that MLflow can load from.

    Parameters
    ----------
    model_uri : str
        Such as ``models:/churn@champion``, ``models:/m-...`` or ``runs:/.../model``.
    dst_path : str, optional
        The folder to download to; a temporary one by default.
    trust : bool, default False
        As for :func:`modelwright.load`: whether learners of somebody's own may be unpickled.

    Returns
    -------
    Predictor
    """
    import os

    from mlflow.artifacts import download_artifacts

    folder = download_artifacts(artifact_uri=model_uri, dst_path=dst_path)
    return load(os.path.join(folder, "model.mw"), trust=trust)


class _Pyfunc:
    """What MLflow asks for predictions."""

    def __init__(self, predictor: Predictor):
        self._predictor = predictor

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        """Predict the label or the value of every row."""
        return self._predictor.predict(model_input)

    def get_raw_model(self) -> Predictor:
        """Return the whole predictor, as ``PyFuncModel.get_raw_model`` does."""
        return self._predictor


def _load_pyfunc(path: str) -> _Pyfunc:
    """Load the model at a path; called by MLflow."""
    return _Pyfunc(load(path))
