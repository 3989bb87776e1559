"""Writes the golden values of the distributions: `distributions.toml`.

    pip install scipy==1.17.1
    python testdata/compare/generate_distributions.py

The studentised range at infinitely many degrees of freedom comes from adaptive quadrature with a
tolerance of 1e-13. Deterministic.
"""

import pathlib

import numpy as np
import scipy
from scipy import integrate, stats

HERE = pathlib.Path(__file__).parent


def range_survival(q, k):
    def integrand(z):
        return stats.norm.pdf(z) * (stats.norm.cdf(z) - stats.norm.cdf(z - q)) ** (k - 1)

    value, _ = integrate.quad(integrand, -9, 9, epsabs=1e-14, epsrel=1e-13, limit=500)
    return 1 - k * value


def cases():
    for z in [-6.0, -1.5, 0.0, 0.3, 2.0, 5.0]:
        yield "normal_cdf", [z], stats.norm.cdf(z)
    for p in [1e-12, 1e-5, 0.025, 0.3, 0.5, 0.8, 0.975, 0.999999]:
        yield "normal_quantile", [p], stats.norm.ppf(p)
    for df in [1, 2, 5, 9.5, 30, 99, 1e4, 1e7]:
        for t in [0.05, -0.75, 2.0, 6.0]:
            yield "student_two_sided", [t, df], 2 * stats.t.sf(abs(t), df)
        yield "student_cdf", [-1.2, df], stats.t.cdf(-1.2, df)
        for p in [0.001, 0.6, 0.975]:
            yield "student_quantile", [p, df], stats.t.ppf(p, df)
    for n, d in [(1, 1), (10, 5), (3, 40), (200, 7), (5, 1e6)]:
        for f in [0.1, 1.0, 3.5, 20.0]:
            yield "f_survival", [f, n, d], stats.f.sf(f, n, d)
    for df in [1, 2, 7, 50, 1000]:
        for x in [0.2, 1.0, 8.0, 60.0, 1100.0]:
            yield "chi_square_survival", [x, df], stats.chi2.sf(x, df)
    for n, share in [(1, 0.057), (5, 0.018), (60, 0.5), (4000, 0.001)]:
        for k in [0, 1, 3, 29]:
            yield "binomial_at_least", [k, n, share], stats.binom.sf(k - 1, n, share)
    for k in [2, 3, 5, 12]:
        for q in [0.5, 2.0, 3.5, 5.0]:
            yield "studentized_range_survival", [q, k], range_survival(q, k)


def main():
    text = f"# Written by generate_distributions.py with SciPy {scipy.__version__}.\n"
    for of, at, value in cases():
        numbers = ", ".join(repr(float(v)) for v in at)
        text += f'\n[[case]]\nof = "{of}"\nat = [{numbers}]\nvalue = {float(np.float64(value))!r}\n'
    (HERE / "distributions.toml").write_text(text)


main()
