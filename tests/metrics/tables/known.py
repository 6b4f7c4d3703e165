"""Families from one fixed distribution, to be measured: shops with sales that are alike, in order, in a country."""

from __future__ import annotations

import numpy as np

from lookalike.core.contracts import Reference
from lookalike.core.schema import Column, Member
from lookalike.data.relations import Relations, relations_schema
from lookalike.data.table import Table, table_schema

SHOPS = table_schema(
    [Column(name="shop", kind="id"), Column(name="size", kind="category", categories=("big", "small"))]
)
SALES = table_schema(
    [
        Column(name="sale", kind="id"),
        Column(name="shop", kind="id"),
        Column(name="price", kind="number"),
        Column(name="land", kind="category", categories=("DE", "FR")),
        Column(name="day", kind="integer"),
    ]
)
LANDS = table_schema([Column(name="land", kind="id")])


def shops(n: int, seed: int, alike: float = 0.6) -> Relations:
    """Return families; siblings share a part of the variance of the price."""
    draw = np.random.default_rng(seed)
    size = draw.integers(0, 2, n)
    count = draw.poisson(np.where(size == 0, 8, 2)).astype(np.int64)
    owner = np.repeat(np.arange(n), count)
    day = draw.integers(0, 300, len(owner))
    day = day[np.lexsort((day, owner))]
    price = np.sqrt(alike) * draw.normal(size=n)[owner] + np.sqrt(1 - alike) * draw.normal(size=len(owner))
    keys = [f"{seed}-{k}" for k in range(n)]
    tables = {
        "shops": Table.of({"shop": keys, "size": size}, SHOPS),
        "sales": Table.of(
            {
                "sale": [f"{seed}/{k}" for k in range(len(owner))],
                "shop": [keys[k] for k in owner],
                "price": price,
                "land": draw.integers(0, 2, n)[owner],
                "day": day,
            },
            SALES,
        ),
        "lands": Table.of({"land": ["DE", "FR", "IT"]}, LANDS),
    }
    members = [
        Member(name="shops", rows=SHOPS, key="shop"),
        Member(name="sales", rows=SALES, key="sale", parent="shops", column="shop", order="day",
               links=(("land", "lands"),)),
        Member(name="lands", rows=LANDS, key="land", keep=True),
    ]  # fmt: skip
    return Relations(tables, {"sales": count}, relations_schema(members))


def reference() -> Reference[Relations]:
    """Return independent training and holdout families."""
    return Reference(shops(400, 0), shops(300, 1))


def changed(data: Relations, name: str, column: str, values: object) -> Relations:
    """Return the data with other values in one column."""
    table = data.tables[name]
    columns = {one.name: table.values(one.name) for one in table.schema.columns}
    tables = {**data.tables, name: Table.of({**columns, column: values}, table.schema)}  # type: ignore[dict-item]
    return Relations(tables, data.sizes, data.schema)
