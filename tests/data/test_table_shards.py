"""Shards of tables: equal when read back, in the user's own types for pandas and datasets, gathered piece by piece."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lookalike.core.errors import DataError
from lookalike.core.schema import Column
from lookalike.data.gather import gather
from lookalike.data.shards import read_columns, read_shard, unused, write_shard, write_shards
from lookalike.data.table import BOOLEANS, Table, table_schema

COLUMNS = (
    Column(name="n", kind="integer", stored="int32", optional=True),
    Column(name="x", kind="number", decimals=2, optional=True),
    Column(name="ok", kind="boolean", stored="no|yes", categories=BOOLEANS, optional=True),
    Column(name="at", kind="datetime", stored="timestamp[ns]", optional=True),
    Column(name="town", kind="category", stored="dictionary", categories=("NA", "ü", "z"), optional=True),
    Column(name="size", kind="ordinal", categories=("s", "l"), optional=True),
    Column(name="key", kind="id"),
    Column(name="note", kind="text", optional=True),
    Column(name="weight", kind="number"),
)
SCHEMA = table_schema(COLUMNS, "size")


def some(n: int, seed: int = 0) -> Table:
    draw = np.random.default_rng(seed)
    return Table.of(
        {
            "n": np.where(draw.random(n) < 0.2, np.nan, draw.integers(-5, 5, n)),
            "x": np.round(draw.normal(size=n), 2),
            "ok": draw.integers(-1, 2, n),
            "at": np.where(draw.random(n) < 0.2, np.nan, draw.integers(-(10**6), 10**9, n)),
            "town": draw.integers(-1, 3, n),
            "size": draw.integers(-1, 2, n),
            "key": [f"k{value}" for value in draw.permutation(n)],
            "note": [None if value % 3 == 0 else " a\nb " for value in range(n)],
            "weight": draw.random(n),
        },
        SCHEMA,
    )


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(n=st.integers(0, 30), seed=st.integers(0, 9))
def test_a_shard_reads_back_equal(tmp_path: Path, n: int, seed: int) -> None:
    data = some(n, seed)
    write_shard(tmp_path / "x.parquet", data, {"reason": ["no"] * n})
    again = read_shard(tmp_path / "x.parquet")
    assert again.schema == data.schema
    assert again.fingerprint() == data.fingerprint()


def test_others_read_the_types_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets.disable_progress_bars()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    path = tmp_path / "x.parquet"
    write_shard(path, some(50))
    types = {field.name: str(field.type) for field in pq.read_schema(path)}
    assert types["n"] == "int32"
    assert types["at"] == "timestamp[ns]"
    frame = pd.read_parquet(path)
    assert str(frame["town"].dtype) == "category"
    assert set(frame["ok"].dropna()) == {"no", "yes"}
    opened = datasets.load_dataset("parquet", data_files=str(path), split="train", cache_dir=str(tmp_path / "cache"))
    assert opened.column_names == list(SCHEMA.columns[k].name for k in range(len(COLUMNS)))
    assert opened[0]["weight"] == frame["weight"][0]
    assert opened[1]["note"] == " a\nb "


def test_equal_rows_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_shard(tmp_path / name, some(500).take(np.arange(500)))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    paths = write_shards(some(25), tmp_path, rows=10)
    assert [len(read_shard(path)) for path in paths] == [10, 10, 5]


def test_further_columns_need_a_free_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="extra column 'weight'"):
        write_shard(tmp_path / "x.parquet", some(3), {"weight": np.ones(3)})
    name = unused(SCHEMA, "weight")
    assert name == "weight_"
    assert unused(SCHEMA, "reason") == "reason"
    write_shard(tmp_path / "x.parquet", some(3), {name: np.ones(3)})
    assert read_columns(tmp_path / "x.parquet", [name])[name].tolist() == [1, 1, 1]


def test_tables_are_gathered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lookalike.data.gather._TABLE_ROWS", 4)
    parts: list[Any] = [some(10), some(7, 1)]
    whole = gather(parts, tmp_path)
    assert len(whole) == 17
    (tmp_path / "b").mkdir()
    chosen = gather(parts, tmp_path / "b", np.array([0, 9, 10, 16]))
    assert chosen.strings("key") == [
        *parts[0].take(np.array([0, 9])).strings("key"),
        *parts[1].take(np.array([0, 6])).strings("key"),
    ]
