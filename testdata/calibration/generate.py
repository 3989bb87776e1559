"""Writes `golden.toml`: calibration maps by scikit-learn.

    pip install numpy==2.4.6 scikit-learn==1.9.1 scipy==1.17.1
    python testdata/calibration/generate.py

Isotonic regression is `IsotonicRegression(out_of_bounds="clip")`; Platt scaling is what
`CalibratedClassifierCV(method="sigmoid")` fits, on log-odds; beta calibration is an unpenalised
logistic regression on `ln p` and `-ln(1 - p)`. Deterministic.
"""

import pathlib

import numpy as np
import sklearn
from scipy.special import expit, logit
from sklearn.calibration import _SigmoidCalibration
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

HERE = pathlib.Path(__file__).parent


def text(values):
    return "[" + ", ".join(repr(float(v)) for v in values) + "]"


def beta_features(p):
    return np.column_stack([np.log(p), -np.log(1 - p)])


def cases():
    rng = np.random.default_rng(5)
    for name, n, digits, weighted in [
        ("plain", 80, 9, False),
        ("ties", 90, 1, False),
        ("weighted", 70, 2, True),
        ("weighted with zeros", 60, 6, True),
    ]:
        x = np.clip(np.round(rng.uniform(0.02, 0.98, n), digits), 0.02, 0.98)
        y = (rng.uniform(size=n) < expit(1.8 * logit(x) + 0.5)).astype(float)
        w = np.round(rng.uniform(0.2, 3.0, n), 3) if weighted else None
        if "zeros" in name:
            w[rng.choice(n, 10, replace=False)] = 0.0
        yield name, x, y, w, True
    x = np.round(rng.normal(size=40), 3)
    yield "a falling line of numbers", x, -x, None, False
    x = np.round(rng.normal(size=60), 2)
    yield "numbers", x, np.round(x + rng.normal(size=60), 3), None, False
    yield "one row", np.array([0.4]), np.array([1.0]), None, False


def main():
    lines = [f"# Written by generate.py with scikit-learn {sklearn.__version__}."]
    for name, x, y, w, is_probability in cases():
        at = np.concatenate([np.linspace(x.min() - 0.01, x.max() + 0.01, 25), x[:10]])
        if is_probability:
            at = np.clip(at, 0.01, 0.99)
        isotonic = IsotonicRegression(out_of_bounds="clip").fit(x, y, sample_weight=w)
        lines += [f"\n['{name}']", f"x = {text(x)}", f"y = {text(y)}"]
        if w is not None:
            lines.append(f"weights = {text(w)}")
        lines += [f"at = {text(at)}", f"isotonic = {text(isotonic.predict(at))}"]
        if is_probability:
            platt = _SigmoidCalibration().fit(logit(x), y, sample_weight=w)
            beta = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000)
            beta.fit(beta_features(x), y, sample_weight=w)
            if (beta.coef_ > 0).all():
                lines.append(f"beta = {text(beta.predict_proba(beta_features(at))[:, 1])}")
            lines.append(f"platt = {text(platt.predict(logit(at)))}")
    (HERE / "golden.toml").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
