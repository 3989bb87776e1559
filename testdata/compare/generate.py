"""Writes the golden values of the paired tests: `delong.toml` and `mcnemar.toml`.

    pip install numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0
    python testdata/compare/generate.py

DeLong's variances come straight from the definition, over the matrix of all (positive, negative)
pairs; McNemar's p-values from statsmodels, the interval from Bonett & Price's formula.
Deterministic.
"""

import pathlib

import numpy as np
import scipy
import statsmodels
from scipy.stats import norm
from statsmodels.stats.contingency_tables import mcnemar

HERE = pathlib.Path(__file__).parent
HEADER = (
    f"# Written by generate.py with NumPy {np.__version__}, SciPy {scipy.__version__}, "
    f"statsmodels {statsmodels.__version__}.\n"
)


def delong(codes, a, b):
    placements = []
    for scores in (a, b):
        x, y = scores[codes == 1], scores[codes == 0]
        wins = (x[:, None] > y[None, :]) + 0.5 * (x[:, None] == y[None, :])
        placements.append((wins.mean(axis=1), wins.mean(axis=0)))
    m, n = (codes == 1).sum(), (codes == 0).sum()
    by_positive = np.cov([placements[0][0], placements[1][0]])
    by_negative = np.cov([placements[0][1], placements[1][1]])
    covariance = by_positive / m + by_negative / n
    auc = [placements[0][0].mean(), placements[1][0].mean()]
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    difference = auc[0] - auc[1]
    half = norm.ppf(0.975) * np.sqrt(variance)
    p = 2 * norm.sf(abs(difference) / np.sqrt(variance))
    return auc, covariance, p, difference - half, difference + half


def delong_cases():
    rng = np.random.default_rng(11)
    for name, n, share, noise_a, noise_b, digits in [
        ("close models", 60, 0.5, 1.0, 1.1, 6),
        ("different models", 80, 0.4, 0.6, 3.0, 6),
        ("many ties", 70, 0.5, 1.0, 1.5, 0),
        ("rare positives", 90, 0.05, 0.8, 1.5, 6),
        ("eight rows", 8, 0.4, 1.0, 1.5, 6),
    ]:
        codes = np.zeros(n, dtype=int)
        codes[: max(2, round(n * share))] = 1
        rng.shuffle(codes)
        base = codes + rng.normal(0, 0.7, n)
        a = np.round(base + rng.normal(0, noise_a, n), digits)
        b = np.round(base + rng.normal(0, noise_b, n), digits)
        yield name, codes, a, b


def numbers(values):
    return "[" + ", ".join(repr(v) for v in np.asarray(values).ravel().tolist()) + "]"


def main():
    text = HEADER
    for name, codes, a, b in delong_cases():
        auc, covariance, p, low, high = delong(codes, a, b)
        text += f'\n[[case]]\nname = "{name}"\ncodes = {numbers(codes)}\na = {numbers(a)}\n'
        text += f"b = {numbers(b)}\nauc = {numbers(auc)}\n"
        text += f"variance = {numbers(np.diag(covariance))}\n"
        text += f"covariance = {float(covariance[0, 1])!r}\np_value = {float(p)!r}\n"
        text += f"ci95 = {numbers([low, high])}\n"
    (HERE / "delong.toml").write_text(text)

    text = HEADER
    for both, only_a, only_b, neither in [
        (50, 12, 5, 7),
        (50, 0, 0, 7),
        (10, 1, 0, 0),
        (300, 12, 12, 40),
        (300, 4, 20, 40),
        (300, 10, 15, 40),
        (300, 60, 35, 40),
        (9000, 400, 310, 500),
        (100, 0, 40, 10),
    ]:
        table = [[both, only_a], [only_b, neither]]
        exact = only_a + only_b < 25
        p = mcnemar(table, exact=exact, correction=not exact).pvalue
        n = both + only_a + only_b + neither + 2
        pa, pb = (only_a + 1) / n, (only_b + 1) / n
        half = norm.ppf(0.975) * np.sqrt((pa + pb - (pa - pb) ** 2) / n)
        text += f"\n[[case]]\nboth = {both}\nonly_a = {only_a}\nonly_b = {only_b}\n"
        text += f"neither = {neither}\np_value = {float(p)!r}\n"
        text += f"ci95 = {numbers([pa - pb - half, pa - pb + half])}\n"
    (HERE / "mcnemar.toml").write_text(text)


main()
