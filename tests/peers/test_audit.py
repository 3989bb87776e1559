"""fairlearn as oracle: `audit` must give its values on the same decisions."""

import json

import numpy as np
import pandas as pd
import pytest
from fairlearn import metrics as fair
from sklearn import metrics

from conftest import ROOT, fit, modelwright

RATES = {
    "selection_rate": fair.selection_rate,
    "true_positive_rate": fair.true_positive_rate,
    "false_positive_rate": fair.false_positive_rate,
    "true_negative_rate": fair.true_negative_rate,
    "false_negative_rate": fair.false_negative_rate,
    "accuracy": metrics.accuracy_score,
    "precision": lambda y, d: metrics.precision_score(y, d, zero_division=np.nan),
}

DEFINITIONS = [
    "demographic_parity_difference", "demographic_parity_ratio",
    "equal_opportunity_difference", "equal_opportunity_ratio",
    "equalized_odds_difference", "equalized_odds_ratio",
]


def decisions_of(fitted, tmp_path):
    out = tmp_path / "predictions.csv"
    modelwright("predict", fitted.folder, fitted.test, "-o", out)
    return pd.read_csv(out), pd.read_csv(fitted.test, skipinitialspace=True)


def audit(fitted, *more):
    return json.loads(modelwright("audit", fitted.folder, fitted.test, "--json", *more).stdout)


def same(found, wanted, what):
    if wanted is None or not np.isfinite(wanted):
        return
    assert found is not None, what
    assert found == pytest.approx(wanted, rel=1e-12, abs=1e-12), what


def check_partition(found, y, d, groups):
    frame = fair.MetricFrame(metrics=RATES, y_true=y, y_pred=d, sensitive_features=groups)
    assert set(found["by_group"]) == set(frame.by_group.index.astype(str))
    for name in RATES:
        same(found["overall"][name]["value"], frame.overall[name], name)
        for group, value in frame.by_group[name].items():
            same(found["by_group"][str(group)]["measures"][name]["value"], value, (name, group))
    # Where a rate is defined in every group, so are fairlearn's disparities.
    if np.isfinite(frame.by_group.to_numpy()).all():
        difference, ratio = frame.difference(), frame.ratio()
        for name in RATES:
            same(found["difference"][name]["value"], difference[name], name)
            same(found["ratio"][name], ratio[name], name)
        for name in DEFINITIONS:
            wanted = getattr(fair, name)(y, d, sensitive_features=groups)
            same(found["definitions"][name]["value"], wanted, name)


@pytest.mark.parametrize("columns", [["sex"], ["race"], ["sex", "race"]])
def test_binary_measures_are_fairlearns(adult, tmp_path, columns):
    frame, rows = decisions_of(adult, tmp_path)
    y = (rows["income"] == ">50K").to_numpy().astype(int)
    d = (frame["prediction"] == ">50K").to_numpy().astype(int)
    document = audit(adult, "--sensitive", ",".join(columns), "--min-group", 1)
    assert document["n_rows"] == len(y)
    found = document["audits"][-1]
    assert found["columns"] == columns
    groups = rows[columns].agg(" · ".join, axis=1)
    check_partition(found, y, d, groups)
    p = frame["probability_>50K"].to_numpy()
    for group, own in found["by_group"].items():
        here = (groups == group).to_numpy()
        auc = own["measures"]["roc_auc"]["value"]
        if auc is not None:
            same(auc, metrics.roc_auc_score(y[here], p[here]), group)


def test_a_quantity_is_cut_as_pandas_cuts_it(adult, tmp_path):
    frame, rows = decisions_of(adult, tmp_path)
    found = audit(adult, "--sensitive", "age", "--min-group", 1)["audits"][0]
    cuts = [float(c) for c in found["note"].split(": ")[1].split(", ")]
    y = (rows["income"] == ">50K").to_numpy().astype(int)
    d = (frame["prediction"] == ">50K").to_numpy().astype(int)
    names = [f"below {cuts[0]:g}"]
    names += [f"{a:g} to below {b:g}" for a, b in zip(cuts, cuts[1:])]
    names += [f"{cuts[-1]:g} and more"]
    bins = [-np.inf, *cuts, np.inf]
    groups = pd.cut(rows["age"], bins, right=False, labels=names).astype(str)
    check_partition(found, y, d, groups)


def test_each_class_of_many_is_held_against_the_others(wine_colour_quality, tmp_path):
    frame, rows = decisions_of(wine_colour_quality, tmp_path)
    column = "color" if "color" in rows else rows.columns[-2]
    document = audit(wine_colour_quality, "--sensitive", column, "--min-group", 1)
    groups = None
    for found in document["audits"]:
        if groups is None and found["note"] is None:
            groups = rows[column].astype(str)
        if groups is not None:
            y = (rows["grade"] == found["positive"]).to_numpy().astype(int)
            d = (frame["prediction"] == found["positive"]).to_numpy().astype(int)
            check_partition(found, y, d, groups)
    assert {found["positive"] for found in document["audits"]} == {"low", "mid", "high"}


def test_residuals_by_group_are_pandas(wine, tmp_path):
    frame, rows = decisions_of(wine, tmp_path)
    residual = rows["quality"] - frame["prediction"]
    rows["strong"] = np.where(rows["alcohol"] > 11, "yes", "no")
    test = tmp_path / "strong.csv"
    rows.to_csv(test, index=False)
    document = json.loads(
        modelwright("audit", wine.folder, test, "--sensitive", "strong", "--json").stdout)
    found = document["audits"][0]
    for group, own in found["by_group"].items():
        here = residual[rows["strong"] == group]
        same(own["measures"]["mean_residual"]["value"], here.mean(), group)
        same(own["measures"]["rmse"]["value"], np.sqrt((here**2).mean()), group)
        same(own["measures"]["mae"]["value"], here.abs().mean(), group)
    means = residual.groupby(rows["strong"]).mean()
    gap = found["definitions"]["mean_residual_difference"]
    same(gap["value"], means.max() - means.min(), "gap")
    assert gap["ci95"][0] <= gap["value"] <= gap["ci95"][1]


def test_what_cannot_be_audited_is_said(adult, tmp_path):
    absent = modelwright("audit", adult.folder, adult.test, "--sensitive", "gender", check=False)
    assert absent.returncode == 2 and "gender" in absent.stderr
    target = modelwright("audit", adult.folder, adult.test, "--sensitive", "income", check=False)
    assert target.returncode == 2 and "target" in target.stderr
    rows = pd.read_csv(adult.test)
    few, one = tmp_path / "few.csv", tmp_path / "one.csv"
    kept = pd.concat([rows[rows.sex == "Male"].head(200), rows[rows.sex == "Female"].head(3)])
    kept.to_csv(few, index=False)
    found = json.loads(
        modelwright("audit", adult.folder, few, "--sensitive", "sex", "--json").stdout)
    assert found["audits"][0]["judgement"] == "not_judged"
    rows[rows.income == "<=50K"].head(300).to_csv(one, index=False)
    found = json.loads(
        modelwright("audit", adult.folder, one, "--sensitive", "sex", "--json").stdout)
    assert found["audits"][0]["definitions"]["equalized_odds_difference"]["value"] is None


def test_fit_audits_its_holdout(tmp_path):
    frame = pd.read_csv(ROOT / "testdata" / "adult.csv.gz").iloc[:3000]
    fitted = fit(tmp_path, frame, "income", "--sensitive", "sex,race")
    record = json.loads((fitted.folder / "record.json").read_text())
    audits = record["fairness"]["audits"]
    assert [a["columns"] for a in audits] == [["sex"], ["race"], ["sex", "race"]]
    assert "Groups side by side" in (fitted.folder / "report.html").read_text()
    # The model remembers what is sensitive.
    document = json.loads(modelwright("audit", fitted.folder, fitted.test, "--json").stdout)
    assert [a["columns"] for a in document["audits"]] == [a["columns"] for a in audits]
