"""Tables for the examples, made up by rules that are written here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def customers(n_rows: int, seed: int = 0) -> Any:
    """Customers of a telephone company and whether they left."""
    random = np.random.default_rng(seed)
    months = random.integers(1, 72, n_rows)
    contract = random.choice(["monthly", "yearly", "two years"], n_rows, p=[0.55, 0.25, 0.2])
    charge = random.normal(65, 25, n_rows).clip(15).round(2)
    calls = random.poisson(1.2, n_rows)
    risk = (
        -1.5
        + 1.6 * (contract == "monthly")
        - 0.03 * months
        + 0.015 * (charge - 65)
        + 0.5 * calls
    )
    left = random.random(n_rows) < 1 / (1 + np.exp(-risk))
    return pd.DataFrame(
        {
            "customer": [f"C{i:06d}" for i in random.permutation(n_rows)],
            "months": months,
            "contract": contract,
            "charge": charge,
            "support_calls": calls,
            "last_invoice": np.where(left, np.nan, (charge * 1.19).round(2)),
            "left": np.where(left, "yes", "no"),
        }
    )


def houses(n_rows: int, seed: int = 0) -> Any:
    """Houses and their prices."""
    random = np.random.default_rng(seed)
    area = random.gamma(9, 14, n_rows).round()
    district = random.choice(["centre", "harbour", "hill", "station"], n_rows)
    year = random.integers(1900, 2024, n_rows)
    level = pd.Series(district).map({"centre": 1.5, "harbour": 1.2, "hill": 1.3, "station": 1.0})
    price = area * 2900 * level * (1 + (year - 1900) / 500) * random.lognormal(0, 0.12, n_rows)
    return pd.DataFrame(
        {"area": area, "district": district, "year": year, "price": price.round(-3)}
    )


def applicants(n_rows: int, seed: int = 0) -> Any:
    """Applicants for a loan: who is asked about, and whether they paid it back."""
    random = np.random.default_rng(seed)
    sex = random.choice(["female", "male"], n_rows)
    age = random.integers(20, 70, n_rows)
    income = random.lognormal(10.3, 0.4, n_rows).round() * np.where(sex == "male", 1.15, 1.0)
    debt = random.gamma(2.0, 4000, n_rows).round()
    score = 0.9 + 1.4 * np.log(income / 30000) - debt / 12000 + random.normal(0, 0.7, n_rows)
    return pd.DataFrame(
        {"sex": sex, "age": age, "income": income, "debt": debt, "repaid": score > 0}
    )
