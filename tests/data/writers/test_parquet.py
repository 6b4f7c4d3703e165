"""Parquet shards of a whole set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lookalike.data.images import Images, concatenate
from lookalike.data.shards import read_shard
from lookalike.data.writers.parquet import Parquet


def test_rows_go_into_shards_in_order(tmp_path: Path, some: Any, read: Callable[..., Images]) -> None:
    data = some(7, 3, 5, 3)
    paths = Parquet(rows_per_shard=3).write(data, tmp_path)
    assert [path.name for path in paths] == ["part-00000.parquet", "part-00001.parquet", "part-00002.parquet"]
    assert concatenate([read_shard(path) for path in paths]).fingerprint() == data.fingerprint()
    assert read("parquet", path=str(tmp_path)).fingerprint() == data.fingerprint()


@pytest.mark.parametrize("rows", [1, 4])
def test_equal_rows_give_equal_bytes(tmp_path: Path, some: Any, rows: int) -> None:
    content = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        paths = Parquet(rows_per_shard=rows).write(some(5), tmp_path / name)
        content.append([path.read_bytes() for path in paths])
    assert content[0] == content[1]


def test_no_rows_make_one_empty_shard(tmp_path: Path, some: Any) -> None:
    paths = Parquet().write(some(4).take(np.empty(0, np.int64)), tmp_path)
    assert [len(read_shard(path)) for path in paths] == [0]
