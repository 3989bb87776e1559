"""Writes `golden.toml`: conformal quantiles by NumPy.

    pip install numpy==2.4.6
    python testdata/conformal/generate.py

The `ceil((n + 1) level)`-th of the sorted scores, as in Lei et al. 2018. Deterministic.
"""

import pathlib
from fractions import Fraction
from math import ceil

import numpy as np

HERE = pathlib.Path(__file__).parent


def text(values):
    return "[" + ", ".join(repr(float(v)) for v in values) + "]"


def conformal(scores, level):
    # The level as a fraction: (n + 1) · 0.9 in floating point may exceed a whole number by rounding.
    place = ceil((len(scores) + 1) * Fraction(str(level)))
    return np.inf if place > len(scores) else np.sort(scores)[place - 1]


def main():
    rng = np.random.default_rng(3)
    lines = [f"# Written by generate.py with NumPy {np.__version__}."]
    for name, scores in [
        ("normal", np.abs(rng.normal(size=99))),
        ("few", np.abs(rng.normal(size=9))),
        ("ties", np.round(rng.exponential(size=60), 1)),
        ("negative", np.round(rng.normal(size=41), 4)),
        ("skewed", rng.lognormal(size=200)),
    ]:
        levels = [0.5, 0.8, 0.9, 0.95]
        quantiles = [conformal(scores, level) for level in levels]
        lines += [f"\n[{name}]", f"scores = {text(scores)}", f"levels = {text(levels)}"]
        lines.append(f"quantiles = {text(quantiles)}")
    (HERE / "golden.toml").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
