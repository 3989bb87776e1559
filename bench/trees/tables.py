"""The data of the measurements: arrays that every library reads from the same files.

A table is four `.npy` files (training features, training target, test features, test target; all
float32, features row-major) and one `.bin` file with the same numbers for the Rust examples (its
layout is described in `crates/learners/examples/measure/table.rs`). Made tables come from a fixed
seed. Tables of a folder keep its split; words become integer codes (missing is NaN), the same
numbers for every library.
"""

import json

import numpy as np

SEED = 20_261
PARTS = ("x", "y", "x_test", "y_test")
TASK_CODES = {"regression": 0, "binary": 1, "multiclass": 2}
N_COVER_CLASSES = 7


def _standard(a):
    return (a - a.mean(axis=0)) / a.std(axis=0)


def _higgs(random, n):
    """21 measured quantities (momenta, angles, tags) and 7 masses made from them; noisy label."""
    momenta = random.lognormal(0.0, 0.6, (n, 8))
    angles = random.uniform(-2.5, 2.5, (n, 9))
    tags = random.choice([0.0, 1.1, 2.2], (n, 4), p=[0.5, 0.15, 0.35])
    pairs = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7)]
    masses = [
        np.sqrt(2 * momenta[:, a] * momenta[:, b]
                * (np.cosh(0.5 * (angles[:, a] - angles[:, b])) - np.cos(angles[:, (a + 2) % 9])))
        * random.lognormal(0.0, 0.1, n) for a, b in pairs
    ]
    m = _standard(np.log1p(np.stack(masses, axis=1)))
    logit = (1.1 * np.abs(m[:, 0]) - 0.9 * m[:, 1] * m[:, 2] + 0.8 * np.sin(2 * m[:, 3])
             - 0.7 * m[:, 4] + 0.5 * tags[:, 0] * m[:, 5] - 0.4 * m[:, 6] ** 2
             + 0.6 * np.cos(angles[:, 7] - angles[:, 8]) * np.log(momenta[:, 0]))
    y = random.random(n) < 1 / (1 + np.exp(-(logit - np.median(logit))))
    return np.concatenate([momenta, angles, tags, m], axis=1), y


def _cover(random, n):
    """Ten terrain numbers, two one-hot groups (4 and 40 columns), seven unequal classes."""
    terrain = np.round(np.concatenate([
        random.normal(2900, 300, (n, 1)), random.uniform(0, 360, (n, 1)),
        random.gamma(4, 3.5, (n, 1)), random.exponential([250, 1800, 1500], (n, 3)),
        random.normal([45, 210, 220, 140], [60, 27, 20, 40], (n, 4)),
    ], axis=1))
    area = random.choice(4, n, p=[0.45, 0.05, 0.43, 0.07])
    soil = np.minimum(random.geometric(0.08, n) - 1, 39)
    z = _standard(terrain)
    shaped = np.concatenate([z, np.sin(2 * z), z * np.roll(z, 3, axis=1)], axis=1)
    score = shaped @ random.normal(0, 0.9, (30, N_COVER_CLASSES))
    score += random.normal(0, 1, (4, N_COVER_CLASSES))[area]
    score += random.normal(0, 1.5, (40, N_COVER_CLASSES))[soil]
    score += np.log([0.36, 0.49, 0.06, 0.005, 0.02, 0.03, 0.035])
    y = (score + random.gumbel(0, 1, score.shape)).argmax(axis=1)
    return np.concatenate([terrain, np.eye(4)[area], np.eye(40)[soil]], axis=1), y


def _wide(random, n):
    """Forty independent numbers and 160 noisy mixtures of them; a smooth nonlinear target."""
    base = random.normal(0, 1, (n, 40))
    mixed = base @ random.normal(0, 0.3, (40, 160)) + random.normal(0, 1, (n, 160))
    y = (8 * np.sin(base[:, 0] * base[:, 1]) + 4 * base[:, 2] ** 2 + 4 * base[:, 3]
         + 3 * np.abs(base[:, 4]) + base[:, 5:20] @ random.normal(0, 1, 15)
         + random.normal(0, 2, n))
    return np.concatenate([base, mixed], axis=1), y


def _small(random, n):
    x = random.normal(0, 1, (n, 20))
    logit = 2 * x[:, 0] * x[:, 1] + np.sin(3 * x[:, 2]) + x[:, 3] - 0.5 * x[:, 4] ** 2
    return x, random.random(n) < 1 / (1 + np.exp(-logit))


#: Name: task, training rows, test rows, how it is made.
MADE = {
    "higgs": ("binary", 1_000_000, 100_000, _higgs),
    "cover": ("multiclass", 500_000, 80_000, _cover),
    "wide": ("regression", 100_000, 20_000, _wide),
    "small": ("binary", 5_000, 5_000, _small),
}


def _coded(train, test):
    """Both tables as numbers: words become the positions of the training words in their order."""
    import pandas as pd

    columns = []
    for name in train.columns:
        if pd.api.types.is_numeric_dtype(train[name]):
            columns.append([c[name].to_numpy(np.float64, na_value=np.nan) for c in (train, test)])
            continue
        words = pd.Index(sorted(train[name].dropna().astype(str).unique()))
        codes = [words.get_indexer(c[name].where(c[name].notna()).astype(str)).astype(float)
                 for c in (train, test)]
        columns.append([np.where(c < 0, np.nan, c) for c in codes])
    return [np.stack([c[part] for c in columns], axis=1) for part in (0, 1)]


def _read(folder):
    import pandas as pd

    meta = json.loads((folder / "meta.json").read_text())
    task = meta.get("base_task") or meta["task"]
    train, test = (pd.read_parquet(folder / f"{part}.parquet") for part in ("train", "test"))
    y, y_test = (t.pop(meta["target"]) for t in (train, test))
    if task != "regression":
        names = sorted(y.unique())
        y, y_test = (t.map({name: i for i, name in enumerate(names)}) for t in (y, y_test))
    x, x_test = _coded(train, test)
    return task, (x, y, x_test, y_test)


def _made(name):
    task, n_train, n_test, make = MADE[name]
    x, y = make(np.random.default_rng(SEED), n_train + n_test)
    return task, (x[:n_train], y[:n_train], x[n_train:], y[n_train:])


def _write_bin(path, task, n_classes, arrays):
    x, y, x_test, y_test = arrays
    header = [TASK_CODES[task], len(y), len(y_test), x.shape[1], n_classes]
    with open(path, "wb") as out:
        out.write(np.array(header, "<u4").tobytes())
        for features, target in ((x, y), (x_test, y_test)):
            for column in features.T:
                out.write(np.ascontiguousarray(column, "<f4").tobytes())
            out.write(target.astype("<f4").tobytes())


def ensure(name, work, folder):
    """Makes the table in `work` unless it is there; returns what is known about it."""
    about = work / f"{name}.json"
    if about.exists():
        return json.loads(about.read_text())
    if name not in MADE and folder is None:
        raise SystemExit(f"`{name}` is read from a folder: name it with --data FOLDER")
    task, arrays = _made(name) if name in MADE else _read(folder / name)
    arrays = [np.ascontiguousarray(np.asarray(a), np.float32) for a in arrays]
    n_classes = 0 if task == "regression" else int(arrays[1].max()) + 1
    work.mkdir(parents=True, exist_ok=True)
    for part, array in zip(PARTS, arrays):
        np.save(work / f"{name}_{part}.npy", array)
    _write_bin(work / f"{name}.bin", task, n_classes, arrays)
    known = {"name": name, "task": task, "n_classes": n_classes, "n_rows": len(arrays[0]),
             "n_features": arrays[0].shape[1]}
    about.write_text(json.dumps(known))
    return known


def load(name, work):
    """Training features and target, test features and target."""
    return [np.load(f"{work}/{name}_{part}.npy") for part in PARTS]


def quality(task, y, predicted):
    """Name and value of the metric: ROC AUC, log loss or RMSE."""
    if task == "regression":
        return "rmse", float(np.sqrt(np.mean((np.asarray(predicted, float) - y) ** 2)))
    if task == "binary":
        from scipy.stats import rankdata

        positive = y == 1
        n = positive.sum()
        ranks = rankdata(predicted)[positive].sum()
        return "auc", float((ranks - n * (n + 1) / 2) / (n * (len(y) - n)))
    p = np.clip(np.asarray(predicted, float), 1e-15, 1)
    return "log_loss", float(-np.log(p[np.arange(len(y)), y.astype(int)]).mean())
