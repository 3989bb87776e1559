"""Shapley values of a LightGBM model by LightGBM itself and by the `shap` package."""

import numpy as np

from . import tables
from .process import Cost


def _booster(job):
    import lightgbm

    return lightgbm.Booster(model_file=job["file"])


def _lightgbm(job):
    """LightGBM's own; the last column is the mean."""
    booster = _booster(job)
    return lambda x: booster.predict(x, pred_contrib=True, num_threads=job["threads"])[:, :-1]


def _shap(job):
    """The C code of the package, which knows one thread."""
    import shap

    explainer = shap.TreeExplainer(_booster(job), feature_perturbation="tree_path_dependent")
    # For a booster of LightGBM the package calls LightGBM; as an internal model it works itself.
    explainer.model.model_type = "internal"
    return lambda x: explainer.shap_values(x, check_additivity=False)


EXPLAINERS = {"lightgbm": _lightgbm, "shap": _shap}


def contributions(job):
    """Explains the first test rows; the values are kept for comparison."""
    _, _, x_test, _ = tables.load(job["data"], job["work"])
    x = x_test[:job["rows"]]
    explain = EXPLAINERS[job["library"]](job)
    explain(x[:10])
    cost = Cost()
    values = np.asarray(explain(x))
    found = {"seconds": cost.seconds(), "cpu_s": cost.cpu_seconds(), **cost.memory()}
    (values[..., -1] if values.ndim == 3 else values).astype("f8").tofile(job["values"])
    return found | {"rows_s": len(x) / found["seconds"]}
