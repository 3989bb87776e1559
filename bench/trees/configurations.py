"""What is measured: every configuration is a value in one of these tables."""

import math
from typing import NamedTuple

#: Everybody who trains. `ours` first; the order is also the order of the interleaved runs.
LIBRARIES = (
    "ours", "ours-oblivious", "lightgbm", "lightgbm-quantized", "xgboost", "catboost", "sklearn-hgb", "ydf",
)
LEARNING_RATE = 0.1
MAX_BINS = 255
#: Rounds of the fit that loads code and starts threads before the clock runs.
WARM_ROUNDS = 2

#: Parameters of ours that make its rounds like the peers': no sampling, all features, no stopping;
#: the smallest leaf and the penalty are LightGBM's defaults.
OURS = {
    "learning_rate": LEARNING_RATE, "feature_fraction": 1, "feature_fraction_bynode": 1,
    "sampling": "none", "min_samples_leaf": 20, "l2": 0,
}
#: How the variants of ours grow; by levels they are as deep as CatBoost's trees, and an oblivious
#: one has CatBoost's penalty.
VARIANTS = {
    "ours": {}, "ours-own": {}, "ours-oblivious": {"grow_policy": "oblivious", "l2": 3},
    "ours-depth-wise": {"grow_policy": "depth_wise"},
}


def depth_of(leaves):
    """The depth of a symmetric tree with about as many leaves."""
    return round(math.log2(leaves + 1))


def ours(variant, leaves, rounds, depth=0, more=()):
    """The parameters of a variant of ours."""
    found = {**OURS, **VARIANTS[variant], "max_leaves": leaves, "n_rounds": rounds,
             "max_depth": depth}
    if "grow_policy" in found:
        found["max_depth"] = depth or depth_of(leaves)
    return {**found, **dict(more)}


class Train(NamedTuple):
    """One training run: the same rows, rounds, leaves and bins for every library."""

    name: str
    data: str
    leaves: int
    rounds: int = 100
    threads: tuple = (1, 2)
    #: Whether another process holds one core meanwhile.
    busy: bool = False
    libraries: tuple = LIBRARIES


TRAIN = (
    Train("higgs-31", "higgs", 31),
    Train("higgs-255", "higgs", 255),
    Train("sgemm", "sgemm_gpu", 31),
    Train("disability", "fr_temp_disability", 31),
    Train("cover", "cover", 31),
    Train("santander", "santander_satisfaction", 31),
    Train("wide", "wide", 31),
    Train("adult", "adult", 31),
    Train("letter", "letter", 31),
    Train("higgs-31-loaded", "higgs", 31, busy=True,
          libraries=("ours", "lightgbm", "xgboost", "catboost")),
)



class Small(NamedTuple):
    """Out-of-fold predictions by many small fits; ours and LightGBM in its two ways."""

    name: str
    data: str
    leaves: int = 31
    rounds: int = 300
    folds: int = 8
    threads: tuple = (1, 2)
    libraries: tuple = ("ours", "lightgbm", "lightgbm-side-by-side")


SMALL = (Small("small", "small"),)


class Predict(NamedTuple):
    """One LightGBM model in every engine that reads it, and everybody's own of the same size."""

    name: str
    trees: int
    leaves: int
    #: The most splits above a leaf; 0 is without limit.
    depth: int = 0
    data: str = "higgs"
    #: Rows that the models are trained on.
    rows: int = 200_000
    threads: tuple = (1, 2)
    #: `ours` reads LightGBM's file too; `ours-own` is trained here.
    libraries: tuple = (
        "ours", "ours-own", "ours-oblivious", "lightgbm", "lleaves", "tl2cgen", "treelite", "onnxruntime",
        "xgboost", "catboost", "sklearn-hgb", "ydf",
    )


PREDICT = (
    Predict("100x31", 100, 31),
    Predict("500x31", 500, 31),
    Predict("300xdepth6", 300, 64, depth=6),
)


class Shap(NamedTuple):
    """Shapley values of a LightGBM model's margin, by tree paths."""

    name: str
    data: str
    trees: int
    leaves: int
    depth: int
    #: Explained test rows.
    rows: int = 2_000
    threads: tuple = (1, 2)
    libraries: tuple = ("ours", "lightgbm", "shap")


SHAP = (Shap("adult", "adult", trees=500, leaves=255, depth=8),)


class Kernel(NamedTuple):
    """The histogram kernel beside the plainest loop of its kind, on one core."""

    name: str
    example: str


KERNEL = (Kernel("histogram", "histogram_speed"),)


class Accuracy(NamedTuple):
    """One default model of each library on the data sets of a folder."""

    name: str
    #: Tasks of the data sets, and what a set must not be.
    tasks: tuple = ("binary", "multiclass", "regression")
    not_for: tuple = ("text", "drift", "fairness")
    #: Seeds by library; LightGBM's defaults draw nothing, so one says all.
    seeds: tuple = (("ours", 5), ("catboost", 5), ("lightgbm", 1))
    threads: int = 2
    libraries: tuple = ("ours", "lightgbm", "catboost")
    #: Names of the same in recorded results.
    recorded: tuple = (("lightgbm", "lightgbm-default"), ("catboost", "catboost-default"))
    #: Flags of `modelwright train gbdt` beyond data, target, seed and threads.
    flags: tuple = ()


ACCURACY = (Accuracy("default"),)

#: Relative difference of two errors that counts as a tie.
TIE = 0.002

SUITES = {
    "train": TRAIN, "small": SMALL, "accuracy": ACCURACY, "predict": PREDICT, "shap": SHAP,
    "kernel": KERNEL,
}
