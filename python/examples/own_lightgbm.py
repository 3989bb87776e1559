"""Bring your own LightGBM: a booster that exists becomes a model with everything around it.

Its predictions stay the library's; LightGBM is not needed to use it.
"""

from __future__ import annotations

import lightgbm as lgb
import modelwright as mw
import numpy as np
from tables import houses


def main(time_limit: float = 15) -> None:
    train, market = houses(2000), houses(400, seed=1)
    features = ["area", "year"]
    booster = lgb.LGBMRegressor(n_estimators=100, n_jobs=1, verbose=-1)
    booster.fit(train[features], train["price"])

    model = mw.import_model(booster, target="price")
    theirs = booster.predict(market[features])
    np.testing.assert_allclose(model.predict(market), theirs, rtol=1e-9)

    # Is a search better, beyond chance? The district may be used as it is.
    ours = mw.fit(train, target="price", time_limit=time_limit)
    found = ours.compare(model, market)
    print(found["verdict"])
    assert found["significant"]


if __name__ == "__main__":
    main()
