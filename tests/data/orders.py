"""Small files of customers, their orders and the numbered lines of these, which repeat what their owners say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

PRODUCTS = ("nut", "cog", "bolt", "gear")


def write_orders(folder: Path, n: int = 300, seed: int = 0) -> dict[str, Any]:
    """Write the files and return the settings that read them.

    Lines of an order are numbered from 1; the first is a gear in nine cases of ten, the others hardly ever, and the
    more lines an order has, the less of each. An order has the name of its customer and a currency, which its lines
    have too, beside the key of the customer; of some customers the country is not known, and so of their orders. The
    rows of lines stand in no order.
    """
    draw = np.random.default_rng(seed)
    customers = pd.DataFrame(
        {
            "customer_id": [f"C{k:05d}" for k in draw.permutation(n) + 10_000],
            "customer_name": [f"{draw.choice(['Ann', 'Bo', 'Cy', 'Di'])} {k}" for k in range(n)],
            "country": draw.choice(["DE", "FR", "US", ""], n, p=[0.4, 0.3, 0.2, 0.1]),
            "limit": draw.integers(1, 60, n) * 10,
        }
    )
    owner = np.repeat(np.arange(n), draw.poisson(2, n))
    orders = customers.take(owner).reset_index(drop=True)[["customer_id", "customer_name", "country"]]
    days = pd.to_datetime("2024-01-01") + pd.to_timedelta(draw.integers(0, 300, len(owner)), "D")
    orders.insert(0, "order_id", np.arange(len(owner)) + 1000)
    orders["ordered"] = days.strftime("%Y-%m-%d")
    orders["currency"] = np.where(
        draw.random(len(owner)) < 0.8, np.where(orders["country"] == "US", "USD", "EUR"), "CHF"
    )
    count = 1 + draw.poisson(2, len(owner))
    of = np.repeat(np.arange(len(owner)), count)
    number = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count) + 1
    first = (number == 1) == (draw.random(len(of)) < 0.9)
    lines = pd.DataFrame(
        {
            "order_id": orders["order_id"].to_numpy()[of],
            "line_no": number,
            "customer_id": orders["customer_id"].to_numpy()[of],
            "currency": orders["currency"].to_numpy()[of],
            "product": np.where(first, "gear", draw.choice(PRODUCTS[:3], len(of))),
            "pieces": 1 + draw.poisson(20 / count[of]),
        }
    )
    lines = lines.sample(frac=1, random_state=seed)
    for name, table in (("customers", customers), ("orders", orders), ("lines", lines)):
        table.to_csv(folder / f"{name}.csv", index=False)
    place = {name: str(folder / f"{name}.csv") for name in ("customers", "orders", "lines")}
    return {
        "customers": {"read": "csv", "path": place["customers"], "key": "customer_id"},
        "orders": {
            "read": "csv",
            "path": place["orders"],
            "key": "order_id",
            "parent": {"customers": "customer_id"},
            "order": "ordered",
        },
        "lines": {"read": "csv", "path": place["lines"], "parent": {"orders": "order_id"}},
    }


def write_regions(folder: Path, n: int = 200, seed: int = 0) -> dict[str, Any]:
    """Write files of orders that are numbered in each region, with lines and their parcels: no key is one column.

    The last table calls the keys of its owner otherwise; some lines have no parcel. Rows stand in no order.
    """
    draw = np.random.default_rng(seed)
    region = draw.choice(["N", "S", "W"], n, p=[0.5, 0.3, 0.2])
    orders = pd.DataFrame({"region": region, "number": pd.Series(region).groupby(region).cumcount() + 1})
    orders["paid"] = draw.choice(["yes", "no"], n)
    lines = orders.loc[np.repeat(np.arange(n), 1 + draw.poisson(1.5, n)), ["region", "number"]].reset_index(drop=True)
    lines["line_no"] = lines.groupby(["region", "number"]).cumcount() + 1
    lines["price"] = (np.where(lines["region"] == "N", 10, 30) + draw.gamma(2, 5, len(lines))).round(2)
    parcels = lines.loc[np.repeat(np.arange(len(lines)), draw.poisson(1, len(lines)))]
    parcels = parcels.drop(columns="price").rename(columns={"region": "area", "number": "of", "line_no": "line"})
    parcels["weight"] = draw.integers(1, 60, len(parcels))
    place = {}
    for name, table in (("orders", orders), ("lines", lines), ("parcels", parcels)):
        place[name] = str(folder / f"{name}.csv")
        table.sample(frac=1, random_state=seed).to_csv(place[name], index=False)
    return {
        "orders": {"read": "csv", "path": place["orders"], "key": ["region", "number"]},
        "lines": {
            "read": "csv",
            "path": place["lines"],
            "key": ["region", "number", "line_no"],
            "parent": {"orders": ["region", "number"]},
        },
        "parcels": {"read": "csv", "path": place["parcels"], "parent": {"lines": ["area", "of", "line"]}},
    }
