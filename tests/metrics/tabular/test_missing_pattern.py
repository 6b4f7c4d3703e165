"""Values must be missing together as in real rows: neither never, nor each on its own."""

from __future__ import annotations

import numpy as np
import pytest
from tests.data.people import people, reference, schema

from lookalike.core.contracts import Reference
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.core.schema import Column
from lookalike.data.shuffled import shuffled_columns
from lookalike.data.table import Table, table_schema
from lookalike.metrics.tabular.missing_pattern import MissingPattern


def test_values_missing_independently_are_found() -> None:
    real = reference()
    found = MissingPattern().score(real, shuffled_columns(people(800, 3), np.random.default_rng(0)), Rng(0))
    assert found.floor is not None
    assert found.value > 2 * found.floor
    assert found.value == pytest.approx(found.detail["independent"], abs=0.05)
    assert found.ceiling == 1.0


def test_rows_without_gaps_score_the_share_of_rows_that_have_some() -> None:
    made = people(800, 3)
    columns = {column.name: made.values(column.name) for column in made.schema.columns}
    columns["pay"] = np.nan_to_num(np.asarray(columns["pay"], dtype=float))
    columns["job"] = np.maximum(np.asarray(columns["job"]), 0)
    found = MissingPattern().score(reference(), Table.of(columns, schema()), Rng(0))
    share = float(reference().holdout.missing("pay").mean())
    assert found.value == pytest.approx(share)
    assert found.detail["complete"] == pytest.approx(share)
    assert found.detail["columns"][0]["column"] == "pay"
    assert {"missing": [], "real": pytest.approx(1 - share), "synthetic": 1.0} in found.detail["patterns"]


def test_keys_and_free_texts_do_not_count() -> None:
    """No generator models them: a column that is blank where real rows have texts changes nothing."""
    kinds = [Column(name="ref", kind="id", optional=True), Column(name="note", kind="text", optional=True)]

    def noted(data: Table, words: list[str | None]) -> Table:
        columns = {column.name: data.values(column.name) for column in data.schema.columns}
        whole = table_schema([*kinds, *data.schema.columns])
        return Table.of({**columns, "ref": words, "note": words}, whole)

    real, made = reference(), people(800, 3)
    filled = [noted(rows, ["a text"] * len(rows)) for rows in (real.train, real.holdout)]
    found = MissingPattern().score(Reference(*filled), noted(made, [None] * len(made)), Rng(0))
    plain = MissingPattern().score(real, made, Rng(0))
    assert (found.value, found.floor, found.ceiling) == (plain.value, plain.floor, plain.ceiling)
    assert {row["column"] for row in found.detail["columns"]}.isdisjoint({"ref", "note"})
    words = noted(made, [None] * len(made)).select(["ref", "note"])
    with pytest.raises(DataError, match="keys and free texts only"):
        MissingPattern().score(Reference(words, words), words, Rng(0))
