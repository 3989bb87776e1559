"""Bring your own learner: an estimator of another library joins the search.

It is judged on the same folds as ours, and becomes part of the ensemble if that gains from it. The
model then needs Python, and a file with code is read only by who trusts it.
"""

from __future__ import annotations

from pathlib import Path

import lightgbm as lgb
import modelwright as mw
import numpy as np
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from tables import houses


def main(folder: Path = Path("own-learner"), time_limit: float = 30) -> None:
    train, market = houses(400), houses(200, seed=1)
    smooth = GaussianProcessRegressor(RBF(4.0) + WhiteKernel(0.3), normalize_y=True)
    booster = lgb.LGBMRegressor(n_estimators=100, learning_rate=0.05, n_jobs=1, verbose=-1)
    model = mw.fit(
        train,
        target="price",
        learners=["linear", "gbdt", booster, mw.Learner(smooth, name="gaussian process")],
        preset="quick",
        time_limit=time_limit,
    )
    print(model.leaderboard())
    tried = {t["trial"]["name"] for t in model.record["trials"]}
    assert {"LGBMRegressor", "gaussian process"} <= tried

    folder.mkdir(parents=True, exist_ok=True)
    path = model.save(folder / "model.mw")
    print("needs:", ", ".join(model.manifest.get("needs", [])) or "nothing: it runs anywhere")
    again = mw.load(path, trust=True)
    np.testing.assert_array_equal(again.predict(market), model.predict(market))


if __name__ == "__main__":
    main()
