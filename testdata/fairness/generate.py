"""Writes the golden values of the fairness measures: `golden.toml`.

    pip install numpy==2.4.6 scikit-learn==1.9.1 fairlearn==0.15.0
    python testdata/fairness/generate.py

Measures by group, differences and ratios come from fairlearn's `MetricFrame`, the definitions from
fairlearn's functions; the entropies, which fairlearn has not, from their formulas. Deterministic.
"""

import pathlib

import fairlearn
import numpy as np
import sklearn
from fairlearn import metrics as fair
from sklearn import metrics

HERE = pathlib.Path(__file__).parent

OF_CLASS = {
    "selection_rate": fair.selection_rate,
    "true_positive_rate": fair.true_positive_rate,
    "false_positive_rate": fair.false_positive_rate,
    "true_negative_rate": fair.true_negative_rate,
    "false_negative_rate": fair.false_negative_rate,
    "precision": lambda y, d, sample_weight=None: metrics.precision_score(
        y, d, sample_weight=sample_weight),
    "accuracy": metrics.accuracy_score,
}


def numbers(values):
    return "[" + ", ".join(repr(v) for v in np.asarray(values).ravel().tolist()) + "]"


def entropies(y, d, groups, w):
    w = np.ones(len(y)) if w is None else w
    b = d - y + 1.0
    mean = np.average(b, weights=w)
    parts = np.zeros(len(y))
    for g in np.unique(groups):
        here = groups == g
        parts[here] = np.average(b[here], weights=w[here])
    r = b / mean
    theil = np.where(r > 0, r * np.log(np.where(r > 0, r, 1.0)), 0.0)
    return {
        "generalized_entropy_index": (np.average(r**2, weights=w) - 1) / 2,
        "theil_index": np.average(theil, weights=w),
        "between_group_generalized_entropy_index":
            (np.average((parts / mean) ** 2, weights=w) - 1) / 2,
    }


def definitions(y, d, groups, w):
    given = {"y_true": y, "y_pred": d, "sensitive_features": groups, "sample_weight": w}
    named = {name: getattr(fair, name)(**given) for name in [
        "demographic_parity_difference", "demographic_parity_ratio",
        "equal_opportunity_difference", "equal_opportunity_ratio",
        "equalized_odds_difference", "equalized_odds_ratio"]}
    named["equalized_odds_difference_mean"] = fair.equalized_odds_difference(agg="mean", **given)
    named["equalized_odds_ratio_mean"] = fair.equalized_odds_ratio(agg="mean", **given)
    return named | entropies(y, d, groups, w)


def case(name, y, d, p, groups, w):
    text = f'\n[[case]]\nname = "{name}"\ntruth = {numbers(y)}\ndecided = {numbers(d)}\n'
    text += f"scores = {numbers(p)}\ngroups = {numbers(groups)}\n"
    if w is not None:
        text += f"weights = {numbers(w)}\n"
    weighted = None if w is None else {"sample_weight": w}
    params = None if w is None else {name: weighted for name in OF_CLASS}
    frame = fair.MetricFrame(
        metrics=OF_CLASS, y_true=y, y_pred=d, sensitive_features=groups, sample_params=params)
    scored = fair.MetricFrame(
        metrics={"roc_auc": metrics.roc_auc_score, "brier_score": metrics.brier_score_loss},
        y_true=y, y_pred=p, sensitive_features=groups,
        sample_params=None if w is None else {"roc_auc": weighted, "brier_score": weighted})
    for one in (frame, scored):
        for measure in one.overall.index:
            text += f"\n[case.measure.{measure}]\noverall = {float(one.overall[measure])!r}\n"
            text += f"by_group = {numbers(one.by_group[measure].astype(float))}\n"
            text += f"difference = {float(one.difference()[measure])!r}\n"
            text += f"ratio = {float(one.ratio()[measure])!r}\n"
    text += "\n[case.definition]\n"
    for key, value in definitions(y, d, groups, w).items():
        text += f"{key} = {float(value)!r}\n"
    return text


def main():
    text = (f"# Written by generate.py with NumPy {np.__version__}, scikit-learn "
            f"{sklearn.__version__}, fairlearn {fairlearn.__version__}.\n")
    rng = np.random.default_rng(5)
    for name, n, n_groups, has_weights in [
        ("two groups", 60, 2, False),
        ("three groups", 90, 3, False),
        ("weights", 80, 2, True),
    ]:
        groups = rng.integers(0, n_groups, n)
        y = (rng.random(n) < 0.3 + 0.15 * groups).astype(int)
        p = np.round(np.clip(0.35 * y + 0.1 * groups + rng.normal(0.3, 0.2, n), 0.01, 0.99), 3)
        w = np.round(rng.uniform(0.5, 2, n), 2) if has_weights else None
        text += case(name, y, (p >= 0.5).astype(int), p, groups, w)
    (HERE / "golden.toml").write_text(text)


main()
