"""Golden values of `crates/learners/src/linear` from scikit-learn; writes `linear.toml` beside it.

Run: python generate_linear.py   (the versions used are written into the file)

The learner standardises features (weighted mean and deviation) and, for regression, the target,
and minimises mean loss + lambda * (l1_ratio * |b|_1 + (1 - l1_ratio) / 2 * |b|^2). Here the same
is done by hand around scikit-learn's estimators; coefficients are given per raw unit.
"""

import pathlib

import numpy as np
import sklearn
from sklearn.linear_model import ElasticNet, LogisticRegression, Ridge

N, P = 80, 4
rng = np.random.default_rng(20240501)


def table():
    x = rng.normal(size=(N, P)) * [1.0, 10.0, 0.1, 100.0] + [0.0, 50.0, 1.0, -200.0]
    x[:, 3] += 3.0 * x[:, 1]
    return np.round(x, 3).astype(np.float32).astype(np.float64)


def standardise(x, w):
    center = np.average(x, axis=0, weights=w)
    scale = np.sqrt(np.average((x - center) ** 2, axis=0, weights=w))
    return center, scale, (x - center) / scale


def numbers(values, form="{:.9g}"):
    return "[" + ", ".join(form.format(v) for v in np.ravel(values)) + "]"


def case(name, task, x, y, w, strength, l1_ratio, coefficients, predictions):
    print("[[case]]")
    print(f'name = "{name}"\ntask = "{task}"\npenalty = {strength}\nl1_ratio = {float(l1_ratio)}')
    print(f"x = {numbers(x, '{:.3f}')}")
    print(f"y = {numbers(y, '{:.6f}')}")
    print(f"weights = {numbers(w, '{:.1f}')}")
    print(f"coefficients = {numbers(coefficients)}")
    print(f"predictions = {numbers(predictions)}\n")


def regression(name, strength, l1_ratio, weighted):
    x = table()
    y = x @ [2.0, -0.3, 5.0, 0.02] + rng.normal(size=N)
    y = np.round(y, 4)
    w = rng.integers(1, 5, size=N).astype(float) if weighted else np.ones(N)
    _, scale, z = standardise(x, w)
    y_center = np.average(y, weights=w)
    y_scale = np.sqrt(np.average((y - y_center) ** 2, weights=w))
    target = (y - y_center) / y_scale
    if l1_ratio == 0.0:
        model = Ridge(alpha=strength * w.sum(), solver="cholesky")
    else:
        model = ElasticNet(alpha=strength, l1_ratio=l1_ratio, tol=1e-14, max_iter=100_000)
    model.fit(z, target, sample_weight=w)
    predicted = model.predict(z) * y_scale + y_center
    case(name, "regression", x, y, w, strength, l1_ratio, model.coef_ / scale * y_scale, predicted)


def classification(name, n_classes, strength, l1_ratio, weighted):
    x = table()
    w = rng.integers(1, 5, size=N).astype(float) if weighted else np.ones(N)
    _, scale, z = standardise(x, w)
    scores = z @ rng.normal(size=(P, n_classes)) + rng.gumbel(size=(N, n_classes))
    y = scores.argmax(axis=1)
    assert len(set(y)) == n_classes
    solver = "lbfgs" if l1_ratio == 0.0 else "saga"
    model = LogisticRegression(
        C=1.0 / (strength * w.sum()), l1_ratio=l1_ratio, solver=solver, tol=1e-13,
        max_iter=1_000_000,
    )
    model.fit(z, y, sample_weight=w)
    predicted = model.predict_proba(z)
    task = "multiclass"
    if n_classes == 2:
        predicted, task = predicted[:, 1], "binary"
    case(name, task, x, y, w, strength, l1_ratio, model.coef_ / scale, predicted)


if __name__ == "__main__":
    import contextlib

    path = pathlib.Path(__file__).with_name("linear.toml")
    with path.open("w") as file, contextlib.redirect_stdout(file):
        print("# Written by generate_linear.py; do not edit.")
        print(f'versions = "scikit-learn {sklearn.__version__}, numpy {np.__version__}"\n')
        regression("ridge", 0.1, 0.0, weighted=False)
        regression("ridge with weights", 0.001, 0.0, weighted=True)
        regression("elastic net", 0.05, 0.5, weighted=False)
        regression("lasso with weights", 0.1, 1.0, weighted=True)
        classification("logistic", 2, 0.01, 0.0, weighted=False)
        classification("logistic with weights", 2, 0.1, 0.0, weighted=True)
        classification("logistic with 1-norm", 2, 0.03, 1.0, weighted=True)
        classification("softmax", 3, 0.01, 0.0, weighted=False)
        classification("softmax with weights", 4, 0.1, 0.0, weighted=True)
        classification("softmax elastic net", 3, 0.05, 0.5, weighted=False)
