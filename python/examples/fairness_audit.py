"""Fairness: are women and men treated alike, and what does it cost to make it so?

Shows the audit of a model on rows that it has not seen, of a column that it does not even know.
"""

from __future__ import annotations

import sys
from pathlib import Path

import modelwright as mw
from tables import applicants


def main(folder: Path, time_limit: float = 20) -> None:
    train, later = applicants(3000), applicants(1500, seed=1)

    # The model must not look at the sex; it may still find it in the income.
    model = mw.fit(train, target="repaid", time_limit=time_limit, exclude="sex")
    audit = model.audit(later, sensitive=["sex", "age"])
    print(audit)

    # Every measure with its interval, by fairlearn's names.
    of_sex = audit.document["audits"][0]
    for name, measure in of_sex["difference"].items():
        print(f"{name:32} {measure['value']}")
    audit.save(folder / "audit.html")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
