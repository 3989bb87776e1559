"""House prices: a number, and how far it can be off.

Shows a regression with intervals, a promise that the model has to keep (a larger house is never
valued lower), and the estimator in a scikit-learn cross-validation.
"""

from __future__ import annotations

import modelwright as mw
from sklearn.model_selection import cross_val_score
from tables import houses


def main(time_limit: float = 30) -> None:
    train, market = houses(2000), houses(300, seed=1)

    model = mw.fit(
        train,
        target="price",
        time_limit=time_limit,
        metric="mae",
        intervals=[0.8, 0.95],
        monotone={"area": 1},
    )
    found = model.evaluate(market)
    print(f"mean error {found['metrics']['mae']['value']:,.0f}")

    # Four of five prices lie inside, and it can be checked.
    interval = model.predict_interval(market, level=0.8)
    inside = market["price"].between(interval["lower"], interval["upper"])
    print(f"{inside.mean():.0%} of the prices lie in the interval of 80 %")

    # One house, as a service would ask.
    house = {"area": 120, "district": "harbour", "year": 1998}
    print(f"{model.predict(house):,.0f}")
    assert model.predict({**house, "area": 130}) >= model.predict(house)

    # The same engine as one estimator among scikit-learn's.
    booster = mw.GradientBoostingRegressor(n_rounds=100)
    scores = cross_val_score(booster, train.drop(columns="price"), train["price"], cv=3)
    print(f"R2 {scores.mean():.3f} in cross-validation")


if __name__ == "__main__":
    main()
