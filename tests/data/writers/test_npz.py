"""NumPy archives in MedMNIST's layout."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lookalike.data.images import Images, image_schema
from lookalike.data.writers.npz import Npz


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(shape=st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3])), seed=st.integers(0, 9))
def test_any_size_reads_back_equal(
    tmp_path: Path, read: Callable[..., Images], shape: tuple[int, int, int], seed: int
) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (4, *shape), dtype=np.uint8)
    data = Images(pixels, np.array([1, 0, 0, 1]), image_schema(*shape, ["dog", "cat"]))
    (path,) = Npz(split="test").write(data, tmp_path)
    assert read("npz", path=str(path), split="test").fingerprint() == data.fingerprint()


def test_the_layout_is_that_of_medmnist(tmp_path: Path, some: Any) -> None:
    data = some(5, 3, 4)
    (path,) = Npz().write(data, tmp_path)
    with np.load(path, allow_pickle=False) as arrays:
        assert sorted(arrays) == ["classes", "train_images", "train_labels"]
        assert arrays["train_images"].shape == (5, 3, 4)
        assert arrays["train_labels"].shape == (5, 1)
    assert [p.name for p in tmp_path.iterdir()] == ["images.npz"]


def test_equal_rows_give_equal_bytes_at_any_time(tmp_path: Path, some: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Npz().write(some(5), tmp_path)[0].read_bytes()
    real = time.localtime
    monkeypatch.setattr(time, "localtime", lambda seconds=None: real((seconds or 0) + 10**6))
    assert Npz().write(some(5), tmp_path)[0].read_bytes() == first
