"""Rows of other packages come into the columns of the data, and what does not fit is counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.tabular_cast import cast

from lookalike.core.errors import DataError
from lookalike.core.registry import find
from lookalike.data.table import Table

_REAL = (
    "age,weight,town,since,ill\n"
    "30,61.5,Bonn,01.02.2020,no\n"
    "41,70.2,Ulm,03.04.2021,yes\n"
    "52,,Bonn,05.06.2022,no\n"
    "63,80.0,Ulm,07.08.2023,yes\n"
)


def _real(folder: Path) -> Table:
    (folder / "real.csv").write_text(_REAL)
    (folder / "read").mkdir()
    columns = {"town": {"kind": "category"}, "age": {"kind": "integer"}, "since": {"kind": "datetime"}}
    reader = find("readers", "csv")(path=str(folder / "real.csv"), label="ill", table=True, columns=columns)
    found = reader.read(folder / "read")
    assert isinstance(found, Table)
    return found


def test_what_we_wrote_comes_back_as_it_was(tmp_path: Path) -> None:
    real = _real(tmp_path)
    find("writers", "csv")().write(real, tmp_path)
    found = cast(tmp_path / "table.csv", real)
    assert found.table.fingerprint() == real.fingerprint()
    assert (found.unlabelled, found.unknown, found.beyond) == (0, 0, 0)


def test_numbers_are_rounded_and_what_does_not_fit_is_counted(tmp_path: Path) -> None:
    real = _real(tmp_path)
    rows = tmp_path / "rows.csv"
    rows.write_text(
        "ill,since,town,weight,age\n"
        "no,05.06.2022,Bonn,61.4999,30.4\n"
        "yes,2022-06-05,Rome,9e1,63.0\n"
        ",05.06.2022,Bonn,61.5,40\n"
        "no,05.06.2022,?,heavy,-1\n"
    )
    found = cast(rows, real)
    assert found.table.numbers("age").tolist() == [30, 63, -1]
    np.testing.assert_array_equal(found.table.numbers("weight"), [61.5, 90, np.nan])
    assert found.table.codes("town").tolist() == [0, -1, -1]
    assert found.unlabelled == 1
    # A date in another format, a town that is not there, a weight that is no number; "?" is missing.
    assert found.unknown == pytest.approx(3 / 20)
    # 90 and -1, among 4 ages, 3 weights and 3 dates.
    assert found.beyond == pytest.approx(2 / 10)


def test_an_absent_column_is_named(tmp_path: Path) -> None:
    real = _real(tmp_path)
    (tmp_path / "rows.csv").write_text("age,weight\n1,2\n")
    with pytest.raises(DataError, match="no column town"):
        cast(tmp_path / "rows.csv", real)
