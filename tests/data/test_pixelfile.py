"""A growing pixels.npy is what numpy reads, and a full disk is an error rather than a dead process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lookalike.core.errors import BudgetError
from lookalike.data.pixelfile import PixelFile, chunk_rows


def test_rows_are_what_numpy_reads(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).integers(0, 256, (7, 2, 3, 3), dtype=np.uint8)
    with PixelFile(tmp_path / "p.npy", (2, 3, 3)) as file:
        file.append(rows[:5])
        file.append(rows[5:5])
        file.append(rows[5:])
    assert (np.load(tmp_path / "p.npy", allow_pickle=False) == rows).all()
    assert (file.open() == rows).all()
    assert not file.open().flags.writeable


def test_no_rows_and_wrong_rows(tmp_path: Path) -> None:
    with PixelFile(tmp_path / "p.npy", (2, 3, 1)) as file, pytest.raises(ValueError, match="expected"):
        file.append(np.zeros((1, 3, 2, 1), np.uint8))
    assert file.open().shape == (0, 2, 3, 1)
    assert np.load(tmp_path / "p.npy").shape == (0, 2, 3, 1)
    assert chunk_rows(10**12) == 1


def test_a_full_disk_is_a_budget_error(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full")
    (tmp_path / "p.npy").symlink_to(full)
    rows = np.zeros((1, 1024, 1024, 1), np.uint8)
    with pytest.raises(BudgetError, match="full"), PixelFile(tmp_path / "p.npy", (1024, 1024, 1)) as file:
        file.append(rows)


def test_an_interrupted_write_promises_no_rows(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), PixelFile(tmp_path / "p.npy", (1, 1, 1)) as file:
        file.append(np.zeros((3, 1, 1, 1), np.uint8))
        raise KeyboardInterrupt
    assert np.load(tmp_path / "p.npy").shape == (0, 1, 1, 1)
