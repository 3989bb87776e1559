"""Writes the golden values of the metrics: `inputs.toml` and one `<metric>.toml` for each.

    pip install scikit-learn==1.9.1 numpy==2.4.6
    python testdata/metric/generate.py

`inputs.toml` holds small tables of predictions with names; `<metric>.toml` gives scikit-learn's
value for each table of a task the metric is defined for, or lists it under `undefined` where
scikit-learn returns NaN or raises. smape, which scikit-learn has not, is computed here with NumPy.
Where scikit-learn takes no row weights (ovo, ndcg of one list), integer weights are checked by
repeating rows, and tables with other weights are left out. Deterministic.
"""

import math
import pathlib
import warnings

import numpy as np
import sklearn
from sklearn import metrics as m

HERE = pathlib.Path(__file__).parent
warnings.simplefilter("ignore")


class Case:
    def __init__(self, task, truth, predictions, n_classes=0, weights=None, threshold=0.5):
        self.task, self.n_classes, self.threshold = task, n_classes, threshold
        self.truth = np.asarray(truth, dtype=float if task == "regression" else int)
        self.predictions = np.asarray(predictions, dtype=float)
        self.weights = None if weights is None else np.asarray(weights, dtype=float)

    def decided(self):
        if self.task == "binary":
            return (self.predictions >= self.threshold).astype(int)
        return self.predictions.argmax(axis=1)

    def repeated(self):
        """The same without weights: rows repeated. None if weights are not integers."""
        if self.weights is None:
            return self
        counts = self.weights.astype(int)
        if not np.array_equal(counts, self.weights):
            return None
        return Case(
            self.task,
            np.repeat(self.truth, counts),
            np.repeat(self.predictions, counts, axis=0),
            self.n_classes,
            threshold=self.threshold,
        )


def binary_cases():
    rng = np.random.default_rng(1)

    def scores(truth, noise):
        return 1 / (1 + np.exp(-(2.0 * np.asarray(truth) - 1 + rng.normal(0, noise, len(truth)))))

    mixed = rng.integers(0, 2, 31)
    clear = [0, 1, 1, 0, 1, 0, 0, 1, 1]
    rare = [0] * 24 + [1]
    smooth, coarse = scores(mixed, 1.5), np.round(scores(mixed, 2.0), 1)
    return {
        "binary: smooth scores": Case("binary", mixed, smooth, 2),
        "binary: many ties": Case("binary", mixed, coarse, 2),
        "binary: ties at the threshold": Case("binary", mixed, np.round(smooth * 4) / 4, 2),
        "binary: weights": Case("binary", mixed, smooth, 2, rng.uniform(0.1, 3, 31)),
        "binary: weights and ties": Case("binary", mixed, coarse, 2, rng.uniform(0.1, 3, 31)),
        "binary: integer weights, some zero": Case("binary", mixed, coarse, 2, rng.integers(0, 4, 31)),
        "binary: threshold 0.3": Case("binary", mixed, smooth, 2, threshold=0.3),
        "binary: one positive row": Case("binary", rare, scores(rare, 2.0), 2, threshold=0.2),
        "binary: perfect": Case("binary", clear, [float(t) for t in clear], 2),
        "binary: all wrong": Case("binary", clear, [1.0 - t for t in clear], 2),
        "binary: certain, half wrong": Case("binary", clear, [1, 1, 1, 0, 0, 0, 1, 1, 0], 2),
        "binary: constant score": Case("binary", clear, [0.25] * 9, 2),
        "binary: nothing decided positive": Case("binary", mixed, smooth * 0.4, 2),
        "binary: only positives": Case("binary", [1] * 5, [0.9, 0.2, 0.6, 0.6, 1.0], 2),
        "binary: only negatives": Case("binary", [0] * 5, [0.9, 0.2, 0.6, 0.6, 1.0], 2),
        "binary: only negatives, rightly": Case("binary", [0] * 4, [0.1, 0.2, 0.3, 0.0], 2),
        "binary: one row": Case("binary", [1], [0.7], 2),
    }


def multiclass_cases():
    rng = np.random.default_rng(2)

    def scores(truth, k, noise, digits=None):
        logits = rng.normal(0, noise, (len(truth), k))
        logits[np.arange(len(truth)), truth] += 1.0
        p = np.exp(logits)
        p /= p.sum(axis=1, keepdims=True)
        if digits is not None:  # multiples that still sum to one
            p = np.floor(p * digits) / digits
            p[:, 0] += 1 - p.sum(axis=1)
        return p

    four = rng.integers(0, 4, 37)
    seven = rng.integers(0, 7, 40)
    rare = np.array([0] * 14 + [1] * 9 + [2] * 7 + [3])
    gap = rng.choice([0, 1, 3], 30)
    three = rng.integers(0, 3, 12)
    w = rng.uniform(0.1, 3, 37)
    return {
        "multiclass: smooth scores": Case("multiclass", four, scores(four, 4, 1.2), 4),
        "multiclass: many ties": Case("multiclass", four, scores(four, 4, 1.2, 8), 4),
        "multiclass: weights": Case("multiclass", four, scores(four, 4, 1.2), 4, w),
        "multiclass: weights and ties": Case("multiclass", four, scores(four, 4, 1.2, 8), 4, w),
        "multiclass: integer weights, some zero": Case(
            "multiclass", four, scores(four, 4, 1.2, 8), 4, rng.integers(0, 4, 37)
        ),
        "multiclass: seven classes": Case("multiclass", seven, scores(seven, 7, 1.5), 7),
        "multiclass: a class of one row": Case("multiclass", rare, scores(rare, 4, 1.0), 4),
        "multiclass: a class without rows": Case("multiclass", gap, scores(gap, 4, 1.0), 4),
        "multiclass: perfect": Case("multiclass", three, np.eye(3)[three], 3),
        "multiclass: certain and wrong": Case("multiclass", three, np.eye(3)[(three + 1) % 3], 3),
        "multiclass: constant scores": Case("multiclass", three, [[0.25, 0.5, 0.25]] * 12, 3),
        "multiclass: one class only": Case("multiclass", [2] * 5, scores([2] * 5, 3, 1.0), 3),
        "multiclass: one class, rightly": Case("multiclass", [2] * 3, [[0.0, 0.1, 0.9]] * 3, 3),
        "multiclass: one row": Case("multiclass", [1], [[0.5, 0.3, 0.2]], 3),
    }


def regression_cases():
    rng = np.random.default_rng(3)
    positive = rng.gamma(2.0, 3.0, 33)
    near = positive * rng.lognormal(0, 0.4, 33)
    signed = rng.normal(0, 5, 33)
    off = signed + rng.normal(0.5, 2, 33)
    counts = rng.poisson(1.5, 40).astype(float)
    rates = np.round(rng.uniform(0.5, 4, 40), 1)
    w = rng.uniform(0.1, 3, 33)
    return {
        "regression: positive": Case("regression", positive, near),
        "regression: positive, even": Case("regression", positive[:32], near[:32]),
        "regression: signed": Case("regression", signed, off),
        "regression: weights": Case("regression", positive, near, weights=w),
        "regression: signed, weights": Case("regression", signed, off, weights=w),
        "regression: counts with ties": Case("regression", counts, rates),
        "regression: counts, integer weights": Case(
            "regression", counts, rates, weights=rng.integers(0, 4, 40)
        ),
        "regression: far from zero": Case("regression", positive + 1e6, near + 1e6),
        "regression: perfect": Case("regression", positive, positive),
        "regression: constant truth": Case("regression", [3.0] * 6, [1.0, 2, 3, 4, 5, 7]),
        "regression: constant truth, hit": Case("regression", [3.0] * 6, [3.0] * 6),
        "regression: shifted by one": Case("regression", counts, counts + 1),
        "regression: all zero": Case("regression", [0.0] * 4, [0.5, 0.25, 0.125, 1.0]),
        "regression: prediction of zero": Case("regression", [1.0, 2, 3], [1.0, 0, 3]),
        "regression: prediction of -1": Case("regression", [1.0, 2, 3], [1.0, -1, 3]),
        "regression: one row": Case("regression", [2.0], [3.0]),
    }


def labels(function, **kwargs):
    return lambda c: function(c.truth, c.decided(), sample_weight=c.weights, **kwargs)


def probabilities(function, **kwargs):
    return lambda c: function(c.truth, c.predictions, sample_weight=c.weights, **kwargs)


def of_known_classes(function, **kwargs):
    def value(c):
        known = list(range(c.n_classes))
        return function(
            c.truth, c.predictions, sample_weight=c.weights, labels=known, **kwargs
        )

    return value


def without_weights(function):
    """For functions that take no weights: repeated rows, or nothing."""

    def value(c):
        repeated = c.repeated()
        return None if repeated is None else function(repeated)

    return value


def ovo(average):
    def value(c):
        known = list(range(c.n_classes))
        return m.roc_auc_score(
            c.truth, c.predictions, multi_class="ovo", average=average, labels=known
        )

    return without_weights(value)


def brier(c):
    known = None if c.task == "binary" else list(range(c.n_classes))
    return m.brier_score_loss(c.truth, c.predictions, sample_weight=c.weights, labels=known)


def ndcg(c):
    if c.task == "multiclass":
        one_hot = np.eye(c.n_classes)[c.truth]
        return m.ndcg_score(one_hot, c.predictions, sample_weight=c.weights)
    return without_weights(lambda c: m.ndcg_score([c.truth], [c.predictions]))(c)


def max_error(c):
    kept = slice(None) if c.weights is None else c.weights > 0
    return m.max_error(c.truth[kept], c.predictions[kept])


def smape(c):
    scale = (np.abs(c.truth) + np.abs(c.predictions)) / 2
    safe = np.where(scale > 0, scale, 1)
    return np.average(np.abs(c.truth - c.predictions) / safe, weights=c.weights)


B, M, R = ("binary",), ("multiclass",), ("regression",)
BM = B + M
METRICS = {
    "roc_auc": (B, probabilities(m.roc_auc_score)),
    "roc_auc_ovr": (M, of_known_classes(m.roc_auc_score, multi_class="ovr")),
    "roc_auc_ovr_weighted": (
        M,
        of_known_classes(m.roc_auc_score, multi_class="ovr", average="weighted"),
    ),
    "roc_auc_ovo": (M, ovo("macro")),
    "roc_auc_ovo_weighted": (M, ovo("weighted")),
    "average_precision": (BM, probabilities(m.average_precision_score)),
    "log_loss": (BM, of_known_classes(m.log_loss)),
    "brier_score": (BM, brier),
    "top_k_accuracy": (M, of_known_classes(m.top_k_accuracy_score, k=2)),
    "top_3_accuracy": (M, of_known_classes(m.top_k_accuracy_score, k=3)),
    "top_5_accuracy": (M, of_known_classes(m.top_k_accuracy_score, k=5)),
    "accuracy": (BM, labels(m.accuracy_score)),
    "balanced_accuracy": (BM, labels(m.balanced_accuracy_score)),
    "matthews_corrcoef": (BM, labels(m.matthews_corrcoef)),
    "cohen_kappa": (BM, labels(m.cohen_kappa_score)),
    "cohen_kappa_linear": (BM, labels(m.cohen_kappa_score, weights="linear")),
    "cohen_kappa_quadratic": (BM, labels(m.cohen_kappa_score, weights="quadratic")),
    "rmse": (R, probabilities(m.root_mean_squared_error)),
    "mse": (R, probabilities(m.mean_squared_error)),
    "mae": (R, probabilities(m.mean_absolute_error)),
    "medae": (R, probabilities(m.median_absolute_error)),
    "r2": (R, probabilities(m.r2_score)),
    "explained_variance": (R, probabilities(m.explained_variance_score)),
    "d2_absolute_error": (R, probabilities(m.d2_absolute_error_score)),
    "mape": (R, probabilities(m.mean_absolute_percentage_error)),
    "smape": (R, smape),
    "rmsle": (R, probabilities(m.root_mean_squared_log_error)),
    "max_error": (R, max_error),
    "pinball_loss": (R, probabilities(m.mean_pinball_loss, alpha=0.5)),
    "pinball_loss_0.1": (R, probabilities(m.mean_pinball_loss, alpha=0.1)),
    "pinball_loss_0.9": (R, probabilities(m.mean_pinball_loss, alpha=0.9)),
    "poisson_deviance": (R, probabilities(m.mean_poisson_deviance)),
    "gamma_deviance": (R, probabilities(m.mean_gamma_deviance)),
    "tweedie_deviance": (R, probabilities(m.mean_tweedie_deviance, power=1.5)),
    "ndcg": (M + R, ndcg),
}
for name, function in [
    ("f1", m.f1_score),
    ("precision", m.precision_score),
    ("recall", m.recall_score),
]:
    METRICS[name] = (B, labels(function, average="binary"))
    for average in ["macro", "weighted", "micro"]:
        METRICS[f"{name}_{average}"] = (BM, labels(function, average=average))


def numbers(values):
    return "[" + ", ".join(repr(v) for v in np.asarray(values).ravel().tolist()) + "]"


HEADER = f"# Written by generate.py with scikit-learn {sklearn.__version__}, NumPy {np.__version__}.\n"


def main():
    cases = {**binary_cases(), **multiclass_cases(), **regression_cases()}
    text = HEADER
    for name, case in cases.items():
        text += f'\n["{name}"]\ntask = "{case.task}"\nn_classes = {case.n_classes}\n'
        text += f"threshold = {case.threshold}\ntruth = {numbers(case.truth)}\n"
        text += f"predictions = {numbers(case.predictions)}\n"
        if case.weights is not None:
            text += f"weights = {numbers(case.weights)}\n"
    (HERE / "inputs.toml").write_text(text)

    for metric, (tasks, value) in METRICS.items():
        values, undefined = "", []
        for name, case in cases.items():
            if case.task not in tasks:
                continue
            try:
                result = value(case)
            except (ValueError, ZeroDivisionError):
                result = math.nan
            if result is None:
                continue
            if math.isnan(result):
                undefined.append(name)
            else:
                values += f'"{name}" = {float(result)!r}\n'
        listed = "".join(f'  "{name}",\n' for name in undefined)
        text = HEADER + "undefined = [" + ("\n" + listed if listed else "") + "]\n"
        (HERE / f"{metric}.toml").write_text(text + "\n[values]\n" + values)


main()
