"""What is written as CSV is what was read: byte for byte where the file was plain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lookalike.core.errors import ConfigError
from lookalike.data.corpus import PROBLEM, Corpus, text_schema
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


TEXTS = Corpus.of(
    ['one\nline, "x"', "two", "=three"],
    [1, 0, 1],
    text_schema(["bad", "good"], ["tone", PROBLEM], numbers=["confidence"]),
    {"tone": ["a", "b", "c"], PROBLEM: ["", "odd", ""], "confidence": [0.5, float("nan"), 1.0]},
)


def test_texts_read_back_equal(tmp_path: Path) -> None:
    (path,) = Csv(text="review", label="stars").write(TEXTS.take(np.array([0, 1, 2, 1])), tmp_path)
    assert path.name == "texts.csv"
    assert path.read_text().splitlines()[0] == "review,stars,tone,confidence"
    (tmp_path / "read").mkdir()
    again = Reader(path=str(path), text="review", label="stars", keep=("tone",)).read(tmp_path / "read")
    assert isinstance(again, Corpus)
    assert again.texts() == [*TEXTS.texts(), "two"]
    assert [again.classes[label] for label in again.labels] == ["good", "bad", "good", "bad"]
    assert again.column("tone") == ["a", "b", "c", "b"]
    assert path.read_text().splitlines()[3] == "two,bad,b,"


def test_texts_without_labels_have_no_such_column(tmp_path: Path) -> None:
    (path,) = Csv().write(Corpus.of(["a", "b"], [0, 0], text_schema([])), tmp_path)
    assert path.read_text() == "text\na\nb\n"


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="two columns would be called tone; give text or label another name"):
        Csv(text="tone").write(TEXTS, tmp_path)
