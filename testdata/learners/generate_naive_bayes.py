"""Golden values of `crates/learners/src/naive_bayes` from scikit-learn; writes `naive_bayes.toml`.

Run: python generate_naive_bayes.py   (the version used is written into the file)

Three features are numbers, two are categories. Where a case has both kinds, the joint log
likelihoods of `GaussianNB` and `CategoricalNB` are added and the log prior taken off once.
"""

import pathlib

import numpy as np
import sklearn
from scipy.special import softmax
from sklearn.naive_bayes import CategoricalNB, GaussianNB

N, Q = 150, 12
rng = np.random.default_rng(20240503)


def numbers(values, form):
    return "[" + ", ".join(form.format(v) for v in np.ravel(values)) + "]"


def table(n):
    real = np.round(rng.normal(size=(n, 3)) * [1, 10, 0.1] + [0, 50, 1], 3)
    levels = np.column_stack([rng.integers(0, 4, n), rng.integers(0, 3, n)])
    return real.astype(np.float32).astype(np.float64), levels


real, levels = table(N)
query_real, query_levels = table(Q)
score = real[:, 0] + 0.1 * real[:, 1] + (levels[:, 0] == 2) - 0.5 * levels[:, 1]
score += rng.normal(size=N)
targets = {"binary": (score > 5).astype(int), "multiclass": np.digitize(score, [4.3, 5.5])}
lines = [
    f"# scikit-learn {sklearn.__version__}, generate_naive_bayes.py",
    f"real = {numbers(real, '{:.3f}')}",
    f"levels = {numbers(levels, '{:.1f}')}",
    f"query_real = {numbers(query_real, '{:.3f}')}",
    f"query_levels = {numbers(query_levels, '{:.1f}')}",
]
for task, y in targets.items():
    for kinds in ("real", "levels", "both"):
        for weighted in (False, True):
            w = rng.integers(1, 4, N).astype(float) if weighted else np.ones(N)
            alpha = 0.5 if weighted else 1.0
            gaussian = GaussianNB(var_smoothing=1e-14).fit(real, y, sample_weight=w)
            category = CategoricalNB(alpha=alpha).fit(levels, y, sample_weight=w)
            joint = np.log(np.bincount(y, w) / w.sum()) * np.ones((Q, 1))
            prior = joint.copy()
            if kinds != "levels":
                joint = joint + gaussian.predict_joint_log_proba(query_real) - prior
            if kinds != "real":
                joint = joint + category.predict_joint_log_proba(query_levels) - prior
            found = softmax(joint, axis=1)
            found = found[:, 1] if task == "binary" else found
            lines += [
                "",
                "[[case]]",
                f'name = "{task} {kinds} {"weighted" if weighted else "plain"}"',
                f'kinds = "{kinds}"',
                f"n_classes = {max(y) + 1}",
                f"alpha = {alpha}",
                f"y = {numbers(y.astype(float), '{:.0f}')}",
                f"weights = {numbers(w, '{:.1f}')}",
                f"predictions = {numbers(found, '{:.9f}')}",
            ]
path = pathlib.Path(__file__).with_name("naive_bayes.toml")
path.write_text("\n".join(lines) + "\n")
