"""What is written as CSV is what was read: byte for byte where the file was plain."""

from __future__ import annotations

from pathlib import Path

import pytest

from lookalike.data.readers.csv import Csv as Reader
from lookalike.data.table import Table
from lookalike.data.writers.csv import Csv

PLAIN = (
    "number,share,born,ok,town,code\n"
    '1,0.50,2021-01-02,yes,"Ulm, ""Donau""",007\n'
    "-2,1.25,,no,Bonn,010\n"
    ",0.10,2021-03-01,yes,,007\n"
)


def _table(tmp_path: Path, content: str, **options: object) -> Table:
    (tmp_path / "rows.csv").write_text(content)
    (tmp_path / "read").mkdir()
    return Reader(path=str(tmp_path / "rows.csv"), **options).read(tmp_path / "read")  # type: ignore[arg-type,return-value]


def test_a_plain_file_comes_back_byte_for_byte(tmp_path: Path) -> None:
    (path,) = Csv().write(_table(tmp_path, PLAIN), tmp_path)
    assert path.read_text() == PLAIN


def test_another_delimiter_and_word_for_missing(tmp_path: Path) -> None:
    (path,) = Csv(delimiter=";", missing="NA").write(_table(tmp_path, PLAIN), tmp_path)
    assert path.read_text().splitlines()[2:] == ["-2;1.25;NA;no;Bonn;010", "NA;0.10;2021-03-01;yes;NA;007"]


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_pieces_join(tmp_path: Path, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lookalike.data.writers.csv._ROWS", rows)
    (path,) = Csv().write(_table(tmp_path, PLAIN), tmp_path)
    assert path.read_text() == PLAIN


def test_no_rows_give_the_header(tmp_path: Path) -> None:
    (path,) = Csv().write(Table.empty(_table(tmp_path, PLAIN).schema), tmp_path)
    assert path.read_text() == PLAIN.splitlines()[0] + "\n"
