"""What is measured: every configuration is a value in one of these tables."""

from typing import NamedTuple

#: Everybody who trains. `ours` first; the order is also the order of the interleaved runs.
LIBRARIES = (
    "ours", "lightgbm", "lightgbm-quantized", "xgboost", "catboost", "sklearn-hgb", "ydf",
)
LEARNING_RATE = 0.1
MAX_BINS = 255
#: Rounds of the fit that loads code and starts threads before the clock runs.
WARM_ROUNDS = 2

#: Parameters of ours that make its rounds like the peers': no sampling, all features, no stopping.
OURS = {
    "learning_rate": LEARNING_RATE, "feature_fraction": 1, "feature_fraction_bynode": 1,
    "bagging_fraction": 1, "min_samples_leaf": 20,
}


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

SUITES = {"train": TRAIN}
