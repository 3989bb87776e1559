"""How each peer bins, trains and predicts: the same rows, rounds, leaves and bins.

An adapter is a class with `bin(x, y)`, `fit(binned, rounds)` and `predict(model, x)`. Beyond rate,
rounds, leaves and bins every library keeps its own defaults. CatBoost grows its symmetric trees,
of the depth that has about as many leaves; all others grow leaf-wise.
"""

import time

from .configurations import LEARNING_RATE, MAX_BINS, depth_of


class Peer:
    """What all adapters know."""

    def __init__(self, job):
        self.task, self.n_classes = job["task"], job["n_classes"]
        self.leaves, self.threads = job["leaves"], job["threads"]
        self.depth = job.get("depth", 0)
        self.bin_s = None


class LightGbm(Peer):
    """LightGBM; with quantised gradients when asked."""

    extra = {}

    def params(self):
        """The parameters as a dictionary."""
        objective = {"binary": "binary", "multiclass": "multiclass", "regression": "l2"}
        found = {"objective": objective[self.task], "num_leaves": self.leaves,
                 "learning_rate": LEARNING_RATE, "max_bin": MAX_BINS,
                 "max_depth": self.depth or -1, "num_threads": self.threads, "verbose": -1, "seed": 1, **self.extra}
        return found | ({"num_class": self.n_classes} if self.task == "multiclass" else {})

    def bin(self, x, y):
        """A constructed data set."""
        import lightgbm

        return lightgbm.Dataset(x, y, params=self.params(), free_raw_data=False).construct()

    def fit(self, binned, rounds):
        """A booster."""
        import lightgbm

        return lightgbm.train(self.params(), binned, rounds)

    def predict(self, model, x):
        """Probabilities or values."""
        return model.predict(x, num_threads=self.threads)


class LightGbmQuantized(LightGbm):
    """The integer histograms of Shi et al., with exact leaves."""

    extra = {"use_quantized_grad": True, "num_grad_quant_bins": 4, "quant_train_renew_leaf": True}


class XgBoost(Peer):
    """XGBoost's histogram method, leaf-wise."""

    def bin(self, x, y):
        """A quantile matrix."""
        import xgboost

        return xgboost.QuantileDMatrix(x, y, max_bin=MAX_BINS, nthread=self.threads)

    def fit(self, binned, rounds):
        """A booster."""
        import xgboost

        objective = {"binary": "binary:logistic", "multiclass": "multi:softprob",
                     "regression": "reg:squarederror"}
        params = {"objective": objective[self.task], "tree_method": "hist", "max_depth": self.depth,
                  "grow_policy": "lossguide", "max_leaves": self.leaves, "eta": LEARNING_RATE,
                  "max_bin": MAX_BINS, "nthread": self.threads, "seed": 1}
        if self.task == "multiclass":
            params["num_class"] = self.n_classes
        return xgboost.train(params, binned, rounds)

    def predict(self, model, x):
        """Probabilities or values."""
        return model.inplace_predict(x)


class CatBoost(Peer):
    """CatBoost's symmetric trees without row sampling; several classes share each tree."""

    def bin(self, x, y):
        """A quantised pool."""
        import catboost

        pool = catboost.Pool(x, y, thread_count=self.threads)
        pool.quantize(border_count=MAX_BINS - 1)
        return pool

    def fit(self, binned, rounds):
        """A fitted model."""
        import catboost

        loss = {"binary": "Logloss", "multiclass": "MultiClass", "regression": "RMSE"}
        return catboost.CatBoost({
            "loss_function": loss[self.task], "iterations": rounds, "random_seed": 1,
            "depth": depth_of(self.leaves), "learning_rate": LEARNING_RATE,
            "border_count": MAX_BINS - 1, "bootstrap_type": "No", "thread_count": self.threads,
            "verbose": False, "allow_writing_files": False,
        }).fit(binned)

    def predict(self, model, x):
        """Probabilities or values."""
        kind = "RawFormulaVal" if self.task == "regression" else "Probability"
        found = model.predict(x, prediction_type=kind, thread_count=self.threads)
        return found[:, 1] if self.task == "binary" else found


class SklearnHgb(Peer):
    """scikit-learn's histogram booster; it bins inside `fit`, so that is timed on its own."""

    def bin(self, x, y):
        """The rows as they are; binning is timed once and later taken off the training time."""
        from sklearn.ensemble._hist_gradient_boosting.binning import _BinMapper

        begun = time.perf_counter()
        _BinMapper(n_bins=MAX_BINS + 1, random_state=1, n_threads=self.threads).fit_transform(
            x.astype("float64"))
        self.bin_s = time.perf_counter() - begun
        return x, y if self.task == "regression" else y.astype(int)

    def fit(self, binned, rounds):
        """An estimator."""
        from sklearn import ensemble

        regression = self.task == "regression"
        kind = (ensemble.HistGradientBoostingRegressor if regression
                else ensemble.HistGradientBoostingClassifier)
        return kind(max_iter=rounds, learning_rate=LEARNING_RATE, max_leaf_nodes=self.leaves,
                    max_depth=self.depth or None, max_bins=MAX_BINS, early_stopping=False, random_state=1).fit(*binned)

    def predict(self, model, x):
        """Probabilities or values."""
        if self.task == "regression":
            return model.predict(x)
        found = model.predict_proba(x)
        return found[:, 1] if self.task == "binary" else found


class Ydf(Peer):
    """Yggdrasil's booster, best-first on discretised numbers."""

    def columns(self, x, y=None):
        """The rows as YDF takes them."""
        found = {f"f{i}": x[:, i] for i in range(x.shape[1])}
        if y is not None:
            found["y"] = y if self.task == "regression" else y.astype(int)
        return found

    def bin(self, x, y):
        """A vertical data set."""
        import ydf

        kind = "NUMERICAL" if self.task == "regression" else "CATEGORICAL"
        wanted = [(f"f{i}", ydf.Semantic.NUMERICAL) for i in range(x.shape[1])]
        return ydf.create_vertical_dataset(
            self.columns(x, y), columns=[*wanted, ("y", ydf.Semantic[kind])],
            discretize_numerical_columns=True, num_discretized_numerical_bins=MAX_BINS)

    def fit(self, binned, rounds):
        """A model."""
        import ydf

        # A tree that is only a root has depth 1 here.
        depth = self.depth + 1 if self.depth else -1
        task = ydf.Task.REGRESSION if self.task == "regression" else ydf.Task.CLASSIFICATION
        return ydf.GradientBoostedTreesLearner(
            label="y", task=task, num_trees=rounds, shrinkage=LEARNING_RATE, max_depth=depth,
            growing_strategy="BEST_FIRST_GLOBAL", max_num_nodes=self.leaves,
            validation_ratio=0.0, early_stopping="NONE", num_threads=self.threads,
            discretize_numerical_columns=True, num_discretized_numerical_bins=MAX_BINS,
        ).train(binned, verbose=0)

    def predict(self, model, x):
        """Probabilities or values."""
        return model.predict(self.columns(x), num_threads=self.threads)


PEERS = {
    "lightgbm": LightGbm, "lightgbm-quantized": LightGbmQuantized, "xgboost": XgBoost,
    "catboost": CatBoost, "sklearn-hgb": SklearnHgb, "ydf": Ydf,
}
