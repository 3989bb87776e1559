"""Churn: who is about to leave, when losing a customer costs more than a phone call?

Shows the look at a table before anything is fitted, a column that knows the answer, costs of
errors, the test on rows that came later, and the report.
"""

from __future__ import annotations

import sys
from pathlib import Path

import modelwright as mw
from tables import customers


def main(folder: Path, time_limit: float = 30) -> None:
    train, later = customers(3000), customers(800, seed=1)

    # 1. Look first. The last invoice is empty for those who have left: it knows the answer.
    profile = mw.profile(train, target="left")
    print([(found["columns"], found["kind"]) for found in profile.leakage])

    # 2. Fit. A customer who is lost costs five calls to customers who would have stayed anyway.
    model = mw.fit(
        train,
        target="left",
        time_limit=time_limit,
        exclude="last_invoice",
        cost={"fp": 1, "fn": 5},
    )
    print(model.leaderboard()[["name", "score", "weight"]].head())

    # 3. Test on rows that nothing was learned from.
    found = model.evaluate(later)
    low, high = found["metrics"]["roc_auc"]["ci95"]
    print(f"roc_auc {found['metrics']['roc_auc']['value']:.3f} (95 % {low:.3f} to {high:.3f})")
    print(found["confusion"])

    # 4. Whom to call: the customers whose loss is likeliest.
    risk = model.predict_proba(later)["yes"].sort_values(ascending=False)
    print(later.loc[risk.index[:5], ["customer", "contract", "months"]])

    # 5. Keep it: the model, the report for people, the account of the run for a replay.
    model.save(folder / "churn")
    model.report().save(folder / "churn.md")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
