"""Writes the golden values of the tests on scores: `statistics.toml`.

    pip install numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 statsmodels==0.15.0 \
        baycomp==1.0.3 scikit-posthocs==0.17.1
    python testdata/compare/generate_statistics.py

The first case of `folds` is scikit-learn's example "Statistical comparison of models using grid
search": two support vector machines on two moons, ten times ten folds. Deterministic.
"""

import pathlib
from collections import Counter
from importlib.metadata import version

import baycomp
import numpy as np
import pandas as pd
import scikit_posthocs
import scipy
import sklearn
import statsmodels
from scipy import stats
from sklearn.datasets import make_moons
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.svm import SVC
from statsmodels.stats.multitest import multipletests

HERE = pathlib.Path(__file__).parent


def numbers(values):
    return "[" + ", ".join(repr(float(v)) for v in np.asarray(values).ravel()) + "]"


def moons():
    x, y = make_moons(noise=0.352, random_state=1, n_samples=100)
    cv = RepeatedStratifiedKFold(n_splits=10, n_repeats=10, random_state=0)
    score = lambda kernel: cross_val_score(
        SVC(kernel=kernel, random_state=0), x, y, scoring="roc_auc", cv=cv)
    return score("rbf") - score("linear")


def fold_case(name, d, test, train, runs, rope):
    n = len(d)
    se = np.sqrt((1 / n + test / train) * d.var(ddof=1))
    t = d.mean() / se
    low, high = stats.t.interval(0.95, n - 1, d.mean(), se)
    left, middle, right = baycomp.CorrelatedTTest.probs(d, np.zeros(n), rope, runs=runs)
    # baycomp counts "x worse" last and takes the ratio of test to training rows from the folds.
    return (f'\n[[folds]]\nname = "{name}"\ndifferences = {numbers(d)}\n'
            f"test_to_train = {test / train!r}\nrope = {rope!r}\nstatistic = {float(t)!r}\n"
            f"p_value = {float(2 * stats.t.sf(abs(t), n - 1))!r}\nci95 = {numbers([low, high])}\n"
            f"probabilities = {numbers([right, middle, left])}\n")


def five_by_two(d):
    means = d.mean(axis=1, keepdims=True)
    variances = ((d - means) ** 2).sum(axis=1)
    t = d[0, 0] / np.sqrt(variances.mean())
    f = (d**2).sum() / (2 * variances.sum())
    return (f"\n[[five_by_two]]\ndifferences = {numbers(d)}\n"
            f"t = {numbers([t, 2 * stats.t.sf(abs(t), 5)])}\n"
            f"f = {numbers([f, stats.f.sf(f, 10, 5)])}\n")


def adjust(p):
    holm = multipletests(p, method="holm")[1]
    bh = multipletests(p, method="fdr_bh")[1]
    return (f"\n[[adjust]]\np_values = {numbers(p)}\nholm = {numbers(holm)}\n"
            f"benjamini_hochberg = {numbers(bh)}\n")


def ranking(scores):
    chi, p = stats.friedmanchisquare(*scores.T)
    n, k = scores.shape
    f = (n - 1) * chi / (n * (k - 1) - chi)
    pairs = scikit_posthocs.posthoc_nemenyi_friedman(pd.DataFrame(scores)).to_numpy()
    ranks = np.apply_along_axis(stats.rankdata, 1, -scores).mean(axis=0)
    rows = ", ".join(numbers(row) for row in scores)
    return (f"\n[[ranking]]\nscores = [{rows}]\nmean_ranks = {numbers(ranks)}\n"
            f"friedman = {numbers([chi, p])}\n"
            f"iman_davenport = {numbers([f, stats.f.sf(f, k - 1, (k - 1) * (n - 1))])}\n"
            f"nemenyi = {numbers(pairs[0, 1:])}\n")


def counted(d):
    """The p-value over all signs of the ranks, ties among them, as whole numbers of ways."""
    d = d[d != 0]
    ranks = [int(2 * r) for r in stats.rankdata(np.abs(d))]
    ways = Counter({0: 1})
    for rank in ranks:
        more = Counter({s + rank: n for s, n in ways.items()})
        ways = ways + more
    least = min(sum(r for r, x in zip(ranks, d) if (x > 0) == side) for side in (True, False))
    return min(1.0, 2 * sum(n for s, n in ways.items() if s <= least) / 2 ** len(ranks))


def signed_rank(d):
    few = len(d) <= 50
    result = stats.wilcoxon(d, method="asymptotic", correction=False)
    p = counted(d) if few else result.pvalue
    tied = len(set(np.abs(d))) < len(d) or (d == 0).any()
    if few and (not tied or len(d) <= 13):  # SciPy counts ties out itself up to 13 differences.
        method = stats.PermutationMethod(n_resamples=2 ** len(d)) if tied else "exact"
        assert np.isclose(p, stats.wilcoxon(d, method=method).pvalue, rtol=1e-12)
    return (f"\n[[signed_rank]]\ndifferences = {numbers(d)}\nstatistic = "
            f"{float(result.statistic)!r}\np_value = {float(p)!r}\n")


def bca(x, rng):
    result = stats.bootstrap((x,), np.mean, n_resamples=200, method="BCa", rng=rng)
    left_out = [np.delete(x, i).mean() for i in range(len(x))]
    return (f"\n[[bca]]\nvalue = {float(x.mean())!r}\nleft_out = {numbers(left_out)}\n"
            f"resampled = {numbers(result.bootstrap_distribution)}\n"
            f"ci95 = {numbers(result.confidence_interval)}\n")


def main():
    rng = np.random.default_rng(23)
    text = (f"# Written by generate_statistics.py with NumPy {np.__version__}, SciPy "
            f"{scipy.__version__}, scikit-learn {sklearn.__version__},\n# statsmodels "
            f"{statsmodels.__version__}, baycomp {version('baycomp')}, scikit-posthocs "
            f"{version('scikit-posthocs')}.\n")
    text += fold_case("two moons", moons(), 10, 90, 10, 0.01)
    text += fold_case("five folds", rng.normal(0.02, 0.03, 5), 1, 4, 1, 0.005)
    text += fold_case("worse", rng.normal(-0.05, 0.02, 30), 1, 9, 3, 0.01)
    for shift in [0.0, 0.05]:
        text += five_by_two(rng.normal(shift, 0.03, (5, 2)))
    for p in [[0.01, 0.04, 0.03, 0.005], [0.5], [0.2, 0.2, 0.001, 0.9, 0.049, 1.0]]:
        text += adjust(np.array(p))
    text += ranking(rng.normal(0, 1, (12, 4)) + np.array([0, 0.2, 1.0, 0.1]))
    text += ranking(np.round(rng.uniform(0.6, 0.9, (8, 3)), 1))
    text += signed_rank(np.round(rng.normal(0.3, 1, 20), 6))
    text += signed_rank(np.round(rng.normal(0.2, 1, 40), 1))
    text += signed_rank(np.round(rng.normal(0.1, 1, 80), 6))
    text += bca(np.round(rng.exponential(1, 25), 4), rng)
    text += bca(np.round(rng.normal(3, 1, 40), 4), rng)
    text += signed_rank(np.array([0.1, 0.1, 0.1, 0.1, 0.1]))
    text += signed_rank(np.array([0.02, 0.01, -0.01, 0.03, 0.02, 0.0, 0.02, 0.01, 0.05, 0.03]))
    (HERE / "statistics.toml").write_text(text)


main()
