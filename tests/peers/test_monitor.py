"""Drift as scipy measures it, by the choices and thresholds of Evidently's preset."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import fit, modelwright
from scipy import stats
from scipy.spatial import distance


def rows(n, seed, shift=0.0):
    random = np.random.default_rng(seed)
    x = random.normal(10 + shift, 2, n)
    kind = random.choice(["a", "b", "c"], n, p=[0.5, 0.3 - shift / 10, 0.2 + shift / 10])
    flag = random.choice(["no", "yes"], n, p=[0.6, 0.4])
    y = np.where(x + random.normal(0, 1, n) + (kind == "a") > 10.5, "up", "down")
    return pd.DataFrame({"x": x.round(4), "kind": kind, "flag": flag, "y": y})


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return fit(tmp_path_factory.mktemp("monitor"), rows(6000, 0), "y")


def counts(reference, current):
    keys = sorted(set(reference) | set(current))
    count = lambda values: np.array([(values == key).sum() for key in keys], float)
    return count(reference), count(current)


def expected(reference, current):
    """Measure and score of a column."""
    small = len(reference) <= 1000
    if reference.dtype.kind == "f":
        if small:
            return "ks", stats.ks_2samp(reference, current).pvalue
        return "wasserstein", stats.wasserstein_distance(reference, current) / np.std(reference)
    a, b = counts(reference, current)
    if not small:
        return "jensenshannon", distance.jensenshannon(a / a.sum(), b / b.sum())
    if len(a) > 2:
        return "chisquare", stats.chisquare(b, a * b.sum() / a.sum())[1]
    pooled = (a[0] + b[0]) / (a.sum() + b.sum())
    spread = np.sqrt(pooled * (1 - pooled) * (1 / a.sum() + 1 / b.sum()))
    return "z", 2 * stats.norm.sf(abs(a[0] / a.sum() - b[0] / b.sum()) / spread)


@pytest.mark.parametrize("n_reference, n_current", [(800, 700), (3000, 2500)])
@pytest.mark.parametrize("shift", [0.0, 0.15, 0.6])
def test_scores_are_those_of_scipy(model, tmp_path, n_reference, n_current, shift):
    reference, current = rows(n_reference, 1), rows(n_current, 2, shift)
    reference.to_csv(tmp_path / "old.csv", index=False)
    current.to_parquet(tmp_path / "new.parquet")
    ran = modelwright("monitor", model.folder, tmp_path / "new.parquet", "--reference",
                      tmp_path / "old.csv", "--json")
    for column in json.loads(ran.stdout)["columns"]:
        name = column["column"]
        measure, score = expected(reference[name].to_numpy(), current[name].to_numpy())
        assert column["measure"] == measure, name
        assert column["score"] == pytest.approx(score, rel=1e-6, abs=1e-12), name
        limit = score < 0.05 if column["measure"] in ("ks", "z", "chisquare") else score >= 0.1
        assert column["exceeds"] == limit, name


def test_sketches_of_the_training_come_close_to_its_rows(model, tmp_path):
    rows(3000, 3, 0.4).to_csv(tmp_path / "new.csv", index=False)
    by_sketch = modelwright("monitor", model.folder, tmp_path / "new.csv", "--json")
    by_rows = modelwright("monitor", model.folder, tmp_path / "new.csv", "--reference",
                          model.train, "--json")
    pairs = zip(json.loads(by_sketch.stdout)["columns"], json.loads(by_rows.stdout)["columns"])
    for a, b in pairs:
        assert a["measure"] == b["measure"] and a["drifted"] == b["drifted"], a["column"]
        if a["measure"] not in ("ks", "z", "chisquare"):
            assert a["score"] == pytest.approx(b["score"], abs=0.02), a["column"]
