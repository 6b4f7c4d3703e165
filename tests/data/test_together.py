"""Columns that name rows together, by a loop over all sets of columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from lookalike.data.together import Together, keys_together

Cells = Mapping[str, Mapping[str, Sequence[object]]]


def found(tables: Cells) -> list[Together]:
    def words(name: str, columns: Sequence[str]) -> list[pa.Array]:
        return [pa.array([str(cell) for cell in tables[name][column]], pa.large_string()) for column in columns]

    return [*keys_together({name: [*table] for name, table in tables.items()}, [("rows", "owners")], words)]


def test_the_fewest_columns_that_no_two_rows_share_are_taken() -> None:
    draw = np.random.default_rng(0)
    place = draw.permutation(240)
    owners = {
        "c": draw.integers(0, 4, 240).tolist(),
        "b": (place // 40 % 6).tolist(),
        "a": (place % 40).tolist(),
    }
    # Which sets of columns no two rows share, smallest first.
    tuples = {names: len(set(zip(*(owners[name] for name in names), strict=True))) for names in (("c", "b"), ("c", "a"),
              ("b", "a"), ("c", "b", "a"))}  # fmt: skip
    assert [names for names, count in tuples.items() if count == 240] == [("b", "a"), ("c", "b", "a")]
    index = draw.integers(0, 240, 500)
    rows = {name: [column[k] for k in index] for name, column in owners.items()}
    assert found({"owners": owners, "rows": rows}) == [Together("rows", "owners", ("b", "a"), 0.0, len({*index}))]
    for lost, expected in ((20, 1), (40, 0)):
        rows["a"] = [99 if row < lost else owners["a"][k] for row, k in enumerate(index)]
        assert [one.lost for one in found({"owners": owners, "rows": rows})] == [lost / 500] * expected


def test_one_column_that_names_rows_is_no_part() -> None:
    owners: dict[str, Sequence[object]] = {"serial": range(120), "paid": ["a", "b"] * 60}
    assert found({"owners": owners, "rows": owners}) == []


def test_names_must_be_the_same() -> None:
    owners: dict[str, Sequence[object]] = {"a": [k % 40 for k in range(240)], "b": [k // 40 for k in range(240)]}
    assert found({"owners": owners, "rows": owners})
    assert found({"owners": owners, "rows": {"a": owners["a"], "x": owners["b"]}}) == []
