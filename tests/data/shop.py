"""Small files of shops, their sales and the items of these: three levels, and countries that are public."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


def write_shop(folder: Path, n: int = 60, seed: int = 0) -> dict[str, Any]:
    """Write the files and return the settings that read them.

    Big shops have more sales; sales of one shop are alike in price and country; sales of more than 20 have more items.
    Some shops have no sales, some sales no items; the rows of sales stand in no order.
    """
    draw = np.random.default_rng(seed)
    size = draw.choice(["big", "small"], n)
    shops = pd.DataFrame({"shop": [f"s{k}" for k in range(n)], "size": size, "area": draw.gamma(5, 20, n).round(1)})
    count = draw.poisson(np.where(size == "big", 8, 2))
    owner = np.repeat(np.arange(n), count)
    mood, home = draw.normal(size=n), draw.integers(0, 2, n)
    days = pd.to_datetime("2024-01-01") + pd.to_timedelta(draw.integers(0, 300, len(owner)), "D")
    sales = pd.DataFrame(
        {
            "sale": np.arange(len(owner)) + 1000,
            "shop": shops["shop"].to_numpy()[owner],
            "price": np.exp(3 + 0.6 * mood[owner] + 0.2 * draw.normal(size=len(owner))).round(2),
            "land": np.where(draw.random(len(owner)) < 0.9, np.array(["DE", "FR"])[home[owner]], "FR"),
            "day": days.strftime("%Y-%m-%d"),
            "means": draw.choice(["cash", "card", ""], len(owner), p=[0.3, 0.6, 0.1]),
        }
    )
    each = draw.poisson(np.where(sales["price"] > 20, 3, 1))
    items = pd.DataFrame({"sale": np.repeat(sales["sale"], each), "weight": draw.integers(1, 9, int(each.sum()))})
    shops.to_csv(folder / "shops.csv", index=False)
    sales.sample(frac=1, random_state=seed).to_csv(folder / "sales.csv", index=False)
    items.to_csv(folder / "items.csv", index=False)
    lands = pd.DataFrame({"land": ["DE", "FR", "IT"], "name": ["Germany", "France", "Italy"]})
    lands.to_csv(folder / "lands.csv", index=False)
    return {
        "shops": {"read": "csv", "path": str(folder / "shops.csv"), "key": "shop"},
        "sales": {
            "read": "csv",
            "path": str(folder / "sales.csv"),
            "key": "sale",
            "parent": {"shops": "shop"},
            "links": {"lands": "land"},
            "order": "day",
        },
        "items": {"read": "csv", "path": str(folder / "items.csv"), "parent": {"sales": "sale"}},
        "lands": {"read": "csv", "path": str(folder / "lands.csv"), "key": "land", "keep": True},
    }
