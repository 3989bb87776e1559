"""Golden values of `crates/learners/src/knn` from scikit-learn; writes `knn.toml` beside it.

Run: python generate_knn.py   (the version used is written into the file)
"""

import pathlib

import numpy as np
import sklearn
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

N, Q, P = 120, 15, 4
rng = np.random.default_rng(20240502)


def numbers(values, form):
    return "[" + ", ".join(form.format(v) for v in np.ravel(values)) + "]"


x = np.round(rng.normal(size=(N, P)), 3).astype(np.float32).astype(np.float64)
queries = np.round(rng.normal(size=(Q, P)), 3).astype(np.float32).astype(np.float64)
queries[0] = x[7]  # a row of training: only it votes by distance
score = x[:, 0] - x[:, 1] ** 2 + 0.3 * rng.normal(size=N)
targets = {
    "regression": np.round(score, 3),
    "binary": (score > -0.5).astype(int),
    "multiclass": np.digitize(score, [-1, 0]),
}
lines = [
    f"# scikit-learn {sklearn.__version__}, generate_knn.py",
    f"n_features = {P}",
    f"x = {numbers(x, '{:.3f}')}",
    f"queries = {numbers(queries, '{:.3f}')}",
]
for task, y in targets.items():
    for weights in ("uniform", "distance"):
        for metric, k in (("euclidean", 1), ("euclidean", 7), ("manhattan", 5)):
            kind = KNeighborsRegressor if task == "regression" else KNeighborsClassifier
            model = kind(n_neighbors=k, weights=weights, metric=metric).fit(x, y)
            if task == "regression":
                found = model.predict(queries)
            elif task == "binary":
                found = model.predict_proba(queries)[:, 1]
            else:
                found = model.predict_proba(queries)
            lines += [
                "",
                "[[case]]",
                f'name = "{task} {weights} {metric} {k}"',
                f'task = "{task}"',
                f"n_neighbors = {k}",
                f'weights = "{weights}"',
                f'metric = "{metric}"',
                f"y = {numbers(y.astype(float), '{:.3f}')}",
                f"predictions = {numbers(found, '{:.9f}')}",
            ]
path = pathlib.Path(__file__).with_name("knn.toml")
path.write_text("\n".join(lines) + "\n")
